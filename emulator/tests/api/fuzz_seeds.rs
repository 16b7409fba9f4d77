//! What the fuzz target `emulator_request` checks, run on the inputs that are kept of it.

#[path = "../../../fuzz/emulator_checks.rs"]
mod checks;
#[path = "../../../fuzz/run_seeds.rs"]
mod run_seeds;

use run_seeds::run_seeds;

#[test]
fn requests() {
    run_seeds(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/emulator_request"), checks::request);
}
