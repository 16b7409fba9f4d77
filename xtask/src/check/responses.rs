//! A folder of recorded responses: which file is of which operation, and what all of them show.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use super::{
    conformance::{Conformance, EVENTS, Problem},
    fact::WEBHOOK,
    json::Json,
    schemas::Body,
};
use crate::{
    contract::{Contract, Operation},
    report::{Coverage, Finding, Kind, Report, ResponsesCoverage, SpecPlace},
};

/// Folders below this depth are not read: a link may lead around in circles.
const DEEPEST: usize = 16;

/// What the name of a file says.
enum Subject<'a> {
    /// With its status, if the name has one.
    Response(&'a Operation, Option<u16>),
    Delivery,
    /// No operation has this id.
    Unknown(&'a str),
}

/// What makes findings one: operation, response, path and kind.
type Key<'a> = (Option<&'a str>, String, String, Kind);

/// Findings of one key, of all files.
struct Found {
    problem: Problem,
    kinds: BTreeSet<&'static str>,
    files: BTreeSet<String>,
}

/// Compares every recorded response of a folder with the contract.
///
/// # Errors
/// When the folder or a file cannot be read, or there is no response.
pub(crate) fn compare(contract: &Contract, directory: &Path) -> Result<Report> {
    let shown = directory.display();
    ensure!(directory.is_dir(), "{shown} is not a folder: --responses requires a folder of recorded responses");
    let (mut files, mut others) = (BTreeMap::new(), BTreeSet::new());
    add_files(directory, "", 0, &mut files, &mut others)?;
    ensure!(
        !files.is_empty(),
        "no recorded responses in {shown}: name them <operation id>.json or <operation id>/<anything>.json; {}",
        operation_ids(contract)
    );
    let mut conformance = Conformance::new(contract);
    let mut found: BTreeMap<Key<'_>, Found> = BTreeMap::new();
    let mut recorded = BTreeSet::new();
    let mut agreed = 0;
    for (name, path) in &files {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        let subject = subject(contract, name);
        let (operation, response) = match subject {
            Subject::Response(operation, status) => {
                recorded.insert(&operation.id);
                let failure = status.filter(|status| status / 100 != 2);
                (Some(operation.name.as_str()), failure.map_or_else(String::new, |status| status.to_string()))
            }
            Subject::Delivery => (Some(WEBHOOK), String::new()),
            Subject::Unknown(_) => (None, String::new()),
        };
        let problems = problems(&mut conformance, contract, &subject, &bytes)?;
        agreed += usize::from(problems.is_empty());
        for problem in problems {
            // Files of different unknown operations are different findings.
            let path = if operation.is_none() { &problem.what } else { &problem.path };
            let key = (operation, response.clone(), path.clone(), problem.id);
            let kind = problem.kind;
            let found =
                found.entry(key).or_insert_with(|| Found { problem, kinds: BTreeSet::new(), files: BTreeSet::new() });
            found.kinds.extend(kind);
            found.files.insert(name.clone());
        }
    }
    let findings: Vec<Finding> = found.into_iter().map(|(key, found)| finding(contract, &key, found)).collect();
    let mut notes = Vec::new();
    if findings.iter().any(|finding| finding.kind == Kind::OperationUnknown) {
        notes.push(operation_ids(contract));
    }
    if let Some(first) = others.first() {
        let count = others.len();
        notes.push(format!("not read, because the name does not end with .json: {first} ({count} in all)"));
    }
    let coverage = Coverage::Responses(ResponsesCoverage {
        responses: files.len(),
        recorded_operations: recorded.len(),
        operations: contract.operations.len(),
    });
    Ok(Report { agreed, findings, coverage, notes, ..Report::default() })
}

fn operation_ids(contract: &Contract) -> String {
    let ids: BTreeSet<&str> = contract.operations.iter().map(|operation| operation.id.as_str()).collect();
    format!("operation ids: {}", ids.into_iter().collect::<Vec<_>>().join(", "))
}

