//! `openapi/docs.lock`: what the docs said when somebody last accepted them, and what has changed since.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    version: u32,
    /// When somebody accepted it, in UTC.
    pub(crate) accepted: String,
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
    pub(crate) sections: usize,
    pub(crate) understood: usize,
    pub(crate) examples: usize,
    /// Names of facts, sorted.
    pub(crate) facts: Vec<String>,
}

impl Lock {
    pub(crate) fn new(accepted: SystemTime, pages: Vec<LockedPage>) -> Self {
        let accepted = DateTime::<Utc>::from(accepted).to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut lock = Self { version: VERSION, accepted, pages };
        lock.sort();
        lock
    }

    /// One state of the docs gives one text, whatever the order in which the facts were found.
    fn sort(&mut self) {
        self.pages.sort_by(|one, other| one.name.cmp(&other.name));
        for page in &mut self.pages {
            page.facts.sort();
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.version == VERSION, "its version is {}, and this program knows {VERSION}", self.version);
        DateTime::parse_from_rfc3339(&self.accepted).with_context(|| format!("`{}` is not a time", self.accepted))?;
        let mut names = BTreeSet::new();
        for page in &self.pages {
            anyhow::ensure!(names.insert(&page.name), "it lists the page {} twice", page.name);
        }
        Ok(())
    }
}

/// The hash of a page, in the digits that `sha256sum` prints.
pub(crate) fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut digits, byte| {
        // A string takes whatever is written.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

const REPAIR: &str = "restore it from git, or accept the docs anew with `cargo xtask check --update-lock`";

/// The lock in a file; none when there is no file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Option<Lock>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}; {REPAIR}", path.display())),
    };
    let broken = || format!("{} is broken; {REPAIR}", path.display());
    // The error of serde_json names line and column.
    let mut lock: Lock = serde_json::from_str(&text).with_context(broken)?;
    lock.check().with_context(broken)?;
    lock.sort();
    Ok(Some(lock))
}

pub(crate) fn write(path: &Path, lock: &Lock) -> anyhow::Result<()> {
    let mut lock = lock.clone();
    lock.sort();
    lock.check()?;
    let text = serde_json::to_string_pretty(&lock)?;
    fs::write(path, format!("{text}\n")).with_context(|| format!("cannot write {}", path.display()))
}

/// One thing that is not as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Its facts are not listed besides.
    PageMissing {
        page: String,
    },
    PageNew {
        page: String,
    },
    /// The text differs and nothing else.
    Reworded {
        page: String,
    },
    /// No page states it any more.
    FactGone {
        page: String,
        fact: String,
    },
    /// No page stated it before.
    FactNew {
        page: String,
        fact: String,
    },
    /// Fewer of what the page had: `sections`, `understood` or `examples`.
    CoverageDropped {
        page: String,
        what: &'static str,
        before: usize,
        now: usize,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PageMissing { page } => write!(f, "the page {page} is missing"),
            Self::PageNew { page } => write!(f, "the page {page} is new"),
            Self::Reworded { page } => write!(f, "the page {page} is worded differently, and says the same"),
            Self::FactGone { page, fact } => write!(f, "the page {page} no longer says: {fact}"),
            Self::FactNew { page, fact } => write!(f, "the page {page} now says: {fact}"),
            Self::CoverageDropped { page, what, before, now } => {
                let what = if *what == "understood" { "understood sections" } else { what };
                write!(f, "the page {page} had {before} {what}, and now has {now}")
            }
        }
    }
}

/// What changed from the accepted state to the present one, page by page.
pub(crate) fn compare(locked: &Lock, now: &Lock) -> Vec<Change> {
    let pages_now: BTreeMap<&str, &LockedPage> = now.pages.iter().map(|page| (page.name.as_str(), page)).collect();
    let pages_before: BTreeSet<&str> = locked.pages.iter().map(|page| page.name.as_str()).collect();
    let (arrived, left) = (moves(now, locked), moves(locked, now));
    let mut changes = Vec::new();
    for before in &locked.pages {
        let page = &before.name;
        let Some(after) = pages_now.get(page.as_str()) else {
            changes.push(Change::PageMissing { page: page.clone() });
            continue;
        };
        let others = changes.len();
        let counts = [
            ("sections", before.sections, after.sections),
            ("understood", before.understood, after.understood),
            ("examples", before.examples, after.examples),
        ];
        for (what, before, now) in counts {
            if now < before {
                changes.push(Change::CoverageDropped { page: page.clone(), what, before, now });
            }
        }
        changes.extend(surplus(before, after, &arrived).map(|fact| Change::FactGone { page: page.clone(), fact }));
        changes.extend(surplus(after, before, &left).map(|fact| Change::FactNew { page: page.clone(), fact }));
        if changes.len() == others && before.sha256 != after.sha256 {
            changes.push(Change::Reworded { page: page.clone() });
        }
    }
    for page in now.pages.iter().filter(|page| !pages_before.contains(page.name.as_str())) {
        changes.push(Change::PageNew { page: page.name.clone() });
        let nothing = LockedPage { facts: Vec::new(), ..page.clone() };
        changes.extend(surplus(page, &nothing, &left).map(|fact| Change::FactNew { page: page.name.clone(), fact }));
    }
    changes
}

/// How often each fact is stated; a list and an example that say the same are two statements.
fn counts(page: &LockedPage) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for fact in &page.facts {
        *counts.entry(fact.as_str()).or_default() += 1;
    }
    counts
}

