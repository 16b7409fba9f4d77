//! Sources of the contract, and recorded departures from them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Contract, pointer, strings, text_of};

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
        let sources = self.document["x-piaxis-sources"].as_object().into_iter().flatten();
        sources.filter(|(_, source)| source["kind"] == "docs").map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn deviations(&self) -> Vec<Deviation> {
        let mut found = Vec::new();
        self.collect_deviations(&self.document, &mut String::new(), &mut found);
        found
    }

    fn collect_deviations(&self, node: &Value, pointer: &mut String, found: &mut Vec<Deviation>) {
        for (at, deviation) in node["x-piaxis-deviation"].as_array().into_iter().flatten().enumerate() {
            found.push(Deviation {
                pointer: pointer.clone(),
                line: self.line(&format!("{pointer}/x-piaxis-deviation/{at}")),
                from: text_of(deviation, "from").to_owned(),
                says: text_of(deviation, "says").to_owned(),
                reason: text_of(deviation, "reason").to_owned(),
                mentions: strings(&deviation["mentions"]),
            });
        }
        let length = pointer.len();
        for (key, child) in node.as_object().into_iter().flatten() {
            pointer::push(pointer, key);
            self.collect_deviations(child, pointer, found);
            pointer.truncate(length);
        }
        for (at, child) in node.as_array().into_iter().flatten().enumerate() {
            pointer::push(pointer, &at.to_string());
            self.collect_deviations(child, pointer, found);
            pointer.truncate(length);
        }
    }
}
