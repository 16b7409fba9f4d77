//! What a sentence says of a field: its values, whether it is required, deprecated or bounded.

use super::{
    names::{is_path, is_word},
    vocabulary::{
        BOUND_FILLERS, BOUNDS, CONDITIONS, DEPRECATED, FILLERS, NO_LONGER, OPTIONAL, REQUIRED, VALUE_CUES, is_type,
    },
};
use crate::check::{document::Text, fact::Bound};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Claim {
    Required(bool),
    Deprecated,
    Value {
        value: String,
        /// Whether the words announce values; otherwise only a field that has named values can have them.
        is_sure: bool,
    },
    /// The values follow in a list.
    ValuesFollow,
    Limit(Bound, String),
}

/// A word, or a part set as code.
#[derive(Debug, Clone, PartialEq)]
struct Word {
    text: String,
    is_code: bool,
    /// A comma, a colon or the like follows.
    ends: bool,
}

/// A claim and the names that it may be about, the likeliest first; none when the sentence names nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub(super) claim: Claim,
    pub(super) names: Vec<String>,
}

/// Where a part stands on its own in a text.
fn find(text: &str, part: &str) -> Option<usize> {
    let inner = |c: char| c.is_alphanumeric() || c == '_';
    let alone = |at: &usize| !text[..*at].ends_with(inner) && !text[at + part.len()..].starts_with(inner);
    text.match_indices(part).map(|(at, _)| at).find(alone)
}

/// Parts of a text in which one thing is said.
fn clauses(text: &Text) -> Vec<Vec<Word>> {
    let mut rest = text.plain.as_str();
    let (mut code, mut strong) = (text.code.as_slice(), text.strong.as_slice());
    let (mut clauses, mut clause) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        // The next part set as code or in bold; one that holds several words is one word.
        let at_code = code.first().and_then(|part| find(rest, part)).unwrap_or(rest.len());
        let at_strong = strong.first().and_then(|part| find(rest, part)).unwrap_or(rest.len());
        let list = if at_code <= at_strong { &mut code } else { &mut strong };
        let at = at_code.min(at_strong);
        for word in rest[..at].split_whitespace() {
            add(word, &mut clause, &mut clauses);
        }
        let Some((part, others)) = list.split_first().filter(|(part, _)| at < rest.len() && !part.is_empty()) else {
            break;
        };
        clause.push(Word { text: part.clone(), is_code: true, ends: false });
        rest = &rest[at + part.len()..];
        *list = others;
    }
    clauses.push(clause);
    clauses.retain(|clause| !clause.is_empty());
    clauses
}

fn add(word: &str, clause: &mut Vec<Word>, clauses: &mut Vec<Vec<Word>>) {
    let bare = word.trim_matches(|c: char| ",.;:()\"'`“”!?–—".contains(c));
    let ends = word.ends_with([',', ':', ')']);
    if !bare.is_empty() {
        clause.push(Word { text: bare.to_lowercase(), is_code: false, ends });
    } else if let Some(last) = clause.last_mut() {
        last.ends |= ends;
    }
    if word.ends_with(['.', ';', '!', '?', '–', '—']) && !clause.is_empty() {
        clauses.push(std::mem::take(clause));
    }
}

/// Everything that a text says of the names in it.
pub(super) fn said(text: &Text) -> Vec<Said> {
    let mut found = Vec::new();
    let clauses = clauses(text);
    for (at, clause) in clauses.iter().enumerate() {
        requirement(clause, &mut found);
        values(clause, at + 1 == clauses.len() && text.plain.trim_end().ends_with(':'), &mut found);
        limits(clause, &mut found);
        if cue(clause, &DEPRECATED).is_some_and(|(at, _)| !conditional(&clause[..at])) {
            found.push(Said { claim: Claim::Deprecated, names: code(clause) });
        }
    }
    found
}

/// Where the first of these cues is, in words, and how many words it has.
fn cue(clause: &[Word], cues: &[&str]) -> Option<(usize, usize)> {
    let at_word = |at: usize, cue: &&str| {
        let length = cue.split(' ').count();
        let same = clause
            .get(at..at + length)?
            .iter()
            .zip(cue.split(' '))
            .all(|(word, cue)| !word.is_code && word.text == cue);
        same.then_some((at, length))
    };
    (0..clause.len()).find_map(|at| cues.iter().find_map(|cue| at_word(at, cue)))
}

fn conditional(words: &[Word]) -> bool {
    words.iter().any(|word| !word.is_code && CONDITIONS.contains(&word.text.as_str()) || word.text.ends_with("n't"))
}

/// Everything set as code.
fn code(clause: &[Word]) -> Vec<String> {
    clause.iter().filter(|word| word.is_code).map(|word| word.text.clone()).collect()
}

