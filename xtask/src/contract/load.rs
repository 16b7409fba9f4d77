//! Reads YAML or JSON in one pass: the value, and the line of each node.

use std::{borrow::Cow, collections::HashMap, fs, io::Read as _, path::Path};

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::{
    lines::{Lines, Node},
    pointer,
    scalar::scalar,
};

/// Longer than any document that somebody wrote.
pub(crate) const BYTES: u64 = 16_000_000;
/// Deeper than any document that somebody wrote.
const DEEPEST: usize = 128;
/// Nodes that anchors and aliases may repeat: a small text must not become a large document.
const REPEATED: usize = 1_000_000;

/// A document and its lines.
#[derive(Debug)]
pub(crate) struct Document {
    /// File name, or git reference and path, for messages.
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) lines: Lines,
}

impl Document {
    /// Line of a node, or of the nearest thing around it.
    pub(crate) fn line(&self, pointer: &str) -> usize {
        self.lines.line(pointer)
    }

    /// An error at a node.
    pub(crate) fn error(&self, pointer: &str, words: &str) -> Error {
        anyhow!("{}:{}: {words}", self.name, self.line(pointer))
    }
}

/// Reads a file that messages call `name`.
pub(crate) fn file(path: &Path, name: &str) -> Result<Document> {
    let mut bytes = Vec::new();
    let open = fs::File::open(path).with_context(|| format!("{name} cannot be read"))?;
    open.take(BYTES + 1).read_to_end(&mut bytes).with_context(|| format!("{name} cannot be read"))?;
    document(name, &text(name, bytes)?)
}

/// Checks the size and the encoding of a text.
pub(crate) fn text(name: &str, bytes: Vec<u8>) -> Result<String> {
    ensure!(bytes.len() as u64 <= BYTES, "{name} is too long: more than {BYTES} bytes");
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        anyhow!("{name}:{line}: it is no text in UTF-8")
    })
}

/// Reads a text; a text without a value is null.
///
/// # Errors
/// When it is neither YAML nor JSON, has a key twice in one map, or is too deep or too large.
pub(crate) fn document(name: &str, text: &str) -> Result<Document> {
    let text = text.trim_start_matches('\u{feff}');
    let text = if text.trim_start().starts_with('{') { without_surrogates(text) } else { text.into() };
    let mut reader = Reader::default();
    for event in Parser::new_from_str(&text) {
        let (event, span) = event.map_err(|error| {
            let (line, info) = (error.marker().line(), error.info());
            anyhow!("{name}:{line}: it is neither YAML nor JSON: {info}")
        })?;
        reader.event(event, span.start.line()).map_err(|error| anyhow!("{name}:{}: {error}", span.start.line()))?;
    }
    Ok(Document { name: name.to_owned(), value: reader.root, lines: reader.lines })
}

/// A collection that is being read.
struct Open {
    node: Node,
    anchor: usize,
    /// How many nodes were read before it.
    before: usize,
    /// Levels below it.
    height: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Value>),
    Map {
        entries: Map<String, Value>,
        /// The key whose value is next, and its line.
        key: Option<(String, usize)>,
        /// What a merge key (`<<`) brings, and its line.
        merged: Option<(Value, usize)>,
        is_merge: bool,
    },
}

