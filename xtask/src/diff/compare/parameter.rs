//! Parameters: those of a path count for each of its operations.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Comparison,
    Entry::{Both, Gone, New},
    Sides, matched,
    operation::{Operation, Operations},
    schema::changed,
    way,
};
use crate::diff::{
    change::Level,
    normalise::{Node, View, peel, resolve},
    rules,
};

/// Keys of parameters and of headers with a comparison of their own.
pub(super) const KNOWN: &str = "name in description required deprecated allowEmptyValue style explode allowReserved \
    schema content example examples $ref";

/// A parameter, and the item of a list that is or refers to it.
struct Parameter<'a> {
    item: Node<'a>,
    node: Node<'a>,
}

impl Parameter<'_> {
    /// Whether a list has the same reference: then the shared parameter changed, and not the list.
    fn is_shared(&self, others: &[&Node<'_>]) -> bool {
        self.item.value.get("$ref").is_some() && others.iter().any(|other| other.value == self.item.value)
    }
}

/// The parameters of an operation by their identity.
fn parameters<'a>(root: &'a Value, operation: &Operation<'a>) -> BTreeMap<String, Parameter<'a>> {
    let mut found = BTreeMap::new();
    // Those of the operation override those of its path.
    for item in operation.node.items("parameters").into_iter().chain(operation.path.items("parameters")) {
        let node = resolve(root, &item);
        found.entry(key(&node, &operation.name)).or_insert(Parameter { item, node });
    }
    found
}

/// What identifies a parameter: its place and name, or its position in a path.
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

/// How a parameter is written into a request, with the defaults of OpenAPI.
fn is_written_alike((base_root, old): (&Value, &Node<'_>), (head_root, new): (&Value, &Node<'_>)) -> bool {
    let written = |node: &Node<'_>| {
        let default = if matches!(node.text("in"), "query" | "cookie") { "form" } else { "simple" };
        let style = Some(node.text("style")).filter(|style| !style.is_empty()).unwrap_or(default).to_owned();
        let explode = node.value.get("explode").and_then(Value::as_bool).unwrap_or(style == "form");
        let media = node.children("content").first().map(|(kind, _)| (*kind).to_owned());
        ((style, node.is("allowReserved"), media), explode)
    };
    // A plain value is written the same way, exploded or not.
    let is_plain = |root: &Value, node: &Node<'_>| {
        let kinds = node.value.get("schema").and_then(|schema| {
            let schema = Node::new("", schema);
            View::of(root, &peel(root, &schema).node).kinds()
        });
        kinds.is_some_and(|kinds| kinds.iter().all(|(kind, _)| !matches!(kind.as_str(), "array" | "object")))
    };
    let ((was, was_exploded), (is, is_exploded)) = (written(old), written(new));
    was == is
        && (was_exploded == is_exploded || is_plain(base_root, old) || is_plain(head_root, new))
        && (!old.is("allowEmptyValue") || new.is("allowEmptyValue"))
}

/// Whether the value of a parameter or a header is text, and not encoded in a media type.
pub(super) fn is_text(node: &Node<'_>) -> bool {
    node.value.get("content").is_none()
}

/// The schema of a parameter or a header, by either key.
pub(super) fn schema_of<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    let content = || node.children("content").first().and_then(|(_, media)| media.child("schema"));
    node.child("schema").or_else(content)
}

