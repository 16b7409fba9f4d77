//! Differences between keywords that only the table knows, and between the parts of `allOf`.

use super::*;

/// Keys with a comparison of their own.
const KNOWN: &str = "type format enum const properties required additionalProperties items oneOf anyOf allOf \
    minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems minProperties \
    maxProperties minContains maxContains multipleOf uniqueItems $defs definitions $anchor x-extensible-enum $ref";

/// Extensions that are a value or a set of values.
const SETS: &str = "x-piaxis-settled x-piaxis-term-data x-piaxis-term-type";

/// Keywords, each with the kind of change when it is added, removed, and another.
const KEYWORDS: [(&str, [&str; 3]); 6] = [
    ("pattern", ["pattern-added", "pattern-removed", "pattern-changed"]),
    ("discriminator", ["discriminator-changed"; 3]),
    ("contentEncoding contentMediaType", ["type-changed"; 3]),
    ("x-piaxis-settled", ["settled-added", "settled-removed", "settled-changed"]),
    ("x-piaxis-term-data x-piaxis-term-type", ["term-type-added", "term-type-removed", "term-type-changed"]),
    (
        // Any change of another schema or of names that restrict the value is reported as a whole.
        "not if then else contains contentSchema dependentRequired dependentSchemas patternProperties prefixItems \
            propertyNames unevaluatedItems unevaluatedProperties",
        LIMITS,
    ),
];

const LIMITS: [&str; 3] = ["limit-tightened", "limit-loosened", "limit-changed"];

impl<'a> Comparison<'a> {
    pub(super) fn keywords(&mut self, pair: &Pair<'a>) {
        let (base, head) = (&pair.base.facts, &pair.head.facts);
        for key in base.keys().chain(head.keys()).copied().collect::<BTreeSet<_>>() {
            let (old, new) = pair.values(key);
            let is_moot = matches!(key, "then" | "else") && pair.values("if") == (None, None);
            if old == new || is_moot {
                continue;
            }
            let says = |value: Option<&'a Value>| value.filter(|value| !is_free(key, value));
            let kind = match KEYWORDS.iter().find(|(keys, _)| lists(keys, key)) {
                Some((_, [added, removed, other])) => match (says(old), says(new)) {
                    (None, Some(_)) => added,
                    (Some(_), None) => removed,
                    (Some(old), Some(new)) if !is_alike(key, old, new) => other,
                    _ => continue,
                },
                None if rust_api::is_unknown_extension(key) => rust_api::extension_rule(key),
                None if lists(KNOWN, key) || OUTER.contains(&key) || is_annotation(key) => continue,
                // A key without a value asserts nothing.
                None if [old, new].into_iter().flatten().all(Value::is_null) => continue,
                None if old.map(without_annotations) == new.map(without_annotations) => continue,
                None => "unclassified",
            };
            let rust = (kind == "type-changed").then_some(Level::None);
            let name = &pair.spot.name;
            let message = match key {
                "pattern" => changed(key, name, base.get(key), head.get(key)),
                _ => format!("`{key}` of `{name}` changed"),
            };
            self.find(&pair.spot, kind, pair.sides(key), message).rust = rust;
        }
    }

    /// Compares the parts of `allOf` as sets.
    pub(super) fn parts_of_all(&mut self, pair: &Pair<'a>) {
        // Assertions of one part that contradict those of another.
        let (was, is) = (&pair.base.besides, &pair.head.besides);
        let [tightened, loosened, other] = LIMITS;
        let kind = match (is.is_superset(was), was.is_superset(is)) {
            (true, true) => None,
            (true, false) => Some(tightened),
            (false, true) => Some(loosened),
            (false, false) => Some(other),
        };
        if let Some(kind) = kind {
            self.find(&pair.spot, kind, pair.sides("allOf"), format!("`allOf` of `{}` changed", pair.spot.name));
        }
        let (old, new) = pair.each(|side: &View<'a>| side.parts.clone());
        let (kind, words, list) = match (new.is_superset(&old), old.is_superset(&new)) {
            _ if pair.each(|side| side.has_all_of) != (true, true) => return,
            (true, false) => ("all-of-added", "added", new.difference(&old)),
            (false, true) => ("all-of-removed", "removed", old.difference(&new)),
            _ => return,
        };
        for part in list {
            let name = if part.starts_with('{') { place::digest(part) } else { escape(part) };
            let sides = pair.sides("allOf").with_head(format!("{}/allOf/{name}", pair.head.node.pointer));
            self.find(&pair.spot, kind, sides, format!("`allOf` of `{}`: part `{name}` {words}", pair.spot.name));
        }
    }
}

/// Whether a keyword with this value allows everything.
fn is_free(key: &str, value: &Value) -> bool {
    let pattern = value.as_str().filter(|_| key == "pattern");
    let bare = pattern.map(|pattern| pattern.trim_start_matches('^').trim_end_matches('$'));
    value.as_object().is_some_and(serde_json::Map::is_empty)
        || value == &Value::Bool(true)
        || bare.is_some_and(|bare| matches!(bare, "" | ".*" | "(.*)" | "[\\s\\S]*"))
}

/// Whether a keyword says the same with either value.
fn is_alike(key: &str, one: &Value, other: &Value) -> bool {
    let set = |value: &Value| match value {
        Value::Array(items) => items.iter().map(Value::to_string).collect(),
        only => BTreeSet::from([only.to_string()]),
    };
    match key {
        _ if lists(SETS, key) => set(one) == set(other),
        "pattern" | "discriminator" => one == other,
        _ => without_annotations(one) == without_annotations(other),
    }
}
