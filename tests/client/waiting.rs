//! Polling until a status is settled, on a clock that the test moves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use piaxis::{
    Client, ErrorKind, EscrowStatus, Outcome, PaymentStatus, PollResult, Poller, Request, RequestOptions,
    types::Payment,
};
use tokio::task::JoinHandle;

use crate::support::{
    clock::Clock,
    server::{Response, Server},
};

const SECOND: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);

fn payment(status: &str) -> Response {
    Response::json(200, format!(r#"{{"id":"pay-1","status":"{status}","amount":"15000","currency":"UGX"}}"#))
}

struct Waiting<'a, T> {
    clock: &'a Clock,
    server: Server,
    polls: usize,
    result: JoinHandle<Result<PollResult<T>, piaxis::Error>>,
}

impl<'a, T: piaxis::ResponseBody> Waiting<'a, T> {
    /// Starts polling, with this first response.
    async fn begin(clock: &'a Clock, first: Response, wait: impl FnOnce(&Client) -> Poller<T>) -> Self {
        let server = Server::start(first).await;
        // No attempt may time out while the clock moves.
        let client = server.builder().api_key("key-1").client_id("client-1").timeout(SECOND * 100_000).build().unwrap();
        let result = tokio::spawn(wait(&client).into_future());
        let mut waiting = Self { clock, server, polls: 0, result };
        waiting.now().await;
        waiting
    }

    fn has_polled(&mut self) -> bool {
        let polls = self.server.take().len();
        self.polls += polls;
        polls > 0
    }

    /// Expects the next poll before the clock moves.
    async fn now(&mut self) {
        let (polls, server) = (&mut self.polls, &self.server);
        self.clock
            .until("the next poll", || {
                *polls += server.take().len();
                *polls > 0
            })
            .await;
        self.polls = 0;
        // The response must be read before the clock moves, or the interval would begin later.
        self.clock.settle().await;
    }

    /// Returns the time until the next poll, or until the end of the polling.
    async fn next(&mut self) -> Duration {
        let (server, result) = (&self.server, &self.result);
        let taken = self.clock.run_until(STEP, || !server.take().is_empty() || result.is_finished()).await;
        self.clock.settle().await;
        taken
    }

    async fn end(self) -> Result<PollResult<T>, piaxis::Error> {
        let result = &self.result;
        self.clock.until("the end", || result.is_finished()).await;
        self.result.await.unwrap()
    }
}

fn until_settled(client: &Client) -> Poller<Payment> {
    client.payments().wait_until_settled("pay-1")
}

#[tokio::test]
async fn a_settled_payment_ends_the_polling_at_once() {
    let clock = Clock::stop();
    for status in ["completed", "succeeded", "failed"] {
        let waiting = Waiting::begin(&clock, payment(status), until_settled).await;
        let PollResult::Settled(payment) = waiting.end().await.unwrap() else { panic!("{status}") };
        assert_eq!(payment.status.as_str(), status);
    }
}

#[tokio::test]
async fn intervals_grow_up_to_the_maximum_with_jitter() {
    let clock = Clock::stop();
    let mut waiting =
        Waiting::begin(&clock, payment("pending"), |client| until_settled(client).timeout(SECOND * 10_000)).await;
    let mut intervals = Vec::new();
    for _ in 0..20 {
        intervals.push(waiting.next().await);
    }
    let mut longest = SECOND;
    for (at, interval) in intervals.iter().enumerate() {
        assert!(*interval >= longest / 2 && *interval <= longest + STEP * 2, "{at}: {interval:?} of {longest:?}");
        longest = (longest * 3 / 2).min(SECOND * 20);
    }
    let late: std::collections::HashSet<_> = intervals[12..].iter().collect();
    assert!(late.len() > 1, "no jitter: {intervals:?}");
    waiting.server.set(payment("completed"));
    waiting.next().await;
    assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)));
}

