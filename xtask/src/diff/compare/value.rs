//! Differences of the values that a schema allows: types, closed and open enums, limits, patterns, choices.

use std::{cmp::Ordering, collections::BTreeSet};

use serde_json::Value;

use super::{Comparison, Sides, object::alternatives, schema::Spot, way};
use crate::diff::{
    change::Level,
    normalise::{Node, Peeled, View, peel, same, without_annotations},
    rust_api,
};

type Kinds = BTreeSet<(String, String)>;

impl<'a> Comparison<'a> {
    pub(super) fn values(
        &mut self,
        base_node: &Node<'a>,
        head_node: &Node<'a>,
        base: &View<'a>,
        head: &View<'a>,
        spot: &Spot<'_>,
    ) {
        let sides = |key: &str| {
            let side = |view: &View<'a>, node: &Node<'a>| view.facts.get(key).unwrap_or(node).clone();
            Sides::both(&side(base, base_node), &side(head, head_node))
        };
        let name = spot.name;
        let (old, new) = (base.kinds(), head.kinds());
        let both_choose =
            |view: &View<'_>| view.fact("oneOf").or(view.fact("anyOf")).is_some() && view.kinds().is_none();
        if old != new && !both_choose(base) && !both_choose(head) {
            let rust = (rust_api::kind(&old) == rust_api::kind(&new)).then_some(Level::Patch);
            let words = format!("`{name}` is {} in place of {}", told(&new), told(&old));
            let at = if old.as_ref().map(plain_kinds) == new.as_ref().map(plain_kinds) { "format" } else { "type" };
            self.find(spot, compared(&old, &new), sides(at), words, rust);
        }
        self.enums(base_node, head_node, base, head, spot);
        self.open_enums(base_node, head_node, base, head, spot);
        self.limits(base_node, head_node, base, head, spot);
        let pattern = |view: &View<'a>| view.fact("pattern").and_then(Value::as_str).filter(|text| !takes_all(text));
        let kind = match (pattern(base), pattern(head)) {
            (None, Some(_)) => "pattern-added",
            (Some(_), None) => "pattern-removed",
            (Some(old), Some(new)) if old != new => "pattern-changed",
            _ => return,
        };
        // A server checks the pattern even of what is read-only, when somebody sends back what it read.
        let spot = Spot { mask: way::ALL, name, ..*spot };
        self.find(&spot, kind, sides("pattern"), format!("the pattern of `{name}` is another"), None);
    }

