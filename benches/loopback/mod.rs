//! Shared by the benches of requests: a server on a loopback port, and the clients that are compared.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    hint::black_box,
    io::{BufRead as _, BufReader, Read as _},
    pin::Pin,
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures_util::StreamExt as _;
use piaxis::{
    Client, Environment, PaymentMethod,
    types::{Payment, PaymentCreate, PaymentCreated, PaymentFilter, PaymentList, UserInfo},
};
use reqwest::{
    RequestBuilder,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};
use uuid::Uuid;

const ID: &str = "3a0da2c0-a8b2-4c76-9f40-1dbf7ee03dcf";

pub(crate) fn payment() -> Value {
    json!({
        "id": ID, "status": "completed", "amount": "15,000.00", "currency": "UGX", "payment_method": "mtn",
        "created_at": "2026-03-18T12:00:00Z", "reference": "order-789", "receipt": null,
        "merchant_details": { "id": "6c15f7e8-335a-4c62-a993-fb06a27b7787", "business_name": "Kampala Coffee" },
    })
}

pub(crate) fn created() -> Value {
    json!({ "payment_id": ID, "status": "pending", "amount": "15,000.00", "currency": "UGX" })
}

/// How many rows the list has.
pub(crate) const ROWS: u32 = 2000;

/// The page from an offset; full, or empty at the end.
pub(crate) fn page(offset: u32) -> Value {
    let row = |number: u32| {
        json!({
            "payment_id": format!("3a0da2c0-a8b2-4c76-9f40-{number:012}"), "status": "completed", "amount": "15,000.00",
            "currency": "UGX", "payment_method": "mtn", "date": "2026-03-18T12:00:00Z",
            "payer": { "id": "payer-123", "email": "buyer@example.com", "phone": "+256700000000", "type": "unregistered" },
            "recipient": { "id": "recipient-456", "email": "seller@example.com" },
        })
    };
    let rows: Vec<Value> = (offset..ROWS.min(offset + 100)).map(row).collect();
    json!({ "total": ROWS, "offset": offset, "limit": 100, "results": rows })
}

/// A runtime that does everything on the thread that waits for it.
pub(crate) fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The server, which is this program in another process, so that no side pays for its work.
pub(crate) struct Server {
    process: Child,
    pub(crate) base_url: String,
}

impl Server {
    /// Becomes the server when this process was started to be one.
    pub(crate) fn start() -> Self {
        if std::env::args().nth(1).as_deref() == Some("serve") {
            serve();
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        Self { process, base_url: format!("http://{}/api", address.trim()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends when its input does, which waiting closes.
        let _ = self.process.wait();
    }
}

fn serve() -> ! {
    // The bench holds the other end, so the server ends with it, however it ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0)
    });
    one_thread().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let responses: &'static Responses = Box::leak(Box::new(Responses {
            payment: response(&payment()),
            created: response(&created()),
            // By hand, pages follow each other; those of a stream overlap by one item.
            pages: [100, 99]
                .into_iter()
                .flat_map(|step| (0..=ROWS).step_by(step))
                .map(|offset| (offset as usize, response(&page(offset))))
                .collect(),
        }));
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(respond_to_all(stream, responses));
        }
    })
}

struct Responses {
    payment: Vec<u8>,
    created: Vec<u8>,
    pages: BTreeMap<usize, Vec<u8>>,
}

fn response(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head = "HTTP/1.1 200 OK\r\ndate: Wed, 18 Mar 2026 12:00:00 GMT\r\nserver: uvicorn\r\n\
                content-type: application/json\r\nx-request-id: 9f7d1bd7-b5aa-4c62-a993-fb06a27b7787\r\n";
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Responds to one request after another. Understands only what the sides send.
async fn respond_to_all(mut stream: TcpStream, responses: &'static Responses) {
    stream.set_nodelay(true).unwrap();
    let mut bytes = Vec::with_capacity(4096);
    loop {
        let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let whole = head_end.map(|at| at + 4 + content_length(&bytes[..at])).filter(|whole| bytes.len() >= *whole);
        let Some(whole) = whole else {
            match stream.read_buf(&mut bytes).await {
                Ok(1..) => continue,
                _ => return,
            }
        };
        let response = match () {
            () if bytes.starts_with(b"POST /api/payments/create ") => &responses.created,
            () if bytes.starts_with(b"GET /api/payments/") => &responses.payment,
            () if bytes.starts_with(b"GET /api/merchant-payments") => &responses.pages[&offset(&bytes)],
            () => panic!("{}", String::from_utf8_lossy(&bytes)),
        };
        bytes.drain(..whole);
        if stream.write_all(response).await.is_err() {
            return;
        }
    }
}

/// That the query of the first line names.
fn offset(head: &[u8]) -> usize {
    let line = String::from_utf8_lossy(&head[..head.iter().position(|byte| *byte == b'\r').unwrap()]);
    let offset = line.split(['?', '&', ' ']).find_map(|parameter| parameter.strip_prefix("offset="));
    offset.map_or(0, |offset| offset.parse().unwrap())
}

fn content_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap();
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    let mut length = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.next().map_or(0, |(_, length)| length.parse().unwrap())
}

/// What is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Get,
    Create,
    List,
    /// All items, page by page.
    ReadAll,
}

