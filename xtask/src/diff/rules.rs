//! The table of rules: what each kind of change means on the wire and in Rust.

use self::Direction::{Both, Request, Response};
use super::change::Level::{self, Additive, Breaking, None, Patch};

/// The direction that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
    /// Both directions, or neither.
    Both,
}

impl Direction {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Both => "both",
        }
    }
}

/// A kind of change, and its highest level on each axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) direction: Direction,
    pub(crate) wire: Level,
    pub(crate) rust: Level,
    pub(crate) why: &'static str,
    pub(crate) avoid: &'static str,
}

impl Rule {
    /// The axis with the higher level.
    pub(crate) fn axis(&self) -> &'static str {
        match self.wire.cmp(&self.rust) {
            std::cmp::Ordering::Greater => "wire",
            std::cmp::Ordering::Less => "rust",
            std::cmp::Ordering::Equal => "both",
        }
    }

    pub(crate) fn level(&self) -> Level {
        self.wire.max(self.rust)
    }
}

const fn rule(
    id: &'static str,
    direction: Direction,
    wire: Level,
    rust: Level,
    why: &'static str,
    avoid: &'static str,
) -> Rule {
    Rule { id, direction, wire, rust, why, avoid }
}

/// The rule for everything that no other rule covers.
const UNCLASSIFIED: Rule = rule(
    "unclassified",
    Direction::Both,
    Breaking,
    Breaking,
    "No rule covers it, so it counts as breaking.",
    "Correct the typo, add a rule in `xtask/src/diff/rules.rs`, or acknowledge the change.",
);

/// Returns the rule with this id.
pub(crate) fn find(id: &str) -> &'static Rule {
    RULES.iter().find(|rule| rule.id == id).unwrap_or(&UNCLASSIFIED)
}

/// Returns the rule for a kind of change in a schema and a direction.
pub(crate) fn of_schema(kind: &str, direction: Direction) -> &'static Rule {
    let word = if direction == Direction::Request { "request" } else { "response" };
    let directed = |rule: &&Rule| {
        rule.id.strip_prefix(word).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| rest == kind)
    };
    let removed = kind.ends_with("property-removed") && direction == Direction::Request;
    if removed { find("request-property-removed") } else { RULES.iter().find(directed).unwrap_or_else(|| find(kind)) }
}

