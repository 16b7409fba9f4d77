//! Responses and their headers.

use super::*;

/// The key for all other statuses.
const DEFAULT: &str = "DEFAULT";

/// The responses of an operation by status.
struct Responses<'a>(BTreeMap<String, Node<'a>>);

impl<'a> Responses<'a> {
    fn of(operation: &Node<'a>) -> Self {
        let responses = operation.part("responses").entries().into_iter();
        let statuses = responses.filter(|(status, _)| !status.starts_with("x-"));
        Self(statuses.map(|(status, response)| (status.to_uppercase(), response)).collect())
    }

    /// Any 2xx is a success, and `default` is one where there is no 2xx.
    fn is_success(&self, status: &str) -> bool {
        status.starts_with('2') || status == DEFAULT && !self.0.keys().any(|status| status.starts_with('2'))
    }

    /// The keys that cover a status: itself, `4XX` for 404 and the other way round, or `default`.
    fn cover(&self, status: &str, success: bool) -> Vec<String> {
        let first = status.get(..1).unwrap_or_default();
        let range = format!("{first}XX");
        if let Some(close) = [status, range.as_str()].into_iter().find(|key| self.0.contains_key(*key)) {
            return vec![close.to_owned()];
        }
        // Next to a 2xx, `default` is for failures.
        let covers = |other: &&String| match other.as_str() {
            DEFAULT => status != DEFAULT && (!success || self.is_success(DEFAULT)),
            other => status == range && other.starts_with(first),
        };
        self.0.keys().filter(covers).cloned().collect()
    }
}

impl<'a> Comparison<'a> {
    pub(super) fn responses(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str) {
        let (old, new) = (Responses::of(base), Responses::of(head));
        let list = head.child_or_self("responses");
        let mut pairs = BTreeSet::new();
        for (these, others, word) in [(&old, &new, "removed"), (&new, &old, "added")] {
            for (status, response) in &these.0 {
                let success = these.is_success(status);
                let cover = others.cover(status, success);
                if cover.iter().all(|other| other == DEFAULT && status != DEFAULT) {
                    let kind = if success { "success" } else { "failure" };
                    let sides = if word == "removed" { removed(response, &list) } else { added(response) };
                    self.note(&format!("{kind}-response-{word}"), sides, format!("response {status} of {name} {word}"));
                }
                let pair = |other| if word == "removed" { (status.clone(), other) } else { (other, status.clone()) };
                pairs.extend(cover.into_iter().map(pair));
            }
        }
        for (status, now) in pairs {
            let (Some(one), Some(other)) = (old.0.get(&status), new.0.get(&now)) else { continue };
            if status != now && status != DEFAULT && now != DEFAULT {
                let message = format!("response {status} of {name} changed to {now}");
                self.note("response-status-changed", both(one, other), message);
            }
            let (one, other) = (one.resolved(), other.resolved());
            let is_success = old.is_success(&status) && new.is_success(&now);
            self.response(&one, &other, if is_success { way::SUCCESS } else { way::UNTYPED }, name);
            self.headers(&one, &other, name);
        }
    }

    fn response(&mut self, old: &Node<'a>, new: &Node<'a>, way: u8, name: &str) {
        if old.value.get("links") != new.value.get("links") {
            self.note("links-changed", at(old, new, "links"), format!("links of the responses of {name} changed"));
        }
        self.unknown_keys(old, new, "description headers content links $ref");
        let is_empty = |node: &Node<'a>| node.part("content").entries().is_empty();
        let word = match (is_empty(old), is_empty(new)) {
            (false, true) => "removed",
            (true, false) => "added",
            _ => return self.contents(old, new, way, name),
        };
        let rust = if way == way::SUCCESS { Level::Breaking } else { Level::None };
        let message = format!("response body of {name} {word}");
        self.note_at_most(&format!("response-body-{word}"), (Level::Breaking, rust), at(old, new, "content"), message);
    }

    fn headers(&mut self, old: &Node<'a>, new: &Node<'a>, name: &str) {
        let headers = |node: &Node<'a>| -> BTreeMap<String, Node<'a>> {
            let entries = node.part("headers").entries().into_iter();
            entries.map(|(name, header)| (name.to_lowercase(), header)).collect()
        };
        let described = |header: &String, node: &Node<'a>, word: &str| {
            let id = match word {
                "added" => "response-header",
                _ if node.resolved().is("required") => "required-response-header",
                _ => "optional-response-header",
            };
            (id, format!("response header `{header}` of {name}"))
        };
        for (header, one, other) in self.matched(headers(old), headers(new), new, described) {
            let (was, is) = (one.resolved(), other.resolved());
            self.presence(&was, &is, "response-header", &format!("response header `{header}` of {name}"));
            self.unknown_keys(&was, &is, parameter::KNOWN);
            let way = if is_text(&was) && is_text(&is) { way::HEADER } else { way::UNTYPED };
            self.described([&was, &is], schema_of, way, &header);
        }
    }
}
