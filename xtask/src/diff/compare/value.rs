//! Differences of the values that a schema allows: types, closed and open enums, patterns.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Comparison, Finding,
    pair::{Pair, Side, Spot},
};
use crate::diff::{change::Level, rust_api};

type Kind = (String, String);
type Kinds = BTreeSet<Kind>;

impl<'a> Comparison<'a> {
    pub(super) fn values(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        self.types(pair, spot);
        self.enums(pair, spot);
        self.open_enums(pair, spot);
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
        let words = format!("`{}` is {} in place of {}", spot.name, told(&new), told(&old));
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
        self.find(spot, kind, pair.sides("pattern"), format!("the pattern of `{}` is another", spot.name));
    }

    fn enums(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        let values = |side: &Side<'a>| match side.view.fact("enum")? {
            Value::Array(values) => Some(values.iter().filter(|value| !value.is_null()).collect::<Vec<_>>()),
            // `const` of OpenAPI 3.1.
            only => Some(vec![only]),
        };
        let (sides, name) = (pair.sides("enum"), spot.name);
        let (old, new) = match pair.each(values) {
            (None, None) => return,
            (None, Some(_)) => {
                return self.find(spot, "enum-added", sides, format!("`{name}` has a closed list of values now"));
            }
            (Some(_), None) => {
                let message = format!("`{name}` has no closed list of values any more");
                return self.find(spot, "enum-removed", sides, message);
            }
            (Some(old), Some(new)) => (old, new),
        };
        // Only texts become variants in Rust.
        let variants = old.iter().chain(&new).all(|value| value.is_string());
        let rust = if variants { None } else { Some(Level::Patch) };
        let without = |these: &[&Value], others: &[&Value]| -> Vec<String> {
            let others: BTreeSet<String> = others.iter().map(|value| canonical(value)).collect();
            these.iter().filter(|value| !others.contains(&canonical(value))).map(|value| value.to_string()).collect()
        };
        let (gone, more) = (without(&old, &new), without(&new, &old));
        if !gone.is_empty() {
            let message = format!("`{name}` may no longer be {}", gone.join(", "));
            self.find_as(spot, "enum-value-removed", sides.clone(), message, rust);
        }
        if !more.is_empty() {
            self.find_as(spot, "enum-value-added", sides, format!("`{name}` may also be {}", more.join(", ")), rust);
        }
    }

    fn open_enums(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        const KEY: &str = "x-extensible-enum";
        let values = |side: &Side<'a>| -> Option<Vec<&'a str>> {
            Some(side.view.fact(KEY)?.as_array()?.iter().filter_map(Value::as_str).collect())
        };
        let (sides, name) = (pair.sides(KEY), spot.name);
        match pair.each(values) {
            (None, None) => {}
            (None, Some(_)) => self.find(spot, "open-enum-added", sides, format!("`{name}` is an open enum now")),
            (Some(_), None) => {
                self.find(spot, "open-enum-removed", sides, format!("`{name}` is no open enum any more"));
            }
            (Some(old), Some(new)) => {
                let (gone, more) = gone_and_more(&old, &new);
                if !gone.is_empty() {
                    let message = format!("the open enum `{name}` no longer has {}", gone.join(", "));
                    self.find(spot, "open-enum-value-removed", sides.clone(), message);
                }
                if !more.is_empty() {
                    let message = format!("the open enum `{name}` also has {}", more.join(", "));
                    self.find(spot, "open-enum-value-added", sides, message);
                }
            }
        }
    }
}

/// `password` says how a form shows a text, and nothing of the text.
fn without_hints(kinds: &Kinds) -> Kinds {
    let unhinted = |(kind, format): &Kind| (kind.clone(), format.replace("password", ""));
    kinds.iter().map(unhinted).collect()
}

/// What one list has and the other has not, both ways.
pub(super) fn gone_and_more<T: PartialEq + Clone>(old: &[T], new: &[T]) -> (Vec<T>, Vec<T>) {
    let without = |these: &[T], others: &[T]| these.iter().filter(|one| !others.contains(one)).cloned().collect();
    (without(old, new), without(new, old))
}

/// A value of an enum as text: 1 is 1.0.
fn canonical(value: &Value) -> String {
    match (value.is_f64(), value.as_f64()) {
        (true, Some(number)) => number.to_string(),
        _ => value.to_string(),
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
fn takes(wide: &Kind, narrow: &Kind) -> bool {
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

/// The same where values are written as text: any number is text too.
fn takes_as_text(wide: &Kind, narrow: &Kind) -> bool {
    let is_any_text = (wide.0.as_str(), wide.1.as_str()) == ("string", "");
    takes(wide, narrow) || is_any_text && matches!(narrow.0.as_str(), "integer" | "number" | "boolean")
}

/// How the values of one set of types relate to those of another.
fn compared(base: &Option<Kinds>, head: &Option<Kinds>, takes: fn(&Kind, &Kind) -> bool) -> &'static str {
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
