//! What the page shows of a batch of payouts.

use chrono::{DateTime, Utc};
use piaxis::{Amount, DisbursementStatus, types::Recipient};

use super::{Counts, Disbursement};
use crate::world::{World, ids::Kind, table::Row};

/// A disbursement or an escrow disbursement.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) id: String,
    pub(crate) merchant: Row,
    pub(crate) status: String,
    /// Whether the batch goes on.
    pub(crate) is_open: bool,
    pub(crate) amount: Amount,
    pub(crate) fee: Amount,
    pub(crate) currency: String,
    pub(crate) description: Option<String>,
    pub(crate) counts: Counts,
    pub(crate) items: Vec<InspectedItem>,
    pub(crate) item_count: usize,
    pub(crate) created_at: DateTime<Utc>,
}

/// A payout.
#[derive(Debug)]
pub(crate) struct InspectedItem {
    pub(crate) recipient: String,
    pub(crate) amount: Amount,
    pub(crate) status: String,
    /// Id of the escrow that holds the money.
    pub(crate) escrow: Option<String>,
}

/// A disbursement as the page shows it, with this many items at most.
pub(crate) fn inspect(world: &World, row: Row, batch: &Disbursement, most: usize) -> Inspected {
    let item = |item: &super::Item| InspectedItem {
        recipient: name(&item.recipient),
        amount: item.recipient.amount,
        status: item.status.to_string(),
        escrow: None,
    };
    Inspected {
        id: world.ids.id(Kind::Disbursement, row),
        merchant: batch.merchant,
        status: batch.status.to_string(),
        is_open: matches!(batch.status, DisbursementStatus::Pending | DisbursementStatus::Processing),
        amount: batch.totals.amount,
        fee: batch.totals.fee,
        currency: batch.currency.to_string(),
        description: batch.description.as_deref().map(str::to_owned),
        counts: batch.counts(),
        items: batch.items.iter().take(most).map(item).collect(),
        item_count: batch.items.len(),
        created_at: batch.created_at,
    }
}

fn name(recipient: &Recipient) -> String {
    let names = [&recipient.phone_number, &recipient.email, &recipient.recipient_id];
    names.into_iter().flatten().next().cloned().unwrap_or_else(|| "unknown".to_owned())
}
