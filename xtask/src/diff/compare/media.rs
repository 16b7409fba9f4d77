//! Bodies by media type, and those of requests.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Comparison, Sides, operation::Operation, way};
use crate::diff::{
    change::Level,
    normalise::{Node, View, peel, resolve},
    rules,
};

/// A media type without its parameters.
pub(super) fn plain(kind: &str) -> &str {
    kind.split(';').next().unwrap_or_default().trim()
}

/// Whether a media type is a closer name of another: `application/problem+json` of `application/json`.
pub(super) fn specialises(close: &str, wide: &str) -> bool {
    let (Some((family, kind)), Some((of, base))) = (close.split_once('/'), wide.split_once('/')) else { return false };
    wide == "*/*" || family == of && (base == "*" || kind.rsplit_once('+').is_some_and(|(_, suffix)| suffix == base))
}

/// Whether a body of this type is written as text, or its fields are.
fn is_form(kind: &str) -> bool {
    matches!(plain(kind), "application/x-www-form-urlencoded" | "multipart/form-data" | "text/plain")
}

/// Whether no field can hold others: those are written in JSON within a form.
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

/// The bodies of two places by media type.
pub(super) struct Contents<'a> {
    /// Under the name of the head.
    pub(super) both: Vec<(String, Node<'a>, Node<'a>)>,
    pub(super) gone: Vec<(String, Node<'a>)>,
    pub(super) more: Vec<(String, Node<'a>)>,
}

impl<'a> Contents<'a> {
    /// Parameters of a media type count where there is the same with others besides.
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

/// What is said of bodies that come, go, or must be there; those that the server sends are read by us.
fn body_rules(sent: bool) -> [&'static str; 5] {
    match sent {
        false => [
            "body-removed",
            "required-body-added",
            "optional-body-added",
            "body-became-required",
            "body-became-optional",
        ],
        true => [
            "response-body-removed",
            "response-body-added",
            "response-body-added",
            "response-property-became-required",
            "response-property-became-optional",
        ],
    }
}

impl<'a> Comparison<'a> {
    pub(super) fn request_body(&mut self, base: &Operation<'a>, head: &Operation<'a>, operation: usize, sent: bool) {
        let (base_root, head_root) = (&self.base.value, &self.head.value);
        let body = |root: &'a Value, node: &Node<'a>| {
            node.child("requestBody").map(|body| resolve(root, &body)).filter(|body| !body.value.is_null())
        };
        let name = &head.name;
        let [removed, added, added_optional, required, optional] = body_rules(sent);
        let (old, new) = match (body(base_root, &base.node), body(head_root, &head.node)) {
            (None, None) => return,
            (Some(old), None) => {
                let sides = Sides::removed(&old, &head.node.pointer);
                return self.note_body(removed, operation, sent, sides, format!("{name} takes no body any more"));
            }
            (None, Some(new)) => {
                let id = if new.is("required") { added } else { added_optional };
                return self.note_body(id, operation, sent, Sides::added(&new), format!("{name} takes a body now"));
            }
            (Some(old), Some(new)) => (old, new),
        };
        if old.is("required") != new.is("required") {
            let place = |node: &Node<'a>| node.child("required").unwrap_or_else(|| node.clone());
            let sides = Sides::both(&place(&old), &place(&new));
            let (id, words) = match new.is("required") {
                true => (required, "required"),
                false => (optional, "optional"),
            };
            self.note_body(id, operation, sent, sides, format!("the body of {name} is {words} now"));
        }
        self.unknown_keys(&old, &new, &["description", "content", "required", "$ref"], Some(operation));
        let Contents { both, gone, more } = Contents::of(&old, &new);
        let way_of = |kind: &str, old: &Node<'a>, new: &Node<'a>| match sent {
            true => way::UNTYPED,
            false if is_form(kind) && is_flat(base_root, old) && is_flat(head_root, new) => way::TEXT,
            false => way::REQUEST,
        };
        for (kind, media, new) in &both {
            if media.value.get("encoding") != new.value.get("encoding") {
                let message = format!("parts of the body of {name} are written another way");
                let sides = Sides::both(media, new);
                self.note("request-media-type-encoding-changed", Some(operation), sides, message);
            }
            self.body_schema(media, new, way_of(kind, media, new), operation, "the body");
        }
        let mut wider = BTreeSet::new();
        for (kind, media) in &gone {
            let taken = both.iter().map(|(kind, _, new)| (kind, new)).chain(more.iter().map(|(kind, new)| (kind, new)));
            let covers = |(wide, _): &(&String, _)| wide.contains('*') && specialises(plain(kind), plain(wide));
            match taken.filter(|_| !sent).find(covers) {
                Some((wide, new)) => {
                    wider.insert(wide);
                    let message = format!("{name} takes `{wide}` in place of `{kind}`");
                    let sides = Sides::both(media, new);
                    self.note("request-media-type-generalised", Some(operation), sides, message);
                    self.body_schema(media, new, way_of(kind, media, new), operation, "the body");
                }
                None => {
                    let message = format!("{name} takes no `{kind}` any more");
                    let sides = Sides::removed(media, &new.pointer);
                    self.note("request-media-type-removed", Some(operation), sides, message);
                }
            }
        }
        for (kind, media) in more.iter().filter(|(kind, _)| !wider.contains(kind)) {
            let message = format!("{name} takes `{kind}` too");
            self.note("request-media-type-added", Some(operation), Sides::added(media), message);
        }
    }

    /// What the server sends is of no Rust type.
    fn note_body(&mut self, id: &'static str, operation: usize, sent: bool, sides: Sides, message: String) {
        let rule = rules::find(id);
        let rust = if sent { Level::None } else { rule.rust };
        self.note_as(id, (rule.wire, rust), [operation].into(), sides, message);
    }

    pub(super) fn body_schema(&mut self, old: &Node<'a>, new: &Node<'a>, way: u8, operation: usize, name: &str) {
        self.unknown_keys(old, new, &["schema", "example", "examples", "encoding"], Some(operation));
        let (one, other) = (old.child("schema"), new.child("schema"));
        self.described((old, one), (new, other), way, operation, name);
    }

    /// Compares the schemas of two places; one without a schema may hold anything.
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
            (None, Some(_)) => ("type-narrowed", "has a schema now"),
            (Some(_), None) => ("type-widened", "has no schema any more"),
            _ => return None,
        };
        let request = if way & way::SENT != 0 { rules::Direction::Request } else { rules::Direction::Response };
        let rule = rules::of_schema(kind, request);
        let rust = if way & (way::UNTYPED | way::TRANSPORT | way::HEADER) != 0 { Level::None } else { rule.rust };
        let sides = Sides::both(one.as_ref().unwrap_or(old), other.as_ref().unwrap_or(new));
        self.note_as(rule.id, (rule.wire, rust), [operation].into(), sides, format!("`{name}` {words}"));
        None
    }
}
