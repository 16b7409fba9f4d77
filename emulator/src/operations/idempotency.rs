//! Idempotency keys. Piaxis recommends them and documents no promise; the emulator recognises them unless told not to.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    contract::CONTRACT,
    reply::Reply,
    server::{access::Actor, routes::Route},
    world::{World, changes::Section},
};

/// The key of a request, with all that it belongs to.
pub(crate) struct Key {
    scope: String,
    body: BodyHash,
}

/// The hash of a body.
type BodyHash = [u8; 16];

/// The response to the first request with a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptReply {
    body: BodyHash,
    reply: Reply,
}

impl Key {
    /// The key of a write that takes one, where keys are recognised.
    pub(crate) fn of(world: &World, route: &Route, headers: &HeaderMap, actor: Actor, body: &Bytes) -> Option<Self> {
        let operation = route.operation;
        let key = headers.get(&CONTRACT.idempotency_key).and_then(|key| key.to_str().ok());
        let key = key.filter(|_| operation.idempotency_key && world.settings.honours_idempotency_keys)?;
        let mut digest = BodyHash::default();
        digest.iter_mut().zip(Sha256::digest(body)).for_each(|(kept, byte)| *kept = byte);
        Some(Self { scope: format!("{actor:?} {} {:?} {key}", operation.id, route.parameters), body: digest })
    }

    /// The response to an earlier request with the key; 409 where that one had another body.
    pub(crate) fn earlier(&self, world: &World) -> Option<Reply> {
        let kept = world.kept_replies.get(&self.scope)?;
        Some(if kept.body == self.body {
            kept.reply.clone()
        } else {
            let message = "The idempotency key was used with another body";
            Reply::coded(StatusCode::CONFLICT, "IDEMPOTENCY_KEY_REUSED", message)
        })
    }

    /// Keeps the response of a request that succeeded.
    pub(crate) fn keep(self, world: &mut World, reply: &Reply) {
        let kept = KeptReply { body: self.body, reply: reply.clone() };
        world.changes.put(Section::KeptReplies, self.scope.as_str(), &kept);
        world.kept_replies.insert(self.scope, kept);
    }
}
