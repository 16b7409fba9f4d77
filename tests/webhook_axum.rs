//! Receivers: the extractor for axum on a real server, and `handle` for any other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use piaxis::webhook::{Envelope, EventType, SignatureVersion, SignedHeaders, Signer, VerifiedEvent, Webhook, sample};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const SECRET: &str = "the endpoint's secret";

#[derive(Clone)]
struct App {
    webhook: Webhook,
    received: Arc<Mutex<Vec<String>>>,
}

impl axum::extract::FromRef<App> for Webhook {
    fn from_ref(app: &App) -> Self {
        app.webhook.clone()
    }
}

async fn receive(State(app): State<App>, event: VerifiedEvent) -> StatusCode {
    assert_eq!(event.verified().unwrap().version, SignatureVersion::V2);
    let mut received = app.received.lock().unwrap();
    received.push(event.event_type().map_or("none", EventType::as_str).to_owned());
    StatusCode::OK
}

/// A server on a port of its own, and what it received.
async fn serve(webhook: Webhook) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let app = App { webhook, received: Arc::default() };
    let received = app.received.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/piaxis", post(receive)).with_state(app);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, received)
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
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    if status != 200 {
        assert_eq!(answer.headers()["content-type"], "application/json");
    }
    (status, answer.text().await.unwrap())
}

/// The code of the reason in an answer.
fn code((status, body): (u16, String)) -> (u16, String) {
    assert!(body.len() < 400, "{body}");
    let reason: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(!reason["message"].as_str().unwrap().is_empty());
    (status, reason["error"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn good_deliveries_are_taken_and_bad_ones_are_answered_with_a_reason() {
    let (address, received) = serve(webhook()).await;
    assert_eq!(deliver(address, signed(body()), body()).await, (200, String::new()));
    assert_eq!(*received.lock().unwrap(), ["payment.succeeded"]);

    let of = |status: u16, code: &str| (status, code.to_owned());
    let foreign = Signer::new("another").unwrap();
    assert_eq!(code(deliver(address, foreign.sign(body()), body()).await), of(401, "signature_mismatch"));
    assert_eq!(code(deliver(address, signed(body()).v1_only(), body()).await), of(401, "v2_required"));
    let old = Signer::new(SECRET).unwrap().at(std::time::UNIX_EPOCH).sign(body());
    assert_eq!(code(deliver(address, old, body()).await), of(401, "too_old"));
    assert_eq!(code(deliver(address, signed("{"), "{").await), of(400, "not_an_event"));
    let none = reqwest::Client::new().post(format!("http://{address}/piaxis")).body(body()).send().await.unwrap();
    assert_eq!(code((none.status().as_u16(), none.text().await.unwrap())), of(401, "missing_signature"));
    assert_eq!(received.lock().unwrap().len(), 1, "a bad delivery reached the handler");
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
    let head = "POST /piaxis HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let endless = tokio::spawn(async move { while write.write_all(chunk.as_bytes()).await.is_ok() {} });
    let mut answer = vec![0; 1024];
    let length = read.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer[..length]));
    endless.abort();
    assert_eq!(received.lock().unwrap().len(), 1);

    // 1 MiB when nothing else is said.
    let (address, _) = serve(webhook()).await;
    let (fits, longer) = (padded(1024 * 1024), padded(1024 * 1024 + 1));
    assert_eq!(deliver(address, signed(&fits), fits).await.0, 200);
    assert_eq!(code(deliver(address, signed(&longer), longer).await).0, 413);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let (address, received) = serve(webhook().body_timeout(Duration::from_millis(50))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"POST /piaxis HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body_too_slow"), "{answer}");

    // One that breaks off is not waited for either, and reaches nobody.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"POST /piaxis HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
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

#[test]
fn any_other_server_gets_an_event_or_an_answer() {
    let webhook = webhook().body_limit(1_000);
    let request = |headers: SignedHeaders, body: String| {
        let mut request = http::Request::post("/piaxis").body(body).unwrap();
        *request.headers_mut() = headers.into();
        request.into_parts()
    };
    let (parts, good) = request(signed(body()), body());
    assert_eq!(webhook.handle(&parts, good).unwrap().event_type(), Some(&EventType::PaymentSucceeded));

    let long = "x".repeat(1_001);
    for (headers, body, status, code) in [
        (signed("other"), body(), 401, "signature_mismatch"),
        (signed("[]"), "[]".to_owned(), 400, "not_an_event"),
        (signed(&long), long.clone(), 413, "body_too_large"),
    ] {
        let (parts, body) = request(headers, body);
        let rejection = webhook.handle(&parts, body).unwrap_err();
        assert_eq!(rejection.error().code(), code);
        assert_eq!(rejection.to_string(), rejection.error().to_string());
        let answer: http::Response<Vec<u8>> = rejection.into_response();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (status, &"application/json".parse().unwrap())
        );
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["error"], code);
    }
}
