//! Extensions of the root that code is generated from: webhooks, environment variables, payouts, common headers.

use super::*;

/// Lists of the webhooks: key, word, first words of the rules.
const LISTS: [(&str, &str, &str); 4] = [
    ("headers", "header", "webhook-header"),
    ("events", "event", "webhook-event"),
    ("payloads", "payload", "webhook-payload"),
    ("envelopes", "envelope", "webhook-envelope"),
];

impl<'a> Comparison<'a> {
    pub(super) fn extensions(&mut self) {
        self.webhooks();
        self.environment_variables();
        self.common_headers();
        let (old, new) = self.parts("x-piaxis-payouts");
        if without_annotations(old.value) != without_annotations(new.value) {
            self.note("payout-checks-changed", both(&old, &new), "checks of `PayoutBatch` changed".to_owned());
        }
    }

    fn webhooks(&mut self) {
        let (base, head) = self.parts("x-piaxis-webhooks");
        for (key, word, rules) in LISTS {
            let described = |name: &&str, _: &Node<'a>, _: &str| (rules, format!("webhook {word} `{name}`"));
            let (old, new): (Named<'a>, Named<'a>) = (base.children(key), head.children(key));
            for (name, one, other) in self.matched(old, new, &head.part(key), described) {
                match key {
                    "payloads" => drop(self.used(way::WEBHOOK, &one, &other, &format!("webhook {name}"))),
                    "headers" => self.transport(&one, &other, &format!("webhook header `{name}`")),
                    _ => {}
                }
            }
        }
        if let (Some(one), Some(other)) = (base.child("schema"), head.child("schema")) {
            self.used(way::WEBHOOK, &one, &other, "webhook");
        }
        let tolerance = |node: &Node<'a>| node.part("tolerance").child("default");
        let (old, new) = (tolerance(&base), tolerance(&head));
        if old.as_ref().map(|node| node.value) != new.as_ref().map(|node| node.value) {
            let sides = Sides::new(old.as_ref(), new.as_ref());
            self.note("webhook-tolerance-changed", sides, "tolerance of webhook timestamps changed".to_owned());
        }
        self.unknown_keys(&base, &head, "headers events payloads envelopes schema tolerance description");
    }

    fn environment_variables(&mut self) {
        let (base, head) = self.parts("x-piaxis-environment-variables");
        let entries = [&base, &head].into_iter().flat_map(Node::entries);
        for setting in entries.map(|(key, _)| key).collect::<BTreeSet<_>>() {
            let (old, new) = (base.part(setting).part("names"), head.part(setting).part("names"));
            let [gone, more] = gone_and_more(&old, &new);
            if gone.is_empty() && more.is_empty() && old.value != new.value {
                let message = format!("order of the environment variables of `{setting}` changed");
                self.note("environment-variables-reordered", both(&old, &new), message);
            }
            for name in gone {
                let message = format!("environment variable {} of `{setting}` removed", name.value);
                self.note("environment-variable-removed", removed(&name, &new), message);
            }
            for name in more {
                let message = format!("environment variable {} of `{setting}` added", name.value);
                self.note("environment-variable-added", added(&name), message);
            }
        }
    }

    fn common_headers(&mut self) {
        let headers = |root: &Node<'a>| -> BTreeMap<String, Node<'a>> {
            let items = root.items("x-piaxis-common-headers").into_iter();
            items.map(|item| (item.resolved().text("name").to_lowercase(), item)).collect()
        };
        let described = |name: &String, item: &Node<'a>, word: &str| {
            let demands = word == "added" && item.resolved().is("required");
            (if demands { "required-parameter" } else { "common-header" }, format!("common header `{name}`"))
        };
        for (name, one, other) in self.matched(
            headers(&self.base),
            headers(&self.head),
            &self.head.part("x-piaxis-common-headers"),
            described,
        ) {
            let (one, other) = (one.resolved(), other.resolved());
            let what = format!("common header `{name}`");
            self.transport(&one, &other, &what);
            self.presence(&one, &other, "parameter", &what);
            if let (Some(one), Some(other)) = (one.child("schema"), other.child("schema")) {
                self.used(way::TRANSPORT, &one, &other, &name);
            }
        }
    }
}
