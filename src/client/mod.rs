//! The HTTP client: everything behind the feature `client`.

mod builder;
pub(crate) mod environment;
pub(crate) mod error;
pub(crate) mod pagination;
pub(crate) mod payout;
pub(crate) mod poll;
pub(crate) mod request;
pub(crate) mod transport;

pub mod disbursements;
pub mod escrow_disbursements;
pub mod escrows;
pub(crate) mod evidence;
pub mod oauth;
pub mod otp;
pub mod payments;
pub mod raw;

pub use builder::ClientBuilder;
pub use environment::Environment;
pub use error::{Error, ErrorKind, FieldError, Outcome};
pub use evidence::TermEvidence;
pub use pagination::{Items, Page, Pages};
pub use payout::{CheckedPayout, PayoutBatch, QuoteProblem, QuoteRefusal};
pub use poll::{Notifier, Wait, Waited};
pub use request::{Request, Response, Sending};
pub use transport::{Attempt, RetryPolicy};

/// Bodies of requests and answers, one struct for each schema of the contract.
///
/// Requests are made with builders that the compiler checks. Answers require only what a caller needs to go on;
/// whatever else the API sends is in the `extra` of the struct that it came in.
pub mod types {
    #[doc(inline)]
    pub use crate::raw::types::*;
}

use std::{fmt, future::Future, sync::Arc};

use disbursements::Disbursements;
use escrow_disbursements::EscrowDisbursements;
use escrows::Escrows;
use oauth::OAuth;
use otp::Otp;
use payments::Payments;
use transport::{Call, Shared};

use crate::Secret;

/// A Piaxis client. Cheap to clone; the clones share connections and credentials.
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
}

impl Client {
    /// A client from the environment: `PIAXIS_API_KEY`, `PIAXIS_ACCESS_TOKEN`, `PIAXIS_CLIENT_ID` (or
    /// `PIAXIS_OAUTH_CLIENT_ID`), `PIAXIS_CLIENT_SECRET` (or `PIAXIS_OAUTH_CLIENT_SECRET`), `PIAXIS_API_BASE_URL`
    /// (production when unset).
    ///
    /// # Errors
    /// When neither an API key nor an access token is there, or a variable is empty or cannot be used. The error names
    /// the variable, never its value.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }

    /// A client made by hand.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Which Piaxis it talks to.
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

    /// Escrow disbursements: pay beneficiaries once they met terms.
    pub fn escrow_disbursements(&self) -> EscrowDisbursements {
        EscrowDisbursements::new(self.clone())
    }

    /// One-time passwords.
    pub fn otp(&self) -> Otp {
        Otp::new(self.clone())
    }

    /// Authorisation of payers with a Piaxis wallet.
    pub fn oauth(&self) -> OAuth {
        OAuth::new(self.clone())
    }

    /// Calls the generated client, for what no resource wraps; credentials, options and errors are the same.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// let payment = client.raw(|raw| async move { raw.payments_get("3a0da2c0").await }).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn raw<T, F, Fut>(&self, call: F) -> Request<T>
    where
        T: 'static,
        F: FnOnce(raw::Client) -> Fut + Send + 'static,
        Fut: Future<Output = Result<raw::ResponseValue<T>, raw::Error<()>>> + Send + 'static,
    {
        // The closure runs when the request is awaited: it may start something that sends.
        Request::unnamed(self, move |raw| async move { call(raw).await })
    }

    pub(crate) fn call(&self) -> Call {
        Call::new(&self.shared)
    }

    pub(crate) fn raw_client(&self, call: Call) -> raw::Client {
        raw::Client::new_with_client(self.base_url(), self.shared.http.clone(), call)
    }

    pub(crate) fn base_url(&self) -> &str {
        self.shared.base_url.as_str()
    }

    pub(crate) fn client_id(&self) -> Option<&str> {
        self.shared.credentials.client_id.as_ref().and_then(|value| value.to_str().ok())
    }

    pub(crate) fn client_secret(&self) -> Option<&Secret> {
        self.shared.credentials.client_secret.as_ref()
    }
}

/// The base URL and which credentials are set, without their values.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = &self.shared.credentials;
        f.debug_struct("Client")
            .field("base_url", &self.base_url())
            .field("api_key", &credentials.api_key.is_some())
            .field("access_token", &credentials.bearer.is_some())
            .field("client_id", &credentials.client_id.is_some())
            .field("client_secret", &credentials.client_secret.is_some())
            .field("timeout", &self.shared.timeout)
            .finish_non_exhaustive()
    }
}
