//! An AWS Lambda function behind an API Gateway: creates payments at `/orders/{id}`, and receives webhooks at `/piaxis`.
//!
//! In Lambda, the environment has the variables of `Client::from_env` and `Webhook::from_env`. Anywhere else,
//! `cargo run -p piaxis-recipes --bin lambda` sends one request of each kind to the function, on the emulator.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use lambda_http::{Body, Error, Request, RequestExt as _, Response, http::StatusCode, run, service_fn};
use piaxis::{
    Amount, Client, Outcome, PaymentMethod, UgandanNumber,
    types::{PaymentCreate, UserInfo},
    webhook::{Deduplication, Delivery, Envelope, EventType, Guarantee, MemoryGuard, Signer, Webhook, sample},
};
use piaxis_emulator::Emulator;

pub(crate) struct App {
    pub(crate) client: Client,
    pub(crate) webhook: Webhook,
    pub(crate) events: Deduplication,
}

/// Lambda runs many instances: in a program of yours, use the `RedisGuard` or the `PostgresGuard`, which they share.
pub(crate) fn events() -> Deduplication {
    Deduplication::new(MemoryGuard::new(10_000), Guarantee::OncePerLease(Duration::from_secs(60)))
}

pub(crate) async fn handle(app: &App, request: Request) -> Result<Response<String>, Error> {
    match request.uri().path().split_once("/orders/") {
        Some((_, id)) => pay(app, id, &request).await,
        None if request.uri().path().ends_with("/piaxis") => Ok(receive(app, request).await),
        None => respond(StatusCode::NOT_FOUND, ""),
    }
}

#[derive(serde::Deserialize)]
struct Order {
    phone_number: String,
    amount: Amount,
}

/// The id of the order is the idempotency key, so that a retry of the gateway has the same key.
async fn pay(app: &App, id: &str, request: &Request) -> Result<Response<String>, Error> {
    let order: Order = match serde_json::from_slice(request.body()) {
        Ok(order) => order,
        Err(error) => return respond(StatusCode::BAD_REQUEST, error),
    };
    let number: UgandanNumber = match order.phone_number.parse() {
        Ok(number) => number,
        Err(error) => return respond(StatusCode::BAD_REQUEST, error),
    };
    let payer = UserInfo::builder().phone_number(number).build();
    let payment = PaymentCreate::builder().amount(order.amount).currency("UGX").payment_method(PaymentMethod::Mtn);
    let payment = app.client.payments().create(payment.user_info(payer).build()).idempotency_key(id);
    match payment.deadline(remaining(request)).await {
        Ok(payment) => respond(StatusCode::ACCEPTED, payment.payment_id),
        Err(error) => match error.outcome() {
            Outcome::Unknown => respond(StatusCode::GATEWAY_TIMEOUT, error),
            Outcome::Rejected => respond(StatusCode::BAD_REQUEST, error),
            Outcome::NotSent | Outcome::ReadFailed => respond(StatusCode::SERVICE_UNAVAILABLE, error),
        },
    }
}

/// Lambda stops a function that takes too long. The request ends before that, so that its outcome is known.
fn remaining(request: &Request) -> Duration {
    const RESERVE: Duration = Duration::from_secs(1);
    let deadline = request.lambda_context_ref().map(lambda_http::Context::deadline);
    let remaining = deadline.and_then(|deadline| deadline.duration_since(SystemTime::now()).ok());
    remaining.map_or(Duration::from_secs(20), |remaining| remaining.saturating_sub(RESERVE))
}

/// After the response, Lambda freezes the process. The handler therefore ends before, and is not detached.
async fn receive(app: &App, request: Request) -> Response<String> {
    let (parts, body) = request.into_parts();
    match app.webhook.receive(body.to_vec(), &parts.headers) {
        Ok(delivery) => {
            let once = app.events.once(delivery.deduplication_key(), async || record(&delivery)).await;
            once.into_response()
        }
        Err(rejection) => rejection.into_response(),
    }
}

fn record(delivery: &Delivery) -> Result<(), Infallible> {
    match delivery.event() {
        Ok(event) => eprintln!("handled: {:?}", event.event_type()),
        Err(error) => eprintln!("keep the body for a person: {error}"),
    }
    Ok(())
}

fn respond(status: StatusCode, body: impl ToString) -> Result<Response<String>, Error> {
    Ok(Response::builder().status(status).body(body.to_string())?)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        let app = App { client: Client::from_env()?, webhook: Webhook::from_env()?.require_v2(), events: events() };
        return run(service_fn(|request| handle(&app, request))).await;
    }
    let emulator = Emulator::start().await?;
    let secret = emulator.default_merchant().webhook_secret();
    let webhook = Webhook::new(secret.clone())?.require_v2();
    let app = App { client: emulator.client(), webhook, events: events() };
    let order = r#"{ "phone_number": "0772 123 456", "amount": 15000 }"#;
    let order = lambda_http::http::Request::post("/orders/order-789").body(Body::from(order))?;
    println!("/orders/order-789: {}", handle(&app, order).await?.status());
    let body = sample(&EventType::PaymentSucceeded, Envelope::Merchant, SystemTime::now().into()).to_string();
    let mut delivery = lambda_http::http::Request::post("/piaxis");
    for (name, value) in Signer::new(secret)?.sign(&body).iter() {
        delivery = delivery.header(name, value);
    }
    println!("/piaxis: {}", handle(&app, delivery.body(Body::from(body))?).await?.status());
    Ok(())
}
