//! Differences between two schemas, whatever uses them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Comparison, Finding, Sides, Unit, way};
use crate::diff::{
    change::Level,
    normalise::{self, Node, OUTER, Peeled, View, is_annotation, peel, same, without_annotations},
    rust_api::{self, Field},
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

    fn properties(
        &mut self,
        base_node: &Node<'a>,
        head_node: &Node<'a>,
        base: &View<'a>,
        head: &View<'a>,
        spot: &Spot<'_>,
    ) {
        for (name, old) in &base.properties {
            let full = format!("{}.{name}", spot.name);
            let was_required = base.required.contains_key(name);
            let optional = !was_required && !head.required.contains_key(name);
            let hidden = self.hidden(old, head.properties.get(name));
            let mask = spot.mask & !hidden;
            let inner = Spot { unit: spot.unit, mask, name: &full, outer_done: false, optional };
            let Some(new) = head.properties.get(name) else {
                if self.moved_into_choice(head, name) {
                    continue;
                }
                let words = if was_required { "a required property" } else { "an optional property" };
                let sides = Sides::removed(old, &head_node.pointer);
                let kind = if was_required { "required-property-removed" } else { "optional-property-removed" };
                self.find(&inner, kind, sides, format!("`{full}`, {words}, is gone"), None);
                continue;
            };
            let is_required = head.required.contains_key(name);
            if was_required != is_required {
                let field = |root: &'a Value, node: &Node<'a>, required| Field::of(root, node, required).shape();
                let same_type = field(&self.base.value, old, was_required) == field(&self.head.value, new, is_required);
                let list = head.required.get(name).cloned().unwrap_or_else(|| new.pointer.clone());
                let (kind, words) = match is_required {
                    true => ("property-became-required", "is required now"),
                    false => ("property-became-optional", "is optional now"),
                };
                let mut sides = Sides::both(old, new);
                if let Some(head) = &mut sides.head {
                    head.pointer = list;
                }
                self.find(&inner, kind, sides, format!("`{full}` {words}"), same_type.then_some(Level::None));
            }
            self.schema(old, new, inner);
        }
        for (name, new) in head.properties.iter().filter(|(name, _)| !base.properties.contains_key(*name)) {
            if self.moved_out_of_choice(base, name) {
                continue;
            }
            let full = format!("{}.{name}", spot.name);
            let hidden = self.hidden(new, None);
            let inner =
                Spot { unit: spot.unit, mask: spot.mask & !hidden, name: &full, outer_done: false, optional: false };
            let (kind, words) = match head.required.contains_key(name) {
                true => ("required-property-added", "a required property"),
                false => ("optional-property-added", "an optional property"),
            };
            let mut found = None;
            if let Some(default) = peel(&self.head.value, new).node.value.get("default") {
                // The server fills it in.
                found = Some(format!("; {default} is assumed of requests without it"));
            }
            self.find(
                &inner,
                kind,
                Sides::added(new),
                format!("`{full}`, {words}, is new{}", found.unwrap_or_default()),
                None,
            );
        }
        // Names that are required without a property of their own.
        let phantom = |names: &View<'a>, others: &View<'a>| -> Vec<(String, String)> {
            let missing = |name: &&str| {
                !name.is_empty() && !names.properties.contains_key(*name) && !others.properties.contains_key(*name)
            };
            let only = names.required.iter().filter(|(name, _)| !others.required.contains_key(*name) && missing(name));
            only.map(|(name, pointer)| ((*name).to_owned(), pointer.clone())).collect()
        };
        for (name, pointer) in phantom(head, base) {
            let mut sides = Sides::both(base_node, head_node);
            sides.head.iter_mut().for_each(|head| head.pointer.clone_from(&pointer));
            let message = format!("`{}.{name}` is required now", spot.name);
            self.find(spot, "property-became-required", sides, message, Some(Level::None));
        }
        for (name, _) in phantom(base, head) {
            let message = format!("`{}.{name}` is optional now", spot.name);
            self.find(spot, "property-became-optional", Sides::both(base_node, head_node), message, Some(Level::None));
        }
    }

    /// Ways that do not see a property: requests leave out what is read-only, answers what is write-only.
    fn hidden(&self, base: &Node<'a>, head: Option<&Node<'a>>) -> u8 {
        let has = |root: &'a Value, node: &Node<'a>, key: &str| {
            let peeled = peel(root, node);
            peeled.node.is(key) || peeled.outer.get(key).is_some_and(|flag| flag.value == &Value::Bool(true))
        };
        let any =
            |key: &str| has(&self.base.value, base, key) || head.is_some_and(|head| has(&self.head.value, head, key));
        u8::from(any("readOnly")) * way::SENT | u8::from(any("writeOnly")) * way::ANSWERED
    }

    /// A property that each alternative of the other side may have is told of by the choice.
    fn moved_into_choice(&self, head: &View<'a>, name: &str) -> bool {
        alternatives(&self.head.value, head).iter().any(|part| part.properties.contains_key(name))
    }

    fn moved_out_of_choice(&self, base: &View<'a>, name: &str) -> bool {
        alternatives(&self.base.value, base).iter().any(|part| part.properties.contains_key(name))
    }

    fn additional(
        &mut self,
        base_node: &Node<'a>,
        head_node: &Node<'a>,
        base: &View<'a>,
        head: &View<'a>,
        spot: &Spot<'_>,
    ) {
        let (old, new) = (base.facts.get("additionalProperties"), head.facts.get("additionalProperties"));
        let is_schema = |node: &Node<'_>| node.value.as_object().is_some_and(|object| !object.is_empty());
        if let (Some(old), Some(new)) = (old.filter(|it| is_schema(it)), new.filter(|it| is_schema(it))) {
            let name = format!("{}.*", spot.name);
            return self.schema(
                old,
                new,
                Spot { unit: spot.unit, mask: spot.mask, name: &name, outer_done: false, optional: false },
            );
        }
        // How narrow it is: anything, values of one schema, nothing.
        let narrow = |node: Option<&Node<'_>>| match node {
            Some(node) if node.value == &Value::Bool(false) => 2,
            Some(node) if is_schema(node) => 1,
            _ => 0,
        };
        let kept = |node: Option<&Node<'_>>| node.is_some_and(|node| node.value != &Value::Bool(false));
        let (was, is) = (narrow(old), narrow(new));
        let sides = Sides::both(old.unwrap_or(base_node), new.unwrap_or(head_node));
        let has_fields = !base.properties.is_empty() && !head.properties.is_empty();
        let rust = match (kept(old), kept(new)) {
            (true, false) if has_fields => Level::Breaking,
            (false, true) if has_fields => Level::Additive,
            _ if was == is || has_fields && was.max(is) == 2 => Level::None,
            _ => Level::Breaking,
        };
        match was.cmp(&is) {
            std::cmp::Ordering::Less => {
                let message = format!("`{}` may have fewer other fields", spot.name);
                self.find(spot, "closed", sides, message, Some(rust));
            }
            std::cmp::Ordering::Greater => {
                let message = format!("`{}` may have more other fields", spot.name);
                self.find(spot, "opened", sides, message, Some(rust));
            }
            std::cmp::Ordering::Equal if rust == Level::Breaking && kept(old) != kept(new) => {
                let message = format!("`extra` of `{}` is gone", spot.name);
                let ways =
                    Spot { unit: spot.unit, mask: spot.mask, name: spot.name, outer_done: true, optional: false };
                self.find(&ways, "extra-removed", sides, message, None);
            }
            std::cmp::Ordering::Equal => {}
        }
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

/// The alternatives of a choice.
pub(crate) fn alternatives<'a>(root: &'a Value, view: &View<'a>) -> Vec<View<'a>> {
    let lists = ["oneOf", "anyOf"].iter().filter_map(|key| view.facts.get(key));
    let parts = lists.flat_map(|list| {
        let items = list.value.as_array().into_iter().flatten().enumerate();
        items.map(|(at, value)| Node::new(format!("{}/{at}", list.pointer), value)).collect::<Vec<_>>()
    });
    parts.map(|part| View::of(root, &normalise::peel(root, &part).node)).collect()
}
