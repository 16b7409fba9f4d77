//! The integration tests of the emulator as a library, in one binary. The tests beside this file need more than that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api;
mod control;
mod support;
