use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::error::{Error, ErrorKind};

/// An idempotency key or a request id: the caller's, or a random one.
#[derive(Clone)]
pub(crate) enum Id {
    Given(HeaderValue),
    Random(Uuid),
}

impl Id {
    /// The one that the caller set, or a random one.
    pub(super) fn of(headers: &HeaderMap, name: &HeaderName) -> Self {
        headers.get(name).cloned().map_or_else(|| Self::Random(Uuid::new_v4()), Self::Given)
    }

    pub(super) fn header(&self) -> Result<HeaderValue, Error> {
        match self {
            Self::Given(value) => Ok(value.clone()),
            Self::Random(id) => HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
                .map_err(|_| Error::local(ErrorKind::InvalidRequest, "a random id is invalid in a header")),
        }
    }

    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Given(value) => value.to_str().ok().map(str::to_owned),
            Self::Random(id) => Some(id.to_string()),
        }
    }
}
