//! One body against its schema. Problems name paths, types and schemas, and no values.
//!
//! `jsonschema` validates what the schema says. Responses allow additional properties and unknown values of open enums, so
//! that a client accepts them; both are looked for here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde::Deserialize as _;
use serde_json::{Number, Value};

use super::{
    json::{Json, duplicates},
    schemas::{Body, ENVELOPE, Validators},
};
use crate::{
    contract::{Contract, escape, pointer::around, strings, text_of},
    report::Kind,
};

/// Where the contract lists the events of webhooks.
pub(crate) const EVENTS: &str = "/x-piaxis-webhooks/events";
/// Names of fields that are longer than this are not shown.
const LONGEST_NAME: usize = 64;
/// Names of fields with more digits than this are not shown: they may be ids or phone numbers.
const MOST_DIGITS: usize = 4;

/// What a body has that the contract does not know, or contradicts.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) id: Kind,
    /// Such as `results[].payer.type`; empty for the whole body.
    pub(crate) path: String,
    pub(crate) what: String,
    /// The JSON type of the value, where the problem is about it.
    pub(crate) kind: Option<&'static str>,
    /// Where the contract says otherwise.
    pub(crate) pointer: String,
}

impl Problem {
    pub(crate) fn new(id: Kind, path: impl Into<String>, what: impl Into<String>, pointer: &str) -> Self {
        Self { id, path: path.into(), what: what.into(), kind: None, pointer: pointer.to_owned() }
    }
}

pub(crate) struct Conformance<'a> {
    contract: &'a Contract,
    pub(super) validators: Validators<'a>,
}

impl<'a> Conformance<'a> {
    pub(crate) fn new(contract: &'a Contract) -> Self {
        Self { contract, validators: Validators::new(contract) }
    }

    /// Everything that is wrong with a body.
    pub(crate) fn problems(&mut self, body: &Body, json: &Json) -> Result<Vec<Problem>> {
        let value = json.to_value();
        let mut walk = Walk::of(self.contract, body, json, false);
        if body.pointer == ENVELOPE {
            walk.event(&value);
        }
        for error in self.validators.get(body)?.iter_errors(&value) {
            walk.explain(&error);
        }
        Ok(walk.problems)
    }

    /// Values of open enums that the contract does not name yet.
    pub(crate) fn new_values(&self, body: &Body, json: &Value) -> Vec<Problem> {
        let Ok(json) = Json::deserialize(json) else { return Vec::new() };
        let mut problems = Walk::of(self.contract, body, &json, true).problems;
        problems.retain(|problem| problem.id == Kind::ValueUnknown);
        problems
    }
}

/// A schema in the contract that says something itself.
#[derive(Clone)]
struct Schema<'a> {
    pointer: String,
    node: &'a Value,
}

impl Schema<'_> {
    fn kind(&self) -> &str {
        text_of(self.node, "type")
    }

    /// Whether it takes any object.
    fn is_free(&self) -> bool {
        let says = |keyword: &&str| self.node.get(keyword).is_some();
        !["properties", "items", "x-extensible-enum"].iter().any(says) && !self.node["additionalProperties"].is_object()
    }

    /// The name of the schema that it is part of.
    fn name(&self) -> &str {
        let named = self.pointer.strip_prefix("/components/schemas/").and_then(|rest| rest.split('/').next());
        named.unwrap_or("the contract")
    }
}

/// A place in a body: its path, and the schemas that it has to fit.
struct Place<'a> {
    path: String,
    schemas: Vec<Schema<'a>>,
    kind: &'static str,
}

struct Walk<'a> {
    contract: &'a Contract,
    body: &'a Body,
    /// By JSON pointer in the body: every place that the contract describes.
    places: BTreeMap<String, Place<'a>>,
    problems: Vec<Problem>,
    /// Whether problems may name values.
    names_values: bool,
}

impl<'a> Walk<'a> {
    fn of(contract: &'a Contract, body: &'a Body, json: &Json, names_values: bool) -> Self {
        let mut walk = Self { contract, body, places: BTreeMap::new(), problems: Vec::new(), names_values };
        walk.visit(vec![body.pointer.clone()], json, "", "");
        walk
    }

