//! Reads a page of HTML as Sphinx makes it, with routes of its `http` domain; theme and wrappers do not matter.

mod element;
mod tree;

use std::collections::HashSet;

use ego_tree::NodeId;
use scraper::node::Element;
use scraper::{Html, Node, Selector};

use super::document::{Block, Item, Kind, Section, Slugs, Text, Words};
pub(crate) use element::is_heading;
use element::{At, has_class, hidden_email, id, is, is_block, is_left_out, is_list};
pub(crate) use tree::Tree;

/// Elements that hold the main content, the most telling first.
const MAIN: [&str; 6] = ["[itemprop~=articleBody]", "[role~=main]", "main", ".document", ".body", "body"];
const METHODS: &str = "GET POST PUT PATCH DELETE HEAD OPTIONS TRACE CONNECT ANY COPY";

/// The sections of a page; the first holds what stands before the first heading.
pub(crate) fn sections(tree: &Tree) -> Vec<Section> {
    let root = main_content(&tree.html);
    let whole_page = is(root, &["body"]) || root.value().as_element().is_none();
    let mut walker = Walker { tree, whole_page, slugs: Slugs::default(), headed: HashSet::new() };
    let mut out = vec![Section { line: 1, ..Section::default() }];
    walker.flow(root.children(), false, &mut out);
    out
}

fn main_content(html: &Html) -> At<'_> {
    let selectors = MAIN.iter().filter_map(|css| Selector::parse(css).ok());
    let mut found = selectors.filter_map(|selector| {
        html.select(&selector)
            .find(|element| element.text().any(|text| !text.trim().is_empty()))
            .map(|element| *element)
    });
    found.next().unwrap_or(html.tree.root())
}

/// Method and path of a route's signature, which themes may set apart without a space.
fn signature(words: &str) -> Option<(&str, &str)> {
    METHODS
        .split(' ')
        .find_map(|method| words.strip_prefix(method).map(|rest| (method, rest.trim_start())))
        .filter(|(_, rest)| rest.starts_with('/'))
}

/// Adds blocks to the section that is last.
fn put(out: &mut [Section], blocks: impl IntoIterator<Item = Block>) {
    if let Some(section) = out.last_mut() {
        section.blocks.extend(blocks);
    }
}

/// Adds a list, unless it is empty, and what its items could not hold.
fn put_list(out: &mut [Section], line: usize, (items, rest): (Vec<Item>, Vec<Block>)) {
    put(out, (!items.is_empty()).then_some(Block { line, kind: Kind::List(items) }));
    put(out, rest);
}

struct Walker<'a> {
    tree: &'a Tree,
    /// Whether no main content was found, so that more has to be left out.
    whole_page: bool,
    slugs: Slugs,
    /// Sections that a heading was found in.
    headed: HashSet<NodeId>,
}

impl<'a> Walker<'a> {
    fn skips(&self, element: &Element, node: At<'a>) -> bool {
        is_left_out(element, node) || self.whole_page && matches!(element.name(), "header" | "aside")
    }

    /// Adds what is in the nodes, headings and blocks.
    fn flow(&mut self, nodes: impl IntoIterator<Item = At<'a>>, in_route: bool, out: &mut Vec<Section>) {
        let mut words = Words::default();
        for node in nodes {
            self.node(node, in_route, &mut words, out);
        }
        put(out, words.paragraph());
    }

    /// The blocks of a place that cannot hold sections.
    fn blocks(&mut self, nodes: impl IntoIterator<Item = At<'a>>, in_route: bool) -> Vec<Block> {
        let mut sections = vec![Section::default()];
        self.flow(nodes, in_route, &mut sections);
        let blocks = sections.into_iter().enumerate().flat_map(|(at, Section { title, line, blocks, .. })| {
            let title = (at > 0).then_some(Block { line, kind: Kind::Paragraph(title) });
            title.into_iter().chain(blocks)
        });
        blocks.collect()
    }

