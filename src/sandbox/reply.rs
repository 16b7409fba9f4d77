//! Answers in the shapes of the API.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Amount, operation::Operation};

/// A status and a JSON body.
pub(super) struct Reply {
    status: StatusCode,
    body: Value,
}

impl Reply {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body }
    }

    /// FastAPI's plain refusal.
    pub(super) fn refused(status: StatusCode, words: &str) -> Self {
        Self { status, body: json!({ "detail": words }) }
    }

    /// A refusal with a code.
    pub(super) fn coded(status: StatusCode, code: &str, words: &str) -> Self {
        Self { status, body: json!({ "detail": { "code": code, "message": words } }) }
    }

    /// FastAPI's refusal of one field, such as `["body", "amount"]`.
    pub(super) fn invalid(place: &[&str], words: &str, kind: &str) -> Self {
        let body = json!({ "detail": [{ "loc": place, "msg": words, "type": kind }] });
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, body }
    }

    pub(super) fn not_in_sandbox(operation: &Operation) -> Self {
        let words = format!("{} {} is not in the embedded sandbox yet", operation.method, operation.path);
        Self::coded(StatusCode::NOT_IMPLEMENTED, "NOT_IN_SANDBOX", &words)
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// A JSON body as a type of the contract, or FastAPI's refusal of the field that does not fit.
pub(super) fn body<T: DeserializeOwned>(text: &[u8]) -> Result<T, Reply> {
    let mut json = serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(&mut json)
        .map_err(|error| misfit("body", &error.path().to_string(), error.inner()))
}

/// A query as a type of the contract, or FastAPI's refusal of the parameter that does not fit.
pub(super) fn query<T: DeserializeOwned>(text: &str) -> Result<T, Reply> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| misfit("query", &error.path().to_string(), error.inner()))
}

fn misfit(place: &str, path: &str, error: &impl std::fmt::Display) -> Reply {
    let words = error.to_string();
    let missing = words.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let mut place = vec![place];
    place.extend(path.split('.').filter(|part| !["", "?"].contains(part)));
    match missing {
        Some(field) => {
            place.push(field);
            Reply::invalid(&place, "Field required", "missing")
        }
        None => Reply::invalid(&place, &words, "value_error"),
    }
}

/// An object of the contract, its amounts written as the payment routes write them (`"15,000.00"`).
pub(super) fn with_grouped_amounts(object: &impl Serialize) -> Value {
    let mut json = serde_json::to_value(object).unwrap_or_default();
    group(&mut json);
    json
}

fn group(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| name == "amount").and_then(|text| text.parse::<Amount>().ok()) {
                    Some(amount) => *value = grouped(amount).into(),
                    None => group(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(group),
        _ => {}
    }
}

/// Two decimal places, and commas between thousands.
fn grouped(amount: Amount) -> String {
    let plain = format!("{:.2}", amount.to_decimal());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, "00"));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{sign}{text}.{fraction}")
}
