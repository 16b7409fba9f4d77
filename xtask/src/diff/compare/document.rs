//! The whole document: names of schemas, servers, unknown keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Comparison,
    Entry::{Both, Gone, New},
    Sides, matched,
    schema::lists,
    way,
};
use crate::diff::{
    change::Level,
    normalise::{Node, same, without_annotations},
    rules, rust_api,
};

/// Keys of the root with a comparison of their own.
const KNOWN: &str = "openapi info servers paths components security tags externalDocs jsonSchemaDialect $schema $id";
/// Extensions of schemas for the typed data of terms.
const TERMS: [(&str, &str); 2] = [("x-piaxis-term-type", "evidence"), ("x-piaxis-term-data", "data")];
/// Parts of the components that are compared where they are used, or on their own.
const COMPONENTS: &str = "schemas responses parameters examples requestBodies headers securitySchemes links callbacks \
    pathItems mediaTypes";

impl<'a> Comparison<'a> {
    /// Names of schemas are names of Rust types.
    pub(super) fn schemas(&mut self) {
        let of = |root: &Node<'a>| -> BTreeMap<&'a str, Node<'a>> {
            root.child("components").map(|node| node.children("schemas")).unwrap_or_default().into_iter().collect()
        };
        let (old, mut new) = (of(&self.base_root()), of(&self.head_root()));
        let mut gone = Vec::new();
        for (name, one) in old {
            let Some(other) = new.remove(name) else {
                gone.push((name, one));
                continue;
            };
            let unit = self.unit(&one, &other, name);
            // Typed data of terms is sent as data without a schema, so no operation refers to it.
            if TERMS.iter().any(|(key, _)| one.value.get(key).is_some()) {
                self.roots.push((None, way::REQUEST, unit));
            }
        }
        let mut twins: HashMap<String, Vec<&str>> = HashMap::new();
        for (name, node) in new.iter().rev() {
            twins.entry(without_annotations(node.value)).or_default().push(name);
        }
        for (name, one) in gone {
            let twin = twins.get_mut(&without_annotations(one.value)).and_then(Vec::pop);
            if let Some((other, node)) = twin.and_then(|twin| new.remove_entry(twin)) {
                let message = format!("schema `{name}` renamed to `{other}`");
                self.note_schema("schema-renamed", name, Sides::both(&one, &node), message);
            } else {
                let sides = Sides::removed(&one, "/components/schemas");
                self.note_schema("schema-removed", name, sides, format!("schema `{name}` removed"));
            }
        }
        for (name, node) in new {
            self.note_schema("schema-added", name, Sides::added(&node), format!("schema `{name}` added"));
            for (key, what) in TERMS {
                if let Some(term) = node.child(key) {
                    let message = format!("typed {what} for {} added", term.value);
                    self.note("term-type-added", None, Sides::added(&term), message);
                }
            }
        }
    }

    fn note_schema(&mut self, id: &'static str, name: &str, sides: Sides, message: String) {
        let rule = rules::find(id);
        let levels = if rust_api::is_generated(name) { (rule.wire, rule.rust) } else { (Level::Patch, Level::None) };
        self.note_as(id, levels, None, sides, message);
    }

    pub(super) fn root(&mut self) {
        self.unknown_keys(&self.base_root(), &self.head_root(), KNOWN, None);
        let (base, head) = self.root_parts("components");
        self.unknown_keys(&base, &head, COMPONENTS, None);
    }

    /// Reports keys without a comparison: each on its own, but foreign extensions in one change.
    pub(super) fn unknown_keys(
        &mut self,
        base: &Node<'a>,
        head: &Node<'a>,
        known: &str,
        operation: impl Into<Option<usize>>,
    ) {
        let operation = operation.into();
        let mut extensions = Vec::new();
        let keys = |node: &Node<'a>| node.value.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        let all: BTreeSet<&str> = keys(base).chain(keys(head)).filter(|key| !lists(known, key)).collect();
        for key in all {
            let values = (base.value.get(key), head.value.get(key));
            let equal = matches!(values, (Some(old), Some(new)) if same(old, new));
            let is_extension = key.starts_with("x-");
            // Some tools keep YAML anchors below keys with a dot.
            let is_silent = key.starts_with('.') || is_extension && !rust_api::is_unknown_extension(key);
            if equal || is_silent {
                continue;
            }
            let sides = Sides::at(base, head, key);
            let id = if is_extension { rust_api::extension_rule(key) } else { "unclassified" };
            if id == "extension-changed" {
                extensions.push((format!("`{key}`"), sides));
            } else {
                self.note(id, operation, sides, format!("`{key}` changed"));
            }
        }
        let names: Vec<&str> = extensions.iter().map(|(name, _)| name.as_str()).collect();
        let message = format!("{} changed", names.join(", "));
        let sides = match extensions.as_slice() {
            [] => return,
            [(_, sides)] => sides.clone(),
            _ => Sides::both(base, head),
        };
        self.note("extension-changed", operation, sides, message);
    }

    /// Servers of an environment are matched by it, all others by their URL.
    pub(super) fn servers(&mut self) {
        const KEY: &str = "x-piaxis-environment";
        let url = |server: &Node<'a>| server.text("url").trim_end_matches('/').to_owned();
        let of = |root: Node<'a>| -> BTreeMap<(&'a str, String), Node<'a>> {
            let id = |server: &Node<'a>| match server.text(KEY) {
                "" => ("", url(server)),
                environment => (environment, String::new()),
            };
            root.items("servers").into_iter().map(|server| (id(&server), server)).collect()
        };
        let (old, new) = (of(self.base_root()), of(self.head_root()));
        for ((environment, _), entry) in matched(old, new) {
            let what = |server: &Node<'a>| match environment {
                "" => format!("server {}", url(server)),
                environment => format!("server of the environment {environment}"),
            };
            let id = |known: &'static str, plain: &'static str| if environment.is_empty() { plain } else { known };
            match entry {
                Gone(one) => {
                    let sides = Sides::removed(&one, "/servers");
                    self.note(
                        id("environment-removed", "server-removed"),
                        None,
                        sides,
                        format!("{} removed", what(&one)),
                    );
                }
                New(other) => {
                    let id = id("environment-added", "server-added");
                    self.note(id, None, Sides::added(&other), format!("{} added", what(&other)));
                }
                Both(one, other) => {
                    if url(&one) != url(&other) {
                        let message =
                            format!("URL of the {} changed from {} to {}", what(&one), url(&one), url(&other));
                        self.note("environment-address-changed", None, Sides::both(&one, &other), message);
                    }
                    self.unknown_keys(&one, &other, "url description", None);
                }
            }
        }
    }
}
