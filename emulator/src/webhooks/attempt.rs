//! One attempt of a delivery, over HTTP.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use piaxis::webhook::Signer;
use reqwest::{Client, Url, redirect::Policy};

use super::{delivery::DeliveryAttempt, queue::Attempt};
use crate::contract::CONTRACT;

/// How long an endpoint may take to respond. No source shows the timeout of Piaxis.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends deliveries.
///
/// Each attempt has a connection of its own, and redirects are not followed. No source shows what Piaxis does in either respect.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    /// An error where the platform has no TLS that works.
    client: Result<Client, String>,
    timeout: Duration,
}

impl Sender {
    pub(crate) fn new(timeout: Duration) -> Self {
        let builder = Client::builder()
            .timeout(timeout)
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            // Endpoints are on this machine, most of the time.
            .no_proxy()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
        Self { client: builder.build().map_err(|error| describe(error, timeout)), timeout }
    }

    pub(crate) async fn send(&self, attempt: Attempt) -> DeliveryAttempt {
        let at = attempt.at;
        match self.post(attempt).await {
            Ok(status) => DeliveryAttempt { at, status: Some(status), error: None },
            Err(error) => DeliveryAttempt { at, status: None, error: Some(error) },
        }
    }

    async fn post(&self, attempt: Attempt) -> Result<u16, String> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let url = attempt.url.as_deref().ok_or("the merchant has no webhook URL any more")?;
        let url = parse_url(url)?;
        let request = client.post(url).headers(headers(&attempt)).body(attempt.body);
        let response = request.send().await.map_err(|error| describe(error, self.timeout))?;
        Ok(response.status().as_u16())
    }
}

/// Parses the URL of an endpoint.
pub(crate) fn parse_url(url: &str) -> Result<Url, String> {
    let parsed = Url::parse(url).map_err(|error| format!("invalid webhook URL: {error}"))?;
    match parsed.scheme() {
        "http" | "https" => Ok(parsed),
        scheme => Err(format!("invalid webhook URL: scheme `{scheme}` is unsupported, use http or https")),
    }
}

/// The headers of an attempt. An endpoint without a secret gets no signatures, as the guide says.
fn headers(attempt: &Attempt) -> HeaderMap {
    let mut headers = match Signer::new(attempt.secret.clone()) {
        Ok(signer) => {
            let signed = signer.at(attempt.at.into()).announcing(attempt.event.clone()).sign(&attempt.body);
            if attempt.is_v1_only { signed.v1_only().into() } else { signed.into() }
        }
        Err(_) => {
            let name = HeaderName::from_bytes(CONTRACT.webhook_event.as_bytes()).ok();
            let value = HeaderValue::from_str(attempt.event.as_str()).ok();
            name.zip(value).into_iter().collect::<HeaderMap>()
        }
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

/// Describes an error without the URL, whose query may hold a secret.
fn describe(error: reqwest::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        return format!("request timed out after {timeout:?}");
    }
    let what = if error.is_connect() { "connection failed" } else { "request failed" };
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("{what}: {cause}")
}
