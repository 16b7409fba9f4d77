//! Requests that no client sends, over raw TCP: each gets a response or a close, and the emulator goes on.
//!
//! A binary of its own, because the panic hook is global and counts the panics of all tasks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod tested;
}

use std::{
    sync::{
        Mutex, Once,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use piaxis_emulator::Emulator;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::tested::{Tested, builder, start, started};

static PANICS: AtomicUsize = AtomicUsize::new(0);
static FIRST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Counts panics of all tasks, which the runtime would swallow.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_own = info.location().is_some_and(|at| at.file().ends_with("tests/hostile.rs"));
            if !is_own && PANICS.fetch_add(1, Ordering::SeqCst) == 0 {
                *FIRST_PANIC.lock().unwrap() = info.to_string();
            }
            before(info);
        }));
    });
}

/// Fails where anything panicked, or the emulator does not serve any more.
async fn check_alive(emulator: &Tested, case: &str) {
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "{case}: {}", FIRST_PANIC.lock().unwrap());
    let request = request(emulator, "GET", "/api/merchant-payments?limit=1", "", "");
    let response = exchange(emulator, request.as_bytes()).await.expect("a response");
    assert_eq!(response.status, 200, "{case}: {}", response.text());
}

#[derive(Debug)]
struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Response {
    /// The first response of these bytes, and how long it is.
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        let body = bytes.get(end..end + length)?.to_vec();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some((Self { status, head, body }, end + length))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(500).collect()
    }

    /// Fails where an error of the API has another shape than the contract's. HTTP errors have no body.
    #[track_caller]
    fn check_shape(&self, case: &str) {
        if self.status < 400 || self.body.is_empty() {
            return;
        }
        assert!(self.head.contains("content-type: application/json"), "{case}: {}", self.head);
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let is_fit = match &body["detail"] {
            Value::String(text) => !text.is_empty(),
            Value::Object(coded) => is_text(&coded["code"]) && is_text(&coded["message"]),
            Value::Array(problems) => {
                let is_problem = |problem: &Value| {
                    problem["loc"].is_array() && is_text(&problem["msg"]) && is_text(&problem["type"])
                };
                !problems.is_empty() && problems.len() <= 100 && problems.iter().all(is_problem)
            }
            _ => is_text(&body["error"]),
        };
        assert!(is_fit, "{case}: {body}");
    }
}

async fn connect(emulator: &Emulator) -> TcpStream {
    let address = emulator.base_url();
    let address = address.strip_prefix("http://").unwrap().strip_suffix("/api").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// Sends these bytes, and returns the response; `None` where the connection is closed without one.
async fn exchange(emulator: &Emulator, bytes: &[u8]) -> Option<Response> {
    let (mut reader, mut writer) = connect(emulator).await.into_split();
    let bytes = bytes.to_vec();
    let writing = tokio::spawn(async move {
        // The emulator may close the connection before everything is sent.
        let _ = writer.write_all(&bytes).await;
        writer
    });
    let mut received = Vec::new();
    let read = async {
        loop {
            if let Some((response, _)) = Response::parse(&received) {
                return Some(response);
            }
            if reader.read_buf(&mut received).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    };
    let response = tokio::time::timeout(Duration::from_secs(20), read).await.expect("a response or a close");
    writing.abort();
    response
}

/// Sends these bytes, of which the last request closes the connection, and returns all responses.
async fn exchange_all(emulator: &Emulator, bytes: &[u8]) -> Vec<Response> {
    let mut stream = connect(emulator).await;
    stream.write_all(bytes).await.unwrap();
    let mut received = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut received)).await;
    let _ = read.expect("the connection ends");
    let (mut responses, mut at) = (Vec::new(), 0);
    while let Some((response, length)) = Response::parse(&received[at..]) {
        responses.push(response);
        at += length;
    }
    assert_eq!(at, received.len(), "{:?}", String::from_utf8_lossy(&received[at..]));
    responses
}

/// A request with credentials, further header lines, and a body.
fn request(emulator: &Emulator, method: &str, path: &str, headers: &str, body: &str) -> String {
    let merchant = emulator.default_merchant();
    let (key, client_id) = (merchant.api_key().expose().to_owned(), merchant.client_id());
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\napi-key: {key}\r\nx-piaxis-client-id: {client_id}\r\n");
    let lower = headers.to_ascii_lowercase();
    if !body.is_empty() && !lower.contains("content-type") {
        head += "content-type: application/json\r\n";
    }
    if !body.is_empty() && !lower.contains("content-length") && !lower.contains("transfer-encoding") {
        head += &format!("content-length: {}\r\n", body.len());
    }
    format!("{head}{headers}\r\n{body}")
}

