//! 2xx responses whose body is an error of the API, for every operation; and documented successes, which are none.

use piaxis::{Client, Error, ErrorKind, Outcome, RetryPolicy};
use serde_json::{Map, Value, json};

use crate::support::{
    contract::contract,
    operations::{Own, Row, row, rows},
    payloads::documented,
    server::{Response, Server},
};

/// Outcome of a 2xx response that is no success.
fn outcome(row: &Row) -> Outcome {
    if row.operation().idempotent { Outcome::ReadFailed } else { Outcome::Unknown }
}

/// The documented successes.
fn successes(row: &Row) -> Vec<Map<String, Value>> {
    let entries = documented().into_iter().filter(|entry| entry.type_name == row.schema);
    let found: Vec<_> = entries.map(|entry| entry.json.as_object().unwrap().clone()).collect();
    assert!(!found.is_empty(), "{}", row.schema);
    found
}

struct Api {
    server: Server,
    client: Client,
    contract: Value,
}

impl Api {
    async fn start() -> Self {
        let server = Server::silent().await;
        // Retries are on, so that a retry of an error in a 2xx response would be seen.
        let builder = server.builder().api_key("key-1").client_id("client-1").client_secret("secret-1");
        let policy = RetryPolicy::default().retry_writes_with_idempotency_key();
        let client = builder.retry_policy(policy).build().unwrap();
        Self { server, client, contract: contract() }
    }

    async fn respond(&self, row: &Row, status: u16, body: &Value) -> Result<Value, Error> {
        self.server.set(Response::json(status, body));
        let result = (row.send)(&self.client, "id-1", Own::default()).await.map(|seen| seen.value);
        assert_eq!(self.server.take().len(), 1, "{}: {body}", row.operation);
        result
    }

    /// The fields of the response, and those that it requires.
    fn fields(&self, row: &Row) -> (Vec<String>, Vec<String>) {
        let schema = &self.contract["components"]["schemas"][row.schema];
        let properties = schema["properties"].as_object().unwrap().keys().cloned().collect();
        let required = schema["required"].as_array().into_iter().flatten();
        (properties, required.map(|name| name.as_str().unwrap().to_owned()).collect())
    }
}

/// Each documented error shape, with the code and the message in it.
fn shapes() -> Vec<(Value, Option<&'static str>, Option<&'static str>)> {
    let invalid = json!({ "loc": ["body", "amount"], "msg": "too small", "type": "greater_than" });
    let field = json!({ "field": "amount", "message": "too small", "code": "TOO_SMALL" });
    vec![
        (json!({ "detail": "no" }), None, Some("no")),
        (json!({ "detail": { "code": "X", "message": "no" } }), Some("X"), Some("no")),
        (json!({ "code": "X", "message": "no" }), Some("X"), Some("no")),
        (json!({ "detail": [invalid] }), None, Some("amount: too small")),
        (json!({ "detail": "no", "error_code": "X", "errors": [field] }), Some("X"), Some("no")),
        (json!({ "error": "invalid_grant" }), Some("invalid_grant"), None),
        (json!({ "error": "invalid_grant", "error_description": "no" }), Some("invalid_grant"), Some("no")),
    ]
}

fn with(body: &Value, fields: impl IntoIterator<Item = (String, Value)>) -> Value {
    let mut body = body.as_object().unwrap().clone();
    for (name, value) in fields {
        body.entry(name).or_insert(value);
    }
    body.into()
}

