//! `cargo xtask diff`: what is intended is acknowledged in a file, or announced by the version.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::folder::{folder, git, run};

const GOOD: &str = "openapi: 3.0.3\ninfo: { title: t, version: '1' }\npaths: {}\n";
const FILE: &str = "openapi/accepted-breaks.yaml";
const ENTRY: &str =
    "- { id: operation-removed, place: /paths/~1x/get, reason: nobody called it, expires: 2999-01-01 }\n";

/// A repository with a crate of this version, a contract, and a break of it in the working tree.
fn repository(name: &str, version: &str) -> PathBuf {
    let folder = folder(name);
    fs::create_dir_all(folder.join("openapi")).unwrap();
    let contract = GOOD.replace("paths: {}", "paths:\n  /x:\n    get: { operationId: x_get, responses: {} }");
    fs::write(folder.join("openapi/piaxis.yaml"), contract).unwrap();
    fs::write(folder.join("Cargo.toml"), format!("[package]\nname = \"p\"\nversion = \"{version}\"\n")).unwrap();
    git(&folder, &["init", "-q"]);
    git(&folder, &["add", "-A"]);
    git(&folder, &["commit", "-q", "-m", "first"]);
    assert_eq!(run(&folder, &["HEAD"]).0, Some(0));
    fs::write(folder.join("openapi/piaxis.yaml"), GOOD).unwrap();
    folder
}

fn accept(folder: &Path, text: &str) {
    fs::write(folder.join(FILE), text).unwrap();
}

fn commit(folder: &Path) {
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "-m", "next"]);
}

