//! Lists: fields, parameters, routes, events, fees, terms, values.

use serde_json::Value;

use super::{
    Reader, Role,
    names::{find, first_name, is_path, is_word},
    prose::refers_to_other_fields,
    vocabulary::{EVENT, LIVE_ROUTES, REQUIRED_HEADER, holds},
};
use crate::check::{
    document::{Item, Text},
    fact::{Direction, Fact, Field, List},
};

impl Reader<'_> {
    pub(super) fn list(&mut self, items: &[Item]) {
        for item in items {
            self.here.line = item.line;
            self.note_words(&item.text);
            let role = self.here.role.clone();
            self.item(&item.text);
            let before = self.here.prefix.clone();
            let name = item.text.code.first().filter(|name| is_path(name) && !item.children.is_empty());
            if let Some(name) = name.filter(|_| self.here.role == role) {
                let path = format!("{before}{name}");
                match self.scalar(&path) {
                    // What stands below a text is its values.
                    Some(field) => self.here.role = Some(Role::Values(field)),
                    None => self.here.prefix = format!("{path}."),
                }
            }
            self.list(&item.children);
            self.here.prefix = before;
            // Only a label changes what the rest of a list is.
            if matches!(self.here.role, Some(Role::Values(_))) {
                self.here.role = role;
            }
        }
    }

    /// The field of this path, if it is one that takes values.
    fn scalar(&self, path: &str) -> Option<Field> {
        let operation = self.here.operation.as_ref()?;
        let direction = match self.here.role {
            Some(Role::Fields(direction, _)) => direction,
            Some(Role::Parameters) => Direction::Request,
            _ => return None,
        };
        Some(Field::new(operation, direction, path)).filter(|field| self.knowledge.takes_values(field))
    }

    fn item(&mut self, text: &Text) {
        let (lower, heading) = (text.plain.to_lowercase(), self.here.heading.to_lowercase());
        if self.fee(text, &lower) || self.event(text, &heading) || self.term(text, &lower) {
            return;
        }
        if heading.contains(LIVE_ROUTES) {
            // "OTP request: POST /api/request-otp (HTML docs may show /api/auth/request-otp)"
            let (live, old) = text.plain.split_once('(').unwrap_or((&text.plain, ""));
            return self.live_and_old(live, old);
        }
        let route = self.knowledge.route_of(text);
        let role = self.here.role.clone().unwrap_or(Role::Prose);
        match role {
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
            _ if heading.contains(REQUIRED_HEADER) && route.is_some() => self.here.routes.extend(route),
            // A list that begins with a route is about that.
            Role::Fields(..) if route.is_some() && !self.here.own_section => self.here.operation = route,
            Role::Fields(..) if lower.contains("same top-level fields") => self.understood(),
            Role::Parameters | Role::Fields(..) => self.named_item(text, &lower, role),
            Role::Values(field) => {
                let marked = text.strong.first().or(text.code.first());
                let value = marked.map(String::as_str).or(text.plain.split([' ', ':', ',']).next());
                if let Some(value) = value.filter(|value| is_word(value)) {
                    self.value(field, value.to_owned(), marked.is_some());
                }
            }
            Role::NotGuaranteed => {
                // The second half of such a list names the schema that lacks them.
                let Some(operation) = self.here.operation.clone().filter(|_| !holds(&lower, "present in|assume"))
                else {
                    return;
                };
                for path in text.code.iter().filter(|code| is_path(code)) {
                    self.understood();
                    self.state(Fact::NotGuaranteed(Field::new(&operation, Direction::Request, path)));
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

    /// An item that begins with the name of a field or parameter.
    fn named_item(&mut self, text: &Text, lower: &str, role: Role) {
        let Some(name) = first_name(text) else { return };
        let field = match role {
            Role::Fields(direction, guaranteed) if !lower.contains("parameter") => {
                let path = format!("{}{name}", self.here.prefix);
                self.here.listed.push(path.trim_end_matches("[]").to_owned());
                self.entry(&Role::Fields(direction, guaranteed && !lower.starts_with("optional")), &path)
            }
            _ => self.entry(&Role::Parameters, &name),
        };
        if let Some(field) = field {
            self.claims(text, Some(&field));
        }
    }

    fn response_note(&mut self, text: &Text) {
        for code in &text.code {
            match serde_json::from_str::<Value>(code) {
                Ok(json) if json.is_object() => {
                    let operation = self.here.operation.clone().unwrap_or_default();
                    self.example_facts(&operation, Direction::Response, &json, "", false);
                }
                _ if is_word(code) && code.contains('_') => {
                    self.entry(&Role::Fields(Direction::Response, false), code);
                }
                _ => {}
            }
        }
    }

    /// Field lists of Sphinx, such as `Form Parameters`.
    pub(super) fn fields(&mut self, title: &str, items: &[Item]) {
        let title = title.to_lowercase();
        let direction = if title.contains("response") { Direction::Response } else { Direction::Request };
        for item in items {
            self.here.line = item.line;
            self.note_words(&item.text);
            let (Some(name), Some(operation)) = (first_name(&item.text), self.here.operation.clone()) else { continue };
            if title.contains("json") {
                self.entry(&Role::Fields(direction, false), &name);
            } else if title.contains("header") {
                self.understood();
                self.state(Fact::RequiredHeader(operation.clone(), name.clone()));
            } else if title.contains("param") {
                self.entry(&Role::Parameters, &name);
            }
            let field = Field::new(&operation, direction, name.trim_end_matches("[]"));
            let (_, words) = item.text.plain.split_once(name.as_str()).unwrap_or_default();
            if let Some((kind, _)) = words.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')')) {
                self.typed(&field, kind);
            }
            self.claims(&item.text, Some(&field));
        }
    }

    // ------------------------------------------------------------ lists with a subject of their own

    /// "up to `100000 UGX`: `500 UGX`".
    fn fee(&mut self, text: &Text, lower: &str) -> bool {
        let is_money = |code: &String| {
            code.split_once(' ').is_some_and(|(number, currency)| {
                let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
                is_number && currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase())
            })
        };
        let Some((fee, limits)) = text.code.split_last().filter(|_| text.code.iter().all(is_money)) else {
            return false;
        };
        let limit = match limits {
            [] => return false,
            [from, to] => format!("above {from} up to {to}"),
            [only] if lower.contains("up to") => format!("up to {only}"),
            _ => format!("above {}", limits.join(" ")),
        };
        self.state_listed(List::PayoutFee, format!("{limit}: {fee}"));
        true
    }

    fn event(&mut self, text: &Text, heading: &str) -> bool {
        let listing = heading.contains(EVENT) || self.here.label.contains(EVENT);
        let is_event = |code: &String| code.split(['.', '-']).all(is_word) && text.plain.starts_with(code.as_str());
        if !listing || text.code.is_empty() || !text.code.iter().all(is_event) {
            return false;
        }
        text.code.iter().for_each(|name| self.state_listed(List::Event, name));
        true
    }

    /// What a kind of term takes as evidence, and what an escrow may wait for.
    fn term(&mut self, text: &Text, lower: &str) -> bool {
        let Some((first, others)) = text.code.split_first() else { return false };
        let label = self.here.label.clone();
        let keys = |codes: &[String]| -> Vec<String> {
            let keys = codes.iter().map(|code| code.split(':').next().unwrap_or_default().trim());
            keys.filter(|key| is_word(key)).map(str::to_owned).collect()
        };
        if self.knowledge.lists_by_kind.iter().any(|list| find(&label, list).is_some()) && is_word(first) {
            for key in [String::new()].into_iter().chain(keys(others)) {
                self.state(Fact::RequiredAction(first.clone(), key));
            }
            return true;
        }
        let words = label.replace(['-', ' '], "_");
        let about = self.knowledge.term_types.iter().find(|term| words.starts_with(term.as_str()));
        let (term_type, keys) = match about {
            _ if !label.contains("payloads") => return false,
            Some(term_type) => {
                let sends = holds(lower, "send|include") && !lower.contains(" not ");
                (term_type, if sends { keys(&text.code) } else { Vec::new() })
            }
            None if is_word(first) => (first, [String::new()].into_iter().chain(keys(others)).collect()),
            None => return false,
        };
        for key in keys {
            self.state(Fact::TermKey(term_type.clone(), key));
        }
        true
    }

    pub(super) fn live_and_old(&mut self, live: &str, old: &str) {
        let live_routes = self.knowledge.routes_in(live);
        let (live_operations, live_paths): (Vec<_>, Vec<_>) = live_routes.iter().partition(|route| route.contains(' '));
        for operation in &live_operations {
            self.state(Fact::Operation((*operation).clone()));
        }
        let lower = live.to_lowercase();
        let denied = holds(&format!(" {lower}"), " not | no ");
        let exist = !denied && live_operations.is_empty();
        for route in self.knowledge.routes_in(old).iter().chain(live_paths) {
            if exist {
                // Without a method: something at this path is live.
                self.state(Fact::Path(route.split(' ').next_back().unwrap_or_default().to_owned()));
            } else if !live_routes.contains(route) {
                self.state(Fact::NotExposed(route.clone()));
            }
        }
    }
}
