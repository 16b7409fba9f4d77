//! The only room that sends: what a call carries, where it may go, and what came back.

mod credentials;
mod id;
mod limits;
mod names;
mod observe;
pub(crate) mod path;
mod redact;
mod retry;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use progenitor_client::ClientHooks;
use reqwest::Url;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

pub(crate) use credentials::Credentials;
pub(crate) use id::Id;
pub(crate) use limits::Limits;
pub(crate) use names::REQUEST_ID;
pub use observe::Attempt;
pub(crate) use observe::{OnAttempt, Server, heard};
use redact::Secrets;
pub(crate) use retry::Budget;
pub use retry::RetryPolicy;

use crate::{
    decoding::{self, DecodeError},
    environment::Environment,
    error::{Error, ErrorKind, Outcome, request_id},
    operation::Operation,
    raw,
};

const USER_AGENT: &str = concat!("piaxis-rust/", env!("CARGO_PKG_VERSION"));

/// What all calls of a client share.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    /// That `http` applies by itself, when that is known.
    pub(crate) http_timeout: Option<Duration>,
    pub(crate) environment: Environment,
    /// Without a slash at the end, a query, or a fragment.
    pub(crate) base_url: Url,
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
    /// Known once the call is sent.
    options: OnceLock<Options>,
    /// As of the attempt that began last: a closure of `Client::raw` may send several operations, even at the same time.
    record: Mutex<Record>,
    /// What failed, of all operations.
    errors: Mutex<Vec<Error>>,
}

/// What the generated client would lose of an operation.
#[derive(Clone, Default)]
pub(crate) struct Record {
    pub(crate) operation: Option<&'static str>,
    pub(crate) idempotency_key: Option<Id>,
    /// That the present attempt carries.
    pub(crate) sent_request_id: Option<Id>,
    /// Of each attempt that failed, the API's own or the one that was sent.
    pub(crate) request_ids: Vec<String>,
    pub(crate) attempts: u32,
    /// An attempt before the last one may have done what was asked for.
    pub(crate) may_have_happened: bool,
}

impl Record {
    /// Notes that an attempt begins, and tells how many there were before.
    fn begun(&mut self, request_id: Id, key: Option<&Id>) -> u32 {
        (self.sent_request_id, self.idempotency_key) = (Some(request_id), key.cloned());
        self.attempts += 1;
        self.attempts - 1
    }

    /// Notes the id of an attempt that failed.
    fn failed(&mut self, answered: Option<String>) {
        let sent = self.sent_request_id.as_ref().and_then(Id::text);
        self.request_ids.extend(answered.or(sent));
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl Call {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::new(Inner {
            shared: shared.clone(),
            options: OnceLock::new(),
            record: Mutex::default(),
            errors: Mutex::default(),
        }))
    }

    /// The URL of an operation, as the generated client has written it.
    pub(crate) fn url(&self, text: &str) -> Url {
        path::url(&self.0.shared.base_url, text)
    }

    pub(crate) fn set_options(&self, options: Options) {
        // A call is sent once.
        let _ = self.0.options.set(options);
    }

    fn options(&self) -> &Options {
        self.0.options.get_or_init(Options::default)
    }

