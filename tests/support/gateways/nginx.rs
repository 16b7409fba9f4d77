//! nginx as a reverse proxy.

use std::{fmt::Write as _, fs, process::Command};

use super::Setup;

pub(super) fn stock(setup: &Setup<'_>, command: &mut Command) {
    configure(setup, command, 1, "");
}

/// Two entries an upstream, and retries of writes.
pub(super) fn retrying(setup: &Setup<'_>, command: &mut Command) {
    configure(setup, command, 2, "proxy_next_upstream error timeout http_503 non_idempotent;");
}

fn configure(setup: &Setup<'_>, command: &mut Command, entries: usize, more: &str) {
    let mut upstreams = String::new();
    let mut locations = String::new();
    for route in setup.routes {
        let (name, backend) = (route.name, route.backend);
        let servers = format!("server {backend}; ").repeat(entries);
        let (keepalive, upgraded) = match route.kept_alive {
            true => ("keepalive 4;", r#"proxy_http_version 1.1; proxy_set_header Connection "";"#),
            false => ("", ""),
        };
        writeln!(upstreams, "    upstream {name} {{ {servers}{keepalive} }}").unwrap();
        writeln!(locations, "        location /{name}/ {{ proxy_pass http://{name}; {upgraded} }}").unwrap();
    }
    let (port, token) = (setup.port, setup.token);
    // One process, so that no worker outlives a test that kills it.
    let config = format!(
        r#"daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 768; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_connect_timeout 2s;
    proxy_send_timeout 2s;
    proxy_read_timeout 2s;
    {more}
{upstreams}
    server {{
        listen 127.0.0.1:{port};
        location = /ready {{ return 200 "{token}"; }}
{locations}    }}
}}
"#
    );
    let file = setup.folder.join("nginx.conf");
    fs::write(&file, config).unwrap();
    command.args(["-e", "stderr"]).arg("-p").arg(setup.folder).arg("-c").arg(file);
}
