//! What the emulator costs: beside a bare axum handler in the same run, and with many payments.
//!
//! ```text
//! cargo bench -p piaxis-emulator
//! PIAXIS_BENCH_PAYMENTS=1000000 cargo bench -p piaxis-emulator
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    env, fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    routing::{get, post},
};
use piaxis::Credential;
use piaxis_emulator::Emulator;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const CREATE: &str =
    r#"{"amount":"15000","currency":"UGX","payment_method":"mtn","user_info":{"phone_number":"+256700000000"}}"#;
/// Connections that send at the same time.
const CONNECTIONS: usize = 16;
/// How long each measurement takes.
const DURATION: Duration = Duration::from_secs(3);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let begun = Instant::now();
        let emulator = Emulator::builder().start().await.unwrap();
        let started = begun.elapsed();
        let address: SocketAddr = emulator.base_url()["http://".len()..].split('/').next().unwrap().parse().unwrap();
        let merchant = emulator.default_merchant();
        let head = format!(
            "host: {address}\r\n{}: {}\r\n{}: {}\r\n",
            Credential::ApiKey.header(),
            merchant.api_key().expose(),
            Credential::ClientId.header(),
            merchant.client_id(),
        );
        let first =
            Target { address, head: head.clone(), method: "POST", path: "/api/payments/create".into(), body: CREATE };
        let created = first.json().await;
        let id = created["payment_id"].as_str().unwrap().to_owned();
        println!("start {started:?}, start and first request {:?}", begun.elapsed());

        let get = format!("/api/payments/{id}");
        let found = Target { method: "GET", path: get.clone(), body: "", ..first.clone() }.json().await;
        let bare = bare(created, found).await;
        let plain = |method, path: &str, body| Target {
            address: bare,
            head: format!("host: {bare}\r\n"),
            method,
            path: path.into(),
            body,
        };
        let ours = |method, path: &str, body| Target { address, head: head.clone(), method, path: path.into(), body };
        for (name, method, path, body) in
            [("create", "POST", "/api/payments/create", CREATE), ("get", "GET", get.as_str(), "")]
        {
            let (mut axum, mut emulated) = (Vec::new(), Vec::new());
            // By turns, so that a disturbance of the machine meets both.
            for _ in 0..3 {
                axum.push(plain(method, path, body).throughput().await);
                emulated.push(ours(method, path, body).throughput().await);
            }
            let (axum, emulated) = (median(axum), median(emulated));
            println!("{name}: axum {axum:.0}/s, emulator {emulated:.0}/s, ratio {:.2}", emulated / axum);
        }

        let count: u64 = env::var("PIAXIS_BENCH_PAYMENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(200_000);
        let before = (emulator_total(&ours).await, memory());
        let begun = Instant::now();
        ours("POST", "/api/payments/create", CREATE).send(count).await;
        let held = emulator_total(&ours).await;
        let bytes = memory().saturating_sub(before.1) / (held - before.0);
        println!("{held} payments in {:?}, about {bytes} bytes each", begun.elapsed());
        for (name, query) in [
            ("first page", "limit=50"),
            ("deep page", &*format!("limit=50&offset={}", held / 2)),
            ("filter by status", "status=completed&limit=50"),
            ("filter without matches", "status=failed&limit=50"),
            ("filter by status and time", "status=completed&from_date=2020-01-01T00:00:00Z&limit=50"),
        ] {
            let target = ours("GET", &format!("/api/merchant-payments?{query}"), "");
            let begun = Instant::now();
            for _ in 0..20 {
                target.json().await;
            }
            println!("list, {name}: {:?}", begun.elapsed() / 20);
        }

        let begun = Instant::now();
        let mut connections = Vec::new();
        for _ in 0..1000 {
            connections.push(TcpStream::connect(address).await.unwrap());
        }
        let target = ours("GET", &get, "");
        for connection in &mut connections {
            target.exchange(connection).await;
        }
        println!("1000 connections, one request each: {:?}", begun.elapsed());
    });
}

async fn emulator_total(ours: &impl Fn(&'static str, &str, &'static str) -> Target) -> u64 {
    ours("GET", "/api/merchant-payments?limit=1", "").json().await["total"].as_u64().unwrap()
}

/// A server that reads the body and responds with the emulator's responses, and no more.
async fn bare(created: Value, found: Value) -> SocketAddr {
    let create = move |Json(_): Json<Value>| async move { Json(created.clone()) };
    let found = move || async move { Json(found.clone()) };
    let router = Router::new().route("/api/payments/create", post(create)).route("/api/payments/{id}", get(found));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[derive(Clone)]
struct Target {
    address: SocketAddr,
    head: String,
    method: &'static str,
    path: String,
    body: &'static str,
}

impl Target {
    async fn exchange(&self, stream: &mut TcpStream) -> Vec<u8> {
        let Self { head, method, path, body, .. } = self;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::with_capacity(1024);
        loop {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the server closed the connection");
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&bytes[..end]).unwrap();
            assert!(head.starts_with("HTTP/1.1 200"), "{head} {}", String::from_utf8_lossy(&bytes[end..]));
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if bytes.len() >= end + 4 + length.parse::<usize>().unwrap() {
                return bytes.split_off(end + 4);
            }
        }
    }

    async fn json(&self) -> Value {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        serde_json::from_slice(&self.exchange(&mut stream).await).unwrap()
    }

    /// Requests a second.
    async fn throughput(&self) -> f64 {
        let begun = Instant::now();
        let tasks: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let target = self.clone();
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(target.address).await.unwrap();
                    let mut count = 0u32;
                    while begun.elapsed() < DURATION {
                        target.exchange(&mut stream).await;
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        f64::from(sum) / begun.elapsed().as_secs_f64()
    }

    async fn send(&self, count: u64) {
        let tasks: Vec<_> = (0..CONNECTIONS as u64)
            .map(|_| {
                let target = self.clone();
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(target.address).await.unwrap();
                    for _ in 0..count / CONNECTIONS as u64 {
                        target.exchange(&mut stream).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// Resident memory of this process in bytes; 0 where the system does not report it.
fn memory() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    pages.and_then(|pages| pages.split(' ').nth(1)?.parse::<u64>().ok()).unwrap_or(0) * 4096
}
