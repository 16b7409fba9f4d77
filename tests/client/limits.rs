//! Limits that the client sets itself, deadlines and cancellation, on a clock that the test moves.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use piaxis::{
    Client, ClientBuilder, Environment, ErrorKind, Outcome, PaymentMethod, RetryPolicy, types::PaymentCreate,
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{
    clock::Clock,
    server::{NeverResolved, Response, Server},
};

const SECOND: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);

fn good() -> Response {
    Response::json(200, r#"{"id":"pay-1","status":"pending","amount":"15000","currency":"UGX"}"#)
}

/// Nothing times out while the clock moves, unless the test says so.
fn patient(server: &Server) -> ClientBuilder {
    server.builder().api_key("key-1").timeout(SECOND * 1_000_000).deadline(SECOND * 1_000_000)
}

fn order() -> PaymentCreate {
    PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

/// Lets everything happen that needs no time.
async fn settle() {
    let real = std::time::Instant::now();
    while real.elapsed() < Duration::from_millis(30) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn no_minute_has_more_requests_than_allowed_and_the_others_wait_in_order() {
    let server = Server::start(good()).await;
    let client = patient(&server).requests_per_minute(20).build().unwrap();
    let clock = Clock::stop();
    let done = Arc::new(Mutex::new(Vec::new()));
    for number in 0..41 {
        let (client, done) = (client.clone(), done.clone());
        tokio::spawn(async move {
            client.payments().get(format!("pay-{number}")).await.unwrap();
            done.lock().unwrap().push(number);
        });
        // Each is in the queue before the next one is sent.
        tokio::task::yield_now().await;
    }
    let mut times = Vec::new();
    while times.len() < 41 {
        clock.run_until(STEP, || done.lock().unwrap().len() > times.len()).await;
        let now = done.lock().unwrap().len();
        (times.len()..now).for_each(|_| times.push(clock.elapsed()));
    }
    assert_eq!(*done.lock().unwrap(), (0..41).collect::<Vec<_>>(), "out of order");
    for (at, time) in times.iter().enumerate() {
        let within = times[at..].iter().filter(|other| **other < *time + SECOND * 60).count();
        assert!(within <= 21, "{within} in the minute from {time:?}");
    }
    assert!(times[40] >= SECOND * 119 && times[40] <= SECOND * 130, "{:?}", times[40]);
}

#[tokio::test]
async fn no_more_requests_at_a_time_than_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/api", listener.local_addr().unwrap());
    let (now, most, served) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = (now.clone(), most.clone(), served.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (now, most, served) = counted.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    for _ in 0..20 {
                        tokio::task::yield_now().await;
                    }
                    now.fetch_sub(1, Ordering::SeqCst);
                    served.fetch_add(1, Ordering::SeqCst);
                    let body = r#"{"id":"pay-1","status":"pending","amount":"1","currency":"UGX"}"#;
                    let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    stream.write_all(response.as_bytes()).await.unwrap();
                }
            });
        }
    });
    let builder = Client::builder().environment(Environment::Custom(base)).api_key("key-1");
    let client = builder.concurrency(3).build().unwrap();
    let requests: Vec<_> = (0..60)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.payments().get("pay-1").await.map(drop) })
        })
        .collect();
    for request in requests {
        request.await.unwrap().unwrap();
    }
    assert_eq!((most.load(Ordering::SeqCst), served.load(Ordering::SeqCst)), (3, 60));
}

