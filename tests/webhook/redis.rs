//! `RedisGuard` while connections, servers and handlers fail.

use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use piaxis::webhook::{
    Begin, Deduplication, DeduplicationKey, Guarantee, Guard, GuardError, Once, RedisConnect, RedisConnection,
    RedisFuture, RedisGuard, RedisReply, Token,
};

use crate::support::{
    redis_proxy::Proxy,
    redis_server::{Disk, RedisServer},
};

/// Longer than any test.
const LEASE: Duration = Duration::from_secs(600);
const TTL: Duration = Duration::from_secs(86_400);
/// What a busy machine may add to a time limit.
const SLACK: Duration = Duration::from_secs(1);
/// The default time limit of an operation.
const LIMIT: Duration = Duration::from_secs(3);

fn key(name: &str) -> DeduplicationKey {
    DeduplicationKey::of([name])
}

fn token(name: &str) -> Token {
    Token::new(key(name)).unwrap()
}

fn deduplication(guard: &RedisGuard) -> Deduplication {
    Deduplication::new(guard.clone(), Guarantee::OncePerLease(LEASE))
}

async fn deliver(guard: &RedisGuard, name: &str) -> Once<(), io::Error> {
    deduplication(guard).once(key(name), || async { Ok(()) }).await
}

async fn is_handled_once(guard: &RedisGuard, name: &str) {
    let first = deliver(guard, name).await;
    assert!(matches!(first, Once::Handled { result: Ok(()), recorded: Ok(true) }), "{name}: {first:?}");
    let second = deliver(guard, name).await;
    assert!(matches!(second, Once::Repeated), "{name}: {second:?}");
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The texts of an error and of its causes.
fn texts(error: &GuardError) -> String {
    let mut texts = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        texts += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    texts
}

#[tokio::test]
async fn a_silent_connection_is_replaced_within_one_operation() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let proxy = Proxy::start(server.socket());
    let guard = RedisGuard::connect(&proxy.url(), "test").await.unwrap();
    is_handled_once(&guard, "before").await;
    proxy.silence_connections();
    let start = Instant::now();
    is_handled_once(&guard, "next").await;
    assert!(start.elapsed() < LIMIT + SLACK, "{:?}", start.elapsed());
    for number in 0..20 {
        is_handled_once(&guard, &number.to_string()).await;
    }
    assert_eq!(proxy.accepted(), 2);
    // Silent after the handler began.
    let once = deduplication(&guard)
        .once(key("during"), || async {
            proxy.silence_connections();
            Ok::<_, io::Error>(())
        })
        .await;
    assert!(matches!(once, Once::Handled { recorded: Ok(true), .. }), "{once:?}");
    assert_eq!(proxy.accepted(), 3);
}

#[tokio::test]
async fn a_silent_connection_is_replaced_although_every_sender_hangs_up() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let proxy = Proxy::start(server.socket());
    let guard = RedisGuard::connect(&proxy.url(), "test").await.unwrap();
    proxy.silence_connections();
    let number = AtomicUsize::new(0);
    until("the connection is not replaced", async || {
        let token = token(&number.fetch_add(1, SeqCst).to_string());
        tokio::time::timeout(Duration::from_millis(100), guard.begin(&token, LEASE))
            .await
            .is_ok_and(|begin| begin.is_ok())
    })
    .await;
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn operations_fail_within_their_limit_while_everything_is_silent() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let proxy = Proxy::start(server.socket());
    let limit = Duration::from_millis(900);
    let guard = RedisGuard::connect(&proxy.url(), "test").await.unwrap().timeout(limit);
    proxy.silence_everything();
    let token = token("a");
    let start = Instant::now();
    let (begin, finish, abort, renew) = tokio::join!(
        guard.begin(&token, LEASE),
        guard.finish(&token, TTL),
        guard.abort(&token),
        guard.renew(&token, LEASE)
    );
    let elapsed = start.elapsed();
    assert!(elapsed < limit + SLACK, "{elapsed:?}");
    let errors = [begin.unwrap_err(), finish.unwrap_err(), abort.unwrap_err(), renew.unwrap_err()];
    for (error, operation) in errors.iter().zip(["begin", "finish", "abort", "renew"]) {
        let expected = format!("{operation}: Redis at 127.0.0.1:{} failed after", proxy.port());
        assert!(error.to_string().contains(&expected), "{error}");
        assert!(error.to_string().contains("no connection within "), "{error}");
        assert!(error.source().is_some());
    }
    let once = deliver(&guard, "b").await;
    assert!(matches!(&once, Once::GuardFailed(_)), "{once:?}");
    assert_eq!(once.status(), 503);
    proxy.heal();
    is_handled_once(&guard, "c").await;
}

