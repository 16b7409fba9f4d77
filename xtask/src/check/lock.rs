//! `openapi/docs.lock`: what the docs said when somebody last accepted them.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{extract::Extracted, fact::Fact, fetch::Page};

const VERSION: u32 = 2;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    version: u32,
    /// When somebody accepted it, in UTC.
    accepted: String,
    /// Sorted by name.
    pub(crate) pages: Vec<LockedPage>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockedPage {
    pub(crate) name: String,
    /// Below the root, so that a directory and a URL give the same.
    pub(crate) address: String,
    pub(crate) sha256: String,
    pub(crate) examples: usize,
    /// In the order of the page.
    pub(crate) sections: Vec<LockedSection>,
}

/// A heading, or the operation below it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockedSection {
    pub(crate) heading: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<String>,
    /// Whether it says anything of the operation that could be checked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) understood: bool,
    /// Number of its JSON examples.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) examples: usize,
    /// Of its sentences, whatever their order.
    pub(crate) sha256: String,
    /// The sentences of the section of an operation, to show what was reworded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) text: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) facts: Vec<Fact>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl LockedPage {
    pub(crate) fn of(page: &Page, extracted: &Extracted) -> Self {
        let mut sections = Vec::new();
        for (part, stated) in extracted.parts() {
            let mut facts: Vec<Fact> = stated.iter().map(|stated| stated.fact.clone()).collect();
            let mut text: Vec<String> = part.sentences.iter().map(|sentence| sentence.words.clone()).collect();
            facts.sort();
            text.sort();
            sections.push(LockedSection {
                heading: part.heading.clone(),
                operation: part.operation.clone(),
                understood: part.operation.is_some() && part.is_understood,
                examples: part.examples,
                sha256: sha256(&text.join("\n")),
                text: if part.operation.is_some() { text } else { Vec::new() },
                facts,
            });
        }
        let (name, address) = (page.name.clone(), page.file_name());
        Self { name, address, sha256: sha256(&page.text), examples: extracted.examples.len(), sections }
    }

    pub(crate) fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.sections.iter().flat_map(|section| &section.facts)
    }
}

impl Lock {
    pub(crate) fn new(mut pages: Vec<LockedPage>) -> Self {
        pages.sort_by(|one, other| one.name.cmp(&other.name));
        let accepted = DateTime::<Utc>::from(std::time::SystemTime::now()).to_rfc3339_opts(SecondsFormat::Secs, true);
        Self { version: VERSION, accepted, pages }
    }

    pub(crate) fn page(&self, name: &str) -> Option<&LockedPage> {
        self.pages.iter().find(|page| page.name == name)
    }

    /// JSON with one fact or sentence a line.
    fn text(&self) -> Result<String> {
        let Self { version, accepted, pages } = self;
        let pages = pages.iter().map(|page| {
            let LockedPage { name, address, sha256, examples, sections } = page;
            let sections = sections.iter().map(|section| {
                let head = json(&LockedSection { text: Vec::new(), facts: Vec::new(), ..section.clone() })?;
                let (text, facts) = (lines("text", &section.text)?, lines("facts", &section.facts)?);
                Ok(format!("\n    {}{text}{facts}}}", head.trim_end_matches('}')))
            });
            let sections = sections.collect::<Result<Vec<_>>>()?.join(",");
            let (name, address) = (json(name)?, json(address)?);
            let head = format!("  \"name\": {name},\n  \"address\": {address},\n  \"sha256\": \"{sha256}\",");
            Ok(format!("\n{{\n{head}\n  \"examples\": {examples},\n  \"sections\": [{sections}\n  ]\n}}"))
        });
        let (accepted, pages) = (json(accepted)?, pages.collect::<Result<Vec<_>>>()?.join(","));
        Ok(format!("{{\n\"version\": {version},\n\"accepted\": {accepted},\n\"pages\": [{pages}\n]\n}}\n"))
    }
}

fn lines<T: Serialize>(key: &str, items: &[T]) -> Result<String> {
    let lines = items.iter().map(json).collect::<Result<Vec<_>>>()?.join(",\n       ");
    Ok(if items.is_empty() { String::new() } else { format!(",\n     \"{key}\": [\n       {lines}]") })
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).context("failed to write the lock")
}

/// The hash of a text, in the digits that `sha256sum` prints.
fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

const REPAIR: &str = "restore it from git, or accept the docs anew with `cargo xtask check --update-lock`";

/// The lock in a file; none when there is no file.
///
/// # Errors
/// When the file cannot be read, is no lock, or is one of another version.
pub(crate) fn read(path: &Path) -> Result<Option<Lock>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}; {REPAIR}", path.display())),
    };
    parse(&text).map(Some).with_context(|| format!("{} is broken; {REPAIR}", path.display()))
}

fn parse(text: &str) -> Result<Lock> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    // The version first: another one has other fields. The error of serde_json names line and column.
    let Head { version } = serde_json::from_str(text)?;
    ensure!(version == VERSION, "its version is {version}, and this program knows {VERSION}");
    let lock: Lock = serde_json::from_str(text)?;
    DateTime::parse_from_rfc3339(&lock.accepted).with_context(|| format!("`{}` is not a time", lock.accepted))?;
    let mut names = BTreeSet::new();
    for page in &lock.pages {
        ensure!(names.insert(&page.name), "it lists the page {} twice", page.name);
    }
    Ok(lock)
}

pub(crate) fn write(path: &Path, lock: &Lock) -> Result<()> {
    fs::write(path, lock.text()?).with_context(|| format!("cannot write {}", path.display()))
}
