use std::{fmt, sync::Arc, time::Duration};

use http::HeaderMap;

use crate::{
    Secret,
    duration::bounded,
    error::{Error, ErrorKind},
    operation::HEADERS,
    transport::{
        Attempt, OnAttempt, RetryPolicy,
        headers::{IDEMPOTENCY_KEY, header_name, header_value, is_reserved, must_not_be_set},
    },
};

/// Options for several requests: those of a stream, of a [`Poller`](crate::Poller), or of
/// [`quote_and_create`](crate::disbursements::Disbursements::quote_and_create).
///
/// [`Request`](crate::Request) has the same methods, and [`idempotency_key`](crate::Request::idempotency_key).
///
/// ```no_run
/// # fn example(client: piaxis::Client) {
/// use std::time::Duration;
/// use piaxis::{RequestOptions, types::PaymentFilter};
///
/// let options = RequestOptions::new().timeout(Duration::from_secs(5)).header("x-tenant", "north");
/// let payments = client.payments().stream(PaymentFilter::builder().build()).options(options);
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct RequestOptions {
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) retry_policy: Option<RetryPolicy>,
    pub(crate) access_token: Option<Secret>,
    pub(crate) on_attempt: Option<OnAttempt>,
    /// Why a request with these options is not sent.
    pub(crate) problem: Option<Error>,
}

impl RequestOptions {
    /// No options: requests use those of the client.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header. The headers of the credentials and of HTTP itself cannot be set: the request then fails with
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) and is not sent.
    ///
    /// The value may be a secret: errors redact it where a server repeats it.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let checked = if is_reserved(name) {
            Err(must_not_be_set(name))
        } else {
            header_name(name).and_then(|name| Ok((header_value(&format!("the header `{name}`"), value)?, name)))
        };
        match checked {
            Ok((value, name)) => {
                self.headers.insert(name, value);
            }
            Err(problem) => {
                self.problem.get_or_insert_with(|| Error::local(ErrorKind::InvalidRequest, problem));
            }
        }
        self
    }

    /// Timeout of each attempt, from start to end of the response, instead of the client's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(bounded(timeout));
        self
    }

    /// Deadline of the request, instead of the client's. Counted from when the request is awaited, over all attempts, the
    /// delays between them, and waiting for the client's own limits. No attempt is sent once the deadline is exceeded.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(bounded(deadline));
        self
    }

    /// Overrides the client's retry policy.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = Some(policy);
        self
    }

    /// Sends this access token of a payer in place of the API key.
    pub fn access_token(mut self, access_token: impl Into<Secret>) -> Self {
        self.access_token = Some(access_token.into());
        self
    }

    /// Request id for tracing, instead of a random one for each attempt.
    pub fn request_id(self, id: impl AsRef<str>) -> Self {
        self.header(HEADERS.request_id, id.as_ref())
    }

    /// Calls `report` after each attempt, beside the client's own [`on_attempt`](crate::ClientBuilder::on_attempt).
    /// `report` must not block.
    pub fn on_attempt(mut self, report: impl Fn(&Attempt<'_>) + Send + Sync + 'static) -> Self {
        self.on_attempt = Some(OnAttempt(Arc::new(report)));
        self
    }

    /// For the reads that follow a write.
    pub(crate) fn without_idempotency_key(mut self) -> Self {
        self.headers.remove(&IDEMPOTENCY_KEY);
        self
    }

    /// These options, where `other` has none of the kind.
    pub(crate) fn or(self, other: Self) -> Self {
        let mut headers = self.headers;
        headers.extend(other.headers);
        Self {
            headers,
            timeout: other.timeout.or(self.timeout),
            deadline: other.deadline.or(self.deadline),
            retry_policy: other.retry_policy.or(self.retry_policy),
            access_token: other.access_token.or(self.access_token),
            on_attempt: other.on_attempt.or(self.on_attempt),
            problem: self.problem.or(other.problem),
        }
    }
}

/// Names of the headers, without their values, which may be secret.
impl fmt::Debug for RequestOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestOptions")
            .field("headers", &self.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .field("deadline", &self.deadline)
            .field("retry_policy", &self.retry_policy)
            .field("access_token", &self.access_token.is_some())
            .finish_non_exhaustive()
    }
}
