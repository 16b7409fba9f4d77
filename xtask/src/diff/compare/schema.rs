//! Two schemas side by side, compared independent of their users.

use super::*;

/// A difference between two schemas, before the affected operations are known.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) kind: String,
    pub(super) message: String,
    pub(super) sides: Sides,
    /// Ways that see the difference.
    pub(super) mask: u8,
    /// Level in Rust, where it differs from the rule's.
    pub(super) rust: Option<Level>,
    /// Kind where values are written as text, if that differs.
    pub(super) as_text: Option<&'static str>,
}

/// Two schemas that are compared once, however many operations use them.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub(super) findings: Vec<Finding>,
    pub(super) edges: Vec<(usize, u8)>,
}

/// The unit that collects differences, the ways that see them, and the name of the place in messages.
#[derive(Clone)]
pub(super) struct Spot {
    pub(super) unit: usize,
    pub(super) mask: u8,
    pub(super) name: String,
    /// Whether the keys beside a reference have been compared already.
    pub(super) outer_done: bool,
    /// Whether the place is an optional property.
    pub(super) optional: bool,
}

impl Spot {
    /// A place inside this one.
    pub(super) fn within(&self, name: String) -> Self {
        Self { unit: self.unit, mask: self.mask, name, outer_done: false, optional: false }
    }
}

/// A schema of both documents, and where its differences belong.
pub(super) struct Pair<'a> {
    pub(super) base: View<'a>,
    pub(super) head: View<'a>,
    pub(super) spot: Spot,
}

impl<'a> Pair<'a> {
    /// Applies a function to both.
    pub(super) fn each<T>(&self, of: impl Fn(&View<'a>) -> T) -> (T, T) {
        (of(&self.base), of(&self.head))
    }

    /// A key of each.
    pub(super) fn facts(&self, key: &str) -> (Option<&Node<'a>>, Option<&Node<'a>>) {
        (self.base.facts.get(key), self.head.facts.get(key))
    }

    /// The value of a key in each.
    pub(super) fn values(&self, key: &str) -> (Option<&'a Value>, Option<&'a Value>) {
        self.each(|side| side.fact(key))
    }

    /// The location of a key in each, or of the schema without it.
    pub(super) fn sides(&self, key: &str) -> Sides {
        let (base, head) = self.facts(key);
        both(base.unwrap_or(&self.base.node), head.unwrap_or(&self.head.node))
    }
}

impl<'a> Comparison<'a> {
    /// Compares two schemas that are in no other schema, and used in this way by the operation that is compared.
    pub(super) fn used(&mut self, way: u8, base: &Node<'a>, head: &Node<'a>, name: &str) -> usize {
        let unit = self.unit(base.clone(), head.clone(), name.to_owned(), false);
        self.roots.push((self.operation.clone(), way, unit));
        unit
    }

    /// Returns the unit of two schemas.
    pub(super) fn unit(&mut self, base: Node<'a>, head: Node<'a>, name: String, outer_done: bool) -> usize {
        let unit = self.units.len();
        let known = *self.index.entry((base.pointer.clone(), head.pointer.clone(), outer_done)).or_insert(unit);
        if known < unit {
            return known;
        }
        self.units.push(Unit::default());
        let spot = Spot { unit, mask: way::ALL, name, outer_done, optional: false };
        self.pending.push((base, head, spot));
        unit
    }

    /// Compares the pending units; each may add others.
    pub(super) fn pending(&mut self) {
        while let Some((base, head, spot)) = self.pending.pop() {
            if Peeled::of(&base).is_wrapped() || Peeled::of(&head).is_wrapped() {
                self.schema(&base, &head, spot);
            } else {
                self.written_out(&base, &head, spot);
            }
        }
    }

    /// Notes a difference; returns it for what is not as the rule says.
    pub(super) fn find(&mut self, spot: &Spot, kind: &str, sides: Sides, message: String) -> &mut Finding {
        let found = &mut self.units[spot.unit].findings;
        found.push(Finding { kind: kind.to_owned(), message, sides, mask: spot.mask, rust: None, as_text: None });
        let last = found.len() - 1;
        &mut found[last]
    }

    /// Compares two schemas inside others.
    pub(super) fn schema(&mut self, base: &Node<'a>, head: &Node<'a>, spot: Spot) {
        let (one, other) = (Peeled::of(base), Peeled::of(head));
        let same_name = one.name.is_some() && one.name == other.name;
        if one.is_wrapped() || other.is_wrapped() {
            // The referenced schema itself is compared once, in its own unit.
            self.outer(&one, &other, !same_name, &spot);
        } else if [base, head].iter().any(|node| ["allOf", "$ref"].iter().any(|key| node.child(key).is_some())) {
            // A composed schema may contain itself.
            self.outer(&Peeled::in_place(&View::of(base)), &Peeled::in_place(&View::of(head)), false, &spot);
        } else {
            return self.written_out(base, head, spot);
        }
        if !same_name {
            self.replaced(&one, &other, &spot);
        }
        let name = one.name.filter(|_| same_name).unwrap_or(spot.name);
        let unit = self.unit(one.node, other.node, name, !same_name);
        self.units[spot.unit].edges.push((unit, spot.mask));
    }

