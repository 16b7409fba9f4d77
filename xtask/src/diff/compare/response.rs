//! Responses and their headers.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Comparison,
    Entry::{Both, Gone, New},
    Sides, matched,
    operation::Operations,
    parameter::{KNOWN, is_text, schema_of},
    way,
};
use crate::diff::{
    change::Level,
    normalise::{Node, resolve},
    rules,
};

/// The key for all other statuses.
const DEFAULT: &str = "DEFAULT";

/// The responses of an operation by status.
struct Responses<'a>(BTreeMap<String, Node<'a>>);

impl<'a> Responses<'a> {
    fn of(operation: &Node<'a>) -> Self {
        let responses = operation.children("responses").into_iter().filter(|(status, _)| !status.starts_with("x-"));
        Self(responses.map(|(status, response)| (status.to_uppercase(), response)).collect())
    }

    /// Any 2xx is a success, and `default` is one where there is no 2xx.
    fn is_success(&self, status: &str) -> bool {
        status.starts_with('2') || status == DEFAULT && !self.0.keys().any(|status| status.starts_with('2'))
    }

    /// The keys that cover a status: itself, `4XX` for 404 and the other way round, or `default`.
    fn cover(&self, status: &str, success: bool) -> Vec<String> {
        // Next to a 2xx, `default` is for failures.
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
    pub(super) fn responses(&mut self, pair: &Operations<'a>) {
        let (old, new) = (Responses::of(&pair.base.node), Responses::of(&pair.head.node));
        let name = pair.name();
        let mut pairs = BTreeSet::new();
        for (status, one) in &old.0 {
            let success = old.is_success(status);
            let cover = new.cover(status, success);
            if cover.iter().all(|other| other == DEFAULT && status != DEFAULT) {
                let id = if success { "success-response-removed" } else { "failure-response-removed" };
                let sides = Sides::removed(one, &Sides::list(&pair.head.node, "responses"));
                self.note(id, pair.number, sides, format!("response {status} of {name} removed"));
            }
            pairs.extend(cover.into_iter().map(|other| (status.clone(), other)));
        }
        for (status, other) in &new.0 {
            let success = new.is_success(status);
            let cover = old.cover(status, success);
            if cover.iter().all(|one| one == DEFAULT && status != DEFAULT) {
                let id = if success { "success-response-added" } else { "failure-response-added" };
                self.note(id, pair.number, Sides::added(other), format!("response {status} of {name} added"));
            }
            pairs.extend(cover.into_iter().map(|one| (one, status.clone())));
        }
        for (status, now) in pairs {
            let (Some(one), Some(other)) = (old.0.get(&status), new.0.get(&now)) else { continue };
            if status != now && status != DEFAULT && now != DEFAULT {
                let message = format!("response {status} of {name} changed to {now}");
                self.note("response-status-changed", pair.number, Sides::both(one, other), message);
            }
            let (one, other) = (resolve(&self.base.value, one), resolve(&self.head.value, other));
            let is_success = old.is_success(&status) && new.is_success(&now);
            let way = if is_success { way::SUCCESS } else { way::UNTYPED };
            self.response(&one, &other, way, pair.number, name);
            self.headers(&one, &other, pair.number, name);
        }
    }

    fn response(&mut self, old: &Node<'a>, new: &Node<'a>, way: u8, operation: usize, name: &str) {
        if old.value.get("links") != new.value.get("links") {
            let message = format!("links of the responses of {name} changed");
            self.note("links-changed", operation, Sides::at(old, new, "links"), message);
        }
        self.unknown_keys(old, new, "description headers content links $ref", operation);
        let is_empty = |node: &Node<'a>| node.children("content").is_empty();
        let (was_empty, is_empty) = (is_empty(old), is_empty(new));
        if was_empty != is_empty {
            let (id, word) = match is_empty {
                true => ("response-body-removed", "removed"),
                false => ("response-body-added", "added"),
            };
            let rule = rules::find(id);
            let rust = if way == way::SUCCESS { rule.rust } else { Level::None };
            let message = format!("response body of {name} {word}");
            return self.note_as(id, (rule.wire, rust), [operation], Sides::at(old, new, "content"), message);
        }
        self.contents(old, new, Some(way), operation, name);
    }

    fn headers(&mut self, old: &Node<'a>, new: &Node<'a>, operation: usize, name: &str) {
        let all = |node: &Node<'a>| -> BTreeMap<String, Node<'a>> {
            node.children("headers").into_iter().map(|(name, header)| (name.to_lowercase(), header)).collect()
        };
        for (header, entry) in matched(all(old), all(new)) {
            let what = format!("response header `{header}` of {name}");
            match entry {
                Gone(one) => {
                    let id = match resolve(&self.base.value, &one).is("required") {
                        true => "required-response-header-removed",
                        false => "optional-response-header-removed",
                    };
                    self.note(id, operation, Sides::removed(&one, &new.pointer), format!("{what} removed"));
                }
                New(other) => {
                    self.note("response-header-added", operation, Sides::added(&other), format!("{what} added"));
                }
                Both(one, other) => {
                    let (was, is) = (resolve(&self.base.value, &one), resolve(&self.head.value, &other));
                    let ids = ["response-header-became-required", "response-header-became-optional"];
                    self.presence(&was, &is, ids, operation, &what);
                    self.unknown_keys(&was, &is, KNOWN, operation);
                    let way = if is_text(&was) && is_text(&is) { way::HEADER } else { way::UNTYPED };
                    self.described((&was, schema_of(&was)), (&is, schema_of(&is)), way, operation, &header);
                }
            }
        }
    }
}
