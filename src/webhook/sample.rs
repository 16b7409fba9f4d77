use chrono::SecondsFormat;
use serde_json::{Map, Value};

use super::{Envelope, EventType, generated::PAYLOAD_SAMPLES};
use crate::Timestamp;

/// A body for an event, as Piaxis might send it: for tests. Sign it with a [`Signer`](super::Signer).
///
/// The values are made up; an event of an unknown kind has no data.
///
/// ```
/// use piaxis::webhook::{Envelope, Event, EventType, sample};
///
/// let body = sample(&EventType::EscrowReleased, Envelope::Helper, "2026-04-14T10:30:00Z".parse().unwrap());
/// assert_eq!(Event::from_json(body)?.event_type(), Some(&EventType::EscrowReleased));
/// # Ok::<(), piaxis::webhook::WebhookError>(())
/// ```
pub fn sample(event: &EventType, envelope: Envelope, at: Timestamp) -> String {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let family = event.as_str().split('.').next().unwrap_or_default();
    let payload =
        PAYLOAD_SAMPLES.iter().find(|(name, _)| *name == family).map_or_else(Map::new, |(_, text)| object(text));

    let mut body = object(envelope.sample());
    fill(&mut body, event, at);
    if let Some(data) = body.get_mut("data").and_then(Value::as_object_mut) {
        fill(data, event, at);
        data.extend(payload);
    }
    Value::Object(body).to_string()
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
