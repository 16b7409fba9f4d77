//! What the generator makes of the contract: which differences code that compiled would notice.

use std::collections::BTreeSet;

use serde_json::Value;

use super::normalise::{Node, View, peel};
use crate::contract::pointer::{escape, unescape};

/// Extensions that are documents, or that nothing is generated from.
const SILENT: [&str; 9] = [
    "x-piaxis-source",
    "x-piaxis-sources",
    "x-piaxis-reason",
    "x-piaxis-deviation",
    "x-piaxis-value-sources",
    "x-piaxis-default-payout-fees",
    "x-piaxis-private-routes",
    "x-piaxis-missing-code",
    "x-piaxis-credentials",
];

/// Extensions that have a comparison of their own.
const COMPARED: [&str; 18] = [
    "x-extensible-enum",
    "x-piaxis-common-headers",
    "x-piaxis-environment",
    "x-piaxis-environment-variables",
    "x-piaxis-lookup",
    "x-piaxis-methods",
    "x-piaxis-payouts",
    "x-piaxis-personal",
    "x-piaxis-query",
    "x-piaxis-idempotent",
    "x-piaxis-never-retried",
    "x-piaxis-settled",
    "x-piaxis-succeeded",
    "x-piaxis-term-data",
    "x-piaxis-term-type",
    "x-piaxis-transport",
    "x-piaxis-webhooks",
    "x-codeSamples",
];

/// Whether no rule of its own says what an extension means.
pub(crate) fn is_unknown_extension(key: &str) -> bool {
    key.starts_with("x-") && !SILENT.contains(&key) && !COMPARED.contains(&key)
}

/// Our own extensions mean something, and one that is not known could mean anything.
pub(crate) fn extension_rule(key: &str) -> &'static str {
    if key.starts_with("x-piaxis-") { "unclassified" } else { "extension-changed" }
}

/// Words and sources; the generator makes comments of them at most.
pub(crate) fn is_documentation(key: &str) -> bool {
    matches!(key, "description" | "summary" | "title" | "example" | "examples" | "externalDocs" | "xml" | "$comment")
        || SILENT.contains(&key)
}

/// Whether a schema becomes a Rust type: bodies of failures do not.
pub(crate) fn is_generated(name: &str) -> bool {
    !name.starts_with("Error") && !name.ends_with("Issue")
}

/// The Rust type of a value, roughly: equal when the generator makes the same of both.
pub(crate) fn kind(kinds: &Option<BTreeSet<(String, String)>>) -> String {
    let Some(kinds) = kinds else { return "Value".to_owned() };
    let names: Vec<String> = kinds.iter().map(|(kind, format)| scalar(kind, format)).collect();
    names.join("|")
}

fn scalar(kind: &str, format: &str) -> String {
    let name = match (kind, format) {
        ("string", "date-time") => "Timestamp",
        ("string", "password") => "Secret",
        ("string", "date" | "uuid" | "ip" | "ipv4" | "ipv6" | "binary") => format,
        ("string", _) => "String",
        ("integer", "int8" | "uint8" | "int16" | "uint16" | "int32" | "uint32" | "uint64") => format,
        ("integer", _) => "i64",
        ("number", "float") => "f32",
        ("number", _) => "f64",
        (other, _) => other,
    };
    name.to_owned()
}

/// A field of a struct: whether it is an `Option`.
pub(crate) struct Field {
    optional: bool,
}

impl Field {
    pub(crate) fn of(root: &Value, node: &Node<'_>, required: bool) -> Self {
        let peeled = peel(root, node);
        let view = View::of(root, &peeled.node);
        let is_list = view.fact("type").is_some_and(|kind| kind == "array");
        let null = view.nullable || peeled.outer_null;
        let default = view.fact("default").is_some() || peeled.outer.contains_key("default");
        // A list that is missing is empty; what has a default is never missing.
        let optional = if is_list { null } else { !required && !default };
        Self { optional }
    }

    pub(crate) fn shape(&self) -> &'static str {
        if self.optional { "Option" } else { "value" }
    }
}

/// What becomes of a trait of a schema that makes methods or variants.
pub(crate) fn named_list_change(key: &str, old: Option<&Value>, new: Option<&Value>) -> Option<&'static str> {
    let words: [&'static str; 3] = match key {
        "x-piaxis-settled" => ["settled-added", "settled-removed", "settled-changed"],
        _ => ["term-type-added", "term-type-removed", "term-type-changed"],
    };
    let set = |value: &Value| -> BTreeSet<String> {
        let items = value.as_array().into_iter().flatten().map(Value::to_string);
        if value.is_array() { items.collect() } else { BTreeSet::from([value.to_string()]) }
    };
    match (old, new) {
        (None, Some(_)) => Some(words[0]),
        (Some(_), None) => Some(words[1]),
        (Some(old), Some(new)) if set(old) != set(new) => Some(words[2]),
        _ => None,
    }
}

/// The Rust type that a place is in, when it is in a schema of the components.
pub(crate) fn type_of(place: &str) -> Option<String> {
    place.strip_prefix("/components/schemas/")?.split('/').next().map(unescape)
}

/// The method of an operation such as `POST /payments/create`, when the document has it.
pub(crate) fn method(document: &Value, operation: &str) -> Option<String> {
    let (method, path) = operation.split_once(' ')?;
    let node = document.pointer(&format!("/paths/{}/{}", escape(path), method.to_lowercase()))?;
    let id = node.get("operationId")?.as_str()?;
    let tag = node.get("tags").and_then(|tags| tags.get(0)).and_then(Value::as_str).unwrap_or_default();
    match id.strip_prefix(tag).and_then(|rest| rest.strip_prefix('_')).filter(|_| !tag.is_empty()) {
        Some(name) => Some(format!("client.{tag}().{name}(…)")),
        None => Some(format!("client.raw().{id}(…)")),
    }
}
