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

/// Text of a table's cell; parts in backticks stay code.
pub(crate) fn cell(text: &str) -> String {
    // Inside of a table, a bar is escaped in code, too.
    line(text).replace('|', "\\|")
}

/// Text of a heading or an item of a list; parts in backticks stay code.
pub(crate) fn line(text: &str) -> String {
    let mut rest: String = log_line(text).chars().take(CELL_LIMIT + 1).collect();
    if rest.chars().count() > CELL_LIMIT {
        rest.pop();
        rest.push('…');
    }
    let (mut rest, mut shown) = (rest.as_str(), String::new());
    while let Some(at) = rest.find('`') {
        plain(&rest[..at], &mut shown);
        rest = &rest[at..];
        let fence = &rest[..rest.len() - rest.trim_start_matches('`').len()];
        match end_of_code(rest, fence) {
            Some(end) => {
                shown.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            // Nothing closes it.
            None => {
                shown.push_str(&fence.replace('`', "\\`"));
                rest = &rest[fence.len()..];
            }
        }
    }
    plain(rest, &mut shown);
    shown
}

/// Where the code that a run of backticks begins is over: behind the next run of the same length.
fn end_of_code(text: &str, fence: &str) -> Option<usize> {
    let ends = text.match_indices(fence).skip(1).map(|(at, _)| (at, at + fence.len()));
    let is_whole = |(start, end): &(usize, usize)| !text[..*start].ends_with('`') && !text[*end..].starts_with('`');
    ends.into_iter().find(is_whole).map(|(_, end)| end)
}

/// Text that Markdown shows as it stands.
fn plain(text: &str, shown: &mut String) {
    for character in text.chars() {
        match character {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // `_` inside of words is no markup, and brackets without a target are none either.
            '\\' | '*' | '~' => shown.extend(['\\', character]),
            '(' if shown.ends_with(']') => shown.push_str("\\("),
            // A word of the docs must not call somebody by name.
            '@' => shown.push_str("@\u{200b}"),
            _ => shown.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_code() {
        for (text, in_a_list, in_a_table) in [
            ("the field `a*b_c` <b>", "the field `a*b_c` &lt;b&gt;", "the field `a*b_c` &lt;b&gt;"),
            ("`a|b` or c|d", "`a|b` or c|d", "`a\\|b` or c\\|d"),
            ("`<img>` and `C:\\x`", "`<img>` and `C:\\x`", "`<img>` and `C:\\x`"),
            ("``a`b`` *", "``a`b`` \\*", "``a`b`` \\*"),
            ("one ` alone <b>", "one \\` alone &lt;b&gt;", "one \\` alone &lt;b&gt;"),
            ("``` and `x`", "\\`\\`\\` and `x`", "\\`\\`\\` and `x`"),
            ("`@a` @b", "`@a` @\u{200b}b", "`@a` @\u{200b}b"),
            ("[x](http://y) payment_method", "[x]\\(http://y) payment_method", "[x]\\(http://y) payment_method"),
        ] {
            assert_eq!(line(text), in_a_list);
            assert_eq!(cell(text), in_a_table);
        }
    }
}
