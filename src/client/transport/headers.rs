//! Names and values of headers. The names are parsed at compile time: parsing one for each request costs a lot beside it.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    error::{Error, ErrorKind},
    operation::{Credential, HEADERS},
};

/// Headers that a request may not set, because the client or HTTP itself does.
const RESERVED: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// `HeaderName::from_static` takes lower case only; the contract writes capitals.
const fn lower_case<const LENGTH: usize>(name: &str) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes.copy_from_slice(name.as_bytes());
    bytes.make_ascii_lowercase();
    bytes
}

macro_rules! name {
    ($name:expr) => {{
        const LOWER_CASE: [u8; $name.len()] = lower_case($name);
        // An empty name does not compile.
        const NAME: &str = match std::str::from_utf8(&LOWER_CASE) {
            Ok(name) => name,
            Err(_) => "",
        };
        HeaderName::from_static(NAME)
    }};
}

/// Value of the header `User-Agent`.
pub(super) const USER_AGENT: &str = concat!("piaxis-rust/", env!("CARGO_PKG_VERSION"));

static API_KEY: HeaderName = name!(HEADERS.api_key);
static CLIENT_ID: HeaderName = name!(HEADERS.client_id);
static BEARER: HeaderName = name!(HEADERS.bearer);
pub(crate) static REQUEST_ID: HeaderName = name!(HEADERS.request_id);
pub(crate) static IDEMPOTENCY_KEY: HeaderName = name!(HEADERS.idempotency_key);
pub(super) static APP_INFO: HeaderName = name!(HEADERS.app_info);

pub(super) fn of(credential: Credential) -> &'static HeaderName {
    match credential {
        Credential::ApiKey => &API_KEY,
        Credential::ClientId => &CLIENT_ID,
        Credential::Bearer => &BEARER,
    }
}

/// Value of the header that names the application.
pub(crate) fn app_info(name: &str, version: &str) -> Result<HeaderValue, String> {
    let text = if version.is_empty() { name.to_owned() } else { format!("{name}/{version}") };
    header_value("the application's name or version", &text)
}

pub(crate) fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::try_from(name).map_err(|_| format!("invalid header name `{name}`"))
}

/// A header value whose text may be a secret; `what` names it in the message.
pub(crate) fn header_value(what: &str, text: &str) -> Result<HeaderValue, String> {
    match HeaderValue::from_str(text) {
        // `http` takes any UTF-8, which servers read as they please, and which cannot be read back as text.
        Ok(_) if !text.is_ascii() => Err(format!("{what} must be ASCII")),
        Ok(value) if !text.trim().is_empty() => Ok(value),
        Ok(_) => Err(format!("{what} is empty")),
        Err(_) => Err(format!("{what} has characters that are invalid in a header")),
    }
}

/// Whether a header is of the credentials or of HTTP itself.
pub(crate) fn is_reserved(name: &str) -> bool {
    let credentials = [Credential::ApiKey, Credential::ClientId, Credential::Bearer].map(Credential::header);
    credentials.iter().chain(&RESERVED).any(|reserved| reserved.eq_ignore_ascii_case(name))
}

pub(crate) fn must_not_be_set(name: &str) -> String {
    format!("the header `{name}` must not be set: the client sets it")
}

/// Adds headers to each attempt.
#[derive(Clone)]
pub(crate) struct AttemptHeaders(pub(crate) Arc<dyn Fn(&mut HeaderMap) + Send + Sync>);

impl AttemptHeaders {
    /// Attempts of one request differ in none of the headers that only the client sets, so those cannot be added.
    pub(super) fn headers(&self) -> Result<HeaderMap, Error> {
        let mut added = HeaderMap::new();
        (self.0)(&mut added);
        let of_the_client = [&REQUEST_ID, &IDEMPOTENCY_KEY, &APP_INFO];
        if let Some(name) = added.keys().find(|name| is_reserved(name.as_str()) || of_the_client.contains(name)) {
            let problem = format!("ClientBuilder::attempt_headers: {}", must_not_be_set(name.as_str()));
            return Err(Error::local(ErrorKind::InvalidRequest, problem));
        }
        Ok(added)
    }
}
