//! What went wrong, and what may be done about it.

mod body;
mod outcome;

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

pub use body::FieldError;
pub use outcome::Outcome;

use crate::{
    decoding::DecodeError,
    operation::OPERATIONS,
    payout::QuoteRefusal,
    transport::{Id, REQUEST_ID, Record},
};

/// How much of a body an error keeps.
const KEPT_BODY: usize = 64 * 1024;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed.
///
/// `Display` is one line for a log: the operation, the status, the code and words of the API, the request id. It holds
/// no secrets and no body; [`body`](Self::body) has that.
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
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Option<&'static str>,
    status: Option<StatusCode>,
    code: Option<String>,
    message: Option<String>,
    field_errors: Vec<FieldError>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    body: Option<Bytes>,
    source: Option<Source>,
    attempts: u32,
    request_ids: Vec<String>,
    idempotency_key: Option<String>,
    /// An attempt before the one that this error is of may have done what was asked for.
    may_have_happened: bool,
}

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The credentials were not accepted (401).
    Authentication,
    /// The credentials do not allow this (403).
    Permission,
    /// There is no such thing, or it is gone (404, 410).
    NotFound,
    /// The API could not accept what was sent (400, 422); see [`Error::field_errors`].
    Validation,
    /// It contradicts the present state (409).
    Conflict,
    /// Too many calls (429); see [`Error::retry_after`].
    RateLimited,
    /// The API said no in another way (any other 4xx).
    Rejected,
    /// The API failed (5xx). What became of a write is unknown.
    Server,
    /// The status is neither success nor failure, a redirect for instance. Redirects are not followed.
    UnexpectedStatus,
    /// No connection, or it broke. What became of a write is unknown unless [`Error::is_connect`].
    Connection,
    /// No answer in time. What became of a write is unknown.
    Timeout,
    /// The API reported success, but its answer could not be read. What was asked for has probably happened.
    Decoding,
    /// The call was refused by this crate; nothing was sent.
    InvalidRequest,
    /// The client could not be made, or lacks a credential; nothing was sent.
    Configuration,
    /// The quote of a payout is not what the caller allows; nothing was created. See [`Error::quote_refusal`].
    QuoteRefused,
    /// A list changed while its pages were read, or the API did not move on, so that rows may have been skipped.
    ListChanged,
}