const PAYMENTS: &str = "/api/payments/create";
const PAYMENT: &str =
    r#"{"amount":1,"currency":"UGX","payment_method":"mtn","user_info":{"phone_number":"+256700000000"}}"#;

fn pay(emulator: &Emulator, headers: &str, body: &str) -> String {
    request(emulator, "POST", PAYMENTS, headers, body)
}

fn payments(emulator: &Emulator) -> usize {
    let is_payment = |request: &&piaxis_emulator::RecordedRequest| {
        request.operation == Some("payments_create") && request.status == Some(200)
    };
    emulator.requests().iter().filter(is_payment).count()
}

/// Sends each request; it must have one of the statuses, 0 for a close without a response, and make no payment.
async fn rejected(emulator: &Tested, cases: Vec<(String, Vec<u8>, &[u16])>) {
    let mut wrong = Vec::new();
    for (case, bytes, statuses) in cases {
        let before = payments(emulator);
        let response = exchange(emulator, &bytes).await;
        let status = response.as_ref().map_or(0, |response| response.status);
        let shown = response.as_ref().map(Response::text);
        if !statuses.contains(&status) {
            wrong.push(format!("{case}: {status}, expected {statuses:?}: {shown:?}"));
        } else if payments(emulator) != before {
            wrong.push(format!("{case}: executed"));
        }
        if let Some(response) = response {
            response.check_shape(&case);
        }
        check_alive(emulator, &case).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn case<'a>(name: &str, bytes: impl Into<Vec<u8>>, statuses: &'a [u16]) -> (String, Vec<u8>, &'a [u16]) {
    (name.to_owned(), bytes.into(), statuses)
}

#[tokio::test]
async fn oversized_bodies_are_rejected() {
    watch_panics();
    let emulator = start().await;
    let mega = 1024 * 1024;
    let long = format!("{{\"amount\":\"{}\"}}", "1".repeat(mega));
    let chunked = |body: &str| {
        let chunks = body
            .as_bytes()
            .chunks(60_000)
            .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap()));
        let chunks: String = chunks.chain(["0\r\n\r\n".to_owned()]).collect();
        pay(&emulator, "transfer-encoding: chunked\r\n", " ").trim_end_matches(' ').to_owned() + &chunks
    };
    let declared = |length: &str| pay(&emulator, &format!("content-length: {length}\r\n"), PAYMENT);
    let expected = pay(&emulator, "expect: 100-continue\r\ncontent-length: 99000000\r\n", " ");
    rejected(
        &emulator,
        vec![
            case("declared and sent", pay(&emulator, "", &long), &[413]),
            case("chunked", chunked(&long), &[413]),
            case("chunked without end", chunked(&" ".repeat(20 * mega)), &[413, 0]),
            case("declared only", declared("17000000000"), &[413]),
            case("declared beyond 64 bits", declared("99999999999999999999999"), &[400, 0]),
            case("negative length", declared("-1"), &[400, 0]),
            case("no length", declared("x"), &[400, 0]),
            case("announced", expected, &[413]),
        ],
    )
    .await;
    // The limit itself, and a chunked body that is small.
    let fits = format!("{}{PAYMENT}", " ".repeat(mega - PAYMENT.len()));
    for bytes in [pay(&emulator, "", &fits), chunked(&fits), chunked(PAYMENT)] {
        assert_eq!(exchange(&emulator, bytes.as_bytes()).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn slow_heads_and_bodies_time_out() {
    watch_panics();
    let limit = Duration::from_millis(300);
    let emulator = started(builder().read_timeouts(limit, limit)).await;
    let started = Instant::now();
    let whole = pay(&emulator, "", PAYMENT);
    let head = whole.find("\r\n\r\n").unwrap();
    rejected(
        &emulator,
        vec![
            case("nothing", "", &[0]),
            case("half a line", "POST /api/pay", &[0, 408]),
            case("half a head", &whole[..head], &[0, 408]),
            case("no body", &whole[..head + 4], &[408]),
            case("half a body", &whole[..whole.len() - 5], &[408]),
            case("a chunk without end", pay(&emulator, "transfer-encoding: chunked\r\n", "5\r\n{"), &[408]),
        ],
    )
    .await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    // A byte now and then does not renew the time.
    for (start, expected) in [(0, 0), (head + 4, 408)] {
        let mut stream = connect(&emulator).await;
        stream.write_all(&whole.as_bytes()[..start]).await.unwrap();
        let mut received = Vec::new();
        let drip = async {
            for byte in &whole.as_bytes()[start..] {
                if stream.write_all(&[*byte]).await.is_err() {
                    break;
                }
                let _ = tokio::time::timeout(Duration::from_millis(50), stream.read_buf(&mut received)).await;
                if !received.is_empty() {
                    break;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(5), drip).await.expect("the connection ends");
        let rest = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut received)).await;
        let _ = rest.expect("the connection ends");
        let status = Response::parse(&received).map_or(0, |(response, _)| response.status);
        assert_eq!(status, expected);
    }
    assert_eq!(payments(&emulator), 0);
    // Many that never go on do not keep others out.
    let mut idle = Vec::new();
    for _ in 0..200 {
        let mut stream = connect(&emulator).await;
        stream.write_all(b"GET / HT").await.unwrap();
        idle.push(stream);
    }
    check_alive(&emulator, "idle connections").await;
}

#[tokio::test]
async fn bodies_that_do_not_fit_the_contract_are_rejected() {
    watch_panics();
    let emulator = start().await;
    let deep = |open: &str, close: &str| {
        let (open, close) = (open.repeat(10_000), close.repeat(10_000));
        pay(
            &emulator,
            "",
            &format!(r#"{{"amount":1,"currency":"UGX","payment_method":"mtn","products":{open}1{close}}}"#),
        )
    };
    let with = |field: &str, value: &str| {
        let mut body: Vec<u8> = br#"{"currency":"UGX","user_info":{"phone_number":"+256700000000"}"#.to_vec();
        body.extend(format!(",{field}:{value}").bytes());
        for (name, value) in [("\"amount\"", "1"), ("\"payment_method\"", "\"mtn\"")] {
            if name != field {
                body.extend(format!(",{name}:{value}").bytes());
            }
        }
        pay(&emulator, "", &format!("{}}}", String::from_utf8(body).unwrap()))
    };
    let bytes = |body: &[u8]| {
        let mut request = pay(&emulator, &format!("content-length: {}\r\n", body.len()), " ").into_bytes();
        request.pop();
        [request, body.to_vec()].concat()
    };
    let typed = |kind: &str| pay(&emulator, &format!("content-type: {kind}\r\n"), PAYMENT);
    let untyped = pay(&emulator, "", PAYMENT).replace("content-type: application/json\r\n", "");
    let huge = "9".repeat(100_000);
    rejected(
        &emulator,
        vec![
            case("deep arrays", deep("[", "]"), &[422]),
            case("deep objects", deep("{\"a\":", "}"), &[422]),
            case("deep, and never closed", pay(&emulator, "", &"[".repeat(500_000)), &[422]),
            case("huge integer", with("\"amount\"", &huge), &[422]),
            case("huge text", with("\"amount\"", &format!("\"{huge}\"")), &[422]),
            case("beyond a float", with("\"amount\"", "1e400"), &[422]),
            case("huge float", with("\"amount\"", "1e308"), &[422]),
            case("tiny float", with("\"amount\"", "1e-300"), &[422]),
            case("more decimal places than money has", with("\"amount\"", "\"0.001\""), &[422]),
            case("negative zero", with("\"amount\"", "-0.0"), &[422]),
            case("not a number", with("\"amount\"", "NaN"), &[422]),
            case("infinity", with("\"amount\"", "\"Infinity\""), &[422]),
            case("lone surrogate", with("\"payment_method\"", r#""\ud800""#), &[422]),
            case("swapped surrogates", with("\"payment_method\"", r#""\udc00\ud800""#), &[422]),
            case("NUL in a text", with("\"payment_method\"", r#""mtn\u0000""#), &[422]),
            case("raw NUL", bytes(b"{\"amount\":1,\0\"currency\":\"UGX\"}"), &[422]),
            case("invalid UTF-8", bytes(b"{\"amount\":1,\"currency\":\"\xff\xfe\"}"), &[422]),
            case("overlong UTF-8", bytes(b"{\"amount\":1,\"currency\":\"\xc0\xaf\"}"), &[422]),
            case("byte order mark", bytes(&[b"\xef\xbb\xbf", PAYMENT.as_bytes()].concat()), &[422]),
            case("UTF-16", bytes(&PAYMENT.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()), &[422]),
            case("two values", pay(&emulator, "", &PAYMENT.repeat(2)), &[422]),
            case("null", pay(&emulator, "", "null"), &[422]),
            case("an array", pay(&emulator, "", "[]"), &[422]),
            case("white space", pay(&emulator, "", "   \n"), &[422]),
            case("no body", pay(&emulator, "content-type: application/json\r\n", ""), &[422]),
            case("no content type", untyped, &[422]),
            case("form", typed("application/x-www-form-urlencoded"), &[422]),
            case("text", typed("text/plain"), &[422]),
            case("multipart", typed("multipart/form-data; boundary=x"), &[422]),
            case("JSON of another type", typed("text/json"), &[422]),
            case("empty content type", typed(""), &[422]),
            case("content type that is no text", bytes(b"").into_iter().chain([]).collect::<Vec<u8>>(), &[422]),
        ],
    )
    .await;
    // The last of two equal keys counts, as in Python, and a charset does not matter.
    let twice = PAYMENT.replace("\"amount\":1", "\"amount\":1,\"amount\":7");
    let response = exchange(&emulator, pay(&emulator, "", &twice).as_bytes()).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&response.body).unwrap()["amount"], "7.00");
    let typed = typed("Application/JSON; charset=latin1");
    assert_eq!(exchange(&emulator, typed.as_bytes()).await.unwrap().status, 200);
}

#[tokio::test]
async fn many_invalid_items_take_little_time() {
    watch_panics();
    let emulator = start().await;
    let post = |path: &str, body: &str| request(&emulator, "POST", path, "", body);
    let order =
        |recipients: &str| format!(r#"{{"currency":"UGX","payment_method":"mtn","recipients":[{recipients}]}}"#);
    let list = |item: &str, count: usize| vec![item; count].join(",");
    let slices: Vec<String> =
        (0..20_000).map(|at| format!(r#"{{"allocation_key":"{at:010}","amount":"1"}}"#)).collect();
    let escrow = format!(
        r#"{{"amount":1,"currency_code":"UGX","payment_method":"mtn","terms":[],"user_info":{{"phone_number":"+256700000000","otp":"1"}},"allocations":[{}]}}"#,
        slices.join(",")
    );
    let cases = [
        ("/api/disbursements", order(&list("0", 400_000))),
        ("/api/disbursements", order(&list("{}", 300_000))),
        ("/api/disbursements", order(&list(r#"{"amount":"-1"}"#, 50_000))),
        ("/api/disbursements", order(&list(r#"{"amount":"x","email":7}"#, 30_000))),
        ("/api/escrow-disbursements", order(&list(r#"{"amount":1,"terms":[]}"#, 30_000))),
        ("/api/escrows/", escrow),
    ];
    for (path, body) in cases {
        assert!(body.len() <= 1024 * 1024, "{}", body.len());
        let started = Instant::now();
        let response = exchange(&emulator, post(path, &body).as_bytes()).await.unwrap();
        assert!((400..500).contains(&response.status), "{path}: {}", response.status);
        response.check_shape(path);
        assert!(response.body.len() < 64 * 1024, "{path}: {}", response.body.len());
        println!("{path}: {} KiB, {:?}", body.len() / 1024, started.elapsed());
        assert!(started.elapsed() < Duration::from_secs(8), "{path}: {:?}", started.elapsed());
        check_alive(&emulator, path).await;
    }
}

#[tokio::test]
async fn hostile_paths_and_queries_are_rejected_or_harmless() {
    watch_panics();
    let emulator = start().await;
    let get = |path: &str| request(&emulator, "GET", path, "", "");
    let long = format!("/api/payments/{}", "a".repeat(40_000));
    let too_long = format!("/api/payments/{}", "a".repeat(100_000));
    let many = format!("/api/merchant-payments?{}", "a&".repeat(30_000));
    let same = format!("/api/merchant-payments?{}", "limit=1&".repeat(7_000));
    let not_found: &[u16] = &[404];
    let mut cases = vec![
        case("very long", get(&long), not_found),
        case("too long", get(&too_long), &[414, 431]),
        case("NUL in the path", get("/api/\0"), &[400]),
        case("space in the path", get("/api/a b"), &[400]),
        case("bytes in the path", b"GET /api/\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(), &[400, 404]),
        case("number of 30 digits", get("/api/merchant-payments?limit=999999999999999999999999999999"), &[422]),
        case("float", get("/api/merchant-payments?limit=1e1"), &[422]),
        case("wrong percent signs", get("/api/merchant-payments?limit=%zz&offset=%"), &[422]),
        case("invalid UTF-8 in a query", get("/api/merchant-payments?limit=%ff%fe"), &[422]),
        case("NUL in a query", get("/api/merchant-payments?from_date=%00"), &[422]),
        case("far date", get("/api/merchant-payments?from_date=9999999-01-01T00:00:00Z"), &[422]),
    ];
    for path in [
        "/api",
        "/api/",
        "//",
        "/api//payments/create",
        "//api/merchant-payments",
        "/api/../api/merchant-payments",
        "/api/x/../merchant-payments",
        "/api/%2e%2e/merchant-payments",
        "/api/payments/%2e%2e/../..",
        "/api/%00",
        "/%61pi/x",
        "/api\\merchant-payments",
        "/api/payments/\\..\\..",
        "/api/payments/%5c..",
        "/api/payments/a%00b",
        "/api/payments/%ff",
        "/api/payments/..%2f..%2fetc%2fpasswd",
        "/api/payments/%252e%252e",
        "/api/payments/{payment_id}",
        "/apimerchant-payments",
        "/api/merchant-payments;x=1",
        "/API/merchant-payments",
        "/api/payments/a/b",
        "/api/payments//",
    ] {
        cases.push(case(path, get(path), not_found));
    }
    for (method, statuses) in
        [("CONNECT", &[400, 404, 405][..]), ("TRACE", &[405]), ("PRI", &[405]), ("pOsT", &[405]), ("OPTIONS", &[405])]
    {
        cases.push(case(method, request(&emulator, method, "/api/merchant-payments", "", ""), statuses));
    }
    cases.push(case("asterisk", request(&emulator, "OPTIONS", "*", "", ""), not_found));
    rejected(&emulator, cases).await;
    for path in
        [&many, &same, "http://elsewhere.example/api/merchant-payments", "/api/merchant-payments?limit=x&limit=1"]
    {
        let response = exchange(&emulator, get(path).as_bytes()).await.unwrap();
        assert_eq!(response.status, 200, "{}: {}", &path[..40], response.text());
    }
    // A redirect leads to the emulator, for any host that the request names.
    let other = |path: &str| path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
    let mut paths = piaxis::OPERATIONS.iter().map(|operation| operation.path);
    let is_alone = |path: &&str| !path.contains('{') && piaxis::OPERATIONS.iter().all(|one| one.path != other(path));
    let path = paths.find(is_alone).unwrap();
    let wrong = format!("http://elsewhere.example/api{}", other(path));
    let response = exchange(&emulator, get(&wrong).as_bytes()).await.unwrap();
    let location = format!("location: {}{path}", emulator.base_url());
    assert!(response.status == 307 && response.head.contains(&location), "{}", response.head);
}

#[tokio::test]
async fn broken_http_is_rejected_or_closed() {
    watch_panics();
    let emulator = start().await;
    let many: String = (0..200).map(|at| format!("x-{at}: 1\r\n")).collect();
    let large = format!("x-large: {}\r\n", "a".repeat(200_000));
    let folded = "x-folded: a\r\n b\r\n";
    let with = |headers: &str| pay(&emulator, headers, PAYMENT);
    let chunked = |headers: &str, chunks: &str| pay(&emulator, headers, chunks);
    let te = "transfer-encoding: chunked\r\n";
    let ten = format!("{:x}\r\n{PAYMENT}\r\n0\r\n\r\n", PAYMENT.len());
    let whole = with("");
    let broken: &[u16] = &[0, 400];
    rejected(
        &emulator,
        vec![
            case("many headers", with(&many), &[431]),
            case("a large header", with(&large), &[431]),
            case("many large headers", with(&large.repeat(20)), &[431]),
            case("a head without end", "GET / HTTP/1.1\r\n".to_owned() + &"a: b\r\n".repeat(100_000), &[431]),
            case("a line without end", "A".repeat(1_000_000), &[400, 414, 431, 0]),
            case("folded header", with(folded), broken),
            case("space before the colon", with("x-space : 1\r\n"), broken),
            case("no colon", with("x-nothing\r\n"), broken),
            case("NUL in a header", with("x-nul: a\0b\r\n"), broken),
            case("line feed in a header", with("x-lf: a\nx: b\r\r\n"), broken),
            case("two lengths", with(&format!("content-length: {}\r\ncontent-length: 3\r\n", PAYMENT.len())), broken),
            case("two lengths in one", with(&format!("content-length: {}, 3\r\n", PAYMENT.len())), broken),
            case("plus sign in the length", with(&format!("content-length: +{}\r\n", PAYMENT.len())), broken),
            case("hexadecimal length", with("content-length: 0x10\r\n"), broken),
            case("unknown transfer encoding", with("transfer-encoding: gzip\r\n"), &[0, 400, 411, 501]),
            case("chunked first", chunked("transfer-encoding: chunked, identity\r\n", &ten), broken),
            case("chunked in HTTP/1.0", chunked(te, &ten).replace("HTTP/1.1", "HTTP/1.0"), broken),
            case("chunk size that is none", chunked(te, "xyz\r\n{}\r\n0\r\n\r\n"), broken),
            case("huge chunk size", chunked(te, "fffffffffffffffff\r\n{}\r\n"), broken),
            case("chunk of another length", chunked(te, &format!("3\r\n{PAYMENT}\r\n0\r\n\r\n")), broken),
            case("long chunk extension", chunked(te, &format!("1;{}\r\n{{\r\n", "a".repeat(100_000))), broken),
            case("long trailers", chunked(te, &format!("0\r\n{}\r\n", "a: b\r\n".repeat(50_000))), &[0, 400, 422]),
            case("another version", whole.replace("HTTP/1.1", "HTTP/3.7"), broken),
            case("no version", "GET /api/merchant-payments\r\n\r\n", broken),
            case("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", broken),
            case("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), broken),
            case("noise", (0..=255).collect::<Vec<u8>>(), broken),
        ],
    )
    .await;
}

#[tokio::test]
async fn credentials_and_keys_may_have_any_bytes() {
    watch_panics();
    let emulator = start().await;
    let whole = pay(&emulator, "", PAYMENT);
    let key = emulator.default_merchant().api_key().expose().to_owned();
    let with_key = |key: &[u8]| {
        let (before, after) = whole.split_once(emulator.default_merchant().api_key().expose()).unwrap();
        [before.as_bytes(), key, after.as_bytes()].concat()
    };
    let bearer = |token: &str| whole.replace(&format!("api-key: {key}"), &format!("authorization: {token}"));
    let twice = whole.replacen("api-key:", "api-key: wrong\r\napi-key:", 1);
    rejected(
        &emulator,
        vec![
            case("bytes", with_key(b"\xff\xfe"), &[401]),
            case("empty", with_key(b""), &[401]),
            case("long", with_key(&[b'a'; 50_000]), &[401]),
            case("wrong before right", twice, &[401]),
            case("no token", bearer("Bearer"), &[401]),
            case("empty token", bearer("Bearer "), &[401]),
            case("wide characters", bearer("Bearéé x"), &[401]),
            case("another scheme", bearer("Basic eDp4"), &[401]),
        ],
    )
    .await;
    // An idempotency key may have any bytes and any length.
    let long = vec![b'k'; 50_000];
    for (at, key) in [&b"\xff\xfe"[..], &b"\xff\xfd"[..], b"", &long].into_iter().enumerate() {
        let request = with_key(emulator.default_merchant().api_key().expose().as_bytes());
        let at_line = request.windows(2).position(|window| window == b"\r\n").unwrap() + 2;
        let request = [&request[..at_line], b"x-idempotency-key: ", key, b"\r\n", &request[at_line..]].concat();
        let mut ids = Vec::new();
        for _ in 0..2 {
            let response = exchange(&emulator, &request).await.unwrap();
            assert_eq!(response.status, 200, "{}", response.text());
            ids.push(serde_json::from_slice::<Value>(&response.body).unwrap()["payment_id"].clone());
        }
        assert_eq!(ids[0], ids[1], "key {at}");
    }
    let client = emulator.client();
    let total = client.payments().list(piaxis::types::PaymentFilter::builder().build()).await.unwrap().total;
    assert_eq!(total, Some(4));
    // A request id is echoed where it is short text, and replaced otherwise.
    for (id, is_echoed) in [("trace-1", true), (&*"a".repeat(129), false), ("é", false)] {
        let request = request(&emulator, "GET", "/api/merchant-payments", &format!("x-request-id: {id}\r\n"), "");
        let response = exchange(&emulator, request.as_bytes()).await.unwrap();
        assert_eq!(response.head.contains(&format!("x-request-id: {id}\r\n")), is_echoed);
        assert!(response.head.contains("x-request-id: "));
    }
}

#[tokio::test]
async fn pipelined_requests_get_their_responses_in_order() {
    watch_panics();
    let emulator = start().await;
    let amounts = 1..=50;
    let mut bytes = String::new();
    for amount in amounts.clone() {
        bytes += &pay(&emulator, "", &PAYMENT.replace("\"amount\":1", &format!("\"amount\":{amount}")));
    }
    bytes += &request(&emulator, "GET", "/api/nothing", "connection: close\r\n", "");
    let responses = exchange_all(&emulator, bytes.as_bytes()).await;
    assert_eq!(responses.len(), 51);
    for (response, amount) in responses.iter().zip(amounts) {
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(body["amount"], format!("{amount}.00"));
    }
    assert_eq!(responses[50].status, 404);
    // What follows a request that is rejected for its body is no request.
    let smuggled = pay(&emulator, "", PAYMENT);
    let before = payments(&emulator);
    let bytes = pay(&emulator, "transfer-encoding: chunked\r\n", "zz\r\n") + &smuggled;
    let responses = exchange_all(&emulator, bytes.as_bytes()).await;
    assert!(responses.iter().all(|response| response.status == 400), "{responses:?}");
    assert_eq!(payments(&emulator), before);
    // Chunks win over a length, and the connection ends, so that no proxy can be led to see another request here.
    let chunks = format!("{:x}\r\n{PAYMENT}\r\n0\r\n\r\n", PAYMENT.len());
    for headers in
        ["content-length: 4\r\ntransfer-encoding: chunked\r\n", "transfer-encoding: chunked\r\ncontent-length: 4\r\n"]
    {
        let before = payments(&emulator);
        let responses = exchange_all(&emulator, (pay(&emulator, headers, &chunks) + &smuggled).as_bytes()).await;
        assert_eq!((responses.len(), responses[0].status, payments(&emulator)), (1, 200, before + 1));
    }
    // HTTP/1.0 has one request to a connection, unless `connection: keep-alive` is sent.
    let old = request(&emulator, "GET", "/api/merchant-payments", "", "").replace("HTTP/1.1", "HTTP/1.0");
    let responses = exchange_all(&emulator, old.repeat(3).as_bytes()).await;
    assert_eq!(responses.iter().map(|response| response.status).collect::<Vec<_>>(), [200]);
    check_alive(&emulator, "pipelining").await;
}

#[tokio::test]
async fn queries_of_an_authorization_are_bounded() {
    watch_panics();
    let emulator = start().await;
    let merchant = emulator.default_merchant().id();
    let authorize = |name: &str, value: &str| {
        let mut query = form_of(&[
            ("merchant_id", &*merchant),
            ("external_user_id", "user-1"),
            ("redirect_uri", "https://shop.example.com/callback"),
        ]);
        query.retain(|(known, _)| known != name);
        query.push((name.to_owned(), value.to_owned()));
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request(&emulator, "GET", &format!("/api/authorize?{}", query.join("&")), "", "")
    };
    let long = "a".repeat(2_049);
    rejected(
        &emulator,
        vec![
            case("long user", authorize("external_user_id", &long), &[422]),
            case("long redirect", authorize("redirect_uri", &format!("https://x.example/{long}")), &[422]),
            case("long challenge", authorize("code_challenge", &long), &[422]),
            case("another scheme", authorize("redirect_uri", "javascript:alert(1)"), &[400]),
            case("user in the URL", authorize("redirect_uri", "http://127.0.0.1@evil.example/"), &[400]),
            case("backslash host", authorize("redirect_uri", "http:\\\\evil.example"), &[422]),
            case("no merchant", authorize("merchant_id", "%00"), &[400]),
        ],
    )
    .await;
    // A line break in the state does not end a header.
    let response = exchange(&emulator, authorize("state", "a%0d%0ax-evil:%201").as_bytes()).await.unwrap();
    assert_eq!(response.status, 302);
    assert!(!response.head.contains("\nx-evil"), "{}", response.head);
}

fn form_of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
