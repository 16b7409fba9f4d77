//! The recipe for OpenTelemetry, run on the emulator.
//!
//! A binary of its own, because `tracing` caches for all threads which spans are enabled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// The part that only the program uses.
#![allow(dead_code)]

mod telemetry;

use opentelemetry::trace::{SpanId, SpanKind};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};

#[tokio::test]
async fn telemetry_is_one_trace_and_a_histogram() {
    let (spans, metrics) = telemetry::pay().await.unwrap();
    let traces: std::collections::HashSet<_> = spans.iter().map(|span| span.span_context.trace_id()).collect();
    assert_eq!(traces.len(), 1, "{spans:#?}");
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let [checkout] = named("checkout")[..] else { panic!("{spans:#?}") };
    let [request] = named("piaxis")[..] else { panic!("{spans:#?}") };
    assert_eq!(checkout.parent_span_id, SpanId::INVALID);
    assert_eq!(request.parent_span_id, checkout.span_context.span_id());
    let (attempts, served) = (named("piaxis_attempt"), named("payments_create"));
    assert_eq!((attempts.len(), served.len()), (2, 2));
    let id = |span: &opentelemetry_sdk::trace::SpanData| {
        let id = span.attributes.iter().find(|attribute| attribute.key.as_str() == "request_id");
        id.map(|attribute| attribute.value.as_str().into_owned()).expect("a span without a request id")
    };
    for (attempt, served) in attempts.into_iter().zip(served) {
        assert_eq!(attempt.span_kind, SpanKind::Client);
        assert_eq!(attempt.parent_span_id, request.span_context.span_id());
        assert_eq!(served.parent_span_id, attempt.span_context.span_id());
        assert_eq!(id(attempt), id(served));
    }

    let metrics = metrics.get_finished_metrics().unwrap();
    let metric = metrics.iter().flat_map(|all| all.scope_metrics()).flat_map(|scope| scope.metrics()).next().unwrap();
    let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else { panic!("{metric:?}") };
    let points: Vec<_> = histogram.data_points().collect();
    assert_eq!(points.iter().map(|point| point.count()).collect::<Vec<_>>(), [1, 1]);
    for point in points {
        // In seconds, and most payments take less than one.
        assert!(point.bounds().filter(|bound| *bound < 1.0).count() > 5, "{point:?}");
        for name in ["http.request.method", "server.address", "server.port", "url.template"] {
            assert!(point.attributes().any(|attribute| attribute.key.as_str() == name), "{name}: {point:?}");
        }
    }
}
