//! What the fuzz targets check, run on the inputs that are kept of them.

#[path = "../../fuzz/checks.rs"]
mod checks;
#[path = "../../fuzz/run_seeds.rs"]
mod run_seeds;

use run_seeds::run_seeds;

#[test]
fn deliveries() {
    run_seeds(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/webhook_delivery"), checks::delivery);
}

#[test]
fn events() {
    run_seeds(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/webhook_event"), checks::event);
}
