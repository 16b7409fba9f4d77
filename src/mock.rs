//! Typed mocks of the API, one for each operation, on [`httpmock`].
//!
//! For tests that say answer by answer what the API does; for one that behaves by itself, take the
//! [`sandbox`](crate::sandbox).
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
//! Failures, delays and headers are set on what [`httpmock`] itself gives:
//! `then.into_inner().status(409).json_body(…)`.

use std::ops::Deref;

use httpmock::{MockServer, When};

use crate::{
    Client, ClientBuilder,
    environment::{Environment, api_path},
    transport::path::encode,
};

pub use generated::{MockServerExt, operations};
pub use httpmock;

#[allow(missing_docs, missing_debug_implementations, unused_imports, clippy::all, clippy::pedantic)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/mocks.rs"));
}

/// A mock server with the base path of the API. It derefs to [`MockServer`], which [`MockServerExt`] gives one method for
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

    /// A client that talks to this server, with an API key and a client id that mean nothing.
    ///
    /// # Panics
    /// When the platform has no TLS that works.
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

/// Matches a form field by field.
fn form_body(when: When, form: &impl serde::Serialize) -> When {
    let text = serde_urlencoded::to_string(form).unwrap_or_default();
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(&text).unwrap_or_default();
    fields.into_iter().fold(when, |when, (name, value)| when.form_urlencoded_tuple(name, value))
}