#[tokio::test]
async fn a_delivery_after_a_failover_goes_to_the_new_primary() {
    let Some(one) = RedisServer::start(Disk::Nothing) else { return };
    let Some(other) = RedisServer::start(Disk::Nothing) else { return };
    let (to_one, to_other) = (Proxy::start(one.socket()), Proxy::start(other.socket()));
    let balancer = Proxy::start(one.socket());
    let is_copied = |from: &RedisServer, to: &RedisServer| {
        let (sent, received) = (from.command::<String>("INFO replication"), to.command::<String>("INFO replication"));
        let offset = |info: &str, name: &str| info.lines().find_map(|line| Some(line.strip_prefix(name)?.to_owned()));
        received.contains("master_link_status:up")
            && offset(&sent, "master_repl_offset:") == offset(&received, "slave_repl_offset:")
    };
    other.command::<()>(&format!("REPLICAOF 127.0.0.1 {}", to_one.port()));
    until("no copy", async || is_copied(&one, &other)).await;
    let guard = RedisGuard::connect(&balancer.url(), "test").await.unwrap();
    is_handled_once(&guard, "a").await;
    until("no copy", async || is_copied(&one, &other)).await;

    other.command::<()>("REPLICAOF NO ONE");
    one.command::<()>(&format!("REPLICAOF 127.0.0.1 {}", to_other.port()));
    balancer.lead_to(other.socket());
    is_handled_once(&guard, "b").await;
    assert!(matches!(deliver(&guard, "a").await, Once::Repeated));
    assert_eq!(balancer.accepted(), 2);

    // And back, while a handler runs.
    let once = deduplication(&guard)
        .once(key("c"), || async {
            until("no copy", async || is_copied(&other, &one)).await;
            one.command::<()>("REPLICAOF NO ONE");
            other.command::<()>(&format!("REPLICAOF 127.0.0.1 {}", to_one.port()));
            balancer.lead_to(one.socket());
            Ok::<_, io::Error>(())
        })
        .await;
    assert!(matches!(once, Once::Handled { recorded: Ok(true), .. }), "{once:?}");
    for name in ["a", "b", "c"] {
        assert!(matches!(deliver(&guard, name).await, Once::Repeated), "{name}");
    }
}

#[tokio::test]
async fn a_demoted_primary_is_an_error_while_there_is_no_other() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let guard = RedisGuard::connect(&server.address(), "test").await.unwrap().timeout(Duration::from_millis(900));
    server.command::<()>("REPLICAOF 127.0.0.1 1");
    let start = Instant::now();
    let error = guard.begin(&token("a"), LEASE).await.unwrap_err();
    assert!((700..1_900).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert!(error.to_string().contains("ReadOnly"), "{error}");
    server.command::<()>("REPLICAOF NO ONE");
    is_handled_once(&guard, "a").await;
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let proxy = Proxy::start(server.socket());
    let guard = RedisGuard::connect(&proxy.url(), "test").await.unwrap();
    for number in 0..20 {
        server.command::<()>("CLIENT KILL TYPE normal");
        is_handled_once(&guard, &number.to_string()).await;
    }
    assert_eq!(proxy.accepted(), 21);
    // Closed when idle.
    server.command::<()>("CONFIG SET timeout 1");
    until("not closed", async || server.command::<String>("CLIENT LIST").lines().count() == 1).await;
    is_handled_once(&guard, "idle").await;
    assert_eq!(proxy.accepted(), 22);
}

