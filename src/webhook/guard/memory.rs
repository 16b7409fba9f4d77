use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Begin, Guard, GuardError, GuardFuture, Token};
use crate::webhook::DeduplicationKey;

/// Remembers events in the memory of this process: for a receiver that runs once, and for tests. A restart forgets all.
///
/// Clones share what they remember.
///
/// ```
/// use std::time::Duration;
///
/// use piaxis::webhook::{Begin, DeduplicationKey, Guard, MemoryGuard, Token};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), piaxis::webhook::GuardError> {
/// let guard = MemoryGuard::new(100_000);
/// let key = DeduplicationKey::of(["payment.succeeded", "pay-1"]);
/// let (token, other) = (Token::new(key)?, Token::new(key)?);
/// let lease = Duration::from_secs(60);
/// assert_eq!(guard.begin(&token, lease).await?, Begin::Acquired);
/// assert_eq!(guard.begin(&other, lease).await?, Begin::InProgress);
/// assert!(guard.finish(&token, Duration::from_secs(3 * 86_400)).await?);
/// assert_eq!(guard.begin(&other, lease).await?, Begin::Done);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryGuard {
    known: Arc<Mutex<Known>>,
    capacity: usize,
    clock: Arc<dyn Fn() -> Instant + Send + Sync>,
}

#[derive(Default)]
struct Known {
    entries: HashMap<DeduplicationKey, Entry>,
    /// Keys by the end of their entries.
    ends: BTreeSet<(Instant, DeduplicationKey)>,
}

#[derive(Clone, Copy)]
struct Entry {
    /// The owner of the lease; `None` once the event is handled.
    owner: Option<[u8; 16]>,
    /// `None` for a time that the clock cannot express.
    end: Option<Instant>,
}

impl MemoryGuard {
    /// Remembers up to `capacity` events at a time, about 150 bytes each.
    ///
    /// A lease takes the place that the finished event will need, so that [`finish`](Guard::finish) never fails. When all
    /// places are taken and none has expired, [`begin`](Guard::begin) is an error: to forget an event early would mean to
    /// handle it twice.
    pub fn new(capacity: usize) -> Self {
        Self { known: Arc::default(), capacity, clock: Arc::new(Instant::now) }
    }

    /// Reads the time from another clock, for tests.
    pub fn clock(mut self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Runs `change` on what is remembered, once the future is polled.
    fn future<'a, T: 'a>(
        &'a self,
        change: impl FnOnce(&mut Known, Instant) -> Result<T, GuardError> + Send + 'a,
    ) -> GuardFuture<'a, T> {
        Box::pin(async move {
            let now = (self.clock)();
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.expire(now);
            change(&mut known, now)
        })
    }
}

impl Known {
    fn expire(&mut self, now: Instant) {
        while let Some((_, key)) = self.ends.first().copied().filter(|(end, _)| *end <= now) {
            self.remove(key);
        }
    }

    fn remove(&mut self, key: DeduplicationKey) {
        if let Some(end) = self.entries.remove(&key).and_then(|entry| entry.end) {
            self.ends.remove(&(end, key));
        }
    }

    fn set(&mut self, key: DeduplicationKey, owner: Option<[u8; 16]>, end: Option<Instant>) {
        self.remove(key);
        self.entries.insert(key, Entry { owner, end });
        self.ends.extend(end.map(|end| (end, key)));
    }

    fn is_owner(&self, token: &Token) -> bool {
        self.entries.get(&token.key).is_some_and(|entry| entry.owner == Some(token.owner))
    }
}

impl Guard for MemoryGuard {
    fn begin<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, Begin> {
        self.future(move |known, now| match known.entries.get(&token.key) {
            Some(Entry { owner: None, .. }) => Ok(Begin::Done),
            Some(Entry { owner, .. }) if *owner != Some(token.owner) => Ok(Begin::InProgress),
            None if known.entries.len() >= self.capacity => {
                let problem = format!("{} events are remembered, the capacity, and none has expired", self.capacity);
                Err(GuardError::message(problem))
            }
            _ => {
                known.set(token.key, Some(token.owner), now.checked_add(lease));
                Ok(Begin::Acquired)
            }
        })
    }

    fn finish<'a>(&'a self, token: &'a Token, ttl: Duration) -> GuardFuture<'a, bool> {
        self.future(move |known, now| match known.entries.get(&token.key) {
            Some(Entry { owner: None, .. }) => Ok(true),
            Some(_) if !known.is_owner(token) => Ok(false),
            // After an elapsed lease beyond the capacity as well: the event was handled.
            _ => {
                known.set(token.key, None, now.checked_add(ttl));
                Ok(true)
            }
        })
    }

    fn abort<'a>(&'a self, token: &'a Token) -> GuardFuture<'a, ()> {
        self.future(|known, _| {
            if known.is_owner(token) {
                known.remove(token.key);
            }
            Ok(())
        })
    }

    fn renew<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, bool> {
        self.future(move |known, now| {
            let is_owner = known.is_owner(token);
            if is_owner {
                known.set(token.key, Some(token.owner), now.checked_add(lease));
            }
            Ok(is_owner)
        })
    }
}

impl fmt::Debug for MemoryGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).entries.len();
        f.debug_struct("MemoryGuard").field("known", &known).field("capacity", &self.capacity).finish_non_exhaustive()
    }
}
