//! Every way in which an attempt can fail, a server that fails by a script, and operations of each kind.

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

use super::server::{Received, read};

/// Timeout of an attempt that never gets a whole response.
pub(crate) const SHORT: Duration = Duration::from_millis(500);
/// Timeout of everything else. Only a failing test reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What the server does with one attempt.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Nothing listens.
    Refuse,
    /// Closes when the request arrives, without reading it.
    CloseUnread,
    /// Reads the request, sends these bytes, closes.
    Close(Vec<u8>),
    /// Reads the request, sends these bytes, and resets the connection.
    Reset(Vec<u8>),
    /// Reads the request, sends these bytes, and then nothing.
    Hang(Vec<u8>),
    /// Reads the request, sends these bytes, and then one byte at a time, without end.
    Drip(Vec<u8>),
    /// Reads the request, sends these bytes, and continues with the next fault on the same connection.
    Keep(Vec<u8>),
}

/// What a fault looks like to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    NoConnection,
    Broken,
    TimedOut,
    Status(u16),
    /// A 2xx response whose body fails to decode.
    Unreadable,
    /// A 2xx response whose body is an error of the API.
    ErrorInSuccess,
    Success,
}

impl Seen {
    /// The outcome of a request after one such attempt, without the attempts before; `None` after a success.
    ///
    /// The rules of `src/client/error/statuses.rs`, written a second time on purpose.
    pub(crate) fn outcome(self, class: Class, is_first: bool) -> Option<Outcome> {
        let is_earlier_possible = class == Class::WriteWithOwnKey || !is_first;
        Some(match self {
            Self::Success => return None,
            _ if class == Class::Read => Outcome::ReadFailed,
            Self::NoConnection | Self::Status(429) => Outcome::NotSent,
            Self::Status(409 | 423) if is_earlier_possible => Outcome::Unknown,
            Self::Status(400..=405 | 407 | 409..=417 | 421..=423 | 425 | 426 | 428 | 431 | 451) => Outcome::Rejected,
            Self::Broken | Self::TimedOut | Self::Unreadable | Self::ErrorInSuccess | Self::Status(_) => {
                Outcome::Unknown
            }
        })
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_temporary(self) -> bool {
        match self {
            Self::NoConnection | Self::Broken | Self::TimedOut => true,
            Self::Status(status) => {
                matches!(status, 408 | 425 | 429 | 444 | 460 | 499 | 500 | 502 | 503 | 504 | 520..=530)
            }
            Self::Unreadable | Self::ErrorInSuccess | Self::Success => false,
        }
    }
}

/// The outcome of a request over all its attempts; `None` after a success.
pub(crate) fn outcome(class: Class, attempts: &[Seen]) -> Option<Outcome> {
    let each: Vec<_> = attempts.iter().enumerate().map(|(at, seen)| seen.outcome(class, at == 0)).collect();
    let last = (*each.last()?)?;
    let may_have_been_executed = each.contains(&Some(Outcome::Unknown));
    Some(if may_have_been_executed { Outcome::Unknown } else { last })
}

/// A row of the table of failures.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    pub(crate) seen: Seen,
    /// `Retry-After` of the response.
    pub(crate) retry_after: Duration,
}

impl Failure {
    fn new(name: &'static str, fault: Fault, seen: Seen) -> Self {
        Self { name, fault, seen, retry_after: Duration::ZERO }
    }

    /// A whole response.
    fn status(name: &'static str, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        Self::new(name, Fault::Close(response(status, headers, body)), Seen::Status(status))
    }

    fn with_retry_after(self, retry_after: Duration) -> Self {
        Self { retry_after, ..self }
    }
}

/// The `max_retry_after` under which the table is run.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(1);
/// Beyond every `max_retry_after`.
const FAR: Duration = Duration::from_secs(30 * 24 * 3_600);

/// A response with its true length, and `connection: close`, so that no connection is used twice.
pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    declaring(body.len(), status, headers, body)
}

pub(crate) fn declaring(length: usize, status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    (text + "\r\n" + body).into_bytes()
}

/// A 2xx response that every operation of the table decodes.
pub(crate) fn success() -> Vec<u8> {
    response(200, &[("content-type", "application/json")], SUCCESS)
}

/// The same response, after which the connection may be used again.
pub(crate) fn kept_success() -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{SUCCESS}", SUCCESS.len()).into_bytes()
}

pub(crate) const SUCCESS: &str = r#"{"id":"pay-1","payment_id":"pay-1","status":"completed","amount":"15,000.00",
    "currency":"UGX","access_token":"access-1"}"#;

