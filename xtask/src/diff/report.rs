//! The changes, and the rules, for people, for programs, for GitHub.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

use super::{
    acknowledge::{self, Review},
    change::{Change, Level},
    rules::{self, RULES, Rule},
    version::Verdict,
};
use crate::report::{cell, data, log_line, property};

/// How the changes are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal.
    Human,
    /// For a program.
    Json,
    /// Annotations on the lines of a pull request.
    Github,
    /// For the summary of a job.
    Markdown,
}

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

    fn version_words(&self) -> Option<String> {
        self.version.as_ref().map(|version| match version.enough {
            true => format!("version {} is enough (was {})", version.head, version.base),
            false => format!(
                "version {} is too small: was {}, must be {} at least",
                version.head, version.base, version.wanted
            ),
        })
    }
}

pub(crate) fn render(report: &Report, format: Format) -> String {
    match format {
        Format::Human => human(report),
        Format::Json => json(report),
        Format::Github => github(report),
        Format::Markdown => markdown(report),
    }
}

fn where_of(change: &Change, limit: usize) -> String {
    match change.operations.len() {
        0 => String::new(),
        count if count > limit => {
            format!("{} and {} more", change.operations[..limit].join(", "), count - limit)
        }
        _ => change.operations.join(", "),
    }
}

fn human(report: &Report) -> String {
    let mut text = String::new();
    for (level, changes) in report.groups() {
        let colour = match level {
            Level::Breaking => AnsiColor::Red,
            Level::Additive => AnsiColor::Green,
            Level::Patch | Level::None => AnsiColor::Cyan,
        };
        let style = Style::new().bold().fg_color(Some(colour.into()));
        let _ = writeln!(text, "{style}{}{style:#}", level.word());
        for change in changes {
            let _ = writeln!(text, "  {} [{}]", log_line(&change.message), change.id);
            let _ = writeln!(text, "    wire: {}, rust: {}", change.wire.word(), change.rust.word());
            let _ = writeln!(text, "    at {}:{} {}", log_line(&report.file), change.line, log_line(&change.place));
            let reached = where_of(change, 6);
            if !reached.is_empty() {
                let _ = writeln!(text, "    reaches {}", log_line(&reached));
            }
            if level == Level::Breaking {
                let rule = rules::find(change.id);
                let _ = writeln!(text, "    why: {}", rule.why);
                let _ = writeln!(text, "    to avoid it: {}", rule.avoid);
            }
            if let Some(reason) = &change.accepted {
                let _ = writeln!(text, "    acknowledged: {}", log_line(reason));
            }
        }
        text.push('\n');
    }
    for words in report.review.problems.iter().chain(&report.review.landed) {
        let _ = writeln!(text, "acknowledgement: {}", log_line(words));
    }
    if let Some(words) = report.version_words() {
        let _ = writeln!(text, "{words}");
    }
    let to_accept = report.to_accept();
    if !to_accept.is_empty() {
        let _ = writeln!(text, "To accept what is intended, in {}:\n", acknowledge::FILE);
        to_accept.iter().for_each(|line| text += &format!("{}\n", log_line(line)));
        text.push('\n');
    }
    let code = if report.fails() { AnsiColor::Red } else { AnsiColor::Green };
    let style = Style::new().bold().fg_color(Some(code.into()));
    let _ = writeln!(text, "{style}{}{style:#}", report.summary());
    if let Some(changelog) = report.version.as_ref().and_then(|version| version.changelog.as_ref()) {
        let _ = writeln!(text, "\nDraft for CHANGELOG.md:\n");
        changelog.lines().for_each(|line| text += &format!("{}\n", log_line(line)));
    }
    text
}

fn json(report: &Report) -> String {
    let mut object = serde_json::json!({ "bump": report.bump, "changes": report.changes });
    if let Some(map) = object.as_object_mut() {
        for (key, words) in [("problems", &report.review.problems), ("landed", &report.review.landed)] {
            if !words.is_empty() {
                map.insert(key.to_owned(), serde_json::json!(words));
            }
        }
        if let Some(version) = &report.version {
            map.insert("version".to_owned(), serde_json::json!(version));
        }
    }
    let escape = |character: char| match character {
        // JSON lets these stand, and a terminal may obey them.
        '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(character)),
        _ => character.to_string(),
    };
    format!("{object:#}").chars().map(escape).collect::<String>() + "\n"
}

