//! The guard in PostgreSQL: effects and deduplication keys in one transaction, and connections that break.
//!
//! A binary of its own, because it starts itself again as a process that is killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod postgres_proxy;
    pub(crate) mod postgres_server;
}

use std::{
    future::pending,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool_postgres::{
    Manager, Pool, Transaction,
    tokio_postgres::{self, Client, NoTls},
};
use piaxis::webhook::{Begin, DeduplicationKey, Guard, Once, PostgresGuard, Token};

use crate::support::{
    postgres_proxy::Proxy,
    postgres_server::{PostgresServer, connect},
};

const DAY: Duration = Duration::from_secs(86_400);

struct Database {
    url: String,
    guard: PostgresGuard,
    client: Client,
}

impl Database {
    async fn new(server: &PostgresServer) -> Self {
        let url = server.database().await;
        let guard = PostgresGuard::connect(&url, "shop").unwrap();
        guard.migrate().await.unwrap();
        let client = connect(&url).await;
        client.batch_execute("CREATE TABLE effects (name text)").await.unwrap();
        Self { url, guard, client }
    }

    async fn effects(&self) -> i64 {
        self.count("SELECT count(*) FROM effects").await
    }

    async fn rows(&self) -> i64 {
        self.count("SELECT count(*) FROM piaxis_deliveries").await
    }

    async fn count(&self, sql: &str) -> i64 {
        self.client.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn until(&self, sql: &str) {
        eventually(async || self.client.query_one(sql, &[]).await.unwrap().get(0)).await;
    }
}

async fn eventually(condition: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < Duration::from_secs(20), "the condition never holds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn key(name: &str) -> DeduplicationKey {
    DeduplicationKey::of([name])
}

async fn effect(transaction: &mut Transaction<'_>) -> Result<u64, tokio_postgres::Error> {
    transaction.execute("INSERT INTO effects VALUES ('effect')", &[]).await
}

async fn handle(guard: &PostgresGuard, name: &str) -> Once<u64, tokio_postgres::Error> {
    guard.in_transaction(key(name), DAY, effect).await
}

#[track_caller]
fn assert_handled<T: std::fmt::Debug, E: std::fmt::Debug>(once: &Once<T, E>) {
    assert!(matches!(once, Once::Handled { result: Ok(_), recorded: Ok(true) }), "{once:?}");
}

/// Runs until the handler wrote its effect and waits for ever.
async fn stuck(guard: &PostgresGuard, name: &str) -> impl Future<Output = Once<(), tokio_postgres::Error>> + use<> {
    let (wrote, written) = tokio::sync::oneshot::channel();
    let (guard, key) = (guard.clone(), key(name));
    let mut handling = Box::pin(async move {
        let handler = async move |transaction: &mut Transaction<'_>| {
            effect(transaction).await?;
            wrote.send(()).unwrap();
            pending().await
        };
        guard.in_transaction(key, DAY, handler).await
    });
    tokio::select! {
        once = &mut handling => panic!("{once:?}"),
        written = written => written.unwrap(),
    }
    handling
}

#[tokio::test]
async fn an_effect_commits_with_its_mark() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    assert_handled(&handle(&database.guard, "a").await);
    assert_eq!((database.effects().await, database.rows().await), (1, 1));
    let repeated = handle(&database.guard, "a").await;
    assert!(matches!(repeated, Once::Repeated), "{repeated:?}");
    assert_eq!(database.effects().await, 1);
    assert_handled(&handle(&database.guard, "b").await);
    assert_eq!(database.effects().await, 2);
    // After its time to live, the event is new.
    database.client.execute("UPDATE piaxis_deliveries SET expires_at = now()", &[]).await.unwrap();
    assert_handled(&handle(&database.guard, "a").await);
}

#[tokio::test]
async fn a_failed_handler_rolls_back_both() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let fails = async |transaction: &mut Transaction<'_>| {
        effect(transaction).await.unwrap();
        Err::<(), _>("no")
    };
    let once = database.guard.in_transaction(key("a"), DAY, fails).await;
    assert!(matches!(once, Once::Handled { result: Err("no"), recorded: Ok(true) }), "{once:?}");
    assert_eq!((database.effects().await, database.rows().await), (0, 0));
    assert_handled(&handle(&database.guard, "a").await);
}

