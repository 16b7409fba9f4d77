//! Escrow disbursements: batches of payouts, each held in an escrow until its terms are met.
//!
//! The status of an item is the one of its escrow, and the status of a batch follows from its items. No source shows how
//! the statuses of a batch change, nor fees: the emulator charges none.

pub(crate) mod inspect;
mod release;
mod respond;

use chrono::{DateTime, Utc};
use piaxis::{
    Amount, EscrowDisbursementStatus as Status, EscrowStatus,
    types::{
        DisbursementCancel, EscrowDisbursementCreate, EscrowDisbursementFilter, EscrowDisbursementList, EscrowRecipient,
    },
    webhook::EventType,
};
use serde::{Deserialize, Serialize};

pub(crate) use release::release;

use super::{
    Context,
    disbursements::{self, Cancellation, Counts},
    escrows::{self, NewEscrow, Party, Who},
    lists::PageOf,
};
use crate::{
    response::{Invalid, Rejection, Response},
    world::{
        World,
        ids::Kind,
        index::{Indexed, IndexedTable},
        ledger::Account,
        table::Row,
    },
};

/// An escrow disbursement. Its money is in the escrows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EscrowDisbursement {
    merchant: Row,
    currency: Box<str>,
    description: Option<Box<str>>,
    total: Amount,
    items: Vec<Item>,
    created_at: DateTime<Utc>,
    cancelled: Option<Cancellation>,
}

/// The escrow of one recipient.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    number: Row,
    escrow: Row,
    recipient: EscrowRecipient,
}

/// All escrow disbursements.
pub(crate) type EscrowDisbursements = IndexedTable<EscrowDisbursement>;

impl Indexed for EscrowDisbursement {
    /// Merchant. The status is not in the index, because it changes with the escrows.
    type Filter = Row;

    fn filters(&self) -> Vec<Row> {
        vec![self.merchant]
    }

    fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
}

impl EscrowDisbursement {
    /// Released escrows are successful, and reversed ones failed. No source shows what counts as failed.
    ///
    /// A cancelled batch has no pending items, as recorded responses show, although their escrows go on.
    fn counts(&self, world: &World) -> Counts {
        let mut counts = Counts::default();
        for item in &self.items {
            match escrows::status(world, item.escrow) {
                EscrowStatus::Released => counts.successful += 1,
                EscrowStatus::Reversed => counts.failed += 1,
                _ if self.cancelled.is_some() => {}
                _ => counts.pending += 1,
            }
        }
        counts
    }

    fn status(&self, world: &World) -> Status {
        let counts = self.counts(world);
        match (counts.pending, counts.successful, counts.failed) {
            _ if self.cancelled.is_some() => Status::Cancelled,
            (1.., 0, 0) => Status::Pending,
            (1.., _, _) => Status::Processing,
            (_, _, 0) => Status::Completed,
            (_, 0, _) => Status::Failed,
            _ => Status::PartiallyCompleted,
        }
    }

    /// Records an event of a batch.
    fn announce(world: &mut World, row: Row, event: EventType) {
        let Some(batch) = world.escrow_disbursements.get(row) else { return };
        let (merchant, id) = (batch.merchant, world.ids.id(Kind::EscrowDisbursement, row));
        let status = batch.status(world);
        let data = disbursements::event_data(id, &batch.currency, batch.total, status.as_str());
        world.event(merchant, event.as_str(), data);
    }
}

/// Opens one escrow for each recipient, all or none.
///
/// No source shows when the wallet is debited; the emulator does it at once. Nor does one show what is rejected.
pub(crate) fn create(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let merchant = context.merchant()?;
    let order: EscrowDisbursementCreate = context.body()?;
    let total = disbursements::total(order.recipients.iter().map(|recipient| recipient.amount), &order.currency)?;
    check_recipients(&order.recipients)?;
    let world = &mut *context.world;
    let mut items = Vec::with_capacity(order.recipients.len());
    for mut recipient in order.recipients {
        // The escrow keeps the terms, which may hold a password.
        let (beneficiary, terms) = (beneficiary(world, &recipient), std::mem::take(&mut recipient.terms));
        let method = order.payment_method.clone();
        let mut new = NewEscrow::payout(merchant, beneficiary, recipient.amount, &order.currency, method, terms);
        new.location = order.user_location.clone();
        let escrow = escrows::open(world, new)?;
        items.push(Item { number: world.number(Kind::Item), escrow, recipient });
    }
    let created_at = world.now();
    let row = world.escrow_disbursements.insert(EscrowDisbursement {
        merchant,
        currency: order.currency.into(),
        description: order.description.map(Into::into),
        total,
        items,
        created_at,
        cancelled: None,
    });
    respond_detail(context, row)
}

fn check_recipients(recipients: &[EscrowRecipient]) -> Result<(), Rejection> {
    let problem = |(at, recipient): (usize, &EscrowRecipient)| {
        let addresses = [&recipient.recipient_id, &recipient.phone_number, &recipient.email];
        let has_address = addresses.into_iter().flatten().any(|address| !address.is_empty());
        let (field, msg, kind) = if !has_address {
            (None, "A recipient id, a phone number or an email is required", "value_error")
        } else if recipient.terms.is_empty() {
            (Some("terms"), "List should have at least 1 item after validation, not 0", "too_short")
        } else {
            return None;
        };
        let loc = ["body".into(), "recipients".into(), at.into()].into_iter().chain(field.map(Into::into)).collect();
        Some(Invalid { loc, msg: msg.to_owned(), kind: kind.to_owned() })
    };
    let problems: Vec<Invalid> = recipients.iter().enumerate().filter_map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Response::invalid(&problems)) }
}

