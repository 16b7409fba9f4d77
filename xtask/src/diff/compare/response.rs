//! Answers and their headers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Comparison, Sides,
    media::{Contents, plain, specialises},
    operation::Operation,
    parameter::{KNOWN, is_text, schema_of},
    way,
};
use crate::diff::{
    change::Level,
    normalise::{Node, resolve},
    rules,
};

/// What stands for every status that is not named.
const DEFAULT: &str = "DEFAULT";

/// The answers of an operation by status.
struct Answers<'a>(BTreeMap<String, Node<'a>>);

impl<'a> Answers<'a> {
    fn of(root: &'a Value, operation: &Node<'a>) -> Self {
        let responses = operation.children("responses").into_iter().filter(|(status, _)| !status.starts_with("x-"));
        Self(responses.map(|(status, answer)| (status.to_uppercase(), resolve(root, &answer))).collect())
    }

    /// Any 2xx is success, and so is what stands for all where there is none.
    fn is_success(&self, status: &str) -> bool {
        status.starts_with('2') || status == DEFAULT && !self.0.keys().any(|status| status.starts_with('2'))
    }

    /// What stands for a status here: itself, `4XX` for 404 and the other way round, or `default`.
    fn cover(&self, status: &str, success: bool) -> Vec<String> {
        // Beside a 2xx, `default` says what failures are.
        let default = || self.0.contains_key(DEFAULT) && (!success || self.is_success(DEFAULT));
        let first = status.get(..1).unwrap_or_default();
        let range = format!("{first}XX");
        if self.0.contains_key(status) {
            return vec![status.to_owned()];
        }
        if status == DEFAULT {
            return Vec::new();
        }
        if self.0.contains_key(&range) {
            return vec![range];
        }
        let within = self.0.keys().filter(|other| status == range && other.starts_with(first)).cloned();
        within.chain(default().then(|| DEFAULT.to_owned())).collect()
    }
}

impl<'a> Comparison<'a> {
    pub(super) fn responses(&mut self, base: &Operation<'a>, head: &Operation<'a>, operation: usize, sent: bool) {
        let old = Answers::of(&self.base.value, &base.node);
        let new = Answers::of(&self.head.value, &head.node);
        let name = &head.name;
        let mut pairs = BTreeSet::new();
        for (status, one) in &old.0 {
            let success = old.is_success(status);
            let cover = new.cover(status, success);
            if cover.iter().all(|other| other == DEFAULT && status != DEFAULT) {
                let id = if success { "success-response-removed" } else { "failure-response-removed" };
                let around = head.node.child("responses").map_or(head.node.pointer.clone(), |node| node.pointer);
                let message = format!("{name} does not answer {status} any more");
                self.note(id, Some(operation), Sides::removed(one, &around), message);
            }
            pairs.extend(cover.into_iter().map(|other| (status.clone(), other)));
        }
        for (status, other) in &new.0 {
            let success = new.is_success(status);
            let cover = old.cover(status, success);
            if cover.iter().all(|one| one == DEFAULT && status != DEFAULT) {
                let id = if success { "success-response-added" } else { "failure-response-added" };
                self.note(id, Some(operation), Sides::added(other), format!("{name} also answers {status}"));
            }
            pairs.extend(cover.into_iter().map(|one| (one, status.clone())));
        }
        for (status, now) in pairs {
            let (Some(one), Some(other)) = (old.0.get(&status), new.0.get(&now)) else { continue };
            if status != now && status != DEFAULT && now != DEFAULT {
                let message = format!("{name} answers {now} where it answered {status}");
                self.note("response-status-changed", Some(operation), Sides::both(one, other), message);
            }
            let way = match (old.is_success(&status) && new.is_success(&now), sent) {
                // What a webhook answers is sent by us.
                (_, true) => way::TRANSPORT,
                (true, false) => way::SUCCESS,
                (false, false) => way::UNTYPED,
            };
            self.answer(one, other, way, operation, name);
            self.headers(one, other, sent, operation, name);
        }
    }

