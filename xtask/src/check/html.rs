//! Reads a page of HTML as Sphinx makes it, with routes of its `http` domain; theme and wrappers do not matter.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};
use std::collections::{HashMap, HashSet};

use ego_tree::{NodeId, NodeRef};
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, LocalName, QualName, TokenizerResult};
use scraper::node::{Element, Node};
use scraper::{Html, HtmlTreeSink};

use super::document::{Block, Document, Item, Kind, Section, Text};
use super::markdown::{MAX_LISTS, Slugs, TextBuilder, fold_item, trim_code};

pub(crate) fn parse(name: &str, text: &str) -> Document {
    let (html, places) = read(text);
    let mut sections = vec![Section { line: 1, ..Section::default() }];
    let root = main_content(&html);
    let mut walker = Walker {
        places: &places,
        whole_page: is(root, "body") || root.value().as_element().is_none(),
        slugs: Slugs::default(),
        headed: HashSet::new(),
    };
    let mut pieces = Vec::new();
    walker.flow(root, Context::default(), &mut pieces);
    for piece in pieces {
        match (piece, sections.last_mut()) {
            (Piece::Heading(section), _) => sections.push(section),
            (Piece::Block(block), Some(section)) => section.blocks.push(block),
            (Piece::Block(_), None) => {}
        }
    }
    Document { name: name.to_owned(), sections }
}

// Reading: scraper's tree, with the lines that it does not keep, and within bounds.

/// Wrappers nested deeper than this leave no trace.
const MAX_WRAPPERS: usize = 64;
/// Elements nested deeper than this neither.
const MAX_DEPTH: usize = 128;
/// Different names of elements.
const MAX_NAMES: usize = 1_000;
/// White space and signs in one tag.
const MAX_PARTS: usize = 4_000;
/// Broken markup can make more elements than it has tags; no page has this many.
const MAX_ELEMENTS: usize = 1_000_000;

#[derive(Clone, Copy, Default)]
struct Place {
    line: usize,
    depth: usize,
}

type Places = HashMap<NodeId, Place>;

fn read(text: &str) -> (Html, Places) {
    let sink = Sink {
        inner: HtmlTreeSink::new(Html::new_document()),
        places: RefCell::new(Places::new()),
        line: Cell::new(1),
        depth: Cell::new(0),
    };
    let limiter = Limiter {
        builder: TreeBuilder::new(sink, TreeBuilderOpts::default()),
        dropped: RefCell::default(),
        names: RefCell::default(),
    };
    let tokenizer = Tokenizer::new(limiter, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(&without_long_tags(text)));
    while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
    tokenizer.end();
    let sink = tokenizer.sink.builder.sink;
    (sink.inner.finish(), sink.places.into_inner())
}

/// Ends tags after so many attributes: the tokenizer compares each attribute with all of those before.
fn without_long_tags(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let (mut kept, mut from, mut at) = (String::new(), 0, 0);
    while let Some(start) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'<')) {
        at += start + 1;
        let closing = usize::from(bytes.get(at) == Some(&b'/'));
        if !bytes.get(at + closing).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        at += closing;
        let (mut parts, mut quote, mut before, mut cut) = (0, None, b' ', None);
        while let Some(&byte) = bytes.get(at) {
            match (byte, quote) {
                (_, Some(open)) if byte == open => quote = None,
                (_, Some(_)) => {}
                (b'>', None) => break,
                (b'"' | b'\'', None) if before == b'=' => quote = Some(byte),
                (b' ' | b'\t' | b'\n' | b'\r' | 0xc | b'/' | b'=' | b'"' | b'\'', None) => parts += 1,
                _ => {}
            }
            if parts > MAX_PARTS {
                cut.get_or_insert(at);
            }
            if !byte.is_ascii_whitespace() {
                before = byte;
            }
            at += 1;
        }
        if let Some(end) = cut {
            kept.push_str(text.get(from..end).unwrap_or_default());
            from = at;
        }
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(kept)
}

/// Stands before the tree builder, whose work grows with the depth.
struct Limiter {
    builder: TreeBuilder<NodeId, Sink>,
    /// Start tags left out whose end tags have yet to come.
    dropped: RefCell<Vec<LocalName>>,
    /// Of all elements so far.
    names: RefCell<HashSet<LocalName>>,
}

impl Limiter {
    fn drops(&self, token: &Token) -> bool {
        let sink = &self.builder.sink;
        let Token::TagToken(tag) = token else {
            return !matches!(token, Token::EOFToken) && sink.places.borrow().len() > MAX_ELEMENTS;
        };
        // scraper's tree may lose the contents of templates, and panic.
        if sink.places.borrow().len() > MAX_ELEMENTS || matches!(&*tag.name, "template" | "frameset" | "frame") {
            return true;
        }
        let mut names = self.names.borrow_mut();
        if names.len() < MAX_NAMES {
            names.insert(tag.name.clone());
        } else if !names.contains(&tag.name) {
            return true;
        }
        let mut dropped = self.dropped.borrow_mut();
        match tag.kind {
            TagKind::StartTag => {
                // Only those that nobody would miss.
                let wrapper = match &*tag.name {
                    "div" => tag.attrs.iter().all(|attr| &*attr.name.local == "class"),
                    "span" | "font" | "center" => tag.attrs.is_empty(),
                    _ => false,
                };
                let limit = if wrapper { MAX_WRAPPERS } else { MAX_DEPTH };
                let drops = sink.depth.get() > limit;
                if drops {
                    dropped.push(tag.name.clone());
                }
                drops
            }
            TagKind::EndTag => dropped.pop_if(|name| *name == tag.name).is_some(),
        }
    }
}

