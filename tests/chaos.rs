//! Chaos: payments and payouts over connections that fail in every way, held against a ledger of what was carried out.
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

/// How many calls are under way at the same time.
const AT_ONCE: usize = 64;

const CLIENT_TIMEOUT: Duration = Duration::from_millis(300);

/// Repetitions under the opted-in policy.
const RETRIES: u32 = 8;

/// How many requests are hit by one of [`FAULTS`].
const HIT: f64 = 0.28;

/// How many connections are closed unread.
const UNREAD: f64 = 0.06;

/// One call of so many goes to a port at which nobody listens.
const NOWHERE: usize = 67;

/// One call of so many has a deadline.
const WITH_DEADLINE: usize = 9;

/// Where nothing unknown is sent again, one call of so many is sent once, so that no second attempt hides how it ended.
const ONCE: usize = 11;

/// Of so many calls in a row, the server refuses new connections during the last ones.
const DOOR: (usize, usize) = (400, 20);

// ------------------------------------------------------------------------------------------------------------- faults

/// When a request is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carried {
    Never,
    Before,
    /// Once the client has hung up.
    Late,
}
use Carried::{Before, Late, Never};

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
    /// JSON that ends too early, in an answer that does not.
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
    /// Kept open in silence until the client hangs up.
    Hang,
}
use Then::{Close, Hang, Reset, Stay};

/// What the client can know of a request that ends so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Done,
    No(Outcome),
}

#[derive(Debug)]
struct Fault {
    name: &'static str,
    carried: Carried,
    sent: Sent,
    then: Then,
    known: Known,
}

const fn fault(name: &'static str, carried: Carried, sent: Sent, then: Then, known: Known) -> Fault {
    Fault { name, carried, sent, then, known }
}

static NO_FAULT: Fault = fault("none", Before, Success, Stay, DONE);

const DONE: Known = Known::Done;
const NOT_SENT: Known = Known::No(Outcome::NotSent);
const REJECTED: Known = Known::No(Outcome::Rejected);
const UNKNOWN: Known = Known::No(Outcome::Unknown);

const DETAIL: &str = r#"{"detail":"no"}"#;
const HTML: &str = "<html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1></html>";
const NOW: &str = "retry-after: 0";
const LONG_AGO: &str = "retry-after: Sun, 06 Nov 1994 08:49:37 GMT";
const SOME_TIME: &str = "retry-after: soon";
// To where a client that followed would pay again.
const PAYMENTS: &str = "location: /api/payments/create";
const DISBURSEMENTS: &str = "location: /api/disbursements";

