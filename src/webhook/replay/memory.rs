use std::{
    fmt,
    time::{Duration, Instant},
};

use moka::{Expiry, sync::Cache};

use super::{GuardError, ReplayGuard};
use crate::webhook::DeliveryKey;

/// Remembers deliveries in the memory of this process: for a receiver that runs once, and for tests. A restart forgets all.
///
/// Clones share what they remember.
#[derive(Clone)]
pub struct MemoryGuard {
    known: Cache<DeliveryKey, Duration>,
    capacity: u64,
}

impl MemoryGuard {
    /// Remembers about so many deliveries at a time (a few dozen more, because they are counted with a delay), some 200
    /// bytes each.
    ///
    /// When so many are there and none has expired, a new one is an error: to forget one early would mean to handle it
    /// twice.
    pub fn new(capacity: u64) -> Self {
        Self { known: Cache::builder().expire_after(AfterItsOwnTime).build(), capacity }
    }

    fn is_full(&self) -> bool {
        let over = || self.known.entry_count() >= self.capacity;
        // The count includes what has expired and follows with a delay, until the pending work is done.
        over() && {
            self.known.run_pending_tasks();
            over()
        }
    }
}

impl ReplayGuard for MemoryGuard {
    async fn first_time(&self, key: DeliveryKey, ttl: Duration) -> Result<bool, GuardError> {
        if self.is_known(key).await? {
            return Ok(false);
        }
        // Not `or_insert`: of callers at the same time, several would be told that theirs is fresh.
        Ok(self.known.entry(key).or_insert_with(|| ttl).is_fresh())
    }

    async fn is_known(&self, key: DeliveryKey) -> Result<bool, GuardError> {
        if self.known.contains_key(&key) {
            return Ok(true);
        }
        if self.is_full() {
            let problem = format!("about {} deliveries are remembered already, and none has expired", self.capacity);
            return Err(GuardError { problem, source: None });
        }
        Ok(false)
    }

    async fn forget(&self, key: DeliveryKey) -> Result<(), GuardError> {
        self.known.invalidate(&key);
        Ok(())
    }
}

impl fmt::Debug for MemoryGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.entry_count();
        f.debug_struct("MemoryGuard").field("known", &known).field("capacity", &self.capacity).finish()
    }
}

struct AfterItsOwnTime;

impl Expiry<DeliveryKey, Duration> for AfterItsOwnTime {
    fn expire_after_create(&self, _: &DeliveryKey, ttl: &Duration, _: Instant) -> Option<Duration> {
        Some(*ttl)
    }

    // A key that expired and comes again may count as an update.
    fn expire_after_update(
        &self,
        _: &DeliveryKey,
        ttl: &Duration,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(*ttl)
    }
}
