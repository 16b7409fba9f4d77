//! The HTTP client: everything behind the feature `client`.

mod builder;
pub(crate) mod create_and_wait;
mod custom_request;
pub(crate) mod duration;
pub(crate) mod environment;
pub(crate) mod error;
pub(crate) mod extra_fields;
pub(crate) mod likeness;
pub(crate) mod lookup;
pub(crate) mod options;
pub(crate) mod pagination;
mod payout_batch;
pub(crate) mod poll;
pub(crate) mod quote_and_create;
pub(crate) mod request;
pub(crate) mod response_body;
pub(crate) mod transport;
pub(crate) mod undecoded;
pub(crate) mod unexpected;

pub mod disbursements;
pub mod escrow_disbursements;
pub mod escrows;
pub(crate) mod evidence;
pub mod oauth;
pub mod otp;
pub mod payments;
pub mod raw;

pub use builder::ClientBuilder;
pub use create_and_wait::{CreateAndWait, PaymentResult};
pub use custom_request::CustomRequest;
pub use environment::Environment;
pub use error::{Error, ErrorKind, FieldError, Outcome};
pub use evidence::{TermData, TermEvidence};
pub use lookup::{FindLike, Lookup};
pub use options::RequestOptions;
pub use pagination::{Items, Page, Pages};
pub use payout_batch::PayoutBatch;
pub use poll::{Notifier, PollResult, Poller};
pub use quote_and_create::{QuoteAndCreate, QuoteProblem, QuoteRejection};
pub use request::{Pending, Request, Response};
pub use response_body::ResponseBody;
pub use transport::{Attempt, Credentials, RetryPolicy, TokenFuture, TokenSource};
pub use undecoded::Undecoded;
pub use unexpected::{Unexpected, UnexpectedKind};

/// Bodies of requests and responses, one struct for each schema of the contract.
///
/// Request bodies are made with builders that the compiler checks. Response bodies require only the fields that a caller
/// cannot do without. Fields that the contract does not know are in `extra` of the struct that contains them.
///
/// In a response, an optional field that fails to decode is `None`, and
/// [`Response::undecoded`](crate::Response::undecoded) names the field. Deserialization of the same type with `serde`
/// fails on such a field.
///
/// `Debug` prints `[redacted]` for secrets, phone numbers, e-mail addresses, names of persons and coordinates. Serialization
/// writes them.
///
/// Phone numbers are in E.164 form. [`UgandanNumber`](crate::UgandanNumber) makes it of `0772 123 456`.
///
/// # What this version does not know
///
/// A new value of an enum is `Unknown("…")`, and a new field of a response is in `extra`.
/// [`ClientBuilder::on_unexpected`](crate::ClientBuilder::on_unexpected) reports both.
/// [`Request::extra_field`](crate::Request::extra_field) and [`Client::request`](crate::Client::request) send fields and
/// paths that Piaxis adds later, with the same credentials, limits, redaction, errors and outcomes. A write to an unknown
/// path is sent at most once.
///
/// ```no_run
/// # async fn example(order: piaxis::types::PaymentCreate) -> Result<(), piaxis::Error> {
/// use http::Method; // http = "1"
/// use serde_json::{Value, json};
///
/// let client = piaxis::Client::builder()
///     .api_key("your-api-key")
///     .on_unexpected(|found| eprintln!("{}: {} at {}", found.operation, found.kind, found.path))
///     .build()?;
/// let payment = client.payments().create(order).extra_field("metadata", json!({ "order": "789" })).await?;
/// let body = json!({ "amount": "15000" });
/// let transaction: Value = client.request(Method::POST, "/transactions").json(&body).await?;
/// # Ok(())
/// # }
/// ```
pub mod types {
    #[doc(inline)]
    pub use crate::raw::types::*;
}

use std::{fmt, sync::Arc};

use disbursements::Disbursements;
use escrow_disbursements::EscrowDisbursements;
use escrows::Escrows;
use http::Method;
use oauth::OAuth;
use otp::Otp;
use payments::Payments;
use serde::de::DeserializeOwned;
use transport::Shared;

use crate::{Credential, Secret};

/// A Piaxis client. Cheap to clone. Clones and derived clients share connections, limits, retry budget and configuration.
///
/// ```no_run
/// # async fn example() -> Result<(), piaxis::Error> {
/// let client = piaxis::Client::from_env()?;
/// let payment = client.payments().get("3a0da2c0-a8b2-4c76-9f40-1dbf7ee03dcf").await?;
/// println!("{} {} {}", payment.amount, payment.currency, payment.status);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    credentials: Arc<Credentials>,
}

