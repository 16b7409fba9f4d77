//! `cargo xtask diff`: a change has the place of what it is about, so that its acknowledgement covers no other change.

use std::fs;

use crate::support::differ::{Document, changes, most};
use crate::support::folder::{folder, run};
use serde_json::Value;

fn document(operation: &str, rest: &str) -> String {
    format!(
        "openapi: 3.0.3\ninfo: {{ title: t, version: '1' }}\npaths: {{ /x: {{ post: {{ responses: {{}}, {operation} }} }} }}\n{rest}\n"
    )
}

fn schema(schema: &str) -> String {
    document(
        "requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/A' } } } }",
        &format!(
            "components: {{ schemas: {{ A: {schema}, B: {{ type: object }}, C: {{ type: array, items: {{}} }} }} }}"
        ),
    )
}

fn found(base: &str, head: &str) -> Vec<Value> {
    changes(Document::new(base).path(), Document::new(head).path()).1
}

/// Places of the breaking changes.
fn breaks(base: &str, head: &str) -> Vec<String> {
    let found = found(base, head);
    let breaks = found.iter().filter(|change| change["level"] == "breaking");
    let mut places: Vec<String> = breaks.map(|change| change["place"].as_str().unwrap().to_owned()).collect();
    places.sort();
    places
}

