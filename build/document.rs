//! The contract as a JSON value: how to traverse it, and how to name a place in it.

use serde_json::Value;

pub(super) const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

pub(super) type Result<T, E = Misplaced> = std::result::Result<T, E>;

/// Something wrong at a place in the contract.
pub(super) struct Misplaced {
    pub(super) path: Vec<String>,
    pub(super) message: String,
}

pub(super) fn misplaced<T>(path: &[String], message: impl Into<String>) -> Result<T> {
    Err(Misplaced { path: path.to_vec(), message: message.into() })
}

/// Follows the keys of `path` down the indentation of `text`; a key inside a `{ … }` gives the line where that begins.
pub(super) fn line_of(text: &str, path: &[String]) -> Option<usize> {
    let mut found = None;
    let (mut indent, mut from) = (0, 0);
    for key in path {
        let matches = |line: &&str| {
            let key_of = line.trim_start().trim_start_matches("- ").trim_start_matches(['\'', '"']);
            line.len() - line.trim_start().len() >= indent
                && key_of.starts_with(key.as_str())
                && key_of[key.len()..].trim_start_matches(['\'', '"']).starts_with(':')
        };
        let Some((at, line)) = text.lines().enumerate().skip(from).find(|(_, line)| matches(line)) else { continue };
        found = Some(at + 1);
        (indent, from) = (line.len() - line.trim_start().len() + 1, at + 1);
    }
    found
}

pub(super) fn object<'a>(node: &'a Value, pointer: &str) -> Vec<(&'a String, &'a Value)> {
    node.pointer(pointer).and_then(Value::as_object).into_iter().flatten().collect()
}

pub(super) fn array<'a>(node: &'a Value, key: &str) -> Vec<&'a Value> {
    node.get(key).and_then(Value::as_array).into_iter().flatten().collect()
}

pub(super) fn text<'a>(node: &'a Value, key: &str) -> &'a str {
    node.get(key).and_then(Value::as_str).unwrap_or_default().trim()
}

pub(super) fn strings(node: &Value, key: &str) -> Vec<String> {
    array(node, key).into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

pub(super) fn resolve<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let target = node.get("$ref").and_then(Value::as_str).and_then(|reference| root.pointer(&reference[1..]));
    target.unwrap_or(node)
}

/// The variant of an open enum for a value of the API.
pub(super) fn variant(value: &str) -> String {
    pascal(&value.to_lowercase().replace('.', "_"))
}

pub(super) fn pascal(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').filter(|part| !part.is_empty()).map(word).collect()
}