impl Client {
    pub(crate) fn new(shared: Shared, credentials: Credentials) -> Self {
        Self { shared: Arc::new(shared), credentials: Arc::new(credentials) }
    }

    /// A client from the environment: `PIAXIS_API_KEY`, `PIAXIS_ACCESS_TOKEN`, `PIAXIS_CLIENT_ID` (or
    /// `PIAXIS_OAUTH_CLIENT_ID`), `PIAXIS_CLIENT_SECRET` (or `PIAXIS_OAUTH_CLIENT_SECRET`), `PIAXIS_API_BASE_URL`
    /// (production when unset; HTTPS, except on loopback). [`ClientBuilder::from_env`] starts a builder from the same variables.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) when neither an API key nor an access token is set, or a variable is
    /// empty or invalid. The error names the variable, never its value.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }

    /// A builder of a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Returns a client that acts for a payer, with the same client id and client secret, and with this access token in
    /// place of the API key.
    ///
    /// The new client shares connections, limits, retry budget and configuration with this one, so one client can serve
    /// many payers. Operations that require the API key, such as the lists, fail before they are sent. For these, use the
    /// merchant's client, or [`with_credentials`](Self::with_credentials) with both credentials.
    ///
    /// With a token that is invalid in a header, requests that require the token fail before they are sent.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client, token: piaxis::Secret) -> Result<(), piaxis::Error> {
    /// let payer = client.with_access_token(token);
    /// let escrow = payer.escrows().get("5a1d3f9e").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_access_token(&self, access_token: impl Into<Secret>) -> Self {
        self.with_credentials(self.credentials.for_payer(access_token))
    }

    /// Returns a client with these credentials and no others. The new client shares connections, limits, retry budget and
    /// configuration with this one.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        Self { shared: self.shared.clone(), credentials: Arc::new(credentials) }
    }

    /// The environment that the client talks to.
    pub fn environment(&self) -> &Environment {
        &self.shared.environment
    }

    /// Direct payments: collect money at once.
    pub fn payments(&self) -> Payments {
        Payments::new(self.clone())
    }

    /// Escrows: collect money and hold it until terms are met.
    pub fn escrows(&self) -> Escrows {
        Escrows::new(self.clone())
    }

    /// Disbursements: pay many beneficiaries.
    pub fn disbursements(&self) -> Disbursements {
        Disbursements::new(self.clone())
    }

    /// Escrow disbursements: pay beneficiaries once terms are met.
    pub fn escrow_disbursements(&self) -> EscrowDisbursements {
        EscrowDisbursements::new(self.clone())
    }

    /// One-time passwords.
    pub fn otp(&self) -> Otp {
        Otp::new(self.clone())
    }

    /// Authorization of payers with a Piaxis wallet.
    pub fn oauth(&self) -> OAuth {
        OAuth::new(self.clone())
    }

    /// Returns the generated operations, for parameters that no resource wraps. Each returns a [`Request`]: credentials,
    /// options, retries and errors are the same.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use std::time::Duration;
    ///
    /// let payment = client.raw().payments_get("3a0da2c0").timeout(Duration::from_secs(5)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn raw(&self) -> raw::Client {
        raw::Client::new(self.clone())
    }

    /// A request to a path of the API that this version of the crate does not know. The response decodes into a type of the
    /// caller.
    ///
    /// `path` is relative to the base URL. Credentials, headers, limits, redaction, errors and outcomes are those of any
    /// other request; see [`CustomRequest`].
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use http::Method;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Transaction {
    ///     id: String,
    ///     amount: piaxis::Amount,
    /// }
    ///
    /// let body = serde_json::json!({ "amount": "15000", "currency": "UGX" });
    /// let transaction: Transaction = client.request(Method::POST, "/transactions").json(&body).await?;
    /// println!("{} {}", transaction.id, transaction.amount);
    /// # Ok(())
    /// # }
    /// ```
    pub fn request<T: DeserializeOwned + Send + 'static>(&self, method: Method, path: &str) -> CustomRequest<T> {
        CustomRequest::new(self, &method, path)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }
}

/// The base URL and which credentials are set, without their values.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = &self.credentials;
        f.debug_struct("Client")
            .field("base_url", &self.shared.base_url.as_str())
            .field("api_key", &credentials.has(Credential::ApiKey))
            .field("access_token", &credentials.has(Credential::Bearer))
            .field("client_id", &credentials.has(Credential::ClientId))
            .field("client_secret", &credentials.secret().is_some())
            .field("timeout", &self.shared.timeout)
            .finish_non_exhaustive()
    }
}
