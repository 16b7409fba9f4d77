//! Two parts of an `allOf` that speak of the same thing.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use super::{
    node::Node,
    normalise::{OUTER, is_annotation, same, without_annotations},
    number::Exact,
};

/// Keeps the tighter of two; of two that cannot be told apart, the same one in any order of the parts.
pub(super) fn merge<'a>(
    held: &mut BTreeMap<&'a str, Node<'a>>,
    besides: &mut BTreeSet<String>,
    key: &'a str,
    other: Node<'a>,
    tightness: impl Fn(&Value, &Value) -> Option<Ordering>,
) {
    let Some(one) = held.get_mut(key) else {
        held.insert(key, other);
        return;
    };
    let (text, of) = (without_annotations(one.value), without_annotations(other.value));
    let order = tightness(one.value, other.value);
    if order.unwrap_or_else(|| text.cmp(&of)) == Ordering::Greater {
        *one = other;
    }
    if order.is_none() && text != of {
        besides.insert(format!("{key} {}", text.max(of)));
    }
}

/// Less: the first of two limits is the tighter.
pub(super) fn tightness(key: &str, one: &Value, other: &Value) -> Option<Ordering> {
    let (one, other) = (Exact::of(one)?, Exact::of(other)?);
    match key {
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => Some(one.compare(other)),
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => Some(other.compare(one)),
        _ => None,
    }
}

/// Less: the first of two schemas says all that the other does, or has tighter limits for it.
pub(super) fn closer(one: &Value, other: &Value) -> Option<Ordering> {
    let says = |one: &Value, other: &Value| -> Option<bool> {
        let mut keys = other.as_object()?.iter().filter(|(key, _)| !is_annotation(key));
        let holds = |key: &str, value: &Value, own: &Value| {
            same(own, value) || tightness(key, own, value) == Some(Ordering::Less)
        };
        Some(keys.all(|(key, value)| one.get(key).is_some_and(|own| holds(key, value, own))))
    };
    // `nullable` says more and demands less.
    if OUTER.iter().any(|key| one.get(*key) != other.get(*key)) {
        return None;
    }
    match (says(one, other)?, says(other, one)?) {
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        _ => None,
    }
}
