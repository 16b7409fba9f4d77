//! Reads the two documents: from a file or from a git reference, and refuses what cannot be compared.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    io::Read as _,
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::{
    normalise::LONGEST,
    nothing, parse,
    places::{self, Chains},
};
use crate::contract::lines;

/// The contract, below the root of the repository.
pub(crate) const CONTRACT: &str = "openapi/piaxis.yaml";

/// A longer document is no contract that somebody wrote.
const BYTES: u64 = 16_000_000;

/// One of the two documents.
pub(crate) struct Document {
    /// What messages call it.
    pub(crate) name: String,
    pub(crate) value: Value,
    text: String,
    lines: OnceCell<BTreeMap<String, usize>>,
}

impl Document {
    fn lines(&self) -> &BTreeMap<String, usize> {
        self.lines.get_or_init(|| lines::lines(&self.text))
    }

    /// Line that follows what was taken out of `base`: there an annotation is seen beside the edit.
    pub(crate) fn line_of_gap(&self, base: &Self, removed: &str) -> Option<usize> {
        let mut removed = removed;
        // What is around it may be gone with it.
        let parent = loop {
            let (parent, _) = removed.rsplit_once('/')?;
            if self.lines().contains_key(parent) {
                break parent;
            }
            removed = parent;
        };
        let place = *base.lines().get(removed)?;
        let prefix = format!("{parent}/");
        let siblings = base.lines().range(prefix.clone()..).take_while(|(pointer, _)| pointer.starts_with(&prefix));
        let mut neighbours: Vec<(usize, usize)> = siblings
            .filter(|(pointer, _)| !pointer[prefix.len()..].contains('/'))
            .filter_map(|(pointer, line)| Some((*line, *self.lines().get(pointer)?)))
            .collect();
        neighbours.sort_unstable();
        let after = neighbours.iter().find(|(line, _)| *line > place);
        let before = neighbours.iter().rfind(|(line, _)| *line < place);
        after.or(before).map(|(_, line)| *line)
    }

    /// Line of a node, or of the nearest thing around it.
    pub(crate) fn line(&self, pointer: &str) -> usize {
        let lines = self.lines();
        let mut pointer = pointer;
        loop {
            if let Some(line) = lines.get(pointer) {
                return *line;
            }
            match pointer.rfind('/') {
                Some(at) => pointer = &pointer[..at],
                None => return 1,
            }
        }
    }
}

/// Whether `BASE` names a file; else it is a git reference.
pub(crate) fn is_file(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end)) || Path::new(name).is_file()
}

/// What `BASE` names.
pub(crate) fn base(name: &str) -> Result<Document> {
    match is_file(name) {
        true => file(name),
        false => parse(&format!("{name}:{CONTRACT}"), show(name, CONTRACT)?),
    }
}

/// A document in a file.
pub(crate) fn file(name: &str) -> Result<Document> {
    file_called(Path::new(name), name)
}

/// A document in a file that messages call by another name.
pub(crate) fn file_called(path: &Path, name: &str) -> Result<Document> {
    let mut bytes = Vec::new();
    let open = fs::File::open(path).with_context(|| format!("{name} cannot be read"))?;
    open.take(BYTES + 1).read_to_end(&mut bytes).with_context(|| format!("{name} cannot be read"))?;
    parse(name, text(name, bytes)?)
}

fn text(name: &str, bytes: Vec<u8>) -> Result<String> {
    ensure!(bytes.len() as u64 <= BYTES, "{name} is too long: more than {BYTES} bytes");
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        anyhow::anyhow!("{name}:{line}: it is no text in UTF-8")
    })
}

/// A file as a commit has it.
pub(crate) fn show(reference: &str, path: &str) -> Result<String> {
    show_if_there(reference, path)?.with_context(|| format!("`{reference}` has no {path}"))
}

