//! Paths and operations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Comparison, Sides, parameter::Parameters, value::gone_and_more};
use crate::diff::normalise::{Node, resolve};

pub(super) const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Keys of an operation that are compared; all others are documentation, extensions or unknown.
const KNOWN: [&str; 13] = [
    "operationId",
    "tags",
    "parameters",
    "requestBody",
    "responses",
    "callbacks",
    "deprecated",
    "security",
    "servers",
    "summary",
    "description",
    "externalDocs",
    "$ref",
];

/// Keys of a path besides the methods.
const PATH: [&str; 5] = ["parameters", "servers", "summary", "description", "$ref"];

/// An operation in one document, with the path that it stands at.
#[derive(Clone)]
pub(super) struct Operation<'a> {
    pub(super) name: String,
    pub(super) path: Node<'a>,
    pub(super) node: Node<'a>,
}

/// Every operation, by method and by what is the same of its path in both documents.
fn operations<'a>(
    root: &'a Value,
    paths: &Node<'a>,
    same: fn(&str) -> String,
) -> BTreeMap<(String, &'static str), Operation<'a>> {
    let mut found = BTreeMap::new();
    for (path, item) in paths.entries() {
        let item = resolve(root, &item);
        for method in METHODS {
            let Some(node) = item.child(method) else { continue };
            let name = format!("{} {path}", method.to_uppercase());
            let key = (same(path), method);
            found.entry(key).or_insert(Operation { name, path: item.clone(), node });
        }
    }
    found
}

/// A path without the names of its parameters; `/files/{a}.{b}` keeps what is between.
pub(in crate::diff) fn plain_path(path: &str) -> String {
    let mut plain = String::new();
    for (at, piece) in path.split('{').enumerate() {
        match piece.split_once('}') {
            Some((_, rest)) if at > 0 => {
                plain.push_str("{}");
                plain.push_str(rest);
            }
            _ => plain.push_str(piece),
        }
    }
    plain
}

impl<'a> Comparison<'a> {
    pub(crate) fn paths(&mut self) {
        let empty = &Value::Null;
        let (base_root, head_root) = (&self.base.value, &self.head.value);
        for key in ["paths", "webhooks"] {
            let of = |root: &Node<'a>| root.child(key).unwrap_or_else(|| Node::new(format!("/{key}"), empty));
            let (base, head) = (of(&self.base_root()), of(&self.head_root()));
            // What the server sends to a webhook travels the other way.
            let sent = key == "webhooks";
            let same = if sent { str::to_owned } else { plain_path };
            let (old, new) = (operations(base_root, &base, same), operations(head_root, &head, same));
            for (at, one) in &old {
                let operation = self.operation_number(new.get(at).map_or(&one.name, |other| &other.name));
                match new.get(at) {
                    Some(other) => self.operation(one, other, operation, sent),
                    None => {
                        let around = head
                            .value
                            .get(path_of(&one.name))
                            .map_or(head.pointer.clone(), |_| one.path.pointer.clone());
                        let message = format!("{} is gone", one.name);
                        self.note("operation-removed", Some(operation), Sides::removed(&one.node, &around), message);
                    }
                }
            }
            for (_, other) in new.iter().filter(|(at, _)| !old.contains_key(*at)) {
                let operation = self.operation_number(&other.name);
                let message = format!("{} is new", other.name);
                self.note("operation-added", Some(operation), Sides::added(&other.node), message);
            }
        }
    }

    fn operation_number(&mut self, name: &str) -> usize {
        self.operations.push(name.to_owned());
        self.operations.len() - 1
    }

    pub(super) fn operation(&mut self, base: &Operation<'a>, head: &Operation<'a>, operation: usize, sent: bool) {
        self.operation_names(base, head, operation);
        self.exchange(base, head, operation, sent);
        if !sent {
            self.security(base, head, operation);
        }
        self.callbacks(base, head, operation);
        self.behaviour(base, head, operation);
        self.unknown_keys(&base.node, &head.node, &KNOWN, Some(operation));
        self.unknown_keys(&base.path, &head.path, &[&METHODS[..], &PATH].concat(), Some(operation));
    }

    /// What goes to and fro: to a callback or a webhook it is the server that sends.
    fn exchange(&mut self, base: &Operation<'a>, head: &Operation<'a>, operation: usize, sent: bool) {
        let old = Parameters::of(&self.base.value, base);
        let new = Parameters::of(&self.head.value, head);
        self.parameters(&old, &new, head, operation, sent);
        self.request_body(base, head, operation, sent);
        self.responses(base, head, operation, sent);
    }

    fn operation_names(&mut self, base: &Operation<'a>, head: &Operation<'a>, operation: usize) {
        let name = &head.name;
        let ids = (base.node.child("operationId"), head.node.child("operationId"));
        match ids {
            (Some(old), Some(new)) if old.value != new.value => {
                let message = format!("the operationId of {name} is {} in place of {}", new.value, old.value);
                self.note("operation-id-changed", Some(operation), Sides::both(&old, &new), message);
            }
            (Some(old), None) => {
                let sides = Sides::removed(&old, &head.node.pointer);
                self.note(
                    "operation-id-removed",
                    Some(operation),
                    sides,
                    format!("{name} has no operationId any more"),
                );
            }
            (None, Some(new)) => {
                let message = format!("{name} has an operationId now: {}", new.value);
                self.note("operation-id-added", Some(operation), Sides::added(&new), message);
            }
            _ => {}
        }
        let tags = |node: &Node<'a>| node.items("tags");
        let (old, new) = (tags(&base.node), tags(&head.node));
        let place = |node: &Node<'a>| node.child("tags").unwrap_or_else(|| node.clone());
        let sides = Sides::both(&place(&base.node), &place(&head.node));
        match (old.first(), new.first()) {
            (Some(one), other) if other.is_none_or(|other| other.value != one.value) => {
                let now = other.map_or("nothing".to_owned(), |other| other.value.to_string());
                let message = format!("the first tag of {name} is {now} in place of {}", one.value);
                self.note("tag-changed", Some(operation), sides, message);
            }
            (None, Some(_)) => self.note("tag-added", Some(operation), sides, format!("{name} has a tag now")),
            _ => {
                let rest =
                    |tags: &[Node<'a>]| tags.iter().skip(1).map(|tag| tag.value.to_string()).collect::<BTreeSet<_>>();
                if rest(&old) != rest(&new) {
                    self.note(
                        "tags-changed",
                        Some(operation),
                        sides,
                        format!("{name} has other tags besides the first"),
                    );
                }
            }
        }
        self.deprecation(&base.node, &head.node, name, operation);
    }

    pub(super) fn deprecation(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str, operation: usize) {
        if base.is("deprecated") != head.is("deprecated") {
            let words = if head.is("deprecated") { "is deprecated now" } else { "is not deprecated any more" };
            let place = |node: &Node<'a>| node.child("deprecated").unwrap_or_else(|| node.clone());
            let sides = Sides::both(&place(base), &place(head));
            self.note("deprecation-changed", Some(operation), sides, format!("{name} {words}"));
        }
    }

    fn callbacks(&mut self, base: &Operation<'a>, head: &Operation<'a>, operation: usize) {
        let (base_root, head_root) = (&self.base.value, &self.head.value);
        let flat = |root: &'a Value, node: &Node<'a>| {
            let mut found = BTreeMap::new();
            for (name, callback) in node.children("callbacks") {
                for (key, called) in operations(root, &resolve(root, &callback), str::to_owned) {
                    found.insert((name.to_owned(), key), called);
                }
            }
            found
        };
        let (old, new) = (flat(base_root, &base.node), flat(head_root, &head.node));
        for (key, one) in &old {
            match new.get(key) {
                Some(other) => self.exchange(one, other, operation, true),
                None => {
                    let sides = Sides::removed(&one.node, &head.node.pointer);
                    let message = format!("the callback `{}` of {} is gone", key.0, head.name);
                    self.note("callback-removed", Some(operation), sides, message);
                }
            }
        }
        for (key, other) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
            let message = format!("the callback `{}` of {} is new", key.0, head.name);
            self.note("callback-added", Some(operation), Sides::added(&other.node), message);
        }
    }

    /// Extensions that change what the crate does or which methods it has.
    fn behaviour(&mut self, base: &Operation<'a>, head: &Operation<'a>, operation: usize) {
        let name = &head.name;
        let (one, other) = (&base.node, &head.node);
        let place = |node: &Node<'a>, key: &str| node.child(key).unwrap_or_else(|| node.clone());
        for key in ["x-piaxis-idempotent", "x-piaxis-never-retried"] {
            if one.value.get(key) != other.value.get(key) {
                let sides = Sides::both(&place(one, key), &place(other, key));
                self.note("retry-changed", Some(operation), sides, format!("{name}: `{key}` is another"));
            }
        }
        let servers =
            |operation: &Operation<'a>| operation.node.child("servers").or_else(|| operation.path.child("servers"));
        let (old, new) = (servers(base), servers(head));
        let urls = |node: &Option<Node<'a>>| -> Vec<&'a str> {
            let list = node.as_ref().and_then(|node| node.value.as_array()).into_iter().flatten();
            list.filter_map(|server| server.get("url").and_then(Value::as_str)).collect()
        };
        if urls(&old) != urls(&new) {
            let sides = Sides::both(old.as_ref().unwrap_or(one), new.as_ref().unwrap_or(other));
            self.note("operation-servers-changed", Some(operation), sides, format!("{name} is at other servers"));
        }
        if one.text("x-piaxis-query") != other.text("x-piaxis-query") {
            let key = "x-piaxis-query";
            let sides = Sides::both(&place(one, key), &place(other, key));
            self.note("query-struct-changed", Some(operation), sides, format!("{name}: `{key}` is another"));
        }
        // Without the extension the method is named after the operationId, which is compared by itself.
        let methods = |node: &Node<'a>| -> Vec<String> {
            let names: Vec<String> = node
                .items("x-piaxis-methods")
                .iter()
                .filter_map(|name| name.value.as_str().map(str::to_owned))
                .collect();
            let tag = node.items("tags").first().and_then(|tag| tag.value.as_str()).unwrap_or_default();
            let own = node.text("operationId").strip_prefix(tag).map(|rest| rest.trim_start_matches('_').to_owned());
            if names.is_empty() { own.into_iter().collect() } else { names }
        };
        if one.value.get("x-piaxis-methods").is_some() || other.value.get("x-piaxis-methods").is_some() {
            let (old, new) = (methods(one), methods(other));
            let sides = Sides::both(&place(one, "x-piaxis-methods"), &place(other, "x-piaxis-methods"));
            let (gone, more) = gone_and_more(&old, &new);
            if !gone.is_empty() {
                let message = format!("{name} no longer has the methods {}", gone.join(", "));
                self.note("method-removed", Some(operation), sides.clone(), message);
            }
            if !more.is_empty() {
                let message = format!("{name} also has the methods {}", more.join(", "));
                self.note("method-added", Some(operation), sides, message);
            }
        }
    }
}

fn path_of(name: &str) -> &str {
    name.split_once(' ').map_or(name, |(_, path)| path)
}
