//! Differences of the values that a schema allows: types, closed and open enums, patterns.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Comparison, Finding, Sides, gone_and_more,
    pair::{Pair, Side, Spot},
    schema::changed,
};
use crate::diff::{change::Level, normalise::Node, rust_api};

type Kind = (String, String);
type Kinds = BTreeSet<Kind>;

impl<'a> Comparison<'a> {
    pub(super) fn values(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        self.types(pair, spot);
        self.enums(pair, spot);
        self.limits(pair, spot);
        self.pattern(pair, spot);
    }

    fn types(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        let (old, new) = pair.each(|side| side.view.kinds());
        let chooses = pair
            .each(|side| side.view.fact("oneOf").or(side.view.fact("anyOf")).is_some() && side.view.kinds().is_none());
        if old == new || chooses.0 || chooses.1 {
            return;
        }
        let unhinted = |kinds: &Option<Kinds>| kinds.as_ref().map(without_hints);
        let rust = (rust_api::kind(&old) == rust_api::kind(&new)).then_some(Level::Patch);
        let words = format!("type of `{}` changed from {} to {}", spot.name, told(&old), told(&new));
        let at = if old.as_ref().map(plain_kinds) == new.as_ref().map(plain_kinds) { "format" } else { "type" };
        if unhinted(&old) == unhinted(&new) {
            return self.find_as(spot, "format-hint-changed", pair.sides(at), words, rust);
        }
        let kind = compared(&old, &new, takes);
        let as_text = (kind == "type-changed").then(|| compared(&old, &new, takes_as_text));
        let finding = Finding { kind, message: words, sides: pair.sides(at), mask: spot.mask, rust, as_text };
        self.found(spot.unit, finding);
    }

    fn pattern(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        let pattern =
            |side: &Side<'a>| side.view.fact("pattern").and_then(Value::as_str).filter(|text| !takes_all(text));
        let kind = match pair.each(pattern) {
            (None, Some(_)) => "pattern-added",
            (Some(_), None) => "pattern-removed",
            (Some(old), Some(new)) if old != new => "pattern-changed",
            _ => return,
        };
        let (old, new) = pair.facts("pattern");
        self.find(spot, kind, pair.sides("pattern"), changed("pattern", spot.name, old, new));
    }

    /// Closed and open enums, and what values that are new or gone mean.
    fn enums(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        let name = spot.name;
        for (key, [added, removed, value_added, value_removed]) in ENUMS {
            let is_open = key == "x-extensible-enum";
            let list = |side: &Side<'a>| side.view.facts.get(key).filter(|it| !is_open || it.value.is_array()).cloned();
            let (old, new) = match pair.each(list) {
                (None, None) => continue,
                (Some(old), Some(new)) => (old, new),
                (None, Some(_)) => {
                    self.find(spot, added, pair.sides(key), format!("`{key}` of `{name}` added"));
                    continue;
                }
                (Some(_), None) => {
                    self.find(spot, removed, pair.sides(key), format!("`{key}` of `{name}` removed"));
                    continue;
                }
            };
            // Only text becomes a variant in Rust.
            let is_text = |value: &Value| value.is_string() || value.is_null();
            let all_text = |node: &Node<'_>| {
                node.value.as_array().map_or_else(|| is_text(node.value), |it| it.iter().all(is_text))
            };
            let rust = if is_open || all_text(&old) && all_text(&new) { None } else { Some(Level::Patch) };
            let (gone, more) = gone_and_more(&old, &new);
            for value in gone {
                let message = format!("value {} of `{name}` removed", value.value);
                self.find_as(spot, value_removed, Sides::removed(&value, &new.pointer), message, rust);
            }
            let settled = pair.head.view.fact("x-piaxis-settled").and_then(Value::as_array);
            for value in more {
                let message = format!("value {} of `{name}` added", value.value);
                self.find_as(spot, value_added, Sides::added(&value), message, rust);
                if settled.is_some_and(|settled| !settled.contains(value.value)) {
                    let message = format!(
                        "value {} of `{name}` is not in `x-piaxis-settled`: decide whether it is final",
                        value.value
                    );
                    self.find(spot, "settled-undecided", Sides::added(&value), message);
                }
            }
        }
    }
}

/// Keys of enums, with the rules for an enum and for a value that is added or removed.
const ENUMS: [(&str, [&str; 4]); 2] = [
    ("enum", ["enum-added", "enum-removed", "enum-value-added", "enum-value-removed"]),
    ("x-extensible-enum", ["open-enum-added", "open-enum-removed", "open-enum-value-added", "open-enum-value-removed"]),
];

/// `password` is a display hint, so that the values are the same.
fn without_hints(kinds: &Kinds) -> Kinds {
    let unhinted = |(kind, format): &Kind| (kind.clone(), format.replace("password", ""));
    kinds.iter().map(unhinted).collect()
}

fn takes_all(pattern: &str) -> bool {
    let bare = pattern.trim_start_matches('^').trim_end_matches('$');
    matches!(bare, "" | ".*" | "(.*)" | "[\\s\\S]*")
}

fn plain_kinds(kinds: &Kinds) -> BTreeSet<&str> {
    kinds.iter().map(|(kind, _)| kind.as_str()).collect()
}

/// Whether one type allows every value of another.
fn takes(wide: &Kind, narrow: &Kind) -> bool {
    let (kind, format) = (wide.0.as_str(), wide.1.as_str());
    let (inner, inner_format) = (narrow.0.as_str(), narrow.1.as_str());
    let width = |format: &str| {
        ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"].iter().position(|it| *it == format)
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
                || width(inner_format).is_some()
                    && width(inner_format) < width(format)
                    && (!unsigned(format) || unsigned(inner_format))
        }
        _ => kind == inner && (format == inner_format || format.is_empty()),
    }
}

/// The same for values written as text: any number is text as well.
fn takes_as_text(wide: &Kind, narrow: &Kind) -> bool {
    let is_any_text = (wide.0.as_str(), wide.1.as_str()) == ("string", "");
    takes(wide, narrow) || is_any_text && matches!(narrow.0.as_str(), "integer" | "number" | "boolean")
}

/// Compares the values of two sets of types.
fn compared(base: &Option<Kinds>, head: &Option<Kinds>, takes: fn(&Kind, &Kind) -> bool) -> &'static str {
    let (base, head) = match (base, head) {
        (None, _) => return "type-narrowed",
        (_, None) => return "type-widened",
        (Some(base), Some(head)) => (base, head),
    };
    let covers = |wide: &Kinds, narrow: &Kinds| narrow.iter().all(|one| wide.iter().any(|other| takes(other, one)));
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
    kinds.as_ref().map_or("any".to_owned(), |kinds| kinds.iter().map(word).collect::<Vec<_>>().join(" or "))
}
