//! The page for those who come from the official SDKs has every method of them, and every operation of the contract.

use std::collections::{BTreeMap, BTreeSet};

use piaxis::OPERATIONS;
use serde::Deserialize;

const PAGE: &str = include_str!("../../docs/official-sdks.md");

#[derive(Deserialize)]
struct Sdks {
    methods: Vec<Method>,
}

/// A method of both SDKs, or of one.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Method {
    python: Option<String>,
    typescript: Option<String>,
    /// HTTP method and path.
    request: Option<String>,
}

fn sdks() -> BTreeSet<Method> {
    let sdks: Sdks = serde_json::from_str(include_str!("../data/official_sdks.json")).unwrap();
    sdks.methods.into_iter().collect()
}

/// The rows of the table of methods, each with what this crate has.
fn rows() -> Vec<(Method, String)> {
    let (_, table) = PAGE.split_once("|---|---|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [python, typescript, request, ours] = cells[..] else { panic!("{line}") };
        let cell = |text: &str| Some(text.trim_matches('`').to_owned()).filter(|text| !text.is_empty());
        let method = Method { python: cell(python), typescript: cell(typescript), request: cell(request) };
        (method, ours.trim_matches('`').to_owned())
    })
    .collect()
}

/// The code of one language.
fn code(language: &str) -> String {
    let opens = |line: &str| line.strip_prefix("```").map(|rest| rest.split(',').next().unwrap() == language);
    let (mut code, mut is_inside) = (String::new(), false);
    for line in PAGE.lines() {
        match opens(line) {
            Some(opens) => is_inside = opens && !is_inside,
            None if is_inside => code += &format!("{line}\n"),
            None => {}
        }
    }
    assert!(!code.is_empty(), "no code in {language}");
    code
}

#[test]
fn the_page_has_every_method_of_the_sdks() {
    let found: BTreeSet<Method> = rows().into_iter().map(|(method, _)| method).collect();
    let is_of_sdk = |method: &&Method| method.python.is_some() || method.typescript.is_some();
    let (found, expected) = (found.iter().filter(is_of_sdk).collect::<BTreeSet<_>>(), sdks());
    let missing: Vec<_> = expected.iter().filter(|method| !found.contains(method)).collect();
    let unknown: Vec<_> = found.into_iter().filter(|method| !expected.contains(method)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:#?}\nnot of an SDK: {unknown:#?}");
}

#[test]
fn the_page_has_every_method_of_the_contract() {
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    for (method, ours) in rows() {
        if let Some(request) = method.request {
            found.entry(request).or_default().insert(ours);
        }
    }
    for operation in OPERATIONS {
        let request = format!("{} {}", operation.method, operation.path);
        let methods = operation.methods.iter().map(|method| format!("{}().{method}", operation.resource));
        assert_eq!(found.remove(&request), Some(methods.collect()), "{request}");
    }
    let custom = BTreeSet::from(["request".to_owned()]);
    for (request, methods) in found {
        assert_eq!(methods, custom, "{request} is no operation of the contract");
    }
}

/// So that the row of each method has an example that is compiled.
#[test]
fn the_code_of_the_page_has_every_method() {
    let (python, typescript, rust) = (code("python"), code("ts"), code("rust"));
    let words = |code| -> BTreeSet<String> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        str::split(code, |c| !is_word(c)).map(str::to_owned).collect()
    };
    let (python, typescript) = (words(&python), words(&typescript));
    let rust: String = rust.split_whitespace().collect();
    for (method, ours) in rows() {
        for (name, words) in [(method.python, &python), (method.typescript, &typescript)] {
            let word = name.as_ref().and_then(|name| name.rsplit('.').next());
            assert!(word.is_none_or(|word| words.contains(word)), "no example of {name:?}");
        }
        let example = match ours.split_once("::") {
            // Dropping a client.
            _ if ours.contains(' ') => continue,
            Some((_, "verify")) => ".verify(".to_owned(),
            Some(_) => format!("{ours}("),
            None if ours == "Error" => ours,
            None => format!("client.{ours}("),
        };
        assert!(rust.contains(&example), "no example of {example}");
    }
}
