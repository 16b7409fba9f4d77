//! `cargo xtask diff`: what tightens a request breaks, what tightens a response does not, and the other way round.

use crate::support::differ::{Document, changes, most};

/// Name, base, head, whether it breaks requests, whether it breaks responses.
type Case = (&'static str, &'static str, &'static str, bool, bool);

#[rustfmt::skip]
const SCHEMAS: &[Case] = &[
    ("another step", "{ type: integer, multipleOf: 3 }", "{ type: integer, multipleOf: 2 }", true, true),
    ("a finer step", "{ type: integer, multipleOf: 4 }", "{ type: integer, multipleOf: 2 }", false, true),
    ("a coarser step", "{ type: integer, multipleOf: 2 }", "{ type: integer, multipleOf: 4 }", true, false),
    ("a length that says nothing", "{ type: string }", "{ type: string, minLength: 0 }", false, false),
    ("a limit excludes itself", "{ type: integer, maximum: 5 }", "{ type: integer, maximum: 5, exclusiveMaximum: true }", true, false),
    ("a large limit is one less", "{ type: integer, maximum: 9223372036854775807 }", "{ type: integer, maximum: 9223372036854775806 }", true, false),
    ("a number beyond 0 is one from 1 on", "{ type: number, exclusiveMinimum: 0 }", "{ type: number, minimum: 1 }", true, false),
    ("a limit as OpenAPI 3.1 writes it", "{ type: integer }", "{ type: integer, exclusiveMinimum: 5 }", true, false),
    ("the tighter of two limits", "{ allOf: [ { type: string, maxLength: 9 }, { maxLength: 8 } ] }", "{ allOf: [ { type: string, maxLength: 9 }, { maxLength: 5 } ] }", true, false),
    ("the wider of two limits", "{ allOf: [ { type: string, maxLength: 9 }, { maxLength: 8 } ] }", "{ allOf: [ { type: string, maxLength: 10 }, { maxLength: 8 } ] }", false, false),
    ("two parts in another order", "{ allOf: [ { properties: { a: { maxLength: 9 } } }, { properties: { a: { type: string } } } ] }", "{ allOf: [ { properties: { a: { type: string } } }, { properties: { a: { maxLength: 9 } } } ] }", false, false),
    ("a field in two parts", "{ properties: { a: { type: string } }, allOf: [ { properties: { a: { maxLength: 9 } } } ] }", "{ properties: { a: { type: string } }, allOf: [ { properties: { a: { maxLength: 5 } } } ] }", true, false),
    ("a field that another part holds to less", "{ allOf: [ { properties: { a: { type: string, maxLength: 5 } } }, { properties: { a: { type: string, maxLength: 9 } } } ] }", "{ allOf: [ { properties: { a: { type: string, maxLength: 5 } } }, { properties: { a: { type: string, maxLength: 7 } } } ] }", false, false),
    ("a field that another part holds to more", "{ allOf: [ { properties: { a: { type: string, maxLength: 5 } } }, { properties: { a: { type: string, maxLength: 9 } } } ] }", "{ allOf: [ { properties: { a: { type: string, maxLength: 5 } } }, { properties: { a: { type: string, maxLength: 3 } } } ] }", true, false),
    ("oneOf is anyOf", "{ oneOf: [ { properties: { a: { type: string } } }, { properties: { b: { type: string } } } ] }", "{ anyOf: [ { properties: { a: { type: string } } }, { properties: { b: { type: string } } } ] }", false, true),
    ("anyOf is oneOf", "{ anyOf: [ { properties: { a: { type: string } } }, { properties: { b: { type: string } } } ] }", "{ oneOf: [ { properties: { a: { type: string } } }, { properties: { b: { type: string } } } ] }", true, false),
    ("another anyOf for a oneOf", "{ oneOf: [ { title: a, type: object }, { title: b, type: array } ] }", "{ anyOf: [ { title: a, type: object }, { title: c, type: string, maxLength: 1 } ] }", true, true),
    ("a field moves into one of two alternatives", "{ properties: { a: {} }, required: [ a ], oneOf: [ { title: b, properties: { b: {} } }, { title: c, properties: { c: {} } } ] }", "{ oneOf: [ { title: b, properties: { a: {}, b: {} } }, { title: c, properties: { c: {} } } ] }", true, true),
    ("a pattern of what is read-only", "{ properties: { a: { type: string, readOnly: true } } }", "{ properties: { a: { type: string, readOnly: true, pattern: a } } }", true, false),
    ("another type of what is read-only", "{ properties: { a: { type: string, readOnly: true } } }", "{ properties: { a: { type: integer, readOnly: true } } }", true, true),
    ("a limit of what is read-only now", "{ properties: { a: { maximum: 9 } } }", "{ properties: { a: { readOnly: true, maximum: 5 } } }", false, false),
    ("a required read-only field is removed", "{ required: [ a ], properties: { a: { readOnly: true }, b: {} } }", "{ properties: { b: {} } }", false, true),
    ("values of a map may be anything", "{ type: object, additionalProperties: { type: string } }", "{ type: object, additionalProperties: true }", false, true),
    ("values of a map are text", "{ type: object }", "{ type: object, additionalProperties: { type: string } }", true, false),
    ("values of a map are text, and there are others", "{ type: object, additionalProperties: false }", "{ type: object, additionalProperties: { type: string } }", false, false),
    ("values of a map have a title", "{ type: object }", "{ type: object, additionalProperties: { title: a } }", false, false),
    ("another type of what is write-only", "{ properties: { a: { type: string, writeOnly: true } } }", "{ properties: { a: { type: integer, writeOnly: true } } }", true, false),
    ("what is read-only becomes required", "{ properties: { a: { readOnly: true } } }", "{ required: [ a ], properties: { a: { readOnly: true } } }", false, false),
    ("what is write-only becomes required", "{ properties: { a: { writeOnly: true } } }", "{ required: [ a ], properties: { a: { writeOnly: true } } }", true, false),
    ("a required write-only field is removed", "{ required: [ a ], properties: { a: { writeOnly: true }, b: {} } }", "{ properties: { b: {} } }", true, false),
    ("anything is text", "{ properties: { a: true } }", "{ properties: { a: { type: string } } }", true, false),
    ("text is nothing", "{ properties: { a: { type: string } } }", "{ properties: { a: false } }", true, false),
    ("an exception", "{ type: string }", "{ type: string, not: { enum: [ a ] } }", true, false),
    ("another exception", "{ type: string, not: { enum: [ b ] } }", "{ type: string, not: { enum: [ a ] } }", true, true),
    ("a condition", "{ properties: { a: {} } }", "{ properties: { a: {} }, if: { required: [ a ] }, then: { required: [ b ] } }", true, false),
    ("a consequence of no condition", "{ type: object }", "{ type: object, then: { required: [ b ] } }", false, false),
    ("what a list contains", "{ type: array, items: {} }", "{ type: array, items: {}, contains: { const: a } }", true, false),
    ("how often a list contains it", "{ type: array, contains: { const: a } }", "{ type: array, contains: { const: a }, minContains: 2 }", true, false),
    ("a field demands another", "{ type: object, dependentRequired: { a: [ b ] } }", "{ type: object, dependentRequired: { a: [ b, c ] } }", true, true),
    ("a field demands another one", "{ type: object, dependentRequired: { a: [ b ] } }", "{ type: object, dependentRequired: { a: [ c ] } }", true, true),
    ("a field demands a schema", "{ type: object, dependentSchemas: { a: { required: [ b ] } } }", "{ type: object }", false, true),
    ("fields of a name", "{ type: object, patternProperties: { a: { maxLength: 9 } } }", "{ type: object, patternProperties: { a: { maxLength: 5 } } }", true, true),
    ("names of fields", "{ type: object }", "{ type: object, propertyNames: { maxLength: 5 } }", true, false),
    ("no other fields", "{ type: object }", "{ type: object, unevaluatedProperties: false }", true, false),
    ("what text holds", "{ type: string }", "{ type: string, contentSchema: { type: object } }", true, false),
    ("the places of a list", "{ type: array, prefixItems: [ { maxLength: 9 } ] }", "{ type: array, prefixItems: [ { maxLength: 5 } ] }", true, true),
    ("more beside a reference", "{ $ref: '#/components/schemas/S', maxLength: 9 }", "{ $ref: '#/components/schemas/S', maxLength: 5 }", true, false),
];

/// A change of an operation, and whether it breaks.
#[rustfmt::skip]
const OPERATIONS: &[(&str, &str, &str, bool)] = &[
    ("a wider name of a body", "requestBody: { content: { application/json: {} } }", "requestBody: { content: { 'application/*': {} } }", false),
    ("a closer name of a body", "requestBody: { content: { '*/*': {} } }", "requestBody: { content: { application/json: {} } }", true),
    ("a wider name and a tighter body", "requestBody: { content: { a/b: { schema: { type: string } } } }", "requestBody: { content: { '*/*': { schema: { type: string, maxLength: 1 } } } }", true),
    ("one of two versions of a body", "responses: { '200': { content: { 'a/b; v=1': {}, 'a/b; v=2': {} } } }", "responses: { '200': { content: { 'a/b; v=1': {} } } }", true),
    ("another version of a body", "responses: { '200': { content: { 'a/b; v=1': {} } } }", "responses: { '200': { content: { 'a/b; v=1': {}, 'a/b; v=2': {} } } }", false),
    ("a name that was wide enough already", "requestBody: { content: { a/b: {}, '*/*': {} } }", "requestBody: { content: { '*/*': {} } }", false),
    ("a body under the name of its base", "requestBody: { content: { application/problem+json: {} } }", "requestBody: { content: { application/json: {} } }", true),
    ("a body says its charset", "responses: { '200': { content: { a/b: {} } } }", "responses: { '200': { content: { 'a/b; charset=utf-8': {} } } }", false),
    ("one of several responses", "responses: { 2XX: { content: { a/b: { schema: { type: string } } } } }", "responses: { '200': { content: { a/b: { schema: { type: string } } } }, '201': { content: { a/b: { schema: { type: integer } } } } }", true),
    ("a header of no type", "responses: { '200': { headers: { A: { schema: { type: string } } } } }", "responses: { '200': { headers: { A: {} } } }", true),
    ("a header in JSON", "responses: { '200': { headers: { A: { content: { a/b: { schema: { type: string } } } } } } }", "responses: { '200': { headers: { A: { content: { a/b: { schema: { type: integer } } } } } } }", true),
    ("a parameter in another form", "parameters: [ { name: q, in: query, content: { a/b: {} } } ]", "parameters: [ { name: q, in: query, content: { a/c: {} } } ]", true),
    ("a list written out", "parameters: [ { name: q, in: query, schema: { type: array } } ]", "parameters: [ { name: q, in: query, explode: false, schema: { type: array } } ]", true),
    ("text written out", "parameters: [ { name: q, in: query, schema: { $ref: '#/components/schemas/S' } } ]", "parameters: [ { name: q, in: query, explode: false, schema: { $ref: '#/components/schemas/S' } } ]", false),
    ("text or null", "parameters: [ { name: q, in: query, schema: { type: string } } ]", "parameters: [ { name: q, in: query, schema: { type: [ string, 'null' ] } } ]", false),
    ("a number in a query is text", "parameters: [ { name: q, in: query, schema: { type: integer } } ]", "parameters: [ { name: q, in: query, schema: { type: string } } ]", false),
    ("numbers in a query are text", "parameters: [ { name: q, in: query, schema: { type: array, items: { type: integer } } } ]", "parameters: [ { name: q, in: query, schema: { type: array, items: { type: string } } } ]", false),
    ("text in a query is a number", "parameters: [ { name: q, in: query, schema: { type: string } } ]", "parameters: [ { name: q, in: query, schema: { type: integer } } ]", true),
    ("a number in a query is a date", "parameters: [ { name: q, in: query, schema: { type: integer } } ]", "parameters: [ { name: q, in: query, schema: { type: string, format: date } } ]", true),
    ("a number or text in a query is text", "parameters: [ { name: q, in: query, schema: { type: [ string, integer ] } } ]", "parameters: [ { name: q, in: query, schema: { type: string } } ]", true),
    ("text in a query is a number or text", "parameters: [ { name: q, in: query, schema: { type: string } } ]", "parameters: [ { name: q, in: query, schema: { type: [ string, integer ] } } ]", false),
    ("a number in JSON in a query is text", "parameters: [ { name: q, in: query, content: { a/json: { schema: { type: integer } } } } ]", "parameters: [ { name: q, in: query, content: { a/json: { schema: { type: string } } } } ]", true),
    ("a number in a form is text", "requestBody: { content: { multipart/form-data: { schema: { properties: { a: { type: integer } } } } } }", "requestBody: { content: { multipart/form-data: { schema: { properties: { a: { type: string } } } } } }", false),
    ("a number in JSON in a form is text", "requestBody: { content: { multipart/form-data: { schema: { properties: { a: { properties: { b: { type: integer } } } } } } } }", "requestBody: { content: { multipart/form-data: { schema: { properties: { a: { properties: { b: { type: string } } } } } } } }", true),
    ("a flag in JSON is text", "requestBody: { content: { application/json: { schema: { type: boolean } } } }", "requestBody: { content: { application/json: { schema: { type: string } } } }", true),
    ("a number in plain text is text", "requestBody: { content: { text/plain: { schema: { type: integer } } } }", "requestBody: { content: { text/plain: { schema: { type: string } } } }", false),
    ("text in a header is a number", "responses: { '200': { headers: { A: { schema: { type: string } } } } }", "responses: { '200': { headers: { A: { schema: { type: integer } } } } }", false),
    ("a number in a header is text", "responses: { '200': { headers: { A: { schema: { type: integer } } } } }", "responses: { '200': { headers: { A: { schema: { type: string } } } } }", true),
    ("another default of what is required", "parameters: [ { name: q, in: query, required: true, schema: { default: 1 } } ]", "parameters: [ { name: q, in: query, required: true, schema: { default: 2 } } ]", false),
    ("another default of what was required", "parameters: [ { name: q, in: query, required: true, schema: { default: 1 } } ]", "parameters: [ { name: q, in: query, schema: { default: 2 } } ]", false),
    ("another default of what is optional", "parameters: [ { name: q, in: query, schema: { default: 1 } } ]", "parameters: [ { name: q, in: query, schema: { default: 2 } } ]", true),
    ("a status with a body like that of the others", "responses: { default: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", "responses: { '404': { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } }, default: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", false),
    ("a status with a body of its own", "responses: { default: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", "responses: { '404': { content: { a/b: { schema: { properties: { a: {} } } } } }, default: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", true),
    ("a body of its own becomes that of the others", "responses: { '404': { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } }, default: { content: { a/b: { schema: { properties: { a: {} } } } } } }", "responses: { default: { content: { a/b: { schema: { properties: { a: {} } } } } } }", true),
    ("one status of a range with a body of its own", "responses: { 4XX: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", "responses: { 4XX: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } }, '404': { content: { a/b: { schema: { properties: { a: {} } } } } } }", true),
    ("a range becomes one status", "responses: { 4XX: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", "responses: { '404': { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", false),
    ("a status becomes a range", "responses: { '200': { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", "responses: { 2XX: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", false),
    ("a range becomes the others", "responses: { 4XX: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", "responses: { default: { content: { a/b: { schema: { properties: { a: {} } } } } }, '200': {} }", true),
    ("a success beside the failures", "responses: { '200': {}, default: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", "responses: { '200': {}, '201': {}, default: { content: { a/b: { schema: { required: [ a ], properties: { a: {} } } } } } }", false),
    ("an unknown key of a parameter", "parameters: [ { name: q, in: query } ]", "parameters: [ { name: q, in: query, novelty: 1 } ]", true),
    ("an unknown key of a body", "requestBody: { content: { a/b: {} } }", "requestBody: { content: { a/b: { novelty: {} } } }", true),
    ("an unknown key of a response", "responses: { '200': {} }", "responses: { '200': { novelty: {} } }", true),
    ("a callback", "callbacks: { c: { u: { post: {} } } }", "callbacks: { c: { u: { get: {} } } }", true),
    ("a callback alike", "callbacks: { c: { u: { post: {} } } }", "callbacks: { c: { u: { post: {} } } }", false),
    ("an unknown key of a header", "responses: { '200': { headers: { A: {} } } }", "responses: { '200': { headers: { A: { novelty: {} } } } }", true),
];

fn document(operation: &str) -> Document {
    Document::new(&format!(
        "openapi: 3.1.0\ninfo: {{ title: t, version: '1' }}\npaths: {{ /x: {{ post: {{ {operation} }} }} }}\ncomponents: {{ schemas: {{ S: {{ type: string }} }} }}\n"
    ))
}

fn breaks(base: &str, head: &str) -> (bool, String) {
    let (_, changes) = changes(document(base).path(), document(head).path());
    (most(&changes, "wire") == "breaking", format!("{changes:?}"))
}

#[test]
fn a_schema_is_judged_by_its_direction() {
    let mut wrong = Vec::new();
    for (name, base, head, request, response) in SCHEMAS {
        let sent = |schema: &str| format!("requestBody: {{ content: {{ a/b: {{ schema: {schema} }} }} }}");
        let received =
            |schema: &str| format!("responses: {{ '200': {{ content: {{ a/b: {{ schema: {schema} }} }} }} }}");
        let (in_request, reported) = breaks(&sent(base), &sent(head));
        if in_request != *request {
            wrong.push(format!("{name} in a request: {reported}"));
        }
        let (in_response, reported) = breaks(&received(base), &received(head));
        if in_response != *response {
            wrong.push(format!("{name} in a response: {reported}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn an_operation_is_judged_by_its_direction() {
    let cases = OPERATIONS.iter().map(|(name, base, head, wanted)| (name, breaks(base, head), *wanted));
    let wrong: Vec<String> = cases
        .filter(|(_, (found, _), wanted)| found != wanted)
        .map(|(name, (_, reported), _)| format!("{name}: {reported}"))
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn an_unused_scheme_breaks_nothing() {
    let schemes = |place: &str, security: &str| {
        Document::new(&format!(
            "openapi: 3.0.3\ninfo: {{ title: t, version: '1' }}\nsecurity: [ {security} ]\npaths: {{ /x: {{ get: {{ responses: {{}} }} }} }}\ncomponents: {{ securitySchemes: {{ k: {{ type: apiKey, in: {place}, name: a }} }} }}\n"
        ))
    };
    for (security, wanted) in [("", "patch"), ("{ k: [] }", "breaking")] {
        let (_, changes) = changes(schemes("header", security).path(), schemes("query", security).path());
        assert_eq!(most(&changes, "wire"), wanted, "{changes:?}");
    }
}
