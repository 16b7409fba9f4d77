//! Servers, clocks, payloads and tables that tests share.

pub(crate) mod clock;
pub(crate) mod contract;
pub(crate) mod faults;
pub(crate) mod gateways;
pub(crate) mod guards;
pub(crate) mod handler;
pub(crate) mod lists;
pub(crate) mod log;
pub(crate) mod one_body;
pub(crate) mod open_enums;
// `leaks.rs` uses the rest.
#[allow(dead_code)]
pub(crate) mod operations;
pub(crate) mod payloads;
// `webhook_fleet.rs` and `webhook_postgres.rs` use the rest.
#[allow(dead_code)]
pub(crate) mod postgres_server;
pub(crate) mod redis_proxy;
// `webhook_fleet.rs` uses the rest.
#[allow(dead_code)]
pub(crate) mod redis_server;
pub(crate) mod server;
