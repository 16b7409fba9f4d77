//! What failed, and what may be done about it.

mod body;
mod display;
mod kind;
mod outcome;
mod retry_after;
pub(crate) mod statuses;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

pub use body::FieldError;
pub use kind::ErrorKind;
pub use outcome::Outcome;
pub(crate) use retry_after::retry_after;
use statuses::{Failure, Verdict};

use crate::{
    decoding::DecodeError,
    operation::Operation,
    quote_and_create::QuoteRejection,
    transport::{REQUEST_ID, Record},
};

/// How much of a body an error keeps.
const KEPT_BODY: usize = 64 * 1024;

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Why a request failed.
///
/// `Display` is one line for a log: the operation, the status, the code and message of the API, the request id, and
/// whether a retry is safe. The line contains no secrets, no personal data and no body. The body is in
/// [`body`](Self::body). Errors are cheap to clone.
///
/// ```text
/// payments_list: not sent: MISSING_CLIENT_ID: the merchant's client id is required: set PIAXIS_CLIENT_ID, or give it to the client's builder
/// disbursements_create: 422 Unprocessable Entity: recipients[0].amount: Input should be a valid decimal (request id 9f7d1bd7); the request was rejected and not executed
/// payments_create: 502 Bad Gateway (request id 5cc31ab0); the request may have been executed: look it up with payments_list before retrying with idempotency key order-789
/// payments_get: 502 Bad Gateway: an HTML page, "502 Bad Gateway" (request id 5cc31ab0, attempt 3)
/// ```
///
/// ```no_run
/// # async fn example(client: piaxis::Client) {
/// use piaxis::ErrorKind;
///
/// match client.payments().get("3a0da2c0").await {
///     Ok(payment) => println!("{}", payment.status),
///     Err(error) if error.kind() == ErrorKind::NotFound => println!("no such payment"),
///     Err(error) if error.is_timeout() => println!("slow today"),
///     Err(error) => {
///         eprintln!("{error}");
///         for field in error.field_errors() {
///             eprintln!("  {}: {}", field.path(), field.message());
///         }
///     }
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    verdict: Verdict,
    operation: Option<&'static Operation>,
    status: Option<StatusCode>,
    code: Option<String>,
    message: Option<String>,
    field_errors: Vec<FieldError>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    body: Option<Bytes>,
    source: Option<Source>,
    /// Whether no connection was made.
    is_connect: bool,
    /// Whether the body has one of the API's own error shapes.
    is_from_api: bool,
    attempts: u32,
    request_ids: Vec<String>,
    idempotency_key: Option<String>,
    /// Of a request that no method of the client made.
    path: Option<String>,
}

impl Error {
    fn new(kind: ErrorKind, failure: Failure) -> Self {
        Self(Box::new(Inner {
            kind,
            verdict: statuses::verdict(failure, false),
            operation: None,
            status: None,
            code: None,
            message: None,
            field_errors: Vec::new(),
            request_id: None,
            retry_after: None,
            body: None,
            source: None,
            is_connect: false,
            is_from_api: false,
            attempts: 0,
            request_ids: Vec::new(),
            idempotency_key: None,
            path: None,
        }))
    }

