//! Direct payments: pending, then completed or failed.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use http::StatusCode;
use piaxis::{
    Amount, PartyType, PaymentMethod, PaymentStatus, Timestamp,
    types::{
        self, MerchantDetails, Party, PaymentCreate, PaymentCreated, PaymentFilter, PaymentList, PaymentSummary,
        TransactionDetails,
    },
};
use serde_json::{Map, json};

use super::{Context, lists::PageOf, otp};
use crate::{
    reply::{Refusal, Reply},
    world::{
        World,
        ids::Kind,
        ledger::Account,
        table::{Row, Table},
        timers::Timer,
    },
};

/// A payment.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) merchant: Row,
    pub(crate) amount: Amount,
    pub(crate) currency: Box<str>,
    pub(crate) method: PaymentMethod,
    pub(crate) status: PaymentStatus,
    /// Payer with a Piaxis account.
    pub(crate) user: Option<Row>,
    /// Payer without one.
    pub(crate) email: Option<Box<str>>,
    pub(crate) phone_number: Option<Box<str>>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Payments that one filter matches, in the order of creation.
type Matches = BTreeSet<Row>;
/// Merchant, and the values of a filter.
type Filter = (Row, Option<PaymentStatus>, Option<PaymentMethod>);

/// All payments, and an index for the filters of the list.
#[derive(Debug, Default)]
pub(crate) struct Payments {
    table: Table<Payment>,
    index: HashMap<Filter, Matches>,
    /// Payments that the transaction indexed anew, with the status under which they were indexed before it.
    reindexed: Vec<(Row, Option<PaymentStatus>)>,
}

impl Payments {
    pub(crate) fn get(&self, row: Row) -> Option<&Payment> {
        self.table.get(row)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Row, &Payment)> {
        self.table.iter()
    }

    fn insert(&mut self, payment: Payment) -> Row {
        let row = self.table.insert(payment);
        self.reindexed.push((row, None));
        self.add_to_index(row);
        row
    }

    fn set_status(&mut self, row: Row, status: PaymentStatus) {
        let Some(before) = self.table.get(row).map(|payment| payment.status.clone()) else { return };
        self.remove_from_index(row, &before);
        self.reindexed.push((row, Some(before)));
        if let Some(payment) = self.table.get_mut(row) {
            payment.status = status;
        }
        self.add_to_index(row);
    }

    fn filters(&self, row: Row, status: &PaymentStatus) -> Vec<Filter> {
        let Some(payment) = self.table.get(row) else { return Vec::new() };
        let (merchant, method) = (payment.merchant, &payment.method);
        let with = |status: Option<&PaymentStatus>, method: Option<&PaymentMethod>| {
            (merchant, status.cloned(), method.cloned())
        };
        vec![with(None, None), with(Some(status), None), with(None, Some(method)), with(Some(status), Some(method))]
    }

    fn add_to_index(&mut self, row: Row) {
        let Some(status) = self.table.get(row).map(|payment| payment.status.clone()) else { return };
        for filter in self.filters(row, &status) {
            self.index.entry(filter).or_default().insert(row);
        }
    }

    fn remove_from_index(&mut self, row: Row, status: &PaymentStatus) {
        for filter in self.filters(row, status) {
            if let Some(matches) = self.index.get_mut(&filter) {
                matches.remove(&row);
            }
        }
    }

    pub(crate) fn commit(&mut self) -> Vec<Row> {
        self.reindexed.clear();
        self.table.commit()
    }

    pub(crate) fn rollback(&mut self) {
        // The index is undone while the rows that it needs are still there.
        for (row, before) in std::mem::take(&mut self.reindexed).into_iter().rev() {
            if let Some(status) = self.table.get(row).map(|payment| payment.status.clone()) {
                self.remove_from_index(row, &status);
            }
            if let Some(before) = before {
                for filter in self.filters(row, &before) {
                    self.index.entry(filter).or_default().insert(row);
                }
            }
        }
        self.table.rollback();
    }

