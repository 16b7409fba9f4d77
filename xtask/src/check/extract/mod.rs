//! Reads the facts out of a page: which headings, lists, tables and code blocks say what about which operation.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    document::{Block, Document, Item, Kind, Section, Text},
    fact::{Direction, Example, Fact, Stated},
};

/// Titles that only label what follows.
const LABELS: [&str; 5] = ["example", "examples", "purpose", "notes", "important"];

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// What the extractor must know of the API to tell what a heading or an example is about.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    pub(crate) shapes: Vec<Shape>,
    pub(crate) resources: Vec<Resource>,
    /// Hosts of the servers.
    pub(crate) hosts: Vec<String>,
    /// Values of `term_type`.
    pub(crate) term_types: Vec<String>,
}

/// The keys that one side of an operation has at its top.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) operation: String,
    pub(crate) direction: Direction,
    pub(crate) keys: BTreeSet<String>,
}

/// A group of operations, such as `escrow disbursement` with `create`, `list` …
#[derive(Debug)]
pub(crate) struct Resource {
    /// In the singular, words parted by spaces.
    pub(crate) name: String,
    /// Method name and operation.
    pub(crate) methods: Vec<(String, String)>,
}

/// Something in a page that the extractor could not make sense of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Puzzle {
    pub(crate) message: String,
    pub(crate) heading: String,
    pub(crate) anchor: String,
    pub(crate) line: usize,
}

/// Everything that a page says.
#[derive(Debug, Default)]
pub(crate) struct Extracted {
    pub(crate) facts: Vec<Stated>,
    pub(crate) examples: Vec<Example>,
    /// Operations that have a section of their own, and how many of those said anything.
    pub(crate) sections: usize,
    pub(crate) understood: usize,
    pub(crate) puzzles: Vec<Puzzle>,
}

/// What the words before a list or a code block say that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Parameters,
    Fields(Direction, bool),
    NotGuaranteed,
    NotExposed,
    Exposed,
    /// Words about an answer, with names and whole bodies set as code.
    ResponseNotes,
    Prose,
}

pub(crate) fn extract(document: &Document, knowledge: &Knowledge) -> Extracted {
    let mut reader = Reader { page: &document.name, knowledge, found: Extracted::default(), here: Here::default() };
    for section in &document.sections {
        reader.section(section);
    }
    reader.leave_operation();
    reader.found
}

/// Where the reader is.
#[derive(Default)]
struct Here {
    heading: String,
    anchor: String,
    line: usize,
    operation: Option<String>,
    /// Whether the section of the operation said anything.
    said: bool,
    label: String,
    role: Option<Role>,
    prefix: String,
    /// Arrays that a list of this section named last, to know what "each item" is an item of.
    listed: Vec<String>,
    routes: Vec<String>,
    headers: Vec<String>,
    /// Whether the operation has this section to itself, and is not only spoken of.
    own_section: bool,
    /// What the present block stated already.
    stated: BTreeSet<Fact>,
}

struct Reader<'a> {
    page: &'a str,
    knowledge: &'a Knowledge,
    found: Extracted,
    here: Here,
}

