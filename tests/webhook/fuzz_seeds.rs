//! What the fuzz targets check, run on the inputs that are kept of them.

#[path = "../../fuzz/checks.rs"]
mod checks;

use std::{fs, path::Path};

fn run(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
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

#[test]
fn deliveries() {
    run("webhook_delivery", checks::delivery);
}

#[test]
fn events() {
    run("webhook_event", checks::event);
}