fn finding(contract: &Contract, (operation, response, ..): &Key<'_>, found: Found) -> Finding {
    let Found { problem: Problem { id, path, what, pointer, .. }, kinds, files } = found;
    let mut message = String::new();
    if !response.is_empty() {
        message = format!("{response} response: ");
    }
    if !path.is_empty() {
        message += &format!("`{path}`: ");
    }
    message += &what;
    if !kinds.is_empty() {
        message += &format!(", is {}", kinds.into_iter().collect::<Vec<_>>().join(" or "));
    }
    let closer = match id {
        Kind::FieldMissing => Some("make the field optional in the contract, or report the response to Piaxis"),
        Kind::TypeDiffers => Some("correct the contract, or report the response to Piaxis"),
        Kind::ValueUnknown if pointer == EVENTS => {
            Some("add the event to `x-piaxis-webhooks` in the contract; the file has it")
        }
        Kind::ValueUnknown => Some("add the value to `x-extensible-enum` in the contract; the file has it"),
        _ => None,
    };
    let place = SpecPlace { file: contract.file.clone(), line: contract.line(&pointer) };
    Finding {
        operation: operation.map(str::to_owned),
        advice: closer.map_or_else(|| id.advice(), str::to_owned),
        spec: (!pointer.is_empty()).then_some(place),
        files: files.into_iter().collect(),
        field: (!path.is_empty()).then_some(path),
        ..Finding::new(id, message)
    }
}

fn problems(
    conformance: &mut Conformance<'_>,
    contract: &Contract,
    subject: &Subject<'_>,
    bytes: &[u8],
) -> Result<Vec<Problem>> {
    let problem = |id: Kind, what: &str, pointer: &str| Ok(vec![Problem::new(id, "", what, pointer)]);
    let documented = match subject {
        Subject::Unknown(name) => {
            return problem(Kind::OperationUnknown, &format!("no operation `{name}` in the contract"), "");
        }
        Subject::Response(operation, status) => {
            let documented = Body::of_response(contract, operation, *status);
            if documented.is_none() {
                let status = status.map_or_else(|| "2xx".to_owned(), |status| status.to_string());
                let what = format!("no JSON response with status {status} in the contract");
                return problem(Kind::StatusUnknown, &what, &operation.pointer);
            }
            documented
        }
        Subject::Delivery => None,
    };
    // Some programs write a byte-order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return problem(Kind::JsonInvalid, "the file is empty", "");
    }
    // The text of the error is not shown.
    let Ok(json) = serde_json::from_slice::<Json>(bytes) else {
        return problem(Kind::JsonInvalid, "the file is not JSON", "");
    };
    let body = documented.unwrap_or_else(|| Body::of_delivery(contract, &json.to_value()));
    conformance.problems(&body, &json)
}

/// What the name of a file, relative to the folder, says.
fn subject<'a>(contract: &'a Contract, name: &'a str) -> Subject<'a> {
    let first = match name.split_once('/') {
        Some((folder, _)) => folder,
        None => name.rsplit_once('.').map_or(name, |(stem, _)| stem),
    };
    let mut parts = first.split('.');
    let id = parts.next().unwrap_or_default();
    if id == WEBHOOK {
        return Subject::Delivery;
    }
    let is_status = |part: &&str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let status = parts.next().filter(is_status).and_then(|part| part.parse().ok());
    match contract.operations.iter().find(|operation| operation.id == id) {
        Some(operation) => Subject::Response(operation, status.filter(|status| (200..600).contains(status))),
        None => Subject::Unknown(id),
    }
}

/// Adds files that end with .json, by their names relative to the folder, and the names of all others. Hidden ones are
/// neither.
fn add_files(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, PathBuf>,
    others: &mut BTreeSet<String>,
) -> Result<()> {
    ensure!(depth <= DEEPEST, "{} is more than {DEEPEST} folders deep", folder.display());
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let relative = format!("{prefix}{name}");
        if name.starts_with('.') {
            continue;
        } else if path.is_dir() {
            add_files(&path, &format!("{relative}/"), depth + 1, files, others)?;
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            files.insert(relative, path);
        } else {
            others.insert(relative);
        }
    }
    Ok(())
}