    fn found(&mut self, id: Kind, path: &str, what: impl Into<String>, schemas: &[Schema<'_>]) -> &mut Problem {
        let pointer = schemas.first().map_or("", |schema| schema.pointer.as_str());
        self.problems.push(Problem::new(id, path, what, pointer));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    fn visit(&mut self, pointers: Vec<String>, json: &Json, path: &str, at: &str) {
        let parts = pointers.iter().flat_map(|pointer| self.contract.parts(pointer));
        let schemas: Vec<_> = parts.map(|pointer| Schema { node: self.contract.at(&pointer), pointer }).collect();
        match json {
            Json::Object(fields) => self.object(&schemas, fields, path, at),
            Json::Array(items) => {
                let inner = self.children(&schemas, "items");
                if inner.is_empty() {
                    self.twice_below(json.has_duplicates(), path, &schemas);
                }
                for (index, item) in items.iter().enumerate().filter(|_| !inner.is_empty()) {
                    self.visit(inner.clone(), item, &format!("{path}[]"), &format!("{at}/{index}"));
                }
            }
            Json::Scalar(Value::String(text)) => self.text(&schemas, text, path),
            Json::Scalar(Value::Number(number)) => self.number(&schemas, number, path, json.kind()),
            Json::Scalar(_) => {}
        }
        self.places.insert(at.to_owned(), Place { path: path.to_owned(), schemas, kind: json.kind() });
    }

    fn object(&mut self, schemas: &[Schema<'a>], fields: &[(String, Json)], path: &str, at: &str) {
        let takes_objects = |schema: &&Schema<'_>| matches!(schema.kind(), "object" | "");
        let schemas: Vec<Schema<'a>> = schemas.iter().filter(takes_objects).cloned().collect();
        let is_free = schemas.is_empty() || schemas.iter().any(Schema::is_free);
        let mut duplicates = duplicates(fields);
        for (name, value) in fields {
            let mut declared = self.children(&schemas, &format!("properties/{}", escape(name)));
            let payload = self.body.subject.iter().filter(|(subject, _)| path.is_empty() && name == subject);
            declared.extend(payload.map(|(_, payload)| payload.clone()));
            if declared.is_empty() {
                declared = self.children(&schemas, "additionalProperties");
            }
            if declared.is_empty() && is_free {
                self.twice_below(value.has_duplicates(), path, &schemas);
                continue;
            }
            let inner = joined(path, &if declared.is_empty() { shown(name) } else { name.clone() });
            if duplicates.remove(name.as_str()) {
                let what = "field occurs twice in one object";
                let pointer = declared.first().or(schemas.first().map(|schema| &schema.pointer));
                self.problems.push(Problem::new(Kind::NameTwice, &*inner, what, pointer.map_or("", |it| it)));
            }
            if declared.is_empty() {
                self.found(Kind::FieldUnknown, &inner, "unknown field", &schemas).kind = Some(value.kind());
                self.twice_below(value.has_duplicates(), &inner, &schemas);
            } else {
                self.visit(declared, value, &inner, &format!("{at}/{}", escape(name)));
            }
        }
        self.twice_below(!duplicates.is_empty(), path, &schemas);
    }

    /// What the contract says nothing of has names, which are not shown.
    fn twice_below(&mut self, is_so: bool, path: &str, schemas: &[Schema<'_>]) {
        if is_so {
            self.found(Kind::NameTwice, path, "an object in it has a field twice", schemas);
        }
    }

    /// Values of open enums, which no keyword of JSON Schema tells.
    fn text(&mut self, schemas: &[Schema<'a>], text: &str, path: &str) {
        let mut enums = schemas.iter().filter(|schema| schema.node.get("x-extensible-enum").is_some()).peekable();
        let first = enums.peek().copied();
        let is_named = enums.any(|schema| strings(&schema.node["x-extensible-enum"]).iter().any(|value| value == text));
        if let Some(schema) = first.filter(|_| !is_named) {
            let what = match self.names_values {
                true => format!("`{text}` is a value that the contract does not name"),
                false => format!("value not named by {}", schema.name()),
            };
            self.found(Kind::ValueUnknown, path, what, std::slice::from_ref(schema));
        }
    }

    /// Formats of integers, and integers with a fraction of zero, which JSON Schema takes and the client does not.
    fn number(&mut self, schemas: &[Schema<'a>], number: &Number, path: &str, kind: &'static str) {
        let takes = |kinds: &[&str]| schemas.iter().any(|schema| kinds.contains(&schema.kind()));
        if !takes(&["integer"]) || takes(&["number", ""]) {
            return;
        }
        if number.is_f64() && number.as_f64().is_some_and(|number| number.fract() == 0.0) {
            self.found(Kind::TypeDiffers, path, "must be integer", schemas).kind = Some(kind);
        }
        let mut formats = schemas.iter().map(|schema| text_of(schema.node, "format"));
        if let Some(format) = formats.find(|format| !fits(number, format)) {
            self.found(Kind::FormatDiffers, path, format!("number is not an {format}"), schemas);
        }
    }

    /// The event of a delivery: its name must be in the catalogue.
    fn event(&mut self, delivery: &Value) {
        let mut has_event = false;
        let fields = self.contract.event_fields();
        let paths: Vec<String> = fields.iter().map(|pointer| pointer[1..].replace('/', ".")).collect();
        for (path, pointer) in paths.iter().zip(&fields) {
            let Some(name) = delivery.pointer(pointer).and_then(Value::as_str) else { continue };
            has_event = true;
            if self.contract.document.pointer(&format!("{EVENTS}/{}", escape(name))).is_none() {
                let what = "value not named by the webhook events";
                self.problems.push(Problem::new(Kind::ValueUnknown, path.as_str(), what, EVENTS));
            }
        }
        if let Some((first, others)) = paths.split_first().filter(|_| !has_event && delivery.is_object()) {
            let others: String = others.iter().map(|path| format!(" nor in `{path}`")).collect();
            self.problems.push(Problem::new(
                Kind::FieldMissing,
                first.as_str(),
                format!("no event, neither here{others}"),
                ENVELOPE,
            ));
        }
    }

    /// A validation error, in words without values.
    fn explain(&mut self, error: &ValidationError<'_>) {
        let at = error.instance_path().to_string();
        let Some(Place { path, schemas, kind }) = self.place(&at) else { return };
        if kind == "null" {
            if !self.problems.iter().any(|problem| problem.id == Kind::NullUnexpected && problem.path == path) {
                self.found(Kind::NullUnexpected, &path, "null, but not nullable", &schemas);
            }
            return;
        }
        let (id, what) = match error.kind() {
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                let is_other_type = |error: &ValidationError<'_>| {
                    matches!(error.kind(), ValidationErrorKind::Type { .. }) && error.instance_path().to_string() == at
                };
                let of_this_type: Vec<_> = context.iter().filter(|errors| !errors.iter().any(is_other_type)).collect();
                match of_this_type.as_slice() {
                    [] => return self.other_type(&path, kind, &schemas),
                    [errors] => return errors.iter().for_each(|error| self.explain(error)),
                    several => (Kind::AlternativesDiffer, format!("fits none of {} alternatives", several.len())),
                }
            }
            ValidationErrorKind::Type { .. } => return self.other_type(&path, kind, &schemas),
            ValidationErrorKind::Required { property } => {
                let path = joined(&path, property.as_str().unwrap_or_default());
                self.found(Kind::FieldMissing, &path, "required field is missing", &schemas);
                return;
            }
            ValidationErrorKind::Format { format } => (Kind::FormatDiffers, format!("{kind} is not a {format}")),
            ValidationErrorKind::Pattern { .. } => {
                let schema = schemas.iter().find(|schema| schema.node.get("pattern").is_some());
                let name = schema.map_or("the contract", Schema::name);
                (Kind::FormatDiffers, format!("{kind} does not match the pattern of {name}"))
            }
            // Found by the walk, with the names.
            ValidationErrorKind::AdditionalProperties { .. } => return,
            other => (Kind::BoundsDiffer, format!("{kind} does not fit `{}`", other.keyword())),
        };
        self.found(id, &path, what, &schemas);
    }

    fn other_type(&mut self, path: &str, kind: &'static str, schemas: &[Schema<'_>]) {
        let kinds: BTreeSet<&str> = schemas.iter().map(Schema::kind).filter(|kind| !kind.is_empty()).collect();
        let what = format!("must be {}", kinds.into_iter().collect::<Vec<_>>().join(" or "));
        self.found(Kind::TypeDiffers, path, what, schemas).kind = Some(kind);
    }

    /// The place at a pointer, or the nearest one around it.
    fn place(&self, at: &str) -> Option<Place<'a>> {
        let Place { path, schemas, kind } = around(at).find_map(|at| self.places.get(at))?;
        Some(Place { path: path.clone(), schemas: schemas.clone(), kind })
    }

    /// The schemas below schemas.
    fn children(&self, schemas: &[Schema<'_>], below: &str) -> Vec<String> {
        let pointers = schemas.iter().map(|schema| format!("{}/{below}", schema.pointer));
        pointers.filter(|pointer| self.contract.at(pointer).is_object()).collect()
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether an integer fits a format of OpenAPI; any does that has no bounds.
fn fits(number: &Number, format: &str) -> bool {
    match format {
        "int32" => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "uint32" => number.as_u64().is_some_and(|number| u32::try_from(number).is_ok()),
        "int64" => number.is_f64() || number.is_i64(),
        "uint64" => number.is_f64() || number.is_u64(),
        _ => true,
    }
}

/// The name of a field, unless it may be data: an object may have ids, phone numbers or addresses for names.
fn shown(name: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "_-$.".contains(character);
    let digits = name.chars().filter(char::is_ascii_digit).count();
    if !name.is_empty() && name.chars().all(is_plain) && name.len() <= LONGEST_NAME && digits <= MOST_DIGITS {
        return name.to_owned();
    }
    format!("<name of {} characters>", name.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_be_data_are_not_shown() {
        for name in ["settled_by", "address_line_2", "X-Trace", "$ref", "v2.total"] {
            assert_eq!(shown(name), name);
        }
        let hidden = ["+256700000000", "a@example.com", "f530533e-3761-4cde-9c9d-88c5be6493bb", "two words", "", "é"];
        for name in hidden {
            assert_eq!(shown(name), format!("<name of {} characters>", name.chars().count()));
        }
    }
}
