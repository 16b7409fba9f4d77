//! The sheet of a check.

use std::collections::BTreeMap;

use super::{
    Coverage, DocPlace, DocsCoverage, Entry, Finding, Group, List, Remark, Report, ResponsesCoverage, Severity, Sheet,
    SpecPlace, Tone, counted, exit_code,
    fold::{Folded, covered, fold},
};

/// What a check found. All accepted deviations are listed for `verbose`, else counted.
pub(crate) fn sheet(report: &Report, verbose: bool) -> Sheet {
    let verb = if exit_code(report) == 0 { "agree" } else { "differ" };
    let (others, columns, command): (_, &'static [&'static str], _) = match report.coverage {
        Coverage::Docs(_) => ("docs", &["", "what differs", "docs", "contract", "to do"], "cargo xtask check"),
        Coverage::Responses(_) => {
            ("recorded responses", &["", "what differs", "files", "contract", "to do"], "cargo xtask check --responses")
        }
    };
    let accepted = report.accepted.iter().map(|accepted| {
        let place = accepted.spec.as_ref().map(|place| format!(" ({})", spec_place(place))).unwrap_or_default();
        format!("{}{place}: {}", accepted.message, accepted.reason)
    });
    let note = |text: &String| Remark { tone: Tone::Info, title: "note", file: None, text: text.clone() };
    Sheet {
        verdict: format!("The contract and the {others} {verb}"),
        summary: summary(report),
        is_good: exit_code(report) == 0,
        groups: groups(&report.findings),
        columns,
        list: Some(List {
            title: counted(report.accepted.len(), "accepted deviation", "accepted deviations"),
            items: accepted.collect(),
            is_open: verbose,
        }),
        remarks: report.notes.iter().map(note).collect(),
        snippets: Vec::new(),
        coverage: coverage(&report.coverage),
        command,
    }
}

/// Findings by operation, the heaviest of each first; those without one at the end.
fn groups(findings: &[Finding]) -> Vec<Group> {
    let mut groups: BTreeMap<(bool, &str), Vec<Folded<'_>>> = BTreeMap::new();
    for folded in fold(findings) {
        let operation = folded.finding.operation.as_deref();
        groups.entry((operation.is_none(), operation.unwrap_or("Everything else"))).or_default().push(folded);
    }
    let groups = groups.into_iter().map(|((_, title), mut findings)| {
        findings.sort_by_key(|folded| folded.finding.severity);
        Group { title: title.to_owned(), tone: None, entries: findings.iter().map(entry).collect() }
    });
    groups.collect()
}

fn entry(folded: &Folded<'_>) -> Entry {
    let finding = folded.finding;
    let (label, tone) = match finding.severity {
        Severity::Error => ("error", Tone::Error),
        Severity::Warning => ("warning", Tone::Warning),
        Severity::Info => ("info", Tone::Info),
    };
    let evidence = evidence(finding);
    let spec = finding.spec.as_ref().map(spec_place);
    let shown = evidence.as_ref().map(|(what, evidence)| format!("{what}: {evidence}"));
    let advice = (!finding.advice.is_empty()).then(|| format!("to do: {}", finding.advice));
    let covers = covered(folded);
    let contract = spec.as_ref().map(|spec| format!("contract: {spec}"));
    let title = finding.operation.iter().map(|operation| format!("{operation}: ")).collect::<String>();
    let message = finding.message.clone();
    let in_cell = covers.iter().fold(message.clone(), |text, covers| format!("{text} (and {covers})"));
    Entry {
        tone,
        label,
        id: finding.kind.id(),
        lines: shown.iter().chain(&contract).chain(&covers).chain(&advice).cloned().collect(),
        title: title + finding.kind.id(),
        place: finding.spec.as_ref().map(|place| (place.file.clone(), place.line)),
        notes: shown.iter().chain(&covers).chain(&advice).cloned().collect(),
        cells: vec![
            label.to_owned(),
            in_cell,
            evidence.map(|(_, evidence)| evidence).unwrap_or_default(),
            spec.unwrap_or_default(),
            finding.advice.clone(),
        ],
        message,
    }
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
