//! The typed data of terms: what creates them, and the evidence that fulfils them.

use serde_json::Value;

use super::{
    document::{object, pascal, text},
    generator::is_free_form,
};

/// The enums over all schemas that say which term type they are the data of a new term for, or the evidence.
pub(super) fn evidence(contract: &Value) -> String {
    let evidence = Kind {
        extension: "x-piaxis-term-type",
        name: "TermEvidence",
        suffix: "",
        doc: "Evidence for a term of an escrow, by term type.",
        type_doc: "Returns the type of the term that the evidence is for.",
    };
    let data = Kind {
        extension: "x-piaxis-term-data",
        name: "TermData",
        suffix: "TermData",
        doc: "Data of a new term, by term type. [`TermCreate::new`](crate::types::TermCreate::new) makes a term of it.\n///\n\
              /// The keys of other term types are not documented.",
        type_doc: "Returns the type of the term.",
    };
    code(contract, &evidence) + "\n" + &code(contract, &data)
}

struct Kind {
    extension: &'static str,
    /// Name of the enum.
    name: &'static str,
    /// What the names of the schemas have more than those of the variants.
    suffix: &'static str,
    doc: &'static str,
    type_doc: &'static str,
}

fn code(contract: &Value, kind: &Kind) -> String {
    let Kind { extension, name: enum_name, suffix, doc, type_doc } = kind;
    let (mut variants, mut types, mut data, mut conversions) = <(String, String, String, String)>::default();
    for (name, schema) in object(contract, "/components/schemas") {
        let term_type = text(schema, extension);
        if term_type.is_empty() {
            continue;
        }
        let variant = name.strip_suffix(suffix).unwrap_or(name);
        let doc = text(schema, "description").split_whitespace().collect::<Vec<_>>().join(" ");
        let term = pascal(term_type);
        // An object without keys has nothing to give, and a free-form one no struct.
        let payload = match (is_free_form(schema), schema["maxProperties"] == 0) {
            (true, true) => None,
            (true, false) => Some("crate::JsonObject".to_owned()),
            (false, _) => Some(format!("crate::types::{name}")),
        };
        let (held, any, bound, json) = match &payload {
            None => (String::new(), "", "", "Ok(crate::JsonObject::new())"),
            Some(payload) => (format!("({payload})"), "(_)", "(data)", "crate::JsonObject::from_serialize(data)"),
        };
        variants += &format!("    /// {doc} (`{term_type}`)\n    {variant}{held},\n");
        types += &format!("            Self::{variant}{any} => crate::TermType::{term},\n");
        data += &format!("            Self::{variant}{bound} => {json},\n");
        if let Some(payload) = payload.filter(|payload| payload != "crate::JsonObject") {
            conversions += &format!(
                "impl From<{payload}> for {enum_name} {{\n    fn from(data: {payload}) -> Self {{ Self::{variant}(data) }}\n}}\n"
            );
        }
    }
    format!(
        "/// {doc}\n#[derive(Debug, Clone, PartialEq)]\n#[non_exhaustive]\npub enum {enum_name} {{\n{variants}    \
         /// A type of term that this version does not know, or one with other keys.\n    \
         Other {{\n        /// Type of the term.\n        term_type: crate::TermType,\n        /// Its data.\n        \
         data: crate::JsonObject,\n    }},\n}}\n\nimpl {enum_name} {{\n    /// {type_doc}\n    \
         pub fn term_type(&self) -> crate::TermType {{\n        match self {{\n{types}            Self::Other {{ term_type, .. }} => term_type.clone(),\n        }}\n    }}\n\n    \
         pub(crate) fn to_data(&self) -> Result<crate::JsonObject, serde_json::Error> {{\n        match self {{\n{data}            Self::Other {{ data, .. }} => Ok(data.clone()),\n        }}\n    }}\n}}\n\n{conversions}"
    )
}
