//! The emulator as a test holds it.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use piaxis::{Amount, Client, ClientBuilder, Environment, Secret};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    background,
    contract::CONTRACT,
    faults::When,
    operations::escrows::Resolution,
    recorded::RecordedRequest,
    server::{self, Shared},
    settings::Settings,
    state::Writer,
    world::{
        World,
        clock::Clock,
        ledger::{Account, Entry},
        merchants,
        table::Row,
    },
};

/// How an emulator is started.
#[derive(Debug, Clone)]
#[must_use]
pub struct EmulatorBuilder {
    host: IpAddr,
    port: u16,
    seed: u64,
    start: Option<DateTime<Utc>>,
    settings: Settings,
    /// Secret because tokens may stand in it, and `Debug` shows a builder.
    webhook_url: Option<Secret>,
    webhook_secret: Option<Secret>,
    #[cfg(feature = "state")]
    state_file: Option<std::path::PathBuf>,
}

impl Default for EmulatorBuilder {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            seed: 1,
            start: None,
            settings: Settings::default(),
            webhook_url: None,
            webhook_secret: None,
            #[cfg(feature = "state")]
            state_file: None,
        }
    }
}

impl EmulatorBuilder {
    /// Address to listen on; `127.0.0.1` by default. The credentials are no secrets, so listen on other interfaces only where
    /// all who reach them may use the emulator, such as in a container.
    pub fn host(mut self, host: impl Into<IpAddr>) -> Self {
        self.host = host.into();
        self
    }

    /// Port; a free one by default.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Seed of ids; 1 by default. Two emulators with one seed give the same ids in the same order.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// A clock that starts here, and that only [`Emulator::advance`] moves. By default the clock is the machine's.
    pub fn start_at(mut self, start: DateTime<Utc>) -> Self {
        self.start = Some(start);
        self
    }

    /// How long a payment or a disbursement takes to settle; one second by default.
    pub fn settle_after(mut self, delay: Duration) -> Self {
        self.settings.settle_after = delay;
        self
    }

    /// Start balance of each merchant, in UGX; ten million by default.
    pub fn start_balance(mut self, balance: impl Into<Amount>) -> Self {
        self.settings.start_balance = balance.into();
        self
    }

    /// Random one-time passwords instead of [`OTP`](crate::OTP).
    pub fn random_otps(mut self) -> Self {
        self.settings.otp = None;
        self
    }

    /// Lets a one-time password be used again. By default it works once.
    pub fn reusable_otps(mut self) -> Self {
        self.settings.is_otp_single_use = false;
        self
    }

    /// Direct payments of more than this need a second-factor code, in the body or in the query: the one-time password that was
    /// last sent to the payer. By default none does. No source says when Piaxis asks for a code, or which one.
    pub fn mfa_above(mut self, amount: impl Into<Amount>) -> Self {
        self.settings.mfa_above = Some(amount.into());
        self
    }

    /// Fee of each direct payment that is completed, at most the amount of the payment; none by default. The payer pays it on top
    /// where the request says `customer_pays_fees`, and otherwise the merchant. No source shows fees of payments.
    pub fn payment_fee(mut self, fee: impl Into<Amount>) -> Self {
        self.settings.payment_fee = fee.into();
        self
    }

    /// Ignores idempotency keys: a repeated one executes the write again. Piaxis recommends the key and promises nothing.
    pub fn ignores_idempotency_keys(mut self) -> Self {
        self.settings.honours_idempotency_keys = false;
        self
    }

    /// Accepts requests without the client id on the routes that require it, as the examples of the official SDKs do.
    pub fn client_id_optional(mut self) -> Self {
        self.settings.requires_client_id = false;
        self
    }

