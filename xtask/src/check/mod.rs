//! `cargo xtask check`: the contract against the live documentation, fact by fact, or against recorded responses.
//!
//! Pages are fetched (`fetch`), parsed into one model (`markdown`, `html` -> `document`), read for facts (`extract` ->
//! `fact`), and compared with the contract (`contract`, `compare`, `examples`) and with what the last accepted run saw
//! (`lock`).
//!
//! With `--responses`, a folder of recorded responses is read instead (`responses`), each as JSON that keeps names that occur
//! twice (`json`), and compared with the schema of its operation (`conformance`).

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

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::Args;

use crate::contract::{self, Contract, FILE as CONTRACT};
use crate::report::{self, DocPlace, Finding, Format, Kind};
use document::Document;
use extract::Extracted;
use fetch::Fetched;
use lock::{Change, Lock, LockedPage};

const LOCK: &str = "openapi/docs.lock";
const DOCS: &str = "https://api.gopiaxis.com/api/docs/";

const AFTER_HELP: &str = "\
Recorded responses (--responses DIR): one JSON file for each response body, named after the operationId in the contract.

  payments_get.json              a 2xx response of payments_get
  payments_get.<anything>.json   another one
  payments_get/<anything>.json   another one, in a folder at any depth
  payments_get.404.json          a response with status 404 (also payments_get.404.<anything>.json, payments_get.404/…)
  webhook.json                   the body of a webhook delivery (also webhook.<anything>.json, webhook/…)

The report has paths and file names, never values. The docs are not fetched.

Exit codes:
  0  agreement
  1  findings
  2  the docs, the contract, the lock or the responses could not be read";

/// What to compare, and how to say it.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Root of the docs: an address, or a folder with a saved copy.
    #[arg(long, default_value = DOCS)]
    docs: String,
    /// Compares a folder of recorded responses with the contract, instead of the docs (see below).
    #[arg(long, value_name = "DIR", conflicts_with_all = ["docs", "save", "openapi", "lock", "update_lock"])]
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
    /// Accepts the present state of the docs, after review.
    #[arg(long)]
    update_lock: bool,
}

/// A given file, or one of the repository around this folder.
fn at_root(given: Option<&Path>, file: &str) -> PathBuf {
    given.map_or_else(|| contract::root().join(file), Path::to_owned)
}

/// 0: agreement, 1: findings, 2: the docs, the contract or the responses could not be read.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match check(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {}", report::log_line(&format!("{error:#}")));
            ExitCode::from(2)
        }
    }
}

fn check(arguments: &Arguments) -> Result<u8> {
    let file = arguments.spec.as_deref().unwrap_or(Path::new(CONTRACT));
    let contract = Contract::open(&at_root(arguments.spec.as_deref(), CONTRACT), &file.display().to_string())?;
    let show = |found: &report::Report| {
        report::print(&report::render(&report::sheet(found, arguments.verbose), found, arguments.format))
    };
    if let Some(directory) = &arguments.responses {
        let report = responses::compare(&contract, directory)?;
        show(&report)?;
        return Ok(report::exit_code(&report));
    }
    let lock_file = at_root(arguments.lock.as_deref(), LOCK);
    let lock_name = arguments.lock.as_deref().unwrap_or(Path::new(LOCK)).display().to_string();
    let accepted = lock::read(&lock_file)?;
    let fetched = fetch_pages(arguments)?;
    if let Some(directory) = &arguments.save {
        fetch::save(&fetched, directory)?;
    }

    let mut pages = read_pages(&fetched, &contract);
    if let Some(address) = &arguments.openapi {
        pages.push(openapi::read(address, &contract)?);
    }
    let mut report = compare::compare(&contract, &pages);
    report.notes.extend(fetched.notes.iter().cloned());
    report.findings.extend(fetched.broken_links.iter().map(broken_link));

    let now = lock_of(&fetched, &pages);
    match (&accepted, arguments.update_lock) {
        (_, true) => {
            lock::write(&lock_file, &now)?;
            eprintln!("accepted the present state of the docs in {lock_name}");
        }
        (Some(accepted), false) => add_changes(&mut report, accepted, &now, &pages),
        (None, false) => report.notes.push(format!("there is no {lock_name}; accept one with --update-lock")),
    }
    show(&report)?;
    Ok(report::exit_code(&report))
}

