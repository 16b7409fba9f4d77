//! The contract as the check sees it: operations, fields, headers, each with its place in the file and its sources.

mod deviations;
mod fields;
mod lines;
pub(crate) mod load;
pub(crate) mod pointer;
pub(crate) mod resolve;
mod scalar;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use serde_json::Value;

pub(crate) use deviations::Deviation;
pub(crate) use fields::{Found, ListByKind};
use lines::Lines;
pub(crate) use pointer::escape;

/// The contract, below the root of the repository.
pub(crate) const FILE: &str = "openapi/piaxis.yaml";

/// The nearest folder around this one that has a contract; this one when there is none.
pub(crate) fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let found = here.ancestors().find(|folder| folder.join(FILE).is_file()).map(Path::to_owned);
    found.unwrap_or_default()
}

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

pub(crate) struct Contract {
    pub(crate) file: String,
    pub(crate) document: Value,
    lines: Lines,
    pub(crate) operations: Vec<Operation>,
    /// By the name without the names of path parameters: the first one.
    by_name: HashMap<String, usize>,
}

pub(crate) struct Operation {
    /// `POST /payments/create`.
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) pointer: String,
}

impl Contract {
    /// Reads a contract from a file that messages call `name`.
    pub(crate) fn open(path: &Path, name: &str) -> Result<Self> {
        let document = load::file(path, name)?;
        if let Some((pointer, reference)) = dangling(&document.value, "", &document.value) {
            return Err(document.error(&pointer, &format!("`{reference}` leads nowhere")));
        }
        Self::of(document)
    }

    pub(crate) fn of(document: load::Document) -> Result<Self> {
        let load::Document { name: file, value: document, lines } = document;
        if document["paths"].as_object().is_none() {
            bail!("{file} is no OpenAPI document: it has no `paths`");
        }
        let mut operations = Vec::new();
        for (path, item) in object(&document["paths"]) {
            for method in METHODS {
                let Some(operation) = item.get(method) else { continue };
                operations.push(Operation {
                    name: format!("{} {path}", method.to_uppercase()),
                    id: text_of(operation, "operationId").to_owned(),
                    pointer: format!("/paths/{}/{method}", escape(path)),
                });
            }
        }
        let mut by_name = HashMap::new();
        for (at, operation) in operations.iter().enumerate() {
            by_name.entry(unnamed(&operation.name)).or_insert(at);
        }
        Ok(Self { file, document, lines, operations, by_name })
    }

    /// Line of a node, or of the nearest thing around it.
    pub(crate) fn line(&self, pointer: &str) -> usize {
        self.lines.line(pointer)
    }

    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.document.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The field of a webhook delivery that holds the subject of its event: the one that every delivery has.
    pub(crate) fn subject(&self) -> String {
        strings(&self.at("/x-piaxis-webhooks/schema")["required"]).into_iter().next().unwrap_or_default()
    }

    /// Pointers of the fields of a webhook delivery that name its event, as the examples of the envelopes have them.
    pub(crate) fn event_fields(&self) -> Vec<String> {
        let events = self.at("/x-piaxis-webhooks/events");
        let subject = format!("/{}", escape(&self.subject()));
        let mut found = Vec::new();
        for (_, envelope) in object(self.at("/x-piaxis-webhooks/envelopes")) {
            for around in ["", &subject] {
                let fields = object(envelope["example"].pointer(around).unwrap_or(&Value::Null));
                let named = fields.filter(|(_, value)| value.as_str().is_some_and(|name| events.get(name).is_some()));
                found.extend(named.map(|(name, _)| format!("{around}/{}", escape(name))));
            }
        }
        found.sort_by_key(|pointer| pointer.matches('/').count());
        found.dedup();
        found
    }

    /// The operation of this name; names of path parameters make no difference.
    pub(crate) fn operation(&self, name: &str) -> Option<&Operation> {
        self.by_name.get(&unnamed(name)).and_then(|at| self.operations.get(*at))
    }
}

/// The first reference into the document that leads nowhere, and where it stands. Examples hold data, not references.
fn dangling(node: &Value, pointer: &str, root: &Value) -> Option<(String, String)> {
    if resolve::target(node).is_some_and(|target| root.pointer(&target).is_none()) {
        return Some((pointer.to_owned(), text_of(node, "$ref").to_owned()));
    }
    let mut children = entries(node).filter(|(key, _)| !matches!(key.as_str(), "example" | "examples" | "default"));
    children.find_map(|(key, child)| dangling(child, &format!("{pointer}/{key}"), root))
}

/// Where the contract says what the data of webhook events of a family has.
pub(crate) fn payload(family: &str) -> String {
    format!("/x-piaxis-webhooks/payloads/{}", escape(family))
}

/// Path parameters without their names.
pub(crate) fn unnamed(route: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    route.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Children of a node, with their keys or indices as pointers have them.
pub(crate) fn entries(node: &Value) -> impl Iterator<Item = (String, &Value)> {
    let items = array(node).enumerate().map(|(at, item)| (at.to_string(), item));
    object(node).map(|(key, child)| (escape(key), child)).chain(items)
}

pub(crate) fn object(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node.as_object().into_iter().flatten()
}

pub(crate) fn array(node: &Value) -> impl Iterator<Item = &Value> {
    node.as_array().into_iter().flatten()
}

pub(crate) fn text_of<'a>(node: &'a Value, key: &str) -> &'a str {
    node.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn strings(list: &Value) -> Vec<String> {
    array(list).filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
