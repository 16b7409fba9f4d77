//! Redacts the secrets and personal data of one request in texts that come from outside.

use std::sync::OnceLock;

use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    Call,
    encodings::{Pattern, patterns},
    headers::{IDEMPOTENCY_KEY, REQUEST_ID},
};
use crate::{
    Redacted,
    extra_fields::ExtraFields,
    operation::{PERSONAL_FIELDS, SECRET_FIELDS},
};

type Texts = Vec<Zeroizing<String>>;

/// Which texts of a request are private.
#[derive(Clone, Copy)]
pub(crate) enum Private<'a> {
    /// The fields that the contract calls secret or personal, and these, which it does not know.
    Fields(&'a ExtraFields),
    /// Everything in body and query: the contract does not know the request.
    All,
}

/// Secrets and personal data of one request. They are collected on the first text to search: most requests succeed.
pub(super) struct Secrets<'a> {
    call: &'a Call<'a>,
    token: Option<&'a HeaderValue>,
    values: Texts,
    patterns: OnceLock<Vec<Pattern>>,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(call: &'a Call<'a>, token: Option<&'a HeaderValue>) -> Self {
        Self { call, token, values: Texts::new(), patterns: OnceLock::new() }
    }

    /// Redacts the values of these headers, too.
    pub(super) fn keep_values(&mut self, headers: &HeaderMap) {
        self.values.extend(values(headers));
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

/// Values of the caller's own headers, each also without the name of a scheme such as `Basic`. What they mean is unknown, so
/// that any of them may be a secret.
fn values(headers: &HeaderMap) -> impl Iterator<Item = Zeroizing<String>> {
    let own = headers.iter().filter(|(name, _)| ![&REQUEST_ID, &IDEMPOTENCY_KEY].contains(name));
    let texts = own.filter_map(|(_, value)| value.to_str().ok());
    let parts = texts.flat_map(|text| [Some(text), text.split_once(' ').map(|(_, secret)| secret)]);
    parts.flatten().map(|text| Zeroizing::new(text.to_owned()))
}

/// The credentials, the values of the caller's headers, and the private fields of body and query.
fn collect(secrets: &Secrets<'_>) -> Texts {
    let Call { request, credentials, options, private, .. } = secrets.call;
    let mut found: Texts = values(&options.headers).chain(secrets.values.iter().cloned()).collect();
    let mut keep = |text: &str| found.push(Zeroizing::new(text.to_owned()));
    for value in credentials.secrets().chain(secrets.token) {
        let text = value.to_str().unwrap_or_default();
        keep(text.strip_prefix("Bearer ").unwrap_or(text));
    }
    if let Some(secret) = credentials.secret() {
        keep(secret.expose());
    }
    let is_private = |name: &str| match private {
        Private::All => true,
        Private::Fields(extra) => SECRET_FIELDS.contains(&name) || PERSONAL_FIELDS.contains(&name) || extra.has(name),
    };
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
        let json = serde_json::from_slice(body).unwrap_or_default();
        visit(&json, matches!(private, Private::All), &is_private, &mut keep);
    }
    found
}

/// Keeps the texts of private fields, and all that is in a field that the contract does not know.
fn visit(json: &Value, is_below_private: bool, is_private: &dyn Fn(&str) -> bool, keep: &mut dyn FnMut(&str)) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                visit(value, is_below_private || is_private(name), is_private, keep);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, is_below_private, is_private, keep)),
        Value::String(text) if is_below_private => keep(text),
        // A server may write the sign of a coordinate apart.
        Value::Number(number) if is_below_private => keep(number.to_string().trim_start_matches('-')),
        _ => {}
    }
}
