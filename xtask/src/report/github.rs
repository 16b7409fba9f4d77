//! Workflow commands, which GitHub shows on the lines of files.

use std::fmt::Write as _;

use super::{
    Layout, Tone,
    escape::{data, property},
};

fn command(tone: Tone) -> &'static str {
    match tone {
        Tone::Error => "error",
        Tone::Warning => "warning",
        Tone::Good | Tone::Info => "notice",
    }
}

pub(super) fn render(layout: &Layout) -> String {
    let mut text = String::new();
    for entry in layout.groups.iter().flat_map(|group| &group.entries) {
        let place = entry.place.as_ref();
        let place = place.map(|(file, line)| format!("file={},line={},", property(file), line.max(&1)));
        let (place, title) = (place.unwrap_or_default(), property(&entry.title));
        let message = std::iter::once(&entry.message).chain(&entry.notes).cloned().collect::<Vec<_>>().join("\n");
        let _ = writeln!(text, "::{} {place}title={title}::{}", command(entry.tone), data(&message));
    }
    for remark in &layout.remarks {
        let file = remark.file.as_ref().map(|file| format!("file={},", property(file))).unwrap_or_default();
        let _ = writeln!(text, "::{} {file}title={}::{}", command(remark.tone), remark.title, data(&remark.text));
    }
    if !layout.coverage.is_empty() {
        let _ = writeln!(text, "Coverage: {}", layout.coverage);
    }
    let _ = writeln!(text, "{}", layout.summary);
    text
}
