//! Names in running text: routes, paths of fields, headers, hosts.

use super::Knowledge;
use crate::check::document::Text;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

impl Knowledge {
    /// `POST /api/token HTTP/1.1` as `POST /token`.
    pub(super) fn route(&self, text: &str) -> Option<String> {
        let mut words = text.split_whitespace();
        let method = words.next().filter(|word| METHODS.contains(word))?;
        let path = words.next().filter(|word| word.starts_with('/'))?;
        Some(format!("{method} {}", self.without_base(path)))
    }

    /// The first route among the parts set as code, or at the beginning of the text.
    pub(super) fn route_of(&self, text: &Text) -> Option<String> {
        text.code.iter().chain([&text.plain]).find_map(|text| self.route(text))
    }

    /// Every route in running text; without its method where it has none.
    pub(super) fn routes_in(&self, text: &str) -> Vec<String> {
        let words = text.split_whitespace().map(|word| word.trim_matches(|c: char| "`.,;()".contains(c)));
        let words: Vec<&str> = words.collect();
        let paths = words.iter().enumerate().filter(|(_, word)| word.starts_with('/') && word.len() > 1);
        let with_method = |(at, word): (usize, &&str)| {
            let method = at.checked_sub(1).map(|before| words[before]).filter(|word| METHODS.contains(word));
            let path = self.without_base(word);
            method.map_or_else(|| path.to_owned(), |method| format!("{method} {path}"))
        };
        paths.map(with_method).collect()
    }
}

/// The name that a list item is about: its first bold or code part, if that is a name.
pub(super) fn first_name(text: &Text) -> Option<String> {
    let name = text.strong.first().or(text.code.first())?;
    let name = name.split([' ', ':', '(']).next().unwrap_or_default();
    is_path(name).then(|| name.to_owned())
}

/// Where a part stands in a text as whole words.
pub(crate) fn find(text: &str, part: &str) -> Option<usize> {
    let inner = |c: char| c.is_alphanumeric() || c == '_';
    let is_whole = |at: &usize| {
        let (before, after) = (&text[..*at], &text[at + part.len()..]);
        let joined_before = before.ends_with(inner) && part.starts_with(inner);
        let joined_after = after.starts_with(inner) && part.ends_with(inner);
        !joined_before && !joined_after
    };
    text.match_indices(part).map(|(at, _)| at).find(is_whole)
}

/// The words of a text, without punctuation.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// `v2`.
pub(super) fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `recipients[].amount`.
pub(super) fn is_path(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(|part| is_word(part.strip_suffix("[]").unwrap_or(part)))
}

/// The name in `api-key: VALUE`.
pub(super) fn header(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_name && value.starts_with(' ')).then(|| name.to_owned())
}

/// Host and path of a URL, without the slash between them.
pub(super) fn host_and_path(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once('/').unwrap_or((rest, ""))
}
