//! An embedded Piaxis on a loopback port: for examples, for tests of your own integration, and for work without
//! credentials or a network.
//!
//! It answers as the API does (paths, credentials, shapes, amounts as `"15,000.00"`, errors as FastAPI writes them) and
//! keeps its state in memory. It is deterministic: ids count up, and its clock starts on 2026-01-01 and ticks a second a
//! request. So `find_like` needs a time before that: with the present time it finds nothing here.
//!
//! | to see | do |
//! |---|---|
//! | a payment that settles | create it with any phone number; the first `get` finds it pending, the second completed; lists do not count |
//! | a payment that fails | pay from [`DECLINED_PHONE_NUMBER`]; the second look finds it failed |
//! | a wrong one-time password | send a `user_info.otp` that is not [`OTP`], or [`OTP`] without requesting one first; a payment without `otp` is accepted |
//! | an API key that is refused | use another than [`API_KEY`]; any access token is accepted where the operation takes one |
//!
//! What the API does not promise, it does not do: a repeated idempotency key makes a second payment, and a one-time
//! password may be used again. One-time passwords and payments are there so far; the other routes answer 501 with the code `NOT_IN_SANDBOX`.
//!
//! ```
//! use piaxis::{PaymentMethod, PaymentStatus, sandbox::Sandbox, types::{PaymentCreate, UserInfo}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start().await?;
//! let client = sandbox.client();
//! let payer = UserInfo::builder().phone_number("+256700000000").build();
//! let payment = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn).user_info(payer);
//! let id = client.payments().create(payment.build()).await?.payment_id;
//!
//! assert_eq!(client.payments().get(&id).await?.status, PaymentStatus::Pending);
//! assert_eq!(client.payments().get(&id).await?.status, PaymentStatus::Completed);
//! # Ok(())
//! # }
//! ```

mod access;
mod otp;
mod payments;
mod reply;
mod server;
mod state;

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    Client, ClientBuilder,
    environment::{Environment, api_path},
};

/// The API key that the sandbox takes.
pub const API_KEY: &str = "sandbox-api-key";
/// The client id that the sandbox takes.
pub const CLIENT_ID: &str = "sandbox-client-id";
/// The one-time password that the sandbox sends to everybody, and gives back in its answer.
pub const OTP: &str = "123456";
/// Payments from this number fail.
pub const DECLINED_PHONE_NUMBER: &str = "+256700000009";

/// A running sandbox. It stops when dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Sandbox {
    /// Starts one on a free loopback port, on the present tokio runtime.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let app = server::app(Arc::default());
        // `serve` ends only with its task: it retries what fails on the socket.
        let task = tokio::spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Self { address, task })
    }

    /// The base URL, with its path.
    pub fn base_url(&self) -> String {
        format!("http://{}{}", self.address, api_path())
    }

    /// A client with credentials that the sandbox takes.
    ///
    /// # Panics
    /// When the platform has no TLS that works.
    #[allow(clippy::expect_used)]
    pub fn client(&self) -> Client {
        let builder = self.client_builder().api_key(API_KEY).client_id(CLIENT_ID);
        builder.build().expect("a loopback URL and plain credentials make a client")
    }

    /// A builder of clients that talk to this sandbox, without credentials.
    pub fn client_builder(&self) -> ClientBuilder {
        Client::builder().environment(Environment::Custom(self.base_url()))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}
