//! Bodies, fields and parameters of operations.

use std::collections::BTreeSet;

use super::{
    Contract, Operation, array, object,
    pointer::{escape, unescape},
    strings, text_of,
};
use crate::check::fact::Direction;

/// How deep fields of fields are followed.
const DEEPEST: usize = 8;

/// What a path of fields leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// A field: where it is declared.
    Field {
        pointer: String,
    },
    /// A place inside a free-form object.
    Free,
    Nothing,
}

/// A list whose items name their kind.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ListByKind {
    pub(crate) list: String,
    /// Where the schema of an item stands.
    pub(crate) items: String,
    /// Where the open enum of the kinds stands.
    pub(crate) kinds: String,
}

impl Contract {
    /// Where the schema of one side of an operation stands.
    pub(crate) fn body(&self, operation: &Operation, direction: Direction) -> Option<String> {
        let first = |pointer: &str, start| {
            let (key, _) = object(self.at(pointer)).find(|(key, _)| key.starts_with(start))?;
            Some(format!("{pointer}/{}", escape(key)))
        };
        let around = match direction {
            Direction::Request => format!("{}/requestBody", operation.pointer),
            Direction::Response => first(&format!("{}/responses", operation.pointer), "2")?,
        };
        let schema = first(&format!("{around}/content"), "")? + "/schema";
        self.document.pointer(&schema).map(|_| schema)
    }

    /// What the path of a field leads to, on one side of an operation.
    pub(crate) fn field(&self, operation: &Operation, direction: Direction, path: &str) -> Found {
        let Some(mut here) = self.body(operation, direction) else { return Found::Nothing };
        for part in path.split('.') {
            let (name, depth) = (part.trim_end_matches("[]"), part.matches("[]").count());
            let schema = self.resolve(&here);
            if self.is_free(&schema) {
                return Found::Free;
            }
            let property = format!("{schema}/properties/{}", escape(name));
            if self.document.pointer(&property).is_none() {
                return Found::Nothing;
            }
            here = property;
            for _ in 0..depth {
                let items = format!("{}/items", self.resolve(&here));
                if self.document.pointer(&items).is_none() {
                    return Found::Nothing;
                }
                here = items;
            }
        }
        Found::Field { pointer: here.trim_end_matches("/items").to_owned() }
    }

    /// The JSON types that a schema allows; none when it allows any.
    pub(crate) fn kinds(&self, pointer: &str) -> Option<BTreeSet<&str>> {
        let resolved = self.resolve(pointer);
        let schema = self.at(&resolved);
        let is_nullable = self.at(pointer)["nullable"] == true || schema["nullable"] == true;
        let mut kinds: BTreeSet<&str> = schema["type"].as_str().into_iter().collect();
        if kinds.is_empty() {
            for key in ["oneOf", "anyOf"] {
                for (at, _) in array(&schema[key]).enumerate() {
                    kinds.extend(self.kinds(&format!("{resolved}/{key}/{at}"))?);
                }
            }
        }
        let is_typed = kinds.iter().any(|kind| *kind != "null");
        kinds.extend(is_nullable.then_some("null"));
        is_typed.then_some(kinds)
    }

    /// A schema that says nothing of what is in it.
    pub(crate) fn is_free(&self, pointer: &str) -> bool {
        let schema = self.at(pointer);
        let constrained =
            ["properties", "allOf", "anyOf", "oneOf", "items"].iter().any(|key| schema.get(key).is_some());
        !constrained && (schema["type"] == "object" || schema.get("type").is_none())
    }

    /// Every field of one side of an operation: its path and where it is declared.
    pub(crate) fn fields(&self, operation: &Operation, direction: Direction) -> Vec<(String, String)> {
        self.body(operation, direction).map(|body| self.fields_of(&body)).unwrap_or_default()
    }

    /// Every field below a schema.
    pub(crate) fn fields_of(&self, schema: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.visit(schema, "", 0, &mut found);
        found
    }

    fn visit(&self, pointer: &str, prefix: &str, depth: usize, found: &mut Vec<(String, String)>) {
        let schema = self.resolve(pointer);
        if depth > DEEPEST {
            return;
        }
        if self.document.pointer(&format!("{schema}/items")).is_some() {
            return self.visit(&format!("{schema}/items"), &format!("{prefix}[]"), depth + 1, found);
        }
        for (name, _) in object(&self.at(&schema)["properties"]) {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let property = format!("{schema}/properties/{}", escape(name));
            found.push((path.clone(), property.clone()));
            self.visit(&property, &path, depth + 1, found);
        }
    }

    /// The open enum of the types of terms, and its values: those of all enums that most kinds of evidence name.
    pub(crate) fn term_types(&self) -> (String, Vec<String>) {
        let schemas = || object(self.at("/components/schemas"));
        let met: BTreeSet<&str> = schemas().map(|(_, schema)| text_of(schema, "x-piaxis-term-type")).collect();
        let enums = schemas().map(|(name, schema)| (name, strings(&schema["x-extensible-enum"])));
        let named = |values: &[String]| values.iter().filter(|value| met.contains(value.as_str())).count();
        let most = enums.filter(|(_, values)| named(values) > 0).max_by_key(|(_, values)| named(values));
        let (name, values) = most.map(|(name, values)| (name.as_str(), values)).unwrap_or_default();
        (format!("/components/schemas/{}", escape(name)), values)
    }

    /// Lists whose items name their kind, such as `required_actions` with `action_type`.
    pub(crate) fn lists_by_kind(&self) -> BTreeSet<ListByKind> {
        let mut found = BTreeSet::new();
        // Terms have a reading of their own.
        let (terms, _) = self.term_types();
        for (schema, _) in object(self.at("/components/schemas")) {
            for (list, items) in self.fields_at(&format!("/components/schemas/{}", escape(schema))) {
                let items = self.resolve(&format!("{items}/items"));
                for (name, kind) in self.fields_at(&items) {
                    let stem = name.strip_suffix("_type").filter(|stem| list.ends_with(&format!("{stem}s")));
                    let kinds = self.resolve(&kind);
                    if stem.is_some() && kinds != terms && self.at(&kinds).get("x-extensible-enum").is_some() {
                        found.insert(ListByKind { list: list.clone(), items: items.clone(), kinds });
                    }
                }
            }
        }
        found
    }

    /// Name and place of each property of a schema.
    fn fields_at(&self, schema: &str) -> Vec<(String, String)> {
        let properties = object(&self.at(schema)["properties"]);
        properties.map(|(name, _)| (name.clone(), format!("{schema}/properties/{}", escape(name)))).collect()
    }

    /// Whether a field is required where it is declared.
    pub(crate) fn is_required(&self, property: &str) -> bool {
        let Some((schema, name)) = property.rsplit_once("/properties/") else { return false };
        strings(&self.at(schema)["required"]).contains(&unescape(name))
    }

    /// Pointers of all parameters of an operation, references followed.
    pub(crate) fn parameters(&self, operation: &Operation) -> Vec<String> {
        let count = self.at(&operation.pointer)["parameters"].as_array().map_or(0, Vec::len);
        (0..count).map(|at| self.resolve(&format!("{}/parameters/{at}", operation.pointer))).collect()
    }
}
