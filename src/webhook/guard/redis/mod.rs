//! A guard in Redis.

mod commands;
mod connection;
mod executor;
mod url;

use std::{fmt, sync::Arc, time::Duration};

use super::{Begin, Guard, GuardError, GuardFuture, Token, checked_namespace};
use crate::webhook::DeduplicationKey;
use commands::{Entry, is_done};
pub use connection::{RedisConnect, RedisConnection, RedisFuture, RedisReply};
use executor::Executor;
use url::Server;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

/// Remembers events in Redis 7 or later: for receivers that run on several machines, or that restart.
///
/// Each event is one key, `<namespace>:<deduplication key>`, with a time to live. Each operation is one atomic command and one
/// round trip, so that a handled delivery costs two. Clones share one connection.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use piaxis::webhook::{Deduplication, Guarantee, RedisGuard};
///
/// let guard = RedisGuard::connect("redis://127.0.0.1/", "shop:webhooks").await?;
/// let deduplication = Deduplication::new(guard, Guarantee::OncePerLease(Duration::from_secs(60)));
/// # Ok(())
/// # }
/// ```
///
/// # Failures
///
/// A command that fails is retried over a new connection, with the same token, until the [`timeout`](Self::timeout)
/// elapses. Retried failures are a connection that was closed or is silent, a primary that became a replica, and a Redis
/// that loads its data. A lost response does no harm, because commands are idempotent. When the timeout elapses, the
/// operation is an error, and [`Guarantee`](super::super::Guarantee) documents what happens to the delivery.
///
/// # Settings of Redis
///
/// An event that Redis forgets is handled again.
///
/// - `appendonly yes`: without this setting, a restart forgets everything since the last snapshot. With `appendfsync
///   everysec`, the default, a crash of the machine forgets about the last second; with `always`, nothing.
/// - `maxmemory-policy noeviction`: any other policy may forget an event when memory is short. With `noeviction`, the
///   guard fails then.
/// - Replication is asynchronous: a failover forgets events that were not replicated yet.
/// - An event needs about 250 bytes until its time to live elapses.
///
/// # Exactly once
///
/// Redis and the storage of your effects share no transaction. After a process that dies between its effect and the
/// record in Redis, the lease elapses and the event is handled again. To rule that out, write the key beside the effects,
/// in the same transaction, under a unique constraint. PostgreSQL, where `handled` has `key bytea PRIMARY KEY`:
///
/// ```sql
/// WITH first AS (INSERT INTO handled (key) VALUES ($1) ON CONFLICT DO NOTHING RETURNING key)
/// UPDATE orders SET paid = paid + $2 FROM first WHERE orders.id = $3
/// ```
///
/// `$1` is [`DeduplicationKey::as_bytes`]. The guard then prevents repeated work, and the constraint prevents a second
/// effect. Where the effects are in PostgreSQL only, `PostgresGuard::in_transaction` does the same without Redis.
///
/// # Runtime
///
/// [`connect`](Self::connect) runs on tokio with I/O enabled, and needs no timers.
#[derive(Clone)]
pub struct RedisGuard {
    executor: Arc<Executor>,
    namespace: Arc<str>,
    timeout: Duration,
}

impl RedisGuard {
    /// Connects to `redis://[user:password@]host[:port][/database]`, `redis+unix:///path`, or `rediss://…` if your program
    /// enables a TLS feature of the crate `redis`: `tokio-rustls-comp` or `tokio-native-tls-comp`.
    ///
    /// The namespace separates services that share one Redis. Each service needs a namespace of its own, which all machines of
    /// the service use.
    ///
    /// Writes one key that expires at once, so that a missing permission or an old version shows when the program starts.
    ///
    /// # Errors
    /// When the URL is invalid, the namespace is empty, or Redis does not respond within 3 seconds.
    pub async fn connect(url: &str, namespace: impl Into<String>) -> Result<Self, GuardError> {
        let guard = Self::new(Server::open(url)?, namespace)?;
        let probe = Token::new(DeduplicationKey::of(["connect"]))?;
        guard.execute("connect", Entry::new(&guard.namespace, &probe).begin(Duration::ZERO)).await?;
        Ok(guard)
    }

    /// Makes connections with `connect`, the first one when the first event arrives.
    ///
    /// # Errors
    /// When the namespace is empty.
    pub fn new(connect: impl RedisConnect + 'static, namespace: impl Into<String>) -> Result<Self, GuardError> {
        let namespace = checked_namespace(namespace)?;
        Ok(Self { executor: Arc::new(Executor::new(connect)), namespace, timeout: DEFAULT_TIMEOUT })
    }

    /// Time limit of one operation, with all its attempts. Default: 3 seconds.
    ///
    /// Connecting and waiting for a response may take a third of the limit each before the guard tries another connection.
    /// Choose a limit below the timeout of the sender.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn entry(&self, token: &Token) -> Entry {
        Entry::new(&self.namespace, token)
    }

    async fn execute(&self, operation: &str, command: Vec<Vec<u8>>) -> Result<RedisReply, GuardError> {
        self.executor.execute(operation, command, self.timeout).await
    }
}

impl Guard for RedisGuard {
    fn begin<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, Begin> {
        Box::pin(async move {
            let entry = self.entry(token);
            let reply = self.execute("begin", entry.begin(lease)).await?;
            entry.begun(reply)
        })
    }

    fn finish<'a>(&'a self, token: &'a Token, ttl: Duration) -> GuardFuture<'a, bool> {
        Box::pin(async move { is_done("finish", self.execute("finish", self.entry(token).finish(ttl)).await?) })
    }

    fn abort<'a>(&'a self, token: &'a Token) -> GuardFuture<'a, ()> {
        Box::pin(async move { is_done("abort", self.execute("abort", self.entry(token).abort()).await?).map(drop) })
    }

    fn renew<'a>(&'a self, token: &'a Token, lease: Duration) -> GuardFuture<'a, bool> {
        Box::pin(async move { is_done("renew", self.execute("renew", self.entry(token).renew(lease)).await?) })
    }
}

impl fmt::Debug for RedisGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisGuard")
            .field("server", &self.executor.address())
            .field("namespace", &self.namespace)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