impl Error {
    fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            status: None,
            code: None,
            message: None,
            field_errors: Vec::new(),
            request_id: None,
            retry_after: None,
            body: None,
            source: None,
            attempts: 0,
            request_ids: Vec::new(),
            idempotency_key: None,
            may_have_happened: false,
        }))
    }

    /// Refused before anything was sent.
    pub(crate) fn local(kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut error = Self::new(kind);
        error.0.message = Some(message.into());
        error
    }

    /// An answer that is no success; `redact` takes the secrets out that the API repeats.
    pub(crate) fn from_response(
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
        redact: impl Fn(String) -> String,
    ) -> Self {
        let mut error = Self::new(kind_of(status));
        let read = body::read(headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()), &body);
        error.0.code = read.code;
        error.0.message = read.message;
        error.0.field_errors = read.field_errors;
        // In this order, so that no part of a secret is left where the words are cut.
        let mut error = error.map_words(|words| body::shorten(redact(words)));
        if status.is_redirection() {
            error.0.message =
                Some("a redirect, which is not followed because credentials would travel with it".to_owned());
        }
        error.0.retry_after = retry_after(headers);
        error.0.request_id = request_id(headers);
        error.with_response(status, body)
    }

    /// A success whose body is not what the contract says.
    pub(crate) fn decoding(source: DecodeError, status: StatusCode, body: Bytes) -> Self {
        let mut error = Self::new(ErrorKind::Decoding);
        error.0.message = Some(format!("the answer could not be read, though the API reported success: {source}"));
        error.0.source = Some(Box::new(source));
        error.with_response(status, body)
    }

    /// No answer, or not all of it. The URL is taken out because its query may hold a secret.
    pub(crate) fn transport(source: reqwest::Error) -> Self {
        let source = source.without_url();
        let (kind, message) = if source.is_timeout() {
            (ErrorKind::Timeout, if source.is_connect() { "no connection in time" } else { "no answer in time" })
        } else if source.is_connect() {
            (ErrorKind::Connection, "no connection")
        } else if source.is_builder() {
            (ErrorKind::InvalidRequest, "the request could not be built")
        } else {
            (ErrorKind::Connection, "the connection broke before the answer was complete")
        };
        let mut error = Self::local(kind, format!("{message}: {}", innermost(&source)));
        error.0.status = source.status();
        error.0.source = Some(Box::new(source));
        error
    }

    /// Refused before anything was sent, field by field.
    pub(crate) fn local_fields(kind: ErrorKind, fields: Vec<FieldError>) -> Self {
        let mut error = Self::new(kind);
        error.0.field_errors = fields;
        error
    }

    pub(crate) fn list_changed(operation: &'static str, problem: String) -> Self {
        Self::local(ErrorKind::ListChanged, problem).in_operation(operation)
    }

    pub(crate) fn quote_refused(operation: Option<&'static str>, refusal: QuoteRefusal) -> Self {
        let mut error = Self::local(ErrorKind::QuoteRefused, refusal.to_string());
        error.0.source = Some(Box::new(refusal));
        error.0.operation = operation;
        error
    }

    /// A success whose body is longer than what is read.
    pub(crate) fn too_long(status: StatusCode, limit: usize) -> Self {
        let mut error = Self::local(ErrorKind::Decoding, format!("the answer is longer than {limit} bytes"));
        error.0.status = Some(status);
        error
    }

    /// The deadline came before a turn under the client's own limits.
    pub(crate) fn no_turn() -> Self {
        let message = "the deadline came while it waited for its turn under the client's own limits";
        let mut error = Self::local(ErrorKind::Timeout, message);
        error.0.source = Some(Box::new(outcome::NothingSent));
        error
    }

    fn with_response(mut self, status: StatusCode, body: Bytes) -> Self {
        self.0.status = Some(status);
        self.0.body = Some(body.slice(..body.len().min(KEPT_BODY)));
        self
    }

    pub(crate) fn in_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// What is known of all attempts.
    pub(crate) fn with_record(mut self, record: Record) -> Self {
        if self.0.request_id.is_none() {
            self.0.request_id = record.request_ids.last().cloned();
        }
        self.0.attempts = record.attempts;
        self.0.request_ids = record.request_ids;
        self.0.idempotency_key = record.idempotency_key.as_ref().and_then(Id::text);
        self.0.may_have_happened = record.may_have_happened;
        match record.operation {
            Some(operation) => self.in_operation(operation),
            None => self,
        }
    }

    pub(crate) fn with_code(mut self, code: &str) -> Self {
        self.0.code = Some(code.to_owned());
        self
    }

    /// Changes every word that came from outside.
    fn map_words(mut self, change: impl Fn(String) -> String) -> Self {
        self.0.message = self.0.message.map(&change);
        self.0.code = self.0.code.map(&change);
        self.0.field_errors = self.0.field_errors.into_iter().map(|field| field.map_words(&change)).collect();
        self
    }

    /// What is known of what was asked for: that nothing was done, that the API refused it, or that it may have happened.
    pub fn outcome(&self) -> Outcome {
        let inner = &*self.0;
        if inner.may_have_happened {
            return Outcome::Unknown;
        }
        let nothing_sent = inner.source.as_ref().is_some_and(|source| source.is::<outcome::NothingSent>());
        match (inner.kind, inner.status.map(|status| status.as_u16())) {
            (ErrorKind::InvalidRequest | ErrorKind::Configuration | ErrorKind::QuoteRefused, _) => Outcome::NotSent,
            _ if nothing_sent || self.is_connect() => Outcome::NotSent,
            (_, Some(429)) => Outcome::NotSent,
            (_, Some(503)) if inner.retry_after.is_some() => Outcome::NotSent,
            (_, Some(408)) => Outcome::Unknown,
            (_, Some(400..=499)) => Outcome::Rejected,
            _ => Outcome::Unknown,
        }
    }

    /// What to do, for whoever reads this at night.
    fn advice(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = OPERATIONS.iter().find(|operation| Some(operation.id) == self.0.operation);
        let Some(operation) = operation.filter(|operation| !operation.replayable) else { return Ok(()) };
        match self.outcome() {
            Outcome::Unknown if operation.idempotency_key => {
                f.write_str("; it may have happened all the same: look it up before sending it again")?;
                match &self.0.idempotency_key {
                    Some(key) => write!(f, ", and then with the same idempotency key ({key})"),
                    None => Ok(()),
                }
            }
            Outcome::Unknown => f.write_str("; it may have happened all the same"),
            Outcome::NotSent if self.0.attempts > 0 => f.write_str("; nothing was done, sending it again is safe"),
            Outcome::NotSent | Outcome::Rejected => Ok(()),
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed, by its name in the contract (`payments_create`).
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The code that the API gave, such as `MISSING_CLIENT_ID`, or the OAuth error, such as `invalid_grant`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// What went wrong, in the words of the API or of this crate; `None` when it only names fields, which
    /// [`field_errors`](Self::field_errors) has.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The fields that the API complains about.
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.field_errors
    }

    /// The id of the request, for Piaxis support: the API's own, or the one that was sent.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The ids of the requests of all attempts, the first one first: the API's own, or the ones that were sent.
    pub fn request_ids(&self) -> &[String] {
        &self.0.request_ids
    }

    /// How often it was sent, or tried to.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The idempotency key that a write carried, the same in each attempt. Use it when you send the write again.
    pub fn idempotency_key(&self) -> Option<&str> {
        self.0.idempotency_key.as_deref()
    }

    /// OpenTelemetry's `error.type`.
    pub(crate) fn error_type(&self) -> String {
        match (self.0.kind, self.0.status) {
            (ErrorKind::Connection, _) => "connection".to_owned(),
            (ErrorKind::Timeout, _) => "timeout".to_owned(),
            (ErrorKind::Decoding, _) => "decoding".to_owned(),
            (_, Some(status)) => status.as_str().to_owned(),
            _ => "invalid_request".to_owned(),
        }
    }

    /// How long the API asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The body of the answer, at most its first 64 KiB. It may hold anything, secrets too: do not log it unread.
    pub fn body(&self) -> Option<&[u8]> {
        self.0.body.as_deref()
    }

    /// The quote that was refused, when that is what it is.
    pub fn quote_refusal(&self) -> Option<&QuoteRefusal> {
        self.0.source.as_ref().and_then(|source| source.downcast_ref())
    }

    /// Whether no answer came in time.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// Whether no connection came about, so that nothing was sent.
    pub fn is_connect(&self) -> bool {
        let source = self.0.source.as_ref().and_then(|source| source.downcast_ref::<reqwest::Error>());
        source.is_some_and(reqwest::Error::is_connect)
    }

    /// Whether the answer was a success that could not be read.
    pub fn is_decoding(&self) -> bool {
        self.0.kind == ErrorKind::Decoding
    }

    /// Whether the API refused with a 4xx status.
    pub fn is_client_error(&self) -> bool {
        self.0.status.is_some_and(|status| status.is_client_error())
    }

    /// Whether the API failed with a 5xx status.
    pub fn is_server_error(&self) -> bool {
        self.0.status.is_some_and(|status| status.is_server_error())
    }
}

