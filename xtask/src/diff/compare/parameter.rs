//! Parameters: those of a path count for each of its operations.

use super::*;

/// Keys of parameters and of headers with a comparison of their own.
pub(super) const KNOWN: &str = "name in description required deprecated allowEmptyValue style explode allowReserved \
    schema content example examples $ref";

/// The items of the lists of an operation and of its path; those of the operation override the others.
fn items<'a>(operation: &Operation<'a>) -> Vec<Node<'a>> {
    [&operation.node, &operation.path].map(|node| node.items("parameters")).concat()
}

/// The parameters of an operation by their identity, each where its changes are reported.
fn parameters<'a>(operation: &Operation<'a>, others: &[Node<'a>]) -> BTreeMap<String, Node<'a>> {
    let mut found = BTreeMap::new();
    for item in items(operation) {
        let node = item.resolved();
        let key = key(&node, &operation.name);
        // Where the other document has the same reference, the shared parameter changed, and not the list.
        let is_shared = item.value.get("$ref").is_some() && others.iter().any(|other| other.value == item.value);
        found.entry(key).or_insert(if is_shared { node } else { item });
    }
    found
}

/// What identifies a parameter: its place and name, or its position in a path.
fn key(node: &Node<'_>, operation: &str) -> String {
    let name = node.text("name");
    match node.text("in") {
        "header" => format!("header {}", name.to_lowercase()),
        "path" => {
            let is_it = |piece: &str| piece.split_once('}').is_some_and(|(inner, _)| inner == name);
            let at = operation.split('{').position(is_it);
            format!("path {}", at.map_or_else(|| name.to_owned(), |at| at.to_string()))
        }
        place => format!("{place} {name}"),
    }
}

/// Whether a parameter is written into a request in the same way, with the defaults of OpenAPI.
fn is_written_alike(old: &Node<'_>, new: &Node<'_>) -> bool {
    let written = |node: &Node<'_>| {
        let default = if matches!(node.text("in"), "query" | "cookie") { "form" } else { "simple" };
        let style = Some(node.text("style")).filter(|style| !style.is_empty()).unwrap_or(default).to_owned();
        let explode = node.value.get("explode").and_then(Value::as_bool).unwrap_or(style == "form");
        let media = node.part("content").entries().first().map(|(kind, _)| (*kind).to_owned());
        ((style, node.is("allowReserved"), media), explode)
    };
    // A plain value is written the same way, exploded or not.
    let is_plain = |node: &Node<'_>| {
        let kinds = node.child("schema").and_then(|schema| View::behind(&schema).kinds());
        kinds.is_some_and(|kinds| kinds.iter().all(|(kind, _)| !matches!(*kind, "array" | "object")))
    };
    let ((was, was_exploded), (is, is_exploded)) = (written(old), written(new));
    was == is
        && (was_exploded == is_exploded || is_plain(old) || is_plain(new))
        && (!old.is("allowEmptyValue") || new.is("allowEmptyValue"))
}

/// Whether the value of a parameter or a header is text, and not encoded in a media type.
pub(super) fn is_text(node: &Node<'_>) -> bool {
    node.value.get("content").is_none()
}

/// The schema of a parameter or a header, by either key.
pub(super) fn schema_of<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    let content = || node.part("content").entries().first().and_then(|(_, media)| media.child("schema"));
    node.child("schema").or_else(content)
}

/// The default of a schema, beside a reference or behind it.
fn default<'a>(schema: &Node<'a>) -> Option<Node<'a>> {
    let peeled = Peeled::of(schema);
    peeled.outer.get("default").cloned().or_else(|| peeled.node.child("default"))
}

impl<'a> Comparison<'a> {
    pub(super) fn parameters(&mut self, base: &Operation<'a>, head: &Operation<'a>) {
        let (old, new) = (parameters(base, &items(head)), parameters(head, &items(base)));
        let words = |_: &String, node: &Node<'a>, word: &str| {
            let node = node.resolved();
            match word {
                "removed" => ("parameter", format!("parameter {}", described(&node))),
                _ if node.is("required") => ("required-parameter", format!("required parameter {}", described(&node))),
                _ => ("optional-parameter", format!("optional parameter {}", described(&node))),
            }
        };
        for (_, old, new) in self.matched(old, new, &head.node.child_or_self("parameters"), words) {
            self.parameter(&old.resolved(), &new.resolved());
        }
    }

    fn parameter(&mut self, old: &Node<'a>, new: &Node<'a>) {
        let name = format!("parameter {}", described(new));
        if new.text("in") != "path" {
            self.presence(old, new, "parameter", &name);
        }
        if !is_written_alike(old, new) {
            self.note("parameter-encoding-changed", both(old, new), format!("encoding of the {name} changed"));
        }
        self.transport(old, new, &name);
        self.deprecation(old, new, &name);
        self.unknown_keys(old, new, KNOWN);
        let is_argument = |node: &Node<'a>| node.text("x-piaxis-transport").is_empty();
        let way = match is_argument(old) || is_argument(new) {
            true if is_text(old) && is_text(new) => way::TEXT,
            true => way::REQUEST,
            false => way::TRANSPORT,
        };
        if let (Some(one), Some(other)) = (schema_of(old), schema_of(new)) {
            let (was, is) = (default(&one), default(&other));
            if was.as_ref().map(|node| node.value) != is.as_ref().map(|node| node.value) {
                let message = changed("default", described(new).trim_matches('`'), was.as_ref(), is.as_ref());
                // A required parameter is never left out.
                let wire = if old.is("required") { Level::Patch } else { Level::Breaking };
                let sides = both(was.as_ref().unwrap_or(&one), is.as_ref().unwrap_or(&other));
                self.note_at_most("parameter-default-changed", (wire, Level::Breaking), sides, message);
            }
        }
        let unit = self.described([old, new], schema_of, way, new.text("name"));
        self.defaults_done.extend(unit);
    }

    /// `required` of a parameter, a body or a header, by the first word of its rules.
    pub(super) fn presence(&mut self, old: &Node<'a>, new: &Node<'a>, kind: &str, name: &str) {
        if old.is("required") != new.is("required") {
            let became = if new.is("required") { "became required" } else { "became optional" };
            let id = format!("{kind}-{}", became.replace(' ', "-"));
            self.note(&id, at(old, new, "required"), format!("{name} {became}"));
        }
    }

    /// What the transport does with a header.
    pub(super) fn transport(&mut self, old: &Node<'a>, new: &Node<'a>, name: &str) {
        const KEY: &str = "x-piaxis-transport";
        if old.text(KEY) != new.text(KEY) {
            self.note("transport-changed", both(old, new), format!("`{KEY}` of the {name} changed"));
        }
    }
}

fn described(node: &Node<'_>) -> String {
    format!("`{}` ({})", node.text("name"), node.text("in"))
}