#[rustfmt::skip]
static FAULTS: [Fault; 57] = [
    fault("closed before it is carried out", Never, Nothing, Close, UNKNOWN),
    fault("reset before it is carried out", Never, Nothing, Reset, UNKNOWN),
    fault("closed before the head", Before, Nothing, Close, UNKNOWN),
    fault("reset before the head", Before, Nothing, Reset, UNKNOWN),
    fault("closed in the head", Before, HalfHead, Close, UNKNOWN),
    fault("reset in the head", Before, HalfHead, Reset, UNKNOWN),
    fault("closed in the body", Before, HalfBody, Close, UNKNOWN),
    fault("reset in the body", Before, HalfBody, Reset, UNKNOWN),
    fault("closed after the answer", Before, Success, Close, DONE),
    fault("reset after the answer", Before, Success, Reset, DONE),
    fault("hangs, not carried out", Never, Nothing, Hang, UNKNOWN),
    fault("hangs, carried out", Before, Nothing, Hang, UNKNOWN),
    fault("hangs, carried out when the client has gone", Late, Nothing, Hang, UNKNOWN),
    fault("hangs in the head", Before, HalfHead, Hang, UNKNOWN),
    fault("hangs in the body", Before, HalfBody, Hang, UNKNOWN),
    fault("drips", Before, SuccessByteByByte, Stay, DONE),
    fault("drips, then closes", Before, SuccessByteByByte, Close, DONE),
    fault("hints before the answer", Before, SuccessAfterHints, Stay, DONE),
    fault("answers twice", Before, SuccessTwice, Stay, DONE),
    fault("half of the JSON", Before, HalfJson, Stay, UNKNOWN),
    fault("length too small", Before, LengthTooSmall, Stay, UNKNOWN),
    fault("length too large, then closes", Before, LengthTooLarge, Close, UNKNOWN),
    fault("length too large, then hangs", Before, LengthTooLarge, Hang, UNKNOWN),
    fault("garbage, not carried out", Never, Garbage, Close, UNKNOWN),
    fault("garbage, carried out", Before, Garbage, Close, UNKNOWN),
    fault("200 in HTML, not carried out", Never, Status(200, "", HTML), Stay, UNKNOWN),
    fault("204", Before, Status(204, "", ""), Stay, UNKNOWN),
    fault("302", Never, Status(302, PAYMENTS, ""), Stay, UNKNOWN),
    fault("307 to payments", Never, Status(307, PAYMENTS, ""), Stay, UNKNOWN),
    fault("308 to payouts", Never, Status(308, DISBURSEMENTS, ""), Stay, UNKNOWN),
    fault("400", Never, Status(400, "", DETAIL), Stay, REJECTED),
    fault("401", Never, Status(401, "", DETAIL), Stay, REJECTED),
    fault("409", Never, Status(409, "", DETAIL), Stay, REJECTED),
    fault("422", Never, Status(422, "", DETAIL), Stay, REJECTED),
    fault("422 broken off", Never, BrokenOff(422), Close, REJECTED),
    fault("425", Never, Status(425, NOW, DETAIL), Stay, REJECTED),
    fault("408, not carried out", Never, Status(408, "", DETAIL), Stay, UNKNOWN),
    fault("408, carried out", Before, Status(408, NOW, DETAIL), Stay, UNKNOWN),
    fault("429", Never, Status(429, "", DETAIL), Stay, NOT_SENT),
    fault("429, again at once", Never, Status(429, NOW, DETAIL), Stay, NOT_SENT),
    fault("429 broken off", Never, BrokenOff(429), Reset, NOT_SENT),
    fault("500, not carried out", Never, Status(500, "", DETAIL), Stay, UNKNOWN),
    fault("500, carried out", Before, Status(500, "", DETAIL), Stay, UNKNOWN),
    fault("500, again at once, carried out", Before, Status(500, NOW, DETAIL), Stay, UNKNOWN),
    fault("502 in HTML, not carried out", Never, Status(502, "", HTML), Stay, UNKNOWN),
    fault("502 in HTML, carried out", Before, Status(502, "", HTML), Close, UNKNOWN),
    fault("502 broken off, carried out", Before, BrokenOff(502), Hang, UNKNOWN),
    fault("502, not carried out", Never, Status(502, "", ""), Stay, UNKNOWN),
    fault("503, not carried out", Never, Status(503, "", DETAIL), Stay, UNKNOWN),
    fault("503, carried out", Before, Status(503, "", DETAIL), Stay, UNKNOWN),
    fault("503, again at some time, carried out", Before, Status(503, SOME_TIME, DETAIL), Stay, UNKNOWN),
    fault("503, again at once", Never, Status(503, NOW, DETAIL), Stay, NOT_SENT),
    fault("503, again since long ago", Never, Status(503, LONG_AGO, HTML), Close, NOT_SENT),
    fault("504, not carried out", Never, Status(504, "", HTML), Stay, UNKNOWN),
    fault("504, carried out", Before, Status(504, "", HTML), Stay, UNKNOWN),
    fault("504, carried out when the client has gone", Late, Status(504, "", DETAIL), Hang, UNKNOWN),
    fault("599, carried out", Before, Status(599, "", ""), Stay, UNKNOWN),
];

/// The bytes of an answer; `body` is that of a success.
fn bytes(sent: Sent, body: &str) -> Vec<u8> {
    let answer = |status: u16, header: &str, length: usize, body: &str| {
        let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
        let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        let length = if status == 204 { String::new() } else { format!("content-length: {length}\r\n") };
        format!("HTTP/1.1 {status} Whatever\r\ncontent-type: {kind}\r\n{length}{header}\r\n{body}")
    };
    let success = || answer(200, "", body.len(), body);
    let half = body.len() / 2;
    let text = match sent {
        Nothing => String::new(),
        Success | SuccessByteByByte => success(),
        SuccessTwice => success().repeat(2),
        SuccessAfterHints => {
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n".to_owned() + &success()
        }
        HalfHead => "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-le".to_owned(),
        HalfBody => answer(200, "", body.len(), &body[..half]),
        HalfJson => answer(200, "", half, &body[..half]),
        LengthTooSmall => answer(200, "", half, body),
        LengthTooLarge => answer(200, "", body.len() + 7, body),
        Garbage => return b"\x16\x03\x01\x00\xff\0\0 220 mail.example.com\r\n\r\n".to_vec(),
        Status(status, header, body) => answer(status, header, body.len(), body),
        BrokenOff(status) => answer(status, "", 1_000, DETAIL),
    };
    text.into_bytes()
}