impl<'a> Comparison<'a> {
    pub(super) fn parameters(&mut self, pair: &Operations<'a>) {
        let old = parameters(&self.base.value, &pair.base);
        let new = parameters(&self.head.value, &pair.head);
        let items = |operation: &Operation<'a>| {
            let lists = [&operation.node, &operation.path].map(|node| node.items("parameters"));
            lists.concat()
        };
        let (old_items, new_items) = (items(&pair.base), items(&pair.head));
        let (old_items, new_items): (Vec<&Node<'a>>, Vec<&Node<'a>>) =
            (old_items.iter().collect(), new_items.iter().collect());
        for (_, entry) in matched(old, new) {
            match entry {
                Both(old, new) => self.parameter(&old.node, &new.node, pair.number),
                Gone(old) => {
                    let head = &pair.head.node;
                    let sides = match old.is_shared(&new_items) {
                        true => Sides::removed(&old.node, &old.node.pointer),
                        false => Sides::removed(&old.item, &Sides::list(head, "parameters")),
                    };
                    let message = format!("parameter {} removed", told(&old.node));
                    self.note("parameter-removed", pair.number, sides, message);
                }
                New(new) => {
                    let (id, kind) = match new.node.is("required") {
                        true => ("required-parameter-added", "required"),
                        false => ("optional-parameter-added", "optional"),
                    };
                    let node = if new.is_shared(&old_items) { &new.node } else { &new.item };
                    let message = format!("{kind} parameter {} added", told(&new.node));
                    self.note(id, pair.number, Sides::added(node), message);
                }
            }
        }
    }

    fn parameter(&mut self, old: &Node<'a>, new: &Node<'a>, operation: usize) {
        let name = told(new);
        if new.text("in") != "path" {
            self.presence(
                old,
                new,
                ["parameter-became-required", "parameter-became-optional"],
                operation,
                &format!("parameter {name}"),
            );
        }
        if !is_written_alike((&self.base.value, old), (&self.head.value, new)) {
            let message = format!("encoding of the parameter {name} changed");
            self.note("parameter-encoding-changed", operation, Sides::both(old, new), message);
        }
        self.transport(old, new, operation, &format!("parameter {name}"));
        self.deprecation(old, new, &format!("parameter {name}"), operation);
        self.unknown_keys(old, new, KNOWN, operation);
        let is_argument = |node: &Node<'a>| node.text("x-piaxis-transport").is_empty();
        let way = match is_argument(old) || is_argument(new) {
            true if is_text(old) && is_text(new) => way::TEXT,
            true => way::REQUEST,
            false => way::TRANSPORT,
        };
        let (one, other) = (schema_of(old), schema_of(new));
        if let (Some(one), Some(other)) = (&one, &other) {
            // A required parameter is never left out.
            let wire = if old.is("required") { Level::Patch } else { Level::Breaking };
            self.parameter_default(one, other, &name, operation, wire);
        }
        let unit = self.described((old, one), (new, other), way, operation, new.text("name"));
        self.defaults_done.extend(unit);
    }

    /// `required` of a parameter, a body or a header; the ids are for required and for optional.
    pub(super) fn presence(
        &mut self,
        old: &Node<'a>,
        new: &Node<'a>,
        [required, optional]: [&'static str; 2],
        operation: impl Into<Option<usize>>,
        name: &str,
    ) {
        let (id, word) = match (old.is("required"), new.is("required")) {
            (false, true) => (required, "required"),
            (true, false) => (optional, "optional"),
            _ => return,
        };
        self.note(id, operation, Sides::at(old, new, "required"), format!("{name} became {word}"));
    }

    /// What the transport does with a header.
    pub(super) fn transport(
        &mut self,
        old: &Node<'a>,
        new: &Node<'a>,
        operation: impl Into<Option<usize>>,
        name: &str,
    ) {
        const KEY: &str = "x-piaxis-transport";
        if old.text(KEY) != new.text(KEY) {
            self.note("transport-changed", operation, Sides::both(old, new), format!("`{KEY}` of the {name} changed"));
        }
    }

    /// The value that the server assumes without the parameter.
    fn parameter_default(&mut self, old: &Node<'a>, new: &Node<'a>, name: &str, operation: usize, wire: Level) {
        let default = |root: &'a Value, node: &Node<'a>| {
            let peeled = peel(root, node);
            peeled.outer.get("default").cloned().or_else(|| peeled.node.child("default"))
        };
        let (was, is) = (default(&self.base.value, old), default(&self.head.value, new));
        let value = |node: &Option<Node<'a>>| node.as_ref().map(|node| node.value);
        if value(&was) != value(&is) {
            let message = changed("default", name.trim_matches('`'), was.as_ref(), is.as_ref());
            let sides = Sides::both(was.as_ref().unwrap_or(old), is.as_ref().unwrap_or(new));
            let rule = rules::find("parameter-default-changed");
            self.note_as(rule.id, (wire.min(rule.wire), rule.rust), [operation], sides, message);
        }
    }
}

fn told(node: &Node<'_>) -> String {
    format!("`{}` ({})", node.text("name"), node.text("in"))
}
