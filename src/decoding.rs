use std::fmt;

#[cfg(feature = "client")]
use serde::de::DeserializeOwned;
use serde::de::{Deserialize, Deserializer};

/// Decodes a JSON body. Returns `None` if the body is not UTF-8 or does not decode.
///
/// UTF-8 is checked once for the whole body, which is faster than for each text in it.
#[cfg(feature = "client")]
pub(crate) fn read_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    serde_json::from_str(std::str::from_utf8(body).ok()?).ok()
}

/// Which field of a text does not fit, and why; never with the value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    path: String,
    problem: String,
    line: usize,
    column: usize,
}

impl DecodeError {
    /// An error of a value as a whole, without its place in the text.
    #[cfg(feature = "client")]
    pub(crate) fn new(problem: &str) -> Self {
        Self { path: String::new(), problem: problem.to_owned(), line: 0, column: 0 }
    }

    /// The same of an error of `serde_json`, whose place is that in a part of the text.
    #[cfg(feature = "client")]
    pub(crate) fn of(error: &serde_json::Error) -> Self {
        Self::new(&without_value(error))
    }

    /// Reads `body` as `T` again, this time keeping track of the place.
    #[cfg(feature = "client")]
    pub(crate) fn locate<T: DeserializeOwned>(body: &[u8]) -> Self {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Self::new("the body is empty");
        }
        let found = Self::read::<T, _>(&mut serde_json::Deserializer::from_slice(body)).err();
        found.unwrap_or_else(|| Self::new("there is more after the JSON"))
    }

    /// Reads `T` and keeps track of the place.
    pub(crate) fn read<'de, T, D>(deserializer: D) -> Result<T, Self>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de, Error = serde_json::Error>,
    {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let path = match error.path().to_string() {
                whole if whole == "." => String::new(),
                path => path,
            };
            let inner = error.inner();
            Self { path, problem: without_value(inner), line: inner.line(), column: inner.column() }
        })
    }

    /// The same without names that may come from outside.
    #[cfg(feature = "webhook")]
    pub(crate) fn without_path(mut self) -> Self {
        self.path.clear();
        self
    }

    /// The same for a type that is not of this crate: its messages may hold values, and its maps may have personal names.
    #[cfg(feature = "client")]
    pub(crate) fn of_any_type(mut self) -> Self {
        let is_known =
            ["expected ", "missing field `", "duplicate field `", "the JSON ends", "not JSON", "there is more"];
        if !is_known.iter().any(|start| self.problem.starts_with(start)) {
            "the value does not fit the type".clone_into(&mut self.problem);
        }
        let is_plain = |name: &str| name.bytes().all(|c| c.is_ascii_alphabetic() || matches!(c, b'_' | b'[' | b']'));
        let names = self.path.split('.').map(|name| match name.split_once('[') {
            _ if is_plain(name) => name,
            Some((list, position))
                if is_plain(list) && position.trim_end_matches(']').bytes().all(|c| c.is_ascii_digit()) =>
            {
                name
            }
            _ => "*",
        });
        self.path = names.collect::<Vec<_>>().join(".");
        self
    }

    /// The same for a reader who starts further up.
    pub(crate) fn below(mut self, parent: &str) -> Self {
        self.path = join(parent, &self.path);
        self
    }

    /// The same at a line and column of the body.
    #[cfg(feature = "client")]
    pub(crate) fn at(mut self, (line, column): (usize, usize)) -> Self {
        (self.line, self.column) = (line, column);
        self
    }

    /// The same at the place of an error in the body.
    #[cfg(feature = "client")]
    pub(crate) fn at_place_of(self, error: &serde_json::Error) -> Self {
        self.at((error.line(), error.column()))
    }
}

/// Path of a part of `parent`.
pub(crate) fn join(parent: &str, path: &str) -> String {
    let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    format!("{parent}{dot}{path}")
}

/// serde quotes the offending value; only what was expected may be shown.
fn without_value(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    if !error.is_data() {
        return if error.is_eof() { "the JSON ends too early".to_owned() } else { "not JSON".to_owned() };
    }
    match text.rsplit_once(", expected ") {
        Some((_, expected)) if text.starts_with("invalid ") => format!("expected {expected}"),
        // The messages of our own values and of missing fields name no value.
        _ => text.to_owned(),
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.problem)?;
        if self.line > 0 {
            write!(f, " (line {}, column {})", self.line, self.column)?;
        }
        Ok(())
    }
}

impl std::error::Error for DecodeError {}
