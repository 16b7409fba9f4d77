//! Differences between two schemas, whatever uses them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Comparison, Finding, Pending, Sides, Unit,
    pair::{Pair, Side, Spot},
    way,
};
use crate::diff::{
    change::Level,
    normalise::{Node, OUTER, Peeled, View, is_annotation, is_composed, peel, same, without_annotations},
    rust_api,
};

/// More pairs of schemas than a document of people has; beyond, the documents are too different to follow.
const MOST_UNITS: usize = 50_000;

/// Keys that have a comparison of their own, or are compared elsewhere.
const KNOWN: [&str; 52] = [
    "type",
    "format",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "oneOf",
    "anyOf",
    "allOf",
    "discriminator",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
    "multipleOf",
    "uniqueItems",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "contentSchema",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "default",
    "nullable",
    "readOnly",
    "writeOnly",
    "deprecated",
    "$defs",
    "definitions",
    "$anchor",
    "contentEncoding",
    "contentMediaType",
    "x-extensible-enum",
    "$ref",
];

impl<'a> Comparison<'a> {
    /// The unit of two schemas that stand in no other.
    pub(crate) fn unit(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str) -> usize {
        self.unit_of(base.clone(), head.clone(), false, name.to_owned())
    }

    fn unit_of(&mut self, base: Node<'a>, head: Node<'a>, outer_done: bool, name: String) -> usize {
        let key = (base.pointer.clone(), head.pointer.clone(), outer_done);
        if let Some(unit) = self.index.get(&key) {
            return *unit;
        }
        let unit = self.units.len();
        self.index.insert(key, unit);
        let mut new = Unit::default();
        if unit >= MOST_UNITS {
            if unit == MOST_UNITS {
                let message = "more pairs of schemas than can be followed; they were not all compared".to_owned();
                let sides = Sides::both(&base, &head);
                new.findings.push(Finding {
                    kind: "unclassified",
                    message,
                    sides,
                    mask: way::ALL,
                    rust: None,
                    as_text: None,
                });
            }
        } else {
            self.pending.push(Pending { unit, base, head, outer_done, name });
        }
        self.units.push(new);
        unit
    }

    /// Compares what is left; each unit may bring others.
    pub(crate) fn pending(&mut self) {
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

    /// Notes a difference, with what it does to Rust where the rule alone cannot say.
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

    /// Two schemas that stand in others.
    pub(super) fn schema(&mut self, base: &Node<'a>, head: &Node<'a>, spot: Spot<'_>) {
        let (one, other) = self.peeled(base, head);
        let same_name = one.name.is_some() && one.name == other.name;
        if one.is_wrapped() || other.is_wrapped() {
            // What the schema itself says is compared once, where it stands.
            self.outer(&one, &other, !same_name, &spot);
        } else {
            let pair = self.pair(base, head);
            if !is_composed(base) && !is_composed(head) {
                return self.written_out(&pair, &spot);
            }
            // What is put together from others may come to itself again.
            self.outer(&pair.base.in_place(), &pair.head.in_place(), false, &spot);
        }
        if !same_name {
            self.replaced(&one, &other, &spot);
        }
        let name = match (&one.name, spot.name) {
            (Some(name), _) if same_name => name.clone(),
            (_, name) => name.to_owned(),
        };
        let unit = self.unit_of(one.node, other.node, !same_name, name);
        if let Some(here) = self.units.get_mut(spot.unit) {
            here.edges.push((unit, spot.mask));
        }
    }

    /// The value has a type of another name, though both types are still there.
    fn replaced(&mut self, one: &Peeled<'a>, other: &Peeled<'a>, spot: &Spot<'_>) {
        let (Some(old), Some(new)) = (&one.name, &other.name) else { return };
        let exists = |root: &Value, name: &str| root["components"]["schemas"].get(name).is_some();
        if exists(&self.head.value, old) && exists(&self.base.value, new) {
            let message = format!("`{}` is a `{new}` in place of a `{old}`", spot.name);
            self.find(spot, "schema-replaced", Sides::both(&one.from, &other.from), message);
        }
    }

    /// What may stand beside a reference: null, the default and the like. Deep: in what it refers to as well.
    fn outer(&mut self, one: &Peeled<'a>, other: &Peeled<'a>, deep: bool, spot: &Spot<'_>) {
        if spot.outer_done {
            return;
        }
        let get = |peeled: &Peeled<'a>, key: &str| {
            peeled.outer.get(key).cloned().or_else(|| if deep { peeled.node.child(key) } else { None })
        };
        let null =
            |peeled: &Peeled<'a>, root: &'a Value| peeled.outer_null || deep && View::of(root, &peeled.node).nullable;
        let (base_null, head_null) = (null(one, &self.base.value), null(other, &self.head.value));
        let is_list = |peeled: &Peeled<'_>| peeled.node.text("type") == "array";
        let sides = |key: &str| {
            let side = |peeled: &Peeled<'a>| get(peeled, key).unwrap_or_else(|| peeled.from.clone());
            Sides::both(&side(one), &side(other))
        };
        let name = spot.name;
        if base_null != head_null {
            let rust = if is_list(one) || is_list(other) { None } else { Some(Level::None) };
            let (kind, words) = match head_null {
                true => ("became-nullable", "may be null now"),
                false => ("became-not-nullable", "may not be null any more"),
            };
            self.find_as(spot, kind, sides("nullable"), format!("`{name}` {words}"), rust);
        }
        for key in OUTER.iter().filter(|key| **key != "nullable") {
            let (old, new) = (get(one, key), get(other, key));
            let equal = match (&old, &new) {
                (Some(old), Some(new)) => same(old.value, new.value),
                (None, Some(only)) | (Some(only), None) => only.value == &Value::Bool(false) && *key != "default",
                (None, None) => true,
            };
            if equal || *key == "default" && self.defaults_told.contains(&spot.unit) {
                continue;
            }
            let words = format!("{} in place of {}", shown(new.as_ref()), shown(old.as_ref()));
            let (kind, words) = match *key {
                "default" => {
                    let kind = match (&old, &new) {
                        (None, _) => "default-added",
                        (_, None) => "default-removed",
                        _ => "default-changed",
                    };
                    (kind, format!("the default of `{name}` is {words}"))
                }
                "deprecated" => ("deprecation-changed", format!("`{name}`: `deprecated` is {words}")),
                "x-piaxis-transport" => ("transport-changed", format!("`{name}`: `x-piaxis-transport` is {words}")),
                _ => ("access-changed", format!("`{name}`: `{key}` is {words}")),
            };
            // With a default, an optional field is no `Option`; a required one never was.
            let rust = (*key == "default" && !spot.optional).then_some(Level::None);
            self.find_as(spot, kind, sides(key), words, rust);
        }
    }

