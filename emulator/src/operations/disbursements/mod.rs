//! Disbursements: batches of payouts from a merchant's wallet, pending, processing, then settled.

pub(crate) mod inspect;
mod plan;
mod progress;
mod respond;

use chrono::{DateTime, Utc};
use piaxis::{
    Amount, DisbursementStatus, PaymentMethod,
    types::{DisbursementCancel, DisbursementCreate, DisbursementFilter, DisbursementList},
    webhook::EventType,
};
use serde::{Deserialize, Serialize};
use serde_json::Map;

pub(crate) use plan::total;
use plan::{Item, Totals, plan};
pub(crate) use progress::{account, finish, progress};

use super::{Context, lists::PageOf};
use crate::{
    response::{Rejection, Response},
    server::validation,
    world::{
        World,
        ids::Kind,
        index::{Indexed, IndexedTable},
        ledger::Account,
        table::Row,
        timers::Timer,
    },
};

/// A disbursement. Its account holds the whole debit until each item is paid or has failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Disbursement {
    merchant: Row,
    currency: Box<str>,
    method: PaymentMethod,
    description: Option<Box<str>>,
    status: DisbursementStatus,
    items: Vec<Item>,
    totals: Totals,
    created_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    cancelled: Option<Cancellation>,
}

/// When a batch was cancelled, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cancellation {
    pub(crate) at: DateTime<Utc>,
    pub(crate) reason: Option<Box<str>>,
}

/// All disbursements.
pub(crate) type Disbursements = IndexedTable<Disbursement>;

impl Indexed for Disbursement {
    /// Merchant and status.
    type Filter = (Row, Option<DisbursementStatus>);

    fn filters(&self) -> Vec<Self::Filter> {
        vec![(self.merchant, None), (self.merchant, Some(self.status.clone()))]
    }

    fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
}

/// Numbers of items. A cancelled item counts as none of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) successful: i64,
    pub(crate) failed: i64,
    pub(crate) pending: i64,
}

impl Disbursement {
    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for item in &self.items {
            match item.status {
                DisbursementStatus::Completed => counts.successful += 1,
                DisbursementStatus::Failed => counts.failed += 1,
                DisbursementStatus::Cancelled => {}
                _ => counts.pending += 1,
            }
        }
        counts
    }

    /// Sets the status of the disbursement and of all its items.
    fn set_status(&mut self, status: DisbursementStatus) {
        for item in &mut self.items {
            item.status = status.clone();
        }
        self.status = status;
    }

    /// Records an event of a disbursement.
    fn announce(world: &mut World, row: Row, event: EventType) {
        let Some(disbursement) = world.disbursements.get(row) else { return };
        let Disbursement { merchant, currency, totals, status, .. } = disbursement;
        let data = event_data(world.ids.id(Kind::Disbursement, row), currency, totals.amount, status.as_str());
        world.event(*merchant, event.as_str(), data);
    }
}

/// Data of an event of a disbursement or an escrow disbursement. No source shows more than the name of the event.
pub(crate) fn event_data(id: String, currency: &str, amount: Amount, status: &str) -> Map<String, serde_json::Value> {
    let mut data = Map::new();
    data.insert("disbursement_id".into(), id.into());
    data.insert("currency".into(), currency.into());
    data.insert("total_amount".into(), crate::webhooks::number(amount));
    data.insert("status".into(), status.into());
    data
}

pub(crate) fn quote(context: &mut Context<'_>) -> Result<Response, Rejection> {
    context.merchant()?;
    let order: DisbursementCreate = context.body()?;
    let (items, totals) = plan(&order)?;
    context.respond(&respond::quote(&order, items, totals))
}

/// No source shows the initial status: documented responses are processing, recorded ones pending. Only a pending
/// disbursement can be cancelled, so the emulator begins there.
pub(crate) fn create(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let merchant = context.merchant()?;
    let order: DisbursementCreate = context.body()?;
    let (items, totals) = plan(&order)?;
    let world = &mut *context.world;
    let disbursement = Disbursement {
        merchant,
        currency: order.currency.into(),
        method: order.payment_method,
        description: order.description.map(Into::into),
        status: DisbursementStatus::Pending,
        items,
        totals,
        created_at: world.now(),
        completed_at: None,
        cancelled: None,
    };
    let currency = disbursement.currency.clone();
    let row = world.disbursements.insert(disbursement);
    world.transfer(Account::Merchant(merchant), Account::Disbursement(row), totals.debit, &currency)?;
    let delay = world.settings.settle_after;
    world.after(delay / 2, Timer::Disbursement(row));
    world.after(delay, Timer::Disbursement(row));
    respond_summary(context, row)
}

