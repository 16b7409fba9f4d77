//! Reads the facts out of a page: which headings, lists, tables and code blocks say what about which operation.

mod claims;
mod code;
mod knowledge;
mod lists;
mod names;
mod prose;
mod sections;
mod tables;
mod vocabulary;

use std::collections::BTreeSet;

use super::{
    document::{Document, Text},
    fact::{Direction, Example, Fact, Field, List, Stated},
};
use crate::report::DocPlace;
pub(crate) use knowledge::Knowledge;
use knowledge::Known;
pub(crate) use names::find;
pub(crate) use vocabulary::EVERYDAY_HEADERS;
use vocabulary::{GUARANTEE, PROTOCOL, ROLES, holds, type_of};

/// Something in a page that the extractor could not make sense of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Puzzle {
    pub(crate) message: String,
    pub(crate) place: DocPlace,
}

/// A heading, or the operation below it, and what is said there.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Part {
    pub(crate) heading: String,
    pub(crate) anchor: String,
    pub(crate) line: usize,
    /// The operation that has this section to itself.
    pub(crate) operation: Option<String>,
    /// Whether it says anything of the operation that could be checked.
    pub(crate) is_understood: bool,
    /// Index of the first of its facts.
    pub(crate) first_fact: usize,
    /// Number of its JSON examples.
    pub(crate) examples: usize,
    /// Its sentences in running text, list items and cells.
    pub(crate) sentences: Vec<Sentence>,
}

/// What a paragraph, a list item or a cell says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sentence {
    pub(crate) words: String,
    /// Names of fields and values in it, set as code.
    pub(crate) names: Vec<String>,
}

/// Everything that a page says.
#[derive(Debug, Default)]
pub(crate) struct Extracted {
    pub(crate) facts: Vec<Stated>,
    pub(crate) examples: Vec<Example>,
    pub(crate) parts: Vec<Part>,
    pub(crate) puzzles: Vec<Puzzle>,
}

impl Extracted {
    /// Each part with its facts.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Part, &[Stated])> {
        let ends = self.parts.iter().skip(1).map(|next| next.first_fact).chain([self.facts.len()]);
        let facts = |part: &Part, end| self.facts.get(part.first_fact..end).unwrap_or_default();
        self.parts.iter().zip(ends).map(move |(part, end)| (part, facts(part, end)))
    }

    /// Number of operations that have a section of their own.
    pub(crate) fn sections(&self) -> usize {
        self.parts.iter().filter(|part| part.operation.is_some()).count()
    }

    /// Number of those that say anything.
    pub(crate) fn understood(&self) -> usize {
        self.parts.iter().filter(|part| part.operation.is_some() && part.is_understood).count()
    }
}

/// What the words before a list or a code block say that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Role {
    Parameters,
    /// Fields, and whether they are guaranteed.
    Fields(Direction, bool),
    /// Values of the field.
    Values(Field),
    NotGuaranteed,
    NotExposed,
    Exposed,
    /// Words about a response, with names and whole bodies set as code.
    ResponseNotes,
    Prose,
}

impl Role {
    /// What words say that follows.
    fn of(lower: &str) -> Self {
        match ROLES.iter().find(|(words, _)| holds(lower, words)).map(|(_, role)| role.clone()) {
            Some(Self::Fields(Direction::Request, _)) if lower.contains(PROTOCOL) => Self::Prose,
            Some(Self::Fields(direction, _)) => Self::Fields(direction, lower.contains(GUARANTEE)),
            role => role.unwrap_or(Self::Prose),
        }
    }
}

pub(crate) fn extract(document: &Document, knowledge: &Knowledge) -> Extracted {
    let mut reader = Reader { page: &document.name, knowledge, found: Extracted::default(), here: Here::default() };
    for section in &document.sections {
        reader.section(section);
    }
    reader.leave_operation();
    reader.found
}

/// Where the reader is.
#[derive(Default)]
struct Here {
    heading: String,
    anchor: String,
    line: usize,
    operation: Option<String>,
    /// Whether the operation has this section to itself, and is not only spoken of.
    own_section: bool,
    label: String,
    role: Option<Role>,
    prefix: String,
    /// Arrays that a list of this section named last, to know what "each item" is an item of.
    listed: Vec<String>,
    routes: Vec<String>,
    headers: Vec<String>,
    /// What the present block stated already.
    stated: BTreeSet<Fact>,
}

