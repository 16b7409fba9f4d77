//! The conformance kit: no fault in the example server, and each defect of other servers by its name.

#[path = "../../examples/webhook_conformance/kit/mod.rs"]
mod kit;
#[allow(dead_code)]
#[path = "../../examples/webhook_server.rs"]
mod server;

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest as _, Path, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use kit::{Report, Settings, Verdict};
use piaxis::webhook::{
    Begin, Deduplication, DeduplicationKey, Delivery, Event, EventType, Guarantee, Guard, GuardFuture, MemoryGuard,
    Rejection, Token, Webhook, WebhookError, WebhookSource,
};
use server::App;
use tokio::net::TcpListener;

const SECRET: &str = "secret";
const WAIT: Duration = Duration::from_secs(3);
/// Longer than the kit waits for anything.
const LEASE: Duration = Duration::from_secs(600);
/// Timeout of a sender, where the kit waits for all of it.
const IMPATIENT: Duration = Duration::from_millis(1500);
/// Time that the endpoint has for a body; below the limit of the kit.
const BODY_TIMEOUT: Duration = Duration::from_millis(300);

/// Runs the kit against a server.
async fn report(routes: Router, change: impl FnOnce(&mut Settings)) -> Report {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let mut settings = Settings {
        effects: Some(format!("http://{address}/effects/{{id}}")),
        sender_timeout: Duration::from_secs(3),
        retry_pause: Duration::from_millis(20),
        retry_for: Duration::from_secs(1),
        slow_limit: Duration::from_secs(2),
        settle: Duration::from_millis(500),
        large_body: 1_200_000,
        ..Settings::new(format!("http://{address}/piaxis").parse().unwrap(), SECRET)
    };
    change(&mut settings);
    let report = kit::run(settings).await.unwrap();
    server.abort();
    report
}

fn webhook() -> Webhook {
    Webhook::new(SECRET).unwrap().body_timeout(BODY_TIMEOUT)
}

fn verdict(report: &Report, check: &str) -> Verdict {
    let row = report.rows.iter().find(|row| row.check == check);
    row.unwrap_or_else(|| panic!("no check {check} in\n{report}")).verdict
}

/// What an event is worth in the servers below.
#[derive(Clone, Default)]
struct Effects(Arc<Mutex<HashMap<String, u64>>>);

impl Effects {
    fn happen(&self, event: &Event) {
        let id = event.data().get("payment_id").and_then(|id| id.as_str());
        if let (Some(EventType::PaymentSucceeded), false, Some(id)) = (event.event_type(), event.is_test(), id) {
            self.count(id);
        }
    }

    fn count(&self, id: &str) {
        *self.0.lock().unwrap().entry(id.to_owned()).or_default() += 1;
    }
}

async fn effects(State(state): State<Receiver>, Path(id): Path<String>) -> String {
    state.effects.0.lock().unwrap().get(&id).copied().unwrap_or_default().to_string()
}

/// State of a server that does one thing wrong.
#[derive(Clone)]
struct Receiver {
    webhook: Webhook,
    deduplication: Deduplication,
    effects: Effects,
}

impl Receiver {
    fn new() -> Self {
        let webhook = server::webhook(webhook(), false);
        let deduplication = Deduplication::new(MemoryGuard::new(10_000), Guarantee::OncePerLease(LEASE));
        Self { webhook, deduplication, effects: Effects::default() }
    }

    async fn handle(self, delivery: Delivery) -> Response {
        let key = delivery.deduplication_key();
        let effects = self.effects;
        let handler = async move || {
            if let Ok(event) = delivery.event() {
                effects.happen(&event);
            }
            Ok::<_, Infallible>(())
        };
        self.deduplication.detached(key, WAIT, handler).await.into_response()
    }
}

impl WebhookSource for Receiver {
    async fn webhook(&self, _: &http::request::Parts) -> Result<Webhook, WebhookError> {
        Ok(self.webhook.clone())
    }
}

/// Remembers nothing.
#[derive(Debug)]
struct NoGuard;

impl Guard for NoGuard {
    fn begin<'a>(&'a self, _: &'a Token, _: Duration) -> GuardFuture<'a, Begin> {
        Box::pin(async { Ok(Begin::Acquired) })
    }

    fn finish<'a>(&'a self, _: &'a Token, _: Duration) -> GuardFuture<'a, bool> {
        Box::pin(async { Ok(true) })
    }

