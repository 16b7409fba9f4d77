//! Polling until a status is final.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{
    duration::{LONGEST, bounded, from_now},
    error::{Error, retry_after},
    options::RequestOptions,
    request::Request,
    response_body::ResponseBody,
};

const TIMEOUT: Duration = Duration::from_secs(300);
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
const MAX_INTERVAL: Duration = Duration::from_secs(20);

type Fetch<T> = Box<dyn Fn() -> Request<T> + Send>;
type Check<T> = Box<dyn FnMut(&T) -> Settled + Send>;

/// Whether a response ends the polling.
pub(crate) enum Settled {
    Yes,
    No,
    /// A status that the contract does not name: it may be final.
    Unknown(String),
}

/// A status whose final values the contract names.
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

/// How polling ended.
#[derive(Debug, Clone)]
#[must_use]
pub enum PollResult<T> {
    /// The status is final. A final status may be a failure.
    Settled(T),
    /// The timeout elapsed before the status was final.
    TimedOut {
        /// The value as last polled, if a poll succeeded.
        last: Option<T>,
        /// The error of the last poll, if that poll failed. Distinguishes an outage from a pending status.
        last_error: Option<Error>,
        /// Polled statuses that this version does not know. One of them may be final.
        unknown_statuses: Vec<String>,
    },
}

impl<T> PollResult<T> {
    /// The value as last polled, settled or not.
    pub fn last(self) -> Option<T> {
        match self {
            Self::Settled(value) => Some(value),
            Self::TimedOut { last, .. } => last,
        }
    }
}

/// Polls with exponential backoff until the status is final or the timeout elapses. Begins when awaited.
///
/// Polling goes on after a temporary failure (no connection, a timeout, 408, 429, 5xx), waits for `Retry-After`, and goes
/// on after an unknown status. Lasting failures (other 4xx, a redirect, a body that fails to decode) are errors. Their
/// outcome is [`ReadFailed`](crate::Outcome::ReadFailed), which says nothing about the earlier write.
///
/// ```no_run
/// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
/// use std::time::Duration;
/// use piaxis::PollResult;
///
/// let poller = client.payments().wait_until_settled("3a0da2c0").timeout(Duration::from_secs(120));
/// let notifier = poller.notifier(); // for the webhook: `notifier.notify()` polls at once
/// match poller.await? {
///     PollResult::Settled(payment) => println!("{}", payment.status),
///     PollResult::TimedOut { last_error: Some(error), .. } => println!("the API is down: {error}"),
///     PollResult::TimedOut { last, .. } => println!("still {:?}", last.map(|payment| payment.status)),
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a poller begins when awaited"]
pub struct Poller<T> {
    fetch: Fetch<T>,
    check: Check<T>,
    options: RequestOptions,
    timeout: Duration,
    first_interval: Duration,
    max_interval: Duration,
    notified: Arc<Notify>,
}

/// Makes a [`Poller`] poll at once: for the receiver of a webhook. Clones do the same.
#[derive(Debug, Clone, Default)]
pub struct Notifier(Arc<Notify>);

impl Notifier {
    /// Polls at once. During a poll, or before the first one, the poller polls once more afterwards.
    pub fn notify(&self) {
        self.0.notify_one();
    }
}

impl<T> Poller<T> {
    pub(crate) fn new(
        fetch: impl Fn() -> Request<T> + Send + 'static,
        check: impl FnMut(&T) -> Settled + Send + 'static,
    ) -> Self {
        Self {
            fetch: Box::new(fetch),
            check: Box::new(check),
            options: RequestOptions::new(),
            timeout: TIMEOUT,
            first_interval: FIRST_INTERVAL,
            max_interval: MAX_INTERVAL,
            notified: Arc::default(),
        }
    }

    /// Timeout of the polling; 5 minutes by default. A poll that is in progress then is dropped.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = bounded(timeout);
        self
    }

    /// The first interval, which grows by half with each poll, and the maximum; 1 and 20 seconds by default. Each
    /// interval is shortened at random, by up to a half.
    pub fn intervals(mut self, first: Duration, max: Duration) -> Self {
        (self.first_interval, self.max_interval) = (bounded(first), bounded(max));
        self
    }

    /// Options of each request.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = self.options.or(options);
        self
    }

    pub(crate) fn notified_by(mut self, notifier: Notifier) -> Self {
        self.notified = notifier.0;
        self
    }

    /// A handle that makes the poller poll at once, for a webhook.
    pub fn notifier(&self) -> Notifier {
        Notifier(self.notified.clone())
    }
}

impl<T: ResponseBody> Poller<T> {
    async fn run(mut self) -> Result<PollResult<T>, Error> {
        let deadline = from_now(self.timeout);
        let (mut last, mut last_error, mut unknown_statuses) = (None, None, Vec::new());
        let mut interval = self.first_interval;
        loop {
            let request = (self.fetch)().options(self.options.clone());
            let asked = match timeout_at(deadline, request.send_with_response()).await {
                Err(_) => break,
                Ok(Ok(response)) => {
                    let asked = retry_after(response.headers());
                    let value = response.into_value();
                    match (self.check)(&value) {
                        Settled::Yes => return Ok(PollResult::Settled(value)),
                        Settled::Unknown(status) if !unknown_statuses.contains(&status) => {
                            tracing::warn!(status, "unknown status: polling on");
                            unknown_statuses.push(status);
                        }
                        Settled::No | Settled::Unknown(_) => {}
                    }
                    (last, last_error) = (Some(value), None);
                    asked
                }
                Ok(Err(error)) if !error.is_temporary() => return Err(error),
                Ok(Err(error)) => {
                    let asked = error.retry_after();
                    last_error = Some(error);
                    asked
                }
            };
            let pause = interval.mul_f64(1.0 - fastrand::f64() / 2.0).max(asked.unwrap_or_default());
            interval = interval.mul_f64(1.5).min(self.max_interval).min(LONGEST);
            // Whichever comes first.
            let _ = timeout_at(deadline.min(from_now(pause)), self.notified.notified()).await;
            if Instant::now() >= deadline {
                break;
            }
        }
        Ok(PollResult::TimedOut { last, last_error, unknown_statuses })
    }
}

impl<T: ResponseBody> IntoFuture for Poller<T> {
    type Output = Result<PollResult<T>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for Poller<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller")
            .field("timeout", &self.timeout)
            .field("first_interval", &self.first_interval)
            .field("max_interval", &self.max_interval)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
