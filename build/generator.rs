//! Prepares the contract for progenitor, with its settings.

use std::collections::BTreeSet;

use super::{
    document::{METHODS, Result, array, misplaced, object, resolve, text},
    types::struct_patch,
};
use openapiv3::OpenAPI;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TagStyle, TypeImpl};
use schemars::schema::{InstanceType, SchemaObject};
use serde_json::{Map, Value};

/// Values that have a handwritten type of the same name.
pub(super) const VALUES: [&str; 4] = ["Amount", "Timestamp", "Secret", "JsonObject"];

/// The contract as the generator should see it.
///
/// Failures are left out (then each arrives as a whole response), success is `2XX` (a 201 is no failure), headers
/// that the transport sets are no arguments, bounds make no newtypes, and the query parameters of a list become one
/// struct.
pub(super) fn prepare(contract: &Value) -> Result<Value> {
    let mut spec = contract.clone();
    for (path, item) in object(contract, "/paths") {
        for (method, operation) in object(item, "").into_iter().filter(|(key, _)| METHODS.contains(&key.as_str())) {
            let parameters: Vec<&Value> =
                array(operation, "parameters").into_iter().map(|parameter| resolve(contract, parameter)).collect();
            let query = text(operation, "x-piaxis-query");
            if !query.is_empty() {
                spec["components"]["schemas"][query] = query_struct(operation, &parameters);
            }
            let operation = &mut spec["paths"][path][method];
            operation["parameters"] = parameters
                .into_iter()
                .filter(|parameter| text(parameter, "x-piaxis-transport").is_empty())
                .cloned()
                .collect();
            let success = object(operation, "/responses").into_iter().find(|(status, _)| status.starts_with('2'));
            let Some((_, success)) = success.map(|(status, response)| (status.clone(), response.clone())) else {
                return misplaced(&["paths".into(), path.clone(), method.clone()], "has no 2xx response");
            };
            operation["responses"] = serde_json::json!({ "2XX": success });
        }
    }
    let Some(schemas) = spec["components"]["schemas"].as_object_mut() else {
        return misplaced(&["components".into(), "schemas".into()], "is missing");
    };
    schemas.retain(|name, _| !name.starts_with("Error") && !name.ends_with("Issue"));
    for (_, schema) in schemas.iter_mut() {
        describe_fields(schema, contract);
        simplify(schema);
    }
    simplify(&mut spec["paths"]);
    spec["components"]["responses"] = Value::Object(Map::new());
    Ok(spec)
}

fn query_struct(operation: &Value, parameters: &[&Value]) -> Value {
    let query = || parameters.iter().filter(|parameter| text(parameter, "in") == "query");
    let property = |parameter: &&Value| {
        let description = parameter["description"].clone();
        let mut schema = parameter["schema"].clone();
        // What the API assumes is not what is sent.
        schema.as_object_mut().into_iter().for_each(|schema| drop(schema.remove("default")));
        let field = serde_json::json!({ "allOf": [schema], "description": description });
        (text(parameter, "name").to_owned(), field)
    };
    let required: Vec<&str> =
        query().filter(|parameter| parameter["required"] == true).map(|parameter| text(parameter, "name")).collect();
    serde_json::json!({
        "type": "object",
        "description": format!("Query parameters: {}.", text(operation, "summary")),
        "properties": query().map(property).collect::<Map<_, _>>(),
        "required": required,
    })
}

/// A field that says nothing itself is described by the schema that it refers to.
fn describe_fields(schema: &mut Value, contract: &Value) {
    for (_, field) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        let reference = if field.get("$ref").is_some() { field.clone() } else { field["allOf"][0].clone() };
        let description = resolve(contract, &reference).get("description").cloned();
        if let Some(description) = description.filter(|_| field.get("description").is_none_or(Value::is_null)) {
            *field = serde_json::json!({ "allOf": [reference], "description": description });
        }
    }
}

fn simplify(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Object(schema) => {
            for noise in ["example", "examples", "pattern", "minLength", "maxLength", "minimum", "maximum"] {
                schema.retain(|key, value| {
                    key != noise || value.is_object() && noise != "example" && noise != "examples"
                });
            }
            schema.retain(|key, _| !key.starts_with("x-piaxis-"));
            // An optional array that may be null is an `Option<Vec<_>>`; everything else optional is one anyway.
            if schema.get("type").is_none_or(|kind| kind != "array") {
                schema.remove("nullable");
            }
            if schema.contains_key("properties") && schema.get("additionalProperties") == Some(&Value::Bool(true)) {
                schema.insert("additionalProperties".to_owned(), Value::Object(Map::new()));
            }
            schema.values_mut().for_each(simplify);
        }
        _ => {}
    }
}

