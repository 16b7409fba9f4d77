//! Schemas of the contract as JSON Schema 2020-12. The tests of both crates and `cargo xtask check` read this file as well.

use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

/// The validator of a schema of the contract. The schema may refer to others of the contract.
pub(crate) fn validator(contract: &Value, schema: &Value) -> Result<Validator, ValidationError<'static>> {
    let document = json!({
        "allOf": [as_2020_12(schema)],
        "components": { "schemas": each(&contract["components"]["schemas"]) },
    });
    jsonschema::options().should_validate_formats(true).build(&document)
}

/// OpenAPI 3.0 has the keyword `nullable` where JSON Schema has the type `null`. Names of properties, and values such as
/// those of `example` and `enum`, are no keywords and stay as they are.
fn as_2020_12(schema: &Value) -> Value {
    let Value::Object(keywords) = schema else { return schema.clone() };
    let converted = |(keyword, value): (&String, &Value)| {
        let value = match keyword.as_str() {
            "properties" => each(value),
            "items" | "additionalProperties" | "not" => as_2020_12(value),
            "allOf" | "anyOf" | "oneOf" => value.as_array().into_iter().flatten().map(as_2020_12).collect(),
            _ => value.clone(),
        };
        (keyword.clone(), value)
    };
    let mut converted: Map<String, Value> = keywords.iter().map(converted).collect();
    match converted.remove("nullable") {
        Some(Value::Bool(true)) => json!({ "anyOf": [converted, { "type": "null" }] }),
        _ => Value::Object(converted),
    }
}

/// Schemas by their names.
fn each(schemas: &Value) -> Value {
    let schemas = schemas.as_object().into_iter().flatten();
    Value::Object(schemas.map(|(name, schema)| (name.clone(), as_2020_12(schema))).collect())
}