#[tokio::test]
async fn an_error_body_is_never_a_success() {
    let api = Api::start().await;
    for row in rows() {
        let (fields, _) = api.fields(&row);
        let nulls = || fields.iter().map(|name| (name.clone(), Value::Null));
        for (shape, code, message) in shapes() {
            let bodies = [
                shape.clone(),
                with(&shape, nulls()),
                with(&shape, [("request_id".to_owned(), json!("req-1")), ("success".to_owned(), json!(false))]),
            ];
            for (status, body) in [200, 201, 202].into_iter().zip(bodies) {
                let name = format!("{}: {body}", row.operation);
                let error = api.respond(&row, status, &body).await.expect_err(&name);
                assert_eq!(error.kind(), ErrorKind::ErrorInSuccess, "{name}: {error}");
                assert_eq!(error.outcome(), outcome(&row), "{name}: {error}");
                assert_eq!((error.code(), error.message()), (code, message), "{name}: {error}");
                assert_eq!(error.status().unwrap().as_u16(), status, "{name}: {error}");
                assert_eq!(error.operation(), Some(row.operation), "{name}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn the_invalid_fields_are_read() {
    let api = Api::start().await;
    for row in rows() {
        for (shape, ..) in shapes() {
            let error = api.respond(&row, 200, &shape).await.unwrap_err();
            let fields: Vec<_> = error.field_errors().iter().map(|field| (field.path(), field.message())).collect();
            let has_fields = shape["detail"].is_array() || shape["errors"].is_array();
            let expected = if has_fields { vec![("amount", "too small")] } else { Vec::new() };
            assert_eq!(fields, expected, "{}: {shape}", row.operation);
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_an_object_is_an_error() {
    let api = Api::start().await;
    for row in rows() {
        for body in [json!(null), json!("no"), json!([]), json!([{ "detail": "no" }]), json!(false), json!(0)] {
            let error = api.respond(&row, 200, &body).await.expect_err(row.operation);
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Decode, outcome(&row)),
                "{}: {body}",
                row.operation
            );
        }
    }
}

#[tokio::test]
async fn a_documented_success_with_other_fields_is_a_success() {
    let api = Api::start().await;
    let extras = [
        json!({}),
        json!({ "code": 0 }),
        json!({ "error": null }),
        json!({ "message": "done" }),
        json!({ "code": 0, "message": "done", "error": null, "errors": [] }),
        json!({ "detail": "done" }),
        json!({ "detail": null, "error_description": "", "error_code": null }),
    ];
    for row in rows() {
        for success in successes(&row) {
            for extra in &extras {
                let body = with(&success.clone().into(), extra.as_object().unwrap().clone());
                let name = format!("{}: {body}", row.operation);
                let value = api.respond(&row, 200, &body).await.unwrap_or_else(|error| panic!("{name}: {error}"));
                let is_kept = |(field, expected): (&String, &Value)| {
                    // Amounts and times are written in one form.
                    let is_same_kind = |got: &Value| got == expected || got.is_string() && expected.is_string();
                    expected.is_null()
                        || value.get(field).is_some_and(is_same_kind)
                        || expected.is_number()
                        || expected.is_object()
                        || expected.is_array()
                };
                assert!(body.as_object().unwrap().iter().all(is_kept), "{name}: {value}");
            }
        }
    }
}

#[tokio::test]
async fn a_success_without_its_optional_fields_is_a_success() {
    let api = Api::start().await;
    for row in rows() {
        let (fields, required) = api.fields(&row);
        for success in successes(&row) {
            let least: Map<_, _> = success.into_iter().filter(|(name, _)| required.contains(name)).collect();
            let optional = fields.iter().filter(|name| !required.contains(name));
            let nulls = optional.map(|name| (name.clone(), Value::Null));
            let least = Value::from(least);
            let errors_beside = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
            let bodies: [Vec<(String, Value)>; 4] = [
                Vec::new(),
                nulls.collect(),
                errors_beside(&["detail", "error", "errors", "code", "message"]),
                vec![("code".to_owned(), json!(0)), ("request_id".to_owned(), json!("req-1"))],
            ];
            for body in bodies.map(|beside| with(&least, beside)) {
                let result = api.respond(&row, 200, &body).await;
                assert!(result.is_ok(), "{}: {body}: {result:?}", row.operation);
            }
        }
    }
}

#[tokio::test]
async fn a_message_alone_is_a_success_of_the_operation_that_has_one() {
    let api = Api::start().await;
    let body = json!({ "message": "All terms met and funds released" });
    for row in rows() {
        let (fields, required) = api.fields(&row);
        let has_message = fields.iter().any(|name| name == "message");
        let result = api.respond(&row, 200, &body).await;
        let name = format!("{}: {result:?}", row.operation);
        match result {
            Ok(value) => {
                assert_eq!((row.operation, has_message), ("escrows_fulfill_term", true), "{name}");
                assert_eq!(value, body, "{name}");
            }
            Err(error) => {
                assert!(!(has_message && required.is_empty()), "{name}");
                let kind = if has_message { ErrorKind::Decode } else { ErrorKind::ErrorInSuccess };
                assert_eq!((error.kind(), error.outcome()), (kind, outcome(&row)), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_beside_a_message_of_the_operation_is_an_error() {
    let api = Api::start().await;
    let row = row("escrows_fulfill_term");
    for body in [
        json!({ "message": "no", "code": "X" }),
        json!({ "message": "no", "detail": "no" }),
        json!({ "message": "no", "error": "invalid_token" }),
        json!({ "message": "no", "code": "X", "status": null }),
    ] {
        let error = api.respond(&row, 200, &body).await.expect_err("an error");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::ErrorInSuccess, Outcome::Unknown), "{body}: {error}");
        assert_eq!(error.message(), Some("no"), "{body}");
    }
}
