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

// The contract as a table.
mod operation;
pub use operation::{Credential, OPERATIONS, Operation, PageSize};

// Needs no network.
pub mod pkce;
#[cfg(feature = "webhook")]
pub mod webhook;

#[cfg(any(feature = "client", feature = "webhook"))]
mod decoding;

#[cfg(feature = "client")]
mod api {
    pub use crate::{
        client::{Client, ClientBuilder},
        environment::Environment,
        error::{Error, ErrorKind, FieldError, Outcome},
        evidence::TermEvidence,
        pagination::{Items, Page, Pages},
        payout::{CheckedPayout, PayoutBatch, QuoteProblem, QuoteRefusal},
        request::{Request, Response, Sending},
        transport::{Attempt, RetryPolicy},
        wait::{Notifier, Wait, Waited},
    };
}
#[cfg(feature = "client")]
pub use api::*;

// A call travels down this list.
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
pub mod disbursements;
#[cfg(feature = "client")]
mod environment;
#[cfg(feature = "client")]
mod error;
#[cfg(feature = "client")]
pub mod escrow_disbursements;
#[cfg(feature = "client")]
pub mod escrows;
#[cfg(feature = "client")]
mod evidence;
#[cfg(feature = "client")]
pub mod oauth;
#[cfg(feature = "client")]
pub mod otp;
#[cfg(feature = "client")]
mod pagination;
#[cfg(feature = "client")]
pub mod payments;
#[cfg(feature = "client")]
mod payout;
#[cfg(feature = "client")]
pub mod raw;
#[cfg(feature = "client")]
mod request;
#[cfg(feature = "client")]
mod transport;
#[cfg(feature = "client")]
mod wait;

/// Bodies of requests and answers, one struct for each schema of the contract.
///
/// Requests are made with builders that the compiler checks. Answers require only what a caller needs to go on;
/// whatever else the API sends is in the `extra` of the struct that it came in.
#[cfg(feature = "client")]
pub mod types {
    #[doc(inline)]
    pub use crate::raw::types::*;
}

#[cfg(feature = "mock")]
pub mod mock;
#[cfg(feature = "sandbox")]
pub mod sandbox;
