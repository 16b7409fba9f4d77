//! Two schemas side by side, and what is known of where they stand.

use serde_json::Value;

use super::Sides;
use crate::diff::normalise::{Node, OUTER, Peeled, View};

/// A schema of one of the documents.
pub(super) struct Side<'a> {
    pub(super) node: Node<'a>,
    pub(super) view: View<'a>,
}

impl<'a> Side<'a> {
    pub(super) fn of(root: &'a Value, node: &Node<'a>) -> Self {
        Self { node: node.clone(), view: View::of(root, node) }
    }

    /// The schema as its own wrapping.
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

/// A schema of each document.
pub(super) struct Pair<'a> {
    pub(super) base: Side<'a>,
    pub(super) head: Side<'a>,
}

impl<'a> Pair<'a> {
    /// The same of each.
    pub(super) fn each<T>(&self, of: impl Fn(&Side<'a>) -> T) -> (T, T) {
        (of(&self.base), of(&self.head))
    }

    /// Where a key stands in each.
    pub(super) fn facts(&self, key: &str) -> (Option<&Node<'a>>, Option<&Node<'a>>) {
        (self.base.view.facts.get(key), self.head.view.facts.get(key))
    }

    /// What a key says in each.
    pub(super) fn values(&self, key: &str) -> (Option<&'a Value>, Option<&'a Value>) {
        self.each(|side| side.view.fact(key))
    }

    /// Where a key stands in each, or else where the schemas stand.
    pub(super) fn sides(&self, key: &str) -> Sides {
        let (base, head) = self.facts(key);
        Sides::both(base.unwrap_or(&self.base.node), head.unwrap_or(&self.head.node))
    }
}

/// Where differences go, who sees them, and how messages call the place.
#[derive(Clone, Copy)]
pub(super) struct Spot<'s> {
    pub(super) unit: usize,
    pub(super) mask: u8,
    pub(super) name: &'s str,
    /// Whether what may stand beside a reference has been compared already.
    pub(super) outer_done: bool,
    /// Whether it is an optional property.
    pub(super) optional: bool,
}

impl Spot<'_> {
    /// A place within this one.
    pub(super) fn within<'n>(&self, name: &'n str) -> Spot<'n> {
        Spot { unit: self.unit, mask: self.mask, name, outer_done: false, optional: false }
    }
}
