use std::{fmt, sync::Arc, time::Duration};

use http::HeaderValue;

use super::Client;
use crate::{
    Secret,
    environment::Environment,
    error::{Error, ErrorKind},
    operation::VARIABLES,
    transport::{Attempt, Budget, Credentials, Limits, OnAttempt, RetryPolicy, Server, Shared, header_value},
};

const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Servers close idle connections after as little as 2 seconds (gunicorn) or 5 (uvicorn, Node). A write that meets the
/// close has an unknown outcome, so connections are given up before that.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Makes a [`Client`].
///
/// ```
/// use std::time::Duration;
/// use piaxis::{Client, Environment};
///
/// let client = Client::builder()
///     .environment(Environment::Sandbox)
///     .api_key("your-api-key")
///     .client_id("your-client-id")
///     .timeout(Duration::from_secs(20))
///     .app_info("orders-service", "1.4.0")
///     .build()?;
/// # Ok::<(), piaxis::Error>(())
/// ```
#[derive(Default)]
#[must_use]
pub struct ClientBuilder {
    environment: Environment,
    api_key: Option<Secret>,
    access_token: Option<Secret>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    deadline: Option<Duration>,
    retry_policy: RetryPolicy,
    requests_per_minute: Option<u32>,
    concurrency: Option<usize>,
    body_limit: Option<usize>,
    on_attempt: Option<OnAttempt>,
    app_info: Option<(String, String)>,
    http_client: Option<reqwest::Client>,
    proxies: Vec<reqwest::Proxy>,
    root_certificates: Vec<reqwest::Certificate>,
}

impl ClientBuilder {
    /// A builder with what the environment holds; see [`Client::from_env`].
    ///
    /// # Errors
    /// When neither an API key nor an access token is there, or a variable is empty or cannot be used.
    pub fn from_env() -> Result<Self, Error> {
        let api_key = variable(VARIABLES.api_key)?;
        let access_token = variable(VARIABLES.access_token)?;
        if api_key.is_none() && access_token.is_none() {
            let (key, token) = (VARIABLES.api_key[0], VARIABLES.access_token[0]);
            return Err(Error::local(ErrorKind::Configuration, format!("neither {key} nor {token} is set")));
        }
        for (names, value) in [(VARIABLES.api_key, &api_key), (VARIABLES.access_token, &access_token)] {
            if let Some((name, value)) = value {
                debug_assert!(names.contains(name));
                header_value(name, value.expose()).map_err(configuration)?;
            }
        }
        let client_id = variable(VARIABLES.client_id)?;
        if let Some((name, value)) = &client_id {
            header_value(name, value.expose()).map_err(configuration)?;
        }
        let base_url = variable(VARIABLES.base_url)?;
        let text = |(_, value): (&str, Secret)| value.expose().to_owned();
        let secret = |(_, value): (&str, Secret)| value;
        let environment = match base_url {
            Some((name, url)) => {
                let environment = Environment::Custom(url.expose().to_owned());
                environment.checked_base_url().map_err(|error| {
                    Error::local(ErrorKind::Configuration, format!("{name}: {}", error.message().unwrap_or_default()))
                })?;
                environment
            }
            None => Environment::Production,
        };
        Ok(Self {
            environment,
            api_key: api_key.map(secret),
            access_token: access_token.map(secret),
            client_id: client_id.map(text),
            client_secret: variable(VARIABLES.client_secret)?.map(secret),
            ..Self::default()
        })
    }

    /// Which Piaxis to talk to; production by default.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// The merchant's API key.
    pub fn api_key(mut self, api_key: impl Into<Secret>) -> Self {
        self.api_key = Some(api_key.into());
        self
    }

    /// The access token of a payer, with or without `Bearer` before it.
    pub fn access_token(mut self, access_token: impl Into<Secret>) -> Self {
        self.access_token = Some(access_token.into());
        self
    }

    /// The merchant's client id: the header of merchant-secured calls and the OAuth client id are one value.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// The OAuth client secret, for code exchange and refresh.
    pub fn client_secret(mut self, client_secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(client_secret.into());
        self
    }

