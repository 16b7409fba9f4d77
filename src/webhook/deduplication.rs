//! Handles each event once.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use super::{Begin, DeduplicationKey, Guard, GuardError, Token};

/// Lease of a delivery whose guarantee names none.
const DEFAULT_LEASE: Duration = Duration::from_secs(60);
/// Time between attempts to record a success.
#[cfg(feature = "detached")]
const RECORD_INTERVAL: Duration = Duration::from_millis(500);
/// Suggested to the sender when a delivery is to come again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Runs a handler once for each event, by a [`Guard`]. Cheap to clone.
///
/// ```
/// use std::time::Duration;
///
/// use piaxis::webhook::{Deduplication, DeduplicationKey, Guarantee, MemoryGuard, Once};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let lease = Duration::from_secs(60);
/// let deduplication = Deduplication::new(MemoryGuard::new(100_000), Guarantee::OncePerLease(lease))
///     .ttl(Duration::from_secs(3 * 86_400));
/// let key = DeduplicationKey::of(["payment.succeeded", "pay-1"]);
/// let book = || async { Ok::<_, std::io::Error>("booked") };
/// let first = deduplication.once(key, book).await;
/// assert!(matches!(first, Once::Handled { result: Ok("booked"), recorded: Ok(true) }));
/// assert!(matches!(deduplication.once(key, book).await, Once::Repeated));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Deduplication {
    guard: Arc<dyn Guard>,
    guarantee: Guarantee,
    ttl: Duration,
}

/// How often [`Deduplication`] runs the handler of an event when the process, the guard or the handler fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Guarantee {
    /// The handler is **never started twice** for one event. The event is recorded as handled before the handler starts.
    /// After a handler that fails, panics or is dropped, the event stays **unhandled**. No handler starts while the guard
    /// fails.
    ///
    /// For effects that must never happen twice, and whose absence is noticed elsewhere, such as a payout.
    AtMostOnce,
    /// The handler runs **until a success is recorded**. Each delivery before that runs the handler, also two at the same
    /// time, and every one while the guard fails.
    ///
    /// For effects that may happen twice without harm, such as setting an order to paid.
    AtLeastOnce,
    /// The handler runs **once at a time, until a success is recorded**. A delivery during that time is
    /// [`InProgress`](Once::InProgress). After a process died or a handler was dropped, the event is handled again once
    /// this lease elapses. No handler starts while the guard fails.
    ///
    /// The lease must be longer than the handler ever takes. A handler that outlasts the lease may run twice at the same
    /// time; [`detached`](Deduplication::detached) renews the lease. Choose this guarantee when in doubt.
    OncePerLease(Duration),
}

impl Deduplication {
    /// Deduplicates by this guard. Handled events are remembered for seven days unless [`ttl`](Self::ttl) says otherwise.
    pub fn new(guard: impl Guard + 'static, guarantee: Guarantee) -> Self {
        Self { guard: Arc::new(guard), guarantee, ttl: Duration::from_secs(7 * 86_400) }
    }

    /// Remembers handled events for this long; [`Guard`] says how to choose.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// The guard, for work that needs more than [`once`](Self::once).
    pub fn guard(&self) -> &dyn Guard {
        &*self.guard
    }

    /// Runs `handler`, unless the event was handled, or is being handled. After a handler that fails, the next delivery
    /// runs the handler again, except with [`Guarantee::AtMostOnce`].
    ///
    /// Servers drop this future, and the handler with it, when the sender closes the connection.
    /// [`detached`](Self::detached) keeps the handler running.
    pub async fn once<T, E, F, H>(&self, key: DeduplicationKey, handler: H) -> Once<T, E>
    where
        H: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
    {
        let token = match self.begin(key).await {
            Ok(token) => token,
            Err(early) => return early.into(),
        };
        let result = handler().await;
        self.end(&token, result).await
    }