    /// Two schemas that are both written out here.
    fn written_out(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        self.outer(&pair.base.in_place(), &pair.head.in_place(), false, spot);
        let nothing = pair.each(|side| side.node.value == &Value::Bool(false));
        if nothing.0 || nothing.1 {
            let (kind, words) = match nothing {
                (false, true) => ("type-narrowed", "may have no value any more"),
                (true, false) => ("type-widened", "may have a value now"),
                _ => return,
            };
            return self.find(spot, kind, pair.sides(""), format!("`{}` {words}", spot.name));
        }
        self.values(pair, spot);
        self.properties(pair, spot);
        self.additional(pair, spot);
        self.items(pair, spot);
        self.choices(pair, spot);
        self.keywords(pair, spot);
        self.other_keys(pair, spot);
        let (old, new) = pair.each(|side| {
            let parts = side.view.parts.iter().filter(|part| *part != "itself");
            parts.cloned().collect::<BTreeSet<_>>()
        });
        if pair.each(|side| side.view.has_all_of) != (true, true) || old == new {
            return;
        }
        let (kind, words) = match (new.is_superset(&old), old.is_superset(&new)) {
            (true, _) => ("all-of-added", "must fit another schema"),
            (_, true) => ("all-of-removed", "need not fit a schema any more"),
            _ => return,
        };
        self.find(spot, kind, pair.sides("allOf"), format!("values of `{}` {words} of its `allOf`", spot.name));
    }

    fn items(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        if let (Some(old), Some(new)) = pair.facts("items") {
            return self.schema(old, new, spot.within(&format!("{}[]", spot.name)));
        }
        let says = pair.each(|side| {
            side.view.fact("items").is_some_and(|items| items.as_object().is_some_and(|it| !it.is_empty()))
        });
        let lists =
            |side: &Side<'a>| side.view.kinds().is_none_or(|kinds| kinds.iter().any(|(kind, _)| kind == "array"));
        let (kind, words) = match says {
            (false, true) => ("type-narrowed", "say what they are now"),
            (true, false) if lists(&pair.head) => ("type-widened", "may be anything now"),
            _ => return,
        };
        self.find(spot, kind, pair.sides("items"), format!("the items of `{}` {words}", spot.name));
    }

    fn other_keys(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        let keys: BTreeSet<&str> = pair.base.view.facts.keys().chain(pair.head.view.facts.keys()).copied().collect();
        for key in keys {
            let (old, new) = pair.values(key);
            if old == new {
                continue;
            }
            let (kind, rust) = match key {
                "contentEncoding" | "contentMediaType" => ("type-changed", Some(Level::None)),
                "x-piaxis-settled" | "x-piaxis-term-data" | "x-piaxis-term-type" => {
                    match rust_api::named_list_change(key, old, new) {
                        Some(kind) => (kind, None),
                        None => continue,
                    }
                }
                _ if rust_api::is_unknown_extension(key) => (rust_api::extension_rule(key), None),
                _ if KNOWN.contains(&key) || OUTER.contains(&key) || is_annotation(key) => continue,
                // A key without a value says nothing.
                _ if [old, new].into_iter().flatten().all(Value::is_null) => continue,
                _ if old.map(without_annotations) == new.map(without_annotations) => continue,
                _ => ("unclassified", None),
            };
            let reason = if kind == "unclassified" { ", and no rule says what that means" } else { "" };
            let message = format!("`{key}` of `{}` is another{reason}", spot.name);
            self.find_as(spot, kind, pair.sides(key), message, rust);
        }
    }
}

/// A value as messages show it.
pub(super) fn shown(node: Option<&Node<'_>>) -> String {
    node.map_or("nothing".to_owned(), |node| node.value.to_string())
}
