//! The changes, and the rules, for people, for programs, for GitHub.

use std::{collections::BTreeSet, fmt::Write as _};

use anstyle::Style;
use serde::Serialize;

use super::{
    acknowledge::{self, Review},
    change::{Change, Level},
    rules::{self, RULES},
    version::Verdict,
};
use crate::report::{self, Entry, Format, Group, Layout, List, Remark, Snippet, Tone};

/// All that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) bump: &'static str,
    pub(crate) changes: Vec<Change>,
    /// What is to be said of the acknowledgements.
    #[serde(flatten)]
    pub(crate) review: Review,
    /// What else is to be said of the comparison.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Verdict>,
    /// The head, as annotations call it.
    #[serde(skip)]
    pub(crate) file: String,
}

impl Report {
    /// Whether somebody must do something. A version that is large enough announces what breaks.
    pub(crate) fn fails(&self) -> bool {
        match &self.version {
            Some(version) => !version.enough,
            None => !self.review.problems.is_empty() || self.changes.iter().any(Change::breaks),
        }
    }

    fn of_level(&self, level: Level) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.level == level)
    }

    fn summary(&self) -> String {
        let [breaking, additive, words] =
            [Level::Breaking, Level::Additive, Level::Patch].map(|level| self.of_level(level).count());
        let bump = match self.bump {
            "major" => "major (before 1.0, minor)",
            "minor" => "minor (before 1.0, patch)",
            other => other,
        };
        let accepted = match self.changes.iter().filter(|change| change.accepted.is_some()).count() {
            0 => String::new(),
            count => format!(" ({count} acknowledged)"),
        };
        format!(
            "{breaking} breaking, {additive} additive, {words} of words only; semantic versioning asks for: {bump}{accepted}"
        )
    }

    /// What to write to accept the breaks that are left.
    fn to_accept(&self) -> Vec<String> {
        let these = self.changes.iter().filter(|change| change.breaks() && self.version.is_none());
        let entry = |change: &Change| {
            let place = serde_json::json!(change.place);
            format!("- {{ id: {}, place: {place}, reason: …, expires: YYYY-MM-DD }}", change.id)
        };
        these.map(entry).collect()
    }

    fn is_announced(&self) -> bool {
        self.version.as_ref().is_some_and(|version| version.enough)
    }

    fn verdict(&self) -> &'static str {
        match (self.fails(), self.changes.iter().any(Change::breaks)) {
            _ if self.changes.is_empty() => "The contract means the same as before",
            (true, true) => "The change of the contract breaks somebody",
            (true, false) => "The change of the contract must be reviewed",
            (false, _) if self.of_level(Level::Breaking).next().is_some() => {
                "The change of the contract breaks nobody who was not warned"
            }
            (false, _) => "The change of the contract breaks nobody",
        }
    }

    fn remarks(&self) -> Vec<Remark> {
        let remarks = |tone, title, file: Option<&str>, texts: &[String]| -> Vec<Remark> {
            let file = file.map(str::to_owned);
            texts.iter().map(|text| Remark { tone, title, file: file.clone(), text: text.clone() }).collect()
        };
        let version = self.version.as_ref().map(|version| match version.enough {
            true => (Tone::Info, format!("version {} is enough (was {})", version.head, version.base)),
            false => {
                let Verdict { head, base, wanted, .. } = version;
                (Tone::Error, format!("version {head} is too small: was {base}, must be {wanted} at least"))
            }
        });
        let Review { file, problems, landed } = &self.review;
        let problem = if self.is_announced() { Tone::Warning } else { Tone::Error };
        let mut all = remarks(Tone::Info, "note", None, &self.notes);
        all.extend(remarks(problem, "acknowledgement", Some(file), problems));
        all.extend(remarks(Tone::Warning, "acknowledgement", Some(file), landed));
        all.extend(version.into_iter().flat_map(|(tone, text)| remarks(tone, "version", Some("Cargo.toml"), &[text])));
        all
    }
}

/// Renders the changes. The version and the notes stand beside them in every format.
pub(crate) fn render(report: &Report, format: Format) -> String {
    report::render(&layout(report), report, format)
}

