//! Descriptions, examples and sources: one change for each operation and each part of the document.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{Comparison, Sides, operation::METHODS, operation::plain_path};
use crate::diff::{
    normalise::{Node, same},
    rust_api::is_documentation,
};

impl<'a> Comparison<'a> {
    pub(crate) fn documentation(&mut self) {
        let (base, head) = (self.base_root(), self.head_root());
        let mut pairs: Vec<(String, Option<String>, Node<'a>, Node<'a>)> = Vec::new();
        for (key, one) in base.entries() {
            let Some(other) = head.child(key) else { continue };
            match key {
                "paths" => paths(&one, &other, &mut pairs),
                "components" => {
                    for (part, one) in one.entries() {
                        for (name, one) in one.entries() {
                            let other = other.child(part).and_then(|other| other.child(name));
                            pairs.extend(other.map(|other| (format!("`{name}`"), None, one, other)));
                        }
                    }
                }
                _ => pairs.push((format!("`{key}`"), None, one, other)),
            }
        }
        let numbers: HashMap<String, usize> = self.operations.iter().cloned().zip(0..).collect();
        for (name, operation, one, other) in pairs {
            let mut places = Vec::new();
            differences(&one, &other, false, &mut places);
            let key = one.pointer.trim_start_matches('/');
            if places.is_empty() && is_documentation(key) && !same(one.value, other.value) {
                places.push((one, other));
            }
            let Some((one, other)) = places.first() else { continue };
            let sides = Sides::both(one, other);
            let message = match places.len() {
                1 => format!("documentation of {name} changed"),
                count => format!("documentation of {name} changed in {count} places"),
            };
            let operation = operation.and_then(|name| numbers.get(&name).copied());
            self.note("documentation-changed", operation, sides, message);
        }
        for key in ["info", "tags", "externalDocs"] {
            let (old, new) = (base.child(key), head.child(key));
            let equal = match (&old, &new) {
                (Some(old), Some(new)) => same(old.value, new.value),
                (None, None) => true,
                _ => false,
            };
            let told = self.changes.iter().any(|change| {
                let within = |pointer: &str| pointer.starts_with(&format!("/{key}"));
                change.id == "documentation-changed" && change.head.as_ref().is_some_and(|head| within(&head.pointer))
            });
            if !equal && !told {
                let sides = Sides::new(old.as_ref(), new.as_ref());
                self.note("documentation-changed", None, sides, format!("`{key}` changed"));
            }
        }
    }
}

/// Pairs of operations, and the texts of their paths.
fn paths<'a>(base: &Node<'a>, head: &Node<'a>, pairs: &mut Vec<(String, Option<String>, Node<'a>, Node<'a>)>) {
    let of = |node: &Node<'a>| -> BTreeMap<String, (&'a str, Node<'a>)> {
        node.entries().into_iter().map(|(path, item)| (plain_path(path), (path, item))).collect()
    };
    let new = of(head);
    for (key, (_, one)) in of(base) {
        let Some((path, other)) = new.get(&key) else { continue };
        for method in METHODS {
            if let (Some(one), Some(other)) = (one.child(method), other.child(method)) {
                let name = format!("{} {path}", method.to_uppercase());
                pairs.push((name.clone(), Some(name), one, other));
            }
        }
        for key in ["summary", "description"] {
            let place = |node: &Node<'a>| node.child(key).unwrap_or_else(|| node.clone());
            if one.value.get(key) != other.value.get(key) {
                pairs.push((format!("`{path}`"), None, place(&one), place(other)));
            }
        }
    }
}

/// Collects differences of documentation. Below a key such as `properties`, every key is a name.
fn differences<'a>(base: &Node<'a>, head: &Node<'a>, names: bool, found: &mut Vec<(Node<'a>, Node<'a>)>) {
    match (base.value, head.value) {
        (Value::Object(one), Value::Object(other)) => {
            // Another reference is compared as a schema.
            if one.get("$ref") != other.get("$ref") {
                return;
            }
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                let (old, new) = (base.child(key), head.child(key));
                if !names && is_documentation(key) {
                    let equal = matches!((&old, &new), (Some(old), Some(new)) if same(old.value, new.value));
                    if !equal {
                        found.push((old.unwrap_or_else(|| base.clone()), new.unwrap_or_else(|| head.clone())));
                    }
                } else if let (Some(old), Some(new)) = (old, new) {
                    let names = matches!(key.as_str(), "properties" | "events" | "payloads" | "envelopes") && !names;
                    differences(&old, &new, names, found);
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                let place = |node: &Node<'a>, value| Node::new(format!("{}/{at}", node.pointer), value);
                differences(&place(base, one), &place(head, other), false, found);
            }
        }
        (Value::String(one), Value::String(other)) if one != other && base.pointer.starts_with("/info") => {
            found.push((base.clone(), head.clone()));
        }
        _ => {}
    }
}
