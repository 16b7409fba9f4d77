//! Retries: attempts, headers and errors for every kind of operation, failure and policy.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use piaxis::{Client, Error, ErrorKind, Outcome, RetryPolicy};
use tokio::task::JoinSet;

use crate::support::{
    faults::{
        CLASSES, Class, Failure, Fault, MAX_RETRY_AFTER, OWN_KEY, PATIENCE, SHORT, Scripted, Seen, different, failures,
        kept_success, outcome, response, success,
    },
    server::Received,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Default,
    WritesWithKey,
    Nothing,
}

const POLICIES: [Policy; 3] = [Policy::Default, Policy::WritesWithKey, Policy::Nothing];

/// Maximum number of retries.
const RETRIES: usize = 2;

impl Policy {
    fn real(self) -> RetryPolicy {
        let quick = |policy: RetryPolicy| {
            policy.backoff(Duration::from_millis(1), Duration::from_millis(5)).max_retry_after(MAX_RETRY_AFTER)
        };
        match self {
            Self::Default => quick(RetryPolicy::default()),
            Self::WritesWithKey => quick(RetryPolicy::default()).retry_writes_with_idempotency_key(),
            Self::Nothing => quick(RetryPolicy::none()),
        }
    }
}

/// Whether the rules allow a retry after the first attempt. Written from the documentation, independent of the code.
fn is_retried(class: Class, policy: Policy, failure: &Failure) -> bool {
    let is_permitted = match failure.seen.outcome(class, true) {
        Some(Outcome::NotSent | Outcome::ReadFailed) => true,
        Some(Outcome::Unknown) => policy == Policy::WritesWithKey && class.moves_money(),
        Some(Outcome::Rejected) | None => false,
    };
    let is_soon = failure.retry_after <= MAX_RETRY_AFTER;
    policy != Policy::Nothing && failure.seen.is_temporary() && is_permitted && is_soon
}

/// One combination.
struct Cell {
    /// Names the cell in a failed assertion.
    about: String,
    class: Class,
    policy: Policy,
    failure: Failure,
    server: Scripted,
    /// Of this cell alone, because a client has a retry budget.
    client: Client,
}

impl Cell {
    /// The server continues with `then` after the failure.
    async fn new(failure: &Failure, class: Class, policy: Policy, then: Option<Fault>) -> Self {
        let about = format!("{}, {class:?}, {policy:?}", failure.name);
        let server = Scripted::start([failure.fault.clone()].into_iter().chain(then).collect()).await;
        // The crate's own resolver in the most common cells.
        let often = policy == Policy::Default && matches!(class, Class::Read | Class::Write);
        let plain = often && failure.seen != Seen::NoConnection;
        let builder = if plain { server.plain_builder() } else { server.builder() };
        let timeout = if failure.seen == Seen::TimedOut { SHORT } else { PATIENCE };
        let client = builder.timeout(timeout).retry_policy(policy.real()).build().unwrap();
        Self { about, class, policy, failure: failure.clone(), server, client }
    }

    /// Sends the request, and returns the result and the duration.
    async fn send(&self) -> (Result<u32, Error>, Duration) {
        let started = Instant::now();
        let stalled = if self.failure.seen == Seen::TimedOut { SHORT } else { Duration::ZERO };
        let bound = (stalled + MAX_RETRY_AFTER) * (1 + RETRIES as u32) + Duration::from_secs(8);
        let result = tokio::time::timeout(bound, self.class.send(&self.client)).await;
        let result = result.unwrap_or_else(|_| panic!("{}: still pending after {bound:?}", self.about));
        (result, started.elapsed())
    }

    /// Checks what holds for the attempts of every request.
    fn check_attempts(&self, received: &[Received]) {
        let about = &self.about;
        assert_eq!(different(received, "x-request-id"), received.len(), "{about}: a fresh request id for each attempt");
        let with_key = received.iter().filter(|request| request.header("x-idempotency-key").is_some()).count();
        let (wanted_with_key, wanted_keys) = match (self.class.has_key(), received.len()) {
            (true, 1..) => (received.len(), 1),
            _ => (0, 0),
        };
        assert_eq!(with_key, wanted_with_key, "{about}: attempts with an idempotency key");
        assert_eq!(different(received, "x-idempotency-key"), wanted_keys, "{about}: idempotency keys");
        if self.class == Class::WriteWithOwnKey {
            let own = |request: &Received| request.header("x-idempotency-key") == Some(OWN_KEY);
            assert!(received.iter().all(own), "{about}: the caller's own key");
        }
        let same: BTreeSet<_> = received.iter().map(|sent| (&sent.method, &sent.target, &sent.body)).collect();
        assert!(same.len() <= 1, "{about}: each attempt is the same request: {same:?}");
    }

