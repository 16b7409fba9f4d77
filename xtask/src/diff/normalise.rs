//! One way of seeing what can be written in several ways: `$ref` or inline, `allOf`, null, 3.0 or 3.1.
//!
//! The document stays as it is, so that every place keeps its pointer.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::LazyLock,
};

use serde_json::Value;

use super::{
    merge::{self, merge},
    number::Exact,
};
use crate::contract::{
    pointer::{escape, unescape},
    resolve::{LONGEST, target},
};

/// A place in a document.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) pointer: String,
    pub(crate) value: &'a Value,
}

impl<'a> Node<'a> {
    pub(crate) fn new(pointer: impl Into<String>, value: &'a Value) -> Self {
        Self { pointer: pointer.into(), value }
    }

    /// What stands below a key.
    pub(crate) fn child(&self, key: &str) -> Option<Node<'a>> {
        self.value.get(key).map(|value| Node::new(format!("{}/{}", self.pointer, escape(key)), value))
    }

    /// The entries of the map below a key.
    pub(crate) fn children(&self, key: &str) -> Vec<(&'a str, Node<'a>)> {
        self.child(key).map(|child| child.entries()).unwrap_or_default()
    }

    /// The entries of a map.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Node<'a>)> {
        let object = self.value.as_object().into_iter().flatten();
        object
            .map(|(key, value)| (key.as_str(), Node::new(format!("{}/{}", self.pointer, escape(key)), value)))
            .collect()
    }

    /// The items of the list below a key.
    pub(crate) fn items(&self, key: &str) -> Vec<Node<'a>> {
        self.child(key).map(|child| child.list()).unwrap_or_default()
    }

    /// The items of a list.
    pub(crate) fn list(&self) -> Vec<Node<'a>> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items.map(|(at, value)| Node::new(format!("{}/{at}", self.pointer), value)).collect()
    }

    pub(crate) fn text(&self, key: &str) -> &'a str {
        self.value.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn is(&self, key: &str) -> bool {
        self.value.get(key).is_some_and(|value| value == &Value::Bool(true))
    }
}

/// Follows references of things that are no schemas: parameters, bodies, answers, headers.
pub(crate) fn resolve<'a>(root: &'a Value, node: &Node<'a>) -> Node<'a> {
    let mut node = node.clone();
    for _ in 0..LONGEST {
        match followed(root, &node) {
            Some(target) => node = target,
            None => break,
        }
    }
    node
}

fn followed<'a>(root: &'a Value, node: &Node<'a>) -> Option<Node<'a>> {
    let target = target(node.value)?;
    root.pointer(&target).map(|value| Node::new(target, value))
}

/// A schema without its wrapping.
#[derive(Debug, Clone)]
pub(crate) struct Peeled<'a> {
    /// The wrapping.
    pub(crate) from: Node<'a>,
    pub(crate) node: Node<'a>,
    /// The first schema of the components that it refers to: what its Rust type is called.
    pub(crate) name: Option<String>,
    /// What the wrapping says besides.
    pub(crate) outer: BTreeMap<&'a str, Node<'a>>,
    pub(crate) outer_null: bool,
}

impl Peeled<'_> {
    /// Whether there is any wrapping.
    pub(crate) fn is_wrapped(&self) -> bool {
        self.from.pointer != self.node.pointer
    }
}

/// What may stand beside a reference without making another type.
pub(crate) const OUTER: [&str; 6] =
    ["default", "deprecated", "nullable", "readOnly", "writeOnly", "x-piaxis-transport"];

/// Follows `$ref`, an `allOf` of one part, and a choice between something and null.
pub(crate) fn peel<'a>(root: &'a Value, node: &Node<'a>) -> Peeled<'a> {
    let (from, node) = (node.clone(), node.clone());
    let mut peeled = Peeled { from, node, name: None, outer: BTreeMap::new(), outer_null: false };
    for _ in 0..LONGEST {
        let here = peeled.node.clone();
        let reference = here.value.get("$ref").is_some();
        if reference && asserts_beside(root, &here) {
            break;
        }
        let next = if reference { followed(root, &here) } else { wrapped(&here) };
        let Some((next, null)) = next.map(|next| (next, !reference && has_null(&here))) else { break };
        if reference && peeled.name.is_none() {
            peeled.name = next.pointer.strip_prefix("/components/schemas/").map(unescape);
        }
        for key in OUTER {
            if let Some(value) = here.child(key) {
                peeled.outer_null |= key == "nullable" && value.value == &Value::Bool(true);
                peeled.outer.entry(key).or_insert(value);
            }
        }
        peeled.outer_null |= null;
        peeled.node = next;
    }
    peeled
}

