//! Differences between `oneOf` and `anyOf`.

use super::*;

impl<'a> Comparison<'a> {
    pub(super) fn choices(&mut self, pair: &Pair<'a>) {
        let only = pair.each(|side| match CHOICES.map(|key| side.facts.contains_key(key)) {
            [true, false] => Some("oneOf"),
            [false, true] => Some("anyOf"),
            _ => None,
        });
        match only {
            (Some(old), Some(new)) => self.choice(pair, old, new),
            _ => CHOICES.iter().for_each(|key| self.choice(pair, key, key)),
        }
    }

    fn choice(&mut self, pair: &Pair<'a>, old_key: &str, new_key: &str) {
        let (old, new) = (pair.base.facts.get(old_key), pair.head.facts.get(new_key));
        let is_plain = |view: &View<'_>, key| {
            view.kinds().is_some() && (view.choice_of_kinds(key).is_some() || view.fact(key).is_none())
        };
        // Plain types are compared by `types`.
        if is_plain(&pair.base, old_key) && is_plain(&pair.head, new_key) {
            return;
        }
        let (spot, name) = (&pair.spot, &pair.spot.name);
        let sides = both(old.unwrap_or(&pair.base.node), new.unwrap_or(&pair.head.node));
        let is_free = |side: &View<'_>| side.kinds().is_none() && side.properties.is_empty();
        match (old, new) {
            (None, None) => {}
            (Some(old), Some(new)) => {
                if old_key != new_key {
                    // With `oneOf`, a value matches exactly one alternative.
                    let kind = if new_key == "oneOf" { "type-narrowed" } else { "type-widened" };
                    self.find(spot, kind, sides, format!("`{old_key}` of `{name}` changed to `{new_key}`"));
                }
                let rules = if new_key == "oneOf" { "alternative" } else { "any-of" };
                let [gone, more] = self.alternatives(old, new, spot);
                for one in gone {
                    let message = format!("alternative {} of `{name}` removed", one.described());
                    self.find(spot, &format!("{rules}-removed"), removed(&one.peeled.from, new), message);
                }
                for other in more {
                    let message = format!("alternative {} of `{name}` added", other.described());
                    self.find(spot, &format!("{rules}-added"), added(&other.peeled.from), message);
                }
            }
            (None, Some(_)) => {
                // Without a type before, a choice restricts; otherwise the old schema is one of several.
                let only_narrows = alternatives(&pair.head)
                    .iter()
                    .all(|part| part.properties.is_empty() && part.kinds().is_none() && part.fact("enum").is_none());
                let kind = if is_free(&pair.base) || only_narrows { "type-narrowed" } else { "choice-added" };
                self.find(spot, kind, sides, format!("`{name}` became a choice of alternatives"));
            }
            (Some(_), None) => {
                let kind = if is_free(&pair.head) { "type-widened" } else { "choice-removed" };
                self.find(spot, kind, sides, format!("`{name}` is no longer a choice of alternatives"));
            }
        }
    }

    /// Matches alternatives with each other and compares them; returns the rest of either side.
    fn alternatives(&mut self, old: &Node<'a>, new: &Node<'a>, spot: &Spot) -> [Vec<Alternative<'a>>; 2] {
        let mut left = Alternative::list(old);
        let mut right: Vec<Option<Alternative<'a>>> = Alternative::list(new).into_iter().map(Some).collect();
        for at in 0..MARKS {
            let mut same: HashMap<String, Vec<usize>> = HashMap::new();
            for (place, other) in right.iter().enumerate().rev() {
                if let Some(mark) = other.as_ref().and_then(|other| other.marks[at].clone()) {
                    same.entry(mark).or_default().push(place);
                }
            }
            left.retain(|one| {
                let place = one.marks[at].as_ref().and_then(|mark| same.get_mut(mark)?.pop());
                let Some(other) = place.and_then(|place| right[place].take()) else { return true };
                self.schema(&one.peeled.from, &other.peeled.from, spot.within(spot.name.clone()));
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
    fn list(list: &Node<'a>) -> Vec<Self> {
        let peeled = list.list().into_iter().map(|node| Peeled::of(&node));
        peeled.filter(|peeled| !is_null(peeled.node.value)).map(Self::of).collect()
    }

    fn of(peeled: Peeled<'a>) -> Self {
        let text = |key: &str| Some(peeled.node.text(key).to_owned()).filter(|text| !text.is_empty());
        let kind = if peeled.name.is_none() { text("type") } else { None };
        let marks = [peeled.name.clone(), Some(without_annotations(peeled.node.value)), text("title"), kind];
        Self { peeled, marks }
    }

    fn described(&self) -> String {
        match (&self.peeled.name, self.peeled.node.text("type")) {
            (Some(name), _) => format!("`{name}`"),
            (None, "") => "inline schema".to_owned(),
            (None, kind) => kind.to_owned(),
        }
    }
}

/// Returns the alternatives of all choices of a schema.
pub(super) fn alternatives<'a>(view: &View<'a>) -> Vec<View<'a>> {
    let lists = CHOICES.iter().filter_map(|key| view.facts.get(key));
    lists.flat_map(Node::list).map(|part| View::behind(&part)).collect()
}
