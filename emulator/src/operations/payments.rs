//! Direct payments: pending, then completed or failed.

use chrono::{DateTime, Utc};
use http::StatusCode;
use piaxis::{
    Amount, PartyType, PaymentMethod, PaymentStatus, Secret,
    types::{
        self, MerchantDetails, Party, PaymentCreate, PaymentCreated, PaymentFilter, PaymentList, PaymentSummary,
        TransactionDetails,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::{Context, escrows, lists::PageOf, otp};
use crate::{
    response::{Rejection, Response},
    world::{
        World,
        ids::Kind,
        index::{Indexed, IndexedTable},
        ledger::Account,
        table::Row,
        timers::Timer,
    },
};

/// A payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// Whether the payer pays the fee on top.
    pub(crate) is_fee_on_top: bool,
    pub(crate) created_at: DateTime<Utc>,
}

/// All payments.
pub(crate) type Payments = IndexedTable<Payment>;

impl Indexed for Payment {
    /// Merchant, status and method.
    type Filter = (Row, Option<PaymentStatus>, Option<PaymentMethod>);

    fn filters(&self) -> Vec<Self::Filter> {
        let with = |status: Option<&PaymentStatus>, method: Option<&PaymentMethod>| {
            (self.merchant, status.cloned(), method.cloned())
        };
        let (status, method) = (Some(&self.status), Some(&self.method));
        vec![with(None, None), with(status, None), with(None, method), with(status, method)]
    }

    fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
}

pub(crate) fn create(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let order: PaymentCreate = context.body()?;
    escrows::check_amount(order.amount, &["body", "amount"])?;
    let merchant = collector(context, order.recipient_id.as_deref())?;
    let is_mobile_money = matches!(order.payment_method, PaymentMethod::Mtn | PaymentMethod::Airtel);
    let phone_number = order.user_info.as_ref().and_then(|payer| payer.phone_number.clone());
    if is_mobile_money && phone_number.is_none() {
        let place = ["body", "user_info", "phone_number"];
        return Err(Response::invalid_field(&place, "Field required", "missing"));
    }
    let is_wallet = matches!(order.payment_method, PaymentMethod::PiaxisExternal);
    let user = context.actor.payer.filter(|_| is_wallet).map(|payer| payer.user);
    if is_wallet && user.is_none() {
        return Err(Response::rejected(StatusCode::UNAUTHORIZED, "An access token of the payer is required"));
    }
    verify_codes(context, &order)?;
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
        is_fee_on_top: order.customer_pays_fees == Some(true),
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
    context.respond(&created.payment_id(id).build())
}

/// The merchant that collects: the one of the API key, or the one that the payer names or authorized. No source says who
/// collects with an access token alone.
pub(crate) fn collector(context: &Context<'_>, recipient_id: Option<&str>) -> Result<Row, Rejection> {
    let merchant = context.merchant()?;
    match recipient_id {
        Some(id) if context.world.ids.row(Kind::Merchant, id) != Some(merchant) => {
            Err(Response::bad_request("The recipient must be the account of the merchant"))
        }
        _ => Ok(merchant),
    }
}

/// Settles a pending payment: moves its money, and tells the merchant.
pub(crate) fn settle(world: &mut World, row: Row) -> Result<(), Rejection> {
    finish(world, row, true)
}

/// Uses up the codes of a payment: the one-time password of the payer, or the second-factor code in its place.
fn verify_codes(context: &mut Context<'_>, order: &PaymentCreate) -> Result<(), Rejection> {
    let in_query = context.query["mfa_code"].as_str().map(Secret::from);
    let code = order.mfa_code.clone().or(in_query);
    let is_required = context.world.settings.mfa_above.is_some_and(|limit| order.amount > limit);
    if is_required && code.is_none() {
        let message = "A second-factor code is required for this amount";
        return Err(Response::coded(StatusCode::FORBIDDEN, "MFA_REQUIRED", message));
    }
    let mut payer = order.user_info.clone();
    if let Some(payer) = payer.as_mut()
        && (is_required || payer.otp.is_none())
        && code.is_some()
    {
        payer.otp = code;
    }
    otp::verify(context.world, payer.as_ref()).map(|_| ())
}

/// Moves the money of a payment, and its fee.
fn collect(world: &mut World, payment: &Payment, payer: Account, merchant: Account) -> Result<(), Rejection> {
    let fee = world.settings.payment_fee.min(payment.amount);
    let on_top = if payment.is_fee_on_top { fee } else { Amount::ZERO };
    let charged = payment.amount.checked_add(on_top).ok_or_else(|| Response::bad_request("The amount is too large"))?;
    world.transfer(payer, merchant.clone(), charged, &payment.currency)?;
    if fee > Amount::ZERO {
        world.transfer(merchant, Account::Fees, fee, &payment.currency)?;
    }
    Ok(())
}

/// Ends a pending payment, as failed when its payer declines or cannot pay.
pub(crate) fn finish(world: &mut World, row: Row, is_accepted: bool) -> Result<(), Rejection> {
    let payment = world.payments.get(row).filter(|payment| payment.status == PaymentStatus::Pending).cloned();
    let Some(payment) = payment else { return Err(Response::bad_request("The payment is settled")) };
    let payer = payment.user.map_or(Account::Outside, Account::User);
    let is_declined = !is_accepted || payment.phone_number.as_deref() == Some(crate::DECLINED_PHONE_NUMBER);
    let to = Account::Merchant(payment.merchant);
    let is_paid = !is_declined && collect(world, &payment, payer, to).is_ok();
    let (status, name) = if is_paid {
        (PaymentStatus::Completed, "payment.succeeded")
    } else {
        (PaymentStatus::Failed, "payment.failed")
    };
    world.payments.update(row, |payment| payment.status = status);
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

pub(crate) fn get(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let world = &*context.world;
    let row = world.ids.row(Kind::Payment, context.path("payment_id"));
    let found = row.and_then(|row| Some((row, world.payments.get(row)?)));
    let is_visible = |payment: &Payment| {
        context.actor.merchant == Some(payment.merchant)
            || context.actor.payer.is_some_and(|payer| payment.user == Some(payer.user))
    };
    let Some((row, payment)) = found.filter(|(_, payment)| is_visible(payment)) else {
        return Err(Response::not_found("Payment"));
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
    context.respond(&response.build())
}

pub(crate) fn list(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let filter: PaymentFilter = context.query()?;
    let (world, merchant) = (&*context.world, context.merchant()?);
    let page = PageOf::new(context.operation, filter.limit, filter.offset);
    let key = (merchant, filter.status, filter.payment_method);
    let (total, rows) = world.payments.find(&key, (filter.from_date, filter.to_date), page);
    let results = rows.into_iter().filter_map(|row| Some(summary(world, row, world.payments.get(row)?)));
    let response = PaymentList::builder()
        .total(i64::try_from(total).unwrap_or(i64::MAX))
        .offset(i64::from(page.offset))
        .limit(i64::from(page.limit))
        .results(results.collect::<Vec<_>>());
    context.respond(&response.build())
}

fn summary(world: &World, row: Row, payment: &Payment) -> PaymentSummary {
    let payer = Party::builder()
        .id(payment.user.map_or_else(|| world.ids.id(Kind::Party, row), |user| world.user_id(user)))
        .maybe_email(payment.email.as_deref())
        .maybe_phone(payment.phone_number.as_deref())
        .type_(if payment.user.is_some() { PartyType::Registered } else { PartyType::Unregistered });
    // The guide shows an address of the merchant, which no request sets.
    let recipient_email = format!("merchant-{}@example.com", payment.merchant);
    let recipient = Party::builder().id(world.merchant_id(payment.merchant)).email(recipient_email);
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
