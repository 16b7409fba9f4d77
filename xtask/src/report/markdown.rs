//! For an issue or a job summary.

use std::fmt::Write as _;

use super::{Coverage, Report, counted, coverage, escape::cell, evidence, exit_code, groups, spec_place, summary};

/// GitHub takes 65536 characters in the body of an issue.
const MARKDOWN_LIMIT: usize = 60_000;
/// What the findings leave to the rest, of that.
const MARKDOWN_REST: usize = 15_000;
const CELL_LIMIT: usize = 2_000;

pub(super) fn render(report: &Report) -> String {
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
