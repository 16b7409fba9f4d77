//! Records an event as done in the transaction of its handler.

use std::{pin::pin, time::Duration};

use deadpool_postgres::Transaction;
use tokio_postgres::{IsolationLevel, error::Severity};

use super::{
    Outcome, PostgresGuard,
    connection::{Attempts, Connection, Failure},
    read, seconds, statements,
};
use crate::webhook::{DeduplicationKey, GuardError, Once, Token, timer};

impl PostgresGuard {
    /// Runs `handler` in a transaction that also marks the event as done for `ttl`: what the handler writes in this
    /// transaction is written **exactly once**, whichever process dies at whatever moment. Effects elsewhere (HTTP
    /// requests, other databases) may happen again.
    ///
    /// A handler that fails, panics or is dropped rolls back everything, and the event is free for the next delivery at once,
    /// as it is when the process dies. When its machine loses its power, PostgreSQL notices by TCP keepalives, see
    /// [`connect`](Self::connect). While one delivery of the event is in its handler, others are
    /// [`InProgress`](Once::InProgress), without waiting, and so is an event that is leased by
    /// [`begin`](crate::webhook::Guard::begin).
    ///
    /// The transaction is `READ COMMITTED`, whatever the default of the database is. Do not end it in the handler. After a
    /// statement failed, PostgreSQL rejects all others, except in a savepoint that is rolled back.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use piaxis::webhook::{DeduplicationKey, Once, PostgresGuard};
    ///
    /// # async fn example(guard: PostgresGuard, key: DeduplicationKey) {
    /// let week = Duration::from_secs(7 * 86_400);
    /// let once = guard
    ///     .in_transaction(key, week, async |transaction| {
    ///         transaction.execute("UPDATE accounts SET balance = balance + 15000 WHERE id = 7", &[]).await
    ///     })
    ///     .await;
    /// match &once {
    ///     Once::Handled { result: Ok(rows), .. } => println!("committed {rows} rows"),
    ///     Once::Uncommitted(error) => eprintln!("{error}"),
    ///     other => println!("{other}"),
    /// }
    /// # }
    /// ```
    ///
    /// Returns [`Uncommitted`](Once::Uncommitted) when the handler succeeded and its transaction was not committed, or when the
    /// response to the commit was lost. Respond with [`Once::status`] there, too: the next delivery is
    /// [`Repeated`](Once::Repeated) if the transaction was committed, and is handled otherwise.
    pub async fn in_transaction<T, E, H>(&self, key: DeduplicationKey, ttl: Duration, handler: H) -> Once<T, E>
    where
        H: AsyncFnOnce(&mut Transaction<'_>) -> Result<T, E>,
    {
        let mut attempts = Attempts::new(self, "in_transaction");
        loop {
            let mut connection = match attempts.connection().await {
                Ok(connection) => connection,
                Err(error) => return Once::GuardFailed(error),
            };
            let (mut transaction, outcome) = match attempts.limit(self.claim(&mut connection, key, ttl)).await {
                Ok(claimed) => claimed,
                Err(failure) => match attempts.failed(failure).await {
                    Ok(()) => continue,
                    Err(error) => return Once::GuardFailed(error),
                },
            };
            let early = match outcome {
                Outcome::Taken => None,
                Outcome::Done => Some(Once::Repeated),
                Outcome::InProgress => Some(Once::InProgress),
            };
            if let Some(early) = early {
                // Rolls back, which need not be waited for.
                drop(transaction);
                connection.keep();
                return early;
            }
            let result = handler(&mut transaction).await;
            let ended = match &result {
                Ok(_) => self.commit(transaction).await,
                Err(_) => self.rollback(transaction).await,
            };
            if ended.is_ok() {
                connection.keep();
                self.purge_in_background();
            }
            return match (result, ended) {
                (Ok(_), Err(error)) => Once::Uncommitted(error),
                (result, ended) => Once::Handled { result, recorded: ended.map(|()| true) },
            };
        }
    }

    /// Opens a transaction and marks the key as done, if it is free.
    async fn claim<'c>(
        &self,
        connection: &'c mut Connection,
        key: DeduplicationKey,
        ttl: Duration,
    ) -> Result<(Transaction<'c>, Outcome), Failure> {
        let transaction = connection.client()?.build_transaction();
        let transaction = transaction.isolation_level(IsolationLevel::ReadCommitted).read_only(false).start().await?;
        let statement = transaction.prepare_cached(statements::CLAIM).await?;
        let row = transaction.query_one(&statement, &[&&*self.namespace, &&key.as_bytes()[..], &seconds(ttl)]).await?;
        let outcome = read(Some(&row))?;
        Ok((transaction, outcome))
    }

