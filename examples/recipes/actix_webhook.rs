//! Webhooks with actix-web, which does not use the crate `http`: each delivery is verified, and each event handled once.
//!
//! `cargo run -p piaxis-recipes --bin actix_webhook` receives the webhooks of the emulator, from one payment.

use std::{convert::Infallible, error::Error, net::TcpListener, time::Duration};

use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, http::StatusCode, web};
use piaxis::{
    PaymentMethod,
    types::{PaymentCreate, UserInfo},
    webhook::{Deduplication, Delivery, Guarantee, MemoryGuard, Rejection, Webhook},
};
use piaxis_emulator::Emulator;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

struct Receiver {
    webhook: Webhook,
    events: Deduplication,
    /// Where handled events go. A program of yours has a database here.
    handled: UnboundedSender<String>,
}

async fn receive(receiver: web::Data<Receiver>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let headers: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let delivery = match receiver.webhook.verify(&body, &headers).map_err(Rejection::from) {
        Ok(delivery) => delivery,
        Err(rejection) => return respond(rejection.status().as_u16()).body(rejection.body()),
    };
    let (key, events, wait) = (delivery.deduplication_key(), receiver.events.clone(), Duration::from_secs(3));
    let once = events.detached(key, wait, move || handle(receiver, delivery)).await;
    respond(once.status().as_u16()).finish()
}

async fn handle(receiver: web::Data<Receiver>, delivery: Delivery) -> Result<(), Infallible> {
    let name = match delivery.event() {
        Ok(event) => event.event_type().map_or_else(|| "unnamed".to_owned(), ToString::to_string),
        Err(error) => format!("keep the body for a person: {error}"),
    };
    // Nobody waits for the event any more when the program ends.
    let _ = receiver.handled.send(name);
    Ok(())
}

fn respond(status: u16) -> HttpResponseBuilder {
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
}

/// Starts the receiver for the emulator's merchant. Returns its URL, and the names of handled events.
pub(crate) fn start(emulator: &Emulator) -> Result<(String, UnboundedReceiver<String>), Box<dyn Error>> {
    let merchant = emulator.default_merchant();
    let (sender, handled) = mpsc::unbounded_channel();
    let receiver = web::Data::new(Receiver {
        webhook: Webhook::new(merchant.webhook_secret())?.require_v2(),
        events: Deduplication::new(MemoryGuard::new(100_000), Guarantee::OncePerLease(Duration::from_secs(60))),
        handled: sender,
    });
    let app = move || App::new().app_data(receiver.clone()).route("/piaxis", web::post().to(receive));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/piaxis", listener.local_addr()?);
    merchant.set_webhook(&url);
    tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run());
    Ok((url, handled))
}

/// Pays, so that the emulator sends webhooks.
pub(crate) async fn pay(emulator: &Emulator) -> Result<(), Box<dyn Error>> {
    let payer = UserInfo::builder().phone_number("+256772123456").build();
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
    emulator.client().payments().create(order.user_info(payer).build()).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start().await?;
    let (_, mut handled) = start(&emulator)?;
    pay(&emulator).await?;
    println!("handled: {:?}", handled.recv().await);
    Ok(())
}
