//! Set arithmetic: what the documents state against what the contract says, both ways, and the recorded deviations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    document::{self, Document},
    examples,
    extract::Extracted,
    fact::{Direction, Example, Fact, Stated},
};
use crate::{
    contract::{Contract, Deviation, Found, Operation, strings, text_of, unnamed},
    report::{Accepted, Coverage, DocPlace, DocsCoverage, Finding, Kind, Report, SpecPlace},
};

/// Headers that every HTTP client sends.
const EVERYDAY_HEADERS: [&str; 5] = ["accept", "authorization", "content-type", "host", "user-agent"];

/// A finding and the node of the contract that it is about, by which a deviation may cover it.
struct Disagreement {
    finding: Finding,
    pointer: String,
    /// The body that the field is in, however deep: a guarantee of it covers what is inside.
    body: Option<String>,
    page: Option<String>,
}

pub(crate) struct Comparison<'a> {
    contract: &'a Contract,
    pages: &'a [(Document, Extracted)],
    found: Vec<Disagreement>,
    agreed: usize,
}

pub(crate) fn compare(contract: &Contract, pages: &[(Document, Extracted)]) -> Report {
    let mut comparison = Comparison { contract, pages, found: Vec::new(), agreed: 0 };
    let stated: Vec<&Stated> = pages.iter().flat_map(|(_, page)| &page.facts).collect();
    // Several places may state one fact; what is wrong with it is said once.
    let mut seen = BTreeSet::new();
    for fact in stated.iter().filter(|stated| seen.insert(&stated.fact)) {
        comparison.documented(fact);
    }
    // What the backend says is no proof that a page still says it.
    let pages: Vec<&Stated> = stated.iter().copied().filter(|stated| stated.page != "backend").collect();
    comparison.undocumented(&pages);
    comparison.examples();
    comparison.new_terms();
    comparison.puzzles();
    comparison.finish()
}

