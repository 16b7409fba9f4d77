//! Chaos: payments and payouts over connections that fail in every way, compared with a ledger of what was executed.
//!
//! A binary of its own, because its load makes timeouts of other tests expire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{BTreeMap, HashMap},
    env,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use piaxis::{
    Client, ClientBuilder, Environment, Error, ErrorKind, JsonObject, Outcome, PaymentMethod, Request, RetryPolicy,
    types::{DisbursementCreate, PaymentCreate, Recipient},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};

/// Number of concurrent writes.
const AT_ONCE: usize = 64;

const CLIENT_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum number of retries under the opt-in policy.
const RETRIES: u32 = 8;

/// Share of attempts that get one of [`FAULTS`].
const HIT: f64 = 0.28;

/// Share of connections that are closed unread.
const UNREAD: f64 = 0.06;

/// One write of this many goes to a port where nothing listens.
const NOWHERE: usize = 67;

/// One write of this many has a deadline.
const WITH_DEADLINE: usize = 9;

/// Under the default policy, one write of this many has no retries, so that no second attempt hides how it ended.
const ONCE: usize = 11;

/// Of this many writes in a row, the server refuses new connections during the last ones.
const REFUSED: (usize, usize) = (400, 20);

// ------------------------------------------------------------------------------------------------------------- faults

/// When a request is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Execution {
    Never,
    Before,
    /// After the client has closed the connection.
    Late,
}
use Execution::{Before, Late, Never};

/// What is sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Nothing,
    Success,
    SuccessByteByByte,
    SuccessTwice,
    SuccessAfterHints,
    HalfHead,
    HalfBody,
    /// Truncated JSON in a whole response.
    HalfJson,
    LengthTooSmall,
    LengthTooLarge,
    Garbage,
    /// Status, a header, body.
    Status(u16, &'static str, &'static str),
    /// A status whose body never ends.
    BrokenOff(u16),
}
use Sent::{
    BrokenOff, Garbage, HalfBody, HalfHead, HalfJson, LengthTooLarge, LengthTooSmall, Nothing, Status, Success,
    SuccessAfterHints, SuccessByteByByte, SuccessTwice,
};

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Stay,
    Close,
    /// Closed with RST.
    Reset,
    /// Kept open in silence until the client closes it.
    Hang,
}
use Then::{Close, Hang, Reset, Stay};

/// What the client can know after an attempt that ends so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Done,
    No(Outcome),
    /// Rejected in the first attempt with a random key. Otherwise an earlier attempt may have been executed.
    Conflict,
}

#[derive(Debug)]
struct Fault {
    name: &'static str,
    executed: Execution,
    sent: Sent,
    then: Then,
    known: Known,
}

const fn fault(name: &'static str, executed: Execution, sent: Sent, then: Then, known: Known) -> Fault {
    Fault { name, executed, sent, then, known }
}

static NO_FAULT: Fault = fault("none", Before, Success, Stay, DONE);

const DONE: Known = Known::Done;
const NOT_SENT: Known = Known::No(Outcome::NotSent);
const REJECTED: Known = Known::No(Outcome::Rejected);
const UNKNOWN: Known = Known::No(Outcome::Unknown);
const CONFLICT: Known = Known::Conflict;

const DETAIL: &str = r#"{"detail":"no"}"#;
const HTML: &str = "<html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1></html>";
const NOW: &str = "retry-after: 0";
const LONG_AGO: &str = "retry-after: Sun, 06 Nov 1994 08:49:37 GMT";
const INVALID: &str = "retry-after: soon";
const HUGE: &str = "retry-after: 31536000";
const ERROR: &str = r#"{"code":"E1","message":"no"}"#;
// A client that followed the redirect would pay again.
const PAYMENTS: &str = "location: /api/payments/create";
const DISBURSEMENTS: &str = "location: /api/disbursements";

