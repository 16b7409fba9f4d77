//! `cargo xtask diff`: a document that cannot be compared is rejected with the place.

use std::fs;

use crate::support::folder::{folder, git, run};

const GOOD: &str = "openapi: 3.0.3\ninfo: { title: t, version: '1' }\npaths: {}\n";

#[test]
fn a_document_that_cannot_be_compared_is_rejected_with_the_place() {
    let folder = folder("bad");
    fs::write(folder.join("good.yaml"), GOOD).unwrap();
    let reference = |target: &str, schemas: &str| {
        format!(
            "openapi: 3.0.3\npaths:\n  /x:\n    get:\n      responses:\n        '200':\n          content:\n            a/b:\n              schema:\n                $ref: '{target}'\ncomponents:\n  schemas:\n{schemas}"
        )
    };
    let a = "#/components/schemas/A";
    let cases = [
        ("broken YAML", "openapi: 3.0.3\npaths:\n  a: [\n".to_owned(), vec![":4", "neither YAML nor JSON"]),
        ("a tab", "openapi: 3.0.3\npaths:\n\tx: 1\n".to_owned(), vec![":3", "neither YAML nor JSON"]),
        ("broken JSON", "{ \"openapi\": \"3.0.3\", \"paths\": {".to_owned(), vec!["neither YAML nor JSON"]),
        ("nothing", String::new(), vec![":1", "empty"]),
        ("blanks", " \n\n".to_owned(), vec![":1", "empty"]),
        ("a comment", "# words\n".to_owned(), vec![":1", "empty"]),
        ("an empty map", "{}\n".to_owned(), vec![":1", "empty"]),
        ("a list", "- 1\n".to_owned(), vec![":1", "no map"]),
        ("text", "words\n".to_owned(), vec![":1", "no map"]),
        ("no version", "info: {}\npaths: {}\n".to_owned(), vec!["no `openapi`"]),
        ("no paths", "openapi: 3.0.3\n".to_owned(), vec!["no `paths`"]),
        ("paths that are a list", "openapi: 3.0.3\npaths: []\n".to_owned(), vec![":2", "`paths` is no map"]),
        ("OpenAPI 2.0", "info: {}\nswagger: '2.0'\npaths: {}\n".to_owned(), vec![":2", "OpenAPI 2.0"]),
        ("OpenAPI 4.0", "info: {}\nopenapi: 4.0.0\npaths: {}\n".to_owned(), vec![":2", "neither 3.0 nor 3.1"]),
        ("a reference to nothing", reference(a, "    B: {}\n"), vec![":10", a, "nothing is there"]),
        ("a reference to another file", reference("b.yaml#/A", "    B: {}\n"), vec![":10", "out of the document"]),
        ("a circle of one", reference(a, &format!("    A: {{ $ref: '{a}' }}\n")), vec![":13", "circular", "schemas/A"]),
        (
            "a circle of two",
            reference(a, "    A: { $ref: '#/components/schemas/B' }\n    B: { $ref: '#/components/schemas/A' }\n"),
            vec!["circular", "schemas/A", "schemas/B"],
        ),
        (
            "a circle through allOf",
            reference(a, &format!("    A: {{ allOf: [ {{ $ref: '{a}' }} ] }}\n")),
            vec!["circular", "schemas/A"],
        ),
        ("references without end", references(a), vec!["references lead on from", "schemas/A"]),
        ("aliases without end", aliases(), vec!["neither YAML nor JSON"]),
        (
            "brackets of JSON without end",
            format!("{{ \"openapi\": \"3.0.3\", \"paths\": {}", "[".repeat(100_000)),
            vec![":1", "neither YAML nor JSON"],
        ),
        (
            "brackets without end",
            format!("openapi: 3.0.3\npaths: {}\n", "[".repeat(5_000)),
            vec!["neither YAML nor JSON"],
        ),
    ];
    for (name, text, wanted) in cases {
        fs::write(folder.join("bad.yaml"), text).unwrap();
        for arguments in [["good.yaml", "bad.yaml"], ["bad.yaml", "good.yaml"]] {
            let (code, out, error) = run(&folder, &arguments);
            assert_eq!((code, out.as_str()), (Some(2), ""), "{name}: {error}");
            assert!(error.starts_with("error: bad.yaml"), "{name}: {error}");
            assert!(!error.contains("panicked"), "{name}: {error}");
            for part in &wanted {
                assert!(error.contains(part), "{name}: {part} is not in {error}");
            }
        }
    }
}

