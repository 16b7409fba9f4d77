//! `cargo xtask diff`: what cannot be compared is refused with the place.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "differ/folder.rs"]
mod folder;

use std::fs;

use folder::{folder, git, run};

const GOOD: &str = "openapi: 3.0.3\ninfo: { title: t, version: '1' }\npaths: {}\n";

#[test]
fn a_document_that_cannot_be_compared_is_refused_with_its_place() {
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

/// A chain that comes to a value after very many references.
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
fn what_is_not_there_is_named() {
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
fn a_document_of_20_megabytes_is_refused() {
    let folder = folder("long");
    fs::write(folder.join("good.yaml"), GOOD).unwrap();
    let line = "# words that say nothing, again and again, until nobody reads them any more\n";
    fs::write(folder.join("long.yaml"), GOOD.to_owned() + &line.repeat(20_000_000 / line.len() + 1)).unwrap();
    let (code, out, error) = run(&folder, &["good.yaml", "long.yaml"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.contains("long.yaml is too long"), "{error}");
}
