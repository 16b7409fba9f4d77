//! Intended breaks: a reviewed file names each with a reason and an expiry.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use serde::Deserialize;

use super::change::Change;

/// An intended break.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledgement {
    /// Id of the rule.
    id: String,
    /// JSON pointer: in the head, or in the base for what is gone.
    place: String,
    reason: String,
    /// The last day on which it counts.
    expires: String,
}

/// Marks what is acknowledged, and says what is wrong with the acknowledgements.
pub(crate) fn apply(file: &Path, changes: &mut [Change]) -> Result<Vec<String>> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
    let list: Option<Vec<Acknowledgement>> =
        serde_yaml_ng::from_str(&text).with_context(|| format!("{name} is no list of acknowledgements"))?;
    judge(&name.to_string(), list.unwrap_or_default(), today(), changes)
}

fn today() -> NaiveDate {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let days = i64::try_from(now.as_secs() / 86_400).unwrap_or_default();
    NaiveDate::from_ymd_opt(1970, 1, 1)
        .and_then(|epoch| epoch.checked_add_signed(chrono::TimeDelta::days(days)))
        .unwrap_or_default()
}

fn judge(file: &str, list: Vec<Acknowledgement>, today: NaiveDate, changes: &mut [Change]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for Acknowledgement { id, place, reason, expires } in list {
        let until: NaiveDate =
            expires.parse().with_context(|| format!("{file}: `{expires}` of {id} at {place} is no date"))?;
        if reason.trim().is_empty() {
            problems.push(format!("{file}: {id} at {place} has no reason"));
            continue;
        }
        if until < today {
            problems.push(format!("{file}: {id} at {place} expired on {until}"));
            continue;
        }
        let at = |found: &Option<super::change::Place>| found.as_ref().is_some_and(|found| found.pointer == place);
        let mut used = false;
        for change in changes.iter_mut().filter(|change| change.id == id && (at(&change.head) || at(&change.base))) {
            change.accepted = Some(reason.clone());
            used = true;
        }
        if !used {
            problems.push(format!("{file}: {id} at {place} is no change that there is; remove the acknowledgement"));
        }
    }
    Ok(problems)
}