    fn enums(&mut self, base_node: &Node<'a>, head_node: &Node<'a>, base: &View<'a>, head: &View<'a>, spot: &Spot<'_>) {
        let values = |view: &View<'a>| match view.facts.get("enum") {
            Some(list) => match list.value {
                Value::Array(values) => Some(values.iter().filter(|value| !value.is_null()).collect::<Vec<_>>()),
                // `const` of OpenAPI 3.1.
                only => Some(vec![only]),
            },
            None => None,
        };
        let place = |view: &View<'a>, node: &Node<'a>| view.facts.get("enum").unwrap_or(node).clone();
        let sides = Sides::both(&place(base, base_node), &place(head, head_node));
        let name = spot.name;
        let (old, new) = match (values(base), values(head)) {
            (None, None) => return,
            (None, Some(_)) => {
                return self.find(spot, "enum-added", sides, format!("`{name}` has a closed list of values now"), None);
            }
            (Some(_), None) => {
                return self.find(
                    spot,
                    "enum-removed",
                    sides,
                    format!("`{name}` has no closed list of values any more"),
                    None,
                );
            }
            (Some(old), Some(new)) => (old, new),
        };
        let without = |these: &[&Value], others: &[&Value]| -> Vec<String> {
            let gone = these.iter().filter(|value| !others.iter().any(|other| same(value, other)));
            gone.map(|value| value.to_string()).collect()
        };
        // Only texts become variants in Rust.
        let variants = old.iter().chain(&new).all(|value| value.is_string());
        let rust = if variants { None } else { Some(Level::Patch) };
        let (gone, more) = (without(&old, &new), without(&new, &old));
        if !gone.is_empty() {
            let message = format!("`{name}` may no longer be {}", gone.join(", "));
            self.find(spot, "enum-value-removed", sides.clone(), message, rust);
        }
        if !more.is_empty() {
            self.find(spot, "enum-value-added", sides, format!("`{name}` may also be {}", more.join(", ")), rust);
        }
    }

    fn open_enums(
        &mut self,
        base_node: &Node<'a>,
        head_node: &Node<'a>,
        base: &View<'a>,
        head: &View<'a>,
        spot: &Spot<'_>,
    ) {
        const KEY: &str = "x-extensible-enum";
        let values = |view: &View<'a>| -> Option<Vec<&'a str>> {
            Some(view.fact(KEY)?.as_array()?.iter().filter_map(Value::as_str).collect())
        };
        let place = |view: &View<'a>, node: &Node<'a>| view.facts.get(KEY).unwrap_or(node).clone();
        let sides = Sides::both(&place(base, base_node), &place(head, head_node));
        let name = spot.name;
        match (values(base), values(head)) {
            (None, None) => {}
            (None, Some(_)) => self.find(spot, "open-enum-added", sides, format!("`{name}` is an open enum now"), None),
            (Some(_), None) => {
                self.find(spot, "open-enum-removed", sides, format!("`{name}` is no open enum any more"), None);
            }
            (Some(old), Some(new)) => {
                let gone: Vec<&str> = old.iter().filter(|value| !new.contains(value)).copied().collect();
                let more: Vec<&str> = new.iter().filter(|value| !old.contains(value)).copied().collect();
                if !gone.is_empty() {
                    let message = format!("the open enum `{name}` no longer has {}", gone.join(", "));
                    self.find(spot, "open-enum-value-removed", sides.clone(), message, None);
                }
                if !more.is_empty() {
                    let message = format!("the open enum `{name}` also has {}", more.join(", "));
                    self.find(spot, "open-enum-value-added", sides, message, None);
                }
            }
        }
    }

    fn limits(
        &mut self,
        base_node: &Node<'a>,
        head_node: &Node<'a>,
        base: &View<'a>,
        head: &View<'a>,
        spot: &Spot<'_>,
    ) {
        let upper = [("maximum", "exclusiveMaximum"), ("maxLength", ""), ("maxItems", ""), ("maxProperties", "")];
        let lower = [("minimum", "exclusiveMinimum"), ("minLength", ""), ("minItems", ""), ("minProperties", "")];
        let mut found: Vec<(&str, Ordering)> = Vec::new();
        for (key, exclusive) in upper {
            found.push((key, order(limit(base, key, exclusive), limit(head, key, exclusive), true)));
        }
        for (key, exclusive) in lower {
            // No length is shorter than none.
            let floor = (key != "minimum").then_some((0.0, false));
            let at = |view| limit(view, key, exclusive).or(floor);
            found.push((key, order(at(base), at(head), false)));
        }
        let flag = |view: &View<'_>| view.fact("uniqueItems") == Some(&Value::Bool(true));
        found.push(("uniqueItems", flag(head).cmp(&flag(base))));
        let step = |view: &View<'_>| view.fact("multipleOf").and_then(Value::as_f64);
        found.push(("multipleOf", finer(step(base), step(head))));
        for (key, order) in found {
            let kind = match order {
                Ordering::Greater => "limit-tightened",
                Ordering::Less => "limit-loosened",
                Ordering::Equal => continue,
            };
            let at = |view: &View<'a>| {
                let exclusive = key.replace("minimum", "exclusiveMinimum").replace("maximum", "exclusiveMaximum");
                view.facts.get(key).or_else(|| view.facts.get(exclusive.as_str())).cloned()
            };
            let (old, new) = (at(base), at(head));
            let shown =
                |node: &Option<Node<'_>>| node.as_ref().map_or("nothing".to_owned(), |node| node.value.to_string());
            let message = format!("`{key}` of `{}` is {} in place of {}", spot.name, shown(&new), shown(&old));
            let sides = Sides::both(old.as_ref().unwrap_or(base_node), new.as_ref().unwrap_or(head_node));
            self.find(spot, kind, sides, message, None);
        }
    }

    pub(super) fn choices(
        &mut self,
        base_node: &Node<'a>,
        head_node: &Node<'a>,
        base: &View<'a>,
        head: &View<'a>,
        spot: &Spot<'_>,
    ) {
        for (key, added, removed) in
            [("oneOf", "alternative-added", "alternative-removed"), ("anyOf", "any-of-added", "any-of-removed")]
        {
            let (old, new) = (base.facts.get(key), head.facts.get(key));
            let sides = Sides::both(old.unwrap_or(base_node), new.unwrap_or(head_node));
            let plain = |view: &View<'_>| view.is_choice_of_kinds(key) || view.fact(key).is_none();
            // Plain types have been compared as such.
            if plain(base) && plain(head) && base.kinds().is_some() && head.kinds().is_some() {
                continue;
            }
            match (old, new) {
                (None, None) => {}
                (Some(old), Some(new)) => {
                    let (gone, more) = self.pairs(old, new, spot);
                    if !gone.is_empty() {
                        let message = format!("`{}` can no longer be {}", spot.name, gone.join(", "));
                        self.find(spot, removed, sides.clone(), message, None);
                    }
                    if !more.is_empty() {
                        self.find(spot, added, sides, format!("`{}` can also be {}", spot.name, more.join(", ")), None);
                    }
                }
                (None, Some(_)) if base.fact("oneOf").or(base.fact("anyOf")).is_some() => {}
                (Some(_), None) if head.fact("oneOf").or(head.fact("anyOf")).is_some() => {}
                (None, Some(_)) => {
                    // Where anything was taken, a choice takes less; else what was there is one of several.
                    let free = base.kinds().is_none() && base.properties.is_empty();
                    let only_narrows = alternatives(&self.head.value, head).iter().all(|part| {
                        part.properties.is_empty() && part.kinds().is_none() && part.fact("enum").is_none()
                    });
                    let kind = if free || only_narrows { "type-narrowed" } else { "choice-added" };
                    self.find(spot, kind, sides, format!("`{}` is a choice now", spot.name), None);
                }
                (Some(_), None) => {
                    let free = head.kinds().is_none() && head.properties.is_empty();
                    let kind = if free { "type-widened" } else { "choice-removed" };
                    self.find(spot, kind, sides, format!("`{}` is no choice any more", spot.name), None);
                }
            }
        }
        let (old, new) = (base.facts.get("discriminator"), head.facts.get("discriminator"));
        if old.map(|node| node.value) != new.map(|node| node.value) {
            let sides = Sides::both(old.unwrap_or(base_node), new.unwrap_or(head_node));
            let message = format!("the alternatives of `{}` are told apart by other means", spot.name);
            self.find(spot, "discriminator-changed", sides, message, None);
        }
    }

    /// Finds which alternatives belong together; what is left on either side is gone or new.
    fn pairs(&mut self, old: &Node<'a>, new: &Node<'a>, spot: &Spot<'_>) -> (Vec<String>, Vec<String>) {
        let parts = |list: &Node<'a>, root: &'a Value| -> Vec<(Node<'a>, Peeled<'a>)> {
            let items = list.value.as_array().into_iter().flatten().enumerate();
            let nodes = items.map(|(at, value)| Node::new(format!("{}/{at}", list.pointer), value));
            nodes
                .map(|node| (node.clone(), peel(root, &node)))
                .filter(|(_, peeled)| peeled.node.value["type"] != "null")
                .collect()
        };
        let mut left = parts(old, &self.base.value);
        let mut right = parts(new, &self.head.value);
        let mut matched = Vec::new();
        type Same<'a> = fn(&(Node<'a>, Peeled<'a>), &(Node<'a>, Peeled<'a>)) -> bool;
        let by: [Same<'a>; 4] = [
            |one, other| one.1.name.is_some() && one.1.name == other.1.name,
            |one, other| without_annotations(one.1.node.value) == without_annotations(other.1.node.value),
            |one, other| {
                let title = |part: &(Node<'a>, Peeled<'a>)| part.1.node.text("title");
                !title(one).is_empty() && title(one) == title(other)
            },
            |one, other| {
                let kind = |part: &(Node<'a>, Peeled<'a>)| part.1.node.text("type");
                one.1.name.is_none() && other.1.name.is_none() && !kind(one).is_empty() && kind(one) == kind(other)
            },
        ];
        for same in by {
            left.retain(|one| {
                let Some(at) = right.iter().position(|other| same(one, other)) else { return true };
                matched.push((one.0.clone(), right.remove(at).0));
                false
            });
        }
        for (one, other) in matched {
            let inner = Spot { unit: spot.unit, mask: spot.mask, name: spot.name, outer_done: false, optional: false };
            self.schema(&one, &other, inner);
        }
        let told = |parts: Vec<(Node<'a>, Peeled<'a>)>| -> Vec<String> {
            let word = |(_, peeled): &(Node<'a>, Peeled<'a>)| {
                let kind = peeled.node.text("type");
                peeled
                    .name
                    .clone()
                    .unwrap_or_else(|| if kind.is_empty() { "another schema".into() } else { kind.into() })
            };
            parts.iter().map(word).collect()
        };
        (told(left), told(right))
    }
}

