//! Sources of the contract, and recorded departures from them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Contract, array, entries, object, pointer, strings, text_of};

/// A recorded departure from a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deviation {
    /// What it stands at.
    pub(crate) pointer: String,
    pub(crate) line: usize,
    pub(crate) from: String,
    pub(crate) says: String,
    pub(crate) reason: String,
    /// Words that the section of the document has as long as the deviation stands.
    pub(crate) mentions: Vec<String>,
}

impl Contract {
    /// The sources of a node: its own, or those of the nearest thing around it that has some.
    pub(crate) fn sources(&self, pointer: &str) -> Vec<String> {
        let own = pointer::around(pointer).map(|pointer| strings(&self.at(pointer)["x-piaxis-source"]));
        own.into_iter().find(|own| !own.is_empty()).unwrap_or_default()
    }

    /// Names of the pages that are live.
    pub(crate) fn live_pages(&self) -> BTreeSet<String> {
        let sources = object(&self.document["x-piaxis-sources"]);
        sources.filter(|(_, source)| source["kind"] == "docs").map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn deviations(&self) -> Vec<Deviation> {
        let mut found = Vec::new();
        self.extensions("x-piaxis-deviation", |pointer, deviations| {
            found.extend(array(deviations).enumerate().map(|(at, deviation)| Deviation {
                pointer: pointer.to_owned(),
                line: self.line(&format!("{pointer}/x-piaxis-deviation/{at}")),
                from: text_of(deviation, "from").to_owned(),
                says: text_of(deviation, "says").to_owned(),
                reason: text_of(deviation, "reason").to_owned(),
                mentions: strings(&deviation["mentions"]),
            }));
        });
        found
    }

    /// Each cited source, and the first place that cites it.
    pub(crate) fn cited(&self) -> BTreeMap<String, String> {
        let mut cited = BTreeMap::new();
        self.extensions("x-piaxis-source", |pointer, sources| {
            for source in strings(sources) {
                cited.entry(source).or_insert_with(|| pointer.to_owned());
            }
        });
        cited
    }

    /// Visits each node that has the extension, in the order of the document.
    fn extensions<'a>(&'a self, key: &str, mut visit: impl FnMut(&str, &'a Value)) {
        let mut rest = vec![(String::new(), &self.document)];
        while let Some((pointer, node)) = rest.pop() {
            if let Some(extension) = node.get(key) {
                visit(&pointer, extension);
            }
            let start = rest.len();
            rest.extend(entries(node).map(|(key, child)| (format!("{pointer}/{key}"), child)));
            rest[start..].reverse();
        }
    }
}
