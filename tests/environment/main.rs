//! What the environment of a program makes of clients and webhooks.
//!
//! A binary of its own, because the tests run it again with other environment variables.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod proxies;
mod webhook;

// A part of what the tests share.
#[allow(dead_code)]
#[path = "../support"]
mod support {
    pub(crate) mod server;
}
