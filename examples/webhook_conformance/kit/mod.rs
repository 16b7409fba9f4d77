//! Attacks a webhook endpoint and reports what it gets wrong.

mod check;
mod checks;
mod effects;
mod endpoint;
mod report;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, Utc};
use piaxis::webhook::{Envelope, EventType, Sample, SignedHeaders, Signer, sample};
use reqwest::Url;

use check::Check;
use effects::Effects;
use endpoint::{Endpoint, Request};
pub use report::{Report, Row, Verdict};

/// An endpoint, and what is expected of it.
#[derive(Clone)]
pub struct Settings {
    pub url: Url,
    pub secret: String,
    /// URL that returns how often the effect for `{id}` happened.
    pub effects: Option<String>,
    /// Whether the endpoint may accept deliveries without v2.
    pub v1_allowed: bool,
    /// Time that a sender waits for a response before it hangs up.
    pub sender_timeout: Duration,
    /// Pause of a sender between two attempts.
    pub retry_pause: Duration,
    /// Time after which a sender gives up.
    pub retry_for: Duration,
    /// Time that the endpoint may wait for a slow body.
    pub slow_limit: Duration,
    /// Time for which effects may come after the response.
    pub settle: Duration,
    /// Size of a body that must be rejected, in bytes.
    pub large_body: usize,
}

impl Settings {
    pub fn new(url: Url, secret: impl Into<String>) -> Self {
        Self {
            url,
            secret: secret.into(),
            effects: None,
            v1_allowed: false,
            sender_timeout: Duration::from_secs(5),
            retry_pause: Duration::from_millis(200),
            retry_for: Duration::from_secs(30),
            slow_limit: Duration::from_secs(30),
            settle: Duration::from_secs(5),
            large_body: 4 * 1024 * 1024,
        }
    }
}

/// Runs all checks.
///
/// # Errors
/// When the settings cannot be used, or the effects cannot be read.
pub async fn run(settings: Settings) -> Result<Report, String> {
    let kit = Kit::new(settings)?;
    kit.endpoint.reachable().await?;
    let mut rows = Vec::new();
    checks::run(&kit, &mut rows).await?;
    effects::audit(&kit, &mut rows).await?;
    Ok(Report { rows })
}

/// What all checks share.
struct Kit {
    settings: Settings,
    endpoint: Endpoint,
    effects: Option<Effects>,
    signer: Signer,
    names: Names,
    /// Start of the run in nanoseconds, which makes its ids unlike those of other runs.
    run: u128,
    ids: AtomicU64,
}

impl Kit {
    fn new(settings: Settings) -> Result<Self, String> {
        let signer = Signer::new(settings.secret.clone()).map_err(|error| error.to_string())?;
        let effects = settings.effects.clone().map(Effects::new).transpose()?;
        let names = Names::of(&signer).ok_or("the signer makes other headers than v1, v2 and the timestamp")?;
        Ok(Self {
            endpoint: Endpoint::new(&settings.url, settings.sender_timeout)?,
            effects,
            signer,
            names,
            run: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos()),
            ids: AtomicU64::new(0),
            settings,
        })
    }

    fn check(&self, name: &'static str) -> Check<'_> {
        Check::new(self, name)
    }

    fn number(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// An id that no other event has.
    fn id(&self) -> String {
        format!("kit-{:x}-{}", self.run, self.number())
    }

    /// Decimal digits above 2^64, to which a last digit is added.
    fn digits(&self) -> String {
        format!("{:020}{:04}", self.run, self.number())
    }

    /// A payment that succeeded now.
    fn paid(&self, id: &str) -> Sample {
        paid_at(id, Envelope::Merchant, SystemTime::now())
    }

    fn sign(&self, body: impl AsRef<[u8]>) -> Request {
        request(self.signer.sign(&body), body)
    }

    fn sign_at(&self, body: impl AsRef<[u8]>, at: SystemTime) -> Request {
        request(self.signer.clone().at(at).sign(&body), body)
    }

    fn sign_v1(&self, body: impl AsRef<[u8]>) -> Request {
        request(self.signer.sign(&body).v1_only(), body)
    }
}

/// A payment that succeeded at this time.
fn paid_at(id: &str, envelope: Envelope, at: SystemTime) -> Sample {
    event_at(&EventType::PaymentSucceeded, id, envelope, at)
}

fn event_at(event: &EventType, id: &str, envelope: Envelope, at: SystemTime) -> Sample {
    sample(event, envelope, DateTime::<Utc>::from(at).into()).with("payment_id", id)
}

fn request(headers: SignedHeaders, body: impl AsRef<[u8]>) -> Request {
    let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    Request { headers, body: body.as_ref().to_vec() }
}

/// Names of the headers, by what the signer puts there.
struct Names {
    v1: &'static str,
    v2: &'static str,
    timestamp: &'static str,
}

impl Names {
    fn of(signer: &Signer) -> Option<Self> {
        let headers = signer.sign("");
        let (v1, _) = headers.clone().v1_only().into_iter().next()?;
        let (timestamp, _) =
            headers.iter().find(|(_, value)| value.bytes().all(|byte| byte.is_ascii_digit()) && value.len() < 64)?;
        let (v2, _) = headers.iter().find(|(name, _)| *name != v1 && *name != timestamp)?;
        Some(Self { v1, v2, timestamp })
    }
}
