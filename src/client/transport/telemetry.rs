use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{Span, field::Empty};

use super::{Head, Id, Record, Shared, sent::Sent};
use crate::{
    duration::millis,
    error::{Error, Outcome},
};

/// One attempt of a request, after its end: values for counters and histograms, by OpenTelemetry's definitions.
///
/// See [`ClientBuilder::on_attempt`](crate::ClientBuilder::on_attempt) and
/// [`Request::on_attempt`](crate::Request::on_attempt).
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
    /// `http.response.status_code`, when there was a response.
    pub status: Option<u16>,
    /// `http.request.resend_count`: 0 for the first attempt.
    pub resend_count: u32,
    /// `error.type`, when the attempt failed: the status, or `connection`, `timeout`, … `cancelled` when the caller dropped
    /// the request while the attempt was under way.
    pub error_type: Option<&'a str>,
    /// Outcome of the request so far, over all its attempts; `None` after a success.
    pub outcome: Option<Outcome>,
    /// The idempotency key that the attempt carried.
    pub idempotency_key: Option<&'a str>,
    /// The request id that the attempt carried.
    pub request_id: Option<&'a str>,
    /// Duration, without waiting for a turn: `http.client.request.duration`.
    pub duration: Duration,
}

/// Is called with every attempt.
#[derive(Clone)]
pub(crate) struct OnAttempt(pub(crate) Arc<dyn Fn(&Attempt<'_>) + Send + Sync>);

impl fmt::Debug for OnAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnAttempt").finish_non_exhaustive()
    }
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

/// A disabled span would still write to `log` with every poll, where `tracing` serves that too.
pub(crate) fn enabled(span: Span) -> Span {
    if span.is_disabled() { Span::none() } else { span }
}

/// Watches one attempt, and reports it when it ends, also when the caller drops it. It sees no bodies.
pub(super) struct Observer<'a> {
    shared: &'a Shared,
    on_attempt: Option<&'a OnAttempt>,
    record: &'a Record,
    sent: Sent,
    span: Span,
    started: Instant,
    is_reported: bool,
}

impl<'a> Observer<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        on_attempt: Option<&'a OnAttempt>,
        record: &'a Record,
        sent: Sent,
        started: Instant,
    ) -> Self {
        let operation = record.operation;
        let span = enabled(tracing::debug_span!(
            "piaxis_attempt",
            otel.kind = "client",
            operation = operation.id,
            http.request.method = operation.method,
            http.request.resend_count = record.attempts.saturating_sub(1),
            url.template = operation.path,
            server.address = shared.server.address,
            server.port = shared.server.port,
            request_id = record.request_id(),
            http.response.status_code = Empty,
            error.type = Empty,
        ));
        Self { shared, on_attempt, record, sent, span, started, is_reported: false }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    pub(super) fn ended(mut self, result: &Result<Head, Error>) {
        match result {
            Ok(head) => self.report(Some(head.status.as_u16()), None, None),
            Err(error) => {
                let outcome = self.so_far(error.outcome());
                self.report(error.status().map(|status| status.as_u16()), Some(&error.error_type()), Some(outcome));
            }
        }
    }

    /// Ends without a report: there was no attempt.
    pub(super) fn not_sent(mut self, error: &Error) {
        self.is_reported = true;
        self.span.record("error.type", error.error_type());
    }

    /// The outcome of all attempts: an attempt that may have been executed is not undone by a later one.
    fn so_far(&self, outcome: Outcome) -> Outcome {
        if self.record.may_have_been_executed { Outcome::Unknown } else { outcome }
    }

    fn report(&mut self, status: Option<u16>, error_type: Option<&str>, outcome: Option<Outcome>) {
        self.is_reported = true;
        let record = self.record;
        self.span.record("http.response.status_code", status);
        self.span.record("error.type", error_type);
        self.span.in_scope(|| {
            // The fields are not computed without a subscriber.
            tracing::debug!(
                operation = record.operation.id,
                attempt = record.attempts,
                status,
                error.type = error_type,
                outcome = outcome.map(Outcome::as_str),
                duration_ms = millis(self.started.elapsed()),
                "attempt ended"
            );
        });
        let hooks = [self.shared.on_attempt.as_ref(), self.on_attempt];
        if hooks.iter().all(Option::is_none) {
            return;
        }
        let key = record.key.as_ref().and_then(Id::text);
        let request_id = record.request_id();
        let attempt = Attempt {
            operation: record.operation.id,
            path: record.operation.path,
            method: record.operation.method,
            server_address: &self.shared.server.address,
            server_port: self.shared.server.port,
            status,
            resend_count: record.attempts.saturating_sub(1),
            error_type,
            outcome,
            idempotency_key: key.as_deref(),
            request_id: request_id.as_deref(),
            duration: self.started.elapsed(),
        };
        for OnAttempt(report) in hooks.into_iter().flatten() {
            report(&attempt);
        }
    }
}

impl Drop for Observer<'_> {
    /// The caller dropped the request while the attempt was under way.
    fn drop(&mut self) {
        if !self.is_reported {
            let write = if self.sent.is_set().unwrap_or(true) { Outcome::Unknown } else { Outcome::NotSent };
            let outcome = if self.record.operation.idempotent { Outcome::ReadFailed } else { self.so_far(write) };
            self.report(None, Some("cancelled"), Some(outcome));
        }
    }
}