/// Invalid text of a schema, and the reported place.
#[rustfmt::skip]
const SCHEMAS: &[(&str, &str)] = &[
    ("required: a", "`\"a\"` at /components/schemas/A/required: it should be a list of texts"),
    ("required: [ 1 ]", "a list at /components/schemas/A/required"),
    ("nullable: yes", "`\"yes\"` at /components/schemas/A/nullable: it should be `true` or `false`"),
    ("readOnly: 'true'", "/components/schemas/A/readOnly"),
    ("type: 7", "`7` at /components/schemas/A/type: it should be text"),
    ("type: []", "/components/schemas/A/type"),
    ("pattern: 7", "/components/schemas/A/pattern"),
    ("maxLength: '5'", "`\"5\"` at /components/schemas/A/maxLength: it should be a whole number"),
    ("maxLength: 1.5", "/components/schemas/A/maxLength"),
    ("minItems: -1", "/components/schemas/A/minItems"),
    ("maximum: true", "/components/schemas/A/maximum: it should be a number"),
    ("exclusiveMaximum: '5'", "/components/schemas/A/exclusiveMaximum"),
    ("enum: x", "/components/schemas/A/enum: it should be a list"),
    ("x-extensible-enum: x", "/components/schemas/A/x-extensible-enum: it should be a list"),
    ("properties: []", "a list at /components/schemas/A/properties: it should be a map"),
    ("properties: { a: 3 }", "`3` at /components/schemas/A/properties/a: it should be a schema"),
    ("properties: { $ref: 3 }", "`3` at /components/schemas/A/properties/$ref: it should be a schema"),
    ("items: [ {} ]", "/components/schemas/A/items: it should be a schema"),
    ("additionalProperties: 'no'", "/components/schemas/A/additionalProperties: it should be a schema"),
    ("oneOf: {}", "a map at /components/schemas/A/oneOf: it should be a list"),
    ("discriminator: kind", "/components/schemas/A/discriminator: it should be a map"),
    ("$ref: 7", "`7` at /components/schemas/A is no reference"),
    ("$ref:", "`null` at /components/schemas/A is no reference"),
    ("$ref: '#/paths'", "`#/paths` at /components/schemas/A leads to something else"),
    ("$ref: '#'", "`#` at /components/schemas/A leads to something else"),
    ("$ref: '#/components/schemas'", "`#/components/schemas` at /components/schemas/A leads to something else"),
    ("$ref: '#/info/title'", "`\"t\"` at /info/title: it should be a schema"),
    ("$ref: '#/x-data'", "`\"7\"` at /x-data/maxItems: it should be a whole number"),
];

/// Invalid text of an operation, and the reported place.
#[rustfmt::skip]
const OPERATIONS: &[(&str, &str)] = &[
    ("operationId: 7", "`7` at /paths/~1x/get/operationId: it should be text"),
    ("tags: x", "/paths/~1x/get/tags"),
    ("deprecated: yes", "/paths/~1x/get/deprecated"),
    ("security: { k: [] }", "a map at /paths/~1x/get/security: it should be a list"),
    ("security: [ { k: true } ]", "/paths/~1x/get/security"),
    ("servers: {}", "/paths/~1x/get/servers"),
    ("callbacks: []", "/paths/~1x/get/callbacks"),
    ("responses: []", "/paths/~1x/get/responses"),
    ("responses: { 5XXx: {} }", "/paths/~1x/get/responses/5XXx: it is no status"),
    ("responses: { abc: {} }", "/paths/~1x/get/responses/abc: it is no status"),
    ("responses: { 99999: {} }", "/paths/~1x/get/responses/99999: it is no status"),
    ("responses: { 200: {}, '200': {} }", "the same key twice at /paths/~1x/get/responses/200"),
    ("responses: { 200: { headers: [] } }", "/paths/~1x/get/responses/200/headers"),
    ("responses: { 200: { content: { a/b: 3 } } }", "/paths/~1x/get/responses/200/content/a~1b"),
    ("responses: { 200: { $ref: '#/components/schemas/B' } }", "at /paths/~1x/get/responses/200 leads to something else"),
    ("requestBody: { required: 'true' }", "/paths/~1x/get/requestBody/required"),
    ("$ref: '#/paths/~1x/get'", "at /paths/~1x/get stands where no reference may stand"),
    ("parameters: {}", "a map at /paths/~1x/get/parameters: it should be a list"),
    ("parameters: [ { in: query } ]", "/paths/~1x/get/parameters/0 has no `name`"),
    ("parameters: [ { name: q } ]", "/paths/~1x/get/parameters/0 has no `in`"),
    ("parameters: [ { name: q, in: body } ]", "it should be one of query, header, path, cookie"),
    ("parameters: [ { name: q, in: query, required: yes } ]", "`\"yes\"` at /paths/~1x/get/parameters/0/required"),
    ("parameters: [ { name: q, in: query, explode: 'true' } ]", "/paths/~1x/get/parameters/0/explode"),
    ("parameters: [ { $ref: '#/components/schemas/B' } ]", "at /paths/~1x/get/parameters/0 leads to something else"),
    ("parameters: [ { name: q, in: query }, { name: q, in: query } ]", "/paths/~1x/get/parameters/1 is another parameter `q` (query)"),
    ("parameters: [ { name: q, in: header }, { name: Q, in: header } ]", "/paths/~1x/get/parameters/1 is another parameter `Q` (header)"),
];

