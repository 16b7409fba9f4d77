//! The promises of the client, kept against a ledger: payments and payouts over a network that fails before and after the
//! commit, under the default policy and with retries of writes.
//!
//! A binary of its own, because its load makes timeouts of other tests expire.
//! `PIAXIS_CHAOS_WRITES=20000` makes more writes, and `PIAXIS_CHAOS_SEED=7` other ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod tested;
}

use std::{
    collections::HashMap,
    env,
    fmt::Display,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use piaxis::{
    Amount, Client, Environment, Error, Lookup, Outcome, PaymentMethod, Request, RetryPolicy,
    types::{DisbursementCreate, PaymentCreate, Recipient, UserInfo},
};
use piaxis_emulator::{Account, Fault, When};
use tokio::task::JoinSet;

use crate::support::tested::{Tested, builder, started};

/// Number of concurrent writes.
const AT_ONCE: usize = 32;
/// Share of requests that fail.
const FAULTS: f64 = 0.35;
/// Maximum number of retries under the opt-in policy.
const RETRIES: u32 = 8;
/// One write of this many is rejected, because it lacks a field or the money.
const REJECTED: usize = 19;
/// One write of this many goes to a port where nothing listens.
const NOWHERE: usize = 67;
/// One request of this many is rejected for its rate.
const LIMITED: usize = 41;
/// Fee of a payout.
const FEE: i64 = 500;

fn amount_of(number: usize) -> i64 {
    1_000 + i64::try_from(number).unwrap()
}

fn is_payment(number: usize) -> bool {
    number.is_multiple_of(2)
}

fn is_rejected(number: usize) -> bool {
    number % REJECTED == REJECTED - 1
}

fn is_nowhere(number: usize) -> bool {
    number % NOWHERE == NOWHERE - 1
}

fn payment(number: usize) -> PaymentCreate {
    let payer = UserInfo::builder().phone_number("+256700000000").build();
    let order = PaymentCreate::builder().amount(amount_of(number)).currency("UGX").payment_method(PaymentMethod::Mtn);
    // Mobile money without a number to charge is rejected.
    order.maybe_user_info((!is_rejected(number)).then_some(payer)).build()
}

fn payout(number: usize) -> DisbursementCreate {
    // An amount beyond every balance is rejected.
    let amount = if is_rejected(number) { 900_000_000_000_000 } else { amount_of(number) };
    let recipient = Recipient::builder().amount(amount).phone_number("+256711111111");
    let order = DisbursementCreate::builder().currency("UGX").payment_method(PaymentMethod::Airtel);
    order.recipients(vec![recipient.reference(format!("order-{number}")).build()]).build()
}

/// Even numbers collect a payment, odd ones pay out. Returns the id.
async fn make(client: &Client, number: usize) -> Result<String, Error> {
    if is_payment(number) {
        Ok(keyed(client.payments().create(payment(number)), number).await?.payment_id)
    } else {
        Ok(keyed(client.disbursements().create(payout(number)), number).await?.disbursement_id)
    }
}

/// Half of the writes have a key of their own, the others a random one.
fn keyed<T>(request: Request<T>, number: usize) -> Request<T> {
    if number % 4 < 2 { request.idempotency_key(format!("key-{number}")) } else { request }
}

/// The ids that a search finds for a write; looks again while the search itself fails.
async fn look_up(client: &Client, number: usize, since: piaxis::Timestamp) -> Vec<String> {
    fn ids<T>(found: Lookup<T>, id: impl Fn(T) -> String) -> Vec<String> {
        match found {
            Lookup::NoneYet => Vec::new(),
            Lookup::One(one) => vec![id(one)],
            Lookup::Several(several) => several.into_iter().map(id).collect(),
        }
    }
    for _ in 0..100 {
        let found = if is_payment(number) {
            client.payments().find_like(&payment(number), since).await.map(|found| ids(found, |one| one.payment_id))
        } else {
            client
                .disbursements()
                .find_like(&payout(number), since)
                .await
                .map(|found| ids(found, |one| one.disbursement_id))
        };
        match found {
            Ok(ids) => return ids,
            Err(error) => assert_eq!(error.outcome(), Outcome::ReadFailed, "{error}"),
        }
    }
    panic!("write {number}: no search succeeded");
}

/// How a write ended, and what a search found where the outcome is unknown.
#[derive(Debug)]
struct Ended {
    number: usize,
    result: Result<String, (Outcome, String)>,
    found: Vec<String>,
}

fn setting(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

struct Run {
    emulator: Tested,
    policy: RetryPolicy,
    nowhere: SocketAddr,
    writes: usize,
    next: AtomicUsize,
    attempts: Arc<AtomicUsize>,
    ended: Mutex<Vec<Ended>>,
}

impl Run {
    fn client(&self) -> Client {
        let merchant = self.emulator.default_merchant();
        let attempts = self.attempts.clone();
        let builder = self.emulator.client_builder().api_key(merchant.api_key()).client_id(merchant.client_id());
        let builder = builder.on_attempt(move |_| {
            attempts.fetch_add(1, Ordering::Relaxed);
        });
        builder.retry_policy(self.policy.clone()).build().unwrap()
    }

    async fn work(&self) {
        // A client for each task, because a client has a retry budget.
        let client = self.client();
        let lost = Client::builder().environment(Environment::Custom(format!("http://{}/api", self.nowhere)));
        let lost = lost.api_key("key-1").client_id("client-1").retry_policy(self.policy.clone()).build().unwrap();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.writes {
                return;
            }
            if number % LIMITED == LIMITED - 1 {
                let operation = if is_payment(number) { "payments_create" } else { "disbursements_create" };
                self.emulator.fail_next(operation, When::BeforeCommit(Fault::Status(429)));
            }
            let since = self.emulator.now();
            let result = make(if is_nowhere(number) { &lost } else { &client }, number).await;
            let result = result.map_err(|error| (error.outcome(), error.to_string()));
            let found = match &result {
                Err((Outcome::Unknown, _)) => look_up(&client, number, since.into()).await,
                _ => Vec::new(),
            };
            // A search reads what is younger than ten minutes before the write.
            self.emulator.advance(Duration::from_secs(10));
            self.ended.lock().unwrap().push(Ended { number, result, found });
        }
    }

    /// How often each write was executed, by its amount.
    fn executions(&self) -> HashMap<usize, usize> {
        let mut executions = HashMap::new();
        for entry in self.emulator.ledger() {
            let amount = match (&entry.from, &entry.to) {
                (Account::Outside, Account::Merchant(0)) => entry.amount,
                (Account::Merchant(0), Account::Disbursement(_)) => {
                    entry.amount.checked_sub(Amount::from(FEE)).unwrap()
                }
                _ => continue,
            };
            let number = amount.to_string().parse::<usize>().ok().and_then(|amount| amount.checked_sub(1_000));
            let Some(number) = number.filter(|number| *number < self.writes) else { continue };
            assert_eq!(is_payment(number), entry.from == Account::Outside, "{entry:?}");
            *executions.entry(number).or_default() += 1;
        }
        executions
    }
}

async fn run(name: &str, policy: RetryPolicy, retries_writes: bool) {
    let (writes, seed) = (setting("PIAXIS_CHAOS_WRITES", 2_000), setting("PIAXIS_CHAOS_SEED", 1) as u64);
    let started_at = Instant::now();
    let emulator = started(builder().start_balance(1_000_000_000_000i64)).await;
    // Nothing listens there while the port is bound.
    let nowhere = tokio::net::TcpSocket::new_v4().unwrap();
    nowhere.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let run = Arc::new(Run {
        emulator,
        policy,
        nowhere: nowhere.local_addr().unwrap(),
        writes,
        next: AtomicUsize::new(0),
        attempts: Arc::default(),
        ended: Mutex::default(),
    });
    run.emulator.fail_randomly(FAULTS, seed);
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let run = run.clone();
        tasks.spawn(async move { run.work().await });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    run.emulator.clear_faults();
    run.emulator.settle();
    run.emulator.check_balances();

    let executions = run.executions();
    let mut figures = Figures::default();
    let mut broken = Vec::new();
    let ended = std::mem::take(&mut *run.ended.lock().unwrap());
    for one in &ended {
        if let Some(promise) = figures.add(one, executions.get(&one.number).copied().unwrap_or_default()) {
            broken.push(format!("{promise}: {one:?}"));
        }
    }
    let attempts = run.attempts.load(Ordering::Relaxed);
    let seconds = started_at.elapsed().as_secs_f64();
    println!("{name}, seed {seed}: {writes} writes, {attempts} attempts, {figures}, {seconds:.1} s");
    assert!(broken.is_empty(), "{} promises broken:\n{}", broken.len(), broken[..broken.len().min(10)].join("\n"));
    assert_eq!(ended.len(), writes);
    let Figures { ok, rejected, not_sent, unknown, .. } = figures;
    assert_eq!(ok + rejected + not_sent + unknown, writes);
    assert!(ok > writes / 2 && rejected > 0 && not_sent > 0, "too few to prove anything");
    assert!(retries_writes || unknown > writes / 10 && figures.unknown_executed > 0, "too few to prove anything");
}

#[derive(Debug, Default)]
struct Figures {
    ok: usize,
    rejected: usize,
    not_sent: usize,
    unknown: usize,
    unknown_executed: usize,
    /// Writes of unknown outcome that a search found, and those that it rightly did not find.
    found: usize,
    not_found: usize,
}

impl Figures {
    /// Counts a write. Returns the promise that its end breaks.
    fn add(&mut self, ended: &Ended, executed: usize) -> Option<&'static str> {
        let broken: &[(bool, &'static str)] = match &ended.result {
            Ok(id) => {
                self.ok += 1;
                &[(executed != 1, "Ok, but not executed once"), (id.is_empty(), "Ok without an id")]
            }
            Err((Outcome::Rejected, _)) => {
                self.rejected += 1;
                &[(executed != 0, "rejected, but executed"), (!is_rejected(ended.number), "rejected without a reason")]
            }
            Err((Outcome::NotSent, _)) => {
                self.not_sent += 1;
                &[(executed != 0, "not sent, but executed")]
            }
            Err((Outcome::Unknown, _)) => {
                self.unknown += 1;
                self.unknown_executed += executed;
                self.found += usize::from(executed == 1 && ended.found.len() == 1);
                self.not_found += usize::from(executed == 0 && ended.found.is_empty());
                &[
                    (executed > 1, "unknown, and executed more than once"),
                    (ended.found.len() != executed, "a search found another number than was executed"),
                ]
            }
            Err(_) => &[(true, "a write that failed as a read")],
        };
        let is_wrong = |(is_wrong, promise): &(bool, &'static str)| is_wrong.then_some(*promise);
        let rejected = (executed > 0 && is_rejected(ended.number), "rejected, but executed");
        broken.iter().chain([&rejected]).find_map(is_wrong)
    }
}

impl Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ok, rejected, not_sent, unknown, unknown_executed, found, not_found } = self;
        write!(
            f,
            "ok {ok}, rejected {rejected}, not sent {not_sent}, unknown {unknown} ({unknown_executed} executed; "
        )?;
        write!(f, "searches found {found}, and rightly not {not_found})")
    }
}

/// The backoff is shorter than by default, so that the test does not wait.
fn policy() -> RetryPolicy {
    RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(10))
}

#[tokio::test]
async fn under_the_default_policy_every_outcome_agrees_with_the_ledger() {
    run("default policy", policy(), false).await;
}

#[tokio::test]
async fn writes_retried_with_their_key_are_executed_at_most_once() {
    let policy = policy().max_retries(RETRIES).retry_writes_with_idempotency_key();
    run("writes retried with their key", policy, true).await;
}
