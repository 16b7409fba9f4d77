//! What a sentence says of fields: their values, whether they are required, deprecated or bounded.

use super::{
    Reader, Role,
    names::{find, is_path, is_word},
    vocabulary::{
        ADVERBS, BOUND_FILLERS, CONDITIONS, DEPRECATED, ELSEWHERE, FAILURES, FIELD_FILLERS, FILLERS, GONE, HOLDS,
        MAXIMUM, MINIMUM, NEGATIONS, PRESENT, REQUIREMENTS, RESPONSE, RETURNED, STATES, VALUE_CUES, is, type_of,
    },
};
use crate::check::{
    document::Text,
    fact::{Bound, Direction, Fact, Field},
};

/// A word, or a part set as code or in bold.
#[derive(Debug, Clone, PartialEq)]
struct Word {
    text: String,
    is_code: bool,
    /// A comma, a colon or the like follows.
    ends: bool,
}

impl Word {
    fn is_name(&self) -> bool {
        self.is_code && is_path(&self.text)
    }

    fn is_value(&self) -> bool {
        self.is_code && self.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    }

    fn is_one_of(&self, words: &str) -> bool {
        !self.is_code && is(&self.text, words)
    }
}

/// Names of fields, the likeliest first, and values of them. No values: they follow in a list.
#[derive(Default)]
struct Listed {
    names: Vec<String>,
    /// Whether the words announce the value; otherwise only a field that has named values can have it.
    values: Vec<(String, bool)>,
}

impl Reader<'_> {
    /// States what a text says of the subject, or of the fields that it names.
    pub(super) fn claims(&mut self, text: &Text, subject: Option<&Field>) {
        let Some(operation) = self.here.operation.clone() else { return };
        let clauses = clauses(text);
        for (at, clause) in clauses.iter().enumerate() {
            let said = REQUIREMENTS.iter().find_map(|(cues, required)| Some((cue(clause, cues)?, *required)));
            if let Some(((start, end), required)) = said
                && !is_conditional(clause[..start].iter().chain(&clause[end..]))
            {
                let fields = self.named(&names_around(clause, (start, end)), subject, true);
                fields.into_iter().for_each(|field| self.requirement(field, required));
            }
            if subject.is_none() && self.here.own_section {
                let returned = returned(clause).into_iter().map(|name| (name, true));
                let present = self.present(clause, &operation).into_iter().map(|name| (name, false));
                for (name, is_sure) in returned.chain(present) {
                    let path = match self.knowledge.find(&operation, &name, Direction::Response) {
                        Some(known) if known.direction == Direction::Response => known.path,
                        // A field that only the request has may be present there.
                        Some(_) if !is_sure => continue,
                        _ => name,
                    };
                    self.entry(&Role::Fields(Direction::Response, false), &path);
                }
            }
            let introduces = at + 1 == clauses.len() && text.plain.trim_end().ends_with(':');
            for Listed { names, values } in listed(clause) {
                if values.is_empty() && introduces {
                    let named = self.named(&names, subject, false).into_iter().next();
                    let field = named.or_else(|| self.in_words(&operation, &text.plain));
                    let field = field.filter(|field| self.knowledge.takes_values(field));
                    self.here.role = field.map(Role::Values).or(self.here.role.take());
                }
                for (value, is_sure) in values {
                    if let Some(field) = self.named(&names, subject, is_sure).into_iter().next() {
                        self.value(field, value, is_sure);
                    }
                }
            }
            for (bound, limit, names) in limits(clause) {
                if let Some(field) = self.named(&names, subject, false).into_iter().next() {
                    self.understood();
                    self.state(Fact::Limit(field, bound, limit));
                }
            }
            if cue(clause, DEPRECATED).is_some_and(|(at, _)| !is_conditional(clause[..at].iter())) {
                let code: Vec<String> = clause.iter().filter(|it| it.is_code).map(|it| it.text.clone()).collect();
                let is_own = |code: &String| self.knowledge.route(code) == self.here.operation;
                match self.named(&code, subject, false).into_iter().next() {
                    Some(field) => self.state(Fact::Deprecated(field.operation, Some(field.path))),
                    // Only the route of the section's own heading may be named.
                    None if self.here.own_section && code.iter().all(is_own) => {
                        self.state(Fact::Deprecated(operation.clone(), None));
                    }
                    None => {}
                }
            }
        }
    }

    /// Fields that may be present, where the words are about the response.
    fn present(&self, clause: &[Word], operation: &str) -> Vec<String> {
        let has = |words: &str| clause.iter().any(|word| word.is_one_of(words));
        let is_of_response = match self.here.role {
            Some(Role::Fields(direction, _)) => direction == Direction::Response,
            Some(Role::ResponseNotes) => true,
            None | Some(Role::Prose | Role::Values(_)) => operation.starts_with("GET ") || has(RESPONSE),
            _ => false,
        };
        let cue = cue(clause, PRESENT).filter(|_| is_of_response && !has(ELSEWHERE) && !has(FAILURES));
        let Some((start, _)) = cue.filter(|_| !is_negated(clause)) else { return Vec::new() };
        // Not those of a condition before, such as "when sorted by `a`, `b` may be present".
        let is_conditional = is_conditional(clause[..start].iter());
        let near = clause[..start].iter().rev().take_while(|word| word.is_name() || word.is_one_of(FIELD_FILLERS));
        names(near.take_while(|word| !(word.ends && is_conditional)))
    }

    /// The subject, or else the fields of these names; a section of its own may name one that the contract lacks.
    fn named(&self, names: &[String], subject: Option<&Field>, may_be_new: bool) -> Vec<Field> {
        let (Some(operation), first) = (&self.here.operation, self.direction()) else { return Vec::new() };
        let mut fields: Vec<Field> = match subject {
            Some(subject) => vec![subject.clone()],
            None => names.iter().filter_map(|name| self.knowledge.find(operation, name, first)).collect(),
        };
        if fields.is_empty() && may_be_new && self.here.own_section {
            fields.extend(names.first().map(|name| Field::new(operation, first, name)));
        }
        fields
    }
}

