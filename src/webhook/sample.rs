//! Bodies of events, for tests of a receiver.

use std::fmt;

use chrono::SecondsFormat;
use serde_json::{Map, Value};

use super::{Envelope, EventType, generated::PAYLOAD_SAMPLES};
use crate::Timestamp;

/// The field of `data` that says that somebody pressed the button that sends a test.
const TEST: &str = "test";

/// A body for an event, as Piaxis might send it: for tests. Sign it with a [`Signer`](super::Signer).
///
/// The values are invented, and an event of an unknown kind has no data. [`Sample::with`] sets the fields that a test
/// needs. The body has `test: true` only after [`Sample::as_test`], because a receiver that skips test events would pass
/// without handling them.
///
/// ```
/// use piaxis::webhook::{Envelope, Event, EventType, Signer, sample};
///
/// let at = "2026-04-14T10:30:00Z".parse().unwrap();
/// let body = sample(&EventType::PaymentSucceeded, Envelope::Merchant, at).with("payment_id", "pay-1");
/// let headers = Signer::new("secret")?.sign(&body);
/// let event = Event::from_json(&body)?;
/// assert_eq!((event.data()["payment_id"].as_str(), event.is_test()), (Some("pay-1"), false));
/// # Ok::<(), piaxis::webhook::WebhookError>(())
/// ```
pub fn sample(event: &EventType, envelope: Envelope, at: Timestamp) -> Sample {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let family = event.as_str().split('.').next().unwrap_or_default();
    let payload =
        PAYLOAD_SAMPLES.iter().find(|(name, _)| *name == family).map_or_else(Map::new, |(_, text)| object(text));

    let mut body = object(envelope.sample());
    fill(&mut body, event, at);
    if let Some(data) = body.get_mut("data").and_then(Value::as_object_mut) {
        fill(data, event, at);
        data.extend(payload);
        data.remove(TEST);
    }
    Sample::new(body)
}

/// A body for an event; made by [`sample`]. `Display` and `AsRef` give the JSON text.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Sample {
    body: Map<String, Value>,
    text: String,
}

impl Sample {
    fn new(body: Map<String, Value>) -> Self {
        Self { text: Value::from(body.clone()).to_string(), body }
    }

    /// Sets a field of `data`, such as `payment_id`.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        if let Some(data) = self.body.get_mut("data").and_then(Value::as_object_mut) {
            data.insert(field.to_owned(), value.into());
        }
        Self::new(self.body)
    }

    /// Marks the event as sent by the test button; see [`Event::is_test`](super::Event::is_test).
    pub fn as_test(self) -> Self {
        self.with(TEST, true)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Without the fields of `data`, which a test may have set to anything.
impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample").field("event", &self.body.get("event")).finish_non_exhaustive()
    }
}

impl AsRef<[u8]> for Sample {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl From<Sample> for String {
    fn from(sample: Sample) -> Self {
        sample.text
    }
}

/// Puts the event and the time where the envelope has such a field, the time in the form that it has there.
fn fill(object: &mut Map<String, Value>, event: &EventType, at: Timestamp) {
    if let Some(name) = object.get_mut("event") {
        *name = event.as_str().into();
    }
    if let Some(Value::String(time)) = object.get_mut("timestamp") {
        let whole = at.to_utc().to_rfc3339_opts(SecondsFormat::Micros, false);
        let (without, offset) = whole.split_at(whole.len() - "+00:00".len());
        *time = if time.ends_with(offset) { whole.clone() } else { without.to_owned() };
    }
}
