//! Redacts the secrets and personal data of one request in texts that come from outside.

use std::sync::OnceLock;

use http::{HeaderValue, header::CONTENT_TYPE};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    Credentials,
    spelling::{Pattern, patterns},
};
use crate::{
    Redacted,
    operation::{PERSONAL_FIELDS, SECRET_FIELDS},
};

type Texts = Vec<Zeroizing<String>>;

/// Secrets and personal data of one request. They are collected on the first text to search: most requests succeed.
pub(super) struct Secrets<'a> {
    request: &'a reqwest::Request,
    credentials: &'a Credentials,
    token: Option<&'a HeaderValue>,
    patterns: OnceLock<Vec<Pattern>>,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(
        request: &'a reqwest::Request,
        credentials: &'a Credentials,
        token: Option<&'a HeaderValue>,
    ) -> Self {
        Self { request, credentials, token, patterns: OnceLock::new() }
    }

    /// Redacts every secret in the text, however the server spells the secret.
    pub(super) fn redact(&self, text: &str) -> String {
        redact(text, self.patterns.get_or_init(|| patterns(collect(self).iter().map(|secret| secret.as_str()))))
    }
}

fn redact(text: &str, patterns: &[Pattern]) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut until = 0;
    for (at, c) in text.char_indices() {
        // Spellings overlap, so a redacted part is searched as well.
        let end = patterns.iter().filter_map(|pattern| pattern.end(text, at)).max().unwrap_or(0);
        match at >= until {
            true if end > at => redacted.push_str(Redacted::TEXT),
            true => redacted.push(c),
            false => {}
        }
        until = until.max(end);
    }
    redacted
}

/// The credentials, and the fields of body and query that the contract calls secret or personal.
fn collect(secrets: &Secrets<'_>) -> Texts {
    let mut found = Texts::new();
    let mut keep = |text: &str| found.push(Zeroizing::new(text.to_owned()));
    for value in secrets.credentials.secrets().chain(secrets.token) {
        let text = value.to_str().unwrap_or_default();
        keep(text.strip_prefix("Bearer ").unwrap_or(text));
    }
    if let Some(secret) = secrets.credentials.secret() {
        keep(secret.expose());
    }
    let request = secrets.request;
    let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
    let is_form = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let form: Vec<(String, String)> =
        if is_form { serde_urlencoded::from_bytes(body).unwrap_or_default() } else { Vec::new() };
    let query = request.url().query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    for (name, value) in form.into_iter().chain(query) {
        if is_private(&name) {
            keep(&value);
        }
    }
    if !is_form {
        visit(&serde_json::from_slice(body).unwrap_or_default(), false, &mut keep);
    }
    found
}

fn is_private(name: &str) -> bool {
    SECRET_FIELDS.contains(&name) || PERSONAL_FIELDS.contains(&name)
}

/// Keeps every text and number in a private field, at any depth.
fn visit(json: &Value, in_private: bool, keep: &mut impl FnMut(&str)) {
    match json {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| visit(value, in_private || is_private(name), keep));
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, in_private, keep)),
        Value::String(text) if in_private => keep(text),
        // A server may write the sign of a coordinate apart.
        Value::Number(number) if in_private => keep(number.to_string().trim_start_matches('-')),
        _ => {}
    }
}
