//! Lists: fields, parameters, routes, events, fees, terms, values.

use serde_json::Value;

use super::{
    Reader, Role,
    names::{first_name, is_path, is_word},
    prose::refers_to_other_fields,
    vocabulary::{EVENT, LIVE_ROUTES, REQUIRED_HEADER, TYPES},
};
use crate::check::{
    document::{Item, Text},
    fact::{Direction, Fact, Field, List},
};

impl Reader<'_> {
    pub(super) fn list(&mut self, items: &[Item]) {
        for item in items {
            self.here.line = item.line;
            self.hear(&item.text);
            self.mentions(&item.text);
            let (role, values) = (self.here.role, self.here.values.clone());
            self.item(item);
            if !item.children.is_empty() {
                let before = self.here.prefix.clone();
                let name = item.text.code.first().filter(|name| is_path(name)).cloned();
                if let (Some(name), true) = (&name, self.here.role == role) {
                    let path = format!("{before}{name}");
                    match self.scalar(&path) {
                        // What stands below a text is its values.
                        Some(field) => (self.here.role, self.here.values) = (Some(Role::Values), Some(field)),
                        None => self.here.prefix = format!("{path}."),
                    }
                }
                self.list(&item.children);
                self.here.prefix = before;
            }
            // Only a label changes what the rest of a list is.
            if self.here.role == Some(Role::Values) {
                (self.here.role, self.here.values) = (role, values);
            }
        }
    }

    /// The field of this path, if it is one that takes values.
    fn scalar(&self, path: &str) -> Option<Field> {
        let (operation, direction) = match (self.here.operation.as_ref()?, self.here.role?) {
            (operation, Role::Fields(direction, _)) => (operation, direction),
            (operation, Role::Parameters) => (operation, Direction::Request),
            _ => return None,
        };
        Some(Field::new(operation, direction, path)).filter(|field| self.takes_values(field))
    }

    fn item(&mut self, item: &Item) {
        let (text, heading) = (&item.text, self.here.heading.to_lowercase());
        let lower = text.plain.to_lowercase();
        if self.fee(text) || self.event(text, &heading) || self.term(text) {
            return;
        }
        if heading.contains(LIVE_ROUTES) {
            // "OTP request: POST /api/request-otp (HTML docs may show /api/auth/request-otp)"
            let (live, old) = text.plain.split_once('(').unwrap_or((&text.plain, ""));
            return self.live_and_old(live, old);
        }
        let item_route = self.knowledge.route_of(text);
        match self.here.role.unwrap_or(Role::Prose) {
            Role::NotExposed => {
                for route in self.knowledge.routes_in(&text.plain) {
                    self.state(Fact::NotExposed(route));
                }
            }
            Role::Exposed => {
                for operation in self.knowledge.routes_in(&text.plain).into_iter().filter(|found| found.contains(' ')) {
                    self.state(Fact::Operation(operation));
                }
            }
            _ if heading.contains(REQUIRED_HEADER) && item_route.is_some() => self.here.routes.extend(item_route),
            Role::Parameters => {
                if let Some(name) = first_name(text) {
                    self.parameter(&name);
                    self.claims_of(text, Direction::Request, &name);
                }
            }
            // A list that begins with a route is about that.
            Role::Fields(..) if item_route.is_some() && !self.here.own_section => self.here.operation = item_route,
            Role::Fields(direction, guaranteed) => {
                self.field_item(text, direction, guaranteed && !lower.starts_with("optional"));
            }
            Role::Values => {
                let name = text.strong.first().or(text.code.first()).cloned();
                let value = name.or_else(|| text.plain.split([' ', ':', ',']).next().map(str::to_owned));
                if let (Some(field), Some(value)) = (self.here.values.clone(), value.filter(|value| is_word(value))) {
                    self.value(field, value, !text.code.is_empty() || !text.strong.is_empty());
                }
            }
            Role::NotGuaranteed => {
                // The second half of such a list names the schema that lacks them.
                let names_schema = lower.contains("present in") || lower.contains("assume");
                for path in text.code.iter().filter(|code| is_path(code) && !names_schema) {
                    self.with_operation(|operation| {
                        Fact::NotGuaranteed(Field::new(&operation, Direction::Request, path))
                    });
                }
            }
            Role::ResponseNotes => self.response_note(text),
            Role::Prose => {
                if refers_to_other_fields(&lower, text) {
                    self.understood();
                }
                self.claims(text, None);
            }
        }
    }

    fn response_note(&mut self, text: &Text) {
        for code in &text.code {
            match serde_json::from_str::<Value>(code) {
                Ok(json) if json.is_object() => {
                    let operation = self.here.operation.clone().unwrap_or_default();
                    self.example_facts(&operation, Direction::Response, &json, "", false);
                }
                _ if is_word(code) && code.contains('_') => self.field(Direction::Response, code, false),
                _ => {}
            }
        }
    }

    fn field_item(&mut self, text: &Text, direction: Direction, guaranteed: bool) {
        let lower = text.plain.to_lowercase();
        if lower.contains("same top-level fields") {
            return self.understood();
        }
        let Some(name) = first_name(text) else { return };
        if lower.contains("parameter") {
            self.parameter(&name);
            return self.claims_of(text, Direction::Request, &name);
        }
        let path = format!("{}{name}", self.here.prefix);
        self.here.listed.push(path.trim_end_matches("[]").to_owned());
        self.field(direction, &path, guaranteed);
        self.claims_of(text, direction, &path);
    }

    pub(super) fn claims_of(&mut self, text: &Text, direction: Direction, path: &str) {
        if let Some(operation) = self.here.operation.clone() {
            self.claims(text, Some(&Field::new(&operation, direction, path.trim_end_matches("[]"))));
        }
    }

    pub(super) fn field(&mut self, direction: Direction, path: &str, guaranteed: bool) {
        let path = path.trim_end_matches("[]");
        self.with_operation(|operation| Fact::Field(Field::new(&operation, direction, path)));
        if guaranteed {
            self.with_operation(|operation| Fact::Guaranteed(Field::new(&operation, direction, path)));
        }
    }

    pub(super) fn parameter(&mut self, name: &str) {
        self.with_operation(|operation| Fact::Parameter(operation, name.to_owned()));
    }

    /// Field lists of Sphinx, such as `Form Parameters`.
    pub(super) fn fields(&mut self, name: &str, items: &[Item]) {
        let lower = name.to_lowercase();
        for item in items {
            self.here.line = item.line;
            self.hear(&item.text);
            self.mentions(&item.text);
            let Some(name) = first_name(&item.text) else { continue };
            let direction = if lower.contains("response") { Direction::Response } else { Direction::Request };
            if lower.contains("json") {
                self.field(direction, &name, false);
            } else if lower.contains("header") {
                self.with_operation(|operation| Fact::RequiredHeader(operation, name.clone()));
            } else if lower.contains("param") {
                self.parameter(&name);
            }
            let (_, words) = item.text.plain.split_once(name.as_str()).unwrap_or_default();
            if let Some((kind, _)) = words.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')')) {
                self.typed(direction, &name, kind);
            }
            self.claims_of(&item.text, direction, &name);
        }
    }

    /// States the type of a field, if the word is that of one.
    pub(super) fn typed(&mut self, direction: Direction, path: &str, word: &str) {
        let word = word.trim().to_lowercase();
        if let Some((_, kind)) = TYPES.iter().find(|(name, _)| *name == word) {
            self.with_operation(|operation| Fact::Type(Field::new(&operation, direction, path), (*kind).to_owned()));
        }
    }

    // ------------------------------------------------------------ lists with a subject of their own

    /// "up to `100000 UGX`: `500 UGX`".
    fn fee(&mut self, text: &Text) -> bool {
        let is_money = |code: &String| {
            code.split_once(' ').is_some_and(|(number, currency)| {
                let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
                is_number && currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase())
            })
        };
        let Some((fee, limits)) = text.code.split_last().filter(|(_, limits)| !limits.is_empty()) else { return false };
        if !text.code.iter().all(is_money) {
            return false;
        }
        let limit = match limits {
            [from, to] => format!("above {from} up to {to}"),
            [only] if text.plain.to_lowercase().contains("up to") => format!("up to {only}"),
            _ => format!("above {}", limits.join(" ")),
        };
        self.state(Fact::Listed(List::PayoutFee, format!("{limit}: {fee}")));
        true
    }

    fn event(&mut self, text: &Text, heading: &str) -> bool {
        let listing = heading.contains(EVENT) || self.here.label.contains(EVENT);
        let is_event = |code: &String| code.split(['.', '-']).all(is_word) && text.plain.starts_with(code.as_str());
        if !listing || text.code.is_empty() || !text.code.iter().all(is_event) {
            return false;
        }
        text.code.iter().for_each(|name| self.state(Fact::Listed(List::Event, name.clone())));
        true
    }

    /// What a kind of term wants in `data`, and what an escrow may wait for.
    fn term(&mut self, text: &Text) -> bool {
        let Some(first) = text.code.first().cloned() else { return false };
        let label = self.here.label.clone();
        let keys = |codes: &[String]| -> Vec<String> {
            let key = |code: &String| code.split(':').next().unwrap_or_default().trim().to_owned();
            codes.iter().map(key).filter(|code| is_word(code)).collect()
        };
        if label.contains("required_actions") && is_word(&first) {
            for key in [String::new()].into_iter().chain(keys(&text.code[1..])) {
                self.state(Fact::RequiredAction(first.clone(), key));
            }
            return true;
        }
        if !label.contains("payloads") {
            return false;
        }
        let words = label.replace(['-', ' '], "_");
        let about = self.knowledge.term_types.iter().find(|term| words.starts_with(term.as_str())).cloned();
        let lower = text.plain.to_lowercase();
        let (term_type, keys) = match about {
            Some(term_type) => {
                let sends = ["send", "include"].iter().any(|verb| lower.contains(verb)) && !lower.contains(" not ");
                (term_type, if sends { keys(&text.code) } else { Vec::new() })
            }
            None if is_word(&first) => {
                self.state(Fact::TermKey(first.clone(), String::new()));
                (first, keys(&text.code[1..]))
            }
            None => return false,
        };
        for key in keys {
            self.state(Fact::TermKey(term_type.clone(), key));
        }
        true
    }

    pub(super) fn live_and_old(&mut self, live: &str, old: &str) {
        let live_routes = self.knowledge.routes_in(live);
        let has_method = |route: &&String| route.contains(' ');
        for operation in live_routes.iter().filter(has_method) {
            self.state(Fact::Operation(operation.clone()));
        }
        let lower = live.to_lowercase();
        let denied = ["not ", "no "].iter().any(|word| lower.starts_with(word) || lower.contains(&format!(" {word}")));
        let exist = !denied && !live_routes.iter().any(|route| has_method(&route));
        let old_routes = self.knowledge.routes_in(old);
        for route in old_routes.iter().chain(live_routes.iter().filter(|route| !has_method(route))) {
            if exist {
                // Without a method: something at this path is live.
                self.state(Fact::Path(route.split(' ').next_back().unwrap_or_default().to_owned()));
            } else if !live_routes.contains(route) {
                self.state(Fact::NotExposed(route.clone()));
            }
        }
    }
}
