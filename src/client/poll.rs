//! Asking again until something is settled.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{
    error::{Error, Outcome, retry_after},
    request::Request,
};

const TIMEOUT: Duration = Duration::from_secs(300);
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
const LONGEST_INTERVAL: Duration = Duration::from_secs(20);

type Poll<T> = Box<dyn Fn() -> Request<T> + Send>;
type State<T> = Box<dyn FnMut(&T) -> Settled + Send>;

/// What an answer says of the wait.
pub(crate) enum Settled {
    Yes,
    No,
    /// A status that the contract does not name: it may be final, which nobody can know.
    Unknown(String),
}

/// A status of the contract, which says what is final.
pub(crate) trait Status {
    fn settled(&self) -> Settled;
}

pub(crate) fn settled(status: &impl Status) -> Settled {
    status.settled()
}

macro_rules! status {
    ($($status:ident),+) => {
        $(impl Status for crate::$status {
            fn settled(&self) -> Settled {
                match self {
                    Self::Unknown(status) => Settled::Unknown(status.as_str().to_owned()),
                    known if known.is_settled() => Settled::Yes,
                    _ => Settled::No,
                }
            }
        })+
    };
}

status!(PaymentStatus, DisbursementStatus, EscrowDisbursementStatus);

/// How a wait ended.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Waited<T> {
    /// It is settled, which may well mean that it failed: look at its status.
    Settled(T),
    /// The time was up before that.
    TimedOut {
        /// The last state seen, if there was any.
        last: Option<T>,
        /// Statuses on the way that this version does not know. One of them may mean that it is settled.
        unknown_statuses: Vec<String>,
    },
}

impl<T> Waited<T> {
    /// The last state seen, settled or not.
    pub fn last(self) -> Option<T> {
        match self {
            Self::Settled(value) => Some(value),
            Self::TimedOut { last, .. } => last,
        }
    }
}

/// Asks again and again, in growing intervals, until something is settled or the time is up. It begins when awaited.
///
/// Failures that may pass (no connection, no answer, 408, 429, 5xx) do not end it, `Retry-After` is waited for, and an
/// unknown status keeps it waiting.
///
/// ```no_run
/// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
/// use std::time::Duration;
/// use piaxis::Waited;
///
/// let wait = client.payments().wait_until_settled("3a0da2c0").timeout(Duration::from_secs(120));
/// let notifier = wait.notifier(); // for the webhook: `notifier.notify()` asks at once
/// match wait.await? {
///     Waited::Settled(payment) => println!("{}", payment.status),
///     Waited::TimedOut { last, .. } => println!("still {:?}", last.map(|payment| payment.status)),
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a wait begins when awaited"]
pub struct Wait<T> {
    poll: Poll<T>,
    state: State<T>,
    timeout: Duration,
    first_interval: Duration,
    longest_interval: Duration,
    notified: Arc<Notify>,
}

/// Makes a [`Wait`] ask at once: for the receiver of a webhook. Clones do the same.
#[derive(Debug, Clone)]
pub struct Notifier(Arc<Notify>);

impl Notifier {
    /// Asks at once. Before the wait has begun, or while it asks, it asks once more after that.
    pub fn notify(&self) {
        self.0.notify_one();
    }
}

impl<T> Wait<T> {
    pub(crate) fn new(
        poll: impl Fn() -> Request<T> + Send + 'static,
        state: impl FnMut(&T) -> Settled + Send + 'static,
    ) -> Self {
        Self {
            poll: Box::new(poll),
            state: Box::new(state),
            timeout: TIMEOUT,
            first_interval: FIRST_INTERVAL,
            longest_interval: LONGEST_INTERVAL,
            notified: Arc::default(),
        }
    }

    /// When to give up; 5 minutes by default. An answer that is on its way then is not waited for.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The first interval, which grows by half each time, and the longest; 1 and 20 seconds by default. Each is shortened
    /// by up to a half at random.
    pub fn intervals(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_interval, self.longest_interval) = (first, longest);
        self
    }

    /// A handle by which a webhook can make it ask at once.
    pub fn notifier(&self) -> Notifier {
        Notifier(self.notified.clone())
    }
}

impl<T: DeserializeOwned + Send + 'static> Wait<T> {
    async fn run(mut self) -> Result<Waited<T>, Error> {
        let deadline = Instant::now().checked_add(self.timeout);
        let (mut last, mut last_error, mut unknown_statuses) = (None, None, Vec::new());
        let mut interval = self.first_interval;
        loop {
            let request = (self.poll)();
            let answer = match deadline {
                Some(deadline) => timeout_at(deadline, request.send_with_response()).await,
                None => Ok(request.send_with_response().await),
            };
            let mut asked = None;
            match answer {
                // The time is up.
                Err(_) => break,
                Ok(Ok(answer)) => {
                    asked = retry_after(answer.headers());
                    let value = answer.into_value();
                    match (self.state)(&value) {
                        Settled::Yes => return Ok(Waited::Settled(value)),
                        Settled::No => {}
                        Settled::Unknown(status) if !unknown_statuses.contains(&status) => {
                            tracing::warn!(status, "an unknown status; waiting on");
                            unknown_statuses.push(status);
                        }
                        Settled::Unknown(_) => {}
                    }
                    last = Some(value);
                }
                Ok(Err(error)) if is_lasting(&error) => return Err(error),
                Ok(Err(error)) => {
                    asked = error.retry_after().or(asked);
                    last_error = Some(error);
                }
            }
            let pause = interval.mul_f64(1.0 - fastrand::f64() / 2.0).max(asked.unwrap_or_default());
            interval = interval.mul_f64(1.5).min(self.longest_interval);
            let Some(next) = Instant::now().checked_add(pause) else { break };
            let next = deadline.map_or(next, |deadline| deadline.min(next));
            // Whichever comes first.
            let _ = timeout_at(next, self.notified.notified()).await;
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break;
            }
        }
        match (last, last_error) {
            (None, Some(error)) => Err(error),
            (last, _) => Ok(Waited::TimedOut { last, unknown_statuses }),
        }
    }
}

/// Whether asking again will not help.
fn is_lasting(error: &Error) -> bool {
    use crate::ErrorKind::{Configuration, Decoding, InvalidRequest};
    error.outcome() == Outcome::Rejected || matches!(error.kind(), Configuration | Decoding | InvalidRequest)
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Wait<T> {
    type Output = Result<Waited<T>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for Wait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("timeout", &self.timeout)
            .field("first_interval", &self.first_interval)
            .field("longest_interval", &self.longest_interval)
            .finish_non_exhaustive()
    }
}