#[rustfmt::skip]
static FAULTS: &[Fault] = &[
    fault("closed, not executed", Never, Nothing, Close, UNKNOWN),
    fault("reset, not executed", Never, Nothing, Reset, UNKNOWN),
    fault("closed before the head", Before, Nothing, Close, UNKNOWN),
    fault("reset before the head", Before, Nothing, Reset, UNKNOWN),
    fault("closed in the head", Before, HalfHead, Close, UNKNOWN),
    fault("reset in the head", Before, HalfHead, Reset, UNKNOWN),
    fault("closed in the body", Before, HalfBody, Close, UNKNOWN),
    fault("reset in the body", Before, HalfBody, Reset, UNKNOWN),
    fault("closed after the response", Before, Success, Close, DONE),
    fault("reset after the response", Before, Success, Reset, DONE),
    fault("hangs, not executed", Never, Nothing, Hang, UNKNOWN),
    fault("hangs, executed", Before, Nothing, Hang, UNKNOWN),
    fault("hangs, executed after the client has gone", Late, Nothing, Hang, UNKNOWN),
    fault("hangs in the head", Before, HalfHead, Hang, UNKNOWN),
    fault("hangs in the body", Before, HalfBody, Hang, UNKNOWN),
    fault("drips", Before, SuccessByteByByte, Stay, DONE),
    fault("drips, then closes", Before, SuccessByteByByte, Close, DONE),
    fault("hints before the response", Before, SuccessAfterHints, Stay, DONE),
    fault("two responses", Before, SuccessTwice, Stay, DONE),
    fault("half of the JSON", Before, HalfJson, Stay, UNKNOWN),
    fault("length too small", Before, LengthTooSmall, Stay, UNKNOWN),
    fault("length too large, then closes", Before, LengthTooLarge, Close, UNKNOWN),
    fault("length too large, then hangs", Before, LengthTooLarge, Hang, UNKNOWN),
    fault("garbage, not executed", Never, Garbage, Close, UNKNOWN),
    fault("garbage, executed", Before, Garbage, Close, UNKNOWN),
    fault("200 in HTML, not executed", Never, Status(200, "", HTML), Stay, UNKNOWN),
    fault("200 with an error, not executed", Never, Status(200, "", DETAIL), Stay, UNKNOWN),
    fault("200 with an error, executed", Before, Status(200, "", ERROR), Stay, UNKNOWN),
    fault("204", Before, Status(204, "", ""), Stay, UNKNOWN),
    fault("302", Never, Status(302, PAYMENTS, ""), Stay, UNKNOWN),
    fault("303, executed", Before, Status(303, PAYMENTS, ""), Stay, UNKNOWN),
    fault("307 to payments", Never, Status(307, PAYMENTS, ""), Stay, UNKNOWN),
    fault("308 to payouts", Never, Status(308, DISBURSEMENTS, ""), Stay, UNKNOWN),
    fault("400", Never, Status(400, "", DETAIL), Stay, REJECTED),
    fault("401", Never, Status(401, "", DETAIL), Stay, REJECTED),
    fault("402", Never, Status(402, "", DETAIL), Stay, REJECTED),
    fault("406, executed", Before, Status(406, "", DETAIL), Stay, UNKNOWN),
    fault("408, not executed", Never, Status(408, "", DETAIL), Stay, UNKNOWN),
    fault("408, executed", Before, Status(408, NOW, DETAIL), Stay, UNKNOWN),
    fault("409", Never, Status(409, "", DETAIL), Stay, CONFLICT),
    fault("421", Never, Status(421, "", DETAIL), Stay, REJECTED),
    fault("422", Never, Status(422, "", DETAIL), Stay, REJECTED),
    fault("422 broken off", Never, BrokenOff(422), Close, REJECTED),
    fault("423", Never, Status(423, "", DETAIL), Stay, CONFLICT),
    fault("424, executed", Before, Status(424, "", DETAIL), Stay, UNKNOWN),
    fault("425", Never, Status(425, NOW, DETAIL), Stay, REJECTED),
    fault("429", Never, Status(429, "", DETAIL), Stay, NOT_SENT),
    fault("429, retry at once", Never, Status(429, NOW, DETAIL), Stay, NOT_SENT),
    fault("429, retry after a year", Never, Status(429, HUGE, DETAIL), Stay, NOT_SENT),
    fault("429 broken off", Never, BrokenOff(429), Reset, NOT_SENT),
    fault("444, executed", Before, Status(444, "", ""), Close, UNKNOWN),
    fault("460, executed", Before, Status(460, "", HTML), Stay, UNKNOWN),
    fault("499, executed", Before, Status(499, "", ""), Stay, UNKNOWN),
    fault("500, not executed", Never, Status(500, "", DETAIL), Stay, UNKNOWN),
    fault("500, executed", Before, Status(500, "", DETAIL), Stay, UNKNOWN),
    fault("500, retry at once, executed", Before, Status(500, NOW, DETAIL), Stay, UNKNOWN),
    fault("502, not executed", Never, Status(502, "", ""), Stay, UNKNOWN),
    fault("502 in HTML, not executed", Never, Status(502, "", HTML), Stay, UNKNOWN),
    fault("502 in HTML, executed", Before, Status(502, "", HTML), Close, UNKNOWN),
    fault("502 broken off, executed", Before, BrokenOff(502), Hang, UNKNOWN),
    fault("503, not executed", Never, Status(503, "", DETAIL), Stay, UNKNOWN),
    fault("503, executed", Before, Status(503, "", DETAIL), Stay, UNKNOWN),
    fault("503, invalid Retry-After, executed", Before, Status(503, INVALID, DETAIL), Stay, UNKNOWN),
    fault("503, retry at once, not executed", Never, Status(503, NOW, DETAIL), Stay, UNKNOWN),
    fault("503, retry at once, executed", Before, Status(503, NOW, DETAIL), Stay, UNKNOWN),
    fault("503, past Retry-After, not executed", Never, Status(503, LONG_AGO, HTML), Close, UNKNOWN),
    fault("503, past Retry-After, executed", Before, Status(503, LONG_AGO, HTML), Close, UNKNOWN),
    fault("503, retry after a year, executed", Before, Status(503, HUGE, HTML), Stay, UNKNOWN),
    fault("503, retry at once, executed after the client has gone", Late, Status(503, NOW, DETAIL), Hang, UNKNOWN),
    fault("504, not executed", Never, Status(504, "", HTML), Stay, UNKNOWN),
    fault("504, executed", Before, Status(504, "", HTML), Stay, UNKNOWN),
    fault("504, executed after the client has gone", Late, Status(504, "", DETAIL), Hang, UNKNOWN),
    fault("520, executed", Before, Status(520, "", HTML), Stay, UNKNOWN),
    fault("599, executed", Before, Status(599, "", ""), Stay, UNKNOWN),
];