    /// Refused before anything was sent.
    pub(crate) fn local(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Failure::Refused).with_message(message)
    }

    /// Refused before anything was sent, field by field.
    pub(crate) fn local_fields(kind: ErrorKind, fields: Vec<FieldError>) -> Self {
        let mut error = Self::new(kind, Failure::Refused);
        error.set_field_errors(fields);
        error
    }

    /// Refused because of one field.
    pub(crate) fn invalid_field(path: &str, message: impl Into<String>) -> Self {
        Self::local_fields(ErrorKind::InvalidRequest, vec![FieldError::local(path.to_owned(), message.into())])
    }

    /// The time was up before the request was written to a connection.
    pub(crate) fn timed_out_unsent(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Timeout, Failure::Unsent).with_message(message)
    }

    /// A response that is no success. `has_earlier`: see [`statuses::verdict`].
    pub(crate) fn from_response(
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
        has_earlier: bool,
        redact: &dyn Fn(&str) -> String,
    ) -> Self {
        let mut error = Self::new(statuses::kind_of(status.as_u16()), Failure::Status(status.as_u16()));
        error.0.verdict = statuses::verdict(Failure::Status(status.as_u16()), has_earlier);
        error.read_body(headers, body, redact);
        if status.is_redirection() {
            error.0.message = Some("redirects are not followed, because they would carry the credentials".to_owned());
        }
        error.0.retry_after = retry_after(headers);
        error.with_response(status, body)
    }

    /// A 2xx response whose body is an error of the API.
    pub(crate) fn error_in_success(
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
        redact: &dyn Fn(&str) -> String,
    ) -> Self {
        let mut error = Self::new(ErrorKind::ErrorInSuccess, Failure::UnreadableSuccess);
        error.read_body(headers, body, redact);
        error.with_response(status, body)
    }

    /// A 2xx response whose body fails to decode.
    pub(crate) fn decode(source: DecodeError, status: StatusCode, body: &Bytes) -> Self {
        let message = format!("failed to decode the response body: {source}");
        let mut error = Self::new(ErrorKind::Decode, Failure::UnreadableSuccess).with_message(message);
        error.0.source = Some(Arc::new(source));
        error.with_response(status, body)
    }

    /// A 2xx response whose body is longer than what is read.
    pub(crate) fn too_long(status: StatusCode, limit: usize) -> Self {
        let message = format!("the response body is longer than {limit} bytes");
        let mut error = Self::new(ErrorKind::Decode, Failure::UnreadableSuccess).with_message(message);
        error.0.status = Some(status);
        error
    }

    /// No response, or not all of it. `is_sent` tells whether the request was written to a connection. The URL is dropped,
    /// because its query may hold a secret.
    pub(crate) fn transport(source: reqwest::Error, is_sent: bool, timeout: Duration) -> Self {
        let source = source.without_url();
        let (kind, message) = match (source.is_timeout(), is_sent) {
            (true, true) => (ErrorKind::Timeout, format!("request timed out after {timeout:?}")),
            (true, false) => (ErrorKind::Timeout, "timed out while connecting".to_owned()),
            (false, false) if source.is_builder() => (ErrorKind::InvalidRequest, "invalid request".to_owned()),
            (false, false) if source.is_connect() => (ErrorKind::Connection, "failed to connect".to_owned()),
            (false, false) => (ErrorKind::Connection, "connection lost before the request was sent".to_owned()),
            (false, true) => (ErrorKind::Connection, "connection lost before the response was complete".to_owned()),
        };
        let failure = match kind {
            ErrorKind::InvalidRequest => Failure::Refused,
            _ if is_sent => Failure::Interrupted,
            _ => Failure::Unsent,
        };
        let innermost = innermost(&source).to_string();
        let message = if source.is_timeout() { message } else { format!("{message}: {innermost}") };
        let mut error = Self::new(kind, failure).with_message(message);
        error.0.is_connect = !is_sent && (source.is_connect() || source.is_timeout());
        error.0.source = Some(Arc::new(source));
        error
    }

    pub(crate) fn list_changed(operation: &'static Operation, problem: String) -> Self {
        Self::local(ErrorKind::ListChanged, problem).in_operation(operation)
    }

    pub(crate) fn quote_rejected(operation: &'static Operation, rejection: QuoteRejection) -> Self {
        let mut error = Self::local(ErrorKind::QuoteRejected, rejection.to_string()).in_operation(operation);
        error.0.source = Some(Arc::new(rejection));
        error
    }

    fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    fn set_field_errors(&mut self, fields: Vec<FieldError>) {
        if let [first, others @ ..] = fields.as_slice() {
            let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
            self.0.message.get_or_insert_with(|| format!("{first}{more}"));
        }
        self.0.field_errors = fields;
    }

    fn read_body(&mut self, headers: &HeaderMap, body: &Bytes, redact: &dyn Fn(&str) -> String) {
        let read = body::read(headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()), body, redact);
        (self.0.code, self.0.message, self.0.is_from_api) = (read.code, read.message, read.is_from_api);
        self.set_field_errors(read.field_errors);
    }

    fn with_response(mut self, status: StatusCode, body: &Bytes) -> Self {
        self.0.status = Some(status);
        // A slice would keep the whole body in memory.
        self.0.body = Some(Bytes::copy_from_slice(&body[..body.len().min(KEPT_BODY)]));
        self
    }

    pub(crate) fn in_operation(mut self, operation: &'static Operation) -> Self {
        let operation = *self.0.operation.get_or_insert(operation);
        if operation.idempotent {
            self.0.verdict.write = Outcome::ReadFailed;
        }
        self
    }

    /// What is known about all attempts.
    pub(crate) fn with_record(mut self, record: &mut Record) -> Self {
        let inner = &mut *self.0;
        inner.request_ids = std::mem::take(&mut record.request_ids);
        if inner.request_id.is_none() {
            inner.request_id = inner.request_ids.last().cloned();
        }
        inner.attempts = record.attempts;
        inner.idempotency_key = record.key.as_ref().and_then(|key| key.text());
        if record.may_have_been_executed {
            inner.verdict.write = Outcome::Unknown;
        }
        self.in_operation(record.operation)
    }

    pub(crate) fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.0.request_id = request_id;
        self
    }

    pub(crate) fn with_path(mut self, path: Option<String>) -> Self {
        self.0.path = path;
        self
    }

    pub(crate) fn with_code(mut self, code: &str) -> Self {
        self.0.code = Some(code.to_owned());
        self
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_temporary(&self) -> bool {
        self.0.verdict.is_temporary
    }

    /// Whether the body of the response has one of the API's own error shapes.
    pub(crate) fn is_from_api(&self) -> bool {
        self.0.is_from_api
    }

    /// Whether the write was executed, as far as is known over all attempts. See [`Outcome`].
    pub fn outcome(&self) -> Outcome {
        self.0.verdict.write
    }

    /// Kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed, by its name in the contract (`payments_create`).
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation.map(|operation| operation.id)
    }

    /// The operation that shows whether the write was executed, by its name in the contract (`payments_list`); `None` for
    /// a read, and where the API has no such operation.
    pub fn lookup(&self) -> Option<&'static str> {
        self.0.operation.and_then(|operation| operation.lookup)
    }

    /// The HTTP status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Error code of the API, such as `MISSING_CLIENT_ID`, or the OAuth error, such as `invalid_grant`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// What went wrong: the message of the API or of this crate, or the first of the invalid fields. Secrets and personal
    /// data that the request carried are `[redacted]`.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The invalid fields, as the API or this crate found them.
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.field_errors
    }

    /// The id of the request, for Piaxis support: the API's own, or the one that was sent.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The request ids of all attempts, the first one first: the API's own, or the ones that were sent.
    pub fn request_ids(&self) -> &[String] {
        &self.0.request_ids
    }

    /// Number of attempts.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The idempotency key that the write carried, the same in each attempt. Use it to retry the same write.
    pub fn idempotency_key(&self) -> Option<&str> {
        self.0.idempotency_key.as_deref()
    }

    /// OpenTelemetry's `error.type`: the status, or the kind where there is none.
    pub(crate) fn error_type(&self) -> String {
        match (self.0.kind, self.0.status) {
            (ErrorKind::Connection | ErrorKind::Timeout | ErrorKind::Decode | ErrorKind::ErrorInSuccess, _)
            | (_, None) => self.0.kind.as_str().to_owned(),
            (_, Some(status)) => status.as_str().to_owned(),
        }
    }

    /// How long the API asks to wait before a retry (`Retry-After`), ten years at most.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The body of the response, at most its first 64 KiB. The body may contain secrets: do not log it.
    pub fn body(&self) -> Option<&[u8]> {
        self.0.body.as_deref()
    }

    /// The quote that was rejected, for [`ErrorKind::QuoteRejected`].
    pub fn quote_rejection(&self) -> Option<&QuoteRejection> {
        self.0.source.as_ref().and_then(|source| source.downcast_ref())
    }

    /// Whether the request timed out or its deadline was exceeded.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// Whether no connection was made. [`outcome`](Self::outcome) tells whether the request was sent.
    pub fn is_connect(&self) -> bool {
        self.0.is_connect
    }

    /// Whether the status is 2xx and the response body failed to decode.
    pub fn is_decode(&self) -> bool {
        self.0.kind == ErrorKind::Decode
    }

    /// Whether the status is 4xx.
    pub fn is_client_error(&self) -> bool {
        self.0.status.is_some_and(|status| status.is_client_error())
    }

    /// Whether the status is 5xx.
    pub fn is_server_error(&self) -> bool {
        self.0.status.is_some_and(|status| status.is_server_error())
    }
}

/// The request id that the API gave.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(&REQUEST_ID)?.to_str().ok()?;
    (!id.is_empty()).then(|| id.to_owned())
}

fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

/// What is known, without the body.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &inner.kind);
        let operation = self.operation();
        let known: [(&str, Option<&dyn fmt::Debug>); 7] = [
            ("operation", operation.as_ref().map(|value| value as _)),
            ("status", inner.status.as_ref().map(|value| value as _)),
            ("code", inner.code.as_ref().map(|value| value as _)),
            ("message", inner.message.as_ref().map(|value| value as _)),
            ("request_id", inner.request_id.as_ref().map(|value| value as _)),
            ("retry_after", inner.retry_after.as_ref().map(|value| value as _)),
            ("source", inner.source.as_ref().map(|value| value as _)),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                debug.field(name, value);
            }
        }
        debug.field("outcome", &self.outcome());
        if !inner.field_errors.is_empty() {
            debug.field("field_errors", &inner.field_errors);
        }
        debug.finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}