#[tokio::test]
async fn a_request_without_a_turn_before_the_deadline_is_not_sent() {
    let server = Server::start(good()).await;
    for builder in [patient(&server).requests_per_minute(1), patient(&server).concurrency(1)] {
        let client = builder.build().unwrap();
        // The first has the turn, and keeps it.
        server.set(Response::Stall(Vec::new()));
        let first = tokio::spawn({
            let client = client.clone();
            async move { client.payments().get("pay-1").await.map(drop) }
        });
        while server.take().is_empty() {
            tokio::task::yield_now().await;
        }
        let error = client.payments().create(order()).deadline(Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome(), error.attempts()),
            (ErrorKind::Timeout, Outcome::NotSent, 0),
            "{error}"
        );
        assert!(error.to_string().contains("waiting for the client's own rate or concurrency limit"), "{error}");
        assert!(server.take().is_empty());
        first.abort();
    }
    let nothing = Client::builder().api_key("key-1").concurrency(0).build().unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn one_deadline_ends_attempts_and_delays_together() {
    let clock = Clock::stop();
    let policy = RetryPolicy::default().max_retries(1_000).backoff(SECOND, SECOND * 4);
    // Failures that could be repeated for ever, and a response that never arrives.
    for (name, response) in [("503", Response::json(503, "{}")), ("hangs", Response::Stall(Vec::new()))] {
        let server = Server::start(response).await;
        let client = patient(&server).timeout(SECOND * 5).retry_policy(policy.clone()).build().unwrap();
        let begin = clock.elapsed();
        let request =
            tokio::spawn(async move { client.payments().get("pay-1").deadline(SECOND * 30).await.unwrap_err() });
        clock.run_until(STEP, || request.is_finished()).await;
        let error = request.await.unwrap();
        let taken = clock.elapsed() - begin;
        assert!(taken >= SECOND * 20 && taken <= SECOND * 31, "{name}: {taken:?}");
        assert!(error.attempts() > 3, "{name}: {error}");
        assert_eq!(error.attempts() as usize, error.request_ids().len(), "{name}");
    }
    // A `Retry-After` that would outlast the deadline is not waited for.
    let response = Response::new(503, &[("retry-after", "25")], "{}");
    let server = Server::start(response).await;
    let client = patient(&server).retry_policy(policy).build().unwrap();
    let error = client.payments().get("pay-1").deadline(SECOND * 20).await.unwrap_err();
    assert_eq!((error.attempts(), error.retry_after()), (1, Some(SECOND * 25)));
}

#[tokio::test]
async fn retry_after_is_waited_for_and_beyond_the_limit_the_request_fails_at_once() {
    let clock = Clock::stop();
    let date = |seconds: i64, format: &str| {
        let at =
            chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()) + chrono::TimeDelta::seconds(seconds);
        at.format(format).to_string()
    };
    const IMF: &str = "%a, %d %b %Y %H:%M:%S GMT";
    // The header (a text, or a date so many seconds from now), the number of attempts, and the least and most seconds.
    type RetryAfter = Result<&'static str, (i64, &'static str)>;
    let cases: [(RetryAfter, u32, u32, u32); 11] = [
        (Ok("7"), 2, 7, 8),
        (Ok("30"), 2, 30, 31),
        (Ok("31"), 1, 0, 0),
        (Ok("100000"), 1, 0, 0),
        (Ok("99999999999999999999999999"), 1, 0, 0),
        (Err((20, IMF)), 2, 17, 21),
        (Err((20, "%A, %d-%b-%y %H:%M:%S GMT")), 2, 17, 21),
        (Err((20, "%a %b %e %H:%M:%S %Y")), 2, 17, 21),
        (Err((-50, IMF)), 2, 0, 1),
        (Err((3600, IMF)), 1, 0, 0),
        (Ok("soon"), 2, 0, 1),
    ];
    for (retry_after, attempts, least, most) in cases {
        let retry_after = retry_after.map_or_else(|(seconds, format)| date(seconds, format), str::to_owned);
        let server = Server::start(Response::new(429, &[("retry-after", &retry_after)], "{}")).await;
        let policy = RetryPolicy::default().max_retries(1).backoff(SECOND, SECOND);
        let client = patient(&server).retry_policy(policy).build().unwrap();
        let begin = clock.elapsed();
        let request = tokio::spawn(async move { client.payments().create(order()).await.unwrap_err() });
        clock.run_until(STEP, || request.is_finished()).await;
        let (error, taken) = (request.await.unwrap(), clock.elapsed() - begin);
        assert_eq!((error.attempts(), error.outcome()), (attempts, Outcome::NotSent), "{retry_after}");
        assert!(taken >= SECOND * least && taken <= SECOND * most + STEP * 3, "{retry_after}: {taken:?}");
        assert_eq!(error.retry_after().is_some(), retry_after != "soon", "{retry_after}");
    }
}

