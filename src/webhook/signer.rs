use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    EventType, Headers, WebhookError,
    generated::HEADERS,
    signature::{Key, to_hex},
};
use crate::Secret;

/// Makes the headers that Piaxis would send, for tests of a receiver.
///
/// ```
/// use piaxis::webhook::{Signer, Webhook};
///
/// # fn main() -> Result<(), piaxis::webhook::WebhookError> {
/// let body = r#"{"event":"payment.succeeded","data":{}}"#;
/// let headers = Signer::new("secret")?.sign(body);
/// Webhook::new("secret")?.verify(body, &headers)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Signer {
    key: Key,
    at: Option<u64>,
    event: Option<String>,
}

impl Signer {
    /// A signer with the secret of an endpoint.
    ///
    /// # Errors
    /// When the secret is empty.
    pub fn new(secret: impl Into<Secret>) -> Result<Self, WebhookError> {
        Ok(Self { key: Key::new(&secret.into())?, at: None, event: None })
    }

    /// Signs as of this moment instead of now. One before 1970 counts as 1970.
    pub fn at(mut self, moment: SystemTime) -> Self {
        self.at = Some(unix_seconds(moment));
        self
    }

    /// Adds the header that names the event, which no signature covers.
    pub fn announcing(mut self, event: impl Into<EventType>) -> Self {
        self.event = Some(event.into().to_string());
        self
    }

    /// The headers of a delivery of this body: both signatures and the time.
    pub fn sign(&self, raw_body: impl AsRef<[u8]>) -> SignedHeaders {
        let body = raw_body.as_ref();
        let timestamp = self.at.unwrap_or_else(|| unix_seconds(SystemTime::now())).to_string();
        let v2 = to_hex(&self.key.sign(&[timestamp.as_bytes(), b".", body]));
        let mut list = vec![
            (HEADERS.signature, to_hex(&self.key.sign(&[body]))),
            (HEADERS.signature_v2, v2),
            (HEADERS.signature_timestamp, timestamp),
        ];
        list.extend(self.event.clone().map(|event| (HEADERS.event, event)));
        SignedHeaders(list)
    }
}

pub(super) fn unix_seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Headers of a delivery, as names and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders(Vec<(&'static str, String)>);

impl SignedHeaders {
    /// Without v2, like the headers of a deployment that does not send v2 yet, or of an attacker who removed v2.
    pub fn v1_only(mut self) -> Self {
        self.0.retain(|(name, _)| ![HEADERS.signature_v2, HEADERS.signature_timestamp].contains(name));
        self
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

impl Headers for SignedHeaders {
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0.values(name)
    }
}

impl IntoIterator for SignedHeaders {
    type Item = (&'static str, String);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<SignedHeaders> for HeaderMap {
    /// A name of an event that cannot stand in a header is left out.
    fn from(headers: SignedHeaders) -> Self {
        let header = |(name, value): (&str, String)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::try_from(value).ok()?))
        };
        headers.into_iter().filter_map(header).collect()
    }
}
