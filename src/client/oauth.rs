//! Authorisation of payers with a Piaxis wallet: OAuth with PKCE.
//!
//! 1. Send the payer's browser to [`OAuth::authorize_url`], with a fresh [`State`] and the challenge of a fresh
//!    [`Pkce`](crate::pkce::Pkce) pair; keep both.
//! 2. When the payer comes back, compare the state, and give code and verifier to [`OAuth::exchange_code`].
//! 3. Make a client with the access token ([`Client::with_access_token`]), and pay with `piaxis_external`. The same client
//!    polls the payment. After `Outcome::Unknown`, call [`find_like`](crate::payments::Payments::find_like) on the
//!    merchant's client: the list takes no access token. Send `merchant_id` of the token response as `recipient_id`: no
//!    source says who collects otherwise.
//!
//! ```no_run
//! # async fn example(client: piaxis::Client, tokens: piaxis::types::TokenResponse) -> Result<(), piaxis::Error> {
//! use piaxis::{PaymentMethod, types::PaymentCreate};
//!
//! let payer = client.with_access_token(tokens.access_token);
//! let order = PaymentCreate::builder()
//!     .amount(15_000)
//!     .currency("UGX")
//!     .payment_method(PaymentMethod::PiaxisExternal)
//!     .maybe_recipient_id(tokens.merchant_id);
//! let payment = payer.payments().create(order.build()).idempotency_key("order-789").await?;
//! let settled = payer.payments().wait_until_settled(payment.payment_id).await?;
//! # Ok(())
//! # }
//! ```
//!
//! `cargo run --example oauth_flow` shows all steps on the emulator. [`TokenSource`](crate::TokenSource) supplies fresh tokens
//! when the API refuses one.

use std::fmt;

use bon::Builder;
use reqwest::Url;

use crate::{
    Client, GrantType, Secret,
    environment::is_https_or_loopback,
    error::{Error, ErrorKind},
    operation::{VARIABLES, named},
    pkce::{PkceError, random_text},
    request::Request,
    types::{AuthorizeParams, TestAuthorization, TokenRequest, TokenResponse},
};

/// Authorisation of payers; see [`Client::oauth`].
#[derive(Debug, Clone)]
pub struct OAuth {
    client: Client,
}

impl OAuth {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Returns the URL to which to redirect the payer's browser: `GET /authorize`. Sends nothing. Unset parameters are left
    /// out; `state` is part of the URL.
    ///
    /// # Errors
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) when the redirect URI is neither HTTPS nor on localhost.
    ///
    /// ```
    /// # fn example(client: piaxis::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use piaxis::{oauth::State, pkce::Pkce, types::AuthorizeParams};
    ///
    /// let (state, pkce) = (State::generate()?, Pkce::generate()?);
    /// let url = client.oauth().authorize_url(
    ///     &AuthorizeParams::builder()
    ///         .merchant_id("096b723a-45c5-4957-94d7-747835136265")
    ///         .external_user_id("customer-123")
    ///         .redirect_uri("https://shop.example.com/callback")
    ///         .state(state.as_str())
    ///         .code_challenge(pkce.challenge())
    ///         .code_challenge_method(pkce.method())
    ///         .build(),
    /// )?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn authorize_url(&self, params: &AuthorizeParams) -> Result<String, Error> {
        let refuse = |error: Error| error.in_operation(const { named("oauth_authorize") });
        check_redirect_uri(&params.redirect_uri).map_err(refuse)?;
        let unwritable =
            |error| Error::local(ErrorKind::InvalidRequest, format!("failed to serialize the parameters: {error}"));
        let query = serde_urlencoded::to_string(params).map_err(unwritable).map_err(refuse)?;
        let path = const { named("oauth_authorize") }.path;
        Ok(format!("{}{path}?{query}", self.client.shared().base_url))
    }

    /// Authorises without a browser, for tests: `GET /authorize` with `x-test-request`. Only owners and admins of the merchant
    /// may do so, and the redirect URI must be registered. The response contains the client secret.
    ///
    /// # Errors
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) when the redirect URI is neither HTTPS nor on localhost;
    /// [`UnexpectedStatus`](crate::ErrorKind::UnexpectedStatus) when the API redirects after all; otherwise see [`Error`](crate::Error).
    pub fn authorize_test(&self, params: AuthorizeParams) -> Request<TestAuthorization> {
        let checked = check_redirect_uri(&params.redirect_uri);
        let raw = self.client.raw();
        Request::checked(&self.client, const { named("oauth_authorize") }, checked, |()| {
            raw.oauth_authorize(&params, Some(true))
        })
    }

    /// Turns an authorization code into tokens: `POST /token`. Code, verifier and client secret are sent in the form body.
    ///
    /// Keep `user_id` of the response, which is the `recipient_id` of a later payout into this wallet, and `merchant_id`, which
    /// is the `recipient_id` of payments with the token alone.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) without client id or client secret; otherwise see
    /// [`Error`](crate::Error). A code works once: after any failure, start a new authorisation.
    pub fn exchange_code(&self, exchange: CodeExchange) -> Request<TokenResponse> {
        let body = || {
            check_redirect_uri(&exchange.redirect_uri)?;
            let (client_id, client_secret) = self.client_credentials(exchange.client_id, exchange.client_secret)?;
            Ok(TokenRequest::builder()
                .grant_type(GrantType::AuthorizationCode)
                .code(exchange.code)
                .redirect_uri(exchange.redirect_uri)
                .client_id(client_id)
                .client_secret(client_secret)
                .maybe_code_verifier(exchange.code_verifier)
                .build())
        };
        let raw = self.client.raw();
        Request::checked(&self.client, const { named("oauth_token") }, body(), |body| raw.oauth_token(&body))
    }

    /// Turns a refresh token into new tokens: `POST /token`.
    ///
    /// Only the official SDKs have this; the guide and the authentication page say that no refresh route exists. When the
    /// API rejects the request, start a new authorisation.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) without client id or client secret; otherwise see [`Error`](crate::Error).
    pub fn refresh_token(&self, refresh: TokenRefresh) -> Request<TokenResponse> {
        let body = || {
            let (client_id, client_secret) = self.client_credentials(refresh.client_id, refresh.client_secret)?;
            Ok(TokenRequest::builder()
                .grant_type(GrantType::RefreshToken)
                .refresh_token(refresh.refresh_token)
                .client_id(client_id)
                .client_secret(client_secret)
                .build())
        };
        let raw = self.client.raw();
        Request::checked(&self.client, const { named("oauth_token") }, body(), |body| raw.oauth_token(&body))
    }

    fn client_credentials(&self, id: Option<String>, secret: Option<Secret>) -> Result<(String, Secret), Error> {
        let missing = |what, variables: &[&str]| {
            let message =
                format!("the {what} is required: set {}, or pass the {what} to the client's builder", variables[0]);
            Error::local(ErrorKind::Configuration, message)
        };
        let id = id.or_else(|| self.client.credentials().client_id_text().map(str::to_owned));
        let secret = secret.or_else(|| self.client.credentials().secret().cloned());
        let secret = secret.filter(|secret| !secret.expose().is_empty());
        Ok((
            id.ok_or_else(|| missing("client id", VARIABLES.client_id))?,
            secret.ok_or_else(|| missing("client secret", VARIABLES.client_secret))?,
        ))
    }
}