/// A file that a commit may have. The reference is resolved first, so that it is never read as an option.
pub(crate) fn show_if_there(reference: &str, path: &str) -> Result<Option<String>> {
    let resolve = |object: &str| git(&["rev-parse", "--verify", "--quiet", "--end-of-options", object]);
    let commit = resolve(&format!("{reference}^{{commit}}")).with_context(|| {
        format!("`{reference}` is neither a file nor a git reference that is known here; is it fetched?")
    })?;
    let Ok(object) = resolve(&format!("{}:{path}", String::from_utf8_lossy(&commit).trim())) else { return Ok(None) };
    let (object, name) = (String::from_utf8_lossy(&object).trim().to_owned(), format!("{reference}:{path}"));
    let unreadable = || format!("{name} cannot be read");
    let size = git(&["cat-file", "-s", &object]).with_context(unreadable)?;
    let size: u64 = String::from_utf8_lossy(&size).trim().parse().unwrap_or(u64::MAX);
    ensure!(size <= BYTES, "{name} is too long: more than {BYTES} bytes");
    text(&name, git(&["cat-file", "blob", &object]).with_context(unreadable)?).map(Some)
}

fn git(arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new("git").args(arguments).output().context("git cannot be run")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {} failed {}", arguments.join(" "), said.trim());
    Ok(output.stdout)
}

/// Parses YAML or JSON, and refuses what is no OpenAPI 3 document whose references lead somewhere.
pub(crate) fn parse(name: &str, text: String) -> Result<Document> {
    let trimmed = text.trim_start_matches('\u{feff}');
    ensure!(!trimmed.trim().is_empty(), "{name}:1: the document is empty");
    let mut value = parse::value(name, trimmed)?;
    nothing::read(&mut value);
    let document = Document { name: name.to_owned(), value, text, lines: OnceCell::new() };
    check(&document)?;
    Ok(document)
}

fn check(document: &Document) -> Result<()> {
    let Document { name, value, .. } = document;
    ensure!(!value.is_null(), "{name}:1: the document is empty");
    let Some(root) = value.as_object() else { bail!("{name}:1: it is no OpenAPI document: it is no map") };
    ensure!(!root.is_empty(), "{name}:1: the document is empty");
    if let Some(version) = root.get("swagger") {
        let line = document.line("/swagger");
        bail!("{name}:{line}: `swagger: {version}` is OpenAPI 2.0; only OpenAPI 3.0 and 3.1 can be compared");
    }
    let version = match root.get("openapi") {
        Some(Value::String(version)) => version.clone(),
        Some(other) => other.to_string(),
        None => bail!("{name}:1: it is no OpenAPI document: it has no `openapi`"),
    };
    if !version.starts_with("3.0") && !version.starts_with("3.1") {
        let line = document.line("/openapi");
        bail!("{name}:{line}: `openapi: {version}` is neither 3.0 nor 3.1");
    }
    match root.get("paths") {
        Some(Value::Object(_)) => {}
        None if version.starts_with("3.1") => {}
        None => bail!("{name}:1: it has no `paths`"),
        Some(_) => bail!("{name}:{}: `paths` is no map", document.line("/paths")),
    }
    cycles(document, &places::check(document)?)
}

/// Refuses circles of references that never come to a value, and chains that nobody wrote. Recursion through a property
/// is neither.
fn cycles(document: &Document, chains: &Chains) -> Result<()> {
    let refuse = |place: &str, words: String| {
        let (name, line) = (&document.name, document.line(place));
        bail!("{name}:{line}: {words}")
    };
    // How many references lead on from each place.
    let mut lengths: HashMap<&str, usize> = HashMap::new();
    for start in chains.keys() {
        // Each entry: a place, and which of its targets is next. A stack of our own cannot overflow.
        let mut stack: Vec<(&str, usize)> = vec![(start, 0)];
        let mut on_stack: HashSet<&str> = HashSet::new();
        while let Some((here, next)) = stack.pop() {
            if next == 0 && lengths.contains_key(here) {
                continue;
            }
            let targets = chains.get(here).map(Vec::as_slice).unwrap_or_default();
            let Some(target) = targets.get(next) else {
                let length = targets.iter().filter_map(|target| lengths.get(target.as_str())).max();
                let length = length.map_or(0, |length| length + 1);
                if length > LONGEST {
                    return refuse(here, format!("more than {LONGEST} references lead on from {here}, one to another"));
                }
                on_stack.remove(here);
                lengths.insert(here, length);
                continue;
            };
            stack.push((here, next + 1));
            on_stack.insert(here);
            if on_stack.contains(target.as_str()) {
                let circle: Vec<&str> =
                    stack.iter().map(|(place, _)| *place).skip_while(|place| place != target).collect();
                return refuse(target, format!("circular `$ref`: {} → {target}", circle.join(" → ")));
            }
            stack.push((target, 0));
        }
    }
    Ok(())
}
