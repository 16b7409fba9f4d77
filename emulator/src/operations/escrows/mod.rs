//! Escrows: money held until terms are met, then released to the receiver or reversed to the sender.
//!
//! No source shows the error of an escrow operation, nor a status between `pending` and the final ones. The emulator funds
//! an escrow at its creation, keeps it `pending` while any money is held, and then calls it `released` if any money was
//! released, and `reversed` otherwise.

mod create;
mod dispute;
mod fulfill;
pub(crate) mod inspect;
mod party;
mod release;
mod terms;
mod view;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use piaxis::{
    AllocationStatus, Amount, EscrowStatus, JsonObject, PaymentMethod,
    types::{AllocationCreate, Location},
};
use serde::{Deserialize, Serialize};

pub(crate) use create::{NewEscrow, create, open};
pub use dispute::Resolution;
pub(crate) use dispute::{dispute, resolve};
pub(crate) use fulfill::{fulfill_term, meet_term};
pub(crate) use party::{Party, Who};
pub(crate) use release::{Obstacle, obstacle, release, release_all, reverse};
pub(crate) use view::{get, status as fulfillment};

use super::Context;
use crate::{
    response::{Rejection, Response},
    world::{
        World,
        ids::Kind,
        ledger::{Account, zero},
        table::Row,
    },
};
use dispute::Dispute;
use terms::Term;

/// An escrow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Escrow {
    /// The merchant among the parties: the receiver of an order's money, or the sender of a payout.
    merchant: Row,
    sender: Party,
    receiver: Party,
    /// Account that paid, which a reversal credits.
    funded_by: Account,
    amount: Amount,
    currency: String,
    method: PaymentMethod,
    terms: Vec<Term>,
    allocations: Vec<Allocation>,
    released: Amount,
    reversed: Amount,
    /// The open dispute.
    dispute: Option<Dispute>,
    location: Option<Location>,
    external_user_id: Option<String>,
    external_order_id: Option<String>,
    metadata: Option<JsonObject>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A part of the amount.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Allocation {
    order: AllocationCreate,
    status: AllocationStatus,
    status_reason: Option<String>,
    status_updated_at: Option<DateTime<Utc>>,
}

impl Escrow {
    /// Money that neither was released nor reversed.
    fn held(&self) -> Amount {
        let left = self.amount.checked_sub(self.released).and_then(|left| left.checked_sub(self.reversed));
        left.unwrap_or_else(zero)
    }

    fn is_settled(&self) -> bool {
        !self.held().is_positive()
    }

    fn status(&self) -> EscrowStatus {
        match (self.is_settled(), self.released.is_positive()) {
            (false, _) => EscrowStatus::Pending,
            (true, true) => EscrowStatus::Released,
            (true, false) => EscrowStatus::Reversed,
        }
    }

    fn are_terms_met(&self) -> bool {
        self.terms.iter().all(|term| term.met_at.is_some())
    }
}

/// Id of an escrow.
pub(crate) fn id(world: &World, row: Row) -> String {
    world.ids.id(Kind::Escrow, row)
}

/// Status of an escrow.
pub(crate) fn status(world: &World, row: Row) -> EscrowStatus {
    world.escrows.get(row).map_or(EscrowStatus::Pending, Escrow::status)
}

/// Number of the terms of an escrow.
pub(crate) fn terms_count(world: &World, row: Row) -> usize {
    world.escrows.get(row).map_or(0, |escrow| escrow.terms.len())
}

/// The escrow of the path, where it is the merchant's or the payer's own.
fn find(context: &Context<'_>) -> Result<(Row, Escrow), Rejection> {
    let row = context.world.ids.row(Kind::Escrow, context.path("escrow_id"));
    let found = row.and_then(|row| Some((row, context.world.escrows.get(row)?)));
    let own = found.filter(|(_, escrow)| !escrow.sides_of(context.actor).is_empty());
    own.map(|(row, escrow)| (row, escrow.clone())).ok_or_else(|| Response::not_found("Escrow"))
}

/// The escrow, to be changed now.
fn change(world: &mut World, row: Row) -> Result<&mut Escrow, Rejection> {
    let now = world.now();
    let escrow = world.escrows.get_mut(row).ok_or_else(|| Response::not_found("Escrow"))?;
    escrow.updated_at = now;
    Ok(escrow)
}

/// Rejects an amount that is not positive, or that has more decimal places than the API writes. No source shows these
/// errors.
pub(crate) fn check_amount(amount: Amount, place: &[&str]) -> Result<(), Rejection> {
    if !amount.is_positive() {
        return Err(Response::invalid_field(place, "Input should be greater than 0", "greater_than"));
    }
    if amount.to_decimal().normalize().scale() > 2 {
        let message = "Decimal input should have no more than 2 decimal places";
        return Err(Response::invalid_field(place, message, "decimal_max_places"));
    }
    Ok(())
}
