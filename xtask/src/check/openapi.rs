//! The backend's own `/openapi.json` as a source: FastAPI's document, read into the facts that a page would state.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::{
    compare::{array, object},
    document::{Document, Section, Text},
    extract::{Extracted, Part, Puzzle},
    fact::{Direction, Fact, Field, List, Stated},
};
use crate::contract::{Contract, Found, Operation, strings, text_of};
use crate::report::DocPlace;

/// Name of the source, as the contract has it.
pub(super) const PAGE: &str = "backend";
/// Paths below this are public; the rest serves the web application.
const PREFIX: &str = "/api";
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

const BYTES: usize = 20_000_000;
const TIMEOUT: Duration = Duration::from_secs(30);
/// Before the second and further attempts.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// How deep fields of fields are followed.
const DEEPEST: usize = 8;

pub(crate) fn read(address: &str, contract: &Contract) -> Result<(Document, Extracted)> {
    let bytes = if address.contains("://") { download(address)? } else { load(address)? };
    let text = String::from_utf8(bytes).with_context(|| format!("{address} is not text"))?;
    extract(&text, contract).with_context(|| format!("{address} is not the backend's /openapi.json"))
}

// ------------------------------------------------------------ bytes

fn load(file: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(BYTES)?;
    let open = fs::File::open(file).with_context(|| file.to_owned())?;
    open.take(limit).read_to_end(&mut bytes).with_context(|| file.to_owned())?;
    ensure!(bytes.len() < BYTES, "{file} is too long: {BYTES} bytes or more");
    Ok(bytes)
}

fn download(url: &str) -> Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bytes = runtime.block_on(async {
        let answer = tokio::time::timeout(TIMEOUT, attempts(url)).await;
        answer.unwrap_or_else(|_| bail!("{url}: no whole answer within {} s", TIMEOUT.as_secs()))
    });
    // A look-up of a host that hangs must not outlast the limits.
    runtime.shutdown_background();
    bytes
}

async fn attempts(url: &str) -> Result<Vec<u8>> {
    let url = reqwest::Url::parse(url).with_context(|| format!("`{url}` is not a URL"))?;
    ensure!(matches!(url.scheme(), "http" | "https"), "`{url}` is neither http:// nor https://");
    let mut builder = reqwest::Client::builder().user_agent("piaxis-xtask/0 (contract check)");
    // A proxy of the environment cannot reach a server on this machine.
    if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        builder = builder.no_proxy();
    }
    let client = builder.build().context("no HTTP client")?;
    let mut pauses = PAUSES.iter();
    loop {
        let answer = attempt(&client, &url).await;
        match (answer, pauses.next()) {
            (Err(failure), Some(pause)) if failure.passing => tokio::time::sleep(*pause).await,
            (answer, _) => return answer.map_err(|failure| failure.problem.context(url.to_string())),
        }
    }
}

struct Failure {
    problem: anyhow::Error,
    /// Another attempt may do better.
    passing: bool,
}

async fn attempt(client: &reqwest::Client, url: &reqwest::Url) -> Result<Vec<u8>, Failure> {
    let broken = |error: reqwest::Error| Failure {
        problem: anyhow::Error::new(error.without_url()).context("the connection failed"),
        passing: true,
    };
    let mut response = client.get(url.clone()).send().await.map_err(broken)?;
    let status = response.status();
    if status != reqwest::StatusCode::OK {
        return Err(Failure { problem: anyhow::anyhow!("HTTP {status}"), passing: status.is_server_error() });
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= BYTES {
            let problem = anyhow::anyhow!("too long: {BYTES} bytes or more");
            return Err(Failure { problem, passing: false });
        }
    }
    Ok(bytes)
}

// ------------------------------------------------------------ facts

