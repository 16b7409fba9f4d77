//! The guard in PostgreSQL.

mod connection;
mod purge;
mod statements;
mod transaction;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use deadpool_postgres::{ClientWrapper, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::{Config, NoTls, config::TargetSessionAttrs, types::ToSql};

use self::connection::{Attempts, Failure};
use super::{Begin, Guard, GuardError, GuardFuture, Token, checked_namespace};

/// Default time limit of one operation.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Time limit of the TCP connect to one host, unless the URL has another.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Time after which either side gives up a connection whose other side does not acknowledge what it was sent.
const DEAD_AFTER: Duration = Duration::from_secs(30);
/// Lets the server notice within [`DEAD_AFTER`] that a client is gone, and free the locks of that client.
const KEEPALIVES: &str = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4";
/// A longer lease or time to live is for ever: the dates of PostgreSQL end.
const FOR_EVER: Duration = Duration::from_secs(1000 * 365 * 86_400);

/// Remembers events in PostgreSQL, for any number of machines. Cheap to clone.
///
/// [`in_transaction`](Self::in_transaction) commits the record that an event is handled together with the writes of its
/// handler: **exactly once** for everything in that database. With [`Deduplication`](crate::webhook::Deduplication), the
/// guard uses leases like any other [`Guard`].
///
/// ```no_run
/// use std::time::Duration;
///
/// use piaxis::webhook::{Delivery, PostgresGuard};
///
/// # async fn example(delivery: Delivery) -> Result<(), Box<dyn std::error::Error>> {
/// let url = "postgres://user:password@db1,db2/shop?target_session_attrs=read-write";
/// let guard = PostgresGuard::connect(url, "piaxis")?;
/// guard.migrate().await?;
///
/// let week = Duration::from_secs(7 * 86_400);
/// let once = guard
///     .in_transaction(delivery.deduplication_key(), week, async |transaction| {
///         transaction.execute("UPDATE orders SET paid = true WHERE id = $1", &[&"order-789"]).await
///     })
///     .await;
/// let response: http::Response<String> = once.into_response();
/// # Ok(())
/// # }
/// ```
///
/// # Table
///
/// One table, `piaxis_deliveries`, with a row for each key: [`MIGRATION`](Self::MIGRATION) creates it, by
/// [`migrate`](Self::migrate) or among the migrations of your own. The name is looked up in the `search_path`. A row without
/// an owner is done. An expired row counts as absent and is deleted from time to time, see [`purge`](Self::purge).
///
/// The namespace separates programs that share a database, each of which handles every event.
///
/// All times are those of the database. `Duration::MAX`, and all beyond 1000 years, is for ever.
///
/// # Failures
///
/// Connections that are closed, silent, or of a server that was demoted are replaced, and the operation is retried, for up to
/// [`timeout`](Self::timeout). [`connect`](Self::connect) takes several hosts.
///
/// Statements are prepared once for each connection: PgBouncer needs `max_prepared_statements`. Locks are those of
/// transactions, never of sessions.
///
/// The guard remembers what PostgreSQL keeps: `synchronous_commit = off` and a failover to an asynchronous replica forget
/// the last events, together with what their transactions wrote. A lease, or a record outside the handler's transaction,
/// is forgotten without the writes of the handler, and the event is handled again.
#[derive(Clone)]
pub struct PostgresGuard {
    pool: Pool,
    namespace: Arc<str>,
    timeout: Duration,
    /// When expired rows were last deleted.
    purged: Arc<Mutex<Option<Instant>>>,
}

impl PostgresGuard {
    /// The SQL that creates the table, if it does not exist.
    pub const MIGRATION: &str = statements::MIGRATION;

    /// The SQL that marks an event as done, for a transaction of another driver, such as sqlx or diesel.
    ///
    /// Parameters: the namespace (`text`), the 32 bytes of the key (`bytea`), and the seconds to remember the event (`float8`,
    /// null for ever). Returns one row with one `text`:
    ///
    /// - `taken`: handle the event in this transaction, and commit.
    /// - `done`: the event was handled. Roll back, and respond with 200.
    /// - `in_progress`: another transaction or lease has the event. Roll back, and respond with 503.
    ///
    /// The statement never waits for the transaction of another delivery. The isolation level must be `READ COMMITTED`, which
    /// is the default of PostgreSQL. A higher one is safe, but fails with SQLSTATE 40001 where this one returns `done`.
    ///
    /// ```sql
    /// BEGIN ISOLATION LEVEL READ COMMITTED;
    /// -- CLAIM
    /// UPDATE orders SET paid = true WHERE id = 'order-789';
    /// COMMIT;
    /// ```
    pub const CLAIM: &str = statements::CLAIM;

