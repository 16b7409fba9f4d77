//! Reads a page of Markdown, as HTML that stands on the same lines.

use pulldown_cmark::{Event, Options, Parser, TagEnd};

use super::{
    document::Section,
    html::{self, Tree},
};

/// The sections of a page; the first holds what stands before the first heading.
pub(crate) fn parse(text: &str) -> Vec<Section> {
    // White space at the end of a line means nothing here, and a line of nothing else is blank.
    let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let mut page = Page { html: "<main>".to_owned(), ..Page::default() };
    for (event, range) in Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter() {
        page.event(event, ends.partition_point(|end| *end < range.start));
    }
    html::sections(&Tree::parse(&page.html))
}

#[derive(Default)]
struct Page {
    html: String,
    /// Lines that are complete.
    lines: usize,
    /// Whether words continue, so that white space would part them.
    in_words: bool,
    /// The block of HTML that is being read.
    raw: Option<String>,
}

impl Page {
    fn event(&mut self, event: Event<'_>, line: usize) {
        match (event, &mut self.raw) {
            (Event::End(TagEnd::HtmlBlock), raw) => {
                let words = without_tags(&raw.take().unwrap_or_default());
                self.pad(line);
                self.push(&format!("<p>{}</p>", escaped(words.trim())), false);
            }
            (Event::Html(text) | Event::Text(text), Some(raw)) => raw.push_str(&text),
            (Event::Start(tag), _) => match tag.to_end() {
                TagEnd::HtmlBlock => self.raw = Some(String::new()),
                end => self.tag(end, line, ""),
            },
            (Event::End(end), _) => self.tag(end, line, "/"),
            (Event::Text(text), None) => self.inline(line, &escaped(&text)),
            (Event::Code(code), _) => self.inline(line, &format!("<code>{}</code>", escaped(&code))),
            (Event::SoftBreak | Event::HardBreak, _) => self.inline(line, "\n"),
            // Of the tags only a line break stands for anything in the words.
            (Event::InlineHtml(html), _) if html.starts_with("<br") => self.inline(line, "<br>"),
            (Event::Rule, _) => self.push("<hr>", false),
            _ => {}
        }
    }

    fn tag(&mut self, tag: TagEnd, line: usize, slash: &str) {
        let name = match tag {
            TagEnd::Strong => return self.inline(line, &format!("<{slash}strong>")),
            TagEnd::Paragraph => "p",
            TagEnd::Heading(_) => "h1",
            TagEnd::CodeBlock => "pre",
            TagEnd::List(_) => "ul",
            TagEnd::Item => "li",
            TagEnd::Table => "table",
            TagEnd::TableHead | TagEnd::TableRow => "tr",
            TagEnd::TableCell => "td",
            _ => return,
        };
        if slash.is_empty() {
            self.pad(line);
        }
        self.push(&format!("<{slash}{name}>"), false);
    }

    fn inline(&mut self, line: usize, html: &str) {
        if !self.in_words {
            self.pad(line);
        }
        self.push(html, true);
    }

    fn push(&mut self, html: &str, in_words: bool) {
        self.html.push_str(html);
        self.lines += html.matches('\n').count();
        self.in_words = in_words;
    }

    /// Ends lines, up to the one that comes next.
    fn pad(&mut self, line: usize) {
        self.push(&"\n".repeat(line.saturating_sub(self.lines)), self.in_words);
    }
}

/// A carriage return would end a line of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\r', "&#13;")
}