#[test]
fn an_acknowledgement_of_one_field_covers_no_other() {
    let fields = "properties: { email: { type: string }, phone_number: { type: string } }";
    let folder = folder("fields");
    let accepted = "- { id: request-property-became-required, place: /components/schemas/A/properties/email, reason: receipts are sent there, expires: 2999-01-01 }\n";
    for (name, text) in [
        ("base.yaml", schema(&format!("{{ type: object, {fields} }}"))),
        ("email.yaml", schema(&format!("{{ type: object, required: [ email ], {fields} }}"))),
        ("phone.yaml", schema(&format!("{{ type: object, required: [ phone_number ], {fields} }}"))),
        ("accepted.yaml", accepted.to_owned()),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    let (code, out, error) = run(&folder, &["base.yaml", "email.yaml", "--accepted", "accepted.yaml"]);
    assert_eq!(code, Some(0), "{out}{error}");
    let (code, out, _) = run(&folder, &["base.yaml", "phone.yaml", "--accepted", "accepted.yaml"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("/components/schemas/A/properties/phone_number") && out.contains("names no break"), "{out}");
}

#[test]
fn a_place_names_the_item_of_a_list() {
    let parameters = |list: &str| {
        document(
            &format!("parameters: [ {list} ]"),
            "components: { parameters: { P: { name: p, in: query }, R: { name: r, in: query } } }",
        )
    };
    let operation = |text: &str| document(text, "");
    let root = |text: &str| document("", text);
    let a = "{ title: a, type: object, properties: { x: {} } }";
    for (base, head, places) in [
        (
            schema(
                "{ type: object, allOf: [ { title: p, properties: { a: {}, b: {} } }, { title: q, minProperties: 1 } ] }",
            ),
            schema(
                "{ type: object, allOf: [ { title: p, properties: { a: {}, b: {} }, required: [ b ] }, { title: q, minProperties: 1 } ] }",
            ),
            vec!["/components/schemas/A/allOf/p/properties/b"],
        ),
        // Neither schema has the property.
        (
            schema("{ type: object, required: [ a ] }"),
            schema("{ type: object, required: [ b ] }"),
            vec!["/components/schemas/A/properties/b"],
        ),
        (
            schema("{ type: string, enum: [ a, b, c, d ] }"),
            schema("{ type: string, enum: [ a, d ] }"),
            vec!["/components/schemas/A/enum/b", "/components/schemas/A/enum/c"],
        ),
        (
            schema("{ type: string, x-extensible-enum: [ a, b/c ] }"),
            schema("{ type: string, x-extensible-enum: [ a ] }"),
            vec!["/components/schemas/A/x-extensible-enum/b~1c"],
        ),
        (
            schema(&format!(
                "{{ oneOf: [ {a}, {{ $ref: '#/components/schemas/B' }}, {{ $ref: '#/components/schemas/C' }} ] }}"
            )),
            schema(&format!("{{ oneOf: [ {{ $ref: '#/components/schemas/C' }}, {a} ] }}")),
            vec!["/components/schemas/A/oneOf/B"],
        ),
        (
            parameters(
                "{ name: q, in: query }, { $ref: '#/components/parameters/P' }, { $ref: '#/components/parameters/R' }",
            ),
            parameters("{ $ref: '#/components/parameters/R' }"),
            vec!["/paths/~1x/post/parameters/query:p", "/paths/~1x/post/parameters/query:q"],
        ),
        (
            parameters("{ name: q, in: query }"),
            parameters("{ name: h, in: header, required: true }, { name: q, in: query, required: true }"),
            vec!["/paths/~1x/post/parameters/header:h", "/paths/~1x/post/parameters/query:q/required"],
        ),
        // A shared parameter has the place where it is shared.
        (
            parameters("{ $ref: '#/components/parameters/P' }"),
            parameters("{ $ref: '#/components/parameters/P' }").replace("name: p", "name: s"),
            vec!["/components/parameters/P"],
        ),
        (
            operation("security: [ { a: [] }, { a: [], b: [] }, { c: [] } ]"),
            operation("security: [ { c: [] } ]"),
            vec!["/paths/~1x/post/security/a", "/paths/~1x/post/security/a+b"],
        ),
        (operation("tags: [ a ]"), operation("tags: [ b ]"), vec!["/paths/~1x/post/tags/b"]),
        (
            operation("operationId: a_b, tags: [ a ], x-piaxis-methods: [ b, c, d ]"),
            operation("operationId: a_b, tags: [ a ], x-piaxis-methods: [ d ]"),
            vec!["/paths/~1x/post/x-piaxis-methods/b", "/paths/~1x/post/x-piaxis-methods/c"],
        ),
        (
            root(
                "servers: [ { url: 'https://a', x-piaxis-environment: e }, { url: 'https://b', x-piaxis-environment: f } ]",
            ),
            root("servers: [ { url: 'https://b', x-piaxis-environment: f } ]"),
            vec!["/servers/e"],
        ),
        (
            root("x-piaxis-environment-variables: { k: { names: [ A, B ] } }"),
            root("x-piaxis-environment-variables: { k: { names: [ B ] } }"),
            vec!["/x-piaxis-environment-variables/k/names/A"],
        ),
    ] {
        assert_eq!(breaks(&base, &head), places, "{base}\n{head}");
    }
}

#[test]
fn the_same_edit_of_many_places_is_a_break_of_each() {
    let all = |field: &str| {
        let names = ["A", "B", "C", "D", "E"].map(|name| format!("{name}: {{ type: object, {field} }}"));
        document("", &format!("components: {{ schemas: {{ {} }} }}", names.join(", ")))
    };
    let (base, head) = (all("properties: { a: { type: string } }"), all("properties: { a: { type: integer } }"));
    assert_eq!(breaks(&base, &head).len(), 5);
    // The same harmless edit is one change.
    let head = all("properties: { a: { type: string, maxLength: 9 } }");
    assert_eq!(found(&base, &head).len(), 1);
}

#[test]
fn a_removed_alternative_of_a_security_requirement_is_breaking() {
    for (base, head, wire) in [
        // The alternative was a superset of another.
        ("{ a: [] }, { a: [], b: [] }", "{ a: [] }", "breaking"),
        ("{ a: [] }, { b: [] }", "{ a: [] }", "breaking"),
        ("{ a: [] }", "{ a: [], b: [] }", "breaking"),
        ("{ a: [] }, { b: [] }", "{ a: [], b: [] }, { b: [] }", "breaking"),
        ("{ a: [ r ] }", "{ a: [ r, w ] }", "breaking"),
        ("{ a: [ r ] }, { a: [ w ] }", "{ a: [ r ] }", "breaking"),
        ("{ a: [] }, {}", "{ a: [] }", "breaking"),
        ("{ a: [] }", "{ a: [] }, { b: [] }", "additive"),
        ("{ a: [] }", "{ a: [] }, { a: [], b: [] }", "additive"),
        ("{ a: [], b: [] }", "{ a: [] }", "additive"),
        ("{ a: [ r, w ] }", "{ a: [ r ] }", "additive"),
        ("{ a: [] }", "", "additive"),
        ("{ a: [] }, { b: [] }", "{ b: [] }, { a: [] }", "none"),
    ] {
        let operation = |list: &str| document(&format!("security: [ {list} ]"), "");
        let found = found(&operation(base), &operation(head));
        assert_eq!(most(&found, "wire"), wire, "{base} to {head}: {found:?}");
    }
}

#[test]
fn a_new_value_of_an_enum_with_final_values_is_a_decision() {
    let status = |values: &str, settled: &str| {
        schema(&format!("{{ type: string, x-extensible-enum: [ {values} ], x-piaxis-settled: [ {settled} ] }}"))
    };
    let base = status("open, done", "done");
    let prompts = |head: &str| {
        let found = found(&base, head);
        let prompts = found.into_iter().filter(|change| change["id"] == "settled-undecided");
        prompts.map(|change| (change["level"].clone(), change["message"].clone())).collect::<Vec<_>>()
    };
    let prompt = prompts(&status("open, done, refunded", "done"));
    let [(level, message)] = prompt.as_slice() else { panic!("{prompt:?}") };
    assert_eq!(level, "patch");
    for word in ["\"refunded\"", "`A`", "x-piaxis-settled", "final"] {
        assert!(message.as_str().unwrap().contains(word), "{message}");
    }
    assert!(prompts(&status("open, done, refunded", "done, refunded")).is_empty());
    assert!(prompts(&status("open", "open")).is_empty());
}