/// A random source of its own for each place at which chance decides, so that concurrency changes little.
fn chance(seed: u64, place: [usize; 2]) -> fastrand::Rng {
    place.into_iter().fold(fastrand::Rng::with_seed(seed), |mut chance, part| {
        fastrand::Rng::with_seed(chance.u64(..) ^ (part as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    })
}

// ------------------------------------------------------------------------------------------------------------- ledger

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Ignored,
    /// The same key gets the first answer again, and is not carried out again.
    Honoured,
}

/// What came of one call to the server, and what it did.
#[derive(Debug, Default)]
struct Entry {
    carried_out: usize,
    key: String,
    requests: Vec<&'static Fault>,
}

#[derive(Debug, Default)]
struct Ledger {
    entries: HashMap<usize, Entry>,
    /// Of each key, the first answer.
    answers: HashMap<String, String>,
    answered_again: usize,
    /// How often each fault was injected.
    faults: BTreeMap<&'static str, usize>,
    /// What no client may do.
    offences: Vec<String>,
}

impl Ledger {
    /// Does what was asked for, and gives the body of the answer.
    fn carry_out(&mut self, request: &Received, keys: Keys) -> String {
        if let (Keys::Honoured, Some(answer)) = (keys, self.answers.get(&request.key)) {
            self.answered_again += 1;
            return answer.clone();
        }
        self.entries.get_mut(&request.call).unwrap().carried_out += 1;
        let (field, call) = (if request.is_payment { "payment_id" } else { "disbursement_id" }, request.call);
        let answer = format!(r#"{{"{field}":"done-{call}","status":"pending","currency":"UGX"}}"#);
        self.answers.insert(request.key.clone(), answer.clone());
        answer
    }
}

/// A request that is complete and says what the call wants.
#[derive(Debug)]
struct Received {
    is_payment: bool,
    call: usize,
    key: String,
}

impl Received {
    /// `None` if the client hung up before it was complete.
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
        let call = reference.strip_prefix("call-").and_then(|call| call.parse().ok());
        let call = call.ok_or_else(|| wrong("another reference"))?;
        if body.pointer(amount).and_then(Value::as_str) != Some(&amount_of(call).to_string()) {
            return Err(wrong("another amount"));
        }
        let key = key.ok_or_else(|| wrong("no idempotency key"))?.to_owned();
        Ok(Self { is_payment, call, key })
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

    /// Writes a request down, and decides what becomes of it.
    fn arrived(&self, request: &Received) -> &'static Fault {
        let mut ledger = self.ledger();
        let entry = ledger.entries.entry(request.call).or_default();
        let mut chance = chance(self.seed, [request.call, entry.requests.len()]);
        let fault = if chance.f64() < HIT { &FAULTS[chance.usize(..FAULTS.len())] } else { &NO_FAULT };
        entry.requests.push(fault);
        let known = std::mem::replace(&mut entry.key, request.key.clone());
        if !known.is_empty() && known != request.key {
            ledger.offences.push(format!("call {} came with the keys {known} and {}", request.call, request.key));
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
                Err(offence) => return self.ledger().offences.push(offence),
            };
            let fault = self.arrived(&request);
            let body = match fault.carried {
                Before => self.ledger().carry_out(&request, self.keys),
                Never | Late => String::new(),
            };
            let bytes = bytes(fault.sent, &body);
            // The client may hang up before it has read everything.
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
                // Returns when the client hangs up.
                Hang => while stream.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {},
            }
            if fault.carried == Late {
                self.ledger().carry_out(&request, self.keys);
            }
            return;
        }
    }
}

