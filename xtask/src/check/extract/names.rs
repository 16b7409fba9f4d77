//! Names in running text: routes, paths of fields, headers.

use serde_json::Value;

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
        let clean = |word: &str| word.trim_matches(|c: char| "`.,;()".contains(c)).to_owned();
        let words: Vec<String> = text.split_whitespace().map(clean).collect();
        let is_path = |(_, word): &(usize, &String)| word.starts_with('/') && word.len() > 1;
        let with_method = |(at, word): (usize, &String)| {
            let method = at.checked_sub(1).and_then(|before| words.get(before));
            match method.filter(|method| METHODS.contains(&method.as_str())) {
                Some(method) => format!("{method} {}", self.without_base(word)),
                None => self.without_base(word).to_owned(),
            }
        };
        words.iter().enumerate().filter(is_path).map(with_method).collect()
    }
}

/// The name that a list item is about: its first bold or code part, if that is a name.
pub(super) fn first_name(text: &Text) -> Option<String> {
    let name = text.strong.first().or(text.code.first())?;
    let name = name.split([' ', ':', '(']).next().unwrap_or_default();
    is_path(name).then(|| name.to_owned())
}

/// `v2`.
pub(super) fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn is_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
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

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
