//! Compares two documents: finds differences place by place, then tells what each does to whom it reaches.

mod choice;
mod document;
mod documentation;
mod extensions;
mod keywords;
mod limit;
mod media;
mod object;
mod operation;
mod pair;
mod parameter;
mod reach;
mod response;
mod schema;
mod security;
mod value;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

pub(super) use operation::plain_path;

use super::{
    change::{Change, Level, Place},
    load::Document,
    normalise::Node,
    rules,
};

/// Where a schema is used; bits, so that one finding can be in several.
pub(crate) mod way {
    pub(crate) const REQUEST: u8 = 1;
    /// A successful answer: it is decoded into Rust types.
    pub(crate) const SUCCESS: u8 = 2;
    /// A failure, a header: read on the wire, but of no Rust type of its own.
    pub(crate) const UNTYPED: u8 = 4;
    pub(crate) const WEBHOOK: u8 = 8;
    /// A header that the transport sets.
    pub(crate) const TRANSPORT: u8 = 16;
    /// Nothing on the wire uses it, but its Rust type is public.
    pub(crate) const UNUSED: u8 = 32;
    /// A parameter or a form: the value is written as text, so that `7` is a number and text.
    pub(crate) const TEXT: u8 = 64;
    /// A header of an answer: text of no Rust type.
    pub(crate) const HEADER: u8 = 128;
    pub(crate) const SENT: u8 = REQUEST | TRANSPORT | TEXT;
    pub(crate) const ANSWERED: u8 = SUCCESS | UNTYPED | WEBHOOK | HEADER;
    pub(crate) const ALL: u8 = SENT | ANSWERED | UNUSED;
}

/// Where something stands in each document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sides {
    pub(crate) base: Option<Place>,
    pub(crate) head: Option<Place>,
}

impl Sides {
    pub(crate) fn new(base: Option<&Node<'_>>, head: Option<&Node<'_>>) -> Self {
        let place = |node: &Node<'_>| Place { pointer: node.pointer.clone(), value: shortened(node.value) };
        Self { base: base.map(place), head: head.map(place) }
    }

    pub(crate) fn both(base: &Node<'_>, head: &Node<'_>) -> Self {
        Self::new(Some(base), Some(head))
    }

    /// What is gone; the head has the place that it stood in.
    pub(crate) fn removed(base: &Node<'_>, around: &str) -> Self {
        let mut sides = Self::new(Some(base), None);
        sides.head = Some(Place { pointer: around.to_owned(), value: Value::Null });
        sides
    }

    /// The head's place is another than that of its value.
    pub(crate) fn with_head(mut self, pointer: String) -> Self {
        if let Some(head) = &mut self.head {
            head.pointer = pointer;
        }
        self
    }

    pub(crate) fn added(head: &Node<'_>) -> Self {
        Self::new(None, Some(head))
    }
}

/// A report shows small values; a large one is told by its place.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) if value.to_string().len() > 400 => Value::String("…".to_owned()),
        other => other.clone(),
    }
}

/// A difference between two schemas, before it is known whom it reaches.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) sides: Sides,
    /// Ways that it can be seen from, of those that lead here.
    pub(crate) mask: u8,
    /// What it does to Rust, where the rule alone cannot say.
    pub(crate) rust: Option<Level>,
    /// What it is where values are written as text, where that is something else.
    pub(crate) as_text: Option<&'static str>,
}

/// Two schemas that are compared with each other once, however many operations use them.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    pub(crate) findings: Vec<Finding>,
    pub(crate) edges: Vec<(usize, u8)>,
}

/// A unit that is still to be compared.
pub(crate) struct Pending<'a> {
    unit: usize,
    base: Node<'a>,
    head: Node<'a>,
    outer_done: bool,
    name: String,
}

/// A comparison under way.
pub(crate) struct Comparison<'a> {
    pub(crate) base: &'a Document,
    pub(crate) head: &'a Document,
    pub(crate) changes: Vec<Change>,
    pub(crate) units: Vec<Unit>,
    pub(crate) index: HashMap<(String, String, bool), usize>,
    pub(crate) pending: Vec<Pending<'a>>,
    /// From where each unit is used: operation, way, unit.
    pub(crate) roots: Vec<(Option<usize>, u8, usize)>,
    pub(crate) operations: Vec<String>,
    /// Units of parameters whose default has been told of.
    pub(crate) defaults_told: HashSet<usize>,
    /// Names of security schemes that have another name in the head, and that.
    pub(crate) schemes: BTreeMap<&'a str, &'a str>,
    /// What is said of one place is said once: rule and places to the change.
    seen: HashMap<(&'static str, String, String), usize>,
}

