use std::{fmt, future::Future, ops::Deref, pin::Pin, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use crate::{
    client::Client,
    error::{Error, ErrorKind, request_id},
    operation::{Credential, HEADERS},
    raw,
    transport::{Options, Record, RetryPolicy, header_name, header_value},
};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type RawResult<T> = Result<raw::ResponseValue<T>, raw::Error<()>>;
type Run<T> = Box<dyn FnOnce(raw::Client) -> BoxFuture<RawResult<T>> + Send>;

/// Headers that a call may not set, because the client or HTTP itself does.
const RESERVED: [&str; 5] = ["content-length", "content-type", "host", "transfer-encoding", "connection"];

/// One call, with its options. It is sent when awaited, and not before.
///
/// ```no_run
/// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
/// use std::time::Duration;
///
/// let payment = client
///     .payments()
///     .get("3a0da2c0-a8b2-4c76-9f40-1dbf7ee03dcf")
///     .timeout(Duration::from_secs(5))
///     .request_id("trace-17")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a request is sent when awaited"]
pub struct Request<T> {
    client: Client,
    operation: Option<&'static str>,
    run: Result<Run<T>, Error>,
    options: Options,
}

impl<T> Request<T> {
    /// A call of the generated client, by the name of its operation.
    pub(crate) fn new<F, Fut>(client: &Client, operation: &'static str, call: F) -> Self
    where
        F: FnOnce(raw::Client) -> Fut + Send + 'static,
        Fut: Future<Output = RawResult<T>> + Send + 'static,
    {
        Self { operation: Some(operation), ..Self::unnamed(client, call) }
    }

    /// A call of the generated client, whose operation is known when it is sent.
    pub(crate) fn unnamed<F, Fut>(client: &Client, call: F) -> Self
    where
        F: FnOnce(raw::Client) -> Fut + Send + 'static,
        Fut: Future<Output = RawResult<T>> + Send + 'static,
    {
        let run: Run<T> = Box::new(|raw| Box::pin(call(raw)));
        Self { client: client.clone(), operation: None, run: Ok(run), options: Options::default() }
    }

    /// A call with arguments that may be refused before it is sent.
    pub(crate) fn checked<A, F, Fut>(
        client: &Client,
        operation: &'static str,
        arguments: Result<A, Error>,
        call: F,
    ) -> Self
    where
        A: Send + 'static,
        F: FnOnce(raw::Client, A) -> Fut + Send + 'static,
        Fut: Future<Output = RawResult<T>> + Send + 'static,
    {
        match arguments {
            Ok(arguments) => Self::new(client, operation, |raw| call(raw, arguments)),
            Err(error) => {
                let run = Err(error);
                Self { client: client.clone(), operation: Some(operation), run, options: Options::default() }
            }
        }
    }

    pub(crate) fn operation_id(&self) -> Option<&'static str> {
        self.operation
    }

    /// Sends another header with this call. The headers of the credentials and of HTTP itself cannot be set.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let credential = [Credential::ApiKey, Credential::ClientId, Credential::Bearer].map(Credential::header);
        let reserved = credential.iter().chain(&RESERVED).any(|reserved| reserved.eq_ignore_ascii_case(name));
        let checked = if reserved {
            Err(Error::local(ErrorKind::InvalidRequest, format!("the header `{name}` is the client's to set")))
        } else {
            header_name(name).and_then(|name| Ok((header_value(&format!("the header `{name}`"), value)?, name)))
        };
        match checked {
            Ok((value, name)) => {
                self.options.headers.insert(name, value);
            }
            Err(error) => self.run = self.run.and(Err(error)),
        }
        self
    }

    /// Gives up this long after it was sent for the first time, whatever the retry policy says: attempts, the delays between
    /// them, and waiting for a turn together.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options.deadline = Some(deadline);
        self
    }

    /// Sends it again, or not, by this policy instead of the client's.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.options.retry_policy = Some(policy);
        self
    }

    /// How long each attempt may take, instead of as long as the client is set to.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Names this write, instead of a random key. Use the same key when you send the same write again.
    ///
    /// The API recommends the header on all writes, but documents no promise to recognise a repetition.
    pub fn idempotency_key(self, key: impl AsRef<str>) -> Self {
        self.header(HEADERS.idempotency_key, key.as_ref())
    }

    /// Your id of this call for tracing, instead of a random one.
    pub fn request_id(self, id: impl AsRef<str>) -> Self {
        self.header(HEADERS.request_id, id.as_ref())
    }
}

impl<T: DeserializeOwned + Send + 'static> Request<T> {
    /// Sends it, and gives status, headers and request id beside the value.
    ///
    /// # Errors
    /// The same as awaiting the request.
    pub async fn send_with_response(self) -> Result<Response<T>, Error> {
        let (value, record) = self.run().await?;
        let request_id = request_id(value.headers()).or_else(|| {
            let sent = record.sent_request_id.as_ref();
            sent.and_then(|id| id.to_str().ok()).map(str::to_owned)
        });
        let (status, headers, attempts) = (value.status(), value.headers().clone(), record.attempts);
        Ok(Response { value: value.into_inner(), status, headers, request_id, attempts })
    }

    async fn run(self) -> Result<(raw::ResponseValue<T>, Record), Error> {
        let named = |error: Error, operation: Option<&'static str>| match operation {
            Some(operation) => error.in_operation(operation),
            None => error,
        };
        let run = self.run.map_err(|error| named(error, self.operation))?;
        let call = self.client.call(self.options);
        let span = tracing::debug_span!("piaxis", operation = self.operation);
        let result = run(self.client.raw_client(call.clone())).instrument(span).await;
        let mut record = call.take_record();
        match result {
            Ok(value) => Ok((value, record)),
            Err(error) => {
                let error = record.error.take().unwrap_or_else(|| not_built(error));
                Err(named(error.with_record(record), self.operation))
            }
        }
    }
}

/// An error that the transport did not make: the generated client could not build the request.
fn not_built(error: raw::Error<()>) -> Error {
    match error {
        raw::Error::CommunicationError(error) => Error::transport(error),
        other => Error::local(ErrorKind::InvalidRequest, other.to_string()),
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Request<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.run().await.map(|(value, _)| value.into_inner()) })
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("headers", &self.options.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>())
            .field("timeout", &self.options.timeout)
            .field("deadline", &self.options.deadline)
            .field("retry_policy", &self.options.retry_policy)
            .finish_non_exhaustive()
    }
}

/// A value and the answer that it came in. It derefs to the value.
#[derive(Clone)]
pub struct Response<T> {
    value: T,
    status: StatusCode,
    headers: HeaderMap<HeaderValue>,
    request_id: Option<String>,
    attempts: u32,
}

impl<T> Response<T> {
    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value alone.
    pub fn into_value(self) -> T {
        self.value
    }

    /// HTTP status, 2xx.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The id of the request, for Piaxis support: the API's own, or the one that was sent.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl<T> Response<T> {
    /// How often it was sent.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Everything but the headers, which may hold cookies.
impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("value", &self.value)
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
