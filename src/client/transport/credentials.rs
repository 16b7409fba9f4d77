use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::{
    headers::{self, header_value},
    token::{TokenSource, Tokens},
};
use crate::{
    Secret,
    error::{Error, ErrorKind},
    operation::{Credential, MISSING_CLIENT_ID, Operation, VARIABLES},
};

/// The credentials of a client. Each operation is sent those that it takes.
///
/// | who acts | credentials | environment |
/// |---|---|---|
/// | the merchant | `api_key`, and `client_id` where the table below has it | `PIAXIS_API_KEY`, `PIAXIS_CLIENT_ID` (or `PIAXIS_OAUTH_CLIENT_ID`) |
/// | a payer with a Piaxis wallet (`piaxis_external`) | `access_token`, called `bearer` in the table below | `PIAXIS_ACCESS_TOKEN` |
/// | the OAuth exchange | `client_id`, `client_secret`, both in the form | `PIAXIS_CLIENT_SECRET` (or `PIAXIS_OAUTH_CLIENT_SECRET`) |
///
/// An API key and a token may both be set. The client id is sent wherever it is configured and the operation takes it, also
/// beside a token. Where a source says that the API rejects a request without a credential, the request fails before it is
/// sent, and the error names the variable. Otherwise the API decides. This table is generated from the contract, and
/// [`OPERATIONS`](crate::OPERATIONS) has the same for programs:
///
#[doc = include_str!(concat!(env!("OUT_DIR"), "/credentials.md"))]
///
/// With a value that is invalid in a header, requests that require the value fail before they are sent.
///
/// ```
/// use piaxis::Credentials;
///
/// # fn example(client: &piaxis::Client) {
/// let merchant = client.with_credentials(Credentials::new().api_key("another-key").client_id("another-id"));
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Credentials {
    api_key: Option<Header>,
    client_id: Option<Header>,
    bearer: Option<Bearer>,
    client_secret: Option<Secret>,
}

/// A header's value, or what is wrong with its text.
type Header = Result<HeaderValue, String>;

#[derive(Clone)]
enum Bearer {
    Token(Header),
    Source(Arc<Tokens>),
}

/// The access token of one attempt.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) header: HeaderValue,
    /// Of a token source: how many tokens it had given before this one.
    pub(super) generation: Option<u64>,
}

impl Credentials {
    /// No credentials.
    pub fn new() -> Self {
        Self::default()
    }

    /// The merchant's API key.
    pub fn api_key(mut self, api_key: impl Into<Secret>) -> Self {
        self.api_key = Some(sensitive("the API key", api_key.into().expose()));
        self
    }

    /// The merchant's client id, which is the OAuth client id as well.
    pub fn client_id(mut self, client_id: impl AsRef<str>) -> Self {
        self.client_id = Some(sensitive("the client id", client_id.as_ref()));
        self
    }

    /// The OAuth client secret, for code exchange and refresh.
    pub fn client_secret(mut self, client_secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(client_secret.into());
        self
    }

    /// The access token of a payer, with or without `Bearer` before it.
    pub fn access_token(mut self, access_token: impl Into<Secret>) -> Self {
        self.bearer = Some(Bearer::Token(bearer(access_token.into().expose())));
        self
    }

    /// Source of access tokens of a payer, which gives a fresh token when the API rejects one (401). See [`TokenSource`].
    pub fn token_source(mut self, source: impl TokenSource) -> Self {
        self.bearer = Some(Bearer::Source(Arc::new(Tokens::new(Arc::new(source)))));
        self
    }

    /// The same client id and client secret, with the access token of a payer in place of the API key.
    pub(crate) fn for_payer(&self, access_token: impl Into<Secret>) -> Self {
        Self { api_key: None, ..self.clone() }.access_token(access_token)
    }

