//! The JSON examples of the docs, validated against the schemas that they belong to.

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value, json};

use super::fact::Example;
use crate::contract::{Contract, payload, strings};

/// Texts that the guide writes where a value of some format stands.
const PLACEHOLDERS: [&str; 3] = ["uuid", "optional-uuid", "required-for-piaxis_external"];

pub(crate) struct Examples<'a> {
    contract: &'a Contract,
    schemas: Value,
}

/// What is wrong with an example.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) path: String,
    pub(crate) problem: String,
    /// It fits, but has a value that an open enum does not name.
    pub(crate) is_new_value: bool,
}

impl<'a> Examples<'a> {
    pub(crate) fn new(contract: &'a Contract) -> Self {
        Self { contract, schemas: as_2020_12(&contract.document["components"]["schemas"]) }
    }

    pub(crate) fn misfits(&self, example: &Example) -> Vec<Misfit> {
        let schema = if example.operation == "webhook" {
            let name = example.json["event"].as_str().or(example.json["data"]["event"].as_str()).unwrap_or_default();
            let family = name.split('.').next().unwrap_or_default();
            let data = self.contract.at(&payload(family)).as_object().cloned().unwrap_or_default();
            let envelope = &self.contract.document["x-piaxis-webhooks"]["schema"];
            json!({ "allOf": [envelope, { "properties": { "data": data } }] })
        } else {
            let operation = self.contract.operation(&example.operation);
            let body = operation.and_then(|operation| self.contract.body(operation, example.direction));
            body.map(|body| self.contract.at(&body).clone()).unwrap_or_default()
        };
        let document = json!({ "allOf": [as_2020_12(&schema)], "components": { "schemas": self.schemas } });
        let failed = |problem: String| vec![Misfit { path: String::new(), problem, is_new_value: false }];
        let validator = match jsonschema::options().should_validate_formats(true).build(&document) {
            Ok(validator) => validator,
            Err(error) => return failed(format!("the contract's schema is invalid: {error}")),
        };
        let mut misfits: Vec<Misfit> = validator
            .iter_errors(&example.json)
            .filter(|error| {
                let placeholder = error.instance().as_str().is_some_and(|text| PLACEHOLDERS.contains(&text));
                !(placeholder && matches!(error.kind(), ValidationErrorKind::Format { .. }))
            })
            .map(|error| Misfit {
                path: readable(&error.instance_path().to_string()),
                problem: error.to_string(),
                is_new_value: false,
            })
            .collect();
        self.new_values(&schema, &example.json, "", 0, &mut misfits);
        misfits
    }

    /// Values of open enums that the contract does not name yet.
    fn new_values(&self, schema: &Value, json: &Value, path: &str, depth: usize, found: &mut Vec<Misfit>) {
        if depth > 16 {
            return;
        }
        if let Some(target) =
            schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'))
        {
            return self.new_values(self.contract.at(target), json, path, depth + 1, found);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.new_values(part, json, path, depth + 1, found);
        }
        let known = strings(&schema["x-extensible-enum"]);
        if let Some(text) = json.as_str().filter(|text| !known.is_empty() && !known.iter().any(|value| value == text)) {
            let problem = format!("`{text}` is a value that the contract does not name");
            found.push(Misfit { path: path.to_owned(), problem, is_new_value: true });
        }
        for (key, value) in json.as_object().into_iter().flatten() {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.new_values(&schema["properties"][key], value, &inner, depth + 1, found);
        }
        for item in json.as_array().into_iter().flatten() {
            self.new_values(&schema["items"], item, &format!("{path}[]"), depth + 1, found);
        }
    }
}

/// `/recipients/0/amount` as `recipients[0].amount`.
fn readable(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').filter(|part| !part.is_empty()) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            path += &format!("[{part}]");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path += part;
        }
    }
    path
}

/// OpenAPI 3.0 says null by `nullable`; JSON Schema says it by a type.
pub(crate) fn as_2020_12(node: &Value) -> Value {
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
