//! Authorizes requests by the operation table.

use http::{HeaderMap, StatusCode, header};
use piaxis::{Credential, Operation, Secret};
use serde::{Deserialize, Serialize};

use crate::{
    contract::CONTRACT,
    response::{Rejection, Response},
    world::{World, merchants::Merchant, table::Row},
};

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actor {
    /// The merchant of the API key.
    pub(crate) merchant: Option<Row>,
    /// The payer of the access token.
    pub(crate) payer: Option<Payer>,
}

/// A payer, and the merchant that the payer authorized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payer {
    pub(crate) user: Row,
    pub(crate) merchant: Row,
}

impl Actor {
    /// The merchant that the request is about: the one of the key, or the one that the payer authorized.
    pub(crate) fn any_merchant(&self) -> Option<Row> {
        self.merchant.or(self.payer.map(|payer| payer.merchant))
    }
}

/// Accepts a request that carries one of the operation's sets of credentials, and no wrong value.
///
/// No source shows the statuses and messages of these errors.
pub(crate) fn authorize(world: &World, operation: &Operation, headers: &HeaderMap) -> Result<Actor, Rejection> {
    let takes = |credential| operation.security.iter().any(|set| set.contains(&credential));
    let sent = |credential: Credential| {
        let value = takes(credential).then(|| headers.get(credential.header())).flatten();
        value.map(|value| value.to_str().unwrap_or_default())
    };
    let merchant = match sent(Credential::ApiKey) {
        None => None,
        Some(key) => {
            let found = merchant_of(world, key, |merchant| merchant.api_key == Secret::from(key));
            Some(found.ok_or_else(|| unauthorized("Invalid API key"))?)
        }
    };
    let payer = match sent(Credential::Bearer) {
        None => None,
        Some(value) => {
            let token = value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer ")).map(|_| &value[7..]);
            let payer = token.and_then(|token| world.oauth.payer(token, world.now()));
            Some(payer.ok_or_else(|| unauthorized("Invalid or expired token"))?)
        }
    };
    let actor = Actor { merchant, payer };
    if let Some(client_id) = sent(Credential::ClientId) {
        let owner = merchant_of(world, client_id, |merchant| merchant.client_id == client_id);
        if owner.is_none() || actor.any_merchant().is_some_and(|merchant| Some(merchant) != owner) {
            return Err(unauthorized("Unknown client id"));
        }
    }
    let has = |credential: &Credential| sent(*credential).is_some();
    if operation.security.is_empty() || operation.security.iter().any(|set| set.iter().all(has)) {
        return Ok(actor);
    }
    let has_or_is_client_id = |credential: &Credential| *credential == Credential::ClientId || has(credential);
    if operation.security.iter().any(|set| set.iter().all(has_or_is_client_id)) {
        if !world.settings.requires_client_id {
            return Ok(actor);
        }
        let message = format!("The header {} is required on this route", Credential::ClientId.header());
        return Err(Response::coded(StatusCode::BAD_REQUEST, &CONTRACT.missing_client_id, &message));
    }
    Err(unauthorized("Not authenticated"))
}

/// The merchant of a credential. The index has keys and ids alike, so a credential in the place of another must be rejected.
fn merchant_of(world: &World, credential: &str, is_own: impl Fn(&Merchant) -> bool) -> Option<Row> {
    let row = *world.merchant_index.get(credential)?;
    world.merchants.get(row).filter(|merchant| is_own(merchant)).map(|_| row)
}

fn unauthorized(message: &str) -> Rejection {
    Response::rejected(StatusCode::UNAUTHORIZED, message).with_header(header::WWW_AUTHENTICATE, "Bearer")
}
