//! Bodies of deliveries.

use std::io::{self, Write};

use bytes::Bytes;
use chrono::SecondsFormat;
use piaxis::webhook::Envelope;
use serde::Serialize as _;
use serde_json::{Serializer, Value, ser::Formatter};

use super::Event;
use crate::contract::CONTRACT;

/// The body that tells of an event.
///
/// Unless the merchant chose an envelope, disbursement events have the helper envelope, all others the merchant envelope. No
/// source says which of the documented envelopes a delivery has, and none shows the white space of a body; the emulator writes
/// bodies as Python's `json` does, so that a receiver that verifies a body that was parsed and written again fails.
pub(super) fn body(event: &Event, envelope: Option<Envelope>, merchant_id: &str, endpoint_id: &str) -> Bytes {
    let name = match envelope {
        Some(Envelope::Merchant) => "merchant",
        Some(Envelope::MerchantAtTop) => "merchant_at_top",
        Some(Envelope::Helper) => "helper",
        _ if event.family() == "disbursement" => "helper",
        _ => "merchant",
    };
    let mut body = CONTRACT.document["x-piaxis-webhooks"]["envelopes"][name]["example"].clone();
    if let Some(event_name) = body.get_mut("event") {
        *event_name = event.name.as_str().into();
    }
    if let Some(id) = body.get_mut("webhook_id") {
        *id = endpoint_id.into();
    }
    let is_merchant_at_top = body.get("merchant_id").is_some();
    if let Some(id) = body.get_mut("merchant_id") {
        *id = merchant_id.into();
    }
    if let Some(Value::String(time)) = body.get_mut("timestamp") {
        let with_offset = event.created_at.to_rfc3339_opts(SecondsFormat::Micros, false);
        let (naive, offset) = with_offset.split_at(with_offset.len() - "+00:00".len());
        *time = if time.ends_with(offset) { with_offset } else { naive.to_owned() };
    }
    if let Some(data) = body.get_mut("data").and_then(Value::as_object_mut) {
        let has_name = data.contains_key("event");
        data.clear();
        if has_name {
            data.insert("event".into(), event.name.as_str().into());
        }
        if !is_merchant_at_top {
            data.insert("merchant_id".into(), merchant_id.into());
        }
        data.extend(event.data.read());
    }
    let mut bytes = Vec::new();
    match body.serialize(&mut Serializer::with_formatter(&mut bytes, Python)) {
        Ok(()) => bytes.into(),
        // Writing a JSON value to memory does not fail.
        Err(_) => Bytes::new(),
    }
}

/// Writes JSON as Python's `json.dumps` does by default.
struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, is_first: bool) -> io::Result<()> {
        if is_first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, is_first: bool) -> io::Result<()> {
        if is_first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if c.is_ascii() {
                writer.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_written_as_python_writes_them_in_the_envelopes_of_the_contract() {
        let data = serde_json::json!({ "amount": 15_000, "note": "é😀\"\n" });
        let event = |name: &str| Event {
            merchant: 0,
            name: name.into(),
            data: data.as_object().unwrap().clone().into(),
            created_at: "2026-04-14T10:30:00Z".parse().unwrap(),
        };
        let text = |name: &str| String::from_utf8(body(&event(name), None, "merchant-1", "endpoint-1").into()).unwrap();
        assert_eq!(
            text("payment.succeeded"),
            "{\"data\": {\"amount\": 15000, \"merchant_id\": \"merchant-1\", \"note\": \"\\u00e9\\ud83d\\ude00\\\"\\n\"}, \
             \"event\": \"payment.succeeded\", \"timestamp\": \"2026-04-14T10:30:00.000000\", \"webhook_id\": \"endpoint-1\"}"
        );
        let helper: Value = serde_json::from_str(&text("disbursement.cancelled")).unwrap();
        assert_eq!(helper["data"]["event"], "disbursement.cancelled");
        assert_eq!(helper.as_object().unwrap().keys().collect::<Vec<_>>(), ["data", "timestamp"]);
    }
}
