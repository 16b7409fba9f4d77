//! Descriptions, examples and sources: one change for each operation and each part of the document.

use super::*;

/// A place in both documents.
type Both<'a> = (Node<'a>, Node<'a>);

impl<'a> Comparison<'a> {
    pub(super) fn documentation(&mut self) {
        let (base, head) = (self.base.clone(), self.head.clone());
        for (key, one) in base.entries() {
            match (key, head.child(key)) {
                ("paths", Some(other)) => self.documentation_of_paths(&one, &other),
                ("components", Some(other)) => {
                    for (part, one) in one.entries() {
                        let new: Named<'a> = other.children(part);
                        for (name, one) in one.entries() {
                            new.get(name).into_iter().for_each(|other| self.documentation_of(name, &one, other));
                        }
                    }
                }
                (_, Some(other)) => self.documentation_of(key, &one, &other),
                _ => {}
            }
        }
        for key in ["info", "tags", "externalDocs"] {
            let is_described = match (base.child(key), head.child(key)) {
                (Some(old), Some(new)) => same(old.value, new.value) || !differences(&old, &new).is_empty(),
                (old, new) => old.is_none() && new.is_none(),
            };
            if !is_described {
                let sides = Sides::new(base.child(key).as_ref(), head.child(key).as_ref());
                self.note("documentation-changed", sides, format!("`{key}` changed"));
            }
        }
    }

    /// Pairs of operations, and the texts of their paths.
    fn documentation_of_paths(&mut self, base: &Node<'a>, head: &Node<'a>) {
        let paths = |node: &Node<'a>| node.entries().into_iter().map(|(path, item)| (plain_path(path), (path, item)));
        let new: BTreeMap<String, (&str, Node<'a>)> = paths(head).collect();
        for (key, (_, one)) in paths(base).collect::<BTreeMap<_, _>>() {
            let Some((path, other)) = new.get(&key) else { continue };
            for method in METHODS {
                if let (Some(one), Some(other)) = (one.child(method), other.child(method)) {
                    let name = format!("{} {path}", method.to_uppercase());
                    self.operation = Some(name.clone());
                    self.note_documentation(&name, differences(&one, &other));
                    self.operation = None;
                }
            }
            for key in ["summary", "description"] {
                if one.value.get(key) != other.value.get(key) {
                    let place = (one.child_or_self(key), other.child_or_self(key));
                    self.note_documentation(&format!("`{path}`"), vec![place]);
                }
            }
        }
    }

    fn documentation_of(&mut self, name: &str, one: &Node<'a>, other: &Node<'a>) {
        self.note_documentation(&format!("`{name}`"), differences(one, other));
    }

    fn note_documentation(&mut self, name: &str, places: Vec<Both<'a>>) {
        let Some((one, other)) = places.first() else { return };
        let many = if places.len() > 1 { format!(" in {} places", places.len()) } else { String::new() };
        self.note("documentation-changed", both(one, other), format!("documentation of {name} changed{many}"));
    }
}

/// Returns the places where documentation differs.
fn differences<'a>(base: &Node<'a>, head: &Node<'a>) -> Vec<Both<'a>> {
    let mut found = Vec::new();
    // Most of a document is the same, and need not be walked.
    if base.value == head.value {
        return found;
    }
    collect(base, head, false, &mut found);
    // A part of the root can be documentation as a whole.
    let is_itself = rust_api::is_documentation(base.pointer.trim_start_matches('/'));
    if found.is_empty() && is_itself && !same(base.value, head.value) {
        found.push((base.clone(), head.clone()));
    }
    found
}

/// Collects differences of documentation. Below a key such as `properties`, every key is a name.
fn collect<'a>(base: &Node<'a>, head: &Node<'a>, are_names: bool, found: &mut Vec<Both<'a>>) {
    match (base.value, head.value) {
        (Value::Object(one), Value::Object(other)) => {
            // Another reference is compared as a schema.
            if one.get("$ref") != other.get("$ref") {
                return;
            }
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                let is_words = !are_names && rust_api::is_documentation(key);
                match (base.child(key), head.child(key)) {
                    (Some(old), Some(new)) if is_words && same(old.value, new.value) => {}
                    _ if is_words => found.push((base.child_or_self(key), head.child_or_self(key))),
                    (Some(old), Some(new)) => {
                        let are_names = lists("properties events payloads envelopes", key) && !are_names;
                        collect(&old, &new, are_names, found);
                    }
                    _ => {}
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            base.list().iter().zip(head.list()).for_each(|(one, other)| collect(one, &other, false, found));
        }
        (Value::String(one), Value::String(other)) if one != other && base.pointer.starts_with("/info") => {
            found.push((base.clone(), head.clone()));
        }
        _ => {}
    }
}