/// The bytes of a response. `body` is that of a success.
fn bytes(sent: Sent, body: &str) -> Vec<u8> {
    let response = |status: u16, header: &str, length: usize, body: &str| {
        let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
        let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        let length = if status == 204 { String::new() } else { format!("content-length: {length}\r\n") };
        format!("HTTP/1.1 {status} Whatever\r\ncontent-type: {kind}\r\n{length}{header}\r\n{body}")
    };
    let success = || response(200, "", body.len(), body);
    let half = body.len() / 2;
    let text = match sent {
        Nothing => String::new(),
        Success | SuccessByteByByte => success(),
        SuccessTwice => success().repeat(2),
        SuccessAfterHints => {
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n".to_owned() + &success()
        }
        HalfHead => "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-le".to_owned(),
        HalfBody => response(200, "", body.len(), &body[..half]),
        HalfJson => response(200, "", half, &body[..half]),
        LengthTooSmall => response(200, "", half, body),
        LengthTooLarge => response(200, "", body.len() + 7, body),
        Garbage => return b"\x16\x03\x01\x00\xff\0\0 220 mail.example.com\r\n\r\n".to_vec(),
        Status(status, header, body) => response(status, header, body.len(), body),
        BrokenOff(status) => response(status, "", 1_000, DETAIL),
    };
    text.into_bytes()
}

