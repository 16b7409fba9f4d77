//! What the extractor must know of the API to tell what a heading, a sentence or an example is about.

use std::collections::{BTreeMap, BTreeSet};

use super::names::host_and_path;
use crate::{
    check::fact::{Direction, Field},
    contract::{Contract, array, object, strings, text_of, unnamed},
};

#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    pub(super) shapes: Vec<Shape>,
    /// Groups of operations in the singular, such as `escrow disbursement`, with method name and operation of each.
    pub(super) resources: BTreeMap<String, Vec<(String, String)>>,
    /// Hosts of the servers.
    pub(super) hosts: BTreeSet<String>,
    /// Paths of the servers, such as `/api`.
    pub(super) bases: BTreeSet<String>,
    /// Types of terms, and where requests name one.
    pub(super) term_types: Vec<String>,
    pub(super) terms: BTreeSet<TermPlace>,
    /// Lists whose items name their kind.
    pub(super) lists_by_kind: BTreeSet<String>,
    /// Fields of the envelope of a webhook delivery.
    pub(super) envelope: BTreeSet<String>,
    /// What environment variables begin with.
    pub(super) variables: BTreeSet<String>,
    /// Operations without the names of their path parameters.
    operations: BTreeMap<String, String>,
    /// Paths of the fields and parameters of an operation.
    fields: BTreeMap<(String, Direction), BTreeMap<String, Known>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Known {
    /// A field with named values.
    Enum,
    Text,
    Other,
    Parameter,
}

/// Top-level keys of one side of an operation.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) operation: String,
    pub(super) direction: Direction,
    pub(super) keys: BTreeSet<String>,
}

/// Where a request names the type of a term.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TermPlace {
    /// The list of new terms; empty where the request meets a term.
    pub(super) list: String,
    pub(super) type_key: String,
    /// Holds what a term of the type takes.
    pub(super) data_key: String,
}

impl Knowledge {
    pub(crate) fn of(contract: &Contract) -> Self {
        let (type_pointer, term_types) = contract.term_types();
        let mut knowledge = Self { term_types, ..Self::default() };
        for operation in &contract.operations {
            knowledge.operations.insert(unnamed(&operation.name), operation.name.clone());
            for direction in [Direction::Request, Direction::Response] {
                let known = contract.fields(operation, direction);
                if contract.body(operation, direction).is_some() {
                    let keys = known.iter().map(|(path, _)| path).filter(|path| !path.contains(['.', '[']));
                    let keys = keys.cloned().collect();
                    knowledge.shapes.push(Shape { operation: operation.name.clone(), direction, keys });
                }
                if direction == Direction::Request {
                    knowledge.terms.extend(term_places(contract, &known, &type_pointer));
                }
                let fields = knowledge.fields.entry((operation.name.clone(), direction)).or_default();
                fields.extend(known.into_iter().map(|(path, pointer)| (path, known_at(contract, &pointer))));
            }
            let fields = knowledge.fields.entry((operation.name.clone(), Direction::Request)).or_default();
            for pointer in contract.parameters(operation) {
                let name = text_of(contract.at(&pointer), "name").to_owned();
                fields.entry(name).or_insert_with(|| match known_at(contract, &format!("{pointer}/schema")) {
                    Known::Enum => Known::Enum,
                    _ => Known::Parameter,
                });
            }
            let tag = contract.at(&operation.pointer)["tags"][0].as_str().unwrap_or_default();
            let method = operation.id.strip_prefix(&format!("{tag}_")).unwrap_or(&operation.id).to_owned();
            let name = tag.replace('_', " ").trim_end_matches('s').to_owned();
            knowledge.resources.entry(name).or_default().push((method, operation.name.clone()));
        }
        for server in array(&contract.document["servers"]) {
            let (host, path) = host_and_path(text_of(server, "url"));
            knowledge.hosts.insert(host.to_owned());
            knowledge.bases.insert(format!("/{path}"));
        }
        knowledge.lists_by_kind = contract.lists_by_kind().into_iter().map(|found| found.list).collect();
        let envelope = object(contract.at("/x-piaxis-webhooks/schema/properties"));
        knowledge.envelope = envelope.map(|(name, _)| name.clone()).collect();
        let variables = object(&contract.document["x-piaxis-environment-variables"]);
        let names = variables.flat_map(|(_, variable)| strings(&variable["names"]));
        knowledge.variables = names.filter_map(|name| Some(format!("{}_", name.split_once('_')?.0))).collect();
        knowledge
    }

    pub(super) fn has(&self, operation: &str) -> bool {
        self.operations.contains_key(&unnamed(operation))
    }

    fn fields(&self, operation: &str, direction: Direction) -> Option<&BTreeMap<String, Known>> {
        self.fields.get(&(self.operations.get(&unnamed(operation))?.clone(), direction))
    }

    /// What is known of a field.
    pub(super) fn field(&self, field: &Field) -> Option<Known> {
        self.fields(&field.operation, field.direction)?.get(&field.path).copied()
    }

    /// The field that a sentence about an operation calls by its path, or by its last name if only one has it. The first
    /// direction is looked at first.
    pub(super) fn find(&self, operation: &str, name: &str, first: Direction) -> Option<Field> {
        let other = if first == Direction::Request { Direction::Response } else { Direction::Request };
        [first, other].into_iter().find_map(|direction| {
            let fields = self.fields(operation, direction)?;
            let mut same = fields.keys().filter(|path| path.rsplit('.').next() == Some(name));
            let path = match (fields.contains_key(name), same.next(), same.next()) {
                (true, ..) => name,
                (false, Some(only), None) => only,
                _ => return None,
            };
            Some(Field::new(operation, direction, path))
        })
    }

    /// Whether words may be listed as its values.
    pub(super) fn takes_values(&self, field: &Field) -> bool {
        matches!(self.field(field), Some(Known::Enum | Known::Text | Known::Parameter))
    }

    /// `/api/token` as `/token`.
    pub(super) fn without_base<'a>(&self, path: &'a str) -> &'a str {
        let below = |base: &String| path.strip_prefix(base.as_str()).filter(|rest| rest.starts_with('/'));
        self.bases.iter().find_map(below).unwrap_or(path)
    }
}

fn known_at(contract: &Contract, pointer: &str) -> Known {
    let schema = contract.at(&contract.resolve(pointer));
    match text_of(schema, "type") {
        _ if schema["x-extensible-enum"].is_array() => Known::Enum,
        "string" => Known::Text,
        _ => Known::Other,
    }
}

/// Free-form objects beside the type of a term.
fn term_places(contract: &Contract, fields: &[(String, String)], type_pointer: &str) -> BTreeSet<TermPlace> {
    let mut places = BTreeSet::new();
    for (path, _) in fields.iter().filter(|(_, pointer)| contract.resolve(pointer) == type_pointer) {
        let (around, type_key) = parted(path);
        let free = fields.iter().filter(|(_, pointer)| contract.is_free(&contract.resolve(pointer)));
        for (_, data_key) in free.map(|(path, _)| parted(path)).filter(|(other, _)| *other == around) {
            let list = around.rsplit('.').next().unwrap_or_default();
            let [list, type_key, data_key] = [list, type_key, data_key].map(str::to_owned);
            places.insert(TermPlace { list, type_key, data_key });
        }
    }
    places
}

/// The path around a field, and its own name.
fn parted(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}
