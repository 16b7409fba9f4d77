use std::{fmt, sync::Arc, time::Duration};

use http::HeaderMap;

use super::Client;
use crate::{
    Credential, Secret,
    duration::bounded,
    environment::{Environment, is_loopback},
    error::{Error, ErrorKind},
    operation::VARIABLES,
    transport::{
        Attempt, AttemptHeaders, Budget, Credentials, Limits, OnAttempt, RetryPolicy, Server, Shared, TokenSource,
        headers::{self, header_value},
    },
    unexpected::{OnUnexpected, Unexpected},
};

const TIMEOUT: Duration = Duration::from_secs(30);
const DEADLINE: Duration = Duration::from_secs(90);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Servers close idle connections after as little as 2 seconds (gunicorn) or 5 (uvicorn, Node). A write that meets the
/// close has an unknown outcome, so connections are given up before that.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);
const BODY_LIMIT: usize = 16 * 1024 * 1024;

type ConfigureHttp = Box<dyn FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

/// Builder of a [`Client`].
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
///
/// # Defaults
///
/// | of | default | changed by |
/// |---|---|---|
/// | an attempt | 30 seconds | [`timeout`](Self::timeout) |
/// | a request, with all attempts and delays | 90 seconds | [`deadline`](Self::deadline) |
/// | retries | 2, of reads, and of writes that were certainly not executed | [`retry_policy`](Self::retry_policy) |
/// | connecting | 10 seconds | [`connect_timeout`](Self::connect_timeout) |
/// | an idle connection | 1 second | [`idle_timeout`](Self::idle_timeout) |
/// | a response body | 16 MiB | [`body_limit`](Self::body_limit) |
/// | requests per minute, requests at the same time | no limit | [`requests_per_minute`](Self::requests_per_minute), [`concurrency`](Self::concurrency) |
///
/// Redirects are never followed, so that credentials go to the configured origin only. Proxies of the environment are not used
/// for loopback addresses.
///
/// # Telemetry
///
/// `tracing` spans and events carry operation, attempt, status, duration and request id, with the names of OpenTelemetry's HTTP
/// clients. Their level is `DEBUG` and their target `piaxis`. Bodies and secrets are never part of them. [`on_attempt`](Self::on_attempt) is a hook for metrics, and
/// [`attempt_headers`](Self::attempt_headers) sends the context of a trace.
#[derive(Default)]
#[must_use]
pub struct ClientBuilder {
    environment: Environment,
    credentials: Credentials,
    timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    deadline: Option<Duration>,
    retry_policy: RetryPolicy,
    requests_per_minute: Option<u32>,
    concurrency: Option<usize>,
    body_limit: Option<usize>,
    on_attempt: Option<OnAttempt>,
    attempt_headers: Option<AttemptHeaders>,
    on_unexpected: Option<OnUnexpected>,
    app_info: Option<(String, String)>,
    configure_http: Option<ConfigureHttp>,
    proxies: Vec<reqwest::Proxy>,
    root_certificates: Vec<reqwest::Certificate>,
}