fn kind_of(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        400 | 422 => ErrorKind::Validation,
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 | 410 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::Rejected,
        500..=599 => ErrorKind::Server,
        _ => ErrorKind::UnexpectedStatus,
    }
}

/// The id that the API gave a request.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(&REQUEST_ID)?.to_str().ok()?;
    (!id.is_empty()).then(|| id.to_owned())
}

/// `Retry-After`, in seconds or as an HTTP date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = chrono::DateTime::parse_from_rfc2822(text).ok()?.to_utc();
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    Some((until - now).to_std().unwrap_or_default())
}

fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let not_sent =
            matches!(inner.kind, ErrorKind::InvalidRequest | ErrorKind::Configuration | ErrorKind::QuoteRefused);
        match inner.operation {
            Some(operation) if not_sent => write!(f, "{operation} was not sent")?,
            Some(operation) => write!(f, "{operation} failed")?,
            None => f.write_str(if not_sent { "invalid configuration" } else { "failed" })?,
        }
        let mut separator = ": ";
        if let Some(status) = inner.status {
            write!(f, "{separator}{status}")?;
            separator = ", ";
        }
        if let Some(code) = &inner.code {
            write!(f, "{separator}{code}")?;
            separator = ": ";
        }
        match (&inner.message, inner.field_errors.as_slice()) {
            (Some(message), _) => write!(f, "{separator}{message}")?,
            (None, [first, others @ ..]) => {
                write!(f, "{separator}{first}")?;
                if !others.is_empty() {
                    write!(f, " (and {} more)", others.len())?;
                }
            }
            (None, []) => {}
        }
        match (&inner.request_id, inner.attempts) {
            (Some(id), attempts @ 2..) => write!(f, " (request id {id}, the last of {attempts} attempts)")?,
            (Some(id), _) => write!(f, " (request id {id})")?,
            (None, _) => {}
        }
        self.advice(f)
    }
}

/// What is known, without the body.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &inner.kind);
        let known: [(&str, Option<&dyn fmt::Debug>); 7] = [
            ("operation", inner.operation.as_ref().map(|value| value as _)),
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
