//! For an issue or a job summary.

use std::fmt::Write as _;

use super::{
    Layout,
    escape::{cell, line, log_line},
};

/// GitHub takes 65,536 characters in the body of an issue.
const LIMIT: usize = 62_000;
/// What the rows leave to the rest, of that.
const REST: usize = 15_000;

pub(super) fn render(layout: &Layout) -> String {
    let mut text = format!("**{}**: {}\n", layout.verdict, layout.summary);
    if !layout.coverage.is_empty() {
        let _ = writeln!(text, "\nCoverage: {}", layout.coverage);
    }
    let columns = format!("| {} |\n|{}\n", layout.columns.join(" | "), "---|".repeat(layout.columns.len()));
    // An empty title leaves no second space.
    let columns = columns.replacen("|  |", "| |", 1);
    let mut left_out = 0;
    for group in &layout.groups {
        for (at, entry) in group.entries.iter().enumerate() {
            let head = if at == 0 { format!("\n### {}\n\n{columns}", line(&group.title)) } else { String::new() };
            let cells: Vec<String> = entry.cells.iter().map(|text| cell(text)).collect();
            let row = format!("{head}| {} |\n", cells.join(" | "));
            if left_out > 0 || text.len() + row.len() > LIMIT - REST {
                left_out += 1;
            } else {
                text.push_str(&row);
            }
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "\n… and {left_out} more: run `{}`.", layout.command);
    }
    if !layout.remarks.is_empty() {
        let items = layout.remarks.iter().map(|remark| format!("- {}: {}\n", remark.title, line(&remark.text)));
        let items = within(items, LIMIT.saturating_sub(text.len() + REST / 2));
        let _ = write!(text, "\n{items}");
    }
    for snippet in &layout.snippets {
        let lines = snippet.text.lines().map(log_line);
        let fence = "`".repeat(lines.clone().map(|line| longest_run(&line) + 1).max().unwrap_or(0).max(3));
        let title = line(&snippet.title);
        let (start, end) =
            (format!("\n<details><summary>{title}</summary>\n\n{fence}{}\n", snippet.language), "\n</details>\n");
        let room = LIMIT.saturating_sub(text.len() + start.len() + fence.len() + end.len() + 100);
        let lines = within(lines.map(|line| line + "\n"), room);
        let _ = write!(text, "{start}{lines}{fence}\n{end}");
    }
    if let Some(list) = layout.list.as_ref().filter(|list| !list.items.is_empty()) {
        let items = list.items.iter().map(|item| format!("- {}\n", line(item)));
        let items = within(items, LIMIT.saturating_sub(text.len() + 200));
        let _ = write!(text, "\n<details><summary>{}</summary>\n\n{items}\n</details>\n", line(&list.title));
    }
    text
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

/// Items up to a length, and the number of those left out.
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