#[tokio::test]
async fn the_timeout_returns_the_last_state() {
    let clock = Clock::stop();
    let mut waiting =
        Waiting::begin(&clock, payment("pending"), |client| until_settled(client).timeout(SECOND * 60)).await;
    waiting.server.set(payment("in_review"));
    while !waiting.result.is_finished() {
        waiting.next().await;
    }
    let elapsed = waiting.clock.elapsed();
    assert!(elapsed >= SECOND * 60 && elapsed <= SECOND * 61, "{elapsed:?}");
    let PollResult::TimedOut { last, unknown_statuses, .. } = waiting.end().await.unwrap() else { panic!() };
    assert_eq!(last.unwrap().status, PaymentStatus::from("in_review"));
    assert_eq!(unknown_statuses, ["in_review"]);
}

#[tokio::test]
async fn a_poll_that_hangs_does_not_outlast_the_timeout() {
    let clock = Clock::stop();
    let mut waiting =
        Waiting::begin(&clock, Response::Stall(Vec::new()), |client| until_settled(client).timeout(SECOND * 30)).await;
    let taken = waiting.next().await;
    assert!(taken >= SECOND * 29 && taken <= SECOND * 31, "{taken:?}");
    let result = waiting.end().await.unwrap();
    assert!(matches!(&result, PollResult::TimedOut { last: None, last_error: None, .. }), "{result:?}");
}

#[tokio::test]
async fn an_unknown_status_does_not_end_the_polling() {
    let clock = Clock::stop();
    let mut waiting = Waiting::begin(&clock, payment("in_review"), until_settled).await;
    waiting.server.set(payment("completed"));
    waiting.next().await;
    assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)));
}

#[tokio::test]
async fn a_temporary_failure_does_not_end_the_polling() {
    let clock = Clock::stop();
    let statuses = [408, 425, 429, 444, 460, 499, 500, 502, 503, 504, 520, 530];
    let failures = statuses.map(|status| Response::json(status, "{}")).into_iter();
    for failure in failures.chain([Response::Close]) {
        let mut waiting = Waiting::begin(&clock, failure.clone(), until_settled).await;
        waiting.server.set(payment("completed"));
        waiting.next().await;
        assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)), "{failure:?}");
    }
}

#[tokio::test]
async fn a_lasting_failure_is_an_error_that_says_nothing_about_the_payment() {
    let clock = Clock::stop();
    let redirect = |status| Response::new(status, &[("location", "/api/payments/pay-2")], "");
    let cases = [
        (Response::json(404, "{}"), ErrorKind::NotFound),
        (Response::json(401, "{}"), ErrorKind::Authentication),
        (Response::json(403, "{}"), ErrorKind::Permission),
        (Response::json(409, "{}"), ErrorKind::Conflict),
        (Response::json(422, "{}"), ErrorKind::Validation),
        (Response::json(501, "{}"), ErrorKind::Server),
        (redirect(301), ErrorKind::UnexpectedStatus),
        (redirect(302), ErrorKind::UnexpectedStatus),
        (redirect(303), ErrorKind::UnexpectedStatus),
        (redirect(307), ErrorKind::UnexpectedStatus),
        (redirect(308), ErrorKind::UnexpectedStatus),
        (Response::json(200, r#"{"detail":"no"}"#), ErrorKind::ErrorInSuccess),
        (Response::new(200, &[("content-type", "text/html")], "<html></html>"), ErrorKind::Decode),
    ];
    for (failure, kind) in cases {
        let about = format!("{failure:?}");
        let waiting = Waiting::begin(&clock, failure.clone(), until_settled).await;
        let error = waiting.end().await.expect_err(&about);
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::ReadFailed), "{about}: {error}");

        // A state seen before changes nothing.
        let mut waiting = Waiting::begin(&clock, payment("pending"), until_settled).await;
        waiting.server.set(failure);
        waiting.next().await;
        assert_eq!(waiting.end().await.expect_err(&about).kind(), kind, "{about}");
    }
}