fn github(report: &Report) -> String {
    let mut text = String::new();
    let is_announced = report.version.as_ref().is_some_and(|version| version.enough);
    let problem = if is_announced { "warning" } else { "error" };
    for change in &report.changes {
        let command = match change.level {
            Level::Breaking if change.breaks() => problem,
            Level::Breaking => "warning",
            Level::Additive | Level::Patch | Level::None => "notice",
        };
        let title = format!("{}: {}", change.level.word(), change.id);
        let mut message = vec![change.message.clone()];
        message.push(format!("wire: {}, rust: {}", change.wire.word(), change.rust.word()));
        let reached = where_of(change, 6);
        message.extend((!reached.is_empty()).then(|| format!("reaches {reached}")));
        if change.level == Level::Breaking {
            message.push(format!("to avoid it: {}", rules::find(change.id).avoid));
        }
        message.extend(change.accepted.as_ref().map(|reason| format!("acknowledged: {reason}")));
        let place = format!("file={},line={},title={}", property(&report.file), change.line.max(1), property(&title));
        let _ = writeln!(text, "::{command} {place}::{}", data(&message.join("\n")));
    }
    for (command, list) in [(problem, &report.review.problems), ("warning", &report.review.landed)] {
        for words in list {
            let file = property(&report.review.file);
            let _ = writeln!(text, "::{command} file={file},title=acknowledgement::{}", data(words));
        }
    }
    if let Some(words) = report.version_words() {
        let command = if report.fails() { "error" } else { "notice" };
        let _ = writeln!(text, "::{command} file=Cargo.toml,title=version::{}", data(&words));
    }
    let _ = writeln!(text, "{}", report.summary());
    text
}

/// A job's summary may have a megabyte; nobody reads as much.
const MARKDOWN_LIMIT: usize = 200_000;

fn markdown(report: &Report) -> String {
    let breaks = report.changes.iter().any(Change::breaks);
    let verdict = match (report.fails(), breaks) {
        _ if report.changes.is_empty() => "The contract means the same as before",
        (true, true) => "The change of the contract breaks somebody",
        (true, false) => "The change of the contract wants another look",
        (false, _) if report.changes.iter().any(|change| change.level == Level::Breaking) => {
            "The change of the contract breaks nobody who was not told"
        }
        (false, _) => "The change of the contract breaks nobody",
    };
    let mut text = format!("**{verdict}**: {}\n", report.summary());
    if let Some(words) = report.version_words() {
        let _ = writeln!(text, "\n{}", cell(&words));
    }
    for words in report.review.problems.iter().chain(&report.review.landed) {
        let _ = writeln!(text, "\n- {}", cell(words));
    }
    let mut left_out = 0;
    for (level, changes) in report.groups() {
        let _ =
            write!(text, "\n### {}\n\n| what | wire | rust | where | reaches |\n|---|---|---|---|---|\n", level.word());
        for change in changes {
            let mut message = format!("{} [{}]", change.message, change.id);
            if let Some(reason) = &change.accepted {
                let _ = write!(message, " (acknowledged: {reason})");
            }
            let place = format!("{}:{} {}", report.file, change.line, change.place);
            let cells = [&message, change.wire.word(), change.rust.word(), &place, &where_of(change, 6)].map(cell);
            let row = format!("| {} |\n", cells.join(" | "));
            if text.len() + row.len() > MARKDOWN_LIMIT {
                left_out += 1;
            } else {
                text.push_str(&row);
            }
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "\n… and {left_out} more: run `cargo xtask diff`.");
    }
    let broken: BTreeSet<&str> =
        report.changes.iter().filter(|change| change.level == Level::Breaking).map(|change| change.id).collect();
    for rule in broken.into_iter().map(rules::find) {
        let _ = writeln!(text, "\n- {}: {} To avoid it: {}", rule.id, cell(rule.why), cell(rule.avoid));
    }
    let to_accept = report.to_accept();
    if !to_accept.is_empty() && text.len() < MARKDOWN_LIMIT {
        let title = format!("To accept what is intended, in {}", acknowledge::FILE);
        let _ = write!(text, "{}", folded(&title, "yaml", &to_accept.join("\n")));
    }
    if let Some(changelog) = report.version.as_ref().and_then(|version| version.changelog.as_ref()) {
        let _ = write!(text, "{}", folded("Draft for CHANGELOG.md", "markdown", changelog));
    }
    text
}

/// A text that is shown on demand, as it is.
fn folded(title: &str, language: &str, text: &str) -> String {
    let lines = text.lines().map(log_line).collect::<Vec<_>>().join("\n");
    let fence = if lines.contains("```") { "~~~~" } else { "```" };
    format!("\n<details><summary>{title}</summary>\n\n{fence}{language}\n{lines}\n{fence}\n\n</details>\n")
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
