//! The only room that sends: what a call carries, where it may go, and what came back.

mod credentials;
mod limits;
mod names;
mod observe;
pub(crate) mod path;
mod redact;
mod retry;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use progenitor_client::{ClientHooks, OperationInfo};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;
use uuid::Uuid;

pub(crate) use credentials::Credentials;
pub(crate) use limits::Limits;
pub(crate) use names::REQUEST_ID;
pub use observe::Attempt;
pub(crate) use observe::{OnAttempt, Server};
use redact::Secrets;
pub(crate) use retry::Budget;
pub use retry::RetryPolicy;

use crate::{
    decoding::DecodeError,
    error::{Error, ErrorKind, Outcome, request_id},
    operation::{OPERATIONS, Operation},
    raw,
};

const USER_AGENT: &str = concat!("piaxis-rust/", env!("CARGO_PKG_VERSION"));

/// What all calls of a client share.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) base_url: String,
    pub(crate) server: Server,
    pub(crate) credentials: Credentials,
    pub(crate) timeout: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(crate) app_info: Option<HeaderValue>,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) budget: Budget,
    pub(crate) limits: Limits,
    /// The most that is read of one answer.
    pub(crate) body_limit: usize,
    pub(crate) on_attempt: Option<OnAttempt>,
}

/// What the caller wants of one call.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) retry_policy: Option<RetryPolicy>,
}

/// One call on its way through the generated client: its options, and what became of it.
#[derive(Clone)]
pub struct Call(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    options: Options,
    record: Mutex<Record>,
}

