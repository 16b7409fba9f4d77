//! How long the check of saved docs takes beside only parsing them: `cargo bench --package xtask`.
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let root: check::fetch::Root = docs.to_str().unwrap().parse().unwrap();
    let fetched = runtime.block_on(check::fetch::fetch(&root, |_| {})).unwrap();

    // Side by side, so that both see the same machine.
    let (mut parsing, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        parsing.push(timed(|| drop(black_box(fetched.pages.iter().map(check::parse).collect::<Vec<_>>()))));
        whole.push(timed(|| {
            let contract = contract::Contract::open(&file, "openapi/piaxis.yaml").unwrap();
            let pages = check::read_pages(&fetched, &contract);
            drop(black_box(check::compare::compare(&contract, &pages)));
        }));
    }
    let (parsing, whole) = (median(parsing), median(whole));
    let ratio = whole.as_secs_f64() / parsing.as_secs_f64();
    println!("parsing {parsing:.1?}, whole check {whole:.1?}, ratio {ratio:.1} (medians of {ROUNDS} rounds)");
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
