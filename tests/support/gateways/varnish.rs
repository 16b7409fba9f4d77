//! Varnish 7 with its built-in VCL. Its 503 has a `Retry-After`.

use std::{fmt::Write as _, fs, process::Command};

use super::Setup;

pub(super) fn stock(setup: &Setup<'_>, command: &mut Command) {
    configure(setup, command, "", "");
}

/// Buffers request bodies, without which Varnish retries no request that has one, and retries 5xx and failed fetches once.
pub(super) fn retrying(setup: &Setup<'_>, command: &mut Command) {
    let retries = "
sub vcl_backend_response { if (beresp.status >= 500 && bereq.retries < 1) { return (retry); } }
sub vcl_backend_error { if (bereq.retries < 1) { return (retry); } }
";
    configure(setup, command, "    std.cache_req_body(64KB);\n", retries);
}

fn configure(setup: &Setup<'_>, command: &mut Command, receive: &str, more: &str) {
    let mut backends = String::new();
    let mut routing = String::new();
    for (number, route) in setup.routes.iter().enumerate() {
        let (host, port) = (route.backend.ip(), route.backend.port());
        writeln!(backends, r#"backend route{number} {{ .host = "{host}"; .port = "{port}"; }}"#).unwrap();
        writeln!(routing, r#"    if (req.url ~ "^/{}/") {{ set req.backend_hint = route{number}; }}"#, route.name)
            .unwrap();
    }
    let token = setup.token;
    let vcl = format!(
        r#"vcl 4.1;
import std;
{backends}
sub vcl_recv {{
    if (req.url == "/ready") {{ return (synth(200, "{token}")); }}
{receive}{routing}}}
{more}"#
    );
    let file = setup.folder.join("gateway.vcl");
    fs::write(&file, vcl).unwrap();
    command.args(["-F", "-j", "none", "-s", "malloc,16m", "-T", "none"]);
    command.args(["-a", &format!("127.0.0.1:{}", setup.port)]);
    command.arg("-n").arg(setup.folder.join("state"));
    command.arg("-f").arg(file);
    for parameter in [
        "connect_timeout=2",
        "first_byte_timeout=2",
        "between_bytes_timeout=2",
        // Small enough for a test.
        "vsl_space=1M",
        "thread_pool_min=50",
    ] {
        command.args(["-p", parameter]);
    }
}
