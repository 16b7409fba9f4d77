//! The layout of a check.

use std::collections::BTreeMap;

use super::{
    Coverage, DocsCoverage, Entry, Finding, Group, Layout, List, Remark, Report, ResponsesCoverage, Severity,
    SpecPlace, Tone, counted, exit_code,
    fold::{Folded, covered, fold},
};

/// What a check found. All accepted deviations are listed for `verbose`, else counted.
pub(crate) fn layout(report: &Report, verbose: bool) -> Layout {
    let is_good = exit_code(report) == 0;
    let verb = if is_good { "agree" } else { "differ" };
    let deviations = counted(report.accepted.len(), "accepted deviation", "accepted deviations");
    let (others, columns, command, agreed): (_, &'static [&'static str], _, _) = match report.coverage {
        Coverage::Docs(_) => (
            "docs",
            &["", "what differs", "docs", "contract", "to do"],
            "cargo xtask check",
            format!("{}; {deviations}", counted(report.agreed, "fact agrees", "facts agree")),
        ),
        Coverage::Responses(_) => (
            "recorded responses",
            &["", "what differs", "files", "contract", "to do"],
            "cargo xtask check --responses",
            counted(report.agreed, "response agrees", "responses agree"),
        ),
    };
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let errors = counted(count(Severity::Error), "error", "errors");
    let warnings = counted(count(Severity::Warning), "warning", "warnings");
    let accepted = report.accepted.iter().map(|accepted| {
        let place = accepted.spec.as_ref().map(|place| format!(" ({})", spec_place(place))).unwrap_or_default();
        format!("{}{place}: {}", accepted.message, accepted.reason)
    });
    let note = |text: &String| Remark { tone: Tone::Info, title: "note", file: None, text: text.clone() };
    Layout {
        verdict: format!("The contract and the {others} {verb}"),
        summary: format!("{errors}, {warnings}, {} for information; {agreed}", count(Severity::Info)),
        is_good,
        groups: groups(&report.findings),
        columns,
        list: Some(List { title: deviations, items: accepted.collect(), is_open: verbose }),
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
    let Finding { kind, severity, operation, message, advice, spec, .. } = folded.finding;
    let (label, tone) = match severity {
        Severity::Error => ("error", Tone::Error),
        Severity::Warning => ("warning", Tone::Warning),
        Severity::Info => ("info", Tone::Info),
    };
    let evidence = evidence(folded.finding);
    let contract = spec.as_ref().map(spec_place);
    let covers = covered(folded);
    let shown = evidence.as_ref().map(|(what, evidence)| format!("{what}: {evidence}"));
    let place = contract.as_ref().map(|place| format!("contract: {place}"));
    let rest = covers.iter().cloned().chain((!advice.is_empty()).then(|| format!("to do: {advice}")));
    let cells = [
        label.to_owned(),
        covers.iter().fold(message.clone(), |text, covers| format!("{text} (and {covers})")),
        evidence.map(|(_, evidence)| evidence).unwrap_or_default(),
        contract.unwrap_or_default(),
        advice.clone(),
    ];
    Entry {
        tone,
        label,
        message: message.clone(),
        id: kind.id(),
        lines: shown.clone().into_iter().chain(place).chain(rest.clone()).collect(),
        title: operation.iter().map(|operation| format!("{operation}: ")).collect::<String>() + kind.id(),
        place: spec.as_ref().map(|place| (place.file.clone(), place.line)),
        notes: shown.into_iter().chain(rest).collect(),
        cells: cells.into(),
    }
}

fn coverage(coverage: &Coverage) -> String {
    match coverage {
        Coverage::Docs(DocsCoverage { pages, sections, understood, examples, validated, facts }) => format!(
            "{}, {understood} of {} understood, {validated} of {} validated, {} compared",
            counted(*pages, "page", "pages"),
            counted(*sections, "section", "sections"),
            counted(*examples, "JSON example", "JSON examples"),
            counted(*facts, "fact", "facts"),
        ),
        Coverage::Responses(ResponsesCoverage { responses, recorded_operations, operations }) => format!(
            "{}, {recorded_operations} of {}",
            counted(*responses, "response", "responses"),
            counted(*operations, "operation", "operations")
        ),
    }
}

/// What shows the finding, after the word for it.
fn evidence(finding: &Finding) -> Option<(&'static str, String)> {
    match (finding.files.as_slice(), &finding.doc) {
        ([], None) => None,
        ([], Some(place)) if place.heading.is_empty() => Some(("docs", format!("{}, line {}", place.page, place.line))),
        ([], Some(place)) => Some(("docs", format!("{}, \"{}\", line {}", place.page, place.heading, place.line))),
        ([file], _) => Some(("file", file.clone())),
        ([first, ..], _) => Some(("files", format!("{}, the first is {first}", finding.files.len()))),
    }
}

fn spec_place(place: &SpecPlace) -> String {
    format!("{}:{}", place.file, place.line)
}
