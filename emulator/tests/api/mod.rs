//! The API that the emulator implements.

mod disbursements;
mod escrow_disbursements;
mod escrows;
mod fuzz_seeds;
mod guide;
mod oauth;
mod payments;
mod properties;
mod routes;
mod webhooks;
