//! Responses of typed mocks.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicUsize, Ordering},
};

use httpmock::{HttpMockRequest, HttpMockResponse, Then};
use serde::Serialize;
use serde_json::{Value, json};

use crate::operation::Operation;

/// One response of an operation whose 2xx body is a `T`: for `in_turn` of a mock.
///
/// ```
/// use piaxis::{RetryPolicy, mock::{MockPiaxis, MockResponse, MockServerExt}, types::Payment};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), piaxis::Error> {
/// let piaxis = MockPiaxis::start().await;
/// let payment = Payment::builder().id("pay-1").status("completed").amount(15_000).currency("UGX").build();
/// let mock = piaxis.payments_get(|_, then| {
///     then.in_turn([MockResponse::html(502), MockResponse::success(200, &payment)]);
/// });
///
/// assert_eq!(piaxis.client().payments().get("pay-1").await?, payment);
/// mock.assert_calls(2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MockResponse<T> {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    value: PhantomData<fn() -> T>,
}

impl<T> MockResponse<T> {
    fn new(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body, value: PhantomData }
    }

    fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string().into_bytes())
    }

    /// An error of the API.
    pub fn failure(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "detail": { "code": code, "message": message } }))
    }

    /// 422, because of one field, such as `recipients[0].amount`.
    pub fn invalid_field(path: &str, message: &str) -> Self {
        let parts = path.split(['.', '[', ']']).filter(|part| !part.is_empty());
        let parts = parts.map(|part| part.parse::<u64>().map_or_else(|_| Value::from(part), Value::from));
        let place: Vec<Value> = std::iter::once(Value::from("body")).chain(parts).collect();
        Self::json(422, &json!({ "detail": [{ "loc": place, "msg": message, "type": "value_error" }] }))
    }

    /// The HTML page of a gateway.
    pub fn html(status: u16) -> Self {
        let title = http::StatusCode::from_u16(status).map_or_else(|_| status.to_string(), |status| status.to_string());
        Self::new(status, "text/html", format!("<html><head><title>{title}</title></head></html>").into_bytes())
    }

    /// Adds a header, such as `retry-after`.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn to_response(&self) -> HttpMockResponse {
        let response = HttpMockResponse::builder().status(self.status).body(self.body.clone());
        self.headers.iter().fold(response, |response, (name, value)| response.header(name, value)).build()
    }
}

impl<T: Serialize> MockResponse<T> {
    /// A 2xx status and a value.
    pub fn success(status: u16, value: &T) -> Self {
        Self::json(status, &serde_json::to_value(value).unwrap_or_default())
    }
}

/// Responds with these, one after another; the last one is repeated.
pub(super) fn in_turn<T>(then: Then, responses: impl IntoIterator<Item = MockResponse<T>>) -> Then {
    let responses: Vec<HttpMockResponse> = responses.into_iter().map(|response| response.to_response()).collect();
    let next = AtomicUsize::new(0);
    then.respond_with(move |_| {
        let at = next.fetch_add(1, Ordering::Relaxed).min(responses.len().saturating_sub(1));
        // Of no responses at all, httpmock's own error tells.
        responses.get(at).cloned().unwrap_or_else(|| MockResponse::<T>::html(500).to_response())
    })
}

/// Responds with the page that a request asks for.
pub(super) fn pages<T: Serialize>(
    then: Then,
    operation: &'static Operation,
    page: impl Fn(usize, usize) -> T + Send + Sync + 'static,
) -> Then {
    then.respond_with(move |request: &HttpMockRequest| {
        let asked = |name: &str| {
            let parameters = request.query_params();
            parameters.into_iter().find(|(known, _)| known == name).and_then(|(_, value)| value.parse().ok())
        };
        let default = operation.page_size.map_or(0, |size| size.default as usize);
        let (offset, limit) = (asked("offset").unwrap_or(0), asked("limit").unwrap_or(default));
        MockResponse::success(200, &page(offset, limit)).to_response()
    })
}
