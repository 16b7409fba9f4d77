use std::{fmt, sync::Arc};

use bytes::Bytes;

use super::{DeduplicationKey, Event, Verified, WebhookError};

/// Makes a key from an event.
pub(super) type KeyFrom = Arc<dyn Fn(&Event) -> Option<DeduplicationKey> + Send + Sync>;

/// A genuine delivery: Piaxis signed this body. Made by [`Webhook::verify`](super::Webhook::verify) and the receivers.
///
/// The body may be anything that was signed. [`event`](Self::event) parses the body. A body that fails to parse stays
/// available in [`body`](Self::body).
///
/// ```
/// use piaxis::webhook::{Signer, Webhook};
///
/// # fn main() -> Result<(), piaxis::webhook::WebhookError> {
/// let body = r#"["signed by Piaxis", "and not an event"]"#;
/// let delivery = Webhook::new("secret")?.verify(body, &Signer::new("secret")?.sign(body))?;
/// assert!(delivery.event().is_err());
/// assert_eq!(delivery.body(), body.as_bytes());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Delivery {
    body: Bytes,
    verified: Verified,
    event_header: Option<Box<str>>,
    key_from: Option<KeyFrom>,
}

impl Delivery {
    pub(super) fn new(
        body: Bytes,
        verified: Verified,
        event_header: Option<Box<str>>,
        key_from: Option<KeyFrom>,
    ) -> Self {
        Self { body, verified, event_header, key_from }
    }

    /// The body, byte by byte as received. Keep this for a person to look at when [`event`](Self::event) fails.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, without a copy.
    pub fn into_body(self) -> Bytes {
        self.body
    }

    /// Which signature the delivery has, when it was signed, and which secret matched.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The name of the event in the header, which **no signature covers**: for logs, not for decisions. The signed name is
    /// [`Event::event_type`].
    pub fn event_header(&self) -> Option<&str> {
        self.event_header.as_deref()
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`NotAnEvent`](WebhookError::NotAnEvent) when the body is not a JSON object in UTF-8, or one that `serde_json`
    /// does not read: half a surrogate pair, more than 127 levels. Respond with 200 even so, and keep the
    /// [`body`](Self::body): otherwise, Piaxis delivers the same body again.
    pub fn event(&self) -> Result<Event, WebhookError> {
        Event::read(self.body.clone())
    }

    /// Identifies the event across its deliveries to one endpoint.
    ///
    /// Piaxis gives neither events nor deliveries an id. By default, the key is a hash of the whole body with the id of the
    /// endpoint, whatever the order of its fields and its white space.
    ///
    /// No document states whether a retry has the same body. In particular, none states whether `timestamp` is the time of
    /// the event or of the sending. If it is the latter, every retry has a key of its own, and only
    /// [`Webhook::key_from`](super::Webhook::key_from) deduplicates.
    pub fn deduplication_key(&self) -> DeduplicationKey {
        let own = self.key_from.as_ref().and_then(|key_from| key_from(&self.event().ok()?));
        own.unwrap_or_else(|| DeduplicationKey::of_body(&self.body))
    }
}

/// Shows how the delivery was verified, and no content.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("bytes", &self.body.len())
            .field("verified", &self.verified)
            .field("event_header", &self.event_header)
            .finish_non_exhaustive()
    }
}
