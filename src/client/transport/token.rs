use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use http::HeaderValue;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

use super::{
    Record,
    credentials::{Token, bearer},
};
use crate::{
    Secret,
    error::{Error, ErrorKind, Outcome},
    operation::Credential,
};

/// Future of the token that a [`TokenSource`] returns.
pub type TokenFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Secret, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// Gives access tokens of a payer, and a fresh one when the API rejects a token (401).
///
/// A client asks the source once for many requests, also when all of them meet a 401 at the same time. Then each is retried
/// once with the new token: a read always, a write only when the 401 of its first attempt has one of the API's own error
/// bodies, so that the write was not executed.
///
/// ```
/// use piaxis::{Client, Credentials, Secret, TokenFuture, TokenSource, oauth::TokenRefresh};
///
/// struct Refresh {
///     merchant: Client,
///     refresh_token: Secret,
/// }
///
/// impl TokenSource for Refresh {
///     fn token(&self, _rejected: Option<&Secret>) -> TokenFuture<'_> {
///         Box::pin(async {
///             let refresh = TokenRefresh::builder().refresh_token(self.refresh_token.clone()).build();
///             Ok(self.merchant.oauth().refresh_token(refresh).await?.access_token)
///         })
///     }
/// }
///
/// # fn example(merchant: Client, refresh_token: Secret) {
/// let source = Refresh { merchant: merchant.clone(), refresh_token };
/// let payer = merchant.with_credentials(Credentials::new().token_source(source));
/// # }
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// Returns an access token, with or without `Bearer` before it. `rejected` is the token that the API rejected, if
    /// any: then the returned token must be a fresh one.
    ///
    /// The future is dropped when the request that polls the future is dropped or its deadline is exceeded. The next
    /// request calls this method again. Where each refresh changes the refresh token, spawn the refresh as a task, so
    /// that a dropped future does not lose the new token.
    ///
    /// # Errors
    /// Any failure to get a token. The requests that wait for the token fail with
    /// [`ErrorKind::Token`](crate::ErrorKind::Token), without being sent. Their message shows the text of this error,
    /// which must hold no secret.
    fn token<'a>(&'a self, rejected: Option<&'a Secret>) -> TokenFuture<'a>;
}

/// The tokens of a source: the present one, and one question at a time for the next.
pub(super) struct Tokens {
    source: Arc<dyn TokenSource>,
    present: Mutex<Present>,
    /// How often the source was asked.
    asked: AtomicU64,
}

#[derive(Default)]
struct Present {
    token: Option<(Secret, HeaderValue)>,
    generation: u64,
    /// The last failure, and how often the source had been asked then.
    failure: Option<(u64, Error)>,
}

impl Tokens {
    pub(super) fn new(source: Arc<dyn TokenSource>) -> Self {
        Self { source, present: Mutex::default(), asked: AtomicU64::new(0) }
    }

    /// The present token, or a fresh one where there is none, or the present one was rejected.
    pub(super) async fn get(&self, rejected: Option<u64>, deadline: Instant) -> Result<Token, Error> {
        let get = self.get_in_turn(rejected);
        let late = |_| Error::timed_out_unsent("deadline exceeded while waiting for the access token");
        timeout_at(deadline, get).await.map_err(late)?
    }

    async fn get_in_turn(&self, rejected: Option<u64>) -> Result<Token, Error> {
        let asked_before = self.asked.load(Ordering::Acquire);
        let mut present = self.present.lock().await;
        if let Some((_, header)) = &present.token
            && rejected != Some(present.generation)
        {
            return Ok(Token { header: header.clone(), generation: Some(present.generation) });
        }
        // Who waited while the source failed has the same failure.
        if let Some((asked, failure)) = &present.failure
            && *asked > asked_before
        {
            return Err(failure.clone());
        }
        let result = {
            let rejected = present.token.as_ref().map(|(token, _)| token);
            self.source.token(rejected).await
        };
        let asked = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let usable = result.map_err(|error| error.to_string()).and_then(|token| Ok((bearer(token.expose())?, token)));
        match usable {
            Ok((header, token)) => {
                present.token = Some((token, header.clone()));
                present.generation += 1;
                Ok(Token { header, generation: Some(present.generation) })
            }
            Err(problem) => {
                let error = Error::local(ErrorKind::Token, format!("the token source failed: {problem}"));
                present.failure = Some((asked, error.clone()));
                Err(error)
            }
        }
    }
}

/// Whether a fresh access token may help, and a retry can do no harm. A write needs an error of the API, because a gateway may
/// ask for credentials after the backend took the request, and no attempt before this one, which may have been executed.
pub(super) fn is_rejected(record: &Record, error: &Error) -> bool {
    let operation = record.operation;
    error.kind() == ErrorKind::Authentication
        && operation.security.iter().any(|set| set.contains(&Credential::Bearer))
        && (operation.idempotent
            || !operation.never_retried
                && record.attempts == 1
                && error.outcome() == Outcome::Rejected
                && error.is_from_api())
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}
