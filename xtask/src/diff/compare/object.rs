//! Differences between the properties of an object, named and additional.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Comparison, Sides,
    choice::alternatives,
    pair::{Pair, Side, Spot},
    way,
};
use crate::diff::{
    change::Level,
    normalise::{Node, View, only_annotations, peel},
    rust_api::Field,
};

impl<'a> Comparison<'a> {
    pub(super) fn properties(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        let (base, head) = (&pair.base.view, &pair.head.view);
        let in_base_choice = in_choice(&self.base.value, &pair.base, &pair.head);
        let in_head_choice = in_choice(&self.head.value, &pair.head, &pair.base);
        for (name, old) in &base.properties {
            let full = format!("{}.{name}", spot.name);
            let (was_required, is_required) = (base.required.contains_key(name), head.required.contains_key(name));
            let new = head.properties.get(name);
            let hidden = self.hidden(old, new);
            let optional = !was_required && !is_required;
            let inner = Spot { mask: spot.mask & !hidden, optional, ..spot.within(&full) };
            let Some(new) = new else {
                if in_head_choice.contains(name) {
                    continue;
                }
                let (kind, word) = match was_required {
                    true => ("required-property-removed", "required"),
                    false => ("optional-property-removed", "optional"),
                };
                // All users of one schema report the same place.
                let stood = old.pointer.rsplit_once('/').map_or("", |(list, _)| list);
                let around = match self.head.value.pointer(stood) {
                    Some(_) => stood.to_owned(),
                    None => format!("{}/properties", pair.head.node.pointer),
                };
                let sides = Sides::removed(old, &around);
                self.find(&inner, kind, sides, format!("{word} property `{full}` removed"));
                continue;
            };
            if was_required != is_required {
                let field = |root: &'a Value, node: &Node<'a>, required| Field::of(root, node, required).shape();
                let same_type = field(&self.base.value, old, was_required) == field(&self.head.value, new, is_required);
                let list = head.required.get(name).cloned().unwrap_or_else(|| new.pointer.clone());
                let (kind, word) = required(is_required);
                let sides = Sides::both(old, new).with_head(list);
                let message = format!("property `{full}` became {word}");
                self.find_as(&inner, kind, sides, message, same_type.then_some(Level::None));
            }
            // A client may send a read-only property back to the server; one that becomes read-only is ignored.
            let read_only = (flag(&self.base.value, old, "readOnly"), flag(&self.head.value, new, "readOnly"));
            let sent_back = if read_only == (false, true) { 0 } else { way::SENT };
            self.schema(old, new, Spot { mask: spot.mask & (!hidden | sent_back), ..inner });
        }
        for (name, new) in head.properties.iter().filter(|(name, _)| !base.properties.contains_key(*name)) {
            if in_base_choice.contains(name) {
                continue;
            }
            let full = format!("{}.{name}", spot.name);
            let mask = spot.mask & !self.hidden(new, None);
            let inner = Spot { mask, ..spot.within(&full) };
            let (kind, word) = match head.required.contains_key(name) {
                true => ("required-property-added", "required"),
                false => ("optional-property-added", "optional"),
            };
            let default = match peel(&self.head.value, new).node.value.get("default") {
                Some(default) => format!("; default {default}"),
                None => String::new(),
            };
            self.find(&inner, kind, Sides::added(new), format!("{word} property `{full}` added{default}"));
        }
        for is_required in [true, false] {
            let (having, other, node) =
                if is_required { (head, base, &pair.head.node) } else { (base, head, &pair.base.node) };
            for (name, list) in required_without_property(having, other) {
                let (kind, word) = required(is_required);
                let property = Node::new(list, node.value);
                let sides = if is_required {
                    Sides::both(&pair.base.node, &property)
                } else {
                    Sides::removed(&property, &pair.head.node.pointer)
                };
                let message = format!("property `{}.{name}` became {word}", spot.name);
                self.find_as(spot, kind, sides, message, Some(Level::None));
            }
        }
    }

