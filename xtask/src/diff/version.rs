//! Whether the crate's version is large enough for what has changed.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{
    change::{Change, Level},
    load,
};

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

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    version: String,
}

pub(crate) fn judge(base: &str, root: &Path, changes: &[Change]) -> Result<Verdict> {
    let manifest = root.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).with_context(|| format!("{} cannot be read", manifest.display()))?;
    let head = version(&text, &manifest.display().to_string())?;
    // A file has no version; then the present one must be raised.
    let old = match load::is_file(base) {
        true => head.clone(),
        false => version(&load::show(base, "Cargo.toml")?, &format!("{base}:Cargo.toml"))?,
    };
    let most = changes.iter().map(|change| change.level).max().unwrap_or(Level::None);
    let wanted = next(&old, most);
    let enough = head >= wanted;
    let changelog = draft(&wanted.clone().max(head.clone()), changes);
    Ok(Verdict { base: old.to_string(), head: head.to_string(), wanted: wanted.to_string(), enough, changelog })
}

fn version(manifest: &str, name: &str) -> Result<Version> {
    let manifest: Manifest = toml::from_str(manifest).with_context(|| format!("{name} has no version of a package"))?;
    manifest.package.version.parse().with_context(|| format!("{name}: `{}` is no version", manifest.package.version))
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

fn draft(version: &Version, changes: &[Change]) -> Option<String> {
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
            let reason = change.accepted.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            let message = change.message.split_whitespace().collect::<Vec<_>>().join(" ");
            text += &format!("- {message}{reason}\n");
        }
    }
    Some(text)
}
