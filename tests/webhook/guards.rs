//! Guards: the state machine of a key, in each backend.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use piaxis::webhook::{Begin, DeduplicationKey, Guard, MemoryGuard, Token};

use crate::support::guards::{self, Backend, LEASE, TTL, postgres::Postgres, redis::Redis};

struct Memory {
    guard: MemoryGuard,
    ahead: Arc<Mutex<Duration>>,
}

impl Memory {
    fn new(capacity: usize) -> Self {
        let ahead = Arc::new(Mutex::new(Duration::ZERO));
        let (start, clock) = (Instant::now(), ahead.clone());
        Self { guard: MemoryGuard::new(capacity).clock(move || start + *clock.lock().unwrap()), ahead }
    }

    fn advance(&self, by: Duration) {
        *self.ahead.lock().unwrap() += by;
    }
}

impl Backend for Memory {
    fn guard(&self) -> Arc<dyn Guard> {
        Arc::new(self.guard.clone())
    }

    async fn expire_all(&self) {
        self.advance(LEASE + TTL);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_follows_the_model() {
    let memory = Memory::new(1_000_000);
    guards::follows_the_model(&memory, 500, 60).await;
    guards::one_of_many_acquires(&memory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_follows_the_model() {
    let Some(redis) = Redis::start().await else { return };
    guards::follows_the_model(&redis, 60, 60).await;
    guards::one_of_many_acquires(&redis).await;
}

#[tokio::test]
async fn a_full_memory_guard_finishes_every_lease_that_it_gave() {
    let memory = Memory::new(3);
    let token = |name: &str| Token::new(DeduplicationKey::of([name])).unwrap();
    let (a, b, c, d) = (token("a"), token("b"), token("c"), token("d"));
    for token in [&a, &b, &c] {
        assert_eq!(memory.guard.begin(token, LEASE).await.unwrap(), Begin::Acquired);
    }
    // Full: nothing new begins, and everything that began is recorded.
    let full = memory.guard.begin(&d, LEASE).await.unwrap_err();
    assert!(full.to_string().contains("3 events"), "{full}");
    assert!(memory.guard.finish(&a, TTL).await.unwrap());
    memory.guard.abort(&b).await.unwrap();
    assert_eq!(memory.guard.begin(&d, LEASE).await.unwrap(), Begin::Acquired);
    // A handler that outlasts its lease while others take all places.
    memory.advance(LEASE);
    let (e, f) = (token("e"), token("f"));
    for token in [&e, &f] {
        assert_eq!(memory.guard.begin(token, LEASE).await.unwrap(), Begin::Acquired);
    }
    assert!(memory.guard.finish(&c, TTL).await.unwrap());
    assert_eq!(memory.guard.begin(&token("c"), LEASE).await.unwrap(), Begin::Done);
    assert_eq!(memory.guard.begin(&token("a"), LEASE).await.unwrap(), Begin::Done);
}

#[tokio::test]
async fn a_future_that_is_dropped_unpolled_changes_nothing() {
    let memory = Memory::new(10);
    let key = DeduplicationKey::of(["a"]);
    let (token, other) = (Token::new(key).unwrap(), Token::new(key).unwrap());
    drop(memory.guard.begin(&other, LEASE));
    assert_eq!(memory.guard.begin(&token, LEASE).await.unwrap(), Begin::Acquired);
    drop((memory.guard.abort(&token), memory.guard.finish(&token, TTL)));
    assert_eq!(memory.guard.begin(&other, LEASE).await.unwrap(), Begin::InProgress);
}

#[tokio::test]
async fn durations_beyond_the_clock_never_expire() {
    let memory = Memory::new(10);
    let token = Token::new(DeduplicationKey::of(["a"])).unwrap();
    assert_eq!(memory.guard.begin(&token, Duration::MAX).await.unwrap(), Begin::Acquired);
    memory.advance(TTL * 10_000);
    assert!(memory.guard.renew(&token, Duration::MAX).await.unwrap());
    assert!(memory.guard.finish(&token, Duration::MAX).await.unwrap());
    assert_eq!(memory.guard.begin(&token, LEASE).await.unwrap(), Begin::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_follows_the_model() {
    let Some(postgres) = Postgres::start("").await else { return };
    guards::follows_the_model(&postgres, 50, 60).await;
    guards::one_of_many_acquires(&postgres).await;
}

/// The isolation level of a database may be another by default.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_follows_the_model_in_serializable_transactions() {
    let options = "?options=-c%20default_transaction_isolation%3Dserializable";
    let Some(postgres) = Postgres::start(options).await else { return };
    guards::follows_the_model(&postgres, 20, 60).await;
    guards::one_of_many_acquires(&postgres).await;
}
