//! How a disbursement goes on by itself: pending, processing, then settled.

use std::sync::LazyLock;

use jsonschema::Validator;
use piaxis::{DisbursementStatus as Status, webhook::EventType};
use serde_json::{Value, json};

use super::{Disbursement, Item};
use crate::{
    contract::CONTRACT,
    response::{Rejection, Response},
    world::{World, ids::Kind, ledger::Account, table::Row},
};

/// Takes a disbursement one status further. One that is cancelled or settled stays as it is.
///
/// No source shows when statuses change; a disbursement is processing after half the time that it takes.
pub(crate) fn progress(world: &mut World, row: Row) -> Result<(), Rejection> {
    let Some(disbursement) = world.disbursements.get(row).cloned() else { return Ok(()) };
    match disbursement.status {
        Status::Pending => {
            world.disbursements.update(row, |disbursement| disbursement.set_status(Status::Processing));
            Disbursement::announce(world, row, EventType::DisbursementStatusUpdated);
            Ok(())
        }
        Status::Processing => settle(world, row, disbursement, false),
        _ => Ok(()),
    }
}

/// Settles a disbursement, with the payouts that would stay pending, as a test asks.
pub(crate) fn finish(world: &mut World, row: Row) -> Result<(), Rejection> {
    let found =
        |world: &World| world.disbursements.get(row).cloned().ok_or_else(|| Response::not_found("Disbursement"));
    if found(world)?.status == Status::Pending {
        progress(world, row)?;
    }
    match found(world)? {
        processing if processing.status == Status::Processing => settle(world, row, processing, true),
        _ => Err(Response::bad_request("The disbursement is settled")),
    }
}

/// What becomes of a payout.
enum Outcome {
    Paid(Account),
    Failed,
    Pending,
}

/// Pays every item that can be paid, and returns the money of those that fail.
fn settle(world: &mut World, row: Row, mut disbursement: Disbursement, is_last: bool) -> Result<(), Rejection> {
    let (from, merchant) = (Account::Disbursement(row), Account::Merchant(disbursement.merchant));
    let currency = disbursement.currency.clone();
    for item in disbursement.items.iter_mut().filter(|item| item.status == Status::Processing) {
        let (to, mut fee_to, mut status) = match outcome(world, item) {
            Outcome::Paid(to) => (to, Account::Fees, Status::Completed),
            Outcome::Failed => (merchant.clone(), merchant.clone(), Status::Failed),
            Outcome::Pending if is_last => (Account::Outside, Account::Fees, Status::Completed),
            Outcome::Pending => continue,
        };
        let moved = world.transfer(from.clone(), to, item.recipient.amount, &currency);
        if moved.is_err() {
            // The balance of the recipient has no digits for the sum.
            (fee_to, status) = (merchant.clone(), Status::Failed);
            world.transfer(from.clone(), merchant.clone(), item.recipient.amount, &currency)?;
        }
        if item.fee.is_positive() {
            world.transfer(from.clone(), fee_to, item.fee, &currency)?;
        }
        item.status = status;
    }
    let counts = disbursement.counts();
    let status = match (counts.pending, counts.successful, counts.failed) {
        (1.., _, _) => Status::Processing,
        (_, _, 0) => Status::Completed,
        (_, 0, _) => Status::Failed,
        _ => Status::PartiallyCompleted,
    };
    let (is_settled, now) = (status != Status::Processing, world.now());
    world.disbursements.update(row, |changed| {
        changed.items = disbursement.items;
        changed.status = status;
        changed.completed_at = is_settled.then_some(now);
    });
    if is_settled {
        Disbursement::announce(world, row, EventType::DisbursementStatusUpdated);
    }
    Ok(())
}

/// No source shows when a payout fails. An e-mail address is no target; neither is text that is no phone number.
fn outcome(world: &World, item: &Item) -> Outcome {
    match (item.account(), item.recipient.phone_number.as_deref()) {
        // The money of an account that the emulator does not know leaves it.
        (Some(id), _) => Outcome::Paid(account(world, id).unwrap_or(Account::Outside)),
        (None, Some(crate::PENDING_PHONE_NUMBER)) => Outcome::Pending,
        (None, Some(number)) if number != crate::DECLINED_PHONE_NUMBER && is_phone_number(number) => {
            Outcome::Paid(Account::Outside)
        }
        _ => Outcome::Failed,
    }
}

/// The account that a recipient id names, where the emulator knows it. Any id is accepted, as the documented examples use
/// ids of their own.
pub(crate) fn account(world: &World, id: &str) -> Option<Account> {
    let merchant = world.ids.row(Kind::Merchant, id).filter(|row| world.merchants.get(*row).is_some());
    let user = world.ids.row(Kind::User, id).filter(|row| world.users.get(*row).is_some());
    merchant.map(Account::Merchant).or(user.map(Account::User))
}

fn is_phone_number(text: &str) -> bool {
    static PATTERN: LazyLock<Option<Validator>> = LazyLock::new(|| {
        let pattern = &CONTRACT.document["x-piaxis-payouts"]["phone_numbers"]["pattern"];
        jsonschema::validator_for(&json!({ "pattern": pattern })).ok()
    });
    PATTERN.as_ref().is_some_and(|pattern| pattern.is_valid(&Value::from(text)))
}
