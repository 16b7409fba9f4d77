//! Words of the documentation that tell what headings, labels, lists and sentences are about, in lower case. `|` parts
//! alternatives.

use super::Role;
use crate::check::fact::Direction::{Request, Response};

/// Whether a text holds one of the alternatives.
pub(super) fn holds(text: &str, alternatives: &str) -> bool {
    alternatives.split('|').any(|one| text.contains(one))
}

/// Whether a text is one of the alternatives.
pub(super) fn is(text: &str, alternatives: &str) -> bool {
    alternatives.split('|').any(|one| text == one)
}

/// Titles that only label what follows.
pub(super) const LABELS: &str = "example|examples|purpose|notes|important";

/// What a label says that the list or example below it is: the first entry with a matching word decides.
pub(super) const ROLES: [(&str, Role); 7] = [
    ("not expose|older paths", Role::NotExposed),
    ("exposes|routes:", Role::Exposed),
    ("mismatch|not guaranteed", Role::NotGuaranteed),
    ("parameter|filter", Role::Parameters),
    ("response notes", Role::ResponseNotes),
    ("response|fields returned", Role::Fields(Response, false)),
    ("request", Role::Fields(Request, false)),
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
pub(super) const OLD_ROUTE: &str = "may show|older";
pub(super) const LIVE_ROUTE: &str = "live|today";
/// Columns with the name of a field for each resource.
pub(super) const FIELD_OF_RESOURCE: &str = "field name for|name of the";

/// Labels of lists of fields that do not say of which side.
pub(super) const FIELDS: &str = "fields|properties|attributes";

/// Columns of tables of fields.
pub(super) const NAME: &str = "field|name|parameter|property|key|attribute";
pub(super) const TYPE: &str = "type|data type";
pub(super) const REQUIREMENT: &str = "required|required?|mandatory|optional|presence";
pub(super) const VALUES: &str = "value|values|allowed values|possible values|accepted values|allowed";
pub(super) const YES: &str = "yes|true|✓|✔|x|always";
pub(super) const NO: &str = "no|false|✗|-|–|—";

/// JSON types by what the docs call them.
const TYPES: [(&str, &str); 6] = [
    ("string|text|uuid", "string"),
    ("integer|int", "integer"),
    ("number|float", "number"),
    ("boolean|bool", "boolean"),
    ("object|dict", "object"),
    ("array|list", "array"),
];

pub(super) fn type_of(word: &str) -> Option<&'static str> {
    TYPES.iter().find(|(names, _)| is(word, names)).map(|(_, kind)| *kind)
}

/// Announces the values of a field.
pub(super) const VALUE_CUES: &str = "can be|may be|must be|one of|either|any of|values|options|is set to|accepts|\
    takes the value|new value|has the value|supports|becomes|changes to|turns to";
/// May stand inside of any announcement.
pub(super) const ADVERBS: &str = "also|now|optionally|additionally";
/// Stands between a cue and the values, or between values.
pub(super) const FILLERS: &str =
    "or|and|of|one|either|the|values|value|are|is|to|set|be|now|also|any|following|these|for";

/// What is said of a requirement, the first match deciding.
pub(super) const REQUIREMENTS: [(&str, bool); 4] = [
    ("no longer required|no longer mandatory", false),
    ("no longer optional|not optional", true),
    ("optional|may be omitted|can be omitted|not required|not mandatory", false),
    (
        "required|mandatory|must be sent|must be provided|must be included|must be present|must send|must provide|\
         must include|must have|must contain|must specify|must supply",
        true,
    ),
];
/// Makes what is said of a requirement hold for some requests only.
pub(super) const CONDITIONS: &str = "not|no|never|only|when|if|unless|except|assume|treat|cannot|without|nor|neither|needed|\
    where|while|whenever";

pub(super) const NEGATIONS: &str = "not|no|never|cannot|without|nor|neither";
pub(super) const GONE: &str = "no longer|not any more";

/// Says that the response has a field, which is named after the one or before the other.
pub(super) const RESPONSE: &str = "response|responses";
pub(super) const HOLDS: &str = "include|includes|contain|contains|carry|carries|have|has|return|returns";
pub(super) const RETURNED: &str = "is returned|are returned|be returned";
/// Says that a field is there, on the side that the words around are about.
pub(super) const PRESENT: &str = "may be present|can be present|might be present|could be present";
/// Speaks of another place than the body of a response.
pub(super) const ELSEWHERE: &str = "request|requests|query|header|headers|webhook|webhooks|delivery|deliveries";
/// Said of a field, and no value of one.
pub(super) const STATES: &str = "present|absent|omitted|null|empty";
/// Speaks of another response than that of success.
pub(super) const FAILURES: &str = "error|errors|fails|failed|failure";
/// Stands between such an announcement and the fields, or between fields.
pub(super) const FIELD_FILLERS: &str = "a|an|the|and|or|also|now|optional|new|field|fields|both";

pub(super) const DEPRECATED: &str = "deprecated|will be removed|is going away";

/// Announces a bound.
pub(super) const MAXIMUM: &str = "no more than|not more than|at most|up to|maximum|max";
pub(super) const MINIMUM: &str = "no less than|not less than|no fewer than|at least|minimum|min";
/// Stands between the announcement and the number.
pub(super) const BOUND_FILLERS: &str = "of|is|length|value|size|=|a|to";

/// How names of error codes begin.
pub(super) const ERROR_CODES: [&str; 3] = ["MISSING_", "NO_", "INVALID_"];

/// Headers that every HTTP client sends.
pub(crate) const EVERYDAY_HEADERS: [&str; 6] =
    ["accept", "authorization", "content-length", "content-type", "host", "user-agent"];
