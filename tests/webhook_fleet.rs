//! Receivers on several machines: four processes and sixteen senders of deliveries with duplicates, while receivers, Redis and
//! PostgreSQL are killed, silenced, demoted and restarted. The effects are rows in a database, which are counted.
//!
//! A binary of its own, because the receivers are processes of it, and their load makes timeouts of other tests expire.
//! `PIAXIS_FLEET_DELIVERIES` sets the number of deliveries of each test; 3,000 by default.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod postgres_server;
    pub(crate) mod redis_server;
}

use std::{
    collections::HashMap,
    env, io,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, extract::State, response::Response, routing::post};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, tokio_postgres::NoTls};
use piaxis::webhook::{
    Deduplication, Delivery, Envelope, EventType, Guarantee, PostgresGuard, RedisGuard, Signer, Webhook, WebhookError,
    WebhookSource, sample,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, Command},
    time::sleep,
};

use crate::support::{
    postgres_server::{PostgresServer, connect},
    redis_server::{Disk, RedisServer},
};

const SECRET: &str = "fleet";
const RECEIVERS: usize = 4;
const SENDERS: usize = 16;
/// Queries the effects of a receiver that carry the deduplication key.
const UNIQUE_KEY: &str = "PIAXIS_TEST_UNIQUE_KEY";
const LEASE: Duration = Duration::from_secs(10);
const WEEK: Duration = Duration::from_secs(7 * 86_400);
const INSERT: &str = "INSERT INTO effects (event) VALUES ($1)";
/// The same, where the key is not there yet. Both rows are committed together.
const INSERT_ONCE: &str = "WITH first AS (INSERT INTO handled (key) VALUES ($1) ON CONFLICT DO NOTHING RETURNING key) \
                           INSERT INTO effects (event) SELECT $2 FROM first";

/// A receiver, in a process of its own: started by the tests below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receiver() {
    let Ok(effects) = env::var("PIAXIS_TEST_EFFECTS") else { return };
    let guard = match env::var("PIAXIS_TEST_REDIS") {
        Ok(url) => {
            // Redis may be away while a receiver starts.
            let guard = loop {
                match RedisGuard::connect(&url, "fleet").await {
                    Ok(guard) => break guard,
                    Err(error) => eprintln!("{error}"),
                }
            };
            let guard = guard.timeout(Duration::from_secs(1));
            Handling::Lease(Deduplication::new(guard, Guarantee::OncePerLease(LEASE)).ttl(WEEK))
        }
        Err(_) => Handling::Transaction(PostgresGuard::connect(&effects, "fleet").unwrap()),
    };
    let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(effects.parse().unwrap(), NoTls, config);
    let effects = Pool::builder(manager).max_size(8).build().unwrap();
    let (webhook, has_unique_key) = (Webhook::new(SECRET).unwrap().require_v2(), env::var(UNIQUE_KEY).is_ok());
    let app = App { webhook, handling: guard, effects, has_unique_key };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening {}", listener.local_addr().unwrap());
    axum::serve(listener, Router::new().route("/", post(receive)).with_state(Arc::new(app))).await.unwrap();
}

struct App {
    webhook: Webhook,
    handling: Handling,
    effects: Pool,
    /// Whether the effects carry the deduplication key.
    has_unique_key: bool,
}

enum Handling {
    Lease(Deduplication),
    Transaction(PostgresGuard),
}

impl WebhookSource for App {
    async fn webhook(&self, _: &http::request::Parts) -> Result<Webhook, WebhookError> {
        Ok(self.webhook.clone())
    }
}

async fn receive(State(app): State<Arc<App>>, delivery: Delivery) -> Response {
    let (key, event) = (delivery.deduplication_key(), delivery.event().unwrap());
    let id = event.data()["payment_id"].as_str().unwrap().to_owned();
    match &app.handling {
        Handling::Transaction(guard) => guard
            .in_transaction(key, WEEK, async |transaction| transaction.execute(INSERT, &[&id]).await)
            .await
            .into_response(),
        Handling::Lease(deduplication) => {
            let (effects, has_unique_key) = (app.effects.clone(), app.has_unique_key);
            let handler = async move || {
                let client = effects.get().await.map_err(io::Error::other)?;
                let inserted = if has_unique_key {
                    client.execute(INSERT_ONCE, &[&key.as_bytes().as_slice(), &id]).await
                } else {
                    client.execute(INSERT, &[&id]).await
                };
                inserted.map_err(io::Error::other)
            };
            deduplication.detached(key, Duration::from_secs(5), handler).await.into_response()
        }
    }
}

/// Receivers by their addresses. One that is killed is replaced.
struct Fleet {
    variables: Vec<(&'static str, String)>,
    receivers: Mutex<Vec<(String, Child)>>,
    kills: AtomicU32,
}

impl Fleet {
    async fn start(variables: Vec<(&'static str, String)>) -> Arc<Self> {
        let fleet = Self { variables, receivers: Mutex::default(), kills: AtomicU32::new(0) };
        for _ in 0..RECEIVERS {
            let receiver = fleet.spawn().await;
            fleet.receivers.lock().unwrap().push(receiver);
        }
        Arc::new(fleet)
    }

    async fn spawn(&self) -> (String, Child) {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "receiver", "--nocapture"]).envs(self.variables.iter().cloned());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        loop {
            let line = lines.next_line().await.unwrap().expect("the receiver ended");
            if let Some((_, address)) = line.split_once("listening ") {
                let address = address.to_owned();
                // A test that cannot print ends, and after a minute each prints how long it runs.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return (address, child);
            }
        }
    }

