//! The open enums.

use serde_json::Value;

use super::document::{object, strings, text, variant};

pub(super) fn open_enums(contract: &Value) -> String {
    let mut code = String::new();
    for (name, schema) in object(contract, "/components/schemas") {
        let values = strings(schema, "x-extensible-enum");
        if !values.is_empty() {
            code += &open_enum(name, text(schema, "description"), &values);
        }
        for (extension, method, doc) in [
            ("x-piaxis-settled", "is_settled", "Returns whether the status is taken as final"),
            ("x-piaxis-succeeded", "is_succeeded", "Returns whether the status says that the money has moved"),
        ] {
            let named = strings(schema, extension);
            if named.is_empty() {
                continue;
            }
            let variants: Vec<String> = named.iter().map(|value| format!("Self::{}", variant(value))).collect();
            let values: Vec<String> = named.iter().map(|value| format!("`{value}`")).collect();
            code += &format!(
                "impl {name} {{\n    /// {doc}: {}. Unknown values do not count.\n    \
                 pub fn {method}(&self) -> bool {{\n        matches!(self, {})\n    }}\n}}\n",
                values.join(", "),
                variants.join(" | "),
            );
        }
    }
    code
}

pub(super) fn open_enum(name: &str, doc: &str, values: &[String]) -> String {
    let variants =
        values.iter().map(|value| format!("        /// `{value}`\n        {} = {value:?},\n", variant(value)));
    format!("open_enum! {{\n    #[doc = {doc:?}]\n    pub enum {name} {{\n{}    }}\n}}\n", variants.collect::<String>())
}
