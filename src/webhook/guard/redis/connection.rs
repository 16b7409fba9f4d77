use std::{error::Error, pin::Pin};

/// A future that a [`RedisConnect`] or a [`RedisConnection`] returns.
pub type RedisFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// Connects a [`RedisGuard`](super::RedisGuard) to Redis: for clusters, for Sentinel, for other drivers.
///
/// The guard connects again whenever a command fails, and limits the time that connecting takes. Look up the primary in
/// [`connect`](Self::connect), so that the connection after a failover is one to the new primary.
///
/// ```no_run
/// use piaxis::webhook::{RedisConnect, RedisConnection, RedisFuture, RedisGuard, RedisReply};
/// use redis::{Value, cluster::ClusterClient, cluster_async::ClusterConnection};
///
/// struct Cluster(ClusterClient);
/// struct Connection(ClusterConnection);
///
/// impl RedisConnect for Cluster {
///     fn connect(&self) -> RedisFuture<'_, Box<dyn RedisConnection>> {
///         Box::pin(async {
///             let connection = self.0.get_async_connection().await?;
///             Ok(Box::new(Connection(connection)) as Box<dyn RedisConnection>)
///         })
///     }
/// }
///
/// impl RedisConnection for Connection {
///     fn execute(&self, command: Vec<Vec<u8>>) -> RedisFuture<'_, RedisReply> {
///         Box::pin(async move {
///             let mut query = redis::Cmd::new();
///             query.arg(command);
///             match query.query_async(&mut self.0.clone()).await? {
///                 Value::Nil => Ok(RedisReply::Nil),
///                 Value::Int(number) => Ok(RedisReply::Integer(number)),
///                 Value::BulkString(bytes) => Ok(RedisReply::Bytes(bytes)),
///                 other => Err(format!("unexpected reply: {other:?}").into()),
///             }
///         })
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cluster = ClusterClient::new(["redis://10.0.0.1/", "redis://10.0.0.2/"])?;
/// let guard = RedisGuard::new(Cluster(cluster), "shop")?;
/// # Ok(())
/// # }
/// ```
pub trait RedisConnect: Send + Sync {
    /// Makes a new connection. The guard drops this future when connecting takes too long.
    ///
    /// # Errors
    /// When Redis cannot be reached now. The guard retries within its time limit.
    fn connect(&self) -> RedisFuture<'_, Box<dyn RedisConnection>>;

    /// Host and port for error messages, without a password. Default: none.
    fn address(&self) -> Option<String> {
        None
    }
}

/// A connection of a [`RedisGuard`](super::RedisGuard), which all operations of the guard and its clones share.
pub trait RedisConnection: Send + Sync {
    /// Executes one command, given as its arguments. Each command names one key.
    ///
    /// Called while other commands wait for their responses. The guard drops this future when the response takes too long,
    /// and then drops the connection.
    ///
    /// # Errors
    /// When the response is missing, or is an error. The guard then replaces the connection and executes the command again.
    fn execute(&self, command: Vec<Vec<u8>>) -> RedisFuture<'_, RedisReply>;
}

/// A reply of Redis to a command of a [`RedisGuard`](super::RedisGuard).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RedisReply {
    /// No value.
    Nil,
    /// An integer.
    Integer(i64),
    /// The bytes of a bulk string or a simple string.
    Bytes(Vec<u8>),
}
