//! The documents: links lead somewhere, on a forge and in rustdoc, and the front page stays short.
//!
//! `lychee --offline --include-fragments` checks the same links of a forge, but has to be installed, and knows nothing of
//! the definitions by which `src/lib.rs` turns links of the README into links of rustdoc.
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{BrokenLink, CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

const DOCUMENTS: [&str; 11] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "COMPARISON.md",
    "CONTRIBUTING.md",
    "docs/official-sdks.md",
    "SECURITY.md",
    "emulator/README.md",
    "emulator/tests/README.md",
    "openapi/README.md",
    "tests/README.md",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn events(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// The targets of all links and images.
fn targets(text: &str) -> Vec<String> {
    let target = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    };
    events(text).filter_map(target).collect()
}

/// The anchors of the headings, as forges and rustdoc make them.
fn anchors(text: &str) -> HashSet<String> {
    let (mut anchors, mut counts, mut heading) = (HashSet::new(), HashMap::<String, usize>::new(), None);
    for event in events(text) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
            (Event::Text(text) | Event::Code(text), Some(words)) => words.push_str(&text),
            (Event::End(TagEnd::Heading(_)), Some(words)) => {
                let kept = words.to_lowercase().replace(' ', "-");
                let slug: String = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
                let count = counts.entry(slug.clone()).or_default();
                anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
                *count += 1;
                heading = None;
            }
            _ => {}
        }
    }
    anchors
}

fn is_external(target: &str) -> bool {
    target.starts_with("https://")
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut broken = Vec::new();
    for document in DOCUMENTS {
        let text = read(document);
        let mut undefined = |link: BrokenLink<'_>| {
            broken.push(format!("{document}: [{}] is not defined", link.reference));
            None
        };
        Parser::new_with_broken_link_callback(&text, Options::ENABLE_TABLES, Some(&mut undefined)).for_each(drop);
        for target in targets(&text).into_iter().filter(|target| !is_external(target)) {
            let (path, anchor) = target.split_once('#').map_or((&*target, None), |(path, anchor)| (path, Some(anchor)));
            let file = match path {
                "" => root().join(document),
                path => root().join(document).parent().unwrap().join(path),
            };
            let has_anchor = |anchor| fs::read_to_string(&file).is_ok_and(|text| anchors(&text).contains(anchor));
            if !file.exists() || !anchor.is_none_or(has_anchor) {
                broken.push(format!("{document}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

/// The definitions of links by which `src/lib.rs` replaces those of the README.
fn replaced() -> HashMap<String, HashSet<String>> {
    let mut replaced = HashMap::<_, HashSet<_>>::new();
    for file in ["links/all", "links/client", "links/mock", "links/webhook", "outcome.datauri"] {
        let source = read("src/lib.rs");
        assert!(
            source.contains(&format!("include_str!(\"../docs/{file}\")")),
            "src/lib.rs does not include docs/{file}"
        );
        for (label, target) in read(&format!("docs/{file}")).lines().filter_map(|line| line.split_once(": ")) {
            replaced.entry(label.trim_matches(['[', ']']).to_owned()).or_default().insert(target.to_owned());
        }
    }
    replaced
}

#[test]
fn front_pages_of_rustdoc_have_no_link_to_a_file() {
    for (readme, replaced) in [("README.md", replaced()), ("emulator/README.md", HashMap::new())] {
        let text = read(readme);
        let anchors = anchors(&text);
        let mut dead: HashSet<_> = targets(&text).into_iter().filter(|target| !is_external(target)).collect();
        for (label, definition) in events(&text).reference_definitions().iter() {
            if let Some(targets) = replaced.get(label) {
                dead.remove(&*definition.dest);
                dead.extend(targets.iter().filter(|target| target.starts_with('#')).cloned());
            }
        }
        dead.retain(|target| !target.strip_prefix('#').is_some_and(|anchor| anchors.contains(anchor)));
        assert!(dead.is_empty(), "{readme} has links that are dead in rustdoc; define them in docs/links: {dead:?}");
    }
}

/// The picture of the README as rustdoc shows it, which copies no files.
#[test]
fn the_picture_of_rustdoc_is_that_of_the_readme() {
    let picture: String = read("docs/outcome.svg").lines().collect();
    let encoded: String = picture.chars().fold(String::new(), |text, c| match c {
        ' ' | '"' | '#' | '%' | '<' | '>' | '(' | ')' => format!("{text}%{:02X}", u32::from(c)),
        c => text + c.encode_utf8(&mut [0; 4]),
    });
    let definition = format!("[picture]: data:image/svg+xml,{encoded}\n");
    if std::env::var_os("PIAXIS_UPDATE_PICTURE").is_some() {
        fs::write(root().join("docs/outcome.datauri"), &definition).unwrap();
    }
    assert!(
        read("docs/outcome.datauri") == definition,
        "docs/outcome.svg has changed: run PIAXIS_UPDATE_PICTURE=1 cargo test -p xtask documents"
    );
}

#[test]
fn the_front_page_is_short_and_its_examples_are_narrow() {
    let text = read("README.md");
    let words = text.split_whitespace().count();
    assert!(words <= 1_300, "README.md has {words} words, of at most 1300");
    let mut is_code = false;
    for event in events(&text) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => is_code = true,
            Event::End(TagEnd::CodeBlock) => is_code = false,
            Event::Text(code) if is_code => {
                let wide: Vec<_> = code.lines().filter(|line| line.chars().count() > 90).collect();
                assert!(wide.is_empty(), "README.md: wider than 90 columns: {wide:?}");
            }
            _ => {}
        }
    }
}

/// CI runs the commands that a new user runs first.
#[test]
fn ci_runs_the_commands_of_the_readme() {
    let (readme, run) = (read("README.md"), read(".ci/run").replace(" --locked", ""));
    let commands: Vec<_> = readme.lines().filter(|line| line.starts_with("cargo ")).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    for command in commands {
        let command = command.split('#').next().unwrap().trim();
        assert!(run.contains(command), ".ci/run does not run `{command}`");
    }
}