    /// Connects to `postgres://[user[:password]@]host[:port][,host…]/database[?options]` when first used, without TLS. For
    /// TLS, or a pool of another size, see [`new`](Self::new).
    ///
    /// Unless the URL says otherwise, `connect_timeout` is half a second for each host, and `target_session_attrs` is
    /// `read-write`, so that of several hosts the primary is used. TCP keepalives are set on both sides, so that either one
    /// notices within half a minute that the machine of the other is gone.
    ///
    /// # Errors
    /// When the URL is invalid, or the namespace is empty.
    pub fn connect(url: &str, namespace: impl Into<String>) -> Result<Self, GuardError> {
        // The cause would quote a part of the URL, which may be the password.
        let mut config: Config = url.parse().map_err(|_| {
            GuardError::message(
                "invalid URL of PostgreSQL; use postgres://[user[:password]@]host[:port][,host…]/database[?options]",
            )
        })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(DEAD_AFTER);
        }
        config.keepalives_idle(config.get_keepalives_idle().min(DEAD_AFTER / 3));
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(DEAD_AFTER / 6);
        }
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let keepalives = Hook::async_fn(|client: &mut ClientWrapper, _| {
            Box::pin(async move { client.batch_execute(KEEPALIVES).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager).post_create(keepalives).build();
        let pool =
            pool.map_err(|error| GuardError::new("failed to build a pool of connections to PostgreSQL", error))?;
        Self::new(pool, namespace)
    }

    /// Uses this pool. Each handler of [`in_transaction`](Self::in_transaction) occupies one connection. After a connection
    /// broke, the pool's idle connections are closed as well.
    ///
    /// Set `tcp_keepalives_idle` on the server, or by a `post_create` hook: otherwise PostgreSQL takes two hours to notice that
    /// a machine lost its power in a handler, and the event is in progress until then.
    ///
    /// # Errors
    /// When the namespace is empty.
    pub fn new(pool: Pool, namespace: impl Into<String>) -> Result<Self, GuardError> {
        Ok(Self { pool, namespace: checked_namespace(namespace)?, timeout: TIMEOUT, purged: Arc::default() })
    }

    /// Limits the time of one operation, retries included. 3 seconds by default; an attempt gets a third of it. The limit
    /// covers the end of a transaction, but not the handler.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Creates the table, if it does not exist.
    ///
    /// # Errors
    /// When PostgreSQL does not respond, or rejects the SQL.
    pub async fn migrate(&self) -> Result<(), GuardError> {
        let script = format!("{}{}", statements::LOCK_MIGRATION, statements::MIGRATION);
        self.run("migrate", &Script(script)).await
    }

    /// Runs a statement about the key of a token.
    async fn change(
        &self,
        name: &'static str,
        sql: &'static str,
        token: &Token,
        duration: Option<Duration>,
    ) -> Result<Outcome, GuardError> {
        let (key, seconds) = (token.key(), duration.map(seconds));
        let (namespace, key, owner) = (&*self.namespace, &key.as_bytes()[..], &token.owner()[..]);
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&namespace, &key, &owner];
        parameters.extend(seconds.as_ref().map(|seconds| seconds as &(dyn ToSql + Sync)));
        self.run(name, &Statement { sql, parameters: &parameters }).await
    }

    /// Runs an operation, with retries until the time limit.
    async fn run<O: Operation>(&self, name: &'static str, operation: &O) -> Result<O::Output, GuardError> {
        let mut attempts = Attempts::new(self, name);
        loop {
            let mut connection = attempts.connection().await?;
            let result = attempts.limit(async { Ok(operation.attempt(connection.client()?).await?) }).await;
            if result.as_ref().err().is_none_or(Failure::spares_the_connection) {
                connection.keep();
            } else {
                drop(connection);
            }
            match result {
                Ok(output) => return Ok(output),
                Err(failure) => attempts.failed(failure).await?,
            }
        }
    }
}

/// An operation that may be repeated.
trait Operation: Sync {
    type Output: Send;

    fn attempt(
        &self,
        client: &ClientWrapper,
    ) -> impl Future<Output = Result<Self::Output, tokio_postgres::Error>> + Send;
}

/// SQL without parameters.
struct Script(String);

impl Operation for Script {
    type Output = ();

    async fn attempt(&self, client: &ClientWrapper) -> Result<(), tokio_postgres::Error> {
        client.batch_execute(&self.0).await
    }
}

/// A statement about one key.
struct Statement<'a> {
    sql: &'static str,
    parameters: &'a [&'a (dyn ToSql + Sync)],
}

impl Operation for Statement<'_> {
    type Output = Outcome;

    async fn attempt(&self, client: &ClientWrapper) -> Result<Outcome, tokio_postgres::Error> {
        let statement = client.prepare_cached(self.sql).await?;
        read(client.query_opt(&statement, self.parameters).await?.as_ref())
    }
}

/// Result of a statement.
enum Outcome {
    Taken,
    Done,
    InProgress,
}

/// Reads the outcome. No row means that no row was changed.
fn read(row: Option<&tokio_postgres::Row>) -> Result<Outcome, tokio_postgres::Error> {
    Ok(match row.map(|row| row.try_get::<_, &str>(0)).transpose()? {
        Some("taken") => Outcome::Taken,
        Some("done") => Outcome::Done,
        _ => Outcome::InProgress,
    })
}

/// The seconds of a lease or a time to live, or nothing for ever.
fn seconds(duration: Duration) -> Option<f64> {
    (duration < FOR_EVER).then_some(duration.as_secs_f64())
}

impl Guard for PostgresGuard {
    fn begin<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, Begin> {
        Box::pin(async move {
            let outcome = self.change("begin", statements::BEGIN, token, Some(lease)).await?;
            self.purge_in_background();
            Ok(match outcome {
                Outcome::Taken => Begin::Acquired,
                Outcome::Done => Begin::Done,
                Outcome::InProgress => Begin::InProgress,
            })
        })
    }

    fn finish<'a>(&'a self, token: &'a Token, ttl: Duration) -> GuardFuture<'a, bool> {
        Box::pin(async move {
            let outcome = self.change("finish", statements::FINISH, token, Some(ttl)).await?;
            Ok(matches!(outcome, Outcome::Taken))
        })
    }

    fn abort<'a>(&'a self, token: &'a Token) -> GuardFuture<'a, ()> {
        Box::pin(async move { self.change("abort", statements::ABORT, token, None).await.map(drop) })
    }

    fn renew<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, bool> {
        Box::pin(async move {
            let outcome = self.change("renew", statements::RENEW, token, Some(lease)).await?;
            Ok(matches!(outcome, Outcome::Taken))
        })
    }
}

/// Shows neither the URL nor the password.
impl fmt::Debug for PostgresGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresGuard")
            .field("namespace", &self.namespace)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
