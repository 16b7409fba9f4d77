use std::{fmt, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tower::retry::budget::{Budget as _, TpsBudget};

use crate::{
    error::{Error, ErrorKind, Outcome},
    operation::Operation,
};

/// When a call that failed is sent again, and after how long.
///
/// On by default, with two more attempts. What is sent again is what cannot do harm:
///
/// - calls that change nothing: when there is no connection, it breaks, there is no answer in time, or the answer is 408,
///   429, 500, 502, 503 or 504;
/// - calls that write: only when it is certain that nothing was done ([`Outcome::NotSent`]), that is when there is no
///   connection, or the answer is 429, or 503 with `Retry-After`.
///
/// Delays grow exponentially, each of random length between nothing and the present maximum; `Retry-After` is waited for,
/// up to a limit. A budget of the client (10 a second, and 20 of 100 calls) keeps an outage from being made worse.
///
/// ```
/// use std::time::Duration;
/// use piaxis::{Client, RetryPolicy};
///
/// let client = Client::builder()
///     .api_key("your-api-key")
///     .retry_policy(RetryPolicy::default().retries(4).delays(Duration::from_millis(100), Duration::from_secs(2)))
///     .build()?;
/// # Ok::<(), piaxis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    retries: u32,
    first_delay: Duration,
    longest_delay: Duration,
    longest_retry_after: Duration,
    writes_with_key: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 2,
            first_delay: Duration::from_millis(250),
            longest_delay: Duration::from_secs(5),
            longest_retry_after: Duration::from_secs(30),
            writes_with_key: false,
        }
    }
}

impl RetryPolicy {
    /// Nothing is sent again.
    pub fn none() -> Self {
        Self::default().retries(0)
    }

    /// How often a call is sent again at most, after the first time.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// The longest delay before the first repetition, which doubles with each, and the longest of all; 250 ms and 5 s by
    /// default.
    pub fn delays(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_delay, self.longest_delay) = (first, longest);
        self
    }

    /// The most that is waited because the API says `Retry-After`; 30 seconds by default.
    pub fn longest_retry_after(mut self, longest: Duration) -> Self {
        self.longest_retry_after = longest;
        self
    }

    /// Sends writes again that **may have happened** ([`Outcome::Unknown`]), with the same idempotency key, in the cases in
    /// which a call that changes nothing is sent again.
    ///
    /// Only for those who know that their account honours the key: the API recommends the header, but documents nowhere
    /// that it recognises a repetition. Where it does not, this pays twice. One-time passwords, which move no money, and
    /// tokens, which take no key, are never sent again so.
    pub fn retry_writes_with_idempotency_key(mut self) -> Self {
        self.writes_with_key = true;
        self
    }

    /// Whether sending again can do no harm, and may help.
    pub(super) fn permits(&self, operation: &Operation, error: &Error) -> bool {
        let is_temporary = match error.status().map(|status| status.as_u16()) {
            Some(status) => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            None => matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout),
        };
        is_temporary
            && match error.outcome() {
                Outcome::NotSent => true,
                Outcome::Unknown => {
                    let may_with_key = operation.idempotency_key && !operation.sent_once;
                    operation.replayable || self.writes_with_key && may_with_key
                }
                Outcome::Rejected => false,
            }
    }

    /// How long to wait before each repetition, as long as there may be another.
    pub(super) fn schedule(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let exponential = ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.longest_delay)
            .with_max_times(usize::try_from(self.retries).unwrap_or(usize::MAX));
        // Full jitter: backon's own adds to the delay, which keeps clients in step.
        exponential.build().map(|longest| longest.mul_f64(fastrand::f64()))
    }

    pub(super) fn at_least(&self, delay: Duration, retry_after: Option<Duration>) -> Duration {
        retry_after.map_or(delay, |asked| asked.min(self.longest_retry_after).max(delay))
    }
}

/// How many repetitions all calls of a client may make together.
pub(crate) struct Budget(TpsBudget);

impl Default for Budget {
    fn default() -> Self {
        Self(TpsBudget::new(Duration::from_secs(10), 10, 0.2))
    }
}

impl Budget {
    pub(super) fn call(&self) {
        self.0.deposit();
    }

    pub(super) fn may_repeat(&self) -> bool {
        self.0.withdraw()
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").finish_non_exhaustive()
    }
}
