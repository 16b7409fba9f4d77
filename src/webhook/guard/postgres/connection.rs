//! Attempts of an operation: connections are replaced and the operation is retried until its time limit.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use deadpool_postgres::{ClientWrapper, HookError, Object, PoolError};
use tokio_postgres::error::SqlState;

use super::PostgresGuard;
use crate::webhook::{GuardError, timer};

/// Delay before the second attempt. The delays grow by this much.
const BACKOFF: Duration = Duration::from_millis(25);

/// A connection of the pool that is closed when dropped, unless [`keep`](Self::keep) returns it: an operation whose
/// future is dropped leaves a statement or a transaction behind.
pub(super) struct Connection(Option<Object>);

impl Connection {
    pub(super) fn client(&mut self) -> Result<&mut ClientWrapper, Failure> {
        self.0.as_deref_mut().ok_or(Failure::NoConnection)
    }

    /// Returns the connection to the pool.
    pub(super) fn keep(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The pool gave no connection in time: all are in use, or none can be made.
    NoConnection,
    Connect(tokio_postgres::Error),
    NoResponse,
    Statement(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Statement(error)
    }
}

enum Next {
    /// Another attempt would fail in the same way.
    GiveUp,
    Retry,
    /// Retry, and not with the connections that the pool has.
    Reconnect,
}

impl Failure {
    fn next(&self) -> Next {
        let (error, connecting) = match self {
            Self::NoConnection => return Next::Retry,
            Self::NoResponse => return Next::Reconnect,
            Self::Connect(error) => (error, true),
            Self::Statement(error) => (error, false),
        };
        let Some(code) = error.code() else { return Next::Reconnect };
        match code.code().get(..2) {
            // The connection, the server's resources, and its operator.
            Some("08" | "53") => Next::Reconnect,
            Some("57") if *code != SqlState::QUERY_CANCELED => Next::Reconnect,
            _ if connecting => Next::GiveUp,
            // Concurrent transactions, above the isolation level `read committed`.
            Some("40") => Next::Retry,
            // A demoted server, and statements that the server does not know any more.
            _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Next::Reconnect,
            _ if *code == SqlState::INVALID_SQL_STATEMENT_NAME || *code == SqlState::FEATURE_NOT_SUPPORTED => {
                Next::Reconnect
            }
            _ => Next::GiveUp,
        }
    }

    /// Whether the connection can serve other operations.
    pub(super) fn spares_the_connection(&self) -> bool {
        matches!(self, Self::Statement(_)) && !matches!(self.next(), Next::Reconnect)
    }

    /// The error of `operation`. Shows neither the URL nor the password.
    pub(super) fn into_error(self, operation: &str, note: &str) -> GuardError {
        let (problem, error) = match self {
            Self::NoConnection => {
                let problem = "no connection became available: the server does not respond, or the pool is too small";
                return GuardError::message(format!("{operation}: {problem}{note}"));
            }
            Self::NoResponse => {
                return GuardError::message(format!("{operation}: no response from PostgreSQL{note}"));
            }
            Self::Connect(error) => ("failed to connect to PostgreSQL", error),
            Self::Statement(error) if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => {
                ("PostgreSQL is read-only (a standby, or demoted): connect to the primary", error)
            }
            Self::Statement(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
                ("table piaxis_deliveries does not exist: run PostgresGuard::migrate", error)
            }
            Self::Statement(error) if error.code().is_some() => ("PostgreSQL rejected the statement", error),
            Self::Statement(error) => ("connection to PostgreSQL lost", error),
        };
        let cause = match error.as_db_error() {
            Some(db) => format!(": {} (SQLSTATE {})", db.message(), db.code().code()),
            None => String::new(),
        };
        GuardError::new(format!("{operation}: {problem}{cause}{note}"), error)
    }
}

/// The attempts of one operation.
pub(super) struct Attempts<'a> {
    guard: &'a PostgresGuard,
    operation: &'static str,
    operation_began: Instant,
    attempt_began: Instant,
    failed: u32,
    /// The last failure that has a cause.
    cause: Option<Failure>,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(guard: &'a PostgresGuard, operation: &'static str) -> Self {
        let now = Instant::now();
        Self { guard, operation, operation_began: now, attempt_began: now, failed: 0, cause: None }
    }

    /// A connection for the next attempt.
    pub(super) async fn connection(&mut self) -> Result<Connection, GuardError> {
        loop {
            self.attempt_began = Instant::now();
            // Half, so that a server that accepts connections and says nothing leaves time for another.
            let limit = (self.remaining() / 2).max(self.guard.timeout / 4).min(self.remaining());
            let failure = match timer::timeout(limit, pin!(self.guard.pool.get())).await {
                Some(Ok(object)) => return Ok(Connection(Some(object))),
                Some(Err(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)))) => {
                    Failure::Connect(error)
                }
                Some(Err(PoolError::Timeout(_))) | None => Failure::NoConnection,
                Some(Err(error)) => {
                    return Err(GuardError::new(
                        format!("{}: failed to get a connection from the pool", self.operation),
                        error,
                    ));
                }
            };
            self.failed(failure).await?;
        }
    }

    /// Limits the time of one attempt, so that others remain after a silent connection.
    pub(super) async fn limit<T>(&self, attempt: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let limit = self.remaining().min(self.guard.timeout / 3);
        timer::timeout(limit, pin!(attempt)).await.unwrap_or(Err(Failure::NoResponse))
    }

    /// Waits for the next attempt, or gives up.
    pub(super) async fn failed(&mut self, failure: Failure) -> Result<(), GuardError> {
        self.failed += 1;
        let next = failure.next();
        if let Next::Reconnect = next {
            // What breaks one connection breaks all that were made before.
            drop(self.guard.pool.retain(|_, metrics| metrics.created > self.attempt_began));
        }
        let delay = BACKOFF * self.failed;
        if matches!(next, Next::GiveUp) || self.remaining() <= delay {
            let spent = self.operation_began.elapsed().as_secs_f32();
            let note = format!(" (attempt {}, after {spent:.1}s)", self.failed);
            let failure = match failure {
                // Out of time: what failed before says more.
                Failure::NoConnection | Failure::NoResponse => self.cause.take().unwrap_or(failure),
                failure => failure,
            };
            return Err(failure.into_error(self.operation, &note));
        }
        if matches!(failure, Failure::Connect(_) | Failure::Statement(_)) {
            self.cause = Some(failure);
        }
        timer::sleep(delay).await;
        Ok(())
    }

    fn remaining(&self) -> Duration {
        self.guard.timeout.saturating_sub(self.operation_began.elapsed())
    }
}
