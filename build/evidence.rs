//! The typed evidence of terms.

use serde_json::Value;

use super::{
    client::is_free_form,
    document::{object, pascal, text},
};

/// An enum over all schemas that say which `x-piaxis-term-type` they are evidence for.
pub(super) fn evidence(contract: &Value) -> String {
    let (mut variants, mut types, mut data, mut conversions) = Default::default();
    for (name, schema) in object(contract, "/components/schemas") {
        let term_type = text(schema, "x-piaxis-term-type");
        if term_type.is_empty() {
            continue;
        }
        let free = is_free_form(schema);
        let payload = if free { "crate::JsonObject".to_owned() } else { format!("crate::types::{name}") };
        let doc = text(schema, "description");
        let term = pascal(term_type);
        let add = |code: &mut String, line: String| *code += &line;
        add(&mut variants, format!("    /// {doc} (`{term_type}`)\n    {name}({payload}),\n"));
        add(&mut types, format!("            Self::{name}(_) => crate::TermType::{term},\n"));
        add(&mut data, format!("            Self::{name}(data) => crate::JsonObject::from_serialize(data),\n"));
        if !free {
            add(
                &mut conversions,
                format!(
                    "impl From<{payload}> for TermEvidence {{\n    fn from(data: {payload}) -> Self {{ Self::{name}(data) }}\n}}\n"
                ),
            );
        }
    }
    format!(
        "/// Evidence for a term of an escrow: what its type asks for, or `Other`.\n#[derive(Debug, Clone, PartialEq)]\n\
         #[non_exhaustive]\npub enum TermEvidence {{\n{variants}    /// A type of term that this version does not know, or one with other keys.\n    \
         Other {{\n        /// Type of the term.\n        term_type: crate::TermType,\n        /// Whatever it asks for.\n        \
         data: crate::JsonObject,\n    }},\n}}\n\nimpl TermEvidence {{\n    /// The type of term that this is evidence for.\n    \
         pub fn term_type(&self) -> crate::TermType {{\n        match self {{\n{types}            Self::Other {{ term_type, .. }} => term_type.clone(),\n        }}\n    }}\n\n    \
         pub(crate) fn to_data(&self) -> Result<crate::JsonObject, serde_json::Error> {{\n        match self {{\n{data}            Self::Other {{ data, .. }} => Ok(data.clone()),\n        }}\n    }}\n}}\n\n{conversions}"
    )
}
