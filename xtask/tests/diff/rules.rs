//! `cargo xtask diff`: each rule of the table has the smallest pair of documents that triggers it, and nothing else.

use std::{collections::BTreeSet, process::Command};

use crate::support::differ::{Document, most};
use serde_json::Value;

fn changes(base: &str, head: &str) -> Vec<Value> {
    crate::support::differ::changes(Document::new(base).path(), Document::new(head).path()).1
}

fn paths(body: &str) -> String {
    format!("openapi: 3.0.3\ninfo: {{ title: t, version: '1' }}\npaths: {{ {body} }}\n")
}

fn operation(body: &str) -> String {
    paths(&format!("/x: {{ post: {{ {body} }} }}"))
}

fn root(body: &str) -> String {
    paths("") + body + "\n"
}

fn schemas(body: &str) -> String {
    root(&format!("components: {{ schemas: {{ {body} }} }}"))
}

fn parameters(list: &str) -> String {
    operation(&format!("responses: {{}}, parameters: [ {list} ]"))
}

fn body(text: &str) -> String {
    operation(&format!("responses: {{}}, requestBody: {text}"))
}

fn responses(text: &str) -> String {
    operation(&format!("responses: {text}"))
}

fn webhooks(body: &str) -> String {
    root(&format!("x-piaxis-webhooks: {{ {body} }}"))
}