    /// How long each attempt of a call may take, from start to end of the answer; 30 seconds by default.
    /// [`Request::timeout`] sets it for one call.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// When a call gives up for good: all attempts, the delays between them, and waiting for a turn together. None by
    /// default; [`Request::deadline`] sets it for one call.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// When a call is sent again; see [`RetryPolicy`]. [`Request::retry_policy`] sets it for one call.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = policy;
        self
    }

    /// Sends no more than so many requests a minute, evenly spread, repetitions counted; the others wait in order. Clones
    /// share the limit.
    pub fn requests_per_minute(mut self, requests: u32) -> Self {
        self.requests_per_minute = Some(requests);
        self
    }

    /// Sends no more than so many requests at the same time; the others wait in order. Clones share the limit.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = Some(requests);
        self
    }

    /// How many bytes are read of one answer; 16 MiB by default.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Calls this after every attempt, for metrics. It must not block.
    ///
    /// ```
    /// let client = piaxis::Client::builder()
    ///     .api_key("your-api-key")
    ///     .on_attempt(|attempt| println!("{} {:?} {:?}", attempt.operation, attempt.status, attempt.duration))
    ///     .build()?;
    /// # Ok::<(), piaxis::Error>(())
    /// ```
    pub fn on_attempt(mut self, tell: impl Fn(&Attempt<'_>) + Send + Sync + 'static) -> Self {
        self.on_attempt = Some(OnAttempt(Arc::new(tell)));
        self
    }

    /// How long a connection may be idle and be used again; 1 second by default, less than the servers known to close
    /// idle connections soonest. A write that is sent while the server closes has an unknown outcome. It does not apply to
    /// a client given with [`http_client`](Self::http_client).
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// How long connecting may take; 10 seconds by default. It does not apply to a client given with
    /// [`http_client`](Self::http_client).
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Names the application to the API, as `name/version`.
    pub fn app_info(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.app_info = Some((name.into(), version.into()));
        self
    }

    /// Sends through this `reqwest` client, with its connections, proxies and certificates.
    ///
    /// It must be built with `redirect(reqwest::redirect::Policy::none())`: a client that follows redirects would carry
    /// the API key and the body to wherever it is redirected, so [`build`](Self::build) refuses one.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http_client = Some(client);
        self
    }

    /// Sends through this proxy.
    pub fn proxy(mut self, proxy: reqwest::Proxy) -> Self {
        self.proxies.push(proxy);
        self
    }

    /// Trusts this root certificate too.
    pub fn root_certificate(mut self, certificate: reqwest::Certificate) -> Self {
        self.root_certificates.push(certificate);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// When the base URL or a credential cannot be used, the given HTTP client follows redirects, or TLS cannot be set
    /// up.
    pub fn build(self) -> Result<Client, Error> {
        let base_url = self.environment.checked_base_url()?;
        let sensitive = |what: &str, text: &str| {
            let mut value = header_value(what, text).map_err(configuration)?;
            value.set_sensitive(true);
            Ok::<HeaderValue, Error>(value)
        };
        let api_key = self.api_key.as_ref().map(|key| sensitive("the API key", key.expose())).transpose()?;
        let bearer = self.access_token.as_ref().map(|token| {
            let token = token.expose();
            let has_scheme = token.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
            let bare = if has_scheme { &token[7..] } else { token };
            sensitive("the access token", bare)?;
            sensitive("the access token", &format!("Bearer {bare}"))
        });
        let client_id =
            self.client_id.as_ref().map(|id| header_value("the client id", id).map_err(configuration)).transpose()?;
        if self.client_secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
            return Err(Error::local(ErrorKind::Configuration, "the client secret is empty"));
        }
        let app_info = self.app_info.as_ref().map(|(name, version)| {
            let text = if version.is_empty() { name.clone() } else { format!("{name}/{version}") };
            header_value("the application's name or version", &text).map_err(configuration)
        });
        let credentials =
            Credentials { api_key, client_id, bearer: bearer.transpose()?, client_secret: self.client_secret.clone() };
        let app_info = app_info.transpose()?;
        let timeout = self.timeout.unwrap_or(TIMEOUT);
        for (limit, what) in [
            (self.requests_per_minute.map(u64::from), "requests per minute"),
            (self.concurrency.map(|limit| limit as u64), "concurrency"),
        ] {
            if limit == Some(0) {
                return Err(Error::local(
                    ErrorKind::Configuration,
                    format!("the limit of {what} is 0: nothing could be sent"),
                ));
            }
        }
        let shared = Shared {
            server: Server::of(&base_url),
            environment: self.environment.clone(),
            base_url,
            credentials,
            timeout,
            http_timeout: self.http_client.is_none().then_some(timeout),
            deadline: self.deadline,
            app_info,
            retry_policy: self.retry_policy.clone(),
            budget: Budget::default(),
            limits: Limits::new(self.requests_per_minute, self.concurrency),
            body_limit: self.body_limit.unwrap_or(BODY_LIMIT),
            on_attempt: self.on_attempt.clone(),
            http: self.http(timeout)?,
        };
        Ok(Client { shared: Arc::new(shared) })
    }

    fn http(self, timeout: Duration) -> Result<reqwest::Client, Error> {
        if let Some(client) = self.http_client {
            let has_timeout = self.connect_timeout.is_some() || self.idle_timeout.is_some();
            if !self.proxies.is_empty() || !self.root_certificates.is_empty() || has_timeout {
                let message = "proxy, root certificates, connect timeout and idle timeout belong to the HTTP client that was given";
                return Err(Error::local(ErrorKind::Configuration, message));
            }
            // reqwest tells its policy only here. Should the words change, every client is refused, which a test sees.
            if !format!("{client:?}").contains("Policy(None)") {
                let message = "the given HTTP client follows redirects, and would carry credentials to wherever it is \
                               redirected; build it with `redirect(reqwest::redirect::Policy::none())`";
                return Err(Error::local(ErrorKind::Configuration, message));
            }
            return Ok(client);
        }
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Whether to send again is decided here and nowhere else.
            .retry(reqwest::retry::never())
            .timeout(timeout)
            .pool_idle_timeout(self.idle_timeout.unwrap_or(IDLE_TIMEOUT))
            .connect_timeout(self.connect_timeout.unwrap_or(CONNECT_TIMEOUT));
        builder = self.proxies.into_iter().fold(builder, reqwest::ClientBuilder::proxy);
        builder = self.root_certificates.into_iter().fold(builder, |builder, root| builder.tls_certs_merge([root]));
        builder.build().map_err(|error| {
            let message = format!("the HTTP client cannot be made: {error}");
            Error::local(ErrorKind::Configuration, message)
        })
    }
}