/// Where connections are accepted, or refused while it is closed.
struct Door {
    address: SocketAddr,
    // Keeps the port while nobody listens.
    _port: TcpSocket,
    /// The last call that moved the door, and who listens.
    state: tokio::sync::Mutex<(usize, Option<JoinHandle<()>>)>,
    service: Arc<Service>,
    /// Every connection has a copy.
    open: mpsc::Sender<()>,
}

impl Door {
    /// For call `call`, opens or closes it. A call that comes late changes nothing.
    async fn set(&self, call: usize, is_open: bool) {
        let mut state = self.state.lock().await;
        if call < state.0 {
            return;
        }
        state.0 = call;
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
                    // What is said of a connection that failed before it was accepted concerns no other.
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

// -------------------------------------------------------------------------------------------------------------- calls

fn amount_of(call: usize) -> u64 {
    1_000 + call as u64
}

/// A call that succeeded: the id that it was given, and how often it was sent.
type Done = (String, u32);

/// Even calls collect a payment, odd ones pay out.
async fn make(client: &Client, call: usize, keys: Keys) -> Result<Done, Error> {
    let (reference, amount) = (format!("call-{call}"), amount_of(call));
    if call.is_multiple_of(2) {
        let payment = PaymentCreate::builder()
            .amount(amount)
            .currency("UGX")
            .payment_method(PaymentMethod::Mtn)
            .products(vec![JsonObject::from_iter([("reference", reference)])])
            .build();
        let answer = options(client.payments().create(payment), call, keys).send_with_response().await?;
        Ok((answer.payment_id.clone(), answer.attempts()))
    } else {
        let phone = "+256711111111";
        let payout = DisbursementCreate::builder()
            .currency("UGX")
            .payment_method(PaymentMethod::Airtel)
            .recipients(vec![Recipient::builder().amount(amount).phone_number(phone).reference(reference).build()])
            .build();
        let answer = options(client.disbursements().create(payout), call, keys).send_with_response().await?;
        Ok((answer.disbursement_id.clone(), answer.attempts()))
    }
}

/// Half of the calls name their key; the others leave it to the client.
fn options<T>(request: Request<T>, call: usize, keys: Keys) -> Request<T> {
    let is_sent_once = keys == Keys::Ignored && call.is_multiple_of(ONCE);
    let request = if is_sent_once { request.retry_policy(RetryPolicy::none()) } else { request };
    let request = if call % 4 < 2 { request.idempotency_key(format!("key-{call}")) } else { request };
    if call.is_multiple_of(WITH_DEADLINE) { request.deadline(Duration::from_millis(500)) } else { request }
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

/// Makes all calls with clients of this policy, and holds what they say against the ledger.
async fn run(name: &str, policy: Option<RetryPolicy>, keys: Keys) {
    let _turn = TURN.lock().await;
    let seed = setting("PIAXIS_CHAOS_SEED", 1) as u64;
    let calls = setting("PIAXIS_CHAOS_CALLS", 2_000);
    let started = Instant::now();

    let port = reusable(SocketAddr::from(([127, 0, 0, 1], 0)));
    let nowhere = reusable(SocketAddr::from(([127, 0, 0, 1], 0)));
    let service = Arc::new(Service { seed, keys, ledger: Mutex::default(), connections: AtomicUsize::new(0) });
    let (open, mut all_closed) = mpsc::channel(1);
    let address = port.local_addr().unwrap();
    let door = Arc::new(Door { address, _port: port, state: Default::default(), service: service.clone(), open });
    door.set(0, true).await;

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
            // A client for each when much is repeated: each has a budget of repetitions.
            let client = if policy.is_some() { client_of(address) } else { shared.clone() };
            let (lost, next, door) = (lost.clone(), next.clone(), door.clone());
            tokio::spawn(async move {
                let mut results = Vec::new();
                loop {
                    let call = next.fetch_add(1, Ordering::Relaxed);
                    if call >= calls {
                        return results;
                    }
                    if call % DOOR.0 == DOOR.0 - DOOR.1 {
                        door.set(call, false).await;
                    } else if call > 0 && call % DOOR.0 == 0 {
                        door.set(call, true).await;
                    }
                    let client = if call % NOWHERE == NOWHERE - 1 { &lost } else { &client };
                    // Only so that a call without an end is a failure and not a hang.
                    let result = tokio::time::timeout(Duration::from_secs(120), make(client, call, keys)).await;
                    results.push((call, result.expect("a call never ended")));
                }
            })
        })
        .collect();
    drop((lost, shared));
    let mut results = Vec::new();
    for worker in workers {
        results.extend(worker.await.unwrap());
    }

    // All clients are gone now, so that every connection ends, and what is carried out late has been.
    door.set(calls, false).await;
    drop(door);
    let drained = tokio::time::timeout(Duration::from_secs(60), all_closed.recv()).await;
    assert_eq!(drained.expect("connections of clients that are gone stay open"), None);

    let mut ledger = service.ledger();
    let figures = Figures::of(&results, &mut ledger, attempts.load(Ordering::Relaxed));
    let seconds = started.elapsed().as_secs_f64();
    println!("chaos, {name}, seed {seed}: {calls} calls, {figures}, seconds {seconds:.1}");
    figures.check(name, seed, calls, &ledger);
}

/// What came of sending writes again of which nobody knew what had become.
#[derive(Debug, Default)]
struct Repeated {
    /// Calls that succeeded in the end.
    resolved: usize,
    /// Requests that would have been carried out twice without their key.
    answered_again: usize,
    /// Calls that stayed unknown, though there were repetitions and time left.
    out_of_budget: usize,
}

#[derive(Debug, Default)]
struct Figures {
    /// Requests that were sent, or tried to.
    attempts: usize,
    /// Those of them that never came to the server: refused connections, and those that it closed unread.
    lost: usize,
    injected: usize,
    ok: usize,
    not_sent: usize,
    rejected: usize,
    unknown: usize,
    unknown_carried_out: usize,
    repeated: Repeated,
    duplicates: usize,
    broken: Vec<String>,
}

impl Figures {
    fn of(results: &[(usize, Result<Done, Error>)], ledger: &mut Ledger, attempts: usize) -> Self {
        let arrived: usize = ledger.entries.values().map(|entry| entry.requests.len()).sum();
        let mut figures = Self {
            attempts,
            lost: attempts.saturating_sub(arrived),
            injected: ledger.faults.values().sum(),
            repeated: Repeated { answered_again: ledger.answered_again, ..Repeated::default() },
            broken: std::mem::take(&mut ledger.offences),
            ..Self::default()
        };
        let told: usize = results
            .iter()
            .map(|(_, result)| match result {
                Ok((_, attempts)) => *attempts as usize,
                Err(error) => error.attempts() as usize,
            })
            .sum();
        if told != attempts {
            figures.broken.push(format!("{attempts} attempts were made, and {told} are told of"));
        }
        for (call, result) in results {
            let entry = ledger.entries.entry(*call).or_default();
            figures.duplicates += usize::from(entry.carried_out > 1);
            if let Some(what) = figures.add(*call, result, entry) {
                let result = result.as_ref().map_err(ToString::to_string);
                let faults: Vec<_> = entry.requests.iter().map(|fault| fault.name).collect();
                let times = entry.carried_out;
                figures.broken.push(format!("call {call}, {what}: carried out {times} times, {result:?}, {faults:?}"));
            }
        }
        figures
    }

