//! Words of the documentation that tell what headings, labels, lists and sentences are about. Each is in lower case.

use super::Role;
use crate::check::fact::Direction::{Request, Response};

/// Titles that only label what follows.
pub(super) const LABELS: [&str; 5] = ["example", "examples", "purpose", "notes", "important"];

/// What a label says that the list or example below it is: the first entry with a matching word decides.
pub(super) const ROLES: [(&[&str], Role); 7] = [
    (&["not expose", "older paths"], Role::NotExposed),
    (&["exposes", "routes:"], Role::Exposed),
    (&["mismatch", "not guaranteed"], Role::NotGuaranteed),
    (&["parameter", "filter"], Role::Parameters),
    (&["response notes"], Role::ResponseNotes),
    (&["response", "fields returned"], Role::Fields(Response, false)),
    (&["request"], Role::Fields(Request, false)),
];
/// Speaks of the protocol, not of what a request holds.
pub(super) const PROTOCOL: &str = "http request";
pub(super) const GUARANTEE: &str = "guarantee";

/// Headings of sections that list routes, or routes that require a header.
pub(super) const LIVE_ROUTES: &str = "live routes";
pub(super) const REQUIRED_HEADER: &str = "required header";
pub(super) const WEBHOOK_TITLE: &str = "webhook";
pub(super) const PAYLOAD: &str = "payload";
pub(super) const EVENT: &str = "event";

/// Columns of tables of routes.
pub(super) const OLD_ROUTE: [&str; 2] = ["may show", "older"];
pub(super) const LIVE_ROUTE: [&str; 2] = ["live", "today"];
/// Columns with the name of a field for each resource.
pub(super) const FIELD_OF_RESOURCE: [&str; 2] = ["field name for", "name of the"];

/// Columns of tables of fields.
pub(super) const NAME: [&str; 6] = ["field", "name", "parameter", "property", "key", "attribute"];
pub(super) const TYPE: [&str; 2] = ["type", "data type"];
pub(super) const REQUIREMENT: [&str; 4] = ["required", "required?", "mandatory", "optional"];
pub(super) const VALUES: [&str; 6] =
    ["value", "values", "allowed values", "possible values", "accepted values", "allowed"];
pub(super) const YES: [&str; 6] = ["yes", "true", "✓", "✔", "x", "always"];
pub(super) const NO: [&str; 6] = ["no", "false", "✗", "-", "–", "—"];

/// JSON types, and what the docs call them.
pub(super) const TYPES: [(&str, &str); 13] = [
    ("string", "string"),
    ("text", "string"),
    ("uuid", "string"),
    ("integer", "integer"),
    ("int", "integer"),
    ("number", "number"),
    ("float", "number"),
    ("boolean", "boolean"),
    ("bool", "boolean"),
    ("object", "object"),
    ("array", "array"),
    ("list", "array"),
    ("dict", "object"),
];

pub(super) fn is_type(word: &str) -> bool {
    TYPES.iter().any(|(name, _)| *name == word)
}

/// Announces the values of a field.
pub(super) const VALUE_CUES: [&str; 18] = [
    "can be",
    "may be",
    "must be",
    "one of",
    "either",
    "any of",
    "values",
    "options",
    "is set to",
    "accepts",
    "takes the value",
    "new value",
    "has the value",
    "supports",
    "can also be",
    "may also be",
    "can now be",
    "may now be",
];
/// Stands between a cue and the values, or between values.
pub(super) const FILLERS: [&str; 19] = [
    "or",
    "and",
    "of",
    "one",
    "either",
    "the",
    "values",
    "value",
    "are",
    "is",
    "to",
    "set",
    "be",
    "now",
    "also",
    "any",
    "following",
    "these",
    "for",
];

pub(super) const REQUIRED: [&str; 13] = [
    "required",
    "mandatory",
    "must be sent",
    "must be provided",
    "must be included",
    "must be present",
    "must send",
    "must provide",
    "must include",
    "must have",
    "must contain",
    "must specify",
    "must supply",
];
pub(super) const OPTIONAL: [&str; 5] =
    ["optional", "may be omitted", "can be omitted", "not required", "not mandatory"];
/// Turns what is said of a requirement around.
pub(super) const NO_LONGER: [(&str, bool); 4] = [
    ("no longer required", false),
    ("no longer mandatory", false),
    ("no longer optional", true),
    ("not optional", true),
];
/// Makes what is said of a requirement hold for some requests only.
pub(super) const CONDITIONS: [&str; 18] = [
    "not", "no", "never", "only", "when", "if", "unless", "except", "assume", "treat", "cannot", "without", "nor",
    "neither", "needed", "where", "while", "whenever",
];

pub(super) const DEPRECATED: [&str; 3] = ["deprecated", "will be removed", "is going away"];

/// Announces a bound: whether it is the largest.
pub(super) const BOUNDS: [(&str, bool); 12] = [
    ("no more than", true),
    ("not more than", true),
    ("at most", true),
    ("up to", true),
    ("maximum", true),
    ("max", true),
    ("no less than", false),
    ("not less than", false),
    ("no fewer than", false),
    ("at least", false),
    ("minimum", false),
    ("min", false),
];
/// Stands between the announcement and the number.
pub(super) const BOUND_FILLERS: [&str; 8] = ["of", "is", "length", "value", "size", "=", "a", "to"];

/// How names of error codes begin.
pub(super) const ERROR_CODES: [&str; 3] = ["MISSING_", "NO_", "INVALID_"];

/// Headers that every HTTP client sends.
pub(crate) const EVERYDAY_HEADERS: [&str; 6] =
    ["accept", "authorization", "content-length", "content-type", "host", "user-agent"];
