//! Connections by URL, over the crate `redis`.

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, IntoConnectionInfo as _, RedisError, RedisResult, Value,
    aio::MultiplexedConnection, io::tcp::TcpSettings,
};

use super::{RedisConnect, RedisConnection, RedisFuture, RedisReply};
use crate::webhook::GuardError;

/// One server, by its URL.
pub(super) struct Server {
    client: Client,
}

impl Server {
    pub(super) fn open(url: &str) -> Result<Self, GuardError> {
        let client = client(url).map_err(|error| {
            GuardError::message(format!(
                "invalid URL of Redis: {}; use redis://[user:password@]host[:port][/database], redis+unix:///path, or \
                 rediss:// with a TLS feature of the crate redis",
                without_detail(&error)
            ))
        })?;
        Ok(Self { client })
    }
}

fn client(url: &str) -> RedisResult<Client> {
    // A command is smaller than a packet: Nagle's algorithm would make it wait for the response to the one before.
    let tcp = TcpSettings::default().set_nodelay(true);
    Client::open(url.into_connection_info()?.set_tcp_settings(tcp))
}

/// The error without what it quotes, which may be a part of the URL.
fn without_detail(error: &RedisError) -> String {
    let text = error.to_string();
    match error.detail().and_then(|detail| text.strip_suffix(detail)) {
        Some(text) => text.trim_end_matches([':', ' ']).to_owned(),
        None => text,
    }
}

impl RedisConnect for Server {
    fn connect(&self) -> RedisFuture<'_, Box<dyn RedisConnection>> {
        Box::pin(async {
            // The limits of the crate need a runtime with timers. The guard has its own.
            let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
            let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            Ok(Box::new(connection) as Box<dyn RedisConnection>)
        })
    }

    fn address(&self) -> Option<String> {
        Some(self.client.get_connection_info().addr().to_string())
    }
}

impl RedisConnection for MultiplexedConnection {
    fn execute(&self, command: Vec<Vec<u8>>) -> RedisFuture<'_, RedisReply> {
        Box::pin(async move {
            let mut query = Cmd::new();
            query.arg(command);
            match query.query_async(&mut self.clone()).await? {
                Value::Nil => Ok(RedisReply::Nil),
                Value::Int(number) => Ok(RedisReply::Integer(number)),
                Value::BulkString(bytes) => Ok(RedisReply::Bytes(bytes)),
                Value::SimpleString(text) => Ok(RedisReply::Bytes(text.into_bytes())),
                _ => Err("reply of Redis is neither nil, an integer, nor a string".into()),
            }
        })
    }
}