    /// Runs `handler` to its end in a task of its own, also when the sender closes the connection, and waits up to `wait`
    /// for the handler. After that, returns [`StillRunning`](Once::StillRunning), so that the sender delivers the event
    /// again. Once the handler has succeeded, a delivery gets the response of a handled event.
    ///
    /// Choose a `wait` below the timeout of the sender, which no document states. With [`Guarantee::OncePerLease`], the
    /// lease is renewed while the handler runs. The lease then only determines how soon a process that died is noticed. A
    /// success that the guard fails to record is recorded as soon as the guard works again, for up to one lease.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[cfg(feature = "detached")]
    pub async fn detached<T, E, F, H>(&self, key: DeduplicationKey, wait: Duration, handler: H) -> Once<T, E>
    where
        H: FnOnce() -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let deduplication = self.clone();
        let task = tokio::spawn(async move {
            let token = match deduplication.begin(key).await {
                Ok(token) => Arc::new(token),
                Err(early) => return early.into(),
            };
            let renewal = deduplication.renewal(&token);
            let result = handler().await;
            let once = deduplication.end(&token, result).await;
            deduplication.record(&token, once, renewal).await
        });
        let mut task = std::pin::pin!(task);
        match super::timer::timeout(wait, task.as_mut()).await {
            Some(Ok(once)) => once,
            Some(Err(_)) => Once::Interrupted,
            None => Once::StillRunning,
        }
    }

    /// Records a success in spite of a guard that fails, for up to one lease: the event would be handled again.
    #[cfg(feature = "detached")]
    async fn record<T, E>(&self, token: &Token, mut once: Once<T, E>, _renewal: Option<AbortOnDrop>) -> Once<T, E> {
        let begun = std::time::Instant::now();
        while let Once::Handled { result: Ok(_), recorded: recorded @ Err(_) } = &mut once
            && begun.elapsed() < self.lease()
        {
            super::timer::sleep(RECORD_INTERVAL).await;
            *recorded = self.guard.finish(token, self.ttl).await;
        }
        once
    }

    /// Renews the lease until the returned value is dropped.
    #[cfg(feature = "detached")]
    fn renewal(&self, token: &Arc<Token>) -> Option<AbortOnDrop> {
        let Guarantee::OncePerLease(lease) = self.guarantee else { return None };
        let (guard, token) = (self.guard.clone(), token.clone());
        let renewal = tokio::spawn(async move {
            loop {
                super::timer::sleep(lease / 3).await;
                // After an error, the next one may succeed before the lease elapses.
                if let Ok(false) = guard.renew(&token, lease).await {
                    break;
                }
            }
        });
        Some(AbortOnDrop(renewal.abort_handle()))
    }

    fn lease(&self) -> Duration {
        match self.guarantee {
            Guarantee::OncePerLease(lease) => lease,
            Guarantee::AtMostOnce | Guarantee::AtLeastOnce => DEFAULT_LEASE,
        }
    }

    async fn begin(&self, key: DeduplicationKey) -> Result<Token, Early> {
        let token = Token::new(key)?;
        match self.guard.begin(&token, self.lease()).await {
            Ok(Begin::Done) => return Err(Early::Repeated),
            Ok(Begin::Acquired) => {}
            _ if self.guarantee == Guarantee::AtLeastOnce => {}
            Ok(Begin::InProgress) => return Err(Early::InProgress),
            Err(error) => return Err(error.into()),
        }
        if self.guarantee == Guarantee::AtMostOnce && !self.guard.finish(&token, self.ttl).await? {
            return Err(Early::InProgress);
        }
        Ok(token)
    }

    async fn end<T, E>(&self, token: &Token, result: Result<T, E>) -> Once<T, E> {
        let recorded = match &result {
            _ if self.guarantee == Guarantee::AtMostOnce => Ok(true),
            Ok(_) => self.guard.finish(token, self.ttl).await,
            Err(_) => self.guard.abort(token).await.map(|()| true),
        };
        Once::Handled { result, recorded }
    }
}

#[cfg(feature = "detached")]
struct AbortOnDrop(tokio::task::AbortHandle);

#[cfg(feature = "detached")]
impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why a handler is not run.
enum Early {
    Repeated,
    InProgress,
    GuardFailed(GuardError),
}

