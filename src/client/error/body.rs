//! Reads error bodies: the API's, its framework's, and those of a gateway before it. Any body is readable; nothing fails.
//!
//! Secrets are redacted in the text as it came, before white space is collapsed and anything is cut.

use std::fmt;

use serde_json::Value;

use crate::operation::ERROR_SHAPES;

/// Longest text that is taken from a body into a message.
const LONGEST: usize = 500;
/// Most bytes of a text that are searched for secrets.
const LONGEST_TEXT: usize = 64 * 1024;

/// Redacts the secrets of a request in a text.
pub(super) type Redact<'a> = &'a dyn Fn(&str) -> String;

/// What a body says.
#[derive(Default)]
pub(super) struct ErrorBody {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) field_errors: Vec<FieldError>,
    /// Whether it is one of the shapes that the contract documents.
    pub(super) is_from_api: bool,
}

/// A field that is invalid, found by the API or by this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    location: Option<String>,
    path: String,
    message: String,
    code: Option<String>,
}

impl FieldError {
    /// Where the field is: `body`, `query`, `path` or `header`.
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// Path of the field, such as `recipients[0].amount`; empty for the whole body.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong with the field.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The kind of mistake, as the API calls it.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Found here, before anything was sent.
    pub(crate) fn local(path: String, message: String) -> Self {
        Self { location: None, path, message, code: None }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path.as_str(), &self.location) {
            ("", None) => f.write_str(&self.message),
            ("", Some(location)) => write!(f, "{location}: {}", self.message),
            (path, _) => write!(f, "{path}: {}", self.message),
        }
    }
}

pub(super) fn read(content_type: Option<&str>, body: &[u8], redact: Redact<'_>) -> ErrorBody {
    match serde_json::from_slice(body) {
        Ok(json) => read_json(&json, redact),
        Err(_) => {
            let text = String::from_utf8_lossy(&body[..body.len().min(LONGEST_TEXT)]);
            ErrorBody { message: read_text(content_type, &redact(&text)), ..ErrorBody::default() }
        }
    }
}

fn read_json(json: &Value, redact: Redact<'_>) -> ErrorBody {
    let read_object = |object| read_object(object, redact);
    match json {
        Value::String(text) => ErrorBody { message: line(&redact(cut(text))), ..ErrorBody::default() },
        Value::Object(_) => {
            // FastAPI wraps in `detail`; some gateways in `error`.
            let inner = [json.get("detail"), json.get("error")].into_iter().flatten().find(|inner| inner.is_object());
            let inner = inner.map(read_object).unwrap_or_default();
            let outer = read_object(json);
            ErrorBody {
                code: inner.code.or(outer.code),
                message: inner.message.or(outer.message),
                field_errors: inner.field_errors.into_iter().chain(outer.field_errors).collect(),
                is_from_api: ERROR_SHAPES.iter().any(|shape| {
                    shape.required.iter().all(|name| json.get(name).is_some_and(|value| !value.is_null()))
                }),
            }
        }
        Value::Array(items) => ErrorBody {
            field_errors: items.iter().filter_map(|item| field_error(item, redact)).collect(),
            ..ErrorBody::default()
        },
        _ => ErrorBody::default(),
    }
}

fn read_object(object: &Value, redact: Redact<'_>) -> ErrorBody {
    let first = |keys: &[&str]| keys.iter().find_map(|key| object.get(key).and_then(|value| text_of(value, redact)));
    let lists = ["detail", "errors"].into_iter().filter_map(|key| object.get(key)?.as_array()).flatten();
    ErrorBody {
        // RFC 6749 has the code in `error`.
        code: first(&["code", "error_code", "error"]),
        message: first(&["message", "error_description", "detail", "msg", "title"]),
        field_errors: lists.filter_map(|entry| field_error(entry, redact)).collect(),
        is_from_api: false,
    }
}

/// An entry of FastAPI's list (`loc`, `msg`, `type`) or of the backend's own (`field`, `message`, `code`).
fn field_error(entry: &Value, redact: Redact<'_>) -> Option<FieldError> {
    if let Some(message) = entry.as_str().and_then(|text| line(&redact(cut(text)))) {
        return Some(FieldError { location: None, path: String::new(), message, code: None });
    }
    let first = |keys: &[&str]| keys.iter().find_map(|key| entry.get(key).and_then(|value| text_of(value, redact)));
    let (mut location, mut path) = (None, String::new());
    for (at, part) in entry.get("loc").and_then(Value::as_array).into_iter().flatten().enumerate() {
        match part {
            Value::String(name)
                if at == 0 && ["body", "query", "path", "header", "cookie"].contains(&name.as_str()) =>
            {
                location = Some(name.clone());
            }
            Value::String(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path += &line(&redact(cut(name))).map(shorten).unwrap_or_default();
            }
            other => path += &line(&redact(cut(&format!("[{other}]")))).unwrap_or_default(),
        }
    }
    let message = first(&["msg", "message"]);
    let code = first(&["type", "code"]);
    if message.is_none() && code.is_none() && path.is_empty() {
        return None;
    }
    Some(FieldError {
        location,
        path: if path.is_empty() { first(&["field"]).unwrap_or_default() } else { path },
        message: message.unwrap_or_else(|| "invalid".to_owned()),
        code,
    })
}

fn text_of(value: &Value, redact: Redact<'_>) -> Option<String> {
    match value {
        Value::String(text) => line(&redact(cut(text))).map(shorten),
        Value::Number(number) => Some(redact(&number.to_string())),
        _ => None,
    }
}

fn read_text(content_type: Option<&str>, text: &str) -> Option<String> {
    let start = text.trim_start().get(..15).unwrap_or_else(|| text.trim_start()).to_ascii_lowercase();
    let is_html = content_type.is_some_and(|kind| kind.starts_with("text/html"))
        || start.starts_with("<!doctype html")
        || start.starts_with("<html");
    if !is_html {
        return line(text).map(shorten);
    }
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").map(|at| at + 7).and_then(|from| {
        let to = lower[from..].find("</title>")?;
        line(text.get(from..from + to)?)
    });
    Some(match title {
        Some(title) => format!("an HTML page, \"{}\"", shorten(title)),
        None => "an HTML page".to_owned(),
    })
}

/// The part of a text that is searched for secrets.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The text on one line; `None` when nothing is left.
fn line(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Cuts a text to what fits into a message.
pub(super) fn shorten(mut line: String) -> String {
    if let Some((cut, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(cut);
        line.push('…');
        // What is cut off must not stay in memory.
        line.shrink_to_fit();
    }
    line
}
