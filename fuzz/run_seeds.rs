//! Runs what a fuzz target checks on the inputs that are kept of it, for the tests.

use std::fs;

pub(crate) fn run_seeds(folder: &str, check: fn(&[u8])) {
    let mut inputs: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!((10..=1_000).contains(&inputs.len()), "{}", inputs.len());
    for input in inputs {
        let bytes = fs::read(&input).unwrap();
        assert!(bytes.len() <= 65_536, "{} is too large to keep", input.display());
        println!("{}", input.display());
        check(&bytes);
    }
}
