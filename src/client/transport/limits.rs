use std::{fmt, time::Duration};

use leaky_bucket::RateLimiter;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use crate::error::Error;

/// Limits that the client sets itself; its clones share them.
#[derive(Default)]
pub(crate) struct Limits {
    rate: Option<RateLimiter>,
    concurrency: Option<Semaphore>,
}

impl Limits {
    pub(crate) fn new(per_minute: Option<u32>, concurrency: Option<usize>) -> Self {
        // One at a time in even steps, so that no minute has more than allowed, wherever it begins.
        let rate = |per_minute: u32| {
            let step = Duration::from_secs(60) / per_minute.max(1);
            RateLimiter::builder().max(1).initial(1).refill(1).interval(step).fair(true).build()
        };
        let concurrency = concurrency.map(|calls| Semaphore::new(calls.clamp(1, Semaphore::MAX_PERMITS)));
        Self { rate: per_minute.map(rate), concurrency }
    }

    /// Waits for a turn, in order; the permit is for as long as the attempt lasts.
    pub(super) async fn turn(&self, deadline: Option<Instant>) -> Result<Option<SemaphorePermit<'_>>, Error> {
        if self.rate.is_none() && self.concurrency.is_none() {
            return Ok(None);
        }
        // In a box, because it is large and most clients have no limits.
        let turn = Box::pin(async {
            // The permit first: whoever waits for one must not have used up a turn of the rate.
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
        match deadline {
            Some(deadline) => timeout_at(deadline, turn).await.map_err(|_| Error::no_turn()),
            None => Ok(turn.await),
        }
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits")
            .field("rate", &self.rate.is_some())
            .field("concurrency", &self.concurrency.is_some())
            .finish()
    }
}
