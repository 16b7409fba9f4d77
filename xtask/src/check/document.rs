//! Model of a page of the docs, whatever format it was written in.

use std::collections::HashMap;

/// One page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Document {
    /// Name of the source in the contract's `x-piaxis-sources`, such as `guide`.
    pub(crate) name: String,
    /// In reading order; the first holds what stands before the first heading.
    pub(crate) sections: Vec<Section>,
}

/// A heading and everything up to the next one, whatever its level.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Section {
    pub(crate) title: Text,
    /// Fragment of a link to the section: GitHub's slug of the heading, or the `id` in the HTML.
    pub(crate) anchor: String,
    /// Line of the heading, counted from 1.
    pub(crate) line: usize,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    /// First line, counted from 1.
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Paragraph(Text),
    List(Vec<Item>),
    /// Rows of cells, the header first.
    Table(Vec<Vec<Text>>),
    /// A block of code, verbatim.
    Code(String),
    /// The signature of a route (Sphinx's `http` domain), such as `POST /api/token`.
    Route {
        signature: String,
        anchor: String,
    },
    /// A list of fields with its name (Sphinx's field lists), such as `Form Parameters`.
    Fields {
        name: String,
        items: Vec<Item>,
    },
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Item {
    pub(crate) line: usize,
    pub(crate) text: Text,
    /// Items of lists inside this one.
    pub(crate) children: Vec<Item>,
}

/// Words with their markup, white space folded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Text {
    /// All of the words.
    pub(crate) plain: String,
    /// The parts set as code, in order.
    pub(crate) code: Vec<String>,
    /// The parts set in bold, in order.
    pub(crate) strong: Vec<String>,
}

impl Item {
    /// Makes an item of the blocks in it, and returns those that an item cannot hold, such as code, to follow the list.
    pub(super) fn of(line: usize, blocks: Vec<Block>) -> (Option<Self>, Vec<Block>) {
        let mut item = Self { line, ..Self::default() };
        let mut rest = Vec::new();
        for block in blocks {
            match block.kind {
                Kind::Paragraph(text) => item.text.append(text),
                Kind::List(items) => item.children.extend(items),
                _ => rest.push(block),
            }
        }
        let empty = item.text.plain.is_empty() && item.children.is_empty();
        ((!empty).then_some(item), rest)
    }
}

impl Kind {
    /// A block of code without the blank lines around it.
    pub(super) fn code(code: &str) -> Self {
        let code = code.replace("\r\n", "\n");
        let body = code.trim_end();
        let start = body.find(|c: char| !c.is_whitespace()).unwrap_or(0);
        let line = body.get(..start).and_then(|blank| blank.rfind('\n')).map_or(0, |at| at + 1);
        Self::Code(with_addresses(body.get(line..).unwrap_or_default()))
    }
}

/// Puts an address where a CDN left its notice in place of a hidden one, so that an example stays valid.
fn with_addresses(code: &str) -> String {
    code.replace("[email\u{a0}protected]", "[email protected]").replace("[email protected]", "hidden@example.com")
}

impl Text {
    fn append(&mut self, more: Self) {
        if !self.plain.is_empty() && !more.plain.is_empty() {
            self.plain.push(' ');
        }
        self.plain.push_str(&more.plain);
        self.code.extend(more.code);
        self.strong.extend(more.strong);
    }
}

/// Gathers the words of a text.
#[derive(Default)]
pub(super) struct Words {
    text: Text,
    /// Line of the first word.
    line: Option<usize>,
    space: bool,
}

impl Words {
    /// Sets the line, unless words were gathered before.
    pub(super) fn at(&mut self, line: usize) -> &mut Self {
        self.line.get_or_insert(line);
        self
    }

    pub(super) fn push(&mut self, words: &str) {
        for c in words.chars() {
            if c.is_whitespace() {
                self.space = true;
            } else if !matches!(c, '\u{200b}' | '\u{ad}' | '\u{feff}') {
                if self.space && !self.text.plain.is_empty() {
                    self.text.plain.push(' ');
                }
                self.space = false;
                self.text.plain.push(c);
            }
        }
    }

    /// Gathers words that are one part, set as code or in bold, with what is set so inside of it.
    pub(super) fn part(&mut self, is_code: bool, is_strong: bool, gather: impl FnOnce(&mut Self)) {
        let Text { plain, code, strong } = &self.text;
        let (start, code, strong) = (plain.len(), code.len(), strong.len());
        gather(self);
        let part = self.text.plain.get(start..).unwrap_or_default().trim();
        let parts = [(is_code, code, &mut self.text.code), (is_strong, strong, &mut self.text.strong)];
        for (_, before, parts) in parts.into_iter().filter(|(is_set, ..)| *is_set && !part.is_empty()) {
            parts.truncate(before);
            parts.push(part.to_owned());
        }
    }

    /// Ends the text.
    pub(super) fn take(&mut self) -> Text {
        let mut text = std::mem::take(self).text;
        text.code.iter_mut().for_each(|code| *code = with_addresses(code));
        text
    }

    /// Ends the text as a paragraph, unless no words were gathered.
    pub(super) fn paragraph(&mut self) -> Option<Block> {
        let line = self.line;
        let text = self.take();
        let line = line.filter(|_| !text.plain.is_empty())?;
        Some(Block { line, kind: Kind::Paragraph(text) })
    }
}

/// The anchor that GitHub gives a heading.
pub(super) fn slug(title: &str) -> String {
    let kept =
        title.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Makes anchors of headings, each different.
#[derive(Default)]
pub(super) struct Slugs(HashMap<String, usize>);

impl Slugs {
    pub(super) fn of(&mut self, title: &str) -> String {
        let base = slug(title);
        let mut slug = base.clone();
        while self.0.contains_key(&slug) {
            let count = self.0.entry(base.clone()).or_default();
            *count += 1;
            slug = format!("{base}-{count}");
        }
        self.0.insert(slug.clone(), 0);
        slug
    }
}
