//! For a terminal; who prints it leaves out the colours where they are not wanted.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Sheet, Tone, escape::log_line};

fn style(tone: Option<Tone>) -> Style {
    let colour = tone.map(|tone| match tone {
        Tone::Error => AnsiColor::Red,
        Tone::Warning => AnsiColor::Yellow,
        Tone::Good => AnsiColor::Green,
        Tone::Info => AnsiColor::Cyan,
    });
    Style::new().bold().fg_color(colour.map(Into::into))
}

pub(super) fn render(sheet: &Sheet) -> String {
    let mut text = String::new();
    for group in &sheet.groups {
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
    if let Some(list) = sheet.list.as_ref().filter(|list| list.is_open && !list.items.is_empty()) {
        let style = style(None);
        let _ = writeln!(text, "{style}{}{style:#}", log_line(&list.title));
        for item in &list.items {
            let _ = writeln!(text, "  - {}", log_line(item));
        }
        text.push('\n');
    }
    for remark in &sheet.remarks {
        let _ = writeln!(text, "{}: {}", remark.title, log_line(&remark.text));
    }
    for snippet in &sheet.snippets {
        let _ = writeln!(text, "{}:\n", snippet.title);
        snippet.text.lines().for_each(|line| text += &format!("{}\n", log_line(line)));
        text.push('\n');
    }
    if !sheet.coverage.is_empty() {
        let _ = writeln!(text, "Coverage: {}", sheet.coverage);
    }
    let style = style(Some(if sheet.is_good { Tone::Good } else { Tone::Error }));
    let _ = writeln!(text, "{style}{}{style:#}", sheet.summary);
    text
}