    fn answer(&mut self, old: &Node<'a>, new: &Node<'a>, way: u8, operation: usize, name: &str) {
        if old.value.get("links") != new.value.get("links") {
            let place = |node: &Node<'a>| node.child("links").unwrap_or_else(|| node.clone());
            let sides = Sides::both(&place(old), &place(new));
            self.note("links-changed", Some(operation), sides, format!("answers of {name} have other links"));
        }
        self.unknown_keys(old, new, &["description", "headers", "content", "links", "$ref"], Some(operation));
        let Contents { both, gone, mut more } = Contents::of(old, new);
        let rust = |id: &str| if way == way::SUCCESS { rules::find(id).rust } else { Level::None };
        let (was_empty, is_empty) = (both.is_empty() && gone.is_empty(), both.is_empty() && more.is_empty());
        if was_empty != is_empty {
            let (id, words) = match is_empty {
                true => ("response-body-removed", "have no body any more"),
                false => ("response-body-added", "have a body now"),
            };
            let place = |node: &Node<'a>| node.child("content").unwrap_or_else(|| node.clone());
            let levels = (rules::find(id).wire, rust(id));
            let sides = Sides::both(&place(old), &place(new));
            return self.note_as(id, levels, [operation].into(), sides, format!("answers of {name} {words}"));
        }
        for (_, media, new) in &both {
            self.body_schema(media, new, way, operation, "the answer");
        }
        for (kind, media) in &gone {
            let closer = more.iter().position(|(close, _)| specialises(plain(close), plain(kind)));
            match closer.map(|at| more.remove(at)) {
                Some((_, new)) => {
                    let message = format!("`{kind}` has a closer name");
                    let sides = Sides::both(media, &new);
                    self.note("response-media-type-specialised", Some(operation), sides, message);
                    self.body_schema(media, &new, way, operation, "the answer");
                }
                None => {
                    let message = format!("{name} answers no `{kind}` any more");
                    let sides = Sides::removed(media, &new.pointer);
                    self.note("response-media-type-removed", Some(operation), sides, message);
                }
            }
        }
        for (kind, media) in &more {
            let message = format!("{name} answers `{kind}` too");
            self.note("response-media-type-added", Some(operation), Sides::added(media), message);
        }
    }

    fn headers(&mut self, old: &Node<'a>, new: &Node<'a>, sent: bool, operation: usize, name: &str) {
        let (base_root, head_root) = (&self.base.value, &self.head.value);
        let all = |root: &'a Value, node: &Node<'a>| -> BTreeMap<String, Node<'a>> {
            let headers = node.children("headers").into_iter();
            headers.map(|(name, header)| (name.to_lowercase(), resolve(root, &header))).collect()
        };
        let (one, other) = (all(base_root, old), all(head_root, new));
        for (header, was) in &one {
            let Some(is) = other.get(header) else {
                let id = if was.is("required") {
                    "required-response-header-removed"
                } else {
                    "optional-response-header-removed"
                };
                let message = format!("answers of {name} have no header `{header}` any more");
                self.note(id, Some(operation), Sides::removed(was, &new.pointer), message);
                continue;
            };
            if was.is("required") != is.is("required") {
                let (id, words) = match is.is("required") {
                    true => ("response-header-became-required", "always"),
                    false => ("response-header-became-optional", "not always"),
                };
                let message = format!("answers of {name} {words} have the header `{header}`");
                self.note(id, Some(operation), Sides::both(was, is), message);
            }
            self.unknown_keys(was, is, &KNOWN, Some(operation));
            let way = match sent {
                true => way::TRANSPORT,
                false if is_text(was) && is_text(is) => way::HEADER,
                false => way::UNTYPED,
            };
            self.described((was, schema_of(was)), (is, schema_of(is)), way, operation, header);
        }
        for (header, is) in other.iter().filter(|(header, _)| !one.contains_key(*header)) {
            let message = format!("answers of {name} have the header `{header}`");
            self.note("response-header-added", Some(operation), Sides::added(is), message);
        }
    }
}
