//! Redacts the secrets and personal data of one request in texts that come from outside.

use std::{borrow::Cow, fmt::Write as _, sync::OnceLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, header::CONTENT_TYPE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Credentials, path::encode};
use crate::operation::{PERSONAL_FIELDS, SECRET_FIELDS};

const REDACTED: &str = "***";
/// Shorter texts are no secrets worth the damage that redacting them everywhere would do.
const SHORTEST: usize = 4;

type Texts = Vec<Zeroizing<String>>;

/// What one request carries that nobody may see. It is collected once there is a text to search: most requests succeed.
pub(super) struct Secrets<'a> {
    request: &'a reqwest::Request,
    credentials: &'a Credentials,
    token: Option<&'a HeaderValue>,
    found: OnceLock<Texts>,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(
        request: &'a reqwest::Request,
        credentials: &'a Credentials,
        token: Option<&'a HeaderValue>,
    ) -> Self {
        Self { request, credentials, token, found: OnceLock::new() }
    }

    pub(super) fn redact(&self, text: &str) -> String {
        let found = self.found.get_or_init(|| spellings(collect(self)));
        let mut text = Cow::Borrowed(text);
        for secret in found {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), REDACTED));
            }
        }
        // The last text of a body that broke off may be the beginning of a secret.
        let cut = found.iter().filter_map(|secret| cut_short(&text, secret)).min();
        match cut {
            Some(cut) => format!("{}{REDACTED}", &text[..cut]),
            None => text.into_owned(),
        }
    }
}

/// Where the beginning of a secret starts that is the end of the text.
fn cut_short(text: &str, secret: &str) -> Option<usize> {
    let beginnings = secret.char_indices().map(|(at, _)| at).filter(|at| *at >= SHORTEST);
    beginnings.rev().find(|at| text.ends_with(&secret[..*at])).map(|at| text.len() - at)
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
        visit(&serde_json::from_slice(body).unwrap_or_default(), &mut keep);
    }
    found
}

fn is_private(name: &str) -> bool {
    SECRET_FIELDS.contains(&name) || PERSONAL_FIELDS.contains(&name)
}

fn visit(json: &Value, keep: &mut impl FnMut(&str)) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if is_private(name) => keep(text),
                    other => visit(other, keep),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, keep)),
        _ => {}
    }
}

/// Every secret as servers and gateways may write it, the longest first, so that no spelling hides a part of another.
fn spellings(secrets: Texts) -> Texts {
    let mut found = Texts::new();
    for secret in &secrets {
        let trimmed = secret.trim();
        let collapsed = trimmed.split_whitespace().collect::<Vec<_>>().join(" ");
        for plain in [secret.as_str(), trimmed, &collapsed] {
            let percent = encode(plain).into_owned();
            let all_percent = utf8_percent_encode(plain, NON_ALPHANUMERIC).to_string();
            let form: String = form_urlencode(plain);
            let html = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            let json = serde_json::to_string(plain).unwrap_or_default();
            let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned();
            found.extend(
                [
                    plain.to_owned(),
                    percent.to_lowercase(),
                    percent,
                    all_percent,
                    form,
                    html.replace('\'', "&#39;"),
                    html.replace('\'', "&#x27;"),
                    html.replace('\'', "&#039;"),
                    html.replace('\'', "&apos;"),
                    html,
                    json.replace('/', "\\/"),
                    ascii_json(plain),
                    json,
                    STANDARD.encode(plain),
                    STANDARD.encode(plain).trim_end_matches('=').to_owned(),
                ]
                .map(Zeroizing::new),
            );
        }
    }
    found.retain(|text| text.len() >= SHORTEST);
    found.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    found.dedup();
    found
}

fn form_urlencode(plain: &str) -> String {
    serde_urlencoded::to_string([("", plain)]).unwrap_or_default().trim_start_matches('=').to_owned()
}

/// JSON as Python writes it: everything beyond ASCII escaped.
fn ascii_json(plain: &str) -> String {
    let json = serde_json::to_string(plain).unwrap_or_default();
    let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    inner.chars().fold(String::new(), |mut escaped, c| {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
        escaped
    })
}