/// Names before a place, or else after another one.
fn names(clause: &[Word], before: usize, after: usize) -> Vec<String> {
    let paths = |words: &[Word]| -> Vec<String> {
        words.iter().filter(|word| word.is_code && is_path(&word.text)).map(|word| word.text.clone()).collect()
    };
    let first = paths(&clause[..before]);
    if first.is_empty() { paths(&clause[after.min(clause.len())..]) } else { first }
}

fn requirement(clause: &[Word], found: &mut Vec<Said>) {
    let no_longer = NO_LONGER.iter().find_map(|(words, required)| Some((cue(clause, &[words])?, *required)));
    let optional = || Some((cue(clause, &OPTIONAL)?, false));
    let required = || Some((cue(clause, &REQUIRED)?, true));
    let Some(((at, length), required)) = no_longer.or_else(optional).or_else(required) else { return };
    let rest = clause[..at].iter().chain(&clause[at + length..]).cloned().collect::<Vec<_>>();
    if conditional(&rest) {
        return;
    }
    found.push(Said { claim: Claim::Required(required), names: names(clause, at, at + length) });
}

/// `status` can be `a`, `b` or `c`; possible values of `status`: `a`, `b`.
fn values(clause: &[Word], introduces: bool, found: &mut Vec<Said>) {
    let is_name = |word: &&Word| word.is_code && is_path(&word.text);
    let (start, has_cue) = match cue(clause, &VALUE_CUES) {
        Some((at, length)) => (at + length, true),
        // `status`: `a`, `b`
        None if clause[0].is_code && clause[0].ends => (1, false),
        None => return inside_code(clause, found),
    };
    let mut names: Vec<String> = clause[..start].iter().filter(is_name).rev().map(|word| word.text.clone()).collect();
    let (mut listed, mut separated) = (Vec::new(), true);
    for (at, word) in clause.iter().enumerate().skip(start) {
        let is_subject = at > start && ["of", "for"].contains(&clause[at - 1].text.as_str());
        let is_last = word.ends || at + 1 == clause.len();
        if !word.is_code && FILLERS.contains(&word.text.as_str()) {
            separated = true;
            continue;
        }
        if is_subject && is_name(&word) && names.is_empty() && listed.is_empty() {
            names.push(word.text.clone());
        } else if word.is_code && is_value(&word.text) {
            listed.push((word.text.clone(), has_cue));
        } else if !word.is_code && separated && is_last && is_word(&word.text) && !is_plain_word(&word.text) {
            listed.push((word.text.clone(), false));
        } else {
            // Something else than values: what follows is not about them.
            break;
        }
        separated = word.ends;
    }
    if listed.is_empty() && introduces {
        found.push(Said { claim: Claim::ValuesFollow, names: names.clone() });
    }
    let said = |(value, is_sure): (String, bool)| Said { claim: Claim::Value { value, is_sure }, names: names.clone() };
    found.extend(listed.into_iter().map(said));
}

/// `status: a, b` set as code.
fn inside_code(clause: &[Word], found: &mut Vec<Said>) {
    for word in clause.iter().filter(|word| word.is_code) {
        let Some((name, list)) = word.text.split_once(": ").filter(|(name, _)| is_path(name)) else { continue };
        let list: Vec<&str> = list.split([',', '|']).map(str::trim).collect();
        if list.len() > 1 && list.iter().all(|value| is_word(value)) {
            let said = |value: &str| Said {
                claim: Claim::Value { value: value.to_owned(), is_sure: false },
                names: vec![name.to_owned()],
            };
            found.extend(list.into_iter().map(said));
        }
    }
}

fn is_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// A type or a requirement, which may stand where values do.
fn is_plain_word(text: &str) -> bool {
    is_type(text) || REQUIRED.contains(&text) || OPTIONAL.contains(&text)
}

/// "max 20", "at most 5,000 characters".
fn limits(clause: &[Word], found: &mut Vec<Said>) {
    for (words, is_max) in BOUNDS {
        let Some((at, length)) = cue(clause, &[words]) else { continue };
        let number = clause[at + length..]
            .iter()
            .find(|word| !BOUND_FILLERS.contains(&word.text.as_str()))
            .and_then(|word| number(&word.text));
        if let Some(number) = number {
            let bound = if is_max { Bound::Max } else { Bound::Min };
            // "no more than" holds "more than": one announcement, one bound.
            let claim = Claim::Limit(bound, number);
            if !found.iter().any(|said| said.claim == claim) {
                found.push(Said { claim, names: names(clause, at, at + length) });
            }
        }
    }
}

/// `5,000` or `20` as `5000` or `20`.
fn number(text: &str) -> Option<String> {
    let digits = text.split(' ').next().unwrap_or_default().replace([',', '_'], "");
    digits.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number.to_string())
}
