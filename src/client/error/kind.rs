use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $label:literal,)+) => {
        /// What kind of failure an [`Error`](crate::Error) is.
        ///
        /// Whether a write was executed is in [`Error::outcome`](crate::Error::outcome).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl ErrorKind {
            /// The kind as a label for logs and metrics, such as `rate_limited`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $label,)+
                }
            }
        }
    };
}

kinds! {
    /// The credentials were not accepted (401).
    Authentication = "authentication",
    /// The credentials do not allow the operation (403).
    Permission = "permission",
    /// The resource does not exist (404, 410).
    NotFound = "not_found",
    /// The API found the request invalid (400, 422); see [`Error::field_errors`](crate::Error::field_errors).
    Validation = "validation",
    /// The request contradicts the present state, or an earlier request with its idempotency key (409, 423).
    Conflict = "conflict",
    /// Too many requests (429); see [`Error::retry_after`](crate::Error::retry_after).
    RateLimited = "rate_limited",
    /// Another 4xx status.
    Rejected = "rejected",
    /// A 5xx status.
    Server = "server",
    /// A status that is not 2xx, 4xx or 5xx, such as a redirect. Redirects are not followed.
    UnexpectedStatus = "unexpected_status",
    /// No connection was made, or the connection was lost.
    Connection = "connection",
    /// The request timed out, or its deadline was exceeded.
    Timeout = "timeout",
    /// The status is 2xx, but the response body is not JSON, or a required field is missing or failed to decode.
    Decode = "decode",
    /// The status is 2xx, but the response body is an error of the API.
    ErrorInSuccess = "error_in_success",
    /// The request is invalid; it was not sent.
    InvalidRequest = "invalid_request",
    /// The configuration of the client is invalid, or lacks a credential; the request was not sent.
    Configuration = "configuration",
    /// The token source gave no access token; the request was not sent.
    Token = "token",
    /// The quote of a payout exceeds what the caller allows; nothing was created. See
    /// [`Error::quote_rejection`](crate::Error::quote_rejection).
    QuoteRejected = "quote_rejected",
    /// A list changed while its pages were read, or its pages had no new items, so that items may have been skipped.
    ListChanged = "list_changed",
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
