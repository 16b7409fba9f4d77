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
    node::Node,
    number::Exact,
};
use crate::contract::{pointer::unescape, resolve::LONGEST};

/// What may stand beside a reference without making another type.
pub(crate) const OUTER: [&str; 6] =
    ["default", "deprecated", "nullable", "readOnly", "writeOnly", "x-piaxis-transport"];

/// Keys of choices.
pub(crate) const CHOICES: [&str; 2] = ["oneOf", "anyOf"];

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

impl<'a> Peeled<'a> {
    /// Follows `$ref`, an `allOf` of one part, and a choice between something and null.
    pub(crate) fn of(node: &Node<'a>) -> Self {
        let (from, node) = (node.clone(), node.clone());
        let mut peeled = Self { from, node, name: None, outer: BTreeMap::new(), outer_null: false };
        for _ in 0..LONGEST {
            let here = peeled.node.clone();
            let is_reference = here.value.get("$ref").is_some();
            let next = match is_reference {
                true if asserts_beside(&here) => None,
                true => here.referred(),
                false => wrapped(&here),
            };
            let Some(next) = next else { break };
            if is_reference && peeled.name.is_none() {
                peeled.name = next.pointer.strip_prefix("/components/schemas/").map(unescape);
            }
            peeled.outer_null |= here.is("nullable") || !is_reference && has_null(&here);
            for (key, value) in outer(&here) {
                peeled.outer.entry(key).or_insert(value);
            }
            peeled.node = next;
        }
        peeled
    }

    /// A schema as its own wrapping.
    pub(crate) fn in_place(View { node, nullable, .. }: &View<'a>) -> Self {
        let (from, outer) = (node.clone(), outer(node).collect());
        Self { from, node: node.clone(), name: None, outer, outer_null: *nullable }
    }

    /// Whether there is any wrapping.
    pub(crate) fn is_wrapped(&self) -> bool {
        self.from.pointer != self.node.pointer
    }

    /// Whether the wrapping, or the schema in it, has a flag.
    pub(crate) fn is(&self, key: &str) -> bool {
        self.node.is(key) || self.outer.get(key).is_some_and(|flag| flag.value == &Value::Bool(true))
    }
}

fn outer<'a>(node: &Node<'a>) -> impl Iterator<Item = (&'static str, Node<'a>)> {
    OUTER.iter().filter_map(|key| Some((*key, node.child(key)?)))
}

/// Whether more is said beside a reference: OpenAPI 3.0 leaves that unread, 3.1 does not.
fn asserts_beside(node: &Node<'_>) -> bool {
    let plain = |key: &String| key == "$ref" || is_annotation(key) || OUTER.contains(&key.as_str());
    node.root["openapi"].as_str().is_some_and(|version| version.starts_with("3.1"))
        && node.value.as_object().is_some_and(|object| !object.keys().all(plain))
}

/// Keys that leave the set of values as it is.
pub(crate) fn is_annotation(key: &str) -> bool {
    const WORDS: [&str; 10] =
        ["description", "title", "example", "examples", "summary", "externalDocs", "xml", "$comment", "$schema", "$id"];
    WORDS.contains(&key) || key.starts_with("x-") && key != "x-extensible-enum"
}

/// Whether a list of words has a key.
pub(crate) fn lists(words: &str, key: &str) -> bool {
    words.split_ascii_whitespace().any(|word| word == key)
}

/// The only part of an `allOf` (or of a choice besides null) that says something.
fn wrapped<'a>(here: &Node<'a>) -> Option<Node<'a>> {
    let object = here.value.as_object()?;
    let key = ["allOf", "oneOf", "anyOf"].into_iter().find(|key| object.contains_key(*key))?;
    let plain = |(other, value): (&String, &Value)| {
        other == key
            || is_annotation(other)
            || OUTER.contains(&other.as_str())
            || key == "allOf" && other == "type" && value == "object"
    };
    let says = |part: &Node<'a>| if key == "allOf" { !only_annotations(part.value) } else { !is_null(part.value) };
    let mut saying = here.items(key).into_iter().filter(says);
    saying.next().filter(|_| saying.next().is_none() && object.iter().all(plain))
}

/// Whether a schema only says what documents need.
pub(crate) fn only_annotations(schema: &Value) -> bool {
    schema.as_object().is_some_and(|object| object.keys().all(|key| is_annotation(key) || key == "default"))
}

pub(crate) fn is_null(schema: &Value) -> bool {
    schema.get("const").is_some_and(Value::is_null)
        || schema.get("type").is_some_and(|kind| kind == "null")
        || schema.get("enum").and_then(Value::as_array).is_some_and(|values| values.as_slice() == [Value::Null])
}

/// Whether null is one of the values that a schema itself allows.
fn has_null(node: &Node<'_>) -> bool {
    node.is("nullable")
        || node.items("type").iter().any(|kind| kind.value == "null")
        || CHOICES.iter().any(|key| node.items(key).iter().any(|part| is_null(part.value)))
}

/// What a schema is of whose only value is null.
static NULL: LazyLock<Value> = LazyLock::new(|| Value::String("null".to_owned()));

/// JSON types, each with its format.
pub(crate) type Kinds<'a> = BTreeSet<(&'a str, &'a str)>;

