//! Differences of the fields of an object: its own, and others.

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
                let (kind, words) = match was_required {
                    true => ("required-property-removed", "a required property"),
                    false => ("optional-property-removed", "an optional property"),
                };
                // Where it stood, so that all who have it of one schema say the same.
                let stood = old.pointer.rsplit_once('/').map_or("", |(list, _)| list);
                let around = match self.head.value.pointer(stood) {
                    Some(_) => stood.to_owned(),
                    None => format!("{}/properties", pair.head.node.pointer),
                };
                let sides = Sides::removed(old, &around);
                self.find(&inner, kind, sides, format!("`{full}`, {words}, is gone"));
                continue;
            };
            if was_required != is_required {
                let field = |root: &'a Value, node: &Node<'a>, required| Field::of(root, node, required).shape();
                let same_type = field(&self.base.value, old, was_required) == field(&self.head.value, new, is_required);
                let list = head.required.get(name).cloned().unwrap_or_else(|| new.pointer.clone());
                let (kind, words) = required(is_required);
                let sides = Sides::both(old, new).with_head(list);
                self.find_as(&inner, kind, sides, format!("`{full}` {words}"), same_type.then_some(Level::None));
            }
            // Whoever sends back what was read sends what is read-only, too; what becomes so is no longer taken.
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
            let (kind, words) = match head.required.contains_key(name) {
                true => ("required-property-added", "a required property"),
                false => ("optional-property-added", "an optional property"),
            };
            let assumed = match peel(&self.head.value, new).node.value.get("default") {
                Some(default) => format!("; {default} is assumed of requests without it"),
                None => String::new(),
            };
            self.find(&inner, kind, Sides::added(new), format!("`{full}`, {words}, is new{assumed}"));
        }
        for is_required in [true, false] {
            let (having, other) = if is_required { (head, base) } else { (base, head) };
            for (name, list) in required_without_property(having, other) {
                let (kind, words) = required(is_required);
                let sides = Sides::both(&pair.base.node, &pair.head.node);
                let sides = if is_required { sides.with_head(list.clone()) } else { sides };
                self.find_as(spot, kind, sides, format!("`{}.{name}` {words}", spot.name), Some(Level::None));
            }
        }
    }

    /// Ways that do not see a property: requests leave out what is read-only, answers what is write-only.
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
            (Some(_), None) if !is_closed(new) => Some(("type-widened", "may be anything now")),
            (None, Some(_)) if !is_closed(old) => Some(("type-narrowed", "may not be anything any more")),
            _ => None,
        };
        if let Some((kind, words)) = typed {
            return self.find(spot, kind, pair.sides(KEY), format!("other fields of `{}` {words}", spot.name));
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
            (false, true, _) => ("closed", "may have fewer other fields", Some(rust)),
            (true, false, _) => ("opened", "may have more other fields", Some(rust)),
            (_, _, Level::Breaking) => ("extra-removed", "keeps no other fields in `extra` any more", None),
            (_, _, Level::Additive) => ("extra-added", "keeps other fields in `extra` now", None),
            _ => return,
        };
        self.find_as(spot, kind, pair.sides(KEY), format!("`{}` {words}", spot.name), rust);
    }
}

/// Whether a property has a flag, itself or where it refers to.
fn flag<'a>(root: &'a Value, node: &Node<'a>, key: &str) -> bool {
    let peeled = peel(root, node);
    peeled.node.is(key) || peeled.outer.get(key).is_some_and(|flag| flag.value == &Value::Bool(true))
}

fn required(is_required: bool) -> (&'static str, &'static str) {
    match is_required {
        true => ("property-became-required", "is required now"),
        false => ("property-became-optional", "is optional now"),
    }
}

/// Names that one of two schemas requires, where neither has such a property, and the lists that have them.
fn required_without_property<'v>(
    having: &'v View<'_>,
    other: &'v View<'_>,
) -> impl Iterator<Item = (&'v str, &'v String)> {
    let has = |view: &View<'_>, name: &str| view.properties.contains_key(name);
    let only = having.required.iter().filter(|(name, _)| !other.required.contains_key(*name));
    only.map(|(name, list)| (*name, list))
        .filter(move |(name, _)| !name.is_empty() && !has(having, name) && !has(other, name))
}

/// Properties of the alternatives of a choice: what moves there is told of by the choice.
///
/// Where the other schema is a choice too, nothing tells of it unless each alternative has it.
fn in_choice<'a>(root: &'a Value, side: &Side<'a>, other: &Side<'a>) -> BTreeSet<&'a str> {
    let names = alternatives(root, &side.view).into_iter().map(|part| part.properties.into_keys().collect());
    let is_choice = ["oneOf", "anyOf"].iter().any(|key| other.view.facts.contains_key(key));
    let both: fn(BTreeSet<&'a str>, BTreeSet<&'a str>) -> BTreeSet<&'a str> = match is_choice {
        true => |one, other| one.intersection(&other).copied().collect(),
        false => |one, other| one.union(&other).copied().collect(),
    };
    names.reduce(both).unwrap_or_default()
}
