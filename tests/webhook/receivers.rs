//! Receivers: the extractor for axum on a real server, the layer for tower, and `receive` for any other server.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use piaxis::webhook::{
    Delivery, Envelope, EventType, SignatureVersion, SignedHeaders, Signer, Webhook, WebhookError, WebhookLayer,
    WebhookSource, sample,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::{Layer as _, Service as _};

use crate::support::log::{Log, subscribe};

const SECRET: &str = "the endpoint's secret";

struct App {
    webhook: Webhook,
    received: Arc<Mutex<Vec<String>>>,
}

impl WebhookSource for App {
    async fn webhook(&self, _: &http::request::Parts) -> Result<Webhook, WebhookError> {
        Ok(self.webhook.clone())
    }
}

async fn receive(State(app): State<Arc<App>>, delivery: Delivery) -> StatusCode {
    assert_eq!(delivery.verified().version, SignatureVersion::V2);
    let name = delivery.event().ok().and_then(|event| Some(event.event_type()?.as_str().to_owned()));
    app.received.lock().unwrap().push(name.unwrap_or_default());
    StatusCode::OK
}

/// A server on a port of its own, and what it received.
async fn serve(webhook: Webhook) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let app = App { webhook, received: Arc::default() };
    let received = app.received.clone();
    (start(Router::new().route("/piaxis", post(receive)).with_state(Arc::new(app))).await, received)
}

