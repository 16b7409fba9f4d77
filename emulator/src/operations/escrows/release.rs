//! Release to the receiver and reversal to the sender, wholly or in part.

use piaxis::{
    AllocationStatus, Amount, EscrowStatus, TermType,
    types::{EscrowRelease, EscrowReleased, EscrowReverse, EscrowReversed},
    webhook::EventType,
};
use serde_json::Map;

use super::{
    Escrow, change, check_amount, find, id,
    party::{Side, Who, acting, forbidden},
    view,
};
use crate::{
    operations::Context,
    response::{Rejection, Response},
    world::{
        World,
        ledger::{Account, zero},
        table::Row,
    },
};

/// Where the money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Release,
    Reverse,
}

/// The part of the held money that a request names; all of it by default.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub(super) amount: Option<Amount>,
    pub(super) allocation_keys: Option<Vec<String>>,
}

/// Money to move, with the allocations that it settles.
#[derive(Debug, Clone)]
struct Selection {
    amount: Amount,
    /// Positions of the allocations.
    allocations: Vec<usize>,
}

/// Why an escrow cannot be released. No source shows the errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// No money is held.
    Settled,
    /// A dispute is open.
    Disputed,
    /// A term is not met that only `force` overrules.
    TermsNotMet,
    /// The mobile-money provider rejects the beneficiary.
    Declined,
}

impl From<Obstacle> for Rejection {
    fn from(obstacle: Obstacle) -> Self {
        Self::bad_request(match obstacle {
            Obstacle::Settled => "The escrow is already settled",
            Obstacle::Disputed => "The escrow has an open dispute",
            Obstacle::TermsNotMet => "Not all terms of the escrow are met",
            Obstacle::Declined => "The payout to the receiver was declined",
        })
    }
}

impl Escrow {
    /// Rejects what a settled or disputed escrow does not allow.
    pub(super) fn check_open(&self) -> Result<(), Obstacle> {
        if self.is_settled() {
            Err(Obstacle::Settled)
        } else if self.dispute.is_some() {
            Err(Obstacle::Disputed)
        } else {
            Ok(())
        }
    }

    fn check_release(&self, force: bool) -> Result<(), Obstacle> {
        self.check_open()?;
        // A release is what meets this type.
        let is_met = |term: &super::Term| term.met_at.is_some() || term.kind == TermType::ManualRelease;
        if !force && !self.terms.iter().all(is_met) {
            return Err(Obstacle::TermsNotMet);
        }
        if self.receiver.is_declined() {
            return Err(Obstacle::Declined);
        }
        Ok(())
    }

    fn is_pending(&self, at: usize) -> bool {
        self.allocations.get(at).is_some_and(|allocation| allocation.status == AllocationStatus::Pending)
    }

    fn pending(&self) -> Vec<usize> {
        (0..self.allocations.len()).filter(|at| self.is_pending(*at)).collect()
    }

    pub(super) fn has_pending_allocations(&self) -> bool {
        !self.pending().is_empty()
    }

    fn sum(&self, allocations: &[usize]) -> Amount {
        let amounts = allocations.iter().filter_map(|at| self.allocations.get(*at)).map(|one| one.order.amount);
        Amount::checked_sum(amounts).unwrap_or_else(zero)
    }

    /// The money that a request is about. An amount alone is taken from the money that belongs to no allocation.
    ///
    /// No source shows these rules.
    fn select(&self, part: &Part) -> Result<Selection, Rejection> {
        let (held, pending) = (self.held(), self.pending());
        if let Some(amount) = part.amount {
            check_amount(amount, &["body", "amount"])?;
        }
        let Some(keys) = &part.allocation_keys else {
            let free = held.checked_sub(self.sum(&pending)).unwrap_or_else(zero);
            return match part.amount {
                Some(amount) if amount > held => Err(Response::bad_request("The amount exceeds the held money")),
                Some(amount) if amount < held && amount > free => Err(Response::bad_request(
                    "The amount exceeds the held money without allocation: name the allocations",
                )),
                Some(amount) if amount < held => Ok(Selection { amount, allocations: Vec::new() }),
                _ => Ok(Selection { amount: held, allocations: pending }),
            };
        };
        if keys.is_empty() {
            return Err(Response::bad_request("allocation_keys must not be empty"));
        }
        let mut allocations = Vec::new();
        for key in keys {
            let Some(at) = self.allocations.iter().position(|known| known.order.allocation_key == *key) else {
                return Err(Response::bad_request(&format!("Unknown allocation: {key}")));
            };
            if !self.is_pending(at) {
                return Err(Response::bad_request(&format!("The allocation is already settled: {key}")));
            }
            if allocations.contains(&at) {
                return Err(Response::bad_request(&format!("The allocation is named twice: {key}")));
            }
            allocations.push(at);
        }
        let amount = self.sum(&allocations);
        if part.amount.is_some_and(|given| given != amount) {
            return Err(Response::bad_request("The amount must be the sum of the allocations"));
        }
        Ok(Selection { amount, allocations })
    }
}

