//! For a terminal.

use super::{Report, Severity, coverage, escape::log_line, evidence, exit_code, groups, spec_place, summary};

pub(super) fn render(report: &Report, colour: bool) -> String {
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
            lines.push(format!("  {severity}: {} [{}]", log_line(&finding.message), finding.kind));
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
