//! Compares two documents: finds differences place by place, then determines which operations each one affects.

mod choice;
mod document;
mod documentation;
mod extensions;
mod limit;
mod media;
mod object;
mod operation;
mod pair;
mod parameter;
mod place;
mod reach;
mod response;
mod schema;
mod security;
mod value;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

pub(super) use operation::plain_path;

use super::{
    change::{Change, Level, Place},
    load::Document,
    normalise::Node,
    rules,
};

/// Where a schema is used; bits, because a finding can have several.
pub(crate) mod way {
    pub(crate) const REQUEST: u8 = 1;
    /// A success response: decoded into Rust types.
    pub(crate) const SUCCESS: u8 = 2;
    /// A failure response: on the wire, but without a Rust type of its own.
    pub(crate) const UNTYPED: u8 = 4;
    pub(crate) const WEBHOOK: u8 = 8;
    /// A header that the transport sets.
    pub(crate) const TRANSPORT: u8 = 16;
    /// Not on the wire, but the Rust type is public.
    pub(crate) const UNUSED: u8 = 32;
    /// A parameter or a form: values are written as text, so `7` is both a number and text.
    pub(crate) const TEXT: u8 = 64;
    /// A response header: text without a Rust type.
    pub(crate) const HEADER: u8 = 128;
    pub(crate) const SENT: u8 = REQUEST | TRANSPORT | TEXT;
    pub(crate) const ANSWERED: u8 = SUCCESS | UNTYPED | WEBHOOK | HEADER;
    pub(crate) const ALL: u8 = SENT | ANSWERED | UNUSED;
}

/// The location of a difference in each document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sides {
    base: Option<Place>,
    head: Option<Place>,
}

impl Sides {
    fn new(base: Option<&Node<'_>>, head: Option<&Node<'_>>) -> Self {
        let place = |node: &Node<'_>| Place { pointer: node.pointer.clone(), value: shortened(node.value) };
        Self { base: base.map(place), head: head.map(place) }
    }

    fn both(base: &Node<'_>, head: &Node<'_>) -> Self {
        Self::new(Some(base), Some(head))
    }

    /// A key of both nodes, or the node itself where it lacks the key.
    fn at<'a>(base: &Node<'a>, head: &Node<'a>, key: &str) -> Self {
        let place = |node: &Node<'a>| node.child(key).unwrap_or_else(|| node.clone());
        Self::both(&place(base), &place(head))
    }

    /// Pointer of a key of the head, or of the node without it.
    fn list(head: &Node<'_>, key: &str) -> String {
        head.child(key).map_or_else(|| head.pointer.clone(), |child| child.pointer)
    }

    /// A removed node; `around` is the pointer in the head that contained it.
    fn removed(base: &Node<'_>, around: &str) -> Self {
        Self { head: Some(Place { pointer: around.to_owned(), value: Value::Null }), ..Self::new(Some(base), None) }
    }

    /// The head's pointer is not that of its value.
    fn with_head(mut self, pointer: String) -> Self {
        if let Some(head) = &mut self.head {
            head.pointer = pointer;
        }
        self
    }

    fn added(head: &Node<'_>) -> Self {
        Self::new(None, Some(head))
    }
}

/// Long values are left out of reports.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) if value.to_string().len() > 400 => Value::String("…".to_owned()),
        other => other.clone(),
    }
}

/// An entry of one or of both of two maps.
enum Entry<V> {
    Gone(V),
    New(V),
    Both(V, V),
}

/// Entries of two maps by key.
fn matched<K: Ord, V>(old: BTreeMap<K, V>, mut new: BTreeMap<K, V>) -> impl Iterator<Item = (K, Entry<V>)> {
    let mut all = Vec::new();
    for (key, one) in old {
        let entry = match new.remove(&key) {
            Some(other) => Entry::Both(one, other),
            None => Entry::Gone(one),
        };
        all.push((key, entry));
    }
    all.into_iter().chain(new.into_iter().map(|(key, other)| (key, Entry::New(other))))
}

