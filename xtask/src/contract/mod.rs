//! The contract as the check sees it: operations, fields, headers, each with its place in the file and its sources.

pub(crate) mod lines;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::check::fact::Direction;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// How deep fields of fields are followed.
const DEEPEST: usize = 8;

pub(crate) struct Contract {
    pub(crate) file: String,
    pub(crate) document: Value,
    lines: BTreeMap<String, usize>,
    pub(crate) operations: Vec<Operation>,
}

pub(crate) struct Operation {
    /// `POST /payments/create`.
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) pointer: String,
}

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

/// A recorded departure from a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deviation {
    /// What it stands at.
    pub(crate) pointer: String,
    pub(crate) line: usize,
    pub(crate) from: String,
    pub(crate) says: String,
    pub(crate) reason: String,
    /// Words that the section of the document has as long as the deviation stands.
    pub(crate) mentions: Vec<String>,
}

impl Contract {
    pub(crate) fn read(file: &str, text: &str) -> Result<Self> {
        let document: Value = serde_yaml_ng::from_str(text).with_context(|| format!("{file} is not YAML"))?;
        if document["paths"].as_object().is_none() {
            bail!("{file} is no OpenAPI document: it has no `paths`");
        }
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for method in METHODS {
                let Some(operation) = item.get(method) else { continue };
                operations.push(Operation {
                    name: format!("{} {path}", method.to_uppercase()),
                    id: text_of(operation, "operationId").to_owned(),
                    pointer: format!("/paths/{}/{method}", escape(path)),
                });
            }
        }
        Ok(Self { file: file.to_owned(), lines: lines::lines(text), document, operations })
    }

    /// Line of a node, or of the nearest thing around it.
    pub(crate) fn line(&self, pointer: &str) -> usize {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.lines.get(pointer) {
                return *line;
            }
            match pointer.rfind('/') {
                Some(at) => pointer = &pointer[..at],
                None => return 1,
            }
        }
    }

    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.document.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The operation of this name; names of path parameters make no difference.
    pub(crate) fn operation(&self, name: &str) -> Option<&Operation> {
        let plain = unnamed(name);
        self.operations.iter().find(|operation| unnamed(&operation.name) == plain)
    }

    /// Follows `$ref` and a single `allOf`.
    pub(crate) fn resolve(&self, pointer: &str) -> String {
        let mut pointer = pointer.to_owned();
        for _ in 0..32 {
            let node = self.at(&pointer);
            let reference = node.get("$ref").and_then(Value::as_str);
            if let Some(target) = reference.and_then(|reference| reference.strip_prefix('#')) {
                pointer = target.to_owned();
            } else if node["allOf"].as_array().is_some_and(|parts| parts.len() == 1) {
                pointer += "/allOf/0";
            } else {
                break;
            }
        }
        pointer
    }

    /// Where the schema of one side of an operation stands.
    pub(crate) fn body(&self, operation: &Operation, direction: Direction) -> Option<String> {
        let content = match direction {
            Direction::Request => format!("{}/requestBody/content", operation.pointer),
            Direction::Response => {
                let responses = format!("{}/responses", operation.pointer);
                let success = self.at(&responses).as_object()?.keys().find(|status| status.starts_with('2'))?.clone();
                format!("{responses}/{success}/content")
            }
        };
        let kind = self.at(&content).as_object()?.keys().next()?.clone();
        let schema = format!("{content}/{}/schema", escape(&kind));
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
        let mut kinds = BTreeSet::new();
        let resolved = self.resolve(pointer);
        if self.at(pointer)["nullable"] == true || self.at(&resolved)["nullable"] == true {
            kinds.insert("null");
        }
        let schema = self.at(&resolved);
        if let Some(kind) = schema["type"].as_str() {
            kinds.insert(kind);
            return Some(kinds);
        }
        let variants = ["oneOf", "anyOf"].iter().filter_map(|key| Some((key, schema[*key].as_array()?.len())));
        for (key, count) in variants.collect::<Vec<_>>() {
            for at in 0..count {
                kinds.extend(self.kinds(&format!("{resolved}/{key}/{at}"))?);
            }
        }
        let typed = kinds.iter().any(|kind| *kind != "null");
        typed.then_some(kinds)
    }

    /// A schema that says nothing of what is in it.
    fn is_free(&self, pointer: &str) -> bool {
        let schema = self.at(pointer);
        let constrained =
            ["properties", "allOf", "anyOf", "oneOf", "items"].iter().any(|key| schema.get(key).is_some());
        !constrained && (schema["type"] == "object" || schema.get("type").is_none())
    }

    /// Every field of one side of an operation: its path and where it is declared.
    pub(crate) fn fields(&self, operation: &Operation, direction: Direction) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if let Some(body) = self.body(operation, direction) {
            self.visit(&body, "", 0, &mut found);
        }
        found
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
        for (name, _) in self.at(&schema)["properties"].as_object().into_iter().flatten() {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let property = format!("{schema}/properties/{}", escape(name));
            found.push((path.clone(), property.clone()));
            self.visit(&property, &path, depth + 1, found);
        }
    }

    /// Whether a field is required where it is declared.
    pub(crate) fn is_required(&self, property: &str) -> bool {
        let Some((schema, name)) = property.rsplit_once("/properties/") else { return false };
        strings(&self.at(schema)["required"]).contains(&unescape(name))
    }

    /// The sources of a node: its own, or those of the nearest thing around it that has some.
    pub(crate) fn sources(&self, pointer: &str) -> Vec<String> {
        let mut pointer = pointer;
        loop {
            let own = strings(&self.at(pointer)["x-piaxis-source"]);
            if !own.is_empty() {
                return own;
            }
            match pointer.rfind('/') {
                Some(at) => pointer = &pointer[..at],
                None => return Vec::new(),
            }
        }
    }

    /// Names of the pages that are live.
    pub(crate) fn live_pages(&self) -> BTreeSet<String> {
        let sources = self.document["x-piaxis-sources"].as_object().into_iter().flatten();
        sources.filter(|(_, source)| source["kind"] == "docs").map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn deviations(&self) -> Vec<Deviation> {
        let mut found = Vec::new();
        self.collect_deviations(&self.document, String::new(), &mut found);
        found
    }

    fn collect_deviations(&self, node: &Value, pointer: String, found: &mut Vec<Deviation>) {
        for (at, deviation) in node["x-piaxis-deviation"].as_array().into_iter().flatten().enumerate() {
            let place = format!("{pointer}/x-piaxis-deviation/{at}");
            found.push(Deviation {
                pointer: pointer.clone(),
                line: self.line(&place),
                from: text_of(deviation, "from").to_owned(),
                says: text_of(deviation, "says").to_owned(),
                reason: text_of(deviation, "reason").to_owned(),
                mentions: strings(&deviation["mentions"]),
            });
        }
        match node {
            Value::Object(children) => {
                for (key, child) in children {
                    self.collect_deviations(child, format!("{pointer}/{}", escape(key)), found);
                }
            }
            Value::Array(children) => {
                for (at, child) in children.iter().enumerate() {
                    self.collect_deviations(child, format!("{pointer}/{at}"), found);
                }
            }
            _ => {}
        }
    }

    /// Pointers of all parameters of an operation, references followed.
    pub(crate) fn parameters(&self, operation: &Operation) -> Vec<String> {
        let count = self.at(&operation.pointer)["parameters"].as_array().map_or(0, Vec::len);
        (0..count).map(|at| self.resolve(&format!("{}/parameters/{at}", operation.pointer))).collect()
    }
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

pub(crate) fn text_of<'a>(node: &'a Value, key: &str) -> &'a str {
    node.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}