/// What is left to read of a block of HTML.
fn without_tags(html: &str) -> String {
    let mut words = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        words.push_str(before);
        words.push(' ');
        let end = if tag.starts_with("!--") { "-->" } else { ">" };
        rest = tag.split_once(end).map_or("", |(_, after)| after);
    }
    words.push_str(rest);
    words
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::check::document::{Block, Kind, Text};

    fn blocks(text: &str) -> Vec<Block> {
        parse(text).into_iter().flat_map(|section| section.blocks).collect()
    }

    fn text(plain: &str, code: &[&str], strong: &[&str]) -> Text {
        let own = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
        Text { plain: plain.to_owned(), code: own(code), strong: own(strong) }
    }

    #[test]
    fn anchors() {
        let sections =
            parse("before\n\n# Get `/api/x`: A & B!\n\nSub_head\n---\n\n## Same\n## Same\n#### same-1\n# Ünï\n");
        let anchors: Vec<_> = sections.iter().map(|s| (s.line, s.anchor.as_str())).collect();
        assert_eq!(
            anchors,
            [(1, ""), (3, "get-apix-a--b"), (5, "sub_head"), (8, "same"), (9, "same-1"), (10, "same-1-1"), (11, "ünï")]
        );
        assert_eq!(sections[1].title, text("Get /api/x: A & B!", &["/api/x"], &[]));
    }

    #[test]
    fn kinds() {
        let found = blocks(
            "A  **bold\nword** and `x  y`\n\n> quoted\n\n| a | b |\n|---|---|\n| `1` | 2 |\n\n```json\n\n  {}\n\n```\n\n    indented\n\n<div>html <b>x</b></div>\n",
        );
        let lines: Vec<_> = found.iter().map(|block| block.line).collect();
        let kinds: Vec<_> = found.into_iter().map(|block| block.kind).collect();
        assert_eq!(lines, [1, 4, 6, 10, 16, 18]);
        assert_eq!(
            kinds,
            [
                Kind::Paragraph(text("A bold word and x y", &["x y"], &["bold word"])),
                Kind::Paragraph(text("quoted", &[], &[])),
                Kind::Table(vec![
                    vec![text("a", &[], &[]), text("b", &[], &[])],
                    vec![text("1", &["1"], &[]), text("2", &[], &[])]
                ]),
                Kind::Code("  {}".to_owned()),
                Kind::Code("indented".to_owned()),
                Kind::Paragraph(text("html x", &[], &[])),
            ]
        );
    }

    #[test]
    fn lists() {
        let tight = "- one `a`\n  - in **b**\n- two\n";
        let loose = "* one `a`\n\n  * in **b**\n\n* two\n";
        let plain = |text: &str| {
            let mut found = blocks(text);
            for block in &mut found {
                block.line = 0;
                if let Kind::List(items) = &mut block.kind {
                    let mut todo: Vec<_> = items.iter_mut().collect();
                    while let Some(item) = todo.pop() {
                        item.line = 0;
                        todo.extend(item.children.iter_mut());
                    }
                }
            }
            found
        };
        assert_eq!(plain(tight), plain(loose));
        let [Block { kind: Kind::List(items), line: 1 }] = &blocks(tight)[..] else { panic!("not one list") };
        assert_eq!(items[0].text, text("one a", &["a"], &[]));
        assert_eq!(items[0].children[0].text, text("in b", &[], &["b"]));
        assert_eq!((items[0].line, items[0].children[0].line, items[1].line), (1, 2, 3));
        // Code within an item follows the list.
        let found = blocks("1. step\n\n   ```\n   x\n   ```\n2. next\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], Block { line: 3, kind: Kind::Code("x".to_owned()) });
    }

    #[test]
    fn garbage() {
        let deep =
            ["> ".repeat(50_000), "- ".repeat(50_000), "[".repeat(50_000), "**".repeat(50_000), "`".repeat(9999)];
        let odd =
            ["", "\u{feff}", "\0\r\r\n|\n|-|", "|a|\n|-|\n- |", "# ", "<!--", "<a", "```", "&#0;&#x110000;", "- # x\n"];
        for input in deep.iter().map(String::as_str).chain(odd) {
            parse(&format!("{input}x"));
            parse(&format!("{input}\n{input}"));
        }
        let mut seed = 1_u64;
        for _ in 0..300 {
            let bytes: Vec<u8> = (0..400)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let byte = (seed >> 33) as u8;
                    if byte < 128 { b"\n\n  -*>|`#<[]()!_~&;:1.ax\t"[usize::from(byte) % 26] } else { byte }
                })
                .collect();
            parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
