//! What the page shows of an escrow.

use chrono::{DateTime, Utc};
use piaxis::{Amount, EscrowStatus};

use super::{Escrow, Party, Who, id};
use crate::world::{World, table::Row};

/// An escrow, with the names of its parties.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) id: String,
    pub(crate) status: EscrowStatus,
    pub(crate) sender: String,
    pub(crate) receiver: String,
    pub(crate) amount: Amount,
    pub(crate) held: Amount,
    pub(crate) released: Amount,
    pub(crate) reversed: Amount,
    pub(crate) currency: String,
    pub(crate) terms: Vec<InspectedTerm>,
    pub(crate) allocations: Vec<InspectedAllocation>,
    /// Reason of the open dispute.
    pub(crate) dispute: Option<String>,
    pub(crate) order: Option<String>,
    /// Metadata as JSON.
    pub(crate) metadata: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
}

/// A term.
#[derive(Debug)]
pub(crate) struct InspectedTerm {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) met_at: Option<DateTime<Utc>>,
}

/// An allocation.
#[derive(Debug)]
pub(crate) struct InspectedAllocation {
    pub(crate) key: String,
    pub(crate) amount: Amount,
    pub(crate) status: String,
    pub(crate) seller: Option<String>,
}

/// An escrow as the page shows it.
pub(crate) fn inspect(world: &World, row: Row, escrow: &Escrow) -> Inspected {
    let term =
        |term: &super::Term| InspectedTerm { id: term.id(world), kind: term.kind.to_string(), met_at: term.met_at };
    let allocation = |one: &super::Allocation| InspectedAllocation {
        key: one.order.allocation_key.clone(),
        amount: one.order.amount,
        status: one.status.to_string(),
        seller: one.order.seller_reference.clone(),
    };
    let metadata = escrow.metadata.as_ref().and_then(|metadata| serde_json::to_string(metadata).ok());
    Inspected {
        id: id(world, row),
        status: escrow.status(),
        sender: name(world, &escrow.sender),
        receiver: name(world, &escrow.receiver),
        amount: escrow.amount,
        held: escrow.held(),
        released: escrow.released,
        reversed: escrow.reversed,
        currency: escrow.currency.clone(),
        terms: escrow.terms.iter().map(term).collect(),
        allocations: escrow.allocations.iter().map(allocation).collect(),
        dispute: escrow.dispute.as_ref().map(|dispute| dispute.reason.clone()),
        order: escrow.external_order_id.clone(),
        metadata,
        created_at: escrow.created_at,
    }
}

fn name(world: &World, party: &Party) -> String {
    let name = match party.who {
        Who::Merchant(row) => world.merchants.get(row).map(|merchant| merchant.name.clone()),
        Who::User(row) => world.users.get(row).map(|user| user.external_user_id.clone()),
        Who::Unregistered => party.phone_number.clone().or_else(|| party.email.clone()),
    };
    name.unwrap_or_else(|| "unknown".to_owned())
}
