//! How long the check of saved docs takes beside only reading and parsing them: `cargo bench --package xtask`.
//!
//! Takes the folder of the docs from `PIAXIS_DOCS`, the pages of the tests when it is unset.
#![allow(dead_code, unused_imports, clippy::unwrap_used)]

#[path = "../src/check/mod.rs"]
mod check;
#[path = "../src/contract/mod.rs"]
mod contract;
#[path = "../src/report/mod.rs"]
mod report;

use std::{
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

const ROUNDS: usize = 50;

fn main() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::env::var("PIAXIS_DOCS").map_or_else(|_| here.join("tests/docs"), Into::into);
    let file = here.join("../openapi/piaxis.yaml");
    let docs = docs.to_str().unwrap();

    // Side by side, so that both see the same machine.
    let (mut parsing, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        parsing.push(timed(|| drop(black_box(check::fetch::fetch(docs).unwrap()))));
        whole.push(timed(|| {
            let mut fetched = check::fetch::fetch(docs).unwrap();
            let contract = contract::Contract::open(&file, "openapi/piaxis.yaml").unwrap();
            let pages = check::read_pages(&mut fetched, &contract);
            drop(black_box(check::compare::compare(&contract, &pages)));
        }));
    }
    let (parsing, whole) = (median(parsing), median(whole));
    let ratio = whole.as_secs_f64() / parsing.as_secs_f64();
    println!(
        "reading and parsing {parsing:.1?}, whole check {whole:.1?}, ratio {ratio:.1} (medians of {ROUNDS} rounds)"
    );
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