#[tokio::test]
async fn a_statement_whose_error_is_ignored_rolls_back_both() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let ignores = async |transaction: &mut Transaction<'_>| {
        effect(transaction).await?;
        let _ = transaction.execute("SELECT 1 / 0", &[]).await;
        Ok::<_, tokio_postgres::Error>(())
    };
    let once = database.guard.in_transaction(key("a"), DAY, ignores).await;
    let Once::Uncommitted(error) = &once else { panic!("{once:?}") };
    assert!(error.to_string().contains("was rolled back"), "{error}");
    assert_eq!(once.status(), 503);
    assert_eq!((database.effects().await, database.rows().await), (0, 0));
    // A savepoint is the way to go on after an error.
    let recovers = async |transaction: &mut Transaction<'_>| {
        let savepoint = transaction.transaction().await?;
        let _ = savepoint.execute("SELECT 1 / 0", &[]).await;
        savepoint.rollback().await?;
        effect(transaction).await
    };
    assert_handled(&database.guard.in_transaction(key("a"), DAY, recovers).await);
    assert_eq!(database.effects().await, 1);
}

#[tokio::test]
async fn a_commit_that_fails_is_known_to_be_rolled_back() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let deferred = "CREATE TABLE orders (id text PRIMARY KEY);
        ALTER TABLE effects ADD FOREIGN KEY (name) REFERENCES orders DEFERRABLE INITIALLY DEFERRED";
    database.client.batch_execute(deferred).await.unwrap();
    let once = handle(&database.guard, "a").await;
    let Once::Uncommitted(error) = &once else { panic!("{once:?}") };
    assert!(error.to_string().contains("was rolled back"), "{error}");
    assert_eq!((database.effects().await, database.rows().await), (0, 0));
}

#[tokio::test]
async fn a_handler_that_panics_rolls_back_both() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let guard = database.guard.clone();
    let panics = tokio::spawn(async move {
        let panics = async |transaction: &mut Transaction<'_>| -> Result<(), tokio_postgres::Error> {
            effect(transaction).await?;
            panic!("the handler panics");
        };
        guard.in_transaction(key("a"), DAY, panics).await
    });
    assert!(panics.await.unwrap_err().is_panic());
    eventually(async || matches!(handle(&database.guard, "a").await, Once::Handled { .. })).await;
    assert_eq!((database.effects().await, database.rows().await), (1, 1));
}

#[tokio::test]
async fn a_dropped_handler_rolls_back_both() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let stuck = stuck(&database.guard, "a").await;
    let meanwhile = handle(&database.guard, "a").await;
    assert!(matches!(meanwhile, Once::InProgress), "{meanwhile:?}");
    drop(stuck);
    eventually(async || matches!(handle(&database.guard, "a").await, Once::Handled { .. })).await;
    assert_eq!((database.effects().await, database.rows().await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_deliveries_have_one_effect() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    for round in 0..20 {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let guard = database.guard.clone();
                tokio::spawn(async move { handle(&guard, &round.to_string()).await })
            })
            .collect();
        let mut handled = 0;
        for task in tasks {
            match task.await.unwrap() {
                Once::Handled { result: Ok(_), recorded: Ok(true) } => handled += 1,
                Once::InProgress | Once::Repeated => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(handled, 1);
    }
    assert_eq!((database.effects().await, database.rows().await), (20, 20));
}

#[tokio::test]
async fn no_delivery_waits_for_the_transaction_of_another() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    // Would the guard wait, its time limit would end it with an error.
    let guard = &database.guard;
    let token = Token::new(key("a")).unwrap();
    for expired in [false, true] {
        if expired {
            assert_eq!(guard.begin(&token, DAY).await.unwrap(), Begin::Acquired);
            database.client.execute("UPDATE piaxis_deliveries SET expires_at = now()", &[]).await.unwrap();
        }
        let stuck = stuck(guard, "a").await;
        let meanwhile = handle(guard, "a").await;
        assert!(matches!(meanwhile, Once::InProgress), "{meanwhile:?}");
        assert_eq!(guard.begin(&token, DAY).await.unwrap(), Begin::InProgress);
        assert!(!guard.renew(&token, DAY).await.unwrap());
        assert!(!guard.finish(&token, DAY).await.unwrap());
        guard.abort(&token).await.unwrap();
        guard.purge().await.unwrap();
        drop(stuck);
        // The transaction ends when the server notices that its connection is closed.
        database.until("SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").await;
    }
}

