//! What a contract must not have: what the generator would accept and get wrong, or stumble over.

use serde_json::Value;

use super::document::{Result, misplaced, variant};

/// Extensions that mean something here; openapi/README.md says what.
const EXTENSIONS: [&str; 26] = [
    "x-extensible-enum",
    "x-piaxis-common-headers",
    "x-piaxis-credentials",
    "x-piaxis-deviation",
    "x-piaxis-environment",
    "x-piaxis-environment-variables",
    "x-piaxis-lookup",
    "x-piaxis-methods",
    "x-piaxis-missing-code",
    "x-piaxis-payouts",
    "x-piaxis-personal",
    "x-piaxis-private-routes",
    "x-piaxis-query",
    "x-piaxis-reason",
    "x-piaxis-idempotent",
    "x-piaxis-never-retried",
    "x-piaxis-settled",
    "x-piaxis-source",
    "x-piaxis-succeeded",
    "x-piaxis-sources",
    "x-piaxis-term-data",
    "x-piaxis-term-type",
    "x-piaxis-transport",
    "x-piaxis-value-sources",
    "x-piaxis-webhooks",
    "x-piaxis-default-payout-fees",
];

/// Rejects what the generator would accept and get wrong, or stumble over.
pub(super) fn check(node: &Value, root: &Value, path: &mut Vec<String>) -> Result<()> {
    let is_map_of_names = path.last().is_some_and(|key| ["headers", "properties", "schemas"].contains(&key.as_str()));
    if let Some(object) = node.as_object().filter(|_| !is_map_of_names) {
        check_object(object, root, path)?;
    }
    let children: Vec<(String, &Value)> = match node {
        Value::Object(object) => object.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, child)| (at.to_string(), child)).collect(),
        _ => return Ok(()),
    };
    for (key, child) in children.into_iter().filter(|(key, _)| key != "example" && key != "examples") {
        path.push(key);
        check(child, root, path)?;
        path.pop();
    }
    Ok(())
}

fn check_object(object: &serde_json::Map<String, Value>, root: &Value, path: &[String]) -> Result<()> {
    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
        if reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)).is_none() {
            return misplaced(path, format!("`{reference}` is not in the document"));
        }
        if object.len() > 1 {
            return misplaced(
                path,
                "what stands beside `$ref` is lost; write `allOf: [ { $ref: … } ]` and the rest beside that",
            );
        }
    }
    if let Some((cut, _)) = object.iter().find(|(key, value)| value.is_null() && key.contains(' ')) {
        return misplaced(
            path,
            format!("`{cut}` is the rest of a text that was cut at a comma; put the text in quotes"),
        );
    }
    if object.contains_key("<<") {
        return misplaced(path, "YAML merge keys (`<<`) are not merged; write the keys out");
    }
    if let Some(unknown) = object.keys().find(|key| key.starts_with("x-") && !EXTENSIONS.contains(&key.as_str())) {
        return misplaced(path, format!("`{unknown}` is no extension that is known here"));
    }
    if let Some(personal) = object.get("x-piaxis-personal") {
        let is_property = path.len() > 1 && path[path.len() - 2] == "properties";
        // Of a whole object, `Debug` redacts the unknown fields only, whose values it never shows.
        let is_open_schema =
            path.len() == 3 && path[1] == "schemas" && object.get("additionalProperties") == Some(&true.into());
        if !(is_property || is_open_schema) || personal != true {
            return misplaced(
                path,
                "`x-piaxis-personal` must be `true`, on a property of a schema or on a schema with \
                 `additionalProperties: true`: only there it is redacted",
            );
        }
    }
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
    let in_schema = path.iter().any(|key| key == "schema" || key == "schemas");
    if in_schema && !["", "string", "number", "integer", "boolean", "object", "array"].contains(&kind) {
        return misplaced(path, format!("`{kind}` is no type"));
    }
    if object.contains_key("enum") && kind == "string" {
        return misplaced(path, "a closed enum; use `x-extensible-enum`, so that a new value breaks nobody");
    }
    if matches!(object.get("format").and_then(Value::as_str), Some("date-time" | "password")) {
        let known = ["type", "format", "description", "nullable", "example"];
        let stray = object.keys().find(|key| !known.contains(&key.as_str()) && !key.starts_with("x-piaxis-"));
        if let Some(stray) = stray {
            return misplaced(path, format!("`{stray}` beside a converted `format` would bring back a plain string"));
        }
    }
    if let Some(properties) = object.get("properties").and_then(Value::as_object) {
        let required = object.get("required").and_then(Value::as_array).into_iter().flatten();
        if let Some(phantom) = required.filter_map(Value::as_str).find(|name| !properties.contains_key(*name)) {
            return misplaced(path, format!("`{phantom}` is required, but there is no such property"));
        }
        if path.len() != 3 && path.first().is_some_and(|first| first == "components") {
            return misplaced(path, "an object inside another; give it a schema of its own and refer to it");
        }
    }
    let values = |key: &str| object.get(key).and_then(Value::as_array).into_iter().flatten();
    if let Some(stray) =
        values("x-piaxis-settled").find(|value| !values("x-extensible-enum").any(|known| known == *value))
    {
        return misplaced(path, format!("{stray} is settled, but no value of this open enum"));
    }
    let mut variants = Vec::new();
    for value in object.get("x-extensible-enum").and_then(Value::as_array).into_iter().flatten() {
        let variant = value.as_str().map(variant).unwrap_or_default();
        let is_name =
            variant.starts_with(|c: char| c.is_ascii_uppercase()) && variant.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_name || variant == "Unknown" || variants.contains(&variant) {
            return misplaced(
                path,
                format!("the value {value} of an open enum makes no variant, or one that is there already"),
            );
        }
        variants.push(variant);
    }
    Ok(())
}