#[tokio::test]
async fn a_default_request_ends_after_its_default_deadline() {
    let clock = Clock::stop();
    let server = Server::start(Response::json(503, "{}")).await;
    let policy = RetryPolicy::default().max_retries(1_000_000).backoff(SECOND, SECOND);
    let client = server.builder().api_key("key-1").retry_policy(policy).build().unwrap();
    let request = tokio::spawn(async move { client.payments().get("pay-1").await.unwrap_err() });
    clock.run_until(STEP, || request.is_finished()).await;
    let elapsed = clock.elapsed();
    assert!(elapsed >= SECOND * 80 && elapsed <= SECOND * 91, "{elapsed:?}");
}

#[tokio::test]
async fn after_the_deadline_nothing_is_sent() {
    let server = Server::start(good()).await;
    let client = server.builder().api_key("key-1").build().unwrap();
    // Now there is a connection that could be used at once.
    client.payments().get("pay-1").await.unwrap();
    server.take();
    let nothing = || [Some(Duration::ZERO), None];
    for (deadline, timeout) in nothing().into_iter().zip(nothing().into_iter().rev()) {
        let mut request = client.payments().create(order());
        if let Some(deadline) = deadline {
            request = request.deadline(deadline);
        }
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        let error = request.await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::NotSent), "{error}");
        assert_eq!(error.attempts(), 0, "{error}");
    }
    settle().await;
    assert!(server.take().is_empty());
}