/// A node to repeat, with its count of nodes and levels.
struct Anchored {
    value: Value,
    size: usize,
    height: usize,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    root: Value,
    lines: Lines,
    nodes: usize,
    repeated: usize,
    documents: usize,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<()> {
        self.nodes += 1;
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                ensure!(self.documents == 1, "it is neither YAML nor JSON: more than one document");
            }
            Event::Scalar(text, style, anchor, tag) if self.is_at_key() => {
                self.anchored(anchor, &Value::from(&*text), 1, 0)?;
                let is_merge = text == "<<" && style == ScalarStyle::Plain && tag.is_none();
                self.key(text.into_owned(), line, is_merge)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(text, style, tag.as_deref());
                self.anchored(anchor, &value, 1, 0)?;
                self.begin(line);
                self.end(value, 0)?;
            }
            Event::Alias(anchor) => {
                let Some(anchored) = self.anchors.get(&anchor) else {
                    bail!("an alias stands inside of its own anchor")
                };
                let (value, size, height) = (anchored.value.clone(), anchored.size, anchored.height);
                self.repeat(size)?;
                self.nodes += size;
                ensure!(self.open.len() + height <= DEEPEST, "{TOO_DEEP}");
                match value {
                    Value::String(key) if self.is_at_key() => self.key(key, line, false)?,
                    value => {
                        self.begin(line);
                        self.end(value, height)?;
                    }
                }
            }
            Event::SequenceStart(anchor, _) => self.open(anchor, line, Inside::List(Vec::new()))?,
            Event::MappingStart(anchor, _) => {
                let inside = Inside::Map { entries: Map::new(), key: None, merged: None, is_merge: false };
                self.open(anchor, line, inside)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn is_at_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { inside: Inside::Map { key: None, .. }, .. }))
    }

    fn open(&mut self, anchor: usize, line: usize, inside: Inside) -> Result<()> {
        ensure!(!self.is_at_key(), "{KEY_IS_NO_TEXT}");
        ensure!(self.open.len() < DEEPEST, "{TOO_DEEP}");
        let node = self.begin(line);
        self.open.push(Open { node, anchor, before: self.nodes, height: 0, inside });
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(Open { node, anchor, before, height, inside }) = self.open.pop() else { return Ok(()) };
        let value = match inside {
            Inside::List(items) => Value::Array(items),
            Inside::Map { mut entries, merged, .. } => {
                if let Some((merged, line)) = merged {
                    self.merge(merged, line, node, &mut entries)?;
                }
                Value::Object(entries)
            }
        };
        self.anchored(anchor, &value, self.nodes - before + 1, height + 1)?;
        self.end(value, height + 1)
    }

    fn key(&mut self, text: String, line: usize, merges: bool) -> Result<()> {
        let Some(Open { inside: Inside::Map { entries, key, merged, is_merge }, .. }) = self.open.last_mut() else {
            return Ok(());
        };
        if entries.contains_key(&text) || merges && merged.is_some() {
            bail!("the same key twice at {}/{}", self.pointer(), pointer::escape(&text));
        }
        (*key, *is_merge) = (Some((text, line)), merges);
        Ok(())
    }

    /// Notes the line of the value that begins.
    fn begin(&mut self, line: usize) -> Node {
        let (node, line) = match self.open.last() {
            Some(Open { node, inside: Inside::List(items), .. }) => (node.child(&items.len().to_string()), line),
            Some(Open { node, inside: Inside::Map { key: Some((key, line)), .. }, .. }) => (node.child(key), *line),
            _ => (Node::default(), line),
        };
        self.lines.of.insert(node, line);
        node
    }

    /// Puts a value where the collection around it waits for one.
    fn end(&mut self, value: Value, height: usize) -> Result<()> {
        let Some(open) = self.open.last_mut() else {
            self.root = value;
            return Ok(());
        };
        open.height = open.height.max(height);
        match &mut open.inside {
            Inside::List(items) => items.push(value),
            Inside::Map { entries, key, merged, is_merge } => {
                let Some((key, line)) = key.take() else { bail!("{KEY_IS_NO_TEXT}") };
                if *is_merge {
                    *merged = Some((value, line));
                } else {
                    entries.insert(key, value);
                }
            }
        }
        Ok(())
    }

    fn anchored(&mut self, anchor: usize, value: &Value, size: usize, height: usize) -> Result<()> {
        // 0 is no anchor.
        if anchor > 0 {
            self.repeat(size)?;
            self.anchors.insert(anchor, Anchored { value: value.clone(), size, height });
        }
        Ok(())
    }

    fn repeat(&mut self, size: usize) -> Result<()> {
        self.repeated += size;
        ensure!(self.repeated <= REPEATED, "it is neither YAML nor JSON: aliases repeat more than {REPEATED} nodes");
        Ok(())
    }

    /// Adds what a merge key brings; keys of the map itself stand.
    fn merge(&mut self, merged: Value, line: usize, node: Node, entries: &mut Map<String, Value>) -> Result<()> {
        let maps = match merged {
            Value::Array(maps) => maps,
            other => vec![other],
        };
        for map in maps {
            let Value::Object(map) = map else { bail!("a YAML merge key (`<<`) merges no map") };
            for (key, value) in map {
                self.lines.of.entry(node.child(&key)).or_insert(line);
                entries.entry(key).or_insert(value);
            }
        }
        Ok(())
    }

    /// Of the collection that is being read.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for open in self.open.iter().rev().skip(1).rev() {
            match &open.inside {
                Inside::List(items) => pointer.push_str(&format!("/{}", items.len())),
                Inside::Map { key: Some((key, _)), .. } => pointer::push(&mut pointer, key),
                Inside::Map { .. } => {}
            }
        }
        pointer
    }
}

const TOO_DEEP: &str = "it is neither YAML nor JSON: more than 128 levels";
const KEY_IS_NO_TEXT: &str = "it is neither YAML nor JSON: a key is no text";

/// JSON escapes one character beyond the first 65,536 as two, which YAML does not know.
fn without_surrogates(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") {
        return text.into();
    }
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        joined.push_str(&rest[..at]);
        rest = &rest[at..];
        let pair = unit(rest).zip(rest.get(6..).and_then(unit));
        let character = pair.and_then(|(high, low)| char::decode_utf16([high, low]).next()?.ok());
        let length = match character.filter(|character| character.len_utf16() == 2) {
            Some(character) => {
                joined.push(character);
                12
            }
            // The escape and what it escapes.
            None => {
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                joined.push_str(&rest[..length]);
                length
            }
        };
        rest = &rest[length..];
    }
    joined.push_str(rest);
    joined.into()
}
