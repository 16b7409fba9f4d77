//! Differences between the properties of an object, named and additional.

use super::*;

impl<'a> Comparison<'a> {
    pub(super) fn properties(&mut self, pair: &Pair<'a>) {
        let (base, head, spot) = (&pair.base, &pair.head, &pair.spot);
        let (in_base_choice, in_head_choice) = (in_choice(base, head), in_choice(head, base));
        for (name, old) in &base.properties {
            let inner = spot.within(format!("{}.{name}", spot.name));
            match head.properties.get(name) {
                Some(new) => self.property(pair, name, [old, new], inner),
                None if in_head_choice.contains(name) => {}
                None => {
                    let word = required(base.required.contains_key(name));
                    let message = format!("{word} property `{}` removed", inner.name);
                    let inner = Spot { mask: spot.mask & !hidden(&[old]), ..inner };
                    let sides = removed(old, &pair.head.node.part("properties"));
                    self.find(&inner, &format!("{word}-property-removed"), sides, message);
                }
            }
        }
        for (name, new) in &head.properties {
            if base.properties.contains_key(name) || in_base_choice.contains(name) {
                continue;
            }
            let word = required(head.required.contains_key(name));
            let default = Peeled::of(new).node.value.get("default").map(|default| format!("; default {default}"));
            let full = format!("{}.{name}", spot.name);
            let message = format!("{word} property `{full}` added{}", default.unwrap_or_default());
            let inner = Spot { mask: spot.mask & !hidden(&[new]), ..spot.within(full) };
            self.find(&inner, &format!("{word}-property-added"), added(new), message);
        }
        self.required_without_property(pair);
    }

    /// Compares a property that both schemas have.
    fn property(&mut self, pair: &Pair<'a>, name: &str, [old, new]: [&Node<'a>; 2], inner: Spot) {
        let (was_required, is_required) = pair.each(|side| side.required.contains_key(name));
        let hidden = hidden(&[old, new]);
        let optional = !was_required && !is_required;
        let inner = Spot { mask: pair.spot.mask & !hidden, optional, ..inner };
        if was_required != is_required {
            let same_type = rust_api::is_option(old, was_required) == rust_api::is_option(new, is_required);
            let list = pair.head.required.get(name).unwrap_or(new).pointer.clone();
            let (word, sides) = (required(is_required), both(old, new).with_head(list));
            let message = format!("property `{}` became {word}", inner.name);
            let finding = self.find(&inner, &format!("property-became-{word}"), sides, message);
            finding.rust = same_type.then_some(Level::None);
        }
        // A client may send a read-only property back to the server; one that becomes read-only is ignored.
        let became_read_only = !Peeled::of(old).is("readOnly") && Peeled::of(new).is("readOnly");
        let sent_back = if became_read_only { 0 } else { way::SENT };
        self.schema(old, new, Spot { mask: pair.spot.mask & (!hidden | sent_back), ..inner });
    }

    /// Compares the required names that neither schema has as a property.
    fn required_without_property(&mut self, pair: &Pair<'a>) {
        let (base, head) = (&pair.base, &pair.head);
        let is_property = |name: &str| [base, head].iter().any(|view| view.properties.contains_key(name));
        for is_required in [true, false] {
            let (having, other) = if is_required { (&pair.head, &pair.base) } else { (&pair.base, &pair.head) };
            for (name, item) in &having.required {
                if other.required.contains_key(name) || name.is_empty() || is_property(name) {
                    continue;
                }
                let word = required(is_required);
                let property = having.node.with(item.pointer.clone(), having.node.value);
                let sides = match is_required {
                    true => both(&other.node, &property),
                    false => removed(&property, &other.node),
                };
                let message = format!("property `{}.{name}` became {word}", pair.spot.name);
                self.find(&pair.spot, &format!("property-became-{word}"), sides, message).rust = Some(Level::None);
            }
        }
    }

    pub(super) fn additional(&mut self, pair: &Pair<'a>) {
        const KEY: &str = "additionalProperties";
        let spot = &pair.spot;
        let (old, new) = pair.facts(KEY);
        let is_schema = |node: &&Node<'_>| node.value.is_object() && !only_annotations(node.value);
        let is_closed = |node: Option<&Node<'_>>| node.is_some_and(|node| node.value == &Value::Bool(false));
        let typed = match (old.filter(is_schema), new.filter(is_schema)) {
            (Some(old), Some(new)) => return self.schema(old, new, spot.within(format!("{}.*", spot.name))),
            (Some(_), None) if !is_closed(new) => Some(("type-widened", "removed")),
            (None, Some(_)) if !is_closed(old) => Some(("type-narrowed", "added")),
            _ => None,
        };
        if let Some((kind, word)) = typed {
            let message = format!("schema of the additional properties of `{}` {word}", spot.name);
            self.find(spot, kind, pair.sides(KEY), message);
            return;
        }
        let is_kept = |node: Option<&Node<'_>>| node.is_some() && !is_closed(node);
        let (was_closed, closed) = (is_closed(old), is_closed(new));
        let has_fields = pair.each(|side| !side.properties.is_empty()) == (true, true);
        let rust = match (is_kept(old), is_kept(new)) {
            (true, false) if has_fields => Level::Breaking,
            (false, true) if has_fields => Level::Additive,
            _ if was_closed == closed || has_fields => Level::None,
            _ => Level::Breaking,
        };
        let (kind, words, rust) = match (was_closed, closed, rust) {
            (false, true, _) => ("closed", "allows fewer additional properties", Some(rust)),
            (true, false, _) => ("opened", "allows more additional properties", Some(rust)),
            (_, _, Level::Breaking) => ("extra-removed", "loses `extra`", None),
            (_, _, Level::Additive) => ("extra-added", "gets `extra`", None),
            _ => return,
        };
        self.find(spot, kind, pair.sides(KEY), format!("`{}` {words}", spot.name)).rust = rust;
    }
}

/// Ways without a property: requests leave out read-only ones, responses write-only ones.
fn hidden(sides: &[&Node<'_>]) -> u8 {
    let peeled: Vec<Peeled<'_>> = sides.iter().map(|node| Peeled::of(node)).collect();
    let any = |key: &str| u8::from(peeled.iter().any(|side| side.is(key)));
    (any("readOnly") * way::SENT) | (any("writeOnly") * way::RECEIVED)
}

fn required(is_required: bool) -> &'static str {
    if is_required { "required" } else { "optional" }
}

/// Properties of the alternatives of a choice, whose comparison reports them.
///
/// Where the other schema is a choice too, only properties of every alternative count.
fn in_choice<'a>(side: &View<'a>, other: &View<'a>) -> BTreeSet<&'a str> {
    let is_choice = CHOICES.iter().any(|key| other.facts.contains_key(key));
    let names = alternatives(side).into_iter().map(|part| part.properties.into_keys().collect::<BTreeSet<_>>());
    names.reduce(|one, other| if is_choice { &one & &other } else { &one | &other }).unwrap_or_default()
}
