//! The one table of rules: what each kind of change means, on the wire and in Rust.

use super::change::Level::{self, Additive, Breaking, None, Patch};

/// Which way what the rule is about travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
    /// Both, or neither.
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

/// A rule: a kind of change, and the most that it does on each axis.
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
    /// On which axis it does most.
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

/// What no rule knows.
const UNCLASSIFIED: Rule = rule(
    "unclassified",
    Direction::Both,
    Breaking,
    Breaking,
    "No rule knows it, so it counts as breaking.",
    "Correct it if it is a slip; else add a rule in `xtask/src/diff/rules.rs`, or acknowledge it.",
);

/// The rule of this id.
pub(crate) fn find(id: &str) -> &'static Rule {
    RULES.iter().find(|rule| rule.id == id).unwrap_or(&UNCLASSIFIED)
}

/// The rule of a kind of change in a schema, for one direction.
pub(crate) fn of_schema(kind: &str, direction: Direction) -> &'static Rule {
    let word = if direction == Direction::Request { "request" } else { "response" };
    let directed = |rule: &&Rule| {
        rule.id.strip_prefix(word).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| rest == kind)
    };
    let removed = kind.ends_with("property-removed") && direction == Direction::Request;
    if removed { find("request-property-removed") } else { RULES.iter().find(directed).unwrap_or_else(|| find(kind)) }
}

