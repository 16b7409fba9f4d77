use std::{fmt, time::Duration};

use leaky_bucket::RateLimiter;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use crate::error::Error;

/// The client's own limits, which its clones share.
#[derive(Default)]
pub(crate) struct Limits {
    rate: Option<RateLimiter>,
    concurrency: Option<Semaphore>,
}

impl Limits {
    pub(crate) fn new(per_minute: Option<u32>, concurrency: Option<usize>) -> Self {
        let rate = |per_minute: u32| {
            let (refill, interval) = steps(per_minute);
            RateLimiter::builder().max(refill).initial(refill).refill(refill).interval(interval).fair(true).build()
        };
        let concurrency = concurrency.map(|calls| Semaphore::new(calls.clamp(1, Semaphore::MAX_PERMITS)));
        Self { rate: per_minute.map(rate), concurrency }
    }

    /// Waits for a turn, in order; the permit is for as long as the attempt lasts.
    pub(super) async fn turn(&self, deadline: Instant) -> Result<Option<SemaphorePermit<'_>>, Error> {
        if self.rate.is_none() && self.concurrency.is_none() {
            return Ok(None);
        }
        // In a box, because it is large and most clients have no limits.
        let turn = Box::pin(async {
            // The permit first: a request that waits for one must not have used up a turn of the rate.
            let permit = match &self.concurrency {
                // The semaphore is never closed.
                Some(concurrency) => concurrency.acquire().await.ok(),
                None => None,
            };
            if let Some(rate) = &self.rate {
                rate.acquire_one().await;
            }
            permit
        });
        let late = |_| {
            Error::timed_out_unsent("deadline exceeded while waiting for the client's own rate or concurrency limit")
        };
        timeout_at(deadline, turn).await.map_err(late)
    }
}

/// Requests at a time, and how far apart: one at a time up to 3,000 a minute. The limiter counts in whole milliseconds, and
/// the interval is rounded up to them, so that no minute has more than allowed.
fn steps(per_minute: u32) -> (usize, Duration) {
    let refill = u64::from((per_minute / 3_000).max(1));
    let interval = (60_000 * refill).div_ceil(u64::from(per_minute.max(1)));
    (usize::try_from(refill).unwrap_or(usize::MAX), Duration::from_millis(interval))
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits")
            .field("rate", &self.rate.is_some())
            .field("concurrency", &self.concurrency.is_some())
            .finish()
    }
}
