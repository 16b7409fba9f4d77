use std::{
    env, fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use super::{
    DeduplicationKey, Delivery, Event, Rejection, SignatureVersion, Verified, WebhookError,
    delivery::KeyFrom,
    generated::{HEADERS, TOLERANCE},
    headers::Headers,
    signature::{self, Key},
    signer::unix_seconds,
};
use crate::{Secret, operation::VARIABLES};

/// Default maximum length of a body, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;
/// Default time that a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Verifies deliveries with the secret of an endpoint. Cheap to clone.
///
/// The dashboard shows the secret once, when the endpoint is made or its secret is changed.
///
/// # Replays
///
/// An attacker who saw a genuine delivery can send the same bytes again. How to prevent such a replay depends on the
/// signature:
///
/// | deliveries carry | use | a replay is |
/// |---|---|---|
/// | v2 (signed time of sending) | [`require_v2`](Self::require_v2) | rejected after the [`tolerance`](Self::tolerance), deduplicated before |
/// | v1 only | [`max_event_age`](Self::max_event_age) and a guard whose time to live is at least that age | rejected after that age, deduplicated before |
/// | v1 only | a guard alone | **handled again** once the guard forgot the event |
///
/// No document says whether all deliveries carry v2. [`Delivery::verified`] tells for yours.
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
    max_event_age: Option<Duration>,
    key_from: Option<KeyFrom>,
    clock: Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>,
    body_limit: usize,
    body_timeout: Duration,
}

impl Webhook {
    /// Verifies with this secret, by v2 if a delivery has it and by v1 otherwise, with a tolerance of 300 seconds.
    ///
    /// # Errors
    /// When the secret is empty, or has white space at its start or end.
    pub fn new(secret: impl Into<Secret>) -> Result<Self, WebhookError> {
        Ok(Self {
            keys: [Key::new(&secret.into())?].into(),
            tolerance: TOLERANCE,
            require_v2: false,
            max_event_age: None,
            key_from: None,
            clock: None,
            body_limit: BODY_LIMIT,
            body_timeout: BODY_TIMEOUT,
        })
    }

    /// Verifies with the secret in `PIAXIS_WEBHOOK_SECRET`. The variable may hold several, separated by white space: the
    /// new one first and the old one after, during a rotation.
    ///
    /// # Errors
    /// When the variable is not set, not UTF-8, or has no secret.
    pub fn from_env() -> Result<Self, WebhookError> {
        let variable = VARIABLES.webhook_secret[0];
        let secrets = VARIABLES.webhook_secret.iter().find_map(|name| env::var(name).ok());
        let secrets = Secret::from(secrets.ok_or(WebhookError::NoSecret { variable })?);
        let mut secrets = secrets.expose().split_whitespace();
        let first = Self::new(secrets.next().ok_or(WebhookError::EmptySecret)?)?;
        secrets.try_fold(first, Self::additional_secret)
    }

    /// Accepts another secret as well, while a rotation lasts. [`Verified::secret`] tells which one matched.
    ///
    /// # Errors
    /// The same as [`new`](Self::new).
    pub fn additional_secret(mut self, secret: impl Into<Secret>) -> Result<Self, WebhookError> {
        let key = Key::new(&secret.into())?;
        self.keys = self.keys.iter().cloned().chain([key]).collect();
        Ok(self)
    }

    /// Rejects deliveries that have the v1 signature only.
    ///
    /// v1 does not cover the time, so that an attacker who saw a delivery can send it again at any time, without its v2 headers.
    /// Set this as soon as your deliveries carry v2.
    pub fn require_v2(mut self) -> Self {
        self.require_v2 = true;
        self
    }

    /// Maximum difference between the signed time of sending and this machine's clock, in both directions. Default: 300
    /// seconds, as in the official SDKs. `Duration::MAX` accepts any time. v1 has no time of sending.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Rejects deliveries with the v1 signature only, if the `timestamp` of the body is older than this, missing, or
    /// invalid. Off by default.
    ///
    /// Choose an age that is longer than Piaxis retries a delivery, and not longer than the time to live of your guard. The
    /// `timestamp` of the body is taken for UTC, which no document states.
    pub fn max_event_age(mut self, age: Duration) -> Self {
        self.max_event_age = Some(age);
        self
    }

    /// Makes [deduplication keys](Delivery::deduplication_key) from fields of the event. On `None`, and for a body that
    /// is not an event, the key is that of the whole body.
    ///
    /// Include every field that distinguishes two events, such as the kind and the status: a payment has several events.
    ///
    /// ```
    /// use piaxis::webhook::{DeduplicationKey, Webhook};
    ///
    /// # fn main() -> Result<(), piaxis::webhook::WebhookError> {
    /// let webhook = Webhook::new("secret")?.key_from(|event| {
    ///     let data = event.data();
    ///     let (id, status) = (data.get("payment_id")?.as_str()?, data.get("status")?.as_str()?);
    ///     Some(DeduplicationKey::of([event.event_type()?.as_str(), id, status]))
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn key_from(mut self, key_from: impl Fn(&Event) -> Option<DeduplicationKey> + Send + Sync + 'static) -> Self {
        self.key_from = Some(Arc::new(key_from));
        self
    }

