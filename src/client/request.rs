use std::{
    fmt,
    future::Future,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use tracing::Instrument as _;

use crate::{
    Client, Secret,
    decoding::DecodeError,
    error::Error,
    extra_fields::ExtraFields,
    operation::{HEADERS, Operation},
    options::RequestOptions,
    response_body::{Decoder, ResponseBody},
    transport::{self, Attempt, Call, Head, Private, Record, RetryPolicy, enabled},
    undecoded::Undecoded,
};

/// A request of one operation, with its options. Sent when awaited, and not before.
///
/// [`RequestOptions`] hold the same options, except idempotency key and extra fields. Streams, pollers,
/// [`create_and_wait`](crate::payments::Payments::create_and_wait), `find_like` and `quote_and_create` take them with
/// `.options(…)`. [`send_with_response`](Self::send_with_response) returns status, headers and request id beside the
/// value.
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
    operation: &'static Operation,
    client: Client,
    /// Or why the request cannot be built.
    request: Result<reqwest::Request, Error>,
    options: RequestOptions,
    extra_fields: ExtraFields,
    decoder: Decoder<T>,
    /// Of a request that no method of the client made: its path, for errors.
    custom_path: Option<String>,
}

impl<T: ResponseBody> Request<T> {
    pub(crate) fn new(
        client: &Client,
        operation: &'static Operation,
        request: Result<reqwest::Request, Error>,
    ) -> Self {
        Self::with_decoder(client, operation, request, Decoder::of_operation())
    }

    /// A request that fails without being sent where a check fails.
    pub(crate) fn checked<A>(
        client: &Client,
        operation: &'static Operation,
        arguments: Result<A, Error>,
        request: impl FnOnce(A) -> Self,
    ) -> Self {
        match arguments {
            Ok(arguments) => request(arguments),
            Err(error) => Self::new(client, operation, Err(error)),
        }
    }
}

impl<T> Request<T> {
    pub(crate) fn with_decoder(
        client: &Client,
        operation: &'static Operation,
        request: Result<reqwest::Request, Error>,
        decoder: Decoder<T>,
    ) -> Self {
        Self {
            operation,
            client: client.clone(),
            request,
            options: RequestOptions::default(),
            extra_fields: ExtraFields::default(),
            decoder,
            custom_path: None,
        }
    }

    /// A request that no method of the client made, to this path.
    pub(crate) fn custom(self, path: String) -> Self {
        Self { custom_path: Some(path), ..self }
    }

    /// Changes the request, where it could be built.
    pub(crate) fn map(mut self, change: impl FnOnce(&mut reqwest::Request) -> Result<(), Error>) -> Self {
        self.request = self.request.and_then(|mut request| change(&mut request).map(|()| request));
        self
    }