/// Every change between two documents, the heaviest first.
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
        defaults_told: HashSet::new(),
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

    /// Notes a change of what is no schema. The same at the same place is one change that reaches several operations.
    pub(crate) fn note(&mut self, id: &'static str, operation: Option<usize>, sides: Sides, message: String) {
        let rule = rules::find(id);
        self.note_as(id, (rule.wire, rule.rust), operation.into_iter().collect(), sides, message);
    }

    pub(crate) fn note_as(
        &mut self,
        id: &'static str,
        (wire, rust): (Level, Level),
        operations: BTreeSet<usize>,
        sides: Sides,
        message: String,
    ) {
        let pointer = |place: &Option<Place>| place.as_ref().map(|place| place.pointer.clone()).unwrap_or_default();
        let key = (id, pointer(&sides.base), pointer(&sides.head));
        let names: Vec<String> = operations.iter().filter_map(|at| self.operations.get(*at).cloned()).collect();
        if let Some(change) = self.seen.get(&key).and_then(|at| self.changes.get_mut(*at)) {
            for name in names.into_iter().filter(|name| !change.operations.contains(name)).collect::<Vec<_>>() {
                change.operations.push(name);
            }
            change.operation = None;
            (change.wire, change.rust) = (change.wire.max(wire), change.rust.max(rust));
            change.level = change.wire.max(change.rust);
            return;
        }
        self.seen.insert(key, self.changes.len());
        let operation = if names.len() == 1 { names.first().cloned() } else { None };
        let Sides { base, head } = sides;
        let level = wire.max(rust);
        self.changes.push(Change {
            id,
            level,
            wire,
            rust,
            operation,
            operations: names,
            message,
            base,
            head,
            place: String::new(),
            line: 0,
            repeated: 0,
            accepted: None,
        });
    }

    fn finish(mut self) -> Vec<Change> {
        for change in &mut self.changes {
            change.operations.sort();
            change.operations.dedup();
            if change.operations.len() == 1 && change.operation.is_none() {
                change.operation = change.operations.first().cloned();
            }
            let is_gone = change.base.is_some() && change.head.as_ref().is_none_or(|head| head.value.is_null());
            let gone = change.base.as_ref().filter(|_| is_gone);
            let gap = gone.and_then(|base| self.head.line_of_gap(self.base, &base.pointer));
            let place = change.head.as_ref().or(change.base.as_ref());
            change.line = gap.unwrap_or_else(|| place.map_or(1, |place| self.head.line(&place.pointer)));
        }
        let mut changes = collapse(self.changes);
        for change in &mut changes {
            change.place = change.pointer().to_owned();
            // Where something was is no place of it.
            change.head.take_if(|head| head.value.is_null() && change.base.is_some());
        }
        changes.sort_by(|one, other| {
            other.level.cmp(&one.level).then_with(|| one.line.cmp(&other.line)).then_with(|| one.id.cmp(other.id))
        });
        changes
    }
}

/// The same edit in many places (an anchor of YAML, a header of every answer) is told once.
fn collapse(changes: Vec<Change>) -> Vec<Change> {
    const MANY: usize = 4;
    let key = |change: &Change| {
        let tail = |place: &Option<Place>| {
            place
                .as_ref()
                .map(|place| (place.pointer.rsplit('/').next().unwrap_or_default().to_owned(), place.value.to_string()))
        };
        (
            change.id,
            change.wire,
            change.rust,
            tail(&change.base),
            tail(&change.head).map(|(tail, value)| (if value == "null" { String::new() } else { tail }, value)),
        )
    };
    let mut counts: HashMap<_, usize> = HashMap::new();
    for change in &changes {
        *counts.entry(key(change)).or_default() += 1;
    }
    let mut kept: Vec<Change> = Vec::new();
    let mut first: HashMap<_, usize> = HashMap::new();
    for change in changes {
        let key = key(&change);
        let named_alone = matches!(change.id, "operation-removed" | "operation-added");
        if named_alone || counts.get(&key).is_none_or(|count| *count < MANY) {
            kept.push(change);
            continue;
        }
        match first.get(&key).and_then(|at: &usize| kept.get_mut(*at)) {
            Some(one) => {
                one.repeated += 1;
                one.operation = None;
                let new =
                    change.operations.into_iter().filter(|name| !one.operations.contains(name)).collect::<Vec<_>>();
                one.operations.extend(new);
                one.operations.sort();
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
