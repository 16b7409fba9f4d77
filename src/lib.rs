// The links of the README lead to files, those of this page to items. Of several definitions of a link, the first counts, so
// that a link to an item of a feature that is off leads to the table of features.
#![cfg_attr(feature = "client", doc = include_str!("../docs/links/client"))]
#![cfg_attr(feature = "webhook", doc = include_str!("../docs/links/webhook"))]
#![cfg_attr(feature = "mock", doc = include_str!("../docs/links/mock"))]
#![doc = include_str!("../docs/links/all")]
#![doc = include_str!("../docs/outcome.datauri")]
#![doc = include_str!("../README.md")]
//!
//! # Map of the crate
//!
//! A [`Client`][client] holds the credentials. Its resources ([`payments()`][payments], [`escrows()`][escrows], …) have one
//! method for each operation. A method returns a [`Request`][request], which takes options and is sent when awaited. Bodies of
//! requests and responses are in the module [types], made of the values at the root of the crate ([`Amount`], [`Timestamp`],
//! [`Secret`], the open enums). A failed request is an [`Error`][error]. [`OPERATIONS`] is the table of all operations,
//! generated from the contract. The module [webhook] verifies and handles what Piaxis posts to your server.
#![warn(unreachable_pub)]
// On docs.rs, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Tests and examples of this workspace build the crate with its dev-dependency on itself; the same name serves the
// generated code inside the crate, in the mocks, and in other crates.
extern crate self as piaxis;

#[cfg(doc)]
pub mod _documentation;

// What JSON text becomes.
#[macro_use]
mod values;
pub use values::*;

/// Re-exported because [`Timestamp`] converts from and to its `DateTime`.
pub use chrono;
/// Re-exported because [`Amount`] converts from and to its `Decimal`.
pub use rust_decimal;

// The contract as a table.
mod operation;
pub use operation::{CONTRACT, Credential, OPERATIONS, Operation, PageSize};

// Needs no network.
pub mod pkce;
#[cfg(feature = "webhook")]
pub mod webhook;

#[cfg(any(feature = "client", feature = "webhook"))]
mod decoding;

// Sends requests.
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
pub use client::*;

#[cfg(feature = "mock")]
pub mod mock;
