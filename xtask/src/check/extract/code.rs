//! Blocks of code: JSON examples, HTTP requests, headers.

use std::{cmp::Reverse, collections::BTreeSet};

use serde_json::Value;

use super::{
    EVERYDAY_HEADERS, Reader, Role,
    knowledge::Shape,
    names::{header, is_path, is_word},
    vocabulary::{PAYLOAD, WEBHOOK_TITLE},
};
use crate::{
    check::fact::{Direction, Example, Fact, Field, List, WEBHOOK},
    contract::{array, object},
};

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
            for name in lines.iter().filter(|line| line.to_lowercase().starts_with("x-") && !line.contains(' ')) {
                self.state_listed(List::WebhookHeader, name.trim_end_matches(':'));
            }
            return;
        }
        // All lines are headers, or none is.
        let headers: Option<Vec<String>> = lines.iter().map(|line| header(line)).collect();
        for name in headers.unwrap_or_default() {
            self.state_listed(List::Header, &name);
            if !is_everyday(&name) {
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
            self.state_listed(List::BaseUrl, format!("https://{host}{base}"));
        }
        let headers = lines.iter().skip(1).take_while(|line| !line.starts_with(['{', '[']));
        for name in headers.filter_map(|line| header(line)) {
            if name.eq_ignore_ascii_case("authorization") || !is_everyday(&name) {
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
        let is_payload = self.here.heading.to_lowercase().contains(PAYLOAD);
        let is_delivery = is_payload && object(&json).any(|(key, _)| self.knowledge.envelope.contains(key));
        let place = match request_of {
            Some(operation) => Some((operation.to_owned(), Direction::Request)),
            None if is_delivery => Some((WEBHOOK.to_owned(), Direction::Request)),
            None => self.belongs(&json),
        };
        let Some((operation, direction)) = place else {
            return self.puzzle("a JSON example that belongs to no operation".to_owned());
        };
        if operation == WEBHOOK {
            // `payment.succeeded`: of all that an envelope holds, only names of events have this form.
            let texts = object(&json).filter_map(|(_, value)| value.as_str());
            texts
                .filter(|text| text.contains('.') && is_path(text))
                .for_each(|name| self.state_listed(List::Event, name));
        }
        let guaranteed = direction == Direction::Response && self.here.role == Some(Role::Fields(direction, true));
        self.example_facts(&operation, direction, &json, "", guaranteed);
        let place = self.place();
        self.found.examples.push(Example { operation, direction, json, place });
        if let Some(part) = self.found.parts.last_mut() {
            part.examples += 1;
        }
        self.understood();
    }

    /// The operation of the section, unless the example has hardly a key of it and all those of another.
    fn belongs(&self, json: &Value) -> Option<(String, Direction)> {
        let keys: BTreeSet<&String> = object(json).map(|(key, _)| key).collect();
        let fit =
            |shape: &Shape| keys.iter().filter(|key| shape.keys.contains(**key)).count() * 100 / keys.len().max(1);
        let says = match self.here.role {
            Some(Role::Fields(direction, _)) => Some(direction),
            _ => None,
        };
        if let Some(operation) = self.here.operation.as_ref().filter(|_| self.here.own_section)
            && !self.knowledge.has(operation)
        {
            // An example of an operation that the contract does not have says nothing about others.
            return Some((operation.clone(), says.unwrap_or(Direction::Response)));
        }
        let is_own = |shape: &&Shape| {
            Some(&shape.operation) == self.here.operation.as_ref() && says.is_none_or(|says| says == shape.direction)
        };
        let own = self.knowledge.shapes.iter().filter(is_own).max_by_key(|shape| fit(shape));
        let own_fits = own.filter(|shape| fit(shape) > 50 || says.is_some() && fit(shape) > 0);
        // Elsewhere: the side that has most of the keys; of several alike, the one with the fewest others.
        let best = || self.knowledge.shapes.iter().max_by_key(|shape| (fit(shape), Reverse(shape.keys.len())));
        let shape = own_fits.or_else(|| best().filter(|shape| fit(shape) >= 60)).or(own);
        shape.map(|shape| (shape.operation.clone(), shape.direction))
    }

    pub(super) fn example_facts(
        &mut self,
        operation: &str,
        direction: Direction,
        json: &Value,
        path: &str,
        guaranteed: bool,
    ) {
        for (key, value) in object(json) {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let field = Field::new(operation, direction, &path);
            self.state(match operation {
                WEBHOOK => Fact::Listed(List::WebhookField, path.clone()),
                _ => Fact::Field(field.clone()),
            });
            if guaranteed {
                self.state(Fact::Guaranteed(field.clone()));
            }
            self.state(Fact::Shown(field, kind(value).to_owned()));
            self.example_facts(operation, direction, value, &path, guaranteed);
        }
        for item in array(json) {
            self.example_facts(operation, direction, item, &format!("{path}[]"), guaranteed);
        }
        self.term_keys(json, path);
    }

    /// Keys of what a term takes, when it is created in a list or met.
    fn term_keys(&mut self, json: &Value, path: &str) {
        for place in &self.knowledge.terms {
            let Some(term) = json[&place.type_key].as_str() else { continue };
            let fact = match place.list.as_str() {
                "" if path.is_empty() => Fact::TermKey,
                list if !list.is_empty() && path.rsplit('.').next() == Some(list) => Fact::TermData,
                _ => continue,
            };
            for (key, _) in object(&json[&place.data_key]) {
                self.state(fact(term.to_owned(), key.clone()));
            }
        }
    }
}

fn is_everyday(header: &str) -> bool {
    EVERYDAY_HEADERS.contains(&header.to_lowercase().as_str())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