impl ClientBuilder {
    /// Returns a builder with the values of the environment variables; see [`Client::from_env`].
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) when neither an API key nor an access token is set, or a variable is
    /// empty or invalid.
    pub fn from_env() -> Result<Self, Error> {
        let api_key = variable(VARIABLES.api_key)?;
        let access_token = variable(VARIABLES.access_token)?;
        if api_key.is_none() && access_token.is_none() {
            let (key, token) = (VARIABLES.api_key[0], VARIABLES.access_token[0]);
            return Err(Error::local(
                ErrorKind::Configuration,
                format!("neither {key} nor {token} is set: one is required"),
            ));
        }
        let client_id = variable(VARIABLES.client_id)?;
        let mut credentials = Credentials::new();
        for (variable, give) in [
            (api_key, Credentials::api_key as fn(Credentials, Secret) -> Credentials),
            (access_token, Credentials::access_token),
            (client_id, |credentials, id| credentials.client_id(id.expose())),
        ] {
            if let Some((name, value)) = variable {
                header_value(name, value.expose()).map_err(configuration)?;
                credentials = give(credentials, value);
            }
        }
        if let Some((_, secret)) = variable(VARIABLES.client_secret)? {
            credentials = credentials.client_secret(secret);
        }
        let environment = match variable(VARIABLES.base_url)? {
            Some((name, url)) => {
                let environment = Environment::Custom(url.expose().to_owned());
                environment.checked_base_url().map_err(|error| {
                    Error::local(ErrorKind::Configuration, format!("{name}: {}", error.message().unwrap_or_default()))
                })?;
                environment
            }
            None => Environment::Production,
        };
        Ok(Self { environment, credentials, ..Self::default() })
    }

    /// The environment to talk to; production by default.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// The merchant's API key.
    pub fn api_key(mut self, api_key: impl Into<Secret>) -> Self {
        self.credentials = self.credentials.api_key(api_key);
        self
    }

    /// The access token of a payer, with or without `Bearer` before it.
    pub fn access_token(mut self, access_token: impl Into<Secret>) -> Self {
        self.credentials = self.credentials.access_token(access_token);
        self
    }

    /// Source of access tokens, which gives a fresh token when the API rejects one (401); see [`TokenSource`].
    pub fn token_source(mut self, source: impl TokenSource) -> Self {
        self.credentials = self.credentials.token_source(source);
        self
    }

    /// The merchant's client id: the header of merchant-secured operations and the OAuth client id are one value.
    pub fn client_id(mut self, client_id: impl AsRef<str>) -> Self {
        self.credentials = self.credentials.client_id(client_id);
        self
    }

    /// The OAuth client secret, for code exchange and refresh.
    pub fn client_secret(mut self, client_secret: impl Into<Secret>) -> Self {
        self.credentials = self.credentials.client_secret(client_secret);
        self
    }

    /// Timeout of each attempt, from start to end of the response; 30 seconds by default.
    /// [`Request::timeout`](crate::Request::timeout) sets it for one request. Durations beyond ten years count as ten years.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(bounded(timeout));
        self
    }

    /// Deadline of a request; 90 seconds by default. Counted from when the request is awaited, over all attempts, the
    /// delays between them, and waiting for the client's own limits. [`Request::deadline`](crate::Request::deadline) sets
    /// it for one request.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(bounded(deadline));
        self
    }

    /// When a request is retried; see [`RetryPolicy`]. [`Request::retry_policy`](crate::Request::retry_policy) overrides it
    /// for one request.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = policy;
        self
    }

    /// Limits the client to this many requests per minute, retries included. Requests beyond the limit wait in order. Up
    /// to 3,000 a minute, requests are evenly spread. The interval is rounded up to whole milliseconds. Clones and
    /// derived clients share the limit.
    pub fn requests_per_minute(mut self, requests: u32) -> Self {
        self.requests_per_minute = Some(requests);
        self
    }

    /// Maximum number of requests at the same time. Further requests wait in order. Clones and derived clients share the
    /// limit.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = Some(requests);
        self
    }

    /// Maximum number of bytes that are read of one response body; 16 MiB by default.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Calls `report` after each attempt, for metrics, including attempts of requests that the caller dropped. `report`
    /// must not block.
    ///
    /// ```
    /// let client = piaxis::Client::builder()
    ///     .api_key("your-api-key")
    ///     .on_attempt(|attempt| println!("{} {:?} {:?}", attempt.operation, attempt.status, attempt.duration))
    ///     .build()?;
    /// # Ok::<(), piaxis::Error>(())
    /// ```
    pub fn on_attempt(mut self, report: impl Fn(&Attempt<'_>) + Send + Sync + 'static) -> Self {
        self.on_attempt = Some(OnAttempt(Arc::new(report)));
        self
    }

    /// Calls `add` before each attempt, inside the attempt's span, with an empty map for headers of that attempt: the context of
    /// a trace, whose parent is then the attempt. `add` must not block.
    ///
    /// A header of the same name that the request has is replaced. When `add` sets a header of the credentials, of HTTP itself,
    /// or one that only the client sets (the request id, the idempotency key, the application), the attempt is not sent, does
    /// not count, and is not reported to [`on_attempt`](Self::on_attempt); the request fails with
    /// [`InvalidRequest`](ErrorKind::InvalidRequest). Values may be secrets: errors redact them where a server repeats them.
    ///
    /// The span of an attempt exists where a subscriber takes the level `DEBUG` of the target `piaxis`. Elsewhere `add` is
    /// called in the span of the caller.
    ///
    /// ```
    /// use reqwest::header::HeaderValue;
    ///
    /// # fn traceparent() -> HeaderValue { HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") }
    /// let client = piaxis::Client::builder()
    ///     .api_key("your-api-key")
    ///     .attempt_headers(|headers| {
    ///         headers.insert("traceparent", traceparent());
    ///     })
    ///     .build()?;
    /// # Ok::<(), piaxis::Error>(())
    /// ```
    pub fn attempt_headers(mut self, add: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        self.attempt_headers = Some(AttemptHeaders(Arc::new(add)));
        self
    }

    /// Calls `report` with each part of a 2xx response that this version does not know: values of open enums, fields, and
    /// optional fields that failed to decode. `report` gets paths and never values, and must not block. Off by default:
    /// responses are searched only with a `report`.
    ///
    /// Each path is reported once for a response. Responses of [`Client::request`](crate::Client::request) have no contract,
    /// so nothing in them is unexpected.
    ///
    /// ```
    /// let client = piaxis::Client::builder()
    ///     .api_key("your-api-key")
    ///     .on_unexpected(|found| eprintln!("{}: {} at {}", found.operation, found.kind, found.path))
    ///     .build()?;
    /// # Ok::<(), piaxis::Error>(())
    /// ```
    pub fn on_unexpected(mut self, report: impl Fn(&Unexpected<'_>) + Send + Sync + 'static) -> Self {
        self.on_unexpected = Some(OnUnexpected(Arc::new(report)));
        self
    }

    /// Maximum time that a connection may be idle before it is given up; 1 second by default, shorter than the shortest
    /// idle timeout that is known of servers (2 seconds). A write that is sent while the server closes the connection has
    /// an unknown outcome.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(bounded(timeout));
        self
    }

    /// Timeout of connecting; 10 seconds by default. Connecting counts towards the timeout of the attempt. A request that
    /// times out before a connection is made was not sent.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(bounded(timeout));
        self
    }

    /// Sends the name and version of your application with each request, as `name/version`.
    pub fn app_info(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.app_info = Some((name.into(), version.into()));
        self
    }

    /// Configures the HTTP client: its DNS, its interface, its TCP settings.
    ///
    /// The settings of this builder are applied after the closure: no redirects, no retries, no referer, HTTP/1.1,
    /// uncompressed bodies, and the timeouts, proxies and certificates of this builder. For a base URL on loopback,
    /// proxies that the closure sets are not used. The proxies of [`proxy`](Self::proxy) are.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    ///
    /// let client = piaxis::Client::builder()
    ///     .api_key("your-api-key")
    ///     .configure_http(|http| http.local_address(Some(Ipv4Addr::UNSPECIFIED.into())).tcp_nodelay(true))
    ///     .build()?;
    /// # Ok::<(), piaxis::Error>(())
    /// ```
    pub fn configure_http(
        mut self,
        configure: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.configure_http = Some(Box::new(configure));
        self
    }

    /// Sends through this proxy.
    pub fn proxy(mut self, proxy: reqwest::Proxy) -> Self {
        self.proxies.push(proxy);
        self
    }

    /// Trusts this root certificate as well.
    pub fn root_certificate(mut self, certificate: reqwest::Certificate) -> Self {
        self.root_certificates.push(certificate);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) when the base URL, a credential or a limit is invalid, or TLS cannot be set
    /// up.
    pub fn build(self) -> Result<Client, Error> {
        let base_url = self.environment.checked_base_url()?;
        self.credentials.check()?;
        let app_info = self.app_info.as_ref().map(|(name, version)| headers::app_info(name, version));
        let app_info = app_info.transpose().map_err(configuration)?;
        for (is_zero, what) in
            [(self.requests_per_minute == Some(0), "requests per minute"), (self.concurrency == Some(0), "concurrency")]
        {
            if is_zero {
                return Err(Error::local(ErrorKind::Configuration, format!("the limit of {what} must be at least 1")));
            }
        }
        let timeout = self.timeout.unwrap_or(TIMEOUT);
        let shared = Shared {
            server: Server::of(&base_url),
            environment: self.environment,
            timeout,
            deadline: self.deadline.unwrap_or(DEADLINE),
            app_info,
            retry_policy: self.retry_policy,
            budget: Budget::default(),
            limits: Limits::new(self.requests_per_minute, self.concurrency),
            body_limit: self.body_limit.unwrap_or(BODY_LIMIT),
            on_attempt: self.on_attempt,
            attempt_headers: self.attempt_headers,
            on_unexpected: self.on_unexpected,
            http: {
                let mut builder = reqwest::Client::builder();
                if let Some(configure) = self.configure_http {
                    builder = configure(builder);
                }
                if is_loopback(&base_url) {
                    // Proxies of the environment would be sent key and body in clear.
                    builder = builder.no_proxy();
                }
                builder = builder
                    .redirect(reqwest::redirect::Policy::none())
                    .referer(false)
                    // Whether to retry is decided in the transport and nowhere else.
                    .retry(reqwest::retry::never())
                    // A program that switches on features of reqwest changes nothing here.
                    .http1_only()
                    .no_gzip()
                    .no_brotli()
                    .no_zstd()
                    .no_deflate()
                    .timeout(timeout)
                    .pool_idle_timeout(self.idle_timeout.unwrap_or(IDLE_TIMEOUT))
                    .connect_timeout(self.connect_timeout.unwrap_or(CONNECT_TIMEOUT));
                builder = self.proxies.into_iter().fold(builder, reqwest::ClientBuilder::proxy);
                let roots = self.root_certificates.into_iter();
                builder = roots.fold(builder, |builder, root| builder.tls_certs_merge([root]));
                builder.build().map_err(|error| {
                    Error::local(ErrorKind::Configuration, format!("failed to build the HTTP client: {error}"))
                })?
            },
            base_url,
        };
        Ok(Client::new(shared, self.credentials))
    }
}

