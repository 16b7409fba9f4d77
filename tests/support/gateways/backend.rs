//! The backend behind a gateway: executes payments, enters them in a ledger, and then misbehaves.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

use super::fault::{Connection, Fault, Reaction};

/// How long a slow backend takes. Every gateway times out sooner.
pub(crate) const LATE: Duration = Duration::from_secs(6);

/// Requests with idempotency keys that start so succeed and keep the connection alive.
pub(crate) const WARM_UP: &str = "warm-up-";

/// A request that arrived at the backend in full.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// Is different in each attempt of the client. What arrives twice was resent by the gateway.
    pub(crate) request_id: String,
    pub(crate) executed: bool,
    pub(crate) over_kept_alive: bool,
}

/// What arrived, by idempotency key.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<HashMap<String, Vec<Arrival>>>);

impl Ledger {
    fn enter(&self, key: String, arrival: Arrival) {
        self.0.lock().unwrap().entry(key).or_default().push(arrival);
    }

    pub(crate) fn arrivals(&self, key: &str) -> Vec<Arrival> {
        self.0.lock().unwrap().get(key).cloned().unwrap_or_default()
    }
}

/// Runs until it is dropped.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    /// Keeps the port of a backend that does not listen.
    _refusing: Option<TcpSocket>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Backend {
    pub(crate) fn start(fault: Fault, ledger: Arc<Ledger>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = socket.local_addr().unwrap();
        if matches!(fault.reaction, Reaction::Refuse) {
            return Self { address, _refusing: Some(socket), task: None };
        }
        let listener: TcpListener = socket.listen(128).unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, fault, ledger.clone()));
            }
        });
        Self { address, _refusing: None, task: Some(task) }
    }
}

async fn serve(mut stream: TcpStream, fault: Fault, ledger: Arc<Ledger>) {
    let mut over_kept_alive = false;
    while let Some(Received { key, request_id }) = read(&mut stream).await {
        let is_warm_up = key.starts_with(WARM_UP);
        let strikes = fault.connection != Connection::OnlyKeptAlive || over_kept_alive;
        let executed = fault.executes || !strikes || is_warm_up;
        ledger.enter(key, Arrival { request_id, executed, over_kept_alive });
        // The gateway may close the connection at any time.
        if is_warm_up {
            let _ = stream.write_all(success("keep-alive").as_bytes()).await;
            over_kept_alive = true;
            continue;
        }
        match fault.reaction {
            _ if !strikes => {
                let _ = stream.write_all(success("close").as_bytes()).await;
            }
            Reaction::Succeed => {
                let _ = stream.write_all(success("close").as_bytes()).await;
            }
            Reaction::Late => {
                let _ = tokio::time::timeout(LATE, stream.read(&mut [0])).await;
                let _ = stream.write_all(success("close").as_bytes()).await;
            }
            Reaction::Send(bytes) => {
                let _ = stream.write_all(bytes.as_bytes()).await;
            }
            Reaction::Reset => {
                let _ = stream.set_zero_linger();
            }
            Reaction::Refuse => unreachable!("nothing listens"),
        }
        return;
    }
}

fn success(connection: &str) -> String {
    let body = r#"{"payment_id":"pay-1","status":"pending","amount":"15000","currency":"UGX"}"#;
    let length = body.len();
    let head = format!("content-type: application/json\r\ncontent-length: {length}\r\nconnection: {connection}");
    format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")
}

struct Received {
    key: String,
    request_id: String,
}

/// Reads one request to its end. `None` if the gateway closed the connection before.
async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::with_capacity(1_024);
    let body_at = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..body_at].to_vec()).unwrap();
    let header = |wanted: &str| {
        let mut headers = head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let is_complete = |body: &[u8]| match header("content-length") {
        Some(length) => body.len() >= length.parse::<usize>().unwrap(),
        // The JSON of a payment contains no line breaks, so that this is the last chunk.
        None if header("transfer-encoding").is_some() => body.ends_with(b"0\r\n\r\n"),
        None => true,
    };
    while !is_complete(&bytes[body_at..]) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let id = |name: &str| header(name).unwrap_or_default().to_owned();
    Some(Received { key: id("x-idempotency-key"), request_id: id("x-request-id") })
}