impl From<GuardError> for Early {
    fn from(error: GuardError) -> Self {
        Self::GuardFailed(error)
    }
}

impl<T, E> From<Early> for Once<T, E> {
    fn from(early: Early) -> Self {
        match early {
            Early::Repeated => Self::Repeated,
            Early::InProgress => Self::InProgress,
            Early::GuardFailed(error) => Self::GuardFailed(error),
        }
    }
}

/// Result of handling a delivery. [`into_response`](Self::into_response) is the response for the sender.
#[derive(Debug)]
#[must_use = "the status tells the sender whether to deliver the event again"]
#[non_exhaustive]
pub enum Once<T, E> {
    /// The handler ran to its end.
    Handled {
        /// What the handler returned.
        result: Result<T, E>,
        /// Whether the guard recorded the result: the event is done after a success, and free after a failure.
        /// `Ok(false)` when the lease had elapsed and another delivery holds the lease; `Err` when the guard failed.
        /// Without a record, the event may be handled again.
        recorded: Result<bool, GuardError>,
    },
    /// The event was handled before. The handler did not run.
    Repeated,
    /// Another delivery of the event is being handled, or was until its process died. The handler did not run.
    InProgress,
    /// The guard failed. The handler did not run.
    GuardFailed(GuardError),
    /// The handler of `PostgresGuard::in_transaction` succeeded, and its transaction was rolled back, or its commit may have
    /// failed: the error says which. The next delivery is `Repeated` if it was committed, and is handled otherwise.
    Uncommitted(GuardError),
    /// The handler of [`detached`](Deduplication::detached) is still running.
    StillRunning,
    /// The handler of [`detached`](Deduplication::detached) panicked, or the runtime was shut down.
    Interrupted,
}

impl<T, E> Once<T, E> {
    /// Whether the handler was started.
    pub fn has_run(&self) -> bool {
        matches!(self, Self::Handled { .. } | Self::Uncommitted(_) | Self::StillRunning | Self::Interrupted)
    }

    /// The status for the sender: 200 for an event that is handled, 500 for a handler that failed or was interrupted, 503
    /// otherwise. A status other than 200 makes the sender deliver the event again.
    pub fn status(&self) -> http::StatusCode {
        match self {
            Self::Handled { result: Ok(_), .. } | Self::Repeated => http::StatusCode::OK,
            Self::Handled { result: Err(_), .. } | Self::Interrupted => http::StatusCode::INTERNAL_SERVER_ERROR,
            Self::InProgress | Self::GuardFailed(_) | Self::Uncommitted(_) | Self::StillRunning => {
                http::StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The response for the sender: the [`status`](Self::status), `Retry-After: 5` with a 503, and an empty body.
    pub fn into_response<B: Default>(self) -> http::Response<B> {
        let mut response = http::Response::new(B::default());
        *response.status_mut() = self.status();
        if self.status() == http::StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(http::header::RETRY_AFTER, RETRY_AFTER.as_secs().into());
        }
        response
    }

    /// The error to log, if there is one: of the handler, or of the guard.
    pub fn error(&self) -> Option<&(dyn Error + 'static)>
    where
        E: Error + 'static,
    {
        match self {
            Self::Handled { result: Err(error), .. } => Some(error),
            Self::Handled { recorded: Err(error), .. } | Self::GuardFailed(error) | Self::Uncommitted(error) => {
                Some(error)
            }
            _ => None,
        }
    }
}

/// The result in words, for a log.
impl<T, E> fmt::Display for Once<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handled { result: Ok(_), recorded: Ok(true) } => "handled",
            Self::Handled { result: Ok(_), .. } => "handled and not recorded: may be handled again",
            Self::Handled { result: Err(_), .. } => "handler failed",
            Self::Repeated => "handled before",
            Self::InProgress => "being handled by another delivery",
            Self::GuardFailed(_) => "not handled: the guard failed",
            Self::Uncommitted(_) => "handled, but not committed, or the commit may have failed",
            Self::StillRunning => "being handled",
            Self::Interrupted => "handler was interrupted",
        })
    }
}