/// A random source for each place where chance decides, so that concurrency changes little.
fn chance(seed: u64, place: [usize; 2]) -> fastrand::Rng {
    place.into_iter().fold(fastrand::Rng::with_seed(seed), |mut chance, part| {
        fastrand::Rng::with_seed(chance.u64(..) ^ (part as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    })
}

// ------------------------------------------------------------------------------------------------------------- ledger

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Ignored,
    /// A known key gets the first response again, and nothing is executed.
    Honoured,
}

/// The attempts of one write that arrived, and how often the write was executed.
#[derive(Debug, Default)]
struct Entry {
    executed: usize,
    key: String,
    attempts: Vec<&'static Fault>,
}

#[derive(Debug, Default)]
struct Ledger {
    entries: HashMap<usize, Entry>,
    /// The first response of each key.
    responses: HashMap<String, String>,
    deduplicated: usize,
    /// How often each fault was injected.
    faults: BTreeMap<&'static str, usize>,
    /// What no client may do.
    violations: Vec<String>,
}

impl Ledger {
    /// Executes the request, and returns the response body.
    fn execute(&mut self, request: &Received, keys: Keys) -> String {
        if let (Keys::Honoured, Some(response)) = (keys, self.responses.get(&request.key)) {
            self.deduplicated += 1;
            return response.clone();
        }
        self.entries.get_mut(&request.number).unwrap().executed += 1;
        let (field, number) = (if request.is_payment { "payment_id" } else { "disbursement_id" }, request.number);
        let response = format!(r#"{{"{field}":"done-{number}","status":"pending","currency":"UGX"}}"#);
        self.responses.insert(request.key.clone(), response.clone());
        response
    }
}

/// A complete request.
#[derive(Debug)]
struct Received {
    is_payment: bool,
    number: usize,
    key: String,
}

impl Received {
    /// `None` if the client closed the connection before the request was complete.
    async fn read(stream: &mut TcpStream) -> Option<Result<Self, String>> {
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
            let mut headers = head.lines().filter_map(|line| line.split_once(": "));
            headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
        };
        let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while bytes.len() < body_at + length {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        Some(Self::parse(&head, header("x-idempotency-key"), &bytes[body_at..]))
    }

    fn parse(head: &str, key: Option<&str>, body: &[u8]) -> Result<Self, String> {
        let wrong = |what: &str| format!("{what}: {head}{}", String::from_utf8_lossy(body));
        let body: Value = serde_json::from_slice(body).map_err(|error| wrong(&error.to_string()))?;
        let (is_payment, reference, amount) = match head.split(' ').take(2).collect::<Vec<_>>()[..] {
            ["POST", "/api/payments/create"] => (true, "/products/0/reference", "/amount"),
            ["POST", "/api/disbursements"] => (false, "/recipients/0/reference", "/recipients/0/amount"),
            _ => return Err(wrong("no payment and no payout")),
        };
        let reference = body.pointer(reference).and_then(Value::as_str).ok_or_else(|| wrong("no reference"))?;
        let number = reference.strip_prefix("order-").and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| wrong("another reference"))?;
        if body.pointer(amount).and_then(Value::as_str) != Some(&amount_of(number).to_string()) {
            return Err(wrong("another amount"));
        }
        let key = key.ok_or_else(|| wrong("no idempotency key"))?.to_owned();
        Ok(Self { is_payment, number, key })
    }
}

// ------------------------------------------------------------------------------------------------------------- server

/// A payments service behind a network that fails.
struct Service {
    seed: u64,
    keys: Keys,
    ledger: Mutex<Ledger>,
    connections: AtomicUsize,
}

impl Service {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// Records a request, and chooses its fault.
    fn arrived(&self, request: &Received) -> &'static Fault {
        let mut ledger = self.ledger();
        let entry = ledger.entries.entry(request.number).or_default();
        let mut chance = chance(self.seed, [request.number, entry.attempts.len()]);
        let fault = if chance.f64() < HIT { &FAULTS[chance.usize(..FAULTS.len())] } else { &NO_FAULT };
        entry.attempts.push(fault);
        let known = std::mem::replace(&mut entry.key, request.key.clone());
        if !known.is_empty() && known != request.key {
            ledger.violations.push(format!("write {} has the keys {known} and {}", request.number, request.key));
        }
        if fault.name != NO_FAULT.name {
            *ledger.faults.entry(fault.name).or_default() += 1;
        }
        fault
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut chance = chance(!self.seed, [self.connections.fetch_add(1, Ordering::Relaxed), 0]);
        stream.set_nodelay(true).unwrap();
        if chance.f64() < UNREAD {
            if chance.bool() {
                stream.set_zero_linger().unwrap();
            }
            return;
        }
        while let Some(request) = Received::read(&mut stream).await {
            let request = match request {
                Ok(request) => request,
                Err(violation) => return self.ledger().violations.push(violation),
            };
            let fault = self.arrived(&request);
            let body = match fault.executed {
                Before => self.ledger().execute(&request, self.keys),
                Never | Late => String::new(),
            };
            let bytes = bytes(fault.sent, &body);
            // The client may close the connection before it has read everything.
            if fault.sent == SuccessByteByByte {
                for byte in bytes {
                    let _ = stream.write_all(&[byte]).await;
                    tokio::task::yield_now().await;
                }
            } else {
                let _ = stream.write_all(&bytes).await;
            }
            match fault.then {
                Stay => continue,
                Close => {}
                Reset => stream.set_zero_linger().unwrap(),
                // Returns when the client closes the connection.
                Hang => while stream.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {},
            }
            if fault.executed == Late {
                self.ledger().execute(&request, self.keys);
            }
            return;
        }
    }
}

