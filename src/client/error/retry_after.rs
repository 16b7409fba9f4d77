use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use crate::duration::bounded;

/// `Retry-After`, in seconds or as an HTTP date in any of its three forms (RFC 9110 10.2.3 and 5.6.7).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean longer than anybody waits.
        return Some(bounded(text.parse().map_or(Duration::MAX, Duration::from_secs)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(bounded(until.duration_since(SystemTime::now()).unwrap_or_default()))
}