    fn abort<'a>(&'a self, _: &'a Token) -> GuardFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn renew<'a>(&'a self, _: &'a Token, _: Duration) -> GuardFuture<'a, bool> {
        Box::pin(async { Ok(true) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_has_no_fault() {
    let app = App::new(server::webhook(webhook(), false), MemoryGuard::new(10_000));
    let report = report(server::routes(Arc::new(app)), |_| {}).await;
    assert!(report.rows.iter().all(|row| row.verdict == Verdict::Ok), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_that_accepts_v1_has_no_fault() {
    let app = App::new(server::webhook(webhook(), true), MemoryGuard::new(10_000));
    let report = report(server::routes(Arc::new(app)), |settings| settings.v1_allowed = true).await;
    assert!(report.rows.iter().all(|row| row.verdict == Verdict::Ok), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_that_need_effects_are_skipped_without_them() {
    let app = App::new(server::webhook(webhook(), false), MemoryGuard::new(10_000));
    let report = report(server::routes(Arc::new(app)), |settings| settings.effects = None).await;
    assert!(report.faults().is_empty(), "{report}");
    for check in ["duplicates", "concurrent duplicates", "hang-up", "repeated hang-ups", "large ids"] {
        assert_eq!(verdict(&report, check), Verdict::NotChecked, "{report}");
    }
    assert!(report.to_string().ends_with("35 checks, 9 of them not checked, 0 faults"), "{report}");
    let json = report.to_json();
    assert_eq!(json["faults"], 0);
    let duplicates = json["checks"].as_array().unwrap().iter().find(|row| row["check"] == "duplicates").unwrap();
    assert_eq!((&duplicates["verdict"], &duplicates["effects"]), (&"not_checked".into(), &serde_json::Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_stops_the_run() {
    let app = App::new(server::webhook(Webhook::new("another").unwrap(), false), MemoryGuard::new(10_000));
    let report = report(server::routes(Arc::new(app)), |_| {}).await;
    assert_eq!(report.faults(), ["genuine", "test delivery"], "{report}");
    assert_eq!(verdict(&report, "all other checks"), Verdict::NotChecked, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_guard_is_named() {
    let app = App::new(server::webhook(webhook(), false), NoGuard);
    let report = report(server::routes(Arc::new(app)), |_| {}).await;
    for check in ["duplicates", "concurrent duplicates"] {
        assert_eq!(verdict(&report, check), Verdict::Fault, "{report}");
    }
    assert_eq!(verdict(&report, "duplicates with a later timestamp in the body"), Verdict::Warning, "{report}");
    // After a hang-up, the handler may have run or not.
    let others =
        report.faults().into_iter().filter(|check| !check.contains("duplicates") && !check.contains("hang-up"));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_v1_replay_is_named() {
    let app = App::new(webhook(), MemoryGuard::new(10_000));
    let routes = server::routes(Arc::new(app));
    let rejected = report(routes.clone(), |_| {}).await;
    assert_eq!(rejected.faults(), ["v1 replay"], "{rejected}");
    // Allowed, and without a limit to the age of an event.
    let allowed = report(routes, |settings| settings.v1_allowed = true).await;
    assert_eq!(verdict(&allowed, "v1 replay of an old event"), Verdict::Warning, "{allowed}");
    assert!(allowed.faults().is_empty(), "{allowed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_is_dropped_is_named() {
    async fn receive(State(state): State<Receiver>, delivery: Delivery) -> Response {
        let handler = || async {
            if let Ok(event) = delivery.event() {
                // Work that takes longer than the sender stays.
                tokio::time::sleep(Duration::from_millis(400)).await;
                state.effects.happen(&event);
            }
            Ok::<_, Infallible>(())
        };
        state.deduplication.once(delivery.deduplication_key(), handler).await.into_response()
    }
    let routes = Router::new().route("/piaxis", post(receive)).route("/effects/{id}", get(effects));
    let report = report(routes.with_state(Receiver::new()), |settings| settings.sender_timeout = IMPATIENT).await;
    for check in ["hang-up after 100 ms", "repeated hang-ups"] {
        assert_eq!(verdict(&report, check), Verdict::Fault, "{report}");
    }
    // A sender that closes at once may be gone before the handler starts, which leaves no lease.
    assert!(report.faults().iter().all(|check| check.contains("hang-up")), "{report}");
    assert!(report.to_string().contains("dropped with its connection"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_limits_are_named() {
    async fn receive(State(state): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
        match state.webhook.verify(&body, &headers) {
            Ok(delivery) => state.handle(delivery).await,
            Err(error) => IntoResponse::into_response(Rejection::from(error)),
        }
    }
    let routes = Router::new().route("/piaxis", post(receive)).route("/effects/{id}", get(effects));
    let routes = routes.with_state(Receiver::new()).layer(DefaultBodyLimit::disable());
    let report = report(routes, |settings| settings.sender_timeout = IMPATIENT).await;
    assert_eq!(report.faults(), ["content length of 10^12", "large body in chunks", "slow bodies"], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_body_at_a_time_is_named() {
    async fn receive(
        State((state, turn)): State<(Receiver, Arc<tokio::sync::Mutex<()>>)>,
        request: Request,
    ) -> Response {
        let _turn = turn.lock().await;
        match Delivery::from_request(request, &state).await {
            Ok(delivery) => state.handle(delivery).await,
            Err(rejection) => IntoResponse::into_response(rejection),
        }
    }
    let state = Receiver::new();
    let counts = Router::new().route("/effects/{id}", get(effects)).with_state(state.clone());
    let routes = Router::new().route("/piaxis", post(receive)).with_state((state, Arc::default())).merge(counts);
    // Less and more than all slow bodies take, one after the other.
    let limits = |settings: &mut Settings| (settings.sender_timeout, settings.slow_limit) = (IMPATIENT, IMPATIENT * 4);
    let report = report(routes, limits).await;
    assert_eq!(verdict(&report, "slow bodies"), Verdict::Fault, "{report}");
    assert!(report.to_string().contains("a delivery while"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_verifies_nothing_is_named() {
    async fn receive(State(state): State<Receiver>, body: Bytes) -> Response {
        let Ok(event) = Event::from_json(&body) else { return StatusCode::OK.into_response() };
        let handler = async move || {
            state.effects.happen(&event);
            Ok::<_, Infallible>(())
        };
        let key = DeduplicationKey::of([&*String::from_utf8_lossy(&body)]);
        state.deduplication.detached(key, WAIT, handler).await.into_response()
    }
    let routes = Router::new().route("/piaxis", post(receive)).route("/effects/{id}", get(effects));
    let report = report(routes.with_state(Receiver::new()), |_| {}).await;
    for row in &report.rows {
        let named = row.check.starts_with("forged: ") || ["stale", "from the future", "v1 replay"].contains(&row.check);
        if named {
            assert_eq!(row.verdict, Verdict::Fault, "{report}");
        }
    }
    assert_eq!(verdict(&report, "upper-case signature"), Verdict::Warning, "{report}");
    assert_eq!(verdict(&report, "a genuine signature twice"), Verdict::Warning, "{report}");
}

/// Takes bodies for what they usually are.
#[tokio::test(flavor = "multi_thread")]
async fn careless_parsing_is_named() {
    async fn receive(State(state): State<Receiver>, delivery: Delivery) -> Response {
        let Ok(body) = serde_json::from_slice::<serde_json::Value>(delivery.body()) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let name = body["event"].as_str().or(body["data"]["event"].as_str()).unwrap_or_default();
        if name == "kit.unknown" {
            return StatusCode::UNPROCESSABLE_ENTITY.into_response();
        }
        let id = &body["data"]["payment_id"];
        let number = id.as_f64().or_else(|| id.as_str()?.parse().ok());
        let id = number.map_or_else(|| id.as_str().unwrap_or_default().to_owned(), |number| format!("{number}"));
        let handler = async move || {
            state.effects.count(&id);
            Ok::<_, Infallible>(())
        };
        state.deduplication.detached(delivery.deduplication_key(), WAIT, handler).await.into_response()
    }
    /// Reads the id as a number, too.
    async fn effects_of_number(State(state): State<Receiver>, Path(id): Path<String>) -> String {
        let id = id.parse::<f64>().map_or(id, |number| format!("{number}"));
        effects(State(state), Path(id)).await
    }
    let routes = Router::new().route("/piaxis", post(receive)).route("/effects/{id}", get(effects_of_number));
    let report = report(routes.with_state(Receiver::new()), |_| {}).await;
    let expected = [
        "test delivery",
        "reordered",
        "unreadable",
        "unknown events and fields",
        "large ids",
        "large ids as JSON numbers",
    ];
    assert_eq!(report.faults(), expected, "{report}");
}