impl Reader<'_> {
    fn section(&mut self, section: &Section) {
        let title = section.title.plain.to_lowercase();
        let mut words = section.title.code.iter().map(String::as_str).chain([section.title.plain.as_str()]);
        let is_route = words.any(|text| route(text).is_some());
        let is_label = title.split(' ').count() <= 5 && role(&title) != Role::Prose || LABELS.contains(&title.as_str());
        if self.here.own_section && !is_route && is_label && self.by_words(&title).is_none() {
            // A label set as a heading: still the section of the operation.
            self.here.line = section.line;
            self.paragraph(&section.title);
            for block in &section.blocks {
                self.block(block);
            }
            return;
        }
        self.leave_operation();
        self.here = Here {
            heading: section.title.plain.clone(),
            anchor: section.anchor.clone(),
            line: section.line,
            ..Here::default()
        };
        if let Some(route) =
            section.title.code.iter().map(String::as_str).chain([section.title.plain.as_str()]).find_map(route)
        {
            self.enter_operation(route);
        } else {
            self.title_role(&section.title.plain);
        }
        for block in &section.blocks {
            self.block(block);
        }
        self.routes_with_headers(&section.title.plain);
    }

    /// A title such as "Direct payment: guaranteed live request fields" speaks of an operation without naming it.
    fn title_role(&mut self, title: &str) {
        let lower = title.to_lowercase();
        if lower.contains("guaranteed") && lower.contains("field") || lower.contains("not guaranteed") {
            self.here.operation = self.by_words(&lower);
            self.here.role = Some(if lower.contains("not guaranteed") {
                Role::NotGuaranteed
            } else if lower.contains("request") {
                Role::Fields(Direction::Request, true)
            } else {
                Role::Fields(Direction::Response, false)
            });
            self.here.label = lower;
        }
    }

    fn enter_operation(&mut self, operation: String) {
        self.leave_operation();
        self.state(Fact::Operation { operation: operation.clone() });
        self.here.operation = Some(operation);
        self.here.own_section = true;
        self.here.said = false;
        self.here.role = None;
        self.here.prefix.clear();
        self.here.listed.clear();
        self.found.sections += 1;
    }

    fn leave_operation(&mut self) {
        if self.here.operation.is_none() || !self.here.own_section {
            return;
        }
        if self.here.said {
            self.found.understood += 1;
        } else {
            let operation = self.here.operation.clone().unwrap_or_default();
            self.puzzle(format!("the section of {operation} says nothing that could be checked"));
        }
        self.here.operation = None;
    }

    fn block(&mut self, block: &Block) {
        self.here.line = block.line;
        self.here.stated.clear();
        match &block.kind {
            Kind::Paragraph(text) => self.paragraph(text),
            Kind::List(items) => self.list(items),
            Kind::Table(rows) => self.table(rows),
            Kind::Code(code) => self.code(code),
            Kind::Route { signature, anchor } => match route(signature) {
                Some(operation) => {
                    self.here.anchor.clone_from(anchor);
                    self.enter_operation(operation);
                }
                None => self.puzzle(format!("`{signature}` is no route")),
            },
            Kind::Fields { name, items } => self.fields(name, items),
        }
    }

    fn paragraph(&mut self, text: &Text) {
        self.mentions(text);
        let lower = text.plain.to_lowercase();
        if lower.contains("same top-level fields") || lower.contains("shape") && !text.code.is_empty() {
            self.here.said = true;
        }
        if let Some(array) = self.each_of(&lower) {
            self.here.prefix = format!("{array}[].");
            if self.here.role.is_none_or(|role| matches!(role, Role::Prose)) {
                self.here.role = Some(Role::Fields(Direction::Response, lower.contains("guarantee")));
            }
            return;
        }
        let role = role(&lower);
        let is_label = text.plain.trim_end().ends_with(':') || text.strong.len() == 1 && text.strong[0] == text.plain;
        if !is_label && role == Role::Prose && self.here.role.is_some() {
            // Plain words between a label and its list.
            return;
        }
        self.here.label.clone_from(&lower);
        self.here.prefix.clear();
        if self.here.operation.is_none() && matches!(role, Role::Fields(..)) {
            self.here.operation = self.by_words(&lower).filter(|_| lower.contains("schema is"));
        }
        // A subheading such as "Example" does not change what the section is about.
        self.here.role = Some(role);
        if role == Role::Parameters && text.code.len() == 1 {
            self.parameter(&text.code[0].clone());
        }
    }

    /// The array of this section that "each quote item includes:" or "for every recipient:" speaks of.
    fn each_of(&self, lower: &str) -> Option<String> {
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let speaks = lower.trim_end().ends_with(':') && words.iter().any(|word| ["each", "every"].contains(word));
        let singular = |word: &str| word.trim_end_matches('s').to_owned();
        let named = |array: &&String| words.iter().any(|word| !word.is_empty() && singular(word) == singular(array));
        self.here.listed.iter().rev().filter(|_| speaks).find(named).cloned()
    }

    /// Facts that stand anywhere in running text.
    fn mentions(&mut self, text: &Text) {
        for code in &text.code {
            if code.starts_with("PIAXIS_") && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
                self.state(Fact::Variable { name: code.clone() });
            }
        }
        for path in text.code.iter().filter(|code| is_path(code) && (code.contains('.') || code.contains("[]"))) {
            self.state(Fact::Mention { path: path.clone() });
        }
        for word in text.plain.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let is_code = word.starts_with("MISSING_") || word.starts_with("NO_") || word.starts_with("INVALID_");
            if is_code && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
                self.state(Fact::Code { name: word.to_owned() });
            }
        }
        self.base_urls(&text.plain);
    }

    fn base_urls(&mut self, text: &str) {
        for word in text.split(|c: char| c.is_whitespace() || "`\"'()<>,".contains(c)) {
            let url = word.trim_end_matches(['.', ':', ';', '/']);
            let Some((_, rest)) = url.split_once("://").filter(|(scheme, _)| *scheme == "https" || *scheme == "http")
            else {
                continue;
            };
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let versioned = !path.is_empty() && path.split('/').all(|part| part == "api" || is_version(part));
            if self.knowledge.hosts.iter().any(|known| known == host) && versioned || path == "api" {
                self.state(Fact::BaseUrl { url: url.to_owned() });
            }
        }
    }

    fn list(&mut self, items: &[Item]) {
        for item in items {
            self.here.line = item.line;
            self.mentions(&item.text);
            self.item(item);
            let deeper: Vec<Item> = item.children.clone();
            if !deeper.is_empty() {
                let before = self.here.prefix.clone();
                if let Some(name) = item.text.code.first().filter(|name| is_path(name)) {
                    self.here.prefix = format!("{before}{name}.");
                }
                self.list(&deeper);
                self.here.prefix = before;
            }
        }
    }

    fn item(&mut self, item: &Item) {
        let (text, heading) = (&item.text, self.here.heading.to_lowercase());
        let lower = text.plain.to_lowercase();
        if self.fee(text) || self.event(text, &heading) || self.term(text) {
            return;
        }
        if heading.contains("live routes") {
            return self.route_line(&text.plain);
        }
        let item_route = text.code.iter().map(String::as_str).chain([text.plain.as_str()]).find_map(route);
        match self.here.role.unwrap_or(Role::Prose) {
            Role::NotExposed => {
                for path in routes_in(&text.plain) {
                    self.state(Fact::NotExposed { route: path });
                }
            }
            Role::Exposed => {
                for operation in routes_in(&text.plain).into_iter().filter(|found| found.contains(' ')) {
                    self.state(Fact::Operation { operation });
                }
            }
            _ if heading.contains("required header") && item_route.is_some() => {
                self.here.routes.extend(item_route);
            }
            Role::Parameters => {
                if let Some(name) = first_name(text) {
                    self.parameter(&name);
                }
            }
            // A list that begins with a route is about that.
            Role::Fields(..) if item_route.is_some() && !self.here.own_section => self.here.operation = item_route,
            Role::Fields(direction, guaranteed) => {
                self.field_item(text, direction, guaranteed && !lower.starts_with("optional"))
            }
            Role::NotGuaranteed => {
                for path in text.code.iter().filter(|code| is_path(code)).cloned().collect::<Vec<_>>() {
                    // The second half of such a list names the schema that lacks them.
                    if !lower.contains("present in") && !lower.contains("assume") {
                        self.with_operation(|operation| Fact::NotGuaranteed { operation, path });
                    }
                }
            }
            Role::ResponseNotes => {
                for code in &text.code {
                    match serde_json::from_str::<Value>(code) {
                        Ok(json) if json.is_object() => {
                            let operation = self.here.operation.clone().unwrap_or_default();
                            self.example_facts(&operation, Direction::Response, &json, "", false);
                        }
                        _ if is_word(code) && code.contains('_') && code != "term_types" => {
                            self.field(Direction::Response, code, false)
                        }
                        _ => {}
                    }
                }
            }
            Role::Prose => {
                if lower.contains("same top-level fields") || lower.contains("shape") && !text.code.is_empty() {
                    self.here.said = true;
                }
            }
        }
    }

    fn field_item(&mut self, text: &Text, direction: Direction, guaranteed: bool) {
        if text.plain.to_lowercase().contains("same top-level fields") {
            self.here.said = true;
            return;
        }
        let Some(name) = first_name(text) else { return };
        if text.plain.to_lowercase().contains("parameter") {
            return self.parameter(&name);
        }
        let path = format!("{}{name}", self.here.prefix);
        self.here.listed.push(path.trim_end_matches("[]").to_owned());
        self.field(direction, &path, guaranteed);
    }

    fn field(&mut self, direction: Direction, path: &str, guaranteed: bool) {
        let path = path.trim_end_matches("[]").to_owned();
        let same = path.clone();
        self.with_operation(|operation| Fact::Field { operation, direction, path });
        if guaranteed {
            self.with_operation(|operation| Fact::Guaranteed { operation, direction, path: same });
        }
    }

    fn parameter(&mut self, name: &str) {
        let name = name.to_owned();
        self.with_operation(|operation| Fact::Parameter { operation, name });
    }

    fn fields(&mut self, name: &str, items: &[Item]) {
        let lower = name.to_lowercase();
        for item in items {
            self.here.line = item.line;
            self.mentions(&item.text);
            let Some(name) = first_name(&item.text) else { continue };
            let direction = if lower.contains("response") { Direction::Response } else { Direction::Request };
            if lower.contains("json") {
                self.field(direction, &name, false);
            } else if lower.contains("header") {
                let name = name.clone();
                self.with_operation(|operation| Fact::RequiredHeader { operation, name });
            } else if lower.contains("param") {
                self.parameter(&name);
            }
            let (_, words) = item.text.plain.split_once(name.as_str()).unwrap_or_default();
            if let Some((kind, _)) = words.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')')) {
                let (path, kind) = (name.clone(), kind.trim().to_owned());
                if ["string", "integer", "number", "boolean", "object", "array"].contains(&kind.as_str()) {
                    self.with_operation(|operation| Fact::FieldType { operation, direction, path, kind });
                }
            }
            if words.to_lowercase().contains("must be") {
                for value in item.text.code.iter().filter(|code| is_word(code)).cloned().collect::<Vec<_>>() {
                    let path = name.clone();
                    self.with_operation(|operation| Fact::EnumValue { operation, direction, path, value });
                }
            }
        }
    }

    // ------------------------------------------------------------ lists with a subject of their own

    /// "up to `100000 UGX`: `500 UGX`".
    fn fee(&mut self, text: &Text) -> bool {
        let is_money = |code: &String| {
            let mut words = code.split(' ');
            let digits =
                words.next().is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
            digits
                && words
                    .next()
                    .is_some_and(|currency| currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase()))
        };
        if text.code.len() < 2 || !text.code.iter().all(is_money) {
            return false;
        }
        let (fee, limits) = (text.code.last().cloned().unwrap_or_default(), &text.code[..text.code.len() - 1]);
        let bounded = text.plain.to_lowercase().contains("up to");
        let limit = match limits {
            [from, to] => format!("above {from} up to {to}"),
            [only] if bounded => format!("up to {only}"),
            _ => format!("above {}", limits.join(" ")),
        };
        self.state(Fact::Fee { limit, fee });
        true
    }

    fn event(&mut self, text: &Text, heading: &str) -> bool {
        let listing = heading.contains("event") || self.here.label.contains("event");
        let is_event = |code: &&String| code.split(['.', '-']).all(is_word) && text.plain.starts_with(code.as_str());
        let events: Vec<String> = text.code.iter().filter(is_event).cloned().collect();
        if !listing || events.len() != text.code.len() || events.is_empty() {
            return false;
        }
        events.into_iter().for_each(|name| self.state(Fact::Event { name }));
        true
    }

    /// What a kind of term wants in `data`, and what an escrow may wait for.
    fn term(&mut self, text: &Text) -> bool {
        let Some(first) = text.code.first().cloned() else { return false };
        let label = self.here.label.clone();
        let key_of = |code: &str| code.split(':').next().unwrap_or_default().trim().to_owned();
        if label.contains("required_actions") && is_word(&first) {
            self.state(Fact::RequiredAction { action: first.clone(), key: String::new() });
            for code in text.code.iter().skip(1).filter(|code| is_word(code)) {
                self.state(Fact::RequiredAction { action: first.clone(), key: code.clone() });
            }
            return true;
        }
        if !label.contains("payloads") {
            return false;
        }
        let words = label.replace(['-', ' '], "_");
        let about = self.knowledge.term_types.iter().find(|term| words.starts_with(term.as_str())).cloned();
        let lower = text.plain.to_lowercase();
        match about {
            Some(term_type) => {
                if ["send", "include"].iter().any(|verb| lower.contains(verb)) && !lower.contains(" not ") {
                    for code in text.code.iter().map(|code| key_of(code)).filter(|code| is_word(code)) {
                        self.state(Fact::TermKey { term_type: term_type.clone(), key: code });
                    }
                }
            }
            None if is_word(&first) => {
                self.state(Fact::TermKey { term_type: first.clone(), key: String::new() });
                for code in text.code.iter().skip(1).map(|code| key_of(code)).filter(|code| is_word(code)) {
                    self.state(Fact::TermKey { term_type: first.clone(), key: code });
                }
            }
            None => return false,
        }
        true
    }

    /// "OTP request: POST /api/request-otp (HTML docs may show /api/auth/request-otp)".
    fn route_line(&mut self, line: &str) {
        let (live, old) = line.split_once('(').unwrap_or((line, ""));
        self.live_and_old(live, old);
    }

    fn live_and_old(&mut self, live: &str, old: &str) {
        let live_routes = routes_in(live);
        for operation in live_routes.iter().filter(|found| found.contains(' ')) {
            self.state(Fact::Operation { operation: operation.clone() });
        }
        let lower = live.to_lowercase();
        let denied = ["not ", "no "].iter().any(|word| lower.starts_with(word) || lower.contains(&format!(" {word}")));
        let exist = !denied && !live_routes.iter().any(|found| found.contains(' '));
        let listed = routes_in(old);
        for route in listed.iter().chain(live_routes.iter().filter(|found| !found.contains(' '))) {
            if exist {
                // Without a method: something at this path is live.
                self.state(Fact::Path { path: route.split(' ').next_back().unwrap_or_default().to_owned() });
            } else if !live_routes.contains(route) {
                self.state(Fact::NotExposed { route: route.clone() });
            }
        }
    }

    fn table(&mut self, rows: &[Vec<Text>]) {
        let Some(header) = rows.first() else { return };
        let column = |words: &str| header.iter().position(|cell| cell.plain.to_lowercase().contains(words));
        for cell in rows.iter().flatten() {
            self.mentions(cell);
        }
        if let Some(currency) = column("currency") {
            for row in &rows[1..] {
                let operation = row.first().and_then(|cell| self.by_words(&cell.plain.to_lowercase()));
                let cells = [row.get(currency), row.get(currency + 1)].into_iter().flatten();
                for path in cells.filter_map(|cell| cell.code.first()).filter(|code| is_path(code)) {
                    if let Some(operation) = operation.clone() {
                        self.state(Fact::Field { operation, direction: Direction::Request, path: path.clone() });
                    }
                }
            }
        }
        let (old, live) = (column("may show").or(column("older")), column("live").or(column("today")));
        if let (Some(old), Some(live)) = (old, live) {
            for row in &rows[1..] {
                if let (Some(old), Some(live)) = (row.get(old), row.get(live)) {
                    self.live_and_old(&live.plain, &old.plain);
                }
            }
        }
    }

    /// A section about a required header lists the routes that require it.
    fn routes_with_headers(&mut self, title: &str) {
        if !title.to_lowercase().contains("required header") {
            return;
        }
        for operation in std::mem::take(&mut self.here.routes) {
            for name in self.here.headers.clone() {
                self.state(Fact::RequiredHeader { operation: operation.clone(), name });
            }
        }
    }

    // ------------------------------------------------------------ code

    fn code(&mut self, code: &str) {
        let lines: Vec<&str> = code.lines().map(str::trim).collect();
        let first = lines.iter().copied().find(|line| !line.is_empty()).unwrap_or_default();
        let heading = self.here.heading.to_lowercase();
        if let Some(operation) = route(first).filter(|_| first.contains("HTTP/")) {
            return self.http(&operation, code, &lines);
        }
        if first.starts_with(['{', '[']) {
            return self.json(code, None);
        }
        self.base_urls(code);
        if heading.contains("webhook") {
            let names = lines.iter().filter(|line| line.to_lowercase().starts_with("x-") && !line.contains(' '));
            names.for_each(|name| self.state(Fact::WebhookHeader { name: (*name).trim_end_matches(':').to_owned() }));
            return;
        }
        let headers: Vec<(String, bool)> =
            lines.iter().filter(|line| !line.is_empty()).filter_map(|line| header(line)).collect();
        if !headers.is_empty() && headers.len() == lines.iter().filter(|line| !line.is_empty()).count() {
            for (name, _) in headers {
                self.state(Fact::Header { name: name.clone() });
                if !["api-key", "content-type"].contains(&name.to_lowercase().as_str()) {
                    self.here.headers.push(name);
                }
            }
        }
    }

    /// A whole HTTP request: headers, and a JSON or form body.
    fn http(&mut self, operation: &str, code: &str, lines: &[&str]) {
        self.state(Fact::Operation { operation: operation.to_owned() });
        let host = lines.iter().find_map(|line| line.strip_prefix("Host:")).map(str::trim);
        if let Some(host) = host.filter(|host| !host.is_empty() && code.contains(" /api/")) {
            self.state(Fact::BaseUrl { url: format!("https://{host}/api") });
        }
        for (name, _) in
            lines.iter().skip(1).take_while(|line| !line.starts_with(['{', '['])).filter_map(|line| header(line))
        {
            if !["host", "content-type", "content-length", "user-agent"].contains(&name.to_lowercase().as_str()) {
                self.state(Fact::RequiredHeader { operation: operation.to_owned(), name });
            }
        }
        if let Some(at) = code.find('{') {
            return self.json(&code[at..], Some(operation));
        }
        let form = lines.iter().rev().find(|line| line.contains('=') && !line.contains(' '));
        for pair in form.into_iter().flat_map(|form| form.split('&')) {
            if let Some((name, value)) = pair.split_once('=') {
                self.state(Fact::Parameter { operation: operation.to_owned(), name: name.to_owned() });
                // A placeholder is in capitals; a word may be a value of an open enum.
                if is_word(value) {
                    let (operation, path, value) = (operation.to_owned(), name.to_owned(), value.to_owned());
                    self.state(Fact::EnumValue { operation, direction: Direction::Request, path, value });
                }
            }
        }
    }

    fn json(&mut self, code: &str, request_of: Option<&str>) {
        let json: Value = match serde_json::from_str(code.trim()) {
            Ok(json) => json,
            Err(error) => return self.puzzle(format!("a JSON example does not parse: {error}")),
        };
        let heading = self.here.heading.to_lowercase();
        let (operation, direction) = if let Some(operation) = request_of {
            (operation.to_owned(), Direction::Request)
        } else if heading.contains("payload") && json.get("event").or(json.get("data")).is_some() {
            ("webhook".to_owned(), Direction::Request)
        } else {
            match self.belongs(&json) {
                Some(place) => place,
                None => return self.puzzle("a JSON example that belongs to no operation".to_owned()),
            }
        };
        let guaranteed =
            self.here.role == Some(Role::Fields(Direction::Response, true)) && direction == Direction::Response;
        if let Some(name) = json["event"].as_str().filter(|_| operation == "webhook") {
            self.state(Fact::Event { name: name.to_owned() });
        }
        self.example_facts(&operation, direction, &json, "", guaranteed);
        if let (Some(term_type), Some(data)) = (json["term_type"].as_str(), json["data"].as_object()) {
            for key in data.keys() {
                self.state(Fact::TermKey { term_type: term_type.to_owned(), key: key.clone() });
            }
        }
        let Here { heading, anchor, line, .. } = &self.here;
        let (heading, anchor, line) = (heading.clone(), anchor.clone(), *line);
        self.found.examples.push(Example {
            operation,
            direction,
            json,
            page: self.page.to_owned(),
            heading,
            anchor,
            line,
        });
        self.here.said = true;
    }

    /// The operation of the section, unless the example has hardly a key of it and all those of another.
    fn belongs(&self, json: &Value) -> Option<(String, Direction)> {
        let keys: BTreeSet<&str> = json.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        let fit =
            |shape: &Shape| keys.iter().filter(|key| shape.keys.contains(**key)).count() * 100 / keys.len().max(1);
        let says = match self.here.role {
            Some(Role::Fields(direction, _)) => Some(direction),
            _ => None,
        };
        let mine = |shape: &&Shape| {
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

    fn example_facts(&mut self, operation: &str, direction: Direction, json: &Value, path: &str, guaranteed: bool) {
        match json {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    self.state(if operation == "webhook" {
                        Fact::WebhookField { path: path.clone() }
                    } else {
                        Fact::Field { operation: operation.to_owned(), direction, path: path.clone() }
                    });
                    if guaranteed {
                        self.state(Fact::Guaranteed { operation: operation.to_owned(), direction, path: path.clone() });
                    }
                    let kind = kind(value).to_owned();
                    self.state(Fact::ExampleType {
                        operation: operation.to_owned(),
                        direction,
                        path: path.clone(),
                        kind,
                    });
                    self.example_facts(operation, direction, value, &path, guaranteed);
                }
            }
            Value::Array(items) => items
                .iter()
                .for_each(|item| self.example_facts(operation, direction, item, &format!("{path}[]"), guaranteed)),
            _ => {}
        }
    }

    // ------------------------------------------------------------ bookkeeping

    fn by_words(&self, lower: &str) -> Option<String> {
        let words = lower.replace(['-', '_'], " ");
        let named = self.knowledge.resources.iter().filter(|resource| words.contains(&resource.name));
        let resource = named.max_by_key(|resource| resource.name.len())?;
        let method = |wanted: &str| resource.methods.iter().find(|(name, _)| name == wanted);
        let named = resource.methods.iter().find(|(name, _)| words.split(' ').any(|word| word == name));
        named.or_else(|| method("create")).map(|(_, operation)| operation.clone())
    }

    fn with_operation(&mut self, fact: impl FnOnce(String) -> Fact) {
        if let Some(operation) = self.here.operation.clone() {
            self.here.said = true;
            self.state(fact(operation));
        }
    }

    fn state(&mut self, fact: Fact) {
        let Here { heading, anchor, line, .. } = &self.here;
        let stated =
            Stated { fact, page: self.page.to_owned(), heading: heading.clone(), anchor: anchor.clone(), line: *line };
        // Once for each list, table or example: what one of several places drops must be missed too.
        if self.here.stated.insert(stated.fact.clone()) {
            self.found.facts.push(stated);
        }
    }

    fn puzzle(&mut self, message: String) {
        let Here { heading, anchor, line, .. } = &self.here;
        self.found.puzzles.push(Puzzle { message, heading: heading.clone(), anchor: anchor.clone(), line: *line });
    }
}

