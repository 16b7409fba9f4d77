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
        let name = pair.name();
        let (base_root, head_root) = (&self.base.value, &self.head.value);
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
        self.unknown_keys(&old, &new, "description content required $ref", pair.number);
        self.contents(&old, &new, None, pair.number, name);
    }

    /// Compares bodies by media type; without a way they are those of a request.
    pub(super) fn contents(&mut self, old: &Node<'a>, new: &Node<'a>, way: Option<u8>, operation: usize, name: &str) {
        let (what, [broader, removed, added]) = match way {
            None => (
                "request",
                ["request-media-type-generalised", "request-media-type-removed", "request-media-type-added"],
            ),
            Some(_) => (
                "response",
                ["response-media-type-specialised", "response-media-type-removed", "response-media-type-added"],
            ),
        };
        let (base_root, head_root) = (&self.base.value, &self.head.value);
        let way_of = |kind: &str, old: &Node<'a>, new: &Node<'a>| {
            let is_text = is_form(kind) && is_flat(base_root, old) && is_flat(head_root, new);
            way.unwrap_or(if is_text { way::TEXT } else { way::REQUEST })
        };
        let Contents { both, gone, more } = Contents::of(old, new);
        for (kind, media, new) in &both {
            if way.is_none() && media.value.get("encoding") != new.value.get("encoding") {
                let message = format!("`encoding` of the body of {name} changed");
                self.note("request-media-type-encoding-changed", operation, Sides::both(media, new), message);
            }
            self.body_schema(media, new, way_of(kind, media, new), operation, what);
        }
        let mut used = BTreeSet::new();
        for (kind, media) in &gone {
            // Requests may become more general, responses more special.
            let rest = more.iter().map(|(other, new)| (other, new));
            let known = both.iter().filter(|_| way.is_none()).map(|(other, _, new)| (other, new));
            let covers = |(other, _): &(&String, _)| match way {
                None => other.contains('*') && specialises(plain(kind), plain(other)),
                Some(_) => !used.contains(other) && specialises(plain(other), plain(kind)),
            };
            if let Some((other, new)) = known.chain(rest).find(covers) {
                used.insert(other);
                let message = format!("{what} media type `{kind}` of {name} changed to `{other}`");
                self.note(broader, operation, Sides::both(media, new), message);
                self.body_schema(media, new, way_of(kind, media, new), operation, what);
            } else {
                let message = format!("{what} media type `{kind}` of {name} removed");
                self.note(removed, operation, Sides::removed(media, &new.pointer), message);
            }
        }
        for (kind, media) in more.iter().filter(|(kind, _)| !used.contains(kind)) {
            self.note(added, operation, Sides::added(media), format!("{what} media type `{kind}` of {name} added"));
        }
    }

    pub(super) fn body_schema(&mut self, old: &Node<'a>, new: &Node<'a>, way: u8, operation: usize, name: &str) {
        self.unknown_keys(old, new, "schema example examples encoding", operation);
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
