//! Documents beside the documentation of items: the [official SDKs](official_sdks) beside this crate, the [comparison] with
//! other clients, and the [changelog].
//!
//! The repository has more, for those who run the examples or change the crate:
//!
//! | file | content |
//! |---|---|
//! | `examples/` | programs that run on the emulator without an account: payments, escrows, disbursements, OAuth, webhooks |
//! | `examples/recipes/` | servers, a Lambda function, a worker and OpenTelemetry around this crate |
//! | `emulator/README.md` | the emulator, in a test and as a program |
//! | `openapi/README.md` | the rules of the contract |
//! | `CONTRIBUTING.md` | what to touch for a change, and what a change must pass |
//! | `SECURITY.md` | how to report a vulnerability, and what counts as one |
//! | `ARCHITECTURE.md` | the layers, and the invariants with their tests |

#[doc = include_str!("../docs/official-sdks.md")]
pub mod official_sdks {}

#[doc = include_str!("../COMPARISON.md")]
pub mod comparison {}

#[doc = include_str!("../CHANGELOG.md")]
pub mod changelog {}