    fn check_error(&self, error: &Error, attempts: usize, received: &[Received]) {
        let about = &self.about;
        assert_eq!(error.attempts() as usize, attempts, "{about}: attempts: {error}");
        let expected = outcome(self.class, &vec![self.failure.seen; attempts]);
        assert_eq!(Some(error.outcome()), expected, "{about}: outcome: {error}");
        assert_eq!(error.is_timeout(), self.failure.seen == Seen::TimedOut, "{about}: {error}");
        assert_eq!(error.is_connect(), self.failure.seen == Seen::NoConnection, "{about}: {error}");
        assert_eq!(error.is_decode(), self.failure.seen == Seen::Unreadable, "{about}: {error}");
        let is_error_in_success = error.kind() == ErrorKind::ErrorInSuccess;
        assert_eq!(is_error_in_success, self.failure.seen == Seen::ErrorInSuccess, "{about}: {error}");
        let retry_after = error.retry_after().unwrap_or_default();
        assert!(retry_after >= self.failure.retry_after, "{about}: retry after {retry_after:?}");
        assert_eq!(error.idempotency_key().is_some(), self.class.has_key(), "{about}: the key is in the error");
        assert_eq!(error.request_ids().len(), attempts, "{about}: a request id for each attempt");
        assert_eq!(error.request_ids().iter().collect::<BTreeSet<_>>().len(), attempts, "{about}: request ids");
        for (request, id) in received.iter().zip(error.request_ids()) {
            assert_eq!(request.header("x-request-id"), Some(&**id), "{about}: the error has the ids that were sent");
            assert_eq!(request.header("x-idempotency-key"), error.idempotency_key(), "{about}: and the key");
        }
    }
}

