//! The generated client: one method for each operation, as `progenitor` makes it from the contract.
//!
//! The resources of [`Client`](crate::Client) are the front door. Use this for an operation or a parameter that they do
//! not wrap: [`Client::raw`](crate::Client::raw) hands the generated client to a closure and returns a
//! [`Request`](crate::Request), so credentials, options and errors are the same as everywhere else.
#![allow(missing_docs, missing_debug_implementations, unreachable_pub, unused_imports)]
#![allow(clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

include!(concat!(env!("OUT_DIR"), "/raw.rs"));
