//! One body against its schema. Problems name paths, types and schemas, and no values.
//!
//! `jsonschema` validates what the schema says. Responses allow additional properties and unknown values of open enums, so
//! that a client accepts them; both are looked for here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde_json::Value;

use super::{
    examples::{Body, ENVELOPE, Validators},
    json::{Json, duplicates},
};
use crate::{
    contract::{Contract, escape, strings, text_of},
    report::Kind,
};

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
    pub(crate) advice: &'static str,
    /// Where the contract says otherwise.
    pub(crate) pointer: String,
}

/// A place in a body: its path, and the schemas in the contract that it has to fit.
struct Place {
    path: String,
    schemas: Vec<String>,
    kind: &'static str,
}

pub(crate) struct Conformance<'a> {
    contract: &'a Contract,
    validators: Validators<'a>,
}

impl<'a> Conformance<'a> {
    pub(crate) fn new(contract: &'a Contract) -> Self {
        Self { contract, validators: Validators::new(contract) }
    }

    /// The body of an operation's response with this status, of a 2xx response without one; `None` when the contract has no
    /// such response, or no JSON for it.
    pub(crate) fn response(&self, operation: &str, status: Option<u16>) -> Option<Body> {
        let responses = format!("{operation}/responses");
        let documented = self.contract.at(&responses).as_object()?;
        let key = match status {
            None => documented.keys().find(|key| key.starts_with('2'))?.clone(),
            Some(status) => {
                let keys = [status.to_string(), format!("{}XX", status / 100), "default".to_owned()];
                keys.into_iter().find(|key| documented.contains_key(key))?
            }
        };
        let response = self.contract.resolve(&format!("{responses}/{}", escape(&key)));
        let media = self.contract.at(&response)["content"].as_object()?.keys().find(|media| media.contains("json"))?;
        let pointer = format!("{response}/content/{}/schema", escape(media));
        self.contract.document.pointer(&pointer).map(|_| Body { pointer, data: None })
    }

    /// The body of a webhook delivery, by the event that it names.
    pub(crate) fn delivery(&self, json: &Json) -> Body {
        Body::of_delivery(self.contract, &json.to_value())
    }

    /// Everything that is wrong with a body.
    pub(crate) fn problems(&mut self, body: &Body, json: &Json) -> Result<Vec<Problem>> {
        let mut walk = Walk { contract: self.contract, body, places: BTreeMap::new(), problems: Vec::new() };
        walk.visit(vec![body.pointer.clone()], json, "", "");
        if body.pointer == ENVELOPE {
            walk.event(json);
        }
        let validator = self.validators.get(body)?;
        for error in validator.iter_errors(&json.to_value()) {
            walk.explain(&error);
        }
        Ok(walk.problems)
    }
}

