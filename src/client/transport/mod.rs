//! Sends requests: authorization, attempts, retries, response decoding.
//!
//! The way of one request:
//!
//! 1. A resource method calls the generated operation, which builds a `reqwest::Request` and returns a `Request<T>`.
//! 2. The caller adds options and awaits the `Request<T>`, which becomes a `Pending<T>` and calls [`execute`].
//! 3. [`path::check`] compares the URL with the operation's template.
//! 4. [`attempt::attempt`] adds headers and credentials, waits for a turn, adds the headers of
//!    [`AttemptHeaders`], and hands a copy to the HTTP client.
//! 5. [`sent::Sent`] notes when the request is written to a connection: before that, a failure is `NotSent`.
//! 6. The response is read up to a limit; a status that is not 2xx becomes an `Error` by the table in `error/statuses.rs`.
//! 7. A 2xx body is decoded into `T`, without the optional fields that fail to decode (`undecoded.rs`), or becomes an
//!    `Error`.
//! 8. [`telemetry::Observer`] reports the attempt, also when the caller dropped it.
//! 9. A 401 with a token source, or [`RetryPolicy::delay`], leads back to 4, within the deadline and the retry budget.
//! 10. `T` goes to the caller, or the last `Error` with what is known about all attempts.

mod attempt;
mod credentials;
mod encodings;
pub(crate) mod headers;
mod id;
mod limits;
pub(crate) mod path;
mod redact;
mod retry;
mod sent;
mod telemetry;
mod token;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Url;
use tokio::time::{Instant, sleep};

use attempt::attempt;
pub use credentials::Credentials;
pub(crate) use headers::{AttemptHeaders, REQUEST_ID};
pub(crate) use id::Id;
pub(crate) use limits::Limits;
pub(crate) use redact::Private;
pub(crate) use retry::Budget;
pub use retry::RetryPolicy;
pub use telemetry::Attempt;
pub(crate) use telemetry::{OnAttempt, Server, enabled};
pub use token::{TokenFuture, TokenSource};

use crate::{
    duration::{from_now, millis},
    environment::Environment,
    error::{Error, ErrorKind, Outcome},
    operation::Operation,
    options::RequestOptions,
    response_body::NotDecoded,
    unexpected::OnUnexpected,
};

/// What all clients derived from one share.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) environment: Environment,
    /// Without a slash at the end, a query, or a fragment.
    pub(crate) base_url: Url,
    pub(crate) server: Server,
    /// Of each attempt; `http` applies it by itself.
    pub(crate) timeout: Duration,
    /// Of all attempts together.
    pub(crate) deadline: Duration,
    pub(crate) app_info: Option<HeaderValue>,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) budget: Budget,
    pub(crate) limits: Limits,
    /// The most that is read of one response body.
    pub(crate) body_limit: usize,
    pub(crate) on_attempt: Option<OnAttempt>,
    pub(crate) attempt_headers: Option<AttemptHeaders>,
    pub(crate) on_unexpected: Option<OnUnexpected>,
}

/// One request as the transport takes it.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) credentials: &'a Credentials,
    /// Is copied for each attempt.
    pub(crate) request: &'a reqwest::Request,
    pub(crate) options: &'a RequestOptions,
    pub(crate) private: Private<'a>,
    /// Whether the caller gets the response beside the value: its request id costs a lot to redact.
    pub(crate) has_response: bool,
}

/// What is known about the attempts of one request.
pub(crate) struct Record {
    pub(crate) operation: &'static Operation,
    /// The same in each attempt.
    pub(crate) key: Option<Id>,
    /// That the present attempt carries.
    sent_request_id: Option<Id>,
    /// Of each attempt that failed: the API's own, or the one that was sent.
    pub(crate) request_ids: Vec<String>,
    pub(crate) attempts: u32,
    /// Whether an attempt before the present one may have been executed.
    pub(crate) may_have_been_executed: bool,
}

impl Record {
    pub(crate) fn new(operation: &'static Operation, headers: &HeaderMap) -> Self {
        let key = operation.idempotency_key.then(|| Id::of(headers, &headers::IDEMPOTENCY_KEY));
        Self {
            operation,
            key,
            sent_request_id: None,
            request_ids: Vec::new(),
            attempts: 0,
            may_have_been_executed: false,
        }
    }

    fn request_id(&self) -> Option<String> {
        self.sent_request_id.as_ref().and_then(Id::text)
    }

    /// Whether an earlier request with the same idempotency key may have been executed.
    fn has_earlier(&self) -> bool {
        self.attempts > 1 || matches!(self.key, Some(Id::Given(_)))
    }
}

/// Status and headers of a 2xx response, and the request id to name to Piaxis where the caller gets the response.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) request_id: Option<String>,
}

/// Decodes a 2xx body. The decoder keeps the value.
pub(crate) type Decode<'a> = &'a mut (dyn FnMut(&Bytes) -> Result<(), NotDecoded> + Send);

/// Sends a request, as often as its retry policy has it, until a response decodes.
pub(crate) async fn execute(call: &Call<'_>, record: &mut Record, decode: Decode<'_>) -> Result<Head, Error> {
    let Call { shared, credentials, request, options, .. } = call;
    let operation = record.operation;
    path::check(request, shared.base_url.as_str(), operation)?;
    if !operation.idempotency_key && options.headers.contains_key(&headers::IDEMPOTENCY_KEY) {
        return Err(Error::local(ErrorKind::InvalidRequest, "the operation takes no idempotency key"));
    }
    let deadline = from_now(options.deadline.unwrap_or(shared.deadline));
    let policy = options.retry_policy.as_ref().unwrap_or(&shared.retry_policy);
    let (mut backoff, mut rejected_token) = (None, None);
    shared.budget.deposit();
    loop {
        let token = credentials.token(operation, rejected_token, deadline).await?;
        let error = match attempt(call, record, token.as_ref(), deadline, decode).await {
            Ok(head) => return Ok(head),
            Err(error) => error,
        };
        let generation = token.and_then(|token| token.generation);
        if generation.is_some() && rejected_token.is_none() && token::is_rejected(record, &error) {
            tracing::debug!(operation = operation.id, "retrying with a fresh access token");
            rejected_token = generation;
            continue;
        }
        let Some(delay) = policy.delay(operation, &error, &mut backoff) else { return Err(error) };
        if Instant::now() + delay >= deadline {
            return Err(error);
        }
        if !shared.budget.may_retry() {
            tracing::warn!(operation = operation.id, "not retried: retry budget exhausted");
            return Err(error);
        }
        record.may_have_been_executed |= error.outcome() == Outcome::Unknown;
        tracing::debug!(operation = operation.id, delay_ms = millis(delay), "retrying after a delay");
        sleep(delay).await;
    }
}