/// All rules.
#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    rule("operation-removed", Both, Breaking, Breaking, "Requests to it fail, and its method is removed.", "Mark it `deprecated` for a release first."),
    rule("operation-added", Both, Additive, Additive, "No caller uses it yet.", "Nothing to do."),
    rule("operation-id-changed", Both, None, Breaking, "Methods of the generated client and of the mocks are named after it.", "Keep the `operationId`."),
    rule("operation-id-removed", Both, None, Breaking, "Methods of the generated client and of the mocks are named after it.", "Keep the `operationId`."),
    rule("operation-id-added", Both, None, Additive, "It had no method before.", "Nothing to do."),
    rule("tag-changed", Both, None, Breaking, "The first tag is the resource that has the method.", "Keep the first tag."),
    rule("tag-added", Both, None, Additive, "It had no resource before.", "Nothing to do."),
    rule("tags-changed", Both, None, Patch, "Only the first tag is a name in Rust.", "Nothing to do."),
    rule("deprecation-changed", Both, Patch, Patch, "A deprecated item works as before.", "Nothing to do."),
    rule("query-struct-changed", Both, None, Breaking, "The struct of the query is named by `x-piaxis-query`.", "Keep the name."),
    rule("method-removed", Both, None, Breaking, "A method that `x-piaxis-methods` names is removed.", "Keep the name beside the new one."),
    rule("method-added", Both, None, Additive, "No caller uses it yet.", "Nothing to do."),
    rule("retry-changed", Both, Patch, Patch, "The client retries it by other rules; requests and code stay the same.", "Nothing to do."),
    rule("transport-changed", Both, None, Breaking, "A header that the transport sets is not an argument; any other header is.", "Keep `x-piaxis-transport`."),
    rule("parameter-removed", Request, Breaking, Breaking, "The value is ignored or rejected, and its field or argument is removed.", "Mark it `deprecated` for a release; then acknowledge the removal."),
    rule("required-parameter-added", Request, Breaking, Breaking, "Requests without it are rejected.", "Make it optional."),
    rule("optional-parameter-added", Request, Additive, Additive, "Requests without it stay valid.", "Nothing to do."),
    rule("parameter-became-required", Request, Breaking, Breaking, "Requests without it are rejected.", "Leave it optional."),
    rule("parameter-became-optional", Request, Additive, Additive, "Requests with it stay valid.", "Nothing to do."),
    rule("parameter-default-changed", Request, Breaking, None, "Requests without it mean something else.", "Keep the default."),
    rule("parameter-encoding-changed", Request, Breaking, None, "The server reads the same text as another value.", "Keep `style`, `explode` and the like."),
    rule("common-header-removed", Request, Patch, None, "Requests with it stay valid.", "Nothing to do."),
    rule("common-header-added", Request, Additive, None, "Requests without it stay valid.", "Nothing to do."),
    rule("required-body-added", Request, Breaking, Breaking, "Requests without a body are rejected.", "Make it optional."),
    rule("optional-body-added", Request, Additive, Additive, "Requests without it stay valid.", "Nothing to do."),
    rule("body-removed", Request, Breaking, Breaking, "The body is ignored or rejected.", "Mark it `deprecated` for a release; then acknowledge the removal."),
    rule("body-became-required", Request, Breaking, Breaking, "Requests without a body are rejected.", "Leave it optional."),
    rule("body-became-optional", Request, Additive, Additive, "Requests with it stay valid.", "Nothing to do."),
    rule("request-media-type-removed", Request, Breaking, None, "Bodies of this media type are rejected.", "Mark it `deprecated` for a release; then acknowledge the removal."),
    rule("request-media-type-added", Request, Additive, None, "Other media types stay valid.", "Nothing to do."),
    rule("request-media-type-generalised", Request, Additive, None, "The old media type is part of the new one.", "Nothing to do."),
    rule("request-media-type-encoding-changed", Request, Breaking, None, "The server reads the same parts as other values.", "Keep the `encoding`."),
    rule("response-media-type-removed", Response, Breaking, None, "Clients that read this media type get another.", "Mark it `deprecated` for a release; then acknowledge the removal."),
    rule("response-media-type-added", Response, Additive, None, "It is sent to clients that accept it.", "Nothing to do."),
    rule("response-media-type-specialised", Response, Additive, None, "The new media type is a special case of the old one.", "Nothing to do."),
    rule("success-response-removed", Response, Breaking, Breaking, "Clients that expect this status do not know the other.", "Keep the status."),
    rule("success-response-added", Response, Additive, None, "Any 2xx is success for the client.", "Nothing to do."),
    rule("failure-response-removed", Response, Patch, None, "Clients handle fewer failures than before.", "Nothing to do."),
    rule("failure-response-added", Response, Additive, None, "Clients must expect any failure.", "Nothing to do."),
    rule("response-status-changed", Response, Patch, None, "The response has a wider or a narrower status.", "Nothing to do."),
    rule("response-body-removed", Response, Breaking, Breaking, "Clients have no body to decode.", "Keep the body."),
    rule("response-body-added", Response, Additive, Breaking, "The method returns another type.", "Add another operation."),
    rule("required-response-header-removed", Response, Breaking, None, "Clients may rely on it.", "Make it optional for a release."),
    rule("optional-response-header-removed", Response, Patch, None, "It was optional.", "Nothing to do."),
    rule("response-header-added", Response, Additive, None, "No client reads it yet.", "Nothing to do."),
    rule("response-header-became-optional", Response, Breaking, None, "Clients may rely on it.", "Keep it required."),
    rule("response-header-became-required", Response, Additive, None, "The header is always sent now.", "Nothing to do."),
    rule("links-changed", Response, Patch, None, "Links are documentation.", "Nothing to do."),
    rule("security-tightened", Request, Breaking, None, "Requests with these credentials are rejected.", "Keep the old set of credentials as an alternative."),
    rule("security-loosened", Request, Additive, None, "Credentials that were accepted still are.", "Nothing to do."),
    rule("security-scheme-removed", Request, Breaking, Breaking, "Operations accept it, and it is a `Credential` in Rust.", "Keep the scheme."),
    rule("security-scheme-renamed", Request, None, Breaking, "Its name is not on the wire, but it is a `Credential` in Rust.", "Keep the name."),
    rule("unused-security-scheme-removed", Request, Patch, None, "No operation accepts it.", "Nothing to do."),
    rule("security-scheme-added", Request, Additive, None, "No operation requires it.", "Nothing to do."),
    rule("security-scheme-changed", Request, Breaking, None, "The server reads the credential from another place.", "Add another scheme, and accept both."),
    rule("security-scheme-details-changed", Request, Additive, None, "OAuth URLs and scopes are used when a token is requested.", "Nothing to do."),
    rule("operation-servers-changed", Both, Patch, None, "Clients are given a base URL.", "Nothing to do."),
    rule("server-removed", Both, Patch, None, "Clients are given a base URL.", "Nothing to do."),
    rule("server-added", Both, Additive, None, "No caller uses it yet.", "Nothing to do."),
    rule("environment-removed", Both, Breaking, Breaking, "It is a variant of `Environment` with a built-in base URL.", "Keep the server."),
    rule("environment-address-changed", Both, Breaking, None, "Compiled programs send requests to the old base URL.", "Keep the old base URL working; acknowledge the change."),
    rule("environment-added", Both, Additive, Additive, "No caller uses it yet.", "Nothing to do."),
    rule("schema-removed", Both, None, Breaking, "The Rust type of this name is removed.", "Keep the schema, marked as deprecated."),
    rule("schema-renamed", Both, None, Breaking, "The Rust type of the old name is removed.", "Keep the old name."),
    rule("schema-added", Both, None, Additive, "It adds a Rust type.", "Nothing to do."),
    rule("schema-replaced", Both, None, Breaking, "The field has a Rust type of another name.", "Keep the `$ref`."),
    rule("webhook-event-removed", Response, Breaking, Breaking, "It is not sent any more, and its variant is removed.", "Keep the event."),
    rule("webhook-event-added", Response, Additive, Additive, "Events are an open enum.", "Nothing to do."),
    rule("webhook-header-removed", Response, Breaking, None, "Receivers may rely on it.", "Keep the header."),
    rule("webhook-header-added", Response, Additive, None, "No client reads it yet.", "Nothing to do."),
    rule("webhook-payload-removed", Response, Breaking, Breaking, "The typed payload is removed.", "Keep the payload."),
    rule("webhook-payload-added", Response, Additive, Additive, "The enum of payloads is non-exhaustive.", "Nothing to do."),
    rule("webhook-envelope-removed", Response, Breaking, Breaking, "Its variant is removed.", "Keep the envelope."),
    rule("webhook-envelope-added", Response, Additive, Additive, "The enum of envelopes is non-exhaustive.", "Nothing to do."),
    rule("webhook-tolerance-changed", Response, Patch, Patch, "Deliveries are accepted for a longer or shorter time.", "Nothing to do."),
    rule("format-hint-changed", Both, Patch, Breaking, "The values are the same, but the Rust type changes.", "Keep the format."),
    rule("extra-removed", Both, None, Breaking, "The field `extra` of the struct is removed.", "Keep `additionalProperties: true`."),
    rule("extra-added", Both, None, Additive, "The struct gets the field `extra` for unknown fields.", "Nothing to do."),
    rule("environment-variable-removed", Both, None, Breaking, "`from_env` no longer reads it.", "Keep the name as the last of the list."),
    rule("environment-variable-added", Both, None, Additive, "It is optional.", "Nothing to do."),
    rule("environment-variables-reordered", Both, None, Patch, "Another variable wins when several are set.", "Nothing to do."),
    rule("term-type-removed", Both, None, Breaking, "Its variant of `TermEvidence` or `TermData` is removed.", "Keep `x-piaxis-term-type` or `x-piaxis-term-data`."),
    rule("term-type-added", Both, None, Additive, "`TermEvidence` and `TermData` are non-exhaustive.", "Nothing to do."),
    rule("term-type-changed", Both, Breaking, Patch, "The data is sent for another type of term.", "Add another schema for the other type."),
    rule("settled-removed", Both, None, Breaking, "`is_settled()` is removed.", "Keep the list."),
    rule("settled-added", Both, None, Additive, "The enum gets `is_settled()`.", "Nothing to do."),
    rule("settled-changed", Both, None, Patch, "`is_settled()` and `wait_until_settled` treat other values as final.", "Nothing to do."),
    rule("settled-undecided", Both, None, Patch, "A new value of this enum is not listed as final.", "If it is final, add it to `x-piaxis-settled`; if the money has moved, to `x-piaxis-succeeded` as well."),
    rule("payout-checks-changed", Both, None, Patch, "`PayoutBatch` rejects other payouts before it sends a request; requests stay the same.", "Nothing to do."),
    rule("documentation-changed", Both, Patch, Patch, "Only descriptions, examples or sources changed.", "Nothing to do."),
    rule("extension-changed", Both, None, Patch, "Nothing is generated from this extension.", "Nothing to do."),
    UNCLASSIFIED,
    rule("request-property-removed", Request, Breaking, Breaking, "The value is ignored or rejected, and the field is removed.", "Mark it `deprecated` for a release; then acknowledge the removal."),
    rule("response-required-property-removed", Response, Breaking, Breaking, "Clients may rely on it, and the field is removed.", "Mark it `deprecated` for a release; then acknowledge the removal."),
    rule("response-optional-property-removed", Response, Patch, Breaking, "It was optional on the wire, but the field is removed.", "Mark it `deprecated` for a release; then acknowledge the removal."),
    rule("request-required-property-added", Request, Breaking, Breaking, "Requests without it are rejected, and the builder requires it.", "Make it optional."),
    rule("response-required-property-added", Response, Additive, Breaking, "Clients ignore it, but the builder of the response type requires it.", "Make it optional."),
    rule("request-optional-property-added", Request, Additive, Additive, "Requests without it stay valid.", "Nothing to do."),
    rule("response-optional-property-added", Response, Additive, Additive, "Unknown fields are ignored.", "Nothing to do."),
    rule("request-property-became-required", Request, Breaking, Breaking, "Requests without it are rejected, and the builder requires it.", "Leave it optional."),
    rule("response-property-became-required", Response, Additive, Breaking, "It is always sent; the field is no longer an `Option`.", "Leave it optional."),
    rule("request-property-became-optional", Request, Additive, Additive, "Requests with it stay valid.", "Nothing to do."),
    rule("response-property-became-optional", Response, Breaking, Breaking, "It may be missing, and the field becomes an `Option`.", "Keep it required."),
    rule("request-type-narrowed", Request, Breaking, Breaking, "Values that were valid are rejected.", "Add another field."),
    rule("response-type-narrowed", Response, Additive, Breaking, "Every value was possible before, but the Rust type changes.", "Add another field."),
    rule("request-type-widened", Request, Additive, Breaking, "Valid values stay valid, but the Rust type changes.", "Add another field."),
    rule("response-type-widened", Response, Breaking, Breaking, "Clients receive values that they do not know.", "Add another field."),
    rule("request-type-changed", Request, Breaking, Breaking, "Values that were valid are rejected.", "Add another field."),
    rule("response-type-changed", Response, Breaking, Breaking, "Clients receive values that they cannot decode.", "Add another field."),
    rule("request-became-nullable", Request, Additive, Breaking, "Requests without null stay valid; a list becomes an `Option`.", "Leave the field out instead of sending null."),
    rule("response-became-nullable", Response, Breaking, Breaking, "Clients receive null; a list becomes an `Option`.", "Leave the field out instead of sending null."),
    rule("request-became-not-nullable", Request, Breaking, Breaking, "Null is rejected; a list is no longer an `Option`.", "Keep `nullable`."),
    rule("response-became-not-nullable", Response, Additive, Breaking, "Null is not sent any more; a list is no longer an `Option`.", "Keep `nullable`."),
    rule("request-enum-added", Request, Breaking, Breaking, "Any other value is rejected, and the Rust type changes.", "Use `x-extensible-enum`."),
    rule("response-enum-added", Response, Additive, Breaking, "Every value was possible before, but the Rust type changes.", "Use `x-extensible-enum`."),
    rule("request-enum-removed", Request, Additive, Breaking, "Any value is valid, but the Rust type changes.", "Keep the values, or add another field."),
    rule("response-enum-removed", Response, Breaking, Breaking, "Clients receive values that they do not know.", "Keep the values, or add another field."),
    rule("request-enum-value-added", Request, Additive, Additive, "Requests without it stay valid.", "Nothing to do."),
    rule("response-enum-value-added", Response, Breaking, Breaking, "Clients of a closed enum cannot decode it, and a `match` is no longer exhaustive.", "Use `x-extensible-enum`."),
    rule("request-enum-value-removed", Request, Breaking, Breaking, "The value is rejected, and its variant is removed.", "Keep the value."),
    rule("response-enum-value-removed", Response, Additive, Breaking, "It is not sent any more, but its variant is removed.", "Keep the value."),
    rule("request-open-enum-value-added", Request, Additive, Additive, "Requests without it stay valid.", "Nothing to do."),
    rule("response-open-enum-value-added", Response, Additive, Additive, "Clients keep unknown values.", "Nothing to do."),
    rule("request-open-enum-value-removed", Request, Breaking, Breaking, "The value is rejected, and its variant is removed.", "Keep the value."),
    rule("response-open-enum-value-removed", Response, Patch, Breaking, "It is not sent any more, but its variant is removed.", "Keep the value."),
    rule("request-open-enum-added", Request, Additive, Breaking, "Any text stays valid, but the Rust type changes.", "Keep the plain text."),
    rule("response-open-enum-added", Response, Additive, Breaking, "Any text is still possible, but the Rust type changes.", "Keep the plain text."),
    rule("request-open-enum-removed", Request, Additive, Breaking, "Any text stays valid, but the Rust type changes.", "Keep the list."),
    rule("response-open-enum-removed", Response, Additive, Breaking, "Any text is still possible, but the Rust type changes.", "Keep the list."),
    rule("request-limit-tightened", Request, Breaking, None, "Values beyond the limit are rejected.", "Keep the limit."),
    rule("response-limit-tightened", Response, Additive, None, "Every value was possible before.", "Nothing to do."),
    rule("request-limit-loosened", Request, Additive, None, "Valid values stay valid.", "Nothing to do."),
    rule("response-limit-loosened", Response, Breaking, None, "Clients receive values beyond the documented limit.", "Keep the limit."),
    rule("request-limit-changed", Request, Breaking, None, "Values that were valid are rejected.", "Keep the limit."),
    rule("response-limit-changed", Response, Breaking, None, "Clients receive values beyond the documented limit.", "Keep the limit."),
    rule("request-pattern-added", Request, Breaking, None, "Text that does not match is rejected.", "Leave the pattern out."),
    rule("response-pattern-added", Response, Additive, None, "Every value was possible before.", "Nothing to do."),
    rule("request-pattern-changed", Request, Breaking, None, "Text that was valid may be rejected.", "Keep the pattern."),
    rule("response-pattern-changed", Response, Additive, None, "Clients do not check the pattern.", "Nothing to do."),
    rule("request-pattern-removed", Request, Additive, None, "Any text is valid.", "Nothing to do."),
    rule("response-pattern-removed", Response, Additive, None, "Clients do not check the pattern.", "Nothing to do."),
    rule("request-closed", Request, Breaking, Breaking, "Unknown fields are rejected, and `extra` is removed.", "Keep `additionalProperties: true`."),
    rule("response-closed", Response, Additive, Breaking, "Unknown fields are not sent any more, but `extra` is removed.", "Keep `additionalProperties: true`."),
    rule("request-opened", Request, Additive, Additive, "Unknown fields are valid.", "Nothing to do."),
    rule("response-opened", Response, Additive, Additive, "Unknown fields are ignored or kept in `extra`.", "Nothing to do."),
    rule("request-alternative-added", Request, Additive, Additive, "Requests without it stay valid.", "Nothing to do."),
    rule("response-alternative-added", Response, Breaking, Breaking, "Clients cannot decode it, and a `match` is no longer exhaustive.", "Add another field."),
    rule("request-alternative-removed", Request, Breaking, Breaking, "It is rejected, and its variant is removed.", "Keep the alternative."),
    rule("response-alternative-removed", Response, Additive, Breaking, "It is not sent any more, but its variant is removed.", "Keep the alternative."),
    rule("request-any-of-added", Request, Additive, Additive, "Requests without it stay valid.", "Nothing to do."),
    rule("response-any-of-added", Response, Additive, Additive, "Responses that were sent stay possible.", "Nothing to do."),
    rule("request-any-of-removed", Request, Breaking, Breaking, "It is rejected, and its Rust type is removed.", "Keep the alternative."),
    rule("response-any-of-removed", Response, Additive, Breaking, "It is not sent any more, but its Rust type is removed.", "Keep the alternative."),
    rule("request-choice-added", Request, Additive, Breaking, "The old form is one of the alternatives, but the Rust type changes.", "Add another field."),
    rule("response-choice-added", Response, Breaking, Breaking, "The old form is only one of several alternatives.", "Add another field."),
    rule("request-choice-removed", Request, Breaking, Breaking, "Other alternatives are rejected.", "Keep the alternatives."),
    rule("response-choice-removed", Response, Additive, Breaking, "Every value was possible before, but the Rust type changes.", "Keep the alternatives."),
    rule("request-all-of-added", Request, Breaking, None, "Values must match one more schema.", "Add optional properties to the schema itself."),
    rule("response-all-of-added", Response, Additive, None, "Every value was possible before.", "Nothing to do."),
    rule("request-all-of-removed", Request, Additive, None, "Valid values stay valid.", "Nothing to do."),
    rule("response-all-of-removed", Response, Additive, None, "Its properties are compared on their own.", "Nothing to do."),
    rule("request-default-added", Request, Additive, Breaking, "A missing value means something else, and the builder may require the field.", "State the default in the description only."),
    rule("response-default-added", Response, Patch, Breaking, "The field is no longer an `Option`.", "State the default in the description only."),
    rule("request-default-removed", Request, Additive, Additive, "A missing value means something else; builders stay the same.", "Nothing to do."),
    rule("response-default-removed", Response, Patch, Breaking, "The field becomes an `Option`.", "Keep the default."),
    rule("request-default-changed", Request, Additive, Patch, "A missing value means something else.", "Nothing to do."),
    rule("response-default-changed", Response, Patch, Patch, "A missing value means something else.", "Nothing to do."),
    rule("request-discriminator-changed", Request, Additive, None, "Only the choice between alternatives changes; their content is compared on its own.", "Nothing to do."),
    rule("response-discriminator-changed", Response, Additive, None, "Only the choice between alternatives changes; their content is compared on its own.", "Nothing to do."),
    rule("request-access-changed", Request, Additive, None, "`readOnly` and `writeOnly` are documentation.", "Nothing to do."),
    rule("response-access-changed", Response, Additive, None, "`readOnly` and `writeOnly` are documentation.", "Nothing to do."),
];