    /// Delays every response by this long, after the request was executed; zero by default.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.settings.latency = latency;
        self
    }

    /// URL that webhooks of the default merchant are posted to; see [`Merchant::set_webhook`].
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = Some(url.into().into());
        self
    }

    /// Secret that webhooks of the default merchant are signed with; see [`Merchant::set_webhook_secret`].
    pub fn webhook_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.webhook_secret = Some(secret.into());
        self
    }

    /// How long an endpoint may take to respond to a webhook, on the machine's clock; ten seconds by default. No source shows
    /// the timeout of Piaxis.
    pub fn webhook_timeout(mut self, timeout: Duration) -> Self {
        self.settings.webhook_timeout = timeout;
        self
    }

    /// How long a client may take for the head and for the body of a request; 30 seconds each by default.
    #[doc(hidden)]
    pub fn read_timeouts(mut self, head: Duration, body: Duration) -> Self {
        (self.settings.head_timeout, self.settings.body_timeout) = (head, body);
        self
    }

    /// Keeps the state in a file, which is created where there is none. A response is sent once the file has all that the
    /// response tells, so that a kill loses nothing of it. Webhooks wait likewise. Changes by methods of [`Emulator`] and
    /// [`Merchant`] are written shortly afterwards; [`Emulator::shutdown`] waits for all.
    ///
    /// Seed and clock of an existing file win over those of the builder. All other settings are the builder's. The file holds
    /// credentials and personal data; on Unix, only its owner may read it.
    #[cfg(feature = "state")]
    pub fn state_file(mut self, path: impl Into<std::path::PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// Starts the emulator on the present tokio runtime.
    ///
    /// # Errors
    /// When the port cannot be had, the webhook URL is invalid, or the state file cannot be used.
    pub async fn start(self) -> io::Result<Emulator> {
        let listener = server::bind(self.host, self.port).await?;
        let (world, writer) = self.open().await?;
        let shared = Arc::new(Shared::new(world, writer, listener.local_addr()?));
        if let Some(url) = &self.webhook_url {
            let set = shared.world().set_webhook_url(0, Some(url.expose()));
            set.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        }
        if let Some(secret) = self.webhook_secret {
            shared.world().set_webhook_secret(0, secret);
        }
        shared.written().await.map_err(io::Error::other)?;
        let (stop, stopped) = watch::channel(false);
        let background = tokio::spawn(background::run(shared.clone(), stopped.clone()));
        let server = tokio::spawn(server::serve(listener, shared.clone(), stopped));
        Ok(Emulator { shared, stop, tasks: [server, background] })
    }

    /// The state, of the file where one is set.
    async fn open(&self) -> io::Result<(World, Option<Writer>)> {
        let (settings, seed) = (self.settings.clone(), self.seed);
        let clock = self.start.map_or_else(Clock::system, Clock::manual);
        #[cfg(feature = "state")]
        if let Some(path) = self.state_file.clone() {
            let name = path.display().to_string();
            let opened = tokio::task::spawn_blocking(move || crate::state::open(&path, settings, clock, seed)).await;
            // The database panics on some damage.
            let damaged = format!("state file {name}: damaged: restore a copy, or use another file");
            let (world, writer) = opened.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, damaged))??;
            return Ok((world, Some(writer)));
        }
        Ok((World::new(settings, clock, seed), None))
    }
}

/// A running emulator. It stops when dropped. `Debug` shows the base URL only.
pub struct Emulator {
    pub(crate) shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

impl Emulator {
    /// Starts an emulator on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port can be had.
    ///
    /// ```
    /// use piaxis_emulator::Emulator;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::start().await?;
    /// let page = emulator.client().payments().list(piaxis::types::PaymentFilter::builder().build()).await?;
    /// assert!(page.results.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// A builder of an emulator.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }

    /// The base URL, with its path.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.shared.origin(), CONTRACT.base_path)
    }

    /// A builder of clients that talk to this emulator, without credentials.
    pub fn client_builder(&self) -> ClientBuilder {
        Client::builder().environment(Environment::Custom(self.base_url()))
    }

    /// A client of the default merchant.
    ///
    /// # Panics
    /// When the platform has no TLS that works.
    pub fn client(&self) -> Client {
        self.default_merchant().client()
    }

