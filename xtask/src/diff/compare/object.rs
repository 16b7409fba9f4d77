//! Differences of the fields of an object: its own, and others.

use serde_json::Value;

use super::{Comparison, Sides, schema::Spot, way};
use crate::diff::{
    change::Level,
    normalise::{self, Node, View, peel},
    rust_api::Field,
};

impl<'a> Comparison<'a> {
    pub(super) fn properties(
        &mut self,
        base_node: &Node<'a>,
        head_node: &Node<'a>,
        base: &View<'a>,
        head: &View<'a>,
        spot: &Spot<'_>,
    ) {
        for (name, old) in &base.properties {
            let full = format!("{}.{name}", spot.name);
            let was_required = base.required.contains_key(name);
            let optional = !was_required && !head.required.contains_key(name);
            let hidden = self.hidden(old, head.properties.get(name));
            let mask = spot.mask & !hidden;
            let inner = Spot { unit: spot.unit, mask, name: &full, outer_done: false, optional };
            let Some(new) = head.properties.get(name) else {
                if self.moved_into_choice(head, name) {
                    continue;
                }
                let words = if was_required { "a required property" } else { "an optional property" };
                let sides = Sides::removed(old, &format!("{}/properties", head_node.pointer));
                let kind = if was_required { "required-property-removed" } else { "optional-property-removed" };
                self.find(&inner, kind, sides, format!("`{full}`, {words}, is gone"), None);
                continue;
            };
            let is_required = head.required.contains_key(name);
            if was_required != is_required {
                let field = |root: &'a Value, node: &Node<'a>, required| Field::of(root, node, required).shape();
                let same_type = field(&self.base.value, old, was_required) == field(&self.head.value, new, is_required);
                let list = head.required.get(name).cloned().unwrap_or_else(|| new.pointer.clone());
                let (kind, words) = match is_required {
                    true => ("property-became-required", "is required now"),
                    false => ("property-became-optional", "is optional now"),
                };
                let mut sides = Sides::both(old, new);
                if let Some(head) = &mut sides.head {
                    head.pointer = list;
                }
                self.find(&inner, kind, sides, format!("`{full}` {words}"), same_type.then_some(Level::None));
            }
            self.schema(old, new, inner);
        }
        for (name, new) in head.properties.iter().filter(|(name, _)| !base.properties.contains_key(*name)) {
            if self.moved_out_of_choice(base, name) {
                continue;
            }
            let full = format!("{}.{name}", spot.name);
            let hidden = self.hidden(new, None);
            let inner =
                Spot { unit: spot.unit, mask: spot.mask & !hidden, name: &full, outer_done: false, optional: false };
            let (kind, words) = match head.required.contains_key(name) {
                true => ("required-property-added", "a required property"),
                false => ("optional-property-added", "an optional property"),
            };
            let mut found = None;
            if let Some(default) = peel(&self.head.value, new).node.value.get("default") {
                // The server fills it in.
                found = Some(format!("; {default} is assumed of requests without it"));
            }
            self.find(
                &inner,
                kind,
                Sides::added(new),
                format!("`{full}`, {words}, is new{}", found.unwrap_or_default()),
                None,
            );
        }
        // Names that are required without a property of their own.
        let phantom = |names: &View<'a>, others: &View<'a>| -> Vec<(String, String)> {
            let missing = |name: &&str| {
                !name.is_empty() && !names.properties.contains_key(*name) && !others.properties.contains_key(*name)
            };
            let only = names.required.iter().filter(|(name, _)| !others.required.contains_key(*name) && missing(name));
            only.map(|(name, pointer)| ((*name).to_owned(), pointer.clone())).collect()
        };
        for (name, pointer) in phantom(head, base) {
            let mut sides = Sides::both(base_node, head_node);
            sides.head.iter_mut().for_each(|head| head.pointer.clone_from(&pointer));
            let message = format!("`{}.{name}` is required now", spot.name);
            self.find(spot, "property-became-required", sides, message, Some(Level::None));
        }
        for (name, _) in phantom(base, head) {
            let message = format!("`{}.{name}` is optional now", spot.name);
            self.find(spot, "property-became-optional", Sides::both(base_node, head_node), message, Some(Level::None));
        }
    }

