//! What was found, for people, programs, workflow logs and issues.

pub(crate) mod escape;
pub(crate) mod finding;
mod github;
mod json;
mod markdown;
mod text;

use std::collections::BTreeMap;

use clap::ValueEnum;

pub(crate) use escape::{cell, data, log_line, property};
pub(crate) use finding::*;

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
        Format::Human => text::render(report, colour),
        Format::Json => json::render(report),
        Format::Github => github::render(report),
        Format::Markdown => markdown::render(report),
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
            kind: Kind::FieldMissing,
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
