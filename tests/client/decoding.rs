//! A 2xx response whose optional fields fail to decode is returned without them; the id of a payment is never lost to them.

use piaxis::{Error, ErrorKind, Outcome};
use serde_json::{Value, json};

use crate::support::{
    contract::contract,
    log::{Log, subscribe},
    one_body::Server,
    operations::{
        Own, Row, Seen,
        nodes::{Node, is_required_field, nodes_of, replaced, resolved, without},
        payment, row, rows,
    },
    payloads::{documented, recorded_response},
};

// ---------------------------------------------------------------- what a node is replaced by

/// What a node is replaced by, as JSON text.
fn replacements() -> Vec<String> {
    let short = [
        "null",
        "true",
        "false",
        "0",
        "-1.5",
        r#""""#,
        r#""x""#,
        "[]",
        "{}",
        "[1]",
        r#"["x"]"#,
        "[{}]",
        r#"{"a":1}"#,
        "12345678901234567890",
        "123456789012345678901234567890",
        "1e999",
        r#""\ud800""#,
        r#"{"a":1e999}"#,
    ];
    let deep = ["[".repeat(500) + &"]".repeat(500), r#"{"a":"#.repeat(500) + "1" + &"}".repeat(500)];
    short.into_iter().map(str::to_owned).chain(deep).collect()
}

/// Whether `serde_json` reads the text: no number that no type can hold, no nesting without end, no half surrogate pair.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

/// Whether JSON text is a value of the schema. Null is none: only an optional field may be null.
fn fits(contract: &Value, schema: &Value, text: &str) -> bool {
    let (schema, name) = resolved(contract, schema);
    let Ok(value) = serde_json::from_str::<Value>(text) else { return false };
    match name {
        "AnyValue" => return true,
        "JsonObject" => return value.is_object(),
        // A one-time password may come as a number.
        "Secret" => return value.is_string() || value.is_u64(),
        // Of the replacements, exactly the whole numbers of 64 bits and the short fraction are amounts.
        "Amount" => return value.is_i64() || value.is_u64() || text == "-1.5",
        _ => {}
    }
    match schema["type"].as_str().expect("a type") {
        "string" => value.is_string() && schema["format"] != "date-time",
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "array" => value
            .as_array()
            .is_some_and(|items| items.iter().all(|item| fits(contract, &schema["items"], &item.to_string()))),
        "object" => value.as_object().is_some_and(|fields| {
            schema["required"].as_array().into_iter().flatten().all(|name| fields.contains_key(name.as_str().unwrap()))
        }),
        other => panic!("{other} is in no response"),
    }
}

// ---------------------------------------------------------------- the property

#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Counts {
    nodes: usize,
    fitting: usize,
    dropped: usize,
    errors: usize,
}

#[tokio::test]
async fn each_node_of_each_response_replaced_by_each_type_of_json() {
    let (contract, server) = (contract(), Server::start().await);
    let mut counts = Counts::default();
    for row in rows() {
        for entry in documented().into_iter().filter(|entry| entry.type_name == row.schema) {
            let original = (row.strict)(&entry.json.to_string()).unwrap();
            for node in nodes_of(&contract, row.schema, &entry.json) {
                counts.nodes += 1;
                if let Some((_, name)) = node.pointer.rsplit_once('/').filter(|_| is_required_field(&node)) {
                    server.set(without(&entry.json, &node.pointer));
                    let error = (row.send)(&server.client, "id-1", Own::default()).await.unwrap_err();
                    assert!(error.to_string().contains(&format!("missing field `{name}`")), "{error}");
                    counts.errors += 1;
                }
                for text in replacements() {
                    let about = format!("{} of {}, `{}` is {text:.40}", row.operation, entry.source, node.path);
                    server.set(replaced(&entry.json, &node.pointer, &text));
                    let result = (row.send)(&server.client, "id-1", Own::default()).await;
                    check(&contract, &row, &entry.json, &original, &node, &text, result, &about, &mut counts);
                }
            }
        }
    }
    println!("{counts:?}");
    let cases = counts.fitting + counts.dropped + counts.errors;
    assert!(cases > 12_000 && counts.dropped > 9_000 && counts.errors > 900 && counts.fitting > 1_700, "{counts:?}");
}

