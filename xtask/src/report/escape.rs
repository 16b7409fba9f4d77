//! Text of documents in terminals, workflow logs and Markdown: it can neither steer nor forge anything there.

/// One cell; no message needs as much.
const CELL_LIMIT: usize = 2_000;

/// Text of a document on one line, without what could steer a terminal or change the direction of writing.
pub(crate) fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    visible(&text)
}

pub(crate) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        let steers = matches!(
            character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        );
        if steers || (character.is_control() && !matches!(character, '\r' | '\n')) {
            visible.extend(character.escape_unicode());
        } else {
            visible.push(character);
        }
    }
    visible
}

/// One line of a workflow's log that can be no command: those begin with `::`, or hold `##[` (the older form).
pub(crate) fn log_line(text: &str) -> String {
    let text = one_line(text).replace("##[", "## [");
    match text.strip_prefix("::") {
        Some(rest) => format!(": :{rest}"),
        None => text,
    }
}

/// The message of a workflow command, escaped as GitHub's toolkit does.
pub(crate) fn data(text: &str) -> String {
    visible(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
pub(crate) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Text that a table's cell, a heading or an item of a list shows as it stands.
pub(crate) fn cell(text: &str) -> String {
    let text = log_line(text);
    let mut cell = String::with_capacity(text.len());
    for (index, character) in text.chars().enumerate() {
        if index >= CELL_LIMIT {
            cell.push('…');
            break;
        }
        match character {
            '&' => cell.push_str("&amp;"),
            '<' => cell.push_str("&lt;"),
            '>' => cell.push_str("&gt;"),
            // `_` inside of words is no markup, and brackets without a target are none either.
            '\\' | '`' | '*' | '|' | '~' => cell.extend(['\\', character]),
            '(' if cell.ends_with(']') => cell.push_str("\\("),
            // A word of the docs must not call somebody by name.
            '@' => cell.push_str("@\u{200b}"),
            _ => cell.push(character),
        }
    }
    cell
}
