//! Reads the two documents: from a file or from a git reference, and refuses what cannot be compared.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::{
    nothing,
    places::{self, Chains},
};
pub(crate) use crate::contract::{FILE as CONTRACT, load::Document};
use crate::contract::{
    load::{self, BYTES, text},
    resolve::LONGEST,
};

/// The commit or the file to compare with.
#[derive(Debug)]
pub(crate) struct Base {
    /// A file name, or what git calls the commit.
    pub(crate) name: String,
    /// How the commit was found, when it is not the reference itself.
    pub(crate) note: Option<String>,
}

/// Finds what `BASE` names: a file, or the commit where the branch left a git reference; with `exact`, the reference.
///
/// What only the reference has was not removed on the branch.
pub(crate) fn find(name: &str, exact: bool) -> Result<Base> {
    let itself = Base { name: name.to_owned(), note: None };
    if exact || is_file(name) {
        return Ok(itself);
    }
    let tip = commit(name)?;
    let Ok(found) = git(&["merge-base", &tip, "HEAD"]) else {
        bail!("`{name}` and HEAD have no common commit here: fetch the history, or compare with --exact-base");
    };
    let found = line(&found);
    if found == tip {
        return Ok(itself);
    }
    let short = line(&git(&["rev-parse", "--short", &found])?);
    let note = format!("compared with {short}, where the branch left `{name}`; --exact-base compares `{name}` itself");
    Ok(Base { name: short, note: Some(note) })
}

/// Whether `BASE` names a file; else it is a git reference.
pub(crate) fn is_file(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end)) || Path::new(name).is_file()
}

/// What `BASE` names.
pub(crate) fn base(name: &str) -> Result<Document> {
    match is_file(name) {
        true => file(name),
        false => checked(load::document(&format!("{name}:{CONTRACT}"), &show(name, CONTRACT)?)?),
    }
}

/// A document in a file.
pub(crate) fn file(name: &str) -> Result<Document> {
    file_called(Path::new(name), name)
}

/// A document in a file that messages call by another name.
pub(crate) fn file_called(path: &Path, name: &str) -> Result<Document> {
    checked(load::file(path, name)?)
}

/// A file as a commit has it.
pub(crate) fn show(reference: &str, path: &str) -> Result<String> {
    show_if_there(reference, path)?.with_context(|| format!("`{reference}` has no {path}"))
}

/// A file that a commit may have. The reference is resolved first, so that it is never read as an option.
pub(crate) fn show_if_there(reference: &str, path: &str) -> Result<Option<String>> {
    let commit = commit(reference)?;
    let Ok(object) = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{commit}:{path}")]) else {
        return Ok(None);
    };
    let (object, name) = (line(&object), format!("{reference}:{path}"));
    let unreadable = || format!("{name} cannot be read");
    let size = git(&["cat-file", "-s", &object]).with_context(unreadable)?;
    let size: u64 = line(&size).parse().unwrap_or(u64::MAX);
    ensure!(size <= BYTES, "{name} is too long: more than {BYTES} bytes");
    text(&name, git(&["cat-file", "blob", &object]).with_context(unreadable)?).map(Some)
}

/// The commit of a reference.
fn commit(reference: &str) -> Result<String> {
    let commit = format!("{reference}^{{commit}}");
    let found = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).with_context(|| {
        format!("`{reference}` is neither a file nor a git reference that is known here; is it fetched?")
    })?;
    Ok(line(&found))
}

fn line(output: &[u8]) -> String {
    String::from_utf8_lossy(output).trim().to_owned()
}

fn git(arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new("git").args(arguments).output().context("git cannot be run")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {} failed {}", arguments.join(" "), said.trim());
    Ok(output.stdout)
}

/// Refuses what is no OpenAPI 3 document whose references lead somewhere.
fn checked(mut document: Document) -> Result<Document> {
    nothing::read(&mut document.value);
    check(&document)?;
    Ok(document)
}

fn check(document: &Document) -> Result<()> {
    let Document { name, value, .. } = document;
    ensure!(!value.is_null(), "{name}:1: the document is empty");
    let Some(root) = value.as_object() else { bail!("{name}:1: it is no OpenAPI document: it is no map") };
    ensure!(!root.is_empty(), "{name}:1: the document is empty");
    if let Some(version) = root.get("swagger") {
        let words = format!("`swagger: {version}` is OpenAPI 2.0; only OpenAPI 3.0 and 3.1 can be compared");
        return Err(document.error("/swagger", &words));
    }
    let version = match root.get("openapi") {
        Some(Value::String(version)) => version.clone(),
        Some(other) => other.to_string(),
        None => bail!("{name}:1: it is no OpenAPI document: it has no `openapi`"),
    };
    if !version.starts_with("3.0") && !version.starts_with("3.1") {
        return Err(document.error("/openapi", &format!("`openapi: {version}` is neither 3.0 nor 3.1")));
    }
    match root.get("paths") {
        Some(Value::Object(_)) => {}
        None if version.starts_with("3.1") => {}
        None => bail!("{name}:1: it has no `paths`"),
        Some(_) => return Err(document.error("/paths", "`paths` is no map")),
    }
    cycles(document, &places::check(document)?)
}

/// Refuses circles of references that never come to a value, and chains that nobody wrote. Recursion through a property
/// is neither.
fn cycles(document: &Document, chains: &Chains) -> Result<()> {
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
                    let words = format!("more than {LONGEST} references lead on from {here}, one to another");
                    return Err(document.error(here, &words));
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
                return Err(document.error(target, &format!("circular `$ref`: {} → {target}", circle.join(" → "))));
            }
            stack.push((target, 0));
        }
    }
    Ok(())
}