/// What is set, without values that may be secret, such as a proxy's password.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.environment.checked_base_url().ok())
            .field("api_key", &self.credentials.has(Credential::ApiKey))
            .field("access_token", &self.credentials.has(Credential::Bearer))
            .field("client_id", &self.credentials.has(Credential::ClientId))
            .field("client_secret", &self.credentials.secret().is_some())
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("deadline", &self.deadline)
            .field("retry_policy", &self.retry_policy)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("concurrency", &self.concurrency)
            .field("body_limit", &self.body_limit)
            .field("app_info", &self.app_info)
            .field("attempt_headers", &self.attempt_headers.is_some())
            .field("on_attempt", &self.on_attempt.is_some())
            .field("on_unexpected", &self.on_unexpected.is_some())
            .field("configure_http", &self.configure_http.is_some())
            .field("proxies", &self.proxies.len())
            .field("root_certificates", &self.root_certificates.len())
            .finish()
    }
}

fn configuration(problem: String) -> Error {
    Error::local(ErrorKind::Configuration, problem)
}

/// The first of these variables that is set.
fn variable(names: &'static [&'static str]) -> Result<Option<(&'static str, Secret)>, Error> {
    let refuse = |name: &str, problem: &str| Err(Error::local(ErrorKind::Configuration, format!("{name} {problem}")));
    for name in names {
        match std::env::var(name) {
            Ok(value) if value.trim().is_empty() => return refuse(name, "is empty"),
            Ok(value) => return Ok(Some((name, value.into()))),
            Err(std::env::VarError::NotPresent) => {}
            Err(std::env::VarError::NotUnicode(_)) => return refuse(name, "must be UTF-8"),
        }
    }
    Ok(None)
}
