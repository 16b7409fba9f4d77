//! The only room that sends: what a call carries, where it may go, and what came back.

mod credentials;
pub(crate) mod path;
mod redact;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use uuid::Uuid;

pub(crate) use credentials::Credentials;
use redact::Secrets;

use crate::{
    error::{Error, ErrorKind, request_id},
    operation::{HEADERS, OPERATIONS, Operation},
    raw,
};

/// The most that is read of one answer.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

const USER_AGENT: &str = concat!("piaxis-rust/", env!("CARGO_PKG_VERSION"));

/// What all calls of a client share.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) base_url: String,
    pub(crate) credentials: Credentials,
    pub(crate) timeout: Duration,
    pub(crate) app_info: Option<HeaderValue>,
}

/// What the caller wants of one call.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Option<Duration>,
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
    pub(crate) sent_request_id: Option<String>,
    pub(crate) answer: Option<(StatusCode, HeaderMap)>,
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
        let sent_request_id = request_id(request.headers());
        self.record().sent_request_id.clone_from(&sent_request_id);

        let secrets = redact::secrets_of(&request, &self.shared.credentials);
        let started = Instant::now();
        tracing::debug!(operation = operation.id, attempt = 1, request_id = sent_request_id, "sending");
        let result = self.attempt(request, &secrets).await;
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &result {
            Ok(answer) => tracing::debug!(
                operation = operation.id,
                attempt = 1,
                status = answer.status().as_u16(),
                elapsed_ms,
                request_id = request_id(answer.headers()).or(sent_request_id),
                "answered"
            ),
            Err(error) => tracing::debug!(
                operation = operation.id, attempt = 1, kind = ?error.kind(), elapsed_ms,
                request_id = sent_request_id, "no answer"
            ),
        }
        let answer = result?;
        let (parts, body) = answer.into_parts();
        if !parts.status.is_success() {
            return Err(Error::from_response(parts.status, &parts.headers, body, |words| secrets.redact(words)));
        }
        self.record().answer = Some((parts.status, parts.headers.clone()));
        Ok(http::Response::from_parts(parts, body))
    }

    /// Puts on everything that the operation table and the caller ask for.
    fn complete(&self, request: &mut reqwest::Request, operation: &Operation) -> Result<(), Error> {
        let timeout = self.options.timeout.unwrap_or(self.shared.timeout);
        *request.timeout_mut() = Some(timeout);
        let headers = request.headers_mut();
        // progenitor puts the version of the contract here, which means nothing to the API.
        headers.remove("api-version");
        for (name, value) in &self.options.headers {
            headers.insert(name, value.clone());
        }
        self.shared.credentials.authorise(headers, operation)?;
        if !operation.idempotency_key && headers.contains_key(HEADERS.idempotency_key) {
            return Err(Error::local(
                ErrorKind::InvalidRequest,
                "it takes no idempotency key, because it writes nothing",
            ));
        }
        let generated = [(HEADERS.request_id, true), (HEADERS.idempotency_key, operation.idempotency_key)];
        for (name, _) in generated.into_iter().filter(|(_, wanted)| *wanted) {
            if !headers.contains_key(name) {
                headers.insert(header_name(name)?, header_value(name, &Uuid::new_v4().to_string())?);
            }
        }
        if let Some(app_info) = &self.shared.app_info {
            headers.insert(header_name(HEADERS.app_info)?, app_info.clone());
        }
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        Ok(())
    }

    /// Sends once.
    async fn attempt(&self, request: reqwest::Request, secrets: &Secrets) -> Result<http::Response<Bytes>, Error> {
        let mut response = self.shared.http.execute(request).await.map_err(Error::transport)?;
        let (status, version, headers) =
            (response.status(), response.version(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        let failed = |error: Error, body: BytesMut| {
            if status.is_success() {
                return error;
            }
            Error::from_response(status, &headers, body.freeze(), |words| secrets.redact(words))
        };
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST_BODY => {
                    let error =
                        Error::local(ErrorKind::Connection, format!("the answer is longer than {LONGEST_BODY} bytes"));
                    return Err(failed(error, body));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                // A refusal that breaks off is still a refusal.
                Err(error) => return Err(failed(Error::transport(error), body)),
            }
        }
        let mut answer = http::Response::new(body.freeze());
        *answer.status_mut() = status;
        *answer.version_mut() = version;
        *answer.headers_mut() = headers;
        Ok(answer)
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
