//! Differences between two schemas, independent of their users.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Comparison, Finding, Pending, Sides, Unit,
    pair::{Pair, Side, Spot},
    place, way,
};
use crate::contract::pointer::escape;
use crate::diff::{
    change::Level,
    normalise::{Node, OUTER, Peeled, View, is_annotation, is_composed, peel, same, without_annotations},
    rust_api,
};

/// Limit of pairs of schemas; documents with more are too different to follow.
const MOST_UNITS: usize = 50_000;

/// Keys with a comparison of their own.
const KNOWN: &str = "type format enum const properties required additionalProperties items oneOf anyOf allOf \
    discriminator pattern minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems \
    minProperties maxProperties minContains maxContains multipleOf uniqueItems default nullable readOnly writeOnly \
    deprecated $defs definitions $anchor x-extensible-enum $ref";

/// Keys that restrict the value by other schemas or names; any change of one is reported as a whole.
const RESTRICTIONS: &str = "not if then else contains contentSchema dependentRequired dependentSchemas \
    patternProperties prefixItems propertyNames unevaluatedItems unevaluatedProperties";

/// Whether a list of words has a key.
pub(super) fn lists(words: &str, key: &str) -> bool {
    words.split_ascii_whitespace().any(|word| word == key)
}

impl<'a> Comparison<'a> {
    /// Returns the unit of two schemas that are in no other schema.
    pub(super) fn unit(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str) -> usize {
        self.unit_of(base.clone(), head.clone(), false, name.to_owned())
    }

    fn unit_of(&mut self, base: Node<'a>, head: Node<'a>, outer_done: bool, name: String) -> usize {
        let key = (base.pointer.clone(), head.pointer.clone(), outer_done);
        if let Some(unit) = self.index.get(&key) {
            return *unit;
        }
        let unit = self.units.len();
        self.index.insert(key, unit);
        self.units.push(Unit::default());
        if unit < MOST_UNITS {
            self.pending.push(Pending { unit, base, head, outer_done, name });
        } else if unit == MOST_UNITS {
            let message = format!("only the first {MOST_UNITS} pairs of schemas were compared");
            let spot = Spot { unit, mask: way::ALL, name: &name, outer_done, optional: false };
            self.find(&spot, "unclassified", Sides::both(&base, &head), message);
        }
        unit
    }

    /// Compares the pending units; each may add others.
    pub(super) fn pending(&mut self) {
        while let Some(Pending { unit, base, head, outer_done, name }) = self.pending.pop() {
            let spot = Spot { unit, mask: way::ALL, name: &name, outer_done, optional: false };
            let (one, other) = self.peeled(&base, &head);
            if one.is_wrapped() || other.is_wrapped() {
                self.schema(&base, &head, spot);
            } else {
                let pair = self.pair(&base, &head);
                self.written_out(&pair, &spot);
            }
        }
    }

    pub(super) fn find(&mut self, spot: &Spot<'_>, kind: &'static str, sides: Sides, message: String) {
        self.find_as(spot, kind, sides, message, None);
    }

    /// Notes a difference, with its level in Rust where that differs from the rule's.
    pub(super) fn find_as(
        &mut self,
        spot: &Spot<'_>,
        kind: &'static str,
        sides: Sides,
        message: String,
        rust: Option<Level>,
    ) {
        self.found(spot.unit, Finding { kind, message, sides, mask: spot.mask, rust, as_text: None });
    }

    pub(super) fn found(&mut self, unit: usize, finding: Finding) {
        if let Some(unit) = self.units.get_mut(unit) {
            unit.findings.push(finding);
        }
    }

    fn peeled(&self, base: &Node<'a>, head: &Node<'a>) -> (Peeled<'a>, Peeled<'a>) {
        (peel(&self.base.value, base), peel(&self.head.value, head))
    }

