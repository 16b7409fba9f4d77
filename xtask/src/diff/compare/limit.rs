//! Differences between limits of a value.

use std::cmp::Ordering;

use serde_json::Value;

use super::{
    Comparison, Sides,
    pair::{Pair, Side, Spot},
    schema::changed,
};
use crate::diff::{normalise::View, number::Exact};

/// Upper or lower limit.
#[derive(Clone, Copy)]
enum Bound {
    Upper,
    /// With the value that is the same as no limit, if there is one.
    Lower(Option<i128>),
}

/// Each limit, and the key that excludes the limit itself.
const LIMITS: [(&str, &str, Bound); 10] = [
    ("maximum", "exclusiveMaximum", Bound::Upper),
    ("maxLength", "", Bound::Upper),
    ("maxItems", "", Bound::Upper),
    ("maxProperties", "", Bound::Upper),
    ("maxContains", "", Bound::Upper),
    ("minimum", "exclusiveMinimum", Bound::Lower(None)),
    ("minLength", "", Bound::Lower(Some(0))),
    ("minItems", "", Bound::Lower(Some(0))),
    ("minProperties", "", Bound::Lower(Some(0))),
    ("minContains", "", Bound::Lower(Some(1))),
];

impl<'a> Comparison<'a> {
    pub(super) fn limits(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        let mut found: Vec<(&str, Option<&'static str>)> = Vec::new();
        for (key, exclusive, bound) in LIMITS {
            let (old, new) = pair.each(|side| limit(&side.view, key, exclusive, bound));
            found.push((key, tightened(order(old, new, bound))));
        }
        let (was, is) = pair.each(|side| side.view.fact("uniqueItems") == Some(&Value::Bool(true)));
        found.push(("uniqueItems", tightened(is.cmp(&was))));
        let (old, new) = pair.each(|side| side.view.fact("multipleOf").and_then(Value::as_f64));
        found.push(("multipleOf", step(old, new)));
        for (key, kind) in found.into_iter().filter_map(|(key, kind)| Some((key, kind?))) {
            let exclusive = LIMITS.iter().find(|(other, ..)| *other == key).map_or("", |(_, exclusive, _)| exclusive);
            let at = |side: &Side<'a>| side.view.facts.get(key).or_else(|| side.view.facts.get(exclusive)).cloned();
            let (old, new) = pair.each(at);
            let message = changed(key, spot.name, old.as_ref(), new.as_ref());
            let sides = Sides::both(old.as_ref().unwrap_or(&pair.base.node), new.as_ref().unwrap_or(&pair.head.node));
            self.find(spot, kind, sides, message);
        }
    }
}

fn tightened(order: Ordering) -> Option<&'static str> {
    match order {
        Ordering::Greater => Some("limit-tightened"),
        Ordering::Less => Some("limit-loosened"),
        Ordering::Equal => None,
    }
}

/// A limit, and whether it excludes its own value.
type Limit = (Exact, bool);

/// Returns the effective limit: OpenAPI 3.0 excludes the limit itself by a flag, 3.1 by another number.
fn limit(view: &View<'_>, key: &str, exclusive: &str, bound: Bound) -> Option<Limit> {
    let upper = matches!(bound, Bound::Upper);
    let own = view.fact(key).and_then(Exact::of);
    let found = match view.fact(exclusive) {
        Some(Value::Bool(true)) => own.map(|limit| (limit, true)),
        Some(number @ Value::Number(_)) => {
            let strict = Exact::of(number)?;
            let closer = if upper { Ordering::Less } else { Ordering::Greater };
            Some(own.filter(|own| own.compare(strict) == closer).map_or((strict, true), |own| (own, false)))
        }
        _ => own.map(|limit| (limit, false)),
    };
    // For integers, `> 0` is `>= 1`.
    let is_whole = view.kinds().is_some_and(|kinds| kinds.iter().all(|(kind, _)| kind == "integer"));
    let found =
        found.map(|(limit, strict)| if is_whole { (limit.whole(!upper, strict), false) } else { (limit, strict) });
    match bound {
        Bound::Lower(Some(floor)) => found.or(Some((Exact::Whole(floor), false))),
        Bound::Upper | Bound::Lower(None) => found,
    }
}

/// Greater means that the head is tighter.
fn order(base: Option<Limit>, head: Option<Limit>, bound: Bound) -> Ordering {
    let (Some((old, was)), Some((new, is))) = (base, head) else { return head.is_some().cmp(&base.is_some()) };
    let by_value = if matches!(bound, Bound::Upper) { old.compare(new) } else { new.compare(old) };
    by_value.then(is.cmp(&was))
}

/// Compares two `multipleOf`: every multiple of 4 is one of 2.
fn step(base: Option<f64>, head: Option<f64>) -> Option<&'static str> {
    let divides = |step: f64, value: f64| step != 0.0 && (value / step).fract().abs() < 1e-9;
    match (base, head) {
        (Some(old), Some(new)) if (old - new).abs() < f64::EPSILON => None,
        (Some(old), Some(new)) if divides(new, old) => Some("limit-loosened"),
        (Some(old), Some(new)) if divides(old, new) => Some("limit-tightened"),
        (Some(_), Some(_)) => Some("limit-changed"),
        _ => tightened(head.is_some().cmp(&base.is_some())),
    }
}
