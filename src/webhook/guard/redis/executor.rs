//! Executes commands over one shared connection, which is replaced when it fails.

use std::{
    error::Error,
    fmt,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{RedisConnect, RedisConnection, RedisReply};
use crate::webhook::{GuardError, timer};

/// Attempts that fit into the time limit of an operation when nothing responds.
const ATTEMPTS: u32 = 3;
/// Pauses between attempts that fail at once. The first retry comes without one: a connection closed when idle is common.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(320);

type Cause = Arc<dyn Error + Send + Sync>;
type Connection = Arc<dyn RedisConnection>;
type Connecting = Pin<Box<dyn Future<Output = Result<Connection, Cause>> + Send>>;

pub(super) struct Executor {
    connect: Arc<dyn RedisConnect>,
    current: Mutex<Current>,
    /// Driven by the caller that holds the lock. A caller that is dropped leaves the future to the next one.
    connecting: tokio::sync::Mutex<Option<Connecting>>,
}

#[derive(Default)]
struct Current {
    connection: Option<Connection>,
    /// Number of connections made.
    generation: u64,
    /// When the oldest command was sent since the last response. Callers that are dropped before their time limit would
    /// otherwise never notice a connection without responses.
    waiting_since: Option<Instant>,
    /// Number of failed attempts to connect, and the last failure.
    failures: u64,
    failure: Option<Cause>,
}

impl Executor {
    pub(super) fn new(connect: impl RedisConnect + 'static) -> Self {
        Self { connect: Arc::new(connect), current: Mutex::default(), connecting: tokio::sync::Mutex::new(None) }
    }

    /// "Redis at host:port".
    pub(super) fn address(&self) -> String {
        self.connect.address().map_or_else(|| "Redis".to_owned(), |address| format!("Redis at {address}"))
    }

    /// Executes a command that is safe to repeat, retrying until `timeout` elapses.
    pub(super) async fn execute(
        &self,
        operation: &str,
        command: Vec<Vec<u8>>,
        timeout: Duration,
    ) -> Result<RedisReply, GuardError> {
        let start = Instant::now();
        let left = || timeout.saturating_sub(start.elapsed());
        let limit = timeout / ATTEMPTS;
        let (mut attempts, mut pause) = (0_u32, Duration::ZERO);
        // The last cause that is not a timeout: the last attempt may have had too little time to fail for the same cause.
        let mut reported = None;
        loop {
            attempts += 1;
            let cause = match self.attempt(&command, limit, left()).await {
                Ok(reply) => return Ok(reply),
                Err(cause) => cause,
            };
            // The cause of an attempt that had no time would say nothing.
            let spare = left().saturating_sub(limit / 10);
            if spare.is_zero() {
                return Err(self.error(operation, attempts, start.elapsed(), cause, reported));
            }
            if !cause.is::<TimedOut>() {
                reported = Some(cause);
            }
            if !pause.is_zero() {
                timer::sleep(pause.min(spare)).await;
            }
            pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        }
    }

    fn error(
        &self,
        operation: &str,
        attempts: u32,
        elapsed: Duration,
        cause: Cause,
        reported: Option<Cause>,
    ) -> GuardError {
        let (address, milliseconds) = (self.address(), elapsed.as_millis());
        let attempts = if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
        let cause_text = match reported.filter(|_| cause.is::<TimedOut>()) {
            Some(reported) => format!("{cause}; an earlier attempt: {reported}"),
            None => cause.to_string(),
        };
        // What Redis before 7 replies to SET with NX and GET.
        let hint = if cause_text.contains("syntax error") { "; Redis 7 or later is required" } else { "" };
        GuardError::new(
            format!("{operation}: {address} failed after {attempts} in {milliseconds} ms: {cause_text}{hint}"),
            cause,
        )
    }

    async fn attempt(&self, command: &[Vec<u8>], limit: Duration, left: Duration) -> Result<RedisReply, Cause> {
        let start = Instant::now();
        let connected = timer::timeout(left, pin!(self.connection(limit))).await;
        let (generation, connection) = connected.unwrap_or_else(|| Err(TimedOut::connecting(left)))?;
        let limit = limit.min(left.saturating_sub(start.elapsed()));
        match timer::timeout(limit, pin!(connection.execute(command.to_vec()))).await {
            Some(Ok(reply)) => {
                self.responded(generation);
                Ok(reply)
            }
            Some(Err(error)) => {
                self.discard(generation);
                Err(error.into())
            }
            None => {
                self.discard(generation);
                Err(TimedOut::waiting(limit))
            }
        }
    }

    /// The connection, or a new one. Of concurrent callers, one connects, and all have its result.
    async fn connection(&self, limit: Duration) -> Result<(u64, Connection), Cause> {
        let known_failures = {
            let mut current = self.current();
            if let Some(usable) = current.usable(limit) {
                return Ok(usable);
            }
            current.failures
        };
        let mut connecting = self.connecting.lock().await;
        {
            let mut current = self.current();
            if let Some(usable) = current.usable(limit) {
                return Ok(usable);
            }
            if let Some(failure) = current.failure.as_ref().filter(|_| current.failures != known_failures) {
                return Err(failure.clone());
            }
        }
        let result = connecting.get_or_insert_with(|| connect(self.connect.clone(), limit)).await;
        *connecting = None;
        let mut current = self.current();
        match result {
            Ok(connection) => {
                current.generation += 1;
                current.waiting_since = Some(Instant::now());
                current.connection = Some(connection.clone());
                Ok((current.generation, connection))
            }
            Err(cause) => {
                current.failures += 1;
                current.failure = Some(cause.clone());
                Err(cause)
            }
        }
    }

    fn responded(&self, generation: u64) {
        let mut current = self.current();
        if current.generation == generation {
            current.waiting_since = None;
        }
    }

    /// Drops a connection, unless it was replaced already.
    fn discard(&self, generation: u64) {
        let mut current = self.current();
        if current.generation == generation {
            current.connection = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    /// The connection, unless responses are missing for longer than `limit`. Counts a command as sent.
    fn usable(&mut self, limit: Duration) -> Option<(u64, Connection)> {
        if self.waiting_since.is_some_and(|since| since.elapsed() > limit) {
            self.connection = None;
        }
        let connection = self.connection.clone()?;
        self.waiting_since.get_or_insert_with(Instant::now);
        Some((self.generation, connection))
    }
}

fn connect(connect: Arc<dyn RedisConnect>, limit: Duration) -> Connecting {
    Box::pin(async move {
        match timer::timeout(limit, pin!(connect.connect())).await {
            Some(Ok(connection)) => Ok(connection.into()),
            Some(Err(error)) => Err(error.into()),
            None => Err(TimedOut::connecting(limit)),
        }
    })
}

#[derive(Debug)]
struct TimedOut {
    what: &'static str,
    limit: Duration,
}

impl TimedOut {
    fn connecting(limit: Duration) -> Cause {
        Arc::new(Self { what: "connection", limit })
    }

    fn waiting(limit: Duration) -> Cause {
        Arc::new(Self { what: "response", limit })
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} within {} ms", self.what, self.limit.as_millis())
    }
}

impl Error for TimedOut {}