/// Parts of a text in which one thing is said.
fn clauses(text: &Text) -> Vec<Vec<Word>> {
    let mut rest = text.plain.as_str();
    let mut marked = [text.code.as_slice(), text.strong.as_slice()];
    let (mut clauses, mut clause) = (Vec::new(), Vec::new());
    loop {
        // The next part set as code or in bold; one that holds several words is one word.
        let places = marked.iter().enumerate().filter_map(|(list, parts)| Some((find(rest, parts.first()?)?, list)));
        let next = places.min();
        for word in rest[..next.map_or(rest.len(), |(at, _)| at)].split_whitespace() {
            let bare = word.trim_matches(|c: char| ",.;:()\"'`“”!?–—".contains(c));
            let ends = word.ends_with([',', ':', ')']);
            if !bare.is_empty() {
                clause.push(Word { text: bare.to_lowercase(), is_code: false, ends });
            } else if let Some(last) = clause.last_mut() {
                last.ends |= ends;
            }
            if word.ends_with(['.', ';', '!', '?', '–', '—']) {
                clauses.push(std::mem::take(&mut clause));
            }
        }
        let Some((at, list)) = next else { break };
        let part = &marked[list][0];
        clause.push(Word { text: part.clone(), is_code: true, ends: false });
        rest = &rest[at + part.len()..];
        marked[list] = &marked[list][1..];
    }
    clauses.push(clause);
    clauses.retain(|clause| !clause.is_empty());
    clauses
}

/// Where the first of these cues begins and ends, in words. Adverbs such as "now" may stand inside of it.
fn cue(clause: &[Word], cues: &str) -> Option<(usize, usize)> {
    let at_word = |at: usize, cue: &str| {
        let mut end = at;
        for part in cue.split(' ') {
            while end > at && clause.get(end)?.is_one_of(ADVERBS) {
                end += 1;
            }
            clause.get(end).filter(|word| word.is_one_of(part))?;
            end += 1;
        }
        Some((at, end))
    };
    (0..clause.len()).find_map(|at| cues.split('|').find_map(|cue| at_word(at, cue)))
}

fn is_conditional<'a>(mut words: impl Iterator<Item = &'a Word>) -> bool {
    words.any(|word| word.is_one_of(CONDITIONS) || word.text.ends_with("n't"))
}

fn is_negated(words: &[Word]) -> bool {
    words.iter().any(|word| word.is_one_of(NEGATIONS) || word.text.ends_with("n't"))
}

/// Fields that the response has: "the response may include `a` and `b`", "`a` is returned".
fn returned(clause: &[Word]) -> Vec<String> {
    if is_negated(clause) || clause.iter().any(|word| word.is_one_of(FAILURES)) {
        return Vec::new();
    }
    if let Some((start, _)) = cue(clause, RETURNED) {
        return names(&clause[..start]);
    }
    match cue(clause, HOLDS) {
        Some((start, end)) if clause[..start].iter().any(|word| word.is_one_of(RESPONSE)) => {
            names(clause[end..].iter().take_while(|word| word.is_name() || word.is_one_of(FIELD_FILLERS)))
        }
        _ => Vec::new(),
    }
}

