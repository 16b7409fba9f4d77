//! An emulator of a test, whose responses are all held to the contract.

#[path = "../../src/json_schema.rs"]
mod json_schema;

use std::{collections::HashMap, ops::Deref, time::Duration};

use jsonschema::Validator;
use piaxis::{Amount, OPERATIONS, types::OtpRequest};
use piaxis_emulator::{Account, Emulator, EmulatorBuilder, OTP};
use serde_json::Value;

/// An emulator with a clock that only the test moves. At its end, every response that it gave is validated.
pub(crate) struct Tested(Emulator);

pub(crate) fn builder() -> EmulatorBuilder {
    Emulator::builder().start_at("2026-11-27T08:00:00Z".parse().unwrap())
}

pub(crate) async fn start() -> Tested {
    started(builder()).await
}

pub(crate) async fn started(builder: EmulatorBuilder) -> Tested {
    Tested(builder.start().await.unwrap())
}

impl Deref for Tested {
    type Target = Emulator;

    fn deref(&self) -> &Emulator {
        &self.0
    }
}

impl Tested {
    /// Long enough for everything that settles by itself.
    pub(crate) fn settle(&self) {
        self.advance(Duration::from_secs(60));
    }

    /// Fails where money was made or lost, or an account owes some.
    #[track_caller]
    pub(crate) fn check_balances(&self) {
        let balances = self.balances();
        let owes = |account: &Account, amount: Amount| *account != Account::Outside && amount < 0;
        assert!(!balances.iter().any(|(account, _, amount)| owes(account, *amount)), "{balances:?}");
        let sum = Amount::checked_sum(balances.into_iter().map(|(_, _, amount)| amount));
        assert_eq!(sum, Some(Amount::ZERO));
    }

    /// Requests a one-time password for a phone number, and returns the password.
    pub(crate) async fn otp(&self, phone_number: &str) -> &'static str {
        let request = OtpRequest::builder().phone_number(phone_number).build();
        self.client().otp().request(request).await.unwrap();
        OTP
    }
}

impl Drop for Tested {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let contract: Value = serde_json::from_str(piaxis::CONTRACT).unwrap();
        let mut validators: HashMap<(&str, bool), Validator> = HashMap::new();
        for request in self.requests() {
            let (Some(operation), Some(status @ (200..300 | 400..))) = (request.operation, request.status) else {
                continue;
            };
            let operation = OPERATIONS.iter().find(|known| known.id == operation).unwrap();
            if request.response.starts_with(b"<!doctype html>") {
                continue;
            }
            let responses = &contract["paths"][operation.path][operation.method.to_lowercase()]["responses"];
            let response =
                if status < 300 { &responses["200"] } else { &contract["components"]["responses"]["ClientError"] };
            let schema = &response["content"]["application/json"]["schema"];
            assert!(schema.is_object(), "{} {status}: no schema", operation.id);
            let key = (operation.id, status < 300);
            let validator = validators.entry(key).or_insert_with(|| json_schema::validator(&contract, schema).unwrap());
            let misfits = misfits(validator, &request.response_json());
            assert!(misfits.is_empty(), "{} {status}: {misfits:?}: {}", operation.id, request.response_json());
            if status < 300 {
                let unknown = unknown_fields(&contract, schema, &request.response_json(), "");
                assert!(unknown.is_empty(), "{}: not in the contract: {unknown:?}", operation.id);
            }
        }
    }
}

fn misfits(validator: &Validator, instance: &Value) -> Vec<String> {
    validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Fields of a response that the contract does not name.
fn unknown_fields(contract: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let reference = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str);
    let schema = reference.map_or(schema, |reference| contract.pointer(&reference[1..]).unwrap());
    match value {
        Value::Object(fields) if schema.get("properties").is_some() => fields
            .iter()
            .flat_map(|(name, value)| match schema["properties"].get(name) {
                Some(schema) => unknown_fields(contract, schema, value, &format!("{path}.{name}")),
                None => vec![format!("{path}.{name}")],
            })
            .collect(),
        Value::Array(items) if schema.get("items").is_some() => items
            .iter()
            .flat_map(|item| unknown_fields(contract, &schema["items"], item, &format!("{path}[]")))
            .collect(),
        _ => Vec::new(),
    }
}
