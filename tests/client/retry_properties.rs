//! Retries: invariants over random failures, and limits: the retry budget, deadlines, cancellation.

use std::time::{Duration, Instant};

use piaxis::{Outcome, RetryPolicy};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};

use crate::support::faults::{
    CLASSES, Class, Failure, Fault, PATIENCE, SHORT, Scripted, Seen, different, failures, outcome, response, success,
};

/// A request and the failures of its attempts. Later attempts succeed.
#[derive(Debug, Clone)]
struct Run {
    class: Class,
    retries: usize,
    writes_with_key: bool,
    failures: Vec<Failure>,
}

impl Run {
    /// What the attempts met.
    fn met(&self, attempts: usize) -> impl Iterator<Item = Seen> {
        self.failures.iter().map(|failure| failure.seen).chain(std::iter::repeat(Seen::Success)).take(attempts)
    }
}

fn runs() -> impl Strategy<Value = Run> {
    let (stalls, others): (Vec<_>, Vec<_>) = failures().into_iter().partition(|failure| failure.seen == Seen::TimedOut);
    // Runs that end after one attempt show little, so retryable failures are chosen more often.
    let goes_on: Vec<_> = others
        .iter()
        .filter(|failure| matches!(failure.seen, Seen::NoConnection | Seen::Status(429 | 500 | 503)))
        .cloned()
        .collect();
    let failure = prop_oneof![12 => select(goes_on), 12 => select(others), 1 => select(stalls)];
    (select(&CLASSES[..]), 0..5usize, any::<bool>(), vec(failure, 0..6))
        .prop_map(|(class, retries, writes_with_key, failures)| Run { class, retries, writes_with_key, failures })
}

async fn holds(run: &Run) -> Result<(), TestCaseError> {
    let script = run.failures.iter().map(|failure| failure.fault.clone()).chain([Fault::Close(success())]);
    let server = Scripted::start(script.collect()).await;
    let policy = quick(run.retries);
    let policy = if run.writes_with_key { policy.retry_writes_with_idempotency_key() } else { policy };
    let stalls = run.failures.iter().any(|failure| failure.seen == Seen::TimedOut);
    let timeout = if stalls { SHORT } else { PATIENCE };
    let client = server.builder().timeout(timeout).retry_policy(policy).build().unwrap();

    let result = tokio::time::timeout(PATIENCE, run.class.send(&client)).await.expect("the request stays pending");

    let attempts = match &result {
        Ok(attempts) => *attempts as usize,
        Err(error) => error.attempts() as usize,
    };
    prop_assert!(attempts >= 1 && attempts <= 1 + run.retries, "{} attempts", attempts);
    let met: Vec<_> = run.met(attempts).collect();
    server.saw(met.iter().filter(|seen| **seen != Seen::NoConnection).count(), "").await;
    prop_assert_eq!(server.tried(), attempts, "connections");
    let received = server.received();
    prop_assert!(received.len() <= attempts, "{} requests", received.len());

    let outcomes: Vec<_> = met.iter().enumerate().map(|(at, seen)| seen.outcome(run.class, at == 0)).collect();
    let retried = &outcomes[..attempts - 1];
    // An attempt that may have been executed is retried only where the caller allowed it.
    let is_allowed = run.writes_with_key && run.class.moves_money();
    prop_assert!(is_allowed || !retried.contains(&Some(Outcome::Unknown)), "retried after {:?}", met);
    // Rejections and successes are never retried.
    prop_assert!(!retried.contains(&Some(Outcome::Rejected)) && !retried.contains(&None), "retried after {:?}", met);
    prop_assert!(met[..attempts - 1].iter().all(|seen| seen.is_temporary()), "retried after {:?}", met);
    let longest = run.failures.iter().take(attempts - 1).map(|failure| failure.retry_after).max().unwrap_or_default();
    prop_assert!(longest <= MAX_RETRY_AFTER, "retried before {:?} had elapsed", longest);

    prop_assert!(different(&received, "x-idempotency-key") <= 1, "one write has one key");
    prop_assert_eq!(different(&received, "x-request-id"), received.len(), "a request id for each attempt");
    let carry_key = received.iter().all(|sent| sent.header("x-idempotency-key").is_some() == run.class.has_key());
    prop_assert!(carry_key, "the key is on each attempt, or on none");

    match result {
        Ok(_) => prop_assert_eq!(met.last(), Some(&Seen::Success), "success without a successful attempt"),
        Err(error) => {
            prop_assert_eq!(Some(error.outcome()), outcome(run.class, &met), "{:?}: {}", met, error);
            prop_assert_eq!(error.outcome() == Outcome::ReadFailed, run.class == Class::Read, "{}", error);
            if let Some(sent) = received.first() {
                prop_assert_eq!(sent.header("x-idempotency-key"), error.idempotency_key());
            }
        }
    }
    Ok(())
}

#[test]
fn no_series_of_failures_retries_what_may_have_been_executed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // A request that stays pending costs its timeout in every shrinking step.
    let config =
        ProptestConfig { cases: 300, failure_persistence: None, max_shrink_time: 20_000, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    runner.run(&runs(), |run| runtime.block_on(holds(&run))).unwrap();
}

