//! Rejects requests that another site makes a browser send.
//!
//! The emulator has no login, so a browser that runs on the same machine must not act for a page of another site: by DNS
//! rebinding, which shows in `Host`, or by a form or script of that page, which shows in `Origin` and `Sec-Fetch-Site`.

use std::net::IpAddr;

use http::{HeaderMap, Method, StatusCode, header, uri::Authority};

use crate::response::{Rejection, Response};

/// Rejects a foreign host, and an action that another site asks for.
pub(super) fn check(headers: &HeaderMap, method: &Method, bound: IpAddr) -> Result<(), Rejection> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST).unwrap_or_default();
    if !is_own_host(host, bound) {
        return Err(Response::rejected(
            StatusCode::FORBIDDEN,
            "The host is foreign: use an IP address of the emulator or localhost",
        ));
    }
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    let is_own_origin =
        text(header::ORIGIN).is_none_or(|origin| origin.eq_ignore_ascii_case(&format!("http://{host}")));
    let site = headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or_default());
    if is_own_origin && site.is_none_or(|site| ["same-origin", "none"].contains(&site)) {
        return Ok(());
    }
    Err(Response::rejected(StatusCode::FORBIDDEN, "The request comes from another site"))
}

/// Whether no public name can be this host. An emulator that listens beyond loopback has private names as well, such as that
/// of its container.
fn is_own_host(host: &str, bound: IpAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if host.contains('@') {
        return false;
    }
    let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let is_local = bound.is_loopback();
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || !is_local,
        Err(_) if name == "localhost" || name.ends_with(".localhost") => true,
        Err(_) => !is_local && !name.is_empty() && (!name.contains('.') || name.ends_with(".internal")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_a_public_name_can_have_are_foreign() {
        let (loopback, any) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0]));
        for (host, on_loopback, on_any) in [
            ("127.0.0.1:8600", true, true),
            ("[::1]:8600", true, true),
            ("localhost", true, true),
            ("LOCALHOST:1", true, true),
            ("shop.localhost:1", true, true),
            ("192.168.0.7:8600", false, true),
            ("emulator:8600", false, true),
            ("host.docker.internal:8600", false, true),
            ("evil.example:8600", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("localhost.evil.example", false, false),
            ("localhost@evil.example", false, false),
            ("evil.example@localhost", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_own_host(host, loopback), is_own_host(host, any)), (on_loopback, on_any), "{host}");
        }
    }
}