/// Facts that some page states more often in `one` than in `other`: where a fact that left another page went.
fn moves(one: &Lock, other: &Lock) -> BTreeSet<String> {
    let pages = |lock: &Lock| -> BTreeMap<String, LockedPage> {
        lock.pages.iter().map(|page| (page.name.clone(), page.clone())).collect()
    };
    let others = pages(other);
    let more = |page: LockedPage| {
        let before = others.get(&page.name).map(counts).unwrap_or_default();
        let now = counts(&page);
        now.into_iter()
            .filter(|(fact, count)| *count > before.get(fact).copied().unwrap_or(0))
            .map(|(fact, _)| fact.to_owned())
            .collect::<Vec<_>>()
    };
    pages(one).into_values().flat_map(more).collect()
}

/// Facts that `one` states more often than `other`, and that did not move to another page.
fn surplus(one: &LockedPage, other: &LockedPage, moved: &BTreeSet<String>) -> impl Iterator<Item = String> {
    let fewer = counts(other);
    let found: Vec<String> = counts(one)
        .into_iter()
        .filter(|(fact, count)| *count > fewer.get(fact).copied().unwrap_or(0) && !moved.contains(*fact))
        .map(|(fact, _)| fact.to_owned())
        .collect();
    found.into_iter()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn page(name: &str, text: &str, facts: &[&str]) -> LockedPage {
        LockedPage {
            name: name.into(),
            address: format!("{name}.html"),
            sha256: sha256(text),
            sections: 3,
            understood: 2,
            examples: 1,
            facts: facts.iter().map(ToString::to_string).collect(),
        }
    }

    fn lock(pages: Vec<LockedPage>) -> Lock {
        Lock::new(SystemTime::UNIX_EPOCH, pages)
    }

    fn file(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("piaxis-lock-{}-{name}", std::process::id()))
    }

    #[test]
    fn what_is_written_is_read_back_in_a_stable_order() {
        let path = file("round-trip");
        let one = lock(vec![page("b", "", &["z", "a", "a"]), page("a", "", &[])]);
        let other = lock(vec![page("a", "", &[]), page("b", "", &["a", "a", "z"])]);
        write(&path, &one).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("{\n  \"version\": 1,\n  \"accepted\": \"1970-01-01T00:00:00Z\",\n"), "{text}");
        assert!(text.ends_with("]\n}\n"), "{text}");
        assert!(text.contains("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), "{text}");
        assert_eq!(read(&path).unwrap(), Some(other.clone()));
        write(&path, &other).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&path).unwrap(), None);
    }

    #[test]
    fn a_broken_file_is_no_missing_one() {
        let path = file("broken");
        let cases = [
            ("", "line 1 column 0"),
            ("{\"version\": 1,\n  \"accepted\": 5}", "line 2 column 15"),
            ("{\n<<<<<<< HEAD\n", "line 2 column 1"),
            ("{\"version\":2,\"accepted\":\"2026-11-20T23:00:00Z\",\"pages\":[]}", "its version is 2"),
            ("{\"version\":1,\"accepted\":\"yesterday\",\"pages\":[]}", "`yesterday` is not a time"),
            ("{\"version\":1,\"accepted\":\"2026-11-20T23:00:00Z\",\"pages\":[],\"more\":1}", "unknown field `more`"),
        ];
        for (text, expected) in cases {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", read(&path).unwrap_err());
            assert!(error.contains(expected) && error.contains("piaxis-lock"), "{error}");
        }
        fs::remove_file(&path).unwrap();
        let twice = lock(vec![page("a", "", &[]), page("a", "", &[])]);
        assert!(write(&path, &twice).is_err());
    }

    #[test]
    fn nothing_changed() {
        let before = lock(vec![page("a", "text", &["x"])]);
        let mut now = before.clone();
        now.accepted = "2026-11-20T23:00:00Z".into();
        assert_eq!(compare(&before, &now), []);
    }

    #[test]
    fn a_reworded_page_is_just_that() {
        let before = lock(vec![page("a", "text", &["x"])]);
        let mut now = lock(vec![page("a", "other text", &["x"])]);
        let reworded = [Change::Reworded { page: "a".into() }];
        assert_eq!(compare(&before, &now), reworded);
        now.pages[0].sections += 1;
        assert_eq!(compare(&before, &now), reworded);
    }

    #[test]
    fn pages_come_and_go() {
        let before = lock(vec![page("a", "", &["x"]), page("b", "", &["y"])]);
        let now = lock(vec![page("b", "", &["y"]), page("c", "", &["x", "z"])]);
        let expected = [
            Change::PageMissing { page: "a".into() },
            Change::PageNew { page: "c".into() },
            Change::FactNew { page: "c".into(), fact: "z".into() },
        ];
        assert_eq!(compare(&before, &now), expected);
    }

    #[test]
    fn facts_come_and_go_but_may_move() {
        let before = lock(vec![page("a", "1", &["moved", "gone"]), page("b", "1", &[])]);
        let now = lock(vec![page("a", "2", &["new"]), page("b", "2", &["moved"])]);
        let expected = [
            Change::FactGone { page: "a".into(), fact: "gone".into() },
            Change::FactNew { page: "a".into(), fact: "new".into() },
            Change::Reworded { page: "b".into() },
        ];
        assert_eq!(compare(&before, &now), expected);
    }

    #[test]
    fn less_of_anything_is_a_drop() {
        let before = lock(vec![page("a", "1", &[])]);
        let mut now = lock(vec![page("a", "2", &[])]);
        now.pages[0] = LockedPage { sections: 2, understood: 1, examples: 0, ..now.pages[0].clone() };
        let changes = compare(&before, &now);
        let expected = [
            "the page a had 3 sections, and now has 2",
            "the page a had 2 understood sections, and now has 1",
            "the page a had 1 examples, and now has 0",
        ];
        assert_eq!(changes.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }
}
