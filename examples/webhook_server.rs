//! A server that receives webhooks: verifies each delivery, and handles each event once.
//!
//! ```text
//! PIAXIS_WEBHOOK_SECRET=demo cargo run --example webhook_server -- --listen 127.0.0.1:8080
//! PIAXIS_WEBHOOK_SECRET=demo cargo run --example send_webhook -- --url http://127.0.0.1:8080/piaxis --event payment.succeeded
//! ```
//!
//! `cargo run --example webhook_conformance` attacks this server and reports what it finds.

#[path = "support/report.rs"]
mod report;

use std::{
    collections::HashMap,
    convert::Infallible,
    error::Error,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use clap::Parser;
use piaxis::webhook::{
    Deduplication, DeduplicationKey, Delivery, Event, EventType, Guarantee, Guard, GuardError, MemoryGuard, Payload,
    PostgresGuard, RedisGuard, Rejection, Webhook, WebhookError, WebhookSource,
};
use report::report;
use tokio::net::TcpListener;

/// Time without a sign of life after which a handler counts as dead.
const LEASE: Duration = Duration::from_secs(60);
/// Time for which a handled event is remembered.
const TTL: Duration = Duration::from_secs(7 * 86_400);
/// Maximum age of an event without the v2 signature. At most `TTL`: an older one may be forgotten, and would be handled again.
const MAX_EVENT_AGE: Duration = Duration::from_secs(3 * 86_400);
/// Time after which the sender gets a response, whether the handler is done or not.
const WAIT: Duration = Duration::from_secs(3);

/// Receives webhooks at `/piaxis`. The secret is in PIAXIS_WEBHOOK_SECRET.
#[derive(Parser)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// Accept deliveries that have no v2 signature.
    #[arg(long)]
    accept_v1: bool,
    /// Remember handled events in `redis://…` or `postgres://…`, for several of these servers, instead of in memory.
    #[arg(long, env = "PIAXIS_GUARD", hide_env_values = true)]
    guard: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    report(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let guard = guard(arguments.guard.as_deref()).await?;
    let app = App::new(webhook(Webhook::from_env()?, arguments.accept_v1), guard);
    let listener = TcpListener::bind(&arguments.listen).await?;
    println!("waiting for deliveries at http://{}/piaxis", listener.local_addr()?);
    Ok(axum::serve(listener, routes(Arc::new(app))).await?)
}

/// Remembers handled events. The one in memory forgets on a restart, and serves one process.
async fn guard(url: Option<&str>) -> Result<Arc<dyn Guard>, GuardError> {
    const NAMESPACE: &str = "webhook_server";
    Ok(match url {
        None => Arc::new(MemoryGuard::new(1_000_000)),
        Some(url) if url.starts_with("postgres") => {
            let guard = PostgresGuard::connect(url, NAMESPACE)?;
            guard.migrate().await?;
            Arc::new(guard)
        }
        Some(url) => Arc::new(RedisGuard::connect(url, NAMESPACE).await?),
    })
}

/// Rejects replays: by the signed time of sending, or else by the age of the event.
pub(crate) fn webhook(webhook: Webhook, accept_v1: bool) -> Webhook {
    let webhook = if accept_v1 { webhook.max_event_age(MAX_EVENT_AGE) } else { webhook.require_v2() };
    webhook.key_from(key)
}

/// A payment succeeds once, whatever else of the body differs between two deliveries. Other events: the whole body.
fn key(event: &Event) -> Option<DeduplicationKey> {
    let name = event.event_type().filter(|name| **name == EventType::PaymentSucceeded && !event.is_test())?;
    Some(DeduplicationKey::of([name.as_str(), event.data().get("payment_id")?.as_str()?]))
}

pub(crate) struct App {
    webhook: Webhook,
    deduplication: Deduplication,
    /// How often each payment was booked. A program of yours has a database here.
    booked: Mutex<HashMap<String, u64>>,
    /// Genuine bodies that could not be read. A program of yours has a table here, and a person who looks at it.
    unread: Mutex<Vec<Bytes>>,
}

impl App {
    pub(crate) fn new(webhook: Webhook, guard: impl Guard + 'static) -> Self {
        let deduplication = Deduplication::new(guard, Guarantee::OncePerLease(LEASE)).ttl(TTL);
        Self { webhook, deduplication, booked: Mutex::default(), unread: Mutex::default() }
    }

    fn book(&self, payment_id: String) {
        println!("payment {payment_id} succeeded");
        *self.booked.lock().unwrap_or_else(PoisonError::into_inner).entry(payment_id).or_default() += 1;
    }

    fn keep(&self, delivery: Delivery, problem: &str) {
        eprintln!("kept a delivery for a person to look at: {problem}");
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(delivery.into_body());
    }
}

impl WebhookSource for App {
    async fn webhook(&self, _: &http::request::Parts) -> Result<Webhook, WebhookError> {
        Ok(self.webhook.clone())
    }
}

pub(crate) fn routes(app: Arc<App>) -> Router {
    Router::new().route("/piaxis", post(receive)).route("/effects/{id}", get(effects)).with_state(app)
}

/// Handles genuine deliveries. The extractor rejects all others.
async fn receive(State(app): State<Arc<App>>, delivery: Result<Delivery, Rejection>) -> Response {
    let delivery = match delivery {
        Ok(delivery) => delivery,
        Err(rejection) => {
            // The reason holds neither the secret nor the body.
            eprintln!("rejected a delivery with {}: {rejection}", rejection.status());
            return rejection.into_response();
        }
    };
    let deduplication = app.deduplication.clone();
    let once = deduplication.detached(delivery.deduplication_key(), WAIT, move || handle(app, delivery)).await;
    if let Some(error) = once.error() {
        eprintln!("{once}: {error}");
    }
    once.into_response()
}

/// Succeeds even when a genuine delivery cannot be read: Piaxis would only send the same again.
async fn handle(app: Arc<App>, delivery: Delivery) -> Result<(), Infallible> {
    let event = match delivery.event() {
        Ok(event) => event,
        Err(error) => {
            app.keep(delivery, &error.to_string());
            return Ok(());
        }
    };
    match (event.event_type(), event.payload()) {
        _ if event.is_test() => println!("a test"),
        (Some(EventType::PaymentSucceeded), Ok(Payload::Payment(payment))) => match payment.payment_id {
            Some(id) => app.book(id),
            None => app.keep(delivery, "a payment without an id succeeded"),
        },
        (name, Ok(_)) => println!("{name:?} is ignored"),
        (_, Err(error)) => app.keep(delivery, &error.to_string()),
    }
    Ok(())
}

/// How often a payment was booked, for tests. Leave this out of a program of yours.
async fn effects(State(app): State<Arc<App>>, Path(id): Path<String>) -> String {
    app.booked.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied().unwrap_or_default().to_string()
}
