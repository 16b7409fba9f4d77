//! The JSON examples of the docs, validated against the schemas that they belong to.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use jsonschema::{Registry, Validator, error::ValidationErrorKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::fact::{Example, WEBHOOK};
use crate::contract::{Contract, escape, payload, resolve::target, strings};

pub(super) const ENVELOPE: &str = "/x-piaxis-webhooks/schema";

/// Texts that the guide writes where a value of some format stands.
const PLACEHOLDERS: [&str; 3] = ["uuid", "optional-uuid", "required-for-piaxis_external"];
/// How deep values of open enums are looked for.
const DEEPEST: usize = 24;
/// Address of the contract among the schemas.
const ADDRESS: &str = "json-schema:///contract";
const IN_POINTERS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'~').remove(b'-').remove(b'_');

/// The schema of a body.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Body {
    /// Where it is in the contract.
    pub(super) pointer: String,
    /// Where the schema of its field `data` is besides, of a webhook delivery.
    pub(super) data: Option<String>,
}

impl Body {
    /// The body of a webhook delivery, by the event that it names.
    pub(super) fn of_delivery(contract: &Contract, json: &Value) -> Self {
        let event = json["event"].as_str().or(json["data"]["event"].as_str()).unwrap_or_default();
        let data = payload(event.split('.').next().unwrap_or_default());
        Self { pointer: ENVELOPE.to_owned(), data: contract.document.pointer(&data).map(|_| data) }
    }
}

/// Validators of bodies, each built once, with references into one copy of the contract.
pub(super) struct Validators {
    contract: Result<Registry<'static>>,
    built: BTreeMap<Body, Validator>,
}

impl Validators {
    pub(super) fn new(contract: &Contract) -> Self {
        let registry = Registry::new().add(ADDRESS, as_2020_12(&contract.document));
        let contract = registry.and_then(|registry| registry.prepare()).map_err(|error| anyhow!("{error}"));
        Self { contract, built: BTreeMap::new() }
    }

    pub(super) fn get(&mut self, body: &Body) -> Result<&Validator> {
        if !self.built.contains_key(body) {
            let schema =
                |pointer| json!({ "$ref": format!("{ADDRESS}#{}", utf8_percent_encode(pointer, IN_POINTERS)) });
            let mut parts = vec![schema(&body.pointer)];
            parts.extend(body.data.as_deref().map(|data| json!({ "properties": { "data": schema(data) } })));
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

/// What is wrong with an example.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) path: String,
    pub(super) problem: String,
    /// The open enum that does not name the value; the example fits otherwise.
    pub(super) value_of: Option<String>,
}

pub(super) struct Examples<'a> {
    contract: &'a Contract,
    validators: Validators,
}

impl<'a> Examples<'a> {
    pub(super) fn new(contract: &'a Contract) -> Self {
        Self { contract, validators: Validators::new(contract) }
    }

    pub(super) fn misfits(&mut self, example: &Example) -> Vec<Misfit> {
        let body = if example.operation == WEBHOOK {
            Some(Body::of_delivery(self.contract, &example.json))
        } else {
            let operation = self.contract.operation(&example.operation);
            let pointer = operation.and_then(|operation| self.contract.body(operation, example.direction));
            pointer.map(|pointer| Body { pointer, data: None })
        };
        let Some(body) = body else { return Vec::new() };
        let misfit = |path: String, problem: String| Misfit { path, problem, value_of: None };
        let validator = match self.validators.get(&body) {
            Ok(validator) => validator,
            Err(error) => return vec![misfit(String::new(), format!("{error:#}"))],
        };
        let errors = validator.iter_errors(&example.json).filter(|error| {
            let placeholder = error.instance().as_str().is_some_and(|text| PLACEHOLDERS.contains(&text));
            !(placeholder && matches!(error.kind(), ValidationErrorKind::Format { .. }))
        });
        let mut misfits: Vec<Misfit> =
            errors.map(|error| misfit(readable(&error.instance_path().to_string()), error.to_string())).collect();
        self.new_values(&body.pointer, &example.json, "", 0, &mut misfits);
        if let Some(data) = &body.data {
            self.new_values(data, &example.json["data"], "data", 0, &mut misfits);
        }
        misfits
    }

    /// Values of open enums that the contract does not name yet.
    fn new_values(&self, pointer: &str, json: &Value, path: &str, depth: usize, found: &mut Vec<Misfit>) {
        let schema = self.contract.at(pointer);
        if depth > DEEPEST || schema.is_null() {
            return;
        }
        if let Some(target) = target(schema) {
            return self.new_values(&target, json, path, depth + 1, found);
        }
        for at in 0..schema["allOf"].as_array().map_or(0, Vec::len) {
            self.new_values(&format!("{pointer}/allOf/{at}"), json, path, depth + 1, found);
        }
        let known = strings(&schema["x-extensible-enum"]);
        if let Some(text) = json.as_str().filter(|text| !known.is_empty() && !known.iter().any(|value| value == text)) {
            let problem = format!("`{text}` is a value that the contract does not name");
            found.push(Misfit { path: path.to_owned(), problem, value_of: Some(pointer.to_owned()) });
        }
        for (key, value) in json.as_object().into_iter().flatten() {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.new_values(&format!("{pointer}/properties/{}", escape(key)), value, &inner, depth + 1, found);
        }
        for item in json.as_array().into_iter().flatten() {
            self.new_values(&format!("{pointer}/items"), item, &format!("{path}[]"), depth + 1, found);
        }
    }
}

/// `/recipients/0/amount` as `recipients[0].amount`.
fn readable(pointer: &str) -> String {
    let parts = pointer.split('/').filter(|part| !part.is_empty());
    let path = parts.map(|part| match part.bytes().all(|byte| byte.is_ascii_digit()) {
        true => format!("[{part}]"),
        false => format!(".{part}"),
    });
    path.collect::<String>().trim_start_matches('.').to_owned()
}

/// OpenAPI 3.0 says null by `nullable`; JSON Schema says it by a type.
fn as_2020_12(node: &Value) -> Value {
    match node {
        Value::Array(items) => items.iter().map(as_2020_12).collect(),
        Value::Object(object) => {
            let mut schema: Map<String, Value> =
                object.iter().map(|(key, child)| (key.clone(), as_2020_12(child))).collect();
            schema.remove("example");
            match schema.remove("nullable") {
                Some(Value::Bool(true)) => json!({ "anyOf": [schema, { "type": "null" }] }),
                _ => Value::Object(schema),
            }
        }
        other => other.clone(),
    }
}
