//! Tasks of the maintainers: `cargo xtask --help`.

mod check;
mod contract;
mod diff;
mod expand;
mod operations;
mod report;
mod rust_version;

use std::process::ExitCode;

use clap::Parser;

/// Tasks of the maintainers of piaxis.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    /// Compares the contract with the live documentation, or with recorded responses.
    Check(check::Arguments),
    /// Says what a change of the contract means: on the wire, and to code that uses the crate.
    Diff(diff::Arguments),
    /// Prints the code that build.rs generates from the contract, formatted.
    Expand(expand::Arguments),
    /// Lists the operations of the contract.
    Operations,
    /// Checks that no dependency needs a newer Rust than the manifest states.
    RustVersion,
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Check(arguments) => return check::run(&arguments),
        Task::Diff(arguments) => return diff::run(&arguments),
        Task::Expand(arguments) => expand::run(&arguments),
        Task::Operations => operations::run(),
        Task::RustVersion => rust_version::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Somebody who pages through the output may stop reading.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io_errors = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    io_errors.into_iter().any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
