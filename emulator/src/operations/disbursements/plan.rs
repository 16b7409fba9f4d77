//! What a disbursement costs: its items, their fees, and the totals.

use std::sync::LazyLock;

use http::StatusCode;
use piaxis::{
    Amount, DisbursementStatus,
    types::{DisbursementCreate, Recipient},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    contract::CONTRACT,
    response::{Invalid, Rejection, Response},
};

/// One payout.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) recipient: Recipient,
    pub(crate) fee: Amount,
    pub(crate) status: DisbursementStatus,
}

impl Item {
    /// The account of a recipient who is paid inside Piaxis.
    pub(crate) fn account(&self) -> Option<&str> {
        self.recipient.recipient_id.as_deref().filter(|id| !id.is_empty())
    }
}

/// Sums of amounts and fees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) amount: Amount,
    pub(crate) internal: Amount,
    pub(crate) external: Amount,
    pub(crate) fee: Amount,
    pub(crate) debit: Amount,
}

/// The items of an order and the totals, or the error of an order that cannot be executed.
///
/// No source shows these errors. An item that the API accepts and cannot pay fails later.
pub(super) fn plan(order: &DisbursementCreate) -> Result<(Vec<Item>, Totals), Rejection> {
    let amount = total(order.recipients.iter().map(|recipient| recipient.amount), &order.currency)?;
    let item = |recipient: &Recipient| {
        let item = Item { recipient: recipient.clone(), fee: Amount::ZERO, status: DisbursementStatus::Pending };
        let is_external = item.account().is_none();
        let fee = if is_external { payout_fee(recipient.amount, &order.currency) } else { Amount::ZERO };
        Item { fee, ..item }
    };
    let items: Vec<Item> = order.recipients.iter().map(item).collect();
    let methods = CONTRACT.document["x-piaxis-payouts"]["payment_methods"]["values"].as_array();
    let is_payout_method = methods.into_iter().flatten().any(|method| *method == order.payment_method.as_str());
    if !is_payout_method && items.iter().any(|item| item.account().is_none()) {
        return Err(Response::bad_request("The payment method does not support payouts"));
    }
    let sum = |amounts: Vec<Amount>| Amount::checked_sum(amounts).ok_or_else(inexact);
    let internal = items.iter().filter(|item| item.account().is_some()).map(|item| item.recipient.amount);
    let internal = sum(internal.collect())?;
    let fee = sum(items.iter().map(|item| item.fee).collect())?;
    let external = amount.checked_sub(internal).ok_or_else(inexact)?;
    let debit = amount.checked_add(fee).ok_or_else(inexact)?;
    Ok((items, Totals { amount, internal, external, fee, debit }))
}

/// The sum of the amounts of recipients, of which there is one or more.
///
/// No source shows whether the API rejects an empty list, amounts that are not positive, or more decimal places than
/// responses have.
pub(crate) fn total(
    amounts: impl ExactSizeIterator<Item = Amount> + Clone,
    currency: &str,
) -> Result<Amount, Rejection> {
    if amounts.len() == 0 {
        let message = "List should have at least 1 item after validation, not 0";
        return Err(Response::invalid_field(&["body", "recipients"], message, "too_short"));
    }
    let places = CONTRACT.document["x-piaxis-payouts"]["decimal_places"]["currencies"][currency].as_u64();
    let places = places.and_then(|places| u32::try_from(places).ok()).unwrap_or(2);
    let problem = |(at, amount): (usize, Amount)| {
        let (msg, kind) = if !amount.is_positive() {
            ("Input should be greater than 0".to_owned(), "greater_than")
        } else if amount.to_decimal().normalize().scale() > places {
            (format!("Decimal input should have no more than {places} decimal places"), "decimal_max_places")
        } else {
            return None;
        };
        let loc: Vec<Value> = vec!["body".into(), "recipients".into(), at.into(), "amount".into()];
        Some(Invalid { loc, msg, kind: kind.to_owned() })
    };
    let problems: Vec<Invalid> = amounts.clone().enumerate().filter_map(problem).collect();
    if !problems.is_empty() {
        return Err(Response::invalid(&problems));
    }
    Amount::checked_sum(amounts).ok_or_else(inexact)
}

fn inexact() -> Rejection {
    Response::rejected(StatusCode::BAD_REQUEST, "The amounts have no exact sum")
}

/// The fee of a payout outside Piaxis, by the default tiers of the contract. No source shows fees of other currencies, and
/// the emulator has none.
pub(super) fn payout_fee(amount: Amount, currency: &str) -> Amount {
    static CURRENCY: LazyLock<&str> = LazyLock::new(|| {
        let fee = CONTRACT.document["x-piaxis-default-payout-fees"]["tiers"][0]["fee"].as_str();
        fee.and_then(|fee| fee.split(' ').nth(1)).unwrap_or_default()
    });
    let mut tiers = CONTRACT.payout_fees.iter().filter(|_| currency == *CURRENCY);
    let tier = tiers.find(|(up_to, _)| up_to.is_none_or(|up_to| amount <= up_to));
    tier.map_or(Amount::ZERO, |(_, fee)| *fee)
}
