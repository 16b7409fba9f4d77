//! Responses about an escrow.

use piaxis::{
    AllocationStatus, Amount, JsonObject, PartyType,
    types::{self, AllocationSummary, BuyerInfo, EscrowFulfillment, RequiredAction, TermState},
};
use serde_json::{Value, json};

use super::{Allocation, Escrow, find, id, party::Who};
use crate::{
    contract,
    operations::Context,
    response::{Rejection, Response},
    world::{World, ledger::zero, table::Row},
};

pub(crate) fn get(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let (row, found) = find(context)?;
    context.respond(&escrow(context.world, row, &found))
}

/// Fulfilment state of an escrow.
pub(crate) fn status(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let (row, escrow) = find(context)?;
    let sender = &escrow.sender;
    let is_registered = sender.who != Who::Unregistered;
    let buyer = BuyerInfo::builder()
        .type_(if is_registered { PartyType::Registered } else { PartyType::Unregistered })
        .maybe_email(sender.email.as_deref())
        .maybe_phone_number(sender.phone_number.as_deref())
        // A payer proves an address at the creation, or has an account.
        .verified(true);
    let term = |term: &super::Term| {
        TermState::builder()
            .term_id(term.id(context.world))
            .term_type(term.kind.clone())
            .is_met(term.met_at.is_some())
            .maybe_met_at(term.met_at)
            .build()
    };
    let response = EscrowFulfillment::builder()
        .escrow_id(id(context.world, row))
        .status(escrow.status())
        .amount(escrow.amount)
        .currency(escrow.currency.as_str())
        .payment_method(escrow.method.clone())
        .created_at(escrow.created_at)
        .buyer_info(buyer.build())
        .terms(escrow.terms.iter().map(term).collect::<Vec<_>>())
        .all_terms_met(escrow.are_terms_met());
    let mut response = json!(response.build());
    // Recorded responses have null here, and the builder leaves the field out.
    let terms = response["terms"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
    for term in terms {
        term.entry("met_at").or_insert(Value::Null);
    }
    context.respond(&response)
}

/// An escrow as `POST /escrows/` and `GET /escrows/{escrow_id}` return it.
pub(super) fn escrow(world: &World, row: Row, escrow: &Escrow) -> types::Escrow {
    let account = |who: Who| match who {
        Who::Merchant(merchant) => Some(world.merchant_id(merchant)),
        Who::User(user) => Some(world.user_id(user)),
        Who::Unregistered => None,
    };
    let out = escrow.released.checked_add(escrow.reversed).unwrap_or_else(zero);
    let term = |term: &super::Term| {
        types::Term::builder().term_id(term.id(world)).type_(term.kind.clone()).data(term.public_data()).build()
    };
    let actions = escrow.terms.iter().filter(|term| !escrow.is_settled() && term.met_at.is_none());
    let allocations: Vec<types::Allocation> = escrow.allocations.iter().map(allocation).collect();
    types::Escrow::builder()
        .id(id(world, row))
        .amount(escrow.amount)
        .currency_code(escrow.currency.as_str())
        .status(escrow.status())
        .payment_method(escrow.method.clone())
        .maybe_sender_id(account(escrow.sender.who))
        .maybe_receiver_id(account(escrow.receiver.who))
        .created_at(escrow.created_at)
        .updated_at(escrow.updated_at)
        .terms(escrow.terms.iter().map(term).collect::<Vec<_>>())
        .products(Vec::<JsonObject>::new())
        .maybe_location(escrow.location.as_ref().and_then(|place| JsonObject::from_serialize(place).ok()))
        .required_actions(actions.filter_map(super::terms::action).collect::<Vec<RequiredAction>>())
        .maybe_external_user_id(escrow.external_user_id.as_deref())
        .balance_escrow_in(escrow.amount)
        .balance_escrow_out(out)
        .maybe_external_order_id(escrow.external_order_id.as_deref())
        .maybe_metadata(metadata(escrow, &allocations))
        .maybe_allocations((!allocations.is_empty()).then_some(allocations))
        .maybe_allocation_summary(summary(escrow))
        .build()
}

/// The merchant's metadata, to which recorded responses add the order and the allocations.
fn metadata(escrow: &Escrow, allocations: &[types::Allocation]) -> Option<JsonObject> {
    let mut metadata = escrow.metadata.clone().unwrap_or_default();
    if let Some(order) = &escrow.external_order_id {
        metadata.insert("external_order_id".into(), order.as_str().into());
    }
    if !allocations.is_empty() {
        let mut copies = json!(allocations);
        for (copy, allocation) in copies.as_array_mut().into_iter().flatten().zip(allocations) {
            copy["amount"] = allocation.amount.map(|amount| contract::written(amount, false)).into();
        }
        metadata.insert("allocations".into(), copies);
    }
    (escrow.metadata.is_some() || !metadata.is_empty()).then_some(metadata)
}

fn allocation(allocation: &Allocation) -> types::Allocation {
    let order = &allocation.order;
    types::Allocation::builder()
        .allocation_key(order.allocation_key.as_str())
        .amount(order.amount)
        .maybe_seller_reference(order.seller_reference.as_deref())
        .maybe_description(order.description.as_deref())
        .status(allocation.status.clone())
        .maybe_status_reason(allocation.status_reason.as_deref())
        .maybe_status_updated_at(allocation.status_updated_at)
        .maybe_metadata(order.metadata.clone())
        .build()
}

/// Numbers and amounts of the allocations; `None` without allocations.
pub(super) fn summary(escrow: &Escrow) -> Option<AllocationSummary> {
    if escrow.allocations.is_empty() {
        return None;
    }
    let with = |status: AllocationStatus| escrow.allocations.iter().filter(move |one| one.status == status);
    let count = |status| i64::try_from(with(status).count()).unwrap_or(i64::MAX);
    let amount = |status| Amount::checked_sum(with(status).map(|one| one.order.amount)).unwrap_or_else(zero);
    let summary = AllocationSummary::builder()
        .total_count(i64::try_from(escrow.allocations.len()).unwrap_or(i64::MAX))
        .pending_count(count(AllocationStatus::Pending))
        .released_count(count(AllocationStatus::Released))
        .reversed_count(count(AllocationStatus::Reversed))
        .pending_amount(amount(AllocationStatus::Pending))
        .released_amount(amount(AllocationStatus::Released))
        .reversed_amount(amount(AllocationStatus::Reversed));
    Some(summary.build())
}
