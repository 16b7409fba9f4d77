//! An AWS Lambda function behind an API Gateway: creates payments at `/orders/{id}`, and receives webhooks at `/piaxis`.
//!
//! In Lambda, the environment has the variables of `Client::from_env` and `Webhook::from_env`. Anywhere else,
//! `cargo run -p piaxis-recipes --bin lambda` sends one request of each kind to the function, on the emulator.

use std::{collections::HashMap, convert::Infallible, time::Duration, time::SystemTime};

use lambda_http::http::{self, Method, header::ALLOW};
use lambda_http::{Body, Error, Request, RequestExt as _, Response, request::RequestContext, run, service_fn};
use piaxis::webhook::{Deduplication, Envelope, EventType, Guarantee, MemoryGuard, Signer, Webhook, sample};
use piaxis::{Amount, Client, Outcome, PaymentMethod, UgandanNumber, types::PaymentCreate, types::UserInfo};
use piaxis_emulator::Emulator;

pub(crate) struct App {
    client: Client,
    webhook: Webhook,
    events: Deduplication,
    /// The payment of each order, or why there is none. Lambda runs many instances, and ends each at any time: a program of
    /// yours has a table here, with one row per order, and inserts or updates it by a conditional write.
    orders: tokio::sync::Mutex<HashMap<String, Result<String, Outcome>>>,
}

impl App {
    pub(crate) fn new(client: Client, webhook: Webhook) -> Self {
        // In a program of yours, the `RedisGuard` or the `PostgresGuard`, which all instances share.
        let events = Deduplication::new(MemoryGuard::new(10_000), Guarantee::OncePerLease(Duration::from_secs(60)));
        Self { client, webhook, events, orders: Default::default() }
    }
}

pub(crate) async fn handle(app: &App, request: Request) -> Result<Response<String>, Error> {
    if request.method() != Method::POST {
        return Ok(Response::builder().status(405).header(ALLOW, "POST").body(String::new())?);
    }
    match path(&request).strip_prefix("/orders/") {
        // With `%`, an id would have several spellings, each with a payment of its own.
        Some(id) if !id.is_empty() && !id.contains(['/', '%']) => pay(app, id, &request).await,
        None if path(&request) == "/piaxis" => Ok(receive(app, request).await),
        _ => respond(404, ""),
    }
}

/// The path below the stage. `lambda_http` puts each stage but `$default` before the path.
fn path(request: &Request) -> &str {
    let path = request.uri().path();
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else { return path };
    let below = path.strip_prefix('/').zip(context.stage.as_deref()).and_then(|(path, stage)| path.strip_prefix(stage));
    below.unwrap_or(path)
}

#[derive(serde::Deserialize)]
struct Order {
    phone_number: String,
    amount: Amount,
}

/// Collects for an order, once. No document promises that the API recognises an idempotency key, so the order is recorded
/// before its payment is sent, which is retried only after `NotSent`. A corrected order needs another id.
async fn pay(app: &App, id: &str, request: &Request) -> Result<Response<String>, Error> {
    let Ok(order) = serde_json::from_slice::<Order>(request.body()) else { return respond(400, "invalid order") };
    let Ok(number) = order.phone_number.parse::<UgandanNumber>() else { return respond(400, "invalid phone_number") };
    let payer = UserInfo::builder().phone_number(number).build();
    let payment = PaymentCreate::builder().amount(order.amount).currency("UGX").payment_method(PaymentMethod::Mtn);
    let mut orders = app.orders.lock().await;
    if !matches!(orders.get(id), None | Some(Err(Outcome::NotSent))) {
        return respond(409, "the order was sent before: look the payment up");
    }
    orders.insert(id.to_owned(), Err(Outcome::Unknown));
    drop(orders);
    let payment = app.client.payments().create(payment.user_info(payer).build()).idempotency_key(id);
    let payment = payment.deadline(remaining(request)).await.map(|payment| payment.payment_id);
    let known = payment.as_ref().map(ToString::to_string).map_err(piaxis::Error::outcome);
    app.orders.lock().await.insert(id.to_owned(), known);
    match payment.map_err(|error| (error.outcome(), error)) {
        Ok(payment) => respond(202, payment),
        // `Payments::find_like` looks the payment up. The status is not 5xx, after which callers retry.
        Err((Outcome::Unknown, _)) => respond(202, "the payment may have been executed: look it up"),
        Err((Outcome::Rejected, error)) => respond(400, error),
        Err((Outcome::NotSent | Outcome::ReadFailed, error)) => respond(503, error),
    }
}

/// Lambda stops a function that takes too long. The request ends before that, so that its outcome is known.
fn remaining(request: &Request) -> Duration {
    let deadline = request.lambda_context_ref().map(lambda_http::Context::deadline);
    let remaining = deadline.and_then(|deadline| deadline.duration_since(SystemTime::now()).ok());
    remaining.map_or(Duration::from_secs(20), |remaining| remaining.saturating_sub(Duration::from_secs(1)))
}

/// After the response, Lambda freezes the process. The handler therefore ends before, and is not detached.
async fn receive(app: &App, request: Request) -> Response<String> {
    let (parts, body) = request.into_parts();
    let delivery = match app.webhook.receive(body.to_vec(), &parts.headers) {
        Ok(delivery) => delivery,
        Err(rejection) => return rejection.into_response(),
    };
    let once = app.events.once(delivery.deduplication_key(), async || {
        match delivery.event() {
            Ok(event) => eprintln!("handled: {:?}", event.event_type()),
            Err(error) => eprintln!("keep the body for a person: {error}"),
        }
        Ok::<_, Infallible>(())
    });
    once.await.into_response()
}

fn respond(status: u16, body: impl ToString) -> Result<Response<String>, Error> {
    Ok(Response::builder().status(status).body(body.to_string())?)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        let app = App::new(Client::from_env()?, Webhook::from_env()?.require_v2());
        return run(service_fn(|request| handle(&app, request))).await;
    }
    let emulator = Emulator::start().await?;
    let secret = emulator.default_merchant().webhook_secret();
    let app = App::new(emulator.client(), Webhook::new(secret.clone())?.require_v2());
    let order = r#"{ "phone_number": "0772 123 456", "amount": 15000 }"#;
    let order = http::Request::post("/orders/order-789").body(Body::from(order))?;
    println!("/orders/order-789: {}", handle(&app, order).await?.status());
    let body = sample(&EventType::PaymentSucceeded, Envelope::Merchant, SystemTime::now().into()).to_string();
    let (signed, delivery) = (Signer::new(secret)?.sign(&body), http::Request::post("/piaxis"));
    let delivery = signed.iter().fold(delivery, |delivery, (name, value)| delivery.header(name, value));
    println!("/piaxis: {}", handle(&app, delivery.body(Body::from(body))?).await?.status());
    Ok(())
}
