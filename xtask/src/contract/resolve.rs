//! Follows references inside of a document.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Contract, pointer::of_fragment};

/// How often a reference may lead to another.
pub(crate) const LONGEST: usize = 128;

/// The pointer that the reference of a node means, when it stays in the document.
pub(crate) fn target(node: &Value) -> Option<String> {
    node.get("$ref")?.as_str()?.strip_prefix('#').map(of_fragment)
}

impl Contract {
    /// Follows `$ref` and a single `allOf`.
    pub(crate) fn resolve(&self, pointer: &str) -> String {
        let mut pointer = pointer.to_owned();
        for _ in 0..LONGEST {
            let node = self.at(&pointer);
            if let Some(target) = target(node) {
                pointer = target;
            } else if node["allOf"].as_array().is_some_and(|parts| parts.len() == 1) {
                pointer += "/allOf/0";
            } else {
                break;
            }
        }
        pointer
    }

    /// The schemas that say something of a value themselves, behind references and combinations of schemas.
    pub(crate) fn parts(&self, pointer: &str) -> Vec<String> {
        let mut found = Vec::new();
        self.add_parts(pointer.to_owned(), 0, &mut BTreeSet::new(), &mut found);
        found
    }

    fn add_parts(&self, pointer: String, depth: usize, seen: &mut BTreeSet<String>, found: &mut Vec<String>) {
        if depth > LONGEST || !seen.insert(pointer.clone()) {
            return;
        }
        let node = self.at(&pointer);
        if let Some(target) = target(node) {
            return self.add_parts(target, depth + 1, seen, found);
        }
        let mut is_combined = false;
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for at in 0..node[keyword].as_array().map_or(0, Vec::len) {
                is_combined = true;
                self.add_parts(format!("{pointer}/{keyword}/{at}"), depth + 1, seen, found);
            }
        }
        let says = ["type", "properties", "items", "x-extensible-enum"];
        if !is_combined || says.iter().any(|keyword| node.get(keyword).is_some()) {
            found.push(pointer);
        }
    }
}
