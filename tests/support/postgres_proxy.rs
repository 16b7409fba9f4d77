//! A proxy before PostgreSQL that counts responses and breaks connections.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

#[derive(Clone)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    accepted: AtomicU64,
    /// Connections with a lower number are silent.
    silent_below: AtomicU64,
    ready: AtomicU64,
    lose_commit: AtomicBool,
}

impl Proxy {
    pub async fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        let state = proxy.state.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                let number = state.accepted.fetch_add(1, Ordering::SeqCst);
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                let requests = tokio::spawn(forward_requests(state.clone(), number, from_client, to_server));
                let state = state.clone();
                tokio::spawn(async move {
                    forward_responses(&state, number, from_server, to_client).await;
                    requests.abort();
                });
            }
        });
        proxy
    }

    /// The same URL through the proxy.
    pub fn url(&self, url: &str) -> String {
        let (start, rest) = url.split_once("127.0.0.1:").unwrap();
        let (_, database) = rest.split_once('/').unwrap();
        format!("{start}127.0.0.1:{}/{database}", self.port)
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.state.accepted.load(Ordering::SeqCst)
    }

    /// Responses of the server that ended a statement, or a connection's start.
    pub fn responses(&self) -> u64 {
        self.state.ready.load(Ordering::SeqCst)
    }

    /// Lets all present connections hang: nothing goes through them any more, and they stay open.
    pub fn silence(&self) {
        self.state.silent_below.store(self.accepted(), Ordering::SeqCst);
    }

    /// Closes the connection of the next COMMIT after the server executed the commit and before the client receives its response.
    pub fn lose_next_commit(&self) {
        self.state.lose_commit.store(true, Ordering::SeqCst);
    }
}

impl State {
    async fn pass(&self, number: u64) {
        if number < self.silent_below.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

async fn forward_requests(state: Arc<State>, number: u64, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        state.pass(number).await;
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}

/// Message by message: a type, a length that counts itself, and the content.
async fn forward_responses(state: &State, number: u64, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut head = [0; 5];
    while from.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut content = vec![0; length - 4];
        if from.read_exact(&mut content).await.is_err() {
            break;
        }
        state.pass(number).await;
        if head[0] == b'C' && content == b"COMMIT\0" && state.lose_commit.swap(false, Ordering::SeqCst) {
            break;
        }
        if head[0] == b'Z' {
            state.ready.fetch_add(1, Ordering::SeqCst);
        }
        if to.write_all(&[&head[..], &content].concat()).await.is_err() {
            break;
        }
    }
}
