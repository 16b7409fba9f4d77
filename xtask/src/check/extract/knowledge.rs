//! What the extractor must know of the API to tell what a heading, a sentence or an example is about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    check::fact::{Direction, Field},
    contract::{Contract, strings, text_of, unnamed},
};

#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    pub(super) shapes: Vec<Shape>,
    pub(super) resources: Vec<Resource>,
    /// Hosts of the servers.
    pub(super) hosts: Vec<String>,
    /// Paths of the servers, such as `/api`.
    pub(super) bases: BTreeSet<String>,
    /// Values of `term_type`.
    pub(super) term_types: Vec<String>,
    /// What environment variables begin with.
    pub(super) variables: BTreeSet<String>,
    /// Operations without the names of their path parameters.
    operations: BTreeMap<String, String>,
    /// Paths of the fields and parameters of an operation, and whether the field has named values.
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

/// A group of operations, such as `escrow disbursement` with `create`, `list` …
#[derive(Debug)]
pub(super) struct Resource {
    /// In the singular, words parted by spaces.
    pub(super) name: String,
    /// Method name and operation.
    pub(super) methods: Vec<(String, String)>,
}

impl Knowledge {
    pub(crate) fn of(contract: &Contract) -> Self {
        let (mut knowledge, mut by_name) = (Self::default(), BTreeMap::new());
        for operation in &contract.operations {
            knowledge.operations.insert(unnamed(&operation.name), operation.name.clone());
            for direction in [Direction::Request, Direction::Response] {
                let known = contract.fields(operation, direction);
                let is_key = |path: &&str| !path.contains(['.', '[']);
                let keys = known.iter().map(|(path, _)| path.as_str()).filter(is_key).map(str::to_owned).collect();
                if contract.body(operation, direction).is_some() {
                    knowledge.shapes.push(Shape { operation: operation.name.clone(), direction, keys });
                }
                let fields = knowledge.fields.entry((operation.name.clone(), direction)).or_default();
                fields.extend(known.into_iter().map(|(path, pointer)| (path, known_at(contract, &pointer))));
            }
            for pointer in contract.parameters(operation) {
                let name = text_of(contract.at(&pointer), "name").to_owned();
                let fields = knowledge.fields.entry((operation.name.clone(), Direction::Request)).or_default();
                fields.entry(name).or_insert_with(|| match known_at(contract, &format!("{pointer}/schema")) {
                    Known::Enum => Known::Enum,
                    _ => Known::Parameter,
                });
            }
            let tag = contract.at(&operation.pointer)["tags"][0].as_str().unwrap_or_default();
            let method = operation.id.strip_prefix(&format!("{tag}_")).unwrap_or(&operation.id).to_owned();
            let name = tag.replace('_', " ").trim_end_matches('s').to_owned();
            let method = (method, operation.name.clone());
            let at = *by_name.entry(name.clone()).or_insert(knowledge.resources.len());
            match knowledge.resources.get_mut(at) {
                Some(resource) => resource.methods.push(method),
                None => knowledge.resources.push(Resource { name, methods: vec![method] }),
            }
        }
        for server in contract.document["servers"].as_array().into_iter().flatten() {
            let (host, path) = host_and_path(text_of(server, "url"));
            knowledge.hosts.push(host.to_owned());
            knowledge.bases.insert(format!("/{path}"));
        }
        knowledge.term_types = strings(&contract.document["components"]["schemas"]["TermType"]["x-extensible-enum"]);
        let variables = contract.document["x-piaxis-environment-variables"].as_object().into_iter().flatten();
        let names = variables.flat_map(|(_, variable)| strings(&variable["names"]));
        knowledge.variables = names.filter_map(|name| Some(format!("{}_", name.split_once('_')?.0))).collect();
        knowledge
    }

    /// Whether the contract has the operation; names of path parameters make no difference.
    pub(super) fn has(&self, operation: &str) -> bool {
        self.operations.contains_key(&unnamed(operation))
    }

    /// What is known of a field.
    pub(super) fn field(&self, field: &Field) -> Option<Known> {
        let name = self.operations.get(&unnamed(&field.operation))?;
        self.fields.get(&(name.clone(), field.direction))?.get(&field.path).copied()
    }

    /// The field that a sentence about an operation calls by its path, or by its last name if only one has it. The first
    /// direction is looked at first.
    pub(super) fn find(&self, operation: &str, name: &str, first: Direction) -> Option<Field> {
        let known = self.operations.get(&unnamed(operation))?;
        let other = if first == Direction::Request { Direction::Response } else { Direction::Request };
        for direction in [first, other] {
            let Some(fields) = self.fields.get(&(known.clone(), direction)) else { continue };
            let mut same = fields.keys().filter(|path| path.rsplit('.').next() == Some(name));
            let path = match (fields.contains_key(name), same.next(), same.next()) {
                (true, ..) => Some(name.to_owned()),
                (false, Some(only), None) => Some(only.clone()),
                _ => None,
            };
            if let Some(path) = path {
                return Some(Field::new(operation, direction, &path));
            }
        }
        None
    }

    /// `/api/token` as `/token`.
    pub(super) fn without_base<'a>(&self, path: &'a str) -> &'a str {
        let below = |base: &String| path.strip_prefix(base.as_str()).filter(|rest| rest.starts_with('/'));
        self.bases.iter().find_map(below).unwrap_or(path)
    }
}

fn known_at(contract: &Contract, pointer: &str) -> Known {
    let schema = contract.at(&contract.resolve(pointer));
    match schema.get("x-extensible-enum").and_then(Value::as_array) {
        Some(_) => Known::Enum,
        None if text_of(schema, "type") == "string" => Known::Text,
        None => Known::Other,
    }
}

/// Host and path of a URL, without the slash between them.
pub(super) fn host_and_path(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once('/').unwrap_or((rest, ""))
}