#[test]
fn a_break_is_acknowledged_with_a_reason_until_a_day() {
    let folder = repository("accepted", "0.1.0");
    assert_eq!(run(&folder, &["HEAD"]).0, Some(1));
    accept(&folder, ENTRY);
    for (format, wanted) in [
        ("human", "acknowledged: nobody called it"),
        ("json", "\"accepted\": \"nobody called it\""),
        ("github", "::warning file=openapi/piaxis.yaml"),
        ("markdown", "(acknowledged: nobody called it)"),
    ] {
        let (code, out, error) = run(&folder, &["HEAD", "--format", format]);
        assert_eq!(code, Some(0), "{out}{error}");
        assert!(out.contains("operation-removed") && out.contains(wanted), "{format}: {out}");
    }
    for (text, wanted) in [
        (ENTRY.replace("2999", "2020"), "has expired"),
        (ENTRY.replace("nobody called it", "''"), "has no reason"),
        (ENTRY.replace("nobody called it", "…"), "has no reason"),
        (ENTRY.replace("nobody called it", "'...'"), "has no reason"),
        (ENTRY.replace("nobody called it", "TODO"), "has no reason"),
        (ENTRY.replace("nobody called it", "'TODO: ask the API team'"), "has no reason"),
        (ENTRY.replace("nobody called it", "'reason: …'"), "a placeholder, or a single word; write a sentence"),
        (ENTRY.replace("nobody called it", "reason"), "has no reason"),
        (ENTRY.replace("nobody called it", "unused"), "has no reason"),
        (ENTRY.to_owned() + &ENTRY.replace("operation-removed", "schema-removed"), "names no break"),
        (ENTRY.replace("~1x", "~1y"), "names no break"),
        // A place above it would cover other breaks.
        (ENTRY.replace("/paths/~1x/get", "/paths"), "names no break"),
    ] {
        accept(&folder, &text);
        let (code, out, _) = run(&folder, &["HEAD"]);
        assert_eq!(code, Some(1), "{out}");
        assert!(out.contains(wanted), "{out}");
    }
    fs::remove_file(folder.join(FILE)).unwrap();
    let (_, out, _) = run(&folder, &["HEAD"]);
    let line = out.lines().find(|line| line.starts_with("- { id: ")).unwrap();
    accept(&folder, &line.replace('…', "it is meant").replace("YYYY-MM-DD", "2999-01-01"));
    assert_eq!(run(&folder, &["HEAD"]).0, Some(0), "{line}");
    for broken in ["- { id: a }\n", "words\n", "- { id: a, place: b, reason: c, expires: soon }\n"] {
        accept(&folder, broken);
        let (code, _, error) = run(&folder, &["HEAD"]);
        assert_eq!(code, Some(2), "{broken}");
        assert!(error.contains("each acknowledgement is `{ id, place, reason, expires: YYYY-MM-DD }`"), "{error}");
    }
    // The line as it is printed, with nothing but its reason filled in.
    accept(&folder, &line.replace('…', "it is meant"));
    let (code, _, error) = run(&folder, &["HEAD"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("`expires` must be a date such as 2027-01-31, not `YYYY-MM-DD`"), "{error}");
    let (code, _, error) = run(&folder, &["HEAD", "--accepted", "absent.yaml"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("absent.yaml cannot be read"), "{error}");
}

#[test]
fn an_acknowledgement_that_has_landed_neither_fails_nor_excuses() {
    let folder = repository("landed", "0.1.0");
    let contract = folder.join("openapi/piaxis.yaml");
    accept(&folder, ENTRY);
    commit(&folder);
    // The same against itself, and a later edit that has nothing to do with it.
    for text in [GOOD.to_owned(), GOOD.replace("title: t", "title: u")] {
        fs::write(&contract, text).unwrap();
        let (code, out, error) = run(&folder, &["HEAD"]);
        assert_eq!(code, Some(0), "{out}{error}");
        assert!(out.contains("has landed; the acknowledgement can be removed"), "{out}");
    }
    let (_, out, _) = run(&folder, &["HEAD", "--format", "github"]);
    assert!(out.contains("::warning file=openapi/accepted-breaks.yaml,title=acknowledgement::"), "{out}");
    // Expired it fails nothing here; against the contract before the break it is used.
    accept(&folder, &ENTRY.replace("2999", "2020"));
    commit(&folder);
    assert_eq!(run(&folder, &["HEAD"]).0, Some(0));
    accept(&folder, ENTRY);
    assert_eq!(run(&folder, &["HEAD~2"]).0, Some(0));
    // The operation is added back, and removed again.
    let with = GOOD.replace("paths: {}", "paths:\n  /x:\n    get: { operationId: x_get, responses: {} }");
    fs::write(&contract, with).unwrap();
    commit(&folder);
    fs::write(&contract, GOOD).unwrap();
    let (code, out, _) = run(&folder, &["HEAD"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("belongs to an earlier change"), "{out}");
    accept(&folder, &ENTRY.replace("nobody called it", "nobody called it this time either"));
    assert_eq!(run(&folder, &["HEAD"]).0, Some(0));
    accept(&folder, "");
    fs::write(&contract, GOOD.replace("paths: {}", "paths: { /x: { get: { operationId: x_get, responses: {} } } }"))
        .unwrap();
    assert_eq!(run(&folder, &["HEAD"]).0, Some(0));
}

#[test]
fn a_file_as_base_has_no_acknowledgements() {
    let folder = repository("plain", "0.1.0");
    let base = "paths: { /x: { get: { operationId: x_get, responses: {} } } }";
    fs::write(folder.join("base.yaml"), GOOD.replace("paths: {}", base)).unwrap();
    accept(&folder, ENTRY);
    commit(&folder);
    assert_eq!(run(&folder, &["base.yaml"]).0, Some(0));
    let (code, out, _) = run(&folder, &["openapi/piaxis.yaml"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("names no break"), "{out}");
}

#[test]
fn the_version_must_be_large_enough_for_the_changes() {
    for (old, new, enough, wanted) in [
        ("0.1.0", "0.1.0", false, "0.2.0"),
        ("0.1.0", "0.1.9", false, "0.2.0"),
        ("0.1.0", "0.2.0", true, "0.2.0"),
        ("0.0.3", "0.0.4", true, "0.0.4"),
        ("1.4.2", "1.5.0", false, "2.0.0"),
        ("1.4.2", "2.0.0", true, "2.0.0"),
    ] {
        let folder = repository("version", old);
        fs::write(folder.join("Cargo.toml"), format!("[package]\nname = \"p\"\nversion = \"{new}\"\n")).unwrap();
        let (code, out, error) = run(&folder, &["HEAD", "--against-version", "--format", "json"]);
        assert_eq!(code, Some(i32::from(!enough)), "{old} {new}: {out}{error}");
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["bump"], "major");
        assert_eq!(report["version"]["wanted"], wanted, "{old} {new}");
        let draft = report["version"]["changelog"].as_str().unwrap();
        assert!(draft.contains("### Breaking\n\n- `client.raw().x_get(…)`: operation GET /x removed"), "{draft}");
        // What is acknowledged is a break all the same, and what is wrong with that is said without the flag.
        for text in [ENTRY.to_owned(), ENTRY.replace("2999", "2020")] {
            accept(&folder, &text);
            let (code, out, _) = run(&folder, &["HEAD", "--against-version"]);
            assert_eq!(code, Some(i32::from(!enough)), "{out}");
        }
    }
}

#[test]
fn every_format_says_what_breaks() {
    let folder = repository("formats", "0.1.0");
    for (format, wanted) in [
        ("human", "operation GET /x removed [operation-removed]"),
        ("json", "\"id\": \"operation-removed\""),
        (
            "github",
            "::error file=openapi/piaxis.yaml,line=3,title=breaking%3A operation-removed::operation GET /x removed",
        ),
        ("markdown", "| operation GET /x removed [operation-removed] | breaking | breaking |"),
        ("markdown", "To avoid it: Mark it"),
    ] {
        let (code, out, _) = run(&folder, &["HEAD", "--format", format]);
        assert_eq!(code, Some(1));
        assert!(out.contains(wanted), "{format}: {out}");
        assert!(!out.contains('\u{1b}'), "{format}");
    }
    // What the version announces is no error.
    fs::write(folder.join("Cargo.toml"), "[package]\nname = \"p\"\nversion = \"0.2.0\"\n").unwrap();
    let (code, out, _) = run(&folder, &["HEAD", "--against-version", "--format", "github"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("::warning file=openapi/piaxis.yaml") && !out.contains("::error"), "{out}");
}
