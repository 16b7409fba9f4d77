//! Facts: what the documents and the contract both say about the API, in one form that can be compared.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::report::DocPlace;

/// Operation that stands for deliveries of webhooks.
pub(crate) const WEBHOOK: &str = "webhook";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Request,
    Response,
}

/// A field of one side of an operation, or a query parameter of its requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(String, Direction, String)", into = "(String, Direction, String)")]
pub(crate) struct Field {
    /// `POST /payments/create`, without the path of the server.
    pub(crate) operation: String,
    pub(crate) direction: Direction,
    /// `recipients[].amount`.
    pub(crate) path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bound {
    Min,
    Max,
}

/// Kinds of names that stand in one list of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum List {
    Header,
    ErrorCode,
    Event,
    WebhookHeader,
    WebhookField,
    Variable,
    BaseUrl,
    PayoutFee,
}

/// One statement about the API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fact {
    Operation(String),
    /// The operation, or its field if there is one, is deprecated.
    Deprecated(String, Option<String>),
    /// No operation has the route, which may lack its method.
    NotExposed(String),
    /// Some operation has the path.
    Path(String),
    Field(Field),
    /// A list of guaranteed fields has it.
    Guaranteed(Field),
    NotGuaranteed(Field),
    Required(Field),
    Optional(Field),
    /// JSON types, parted by `|`.
    Type(Field, String),
    /// JSON type in an example.
    Shown(Field, String),
    Value(Field, String),
    Limit(Field, Bound, String),
    /// Operation and name of a query parameter or a top-level field of the request.
    Parameter(String, String),
    /// Operation and header.
    RequiredHeader(String, String),
    /// Some operation has a field of this path.
    Mention(String),
    Listed(List, String),
    /// Evidence of a term takes the key; an empty key says that the type exists.
    TermKey(String, String),
    /// Data of a new term has the key.
    TermData(String, String),
    /// An escrow may wait for the action, which comes with the key; an empty key says that the action exists.
    RequiredAction(String, String),
}

impl Field {
    pub(crate) fn new(operation: &str, direction: Direction, path: &str) -> Self {
        Self { operation: operation.to_owned(), direction, path: path.to_owned() }
    }
}

impl From<(String, Direction, String)> for Field {
    fn from((operation, direction, path): (String, Direction, String)) -> Self {
        Self { operation, direction, path }
    }
}

impl From<Field> for (String, Direction, String) {
    fn from(field: Field) -> Self {
        (field.operation, field.direction, field.path)
    }
}

/// Matches any fact about a field.
macro_rules! of_field {
    ($field:ident) => {
        Self::Field($field)
            | Self::Guaranteed($field)
            | Self::NotGuaranteed($field)
            | Self::Required($field)
            | Self::Optional($field)
            | Self::Type($field, _)
            | Self::Shown($field, _)
            | Self::Value($field, _)
            | Self::Limit($field, ..)
    };
}

/// Matches any other fact about an operation.
macro_rules! of_operation {
    ($operation:ident) => {
        Self::Operation($operation)
            | Self::Deprecated($operation, _)
            | Self::Parameter($operation, _)
            | Self::RequiredHeader($operation, _)
    };
}

impl Fact {
    pub(crate) fn field(&self) -> Option<&Field> {
        if let of_field!(field) = self { Some(field) } else { None }
    }

    /// The operation that it is about.
    pub(crate) fn operation(&self) -> Option<&str> {
        match self {
            of_operation!(operation) => Some(operation),
            _ => self.field().map(|field| field.operation.as_str()),
        }
    }

    /// The same fact with its operation named as the contract names it.
    pub(crate) fn with_operation(mut self, name: &str) -> Self {
        match &mut self {
            of_operation!(operation) => name.clone_into(operation),
            of_field!(field) => name.clone_into(&mut field.operation),
            _ => {}
        }
        self
    }
}

/// How variants read in messages.
macro_rules! shown {
    ($($name:ident { $($variant:ident $words:literal),* })*) => {
        $(impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $words),* })
            }
        })*
    };
}

shown! {
    Direction { Request "request", Response "response" }
    Bound { Min "at least", Max "at most" }
    List {
        Header "header", ErrorCode "error code", Event "event", WebhookHeader "webhook header",
        WebhookField "webhook field", Variable "environment variable", BaseUrl "base URL", PayoutFee "payout fee"
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Field { operation, direction, .. }) = self.field() {
            write!(f, "{operation}: {direction} ")?;
        }
        match self {
            Self::Operation(operation) => write!(f, "operation {operation}"),
            Self::Deprecated(operation, None) => write!(f, "{operation}: is deprecated"),
            Self::Deprecated(operation, Some(path)) => write!(f, "{operation}: {path} is deprecated"),
            Self::NotExposed(route) => write!(f, "not exposed: {route}"),
            Self::Path(path) => write!(f, "path {path}"),
            Self::Field(field) => write!(f, "has {}", field.path),
            Self::Guaranteed(field) => write!(f, "guarantees {}", field.path),
            Self::NotGuaranteed(field) => write!(f, "does not guarantee {}", field.path),
            Self::Required(field) => write!(f, "requires {}", field.path),
            Self::Optional(field) => write!(f, "has {} optionally", field.path),
            Self::Type(field, kind) => write!(f, "has {} as {kind}", field.path),
            Self::Shown(field, kind) => write!(f, "example has {} as {kind}", field.path),
            Self::Value(field, value) => write!(f, "{} may be {value}", field.path),
            Self::Limit(field, bound, limit) => write!(f, "{} is {bound} {limit}", field.path),
            Self::Parameter(operation, name) => write!(f, "{operation}: takes the parameter {name}"),
            Self::RequiredHeader(operation, name) => write!(f, "{operation}: requires the header {name}"),
            Self::Mention(path) => write!(f, "field {path}"),
            Self::Listed(list, name) => write!(f, "{list} {name}"),
            Self::TermKey(term_type, key) if key.is_empty() => write!(f, "term type {term_type}"),
            Self::TermKey(term_type, key) => write!(f, "term type {term_type} takes {key}"),
            Self::TermData(term_type, key) => write!(f, "new {term_type} terms have {key}"),
            Self::RequiredAction(action, key) if key.is_empty() => write!(f, "required action {action}"),
            Self::RequiredAction(action, key) => write!(f, "required action {action} has {key}"),
        }
    }
}

/// A fact and where it stands in the docs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stated {
    pub(crate) fact: Fact,
    pub(crate) place: DocPlace,
}

/// A JSON example and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Example {
    /// `POST /payments/create`, or `webhook`.
    pub(crate) operation: String,
    pub(crate) direction: Direction,
    pub(crate) json: serde_json::Value,
    pub(crate) place: DocPlace,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn is_read_back_as_it_was_written() {
        let field = || Field::new("POST /a", Direction::Request, "b c.d[]");
        let facts = [
            Fact::Operation("GET /a".into()),
            Fact::Deprecated("GET /a".into(), None),
            Fact::Type(field(), "integer|null".into()),
            Fact::Limit(field(), Bound::Max, "20".into()),
            Fact::Listed(List::Header, "api-key".into()),
            Fact::RequiredHeader("GET /a".into(), "api-key".into()),
        ];
        for fact in facts {
            let text = serde_json::to_string(&fact).unwrap();
            assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), fact, "{text}");
        }
        assert_eq!(
            serde_json::to_string(&Fact::Field(field())).unwrap(),
            r#"{"field":["POST /a","request","b c.d[]"]}"#
        );
    }
}
