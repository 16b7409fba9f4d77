//! A server over a raw socket with one scripted response for every connection, valid or not. Keeps the requests.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use piaxis::{Client, ClientBuilder, Environment, RetryPolicy};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the server does with a connection.
#[derive(Debug, Clone)]
pub(crate) enum Response {
    /// Reads the request, sends these bytes, then closes.
    Bytes(Vec<u8>),
    /// Closes before it reads anything.
    CloseUnread,
    /// Reads the request, then closes.
    Close,
    /// Reads the request, sends these bytes, then keeps the connection open until the client closes it.
    Stall(Vec<u8>),
}

impl Response {
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        Self::declaring(body.as_ref().len(), status, headers, body)
    }

    pub(crate) fn json(status: u16, body: impl ToString) -> Self {
        Self::new(status, &[("content-type", "application/json")], body.to_string())
    }

    /// With a `Content-Length` that need not be true.
    pub(crate) fn declaring(length: usize, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let length = if status == 204 { String::new() } else { format!("content-length: {length}\r\n") };
        let mut head = format!("HTTP/1.1 {status} Scripted\r\n{length}connection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        Self::Bytes([(head + "\r\n").as_bytes(), body.as_ref()].concat())
    }
}

/// A request as the server received it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query, undecoded.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// The one header of that name; case does not matter.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "more than one header `{name}`");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

struct State {
    response: Response,
    received: Vec<Received>,
    connections: usize,
}

/// A server on a loopback port, until it is dropped. Every connection is for one request.
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
    pub(crate) async fn start(response: Response) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { response, received: Vec::new(), connections: 0 }));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { address, state, task }
    }

    /// A server that reads requests and sends nothing, until a response is set.
    pub(crate) async fn silent() -> Self {
        Self::start(Response::Stall(Vec::new())).await
    }

    /// Sets the response to all later requests.
    pub(crate) fn set(&self, response: Response) {
        self.state.lock().unwrap().response = response;
    }

    /// The requests since the last `take`.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.state.lock().unwrap().received)
    }

    /// The only request since the last `take`.
    pub(crate) fn one(&self) -> Received {
        let mut received = self.take();
        assert_eq!(received.len(), 1, "{received:#?}");
        received.remove(0)
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

    /// A builder of clients for this server, without credentials and retries.
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
    if matches!(state.lock().unwrap().response, Response::CloseUnread) {
        return;
    }
    let Some(received) = read(&mut stream).await else { return };
    let response = {
        let mut state = state.lock().unwrap();
        state.received.push(received);
        state.response.clone()
    };
    match response {
        Response::Bytes(bytes) => {
            // The client may close the connection before it has read everything.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Response::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            // Returns when the client closes the connection.
            let _ = stream.read(&mut [0]).await;
        }
        Response::CloseUnread | Response::Close => {}
    }
}

/// One request, or `None` if the client closes the connection first or sends something else.
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
    let (method, target) = lines.next()?.strip_suffix(" HTTP/1.1")?.split_once(' ')?;
    let (method, target) = (method.to_owned(), target.to_owned());
    let headers = lines.filter(|line| !line.is_empty()).map(|line| line.split_once(": "));
    let headers: Option<_> = headers.map(|header| header.map(|(name, value)| (name.into(), value.into()))).collect();
    let mut received = Received { method, target, headers: headers?, body: bytes.split_off(head_end) };
    let length: usize = received.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while received.body.len() < length {
        if stream.read_buf(&mut received.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(received)
}

/// A base URL on which nothing listens. The socket reserves the port.
pub(crate) fn nowhere() -> (tokio::net::TcpSocket, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let base_url = format!("http://{}/api", socket.local_addr().unwrap());
    (socket, base_url)
}

/// A resolver that never resolves a name, so that no connection is made.
pub(crate) struct NeverResolved;

impl reqwest::dns::Resolve for NeverResolved {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(std::future::pending())
    }
}
