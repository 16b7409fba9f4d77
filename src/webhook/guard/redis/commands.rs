//! The commands: one for each operation, each atomic and safe to repeat with the same token.
//!
//! A key has the value `lease:<owner>` or `done:<owner>`, and a time to live.

use std::time::Duration;

use super::RedisReply;
use crate::webhook::{Begin, GuardError, Token, signature::to_hex};

/// Redis rejects a time that overflows when added to the current time.
const MAX_MILLISECONDS: u128 = i64::MAX as u128 / 4;

/// Scripts are sent whole: a script that the server knows by its hash is unknown after a failover.
const FINISH: &str = "\
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, 5) == 'done:' then return 1 end
if value and value ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

const ABORT: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

const RENEW: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// The key of a token in a namespace, and the value of its lease.
pub(super) struct Entry {
    key: String,
    owner: String,
}

impl Entry {
    pub(super) fn new(namespace: &str, token: &Token) -> Self {
        Self { key: format!("{namespace}:{}", token.key()), owner: to_hex(token.owner()) }
    }

    fn lease(&self) -> String {
        format!("lease:{}", self.owner)
    }

    pub(super) fn begin(&self, lease: Duration) -> Vec<Vec<u8>> {
        arguments([b"SET", self.key.as_bytes(), self.lease().as_bytes(), b"NX", b"PX", &milliseconds(lease), b"GET"])
    }

    pub(super) fn begun(&self, reply: RedisReply) -> Result<Begin, GuardError> {
        match reply {
            RedisReply::Nil => Ok(Begin::Acquired),
            RedisReply::Bytes(value) if value == self.lease().as_bytes() => Ok(Begin::Acquired),
            RedisReply::Bytes(value) if value.starts_with(b"lease:") => Ok(Begin::InProgress),
            RedisReply::Bytes(value) if value.starts_with(b"done:") => Ok(Begin::Done),
            _ => Err(GuardError::message(format!(
                "begin: value of key {} is neither a lease nor done; use a namespace of your own",
                self.key
            ))),
        }
    }

    pub(super) fn finish(&self, ttl: Duration) -> Vec<Vec<u8>> {
        let done = format!("done:{}", self.owner);
        self.script(FINISH, &[done.as_bytes(), &milliseconds(ttl)])
    }

    pub(super) fn abort(&self) -> Vec<Vec<u8>> {
        self.script(ABORT, &[])
    }

    pub(super) fn renew(&self, lease: Duration) -> Vec<Vec<u8>> {
        self.script(RENEW, &[&milliseconds(lease)])
    }

    fn script(&self, script: &str, rest: &[&[u8]]) -> Vec<Vec<u8>> {
        let lease = self.lease();
        let first: [&[u8]; 5] = [b"EVAL", script.as_bytes(), b"1", self.key.as_bytes(), lease.as_bytes()];
        arguments(first.into_iter().chain(rest.iter().copied()))
    }
}

/// Whether a script says that it had its effect.
pub(super) fn is_done(operation: &str, reply: RedisReply) -> Result<bool, GuardError> {
    match reply {
        RedisReply::Integer(number) => Ok(number != 0),
        _ => Err(GuardError::message(format!("{operation}: reply of Redis is not an integer"))),
    }
}

fn arguments<'a>(arguments: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    arguments.into_iter().map(<[u8]>::to_vec).collect()
}

fn milliseconds(duration: Duration) -> Vec<u8> {
    duration.as_millis().clamp(1, MAX_MILLISECONDS).to_string().into_bytes()
}
