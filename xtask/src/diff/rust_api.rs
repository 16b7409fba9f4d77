//! What the generator makes of the contract: which differences code that compiled would notice.

use serde_json::Value;

use super::{
    node::Node,
    normalise::{Kinds, Peeled, View, lists},
};
use crate::contract::pointer::{escape, unescape};

/// Extensions that are documents, or that nothing is generated from.
const SILENT: &str = "x-piaxis-source x-piaxis-sources x-piaxis-reason x-piaxis-deviation x-piaxis-value-sources \
    x-piaxis-default-payout-fees x-piaxis-private-routes x-piaxis-missing-code x-piaxis-credentials";

/// Extensions that have a comparison of their own.
const COMPARED: &str = "x-extensible-enum x-piaxis-common-headers x-piaxis-environment x-piaxis-environment-variables \
    x-piaxis-lookup x-piaxis-methods x-piaxis-payouts x-piaxis-personal x-piaxis-query x-piaxis-idempotent \
    x-piaxis-never-retried x-piaxis-settled x-piaxis-succeeded x-piaxis-term-data x-piaxis-term-type \
    x-piaxis-transport x-piaxis-webhooks x-codeSamples";

/// Whether no rule of its own says what an extension means.
pub(crate) fn is_unknown_extension(key: &str) -> bool {
    key.starts_with("x-") && !lists(SILENT, key) && !lists(COMPARED, key)
}

/// Our own extensions mean something, and one that is not known could mean anything.
pub(crate) fn extension_rule(key: &str) -> &'static str {
    if key.starts_with("x-piaxis-") { "unclassified" } else { "extension-changed" }
}

/// Words and sources; the generator makes comments of them at most.
pub(crate) fn is_documentation(key: &str) -> bool {
    lists("description summary title example examples externalDocs xml $comment", key) || lists(SILENT, key)
}

/// Whether a schema becomes a Rust type: bodies of failures do not.
pub(crate) fn is_generated(name: &str) -> bool {
    !name.starts_with("Error") && !name.ends_with("Issue")
}

/// The Rust type of a value, roughly: equal when the generator makes the same of both.
pub(crate) fn kind(kinds: Option<&Kinds<'_>>) -> String {
    let Some(kinds) = kinds else { return "Value".to_owned() };
    kinds.iter().map(|(kind, format)| scalar(kind, format)).collect::<Vec<_>>().join("|")
}

fn scalar<'a>(kind: &'a str, format: &'a str) -> &'a str {
    match (kind, format) {
        ("string", "date-time") => "Timestamp",
        ("string", "password") => "Secret",
        ("string", "date" | "uuid" | "ip" | "ipv4" | "ipv6" | "binary") => format,
        ("string", _) => "String",
        ("integer", "int8" | "uint8" | "int16" | "uint16" | "int32" | "uint32" | "uint64") => format,
        ("integer", _) => "i64",
        ("number", "float") => "f32",
        ("number", _) => "f64",
        (other, _) => other,
    }
}

/// Whether a field of a struct is an `Option`.
pub(crate) fn is_option(node: &Node<'_>, is_required: bool) -> bool {
    let peeled = Peeled::of(node);
    let view = View::of(&peeled.node);
    // A list that is missing is empty; what has a default is never missing.
    match view.fact("type").is_some_and(|kind| kind == "array") {
        true => view.nullable || peeled.outer_null,
        false => !is_required && view.fact("default").or(peeled.outer.get("default").map(|it| it.value)).is_none(),
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
