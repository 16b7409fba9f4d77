//! A recorded request in one piece of memory. Thousands are kept, and each request would otherwise cost a dozen allocations.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{KEPT_BODY, RecordedRequest};
use crate::faults::When;

/// A request that came in, and its response.
pub(crate) struct Seen<'a> {
    pub(crate) operation: Option<&'static str>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) status: Option<u16>,
    pub(crate) response: &'a [u8],
    pub(crate) fault: Option<When>,
}

/// What is kept of a request.
#[derive(Debug)]
pub(super) struct Packed {
    operation: Option<&'static str>,
    at: DateTime<Utc>,
    status: Option<u16>,
    fault: Option<When>,
    headers: usize,
    /// Texts one after the other: method, path, query, body, response, and the names and values of the headers. Each begins
    /// with its length.
    texts: Box<[u8]>,
}

/// How many bytes a length takes.
const LENGTH: usize = size_of::<usize>();

impl Packed {
    pub(super) fn new(seen: Seen<'_>) -> Self {
        let body = &seen.body[..seen.body.len().min(KEPT_BODY)];
        let parts = [seen.method.as_str().as_bytes(), seen.path.as_bytes(), seen.query.as_bytes(), body, seen.response];
        let headers = || seen.headers.iter().flat_map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()]);
        let texts = || parts.into_iter().chain(headers());
        let mut bytes = Vec::with_capacity(texts().map(|text| LENGTH + text.len()).sum());
        for text in texts() {
            bytes.extend_from_slice(&text.len().to_ne_bytes());
            bytes.extend_from_slice(text);
        }
        let Seen { operation, at, status, fault, headers, .. } = seen;
        Self { operation, at, status, fault, headers: headers.len(), texts: bytes.into() }
    }

    /// Bytes that the request takes, roughly.
    pub(super) fn size(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn unpack(&self) -> RecordedRequest {
        let mut texts = Texts(&self.texts);
        let mut text = || String::from_utf8_lossy(texts.next()).into_owned();
        let (method, path, query) = (text(), text(), text());
        let (body, response) = (Bytes::copy_from_slice(texts.next()), Bytes::copy_from_slice(texts.next()));
        let mut headers = HeaderMap::with_capacity(self.headers);
        for _ in 0..self.headers {
            let (name, value) = (HeaderName::from_bytes(texts.next()), HeaderValue::from_bytes(texts.next()));
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        let (operation, at, status, fault) = (self.operation, self.at, self.status, self.fault.clone());
        RecordedRequest { operation, at, method, path, query, headers, body, status, response, fault }
    }
}

/// The texts that are left.
struct Texts<'a>(&'a [u8]);

impl<'a> Texts<'a> {
    fn next(&mut self) -> &'a [u8] {
        let Some((length, rest)) = self.0.split_first_chunk::<LENGTH>() else { return &[] };
        let (text, rest) = rest.split_at_checked(usize::from_ne_bytes(*length)).unwrap_or((rest, &[]));
        self.0 = rest;
        text
    }
}
