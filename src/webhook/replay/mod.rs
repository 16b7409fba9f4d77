//! Receiving each event once.

#[cfg(feature = "memory-guard")]
mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::{error::Error, fmt, future::Future, sync::Arc, time::Duration};

use super::DeliveryKey;

#[cfg(feature = "memory-guard")]
pub use memory::MemoryGuard;
#[cfg(feature = "redis")]
pub use redis::RedisGuard;

/// Remembers which deliveries were there.
///
/// `MemoryGuard` (feature `memory-guard`) is for one process; `RedisGuard` (feature `redis`) for several. One of your own
/// needs three methods; a table with a unique key in the database that the handler writes to anyway is the strongest guard
/// of all, because the mark and the work are then one transaction.
///
/// How long to remember is yours to say. It must be longer than Piaxis repeats a delivery, which is not documented (a few
/// days is what other senders do), and longer than a delivery can be replayed: twice the tolerance with
/// [`require_v2`](super::Webhook::require_v2), for ever without it.
pub trait ReplayGuard: Send + Sync {
    /// Remembers the key for `ttl`, and says whether it was new. Of any number of callers at the same time, one is told so.
    ///
    /// # Errors
    /// When that cannot be said. Do not handle the delivery; answer with a failure, so that it comes again.
    fn first_time(&self, key: DeliveryKey, ttl: Duration) -> impl Future<Output = Result<bool, GuardError>> + Send;

    /// Whether the key is remembered.
    ///
    /// # Errors
    /// When that cannot be said, or an unknown key could not be remembered.
    fn is_known(&self, key: DeliveryKey) -> impl Future<Output = Result<bool, GuardError>> + Send;

    /// Forgets the key, so that the next delivery counts as new.
    ///
    /// # Errors
    /// When it may still be remembered.
    fn forget(&self, key: DeliveryKey) -> impl Future<Output = Result<(), GuardError>> + Send;

    /// Runs `handler` unless the key is remembered. `mark` says what happens when it does not come to its end: the process
    /// dies, the handler panics, or its future is dropped, as servers do when the sender hangs up.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use piaxis::webhook::{DeliveryKey, Mark, MemoryGuard, Once, ReplayGuard};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let guard = MemoryGuard::new(100_000);
    /// let (key, days) = (DeliveryKey::of(["payment.succeeded", "pay-1"]), Duration::from_secs(3 * 86_400));
    /// let book = || async { Ok::<_, std::io::Error>("booked") };
    /// let mark = Mark::Around { lease: Duration::from_secs(60) };
    /// assert_eq!(guard.once(key, days, mark, book).await?, Once::Handled("booked"));
    /// assert_eq!(guard.once(key, days, mark, book).await?, Once::Repeated);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`OnceError::Handler`] when the handler failed; the next delivery is handled, unless the error says that the mark
    /// could not be taken away. [`OnceError::Guard`] when the guard failed. Answer both with a failure (500), so that the
    /// event comes again.
    fn once<T, E, F, H>(
        &self,
        key: DeliveryKey,
        ttl: Duration,
        mark: Mark,
        handler: H,
    ) -> impl Future<Output = Result<Once<T>, OnceError<E>>> + Send
    where
        H: FnOnce() -> F + Send,
        F: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: Send,
    {
        async move {
            let leased = key.leased();
            // What a handler that fails takes away again.
            let marked = match mark {
                Mark::Before if self.first_time(key, ttl).await? => Some(key),
                Mark::Before => return Ok(Once::Repeated),
                _ if self.is_known(key).await? => return Ok(Once::Repeated),
                Mark::After => None,
                Mark::Around { lease } if !self.first_time(leased, lease).await? => return Ok(Once::InProgress),
                // Whoever had the lease may have come to an end since the first look.
                Mark::Around { .. } if self.is_known(key).await? => {
                    self.forget(leased).await?;
                    return Ok(Once::Repeated);
                }
                Mark::Around { .. } => Some(leased),
            };
            match handler().await {
                Ok(value) => {
                    if mark != Mark::Before {
                        self.first_time(key, ttl).await?;
                    }
                    if marked == Some(leased) {
                        // It is handled and marked; a lease that stays only expires.
                        let _ = self.forget(leased).await;
                    }
                    Ok(Once::Handled(value))
                }
                Err(error) => {
                    let still_marked = match marked {
                        Some(marked) => self.forget(marked).await.err(),
                        None => None,
                    };
                    Err(OnceError::Handler { error, still_marked })
                }
            }
        }
    }
}