    pub(crate) fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// Fails where the request would not be sent.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let problem = self.request.as_ref().err().or(self.options.problem.as_ref()).cloned();
        let checked = problem.map_or_else(|| self.extra_fields.check(self.operation), Err);
        checked.map_err(|error| error.in_operation(self.operation))
    }

    /// Adds these options. An option that was set before is replaced.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = self.options.or(options);
        self
    }

    /// Adds a header. The headers of the credentials and of HTTP itself cannot be set.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.options = self.options.header(name, value);
        self
    }

    /// Deadline of the request, instead of the client's (90 seconds by default). Counted from when the request is
    /// awaited, over all attempts, the delays between them, and waiting for the client's own limits. No attempt is sent
    /// once the deadline is exceeded.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options = self.options.deadline(deadline);
        self
    }

    /// Overrides the client's retry policy.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.options = self.options.retry_policy(policy);
        self
    }

    /// Timeout of each attempt, from start to end of the response, instead of the client's (30 seconds by default).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.timeout(timeout);
        self
    }

    /// Sends this access token of a payer in place of the API key; see
    /// [`Client::with_access_token`](crate::Client::with_access_token).
    pub fn access_token(mut self, access_token: impl Into<Secret>) -> Self {
        self.options = self.options.access_token(access_token);
        self
    }

    /// Idempotency key of this write, instead of a random one. Use the same key to retry the same write, and a new key
    /// for another body, such as that of a corrected request after [`Rejected`](crate::Outcome::Rejected).
    ///
    /// The API recommends the header on all writes, but no document promises that the API recognises a key.
    pub fn idempotency_key(self, key: impl AsRef<str>) -> Self {
        self.header(HEADERS.idempotency_key, key.as_ref())
    }

    /// Request id for tracing, instead of a random one for each attempt.
    pub fn request_id(self, id: impl AsRef<str>) -> Self {
        self.header(HEADERS.request_id, id.as_ref())
    }

    /// Adds a field that the contract does not know to the JSON request body, for a field that Piaxis accepts and this
    /// version of the crate lacks. A second value for the same name replaces the first.
    ///
    /// The request fails with [`InvalidRequest`](crate::ErrorKind::InvalidRequest) and is not sent when the body has a
    /// typed field of that name, or when the operation takes no JSON body. Errors redact the texts and numbers of the
    /// value.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client, order: piaxis::types::PaymentCreate) -> Result<(), piaxis::Error> {
    /// let metadata = serde_json::json!({ "order": "789" });
    /// let payment = client.payments().create(order).extra_field("metadata", metadata).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn extra_field(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.extra_fields.set(name.into(), &value);
        self
    }

    pub(crate) fn extra_fields(self, extra_fields: ExtraFields) -> Self {
        Self { extra_fields, ..self }
    }

    /// Calls `report` after each attempt of this request, with the outcome so far. Also called when the caller drops the
    /// request during an attempt, as `tokio::time::timeout` does. `report` must not block.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client, order: piaxis::types::PaymentCreate) -> Result<(), piaxis::Error> {
    /// let request = client.payments().create(order).on_attempt(|attempt| {
    ///     println!("{:?} {:?} {:?}", attempt.idempotency_key, attempt.error_type, attempt.outcome);
    /// });
    /// let payment = request.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_attempt(mut self, report: impl Fn(&Attempt<'_>) + Send + Sync + 'static) -> Self {
        self.options = self.options.on_attempt(report);
        self
    }
}

impl<T: Send + 'static> Request<T> {
    /// Sends the request, and returns status, headers and request id beside the value.
    ///
    /// # Errors
    /// The same as awaiting the request.
    pub async fn send_with_response(self) -> Result<Response<T>, Error> {
        self.pending(true).0.await
    }

    /// `has_response` is whether the caller gets the [`Response`] and not only its value.
    fn pending(self, has_response: bool) -> Pending<T> {
        Pending(Box::pin(async move {
            let span = enabled(tracing::debug_span!("piaxis", operation = self.operation.id));
            self.run(has_response).instrument(span).await
        }))
    }

    async fn run(self, has_response: bool) -> Result<Response<T>, Error> {
        let Self { operation, client, request, options, extra_fields, decoder, custom_path } = self;
        let mut record = Record::new(operation, &options.headers);
        let private = if custom_path.is_some() { Private::All } else { Private::Fields(&extra_fields) };
        let request = match &options.problem {
            Some(problem) => Err(problem.clone()),
            None => request.and_then(|request| extra_fields.add_to(request, operation)),
        };
        let result = match request {
            Err(error) => Err(error),
            Ok(request) => {
                let client = match &options.access_token {
                    Some(token) => client.with_access_token(token),
                    None => client,
                };
                let (shared, credentials) = (client.shared(), client.credentials());
                let call = Call { shared, credentials, request: &request, options: &options, private, has_response };
                send(&call, &mut record, &decoder).await
            }
        };
        match result {
            Ok((value, undecoded, Head { status, headers, request_id })) => {
                Ok(Response { value, undecoded, status, headers, request_id, attempts: record.attempts })
            }
            Err(error) => Err(error.with_record(&mut record).with_path(custom_path)),
        }
    }
}