/// All failures, one a row.
pub(crate) fn failures() -> Vec<Failure> {
    let success_with = |name, body| Failure::new(name, Fault::Close(response(200, &[], body)), Seen::ErrorInSuccess);
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
        Failure::new("truncated JSON", Fault::Close(response(200, &json, r#"{"id":"pay-1","sta"#)), Seen::Unreadable),
        Failure::new("an HTML page as a success", Fault::Close(response(200, &[], "<html></html>")), Seen::Unreadable),
        Failure::new("an empty success", Fault::Close(response(200, &[], "")), Seen::Unreadable),
        success_with("a detail as a success", r#"{"detail":"no"}"#),
        success_with("a list of details as a success", r#"{"detail":[{"loc":["body"],"msg":"no","type":"missing"}]}"#),
        success_with("a detail with a code as a success", r#"{"detail":"no","error_code":"E1","errors":[]}"#),
        success_with("a code and a message as a success", r#"{"code":"E1","message":"no"}"#),
        success_with("an OAuth error as a success", r#"{"error":"invalid_grant","error_description":"no"}"#),
        Failure::new("100 and then a success", Fault::Close(continued), Seen::Success),
        Failure::new("101", Fault::Close(switching), Seen::Status(101)),
        Failure::status("302", 302, &[("location", "/api/payments/pay-2")], ""),
        Failure::status("304", 304, &[], ""),
        Failure::status("307", 307, &[("location", "/api/payments/pay-2")], ""),
        Failure::status("400", 400, &json, r#"{"detail":"no"}"#),
        Failure::status("402", 402, &json, r#"{"detail":"no"}"#),
        Failure::status("401", 401, &json, r#"{"detail":"no"}"#),
        Failure::status("404", 404, &json, r#"{"detail":"no"}"#),
        Failure::status("406", 406, &json, r#"{"detail":"no"}"#),
        Failure::status("408", 408, &[], ""),
        Failure::status("418", 418, &[], ""),
        Failure::status("421", 421, &[], ""),
        Failure::status("409", 409, &json, r#"{"detail":"no"}"#),
        Failure::new(
            "409 that breaks off",
            Fault::Close(declaring(1_000, 409, &json, r#"{"detail""#)),
            Seen::Status(409),
        ),
        Failure::status("409 with Retry-After", 409, &after("0"), ""),
        Failure::status("422", 422, &json, r#"{"detail":[{"loc":["body"],"msg":"no"}]}"#),
        Failure::status("423", 423, &json, r#"{"detail":"no"}"#),
        Failure::status("424", 424, &json, r#"{"detail":"no"}"#),
        Failure::status("425", 425, &[], ""),
        Failure::status("425 with Retry-After", 425, &after("0"), ""),
        Failure::status("429", 429, &[], ""),
        Failure::status("429 with Retry-After of 0", 429, &after("0"), ""),
        Failure::status("429 with a Retry-After date", 429, &after(far), "").with_retry_after(FAR),
        Failure::status("429 with a past Retry-After date", 429, &after("Sun, 06 Nov 1994 08:49:37 GMT"), ""),
        Failure::status("429 with a huge Retry-After", 429, &after("31536000"), "").with_retry_after(FAR),
        Failure::status("429 with Retry-After of 1", 429, &after("1"), "").with_retry_after(Duration::from_secs(1)),
        Failure::status("444", 444, &[], ""),
        Failure::status("460", 460, &[], ""),
        Failure::status("499", 499, &[], ""),
        Failure::status("500", 500, &json, r#"{"detail":"oh"}"#),
        Failure::status("500 with Retry-After", 500, &after("0"), ""),
        Failure::new("500 that breaks off", Fault::Close(declaring(9, 500, &json, "{")), Seen::Status(500)),
        Failure::status("501", 501, &[], ""),
        Failure::status("502", 502, &json, r#"{"detail":"oh"}"#),
        Failure::status("502 as an HTML page", 502, &[("content-type", "text/html")], "<html><title>502</title>"),
        Failure::status("503", 503, &json, r#"{"detail":"oh"}"#),
        Failure::status("503 with Retry-After of 0", 503, &after("0"), ""),
        Failure::status("503 with a Retry-After date", 503, &after(far), "").with_retry_after(FAR),
        Failure::status("503 with a huge Retry-After", 503, &after("31536000"), "").with_retry_after(FAR),
        Failure::status("503 with an invalid Retry-After", 503, &after("soon"), ""),
        Failure::status("503 with Retry-After of 1", 503, &after("1"), "").with_retry_after(Duration::from_secs(1)),
        Failure::status("504", 504, &[], ""),
        Failure::status("504 with a huge Retry-After", 504, &after("31536000"), "").with_retry_after(FAR),
        Failure::status("520", 520, &[], ""),
        Failure::status("599", 599, &[], ""),
    ]
}

/// One operation of each kind that retries distinguish.
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
    /// Whether the operation takes an idempotency key.
    pub(crate) fn has_key(self) -> bool {
        self.moves_money() || self == Self::Otp
    }

    pub(crate) fn moves_money(self) -> bool {
        matches!(self, Self::Write | Self::WriteWithOwnKey)
    }

    /// Sends the request, and returns the number of attempts.
    pub(crate) async fn send(self, client: &Client) -> Result<u32, Error> {
        let payment = || PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
        match self {
            Self::Read => client.payments().get("pay-1").send_with_response().await.map(|response| response.attempts()),
            Self::Write => {
                let request = client.payments().create(payment().build());
                request.send_with_response().await.map(|response| response.attempts())
            }
            Self::WriteWithOwnKey => {
                let request = client.payments().create(payment().build()).idempotency_key(OWN_KEY);
                request.send_with_response().await.map(|response| response.attempts())
            }
            Self::Exchange => {
                let exchange =
                    CodeExchange::builder().code("code-1").redirect_uri("https://shop.example.com/callback").build();
                client.oauth().exchange_code(exchange).send_with_response().await.map(|response| response.attempts())
            }
            Self::Refresh => {
                let refresh = TokenRefresh::builder().refresh_token("refresh-1").build();
                client.oauth().refresh_token(refresh).send_with_response().await.map(|response| response.attempts())
            }
            Self::Otp => {
                let request = OtpRequest::builder().phone_number("+256700000000").build();
                client.otp().request(request).send_with_response().await.map(|response| response.attempts())
            }
        }
    }
}

struct State {
    script: Vec<Fault>,
    /// Number of faults that connections have met.
    met: usize,
    /// Number of connections that the resolver had to direct, refused ones included.
    looked_up: usize,
    connections: usize,
    received: Vec<Received>,
}

impl State {
    /// The fault of the next connection. The last one of the script repeats.
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
    /// Number of attempts that the server has seen.
    seen: watch::Receiver<usize>,
    /// Number of clients that closed the connection while the server hung.
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
        let (seen_sender, seen) = watch::channel(0);
        let (hung_up_sender, hung_up) = watch::channel(0);
        let (seen_sender, hung_up_sender) = (Arc::new(seen_sender), Arc::new(hung_up_sender));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, shared.clone(), seen_sender.clone(), hung_up_sender.clone()));
            }
        });
        Self { address, nowhere, state, seen, hung_up, task }
    }

    /// Builds clients of this server with every credential and the crate's own resolver. The script must not refuse
    /// connections.
    pub(crate) fn plain_builder(&self) -> ClientBuilder {
        let builder = Client::builder().api_key("key-1").client_id("client-1").client_secret("secret-1");
        builder.environment(Environment::Custom(format!("http://{}/api", self.address)))
    }

    /// Builds clients whose resolver follows the script. They load no certificates, which is most of the cost of a client.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let nowhere = self.nowhere.local_addr().unwrap();
        let directions = Directions { state: self.state.clone(), address: self.address, nowhere };
        // Without a port, so that the port of the address counts.
        self.plain_builder()
            .environment(Environment::Custom("http://localhost/api".to_owned()))
            .configure_http(|http| http.tls_certs_only([]).dns_resolver(Arc::new(directions)))
    }

    /// Number of connections that the client tried.
    pub(crate) fn tried(&self) -> usize {
        let state = self.state.lock().unwrap();
        state.looked_up.max(state.connections)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// The requests that the server read, in order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// Waits until the server has seen this many attempts, because a client may give up earlier.
    pub(crate) async fn saw(&self, attempts: usize, about: &str) {
        let mut seen = self.seen.clone();
        let waited = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| *seen >= attempts)).await;
        waited.unwrap_or_else(|_| panic!("{about}: the server saw fewer than {attempts} attempts")).unwrap();
    }

    /// Waits until this many clients have closed the connection while the server hung.
    pub(crate) async fn was_hung_up_on(&self, times: usize) {
        let mut hung_up = self.hung_up.clone();
        let waited = tokio::time::timeout(PATIENCE, hung_up.wait_for(|hung_up| *hung_up >= times)).await;
        waited.expect("the client should have hung up").unwrap();
    }
}

/// Number of distinct values of a header in these requests.
pub(crate) fn different(received: &[Received], header: &str) -> usize {
    received.iter().filter_map(|request| request.header(header)).collect::<BTreeSet<_>>().len()
}

/// Resolves to the server, or to a port where nothing listens, by the script.
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

type Counter = Arc<watch::Sender<usize>>;

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>, seen_sender: Counter, hung_up_sender: Counter) {
    let mut first = Some(state.lock().unwrap().next());
    if matches!(first, Some(Fault::CloseUnread)) {
        // A connection that closes earlier is `Broken` or `NoConnection`, whichever the client notices first.
        let _ = stream.peek(&mut [0]).await;
        seen_sender.send_modify(|seen| *seen += 1);
        return;
    }
    loop {
        let received = read(&mut stream).await;
        let Some(received) = received else {
            // Counts a client that gave up early, but not one that closes an idle connection.
            seen_sender.send_modify(|seen| *seen += usize::from(first.is_some()));
            return;
        };
        let fault = {
            let mut state = state.lock().unwrap();
            state.received.push(received);
            first.take().unwrap_or_else(|| state.next())
        };
        seen_sender.send_modify(|seen| *seen += 1);
        // The client may close the connection at any time.
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
                hung_up_sender.send_modify(|times| *times += 1);
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
