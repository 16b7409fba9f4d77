//! `cargo xtask diff`: what a change of the contract means to users of the crate.
//!
//! Both documents are read (`load`, `places`), normalised (`normalise`), and compared place by place (`compare`). The table
//! of rules (`rules.md`) has the level of each kind of change, and `rust_api` knows what the generator makes of the contract.

mod acknowledge;
mod change;
mod compare;
mod empty_keys;
mod load;
mod merge;
mod node;
mod normalise;
mod number;
mod places;
mod report;
mod rules;
mod rust_api;
mod shape;
mod version;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Args;

use report::Report;

use crate::report::{Format, log_line, print};

const AFTER_HELP: &str = "\
Exit codes:
  0  nothing breaks that is not acknowledged; with --against-version: the version is large enough
  1  something breaks, or an acknowledgement is wrong; with --against-version: the version is too small
  2  the documents could not be compared";

/// Arguments of `cargo xtask diff`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The old contract: a git reference (openapi/piaxis.yaml of its merge base with HEAD is read), or a file.
    #[arg(required_unless_present = "rules")]
    base: Option<String>,
    /// The new contract: a file; by default the contract of the working tree.
    head: Option<String>,
    /// Compares with the git reference itself instead of the merge base.
    #[arg(long)]
    exact_base: bool,
    /// Output format of the changes, or of the rules.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Prints the table of rules.
    #[arg(long)]
    rules: bool,
    /// Fails only when the crate's version is too small for the changes, and drafts the section of the changelog.
    #[arg(long)]
    against_version: bool,
    /// Intended breaks, each with a reason and an expiry; by default openapi/accepted-breaks.yaml (see openapi/README.md).
    #[arg(long)]
    accepted: Option<PathBuf>,
}

/// Runs the comparison and returns the exit code.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match diff(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let words = log_line(&format!("{error:#}"));
            let _ = writeln!(std::io::stderr(), "error: {words}");
            ExitCode::from(2)
        }
    }
}

fn diff(arguments: &Arguments) -> Result<u8> {
    if arguments.rules {
        print(&report::table_of_rules(arguments.format))?;
        return Ok(0);
    }
    let (base_name, note) = load::find(arguments.base.as_deref().context("BASE is missing")?, arguments.exact_base)?;
    let root = crate::contract::root();
    let file = arguments.head.clone().unwrap_or_else(|| load::CONTRACT.to_owned());
    let base = load::base(&base_name)?;
    let head = match &arguments.head {
        Some(head) => load::file(Path::new(head), head)?,
        None => load::file(&root.join(load::CONTRACT), load::CONTRACT)?,
    };
    let mut changes = compare::compare(&base, &head);

    let (accepted, name) = match &arguments.accepted {
        Some(given) => (given.clone(), given.display().to_string()),
        None => (root.join(acknowledge::FILE), acknowledge::FILE.to_owned()),
    };
    let review = match arguments.accepted.is_some() || accepted.is_file() {
        true => acknowledge::apply(&accepted, &name, &base_name, &mut changes)?,
        false => acknowledge::Review::default(),
    };
    let version = match arguments.against_version {
        true => Some(version::judge(&base_name, &root, &changes, [&head, &base])?),
        false => None,
    };
    let report =
        Report { bump: change::bump(&changes), changes, review, version, file, notes: note.into_iter().collect() };
    print(&report::render(&report, arguments.format))?;
    Ok(u8::from(report.fails()))
}
