//! Creation of escrows, by an order or by a batch.

use std::collections::HashSet;

use http::StatusCode;
use piaxis::{
    AllocationStatus, Amount, JsonObject, PaymentMethod,
    types::{AllocationCreate, EscrowCreate, Location, TermCreate},
};

use super::{
    Allocation, Escrow, check_amount,
    party::{Party, Who},
    terms, view,
};
use crate::{
    operations::{Context, otp, payments},
    response::{Rejection, Response},
    server::access::Payer,
    world::{
        World,
        ledger::{Account, zero},
        table::Row,
    },
};

/// An escrow to open.
#[derive(Debug, Clone)]
pub(crate) struct NewEscrow {
    /// The merchant among the parties.
    pub(crate) merchant: Row,
    pub(crate) sender: Party,
    pub(crate) receiver: Party,
    /// Account that pays.
    pub(crate) funded_by: Account,
    pub(crate) amount: Amount,
    pub(crate) currency: String,
    pub(crate) method: PaymentMethod,
    pub(crate) terms: Vec<TermCreate>,
    pub(crate) allocations: Vec<AllocationCreate>,
    pub(crate) location: Option<Location>,
    pub(crate) external_user_id: Option<String>,
    pub(crate) external_order_id: Option<String>,
    pub(crate) metadata: Option<JsonObject>,
}

impl NewEscrow {
    /// A payout from the wallet of a merchant to a beneficiary.
    pub(crate) fn payout(
        merchant: Row,
        beneficiary: Party,
        amount: Amount,
        currency: &str,
        method: PaymentMethod,
        terms: Vec<TermCreate>,
    ) -> Self {
        Self {
            merchant,
            sender: Party::new(Who::Merchant(merchant)),
            receiver: beneficiary,
            funded_by: Account::Merchant(merchant),
            amount,
            currency: currency.to_owned(),
            method,
            terms,
            allocations: Vec::new(),
            location: None,
            external_user_id: None,
            external_order_id: None,
            metadata: None,
        }
    }
}

/// Opens an escrow, and moves its money into it.
pub(crate) fn open(world: &mut World, new: NewEscrow) -> Result<Row, Rejection> {
    check_amount(new.amount, &["body", "amount"])?;
    check_allocations(new.amount, &new.allocations)?;
    if new.terms.is_empty() {
        let message = "List should have at least 1 item after validation";
        return Err(Response::invalid_field(&["body", "terms"], message, "too_short"));
    }
    let terms = new.terms.into_iter().map(|term| terms::open(world, term)).collect::<Result<_, _>>()?;
    let order =
        |order| Allocation { order, status: AllocationStatus::Pending, status_reason: None, status_updated_at: None };
    let now = world.now();
    let row = world.escrows.insert(Escrow {
        merchant: new.merchant,
        sender: new.sender,
        receiver: new.receiver,
        funded_by: new.funded_by.clone(),
        amount: new.amount,
        currency: new.currency.clone(),
        method: new.method,
        terms,
        allocations: new.allocations.into_iter().map(order).collect(),
        released: zero(),
        reversed: zero(),
        dispute: None,
        location: new.location,
        external_user_id: new.external_user_id,
        external_order_id: new.external_order_id,
        metadata: new.metadata,
        created_at: now,
        updated_at: now,
    });
    world.transfer(new.funded_by, Account::Escrow(row), new.amount, &new.currency)?;
    Ok(row)
}

/// No source shows bounds of allocations. Money that belongs to none stays a part of its own.
fn check_allocations(amount: Amount, allocations: &[AllocationCreate]) -> Result<(), Rejection> {
    let mut keys = HashSet::new();
    for (at, allocation) in allocations.iter().enumerate() {
        check_amount(allocation.amount, &["body", "allocations", &at.to_string(), "amount"])?;
        if !keys.insert(&allocation.allocation_key) {
            return Err(Response::bad_request("The allocation keys must be unique"));
        }
    }
    let sum = Amount::checked_sum(allocations.iter().map(|allocation| allocation.amount));
    if sum.is_none_or(|sum| sum > amount) {
        return Err(Response::bad_request("The allocations exceed the amount of the escrow"));
    }
    Ok(())
}

pub(crate) fn create(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let order: EscrowCreate = context.body()?;
    let merchant = payments::collector(context, order.receiver_id.as_deref())?;
    let payer = payer(context, &order)?;
    let is_wallet = matches!(order.payment_method, PaymentMethod::Piaxis | PaymentMethod::PiaxisExternal);
    let is_mobile_money = matches!(order.payment_method, PaymentMethod::Mtn | PaymentMethod::Airtel);
    let info = order.user_info.as_ref();
    let phone_number = info.and_then(|info| info.phone_number.clone());
    if is_mobile_money && phone_number.is_none() {
        return Err(Response::invalid_field(&["body", "user_info", "phone_number"], "Field required", "missing"));
    }
    let is_proven = otp::verify(context.world, info)?;
    let who = match payer {
        Some(payer) => Who::User(payer.user),
        None if is_proven => Who::Unregistered,
        // The guide asks for it; no source shows the error.
        None => return Err(Response::bad_request("A one-time password of the payer is required")),
    };
    let email = info.and_then(|info| info.email.clone());
    let sender = Party { who, email, phone_number };
    let funded_by = if is_wallet { sender.account() } else { Account::Outside };
    if is_mobile_money && sender.phone_number.as_deref() == Some(crate::DECLINED_PHONE_NUMBER) {
        // No status is known for an escrow without money.
        return Err(Response::bad_request("The payment was declined"));
    }
    let new = NewEscrow {
        merchant,
        sender,
        receiver: Party::new(Who::Merchant(merchant)),
        funded_by,
        amount: order.amount,
        currency: order.currency_code,
        method: order.payment_method,
        terms: order.terms,
        allocations: order.allocations.unwrap_or_default(),
        location: order.user_location,
        external_user_id: order.external_user_id,
        external_order_id: order.external_order_id,
        metadata: order.metadata,
    };
    let row = open(context.world, new)?;
    let escrow = context.world.escrows.get(row).ok_or_else(|| Response::not_found("Escrow"))?;
    context.respond(&view::escrow(context.world, row, escrow))
}

/// The registered payer of the access token, which payments from a Piaxis wallet require.
///
/// The guide requires `external_user_id` for `piaxis_external`, and that it is the one of the token. No source shows the
/// errors.
fn payer(context: &Context<'_>, order: &EscrowCreate) -> Result<Option<Payer>, Rejection> {
    let payer = context.actor.payer;
    if let (Some(payer), Some(merchant)) = (payer, context.actor.merchant)
        && payer.merchant != merchant
    {
        return Err(Response::rejected(StatusCode::FORBIDDEN, "The access token was issued for another merchant"));
    }
    if matches!(order.payment_method, PaymentMethod::PiaxisExternal) {
        let Some(payer) = payer else {
            return Err(Response::rejected(StatusCode::UNAUTHORIZED, "An access token of the payer is required"));
        };
        let Some(given) = &order.external_user_id else {
            return Err(Response::invalid_field(&["body", "external_user_id"], "Field required", "missing"));
        };
        let own = context.world.users.get(payer.user).map(|user| &user.external_user_id);
        if own != Some(given) {
            return Err(Response::bad_request("external_user_id must be the one of the access token"));
        }
    } else if matches!(order.payment_method, PaymentMethod::Piaxis) && payer.is_none() {
        return Err(Response::rejected(StatusCode::UNAUTHORIZED, "An access token of the payer is required"));
    }
    Ok(payer)
}
