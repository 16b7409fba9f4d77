//! What the fuzz target `emulator_request` checks, run on the inputs that are kept of it.

#[path = "../../../fuzz/emulator_checks.rs"]
mod checks;

use std::{fs, path::Path};

#[test]
fn requests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/emulator_request");
    let mut inputs: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!((10..=1_000).contains(&inputs.len()), "{}", inputs.len());
    for input in inputs {
        let bytes = fs::read(&input).unwrap();
        assert!(bytes.len() <= 65_536, "{} is too large to keep", input.display());
        println!("{}", input.display());
        checks::request(&bytes);
    }
}
