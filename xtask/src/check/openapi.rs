//! The backend's own `/openapi.json` as a source: FastAPI's document, read into the facts that a page would state.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    compare::{array, object},
    document::{Document, Section, Text},
    extract::{Extracted, Part, Puzzle},
    fact::{Direction, Fact, Field, List, Stated},
    fetch,
};
use crate::contract::{Contract, Found, Operation, escape, load, strings, text_of};
use crate::report::DocPlace;

/// Name of the source, as the contract has it.
pub(super) const PAGE: &str = "backend";
/// Paths below this are public; the rest serves the web application.
const PREFIX: &str = "/api";
const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "PATCH"];

/// How deep fields of fields are followed.
const DEEPEST: usize = 8;

pub(crate) fn read(address: &str, contract: &Contract) -> Result<(Document, Extracted)> {
    let no_document = || format!("{address} is not the backend's /openapi.json");
    let document = match address.contains("://") {
        true => load::text(address, fetch::download(address)?).and_then(|text| load::document(address, &text)),
        false => load::file(Path::new(address), address),
    };
    let backend = document.and_then(Contract::of).with_context(no_document)?;
    extract(&backend, contract).with_context(no_document)
}

fn extract(backend: &Contract, contract: &Contract) -> Result<(Document, Extracted)> {
    ensure!(text_of(&backend.document, "openapi").starts_with("3."), "it is no OpenAPI 3 document");
    let mut reader = Reader { backend, contract, found: Extracted::default(), claims: BTreeSet::new() };
    let private = strings(&contract.document["x-piaxis-private-routes"]);
    for operation in &backend.operations {
        let (method, path) = operation.name.split_once(' ').unwrap_or_default();
        let Some(path) = path.strip_prefix(PREFIX).filter(|path| path.starts_with('/')) else { continue };
        let name = format!("{method} {path}");
        if METHODS.contains(&method) && !private.contains(&name) {
            reader.operation(name, &operation.pointer);
        }
    }
    ensure!(reader.found.sections() > 0, "no path of it begins with {PREFIX}/");
    let section = |part: &Part| {
        let title = Text { plain: part.heading.clone(), code: vec![part.heading.clone()], strong: Vec::new() };
        Section { title, line: part.line, ..Section::default() }
    };
    let sections = reader.found.parts.iter().map(section).collect();
    Ok((Document { name: PAGE.to_owned(), sections }, reader.found))
}

/// One side of an operation of the contract.
#[derive(Clone, Copy)]
struct Side<'a> {
    operation: &'a Operation,
    direction: Direction,
}

impl Side<'_> {
    fn field(self, path: &str) -> Field {
        Field::new(&self.operation.name, self.direction, path)
    }
}

struct Reader<'a> {
    backend: &'a Contract,
    contract: &'a Contract,
    found: Extracted,
    /// What was stated already. A component that several operations share makes each of its claims once, unless the
    /// contract has different schemas there.
    claims: BTreeSet<(String, String)>,
}

impl<'a> Reader<'a> {
    fn operation(&mut self, name: String, pointer: &str) {
        let item = pointer.rsplit_once('/').map_or("", |(item, _)| item);
        let (heading, operation, line) = (name.clone(), Some(name.clone()), self.backend.line(item));
        let is_understood = self.backend.at(pointer).is_object();
        self.found.parts.push(Part { heading, line, operation, is_understood, ..Part::default() });
        self.state(Fact::Operation(name.clone()));
        if !is_understood {
            return self.puzzle("the operation is no object");
        }
        // The missing operation is the finding; its parts would only repeat it.
        let Some(known) = self.contract.operation(&name) else { return };
        // From here on by the contract's name; names of path parameters make no difference.
        let request = Side { operation: known, direction: Direction::Request };
        let response = Side { direction: Direction::Response, ..request };
        for holder in [item, pointer] {
            for at in 0..array(&self.backend.at(holder)["parameters"]).count() {
                let parameter = self.resolve(&format!("{holder}/parameters/{at}"));
                self.parameter(request, &parameter);
            }
        }
        for (kind, schema) in self.content(&format!("{pointer}/requestBody")) {
            if kind.contains("json") {
                self.fields(request, &schema, "", &mut Vec::new());
            } else if kind.contains("form") {
                self.form(request, &schema);
            } else {
                self.puzzle(&format!("a body of the kind `{kind}`"));
            }
        }
        // The generated 422s are no statement about the operation.
        let success = object(&self.backend.at(pointer)["responses"]).find(|(status, _)| status.starts_with('2'));
        if let Some((status, _)) = success {
            let content = self.content(&format!("{pointer}/responses/{}", escape(status)));
            for (_, schema) in content.iter().filter(|(kind, _)| kind.contains("json")) {
                self.fields(response, schema, "", &mut Vec::new());
            }
        }
    }

