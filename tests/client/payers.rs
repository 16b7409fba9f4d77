//! Many payers over one client: derived clients, access tokens of one request, and sources of access tokens.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use piaxis::{
    Client, Credentials, Error, ErrorKind, Outcome, PaymentMethod, RequestOptions, RetryPolicy, Secret, TokenFuture,
    TokenSource,
    oauth::TokenRefresh,
    types::{OtpRequest, PaymentCreate},
};
use tokio::sync::{Barrier, Notify};

use crate::support::{
    handler::{Reply, Server, json},
    server::Received,
};

const PAYERS: usize = 1_000;
const CONCURRENCY: usize = 8;
/// Only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

fn order() -> PaymentCreate {
    PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

/// A success of `escrows_get`, `payments_create` and `payments_get`, with an id of the caller's.
fn success(id: &str) -> Reply {
    json(200, format!(r#"{{"id":"{id}","payment_id":"{id}","status":"pending","amount":"15000","currency":"UGX"}}"#))
}

fn unauthorized() -> Reply {
    json(401, r#"{"detail":"token expired"}"#)
}

fn token_of(request: &Received) -> Option<&str> {
    request.header("authorization").map(|value| value.strip_prefix("Bearer ").expect("a bearer token"))
}

/// Lets every task run that can: they need no time and no I/O.
async fn let_all_run() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

// ---------------------------------------------------------------- derived clients

/// The ways in which a payer's token is given.
#[derive(Debug, Clone, Copy)]
enum Way {
    Client,
    Credentials,
    Request,
    Options,
}

const WAYS: [Way; 4] = [Way::Client, Way::Credentials, Way::Request, Way::Options];

impl Way {
    async fn read(self, base: &Client, token: &str, id: &str) -> Result<String, Error> {
        let token = Secret::from(token);
        let escrow = match self {
            Self::Client => base.with_access_token(token).escrows().get(id),
            Self::Credentials => with_credentials(base, token).escrows().get(id),
            Self::Request => base.escrows().get(id).access_token(token),
            Self::Options => base.escrows().get(id).options(RequestOptions::new().access_token(token)),
        };
        escrow.await.map(|escrow| escrow.id)
    }

    async fn write(self, base: &Client, token: &str, id: &str) -> Result<String, Error> {
        let token = Secret::from(token);
        let payment = match self {
            Self::Client => base.with_access_token(token).payments().create(order()),
            Self::Credentials => with_credentials(base, token).payments().create(order()),
            Self::Request => base.payments().create(order()).access_token(token),
            Self::Options => base.payments().create(order()).options(RequestOptions::new().access_token(token)),
        };
        payment.idempotency_key(id).await.map(|payment| payment.payment_id)
    }
}

fn with_credentials(base: &Client, token: Secret) -> Client {
    base.with_credentials(Credentials::new().client_id("client-1").access_token(token))
}

/// The id that a request is about: of the path, or the idempotency key.
fn id_of(request: &Received) -> String {
    let id = request.header("x-idempotency-key").or_else(|| request.target.rsplit('/').next());
    id.unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_payers_share_one_pool_and_one_limit_and_no_token() {
    // The first requests wait for each other, so that as many as allowed are in flight at least once.
    let (full, count) = (Arc::new(Barrier::new(CONCURRENCY)), Arc::new(AtomicUsize::new(0)));
    let server = Server::start(move |request| {
        let (full, number) = (full.clone(), count.fetch_add(1, Ordering::Relaxed));
        async move {
            if number < CONCURRENCY {
                full.wait().await;
            }
            tokio::task::yield_now().await;
            success(&id_of(&request))
        }
    })
    .await;
    let base = server
        .builder()
        .api_key("s-api-key")
        .client_id("client-1")
        .concurrency(CONCURRENCY)
        .requests_per_minute(600_000)
        .idle_timeout(PATIENCE)
        .build()
        .unwrap();
    let start = Arc::new(Barrier::new(PAYERS));
    let payers = (0..PAYERS).map(|number| {
        let (base, start) = (base.clone(), start.clone());
        tokio::spawn(async move {
            let (token, id) = (format!("token-{number}"), format!("payer-{number}"));
            start.wait().await;
            let way = WAYS[number % WAYS.len()];
            let ids = [way.read(&base, &token, &id).await, way.write(&base, &token, &id).await];
            assert!(ids.iter().all(|got| got.as_ref().is_ok_and(|got| *got == id)), "{way:?}: {ids:?}");
        })
    });
    for payer in join_all(payers).await {
        payer.unwrap();
    }
    let received = server.take();
    assert_eq!(received.len(), PAYERS * 2);
    for request in &received {
        let id = id_of(request);
        assert_eq!(token_of(request), Some(id.replace("payer", "token").as_str()), "{request:?}");
        assert_eq!(request.header("api-key"), None, "{request:?}");
        assert_eq!(request.header("x-piaxis-client-id"), Some("client-1"), "{request:?}");
        assert!(!format!("{request:?}").contains("s-api-key"), "{request:?}");
    }
    let tokens: BTreeSet<_> = received.iter().map(token_of).collect();
    assert_eq!(tokens.len(), PAYERS);
    assert_eq!(server.most_in_flight(), CONCURRENCY, "requests in flight");
    assert!(server.connections() <= 2 * CONCURRENCY, "{} connections", server.connections());
}

#[tokio::test]
async fn the_base_client_and_its_siblings_keep_their_credentials() {
    let server = Server::start(|request| async move { success(&id_of(&request)) }).await;
    let base = server.client();
    for way in WAYS {
        way.write(&base, "token-1", "order-1").await.unwrap();
        base.payments().create(order()).await.unwrap();
        way.write(&base, "Bearer token-2", "order-2").await.unwrap();
        let received = server.take();
        let headers = |name| received.iter().map(|request| request.header(name)).collect::<Vec<_>>();
        assert_eq!(headers("authorization"), [Some("Bearer token-1"), None, Some("Bearer token-2")], "{way:?}");
        assert_eq!(headers("api-key"), [None, Some("key-1"), None], "{way:?}");
    }
}

#[tokio::test]
async fn credentials_replace_all_others() {
    let server = Server::start(|request| async move { success(&id_of(&request)) }).await;
    let other = server.client().with_credentials(Credentials::new().api_key("key-2"));
    other.payments().get("pay-1").await.unwrap();
    let request = server.take().remove(0);
    let sent = ["api-key", "authorization", "x-piaxis-client-id"].map(|name| request.header(name));
    assert_eq!(sent, [Some("key-2"), None, None]);
    let error = other.with_credentials(Credentials::new()).payments().get("pay-1").await.unwrap_err();
    assert_eq!((error.kind(), server.take().len()), (ErrorKind::Configuration, 0), "{error}");
}

/// The body of an operation that takes the API key alone.
fn one_time_password() -> OtpRequest {
    OtpRequest::builder().phone_number("+256700000001").build()
}

#[tokio::test]
async fn an_operation_of_the_merchant_is_not_sent_for_a_payer() {
    let server = Server::start(|request| async move { success(&id_of(&request)) }).await;
    let error = server.client().otp().request(one_time_password()).access_token("token-1").await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Configuration, Outcome::NotSent), "{error}");
    assert_eq!(server.take().len(), 0);
}

#[tokio::test]
async fn an_unusable_token_is_neither_sent_nor_shown() {
    let server = Server::start(|request| async move { success(&id_of(&request)) }).await;
    let base = server.client();
    let marked = ["s3cr3t\nx", "s3cr3t\r\nx-other: 1", "s3cr3t-é", "s3cr3t\0", "Bearer s3cr3t\n", "\ns3cr3t"];
    for token in marked.into_iter().chain(["", " ", "Bearer ", "bearer  "]) {
        for way in WAYS {
            for result in [way.read(&base, token, "e-1").await, way.write(&base, token, "order-1").await] {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Configuration, "{way:?} {token:?}: {error}");
                assert_ne!(error.outcome(), Outcome::Unknown, "{way:?} {token:?}: {error}");
                assert_eq!(error.attempts(), 0, "{way:?} {token:?}: {error}");
                assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{way:?} {token:?}: {error:?}");
            }
        }
        let payer = base.with_access_token(token);
        let request = base.escrows().get("e-1").access_token(token);
        let options = RequestOptions::new().access_token(token);
        let credentials = Credentials::new().access_token(token);
        let shown = format!("{payer:?} {:?} {request:?} {options:?} {credentials:?}", payer.escrows());
        assert!(!shown.contains("s3cr3t"), "{shown}");
        // The token does not matter where it is not needed.
        let merchant = base.with_credentials(credentials.api_key("key-2"));
        merchant.otp().request(one_time_password()).await.unwrap();
        assert_eq!(server.take().len(), 1, "{token:?}");
        assert_eq!(server.builder().access_token(token).build().unwrap_err().kind(), ErrorKind::Configuration);
    }
}

#[tokio::test]
async fn derived_clients_share_the_retry_budget() {
    let server = Server::start(|_| async { json(503, r#"{"detail":"busy"}"#) }).await;
    let policy = RetryPolicy::default().max_retries(1).backoff(Duration::ZERO, Duration::ZERO);
    // Fewer sockets than a process may have.
    let builder = server.builder().api_key("key-1").concurrency(50).retry_policy(policy);
    let base = builder.build().unwrap();
    let requests = (0..PAYERS).map(|number| {
        let base = base.clone();
        async move { WAYS[number % WAYS.len()].read(&base, &format!("token-{number}"), "e-1").await.unwrap_err() }
    });
    for error in join_all(requests).await {
        assert_eq!(error.kind(), ErrorKind::Server, "{error}");
    }
    // 100 within ten seconds, and 20 of 100 requests; with a budget for each client, every request would be retried.
    let retries = server.take().len() - PAYERS;
    assert!((100..=400).contains(&retries), "{retries} retries");
}

// ---------------------------------------------------------------- token sources

/// What a source does for a token that is requested.
#[derive(Debug, Clone)]
enum Step {
    Give(&'static str),
    Fail,
    Hang,
    /// Fails once it is notified.
    FailWhen(Arc<Notify>),
}

#[derive(Clone)]
struct Source {
    /// The last one is repeated.
    steps: Arc<Vec<Step>>,
    /// The rejected token of each request for a token.
    requested: Arc<Mutex<Vec<Option<String>>>>,
    is_requested: Arc<Notify>,
}

impl Source {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: Arc::new(steps.into_iter().collect()), requested: Arc::default(), is_requested: Arc::default() }
    }

    fn requested(&self) -> Vec<Option<String>> {
        self.requested.lock().unwrap().clone()
    }

    fn client(&self, server: &Server) -> Client {
        self.derived(&server.client())
    }

    fn derived(&self, base: &Client) -> Client {
        base.with_credentials(Credentials::new().client_id("client-1").token_source(self.clone()))
    }
}

impl TokenSource for Source {
    fn token<'a>(&'a self, rejected: Option<&'a Secret>) -> TokenFuture<'a> {
        let mut requested = self.requested.lock().unwrap();
        let step = self.steps[requested.len().min(self.steps.len() - 1)].clone();
        requested.push(rejected.map(|token| token.expose().to_owned()));
        self.is_requested.notify_one();
        Box::pin(async move {
            match step {
                Step::Give(token) => return Ok(token.into()),
                Step::Fail => {}
                Step::Hang => std::future::pending().await,
                Step::FailWhen(notified) => notified.notified().await,
            }
            Err("the vault is sealed".into())
        })
    }
}

fn with_rejected(tokens: &[Option<&str>]) -> Vec<Option<String>> {
    tokens.iter().map(|token| token.map(str::to_owned)).collect()
}

fn two_tokens() -> Source {
    Source::new([Step::Give("token-1"), Step::Give("token-2"), Step::Give("token-3")])
}

/// Accepts every token but the first.
async fn rejecting_the_first() -> Server {
    Server::start(|request| async move {
        if token_of(&request) == Some("token-1") { unauthorized() } else { success(&id_of(&request)) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_requests_with_a_401_refresh_the_token_once() {
    let all = Arc::new(Barrier::new(100));
    let server = Server::start(move |request| {
        let all = all.clone();
        async move {
            if token_of(&request) != Some("token-1") {
                return success(&id_of(&request));
            }
            all.wait().await;
            unauthorized()
        }
    })
    .await;
    let source = two_tokens();
    let client = source.client(&server);
    assert_eq!(source.requested(), [], "a token is requested lazily");
    let requests = (0..100).map(|number| {
        let client = client.clone();
        tokio::spawn(async move {
            let id = format!("e-{number}");
            match number % 2 {
                0 => assert_eq!(client.escrows().get(&id).await.unwrap().id, id),
                _ => {
                    let payment = client.payments().create(order()).idempotency_key(&id).await.unwrap();
                    assert_eq!(payment.payment_id, id);
                }
            }
        })
    });
    for request in tokio::time::timeout(PATIENCE, join_all(requests)).await.unwrap() {
        request.unwrap();
    }
    assert_eq!(source.requested(), with_rejected(&[None, Some("token-1")]));
    let received = server.take();
    let count = |token| received.iter().filter(|request| token_of(request) == Some(token)).count();
    assert_eq!((count("token-1"), count("token-2"), received.len()), (100, 100, 200));
    // The present token is used from now on.
    client.escrows().get("e-1").await.unwrap();
    assert_eq!((source.requested().len(), token_of(&server.take()[0])), (2, Some("token-2")));
}

#[tokio::test]
async fn a_retry_with_a_fresh_token_is_the_same_write() {
    let server = rejecting_the_first().await;
    let client = two_tokens().client(&server);
    let reported = Arc::new(AtomicUsize::new(0));
    let count = reported.clone();
    let request = client.payments().create(order()).on_attempt(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(request.send_with_response().await.unwrap().attempts(), 2);
    assert_eq!(reported.load(Ordering::Relaxed), 2);
    let received = server.take();
    let key = |request: &Received| request.header("x-idempotency-key").unwrap().to_owned();
    assert_eq!((key(&received[0]), &received[0].body), (key(&received[1]), &received[1].body));
    assert_ne!(received[0].header("x-request-id"), received[1].header("x-request-id"));
}

#[tokio::test]
async fn a_source_is_shared_by_clones_and_not_by_other_credentials() {
    let server = Server::start(|request| async move { success(&id_of(&request)) }).await;
    let source = two_tokens();
    let client = source.client(&server);
    client.clone().escrows().get("e-1").await.unwrap();
    client.escrows().get("e-2").await.unwrap();
    client.escrows().get("e-3").access_token("token-of-another").await.unwrap();
    assert_eq!(source.requested(), with_rejected(&[None]));
    let received = server.take();
    let tokens: Vec<_> = received.iter().map(token_of).collect();
    assert_eq!(tokens, [Some("token-1"), Some("token-1"), Some("token-of-another")]);
}

#[tokio::test]
async fn a_failing_source_is_used_once_and_fails_all_waiting_requests() {
    let server = rejecting_the_first().await;
    let notified = Arc::new(Notify::new());
    let source = Source::new([Step::FailWhen(notified.clone()), Step::Give("token-2")]);
    let client = source.client(&server);
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.payments().create(order()).await.unwrap_err() })
        })
        .collect();
    source.is_requested.notified().await;
    let_all_run().await;
    notified.notify_one();
    for request in join_all(requests).await {
        let error = request.unwrap();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Token, Outcome::NotSent), "{error}");
        assert_eq!((error.operation(), error.attempts()), (Some("payments_create"), 0), "{error}");
        assert!(error.to_string().contains("the vault is sealed"), "{error}");
    }
    assert_eq!((source.requested(), server.take().len()), (with_rejected(&[None]), 0));
    // Later requests use the source again.
    client.payments().create(order()).await.unwrap();
    assert_eq!(source.requested(), with_rejected(&[None, None]));
}

#[tokio::test]
async fn a_source_that_failed_after_a_401_is_used_again_by_the_next_request() {
    let server = rejecting_the_first().await;
    let source = Source::new([Step::Give("token-1"), Step::Fail, Step::Give("token-2")]);
    let client = source.client(&server);
    let error = client.payments().create(order()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (ErrorKind::Token, Outcome::NotSent, 1), "{error}");
    client.payments().create(order()).await.unwrap();
    assert_eq!(source.requested(), with_rejected(&[None, Some("token-1"), Some("token-1")]));
    assert_eq!(server.take().len(), 3);
}

#[tokio::test]
async fn an_unusable_token_of_a_source_is_neither_sent_nor_shown() {
    let server = rejecting_the_first().await;
    let base = server.client();
    for token in ["s3cr3t\n", "s3cr3t-é", "", "Bearer "] {
        let error = Source::new([Step::Give(token)]).derived(&base).payments().create(order()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Token, Outcome::NotSent), "{token:?}: {error}");
        assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error:?}");
    }
    assert_eq!(server.take().len(), 0);
}

#[tokio::test]
async fn a_source_that_hangs_ends_at_the_deadline() {
    let server = rejecting_the_first().await;
    let source = Source::new([Step::Hang, Step::Hang, Step::Hang, Step::Give("token-2")]);
    let client = source.client(&server);
    let short = || client.payments().create(order()).deadline(Duration::from_millis(50)).into_future();
    // The second one waits for the first one's question.
    let errors = tokio::time::timeout(PATIENCE, join_all([short(), short()])).await.unwrap();
    for error in errors.into_iter().map(Result::unwrap_err) {
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::NotSent), "{error}");
        assert!(error.is_timeout() && error.to_string().contains("access token"), "{error}");
    }
    assert_eq!(server.take().len(), 0);
    while source.requested().len() < 3 {
        short().await.unwrap_err();
    }
    client.payments().create(order()).await.unwrap();
    assert_eq!(server.take().len(), 1);
}

