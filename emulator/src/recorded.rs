//! The requests that came in, for assertions of a test.

use std::{collections::VecDeque, fmt};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use crate::faults::When;

/// How many requests are kept.
const KEPT: usize = 10_000;
/// How many bytes of requests are kept.
const KEPT_SIZE: usize = 128 * 1024 * 1024;
/// How much of a body is kept.
const KEPT_BODY: usize = 16 * 1024;

/// A request that came in. `Debug` shows no header, no query and no body, because they hold credentials and personal data.
#[derive(Clone)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// Operation, by its name in the contract; `None` where the route is none.
    pub operation: Option<&'static str>,
    /// Time at which the response was made, on the emulator's clock.
    pub at: DateTime<Utc>,
    /// HTTP method.
    pub method: String,
    /// Path, as it was sent.
    pub path: String,
    /// Query, as it was sent, without the question mark.
    pub query: String,
    /// Headers.
    pub headers: HeaderMap,
    /// The first 16 KiB of the body.
    pub body: Bytes,
    /// Status of the response that was made; `None` where a fault came before it.
    pub status: Option<u16>,
    /// Body of the response that was made, whole.
    pub response: Bytes,
    /// The fault that a test asked for.
    pub fault: Option<When>,
}

impl RecordedRequest {
    /// A header, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body of the response as JSON; null where it is none.
    pub fn response_json(&self) -> Value {
        serde_json::from_slice(&self.response).unwrap_or_default()
    }

    /// Bytes that the request takes, roughly.
    fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        self.path.len() + self.query.len() + self.body.len() + self.response.len() + headers.sum::<usize>()
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("status", &self.status)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

/// The last requests.
#[derive(Debug, Default)]
pub(crate) struct Records {
    requests: VecDeque<RecordedRequest>,
    /// Size of all.
    size: usize,
}

impl Records {
    pub(crate) fn add(&mut self, mut record: RecordedRequest) {
        if record.body.len() > KEPT_BODY {
            // A slice would keep the whole body.
            record.body = Bytes::copy_from_slice(&record.body[..KEPT_BODY]);
        }
        detach(&mut record.headers);
        self.size += record.size();
        self.requests.push_back(record);
        while self.requests.len() > KEPT || self.size > KEPT_SIZE && self.requests.len() > 1 {
            self.size -= self.requests.pop_front().map_or(0, |record| record.size());
        }
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &RecordedRequest> {
        self.requests.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Copies the values into memory of their own. They are slices of the buffer that the server reads into, which would be kept
/// whole and could not be used for the next request.
fn detach(headers: &mut HeaderMap) {
    let mut text = BytesMut::with_capacity(headers.values().map(HeaderValue::len).sum());
    headers.values().for_each(|value| text.extend_from_slice(value.as_bytes()));
    let mut text = text.freeze();
    for value in headers.values_mut() {
        if let Ok(mut copy) = HeaderValue::from_maybe_shared(text.split_to(value.len())) {
            copy.set_sensitive(value.is_sensitive());
            *value = copy;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_in_number_and_size() {
        let record = |path: &str, response: usize| RecordedRequest {
            operation: None,
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::from(vec![0; 1024 * 1024]),
            status: Some(200),
            response: Bytes::from(vec![0; response]),
            fault: None,
            at: chrono::DateTime::UNIX_EPOCH,
        };
        let mut records = Records::default();
        for _ in 0..100 {
            records.add(record("large", 10 * 1024 * 1024));
            assert!(records.size <= KEPT_SIZE);
        }
        assert_eq!((records.requests.len(), records.requests[0].body.len()), (12, KEPT_BODY));
        records.add(record("larger than the log", KEPT_SIZE));
        assert_eq!((records.requests.len(), &*records.requests[0].path), (1, "larger than the log"));
        records.clear();
        for _ in 0..KEPT + 5 {
            records.add(RecordedRequest { body: Bytes::new(), ..record("small", 0) });
        }
        records.add(record("last", 0));
        assert_eq!((records.requests.len(), &*records.requests[KEPT - 1].path), (KEPT, "last"));
        assert_eq!(records.size, records.requests.iter().map(RecordedRequest::size).sum::<usize>());
    }
}
