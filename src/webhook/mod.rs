//! Webhooks: verifies what Piaxis posts to your server, reads events, and handles each once.
//!
//! Piaxis signs the bytes of a delivery with the secret of the endpoint. Give [`Webhook::verify`] the body **as
//! received**. JSON that was parsed and serialized again has other bytes, so no signature matches.
//!
//! ```
//! use piaxis::webhook::{EventType, Payload, Signer, Webhook};
//!
//! # fn main() -> Result<(), piaxis::webhook::WebhookError> {
//! let webhook = Webhook::new("the endpoint's secret")?.require_v2();
//!
//! # let body = r#"{"event":"payment.succeeded","data":{"payment_id":"pay-1","amount":15000,"currency":"UGX"}}"#;
//! # let headers = Signer::new("the endpoint's secret")?.sign(body);
//! // `body` is the bytes as received; `headers` an `http::HeaderMap`, or names and values.
//! let delivery = webhook.verify(body, &headers)?;
//! // Verified first, then parsed. What is genuine and cannot be read stays in `delivery.body()`.
//! let event = delivery.event()?;
//! if event.is_test() {
//!     return Ok(());
//! }
//! match (event.event_type(), event.payload()) {
//!     (Some(EventType::PaymentSucceeded), Ok(Payload::Payment(payment))) => println!("{:?} received", payment.amount),
//!     (name, Ok(_)) => println!("{name:?} is ignored"),
//!     (name, Err(error)) => println!("{name:?}: {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Verification alone needs neither an HTTP client nor an async runtime:
//!
//! ```toml
//! [dependencies]
//! piaxis = { path = "../piaxis", default-features = false, features = ["webhook"] }
//! ```
//!
//! # Two signatures
//!
//! `X-piaxis-Signature` (v1) covers the body alone, so that an attacker who saw a delivery can send it again at any time.
//! `X-piaxis-Signature-V2` covers the time of sending as well. A delivery with both is verified by v2, and its v1 must be
//! well-formed. An attacker can remove the v2 headers from an old delivery. [`Webhook`] documents how to prevent such a
//! replay. The guide documents v1 only. Both official SDKs check v2, so a deployment may not send it yet.
//!
//! # Each event once
//!
//! The guide asks receivers to expect duplicates, an older page mentions retries with growing delays, and no document
//! says more. Respond with 200 to an event that is handled, and with an error status to have the event delivered again.
//! [`Deduplication`] runs a handler once for each event, by a [`Guard`] in memory, in Redis or in PostgreSQL.
//!
//! | guard | feature | for |
//! |---|---|---|
//! | `MemoryGuard` | `memory-guard` | one process; forgets at a restart |
//! | `RedisGuard` | `redis` | any number of machines |
//! | `PostgresGuard` | `postgres` | any number of machines. The record that an event is handled commits in the handler's own transaction, so that effects in that database happen exactly once |
//!
//! Piaxis sends no id of an event, so the [deduplication key](Delivery::deduplication_key) is a hash of the whole body.
//! [`Webhook::key_from`] makes the key from fields of your choice, for retries whose body differs.
//!
//! # Servers
//!
//! | server | use |
//! |---|---|
//! | axum (feature `axum`) | [`Delivery`] is an extractor |
//! | a `tower` service (feature `tower`) | `WebhookLayer` |
//! | any that uses the crate `http` | [`Webhook::receive`] |
//! | any other, actix-web for one | [`Webhook::verify`] with a list of headers |
//!
//! ```
//! use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
//! use piaxis::webhook::{Rejection, Webhook};
//!
//! async fn receive(webhook: web::Data<Webhook>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
//!     let headers: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
//!     let delivery = match webhook.verify(&body, &headers).map_err(Rejection::from) {
//!         Ok(delivery) => delivery,
//!         Err(error) => {
//!             let status = StatusCode::from_u16(error.status().as_u16()).unwrap_or(StatusCode::BAD_REQUEST);
//!             return HttpResponse::build(status).body(error.body());
//!         }
//!     };
//!     println!("{:?}", delivery.event()); // Handle the event here, by a `Deduplication`.
//!     HttpResponse::Ok().finish()
//! }
//! ```
//!
//! # Tests
//!
//! [`Signer`] makes genuine headers for any body, and [`sample`] a body for any event. Neither needs a network:
//!
//! ```
//! use piaxis::webhook::{Envelope, EventType, Signer, Webhook, WebhookError, sample};
//!
//! let at = "2026-04-14T10:30:00Z".parse().unwrap();
//! let body = sample(&EventType::PaymentSucceeded, Envelope::Merchant, at).with("payment_id", "pay-1").to_string();
//! let headers = Signer::new("the endpoint's secret")?.sign(&body); // `headers.iter()` has names and values
//! let delivery = Webhook::new("the endpoint's secret")?.require_v2().verify(&body, &headers)?;
//! assert_eq!(delivery.event()?.data()["payment_id"], "pay-1");
//! # Ok::<(), WebhookError>(())
//! ```
//!
//! The examples of the repository send deliveries to a server, and attack an endpoint in any language:
//!
//! ```text
//! PIAXIS_WEBHOOK_SECRET=demo cargo run --example webhook_server
//! PIAXIS_WEBHOOK_SECRET=demo cargo run --example send_webhook -- --url http://127.0.0.1:8080/piaxis --event payment.succeeded --times 2
//! cargo run --example webhook_conformance -- --url http://127.0.0.1:8080/piaxis --secret demo --effects 'http://127.0.0.1:8080/effects/{id}'
//! ```
//!
//! The server responds with 200 to both deliveries and prints the payment once. The third command reports each attack and exits
//! with 1 on a fault. `--effects` is a URL of the server that responds with how often a payment was booked. Without
//! `--effects`, the command sees responses only.

