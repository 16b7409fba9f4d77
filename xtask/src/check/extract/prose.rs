//! Paragraphs: labels of what follows, names that stand anywhere, and what sentences say of a field.

use super::{
    Reader, Role,
    claims::{Claim, Said, said},
    knowledge::{Known, host_and_path},
    names::{is_path, is_version},
    sections::role,
    vocabulary::{ERROR_CODES, GUARANTEE, is_type},
};
use crate::check::{
    document::Text,
    fact::{Direction, Fact, Field, List},
};

impl Reader<'_> {
    pub(super) fn paragraph(&mut self, text: &Text) {
        self.hear(text);
        self.mentions(text);
        let lower = text.plain.to_lowercase();
        if refers_to_other_fields(&lower, text) {
            self.understood();
        }
        if let Some(array) = self.each_of(&lower) {
            self.here.prefix = format!("{array}[].");
            if self.here.role.is_none_or(|role| matches!(role, Role::Prose | Role::Values)) {
                self.here.role = Some(Role::Fields(Direction::Response, lower.contains(GUARANTEE)));
            }
            return;
        }
        let role = role(&lower);
        let is_label = text.plain.trim_end().ends_with(':') || text.strong.len() == 1 && text.strong[0] == text.plain;
        if !is_label && role == Role::Prose && self.here.role.is_some() {
            // Plain words between a label and its list.
            return self.claims(text, None);
        }
        self.here.label.clone_from(&lower);
        self.here.prefix.clear();
        if self.here.operation.is_none() && matches!(role, Role::Fields(..)) {
            self.here.operation = self.by_words(&lower).filter(|_| lower.contains("schema is"));
        }
        // A subheading such as "Example" does not change what the section is about.
        self.here.role = Some(role);
        if role == Role::Parameters && text.code.len() == 1 {
            self.parameter(&text.code[0].clone());
        }
        self.claims(text, None);
    }

    /// The array of this section that "each quote item includes:" or "for every recipient:" speaks of.
    fn each_of(&self, lower: &str) -> Option<String> {
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let speaks = lower.trim_end().ends_with(':') && words.iter().any(|word| ["each", "every"].contains(word));
        let singular = |word: &str| word.trim_end_matches('s').to_owned();
        let named = |array: &&String| words.iter().any(|word| !word.is_empty() && singular(word) == singular(array));
        self.here.listed.iter().rev().filter(|_| speaks).find(named).cloned()
    }

    /// Facts that stand anywhere in running text.
    pub(super) fn mentions(&mut self, text: &Text) {
        let is_constant = |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        for code in &text.code {
            let is_variable = self.knowledge.variables.iter().any(|prefix| code.starts_with(prefix.as_str()));
            if is_variable && is_constant(code) {
                self.state(Fact::Listed(List::Variable, code.clone()));
            }
        }
        for path in text.code.iter().filter(|code| is_path(code) && (code.contains('.') || code.contains("[]"))) {
            self.state(Fact::Mention(path.clone()));
        }
        for word in text.plain.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if ERROR_CODES.iter().any(|start| word.starts_with(start)) && is_constant(word) {
                self.state(Fact::Listed(List::ErrorCode, word.to_owned()));
            }
        }
        self.base_urls(&text.plain);
    }

    pub(super) fn base_urls(&mut self, text: &str) {
        for word in text.split(|c: char| c.is_whitespace() || "`\"'()<>,".contains(c)) {
            let url = word.trim_end_matches(['.', ':', ';', '/']);
            if !url.starts_with("https://") && !url.starts_with("http://") {
                continue;
            }
            let (host, path) = host_and_path(url);
            let is_base = |path: &str| self.knowledge.bases.contains(&format!("/{path}"));
            let versioned = !path.is_empty() && path.split('/').all(|part| is_base(part) || is_version(part));
            if self.knowledge.hosts.iter().any(|known| known == host) && versioned || is_base(path) {
                self.state(Fact::Listed(List::BaseUrl, url.to_owned()));
            }
        }
    }

    /// States what a text says of fields; of the subject, where it names none itself.
    pub(super) fn claims(&mut self, text: &Text, subject: Option<&Field>) {
        let Some(operation) = self.here.operation.clone() else { return };
        for Said { claim, names } in said(text) {
            let first = match self.here.role {
                Some(Role::Fields(direction, _)) => direction,
                _ => Direction::Request,
            };
            let known =
                names.iter().filter_map(|name| self.knowledge.find(&operation, name, first)).collect::<Vec<_>>();
            let mut fields = match subject {
                Some(subject) => vec![subject.clone()],
                None => known,
            };
            match claim {
                Claim::Required(required) => {
                    if fields.is_empty() && self.here.own_section {
                        fields.extend(names.first().map(|name| Field::new(&operation, first, name)));
                    }
                    for field in fields {
                        self.requirement(field, required);
                    }
                }
                Claim::Deprecated => match fields.into_iter().next() {
                    Some(field) => self.state(Fact::Deprecated(field.operation, Some(field.path))),
                    None if self.here.own_section && names.iter().all(|code| self.is_heading(code)) => {
                        self.state(Fact::Deprecated(operation.clone(), None));
                    }
                    None => {}
                },
                Claim::Value { value, is_sure } => {
                    fields.truncate(1);
                    let field = fields.pop().or_else(|| {
                        names
                            .first()
                            .filter(|_| is_sure && self.here.own_section)
                            .map(|name| Field::new(&operation, first, name))
                    });
                    let Some(field) = field else { continue };
                    self.value(field, value, is_sure);
                }
                Claim::ValuesFollow => {
                    let named = fields.into_iter().next().or_else(|| self.in_words(&operation, &text.plain, first));
                    if let Some(field) = named.filter(|field| self.takes_values(field)) {
                        self.here.role = Some(Role::Values);
                        self.here.values = Some(field);
                    }
                }
                Claim::Limit(bound, limit) => {
                    if let Some(field) = fields.into_iter().next() {
                        self.understood();
                        self.state(Fact::Limit(field, bound, limit));
                    }
                }
            }
        }
    }

    /// Whether this is the route of the section's own heading.
    fn is_heading(&self, code: &str) -> bool {
        self.knowledge.route(code) == self.here.operation
    }

    pub(super) fn takes_values(&self, field: &Field) -> bool {
        matches!(self.knowledge.field(field), Some(Known::Enum | Known::Text | Known::Parameter))
    }

    /// The field with named values that "Status values:" speaks of.
    pub(super) fn in_words(&self, operation: &str, text: &str, first: Direction) -> Option<Field> {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric() && c != '_').collect::<Vec<_>>();
        let candidates = (0..words.len()).flat_map(|at| [words.get(at..at + 2), words.get(at..at + 1)]);
        let names = candidates.flatten().map(|words| words.join("_"));
        let fields = names.filter_map(|name| {
            self.knowledge
                .find(operation, name.trim_end_matches("es"), first)
                .or_else(|| self.knowledge.find(operation, &name, first))
        });
        fields.into_iter().find(|field| self.knowledge.field(field) == Some(Known::Enum))
    }

    pub(super) fn value(&mut self, field: Field, value: String, is_sure: bool) {
        let known = self.knowledge.field(&field);
        // The name of a field is no value, and a word where types stand is none either.
        let is_field = self.knowledge.find(&field.operation, &value, field.direction).is_some();
        if known == Some(Known::Enum) || is_sure && !is_field && !is_type(&value) && known != Some(Known::Other) {
            self.understood();
            self.state(Fact::Value(field, value));
        }
    }

    pub(super) fn requirement(&mut self, field: Field, required: bool) {
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

/// "Same top-level fields as …", "the `X` shape".
pub(super) fn refers_to_other_fields(lower: &str, text: &Text) -> bool {
    lower.contains("same top-level fields") || lower.contains("shape") && !text.code.is_empty()
}
