use std::{fmt, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tower::retry::budget::{Budget as _, TpsBudget};

use crate::{
    duration::bounded,
    error::{Error, Outcome},
    operation::Operation,
};

/// When a failed request is retried, and after how long.
///
/// On by default, with two retries. Only requests that are safe to retry are retried:
///
/// - reads: when no connection was made, the connection was lost, the request timed out, or the status is temporary (408,
///   425, 429, 444, 460, 499, 500, 502, 503, 504, 520 to 530);
/// - writes: only when it is certain that the request was not executed ([`Outcome::NotSent`]): no connection was made, or
///   the status is 429.
///
/// Delays grow exponentially with full jitter: each is random, between zero and the present maximum. A retry waits for
/// `Retry-After`. If that is longer than [`max_retry_after`](Self::max_retry_after), the request fails at once. The retry
/// budget of the client, 10 retries a second and 20 for 100 requests, limits the load that retries add during an outage.
/// Every attempt of a request carries the same idempotency key.
///
/// ```
/// use std::time::Duration;
/// use piaxis::{Client, RetryPolicy};
///
/// let client = Client::builder()
///     .api_key("your-api-key")
///     .timeout(Duration::from_secs(20)) // each attempt
///     .deadline(Duration::from_secs(60)) // all attempts and delays together
///     .retry_policy(RetryPolicy::default().max_retries(4).backoff(Duration::from_millis(100), Duration::from_secs(2)))
///     .build()?;
/// # Ok::<(), piaxis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    max_retries: u32,
    first_delay: Duration,
    max_delay: Duration,
    max_retry_after: Duration,
    retries_unknown_writes: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 2,
            first_delay: Duration::from_millis(250),
            max_delay: Duration::from_secs(5),
            max_retry_after: Duration::from_secs(30),
            retries_unknown_writes: false,
        }
    }
}

impl RetryPolicy {
    /// No retries.
    pub fn none() -> Self {
        Self::default().max_retries(0)
    }

    /// Maximum number of retries, after the first attempt; 2 by default.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Maximum delay before the first retry, which doubles with each further retry, and maximum of all delays; 250 ms and
    /// 5 s by default. Durations beyond ten years count as ten years.
    pub fn backoff(mut self, first: Duration, max: Duration) -> Self {
        (self.first_delay, self.max_delay) = (bounded(first), bounded(max));
        self
    }

    /// Maximum `Retry-After` that a retry waits for; 30 seconds by default. With a longer one, the request fails at once,
    /// with [`Error::retry_after`] set, because an earlier retry would be too early.
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = bounded(longest);
        self
    }

    /// Retries writes that **may have been executed** ([`Outcome::Unknown`]) with the same idempotency key, wherever a read
    /// would be retried.
    ///
    /// Only for accounts that are known to honour the key: the API recommends the header, but documents nowhere that it
    /// recognises a key. If the API does not recognise the key, a retry pays twice. Requests for one-time passwords,
    /// which move no money, and for tokens, which take no key, are never retried in this way.
    pub fn retry_writes_with_idempotency_key(mut self) -> Self {
        self.retries_unknown_writes = true;
        self
    }

    /// How long to wait before the next attempt after this error; `None` when there is none.
    pub(super) fn delay(
        &self,
        operation: &Operation,
        error: &Error,
        backoff: &mut Option<Box<dyn Iterator<Item = Duration> + Send>>,
    ) -> Option<Duration> {
        let is_permitted = error.is_temporary()
            && match error.outcome() {
                Outcome::NotSent | Outcome::ReadFailed => true,
                Outcome::Unknown => {
                    self.retries_unknown_writes && operation.idempotency_key && !operation.never_retried
                }
                Outcome::Rejected => false,
            };
        let asked = error.retry_after().unwrap_or_default();
        if !is_permitted || asked > self.max_retry_after {
            return None;
        }
        // Most requests need no schedule, and carry none.
        let delay = backoff.get_or_insert_with(|| Box::new(self.schedule())).next()?;
        Some(delay.max(asked))
    }

    fn schedule(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let exponential = ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.max_delay)
            .with_max_times(usize::try_from(self.max_retries).unwrap_or(usize::MAX));
        // Full jitter: backon's own adds to the delay, which keeps clients in step.
        exponential.build().map(|longest| bounded(longest).mul_f64(fastrand::f64()))
    }
}

/// How many retries all requests of a client may make together.
pub(crate) struct Budget(TpsBudget);

impl Default for Budget {
    fn default() -> Self {
        Self(TpsBudget::new(Duration::from_secs(10), 10, 0.2))
    }
}

impl Budget {
    pub(super) fn deposit(&self) {
        self.0.deposit();
    }

    pub(super) fn may_retry(&self) -> bool {
        self.0.withdraw()
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").finish_non_exhaustive()
    }
}
