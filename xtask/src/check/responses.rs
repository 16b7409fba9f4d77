//! A folder of recorded responses: which file is of which operation, and what all of them show.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::{
    conformance::{Conformance, Problem},
    json::Json,
};
use crate::{
    contract::{Contract, Operation},
    report::{Coverage, Finding, Kind, Report, ResponsesCoverage, SpecPlace},
};

/// Folders below this depth are not read: a link may lead around in circles.
const DEEPEST: usize = 16;

const WEBHOOK: &str = "webhook";

/// What the name of a file says.
enum Subject<'a> {
    Response {
        operation: &'a Operation,
        status: Option<u16>,
    },
    Delivery,
    /// No operation has this id.
    Unknown(String),
}

/// What makes findings one: operation, response, path and kind.
type Key = (Option<String>, String, String, Kind);

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
    let (files, others) = files_of(directory)?;
    if files.is_empty() {
        bail!(
            "no recorded responses in {}: name them <operation id>.json or <operation id>/<anything>.json; {}",
            directory.display(),
            operation_ids(contract)
        );
    }
    let mut conformance = Conformance::new(contract);
    let mut found: BTreeMap<Key, Found> = BTreeMap::new();
    let mut recorded = BTreeSet::new();
    let mut agreed = 0;
    for (name, path) in &files {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        let subject = subject(contract, name);
        let (operation, response) = match &subject {
            Subject::Response { operation, status } => {
                recorded.insert(operation.id.clone());
                let is_success = status.is_none_or(|status| status / 100 == 2);
                let response =
                    if is_success { String::new() } else { status.map(|it| it.to_string()).unwrap_or_default() };
                (Some(operation.name.clone()), response)
            }
            Subject::Delivery => (Some(WEBHOOK.to_owned()), String::new()),
            Subject::Unknown(_) => (None, String::new()),
        };
        let problems = problems(&mut conformance, contract, &subject, &bytes)?;
        agreed += usize::from(problems.is_empty());
        for problem in problems {
            // Files of different unknown operations are different findings.
            let path = if operation.is_none() { problem.what.clone() } else { problem.path.clone() };
            let key = (operation.clone(), response.clone(), path, problem.id);
            let kind = problem.kind;
            let found =
                found.entry(key).or_insert_with(|| Found { problem, kinds: BTreeSet::new(), files: BTreeSet::new() });
            found.kinds.extend(kind);
            found.files.insert(name.clone());
        }
    }
    let findings =
        found.into_iter().map(|((operation, response, ..), found)| finding(contract, operation, &response, found));
    let coverage = ResponsesCoverage {
        responses: files.len(),
        recorded_operations: recorded.len(),
        operations: contract.operations.len(),
    };
    let mut report =
        Report { agreed, findings: findings.collect(), coverage: Coverage::Responses(coverage), ..Report::default() };
    if report.findings.iter().any(|finding| finding.kind == Kind::OperationUnknown) {
        report.notes.push(operation_ids(contract));
    }
    if let Some(first) = others.first() {
        report
            .notes
            .push(format!("not read, because the name does not end with .json: {first} ({} in all)", others.len()));
    }
    Ok(report)
}

fn operation_ids(contract: &Contract) -> String {
    let ids: BTreeSet<&str> = contract.operations.iter().map(|operation| operation.id.as_str()).collect();
    format!("operation ids: {}", ids.into_iter().collect::<Vec<_>>().join(", "))
}

fn finding(contract: &Contract, operation: Option<String>, response: &str, found: Found) -> Finding {
    let Found { problem, kinds, files } = found;
    let mut message = String::new();
    if !response.is_empty() {
        message = format!("{response} response: ");
    }
    if !problem.path.is_empty() {
        message += &format!("`{}`: ", problem.path);
    }
    message += &problem.what;
    if !kinds.is_empty() {
        let kinds: Vec<&str> = kinds.into_iter().collect();
        message += &format!(", is {}", kinds.join(" or "));
    }
    let line = contract.line(&problem.pointer);
    let spec = (!problem.pointer.is_empty()).then(|| SpecPlace { file: contract.file.clone(), line });
    Finding {
        operation,
        field: (!problem.path.is_empty()).then_some(problem.path),
        advice: problem.advice.to_owned(),
        spec,
        files: files.into_iter().collect(),
        ..Finding::new(problem.id, message)
    }
}