fn beneficiary(world: &World, recipient: &EscrowRecipient) -> Party {
    let id = recipient.recipient_id.as_deref();
    let who = match id.and_then(|id| disbursements::account(world, id)) {
        Some(Account::Merchant(row)) => Who::Merchant(row),
        Some(Account::User(row)) => Who::User(row),
        _ => Who::Unregistered,
    };
    Party { who, email: recipient.email.clone(), phone_number: recipient.phone_number.clone() }
}

pub(crate) fn get(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let row = find(context)?;
    respond_detail(context, row)
}

/// No source shows the order of a list.
pub(crate) fn list(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let filter: EscrowDisbursementFilter = context.query()?;
    let (world, merchant) = (&*context.world, context.merchant()?);
    let page = PageOf::new(context.operation, filter.limit, filter.offset);
    let batches = &world.escrow_disbursements;
    let has_status = |row: &Row, status: &Status| batches.get(*row).is_some_and(|found| found.status(world) == *status);
    let (total, rows) = match &filter.status {
        None => batches.find(&merchant, (None, None), page),
        Some(status) => {
            let rows: Vec<Row> = batches.matches(&merchant).rev().filter(|row| has_status(row, status)).collect();
            (rows.len(), page.of(rows.into_iter()))
        }
    };
    let results = rows.into_iter().filter_map(|row| Some(respond::summary(world, row, batches.get(row)?)));
    let response = EscrowDisbursementList::builder()
        .total(i64::try_from(total).unwrap_or(i64::MAX))
        .offset(i64::from(page.offset))
        .limit(i64::from(page.limit))
        .results(results.collect::<Vec<_>>());
    context.respond(&response.build())
}

/// Cancels the record of a batch. The escrows go on, and so does their money.
///
/// No source shows when a batch cannot be cancelled, nor the error.
pub(crate) fn cancel(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let DisbursementCancel { reason, .. } = context.body()?;
    let row = find(context)?;
    let world = &mut *context.world;
    let found = world.escrow_disbursements.get(row).ok_or_else(not_found)?;
    if !matches!(found.status(world), Status::Pending | Status::Processing) {
        return Err(Response::bad_request("Only pending or processing escrow disbursements can be cancelled"));
    }
    let cancelled = Cancellation { at: world.now(), reason: reason.map(Into::into) };
    world.escrow_disbursements.update(row, |batch| batch.cancelled = Some(cancelled));
    EscrowDisbursement::announce(world, row, EventType::DisbursementCancelled);
    let world = &*context.world;
    let found = world.escrow_disbursements.get(row).ok_or_else(not_found)?;
    context.respond(&respond::summary(world, row, found))
}

/// The merchant's batch of the path.
fn find(context: &Context<'_>) -> Result<Row, Rejection> {
    let merchant = context.merchant()?;
    let row = context.world.ids.row(Kind::EscrowDisbursement, context.path("disbursement_id"));
    let is_own =
        |row: &Row| context.world.escrow_disbursements.get(*row).is_some_and(|found| found.merchant == merchant);
    row.filter(is_own).ok_or_else(not_found)
}

fn not_found() -> Rejection {
    Response::not_found("Escrow disbursement")
}

fn respond_detail(context: &Context<'_>, row: Row) -> Result<Response, Rejection> {
    let world = &*context.world;
    let found = world.escrow_disbursements.get(row).ok_or_else(not_found)?;
    context.respond(&respond::detail(world, row, found))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::operations::testing::{events, execute, world};

    #[test]
    fn a_release_that_changes_the_status_and_a_cancellation_are_events() {
        let mut world = world();
        let recipient = |number: &str| json!({ "phone_number": number, "amount": 1500, "terms": [{ "type": "manual_release", "data": {} }] });
        let recipients = [recipient("+256700123456"), recipient(crate::DECLINED_PHONE_NUMBER)];
        let order = json!({ "recipients": recipients, "currency": "UGX", "payment_method": "mtn" });
        let created = execute(&mut world, "escrow_disbursements_create", "", &order);
        let id = created["disbursement_id"].as_str().unwrap_or_default();
        for _ in 0..2 {
            execute(&mut world, "escrow_disbursements_release", id, &json!({ "force": false }));
        }
        execute(&mut world, "escrow_disbursements_cancel", id, &json!({}));
        let data = |status| json!({ "disbursement_id": id, "currency": "UGX", "total_amount": 3000, "status": status });
        let events: Vec<_> = events(&world).into_iter().filter(|(name, _)| name != "escrow.released").collect();
        let expected = [
            ("disbursement.status_updated".to_owned(), data("processing")),
            ("disbursement.cancelled".to_owned(), data("cancelled")),
        ];
        assert_eq!(events, expected);
    }
}