/// What the words before something say that it is.
fn role(lower: &str) -> Role {
    let has = |word: &str| lower.contains(word);
    if has("not expose") || has("older paths") {
        Role::NotExposed
    } else if has("exposes") || has("routes:") {
        Role::Exposed
    } else if has("mismatch") || has("not guaranteed") {
        Role::NotGuaranteed
    } else if has("parameter") || has("filter") {
        Role::Parameters
    } else if has("response notes") {
        Role::ResponseNotes
    } else if has("response") || has("fields returned") {
        Role::Fields(Direction::Response, has("guarantee"))
    } else if has("request") && !has("http request") {
        Role::Fields(Direction::Request, has("guarantee"))
    } else {
        Role::Prose
    }
}

/// `POST /api/token HTTP/1.1` as `POST /token`.
fn route(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let method = words.next().filter(|word| METHODS.contains(word))?;
    let path = words.next().filter(|word| word.starts_with('/'))?;
    Some(format!("{method} {}", without_server(path)))
}

fn without_server(path: &str) -> &str {
    path.strip_prefix("/api").filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// Every route in running text; without its method where it has none.
fn routes_in(text: &str) -> Vec<String> {
    let clean = |word: &str| word.trim_matches(|c: char| "`.,;()".contains(c)).to_owned();
    let words: Vec<String> = text.split_whitespace().map(clean).collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate().filter(|(_, word)| word.starts_with('/') && word.len() > 1) {
        let method =
            at.checked_sub(1).and_then(|before| words.get(before)).filter(|word| METHODS.contains(&word.as_str()));
        found.push(match method {
            Some(method) => format!("{method} {}", without_server(word)),
            None => without_server(word).to_owned(),
        });
    }
    found
}

/// The name that a list item is about: its first code or bold part, if that is a name.
fn first_name(text: &Text) -> Option<String> {
    let name = text.strong.first().or(text.code.first())?;
    let name = name.split([' ', ':', '(']).next().unwrap_or_default();
    is_path(name).then(|| name.to_owned())
}

/// `v2`.
fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// `recipients[].amount`.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(|part| is_word(part.strip_suffix("[]").unwrap_or(part)))
}

/// `api-key: VALUE`.
fn header(line: &str) -> Option<(String, bool)> {
    let (name, value) = line.split_once(':')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_name && value.starts_with(' ')).then(|| (name.to_owned(), true))
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