/// Invalid text below the paths, and the reported place.
#[rustfmt::skip]
const PATHS: &[(&str, &str)] = &[
    ("3", "`3` at /paths/~1x: it should be a map"),
    ("{ get: x }", "`\"x\"` at /paths/~1x/get: it should be a map"),
    ("{ gett: {} }", "/paths/~1x/gett: it is no method"),
    ("{ parameters: x }", "/paths/~1x/parameters"),
    ("{}\n  '/y/{a}': {}\n  '/y/{b}': {}", "`/y/{b}` is the same path as `/y/{a}`"),
];

#[test]
fn keys_that_would_be_ignored_are_rejected_with_the_place() {
    let folder = folder("shapes");
    let start = "openapi: 3.0.3\ninfo: { title: t }\nx-data: { maxItems: '7' }\npaths:\n  /x:";
    let end = "components:\n  schemas:\n    B: {}\n    A:";
    let good = format!("{start} {{}}\n{end} {{}}\n");
    fs::write(folder.join("good.yaml"), &good).unwrap();
    let (code, _, error) = run(&folder, &["good.yaml", "good.yaml"]);
    assert_eq!(code, Some(0), "{error}");
    let schemas = SCHEMAS.iter().map(|(text, wanted)| (format!("{start} {{}}\n{end}\n      {text}\n"), *wanted, 10));
    let operation = |text: &str| format!("{start}\n    get:\n      {text}\n{end} {{}}\n");
    let operations = OPERATIONS.iter().map(|(text, wanted)| (operation(text), *wanted, 7));
    let paths = PATHS.iter().map(|(text, wanted)| (format!("{start} {text}\n{end} {{}}\n"), *wanted, 5));
    for (text, wanted, line) in schemas.chain(operations).chain(paths) {
        fs::write(folder.join("bad.yaml"), &text).unwrap();
        for arguments in [["good.yaml", "bad.yaml"], ["bad.yaml", "good.yaml"]] {
            let (code, out, error) = run(&folder, &arguments);
            assert_eq!((code, out.as_str()), (Some(2), ""), "{text}: {error}");
            assert!(error.contains(wanted), "{text}: {wanted} is not in {error}");
            // Text of another place has a line of its own.
            let elsewhere = ["/info", "/x-data", "/y/"].iter().any(|place| wanted.contains(place));
            assert!(elsewhere || error.contains(&format!(".yaml:{line}:")), "{text}: {line} is no line of {error}");
        }
    }
    let twice = "{ \"openapi\": \"3.0.3\", \"paths\": {},\n\"paths\": {} }";
    fs::write(folder.join("bad.yaml"), twice).unwrap();
    let (code, _, error) = run(&folder, &["bad.yaml", "good.yaml"]);
    assert!(code == Some(2) && error.contains("bad.yaml:2: the same key twice at /paths"), "{error}");
}

#[test]
fn data_may_have_any_keys() {
    let folder = folder("data");
    for text in [
        "x-data: { $ref: '#/nothing', required: 7 }",
        "components: { schemas: { A: { x-data: { $ref: '#/nothing' } } } }",
        "components: { schemas: { A: { example: { $ref: 7 }, default: { $ref: x }, enum: [ { $ref: x } ] } } }",
        "components: { schemas: { A: { type: object, properties: { $ref: { type: string }, required: {} } } } }",
        "components: { schemas: { A: { type: [ string, 'null' ], const: { $ref: x }, items: true } } }",
        "components: { schemas: { A: { exclusiveMinimum: 0, additionalProperties: false, properties: { a: false } } } }",
        "components: { schemas: { A: { exclusiveMinimum: true, maxLength: 3.0 }, B: { $ref: '#/definitions/C' } } }\ndefinitions: { C: {} }",
        "components: { responses: { A: { headers: { x-a: { $ref: '#/components/headers/B' } } } }, headers: { B: {} } }",
    ] {
        fs::write(folder.join("good.yaml"), format!("{GOOD}{text}\n")).unwrap();
        let (code, _, error) = run(&folder, &["good.yaml", "good.yaml"]);
        assert_eq!(code, Some(0), "{text}: {error}");
    }
}