/// The longest `Retry-After` that is waited for.
const MAX_RETRY_AFTER: Duration = Duration::from_millis(5);

/// Retries almost without delay.
fn quick(retries: usize) -> RetryPolicy {
    RetryPolicy::default()
        .max_retries(retries.try_into().unwrap())
        .backoff(Duration::from_micros(1), Duration::from_micros(1))
        .max_retry_after(MAX_RETRY_AFTER)
}

fn unavailable() -> Fault {
    Fault::Close(response(503, &[], ""))
}

#[tokio::test]
async fn an_outage_exhausts_the_retry_budget_of_a_client_and_its_clones() {
    let server = Scripted::start(vec![unavailable()]).await;
    let builder = || server.builder().retry_policy(quick(1_000));
    let client = builder().build().unwrap();
    let started = Instant::now();

    let error = client.payments().get("pay-1").await.unwrap_err();

    // 10 a second, all of which may be withdrawn at once, in about 10 seconds.
    let most = |requests: usize| requests + requests / 5 + 100 * (1 + started.elapsed().as_secs() as usize / 9);
    let attempts = error.attempts() as usize;
    assert!((101..=most(1)).contains(&attempts), "{attempts} attempts");
    assert_eq!(server.received().len(), attempts, "on the wire");

    // Clones share the exhausted budget. First attempts are always sent, and a fifth of them may be retried.
    let clone = client.clone();
    for requests in 2..=21 {
        let error = clone.payments().get("pay-1").await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(503), "{error}");
        let total = server.received().len();
        assert!((100 + requests..=most(requests)).contains(&total), "{total} requests in {requests} requests");
    }

    let another = builder().retry_policy(quick(2)).build().unwrap();
    assert_eq!(another.payments().get("pay-1").await.unwrap_err().attempts(), 3, "another client has its own budget");
}

/// A response with `Retry-After`, and then a success.
async fn server_with_retry_after(status: u16, retry_after: &str) -> Scripted {
    let rejection = response(status, &[("retry-after", retry_after)], "");
    Scripted::start(vec![Fault::Close(rejection), Fault::Close(success())]).await
}

#[tokio::test]
async fn a_retry_after_above_the_maximum_fails_at_once() {
    for (class, status) in [(Class::Read, 503), (Class::Read, 429), (Class::Write, 429)] {
        let server = server_with_retry_after(status, "31").await;
        let client = server.builder().retry_policy(RetryPolicy::default()).build().unwrap();
        let started = Instant::now();

        let error = class.send(&client).await.unwrap_err();

        assert_eq!(error.retry_after(), Some(Duration::from_secs(31)), "{error}");
        assert_eq!((error.attempts(), server.tried()), (1, 1), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_deadline_ends_an_attempt_without_a_response() {
    let deadline = Duration::from_millis(500);
    for (class, fault) in
        [(Class::Read, Fault::Hang(Vec::new())), (Class::Write, Fault::Drip(b"HTTP/1.1 200 OK\r\nx-drip: ".to_vec()))]
    {
        let server = Scripted::start(vec![fault]).await;
        let client = server.builder().retry_policy(quick(1_000)).deadline(deadline).build().unwrap();
        let started = Instant::now();

        let error = tokio::time::timeout(PATIENCE, class.send(&client)).await.unwrap().unwrap_err();

        assert!(error.is_timeout(), "{error}");
        assert_eq!(Some(error.outcome()), Seen::TimedOut.outcome(class, true), "{error}");
        assert_eq!(error.attempts(), 1, "{error}");
        assert!(started.elapsed() >= deadline, "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn the_deadline_of_a_request_overrides_that_of_the_client() {
    let server = Scripted::start(vec![Fault::Hang(Vec::new())]).await;
    let client = server.builder().deadline(Duration::from_secs(3_600)).retry_policy(quick(2)).build().unwrap();
    let request = client.payments().get("pay-1").deadline(Duration::from_millis(500));
    let error = tokio::time::timeout(PATIENCE, request).await.unwrap().unwrap_err();
    assert!(error.is_timeout(), "{error}");

    server.was_hung_up_on(1).await;
    let server = server_with_retry_after(503, "0").await;
    let client = server.builder().deadline(Duration::from_nanos(1)).retry_policy(quick(2)).build().unwrap();
    client.payments().get("pay-1").deadline(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_request_dropped_during_an_attempt_closes_the_connection_and_is_not_retried() {
    let server = Scripted::start(vec![Fault::Hang(Vec::new()), Fault::Close(success())]).await;
    let client = server.builder().retry_policy(quick(5).retry_writes_with_idempotency_key()).build().unwrap();
    let task = tokio::spawn({
        let client = client.clone();
        async move { Class::Write.send(&client).await }
    });
    server.saw(1, "").await;

    task.abort();

    assert!(task.await.unwrap_err().is_cancelled());
    server.was_hung_up_on(1).await;
    assert_eq!(Class::Write.send(&client).await.unwrap(), 1, "the client still works");
    let received = server.received();
    assert_eq!((received.len(), server.tried()), (2, 2), "the dropped request and the next one, one attempt each");
    assert_eq!(different(&received, "x-idempotency-key"), 2, "another request has another key");
}
