//! Guards: record which events were handled, and which are being handled.
//!
//! # State machine
//!
//! ```text
//!             begin: Acquired                finish
//!   (free) ───────────────────▶ leased ───────────────────▶ done
//!      ▲                          │ ▲ │                       │
//!      │    abort, or the lease   │ └─┘ renew                 │ the time to live elapses
//!      └──────── elapses ─────────┘                           │
//!      ▲                                                      │
//!      └──────────────────────────────────────────────────────┘
//! ```

#[cfg(feature = "memory-guard")]
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;

use std::{error::Error, fmt, pin::Pin, sync::Arc, time::Duration};

use super::DeduplicationKey;

#[cfg(feature = "memory-guard")]
pub use memory::MemoryGuard;
#[cfg(feature = "postgres")]
pub use postgres::PostgresGuard;
#[cfg(feature = "redis")]
pub use redis::{RedisConnect, RedisConnection, RedisFuture, RedisGuard, RedisReply};

/// A future that a [`Guard`] returns.
pub type GuardFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, GuardError>> + Send + 'a>>;

/// Remembers which events were handled and which are being handled.
///
/// `MemoryGuard` (feature `memory-guard`) serves one process, `RedisGuard` (feature `redis`) and `PostgresGuard` (feature
/// `postgres`) any number of machines. [`Deduplication`](super::Deduplication) runs a handler on top of any of them.
///
/// A key is free, leased by one [`Token`], or done. Every method is atomic, and repeating one with the same token has no
/// further effect, so that an implementation may retry after a lost response.
///
/// # Time to live
///
/// A finished key is remembered for the `ttl` of [`finish`](Self::finish). Choose one longer than Piaxis retries a
/// delivery, which no document states (other senders retry for days), and longer than an attacker can replay a delivery:
/// twice the [`tolerance`](super::Webhook::tolerance) with [`require_v2`](super::Webhook::require_v2), the
/// [`max_event_age`](super::Webhook::max_event_age) otherwise, and for ever with neither.
pub trait Guard: fmt::Debug + Send + Sync {
    /// Leases the key for `token`, if the key is free or the token holds it already.
    ///
    /// # Errors
    /// When the state of the key is unknown. The key may be leased until the lease elapses.
    fn begin<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, Begin>;

    /// Marks the key as done for `ttl`. Returns whether the key is done now: `false` if another token holds the lease.
    ///
    /// Succeeds after the lease elapsed as well, unless another token has leased the key since.
    ///
    /// # Errors
    /// When the key may or may not be done.
    fn finish<'a>(&'a self, token: &'a Token, ttl: Duration) -> GuardFuture<'a, bool>;

    /// Frees the key, if the token holds its lease. Otherwise has no effect.
    ///
    /// # Errors
    /// When the lease may remain until it elapses.
    fn abort<'a>(&'a self, token: &'a Token) -> GuardFuture<'a, ()>;

    /// Extends the lease to `lease` from now, if the token still holds it. Returns whether the token holds the lease.
    ///
    /// # Errors
    /// When the lease may or may not be extended.
    fn renew<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, bool>;
}

macro_rules! guard_by_pointer {
    ($($pointer:ty),+) => {
        $(impl<G: Guard + ?Sized> Guard for $pointer {
            fn begin<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, Begin> {
                (**self).begin(token, lease)
            }

            fn finish<'a>(&'a self, token: &'a Token, ttl: Duration) -> GuardFuture<'a, bool> {
                (**self).finish(token, ttl)
            }

            fn abort<'a>(&'a self, token: &'a Token) -> GuardFuture<'a, ()> {
                (**self).abort(token)
            }

            fn renew<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, bool> {
                (**self).renew(token, lease)
            }
        })+
    };
}

guard_by_pointer!(&G, Arc<G>, Box<G>);

/// One owner of the lease on one key.
///
/// Not `Clone`, because a copy would be the same owner.
#[derive(PartialEq, Eq, Hash)]
pub struct Token {
    key: DeduplicationKey,
    owner: [u8; 16],
}

impl Token {
    /// Makes a token that no other process makes.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn new(key: DeduplicationKey) -> Result<Self, GuardError> {
        let mut owner = [0; 16];
        getrandom::fill(&mut owner)
            .map_err(|error| GuardError::new("failed to get random bytes for a token", error))?;
        Ok(Self { key, owner })
    }

    /// The key that the token is for.
    pub fn key(&self) -> DeduplicationKey {
        self.key
    }

    /// The random bytes that tell the owner from others, for a guard of your own.
    pub fn owner(&self) -> &[u8; 16] {
        &self.owner
    }
}

/// Shows the key only.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Checks a namespace, which separates programs that share a server.
#[cfg(any(feature = "postgres", feature = "redis"))]
fn checked_namespace(namespace: impl Into<String>) -> Result<Arc<str>, GuardError> {
    let namespace = namespace.into();
    if namespace.is_empty() {
        return Err(GuardError::message("namespace: must not be empty"));
    }
    Ok(namespace.into())
}

/// State of a key after [`Guard::begin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Begin {
    /// The token holds the lease. Handle the event.
    Acquired,
    /// Another token holds the lease.
    InProgress,
    /// The event was handled.
    Done,
}

/// A guard failed: the state of a key is unknown.
#[derive(Debug)]
pub struct GuardError {
    problem: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl GuardError {
    /// Makes an error from what failed and its cause.
    pub fn new(problem: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { problem: problem.into(), source: Some(source.into()) }
    }

    /// Makes an error without a cause.
    pub fn message(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), source: None }
    }
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deduplication guard: {}", self.problem)
    }
}

impl Error for GuardError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