    fn address(&self, at: usize) -> String {
        self.receivers.lock().unwrap()[at % RECEIVERS].0.clone()
    }

    /// Kills one receiver with signal 9, and starts another in its place.
    async fn kill(&self, at: usize) {
        let mut dead = {
            let mut receivers = self.receivers.lock().unwrap();
            let _ = receivers[at % RECEIVERS].1.start_kill();
            std::mem::replace(&mut receivers[at % RECEIVERS].0, "127.0.0.1:1".to_owned())
        };
        dead.clear();
        self.kills.fetch_add(1, Ordering::Relaxed);
        let receiver = self.spawn().await;
        self.receivers.lock().unwrap()[at % RECEIVERS] = receiver;
    }

    /// Delivers everything, each delivery until it is accepted. Returns the numbers of events and of responses other than 200.
    async fn deliver(self: &Arc<Self>) -> (usize, usize) {
        let deliveries = Arc::new(deliveries());
        let events = deliveries.iter().max().unwrap() + 1;
        let (next, rejected) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (fleet, deliveries, next, rejected) =
                    (self.clone(), deliveries.clone(), next.clone(), rejected.clone());
                tokio::spawn(async move {
                    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
                    let mut attempts = sender;
                    while let Some(event) = deliveries.get(next.fetch_add(1, Ordering::Relaxed)) {
                        loop {
                            attempts += 1;
                            if send(&client, &fleet.address(attempts), *event).await {
                                break;
                            }
                            rejected.fetch_add(1, Ordering::Relaxed);
                            // As senders do.
                            sleep(Duration::from_millis(50)).await;
                        }
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.await.unwrap();
        }
        (events, rejected.load(Ordering::Relaxed))
    }
}

async fn send(client: &reqwest::Client, address: &str, event: usize) -> bool {
    let at = "2026-04-14T10:30:00Z".parse().unwrap();
    let body = sample(&EventType::PaymentSucceeded, Envelope::Merchant, at).with("payment_id", event.to_string());
    let mut request = client.post(format!("http://{address}/"));
    for (name, value) in Signer::new(SECRET).unwrap().sign(&body) {
        request = request.header(name, value);
    }
    request.body(String::from(body)).send().await.is_ok_and(|response| response.status() == 200)
}

/// Numbers of events in the order of their deliveries, of which 30 in 100 are duplicates: some at once, some much later.
fn deliveries() -> Vec<usize> {
    let count = env::var("PIAXIS_FLEET_DELIVERIES").map_or(3_000, |count| count.parse().unwrap());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below
    };
    let (mut all, mut events) = (Vec::with_capacity(count), 0);
    while all.len() < count {
        if events > 0 && random(100) < 30 {
            let back = if random(2) == 0 { 1 + random(SENDERS) } else { 1 + random(events) };
            all.push(events.saturating_sub(back));
        } else {
            all.push(events);
            events += 1;
        }
    }
    all
}

/// A database with the tables of the effects and of the guard.
async fn database(server: &PostgresServer) -> String {
    let url = server.database().await;
    let client = connect(&url).await;
    let tables = "CREATE TABLE effects (event text NOT NULL); CREATE TABLE handled (key bytea PRIMARY KEY)";
    client.batch_execute(tables).await.unwrap();
    client.batch_execute(PostgresGuard::MIGRATION).await.unwrap();
    url
}

/// How often each event happened.
async fn effects(url: &str) -> HashMap<String, i64> {
    let client = connect(url).await;
    let rows = client.query("SELECT event, count(*) FROM effects GROUP BY event", &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Runs a disturbance every second, with the number of the round, until what is returned is set.
fn disturb<F: Future<Output = ()> + Send>(mut round: impl FnMut(usize) -> F + Send + 'static) -> Disturbance {
    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    let task = tokio::spawn(async move {
        let mut number = 0;
        while !over.load(Ordering::Relaxed) {
            sleep(Duration::from_secs(1)).await;
            round(number).await;
            number += 1;
        }
        number
    });
    Disturbance { is_over, task }
}

struct Disturbance {
    is_over: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<usize>,
}

impl Disturbance {
    async fn end(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

/// Delivers everything, and counts. Returns how many events happened more than once.
async fn run(name: &str, fleet: &Arc<Fleet>, url: &str) -> usize {
    let begun = Instant::now();
    let (events, rejected) = fleet.deliver().await;
    let (elapsed, effects) = (begun.elapsed(), effects(url).await);
    assert_eq!(effects.len(), events, "{name}: events without an effect");
    let twice = effects.values().filter(|count| **count > 1).count();
    let kills = fleet.kills.load(Ordering::Relaxed);
    println!(
        "{name}: {events} events in {elapsed:.1?}, {rejected} attempts rejected, {kills} receivers killed, {twice} effects twice"
    );
    twice
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_with_everything_in_order() {
    let (Some(redis), Some(postgres)) = (RedisServer::start(Disk::Nothing), PostgresServer::shared()) else { return };
    let url = database(&postgres).await;
    let fleet = Fleet::start(vec![("PIAXIS_TEST_REDIS", redis.address()), ("PIAXIS_TEST_EFFECTS", url.clone())]).await;
    assert_eq!(run("Redis", &fleet, &url).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_silenced_demoted_and_restarted() {
    let (Some(redis), Some(postgres)) = (RedisServer::start(Disk::Everything), PostgresServer::shared()) else {
        return;
    };
    let url = database(&postgres).await;
    let fleet = Fleet::start(vec![("PIAXIS_TEST_REDIS", redis.address()), ("PIAXIS_TEST_EFFECTS", url.clone())]).await;
    let redis = Arc::new(Mutex::new(redis));
    let disturbance = disturb(move |round| {
        let redis = redis.clone();
        async move {
            match round % 4 {
                0 => redis.lock().unwrap().kill(),
                1 => {
                    redis.lock().unwrap().signal("-STOP");
                    sleep(Duration::from_millis(1500)).await;
                    redis.lock().unwrap().signal("-CONT");
                }
                2 => {
                    redis.lock().unwrap().command::<()>("REPLICAOF 127.0.0.1 1");
                    sleep(Duration::from_millis(500)).await;
                    redis.lock().unwrap().command::<()>("REPLICAOF NO ONE");
                }
                _ => drop(redis.lock().unwrap().command::<i64>("CLIENT KILL TYPE normal SKIPME yes")),
            }
            if round % 4 == 0 {
                redis.lock().unwrap().restart();
            }
        }
    });
    let twice = run("Redis disturbed", &fleet, &url).await;
    println!("Redis disturbed: {} disturbances", disturbance.end().await);
    assert_eq!(twice, 0);
}

/// Delivers with a receiver killed every second. Returns the numbers of events that happened twice, and of kills.
async fn kill_receivers(name: &str, redis: &RedisServer, more: &[(&'static str, String)]) -> Option<(usize, usize)> {
    let postgres = PostgresServer::shared()?;
    let url = database(&postgres).await;
    let mut variables = vec![("PIAXIS_TEST_REDIS", redis.address()), ("PIAXIS_TEST_EFFECTS", url.clone())];
    variables.extend_from_slice(more);
    let fleet = Fleet::start(variables).await;
    let killed = fleet.clone();
    let disturbance = disturb(move |round| {
        let fleet = killed.clone();
        async move { fleet.kill(round).await }
    });
    let twice = run(name, &fleet, &url).await;
    Some((twice, disturbance.end().await))
}

/// A receiver that is killed between its effect and the mark leaves the lease, after which the event is handled again: that is
/// what a lease promises.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_with_receivers_killed() {
    let Some(redis) = RedisServer::start(Disk::Nothing) else { return };
    let Some((twice, kills)) = kill_receivers("Redis with kills", &redis, &[]).await else { return };
    assert!(twice <= kills * SENDERS, "{twice} effects twice, {kills} kills");
}

/// Effects that carry the deduplication key as a unique column happen once all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_with_receivers_killed_and_a_unique_key() {
    let Some(redis) = RedisServer::start(Disk::Nothing) else { return };
    let unique = [(UNIQUE_KEY, "1".to_owned())];
    let Some((twice, _)) = kill_receivers("Redis with kills and a unique key", &redis, &unique).await else { return };
    assert_eq!(twice, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_with_everything_in_order() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let url = database(&postgres).await;
    let fleet = Fleet::start(vec![("PIAXIS_TEST_EFFECTS", url.clone())]).await;
    assert_eq!(run("PostgreSQL", &fleet, &url).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_with_receivers_and_the_server_killed() {
    let Some(postgres) = PostgresServer::start() else { return };
    let url = database(&postgres).await;
    let fleet = Fleet::start(vec![("PIAXIS_TEST_EFFECTS", url.clone())]).await;
    let (killed, postgres) = (fleet.clone(), Arc::new(Mutex::new(postgres)));
    let server = postgres.clone();
    let disturbance = disturb(move |round| {
        let (fleet, server) = (killed.clone(), server.clone());
        async move {
            if round % 3 == 2 {
                tokio::task::spawn_blocking(move || server.lock().unwrap().restart()).await.unwrap();
            } else {
                fleet.kill(round).await;
            }
        }
    });
    let begun = Instant::now();
    let (events, rejected) = fleet.deliver().await;
    let disturbances = disturbance.end().await;
    let elapsed = begun.elapsed();
    let effects = effects(&url).await;
    println!(
        "PostgreSQL with kills: {events} events in {elapsed:.1?}, {rejected} attempts rejected, {disturbances} disturbances"
    );
    assert_eq!(effects.len(), events);
    assert!(effects.values().all(|count| *count == 1));
    drop(postgres);
}