#[tokio::test]
async fn a_response_that_is_lost_changes_nothing() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let proxy = Proxy::start(server.socket());
    let guard = RedisGuard::connect(&proxy.url(), "test").await.unwrap();
    let (holder, other) = (token("a"), token("a"));
    let lose = || proxy.lose_next_response();

    lose();
    assert_eq!(guard.begin(&holder, LEASE).await.unwrap(), Begin::Acquired);
    assert!(proxy.lost_response());
    lose();
    assert_eq!(guard.begin(&other, LEASE).await.unwrap(), Begin::InProgress);
    lose();
    assert!(guard.renew(&holder, LEASE).await.unwrap());
    lose();
    assert!(!guard.renew(&other, LEASE).await.unwrap());
    lose();
    assert!(!guard.finish(&other, TTL).await.unwrap());
    lose();
    guard.abort(&other).await.unwrap();
    lose();
    assert!(guard.finish(&holder, TTL).await.unwrap());
    assert!(proxy.lost_response());
    lose();
    assert_eq!(guard.begin(&other, LEASE).await.unwrap(), Begin::Done);

    let (holder, other) = (token("b"), token("b"));
    assert_eq!(guard.begin(&holder, LEASE).await.unwrap(), Begin::Acquired);
    lose();
    guard.abort(&holder).await.unwrap();
    assert!(proxy.lost_response());
    assert_eq!(guard.begin(&other, LEASE).await.unwrap(), Begin::Acquired);
    assert_eq!(proxy.accepted(), 10);
}

#[tokio::test]
async fn leases_and_done_marks_survive_a_restart_of_the_server() {
    let Some(mut server) = RedisServer::start(Disk::Everything) else { return };
    let guard = RedisGuard::connect(&server.address(), "test").await.unwrap();
    is_handled_once(&guard, "done").await;
    let (holder, other) = (token("leased"), token("leased"));
    assert_eq!(guard.begin(&holder, LEASE).await.unwrap(), Begin::Acquired);
    server.kill();
    server.restart();
    assert!(matches!(deliver(&guard, "done").await, Once::Repeated));
    assert_eq!(guard.begin(&other, LEASE).await.unwrap(), Begin::InProgress);
    assert!(guard.finish(&holder, TTL).await.unwrap());
    assert_eq!(guard.begin(&other, LEASE).await.unwrap(), Begin::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_waits_for_a_server_that_restarts() {
    let Some(mut server) = RedisServer::start(Disk::Everything) else { return };
    let guard = RedisGuard::connect(&server.address(), "test").await.unwrap();
    server.kill();
    let delivery = tokio::spawn(async move { is_handled_once(&guard, "a").await });
    server.restart();
    delivery.await.unwrap();
}

#[tokio::test]
async fn namespaces_do_not_see_each_other() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let shop = RedisGuard::connect(&server.address(), "shop").await.unwrap();
    let bank = RedisGuard::connect(&server.address(), "bank").await.unwrap();
    is_handled_once(&shop, "a").await;
    is_handled_once(&bank, "a").await;
    let (one, other) = (token("b"), token("b"));
    assert_eq!(shop.begin(&one, LEASE).await.unwrap(), Begin::Acquired);
    assert_eq!(bank.begin(&other, LEASE).await.unwrap(), Begin::Acquired);
    shop.abort(&one).await.unwrap();
    assert!(bank.renew(&other, LEASE).await.unwrap());
    let error = RedisGuard::connect(&server.address(), "").await.unwrap_err();
    assert!(error.to_string().contains("namespace: must not be empty"), "{error}");
}

/// A handler that outlasts its lease works next to another. Its end has no effect on the lease of the other.
#[tokio::test]
async fn a_handler_without_its_lease_leaves_the_lease_of_another() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let guard = RedisGuard::connect(&server.address(), "test").await.unwrap();
    let short = Deduplication::new(guard.clone(), Guarantee::OncePerLease(Duration::from_millis(50)));
    for fails in [true, false] {
        let name = format!("fails: {fails}");
        let now = token(&name);
        let once = short
            .once(key(&name), || async {
                until("the lease does not elapse", async || guard.begin(&now, LEASE).await.unwrap() == Begin::Acquired)
                    .await;
                if fails { Err(io::Error::other("failed")) } else { Ok(()) }
            })
            .await;
        match once {
            Once::Handled { result: Err(_), recorded: Ok(true) } if fails => {}
            Once::Handled { result: Ok(()), recorded: Ok(false) } if !fails => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(guard.begin(&token(&name), LEASE).await.unwrap(), Begin::InProgress);
        assert!(guard.renew(&now, LEASE).await.unwrap());
    }
}

#[tokio::test]
async fn a_handled_delivery_costs_two_round_trips() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let proxy = Proxy::start(server.socket());
    let guard = RedisGuard::connect(&proxy.url(), "test").await.unwrap();
    let before = proxy.round_trips();
    let since = |before| proxy.round_trips() - before;
    assert!(matches!(deliver(&guard, "a").await, Once::Handled { recorded: Ok(true), .. }));
    assert_eq!(since(before), 2, "handled");
    assert!(matches!(deliver(&guard, "a").await, Once::Repeated));
    assert_eq!(since(before), 3, "repeated");
    let failed = deduplication(&guard).once(key("b"), || async { Err::<(), _>(io::Error::other("failed")) }).await;
    assert!(matches!(failed, Once::Handled { recorded: Ok(true), .. }), "{failed:?}");
    assert_eq!(since(before), 5, "failed");
    guard.renew(&token("c"), LEASE).await.unwrap();
    assert_eq!(since(before), 6, "renewed");
    assert_eq!(proxy.accepted(), 1);
    // Counted by the server as well: one `SET` and two `EVAL` are ours, with what the script calls, and nothing else.
    let commands: String = server.command("INFO commandstats");
    assert!(commands.contains("cmdstat_eval:calls=3,"), "{commands}");
    assert!(!commands.contains("evalsha"), "{commands}");
}

