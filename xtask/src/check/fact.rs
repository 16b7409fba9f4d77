//! The neutral ground on which documents and the contract meet: one statement about the API.

use std::fmt;

/// Which side of a call a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// One statement. Its `Display` is its name in the lock and in findings; two facts with one name are one fact.
///
/// Operations are written as `POST /payments/create`, without the path of the server; paths of fields as
/// `recipients[].amount`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fact {
    /// The operation exists.
    Operation { operation: String },
    /// A field may be sent or comes back.
    Field { operation: String, direction: Direction, path: String },
    /// A list that is said to be guaranteed has the field.
    Guaranteed { operation: String, direction: Direction, path: String },
    /// A field that older pages show is not guaranteed.
    NotGuaranteed { operation: String, path: String },
    /// A field or parameter has these types, parted by `|`.
    FieldType { operation: String, direction: Direction, path: String, kind: String },
    /// A field or parameter may have this value.
    EnumValue { operation: String, direction: Direction, path: String, value: String },
    /// A request is refused without this field.
    RequiredField { operation: String, path: String },
    /// A query parameter, form field or other route-level parameter.
    Parameter { operation: String, name: String },
    /// A header is required.
    RequiredHeader { operation: String, name: String },
    /// A header is recommended, or required on most calls.
    Header { name: String },
    /// A JSON value in an example has this type (`string`, `number`, `boolean`, `null`, `object`, `array`).
    ExampleType { operation: String, direction: Direction, path: String, kind: String },
    /// A route is said not to exist.
    NotExposed { route: String },
    /// Something is live at the path, whatever its method.
    Path { path: String },
    /// A field is spoken of by its path, such as `user_info.otp`, without saying where.
    Mention { path: String },
    /// A code that the API gives with an error.
    Code { name: String },
    /// A webhook event.
    Event { name: String },
    /// A header of webhook deliveries.
    WebhookHeader { name: String },
    /// A field of a webhook's envelope.
    WebhookField { path: String },
    /// An environment variable.
    Variable { name: String },
    /// A base URL.
    BaseUrl { url: String },
    /// A default payout fee: amounts up to `limit` (or above all limits) cost `fee`.
    Fee { limit: String, fee: String },
    /// A type of term that can be fulfilled takes a key in `data`; an empty key says only that the type exists.
    TermKey { term_type: String, key: String },
    /// An action that an escrow may wait for, and a key that comes with it.
    RequiredAction { action: String, key: String },
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
        })
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation { operation } => write!(f, "operation {operation}"),
            Self::Field { operation, direction, path } => write!(f, "{operation}: {direction} has {path}"),
            Self::FieldType { operation, direction, path, kind } => {
                write!(f, "{operation}: {direction} has {path} as {kind}")
            }
            Self::EnumValue { operation, direction, path, value } => {
                write!(f, "{operation}: {direction} {path} may be {value}")
            }
            Self::RequiredField { operation, path } => write!(f, "{operation}: needs {path}"),
            Self::Guaranteed { operation, direction, path } => write!(f, "{operation}: {direction} guarantees {path}"),
            Self::NotGuaranteed { operation, path } => write!(f, "{operation}: {path} is not guaranteed"),
            Self::Parameter { operation, name } => write!(f, "{operation}: takes the parameter {name}"),
            Self::RequiredHeader { operation, name } => write!(f, "{operation}: needs the header {name}"),
            Self::Header { name } => write!(f, "header {name}"),
            Self::ExampleType { operation, direction, path, kind } => {
                write!(f, "{operation}: {direction} example has {path} as {kind}")
            }
            Self::NotExposed { route } => write!(f, "not exposed: {route}"),
            Self::Path { path } => write!(f, "path {path}"),
            Self::Mention { path } => write!(f, "field {path}"),
            Self::Code { name } => write!(f, "error code {name}"),
            Self::Event { name } => write!(f, "event {name}"),
            Self::WebhookHeader { name } => write!(f, "webhook header {name}"),
            Self::WebhookField { path } => write!(f, "webhook field {path}"),
            Self::Variable { name } => write!(f, "environment variable {name}"),
            Self::BaseUrl { url } => write!(f, "base URL {url}"),
            Self::Fee { limit, fee } => write!(f, "payout fee {limit}: {fee}"),
            Self::TermKey { term_type, key } if key.is_empty() => write!(f, "term type {term_type}"),
            Self::TermKey { term_type, key } => write!(f, "term type {term_type} takes {key}"),
            Self::RequiredAction { action, key } if key.is_empty() => write!(f, "required action {action}"),
            Self::RequiredAction { action, key } => write!(f, "required action {action} has {key}"),
        }
    }
}

/// A fact and where it stands in the docs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stated {
    pub(crate) fact: Fact,
    /// Name of the page.
    pub(crate) page: String,
    /// Heading above it.
    pub(crate) heading: String,
    pub(crate) anchor: String,
    pub(crate) line: usize,
}

/// A JSON example and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Example {
    /// `POST /payments/create`, or `webhook`.
    pub(crate) operation: String,
    pub(crate) direction: Direction,
    pub(crate) json: serde_json::Value,
    pub(crate) page: String,
    pub(crate) heading: String,
    pub(crate) anchor: String,
    pub(crate) line: usize,
}
