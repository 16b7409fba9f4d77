//! Validators of bodies, built from the schemas of the contract.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::contract::{Contract, Operation, escape, payload};

#[path = "../../../emulator/src/json_schema.rs"]
mod json_schema;

pub(super) const ENVELOPE: &str = "/x-piaxis-webhooks/schema";

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

/// Validators of bodies, each built once.
pub(super) struct Validators<'a> {
    contract: &'a Contract,
    built: BTreeMap<Body, Validator>,
}

impl<'a> Validators<'a> {
    pub(super) fn new(contract: &'a Contract) -> Self {
        Self { contract, built: BTreeMap::new() }
    }

    pub(super) fn get(&mut self, body: &Body) -> Result<&Validator> {
        if !self.built.contains_key(body) {
            let schema = |pointer: &str| self.contract.at(pointer);
            let mut parts = vec![schema(&body.pointer).clone()];
            let subject = body.subject.as_ref();
            parts.extend(subject.map(|(field, payload)| json!({ "properties": { field: schema(payload) } })));
            let validator = json_schema::validator(&self.contract.document, &json!({ "allOf": parts }));
            // The error may quote the contract, and no response.
            let validator =
                validator.map_err(|error| anyhow!("the contract's schema at {} is invalid: {error}", body.pointer))?;
            self.built.insert(body.clone(), validator);
        }
        self.built.get(body).context("no validator")
    }
}