impl What {
    /// Single requests.
    pub(crate) const SINGLE: [Self; 3] = [Self::Get, Self::Create, Self::List];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get a payment",
            Self::Create => "create a payment",
            Self::List => "list 100 payments",
            Self::ReadAll => "read 2000 payments by pages of 100",
        }
    }
}

pub(crate) type Requests = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Sends so many requests, one after another.
pub(crate) trait Side {
    fn requests(&self, what: What, times: u32) -> Requests;
}

/// The crate as it is meant to be used.
pub(crate) struct Ours(Client);

impl Ours {
    pub(crate) fn new(base_url: &str) -> Self {
        let environment = Environment::Custom(base_url.to_owned());
        Self(Client::builder().environment(environment).api_key("key-1").client_id("client-1").build().unwrap())
    }
}

impl Side for Ours {
    fn requests(&self, what: What, times: u32) -> Requests {
        let payments = self.0.payments();
        Box::pin(async move {
            for _ in 0..times {
                match what {
                    What::Get => drop(payments.get(ID).await.unwrap()),
                    What::Create => drop(payments.create(order()).await.unwrap()),
                    What::List => drop(payments.list(PaymentFilter::builder().limit(100).build()).await.unwrap()),
                    What::ReadAll => {
                        let mut items = payments.stream(PaymentFilter::builder().limit(100).build());
                        while let Some(item) = items.next().await {
                            drop(black_box(item.unwrap()));
                        }
                    }
                }
            }
        })
    }
}

/// The generated client by way of [`Client::raw`]. It cannot be had without the transport of this crate, so this is what
/// the resources cost above it, and not what the transport costs.
pub(crate) struct Raw(Client);

impl Raw {
    pub(crate) fn new(ours: &Ours) -> Self {
        Self(ours.0.clone())
    }
}

impl Side for Raw {
    fn requests(&self, what: What, times: u32) -> Requests {
        let client = self.0.clone();
        Box::pin(async move {
            for _ in 0..times {
                match what {
                    What::Get => drop(client.raw().payments_get(ID).await.unwrap()),
                    What::Create => drop(client.raw().payments_create(None, &order()).await.unwrap()),
                    What::List => {
                        let filter = PaymentFilter::builder().limit(100).build();
                        drop(client.raw().payments_list(&filter).await.unwrap());
                    }
                    What::ReadAll => {
                        for offset in (0..).step_by(100) {
                            let filter = PaymentFilter::builder().limit(100).offset(offset).build();
                            let page = client.raw().payments_list(&filter).await.unwrap();
                            if page.results.is_empty() {
                                break;
                            }
                            page.results.into_iter().for_each(|item| drop(black_box(item)));
                        }
                    }
                }
            }
        })
    }
}

/// What somebody would write who needs these three requests and nothing else: the same requests, the same types, the same
/// settings of the HTTP client; no checks, no retries, no description of an error.
pub(crate) struct ByHand {
    http: reqwest::Client,
    base_url: String,
}

impl ByHand {
    pub(crate) fn new(base_url: &str) -> Self {
        let mut headers = HeaderMap::new();
        // From text that the program has when it runs, as keys are.
        let mut api_key = HeaderValue::from_str(&String::from("key-1")).unwrap();
        api_key.set_sensitive(true);
        headers.insert("api-key", api_key);
        headers.insert("X-piaxis-Client-ID", HeaderValue::from_str(&String::from("client-1")).unwrap());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("piaxis-rust/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_idle_timeout(Duration::from_secs(1))
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self { http, base_url: base_url.to_owned() }
    }
}

impl Side for ByHand {
    fn requests(&self, what: What, times: u32) -> Requests {
        let (http, base_url) = (self.http.clone(), self.base_url.clone());
        Box::pin(async move {
            for _ in 0..times {
                match what {
                    What::Get => drop(by_hand::<Payment>(http.get(format!("{base_url}/payments/{ID}"))).await),
                    What::Create => {
                        let request = http.post(format!("{base_url}/payments/create")).json(&order());
                        let key = Uuid::new_v4().to_string();
                        drop(by_hand::<PaymentCreated>(request.header("X-Idempotency-Key", key)).await);
                    }
                    What::List => {
                        drop(by_hand::<PaymentList>(http.get(format!("{base_url}/merchant-payments?limit=100"))).await);
                    }
                    What::ReadAll => {
                        for offset in (0..).step_by(100) {
                            let url = format!("{base_url}/merchant-payments?limit=100&offset={offset}");
                            let page = by_hand::<PaymentList>(http.get(url)).await;
                            if page.results.is_empty() {
                                break;
                            }
                            page.results.into_iter().for_each(|item| drop(black_box(item)));
                        }
                    }
                }
            }
        })
    }
}

async fn by_hand<T: DeserializeOwned>(request: RequestBuilder) -> T {
    let request = request.header("X-Request-ID", Uuid::new_v4().to_string());
    let response = request.send().await.unwrap().error_for_status().unwrap();
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

fn order() -> PaymentCreate {
    let payer = UserInfo::builder().email("buyer@example.com").phone_number("+256700000000").otp("123456").build();
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
    order.user_info(payer).customer_pays_fees(true).build()
}
