//! A server that receives webhooks: verifies each, and handles each once.
//!
//! ```text
//! PIAXIS_WEBHOOK_SECRET=… cargo run --example webhook_server -- 127.0.0.1:8080
//! PIAXIS_WEBHOOK_SECRET=… cargo run --example send_webhook -- --url http://127.0.0.1:8080/piaxis --event payment.succeeded
//! ```
//!
//! With `PIAXIS_REDIS=redis://…`, several of these servers remember together what was handled.

use std::{convert::Infallible, error::Error, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{FromRef, State},
    http::StatusCode,
    routing::post,
};
use piaxis::webhook::{
    Event, EventType, Mark, MemoryGuard, Once, Payload, RedisGuard, ReplayGuard, VerifiedEvent, Webhook,
};
use tokio::net::TcpListener;

/// How long a handled event is remembered: longer than anybody repeats a delivery.
const REMEMBERED: Duration = Duration::from_secs(7 * 86_400);
/// Longer than handling one ever takes.
const LEASE: Duration = Duration::from_secs(60);

struct App<G> {
    webhook: Webhook,
    guard: Arc<G>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match std::env::var("PIAXIS_REDIS") {
        Ok(address) => serve(RedisGuard::connect(&address).await?).await,
        Err(_) => serve(MemoryGuard::new(1_000_000)).await,
    }
}

async fn serve<G: ReplayGuard + 'static>(guard: G) -> Result<(), Box<dyn Error>> {
    // Say `require_v2` once your deliveries carry it.
    let app = App { webhook: Webhook::from_env()?, guard: Arc::new(guard) };
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("waiting for deliveries at http://{}/piaxis", listener.local_addr()?);
    let routes = Router::new().route("/piaxis", post(receive::<G>)).with_state(app);
    Ok(axum::serve(listener, routes).await?)
}

/// What was verified comes here, and nothing else.
async fn receive<G: ReplayGuard>(State(app): State<App<G>>, event: VerifiedEvent) -> StatusCode {
    if event.is_announced_otherwise() {
        println!("the unsigned header says {:?}; the signed body counts", event.announced());
    }
    let mark = Mark::Around { lease: LEASE };
    match app.guard.once(event.delivery_key(), REMEMBERED, mark, || handle(&event)).await {
        Ok(Once::Handled(())) => StatusCode::OK,
        Ok(Once::Repeated) => {
            println!("a repetition; handled before");
            StatusCode::OK
        }
        // Not 200, so it comes again.
        Ok(Once::InProgress) => StatusCode::SERVICE_UNAVAILABLE,
        Err(error) => {
            eprintln!("{error}");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

async fn handle(event: &Event) -> Result<(), Infallible> {
    let name = event.event_type().map_or("an event without a name", EventType::as_str);
    if event.is_test() {
        println!("{name}, a test: nothing happened");
        return Ok(());
    }
    match event.payload() {
        Ok(Payload::Payment(payment)) => {
            let id = payment.payment_id.unwrap_or_default();
            println!("{name}: payment {id}; look it up before the goods go out");
        }
        Ok(_) => println!("{name}: {:?}", event.data()),
        // It is genuine all the same: keep `event.raw()` for a person to look at.
        Err(error) => eprintln!("{name}: {error}"),
    }
    Ok(())
}

impl<G> Clone for App<G> {
    fn clone(&self) -> Self {
        Self { webhook: self.webhook.clone(), guard: self.guard.clone() }
    }
}

impl<G> FromRef<App<G>> for Webhook {
    fn from_ref(app: &App<G>) -> Self {
        app.webhook.clone()
    }
}
