//! The payloads of the official documents and SDKs, and the examples of the contract.

use std::sync::OnceLock;

use serde_json::Value;

use super::contract::contract;

/// A payload from an official document or a recorded response of an official SDK.
#[derive(Debug, Clone)]
pub(crate) struct Documented {
    pub(crate) source: String,
    pub(crate) type_name: String,
    pub(crate) json: Value,
}

/// All of them, and the examples of the contract. Sentences are reworded, keys and shapes and number formats are not.
pub(crate) fn documented() -> Vec<Documented> {
    static ALL: OnceLock<Vec<Documented>> = OnceLock::new();
    ALL.get_or_init(|| {
        let all: Vec<Value> = serde_json::from_str(include_str!("../data/documented.json")).expect("the payloads");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let recorded = all.iter().map(|entry| Documented {
            source: text(&entry["source"]),
            type_name: text(&entry["type"]),
            json: entry["json"].clone(),
        });
        recorded.chain(examples(contract())).collect()
    })
    .clone()
}

/// The examples of successful responses in the contract.
fn examples(contract: Value) -> Vec<Documented> {
    let mut found = Vec::new();
    let operations = contract["paths"].as_object().into_iter().flatten().flat_map(|(_, item)| item.as_object());
    for operation in operations.flatten().map(|(_, operation)| operation) {
        for (status, response) in operation["responses"].as_object().into_iter().flatten() {
            let json = &response["content"]["application/json"];
            let schema = json["schema"]["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
            if let (true, Some(schema), Some(example)) = (status.starts_with('2'), schema, json.get("example")) {
                let source = format!("example of {}", operation["operationId"].as_str().unwrap_or_default());
                found.push(Documented { source, type_name: schema.to_owned(), json: example.clone() });
            }
        }
    }
    found
}

/// The example of an operation's successful response in the contract.
pub(crate) fn example(operation: &str) -> Value {
    let source = format!("example of {operation}");
    documented().into_iter().find(|entry| entry.source == source).unwrap_or_else(|| panic!("no {source}")).json
}

/// One recorded response, by the name that the SDKs give it.
pub(crate) fn recorded_response(name: &str) -> Value {
    let source = format!("recorded {name}");
    documented().into_iter().find(|entry| entry.source == source).unwrap_or_else(|| panic!("no response `{name}`")).json
}

/// What may differ after reading and writing: amounts are plain text, UTC is `Z`, nulls are gone.
pub(crate) fn normalised(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| {
                let is_amount = name.ends_with("amount") || name == "price" || name.starts_with("balance_");
                let value = match value {
                    Value::String(text) if is_amount => text.replace(',', "").into(),
                    Value::Number(number) if is_amount => number.to_string().into(),
                    other => normalised(other),
                };
                (name.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(normalised).collect(),
        Value::String(text) if text.ends_with("+00:00") => text.replace("+00:00", "Z").into(),
        other => other.clone(),
    }
}
