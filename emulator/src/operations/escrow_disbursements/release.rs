//! Release of escrows of a batch.

use piaxis::{
    types::{EscrowDisbursementRelease, EscrowDisbursementReleased, ReleasedItem},
    webhook::EventType,
};
use serde_json::{Value, json};

use super::{EscrowDisbursement, Item, find, not_found};
use crate::{
    operations::{
        Context,
        escrows::{self, Obstacle},
    },
    response::{Rejection, Response},
    world::{World, ids::Kind, table::Row},
};

/// Escrows that were released, skipped and failed.
#[derive(Default)]
struct Results {
    released: Vec<ReleasedItem>,
    skipped: Vec<Value>,
    failed: Vec<Value>,
}

/// Releases the escrows that the request names, and all of the batch where it names none.
///
/// No source shows which escrows are skipped and which fail, nor how the response describes them. An escrow is skipped when
/// it is settled already or waits for its terms. It fails when it is disputed, when its recipient cannot be paid, or when it
/// is none of the batch. No source shows the error of a cancelled batch either.
pub(crate) fn release(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let request: EscrowDisbursementRelease = context.body()?;
    let row = find(context)?;
    let world = &mut *context.world;
    let batch = world.escrow_disbursements.get(row).cloned().ok_or_else(not_found)?;
    if batch.cancelled.is_some() {
        return Err(Response::bad_request("The escrow disbursement is cancelled"));
    }
    let before = batch.status(world);
    let mut results = Results::default();
    match &request.escrow_ids {
        None => {
            for item in &batch.items {
                release_item(world, item, &request, &mut results)?;
            }
        }
        Some(ids) => {
            for id in ids {
                match item_of(world, &batch, id) {
                    Some(item) => release_item(world, item, &request, &mut results)?,
                    None => {
                        let error = "The escrow is not part of the disbursement";
                        results.failed.push(json!({ "item_id": null, "escrow_id": id, "error": error }));
                    }
                }
            }
        }
    }
    if batch.status(world) != before {
        EscrowDisbursement::announce(world, row, EventType::DisbursementStatusUpdated);
    }
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let response = EscrowDisbursementReleased::builder()
        .disbursement_id(world.ids.id(Kind::EscrowDisbursement, row))
        .force(request.force)
        .maybe_reason(request.reason)
        .released_count(count(results.released.len()))
        .skipped_count(count(results.skipped.len()))
        .failed_count(count(results.failed.len()))
        .released(results.released)
        .skipped(results.skipped)
        .failed(results.failed);
    context.respond(&response.build())
}

fn item_of<'a>(world: &World, batch: &'a EscrowDisbursement, escrow_id: &str) -> Option<&'a Item> {
    let escrow: Row = world.ids.row(Kind::Escrow, escrow_id)?;
    batch.items.iter().find(|item| item.escrow == escrow)
}

fn release_item(
    world: &mut World,
    item: &Item,
    request: &EscrowDisbursementRelease,
    results: &mut Results,
) -> Result<(), Rejection> {
    let (item_id, escrow_id) = (world.ids.id(Kind::Item, item.number), escrows::id(world, item.escrow));
    let obstacle = escrows::obstacle(world, item.escrow, request.force);
    if obstacle.is_none() {
        escrows::release_all(world, item.escrow, request.force, request.reason.as_deref())?;
    }
    let status = escrows::status(world, item.escrow);
    let skipped =
        |reason: &str| json!({ "item_id": item_id, "escrow_id": escrow_id, "status": status, "reason": reason });
    let failed = |error: &str| json!({ "item_id": item_id, "escrow_id": escrow_id, "error": error });
    match obstacle {
        Some(Obstacle::Settled) => results.skipped.push(skipped("The escrow is already settled")),
        Some(Obstacle::TermsNotMet) => results.skipped.push(skipped("Not all terms of the escrow are met")),
        Some(Obstacle::Disputed) => results.failed.push(failed("The escrow has an open dispute")),
        Some(Obstacle::Declined) => results.failed.push(failed("The payout to the recipient was declined")),
        None => {
            let item = ReleasedItem::builder().item_id(item_id).escrow_id(escrow_id).status(status);
            results.released.push(item.build());
        }
    }
    Ok(())
}
