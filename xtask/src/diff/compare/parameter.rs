//! Parameters: those of a path count for each of its operations.

use serde_json::Value;

use super::{Comparison, Sides, operation::Operation, way};
use crate::diff::normalise::{Node, peel, resolve};

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
fn encoding(node: &Node<'_>) -> (String, bool, bool, bool) {
    let place = node.text("in");
    let default = if matches!(place, "query" | "cookie") { "form" } else { "simple" };
    let style = Some(node.text("style")).filter(|style| !style.is_empty()).unwrap_or(default).to_owned();
    let explode = node.value.get("explode").and_then(Value::as_bool).unwrap_or(style == "form");
    let kind = node.value["schema"]["type"].as_str().unwrap_or_default();
    // A plain value is written the same way in either case.
    let explode = explode && !matches!(kind, "string" | "integer" | "number" | "boolean");
    (style, explode, node.is("allowReserved"), node.child("content").is_some())
}

impl<'a> Comparison<'a> {
    pub(super) fn parameters(
        &mut self,
        base: &Parameters<'a>,
        head: &Parameters<'a>,
        around: &Operation<'a>,
        operation: usize,
    ) {
        for (key, old) in &base.list {
            match head.get(key) {
                Some(new) => self.parameter(old, new, operation),
                None => {
                    let pointer =
                        around.node.child("parameters").map_or(around.node.pointer.clone(), |list| list.pointer);
                    let message = format!("the parameter {} is gone", told(old));
                    self.note("parameter-removed", Some(operation), Sides::removed(old, &pointer), message);
                }
            }
        }
        for (_, new) in head.list.iter().filter(|(key, _)| base.get(key).is_none()) {
            let (id, words) = match new.is("required") {
                true => ("required-parameter-added", "required"),
                false => ("optional-parameter-added", "optional"),
            };
            let message = format!("the {words} parameter {} is new", told(new));
            self.note(id, Some(operation), Sides::added(new), message);
        }
    }

    pub(super) fn parameter(&mut self, old: &Node<'a>, new: &Node<'a>, operation: usize) {
        let name = told(new);
        let is_path = new.text("in") == "path";
        let (was, is) = (old.is("required"), new.is("required"));
        if was != is && !is_path {
            let place = |node: &Node<'a>| node.child("required").unwrap_or_else(|| node.clone());
            let sides = Sides::both(&place(old), &place(new));
            let (id, words) = match is {
                true => ("parameter-became-required", "required"),
                false => ("parameter-became-optional", "optional"),
            };
            self.note(id, Some(operation), sides, format!("the parameter {name} is {words} now"));
        }
        if encoding(old) != encoding(new) || old.is("allowEmptyValue") && !new.is("allowEmptyValue") {
            let message = format!("the parameter {name} is written into requests another way");
            self.note("parameter-encoding-changed", Some(operation), Sides::both(old, new), message);
        }
        let role = |node: &Node<'a>| node.text("x-piaxis-transport").to_owned();
        if role(old) != role(new) {
            let message = format!("the parameter {name} is of another use to the transport");
            self.note("transport-changed", Some(operation), Sides::both(old, new), message);
        }
        self.deprecation(old, new, &format!("the parameter {name}"), operation);
        let schema = |node: &Node<'a>| {
            let content = || node.children("content").into_iter().next().and_then(|(_, media)| media.child("schema"));
            node.child("schema").or_else(content)
        };
        let (one, other) = match (schema(old), schema(new)) {
            (Some(one), Some(other)) => (one, other),
            (None, None) => return,
            (one, other) => {
                let (id, words) = match other.is_some() {
                    true => ("request-type-narrowed", "has a schema now"),
                    false => ("request-type-widened", "has no schema any more"),
                };
                let sides = Sides::both(one.as_ref().unwrap_or(old), other.as_ref().unwrap_or(new));
                return self.note(id, Some(operation), sides, format!("the parameter {name} {words}"));
            }
        };
        self.parameter_default(&one, &other, &name, operation);
        let way = if role(old).is_empty() || role(new).is_empty() { way::REQUEST } else { way::TRANSPORT };
        let unit = self.unit(&one, &other, new.text("name"));
        // The default has been told of.
        if let Some(unit) = self.index.get(&(one.pointer.clone(), other.pointer.clone(), false)).copied() {
            self.defaults_told.insert(unit);
        }
        self.roots.push((Some(operation), way, unit));
    }

    /// What the server assumes of a parameter that is left out.
    fn parameter_default(&mut self, old: &Node<'a>, new: &Node<'a>, name: &str, operation: usize) {
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
            self.note("parameter-default-changed", Some(operation), sides, message);
        }
    }
}

fn told(node: &Node<'_>) -> String {
    format!("`{}` ({})", node.text("name"), node.text("in"))
}