/// Polls with this response until the timeout of 5 seconds, after an earlier response.
async fn until_timeout(clock: &Clock, first: Response, then: Response) -> (Option<Payment>, Option<piaxis::Error>) {
    let mut waiting = Waiting::begin(clock, first, |client| until_settled(client).timeout(SECOND * 5)).await;
    waiting.server.set(then);
    while !waiting.result.is_finished() {
        waiting.next().await;
    }
    let PollResult::TimedOut { last, last_error, .. } = waiting.end().await.unwrap() else { panic!() };
    (last, last_error)
}

#[tokio::test]
async fn the_timeout_returns_the_last_error_when_the_api_is_down() {
    let clock = Clock::stop();
    let down = || Response::json(503, "{}");

    let (last, error) = until_timeout(&clock, down(), down()).await;
    let error = error.expect("the API is down");
    assert!(last.is_none(), "{last:?}");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Server, Outcome::ReadFailed), "{error}");

    let (last, error) = until_timeout(&clock, payment("pending"), Response::Close).await;
    assert_eq!(last.expect("a state was seen").status, PaymentStatus::Pending);
    assert_eq!(error.expect("the API is down").kind(), ErrorKind::Connection);

    // The last error is that of the last poll.
    let (last, error) = until_timeout(&clock, down(), payment("pending")).await;
    assert!(last.is_some() && error.is_none(), "{last:?}, {error:?}");
}

#[tokio::test]
async fn a_huge_retry_after_does_not_end_the_polling_early() {
    let clock = Clock::stop();
    let body = r#"{"id":"pay-1","status":"pending","amount":"15000","currency":"UGX"}"#;
    for status in [200, 429, 503] {
        for retry_after in ["31536000", "99999999999999999999", "Fri, 01 Jan 2100 00:00:00 GMT"] {
            let about = format!("{status}, {retry_after}");
            let headers = [("content-type", "application/json"), ("retry-after", retry_after)];
            let begin = clock.elapsed();
            let mut waiting = Waiting::begin(&clock, Response::new(status, &headers, body), |client| {
                until_settled(client).timeout(SECOND * 10)
            })
            .await;
            waiting.next().await;
            let elapsed = clock.elapsed() - begin;
            assert!(elapsed >= SECOND * 10 && elapsed <= SECOND * 11, "{about}: {elapsed:?}");
            let PollResult::TimedOut { last, last_error, .. } = waiting.end().await.unwrap() else { panic!("{about}") };
            assert_eq!((last.is_some(), last_error.is_some()), (status == 200, status != 200), "{about}");
            let retry_after = last_error.map(|error| error.retry_after());
            assert!(retry_after.is_none_or(|retry_after| retry_after > Some(SECOND * 10)), "{about}: {retry_after:?}");
        }
    }
}

#[tokio::test]
async fn a_webhook_polls_at_once_despite_a_huge_retry_after() {
    let clock = Clock::stop();
    let down = Response::new(503, &[("retry-after", "31536000")], "");
    let mut notifier = None;
    let mut waiting = Waiting::begin(&clock, down, |client| {
        let poller = until_settled(client).timeout(SECOND * 6_000);
        notifier = Some(poller.notifier());
        poller
    })
    .await;
    waiting.server.set(payment("succeeded"));
    notifier.unwrap().notify();
    waiting.now().await;
    assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)));
}