/// What [`OAuth::exchange_code`] needs. Client id and secret are the client's unless they are given here.
#[derive(Debug, Clone, Builder)]
#[builder(on(_, into))]
#[non_exhaustive]
pub struct CodeExchange {
    /// Authorization code from the redirect.
    pub code: Secret,
    /// The same redirect URI as in the authorize URL.
    pub redirect_uri: String,
    /// Verifier of the PKCE pair, when the authorize URL had its challenge.
    pub code_verifier: Option<Secret>,
    /// OAuth client id.
    pub client_id: Option<String>,
    /// OAuth client secret.
    pub client_secret: Option<Secret>,
}

/// What [`OAuth::refresh_token`] needs. Client id and secret are the client's unless they are given here.
#[derive(Debug, Clone, Builder)]
#[builder(on(_, into))]
#[non_exhaustive]
pub struct TokenRefresh {
    /// Refresh token of an earlier response.
    pub refresh_token: Secret,
    /// OAuth client id.
    pub client_id: Option<String>,
    /// OAuth client secret.
    pub client_secret: Option<Secret>,
}

/// A random value that must come back unchanged with the code, against cross-site request forgery.
///
/// ```
/// use piaxis::oauth::State;
///
/// let state = State::generate()?;
/// let kept = state.as_str().to_owned();
/// assert!(State::from(kept).matches(state.as_str()));
/// assert!(!state.matches("something else"));
/// # Ok::<(), piaxis::pkce::PkceError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct State(Secret);

impl State {
    /// 256 random bits.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn generate() -> Result<Self, PkceError> {
        random_text().map(Self)
    }

    /// The text for the authorize URL, and to keep in the payer's session.
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }

    /// Whether this came back, compared in constant time.
    #[must_use]
    pub fn matches(&self, returned: &str) -> bool {
        !returned.is_empty() && self.0 == Secret::from(returned)
    }
}

impl From<String> for State {
    fn from(kept: String) -> Self {
        Self(kept.into())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({:?})", crate::Redacted)
    }
}

/// A code in the query of a URL must be encrypted on its way, or not leave the machine.
fn check_redirect_uri(redirect_uri: &str) -> Result<(), Error> {
    let fits = Url::parse(redirect_uri).is_ok_and(|url| is_https_or_loopback(&url) && url.fragment().is_none());
    let rejection = || {
        Error::local(
            ErrorKind::InvalidRequest,
            "the redirect URI must be HTTPS, or HTTP on localhost, without a fragment",
        )
    };
    fits.then_some(()).ok_or_else(rejection)
}
