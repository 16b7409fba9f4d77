//! Every way in which one attempt can fail, a server that fails by a script, and the operations that meet it.
// Each test file is a crate of its own and uses only a part.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use piaxis::{
    Client, ClientBuilder, Environment, Error, Outcome, PaymentMethod,
    oauth::{CodeExchange, TokenRefresh},
    types::{OtpRequest, PaymentCreate},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use crate::support::{Received, read};

/// How long an attempt may take that is never answered in full.
pub(crate) const SHORT: Duration = Duration::from_millis(200);
/// How long anything else may take; only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What the server does in one attempt.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Nothing listens.
    Refuse,
    /// Closes before it reads anything.
    CloseUnread,
    /// Reads the request, sends these bytes, closes.
    Close(Vec<u8>),
    /// Reads the request, sends these bytes, and resets the connection.
    Reset(Vec<u8>),
    /// Reads the request, sends these bytes, and then nothing.
    Hang(Vec<u8>),
    /// Reads the request, sends these bytes, and then one more now and then, without end.
    Drip(Vec<u8>),
    /// Reads the request, sends these bytes, and does the next thing of the script on the same connection.
    Keep(Vec<u8>),
}

/// What a fault comes to for whoever sent the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    NoConnection,
    Broken,
    TimedOut,
    /// A status, and whether a `Retry-After` came with it.
    Status(u16, bool),
    /// A success that cannot be read.
    Unreadable,
    Success,
}

impl Seen {
    /// What is known after one such attempt, or nothing after a success. The rules are those of the documentation of
    /// `Outcome`, written a second time on purpose.
    pub(crate) fn outcome(self) -> Option<Outcome> {
        Some(match self {
            Self::Success => return None,
            Self::NoConnection | Self::Status(429, _) | Self::Status(503, true) => Outcome::NotSent,
            Self::Status(status, _) if (400..500).contains(&status) && status != 408 => Outcome::Rejected,
            Self::Broken | Self::TimedOut | Self::Unreadable | Self::Status(..) => Outcome::Unknown,
        })
    }
}

/// A row of the table of failures.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    pub(crate) seen: Seen,
    /// The least that is waited before a repetition, because the server says so.
    pub(crate) wait: Duration,
}

impl Failure {
    fn new(name: &'static str, fault: Fault, seen: Seen) -> Self {
        Self { name, fault, seen, wait: Duration::ZERO }
    }

    /// A whole answer.
    fn status(name: &'static str, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let asks = headers.iter().any(|(name, _)| *name == "retry-after");
        Self::new(name, Fault::Close(answer(status, headers, body)), Seen::Status(status, asks))
    }

    /// Asks to wait for longer than [`LONGEST_RETRY_AFTER`].
    fn capped(self) -> Self {
        Self { wait: LONGEST_RETRY_AFTER, ..self }
    }
}

/// The cap of `Retry-After` under which the table is run.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_millis(15);

/// An answer whose length is declared as it is. It announces that the connection closes, so that none is used twice.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    declaring(body.len(), status, headers, body)
}

pub(crate) fn declaring(length: usize, status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    (text + "\r\n" + body).into_bytes()
}

/// A success of every operation of the table.
pub(crate) fn success() -> Vec<u8> {
    answer(200, &[("content-type", "application/json")], SUCCESS)
}

/// A success after which the connection may be used again.
pub(crate) fn kept_success() -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{SUCCESS}", SUCCESS.len()).into_bytes()
}

pub(crate) const SUCCESS: &str = r#"{"id":"pay-1","payment_id":"pay-1","status":"completed","amount":"15,000.00",
    "currency":"UGX","access_token":"access-1"}"#;

