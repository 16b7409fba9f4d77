//! The contract, and validation of JSON against its schemas.

use serde_json::{Map, Value, json};

/// The contract as YAML has it.
pub(crate) fn contract() -> Value {
    serde_yaml_ng::from_str(include_str!("../../openapi/piaxis.yaml")).unwrap()
}

/// The errors of `instance` against `schema`, whose references are to the schemas of `contract`.
pub(crate) fn misfits(contract: &Value, schema: &Value, instance: &Value) -> Vec<String> {
    let document = json!({
        "allOf": [as_2020_12(schema)],
        "components": { "schemas": as_2020_12(&contract["components"]["schemas"]) },
    });
    let validator = jsonschema::options().should_validate_formats(true).build(&document).unwrap();
    validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// OpenAPI 3.0 has `nullable` where JSON Schema has the type `null`.
fn as_2020_12(node: &Value) -> Value {
    match node {
        Value::Array(items) => items.iter().map(as_2020_12).collect(),
        Value::Object(object) => {
            let child = |(key, child): (&String, &Value)| {
                (key.clone(), if key == "example" { child.clone() } else { as_2020_12(child) })
            };
            let mut schema: Map<String, Value> = object.iter().map(child).collect();
            match schema.remove("nullable") {
                Some(Value::Bool(true)) => json!({ "anyOf": [schema, { "type": "null" }] }),
                _ => Value::Object(schema),
            }
        }
        other => other.clone(),
    }
}