impl TokenSink for Limiter {
    type Handle = NodeId;

    fn process_token(&self, mut token: Token, line: u64) -> TokenSinkResult<NodeId> {
        if let Token::TagToken(tag) = &mut token {
            // Names are interned in a table of fixed size, which millions of them would make slow.
            let read = |name: &str| matches!(name, "class" | "id" | "role" | "itemprop" | "data-cfemail");
            tag.attrs.retain(|attr| read(&attr.name.local));
        }
        if self.drops(&token) { TokenSinkResult::Continue } else { self.builder.process_token(token, line) }
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Notes the line of every node, and how deep it is.
struct Sink {
    inner: HtmlTreeSink,
    places: RefCell<Places>,
    line: Cell<usize>,
    /// Of the node added last.
    depth: Cell<usize>,
}

impl Sink {
    fn note(&self, node: NodeId, depth: usize) {
        self.places.borrow_mut().entry(node).or_insert(Place { line: self.line.get(), depth }).depth = depth;
        self.depth.set(depth);
    }

    fn depth_of(&self, node: NodeId) -> usize {
        self.places.borrow().get(&node).map_or(0, |place| place.depth)
    }
}

impl TreeSink for Sink {
    type Output = Html;
    type Handle = NodeId;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Html {
        self.inner.finish()
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn set_quirks_mode(&self, mode: QuirksMode) {
        self.inner.set_quirks_mode(mode);
    }

    fn set_current_line(&self, line: u64) {
        self.line.set(usize::try_from(line).unwrap_or_default());
    }

    fn get_document(&self) -> NodeId {
        self.inner.get_document()
    }

    fn same_node(&self, x: &NodeId, y: &NodeId) -> bool {
        x == y
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        self.inner.elem_name(target)
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, flags: ElementFlags) -> NodeId {
        let node = self.inner.create_element(name, attrs, flags);
        self.places.borrow_mut().insert(node, Place { line: self.line.get(), depth: self.depth.get() });
        node
    }

    fn create_comment(&self, text: StrTendril) -> NodeId {
        self.inner.create_comment(text)
    }

    fn create_pi(&self, target: StrTendril, data: StrTendril) -> NodeId {
        self.inner.create_pi(target, data)
    }

    fn append_doctype_to_document(&self, name: StrTendril, public_id: StrTendril, system_id: StrTendril) {
        self.inner.append_doctype_to_document(name, public_id, system_id);
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        let depth = self.depth_of(*parent);
        match child {
            NodeOrText::AppendNode(node) => {
                self.note(node, depth + 1);
                self.inner.append(parent, NodeOrText::AppendNode(node));
            }
            NodeOrText::AppendText(text) => {
                self.inner.append(parent, NodeOrText::AppendText(text));
                let tree = &self.inner.0.borrow().tree;
                if let Some(node) = tree.get(*parent).and_then(|parent| parent.last_child()) {
                    self.note(node.id(), depth);
                }
            }
        }
    }

    fn append_before_sibling(&self, sibling: &NodeId, new: NodeOrText<NodeId>) {
        if let NodeOrText::AppendNode(node) = &new {
            self.note(*node, self.depth_of(*sibling));
        }
        self.inner.append_before_sibling(sibling, new);
    }

    fn append_based_on_parent_node(&self, element: &NodeId, previous: &NodeId, child: NodeOrText<NodeId>) {
        let has_parent = self.inner.0.borrow().tree.get(*element).is_some_and(|node| node.parent().is_some());
        if has_parent { self.append_before_sibling(element, child) } else { self.append(previous, child) }
    }

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        self.inner.get_template_contents(target)
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attrs: Vec<Attribute>) {
        self.inner.add_attrs_if_missing(target, attrs);
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.inner.remove_from_parent(target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        self.inner.reparent_children(node, new_parent);
    }
}

// Understanding.

type At<'a> = NodeRef<'a, Node>;

/// Repairs of misnested tags may still exceed [`MAX_DEPTH`]; what is deeper than this is left out.
const MAX_RECURSION: usize = 256;

fn main_content(html: &Html) -> At<'_> {
    let has = |value: Option<&str>, word: &str| value.is_some_and(|value| value.split_whitespace().any(|w| w == word));
    let wanted: [&dyn Fn(&Element) -> bool; 6] = [
        &|element| has(element.attr("itemprop"), "articleBody"),
        &|element| has(element.attr("role"), "main"),
        &|element| element.name() == "main",
        &|element| has(element.attr("class"), "document"),
        &|element| has(element.attr("class"), "body"),
        &|element| element.name() == "body",
    ];
    let root = html.tree.root();
    let find = |wanted: &&dyn Fn(&Element) -> bool| {
        root.descendants().find(|node| {
            let words = |node: At<'_>| node.value().as_text().is_some_and(|text| !text.trim().is_empty());
            node.value().as_element().is_some_and(wanted) && node.descendants().any(words)
        })
    };
    wanted.iter().find_map(find).unwrap_or(root)
}

fn is(node: At<'_>, name: &str) -> bool {
    node.value().as_element().is_some_and(|element| element.name() == name)
}

fn has_class(node: At<'_>, class: &str) -> bool {
    node.value().as_element().is_some_and(|element| element.classes().any(|c| c == class))
}

fn id(node: At<'_>) -> Option<&str> {
    node.value().as_element().and_then(|element| element.attr("id")).filter(|id| !id.is_empty())
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// Whether it stands on lines of its own.
fn is_block(name: &str) -> bool {
    is_heading(name)
        || matches!(
            name,
            "address"
                | "article"
                | "aside"
                | "blockquote"
                | "body"
                | "caption"
                | "center"
                | "dd"
                | "details"
                | "dialog"
                | "dir"
                | "div"
                | "dl"
                | "dt"
                | "fieldset"
                | "figcaption"
                | "figure"
                | "footer"
                | "form"
                | "header"
                | "hgroup"
                | "hr"
                | "html"
                | "li"
                | "listing"
                | "main"
                | "menu"
                | "nav"
                | "ol"
                | "p"
                | "plaintext"
                | "pre"
                | "section"
                | "summary"
                | "table"
                | "tbody"
                | "td"
                | "tfoot"
                | "th"
                | "thead"
                | "tr"
                | "ul"
                | "xmp"
        )
}

/// The address that Cloudflare hides from robots: the first byte is the key of the others.
fn hidden_email(element: &Element) -> Option<String> {
    let hex = element.attr("data-cfemail")?.as_bytes();
    let bytes: Option<Vec<u8>> =
        hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    let (key, rest) = bytes.as_deref()?.split_first()?;
    String::from_utf8(rest.iter().map(|byte| byte ^ key).collect()).ok().filter(|email| !email.is_empty())
}

/// Whether these are the words of a route's signature, for themes without Sphinx's classes.
fn is_signature(words: &str) -> bool {
    method_of(words).is_some_and(|(_, path)| words.contains(' ') && path.starts_with('/') && !path.contains(' '))
}

fn method_of(words: &str) -> Option<(&str, &str)> {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "ANY", "COPY"]
        .into_iter()
        .find_map(|method| words.strip_prefix(method).map(|rest| (method, rest.trim_start())))
        .filter(|(_, rest)| rest.starts_with('/'))
}

enum Piece {
    Heading(Section),
    Block(Block),
}

#[derive(Clone, Copy, Default)]
struct Context {
    depth: usize,
    lists: usize,
    /// Whether it is inside of a route.
    route: bool,
}

impl Context {
    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

/// What a list of terms is made of.
enum Entry<'a> {
    Term(At<'a>),
    Body(At<'a>),
    Other(At<'a>),
}

struct Walker<'a> {
    places: &'a Places,
    /// Whether no main content was found, so that more has to be left out.
    whole_page: bool,
    slugs: Slugs,
    /// Sections that a heading was found in.
    headed: HashSet<NodeId>,
}

/// Words between blocks, which make a paragraph.
#[derive(Default)]
struct Words {
    builder: TextBuilder,
    line: Option<usize>,
}

impl Words {
    fn flush(&mut self, out: &mut Vec<Piece>) {
        let words = std::mem::take(self);
        let text = words.builder.finish();
        if let (Some(line), false) = (words.line, text.plain.is_empty()) {
            out.push(Piece::Block(Block { line, kind: Kind::Paragraph(text) }));
        }
    }
}

impl Walker<'_> {
    fn line(&self, node: At<'_>) -> usize {
        std::iter::once(node)
            .chain(node.ancestors())
            .find_map(|node| self.places.get(&node.id()))
            .map_or(1, |place| place.line)
    }

    /// Whether it is not part of the text: navigation, scripts, controls, links to headings.
    fn skips(&self, element: &Element, node: At<'_>) -> bool {
        let unwanted = match element.name() {
            "script" | "style" | "noscript" | "head" | "title" | "nav" | "footer" | "svg" | "iframe" | "object"
            | "canvas" | "audio" | "video" | "select" | "textarea" | "input" | "button" | "search" => true,
            "header" | "aside" => self.whole_page,
            "a" => {
                let sign = |text: &str| matches!(text.trim(), "¶" | "#" | "§" | "🔗" | "\u{f0c1}");
                let mut texts = node.descendants().filter_map(|node| node.value().as_text());
                matches!((texts.next(), texts.next()), (Some(text), None) if sign(text))
            }
            _ => false,
        };
        unwanted
            || element.attr("role").is_some_and(|role| {
                matches!(role, "navigation" | "search" | "contentinfo" | "banner" | "complementary")
            })
            || element.classes().any(|class| {
                matches!(
                    class,
                    "headerlink" | "viewcode-link" | "linenos" | "lineno" | "sphinxsidebar" | "bd-sidebar-secondary"
                )
            })
    }

    fn flow(&mut self, node: At<'_>, context: Context, out: &mut Vec<Piece>) {
        if context.depth > MAX_RECURSION {
            return;
        }
        let mut words = Words::default();
        for child in node.children() {
            self.child(child, context, &mut words, out);
        }
        words.flush(out);
    }

    fn child(&mut self, node: At<'_>, context: Context, words: &mut Words, out: &mut Vec<Piece>) {
        let element = match node.value() {
            Node::Text(text) => {
                words.builder.push(text);
                let content = text.trim_start();
                if words.line.is_none() && !content.is_empty() {
                    let blank = text.get(..text.len() - content.len()).unwrap_or_default();
                    words.line = Some(self.line(node) + blank.matches('\n').count());
                }
                return;
            }
            Node::Element(element) if !self.skips(element, node) => element,
            _ => return,
        };
        let name = element.name();
        let blocks_in = |node: At<'_>| {
            node.descendants().any(|node| node.value().as_element().is_some_and(|element| is_block(element.name())))
        };
        if !is_block(name) && !blocks_in(node) {
            words.line.get_or_insert(self.line(node));
            return self.words(node, context.depth, &mut words.builder);
        }
        words.flush(out);
        let line = self.line(node);
        let mut push = |kind| out.push(Piece::Block(Block { line, kind }));
        match name {
            _ if is_heading(name) => {
                let title = self.text(node, context);
                let anchor = self.anchor(node, &title);
                out.push(Piece::Heading(Section { title, anchor, line, blocks: Vec::new() }));
            }
            "pre" | "listing" | "xmp" | "plaintext" => {
                let mut code = String::new();
                raw(node, context.depth, &mut code);
                let code = trim_code(&code);
                if !code.is_empty() {
                    push(Kind::Code(code));
                }
            }
            "ul" | "ol" | "menu" | "dir" => {
                let (items, rest) = self.list(node, context.deeper());
                if !items.is_empty() {
                    push(Kind::List(items));
                }
                out.extend(rest.into_iter().map(Piece::Block));
            }
            "dl" => {
                let mut entries = Vec::new();
                terms(node, context.depth, &mut entries);
                self.terms(node, entries, context.deeper(), out);
            }
            "table" if has_class(node, "field-list") => {
                let entries = node.descendants().filter_map(|node| match node.value().as_element()?.name() {
                    "th" => Some(Entry::Term(node)),
                    "td" => Some(Entry::Body(node)),
                    _ => None,
                });
                self.fields(entries.collect(), context.deeper(), out);
            }
            // Sphinx sets code with numbers of lines so.
            "table" if !has_class(node, "highlighttable") => {
                let (mut rows, mut captions) = (Vec::new(), Vec::new());
                self.rows(node, context.deeper(), &mut rows, &mut captions);
                for caption in captions {
                    push(Kind::Paragraph(caption));
                }
                if !rows.is_empty() {
                    push(Kind::Table(rows));
                }
            }
            _ => self.flow(node, context.deeper(), out),
        }
    }

    /// The blocks of something that cannot hold sections.
    fn blocks(&mut self, node: At<'_>, context: Context) -> Vec<Block> {
        let mut pieces = Vec::new();
        self.flow(node, context, &mut pieces);
        let block = |piece| match piece {
            Piece::Block(block) => block,
            Piece::Heading(section) => Block { line: section.line, kind: Kind::Paragraph(section.title) },
        };
        pieces.into_iter().map(block).collect()
    }

    fn text(&self, node: At<'_>, context: Context) -> Text {
        let mut builder = TextBuilder::default();
        for child in node.children() {
            self.words(child, context.depth, &mut builder);
        }
        builder.finish()
    }

    fn words(&self, node: At<'_>, depth: usize, builder: &mut TextBuilder) {
        let element = match node.value() {
            Node::Text(text) => return builder.push(text),
            Node::Element(element) if depth <= MAX_RECURSION && !self.skips(element, node) => element,
            _ => return,
        };
        if let Some(email) = hidden_email(element) {
            return builder.push(&email);
        }
        let name = element.name();
        let apart = is_block(name) || name == "br";
        let code = matches!(name, "code" | "tt" | "pre") || element.classes().any(|class| class == "literal");
        let strong = matches!(name, "strong" | "b");
        if apart {
            builder.push(" ");
        }
        if code {
            builder.start_code();
        }
        if strong {
            builder.start_strong();
        }
        for child in node.children() {
            self.words(child, depth + 1, builder);
        }
        if strong {
            builder.end_strong();
        }
        if code {
            builder.end_code();
        }
        if apart {
            builder.push(" ");
        }
    }

    /// Sphinx gives the `id` to the section; a link may as well go to the heading.
    fn anchor(&mut self, heading: At<'_>, title: &Text) -> String {
        let is_section = |node: &At<'_>| is(*node, "section") || is(*node, "div") && has_class(*node, "section");
        let mut nearest = None;
        for section in heading.ancestors().filter(is_section) {
            if let Some(id) = id(section) {
                let first = self.headed.insert(section.id());
                nearest.get_or_insert((id, first));
            }
        }
        let own = || id(heading).map(str::to_owned);
        let section = nearest.filter(|(_, first)| *first).map(|(id, _)| id.to_owned());
        section.or_else(own).unwrap_or_else(|| self.slugs.of(&title.plain))
    }

    /// The items, and the blocks in them that no item can hold.
    fn list(&mut self, list: At<'_>, context: Context) -> (Vec<Item>, Vec<Block>) {
        let (mut items, mut rest) = (Vec::<Item>::new(), Vec::new());
        if context.depth > MAX_RECURSION {
            return (items, rest);
        }
        let inner = Context { lists: context.lists + 1, ..context.deeper() };
        for node in list.children() {
            let Some(element) = node.value().as_element().filter(|element| !self.skips(element, node)) else {
                continue;
            };
            match element.name() {
                "li" => {
                    let blocks = self.blocks(node, inner);
                    let (item, more) = fold_item(self.line(node), blocks);
                    if let Some(mut item) = item {
                        let children =
                            if inner.lists < MAX_LISTS { Vec::new() } else { std::mem::take(&mut item.children) };
                        items.push(item);
                        items.extend(children);
                    }
                    rest.extend(more);
                }
                // Not allowed here, but browsers show it as a list in the item before.
                "ul" | "ol" | "menu" | "dir" => {
                    let (children, more) = self.list(node, inner);
                    match items.last_mut() {
                        Some(item) if inner.lists < MAX_LISTS => item.children.extend(children),
                        _ => items.extend(children),
                    }
                    rest.extend(more);
                }
                _ if node.descendants().any(|node| is(node, "li")) => {
                    let (more_items, more) = self.list(node, context.deeper());
                    items.extend(more_items);
                    rest.extend(more);
                }
                _ => {
                    let mut words = Words::default();
                    let mut pieces = Vec::new();
                    self.child(node, inner, &mut words, &mut pieces);
                    words.flush(&mut pieces);
                    rest.extend(pieces.into_iter().filter_map(|piece| match piece {
                        Piece::Block(block) => Some(block),
                        Piece::Heading(_) => None,
                    }));
                }
            }
        }
        (items, rest)
    }

    fn rows(&self, node: At<'_>, context: Context, rows: &mut Vec<Vec<Text>>, captions: &mut Vec<Text>) {
        if context.depth > MAX_RECURSION {
            return;
        }
        for child in node.children() {
            let Some(element) = child.value().as_element() else { continue };
            match element.name() {
                "tr" => {
                    let cells = child.children().filter(|cell| is(*cell, "td") || is(*cell, "th"));
                    let row: Vec<_> = cells.map(|cell| self.text(cell, context)).collect();
                    if !row.is_empty() {
                        rows.push(row);
                    }
                }
                "caption" => captions.push(self.text(child, context)),
                _ => self.rows(child, context.deeper(), rows, captions),
            }
        }
        captions.retain(|caption| !caption.plain.is_empty());
    }

    fn terms(&mut self, list: At<'_>, entries: Vec<Entry<'_>>, context: Context, out: &mut Vec<Piece>) {
        let is_route = |entry: &Entry<'_>| match entry {
            Entry::Term(term) => {
                has_class(*term, "sig")
                    || has_class(*term, "sig-object")
                    || is_signature(&self.text(*term, context).plain)
            }
            Entry::Body(_) | Entry::Other(_) => false,
        };
        let field_list = has_class(list, "field-list");
        if !field_list && (has_class(list, "http") || entries.iter().any(is_route)) {
            for entry in entries {
                match entry {
                    Entry::Term(term) => out.extend(self.route(list, term, context)),
                    Entry::Body(body) => self.flow(body, Context { route: true, ..context }, out),
                    Entry::Other(node) => self.child(node, context, &mut Words::default(), out),
                }
            }
        } else if field_list || context.route {
            self.fields(entries, context, out);
        } else {
            let (mut items, mut rest) = (Vec::new(), Vec::new());
            for (term, blocks) in self.grouped(entries, context) {
                let line = term.map(|term| self.line(term)).or(blocks.first().map(|block| block.line));
                let text = term.map(|term| self.text(term, context)).unwrap_or_default();
                let line = line.unwrap_or_else(|| self.line(list));
                let title = Block { line, kind: Kind::Paragraph(text) };
                let (item, more) = fold_item(line, std::iter::once(title).chain(blocks).collect());
                items.extend(item);
                rest.extend(more);
            }
            if !items.is_empty() {
                out.push(Piece::Block(Block { line: self.line(list), kind: Kind::List(items) }));
            }
            out.extend(rest.into_iter().map(Piece::Block));
        }
    }

    fn route(&self, list: At<'_>, term: At<'_>, context: Context) -> Option<Piece> {
        let words = self.text(term, context).plain;
        // Themes may set the two apart without a space.
        let signature = match method_of(&words) {
            Some((method, path)) => format!("{method} {path}"),
            None => words,
        };
        let anchor = term.descendants().find_map(id).or_else(|| id(list)).unwrap_or_default().to_owned();
        let line = self.line(term);
        (!signature.is_empty()).then_some(Piece::Block(Block { line, kind: Kind::Route { signature, anchor } }))
    }

    fn fields(&mut self, entries: Vec<Entry<'_>>, context: Context, out: &mut Vec<Piece>) {
        for (term, blocks) in self.grouped(entries, context) {
            let first = blocks.first().map(|block| block.line);
            let line = term.map(|term| self.line(term)).or(first).unwrap_or(1);
            let words = term.map(|term| self.text(term, context)).unwrap_or_default().plain;
            let name = words.trim_end_matches(|c: char| c == ':' || c.is_whitespace()).to_owned();
            let (mut items, mut rest) = (Vec::new(), Vec::new());
            if blocks.iter().any(|block| matches!(block.kind, Kind::List(_))) {
                for block in blocks {
                    match block.kind {
                        Kind::List(more) => items.extend(more),
                        _ => rest.push(block),
                    }
                }
            } else {
                let (item, more) = fold_item(first.unwrap_or(line), blocks);
                items.extend(item);
                rest = more;
            }
            out.push(Piece::Block(Block { line, kind: Kind::Fields { name, items } }));
            out.extend(rest.into_iter().map(Piece::Block));
        }
    }

    /// Each term with the blocks that belong to it.
    fn grouped<'n>(&mut self, entries: Vec<Entry<'n>>, context: Context) -> Vec<(Option<At<'n>>, Vec<Block>)> {
        let mut groups: Vec<(Option<At<'n>>, Vec<Block>)> = Vec::new();
        for entry in entries {
            let (Entry::Body(node) | Entry::Other(node)) = entry else {
                if let Entry::Term(term) = entry {
                    groups.push((Some(term), Vec::new()));
                }
                continue;
            };
            let blocks = self.blocks(node, context);
            match groups.last_mut() {
                Some((_, more)) => more.extend(blocks),
                None => groups.push((None, blocks)),
            }
        }
        groups
    }
}

/// Terms and their bodies, through whatever wraps them.
fn terms<'a>(node: At<'a>, depth: usize, entries: &mut Vec<Entry<'a>>) {
    for child in node.children() {
        match child.value().as_element().map(Element::name) {
            Some("dt") => entries.push(Entry::Term(child)),
            Some("dd") => entries.push(Entry::Body(child)),
            Some(name) if name != "dl" && depth < MAX_RECURSION => {
                if child.descendants().any(|node| is(node, "dt") || is(node, "dd")) {
                    terms(child, depth + 1, entries);
                } else {
                    entries.push(Entry::Other(child));
                }
            }
            Some(_) => entries.push(Entry::Other(child)),
            None => {}
        }
    }
}

