//! The contract keeps its own rules (openapi/README.md).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::contract::{contract, misfits};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Every operation, with its place.
fn operations(contract: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in contract["paths"].as_object().unwrap() {
        let here = METHODS.into_iter().filter_map(|method| Some((format!("{method} {path}"), item.get(method)?)));
        found.extend(here);
    }
    found
}

/// Every node of the document with its JSON pointer, examples left out.
fn nodes<'a>(node: &'a Value, pointer: String, found: &mut Vec<(String, &'a Value)>) {
    found.push((pointer.clone(), node));
    match node {
        Value::Object(object) => {
            for (key, child) in object.iter().filter(|(key, _)| !["example", "examples"].contains(&key.as_str())) {
                nodes(child, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (at, child) in items.iter().enumerate() {
                nodes(child, format!("{pointer}/{at}"), found);
            }
        }
        _ => {}
    }
}

fn all_nodes(contract: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    nodes(contract, String::new(), &mut found);
    found
}

fn words(node: &Value, key: &str) -> String {
    node[key].as_str().unwrap_or_default().trim().to_owned()
}

fn texts<'a>(node: &'a Value, key: &str) -> Vec<&'a str> {
    node[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn fields(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

#[test]
fn the_contract_is_openapi_3_0() {
    let contract = contract();
    let api: openapiv3::OpenAPI = serde_json::from_value(contract).unwrap();
    assert_eq!(api.openapi, "3.0.3");
    assert_eq!(api.operations().count(), piaxis::OPERATIONS.len());
    let urls: Vec<&str> = api.servers.iter().map(|server| server.url.as_str()).collect();
    assert_eq!(urls, ["https://api.gopiaxis.com/api", "https://sandbox.api.gopiaxis.com/api"]);
}

#[test]
fn every_operation_has_its_id_tag_and_credentials() {
    let contract = contract();
    let tags: BTreeSet<&str> =
        contract["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut ids = BTreeSet::new();
    for (place, operation) in operations(&contract) {
        if operation["security"] != serde_json::json!([]) {
            let credentials = &operation["x-piaxis-credentials"];
            for key in ["description", "x-piaxis-reason"] {
                assert!(!words(credentials, key).is_empty(), "{place}: the credentials have no {key}");
            }
            assert!(!texts(credentials, "x-piaxis-source").is_empty(), "{place}: the credentials have no source");
        }
        let id = words(operation, "operationId");
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        assert!(ids.insert(id.clone()), "{place}: {id} is used twice");
        assert!(tags.contains(tag), "{place}: the tag {tag:?} is not declared");
        assert!(id.starts_with(&format!("{tag}_")), "{place}: {id} does not begin with its tag");
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{place}: {id} is not snake_case");
        for key in ["summary", "description"] {
            assert!(!words(operation, key).is_empty(), "{place} has no {key}");
        }
        assert!(operation["security"].is_array(), "{place} has no security");
        assert!(!texts(operation, "x-piaxis-source").is_empty(), "{place} has no source");
        for failure in ["4XX", "5XX"] {
            assert!(operation["responses"].get(failure).is_some(), "{place} documents no {failure}");
        }
    }
}

#[test]
fn every_reference_resolves() {
    let contract = contract();
    for (place, node) in all_nodes(&contract) {
        if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
            assert!(contract.pointer(reference.trim_start_matches('#')).is_some(), "{place}: {reference}");
            assert_eq!(node.as_object().unwrap().len(), 1, "{place}: a keyword beside $ref is lost; use allOf");
        }
    }
}

#[test]
fn the_contract_has_nothing_that_the_generator_gets_wrong() {
    let contract = contract();
    for (place, node) in all_nodes(&contract) {
        let Some(object) = node.as_object() else { continue };
        assert!(!object.contains_key("<<"), "{place}: merge key");
        let is_schema = place.contains("/schemas/") || place.contains("/schema");
        assert!(!(is_schema && object.contains_key("enum")), "{place}: closed enum");
        if matches!(node["format"].as_str(), Some("date-time" | "password")) {
            let plain = ["type", "format", "description", "nullable", "example"];
            let stray = object.keys().find(|key| !plain.contains(&key.as_str()) && !key.starts_with("x-piaxis-"));
            assert_eq!(stray, None, "{place}: beside a converted format");
        }
    }
}

#[test]
fn every_schema_and_field_is_described_and_has_a_source() {
    let contract = contract();
    for (name, schema) in contract["components"]["schemas"].as_object().unwrap() {
        assert!(!words(schema, "description").is_empty(), "{name} has no description");
        assert!(!texts(schema, "x-piaxis-source").is_empty(), "{name} has no source");
        for (field, property) in fields(schema) {
            let refers = property.get("$ref").is_some() || property.get("allOf").is_some();
            assert!(refers || !words(property, "description").is_empty(), "{name}.{field} has no description");
        }
    }
}

#[test]
fn values_have_one_schema_each() {
    let contract = contract();
    for (place, node) in all_nodes(&contract) {
        let own = ["/components/schemas/Timestamp", "/components/schemas/Secret"].contains(&place.as_str());
        assert!(
            own || !matches!(node["format"].as_str(), Some("date-time" | "password")),
            "{place}: refer to the schema"
        );
        let free = node["type"] == "object" && node.get("properties").is_none() && place.contains("/schemas/");
        let allowed = ["JsonObject", "CustomEvidence", "ManualReleaseTermData"]
            .iter()
            .any(|name| place == format!("/components/schemas/{name}"));
        assert!(!free || allowed, "{place}: refer to JsonObject");
        let amount = place.rsplit('/').next().is_some_and(|name| name.ends_with("amount") || name == "price");
        if amount && place.contains("/properties/") {
            assert!(node.to_string().contains("schemas/Amount"), "{place}: an amount that is no Amount");
        }
    }
}

#[test]
fn responses_are_open_and_their_optional_lists_may_be_null() {
    let contract = contract();
    let mut reached = BTreeSet::new();
    for (_, operation) in operations(&contract) {
        reach(&contract, &operation["responses"]["200"]["content"]["application/json"]["schema"], &mut reached);
    }
    assert!(reached.len() > 30, "{reached:?}");
    for name in &reached {
        let schema = &contract["components"]["schemas"][name];
        if schema["type"] == "object" {
            assert_eq!(schema["additionalProperties"], true, "{name}: unknown fields would be lost");
        }
        let required = texts(schema, "required");
        for (field, property) in fields(schema) {
            let is_required = required.contains(&field.as_str());
            let is_nullable = property["nullable"] == true;
            assert!(
                is_required || property["type"] != "array" || is_nullable,
                "{name}.{field}: null would not be read"
            );
            assert!(
                !(is_required && is_nullable),
                "{name}.{field}: required and nullable makes a missing key an error"
            );
        }
    }
}

fn reach(contract: &Value, node: &Value, found: &mut BTreeSet<String>) {
    let reference = node.get("$ref").and_then(Value::as_str);
    if let Some(name) = reference.and_then(|reference| reference.strip_prefix("#/components/schemas/"))
        && found.insert(name.to_owned())
    {
        reach(contract, &contract["components"]["schemas"][name], found);
    }
    match node {
        Value::Object(object) => object.values().for_each(|child| reach(contract, child, found)),
        Value::Array(items) => items.iter().for_each(|child| reach(contract, child, found)),
        _ => {}
    }
}

#[test]
fn webhooks_name_their_sources() {
    let contract = contract();
    let webhooks = &contract["x-piaxis-webhooks"];
    let entries =
        |key: &str| webhooks[key].as_object().unwrap().iter().map(|(name, entry)| (name.clone(), entry.clone()));
    for key in ["headers", "events", "payloads", "envelopes"] {
        for (name, entry) in entries(key) {
            assert!(!texts(&entry, "x-piaxis-source").is_empty(), "{key}.{name} has no source");
            assert!(key == "events" || !words(&entry, "description").is_empty(), "{key}.{name} has no description");
        }
    }
    let families: BTreeSet<String> = entries("payloads").map(|(name, _)| name).collect();
    for (event, _) in entries("events") {
        assert!(families.contains(event.split('.').next().unwrap()), "{event} has no payload");
    }
    // A sample is made of the examples, so each field has one, and an envelope's example fits the envelope.
    for (family, schema) in entries("payloads") {
        for (field, property) in fields(&schema) {
            let errors = misfits(&contract, property, &property["example"]);
            assert!(errors.is_empty(), "{family}.{field}: {errors:?}");
        }
    }
    for (name, envelope) in entries("envelopes") {
        let errors = misfits(&contract, &webhooks["schema"], &envelope["example"]);
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn sources_and_deviations_are_complete() {
    let contract = contract();
    let known = contract["x-piaxis-sources"].as_object().unwrap();
    let check = |place: &str, source: &str| {
        let (page, anchor) = source.split_once('#').unwrap_or((source, ""));
        let Some(page) = known.get(page) else { panic!("{place}: unknown source {source}") };
        assert_eq!(
            page["kind"] == "docs",
            !anchor.is_empty(),
            "{place}: {source}: live pages are cited with an anchor"
        );
    };
    let mut deviations = 0;
    for (place, node) in all_nodes(&contract) {
        for source in texts(node, "x-piaxis-source") {
            check(&place, source);
            assert!(
                source != "inferred" || !words(node, "x-piaxis-reason").is_empty(),
                "{place}: inferred, without a reason"
            );
        }
        let values = texts(node, "x-extensible-enum");
        for (value, sources) in node["x-piaxis-value-sources"].as_object().into_iter().flatten() {
            assert!(values.contains(&value.as_str()), "{place}: a source of {value}, which is no value");
            sources.as_array().unwrap().iter().for_each(|source| check(&place, source.as_str().unwrap()));
        }
        for deviation in node["x-piaxis-deviation"].as_array().into_iter().flatten() {
            deviations += 1;
            check(&place, deviation["from"].as_str().unwrap());
            assert!(
                !words(deviation, "says").is_empty() && !words(deviation, "reason").is_empty(),
                "{place}: {deviation}"
            );
            let known = ["from", "says", "reason", "mentions"];
            assert!(
                deviation.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())),
                "{place}: {deviation}"
            );
        }
    }
    assert!(deviations > 20, "{deviations}");
}

#[test]
fn every_example_fits_its_schema() {
    let contract = contract();
    let mut checked = 0;
    for (place, node) in all_nodes(&contract) {
        let schema = node.get("schema").unwrap_or(node);
        let named = node["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
        for example in node.get("example").into_iter().chain(named) {
            let errors = misfits(&contract, schema, example);
            assert!(errors.is_empty(), "{place}: {errors:#?}");
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}
