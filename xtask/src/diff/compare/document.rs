//! What belongs to the whole document: names of schemas, servers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Comparison, Sides, way};
use crate::diff::{
    change::Level,
    normalise::{Node, same, without_annotations},
    rules, rust_api,
};

/// Keys of the root that are compared, each on its own.
const KNOWN: [&str; 12] = [
    "openapi",
    "info",
    "servers",
    "paths",
    "components",
    "security",
    "tags",
    "externalDocs",
    "webhooks",
    "jsonSchemaDialect",
    "$schema",
    "$id",
];
/// Extensions of schemas that are the typed data of terms, and what they are.
const TERMS: [(&str, &str); 2] = [("x-piaxis-term-type", "evidence"), ("x-piaxis-term-data", "data")];
/// Parts of the components that are compared where they are used, or on their own.
const COMPONENTS: [&str; 11] = [
    "schemas",
    "responses",
    "parameters",
    "examples",
    "requestBodies",
    "headers",
    "securitySchemes",
    "links",
    "callbacks",
    "pathItems",
    "mediaTypes",
];

impl<'a> Comparison<'a> {
    /// Names of schemas are names of Rust types.
    pub(crate) fn schemas(&mut self) {
        let of = |root: &Node<'a>| -> BTreeMap<&'a str, Node<'a>> {
            root.child("components").map(|node| node.children("schemas")).unwrap_or_default().into_iter().collect()
        };
        let (old, new) = (of(&self.base_root()), of(&self.head_root()));
        let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
        let mut fresh: BTreeMap<&str, &Node<'a>> =
            new.iter().filter(|(name, _)| !old.contains_key(*name)).map(|(name, node)| (*name, node)).collect();
        let level = |name: &str, id: &str| {
            let rule = rules::find(id);
            if rust_api::is_generated(name) { (rule.wire, rule.rust) } else { (Level::Patch, Level::None) }
        };
        let mut twins: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, node) in fresh.iter().rev() {
            twins.entry(without_annotations(node.value)).or_default().push(name);
        }
        for (name, schema) in gone {
            let twin = twins.get_mut(&without_annotations(schema.value)).and_then(Vec::pop);
            if let Some((other, node)) = twin.and_then(|other| fresh.remove_entry(other)) {
                let message = format!("the schema `{name}` is called `{other}` now");
                self.note_as(
                    "schema-renamed",
                    level(name, "schema-renamed"),
                    BTreeSet::new(),
                    Sides::both(schema, node),
                    message,
                );
                continue;
            }
            let sides = Sides::removed(schema, "/components/schemas");
            let message = format!("the schema `{name}` is gone");
            self.note_as("schema-removed", level(name, "schema-removed"), BTreeSet::new(), sides, message);
        }
        for (name, node) in fresh {
            let message = format!("the schema `{name}` is new");
            self.note_as("schema-added", level(name, "schema-added"), BTreeSet::new(), Sides::added(node), message);
            self.note_evidence(node);
        }
        for (name, one) in &old {
            let Some(other) = new.get(name) else { continue };
            let unit = self.unit(one, other, name);
            // The typed data of terms is sent as data of no schema, so no operation leads to it.
            if TERMS.iter().any(|(key, _)| one.value.get(key).is_some()) {
                self.roots.push((None, way::REQUEST, unit));
            }
        }
    }

    fn note_evidence(&mut self, node: &Node<'a>) {
        for (key, what) in TERMS {
            if let Some(term) = node.child(key) {
                let message = format!("there is typed {what} for {}", term.value);
                self.note("term-type-added", None, Sides::added(&term), message);
            }
        }
    }

    pub(crate) fn root(&mut self) {
        let (base, head) = (self.base_root(), self.head_root());
        self.unknown_keys(&base, &head, &KNOWN, None);
        let part = |node: &Node<'a>| node.child("components").unwrap_or_else(|| Node::new("/components", &Value::Null));
        self.unknown_keys(&part(&base), &part(&head), &COMPONENTS, None);
    }

    /// Tells of keys that no comparison knows: extensions of others in one entry, all else in one each.
    pub(super) fn unknown_keys(&mut self, base: &Node<'a>, head: &Node<'a>, known: &[&str], operation: Option<usize>) {
        let keys: BTreeSet<&str> = base.entries().into_iter().chain(head.entries()).map(|(key, _)| key).collect();
        let mut extensions = Vec::new();
        for key in keys.into_iter().filter(|key| !known.contains(key)) {
            let (old, new) = (base.child(key), head.child(key));
            let equal = matches!((&old, &new), (Some(old), Some(new)) if same(old.value, new.value));
            let is_extension = key.starts_with("x-");
            // Below a dot, some tools keep what YAML refers to.
            if equal || key.starts_with('.') || is_extension && !rust_api::is_unknown_extension(key) {
                continue;
            }
            let sides = Sides::both(old.as_ref().unwrap_or(base), new.as_ref().unwrap_or(head));
            let id = if is_extension { rust_api::extension_rule(key) } else { "unclassified" };
            if id == "extension-changed" {
                extensions.push((format!("`{key}`"), sides));
            } else {
                self.note(id, operation, sides, format!("`{key}` is another"));
            }
        }
        let names: Vec<&str> = extensions.iter().map(|(name, _)| name.as_str()).collect();
        let (message, sides) = match extensions.as_slice() {
            [] => return,
            [(name, sides)] => (format!("{name} is another"), sides.clone()),
            _ => (format!("{} are others", names.join(", ")), Sides::both(base, head)),
        };
        self.note("extension-changed", operation, sides, message);
    }

    pub(crate) fn servers(&mut self) {
        let url = |server: &Node<'a>| server.text("url").trim_end_matches('/').to_owned();
        let (old, new) = (self.base_root().items("servers"), self.head_root().items("servers"));
        let environment = |server: &Node<'a>| server.text("x-piaxis-environment").to_owned();
        let mut told = BTreeSet::new();
        for one in old.iter().filter(|server| !environment(server).is_empty()) {
            let name = environment(one);
            match new.iter().find(|other| environment(other) == name) {
                Some(other) if url(one) != url(other) => {
                    told.extend([one.pointer.clone(), other.pointer.clone()]);
                    let message = format!("{name} is at {} in place of {}", url(other), url(one));
                    self.note("environment-address-changed", None, Sides::both(one, other), message);
                }
                Some(_) => {}
                None => {
                    told.insert(one.pointer.clone());
                    let message = format!("there is no server of the environment {name} any more");
                    self.note("environment-removed", None, Sides::removed(one, "/servers"), message);
                }
            }
        }
        for other in new.iter().filter(|server| !environment(server).is_empty()) {
            if !old.iter().any(|one| environment(one) == environment(other)) {
                told.insert(other.pointer.clone());
                let message = format!("there is a server of the environment {}", environment(other));
                self.note("environment-added", None, Sides::added(other), message);
            }
        }
        for one in old.iter().filter(|one| !new.iter().any(|other| url(one) == url(other))) {
            if !told.contains(&one.pointer) {
                let message = format!("the server {} is gone", url(one));
                self.note("server-removed", None, Sides::removed(one, "/servers"), message);
            }
        }
        for one in &old {
            let Some(other) = new.iter().find(|other| url(one) == url(other)) else { continue };
            let variables = |server: &Node<'a>| server.child("variables").unwrap_or_else(|| server.clone());
            let (was, is) = (variables(one), variables(other));
            if one.value.get("variables").map(without_annotations)
                != other.value.get("variables").map(without_annotations)
            {
                let message = format!("variables of the server {} are others", url(one));
                self.note("server-variables-changed", None, Sides::both(&was, &is), message);
            }
        }
        for other in new.iter().filter(|other| !old.iter().any(|one| url(one) == url(other))) {
            if !told.contains(&other.pointer) {
                self.note("server-added", None, Sides::added(other), format!("the server {} is new", url(other)));
            }
        }
    }
}
