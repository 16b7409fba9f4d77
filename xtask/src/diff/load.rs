//! Reads the two documents: from a file or from a git reference, and refuses what cannot be compared.

use std::{collections::HashMap, path::Path, process::Command};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::{
    empty_keys,
    places::{self, Chains},
};
pub(crate) use crate::contract::{FILE as CONTRACT, load::Document};
use crate::contract::{
    load::{self, text},
    resolve::LONGEST,
};

/// Finds what `BASE` names: a file, or the commit where the branch left a git reference; with `exact`, the reference.
///
/// What only the reference has was not removed on the branch. Returns the name of the file or of the commit, and how the
/// commit was found when it is not the reference itself.
pub(crate) fn find(name: &str, exact: bool) -> Result<(String, Option<String>)> {
    if exact || is_file(name) {
        return Ok((name.to_owned(), None));
    }
    let tip = commit(name)?;
    let Ok(found) = git(&["merge-base", &tip, "HEAD"]) else {
        bail!("`{name}` and HEAD have no common commit here: fetch the history, or compare with --exact-base");
    };
    let found = line(&found);
    if found == tip {
        return Ok((name.to_owned(), None));
    }
    let short = line(&git(&["rev-parse", "--short", &found])?);
    let note = format!("compared with {short}, where the branch left `{name}`; --exact-base compares `{name}` itself");
    Ok((short, Some(note)))
}

/// Whether `BASE` names a file; else it is a git reference.
pub(crate) fn is_file(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end)) || Path::new(name).is_file()
}

/// What `BASE` names.
pub(crate) fn base(name: &str) -> Result<Document> {
    match is_file(name) {
        true => file(Path::new(name), name),
        false => checked(load::document(&format!("{name}:{CONTRACT}"), &show(name, CONTRACT)?)?),
    }
}

/// A document in a file that messages call `name`.
pub(crate) fn file(path: &Path, name: &str) -> Result<Document> {
    checked(load::file(path, name)?)
}

/// A file as a commit has it.
pub(crate) fn show(reference: &str, path: &str) -> Result<String> {
    show_if_there(reference, path)?.with_context(|| format!("`{reference}` has no {path}"))
}

/// A file that a commit may have. The reference is resolved first, so that it is never read as an option.
pub(crate) fn show_if_there(reference: &str, path: &str) -> Result<Option<String>> {
    let commit = commit(reference)?;
    let found = git(&["cat-file", "blob", &format!("{commit}:{path}")]).ok();
    found.map(|bytes| text(&format!("{reference}:{path}"), bytes)).transpose()
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
    ensure!(output.status.success(), "git {} failed {}", arguments.join(" "), line(&output.stderr));
    Ok(output.stdout)
}

/// Refuses what is no OpenAPI 3 document whose references lead somewhere.
fn checked(mut document: Document) -> Result<Document> {
    empty_keys::read(&mut document.value);
    let Document { name, value, .. } = &document;
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
    let chains = places::check(&document)?;
    let mut lengths = HashMap::new();
    chains.keys().try_for_each(|start| follow(&document, &chains, start, &mut Vec::new(), &mut lengths).map(drop))?;
    Ok(document)
}

/// Counts the references that lead on from a place. Refuses circles that never come to a value, and chains that nobody
/// wrote; recursion through a property is neither.
fn follow<'c>(
    document: &Document,
    chains: &'c Chains,
    here: &'c str,
    way: &mut Vec<&'c str>,
    lengths: &mut HashMap<&'c str, usize>,
) -> Result<usize> {
    let known = lengths.get(here).copied();
    if way.len() + known.unwrap_or(0) > LONGEST {
        let start = way.first().unwrap_or(&here);
        let words = format!("more than {LONGEST} references lead on from {start}, one to another");
        return Err(document.error(start, &words));
    }
    if let Some(length) = known {
        return Ok(length);
    }
    if let Some(start) = way.iter().position(|place| *place == here) {
        let words = format!("circular `$ref`: {} → {here}", way[start..].join(" → "));
        return Err(document.error(here, &words));
    }
    way.push(here);
    let mut length = 0;
    for target in chains.get(here).into_iter().flatten() {
        length = length.max(1 + follow(document, chains, target, way, lengths)?);
    }
    way.pop();
    lengths.insert(here, length);
    Ok(length)
}
