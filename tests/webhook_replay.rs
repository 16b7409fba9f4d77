//! Deliveries repeat; each is handled once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod redis_server;

use std::{
    collections::HashSet,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use piaxis::webhook::{DeliveryKey, GuardError, Mark, MemoryGuard, Once, OnceError, RedisGuard, ReplayGuard};
use redis_server::{Disk, RedisServer};

const DAY: Duration = Duration::from_secs(86_400);
const TASKS: usize = 16;
const AROUND: Mark = Mark::Around { lease: DAY };

fn key(number: usize) -> DeliveryKey {
    DeliveryKey::of([number.to_string().as_str()])
}

/// 100,000 deliveries, 30 of 100 being repetitions that stand anywhere after the first, in an order that is always the same.
fn deliveries() -> Vec<usize> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below
    };
    let (mut all, mut fresh) = (Vec::with_capacity(100_000), 0);
    while all.len() < 100_000 {
        if fresh > 0 && random(100) < 30 {
            // Some at once, while the first is being handled; some much later.
            let back = if random(2) == 0 { 1 + random(TASKS) } else { 1 + random(fresh) };
            all.push(fresh.saturating_sub(back));
        } else {
            all.push(fresh);
            fresh += 1;
        }
    }
    all
}

/// What 16 tasks made of all deliveries: how often each was handled, and how many were repetitions.
async fn deliver<G: ReplayGuard + Clone + 'static>(
    guards: impl Fn(usize) -> G,
    all: &Arc<Vec<usize>>,
) -> (Vec<u32>, usize) {
    let handled: Arc<Vec<AtomicU32>> = Arc::new(all.iter().map(|_| AtomicU32::new(0)).collect());
    let (next, repeated) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (guard, all) = (guards(task), all.clone());
            let (handled, next, repeated) = (handled.clone(), next.clone(), repeated.clone());
            tokio::spawn(async move {
                while let Some(number) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let handler = || async {
                        handled[*number].fetch_add(1, Ordering::Relaxed);
                        tokio::task::yield_now().await;
                        Ok::<_, io::Error>(())
                    };
                    match guard.once(key(*number), DAY, Mark::Before, handler).await.unwrap() {
                        Once::Handled(()) => {}
                        Once::Repeated | Once::InProgress => {
                            repeated.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    (handled.iter().map(|count| count.load(Ordering::Relaxed)).collect(), repeated.load(Ordering::Relaxed))
}

fn assert_each_once(all: &[usize], (handled, repeated): (Vec<u32>, usize)) {
    let distinct: HashSet<usize> = all.iter().copied().collect();
    assert!((25_000..35_000).contains(&repeated), "{repeated} repetitions");
    assert_eq!(distinct.len() + repeated, all.len());
    for (number, count) in handled.iter().enumerate() {
        assert_eq!(*count, u32::from(distinct.contains(&number)), "delivery {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_100_000_deliveries_is_handled_once_in_memory() {
    let (all, guard) = (Arc::new(deliveries()), MemoryGuard::new(100_000));
    assert_each_once(&all, deliver(|_| guard.clone(), &all).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_100_000_deliveries_is_handled_once_through_redis() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let all = Arc::new(deliveries());
    // A connection for each task, as if each ran on a machine of its own.
    let mut guards = Vec::new();
    for _ in 0..TASKS {
        guards.push(RedisGuard::connect(&server.address()).await.unwrap());
    }
    assert_each_once(&all, deliver(|task| guards[task].clone(), &all).await);
}

/// What 16 tasks make of one event: it is handled once, and nobody is told that it is done before it is.
async fn handles_once_at_a_time<G: ReplayGuard + Clone + 'static>(guard: &G) {
    for number in 1_000..1_050 {
        let (done, handled) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (guard, done, handled) = (guard.clone(), done.clone(), handled.clone());
                tokio::spawn(async move {
                    loop {
                        let handler = || async {
                            handled.fetch_add(1, Ordering::SeqCst);
                            tokio::task::yield_now().await;
                            done.fetch_add(1, Ordering::SeqCst);
                            Ok::<_, io::Error>(())
                        };
                        match guard.once(key(number), DAY, AROUND, handler).await.unwrap() {
                            Once::InProgress => tokio::task::yield_now().await,
                            _ => return assert_eq!(done.load(Ordering::SeqCst), 1),
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(handled.load(Ordering::SeqCst), 1, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_a_lease_one_is_handled_and_the_others_wait() {
    handles_once_at_a_time(&MemoryGuard::new(10_000)).await;
    if let Some(server) = RedisServer::start(Disk::Nothing) {
        handles_once_at_a_time(&RedisGuard::connect(&server.address()).await.unwrap()).await;
    }
}

#[tokio::test]
async fn after_the_lease_an_event_that_was_not_finished_is_handled() {
    let guard = MemoryGuard::new(1_000);
    let lease = Mark::Around { lease: Duration::from_millis(50) };
    let hangs = || std::future::pending::<Result<(), io::Error>>();
    assert!(tokio::time::timeout(Duration::from_millis(5), guard.once(key(1), DAY, lease, hangs)).await.is_err());
    let works = || async { Ok::<_, io::Error>(()) };
    assert_eq!(guard.once(key(1), DAY, lease, works).await.unwrap(), Once::InProgress);
    let before = Instant::now();
    while guard.once(key(1), DAY, lease, works).await.unwrap() == Once::InProgress {
        assert!(before.elapsed() < Duration::from_secs(30), "the lease does not end");
        tokio::task::yield_now().await;
    }
    assert_eq!(guard.once(key(1), DAY, lease, works).await.unwrap(), Once::Repeated);
}

/// What every guard promises.
async fn keeps_its_promises(guard: &impl ReplayGuard) {
    assert!(!guard.is_known(key(1)).await.unwrap());
    assert!(guard.first_time(key(1), DAY).await.unwrap());
    assert!(!guard.first_time(key(1), DAY).await.unwrap());
    assert!(guard.is_known(key(1)).await.unwrap());
    assert!(guard.first_time(key(2), DAY).await.unwrap());
    guard.forget(key(1)).await.unwrap();
    assert!(guard.first_time(key(1), DAY).await.unwrap());
    guard.forget(key(7)).await.unwrap();

    // What is remembered for a short time only is forgotten, and not before.
    let before = Instant::now();
    assert!(guard.first_time(key(3), Duration::from_millis(300)).await.unwrap());
    while !guard.first_time(key(3), DAY).await.unwrap() {
        assert!(before.elapsed() < Duration::from_secs(30), "never forgotten");
        tokio::task::yield_now().await;
    }
    assert!(before.elapsed() >= Duration::from_millis(290), "forgotten after {:?}", before.elapsed());
    assert!(!guard.first_time(key(3), DAY).await.unwrap());
    // No time at all, and more than there is.
    guard.first_time(key(4), Duration::ZERO).await.unwrap();
    assert!(guard.first_time(key(5), Duration::MAX).await.unwrap());
    assert!(!guard.first_time(key(5), Duration::MAX).await.unwrap());

    // A handler that fails leaves the event for the next delivery, whenever the mark is set.
    for (number, mark) in [(10, Mark::Before), (11, Mark::After), (12, AROUND)] {
        let fails = || async { Err::<(), _>(io::Error::other("the database is away")) };
        let failed = guard.once(key(number), DAY, mark, fails).await.unwrap_err();
        assert!(matches!(&failed, OnceError::Handler { still_marked: None, .. }), "{failed:?}");
        assert_eq!(failed.to_string(), "the database is away");
        let works = || async { Ok::<_, io::Error>(number) };
        assert_eq!(guard.once(key(number), DAY, mark, works).await.unwrap(), Once::Handled(number));
        assert_eq!(guard.once(key(number), DAY, mark, works).await.unwrap(), Once::Repeated);
    }

    // A handler that never ends, as when the machine stops: before means not again, after means again, around means again
    // once the lease is over.
    let in_progress =
        [(20, Mark::Before, Once::Repeated), (21, Mark::After, Once::Handled(())), (22, AROUND, Once::InProgress)];
    for (number, mark, again) in in_progress {
        let started = AtomicU32::new(0);
        let hangs = || async {
            started.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<Result<(), io::Error>>().await
        };
        tokio::select! {
            biased;
            _ = guard.once(key(number), DAY, mark, hangs) => panic!("it ended"),
            () = async { while started.load(Ordering::Relaxed) == 0 { tokio::task::yield_now().await } } => {}
        }
        let works = || async { Ok::<_, io::Error>(()) };
        assert_eq!(guard.once(key(number), DAY, mark, works).await.unwrap(), again, "{mark:?}");
    }
}

#[tokio::test]
async fn a_guard_in_memory_keeps_its_promises() {
    let guard = MemoryGuard::new(1_000);
    keeps_its_promises(&guard).await;
    keeps_its_promises(&Arc::new(MemoryGuard::new(1_000))).await;
    // A restart forgets; clones do not.
    assert!(guard.clone().is_known(key(2)).await.unwrap());
    assert!(!MemoryGuard::new(1_000).is_known(key(2)).await.unwrap());
}

#[tokio::test]
async fn a_guard_on_redis_keeps_its_promises() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let guard = RedisGuard::connect(&server.address()).await.unwrap();
    keeps_its_promises(&guard).await;
    // A restart of the receiver does not forget; another prefix is another memory.
    let restarted = RedisGuard::connect(&server.address()).await.unwrap();
    assert!(!restarted.first_time(key(2), DAY).await.unwrap());
    assert!(restarted.prefix("other:").first_time(key(2), DAY).await.unwrap());
}

#[tokio::test]
async fn a_full_guard_says_so_rather_than_forget() {
    let guard = MemoryGuard::new(1_000);
    let mut refused = None;
    for number in 0..10_000 {
        match guard.first_time(key(number), DAY).await {
            Ok(first) => assert!(first && refused.is_none()),
            Err(error) => refused = refused.or(Some((number, error))),
        }
    }
    let (number, error) = refused.unwrap();
    assert!((1_000..1_600).contains(&number), "{number}");
    assert!(error.to_string().contains("about 1000 deliveries are remembered"), "{error}");
    // What is known is still told from what is not.
    for number in 0..1_000 {
        assert!(!guard.first_time(key(number), DAY).await.unwrap(), "{number}");
    }
    guard.forget(key(0)).await.unwrap();
    // A handler does not run for what could not be marked after it.
    let handler = || async { Err::<(), _>(io::Error::other("it ran")) };
    for mark in [Mark::Before, Mark::After, AROUND] {
        let refused = guard.once(key(99_999), DAY, mark, handler).await.unwrap_err();
        assert!(matches!(refused, OnceError::Guard(_)), "{mark:?}: {refused}");
    }

    // What has expired makes room.
    let guard = MemoryGuard::new(100);
    for number in 0..100 {
        assert!(guard.first_time(key(number), Duration::from_millis(1)).await.unwrap());
    }
    let before = Instant::now();
    while guard.first_time(key(1_000), DAY).await.is_err() {
        assert!(before.elapsed() < Duration::from_secs(30), "no room");
    }
}

/// Redis is killed while deliveries come in, and started again with what it wrote to its disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_going_away_is_an_error_and_not_a_second_time() {
    let Some(mut server) = RedisServer::start(Disk::Everything) else { return };
    let guard = RedisGuard::connect(&server.address()).await.unwrap();
    let handled: Arc<Mutex<Vec<usize>>> = Arc::default();
    let deliver = |number: usize| {
        let (guard, handled) = (guard.clone(), handled.clone());
        async move {
            let handler = || async {
                handled.lock().unwrap().push(number);
                Ok::<_, io::Error>(())
            };
            guard.once(key(number), DAY, Mark::Before, handler).await
        }
    };

    const ALL: usize = 400;
    let progress = Arc::new(AtomicUsize::new(0));
    let running: Vec<_> = (0..ALL)
        .map(|number| {
            let (delivery, progress) = (deliver(number), progress.clone());
            async move {
                let result = delivery.await;
                progress.fetch_add(1, Ordering::Relaxed);
                result
            }
        })
        .collect();
    let deliveries = tokio::spawn(async move {
        let mut errors = 0;
        for delivery in running {
            if let Err(error) = delivery.await {
                assert!(matches!(error, OnceError::Guard(_)), "{error}");
                errors += 1;
            }
        }
        errors
    });
    while progress.load(Ordering::Relaxed) < ALL / 2 {
        tokio::task::yield_now().await;
    }
    server.kill();
    let errors = deliveries.await.unwrap();
    assert!(errors > 0, "nobody noticed that Redis was away");

    server.restart();
    // Everything comes again, until the guard answers: what was handled is not handled again.
    for number in 0..ALL {
        let before = Instant::now();
        while let Err(error) = deliver(number).await {
            assert!(before.elapsed() < Duration::from_secs(60), "{error}");
            tokio::task::yield_now().await;
        }
    }
    let mut handled = handled.lock().unwrap().clone();
    let count = handled.len();
    handled.sort_unstable();
    handled.dedup();
    assert_eq!(handled.len(), count, "handled twice");
    // A mark whose answer was lost stays without its event having been handled: one at a time was on the way.
    assert!(ALL - count <= 1, "{} of {ALL} were never handled", ALL - count);
}

#[tokio::test]
async fn no_redis_is_an_error_that_shows_no_password() {
    let error = RedisGuard::connect("redis://user:S3NTINEL@127.0.0.1:1/").await.unwrap_err();
    assert!(error.to_string().contains("no connection to Redis"), "{error}");
    let malformed = RedisGuard::connect("redis://user:S3NTINEL@host:port/").await.unwrap_err();
    for error in [&error, &malformed] {
        let source = std::error::Error::source(error).map(|source| format!("{source} {source:?}"));
        let shown = format!("{error} {error:?} {source:?}");
        assert!(!shown.contains("S3NTINEL"), "{shown}");
    }
}

/// A guard of one's own, as the documentation says: three methods.
struct Broken;

impl ReplayGuard for Broken {
    async fn first_time(&self, _: DeliveryKey, _: Duration) -> Result<bool, GuardError> {
        Err(GuardError::new("the table is locked", io::Error::other("lock timeout")))
    }

    async fn is_known(&self, _: DeliveryKey) -> Result<bool, GuardError> {
        Ok(false)
    }

    async fn forget(&self, _: DeliveryKey) -> Result<(), GuardError> {
        Ok(())
    }
}

/// One that cannot forget.
struct Stubborn(MemoryGuard);

impl ReplayGuard for Stubborn {
    async fn first_time(&self, key: DeliveryKey, ttl: Duration) -> Result<bool, GuardError> {
        self.0.first_time(key, ttl).await
    }

    async fn is_known(&self, key: DeliveryKey) -> Result<bool, GuardError> {
        self.0.is_known(key).await
    }

    async fn forget(&self, _: DeliveryKey) -> Result<(), GuardError> {
        Err(GuardError::new("the table is locked", io::Error::other("lock timeout")))
    }
}

#[tokio::test]
async fn a_mark_that_stays_though_the_handler_failed_is_told() {
    let guard = Stubborn(MemoryGuard::new(10));
    let fails = || async { Err::<(), _>(io::Error::other("the database is away")) };
    let error = guard.once(key(1), DAY, Mark::Before, fails).await.unwrap_err();
    assert!(matches!(&error, OnceError::Handler { still_marked: Some(_), .. }), "{error:?}");
    assert!(error.to_string().starts_with("the database is away; and the delivery stays marked"), "{error}");
}

#[tokio::test]
async fn a_guard_that_fails_keeps_the_handler_from_running() {
    let ran = AtomicU32::new(0);
    let handler = || async {
        ran.fetch_add(1, Ordering::Relaxed);
        Ok::<_, io::Error>(())
    };
    let error = Broken.once(key(1), DAY, Mark::Before, handler).await.unwrap_err();
    assert_eq!(error.to_string(), "the replay guard failed: the table is locked");
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    // After: it has run, and the caller hears that it is not marked.
    assert!(matches!(Broken.once(key(1), DAY, Mark::After, handler).await, Err(OnceError::Guard(_))));
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}
