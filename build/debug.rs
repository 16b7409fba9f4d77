//! Generates `Debug` for structs with fields that the contract marks as personal.

use serde_json::Value;

use super::document::object;

/// A field of a generated struct.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) is_optional: bool,
    pub(super) is_personal: bool,
}

/// Returns whether the contract marks a field as personal.
pub(super) fn is_personal(field: &Value) -> bool {
    field["x-piaxis-personal"] == true
}

/// Returns the names of the personal fields of a schema.
pub(super) fn personal_fields(schema: &Value) -> Vec<&String> {
    object(schema, "/properties").into_iter().filter(|(_, field)| is_personal(field)).map(|(name, _)| name).collect()
}

/// Returns the code of `Debug` as derived, except that the values of personal fields are redacted.
pub(super) fn debug_impl(name: &str, fields: &[Field]) -> String {
    let field = |Field { name, is_optional, is_personal }: &Field| {
        let value = match (is_personal, is_optional) {
            (false, _) => format!("&self.{name}"),
            (true, true) => format!("&self.{name}.as_ref().map(|_| crate::Redacted)"),
            (true, false) => "&crate::Redacted".to_owned(),
        };
        format!("            .field(\"{}\", {value})\n", name.trim_start_matches("r#"))
    };
    format!(
        "/// Redacts the personal fields.\nimpl ::std::fmt::Debug for {name} {{\n    \
         fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {{\n        \
         f.debug_struct(\"{name}\")\n{}            .finish()\n    }}\n}}\n",
        fields.iter().map(field).collect::<String>(),
    )
}
