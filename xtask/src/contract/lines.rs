//! On which line each node of a document stands.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::{entries, load::Document, pointer::around, pointer::unescape};

/// A node, told by the hash of the keys that lead to it: pointers of a long document would take more room than its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Node(u64);

impl Node {
    pub(super) fn child(self, key: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (self, key).hash(&mut hasher);
        Self(hasher.finish())
    }

    fn at(pointer: &str) -> Self {
        pointer.split('/').skip(1).fold(Self::default(), |node, token| node.child(&unescape(token)))
    }
}

/// Lines of a whole document, counted from 1. The line of a value is that of its key.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(super) of: HashMap<Node, usize>,
    /// By the pointer of a collection: lines, in the base and here, of the nodes that both have.
    kept: RefCell<HashMap<String, Vec<(usize, usize)>>>,
}

impl Lines {
    fn find(&self, pointer: &str) -> Option<usize> {
        self.of.get(&Node::at(pointer)).copied()
    }

    /// Line of a node, or of the nearest thing around it.
    pub(crate) fn line(&self, pointer: &str) -> usize {
        around(pointer).find_map(|pointer| self.find(pointer)).unwrap_or(1)
    }
}

impl Document {
    /// Line that follows what was removed from `base`: there an annotation is seen beside the edit.
    pub(crate) fn line_of_gap(&self, base: &Self, removed: &str) -> Option<usize> {
        // What is around it may be gone with it.
        let mut places = around(removed).zip(around(removed).skip(1));
        let (removed, parent) = places.find(|(_, parent)| self.lines.find(parent).is_some())?;
        let place = base.lines.find(removed)?;
        let mut known = self.lines.kept.borrow_mut();
        let kept = known.entry(parent.to_owned()).or_insert_with(|| {
            let children = entries(base.value.pointer(parent).unwrap_or_default());
            let pointers = children.map(|(key, _)| format!("{parent}/{key}"));
            let both = pointers.filter_map(|child| base.lines.find(&child).zip(self.lines.find(&child)));
            let mut both: Vec<(usize, usize)> = both.collect();
            both.sort_unstable();
            both
        });
        let after = kept.get(kept.partition_point(|(line, _)| *line <= place));
        let before = kept.partition_point(|(line, _)| *line < place).checked_sub(1).and_then(|at| kept.get(at));
        after.or(before).map(|(_, line)| *line)
    }
}