#[tokio::test]
async fn every_key_has_a_time_to_live() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let guard = RedisGuard::connect(&server.address(), "shop").await.unwrap();
    let (holder, other) = (token("a"), token("a"));
    let name = format!("shop:{}", holder.key());
    let value = || server.command::<String>(&format!("GET {name}"));
    let seconds = || server.command::<i64>(&format!("PTTL {name}")) / 1_000;
    let owner: String = holder.owner().iter().map(|byte| format!("{byte:02x}")).collect();

    assert_eq!(guard.begin(&holder, Duration::from_secs(60)).await.unwrap(), Begin::Acquired);
    assert_eq!(value(), format!("lease:{owner}"));
    assert!((30..=60).contains(&seconds()), "{}", seconds());
    // Another token does not extend the lease.
    assert_eq!(guard.begin(&other, LEASE).await.unwrap(), Begin::InProgress);
    assert!(!guard.renew(&other, LEASE).await.unwrap());
    assert!((30..=60).contains(&seconds()), "{}", seconds());
    assert!(guard.renew(&holder, Duration::from_secs(120)).await.unwrap());
    assert!((90..=120).contains(&seconds()), "{}", seconds());
    assert!(guard.finish(&holder, Duration::from_secs(3_600)).await.unwrap());
    assert_eq!(value(), format!("done:{owner}"));
    assert!((3_570..=3_600).contains(&seconds()), "{}", seconds());
    // Finished once more, by anyone: the time to live stays.
    for token in [&holder, &other] {
        assert!(guard.finish(token, TTL).await.unwrap());
        assert!((3_500..=3_600).contains(&seconds()), "{}", seconds());
    }
}

#[tokio::test]
async fn durations_that_redis_rejects_are_saturated() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let guard = RedisGuard::connect(&server.address(), "shop").await.unwrap();
    let (ever, never) = (token("ever"), token("never"));
    let milliseconds = || server.command::<i64>(&format!("PTTL shop:{}", ever.key()));
    const CENTURY: i64 = 100 * 365 * 86_400_000;
    assert_eq!(guard.begin(&ever, Duration::MAX).await.unwrap(), Begin::Acquired);
    assert!(milliseconds() > CENTURY, "{}", milliseconds());
    assert!(guard.renew(&ever, Duration::from_secs(1)).await.unwrap());
    assert!(guard.renew(&ever, Duration::MAX).await.unwrap());
    assert!(milliseconds() > CENTURY, "{}", milliseconds());
    assert!(guard.finish(&ever, Duration::MAX).await.unwrap());
    assert!(milliseconds() > CENTURY, "{}", milliseconds());

    let another = token("never");
    assert_eq!(guard.begin(&never, Duration::ZERO).await.unwrap(), Begin::Acquired);
    until("still leased", async || guard.begin(&another, LEASE).await.unwrap() == Begin::Acquired).await;
    assert!(guard.renew(&another, Duration::ZERO).await.unwrap());
    until("still leased", async || guard.begin(&never, LEASE).await.unwrap() == Begin::Acquired).await;
    assert!(guard.finish(&never, Duration::ZERO).await.unwrap());
    until("still done", async || guard.begin(&another, LEASE).await.unwrap() == Begin::Acquired).await;
}

