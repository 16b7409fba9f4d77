//! OpenTelemetry: one trace of the caller, each attempt, and the server, and a histogram of the attempts.
//!
//! `cargo run -p piaxis-recipes --bin telemetry` prints both for a payment on the emulator, whose first attempt fails. A program
//! of yours has the exporters of `opentelemetry-otlp` in place of those in memory.

use std::error::Error;

use opentelemetry::{
    KeyValue, TraceId,
    metrics::MeterProvider as _,
    propagation::TextMapPropagator as _,
    trace::{Span as _, SpanKind, Tracer as _, TracerProvider as _},
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::{
    metrics::{InMemoryMetricExporter, SdkMeterProvider},
    propagation::TraceContextPropagator,
    trace::{InMemorySpanExporter, SdkTracerProvider, SpanData},
};
use piaxis::{
    Attempt, PaymentMethod,
    types::{PaymentCreate, UserInfo},
};
use piaxis_emulator::{Emulator, Fault, RecordedRequest, When};
use reqwest::header::HeaderMap;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer as _, filter::filter_fn, layer::SubscriberExt as _};

/// Sends the trace with an attempt, as the header `traceparent` (W3C). It is called in the span of the attempt, which so
/// becomes the parent of the server's span.
fn propagate(headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut HeaderInjector(headers));
}

/// Records an attempt by the conventions for HTTP clients.
fn histogram(meters: &SdkMeterProvider) -> impl Fn(&Attempt<'_>) + use<> {
    // Without these bounds, which the conventions give, everything below 5 seconds is one bucket.
    let bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
    let meter = meters.meter("shop");
    let histogram = meter.f64_histogram("http.client.request.duration").with_unit("s");
    let histogram = histogram.with_boundaries(bounds.to_vec()).build();
    move |attempt| {
        let mut attributes = vec![
            KeyValue::new("http.request.method", attempt.method),
            KeyValue::new("url.template", attempt.path),
            KeyValue::new("server.address", attempt.server_address.to_owned()),
        ];
        attributes.extend(attempt.server_port.map(|port| KeyValue::new("server.port", i64::from(port))));
        attributes.extend(attempt.status.map(|status| KeyValue::new("http.response.status_code", i64::from(status))));
        attributes.extend(attempt.error_type.map(|error| KeyValue::new("error.type", error.to_owned())));
        histogram.record(attempt.duration.as_secs_f64(), &attributes);
    }
}

/// The emulator records requests and makes no spans. This is what a server with OpenTelemetry does for each.
fn serve(traces: &SdkTracerProvider, request: &RecordedRequest) {
    let (parent, tracer) =
        (TraceContextPropagator::new().extract(&HeaderExtractor(&request.headers)), traces.tracer("emulator"));
    let span = tracer.span_builder(request.operation.unwrap_or("unknown")).with_kind(SpanKind::Server);
    let id = request.header("x-request-id").unwrap_or_default().to_owned();
    let span = span.with_start_time(request.at).with_attributes([KeyValue::new("request_id", id)]);
    span.start_with_context(&tracer, &parent).end_with_timestamp(request.at.into());
}

/// Pays with two attempts. Returns the spans, and what was measured.
pub(crate) async fn pay() -> Result<(Vec<SpanData>, InMemoryMetricExporter), Box<dyn Error>> {
    let (spans, metrics) = (InMemorySpanExporter::default(), InMemoryMetricExporter::default());
    let traces = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(traces.tracer("shop"));
    let ours = filter_fn(|about| about.target().starts_with("piaxis") || about.target().ends_with("telemetry"));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer.with_filter(ours)));

    let emulator = Emulator::start().await?;
    emulator.fail_next("payments_create", When::BeforeCommit(Fault::Status(429)));
    let merchant = emulator.default_merchant();
    let builder = emulator.client_builder().api_key(merchant.api_key());
    let client = builder.attempt_headers(propagate).on_attempt(histogram(&meters)).build()?;
    let checkout = async {
        let payer = UserInfo::builder().phone_number("+256772123456").build();
        let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
        client.payments().create(order.user_info(payer).build()).idempotency_key("order-789").await
    };
    checkout.instrument(tracing::info_span!("checkout")).await?;
    emulator.requests().iter().for_each(|request| serve(&traces, request));
    meters.force_flush()?;
    Ok((spans.get_finished_spans()?, metrics))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (spans, metrics) = pay().await?;
    for span in spans {
        let trace: TraceId = span.span_context.trace_id();
        println!("trace {trace}: {} {:?} in {}", span.span_context.span_id(), span.name, span.parent_span_id);
    }
    println!("{:#?}", metrics.get_finished_metrics()?);
    Ok(())
}
