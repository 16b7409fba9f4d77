//! Repetition: what is sent again, and what is said at the end, for every kind of operation, failure and policy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faults;
mod support;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use faults::{
    CLASSES, Class, Failure, Fault, LONGEST_RETRY_AFTER, OWN_KEY, PATIENCE, SHORT, Scripted, Seen, answer, different,
    failures, kept_success, success,
};
use piaxis::{Client, Error, Outcome, RetryPolicy};
use support::Received;
use tokio::task::JoinSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Default,
    WritesWithKey,
    Nothing,
}

const POLICIES: [Policy; 3] = [Policy::Default, Policy::WritesWithKey, Policy::Nothing];

/// How often a call is sent again at most.
const RETRIES: usize = 2;

impl Policy {
    fn real(self) -> RetryPolicy {
        let quick = |policy: RetryPolicy| {
            policy.backoff(Duration::from_millis(1), Duration::from_millis(5)).max_retry_after(LONGEST_RETRY_AFTER)
        };
        match self {
            Self::Default => quick(RetryPolicy::default()),
            Self::WritesWithKey => quick(RetryPolicy::default()).retry_writes_with_idempotency_key(),
            Self::Nothing => quick(RetryPolicy::none()),
        }
    }
}

/// Whether the rules allow to send again after this. It is written from the documentation and knows nothing of the code.
fn may_repeat(class: Class, policy: Policy, seen: Seen) -> bool {
    let may_help = match seen {
        Seen::NoConnection | Seen::Broken | Seen::TimedOut => true,
        Seen::Status(status, _) => [408, 429, 500, 502, 503, 504].contains(&status),
        Seen::Unreadable | Seen::Success => false,
    };
    let harmless = class == Class::Read || seen.outcome() == Some(Outcome::NotSent);
    let wanted = policy == Policy::WritesWithKey && class.moves_money();
    policy != Policy::Nothing && may_help && (harmless || wanted)
}

/// One combination, with the name that a failed assertion carries.
struct Cell {
    about: String,
    class: Class,
    policy: Policy,
    failure: Failure,
    server: Scripted,
    /// For this cell alone: clients have a budget of repetitions.
    client: Client,
}

impl Cell {
    /// Its server does `then` after the failure, if there is anything to do.
    async fn new(failure: &Failure, class: Class, policy: Policy, then: Option<Fault>) -> Self {
        let about = format!("{}, {class:?}, {policy:?}", failure.name);
        let server = Scripted::start([failure.fault.clone()].into_iter().chain(then).collect()).await;
        // The crate's own connections wherever they can be had without much ado.
        let often = policy == Policy::Default && matches!(class, Class::Read | Class::Write);
        let plain = often && failure.seen != Seen::NoConnection;
        let builder = if plain { server.plain_builder() } else { server.builder() };
        let timeout = if failure.seen == Seen::TimedOut { SHORT } else { PATIENCE };
        let client = builder.timeout(timeout).retry_policy(policy.real()).build().unwrap();
        Self { about, class, policy, failure: failure.clone(), server, client }
    }

    /// What became of the call, and how long it took.
    async fn call(&self) -> (Result<u32, Error>, Duration) {
        let started = Instant::now();
        let stalled = if self.failure.seen == Seen::TimedOut { SHORT } else { Duration::ZERO };
        let bound = (stalled + LONGEST_RETRY_AFTER) * (1 + RETRIES as u32) + Duration::from_secs(8);
        let result = tokio::time::timeout(bound, self.class.call(&self.client)).await;
        let result = result.unwrap_or_else(|_| panic!("{}: no end after {bound:?}", self.about));
        (result, started.elapsed())
    }