fn extract(text: &str, contract: &Contract) -> Result<(Document, Extracted)> {
    let text = text.trim_start_matches('\u{feff}');
    let json: Value = serde_json::from_str(text).context("it is no JSON")?;
    ensure!(text_of(&json, "openapi").starts_with("3."), "it is no OpenAPI 3 document");
    ensure!(json["paths"].is_object(), "it has no `paths`");
    let mut reader = Reader {
        json: &json,
        contract,
        document: Document { name: PAGE.to_owned(), sections: Vec::new() },
        found: Extracted::default(),
        claims: BTreeSet::new(),
        heading: String::new(),
        line: 1,
    };
    let private = strings(&contract.document["x-piaxis-private-routes"]);
    let lines = lines_of_paths(text, &json);
    for (full, item) in object(&json["paths"]) {
        let Some(path) = full.strip_prefix(PREFIX).filter(|path| path.starts_with('/')) else { continue };
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let name = format!("{} {path}", method.to_uppercase());
            if private.contains(&name) {
                continue;
            }
            reader.line = lines.get(full).copied().unwrap_or(1);
            reader.operation(&name, item, operation);
        }
    }
    ensure!(reader.found.sections() > 0, "no path of it begins with {PREFIX}/");
    Ok((reader.document, reader.found))
}

/// The line that each path stands on; paths are searched after `"paths"`, so that links to them do not count.
fn lines_of_paths(text: &str, json: &Value) -> BTreeMap<String, usize> {
    let start = text.find("\"paths\"").unwrap_or(0);
    let mut lines = BTreeMap::new();
    for (path, _) in object(&json["paths"]) {
        let quoted = Value::from(path.as_str()).to_string();
        let key = |at: &usize| text.get(at + quoted.len()..).is_some_and(|rest| rest.trim_start().starts_with(':'));
        let found = text.get(start..).unwrap_or_default().match_indices(&quoted).map(|(at, _)| start + at).find(key);
        if let Some(at) = found {
            lines.insert(path.clone(), text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1);
        }
    }
    lines
}

/// One schema of the document: where it stands, and the component that it belongs to.
#[derive(Clone)]
struct Place<'a> {
    schema: &'a Value,
    owner: String,
}

struct Reader<'a> {
    json: &'a Value,
    contract: &'a Contract,
    document: Document,
    found: Extracted,
    /// What was stated already. A component that several operations share makes each of its claims once, unless the
    /// contract has different schemas there.
    claims: BTreeSet<(String, String)>,
    heading: String,
    line: usize,
}

impl<'a> Reader<'a> {
    fn operation(&mut self, name: &str, item: &'a Value, operation: &'a Value) {
        name.clone_into(&mut self.heading);
        let title = Text { plain: name.to_owned(), code: vec![name.to_owned()], strong: Vec::new() };
        let section = Section { title, anchor: String::new(), line: self.line, blocks: Vec::new() };
        self.document.sections.push(section);
        let (heading, line, operation_name) = (self.heading.clone(), self.line, Some(name.to_owned()));
        self.found.parts.push(Part { heading, line, operation: operation_name, ..Part::default() });
        self.state(Fact::Operation(name.to_owned()));
        if !operation.is_object() {
            return self.puzzle("the operation is no object");
        }
        self.found.parts.iter_mut().for_each(|part| part.is_understood |= part.heading == name);
        // The missing operation is the finding; its parts would only repeat it.
        let contract: &'a Contract = self.contract;
        let Some(known) = contract.operation(name) else { return };
        // From here on by the contract's name; names of path parameters make no difference.
        for parameter in array(&item["parameters"]).chain(array(&operation["parameters"])) {
            let parameter = self.resolve(parameter);
            self.parameter(known, parameter);
        }
        let body = self.resolve(&operation["requestBody"]);
        for (kind, media) in object(&body["content"]) {
            let place = Place { schema: &media["schema"], owner: format!("{name} request") };
            if kind.contains("json") {
                self.fields(known, Direction::Request, &place, "", &mut Vec::new());
            } else if kind.contains("form") {
                self.form(known, &place);
            } else {
                self.puzzle(&format!("a body of the kind `{kind}`"));
            }
        }
        // The generated 422s are no statement about the operation.
        let success = object(&operation["responses"]).find(|(status, _)| status.starts_with('2'));
        if let Some((_, response)) = success {
            let response = self.resolve(response);
            for (_, media) in object(&response["content"]).filter(|(kind, _)| kind.contains("json")) {
                let place = Place { schema: &media["schema"], owner: format!("{name} response") };
                self.fields(known, Direction::Response, &place, "", &mut Vec::new());
            }
        }
    }