/// Accepts connections, or refuses them while it is closed.
struct Listener {
    address: SocketAddr,
    // Keeps the port while nothing listens.
    _port: TcpSocket,
    /// The last write that opened or closed it, and the task that accepts connections.
    state: tokio::sync::Mutex<(usize, Option<JoinHandle<()>>)>,
    service: Arc<Service>,
    /// Every connection has a copy.
    open: mpsc::Sender<()>,
}

impl Listener {
    /// Opens or closes it for the write of this number. An earlier number changes nothing.
    async fn set(&self, number: usize, is_open: bool) {
        let mut state = self.state.lock().await;
        if number < state.0 {
            return;
        }
        state.0 = number;
        if let Some(task) = state.1.take() {
            task.abort();
            // Its listener is gone then.
            let _ = task.await;
        }
        if is_open {
            let socket = reusable(self.address);
            let listener = socket.listen(1_024).unwrap();
            let (service, open) = (self.service.clone(), self.open.clone());
            state.1 = Some(tokio::spawn(async move {
                loop {
                    // A connection that fails before it is accepted concerns no other.
                    let Ok((stream, _)) = listener.accept().await else { continue };
                    let (service, open) = (service.clone(), open.clone());
                    tokio::spawn(async move {
                        service.serve(stream).await;
                        drop(open);
                    });
                }
            }));
        }
    }
}

