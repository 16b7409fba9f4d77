//! What the check found, for people, programs, workflow logs and issues.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;

/// How much a finding weighs; the heaviest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Error,
    Warning,
    /// Needs no work.
    Info,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// A place in the docs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DocPlace {
    pub(crate) page: String,
    pub(crate) heading: String,
    pub(crate) anchor: String,
    pub(crate) line: usize,
}

/// A place in the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SpecPlace {
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// Its kind, such as `field-missing`.
    pub(crate) id: String,
    pub(crate) severity: Severity,
    pub(crate) operation: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    /// What to do.
    pub(crate) advice: String,
    pub(crate) doc: Option<DocPlace>,
    pub(crate) spec: Option<SpecPlace>,
    /// Recorded responses that show it, sorted; of the docs, none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<String>,
}

/// A disagreement that the contract records as a deviation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Accepted {
    pub(crate) message: String,
    pub(crate) reason: String,
    pub(crate) doc: Option<DocPlace>,
    pub(crate) spec: Option<SpecPlace>,
}

/// How much was seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Coverage {
    Docs(DocsCoverage),
    Responses(ResponsesCoverage),
}

impl Default for Coverage {
    fn default() -> Self {
        Self::Docs(DocsCoverage::default())
    }
}

/// How many responses were compared, and of how many of the contract's operations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ResponsesCoverage {
    pub(crate) responses: usize,
    pub(crate) recorded_operations: usize,
    pub(crate) operations: usize,
}

/// How much of the docs was seen and understood.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct DocsCoverage {
    pub(crate) pages: usize,
    pub(crate) sections: usize,
    pub(crate) understood: usize,
    pub(crate) examples: usize,
    pub(crate) validated: usize,
    pub(crate) facts: usize,
}

/// Its JSON is the format that `--format json` prints: the names and the order are stable.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) agreed: usize,
    pub(crate) findings: Vec<Finding>,
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) coverage: Coverage,
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    #[default]
    Human,
    /// For programs
    Json,
    /// Workflow commands, which GitHub shows on the lines of the contract
    Github,
    /// For an issue or a job summary
    Markdown,
}

/// The report as text that ends with a newline; `colour` is for people only.
pub(crate) fn render(report: &Report, format: Format, colour: bool) -> String {
    match format {
        Format::Human => human(report, colour),
        Format::Json => json(report),
        Format::Github => github(report),
        Format::Markdown => markdown(report),
    }
}

/// 0 when nobody has to do anything, else 1.
pub(crate) fn exit_code(report: &Report) -> u8 {
    u8::from(report.findings.iter().any(|finding| finding.severity != Severity::Info))
}

/// Findings by operation, the heaviest of each first; those without one at the end.
fn groups(report: &Report) -> Vec<(&str, Vec<&Finding>)> {
    let mut groups: BTreeMap<(bool, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        let operation = finding.operation.as_deref();
        groups.entry((operation.is_none(), operation.unwrap_or("Everything else"))).or_default().push(finding);
    }
    let groups = groups.into_iter().map(|((_, title), mut findings)| {
        findings.sort_by_key(|finding| finding.severity);
        (title, findings)
    });
    groups.collect()
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What there is of each severity, and how much agrees.
fn summary(report: &Report) -> String {
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    format!(
        "{}, {}, {} for information; {}",
        counted(count(Severity::Error), "error", "errors"),
        counted(count(Severity::Warning), "warning", "warnings"),
        count(Severity::Info),
        match report.coverage {
            Coverage::Docs(_) => format!(
                "{}; {}",
                counted(report.agreed, "fact agrees", "facts agree"),
                counted(report.accepted.len(), "accepted deviation", "accepted deviations")
            ),
            Coverage::Responses(_) => counted(report.agreed, "response agrees", "responses agree"),
        }
    )
}

fn coverage(coverage: &Coverage) -> String {
    let coverage = match coverage {
        Coverage::Docs(coverage) => coverage,
        Coverage::Responses(ResponsesCoverage { responses, recorded_operations, operations }) => {
            let responses = counted(*responses, "response", "responses");
            return format!(
                "{responses}, {recorded_operations} of {}",
                counted(*operations, "operation", "operations")
            );
        }
    };
    let DocsCoverage { pages, sections, understood, examples, validated, facts } = coverage;
    format!(
        "{}, {understood} of {} understood, {validated} of {} validated, {} compared",
        counted(*pages, "page", "pages"),
        counted(*sections, "section", "sections"),
        counted(*examples, "JSON example", "JSON examples"),
        counted(*facts, "fact", "facts"),
    )
}

fn doc_place(place: &DocPlace) -> String {
    match place.heading.as_str() {
        "" => format!("{}, line {}", place.page, place.line),
        heading => format!("{}, \"{heading}\", line {}", place.page, place.line),
    }
}

/// What shows the finding, after the word for it.
fn evidence(finding: &Finding) -> Option<(&'static str, String)> {
    match (finding.files.as_slice(), &finding.doc) {
        ([], doc) => doc.as_ref().map(|place| ("docs", doc_place(place))),
        ([file], _) => Some(("file", file.clone())),
        ([first, ..], _) => Some(("files", format!("{}, the first is {first}", finding.files.len()))),
    }
}

fn spec_place(place: &SpecPlace) -> String {
    format!("{}:{}", place.file, place.line)
}

/// Text of a document on one line, without what could steer a terminal or change the direction of writing.
fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    visible(&text)
}

fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        let steers = matches!(
            character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        );
        if steers || (character.is_control() && !matches!(character, '\r' | '\n')) {
            visible.extend(character.escape_unicode());
        } else {
            visible.push(character);
        }
    }
    visible
}

/// One line of a workflow's log that can be no command: those begin with `::`, or hold `##[` (the older form).
pub(crate) fn log_line(text: &str) -> String {
    let text = one_line(text).replace("##[", "## [");
    match text.strip_prefix("::") {
        Some(rest) => format!(": :{rest}"),
        None => text,
    }
}

fn human(report: &Report, colour: bool) -> String {
    let paint = |code: &str, text: &str| match colour {
        true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    };
    let mut lines = Vec::new();
    for (title, findings) in groups(report) {
        lines.push(paint("1", &log_line(title)));
        for finding in findings {
            let code = match finding.severity {
                Severity::Error => "1;31",
                Severity::Warning => "1;33",
                Severity::Info => "1;36",
            };
            let severity = paint(code, finding.severity.name());
            lines.push(format!("  {severity}: {} [{}]", log_line(&finding.message), log_line(&finding.id)));
            if let Some((what, evidence)) = evidence(finding) {
                lines.push(format!("    {what}: {}", log_line(&evidence)));
            }
            if let Some(place) = &finding.spec {
                lines.push(format!("    contract: {}", log_line(&spec_place(place))));
            }
            if !finding.advice.is_empty() {
                lines.push(format!("    to do: {}", log_line(&finding.advice)));
            }
        }
        lines.push(String::new());
    }
    if !report.accepted.is_empty() {
        lines.push(paint("1", "Accepted deviations"));
        for accepted in &report.accepted {
            let place = accepted.spec.as_ref().map(|place| format!(" ({})", spec_place(place))).unwrap_or_default();
            let text = format!("{}{place}: {}", accepted.message, accepted.reason);
            lines.push(format!("  - {}", log_line(&text)));
        }
        lines.push(String::new());
    }
    lines.extend(report.notes.iter().map(|note| format!("note: {}", log_line(note))));
    lines.push(format!("Coverage: {}", coverage(&report.coverage)));
    let code = if exit_code(report) == 0 { "1;32" } else { "1;31" };
    lines.push(paint(code, &summary(report)));
    lines.join("\n") + "\n"
}

fn json(report: &Report) -> String {
    match serde_json::to_string_pretty(report) {
        // JSON lets some control characters (C1) stand, and a terminal may obey them. They occur in strings only.
        Ok(text) => {
            let escape = |character: char| match character {
                '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(character)),
                _ => character.to_string(),
            };
            text.chars().map(escape).collect::<String>() + "\n"
        }
        // Text and numbers always serialise; whoever reads the output gets JSON in any case.
        Err(error) => format!("{}\n", serde_json::json!({ "error": error.to_string() })),
    }
}

fn github(report: &Report) -> String {
    let mut text = String::new();
    for (_, findings) in groups(report) {
        for finding in findings {
            let level = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "notice",
            };
            let mut properties = Vec::new();
            if let Some(place) = &finding.spec {
                properties.push(format!("file={}", property(&place.file)));
                properties.push(format!("line={}", place.line.max(1)));
            }
            let title = match &finding.operation {
                Some(operation) => format!("{operation}: {}", finding.id),
                None => finding.id.clone(),
            };
            properties.push(format!("title={}", property(&title)));
            let mut message = vec![finding.message.clone()];
            message.extend(evidence(finding).map(|(what, evidence)| format!("{what}: {evidence}")));
            message.extend((!finding.advice.is_empty()).then(|| format!("to do: {}", finding.advice)));
            let _ = writeln!(text, "::{level} {}::{}", properties.join(","), data(&message.join("\n")));
        }
    }
    for note in &report.notes {
        let _ = writeln!(text, "::notice title=note::{}", data(note));
    }
    let _ = writeln!(text, "Coverage: {}\n{}", coverage(&report.coverage), summary(report));
    text
}