#[tokio::test]
async fn a_timeout_before_there_is_a_connection_is_not_sent() {
    let builder = || {
        Client::builder()
            .environment(Environment::Custom("http://localhost/api".to_owned()))
            .api_key("key-1")
            .retry_policy(RetryPolicy::none())
            .configure_http(|http| http.dns_resolver(Arc::new(NeverResolved)))
    };
    const SHORT: Duration = Duration::from_millis(30);
    let short = builder().timeout(SHORT).build().unwrap();
    let connect = builder().connect_timeout(SHORT).build().unwrap();
    let long = builder().build().unwrap();
    let requests = [
        short.payments().create(order()),
        connect.payments().create(order()),
        long.payments().create(order()).timeout(SHORT),
        long.payments().create(order()).deadline(SHORT),
    ];
    for request in requests {
        let error = request.await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::NotSent), "{error}");
        assert_eq!(error.attempts(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_dropped_request_stops_at_once() {
    let clock = Clock::stop();
    let server = Server::start(Response::json(503, "{}")).await;
    let policy = RetryPolicy::default().max_retries(100).backoff(SECOND * 10, SECOND * 10);
    let client = patient(&server).retry_policy(policy).build().unwrap();
    let request = tokio::spawn(async move { client.payments().get("pay-1").await.map(drop) });
    clock.until("the first attempt", || !server.take().is_empty()).await;
    request.abort();
    clock.until("the end", || request.is_finished()).await;
    tokio::time::advance(SECOND * 1_000).await;
    settle().await;
    assert!(server.take().is_empty(), "it was sent again");
}

#[tokio::test]
async fn the_length_of_a_response_is_limited() {
    let server = Server::start(Response::json(200, format!(r#"{{"id":"{}"}}"#, "x".repeat(10_000)))).await;
    let client = server.builder().api_key("key-1").body_limit(5_000).build().unwrap();
    let error = client.payments().create(order()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Decode, Outcome::Unknown));
    assert!(error.to_string().contains("longer than 5000 bytes"), "{error}");
    let client = server.builder().api_key("key-1").body_limit(20_000).build().unwrap();
    assert!(!client.payments().get("pay-1").await.unwrap_err().to_string().contains("longer"));
}

#[tokio::test]
async fn every_attempt_is_reported_with_the_fields_of_metrics() {
    let server = Server::start(Response::json(503, "{}")).await;
    let reported: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = reported.clone();
    let client = server
        .builder()
        .api_key("key-1")
        .retry_policy(RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO))
        .on_attempt(move |attempt| {
            let line = format!(
                "{} {} {} {} {} {:?} {:?}",
                attempt.operation,
                attempt.method,
                attempt.path,
                attempt.server_address,
                attempt.resend_count,
                attempt.status,
                attempt.error_type
            );
            kept.lock().unwrap().push(line);
        })
        .build()
        .unwrap();
    client.payments().get("pay-1").await.unwrap_err();
    let line =
        |resend: u32| format!("payments_get GET /payments/{{payment_id}} 127.0.0.1 {resend} Some(503) Some(\"503\")");
    assert_eq!(*reported.lock().unwrap(), [line(0), line(1), line(2)]);
    server.set(good());
    client.payments().get("pay-1").await.unwrap();
    assert!(reported.lock().unwrap().last().unwrap().ends_with("0 Some(200) None"));
}

#[tokio::test]
async fn headers_of_an_attempt_are_asked_for_with_each() {
    let server = Server::start(Response::json(503, "{}")).await;
    let retries = RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO);
    let attempts = AtomicUsize::new(0);
    let builder = server.builder().api_key("key-1").retry_policy(retries).attempt_headers(move |headers| {
        assert!(headers.is_empty());
        let attempt = attempts.fetch_add(1, Ordering::Relaxed);
        headers.insert("traceparent", HeaderValue::from(attempt));
    });
    let client = builder.build().unwrap();
    client.payments().get("pay-1").header("x-tenant", "north").header("traceparent", "mine").await.unwrap_err();
    let sent = server.take();
    let values = |name: &str| sent.iter().map(|request| request.header(name).unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(values("traceparent"), ["0", "1", "2"]);
    assert_eq!(values("x-tenant"), ["north"; 3]);

    for name in [
        "api-key",
        "authorization",
        "x-piaxis-client-id",
        "x-idempotency-key",
        "x-request-id",
        "x-piaxis-sdk-client",
        "host",
        "content-length",
    ] {
        let header = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let add = move |headers: &mut HeaderMap| drop(headers.insert(&header, HeaderValue::from_static("other")));
        let builder = server.builder().api_key("key-1").attempt_headers(add);
        let client = builder.on_attempt(|attempt| panic!("there was none: {attempt:?}")).build().unwrap();
        let error = client.payments().create(order()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidRequest, Outcome::NotSent), "{name}");
        assert_eq!((error.attempts(), error.request_id()), (0, None), "{name}");
        assert!(error.to_string().contains(&format!("ClientBuilder::attempt_headers: the header `{name}`")), "{error}");
    }
    assert_eq!(server.take().len(), 0);
}

#[tokio::test]
async fn headers_rejected_in_a_later_attempt_keep_the_outcome_and_the_id_of_the_earlier_one() {
    let server = Server::start(Response::json(500, "{}")).await;
    let policy = RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO).retry_writes_with_idempotency_key();
    let (asked, reported) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let counted = reported.clone();
    let builder = server.builder().api_key("key-1").retry_policy(policy).attempt_headers(move |headers| {
        if asked.fetch_add(1, Ordering::Relaxed) == 1 {
            headers.insert("host", HeaderValue::from_static("other"));
        }
    });
    let client = builder.on_attempt(move |_| _ = counted.fetch_add(1, Ordering::Relaxed)).build().unwrap();
    let error = client.payments().create(order()).await.unwrap_err();
    let sent = server.take();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidRequest, Outcome::Unknown), "{error}");
    assert_eq!((error.attempts(), sent.len(), reported.load(Ordering::Relaxed)), (1, 1, 1), "{error}");
    assert_eq!(error.request_id(), sent[0].header("x-request-id"), "{error}");
}

#[tokio::test]
async fn values_of_the_callers_headers_are_redacted_where_the_server_repeats_them() {
    let body = r#"{"detail":"bad token s3cret-of-a-gateway or dXNlcjpwYXNzd29yZA== of tenant-north, see trace-77"}"#;
    let server = Server::start(Response::json(422, body)).await;
    let add = |headers: &mut HeaderMap| {
        headers.insert("x-gateway-token", HeaderValue::from_static("s3cret-of-a-gateway"));
        headers.append("x-gateway-basic", HeaderValue::from_static("Basic dXNlcjpwYXNzd29yZA=="));
    };
    let client = server.builder().api_key("key-1").attempt_headers(add).build().unwrap();
    let request = client.payments().create(order()).header("x-tenant", "tenant-north").request_id("trace-77");
    let error = request.await.unwrap_err();
    let shown = format!("{error} {error:?}");
    for secret in ["s3cret-of-a-gateway", "dXNlcjpwYXNzd29yZA==", "tenant-north"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(error.to_string().contains("trace-77"), "{error}");
}
