#![doc = include_str!("../README.md")]
//!
//! # Map of the crate
//!
//! [`Client`] holds the credentials; its resources ([`payments()`](Client::payments), [`escrows()`](Client::escrows), …)
//! have one method for each operation. A method returns a [`Request`], which takes the options of the call and is sent
//! when awaited. What goes in and comes out is in [`types`], made of the values at the root of the crate ([`Amount`],
//! [`Timestamp`], [`Secret`], the open enums). What goes wrong is an [`Error`]. [`OPERATIONS`] is the table that all of
//! it is driven by. [`webhook`] stands apart: it receives.
#![warn(unreachable_pub)]
// Tests and examples of this workspace build the crate with its dev-dependency on itself; the same name serves the
// generated code inside the crate, in the mocks, and in other crates.
extern crate self as piaxis;

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

// A request travels down this module.
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
pub use client::*;

#[cfg(feature = "mock")]
pub mod mock;