    /// Fails on the first value that cannot be used.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let token = match &self.bearer {
            Some(Bearer::Token(token)) => Some(token),
            _ => None,
        };
        for value in [self.api_key.as_ref(), self.client_id.as_ref(), token].into_iter().flatten() {
            usable(value)?;
        }
        if self.client_secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
            return Err(Error::local(ErrorKind::Configuration, "the client secret is empty"));
        }
        Ok(())
    }

    pub(crate) fn has(&self, credential: Credential) -> bool {
        match credential {
            Credential::ApiKey => self.api_key.is_some(),
            Credential::ClientId => self.client_id.is_some(),
            Credential::Bearer => self.bearer.is_some(),
        }
    }

    pub(crate) fn client_id_text(&self) -> Option<&str> {
        self.client_id.as_ref()?.as_ref().ok()?.to_str().ok()
    }

    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.client_secret.as_ref()
    }

    /// The texts that no message may show.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &HeaderValue> {
        let token = match &self.bearer {
            Some(Bearer::Token(token)) => Some(token),
            _ => None,
        };
        [self.api_key.as_ref(), token].into_iter().flatten().filter_map(|value| value.as_ref().ok())
    }

    /// The access token for an operation that takes one. A token source is asked for another than the `rejected` one.
    pub(super) async fn token(
        &self,
        operation: &Operation,
        rejected: Option<u64>,
        deadline: Instant,
    ) -> Result<Option<Token>, Error> {
        if !takes(operation, Credential::Bearer) {
            return Ok(None);
        }
        match &self.bearer {
            None => Ok(None),
            Some(Bearer::Token(token)) => Ok(Some(Token { header: usable(token)?.clone(), generation: None })),
            // In a box, because it is large and most clients have no source.
            Some(Bearer::Source(tokens)) => Box::pin(tokens.get(rejected, deadline)).await.map(Some),
        }
    }

    /// Sets every configured credential that the operation takes. Together they must be one of the sets that it names;
    /// otherwise the error names what the nearest set lacks.
    pub(super) fn authorize(
        &self,
        headers: &mut HeaderMap,
        operation: &Operation,
        token: Option<&Token>,
    ) -> Result<(), Error> {
        let all = [Credential::ApiKey, Credential::ClientId, Credential::Bearer];
        let is_configured = |credential: &Credential| takes(operation, *credential) && self.has(*credential);
        let configured = || all.into_iter().filter(is_configured);
        let lacks = |set: &&[Credential]| set.iter().filter(|credential| !is_configured(credential)).count();
        let enough = |set: &&&[Credential]| configured().all(|credential| set.contains(&credential));
        let mut sets = operation.security.iter().filter(enough);
        // Without any credential, the set that the contract names first is named.
        let nearest = if configured().next().is_none() { sets.next() } else { sets.min_by_key(|set| lacks(set)) };
        if let Some(nearest) = nearest
            && let Some(missing) = nearest.iter().find(|credential| !is_configured(credential))
        {
            let has_unused_token = self.bearer.is_some() && !takes(operation, Credential::Bearer);
            return Err(missing_credential(*missing, operation, has_unused_token));
        }
        for credential in configured() {
            let value = match credential {
                Credential::ApiKey => self.api_key.as_ref(),
                Credential::ClientId => self.client_id.as_ref(),
                Credential::Bearer => None,
            };
            let value = match value {
                Some(value) => Some(usable(value)?),
                None => token.map(|token| &token.header),
            };
            if let Some(value) = value {
                headers.insert(headers::of(credential), value.clone());
            }
        }
        Ok(())
    }
}

fn takes(operation: &Operation, credential: Credential) -> bool {
    operation.security.iter().any(|set| set.contains(&credential))
}

fn usable(value: &Header) -> Result<&HeaderValue, Error> {
    value.as_ref().map_err(|problem| Error::local(ErrorKind::Configuration, problem))
}

fn sensitive(what: &str, text: &str) -> Header {
    let mut value = header_value(what, text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The header of an access token, with or without the scheme before it.
pub(super) fn bearer(token: &str) -> Header {
    let has_scheme = token.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    let bare = if has_scheme { &token[7..] } else { token };
    sensitive("the access token", bare)?;
    sensitive("the access token", &format!("Bearer {bare}"))
}

fn missing_credential(missing: Credential, operation: &Operation, has_unused_token: bool) -> Error {
    let (what, variable) = match missing {
        Credential::ApiKey => ("an API key", VARIABLES.api_key),
        Credential::ClientId => ("the merchant's client id", VARIABLES.client_id),
        Credential::Bearer => ("an access token", VARIABLES.access_token),
    };
    let variable = variable.first().unwrap_or(&"");
    let or = match missing {
        Credential::ApiKey if takes(operation, Credential::Bearer) => {
            format!(" (or {}, to act for a payer)", VARIABLES.access_token[0])
        }
        _ => String::new(),
    };
    let message = if has_unused_token {
        format!(
            "{what} is required, because the operation takes no access token: use the merchant's client, or give the client \
             both ({variable})"
        )
    } else {
        format!("{what} is required: set {variable}{or}, or give it to the client's builder")
    };
    let error = Error::local(ErrorKind::Configuration, message);
    match missing {
        Credential::ClientId => error.with_code(MISSING_CLIENT_ID),
        _ => error,
    }
}

/// Which credentials are set, without their values.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("api_key", &self.api_key.is_some())
            .field("access_token", &self.bearer.is_some())
            .field("client_id", &self.client_id.is_some())
            .field("client_secret", &self.client_secret.is_some())
            .finish()
    }
}