/// What is set, without values that may be secret: a proxy's password, a header of the HTTP client.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.environment.checked_base_url().ok())
            .field("api_key", &self.api_key.is_some())
            .field("access_token", &self.access_token.is_some())
            .field("client_id", &self.client_id.is_some())
            .field("client_secret", &self.client_secret.is_some())
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("deadline", &self.deadline)
            .field("retry_policy", &self.retry_policy)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("concurrency", &self.concurrency)
            .field("body_limit", &self.body_limit)
            .field("app_info", &self.app_info)
            .field("http_client", &self.http_client.is_some())
            .field("proxies", &self.proxies.len())
            .field("root_certificates", &self.root_certificates.len())
            .finish()
    }
}

fn configuration(error: Error) -> Error {
    Error::local(ErrorKind::Configuration, error.message().unwrap_or_default())
}

/// The first of these variables that is set.
fn variable(names: &'static [&'static str]) -> Result<Option<(&'static str, Secret)>, Error> {
    let refuse = |name: &str, problem: &str| Err(Error::local(ErrorKind::Configuration, format!("{name} {problem}")));
    for name in names {
        match std::env::var(name) {
            Ok(value) if value.trim().is_empty() => return refuse(name, "is empty"),
            Ok(value) => return Ok(Some((name, value.into()))),
            Err(std::env::VarError::NotPresent) => {}
            Err(std::env::VarError::NotUnicode(_)) => return refuse(name, "is not UTF-8"),
        }
    }
    Ok(None)
}
