use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::{
    EventType, Payload, WebhookError,
    generated::{Body, Data},
};
use crate::{JsonObject, Timestamp, decoding::DecodeError};

/// An event of a webhook: one type for all envelopes.
///
/// All fields are optional, because the documents show three envelopes and the data of one event only. Fields with
/// another name or type are in [`data`](Self::data), [`extra`](Self::extra) and [`raw`](Self::raw).
///
/// ```
/// use piaxis::{Amount, webhook::{Event, EventType, Payload}};
///
/// # fn main() -> Result<(), piaxis::webhook::WebhookError> {
/// let event = Event::from_json(
///     r#"{"event":"payment.succeeded","data":{"payment_id":"pay-1","amount":150000,"currency":"UGX","test":true}}"#,
/// )?;
/// assert_eq!(event.event_type(), Some(&EventType::PaymentSucceeded));
/// assert!(event.is_test());
/// let Payload::Payment(payment) = event.payload()? else { return Ok(()) };
/// assert_eq!(payment.amount, Some(Amount::from(150_000)));
/// # Ok(())
/// # }
/// ```
///
/// `Debug` shows names and ids, and of everything else the keys only.
#[derive(Clone, PartialEq)]
pub struct Event {
    raw: Bytes,
    body: Body,
    data: Data,
    event_type: Option<EventType>,
}

impl Event {
    /// Reads an event **without verifying it**: for events that were verified before and kept as [`raw`](Self::raw). What
    /// comes from the network goes through [`Webhook::verify`](super::Webhook::verify).
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn from_json(text: impl AsRef<[u8]>) -> Result<Self, WebhookError> {
        Self::read(Bytes::copy_from_slice(text.as_ref()))
    }

    pub(super) fn read(bytes: Bytes) -> Result<Self, WebhookError> {
        let not_an_event = |problem: &str| WebhookError::NotAnEvent { problem: problem.to_owned() };
        let raw = std::str::from_utf8(&bytes).map_err(|_| not_an_event("must be UTF-8"))?;
        // Derived structs read arrays too.
        if !raw.trim_start().starts_with('{') {
            return Err(not_an_event("must be a JSON object"));
        }
        let body: Body = serde_json::from_str(raw).map_err(|_| {
            let problem = DecodeError::read::<Body, _>(&mut serde_json::Deserializer::from_str(raw)).err();
            // The path may hold words of the body.
            let problem =
                problem.map_or("there is more after the JSON".to_owned(), |found| found.without_path().to_string());
            WebhookError::NotAnEvent { problem }
        })?;
        let data = body.data.as_ref().and_then(|data| Data::deserialize(&**data).ok()).unwrap_or_default();
        let event_type = body.event.as_deref().or(data.event.as_deref()).map(EventType::from);
        Ok(Self { body, data, event_type, raw: bytes })
    }

    /// The type of the event, from the signed body, in any of the envelopes. The header with the type is not signed, and
    /// never used for this method.
    pub fn event_type(&self) -> Option<&EventType> {
        self.event_type.as_ref()
    }

    /// Account id of the merchant whom the event concerns.
    pub fn merchant_id(&self) -> Option<&str> {
        self.body.merchant_id.as_deref().or(self.data.merchant_id.as_deref())
    }

    /// Id of the **endpoint**. Deliveries have no id.
    pub fn webhook_id(&self) -> Option<&str> {
        self.body.webhook_id.as_deref()
    }

    /// Time of the event, in UTC. The guide shows the time without an offset: UTC is an assumption.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp_text()?.parse().ok()
    }

    /// Time of the event, as text of the body.
    pub fn timestamp_text(&self) -> Option<&str> {
        self.body.timestamp.as_deref()
    }

    /// Whether the event is a test, sent by the test button.
    pub fn is_test(&self) -> bool {
        self.data.test == Some(true)
    }

    /// Returns the data of the event, typed by the first word of the event's name, also for an event that this version
    /// does not know. Data without a field of its own is in `extra`.
    ///
    /// # Errors
    /// When a documented field has another type. A guessed field with another type is `None`. The event keeps all its
    /// data: see [`data`](Self::data).
    pub fn payload(&self) -> Result<Payload, WebhookError> {
        self.payload_of(self.data().clone())
    }

    /// The same without copying the data, when nothing else of the event is needed any more.
    ///
    /// # Errors
    /// The same as [`payload`](Self::payload).
    pub fn into_payload(mut self) -> Result<Payload, WebhookError> {
        let data = self.body.data.take().unwrap_or_default();
        self.payload_of(data)
    }

    fn payload_of(&self, data: JsonObject) -> Result<Payload, WebhookError> {
        let name = self.event_type.as_ref().map_or("", EventType::as_str);
        let family = name.split_once('.').map_or(name, |(family, _)| family);
        Payload::take(family, data).map_err(|error| error.below("data").into())
    }

    /// The data of the event, as received. Empty when the event has no data.
    pub fn data(&self) -> &JsonObject {
        static NONE: std::sync::LazyLock<JsonObject> = std::sync::LazyLock::new(JsonObject::new);
        self.body.data.as_ref().unwrap_or(&NONE)
    }

    /// The fields of the body beside the data that have no method of [`Event`].
    pub fn extra(&self) -> &JsonObject {
        &self.body.extra
    }

    /// The whole body, as received. [`from_json`](Self::from_json) parses the body again.
    pub fn raw(&self) -> &str {
        // Checked when it was read.
        std::str::from_utf8(&self.raw).unwrap_or_default()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("event_type", &self.event_type())
            .field("merchant_id", &self.merchant_id())
            .field("webhook_id", &self.webhook_id())
            .field("timestamp", &self.timestamp_text())
            .field("data", self.data())
            .finish_non_exhaustive()
    }
}

/// A field whose type is another than the contract says is taken for missing; it is still in the raw text.
pub(super) fn lenient<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Value::deserialize(deserializer).map(|value| serde_json::from_value(value).ok())
}

/// The same for an object, which may be large and is not built a second time.
pub(super) fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<JsonObject>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(if let Value::Object(map) = value { Some(map.into()) } else { None })
}

/// A field that a document shows.
pub(super) fn documented<T: DeserializeOwned>(data: &mut JsonObject, field: &str) -> Result<Option<T>, DecodeError> {
    let Some(value) = data.remove(field) else { return Ok(None) };
    DecodeError::read::<Option<T>, _>(value).map_err(|error| error.below(field))
}

/// A field that only a guess says: what does not fit stays where it is.
pub(super) fn guessed<T: DeserializeOwned>(data: &mut JsonObject, field: &str) -> Result<Option<T>, DecodeError> {
    let found = data.get(field).and_then(|value| T::deserialize(value).ok());
    if found.is_some() {
        data.remove(field);
    }
    Ok(found)
}
