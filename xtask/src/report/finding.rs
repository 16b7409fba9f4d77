//! What a check found: findings by kind, accepted deviations, coverage.

use serde::{Serialize, Serializer};

/// How much a finding weighs; the heaviest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Error,
    Warning,
    /// Needs no work.
    Info,
}

/// Whether a recorded deviation covers a kind of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deviation {
    Covers,
    Never,
}

const ADD: &str = "add it to the contract";
const MEND: &str = "mend the contract";
const DROP: &str = "if the API dropped it, drop it; if another source has it, cite that";
const ACCEPT: &str = "review the change, mend the contract, and accept with `cargo xtask check --update-lock`";
const RESPONSE: &str = "correct the contract, or report the response to Piaxis";

macro_rules! kinds {
    ($($kind:ident $id:literal $severity:ident $deviation:ident $advice:expr;)*) => {
        /// Kinds of findings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Kind { $($kind),* }

        impl Kind {
            fn row(self) -> (&'static str, Severity, Deviation, &'static str) {
                match self { $(Self::$kind => ($id, Severity::$severity, Deviation::$deviation, $advice)),* }
            }

            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$kind),*];
        }
    };
}

// The one table of kinds: name in reports, severity, whether a deviation covers it, what to do.
kinds! {
    // The docs state what the contract does not have, or has otherwise.
    OperationMissing "operation-missing" Error Covers ADD;
    PathDiffers "path-differs" Error Covers MEND;
    FieldMissing "field-missing" Error Covers ADD;
    ParameterMissing "parameter-missing" Error Covers ADD;
    HeaderMissing "header-missing" Error Covers ADD;
    CodeMissing "code-missing" Error Covers ADD;
    EventMissing "event-missing" Error Covers ADD;
    WebhookHeaderMissing "webhook-header-missing" Error Covers ADD;
    WebhookFieldMissing "webhook-field-missing" Error Covers ADD;
    VariableMissing "variable-missing" Error Covers ADD;
    ServerMissing "server-missing" Error Covers ADD;
    TermMissing "term-missing" Error Covers ADD;
    TermKeyMissing "term-key-missing" Error Covers ADD;
    TermDataMissing "term-data-missing" Error Covers ADD;
    ActionMissing "action-missing" Error Covers ADD;
    ActionKeyMissing "action-key-missing" Error Covers ADD;
    FeeDiffers "fee-differs" Error Covers MEND;
    TypeDiffers "type-differs" Error Covers MEND;
    ValueUnknown "value-unknown" Warning Covers MEND;
    LimitDiffers "limit-differs" Error Covers MEND;
    DeprecationDiffers "deprecation-differs" Warning Covers "say `deprecated: true`";
    RequirementDiffers "requirement-differs" Error Covers MEND;
    GuaranteeDiffers "guarantee-differs" Warning Covers "require it";
    NotGuaranteed "not-guaranteed" Error Covers MEND;
    SecurityDiffers "security-differs" Error Covers MEND;
    SecurityLoose "security-loose" Error Covers MEND;
    RouteNotExposed "route-not-exposed" Error Covers MEND;
    ExampleInvalid "example-invalid" Error Covers "mend the schema";
    LinkBroken "link-broken" Warning Never "report the link to the authors of the docs; the other pages were checked";
    NotUnderstood "not-understood" Warning Never "look at the page; teach the check if it is a new way of writing";

    // The contract cites the docs for what no page states.
    OperationUndocumented "operation-undocumented" Error Never DROP;
    ParameterUndocumented "parameter-undocumented" Error Never DROP;
    FieldUndocumented "field-undocumented" Error Never DROP;
    VariableUndocumented "variable-undocumented" Error Never DROP;
    EventUndocumented "event-undocumented" Error Never DROP;
    WebhookHeaderUndocumented "webhook-header-undocumented" Error Never DROP;
    WebhookFieldUndocumented "webhook-field-undocumented" Error Never DROP;
    ServerUndocumented "server-undocumented" Error Never DROP;
    FeeUndocumented "fee-undocumented" Error Never DROP;
    TermUndocumented "term-undocumented" Error Never DROP;
    TermKeyUndocumented "term-key-undocumented" Error Never DROP;
    TermDataUndocumented "term-data-undocumented" Error Never DROP;
    SourceMissing "source-missing" Error Never "cite the heading that says it now";
    DeviationStale "deviation-stale" Error Never "drop the deviation, or cite where the document says it now";

    // The docs changed since the accepted run.
    PageMissing "page-missing" Error Never ACCEPT;
    PageNew "page-new" Warning Never ACCEPT;
    PageReworded "page-reworded" Info Never ACCEPT;
    SectionReworded "section-reworded" Warning Never "read it: if it states a new fact, teach the check to see it; accept with `cargo xtask check --update-lock`";
    FactGone "fact-gone" Error Never ACCEPT;
    FactNew "fact-new" Warning Never ACCEPT;
    CoverageDropped "coverage-dropped" Error Never ACCEPT;

    // Recorded responses.
    FieldUnknown "field-unknown" Warning Never "add the field to the contract";
    NameTwice "name-twice" Error Never "report the response to Piaxis";
    NullUnexpected "null-unexpected" Error Never "say `nullable: true` in the contract, or report the response to Piaxis";
    AlternativesDiffer "alternatives-differ" Error Never RESPONSE;
    FormatDiffers "format-differs" Error Never RESPONSE;
    BoundsDiffer "bounds-differ" Error Never RESPONSE;
    OperationUnknown "operation-unknown" Error Never "name the file after an operation id of the contract, or `webhook`";
    StatusUnknown "status-unknown" Error Never "add the response to the contract, or rename the file: three digits after the operation id are a status";
    JsonInvalid "json-invalid" Error Never "record the response body as it came, one in each file";
}

