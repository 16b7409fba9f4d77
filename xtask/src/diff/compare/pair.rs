//! Two schemas side by side, and the context of the comparison.

use serde_json::Value;

use super::Sides;
use crate::diff::normalise::{Node, OUTER, Peeled, View};

/// A schema of one document.
pub(super) struct Side<'a> {
    pub(super) node: Node<'a>,
    pub(super) view: View<'a>,
}

impl<'a> Side<'a> {
    pub(super) fn of(root: &'a Value, node: &Node<'a>) -> Self {
        Self { node: node.clone(), view: View::of(root, node) }
    }

    /// The schema as its own wrapper.
    pub(super) fn in_place(&self) -> Peeled<'a> {
        Peeled {
            from: self.node.clone(),
            node: self.node.clone(),
            name: None,
            outer: OUTER.iter().filter_map(|key| Some((*key, self.node.child(key)?))).collect(),
            outer_null: self.view.nullable,
        }
    }
}

/// A schema of both documents.
pub(super) struct Pair<'a> {
    pub(super) base: Side<'a>,
    pub(super) head: Side<'a>,
}

impl<'a> Pair<'a> {
    /// Applies a function to both.
    pub(super) fn each<T>(&self, of: impl Fn(&Side<'a>) -> T) -> (T, T) {
        (of(&self.base), of(&self.head))
    }

    /// A key of each.
    pub(super) fn facts(&self, key: &str) -> (Option<&Node<'a>>, Option<&Node<'a>>) {
        (self.base.view.facts.get(key), self.head.view.facts.get(key))
    }

    /// The value of a key in each.
    pub(super) fn values(&self, key: &str) -> (Option<&'a Value>, Option<&'a Value>) {
        self.each(|side| side.view.fact(key))
    }

    /// The location of a key in each, or of the schema without it.
    pub(super) fn sides(&self, key: &str) -> Sides {
        let (base, head) = self.facts(key);
        Sides::both(base.unwrap_or(&self.base.node), head.unwrap_or(&self.head.node))
    }
}

/// The unit that collects differences, the ways that see them, and the name of the place in messages.
#[derive(Clone, Copy)]
pub(super) struct Spot<'s> {
    pub(super) unit: usize,
    pub(super) mask: u8,
    pub(super) name: &'s str,
    /// Whether the keys beside a reference have been compared already.
    pub(super) outer_done: bool,
    /// Whether the place is an optional property.
    pub(super) optional: bool,
}

impl Spot<'_> {
    /// A place inside this one.
    pub(super) fn within<'n>(&self, name: &'n str) -> Spot<'n> {
        Spot { unit: self.unit, mask: self.mask, name, outer_done: false, optional: false }
    }
}
