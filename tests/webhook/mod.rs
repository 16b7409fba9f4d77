//! Deliveries: signatures, events, receivers and deduplication.

mod conformance;
mod deduplication;
mod events;
mod fuzz_seeds;
mod guards;
mod receivers;
mod redis;
mod signature;