/// The smallest pairs of what is no schema: rule, base, head.
fn pairs() -> Vec<(&'static str, String, String)> {
    let op = operation;
    let par = parameters;
    let q = "name: q, in: query";
    let json = "application/json: {}";
    let security = |one: &str| op(&format!("responses: {{}}, security: {one}"));
    let schemes = |one: &str| root(&format!("components: {{ securitySchemes: {{ {one} }} }}"));
    let used_scheme = |one: &str| {
        op("responses: {}, security: [ { k: [] } ]") + &format!("components: {{ securitySchemes: {{ {one} }} }}\n")
    };
    let header = |one: &str| responses(&format!("{{ '200': {{ headers: {{ {one} }} }} }}"));
    let media = |one: &str| responses(&format!("{{ '200': {{ content: {{ {one} }} }} }}"));
    let servers = |one: &str| root(&format!("servers: [ {one} ]"));
    let common = |one: &str| root(&format!("x-piaxis-common-headers: [ {one} ]"));
    let variables = |one: &str| root(&format!("x-piaxis-environment-variables: {{ api_key: {{ names: [ {one} ] }} }}"));
    let payouts = |one: &str| root(&format!("x-piaxis-payouts: {{ payment_methods: {{ {one} }} }}"));
    let methods =
        |one: &str| op(&format!("responses: {{}}, operationId: a_b, tags: [ a ], x-piaxis-methods: [ {one} ]"));
    vec![
        ("operation-removed", op("responses: {}"), paths("")),
        ("operation-added", paths(""), op("responses: {}")),
        ("operation-id-changed", op("responses: {}, operationId: a"), op("responses: {}, operationId: b")),
        ("operation-id-removed", op("responses: {}, operationId: a"), op("responses: {}")),
        ("operation-id-added", op("responses: {}"), op("responses: {}, operationId: a")),
        ("tag-changed", op("responses: {}, tags: [ a ]"), op("responses: {}, tags: [ b ]")),
        ("tag-added", op("responses: {}"), op("responses: {}, tags: [ a ]")),
        ("tags-changed", op("responses: {}, tags: [ a, b ]"), op("responses: {}, tags: [ a, c ]")),
        ("deprecation-changed", op("responses: {}"), op("responses: {}, deprecated: true")),
        ("query-struct-changed", op("responses: {}, x-piaxis-query: A"), op("responses: {}, x-piaxis-query: B")),
        ("method-removed", methods("b, c"), methods("b")),
        ("method-added", methods("b"), methods("b, c")),
        ("retry-changed", op("responses: {}"), op("responses: {}, x-piaxis-idempotent: true")),
        ("lookup-changed", op("responses: {}, x-piaxis-lookup: a_list"), op("responses: {}, x-piaxis-lookup: a_get")),
        (
            "transport-changed",
            par("{ name: h, in: header }"),
            par("{ name: h, in: header, x-piaxis-transport: request_id }"),
        ),
        ("parameter-removed", par(&format!("{{ {q} }}")), par("")),
        ("required-parameter-added", par(""), par(&format!("{{ {q}, required: true }}"))),
        ("optional-parameter-added", par(""), par(&format!("{{ {q} }}"))),
        ("parameter-became-required", par(&format!("{{ {q} }}")), par(&format!("{{ {q}, required: true }}"))),
        ("parameter-became-optional", par(&format!("{{ {q}, required: true }}")), par(&format!("{{ {q} }}"))),
        (
            "parameter-default-changed",
            par(&format!("{{ {q}, schema: {{ type: integer, default: 1 }} }}")),
            par(&format!("{{ {q}, schema: {{ type: integer, default: 2 }} }}")),
        ),
        ("parameter-encoding-changed", par(&format!("{{ {q} }}")), par(&format!("{{ {q}, style: pipeDelimited }}"))),
        ("common-header-removed", common("{ name: h, in: header }"), common("")),
        ("common-header-added", common(""), common("{ name: h, in: header }")),
        ("required-body-added", op("responses: {}"), body(&format!("{{ required: true, content: {{ {json} }} }}"))),
        ("optional-body-added", op("responses: {}"), body(&format!("{{ content: {{ {json} }} }}"))),
        ("body-removed", body(&format!("{{ content: {{ {json} }} }}")), op("responses: {}")),
        (
            "body-became-required",
            body(&format!("{{ content: {{ {json} }} }}")),
            body(&format!("{{ required: true, content: {{ {json} }} }}")),
        ),
        (
            "body-became-optional",
            body(&format!("{{ required: true, content: {{ {json} }} }}")),
            body(&format!("{{ content: {{ {json} }} }}")),
        ),
        (
            "request-media-type-removed",
            body("{ content: { application/json: {}, text/plain: {} } }"),
            body("{ content: { text/plain: {} } }"),
        ),
        (
            "request-media-type-added",
            body("{ content: { text/plain: {} } }"),
            body("{ content: { application/json: {}, text/plain: {} } }"),
        ),
        (
            "request-media-type-generalised",
            body("{ content: { application/json: {} } }"),
            body("{ content: { application/*: {} } }"),
        ),
        (
            "request-media-type-encoding-changed",
            body("{ content: { multipart/form-data: {} } }"),
            body("{ content: { multipart/form-data: { encoding: { a: { contentType: text/plain } } } } }"),
        ),
        ("response-media-type-removed", media("application/json: {}, text/plain: {}"), media("text/plain: {}")),
        ("response-media-type-added", media("text/plain: {}"), media("application/json: {}, text/plain: {}")),
        ("response-media-type-specialised", media("application/json: {}"), media("application/problem+json: {}")),
        ("success-response-removed", responses("{ '200': {}, '201': {} }"), responses("{ '200': {} }")),
        ("success-response-added", responses("{ '200': {} }"), responses("{ '200': {}, '201': {} }")),
        ("response-status-changed", responses("{ '4XX': {} }"), responses("{ '404': {} }")),
        ("failure-response-removed", responses("{ '200': {}, '404': {} }"), responses("{ '200': {} }")),
        ("failure-response-added", responses("{ '200': {} }"), responses("{ '200': {}, '404': {} }")),
        ("response-body-removed", media(json), responses("{ '200': {} }")),
        ("response-body-added", responses("{ '200': {} }"), media(json)),
        ("required-response-header-removed", header("h: { required: true }"), header("")),
        ("optional-response-header-removed", header("h: {}"), header("")),
        ("response-header-added", header(""), header("h: {}")),
        ("response-header-became-optional", header("h: { required: true }"), header("h: {}")),
        ("response-header-became-required", header("h: {}"), header("h: { required: true }")),
        ("links-changed", responses("{ '200': {} }"), responses("{ '200': { links: { l: { operationId: a } } } }")),
        ("security-tightened", security("[ { a: [] }, { b: [] } ]"), security("[ { a: [] } ]")),
        ("security-loosened", security("[ { a: [] } ]"), security("[ { a: [] }, { b: [] } ]")),
        ("security-scheme-removed", used_scheme("k: { type: http, scheme: basic }"), used_scheme("")),
        (
            "security-scheme-renamed",
            used_scheme("k: { type: http, scheme: basic }"),
            used_scheme("m: { type: http, scheme: basic, description: a }").replace("k: []", "m: []"),
        ),
        ("unused-security-scheme-removed", schemes("k: { type: http, scheme: basic }"), schemes("")),
        ("security-scheme-added", schemes(""), schemes("k: { type: http, scheme: basic }")),
        (
            "security-scheme-changed",
            used_scheme("k: { type: apiKey, in: header, name: a }"),
            used_scheme("k: { type: apiKey, in: query, name: a }"),
        ),
        (
            "security-scheme-details-changed",
            schemes("k: { type: oauth2, flows: { implicit: { authorizationUrl: 'https://a', scopes: {} } } }"),
            schemes("k: { type: oauth2, flows: { implicit: { authorizationUrl: 'https://b', scopes: {} } } }"),
        ),
        (
            "operation-servers-changed",
            op("responses: {}, servers: [ { url: 'https://a' } ]"),
            op("responses: {}, servers: [ { url: 'https://b' } ]"),
        ),
        ("server-removed", servers("{ url: 'https://a' }"), servers("")),
        ("server-added", servers(""), servers("{ url: 'https://a' }")),
        ("environment-removed", servers("{ url: 'https://a', x-piaxis-environment: production }"), servers("")),
        (
            "environment-address-changed",
            servers("{ url: 'https://a', x-piaxis-environment: production }"),
            servers("{ url: 'https://b', x-piaxis-environment: production }"),
        ),
        ("environment-added", servers(""), servers("{ url: 'https://a', x-piaxis-environment: production }")),
        ("schema-removed", schemas("A: { type: string }"), schemas("")),
        ("schema-renamed", schemas("A: { type: string }"), schemas("B: { type: string }")),
        ("schema-added", schemas(""), schemas("A: { type: string }")),
        (
            "schema-replaced",
            schemas(
                "A: { type: string }, B: { type: string }, C: { type: object, properties: { a: { $ref: '#/components/schemas/A' } } }",
            ),
            schemas(
                "A: { type: string }, B: { type: string }, C: { type: object, properties: { a: { $ref: '#/components/schemas/B' } } }",
            ),
        ),
        ("webhook-event-removed", webhooks("events: { a.b: {}, a.c: {} }"), webhooks("events: { a.b: {} }")),
        ("webhook-event-added", webhooks("events: { a.b: {} }"), webhooks("events: { a.b: {}, a.c: {} }")),
        ("webhook-header-removed", webhooks("headers: { h: {} }"), webhooks("headers: {}")),
        ("webhook-header-added", webhooks("headers: {}"), webhooks("headers: { h: {} }")),
        ("webhook-payload-removed", webhooks("payloads: { a: {} }"), webhooks("payloads: {}")),
        ("webhook-payload-added", webhooks("payloads: {}"), webhooks("payloads: { a: {} }")),
        ("webhook-envelope-removed", webhooks("envelopes: { a: {} }"), webhooks("envelopes: {}")),
        ("webhook-envelope-added", webhooks("envelopes: {}"), webhooks("envelopes: { a: {} }")),
        ("webhook-tolerance-changed", webhooks("tolerance: { default: 300 }"), webhooks("tolerance: { default: 60 }")),
        (
            "extra-removed",
            schemas("A: { type: object, additionalProperties: true, properties: { a: { type: string } } }"),
            schemas("A: { type: object, properties: { a: { type: string } } }"),
        ),
        (
            "extra-added",
            schemas("A: { type: object, properties: { a: { type: string } } }"),
            schemas("A: { type: object, additionalProperties: true, properties: { a: { type: string } } }"),
        ),
        ("format-hint-changed", schemas("A: { type: string }"), schemas("A: { type: string, format: password }")),
        ("environment-variable-removed", variables("A, B"), variables("A")),
        ("environment-variable-added", variables("A"), variables("A, B")),
        ("environment-variables-reordered", variables("A, B"), variables("B, A")),
        ("term-type-removed", schemas("A: { x-piaxis-term-type: a }"), schemas("A: {}")),
        ("term-type-added", schemas("A: {}"), schemas("A: { x-piaxis-term-type: a }")),
        ("term-type-changed", schemas("A: { x-piaxis-term-type: a }"), schemas("A: { x-piaxis-term-type: b }")),
        ("settled-removed", schemas("A: { x-piaxis-settled: [ a ] }"), schemas("A: {}")),
        ("settled-added", schemas("A: {}"), schemas("A: { x-piaxis-settled: [ a ] }")),
        ("settled-changed", schemas("A: { x-piaxis-settled: [ a ] }"), schemas("A: { x-piaxis-settled: [ b ] }")),
        (
            "settled-undecided",
            schemas("A: { type: string, x-extensible-enum: [ a ], x-piaxis-settled: [ a ] }"),
            schemas("A: { type: string, x-extensible-enum: [ a, b ], x-piaxis-settled: [ a ] }"),
        ),
        ("payout-checks-changed", payouts("values: [ a ]"), payouts("values: [ a, b ]")),
        ("documentation-changed", op("responses: {}, summary: a"), op("responses: {}, summary: b")),
        ("extension-changed", op("responses: {}, x-other: a"), op("responses: {}, x-other: b")),
        ("unclassified", op("responses: {}, novelty: a"), op("responses: {}, novelty: b")),
    ]
}