#[cfg(feature = "axum")]
mod axum;
mod deduplication;
mod delivery;
mod error;
mod event;
mod guard;
mod headers;
mod key;
#[cfg(any(feature = "axum", feature = "tower"))]
mod receive;
mod rejection;
mod sample;
mod signature;
mod signer;
mod source;
#[cfg(any(feature = "detached", feature = "postgres", feature = "redis", feature = "tower"))]
mod timer;
#[cfg(feature = "tower")]
mod tower;
mod verifier;

mod generated {
    /// Names of the headers of a delivery.
    pub(super) struct HeaderNames {
        pub(super) signature: &'static str,
        pub(super) event: &'static str,
        pub(super) signature_v2: &'static str,
        pub(super) signature_timestamp: &'static str,
    }

    include!(concat!(env!("OUT_DIR"), "/webhooks.rs"));
}

pub use deduplication::{Deduplication, Guarantee, Once};
pub use delivery::Delivery;
pub use error::WebhookError;
pub use event::Event;
pub use generated::{
    DisbursementPayload, DisputePayload, Envelope, EscrowPayload, EventType, OrderPayload, Payload, PaymentPayload,
    RefundPayload,
};
#[cfg(feature = "memory-guard")]
pub use guard::MemoryGuard;
#[cfg(feature = "postgres")]
pub use guard::PostgresGuard;
pub use guard::{Begin, Guard, GuardError, GuardFuture, Token};
#[cfg(feature = "redis")]
pub use guard::{RedisConnect, RedisConnection, RedisFuture, RedisGuard, RedisReply};
pub use headers::Headers;
pub use key::DeduplicationKey;
pub use rejection::Rejection;
pub use sample::{Sample, sample};
pub use signature::{SignatureVersion, Verified};
pub use signer::{SignedHeaders, Signer};
pub use source::WebhookSource;
#[cfg(feature = "tower")]
pub use tower::{VerifyWebhook, WebhookLayer};
pub use verifier::Webhook;