async fn start(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn webhook() -> Webhook {
    Webhook::new(SECRET).unwrap().require_v2()
}

fn body() -> String {
    sample(&EventType::PaymentSucceeded, Envelope::Merchant, "2026-04-14T10:30:00Z".parse().unwrap()).into()
}

fn signed(body: impl AsRef<[u8]>) -> SignedHeaders {
    Signer::new(SECRET).unwrap().sign(body)
}

async fn deliver(address: SocketAddr, headers: SignedHeaders, body: impl Into<reqwest::Body>) -> (u16, String) {
    let client = reqwest::Client::new();
    let mut request = client.post(format!("http://{address}/piaxis")).body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    if status != 200 {
        assert_eq!(response.headers()["content-type"], "application/json");
    }
    (status, response.text().await.unwrap())
}

/// The head of a request with a well-formed signature.
fn head(more: &str) -> String {
    let signed: String = signed(body()).iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("POST /piaxis HTTP/1.1\r\nhost: x\r\n{signed}{more}\r\n")
}

/// The response to the head of a request whose body never arrives.
async fn response_to_head(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut response = vec![0; 4096];
    let length = stream.read(&mut response).await.unwrap();
    String::from_utf8_lossy(&response[..length]).into_owned()
}

/// The code of the reason in a response.
fn code((status, body): (u16, String)) -> (u16, String) {
    assert!(body.len() < 400, "{body}");
    let reason: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(!reason["message"].as_str().unwrap().is_empty());
    (status, reason["error"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn genuine_deliveries_are_accepted_and_others_get_a_response_with_the_reason() {
    let (address, received) = serve(webhook()).await;
    assert_eq!(deliver(address, signed(body()), body()).await, (200, String::new()));
    assert_eq!(*received.lock().unwrap(), ["payment.succeeded"]);

    let of = |status: u16, code: &str| (status, code.to_owned());
    let foreign = Signer::new("another").unwrap();
    assert_eq!(code(deliver(address, foreign.sign(body()), body()).await), of(401, "signature_mismatch"));
    assert_eq!(code(deliver(address, signed(body()).v1_only(), body()).await), of(401, "v2_required"));
    let old = Signer::new(SECRET).unwrap().at(std::time::UNIX_EPOCH).sign(body());
    assert_eq!(code(deliver(address, old, body()).await), of(401, "too_old"));
    let none = reqwest::Client::new().post(format!("http://{address}/piaxis")).body(body()).send().await.unwrap();
    assert_eq!(code((none.status().as_u16(), none.text().await.unwrap())), of(401, "missing_signature"));
    assert_eq!(received.lock().unwrap().len(), 1, "a bad delivery reached the handler");
    // Genuine and unreadable: in the hands of the handler.
    assert_eq!(deliver(address, signed("{"), "{").await.0, 200);
    assert_eq!(received.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn bodies_up_to_the_limit_are_read_and_longer_ones_are_not() {
    let (address, received) = serve(webhook().body_limit(10_000)).await;
    let padded = |length: usize| {
        let frame = r#"{"event":"payment.succeeded","pad":""}"#.len();
        format!(r#"{{"event":"payment.succeeded","pad":"{}"}}"#, "x".repeat(length - frame))
    };
    let (fits, longer) = (padded(10_000), padded(10_001));
    assert_eq!(deliver(address, signed(&fits), fits).await.0, 200);
    assert_eq!(code(deliver(address, signed(&longer), longer.clone()).await), (413, "body_too_large".into()));

    // Without a length, chunk by chunk, for ever: it stops at the limit.
    let chunk = "2710\r\n".to_owned() + &"x".repeat(10_000) + "\r\n";
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head("transfer-encoding: chunked\r\n").as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let endless = tokio::spawn(async move { while write.write_all(chunk.as_bytes()).await.is_ok() {} });
    let mut response = vec![0; 1024];
    let length = read.read(&mut response).await.unwrap();
    assert!(response[..length].starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&response[..length]));
    endless.abort();
    assert_eq!(received.lock().unwrap().len(), 1);

    // 1 MiB when nothing else is said.
    let (address, _) = serve(webhook()).await;
    let (fits, longer) = (padded(1024 * 1024), padded(1024 * 1024 + 1));
    assert_eq!(deliver(address, signed(&fits), fits).await.0, 200);
    assert_eq!(code(deliver(address, signed(&longer), longer).await).0, 413);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_times_out() {
    let (address, received) = serve(webhook().body_timeout(Duration::from_millis(50))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all((head("content-length: 100\r\n") + "{").as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 408") && response.contains("body_too_slow"), "{response}");

    // A body that breaks off is not waited for either, and no handler gets it.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all((head("content-length: 100\r\n") + "{").as_bytes()).await.unwrap();
    drop(stream);
    // The server still serves.
    assert_eq!(deliver(address, signed(body()), body()).await.0, 200);
    assert_eq!(received.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_hundred_deliveries_at_once() {
    let (address, received) = serve(webhook()).await;
    let deliveries: Vec<_> = (0..500)
        .map(|number| {
            tokio::spawn(async move {
                let event = EventType::from(format!("payment.number_{number}"));
                let body = String::from(sample(&event, Envelope::Merchant, "2026-04-14T10:30:00Z".parse().unwrap()));
                // Every fifth is forged.
                let is_forged = number % 5 == 0;
                let headers = if is_forged { Signer::new("forged").unwrap().sign(&body) } else { signed(&body) };
                let (status, _) = deliver(address, headers, body).await;
                assert_eq!(status, if is_forged { 401 } else { 200 });
            })
        })
        .collect();
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    let mut received = received.lock().unwrap().clone();
    received.sort();
    received.dedup();
    assert_eq!(received.len(), 400);
}

#[tokio::test]
async fn headers_and_lengths_are_rejected_before_the_body() {
    // None of these bodies arrives, and no time limit ends the wait.
    let (address, received) = serve(webhook().body_timeout(Duration::from_secs(600))).await;
    let unsigned = "POST /piaxis HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n";
    let v1: String = signed(body()).v1_only().iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let v1_only = format!("POST /piaxis HTTP/1.1\r\nhost: x\r\n{v1}content-length: 100\r\n\r\n");
    for (head, status, code) in [
        (unsigned.to_owned(), 401, "missing_signature"),
        (v1_only, 401, "v2_required"),
        (head("content-length: 1000000000000\r\n"), 413, "body_too_large"),
        (head("content-length: 1048577\r\n"), 413, "body_too_large"),
        (head("content-length: 100\r\ncontent-encoding: gzip\r\n"), 415, "unsupported_encoding"),
    ] {
        let response = response_to_head(address, &head).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")) && response.contains(code), "{head}\n{response}");
    }
    assert!(received.lock().unwrap().is_empty());
    // Not compressed, in as many words.
    let plain =
        format!("{}{}", head(&format!("content-encoding: identity\r\ncontent-length: {}\r\n", body().len())), body());
    assert!(response_to_head(address, &plain).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_stricter_limit_of_the_router_counts() {
    for (limit, status) in [(10, 413), (1_000_000, 200)] {
        let router: Router = Router::new().route("/piaxis", post(|_: Delivery| async {})).with_state(webhook());
        let address = start(router.layer(axum::extract::DefaultBodyLimit::max(limit))).await;
        assert_eq!(deliver(address, signed(body()), body()).await.0, status, "{limit}");
    }
}

#[tokio::test]
async fn tenants_have_secrets_of_their_own_on_one_route() {
    #[derive(Clone)]
    struct Tenants;

    impl WebhookSource for Tenants {
        async fn webhook(&self, request: &http::request::Parts) -> Result<Webhook, WebhookError> {
            match request.uri.query() {
                Some("down") => Err(WebhookError::SecretUnavailable),
                Some(tenant) => Webhook::new(format!("secret of {tenant}")),
                None => Err(WebhookError::UnknownEndpoint),
            }
        }
    }

    let address = start(Router::new().route("/piaxis", post(|_: Delivery| async {})).with_state(Tenants)).await;
    for (query, secret, expected) in [
        ("?a", "secret of a", None),
        ("?b", "secret of b", None),
        ("?b", "secret of a", Some((401, "signature_mismatch"))),
        ("", "secret of a", Some((404, "unknown_endpoint"))),
        ("?down", "secret of a", Some((503, "secret_unavailable"))),
    ] {
        let mut request = reqwest::Client::new().post(format!("http://{address}/piaxis{query}")).body(body());
        for (name, value) in Signer::new(secret).unwrap().sign(body()) {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        match expected {
            None => assert_eq!(status, 200, "{query}"),
            Some((expected, reason)) => {
                assert_eq!(code((status, response.text().await.unwrap())), (expected, reason.to_owned()), "{query}");
            }
        }
    }
}

#[test]
fn no_timer_of_the_runtime_is_needed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let (address, _) = serve(webhook().body_timeout(Duration::from_millis(50))).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all((head("content-length: 100\r\n") + "{").as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    });
}

#[tokio::test]
async fn the_layer_passes_on_genuine_deliveries() {
    let inner = tower::service_fn(|request: http::Request<Full<Bytes>>| async move {
        let delivery = request.extensions().get::<Delivery>().unwrap().clone();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(delivery.body(), body);
        Ok::<_, Infallible>(http::Response::new(String::from_utf8(body.to_vec()).unwrap()))
    });
    let mut service = WebhookLayer::new(webhook()).layer(inner);
    let mut respond = async |headers: SignedHeaders, body: String| {
        let mut request = http::Request::post("/").body(Full::<Bytes>::from(body)).unwrap();
        *request.headers_mut() = headers.into();
        let response = service.call(request).await.unwrap();
        (response.status().as_u16(), response.into_body())
    };
    assert_eq!(respond(signed(body()), body()).await, (200, body()));
    assert_eq!(code(respond(signed("other"), body()).await), (401, "signature_mismatch".to_owned()));
}

#[tokio::test]
async fn rejections_are_logged_without_the_content() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_writer(move || writer.clone()).without_time().with_ansi(false).finish();
    let guard = subscribe(subscriber);
    let (address, _) = serve(webhook()).await;
    deliver(address, signed("other"), "a body with +256700000000".to_owned()).await;
    drop(guard);
    let log = log.text();
    assert!(log.contains("signature_mismatch") && log.contains("401"), "{log}");
    assert!(!log.contains("256700000000") && !log.contains(SECRET), "{log}");
}

#[test]
fn any_other_server_gets_a_delivery_or_a_response() {
    let webhook = webhook().body_limit(1_000);
    let request = |headers: SignedHeaders, body: String| {
        let mut request = http::Request::post("/piaxis").body(body).unwrap();
        *request.headers_mut() = headers.into();
        request.into_parts()
    };
    let (parts, good) = request(signed(body()), body());
    assert_eq!(
        webhook.receive(good, &parts.headers).unwrap().event().unwrap().event_type(),
        Some(&EventType::PaymentSucceeded)
    );

    let long = "x".repeat(1_001);
    for (headers, body, status, code) in
        [(signed("other"), body(), 401, "signature_mismatch"), (signed(&long), long.clone(), 413, "body_too_large")]
    {
        let (parts, body) = request(headers, body);
        let rejection = webhook.receive(body, &parts.headers).unwrap_err();
        assert_eq!(rejection.error().code(), code);
        assert_eq!(rejection.to_string(), rejection.error().to_string());
        let response: http::Response<Vec<u8>> = rejection.into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (status, &"application/json".parse().unwrap())
        );
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["error"], code);
    }
}
