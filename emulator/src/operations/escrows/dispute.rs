//! Disputes. While one is open, nothing else moves the money. No operation of the API closes one: a test does.

use piaxis::{
    InitiatorRole,
    types::{EscrowDispute, EscrowDisputed},
    webhook::EventType,
};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::{
    change, find, id,
    party::{Side, acting},
    release::{Part, Way, announce_release, move_money},
};
use crate::{
    operations::Context,
    response::{Rejection, Response},
    world::{World, ids::Kind, table::Row},
};

/// An open dispute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Dispute {
    id: String,
    pub(super) reason: String,
}

/// How a dispute ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// The held money goes to the receiver.
    Release,
    /// The held money goes back to the sender.
    Reverse,
    /// The money stays held, and the escrow goes on.
    Dismiss,
}

/// Opens a dispute. Either party may.
///
/// No source shows the role of a party that names none, nor whether a role must be the party's own: recorded requests of
/// the receiver name `sender`.
pub(crate) fn dispute(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let (row, escrow) = find(context)?;
    let request: EscrowDispute = context.body()?;
    let sides = acting(context, &escrow, request.user_info.as_ref())?;
    escrow.check_open()?;
    let role = request.initiator_role.unwrap_or_else(|| match sides.first() {
        Some(Side::Receiver) => InitiatorRole::from("receiver"),
        _ => InitiatorRole::Sender,
    });
    let dispute = Dispute { id: context.world.new_id(Kind::Dispute), reason: request.reason };
    let response = EscrowDisputed::builder()
        .message("Dispute initiated successfully")
        .dispute_id(dispute.id.as_str())
        .initiator_role(role);
    announce(context.world, row, &dispute, EventType::DisputeOpened, "opened");
    change(context.world, row)?.dispute = Some(dispute);
    context.respond(&response.build())
}

/// Ends the open dispute of an escrow.
pub(crate) fn resolve(world: &mut World, row: Row, resolution: Resolution) -> Result<(), Rejection> {
    let dispute = change(world, row)?.dispute.take();
    let dispute = dispute.ok_or_else(|| Response::bad_request("The escrow has no open dispute"))?;
    announce(world, row, &dispute, EventType::DisputeClosed, "closed");
    let way = match resolution {
        Resolution::Release => Way::Release,
        Resolution::Reverse => Way::Reverse,
        Resolution::Dismiss => return Ok(()),
    };
    let (amount, _) = move_money(world, row, way, &Part::default(), Some(&dispute.reason))?;
    if way == Way::Release {
        announce_release(world, row, amount, None);
    }
    Ok(())
}

/// Tells the merchant of a dispute. No source shows the data of the event.
fn announce(world: &mut World, row: Row, dispute: &Dispute, event: EventType, status: &str) {
    let Some(merchant) = world.escrows.get(row).map(|escrow| escrow.merchant) else { return };
    let mut data = Map::new();
    data.insert("dispute_id".into(), dispute.id.as_str().into());
    data.insert("escrow_id".into(), id(world, row).into());
    data.insert("reason".into(), dispute.reason.as_str().into());
    data.insert("status".into(), status.into());
    world.event(merchant, event.as_str(), data);
}
