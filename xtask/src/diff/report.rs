//! The changes, and the rules, for people, for programs, for GitHub.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anstyle::Style;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{
    acknowledge::{self, Review},
    change::{Change, Level},
    rules::{self, RULES, Rule},
    version::Verdict,
};
use crate::report::{self, Entry, Format, Group, List, Remark, Sheet, Snippet, Tone};

/// All that was found.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) bump: &'static str,
    pub(crate) changes: Vec<Change>,
    /// What is to be said of the acknowledgements.
    pub(crate) review: Review,
    pub(crate) version: Option<Verdict>,
    /// The head, as annotations call it.
    pub(crate) file: String,
    /// What else is to be said of the comparison.
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// Whether somebody must do something. A version that is large enough announces what breaks.
    pub(crate) fn fails(&self) -> bool {
        match &self.version {
            Some(version) => !version.enough,
            None => !self.review.problems.is_empty() || self.changes.iter().any(Change::breaks),
        }
    }

    fn groups(&self) -> Vec<(Level, Vec<&Change>)> {
        let mut groups: BTreeMap<Level, Vec<&Change>> = BTreeMap::new();
        for change in &self.changes {
            groups.entry(change.level).or_default().push(change);
        }
        groups.into_iter().rev().collect()
    }

    fn summary(&self) -> String {
        let count = |level| self.changes.iter().filter(|change| change.level == level).count();
        let accepted = self.changes.iter().filter(|change| change.accepted.is_some()).count();
        let mut text = format!(
            "{} breaking, {} additive, {} of words only; semantic versioning asks for: {}",
            count(Level::Breaking),
            count(Level::Additive),
            count(Level::Patch),
            match self.bump {
                "major" => "major (before 1.0, minor)",
                "minor" => "minor (before 1.0, patch)",
                other => other,
            },
        );
        if accepted > 0 {
            let _ = write!(text, " ({accepted} acknowledged)");
        }
        text
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
        let breaks = self.changes.iter().any(Change::breaks);
        match (self.fails(), breaks) {
            _ if self.changes.is_empty() => "The contract means the same as before",
            (true, true) => "The change of the contract breaks somebody",
            (true, false) => "The change of the contract must be reviewed",
            (false, _) if self.changes.iter().any(|change| change.level == Level::Breaking) => {
                "The change of the contract breaks nobody who was not told"
            }
            (false, _) => "The change of the contract breaks nobody",
        }
    }

    fn remarks(&self) -> Vec<Remark> {
        let problem = if self.is_announced() { Tone::Warning } else { Tone::Error };
        let file = Some(self.review.file.clone());
        let remark = |tone, title, file: &Option<String>, text: &String| {
            let (file, text) = (file.clone(), text.clone());
            Remark { tone, title, file, text }
        };
        let mut remarks: Vec<Remark> = self.notes.iter().map(|text| remark(Tone::Info, "note", &None, text)).collect();
        let review = [(problem, &self.review.problems), (Tone::Warning, &self.review.landed)];
        for (tone, list) in review {
            remarks.extend(list.iter().map(|text| remark(tone, "acknowledgement", &file, text)));
        }
        if let Some(version) = &self.version {
            let text = match version.enough {
                true => format!("version {} is enough (was {})", version.head, version.base),
                false => format!(
                    "version {} is too small: was {}, must be {} at least",
                    version.head, version.base, version.wanted
                ),
            };
            let tone = if version.enough { Tone::Info } else { Tone::Error };
            remarks.push(remark(tone, "version", &Some("Cargo.toml".to_owned()), &text));
        }
        remarks
    }
}

/// Renders the changes. The version and the notes stand beside them in every format.
pub(crate) fn render(report: &Report, format: Format) -> String {
    report::render(&sheet(report), report, format)
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("bump", self.bump)?;
        map.serialize_entry("changes", &self.changes)?;
        for (key, words) in
            [("problems", &self.review.problems), ("landed", &self.review.landed), ("notes", &self.notes)]
        {
            if !words.is_empty() {
                map.serialize_entry(key, words)?;
            }
        }
        if let Some(version) = &self.version {
            map.serialize_entry("version", version)?;
        }
        map.end()
    }
}

