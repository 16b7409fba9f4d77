//! What a command found, for people, programs, workflow logs and issues: each format is rendered in one place.
//!
//! A command puts what it found into a `Layout`; `text`, `github` and `markdown` print it. JSON is the command's own data.

mod check;
pub(crate) mod escape;
pub(crate) mod finding;
mod fold;
mod github;
mod json;
mod layout;
mod markdown;
mod text;

use std::io::{self, Write as _};

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

pub(crate) use self::layout::{Entry, Group, Layout, List, Remark, Snippet, Tone, counted};
pub(crate) use check::layout;
pub(crate) use escape::log_line;
pub(crate) use finding::*;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    #[default]
    Human,
    /// For programs
    Json,
    /// Workflow commands, which GitHub shows on the lines of the contract
    Github,
    /// For an issue or a job summary
    Markdown,
}

/// Renders as text that ends with a newline; `data` is what JSON has.
pub(crate) fn render(layout: &Layout, data: &impl Serialize, format: Format) -> String {
    match format {
        Format::Human => text::render(layout),
        Format::Json => json::render(data),
        Format::Github => github::render(layout),
        Format::Markdown => markdown::render(layout),
    }
}

/// Prints to a terminal or a pipe, with colours where they are wanted. Somebody who pages through may stop reading.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error.into()),
    })
}

/// 0 when nobody has to do anything, else 1.
pub(crate) fn exit_code(report: &Report) -> u8 {
    u8::from(report.findings.iter().any(|finding| finding.severity != Severity::Info))
}
