//! Parses HTML into scraper's tree within bounds, and knows the line of each node.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use ego_tree::iter::Edge;
use ego_tree::{NodeId, NodeRef};
use html5ever::buffer_queue::BufferQueue;
use html5ever::interface::Tracer;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{Attribute, LocalName, Namespace, QualName, TokenizerResult};
use scraper::{Html, HtmlTreeSink, Node};

/// Tags inside of this many open elements are left out: the tree builder searches all of them for each tag.
const MAX_OPEN: usize = 160;
/// Wrappers without a meaning are left out earlier, so that there is room for what is in them.
const MAX_OPEN_WRAPPERS: usize = 80;
/// Nodes deeper than this are left out: misnested tags make the tree deeper than the elements that are open.
const MAX_DEPTH: usize = 256;
/// Different names of elements, which are interned in a table of fixed size.
const MAX_NAMES: usize = 1_000;
/// White space and signs in one tag.
const MAX_PARTS: usize = 2_000;
/// Misnested tags make more nodes than there are tags.
const MAX_NODES: usize = 2_000_000;

/// Attribute that carries the line of a start tag into the tree.
const LINE: &str = "line";
const ATTRIBUTES: [&str; 8] = ["class", "id", "role", "itemprop", "data-cfemail", "href", "type", "spec-url"];

pub(crate) struct Tree {
    pub(crate) html: Html,
    lines: HashMap<NodeId, usize>,
}

impl Tree {
    pub(crate) fn parse(text: &str) -> Self {
        let limiter = Limiter {
            builder: TreeBuilder::new(HtmlTreeSink::new(Html::new_document()), TreeBuilderOpts::default()),
            dropped: RefCell::default(),
            names: RefCell::default(),
            open: Cell::default(),
        };
        let tokenizer = Tokenizer::new(limiter, TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(&without_long_tags(text)));
        while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
        tokenizer.end();
        let mut html = tokenizer.sink.builder.sink.0.into_inner();
        let lines = locate(&mut html);
        Self { html, lines }
    }

    /// Line of a start tag, or of the first word of a text.
    pub(crate) fn line(&self, node: NodeRef<'_, Node>) -> usize {
        self.lines.get(&node.id()).copied().unwrap_or(1)
    }
}

/// Ends tags after so many attributes: the tokenizer compares each attribute with all of those before.
fn without_long_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut in_tag, mut quote, mut parts, mut before) = (false, None, 0, [' '; 2]);
    for c in text.chars() {
        match (in_tag, quote) {
            (false, _) => {
                in_tag = c.is_ascii_alphabetic() && (before[1] == '<' || before == ['<', '/']);
                parts = 0;
            }
            (true, Some(open)) => quote = quote.filter(|_| c != open),
            (true, None) if c == '>' => in_tag = false,
            (true, None) if before[1] == '=' && matches!(c, '"' | '\'') => quote = Some(c),
            (true, None) => parts += usize::from(c.is_ascii_whitespace() || "/=\"'".contains(c)),
        }
        kept.push(c);
        if parts > MAX_PARTS {
            kept.push('>');
            (in_tag, parts) = (false, 0);
        }
        if !(in_tag && c.is_ascii_whitespace()) {
            before = [before[1], c];
        }
    }
    kept
}

/// Passes tokens on to the tree builder, apart from those that would make its work grow with the square of the input.
struct Limiter {
    builder: TreeBuilder<NodeId, HtmlTreeSink>,
    /// Start tags left out whose end tags have yet to come.
    dropped: RefCell<Vec<LocalName>>,
    /// Of all elements so far.
    names: RefCell<HashSet<LocalName>>,
    /// Number of elements that the builder holds on to, unless a token has changed it.
    open: Cell<Option<usize>>,
}

impl Limiter {
    fn drops(&self, tag: &Tag) -> bool {
        // scraper's tree may lose the contents of templates, and panic.
        let unsupported = matches!(&*tag.name, "template" | "frameset" | "frame");
        if unsupported || self.builder.sink.0.borrow().tree.values().len() > MAX_NODES {
            return true;
        }
        let mut names = self.names.borrow_mut();
        if names.len() < MAX_NAMES {
            names.insert(tag.name.clone());
        } else if !names.contains(&tag.name) {
            return true;
        }
        let mut dropped = self.dropped.borrow_mut();
        if tag.kind == TagKind::EndTag {
            return dropped.pop_if(|name| *name == tag.name).is_some();
        }
        let is_wrapper = match &*tag.name {
            "div" => tag.attrs.iter().all(|attr| &*attr.name.local == "class"),
            "span" | "font" | "center" => tag.attrs.is_empty(),
            _ => false,
        };
        let open = self.open.get().unwrap_or_else(|| {
            let count = Count::default();
            self.builder.trace_handles(&count);
            count.0.get()
        });
        self.open.set(Some(open));
        let drops = open > if is_wrapper { MAX_OPEN_WRAPPERS } else { MAX_OPEN };
        if drops {
            dropped.push(tag.name.clone());
        }
        drops
    }
}

/// Counts the elements that the tree builder holds on to.
#[derive(Default)]
struct Count(Cell<usize>);

impl Tracer for Count {
    type Handle = NodeId;

    fn trace_handle(&self, _: &NodeId) {
        self.0.set(self.0.get() + 1);
    }
}

impl TokenSink for Limiter {
    type Handle = NodeId;

    fn process_token(&self, mut token: Token, line: u64) -> TokenSinkResult<NodeId> {
        if let Token::TagToken(tag) = &mut token {
            tag.attrs.retain(|attr| ATTRIBUTES.contains(&&*attr.name.local));
            if self.drops(tag) {
                return TokenSinkResult::Continue;
            }
            // The tree builder tells whether formatting elements are alike by their attributes.
            let is_formatting = matches!(
                &*tag.name,
                "a" | "b" | "big" | "code" | "em" | "font" | "i" | "nobr" | "s" | "small" | "strong" | "tt" | "u"
            );
            if !is_formatting {
                let name = QualName::new(None, Namespace::default(), LocalName::from(LINE));
                tag.attrs.push(Attribute { name, value: StrTendril::from(line.to_string()) });
            }
        }
        self.open.set(None);
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Counts lines from tag to tag in reading order, and detaches what is too deep.
fn locate(html: &mut Html) -> HashMap<NodeId, usize> {
    let (mut lines, mut too_deep) = (HashMap::new(), Vec::new());
    let (mut line, mut depth) = (1, 0_usize);
    for edge in html.tree.root().traverse() {
        let Edge::Open(node) = edge else {
            depth -= 1;
            continue;
        };
        depth += 1;
        if depth == MAX_DEPTH {
            too_deep.push(node.id());
        }
        let newlines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
        match node.value() {
            Node::Element(element) => {
                line = element.attr(LINE).and_then(|line| line.parse().ok()).unwrap_or(line);
                lines.insert(node.id(), line);
            }
            Node::Text(text) => {
                let blank = text.len() - text.trim_start().len();
                lines.insert(node.id(), line + newlines(text.get(..blank).unwrap_or_default()));
                line += newlines(text);
            }
            Node::Comment(comment) => line += newlines(comment),
            _ => {}
        }
    }
    for id in too_deep {
        if let Some(mut node) = html.tree.get_mut(id) {
            node.detach();
        }
    }
    lines
}