#[tokio::test]
async fn leases_and_transactions_exclude_each_other() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let guard = &database.guard;
    let token = Token::new(key("a")).unwrap();
    assert_eq!(guard.begin(&token, DAY).await.unwrap(), Begin::Acquired);
    let leased = handle(guard, "a").await;
    assert!(matches!(leased, Once::InProgress), "{leased:?}");
    assert!(guard.finish(&token, DAY).await.unwrap());
    let done = handle(guard, "a").await;
    assert!(matches!(done, Once::Repeated), "{done:?}");
    assert_handled(&handle(guard, "b").await);
    assert_eq!(guard.begin(&Token::new(key("b")).unwrap(), DAY).await.unwrap(), Begin::Done);
}

#[tokio::test]
async fn finish_in_fences_a_late_owner() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let guard = &database.guard;
    let (late, next) = (Token::new(key("a")).unwrap(), Token::new(key("a")).unwrap());
    let pool = Pool::builder(Manager::new(database.url.parse().unwrap(), NoTls)).build().unwrap();
    let mut client = pool.get().await.unwrap();

    assert_eq!(guard.begin(&late, DAY).await.unwrap(), Begin::Acquired);
    database.client.execute("UPDATE piaxis_deliveries SET expires_at = now()", &[]).await.unwrap();
    assert_eq!(guard.begin(&next, DAY).await.unwrap(), Begin::Acquired);
    // Another owner has the lease, and then has finished.
    for finished in [false, true] {
        if finished {
            assert!(guard.finish(&next, DAY).await.unwrap());
        }
        let transaction = client.transaction().await.unwrap();
        assert!(!guard.finish_in(&transaction, &late, DAY).await.unwrap());
    }

    let token = Token::new(key("b")).unwrap();
    assert_eq!(guard.begin(&token, DAY).await.unwrap(), Begin::Acquired);
    let mut transaction = client.transaction().await.unwrap();
    effect(&mut transaction).await.unwrap();
    assert!(guard.finish_in(&transaction, &token, DAY).await.unwrap());
    let other = Token::new(key("b")).unwrap();
    assert_eq!(guard.begin(&other, DAY).await.unwrap(), Begin::InProgress);
    transaction.commit().await.unwrap();
    assert_eq!(guard.begin(&other, DAY).await.unwrap(), Begin::Done);
    assert_eq!(database.effects().await, 1);
}

#[tokio::test]
async fn a_handler_that_outlasts_its_lease_frees_nothing() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let guard = &database.guard;
    let (late, next) = (Token::new(key("a")).unwrap(), Token::new(key("a")).unwrap());
    assert_eq!(guard.begin(&late, Duration::from_millis(1)).await.unwrap(), Begin::Acquired);
    eventually(async || guard.begin(&next, DAY).await.unwrap() == Begin::Acquired).await;
    guard.abort(&late).await.unwrap();
    assert!(!guard.renew(&late, DAY).await.unwrap());
    assert!(!guard.finish(&late, DAY).await.unwrap());
    assert!(guard.renew(&next, DAY).await.unwrap());
}

#[tokio::test]
async fn closed_connections_are_replaced() {
    let Some(mut server) = PostgresServer::start() else { return };
    let database = Database::new(&server).await;
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()";
    for round in 0..5 {
        assert_handled(&handle(&database.guard, &format!("transaction {round}")).await);
        database.client.execute(terminate, &[]).await.unwrap();
        assert_handled(&handle(&database.guard, &format!("transaction after {round}")).await);
        database.client.execute(terminate, &[]).await.unwrap();
        let token = Token::new(key(&format!("lease {round}"))).unwrap();
        assert_eq!(database.guard.begin(&token, DAY).await.unwrap(), Begin::Acquired);
        database.client.execute(terminate, &[]).await.unwrap();
        assert!(database.guard.finish(&token, DAY).await.unwrap());
    }
    server.restart();
    assert_handled(&handle(&database.guard, "after the restart").await);
    let token = Token::new(key("lease 0")).unwrap();
    assert_eq!(database.guard.begin(&token, DAY).await.unwrap(), Begin::Done);
    server.stop();
    let error = database.guard.begin(&token, DAY).await.unwrap_err();
    assert!(error.to_string().contains("failed to connect"), "{error}");
}