    /// The media types of a body, and where their schemas are.
    fn content(&mut self, body: &str) -> Vec<(&'a str, String)> {
        let body = self.resolve(body);
        let kinds = object(&self.backend.at(&body)["content"]).map(|(kind, _)| kind.as_str());
        kinds.map(|kind| (kind, format!("{body}/content/{}/schema", escape(kind)))).collect()
    }

    fn parameter(&mut self, request: Side<'a>, pointer: &str) {
        let parameter = self.backend.at(pointer);
        let (name, operation) = (text_of(parameter, "name").to_owned(), request.operation.name.clone());
        match (text_of(parameter, "in"), parameter["required"] == true) {
            ("query", _) => {
                self.values(request, &name, &format!("{pointer}/schema"));
                self.state(Fact::Parameter(operation, name));
            }
            ("header", true) => self.state(Fact::RequiredHeader(operation, name)),
            ("header", false) if self.claims.insert((String::new(), name.to_lowercase())) => {
                self.state(Fact::Listed(List::Header, name));
            }
            _ => {}
        }
    }

    /// The schema of a form is only wrapping that FastAPI makes up (`Body_…`); what counts is the names in it.
    fn form(&mut self, request: Side<'a>, schema: &str) {
        let parts = self.parts(schema).into_iter();
        let names: BTreeSet<&str> =
            parts.flat_map(|part| object(&self.backend.at(&part)["properties"])).map(|(name, _)| &**name).collect();
        let pointers = self.contract.parameters(request.operation);
        let known: Vec<&str> = pointers.iter().map(|pointer| text_of(self.contract.at(pointer), "name")).collect();
        for name in names {
            self.state(match known.contains(&name) {
                true => Fact::Parameter(request.operation.name.clone(), name.to_owned()),
                false => Fact::Field(request.field(name)),
            });
        }
    }

    /// States the fields below a schema. `above` are the schemas on the way to it, against endless recursion.
    fn fields(&mut self, side: Side<'a>, schema: &str, prefix: &str, above: &mut Vec<String>) {
        for part in self.parts(schema) {
            if above.len() > DEEPEST || above.contains(&part) {
                continue;
            }
            above.push(part.clone());
            let schema = self.backend.at(&part);
            if schema.get("items").is_some() {
                let (path, items) = (format!("{prefix}[]"), format!("{part}/items"));
                // A list in place of an object is one claim; elsewhere the field that holds the list is stated.
                if !prefix.is_empty() || self.is_known(side, &path) {
                    self.fields(side, &items, &path, above);
                } else if self.parts(&items).iter().any(|part| has_fields(self.backend.at(part))) {
                    self.state(Fact::Field(side.field(&path)));
                }
            }
            for (name, _) in object(&schema["properties"]) {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                let property = format!("{part}/properties/{}", escape(name));
                if self.claims.insert((property.clone(), self.container(side, prefix))) {
                    self.state(Fact::Field(side.field(&path)));
                    self.values(side, &path, &property);
                    let needed = array(&schema["required"]).any(|required| required == name.as_str());
                    if side.direction == Direction::Request && needed {
                        self.state(Fact::Required(side.field(&path)));
                    }
                }
                // What is inside a field that the contract lacks would only repeat that.
                if self.is_known(side, &path) {
                    self.fields(side, &property, &path, above);
                }
            }
            above.pop();
        }
    }