/// Moves held money; returns the amount and the keys of the allocations.
pub(super) fn move_money(
    world: &mut World,
    row: Row,
    way: Way,
    part: &Part,
    reason: Option<&str>,
) -> Result<(Amount, Option<Vec<String>>), Rejection> {
    let now = world.now();
    let escrow = change(world, row)?;
    let Selection { amount, allocations } = escrow.select(part)?;
    let (to, total, status) = match way {
        Way::Release => (escrow.receiver.account(), &mut escrow.released, AllocationStatus::Released),
        Way::Reverse => (escrow.funded_by.clone(), &mut escrow.reversed, AllocationStatus::Reversed),
    };
    *total = total.checked_add(amount).ok_or_else(|| Response::bad_request("The amount cannot be moved"))?;
    for at in &allocations {
        let Some(allocation) = escrow.allocations.get_mut(*at) else { continue };
        allocation.status = status.clone();
        allocation.status_reason = reason.map(str::to_owned);
        allocation.status_updated_at = Some(now);
    }
    if way == Way::Release && escrow.is_settled() {
        let manual = escrow.terms.iter_mut().filter(|term| term.kind == TermType::ManualRelease);
        manual.for_each(|term| term.met_at = Some(now));
    }
    let key = |at: &usize| escrow.allocations.get(*at).map(|allocation| allocation.order.allocation_key.clone());
    let keys = (!allocations.is_empty()).then(|| allocations.iter().filter_map(key).collect());
    let currency = escrow.currency.clone();
    world.transfer(Account::Escrow(row), to, amount, &currency)?;
    Ok((amount, keys))
}

/// Tells the merchant of a release. No source shows the data of the event.
pub(super) fn announce_release(world: &mut World, row: Row, amount: Amount, term_id: Option<String>) {
    let Some(escrow) = world.escrows.get(row) else { return };
    let merchant = escrow.merchant;
    let mut data = Map::new();
    data.insert("escrow_id".into(), id(world, row).into());
    data.insert("currency_code".into(), escrow.currency.as_str().into());
    data.insert("amount".into(), crate::webhooks::number(amount));
    data.insert("status".into(), escrow.status().as_str().into());
    data.extend(term_id.map(|term_id| ("term_id".to_owned(), term_id.into())));
    world.event(merchant, EventType::EscrowReleased.as_str(), data);
}

/// Why an escrow cannot be released now.
pub(crate) fn obstacle(world: &World, row: Row, force: bool) -> Option<Obstacle> {
    world.escrows.get(row).and_then(|escrow| escrow.check_release(force).err())
}

/// Releases all that is held, and tells the merchant.
pub(crate) fn release_all(world: &mut World, row: Row, force: bool, reason: Option<&str>) -> Result<(), Rejection> {
    if let Some(obstacle) = obstacle(world, row, force) {
        return Err(obstacle.into());
    }
    let (amount, _) = move_money(world, row, Way::Release, &Part::default(), reason)?;
    announce_release(world, row, amount, None);
    Ok(())
}

/// Releases to the receiver. The merchant of the escrow may, and the sender.
///
/// No source shows who may release, nor by whom `force` is allowed: the emulator lets both use it.
pub(crate) fn release(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let (row, escrow) = find(context)?;
    let request: EscrowRelease = context.body()?;
    let sides = acting(context, &escrow, request.user_info.as_ref())?;
    let may = |side: &Side| *side == Side::Sender || matches!(escrow.party(*side).who, Who::Merchant(_));
    if !sides.iter().any(may) {
        return Err(forbidden());
    }
    escrow.check_release(request.force)?;
    let part = Part { amount: request.amount, allocation_keys: request.allocation_keys };
    let reason = request.reason.as_deref();
    let (amount, keys) = move_money(context.world, row, Way::Release, &part, reason)?;
    announce_release(context.world, row, amount, None);
    // A part is `released` as well, as recorded responses show.
    let response = EscrowReleased::builder()
        .status(EscrowStatus::Released)
        .escrow_id(id(context.world, row))
        .force(request.force)
        .maybe_reason(request.reason)
        .amount(amount)
        .maybe_allocation_keys(keys)
        .maybe_allocation_summary(context.world.escrows.get(row).and_then(view::summary));
    context.respond(&response.build())
}

/// Reverses to the sender. The receiver may at any time; the sender while no term is met, or once a return is requested.
///
/// No source shows who may reverse, nor when.
pub(crate) fn reverse(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let (row, escrow) = find(context)?;
    let request: EscrowReverse = context.body()?;
    let sides = acting(context, &escrow, request.user_info.as_ref())?;
    escrow.check_open()?;
    let is_begun = escrow.terms.iter().any(|term| term.met_at.is_some());
    let is_returned = escrow.terms.iter().any(super::terms::is_return_requested);
    if !sides.contains(&Side::Receiver) && is_begun && !is_returned {
        return Err(Response::bad_request("A term of the escrow is met: only the receiver can reverse"));
    }
    let part = Part { amount: request.amount, allocation_keys: request.allocation_keys };
    let (amount, keys) = move_money(context.world, row, Way::Reverse, &part, request.reason.as_deref())?;
    let response = EscrowReversed::builder()
        .status(EscrowStatus::Reversed)
        .escrow_id(id(context.world, row))
        .maybe_reason(request.reason)
        .amount(amount)
        .maybe_allocation_keys(keys)
        .maybe_allocation_summary(context.world.escrows.get(row).and_then(view::summary));
    context.respond(&response.build())
}
