//! Reads a page of Markdown.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::document::{Block, Document, Item, Kind, MAX_LISTS, Mark, Section, Slugs, Text, Words};

pub(crate) fn parse(name: &str, text: &str) -> Document {
    // White space at the end of a line means nothing here, and a line of nothing else is blank.
    let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    let text = text.as_str();
    let lines = Lines::new(text);
    let mut reader = Reader { sections: vec![Section { line: 1, ..Section::default() }], ..Reader::default() };
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        reader.event(event, lines.at(range.start));
    }
    reader.flush();
    Document { name: name.to_owned(), sections: reader.sections }
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset) + 1
    }
}

#[derive(Default)]
struct Reader {
    sections: Vec<Section>,
    slugs: Slugs,
    /// Lists and items that are open, outermost first.
    open: Vec<Open>,
    /// How many lists are open beyond those in `open`, for nesting too deeply.
    too_deep: usize,
    /// The words since the last border between blocks.
    words: Words,
    heading: usize,
    raw: Option<(usize, String)>,
    rows: Vec<Vec<Text>>,
    row: Vec<Text>,
    table: usize,
}

enum Open {
    List { line: usize, items: Vec<Item>, after: Vec<Block> },
    Item { line: usize, blocks: Vec<Block> },
}

impl Reader {
    fn event(&mut self, event: Event<'_>, line: usize) {
        match event {
            Event::Start(tag) => self.start(&tag, line),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.raw {
                Some((_, raw)) => raw.push_str(&text),
                None => self.words.at(line).push(&text),
            },
            Event::Html(html) => {
                if let Some((_, raw)) = &mut self.raw {
                    raw.push_str(&html);
                }
            }
            Event::Code(code) => {
                let words = self.words.at(line);
                words.start(Mark::Code);
                words.push(&code);
                words.end(Mark::Code);
            }
            Event::SoftBreak | Event::HardBreak => self.words.at(line).push(" "),
            // Of the tags only a line break stands for anything in the words.
            Event::InlineHtml(html) if html.starts_with("<br") => self.words.at(line).push(" "),
            Event::Rule => self.flush(),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, line: usize) {
        match tag {
            Tag::Emphasis
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. }
            | Tag::Image { .. } => return,
            Tag::Strong => return self.words.at(line).start(Mark::Strong),
            _ => self.flush(),
        }
        match tag {
            Tag::Heading { .. } => self.heading = line,
            Tag::CodeBlock(_) | Tag::HtmlBlock => self.raw = Some((line, String::new())),
            Tag::Table(_) => self.table = line,
            Tag::List(_) if self.open.len() >= 2 * MAX_LISTS => self.too_deep += 1,
            Tag::List(_) => self.open.push(Open::List { line, items: Vec::new(), after: Vec::new() }),
            // The words of items too deep go to the deepest one that there is.
            Tag::Item if self.too_deep == 0 => self.open.push(Open::Item { line, blocks: Vec::new() }),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.words.end(Mark::Strong),
            TagEnd::Heading(_) => self.end_heading(),
            TagEnd::CodeBlock => {
                if let Some((line, raw)) = self.raw.take() {
                    self.push(Block { line, kind: Kind::code(&raw) });
                }
            }
            TagEnd::HtmlBlock => {
                if let Some((line, raw)) = self.raw.take() {
                    self.words.at(line).push(&without_tags(&raw));
                    self.flush();
                }
            }
            TagEnd::TableCell => {
                let text = self.words.take();
                self.row.push(text);
            }
            TagEnd::TableHead | TagEnd::TableRow => self.rows.push(std::mem::take(&mut self.row)),
            TagEnd::Table => {
                let rows = std::mem::take(&mut self.rows);
                self.push(Block { line: self.table, kind: Kind::Table(rows) });
            }
            TagEnd::Item if self.too_deep > 0 => self.flush(),
            TagEnd::Item => self.end_item(),
            TagEnd::List(_) if self.too_deep > 0 => {
                self.flush();
                self.too_deep -= 1;
            }
            TagEnd::List(_) => self.end_list(),
            TagEnd::Paragraph | TagEnd::BlockQuote(_) => self.flush(),
            _ => {}
        }
    }

    fn end_heading(&mut self) {
        let (line, title) = (self.heading, self.words.take());
        if self.open.is_empty() {
            let anchor = self.slugs.of(&title.plain);
            self.sections.push(Section { title, anchor, line, blocks: Vec::new() });
        } else {
            // Cannot begin a section in the middle of a list.
            self.push(Block { line, kind: Kind::Paragraph(title) });
        }
    }

    fn end_item(&mut self) {
        self.flush();
        let Some(Open::Item { line, blocks }) = self.open.pop() else { return };
        let (item, rest) = Item::of(line, blocks);
        if let Some(Open::List { items, after, .. }) = self.open.last_mut() {
            items.extend(item);
            after.extend(rest);
        }
    }

    fn end_list(&mut self) {
        self.flush();
        let Some(Open::List { line, items, after }) = self.open.pop() else { return };
        if !items.is_empty() {
            self.push(Block { line, kind: Kind::List(items) });
        }
        for block in after {
            self.push(block);
        }
    }

    /// Ends the paragraph, if there is one; items of tight lists have theirs without a tag.
    fn flush(&mut self) {
        if let Some(block) = self.words.paragraph() {
            self.push(block);
        }
    }

    fn push(&mut self, block: Block) {
        match self.open.last_mut() {
            Some(Open::Item { blocks, .. }) => blocks.push(block),
            Some(Open::List { after, .. }) => after.push(block),
            None => {
                if let Some(section) = self.sections.last_mut() {
                    section.blocks.push(block);
                }
            }
        }
    }
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

    fn blocks(text: &str) -> Vec<Block> {
        parse("t", text).sections.into_iter().flat_map(|section| section.blocks).collect()
    }

    fn text(plain: &str, code: &[&str], strong: &[&str]) -> Text {
        let own = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
        Text { plain: plain.to_owned(), code: own(code), strong: own(strong) }
    }

    #[test]
    fn anchors() {
        let document =
            parse("t", "before\n\n# Get `/api/x`: A & B!\n\nSub_head\n---\n\n## Same\n## Same\n#### same-1\n# Ünï\n");
        let anchors: Vec<_> = document.sections.iter().map(|s| (s.line, s.anchor.as_str())).collect();
        assert_eq!(
            anchors,
            [(1, ""), (3, "get-apix-a--b"), (5, "sub_head"), (8, "same"), (9, "same-1"), (10, "same-1-1"), (11, "ünï")]
        );
        assert_eq!(document.sections[1].title, text("Get /api/x: A & B!", &["/api/x"], &[]));
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
            parse("t", &format!("{input}x"));
            parse("t", &format!("{input}\n{input}"));
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
            parse("t", &String::from_utf8_lossy(&bytes));
        }
    }
}
