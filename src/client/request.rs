use std::{
    fmt,
    future::{Future, poll_fn},
    ops::Deref,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use tracing::Span;

use crate::{
    Client,
    error::{Error, ErrorKind, request_id},
    operation::{Credential, HEADERS},
    raw,
    transport::{Call, Id, Options, RetryPolicy, header_name, header_value, heard},
};

type RawResult<T> = Result<raw::ResponseValue<T>, raw::Error<()>>;
type RawFuture<T> = Pin<Box<dyn Future<Output = RawResult<T>> + Send>>;

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
    operation: Option<&'static str>,
    call: Call,
    options: Options,
    run: Result<RawFuture<T>, Error>,
}

impl<T> Request<T> {
    /// A call of the generated client, by the name of its operation.
    pub(crate) fn new<F, Fut>(client: &Client, operation: &'static str, call: F) -> Self
    where
        T: 'static,
        F: FnOnce(raw::Client) -> Fut,
        Fut: Future<Output = RawResult<T>> + Send + 'static,
    {
        Self::named(client, Some(operation), Ok(()), |raw, ()| call(raw))
    }

    /// A call of the generated client, whose operation is known when it is sent.
    pub(crate) fn unnamed<F, Fut>(client: &Client, call: F) -> Self
    where
        T: 'static,
        F: FnOnce(raw::Client) -> Fut,
        Fut: Future<Output = RawResult<T>> + Send + 'static,
    {
        Self::named(client, None, Ok(()), |raw, ()| call(raw))
    }

    /// A call with arguments that may be refused before it is sent.
    pub(crate) fn checked<A, F, Fut>(
        client: &Client,
        operation: &'static str,
        arguments: Result<A, Error>,
        call: F,
    ) -> Self
    where
        T: 'static,
        F: FnOnce(raw::Client, A) -> Fut,
        Fut: Future<Output = RawResult<T>> + Send + 'static,
    {
        Self::named(client, Some(operation), arguments, call)
    }

    fn named<A, F, Fut>(client: &Client, operation: Option<&'static str>, arguments: Result<A, Error>, run: F) -> Self
    where
        T: 'static,
        F: FnOnce(raw::Client, A) -> Fut,
        Fut: Future<Output = RawResult<T>> + Send + 'static,
    {
        let call = client.call();
        let run =
            arguments.map(|arguments| -> RawFuture<T> { Box::pin(run(client.raw_client(call.clone()), arguments)) });
        Self { operation, call, options: Options::default(), run }
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
        let mut sending = self.into_future();
        let value = poll_fn(|context| sending.poll_answer(context)).await?;
        let record = sending.call.take_record();
        let request_id = request_id(value.headers()).or_else(|| record.sent_request_id.as_ref().and_then(Id::text));
        let (status, headers, attempts) = (value.status(), value.headers().clone(), record.attempts);
        Ok(Response { value: value.into_inner(), status, headers, request_id, attempts })
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Request<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Sending<T>;

    fn into_future(self) -> Self::IntoFuture {
        self.call.set_options(self.options);
        Sending { operation: self.operation, call: self.call, span: None, run: self.run.map_err(Some) }
    }
}

/// A [`Request`] under way: what awaiting one waits for. Dropping it stops at once.
#[must_use = "futures do nothing unless awaited"]
pub struct Sending<T> {
    operation: Option<&'static str>,
    call: Call,
    /// From the first poll on.
    span: Option<Span>,
    /// Or why it is not sent.
    run: Result<RawFuture<T>, Option<Error>>,
}

impl<T> Sending<T> {
    /// By hand, so that the large future of the generated client stays in the box that it was made in.
    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Result<raw::ResponseValue<T>, Error>> {
        let result = match &mut self.run {
            Ok(run) => {
                let operation = self.operation;
                let span = self.span.get_or_insert_with(|| heard(tracing::debug_span!("piaxis", operation)));
                let _entered = span.enter();
                ready!(run.as_mut().poll(context))
            }
            Err(refusal) => {
                return Poll::Ready(Err(in_operation(refusal.take().unwrap_or_else(ended), self.operation)));
            }
        };
        (self.span, self.run) = (None, Err(None));
        Poll::Ready(result.map_err(|error| in_operation(self.call.what_failed(error), self.operation)))
    }
}

fn in_operation(error: Error, operation: Option<&'static str>) -> Error {
    match operation {
        Some(operation) => error.in_operation(operation),
        None => error,
    }
}

fn ended() -> Error {
    Error::local(ErrorKind::InvalidRequest, "it has ended already; a future is not polled again")
}

impl<T> Future for Sending<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_answer(context).map_ok(raw::ResponseValue::into_inner)
    }
}

impl<T> fmt::Debug for Sending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
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
