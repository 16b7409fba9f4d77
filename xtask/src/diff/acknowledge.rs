//! Intended breaks: a reviewed file names each with a reason and an expiry.
//!
//! An acknowledgement belongs to the change that adds it. Once the base has it too, it has landed: it covers no further
//! break, and can be removed.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use chrono::{NaiveDate, Utc};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{
    change::{Change, Level},
    load,
};
use crate::contract::load::document;

/// The file of acknowledgements, relative to the root of the repository.
pub(crate) const FILE: &str = "openapi/accepted-breaks.yaml";

/// An intended break.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledgement {
    /// Id of the rule.
    id: String,
    /// The place of the change: a pointer with names in place of indices.
    place: String,
    reason: String,
    /// The last day on which it is valid.
    #[serde(deserialize_with = "date")]
    expires: NaiveDate,
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format!("`expires` must be a date such as 2027-01-31, not `{text}`")))
}

/// The result of checking the acknowledgements.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Review {
    /// Name of the file in messages and annotations.
    #[serde(skip)]
    pub(crate) file: String,
    /// Acknowledgements that fail the comparison.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<String>,
    /// Acknowledgements that have landed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) landed: Vec<String>,
}

/// Marks the acknowledged changes.
pub(crate) fn apply(path: &Path, file: &str, base: &str, changes: &mut [Change]) -> Result<Review> {
    let text = fs::read_to_string(path).with_context(|| format!("{file} cannot be read"))?;
    // A file as base has no acknowledgements of its own.
    let before = if load::is_file(base) { None } else { load::show_if_there(base, FILE)? };
    let landed = before.map(|text| parse(&text, &format!("{base}:{FILE}"))).transpose()?.unwrap_or_default();
    let today = Utc::now().date_naive();
    let mut review = Review { file: file.to_owned(), ..Review::default() };
    for acknowledgement in parse(&text, file)? {
        let is_landed = landed.contains(&acknowledgement);
        let Acknowledgement { id, place, reason, expires } = acknowledgement;
        let fits = |change: &&mut Change| change.level == Level::Breaking && change.id == id && change.place == place;
        let mut these = changes.iter_mut().filter(fits).peekable();
        let (list, words) = match these.peek() {
            Some(_) if is_landed => {
                (&mut review.problems, "belongs to an earlier change; write a new reason for this one")
            }
            None if is_landed => (&mut review.landed, "has landed; the acknowledgement can be removed"),
            None => (&mut review.problems, "names no break of this comparison; correct or remove the acknowledgement"),
            Some(_) if !is_reason(&reason) => (
                &mut review.problems,
                "has no reason, a placeholder, or a single word; write a sentence that says why the break is intended",
            ),
            Some(_) if expires < today => (&mut review.problems, "has expired"),
            Some(_) => {
                these.for_each(|change| change.accepted = Some(reason.clone()));
                continue;
            }
        };
        list.push(format!("{file}: {id} at {place} {words}"));
    }
    Ok(review)
}

fn parse(text: &str, name: &str) -> Result<Vec<Acknowledgement>> {
    let list: Option<Vec<Acknowledgement>> = serde_json::from_value(document(name, text)?.value)
        .with_context(|| format!("{name}: each acknowledgement is `{{ id, place, reason, expires: YYYY-MM-DD }}`"))?;
    Ok(list.unwrap_or_default())
}

/// Whether a reason is more than a placeholder: at least two words, and no note to write it later.
fn is_reason(reason: &str) -> bool {
    let words = reason.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(str::to_lowercase).collect();
    let is_note = |word: &String| ["todo", "fixme", "tbd", "xxx"].contains(&word.as_str());
    !words.iter().any(is_note) && words.iter().filter(|word| *word != "reason").count() >= 2
}
