//! On which line each node of a document stands.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use super::pointer::{around, unescape};

/// The line of a node, counted from 1, and those below it. The line of a value is that of its key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mark {
    pub(super) line: usize,
    pub(super) keys: BTreeMap<String, Mark>,
    pub(super) items: Vec<Mark>,
}

impl Mark {
    pub(super) fn at(line: usize) -> Self {
        Self { line, ..Self::default() }
    }

    fn child(&self, token: &str) -> Option<&Self> {
        match self.items.is_empty() {
            true => self.keys.get(&unescape(token)),
            false => token.parse().ok().and_then(|at: usize| self.items.get(at)),
        }
    }

    /// Keys and indices below it, as pointers have them, each with its mark.
    fn children(&self) -> impl Iterator<Item = (String, &Self)> {
        let keys = self.keys.iter().map(|(key, mark)| (super::pointer::escape(key), mark));
        keys.chain(self.items.iter().enumerate().map(|(at, mark)| (at.to_string(), mark)))
    }
}

/// Lines of a whole document.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    root: Mark,
    /// By the pointer of a collection: lines, in the base and here, of the nodes that both have.
    kept: RefCell<HashMap<String, Vec<(usize, usize)>>>,
}

impl Lines {
    pub(super) fn new(root: Mark) -> Self {
        Self { root, kept: RefCell::default() }
    }

    fn find(&self, pointer: &str) -> Option<&Mark> {
        pointer.split('/').skip(1).try_fold(&self.root, |mark, token| mark.child(token))
    }

    /// Line of a node, or of the nearest thing around it.
    pub(crate) fn line(&self, pointer: &str) -> usize {
        let mut here = &self.root;
        for token in pointer.split('/').skip(1) {
            match here.child(token) {
                Some(child) => here = child,
                None => break,
            }
        }
        here.line.max(1)
    }

    /// Line that follows what was taken out of `base`: there an annotation is seen beside the edit.
    pub(crate) fn line_of_gap(&self, base: &Self, removed: &str) -> Option<usize> {
        // What is around it may be gone with it.
        let mut places = around(removed).zip(around(removed).skip(1));
        let (removed, parent) = places.find(|(_, parent)| self.find(parent).is_some())?;
        let place = base.find(removed)?.line;
        let mut known = self.kept.borrow_mut();
        let kept = known.entry(parent.to_owned()).or_insert_with(|| {
            let (Some(old), Some(new)) = (base.find(parent), self.find(parent)) else { return Vec::new() };
            let both = old.children().filter_map(|(token, mark)| Some((mark.line, new.child(&token)?.line)));
            let mut both: Vec<(usize, usize)> = both.collect();
            both.sort_unstable();
            both
        });
        let after = kept.get(kept.partition_point(|(line, _)| *line <= place));
        let before = kept.partition_point(|(line, _)| *line < place).checked_sub(1).and_then(|at| kept.get(at));
        after.or(before).map(|(_, line)| *line)
    }
}
