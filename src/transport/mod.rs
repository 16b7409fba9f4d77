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
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::ResponseBuilderExt as _;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;
use uuid::Uuid;

pub(crate) use credentials::Credentials;
pub(crate) use limits::Limits;
pub(crate) use names::REQUEST_ID;
pub use observe::Attempt;
pub(crate) use observe::OnAttempt;
use redact::Secrets;
pub(crate) use retry::Budget;
pub use retry::RetryPolicy;

use crate::{
    error::{Error, ErrorKind, Outcome, request_id},
    operation::{OPERATIONS, Operation},
    raw,
};

const USER_AGENT: &str = concat!("piaxis-rust/", env!("CARGO_PKG_VERSION"));

/// What all calls of a client share.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) base_url: String,
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
pub struct Call {
    shared: Arc<Shared>,
    options: Arc<Options>,
    record: Arc<Mutex<Record>>,
}

/// What the generated client would lose.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) operation: Option<&'static str>,
    pub(crate) idempotency_key: Option<String>,
    /// Of each attempt, the API's own or the one that was sent.
    pub(crate) request_ids: Vec<String>,
    pub(crate) attempts: u32,
    /// An attempt before the last one may have done what was asked for.
    pub(crate) may_have_happened: bool,
    /// Of the answer, when it is a success.
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Option<Error>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl Call {
    pub(crate) fn new(shared: &Arc<Shared>, options: Options) -> Self {
        Self { shared: shared.clone(), options: Arc::new(options), record: Arc::default() }
    }

    /// What is known of the call so far; it is gone from here then.
    pub(crate) fn take_record(&self) -> Record {
        std::mem::take(&mut *self.record())
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks, completes and sends a request, and reads the whole answer.
    async fn send(&self, mut request: reqwest::Request, info: &OperationInfo) -> Result<http::Response<Bytes>, Error> {
        let Some(operation) = OPERATIONS.iter().find(|operation| operation.id == info.operation_id) else {
            return Err(Error::local(
                ErrorKind::InvalidRequest,
                format!("`{}` is not in the operation table", info.operation_id),
            ));
        };
        self.record().operation = Some(operation.id);
        path::check(&request, &self.shared.base_url, operation)?;
        self.complete(&mut request, operation)?;
        let key = request.headers().get(&names::IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok());
        self.record().idempotency_key = key.map(str::to_owned);

        let deadline = self.options.deadline.or(self.shared.deadline);
        let deadline = deadline.and_then(|deadline| Instant::now().checked_add(deadline));
        let policy = self.options.retry_policy.as_ref().unwrap_or(&self.shared.retry_policy);
        let mut delays = policy.schedule();
        let mut next = Some(request);
        self.shared.budget.call();
        while let Some(request) = next.take() {
            // What cannot be copied, because it is a stream, is sent once.
            let copy = request.try_clone();
            let secrets = Secrets::new(&request, copy.as_ref(), &self.shared.credentials);
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
            if !self.shared.budget.may_repeat() {
                tracing::warn!(operation = operation.id, "not sent again: the budget of repetitions is used up");
                return Err(error);
            }
            if error.outcome() == Outcome::Unknown {
                self.record().may_have_happened = true;
            }
            tracing::debug!(operation = operation.id, delay_ms = millis(delay), "sending again after a delay");
            sleep(delay).await;
            if !self.options.headers.contains_key(&REQUEST_ID) {
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
        let _turn = self.shared.limits.turn(deadline).await?;
        let timeout = self.options.timeout.unwrap_or(self.shared.timeout);
        let left = deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()));
        *request.timeout_mut() = Some(timeout.min(left));

        let resend_count = self.record().attempts;
        self.record().attempts += 1;
        let sent_request_id = request_id(request.headers());
        let observer = observe::Observer::new(&request, operation, resend_count, sent_request_id.as_deref());
        let span = observer.span();
        let result = self.attempt(request, secrets).instrument(span.clone()).await;
        let answered_id = match &result {
            Ok(answer) => request_id(answer.headers()),
            Err(error) => error.request_id().map(str::to_owned),
        };
        let mut record = self.record();
        record.request_ids.extend(answered_id.or_else(|| sent_request_id.clone()));
        if let Ok(answer) = &result {
            record.status = Some(answer.status());
        }
        drop(record);
        observer.ended(&span, &result, self.shared.on_attempt.as_ref());
        result
    }

    /// Puts on everything that the operation table and the caller ask for.
    fn complete(&self, request: &mut reqwest::Request, operation: &Operation) -> Result<(), Error> {
        let headers = request.headers_mut();
        // progenitor puts the version of the contract here, which means nothing to the API.
        headers.remove("api-version");
        for (name, value) in &self.options.headers {
            headers.insert(name, value.clone());
        }
        self.shared.credentials.authorise(headers, operation)?;
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
        if let Some(app_info) = &self.shared.app_info {
            headers.insert(&names::APP_INFO, app_info.clone());
        }
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        Ok(())
    }

    /// Sends once. An answer that is no success is an error.
    async fn attempt(&self, request: reqwest::Request, secrets: &Secrets<'_>) -> Result<http::Response<Bytes>, Error> {
        let mut response = self.shared.http.execute(request).await.map_err(Error::transport)?;
        let (status, version, headers) =
            (response.status(), response.version(), std::mem::take(response.headers_mut()));
        let limit = self.shared.body_limit;
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
        // With its URL, because reqwest would parse a made-up one for an answer without.
        let mut answer = http::Response::builder().status(status).version(version).url(response.url().clone());
        if let Some(none_yet) = answer.headers_mut() {
            *none_yet = headers;
        }
        // Nothing of it was parsed, so nothing of it can be wrong.
        answer.body(body).map_err(|error| Error::local(ErrorKind::Connection, error.to_string()))
    }
}

impl ClientHooks<Call> for raw::Client {
    async fn exec(&self, request: reqwest::Request, info: &OperationInfo) -> reqwest::Result<reqwest::Response> {
        match self.inner().send(request, info).await {
            Ok(answer) => Ok(answer.into()),
            Err(error) => {
                self.inner().record().error = Some(error);
                Ok(http::Response::new(Bytes::new()).into())
            }
        }
    }

    /// `exec` can only fail with a `reqwest::Error`, so it leaves ours in the record; this stops the call then.
    async fn post<E>(
        &self,
        _result: &reqwest::Result<reqwest::Response>,
        _info: &OperationInfo,
    ) -> Result<(), progenitor_client::Error<E>> {
        match &self.inner().record().error {
            Some(error) => Err(progenitor_client::Error::Custom(error.to_string())),
            None => Ok(()),
        }
    }
}

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
