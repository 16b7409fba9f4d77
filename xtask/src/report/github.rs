//! Workflow commands, which GitHub shows on the lines of the contract.

use std::fmt::Write as _;

use super::{
    Report, Severity, coverage,
    escape::{data, property},
    evidence, groups, summary,
};

pub(super) fn render(report: &Report) -> String {
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
                Some(operation) => format!("{operation}: {}", finding.kind),
                None => finding.kind.to_string(),
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