    fn parameter(&mut self, operation: &Operation, parameter: &'a Value) {
        let name = text_of(parameter, "name").to_owned();
        match (text_of(parameter, "in"), parameter["required"] == true) {
            ("query", _) => {
                self.values(operation, Direction::Request, &name, &parameter["schema"]);
                self.state(Fact::Parameter(operation.name.clone(), name));
            }
            ("header", true) => self.state(Fact::RequiredHeader(operation.name.clone(), name)),
            ("header", false) if self.claims.insert((String::new(), name.to_lowercase())) => {
                self.state(Fact::Listed(List::Header, name));
            }
            _ => {}
        }
    }

    /// The schema of a form is only wrapping that FastAPI makes up (`Body_…`); what counts is the names in it.
    fn form(&mut self, operation: &Operation, place: &Place<'a>) {
        let mut names = BTreeSet::new();
        for part in self.parts(place) {
            names.extend(object(&part.schema["properties"]).map(|(name, _)| name.clone()));
        }
        let pointers = self.contract.parameters(operation);
        let known: Vec<&str> = pointers.iter().map(|pointer| text_of(self.contract.at(pointer), "name")).collect();
        for name in names {
            if known.contains(&name.as_str()) {
                self.state(Fact::Parameter(operation.name.clone(), name));
            } else {
                self.field(operation, Direction::Request, name);
            }
        }
    }

    /// States the fields below a schema. `above` are the components on the way to it, against endless recursion.
    fn fields(
        &mut self,
        operation: &Operation,
        direction: Direction,
        place: &Place<'a>,
        prefix: &str,
        above: &mut Vec<String>,
    ) {
        if above.len() > DEEPEST {
            return;
        }
        for part in self.parts(place) {
            if above.contains(&part.owner) {
                continue;
            }
            above.push(part.owner.clone());
            if let Some(items) = part.schema.get("items") {
                let path = format!("{prefix}[]");
                let inner = Place { schema: items, owner: format!("{}[]", part.owner) };
                // A list in place of an object is one claim; elsewhere the field that holds the list is stated.
                if prefix.is_empty() {
                    if self.is_known(operation, direction, &path) {
                        self.fields(operation, direction, &inner, &path, above);
                    } else if !self.parts(&inner).is_empty() {
                        self.field(operation, direction, path);
                    }
                } else {
                    self.fields(operation, direction, &inner, &path, above);
                }
            }
            for (name, schema) in object(&part.schema["properties"]) {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                let claim = (format!("{}.{name}", part.owner), self.container(operation, direction, prefix));
                if self.claims.insert(claim) {
                    self.field(operation, direction, path.clone());
                    self.values(operation, direction, &path, schema);
                    let needed = array(&part.schema["required"]).any(|required| required == name.as_str());
                    if direction == Direction::Request && needed {
                        self.state(Fact::Required(Field::new(&operation.name, direction, &path)));
                    }
                }
                // What is inside a field that the contract lacks would only repeat that.
                if self.is_known(operation, direction, &path) {
                    let inner = Place { schema, owner: format!("{}.{name}", part.owner) };
                    self.fields(operation, direction, &inner, &path, above);
                }
            }
            above.pop();
        }
    }

    fn field(&mut self, operation: &Operation, direction: Direction, path: String) {
        self.state(Fact::Field(Field::new(&operation.name, direction, &path)));
    }

    /// States the types and the named values of a field or parameter.
    fn values(&mut self, operation: &Operation, direction: Direction, path: &str, schema: &'a Value) {
        let name = &operation.name;
        let (mut kinds, mut values) = (BTreeSet::new(), BTreeSet::new());
        let typed = self.add_values(schema, 0, &mut kinds, &mut values);
        if typed && !kinds.is_empty() {
            let kind = kinds.into_iter().collect::<Vec<_>>().join("|");
            self.state(Fact::Type(Field::new(name, direction, path), kind));
        }
        for value in values {
            // One open enum of the contract learns a value once, wherever it comes.
            let parameters = self.contract.parameters(operation).into_iter();
            let mut query = parameters.filter(|pointer| text_of(self.contract.at(pointer), "name") == path);
            let place = match (query.next_back(), self.contract.field(operation, direction, path)) {
                (Some(pointer), _) => self.contract.resolve(&format!("{pointer}/schema")),
                (None, Found::Field { pointer }) => self.contract.resolve(&pointer),
                (None, Found::Free | Found::Nothing) => format!("{name} {path}"),
            };
            if self.claims.insert((value.clone(), place)) {
                self.state(Fact::Value(Field::new(name, direction, path), value));
            }
        }
    }