async fn send<T: Send>(
    call: &Call<'_>,
    record: &mut Record,
    decoder: &Decoder<T>,
) -> Result<(T, Vec<Undecoded>, Head), Error> {
    let operation = record.operation;
    let mut value = None;
    let mut decode = |body: &Bytes| {
        let (decoded, undecoded) = (decoder.decode)(body)?;
        warn(operation.id, &undecoded);
        value = Some((decoded, undecoded));
        Ok(())
    };
    let head = transport::execute(call, record, &mut decode).await?;
    let Some((value, undecoded)) = value else {
        // Not reached: `execute` succeeds with what has decoded.
        return Err(Error::decode(DecodeError::new("the body was not decoded"), head.status, &Bytes::new()));
    };
    if let Some(hook) = &call.shared.on_unexpected {
        hook.report(operation, (decoder.inspect)(&value), &undecoded);
    }
    Ok((value, undecoded, head))
}

/// Logs the paths of the fields that failed to decode, never their JSON.
fn warn(operation: &str, undecoded: &[Undecoded]) {
    const LOGGED: usize = 20;
    if let [_, ..] = undecoded {
        let paths: Vec<_> = undecoded.iter().take(LOGGED).map(Undecoded::redacted_path).collect();
        let more = if undecoded.len() > LOGGED { ", …" } else { "" };
        tracing::warn!(
            operation,
            fields = format_args!("{}{more}", paths.join(", ")),
            count = undecoded.len(),
            "optional fields of the response failed to decode",
        );
    }
}

impl<T: Send + 'static> IntoFuture for Request<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Pending<T>;

    fn into_future(self) -> Self::IntoFuture {
        self.pending(false)
    }
}

/// The future of a [`Request`]. Dropping the future cancels the request. A write may have been executed by then:
/// [`Request::on_attempt`] reports the outcome.
#[must_use = "futures do nothing unless awaited"]
pub struct Pending<T>(Pin<Box<dyn Future<Output = Result<Response<T>, Error>> + Send>>);

impl<T> Future for Pending<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context).map_ok(Response::into_value)
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.options.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>();
        f.debug_struct("Request")
            .field("operation", &self.operation.id)
            .field("headers", &headers)
            .field("extra_fields", &self.extra_fields)
            .field("timeout", &self.options.timeout)
            .field("deadline", &self.options.deadline)
            .field("retry_policy", &self.options.retry_policy)
            .finish_non_exhaustive()
    }
}

/// A decoded value, with status, headers and request id of its response. Derefs to the value.
#[derive(Clone)]
pub struct Response<T> {
    value: T,
    undecoded: Vec<Undecoded>,
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

    /// Optional fields that failed to decode. They are `None` in the value.
    ///
    /// Usually empty. A response whose optional fields fail to decode is not an error, because an error would lose the id
    /// of a payment that exists. `tracing` gets a warning with the paths. A missing or undecodable required field is an
    /// error of the kind [`Decode`](crate::ErrorKind::Decode).
    ///
    /// An optional list is one field: when an item fails to decode, the whole list is `None`. The items of a required
    /// list, such as `results`, are required.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client, order: piaxis::types::EscrowCreate) -> Result<(), piaxis::Error> {
    /// let escrow = client.escrows().create(order).send_with_response().await?;
    /// println!("{}", escrow.id);
    /// for field in escrow.undecoded() {
    ///     // Such as `updated_at`, and `"yesterday"`.
    ///     println!("{}: {}", field.path(), field.json());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn undecoded(&self) -> &[Undecoded] {
        &self.undecoded
    }

    /// HTTP status, 2xx.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Headers of the response.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The id of the request, for Piaxis support: the API's own, or the one that was sent.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Number of attempts.
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
            .field("undecoded", &self.undecoded)
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