#[tokio::test]
async fn silent_connections_are_replaced() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let proxy = Proxy::start(server.port()).await;
    let guard = PostgresGuard::connect(&proxy.url(&database.url), "shop").unwrap();
    // Several connections, all of which fall silent.
    let stuck_handlers = [stuck(&guard, "x").await, stuck(&guard, "y").await, stuck(&guard, "z").await];
    drop(stuck_handlers);
    let held: Vec<_> = futures_util::future::join_all((0..4).map(|number| {
        let guard = guard.clone();
        async move { handle(&guard, &format!("held {number}")).await }
    }))
    .await;
    held.iter().for_each(assert_handled);
    for name in ["a", "b"] {
        proxy.silence();
        let start = Instant::now();
        assert_handled(&handle(&guard, name).await);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
    let token = Token::new(key("c")).unwrap();
    proxy.silence();
    assert_eq!(guard.begin(&token, DAY).await.unwrap(), Begin::Acquired);
    proxy.silence();
    assert!(guard.finish(&token, DAY).await.unwrap());
    assert_eq!(database.effects().await, 6);
}

#[tokio::test]
async fn a_demoted_server_is_named_and_recovers() {
    let Some(server) = PostgresServer::start() else { return };
    let database = Database::new(&server).await;
    let pool = Pool::builder(Manager::new(database.url.parse().unwrap(), NoTls)).build().unwrap();
    let any_server = PostgresGuard::new(pool, "shop").unwrap().timeout(Duration::from_secs(2));
    let primary = database.guard.clone().timeout(Duration::from_secs(2));
    let token = Token::new(key("a")).unwrap();
    for guard in [&any_server, &primary] {
        assert_eq!(guard.begin(&token, DAY).await.unwrap(), Begin::Acquired);
    }
    let read_only = async |value: &str| {
        let alter = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
        database.client.batch_execute(&alter).await.unwrap();
        database.client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let reloaded = format!("SELECT current_setting('default_transaction_read_only') = '{value}'");
        database.until(&reloaded).await;
    };
    read_only("on").await;
    let error = any_server.finish(&token, DAY).await.unwrap_err();
    assert!(error.to_string().contains("PostgreSQL is read-only"), "{error}");
    let error = primary.finish(&token, DAY).await.unwrap_err();
    assert!(error.to_string().contains("failed to connect"), "{error}");
    assert_eq!(
        std::error::Error::source(&error).and_then(std::error::Error::source).unwrap().to_string(),
        "database does not allow writes"
    );
    database.client.batch_execute("SET default_transaction_read_only = off").await.unwrap();
    database.client.batch_execute("ALTER SYSTEM SET default_transaction_read_only = off").await.unwrap();
    database.client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    eventually(async || any_server.finish(&token, DAY).await.is_ok_and(|finished| finished)).await;
    eventually(async || primary.begin(&token, DAY).await.is_ok_and(|begin| begin == Begin::Done)).await;
}

#[tokio::test]
async fn of_several_hosts_the_one_that_responds_is_used() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = database.url.replace('@', &format!("@{closed},"));
    let guard = PostgresGuard::connect(&format!("{url}?target_session_attrs=read-write"), "shop").unwrap();
    assert_handled(&handle(&guard, "a").await);
}

#[tokio::test]
async fn a_lost_response_to_the_commit_is_unknown() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let proxy = Proxy::start(server.port()).await;
    let guard = PostgresGuard::connect(&proxy.url(&database.url), "shop").unwrap();
    proxy.lose_next_commit();
    let once = handle(&guard, "a").await;
    let Once::Uncommitted(error) = &once else { panic!("{once:?}") };
    assert!(error.to_string().contains("may have been committed"), "{error}");
    assert_eq!(once.status(), 503);
    assert!(once.has_run());
    let repeated = handle(&guard, "a").await;
    assert!(matches!(repeated, Once::Repeated), "{repeated:?}");
    assert_eq!(database.effects().await, 1);
}

#[tokio::test]
async fn namespaces_are_apart() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let other = PostgresGuard::connect(&database.url, "ledger").unwrap();
    let stuck = stuck(&database.guard, "a").await;
    assert_handled(&handle(&other, "a").await);
    drop(stuck);
    eventually(async || matches!(handle(&database.guard, "a").await, Once::Handled { .. })).await;
    assert_eq!(database.effects().await, 2);
}