    /// What holds for the requests of every call, however it ends.
    fn check_requests(&self, received: &[Received]) {
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
        assert_eq!(Some(error.outcome()), self.failure.seen.outcome(), "{about}: outcome: {error}");
        assert_eq!(error.is_timeout(), self.failure.seen == Seen::TimedOut, "{about}: {error}");
        assert_eq!(error.is_connect(), self.failure.seen == Seen::NoConnection, "{about}: {error}");
        assert_eq!(error.is_decode(), self.failure.seen == Seen::Unreadable, "{about}: {error}");
        assert_eq!(error.idempotency_key().is_some(), self.class.has_key(), "{about}: the key is in the error");
        assert_eq!(error.request_ids().len(), attempts, "{about}: a request id for each attempt");
        assert_eq!(error.request_ids().iter().collect::<BTreeSet<_>>().len(), attempts, "{about}: request ids");
        for (request, id) in received.iter().zip(error.request_ids()) {
            assert_eq!(request.header("x-request-id"), Some(&**id), "{about}: the error has the ids that were sent");
            assert_eq!(request.header("x-idempotency-key"), error.idempotency_key(), "{about}: and the key");
        }
    }
}

/// Runs every combination with these failures, those of one failure at the same time, and says how many there were.
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
    assert_eq!(failed, 0, "so many of {cells} cells are not as they should be; each is named above");
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_every_time_is_sent_as_often_as_the_rules_allow() {
    let cells = for_every_cell(failures(), None, fails_every_time).await;
    eprintln!("cells: {cells}");
    assert!(cells >= 200, "{cells}");
}