/// What the generated client would lose.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) operation: Option<&'static str>,
    pub(crate) idempotency_key: Option<HeaderValue>,
    /// That the present attempt carries.
    pub(crate) sent_request_id: Option<HeaderValue>,
    /// Of each attempt that failed, the API's own or the one that was sent.
    pub(crate) request_ids: Vec<String>,
    pub(crate) attempts: u32,
    /// An attempt before the last one may have done what was asked for.
    pub(crate) may_have_happened: bool,
    pub(crate) error: Option<Error>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl Call {
    pub(crate) fn new(shared: &Arc<Shared>, options: Options) -> Self {
        Self(Arc::new(Inner { shared: shared.clone(), options, record: Mutex::default() }))
    }

    /// What is known of the call so far; it is gone from here then.
    pub(crate) fn take_record(&self) -> Record {
        std::mem::take(&mut *self.record())
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.0.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What every operation of the generated client ends with: sends its request, and reads the value in the answer.
    ///
    /// The generated client knows no error of ours, so that goes into the record.
    pub(crate) async fn perform<T: DeserializeOwned>(
        &self,
        request: reqwest::Request,
        info: &OperationInfo,
    ) -> Result<raw::ResponseValue<T>, raw::Error<()>> {
        let answer = self.send(request, info.operation_id).await.and_then(|answer| {
            let (parts, body) = answer.into_parts();
            match serde_json::from_slice(&body) {
                Ok(value) => Ok(raw::ResponseValue::new(value, parts.status, parts.headers)),
                Err(_) => {
                    self.failed(request_id(&parts.headers));
                    Err(Error::decoding(DecodeError::locate::<T>(&body), parts.status, body))
                }
            }
        });
        answer.map_err(|error| {
            let told = raw::Error::Custom(error.to_string());
            self.record().error = Some(error);
            told
        })
    }

    /// Notes the id of an attempt that failed.
    fn failed(&self, answered: Option<String>) {
        let mut record = self.record();
        let sent = record.sent_request_id.as_ref().and_then(|id| id.to_str().ok()).map(str::to_owned);
        record.request_ids.extend(answered.or(sent));
    }

    /// Checks, completes and sends a request, and reads the whole answer.
    async fn send(&self, mut request: reqwest::Request, id: &str) -> Result<http::Response<Bytes>, Error> {
        let Some(operation) = OPERATIONS.iter().find(|operation| operation.id == id) else {
            return Err(Error::local(ErrorKind::InvalidRequest, format!("`{id}` is not in the operation table")));
        };
        self.record().operation = Some(operation.id);
        path::check(&request, &self.0.shared.base_url, operation)?;
        self.complete(&mut request, operation)?;
        self.record().idempotency_key = request.headers().get(&names::IDEMPOTENCY_KEY).cloned();

        let deadline = self.0.options.deadline.or(self.0.shared.deadline);
        let deadline = deadline.and_then(|deadline| Instant::now().checked_add(deadline));
        let policy = self.0.options.retry_policy.as_ref().unwrap_or(&self.0.shared.retry_policy);
        let mut delays = policy.schedule();
        let mut next = Some(request);
        self.0.shared.budget.call();
        while let Some(request) = next.take() {
            // What cannot be copied, because it is a stream, is sent once.
            let copy = request.try_clone();
            let secrets = Secrets::new(&request, copy.as_ref(), &self.0.shared.credentials);
            let error = match self.one_of_many(request, operation, &secrets, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let delay = delays.next().map(|delay| policy.at_least(delay, error.retry_after()));
            let in_time = |delay: &Duration| deadline.is_none_or(|deadline| Instant::now() + *delay < deadline);
            let (Some(delay), Some(mut copy)) = (delay.filter(in_time), copy) else { return Err(error) };
            if !policy.permits(operation, &error) {
                return Err(error);
            }
            if !self.0.shared.budget.may_repeat() {
                tracing::warn!(operation = operation.id, "not sent again: the budget of repetitions is used up");
                return Err(error);
            }
            if error.outcome() == Outcome::Unknown {
                self.record().may_have_happened = true;
            }
            tracing::debug!(operation = operation.id, delay_ms = millis(delay), "sending again after a delay");
            sleep(delay).await;
            if !self.0.options.headers.contains_key(&REQUEST_ID) {
                copy.headers_mut().insert(&REQUEST_ID, random_id()?);
            }
            next = Some(copy);
        }
        // The loop has no other end.
        Err(Error::local(ErrorKind::InvalidRequest, "there is nothing to send"))
    }

    /// Waits for its turn, sends, reads, and tells whoever listens.
    async fn one_of_many(
        &self,
        mut request: reqwest::Request,
        operation: &'static Operation,
        secrets: &Secrets<'_>,
        deadline: Option<Instant>,
    ) -> Result<http::Response<Bytes>, Error> {
        let _turn = self.0.shared.limits.turn(deadline).await?;
        let timeout = self.0.options.timeout.unwrap_or(self.0.shared.timeout);
        let left = deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()));
        *request.timeout_mut() = Some(timeout.min(left));

        let resend_count = {
            let mut record = self.record();
            record.sent_request_id = request.headers().get(&REQUEST_ID).cloned();
            record.attempts += 1;
            record.attempts - 1
        };
        let observer = observe::Observer::new(&self.0.shared.server, operation, resend_count);
        let span = observer.span(&request);
        let result = self.attempt(request, secrets).instrument(span.clone()).await;
        if let Err(error) = &result {
            self.failed(error.request_id().map(str::to_owned));
        }
        observer.ended(&span, &result, self.0.shared.on_attempt.as_ref());
        result
    }

    /// Puts on everything that the operation table and the caller ask for.
    fn complete(&self, request: &mut reqwest::Request, operation: &Operation) -> Result<(), Error> {
        let headers = request.headers_mut();
        for (name, value) in &self.0.options.headers {
            headers.insert(name, value.clone());
        }
        self.0.shared.credentials.authorise(headers, operation)?;
        if !operation.idempotency_key && headers.contains_key(&names::IDEMPOTENCY_KEY) {
            return Err(Error::local(
                ErrorKind::InvalidRequest,
                "it takes no idempotency key, because it writes nothing",
            ));
        }
        let generated = [(&REQUEST_ID, true), (&names::IDEMPOTENCY_KEY, operation.idempotency_key)];
        for (name, _) in generated.into_iter().filter(|(_, wanted)| *wanted) {
            if let header::Entry::Vacant(missing) = headers.entry(name) {
                missing.insert(random_id()?);
            }
        }
        if let Some(app_info) = &self.0.shared.app_info {
            headers.insert(&names::APP_INFO, app_info.clone());
        }
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        Ok(())
    }

    /// Sends once. An answer that is no success is an error.
    async fn attempt(&self, request: reqwest::Request, secrets: &Secrets<'_>) -> Result<http::Response<Bytes>, Error> {
        let mut response = self.0.shared.http.execute(request).await.map_err(Error::transport)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let limit = self.0.shared.body_limit;
        let mut body = Bytes::new();
        let refused = |body: Bytes| Error::from_response(status, &headers, body, |words| secrets.redact(words));
        // A refusal that breaks off is still a refusal.
        let failed = |error: Error, body: Bytes| if status.is_success() { error } else { refused(body) };
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > limit => {
                    let error = Error::too_long(status, limit);
                    return Err(failed(error, body));
                }
                // Most bodies come in one piece, and stay where they are.
                Ok(Some(chunk)) if body.is_empty() => body = chunk,
                Ok(Some(chunk)) => {
                    let mut longer = BytesMut::from(body);
                    longer.extend_from_slice(&chunk);
                    body = longer.freeze();
                }
                Ok(None) => break,
                Err(error) => return Err(failed(Error::transport(error), body)),
            }
        }
        if !status.is_success() {
            return Err(refused(body));
        }
        let mut answer = http::Response::new(body);
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        Ok(answer)
    }
}

/// The generator wants it; what it would do is done in [`Call::perform`].
impl ClientHooks<Call> for raw::Client {}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn random_id() -> Result<HeaderValue, Error> {
    header_value("a random id", Uuid::new_v4().hyphenated().encode_lower(&mut Uuid::encode_buffer()))
}

pub(crate) fn header_name(name: &str) -> Result<HeaderName, Error> {
    HeaderName::try_from(name)
        .map_err(|_| Error::local(ErrorKind::InvalidRequest, format!("`{name}` is no header name")))
}

/// A header value whose text may be a secret; `what` names it in the error.
pub(crate) fn header_value(what: &str, text: &str) -> Result<HeaderValue, Error> {
    match HeaderValue::from_str(text) {
        // `http` takes any UTF-8, which servers read as they please, and which cannot be read back as text.
        Ok(_) if !text.is_ascii() => Err(Error::local(ErrorKind::InvalidRequest, format!("{what} is not ASCII"))),
        Ok(value) if !text.trim().is_empty() => Ok(value),
        Ok(_) => Err(Error::local(ErrorKind::InvalidRequest, format!("{what} is empty"))),
        Err(_) => {
            Err(Error::local(ErrorKind::InvalidRequest, format!("{what} has characters that no header can carry")))
        }
    }
}
