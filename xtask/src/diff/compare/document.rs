//! What belongs to the whole document: names of schemas, servers, security.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Comparison, Sides, operation::Operation, way};
use crate::diff::{
    change::Level,
    normalise::{Node, resolve, same, without_annotations},
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

/// A set of credentials: each scheme with its scopes.
type Credentials = BTreeMap<String, BTreeSet<String>>;

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
            // Evidence is sent as data of no schema, so no operation leads to it.
            if one.value.get("x-piaxis-term-type").is_some() {
                self.roots.push((None, way::REQUEST, unit));
            }
        }
    }

    fn note_evidence(&mut self, node: &Node<'a>) {
        if let Some(term) = node.child("x-piaxis-term-type") {
            let message = format!("there is typed evidence for {}", term.value);
            self.note("term-type-added", None, Sides::added(&term), message);
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
        for other in new.iter().filter(|other| !old.iter().any(|one| url(one) == url(other))) {
            if !told.contains(&other.pointer) {
                self.note("server-added", None, Sides::added(other), format!("the server {} is new", url(other)));
            }
        }
    }

    pub(super) fn security(&mut self, base: &Operation<'a>, head: &Operation<'a>, operation: usize) {
        let place = |root: Node<'a>, node: &Node<'a>| node.child("security").or_else(|| root.child("security"));
        let (old, new) = (place(self.base_root(), &base.node), place(self.head_root(), &head.node));
        let sets = |node: &Option<Node<'a>>| -> Vec<Credentials> {
            let list = node.as_ref().and_then(|node| node.value.as_array()).into_iter().flatten();
            list.map(|set| {
                let schemes = set.as_object().into_iter().flatten();
                let scopes = |value: &Value| {
                    value
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(|scope| scope.as_str().map(str::to_owned))
                        .collect()
                };
                schemes.map(|(scheme, value)| (scheme.clone(), scopes(value))).collect()
            })
            .collect()
        };
        let (was, is) = (sets(&old), sets(&new));
        if was == is {
            return;
        }
        // Whoever has one set of credentials that was enough must have one that is enough.
        let anybody = |sets: &[Credentials]| sets.is_empty() || sets.iter().any(BTreeMap::is_empty);
        let enough = |have: &Credentials, wanted: &Credentials| {
            wanted.iter().all(|(scheme, scopes)| have.get(scheme).is_some_and(|own| scopes.is_subset(own)))
        };
        let covered = |from: &[Credentials], to: &[Credentials]| {
            anybody(to) || !from.is_empty() && from.iter().all(|have| to.iter().any(|wanted| enough(have, wanted)))
        };
        let name = &head.name;
        let (id, words) = match (covered(&was, &is), covered(&is, &was)) {
            (true, true) => return,
            (true, false) => ("security-loosened", "takes credentials that it refused"),
            _ => ("security-tightened", "refuses credentials that were enough"),
        };
        let sides = Sides::new(old.as_ref(), Some(new.as_ref().unwrap_or(&head.node)));
        self.note(id, Some(operation), sides, format!("{name} {words}"));
    }

    pub(crate) fn security_schemes(&mut self) {
        let of = |root: &Node<'a>, document: &'a Value| -> BTreeMap<&'a str, Node<'a>> {
            let part = root.child("components").map(|node| node.children("securitySchemes")).unwrap_or_default();
            part.into_iter().map(|(name, scheme)| (name, resolve(document, &scheme))).collect()
        };
        let (old, new) = (of(&self.base_root(), &self.base.value), of(&self.head_root(), &self.head.value));
        let used = requirements(&self.base.value);
        for (name, one) in &old {
            let Some(other) = new.get(name) else {
                let id =
                    if used.contains(*name) { "security-scheme-removed" } else { "unused-security-scheme-removed" };
                let sides = Sides::removed(one, "/components/securitySchemes");
                self.note(id, None, sides, format!("the security scheme `{name}` is gone"));
                continue;
            };
            let text = |node: &Node<'a>, key: &str| node.text(key).to_lowercase();
            let moved = ["type", "in", "name", "scheme"].iter().any(|key| text(one, key) != text(other, key));
            let details = ["flows", "openIdConnectUrl", "bearerFormat"];
            let shown = |node: &Node<'a>, key: &str| node.value.get(key).map(without_annotations);
            if moved {
                let message = format!("the security scheme `{name}` wants something else");
                let rule = rules::find("security-scheme-changed");
                let wire = if used.contains(*name) { rule.wire } else { Level::Patch };
                self.note_as(rule.id, (wire, rule.rust), BTreeSet::new(), Sides::both(one, other), message);
            } else if details.iter().any(|key| shown(one, key) != shown(other, key)) {
                let message = format!("addresses or scopes of the security scheme `{name}` are others");
                self.note("security-scheme-details-changed", None, Sides::both(one, other), message);
            }
        }
        for (name, other) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            let message = format!("the security scheme `{name}` is new");
            self.note("security-scheme-added", None, Sides::added(other), message);
        }
    }
}

/// Names of the schemes that something requires.
fn requirements(root: &Value) -> BTreeSet<String> {
    let mut lists: Vec<&Value> = root.get("security").into_iter().collect();
    for item in root["paths"].as_object().into_iter().flatten().map(|(_, item)| item) {
        lists.extend(item.as_object().into_iter().flatten().filter_map(|(_, operation)| operation.get("security")));
    }
    let sets = lists.into_iter().flat_map(|list| list.as_array().into_iter().flatten());
    sets.flat_map(|set| set.as_object().into_iter().flatten().map(|(name, _)| name.clone())).collect()
}