/// Every failure, one a row.
pub(crate) fn failures() -> Vec<Failure> {
    let half = || declaring(1_000, 200, &[("content-type", "application/json")], r#"{"id":"#);
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n".to_vec();
    let json = [("content-type", "application/json")];
    let after = |seconds| [("retry-after", seconds)];
    let far = "Fri, 01 Jan 2100 00:00:00 GMT";
    let continued = [b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), success()].concat();
    let switching = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
    vec![
        Failure::new("no connection", Fault::Refuse, Seen::NoConnection),
        Failure::new("closed unread", Fault::CloseUnread, Seen::Broken),
        Failure::new("read and closed", Fault::Close(Vec::new()), Seen::Broken),
        Failure::new("reset before the head", Fault::Reset(Vec::new()), Seen::Broken),
        Failure::new("reset in the head", Fault::Reset(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()), Seen::Broken),
        Failure::new("reset in a success", Fault::Reset(half()), Seen::Broken),
        Failure::new("closed in a success", Fault::Close(half()), Seen::Broken),
        Failure::new("closed in a chunked success", Fault::Close(chunked), Seen::Broken),
        Failure::new("garbage", Fault::Close(b"220 mail.example.com ESMTP\r\n\x00\xff\r\n\r\n".to_vec()), Seen::Broken),
        Failure::new("hangs before the head", Fault::Hang(Vec::new()), Seen::TimedOut),
        Failure::new("hangs in a success", Fault::Hang(half()), Seen::TimedOut),
        Failure::new("drips in the head", Fault::Drip(b"HTTP/1.1 200 OK\r\nx-drip: ".to_vec()), Seen::TimedOut),
        Failure::new("drips in a success", Fault::Drip(half()), Seen::TimedOut),
        Failure::new("truncated JSON", Fault::Close(answer(200, &json, r#"{"id":"pay-1","sta"#)), Seen::Unreadable),
        Failure::new("an HTML page as a success", Fault::Close(answer(200, &[], "<html></html>")), Seen::Unreadable),
        Failure::new("an empty success", Fault::Close(answer(200, &[], "")), Seen::Unreadable),
        Failure::new("100 and then a success", Fault::Close(continued), Seen::Success),
        Failure::new("101", Fault::Close(switching), Seen::Status(101, false)),
        Failure::status("302", 302, &[("location", "/api/payments/pay-2")], ""),
        Failure::status("304", 304, &[], ""),
        Failure::status("307", 307, &[("location", "/api/payments/pay-2")], ""),
        Failure::status("400", 400, &json, r#"{"detail":"no"}"#),
        Failure::status("401", 401, &json, r#"{"detail":"no"}"#),
        Failure::status("404", 404, &json, r#"{"detail":"no"}"#),
        Failure::status("408", 408, &[], ""),
        Failure::status("409", 409, &json, r#"{"detail":"no"}"#),
        Failure::new(
            "409 that breaks off",
            Fault::Close(declaring(1_000, 409, &json, r#"{"detail""#)),
            Seen::Status(409, false),
        ),
        Failure::status("409 with Retry-After", 409, &after("0"), ""),
        Failure::status("422", 422, &json, r#"{"detail":[{"loc":["body"],"msg":"no"}]}"#),
        Failure::status("425", 425, &[], ""),
        Failure::status("425 with Retry-After", 425, &after("0"), ""),
        Failure::status("429", 429, &[], ""),
        Failure::status("429 with Retry-After of 0", 429, &after("0"), ""),
        Failure::status("429 with a Retry-After date", 429, &after(far), "").capped(),
        Failure::status("429 with a past Retry-After date", 429, &after("Sun, 06 Nov 1994 08:49:37 GMT"), ""),
        Failure::status("429 with a huge Retry-After", 429, &after("31536000"), "").capped(),
        Failure::status("500", 500, &json, r#"{"detail":"oh"}"#),
        Failure::status("500 with Retry-After", 500, &after("0"), ""),
        Failure::new("500 that breaks off", Fault::Close(declaring(9, 500, &json, "{")), Seen::Status(500, false)),
        Failure::status("501", 501, &[], ""),
        Failure::status("502", 502, &json, r#"{"detail":"oh"}"#),
        Failure::status("502 as an HTML page", 502, &[("content-type", "text/html")], "<html><title>502</title>"),
        Failure::status("503", 503, &json, r#"{"detail":"oh"}"#),
        Failure::status("503 with Retry-After of 0", 503, &after("0"), ""),
        Failure::status("503 with a Retry-After date", 503, &after(far), "").capped(),
        Failure::status("503 with a huge Retry-After", 503, &after("31536000"), "").capped(),
        // Whoever writes that may be anyone.
        Failure::new(
            "503 with an unreadable Retry-After",
            Fault::Close(answer(503, &after("soon"), "")),
            Seen::Status(503, false),
        ),
        Failure::status("504", 504, &[], ""),
    ]
}

/// An operation of each kind that repetition depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Read,
    Write,
    WriteWithOwnKey,
    Exchange,
    Refresh,
    Otp,
}

pub(crate) const CLASSES: [Class; 6] =
    [Class::Read, Class::Write, Class::WriteWithOwnKey, Class::Exchange, Class::Refresh, Class::Otp];

pub(crate) const OWN_KEY: &str = "own-1";

impl Class {
    /// Whether the contract has an idempotency key on it.
    pub(crate) fn has_key(self) -> bool {
        self.moves_money() || self == Self::Otp
    }

    pub(crate) fn moves_money(self) -> bool {
        matches!(self, Self::Write | Self::WriteWithOwnKey)
    }

    /// How many attempts it took.
    pub(crate) async fn call(self, client: &Client) -> Result<u32, Error> {
        let payment = || PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
        match self {
            Self::Read => client.payments().get("pay-1").send_with_response().await.map(|answer| answer.attempts()),
            Self::Write => {
                let request = client.payments().create(payment().build());
                request.send_with_response().await.map(|answer| answer.attempts())
            }
            Self::WriteWithOwnKey => {
                let request = client.payments().create(payment().build()).idempotency_key(OWN_KEY);
                request.send_with_response().await.map(|answer| answer.attempts())
            }
            Self::Exchange => {
                let exchange =
                    CodeExchange::builder().code("code-1").redirect_uri("https://shop.example.com/callback").build();
                client.oauth().exchange_code(exchange).send_with_response().await.map(|answer| answer.attempts())
            }
            Self::Refresh => {
                let refresh = TokenRefresh::builder().refresh_token("refresh-1").build();
                client.oauth().refresh_token(refresh).send_with_response().await.map(|answer| answer.attempts())
            }
            Self::Otp => {
                let request = OtpRequest::builder().phone_number("+256700000000").build();
                client.otp().request(request).send_with_response().await.map(|answer| answer.attempts())
            }
        }
    }
}

struct State {
    script: Vec<Fault>,
    /// How many faults of the script a connection has met.
    met: usize,
    /// How many connections were tried, refused ones too, by those who asked where to go.
    looked_up: usize,
    connections: usize,
    received: Vec<Received>,
}

impl State {
    /// The next thing to do for a connection that came about. The last one of the script is done for ever.
    fn next(&mut self) -> Fault {
        let mut possible = self.script.iter().filter(|fault| !matches!(fault, Fault::Refuse));
        let last = possible.clone().next_back();
        let fault = possible.nth(self.met).or(last).expect("a script that refuses everything has no connections");
        self.met += 1;
        fault.clone()
    }

    /// Whether the next connection is refused.
    fn refuses_next(&mut self) -> bool {
        let fault = self.script.get(self.looked_up).or(self.script.last());
        self.looked_up += 1;
        matches!(fault, Some(Fault::Refuse))
    }
}

/// A server on a loopback port that follows a script, one fault a connection.
pub(crate) struct Scripted {
    address: SocketAddr,
    /// Bound, but nothing listens on it.
    nowhere: TcpSocket,
    state: Arc<Mutex<State>>,
    /// How many attempts have gone as far as the server lets them.
    seen: watch::Receiver<usize>,
    /// How many clients have hung up on a server that hangs.
    hung_up: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    pub(crate) async fn start(script: Vec<Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let nowhere = TcpSocket::new_v4().unwrap();
        nowhere.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let state = State { script, met: 0, looked_up: 0, connections: 0, received: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let (tell_seen, seen) = watch::channel(0);
        let (tell_hung_up, hung_up) = watch::channel(0);
        let (tell_seen, tell_hung_up) = (Arc::new(tell_seen), Arc::new(tell_hung_up));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, shared.clone(), tell_seen.clone(), tell_hung_up.clone()));
            }
        });
        Self { address, nowhere, state, seen, hung_up, task }
    }

    /// A builder of clients of this server with every credential, which connect in the crate's own way. The script must not
    /// refuse connections.
    pub(crate) fn plain_builder(&self) -> ClientBuilder {
        let builder = Client::builder().api_key("key-1").client_id("client-1").client_secret("secret-1");
        builder.environment(Environment::Custom(format!("http://{}/api", self.address)))
    }

    /// The same, but each connection asks the script where to go. It reads no certificates, which takes most of the time
    /// that a client takes to make.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let nowhere = self.nowhere.local_addr().unwrap();
        let directions = Directions { state: self.state.clone(), address: self.address, nowhere };
        // Without a port, so that the one of the address counts.
        self.plain_builder()
            .environment(Environment::Custom("http://localhost/api".to_owned()))
            .configure_http(|http| http.tls_certs_only([]).dns_resolver(Arc::new(directions)))
    }

    /// How many connections were tried.
    pub(crate) fn tried(&self) -> usize {
        let state = self.state.lock().unwrap();
        state.looked_up.max(state.connections)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// The requests that were read, in order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// Waits until so many attempts have gone as far as the server lets them: it may be behind a client that gave up.
    pub(crate) async fn saw(&self, attempts: usize, about: &str) {
        let mut seen = self.seen.clone();
        let waited = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| *seen >= attempts)).await;
        waited.unwrap_or_else(|_| panic!("{about}: the server saw fewer than {attempts} attempts")).unwrap();
    }

    /// Waits until so many clients have hung up while the server hung.
    pub(crate) async fn was_hung_up_on(&self, times: usize) {
        let mut hung_up = self.hung_up.clone();
        let waited = tokio::time::timeout(PATIENCE, hung_up.wait_for(|hung_up| *hung_up >= times)).await;
        waited.expect("the client should have hung up").unwrap();
    }
}

/// How many different values a header has in these requests, those without it left out.
pub(crate) fn different(received: &[Received], header: &str) -> usize {
    received.iter().filter_map(|request| request.header(header)).collect::<BTreeSet<_>>().len()
}

/// Sends each connection to the server or to where nothing listens, as the script says.
struct Directions {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    nowhere: SocketAddr,
}

impl reqwest::dns::Resolve for Directions {
    fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let address = if self.state.lock().unwrap().refuses_next() { self.nowhere } else { self.address };
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as reqwest::dns::Addrs) })
    }
}

type Tell = Arc<watch::Sender<usize>>;

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>, tell_seen: Tell, tell_hung_up: Tell) {
    let mut first = Some(state.lock().unwrap().next());
    if matches!(first, Some(Fault::CloseUnread)) {
        tell_seen.send_modify(|seen| *seen += 1);
        return;
    }
    loop {
        let received = read(&mut stream).await;
        let Some(received) = received else {
            // A client that gave up so early was seen all the same, unless it only leaves a connection that it kept.
            tell_seen.send_modify(|seen| *seen += usize::from(first.is_some()));
            return;
        };
        let fault = {
            let mut state = state.lock().unwrap();
            state.received.push(received);
            first.take().unwrap_or_else(|| state.next())
        };
        tell_seen.send_modify(|seen| *seen += 1);
        // The client may hang up at any time.
        match fault {
            Fault::Refuse | Fault::CloseUnread => return,
            Fault::Keep(bytes) => {
                let _ = stream.write_all(&bytes).await;
            }
            Fault::Close(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Fault::Reset(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.set_zero_linger();
                return;
            }
            Fault::Hang(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.read(&mut [0]).await;
                tell_hung_up.send_modify(|times| *times += 1);
                return;
            }
            Fault::Drip(bytes) => {
                let _ = stream.write_all(&bytes).await;
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                return;
            }
        }
    }
}