/// The smallest pairs of schemas; each is tried in a request and in a response.
const SCHEMAS: &[(&str, &str, &str)] = &[
    (
        "required-property-removed",
        "{ type: object, required: [ a ], properties: { a: { type: string } } }",
        "{ type: object }",
    ),
    ("optional-property-removed", "{ type: object, properties: { a: { type: string } } }", "{ type: object }"),
    (
        "required-property-added",
        "{ type: object }",
        "{ type: object, required: [ a ], properties: { a: { type: string } } }",
    ),
    ("optional-property-added", "{ type: object }", "{ type: object, properties: { a: { type: string } } }"),
    (
        "property-became-required",
        "{ type: object, properties: { a: { type: string } } }",
        "{ type: object, required: [ a ], properties: { a: { type: string } } }",
    ),
    (
        "property-became-optional",
        "{ type: object, required: [ a ], properties: { a: { type: string } } }",
        "{ type: object, properties: { a: { type: string } } }",
    ),
    ("type-narrowed", "{ type: number }", "{ type: integer }"),
    ("type-widened", "{ type: integer }", "{ type: number }"),
    ("type-changed", "{ type: integer }", "{ type: string }"),
    ("became-nullable", "{ type: array, items: {} }", "{ type: array, items: {}, nullable: true }"),
    ("became-not-nullable", "{ type: array, items: {}, nullable: true }", "{ type: array, items: {} }"),
    ("enum-added", "{ type: string }", "{ type: string, enum: [ a ] }"),
    ("enum-removed", "{ type: string, enum: [ a ] }", "{ type: string }"),
    ("enum-value-added", "{ type: string, enum: [ a ] }", "{ type: string, enum: [ a, b ] }"),
    ("enum-value-removed", "{ type: string, enum: [ a, b ] }", "{ type: string, enum: [ a ] }"),
    (
        "open-enum-value-added",
        "{ type: string, x-extensible-enum: [ a ] }",
        "{ type: string, x-extensible-enum: [ a, b ] }",
    ),
    (
        "open-enum-value-removed",
        "{ type: string, x-extensible-enum: [ a, b ] }",
        "{ type: string, x-extensible-enum: [ a ] }",
    ),
    ("open-enum-added", "{ type: string }", "{ type: string, x-extensible-enum: [ a ] }"),
    ("open-enum-removed", "{ type: string, x-extensible-enum: [ a ] }", "{ type: string }"),
    ("limit-tightened", "{ type: string, maxLength: 9 }", "{ type: string, maxLength: 8 }"),
    ("limit-loosened", "{ type: integer, minimum: 3 }", "{ type: integer }"),
    ("limit-changed", "{ type: integer, multipleOf: 3 }", "{ type: integer, multipleOf: 2 }"),
    ("pattern-added", "{ type: string }", "{ type: string, pattern: a }"),
    ("pattern-changed", "{ type: string, pattern: a }", "{ type: string, pattern: b }"),
    ("pattern-removed", "{ type: string, pattern: a }", "{ type: string }"),
    (
        "closed",
        "{ type: object, properties: { a: {} }, additionalProperties: true }",
        "{ type: object, properties: { a: {} }, additionalProperties: false }",
    ),
    (
        "opened",
        "{ type: object, properties: { a: {} }, additionalProperties: false }",
        "{ type: object, properties: { a: {} }, additionalProperties: true }",
    ),
    (
        "alternative-added",
        "{ oneOf: [ { type: string, maxLength: 1 }, { type: object } ] }",
        "{ oneOf: [ { type: string, maxLength: 1 }, { type: object }, { type: boolean } ] }",
    ),
    (
        "alternative-removed",
        "{ oneOf: [ { type: string, maxLength: 1 }, { type: object }, { type: boolean } ] }",
        "{ oneOf: [ { type: string, maxLength: 1 }, { type: object } ] }",
    ),
    (
        "any-of-added",
        "{ anyOf: [ { type: string, maxLength: 1 }, { type: object } ] }",
        "{ anyOf: [ { type: string, maxLength: 1 }, { type: object }, { type: boolean } ] }",
    ),
    (
        "any-of-removed",
        "{ anyOf: [ { type: string, maxLength: 1 }, { type: object }, { type: boolean } ] }",
        "{ anyOf: [ { type: string, maxLength: 1 }, { type: object } ] }",
    ),
    (
        "choice-added",
        "{ type: object, properties: { a: { type: string } } }",
        "{ type: object, oneOf: [ { properties: { a: { type: string } } }, { properties: { b: { type: string } } } ] }",
    ),
    (
        "choice-removed",
        "{ type: object, oneOf: [ { properties: { a: { type: string } } }, { properties: { b: { type: string } } } ] }",
        "{ type: object, properties: { a: { type: string } } }",
    ),
    (
        "all-of-added",
        "{ allOf: [ { type: object, properties: { a: {} } }, { type: object, minProperties: 1 } ] }",
        "{ allOf: [ { type: object, properties: { a: {} } }, { type: object, minProperties: 1 }, { properties: { a: {} } } ] }",
    ),
    (
        "all-of-removed",
        "{ allOf: [ { type: object, properties: { a: {} } }, { type: object, minProperties: 1 }, { properties: { a: {} } } ] }",
        "{ allOf: [ { type: object, properties: { a: {} } }, { type: object, minProperties: 1 } ] }",
    ),
    (
        "default-added",
        "{ type: object, properties: { a: { type: string } } }",
        "{ type: object, properties: { a: { type: string, default: b } } }",
    ),
    (
        "default-removed",
        "{ type: object, properties: { a: { type: string, default: b } } }",
        "{ type: object, properties: { a: { type: string } } }",
    ),
    (
        "default-changed",
        "{ type: object, properties: { a: { type: string, default: b } } }",
        "{ type: object, properties: { a: { type: string, default: c } } }",
    ),
    (
        "discriminator-changed",
        "{ type: object, properties: { a: { type: string } } }",
        "{ type: object, properties: { a: { type: string } }, discriminator: { propertyName: a } }",
    ),
    ("access-changed", "{ type: string }", "{ type: string, readOnly: true }"),
];