/// A socket that others may share until one listens.
fn reusable(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

// ------------------------------------------------------------------------------------------------------------- writes

fn amount_of(number: usize) -> u64 {
    1_000 + number as u64
}

/// A write that succeeded: the id in the response, and the number of attempts.
type Done = (String, u32);

/// Even numbers collect a payment, odd ones pay out.
async fn make(client: &Client, number: usize, keys: Keys) -> Result<Done, Error> {
    let (reference, amount) = (format!("order-{number}"), amount_of(number));
    if number.is_multiple_of(2) {
        let payment = PaymentCreate::builder()
            .amount(amount)
            .currency("UGX")
            .payment_method(PaymentMethod::Mtn)
            .products(vec![JsonObject::from_iter([("reference", reference)])])
            .build();
        let response = options(client.payments().create(payment), number, keys).send_with_response().await?;
        Ok((response.payment_id.clone(), response.attempts()))
    } else {
        let phone = "+256711111111";
        let payout = DisbursementCreate::builder()
            .currency("UGX")
            .payment_method(PaymentMethod::Airtel)
            .recipients(vec![Recipient::builder().amount(amount).phone_number(phone).reference(reference).build()])
            .build();
        let response = options(client.disbursements().create(payout), number, keys).send_with_response().await?;
        Ok((response.disbursement_id.clone(), response.attempts()))
    }
}

/// Half of the writes carry a key of the caller, the others a random one.
fn options<T>(request: Request<T>, number: usize, keys: Keys) -> Request<T> {
    let is_sent_once = keys == Keys::Ignored && number.is_multiple_of(ONCE);
    let request = if is_sent_once { request.retry_policy(RetryPolicy::none()) } else { request };
    let request = if has_own_key(number) { request.idempotency_key(format!("key-{number}")) } else { request };
    if number.is_multiple_of(WITH_DEADLINE) { request.deadline(Duration::from_millis(500)) } else { request }
}

fn has_own_key(number: usize) -> bool {
    number % 4 < 2
}

fn builder(address: SocketAddr) -> ClientBuilder {
    let environment = Environment::Custom(format!("http://{address}/api"));
    Client::builder().environment(environment).api_key("key-1").client_id("client-1").timeout(CLIENT_TIMEOUT)
}

fn setting(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

// ---------------------------------------------------------------------------------------------------------------- run

/// One after the other: two runs at once would only make each other's timeouts.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Makes all writes with clients of this policy, and compares their results with the ledger.
async fn run(name: &str, policy: Option<RetryPolicy>, keys: Keys) {
    let _turn = TURN.lock().await;
    let seed = setting("PIAXIS_CHAOS_SEED", 1) as u64;
    let writes = setting("PIAXIS_CHAOS_WRITES", 2_000);
    let started = Instant::now();

    let port = reusable(SocketAddr::from(([127, 0, 0, 1], 0)));
    let nowhere = reusable(SocketAddr::from(([127, 0, 0, 1], 0)));
    let service = Arc::new(Service { seed, keys, ledger: Mutex::default(), connections: AtomicUsize::new(0) });
    let (open, mut all_closed) = mpsc::channel(1);
    let address = port.local_addr().unwrap();
    let listener =
        Arc::new(Listener { address, _port: port, state: Default::default(), service: service.clone(), open });
    listener.set(0, true).await;

    let attempts = Arc::new(AtomicUsize::new(0));
    let client_of = |address: SocketAddr| {
        let attempts = attempts.clone();
        let builder = builder(address).on_attempt(move |_| {
            attempts.fetch_add(1, Ordering::Relaxed);
        });
        match &policy {
            Some(policy) => builder.retry_policy(policy.clone()).build().unwrap(),
            None => builder.build().unwrap(),
        }
    };
    let lost = client_of(nowhere.local_addr().unwrap());
    let next = Arc::new(AtomicUsize::new(0));
    let shared = client_of(address);
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            // A client for each worker where much is retried, because a client has a retry budget.
            let client = if policy.is_some() { client_of(address) } else { shared.clone() };
            let (lost, next, listener) = (lost.clone(), next.clone(), listener.clone());
            tokio::spawn(async move {
                let mut results = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= writes {
                        return results;
                    }
                    if number % REFUSED.0 == REFUSED.0 - REFUSED.1 {
                        listener.set(number, false).await;
                    } else if number > 0 && number % REFUSED.0 == 0 {
                        listener.set(number, true).await;
                    }
                    let client = if number % NOWHERE == NOWHERE - 1 { &lost } else { &client };
                    // A write that stays pending fails the test.
                    let result = tokio::time::timeout(Duration::from_secs(120), make(client, number, keys)).await;
                    results.push((number, result.expect("a write stays pending")));
                }
            })
        })
        .collect();
    drop((lost, shared));
    let mut results = Vec::new();
    for worker in workers {
        results.extend(worker.await.unwrap());
    }

    // All clients are dropped, so every connection closes, and late executions have happened.
    listener.set(writes, false).await;
    drop(listener);
    let drained = tokio::time::timeout(Duration::from_secs(60), all_closed.recv()).await;
    assert_eq!(drained.expect("connections of clients that are gone stay open"), None);

    let mut ledger = service.ledger();
    let figures = Figures::of(&results, &mut ledger, attempts.load(Ordering::Relaxed));
    let seconds = started.elapsed().as_secs_f64();
    println!("chaos, {name}, seed {seed}: {writes} writes, {figures}, seconds {seconds:.1}");
    figures.check(name, seed, writes, &ledger);
}

/// Results of retries of writes with an unknown outcome.
#[derive(Debug, Default)]
struct Retried {
    /// Writes that succeeded in the end.
    resolved: usize,
    /// Attempts that only their key kept from being executed twice.
    deduplicated: usize,
    /// Writes that stayed unknown, though retries and time were left.
    out_of_budget: usize,
}

#[derive(Debug, Default)]
struct Figures {
    /// Attempts of all writes.
    attempts: usize,
    /// Attempts that never arrived: refused connections, and those that were closed unread.
    lost: usize,
    injected: usize,
    ok: usize,
    not_sent: usize,
    rejected: usize,
    unknown: usize,
    unknown_executed: usize,
    retried: Retried,
    duplicates: usize,
    broken: Vec<String>,
}