#[allow(clippy::too_many_arguments)]
fn check(
    contract: &Value,
    row: &Row,
    json: &Value,
    original: &Value,
    node: &Node,
    text: &str,
    result: Result<Seen, Error>,
    about: &str,
    counts: &mut Counts,
) {
    let is_object = resolved(contract, &node.schema).0.get("properties").is_some();
    if is_object && text.starts_with("{\"a\":") && !is_json(text) && fits(contract, &node.schema, "{}") {
        // The object decodes, without the field that the contract does not know.
        counts.dropped += 1;
        let seen = result.unwrap_or_else(|error| panic!("{about}: {error}"));
        assert_eq!(seen.value, (row.strict)(&replaced(json, &node.pointer, "{}")).expect(about), "{about}");
        assert_eq!(seen.undecoded, [(format!("{}.a", node.path), text[5..text.len() - 1].to_owned())], "{about}");
        return;
    }
    let is_decodable = if text == "null" && node.is_optional { true } else { fits(contract, &node.schema, text) };
    match (is_decodable, &node.droppable) {
        (true, _) => {
            counts.fitting += 1;
            let seen = result.unwrap_or_else(|error| panic!("{about}: {error}"));
            assert_eq!(seen.undecoded, [], "{about}");
            let decoded = (row.strict)(&replaced(json, &node.pointer, text)).expect(about);
            assert_eq!(seen.value, decoded, "{about}");
        }
        (false, Some((pointer, path))) => {
            counts.dropped += 1;
            let seen = result.unwrap_or_else(|error| panic!("{about}: {error}"));
            assert_eq!(seen.value, (row.strict)(&without(json, pointer)).expect(about), "{about}");
            // Required fields arrive unchanged.
            for name in contract["components"]["schemas"][row.schema]["required"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap();
                if !pointer.starts_with(&format!("/{name}/")) {
                    assert_eq!(seen.value[name], original[name], "{about}");
                }
            }
            let [(named, sent)] = seen.undecoded.as_slice() else { panic!("{about}: {:?}", seen.undecoded) };
            assert_eq!(named, path, "{about}");
            let body = replaced(json, &node.pointer, text);
            assert!(body.contains(sent.as_str()) && sent.contains(text), "{about}: {sent}");
            // A value that was stored can be loaded again.
            assert_eq!((row.strict)(&seen.value.to_string()).expect(about), seen.value, "{about}");
        }
        (false, None) => {
            counts.errors += 1;
            let error = result.map(|seen| panic!("{about}: {seen:?}")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{about}: {error}");
            let is_read = row.operation().idempotent;
            assert_eq!(error.outcome(), if is_read { Outcome::ReadFailed } else { Outcome::Unknown }, "{about}");
            assert!(error.to_string().contains(&format!("`{}", node.path)), "{about}: {error}");
        }
    }
}

#[tokio::test]
async fn all_optional_fields_of_a_response_may_be_invalid_at_once() {
    let (contract, server) = (contract(), Server::start().await);
    let mut dropped = 0;
    for row in rows() {
        for entry in documented().into_iter().filter(|entry| entry.type_name == row.schema) {
            for text in ["1e999", "[[1]]", r#"{"a":1e999}"#] {
                let mut wrong = entry.json.clone();
                let nodes = nodes_of(&contract, row.schema, &entry.json);
                let leaves: Vec<&Node> = nodes.iter().filter(|node| is_outermost(node, &nodes)).collect();
                for node in &leaves {
                    let (parent, name) = node.pointer.rsplit_once('/').unwrap();
                    let parent = wrong.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                    parent.insert(name.to_owned(), "the node".into());
                }
                server.set(wrong.to_string().replace(r#""the node""#, text));
                let about = format!("{} of {}, {text}", row.operation, entry.source);
                let seen = (row.send)(&server.client, "id-1", Own::default())
                    .await
                    .unwrap_or_else(|error| panic!("{about}: {error}"));
                let mut named: Vec<String> = seen.undecoded.into_iter().map(|(path, _)| path).collect();
                let decodes = |node: &Node| fits(&contract, &node.schema, text);
                let mut expected: Vec<String> = leaves
                    .iter()
                    .filter(|node| !decodes(node))
                    .map(|node| match resolved(&contract, &node.schema).0 {
                        // An object of an unknown field that fails loses the field only.
                        schema if text.starts_with('{') && schema.get("properties").is_some() => {
                            format!("{}.a", node.path)
                        }
                        _ => node.path.clone(),
                    })
                    .collect();
                named.sort();
                expected.sort();
                assert_eq!(named, expected, "{about}");
                dropped += named.len();
            }
        }
    }
    assert!(dropped > 700, "{dropped}");
}

/// Whether a node is an optional field that is in no other optional field.
fn is_outermost(node: &Node, all: &[Node]) -> bool {
    let encloses = |other: &Node| other.is_optional && node.pointer.starts_with(&format!("{}/", other.pointer));
    node.is_optional && !all.iter().any(encloses)
}

// ---------------------------------------------------------------- the cases that lost payments

async fn sees(name: &str, response: impl AsRef<[u8]>) -> Result<Seen, Error> {
    let server = Server::start().await;
    server.set(response);
    (row(name).send)(&server.client, "id-1", Own::default()).await
}

#[tokio::test]
async fn details_of_an_action_do_not_lose_the_id_of_an_escrow() {
    for (field, value) in [
        ("deadline", json!("2026-12-31")),
        ("deadline", json!("")),
        ("status", json!({ "agreed": false })),
        ("max_distance_km", json!("0.5 km")),
        ("agreement_options", json!("release, reverse")),
    ] {
        let mut escrow = recorded_response("escrow_create");
        escrow["required_actions"][0][field] = value.clone();
        let seen = sees("escrows_create", escrow.to_string()).await.unwrap();
        assert_eq!(seen.value["id"], escrow["id"]);
        // No source shows a type, so the value is unchanged.
        assert_eq!(seen.value["required_actions"][0][field], value, "{field}");
        assert_eq!(seen.undecoded, []);
    }
    let mut escrow = recorded_response("escrow_create");
    escrow["required_actions"][0]["deadline"] = json!(1_790_000_000);
    let seen = sees("escrows_create", escrow.to_string()).await.unwrap();
    assert_eq!(seen.undecoded, [("required_actions[0].deadline".to_owned(), "1790000000".to_owned())]);
    assert_eq!(seen.value["required_actions"][0]["action_type"], "manual_release");
}

#[tokio::test]
async fn free_form_objects_are_decoded_unchanged() {
    let mut released = recorded_response("escrow_disbursement_release");
    released["skipped"] = json!(["item-2"]);
    released["failed"] = json!(["item-3", { "item_id": "item-4" }]);
    let seen = sees("escrow_disbursements_release", released.to_string()).await.unwrap();
    assert_eq!((&seen.value["skipped"], &seen.value["failed"]), (&released["skipped"], &released["failed"]));
    assert_eq!(seen.undecoded, []);

    let mut payment = recorded_response("payment_details");
    payment["receipt"] = "receipt 7".into();
    payment["product_details"] = json!([{ "id": "product-789" }]);
    let seen = sees("payments_get", payment.to_string()).await.unwrap();
    assert_eq!(seen.value["receipt"], "receipt 7");
    assert_eq!(seen.undecoded, [("product_details".to_owned(), r#"[{"id":"product-789"}]"#.to_owned())]);
}

#[tokio::test]
async fn a_list_with_an_invalid_item_is_not_shortened() {
    let mut escrow = recorded_response("escrow_create");
    escrow["terms"] = json!([{ "term_id": "t-1" }, "t-2"]);
    let seen = sees("escrows_get", escrow.to_string()).await.unwrap();
    assert_eq!(seen.value.get("terms"), None);
    assert_eq!(seen.undecoded, [("terms".to_owned(), r#"[{"term_id":"t-1"},"t-2"]"#.to_owned())]);

    // Only the list is named, not what was wrong in the items before.
    escrow["terms"] = json!([{ "term_id": 1 }, "t-2"]);
    let seen = sees("escrows_get", escrow.to_string()).await.unwrap();
    assert_eq!(seen.undecoded, [("terms".to_owned(), r#"[{"term_id":1},"t-2"]"#.to_owned())]);

    // `results` is required: without one of its items, a search for a payment would not find it.
    let mut list = recorded_response("payment_list");
    list["results"].as_array_mut().unwrap().push(json!({ "status": "pending", "amount": [] }));
    let error = sees("payments_list", list.to_string()).await.unwrap_err();
    assert!(error.to_string().contains("`results[1]`: missing field `payment_id`"), "{error}");
}

#[tokio::test]
async fn an_error_names_the_required_field_and_not_an_optional_one_before_it() {
    let error = sees("payments_create", r#"{"amount":[],"payment_id":7}"#).await.unwrap_err();
    assert!(error.to_string().contains("`payment_id`: expected a string"), "{error}");
    let error = sees("payments_create", r#"{"amount":[],"status":"pending"}"#).await.unwrap_err();
    assert!(error.to_string().contains("missing field `payment_id`"), "{error}");
    assert!(!error.to_string().contains("amount"), "{error}");
}

/// The place is the one that `serde_json` has for a struct with the same required fields.
#[tokio::test]
async fn an_error_has_the_line_and_column_of_what_failed() {
    #[derive(Debug, serde::Deserialize)]
    struct List {
        #[serde(rename = "results")]
        _results: Vec<Item>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Item {
        #[serde(rename = "payment_id")]
        _payment_id: String,
    }
    let bodies = [
        r#"{"results":[{"payment_id":7}]}"#,
        "{\n  \"results\": [\n    {\"payment_id\": \"pay-1\"},\n    {\"status\": \"pending\", \"payment_id\": 7}\n  ]\n}",
        "{\n  \"results\": [\n    {\n      \"payment_id\":\n        7\n    }\n  ]\n}",
        "{\"amount\":[],\n\"results\":[{\"currency\":\"UGX\"}]}",
        "{\"total\":1,\n\"pages\":1}\n",
        "{\n\"results\": 7}",
        "{\n\"results\": [{\"payment_id\":",
        "{\n\"results\": [x]}",
        "{\"results\":[]}\n{}",
    ];
    for body in bodies {
        let expected = serde_json::from_str::<List>(body).unwrap_err();
        let place = format!("(line {}, column {})", expected.line(), expected.column());
        let error = sees("payments_list", body).await.unwrap_err();
        assert!(error.to_string().contains(&place), "{body}: {error}; {place}: {expected}");
    }
}

#[tokio::test]
async fn an_error_body_does_not_become_a_success() {
    let bodies = [
        r#"{"detail":"no","expires_in":"soon"}"#,
        r#"{"detail":"no","expires_in":"soon","otp":[]}"#,
        r#"{"code":"NO","message":"no","otp":[]}"#,
        r#"{"detail":"no","more":1e999}"#,
        r#"{"detail":"no","more":"\ud800"}"#,
        r#"{"error":"invalid_grant","otp":-1}"#,
    ];
    let latin: &[u8] = b"{\"detail\":\"refus\xe9\"}";
    // All fields of this response are optional.
    for body in bodies.map(str::as_bytes).into_iter().chain([latin]) {
        let error = sees("otp_request", body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ErrorInSuccess, "{}: {error}", String::from_utf8_lossy(body));
    }
    let error = sees("payments_create", r#"{"detail":"no","more":1e999}"#).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ErrorInSuccess, "{error}");
    for body in ["[]", r#""sent""#, "", "{", "null", r#"{"otp":1} {}"#, "<html>"] {
        assert_eq!(sees("otp_request", body).await.unwrap_err().kind(), ErrorKind::Decode, "{body}");
    }
}

#[tokio::test]
async fn a_duplicate_field_fails_to_decode() {
    let seen = sees("payments_create", r#"{"payment_id":"p","status":"pending","status":"failed"}"#).await.unwrap();
    assert_eq!(seen.undecoded, [("status".to_owned(), r#""failed""#.to_owned())]);
    let seen = sees("payments_create", r#"{"payment_id":"p","payment_id":"p"}"#).await.unwrap();
    assert_eq!(seen, Seen { value: json!({ "payment_id": "p" }), undecoded: vec![] });
    let error = sees("payments_create", r#"{"payment_id":"p","payment_id":"q"}"#).await.unwrap_err();
    assert!(error.to_string().contains("duplicate field `payment_id`"), "{error}");
}

#[tokio::test]
async fn invalid_utf_8_fails_the_text_that_contains_it() {
    let seen =
        sees("escrows_dispute", b"{\"dispute_id\":\"d\",\"message\":\"re\xe7u\",\"more\":\"\xff\"}").await.unwrap();
    assert_eq!(seen.value, json!({ "dispute_id": "d" }));
    assert_eq!(seen.undecoded.len(), 2);
    let error = sees("escrows_dispute", b"{\"dispute_id\":\"d\xe9\"}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    // Half of a surrogate pair, in the name of a field that the contract does not know.
    let seen = sees("escrows_dispute", r#"{"dispute_id":"d","\ud800":1}"#).await.unwrap();
    assert_eq!((&seen.value["dispute_id"], seen.undecoded.len()), (&json!("d"), 0));
    // U+FFFD in a good body is a character like any other.
    let seen = sees("escrows_dispute", "{\"dispute_id\":\"\u{fffd}\",\"message\":1}").await.unwrap();
    assert_eq!(seen.value, json!({ "dispute_id": "\u{fffd}" }));
}

#[tokio::test]
async fn amounts_keep_their_digits_beside_an_undecoded_field() {
    let body = r#"{"id":"p","status":"pending","amount":9007199254740993,"currency":"UGX","created_at":0}"#;
    let seen = sees("payments_get", body).await.unwrap();
    assert_eq!(seen.value["amount"], "9007199254740993");
    let body = body.replace("9007199254740993", r#""12,345,678,901,234,567.89""#);
    assert_eq!(sees("payments_get", body).await.unwrap().value["amount"], "12345678901234567.89");
}

#[tokio::test]
async fn undecoded_fields_are_named_in_one_warning() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = subscribe(subscriber);
    let server = Server::start().await;
    server.set(
        r#"{"payment_id":"pay-1","amount":"secret-1","payment_url":{"a":"secret-2"},"+256700000000":"\ud800 secret-3"}"#,
    );
    assert_eq!(server.client.payments().create(payment()).await.unwrap().payment_id, "pay-1");
    let response = server.client.payments().create(payment()).send_with_response().await.unwrap();
    assert_eq!(response.undecoded().iter().map(|field| field.path()).collect::<Vec<_>>().len(), 3);
    let shown = format!("{response:?}");
    let text = log.text();
    let warnings: Vec<&str> = text.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 2, "{text}");
    for text in [warnings[0], warnings[1], &shown] {
        assert!(text.contains("amount") && text.contains("payment_url") && text.contains('*'), "{text}");
        assert!(!text.contains("secret-") && !text.contains("256700"), "{text}");
    }
    assert!(warnings[0].contains("payments_create"), "{text}");

    // A body that decodes warns of nothing.
    server.set(r#"{"payment_id":"pay-1"}"#);
    let response = server.client.payments().create(payment()).send_with_response().await.unwrap();
    assert!(response.undecoded().is_empty());
    assert_eq!(log.text().matches("WARN").count(), 2);
}

#[tokio::test]
async fn a_hostile_body_takes_time_in_proportion_to_its_size() {
    // A megabyte of fields that fail, and of fields that are not known.
    let items: Vec<String> = (0..40_000).map(|at| format!(r#"{{"type":0,"k{at}":1e999}}"#)).collect();
    let body = format!(r#"{{"id":"e-1","terms":[{}]}}"#, items.join(","));
    let server = Server::start().await;
    server.set(&body);
    let started = std::time::Instant::now();
    let response = server.client.escrows().get("e-1").send_with_response().await.unwrap();
    assert_eq!(response.undecoded().len(), 80_000);
    assert_eq!(response.terms.as_ref().unwrap().len(), 40_000);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