fn names<'a>(words: impl IntoIterator<Item = &'a Word>) -> Vec<String> {
    words.into_iter().filter(|word| word.is_name()).map(|word| word.text.clone()).collect()
}

/// Names before a cue, or else after it.
fn names_around(clause: &[Word], (start, end): (usize, usize)) -> Vec<String> {
    let before = names(&clause[..start]);
    if before.is_empty() { names(&clause[end..]) } else { before }
}

fn listed(clause: &[Word]) -> Vec<Listed> {
    // "A payment gets the status `a` when …".
    let pairs = clause.windows(2).enumerate();
    // Not a status of HTTP, which is a number.
    let pairs = pairs.filter(|(_, words)| !words[0].is_code && words[1].is_code && is_word(&words[1].text));
    let said = pairs.filter(|(at, _)| !is_negated(&clause[..*at]) && cue(clause, GONE).is_none());
    let said = said.map(|(_, words)| (words[0].text.clone(), vec![(words[1].text.clone(), false)]));
    let mut found: Vec<Listed> = said.map(|(name, values)| Listed { names: vec![name], values }).collect();
    match cue(clause, VALUE_CUES) {
        Some((_, end)) => found.push(values(clause, end, true)),
        // `status`: `a`, `b`
        None if clause[0].is_code && clause[0].ends => found.push(values(clause, 1, false)),
        // `status: a, b` set as code.
        None => {
            let code = clause.iter().filter(|word| word.is_code).filter_map(|word| word.text.split_once(": "));
            for (name, list) in code.filter(|(name, _)| is_path(name)) {
                let list: Vec<&str> = list.split([',', '|']).map(str::trim).collect();
                if list.len() > 1 && list.iter().all(|value| is_word(value)) {
                    let values = list.into_iter().map(|value| (value.to_owned(), false)).collect();
                    found.push(Listed { names: vec![name.to_owned()], values });
                }
            }
        }
    }
    found
}

/// `status` can be `a`, `b` or `c`; possible values of `status`: `a`, `b`.
fn values(clause: &[Word], start: usize, has_cue: bool) -> Listed {
    let mut found = Listed { names: names(clause[..start].iter().rev()), ..Listed::default() };
    let mut separated = true;
    for (at, word) in clause.iter().enumerate().skip(start) {
        let is_subject = at > start && is(&clause[at - 1].text, "of|for");
        // A type or a requirement may stand where values do.
        let is_plain = || {
            type_of(&word.text).is_some()
                || is(&word.text, STATES)
                || REQUIREMENTS.iter().any(|(cues, _)| is(&word.text, cues))
        };
        if word.is_one_of(FILLERS) {
            separated = true;
            continue;
        }
        if is_subject && word.is_name() && found.names.is_empty() && found.values.is_empty() {
            found.names.push(word.text.clone());
        } else if word.is_value() {
            found.values.push((word.text.clone(), has_cue));
        } else if separated && (word.ends || at + 1 == clause.len()) && is_word(&word.text) && !is_plain() {
            found.values.push((word.text.clone(), false));
        } else {
            // Something else than values: what follows is not about them.
            break;
        }
        separated = word.ends;
    }
    found
}

/// "max 20", "at most 5,000 characters", with the names that they may be about.
fn limits(clause: &[Word]) -> Vec<(Bound, String, Vec<String>)> {
    let cues = |bound, cues: &'static str| cues.split('|').map(move |cue| (bound, cue));
    let mut found: Vec<(Bound, String, _)> = Vec::new();
    for (bound, words) in cues(Bound::Max, MAXIMUM).chain(cues(Bound::Min, MINIMUM)) {
        let Some(cue) = cue(clause, words) else { continue };
        let next = clause[cue.1..].iter().find(|word| !is(&word.text, BOUND_FILLERS));
        let Some(limit) = next.and_then(|word| number(&word.text)) else { continue };
        // Two cues may meet one number: one announcement, one bound.
        if !found.iter().any(|(other, number, _)| (*other, number) == (bound, &limit)) {
            found.push((bound, limit, names_around(clause, cue)));
        }
    }
    found
}

/// `5,000` or `20` as `5000` or `20`.
fn number(text: &str) -> Option<String> {
    let digits = text.split(' ').next().unwrap_or_default().replace([',', '_'], "");
    digits.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number.to_string())
}