impl Figures {
    fn of(results: &[(usize, Result<Done, Error>)], ledger: &mut Ledger, attempts: usize) -> Self {
        let arrived: usize = ledger.entries.values().map(|entry| entry.attempts.len()).sum();
        let mut figures = Self {
            attempts,
            lost: attempts.saturating_sub(arrived),
            injected: ledger.faults.values().sum(),
            retried: Retried { deduplicated: ledger.deduplicated, ..Retried::default() },
            broken: std::mem::take(&mut ledger.violations),
            ..Self::default()
        };
        let reported: usize = results
            .iter()
            .map(|(_, result)| match result {
                Ok((_, attempts)) => *attempts as usize,
                Err(error) => error.attempts() as usize,
            })
            .sum();
        if reported != attempts {
            figures.broken.push(format!("{attempts} attempts were made, and {reported} are reported"));
        }
        for (number, result) in results {
            let entry = ledger.entries.entry(*number).or_default();
            figures.duplicates += usize::from(entry.executed > 1);
            if let Some(what) = figures.add(*number, result, entry) {
                let result = result.as_ref().map_err(ToString::to_string);
                let faults: Vec<_> = entry.attempts.iter().map(|fault| fault.name).collect();
                let times = entry.executed;
                figures.broken.push(format!("write {number}, {what}: executed {times} times, {result:?}, {faults:?}"));
            }
        }
        figures
    }

