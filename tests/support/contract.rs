//! The contract, and validation of JSON against its schemas.

#[path = "../../emulator/src/json_schema.rs"]
mod json_schema;

use serde_json::Value;

/// The contract as YAML has it.
pub(crate) fn contract() -> Value {
    serde_yaml_ng::from_str(include_str!("../../openapi/piaxis.yaml")).unwrap()
}

/// The errors of `instance` against `schema`, whose references are to the schemas of `contract`.
pub(crate) fn misfits(contract: &Value, schema: &Value, instance: &Value) -> Vec<String> {
    let validator = json_schema::validator(contract, schema).unwrap();
    validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