    /// Adds to the words between blocks, or ends them as a paragraph before a block.
    fn node(&mut self, node: At<'a>, in_route: bool, words: &mut Words, out: &mut Vec<Section>) {
        let line = self.tree.line(node);
        let element = match node.value() {
            Node::Text(text) if text.trim().is_empty() => return words.push(text),
            Node::Text(text) => return words.at(line).push(text),
            Node::Element(element) if !self.skips(element, node) => element,
            _ => return,
        };
        let name = element.name();
        let has_blocks =
            || node.descendants().any(|node| node.value().as_element().is_some_and(|it| is_block(it.name())));
        if !is_block(name) && !has_blocks() {
            return self.words(node, words.at(line));
        }
        put(out, words.paragraph());
        match name {
            _ if is_heading(name) => {
                let title = self.text(node);
                let anchor = self.anchor(node, &title);
                out.push(Section { title, anchor, line, blocks: Vec::new() });
            }
            "pre" | "listing" | "xmp" | "plaintext" => {
                let mut code = String::new();
                raw(node, &mut code);
                put(out, (!code.trim().is_empty()).then(|| Block { line, kind: Kind::code(&code) }));
            }
            _ if is_list(node) => put_list(out, line, self.list(node, in_route)),
            "dl" => self.terms(node, in_route, out),
            "table" if has_class(node, "field-list") => {
                let cells = node.descendants().filter(|node| is(*node, &["th", "td"])).collect();
                self.fields(cells, in_route, out);
            }
            // Sphinx sets code with numbers of lines so.
            "table" if !has_class(node, "highlighttable") => self.table(node, out),
            _ => self.flow(node.children(), in_route, out),
        }
    }

    fn table(&self, table: At<'a>, out: &mut [Section]) {
        let line = self.tree.line(table);
        let mut rows = Vec::new();
        for part in self.parts(table, &["tr", "caption"], |_| false) {
            if is(part, &["caption"]) {
                let caption = Some(self.text(part)).filter(|text| !text.plain.is_empty());
                put(out, caption.map(|text| Block { line, kind: Kind::Paragraph(text) }));
            } else if is(part, &["tr"]) {
                let cells = part.children().filter(|cell| is(*cell, &["td", "th"]));
                rows.push(cells.map(|cell| self.text(cell)).collect::<Vec<Text>>());
            }
        }
        rows.retain(|row| !row.is_empty());
        put(out, (!rows.is_empty()).then_some(Block { line, kind: Kind::Table(rows) }));
    }

    fn text(&self, node: At<'a>) -> Text {
        let mut words = Words::default();
        node.children().for_each(|child| self.words(child, &mut words));
        words.take()
    }

    fn words(&self, node: At<'a>, words: &mut Words) {
        let element = match node.value() {
            Node::Text(text) => return words.push(text),
            Node::Element(element) if !self.skips(element, node) => element,
            _ => return,
        };
        if let Some(email) = hidden_email(element) {
            return words.push(&email);
        }
        let name = element.name();
        let is_code = matches!(name, "code" | "tt" | "pre") || has_class(node, "literal");
        let is_strong = matches!(name, "strong" | "b");
        let space = if is_block(name) || name == "br" { " " } else { "" };
        words.push(space);
        words.part(is_code, is_strong, |words| node.children().for_each(|child| self.words(child, words)));
        words.push(space);
    }

    /// Sphinx gives the `id` to the section; a link may as well go to the heading.
    fn anchor(&mut self, heading: At<'a>, title: &Text) -> String {
        let is_section = |node: &At<'_>| is(*node, &["section"]) || is(*node, &["div"]) && has_class(*node, "section");
        let mut nearest = None;
        for section in heading.ancestors().filter(is_section) {
            if let Some(id) = id(section) {
                let first = self.headed.insert(section.id());
                nearest.get_or_insert((id, first));
            }
        }
        let section = nearest.filter(|(_, first)| *first).map(|(id, _)| id);
        section.or_else(|| id(heading)).map_or_else(|| self.slugs.of(&title.plain), str::to_owned)
    }