impl Comparison<'_> {
    // ------------------------------------------------------------ documents -> contract

    fn documented(&mut self, stated: &Stated) {
        let before = self.found.len();
        match &stated.fact {
            Fact::Operation { operation } => self.operation_exists(stated, operation),
            Fact::Field { operation, direction, path } => self.field_exists(stated, operation, *direction, path),
            Fact::Guaranteed { operation, direction, path } => self.guaranteed(stated, operation, *direction, path),
            Fact::NotGuaranteed { operation, path } => self.not_guaranteed(stated, operation, path),
            Fact::FieldType { operation, direction, path, kind } => {
                self.type_fits(stated, operation, *direction, path, kind);
            }
            Fact::EnumValue { operation, direction, path, value } => {
                self.value_is_named(stated, operation, *direction, path, value);
            }
            Fact::RequiredField { operation, path } => self.is_sent(stated, operation, path),
            Fact::Parameter { operation, name } => self.parameter_exists(stated, operation, name),
            Fact::RequiredHeader { operation, name } => self.required_header(stated, operation, name),
            Fact::Header { name } => {
                if !EVERYDAY_HEADERS.contains(&name.to_lowercase().as_str())
                    && !self.headers().contains(&name.to_lowercase())
                {
                    self.missing(
                        stated,
                        Kind::HeaderMissing,
                        None,
                        Some(name),
                        &format!("the header `{name}` is documented, but not in the contract"),
                        "",
                    );
                }
            }
            // Examples are validated as a whole; their types matter to the lock.
            Fact::ExampleType { .. } => {}
            Fact::NotExposed { route } => self.not_exposed(stated, route),
            Fact::Path { path } => {
                let known = self.contract.operations.iter().any(|operation| {
                    operation.name.split_once(' ').is_some_and(|(_, own)| unnamed(own) == unnamed(path))
                });
                if !known {
                    let message = format!("the path `{path}` is documented as live, but not in the contract");
                    self.missing(stated, Kind::OperationMissing, None, Some(path), &message, "/paths");
                }
            }
            Fact::Mention { path } => {
                let is_event = self.webhook_list("events").contains(path);
                let in_webhook = self.webhook_list("fields").contains(path);
                let both = [Direction::Request, Direction::Response];
                let somewhere = self.contract.operations.iter().any(|operation| {
                    both.iter().any(|direction| self.contract.field(operation, *direction, path) != Found::Nothing)
                });
                if !is_event && !in_webhook && !somewhere {
                    let message = format!("the field `{path}` is spoken of, but no operation of the contract has it");
                    self.missing(stated, Kind::FieldMissing, None, Some(path), &message, "/paths");
                }
            }
            Fact::Code { name } => {
                let schemes = object(&self.contract.document["components"]["securitySchemes"]);
                let known: Vec<String> =
                    schemes.map(|(_, scheme)| text_of(scheme, "x-piaxis-missing-code").to_owned()).collect();
                self.in_list(stated, Kind::CodeMissing, "the error code", name, &known, "/components/securitySchemes");
            }
            Fact::Event { name } => self.in_list(
                stated,
                Kind::EventMissing,
                "the webhook event",
                name,
                &self.webhook_list("events"),
                "/x-piaxis-webhooks/events",
            ),
            Fact::WebhookHeader { name } => {
                let known: Vec<String> = self.webhook_list("headers").iter().map(|name| name.to_lowercase()).collect();
                if !known.contains(&name.to_lowercase()) {
                    self.missing(
                        stated,
                        Kind::WebhookHeaderMissing,
                        None,
                        Some(name),
                        &format!("the webhook header `{name}` is documented, but not in the contract"),
                        "/x-piaxis-webhooks/headers",
                    );
                }
            }
            Fact::WebhookField { path } => self.in_list(
                stated,
                Kind::WebhookFieldMissing,
                "the webhook field",
                path,
                &self.webhook_list("fields"),
                "/x-piaxis-webhooks/schema",
            ),
            Fact::Variable { name } => {
                let known: Vec<String> = object(&self.contract.document["x-piaxis-environment-variables"])
                    .flat_map(|(_, variable)| strings(&variable["names"]))
                    .collect();
                self.in_list(
                    stated,
                    Kind::VariableMissing,
                    "the environment variable",
                    name,
                    &known,
                    "/x-piaxis-environment-variables",
                );
            }
            Fact::BaseUrl { url } => {
                let known: Vec<String> =
                    array(&self.contract.document["servers"]).map(|server| text_of(server, "url").to_owned()).collect();
                self.in_list(stated, Kind::ServerMissing, "the base URL", url, &known, "/servers");
            }
            Fact::Fee { limit, fee } => {
                let fees = array(&self.contract.document["x-piaxis-default-payout-fees"]["tiers"]);
                let known: Vec<String> =
                    fees.map(|tier| format!("{}: {}", text_of(tier, "amount"), text_of(tier, "fee"))).collect();
                self.in_list(
                    stated,
                    Kind::FeeDiffers,
                    "the default payout fee",
                    &format!("{limit}: {fee}"),
                    &known,
                    "/x-piaxis-default-payout-fees",
                );
            }
            Fact::TermKey { term_type, key } => self.term_key(stated, term_type, key),
            Fact::RequiredAction { action, key } => self.required_action(stated, action, key),
        }
        if self.found.len() == before {
            self.agreed += 1;
        }
    }

    fn operation_exists(&mut self, stated: &Stated, name: &str) {
        match self.contract.operation(name) {
            Some(operation) if operation.name == name || name.contains("{id}") => {}
            Some(operation) => {
                let (here, pointer) = (operation.name.clone(), operation.pointer.clone());
                self.missing(
                    stated,
                    Kind::PathDiffers,
                    Some(name),
                    None,
                    &format!("the path is documented as `{name}`, but is `{here}` in the contract"),
                    &pointer,
                );
            }
            None => {
                let (_, path) = name.split_once(' ').unwrap_or(("", name));
                let alike = |other: &&Operation| {
                    let (_, theirs) = other.name.split_once(' ').unwrap_or_default();
                    unnamed(theirs).trim_end_matches('/').eq_ignore_ascii_case(unnamed(path).trim_end_matches('/'))
                };
                let near = self.contract.operations.iter().find(alike);
                let (hint, pointer) = near.map_or((String::new(), "/paths".to_owned()), |near| {
                    (format!("; the contract has `{}`", near.name), near.pointer.clone())
                });
                self.missing(
                    stated,
                    Kind::OperationMissing,
                    Some(name),
                    None,
                    &format!("the operation `{name}` is documented, but not in the contract{hint}"),
                    &pointer,
                );
            }
        }
    }

    fn field_exists(&mut self, stated: &Stated, name: &str, direction: Direction, path: &str) {
        let Some(operation) = self.contract.operation(name) else { return };
        if self.contract.field(operation, direction, path) == Found::Nothing {
            let near = self.nearest(operation, direction, path);
            let pointer = self
                .contract
                .body(operation, direction)
                .map_or(operation.pointer.clone(), |body| self.contract.resolve(&body));
            let hint = near.map_or(String::new(), |near| format!(" (it has `{near}`)"));
            let message = format!("the {direction} field `{path}` is documented, but not in the contract{hint}");
            self.missing(stated, Kind::FieldMissing, Some(name), Some(path), &message, &pointer);
        }
    }

    /// The schema of a field, or of a query parameter.
    fn schema_of(&self, operation: &Operation, direction: Direction, path: &str) -> Option<String> {
        let mut parameters = self.contract.parameters(operation).into_iter();
        let query = parameters.find(|pointer| {
            let parameter = self.contract.at(pointer);
            direction == Direction::Request && parameter["in"] == "query" && parameter["name"] == path
        });
        match (query, self.contract.field(operation, direction, path)) {
            (Some(pointer), _) => Some(format!("{pointer}/schema")),
            (None, Found::Field { pointer }) => Some(pointer),
            (None, _) => None,
        }
    }

    fn type_fits(&mut self, stated: &Stated, name: &str, direction: Direction, path: &str, kind: &str) {
        let Some(operation) = self.contract.operation(name) else { return };
        let Some(pointer) = self.schema_of(operation, direction, path) else { return };
        let Some(ours) = self.contract.kinds(&pointer) else { return };
        let theirs: BTreeSet<&str> = kind.split('|').collect();
        let fits = |one: &str, all: &BTreeSet<&str>| all.contains(one) || one == "integer" && all.contains("number");
        // Nobody sends a null that need not be sent.
        let differs = match direction {
            Direction::Request => ours.iter().any(|one| *one != "null" && !fits(one, &theirs)),
            Direction::Response => theirs.iter().any(|one| *one != "null" && !fits(one, &ours)),
        };
        if differs {
            let ours = ours.into_iter().filter(|one| *one != "null").collect::<Vec<_>>().join(" or ");
            let theirs = theirs.into_iter().filter(|one| *one != "null").collect::<Vec<_>>().join(" or ");
            let message =
                format!("the {direction} field `{path}` is documented as {theirs}, but is {ours} in the contract");
            self.disagree(Some(stated), Kind::TypeDiffers, Some(name), Some(path), &message, &pointer);
        }
    }

    fn value_is_named(&mut self, stated: &Stated, name: &str, direction: Direction, path: &str, value: &str) {
        let Some(operation) = self.contract.operation(name) else { return };
        let Some(pointer) = self.schema_of(operation, direction, path) else { return };
        let pointer = self.contract.resolve(&pointer);
        let known = strings(&self.contract.at(&pointer)["x-extensible-enum"]);
        if !known.is_empty() && !known.iter().any(|one| one == value) {
            let message = format!("`{path}` may be `{value}`, a value that the contract does not name");
            let (name, path) = (Some(name), Some(path));
            self.disagree(Some(stated), Kind::ValueUnknown, name, path, &message, &pointer);
        }
    }

    fn is_sent(&mut self, stated: &Stated, name: &str, path: &str) {
        let Some(operation) = self.contract.operation(name) else { return };
        let Found::Field { pointer } = self.contract.field(operation, Direction::Request, path) else { return };
        if !self.contract.is_required(&pointer) {
            let message = format!("the request field `{path}` is required, but optional in the contract");
            let (name, path) = (Some(name), Some(path));
            self.disagree(Some(stated), Kind::RequirementDiffers, name, path, &message, &pointer);
        }
    }

    /// A field of the contract whose last name is much like the one that is missing.
    fn nearest(&self, operation: &Operation, direction: Direction, path: &str) -> Option<String> {
        let fields = self.contract.fields(operation, direction);
        let wanted = path.rsplit('.').next()?;
        let close = |candidate: &str| {
            let last = candidate.rsplit('.').next().unwrap_or_default();
            last == wanted || last.contains(wanted) || wanted.contains(last) && last.len() > 3
        };
        fields.into_iter().map(|(path, _)| path).find(|candidate| close(candidate))
    }

    fn guaranteed(&mut self, stated: &Stated, name: &str, direction: Direction, path: &str) {
        let Some(operation) = self.contract.operation(name) else { return };
        let Found::Field { pointer } = self.contract.field(operation, direction, path) else { return };
        if direction == Direction::Response && !self.contract.is_required(&pointer) {
            let message =
                format!("the response field `{path}` is guaranteed by the docs, but optional in the contract");
            self.disagree(Some(stated), Kind::GuaranteeDiffers, Some(name), Some(path), &message, &pointer);
        }
    }

    fn not_guaranteed(&mut self, stated: &Stated, name: &str, path: &str) {
        let Some(operation) = self.contract.operation(name) else { return };
        let Found::Field { pointer } = self.contract.field(operation, Direction::Request, path) else { return };
        let live = self.contract.live_pages();
        let presented = self.contract.sources(&pointer).iter().any(|source| live.contains(page_of(source)));
        if presented {
            let message = format!(
                "the request field `{path}` is not guaranteed by the docs, but the contract presents it as documented"
            );
            self.disagree(Some(stated), Kind::NotGuaranteed, Some(name), Some(path), &message, &pointer);
        }
    }

    fn parameter_exists(&mut self, stated: &Stated, name: &str, parameter: &str) {
        let Some(operation) = self.contract.operation(name) else { return };
        let in_query = self
            .contract
            .parameters(operation)
            .iter()
            .any(|pointer| text_of(self.contract.at(pointer), "name") == parameter);
        let in_body = matches!(self.contract.field(operation, Direction::Request, parameter), Found::Field { .. });
        if !in_query && !in_body {
            let pointer = operation.pointer.clone();
            let message = format!("the parameter `{parameter}` is documented, but not in the contract");
            self.missing(stated, Kind::ParameterMissing, Some(name), Some(parameter), &message, &pointer);
        }
    }

    fn required_header(&mut self, stated: &Stated, name: &str, header: &str) {
        let Some(operation) = self.contract.operation(name) else { return };
        let pointer = format!("{}/security", operation.pointer);
        let schemes = &self.contract.document["components"]["securitySchemes"];
        let scheme = object(schemes)
            .find(|(_, scheme)| text_of(scheme, "name").eq_ignore_ascii_case(header))
            .map(|(name, _)| name.clone());
        let Some(scheme) = scheme else {
            if !EVERYDAY_HEADERS.contains(&header.to_lowercase().as_str())
                && !self.headers().contains(&header.to_lowercase())
            {
                let message = format!("the header `{header}` is documented as required, but not in the contract");
                self.missing(stated, Kind::HeaderMissing, Some(name), Some(header), &message, &pointer);
            }
            return;
        };
        let sets: Vec<Vec<String>> =
            array(self.contract.at(&pointer)).map(|set| object(set).map(|(name, _)| name.clone()).collect()).collect();
        if !sets.iter().any(|set| set.contains(&scheme)) {
            let message = format!(
                "the header `{header}` is documented as required, but the contract has no `{scheme}` in its security"
            );
            self.disagree(Some(stated), Kind::SecurityDiffers, Some(name), Some(header), &message, &pointer);
        } else if scheme == "client_id" && sets.iter().any(|set| !set.contains(&scheme)) {
            let keyed = sets.iter().any(|set| !set.contains(&scheme) && set.iter().any(|other| other == "api_key"));
            let id = if keyed { Kind::SecurityLoose } else { Kind::SecurityDiffers };
            let message = format!(
                "the header `{header}` is documented as required, but the contract has security without `{scheme}`"
            );
            self.disagree(Some(stated), id, Some(name), Some(header), &message, &pointer);
        }
    }

    fn not_exposed(&mut self, stated: &Stated, route: &str) {
        let same = |operation: &&Operation| {
            let (_, path) = operation.name.split_once(' ').unwrap_or_default();
            unnamed(&operation.name) == unnamed(route) || unnamed(path) == unnamed(route)
        };
        if let Some(operation) = self.contract.operations.iter().find(same) {
            let (name, pointer) = (operation.name.clone(), operation.pointer.clone());
            let message = format!("the docs say that `{route}` is not exposed, but the contract has `{name}`");
            self.disagree(Some(stated), Kind::RouteNotExposed, Some(&name), None, &message, &pointer);
        }
    }

    fn term_key(&mut self, stated: &Stated, term_type: &str, key: &str) {
        let schemas = &self.contract.document["components"]["schemas"];
        let evidence: Vec<(&String, &Value)> =
            object(schemas).filter(|(_, schema)| text_of(schema, "x-piaxis-term-type") == term_type).collect();
        let field = format!("{term_type}.{key}");
        if evidence.is_empty() {
            self.missing(
                stated,
                Kind::TermMissing,
                None,
                Some(term_type),
                &format!("the term type `{term_type}` is documented, but no schema has its evidence"),
                "/components/schemas/TermType",
            );
            return;
        }
        let property = |(name, schema): &(&String, &Value)| {
            object(&schema["properties"]).any(|(field, _)| {
                let pointer = self.contract.resolve(&format!("/components/schemas/{name}/properties/{field}"));
                let node = self.contract.at(&pointer);
                field == key
                    || strings(&node["x-extensible-enum"]).contains(&key.to_owned())
                    || object(&node["properties"]).any(|(inner, _)| inner == key)
            })
        };
        let free = evidence.iter().any(|(_, schema)| schema.get("properties").is_none());
        // Words of the prose around the keys, and the container itself.
        let prose = ["data", "user_info", "piaxis", "piaxis_external"].contains(&key);
        if !key.is_empty() && !free && !prose && !evidence.iter().any(property) {
            let pointer = format!("/components/schemas/{}", evidence[0].0);
            self.missing(
                stated,
                Kind::TermKeyMissing,
                None,
                Some(&field),
                &format!("evidence of a `{term_type}` term takes `{key}`, which the contract does not have"),
                &pointer,
            );
        }
    }

    fn required_action(&mut self, stated: &Stated, action: &str, key: &str) {
        let known =
            strings(&self.contract.document["components"]["schemas"]["RequiredActionType"]["x-extensible-enum"]);
        if !known.contains(&action.to_owned()) {
            self.missing(
                stated,
                Kind::ActionMissing,
                None,
                Some(action),
                &format!("the required action `{action}` is documented, but not in the contract"),
                "/components/schemas/RequiredActionType",
            );
        } else if !key.is_empty()
            && self.contract.at(&format!("/components/schemas/RequiredAction/properties/{key}")).is_null()
        {
            self.missing(
                stated,
                Kind::ActionKeyMissing,
                None,
                Some(key),
                &format!("the required action `{action}` comes with `{key}`, which the contract does not have"),
                "/components/schemas/RequiredAction",
            );
        }
    }

    fn in_list(&mut self, stated: &Stated, kind: Kind, what: &str, value: &str, known: &[String], pointer: &str) {
        if !known.iter().any(|known| known == value) {
            self.missing(
                stated,
                kind,
                None,
                Some(value),
                &format!("{what} `{value}` is documented, but not in the contract"),
                pointer,
            );
        }
    }

    fn webhook_list(&self, kind: &str) -> Vec<String> {
        self.webhook_entries(kind).into_iter().map(|(name, _)| name).collect()
    }

    /// Events, headers or fields of webhooks, and where they are declared.
    fn webhook_entries(&self, kind: &str) -> Vec<(String, String)> {
        if kind == "fields" {
            let mut fields = self.contract.fields_of("/x-piaxis-webhooks/schema");
            for (family, _) in object(self.contract.at("/x-piaxis-webhooks/payloads")) {
                let below = self.contract.fields_of(&crate::contract::payload(family));
                fields.extend(below.into_iter().map(|(path, pointer)| (format!("data.{path}"), pointer)));
            }
            return fields;
        }
        let place = format!("/x-piaxis-webhooks/{kind}");
        let entries = object(self.contract.at(&place));
        entries.map(|(name, _)| (name.clone(), format!("{place}/{}", crate::contract::escape(name)))).collect()
    }

    /// Lower-case names of all headers of the contract.
    fn headers(&self) -> BTreeSet<String> {
        let components = &self.contract.document["components"];
        let schemes = object(&components["securitySchemes"]).map(|(_, scheme)| text_of(scheme, "name"));
        let parameters = object(&components["parameters"])
            .filter(|(_, one)| one["in"] == "header")
            .map(|(_, one)| text_of(one, "name"));
        let own = self.contract.operations.iter().flat_map(|operation| self.contract.parameters(operation));
        let own: Vec<String> = own
            .map(|pointer| self.contract.at(&pointer))
            .filter(|one| one["in"] == "header")
            .map(|one| text_of(one, "name").to_lowercase())
            .collect();
        schemes.chain(parameters).map(str::to_lowercase).chain(own).collect()
    }

    // ------------------------------------------------------------ contract -> documents

    /// What the contract says a live page documents, and no live page states.
    fn undocumented(&mut self, stated: &[&Stated]) {
        let live = self.contract.live_pages();
        let names: BTreeSet<String> = stated.iter().map(|stated| stated.fact.to_string()).collect();
        let says = |fact: Fact| names.contains(&fact.to_string());
        let documented =
            |pointer: &str| self.contract.sources(pointer).iter().any(|source| live.contains(page_of(source)));

        // A field may be documented at any operation that has its schema.
        let mut declared: BTreeMap<String, (String, String, Direction)> = BTreeMap::new();
        let mut covered = BTreeSet::new();
        let mut gone: Vec<(Kind, Option<String>, String, String, String)> = Vec::new();
        for operation in &self.contract.operations {
            let name = &operation.name;
            let exists = stated
                .iter()
                .any(|one| matches!(&one.fact, Fact::Operation { operation } if unnamed(operation) == unnamed(name)));
            if documented(&operation.pointer) && !exists {
                gone.push((
                    Kind::OperationUndocumented,
                    Some(name.clone()),
                    String::new(),
                    format!("no page has the operation `{name}`"),
                    operation.pointer.clone(),
                ));
            }
            for direction in [Direction::Request, Direction::Response] {
                for (path, pointer) in self.contract.fields(operation, direction) {
                    let operation = name.clone();
                    let parameter = direction == Direction::Request
                        && says(Fact::Parameter { operation: operation.clone(), name: path.clone() });
                    if parameter || says(Fact::Field { operation, direction, path: path.clone() }) {
                        covered.insert(pointer.clone());
                    }
                    declared.entry(pointer).or_insert((name.clone(), path, direction));
                }
            }
            for pointer in self.contract.parameters(operation) {
                let parameter = self.contract.at(&pointer);
                let (place, field) = (text_of(parameter, "in"), text_of(parameter, "name").to_owned());
                let own = !strings(&parameter["x-piaxis-source"]).is_empty() || documented(&operation.pointer);
                let source =
                    if strings(&parameter["x-piaxis-source"]).is_empty() { &operation.pointer } else { &pointer };
                let stated = says(Fact::Parameter { operation: name.clone(), name: field.clone() });
                if place == "query" && own && documented(source) && !stated {
                    gone.push((
                        Kind::ParameterUndocumented,
                        Some(name.clone()),
                        field.clone(),
                        format!("no page has the parameter `{field}`"),
                        pointer.clone(),
                    ));
                }
            }
        }
        for one in stated {
            if let Fact::RequiredAction { key, .. } = &one.fact {
                covered.insert(format!("/components/schemas/RequiredAction/properties/{key}"));
            }
        }
        for (pointer, (name, path, direction)) in &declared {
            if !covered.contains(pointer) && documented(pointer) && !self.is_evidence(pointer) {
                gone.push((
                    Kind::FieldUndocumented,
                    Some(name.clone()),
                    path.clone(),
                    format!("no page has the {direction} field `{path}`"),
                    pointer.clone(),
                ));
            }
        }
        let variables = "/x-piaxis-environment-variables";
        for (key, variable) in object(self.contract.at(variables)) {
            let pointer = format!("{variables}/{key}");
            let first = strings(&variable["names"]).into_iter().next().unwrap_or_default();
            if documented(&pointer) && !says(Fact::Variable { name: first.clone() }) {
                gone.push((
                    Kind::VariableUndocumented,
                    None,
                    first.clone(),
                    format!("no page has the environment variable `{first}`"),
                    pointer,
                ));
            }
        }
        for (kind, id) in [
            ("events", Kind::EventUndocumented),
            ("headers", Kind::WebhookHeaderUndocumented),
            ("fields", Kind::WebhookFieldUndocumented),
        ] {
            for (name, pointer) in self.webhook_entries(kind) {
                let is_said = match kind {
                    "events" => says(Fact::Event { name: name.clone() }),
                    "headers" => says(Fact::WebhookHeader { name: name.clone() }),
                    _ => {
                        let path = name.clone();
                        says(Fact::WebhookField { path: path.clone() }) || says(Fact::Mention { path })
                    }
                };
                if documented(&pointer) && !is_said {
                    gone.push((
                        id,
                        None,
                        name.clone(),
                        format!("no page has `{name}` among the webhook {kind}"),
                        pointer,
                    ));
                }
            }
        }
        for (at, server) in array(&self.contract.document["servers"]).enumerate() {
            let (pointer, url) = (format!("/servers/{at}"), text_of(server, "url").to_owned());
            if documented(&pointer) && !says(Fact::BaseUrl { url: url.clone() }) {
                gone.push((
                    Kind::ServerUndocumented,
                    None,
                    url.clone(),
                    format!("no page has the base URL `{url}`"),
                    pointer,
                ));
            }
        }
        for (at, tier) in array(&self.contract.document["x-piaxis-default-payout-fees"]["tiers"]).enumerate() {
            let (limit, fee) = (text_of(tier, "amount").to_owned(), text_of(tier, "fee").to_owned());
            if !says(Fact::Fee { limit: limit.clone(), fee: fee.clone() }) {
                gone.push((
                    Kind::FeeUndocumented,
                    None,
                    limit.clone(),
                    format!("no page has the fee `{limit}: {fee}`"),
                    format!("/x-piaxis-default-payout-fees/tiers/{at}"),
                ));
            }
        }
        for (schema, evidence) in object(&self.contract.document["components"]["schemas"]) {
            let term_type = text_of(evidence, "x-piaxis-term-type").to_owned();
            if term_type.is_empty() {
                continue;
            }
            let mentioned = stated
                .iter()
                .any(|one| matches!(&one.fact, Fact::TermKey { term_type: stated, .. } if *stated == term_type));
            for (key, _) in object(&evidence["properties"]).filter(|(key, _)| *key != "device_info" || mentioned) {
                if !says(Fact::TermKey { term_type: term_type.clone(), key: key.clone() }) {
                    gone.push((
                        Kind::TermKeyUndocumented,
                        None,
                        format!("{term_type}.{key}"),
                        format!("no page has `{key}` for `{term_type}` terms"),
                        format!("/components/schemas/{schema}/properties/{key}"),
                    ));
                }
            }
            if !mentioned {
                gone.push((
                    Kind::TermUndocumented,
                    None,
                    term_type.clone(),
                    format!("no page has the term type `{term_type}`"),
                    format!("/components/schemas/{schema}"),
                ));
            }
        }
        for (id, operation, field, message, pointer) in gone {
            let field = Some(field.as_str()).filter(|field| !field.is_empty());
            self.disagree(
                None,
                id,
                operation.as_deref(),
                field,
                &format!("{message}, though the contract cites one"),
                &pointer,
            );
        }
        self.agreed += covered.len();
    }

    /// Evidence is compared term by term, not as the fields of a body. The data of a new term is no field of a body, either.
    fn is_evidence(&self, pointer: &str) -> bool {
        let name = pointer.strip_prefix("/components/schemas/").and_then(|rest| rest.split('/').next());
        let schema = name.map(|name| self.contract.at(&format!("/components/schemas/{name}")));
        schema.is_some_and(|schema| {
            ["x-piaxis-term-type", "x-piaxis-term-data"].iter().any(|key| schema.get(key).is_some())
        })
    }

    // ------------------------------------------------------------ examples, puzzles

    fn examples(&mut self) {
        let validator = examples::Examples::new(self.contract);
        for example in self.pages.iter().flat_map(|(_, page)| &page.examples) {
            let place = DocPlace {
                page: example.page.clone(),
                heading: example.heading.clone(),
                anchor: example.anchor.clone(),
                line: example.line,
            };
            let pointer = self
                .contract
                .operation(&example.operation)
                .and_then(|operation| self.contract.body(operation, example.direction));
            for misfit in validator.misfits(example) {
                let kind = if misfit.is_new_value { Kind::ValueUnknown } else { Kind::ExampleInvalid };
                let advice =
                    if misfit.is_new_value { "learn the value: add it to the open enum" } else { kind.advice() };
                let message =
                    format!("the {} example does not fit at `{}`: {}", example.direction, misfit.path, misfit.problem);
                let pointer = pointer.clone().unwrap_or_else(|| "/x-piaxis-webhooks".to_owned());
                self.found.push(Disagreement {
                    finding: Finding {
                        operation: Some(example.operation.clone()),
                        field: Some(misfit.path.clone()),
                        advice: advice.to_owned(),
                        doc: Some(place.clone()),
                        spec: Some(SpecPlace { file: self.contract.file.clone(), line: self.contract.line(&pointer) }),
                        ..Finding::new(kind, message)
                    },
                    pointer,
                    body: None,
                    page: Some(example.page.clone()),
                });
            }
        }
    }

    /// Compares the data of the terms in the examples with the typed data of their types, both ways. Types without typed
    /// data stay free-form.
    fn new_terms(&mut self) {
        let mut shown: BTreeMap<(String, String), Stated> = BTreeMap::new();
        for example in self.pages.iter().flat_map(|(_, page)| &page.examples) {
            for (term_type, key) in new_term_keys(&example.json) {
                let fact = Fact::TermKey { term_type: term_type.clone(), key: key.clone() };
                let Example { page, heading, anchor, line, .. } = example;
                let (page, heading, anchor) = (page.clone(), heading.clone(), anchor.clone());
                shown.entry((term_type, key)).or_insert(Stated { fact, page, heading, anchor, line: *line });
            }
        }
        let schemas: Vec<(String, String, Vec<String>)> = object(&self.contract.document["components"]["schemas"])
            .filter(|(_, schema)| schema.get("x-piaxis-term-data").is_some())
            .map(|(name, schema)| {
                let keys = object(&schema["properties"]).map(|(key, _)| key.clone()).collect();
                (name.clone(), text_of(schema, "x-piaxis-term-data").to_owned(), keys)
            })
            .collect();
        for ((term_type, key), stated) in &shown {
            let Some((name, _, keys)) = schemas.iter().find(|(_, own, _)| own == term_type) else { continue };
            if keys.contains(key) {
                self.agreed += 1;
            } else {
                let message = format!("data of a new `{term_type}` term has `{key}`, which the contract does not have");
                let pointer = format!("/components/schemas/{name}");
                self.missing(
                    stated,
                    Kind::TermDataMissing,
                    None,
                    Some(&format!("{term_type}.{key}")),
                    &message,
                    &pointer,
                );
            }
        }
        let live = self.contract.live_pages();
        for (name, term_type, keys) in &schemas {
            for key in keys.iter().filter(|key| !shown.contains_key(&(term_type.clone(), (*key).clone()))) {
                let pointer = format!("/components/schemas/{name}/properties/{key}");
                if self.contract.sources(&pointer).iter().any(|source| live.contains(page_of(source))) {
                    let message =
                        format!("no page has `{key}` for new `{term_type}` terms, though the contract cites one");
                    let field = format!("{term_type}.{key}");
                    self.disagree(None, Kind::TermDataUndocumented, None, Some(&field), &message, &pointer);
                }
            }
        }
    }

    fn puzzles(&mut self) {
        for (document, page) in self.pages {
            for puzzle in &page.puzzles {
                let doc = DocPlace {
                    page: document.name.clone(),
                    heading: puzzle.heading.clone(),
                    anchor: puzzle.anchor.clone(),
                    line: puzzle.line,
                };
                self.found.push(Disagreement {
                    finding: Finding {
                        doc: Some(doc),
                        ..Finding::new(Kind::NotUnderstood, format!("not understood: {}", puzzle.message))
                    },
                    pointer: String::new(),
                    body: None,
                    page: Some(document.name.clone()),
                });
            }
        }
    }

    // ------------------------------------------------------------ findings and deviations

    fn missing(
        &mut self,
        stated: &Stated,
        kind: Kind,
        operation: Option<&str>,
        field: Option<&str>,
        message: &str,
        pointer: &str,
    ) {
        self.disagree(Some(stated), kind, operation, field, message, pointer);
    }

    #[allow(clippy::too_many_arguments)]
    fn disagree(
        &mut self,
        stated: Option<&Stated>,
        kind: Kind,
        operation: Option<&str>,
        field: Option<&str>,
        message: &str,
        pointer: &str,
    ) {
        let doc = stated.map(|stated| DocPlace {
            page: stated.page.clone(),
            heading: stated.heading.clone(),
            anchor: stated.anchor.clone(),
            line: stated.line,
        });
        self.found.push(Disagreement {
            finding: Finding {
                operation: operation.map(str::to_owned),
                field: field.map(str::to_owned),
                spec: Some(SpecPlace { file: self.contract.file.clone(), line: self.contract.line(pointer) }),
                doc,
                ..Finding::new(kind, message)
            },
            pointer: pointer.to_owned(),
            body: operation
                .and_then(|operation| self.contract.operation(operation))
                .and_then(|operation| self.contract.body(operation, Direction::Response))
                .map(|body| self.contract.resolve(&body)),
            page: stated.map(|stated| stated.page.clone()),
        });
    }

    fn finish(self) -> Report {
        let deviations = self.contract.deviations();
        let live = self.contract.live_pages();
        let mut used = vec![false; deviations.len()];
        let (mut findings, mut accepted) = (Vec::new(), BTreeMap::new());
        for disagreement in self.found {
            let covering = deviations.iter().position(|deviation| covers(deviation, &disagreement));
            match covering {
                Some(at) => {
                    used[at] = true;
                    accepted.entry(at).or_insert(disagreement.finding.doc);
                }
                None => findings.push(disagreement.finding),
            }
        }
        let mut agreed_to = Vec::new();
        for (at, deviation) in deviations.iter().enumerate() {
            let spec = Some(SpecPlace { file: self.contract.file.clone(), line: deviation.line });
            let (page, anchor) = deviation.from.split_once('#').unwrap_or((&deviation.from, ""));
            let stands =
                used[at] || !deviation.mentions.is_empty() && mentions(self.pages, page, anchor, &deviation.mentions);
            if live.contains(page) && !stands {
                let message = format!(
                    "a deviation matches no disagreement any more: `{}` says \"{}\"",
                    deviation.from, deviation.says
                );
                findings.push(Finding { spec, ..Finding::new(Kind::DeviationStale, message) });
            } else {
                let doc = accepted.remove(&at).flatten();
                agreed_to.push(Accepted {
                    message: format!("`{}` says: {}", deviation.from, deviation.says),
                    reason: deviation.reason.clone(),
                    doc,
                    spec,
                });
            }
        }
        let sum = |count: fn(&Extracted) -> usize| self.pages.iter().map(|(_, page)| count(page)).sum();
        let examples: usize = sum(|page| page.examples.len());
        let coverage = DocsCoverage {
            pages: self.pages.len(),
            sections: sum(|page| page.sections),
            understood: sum(|page| page.understood),
            examples,
            validated: examples,
            facts: sum(|page| page.facts.len()),
        };
        Report {
            agreed: self.agreed,
            findings,
            accepted: agreed_to,
            coverage: Coverage::Docs(coverage),
            notes: Vec::new(),
        }
    }
}