/// Every rule there is.
#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    rule("operation-removed", Direction::Both, Breaking, Breaking, "Calls of it fail, and its method is gone.", "Mark it `deprecated` for a release first."),
    rule("operation-added", Direction::Both, Additive, Additive, "Nobody calls it yet.", "Nothing to avoid."),
    rule("operation-id-changed", Direction::Both, None, Breaking, "Methods of the generated client and of the mocks are named after it.", "Keep the `operationId`."),
    rule("operation-id-removed", Direction::Both, None, Breaking, "Methods of the generated client and of the mocks are named after it.", "Keep the `operationId`."),
    rule("operation-id-added", Direction::Both, None, Additive, "There was no method before.", "Nothing to avoid."),
    rule("tag-changed", Direction::Both, None, Breaking, "The first tag is the resource that the method stands at.", "Keep the first tag."),
    rule("tag-added", Direction::Both, None, Additive, "There was no resource before.", "Nothing to avoid."),
    rule("tags-changed", Direction::Both, None, Patch, "Only the first tag is a name in Rust.", "Nothing to avoid."),
    rule("deprecation-changed", Direction::Both, Patch, Patch, "What is deprecated works as before.", "Nothing to avoid."),
    rule("query-struct-changed", Direction::Both, None, Breaking, "The struct of the query is named by `x-piaxis-query`.", "Keep the name."),
    rule("method-removed", Direction::Both, None, Breaking, "A method that `x-piaxis-methods` named is gone.", "Keep the name beside the new one."),
    rule("method-added", Direction::Both, None, Additive, "Nobody calls it yet.", "Nothing to avoid."),
    rule("retry-changed", Direction::Both, Patch, Patch, "The client repeats it by other rules; requests and code stay the same.", "Nothing to avoid."),
    rule("transport-changed", Direction::Both, None, Breaking, "A header that the transport sets is no argument, and the other way round.", "Keep `x-piaxis-transport`."),
    rule("callback-removed", Direction::Both, Breaking, None, "Who waits for it waits in vain.", "Keep the old form for a release, marked as deprecated; then acknowledge that it goes."),
    rule("callback-added", Direction::Both, Additive, None, "Nobody asked for it before.", "Nothing to avoid."),
    rule("parameter-removed", Direction::Request, Breaking, Breaking, "What is still sent is ignored or refused, and its field or argument is gone.", "Keep the old form for a release, marked as deprecated; then acknowledge that it goes."),
    rule("required-parameter-added", Direction::Request, Breaking, Breaking, "Requests without it are refused.", "Make it optional."),
    rule("optional-parameter-added", Direction::Request, Additive, Additive, "Nobody has to send it.", "Nothing to avoid."),
    rule("parameter-became-required", Direction::Request, Breaking, Breaking, "Requests without it are refused.", "Leave it optional."),
    rule("parameter-became-optional", Direction::Request, Additive, Additive, "What sent it may go on.", "Nothing to avoid."),
    rule("parameter-default-changed", Direction::Request, Breaking, None, "Requests that leave it out mean something else.", "Keep the default."),
    rule("parameter-encoding-changed", Direction::Request, Breaking, None, "What is sent as before is read as something else.", "Keep `style`, `explode` and the like."),
    rule("common-header-removed", Direction::Request, Patch, None, "Any call may still carry it.", "Nothing to avoid."),
    rule("common-header-added", Direction::Request, Additive, None, "No call has to carry it.", "Nothing to avoid."),
    rule("required-body-added", Direction::Request, Breaking, Breaking, "Requests without a body are refused.", "Make it optional."),
    rule("optional-body-added", Direction::Request, Additive, Additive, "Nobody has to send it.", "Nothing to avoid."),
    rule("body-removed", Direction::Request, Breaking, Breaking, "What is still sent is ignored or refused.", "Keep the old form for a release, marked as deprecated; then acknowledge that it goes."),
    rule("body-became-required", Direction::Request, Breaking, Breaking, "Requests without a body are refused.", "Leave it optional."),
    rule("body-became-optional", Direction::Request, Additive, Additive, "What sent it may go on.", "Nothing to avoid."),
    rule("request-media-type-removed", Direction::Request, Breaking, None, "Bodies of this type are refused.", "Keep the old form for a release, marked as deprecated; then acknowledge that it goes."),
    rule("request-media-type-added", Direction::Request, Additive, None, "Nobody has to use it.", "Nothing to avoid."),
    rule("request-media-type-generalised", Direction::Request, Additive, None, "It is still taken, under a wider name.", "Nothing to avoid."),
    rule("request-media-type-encoding-changed", Direction::Request, Breaking, None, "Parts that are sent as before are read as something else.", "Keep the `encoding`."),
    rule("response-media-type-removed", Direction::Response, Breaking, None, "Who reads this type gets another.", "Keep the old form for a release, marked as deprecated; then acknowledge that it goes."),
    rule("response-media-type-added", Direction::Response, Additive, None, "It is sent to those who ask for it.", "Nothing to avoid."),
    rule("response-media-type-specialised", Direction::Response, Additive, None, "It is still what it was, with a closer name.", "Nothing to avoid."),
    rule("success-response-removed", Direction::Response, Breaking, Breaking, "Clients that wait for this status do not know the other.", "Keep the status."),
    rule("success-response-added", Direction::Response, Additive, None, "Any 2xx is success for the client.", "Nothing to avoid."),
    rule("failure-response-removed", Direction::Response, Patch, None, "A failure that no longer comes harms nobody.", "Nothing to avoid."),
    rule("failure-response-added", Direction::Response, Additive, None, "Clients must expect any failure.", "Nothing to avoid."),
    rule("response-status-changed", Direction::Response, Patch, None, "The answer comes under a wider or a closer status.", "Nothing to avoid."),
    rule("response-body-removed", Direction::Response, Breaking, Breaking, "Nothing is left to decode.", "Keep the body."),
    rule("response-body-added", Direction::Response, Additive, Breaking, "The method returns something else than before.", "Add another operation."),
    rule("required-response-header-removed", Direction::Response, Breaking, None, "Clients may rely on it.", "Make it optional for a release."),
    rule("optional-response-header-removed", Direction::Response, Patch, None, "Clients must do without it already.", "Nothing to avoid."),
    rule("response-header-added", Direction::Response, Additive, None, "Nobody reads it yet.", "Nothing to avoid."),
    rule("response-header-became-optional", Direction::Response, Breaking, None, "Clients may rely on it.", "Keep it required."),
    rule("response-header-became-required", Direction::Response, Additive, None, "It comes more often than before.", "Nothing to avoid."),
    rule("links-changed", Direction::Response, Patch, None, "Links are advice.", "Nothing to avoid."),
    rule("security-tightened", Direction::Request, Breaking, None, "Credentials that were enough are refused.", "Accept the old set of credentials too."),
    rule("security-loosened", Direction::Request, Additive, None, "Credentials that were enough still are.", "Nothing to avoid."),
    rule("security-scheme-removed", Direction::Request, Breaking, Breaking, "Operations took it, and it is a `Credential` in Rust.", "Keep the scheme."),
    rule("security-scheme-renamed", Direction::Request, None, Breaking, "Its name is not on the wire, but it is a `Credential` in Rust.", "Keep the name."),
    rule("unused-security-scheme-removed", Direction::Request, Patch, None, "No operation took it.", "Nothing to avoid."),
    rule("security-scheme-added", Direction::Request, Additive, None, "No operation has to take it.", "Nothing to avoid."),
    rule("security-scheme-changed", Direction::Request, Breaking, None, "Credentials are looked for elsewhere.", "Add another scheme, and accept both."),
    rule("security-scheme-details-changed", Direction::Request, Additive, None, "Addresses and scopes of OAuth are read when a token is asked for.", "Nothing to avoid."),
    rule("operation-servers-changed", Direction::Both, Patch, None, "Clients are given an address of their own choice.", "Nothing to avoid."),
    rule("server-removed", Direction::Both, Patch, None, "Clients are given an address of their own choice.", "Nothing to avoid."),
    rule("server-added", Direction::Both, Additive, None, "Nobody uses it yet.", "Nothing to avoid."),
    rule("server-variables-changed", Direction::Both, Patch, None, "Clients are given an address of their own choice.", "Nothing to avoid."),
    rule("environment-removed", Direction::Both, Breaking, Breaking, "It is a variant of `Environment`, and its address is built in.", "Keep the server."),
    rule("environment-address-changed", Direction::Both, Breaking, None, "Programs that are built already call the old address.", "Keep the old address alive; acknowledge the change."),
    rule("environment-added", Direction::Both, Additive, Additive, "Nobody uses it yet.", "Nothing to avoid."),
    rule("schema-removed", Direction::Both, None, Breaking, "The Rust type of this name is gone.", "Keep the schema, marked as deprecated."),
    rule("schema-renamed", Direction::Both, None, Breaking, "The Rust type of the old name is gone.", "Keep the old name."),
    rule("schema-added", Direction::Both, None, Additive, "It is another Rust type.", "Nothing to avoid."),
    rule("schema-replaced", Direction::Both, None, Breaking, "The value has a Rust type of another name.", "Keep the `$ref`."),
    rule("webhook-event-removed", Direction::Response, Breaking, Breaking, "It is no longer sent, and its variant is gone.", "Keep the event."),
    rule("webhook-event-added", Direction::Response, Additive, Additive, "Events are an open enum.", "Nothing to avoid."),
    rule("webhook-header-removed", Direction::Response, Breaking, None, "Receivers read it.", "Keep the header."),
    rule("webhook-header-added", Direction::Response, Additive, None, "Nobody reads it yet.", "Nothing to avoid."),
    rule("webhook-payload-removed", Direction::Response, Breaking, Breaking, "The typed payload is gone.", "Keep the payload."),
    rule("webhook-payload-added", Direction::Response, Additive, Additive, "The enum of payloads may grow.", "Nothing to avoid."),
    rule("webhook-envelope-removed", Direction::Response, Breaking, Breaking, "Its variant is gone.", "Keep the envelope."),
    rule("webhook-envelope-added", Direction::Response, Additive, Additive, "The enum of envelopes may grow.", "Nothing to avoid."),
    rule("webhook-tolerance-changed", Direction::Response, Patch, Patch, "Deliveries count as fresh for another time.", "Nothing to avoid."),
    rule("format-hint-changed", Direction::Both, Patch, Breaking, "The values are the same, but their Rust type is another.", "Keep the format."),
    rule("extra-removed", Direction::Both, None, Breaking, "The field `extra` of the struct is gone.", "Keep `additionalProperties: true`."),
    rule("extra-added", Direction::Both, None, Additive, "Other fields are kept in `extra`, which was not there.", "Nothing to avoid."),
    rule("environment-variable-removed", Direction::Both, None, Breaking, "`from_env` no longer reads it.", "Keep the name as the last of the list."),
    rule("environment-variable-added", Direction::Both, None, Additive, "Nobody has to set it.", "Nothing to avoid."),
    rule("environment-variables-reordered", Direction::Both, None, Patch, "Another name is preferred when several are set.", "Nothing to avoid."),
    rule("term-type-removed", Direction::Both, None, Breaking, "Its variant of `TermEvidence` or `TermData` is gone.", "Keep `x-piaxis-term-type` or `x-piaxis-term-data`."),
    rule("term-type-added", Direction::Both, None, Additive, "`TermEvidence` and `TermData` may grow.", "Nothing to avoid."),
    rule("term-type-changed", Direction::Both, Breaking, Patch, "The data is sent for another type of term.", "Add another schema for the other type."),
    rule("settled-removed", Direction::Both, None, Breaking, "`is_settled()` is gone.", "Keep the list."),
    rule("settled-added", Direction::Both, None, Additive, "There is an `is_settled()` now.", "Nothing to avoid."),
    rule("settled-changed", Direction::Both, None, Patch, "`is_settled()` and waiting mean something else; check who relies on it.", "Nothing to avoid."),
    rule("payout-checks-changed", Direction::Both, None, Patch, "`PayoutBatch` refuses other payouts before anything is sent; requests stay the same.", "Nothing to avoid."),
    rule("documentation-changed", Direction::Both, Patch, Patch, "Only words, examples or sources are different.", "Nothing to avoid."),
    rule("extension-changed", Direction::Both, None, Patch, "Nothing is generated from this extension.", "Nothing to avoid."),
    UNCLASSIFIED,
    rule("request-property-removed", Direction::Request, Breaking, Breaking, "What is still sent is ignored or refused, and the field is gone.", "Keep the old form for a release, marked as deprecated; then acknowledge that it goes."),
    rule("response-required-property-removed", Direction::Response, Breaking, Breaking, "Clients rely on it, and the field is gone.", "Keep the old form for a release, marked as deprecated; then acknowledge that it goes."),
    rule("response-optional-property-removed", Direction::Response, Patch, Breaking, "Clients must do without it already, but the field is gone.", "Keep the old form for a release, marked as deprecated; then acknowledge that it goes."),
    rule("request-required-property-added", Direction::Request, Breaking, Breaking, "Requests without it are refused, and the builder demands it.", "Make it optional."),
    rule("response-required-property-added", Direction::Response, Additive, Breaking, "Clients may ignore it, but the builder demands it of tests that make answers.", "Make it optional."),
    rule("request-optional-property-added", Direction::Request, Additive, Additive, "Nobody has to send it.", "Nothing to avoid."),
    rule("response-optional-property-added", Direction::Response, Additive, Additive, "Unknown fields are ignored.", "Nothing to avoid."),
    rule("request-property-became-required", Direction::Request, Breaking, Breaking, "Requests without it are refused, and the builder demands it.", "Leave it optional."),
    rule("response-property-became-required", Direction::Response, Additive, Breaking, "It always comes; the field is no `Option` any more.", "Leave it optional."),
    rule("request-property-became-optional", Direction::Request, Additive, Additive, "What sent it may go on.", "Nothing to avoid."),
    rule("response-property-became-optional", Direction::Response, Breaking, Breaking, "It may be missing, and the field is an `Option` now.", "Keep it required."),
    rule("request-type-narrowed", Direction::Request, Breaking, Breaking, "Values that were taken are refused.", "Add another field."),
    rule("response-type-narrowed", Direction::Response, Additive, Breaking, "All that comes was possible before, but the Rust type is another.", "Add another field."),
    rule("request-type-widened", Direction::Request, Additive, Breaking, "Values that were taken still are, but the Rust type is another.", "Add another field."),
    rule("response-type-widened", Direction::Response, Breaking, Breaking, "Values come that clients do not know.", "Add another field."),
    rule("request-type-changed", Direction::Request, Breaking, Breaking, "Values that were taken are refused.", "Add another field."),
    rule("response-type-changed", Direction::Response, Breaking, Breaking, "Values come that clients cannot decode.", "Add another field."),
    rule("request-became-nullable", Direction::Request, Additive, Breaking, "Nobody has to send null; a list is an `Option` now.", "Leave the key out in place of null."),
    rule("response-became-nullable", Direction::Response, Breaking, Breaking, "Null comes where none came; a list is an `Option` now.", "Leave the key out in place of null."),
    rule("request-became-not-nullable", Direction::Request, Breaking, Breaking, "Null is refused; a list is no `Option` any more.", "Keep taking null."),
    rule("response-became-not-nullable", Direction::Response, Additive, Breaking, "Null no longer comes; a list is no `Option` any more.", "Keep taking null."),
    rule("request-enum-added", Direction::Request, Breaking, Breaking, "Any other value is refused, and the Rust type is another.", "Use `x-extensible-enum`."),
    rule("response-enum-added", Direction::Response, Additive, Breaking, "All that comes was possible before, but the Rust type is another.", "Use `x-extensible-enum`."),
    rule("request-enum-removed", Direction::Request, Additive, Breaking, "Any value is taken, but the Rust type is another.", "Keep the values, or add another field."),
    rule("response-enum-removed", Direction::Response, Breaking, Breaking, "Values come that clients do not know.", "Keep the values, or add another field."),
    rule("request-enum-value-added", Direction::Request, Additive, Additive, "Nobody has to send it.", "Nothing to avoid."),
    rule("response-enum-value-added", Direction::Response, Breaking, Breaking, "Clients of a closed enum cannot decode it, and a match no longer covers all.", "Use `x-extensible-enum`."),
    rule("request-enum-value-removed", Direction::Request, Breaking, Breaking, "The value is refused, and its variant is gone.", "Keep the value."),
    rule("response-enum-value-removed", Direction::Response, Additive, Breaking, "It no longer comes, but its variant is gone.", "Keep the value."),
    rule("request-open-enum-value-added", Direction::Request, Additive, Additive, "Nobody has to send it.", "Nothing to avoid."),
    rule("response-open-enum-value-added", Direction::Response, Additive, Additive, "Clients keep values that they do not know.", "Nothing to avoid."),
    rule("request-open-enum-value-removed", Direction::Request, Breaking, Breaking, "The value is refused, and its variant is gone.", "Keep the value."),
    rule("response-open-enum-value-removed", Direction::Response, Patch, Breaking, "It no longer comes, but its variant is gone.", "Keep the value."),
    rule("request-open-enum-added", Direction::Request, Additive, Breaking, "Any text is still taken, but the Rust type is another.", "Keep the plain text."),
    rule("response-open-enum-added", Direction::Response, Additive, Breaking, "Any text may still come, but the Rust type is another.", "Keep the plain text."),
    rule("request-open-enum-removed", Direction::Request, Additive, Breaking, "Any text is still taken, but the Rust type is another.", "Keep the list."),
    rule("response-open-enum-removed", Direction::Response, Additive, Breaking, "Any text may still come, but the Rust type is another.", "Keep the list."),
    rule("request-limit-tightened", Direction::Request, Breaking, None, "Values beyond the limit are refused.", "Keep the limit."),
    rule("response-limit-tightened", Direction::Response, Additive, None, "All that comes was possible before.", "Nothing to avoid."),
    rule("request-limit-loosened", Direction::Request, Additive, None, "Values that were taken still are.", "Nothing to avoid."),
    rule("response-limit-loosened", Direction::Response, Breaking, None, "Values come beyond what clients were told.", "Keep the limit."),
    rule("request-limit-changed", Direction::Request, Breaking, None, "Values that were taken are refused.", "Keep the limit."),
    rule("response-limit-changed", Direction::Response, Breaking, None, "Values come that clients were not told of.", "Keep the limit."),
    rule("request-pattern-added", Direction::Request, Breaking, None, "Text of another form is refused.", "Leave the pattern out."),
    rule("response-pattern-added", Direction::Response, Additive, None, "All that comes was possible before.", "Nothing to avoid."),
    rule("request-pattern-changed", Direction::Request, Breaking, None, "Text that was taken may be refused.", "Keep the pattern."),
    rule("response-pattern-changed", Direction::Response, Additive, None, "Clients do not check the form.", "Nothing to avoid."),
    rule("request-pattern-removed", Direction::Request, Additive, None, "Any text is taken.", "Nothing to avoid."),
    rule("response-pattern-removed", Direction::Response, Additive, None, "Clients do not check the form.", "Nothing to avoid."),
    rule("request-closed", Direction::Request, Breaking, Breaking, "Other fields are refused, and `extra` is gone.", "Keep `additionalProperties: true`."),
    rule("response-closed", Direction::Response, Additive, Breaking, "Other fields no longer come, but `extra` is gone.", "Keep `additionalProperties: true`."),
    rule("request-opened", Direction::Request, Additive, Additive, "Other fields are taken.", "Nothing to avoid."),
    rule("response-opened", Direction::Response, Additive, Additive, "Unknown fields are ignored, or are kept in `extra`.", "Nothing to avoid."),
    rule("request-alternative-added", Direction::Request, Additive, Additive, "Nobody has to send it.", "Nothing to avoid."),
    rule("response-alternative-added", Direction::Response, Breaking, Breaking, "Clients cannot decode it, and a match no longer covers all.", "Add another field."),
    rule("request-alternative-removed", Direction::Request, Breaking, Breaking, "It is refused, and its variant is gone.", "Keep the alternative."),
    rule("response-alternative-removed", Direction::Response, Additive, Breaking, "It no longer comes, but its variant is gone.", "Keep the alternative."),
    rule("request-any-of-added", Direction::Request, Additive, Additive, "Nobody has to send it.", "Nothing to avoid."),
    rule("response-any-of-added", Direction::Response, Additive, Additive, "What came before still does.", "Nothing to avoid."),
    rule("request-any-of-removed", Direction::Request, Breaking, Breaking, "It is refused, and its Rust type is gone.", "Keep the alternative."),
    rule("response-any-of-removed", Direction::Response, Additive, Breaking, "It no longer comes, but its Rust type is gone.", "Keep the alternative."),
    rule("request-choice-added", Direction::Request, Additive, Breaking, "What was sent is one of the alternatives, but the Rust type is another.", "Add another field."),
    rule("response-choice-added", Direction::Response, Breaking, Breaking, "What was sure to come is one of several now.", "Add another field."),
    rule("request-choice-removed", Direction::Request, Breaking, Breaking, "Alternatives are refused.", "Keep the choice."),
    rule("response-choice-removed", Direction::Response, Additive, Breaking, "All that comes was possible before, but the Rust type is another.", "Keep the choice."),
    rule("request-all-of-added", Direction::Request, Breaking, None, "Values must fit another schema besides.", "Put optional properties into the schema itself."),
    rule("response-all-of-added", Direction::Response, Additive, None, "All that comes was possible before.", "Nothing to avoid."),
    rule("request-all-of-removed", Direction::Request, Additive, None, "Values that fit still do.", "Nothing to avoid."),
    rule("response-all-of-removed", Direction::Response, Additive, None, "What it demanded and held is compared by itself.", "Nothing to avoid."),
    rule("request-default-added", Direction::Request, Additive, Breaking, "What is assumed of a missing value is another, and the builder may demand it now.", "Leave the default to the description."),
    rule("response-default-added", Direction::Response, Patch, Breaking, "The field is no `Option` any more.", "Leave the default to the description."),
    rule("request-default-removed", Direction::Request, Additive, Additive, "What is assumed of a missing value is another; builders take what they took.", "Nothing to avoid."),
    rule("response-default-removed", Direction::Response, Patch, Breaking, "The field is an `Option` now.", "Keep the default."),
    rule("request-default-changed", Direction::Request, Additive, Patch, "What is assumed of a missing value is another.", "Nothing to avoid."),
    rule("response-default-changed", Direction::Response, Patch, Patch, "What is assumed of a missing value is another.", "Nothing to avoid."),
    rule("request-discriminator-changed", Direction::Request, Additive, None, "Alternatives are told apart by other means; what they hold is compared by itself.", "Nothing to avoid."),
    rule("response-discriminator-changed", Direction::Response, Additive, None, "Alternatives are told apart by other means; what they hold is compared by itself.", "Nothing to avoid."),
    rule("request-access-changed", Direction::Request, Additive, None, "`readOnly` and `writeOnly` are advice to the reader.", "Nothing to avoid."),
    rule("response-access-changed", Direction::Response, Additive, None, "`readOnly` and `writeOnly` are advice to the reader.", "Nothing to avoid."),
];
