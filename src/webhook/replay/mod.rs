//! Receiving each event once.

mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::{error::Error, fmt, future::Future, sync::Arc, time::Duration};

use super::DeliveryKey;

pub use memory::MemoryGuard;
#[cfg(feature = "redis")]
pub use redis::RedisGuard;

/// Remembers which deliveries were there.
///
/// [`MemoryGuard`] is for one process; `RedisGuard` (feature `redis`) for several. One of your own needs three methods;
/// a table with a unique key in the database that the handler writes to anyway is the strongest guard of all, because the
/// mark and the work are then one transaction.
///
/// How long to remember is yours to say: how long Piaxis repeats a delivery is not documented; a few days is what other
/// senders do.
pub trait ReplayGuard: Send + Sync {
    /// Remembers the key for `ttl`, and says whether it was new. Of any number of callers at the same time, one is told so.
    ///
    /// # Errors
    /// When that cannot be said. Do not handle the delivery; answer with a failure, so that it comes again.
    fn first_time(&self, key: DeliveryKey, ttl: Duration) -> impl Future<Output = Result<bool, GuardError>> + Send;

    /// Whether the key is remembered.
    ///
    /// # Errors
    /// When that cannot be said.
    fn is_known(&self, key: DeliveryKey) -> impl Future<Output = Result<bool, GuardError>> + Send;

    /// Forgets the key, so that the next delivery counts as new.
    ///
    /// # Errors
    /// When it may still be remembered.
    fn forget(&self, key: DeliveryKey) -> impl Future<Output = Result<(), GuardError>> + Send;

    /// Runs `handler` unless the key is remembered. `mark` says what happens when the machine stops half-way.
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
    /// assert_eq!(guard.once(key, days, Mark::Before, book).await?, Once::Handled("booked"));
    /// assert_eq!(guard.once(key, days, Mark::Before, book).await?, Once::Repeated);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`OnceError::Handler`] when the handler failed: the key is not remembered, and the next delivery is handled.
    /// [`OnceError::Guard`] when the guard failed; its documentation says what may have happened. Answer both with a failure
    /// (500), so that Piaxis sends the event again.
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
            let is_repeated = match mark {
                Mark::Before => !self.first_time(key, ttl).await?,
                Mark::After => self.is_known(key).await?,
            };
            if is_repeated {
                return Ok(Once::Repeated);
            }
            match (handler().await, mark) {
                (Ok(value), Mark::Before) => Ok(Once::Handled(value)),
                (Ok(value), Mark::After) => {
                    self.first_time(key, ttl).await?;
                    Ok(Once::Handled(value))
                }
                (Err(error), Mark::Before) => {
                    // A failure of the handler weighs more than one to forget; the latter means that the key expires.
                    let _ = self.forget(key).await;
                    Err(OnceError::Handler(error))
                }
                (Err(error), Mark::After) => Err(OnceError::Handler(error)),
            }
        }
    }
}

impl<G: ReplayGuard + ?Sized> ReplayGuard for &G {
    fn first_time(&self, key: DeliveryKey, ttl: Duration) -> impl Future<Output = Result<bool, GuardError>> + Send {
        (**self).first_time(key, ttl)
    }

    fn is_known(&self, key: DeliveryKey) -> impl Future<Output = Result<bool, GuardError>> + Send {
        (**self).is_known(key)
    }

    fn forget(&self, key: DeliveryKey) -> impl Future<Output = Result<(), GuardError>> + Send {
        (**self).forget(key)
    }
}

impl<G: ReplayGuard + ?Sized> ReplayGuard for Arc<G> {
    fn first_time(&self, key: DeliveryKey, ttl: Duration) -> impl Future<Output = Result<bool, GuardError>> + Send {
        (**self).first_time(key, ttl)
    }

    fn is_known(&self, key: DeliveryKey) -> impl Future<Output = Result<bool, GuardError>> + Send {
        (**self).is_known(key)
    }

    fn forget(&self, key: DeliveryKey) -> impl Future<Output = Result<(), GuardError>> + Send {
        (**self).forget(key)
    }
}

/// When a delivery is marked as handled, which is what a crash, a lost connection or a cancelled future makes matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Before it is handled: **at most once**. Deliveries that come at the same time are handled once. When the process
    /// dies between mark and end, or the guard's answer is lost, the mark stays and the event is **not** handled until it
    /// expires: for work that must not be done twice and that something else would notice missing, a payout for example.
    /// Deliveries that come while the first one is being handled are answered as repetitions, even if that then fails.
    Before,
    /// After it was handled: **at least once**. When the process dies before the mark, or the guard fails then, the event
    /// is handled **again**, and deliveries that come at the same time are both handled: for work that may be done twice
    /// without harm, setting an order to paid for example.
    After,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once<T> {
    /// It was handled, with this result.
    Handled(T),
    /// It was there before. Answer 200, so that it does not come again.
    Repeated,
}

/// Why a delivery was not handled, or not marked.
#[derive(Debug)]
pub enum OnceError<E> {
    /// The guard failed.
    Guard(GuardError),
    /// The handler failed.
    Handler(E),
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
            Self::Handler(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for OnceError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Guard(error) => Some(error),
            Self::Handler(error) => Some(error),
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
