//! Requests from nowhere, to the emulator.
#![no_main]

#[path = "../emulator_checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::request(data));
