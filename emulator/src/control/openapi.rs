//! The OpenAPI document of the control API, made of the table of routes, and the validation of requests by it.

use std::{collections::HashMap, sync::LazyLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::routes::{ROUTES, Route};
use crate::response::{Rejection, Response};

static SCHEMAS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("schemas.json")).unwrap_or_default());

/// Validators of the schemas that requests have, which refer to no others.
static VALIDATORS: LazyLock<HashMap<&'static str, Validator>> = LazyLock::new(|| {
    let names = ROUTES.iter().flat_map(|route| [route.body, route.query]).flatten();
    names.filter_map(|name| Some((name, jsonschema::validator_for(&SCHEMAS[name]).ok()?))).collect()
});

/// The document.
pub(super) fn document(origin: &str) -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Control API of piaxis-emulator",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Reads and changes the state of the emulator, for tests. Requests of other sites are rejected. \
                            Forms are accepted as well as JSON; the response to a form is a redirect to the page.",
        },
        "servers": [{ "url": origin }],
        "paths": paths,
        "components": { "schemas": &*SCHEMAS },
    })
}

fn operation(route: &Route) -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let path = path.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let query = route.query.and_then(|name| SCHEMAS[name]["properties"].as_object()).into_iter().flatten();
    let query = query.map(|(name, schema)| json!({ "name": name, "in": "query", "schema": schema }));
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "parameters": path.chain(query).collect::<Vec<_>>(),
        "responses": {
            "200": { "description": "Success", "content": { "application/json": { "schema": reference(route.response) } } },
            "default": { "description": "Error", "content": { "application/json": { "schema": reference("Error") } } },
        },
    });
    if let Some(body) = route.body {
        let content = json!({ "schema": reference(body) });
        let is_required = SCHEMAS[body].get("required").is_some();
        operation["requestBody"] = json!({
            "required": is_required,
            "content": { "application/json": &content, "application/x-www-form-urlencoded": &content },
        });
    }
    operation
}

/// Rejects a value that does not fit the schema of this name.
pub(super) fn validate(name: &str, value: &Value) -> Result<(), Rejection> {
    let Some(validator) = VALIDATORS.get(name) else {
        return Err(Response::rejected(
            http::StatusCode::INTERNAL_SERVER_ERROR,
            "The schema of the request is missing",
        ));
    };
    let Some(error) = validator.iter_errors(value).next() else { return Ok(()) };
    let place = error.instance_path().to_string();
    let place = place.trim_start_matches('/');
    let message = if place.is_empty() { error.to_string() } else { format!("{place}: {error}") };
    Err(Response::rejected(http::StatusCode::UNPROCESSABLE_ENTITY, &message))
}

/// Pairs of a query or a form as the object that the schema of this name describes.
pub(super) fn object(name: &str, pairs: &str) -> Value {
    let pairs = form_urlencoded::parse(pairs.as_bytes());
    let typed = |(key, text): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        let kind = SCHEMAS[name]["properties"][&*key]["type"].as_str();
        let number = || serde_json::from_str::<Value>(&text).ok().filter(Value::is_number);
        let value = if matches!(kind, Some("integer" | "number")) { number() } else { None };
        (key.into_owned(), value.unwrap_or_else(|| Value::from(&*text)))
    };
    Value::Object(pairs.map(typed).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_of_the_table_exists_and_ids_are_unique() {
        let mut ids = std::collections::HashSet::new();
        for route in ROUTES {
            assert!(ids.insert(route.id), "{}", route.id);
            for name in [Some(route.response), route.body, route.query].into_iter().flatten() {
                assert!(SCHEMAS.get(name).is_some(), "{name}");
            }
            for name in [route.body, route.query].into_iter().flatten() {
                assert!(VALIDATORS.contains_key(name), "{name}");
            }
        }
        let used = ROUTES.iter().flat_map(|route| [Some(route.response), route.body, route.query]).flatten();
        let used: std::collections::HashSet<&str> = used.chain(["Error", "Account", "Merchant"]).collect();
        let unused = SCHEMAS.as_object().unwrap().keys().filter(|name| !used.contains(name.as_str()));
        assert_eq!(unused.collect::<Vec<_>>(), Vec::<&String>::new());
    }

    #[test]
    fn forms_become_typed_objects() {
        assert_eq!(object("Advance", "seconds=1.5"), json!({ "seconds": 1.5 }));
        assert_eq!(object("MerchantNew", "name=12"), json!({ "name": "12" }));
        assert_eq!(object("Page", "limit=x"), json!({ "limit": "x" }));
    }
}
