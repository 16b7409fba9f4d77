//! Webhooks: verifies what Piaxis posts to your server, reads events, and handles each once.
//!
//! Piaxis signs the bytes of a delivery with the secret of the endpoint. Give [`Webhook::verify`] the body **as received**:
//! parsed and written again, the same JSON has other bytes, and no signature matches.
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
//! # Two signatures
//!
//! `X-piaxis-Signature` (v1) covers the body alone, so that an attacker who saw a delivery can send it again at any time.
//! `X-piaxis-Signature-V2` covers the time of sending as well. Of a delivery with both, v2 is compared and v1 must be
//! well-formed. An attacker can leave out the v2 headers of an old delivery: [`Webhook`] says what prevents that. The guide
//! documents v1 only. Both official SDKs check v2, so a deployment may not send it yet.
//!
//! # Each event once
//!
//! The guide asks receivers to expect duplicates, an older page mentions retries with growing delays, and no document says
//! more. Respond with 200 to an event that is handled and with an error to one that is to come again.
//! [`Deduplication`] runs a handler once for each event, by a [`Guard`] in memory, in Redis or in PostgreSQL.
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
//! [`Signer`] makes genuine headers for any body, and [`sample`] a body for any event. `cargo run --example
//! webhook_conformance` attacks an endpoint of your own and reports what it gets wrong.

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
