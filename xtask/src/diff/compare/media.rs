//! Bodies by media type, and those of requests.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Comparison, Sides, operation::Operations, way};
use crate::diff::{
    change::Level,
    normalise::{Node, View, peel, resolve},
    rules,
};

/// A media type without its parameters.
pub(super) fn plain(kind: &str) -> &str {
    kind.split(';').next().unwrap_or_default().trim()
}

/// Whether a media type is a special case of another: `application/problem+json` of `application/json`.
pub(super) fn specialises(close: &str, wide: &str) -> bool {
    let (Some((family, kind)), Some((of, base))) = (close.split_once('/'), wide.split_once('/')) else { return false };
    wide == "*/*" || family == of && (base == "*" || kind.rsplit_once('+').is_some_and(|(_, suffix)| suffix == base))
}

/// Whether the fields of a body of this type are written as text.
fn is_form(kind: &str) -> bool {
    matches!(plain(kind), "application/x-www-form-urlencoded" | "multipart/form-data" | "text/plain")
}

/// Whether no field is an object, because a form contains those as JSON.
fn is_flat<'a>(root: &'a Value, media: &Node<'a>) -> bool {
    let view = |node: &Node<'a>| View::of(root, &peel(root, node).node);
    let is_plain = |view: &View<'a>| view.kinds().is_some_and(|kinds| kinds.iter().all(|(kind, _)| kind != "object"));
    media.child("schema").is_none_or(|schema| {
        let schema = view(&schema);
        let others = schema.facts.get("additionalProperties").filter(|others| others.value.is_object());
        let mut fields = schema.properties.values().chain(others).map(view);
        !["oneOf", "anyOf"].iter().any(|key| schema.facts.contains_key(key))
            && fields
                .all(|field| is_plain(&field) && field.facts.get("items").is_none_or(|items| is_plain(&view(items))))
    })
}

/// Two maps of bodies by media type.
pub(super) struct Contents<'a> {
    /// With the media type of the head.
    pub(super) both: Vec<(String, Node<'a>, Node<'a>)>,
    pub(super) gone: Vec<(String, Node<'a>)>,
    pub(super) more: Vec<(String, Node<'a>)>,
}

impl<'a> Contents<'a> {
    /// Matches media types with their parameters first, then without.
    pub(super) fn of(old: &Node<'a>, new: &Node<'a>) -> Self {
        let list = |node: &Node<'a>| -> Vec<(String, Node<'a>)> {
            let kinds = node.children("content").into_iter();
            kinds.map(|(kind, media)| (kind.to_lowercase().replace(' ', ""), media)).collect()
        };
        let (mut both, mut gone, mut more) = (Vec::new(), list(old), list(new));
        let same: [fn(&str, &str) -> bool; 2] = [|one, other| one == other, |one, other| plain(one) == plain(other)];
        for same in same {
            gone.retain(|(kind, media)| {
                let Some(at) = more.iter().position(|(other, _)| same(kind, other)) else { return true };
                let (kind, new) = more.remove(at);
                both.push((kind, media.clone(), new));
                false
            });
        }
        Self { both, gone, more }
    }
}

