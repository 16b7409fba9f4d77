use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use crate::{
    error::{Error, ErrorKind},
    operation::Operation,
};

/// The URL of a path on the base URL, which has neither query nor fragment and is parsed once.
pub(crate) fn url(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url
}

/// Template of a path that the contract does not know.
pub(crate) const ANY: &str = "/{+path}";

/// The URL of a path that a caller wrote. Refuses whatever would not stay below the base URL as it is written.
pub(crate) fn custom(base: &Url, path: &str) -> Result<Url, Error> {
    let is_step = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let segments = path.strip_prefix('/').unwrap_or_default();
    let problem = if segments.is_empty() {
        "must start with `/` and name a resource"
    } else if path.contains(['?', '#']) {
        "must have no query and no fragment: give parameters to `query`"
    } else if path.contains(|c: char| c == '\\' || c.is_control()) {
        "must contain no backslash and no control character"
    } else if segments.strip_suffix('/').unwrap_or(segments).split('/').any(|name| name.is_empty() || is_step(name)) {
        "must have no empty segment, and none of `.` and `..`"
    } else {
        return Ok(url(base, &format!("{}{path}", base.path())));
    };
    Err(Error::invalid_field("path", problem))
}

/// Whether a path without a query is the operation's.
pub(crate) fn fits(operation: &Operation, path: &str) -> bool {
    is_path(operation.path.as_bytes(), path.as_bytes())
}

/// Refuses a request whose path is not the operation's: an id such as `..` would have changed which route is called.
pub(super) fn check(request: &reqwest::Request, base_url: &str, operation: &Operation) -> Result<(), Error> {
    let fits = request
        .url()
        .as_str()
        .strip_prefix(base_url)
        .is_some_and(|below| is_path(operation.path.as_bytes(), below.as_bytes()));
    if fits && request.method().as_str() == operation.method {
        return Ok(());
    }
    Err(Error::local(ErrorKind::InvalidRequest, format!("an id is invalid in the path {}", operation.path)))
}

/// Whether this is how a URL goes on that fits the template: `/payments/{payment_id}` and `/payments/17?limit=1`.
fn is_path(template: &[u8], mut url: &[u8]) -> bool {
    if template == ANY.as_bytes() {
        return url.starts_with(b"/");
    }
    for name in template.split(|byte| *byte == b'/').skip(1) {
        let Some(rest) = url.strip_prefix(b"/") else { return false };
        let rest = if name.starts_with(b"{") {
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
            let (id, rest) = rest.split_at(end);
            (!matches!(id, b"" | b"." | b"..")).then_some(rest)
        } else {
            rest.strip_prefix(name)
        };
        let Some(rest) = rest else { return false };
        url = rest;
    }
    matches!(url.first(), None | Some(b'?' | b'#'))
}

/// All but what RFC 3986 calls unreserved.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An id as one segment of a path. Dots are left as they are: a URL takes them as steps even when they are encoded.
pub(crate) fn encode(id: &str) -> Cow<'_, str> {
    utf8_percent_encode(id, &RESERVED).into()
}

/// An id, encoded as one segment of a path; `name` is its path parameter.
///
/// The URL standard takes `\` as `/` and resolves dots, so an id with either would name another resource.
pub(crate) fn segment<'a>(name: &str, id: &'a str) -> Result<Cow<'a, str>, Error> {
    let problem = match id {
        "" => "must not be empty",
        "." | ".." => "must not be `.` or `..`",
        id if id.contains('\\') => "must not contain a backslash",
        id => return Ok(encode(id)),
    };
    Err(Error::invalid_field(name, problem))
}