    /// The value has a type of another name, and both types are in both documents.
    fn replaced(&mut self, one: &Peeled<'a>, other: &Peeled<'a>, spot: &Spot) {
        let (Some(old), Some(new)) = (&one.name, &other.name) else { return };
        let exists = |root: &Value, name: &str| root["components"]["schemas"].get(name).is_some();
        if exists(self.head.value, old) && exists(self.base.value, new) {
            let message = format!("schema of `{}` changed from `{old}` to `{new}`", spot.name);
            self.find(spot, "schema-replaced", both(&one.from, &other.from), message);
        }
    }

    /// Compares the keys that may be beside a reference. Deep: in the referenced schema as well.
    fn outer(&mut self, one: &Peeled<'a>, other: &Peeled<'a>, deep: bool, spot: &Spot) {
        if spot.outer_done {
            return;
        }
        let get = |peeled: &Peeled<'a>, key: &str| {
            peeled.outer.get(key).cloned().or_else(|| peeled.node.child(key).filter(|_| deep))
        };
        let is_null = |peeled: &Peeled<'a>| peeled.outer_null || deep && View::of(&peeled.node).nullable;
        let is_list = |peeled: &Peeled<'_>| peeled.node.text("type") == "array";
        for key in OUTER {
            let (old, new) = (get(one, key), get(other, key));
            let sides = || both(old.as_ref().unwrap_or(&one.from), new.as_ref().unwrap_or(&other.from));
            if key == "nullable" {
                let (kind, word) = match (is_null(one), is_null(other)) {
                    (false, true) => ("became-nullable", "nullable"),
                    (true, false) => ("became-not-nullable", "non-nullable"),
                    _ => continue,
                };
                let rust = if is_list(one) || is_list(other) { None } else { Some(Level::None) };
                self.find(spot, kind, sides(), format!("`{}` became {word}", spot.name)).rust = rust;
                continue;
            }
            let equal = match (&old, &new) {
                (Some(old), Some(new)) => same(old.value, new.value),
                (None, Some(only)) | (Some(only), None) => only.value == &Value::Bool(false) && key != "default",
                (None, None) => true,
            };
            if equal || key == "default" && self.defaults_done.contains(&spot.unit) {
                continue;
            }
            let kind = match (key, &old, &new) {
                ("default", None, _) => "default-added",
                ("default", _, None) => "default-removed",
                ("default", ..) => "default-changed",
                ("deprecated", ..) => "deprecation-changed",
                ("x-piaxis-transport", ..) => "transport-changed",
                _ => "access-changed",
            };
            // An optional field with a default is not an `Option`; a required one never is.
            let rust = (key == "default" && !spot.optional).then_some(Level::None);
            self.find(spot, kind, sides(), changed(key, &spot.name, old.as_ref(), new.as_ref())).rust = rust;
        }
    }

    /// Compares two schemas that are both written out here.
    fn written_out(&mut self, base: &Node<'a>, head: &Node<'a>, spot: Spot) {
        let pair = Pair { base: View::of(base), head: View::of(head), spot };
        self.outer(&Peeled::in_place(&pair.base), &Peeled::in_place(&pair.head), false, &pair.spot);
        let (kind, words) = match pair.each(|side| side.node.value == &Value::Bool(false)) {
            (false, true) => ("type-narrowed", "allows no value any more"),
            (true, false) => ("type-widened", "allows values now"),
            (true, true) => return,
            (false, false) => {
                self.types(&pair);
                self.enums(&pair);
                self.limits(&pair);
                self.properties(&pair);
                self.additional(&pair);
                self.items(&pair);
                self.choices(&pair);
                self.parts_of_all(&pair);
                return self.keywords(&pair);
            }
        };
        self.find(&pair.spot, kind, pair.sides(""), format!("`{}` {words}", pair.spot.name));
    }

    fn items(&mut self, pair: &Pair<'a>) {
        let spot = &pair.spot;
        if let (Some(old), Some(new)) = pair.facts("items") {
            return self.schema(old, new, spot.within(format!("{}[]", spot.name)));
        }
        let says =
            |side: &View<'a>| side.fact("items").and_then(Value::as_object).is_some_and(|items| !items.is_empty());
        let (kind, words) = match pair.each(says) {
            (false, true) => ("type-narrowed", "added"),
            (true, false) if pair.head.allows("array") => ("type-widened", "removed"),
            _ => return,
        };
        self.find(spot, kind, pair.sides("items"), format!("schema of the items of `{}` {words}", spot.name));
    }
}

/// The message for a key with another value.
pub(super) fn changed(key: &str, name: &str, old: Option<&Node<'_>>, new: Option<&Node<'_>>) -> String {
    let [old, new] = [old, new].map(|node| node.map_or("nothing".to_owned(), |node| node.value.to_string()));
    format!("`{key}` of `{name}` changed from {old} to {new}")
}
