use std::{fmt, net::IpAddr};

use reqwest::Url;

use crate::{
    error::{Error, ErrorKind},
    operation::SERVERS,
};

/// The Piaxis that a client talks to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Environment {
    /// The live service. Real money moves.
    #[default]
    Production,
    /// The sandbox that Piaxis runs.
    Sandbox,
    /// Another base URL: HTTPS, or HTTP on `localhost`, `127.0.0.0/8` or `[::1]`; with its path, which is usually `/api`.
    /// A slash at the end makes no difference.
    Custom(String),
}

impl Environment {
    /// The base URL, as the contract or the caller has it.
    pub fn base_url(&self) -> &str {
        match self {
            Self::Production => SERVERS.production,
            Self::Sandbox => SERVERS.sandbox,
            Self::Custom(url) => url,
        }
    }

    /// The base URL without a slash at its end, or what is wrong with it; the text is not shown, because it may be anything.
    pub(crate) fn checked_base_url(&self) -> Result<Url, Error> {
        let text = self.base_url();
        let refuse = |problem: &dyn fmt::Display| {
            Err(Error::local(
                ErrorKind::Configuration,
                format!("the base URL {problem} (example: {})", SERVERS.production),
            ))
        };
        let Ok(mut url) = Url::parse(text) else {
            return refuse(&"must be an absolute URL with a host");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(&"must not contain credentials");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse(&"must not have a query or a fragment");
        }
        if !is_https_or_loopback(&url) {
            return refuse(&"must be HTTPS, except on localhost, 127.0.0.0/8 and [::1]");
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if path.is_empty() {
            return refuse(&format_args!("has no path; it usually ends with `{}`", api_path()));
        }
        let known_host = [SERVERS.production, SERVERS.sandbox]
            .into_iter()
            .find(|known| Url::parse(known).is_ok_and(|known| known.host_str() == url.host_str()));
        url.set_path(&path);
        if let Some(known) = known_host.filter(|known| *known != url.as_str()) {
            return refuse(&format_args!("must be `{known}` on this host"));
        }
        Ok(url)
    }
}

/// The path that every server of the contract has.
pub(crate) fn api_path() -> &'static str {
    let after_scheme = SERVERS.production.find("://").map_or(0, |at| at + 3);
    SERVERS.production[after_scheme..].find('/').map_or("", |at| &SERVERS.production[after_scheme + at..])
}

/// Whether secrets may be sent to this URL.
pub(crate) fn is_https_or_loopback(url: &Url) -> bool {
    url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && is_loopback(url))
}

/// Whether the URL is on this machine: `localhost`, `127.0.0.0/8` or `[::1]`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