#[tokio::test]
async fn expired_rows_are_purged() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let expired = "INSERT INTO piaxis_deliveries SELECT 'shop', int4send(n), NULL, now() - interval '1 second' FROM generate_series(1, 25000) n";
    // A batch has the time of one attempt.
    let of = || PostgresGuard::connect(&database.url, "shop").unwrap().timeout(Duration::from_secs(60));
    database.client.execute(expired, &[]).await.unwrap();
    assert_eq!(of().purge().await.unwrap(), 25_000);
    assert_eq!(database.rows().await, 0);
    // Of its own accord, one batch: by a transaction, and by a lease.
    database.client.execute(expired, &[]).await.unwrap();
    assert_handled(&handle(&of(), "a").await);
    database.until("SELECT count(*) = 15001 FROM piaxis_deliveries").await;
    assert_eq!(of().begin(&Token::new(key("a")).unwrap(), DAY).await.unwrap(), Begin::Done);
    database.until("SELECT count(*) = 5001 FROM piaxis_deliveries").await;
}

#[tokio::test]
async fn the_longest_duration_never_expires() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let guard = &database.guard;
    let token = Token::new(key("a")).unwrap();
    let for_ever = "SELECT count(*) FROM piaxis_deliveries WHERE expires_at = 'infinity'";
    for duration in [Duration::MAX, DAY * 365 * 1000] {
        assert_eq!(guard.begin(&token, duration).await.unwrap(), Begin::Acquired);
        assert_eq!(database.count(for_ever).await, 1);
        assert!(guard.renew(&token, duration).await.unwrap());
    }
    assert!(guard.renew(&token, DAY * 365 * 999).await.unwrap());
    assert_eq!(database.count(for_ever).await, 0);
    assert!(guard.finish(&token, Duration::MAX).await.unwrap());
    assert_handled(&guard.in_transaction(key("b"), Duration::MAX, effect).await);
    assert_eq!(database.count(for_ever).await, 2);
    // No time at all has elapsed at once.
    assert_handled(&guard.in_transaction(key("c"), Duration::ZERO, effect).await);
    assert_handled(&guard.in_transaction(key("c"), Duration::ZERO, effect).await);
}

#[tokio::test]
async fn migrations_at_the_same_time_succeed() {
    let Some(server) = PostgresServer::shared() else { return };
    let url = server.database().await;
    let guard = PostgresGuard::connect(&url, "shop").unwrap();
    let missing = handle(&guard, "a").await;
    let Once::GuardFailed(error) = &missing else { panic!("{missing:?}") };
    assert!(error.to_string().contains("PostgresGuard::migrate"), "{error}");
    let migrations = futures_util::future::join_all((0..8).map(|_| guard.migrate())).await;
    migrations.into_iter().for_each(|migration| migration.unwrap());
    connect(&url).await.batch_execute(PostgresGuard::MIGRATION).await.unwrap();
}

/// What users of other drivers run.
#[tokio::test]
async fn the_statement_claims_in_a_transaction_of_another_driver() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let (mut first, mut second) = (connect(&database.url).await, connect(&database.url).await);
    second.batch_execute("SET lock_timeout = '5s'").await.unwrap();
    let key = key("a");
    let claim = async |transaction: &tokio_postgres::Transaction<'_>| -> String {
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&"shop", &&key.as_bytes()[..], &86_400.0];
        transaction.query_one(PostgresGuard::CLAIM, &parameters).await.unwrap().get(0)
    };
    let transaction = first.transaction().await.unwrap();
    assert_eq!(claim(&transaction).await, "taken");
    assert_eq!(claim(&second.transaction().await.unwrap()).await, "in_progress");
    assert!(matches!(handle(&database.guard, "a").await, Once::InProgress));
    transaction.commit().await.unwrap();
    assert_eq!(claim(&second.transaction().await.unwrap()).await, "done");
    assert!(matches!(handle(&database.guard, "a").await, Once::Repeated));
}

#[test]
fn a_namespace_is_required() {
    let error = PostgresGuard::connect("postgres://127.0.0.1/shop", "").unwrap_err();
    assert!(error.to_string().contains("namespace: must not be empty"), "{error}");
}