fn layout(report: &Report) -> Layout {
    let groups = [Level::Breaking, Level::Additive, Level::Patch, Level::None].map(|level| Group {
        title: level.word().to_owned(),
        tone: Some(tone(level)),
        entries: report.of_level(level).map(|change| entry(report, change)).collect(),
    });
    let broken: BTreeSet<&str> = report.of_level(Level::Breaking).map(|change| change.id).collect();
    let rules = broken.into_iter().map(rules::find);
    let to_accept = report.to_accept().join("\n");
    let accept_title = format!("To accept what is intended, in {}", acknowledge::FILE);
    let changelog = report.version.as_ref().and_then(|version| version.changelog.clone()).unwrap_or_default();
    let snippets = [(accept_title, "yaml", to_accept), ("Draft for CHANGELOG.md".to_owned(), "markdown", changelog)];
    Layout {
        verdict: report.verdict().to_owned(),
        summary: report.summary(),
        is_good: !report.fails(),
        groups: groups.into_iter().filter(|group| !group.entries.is_empty()).collect(),
        columns: &["what", "wire", "rust", "where", "reaches"],
        list: Some(List {
            title: "What the rules say".to_owned(),
            items: rules.map(|rule| format!("{}: {} To avoid it: {}", rule.id, rule.why, rule.avoid)).collect(),
            is_open: false,
        }),
        remarks: report.remarks(),
        snippets: snippets
            .into_iter()
            .filter(|(_, _, text)| !text.is_empty())
            .map(|(title, language, text)| Snippet { title, language, text })
            .collect(),
        coverage: String::new(),
        command: "cargo xtask diff",
    }
}

fn tone(level: Level) -> Tone {
    match level {
        Level::Breaking => Tone::Error,
        Level::Additive => Tone::Good,
        Level::Patch | Level::None => Tone::Info,
    }
}

fn entry(report: &Report, change: &Change) -> Entry {
    let axes = format!("wire: {}, rust: {}", change.wire.word(), change.rust.word());
    let reached = where_of(change, "");
    let reaches = (!reached.is_empty()).then(|| format!("reaches {reached}"));
    let rule = (change.level == Level::Breaking).then(|| rules::find(change.id));
    let why = rule.map(|rule| format!("why: {}", rule.why));
    let avoid = rule.map(|rule| format!("to avoid it: {}", rule.avoid));
    let accepted = change.accepted.as_ref().map(|reason| format!("acknowledged: {reason}"));
    let place = format!("{}:{} {}", report.file, change.line, change.place);
    let in_cell =
        accepted.iter().fold(format!("{} [{}]", change.message, change.id), |text, words| format!("{text} ({words})"));
    let lines =
        [Some(axes.clone()), Some(format!("at {place}")), reaches.clone(), why, avoid.clone(), accepted.clone()];
    let notes = [Some(axes), reaches, avoid, accepted];
    Entry {
        tone: match change.level {
            // What is acknowledged, or announced by the version, is no error.
            Level::Breaking if change.breaks() && !report.is_announced() => Tone::Error,
            Level::Breaking => Tone::Warning,
            level => tone(level),
        },
        label: "",
        message: change.message.clone(),
        id: change.id,
        lines: lines.into_iter().flatten().collect(),
        title: format!("{}: {}", change.level.word(), change.id),
        place: Some((report.file.clone(), change.line)),
        notes: notes.into_iter().flatten().collect(),
        cells: vec![
            in_cell,
            change.wire.word().to_owned(),
            change.rust.word().to_owned(),
            format!("{}:{} `{}`", report.file, change.line, change.place),
            where_of(change, "`"),
        ],
    }
}

/// The first operations that a change reaches, each between quotes.
fn where_of(change: &Change, quote: &str) -> String {
    let shown = change.operations.iter().take(6).map(|operation| format!("{quote}{operation}{quote}"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match change.operations.len().saturating_sub(6) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The table of rules. There is nothing in it to annotate.
pub(crate) fn table_of_rules(format: Format) -> String {
    let head = ["Rule", "Axis", "Direction", "Level", "Wire", "Rust", "Why", "How to avoid it"];
    match format {
        Format::Json => format!("{:#}\n", serde_json::json!(*RULES)),
        Format::Markdown => {
            let row = |cells: [&str; 8]| format!("| {} |\n", cells.join(" | "));
            let rows: String = RULES.iter().map(|rule| row(rule.cells())).collect();
            format!("{}{}|\n{rows}", row(head), "|---".repeat(head.len()))
        }
        // Words stand below, because no terminal is wide enough to have them beside.
        Format::Human | Format::Github => {
            let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
            let bold = Style::new().bold();
            let row = |[id, axis, direction, level, wire, rust, ..]: [&str; 8]| {
                format!("{bold}{id:width$}{bold:#}  {axis:<4}  {direction:<9}  {level:<8}  {wire:<8}  {rust}\n")
            };
            let mut text = row(head).to_lowercase();
            for rule in RULES.iter() {
                let (row, why, avoid) = (row(rule.cells()), rule.why, rule.avoid);
                let _ = writeln!(text, "\n{row}    why: {why}\n    to avoid it: {avoid}");
            }
            text
        }
    }
}
