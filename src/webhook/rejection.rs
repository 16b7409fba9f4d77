use std::fmt;

use super::WebhookError;

/// A delivery that was rejected, and the response for the sender: a 4xx or 5xx with a short reason in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection(WebhookError);

impl Rejection {
    /// The reason.
    pub fn error(&self) -> &WebhookError {
        &self.0
    }

    /// Status of the response; see [`WebhookError::status`].
    pub fn status(&self) -> http::StatusCode {
        http::StatusCode::from_u16(self.0.status()).unwrap_or(http::StatusCode::BAD_REQUEST)
    }

    /// Body of the response: `{"error":"signature_mismatch","message":"…"}`.
    pub fn body(&self) -> String {
        serde_json::json!({ "error": self.0.code(), "message": self.0.to_string() }).to_string()
    }

    /// The response.
    pub fn into_response<B: From<String>>(self) -> http::Response<B> {
        let mut response = http::Response::new(self.body().into());
        *response.status_mut() = self.status();
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        response
    }
}

impl From<WebhookError> for Rejection {
    fn from(error: WebhookError) -> Self {
        Self(error)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Rejection {}
