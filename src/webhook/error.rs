use std::{fmt, time::Duration};

use super::{SignatureVersion, generated::HEADERS};
use crate::decoding::DecodeError;

/// Why a delivery is rejected, or fails to decode.
///
/// No variant holds the secret, a signature or the body. [`code`](Self::code) is for logs and responses,
/// [`status`](Self::status) for the response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookError {
    /// A secret is empty: anybody could sign with an empty secret.
    EmptySecret,
    /// A secret has white space at its start or end, as a line break from a file.
    SecretWhiteSpace,
    /// The environment has no secret.
    NoSecret {
        /// Environment variable of the secret.
        variable: &'static str,
    },
    /// The delivery has no signature.
    MissingSignature,
    /// The delivery has a v2 signature without its timestamp.
    MissingTimestamp,
    /// The delivery has a v1 signature only, and [`require_v2`](super::Webhook::require_v2) is set.
    V2Required,
    /// A header of the signature is empty.
    EmptyHeader {
        /// Name of the header.
        header: &'static str,
    },
    /// A header of the signature is repeated.
    DuplicateHeader {
        /// Name of the header.
        header: &'static str,
    },
    /// A header of the signature is not ASCII.
    NonAsciiHeader {
        /// Name of the header.
        header: &'static str,
    },
    /// A signature does not have 64 characters.
    SignatureLength {
        /// Name of the header.
        header: &'static str,
        /// Number of characters.
        length: usize,
    },
    /// A signature is in upper-case hex; genuine ones are in lower case.
    UpperCaseSignature {
        /// Name of the header.
        header: &'static str,
    },
    /// A signature is not hex.
    SignatureNotHex {
        /// Name of the header.
        header: &'static str,
    },
    /// The timestamp is not made of digits only.
    MalformedTimestamp,
    /// The timestamp is out of range.
    TimestampOutOfRange,
    /// The signature matches none of the secrets.
    SignatureMismatch {
        /// Version of the signature that was compared.
        version: SignatureVersion,
    },
    /// The signature is genuine, but older than the tolerance: a replay, or a clock that is wrong.
    TooOld {
        /// Age of the signature.
        age: Duration,
        /// The [`tolerance`](super::Webhook::tolerance).
        tolerance: Duration,
    },
    /// The signature is genuine, but from the future by more than the tolerance: a clock is wrong.
    FromTheFuture {
        /// Time ahead of this machine's clock.
        ahead: Duration,
        /// The [`tolerance`](super::Webhook::tolerance).
        tolerance: Duration,
    },
    /// The signature is genuine and has no time, and the event is older than [`max_event_age`](super::Webhook::max_event_age).
    EventTooOld {
        /// Age of the event by the timestamp in the body.
        age: Duration,
        /// Maximum age.
        limit: Duration,
    },
    /// The signature is genuine and has no time, and the body does not tell the age of the event.
    EventAgeUnknown,
    /// The request is for an endpoint that a [`WebhookSource`](super::WebhookSource) does not know.
    UnknownEndpoint,
    /// A [`WebhookSource`](super::WebhookSource) cannot read the secret now.
    SecretUnavailable,
    /// The body is compressed, so that it is not the one that was signed.
    UnsupportedEncoding,
    /// The body is longer than the receiver's limit.
    BodyTooLarge {
        /// Maximum number of bytes.
        limit: usize,
    },
    /// The body is incomplete.
    BodyUnreadable,
    /// The body timed out.
    BodyTooSlow,
    /// The body is genuine, but not a JSON object in UTF-8.
    NotAnEvent {
        /// What is invalid; never text of the body.
        problem: String,
    },
    /// The event is genuine, but a field has another type than documented.
    UnexpectedPayload {
        /// Path of the field and what was expected there; never the value.
        problem: String,
    },
}