/// Whether more is said beside a reference: OpenAPI 3.0 leaves that unread, 3.1 does not.
fn asserts_beside(root: &Value, node: &Node<'_>) -> bool {
    let plain = |key: &String| key == "$ref" || is_annotation(key) || OUTER.contains(&key.as_str());
    root["openapi"].as_str().is_some_and(|version| version.starts_with("3.1"))
        && node.value.as_object().is_some_and(|object| !object.keys().all(plain))
}

/// Whether a schema is put together from others.
pub(crate) fn is_composed(node: &Node<'_>) -> bool {
    ["allOf", "$ref"].iter().any(|key| node.value.get(key).is_some())
}

/// Keys that leave the set of values as it is.
pub(crate) fn is_annotation(key: &str) -> bool {
    matches!(
        key,
        "description"
            | "title"
            | "example"
            | "examples"
            | "summary"
            | "externalDocs"
            | "xml"
            | "$comment"
            | "$schema"
            | "$id"
    ) || key.starts_with("x-") && key != "x-extensible-enum"
}

/// The only part of an `allOf` (or of a choice besides null) that says something.
fn wrapped<'a>(here: &Node<'a>) -> Option<Node<'a>> {
    let object = here.value.as_object()?;
    let key = ["allOf", "oneOf", "anyOf"].into_iter().find(|key| object.contains_key(*key))?;
    let plain = |other: &String| other == key || is_annotation(other) || OUTER.contains(&other.as_str());
    let fits_object = |other: &String| other == "type" && object.get("type").is_some_and(|kind| kind == "object");
    if !object.keys().all(|other| plain(other) || key == "allOf" && fits_object(other)) {
        return None;
    }
    let parts = here.items(key);
    let says = |part: &&Node<'a>| match key {
        "allOf" => !only_annotations(part.value),
        _ => !is_null(part.value),
    };
    let mut saying = parts.iter().filter(says);
    match (saying.next(), saying.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    }
}

/// Whether a schema only says what documents need.
pub(crate) fn only_annotations(schema: &Value) -> bool {
    schema.as_object().is_some_and(|object| object.keys().all(|key| is_annotation(key) || key == "default"))
}

pub(crate) fn is_null(schema: &Value) -> bool {
    schema.get("const").is_some_and(Value::is_null)
        || schema.get("type").is_some_and(|kind| kind == "null")
        || schema.get("enum").and_then(Value::as_array).is_some_and(|values| values.len() == 1 && values[0].is_null())
}

/// Whether null is one of the values that a schema itself allows.
pub(crate) fn has_null(node: &Node<'_>) -> bool {
    let kinds = node.value.get("type").and_then(Value::as_array);
    node.is("nullable")
        || kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
        || ["oneOf", "anyOf"].iter().any(|key| node.items(key).iter().any(|part| is_null(part.value)))
}

/// What a schema is of whose only value is null.
static NULL: LazyLock<Value> = LazyLock::new(|| Value::String("null".to_owned()));

/// A schema with all parts of its `allOf` in one.
#[derive(Debug, Default)]
pub(crate) struct View<'a> {
    pub(crate) facts: BTreeMap<&'a str, Node<'a>>,
    pub(crate) properties: BTreeMap<&'a str, Node<'a>>,
    /// Names, each with the list that has it.
    pub(crate) required: BTreeMap<&'a str, String>,
    /// Names or texts of the parts.
    pub(crate) parts: BTreeSet<String>,
    /// What parts say of a key that another part says otherwise.
    pub(crate) besides: BTreeSet<String>,
    pub(crate) nullable: bool,
    pub(crate) has_all_of: bool,
}

impl<'a> View<'a> {
    pub(crate) fn of(root: &'a Value, node: &Node<'a>) -> Self {
        let mut view = View { nullable: has_null(node), ..View::default() };
        // A part that several others share is the same part.
        let mut seen = HashSet::new();
        let mut open = vec![node.clone()];
        while let Some(node) = open.pop() {
            if seen.insert(node.pointer.clone()) {
                view.add(root, &node, &mut open);
            }
        }
        view
    }

