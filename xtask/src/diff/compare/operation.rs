//! Paths and operations.

use super::*;

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

/// A path without the names of its parameters; `/files/{a}.{b}` keeps the text between them.
pub(in crate::diff) fn plain_path(path: &str) -> String {
    let mut pieces = path.split('{');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once('}') {
            Some((_, rest)) => plain += &format!("{{}}{rest}"),
            None => plain += piece,
        }
    }
    plain
}

/// The operations of a document. Paths are the same where they differ in names of parameters only.
fn operations<'a>(paths: &Node<'a>) -> BTreeMap<(String, &'static str), Operation<'a>> {
    let mut found = BTreeMap::new();
    for (name, item) in paths.entries() {
        let path = item.resolved();
        for method in METHODS {
            if let Some(node) = path.child(method) {
                let operation =
                    Operation { name: format!("{} {name}", method.to_uppercase()), path: path.clone(), node };
                found.insert((plain_path(name), method), operation);
            }
        }
    }
    found
}

impl<'a> Comparison<'a> {
    pub(super) fn paths(&mut self) {
        let (base, head) = self.parts("paths");
        let (gone, more, both) = split(operations(&base), operations(&head));
        for Operation { name, path, node } in gone.into_values() {
            self.operation = Some(name.clone());
            self.note("operation-removed", removed(&node, &path), format!("operation {name} removed"));
        }
        for Operation { name, node, .. } in more.into_values() {
            self.operation = Some(name.clone());
            self.note("operation-added", added(&node), format!("operation {name} added"));
        }
        for (_, base, head) in both {
            self.operation = Some(head.name.clone());
            self.compare_operations(&base, &head);
        }
        self.operation = None;
    }

    fn compare_operations(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let (base, head, name) = (&old.node, &new.node, new.name.as_str());
        self.names(base, head, name);
        self.deprecation(base, head, &format!("operation {name}"));
        self.parameters(old, new);
        self.request_body(base, head, name);
        self.responses(base, head, name);
        self.security(base, head, name);
        self.callbacks(base, head, name);
        for (key, id) in [
            ("x-piaxis-idempotent", "retry-changed"),
            ("x-piaxis-never-retried", "retry-changed"),
            ("x-piaxis-lookup", "lookup-changed"),
            ("x-piaxis-query", "query-struct-changed"),
        ] {
            if base.value.get(key) != head.value.get(key) {
                self.note(id, at(base, head, key), format!("`{key}` of {name} changed"));
            }
        }
        self.operation_servers(old, new);
        self.methods(base, head, name);
        self.unknown_keys(base, head, KNOWN);
        self.unknown_keys(&old.path, &new.path, PATH);
    }

    /// The operationId and the tags, which name methods.
    fn names(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str) {
        match (base.child("operationId"), head.child("operationId")) {
            (Some(old), Some(new)) if old.value != new.value => {
                let message = format!("operationId of {name} changed from {} to {}", old.value, new.value);
                self.note("operation-id-changed", both(&old, &new), message);
            }
            (Some(old), None) => {
                self.note("operation-id-removed", removed(&old, head), format!("operationId of {name} removed"));
            }
            (None, Some(new)) => {
                self.note("operation-id-added", added(&new), format!("operationId {} of {name} added", new.value));
            }
            _ => {}
        }
        let (old, new) = (base.items("tags"), head.items("tags"));
        let rest = |tags: &[Node<'a>]| tags.iter().skip(1).map(|tag| tag.value.to_string()).collect::<BTreeSet<_>>();
        let sides = at(base, head, "tags");
        match (old.first(), new.first()) {
            (Some(one), Some(other)) if one.value != other.value => {
                let message = format!("first tag of {name} changed from {} to {}", one.value, other.value);
                self.note("tag-changed", both(one, other), message);
            }
            (Some(one), None) => {
                self.note("tag-changed", removed(one, head), format!("tag {} of {name} removed", one.value));
            }
            (None, Some(_)) => self.note("tag-added", sides, format!("tag of {name} added")),
            _ if rest(&old) != rest(&new) => {
                self.note("tags-changed", sides, format!("tags of {name} after the first changed"));
            }
            _ => {}
        }
    }

    pub(super) fn deprecation(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str) {
        if base.is("deprecated") != head.is("deprecated") {
            let words = if head.is("deprecated") { "deprecated" } else { "no longer deprecated" };
            self.note("deprecation-changed", at(base, head, "deprecated"), format!("{name} is {words}"));
        }
    }

    /// Callbacks are compared as a whole, apart from their links: the API has webhooks instead.
    fn callbacks(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str) {
        const KEY: &str = "callbacks";
        let [old, new] = [base, head].map(|node| node.part(KEY).value);
        let differ = |of: fn(&Value) -> Value| without_annotations(&of(old)) != without_annotations(&of(new));
        if differ(Value::clone) {
            let id = if differ(without_links) { "unclassified" } else { "links-changed" };
            self.note(id, at(base, head, KEY), format!("`{KEY}` of {name} changed"));
        }
    }

    fn operation_servers(&mut self, base: &Operation<'a>, head: &Operation<'a>) {
        let servers = |operation: &Operation<'a>| {
            let own = operation.node.child("servers");
            own.or_else(|| operation.path.child("servers")).unwrap_or_else(|| operation.node.clone())
        };
        let (old, new) = (servers(base), servers(head));
        let urls = |servers: &Node<'a>| servers.list().iter().map(|server| server.text("url")).collect::<Vec<_>>();
        if urls(&old) != urls(&new) {
            self.note("operation-servers-changed", both(&old, &new), format!("servers of {} changed", head.name));
        }
    }

    /// Without the extension, the method is named after the operationId, which is compared on its own.
    fn methods(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str) {
        const KEY: &str = "x-piaxis-methods";
        if [base, head].iter().all(|node| node.child(KEY).is_none()) {
            return;
        }
        let methods = |node: &Node<'a>| {
            let tag = node.items("tags").first().and_then(|tag| tag.value.as_str()).unwrap_or_default();
            let own = node.text("operationId").strip_prefix(tag).map(|rest| rest.trim_start_matches('_'));
            node.value.get(KEY).cloned().unwrap_or_else(|| own.into_iter().collect())
        };
        let (old, new) = (methods(base), methods(head));
        let [gone, more] = gone_and_more(&Node::of(&old), &Node::of(&new));
        for method in gone.iter().map(|node| node.value) {
            let place = Node::of(method).with(format!("{}/{KEY}/{}", base.pointer, place::text(method)), method);
            self.note("method-removed", removed(&place, head), format!("method {method} of {name} removed"));
        }
        for method in more.iter().map(|node| node.value) {
            let place = Node::of(method).with(format!("{}/{KEY}", head.pointer), method);
            self.note("method-added", added(&place), format!("method {method} of {name} added"));
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
