//! HAProxy in mode http.

use std::{fmt::Write as _, fs, process::Command};

use super::Setup;

pub(super) fn stock(setup: &Setup<'_>, command: &mut Command) {
    configure(setup, command, "");
}

/// Retries writes too, because nothing excludes them with `disable-l7-retry`.
pub(super) fn retrying(setup: &Setup<'_>, command: &mut Command) {
    configure(setup, command, "retries 2\n    retry-on all-retryable-errors");
}

fn configure(setup: &Setup<'_>, command: &mut Command, more: &str) {
    let (port, token) = (setup.port, setup.token);
    let mut config = format!(
        "global
    maxconn 500
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 2s
    {more}
frontend gateway
    bind 127.0.0.1:{port}
    http-request return status 200 content-type text/plain string {token} if {{ path /ready }}
    use_backend %[path,field(2,/)]
"
    );
    for route in setup.routes {
        writeln!(config, "backend {}\n    server only {}", route.name, route.backend).unwrap();
    }
    let file = setup.folder.join("haproxy.cfg");
    fs::write(&file, config).unwrap();
    command.args(["-db", "-f"]).arg(file);
}
