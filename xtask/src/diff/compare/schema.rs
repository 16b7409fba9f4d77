//! Differences between two schemas, whatever uses them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Comparison, Finding, Sides, Unit, way};
use crate::diff::{
    change::Level,
    normalise::{Node, OUTER, Peeled, View, is_annotation, peel, same, without_annotations},
    rust_api,
};

/// More pairs of schemas than a document of people has; beyond, the documents are too different to follow.
const MOST_UNITS: usize = 50_000;

/// Keys that have a comparison of their own, or are compared elsewhere.
const KNOWN: [&str; 36] = [
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
    "multipleOf",
    "uniqueItems",
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
    "$ref",
];

/// What is being compared: where the differences go, and how messages call it.
pub(crate) struct Spot<'s> {
    pub(crate) unit: usize,
    pub(crate) mask: u8,
    pub(crate) name: &'s str,
    /// Whether what may stand beside a reference has been compared already.
    pub(crate) outer_done: bool,
    /// Whether it is an optional property.
    pub(crate) optional: bool,
}

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
                new.findings.push(Finding { kind: "unclassified", message, sides, mask: way::ALL, rust: None });
            }
        } else {
            self.pending.push((unit, base, head, outer_done, name));
        }
        self.units.push(new);
        unit
    }

    /// Compares what is left; each unit may bring others.
    pub(crate) fn pending(&mut self) {
        while let Some((unit, base, head, outer_done, name)) = self.pending.pop() {
            self.schema(&base, &head, Spot { unit, mask: way::ALL, name: &name, outer_done, optional: false });
        }
    }

    pub(crate) fn find(
        &mut self,
        spot: &Spot<'_>,
        kind: &'static str,
        sides: Sides,
        message: String,
        rust: Option<Level>,
    ) {
        if let Some(unit) = self.units.get_mut(spot.unit) {
            unit.findings.push(Finding { kind, message, sides, mask: spot.mask, rust });
        }
    }

    pub(super) fn schema(&mut self, base: &Node<'a>, head: &Node<'a>, spot: Spot<'_>) {
        let (base_root, head_root) = (&self.base.value, &self.head.value);
        let (one, other) = (peel(base_root, base), peel(head_root, head));
        let moved = |from: &Node<'_>, peeled: &Peeled<'_>| from.pointer != peeled.node.pointer;
        let same_name = one.name.is_some() && one.name == other.name;
        if !moved(base, &one) && !moved(head, &other) {
            return self.inline(&one, &other, spot);
        }
        if same_name {
            // What the schema itself says is compared once, where it stands.
            self.outer(base, head, &one, &other, false, &spot);
        } else {
            self.outer(base, head, &one, &other, true, &spot);
            self.replaced(base, head, &one, &other, &spot);
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
    fn replaced(&mut self, base: &Node<'a>, head: &Node<'a>, one: &Peeled<'a>, other: &Peeled<'a>, spot: &Spot<'_>) {
        let (Some(old), Some(new)) = (&one.name, &other.name) else { return };
        let exists = |root: &Value, name: &str| root["components"]["schemas"].get(name).is_some();
        if exists(&self.head.value, old) && exists(&self.base.value, new) {
            let message = format!("`{}` is a `{new}` in place of a `{old}`", spot.name);
            self.find(spot, "schema-replaced", Sides::both(base, head), message, None);
        }
    }

    /// What may stand beside a reference: null, the default and the like.
    fn outer(
        &mut self,
        base: &Node<'a>,
        head: &Node<'a>,
        one: &Peeled<'a>,
        other: &Peeled<'a>,
        deep: bool,
        spot: &Spot<'_>,
    ) {
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
            let side = |peeled: &Peeled<'a>, around: &Node<'a>| get(peeled, key).unwrap_or_else(|| around.clone());
            Sides::both(&side(one, base), &side(other, head))
        };
        let name = spot.name;
        if base_null != head_null {
            let rust = if is_list(one) || is_list(other) { None } else { Some(Level::None) };
            let (kind, words) = match head_null {
                true => ("became-nullable", "may be null now"),
                false => ("became-not-nullable", "may not be null any more"),
            };
            self.find(spot, kind, sides("nullable"), format!("`{name}` {words}"), rust);
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
            let shown =
                |node: &Option<Node<'_>>| node.as_ref().map_or("nothing".to_owned(), |node| node.value.to_string());
            let words = format!("{} in place of {}", shown(&new), shown(&old));
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
            self.find(spot, kind, sides(key), words, rust);
        }
    }

    /// Two schemas that are both written out here.
    fn inline(&mut self, one: &Peeled<'a>, other: &Peeled<'a>, spot: Spot<'_>) {
        let (base, head) = (View::of(&self.base.value, &one.node), View::of(&self.head.value, &other.node));
        let in_place = |node: &Node<'a>, view: &View<'_>| Peeled {
            node: node.clone(),
            name: None,
            outer: OUTER.iter().filter_map(|key| Some((*key, node.child(key)?))).collect(),
            outer_null: view.nullable,
        };
        let (one, other) = (in_place(&one.node, &base), in_place(&other.node, &head));
        self.outer(&one.node, &other.node, &one, &other, false, &spot);
        let (base_node, head_node) = (&one.node, &other.node);
        if base_node.value.is_boolean() || head_node.value.is_boolean() {
            if base_node.value != head_node.value {
                let message = format!("`{}` is another kind of schema", spot.name);
                self.find(&spot, "unclassified", Sides::both(base_node, head_node), message, None);
            }
            return;
        }
        self.values(base_node, head_node, &base, &head, &spot);
        self.properties(base_node, head_node, &base, &head, &spot);
        self.additional(base_node, head_node, &base, &head, &spot);
        if let (Some(old), Some(new)) = (base.facts.get("items"), head.facts.get("items")) {
            let name = format!("{}[]", spot.name);
            self.schema(
                old,
                new,
                Spot { unit: spot.unit, mask: spot.mask, name: &name, outer_done: false, optional: false },
            );
        } else {
            self.items_appear(base_node, head_node, &base, &head, &spot);
        }
        self.choices(base_node, head_node, &base, &head, &spot);
        self.other_keys(base_node, head_node, &base, &head, &spot);
        let named =
            |view: &View<'_>| view.parts.iter().filter(|part| *part != "itself").cloned().collect::<BTreeSet<_>>();
        let (old, new) = (named(&base), named(&head));
        if base.has_all_of && head.has_all_of && new.is_superset(&old) && new.len() > old.len() {
            let message = format!("values of `{}` must fit another schema of its `allOf`", spot.name);
            self.find(&spot, "all-of-added", Sides::both(base_node, head_node), message, None);
        }
    }

    fn items_appear(
        &mut self,
        base_node: &Node<'a>,
        head_node: &Node<'a>,
        base: &View<'a>,
        head: &View<'a>,
        spot: &Spot<'_>,
    ) {
        let says = |view: &View<'_>| {
            view.fact("items").is_some_and(|items| items.as_object().is_some_and(|it| !it.is_empty()))
        };
        let (kind, words) = match (says(base), says(head)) {
            (false, true) => ("type-narrowed", "say what they are now"),
            (true, false) if head.kinds().is_none_or(|kinds| kinds.iter().any(|(kind, _)| kind == "array")) => {
                ("type-widened", "may be anything now")
            }
            _ => return,
        };
        let sides =
            Sides::both(base.facts.get("items").unwrap_or(base_node), head.facts.get("items").unwrap_or(head_node));
        self.find(spot, kind, sides, format!("the items of `{}` {words}", spot.name), None);
    }

    fn other_keys(
        &mut self,
        base_node: &Node<'a>,
        head_node: &Node<'a>,
        base: &View<'a>,
        head: &View<'a>,
        spot: &Spot<'_>,
    ) {
        let keys: BTreeSet<&str> = base.facts.keys().chain(head.facts.keys()).copied().collect();
        for key in keys.into_iter().filter(|key| !KNOWN.contains(key) && !OUTER.contains(key) && !is_annotation(key)) {
            if key == "x-extensible-enum" {
                continue;
            }
            let (old, new) = (base.facts.get(key), head.facts.get(key));
            let equal = match (old, new) {
                (Some(old), Some(new)) => without_annotations(old.value) == without_annotations(new.value),
                // A key without a value says nothing.
                (Some(only), None) | (None, Some(only)) => only.value.is_null(),
                _ => false,
            };
            if !equal {
                let sides = Sides::both(old.unwrap_or(base_node), new.unwrap_or(head_node));
                let message = format!("`{key}` of `{}` is another, and no rule says what that means", spot.name);
                self.find(spot, "unclassified", sides, message, None);
            }
        }
        for key in ["contentEncoding", "contentMediaType"] {
            let (old, new) = (base.facts.get(key), head.facts.get(key));
            if old.map(|node| node.value) != new.map(|node| node.value) {
                let sides = Sides::both(old.unwrap_or(base_node), new.unwrap_or(head_node));
                let message = format!("`{key}` of `{}` is another", spot.name);
                self.find(spot, "type-changed", sides, message, Some(Level::None));
            }
        }
        for key in ["x-piaxis-settled", "x-piaxis-term-type"] {
            let (old, new) = (base.facts.get(key), head.facts.get(key));
            let kind = rust_api::named_list_change(key, old.map(|node| node.value), new.map(|node| node.value));
            if let Some(kind) = kind {
                let sides = Sides::both(old.unwrap_or(base_node), new.unwrap_or(head_node));
                self.find(spot, kind, sides, format!("`{key}` of `{}` is another", spot.name), None);
            }
        }
        let unknown = |view: &View<'a>| {
            let keys = view.facts.keys().copied().filter(|key| rust_api::is_unknown_extension(key));
            keys.collect::<BTreeSet<_>>()
        };
        for key in unknown(base).union(&unknown(head)) {
            let (old, new) = (base.facts.get(key), head.facts.get(key));
            if old.map(|node| node.value) != new.map(|node| node.value) {
                let sides = Sides::both(old.unwrap_or(base_node), new.unwrap_or(head_node));
                let message = format!("`{key}` of `{}` is another", spot.name);
                self.find(spot, rust_api::extension_rule(key), sides, message, None);
            }
        }
    }
}
