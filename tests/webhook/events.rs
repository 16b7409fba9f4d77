//! Events: every envelope, every name, and unexpected bodies.

use piaxis::{
    Amount, PaymentStatus, Timestamp,
    webhook::{DeduplicationKey, Delivery, Envelope, Event, EventType, Payload, Signer, Webhook, WebhookError, sample},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const MERCHANT: &str = "6c15f7e8-335a-4c62-a993-fb06a27b7787";
const ENDPOINT: &str = "0e4102fa-3119-42aa-8a9c-d92ef4fa83af";

/// Signed, verified, parsed.
fn received(body: &str) -> Result<Event, WebhookError> {
    delivered(body).event()
}

fn delivered(body: impl AsRef<[u8]>) -> Delivery {
    let headers = Signer::new("secret").unwrap().sign(&body);
    Webhook::new("secret").unwrap().verify(&body, &headers).unwrap()
}

fn key(body: &str) -> DeduplicationKey {
    delivered(body).deduplication_key()
}

fn time() -> Timestamp {
    "2026-04-14T10:30:00Z".parse().unwrap()
}

#[test]
fn every_known_event_is_read_in_every_envelope() {
    for name in EventType::KNOWN {
        let event_type = EventType::from(*name);
        assert!(!matches!(event_type, EventType::Unknown(_)), "{name}");
        for envelope in Envelope::ALL {
            let body = String::from(sample(&event_type, *envelope, time()));
            let event = received(&body).unwrap_or_else(|error| panic!("{name} in {envelope:?}: {error}"));
            assert_eq!(event.event_type(), Some(&event_type), "{body}");
            assert_eq!(event.timestamp(), Some(time()), "{body}");
            assert_eq!(event.raw(), body);
            let is_helper = *envelope == Envelope::Helper;
            assert_eq!(event.merchant_id(), (!is_helper).then_some(MERCHANT), "{body}");
            assert_eq!(event.webhook_id(), (!is_helper).then_some(ENDPOINT), "{body}");
            assert!(!event.is_test(), "{body}");

            let family = name.split('.').next().unwrap();
            let (typed, id) = match event.payload().unwrap() {
                Payload::Payment(payload) => ("payment", payload.payment_id),
                Payload::Escrow(payload) => ("escrow", payload.escrow_id),
                Payload::Disbursement(payload) => ("disbursement", payload.disbursement_id),
                Payload::Refund(payload) => ("refund", payload.refund_id),
                Payload::Dispute(payload) => ("dispute", payload.dispute_id),
                Payload::Order(payload) => ("order", payload.order_id),
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(typed, family);
            assert_eq!(id.as_deref(), event.data()[&format!("{family}_id")].as_str(), "{body}");
        }
    }
}

#[test]
fn the_event_of_the_guide() {
    let event = received(include_str!("../data/webhook_guide.json")).unwrap();
    assert_eq!(event.event_type(), Some(&EventType::PaymentSucceeded));
    assert_eq!((event.merchant_id(), event.webhook_id()), (Some(MERCHANT), Some(ENDPOINT)));
    assert_eq!(event.timestamp_text(), Some("2026-04-14T10:30:00.000000"));
    assert_eq!(event.timestamp(), Some(time()));
    assert!(event.is_test());
    let Payload::Payment(payment) = event.payload().unwrap() else { panic!("{event:?}") };
    assert_eq!(payment.payment_id.as_deref(), Some("3a0da2c0-a8b2-4c76-9f40-1dbf7ee03dcf"));
    assert_eq!(payment.reference.as_deref(), Some("test_9f7d1bd7b5aa"));
    assert_eq!(payment.currency.as_deref(), Some("UGX"));
    assert_eq!(payment.amount, Some(Amount::from(150_000)));
    assert_eq!(payment.status, Some(PaymentStatus::Succeeded));
    assert_eq!(payment.extra["merchant_id"], MERCHANT);
}

#[test]
fn odd_events_are_read_as_far_as_possible() {
    // Body; name; merchant; is it a test; what the payload is, or its problem.
    type Row<'a> = (&'a str, Option<&'a str>, Option<&'a str>, bool, &'a str);
    #[rustfmt::skip]
    let table: &[Row] = &[
        ("{}", None, None, false, "other"),
        (r#"{"data":{}}"#, None, None, false, "other"),
        (r#"{"event":"payment.succeeded"}"#, Some("payment.succeeded"), None, false, "payment"),
        (r#"{"event":"payment.succeeded","data":null}"#, Some("payment.succeeded"), None, false, "payment"),
        (r#"{"event":"payment.succeeded","data":[1]}"#, Some("payment.succeeded"), None, false, "payment"),
        (r#"{"event":5,"data":{"event":"escrow.created"}}"#, Some("escrow.created"), None, false, "escrow"),
        (r#"{"event":null,"data":{"event":"escrow.created"}}"#, Some("escrow.created"), None, false, "escrow"),
        (r#"{"event":"a.b","data":{"event":"payment.failed"}}"#, Some("a.b"), None, false, "other"),
        (r#"{"event":"payment.pending","data":{"amount":"1,500.50"}}"#, Some("payment.pending"), None, false, "payment"),
        (r#"{"event":"Payment.Succeeded"}"#, Some("Payment.Succeeded"), None, false, "other"),
        (r#"{"event":""}"#, Some(""), None, false, "other"),
        (r#"{"event":"payment"}"#, Some("payment"), None, false, "payment"),
        (r#"{"event":"x","merchant_id":"top","data":{"merchant_id":"inner"}}"#, Some("x"), Some("top"), false, "other"),
        (r#"{"event":"x","merchant_id":7,"data":{"merchant_id":"inner"}}"#, Some("x"), Some("inner"), false, "other"),
        (r#"{"event":"x","data":{"test":"true"}}"#, Some("x"), None, false, "other"),
        (r#"{"event":"x","data":{"test":true}}"#, Some("x"), None, true, "other"),
        (r#"{"event":"payment.failed","data":{"amount":"ten"}}"#, Some("payment.failed"), None, false,
            "genuine event with an unexpected payload: `data.amount`: "),
        (r#"{"event":"payment.failed","data":{"payment_id":7}}"#, Some("payment.failed"), None, false,
            "genuine event with an unexpected payload: `data.payment_id`: expected a string"),
        // What is only a guess is not required.
        (r#"{"event":"dispute.opened","data":{"reason":{"code":7},"status":1}}"#, Some("dispute.opened"), None, false, "dispute"),
    ];
    for (body, name, merchant, is_test, payload) in table {
        let event = received(body).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(event.event_type().map(EventType::as_str), *name, "{body}");
        assert_eq!((event.merchant_id(), event.is_test()), (*merchant, *is_test), "{body}");
        let found = match event.payload() {
            Ok(Payload::Other(_)) => "other".to_owned(),
            Ok(Payload::Payment(_)) => "payment".to_owned(),
            Ok(Payload::Escrow(_)) => "escrow".to_owned(),
            Ok(Payload::Dispute(_)) => "dispute".to_owned(),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        };
        assert!(found.starts_with(payload), "{body}: {found}");
        assert!(!found.contains("ten"), "the value is shown: {found}");
        assert_eq!(event.raw(), *body);
    }
}

#[test]
fn a_signed_body_that_is_not_an_object_is_an_error() {
    for body in
        ["", " ", "null", "[]", r#"["a"]"#, "7", r#""text""#, "{", r#"{"event":"x"} {}"#, "{'event':1}", "\u{feff}{}"]
    {
        let error = received(body).expect_err(body);
        assert_eq!((error.code(), error.status()), ("not_an_event", 400), "{body}");
        // Nothing is lost.
        assert_eq!(delivered(body).body(), body.as_bytes());
        assert_eq!(delivered(body).into_body(), body.as_bytes());
    }
    let twice = received(r#"{"event":"payment.failed","event":"payment.succeeded"}"#).unwrap_err();
    assert!(twice.to_string().contains("duplicate field `event`"), "{twice}");
    let error = delivered(b"{\"event\":\"\xff\"}").event().unwrap_err();
    assert!(error.to_string().contains("UTF-8"), "{error}");
    let shown = received(r#"{"data":{"card 4242-SECRET":{"x": tru}}}"#).unwrap_err().to_string();
    assert!(!shown.contains("4242"), "shows a part of the body: {shown}");
    let deep = "{\"a\":".repeat(100_000);
    assert_eq!(received(&deep).unwrap_err().code(), "not_an_event");
    // Valid JSON that serde_json does not read.
    let levels = |depth: usize| format!("{{\"data\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    for body in [r#"{"event":"x","data":{"note":"\ud800"}}"#.to_owned(), levels(128), levels(100_000)] {
        assert_eq!(received(&body).unwrap_err().code(), "not_an_event");
        assert_eq!(delivered(&body).body(), body.as_bytes());
        assert_eq!(key(&body), key(&body));
    }
}

#[test]
fn the_unsigned_event_header_is_shown_and_never_trusted() {
    let body = r#"{"event":"payment.failed","data":{}}"#;
    let signer = Signer::new("secret").unwrap();
    let webhook = Webhook::new("secret").unwrap();
    let receive = |signer: Signer, body: &str| webhook.verify(body, &signer.sign(body)).unwrap();

    let delivery = receive(signer.clone().announcing("payment.succeeded"), body);
    assert_eq!(delivery.event().unwrap().event_type(), Some(&EventType::PaymentFailed));
    assert_eq!(delivery.event_header(), Some("payment.succeeded"));
    assert_eq!(receive(signer.clone(), body).event_header(), None);
    // A name that only the header has is not a name.
    let delivery = receive(signer.announcing("payment.succeeded"), r#"{"data":{}}"#);
    assert_eq!(delivery.event().unwrap().event_type(), None);
}

#[test]
fn unknown_fields_and_the_text_are_kept() {
    let body = r#"{"event":"payment.succeeded","api_version":"2","data":{"payment_id":"p","fee":{"amount":12345678901234567890.10}}}"#;
    let event = received(body).unwrap();
    assert_eq!(event.extra()["api_version"], "2");
    let Payload::Payment(payment) = event.payload().unwrap() else { panic!() };
    assert!(payment.extra.contains_key("fee"));
    assert!(event.raw().contains("12345678901234567890.10"), "digits are lost");
    let kept = Event::from_json(event.raw()).unwrap();
    assert_eq!((kept.raw(), kept.payload()), (event.raw(), event.payload()));
    // Debug is for logs: names and ids, no values.
    let shown = format!("{event:?} {:?}", event.payload());
    assert!(shown.contains("PaymentSucceeded") && !shown.contains("1234567890"), "{shown}");
}

#[test]
fn one_event_has_one_key_however_it_is_delivered() {
    let base = json!({
        "event": "payment.succeeded", "timestamp": "2026-04-14T10:30:00", "webhook_id": "a",
        "data": { "payment_id": "p", "merchant_id": "m", "nested": { "b": 1, "a": 2 } },
    });
    // Pinned: what one version remembers, the next one must know.
    assert_eq!(key(&base.to_string()).to_string(), "e7588007fb73c28f7aa1cec4597160a27a916b910f785521e4e33135ae261865");
    assert_eq!(key(&base.to_string()).as_bytes().len(), 32);
    let text = r#" {"data":{"nested":{"a":2,"b":1},"merchant_id":"m","payment_id":"p"},
        "webhook_id":"a","timestamp":"2026-04-14T10:30:00","event":"payment.succeeded"}"#;
    assert_eq!(key(&base.to_string()), key(text));
    // Signed again, with another secret and at another time.
    let again = Signer::new("other").unwrap().at(std::time::UNIX_EPOCH).sign(text);
    let webhook = Webhook::new("other").unwrap().tolerance(std::time::Duration::MAX);
    assert_eq!(webhook.verify(text, &again).unwrap().deduplication_key(), key(text));
    for (pointer, value) in [
        ("/event", json!("payment.failed")),
        ("/timestamp", json!("2026-04-14T10:30:01")),
        ("/timestamp", json!(null)),
        // Two endpoints, in two services, handle it once each.
        ("/webhook_id", json!("another endpoint")),
        ("/data", json!([1])),
        ("/data/payment_id", json!("q")),
        ("/data/nested/a", json!(3)),
    ] {
        let mut body = base.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        assert_ne!(key(&base.to_string()), key(&body.to_string()), "{pointer}");
    }
}

#[test]
fn ids_keep_all_their_digits() {
    for (one, other) in [
        ("18446744073709551616", "18446744073709551617"),
        ("123456789012345678901234567890", "123456789012345678901234567891"),
        ("0.1000000000000000055", "0.1000000000000000056"),
        ("1e400", "1e401"),
    ] {
        let body = |id: &str| format!(r#"{{"event":"payment.succeeded","data":{{"payment_id":{id}}}}}"#);
        assert_ne!(key(&body(one)), key(&body(other)), "{one}");
    }
}

#[test]
fn the_caller_may_choose_the_deduplication_key() {
    let webhook = Webhook::new("secret").unwrap().key_from(|event| {
        Some(DeduplicationKey::of([event.event_type()?.as_str(), event.data().get("payment_id")?.as_str()?]))
    });
    let key =
        |body: &str| webhook.verify(body, &Signer::new("secret").unwrap().sign(body)).unwrap().deduplication_key();
    let sent = |at: u32| format!(r#"{{"event":"payment.failed","timestamp":"{at}","data":{{"payment_id":"p"}}}}"#);
    assert_eq!(key(&sent(1)), key(&sent(2)));
    assert_eq!(key(&sent(1)), DeduplicationKey::of(["payment.failed", "p"]));
    // Without one, and for what is not an event, the whole body counts.
    for body in [r#"{"event":"payment.failed","data":{}}"#, "[]", "not JSON"] {
        assert_eq!(key(body), delivered(body).deduplication_key());
    }
}

#[test]
fn a_delivery_is_parsed_only_when_it_is_genuine() {
    // Not JSON, and not genuine: the signature is what is spoken of.
    let error = Webhook::new("secret").unwrap().verify("{", &Signer::new("other").unwrap().sign("{"));
    assert_eq!(error.unwrap_err().code(), "signature_mismatch");
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(field(), inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Names that mean something, and others.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "event",
            "data",
            "merchant_id",
            "webhook_id",
            "timestamp",
            "test",
            "amount",
            "status"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,10}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn unknown_events_are_kept(name in "[a-z_]{1,12}(\\.[a-z_]{1,12}){0,2}", body in prop::collection::hash_map(field(), json_value(), 0..8)) {
        let mut body: serde_json::Map<String, Value> = body.into_iter().collect();
        body.insert("event".into(), name.clone().into());
        let text = Value::Object(body.clone()).to_string();
        let event = received(&text).unwrap();
        prop_assert_eq!(event.event_type().unwrap().as_str(), &name);
        prop_assert_eq!(event.raw(), &text);
        let data = body.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
        prop_assert_eq!(&**event.data(), &data);
        let _ = (event.payload(), event.timestamp(), format!("{event:?}"));
    }

    #[test]
    fn any_bytes_give_an_event_or_an_error(bytes: Vec<u8>, json in json_value()) {
        let _ = Event::from_json(&bytes);
        if let Ok(event) = Event::from_json(json.to_string()) {
            let _ = (event.payload(), event.timestamp(), event.merchant_id(), event.is_test());
        }
    }
}

#[test]
fn samples_have_the_given_fields() {
    let unknown = sample(&EventType::from("carrier_pigeon.landed"), Envelope::Merchant, time());
    assert_eq!(Event::from_json(&unknown).unwrap().event_type().unwrap().as_str(), "carrier_pigeon.landed");
    let text = |envelope| {
        let body = sample(&EventType::PaymentFailed, envelope, "2027-01-02T03:04:05.678Z".parse().unwrap());
        Event::from_json(body).unwrap().timestamp_text().unwrap().to_owned()
    };
    assert_eq!(text(Envelope::Merchant), "2027-01-02T03:04:05.678000");
    assert_eq!(text(Envelope::MerchantAtTop), "2027-01-02T03:04:05.678000+00:00");
    for envelope in Envelope::ALL {
        let body = sample(&EventType::PaymentFailed, *envelope, time()).with("payment_id", "pay-7").with("amount", 7);
        let Payload::Payment(payment) = Event::from_json(&body).unwrap().payload().unwrap() else { panic!("{body}") };
        assert_eq!((payment.payment_id.as_deref(), payment.amount), (Some("pay-7"), Some(7.into())), "{body}");
        assert!(Event::from_json(body.as_test()).unwrap().is_test(), "{envelope:?}");
    }
}