    async fn commit(&self, transaction: Transaction<'_>) -> Result<(), GuardError> {
        const ROLLED_BACK: &str = "; the transaction was rolled back, and the next delivery is handled";
        const UNKNOWN: &str = "; the transaction may have been committed, and the next delivery is repeated if it was";

        // PostgreSQL responds to COMMIT with success and rolls back, if a statement failed whose error the handler ignored.
        let checked = timer::timeout(self.timeout, pin!(transaction.batch_execute("SELECT 1"))).await;
        if let Err(failure) = responded(checked) {
            return Err(failure.into_error("in_transaction", ROLLED_BACK));
        }
        let committed = timer::timeout(self.timeout, pin!(transaction.commit())).await;
        responded(committed).map_err(|failure| {
            let rolled_back = matches!(&failure, Failure::Statement(error)
                if error.as_db_error().is_some_and(|error| error.parsed_severity() == Some(Severity::Error)));
            failure.into_error("in_transaction: COMMIT", if rolled_back { ROLLED_BACK } else { UNKNOWN })
        })
    }

    async fn rollback(&self, transaction: Transaction<'_>) -> Result<(), GuardError> {
        let rolled_back = timer::timeout(self.timeout, pin!(transaction.rollback())).await;
        responded(rolled_back).map_err(|failure| {
            failure
                .into_error("in_transaction: ROLLBACK", "; the server rolls back when it notices the lost connection")
        })
    }

    /// Marks the key of a lease as done **in a transaction of yours**, together with what the handler wrote there. Returns
    /// whether it did: `false` if another owner holds the lease or finished. **Roll back then**: the other handles the event.
    ///
    /// For a handler that began with a lease, because it does more than write in this database.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use piaxis::webhook::{Begin, DeduplicationKey, Guard, PostgresGuard, Token};
    ///
    /// # async fn example(guard: PostgresGuard, pool: deadpool_postgres::Pool, key: DeduplicationKey)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let token = Token::new(key)?;
    /// if guard.begin(&token, Duration::from_secs(60)).await? == Begin::Acquired {
    ///     // Requests to other services, which may happen again.
    ///     let mut client = pool.get().await?;
    ///     let transaction = client.transaction().await?;
    ///     transaction.execute("UPDATE orders SET paid = true WHERE id = 'order-789'", &[]).await?;
    ///     if guard.finish_in(&transaction, &token, Duration::from_secs(7 * 86_400)).await? {
    ///         transaction.commit().await?;
    ///     } else {
    ///         transaction.rollback().await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When PostgreSQL rejects the statement or the connection broke. The transaction cannot be committed then. Not retried,
    /// and not limited in time.
    pub async fn finish_in(
        &self,
        transaction: &Transaction<'_>,
        token: &Token,
        ttl: Duration,
    ) -> Result<bool, GuardError> {
        let finish = async {
            let statement = transaction.prepare_cached(statements::FINISH_IN).await?;
            let (key, owner) = (token.key(), token.owner());
            let row = transaction
                .query_one(&statement, &[&&*self.namespace, &&key.as_bytes()[..], &&owner[..], &seconds(ttl)])
                .await?;
            read(Some(&row))
        };
        match finish.await {
            Ok(outcome) => Ok(matches!(outcome, Outcome::Taken)),
            Err(error) => Err(Failure::Statement(error).into_error("finish_in", "")),
        }
    }
}

fn responded(result: Option<Result<(), tokio_postgres::Error>>) -> Result<(), Failure> {
    match result {
        Some(result) => result.map_err(Failure::Statement),
        None => Err(Failure::NoResponse),
    }
}