impl WebhookError {
    /// A short name that does not change: `signature_mismatch`, `too_old`, …
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptySecret => "empty_secret",
            Self::SecretWhiteSpace => "secret_white_space",
            Self::NoSecret { .. } => "no_secret",
            Self::MissingSignature => "missing_signature",
            Self::MissingTimestamp => "missing_timestamp",
            Self::V2Required => "v2_required",
            Self::EmptyHeader { .. } => "empty_header",
            Self::DuplicateHeader { .. } => "duplicate_header",
            Self::NonAsciiHeader { .. } => "non_ascii_header",
            Self::SignatureLength { .. } => "signature_length",
            Self::UpperCaseSignature { .. } => "upper_case_signature",
            Self::SignatureNotHex { .. } => "signature_not_hex",
            Self::MalformedTimestamp => "malformed_timestamp",
            Self::TimestampOutOfRange => "timestamp_out_of_range",
            Self::SignatureMismatch { .. } => "signature_mismatch",
            Self::TooOld { .. } => "too_old",
            Self::FromTheFuture { .. } => "from_the_future",
            Self::EventTooOld { .. } => "event_too_old",
            Self::EventAgeUnknown => "event_age_unknown",
            Self::UnknownEndpoint => "unknown_endpoint",
            Self::SecretUnavailable => "secret_unavailable",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyUnreadable => "body_unreadable",
            Self::BodyTooSlow => "body_too_slow",
            Self::NotAnEvent { .. } => "not_an_event",
            Self::UnexpectedPayload { .. } => "unexpected_payload",
        }
    }

    /// Status of the response: 401 for a signature that is missing or does not match, 400 for a malformed header or body,
    /// 404 for an unknown endpoint, 413, 408 and 415 for a body that is too large, too slow or compressed, 500 for a
    /// receiver without a valid secret, and 503 for a receiver that cannot read its secret now.
    pub fn status(&self) -> u16 {
        match self {
            Self::MissingSignature
            | Self::MissingTimestamp
            | Self::V2Required
            | Self::SignatureMismatch { .. }
            | Self::TooOld { .. }
            | Self::FromTheFuture { .. }
            | Self::EventTooOld { .. }
            | Self::EventAgeUnknown => 401,
            Self::EmptyHeader { .. }
            | Self::DuplicateHeader { .. }
            | Self::NonAsciiHeader { .. }
            | Self::SignatureLength { .. }
            | Self::UpperCaseSignature { .. }
            | Self::SignatureNotHex { .. }
            | Self::MalformedTimestamp
            | Self::TimestampOutOfRange
            | Self::BodyUnreadable
            | Self::NotAnEvent { .. }
            | Self::UnexpectedPayload { .. } => 400,
            Self::BodyTooSlow => 408,
            Self::BodyTooLarge { .. } => 413,
            Self::UnknownEndpoint => 404,
            Self::UnsupportedEncoding => 415,
            Self::SecretUnavailable => 503,
            Self::EmptySecret | Self::SecretWhiteSpace | Self::NoSecret { .. } => 500,
        }
    }
}

impl From<DecodeError> for WebhookError {
    fn from(error: DecodeError) -> Self {
        Self::UnexpectedPayload { problem: error.to_string() }
    }
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (v1, v2, timestamp) = (HEADERS.signature, HEADERS.signature_v2, HEADERS.signature_timestamp);
        match self {
            Self::EmptySecret => {
                f.write_str("the webhook secret is empty, so anybody could sign: set the endpoint's secret")
            }
            Self::SecretWhiteSpace => {
                f.write_str("the webhook secret starts or ends with white space, such as a line break: trim the secret")
            }
            Self::NoSecret { variable } => write!(f, "{variable} must be set, and must be UTF-8"),
            Self::MissingSignature => write!(f, "missing signature: the delivery has neither {v2} nor {v1}"),
            Self::MissingTimestamp => write!(f, "missing timestamp: the delivery has {v2} without {timestamp}"),
            Self::V2Required => write!(f, "{v2} is required: the delivery has only {v1}"),
            Self::EmptyHeader { header } => write!(f, "{header}: must not be empty"),
            Self::DuplicateHeader { header } => write!(f, "{header}: must not be repeated"),
            Self::NonAsciiHeader { header } => write!(f, "{header}: must be ASCII"),
            Self::SignatureLength { header, length } => {
                write!(f, "{header}: must have 64 characters, not {length}")
            }
            Self::UpperCaseSignature { header } => {
                write!(f, "{header}: must be lower-case hex, not upper-case")
            }
            Self::SignatureNotHex { header } => write!(f, "{header}: must be lower-case hex"),
            Self::MalformedTimestamp => write!(f, "{timestamp}: must be Unix seconds in digits"),
            Self::TimestampOutOfRange => write!(f, "{timestamp}: out of range, must be Unix seconds"),
            Self::SignatureMismatch { version } => write!(
                f,
                "{version} signature mismatch: wrong secret, or the body was modified; verify the raw body as received, before \
                 any JSON parser"
            ),
            Self::TooOld { age, tolerance } => write!(
                f,
                "genuine signature, but too old: {} s, at most {} s are allowed; a replay, or a wrong clock",
                age.as_secs(),
                tolerance.as_secs()
            ),
            Self::FromTheFuture { ahead, tolerance } => write!(
                f,
                "genuine signature, but from the future: {} s ahead of this machine's clock, at most {} s are allowed; one of \
                 the clocks is wrong",
                ahead.as_secs(),
                tolerance.as_secs()
            ),
            Self::EventTooOld { age, limit } => write!(
                f,
                "genuine {v1} signature, but the event is too old: {} s, at most {} s are allowed; a replay, or a late retry",
                age.as_secs(),
                limit.as_secs()
            ),
            Self::EventAgeUnknown => write!(
                f,
                "genuine {v1} signature, but the age of the event is unknown: `timestamp` is missing or invalid in the body, and \
                 a maximum age of events is set"
            ),
            Self::UnknownEndpoint => f.write_str("unknown endpoint"),
            Self::SecretUnavailable => f.write_str("the webhook secret is unavailable: failed to read it"),
            Self::UnsupportedEncoding => f.write_str(
                "unsupported content encoding: the body must be the one that was signed, not a compressed one",
            ),
            Self::BodyTooLarge { limit } => write!(f, "the body is longer than {limit} bytes"),
            Self::BodyUnreadable => f.write_str("incomplete body: failed to read the request body"),
            Self::BodyTooSlow => f.write_str("timed out while reading the request body"),
            Self::NotAnEvent { problem } => write!(f, "genuine body that is not an event: {problem}"),
            Self::UnexpectedPayload { problem } => write!(f, "genuine event with an unexpected payload: {problem}"),
        }
    }
}

impl std::error::Error for WebhookError {}