/// Items that only one of two lists has, by value; a value that is no list counts as its only item.
fn gone_and_more<'a>(old: &Node<'a>, new: &Node<'a>) -> (Vec<Node<'a>>, Vec<Node<'a>>) {
    let items = |node: &Node<'a>| if node.value.is_array() { node.list() } else { vec![node.clone()] };
    let without = |these: &[Node<'a>], others: &[Node<'a>]| {
        let key = |node: &Node<'a>| (node.value.is_string(), place::text(node.value));
        let others: HashSet<(bool, String)> = others.iter().map(key).collect();
        let only = these.iter().filter(|one| !one.value.is_null() && !others.contains(&key(one)));
        only.cloned().collect()
    };
    let (old, new) = (items(old), items(new));
    (without(&old, &new), without(&new, &old))
}

/// A difference between two schemas, before the affected operations are known.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) sides: Sides,
    /// Ways that see the difference.
    pub(crate) mask: u8,
    /// Level in Rust, where it differs from the rule's.
    pub(crate) rust: Option<Level>,
    /// Kind where values are written as text, if that differs.
    pub(crate) as_text: Option<&'static str>,
}

/// Two schemas that are compared once, however many operations use them.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    pub(crate) findings: Vec<Finding>,
    pub(crate) edges: Vec<(usize, u8)>,
}

/// A unit to compare.
pub(crate) struct Pending<'a> {
    unit: usize,
    base: Node<'a>,
    head: Node<'a>,
    outer_done: bool,
    name: String,
}

/// A comparison in progress.
pub(crate) struct Comparison<'a> {
    pub(crate) base: &'a Document,
    pub(crate) head: &'a Document,
    pub(crate) changes: Vec<Change>,
    pub(crate) units: Vec<Unit>,
    pub(crate) index: HashMap<(String, String, bool), usize>,
    pub(crate) pending: Vec<Pending<'a>>,
    /// Uses of units: operation, way, unit.
    pub(crate) roots: Vec<(Option<usize>, u8, usize)>,
    pub(crate) operations: Vec<String>,
    /// Units of parameters whose default has been compared.
    pub(crate) defaults_done: HashSet<usize>,
    /// Renamed security schemes: old and new name.
    pub(crate) schemes: BTreeMap<&'a str, &'a str>,
    /// Index of the change of a rule and its pointers, so that a place is reported once.
    seen: HashMap<(&'static str, String, String), usize>,
}

/// Returns the changes between two documents, breaking ones first.
pub(crate) fn compare(base: &Document, head: &Document) -> Vec<Change> {
    let mut comparison = Comparison {
        base,
        head,
        changes: Vec::new(),
        units: Vec::new(),
        index: HashMap::new(),
        pending: Vec::new(),
        roots: Vec::new(),
        operations: Vec::new(),
        defaults_done: HashSet::new(),
        schemes: BTreeMap::new(),
        seen: HashMap::new(),
    };
    comparison.schemas();
    comparison.root();
    comparison.servers();
    comparison.security_schemes();
    comparison.paths();
    comparison.extensions();
    comparison.pending();
    comparison.reach();
    comparison.documentation();
    comparison.finish()
}

