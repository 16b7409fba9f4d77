//! Whether the crate's version is large enough for what has changed.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use semver::Version;
use serde::Serialize;

use super::{
    change::{Change, Level, most},
    load::{self, Document},
    rules, rust_api,
};

/// So many methods are named in an entry of the changelog.
const METHODS: usize = 3;

/// What the changes ask of the version, and what it is.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) base: String,
    pub(crate) head: String,
    /// The smallest version that would do.
    pub(crate) wanted: String,
    pub(crate) enough: bool,
    /// The section of the changelog, as a draft; none when no user notices anything.
    pub(crate) changelog: Option<String>,
}

/// Judges the version in the manifest below `root`; `documents` name the Rust methods of operations.
pub(crate) fn judge(base: &str, root: &Path, changes: &[Change], documents: [&Document; 2]) -> Result<Verdict> {
    let manifest = root.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).with_context(|| format!("{} cannot be read", manifest.display()))?;
    let head = version(&text, &manifest.display().to_string())?;
    // A file has no version; then the present one must be raised.
    let old = match load::is_file(base) {
        true => head.clone(),
        false => version(&load::show(base, "Cargo.toml")?, &format!("{base}:Cargo.toml"))?,
    };
    let wanted = next(&old, most(changes));
    let enough = head >= wanted;
    let changelog = draft(&wanted.clone().max(head.clone()), changes, documents);
    Ok(Verdict { base: old.to_string(), head: head.to_string(), wanted: wanted.to_string(), enough, changelog })
}

fn version(manifest: &str, name: &str) -> Result<Version> {
    let manifest: toml::Table = toml::from_str(manifest).with_context(|| format!("{name} is no TOML"))?;
    let version = manifest.get("package").and_then(|package| package.get("version")?.as_str());
    let version = version.with_context(|| format!("{name} has no version of a package"))?;
    version.parse().with_context(|| format!("{name}: `{version}` is no version"))
}

/// The smallest version that may hold such a change. Before 1.0, the minor is what breaks.
fn next(old: &Version, most: Level) -> Version {
    let Version { major, minor, patch, .. } = *old;
    match (most, major, minor) {
        (Level::None, ..) => old.clone(),
        (Level::Breaking, 1.., _) => Version::new(major.saturating_add(1), 0, 0),
        (Level::Additive, 1.., _) | (Level::Breaking, 0, 1..) => Version::new(major, minor.saturating_add(1), 0),
        // What comes before its own version is raised by dropping the addition: 0.2.0-rc.1 to 0.2.0.
        _ if !old.pre.is_empty() => Version::new(major, minor, patch),
        _ => Version::new(major, minor, patch.saturating_add(1)),
    }
}

fn draft(version: &Version, changes: &[Change], documents: [&Document; 2]) -> Option<String> {
    let changes: Vec<&Change> = changes.iter().filter(|change| change.id != "documentation-changed").collect();
    if changes.is_empty() {
        return None;
    }
    let mut text = format!("## {version}\n");
    for (title, level) in [("Breaking", Level::Breaking), ("Added", Level::Additive), ("Changed", Level::Patch)] {
        let these: Vec<&&Change> = changes.iter().filter(|change| change.level == level).collect();
        if these.is_empty() {
            continue;
        }
        text += &format!("\n### {title}\n\n");
        for change in these {
            let subject = subject(change, documents).map(|subject| format!("{subject}: ")).unwrap_or_default();
            let reason = change.accepted.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            let message = change.message.split_whitespace().collect::<Vec<_>>().join(" ");
            // Names of extensions mean nothing to a user of the crate.
            let message =
                if message.contains("`x-") { rules::find(change.id).why.to_owned() } else { quoted(&message) };
            text += &format!("- {subject}{message}{reason}\n");
        }
    }
    Some(text)
}

/// The Rust type that a change is in, or the methods that it reaches.
fn subject(change: &Change, documents: [&Document; 2]) -> Option<String> {
    if let Some(name) = rust_api::type_of(&change.place) {
        return Some(format!("`{name}`"));
    }
    let method = |operation: &String| {
        let name = documents.iter().find_map(|document| rust_api::method(&document.value, operation));
        name.map(|name| format!("`{name}`"))
    };
    let methods: Vec<String> = change.operations.iter().take(METHODS).filter_map(method).collect();
    let more = change.operations.len().saturating_sub(METHODS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!methods.is_empty()).then(|| methods.join(", ") + &more)
}

/// A message with its values as code: numbers, and texts in quotes.
fn quoted(message: &str) -> String {
    let word = |word: &str| {
        let value = word.trim_end_matches([',', ';', '.', ')']);
        let is_value = value.starts_with('"') && value.ends_with('"') && value.len() > 1
            || value.parse::<f64>().is_ok() && value.starts_with(|first: char| first.is_ascii_digit() || first == '-');
        if is_value { format!("`{value}`{}", &word[value.len()..]) } else { word.to_owned() }
    };
    // What is code already stays as it is.
    let part = |(at, part): (usize, &str)| match at % 2 {
        0 => part.split(' ').map(word).collect::<Vec<_>>().join(" "),
        _ => part.to_owned(),
    };
    message.split('`').enumerate().map(part).collect::<Vec<_>>().join("`")
}