    /// What is known of the attempt that began last; it is gone from here then.
    pub(crate) fn take_record(&self) -> Record {
        std::mem::take(&mut *self.record())
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What every operation of the generated client ends with: sends its request, and reads the value in the answer.
    ///
    /// The generated client knows no error of ours, so those are kept aside.
    pub(crate) async fn perform<T: DeserializeOwned>(
        &self,
        request: &reqwest::Request,
        operation: &'static Operation,
    ) -> Result<raw::ResponseValue<T>, raw::Error<()>> {
        let mut record = Record { operation: Some(operation.id), ..Record::default() };
        // Boxed, because two small allocations cost less than one large.
        let answer = Box::pin(self.send(request, operation, &mut record)).await.and_then(|answer| {
            let (parts, body) = answer.into_parts();
            match decoding::read_json(&body) {
                Ok(value) => Ok(raw::ResponseValue::new(value, parts.status, parts.headers)),
                Err(_) => {
                    record.failed(request_id(&parts.headers));
                    Err(Error::decoding(DecodeError::locate::<T>(&body), parts.status, body))
                }
            }
        });
        answer.map_err(|error| {
            let error = error.with_record(record);
            let told = raw::Error::Custom(error.to_string());
            self.errors().push(error);
            told
        })
    }

    /// The error behind what the generated client gave, which knows none of ours.
    pub(crate) fn what_failed(&self, told: raw::Error<()>) -> Error {
        let words = match told {
            raw::Error::CommunicationError(error) => return Error::transport(error),
            raw::Error::Custom(words) => words,
            // The request could not be built.
            other => return Error::local(ErrorKind::InvalidRequest, other.to_string()),
        };
        let mut errors = self.errors();
        match errors.iter().rposition(|error| error.to_string() == words) {
            Some(at) => errors.swap_remove(at),
            None => self.of_a_closure(words),
        }
    }

    /// An error that a closure of `Client::raw` made itself, perhaps after something was sent.
    fn of_a_closure(&self, words: String) -> Error {
        let mut record = self.take_record();
        record.may_have_happened |= record.attempts > 0;
        Error::local(ErrorKind::InvalidRequest, words).with_record(record)
    }

    fn errors(&self) -> MutexGuard<'_, Vec<Error>> {
        self.0.errors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what `request` says, completed, as often as the policy has it, and reads the whole answer.
    async fn send(
        &self,
        request: &reqwest::Request,
        operation: &'static Operation,
        record: &mut Record,
    ) -> Result<http::Response<Bytes>, Error> {
        let shared = &*self.0.shared;
        let key = operation.idempotency_key.then(|| Id::of(&self.options().headers, &names::IDEMPOTENCY_KEY));
        path::check(request, shared.base_url.as_str(), operation)?;

        let deadline = self.options().deadline.or(shared.deadline);
        let deadline = deadline.and_then(|deadline| Instant::now().checked_add(deadline));
        let policy = self.options().retry_policy.as_ref().unwrap_or(&shared.retry_policy);
        let mut delays = None;
        let secrets = Secrets::new(request, &shared.credentials);
        shared.budget.call();
        loop {
            let error = match self.one_of_many(request, operation, key.as_ref(), &secrets, deadline, record).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // Most calls need none, and carry none.
            let delays = delays.get_or_insert_with(|| Box::new(policy.schedule()));
            let delay = delays.next().map(|delay| policy.at_least(delay, error.retry_after()));
            let in_time = |delay: &Duration| deadline.is_none_or(|deadline| Instant::now() + *delay < deadline);
            let Some(delay) = delay.filter(in_time) else { return Err(error) };
            if !policy.permits(operation, &error) {
                return Err(error);
            }
            if !shared.budget.may_repeat() {
                tracing::warn!(operation = operation.id, "not sent again: the budget of repetitions is used up");
                return Err(error);
            }
            if error.outcome() == Outcome::Unknown {
                record.may_have_happened = true;
            }
            tracing::debug!(operation = operation.id, delay_ms = millis(delay), "sending again after a delay");
            sleep(delay).await;
        }
    }

    /// Waits for its turn, sends, reads, and tells whoever listens.
    async fn one_of_many(
        &self,
        request: &reqwest::Request,
        operation: &'static Operation,
        key: Option<&Id>,
        secrets: &Secrets<'_>,
        deadline: Option<Instant>,
        record: &mut Record,
    ) -> Result<http::Response<Bytes>, Error> {
        let shared = &*self.0.shared;
        let (observer, span, answer, _turn) = {
            let (mut request, request_id) = self.complete(request, operation, key)?;
            let turn = shared.limits.turn(deadline).await?;
            let timeout = self.options().timeout.unwrap_or(shared.timeout);
            let left = deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()));
            let timeout = timeout.min(left);
            if shared.http_timeout != Some(timeout) {
                *request.timeout_mut() = Some(timeout);
            }
            let resend_count = record.begun(request_id, key);
            self.record().clone_from(record);
            let observer = observe::Observer::new(&shared.server, operation, resend_count);
            let span = observer.span(&request);
            let answer = span.in_scope(|| shared.http.execute(request));
            (observer, span, answer, turn)
        };
        let result = self.read(answer, secrets).instrument(span.clone()).await;
        if let Err(error) = &result {
            record.failed(error.request_id().map(str::to_owned));
        }
        observer.ended(&span, &result, shared.on_attempt.as_ref());
        result
    }

    /// A copy with everything that the operation table and the caller ask for. Every attempt has a request id of its own,
    /// unless the caller gave one, and the same idempotency key.
    fn complete(
        &self,
        request: &reqwest::Request,
        operation: &Operation,
        key: Option<&Id>,
    ) -> Result<(reqwest::Request, Id), Error> {
        let Some(mut request) = copy(request) else {
            return Err(Error::local(ErrorKind::InvalidRequest, "its body is a stream, which cannot be copied"));
        };
        let (shared, options) = (&*self.0.shared, self.options());
        if !operation.idempotency_key && options.headers.contains_key(&names::IDEMPOTENCY_KEY) {
            return Err(Error::local(
                ErrorKind::InvalidRequest,
                "it takes no idempotency key, because it writes nothing",
            ));
        }
        let headers = request.headers_mut();
        // As many as a call has: to grow step by step costs more than to set them.
        headers.reserve(if key.is_some() { 8 } else { 6 });
        for (name, value) in &options.headers {
            headers.insert(name, value.clone());
        }
        shared.credentials.authorise(headers, operation)?;
        let request_id = Id::of(&options.headers, &names::REQUEST_ID);
        headers.insert(&names::REQUEST_ID, request_id.header()?);
        if let Some(key) = key {
            headers.insert(&names::IDEMPOTENCY_KEY, key.header()?);
        }
        if let Some(app_info) = &shared.app_info {
            headers.insert(&names::APP_INFO, app_info.clone());
        }
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        Ok((request, request_id))
    }

    /// Reads one answer. One that is no success is an error.
    async fn read(
        &self,
        answer: impl Future<Output = reqwest::Result<reqwest::Response>>,
        secrets: &Secrets<'_>,
    ) -> Result<http::Response<Bytes>, Error> {
        let mut response = answer.await.map_err(Error::transport)?;
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

/// `try_clone` allocates for a timeout even where there is none, so what has no body is copied by hand.
fn copy(request: &reqwest::Request) -> Option<reqwest::Request> {
    if request.body().is_some() {
        return request.try_clone();
    }
    let mut copy = reqwest::Request::new(request.method().clone(), request.url().clone());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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