struct Reader<'a> {
    page: &'a str,
    knowledge: &'a Knowledge,
    found: Extracted,
    here: Here,
}

impl Reader<'_> {
    /// The operation that words such as "direct payment" mean.
    fn by_words(&self, lower: &str) -> Option<String> {
        let words = lower.replace(['-', '_'], " ");
        let named = self.knowledge.resources.iter().filter(|(name, _)| words.contains(*name));
        let (_, methods) = named.max_by_key(|(name, _)| name.len())?;
        let named = methods.iter().find(|(name, _)| words.split(' ').any(|word| word == name));
        named.or_else(|| methods.iter().find(|(name, _)| name == "create")).map(|(_, operation)| operation.clone())
    }

    fn place(&self) -> DocPlace {
        let Here { heading, anchor, line, .. } = &self.here;
        DocPlace { page: self.page.to_owned(), heading: heading.clone(), anchor: anchor.clone(), line: *line }
    }

    /// The section said something of its operation.
    fn understood(&mut self) {
        if let Some(part) = self.found.parts.last_mut() {
            part.is_understood = true;
        }
    }

    fn state(&mut self, fact: Fact) {
        // Once for each list, table or example: what one of several places drops must be missed too.
        if self.here.stated.insert(fact.clone()) {
            let place = self.place();
            self.found.facts.push(Stated { fact, place });
        }
    }

    fn state_listed(&mut self, list: List, name: impl Into<String>) {
        self.state(Fact::Listed(list, name.into()));
    }

    fn puzzle(&mut self, message: String) {
        let place = self.place();
        self.found.puzzles.push(Puzzle { message, place });
    }

    /// Reads what may stand anywhere in running text, and keeps the words, to tell later what was reworded.
    fn note_words(&mut self, text: &Text) {
        let words = text.plain.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = words.trim_end_matches([':', '.']).to_owned();
        if let Some(part) = self.found.parts.last_mut().filter(|_| !words.is_empty()) {
            let is_name = |code: &&String| names::is_path(code) && vocabulary::type_of(code).is_none();
            part.sentences.push(Sentence { words, names: text.code.iter().filter(is_name).cloned().collect() });
        }
        self.mentions(text);
    }

    // ------------------------------------------------------------ what is said of a field

    /// States an entry of a list or table of fields, or of parameters.
    fn entry(&mut self, role: &Role, name: &str) -> Option<Field> {
        let operation = self.here.operation.clone()?;
        let path = name.trim_end_matches("[]");
        self.understood();
        let Role::Fields(direction, guaranteed) = role else {
            self.state(Fact::Parameter(operation.clone(), name.to_owned()));
            return Some(Field::new(&operation, Direction::Request, path));
        };
        let field = Field::new(&operation, *direction, path);
        self.state(Fact::Field(field.clone()));
        if *guaranteed {
            self.state(Fact::Guaranteed(field.clone()));
        }
        Some(field)
    }

    /// States the type of a field, if the word is that of one.
    fn typed(&mut self, field: &Field, word: &str) {
        if let Some(kind) = vocabulary::type_of(&word.trim().to_lowercase()) {
            self.understood();
            self.state(Fact::Type(field.clone(), kind.to_owned()));
        }
    }

    fn value(&mut self, field: Field, value: String, is_sure: bool) {
        let known = self.knowledge.field(&field);
        // The name of a field is no value, and a word where types stand is none either.
        let is_other =
            || self.knowledge.find(&field.operation, &value, field.direction).is_some() || type_of(&value).is_some();
        if known == Some(Known::Enum) || is_sure && known != Some(Known::Other) && !is_other() {
            self.understood();
            self.state(Fact::Value(field, value));
        }
    }

    fn requirement(&mut self, field: Field, required: bool) {
        if field.direction == Direction::Response && required {
            return;
        }
        self.understood();
        if self.knowledge.field(&field).is_none() {
            self.state(Fact::Field(field.clone()));
        }
        self.state(if required { Fact::Required(field) } else { Fact::Optional(field) });
    }
}
