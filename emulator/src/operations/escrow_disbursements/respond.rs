//! Responses about escrow disbursements.

use piaxis::types::{self, EscrowDisbursementSummary, EscrowItem};
use serde_json::Value;

use super::{EscrowDisbursement, Item};
use crate::{
    contract::CONTRACT,
    operations::{disbursements::Counts, escrows},
    world::{World, ids::Kind, table::Row},
};

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn summary(world: &World, row: Row, batch: &EscrowDisbursement) -> EscrowDisbursementSummary {
    let EscrowDisbursement { cancelled, .. } = batch;
    let Counts { successful, failed, pending } = batch.counts(world);
    EscrowDisbursementSummary::builder()
        .disbursement_id(world.ids.id(Kind::EscrowDisbursement, row))
        .status(batch.status(world))
        .total_amount(batch.total)
        .currency(&*batch.currency)
        .recipient_count(count(batch.items.len()))
        .successful_count(successful)
        .failed_count(failed)
        .pending_count(pending)
        .maybe_description(batch.description.as_deref())
        .created_at(batch.created_at)
        .maybe_cancelled_at(cancelled.as_ref().map(|cancelled| cancelled.at))
        .maybe_cancellation_reason(cancelled.as_ref().and_then(|cancelled| cancelled.reason.as_deref()))
        .build()
}

/// The recorded responses have nulls in items.
pub(super) fn detail(world: &World, row: Row, batch: &EscrowDisbursement) -> Value {
    let Counts { successful, failed, pending } = batch.counts(world);
    let detail = types::EscrowDisbursement::builder()
        .disbursement_id(world.ids.id(Kind::EscrowDisbursement, row))
        .status(batch.status(world))
        .total_amount(batch.total)
        .currency(&*batch.currency)
        .recipient_count(count(batch.items.len()))
        .successful_count(successful)
        .failed_count(failed)
        .pending_count(pending)
        .escrow_items(batch.items.iter().map(|one| item(world, one)).collect::<Vec<_>>())
        .maybe_description(batch.description.as_deref())
        .created_at(batch.created_at);
    let mut detail = serde_json::to_value(detail.build()).unwrap_or_default();
    CONTRACT.complete_items("EscrowItem", &mut detail["escrow_items"]);
    detail
}

fn item(world: &World, item: &Item) -> EscrowItem {
    let recipient = &item.recipient;
    EscrowItem::builder()
        .maybe_recipient_id(recipient.recipient_id.as_deref())
        .maybe_email(recipient.email.as_deref())
        .maybe_phone_number(recipient.phone_number.as_deref())
        .amount(recipient.amount)
        .escrow_id(escrows::id(world, item.escrow))
        .status(escrows::status(world, item.escrow))
        .terms_count(count(escrows::terms_count(world, item.escrow)))
        .maybe_reference(recipient.reference.as_deref())
        .build()
}