/// The message of a workflow command, escaped as GitHub's toolkit does.
pub(crate) fn data(text: &str) -> String {
    visible(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
pub(crate) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// GitHub takes 65536 characters in the body of an issue.
const MARKDOWN_LIMIT: usize = 60_000;
/// What the findings leave to the rest, of that.
const MARKDOWN_REST: usize = 15_000;
/// One cell; no message needs as much.
const CELL_LIMIT: usize = 2_000;

fn markdown(report: &Report) -> String {
    let verb = if exit_code(report) == 0 { "agree" } else { "differ" };
    let (others, column) = match report.coverage {
        Coverage::Docs(_) => ("docs", "docs"),
        Coverage::Responses(_) => ("recorded responses", "files"),
    };
    let mut text = format!(
        "**The contract and the {others} {verb}**: {}\n\nCoverage: {}\n",
        summary(report),
        coverage(&report.coverage)
    );
    let mut left_out = 0;
    for (title, findings) in groups(report) {
        let columns = format!("| | what differs | {column} | contract | to do |\n|---|---|---|---|---|\n");
        let head = format!("\n### {}\n\n{columns}", cell(title));
        let mut has_head = false;
        for finding in findings {
            let evidence = evidence(finding).map(|(_, evidence)| evidence).unwrap_or_default();
            let spec = finding.spec.as_ref().map(spec_place).unwrap_or_default();
            let cells = [finding.severity.name(), &finding.message, &evidence, &spec, &finding.advice].map(cell);
            let row = format!("| {} |\n", cells.join(" | "));
            let size = text.len() + row.len() + if has_head { 0 } else { head.len() };
            if left_out > 0 || size > MARKDOWN_LIMIT - MARKDOWN_REST {
                left_out += 1;
                continue;
            }
            if !has_head {
                text.push_str(&head);
                has_head = true;
            }
            text.push_str(&row);
        }
    }
    if left_out > 0 {
        let command = match report.coverage {
            Coverage::Docs(_) => "cargo xtask check",
            Coverage::Responses(_) => "cargo xtask check --responses",
        };
        let _ = writeln!(text, "\n… and {left_out} more: run `{command}`.");
    }
    if !report.accepted.is_empty() {
        let title = counted(report.accepted.len(), "accepted deviation", "accepted deviations");
        let items = report.accepted.iter().map(|accepted| {
            let place =
                accepted.spec.as_ref().map(|place| format!(" ({})", cell(&spec_place(place)))).unwrap_or_default();
            format!("- {}{place}: {}\n", cell(&accepted.message), cell(&accepted.reason))
        });
        let items = within(items, MARKDOWN_LIMIT.saturating_sub(text.len() + CELL_LIMIT));
        let _ = write!(text, "\n<details><summary>{title}</summary>\n\n{items}\n</details>\n");
    }
    if !report.notes.is_empty() {
        let items = report.notes.iter().map(|note| format!("- {}\n", cell(note)));
        let items = within(items, MARKDOWN_LIMIT.saturating_sub(text.len()));
        let _ = write!(text, "\nNotes:\n\n{items}");
    }
    text
}

/// Items up to a length, and a word on those left out.
fn within(items: impl Iterator<Item = String>, limit: usize) -> String {
    let mut text = String::new();
    let mut left_out = 0;
    for item in items {
        if left_out == 0 && text.len() + item.len() <= limit {
            text.push_str(&item);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "- … and {left_out} more");
    }
    text
}

/// Text that a table's cell, a heading or an item of a list shows as it stands.
pub(crate) fn cell(text: &str) -> String {
    let text = log_line(text);
    let mut cell = String::with_capacity(text.len());
    for (index, character) in text.chars().enumerate() {
        if index >= CELL_LIMIT {
            cell.push('…');
            break;
        }
        match character {
            '&' => cell.push_str("&amp;"),
            '<' => cell.push_str("&lt;"),
            '>' => cell.push_str("&gt;"),
            // `_` inside of words is no markup, and brackets without a target are none either.
            '\\' | '`' | '*' | '|' | '~' => cell.extend(['\\', character]),
            '(' if cell.ends_with(']') => cell.push_str("\\("),
            // A word of the docs must not call somebody by name.
            '@' => cell.push_str("@\u{200b}"),
            _ => cell.push(character),
        }
    }
    cell
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn doc() -> DocPlace {
        DocPlace { page: "guide".into(), heading: "Create".into(), anchor: "create".into(), line: 7 }
    }

    fn spec() -> SpecPlace {
        SpecPlace { file: "openapi/piaxis.yaml".into(), line: 12 }
    }

    fn finding(severity: Severity, operation: Option<&str>, message: &str) -> Finding {
        Finding {
            id: "field-missing".into(),
            severity,
            operation: operation.map(Into::into),
            field: Some("items[].fee".into()),
            message: message.into(),
            advice: "add it".into(),
            doc: Some(doc()),
            spec: Some(spec()),
            files: Vec::new(),
        }
    }

    fn report(findings: Vec<Finding>) -> Report {
        let coverage = DocsCoverage { pages: 5, sections: 80, understood: 79, examples: 1, validated: 1, facts: 400 };
        Report { agreed: 399, findings, coverage: Coverage::Docs(coverage), ..Report::default() }
    }

    fn sample() -> Report {
        let mut report = report(vec![
            Finding { doc: None, spec: None, field: None, ..finding(Severity::Info, None, "reworded") },
            finding(Severity::Warning, Some("POST /b"), "learn it"),
            finding(Severity::Error, Some("POST /b"), "no field"),
            finding(Severity::Error, Some("GET /a"), "no route"),
        ]);
        report.accepted.push(Accepted {
            message: "a slash".into(),
            reason: "it works".into(),
            doc: None,
            spec: Some(spec()),
        });
        report.notes.push("two guides".into());
        report
    }

    #[test]
    fn for_people() {
        let expected = "\
GET /a
  error: no route [field-missing]
    docs: guide, \"Create\", line 7
    contract: openapi/piaxis.yaml:12
    to do: add it

POST /b
  error: no field [field-missing]
    docs: guide, \"Create\", line 7
    contract: openapi/piaxis.yaml:12
    to do: add it
  warning: learn it [field-missing]
    docs: guide, \"Create\", line 7
    contract: openapi/piaxis.yaml:12
    to do: add it

Everything else
  info: reworded [field-missing]
    to do: add it

Accepted deviations
  - a slash (openapi/piaxis.yaml:12): it works

note: two guides
Coverage: 5 pages, 79 of 80 sections understood, 1 of 1 JSON example validated, 400 facts compared
2 errors, 1 warning, 1 for information; 399 facts agree; 1 accepted deviation
";
        assert_eq!(render(&sample(), Format::Human, false), expected);
        let coloured = render(&sample(), Format::Human, true);
        assert!(coloured.contains("\u{1b}[1;31merror\u{1b}[0m: no route"), "{coloured}");
    }

    #[test]
    fn for_programs() {
        let json: serde_json::Value = serde_json::from_str(&render(&sample(), Format::Json, true)).unwrap();
        let doc = serde_json::json!({"page": "guide", "heading": "Create", "anchor": "create", "line": 7});
        let spec = serde_json::json!({"file": "openapi/piaxis.yaml", "line": 12});
        assert_eq!(json["agreed"], 399);
        assert_eq!(
            json["findings"][1],
            serde_json::json!({"id": "field-missing", "severity": "warning", "operation": "POST /b",
                "field": "items[].fee", "message": "learn it", "advice": "add it", "doc": doc, "spec": spec})
        );
        let info = &json["findings"][0];
        assert_eq!(info["severity"], "info");
        for name in ["operation", "field", "doc", "spec"] {
            assert!(info.as_object().unwrap().contains_key(name) && info[name].is_null(), "{name}");
        }
        let accepted = serde_json::json!([{"message": "a slash", "reason": "it works", "doc": null, "spec": spec}]);
        assert_eq!(json["accepted"], accepted);
        let coverage = serde_json::json!({"pages": 5, "sections": 80, "understood": 79, "examples": 1, "validated": 1,
            "facts": 400});
        assert_eq!(json["coverage"], coverage);
        assert_eq!(json["notes"], serde_json::json!(["two guides"]));
        assert_eq!(json.as_object().unwrap().len(), 5);
    }

    #[test]
    fn for_workflow_logs() {
        let text = render(&sample(), Format::Github, true);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "::error file=openapi/piaxis.yaml,line=12,title=GET /a%3A field-missing::no route%0Adocs: guide, \"Create\", \
             line 7%0Ato do: add it"
        );
        assert!(lines[2].starts_with("::warning file="), "{text}");
        assert_eq!(lines[3], "::notice title=field-missing::reworded%0Ato do: add it");
        assert_eq!(lines[4], "::notice title=note::two guides");
        assert!(lines[5].starts_with("Coverage: ") && lines.len() == 7, "{text}");
    }

    #[test]
    fn for_an_issue() {
        let text = render(&sample(), Format::Markdown, true);
        assert!(text.starts_with("**The contract and the docs differ**: 2 errors, 1 warning"), "{text}");
        assert!(text.contains("### GET /a\n\n| | what differs |"), "{text}");
        let row = "| error | no route | guide, \"Create\", line 7 | openapi/piaxis.yaml:12 | add it |\n";
        assert!(text.contains(row), "{text}");
        assert!(text.contains("<details><summary>1 accepted deviation</summary>\n\n- a slash (openapi"), "{text}");
        assert!(text.ends_with("Notes:\n\n- two guides\n"), "{text}");
    }

    /// Whatever the docs say, on every line of the report.
    fn hostile() -> Report {
        let evil = "x\r\n::error::f\n##[error]f\u{1b}[2J\u{85}\u{2028}::stop-commands::t\0 \
                    100% a|b <img> @all `c`";
        let lead = "::add-mask::a ##[add-mask]b";
        let mut report = report(vec![
            Finding {
                id: evil.into(),
                advice: evil.into(),
                doc: Some(DocPlace { page: evil.into(), heading: evil.into(), anchor: evil.into(), line: 0 }),
                spec: Some(SpecPlace { file: format!("a:b,c{evil}"), line: 0 }),
                ..finding(Severity::Error, Some(evil), evil)
            },
            finding(Severity::Error, Some(lead), lead),
        ]);
        report.accepted.push(Accepted { message: evil.into(), reason: lead.into(), doc: None, spec: None });
        report.notes = vec![evil.into(), lead.into()];
        report
    }

    #[test]
    fn no_text_forges_a_workflow_command() {
        let github = render(&hostile(), Format::Github, false);
        assert_eq!(github.lines().count(), 6, "{github}");
        for line in github.lines().take(4) {
            assert!(line.starts_with("::error file=") || line.starts_with("::notice title=note::"), "{line}");
        }
        assert!(github.contains("file=a%3Ab%2Ccx%0D%0A%3A%3Aerror%3A%3Af"), "{github}");
        assert!(github.contains("100%25"), "{github}");
        for format in [Format::Human, Format::Markdown] {
            let text = render(&hostile(), format, false);
            for line in text.lines() {
                assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line}");
            }
        }
        for format in [Format::Human, Format::Json, Format::Github, Format::Markdown] {
            let text = render(&hostile(), format, false);
            assert!(!text.contains(|it: char| it.is_control() && it != '\n'), "{text:?}");
        }
        let json: serde_json::Value = serde_json::from_str(&render(&hostile(), Format::Json, false)).unwrap();
        assert_eq!(json["notes"][0], hostile().notes[0].as_str());
    }

    #[test]
    fn no_text_breaks_a_table() {
        let text = render(&hostile(), Format::Markdown, false);
        for line in text.lines().filter(|line| line.starts_with("| error")) {
            assert_eq!(line.replace("\\|", "").matches('|').count(), 6, "{line}");
            assert!(!line.contains('<') && !line.contains("@all"), "{line}");
        }
        assert!(text.contains("a\\|b &lt;img&gt; @\u{200b}all \\`c\\`"), "{text}");
        assert_eq!(
            cell("recipients[].amount [x](http://y) payment_method"),
            "recipients[].amount [x]\\(http://y) payment_method"
        );
    }

    #[test]
    fn an_issue_holds_only_so_much() {
        let many = (0..3000).map(|_| finding(Severity::Error, Some("GET /a"), &"<".repeat(3000)));
        let mut report = report(many.collect());
        report.notes = vec!["n".repeat(1000); 100];
        report.accepted =
            vec![Accepted { message: "m".repeat(1000), reason: String::new(), doc: None, spec: None }; 100];
        let text = render(&report, Format::Markdown, false);
        assert!(text.len() < 65_000, "{}", text.len());
        assert!(text.contains("more: run `cargo xtask check`"), "{text}");
        assert!(text.contains("</details>"), "{text}");
    }

    #[test]
    fn exit_codes() {
        assert_eq!(exit_code(&report(vec![])), 0);
        assert_eq!(exit_code(&report(vec![finding(Severity::Info, None, "")])), 0);
        assert_eq!(exit_code(&report(vec![finding(Severity::Warning, None, "")])), 1);
        assert_eq!(exit_code(&sample()), 1);
    }
}
