//! `cargo xtask check`: the contract against the live documentation, fact by fact, or against recorded responses.
//!
//! Pages are fetched (`fetch`) and parsed into one model (`markdown` -> `html` -> `document`), read for facts (`extract` ->
//! `fact`), and compared with the facts of the contract (`compare`, `examples`) and with what the last accepted run saw
//! (`lock`, `changes`).
//!
//! With `--responses`, a folder of recorded responses is read instead (`responses`), each as JSON that keeps names that occur
//! twice (`json`), and compared with the schema of its operation (`schemas`, `conformance`).

mod changes;
pub(crate) mod compare;
mod conformance;
mod document;
mod examples;
pub(crate) mod extract;
pub(crate) mod fact;
pub(crate) mod fetch;
mod html;
mod json;
mod lock;
mod markdown;
mod openapi;
mod responses;
mod schemas;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};
use clap::Args;

use crate::contract::{self, Contract, FILE as CONTRACT};
use crate::report::{self, Format, Report, Severity};
use document::Document;
use extract::{Extracted, Knowledge};
use fetch::Fetched;
use lock::{Lock, LockedPage};

const LOCK: &str = "openapi/docs.lock";
const DOCS: &str = "https://api.gopiaxis.com/api/docs/";

const AFTER_HELP: &str = "\
Exit codes:
  0  the contract and the docs (or the responses) agree
  1  errors or warnings
  2  the docs, the contract, the lock or the responses could not be read

The lock (--lock FILE) holds what the last accepted run saw. --update-lock accepts the docs as they are, or creates the lock; it
leaves the lock alone while the contract and the docs differ with errors, unless --force is given.

Recorded responses (--responses DIR): one JSON file for each response body, named after the operationId in the contract.

  payments_get.json              a 2xx response of payments_get
  payments_get.<anything>.json   another one
  payments_get/<anything>.json   another one, in a folder at any depth
  payments_get.404.json          a response with status 404 (also payments_get.404.<anything>.json, payments_get.404/…)
  webhook.json                   the body of a webhook delivery (also webhook.<anything>.json, webhook/…)

The report has paths and file names, never values. The docs are not fetched.";

/// What to compare, and how to say it.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Root of the docs: an address, or a folder with a saved copy.
    #[arg(long, default_value = DOCS)]
    docs: String,
    /// Compares a folder of recorded responses with the contract, instead of the docs (see below).
    #[arg(long, value_name = "DIR", conflicts_with_all = ["docs", "save", "openapi", "lock", "no_lock", "update_lock"])]
    responses: Option<PathBuf>,
    /// Keeps what was fetched in this folder.
    #[arg(long)]
    save: Option<PathBuf>,
    /// The contract to check; that of the repository when left out.
    #[arg(long)]
    spec: Option<PathBuf>,
    /// The backend's own /openapi.json (FastAPI, OpenAPI 3.1) as a further source: an address or a file.
    #[arg(long)]
    openapi: Option<String>,
    /// How to print the findings.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Lists the accepted deviations.
    #[arg(long, short)]
    verbose: bool,
    /// What the last accepted run saw; openapi/docs.lock of the repository when left out.
    #[arg(long)]
    lock: Option<PathBuf>,
    /// Compares with the contract alone, not with what the last accepted run saw.
    #[arg(long, conflicts_with_all = ["lock", "update_lock"])]
    no_lock: bool,
    /// Accepts the present state of the docs, after review.
    #[arg(long)]
    update_lock: bool,
    /// Accepts it although the contract and the docs differ.
    #[arg(long, requires = "update_lock")]
    force: bool,
}

/// A given file, or one of the repository around this folder: its path, and what messages call it.
fn located(given: Option<&Path>, file: &str) -> (PathBuf, String) {
    let path = given.map_or_else(|| contract::root().join(file), Path::to_owned);
    (path, given.unwrap_or(Path::new(file)).display().to_string())
}

/// 0: agreement, 1: findings, 2: something could not be read.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match check(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // An error about several pages has a line for each.
            for line in format!("error: {error:#}").lines() {
                eprintln!("{}", report::log_line(line));
            }
            ExitCode::from(2)
        }
    }
}

fn check(arguments: &Arguments) -> Result<u8> {
    let (path, name) = located(arguments.spec.as_deref(), CONTRACT);
    let contract = Contract::open(&path, &name)?;
    let report = match &arguments.responses {
        Some(directory) => responses::compare(&contract, directory)?,
        None => docs(arguments, &contract)?,
    };
    report::print(&report::render(&report::layout(&report, arguments.verbose), &report, arguments.format))?;
    Ok(report::exit_code(&report))
}

/// Compares the docs with the contract and with the lock.
fn docs(arguments: &Arguments, contract: &Contract) -> Result<Report> {
    let (path, name) = located(arguments.lock.as_deref(), LOCK);
    let accepted = match lock::read(&path) {
        _ if arguments.no_lock => None,
        Ok(None) if !arguments.update_lock => {
            bail!("no lock at {name}: create it with --update-lock, or compare with the contract alone with --no-lock")
        }
        Err(error) if arguments.update_lock => {
            eprintln!("the lock is replaced: {error:#}");
            None
        }
        read => read?,
    };
    let mut fetched = fetch::fetch(&arguments.docs)?;
    if let Some(directory) = &arguments.save {
        fetch::save(&fetched, directory)?;
    }
    let mut pages = read_pages(&mut fetched, contract);
    if let Some(address) = &arguments.openapi {
        pages.push(openapi::read(address, contract)?);
    }
    let mut compared = compare::compare(contract, &pages);
    let seen = fetched.pages.iter().zip(&pages).map(|(page, (_, extracted))| LockedPage::of(page, extracted));
    let now = Lock::new(seen.collect());
    if arguments.update_lock {
        let errors = compared.report.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        if errors > 0 && !arguments.force {
            eprintln!(
                "{name} is left as it is: {errors} errors are open; correct them, or accept the docs with --force"
            );
        } else {
            eprintln!("{}", update(&path, &name, accepted.as_ref(), &now)?);
        }
    } else if let Some(accepted) = &accepted {
        let changes = changes::findings(accepted, &now, &pages, &compared);
        compared.report.findings.extend(changes);
    }
    compared.report.notes.extend(fetched.notes);
    compared.report.findings.extend(fetched.broken_links);
    Ok(compared.report)
}

/// Accepts the docs as they are.
fn update(path: &Path, name: &str, accepted: Option<&Lock>, now: &Lock) -> Result<String> {
    let (added, removed, unchanged) = changes::summary(accepted, now);
    if accepted.is_some_and(|accepted| accepted.pages == now.pages) {
        return Ok(format!("{name} is left as it is: nothing changed in {unchanged} facts"));
    }
    lock::write(path, now)?;
    let total = added + unchanged;
    Ok(format!("accepted {total} facts in {name}: {added} added, {removed} removed, {unchanged} unchanged"))
}

/// Every page, read for its facts.
pub(crate) fn read_pages(fetched: &mut Fetched, contract: &Contract) -> Vec<(Document, Extracted)> {
    let knowledge = Knowledge::of(contract);
    let documents = fetched.pages.iter_mut().map(|page| std::mem::take(&mut page.document));
    documents
        .map(|document| {
            let extracted = extract::extract(&document, &knowledge);
            (document, extracted)
        })
        .collect()
}
