//! Each event once: what the three guarantees promise when a handler or the guard fails.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, extract::State, routing::post};
use piaxis::webhook::{
    Begin, Deduplication, DeduplicationKey, Delivery, Envelope, EventType, Guarantee, Guard, GuardError, GuardFuture,
    MemoryGuard, Once, Signer, Token, Webhook, WebhookError, WebhookSource, sample,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
};

const LEASE: Duration = Duration::from_secs(60);
const ALL: [Guarantee; 3] = [Guarantee::AtMostOnce, Guarantee::AtLeastOnce, Guarantee::OncePerLease(LEASE)];

fn key() -> DeduplicationKey {
    DeduplicationKey::of(["payment.succeeded", "pay-1"])
}

fn by_memory(guarantee: Guarantee) -> Deduplication {
    Deduplication::new(MemoryGuard::new(100), guarantee)
}

/// A guard that fails on demand, before or after the change.
#[derive(Clone, Default)]
struct Faulty {
    inner: Option<MemoryGuard>,
    begin: Arc<AtomicBool>,
    end: Arc<AtomicBool>,
    failures: Arc<AtomicU32>,
    renewals: Arc<AtomicU32>,
}

impl Faulty {
    fn new() -> Self {
        Self { inner: Some(MemoryGuard::new(100)), ..Self::default() }
    }

    async fn call<T>(&self, is_failing: &AtomicBool, result: GuardFuture<'_, T>) -> Result<T, GuardError> {
        if is_failing.load(Ordering::Relaxed) {
            self.failures.fetch_add(1, Ordering::Relaxed);
            return Err(GuardError::new("no connection to 10.0.0.1", io::Error::other("connection refused")));
        }
        result.await
    }

