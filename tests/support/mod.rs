//! A server over a raw socket that answers with given bytes, or badly, or never, and keeps what it was sent.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use piaxis::{Client, ClientBuilder, Environment, RetryPolicy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Sends these bytes, then closes.
    Bytes(Vec<u8>),
    /// Closes before it reads anything.
    CloseUnread,
    /// Reads the request, then closes.
    CloseUnanswered,
    /// Sends these bytes, then keeps the connection open for ever.
    Stall(Vec<u8>),
}

impl Answer {
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        Self::declaring(body.as_ref().len(), status, headers, body)
    }

    pub(crate) fn json(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::new(status, &[("content-type", "application/json")], body)
    }

    /// With a `Content-Length` that need not be true.
    pub(crate) fn declaring(length: usize, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let mut bytes = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\nconnection: close\r\n");
        if status == 204 {
            bytes = format!("HTTP/1.1 {status} Whatever\r\nconnection: close\r\n");
        }
        for (name, value) in headers {
            bytes += &format!("{name}: {value}\r\n");
        }
        let mut bytes = (bytes + "\r\n").into_bytes();
        bytes.extend_from_slice(body.as_ref());
        Self::Bytes(bytes)
    }
}

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query, undecoded.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct State {
    answer: Option<Answer>,
    received: Vec<Received>,
    connections: usize,
}

/// Lives as long as it is kept, on a loopback port.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { answer: Some(answer), ..State::default() }));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { address, state, task }
    }

    /// Answers so from now on.
    pub(crate) fn set(&self, answer: Answer) {
        self.state.lock().unwrap().answer = Some(answer);
    }

    /// What came since the last time.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.state.lock().unwrap().received)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn base_url(&self) -> String {
        format!("{}/api", self.origin())
    }

    /// A builder of clients for this server, without credentials, that send everything once.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let environment = Environment::Custom(self.base_url());
        Client::builder().environment(environment).retry_policy(RetryPolicy::none())
    }

    /// A client with every credential.
    pub(crate) fn client(&self) -> Client {
        self.builder().api_key("key-1").client_id("client-1").client_secret("secret-1").build().unwrap()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let answer = state.lock().unwrap().answer.clone().expect("an answer is always set");
    if matches!(answer, Answer::CloseUnread) {
        return;
    }
    let Some(received) = read(&mut stream).await else { return };
    state.lock().unwrap().received.push(received);
    match answer {
        Answer::Bytes(bytes) => {
            // The client may hang up before it has read everything.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Answer::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            // Returns when the client hangs up.
            let _ = stream.read(&mut [0]).await;
        }
        Answer::CloseUnread | Answer::CloseUnanswered => {}
    }
}

/// One request, or nothing if the client hangs up before it is whole.
pub(crate) async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let mut lines = head.lines();
    let mut request_line = lines.next()?.split(' ');
    let (method, target) = (request_line.next()?.to_owned(), request_line.next()?.to_owned());
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.into(), value.into())).collect();
    let mut received = Received { method, target, headers, body: bytes.split_off(head_end) };
    let length: usize = received.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while received.body.len() < length {
        if stream.read_buf(&mut received.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(received)
}

/// A base URL at which nothing listens; the port stays taken as long as the socket is kept.
pub(crate) fn nowhere() -> (tokio::net::TcpSocket, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let base_url = format!("http://{}/api", socket.local_addr().unwrap());
    (socket, base_url)
}

/// A resolver of names that never ends, so that no connection comes about.
pub(crate) struct NeverResolved;

impl reqwest::dns::Resolve for NeverResolved {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(std::future::pending())
    }
}
