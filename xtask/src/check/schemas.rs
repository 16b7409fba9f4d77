//! Validators of bodies, built from the schemas of the contract.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use jsonschema::{Registry, Validator};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::contract::{Contract, Operation, escape, payload};

pub(super) const ENVELOPE: &str = "/x-piaxis-webhooks/schema";
/// Address of the contract among the schemas.
const ADDRESS: &str = "json-schema:///contract";
const IN_POINTERS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'~').remove(b'-').remove(b'_');

/// The schema of a body.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Body {
    /// Where it is in the contract.
    pub(super) pointer: String,
    /// Of a webhook delivery: the field with the subject of the event, and where the schema of that is besides.
    pub(super) subject: Option<(String, String)>,
}

impl Body {
    /// The body of a webhook delivery, by the event that it names.
    pub(super) fn of_delivery(contract: &Contract, json: &Value) -> Self {
        let event = contract.event_fields().iter().find_map(|at| json.pointer(at)?.as_str()).unwrap_or_default();
        let payload = payload(event.split('.').next().unwrap_or_default());
        let known = contract.document.pointer(&payload).map(|_| (contract.subject(), payload));
        Self { pointer: ENVELOPE.to_owned(), subject: known }
    }

    /// The body of an operation's response with this status, of a 2xx response without one; `None` when the contract has no
    /// such response, or no JSON for it.
    pub(super) fn of_response(contract: &Contract, operation: &Operation, status: Option<u16>) -> Option<Self> {
        let responses = format!("{}/responses", operation.pointer);
        let documented = contract.at(&responses).as_object()?;
        let key = match status {
            None => documented.keys().find(|key| key.starts_with('2'))?.clone(),
            Some(status) => {
                let keys = [status.to_string(), format!("{}XX", status / 100), "default".to_owned()];
                keys.into_iter().find(|key| documented.contains_key(key))?
            }
        };
        let response = contract.resolve(&format!("{responses}/{}", escape(&key)));
        let media = contract.at(&response)["content"].as_object()?.keys().find(|media| media.contains("json"))?;
        let pointer = format!("{response}/content/{}/schema", escape(media));
        contract.document.pointer(&pointer).map(|_| Self { pointer, subject: None })
    }
}

/// Validators of bodies, each built once, with references into one copy of the contract.
pub(super) struct Validators {
    contract: Result<Registry<'static>>,
    built: BTreeMap<Body, Validator>,
}

impl Validators {
    pub(super) fn new(contract: &Contract) -> Self {
        let registry = Registry::new().add(ADDRESS, as_2020_12(&contract.document, false));
        let contract = registry.and_then(|registry| registry.prepare()).map_err(|error| anyhow!("{error}"));
        Self { contract, built: BTreeMap::new() }
    }

    pub(super) fn get(&mut self, body: &Body) -> Result<&Validator> {
        if !self.built.contains_key(body) {
            let schema =
                |pointer| json!({ "$ref": format!("{ADDRESS}#{}", utf8_percent_encode(pointer, IN_POINTERS)) });
            let mut parts = vec![schema(&body.pointer)];
            let subject = body.subject.as_ref();
            parts.extend(subject.map(|(field, payload)| json!({ "properties": { field: schema(payload) } })));
            // The error may quote the contract, and no response.
            let invalid = |error: String| anyhow!("the contract's schema at {} is invalid: {error}", body.pointer);
            let registry = self.contract.as_ref().map_err(|error| invalid(error.to_string()))?;
            let options = jsonschema::options().with_registry(registry).should_validate_formats(true);
            let validator = options.build(&json!({ "allOf": parts })).map_err(|error| invalid(error.to_string()))?;
            self.built.insert(body.clone(), validator);
        }
        self.built.get(body).context("no validator")
    }
}

/// OpenAPI 3.0 says null by `nullable`; JSON Schema says it by a type. Keys of a map are names, no keywords.
fn as_2020_12(node: &Value, is_map: bool) -> Value {
    match node {
        Value::Array(items) => items.iter().map(|item| as_2020_12(item, false)).collect(),
        Value::Object(object) => {
            let child = |key: &str, child| as_2020_12(child, !is_map && matches!(key, "properties" | "schemas"));
            let mut schema: Map<String, Value> =
                object.iter().map(|(key, node)| (key.clone(), child(key, node))).collect();
            if is_map {
                return Value::Object(schema);
            }
            schema.remove("example");
            match schema.remove("nullable") {
                Some(Value::Bool(true)) => json!({ "anyOf": [schema, { "type": "null" }] }),
                _ => Value::Object(schema),
            }
        }
        other => other.clone(),
    }
}
