//! The facts of the contract, each with its place, in the form in which the documents state them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::page_of;
use crate::{
    check::fact::{Bound, Direction, Fact, Field, List},
    contract::{
        Contract, ListByKind, Operation, array, entries, escape, object, payload, pointer::unescape, strings, text_of,
    },
};

const SCHEMAS: &str = "/components/schemas";

/// Keywords of bounds.
const BOUNDS: [(&str, Bound); 6] = [
    ("minimum", Bound::Min),
    ("minLength", Bound::Min),
    ("minItems", Bound::Min),
    ("maximum", Bound::Max),
    ("maxLength", Bound::Max),
    ("maxItems", Bound::Max),
];

/// Facts at one place of the contract, which a page states when it states one of them.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) facts: Vec<Fact>,
    /// The contract says that a live page documents it.
    pub(super) is_cited: bool,
}

pub(super) struct Declared<'a> {
    pub(super) contract: &'a Contract,
    facts: BTreeMap<Fact, String>,
    by_field: BTreeMap<Field, Vec<(Fact, String)>>,
    /// By pointer.
    pub(super) groups: BTreeMap<String, Group>,
    live: BTreeSet<String>,
    /// Types of terms whose evidence may have any key.
    pub(super) free_terms: BTreeSet<String>,
    /// Words that prose about terms names besides keys: fields that stand beside a term in a request, values of open enums.
    pub(super) beside_terms: BTreeSet<String>,
}

impl<'a> Declared<'a> {
    pub(super) fn of(contract: &'a Contract) -> Self {
        let mut declared = Self {
            contract,
            facts: BTreeMap::new(),
            by_field: BTreeMap::new(),
            groups: BTreeMap::new(),
            live: contract.live_pages(),
            free_terms: BTreeSet::new(),
            beside_terms: BTreeSet::new(),
        };
        contract.operations.iter().for_each(|operation| declared.operation_facts(operation));
        declared.lists();
        declared.terms();
        declared.beside_terms();
        declared
    }

    /// Whether a live page is cited at the place or around it.
    pub(super) fn is_cited(&self, pointer: &str) -> bool {
        self.contract.sources(pointer).iter().any(|source| self.live.contains(page_of(source)))
    }

    pub(super) fn has(&self, fact: &Fact) -> bool {
        self.facts.contains_key(fact)
    }

    pub(super) fn pointer(&self, fact: &Fact) -> Option<&str> {
        self.facts.get(fact).map(String::as_str)
    }

    /// Facts about a field, and where they stand; the declaration itself first.
    pub(super) fn about(&self, field: &Field) -> &[(Fact, String)] {
        self.by_field.get(field).map(Vec::as_slice).unwrap_or_default()
    }

    fn add(&mut self, fact: Fact, pointer: &str) {
        if self.facts.contains_key(&fact) {
            return;
        }
        if let Some(field) = fact.field() {
            self.by_field.entry(field.clone()).or_default().push((fact.clone(), pointer.to_owned()));
        }
        self.facts.insert(fact, pointer.to_owned());
    }

    /// Adds what a page states when it states one of the facts at the pointer, if a live page is cited at another one.
    fn add_listed(&mut self, fact: Fact, pointer: &str, cited_at: Option<&str>) {
        if !self.groups.contains_key(pointer) {
            let is_cited = cited_at.is_some_and(|pointer| self.is_cited(pointer));
            self.groups.insert(pointer.to_owned(), Group { facts: Vec::new(), is_cited });
        }
        if let Some(group) = self.groups.get_mut(pointer) {
            group.facts.push(fact.clone());
        }
        self.add(fact, pointer);
    }

    fn beside_terms(&mut self) {
        let (types, _) = self.contract.term_types();
        let requests = || {
            self.facts.iter().filter_map(|(fact, pointer)| match fact {
                Fact::Field(Field { operation, direction: Direction::Request, path }) if !path.contains('.') => {
                    Some((operation, path, pointer))
                }
                _ => None,
            })
        };
        let takes_term = requests().filter(|(_, _, pointer)| self.contract.resolve(pointer) == types);
        let takes_term: BTreeSet<&String> = takes_term.map(|(operation, ..)| operation).collect();
        let fields = requests().filter(|(operation, ..)| takes_term.contains(operation));
        let values = self.facts.keys().filter_map(|fact| match fact {
            Fact::Value(_, value) => Some(value),
            _ => None,
        });
        self.beside_terms = fields.map(|(_, path, _)| path).chain(values).cloned().collect();
    }

    // ------------------------------------------------------------ operations

