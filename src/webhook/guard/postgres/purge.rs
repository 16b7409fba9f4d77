//! Deletes expired rows.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use deadpool_postgres::ClientWrapper;

use super::{Operation, PostgresGuard, statements};
use crate::webhook::GuardError;

/// How many rows one statement deletes at most.
const BATCH: i64 = 10_000;
/// Time between two batches that a guard deletes of its own accord.
const INTERVAL: Duration = Duration::from_secs(60);

impl PostgresGuard {
    /// Deletes the expired rows of every namespace, in batches of 10,000, and returns how many there were.
    ///
    /// Calling this is not necessary below 150 events a second: [`in_transaction`](Self::in_transaction) and
    /// [`begin`](crate::webhook::Guard::begin) start one batch a minute in the background.
    ///
    /// # Errors
    /// When PostgreSQL does not respond, or rejects. What previous batches deleted remains deleted.
    pub async fn purge(&self) -> Result<u64, GuardError> {
        let mut purged = 0;
        loop {
            let batch = self.run("purge", &Batch).await?;
            purged += batch;
            if batch < BATCH as u64 {
                return Ok(purged);
            }
        }
    }

    /// Deletes one batch, unless this guard did so within the last minute. Nothing depends on whether that succeeds.
    pub(super) fn purge_in_background(&self) {
        let mut purged = self.purged.lock().unwrap_or_else(PoisonError::into_inner);
        if purged.is_some_and(|purged| purged.elapsed() < INTERVAL) {
            return;
        }
        *purged = Some(Instant::now());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let guard = self.clone();
            runtime.spawn(async move { guard.run("purge", &Batch).await });
        }
    }
}

struct Batch;

impl Operation for Batch {
    type Output = u64;

    async fn attempt(&self, client: &ClientWrapper) -> Result<u64, tokio_postgres::Error> {
        let statement = client.prepare_cached(statements::PURGE).await?;
        client.execute(&statement, &[&BATCH]).await
    }
}