struct Walk<'a> {
    contract: &'a Contract,
    body: &'a Body,
    /// By JSON pointer in the body: every place that the contract describes.
    places: BTreeMap<String, Place>,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn visit(&mut self, pointers: Vec<String>, json: &Json, path: &str, at: &str) {
        let mut schemas = Vec::new();
        for pointer in pointers {
            self.expand(pointer, 0, &mut schemas);
        }
        self.value(&schemas, json, path);
        match json {
            Json::Object(fields) => self.object(&schemas, fields, path, at),
            Json::Array(items) => {
                let inner: Vec<String> = schemas.iter().filter_map(|schema| self.child(schema, "items")).collect();
                let path_of_items = format!("{path}[]");
                if inner.is_empty() {
                    self.unknown_part(json, path, &schemas);
                } else {
                    for (index, item) in items.iter().enumerate() {
                        self.visit(inner.clone(), item, &path_of_items, &format!("{at}/{index}"));
                    }
                }
            }
            Json::Scalar(_) => {}
        }
        self.places.insert(at.to_owned(), Place { path: path.to_owned(), schemas, kind: json.kind() });
    }

    fn object(&mut self, schemas: &[String], fields: &[(String, Json)], path: &str, at: &str) {
        let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let takes_objects = |schema: &&String| {
            let kind = text_of(self.contract.at(schema), "type");
            kind == "object" || kind.is_empty()
        };
        let schemas: Vec<String> = schemas.iter().filter(takes_objects).cloned().collect();
        let is_free = schemas.is_empty() || schemas.iter().any(|schema| self.is_free(schema));
        let mut duplicates = duplicates(fields);
        for (name, value) in fields {
            let mut declared: Vec<String> = schemas
                .iter()
                .filter_map(|schema| self.child(schema, &format!("properties/{}", escape(name))))
                .collect();
            if path.is_empty() && name == "data" {
                declared.extend(self.body.data.clone());
            }
            if declared.is_empty() {
                declared = schemas.iter().filter_map(|schema| self.child(schema, "additionalProperties")).collect();
            }
            if !declared.is_empty() {
                if duplicates.remove(name.as_str()) {
                    self.duplicate(inner(name), &declared);
                }
                self.visit(declared, value, &inner(name), &format!("{at}/{}", escape(name)));
            } else if is_free {
                self.unknown_part(value, path, &schemas);
            } else {
                if duplicates.remove(name.as_str()) {
                    self.duplicate(inner(&shown(name)), &schemas);
                }
                self.problems.push(Problem {
                    id: Kind::FieldUnknown,
                    path: inner(&shown(name)),
                    what: "unknown field".to_owned(),
                    kind: Some(value.kind()),
                    advice: Kind::FieldUnknown.advice(),
                    pointer: schemas.first().cloned().unwrap_or_default(),
                });
                self.unknown_part(value, &inner(&shown(name)), &schemas);
            }
        }
        if !duplicates.is_empty() {
            self.duplicate_below(path, &schemas);
        }
    }

    /// What the contract says nothing of has names, which are not shown.
    fn unknown_part(&mut self, json: &Json, path: &str, schemas: &[String]) {
        if json.has_duplicates() {
            self.duplicate_below(path, schemas);
        }
    }

    fn duplicate(&mut self, path: String, schemas: &[String]) {
        self.found(Kind::NameTwice, path, "field occurs twice in one object", None, schemas);
    }

    fn duplicate_below(&mut self, path: &str, schemas: &[String]) {
        self.found(Kind::NameTwice, path.to_owned(), "an object in it has a field twice", None, schemas);
    }

    fn found(
        &mut self,
        id: Kind,
        path: String,
        what: impl Into<String>,
        kind: Option<&'static str>,
        schemas: &[String],
    ) {
        let advice = match id {
            Kind::FieldMissing => "make the field optional in the contract, or report the response to Piaxis",
            Kind::TypeDiffers => "correct the contract, or report the response to Piaxis",
            _ => id.advice(),
        };
        self.problems.push(Problem {
            id,
            path,
            what: what.into(),
            kind,
            advice,
            pointer: schemas.first().cloned().unwrap_or_default(),
        });
    }

    /// What no keyword of JSON Schema says: values of open enums, and formats of integers.
    fn value(&mut self, schemas: &[String], json: &Json, path: &str) {
        let Json::Scalar(value) = json else { return };
        if let Some(text) = value.as_str() {
            let enums = schemas.iter().filter(|schema| self.contract.at(schema).get("x-extensible-enum").is_some());
            let enums: Vec<String> = enums.cloned().collect();
            let is_named = |schema: &String| {
                strings(&self.contract.at(schema)["x-extensible-enum"]).iter().any(|value| value == text)
            };
            if let (Some(schema), false) = (enums.first(), enums.iter().any(is_named)) {
                self.problems.push(Problem {
                    id: Kind::ValueUnknown,
                    path: path.to_owned(),
                    what: format!("value not named by {}", self.name(schema)),
                    kind: None,
                    advice: "add the value to `x-extensible-enum` in the contract; the file has it",
                    pointer: schema.clone(),
                });
            }
        }
        if let Value::Number(number) = value {
            let mut kinds = schemas.iter().map(|schema| text_of(self.contract.at(schema), "type"));
            if !kinds.any(|kind| kind == "integer") || schemas.iter().any(|schema| self.takes_any_number(schema)) {
                return;
            }
            // JSON Schema takes 5.0 for an integer; the client does not.
            if number.as_f64().is_some_and(|number| number.fract() == 0.0) && number.is_f64() {
                self.found(Kind::TypeDiffers, path.to_owned(), "must be integer", Some(json.kind()), schemas);
            }
            let formats = schemas.iter().map(|schema| text_of(self.contract.at(schema), "format"));
            let misfit = formats.clone().find(|format| !fits(number, format));
            if let Some(format) = misfit.map(str::to_owned) {
                self.found(Kind::FormatDiffers, path.to_owned(), format!("number is not an {format}"), None, schemas);
            }
        }
    }

    fn takes_any_number(&self, schema: &str) -> bool {
        let kind = text_of(self.contract.at(schema), "type");
        kind == "number" || kind.is_empty()
    }

    /// The event of a delivery: its name must be in the catalogue.
    fn event(&mut self, json: &Json) {
        let value = json.to_value();
        let events = "/x-piaxis-webhooks/events".to_owned();
        let named = [("event", &value["event"]), ("data.event", &value["data"]["event"])];
        let mut has_event = false;
        for (path, name) in named {
            let Some(name) = name.as_str() else { continue };
            has_event = true;
            if self.contract.document.pointer(&format!("{events}/{}", escape(name))).is_none() {
                self.problems.push(Problem {
                    id: Kind::ValueUnknown,
                    path: path.to_owned(),
                    what: "value not named by the webhook events".to_owned(),
                    kind: None,
                    advice: "add the event to `x-piaxis-webhooks` in the contract; the file has it",
                    pointer: events.clone(),
                });
            }
        }
        if !has_event && value.is_object() {
            let what = "no event, neither here nor in `data.event`";
            self.found(Kind::FieldMissing, "event".to_owned(), what, None, &[ENVELOPE.to_owned()]);
        }
    }

    /// A validation error, in words without values.
    fn explain(&mut self, error: &ValidationError<'_>) {
        let at = error.instance_path().to_string();
        let Some((path, schemas, kind)) = self.place(&at) else { return };
        let keyword = error.kind().keyword().to_owned();
        if kind == "null" {
            if !self.problems.iter().any(|problem| problem.id == Kind::NullUnexpected && problem.path == path) {
                self.found(Kind::NullUnexpected, path, "null, but not nullable", None, &schemas);
            }
            return;
        }
        match error.kind() {
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                let is_other_type = |error: &ValidationError<'_>| {
                    matches!(error.kind(), ValidationErrorKind::Type { .. }) && error.instance_path().to_string() == at
                };
                let of_this_type: Vec<_> = context.iter().filter(|errors| !errors.iter().any(is_other_type)).collect();
                match of_this_type.as_slice() {
                    [] => self.other_type(path, kind, &schemas),
                    [errors] => errors.iter().for_each(|error| self.explain(error)),
                    several => {
                        let what = format!("fits none of {} alternatives", several.len());
                        self.found(Kind::AlternativesDiffer, path, what, None, &schemas);
                    }
                }
            }
            ValidationErrorKind::Type { .. } => self.other_type(path, kind, &schemas),
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                self.found(Kind::FieldMissing, path, "required field is missing", None, &schemas);
            }
            ValidationErrorKind::Format { format } => {
                self.found(Kind::FormatDiffers, path, format!("{kind} is not a {format}"), None, &schemas);
            }
            ValidationErrorKind::Pattern { .. } => {
                let name = schemas.iter().find(|schema| self.contract.at(schema).get("pattern").is_some());
                let name = name.map_or_else(|| "the contract".to_owned(), |schema| self.name(schema));
                self.found(
                    Kind::FormatDiffers,
                    path,
                    format!("{kind} does not match the pattern of {name}"),
                    None,
                    &schemas,
                );
            }
            // Found by the walk, with the names.
            ValidationErrorKind::AdditionalProperties { .. } => {}
            _ => self.found(Kind::BoundsDiffer, path, format!("{kind} does not fit `{keyword}`"), None, &schemas),
        }
    }

    fn other_type(&mut self, path: String, kind: &'static str, schemas: &[String]) {
        let kinds: BTreeSet<&str> = schemas
            .iter()
            .map(|schema| text_of(self.contract.at(schema), "type"))
            .filter(|kind| !kind.is_empty())
            .collect();
        let kinds: Vec<&str> = kinds.into_iter().collect();
        self.found(Kind::TypeDiffers, path, format!("must be {}", kinds.join(" or ")), Some(kind), schemas);
    }

    /// The place at a pointer, or the nearest one around it.
    fn place(&self, at: &str) -> Option<(String, Vec<String>, &'static str)> {
        let mut at = at;
        loop {
            if let Some(place) = self.places.get(at) {
                return Some((place.path.clone(), place.schemas.clone(), place.kind));
            }
            at = &at[..at.rfind('/')?];
        }
    }

    /// Follows references and combinations to the schemas that say something themselves.
    fn expand(&self, pointer: String, depth: usize, found: &mut Vec<String>) {
        let schema = self.contract.at(&pointer);
        if depth > 32 {
            return;
        }
        if let Some(target) = text_of(schema, "$ref").strip_prefix('#') {
            return self.expand(target.to_owned(), depth + 1, found);
        }
        let mut is_combined = false;
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for index in 0..schema[keyword].as_array().map_or(0, Vec::len) {
                is_combined = true;
                self.expand(format!("{pointer}/{keyword}/{index}"), depth + 1, found);
            }
        }
        let says = ["type", "properties", "items", "x-extensible-enum"];
        if !is_combined || says.iter().any(|keyword| schema.get(keyword).is_some()) {
            found.push(pointer);
        }
    }

    /// A schema that takes any object.
    fn is_free(&self, schema: &str) -> bool {
        let schema = self.contract.at(schema);
        !["properties", "items", "x-extensible-enum"].iter().any(|keyword| schema.get(keyword).is_some())
            && !schema["additionalProperties"].is_object()
    }

    /// The schema below a schema; `None` when the contract has none.
    fn child(&self, schema: &str, below: &str) -> Option<String> {
        let pointer = format!("{schema}/{below}");
        self.contract.document.pointer(&pointer).filter(|child| child.is_object()).map(|_| pointer)
    }

    /// The name of the schema that a pointer leads into.
    fn name(&self, pointer: &str) -> String {
        let named = pointer.strip_prefix("/components/schemas/").and_then(|rest| rest.split('/').next());
        named.unwrap_or("the contract").to_owned()
    }
}

/// Whether an integer fits a format of OpenAPI; any does that has no bounds.
fn fits(number: &serde_json::Number, format: &str) -> bool {
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