/// A schema with all parts of its `allOf` in one.
#[derive(Debug, Default)]
pub(crate) struct View<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) facts: BTreeMap<&'a str, Node<'a>>,
    pub(crate) properties: BTreeMap<&'a str, Node<'a>>,
    /// Names, each with the item of the list that has it.
    pub(crate) required: BTreeMap<&'a str, Node<'a>>,
    /// Names or texts of the parts.
    pub(crate) parts: BTreeSet<String>,
    /// What parts say of a key that another part says otherwise.
    pub(crate) besides: BTreeSet<String>,
    pub(crate) nullable: bool,
    pub(crate) has_all_of: bool,
}

impl<'a> View<'a> {
    pub(crate) fn of(node: &Node<'a>) -> Self {
        let mut view = Self { node: node.clone(), nullable: has_null(node), ..Self::default() };
        // A part that several others share is the same part.
        let mut seen = HashSet::new();
        let mut open = vec![node.clone()];
        while let Some(node) = open.pop() {
            if seen.insert(node.pointer.clone()) {
                view.add(&node, &mut open);
            }
        }
        view
    }

    /// The schema behind the wrapping of a node.
    pub(crate) fn behind(node: &Node<'a>) -> Self {
        Self::of(&Peeled::of(node).node)
    }

    /// Adds what one schema says by itself; its parts are left open.
    fn add(&mut self, node: &Node<'a>, open: &mut Vec<Node<'a>>) {
        let Self { facts, properties, besides, .. } = self;
        for (key, child) in node.entries() {
            match key {
                "allOf" | "$ref" => {}
                "properties" => {
                    for (name, property) in child.entries() {
                        merge(properties, besides, name, property, merge::closer);
                    }
                }
                "required" if child.value.is_array() => {
                    for name in child.list() {
                        if let Some(text) = name.value.as_str() {
                            self.required.entry(text).or_insert(name);
                        }
                    }
                }
                "const" if child.value.is_null() => {
                    merge(facts, besides, "type", node.with(child.pointer, &NULL), |_, _| None);
                }
                "const" => merge(facts, besides, "enum", child, |_, _| None),
                _ if is_annotation(key) || OUTER.contains(&key) => {
                    facts.entry(key).or_insert(child);
                }
                _ => merge(facts, besides, key, child, |one, other| merge::tightness(key, one, other)),
            }
        }
        let mut parts: Vec<Peeled<'a>> = node.items("allOf").iter().map(Peeled::of).collect();
        self.has_all_of |= !parts.is_empty();
        parts.extend(node.referred().map(|target| Peeled::of(&target)));
        for part in parts.into_iter().rev() {
            if !only_annotations(part.node.value) {
                self.parts.insert(part.name.unwrap_or_else(|| without_annotations(part.node.value)));
            }
            open.push(part.node);
        }
    }

    /// What a key says.
    pub(crate) fn fact(&self, key: &str) -> Option<&'a Value> {
        self.facts.get(key).map(|node| node.value)
    }

    /// The types that it allows; none when it allows any.
    pub(crate) fn kinds(&self) -> Option<Kinds<'a>> {
        if let Some(kind) = self.fact("type") {
            return Some(kinds_of(kind, self.fact("format")));
        }
        if let Some(parts) = CHOICES.iter().find_map(|key| self.choice_of_kinds(key)) {
            return Some(parts.iter().flat_map(|part| kinds_of(&part["type"], part.get("format"))).collect());
        }
        // FastAPI writes `properties` without a type now and then; the values are objects.
        (!self.properties.is_empty()).then(|| BTreeSet::from([("object", "")]))
    }

    /// Whether it allows a type.
    pub(crate) fn allows(&self, kind: &str) -> bool {
        self.kinds().is_none_or(|kinds| kinds.iter().any(|(other, _)| *other == kind))
    }

    /// The alternatives of a choice between plain types, of which `kinds` says it all.
    pub(crate) fn choice_of_kinds(&self, key: &str) -> Option<&'a Vec<Value>> {
        let is_plain = |part: &Value| {
            let plain = |key: &String| matches!(key.as_str(), "type" | "format") || is_annotation(key);
            part.as_object().is_some_and(|object| object.contains_key("type") && object.keys().all(plain))
        };
        let parts = self.fact(key)?.as_array()?;
        (!parts.is_empty() && self.fact("type").is_none() && parts.iter().all(is_plain)).then_some(parts)
    }
}

fn kinds_of<'a>(kind: &'a Value, format: Option<&'a Value>) -> Kinds<'a> {
    let format = format.and_then(Value::as_str).unwrap_or_default();
    let names = kind.as_array().into_iter().flatten().chain([kind]).filter_map(Value::as_str);
    names.filter(|name| *name != "null").map(|name| (name, format)).collect()
}

/// A schema as text, apart from what documents need: equal for equal schemas.
pub(crate) fn without_annotations(schema: &Value) -> String {
    /// Below a key that names things, every key is a name.
    fn strip(value: &Value, are_names: bool) -> Value {
        match value {
            Value::Object(object) => {
                let inner = |key| !are_names && lists("properties patternProperties dependentSchemas", key);
                let kept = object.iter().filter(|(key, _)| are_names || !is_annotation(key));
                let kept: BTreeMap<&String, Value> = kept.map(|(key, child)| (key, strip(child, inner(key)))).collect();
                Value::Object(kept.into_iter().map(|(key, child)| (key.clone(), child)).collect())
            }
            Value::Array(items) => items.iter().map(|item| strip(item, false)).collect(),
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
            let fits = |(key, value)| other.get(key).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(fits)
        }
        _ => one == other,
    }
}
