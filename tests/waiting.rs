//! Waiting until something is settled, on a clock that the test moves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clock;
mod support;

use std::time::Duration;

use clock::Clock;
use piaxis::{Client, ErrorKind, EscrowStatus, PaymentStatus, PollResult, Poller, Request, types::Payment};
use support::{Answer, Server};
use tokio::task::JoinHandle;

const SECOND: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);

fn payment(status: &str) -> Answer {
    Answer::json(200, format!(r#"{{"id":"pay-1","status":"{status}","amount":"15000","currency":"UGX"}}"#))
}

struct Waiting<'a, T> {
    clock: &'a Clock,
    server: Server,
    polls: usize,
    result: JoinHandle<Result<PollResult<T>, piaxis::Error>>,
}

impl<'a, T: piaxis::ResponseBody> Waiting<'a, T> {
    /// Begins to wait, and gets this as the first answer.
    async fn begin(clock: &'a Clock, first: Answer, wait: impl FnOnce(&Client) -> Poller<T>) -> Self {
        let server = Server::start(first).await;
        // The attempt must not time out while the clock moves.
        let client = server.builder().api_key("key-1").client_id("client-1").timeout(SECOND * 100_000).build().unwrap();
        let result = tokio::spawn(wait(&client).into_future());
        let mut waiting = Self { clock, server, polls: 0, result };
        waiting.now().await;
        waiting
    }

    fn came(&mut self) -> bool {
        let came = self.server.take().len();
        self.polls += came;
        came > 0
    }

    /// The next question comes without time passing.
    async fn now(&mut self) {
        let (polls, server) = (&mut self.polls, &self.server);
        self.clock
            .until("the next question", || {
                *polls += server.take().len();
                *polls > 0
            })
            .await;
        self.polls = 0;
        // Its answer is read before the clock moves, or the interval would begin later.
        let real = std::time::Instant::now();
        while real.elapsed() < Duration::from_millis(20) {
            tokio::task::yield_now().await;
        }
    }

    /// How long until the next question, or until the wait is over.
    async fn next(&mut self) -> Duration {
        let (server, result) = (&self.server, &self.result);
        let taken = self.clock.run_until(STEP, || !server.take().is_empty() || result.is_finished()).await;
        let real = std::time::Instant::now();
        while real.elapsed() < Duration::from_millis(20) && !self.result.is_finished() {
            tokio::task::yield_now().await;
        }
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
async fn what_is_settled_is_not_waited_for() {
    let clock = Clock::stop();
    for status in ["completed", "succeeded", "failed"] {
        let waiting = Waiting::begin(&clock, payment(status), until_settled).await;
        let PollResult::Settled(payment) = waiting.end().await.unwrap() else { panic!("{status}") };
        assert_eq!(payment.status.as_str(), status);
    }
}

#[tokio::test]
async fn intervals_grow_up_to_the_longest_and_are_not_all_the_same() {
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
async fn the_time_is_up_with_the_last_state_seen() {
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
async fn a_question_that_hangs_does_not_outlast_the_wait() {
    let clock = Clock::stop();
    let mut waiting =
        Waiting::begin(&clock, Answer::Stall(Vec::new()), |client| until_settled(client).timeout(SECOND * 30)).await;
    let taken = waiting.next().await;
    assert!(taken >= SECOND * 29 && taken <= SECOND * 31, "{taken:?}");
    let result = waiting.end().await.unwrap();
    assert!(matches!(&result, PollResult::TimedOut { last: None, last_error: None, .. }), "{result:?}");
}

#[tokio::test]
async fn an_unknown_status_keeps_it_waiting() {
    let clock = Clock::stop();
    let mut waiting = Waiting::begin(&clock, payment("in_review"), until_settled).await;
    waiting.server.set(payment("completed"));
    waiting.next().await;
    assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)));
}

#[tokio::test]
async fn what_may_pass_is_waited_out_and_what_will_not_ends_it() {
    let clock = Clock::stop();
    for passing in [503, 500, 502, 504, 429, 408] {
        let mut waiting = Waiting::begin(&clock, Answer::json(passing, "{}"), until_settled).await;
        waiting.server.set(payment("completed"));
        waiting.next().await;
        assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)), "{passing}");
    }
    for (lasting, kind) in [(404, ErrorKind::NotFound), (401, ErrorKind::Authentication), (403, ErrorKind::Permission)]
    {
        let waiting = Waiting::begin(&clock, Answer::json(lasting, "{}"), until_settled).await;
        assert_eq!(waiting.end().await.unwrap_err().kind(), kind);
    }
    // Nothing but failures until the time is up: the last of them is told.
    let mut waiting =
        Waiting::begin(&clock, Answer::json(503, "{}"), |client| until_settled(client).timeout(SECOND * 5)).await;
    while !waiting.result.is_finished() {
        waiting.next().await;
    }
    assert_eq!(waiting.end().await.unwrap_err().kind(), ErrorKind::Server);
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let clock = Clock::stop();
    for status in [200, 503, 429] {
        let body = r#"{"id":"pay-1","status":"pending","amount":"15000","currency":"UGX"}"#;
        let answer = Answer::new(status, &[("content-type", "application/json"), ("retry-after", "17")], body);
        let mut waiting = Waiting::begin(&clock, answer, until_settled).await;
        let taken = waiting.next().await;
        assert!(taken >= SECOND * 17 && taken <= SECOND * 18, "{status}: {taken:?}");
    }
}

#[tokio::test]
async fn a_webhook_can_end_it_early() {
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
async fn disbursements_escrows_and_batches_can_be_waited_for() {
    let clock = Clock::stop();
    let batch = |status: &str| Answer::json(200, format!(r#"{{"disbursement_id":"d-1","status":"{status}"}}"#));
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

    let escrow = |status: &str| Answer::json(200, format!(r#"{{"id":"e-1","status":"{status}"}}"#));
    let mut waiting = Waiting::begin(&clock, escrow("pending"), |client| {
        client.escrows().wait_until("e-1", |escrow| escrow.status == Some(EscrowStatus::Released))
    })
    .await;
    waiting.server.set(escrow("released"));
    waiting.next().await;
    assert!(matches!(waiting.end().await.unwrap(), PollResult::Settled(_)));
}

#[tokio::test]
async fn dropped_it_asks_no_more() {
    let clock = Clock::stop();
    let mut waiting = Waiting::begin(&clock, payment("pending"), until_settled).await;
    waiting.result.abort();
    waiting.clock.until("the end", || waiting.result.is_finished()).await;
    tokio::time::advance(SECOND * 1_000).await;
    assert!(!waiting.came(), "it asked again");
}

#[test]
fn futures_can_go_to_another_thread() {
    fn is_send<T: Send>(_: T) {}
    let client = Client::builder().api_key("key-1").client_id("client-1").build().unwrap();
    is_send(until_settled(&client).into_future());
    is_send(client.payments().stream(piaxis::types::PaymentFilter::builder().build()));
    is_send(client.payments().get("pay-1"));
    fn request_is_send<T: Send>(_: impl Fn(&Client) -> Request<T>) {}
    request_is_send(|client| client.payments().get("pay-1"));
}
