//! The contract as `cargo xtask check` and `cargo xtask diff` load it: one reader of YAML and JSON for both.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::folder::{folder, run};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docs")
}

/// Code, output and errors of a check of the test pages.
fn check(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = command.arg("check").arg("--docs").arg(docs()).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const START: &str = "openapi: 3.0.3\ninfo: { title: t, version: '1' }\npaths:\n  /x:\n    get: { responses: {} }\n";

#[test]
fn both_commands_reject_the_same_texts_with_the_same_errors() {
    let folder = folder("loading");
    fs::write(folder.join("good.yaml"), START).unwrap();
    let deep = format!("{START}x-deep: {}1{}\n", "[ ".repeat(200), " ]".repeat(200));
    let mut aliases = format!("{START}x-a0: &a0 [ x, x, x, x, x, x, x, x, x, x ]\n");
    for at in 1..9 {
        let before = vec![format!("*a{}", at - 1); 10].join(", ");
        aliases += &format!("x-a{at}: &a{at} [ {before} ]\n");
    }
    for (text, wanted) in [
        (format!("{START}    get: {{}}\n"), "bad.yaml:6: the same key twice at /paths/~1x/get"),
        (format!("{START}x-y: {{ 200: 1, '200': 2 }}\n"), "bad.yaml:6: the same key twice at /x-y/200"),
        (
            "{ \"openapi\": \"3.0.3\", \"paths\": {},\n\"paths\": {} }".to_owned(),
            "bad.yaml:2: the same key twice at /paths",
        ),
        (format!("{START}x-y: [\n"), "bad.yaml:7: it is neither YAML nor JSON"),
        (format!("{START}x-y: {{ <<: 3 }}\n"), "bad.yaml:6: a YAML merge key (`<<`) merges no map"),
        (format!("{START}x-y: &y [ *y ]\n"), "bad.yaml:6: an alias stands inside of its own anchor"),
        (format!("{START}? [ a ]\n: 1\n"), "bad.yaml:6: it is neither YAML nor JSON: a key is no text"),
        (format!("{START}---\na: 1\n"), "it is neither YAML nor JSON: more than one document"),
        (deep, "bad.yaml:6: it is neither YAML nor JSON: more than 128 levels"),
        (aliases, "it is neither YAML nor JSON: aliases repeat more than"),
    ] {
        fs::write(folder.join("bad.yaml"), &text).unwrap();
        for (code, out, error) in [run(&folder, &["good.yaml", "bad.yaml"]), check(&folder, &["--spec", "bad.yaml"])] {
            assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
            assert!(error.starts_with("error: bad.yaml") && error.contains(wanted), "{wanted}: {error}");
        }
    }
}

#[test]
fn several_notations_of_one_value_are_equal() {
    let folder = folder("writing");
    for (one, other) in [
        ("x-y: &y { a: 1, b: 2 }\nx-z: { <<: *y, b: 3 }", "x-y: { a: 1, b: 2 }\nx-z: { a: 1, b: 3 }"),
        ("x-y: { <<: [ { a: 1 }, { a: 2, b: 2 } ] }", "x-y: { a: 1, b: 2 }"),
        ("x-y: [ 0x10, +1, .5, 1., 1e3, ~, Null, True ]", "x-y: [ 16, 1, 0.5, 1.0, 1000, null, null, true ]"),
        (
            "x-y: [ 007, 1_0, .inf, yes, !!str 5, 2026-01-01 ]",
            "x-y: [ '007', '1_0', '.inf', 'yes', '5', '2026-01-01' ]",
        ),
        ("x-y: &k a\nx-z: { *k : 1 }", "x-y: a\nx-z: { a: 1 }"),
    ] {
        fs::write(folder.join("one.yaml"), format!("{START}{one}\n")).unwrap();
        fs::write(folder.join("other.yaml"), format!("{START}{other}\n")).unwrap();
        let (code, out, error) = run(&folder, &["one.yaml", "other.yaml", "--format", "json"]);
        assert!(code == Some(0) && out.contains("\"changes\": []"), "{one}: {out}{error}");
    }
    let json = "{\n\t\"openapi\": \"3.0.3\", \"info\": {\"title\":\"\\ud83d\\ude00 \\\\ud83d\",\"version\":\"1\"},\"paths\":{}}";
    fs::write(folder.join("one.json"), json).unwrap();
    fs::write(folder.join("other.yaml"), "openapi: 3.0.3\ninfo: { title: '😀 \\ud83d', version: '1' }\npaths: {}\n")
        .unwrap();
    let (code, out, error) = run(&folder, &["one.json", "other.yaml", "--format", "json"]);
    assert!(code == Some(0) && out.contains("\"changes\": []"), "{out}{error}");
}

#[test]
fn the_contract_is_found_from_any_folder_of_the_repository() {
    let folder = folder("nested");
    let inner = folder.join("some/where");
    fs::create_dir_all(&inner).unwrap();
    fs::copy(docs().join("contract.yaml"), folder.join("openapi/piaxis.yaml")).unwrap();
    let outer = check(&folder, &["--update-lock"]);
    assert_eq!(outer.0, Some(0), "{}{}", outer.1, outer.2);
    assert!(folder.join("openapi/docs.lock").is_file());
    let (code, out, error) = check(&inner, &[]);
    assert_eq!((code, out), (Some(0), check(&folder, &[]).1), "{error}");
    assert!(!inner.join("openapi").exists());
}

/// Each removed schema looks for the line of its gap among all others: the time must not grow with the square of them.
#[test]
fn many_removed_schemas_are_listed_with_their_lines() {
    let folder = folder("many");
    let schema = |at: usize| format!("    S{at}: {{ type: string }}\n");
    let contract = |keep: fn(usize) -> bool| {
        let schemas: String = (0..4_000).filter(|at| keep(*at)).map(schema).collect();
        format!("{START}components:\n  schemas:\n{schemas}    Last: {{ type: string }}\n")
    };
    fs::write(folder.join("base.yaml"), contract(|_| true)).unwrap();
    fs::write(folder.join("head.yaml"), contract(|at| at % 2 == 0)).unwrap();
    let (code, out, error) = run(&folder, &["base.yaml", "head.yaml", "--format", "json"]);
    assert!(matches!(code, Some(0 | 1)), "{error}");
    assert!(out.contains("\"changes\""), "{out}");
}
