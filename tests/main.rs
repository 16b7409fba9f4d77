//! The integration tests, in one binary. The tests beside this file need a process of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod contract;
mod support;
mod webhook;
