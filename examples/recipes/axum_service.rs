//! A payment service with axum: collects by mobile money for an order, and learns from webhooks whether it is paid.
//!
//! `cargo run -p piaxis-recipes --bin axum_service` runs the service on the emulator, and places one order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{collections::HashMap, convert::Infallible, error::Error, time::Duration};

use axum::extract::{Json, Path, State};
use axum::http::{StatusCode, request::Parts};
use axum::{Router, response::IntoResponse, routing::get, routing::post};
use piaxis::webhook::{Deduplication, Delivery, EventType, Guarantee, MemoryGuard, Payload, Webhook, WebhookError};
use piaxis::{Amount, Client, Outcome, PaymentMethod, UgandanNumber, types::PaymentCreate, types::UserInfo};
use piaxis_emulator::Emulator;
use tokio::net::TcpListener;

pub(crate) struct Service {
    client: Client,
    webhook: Webhook,
    events: Deduplication,
    /// The payment of each order, or why there is none. A program of yours has a database here.
    orders: Mutex<HashMap<String, Result<String, Outcome>>>,
    /// Whether each payment succeeded. The event may come before the response with the payment id.
    settled: Mutex<HashMap<String, bool>>,
}

impl piaxis::webhook::WebhookSource for Service {
    async fn webhook(&self, _: &Parts) -> Result<Webhook, WebhookError> {
        Ok(self.webhook.clone())
    }
}

#[derive(serde::Deserialize)]
struct Order {
    phone_number: String,
    amount: Amount,
}

/// Collects for an order, once. Its id is the idempotency key, so that a corrected order needs another id.
async fn pay(State(service): State<Arc<Service>>, Path(id): Path<String>, Json(order): Json<Order>) -> StatusCode {
    let Ok(number) = order.phone_number.parse::<UgandanNumber>() else { return StatusCode::BAD_REQUEST };
    {
        let mut orders = locked(&service.orders);
        if !matches!(orders.get(&id), None | Some(Err(Outcome::NotSent))) {
            return StatusCode::CONFLICT;
        }
        orders.insert(id.clone(), Err(Outcome::Unknown));
    }
    let payer = UserInfo::builder().phone_number(number).build();
    let payment = PaymentCreate::builder().amount(order.amount).currency("UGX").payment_method(PaymentMethod::Mtn);
    let payment = service.client.payments().create(payment.user_info(payer).build()).idempotency_key(&id).await;
    let payment = payment.map(|payment| payment.payment_id).map_err(|error| error.outcome());
    let status = match payment {
        // After `Unknown`, the payer may have paid: `Payments::find_like` looks the payment up.
        Ok(_) | Err(Outcome::Unknown) => StatusCode::ACCEPTED,
        Err(Outcome::Rejected) => StatusCode::BAD_REQUEST,
        Err(Outcome::NotSent | Outcome::ReadFailed) => StatusCode::SERVICE_UNAVAILABLE,
    };
    locked(&service.orders).insert(id, payment);
    status
}

async fn show(State(service): State<Arc<Service>>, Path(id): Path<String>) -> Result<&'static str, StatusCode> {
    Ok(match locked(&service.orders).get(&id).ok_or(StatusCode::NOT_FOUND)? {
        Ok(payment) => match locked(&service.settled).get(payment) {
            Some(true) => "paid",
            Some(false) => "declined",
            None => "pending",
        },
        Err(outcome) => outcome.as_str(),
    })
}

/// Runs for genuine deliveries only: the extractor rejects all others.
async fn receive(State(service): State<Arc<Service>>, delivery: Delivery) -> impl IntoResponse {
    let (key, events) = (delivery.deduplication_key(), service.events.clone());
    events.detached(key, Duration::from_secs(3), move || handle(service, delivery)).await
}

async fn handle(service: Arc<Service>, delivery: Delivery) -> Result<(), Infallible> {
    // A body that cannot be read would only come again: a program of yours keeps it for a person.
    let Ok(event) = delivery.event() else { return Ok(()) };
    let succeeded = event.event_type() == Some(&EventType::PaymentSucceeded);
    if (succeeded || event.event_type() == Some(&EventType::PaymentFailed))
        && let (false, Ok(Payload::Payment(payment))) = (event.is_test(), event.payload())
        && let Some(id) = payment.payment_id
    {
        // A failure that arrives late does not undo a success.
        *locked(&service.settled).entry(id).or_default() |= succeeded;
    }
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the service for the emulator's merchant, and returns its URL.
pub(crate) async fn start(emulator: &Emulator) -> Result<String, Box<dyn Error>> {
    let merchant = emulator.default_merchant();
    let webhook = Webhook::new(merchant.webhook_secret())?.require_v2();
    let events = Deduplication::new(MemoryGuard::new(100_000), Guarantee::OncePerLease(Duration::from_secs(60)));
    let (client, orders, settled) = (merchant.client(), Mutex::default(), Mutex::default());
    let service = Arc::new(Service { client, webhook, events, orders, settled });
    let routes = Router::new().route("/piaxis", post(receive)).route("/orders/{id}", get(show).post(pay));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    merchant.set_webhook(format!("{url}/piaxis"));
    tokio::spawn(async move { axum::serve(listener, routes.with_state(service)).await });
    Ok(url)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start().await?;
    let order = format!("{}/orders/order-789", start(&emulator).await?);
    let body = r#"{ "phone_number": "0772 123 456", "amount": 15000 }"#;
    let request = reqwest::Client::new().post(&order).header("content-type", "application/json").body(body);
    println!("order-789: {}", request.send().await?.status());
    tokio::time::sleep(Duration::from_secs(2)).await; // the emulator's payer takes one
    println!("order-789: {}", reqwest::get(&order).await?.text().await?);
    Ok(())
}
