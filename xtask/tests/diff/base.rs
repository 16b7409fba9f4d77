//! `cargo xtask diff`: which commit is compared with, and what is said of it.

use std::{fs, path::Path};

use crate::support::folder::{folder, git, run};

fn contract(paths: &str) -> String {
    format!("openapi: 3.0.3\ninfo: {{ title: t, version: '1' }}\npaths:\n{paths}")
}

const FIRST: &str = "  /x:\n    get: { operationId: things_get, tags: [ things ], responses: {} }\n";
const SECOND: &str = "  /y:\n    get: { operationId: others_get, tags: [ others ], responses: {} }\n";

fn write(folder: &Path, paths: &str) {
    fs::write(folder.join("openapi/piaxis.yaml"), contract(paths)).unwrap();
}

fn commit(folder: &Path, message: &str) {
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "-m", message]);
}

/// A branch that was left behind by `main`, which has an operation more.
fn behind(name: &str) -> std::path::PathBuf {
    let folder = folder(name);
    git(&folder, &["init", "-q", "-b", "main"]);
    write(&folder, FIRST);
    commit(&folder, "first");
    git(&folder, &["branch", "work"]);
    write(&folder, &format!("{FIRST}{SECOND}"));
    commit(&folder, "second");
    git(&folder, &["checkout", "-q", "work"]);
    folder
}

#[test]
fn additions_of_the_base_are_no_removals() {
    let folder = behind("ahead");
    let (code, out, error) = run(&folder, &["main", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap_or_default();
    assert_eq!((code, json["changes"].as_array().map(Vec::len)), (Some(0), Some(0)), "{out}{error}");
    let note = json["notes"][0].as_str().unwrap();
    assert!(note.starts_with("compared with ") && note.contains("where the branch left `main`"), "{note}");
    for format in ["human", "github", "markdown"] {
        let (code, out, _) = run(&folder, &["main", "--format", format]);
        assert_eq!(code, Some(0));
        assert!(out.contains("where the branch left `main`"), "{out}");
    }
    let (code, out, _) = run(&folder, &["main", "--exact-base", "--format", "json"]);
    assert!(code == Some(1) && out.contains("operation-removed") && !out.contains("notes"), "{out}");
}

#[test]
fn a_base_that_the_branch_has_is_compared_itself() {
    let folder = behind("behind");
    commit_on(&folder);
    let (code, out, _) = run(&folder, &["HEAD~1", "--format", "json"]);
    assert!(code == Some(0) && out.contains("operation-added") && !out.contains("\"notes\""), "{out}");
}

fn commit_on(folder: &Path) {
    write(folder, &format!("{FIRST}  /z:\n    get: {{ operationId: z, responses: {{}} }}\n"));
    commit(folder, "third");
}

#[test]
fn without_a_common_commit_the_error_says_what_to_do() {
    let folder = behind("unrelated");
    git(&folder, &["checkout", "-q", "--orphan", "alone"]);
    commit(&folder, "other");
    let (code, out, error) = run(&folder, &["main"]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
    assert!(error.contains("`main` and HEAD have no common commit here") && error.contains("--exact-base"), "{error}");
}

#[test]
fn the_draft_of_the_changelog_names_rust_items() {
    let folder = folder("changelog");
    fs::write(folder.join("Cargo.toml"), "[package]\nname = \"p\"\nversion = \"0.1.0\"\n").unwrap();
    git(&folder, &["init", "-q"]);
    let schemas = |state: &str, more: &str| {
        format!(
            "components:\n  schemas:\n    State: {{ type: string, x-extensible-enum: [ {state} ]{more} }}\n    \
             Order: {{ type: object, properties: {{ note: {{ type: string, maxLength: 9 }}, state: {{ $ref: '#/components/schemas/State' }} }} }}\n"
        )
    };
    let body = "requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Order' } } } }";
    let order =
        format!("  /orders:\n    post: {{ operationId: orders_create, tags: [ orders ], {body}, responses: {{}} }}\n");
    write(&folder, &format!("{FIRST}{order}{}", schemas("new, done", "")));
    commit(&folder, "first");
    let changed = schemas("new, done, lost", ", x-piaxis-settled: [ done ]").replace("maxLength: 9", "maxLength: 7");
    write(&folder, &format!("{order}{changed}"));
    let (code, out, error) = run(&folder, &["HEAD", "--against-version"]);
    assert_eq!(code, Some(1), "{out}{error}");
    let draft = &out[out.find("Draft for CHANGELOG.md").unwrap()..];
    assert!(draft.contains("- `client.things().get(…)`: "), "{draft}");
    assert!(draft.contains("- `Order`: ") && draft.contains("- `State`: "), "{draft}");
    assert!(draft.contains("`7`") && draft.contains("`9`"), "{draft}");
    assert!(!draft.contains("x-"), "{draft}");
}
