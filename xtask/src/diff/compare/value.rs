//! Differences of the values that a schema allows: types, closed and open enums.

use super::*;

/// A type and its format.
type Kind<'a> = (&'a str, &'a str);

/// Keys of enums, and the first words of their rules.
const ENUMS: [(&str, &str); 2] = [("enum", "enum"), ("x-extensible-enum", "open-enum")];

/// Formats of integers by their width.
const WIDTHS: [&str; 7] = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"];

impl<'a> Comparison<'a> {
    pub(super) fn types(&mut self, pair: &Pair<'a>) {
        let (old, new) = pair.each(|side| side.kinds());
        let chooses =
            |side: &View<'a>| side.kinds().is_none() && CHOICES.iter().any(|key| side.facts.contains_key(key));
        if old == new || chooses(&pair.base) || chooses(&pair.head) {
            return;
        }
        let (old, new) = (old.as_ref(), new.as_ref());
        let spot = &pair.spot;
        let rust = (rust_api::kind(old) == rust_api::kind(new)).then_some(Level::Patch);
        let message = format!("type of `{}` changed from {} to {}", spot.name, described(old), described(new));
        let names = |kinds: Option<&Kinds<'a>>| kinds.map(|kinds| kinds.iter().map(|(kind, _)| *kind).collect());
        let same_names = names(old) as Option<Vec<&str>> == names(new);
        let sides = pair.sides(if same_names { "format" } else { "type" });
        if old.map(without_hints) == new.map(without_hints) {
            self.find(spot, "format-hint-changed", sides, message).rust = rust;
            return;
        }
        let kind = compared(old, new, takes);
        let as_text = (kind == "type-changed").then(|| compared(old, new, takes_as_text));
        let finding = self.find(spot, kind, sides, message);
        (finding.rust, finding.as_text) = (rust, as_text);
    }

    /// Closed and open enums, and what values that are new or gone mean.
    pub(super) fn enums(&mut self, pair: &Pair<'a>) {
        let (spot, name) = (&pair.spot, &pair.spot.name);
        for (key, rules) in ENUMS {
            let is_open = key == "x-extensible-enum";
            let (old, new) =
                pair.each(|side| side.facts.get(key).filter(|it| !is_open || it.value.is_array()).cloned());
            let (old, new) = match (old, new) {
                (Some(old), Some(new)) => (old, new),
                (None, None) => continue,
                (one, _) => {
                    let word = if one.is_none() { "added" } else { "removed" };
                    self.find(spot, &format!("{rules}-{word}"), pair.sides(key), format!("`{key}` of `{name}` {word}"));
                    continue;
                }
            };
            // Only text becomes a variant in Rust.
            let is_text = |value: &Value| value.is_string() || value.is_null();
            let all_text = |node: &Node<'a>| match node.value {
                Value::Array(values) => values.iter().all(is_text),
                only => is_text(only),
            };
            let rust = if is_open || all_text(&old) && all_text(&new) { None } else { Some(Level::Patch) };
            let [gone, more] = gone_and_more(&old, &new);
            for value in gone {
                let message = format!("value {} of `{name}` removed", value.value);
                self.find(spot, &format!("{rules}-value-removed"), removed(&value, &new), message).rust = rust;
            }
            let settled = pair.head.fact("x-piaxis-settled").and_then(Value::as_array);
            for node in more {
                let (value, sides) = (node.value, added(&node));
                let message = format!("value {value} of `{name}` added");
                self.find(spot, &format!("{rules}-value-added"), sides.clone(), message).rust = rust;
                if settled.is_some_and(|settled| !settled.contains(value)) {
                    let message =
                        format!("value {value} of `{name}` is not in `x-piaxis-settled`: decide whether it is final");
                    self.find(spot, "settled-undecided", sides, message);
                }
            }
        }
    }
}

/// `password` is a display hint, so that the values are the same.
fn without_hints<'a>(kinds: &Kinds<'a>) -> Kinds<'a> {
    kinds.iter().map(|(kind, format)| (*kind, if *format == "password" { "" } else { format })).collect()
}

/// Whether one type allows every value of another.
fn takes((kind, format): Kind<'_>, (inner, inner_format): Kind<'_>) -> bool {
    let width = |format: &str| WIDTHS.iter().position(|it| *it == format);
    let is_signed = |format: &str| !format.starts_with('u');
    let is_same = format == inner_format || format.is_empty();
    match (kind, inner) {
        ("number", "integer") => format.is_empty() || format == "double",
        ("number", "number") => is_same || format == "double" && inner_format == "float",
        ("integer", "integer") => {
            let is_wider = width(inner_format).is_some() && width(inner_format) < width(format);
            is_same || is_wider && (is_signed(format) || !is_signed(inner_format))
        }
        _ => kind == inner && is_same,
    }
}

/// The same for values written as text: any number is text as well.
fn takes_as_text(wide: Kind<'_>, narrow: Kind<'_>) -> bool {
    takes(wide, narrow) || wide == ("string", "") && matches!(narrow.0, "integer" | "number" | "boolean")
}

/// Compares the values of two sets of types.
fn compared(base: Option<&Kinds<'_>>, head: Option<&Kinds<'_>>, takes: fn(Kind<'_>, Kind<'_>) -> bool) -> &'static str {
    let (base, head) = match (base, head) {
        (None, _) => return "type-narrowed",
        (_, None) => return "type-widened",
        (Some(base), Some(head)) => (base, head),
    };
    let covers =
        |wide: &Kinds<'_>, narrow: &Kinds<'_>| narrow.iter().all(|one| wide.iter().any(|other| takes(*other, *one)));
    match (covers(base, head), covers(head, base)) {
        (true, false) => "type-narrowed",
        (false, true) => "type-widened",
        _ => "type-changed",
    }
}

fn described(kinds: Option<&Kinds<'_>>) -> String {
    let word = |(kind, format): &Kind<'_>| match *format {
        "" => format!("`{kind}`"),
        format => format!("`{kind}` ({format})"),
    };
    kinds.map_or("any".to_owned(), |kinds| kinds.iter().map(word).collect::<Vec<_>>().join(" or "))
}
