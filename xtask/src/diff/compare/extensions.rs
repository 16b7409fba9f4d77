//! The extensions of the root that code is generated from: webhooks, environment variables, payouts, headers of every
//! request.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Comparison, Sides, value::gone_and_more, way};
use crate::diff::normalise::{Node, resolve, without_annotations};

/// Rules for what is gone and what is new of a list of names.
type Pair = (&'static str, &'static str);

/// Keys of the webhooks.
const KNOWN: [&str; 7] = ["headers", "events", "payloads", "envelopes", "schema", "tolerance", "description"];

impl<'a> Comparison<'a> {
    pub(crate) fn extensions(&mut self) {
        self.webhooks();
        self.environment_variables();
        self.payouts();
        self.common_headers();
    }

    fn webhooks(&mut self) {
        let key = "x-piaxis-webhooks";
        let of = |root: &Node<'a>| root.child(key).unwrap_or_else(|| Node::new(format!("/{key}"), &Value::Null));
        let (base, head) = (of(&self.base_root()), of(&self.head_root()));
        self.names(&base, &head, "headers", ("webhook-header-removed", "webhook-header-added"), "the header");
        self.names(&base, &head, "events", ("webhook-event-removed", "webhook-event-added"), "the event");
        self.names(&base, &head, "payloads", ("webhook-payload-removed", "webhook-payload-added"), "the payload");
        self.names(&base, &head, "envelopes", ("webhook-envelope-removed", "webhook-envelope-added"), "the envelope");
        if let (Some(one), Some(other)) = (base.child("schema"), head.child("schema")) {
            let unit = self.unit(&one, &other, "webhook");
            self.roots.push((None, way::WEBHOOK, unit));
        }
        for (name, one) in base.children("payloads") {
            if let Some(other) = head.child("payloads").and_then(|payloads| payloads.child(name)) {
                let unit = self.unit(&one, &other, &format!("webhook {name}"));
                self.roots.push((None, way::WEBHOOK, unit));
            }
        }
        for (name, one) in base.children("headers") {
            let Some(other) = head.child("headers").and_then(|headers| headers.child(name)) else { continue };
            let role = "x-piaxis-transport";
            if one.value.get(role) != other.value.get(role) {
                let message = format!("the header `{name}` of webhooks is of another use");
                self.note("transport-changed", None, Sides::both(&one, &other), message);
            }
        }
        let tolerance = |node: &Node<'a>| node.child("tolerance").and_then(|node| node.child("default"));
        let (old, new) = (tolerance(&base), tolerance(&head));
        if old.as_ref().map(|node| node.value) != new.as_ref().map(|node| node.value) {
            let sides = Sides::new(old.as_ref(), new.as_ref());
            self.note("webhook-tolerance-changed", None, sides, "webhooks may be of another age".to_owned());
        }
        self.unknown_keys(&base, &head, &KNOWN, None);
    }

    fn names(&mut self, base: &Node<'a>, head: &Node<'a>, key: &str, (gone, more): Pair, what: &str) {
        let of = |node: &Node<'a>| -> BTreeMap<&'a str, Node<'a>> { node.children(key).into_iter().collect() };
        let (old, new) = (of(base), of(head));
        for (name, one) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
            let around = format!("{}/{key}", head.pointer);
            self.note(gone, None, Sides::removed(one, &around), format!("{what} `{name}` of webhooks is gone"));
        }
        for (name, other) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            self.note(more, None, Sides::added(other), format!("{what} `{name}` of webhooks is new"));
        }
    }

    fn environment_variables(&mut self) {
        let key = "x-piaxis-environment-variables";
        let names = |root: &Node<'a>| -> BTreeMap<&'a str, Node<'a>> {
            let variables = root.children(key).into_iter();
            variables.filter_map(|(variable, node)| Some((variable, node.child("names")?))).collect()
        };
        let (old, new) = (names(&self.base_root()), names(&self.head_root()));
        let empty = Node::new(format!("/{key}"), &Value::Null);
        let variables: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
        for variable in variables {
            let (one, other) = (old.get(variable).unwrap_or(&empty), new.get(variable).unwrap_or(&empty));
            let list = |node: &Node<'a>| -> Vec<&'a str> {
                node.value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
            };
            let (was, is) = (list(one), list(other));
            let sides = Sides::both(one, other);
            let (gone, more) = gone_and_more(&was, &is);
            if !gone.is_empty() {
                let message = format!("`{variable}` is no longer read from {}", gone.join(", "));
                self.note("environment-variable-removed", None, sides.clone(), message);
            }
            if !more.is_empty() {
                let message = format!("`{variable}` is also read from {}", more.join(", "));
                self.note("environment-variable-added", None, sides.clone(), message);
            }
            if gone.is_empty() && more.is_empty() && was != is {
                let message = format!("`{variable}` prefers another name");
                self.note("environment-variables-reordered", None, sides, message);
            }
        }
    }

    fn payouts(&mut self) {
        let key = "x-piaxis-payouts";
        let (old, new) = (self.base_root().child(key), self.head_root().child(key));
        let facts = |node: &Option<Node<'a>>| node.as_ref().map(|node| without_annotations(node.value));
        if facts(&old) != facts(&new) {
            let sides = Sides::new(old.as_ref(), new.as_ref());
            self.note("payout-checks-changed", None, sides, format!("`{key}` changed"));
        }
    }

    fn common_headers(&mut self) {
        let (base_root, head_root) = (&self.base.value, &self.head.value);
        let of = |node: Node<'a>, root: &'a Value| -> BTreeMap<String, Node<'a>> {
            let items = node.items("x-piaxis-common-headers");
            items.iter().map(|item| resolve(root, item)).map(|node| (node.text("name").to_lowercase(), node)).collect()
        };
        let (old, new) = (of(self.base_root(), base_root), of(self.head_root(), head_root));
        for (name, one) in &old {
            match new.get(name) {
                Some(other) => {
                    if one.text("x-piaxis-transport") != other.text("x-piaxis-transport") {
                        let message = format!("the header `{name}` is of another use to the transport");
                        self.note("transport-changed", None, Sides::both(one, other), message);
                    }
                    if one.is("required") != other.is("required") {
                        let id = if other.is("required") {
                            "parameter-became-required"
                        } else {
                            "parameter-became-optional"
                        };
                        self.note(
                            id,
                            None,
                            Sides::both(one, other),
                            format!("whether calls must carry `{name}` is another"),
                        );
                    }
                    if let (Some(one), Some(other)) = (one.child("schema"), other.child("schema")) {
                        let unit = self.unit(&one, &other, name);
                        self.roots.push((None, way::TRANSPORT, unit));
                    }
                }
                None => {
                    let message = format!("calls no longer carry the header `{name}`");
                    self.note("common-header-removed", None, Sides::removed(one, "/x-piaxis-common-headers"), message);
                }
            }
        }
        for (name, other) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            let id = if other.is("required") { "required-parameter-added" } else { "common-header-added" };
            self.note(id, None, Sides::added(other), format!("calls may carry the header `{name}`"));
        }
    }
}