pub(super) fn generator(spec: &Value) -> Generator {
    let mut settings = GenerationSettings::default();
    settings.with_interface(InterfaceStyle::Positional).with_tag(TagStyle::Merged).with_hooks(HooksMode::Expected);
    for value in VALUES {
        settings.with_replacement(value, format!("::piaxis::{value}"), [].into_iter());
    }
    settings.with_replacement("AnyValue", "::serde_json::Value", [].into_iter());
    for (format, value) in [("date-time", "Timestamp"), ("password", "Secret")] {
        let schema = SchemaObject {
            instance_type: Some(InstanceType::String.into()),
            format: Some(format.to_owned()),
            ..SchemaObject::default()
        };
        settings.with_conversion(schema, format!("::piaxis::{value}"), [].into_iter());
    }
    let schemas = object(spec, "/components/schemas");
    let is_open_enum = |schema: &Value| schema.get("x-extensible-enum").is_some();
    let open_enums: Vec<&String> =
        schemas.iter().filter(|(_, schema)| is_open_enum(schema)).map(|(name, _)| *name).collect();
    let (sent, received) = (schemas_of_bodies(spec, "/requestBody"), schemas_of_bodies(spec, "/responses"));
    for (name, schema) in schemas {
        if is_open_enum(schema) {
            let impls = [TypeImpl::Display, TypeImpl::FromStr];
            settings.with_replacement(name, format!("::piaxis::{name}"), impls.into_iter());
        } else if is_free_form(schema) {
            settings.with_replacement(name, "::piaxis::JsonObject", [].into_iter());
        } else if text(schema, "type") == "object" {
            let has_builder = cfg!(feature = "response-builders") || sent.contains(name) || !received.contains(name);
            settings.with_patch(name, &struct_patch(schema, &open_enums, has_builder));
        }
    }
    Generator::new(&settings)
}

/// The schemas that the request bodies or the response bodies of all operations are made of.
fn schemas_of_bodies(spec: &Value, place: &str) -> BTreeSet<String> {
    let items = object(spec, "/paths").into_iter().flat_map(|(_, item)| object(item, ""));
    let mut left: Vec<&Value> = items.filter_map(|(_, operation)| operation.pointer(place)).collect();
    let mut names = BTreeSet::new();
    while let Some(node) = left.pop() {
        match node {
            Value::Array(items) => left.extend(items),
            Value::Object(members) => {
                left.extend(members.values());
                let reference = text(node, "$ref").strip_prefix("#/components/schemas/").map(str::to_owned);
                if let Some(name) = reference.filter(|name| !names.contains(name)) {
                    left.push(&spec["components"]["schemas"][&name]);
                    names.insert(name);
                }
            }
            _ => {}
        }
    }
    names
}

pub(super) fn is_free_form(schema: &Value) -> bool {
    text(schema, "type") == "object" && schema.get("properties").is_none()
}

/// The generator panics on some documents; that is an error like any other.
pub(super) fn catching<T>(
    generate: impl FnOnce() -> std::result::Result<T, progenitor::Error> + std::panic::UnwindSafe,
) -> Result<T> {
    match std::panic::catch_unwind(generate) {
        Ok(result) => result.or_else(|e| misplaced(&[], e.to_string())),
        Err(_) => misplaced(&[], "the generator panicked; see its message above"),
    }
}

pub(super) fn parse(spec: &Value) -> Result<OpenAPI> {
    serde_json::from_value(spec.clone()).or_else(|whole: serde_json::Error| {
        // The error of the whole document names no place, so its parts are tried one by one.
        for (path, item) in object(spec, "/paths") {
            for (method, operation) in object(item, "").into_iter().filter(|(key, _)| METHODS.contains(&key.as_str())) {
                if let Err(e) = serde_json::from_value::<openapiv3::Operation>(operation.clone()) {
                    return misplaced(&["paths".into(), path.clone(), method.clone()], e.to_string());
                }
            }
        }
        for (name, schema) in object(spec, "/components/schemas") {
            if let Err(e) = serde_json::from_value::<openapiv3::ReferenceOr<openapiv3::Schema>>(schema.clone()) {
                return misplaced(&["components".into(), "schemas".into(), name.clone()], e.to_string());
            }
        }
        misplaced(&[], whole.to_string())
    })
}