    fn operation_facts(&mut self, operation: &Operation) {
        let contract = self.contract;
        let (name, pointer) = (&operation.name, &operation.pointer);
        self.add_listed(Fact::Operation(name.clone()), pointer, Some(pointer));
        if contract.at(pointer)["deprecated"] == true {
            self.add(Fact::Deprecated(name.clone(), None), pointer);
        }
        for direction in [Direction::Request, Direction::Response] {
            for (path, pointer) in contract.fields(operation, direction) {
                let field = Field::new(name, direction, &path);
                let is_required = contract.is_required(&pointer);
                match (direction, is_required) {
                    (Direction::Request, true) => self.add(Fact::Required(field.clone()), &pointer),
                    (Direction::Response, true) => self.add(Fact::Guaranteed(field.clone()), &pointer),
                    (_, false) => self.add(Fact::Optional(field.clone()), &pointer),
                }
                self.schema(&field, &pointer);
                if direction == Direction::Request {
                    self.add(Fact::Parameter(name.clone(), path), &pointer);
                }
                // Evidence and data of terms are compared by type, not as fields of a body.
                self.add_listed(Fact::Field(field), &pointer, (!self.is_of_term(&pointer)).then_some(&pointer));
            }
        }
        for pointer in contract.parameters(operation) {
            let parameter = contract.at(&pointer);
            let (place, path) = (text_of(parameter, "in"), text_of(parameter, "name"));
            let fact = Fact::Parameter(name.clone(), path.to_owned());
            if place != "query" {
                self.add(fact, &pointer);
                continue;
            }
            let field = Field::new(name, Direction::Request, path);
            let is_required = parameter["required"] == true;
            self.add(if is_required { Fact::Required(field.clone()) } else { Fact::Optional(field.clone()) }, &pointer);
            self.schema(&field, &format!("{pointer}/schema"));
            // A shared parameter belongs to each operation that has it.
            let own = strings(&parameter["x-piaxis-source"]);
            let cited_at = if own.is_empty() { &operation.pointer } else { &pointer };
            let at = format!("{}/parameters/{}", operation.pointer, escape(path));
            self.add_listed(fact, &at, Some(cited_at));
        }
        self.security(operation);
    }

    /// Types, values and bounds of a field or parameter.
    fn schema(&mut self, field: &Field, pointer: &str) {
        let contract = self.contract;
        if let Some(kinds) = contract.kinds(pointer) {
            let kinds = kinds.into_iter().collect::<Vec<_>>().join("|");
            self.add(Fact::Type(field.clone(), kinds), pointer);
        }
        let resolved = contract.resolve(pointer);
        let schema = contract.at(&resolved);
        for value in strings(&schema["x-extensible-enum"]) {
            self.add(Fact::Value(field.clone(), value), &resolved);
        }
        for (keyword, bound) in BOUNDS {
            if let Some(limit) = schema[keyword].as_f64() {
                self.add(Fact::Limit(field.clone(), bound, limit.to_string()), &resolved);
            }
        }
        if schema["deprecated"] == true || contract.at(pointer)["deprecated"] == true {
            self.add(Fact::Deprecated(field.operation.clone(), Some(field.path.clone())), pointer);
        }
    }

    /// Headers that every set of credentials holds.
    fn security(&mut self, operation: &Operation) {
        let pointer = format!("{}/security", operation.pointer);
        let sets = self.sets(&pointer);
        for (scheme, declared) in object(&self.contract.document["components"]["securitySchemes"]) {
            if !sets.is_empty() && sets.iter().all(|set| set.contains(scheme)) {
                let header = text_of(declared, "name").to_lowercase();
                self.add(Fact::RequiredHeader(operation.name.clone(), header), &pointer);
            }
        }
    }

    /// Names of the schemes in each set of credentials.
    pub(super) fn sets(&self, pointer: &str) -> Vec<BTreeSet<String>> {
        array(self.contract.at(pointer)).map(|set| object(set).map(|(name, _)| name.clone()).collect()).collect()
    }

    fn is_of_term(&self, pointer: &str) -> bool {
        let name = pointer.strip_prefix(SCHEMAS).and_then(|rest| rest.split('/').nth(1));
        let schema = name.map(|name| self.contract.at(&format!("{SCHEMAS}/{name}")));
        schema.is_some_and(|schema| {
            ["x-piaxis-term-type", "x-piaxis-term-data"].iter().any(|key| schema.get(key).is_some())
        })
    }

    // ------------------------------------------------------------ lists and terms