/// The text of code, as it stands.
fn raw(node: At<'_>, depth: usize, out: &mut String) {
    for child in node.children() {
        match child.value() {
            Node::Text(text) => out.push_str(text),
            Node::Element(element) if depth < MAX_RECURSION => match hidden_email(element) {
                Some(email) => out.push_str(&email),
                None if matches!(element.name(), "script" | "style" | "button") => {}
                None if has_class(child, "linenos") || has_class(child, "lineno") => {}
                None if element.name() == "br" => out.push('\n'),
                None => raw(child, depth + 1, out),
            },
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const PAGE: &str = r##"<html><body><nav>menu</nav><div role="main">
<p>intro</p>
<section id="top"><h1>Top<a class="headerlink" href="#top">¶</a></h1>
<p>A <strong>bold
 word</strong> and <code class="x"><span>POST</span> <span>/api/t</span></code>.</p>
<section id="in"><h2>In &amp; out<a href="#in"><i class="fa"></i></a></h2>
<ul><li><p>one <code>a</code></p><ul><li>in</li></ul></li><li>two<pre>x</pre></li></ul>
<dl class="http post"><dt class="sig sig-object http" id="post--t">
<span>POST </span><span>/t</span><a class="headerlink" href="#post--t">¶</a></dt>
<dd><p>Sends.</p>
<dl class="field-list"><dt>Form<span>:</span></dt>
<dd><ul><li><strong>a</strong> – first</li><li><strong>b</strong></li></ul></dd>
<dt>Status:</dt><dd><p><strong>200</strong> – fine</p></dd></dl></dd></dl>
<div class="admonition"><p>Note</p><div class="highlight"><pre><span></span>

  {"e": "<a class="__cf_email__" data-cfemail="5f2a2c3a2d1f3a273e322f333a713c3032">[email&#160;protected]</a>"}
    &lt;x&gt;
</pre></div></div>
<table><thead><tr><th><p>h</p></th><th>i</th></tr></thead>
<tbody><tr><td><p><code>1</code></p></td><td>2</td></tr></tbody></table>
</section></section></div><footer>foot</footer></body></html>"##;

    fn text(plain: &str, code: &[&str], strong: &[&str]) -> Text {
        let own = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
        Text { plain: plain.to_owned(), code: own(code), strong: own(strong) }
    }

    fn item(text: Text, children: Vec<Item>) -> Item {
        Item { line: 0, text, children }
    }

    /// Without lines, which wrappers may change.
    fn bare(document: Document) -> Vec<(Text, String, Vec<Kind>)> {
        fn bare_items(items: Vec<Item>) -> Vec<Item> {
            items.into_iter().map(|item| Item { line: 0, children: bare_items(item.children), ..item }).collect()
        }
        let kind = |block: Block| match block.kind {
            Kind::List(items) => Kind::List(bare_items(items)),
            Kind::Fields { name, items } => Kind::Fields { name, items: bare_items(items) },
            kind => kind,
        };
        let section = |s: Section| (s.title, s.anchor, s.blocks.into_iter().map(kind).collect());
        document.sections.into_iter().map(section).collect()
    }

    fn page() -> Vec<(Text, String, Vec<Kind>)> {
        bare(parse("t", PAGE))
    }

    #[test]
    fn everything() {
        let plain = |plain| text(plain, &[], &[]);
        let strong = |plain, strong| item(text(plain, &[], &[strong]), Vec::new());
        assert_eq!(
            page(),
            [
                (plain(""), String::new(), vec![Kind::Paragraph(plain("intro"))]),
                (
                    plain("Top"),
                    "top".to_owned(),
                    vec![Kind::Paragraph(text("A bold word and POST /api/t.", &["POST /api/t"], &["bold word"]))]
                ),
                (
                    plain("In & out"),
                    "in".to_owned(),
                    vec![
                        Kind::List(vec![
                            item(text("one a", &["a"], &[]), vec![item(plain("in"), Vec::new())]),
                            item(plain("two"), Vec::new())
                        ]),
                        Kind::Code("x".to_owned()),
                        Kind::Route { signature: "POST /t".to_owned(), anchor: "post--t".to_owned() },
                        Kind::Paragraph(plain("Sends.")),
                        Kind::Fields {
                            name: "Form".to_owned(),
                            items: vec![strong("a – first", "a"), strong("b", "b")]
                        },
                        Kind::Fields { name: "Status".to_owned(), items: vec![strong("200 – fine", "200")] },
                        Kind::Paragraph(plain("Note")),
                        Kind::Code("  {\"e\": \"user@example.com\"}\n    <x>".to_owned()),
                        Kind::Table(vec![vec![plain("h"), plain("i")], vec![text("1", &["1"], &[]), plain("2")]]),
                    ]
                ),
            ]
        );
        let sections = parse("t", PAGE).sections;
        assert_eq!(sections.iter().map(|section| section.line).collect::<Vec<_>>(), [1, 3, 6]);
        let lines: Vec<_> = sections[2].blocks.iter().map(|block| block.line).collect();
        assert_eq!(lines, [7, 7, 8, 10, 11, 13, 14, 14, 19]);
    }

    /// What a new theme may do to the markup.
    fn disguises(page: &str) -> Vec<String> {
        let wrap = |name: &str| {
            page.replace(&format!("<{name}>"), &format!("<div><div class=\"w\"><{name}>"))
                .replace(&format!("<{name} "), &format!("<div><div class=\"w\"><{name} "))
                .replace(&format!("</{name}>"), &format!("</{name}></div></div>"))
        };
        let mut inside_items = String::new();
        for (at, part) in page.split("<li").enumerate() {
            inside_items.push_str(if at == 0 { "" } else { "<li" });
            let (tag, rest) = part.split_once('>').filter(|_| at > 0 && !part.starts_with("nk")).unwrap_or(("", part));
            inside_items.push_str(&if tag.len() + rest.len() < part.len() {
                format!("{tag}><div>{rest}")
            } else {
                part.to_owned()
            });
        }
        let inside_items = inside_items.replace("</li>", "</div></li>");
        vec![
            page.replace('\n', "\r\n"),
            page.replace("<p>", "<p class=\"new\">\n  ").replace("</p>", "\n</p>\n"),
            page.replace("<h2", "<h4").replace("</h2", "</h4").replace("<h1", "<h3").replace("</h1", "</h3"),
            page.replace("role=\"main\"", "").replace("itemprop=\"articleBody\"", "").replace("\"document\"", "\"x\""),
            page.replace("<section ", "<div class=\"section\" ").replace("</section>", "</div>"),
            page.replace("<section", "<div><section").replace("</section>", "</section></div>"),
            page.replace("<body", "<body><aside>x</aside><script>var x = '<p>';</script><header><p>y</p></header><div")
                .replace("</body", "</div></body"),
            page.replace("class=\"sig sig-object http\"", ""),
            page.replace("class=\"http post\"", "class=\"api\""),
            page.replace("<dl ", "<div><dl ").replace("</dl>", "</dl></div>"),
            page.replace("<dt", "<div><dt").replace("</dd>", "</dd></div>"),
            inside_items,
            page.replace("<body>", &format!("<body>{}", "<div>".repeat(50_000))),
            page.replace("</section>", "</section><nav><p>x</p></nav><div role=\"search\"><p>s</p></div>"),
            wrap("p"),
            wrap("ul"),
            wrap("pre"),
            wrap("table"),
        ]
    }

    #[test]
    fn theme_does_not_matter() {
        for (at, page) in disguises(PAGE).iter().enumerate() {
            assert_eq!(bare(parse("t", page)), self::page(), "{at}");
        }
    }

    #[test]
    fn anchors_and_terms() {
        let found = bare(parse(
            "t",
            "<main><h2 id=own>A</h2><section id=s><h3>B b</h3><h3>B b</h3></section><section><h4>B b</h4></section>
            <dl><dt>term</dt><dd><p>meaning</p><ul><li>x</li></ul></dd></dl>words <b>here</b></main>",
        ));
        assert_eq!(
            found.iter().map(|section| section.1.as_str()).collect::<Vec<_>>(),
            ["", "own", "s", "b-b", "b-b-1"]
        );
        let x = item(text("x", &[], &[]), Vec::new());
        assert_eq!(
            found[4].2,
            [
                Kind::List(vec![item(text("term meaning", &[], &[]), vec![x])]),
                Kind::Paragraph(text("words here", &[], &["here"]))
            ]
        );
    }

    #[test]
    fn garbage() {
        let start = Instant::now();
        let tags = "html body main div p ul li dl dt dd table tr td pre code b a h1 section template select svg math \
                    frameset form button script";
        for tag in tags.split_whitespace() {
            let deep = format!("<{tag}>").repeat(3000);
            for input in [
                deep.clone(),
                format!("{deep}x<p>y"),
                format!("<main>{deep}x{}", format!("</{tag}>").repeat(3000)),
                format!("<main><{tag} class=http><dt><dd>x").repeat(300),
                format!("<b><table><{tag}></b>x").repeat(300),
                format!("<{tag}"),
                format!("</{tag}>"),
            ] {
                parse("t", &input);
            }
        }
        for odd in
            ["", "\0", "\u{feff}", "<", "<!", "<!--", "<a b='", "&#x110000;&", "<i data-cfemail=zz>x", "<![CDATA["]
        {
            parse("t", odd);
        }
        let attributes: String = (0..200_000).map(|at| format!(" a{at}=1")).collect();
        assert_eq!(parse("t", &format!("<p{attributes}>x<h1>y</h1>")).sections.len(), 2);
        let words: Vec<&str> = PAGE.split_inclusive(['<', '>', ' ']).collect();
        let mut seed = 1_usize;
        for _ in 0..150 {
            let mut page = String::new();
            for _ in 0..150 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                page.push_str(words[(seed >> 33) % words.len()]);
            }
            parse("t", &page);
        }
        for end in (0..PAGE.len()).filter(|end| PAGE.is_char_boundary(*end)) {
            parse("t", &PAGE[..end]);
        }
        assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
    }

    #[test]
    fn deep() {
        for tag in ["div", "span", "p><b", "ul><li", "table><td", "dl><dd", "b", "p><b class=x><i", "section id=x"] {
            let start = Instant::now();
            let document = parse("t", &format!("<body>{}<h1>T</h1><p>words", format!("<{tag}>").repeat(50_000)));
            println!("{tag}: {:?}, {} sections", start.elapsed(), document.sections.len());
        }
    }

    #[test]
    fn real_pages() {
        for page in ["authentication.html", "disbursements.html", "index.html"] {
            let path = format!("{}/../../shared/live-docs/site/api/docs/{page}", env!("CARGO_MANIFEST_DIR"));
            let Ok(source) = std::fs::read_to_string(&path) else { return };
            let document = parse(page, &source);
            let lines: Vec<_> = source.lines().collect();
            let (mut blocks, mut routes, mut fields) = (0, 0, 0);
            for section in &document.sections[1..] {
                assert!(lines[section.line - 1].contains(&format!("#{}\"", section.anchor)), "{section:?}");
                let words = section.title.plain.split(['&', '`', ' ']).next().unwrap();
                assert!(lines[section.line - 1].contains(words), "{section:?}");
                for block in &section.blocks {
                    blocks += 1;
                    match &block.kind {
                        Kind::Route { anchor, .. } => {
                            assert!(lines[block.line - 1].contains(anchor));
                            routes += 1;
                        }
                        Kind::Fields { .. } => fields += 1,
                        Kind::Code(_) => assert!(lines[block.line - 1].contains("<pre>")),
                        _ => {}
                    }
                }
            }
            let whole = document.sections.len();
            println!("{page}: {whole} sections, {blocks} blocks, {routes} routes, {fields} fields");
            if std::env::var_os("OUTLINE").is_some() {
                println!("{document:#?}");
            }
            for (at, disguised) in disguises(&source).iter().enumerate() {
                assert_eq!(bare(parse(page, disguised)), bare(document.clone()), "{page} {at}");
            }
            for end in (0..source.len()).step_by(997).filter(|end| source.is_char_boundary(*end)) {
                parse(page, &source[..end]);
            }
        }
    }
}
