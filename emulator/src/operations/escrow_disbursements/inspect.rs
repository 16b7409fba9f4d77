//! What the page shows of an escrow disbursement.

use piaxis::Amount;

use super::EscrowDisbursement;
use crate::{
    operations::{
        disbursements::inspect::{Inspected, InspectedItem},
        escrows,
    },
    world::{World, ids::Kind, table::Row},
};

/// An escrow disbursement as the page shows it, with this many items at most.
pub(crate) fn inspect(world: &World, row: Row, batch: &EscrowDisbursement, most: usize) -> Inspected {
    let item = |item: &super::Item| {
        let recipient = &item.recipient;
        let names = [&recipient.phone_number, &recipient.email, &recipient.recipient_id];
        InspectedItem {
            recipient: names.into_iter().flatten().next().cloned().unwrap_or_else(|| "unknown".to_owned()),
            amount: recipient.amount,
            status: escrows::status(world, item.escrow).to_string(),
            escrow: Some(escrows::id(world, item.escrow)),
        }
    };
    let counts = batch.counts(world);
    Inspected {
        id: world.ids.id(Kind::EscrowDisbursement, row),
        merchant: batch.merchant,
        status: batch.status(world).to_string(),
        is_open: counts.pending > 0,
        amount: batch.total,
        fee: Amount::ZERO,
        currency: batch.currency.to_string(),
        description: batch.description.as_deref().map(str::to_owned),
        counts,
        items: batch.items.iter().take(most).map(item).collect(),
        item_count: batch.items.len(),
        created_at: batch.created_at,
    }
}