impl<'a> Comparison<'a> {
    pub(super) fn request_body(&mut self, pair: &Operations<'a>) {
        let (base_root, head_root) = (&self.base.value, &self.head.value);
        let name = pair.name();
        let body = |node: &Node<'a>| node.child("requestBody").filter(|body| !body.value.is_null());
        let (old, new) = match (body(&pair.base.node), body(&pair.head.node)) {
            (Some(old), Some(new)) => (resolve(base_root, &old), resolve(head_root, &new)),
            (Some(old), None) => {
                let sides = Sides::removed(&old, &pair.head.node.pointer);
                return self.note("body-removed", pair.number, sides, format!("body of {name} removed"));
            }
            (None, Some(new)) => {
                let (id, word) = match resolve(head_root, &new).is("required") {
                    true => ("required-body-added", "required"),
                    false => ("optional-body-added", "optional"),
                };
                return self.note(id, pair.number, Sides::added(&new), format!("{word} body of {name} added"));
            }
            (None, None) => return,
        };
        let ids = ["body-became-required", "body-became-optional"];
        self.presence(&old, &new, ids, pair.number, &format!("body of {name}"));
        self.unknown_keys(&old, &new, &["description", "content", "required", "$ref"], Some(pair.number));
        let Contents { both, gone, more } = Contents::of(&old, &new);
        let way_of = |kind: &str, old: &Node<'a>, new: &Node<'a>| {
            if is_form(kind) && is_flat(base_root, old) && is_flat(head_root, new) { way::TEXT } else { way::REQUEST }
        };
        for (kind, media, new) in &both {
            if media.value.get("encoding") != new.value.get("encoding") {
                let message = format!("`encoding` of the body of {name} changed");
                let sides = Sides::both(media, new);
                self.note("request-media-type-encoding-changed", pair.number, sides, message);
            }
            self.body_schema(media, new, way_of(kind, media, new), pair.number, "body");
        }
        let mut wider = BTreeSet::new();
        for (kind, media) in &gone {
            let taken = both.iter().map(|(kind, _, new)| (kind, new)).chain(more.iter().map(|(kind, new)| (kind, new)));
            let covers = |(wide, _): &(&String, _)| wide.contains('*') && specialises(plain(kind), plain(wide));
            match taken.into_iter().find(covers) {
                Some((wide, new)) => {
                    wider.insert(wide);
                    let message = format!("request media type `{kind}` of {name} generalised to `{wide}`");
                    let sides = Sides::both(media, new);
                    self.note("request-media-type-generalised", pair.number, sides, message);
                    self.body_schema(media, new, way_of(kind, media, new), pair.number, "body");
                }
                None => {
                    let message = format!("request media type `{kind}` of {name} removed");
                    let sides = Sides::removed(media, &new.pointer);
                    self.note("request-media-type-removed", pair.number, sides, message);
                }
            }
        }
        for (kind, media) in more.iter().filter(|(kind, _)| !wider.contains(kind)) {
            let message = format!("request media type `{kind}` of {name} added");
            self.note("request-media-type-added", pair.number, Sides::added(media), message);
        }
    }

    pub(super) fn body_schema(&mut self, old: &Node<'a>, new: &Node<'a>, way: u8, operation: usize, name: &str) {
        self.unknown_keys(old, new, &["schema", "example", "examples", "encoding"], Some(operation));
        let (one, other) = (old.child("schema"), new.child("schema"));
        self.described((old, one), (new, other), way, operation, name);
    }

    /// Compares the schemas of two places; without a schema, any value is allowed.
    pub(super) fn described(
        &mut self,
        (old, one): (&Node<'a>, Option<Node<'a>>),
        (new, other): (&Node<'a>, Option<Node<'a>>),
        way: u8,
        operation: usize,
        name: &str,
    ) -> Option<usize> {
        if let (Some(one), Some(other)) = (&one, &other) {
            let unit = self.unit(one, other, name);
            self.roots.push((Some(operation), way, unit));
            return Some(unit);
        }
        let (kind, words) = match (&one, &other) {
            (None, Some(_)) => ("type-narrowed", "added"),
            (Some(_), None) => ("type-widened", "removed"),
            _ => return None,
        };
        let request = if way & way::SENT != 0 { rules::Direction::Request } else { rules::Direction::Response };
        let rule = rules::of_schema(kind, request);
        let rust = if way & (way::UNTYPED | way::TRANSPORT | way::HEADER) != 0 { Level::None } else { rule.rust };
        let sides = Sides::both(one.as_ref().unwrap_or(old), other.as_ref().unwrap_or(new));
        self.note_as(rule.id, (rule.wire, rust), [operation], sides, format!("schema of `{name}` {words}"));
        None
    }
}
