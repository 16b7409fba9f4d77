//! Paths and operations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Comparison,
    Entry::{Both, Gone, New},
    Sides, gone_and_more, matched,
};
use crate::diff::normalise::{Node, resolve, without_annotations};

pub(super) const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Keys of an operation with a comparison of their own; all others are documentation, extensions or unknown.
const KNOWN: &str = "operationId tags parameters requestBody responses callbacks deprecated security servers summary description \
    externalDocs $ref";

/// Keys of a path with a comparison of their own.
const PATH: &str = "get put post delete options head patch trace parameters servers summary description $ref";

/// An operation in one document, with its path.
pub(super) struct Operation<'a> {
    pub(super) name: String,
    pub(super) path: Node<'a>,
    pub(super) node: Node<'a>,
}

/// An operation in both documents.
pub(super) struct Operations<'a> {
    pub(super) base: Operation<'a>,
    pub(super) head: Operation<'a>,
    /// Index in the list of operations.
    pub(super) number: usize,
}

impl Operations<'_> {
    pub(super) fn name(&self) -> &str {
        &self.head.name
    }
}

/// A path without the names of its parameters; `/files/{a}.{b}` keeps the text between them.
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
    pub(super) fn paths(&mut self) {
        // Paths are the same where they differ in names of parameters only.
        let operations = |root: &'a Value, paths: &Node<'a>| {
            let mut found = BTreeMap::new();
            for (path, item) in paths.entries() {
                let item = resolve(root, &item);
                for method in METHODS {
                    let Some(node) = item.child(method) else { continue };
                    let name = format!("{} {path}", method.to_uppercase());
                    found.insert((plain_path(path), method), Operation { name, path: item.clone(), node });
                }
            }
            found
        };
        let (base, head) = self.root_parts("paths");
        let (old, new) = (operations(&self.base.value, &base), operations(&self.head.value, &head));
        for (_, entry) in matched(old, new) {
            let number = self.operations.len();
            let (Gone(named) | New(named) | Both(_, named)) = &entry;
            self.operations.push(named.name.clone());
            match entry {
                Both(base, head) => self.operation(&Operations { base, head, number }),
                Gone(old) => {
                    let remaining = self.head.value.pointer(&old.path.pointer);
                    let around = remaining.map_or(&head.pointer, |_| &old.path.pointer);
                    let message = format!("operation {} removed", old.name);
                    self.note("operation-removed", number, Sides::removed(&old.node, around), message);
                }
                New(new) => {
                    let message = format!("operation {} added", new.name);
                    self.note("operation-added", number, Sides::added(&new.node), message);
                }
            }
        }
    }

    fn operation(&mut self, pair: &Operations<'a>) {
        let (base, head) = (&pair.base.node, &pair.head.node);
        self.operation_names(pair);
        self.parameters(pair);
        self.request_body(pair);
        self.responses(pair);
        self.security(pair);
        self.callbacks(pair);
        self.behaviour(pair);
        self.unknown_keys(base, head, KNOWN, pair.number);
        self.unknown_keys(&pair.base.path, &pair.head.path, PATH, pair.number);
    }

    fn operation_names(&mut self, pair: &Operations<'a>) {
        let (base, head, name) = (&pair.base.node, &pair.head.node, pair.name());
        match (base.child("operationId"), head.child("operationId")) {
            (Some(old), Some(new)) if old.value != new.value => {
                let message = format!("operationId of {name} changed from {} to {}", old.value, new.value);
                self.note("operation-id-changed", pair.number, Sides::both(&old, &new), message);
            }
            (Some(old), None) => {
                let message = format!("operationId of {name} removed");
                self.note("operation-id-removed", pair.number, Sides::removed(&old, &head.pointer), message);
            }
            (None, Some(new)) => {
                let message = format!("operationId {} of {name} added", new.value);
                self.note("operation-id-added", pair.number, Sides::added(&new), message);
            }
            _ => {}
        }
        let (old, new) = (base.items("tags"), head.items("tags"));
        let rest = |tags: &[Node<'a>]| tags.iter().skip(1).map(|tag| tag.value.to_string()).collect::<BTreeSet<_>>();
        let sides = Sides::at(base, head, "tags");
        match (old.first(), new.first()) {
            (Some(one), Some(other)) if one.value != other.value => {
                let message = format!("first tag of {name} changed from {} to {}", one.value, other.value);
                self.note("tag-changed", pair.number, Sides::both(one, other), message);
            }
            (Some(one), None) => {
                let message = format!("tag {} of {name} removed", one.value);
                self.note("tag-changed", pair.number, Sides::removed(one, &head.pointer), message);
            }
            (None, Some(_)) => self.note("tag-added", pair.number, sides, format!("tag of {name} added")),
            _ if rest(&old) != rest(&new) => {
                self.note("tags-changed", pair.number, sides, format!("tags of {name} after the first changed"));
            }
            _ => {}
        }
        self.deprecation(base, head, &format!("operation {name}"), pair.number);
    }

    pub(super) fn deprecation(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str, operation: usize) {
        if base.is("deprecated") != head.is("deprecated") {
            let words = if head.is("deprecated") { "deprecated" } else { "no longer deprecated" };
            let sides = Sides::at(base, head, "deprecated");
            self.note("deprecation-changed", operation, sides, format!("{name} is {words}"));
        }
    }

    /// Callbacks are compared as a whole, apart from their links: the API has webhooks instead.
    fn callbacks(&mut self, pair: &Operations<'a>) {
        const KEY: &str = "callbacks";
        let both = |of: fn(&Value) -> String| {
            [&pair.base.node, &pair.head.node].map(|node| node.value.get(KEY).map(of)).map(Option::unwrap_or_default)
        };
        let [old, new] = both(without_annotations);
        let [old_facts, new_facts] = both(|value| without_annotations(&without_links(value)));
        if old != new {
            let id = if old_facts == new_facts { "links-changed" } else { "unclassified" };
            let sides = Sides::at(&pair.base.node, &pair.head.node, KEY);
            self.note(id, pair.number, sides, format!("`{KEY}` of {} changed", pair.name()));
        }
    }

    /// Extensions that change the behaviour of the crate or its methods, and servers.
    fn behaviour(&mut self, pair: &Operations<'a>) {
        let (one, other, name) = (&pair.base.node, &pair.head.node, pair.name());
        for (key, id) in [
            ("x-piaxis-idempotent", "retry-changed"),
            ("x-piaxis-never-retried", "retry-changed"),
            ("x-piaxis-query", "query-struct-changed"),
        ] {
            if one.value.get(key) != other.value.get(key) {
                self.note(id, pair.number, Sides::at(one, other, key), format!("`{key}` of {name} changed"));
            }
        }
        let servers =
            |operation: &Operation<'a>| operation.node.child("servers").or_else(|| operation.path.child("servers"));
        let (old, new) = (servers(&pair.base), servers(&pair.head));
        let urls = |node: &Option<Node<'a>>| -> Vec<&'a str> {
            node.iter().flat_map(Node::list).map(|server| server.text("url")).collect()
        };
        if urls(&old) != urls(&new) {
            let sides = Sides::both(old.as_ref().unwrap_or(one), new.as_ref().unwrap_or(other));
            self.note("operation-servers-changed", pair.number, sides, format!("servers of {name} changed"));
        }
        self.methods(pair);
    }

    /// Without the extension, the method is named after the operationId, which is compared on its own.
    fn methods(&mut self, pair: &Operations<'a>) {
        const KEY: &str = "x-piaxis-methods";
        let (one, other, name) = (&pair.base.node, &pair.head.node, pair.name());
        let own = |node: &Node<'a>| {
            let tag = node.items("tags").first().and_then(|tag| tag.value.as_str()).unwrap_or_default();
            let method = node.text("operationId").strip_prefix(tag).map(|rest| rest.trim_start_matches('_'));
            Value::from(method.into_iter().collect::<Vec<_>>())
        };
        let (old, new) = (one.child(KEY), other.child(KEY));
        if old.is_none() && new.is_none() {
            return;
        }
        let (old_own, new_own) = (own(one), own(other));
        let (old, new) = (old.unwrap_or(Node::new("", &old_own)), new.unwrap_or(Node::new("", &new_own)));
        let (gone, more) = gone_and_more(&old, &new);
        for method in gone {
            let sides = Sides::removed(
                &Node::new(
                    format!("{}/{KEY}/{}", one.pointer, method.value.as_str().unwrap_or_default()),
                    method.value,
                ),
                &other.pointer,
            );
            self.note("method-removed", pair.number, sides, format!("method {} of {name} removed", method.value));
        }
        for method in more {
            let sides = Sides::added(&Node::new(format!("{}/{KEY}", other.pointer), method.value));
            self.note("method-added", pair.number, sides, format!("method {} of {name} added", method.value));
        }
    }
}

fn without_links(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let rest = map.iter().filter(|(key, _)| *key != "links");
            rest.map(|(key, value)| (key.clone(), without_links(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_links).collect(),
        other => other.clone(),
    }
}