impl Kind {
    /// Name in reports, such as `field-missing`.
    pub(crate) fn id(self) -> &'static str {
        self.row().0
    }

    /// Whether a recorded deviation covers it.
    pub(crate) fn may_deviate(self) -> bool {
        self.row().2 == Deviation::Covers
    }

    /// What to do, unless the finding says something closer.
    pub(crate) fn advice(self) -> String {
        self.advise(self.row().3)
    }

    /// Something closer that can be done, and the deviation where one covers it.
    pub(crate) fn advise(self, words: &str) -> String {
        let or = if self.may_deviate() { ", or record a deviation with the reason" } else { "" };
        format!("{words}{or}")
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// A place in the docs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DocPlace {
    pub(crate) page: String,
    pub(crate) heading: String,
    pub(crate) anchor: String,
    pub(crate) line: usize,
}

/// A place in the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SpecPlace {
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    #[serde(rename = "id")]
    pub(crate) kind: Kind,
    pub(crate) severity: Severity,
    pub(crate) operation: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    /// What to do.
    pub(crate) advice: String,
    pub(crate) doc: Option<DocPlace>,
    pub(crate) spec: Option<SpecPlace>,
    /// Recorded responses that show it, sorted; of the docs, none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<String>,
}

impl Finding {
    /// A finding with the severity and the advice of its kind, of no place yet.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        let (severity, message, advice) = (kind.row().1, message.into(), kind.advice());
        Self { kind, severity, operation: None, field: None, message, advice, doc: None, spec: None, files: Vec::new() }
    }
}

/// A disagreement that the contract records as a deviation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Accepted {
    pub(crate) message: String,
    pub(crate) reason: String,
    pub(crate) doc: Option<DocPlace>,
    pub(crate) spec: Option<SpecPlace>,
}

/// How much was seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Coverage {
    Docs(DocsCoverage),
    Responses(ResponsesCoverage),
}

impl Default for Coverage {
    fn default() -> Self {
        Self::Docs(DocsCoverage::default())
    }
}

/// How many responses were compared, and of how many of the contract's operations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ResponsesCoverage {
    pub(crate) responses: usize,
    pub(crate) recorded_operations: usize,
    pub(crate) operations: usize,
}

/// How much of the docs was seen and understood.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct DocsCoverage {
    pub(crate) pages: usize,
    pub(crate) sections: usize,
    pub(crate) understood: usize,
    pub(crate) examples: usize,
    pub(crate) validated: usize,
    pub(crate) facts: usize,
}

/// Its JSON is the format that `--format json` prints: the names and the order are stable.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) agreed: usize,
    pub(crate) findings: Vec<Finding>,
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) coverage: Coverage,
    pub(crate) notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_column_offers_a_deviation() {
        for kind in Kind::ALL {
            assert!(!kind.row().3.contains("record a deviation"), "{}", kind.id());
            assert_eq!(kind.advice().contains("record a deviation"), kind.may_deviate(), "{}", kind.id());
        }
        assert!(Kind::FieldMissing.may_deviate() && !Kind::SourceMissing.may_deviate());
    }
}
