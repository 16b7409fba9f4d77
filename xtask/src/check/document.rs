//! Model of a page of the docs, whatever format it was written in.

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

/// Lists nest no deeper than this: dropping or comparing items recurses into them.
pub(super) const MAX_LISTS: usize = 24;

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

/// Markup of a part of a text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    Code,
    Strong,
}

/// Gathers the words of a text.
#[derive(Default)]
pub(super) struct Words {
    text: Text,
    /// Line of the first word.
    line: Option<usize>,
    space: bool,
    /// Start of the outermost open part, and number of open ones.
    code: (usize, usize),
    strong: (usize, usize),
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

    pub(super) fn start(&mut self, mark: Mark) {
        let (start, open) = match mark {
            Mark::Code => &mut self.code,
            Mark::Strong => &mut self.strong,
        };
        if *open == 0 {
            *start = self.text.plain.len();
        }
        *open += 1;
    }

    pub(super) fn end(&mut self, mark: Mark) {
        let ((start, open), parts) = match mark {
            Mark::Code => (&mut self.code, &mut self.text.code),
            Mark::Strong => (&mut self.strong, &mut self.text.strong),
        };
        *open = open.saturating_sub(1);
        let part = self.text.plain.get(*start..).unwrap_or_default().trim();
        if *open == 0 && !part.is_empty() {
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
pub(super) struct Slugs(std::collections::HashMap<String, usize>);

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