#[tokio::test]
async fn a_dropped_request_does_not_block_the_others() {
    let server = rejecting_the_first().await;
    let source = Source::new([Step::Hang, Step::Give("token-2")]);
    let client = source.client(&server);
    let send = || {
        let client = client.clone();
        tokio::spawn(async move { client.payments().create(order()).await })
    };
    let dropped = send();
    source.is_requested.notified().await;
    let others: Vec<_> = (0..10).map(|_| send()).collect();
    let_all_run().await;
    dropped.abort();
    for other in tokio::time::timeout(PATIENCE, join_all(others)).await.unwrap() {
        other.unwrap().unwrap();
    }
    assert_eq!(source.requested(), with_rejected(&[None, None]));
    assert_eq!(server.take().len(), 10);
}

/// Bodies of a 401, and whether they have one of the API's own shapes.
const BODIES: [(&str, &str, bool); 14] = [
    ("application/json", r#"{"detail":"token expired"}"#, true),
    ("application/json", r#"{"detail":{"code":"TOKEN_EXPIRED","message":"expired"}}"#, true),
    ("application/json", r#"{"code":"TOKEN_EXPIRED","message":"expired"}"#, true),
    ("application/json", r#"{"detail":[{"loc":["header","authorization"],"msg":"expired","type":"value"}]}"#, true),
    ("application/json", r#"{"detail":"expired","error_code":"TOKEN_EXPIRED","errors":[]}"#, true),
    ("application/json", r#"{"error":"invalid_token"}"#, true),
    ("text/html", "<html><head><title>401 Authorization Required</title></head></html>", false),
    ("text/plain", "Unauthorized", false),
    ("application/json", "", false),
    ("application/json", r#""token expired""#, false),
    ("application/json", r#"["token expired"]"#, false),
    ("application/json", "{}", false),
    ("application/json", r#"{"detail":null,"status":401}"#, false),
    ("application/json", r#"{"detail":"token exp"#, false),
];

#[tokio::test]
async fn a_write_is_retried_only_after_an_error_of_the_api_and_a_read_after_any_401() {
    let row = Arc::new(AtomicUsize::new(0));
    let present = row.clone();
    let server = Server::start(move |request| {
        let (content_type, body, _) = BODIES[present.load(Ordering::Relaxed)];
        async move {
            let is_first = token_of(&request) == Some("token-1");
            if is_first { (401, content_type, body.to_owned()) } else { success(&id_of(&request)) }
        }
    })
    .await;
    let base = server.client();
    for (at, (_, body, is_from_api)) in BODIES.into_iter().enumerate() {
        row.store(at, Ordering::Relaxed);
        let read = two_tokens();
        read.derived(&base).escrows().get("e-1").await.unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!((read.requested().len(), server.take().len()), (2, 2), "{body}");
        let write = two_tokens();
        let result = write.derived(&base).payments().create(order()).await;
        let times = if is_from_api { 2 } else { 1 };
        assert_eq!((write.requested().len(), server.take().len()), (times, times), "{body}");
        match result {
            Ok(_) => assert!(is_from_api, "{body}"),
            Err(error) => {
                assert!(!is_from_api, "{body}: {error}");
                assert_eq!(error.kind(), ErrorKind::Authentication, "{body}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_second_401_is_returned() {
    let server = Server::start(|_| async { unauthorized() }).await;
    let source = two_tokens();
    let client = source.client(&server);
    let error = client.payments().create(order()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Authentication, Outcome::Rejected), "{error}");
    assert_eq!((error.attempts(), server.take().len()), (2, 2));
    assert_eq!(source.requested(), with_rejected(&[None, Some("token-1")]));
    // The next request learns by itself that the token is rejected.
    let error = client.escrows().get("e-1").await.unwrap_err();
    assert_eq!((error.attempts(), error.outcome(), server.take().len()), (2, Outcome::ReadFailed, 2), "{error}");
    assert_eq!(source.requested(), with_rejected(&[None, Some("token-1"), Some("token-2")]));
}

#[tokio::test]
async fn a_401_after_another_attempt_retries_reads_and_no_writes() {
    let policy = RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO).retry_writes_with_idempotency_key();
    for first in [429, 503] {
        let count = Arc::new(AtomicUsize::new(0));
        let requests = count.clone();
        let server = Server::start(move |request| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move {
                match number {
                    0 => json(first, r#"{"detail":"busy"}"#),
                    _ if token_of(&request) == Some("token-1") => unauthorized(),
                    _ => success(&id_of(&request)),
                }
            }
        })
        .await;
        let client = two_tokens().client(&server);
        let error = client.payments().create(order()).retry_policy(policy.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Authentication, 2), "{first}: {error}");
        let is_open = first == 503;
        let outcome = if is_open { Outcome::Unknown } else { Outcome::Rejected };
        assert_eq!((error.outcome(), server.take().len()), (outcome, 2), "{first}: {error}");
        requests.store(0, Ordering::Relaxed);
        two_tokens().client(&server).escrows().get("e-1").retry_policy(policy.clone()).await.unwrap();
        assert_eq!(server.take().len(), 3, "{first}");
    }
}

#[tokio::test]
async fn a_401_for_a_given_token_is_returned_at_once() {
    let server = Server::start(|_| async { unauthorized() }).await;
    let base = server.client();
    for way in WAYS {
        for result in [way.read(&base, "token-1", "e-1").await, way.write(&base, "token-1", "order-1").await] {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::Authentication, 1), "{way:?}: {error}");
        }
    }
    assert_eq!(server.take().len(), WAYS.len() * 2);
}

#[tokio::test]
async fn an_operation_without_a_token_does_not_use_the_source() {
    let server = Server::start(|request| async move { success(&id_of(&request)) }).await;
    let source = two_tokens();
    let credentials = Credentials::new().api_key("key-2").token_source(source.clone());
    server.client().with_credentials(credentials).otp().request(one_time_password()).await.unwrap();
    assert_eq!((source.requested(), server.take().len()), (Vec::new(), 1));
}

/// Refreshes with the client that it gives tokens to.
struct Refresh(Client);

impl TokenSource for Refresh {
    fn token(&self, _rejected: Option<&Secret>) -> TokenFuture<'_> {
        Box::pin(async {
            let refresh = TokenRefresh::builder().refresh_token("refresh-1").build();
            Ok(self.0.oauth().refresh_token(refresh).await?.access_token)
        })
    }
}

#[tokio::test]
async fn a_source_may_use_the_client_under_its_limits() {
    let refreshes = Arc::new(AtomicUsize::new(0));
    let server = Server::start(move |request| {
        let refreshes = refreshes.clone();
        async move {
            if request.target == "/api/token" {
                let number = refreshes.fetch_add(1, Ordering::Relaxed) + 1;
                return json(200, format!(r#"{{"access_token":"token-{number}"}}"#));
            }
            if token_of(&request) == Some("token-1") { unauthorized() } else { success(&id_of(&request)) }
        }
    })
    .await;
    let builder = server.builder().api_key("key-1").client_id("client-1").client_secret("secret-1");
    let base = builder.concurrency(1).build().unwrap();
    let payer = base.with_credentials(Credentials::new().token_source(Refresh(base.clone())));
    let requests = (0..20).map(|_| payer.payments().create(order()).into_future());
    for result in tokio::time::timeout(PATIENCE, join_all(requests)).await.unwrap() {
        result.unwrap();
    }
    let received = server.take();
    assert_eq!(received.iter().filter(|request| request.target == "/api/token").count(), 2);
    assert!(received.iter().all(|request| request.target != "/api/token" || token_of(request).is_none()));
    assert_eq!(server.most_in_flight(), 1);
}
