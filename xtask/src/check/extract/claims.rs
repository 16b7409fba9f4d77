//! What a sentence says of a field: its values, whether it is required, deprecated or bounded.

use super::{
    names::{is_path, is_word},
    vocabulary::{
        BOUND_FILLERS, CONDITIONS, DEPRECATED, FILLERS, MAXIMUM, MINIMUM, REQUIREMENTS, VALUE_CUES, is, type_of,
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

/// A claim and the names that it may be about, the likeliest first; none when the sentence names nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub(super) claim: Claim,
    pub(super) names: Vec<String>,
}

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

    fn is_one_of(&self, words: &str) -> bool {
        !self.is_code && is(&self.text, words)
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
            add(word, &mut clause, &mut clauses);
        }
        let Some((at, (part, others), list)) =
            next.and_then(|(at, list)| Some((at, marked[list].split_first()?, list)))
        else {
            break;
        };
        clause.push(Word { text: part.clone(), is_code: true, ends: false });
        rest = &rest[at + part.len()..];
        marked[list] = others;
    }
    clauses.push(clause);
    clauses.retain(|clause| !clause.is_empty());
    clauses
}

/// Where a part stands on its own in a text.
fn find(text: &str, part: &str) -> Option<usize> {
    let inner = |c: char| c.is_alphanumeric() || c == '_';
    let alone = |at: &usize| !text[..*at].ends_with(inner) && !text[at + part.len()..].starts_with(inner);
    text.match_indices(part).map(|(at, _)| at).find(alone)
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
        let introduces = at + 1 == clauses.len() && text.plain.trim_end().ends_with(':');
        requirement(clause, &mut found);
        values(clause, introduces, &mut found);
        limits(clause, &mut found);
        if cue(clause, DEPRECATED).is_some_and(|(at, _)| !is_conditional(clause[..at].iter())) {
            let names = clause.iter().filter(|word| word.is_code).map(|word| word.text.clone()).collect();
            found.push(Said { claim: Claim::Deprecated, names });
        }
    }
    found
}

/// Where the first of these cues begins and ends, in words.
fn cue(clause: &[Word], cues: &str) -> Option<(usize, usize)> {
    let at_word = |at: usize, cue: &str| {
        let end = at + cue.split(' ').count();
        let words = clause.get(at..end)?.iter();
        words.zip(cue.split(' ')).all(|(word, cue)| !word.is_code && word.text == cue).then_some((at, end))
    };
    (0..clause.len()).find_map(|at| cues.split('|').find_map(|cue| at_word(at, cue)))
}

fn is_conditional<'a>(mut words: impl Iterator<Item = &'a Word>) -> bool {
    words.any(|word| word.is_one_of(CONDITIONS) || word.text.ends_with("n't"))
}

/// Names before a cue, or else after it.
fn names(clause: &[Word], (start, end): (usize, usize)) -> Vec<String> {
    let names = |words: &[Word]| -> Vec<String> {
        words.iter().filter(|word| word.is_name()).map(|word| word.text.clone()).collect()
    };
    let before = names(&clause[..start]);
    if before.is_empty() { names(&clause[end..]) } else { before }
}

fn requirement(clause: &[Word], found: &mut Vec<Said>) {
    let said = REQUIREMENTS.iter().find_map(|(cues, required)| Some((cue(clause, cues)?, *required)));
    let Some((cue, required)) = said else { return };
    if !is_conditional(clause[..cue.0].iter().chain(&clause[cue.1..])) {
        found.push(Said { claim: Claim::Required(required), names: names(clause, cue) });
    }
}

/// `status` can be `a`, `b` or `c`; possible values of `status`: `a`, `b`.
fn values(clause: &[Word], introduces: bool, found: &mut Vec<Said>) {
    new_value(clause, found);
    let (start, has_cue) = match cue(clause, VALUE_CUES) {
        Some((_, end)) => (end, true),
        // `status`: `a`, `b`
        None if clause[0].is_code && clause[0].ends => (1, false),
        None => return inside_code(clause, found),
    };
    let before = clause[..start].iter().filter(|word| word.is_name()).rev();
    let mut names: Vec<String> = before.map(|word| word.text.clone()).collect();
    let (mut listed, mut separated) = (Vec::new(), true);
    for (at, word) in clause.iter().enumerate().skip(start) {
        let is_subject = at > start && is(&clause[at - 1].text, "of|for");
        let is_last = word.ends || at + 1 == clause.len();
        if word.is_one_of(FILLERS) {
            separated = true;
            continue;
        }
        if is_subject && word.is_name() && names.is_empty() && listed.is_empty() {
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

/// The new status `a` means ….
fn new_value(clause: &[Word], found: &mut Vec<Said>) {
    for words in clause.windows(3) {
        if let [new, name, value] = words
            && new.is_one_of("new")
            && !name.is_code
            && value.is_code
            && is_value(&value.text)
        {
            let claim = Claim::Value { value: value.text.clone(), is_sure: false };
            found.push(Said { claim, names: vec![name.text.clone()] });
        }
    }
}

/// `status: a, b` set as code.
fn inside_code(clause: &[Word], found: &mut Vec<Said>) {
    for word in clause.iter().filter(|word| word.is_code) {
        let Some((name, list)) = word.text.split_once(": ").filter(|(name, _)| is_path(name)) else { continue };
        let list: Vec<&str> = list.split([',', '|']).map(str::trim).collect();
        if list.len() > 1 && list.iter().all(|value| is_word(value)) {
            let claim = |value: &str| Claim::Value { value: value.to_owned(), is_sure: false };
            found.extend(list.into_iter().map(|value| Said { claim: claim(value), names: vec![name.to_owned()] }));
        }
    }
}

fn is_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// A type or a requirement, which may stand where values do.
fn is_plain_word(text: &str) -> bool {
    type_of(text).is_some() || REQUIREMENTS.iter().any(|(cues, _)| is(text, cues))
}

/// "max 20", "at most 5,000 characters".
fn limits(clause: &[Word], found: &mut Vec<Said>) {
    let cues = |bound, cues: &'static str| cues.split('|').map(move |cue| (bound, cue));
    for (bound, words) in cues(Bound::Max, MAXIMUM).chain(cues(Bound::Min, MINIMUM)) {
        let Some(cue) = cue(clause, words) else { continue };
        let next = clause[cue.1..].iter().find(|word| !is(&word.text, BOUND_FILLERS));
        let Some(number) = next.and_then(|word| number(&word.text)) else { continue };
        // "no more than" holds "more than": one announcement, one bound.
        let claim = Claim::Limit(bound, number);
        if !found.iter().any(|said| said.claim == claim) {
            found.push(Said { claim, names: names(clause, cue) });
        }
    }
}

/// `5,000` or `20` as `5000` or `20`.
fn number(text: &str) -> Option<String> {
    let digits = text.split(' ').next().unwrap_or_default().replace([',', '_'], "");
    digits.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number.to_string())
}
