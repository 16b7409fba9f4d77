//! Extensions of the root that code is generated from: webhooks, environment variables, payouts, common headers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Comparison,
    Entry::{Both, Gone, New},
    Sides, gone_and_more, matched, way,
};
use crate::diff::normalise::{Node, resolve, without_annotations};

/// Lists of the webhooks: key, word, rules for what is removed and added.
const LISTS: [(&str, &str, [&str; 2]); 4] = [
    ("headers", "header", ["webhook-header-removed", "webhook-header-added"]),
    ("events", "event", ["webhook-event-removed", "webhook-event-added"]),
    ("payloads", "payload", ["webhook-payload-removed", "webhook-payload-added"]),
    ("envelopes", "envelope", ["webhook-envelope-removed", "webhook-envelope-added"]),
];

/// Keys of the webhooks with a comparison of their own.
const KNOWN: &str = "headers events payloads envelopes schema tolerance description";

impl<'a> Comparison<'a> {
    pub(super) fn extensions(&mut self) {
        self.webhooks();
        self.environment_variables();
        self.payouts();
        self.common_headers();
    }

    fn webhooks(&mut self) {
        let (base, head) = self.root_parts("x-piaxis-webhooks");
        let entries = |node: &Node<'a>, key: &str| node.children(key).into_iter().collect::<BTreeMap<_, _>>();
        for (key, word, [removed, added]) in LISTS {
            for (name, entry) in matched(entries(&base, key), entries(&head, key)) {
                match entry {
                    Gone(one) => {
                        let sides = Sides::removed(&one, &format!("{}/{key}", head.pointer));
                        self.note(removed, None, sides, format!("webhook {word} `{name}` removed"));
                    }
                    New(other) => {
                        self.note(added, None, Sides::added(&other), format!("webhook {word} `{name}` added"));
                    }
                    Both(one, other) => match key {
                        "payloads" => self.webhook_schema(&one, &other, &format!("webhook {name}")),
                        "headers" => self.transport(&one, &other, None, &format!("webhook header `{name}`")),
                        _ => {}
                    },
                }
            }
        }
        if let (Some(one), Some(other)) = (base.child("schema"), head.child("schema")) {
            self.webhook_schema(&one, &other, "webhook");
        }
        let tolerance = |node: &Node<'a>| node.child("tolerance").and_then(|node| node.child("default"));
        let (old, new) = (tolerance(&base), tolerance(&head));
        if old.as_ref().map(|node| node.value) != new.as_ref().map(|node| node.value) {
            let sides = Sides::new(old.as_ref(), new.as_ref());
            self.note("webhook-tolerance-changed", None, sides, "tolerance of webhook timestamps changed".to_owned());
        }
        self.unknown_keys(&base, &head, KNOWN, None);
    }

    fn webhook_schema(&mut self, one: &Node<'a>, other: &Node<'a>, name: &str) {
        let unit = self.unit(one, other, name);
        self.roots.push((None, way::WEBHOOK, unit));
    }

    fn environment_variables(&mut self) {
        let (base, head) = self.root_parts("x-piaxis-environment-variables");
        let empty = Node::new(head.pointer.clone(), &Value::Null);
        let settings: BTreeSet<&str> = base.entries().into_iter().chain(head.entries()).map(|(key, _)| key).collect();
        for setting in settings {
            let names =
                |node: &Node<'a>| node.child(setting).and_then(|node| node.child("names")).unwrap_or(empty.clone());
            let (old, new) = (names(&base), names(&head));
            let (gone, more) = gone_and_more(&old, &new);
            if gone.is_empty() && more.is_empty() && old.value != new.value {
                let message = format!("order of the environment variables of `{setting}` changed");
                self.note("environment-variables-reordered", None, Sides::both(&old, &new), message);
            }
            for name in gone {
                let message = format!("environment variable {} of `{setting}` removed", name.value);
                self.note("environment-variable-removed", None, Sides::removed(&name, &new.pointer), message);
            }
            for name in more {
                let message = format!("environment variable {} of `{setting}` added", name.value);
                self.note("environment-variable-added", None, Sides::added(&name), message);
            }
        }
    }

    fn payouts(&mut self) {
        let (old, new) = self.root_parts("x-piaxis-payouts");
        if without_annotations(old.value) != without_annotations(new.value) {
            let message = "checks of `PayoutBatch` changed".to_owned();
            self.note("payout-checks-changed", None, Sides::both(&old, &new), message);
        }
    }

    fn common_headers(&mut self) {
        const KEY: &str = "x-piaxis-common-headers";
        let of = |node: Node<'a>, root: &'a Value| -> BTreeMap<String, Node<'a>> {
            let items = node.items(KEY).into_iter();
            items.map(|item| (resolve(root, &item).text("name").to_lowercase(), item)).collect()
        };
        let (base, head) = (&self.base.value, &self.head.value);
        for (name, entry) in matched(of(self.base_root(), base), of(self.head_root(), head)) {
            let what = format!("common header `{name}`");
            match entry {
                Both(one, other) => {
                    let (one, other) = (resolve(base, &one), resolve(head, &other));
                    self.transport(&one, &other, None, &what);
                    let ids = ["parameter-became-required", "parameter-became-optional"];
                    self.presence(&one, &other, ids, None, &what);
                    if let (Some(one), Some(other)) = (one.child("schema"), other.child("schema")) {
                        let unit = self.unit(&one, &other, &name);
                        self.roots.push((None, way::TRANSPORT, unit));
                    }
                }
                Gone(one) => {
                    let sides = Sides::removed(&one, &format!("/{KEY}"));
                    self.note("common-header-removed", None, sides, format!("{what} removed"));
                }
                New(other) => {
                    let is_required = resolve(head, &other).is("required");
                    let id = if is_required { "required-parameter-added" } else { "common-header-added" };
                    self.note(id, None, Sides::added(&other), format!("{what} added"));
                }
            }
        }
    }
}
