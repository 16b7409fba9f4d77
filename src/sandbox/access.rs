//! Authorization of requests, by the operation table.

use axum::http::{HeaderMap, StatusCode};

use super::{API_KEY, CLIENT_ID, reply::Reply};
use crate::operation::{Credential, MISSING_CLIENT_ID, Operation};

/// Accepts a request that carries one of the operation's sets of credentials, and no wrong value.
pub(super) fn check(headers: &HeaderMap, operation: &Operation) -> Result<(), Reply> {
    let sent = |credential: &Credential| headers.get(credential.header()).and_then(|value| value.to_str().ok());
    let unauthorized = |words| Err(Reply::refused(StatusCode::UNAUTHORIZED, words));
    let takes = |credential| operation.security.iter().any(|set| set.contains(&credential));
    if takes(Credential::ApiKey) && sent(&Credential::ApiKey).is_some_and(|key| key != API_KEY) {
        return unauthorized("Invalid API key");
    }
    if takes(Credential::ClientId) && sent(&Credential::ClientId).is_some_and(|id| id != CLIENT_ID) {
        return unauthorized("Unknown client id");
    }
    let enough = |set: &&[Credential]| set.iter().all(|credential| sent(credential).is_some());
    if operation.security.is_empty() || operation.security.iter().any(enough) {
        return Ok(());
    }
    let lacks_client_id = |set: &&[Credential]| {
        set.iter().all(|credential| *credential == Credential::ClientId || sent(credential).is_some())
    };
    if operation.security.iter().any(lacks_client_id) {
        let words = format!("The header {} is required on this route", Credential::ClientId.header());
        return Err(Reply::coded(StatusCode::BAD_REQUEST, MISSING_CLIENT_ID, &words));
    }
    unauthorized("Not authenticated")
}