fn ids(changes: &[Value]) -> BTreeSet<String> {
    changes.iter().map(|change| change["id"].as_str().unwrap().to_owned()).collect()
}

fn printed(format: &str) -> String {
    let arguments = ["diff", "--rules", "--format", format];
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

fn rules() -> Vec<Value> {
    serde_json::from_str(&printed("json")).unwrap()
}

/// What the table says of a rule: its level on the wire and in Rust.
fn levels(rules: &[Value], id: &str) -> (String, String) {
    let rule = rules.iter().find(|rule| rule["id"] == id).unwrap_or_else(|| panic!("{id} is no rule"));
    ["wire", "rust"].map(|axis| rule[axis].as_str().unwrap().to_owned()).into()
}

#[test]
fn each_rule_is_triggered_by_its_pair_alone() {
    let rules = rules();
    let mut tried = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut try_pair = |id: String, base: String, head: String| {
        let mut found = changes(&base, &head);
        if id == "settled-undecided" {
            // A value without a decision is always a new value as well.
            found.retain(|change| {
                change["id"] != "response-open-enum-value-added" && change["id"] != "request-open-enum-value-added"
            });
        }
        let (wire, rust) = levels(&rules, &id);
        let fits = found.iter().all(|change| change["wire"] == wire.as_str() && change["rust"] == rust.as_str());
        // Schemas that nothing uses are no matter of the wire.
        let unused = base.contains("schemas:") && wire != "none" || id.starts_with("extra-");
        if ids(&found) != BTreeSet::from([id.clone()]) || !(fits || unused) || found.len() != 1 {
            wrong.push(format!("{id} ({wire}, {rust}): {found:?}"));
        }
        tried.insert(id);
    };
    for (id, base, head) in pairs() {
        try_pair(id.to_owned(), base, head);
    }
    for (kind, base, head) in SCHEMAS {
        let request = |schema: &str| body(&format!("{{ content: {{ application/json: {{ schema: {schema} }} }} }}"));
        let response = |schema: &str| {
            responses(&format!("{{ '200': {{ content: {{ application/json: {{ schema: {schema} }} }} }} }}"))
        };
        let id = if kind.ends_with("property-removed") { "property-removed" } else { kind };
        try_pair(format!("request-{id}"), request(base), request(head));
        try_pair(format!("response-{kind}"), response(base), response(head));
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let all: BTreeSet<String> = rules.iter().map(|rule| rule["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(all, tried, "rules without a pair, or pairs without a rule");
}

/// A rule with a slip in its id would be reported as unclassified.
#[test]
fn the_code_names_rules_of_the_table() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["diff", "--rules", "--format", "json"]).output().unwrap();
    let table: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let table: BTreeSet<&str> = table.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diff/compare");
    let mut named = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for call in text.split(".note(").skip(1) {
            let Some(id) = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            assert!(table.contains(id), "{id}");
            named += 1;
        }
    }
    assert!(named > 25, "{named}");
}

#[test]
fn the_table_says_why_and_how_to_avoid_it_in_every_format() {
    let rules = rules();
    assert!(rules.len() > 100);
    let (human, markdown) = (printed("human"), printed("markdown"));
    assert!(human.lines().all(|line| line.len() <= 120), "too wide for a terminal");
    assert_eq!(markdown.lines().count(), rules.len() + 2);
    for (rule, row) in rules.iter().zip(markdown.lines().skip(2)) {
        let keys = ["id", "axis", "direction", "level", "wire", "rust", "why", "avoid"];
        let cells = keys.map(|key| rule[key].as_str().unwrap());
        assert!(cells.iter().all(|cell| !cell.is_empty() && !cell.contains(['|', '\n'])), "{rule}");
        assert!(["wire", "rust", "both"].contains(&cells[1]), "{rule}");
        assert_eq!(row, format!("| {} |", cells.join(" | ")));
        let [id, axis, direction, level, wire, rust, why, avoid] = cells;
        let words = [id, axis, direction, level, wire, rust, "why:", why, "to avoid it:", avoid].join(" ");
        assert!(human.split_whitespace().collect::<Vec<_>>().join(" ").contains(&words), "{words}");
    }
}

#[test]
fn another_notation_is_no_change() {
    let wrap = |schema: &str, rest: &str| {
        responses(&format!("{{ '200': {{ content: {{ application/json: {{ schema: {schema} }} }} }} }}")) + rest
    };
    let one = "components: { schemas: { A: { type: object, properties: { a: { type: string } } } } }\n";
    let same = [
        (
            wrap("{ $ref: '#/components/schemas/A' }", one),
            wrap("{ type: object, properties: { a: { type: string } } }", one),
        ),
        (
            wrap("{ $ref: '#/components/schemas/A' }", one),
            wrap("{ allOf: [ { $ref: '#/components/schemas/A' } ] }", one),
        ),
        (
            wrap("{ $ref: '#/components/schemas/A', nullable: true }", one),
            wrap("{ $ref: '#/components/schemas/A', nullable: true }", one),
        ),
        (
            wrap("{ nullable: true, allOf: [ { $ref: '#/components/schemas/A' } ] }", one),
            wrap("{ anyOf: [ { $ref: '#/components/schemas/A' }, { type: 'null' } ] }", one),
        ),
        (wrap("{ type: string, nullable: true }", ""), wrap("{ type: [ string, 'null' ] }", "")),
        (wrap("{ type: string, enum: [ a ] }", ""), wrap("{ type: string, const: a }", "")),
        (
            wrap("{ type: integer, minimum: 3, exclusiveMinimum: true }", ""),
            wrap("{ type: integer, exclusiveMinimum: 3 }", ""),
        ),
        (wrap("{ type: string, maxLength: 3 }", ""), wrap("{ maxLength: 3.0, type: string, nullable: false }", "")),
        (
            paths("'/x/{a}': { parameters: [ { name: a, in: path, required: true } ], get: { responses: {} } }"),
            paths("'/x/{b}': { get: { responses: {}, parameters: [ { name: b, in: path, required: true } ] } }"),
        ),
        (operation("responses: {}") + "security: [ { a: [] } ]\n", operation("responses: {}, security: [ { a: [] } ]")),
        (responses("{ 200: {} }"), responses("{ '200': {} }")),
        (responses("{ 2xx: {} }"), responses("{ 2XX: {} }")),
        (wrap("{ type: 'null' }", ""), wrap("{ const: null }", "")),
        (wrap("{ type: integer, exclusiveMinimum: 0 }", ""), wrap("{ type: integer, minimum: 1 }", "")),
        (
            wrap("{ type: integer, maximum: 4.5 }", ""),
            wrap("{ type: integer, maximum: 5, exclusiveMaximum: true }", ""),
        ),
        (
            wrap("{ oneOf: [ { type: string }, { const: null } ] }", ""),
            wrap("{ oneOf: [ { type: string }, { type: 'null' } ] }", ""),
        ),
    ];
    for (base, head) in same {
        assert_eq!(changes(&base, &head), Vec::<Value>::new(), "{base}\n{head}");
        assert_eq!(changes(&head, &base), Vec::<Value>::new(), "{head}\n{base}");
    }
}

#[test]
fn recursion_is_followed_to_its_end() {
    let tree = |rest: &str, child: &str| {
        responses("{ '200': { content: { application/json: { schema: { $ref: '#/components/schemas/T' } } } } }")
            + &format!(
                "components: {{ schemas: {{ T: {{ type: object, properties: {{ {rest} child: {child} }} }} }} }}\n"
            )
    };
    for child in [
        "{ type: array, items: { $ref: '#/components/schemas/T' } }",
        "{ allOf: [ { $ref: '#/components/schemas/T' }, { minProperties: 1 } ] }",
        "{ oneOf: [ { allOf: [ { $ref: '#/components/schemas/T' }, { minProperties: 1 } ] }, { type: string } ] }",
    ] {
        let found = changes(&tree("a: { type: string },", child), &tree("", child));
        assert_eq!(ids(&found), BTreeSet::from(["response-optional-property-removed".to_owned()]), "{child}");
        assert_eq!(found.len(), 1, "{child}");
    }
}

#[test]
fn shared_schemas_are_compared_once() {
    let reference = |name: &str| format!("{{ $ref: '#/components/schemas/{name}' }}");
    let shared = |kind: &str| {
        let mut all = format!("A0: {{ type: object, properties: {{ a: {{ type: {kind} }} }} }}");
        for at in 1..30 {
            let before = reference(&format!("A{}", at - 1));
            all += &format!(", A{at}: {{ allOf: [ {before}, {before} ] }}");
        }
        schemas(&all)
    };
    let found = changes(&shared("string"), &shared("integer"));
    assert_eq!((found.len(), most(&found, "rust").as_str()), (1, "breaking"), "{found:?}");
}

#[test]
fn large_documents_that_share_nothing_are_compared() {
    let alternatives = |prefix: &str| {
        let all: Vec<String> = (0..1_500).map(|at| format!("{{ type: object, title: {prefix}{at} }}")).collect();
        schemas(&format!("A: {{ oneOf: [ {} ] }}", all.join(", ")))
    };
    let names = |prefix: &str| {
        let all: Vec<String> = (0..3_000).map(|at| format!("{prefix}{at}: {{ maxLength: {at} }}")).collect();
        schemas(&all.join(", "))
    };
    for (base, head) in [(alternatives("a"), alternatives("b")), (names("a"), names("b"))] {
        assert!(!changes(&base, &head).is_empty());
    }
}