#[test]
fn a_runtime_without_timers_is_enough() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let proxy = Proxy::start(server.socket());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let guard = RedisGuard::connect(&proxy.url(), "test").await.unwrap().timeout(Duration::from_millis(900));
        is_handled_once(&guard, "a").await;
        proxy.silence_connections();
        is_handled_once(&guard, "b").await;
        proxy.silence_everything();
        assert!(guard.begin(&token("c"), LEASE).await.is_err());
        proxy.heal();
        is_handled_once(&guard, "c").await;
        server.command::<()>("CLIENT KILL TYPE normal");
        is_handled_once(&guard, "d").await;
    });
    // On another runtime, after the one that connected is gone.
    let guard = runtime.block_on(RedisGuard::connect(&proxy.url(), "test")).unwrap();
    drop(runtime);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(is_handled_once(&guard, "e"));
}

#[tokio::test]
async fn errors_name_the_server_and_no_password() {
    let error = RedisGuard::connect("redis://user:S3NTINEL@127.0.0.1:1/", "test").await.unwrap_err();
    assert!(error.to_string().contains("connect: Redis at 127.0.0.1:1 failed after"), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(!texts(&error).contains("S3NTINEL"), "{}", texts(&error));
    for url in [
        "redis://user:S3NTINEL@host:port/",
        "redis://user:S3NTINEL@host/?protocol=S3NTINEL",
        "redis://user:S3NTINEL@host/S3NTINEL",
        "rediss://user:S3NTINEL@host/",
        "redis://:S3NTINEL",
        "S3NTINEL",
        "",
    ] {
        let error = RedisGuard::connect(url, "test").await.unwrap_err();
        assert!(error.to_string().contains("invalid URL of Redis: "), "{error}");
        assert!(error.to_string().contains("redis+unix:///path"), "{error}");
        assert!(!texts(&error).contains("S3NTINEL"), "{}", texts(&error));
    }
}

#[tokio::test]
async fn errors_of_permissions_name_the_server_and_no_password() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let proxy = Proxy::start(server.socket());
    server.command::<()>("ACL SETUSER guard on >S3NTINEL allkeys +@all");
    let url = |password| proxy.url().replace("//", &format!("//guard:{password}@"));
    let guard = RedisGuard::connect(&url("S3NTINEL"), "test").await.unwrap().timeout(Duration::from_secs(1));
    is_handled_once(&guard, "a").await;
    assert!(!format!("{guard:?}").contains("S3NTINEL"), "{guard:?}");
    assert!(format!("{guard:?}").contains(&format!("127.0.0.1:{}", proxy.port())), "{guard:?}");
    server.command::<()>("ACL SETUSER guard -eval");
    let denied = guard.finish(&token("b"), TTL).await.unwrap_err();
    let wrong = RedisGuard::connect(&url("OTHER-S3NTINEL"), "test").await.unwrap_err();
    for (error, operation, cause) in [(denied, "finish", "permissions"), (wrong, "connect", "authentication failed")] {
        let expected = format!("{operation}: Redis at 127.0.0.1:{} failed after", proxy.port());
        assert!(error.to_string().contains(&expected), "{error}");
        assert!(error.to_string().contains(cause), "{error}");
        assert!(!texts(&error).contains("S3NTINEL"), "{}", texts(&error));
    }
}

#[tokio::test]
async fn a_key_with_another_value_is_an_error() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let guard = RedisGuard::connect(&server.address(), "test").await.unwrap();
    let token = token("a");
    server.command::<()>(&format!("SET test:{} something", token.key()));
    let error = guard.begin(&token, LEASE).await.unwrap_err();
    assert!(error.to_string().contains("neither a lease nor done"), "{error}");
    // Not overwritten either.
    assert!(!guard.finish(&token, TTL).await.unwrap());
    guard.abort(&token).await.unwrap();
    assert_eq!(server.command::<String>(&format!("GET test:{}", token.key())), "something");
}

