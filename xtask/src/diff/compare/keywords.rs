//! Keywords that hold a value to other schemas: conditions, names of fields, what a list contains.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Comparison, pair::Pair, pair::Side, pair::Spot};
use crate::diff::normalise::{Node, without_annotations};

/// Each is one schema; without it, anything fits.
const SCHEMAS: [&str; 5] = ["contains", "contentSchema", "propertyNames", "unevaluatedItems", "unevaluatedProperties"];

/// Each is a map of schemas.
const MAPS: [&str; 2] = ["dependentSchemas", "patternProperties"];

/// What a key demands, as texts: more of them is tighter.
type Demands = (&'static str, fn(&Side<'_>) -> BTreeSet<String>);

/// Keys that are compared as a whole.
const WHOLE: [Demands; 5] = [
    ("not", |side| texts(side, &["not"])),
    ("if", |side| match side.view.fact("if") {
        Some(_) => texts(side, &["if", "then", "else"]),
        None => BTreeSet::new(),
    }),
    ("dependentRequired", dependents),
    ("prefixItems", |side| {
        let list = side.view.fact("prefixItems").and_then(Value::as_array);
        list.map(|list| list.len().to_string()).into_iter().collect()
    }),
    ("allOf", |side| side.view.besides.clone()),
];

impl<'a> Comparison<'a> {
    pub(super) fn keywords(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        for key in SCHEMAS {
            let (old, new) = pair.facts(key);
            self.held(old, new, key, pair, spot);
        }
        for key in MAPS {
            let map = |side: &Side<'a>| side.view.facts.get(key).map(Node::entries).unwrap_or_default();
            let (old, new) = pair.each(|side| map(side).into_iter().collect::<BTreeMap<_, _>>());
            for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                self.held(old.get(name), new.get(name), key, pair, spot);
            }
        }
        if let (Some(old), Some(new)) = pair.facts("prefixItems") {
            for (at, (old, new)) in old.list().iter().zip(&new.list()).enumerate() {
                self.schema(old, new, spot.within(&format!("{}[{at}]", spot.name)));
            }
        }
        for (key, of) in WHOLE {
            let (old, new) = pair.each(of);
            let kind = match (new.is_superset(&old), old.is_superset(&new)) {
                (true, true) => continue,
                (true, false) => "limit-tightened",
                (false, true) => "limit-loosened",
                (false, false) => "limit-changed",
            };
            self.find(spot, kind, pair.sides(key), format!("`{key}` of `{}` is another", spot.name));
        }
    }

    /// A schema that the value is held to, where it is there.
    fn held(&mut self, old: Option<&Node<'a>>, new: Option<&Node<'a>>, key: &str, pair: &Pair<'a>, spot: &Spot<'_>) {
        let (kind, words) = match (old, new) {
            (Some(old), Some(new)) => return self.schema(old, new, spot.within(&format!("{}.{key}", spot.name))),
            (None, Some(new)) if says(new) => ("limit-tightened", "is new"),
            (Some(old), None) if says(old) => ("limit-loosened", "is gone"),
            _ => return,
        };
        self.find(spot, kind, pair.sides(key), format!("`{key}` of `{}` {words}", spot.name));
    }
}

/// Whether not every value fits.
fn says(node: &Node<'_>) -> bool {
    match node.value {
        Value::Object(object) => !object.is_empty(),
        other => other == &Value::Bool(false),
    }
}

fn texts(side: &Side<'_>, keys: &[&str]) -> BTreeSet<String> {
    let text = |key: &&str| Some(format!("{key} {}", without_annotations(side.view.fact(key)?)));
    keys.iter().filter_map(text).collect()
}

/// Each field with a field that it demands.
fn dependents(side: &Side<'_>) -> BTreeSet<String> {
    let map = side.view.fact("dependentRequired").and_then(Value::as_object).into_iter().flatten();
    let names = |value: &Value| value.as_array().cloned().unwrap_or_default();
    map.flat_map(|(key, value)| names(value).into_iter().map(move |name| format!("{key} {name}"))).collect()
}