    fn lists(&mut self) {
        let contract = self.contract;
        let document = &contract.document;
        let schemes = entries(&document["components"]["securitySchemes"]);
        for (key, scheme) in schemes {
            let pointer = format!("/components/securitySchemes/{key}");
            self.add(canonical(Fact::Listed(List::Header, text_of(scheme, "name").to_owned())), &pointer);
            self.add(Fact::Listed(List::ErrorCode, text_of(scheme, "x-piaxis-missing-code").to_owned()), &pointer);
        }
        let own = contract.operations.iter().flat_map(|operation| contract.parameters(operation));
        let shared = entries(&document["components"]["parameters"]);
        let shared = shared.map(|(key, _)| format!("/components/parameters/{key}"));
        for pointer in shared.chain(own).collect::<BTreeSet<_>>() {
            let parameter = contract.at(&pointer);
            if parameter["in"] == "header" {
                self.add(canonical(Fact::Listed(List::Header, text_of(parameter, "name").to_owned())), &pointer);
            }
        }
        let fields = contract.fields_of("/x-piaxis-webhooks/schema").into_iter();
        let families = object(contract.at("/x-piaxis-webhooks/payloads"));
        let payloads = families.flat_map(|(family, _)| contract.fields_of(&payload(family)));
        let subject = contract.subject();
        for (path, pointer) in fields.chain(payloads.map(|(path, pointer)| (format!("{subject}.{path}"), pointer))) {
            self.add_listed(Fact::Mention(path.clone()), &pointer, Some(&pointer));
            self.add_listed(Fact::Listed(List::WebhookField, path), &pointer, None);
        }
        for (key, variable) in object(&document["x-piaxis-environment-variables"]) {
            let pointer = format!("/x-piaxis-environment-variables/{key}");
            for (at, name) in strings(&variable["names"]).into_iter().enumerate() {
                // The first is preferred; others may be older.
                let cited_at = (at == 0).then_some(pointer.as_str());
                self.add_listed(Fact::Listed(List::Variable, name), &format!("{pointer}/names/{at}"), cited_at);
            }
        }
        type Shown = fn(&str, &Value) -> String;
        let name: Shown = |key, _| unescape(key);
        let url: Shown = |_, server| text_of(server, "url").to_owned();
        let fee: Shown = |_, tier| format!("{}: {}", text_of(tier, "amount"), text_of(tier, "fee"));
        for (list, root, shown) in [
            (List::Event, "/x-piaxis-webhooks/events", name),
            (List::WebhookHeader, "/x-piaxis-webhooks/headers", name),
            (List::BaseUrl, "/servers", url),
            (List::PayoutFee, "/x-piaxis-default-payout-fees/tiers", fee),
        ] {
            for (key, node) in entries(contract.at(root)) {
                let pointer = format!("{root}/{key}");
                self.add_listed(canonical(Fact::Listed(list, shown(&key, node))), &pointer, Some(&pointer));
            }
        }
    }

    fn terms(&mut self) {
        let contract = self.contract;
        for ListByKind { items, kinds, .. } in contract.lists_by_kind() {
            for action in strings(&contract.at(&kinds)["x-extensible-enum"]) {
                self.add(Fact::RequiredAction(action.clone(), String::new()), &kinds);
                for (key, _) in object(&contract.at(&items)["properties"]) {
                    let pointer = format!("{items}/properties/{}", escape(key));
                    self.add_listed(Fact::RequiredAction(action.clone(), key.clone()), &pointer, Some(&pointer));
                }
            }
        }
        for (name, schema) in object(contract.at(SCHEMAS)) {
            let root = format!("{SCHEMAS}/{}", escape(name));
            let (evidence, data) = (text_of(schema, "x-piaxis-term-type"), text_of(schema, "x-piaxis-term-data"));
            if !evidence.is_empty() {
                self.add_listed(Fact::TermKey(evidence.to_owned(), String::new()), &root, Some(&root));
                if schema.get("properties").is_none() {
                    self.free_terms.insert(evidence.to_owned());
                }
            }
            for (key, _) in object(&schema["properties"]) {
                let pointer = format!("{root}/properties/{}", escape(key));
                if !data.is_empty() {
                    let at = format!("{pointer}#data");
                    self.add_listed(Fact::TermData(data.to_owned(), key.clone()), &at, Some(&pointer));
                }
                if !evidence.is_empty() {
                    let at = format!("{pointer}#evidence");
                    self.add_listed(Fact::TermKey(evidence.to_owned(), key.clone()), &at, Some(&pointer));
                    // Prose names the values and the inner keys of a key, too.
                    let resolved = contract.resolve(&pointer);
                    let inner = object(&contract.at(&resolved)["properties"]).map(|(inner, _)| inner.clone());
                    for also in strings(&contract.at(&resolved)["x-extensible-enum"]).into_iter().chain(inner) {
                        self.add(Fact::TermKey(evidence.to_owned(), also), &resolved);
                    }
                }
            }
        }
    }
}

/// The fact as both sides write it: names of headers are compared without case.
pub(super) fn canonical(fact: Fact) -> Fact {
    match fact {
        Fact::RequiredHeader(operation, name) => Fact::RequiredHeader(operation, name.to_lowercase()),
        Fact::Listed(list @ (List::Header | List::WebhookHeader), name) => Fact::Listed(list, name.to_lowercase()),
        fact => fact,
    }
}
