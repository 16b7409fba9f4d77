//! The whole document: names of schemas, servers, unknown keys.

use super::*;

/// Keys of the root with a comparison of their own.
const KNOWN: &str = "openapi info servers paths components security tags externalDocs jsonSchemaDialect $schema $id";
/// Extensions of schemas for the typed data of terms.
const TERMS: [(&str, &str); 2] = [("x-piaxis-term-type", "evidence"), ("x-piaxis-term-data", "data")];
/// Parts of the components that are compared where they are used, or on their own.
const COMPONENTS: &str = "schemas responses parameters examples requestBodies headers securitySchemes links callbacks \
    pathItems mediaTypes";

/// Named parts of the components.
pub(super) type Named<'a> = BTreeMap<&'a str, Node<'a>>;

impl<'a> Comparison<'a> {
    /// Names of schemas are names of Rust types.
    pub(super) fn schemas(&mut self) {
        let (base, head) = self.parts("components");
        let (mut old, mut new): (Named<'a>, Named<'a>) = (base.children("schemas"), head.children("schemas"));
        for [(name, one), (other, node)] in renamed(&mut old, &mut new) {
            let message = format!("schema `{name}` renamed to `{other}`");
            self.note_schema("schema-renamed", name, both(&one, &node), message);
        }
        let (gone, more, both) = split(old, new);
        for (name, one, other) in both {
            let unit = self.unit(one.clone(), other, name.to_owned(), false);
            // Typed data of terms is sent as data without a schema, so no operation refers to it.
            if TERMS.iter().any(|(key, _)| one.value.get(key).is_some()) {
                self.roots.push((None, way::REQUEST, unit));
            }
        }
        for (name, one) in gone {
            let sides = removed(&one, &head.child_or_self("schemas"));
            self.note_schema("schema-removed", name, sides, format!("schema `{name}` removed"));
        }
        for (name, node) in more {
            self.note_schema("schema-added", name, added(&node), format!("schema `{name}` added"));
            for (key, what) in TERMS {
                if let Some(term) = node.child(key) {
                    self.note("term-type-added", added(&term), format!("typed {what} for {} added", term.value));
                }
            }
        }
    }

    fn note_schema(&mut self, id: &str, name: &str, sides: Sides, message: String) {
        let most = if rust_api::is_generated(name) { ANY } else { (Level::Patch, Level::None) };
        self.note_at_most(id, most, sides, message);
    }

    pub(super) fn root(&mut self) {
        self.unknown_keys(&self.base.clone(), &self.head.clone(), KNOWN);
        let (base, head) = self.parts("components");
        self.unknown_keys(&base, &head, COMPONENTS);
    }

    /// Reports keys without a comparison: each on its own, but foreign extensions in one change.
    pub(super) fn unknown_keys(&mut self, base: &Node<'a>, head: &Node<'a>, known: &str) {
        let mut extensions = Vec::new();
        let entries = [base, head].into_iter().flat_map(Node::entries);
        for key in entries.map(|(key, _)| key).filter(|key| !lists(known, key)).collect::<BTreeSet<_>>() {
            let equal =
                matches!((base.child(key), head.child(key)), (Some(old), Some(new)) if same(old.value, new.value));
            let is_extension = key.starts_with("x-");
            // Some tools keep YAML anchors below keys with a dot.
            let is_silent = key.starts_with('.') || is_extension && !rust_api::is_unknown_extension(key);
            if equal || is_silent {
                continue;
            }
            let id = if is_extension { rust_api::extension_rule(key) } else { "unclassified" };
            if id == "extension-changed" {
                extensions.push(key);
            } else {
                self.note(id, at(base, head, key), format!("`{key}` changed"));
            }
        }
        let sides = match extensions.as_slice() {
            [] => return,
            [key] => at(base, head, key),
            _ => both(base, head),
        };
        self.note("extension-changed", sides, format!("`{}` changed", extensions.join("`, `")));
    }

    /// Servers of an environment are matched by it, all others by their URL.
    pub(super) fn servers(&mut self) {
        let url = |server: &Node<'a>| server.text("url").trim_end_matches('/').to_owned();
        let servers = |root: &Node<'a>| -> BTreeMap<(&'a str, String), Node<'a>> {
            let id = |server: &Node<'a>| match server.text("x-piaxis-environment") {
                "" => ("", url(server)),
                environment => (environment, String::new()),
            };
            root.items("servers").into_iter().map(|server| (id(&server), server)).collect()
        };
        let described = |(environment, url): &(&'a str, String), _: &Node<'a>, _: &str| match *environment {
            "" => ("server", format!("server {url}")),
            name => ("environment", format!("server of the environment {name}")),
        };
        for ((environment, _), one, other) in
            self.matched(servers(&self.base), servers(&self.head), &self.head.part("servers"), described)
        {
            let (was, is) = (url(&one), url(&other));
            if was != is {
                let message = format!("URL of the server of the environment {environment} changed from {was} to {is}");
                self.note("environment-address-changed", both(&one, &other), message);
            }
            self.unknown_keys(&one, &other, "url description");
        }
    }
}

/// Removes what only has another name: entries of only one map with the same content.
pub(super) fn renamed<'a>(old: &mut Named<'a>, new: &mut Named<'a>) -> Vec<[(&'a str, Node<'a>); 2]> {
    let only = |these: &Named<'a>, others: &Named<'a>| -> Vec<(&'a str, String)> {
        let only = these.iter().filter(|(name, _)| !others.contains_key(*name));
        only.map(|(name, node)| (*name, without_annotations(node.value))).collect()
    };
    let mut twins: HashMap<String, Vec<&str>> = HashMap::new();
    for (name, content) in only(new, old).into_iter().rev() {
        twins.entry(content).or_default().push(name);
    }
    let gone = only(old, new);
    let twin = |(name, content): (&'a str, String)| {
        let other = twins.get_mut(&content)?.pop()?;
        Some([old.remove_entry(name)?, new.remove_entry(other)?])
    };
    gone.into_iter().filter_map(twin).collect()
}
