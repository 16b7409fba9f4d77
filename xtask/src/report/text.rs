//! For a terminal; who prints it leaves out the colours where they are not wanted.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Layout, Tone, escape::log_line};

fn style(tone: Option<Tone>) -> Style {
    let colour = tone.map(|tone| match tone {
        Tone::Error => AnsiColor::Red,
        Tone::Warning => AnsiColor::Yellow,
        Tone::Good => AnsiColor::Green,
        Tone::Info => AnsiColor::Cyan,
    });
    Style::new().bold().fg_color(colour.map(Into::into))
}

pub(super) fn render(layout: &Layout) -> String {
    let mut text = String::new();
    for group in &layout.groups {
        let style = style(group.tone);
        let _ = writeln!(text, "{style}{}{style:#}", log_line(&group.title));
        for entry in &group.entries {
            let style = self::style(Some(entry.tone));
            let label =
                if entry.label.is_empty() { String::new() } else { format!("{style}{}{style:#}: ", entry.label) };
            let _ = writeln!(text, "  {label}{} [{}]", log_line(&entry.message), entry.id);
            for line in &entry.lines {
                let _ = writeln!(text, "    {}", log_line(line));
            }
        }
        text.push('\n');
    }
    if let Some(list) = layout.list.as_ref().filter(|list| list.is_open && !list.items.is_empty()) {
        let style = style(None);
        let _ = writeln!(text, "{style}{}{style:#}", log_line(&list.title));
        for item in &list.items {
            let _ = writeln!(text, "  - {}", log_line(item));
        }
        text.push('\n');
    }
    for remark in &layout.remarks {
        let _ = writeln!(text, "{}: {}", remark.title, log_line(&remark.text));
    }
    for snippet in &layout.snippets {
        let _ = writeln!(text, "{}:\n", snippet.title);
        snippet.text.lines().for_each(|line| text += &format!("{}\n", log_line(line)));
        text.push('\n');
    }
    if !layout.coverage.is_empty() {
        let _ = writeln!(text, "Coverage: {}", layout.coverage);
    }
    let style = style(Some(if layout.is_good { Tone::Good } else { Tone::Error }));
    let _ = writeln!(text, "{style}{}{style:#}", layout.summary);
    text
}