/// A limit and whether the value itself is beyond it; 3.0 says so by a flag, 3.1 by another number.
fn limit(view: &View<'_>, key: &str, exclusive: &str) -> Option<(f64, bool)> {
    let own = view.fact(key).and_then(Value::as_f64);
    match view.fact(exclusive) {
        Some(Value::Bool(true)) => own.map(|limit| (limit, true)),
        Some(Value::Number(number)) => {
            let strict = number.as_f64()?;
            let closer = |own: f64| if exclusive.ends_with("Maximum") { own < strict } else { own > strict };
            Some(own.filter(|own| closer(*own)).map_or((strict, true), |own| (own, false)))
        }
        _ => own.map(|limit| (limit, false)),
    }
}

/// Greater: the head is tighter.
fn order(base: Option<(f64, bool)>, head: Option<(f64, bool)>, upper: bool) -> Ordering {
    match (base, head) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some((old, was)), Some((new, is))) => {
            let by_value = if upper { old.partial_cmp(&new) } else { new.partial_cmp(&old) };
            by_value.unwrap_or(Ordering::Equal).then(is.cmp(&was))
        }
    }
}

fn finer(base: Option<f64>, head: Option<f64>) -> Ordering {
    match (base, head) {
        (Some(old), Some(new)) if (old - new).abs() < f64::EPSILON => Ordering::Equal,
        // Every multiple of 4 is one of 2.
        (Some(old), Some(new)) if new != 0.0 && (old / new).fract().abs() < 1e-9 => Ordering::Less,
        (_, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (None, None) => Ordering::Equal,
    }
}

fn takes_all(pattern: &str) -> bool {
    let bare = pattern.trim_start_matches('^').trim_end_matches('$');
    matches!(bare, "" | ".*" | "(.*)" | "[\\s\\S]*")
}

fn plain_kinds(kinds: &Kinds) -> BTreeSet<&str> {
    kinds.iter().map(|(kind, _)| kind.as_str()).collect()
}

/// Whether one value type takes all that another does.
fn takes(wide: &(String, String), narrow: &(String, String)) -> bool {
    let (kind, format) = (wide.0.as_str(), wide.1.as_str());
    let (inner, inner_format) = (narrow.0.as_str(), narrow.1.as_str());
    let bits = |format: &str| match format {
        "int8" => 8,
        "uint8" => 9,
        "int16" => 16,
        "uint16" => 17,
        "int32" => 32,
        "uint32" => 33,
        "int64" => 64,
        _ => 0,
    };
    match (kind, inner) {
        ("number", "integer") => format.is_empty() || format == "double",
        ("number", "number") => {
            format == inner_format || format.is_empty() || format == "double" && inner_format == "float"
        }
        ("integer", "integer") => {
            let unsigned = |format: &str| format.starts_with('u');
            format == inner_format
                || format.is_empty()
                || bits(inner_format) != 0
                    && bits(inner_format) < bits(format)
                    && (!unsigned(format) || unsigned(inner_format))
        }
        _ => kind == inner && (format == inner_format || format.is_empty()),
    }
}

/// How the values of one set of types relate to those of another.
fn compared(base: &Option<Kinds>, head: &Option<Kinds>) -> &'static str {
    let (base, head) = match (base, head) {
        (None, _) => return "type-narrowed",
        (_, None) => return "type-widened",
        (Some(base), Some(head)) => (base, head),
    };
    let covers = |wide: &Kinds, narrow: &Kinds| narrow.iter().all(|one| wide.iter().any(|other| takes(other, one)));
    // A format that is dropped is one that readers parse no longer.
    match (covers(base, head), covers(head, base)) {
        (true, false) => "type-narrowed",
        (false, true) => "type-widened",
        _ => "type-changed",
    }
}

fn told(kinds: &Option<Kinds>) -> String {
    let word = |(kind, format): &(String, String)| {
        if format.is_empty() { format!("`{kind}`") } else { format!("`{kind}` ({format})") }
    };
    kinds.as_ref().map_or("anything".to_owned(), |kinds| kinds.iter().map(word).collect::<Vec<_>>().join(" or "))
}