#[test]
fn a_key_without_a_value_equals_a_missing_key() {
    let folder = folder("nothing");
    let schema = |text: &str| format!("paths: {{}}\ncomponents: {{ schemas: {{ A: {{ type: object, {text} }} }} }}");
    let path = |text: &str| format!("paths:\n  /x: {text}");
    let get = |text: &str| path(&format!("{{ get: {{ operationId: a, {text} }} }}"));
    for (base, head, changes) in [
        (path("{}"), "tags:\nservers:\nsecurity:\ncomponents:\n".to_owned() + &path(""), 0),
        (
            schema("properties: { a: {} }"),
            schema("properties: { a: }, required: , enum: , nullable: , items: , allOf: "),
            0,
        ),
        (get("responses: { 200: {} }"), get("responses: { 200: }, parameters: , tags: , requestBody: "), 0),
        (
            get("responses: { 200: { content: { a/b: {} } } }"),
            get("responses: { 200: { headers: , content: { a/b: } } }"),
            0,
        ),
        (path("{ get: {} }"), path("{ get: }"), 0),
        // A method with nothing is a method.
        (path("{}"), path("{ get: }"), 1),
    ] {
        for (name, text) in [("base.yaml", &base), ("head.yaml", &head)] {
            fs::write(folder.join(name), format!("openapi: 3.0.3\ninfo: {{ title: t, version: '1' }}\n{text}\n"))
                .unwrap();
        }
        let (code, out, error) = run(&folder, &["base.yaml", "head.yaml", "--format", "json"]);
        assert_eq!((code, out.matches("\"id\"").count()), (Some(0), changes), "{head}: {out}{error}");
    }
}

/// A chain of very many references that ends at a value.
fn references(first: &str) -> String {
    let mut text = format!(
        "openapi: 3.0.3\npaths: {{}}\ncomponents:\n  schemas:\n    A: {{ type: string }}\n    A0: {{ $ref: '{first}' }}\n"
    );
    for at in 1..5_000 {
        text += &format!("    A{at}: {{ $ref: '#/components/schemas/A{}' }}\n", at - 1);
    }
    text
}

/// A small text that would be a large document.
fn aliases() -> String {
    let mut text = "a0: &a0 [ x, x, x, x, x, x, x, x, x, x ]\n".to_owned();
    for at in 1..12 {
        let before = format!("*a{}", at - 1);
        text += &format!("a{at}: &a{at} [ {} ]\n", [before.as_str(); 10].join(", "));
    }
    text + "openapi: 3.0.3\npaths: {}\n"
}

#[test]
fn missing_files_and_references_are_named() {
    let folder = folder("absent");
    git(&folder, &["init", "-q"]);
    fs::write(folder.join("good.yaml"), GOOD).unwrap();
    for (arguments, wanted) in [
        (["absent.yaml", "good.yaml"], "absent.yaml cannot be read"),
        (["good.yaml", "absent.yaml"], "absent.yaml cannot be read"),
        (["good.yaml", "."], ". cannot be read"),
        (["no-such-branch", "good.yaml"], "`no-such-branch` is neither a file nor a git reference"),
        (["origin/none", "good.yaml"], "`origin/none` is neither a file nor a git reference"),
    ] {
        let (code, out, error) = run(&folder, &arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
        assert!(error.contains(wanted), "{error}");
    }
    let (code, _, error) = run(&folder, &["--", "--output=x", "good.yaml"]);
    assert_eq!(code, Some(2), "{error}");
    git(&folder, &["commit", "-q", "--allow-empty", "-m", "first"]);
    let (code, _, error) = run(&folder, &["HEAD", "good.yaml"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("`HEAD` has no openapi/piaxis.yaml"), "{error}");
}

#[test]
fn a_document_of_20_megabytes_is_rejected() {
    let folder = folder("long");
    fs::write(folder.join("good.yaml"), GOOD).unwrap();
    let line = "# a comment that fills the file and is long enough to reach the size limit\n";
    fs::write(folder.join("long.yaml"), GOOD.to_owned() + &line.repeat(20_000_000 / line.len() + 1)).unwrap();
    let (code, out, error) = run(&folder, &["good.yaml", "long.yaml"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.contains("long.yaml is too long"), "{error}");
}
