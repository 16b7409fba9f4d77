//! Webhooks: verify what Piaxis posts to your server, understand it, and handle it once.
//!
//! Piaxis signs the bytes of a delivery with the secret of the endpoint. [`Webhook`] holds the secret and checks; what it
//! lets through is an [`Event`]. Give it the body **as received**: parsed and written again, the same JSON has other bytes,
//! and no signature fits.
//!
//! ```
//! use piaxis::webhook::{EventType, Payload, Signer, Webhook};
//!
//! # fn main() -> Result<(), piaxis::webhook::WebhookError> {
//! let webhook = Webhook::new("the endpoint's secret")?.require_v2();
//!
//! # let body = r#"{"event":"payment.succeeded","data":{"payment_id":"pay-1","amount":15000,"currency":"UGX"}}"#;
//! # let headers = Signer::new("the endpoint's secret")?.sign(body);
//! // `headers` is an `http::HeaderMap`, or names and values; `body` the bytes as received.
//! let event = webhook.construct_event(body, &headers)?;
//! if event.is_test() {
//!     return Ok(());
//! }
//! match (event.event_type(), event.payload()) {
//!     (Some(EventType::PaymentSucceeded), Ok(Payload::Payment(payment))) => println!("{:?} received", payment.amount),
//!     (name, Ok(_)) => println!("{name:?} is of no interest here"),
//!     // Genuine all the same: keep `event.raw()` for a person to look at, and answer 200.
//!     (name, Err(error)) => println!("{name:?}: {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Two signatures
//!
//! `X-piaxis-Signature` (v1) covers the body alone: whoever once saw a delivery can send it again for ever.
//! `X-piaxis-Signature-V2` covers the time of sending too, so that an old delivery is refused. When both are there, v2 must
//! fit and v1 only be well-formed. But an attacker may leave the v2 headers away and send the v1 signature of an old delivery, which still fits:
//! say [`require_v2`](Webhook::require_v2) as soon as your deliveries carry v2 ([`Event::verified`] tells). The guide
//! documents v1 only; v2 is what both official SDKs check, so a deployment may not send it yet.
//!
//! # Deliveries repeat
//!
//! The guide asks receivers to expect duplicates; an older page speaks of repetitions with growing delays, and no document
//! says more. Answer 200 to what is handled, and with a failure to what should come again. A [`ReplayGuard`]
//! tells whether an event was there before: see [`ReplayGuard::once`].
//!
//! # Receivers
//!
//! With the feature `axum`, [`VerifiedEvent`] is an extractor. For any other server, [`Webhook::handle`] takes the parts of
//! an `http` request and gives an event, or a [`Rejection`] that knows its answer:
//!
//! ```
//! # use piaxis::webhook::Webhook;
//! async fn receive(webhook: &Webhook, request: http::Request<Vec<u8>>) -> http::Response<String> {
//!     let (parts, body) = request.into_parts();
//!     match webhook.handle(&parts, &body) {
//!         Ok(event) => { println!("{:?}", event.event_type()); http::Response::new(String::new()) }
//!         Err(rejection) => rejection.into_response(),
//!     }
//! }
//! ```
//!
//! # Tests
//!
//! [`Signer`] makes genuine headers for any body, and [`sample`] a body for any event.

#[cfg(feature = "axum")]
mod axum;
mod error;
mod event;
mod headers;
mod receiver;
mod replay;
mod sample;
mod signature;
mod signer;

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

#[cfg(feature = "axum")]
pub use axum::VerifiedEvent;
pub use error::WebhookError;
pub use event::{DeliveryKey, Event};
pub use generated::{
    DisbursementPayload, DisputePayload, Envelope, EscrowPayload, EventType, OrderPayload, Payload, PaymentPayload,
    RefundPayload,
};
pub use headers::Headers;
pub use receiver::{Rejection, Webhook};
#[cfg(feature = "memory-guard")]
pub use replay::MemoryGuard;
#[cfg(feature = "redis")]
pub use replay::RedisGuard;
pub use replay::{GuardError, Mark, Once, OnceError, ReplayGuard};
pub use sample::{Sample, sample};
pub use signature::{SignatureVersion, Verified};
pub use signer::{SignedHeaders, Signer};