    /// Counts a write, and returns the promise that its result breaks.
    fn add(&mut self, number: usize, result: &Result<Done, Error>, entry: &Entry) -> Option<&'static str> {
        let attempts = match result {
            Ok((_, attempts)) => *attempts,
            Err(error) => error.attempts(),
        };
        let is_conflict_rejected = attempts == 1 && !has_own_key(number);
        let known: Vec<_> = entry
            .attempts
            .iter()
            .map(|fault| match fault.known {
                Known::Conflict if is_conflict_rejected => REJECTED,
                Known::Conflict => UNKNOWN,
                known => known,
            })
            .collect();
        let ended = |wanted: Known| known.contains(&wanted);
        let is_twice = entry.executed > 1;
        let wrong: &[(bool, &'static str)] = match result.as_ref().map_err(|error| (error, error.outcome())) {
            Ok((id, attempts)) => {
                self.ok += 1;
                self.retried.resolved += usize::from(*attempts > 1 && ended(UNKNOWN));
                &[
                    (entry.executed != 1, "Ok, but not executed once"),
                    (*id != format!("done-{number}"), "Ok with the response to another write"),
                    (!ended(DONE), "Ok without a success"),
                ]
            }
            Err((error, Outcome::NotSent)) => {
                self.not_sent += 1;
                let others = known.iter().any(|known| *known != NOT_SENT);
                // A connection can also be closed after it was made and before the request is written.
                let is_unsent = matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout);
                &[
                    (entry.executed != 0, "not sent, but executed"),
                    (others, "not sent, though an attempt ended in another way"),
                    (entry.attempts.is_empty() && !is_unsent, "not sent, without a reason"),
                ]
            }
            Err((error, Outcome::Rejected)) => {
                self.rejected += 1;
                &[
                    (entry.executed != 0, "rejected, but executed"),
                    (ended(UNKNOWN), "rejected, though an attempt may have been executed"),
                    (!ended(REJECTED), "rejected without a rejection"),
                    (!error.is_client_error(), "rejected without a 4xx status"),
                ]
            }
            Err((error, Outcome::Unknown)) => {
                self.unknown += 1;
                self.unknown_executed += entry.executed;
                let is_temporary = match error.status().map(|status| status.as_u16()) {
                    Some(status) => matches!(status, 408 | 429 | 444 | 460 | 499 | 500 | 502 | 503 | 504 | 520..=530),
                    None => matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout),
                };
                let is_soon = error.retry_after().unwrap_or_default() <= Duration::from_secs(30);
                let is_proven =
                    attempts == 1 && error.status().is_some() && matches!(known[..], [known] if known != UNKNOWN);
                let has_more = attempts <= RETRIES && !number.is_multiple_of(WITH_DEADLINE);
                self.retried.out_of_budget += usize::from(is_temporary && is_soon && has_more);
                &[
                    (is_proven, "unknown, though the status proves the outcome"),
                    (error.idempotency_key().is_none(), "unknown without the key to look it up"),
                    (!entry.key.is_empty() && error.idempotency_key() != Some(&entry.key), "unknown with another key"),
                ]
            }
            Err((_, Outcome::ReadFailed)) => &[(true, "a write that failed as a read")],
        };
        let executed_twice = (is_twice, "executed twice");
        wrong.iter().chain([&executed_twice]).find_map(|(is_wrong, what)| is_wrong.then_some(*what))
    }

    fn check(&self, name: &str, seed: u64, writes: usize, ledger: &Ledger) {
        let first = self.broken.iter().take(10).map(|line| format!("\n  {line}")).collect::<String>();
        assert!(self.broken.is_empty(), "{name}, seed {seed}: {} promises broken{first}", self.broken.len());
        assert_eq!(self.duplicates, 0, "{name}, seed {seed}");
        assert_eq!(self.ok + self.not_sent + self.rejected + self.unknown, writes, "{name}, seed {seed}");
        assert!(self.ok > writes / 2, "{name}, seed {seed}: too few successes to prove anything");
        if writes >= 4_000 {
            let missing: Vec<_> =
                FAULTS.iter().map(|fault| fault.name).filter(|name| !ledger.faults.contains_key(name)).collect();
            assert!(missing.is_empty(), "{name}, seed {seed}: never injected: {missing:?}");
            for (count, what) in [(self.not_sent, "not sent"), (self.rejected, "rejected"), (self.unknown, "unknown")] {
                assert!(count > 0, "{name}, seed {seed}: no write is {what}");
            }
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        let Self { attempts, lost, injected, ok, not_sent, rejected, unknown, unknown_executed, .. } = self;
        let faults = injected + lost;
        let percent = share(faults, *attempts);
        write!(f, "faults {faults} ({percent:.1} % of {attempts} attempts, {lost} never arrived), ok {ok}, ")?;
        write!(f, "not sent {not_sent}, rejected {rejected}, unknown {unknown} ")?;
        write!(f, "({:.2} %, {unknown_executed} executed), ", share(*unknown, ok + not_sent + rejected + unknown))?;
        let Retried { resolved, deduplicated, out_of_budget } = &self.retried;
        if resolved + deduplicated > 0 {
            write!(f, "resolved {resolved}, deduplicated {deduplicated}, out of budget {out_of_budget}, ")?;
        }
        write!(f, "duplicates {}", self.duplicates)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn default_policy_never_pays_twice_and_every_outcome_agrees_with_the_ledger() {
    run("default policy", None, Keys::Ignored).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_retried_with_their_key_are_executed_once_where_the_server_honours_keys() {
    let delays = (Duration::from_millis(5), Duration::from_millis(50));
    let policy =
        RetryPolicy::default().max_retries(RETRIES).backoff(delays.0, delays.1).retry_writes_with_idempotency_key();
    run("writes retried with their key", Some(policy), Keys::Honoured).await;
}

#[test]
fn faults_keep_the_rules_that_outcomes_rely_on() {
    for fault in FAULTS {
        let is_proven = matches!(fault.known, NOT_SENT | REJECTED | CONFLICT);
        assert!(!is_proven || fault.executed == Never, "{}: a rejected request must not be executed", fault.name);
        assert!(fault.executed != Late || fault.then == Hang, "{}", fault.name);
        assert_eq!(FAULTS.iter().filter(|other| other.name == fault.name).count(), 1, "{}", fault.name);
    }
    // A 503 is no proof: each kind is injected with and without execution.
    let of = |executed| {
        let is_503 = move |fault: &&Fault| matches!(fault.sent, Status(503, ..)) && fault.executed == executed;
        FAULTS.iter().filter(is_503).filter_map(|fault| match fault.sent {
            Status(_, header, _) => Some(header),
            _ => None,
        })
    };
    for header in of(Never) {
        assert!(of(Before).any(|other| other == header), "503 with {header:?} is never executed");
    }
}