fn sheet(report: &Report) -> Sheet {
    let groups = report.groups().into_iter().map(|(level, changes)| Group {
        title: level.word().to_owned(),
        tone: Some(tone(level)),
        entries: changes.into_iter().map(|change| entry(report, change)).collect(),
    });
    let broken: BTreeSet<&str> =
        report.changes.iter().filter(|change| change.level == Level::Breaking).map(|change| change.id).collect();
    let rules = broken.into_iter().map(rules::find);
    let mut snippets = Vec::new();
    let to_accept = report.to_accept();
    if !to_accept.is_empty() {
        let title = format!("To accept what is intended, in {}", acknowledge::FILE);
        snippets.push(Snippet { title, language: "yaml", text: to_accept.join("\n") });
    }
    if let Some(changelog) = report.version.as_ref().and_then(|version| version.changelog.clone()) {
        snippets.push(Snippet { title: "Draft for CHANGELOG.md".to_owned(), language: "markdown", text: changelog });
    }
    Sheet {
        verdict: report.verdict().to_owned(),
        summary: report.summary(),
        is_good: !report.fails(),
        groups: groups.collect(),
        columns: &["what", "wire", "rust", "where", "reaches"],
        list: Some(List {
            title: "What the rules say".to_owned(),
            items: rules.map(|rule| format!("{}: {} To avoid it: {}", rule.id, rule.why, rule.avoid)).collect(),
            is_open: false,
        }),
        remarks: report.remarks(),
        snippets,
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
    let reached = where_of(change, 6, "");
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
            where_of(change, 6, "`"),
        ],
    }
}

/// The operations that a change reaches, each between quotes.
fn where_of(change: &Change, limit: usize, quote: &str) -> String {
    let shown = change.operations.iter().take(limit).map(|operation| format!("{quote}{operation}{quote}"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match change.operations.len().saturating_sub(limit) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The table of rules. There is nothing in it to annotate.
pub(crate) fn table_of_rules(format: Format) -> String {
    match format {
        Format::Human | Format::Github => columns(),
        Format::Json => {
            let rule = |rule: &Rule| {
                serde_json::json!({
                    "id": rule.id,
                    "axis": rule.axis(),
                    "direction": rule.direction.word(),
                    "level": rule.level(),
                    "wire": rule.wire,
                    "rust": rule.rust,
                    "why": rule.why,
                    "avoid": rule.avoid,
                })
            };
            format!("{:#}\n", RULES.iter().map(rule).collect::<serde_json::Value>())
        }
        Format::Markdown => {
            let mut text = String::from(
                "| Rule | Axis | Direction | Level | Wire | Rust | Why | How to avoid it |\n|---|---|---|---|---|---|---|---|\n",
            );
            for rule in RULES {
                let cells = [short(rule).as_slice(), &[rule.why, rule.avoid]].concat();
                let _ = writeln!(text, "| {} |", cells.join(" | "));
            }
            text
        }
    }
}

fn short(rule: &Rule) -> [&'static str; 6] {
    let (axis, direction, level) = (rule.axis(), rule.direction.word(), rule.level().word());
    [rule.id, axis, direction, level, rule.wire.word(), rule.rust.word()]
}

/// Words stand below, because no terminal is wide enough to have them beside.
fn columns() -> String {
    let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
    let bold = Style::new().bold();
    let row = |[id, axis, direction, level, wire, rust]: [&str; 6]| {
        format!("{bold}{id:width$}{bold:#}  {axis:<4}  {direction:<9}  {level:<8}  {wire:<8}  {rust}\n")
    };
    let mut text = row(["rule", "axis", "direction", "level", "wire", "rust"]);
    for rule in RULES {
        let _ = writeln!(text, "\n{}    why: {}\n    to avoid it: {}", row(short(rule)), rule.why, rule.avoid);
    }
    text
}
