//! A payment that is created and then polled, with one result for both.

use std::{future::Future, pin::Pin, time::Duration};

use serde::Serialize;

use crate::{
    error::{Error, Outcome},
    options::RequestOptions,
    payments::Payments,
    poll::{Notifier, PollResult},
    request::Request,
    types::{Payment, PaymentCreated},
};

/// Result of [`create_and_wait`](Payments::create_and_wait): the payment is paid, declined, or unknown.
///
/// The enum is exhaustive, so that a `match` without `_` is checked by the compiler.
#[derive(Debug, Clone)]
#[must_use]
pub enum PaymentResult {
    /// The money has moved.
    Paid(Payment),
    /// No money moves: the payment failed, the API rejected it, or it was never executed. One of the two fields is set.
    Declined {
        /// The payment, when the API created one.
        payment: Option<Payment>,
        /// Why the API created none. With [`Outcome::NotSent`], the same request may be retried.
        error: Option<Error>,
    },
    /// Whether money moves is unknown. Look the payment up before collecting again: by its id, or with
    /// [`find_like`](Payments::find_like).
    Unknown {
        /// Id of the payment, when the API created one.
        payment_id: Option<String>,
        /// The payment as last polled; `None` when a lasting failure ended the polling.
        last: Option<Payment>,
        /// The error of the creation, or of the last poll.
        error: Option<Error>,
    },
}

/// Creates a payment, and polls until the payment is settled. Begins when awaited.
///
/// Made by [`Payments::create_and_wait`].
#[derive(Debug)]
#[must_use = "nothing is created until it is awaited"]
pub struct CreateAndWait {
    create: Request<PaymentCreated>,
    payments: Payments,
    options: RequestOptions,
    // The poller needs the id of the payment, so it is made once the payment is created.
    timeout: Option<Duration>,
    intervals: Option<(Duration, Duration)>,
    notifier: Notifier,
}

impl CreateAndWait {
    pub(crate) fn new(payments: &Payments, create: Request<PaymentCreated>) -> Self {
        Self {
            create,
            payments: payments.clone(),
            options: RequestOptions::new(),
            timeout: None,
            intervals: None,
            notifier: Notifier::default(),
        }
    }

    /// Idempotency key of the payment, instead of a random one; see
    /// [`Request::idempotency_key`](crate::Request::idempotency_key).
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self {
        self.create = self.create.idempotency_key(key);
        self
    }

    /// Adds a field that the contract does not know to the body of the payment; see
    /// [`Request::extra_field`](crate::Request::extra_field).
    pub fn extra_field(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.create = self.create.extra_field(name, value);
        self
    }

    /// Options of each request.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = self.options.or(options);
        self
    }

    /// Timeout of the polling, counted from the response to the creation; see [`Poller::timeout`](crate::Poller::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Intervals of the polling; see [`Poller::intervals`](crate::Poller::intervals).
    pub fn intervals(mut self, first: Duration, max: Duration) -> Self {
        self.intervals = Some((first, max));
        self
    }

    /// A handle that makes the poller poll at once, for a webhook.
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    async fn run(self) -> PaymentResult {
        let created = match self.create.options(self.options.clone()).await {
            Ok(created) => created,
            Err(error) => {
                return match error.outcome() {
                    Outcome::Unknown => PaymentResult::Unknown { payment_id: None, last: None, error: Some(error) },
                    Outcome::NotSent | Outcome::Rejected | Outcome::ReadFailed => {
                        PaymentResult::Declined { payment: None, error: Some(error) }
                    }
                };
            }
        };
        let poller = self.payments.wait_until_settled(&created.payment_id);
        let mut poller = poller.options(self.options.without_idempotency_key()).notified_by(self.notifier);
        if let Some(timeout) = self.timeout {
            poller = poller.timeout(timeout);
        }
        if let Some((first, max)) = self.intervals {
            poller = poller.intervals(first, max);
        }
        let payment_id = Some(created.payment_id);
        match poller.await {
            Ok(PollResult::Settled(payment)) if payment.status.is_succeeded() => PaymentResult::Paid(payment),
            Ok(PollResult::Settled(payment)) => PaymentResult::Declined { payment: Some(payment), error: None },
            Ok(PollResult::TimedOut { last, last_error, .. }) => {
                PaymentResult::Unknown { payment_id, last, error: last_error }
            }
            Err(error) => PaymentResult::Unknown { payment_id, last: None, error: Some(error) },
        }
    }
}

impl IntoFuture for CreateAndWait {
    type Output = PaymentResult;
    type IntoFuture = Pin<Box<dyn Future<Output = PaymentResult> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
