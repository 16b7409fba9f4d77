use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;
use tracing::{Span, field::Empty};

use crate::{error::Error, operation::Operation};

/// One attempt of a call, once it has ended: what a counter or a histogram needs, with OpenTelemetry's meaning of each.
///
/// See [`ClientBuilder::on_attempt`](crate::ClientBuilder::on_attempt).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// Operation, by its name in the contract.
    pub operation: &'static str,
    /// Its path, with the names of its parameters: `url.template`.
    pub path: &'static str,
    /// `http.request.method`.
    pub method: &'static str,
    /// `server.address`.
    pub server_address: &'a str,
    /// `server.port`.
    pub server_port: Option<u16>,
    /// `http.response.status_code`, when there was an answer.
    pub status: Option<u16>,
    /// `http.request.resend_count`: 0 for the first attempt.
    pub resend_count: u32,
    /// `error.type`, when it failed: the status, or `connection`, `timeout`, …
    pub error_type: Option<&'a str>,
    /// How long it took, waiting for its turn not counted: `http.client.request.duration`.
    pub duration: Duration,
}

/// Told of every attempt.
#[derive(Clone)]
pub(crate) struct OnAttempt(pub(crate) Arc<dyn Fn(&Attempt<'_>) + Send + Sync>);

impl fmt::Debug for OnAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnAttempt").finish_non_exhaustive()
    }
}

/// Watches one attempt. It sees no bodies and no headers but the request id.
pub(super) struct Observer<'a> {
    server: &'a Server,
    operation: &'static Operation,
    resend_count: u32,
    started: Instant,
}

/// Where a client sends to.
pub(crate) struct Server {
    address: String,
    port: Option<u16>,
}

impl Server {
    pub(crate) fn of(base_url: &reqwest::Url) -> Self {
        Self { address: base_url.host_str().unwrap_or_default().to_owned(), port: base_url.port_or_known_default() }
    }
}

/// A span that nobody listens to would still write to `log` with every poll, where `tracing` serves that too.
pub(crate) fn heard(span: Span) -> Span {
    if span.is_disabled() { Span::none() } else { span }
}

impl<'a> Observer<'a> {
    pub(super) fn new(server: &'a Server, operation: &'static Operation, resend_count: u32) -> Self {
        Self { server, operation, resend_count, started: Instant::now() }
    }

    pub(super) fn span(&self, request: &reqwest::Request) -> Span {
        heard(tracing::debug_span!(
            "piaxis_attempt",
            otel.kind = "client",
            operation = self.operation.id,
            http.request.method = self.operation.method,
            http.request.resend_count = self.resend_count,
            url.template = self.operation.path,
            server.address = self.server.address,
            server.port = self.server.port,
            request_id = request.headers().get(&super::REQUEST_ID).and_then(|id| id.to_str().ok()),
            http.response.status_code = Empty,
            error.type = Empty,
        ))
    }

    pub(super) fn ended(
        self,
        span: &Span,
        result: &Result<http::Response<Bytes>, Error>,
        on_attempt: Option<&super::OnAttempt>,
    ) {
        let duration = self.started.elapsed();
        let (status, error_type) = match result {
            Ok(answer) => (Some(answer.status().as_u16()), None),
            Err(error) => (error.status().map(|status| status.as_u16()), Some(error.error_type())),
        };
        span.record("http.response.status_code", status);
        span.record("error.type", error_type.as_deref());
        span.in_scope(|| {
            let (operation, duration_ms) = (self.operation.id, super::millis(duration));
            tracing::debug!(
                operation,
                attempt = self.resend_count + 1,
                status,
                error.type = error_type.as_deref(),
                duration_ms,
                "attempt ended"
            );
        });
        if let Some(OnAttempt(tell)) = on_attempt {
            tell(&Attempt {
                operation: self.operation.id,
                path: self.operation.path,
                method: self.operation.method,
                server_address: &self.server.address,
                server_port: self.server.port,
                status,
                resend_count: self.resend_count,
                error_type: error_type.as_deref(),
                duration,
            });
        }
    }
}