    /// Adds what one schema says by itself; its parts are left open.
    fn add(&mut self, root: &'a Value, node: &Node<'a>, open: &mut Vec<Node<'a>>) {
        let mut own = false;
        for (key, child) in node.entries() {
            match key {
                "allOf" | "$ref" => continue,
                "properties" => {
                    for (name, property) in child.entries() {
                        merge(&mut self.properties, &mut self.besides, name, property, merge::closer);
                    }
                }
                "required" if child.value.is_array() => {
                    for name in node.items("required") {
                        if let Some(text) = name.value.as_str() {
                            self.required.entry(text).or_insert(name.pointer);
                        }
                    }
                }
                "const" if child.value.is_null() => {
                    let null = Node::new(child.pointer, &NULL);
                    merge(&mut self.facts, &mut self.besides, "type", null, |_, _| None);
                }
                "const" => merge(&mut self.facts, &mut self.besides, "enum", child, |_, _| None),
                _ if is_annotation(key) || OUTER.contains(&key) => {
                    self.facts.entry(key).or_insert(child);
                }
                _ => merge(&mut self.facts, &mut self.besides, key, child, |one, other| {
                    merge::tightness(key, one, other)
                }),
            }
            own |= !is_annotation(key) && !OUTER.contains(&key) && key != "type";
        }
        let mut parts: Vec<Peeled<'a>> = node.items("allOf").iter().map(|part| peel(root, part)).collect();
        self.has_all_of |= !parts.is_empty();
        parts.extend(followed(root, node).map(|target| peel(root, &target)));
        for part in parts.into_iter().rev() {
            if !only_annotations(part.node.value) {
                self.parts.insert(part.name.unwrap_or_else(|| without_annotations(part.node.value)));
            }
            open.push(part.node);
        }
        if own {
            self.parts.insert("itself".to_owned());
        }
    }

    /// What a key says.
    pub(crate) fn fact(&self, key: &str) -> Option<&'a Value> {
        self.facts.get(key).map(|node| node.value)
    }

    /// The JSON types, each with its format, that it allows; none when it allows any.
    pub(crate) fn kinds(&self) -> Option<BTreeSet<(String, String)>> {
        let format = self.fact("format").and_then(Value::as_str).unwrap_or_default();
        if let Some(kind) = self.fact("type") {
            return Some(kinds_of(kind, format));
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(parts) = self.fact(key).and_then(Value::as_array).filter(|parts| is_list_of_kinds(parts)) {
                let mut kinds = BTreeSet::new();
                for part in parts {
                    let format = part.get("format").and_then(Value::as_str).unwrap_or_default();
                    kinds.extend(kinds_of(part.get("type").unwrap_or(&Value::Null), format));
                }
                return Some(kinds);
            }
        }
        // FastAPI writes `properties` without a type now and then; the values are objects.
        (!self.properties.is_empty()).then(|| BTreeSet::from([("object".to_owned(), String::new())]))
    }

    /// Whether the choice is between plain types, and `kinds` says it all.
    pub(crate) fn is_choice_of_kinds(&self, key: &str) -> bool {
        self.fact("type").is_none()
            && self.fact(key).and_then(Value::as_array).is_some_and(|parts| is_list_of_kinds(parts))
    }
}

fn is_list_of_kinds(parts: &[Value]) -> bool {
    let plain = |part: &Value| {
        let object = part.as_object();
        object.is_some_and(|object| {
            object.contains_key("type")
                && object.keys().all(|key| matches!(key.as_str(), "type" | "format") || is_annotation(key))
        })
    };
    !parts.is_empty() && parts.iter().all(plain)
}

fn kinds_of(kind: &Value, format: &str) -> BTreeSet<(String, String)> {
    let names: Vec<&str> = match kind {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    names.into_iter().filter(|name| *name != "null").map(|name| (name.to_owned(), format.to_owned())).collect()
}

/// A schema as text, apart from what documents need: equal for equal schemas.
pub(crate) fn without_annotations(schema: &Value) -> String {
    /// Below a key that names things, every key is a name.
    fn strip(value: &Value, names: bool) -> Value {
        match value {
            Value::Object(object) => {
                let kept = object.iter().filter(|(key, _)| names || !is_annotation(key));
                let inner =
                    |key: &str| !names && matches!(key, "properties" | "patternProperties" | "dependentSchemas");
                let mut kept: Vec<(String, Value)> =
                    kept.map(|(key, child)| (key.clone(), strip(child, inner(key)))).collect();
                kept.sort_by(|one, other| one.0.cmp(&other.0));
                Value::Object(kept.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| strip(item, false)).collect()),
            other => other.clone(),
        }
    }
    strip(schema, false).to_string()
}

/// Numbers are equal by value: 1 is 1.0.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => Exact::of(one) == Exact::of(other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}