fn problems(
    conformance: &mut Conformance<'_>,
    contract: &Contract,
    subject: &Subject<'_>,
    bytes: &[u8],
) -> Result<Vec<Problem>> {
    let problem = |id: Kind, what: String, pointer: &str| {
        let (path, pointer) = (String::new(), pointer.to_owned());
        Ok(vec![Problem { id, path, what, kind: None, advice: id.advice(), pointer }])
    };
    if let Subject::Unknown(name) = subject {
        return problem(Kind::OperationUnknown, format!("no operation `{name}` in the contract"), "");
    }
    let known = match subject {
        Subject::Response { operation, status } => match (conformance.response(&operation.pointer, *status), status) {
            (Some(body), _) => Some(body),
            (None, status) => {
                let status = status.map_or_else(|| "2xx".to_owned(), |status| status.to_string());
                let what = format!("no JSON response with status {status} in the contract");
                let pointer = contract.operations.iter().find(|known| known.id == operation.id);
                let pointer = pointer.map_or("", |operation| operation.pointer.as_str());
                return problem(Kind::StatusUnknown, what, pointer);
            }
        },
        _ => None,
    };
    // Some programs write a byte-order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let invalid = |what: &str| problem(Kind::JsonInvalid, what.to_owned(), "");
    if bytes.trim_ascii().is_empty() {
        return invalid("the file is empty");
    }
    let json: Json = match serde_json::from_slice(bytes) {
        Ok(json) => json,
        // The text of the error is not shown.
        Err(_) => return invalid("the file is not JSON"),
    };
    let body = known.unwrap_or_else(|| conformance.delivery(&json));
    conformance.problems(&body, &json)
}

/// What the name of a file, relative to the folder, says.
fn subject<'a>(contract: &'a Contract, name: &str) -> Subject<'a> {
    let first = name.split('/').next().unwrap_or_default();
    let first = if first.len() == name.len() { first.get(..first.len() - 5).unwrap_or_default() } else { first };
    let mut parts = first.split('.');
    let id = parts.next().unwrap_or_default();
    if id == WEBHOOK {
        return Subject::Delivery;
    }
    let is_status = |part: &&str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let status = parts.next().filter(is_status).and_then(|part| part.parse().ok());
    match contract.operations.iter().find(|operation| operation.id == id) {
        Some(operation) => Subject::Response { operation, status: status.filter(|status| (200..600).contains(status)) },
        None => Subject::Unknown(id.to_owned()),
    }
}

/// Files that end with .json, by their names relative to the folder, and the names of all others. Hidden ones are neither.
fn files_of(directory: &Path) -> Result<(BTreeMap<String, PathBuf>, Vec<String>)> {
    let (mut files, mut others) = (BTreeMap::new(), Vec::new());
    if !directory.is_dir() {
        bail!("{} is not a folder: --responses requires a folder of recorded responses", directory.display());
    }
    let mut folders = vec![(directory.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        if depth > DEEPEST {
            bail!("{} is more than {DEEPEST} folders deep", folder.display());
        }
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry.with_context(|| folder.display().to_string())?.path();
            let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
            if name.starts_with('.') {
                continue;
            }
            let relative = format!("{prefix}{name}");
            if path.is_dir() {
                folders.push((path, format!("{relative}/"), depth + 1));
            } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
                files.insert(relative, path);
            } else {
                others.push(relative);
            }
        }
    }
    others.sort();
    Ok((files, others))
}
