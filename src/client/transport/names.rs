//! Names of the headers that calls carry, once and for all: to read one from text for each call costs a lot beside it.

use http::HeaderName;

use crate::operation::{Credential, HEADERS};

/// `HeaderName::from_static` takes lower case only; the contract writes capitals.
const fn lower_case<const LENGTH: usize>(name: &str) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes.copy_from_slice(name.as_bytes());
    bytes.make_ascii_lowercase();
    bytes
}

macro_rules! name {
    ($name:expr) => {{
        const LOWER_CASE: [u8; $name.len()] = lower_case($name);
        // An empty name does not compile.
        const NAME: &str = match std::str::from_utf8(&LOWER_CASE) {
            Ok(name) => name,
            Err(_) => "",
        };
        HeaderName::from_static(NAME)
    }};
}

static API_KEY: HeaderName = name!(HEADERS.api_key);
static CLIENT_ID: HeaderName = name!(HEADERS.client_id);
static BEARER: HeaderName = name!(HEADERS.bearer);
pub(crate) static REQUEST_ID: HeaderName = name!(HEADERS.request_id);
pub(super) static IDEMPOTENCY_KEY: HeaderName = name!(HEADERS.idempotency_key);
pub(super) static APP_INFO: HeaderName = name!(HEADERS.app_info);

pub(super) fn of(credential: Credential) -> &'static HeaderName {
    match credential {
        Credential::ApiKey => &API_KEY,
        Credential::ClientId => &CLIENT_ID,
        Credential::Bearer => &BEARER,
    }
}
