use std::fmt;

use serde::de::DeserializeOwned;

/// Which field of an answer does not fit, and why; never with the value, which may be a secret.
#[derive(Debug)]
pub(crate) struct DecodeError {
    path: String,
    problem: String,
    line: usize,
    column: usize,
}

impl DecodeError {
    /// Reads `body` as `T` again, this time keeping track of the place.
    pub(crate) fn locate<T: DeserializeOwned>(body: &[u8]) -> Self {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Self { path: String::new(), problem: "the body is empty".to_owned(), line: 0, column: 0 };
        }
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Ok(_) => {
                Self { path: String::new(), problem: "there is more after the JSON".to_owned(), line: 0, column: 0 }
            }
            Err(error) => {
                let path = match error.path().to_string() {
                    whole if whole == "." => String::new(),
                    path => path,
                };
                let inner = error.inner();
                Self { path, problem: without_value(inner), line: inner.line(), column: inner.column() }
            }
        }
    }
}

/// serde quotes the value it stumbled over; what it expected is all that may be told.
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