    /// States the types and the named values of a field or parameter.
    fn values(&mut self, side: Side<'a>, path: &str, schema: &str) {
        let (mut kinds, mut values, mut is_typed) = (BTreeSet::new(), BTreeSet::new(), true);
        for part in self.parts(schema) {
            let part = self.backend.at(&part);
            let constant = part.get("const").into_iter();
            values.extend(array(&part["enum"]).chain(constant).filter_map(Value::as_str));
            kinds.extend(part["type"].as_str().into_iter().chain(array(&part["type"]).filter_map(Value::as_str)));
            is_typed &= part["type"].is_string() || part["type"].is_array();
        }
        if is_typed && !kinds.is_empty() {
            let kind = kinds.into_iter().collect::<Vec<_>>().join("|");
            self.state(Fact::Type(side.field(path), kind));
        }
        for value in values {
            // One open enum of the contract learns a value once, wherever it comes.
            let parameters = self.contract.parameters(side.operation).into_iter();
            let mut query = parameters.filter(|pointer| text_of(self.contract.at(pointer), "name") == path);
            let place = match (query.next_back(), self.contract.field(side.operation, side.direction, path)) {
                (Some(pointer), _) => self.contract.resolve(&format!("{pointer}/schema")),
                (None, Found::Field { pointer }) => self.contract.resolve(&pointer),
                (None, Found::Free | Found::Nothing) => format!("{} {path}", side.operation.name),
            };
            if self.claims.insert((value.to_owned(), place)) {
                self.state(Fact::Value(side.field(path), value.to_owned()));
            }
        }
    }

    /// Whether the contract has fields to compare with there.
    fn is_known(&self, side: Side<'_>, path: &str) -> bool {
        matches!(self.contract.field(side.operation, side.direction, path), Found::Field { .. })
    }

    /// Where the contract declares what holds the fields of this prefix.
    fn container(&self, side: Side<'_>, prefix: &str) -> String {
        let Some(body) = self.contract.body(side.operation, side.direction) else { return String::new() };
        if prefix.is_empty() {
            return self.contract.resolve(&body);
        }
        match self.contract.field(side.operation, side.direction, prefix) {
            Found::Field { pointer } => {
                let last = prefix.rsplit('.').next().unwrap_or_default();
                let inner = |pointer: String, _| self.contract.resolve(&format!("{pointer}/items"));
                last.matches("[]").fold(self.contract.resolve(&pointer), inner)
            }
            Found::Free | Found::Nothing => body,
        }
    }

    fn resolve(&mut self, pointer: &str) -> String {
        let resolved = self.backend.resolve(pointer);
        self.expect(pointer, &resolved);
        resolved
    }

    /// The schemas that say something of a value.
    fn parts(&mut self, schema: &str) -> Vec<String> {
        let parts = self.backend.parts(schema);
        parts.iter().for_each(|part| self.expect(schema, part));
        parts
    }

    /// A reference that leads nowhere is not understood.
    fn expect(&mut self, from: &str, target: &str) {
        let node = self.backend.at(target);
        if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
            self.puzzle(&format!("`{reference}` leads nowhere"));
        } else if from != target && node.is_null() {
            self.puzzle(&format!("`#{target}` leads nowhere"));
        }
    }

    /// The place of the operation that is read.
    fn place(&self) -> DocPlace {
        let (heading, line) = self.found.parts.last().map(|it| (it.heading.clone(), it.line)).unwrap_or_default();
        DocPlace { page: PAGE.to_owned(), heading, anchor: String::new(), line }
    }

    fn state(&mut self, fact: Fact) {
        let place = self.place();
        self.found.facts.push(Stated { fact, place });
    }

    fn puzzle(&mut self, message: &str) {
        let puzzle = Puzzle { message: message.to_owned(), place: self.place() };
        if !self.found.puzzles.iter().any(|other| other.message == puzzle.message) {
            self.found.puzzles.push(puzzle);
        }
    }
}

fn has_fields(schema: &Value) -> bool {
    schema.get("properties").is_some() || schema.get("items").is_some()
}
