//! Idempotency keys. Piaxis recommends them and documents no promise; the emulator recognises them unless told not to.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::{
    contract::CONTRACT,
    reply::Reply,
    server::{access::Actor, routes::Route},
    world::World,
};

/// The key of a request, with all that it belongs to.
pub(crate) struct Key {
    scope: String,
    body: u64,
}

/// The response to the first request with a key.
#[derive(Debug, Clone)]
pub(crate) struct KeptReply {
    body: u64,
    reply: Reply,
}

impl Key {
    /// The key of a write that takes one, where keys are recognised.
    pub(crate) fn of(world: &World, route: &Route, headers: &HeaderMap, actor: Actor, body: &Bytes) -> Option<Self> {
        let operation = route.operation;
        let key = headers.get(&CONTRACT.idempotency_key).and_then(|key| key.to_str().ok());
        let key = key.filter(|_| operation.idempotency_key && world.settings.honours_idempotency_keys)?;
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Some(Self { scope: format!("{actor:?} {} {:?} {key}", operation.id, route.parameters), body: hasher.finish() })
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
        world.kept_replies.insert(self.scope, KeptReply { body: self.body, reply: reply.clone() });
    }
}
