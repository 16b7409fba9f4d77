//! Responses about disbursements.

use piaxis::{
    FeeType, PayoutType,
    types::{self, DisbursementCreate, DisbursementItem, DisbursementQuote, DisbursementSummary, Fee, QuoteItem},
};
use serde_json::Value;

use super::{Counts, Disbursement, Item, Totals};
use crate::{
    contract::CONTRACT,
    world::{World, ids::Kind, table::Row},
};

/// The id of the default fee in the documented response.
const FEE_ID: &str = "00000000-0000-0000-0000-000000000001";
/// The counterpart of the only payout type that is documented, `external`. No source shows its name.
const INTERNAL: &str = "internal";

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn quote(order: &DisbursementCreate, items: Vec<Item>, totals: Totals) -> Value {
    let internal = items.iter().filter(|item| item.account().is_some()).count();
    let quote = DisbursementQuote::builder()
        .currency(&*order.currency)
        .payment_method(order.payment_method.clone())
        .recipient_count(count(items.len()))
        .internal_recipient_count(count(internal))
        .external_recipient_count(count(items.len() - internal))
        .total_amount(totals.amount)
        .internal_total_amount(totals.internal)
        .external_total_amount(totals.external)
        .total_fee_amount(totals.fee)
        .total_debit_amount(totals.debit)
        .items(items.into_iter().map(quote_item).collect::<Vec<_>>());
    let mut quote = serde_json::to_value(quote.build()).unwrap_or_default();
    CONTRACT.complete_items("QuoteItem", &mut quote["items"]);
    quote
}

fn quote_item(item: Item) -> QuoteItem {
    let payout_type = if item.account().is_some() { INTERNAL.into() } else { PayoutType::External };
    let fee = Fee::builder()
        .fee_id(FEE_ID)
        .fee_name("Default payout fee")
        .fee_type(FeeType::Tiered)
        .amount(item.fee)
        .description("Default payout fee by amount");
    let fees: Vec<Fee> = if item.fee.is_positive() { vec![fee.build()] } else { Vec::new() };
    QuoteItem::builder()
        .maybe_total_debit_amount(item.recipient.amount.checked_add(item.fee))
        .maybe_recipient_id(item.recipient.recipient_id)
        .maybe_email(item.recipient.email)
        .maybe_phone_number(item.recipient.phone_number)
        .amount(item.recipient.amount)
        .payout_type(payout_type)
        .fee_amount(item.fee)
        .maybe_reference(item.recipient.reference)
        .fee_breakdown(fees)
        .build()
}

pub(super) fn summary(world: &World, row: Row, disbursement: &Disbursement) -> DisbursementSummary {
    let Disbursement { currency, status, items, totals, .. } = disbursement;
    let Counts { successful, failed, pending } = disbursement.counts();
    DisbursementSummary::builder()
        .disbursement_id(world.ids.id(Kind::Disbursement, row))
        .status(status.clone())
        .total_amount(totals.amount)
        .total_fee_amount(totals.fee)
        .total_debit_amount(totals.debit)
        .internal_total_amount(totals.internal)
        .external_total_amount(totals.external)
        .currency(&**currency)
        .recipient_count(count(items.len()))
        .successful_count(successful)
        .failed_count(failed)
        .pending_count(pending)
        .build()
}

pub(super) fn detail(world: &World, row: Row, disbursement: &Disbursement) -> types::Disbursement {
    let Disbursement { currency, method, status, items, totals, cancelled, .. } = disbursement;
    let Counts { successful, failed, pending } = disbursement.counts();
    types::Disbursement::builder()
        .disbursement_id(world.ids.id(Kind::Disbursement, row))
        .status(status.clone())
        .total_amount(totals.amount)
        .total_fee_amount(totals.fee)
        .total_debit_amount(totals.debit)
        .internal_total_amount(totals.internal)
        .external_total_amount(totals.external)
        .currency(&**currency)
        .payment_method(method.clone())
        .maybe_description(disbursement.description.as_deref())
        .created_at(disbursement.created_at)
        .maybe_completed_at(disbursement.completed_at)
        .maybe_cancelled_at(cancelled.as_ref().map(|cancelled| cancelled.at))
        .maybe_cancellation_reason(cancelled.as_ref().and_then(|cancelled| cancelled.reason.as_deref()))
        .items(items.iter().map(item).collect::<Vec<_>>())
        .recipient_count(count(items.len()))
        .successful_count(successful)
        .failed_count(failed)
        .pending_count(pending)
        .build()
}

/// The recorded responses have no nulls in items.
fn item(item: &Item) -> DisbursementItem {
    let recipient = &item.recipient;
    DisbursementItem::builder()
        .maybe_recipient_id(recipient.recipient_id.as_deref())
        .maybe_email(recipient.email.as_deref())
        .maybe_phone_number(recipient.phone_number.as_deref())
        .amount(recipient.amount)
        .status(item.status.clone())
        .maybe_reference(recipient.reference.as_deref())
        .build()
}
