//! Paragraphs: labels of what follows, names that stand anywhere, and what sentences say of a field.

use super::{
    Reader, Role,
    knowledge::Known,
    names::{host_and_path, is_path, is_version, words},
    vocabulary::{ERROR_CODES, FIELDS, GUARANTEE, is},
};
use crate::check::{
    document::Text,
    fact::{Direction, Fact, Field, List},
};

impl Reader<'_> {
    pub(super) fn paragraph(&mut self, text: &Text) {
        self.note_words(text);
        let lower = text.plain.to_lowercase();
        if refers_to_other_fields(&lower, text) {
            self.understood();
        }
        if let Some(array) = self.each_of(&lower) {
            self.here.prefix = format!("{array}[].");
            if matches!(self.here.role, None | Some(Role::Prose | Role::Values(_))) {
                self.here.role = Some(Role::Fields(Direction::Response, lower.contains(GUARANTEE)));
            }
            return;
        }
        let is_label = text.plain.trim_end().ends_with(':') || text.strong.len() == 1 && text.strong[0] == text.plain;
        let mut role = Role::of(&lower);
        if is_label && role == Role::Prose {
            role = self.short_label(&lower).unwrap_or(role);
        }
        // Plain words between a label and its list leave the label as it is.
        if is_label || role != Role::Prose || self.here.role.is_none() {
            self.here.label.clone_from(&lower);
            self.here.prefix.clear();
            if self.here.operation.is_none() && matches!(role, Role::Fields(..)) {
                self.here.operation = self.by_words(&lower).filter(|_| lower.contains("schema is"));
            }
            if let (Role::Parameters, [name]) = (&role, text.code.as_slice()) {
                self.entry(&role, name);
            }
            // A subheading such as "Example" does not change what the section is about.
            self.here.role = Some(role);
        }
        self.claims(text, None);
    }

    /// "Optional fields:" of an operation without a request body, and "Possible statuses:".
    fn short_label(&self, lower: &str) -> Option<Role> {
        let operation = self.here.operation.as_ref().filter(|_| self.here.own_section)?;
        let words: Vec<&str> = words(lower).filter(|word| !word.is_empty()).collect();
        let last = words.last().filter(|_| words.len() <= 3)?;
        if is(last, FIELDS) && operation.starts_with("GET ") {
            return Some(Role::Fields(Direction::Response, false));
        }
        self.in_words(operation, lower).filter(|_| last.ends_with('s')).map(Role::Values)
    }

    /// The array of this section that "each quote item includes:" or "for every recipient:" speaks of.
    fn each_of(&self, lower: &str) -> Option<String> {
        let words: Vec<&str> = words(lower).filter(|word| !word.is_empty()).collect();
        let speaks = lower.trim_end().ends_with(':') && words.iter().any(|word| ["each", "every"].contains(word));
        let named =
            |array: &&String| words.iter().any(|word| word.trim_end_matches('s') == array.trim_end_matches('s'));
        self.here.listed.iter().rev().filter(|_| speaks).find(named).cloned()
    }

    /// Facts that stand anywhere in running text.
    pub(super) fn mentions(&mut self, text: &Text) {
        let is_constant = |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        for code in text.code.iter().filter(|code| is_constant(code)) {
            if self.knowledge.variables.iter().any(|prefix| code.starts_with(prefix.as_str())) {
                self.state_listed(List::Variable, code);
            }
        }
        for path in text.code.iter().filter(|code| is_path(code) && (code.contains('.') || code.contains("[]"))) {
            self.state(Fact::Mention(path.clone()));
        }
        for word in words(&text.plain) {
            if ERROR_CODES.iter().any(|start| word.starts_with(start)) && is_constant(word) {
                self.state_listed(List::ErrorCode, word);
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
            if self.knowledge.hosts.contains(host) && versioned || is_base(path) {
                self.state_listed(List::BaseUrl, url);
            }
        }
    }

    /// The side of the operation that the words here are about.
    pub(super) fn direction(&self) -> Direction {
        match self.here.role {
            Some(Role::Fields(direction, _)) => direction,
            _ => Direction::Request,
        }
    }

    /// The field with named values that "Status values:" speaks of.
    pub(super) fn in_words(&self, operation: &str, text: &str) -> Option<Field> {
        let lower = text.to_lowercase();
        let words = words(&lower).collect::<Vec<_>>();
        let candidates = (0..words.len()).flat_map(|at| [words.get(at..at + 2), words.get(at..at + 1)]);
        let find = |name: &str| self.knowledge.find(operation, name, self.direction());
        let fields = candidates.flatten().map(|words| words.join("_")).filter_map(|name| {
            // In the plural, or as it is.
            [name.strip_suffix("es"), name.strip_suffix('s'), Some(&name)].into_iter().flatten().find_map(find)
        });
        fields.into_iter().find(|field| self.knowledge.field(field) == Some(Known::Enum))
    }
}

/// "Same top-level fields as …", "the `X` shape".
pub(super) fn refers_to_other_fields(lower: &str, text: &Text) -> bool {
    lower.contains("same top-level fields") || lower.contains("shape") && !text.code.is_empty()
}
