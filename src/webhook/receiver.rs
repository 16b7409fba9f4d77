use std::{
    env, fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    Event, Verified, WebhookError,
    generated::{HEADERS, TOLERANCE},
    headers::Headers,
    signature::{self, Key},
    signer::unix_seconds,
};
use crate::{Secret, operation::VARIABLES};

/// How long a body may be when nothing else is said.
const BODY_LIMIT: usize = 1024 * 1024;
/// How long a body may take to come when nothing else is said.
#[cfg(feature = "axum")]
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Verifies deliveries with the secret of an endpoint. Cheap to clone.
///
/// The dashboard shows the secret once, when the endpoint is made or its secret changed.
///
/// ```
/// use std::time::Duration;
///
/// use piaxis::webhook::Webhook;
///
/// # fn main() -> Result<(), piaxis::webhook::WebhookError> {
/// let webhook = Webhook::new("the new secret")?
///     .additional_secret("the old secret")? // while a rotation lasts
///     .require_v2()
///     .tolerance(Duration::from_secs(120));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Webhook {
    keys: Arc<[Key]>,
    tolerance: Duration,
    require_v2: bool,
    clock: Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>,
    body_limit: usize,
    #[cfg(feature = "axum")]
    body_timeout: Duration,
}

impl Webhook {
    /// Verifies with this secret; v2 where it is there, else v1; up to 300 seconds old, or ahead.
    ///
    /// # Errors
    /// When the secret is empty.
    pub fn new(secret: impl Into<Secret>) -> Result<Self, WebhookError> {
        Ok(Self {
            keys: [Key::new(&secret.into())?].into(),
            tolerance: TOLERANCE,
            require_v2: false,
            clock: None,
            body_limit: BODY_LIMIT,
            #[cfg(feature = "axum")]
            body_timeout: BODY_TIMEOUT,
        })
    }

    /// Verifies with the secret in `PIAXIS_WEBHOOK_SECRET`.
    ///
    /// # Errors
    /// When it is not set, empty, or no text.
    pub fn from_env() -> Result<Self, WebhookError> {
        let variable = VARIABLES.webhook_secret[0];
        let secret = VARIABLES.webhook_secret.iter().find_map(|name| env::var(name).ok());
        Self::new(secret.ok_or(WebhookError::NoSecret { variable })?)
    }

    /// Takes another secret beside those there, while the sender changes from one to the other. All are tried;
    /// [`Verified::secret`] tells which one fitted.
    ///
    /// # Errors
    /// When the secret is empty.
    pub fn additional_secret(mut self, secret: impl Into<Secret>) -> Result<Self, WebhookError> {
        let key = Key::new(&secret.into())?;
        self.keys = self.keys.iter().cloned().chain([key]).collect();
        Ok(self)
    }

    /// Refuses deliveries that have the v1 signature only.
    ///
    /// v1 does not cover the time, so whoever once saw a delivery could send it again at any time, with the v2 headers
    /// left away. Say this as soon as your deliveries carry v2; [`Event::verified`] tells.
    pub fn require_v2(mut self) -> Self {
        self.require_v2 = true;
        self
    }

    /// How far the signed time may be from the clock, into the past and into the future; 300 seconds by default, as in the
    /// official SDKs. `Duration::MAX` takes any age. v1 has no time, and is not concerned.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Another clock than the system's, for tests and for events that were kept.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// How many bytes a body may have; 1 MiB by default. [`handle`](Self::handle) and the extractor for axum hold to it.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// How long the extractor for axum waits for a body; 10 seconds by default.
    #[cfg(feature = "axum")]
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    #[cfg(feature = "axum")]
    pub(super) fn body_limits(&self) -> (usize, Duration) {
        (self.body_limit, self.body_timeout)
    }

    /// Checks that Piaxis signed this body, and not too long ago. The body may be anything, not only JSON.
    ///
    /// # Errors
    /// One kind for each way in which headers are missing, malformed, too old, or do not fit; see [`WebhookError`].
    pub fn verify(
        &self,
        headers: &(impl Headers + ?Sized),
        raw_body: impl AsRef<[u8]>,
    ) -> Result<Verified, WebhookError> {
        let now = unix_seconds(self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock()));
        signature::verify(&self.keys, headers, raw_body.as_ref(), self.require_v2, self.tolerance, now)
    }

    /// Verifies first and parses after. What has no genuine signature is never parsed.
    ///
    /// # Errors
    /// As [`verify`](Self::verify), and when the body is no JSON object.
    pub fn construct_event(
        &self,
        raw_body: impl AsRef<[u8]>,
        headers: &(impl Headers + ?Sized),
    ) -> Result<Event, WebhookError> {
        let body = raw_body.as_ref();
        let verified = self.verify(headers, body)?;
        let announced = headers.values(HEADERS.event).next().map(|name| String::from_utf8_lossy(name).into_owned());
        Ok(Event::read(body)?.received(verified, announced))
    }

    /// The same for a server of your choice: the parts of an `http` request and its body in, an event or the answer out.
    /// Answer 200, with any body, once the event is handled.
    ///
    /// # Errors
    /// As [`construct_event`](Self::construct_event), and when the body is longer than the limit. Have your server refuse
    /// such a body before it is read, too.
    pub fn handle(&self, parts: &http::request::Parts, raw_body: impl AsRef<[u8]>) -> Result<Event, Rejection> {
        let body = raw_body.as_ref();
        if body.len() > self.body_limit {
            return Err(Rejection(WebhookError::BodyTooLarge { limit: self.body_limit }));
        }
        self.construct_event(body, &parts.headers).map_err(Rejection)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("secrets", &self.keys.len())
            .field("tolerance", &self.tolerance)
            .field("require_v2", &self.require_v2)
            .field("body_limit", &self.body_limit)
            .finish_non_exhaustive()
    }
}

/// A delivery that was refused, and what to answer: 400, 401, 408 or 413, with a short reason in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection(pub(super) WebhookError);

impl Rejection {
    /// Why.
    pub fn error(&self) -> &WebhookError {
        &self.0
    }

    /// The status of the answer.
    pub fn status(&self) -> http::StatusCode {
        http::StatusCode::from_u16(self.0.status()).unwrap_or(http::StatusCode::BAD_REQUEST)
    }

    /// The body of the answer: `{"error":"signature_mismatch","message":"…"}`.
    pub fn body(&self) -> String {
        serde_json::json!({ "error": self.0.code(), "message": self.0.to_string() }).to_string()
    }

    /// The answer.
    pub fn into_response<B: From<String>>(self) -> http::Response<B> {
        let mut response = http::Response::new(self.body().into());
        *response.status_mut() = self.status();
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        response
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Rejection {}
