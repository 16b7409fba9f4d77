use std::sync::OnceLock;

use http::header::CONTENT_TYPE;
use serde_json::Value;
use zeroize::Zeroizing;

use super::Credentials;
use crate::operation::SECRET_FIELDS;

/// Shorter texts are no secrets worth the damage that blanking them everywhere would do.
const SHORTEST: usize = 4;

/// The secrets that one request carries, so that an API that repeats them in its words does not bring them into a log.
///
/// They are looked for once there are words: most calls succeed, and have none.
pub(super) struct Secrets<'a> {
    request: &'a reqwest::Request,
    credentials: &'a Credentials,
    found: OnceLock<Vec<Zeroizing<String>>>,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(request: &'a reqwest::Request, credentials: &'a Credentials) -> Self {
        Self { request, credentials, found: OnceLock::new() }
    }

    pub(super) fn redact(&self, words: String) -> String {
        let found = self.found.get_or_init(|| collect(self.request, self.credentials));
        found.iter().fold(words, |words, secret| {
            if words.contains(secret.as_str()) { words.replace(secret.as_str(), "***") } else { words }
        })
    }
}

/// Collects the credentials, and the fields of body and query that the contract calls secret.
fn collect(request: &reqwest::Request, credentials: &Credentials) -> Vec<Zeroizing<String>> {
    let mut found: Vec<Zeroizing<String>> = Vec::new();
    let mut keep = |text: &str| {
        if text.len() >= SHORTEST {
            found.push(Zeroizing::new(text.to_owned()));
        }
    };
    for value in [&credentials.api_key, &credentials.bearer].into_iter().flatten() {
        let text = value.to_str().unwrap_or_default();
        keep(text.strip_prefix("Bearer ").unwrap_or(text));
    }
    let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
    let is_form = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let form: Vec<(String, String)> =
        if is_form { serde_urlencoded::from_bytes(body).unwrap_or_default() } else { Vec::new() };
    let query = request.url().query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    for (name, value) in form.into_iter().chain(query) {
        if SECRET_FIELDS.contains(&name.as_str()) {
            keep(&value);
        }
    }
    if !is_form {
        visit(&serde_json::from_slice(body).unwrap_or_default(), &mut keep);
    }
    // Longest first, so that no secret hides a part of another.
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found
}

fn visit(json: &Value, keep: &mut impl FnMut(&str)) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if SECRET_FIELDS.contains(&name.as_str()) => keep(text),
                    other => visit(other, keep),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, keep)),
        _ => {}
    }
}