    /// Ways that do not see a property: requests leave out what is read-only, answers what is write-only.
    fn hidden(&self, base: &Node<'a>, head: Option<&Node<'a>>) -> u8 {
        let has = |root: &'a Value, node: &Node<'a>, key: &str| {
            let peeled = peel(root, node);
            peeled.node.is(key) || peeled.outer.get(key).is_some_and(|flag| flag.value == &Value::Bool(true))
        };
        let any =
            |key: &str| has(&self.base.value, base, key) || head.is_some_and(|head| has(&self.head.value, head, key));
        (u8::from(any("readOnly")) * way::SENT) | (u8::from(any("writeOnly")) * way::ANSWERED)
    }

    /// A property that each alternative of the other side may have is told of by the choice.
    fn moved_into_choice(&self, head: &View<'a>, name: &str) -> bool {
        alternatives(&self.head.value, head).iter().any(|part| part.properties.contains_key(name))
    }

    fn moved_out_of_choice(&self, base: &View<'a>, name: &str) -> bool {
        alternatives(&self.base.value, base).iter().any(|part| part.properties.contains_key(name))
    }

    pub(super) fn additional(
        &mut self,
        base_node: &Node<'a>,
        head_node: &Node<'a>,
        base: &View<'a>,
        head: &View<'a>,
        spot: &Spot<'_>,
    ) {
        let (old, new) = (base.facts.get("additionalProperties"), head.facts.get("additionalProperties"));
        let is_schema = |node: &Node<'_>| node.value.as_object().is_some_and(|object| !object.is_empty());
        if let (Some(old), Some(new)) = (old.filter(|it| is_schema(it)), new.filter(|it| is_schema(it))) {
            let name = format!("{}.*", spot.name);
            return self.schema(
                old,
                new,
                Spot { unit: spot.unit, mask: spot.mask, name: &name, outer_done: false, optional: false },
            );
        }
        // How narrow it is: anything, values of one schema, nothing.
        let narrow = |node: Option<&Node<'_>>| match node {
            Some(node) if node.value == &Value::Bool(false) => 2,
            Some(node) if is_schema(node) => 1,
            _ => 0,
        };
        let kept = |node: Option<&Node<'_>>| node.is_some_and(|node| node.value != &Value::Bool(false));
        let (was, is) = (narrow(old), narrow(new));
        let sides = Sides::both(old.unwrap_or(base_node), new.unwrap_or(head_node));
        let has_fields = !base.properties.is_empty() && !head.properties.is_empty();
        let rust = match (kept(old), kept(new)) {
            (true, false) if has_fields => Level::Breaking,
            (false, true) if has_fields => Level::Additive,
            _ if was == is || has_fields && was.max(is) == 2 => Level::None,
            _ => Level::Breaking,
        };
        match was.cmp(&is) {
            std::cmp::Ordering::Less => {
                let message = format!("`{}` may have fewer other fields", spot.name);
                self.find(spot, "closed", sides, message, Some(rust));
            }
            std::cmp::Ordering::Greater => {
                let message = format!("`{}` may have more other fields", spot.name);
                self.find(spot, "opened", sides, message, Some(rust));
            }
            std::cmp::Ordering::Equal if rust == Level::Breaking && kept(old) != kept(new) => {
                let message = format!("`extra` of `{}` is gone", spot.name);
                let ways =
                    Spot { unit: spot.unit, mask: spot.mask, name: spot.name, outer_done: true, optional: false };
                self.find(&ways, "extra-removed", sides, message, None);
            }
            std::cmp::Ordering::Equal => {}
        }
    }
}

/// The alternatives of a choice.
pub(crate) fn alternatives<'a>(root: &'a Value, view: &View<'a>) -> Vec<View<'a>> {
    let lists = ["oneOf", "anyOf"].iter().filter_map(|key| view.facts.get(key));
    let parts = lists.flat_map(|list| {
        let items = list.value.as_array().into_iter().flatten().enumerate();
        items.map(|(at, value)| Node::new(format!("{}/{at}", list.pointer), value)).collect::<Vec<_>>()
    });
    parts.map(|part| View::of(root, &normalise::peel(root, &part).node)).collect()
}