    /// Elements with these names and those beside them, through whatever wraps them, but not through `whole` ones.
    fn parts(&self, node: At<'a>, names: &[&str], whole: fn(At<'_>) -> bool) -> Vec<At<'a>> {
        let mut parts = Vec::new();
        for child in node.children() {
            let Some(element) = child.value().as_element() else { continue };
            if self.skips(element, child) {
                continue;
            }
            let is_part = is(child, names) || whole(child) || !child.descendants().any(|node| is(node, names));
            if is_part { parts.push(child) } else { parts.extend(self.parts(child, names, whole)) }
        }
        parts
    }

    /// The items, and the blocks in them that an item cannot hold.
    fn list(&mut self, list: At<'a>, in_route: bool) -> (Vec<Item>, Vec<Block>) {
        let (mut items, mut rest) = (Vec::<Item>::new(), Vec::new());
        for node in self.parts(list, &["li"], is_list) {
            if is(node, &["li"]) {
                let (item, more) = Item::of(self.tree.line(node), self.blocks(node.children(), in_route));
                items.extend(item);
                rest.extend(more);
            } else if is_list(node) {
                // Not allowed here, but browsers show it as a list in the item before.
                let (children, more) = self.list(node, in_route);
                match items.last_mut() {
                    Some(item) => item.children.extend(children),
                    None => items.extend(children),
                }
                rest.extend(more);
            } else {
                rest.extend(self.blocks([node], in_route));
            }
        }
        (items, rest)
    }

    fn terms(&mut self, list: At<'a>, in_route: bool, out: &mut Vec<Section>) {
        let parts = self.parts(list, &["dt", "dd"], |node| is(node, &["dl"]));
        let is_route = |node: &At<'a>| {
            let words = || self.text(*node).plain;
            // Themes may lack Sphinx's classes.
            let is_signature =
                |words: &str| signature(words).is_some_and(|(_, path)| words.contains(' ') && !path.contains(' '));
            is(*node, &["dt"]) && (has_class(*node, "sig") || has_class(*node, "sig-object") || is_signature(&words()))
        };
        let field_list = has_class(list, "field-list");
        if !field_list && (has_class(list, "http") || parts.iter().any(is_route)) {
            for node in parts {
                match node.value().as_element().map(Element::name) {
                    Some("dt") => put(out, self.route(list, node)),
                    Some("dd") => self.flow(node.children(), true, out),
                    _ => self.flow([node], in_route, out),
                }
            }
        } else if field_list || in_route {
            self.fields(parts, in_route, out);
        } else {
            let (mut items, mut rest) = (Vec::new(), Vec::new());
            for (line, term, blocks) in self.groups(parts, in_route) {
                let term = Block { line, kind: Kind::Paragraph(term) };
                let (item, more) = Item::of(line, std::iter::once(term).chain(blocks).collect());
                items.extend(item);
                rest.extend(more);
            }
            put_list(out, self.tree.line(list), (items, rest));
        }
    }

    fn route(&self, list: At<'a>, term: At<'a>) -> Option<Block> {
        let words = self.text(term).plain;
        let signature = signature(&words).map_or(words.clone(), |(method, path)| format!("{method} {path}"));
        let anchor = term.descendants().find_map(id).or_else(|| id(list)).unwrap_or_default().to_owned();
        let line = self.tree.line(term);
        (!signature.is_empty()).then_some(Block { line, kind: Kind::Route { signature, anchor } })
    }

    fn fields(&mut self, parts: Vec<At<'a>>, in_route: bool, out: &mut [Section]) {
        for (line, term, blocks) in self.groups(parts, in_route) {
            let name = term.plain.trim_end_matches(|c: char| c == ':' || c.is_whitespace()).to_owned();
            let is_list = |block: &Block| matches!(block.kind, Kind::List(_));
            let (items, rest) = if blocks.iter().any(is_list) {
                let (lists, rest) = blocks.into_iter().partition(is_list);
                let (item, _) = Item::of(line, lists);
                (item.map_or_else(Vec::new, |item| item.children), rest)
            } else {
                let (item, rest) = Item::of(blocks.first().map_or(line, |block| block.line), blocks);
                (Vec::from_iter(item), rest)
            };
            put(out, [Block { line, kind: Kind::Fields { name, items } }]);
            put(out, rest);
        }
    }

    /// Terms (`dt`, `th`) with their lines and the blocks that belong to them.
    fn groups(&mut self, parts: Vec<At<'a>>, in_route: bool) -> Vec<(usize, Text, Vec<Block>)> {
        let mut groups: Vec<(usize, Text, Vec<Block>)> = Vec::new();
        for node in parts {
            if is(node, &["dt", "th"]) {
                groups.push((self.tree.line(node), self.text(node), Vec::new()));
                continue;
            }
            let blocks = if is(node, &["dd", "td"]) {
                self.blocks(node.children(), in_route)
            } else {
                self.blocks([node], in_route)
            };
            match (groups.last_mut(), blocks.first()) {
                (Some((_, _, more)), _) => more.extend(blocks),
                (None, Some(first)) => groups.push((first.line, Text::default(), blocks)),
                (None, None) => {}
            }
        }
        groups
    }
}

/// The text of code, verbatim.
fn raw(node: At<'_>, out: &mut String) {
    for child in node.children() {
        match child.value() {
            Node::Text(text) => out.push_str(text),
            Node::Element(element) => match hidden_email(element) {
                Some(email) => out.push_str(&email),
                None if matches!(element.name(), "script" | "style" | "button") => {}
                None if has_class(child, "linenos") || has_class(child, "lineno") => {}
                None if element.name() == "br" => out.push('\n'),
                None => raw(child, out),
            },
            _ => {}
        }
    }
}