async fn fails_every_time(cell: Cell) {
    let (about, server) = (&cell.about, &cell.server);
    let repeated = may_repeat(cell.class, cell.policy, cell.failure.seen);
    let attempts = if repeated { 1 + RETRIES } else { 1 };

    let (result, took) = cell.call().await;

    let refused = cell.failure.seen == Seen::NoConnection;
    let unread = refused || matches!(cell.failure.fault, Fault::CloseUnread);
    if !refused {
        server.saw(attempts, about).await;
    }
    let received = server.received();
    assert_eq!(server.tried(), attempts, "{about}: connections");
    assert_eq!(server.connections(), if refused { 0 } else { attempts }, "{about}: connections that came about");
    assert_eq!(received.len(), if unread { 0 } else { attempts }, "{about}: requests on the wire");
    cell.check_requests(&received);
    match result {
        Ok(answered_after) => {
            assert_eq!(cell.failure.seen, Seen::Success, "{about}: it should have failed");
            assert_eq!(answered_after, 1, "{about}");
        }
        Err(error) => cell.check_error(&error, attempts, &received),
    }
    let stalls = if cell.failure.seen == Seen::TimedOut { SHORT } else { Duration::ZERO };
    let at_least = stalls * attempts as u32 + cell.failure.wait * (attempts as u32 - 1);
    assert!(took >= at_least, "{about}: it took {took:?}, but should take {at_least:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_once_and_may_be_repeated_ends_well() {
    let failures = failures().into_iter().filter(|failure| failure.seen != Seen::Success).collect();
    let cells = for_every_cell(failures, Some(Fault::Close(success())), fails_once).await;
    eprintln!("cells: {cells}");
    assert!(cells >= 200, "{cells}");
}

async fn fails_once(cell: Cell) {
    let (about, server) = (&cell.about, &cell.server);
    let repeated = may_repeat(cell.class, cell.policy, cell.failure.seen);
    let attempts = if repeated { 2 } else { 1 };

    let (result, took) = cell.call().await;

    let refused = cell.failure.seen == Seen::NoConnection;
    let unread = refused || matches!(cell.failure.fault, Fault::CloseUnread);
    server.saw(attempts - usize::from(refused), about).await;
    let received = server.received();
    assert_eq!(server.tried(), attempts, "{about}: connections");
    assert_eq!(received.len(), attempts - usize::from(unread), "{about}: requests on the wire");
    cell.check_requests(&received);
    match result {
        Ok(answered_after) => {
            assert!(repeated, "{about}: it should have failed");
            assert_eq!(answered_after, 2, "{about}");
            assert!(took >= cell.failure.wait, "{about}: it took {took:?}");
        }
        Err(error) => {
            assert!(!repeated, "{about}: it should have been sent again: {error}");
            cell.check_error(&error, 1, &received);
        }
    }
}

#[tokio::test]
async fn an_attempt_that_may_have_happened_is_not_forgotten() {
    use Fault::{Close, Refuse};
    let status = |status| Close(answer(status, &[], ""));
    let (taken_back, declined) = (Outcome::NotSent, Outcome::Rejected);
    // What the attempts meet, the policy, how many there are, the outcome.
    let cases = [
        (vec![status(500), status(429)], Policy::WritesWithKey, 3, Outcome::Unknown),
        (vec![status(500), status(409)], Policy::WritesWithKey, 2, Outcome::Unknown),
        (vec![status(500), Refuse], Policy::WritesWithKey, 3, Outcome::Unknown),
        (vec![Close(Vec::new()), status(422)], Policy::WritesWithKey, 2, Outcome::Unknown),
        (vec![status(408), status(429), status(409)], Policy::WritesWithKey, 3, Outcome::Unknown),
        (vec![status(429), status(500), status(409)], Policy::WritesWithKey, 3, Outcome::Unknown),
        (vec![status(429), status(500)], Policy::Default, 2, Outcome::Unknown),
        // And where no attempt may have happened, it is not made worse than it is.
        (vec![status(429), status(409)], Policy::WritesWithKey, 2, declined),
        (vec![status(429), Refuse, status(409)], Policy::Default, 3, declined),
        (vec![Refuse, status(429)], Policy::WritesWithKey, 3, taken_back),
    ];
    for (script, policy, attempts, outcome) in cases {
        for class in [Class::Write, Class::WriteWithOwnKey] {
            let about = format!("{policy:?}, {class:?}, {script:?}");
            let server = Scripted::start(script.clone()).await;
            let client = server.builder().retry_policy(policy.real()).build().unwrap();

            let error = class.call(&client).await.expect_err(&about);

            assert_eq!(error.outcome(), outcome, "{about}: {error}");
            assert_eq!((error.attempts(), server.tried()), (attempts, attempts as usize), "{about}: {error}");
            assert!(different(&server.received(), "x-idempotency-key") <= 1, "{about}");
            let warns = error.to_string().contains("it may have happened all the same");
            assert_eq!(warns, outcome == Outcome::Unknown, "{about}: {error}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_was_good_before_breaks_like_a_new_one() {
    for ending in [Fault::Close(Vec::new()), Fault::Reset(Vec::new()), Fault::Reset(b"HTTP/1.1 200".to_vec())] {
        for class in CLASSES {
            for policy in POLICIES {
                let about = format!("{ending:?}, {class:?}, {policy:?}");
                let script = vec![Fault::Keep(kept_success()), ending.clone(), Fault::Close(success())];
                let server = Scripted::start(script).await;
                let client = server.plain_builder().idle_timeout(PATIENCE).retry_policy(policy.real()).build().unwrap();
                assert_eq!(class.call(&client).await.expect(&about), 1, "{about}");

                let result = class.call(&client).await;

                let repeated = may_repeat(class, policy, Seen::Broken);
                assert_eq!(result.as_ref().ok(), repeated.then_some(&2), "{about}");
                assert_eq!(server.received().len(), if repeated { 3 } else { 2 }, "{about}: requests on the wire");
                assert_eq!(server.connections(), if repeated { 2 } else { 1 }, "{about}: it was used again");
                if let Err(error) = result {
                    assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 1), "{about}: {error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_caller_s_own_request_id_is_kept_in_each_attempt() {
    let server = Scripted::start(vec![Fault::Close(answer(503, &[], ""))]).await;
    let client = server.builder().retry_policy(Policy::Default.real()).build().unwrap();
    let error = client.payments().get("pay-1").request_id("mine-1").await.unwrap_err();
    let received = server.received();
    assert_eq!((error.attempts(), received.len()), (3, 3));
    assert!(received.iter().all(|request| request.header("x-request-id") == Some("mine-1")));
    assert_eq!(error.request_ids(), ["mine-1"; 3]);
}
