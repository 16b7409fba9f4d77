//! Differences between `oneOf` and `anyOf`, and of the discriminator.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Comparison, Sides,
    pair::{Pair, Spot},
};
use crate::diff::normalise::{Node, Peeled, View, is_null, peel, without_annotations};

const KEYS: [&str; 2] = ["oneOf", "anyOf"];

impl<'a> Comparison<'a> {
    pub(super) fn choices(&mut self, pair: &Pair<'a>, spot: &Spot<'_>) {
        let only = pair.each(|side| match KEYS.map(|key| side.view.facts.contains_key(key)) {
            [true, false] => Some("oneOf"),
            [false, true] => Some("anyOf"),
            _ => None,
        });
        match only {
            (Some(old), Some(new)) => self.choice(pair, old, new, spot),
            _ => KEYS.iter().for_each(|key| self.choice(pair, key, key, spot)),
        }
        let (old, new) = pair.values("discriminator");
        if old != new {
            let message = format!("`discriminator` of `{}` changed", spot.name);
            self.find(spot, "discriminator-changed", pair.sides("discriminator"), message);
        }
    }

    fn choice(&mut self, pair: &Pair<'a>, old_key: &str, new_key: &str, spot: &Spot<'_>) {
        let (old, new) = (pair.base.view.facts.get(old_key), pair.head.view.facts.get(new_key));
        let plain =
            |view: &View<'_>, key| view.kinds().is_some() && (view.is_choice_of_kinds(key) || view.fact(key).is_none());
        // Plain types are compared by `types`.
        if plain(&pair.base.view, old_key) && plain(&pair.head.view, new_key) {
            return;
        }
        let name = spot.name;
        let sides = Sides::both(old.unwrap_or(&pair.base.node), new.unwrap_or(&pair.head.node));
        match (old, new) {
            (None, None) => {}
            (Some(old), Some(new)) => {
                if old_key != new_key {
                    // With `oneOf`, a value matches exactly one alternative.
                    let kind = if new_key == "oneOf" { "type-narrowed" } else { "type-widened" };
                    let message = format!("`{old_key}` of `{name}` changed to `{new_key}`");
                    self.find(spot, kind, sides.clone(), message);
                }
                let (added, removed) = match new_key {
                    "oneOf" => ("alternative-added", "alternative-removed"),
                    _ => ("any-of-added", "any-of-removed"),
                };
                let [gone, more] = self.alternatives(old, new, spot);
                for one in gone {
                    let message = format!("alternative {} of `{name}` removed", one.told());
                    self.find(spot, removed, Sides::removed(&one.peeled.from, &new.pointer), message);
                }
                for other in more {
                    let message = format!("alternative {} of `{name}` added", other.told());
                    self.find(spot, added, Sides::added(&other.peeled.from), message);
                }
            }
            (None, Some(_)) => {
                // Without a type before, a choice restricts; otherwise the old schema is one of several.
                let free = pair.base.view.kinds().is_none() && pair.base.view.properties.is_empty();
                let only_narrows = alternatives(&self.head.value, &pair.head.view)
                    .iter()
                    .all(|part| part.properties.is_empty() && part.kinds().is_none() && part.fact("enum").is_none());
                let kind = if free || only_narrows { "type-narrowed" } else { "choice-added" };
                self.find(spot, kind, sides, format!("`{name}` became a choice of alternatives"));
            }
            (Some(_), None) => {
                let free = pair.head.view.kinds().is_none() && pair.head.view.properties.is_empty();
                let kind = if free { "type-widened" } else { "choice-removed" };
                self.find(spot, kind, sides, format!("`{name}` is no longer a choice of alternatives"));
            }
        }
    }

    /// Matches alternatives with each other and compares them; returns the rest of either side.
    fn alternatives(&mut self, old: &Node<'a>, new: &Node<'a>, spot: &Spot<'_>) -> [Vec<Alternative<'a>>; 2] {
        let mut left = Alternative::list(&self.base.value, old);
        let mut right: Vec<Option<Alternative<'a>>> =
            Alternative::list(&self.head.value, new).into_iter().map(Some).collect();
        for at in 0..MARKS {
            let mut same: HashMap<String, Vec<usize>> = HashMap::new();
            for (place, other) in right.iter().enumerate().rev() {
                if let Some(mark) = other.as_ref().and_then(|other| other.marks[at].clone()) {
                    same.entry(mark).or_default().push(place);
                }
            }
            left.retain(|one| {
                let place = one.marks[at].as_ref().and_then(|mark| same.get_mut(mark)?.pop());
                let Some(other) = place.and_then(|place| right.get_mut(place)?.take()) else { return true };
                self.schema(&one.peeled.from, &other.peeled.from, spot.within(spot.name));
                false
            });
        }
        [left, right.into_iter().flatten().collect()]
    }
}

/// Number of marks of an alternative.
const MARKS: usize = 4;

/// One alternative of a choice.
struct Alternative<'a> {
    peeled: Peeled<'a>,
    /// Properties that identify the alternative in another document, the most reliable first.
    marks: [Option<String>; MARKS],
}

impl<'a> Alternative<'a> {
    /// Returns all alternatives but null.
    fn list(root: &'a Value, list: &Node<'a>) -> Vec<Self> {
        let peeled = list.list().into_iter().map(|node| peel(root, &node));
        peeled.filter(|peeled| !is_null(peeled.node.value)).map(Self::of).collect()
    }

    fn of(peeled: Peeled<'a>) -> Self {
        let text = |key: &str| Some(peeled.node.text(key).to_owned()).filter(|text| !text.is_empty());
        let kind = if peeled.name.is_none() { text("type") } else { None };
        let marks = [peeled.name.clone(), Some(without_annotations(peeled.node.value)), text("title"), kind];
        Self { peeled, marks }
    }

    fn told(&self) -> String {
        let kind = self.peeled.node.text("type");
        let unnamed = if kind.is_empty() { "inline schema" } else { kind };
        self.peeled.name.as_ref().map_or_else(|| unnamed.to_owned(), |name| format!("`{name}`"))
    }
}

/// Returns the alternatives of all choices of a schema.
pub(super) fn alternatives<'a>(root: &'a Value, view: &View<'a>) -> Vec<View<'a>> {
    let lists = KEYS.iter().filter_map(|key| view.facts.get(key));
    lists.flat_map(Node::list).map(|part| View::of(root, &peel(root, &part).node)).collect()
}
