#![doc = include_str!("../README.md")]
#![warn(unreachable_pub)]

mod background;
mod contract;
mod control;
mod emulator;
mod faults;
mod json_schema;
mod operations;
mod recorded;
mod response;
mod scenarios;
mod server;
mod settings;
mod state;
mod webhooks;
mod world;

pub use emulator::{Emulator, EmulatorBuilder, Merchant, Snapshot};
pub use faults::{Fault, When};
pub use operations::escrows::Resolution;
pub use recorded::RecordedRequest;
pub use scenarios::Marketplace;
pub use webhooks::delivery::{Delivery, DeliveryAttempt, DeliveryStatus};
pub use world::ledger::{Account, Entry};

/// The one-time password that everybody gets, unless the emulator is built with random ones.
pub const OTP: &str = "123456";
/// Payments from this number fail, and payouts to it.
pub const DECLINED_PHONE_NUMBER: &str = "+256700000009";
/// Payments from this number stay pending, and payouts to it.
pub const PENDING_PHONE_NUMBER: &str = "+256700000008";