    /// The rows that a filter matches: how many, and those of one page, newest first.
    fn find(&self, merchant: Row, filter: &PaymentFilter, page: PageOf) -> (usize, Vec<Row>) {
        let key = (merchant, filter.status.clone(), filter.payment_method.clone());
        let Some(matches) = self.index.get(&key) else { return (0, Vec::new()) };
        if filter.from_date.is_none() && filter.to_date.is_none() {
            return (matches.len(), page.of(matches.iter().rev().copied()));
        }
        // Rows are in the order of their time.
        let first = self.first_row(|at| filter.from_date.is_none_or(|from| Timestamp::from(at) >= from));
        let end = self.first_row(|at| filter.to_date.is_some_and(|to| Timestamp::from(at) > to));
        if first >= end {
            return (0, Vec::new());
        }
        let matches = matches.range(first..end);
        (matches.clone().count(), page.of(matches.rev().copied()))
    }

    /// The first row whose time fits, where all after it fit as well.
    fn first_row(&self, fits: impl Fn(DateTime<Utc>) -> bool) -> Row {
        let (mut low, mut high) = (0, self.table.next());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.table.get(middle).is_some_and(|payment| fits(payment.created_at)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

pub(crate) fn create(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let order: PaymentCreate = context.body()?;
    if !order.amount.is_positive() {
        return Err(Reply::invalid_field(&["body", "amount"], "Input should be greater than 0", "greater_than"));
    }
    let merchant = collector(context, order.recipient_id.as_deref())?;
    let is_mobile_money = matches!(order.payment_method, PaymentMethod::Mtn | PaymentMethod::Airtel);
    let phone_number = order.user_info.as_ref().and_then(|payer| payer.phone_number.clone());
    if is_mobile_money && phone_number.is_none() {
        let place = ["body", "user_info", "phone_number"];
        return Err(Reply::invalid_field(&place, "Field required", "missing"));
    }
    let is_wallet = matches!(order.payment_method, PaymentMethod::PiaxisExternal);
    let user = context.actor.payer.filter(|_| is_wallet).map(|payer| payer.user);
    if is_wallet && user.is_none() {
        return Err(Reply::refused(StatusCode::UNAUTHORIZED, "An access token of the payer is required"));
    }
    otp::verify(context.world, order.user_info.as_ref())?;
    let email = order.user_info.as_ref().and_then(|payer| payer.email.clone());
    let payment = Payment {
        merchant,
        amount: order.amount,
        currency: order.currency.into(),
        method: order.payment_method,
        status: PaymentStatus::Pending,
        user,
        email: email.map(Into::into),
        phone_number: phone_number.map(Into::into),
        created_at: context.world.now(),
    };
    let created =
        PaymentCreated::builder().status(payment.status.clone()).amount(payment.amount).currency(&*payment.currency);
    let stays_pending = payment.phone_number.as_deref() == Some(crate::PENDING_PHONE_NUMBER);
    let row = context.world.payments.insert(payment);
    if !stays_pending {
        let delay = context.world.settings.settle_after;
        context.world.after(delay, Timer::Payment(row));
    }
    let id = context.world.ids.id(Kind::Payment, row);
    context.reply(&created.payment_id(id).build())
}

/// The merchant that collects: the one of the API key, or the one that the payer names or authorized. No source says who
/// collects with an access token alone.
pub(crate) fn collector(context: &Context<'_>, recipient_id: Option<&str>) -> Result<Row, Refusal> {
    let merchant = context.merchant()?;
    match recipient_id {
        Some(id) if context.world.ids.row(Kind::Merchant, id) != Some(merchant) => {
            Err(Reply::bad_request("The recipient must be the account of the merchant"))
        }
        _ => Ok(merchant),
    }
}

/// Settles a pending payment: moves its money, and tells the merchant.
pub(crate) fn settle(world: &mut World, row: Row) -> Result<(), Refusal> {
    finish(world, row, true)
}

/// Ends a pending payment, as failed when its payer declines or cannot pay.
pub(crate) fn finish(world: &mut World, row: Row, is_accepted: bool) -> Result<(), Refusal> {
    let payment = world.payments.get(row).filter(|payment| payment.status == PaymentStatus::Pending).cloned();
    let Some(payment) = payment else { return Err(Reply::bad_request("The payment is settled")) };
    let payer = payment.user.map_or(Account::Outside, Account::User);
    let is_declined = !is_accepted || payment.phone_number.as_deref() == Some(crate::DECLINED_PHONE_NUMBER);
    let to = Account::Merchant(payment.merchant);
    let is_paid = !is_declined && world.transfer(payer, to, payment.amount, &payment.currency).is_ok();
    let (status, name) = if is_paid {
        (PaymentStatus::Completed, "payment.succeeded")
    } else {
        (PaymentStatus::Failed, "payment.failed")
    };
    world.payments.set_status(row, status);
    let mut data = Map::new();
    data.insert("payment_id".into(), world.ids.id(Kind::Payment, row).into());
    data.insert("reference".into(), reference(world, row).into());
    data.insert("currency".into(), (&*payment.currency).into());
    data.insert("amount".into(), crate::webhooks::number(payment.amount));
    data.insert("status".into(), json!(if is_paid { "succeeded" } else { "failed" }));
    world.event(payment.merchant, name, data);
    Ok(())
}

/// No request sets a reference; documented ones have this form.
fn reference(world: &World, row: Row) -> String {
    let id = world.ids.id(Kind::Transaction, row);
    format!("test_{}", &id[id.len() - 12..])
}

pub(crate) fn get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let world = &*context.world;
    let row = world.ids.row(Kind::Payment, context.path("payment_id"));
    let found = row.and_then(|row| Some((row, world.payments.get(row)?)));
    let is_visible = |payment: &Payment| {
        context.actor.merchant == Some(payment.merchant)
            || context.actor.payer.is_some_and(|payer| payment.user == Some(payer.user))
    };
    let Some((row, payment)) = found.filter(|(_, payment)| is_visible(payment)) else {
        return Err(Reply::not_found("Payment"));
    };
    let merchant = MerchantDetails::builder()
        .id(world.merchant_id(payment.merchant))
        .maybe_business_name(world.merchants.get(payment.merchant).map(|merchant| merchant.name.clone()));
    let transaction =
        TransactionDetails::builder().id(world.ids.id(Kind::Transaction, row)).status(payment.status.to_string());
    let response = types::Payment::builder()
        .id(world.ids.id(Kind::Payment, row))
        .status(payment.status.clone())
        .amount(payment.amount)
        .currency(&*payment.currency)
        .payment_method(payment.method.clone())
        .created_at(payment.created_at)
        .reference(reference(world, row))
        .merchant_details(merchant.build())
        .transaction_details(transaction.build());
    context.reply(&response.build())
}

pub(crate) fn list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let filter: PaymentFilter = context.query()?;
    let (world, merchant) = (&*context.world, context.merchant()?);
    let page = PageOf::new(context.operation, filter.limit, filter.offset);
    let (total, rows) = world.payments.find(merchant, &filter, page);
    let results = rows.into_iter().filter_map(|row| Some(summary(world, row, world.payments.get(row)?)));
    let response = PaymentList::builder()
        .total(i64::try_from(total).unwrap_or(i64::MAX))
        .offset(i64::from(page.offset))
        .limit(i64::from(page.limit))
        .results(results.collect::<Vec<_>>());
    context.reply(&response.build())
}

fn summary(world: &World, row: Row, payment: &Payment) -> PaymentSummary {
    let payer = Party::builder()
        .id(payment.user.map_or_else(|| world.ids.id(Kind::Party, row), |user| world.user_id(user)))
        .maybe_email(payment.email.as_deref())
        .maybe_phone(payment.phone_number.as_deref())
        .type_(if payment.user.is_some() { PartyType::Registered } else { PartyType::Unregistered });
    let recipient = Party::builder().id(world.merchant_id(payment.merchant));
    PaymentSummary::builder()
        .payment_id(world.ids.id(Kind::Payment, row))
        .status(payment.status.clone())
        .amount(payment.amount)
        .currency(&*payment.currency)
        .payment_method(payment.method.clone())
        .date(payment.created_at)
        .payer(payer.build())
        .recipient(recipient.build())
        .build()
}
