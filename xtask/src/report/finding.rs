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

/// What the advice says where a deviation may be recorded instead.
const DEVIATION: &str = "record a deviation";
const ADD: &str = "add it to the contract, or record a deviation with the reason";
const MEND: &str = "mend the contract, or record a deviation with the reason";
const DROP: &str = "if the API dropped it, drop it; if another source has it, cite that";
const ACCEPT: &str = "review the change, mend the contract, and accept with `cargo xtask check --update-lock`";
const RESPONSE: &str = "correct the contract, or report the response to Piaxis";

macro_rules! kinds {
    ($($kind:ident $id:literal $severity:ident $advice:expr;)*) => {
        /// Kinds of findings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Kind { $($kind),* }

        impl Kind {
            fn row(self) -> (&'static str, Severity, &'static str) {
                match self { $(Self::$kind => ($id, Severity::$severity, $advice)),* }
            }
        }
    };
}

// The one table of kinds: name in reports, severity, what to do.
kinds! {
    // The docs state what the contract does not have, or has otherwise.
    OperationMissing "operation-missing" Error ADD;
    PathDiffers "path-differs" Error MEND;
    FieldMissing "field-missing" Error ADD;
    ParameterMissing "parameter-missing" Error ADD;
    HeaderMissing "header-missing" Error ADD;
    CodeMissing "code-missing" Error ADD;
    EventMissing "event-missing" Error ADD;
    WebhookHeaderMissing "webhook-header-missing" Error ADD;
    WebhookFieldMissing "webhook-field-missing" Error ADD;
    VariableMissing "variable-missing" Error ADD;
    ServerMissing "server-missing" Error ADD;
    TermMissing "term-missing" Error ADD;
    TermKeyMissing "term-key-missing" Error ADD;
    TermDataMissing "term-data-missing" Error ADD;
    ActionMissing "action-missing" Error ADD;
    ActionKeyMissing "action-key-missing" Error ADD;
    FeeDiffers "fee-differs" Error MEND;
    TypeDiffers "type-differs" Error MEND;
    ValueUnknown "value-unknown" Warning MEND;
    LimitDiffers "limit-differs" Error MEND;
    DeprecationDiffers "deprecation-differs" Warning "say `deprecated: true`, or record a deviation with the reason";
    RequirementDiffers "requirement-differs" Error MEND;
    GuaranteeDiffers "guarantee-differs" Warning "require it, or record a deviation";
    NotGuaranteed "not-guaranteed" Error MEND;
    SecurityDiffers "security-differs" Error MEND;
    SecurityLoose "security-loose" Error MEND;
    RouteNotExposed "route-not-exposed" Error MEND;
    ExampleInvalid "example-invalid" Error "mend the schema, or record a deviation";
    LinkBroken "link-broken" Warning "report the link to the authors of the docs; the other pages were checked";
    NotUnderstood "not-understood" Warning "look at the page; teach the check if it is a new way of writing";

    // The contract cites the docs for what no page states.
    OperationUndocumented "operation-undocumented" Error DROP;
    ParameterUndocumented "parameter-undocumented" Error DROP;
    FieldUndocumented "field-undocumented" Error DROP;
    VariableUndocumented "variable-undocumented" Error DROP;
    EventUndocumented "event-undocumented" Error DROP;
    WebhookHeaderUndocumented "webhook-header-undocumented" Error DROP;
    WebhookFieldUndocumented "webhook-field-undocumented" Error DROP;
    ServerUndocumented "server-undocumented" Error DROP;
    FeeUndocumented "fee-undocumented" Error DROP;
    TermUndocumented "term-undocumented" Error DROP;
    TermKeyUndocumented "term-key-undocumented" Error DROP;
    TermDataUndocumented "term-data-undocumented" Error DROP;
    SourceMissing "source-missing" Error "cite the heading that says it now";
    DeviationStale "deviation-stale" Error "drop the deviation, or cite where the document says it now";

    // The docs changed since the accepted run.
    PageMissing "page-missing" Error ACCEPT;
    PageNew "page-new" Warning ACCEPT;
    PageReworded "page-reworded" Info ACCEPT;
    SectionReworded "section-reworded" Warning "read it: if it states a new fact, teach the check to see it; accept with `cargo xtask check --update-lock`";
    FactGone "fact-gone" Error ACCEPT;
    FactNew "fact-new" Warning ACCEPT;
    CoverageDropped "coverage-dropped" Error ACCEPT;

    // Recorded responses.
    FieldUnknown "field-unknown" Warning "add the field to the contract";
    NameTwice "name-twice" Error "report the response to Piaxis";
    NullUnexpected "null-unexpected" Error "say `nullable: true` in the contract, or report the response to Piaxis";
    AlternativesDiffer "alternatives-differ" Error RESPONSE;
    FormatDiffers "format-differs" Error RESPONSE;
    BoundsDiffer "bounds-differ" Error RESPONSE;
    OperationUnknown "operation-unknown" Error "name the file after an operation id of the contract, or `webhook`";
    StatusUnknown "status-unknown" Error "add the response to the contract, or rename the file: three digits after the operation id are a status";
    JsonInvalid "json-invalid" Error "record the response body as it came, one in each file";
}

impl Kind {
    /// Name in reports, such as `field-missing`.
    pub(crate) fn id(self) -> &'static str {
        self.row().0
    }

    /// What to do, unless the finding says something closer.
    pub(crate) fn advice(self) -> &'static str {
        self.row().2
    }

    /// Whether a recorded deviation covers it.
    pub(crate) fn may_deviate(self) -> bool {
        self.advice().contains(DEVIATION)
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
        let (_, severity, advice) = kind.row();
        let (message, advice) = (message.into(), advice.to_owned());
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