/// Every page, parsed and read for its facts.
pub(crate) fn read_pages(fetched: &Fetched, contract: &Contract) -> Vec<(Document, Extracted)> {
    let knowledge = contract.knowledge();
    let read = |document: Document| {
        let extracted = extract::extract(&document, &knowledge);
        (document, extracted)
    };
    fetched.pages.iter().map(parse).map(read).collect()
}

pub(crate) fn parse(page: &fetch::Page) -> Document {
    let is_markdown = page.address.ends_with(".md") || page.address.ends_with(".txt");
    if is_markdown { markdown::parse(&page.name, &page.text) } else { html::parse(&page.name, &page.text) }
}

fn fetch_pages(arguments: &Arguments) -> Result<Fetched> {
    let on_terminal = std::io::stderr().is_terminal();
    let progress = |line: &str| {
        if on_terminal {
            eprintln!("{line}");
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let root: fetch::Root = arguments.docs.parse()?;
    let fetched = runtime.block_on(fetch::fetch(&root, progress));
    // A look-up of a host that hangs must not outlast the limits.
    runtime.shutdown_background();
    fetched
}

fn broken_link(link: &fetch::BrokenLink) -> Finding {
    let (page, address, what) = (&link.page, &link.address, &link.what);
    let message = format!("the page `{page}` links to a page that does not exist: {address} ({what})");
    let doc = DocPlace { page: page.clone(), heading: String::new(), anchor: String::new(), line: link.line };
    Finding { doc: Some(doc), ..Finding::new(Kind::LinkBroken, message) }
}

fn lock_of(fetched: &Fetched, pages: &[(Document, Extracted)]) -> Lock {
    let seen = fetched.pages.iter().zip(pages).map(|(page, (_, extracted))| LockedPage {
        name: page.name.clone(),
        address: page.file_name(),
        sha256: lock::sha256(&page.text),
        sections: extracted.sections,
        understood: extracted.understood,
        examples: extracted.examples.len(),
        facts: extracted.facts.iter().map(|stated| stated.fact.to_string()).collect(),
    });
    Lock::new(std::time::SystemTime::now(), seen.collect())
}

/// What the last accepted run saw and this one does not is a finding, also where the contract would not miss it.
fn add_changes(report: &mut report::Report, accepted: &Lock, now: &Lock, pages: &[(Document, Extracted)]) {
    for change in lock::compare(accepted, now) {
        let (kind, page, message) = match change {
            Change::PageMissing { page } => {
                let message = format!("the page `{page}` that the last accepted run saw is missing");
                (Kind::PageMissing, page, message)
            }
            Change::PageNew { page } => (Kind::PageNew, page.clone(), format!("there is a new page `{page}`")),
            Change::Reworded { page } => (Kind::PageReworded, page.clone(), format!("the page `{page}` was reworded")),
            Change::FactGone { page, fact } => {
                (Kind::FactGone, page.clone(), format!("the page `{page}` no longer says: {fact}"))
            }
            Change::FactNew { page, fact } => {
                (Kind::FactNew, page.clone(), format!("the page `{page}` now says: {fact}"))
            }
            Change::CoverageDropped { page, what, before, now } => {
                let message = format!(
                    "the page `{page}` has fewer {what} than the last accepted run saw: {now} instead of {before}"
                );
                (Kind::CoverageDropped, page, message)
            }
        };
        let stated = pages
            .iter()
            .flat_map(|(_, page)| &page.facts)
            .find(|stated| stated.page == page && message.ends_with(&stated.fact.to_string()));
        let doc = match stated {
            Some(stated) => Some(DocPlace {
                page: page.clone(),
                heading: stated.heading.clone(),
                anchor: stated.anchor.clone(),
                line: stated.line,
            }),
            None => Some(DocPlace { page: page.clone(), heading: String::new(), anchor: String::new(), line: 1 }),
        };
        report.findings.push(Finding { doc, ..Finding::new(kind, message) });
    }
}