#[tokio::test]
async fn errors_show_no_password() {
    for url in [
        "postgres://piaxis:s3cr3t@127.0.0.1:1/test",
        "postgres://piaxis:s3cr3t?x@127.0.0.1:1/test",
        "postgres://piaxis:s3cr3t@127.0.0.1:99999/test",
        "postgres://piaxis:pw@127.0.0.1:1/test?s3cr3t=1",
    ] {
        let shown = match PostgresGuard::connect(url, "shop") {
            Ok(guard) => {
                let guard = guard.timeout(Duration::from_millis(100));
                let error = guard.begin(&Token::new(key("a")).unwrap(), DAY).await.unwrap_err();
                format!("{guard:?} {error} {error:?}")
            }
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}

#[tokio::test]
async fn a_pool_that_is_used_up_is_an_error_in_time() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let pool = Pool::builder(Manager::new(database.url.parse().unwrap(), NoTls)).max_size(1).build().unwrap();
    let guard = PostgresGuard::new(pool, "shop").unwrap().timeout(Duration::from_secs(2));
    let stuck = stuck(&guard, "a").await;
    let once = handle(&guard, "b").await;
    let Once::GuardFailed(error) = &once else { panic!("{once:?}") };
    assert!(error.to_string().contains("no connection became available"), "{error}");
    drop(stuck);
    assert_handled(&handle(&guard, "b").await);
}

/// The common case, on connections that are in use already.
#[tokio::test]
async fn round_trips() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let proxy = Proxy::start(server.port()).await;
    let config = proxy.url(&database.url).parse().unwrap();
    let pool = Pool::builder(Manager::new(config, NoTls)).max_size(1).build().unwrap();
    let guard = PostgresGuard::new(pool, "shop").unwrap();
    let lease = async |name: &str| {
        let token = Token::new(key(name)).unwrap();
        assert_eq!(guard.begin(&token, DAY).await.unwrap(), Begin::Acquired);
        assert!(guard.finish(&token, DAY).await.unwrap());
    };
    let transaction = async |name: &str| {
        let nothing = async |_: &mut Transaction<'_>| Ok::<_, tokio_postgres::Error>(());
        assert_handled(&guard.in_transaction(key(name), DAY, nothing).await);
    };
    lease("warm").await;
    transaction("warm too").await;
    // The purge of the first operation uses the connection as well.
    guard.purge().await.unwrap();
    let before = proxy.responses();
    lease("a").await;
    assert_eq!(proxy.responses() - before, 2, "begin and finish");
    let before = proxy.responses();
    transaction("b").await;
    assert_eq!(proxy.responses() - before, 4, "BEGIN, claim, check, COMMIT");
    let before = proxy.responses();
    assert_eq!(guard.begin(&Token::new(key("a")).unwrap(), DAY).await.unwrap(), Begin::Done);
    assert_eq!(proxy.responses() - before, 1, "a repeated delivery");
    assert_eq!(proxy.accepted(), 1);
}

/// The future of a generic program is `Send`.
#[tokio::test]
async fn the_future_is_send() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let guard = Arc::new(database.guard.clone());
    let order = String::from("order-1");
    let boxed: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
        let borrowed = order.as_str();
        let once = guard
            .in_transaction(key("a"), DAY, async |transaction| {
                transaction.execute("INSERT INTO effects VALUES ($1)", &[&borrowed]).await
            })
            .await;
        assert_handled(&once);
    });
    tokio::spawn(boxed).await.unwrap();
}

/// A machine that loses its power does not close its connections.
#[tokio::test]
async fn the_server_probes_for_dead_clients() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let idle = async |transaction: &mut Transaction<'_>| -> Result<String, tokio_postgres::Error> {
        Ok(transaction.query_one("SHOW tcp_keepalives_idle", &[]).await?.get(0))
    };
    let once = database.guard.in_transaction(key("a"), DAY, idle).await;
    assert!(matches!(&once, Once::Handled { result: Ok(idle), .. } if idle == "10"), "{once:?}");
}

const CHILD: &str = "PIAXIS_TEST_CHILD_URL";

#[tokio::test]
async fn a_killed_process_leaves_neither_effect_nor_lease() {
    if let Ok(url) = std::env::var(CHILD) {
        let guard = PostgresGuard::connect(&url, "shop").unwrap();
        let _stuck = stuck(&guard, "a").await;
        println!("\nIN THE HANDLER");
        return pending().await;
    }
    let Some(server) = PostgresServer::shared() else { return };
    let database = Database::new(&server).await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_process_leaves_neither_effect_nor_lease", "--nocapture"])
        .env(CHILD, &database.url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "IN THE HANDLER"));
    let meanwhile = handle(&database.guard, "a").await;
    assert!(matches!(meanwhile, Once::InProgress), "{meanwhile:?}");
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = Instant::now();
    eventually(async || matches!(handle(&database.guard, "a").await, Once::Handled { result: Ok(_), .. })).await;
    println!("handled {:?} after the process was killed", killed.elapsed());
    assert_eq!(database.effects().await, 1);
}
