//! Requests to paths that the contract does not know.

use std::fmt;

use http::{HeaderValue, Method, header::CONTENT_TYPE};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Client,
    error::{Error, ErrorKind},
    operation::{Credential, OPERATIONS, Operation},
    options::RequestOptions,
    request::{Pending, Request, Response},
    response_body::Decoder,
    transport::{RetryPolicy, path},
};

/// A request to a path that no method of the client has. Sent when awaited.
///
/// Made by [`Client::request`]. Behaves like any other request, with these differences:
///
/// - **Credentials.** All that the client has are sent: API key, client id, access token.
/// - **Retries.** GET is retried like any read. Any other method is sent at most once, also when no connection was made,
///   and carries an idempotency key.
/// - **Operations of the contract.** A path and method of [`OPERATIONS`] are that operation: its credentials, its retries, its
///   lookup.
/// - **The response** decodes into any type. An empty body decodes as `null`, so `()` and `Option<T>` take it. A body with the
///   fields of an error and no others is [`ErrorInSuccess`](crate::ErrorKind::ErrorInSuccess).
/// - **Privacy.** Errors show no text and no number of body and query. They show the path, with `*` for segments that have
///   other characters than letters, `-` and `_`.
///
/// The path starts with `/`, and its segments are neither empty nor `.` or `..`. Pass the query to
/// [`query`](Self::query). The request therefore never leaves the base URL.
#[must_use = "a request is sent when awaited"]
pub struct CustomRequest<T>(Request<T>);

/// One row for each method, because errors and telemetry name it.
static OTHERS: [Operation; 5] = [
    other("custom_get", "GET"),
    other("custom_post", "POST"),
    other("custom_put", "PUT"),
    other("custom_patch", "PATCH"),
    other("custom_delete", "DELETE"),
];

const fn other(id: &'static str, method: &'static str) -> Operation {
    let is_read = matches!(method.as_bytes(), b"GET");
    Operation {
        id,
        method,
        path: path::ANY,
        resource: "",
        methods: &["request"],
        summary: "A request to a path that the contract does not know",
        security: &[
            &[Credential::ApiKey],
            &[Credential::ApiKey, Credential::ClientId],
            &[Credential::Bearer],
            &[Credential::Bearer, Credential::ClientId],
            &[Credential::ApiKey, Credential::Bearer],
            &[Credential::ApiKey, Credential::Bearer, Credential::ClientId],
            &[Credential::ClientId],
        ],
        idempotent: is_read,
        never_retried: !is_read,
        idempotency_key: !is_read,
        lookup: None,
        body_fields: &[],
        page_size: None,
        sources: &[],
    }
}

impl<T: DeserializeOwned + Send + 'static> CustomRequest<T> {
    pub(crate) fn new(client: &Client, method: &Method, path: &str) -> Self {
        let known = OPERATIONS.iter().find(|row| row.method == method.as_str() && path::fits(row, path));
        let other = OTHERS.iter().find(|row| row.method == method.as_str());
        let request = match other {
            None => Err(Error::local(ErrorKind::InvalidRequest, "the method must be GET, POST, PUT, PATCH or DELETE")),
            Some(_) => {
                path::custom(&client.shared().base_url, path).map(|url| reqwest::Request::new(method.clone(), url))
            }
        };
        let operation = known.or(other).unwrap_or(&OTHERS[0]);
        let request = Request::with_decoder(client, operation, request, Decoder::of_any());
        Self(request.custom(redacted(path)))
    }

    /// Sets the body, as JSON.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        // The message of the serialiser may hold a value.
        let json = serde_json::to_vec(body).map_err(|_| invalid("failed to serialize the body as JSON"));
        Self(self.0.map(|request| {
            *request.body_mut() = Some(json?.into());
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(())
        }))
    }

    /// Adds query parameters: a struct, or a list of names and values.
    pub fn query(self, parameters: &(impl Serialize + ?Sized)) -> Self {
        let query = serde_urlencoded::to_string(parameters).map_err(|_| invalid("failed to serialize the query"));
        Self(self.0.map(|request| {
            let earlier = request.url().query().map_or(String::new(), |earlier| format!("{earlier}&"));
            let query = earlier + &query?;
            request.url_mut().set_query((!query.is_empty()).then_some(&query));
            Ok(())
        }))
    }

    /// Idempotency key of a write, instead of a random one; see [`Request::idempotency_key`].
    pub fn idempotency_key(self, key: impl AsRef<str>) -> Self {
        Self(self.0.idempotency_key(key))
    }

    /// Adds these options: headers, timeout, deadline, and others.
    pub fn options(self, options: RequestOptions) -> Self {
        Self(self.0.options(options))
    }

    /// Sends the request, and returns status, headers and request id beside the value.
    ///
    /// # Errors
    /// The same as awaiting the request.
    pub async fn send_with_response(self) -> Result<Response<T>, Error> {
        self.unretried().send_with_response().await
    }

    /// A write to an unknown path is sent once, whatever the options say.
    fn unretried(self) -> Request<T> {
        let is_unknown_write = self.0.operation().path == path::ANY && !self.0.operation().idempotent;
        if is_unknown_write { self.0.retry_policy(RetryPolicy::none()) } else { self.0 }
    }
}

fn invalid(message: &str) -> Error {
    Error::local(ErrorKind::InvalidRequest, message)
}

/// The path for errors: ids and names stay out of it.
fn redacted(path: &str) -> String {
    let is_plain = |segment: &&str| segment.bytes().all(|c| c.is_ascii_alphabetic() || matches!(c, b'-' | b'_'));
    let segments = path.split('/').map(|segment| if is_plain(&segment) { segment } else { "*" });
    segments.collect::<Vec<_>>().join("/")
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for CustomRequest<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Pending<T>;

    fn into_future(self) -> Self::IntoFuture {
        self.unretried().into_future()
    }
}

impl<T> fmt::Debug for CustomRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
