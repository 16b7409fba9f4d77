//! Blocks of code: JSON examples, HTTP requests, headers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    EVERYDAY_HEADERS, Reader, Role,
    names::{header, is_word, kind},
    vocabulary::{PAYLOAD, WEBHOOK_TITLE},
};
use crate::check::fact::{Direction, Example, Fact, Field, List, WEBHOOK};

impl Reader<'_> {
    pub(super) fn code(&mut self, code: &str) {
        let lines: Vec<&str> = code.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let first = lines.first().copied().unwrap_or_default();
        if let Some(operation) = self.knowledge.route(first).filter(|_| first.contains("HTTP/")) {
            return self.http(&operation, code, &lines);
        }
        if first.starts_with(['{', '[']) {
            return self.json(code, None);
        }
        self.base_urls(code);
        if self.here.heading.to_lowercase().contains(WEBHOOK_TITLE) {
            let names = lines.iter().filter(|line| line.to_lowercase().starts_with("x-") && !line.contains(' '));
            for name in names {
                self.state(Fact::Listed(List::WebhookHeader, name.trim_end_matches(':').to_owned()));
            }
            return;
        }
        // All lines are headers, or none is.
        let headers: Option<Vec<String>> = lines.iter().map(|line| header(line)).collect();
        for name in headers.unwrap_or_default() {
            self.state(Fact::Listed(List::Header, name.clone()));
            if !EVERYDAY_HEADERS.contains(&name.to_lowercase().as_str()) {
                self.here.headers.push(name);
            }
        }
    }

    /// A whole HTTP request: headers, and a JSON or form body.
    fn http(&mut self, operation: &str, code: &str, lines: &[&str]) {
        self.state(Fact::Operation(operation.to_owned()));
        let host = lines.iter().find_map(|line| line.strip_prefix("Host:")).map(str::trim).unwrap_or_default();
        let base = self.knowledge.bases.iter().find(|base| code.contains(&format!(" {base}/")));
        if let Some(base) = base.filter(|_| !host.is_empty()) {
            self.state(Fact::Listed(List::BaseUrl, format!("https://{host}{base}")));
        }
        let headers = lines.iter().skip(1).take_while(|line| !line.starts_with(['{', '[']));
        for name in headers.filter_map(|line| header(line)) {
            if name.eq_ignore_ascii_case("authorization") || !EVERYDAY_HEADERS.contains(&name.to_lowercase().as_str()) {
                self.state(Fact::RequiredHeader(operation.to_owned(), name));
            }
        }
        if let Some(at) = code.find('{') {
            return self.json(&code[at..], Some(operation));
        }
        let form = lines.iter().rev().find(|line| line.contains('=') && !line.contains(' '));
        for (name, value) in form.into_iter().flat_map(|form| form.split('&')).filter_map(|pair| pair.split_once('=')) {
            self.state(Fact::Parameter(operation.to_owned(), name.to_owned()));
            // A placeholder is in capitals; a word may be a value of an open enum.
            if is_word(value) {
                self.state(Fact::Value(Field::new(operation, Direction::Request, name), value.to_owned()));
            }
        }
    }

    fn json(&mut self, code: &str, request_of: Option<&str>) {
        let json: Value = match serde_json::from_str(code.trim()) {
            Ok(json) => json,
            Err(error) => return self.puzzle(format!("a JSON example does not parse: {error}")),
        };
        let is_delivery =
            self.here.heading.to_lowercase().contains(PAYLOAD) && json.get("event").or(json.get("data")).is_some();
        let place = match request_of {
            Some(operation) => Some((operation.to_owned(), Direction::Request)),
            None if is_delivery => Some((WEBHOOK.to_owned(), Direction::Request)),
            None => self.belongs(&json),
        };
        let Some((operation, direction)) = place else {
            return self.puzzle("a JSON example that belongs to no operation".to_owned());
        };
        let guaranteed =
            self.here.role == Some(Role::Fields(Direction::Response, true)) && direction == Direction::Response;
        if let Some(name) = json["event"].as_str().filter(|_| operation == WEBHOOK) {
            self.state(Fact::Listed(List::Event, name.to_owned()));
        }
        self.example_facts(&operation, direction, &json, "", guaranteed);
        if let (Some(term_type), Some(data)) = (json["term_type"].as_str(), json["data"].as_object()) {
            for key in data.keys() {
                self.state(Fact::TermKey(term_type.to_owned(), key.clone()));
            }
        }
        let place = self.place();
        self.found.examples.push(Example { operation, direction, json, place });
        self.understood();
    }

    /// The operation of the section, unless the example has hardly a key of it and all those of another.
    fn belongs(&self, json: &Value) -> Option<(String, Direction)> {
        let keys: BTreeSet<&str> = json.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        let fit = |shape: &super::knowledge::Shape| {
            keys.iter().filter(|key| shape.keys.contains(**key)).count() * 100 / keys.len().max(1)
        };
        let says = match self.here.role {
            Some(Role::Fields(direction, _)) => Some(direction),
            _ => None,
        };
        if let Some(operation) = self.here.operation.as_ref().filter(|_| self.here.own_section) {
            // An example of an operation that the contract does not have says nothing about others.
            if !self.knowledge.has(operation) {
                return Some((operation.clone(), says.unwrap_or(Direction::Response)));
            }
        }
        let mine = |shape: &&super::knowledge::Shape| {
            Some(&shape.operation) == self.here.operation.as_ref()
                && says.is_none_or(|direction| direction == shape.direction)
        };
        let own = self.knowledge.shapes.iter().filter(mine).max_by_key(|shape| fit(shape));
        if let Some(shape) = own.filter(|shape| fit(shape) > 50 || says.is_some() && fit(shape) > 0) {
            return Some((shape.operation.clone(), shape.direction));
        }
        // Elsewhere: the side that has most of the keys; of several alike, the one with the fewest others.
        let best = self.knowledge.shapes.iter().max_by_key(|shape| (fit(shape), std::cmp::Reverse(shape.keys.len())));
        let best = best.filter(|shape| fit(shape) >= 60);
        best.or(own).map(|shape| (shape.operation.clone(), shape.direction))
    }

    pub(super) fn example_facts(
        &mut self,
        operation: &str,
        direction: Direction,
        json: &Value,
        path: &str,
        guaranteed: bool,
    ) {
        match json {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    let field = Field::new(operation, direction, &path);
                    self.state(if operation == WEBHOOK {
                        Fact::Listed(List::WebhookField, path.clone())
                    } else {
                        Fact::Field(field.clone())
                    });
                    if guaranteed {
                        self.state(Fact::Guaranteed(field.clone()));
                    }
                    self.state(Fact::Shown(field, kind(value).to_owned()));
                    self.example_facts(operation, direction, value, &path, guaranteed);
                }
                self.new_terms(json);
            }
            Value::Array(items) => {
                for item in items {
                    self.example_facts(operation, direction, item, &format!("{path}[]"), guaranteed);
                }
            }
            _ => {}
        }
    }

    /// Keys of the data of the terms that an example creates.
    fn new_terms(&mut self, json: &Value) {
        for term in json["terms"].as_array().into_iter().flatten() {
            let term_type = term["type"].as_str().filter(|term_type| !term_type.is_empty());
            for (key, _) in term["data"].as_object().into_iter().flatten() {
                if let Some(term_type) = term_type {
                    self.state(Fact::TermData(term_type.to_owned(), key.clone()));
                }
            }
        }
    }
}
