//! The requests that came in, for assertions of a test.

use std::{collections::VecDeque, fmt};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde_json::Value;

use crate::faults::When;

/// How many requests are kept.
const KEPT: usize = 10_000;
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
pub(crate) struct Records(VecDeque<RecordedRequest>);

impl Records {
    pub(crate) fn add(&mut self, mut record: RecordedRequest) {
        if record.body.len() > KEPT_BODY {
            // A slice would keep the whole body.
            record.body = Bytes::copy_from_slice(&record.body[..KEPT_BODY]);
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(record);
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.0.iter().cloned().collect()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &RecordedRequest> {
        self.0.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
