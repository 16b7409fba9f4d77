//! Parameters: those of a path count for each of its operations.

use serde_json::Value;

use super::{Comparison, Sides, operation::Operation, way};
use crate::diff::{
    change::Level,
    normalise::{Node, View, peel, resolve},
    rules,
};

/// Keys of parameters and of headers.
pub(super) const KNOWN: [&str; 14] = [
    "name",
    "in",
    "description",
    "required",
    "deprecated",
    "allowEmptyValue",
    "style",
    "explode",
    "allowReserved",
    "schema",
    "content",
    "example",
    "examples",
    "$ref",
];

/// The parameters of one operation.
pub(super) struct Parameters<'a> {
    list: Vec<(String, Node<'a>)>,
}

impl<'a> Parameters<'a> {
    pub(super) fn of(root: &'a Value, operation: &Operation<'a>) -> Self {
        let mut list: Vec<(String, Node<'a>)> = Vec::new();
        // Those of the operation come first and hide those of its path.
        for node in operation.node.items("parameters").into_iter().chain(operation.path.items("parameters")) {
            let node = resolve(root, &node);
            let key = key(&node, &operation.name);
            if !list.iter().any(|(other, _)| *other == key) {
                list.push((key, node));
            }
        }
        Self { list }
    }

    fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.list.iter().find(|(other, _)| other == key).map(|(_, node)| node)
    }
}

/// What makes a parameter the same: its place and name; in a path the position counts, not the name.
fn key(node: &Node<'_>, operation: &str) -> String {
    let name = node.text("name");
    match node.text("in") {
        "header" => format!("header {}", name.to_lowercase()),
        "path" => {
            let at =
                operation.split('{').position(|piece| piece.split_once('}').is_some_and(|(inner, _)| inner == name));
            at.map_or_else(|| format!("path {name}"), |at| format!("path {at}"))
        }
        place => format!("{place} {name}"),
    }
}

/// How a parameter is written into a request when nothing is said.
fn encoding(root: &Value, node: &Node<'_>) -> Encoding {
    let place = node.text("in");
    let default = if matches!(place, "query" | "cookie") { "form" } else { "simple" };
    let style = Some(node.text("style")).filter(|style| !style.is_empty()).unwrap_or(default).to_owned();
    let explode = node.value.get("explode").and_then(Value::as_bool).unwrap_or(style == "form");
    let kinds = node.child("schema").and_then(|schema| View::of(root, &peel(root, &schema).node).kinds());
    let plain = |kind: &str| matches!(kind, "string" | "integer" | "number" | "boolean");
    Encoding {
        style,
        explode,
        reserved: node.is("allowReserved"),
        media: media_type(node).map(str::to_owned),
        plain: kinds.is_some_and(|kinds| kinds.iter().all(|(kind, _)| plain(kind))),
    }
}

struct Encoding {
    style: String,
    explode: bool,
    reserved: bool,
    media: Option<String>,
    /// A plain value is written in the same way, exploded or not.
    plain: bool,
}

impl Encoding {
    fn same(&self, other: &Self) -> bool {
        (&self.style, self.reserved, &self.media) == (&other.style, other.reserved, &other.media)
            && (self.explode == other.explode || self.plain || other.plain)
    }
}

/// The media type of a parameter or a header that has one.
fn media_type<'a>(node: &Node<'a>) -> Option<&'a str> {
    node.children("content").first().map(|(kind, _)| *kind)
}

/// Whether the value of a parameter or a header is written as text, and not in a media type.
pub(super) fn is_text(node: &Node<'_>) -> bool {
    node.value.get("content").is_none()
}

/// The schema of a parameter or a header, in whichever way it is given.
pub(super) fn schema_of<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    let content = || node.children("content").first().and_then(|(_, media)| media.child("schema"));
    node.child("schema").or_else(content)
}

/// What is said of parameters that come, go, or must be there.
struct Words {
    removed: &'static str,
    removed_optional: &'static str,
    added: &'static str,
    added_optional: &'static str,
    required: &'static str,
    optional: &'static str,
}

impl Words {
    fn of(sent: bool) -> &'static Self {
        if sent { &RECEIVED } else { &SENT }
    }
}

/// We send them.
static SENT: Words = Words {
    removed: "parameter-removed",
    removed_optional: "parameter-removed",
    added: "required-parameter-added",
    added_optional: "optional-parameter-added",
    required: "parameter-became-required",
    optional: "parameter-became-optional",
};

/// They come with a callback or a webhook, as headers come with an answer.
static RECEIVED: Words = Words {
    removed: "required-response-header-removed",
    removed_optional: "optional-response-header-removed",
    added: "response-header-added",
    added_optional: "response-header-added",
    required: "response-header-became-required",
    optional: "response-header-became-optional",
};

