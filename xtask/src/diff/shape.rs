//! The one table of what may stand where in a document.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

use self::Shape::*;
use super::normalise::lists;

/// What a map of OpenAPI is, such as `operation`; `names` is a map of other things.
pub(super) type Kind = &'static str;

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Anything: data, words, and what no rule knows.
    Data,
    /// Nothing may stand here, for the reason given.
    Refused(&'static str),
    Flag,
    Number,
    FlagOrNumber,
    Count,
    Text,
    Texts,
    TextOrTexts,
    List,
    FlagOrList,
    Map,
    /// Where a parameter stands.
    Location,
    /// Sets of credentials.
    Credentials,
    One(Kind),
    Many(Kind),
    Named(Kind),
}

/// Kinds of maps, keys that they have, and what stands there.
const SHAPES: &[(&str, &str, Shape)] = &[
    ("root", "x-piaxis-common-headers", Many("parameter")),
    ("root", "x-piaxis-webhooks", One("webhooks")),
    ("root", "paths", One("paths")),
    ("root", "webhooks", Named("item")),
    ("root", "components", One("components")),
    ("root", "info", Map),
    ("root", "tags", List),
    ("root operation", "security", Credentials),
    ("root item operation", "servers", Many("server")),
    ("components webhooks", "schemas payloads envelopes", Named("schema")),
    ("components", "pathItems", Named("item")),
    ("components", "responses", Named("response")),
    ("components", "parameters", Named("parameter")),
    ("components", "requestBodies", Named("body")),
    ("components response encoding", "headers", Named("header")),
    ("components", "securitySchemes", Named("scheme")),
    ("components response", "links", Named("link")),
    ("components operation", "callbacks", Named("callback")),
    ("webhooks", "schema", One("schema")),
    ("webhooks", "headers events", Map),
    ("item", "get put post delete options head patch trace", One("operation")),
    ("item operation", "parameters", Many("parameter")),
    ("item", "summary description", Data),
    ("operation", "operationId", Text),
    ("operation", "tags", Texts),
    ("operation", "requestBody", One("body")),
    ("operation", "responses", One("responses")),
    ("operation parameter header schema", "deprecated", Flag),
    ("parameter", "name", Text),
    ("parameter", "in", Location),
    ("parameter header body", "required", Flag),
    ("parameter header encoding", "explode allowReserved allowEmptyValue", Flag),
    ("parameter header encoding", "style", Text),
    ("parameter header media", "schema", One("schema")),
    ("parameter header body response", "content", Named("media")),
    ("media", "encoding", Named("encoding")),
    ("encoding", "contentType", Text),
    ("schema", "x-extensible-enum", FlagOrList),
    ("schema", "type", TextOrTexts),
    ("schema", "format pattern contentEncoding contentMediaType", Text),
    ("schema", "nullable readOnly writeOnly uniqueItems", Flag),
    ("schema", "maximum minimum multipleOf", Number),
    ("schema", "exclusiveMaximum exclusiveMinimum", FlagOrNumber),
    ("schema", "maxLength minLength maxItems minItems maxProperties minProperties maxContains minContains", Count),
    ("schema", "required", Texts),
    ("schema", "enum", List),
    ("schema", "properties patternProperties dependentSchemas $defs definitions", Named("schema")),
    ("schema", "allOf anyOf oneOf prefixItems", Many("schema")),
    ("schema", "items additionalProperties not if then else contains contentSchema", One("schema")),
    ("schema", "propertyNames unevaluatedItems unevaluatedProperties", One("schema")),
    ("schema", "dependentRequired", Map),
    ("schema", "discriminator", One("discriminator")),
    ("discriminator", "propertyName", Text),
    ("discriminator", "mapping", Map),
    ("scheme", "flows", Map),
    ("scheme", "type name in scheme bearerFormat openIdConnectUrl", Text),
    ("server", "url", Text),
    ("server", "variables", Named("variable")),
    ("variable", "default", Text),
    ("variable", "enum", Texts),
];

/// The rows by kind and key.
static BY_KEY: LazyLock<HashMap<(&str, &str), Shape>> = LazyLock::new(|| {
    let mut shapes = HashMap::new();
    for (kinds, keys, shape) in SHAPES {
        shapes.extend(kinds.split(' ').flat_map(|kind| keys.split(' ').map(move |key| ((kind, key), *shape))));
    }
    shapes
});

/// Whether a reference to another may stand in the place of such a map.
pub(super) fn may_refer(kind: Kind) -> bool {
    lists("item parameter body response header link callback schema scheme", kind)
}

impl Shape {
    /// What stands below a key of a map.
    pub(super) fn below(kind: Kind, key: &str) -> Self {
        if let Some(shape) = BY_KEY.get(&(kind, key)) {
            return *shape;
        }
        match kind {
            _ if kind == "names" || key == "$ref" || key.starts_with("x-") => Data,
            "paths" | "callback" => One("item"),
            "responses" if is_status(key) => One("response"),
            "responses" => Refused("it is no status"),
            "item" if !key.starts_with('.') => Refused("it is no method"),
            _ => Data,
        }
    }

    /// What a value should be, where it is not.
    pub(super) fn wanted(self, value: &Value) -> Option<&'static str> {
        let are_texts = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
        let is_set = |set: &Value| set.as_object().is_some_and(|set| set.values().all(are_texts));
        let (fits, wanted) = match self {
            Data => (true, ""),
            Refused(why) => (false, why),
            Flag => (value.is_boolean(), "it should be `true` or `false`"),
            Number => (value.is_number(), "it should be a number"),
            FlagOrNumber => (value.is_number() || value.is_boolean(), "it should be a number, or a flag"),
            Count => (
                value.as_f64().is_some_and(|number| number >= 0.0 && number.fract() == 0.0),
                "it should be a whole number from 0 on",
            ),
            Text => (value.is_string(), "it should be text"),
            Texts => (are_texts(value), "it should be a list of texts"),
            TextOrTexts => {
                (value.is_string() || are_texts(value) && value[0].is_string(), "it should be text, or several")
            }
            List | Many(_) => (value.is_array(), "it should be a list"),
            FlagOrList => (value.is_array() || value.is_boolean(), "it should be a list"),
            One("schema") => (value.is_object() || value.is_boolean(), "it should be a schema"),
            Map | One(_) | Named(_) => (value.is_object(), "it should be a map"),
            Location => (
                value.as_str().is_some_and(|word| ["query", "header", "path", "cookie"].contains(&word)),
                "it should be one of query, header, path, cookie",
            ),
            Credentials => {
                (value.as_array().is_some_and(|sets| sets.iter().all(is_set)), "it should be a list of maps of lists")
            }
        };
        (!fits).then_some(wanted)
    }
}

fn is_status(key: &str) -> bool {
    let rest = key.strip_prefix(|first| matches!(first, '1'..='5')).unwrap_or_default();
    let is_number = rest.len() == 2 && rest.bytes().all(|digit| digit.is_ascii_digit());
    key == "default" || is_number || rest.eq_ignore_ascii_case("XX")
}