    fn pair(&self, base: &Node<'a>, head: &Node<'a>) -> Pair<'a> {
        Pair { base: Side::of(&self.base.value, base), head: Side::of(&self.head.value, head) }
    }

    /// Compares two schemas inside others.
    pub(super) fn schema(&mut self, base: &Node<'a>, head: &Node<'a>, spot: Spot<'_>) {
        let (one, other) = self.peeled(base, head);
        let same_name = one.name.is_some() && one.name == other.name;
        if one.is_wrapped() || other.is_wrapped() {
            // The referenced schema itself is compared once, in its own unit.
            self.outer(&one, &other, !same_name, &spot);
        } else {
            let pair = self.pair(base, head);
            if !is_composed(base) && !is_composed(head) {
                return self.written_out(&pair, &spot);
            }
            // A composed schema may contain itself.
            self.outer(&pair.base.in_place(), &pair.head.in_place(), false, &spot);
        }
        if !same_name {
            self.replaced(&one, &other, &spot);
        }
        let name = one.name.as_deref().filter(|_| same_name).unwrap_or(spot.name).to_owned();
        let unit = self.unit_of(one.node, other.node, !same_name, name);
        if let Some(here) = self.units.get_mut(spot.unit) {
            here.edges.push((unit, spot.mask));
        }
    }

    /// The value has a type of another name, and both types are in both documents.
    fn replaced(&mut self, one: &Peeled<'a>, other: &Peeled<'a>, spot: &Spot<'_>) {
        let (Some(old), Some(new)) = (&one.name, &other.name) else { return };
        let exists = |root: &Value, name: &str| root["components"]["schemas"].get(name).is_some();
        if exists(&self.head.value, old) && exists(&self.base.value, new) {
            let message = format!("schema of `{}` changed from `{old}` to `{new}`", spot.name);
            self.find(spot, "schema-replaced", Sides::both(&one.from, &other.from), message);
        }
    }

    /// Compares the keys that may be beside a reference. Deep: in the referenced schema as well.
    fn outer(&mut self, one: &Peeled<'a>, other: &Peeled<'a>, deep: bool, spot: &Spot<'_>) {
        if spot.outer_done {
            return;
        }
        let get = |peeled: &Peeled<'a>, key: &str| {
            peeled.outer.get(key).cloned().or_else(|| peeled.node.child(key).filter(|_| deep))
        };
        let null =
            |peeled: &Peeled<'a>, root: &'a Value| peeled.outer_null || deep && View::of(root, &peeled.node).nullable;
        let (was_null, is_null) = (null(one, &self.base.value), null(other, &self.head.value));
        let is_list = |peeled: &Peeled<'_>| peeled.node.text("type") == "array";
        let name = spot.name;
        for key in OUTER {
            let (old, new) = (get(one, key), get(other, key));
            let sides = Sides::both(old.as_ref().unwrap_or(&one.from), new.as_ref().unwrap_or(&other.from));
            if key == "nullable" {
                let (kind, word) = match (was_null, is_null) {
                    (false, true) => ("became-nullable", "nullable"),
                    (true, false) => ("became-not-nullable", "non-nullable"),
                    _ => continue,
                };
                let rust = if is_list(one) || is_list(other) { None } else { Some(Level::None) };
                self.find_as(spot, kind, sides, format!("`{name}` became {word}"), rust);
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
            self.find_as(spot, kind, sides, changed(key, name, old.as_ref(), new.as_ref()), rust);
        }
    }

    /// Compares two schemas that are both written out here.
    fn written_out(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        self.outer(&pair.base.in_place(), &pair.head.in_place(), false, spot);
        let (kind, words) = match pair.each(|side| side.node.value == &Value::Bool(false)) {
            (false, true) => ("type-narrowed", "allows no value any more"),
            (true, false) => ("type-widened", "allows values now"),
            (true, true) => return,
            (false, false) => {
                self.values(pair, spot);
                self.properties(pair, spot);
                self.additional(pair, spot);
                self.items(pair, spot);
                self.choices(pair, spot);
                self.parts(pair, spot);
                return self.other_keys(pair, spot);
            }
        };
        self.find(spot, kind, pair.sides(""), format!("`{}` {words}", spot.name));
    }

    /// Compares the parts of `allOf` as sets.
    fn parts(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        // Assertions of one part that contradict those of another.
        let (was, is) = (&pair.base.view.besides, &pair.head.view.besides);
        let kind = match (is.is_superset(was), was.is_superset(is)) {
            (true, true) => None,
            (true, false) => Some("limit-tightened"),
            (false, true) => Some("limit-loosened"),
            (false, false) => Some("limit-changed"),
        };
        if let Some(kind) = kind {
            self.find(spot, kind, pair.sides("allOf"), format!("`allOf` of `{}` changed", spot.name));
        }
        if pair.each(|side| side.view.has_all_of) != (true, true) {
            return;
        }
        let parts = |side: &Side<'a>| side.view.parts.iter().filter(|part| *part != "itself").cloned().collect();
        let (old, new): (BTreeSet<String>, BTreeSet<String>) = pair.each(parts);
        let (kind, words, list) = match (new.is_superset(&old), old.is_superset(&new)) {
            (true, false) => ("all-of-added", "added", new.difference(&old)),
            (false, true) => ("all-of-removed", "removed", old.difference(&new)),
            _ => return,
        };
        for part in list {
            let name = if part.starts_with('{') { place::digest(part) } else { escape(part) };
            let sides = pair.sides("allOf").with_head(format!("{}/allOf/{name}", pair.head.node.pointer));
            self.find(spot, kind, sides, format!("`allOf` of `{}`: part `{name}` {words}", spot.name));
        }
    }

    fn items(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        if let (Some(old), Some(new)) = pair.facts("items") {
            return self.schema(old, new, spot.within(&format!("{}[]", spot.name)));
        }
        let says = pair.each(|side| {
            side.view.fact("items").is_some_and(|items| items.as_object().is_some_and(|it| !it.is_empty()))
        });
        let may_be_list =
            |side: &Side<'a>| side.view.kinds().is_none_or(|kinds| kinds.iter().any(|(kind, _)| kind == "array"));
        let (kind, words) = match says {
            (false, true) => ("type-narrowed", "added"),
            (true, false) if may_be_list(&pair.head) => ("type-widened", "removed"),
            _ => return,
        };
        self.find(spot, kind, pair.sides("items"), format!("schema of the items of `{}` {words}", spot.name));
    }

    /// Compares the keys that no other comparison covers.
    fn other_keys(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        let keys: BTreeSet<&str> = pair.base.view.facts.keys().chain(pair.head.view.facts.keys()).copied().collect();
        for key in keys {
            let (old, new) = pair.values(key);
            if old == new {
                continue;
            }
            let asserts = |value: Option<&Value>| value.is_some_and(|value| !is_free(value));
            let is_own = matches!(key, "x-piaxis-settled" | "x-piaxis-term-data" | "x-piaxis-term-type");
            let (kind, rust) = if matches!(key, "contentEncoding" | "contentMediaType") {
                ("type-changed", Some(Level::None))
            } else if is_own {
                match rust_api::named_list_change(key, old, new) {
                    Some(kind) => (kind, None),
                    None => continue,
                }
            } else if rust_api::is_unknown_extension(key) {
                (rust_api::extension_rule(key), None)
            } else if lists(KNOWN, key)
                || OUTER.contains(&key)
                || is_annotation(key)
                // A key without a value asserts nothing.
                || [old, new].into_iter().flatten().all(Value::is_null)
                || old.map(without_annotations) == new.map(without_annotations)
            {
                continue;
            } else if lists(RESTRICTIONS, key) {
                match (asserts(old), asserts(new)) {
                    _ if matches!(key, "then" | "else") && pair.values("if") == (None, None) => continue,
                    (false, false) => continue,
                    (false, true) => ("limit-tightened", None),
                    (true, false) => ("limit-loosened", None),
                    (true, true) => ("limit-changed", None),
                }
            } else {
                ("unclassified", None)
            };
            self.find_as(spot, kind, pair.sides(key), format!("`{key}` of `{}` changed", spot.name), rust);
        }
    }
}

/// Whether a keyword with this value allows everything.
fn is_free(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value == &Value::Bool(true)
}

/// The message for a key with another value.
pub(super) fn changed(key: &str, name: &str, old: Option<&Node<'_>>, new: Option<&Node<'_>>) -> String {
    let shown = |node: Option<&Node<'_>>| node.map_or("nothing".to_owned(), |node| node.value.to_string());
    format!("`{key}` of `{name}` changed from {} to {}", shown(old), shown(new))
}