impl<'a> Comparison<'a> {
    pub(crate) fn base_root(&self) -> Node<'a> {
        let document: &'a Document = self.base;
        Node::new("", &document.value)
    }

    pub(crate) fn head_root(&self) -> Node<'a> {
        let document: &'a Document = self.head;
        Node::new("", &document.value)
    }

    /// Something of the root in both documents, empty where it is missing.
    fn root_parts(&self, key: &str) -> (Node<'a>, Node<'a>) {
        let of = |root: Node<'a>| root.child(key).unwrap_or_else(|| Node::new(format!("/{key}"), &Value::Null));
        (of(self.base_root()), of(self.head_root()))
    }

    /// Notes a change outside of schemas.
    fn note(&mut self, id: &'static str, operation: impl Into<Option<usize>>, sides: Sides, message: String) {
        let rule = rules::find(id);
        self.note_as(id, (rule.wire, rule.rust), operation.into(), sides, message);
    }

    /// Notes a change with its levels. The same rule at the same place is one change of several operations.
    fn note_as(
        &mut self,
        id: &'static str,
        (wire, rust): (Level, Level),
        operations: impl IntoIterator<Item = usize>,
        Sides { base, head }: Sides,
        message: String,
    ) {
        let pointer = |place: &Option<Place>| place.as_ref().map(|place| place.pointer.clone()).unwrap_or_default();
        let key = (id, pointer(&base), pointer(&head));
        let names = operations.into_iter().filter_map(|at| self.operations.get(at).cloned());
        if let Some(change) = self.seen.get(&key).and_then(|at| self.changes.get_mut(*at)) {
            change.operations.extend(names);
            (change.wire, change.rust) = (change.wire.max(wire), change.rust.max(rust));
            change.level = change.wire.max(change.rust);
            return;
        }
        self.seen.insert(key, self.changes.len());
        self.changes.push(Change {
            id,
            level: wire.max(rust),
            wire,
            rust,
            operation: None,
            operations: names.collect(),
            message,
            base,
            head,
            place: String::new(),
            line: 0,
            repeated: 0,
            accepted: None,
        });
    }

    fn finish(self) -> Vec<Change> {
        let mut changes = collapse(self.changes);
        for change in &mut changes {
            change.operations.sort();
            change.operations.dedup();
            change.operation = match change.operations.as_slice() {
                [only] if change.repeated == 0 => Some(only.clone()),
                _ => None,
            };
            let is_gone = change.base.is_some() && change.head.as_ref().is_none_or(|head| head.value.is_null());
            let gone = change.base.as_ref().filter(|_| is_gone);
            let gap = gone.and_then(|base| self.head.line_of_gap(self.base, &base.pointer));
            let place = change.head.as_ref().or(change.base.as_ref());
            change.line = gap.unwrap_or_else(|| place.map_or(1, |place| self.head.line(&place.pointer)));
            let root = if is_gone { self.base } else { self.head };
            change.place = place::named(&root.value, change.pointer());
            // The head's pointer is only where the removed node was.
            change.head.take_if(|head| head.value.is_null() && change.base.is_some());
        }
        changes.sort_by(|one, other| {
            other.level.cmp(&one.level).then_with(|| one.line.cmp(&other.line)).then_with(|| one.id.cmp(other.id))
        });
        changes
    }
}

/// Reports the same harmless edit of many places (a YAML anchor, a header of every response) once.
fn collapse(changes: Vec<Change>) -> Vec<Change> {
    const MANY: usize = 4;
    let key = |change: &Change| {
        let tail = |place: &Place| {
            let tail = if place.value.is_null() { "" } else { place.pointer.rsplit('/').next().unwrap_or_default() };
            (tail.to_owned(), place.value.to_string())
        };
        (change.id, change.wire, change.rust, change.base.as_ref().map(tail), change.head.as_ref().map(tail))
    };
    let mut counts: HashMap<_, usize> = HashMap::new();
    for change in &changes {
        *counts.entry(key(change)).or_default() += 1;
    }
    let mut kept: Vec<Change> = Vec::new();
    let mut first: HashMap<_, usize> = HashMap::new();
    for change in changes {
        let key = key(&change);
        // Each break is acknowledged at its own place.
        let alone = change.level == Level::Breaking || change.id == "operation-added";
        if alone || counts.get(&key).is_none_or(|count| *count < MANY) {
            kept.push(change);
            continue;
        }
        match first.get(&key).and_then(|at: &usize| kept.get_mut(*at)) {
            Some(one) => {
                one.repeated += 1;
                one.operations.extend(change.operations);
            }
            None => {
                first.insert(key, kept.len());
                kept.push(change);
            }
        }
    }
    for change in kept.iter_mut().filter(|change| change.repeated > 0) {
        change.message += &format!(" (and the same in {} other places)", change.repeated);
    }
    kept
}