/// Runs every combination with these failures, those of one failure concurrently. Returns the number of cells.
async fn for_every_cell<F>(failures: Vec<Failure>, then: Option<Fault>, check: fn(Cell) -> F) -> usize
where
    F: Future<Output = ()> + Send + 'static,
{
    let (mut cells, mut failed) = (0, 0);
    for failure in failures {
        let mut row = Vec::new();
        for class in CLASSES {
            for policy in POLICIES {
                row.push(Cell::new(&failure, class, policy, then.clone()).await);
            }
        }
        cells += row.len();
        let mut running: JoinSet<()> = row.into_iter().map(check).collect();
        while let Some(ended) = running.join_next().await {
            failed += usize::from(ended.is_err());
        }
    }
    assert_eq!(failed, 0, "failed cells of {cells}; each is named above");
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lasting_failure_is_retried_as_often_as_the_rules_allow() {
    let cells = for_every_cell(failures(), None, fails_every_time).await;
    eprintln!("cells: {cells}");
    assert!(cells >= 1_000, "{cells}");
}

async fn fails_every_time(cell: Cell) {
    let (about, server) = (&cell.about, &cell.server);
    let is_retried = is_retried(cell.class, cell.policy, &cell.failure);
    let attempts = if is_retried { 1 + RETRIES } else { 1 };

    let (result, took) = cell.send().await;

    let refused = cell.failure.seen == Seen::NoConnection;
    let unread = refused || matches!(cell.failure.fault, Fault::CloseUnread);
    if !refused {
        server.saw(attempts, about).await;
    }
    let received = server.received();
    assert_eq!(server.tried(), attempts, "{about}: connections");
    assert_eq!(server.connections(), if refused { 0 } else { attempts }, "{about}: established connections");
    assert_eq!(received.len(), if unread { 0 } else { attempts }, "{about}: requests on the wire");
    cell.check_attempts(&received);
    match result {
        Ok(attempts_made) => {
            assert_eq!(cell.failure.seen, Seen::Success, "{about}: must fail");
            assert_eq!(attempts_made, 1, "{about}");
        }
        Err(error) => cell.check_error(&error, attempts, &received),
    }
    let stalls = if cell.failure.seen == Seen::TimedOut { SHORT } else { Duration::ZERO };
    let delay = cell.failure.retry_after;
    let at_least = stalls * attempts as u32 + delay * (attempts as u32 - 1);
    assert!(took >= at_least, "{about}: took {took:?}, must take {at_least:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_is_retried_once_succeeds() {
    let failures = failures().into_iter().filter(|failure| failure.seen != Seen::Success).collect();
    let cells = for_every_cell(failures, Some(Fault::Close(success())), fails_once).await;
    eprintln!("cells: {cells}");
    assert!(cells >= 1_000, "{cells}");
}

async fn fails_once(cell: Cell) {
    let (about, server) = (&cell.about, &cell.server);
    let is_retried = is_retried(cell.class, cell.policy, &cell.failure);
    let attempts = if is_retried { 2 } else { 1 };

    let (result, took) = cell.send().await;

    let refused = cell.failure.seen == Seen::NoConnection;
    let unread = refused || matches!(cell.failure.fault, Fault::CloseUnread);
    server.saw(attempts - usize::from(refused), about).await;
    let received = server.received();
    assert_eq!(server.tried(), attempts, "{about}: connections");
    assert_eq!(received.len(), attempts - usize::from(unread), "{about}: requests on the wire");
    cell.check_attempts(&received);
    match result {
        Ok(attempts_made) => {
            assert!(is_retried, "{about}: must fail");
            assert_eq!(attempts_made, 2, "{about}");
            assert!(took >= cell.failure.retry_after, "{about}: took {took:?}");
        }
        Err(error) => {
            assert!(!is_retried, "{about}: must be retried: {error}");
            cell.check_error(&error, 1, &received);
        }
    }
}

#[tokio::test]
async fn an_attempt_that_may_have_been_executed_decides_the_outcome() {
    use Fault::{Close, Refuse};
    use Outcome::{NotSent, Rejected, Unknown};
    let status = |status| Close(response(status, &[], ""));
    let error_in_success = Close(response(200, &[], r#"{"detail":"no"}"#));
    // The script, the policy, the number of attempts, the outcome.
    let cases = [
        (vec![status(500), status(429)], Policy::WritesWithKey, 3, Unknown),
        (vec![status(500), status(409)], Policy::WritesWithKey, 2, Unknown),
        (vec![status(500), status(422)], Policy::WritesWithKey, 2, Unknown),
        (vec![status(500), Refuse], Policy::WritesWithKey, 3, Unknown),
        (vec![Close(Vec::new()), status(422)], Policy::WritesWithKey, 2, Unknown),
        (vec![status(408), status(429), status(409)], Policy::WritesWithKey, 3, Unknown),
        (vec![status(429), status(500), status(409)], Policy::WritesWithKey, 3, Unknown),
        (vec![status(429), status(500)], Policy::Default, 2, Unknown),
        (vec![status(429), status(503)], Policy::Default, 2, Unknown),
        (vec![status(503), error_in_success.clone()], Policy::WritesWithKey, 2, Unknown),
        (vec![status(429), error_in_success], Policy::Default, 2, Unknown),
        // A conflict after the first attempt may be a conflict with an attempt that a gateway resent.
        (vec![status(429), status(409)], Policy::WritesWithKey, 2, Unknown),
        (vec![status(429), status(423)], Policy::Default, 2, Unknown),
        (vec![status(429), Refuse, status(409)], Policy::Default, 3, Unknown),
        // No attempt can have been executed.
        (vec![status(429), status(422)], Policy::WritesWithKey, 2, Rejected),
        (vec![status(429), Refuse, status(403)], Policy::Default, 3, Rejected),
        (vec![Refuse, status(429)], Policy::WritesWithKey, 3, NotSent),
    ];
    for (script, policy, attempts, outcome) in cases {
        for class in [Class::Write, Class::WriteWithOwnKey] {
            let about = format!("{policy:?}, {class:?}, {script:?}");
            let server = Scripted::start(script.clone()).await;
            let client = server.builder().retry_policy(policy.real()).build().unwrap();

            let error = class.send(&client).await.expect_err(&about);

            assert_eq!(error.outcome(), outcome, "{about}: {error}");
            assert_eq!((error.attempts(), server.tried()), (attempts, attempts as usize), "{about}: {error}");
            assert!(different(&server.received(), "x-idempotency-key") <= 1, "{about}");
            let warns = error.to_string().contains("the request may have been executed");
            assert_eq!(warns, outcome == Unknown, "{about}: {error}");
        }
    }
}

#[tokio::test]
async fn a_conflict_is_a_rejection_only_where_the_key_is_random_and_new() {
    for status in [409, 423] {
        for (class, outcome) in [
            (Class::Write, Outcome::Rejected),
            (Class::WriteWithOwnKey, Outcome::Unknown),
            (Class::Read, Outcome::ReadFailed),
        ] {
            let server = Scripted::start(vec![Fault::Close(response(status, &[], ""))]).await;
            let client = server.builder().retry_policy(Policy::WritesWithKey.real()).build().unwrap();

            let error = class.send(&client).await.unwrap_err();

            assert_eq!((error.outcome(), error.kind()), (outcome, ErrorKind::Conflict), "{status}, {class:?}: {error}");
            assert_eq!(error.attempts(), 1, "{status}, {class:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_deadline_exceeded_before_sending_is_not_sent() {
    for (class, outcome) in [(Class::Write, Outcome::NotSent), (Class::Read, Outcome::ReadFailed)] {
        let server = Scripted::start(vec![Fault::Close(success())]).await;
        let client = server.builder().deadline(Duration::ZERO).build().unwrap();

        let error = class.send(&client).await.unwrap_err();

        assert_eq!((error.outcome(), error.kind()), (outcome, ErrorKind::Timeout), "{class:?}: {error}");
        assert_eq!((error.attempts(), server.tried()), (0, 0), "{class:?}: {error}");
    }
}

#[tokio::test]
async fn connecting_that_times_out_is_not_sent() {
    // The backlog of the listener is full, so that the handshake never completes.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    let client = Client::builder()
        .environment(piaxis::Environment::Custom(format!("http://{address}/api")))
        .api_key("key-1")
        .client_id("client-1")
        .timeout(SHORT)
        .retry_policy(Policy::Default.real())
        .build()
        .unwrap();

    let error = Class::Write.send(&client).await.unwrap_err();

    assert!(error.is_timeout() && error.is_connect(), "{error}");
    assert_eq!((error.outcome(), error.attempts()), (Outcome::NotSent, 3), "{error}");
}

#[tokio::test]
async fn a_reused_connection_breaks_like_a_new_one() {
    for ending in [Fault::Close(Vec::new()), Fault::Reset(Vec::new()), Fault::Reset(b"HTTP/1.1 200".to_vec())] {
        for class in CLASSES {
            for policy in POLICIES {
                let about = format!("{ending:?}, {class:?}, {policy:?}");
                let script = vec![Fault::Keep(kept_success()), ending.clone(), Fault::Close(success())];
                let server = Scripted::start(script).await;
                let client = server.plain_builder().idle_timeout(PATIENCE).retry_policy(policy.real()).build().unwrap();
                assert_eq!(class.send(&client).await.expect(&about), 1, "{about}");

                let result = class.send(&client).await;

                let is_permitted = class == Class::Read || policy == Policy::WritesWithKey && class.moves_money();
                let is_retried = policy != Policy::Nothing && is_permitted;
                assert_eq!(result.as_ref().ok(), is_retried.then_some(&2), "{about}");
                assert_eq!(server.received().len(), if is_retried { 3 } else { 2 }, "{about}: requests on the wire");
                assert_eq!(server.connections(), if is_retried { 2 } else { 1 }, "{about}: the connection is reused");
                if let Err(error) = result {
                    assert_eq!(Some(error.outcome()), Seen::Broken.outcome(class, true), "{about}: {error}");
                    assert_eq!(error.attempts(), 1, "{about}: {error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn each_attempt_carries_the_request_id_of_the_caller() {
    let server = Scripted::start(vec![Fault::Close(response(503, &[], ""))]).await;
    let client = server.builder().retry_policy(Policy::Default.real()).build().unwrap();
    let error = client.payments().get("pay-1").request_id("mine-1").await.unwrap_err();
    let received = server.received();
    assert_eq!((error.attempts(), received.len()), (3, 3));
    assert!(received.iter().all(|request| request.header("x-request-id") == Some("mine-1")));
    assert_eq!(error.request_ids(), ["mine-1"; 3]);
}
