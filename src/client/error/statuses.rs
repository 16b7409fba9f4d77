//! The one table of failures: what each says about a write, and whether a read is retried.
//!
//! Retries, errors and outcomes read this table, and nothing else decides. A row says `NotSent` or `Rejected` only where
//! the request cannot have been executed, whichever gateway stands between. Gateways send statuses for backends that took
//! the request: Varnish sends 503 with `Retry-After` on each failed fetch, nginx 502 and 504, load balancers 460 and 504.

use std::ops::RangeInclusive;

use super::{ErrorKind, Outcome};

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The request was found invalid here, or the client lacks what it needs.
    Refused,
    /// The request was not written to a connection.
    Unsent,
    /// The request was written to a connection, and no whole response came back.
    Interrupted,
    /// The status is 2xx, and the response body is not the operation's own.
    UnreadableSuccess,
    /// The status is not 2xx.
    Status(u16),
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What is known about a write. A read is always `ReadFailed`.
    pub(crate) write: Outcome,
    /// Whether a read is retried. A write is retried on `NotSent`, and on `Unknown` where the caller allowed it.
    pub(crate) is_temporary: bool,
}

struct Row {
    statuses: RangeInclusive<u16>,
    /// Whether the row counts only where an earlier request with the same idempotency key may have been executed.
    only_with_earlier: bool,
    kind: ErrorKind,
    write: Outcome,
    is_temporary: bool,
    #[allow(dead_code)] // For the reader.
    reason: &'static str,
}

const fn row(
    statuses: RangeInclusive<u16>,
    kind: ErrorKind,
    write: Outcome,
    is_temporary: bool,
    reason: &'static str,
) -> Row {
    Row { statuses, only_with_earlier: false, kind, write, is_temporary, reason }
}

const fn with_earlier(status: u16, reason: &'static str) -> Row {
    Row { only_with_earlier: true, ..row(status..=status, Conflict, Unknown, false, reason) }
}

use ErrorKind::{
    Authentication, Conflict, NotFound, Permission, RateLimited, Rejected, Server, UnexpectedStatus, Validation,
};
use Outcome::{NotSent, Unknown};

/// What a refused write comes to; `Rejected` is the name of a kind as well.
const REJECTED: Outcome = Outcome::Rejected;

/// The first row that fits counts. A status without a row is `Unknown`.
const STATUSES: &[Row] = &[
    row(300..=399, UnexpectedStatus, Unknown, false, "RFC 9110 15.4: 303 is sent after the write was executed"),
    row(400..=400, Validation, REJECTED, false, "RFC 9110 15.5.1: the request will not be processed"),
    row(401..=401, Authentication, REJECTED, false, "RFC 9110 15.5.2: the request has not been applied"),
    row(402..=402, Rejected, REJECTED, false, "RFC 9110 15.5.3 reserves it; payment APIs decline with it"),
    row(403..=403, Permission, REJECTED, false, "RFC 9110 15.5.4: understood, and refused"),
    row(404..=404, NotFound, REJECTED, false, "RFC 9110 15.5.5: no such resource to execute it on"),
    row(405..=405, Rejected, REJECTED, false, "RFC 9110 15.5.6: the method is not supported"),
    row(406..=406, Rejected, Unknown, false, "RFC 9110 15.5.7 is about the response, which comes after execution"),
    row(407..=407, Rejected, REJECTED, false, "RFC 9110 15.5.8: a proxy did not forward it"),
    row(408..=408, Rejected, Unknown, true, "RFC 9110 15.5.9, but gateways send it for slow backends as well"),
    with_earlier(409, "an earlier request with this idempotency key may have been executed"),
    row(409..=409, Conflict, REJECTED, false, "RFC 9110 15.5.10: not completed because of the present state"),
    row(410..=410, NotFound, REJECTED, false, "RFC 9110 15.5.11: as 404"),
    row(411..=417, Rejected, REJECTED, false, "RFC 9110 15.5.12 to 15.5.18: refused for its headers, size or type"),
    row(421..=421, Rejected, REJECTED, false, "RFC 9110 15.5.20: sent to a server that does not serve it"),
    row(422..=422, Validation, REJECTED, false, "RFC 9110 15.5.21: its instructions could not be processed"),
    with_earlier(423, "an earlier request with this idempotency key may be in progress"),
    row(423..=423, Conflict, REJECTED, false, "RFC 4918 11.3: the resource is locked"),
    row(424..=424, Rejected, Unknown, false, "RFC 4918 11.4: a step failed, and the steps before it may stand"),
    row(425..=425, Rejected, REJECTED, true, "RFC 8470 5.2: the server does not risk processing it"),
    row(426..=426, Rejected, REJECTED, false, "RFC 9110 15.5.22: refused over this protocol"),
    row(428..=428, Rejected, REJECTED, false, "RFC 6585 3: a condition is required"),
    row(429..=429, RateLimited, NotSent, true, "RFC 6585 4; that nothing was executed is inferred"),
    row(431..=431, Rejected, REJECTED, false, "RFC 6585 5: its headers are too large"),
    row(444..=444, Rejected, Unknown, true, "nginx closed the connection, whatever the backend did"),
    row(451..=451, Rejected, REJECTED, false, "RFC 7725 3: denied for legal reasons"),
    row(460..=460, Rejected, Unknown, true, "AWS load balancer: the client closed the connection first"),
    row(499..=499, Rejected, Unknown, true, "nginx: the client closed the connection first"),
    row(400..=499, Rejected, Unknown, false, "in no registry, so no specification says that nothing was executed"),
    row(500..=500, Server, Unknown, true, "RFC 9110 15.6.1: it failed at any point of the execution"),
    row(501..=501, Server, Unknown, false, "RFC 9110 15.6.2, but gateways send it for parts of a request as well"),
    row(502..=504, Server, Unknown, true, "RFC 9110 15.6.3 to 15.6.5: a gateway, after the backend took it perhaps"),
    row(505..=519, Server, Unknown, false, "RFC 9110 15.6.6 and others: a retry meets the same"),
    row(520..=530, Server, Unknown, true, "Cloudflare: the backend failed or was slow"),
    row(500..=599, Server, Unknown, false, "in no registry"),
];

/// What a failure means. `has_earlier` tells whether an earlier request with the same idempotency key may have been
/// executed: the key is the caller's own, or this is not the first attempt.
pub(crate) fn verdict(failure: Failure, has_earlier: bool) -> Verdict {
    let (write, is_temporary) = match failure {
        Failure::Refused => (NotSent, false),
        Failure::Unsent => (NotSent, true),
        Failure::Interrupted => (Unknown, true),
        Failure::UnreadableSuccess => (Unknown, false),
        Failure::Status(status) => match row_of(status, has_earlier) {
            Some(row) => (row.write, row.is_temporary),
            None => (Unknown, false),
        },
    };
    Verdict { write, is_temporary }
}

pub(crate) fn kind_of(status: u16) -> ErrorKind {
    row_of(status, false).map_or(UnexpectedStatus, |row| row.kind)
}

fn row_of(status: u16, has_earlier: bool) -> Option<&'static Row> {
    STATUSES.iter().find(|row| row.statuses.contains(&status) && (has_earlier || !row.only_with_earlier))
}