    /// The merchant that every emulator has.
    pub fn default_merchant(&self) -> Merchant<'_> {
        Merchant { emulator: self, row: 0 }
    }

    /// The merchant of this name, which is added at the first time. Merchants see nothing of each other, so tests can share
    /// an emulator.
    pub fn merchant(&self, name: &str) -> Merchant<'_> {
        let row = self.shared.merchant(name);
        Merchant { emulator: self, row }
    }

    /// The next request of an operation, by its name in the contract, fails so. Several wait for one request each.
    ///
    /// # Panics
    /// When the contract has no such operation.
    #[track_caller]
    pub fn fail_next(&self, operation: &str, when: When) {
        assert!(self.shared.faults().fail_next(operation, when), "the contract has no operation `{operation}`");
    }

    /// This share of all requests fails, in every way, before and after the commit; 0 ends it.
    pub fn fail_randomly(&self, share: f64, seed: u64) {
        self.shared.faults().fail_randomly(share, seed);
    }

    /// Forgets the faults to come.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// The time of the emulator.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.world().now()
    }

    /// Advances the clock, and does what is due by then.
    pub fn advance(&self, by: Duration) {
        self.shared.advance(by);
    }

    /// The present state, to be [restored](Self::restore) later: accounts, payments, escrows, batches, tokens, idempotency
    /// keys, webhooks, timers, and the clock. Faults and [requests](Self::requests) are no part of the state.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Box::new(self.shared.world().clone()))
    }

    /// Goes back to a state of this emulator, or takes over that of another one. Settings of the builder stay. Deliveries
    /// that were under way at the snapshot are attempted again. A [`Merchant`] that was added since must not be used any more.
    ///
    /// The clock goes back as well, where only tests move it. A clock of the machine keeps the time by which it is ahead.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.shared.world().restore(&snapshot.0);
        self.shared.changed.notify_one();
    }

    /// The last 10,000 requests, and no more than 128 MiB of them, in the order in which they came in.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.records().iter().collect()
    }

    /// The requests of an operation, by its name in the contract.
    pub fn requests_of(&self, operation: &str) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.operation == Some(operation));
        requests
    }

    /// Asserts how many requests of an operation came in, faults and retries included, and returns them.
    ///
    /// # Panics
    /// When the number is another.
    #[track_caller]
    pub fn assert_requests(&self, operation: &str, count: usize) -> Vec<RecordedRequest> {
        let requests = self.requests_of(operation);
        assert_eq!(requests.len(), count, "requests of {operation}: {requests:#?}");
        requests
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.records().clear();
    }

    /// All movements of money.
    pub fn ledger(&self) -> Vec<Entry> {
        self.shared.world().ledger.entries().to_vec()
    }

    /// All balances, with their currencies.
    pub fn balances(&self) -> Vec<(Account, String, Amount)> {
        let world = self.shared.world();
        let balances = world.ledger.balances();
        balances.map(|(account, currency, amount)| (account.clone(), currency.to_owned(), amount)).collect()
    }

    /// Returns once no webhook is under way and none is due at the present time of the emulator. Retries that are due later do
    /// not count, nor do webhooks that are held.
    pub async fn webhooks_idle(&self) {
        loop {
            let mut round = std::pin::pin!(self.shared.background.notified());
            // From here on no round goes unnoticed.
            round.as_mut().enable();
            if self.is_idle() {
                return;
            }
            self.shared.changed.notify_one();
            round.await;
        }
    }

    fn is_idle(&self) -> bool {
        let mut world = self.shared.world();
        world.run_timers();
        world.deliveries.is_idle(world.now())
    }

    /// Ends the open dispute of an escrow, which no operation of the API does. `false` where there is none.
    pub fn resolve_dispute(&self, escrow_id: &str, resolution: Resolution) -> bool {
        self.shared.resolve_dispute(escrow_id, resolution).is_ok()
    }

    /// Serves a client that sends these bytes and then nothing more, without a network. Returns what the client receives.
    #[doc(hidden)]
    pub async fn serve_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        server::serve_bytes(&self.shared, bytes.to_vec().into()).await
    }

    /// Stops accepting connections, and waits until the requests under way have ended. Webhooks under way are abandoned. Then
    /// closes the state file.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        for task in &mut self.tasks {
            let _ = task.await;
        }
        self.shared.close().await;
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// A state of an emulator, in memory. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Snapshot(Box<World>);

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

/// A merchant of an emulator.
#[derive(Debug, Clone, Copy)]
pub struct Merchant<'a> {
    pub(crate) emulator: &'a Emulator,
    pub(crate) row: Row,
}

impl Merchant<'_> {
    /// Account id, which is the `merchant_id` of the API.
    pub fn id(&self) -> String {
        self.emulator.shared.world().merchant_id(self.row)
    }

    /// API key.
    pub fn api_key(&self) -> Secret {
        self.read(|merchant| merchant.api_key.clone())
    }

    /// Client id, which is the OAuth client id as well.
    pub fn client_id(&self) -> String {
        self.read(|merchant| merchant.client_id.clone())
    }

    /// OAuth client secret.
    pub fn client_secret(&self) -> Secret {
        self.read(|merchant| merchant.client_secret.clone())
    }

    /// Reads something of the merchant, who is never removed.
    #[allow(clippy::expect_used)]
    pub(crate) fn read<T>(&self, read: impl FnOnce(&merchants::Merchant) -> T) -> T {
        let world = self.emulator.shared.world();
        read(world.merchants.get(self.row).expect("the merchant of a handle exists"))
    }

    /// A client with the merchant's credentials.
    ///
    /// # Panics
    /// When the platform has no TLS that works.
    #[allow(clippy::expect_used)]
    pub fn client(&self) -> Client {
        let builder = self.emulator.client_builder().api_key(self.api_key()).client_id(self.client_id());
        let client = builder.client_secret(self.client_secret()).build();
        client.expect("a loopback URL and plain credentials make a client")
    }

    /// The environment variables from which [`Client::from_env`] makes a client with the merchant's credentials, and
    /// [`Webhook::from_env`](piaxis::webhook::Webhook::from_env) a receiver, with their values.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let values = self.read(|merchant| {
            [
                ("api_key", merchant.api_key.expose().to_owned()),
                ("client_id", merchant.client_id.clone()),
                ("client_secret", merchant.client_secret.expose().to_owned()),
                ("webhook_secret", merchant.webhook_secret.expose().to_owned()),
            ]
        });
        let values = [("base_url", self.emulator.base_url())].into_iter().chain(values);
        values.map(|(role, value)| (CONTRACT.variable(role), value)).collect()
    }

    /// Balance of the merchant's wallet, in major units.
    pub fn balance(&self, currency: &str) -> Amount {
        self.emulator.shared.world().ledger.balance(&Account::Merchant(self.row), currency)
    }
}
