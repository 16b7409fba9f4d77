//! What holds for any input: shared by the fuzz targets and by the test that runs their corpus.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use piaxis::webhook::{Delivery, Event, Headers as _, SignatureVersion, Signer, Webhook};

const NOW: u64 = 1_712_345_678;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// `name: value` lines, an empty line, the body. A line `sign` adds genuine headers, `sign 1712345678` as of that time.
pub fn delivery(data: &[u8]) {
    let border = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = border.map_or((data, &b""[..]), |at| (&data[..at], &data[at + 2..]));
    let signer = Signer::new("secret").unwrap();
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for line in head.split(|byte| *byte == b'\n') {
        if let Some(time) = line.strip_prefix(b"sign") {
            let time = std::str::from_utf8(time).ok().and_then(|time| time.trim().parse().ok()).unwrap_or(NOW);
            let time = at(time.min(u64::from(u32::MAX)));
            headers
                .extend(signer.clone().at(time).sign(body).into_iter().map(|(name, text)| (name.into(), text.into())));
        } else if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            let (name, value) = line.split_at(colon);
            headers.push((String::from_utf8_lossy(name).into_owned(), value[1..].trim_ascii_start().to_vec()));
        }
    }
    let lenient = Webhook::new("secret").unwrap().clock(|| at(NOW));
    let strict = lenient.clone().require_v2();
    let verified = lenient.verify(body, &headers);
    match verified.as_ref().map(|delivery| delivery.verified()) {
        // Whatever passes is what the signer would have sent, within the tolerance.
        Ok(verified) => {
            let moment = verified.signed_at.map_or(at(NOW), |moment| moment.to_utc().into());
            let distance = moment.duration_since(at(NOW)).unwrap_or_else(|error| error.duration());
            assert!(distance <= Duration::from_secs(300), "{distance:?}");
            let genuine = signer.at(moment).sign(body);
            let name = match verified.version {
                SignatureVersion::V2 => "x-piaxis-signature-v2",
                _ => "x-piaxis-signature",
            };
            let sent: Vec<&[u8]> = headers.values(name).collect();
            assert_eq!(sent, genuine.values(name).collect::<Vec<_>>());
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.code().is_empty() && error.status() / 100 == 4),
    }
    let version = |delivery: &Delivery| *delivery.verified();
    match strict.verify(body, &headers) {
        Ok(strict) => {
            assert_eq!(strict.verified().version, SignatureVersion::V2);
            assert_eq!(verified.as_ref().map(version), Ok(version(&strict)));
        }
        Err(_) => assert!(!verified.as_ref().is_ok_and(|delivery| delivery.verified().version == SignatureVersion::V2)),
    }
    if let Ok(delivery) = verified {
        assert_eq!(delivery.body(), body);
        assert_eq!(delivery.deduplication_key(), delivery.deduplication_key());
        if let Ok(event) = delivery.event() {
            look_at(&event);
        }
    }
}

/// A body.
pub fn event(data: &[u8]) {
    let json = serde_json::from_slice::<serde_json::Value>(data);
    let Ok(event) = Event::from_json(data) else { return };
    // What is no JSON to the JSON library is no event; what is one keeps its text and its data.
    let json = json.expect("an event is JSON");
    assert_eq!(event.raw().as_bytes(), data);
    if let Some(inner) = json["data"].as_object() {
        assert_eq!(&**event.data(), inner);
    }
    look_at(&event);
}

fn look_at(event: &Event) {
    let again = Event::from_json(event.raw()).expect("what was read once is read again");
    assert_eq!(again.event_type(), event.event_type());
    let _ = (event.payload().map_err(|error| error.to_string()), event.timestamp(), event.merchant_id());
    let _ = (event.webhook_id(), event.is_test(), format!("{event:?}"));
}
