//! Differences between limits of a value.

use super::*;

/// Each limit, the key that excludes the limit itself, and the value that is the same as no limit.
const LIMITS: [(&str, &str, Option<i128>); 10] = [
    ("maximum", "exclusiveMaximum", None),
    ("maxLength", "", None),
    ("maxItems", "", None),
    ("maxProperties", "", None),
    ("maxContains", "", None),
    ("minimum", "exclusiveMinimum", None),
    ("minLength", "", Some(0)),
    ("minItems", "", Some(0)),
    ("minProperties", "", Some(0)),
    ("minContains", "", Some(1)),
];

impl<'a> Comparison<'a> {
    pub(super) fn limits(&mut self, pair: &Pair<'a>) {
        let mut found: Vec<(&str, &str, Option<&'static str>)> = Vec::new();
        for (key, exclusive, none) in LIMITS {
            let limit = |side: &View<'a>| limit(side, key, exclusive).or(none.map(|it| (Exact::whole(it), false)));
            let (old, new) = pair.each(limit);
            found.push((key, exclusive, tightened(order(old, new, is_upper(key)))));
        }
        let (was, is) = pair.each(|side| side.fact("uniqueItems") == Some(&Value::Bool(true)));
        found.push(("uniqueItems", "", tightened(is.cmp(&was))));
        let (old, new) = pair.each(|side| side.fact("multipleOf").and_then(Value::as_f64));
        found.push(("multipleOf", "", step(old, new)));
        for (key, exclusive, kind) in found {
            let Some(kind) = kind else { continue };
            let (old, new) = pair.each(|side| side.facts.get(key).or(side.facts.get(exclusive)).cloned());
            let message = changed(key, &pair.spot.name, old.as_ref(), new.as_ref());
            let sides = both(old.as_ref().unwrap_or(&pair.base.node), new.as_ref().unwrap_or(&pair.head.node));
            self.find(&pair.spot, kind, sides, message);
        }
    }
}

fn is_upper(key: &str) -> bool {
    key.starts_with("max")
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
fn limit(view: &View<'_>, key: &str, exclusive: &str) -> Option<Limit> {
    let own = view.fact(key).and_then(Exact::of);
    let strict = view.fact(exclusive).and_then(Exact::of).map(|strict| (strict, true));
    let plain = own.map(|limit| (limit, view.fact(exclusive) == Some(&Value::Bool(true))));
    // The tighter of two counts.
    let found = if order(plain, strict, is_upper(key)) == Ordering::Less { plain } else { strict };
    // For integers, `> 0` is `>= 1`.
    let is_whole = view.kinds().is_some_and(|kinds| kinds.iter().all(|(kind, _)| *kind == "integer"));
    found.map(|(limit, strict)| if is_whole { (limit.rounded(!is_upper(key), strict), false) } else { (limit, strict) })
}

/// Greater means that the head is tighter.
fn order(base: Option<Limit>, head: Option<Limit>, upper: bool) -> Ordering {
    let (Some((old, was)), Some((new, is))) = (base, head) else { return head.is_some().cmp(&base.is_some()) };
    let by_value = if upper { old.compare(new) } else { new.compare(old) };
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
