//! Typed mocks of the API, one for each operation, on [`httpmock`](https://docs.rs/httpmock).
//!
//! ```
//! use piaxis::{mock::{MockPiaxis, MockServerExt}, types::Payment};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), piaxis::Error> {
//! let piaxis = MockPiaxis::start().await;
//! let payment = Payment::builder().id("pay-1").status("completed").amount(15_000).currency("UGX").build();
//! let mock = piaxis.payments_get(|when, then| {
//!     when.payment_id("pay-1");
//!     then.success(200, &payment);
//! });
//!
//! assert_eq!(piaxis.client().payments().get("pay-1").await?, payment);
//! mock.assert();
//! # Ok(())
//! # }
//! ```
//!
//! `when` matches path and query parameters, bodies, `idempotency_key`, `request_id` and `access_token`; `then` responds
//! with a `success`, a `failure`, an `invalid_field`, a page of `html`, with several `in_turn`, after a `delay`, and for
//! lists with the requested page of their `items`. `into_inner()` returns the `When` or `Then` of `httpmock`, for
//! everything else.
//!
//! # Mocks or the emulator
//!
//! Mocks are for tests that state response by response what the API does: that a request is sent with this body and this
//! idempotency key, or how your code handles one error. The emulator, the crate `piaxis-emulator`, is for tests of a
//! flow. In the emulator, a payment has a state: the payment settles, notifies your server by webhook, and may exist
//! although the response was lost.
//!
//! ```
//! use piaxis::{Outcome, PaymentMethod, types::{PaymentCreate, PaymentFilter, UserInfo}};
//! use piaxis_emulator::{Emulator, Fault, When};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::start().await?;
//! let client = emulator.client();
//! let payer = UserInfo::builder().phone_number("+256700000000").build();
//! let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
//!
//! emulator.fail_next("payments_create", When::AfterCommit(Fault::Reset));
//! let error = client.payments().create(order.user_info(payer).build()).await.unwrap_err();
//! assert_eq!(error.outcome(), Outcome::Unknown); // and it was executed:
//! assert_eq!(client.payments().list(PaymentFilter::builder().build()).await?.total, Some(1));
//! # Ok(())
//! # }
//! ```
//!
//! Both belong to the dev-dependencies:
//!
//! ```toml
//! [dev-dependencies]
//! piaxis = { path = "../piaxis", features = ["mock"] }
//! piaxis-emulator = { path = "../piaxis/emulator" }
//! ```

mod response;

use std::ops::Deref;

use httpmock::{MockServer, When};

use crate::{
    Client, ClientBuilder,
    environment::{Environment, api_path},
    transport::path::encode,
};

pub use generated::{MockServerExt, operations};
pub use httpmock;
pub use response::MockResponse;
use response::{in_turn, pages};

#[allow(missing_docs, missing_debug_implementations, unused_imports, clippy::all, clippy::pedantic)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/mocks.rs"));
}

/// A mock server with the base path of the API. Derefs to [`MockServer`], to which [`MockServerExt`] adds one method for
/// each operation.
pub struct MockPiaxis {
    server: MockServer,
}

impl MockPiaxis {
    /// Starts a server on a free loopback port; it stops when dropped.
    pub async fn start() -> Self {
        Self { server: MockServer::start_async().await }
    }

    /// The base URL, with its path.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.server.base_url(), api_path())
    }

    /// A builder of clients that talk to this server, without credentials.
    pub fn client_builder(&self) -> ClientBuilder {
        Client::builder().environment(Environment::Custom(self.base_url()))
    }

    /// A client that talks to this server, with a placeholder API key and client id.
    ///
    /// # Panics
    /// When the platform has no working TLS.
    #[allow(clippy::expect_used)]
    pub fn client(&self) -> Client {
        let builder = self.client_builder().api_key("mock-api-key").client_id("mock-client-id");
        builder.build().expect("a loopback URL and plain credentials make a client")
    }
}

impl std::fmt::Debug for MockPiaxis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockPiaxis").field("base_url", &self.base_url()).finish()
    }
}

impl Deref for MockPiaxis {
    type Target = MockServer;

    fn deref(&self) -> &MockServer {
        &self.server
    }
}

/// An id as it stands in the path, for a regular expression.
fn segment(id: &str) -> String {
    regex::escape(&encode(id))
}

/// A parameter as the client writes it; `None` for one that is not sent.
fn parameter(value: &impl serde::Serialize) -> Option<String> {
    match serde_json::to_value(value).unwrap_or_default() {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// Matches a form field by field.
fn form_body(when: When, form: &impl serde::Serialize) -> When {
    let text = serde_urlencoded::to_string(form).unwrap_or_default();
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(&text).unwrap_or_default();
    fields.into_iter().fold(when, |when, (name, value)| when.form_urlencoded_tuple(name, value))
}