    /// Ways without a property: requests leave out read-only ones, responses write-only ones.
    fn hidden(&self, base: &Node<'a>, head: Option<&Node<'a>>) -> u8 {
        let any =
            |key: &str| flag(&self.base.value, base, key) || head.is_some_and(|head| flag(&self.head.value, head, key));
        (u8::from(any("readOnly")) * way::SENT) | (u8::from(any("writeOnly")) * way::ANSWERED)
    }

    pub(super) fn additional(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        const KEY: &str = "additionalProperties";
        let (old, new) = pair.facts(KEY);
        let is_schema = |node: &&Node<'_>| node.value.is_object() && !only_annotations(node.value);
        let is_closed = |node: Option<&Node<'_>>| node.is_some_and(|node| node.value == &Value::Bool(false));
        let typed = match (old.filter(is_schema), new.filter(is_schema)) {
            (Some(old), Some(new)) => return self.schema(old, new, spot.within(&format!("{}.*", spot.name))),
            (Some(_), None) if !is_closed(new) => Some(("type-widened", "removed")),
            (None, Some(_)) if !is_closed(old) => Some(("type-narrowed", "added")),
            _ => None,
        };
        if let Some((kind, words)) = typed {
            return self.find(
                spot,
                kind,
                pair.sides(KEY),
                format!("schema of the additional properties of `{}` {words}", spot.name),
            );
        }
        let kept = |node: Option<&Node<'_>>| node.is_some() && !is_closed(node);
        let (was_closed, closed) = (is_closed(old), is_closed(new));
        let has_fields = pair.each(|side| !side.view.properties.is_empty()) == (true, true);
        let rust = match (kept(old), kept(new)) {
            (true, false) if has_fields => Level::Breaking,
            (false, true) if has_fields => Level::Additive,
            _ if was_closed == closed || has_fields => Level::None,
            _ => Level::Breaking,
        };
        let (kind, words, rust) = match (was_closed, closed, rust) {
            (false, true, _) => ("closed", "allows fewer additional properties", Some(rust)),
            (true, false, _) => ("opened", "allows more additional properties", Some(rust)),
            (_, _, Level::Breaking) => ("extra-removed", "loses `extra`", None),
            (_, _, Level::Additive) => ("extra-added", "gets `extra`", None),
            _ => return,
        };
        self.find_as(spot, kind, pair.sides(KEY), format!("`{}` {words}", spot.name), rust);
    }
}

/// Whether a property or its referenced schema has a flag.
fn flag<'a>(root: &'a Value, node: &Node<'a>, key: &str) -> bool {
    let peeled = peel(root, node);
    peeled.node.is(key) || peeled.outer.get(key).is_some_and(|flag| flag.value == &Value::Bool(true))
}

fn required(is_required: bool) -> (&'static str, &'static str) {
    match is_required {
        true => ("property-became-required", "required"),
        false => ("property-became-optional", "optional"),
    }
}

/// Names that only one of two schemas requires and that neither has as a property, with the pointers of the items.
fn required_without_property<'v>(
    having: &'v View<'_>,
    other: &'v View<'_>,
) -> impl Iterator<Item = (&'v str, &'v String)> {
    let has = |view: &View<'_>, name: &str| view.properties.contains_key(name);
    let only = having.required.iter().filter(|(name, _)| !other.required.contains_key(*name));
    only.map(|(name, list)| (*name, list))
        .filter(move |(name, _)| !name.is_empty() && !has(having, name) && !has(other, name))
}

/// Properties of the alternatives of a choice, whose comparison reports them.
///
/// Where the other schema is a choice too, only properties of every alternative count.
fn in_choice<'a>(root: &'a Value, side: &Side<'a>, other: &Side<'a>) -> BTreeSet<&'a str> {
    let names = alternatives(root, &side.view).into_iter().map(|part| part.properties.into_keys().collect());
    let is_choice = ["oneOf", "anyOf"].iter().any(|key| other.view.facts.contains_key(key));
    let both: fn(BTreeSet<&'a str>, BTreeSet<&'a str>) -> BTreeSet<&'a str> = match is_choice {
        true => |one, other| one.intersection(&other).copied().collect(),
        false => |one, other| one.union(&other).copied().collect(),
    };
    names.reduce(both).unwrap_or_default()
}