/// Whether a deviation is about this: it stands at the place or around it, and its document is the one that differs.
fn covers(deviation: &Deviation, disagreement: &Disagreement) -> bool {
    let around =
        |pointer: &str| pointer == deviation.pointer || pointer.starts_with(&format!("{}/", deviation.pointer));
    // Guarantees are departed from one way everywhere, whichever page repeats them.
    if disagreement.finding.kind == Kind::GuaranteeDiffers {
        let body = disagreement.body.as_deref();
        return deviation.says.contains("guarantee") && (around(&disagreement.pointer) || body.is_some_and(around));
    }
    // A new parameter or value is not accepted because others were: the deviation names it.
    let finding = &disagreement.finding;
    let mut names = finding.message.split('`').skip(1).step_by(2);
    if [Kind::ParameterMissing, Kind::ValueUnknown].contains(&finding.kind)
        && !names.any(|name| deviation.says.contains(name))
    {
        return false;
    }
    // Only what is a matter of judgement can be accepted.
    let judged = [
        Kind::SecurityDiffers,
        Kind::NotGuaranteed,
        Kind::RouteNotExposed,
        Kind::TypeDiffers,
        Kind::ValueUnknown,
        Kind::ParameterMissing,
        Kind::RequirementDiffers,
    ];
    let same_page = disagreement.page.as_deref() == Some(page_of(&deviation.from));
    judged.contains(&disagreement.finding.kind) && same_page && around(&disagreement.pointer)
}