macro_rules! guard_by_reference {
    ($($pointer:ty),+) => {
        $(impl<G: ReplayGuard> ReplayGuard for $pointer {
            fn first_time(&self, key: DeliveryKey, ttl: Duration) -> impl Future<Output = Result<bool, GuardError>> + Send {
                (**self).first_time(key, ttl)
            }

            fn is_known(&self, key: DeliveryKey) -> impl Future<Output = Result<bool, GuardError>> + Send {
                (**self).is_known(key)
            }

            fn forget(&self, key: DeliveryKey) -> impl Future<Output = Result<(), GuardError>> + Send {
                (**self).forget(key)
            }
        })+
    };
}

guard_by_reference!(&G, Arc<G>);

/// When a delivery is marked as handled, which matters when the handler does not come to its end, or two deliveries of one
/// event come at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mark {
    /// Before it is handled: **at most once**. A handler that does not come to its end, or an answer of the guard that is
    /// lost, leaves the mark, and the event is **not handled** until the mark expires. Deliveries that come while the first
    /// one is being handled count as repetitions, even if that then fails. For work that must never be done twice, and
    /// that something else notices missing: a payout, say.
    Before,
    /// After it was handled: **at least once**. When the handler comes to its end, but the mark cannot be set, the event is
    /// handled **again**; deliveries that come at the same time are **both handled**. For work that may be done twice
    /// without harm: setting an order to paid, say.
    After,
    /// A lease before, the mark after: once, unless the handler does not come to its end. Deliveries that come at the same
    /// time are handled once, the others are [`InProgress`](Once::InProgress). When the handler does not come to its end,
    /// the event is handled **again** after the lease, which must be longer than the handler ever takes: work that outlasts
    /// it may be done twice. The one to take when in doubt.
    Around {
        /// How long the handler may take.
        lease: Duration,
    },
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Once<T> {
    /// It was handled, with this result. Answer 200.
    Handled(T),
    /// It was there before. Answer 200, so that it does not come again.
    Repeated,
    /// Another delivery of it is being handled, or was until something broke. Answer with a failure (503), so that it comes
    /// again. Only with [`Mark::Around`].
    InProgress,
}

/// Why a delivery was not handled, or not marked.
#[derive(Debug)]
#[non_exhaustive]
pub enum OnceError<E> {
    /// The guard failed. With [`Mark::After`] and [`Mark::Around`] the event may have been handled, and not marked.
    Guard(GuardError),
    /// The handler failed.
    Handler {
        /// Its error.
        error: E,
        /// The mark could not be taken away: the event counts as handled, or in progress, until the mark expires.
        still_marked: Option<GuardError>,
    },
}

impl<E> From<GuardError> for OnceError<E> {
    fn from(error: GuardError) -> Self {
        Self::Guard(error)
    }
}

impl<E: fmt::Display> fmt::Display for OnceError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guard(error) => error.fmt(f),
            Self::Handler { error, still_marked: None } => error.fmt(f),
            Self::Handler { error, still_marked: Some(guard) } => {
                write!(f, "{error}; and the delivery stays marked until that expires, because {guard}")
            }
        }
    }
}

impl<E: Error + 'static> Error for OnceError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Guard(error) => error.source(),
            Self::Handler { error, .. } => error.source(),
        }
    }
}

/// A guard cannot say whether a delivery was there before.
#[derive(Debug)]
pub struct GuardError {
    problem: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl GuardError {
    /// For guards of your own: what was tried, and what came of it.
    pub fn new(problem: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { problem: problem.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the replay guard failed: {}", self.problem)
    }
}

impl Error for GuardError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