/// Another driver. Its first connection fails after every operation uses it, for each later than for the one before.
#[derive(Default)]
struct Driver {
    connects: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Broken(AtomicUsize);

struct Working;

impl RedisConnect for Driver {
    fn connect(&self) -> RedisFuture<'_, Box<dyn RedisConnection>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            let connection: Box<dyn RedisConnection> = match self.connects.fetch_add(1, SeqCst) {
                0 => Box::<Broken>::default(),
                _ => Box::new(Working),
            };
            Ok(connection)
        })
    }
}

impl RedisConnection for Broken {
    fn execute(&self, _: Vec<Vec<u8>>) -> RedisFuture<'_, RedisReply> {
        Box::pin(async {
            for _ in 0..100 + self.0.fetch_add(1, SeqCst) * 5 {
                tokio::task::yield_now().await;
            }
            Err("broken".into())
        })
    }
}

impl RedisConnection for Working {
    fn execute(&self, command: Vec<Vec<u8>>) -> RedisFuture<'_, RedisReply> {
        let reply = if command[0] == b"SET" { RedisReply::Nil } else { RedisReply::Integer(1) };
        Box::pin(async { Ok(reply) })
    }
}

#[tokio::test]
async fn a_connection_is_replaced_once_for_all_concurrent_operations() {
    let driver = Driver::default();
    let connects = driver.connects.clone();
    let guard = RedisGuard::new(driver, "test").unwrap();
    assert_eq!(connects.load(SeqCst), 0);
    let begun = join_all((0..64).map(|number| {
        let guard = guard.clone();
        async move { guard.begin(&token(&number.to_string()), LEASE).await }
    }))
    .await;
    for begin in begun {
        assert_eq!(begin.unwrap(), Begin::Acquired);
    }
    assert_eq!(connects.load(SeqCst), 2);
}

/// Another driver, which never connects.
struct Unreachable(Arc<AtomicUsize>);

impl RedisConnect for Unreachable {
    fn connect(&self) -> RedisFuture<'_, Box<dyn RedisConnection>> {
        self.0.fetch_add(1, SeqCst);
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn concurrent_operations_share_one_attempt_to_connect() {
    let connects = Arc::new(AtomicUsize::new(0));
    let limit = Duration::from_millis(600);
    let guard = RedisGuard::new(Unreachable(connects.clone()), "test").unwrap().timeout(limit);
    let start = Instant::now();
    let begun = join_all((0..64).map(|_| async { guard.begin(&token("a"), LEASE).await })).await;
    assert!(start.elapsed() < limit + SLACK, "{:?}", start.elapsed());
    for begin in begun {
        let error = begin.unwrap_err();
        assert!(error.to_string().contains("begin: Redis failed after"), "{error}");
    }
    assert!(connects.load(SeqCst) <= 4, "{}", connects.load(SeqCst));
}

/// Another driver, which connects slowly.
struct Slow(Arc<AtomicUsize>);

impl RedisConnect for Slow {
    fn connect(&self) -> RedisFuture<'_, Box<dyn RedisConnection>> {
        Box::pin(async {
            self.0.fetch_add(1, SeqCst);
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(Box::new(Working) as Box<dyn RedisConnection>)
        })
    }
}

#[tokio::test]
async fn an_operation_that_is_dropped_leaves_its_attempt_to_connect_to_the_next() {
    let connects = Arc::new(AtomicUsize::new(0));
    let guard = RedisGuard::new(Slow(connects.clone()), "test").unwrap();
    until("never connected", async || {
        tokio::time::timeout(Duration::from_millis(50), guard.begin(&token("a"), LEASE)).await.is_ok()
    })
    .await;
    assert_eq!(connects.load(SeqCst), 1);
}

#[tokio::test]
async fn dropping_the_guard_closes_its_connection() {
    let Some(server) = RedisServer::start(Disk::Nothing) else { return };
    let guard = RedisGuard::connect(&server.address(), "test").await.unwrap();
    let clients = || server.command::<String>("CLIENT LIST").lines().count();
    until("not connected", async || clients() == 2).await;
    drop(guard);
    until("still connected", async || clients() == 1).await;
}
