//! `cargo xtask operations`: the operation table, for people.
//!
//! A program of its own, because it needs a contract that builds; the other tasks are there to repair one that does not.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use piaxis::{Credential, OPERATIONS, Operation};

fn main() -> ExitCode {
    match print() {
        Ok(()) => ExitCode::SUCCESS,
        // Somebody who pages through the output may stop reading.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print() -> io::Result<()> {
    let header = ["METHOD", "PATH", "SECURITY", "RUST METHOD", "SOURCE"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(header).chain(OPERATIONS.iter().map(row)).collect();
    let widths: Vec<usize> = (0..5).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    let mut out = io::stdout().lock();
    for row in &rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    Ok(())
}

fn row(operation: &Operation) -> [String; 5] {
    let methods: Vec<String> =
        operation.methods.iter().map(|method| format!("{}().{method}", operation.resource)).collect();
    [
        operation.method.to_owned(),
        operation.path.to_owned(),
        security(operation),
        methods.join(", "),
        operation.sources.join(" "),
    ]
}

/// What an operation takes: `?` marks what may be left out, `|` stands between what is enough alone.
fn security(operation: &Operation) -> String {
    let smallest = |set: &&&[Credential]| {
        let contains = |other: &&[Credential]| other.len() < set.len() && other.iter().all(|one| set.contains(one));
        !operation.security.iter().any(contains)
    };
    let enough: Vec<&[Credential]> = operation.security.iter().filter(smallest).copied().collect();
    let name = |credential: &Credential| credential.header().to_owned();
    let sets: Vec<String> = enough.iter().map(|set| set.iter().map(name).collect::<Vec<_>>().join(" + ")).collect();
    let mut optional: Vec<String> = Vec::new();
    for credential in operation.security.iter().copied().flatten() {
        let text = format!("{}?", credential.header());
        if !enough.iter().any(|set| set.contains(credential)) && !optional.contains(&text) {
            optional.push(text);
        }
    }
    match (sets.is_empty(), optional.is_empty()) {
        (true, _) => "-".to_owned(),
        (false, true) => sets.join(" | "),
        (false, false) => format!("{} + {}", sets.join(" | "), optional.join(" + ")),
    }
}
