//! Spans: their names and fields are OpenTelemetry's, and each subscriber gets those that it enables.
//!
//! A binary of its own, because `tracing` caches for all threads which spans are enabled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod lists;
    pub(crate) mod log;
    pub(crate) mod server;
}

use std::time::Duration;

use futures_util::StreamExt as _;
use piaxis::{RetryPolicy, types::PaymentFilter};
use tokio::sync::Mutex;
use tracing::Instrument as _;
use tracing_subscriber::{Layer, filter::filter_fn, fmt::format::FmtSpan, layer::SubscriberExt as _};

use crate::support::{
    lists,
    log::Log,
    server::{Response, Server},
};

/// `tracing` caches who listens for all threads, and tests that change that at once lose spans.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The log of a request with two attempts, for subscribers that enable only a part.
async fn logged(accepts: impl Fn(&tracing::Metadata<'_>) -> bool + Send + Sync + 'static) -> String {
    let _turn = ONE_AT_A_TIME.lock().await;
    let server = Server::start(Response::json(503, "{}")).await;
    let policy = RetryPolicy::default().max_retries(1).backoff(Duration::ZERO, Duration::ZERO);
    let client = server.builder().api_key("key-1").retry_policy(policy).build().unwrap();
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer()
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .with_filter(filter_fn(accepts));
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    client.payments().get("pay-1").request_id("trace-17").await.unwrap_err();
    drop(guard);
    log.text()
}

#[tokio::test]
async fn each_attempt_is_a_span_with_the_names_of_opentelemetry() {
    let lines = logged(|about| about.is_span()).await;
    for (name, times) in [
        ("piaxis_attempt{", 2),
        ("http.request.method=\"GET\"", 2),
        ("http.request.resend_count=0", 1),
        ("http.request.resend_count=1", 1),
        ("url.template=\"/payments/{payment_id}\"", 2),
        ("server.address=\"127.0.0.1\"", 2),
        ("http.response.status_code=503", 2),
        ("error.type=\"503\"", 2),
        ("request_id=\"trace-17\"", 2),
        ("piaxis{operation=\"payments_get\"}", 3),
    ] {
        assert_eq!(lines.matches(name).count(), times, "{name}\n{lines}");
    }
}

#[tokio::test]
async fn a_span_is_enabled_by_its_name_or_its_target_alone() {
    let by_name = logged(|about| about.name() == "piaxis_attempt").await;
    assert_eq!(by_name.matches("piaxis_attempt{").count(), 2, "{by_name}");
    assert!(!by_name.contains("piaxis{"), "{by_name}");
    let by_target = logged(|about| about.target() == "piaxis::client::request").await;
    assert!(by_target.contains("piaxis{operation") && !by_target.contains("piaxis_attempt"), "{by_target}");
}

#[tokio::test]
async fn pages_are_fetched_in_the_span_of_the_caller() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let all: Vec<usize> = (0..55).collect();
    let server = lists::Server::start(move |_, query| Ok(lists::page_of(&all, query))).await;
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer()
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .with_filter(filter_fn(|about| about.is_span()));
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let read = server.client().payments().stream(PaymentFilter::builder().build()).page_size(10).count();
    assert_eq!(read.instrument(tracing::info_span!("report")).await, 55);
    drop(guard);
    let text = log.text();
    let attempts: Vec<&str> = text.lines().filter(|line| line.contains("piaxis_attempt{")).collect();
    let inside = attempts.iter().filter(|line| line.contains("report:piaxis{")).count();
    assert_eq!((attempts.len(), inside), (6, 6), "{text}");
}
