//! Real gateways, and the backend behind them that keeps a ledger of executed payments.

pub(crate) mod backend;
pub(crate) mod fault;
mod haproxy;
mod nginx;
pub(crate) mod process;
pub(crate) mod table;
mod varnish;

use std::{net::SocketAddr, path::Path, process::Command};

/// What a gateway is configured with.
pub(crate) struct Setup<'a> {
    /// A folder of its own, which is removed at the end.
    pub(crate) folder: &'a Path,
    pub(crate) port: u16,
    /// The response to `GET /ready` contains the token, so that no other process on the port is taken for the gateway.
    pub(crate) token: &'a str,
    pub(crate) routes: &'a [Route],
}

/// Requests whose path starts with `/<name>/` go to the backend.
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) backend: SocketAddr,
    /// Whether the gateway keeps its connections to the backend alive.
    pub(crate) kept_alive: bool,
}

/// A gateway program and a configuration.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) program: &'static str,
    /// Writes the configuration and completes the command.
    pub(crate) configure: fn(&Setup<'_>, &mut Command),
}

/// The gateways of the table. Those named `retrying` are configured to retry writes by themselves.
pub(crate) const KINDS: [Kind; 6] = [
    Kind { name: "varnish", program: "varnishd", configure: varnish::stock },
    Kind { name: "varnish-retrying", program: "varnishd", configure: varnish::retrying },
    Kind { name: "nginx", program: "nginx", configure: nginx::stock },
    Kind { name: "nginx-retrying", program: "nginx", configure: nginx::retrying },
    Kind { name: "haproxy", program: "haproxy", configure: haproxy::stock },
    Kind { name: "haproxy-retrying", program: "haproxy", configure: haproxy::retrying },
];
