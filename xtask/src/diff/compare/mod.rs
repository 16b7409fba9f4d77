//! Compares two documents: finds differences place by place, then determines which operations each one affects.

mod choice;
mod document;
mod documentation;
mod extensions;
mod finish;
mod keywords;
mod limit;
mod media;
mod object;
mod operation;
mod parameter;
mod place;
mod reach;
mod response;
mod schema;
mod security;
mod sides;
mod value;

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use serde_json::Value;

pub(super) use operation::plain_path;

use self::{
    choice::alternatives,
    document::{Named, renamed},
    operation::{METHODS, Operation},
    parameter::{is_text, schema_of},
    reach::{direction, way},
    schema::{Finding, Pair, Spot, Unit, changed},
    sides::{Sides, added, at, both, gone_and_more, removed},
};
use super::{
    change::{Change, Level, Place},
    load::Document,
    node::Node,
    normalise::{
        CHOICES, Kinds, OUTER, Peeled, View, is_annotation, is_null, lists, only_annotations, same, without_annotations,
    },
    number::Exact,
    rules::{self, Rule},
    rust_api,
};
use crate::contract::pointer::{escape, unescape};

/// A comparison in progress.
#[derive(Default)]
struct Comparison<'a> {
    base: Node<'a>,
    head: Node<'a>,
    changes: Vec<Change>,
    /// Index of the change of a rule and its pointers, so that a place is reported once.
    seen: HashMap<(&'static str, String, String), usize>,
    /// Name of the operation that is compared; none outside of operations.
    operation: Option<String>,
    units: Vec<Unit>,
    index: HashMap<(String, String, bool), usize>,
    /// Units to compare.
    pending: Vec<(Node<'a>, Node<'a>, Spot)>,
    /// Uses of units: operation, way, unit.
    roots: Vec<(Option<String>, u8, usize)>,
    /// Units of parameters whose default has been compared.
    defaults_done: HashSet<usize>,
    /// Renamed security schemes: old and new name.
    schemes: BTreeMap<&'a str, &'a str>,
}

/// Returns the changes between two documents, breaking ones first.
pub(crate) fn compare(base: &Document, head: &Document) -> Vec<Change> {
    let (old, new) = (Node::of(&base.value), Node::of(&head.value));
    let mut comparison = Comparison { base: old, head: new, ..Comparison::default() };
    comparison.schemas();
    comparison.root();
    comparison.servers();
    comparison.security_schemes();
    comparison.paths();
    comparison.extensions();
    comparison.pending();
    comparison.reach();
    comparison.documentation();
    finish::finish(comparison.changes, base, head)
}

impl<'a> Comparison<'a> {
    /// Something of the root in both documents, null where it is missing.
    fn parts(&self, key: &str) -> (Node<'a>, Node<'a>) {
        (self.base.part(key), self.head.part(key))
    }

    /// Notes a change outside of schemas, of the operation that is compared.
    fn note(&mut self, id: &str, sides: Sides, message: String) {
        self.note_at_most(id, ANY, sides, message);
    }

    /// Notes a change with the levels of its rule, but no higher ones than these.
    fn note_at_most(&mut self, id: &str, (wire, rust): (Level, Level), sides: Sides, message: String) {
        let rule = rules::find(id);
        self.note_of(rule, (rule.wire.min(wire), rule.rust.min(rust)), self.operation.clone(), sides, message);
    }

    /// Notes a change with its levels. The same rule at the same place is one change of several operations.
    fn note_of(
        &mut self,
        rule: &Rule,
        (wire, rust): (Level, Level),
        operations: impl IntoIterator<Item = String>,
        sides: Sides,
        message: String,
    ) {
        // A change that nobody notices is one of words.
        let (id, wire) = (rule.id, if wire.max(rust) == Level::None { Level::Patch } else { wire });
        let [base, head] = sides.pointers();
        let at = *self.seen.entry((id, base, head)).or_insert(self.changes.len());
        if let Some(change) = self.changes.get_mut(at) {
            change.operations.extend(operations);
            (change.wire, change.rust) = (change.wire.max(wire), change.rust.max(rust));
            change.level = change.wire.max(change.rust);
            return;
        }
        self.changes.push(Change {
            id,
            level: wire.max(rust),
            wire,
            rust,
            operation: None,
            operations: operations.into_iter().collect(),
            message,
            base: sides.base,
            head: sides.head,
            place: String::new(),
            line: 0,
            repeated: 0,
            accepted: None,
        });
    }

    /// Notes what only one of two maps around a node has; returns what both have. `described` gives the first words of the
    /// rule and of the message, which end with `removed` or `added`.
    fn matched<K: Ord>(
        &mut self,
        old: BTreeMap<K, Node<'a>>,
        new: BTreeMap<K, Node<'a>>,
        around: &Node<'a>,
        described: impl Fn(&K, &Node<'a>, &str) -> (&'static str, String),
    ) -> Vec<(K, Node<'a>, Node<'a>)> {
        let (gone, more, both) = split(old, new);
        let gone = gone.iter().map(|(key, one)| (key, one, "removed", removed(one, around)));
        for (key, node, word, sides) in gone.chain(more.iter().map(|(key, one)| (key, one, "added", added(one)))) {
            let (id, what) = described(key, node, word);
            self.note(&format!("{id}-{word}"), sides, format!("{what} {word}"));
        }
        both
    }
}

/// Entries of two maps: what only the first, only the second, and what both have.
type Split<K, V> = (BTreeMap<K, V>, BTreeMap<K, V>, Vec<(K, V, V)>);

fn split<K: Ord, V>(old: BTreeMap<K, V>, mut new: BTreeMap<K, V>) -> Split<K, V> {
    let (mut gone, mut both) = (BTreeMap::new(), Vec::new());
    for (key, one) in old {
        match new.remove(&key) {
            Some(other) => both.push((key, one, other)),
            None => drop(gone.insert(key, one)),
        }
    }
    (gone, new, both)
}

/// No limit of the levels.
const ANY: (Level, Level) = (Level::Breaking, Level::Breaking);