#[tokio::test]
async fn options_apply_to_every_request() {
    let server = Server::start(payment("pending")).await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = attempts.clone();
    let options = RequestOptions::new().header("x-tenant", "south").request_id("trace-1").on_attempt(move |attempt| {
        assert_eq!(attempt.request_id, Some("trace-1"));
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let poller = until_settled(&server.client())
        .intervals(Duration::from_millis(1), Duration::from_millis(1))
        .timeout(SECOND * 600)
        .options(options)
        // Later options win.
        .options(RequestOptions::new().header("x-tenant", "north"));
    let result = tokio::spawn(poller.into_future());
    while attempts.load(Ordering::Relaxed) < 3 && !result.is_finished() {
        tokio::task::yield_now().await;
    }
    server.set(payment("completed"));
    assert!(matches!(result.await.unwrap().unwrap(), PollResult::Settled(_)));

    let received = server.take();
    assert_eq!(received.len(), attempts.load(Ordering::Relaxed));
    for request in &received {
        assert_eq!((&*request.method, &*request.target), ("GET", "/api/payments/pay-1"));
        assert_eq!(request.header("x-tenant"), Some("north"));
        assert_eq!(request.header("x-request-id"), Some("trace-1"));
    }
}

#[tokio::test]
async fn an_invalid_option_is_an_error_and_nothing_is_sent() {
    let server = Server::start(payment("completed")).await;
    let poller = until_settled(&server.client()).options(RequestOptions::new().header("host", "example.com"));
    let error = poller.await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidRequest, Outcome::ReadFailed), "{error}");
    assert!(server.take().is_empty(), "sent");
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let clock = Clock::stop();
    for status in [200, 503, 429] {
        let body = r#"{"id":"pay-1","status":"pending","amount":"15000","currency":"UGX"}"#;
        let response = Response::new(status, &[("content-type", "application/json"), ("retry-after", "17")], body);
        let mut waiting = Waiting::begin(&clock, response, until_settled).await;
        let taken = waiting.next().await;
        assert!(taken >= SECOND * 17 && taken <= SECOND * 18, "{status}: {taken:?}");
    }
}

#[tokio::test]
async fn a_webhook_polls_at_once() {
    let clock = Clock::stop();
    let mut notifier = None;
    let mut waiting = Waiting::begin(&clock, payment("pending"), |client| {
        let wait = until_settled(client).intervals(SECOND * 600, SECOND * 600).timeout(SECOND * 6_000);
        notifier = Some(wait.notifier());
        wait
    })
    .await;
    waiting.server.set(payment("succeeded"));
    notifier.unwrap().notify();
    let elapsed = waiting.clock.elapsed();
    waiting.now().await;
    assert_eq!(waiting.clock.elapsed(), elapsed, "time passed");
    assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)));
}

#[tokio::test]
async fn disbursements_escrows_and_batches_are_polled() {
    let clock = Clock::stop();
    let batch = |status: &str| Response::json(200, format!(r#"{{"disbursement_id":"d-1","status":"{status}"}}"#));
    for status in ["completed", "partially_completed", "failed", "cancelled"] {
        let waiting =
            Waiting::begin(&clock, batch(status), |client| client.disbursements().wait_until_settled("d-1")).await;
        assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)), "{status}");
        let waiting =
            Waiting::begin(&clock, batch(status), |client| client.escrow_disbursements().wait_until_settled("d-1"))
                .await;
        assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)), "{status}");
    }
    let mut waiting =
        Waiting::begin(&clock, batch("processing"), |client| client.disbursements().wait_until_settled("d-1")).await;
    waiting.server.set(batch("completed"));
    waiting.next().await;
    assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)));

    let escrow = |status: &str| Response::json(200, format!(r#"{{"id":"e-1","status":"{status}"}}"#));
    let mut waiting = Waiting::begin(&clock, escrow("pending"), |client| {
        client.escrows().wait_until("e-1", |escrow| escrow.status == Some(EscrowStatus::Released))
    })
    .await;
    waiting.server.set(escrow("released"));
    waiting.next().await;
    assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)));
}

#[tokio::test]
async fn a_dropped_poller_stops() {
    let clock = Clock::stop();
    let mut waiting = Waiting::begin(&clock, payment("pending"), until_settled).await;
    waiting.result.abort();
    waiting.clock.until("the end", || waiting.result.is_finished()).await;
    tokio::time::advance(SECOND * 1_000).await;
    assert!(!waiting.has_polled(), "polled after the drop");
}

#[test]
fn futures_are_send() {
    fn is_send<T: Send>(_: T) {}
    let client = Client::builder().api_key("key-1").client_id("client-1").build().unwrap();
    is_send(until_settled(&client).into_future());
    is_send(client.payments().stream(piaxis::types::PaymentFilter::builder().build()));
    is_send(client.payments().get("pay-1"));
    fn request_is_send<T: Send>(_: impl Fn(&Client) -> Request<T>) {}
    request_is_send(|client| client.payments().get("pay-1"));
}