    fn inner(&self) -> &MemoryGuard {
        self.inner.as_ref().unwrap()
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl Guard for Faulty {
    fn begin<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, Begin> {
        Box::pin(self.call(&self.begin, self.inner().begin(token, lease)))
    }

    fn finish<'a>(&'a self, token: &'a Token, ttl: Duration) -> GuardFuture<'a, bool> {
        Box::pin(self.call(&self.end, self.inner().finish(token, ttl)))
    }

    fn abort<'a>(&'a self, token: &'a Token) -> GuardFuture<'a, ()> {
        Box::pin(self.call(&self.end, self.inner().abort(token)))
    }

    fn renew<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, bool> {
        self.renewals.fetch_add(1, Ordering::Relaxed);
        Box::pin(self.call(&self.end, self.inner().renew(token, lease)))
    }
}

#[tokio::test]
async fn a_success_is_handled_once_and_a_failure_again() {
    for guarantee in ALL {
        let deduplication = by_memory(guarantee);
        let runs = AtomicU32::new(0);
        let run = |result: Result<&'static str, &'static str>| {
            runs.fetch_add(1, Ordering::Relaxed);
            async move { result.map_err(io::Error::other) }
        };
        let failed = deduplication.once(key(), || run(Err("database is down"))).await;
        assert_eq!((failed.status().as_u16(), failed.has_run()), (500, true), "{guarantee:?}");
        assert_eq!(failed.error().unwrap().to_string(), "database is down");
        assert!(matches!(failed, Once::Handled { result: Err(_), recorded: Ok(true) }));

        let second = deduplication.once(key(), || run(Ok("booked"))).await;
        assert_eq!(second.status().as_u16(), 200);
        assert!(second.error().is_none());
        if guarantee == Guarantee::AtMostOnce {
            assert!(matches!(second, Once::Repeated), "{second:?}");
            continue;
        }
        assert!(matches!(second, Once::Handled { result: Ok("booked"), recorded: Ok(true) }), "{second:?}");
        let third = deduplication.once(key(), || run(Ok("booked twice"))).await;
        assert!(matches!(third, Once::Repeated) && !third.has_run());
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }
}

#[tokio::test]
async fn deliveries_at_the_same_time() {
    for (guarantee, expected) in [
        (Guarantee::AtMostOnce, "handled before"),
        (Guarantee::AtLeastOnce, "handled and not recorded: may be handled again"),
        (Guarantee::OncePerLease(LEASE), "being handled by another delivery"),
    ] {
        let deduplication = by_memory(guarantee);
        let second = deduplication.clone();
        let first = deduplication
            .once(key(), || async { Ok::<_, io::Error>(second.once(key(), async || Ok::<_, io::Error>(())).await) })
            .await;
        let Once::Handled { result: Ok(second), recorded: Ok(true) } = first else { panic!("{first:?}") };
        assert_eq!(second.to_string(), expected, "{guarantee:?}");
        let response: http::Response<Vec<u8>> = second.into_response();
        let is_to_come_again = response.status() == 503;
        assert_eq!(is_to_come_again, matches!(guarantee, Guarantee::OncePerLease(_)));
        assert_eq!(response.headers().contains_key("retry-after"), is_to_come_again);
    }
}

#[tokio::test]
async fn a_handler_that_is_dropped_keeps_its_lease_and_no_more() {
    for (guarantee, expected) in [
        (Guarantee::AtMostOnce, "handled before"),
        (Guarantee::AtLeastOnce, "handled and not recorded: may be handled again"),
        (Guarantee::OncePerLease(LEASE), "being handled by another delivery"),
    ] {
        let now = Arc::new(Mutex::new(Instant::now()));
        let clock = now.clone();
        let guard = MemoryGuard::new(100).clock(move || *clock.lock().unwrap());
        let deduplication = Deduplication::new(guard, guarantee);
        let started = Notify::new();
        let hangs = deduplication.once(key(), || async {
            started.notify_one();
            std::future::pending::<Result<(), io::Error>>().await
        });
        tokio::select! {
            _ = hangs => panic!(),
            () = started.notified() => {}
        }
        let again = async || deduplication.once(key(), async || Ok::<_, io::Error>(())).await.to_string();
        assert_eq!(again().await, expected);
        *now.lock().unwrap() += LEASE;
        match guarantee {
            Guarantee::AtMostOnce => assert_eq!(again().await, "handled before"),
            _ => assert_eq!(again().await, "handled"),
        }
    }
}

#[tokio::test]
async fn a_failure_after_the_lease_does_not_free_the_lease_of_another() {
    let now = Arc::new(Mutex::new(Instant::now()));
    let clock = now.clone();
    let guard = MemoryGuard::new(100).clock(move || *clock.lock().unwrap());
    let deduplication = Deduplication::new(guard, Guarantee::OncePerLease(LEASE));
    let third = async || deduplication.once(key(), async || Ok::<_, io::Error>(())).await.to_string();
    let second_result = Mutex::new(String::new());
    let first = deduplication.once(key(), || async {
        *now.lock().unwrap() += LEASE;
        let second = deduplication.once(key(), || async {
            // The first one fails now, and its failure is recorded while the second one works.
            Ok::<_, io::Error>(())
        });
        *second_result.lock().unwrap() = second.await.to_string();
        Err::<(), _>(io::Error::other("too late"))
    });
    let first = first.await;
    assert_eq!((first.to_string().as_str(), &**second_result.lock().unwrap()), ("handler failed", "handled"));
    assert_eq!(third().await, "handled before", "the failure of the first one freed what the second one finished");

    // The same with a second one that still works.
    let key = DeduplicationKey::of(["another"]);
    let token = Token::new(key).unwrap();
    let first = deduplication.once(key, || async {
        *now.lock().unwrap() += LEASE;
        let memory = deduplication.guard();
        assert_eq!(memory.begin(&token, LEASE).await.unwrap(), Begin::Acquired);
        Err::<(), _>(io::Error::other("too late"))
    });
    assert_eq!(first.await.to_string(), "handler failed");
    let third = deduplication.once(key, async || Ok::<_, io::Error>(())).await;
    assert_eq!(third.to_string(), "being handled by another delivery");
    // And a success after the lease is not recorded over the other's.
    assert!(deduplication.guard().renew(&token, LEASE).await.unwrap());
}

#[tokio::test]
async fn a_guard_that_fails_says_whether_the_handler_ran_and_what_it_returned() {
    for guarantee in ALL {
        let faulty = Faulty::new();
        let deduplication = Deduplication::new(faulty.clone(), guarantee);
        let runs = AtomicU32::new(0);
        let handle = || async {
            runs.fetch_add(1, Ordering::Relaxed);
            Ok::<_, io::Error>("booked")
        };
        faulty.begin.store(true, Ordering::Relaxed);
        let before = deduplication.once(key(), handle).await;
        let has_run = guarantee == Guarantee::AtLeastOnce;
        assert_eq!((before.has_run(), runs.load(Ordering::Relaxed) == 1), (has_run, has_run), "{guarantee:?}");
        if !has_run {
            assert_eq!(before.status().as_u16(), 503);
            let error = before.error().unwrap();
            assert_eq!(error.to_string(), "deduplication guard: no connection to 10.0.0.1");
            assert_eq!(error.source().unwrap().to_string(), "connection refused");
        }
        let faulty = Faulty::new();
        let deduplication = Deduplication::new(faulty.clone(), guarantee);
        faulty.end.store(true, Ordering::Relaxed);
        let after = deduplication.once(key(), handle).await;
        if guarantee == Guarantee::AtMostOnce {
            // Nothing is known of the mark before the handler, so that the handler must not run.
            assert!(matches!(after, Once::GuardFailed(_)), "{after:?}");
            continue;
        }
        // Handled, so that the sender must not come again.
        assert_eq!(after.status().as_u16(), 200);
        let Once::Handled { result: Ok("booked"), recorded: Err(error) } = &after else { panic!("{after:?}") };
        assert!(error.to_string().contains("10.0.0.1"));
        assert!(after.error().is_some());
    }
}

/// An endpoint whose effect takes a permit, with a handler that runs on after a hang-up.
struct Endpoint {
    webhook: Webhook,
    deduplication: Deduplication,
    permits: Arc<Semaphore>,
    effects: Arc<AtomicU32>,
    wait: Duration,
}

impl WebhookSource for Endpoint {
    async fn webhook(&self, _: &http::request::Parts) -> Result<Webhook, WebhookError> {
        Ok(self.webhook.clone())
    }
}

async fn receive(State(endpoint): State<Arc<Endpoint>>, delivery: Delivery) -> impl axum::response::IntoResponse {
    let (permits, effects) = (endpoint.permits.clone(), endpoint.effects.clone());
    let handler = async move || {
        permits.acquire().await.map_err(io::Error::other)?.forget();
        effects.fetch_add(1, Ordering::Relaxed);
        Ok::<_, io::Error>(())
    };
    endpoint.deduplication.detached(delivery.deduplication_key(), endpoint.wait, handler).await
}

async fn serve(wait: Duration) -> (Arc<Endpoint>, String) {
    let endpoint = Arc::new(Endpoint {
        webhook: Webhook::new("secret").unwrap().require_v2(),
        deduplication: by_memory(Guarantee::OncePerLease(LEASE)),
        permits: Arc::new(Semaphore::new(0)),
        effects: Arc::default(),
        wait,
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = Router::new().route("/", post(receive)).with_state(endpoint.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (endpoint, address)
}

fn body() -> String {
    sample(&EventType::PaymentSucceeded, Envelope::Merchant, "2026-04-14T10:30:00Z".parse().unwrap()).into()
}

async fn deliver(address: &str) -> (u16, Option<String>) {
    let mut request = reqwest::Client::new().post(format!("http://{address}/")).body(body());
    for (name, value) in Signer::new("secret").unwrap().sign(body()) {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), retry_after)
}

#[tokio::test]
async fn a_slow_handler_runs_to_its_end_whatever_the_sender_does() {
    let (endpoint, address) = serve(Duration::from_millis(20)).await;
    // The sender closes the connection once the handler works.
    let mut head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n", body().len());
    for (name, value) in Signer::new("secret").unwrap().sign(body()) {
        head += &format!("{name}: {value}\r\n");
    }
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(format!("{head}\r\n{}", body()).as_bytes()).await.unwrap();
    drop(stream);
    // A second delivery meanwhile gets 503, so that it is retried later.
    loop {
        match deliver(&address).await {
            (503, Some(seconds)) => assert_eq!(seconds, "5"),
            other => panic!("{other:?}"),
        }
        if endpoint.permits.available_permits() == 0 && endpoint.effects.load(Ordering::Relaxed) == 0 {
            break;
        }
    }
    endpoint.permits.add_permits(10);
    let done = loop {
        match deliver(&address).await {
            (503, _) => tokio::task::yield_now().await,
            other => break other,
        }
    };
    assert_eq!(done, (200, None));
    assert_eq!((endpoint.effects.load(Ordering::Relaxed), endpoint.permits.available_permits()), (1, 9));
}

#[tokio::test]
async fn a_handler_in_time_responds_at_once() {
    let (endpoint, address) = serve(Duration::from_secs(600)).await;
    endpoint.permits.add_permits(10);
    assert_eq!(deliver(&address).await, (200, None));
    assert_eq!(deliver(&address).await, (200, None));
    assert_eq!(endpoint.effects.load(Ordering::Relaxed), 1);
}

/// Delivers again until the event is done, without a second run of the handler.
async fn is_repeated_in_the_end(deduplication: &Deduplication) {
    let again = async || deduplication.once(key(), async || -> Result<(), io::Error> { panic!("handled twice") }).await;
    while let Once::InProgress = again().await {
        tokio::task::yield_now().await;
    }
    assert!(matches!(again().await, Once::Repeated));
}

#[tokio::test]
async fn a_detached_handler_keeps_its_lease_for_as_long_as_it_works() {
    let faulty = Faulty::new();
    let lease = Duration::from_millis(1500);
    let deduplication = Deduplication::new(faulty.clone(), Guarantee::OncePerLease(lease));
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let handler = async move || released.await.map_err(io::Error::other);
    let first = deduplication.detached(key(), Duration::ZERO, handler).await;
    assert!(matches!(first, Once::StillRunning), "{first:?}");
    // A renewal that fails does not end the others.
    let renewals = async |count: u32| {
        let counted = async {
            while faulty.renewals.load(Ordering::Relaxed) < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), counted).await.expect("the lease is renewed");
    };
    renewals(1).await;
    faulty.end.store(true, Ordering::Relaxed);
    renewals(2).await;
    faulty.end.store(false, Ordering::Relaxed);
    renewals(4).await;
    let second = deduplication.once(key(), async || Ok::<_, io::Error>(())).await;
    assert!(matches!(second, Once::InProgress), "{second:?}");
    release.send(()).unwrap();
    is_repeated_in_the_end(&deduplication).await;
}

#[tokio::test]
async fn a_detached_success_is_recorded_once_the_guard_works_again() {
    let faulty = Faulty::new();
    let deduplication = Deduplication::new(faulty.clone(), Guarantee::OncePerLease(LEASE));
    faulty.end.store(true, Ordering::Relaxed);
    let first = deduplication.detached(key(), Duration::ZERO, async || Ok::<_, io::Error>(())).await;
    assert!(matches!(first, Once::StillRunning), "{first:?}");
    // The failure is met before the guard works again.
    while faulty.failures.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    faulty.end.store(false, Ordering::Relaxed);
    is_repeated_in_the_end(&deduplication).await;
}

#[tokio::test]
async fn a_handler_that_panics_is_interrupted_and_runs_again_after_the_lease() {
    let now = Arc::new(Mutex::new(Instant::now()));
    let clock = now.clone();
    let guard = MemoryGuard::new(100).clock(move || *clock.lock().unwrap());
    let deduplication = Deduplication::new(guard, Guarantee::OncePerLease(LEASE));
    let wait = Duration::from_secs(600);
    let panicked = deduplication.detached(key(), wait, async || -> Result<(), io::Error> { panic!("a test") }).await;
    assert!(matches!(panicked, Once::Interrupted) && panicked.status() == 500);
    let again = async || deduplication.detached(key(), wait, async || Ok::<_, io::Error>(())).await.to_string();
    assert_eq!(again().await, "being handled by another delivery");
    *now.lock().unwrap() += LEASE;
    assert_eq!(again().await, "handled");
}

#[test]
fn futures_can_be_sent_and_guards_are_objects() {
    fn is_send<T: Send>(_: T) {}
    let guard: Arc<dyn Guard> = Arc::new(MemoryGuard::new(1));
    let deduplication = Deduplication::new(guard, Guarantee::OncePerLease(LEASE));
    is_send(deduplication.once(key(), async || Ok::<_, io::Error>(())));
    is_send(deduplication.detached(key(), LEASE, async || Ok::<_, io::Error>(())));
}
