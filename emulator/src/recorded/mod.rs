//! The requests that came in, for assertions of a test.

mod packed;

use std::{collections::VecDeque, fmt};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde_json::Value;

use crate::faults::When;
use packed::Packed;
pub(crate) use packed::Seen;

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
    requests: VecDeque<Packed>,
    /// Size of all.
    size: usize,
}

impl Records {
    pub(crate) fn add(&mut self, seen: Seen<'_>) {
        let packed = Packed::new(seen);
        self.size += packed.size();
        self.requests.push_back(packed);
        while self.requests.len() > KEPT || self.size > KEPT_SIZE && self.requests.len() > 1 {
            self.size -= self.requests.pop_front().map_or(0, |packed| packed.size());
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = RecordedRequest> {
        self.requests.iter().map(Packed::unpack)
    }

    /// At most `limit` records after the first `offset` ones, which are not unpacked.
    pub(crate) fn page(&self, offset: usize, limit: usize) -> impl Iterator<Item = RecordedRequest> {
        self.requests.iter().skip(offset).take(limit).map(Packed::unpack)
    }

    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn the_log_is_bounded_in_number_and_size() {
        let (headers, large) = (HeaderMap::new(), vec![0; 1024 * 1024]);
        let seen = |path: &'static str, body, response| Seen {
            operation: None,
            method: &Method::GET,
            path,
            query: "",
            headers: &headers,
            body,
            status: Some(200),
            response,
            fault: None,
            at: chrono::DateTime::UNIX_EPOCH,
        };
        let path_of = |records: &Records, at: usize| records.iter().nth(at).map(|record| record.path);
        let mut records = Records::default();
        let (response, huge) = (vec![0; 10 * 1024 * 1024], vec![0; KEPT_SIZE]);
        for _ in 0..100 {
            records.add(seen("large", &large, &response));
            assert!(records.size <= KEPT_SIZE);
        }
        let first = records.iter().next().map(|record| record.body.len());
        assert_eq!((records.len(), first), (12, Some(KEPT_BODY)));
        records.add(seen("larger than the log", &[], &huge));
        assert_eq!((records.len(), path_of(&records, 0).as_deref()), (1, Some("larger than the log")));
        records.clear();
        for _ in 0..KEPT + 5 {
            records.add(seen("small", &[], &[]));
        }
        records.add(seen("last", &[], &[]));
        assert_eq!((records.len(), path_of(&records, KEPT - 1).as_deref()), (KEPT, Some("last")));
        let page = |offset, limit| records.page(offset, limit).map(|record| record.path).collect::<Vec<_>>();
        assert_eq!(page(KEPT - 2, 1), ["small"]);
        assert_eq!(page(KEPT - 2, 10), ["small", "last"]);
        assert!(page(KEPT, 1).is_empty() && page(usize::MAX, usize::MAX).is_empty());
        assert_eq!(records.size, records.requests.iter().map(Packed::size).sum::<usize>());
    }
}