pub(crate) fn get(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let row = find(context)?;
    let found = context.world.disbursements.get(row).ok_or_else(not_found)?;
    context.respond(&respond::detail(context.world, row, found))
}

/// No source shows the order of a list. Unlike the other lists, this one has a closed set of statuses.
pub(crate) fn list(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let filter: DisbursementFilter = context.query()?;
    if let Some(DisbursementStatus::Unknown(_)) = filter.status {
        return Err(validation::not_one_of(&["query", "status"], DisbursementStatus::KNOWN));
    }
    let (world, merchant) = (&*context.world, context.merchant()?);
    let page = PageOf::new(context.operation, filter.limit, filter.offset);
    let between = (filter.from_date, filter.to_date);
    let (total, rows) = world.disbursements.find(&(merchant, filter.status), between, page);
    let results = rows.into_iter().filter_map(|row| Some(respond::summary(world, row, world.disbursements.get(row)?)));
    let response = DisbursementList::builder()
        .total(i64::try_from(total).unwrap_or(i64::MAX))
        .offset(i64::from(page.offset))
        .limit(i64::from(page.limit))
        .results(results.collect::<Vec<_>>());
    context.respond(&response.build())
}

/// Cancels a pending disbursement, and returns the whole debit. No source shows the error of another status.
pub(crate) fn cancel(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let DisbursementCancel { reason, .. } = context.body()?;
    let row = find(context)?;
    let world = &mut *context.world;
    let found = world.disbursements.get(row).ok_or_else(not_found)?;
    if found.status != DisbursementStatus::Pending {
        return Err(Response::bad_request("Only pending disbursements can be cancelled"));
    }
    let (merchant, currency, debit) = (found.merchant, found.currency.clone(), found.totals.debit);
    world.transfer(Account::Disbursement(row), Account::Merchant(merchant), debit, &currency)?;
    let cancelled = Cancellation { at: world.now(), reason: reason.map(Into::into) };
    world.disbursements.update(row, |disbursement| {
        disbursement.set_status(DisbursementStatus::Cancelled);
        disbursement.cancelled = Some(cancelled);
    });
    Disbursement::announce(world, row, EventType::DisbursementCancelled);
    respond_summary(context, row)
}

/// The merchant's disbursement of the path.
fn find(context: &Context<'_>) -> Result<Row, Rejection> {
    let merchant = context.merchant()?;
    let row = context.world.ids.row(Kind::Disbursement, context.path("disbursement_id"));
    let is_own = |row: &Row| context.world.disbursements.get(*row).is_some_and(|found| found.merchant == merchant);
    row.filter(is_own).ok_or_else(not_found)
}

fn not_found() -> Rejection {
    Response::not_found("Disbursement")
}

fn respond_summary(context: &Context<'_>, row: Row) -> Result<Response, Rejection> {
    let found = context.world.disbursements.get(row).ok_or_else(not_found)?;
    context.respond(&respond::summary(context.world, row, found))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::operations::testing::{events, execute, world};

    #[test]
    fn each_change_of_status_is_an_event() {
        let mut world = world();
        let create = |number: &str| {
            let recipient = json!({ "phone_number": number, "amount": "1500.5" });
            json!({ "recipients": [recipient], "currency": "UGX", "payment_method": "mtn" })
        };
        let created = execute(&mut world, "disbursements_create", "", &create("+256700123456"));
        let declined = execute(&mut world, "disbursements_create", "", &create(crate::DECLINED_PHONE_NUMBER));
        let cancelled = execute(&mut world, "disbursements_create", "", &create("+256700123456"));
        assert_eq!(events(&world), []);
        let id = |response: &serde_json::Value| response["disbursement_id"].as_str().unwrap_or_default().to_owned();
        execute(&mut world, "disbursements_cancel", &id(&cancelled), &json!({}));
        world.clock.advance(world.settings.settle_after);
        world.run_timers();
        let data = |response, status| {
            let amount: serde_json::Value = serde_json::from_str("1500.5").unwrap_or_default();
            json!({ "disbursement_id": id(response), "currency": "UGX", "total_amount": amount, "status": status })
        };
        let updated = |response, status| ("disbursement.status_updated".to_owned(), data(response, status));
        let expected = [
            ("disbursement.cancelled".to_owned(), data(&cancelled, "cancelled")),
            updated(&created, "processing"),
            updated(&declined, "processing"),
            updated(&created, "completed"),
            updated(&declined, "failed"),
        ];
        assert_eq!(events(&world), expected);
    }
}