/// Types and keys of the terms that an example of a request creates, wherever its `terms` are.
fn new_term_keys(json: &Value) -> Vec<(String, String)> {
    let own = array(&json["terms"]).flat_map(|term| {
        let term_type = text_of(term, "type").to_owned();
        object(&term["data"]).map(move |(key, _)| (term_type.clone(), key.clone()))
    });
    let below = array(&json["recipients"]).flat_map(new_term_keys);
    own.chain(below).filter(|(term_type, _)| !term_type.is_empty()).collect()
}

/// Whether the section of a page still has these words.
fn mentions(pages: &[(Document, Extracted)], page: &str, anchor: &str, words: &[String]) -> bool {
    let sections =
        pages.iter().filter(|(document, _)| document.name == page).flat_map(|(document, _)| &document.sections);
    let has_anchor = |section: &&super::document::Section| {
        section.anchor == anchor
            || section
                .blocks
                .iter()
                .any(|block| matches!(&block.kind, document::Kind::Route { anchor: own, .. } if own == anchor))
    };
    let text: String = sections.filter(has_anchor).map(|section| format!("{section:?}").to_lowercase()).collect();
    !text.is_empty() && words.iter().all(|word| text.contains(&word.to_lowercase()))
}

fn page_of(source: &str) -> &str {
    source.split('#').next().unwrap_or(source)
}

fn object(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node.as_object().into_iter().flatten()
}

fn array(node: &Value) -> impl Iterator<Item = &Value> {
    node.as_array().into_iter().flatten()
}
