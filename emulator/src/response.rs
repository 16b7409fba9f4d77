//! Responses of the API: values, and errors in the shapes that FastAPI gives them.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Most problems that an error reports.
pub(crate) const PROBLEMS: usize = 100;

/// A response: status, headers and body.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "StoredResponse", into = "StoredResponse")]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

/// An error response. The transaction that it ends is undone.
pub(crate) type Rejection = Response;

impl Response {
    pub(crate) fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        // Enough for most responses, so that the buffer need not grow.
        let mut bytes = Vec::with_capacity(1024);
        // A JSON value in memory can always be written.
        let _ = serde_json::to_writer(&mut bytes, body);
        Self::new(status, "application/json", bytes)
    }

    pub(crate) fn html(body: impl Into<Bytes>) -> Self {
        Self::new(StatusCode::OK, "text/html; charset=utf-8", body)
    }

    pub(crate) fn redirect(status: StatusCode, location: &str) -> Self {
        let response = Self { status, headers: Vec::new(), body: Bytes::new() };
        response.with_header(header::LOCATION, location)
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// FastAPI's error without a code.
    pub(crate) fn rejected(status: StatusCode, message: &str) -> Rejection {
        Self::json(status, &json!({ "detail": message }))
    }

    /// An error with a code.
    pub(crate) fn coded(status: StatusCode, code: &str, message: &str) -> Rejection {
        Self::json(status, &json!({ "detail": { "code": code, "message": message } }))
    }

    /// 400, the status of a request that breaks a rule of the business. No source shows the body.
    pub(crate) fn bad_request(message: &str) -> Rejection {
        Self::rejected(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(what: &str) -> Rejection {
        Self::rejected(StatusCode::NOT_FOUND, &format!("{what} not found"))
    }

    /// FastAPI's error of a request that does not fit the schema. Of many problems, the first ones are reported.
    pub(crate) fn invalid(problems: &[Invalid]) -> Rejection {
        let problems = &problems[..problems.len().min(PROBLEMS)];
        Self::json(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "detail": problems }))
    }

    /// The same of one field, such as `["body", "amount"]`.
    pub(crate) fn invalid_field(place: &[&str], message: &str, kind: &str) -> Rejection {
        let loc = place.iter().map(|&part| Value::from(part)).collect();
        Self::invalid(&[Invalid { loc, msg: message.to_owned(), kind: kind.to_owned() }])
    }
}

/// One field that does not fit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Invalid {
    pub(crate) loc: Vec<Value>,
    pub(crate) msg: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// A response in a state file.
#[derive(Serialize, Deserialize)]
struct StoredResponse {
    status: u16,
    headers: Vec<(String, String)>,
    /// Bodies of the emulator are text.
    body: String,
}

impl From<Response> for StoredResponse {
    fn from(response: Response) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = response.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())));
        Self { status: response.status.as_u16(), headers: headers.collect(), body: text(&response.body) }
    }
}

impl TryFrom<StoredResponse> for Response {
    type Error = http::Error;

    fn try_from(stored: StoredResponse) -> Result<Self, http::Error> {
        let header = |(name, value): (String, String)| -> Result<_, http::Error> {
            Ok((HeaderName::try_from(name)?, HeaderValue::try_from(value)?))
        };
        let headers = stored.headers.into_iter().map(header).collect::<Result<_, _>>()?;
        Ok(Self { status: StatusCode::from_u16(stored.status)?, headers, body: stored.body.into() })
    }
}
