//! Idempotency keys. Piaxis recommends them and documents no promise; the emulator recognises them unless the setting is off.
//!
//! The last 100,000 keys are remembered, or at least half as many.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::limits;
use crate::{
    contract::CONTRACT,
    response::Response,
    server::{access::Actor, routes::Route},
    world::{World, changes::Section, ids::Kind},
};

/// How many keys are remembered.
const KEPT: usize = 100_000;
/// Bytes of a key beyond which its digest is remembered.
const LONGEST: usize = 128;

/// The key of a request, with all that it belongs to.
pub(crate) struct Key {
    scope: String,
    body: BodyHash,
}

/// The hash of a body.
type BodyHash = [u8; 16];

/// The response to the first request with a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptResponse {
    /// Order of the keys.
    number: u32,
    body: BodyHash,
    // The name in state files of format 1.
    #[serde(rename = "reply")]
    response: Response,
}

impl Key {
    /// The key of a write that takes one, where keys are recognised.
    pub(crate) fn of(world: &World, route: &Route, headers: &HeaderMap, actor: Actor, body: &Bytes) -> Option<Self> {
        let operation = route.operation;
        let key = headers.get(CONTRACT.idempotency_key.as_ref()?);
        let key = key.filter(|_| operation.idempotency_key && world.settings.honours_idempotency_keys)?;
        let key = match key.to_str() {
            Ok(text) if text.len() <= LONGEST => text.to_owned(),
            _ => format!("{:x?}", Sha256::digest(key.as_bytes())),
        };
        let mut digest = BodyHash::default();
        digest.iter_mut().zip(Sha256::digest(body)).for_each(|(kept, byte)| *kept = byte);
        Some(Self { scope: format!("{actor:?} {} {:?} {key}", operation.id, route.parameters), body: digest })
    }

    /// The response to an earlier request with the key; 409 where that one had another body.
    pub(crate) fn earlier(&self, world: &World) -> Option<Response> {
        let kept = world.kept_responses.get(&self.scope)?;
        Some(if kept.body == self.body {
            kept.response.clone()
        } else {
            let message = "The idempotency key was used with another body";
            Response::coded(StatusCode::CONFLICT, "IDEMPOTENCY_KEY_REUSED", message)
        })
    }

    /// Keeps the response of a request that succeeded.
    pub(crate) fn keep(self, world: &mut World, response: &Response) {
        for scope in limits::oldest(&world.kept_responses, KEPT, |kept| kept.number) {
            world.changes.remove(Section::KeptResponses, scope.as_str());
            world.kept_responses.remove(&scope);
        }
        let number = world.transaction(|world| Ok(world.number(Kind::Request))).unwrap_or_default();
        // Without what the buffer of the response has left.
        let response = Response { body: Bytes::copy_from_slice(&response.body), ..response.clone() };
        let kept = KeptResponse { number, body: self.body, response };
        world.changes.put(Section::KeptResponses, self.scope.as_str(), &kept);
        world.kept_responses.insert(self.scope, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_keys_are_remembered() {
        let mut world = crate::operations::testing::world();
        let key = |number: usize| Key { scope: number.to_string(), body: BodyHash::default() };
        let response = Response::bad_request("kept");
        for number in 0..=KEPT {
            key(number).keep(&mut world, &response);
            assert!(world.kept_responses.len() <= KEPT);
        }
        assert!(key(KEPT).earlier(&world).is_some() && key(KEPT / 2).earlier(&world).is_some());
        assert!(key(KEPT / 2 - 1).earlier(&world).is_none());
    }
}