    /// Counts a call; says what is wrong with it.
    fn add(&mut self, call: usize, result: &Result<Done, Error>, entry: &Entry) -> Option<&'static str> {
        let ended = |known: Known| entry.requests.iter().any(|fault| fault.known == known);
        let is_twice = entry.carried_out > 1;
        let wrong: &[(bool, &'static str)] = match result {
            Ok((id, attempts)) => {
                self.ok += 1;
                self.repeated.resolved += usize::from(*attempts > 1 && ended(UNKNOWN));
                &[
                    (entry.carried_out != 1, "Ok, but not carried out once"),
                    (*id != format!("done-{call}"), "Ok with the answer to another call"),
                    (!ended(DONE), "Ok without a success"),
                ]
            }
            Err(error) if error.outcome() == Outcome::NotSent => {
                self.not_sent += 1;
                let others = entry.requests.iter().any(|fault| fault.known != NOT_SENT);
                &[
                    (entry.carried_out != 0, "not sent, but carried out"),
                    (others, "not sent, though a request ended in another way"),
                    (entry.requests.is_empty() && !error.is_connect(), "not sent, without a reason"),
                ]
            }
            Err(error) if error.outcome() == Outcome::Rejected => {
                self.rejected += 1;
                &[
                    (entry.carried_out != 0, "rejected, but carried out"),
                    (!ended(REJECTED), "rejected without a refusal"),
                    (!error.is_client_error(), "rejected without a status that says so"),
                ]
            }
            Err(error) => {
                self.unknown += 1;
                self.unknown_carried_out += entry.carried_out;
                let is_temporary = match error.status() {
                    Some(status) => matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504),
                    None => matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout),
                };
                let is_told = error.attempts() == 1
                    && error.status().is_some()
                    && matches!(entry.requests[..], [fault] if fault.known != UNKNOWN);
                let has_more = error.attempts() <= RETRIES && !call.is_multiple_of(WITH_DEADLINE);
                self.repeated.out_of_budget += usize::from(is_temporary && has_more);
                &[
                    (error.outcome() != Outcome::Unknown, "an outcome that is new"),
                    (is_told, "unknown, though the answer tells"),
                    (error.idempotency_key().is_none(), "unknown, and the key to look it up is lost"),
                    (!entry.key.is_empty() && error.idempotency_key() != Some(&entry.key), "unknown with another key"),
                ]
            }
        };
        let carried_twice = (is_twice, "carried out twice");
        wrong.iter().chain([&carried_twice]).find_map(|(is_wrong, what)| is_wrong.then_some(*what))
    }

    fn check(&self, name: &str, seed: u64, calls: usize, ledger: &Ledger) {
        let first = self.broken.iter().take(10).map(|line| format!("\n  {line}")).collect::<String>();
        assert!(self.broken.is_empty(), "{name}, seed {seed}: {} promises broken{first}", self.broken.len());
        assert_eq!(self.duplicates, 0, "{name}, seed {seed}");
        assert_eq!(self.ok + self.not_sent + self.rejected + self.unknown, calls, "{name}, seed {seed}");
        assert!(self.ok > calls / 2, "{name}, seed {seed}: hardly anything succeeds, which proves little");
        if calls >= 4_000 {
            let missing: Vec<_> =
                FAULTS.iter().map(|fault| fault.name).filter(|name| !ledger.faults.contains_key(name)).collect();
            assert!(missing.is_empty(), "{name}, seed {seed}: never injected: {missing:?}");
            for (count, what) in [(self.not_sent, "not sent"), (self.rejected, "rejected"), (self.unknown, "unknown")] {
                assert!(count > 0, "{name}, seed {seed}: no call is {what}");
            }
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        let Self { attempts, lost, injected, ok, not_sent, rejected, unknown, unknown_carried_out, .. } = self;
        let faults = injected + lost;
        let percent = share(faults, *attempts);
        write!(f, "faults {faults} ({percent:.1} % of {attempts} requests, {lost} never came), ok {ok}, ")?;
        write!(f, "not sent {not_sent}, rejected {rejected}, unknown {unknown} ")?;
        write!(
            f,
            "({:.2} %, {unknown_carried_out} carried out), ",
            share(*unknown, ok + not_sent + rejected + unknown)
        )?;
        let Repeated { resolved, answered_again, out_of_budget } = &self.repeated;
        if resolved + answered_again > 0 {
            write!(f, "resolved {resolved}, answered again {answered_again}, out of budget {out_of_budget}, ")?;
        }
        write!(f, "duplicates {}", self.duplicates)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_paid_twice_and_every_outcome_is_true_though_the_server_honours_no_keys() {
    run("default policy", None, Keys::Ignored).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_sent_again_with_their_key_are_done_once_where_the_server_honours_keys() {
    let delays = (Duration::from_millis(5), Duration::from_millis(50));
    let policy =
        RetryPolicy::default().max_retries(RETRIES).backoff(delays.0, delays.1).retry_writes_with_idempotency_key();
    run("writes repeated with their key", Some(policy), Keys::Honoured).await;
}

#[test]
fn the_faults_keep_the_rules_that_outcomes_rely_on() {
    for fault in &FAULTS {
        let is_told = matches!(fault.known, NOT_SENT | REJECTED);
        assert!(!is_told || fault.carried == Never, "{}: what the API says it did not do, it may not do", fault.name);
        assert!(fault.carried != Late || fault.then == Hang, "{}", fault.name);
        assert_eq!(FAULTS.iter().filter(|other| other.name == fault.name).count(), 1, "{}", fault.name);
    }
}