    /// Reads the time from another clock, for tests and for deliveries that were kept.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Maximum length of a body in bytes, for [`receive`](Self::receive) and the receivers for servers. Default: 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Maximum time that a body may take to arrive, for the receivers for servers. Default: 10 seconds.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    #[cfg(any(feature = "axum", feature = "tower"))]
    pub(super) fn body_limits(&self) -> (usize, Duration) {
        (self.body_limit, self.body_timeout)
    }

    /// Verifies the signature of this body, and the age of the signature. The body must be that of the request, byte by
    /// byte, before any parser. Nothing is parsed before the signature is verified.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub fn verify(
        &self,
        raw_body: impl AsRef<[u8]>,
        headers: &(impl Headers + ?Sized),
    ) -> Result<Delivery, WebhookError> {
        let raw_body = raw_body.as_ref();
        let verified = self.verified(raw_body, headers)?;
        self.delivery(verified, Bytes::copy_from_slice(raw_body), headers)
    }

    /// As [`verify`](Self::verify), without a copy of the body.
    pub(super) fn verify_bytes(&self, body: Bytes, headers: &http::HeaderMap) -> Result<Delivery, WebhookError> {
        let verified = self.verified(&body, headers)?;
        self.delivery(verified, body, headers)
    }

    fn now(&self) -> SystemTime {
        self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock())
    }

    fn verified(&self, body: &[u8], headers: &(impl Headers + ?Sized)) -> Result<Verified, WebhookError> {
        let now = unix_seconds(self.now());
        signature::verify(&self.keys, headers, body, self.require_v2, self.tolerance, now)
    }

    fn delivery(
        &self,
        verified: Verified,
        body: Bytes,
        headers: &(impl Headers + ?Sized),
    ) -> Result<Delivery, WebhookError> {
        if let (Some(limit), SignatureVersion::V1) = (self.max_event_age, verified.version) {
            self.check_age(&body, limit)?;
        }
        let event_header = headers.values(HEADERS.event).next().map(|name| String::from_utf8_lossy(name).into());
        Ok(Delivery::new(body, verified, event_header, self.key_from.clone()))
    }

    fn check_age(&self, body: &Bytes, limit: Duration) -> Result<(), WebhookError> {
        let at = Event::read(body.clone()).ok().and_then(|event| event.timestamp());
        let at = at.ok_or(WebhookError::EventAgeUnknown)?.to_utc().timestamp();
        let (now, tolerance) = (i64::try_from(unix_seconds(self.now())).unwrap_or(i64::MAX), self.tolerance);
        let difference = Duration::from_secs(now.abs_diff(at));
        if at <= now && difference > limit {
            return Err(WebhookError::EventTooOld { age: difference, limit });
        }
        if at > now && difference > tolerance {
            return Err(WebhookError::FromTheFuture { ahead: difference, tolerance });
        }
        Ok(())
    }

    /// Checks the headers alone: the signature must be present and well-formed. For servers that can reject a request
    /// before reading its body.
    ///
    /// # Errors
    /// The same as [`verify`](Self::verify), for the headers.
    pub fn check_headers(&self, headers: &(impl Headers + ?Sized)) -> Result<(), WebhookError> {
        signature::check_headers(headers, self.require_v2)
    }

    /// Verifies a request of any server that uses the crate `http`, and makes the response for one that is rejected.
    ///
    /// ```
    /// use piaxis::webhook::{Rejection, Webhook};
    ///
    /// fn receive(webhook: &Webhook, request: http::Request<Vec<u8>>) -> http::Response<String> {
    ///     let (parts, body) = request.into_parts();
    ///     match webhook.receive(body, &parts.headers) {
    ///         Ok(delivery) => http::Response::new(format!("{} bytes", delivery.body().len())),
    ///         Err(rejection) => rejection.into_response(),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`verify`](Self::verify), and when the body is longer than the [limit](Self::body_limit). Have your server reject
    /// such a body before reading it, too.
    pub fn receive(&self, raw_body: impl Into<Bytes>, headers: &http::HeaderMap) -> Result<Delivery, Rejection> {
        let body = raw_body.into();
        if body.len() > self.body_limit {
            return Err(WebhookError::BodyTooLarge { limit: self.body_limit }.into());
        }
        Ok(self.verify_bytes(body, headers)?)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("secrets", &self.keys.len())
            .field("tolerance", &self.tolerance)
            .field("require_v2", &self.require_v2)
            .field("max_event_age", &self.max_event_age)
            .field("body_limit", &self.body_limit)
            .finish_non_exhaustive()
    }
}