impl<'a> Comparison<'a> {
    pub(super) fn parameters(
        &mut self,
        base: &Parameters<'a>,
        head: &Parameters<'a>,
        around: &Operation<'a>,
        operation: usize,
        sent: bool,
    ) {
        let words = Words::of(sent);
        for (key, old) in &base.list {
            match head.get(key) {
                Some(new) => self.parameter(old, new, operation, sent),
                None => {
                    let pointer =
                        around.node.child("parameters").map_or(around.node.pointer.clone(), |list| list.pointer);
                    let message = format!("the parameter {} is gone", told(old));
                    let id = if old.is("required") { words.removed } else { words.removed_optional };
                    self.note(id, Some(operation), Sides::removed(old, &pointer), message);
                }
            }
        }
        for (_, new) in head.list.iter().filter(|(key, _)| base.get(key).is_none()) {
            let (id, kind) = match new.is("required") {
                true => (words.added, "required"),
                false => (words.added_optional, "optional"),
            };
            let message = format!("the {kind} parameter {} is new", told(new));
            self.note(id, Some(operation), Sides::added(new), message);
        }
    }

    fn parameter(&mut self, old: &Node<'a>, new: &Node<'a>, operation: usize, sent: bool) {
        let words = Words::of(sent);
        let name = told(new);
        let is_path = new.text("in") == "path";
        let (was, is) = (old.is("required"), new.is("required"));
        if was != is && !is_path {
            let place = |node: &Node<'a>| node.child("required").unwrap_or_else(|| node.clone());
            let sides = Sides::both(&place(old), &place(new));
            let (id, kind) = match is {
                true => (words.required, "required"),
                false => (words.optional, "optional"),
            };
            self.note(id, Some(operation), sides, format!("the parameter {name} is {kind} now"));
        }
        let same = encoding(&self.base.value, old).same(&encoding(&self.head.value, new));
        if !same || old.is("allowEmptyValue") && !new.is("allowEmptyValue") {
            let message = format!("the parameter {name} is written into requests another way");
            self.note("parameter-encoding-changed", Some(operation), Sides::both(old, new), message);
        }
        let role = |node: &Node<'a>| node.text("x-piaxis-transport").to_owned();
        if role(old) != role(new) {
            let message = format!("the parameter {name} is of another use to the transport");
            self.note("transport-changed", Some(operation), Sides::both(old, new), message);
        }
        self.deprecation(old, new, &format!("the parameter {name}"), operation);
        self.unknown_keys(old, new, &KNOWN, Some(operation));
        let way = match (role(old).is_empty() || role(new).is_empty(), sent) {
            (_, true) => way::HEADER,
            (true, false) if is_text(old) && is_text(new) => way::TEXT,
            (true, false) => way::REQUEST,
            (false, false) => way::TRANSPORT,
        };
        let schemas = (schema_of(old), schema_of(new));
        if let (Some(one), Some(other), false) = (&schemas.0, &schemas.1, sent) {
            // What has to be there is never assumed.
            let wire = if was { Level::Patch } else { Level::Breaking };
            self.parameter_default(one, other, &name, operation, wire);
        }
        let unit = self.described((old, schemas.0), (new, schemas.1), way, operation, new.text("name"));
        // The default has been told of.
        self.defaults_told.extend(unit);
    }

    /// What the server assumes of a parameter that is left out.
    fn parameter_default(&mut self, old: &Node<'a>, new: &Node<'a>, name: &str, operation: usize, wire: Level) {
        let default = |root: &'a Value, node: &Node<'a>| {
            let peeled = peel(root, node);
            peeled.outer.get("default").cloned().or_else(|| peeled.node.child("default"))
        };
        let (was, is) = (default(&self.base.value, old), default(&self.head.value, new));
        let value = |node: &Option<Node<'a>>| node.as_ref().map(|node| node.value);
        if value(&was) != value(&is) {
            let shown = |node: &Option<Node<'a>>| value(node).map_or("nothing".to_owned(), Value::to_string);
            let message = format!("the default of the parameter {name} is {} in place of {}", shown(&is), shown(&was));
            let sides = Sides::both(was.as_ref().unwrap_or(old), is.as_ref().unwrap_or(new));
            let rule = rules::find("parameter-default-changed");
            self.note_as(rule.id, (wire.min(rule.wire), rule.rust), [operation].into(), sides, message);
        }
    }
}

fn told(node: &Node<'_>) -> String {
    format!("`{}` ({})", node.text("name"), node.text("in"))
}
