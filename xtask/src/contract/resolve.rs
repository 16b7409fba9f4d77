//! Follows references inside of a document.

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
}
