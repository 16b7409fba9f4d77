use std::{fmt, time::Duration};

use redis::{
    ErrorKind, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{GuardError, ReplayGuard};
use crate::webhook::DeliveryKey;

/// What keys begin with when nothing else is said.
const PREFIX: &str = "piaxis:webhook:";
/// How long one command may take: less than a sender waits for an answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Remembers deliveries in Redis: for receivers that run on several machines, or that restart.
///
/// `SET key NX PX` marks a delivery, so of all receivers one is told that it is new. When Redis is away or silent for two
/// seconds, every method is an error, and the connection is made anew in the background. If the answer to a mark is lost
/// on the way, the mark may stay without anybody having handled the event; see [`Mark`](super::Mark).
///
/// Redis must not lose what it promised to keep: with its default settings, a crash forgets the last second or more
/// (`appendonly yes` and `appendfsync always` keep all), a failover to a replica forgets what was not copied, and an
/// eviction policy other than `noeviction` may drop marks when memory is short. What is forgotten is handled again.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use piaxis::webhook::RedisGuard;
///
/// let guard = RedisGuard::connect("redis://127.0.0.1/").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisGuard {
    connection: ConnectionManager,
    prefix: String,
}

impl RedisGuard {
    /// Connects to `redis://[user:password@]host[:port][/database]` or `redis+unix:///path`. For `rediss://`, depend on the
    /// crate `redis` with one of its TLS features.
    ///
    /// # Errors
    /// When the address is malformed, or nobody answers there.
    pub async fn connect(address: &str) -> Result<Self, GuardError> {
        let client = redis::Client::open(address).map_err(failed("the address of Redis is malformed"))?;
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_with_config(client, settings).await;
        connection.map(Self::new).map_err(failed("no connection to Redis"))
    }

    /// Over a connection of yours, set up with TLS or timeouts of your choice. Let its commands time out: a guard that hangs
    /// keeps the sender waiting.
    pub fn new(connection: ConnectionManager) -> Self {
        Self { connection, prefix: PREFIX.to_owned() }
    }

    /// What the keys begin with; `piaxis:webhook:` by default.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn key(&self, key: DeliveryKey) -> String {
        format!("{}{key}", self.prefix)
    }
}

impl ReplayGuard for RedisGuard {
    async fn first_time(&self, key: DeliveryKey, ttl: Duration) -> Result<bool, GuardError> {
        // Redis refuses 0, and a time beyond its calendar.
        let milliseconds = ttl.as_millis().clamp(1, i64::MAX as u128 / 4);
        let mut command = redis::cmd("SET");
        command.arg(self.key(key)).arg(1).arg("NX").arg("PX").arg(milliseconds as u64);
        let answer: Option<String> = command
            .query_async(&mut self.connection.clone())
            .await
            .map_err(failed("Redis did not mark the delivery"))?;
        Ok(answer.is_some())
    }

    async fn is_known(&self, key: DeliveryKey) -> Result<bool, GuardError> {
        let answer = redis::cmd("EXISTS").arg(self.key(key)).query_async(&mut self.connection.clone()).await;
        answer.map_err(failed("Redis did not look the delivery up"))
    }

    async fn forget(&self, key: DeliveryKey) -> Result<(), GuardError> {
        let answer = redis::cmd("DEL").arg(self.key(key)).query_async(&mut self.connection.clone()).await;
        answer.map_err(failed("Redis did not forget the delivery"))
    }
}

fn failed(what: &'static str) -> impl Fn(RedisError) -> GuardError {
    move |error| match error.detail() {
        // Its details may quote the address, which may hold a password.
        Some(_) if error.kind() == ErrorKind::InvalidClientConfig => {
            GuardError { problem: format!("{what}: a setting in the address is invalid"), source: None }
        }
        _ => GuardError::new(format!("{what}: {error}"), error),
    }
}

impl fmt::Debug for RedisGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisGuard").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