    /// Whether the schema says its types at all.
    fn add_values(
        &mut self,
        schema: &'a Value,
        depth: usize,
        kinds: &mut BTreeSet<String>,
        values: &mut BTreeSet<String>,
    ) -> bool {
        let schema = self.resolve(schema);
        let constant = schema.get("const").into_iter();
        values.extend(array(&schema["enum"]).chain(constant).filter_map(Value::as_str).map(str::to_owned));
        if let Some(kind) = schema["type"].as_str() {
            kinds.insert(kind.to_owned());
            return true;
        }
        kinds.extend(strings(&schema["type"]));
        let mut typed = schema["type"].is_array();
        let variants: Vec<&'a Value> =
            ["anyOf", "oneOf", "allOf"].iter().flat_map(|key| array(&schema[*key])).collect();
        if depth < DEEPEST && !variants.is_empty() {
            // All of them add their values, also behind one that says nothing.
            let said: Vec<bool> =
                variants.into_iter().map(|one| self.add_values(one, depth + 1, kinds, values)).collect();
            typed = said.into_iter().all(|said| said);
        }
        typed
    }

    /// Whether the contract has fields to compare with there.
    fn is_known(&self, operation: &Operation, direction: Direction, path: &str) -> bool {
        matches!(self.contract.field(operation, direction, path), Found::Field { .. })
    }

    /// Where the contract declares what holds the fields of this prefix.
    fn container(&self, operation: &Operation, direction: Direction, prefix: &str) -> String {
        let Some(body) = self.contract.body(operation, direction) else { return String::new() };
        if prefix.is_empty() {
            return self.contract.resolve(&body);
        }
        match self.contract.field(operation, direction, prefix) {
            Found::Field { pointer } => {
                let last = prefix.rsplit('.').next().unwrap_or_default();
                let inner = |pointer: String, _| self.contract.resolve(&format!("{pointer}/items"));
                last.matches("[]").fold(self.contract.resolve(&pointer), inner)
            }
            Found::Free | Found::Nothing => body,
        }
    }

    // ------------------------------------------------------------ schemas

    /// What a schema may be, nulls and references aside.
    fn parts(&mut self, place: &Place<'a>) -> Vec<Place<'a>> {
        let mut found = Vec::new();
        self.add_parts(place, 0, &mut found);
        found
    }

    fn add_parts(&mut self, place: &Place<'a>, depth: usize, found: &mut Vec<Place<'a>>) {
        if depth > 2 * DEEPEST {
            return;
        }
        let schema = place.schema;
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.resolve(schema);
            let owner = reference.rsplit('/').next().unwrap_or(reference).to_owned();
            return self.add_parts(&Place { schema: target, owner }, depth + 1, found);
        }
        let variants = ["anyOf", "oneOf", "allOf"].iter().flat_map(|key| array(&schema[*key]));
        for variant in variants.filter(|variant| variant["type"] != "null") {
            self.add_parts(&Place { schema: variant, owner: place.owner.clone() }, depth + 1, found);
        }
        if schema.get("properties").is_some() || schema.get("items").is_some() {
            found.push(place.clone());
        }
    }

    fn resolve(&mut self, node: &'a Value) -> &'a Value {
        let json: &'a Value = self.json;
        let mut node = node;
        for _ in 0..32 {
            let Some(reference) = node.get("$ref").and_then(Value::as_str) else { return node };
            match reference.strip_prefix('#').and_then(|pointer| json.pointer(pointer)) {
                Some(target) => node = target,
                None => {
                    self.puzzle(&format!("`{reference}` leads nowhere"));
                    return &Value::Null;
                }
            }
        }
        &Value::Null
    }

    // ------------------------------------------------------------ results

    fn place(&self) -> DocPlace {
        let (page, heading) = (PAGE.to_owned(), self.heading.clone());
        DocPlace { page, heading, anchor: String::new(), line: self.line }
    }

    fn state(&mut self, fact: Fact) {
        let place = self.place();
        self.found.facts.push(Stated { fact, place });
    }

    fn puzzle(&mut self, message: &str) {
        let puzzle = Puzzle { message: message.to_owned(), place: self.place() };
        if !self.found.puzzles.iter().any(|other| other.message == puzzle.message) {
            self.found.puzzles.push(puzzle);
        }
    }
}
