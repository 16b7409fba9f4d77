//! Payouts that are checked before they are made.

use std::{collections::HashMap, fmt, future::Future, pin::Pin, time::Duration};

use uuid::Uuid;

use crate::{
    Amount, PaymentMethod,
    disbursements::Disbursements,
    error::{Error, ErrorKind, FieldError},
    types::{DisbursementCreate, DisbursementQuote, DisbursementSummary, Recipient},
};

/// A disbursement that is quoted first, and created only when the quote is within bounds. It begins when awaited.
///
/// Made by [`Disbursements::quote_and_create`].
#[derive(Debug, Clone)]
#[must_use = "nothing is quoted or created until it is awaited"]
pub struct QuoteAndCreate {
    disbursements: Disbursements,
    body: DisbursementCreate,
    max_total_debit: Amount,
    idempotency_key: Option<String>,
    deadline: Option<Duration>,
}

impl QuoteAndCreate {
    pub(crate) fn new(disbursements: &Disbursements, body: DisbursementCreate, max_total_debit: Amount) -> Self {
        let disbursements = disbursements.clone();
        Self { disbursements, body, max_total_debit, idempotency_key: None, deadline: None }
    }

    /// Names the creation, instead of a random key; see [`Request::idempotency_key`](crate::Request::idempotency_key).
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Gives up the quote, and then the creation, this long after each was sent for the first time.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    async fn run(self) -> Result<DisbursementSummary, Error> {
        let mut quote = self.disbursements.quote(self.body.clone());
        let key = self.idempotency_key.unwrap_or_else(|| Uuid::new_v4().to_string());
        let mut create = self.disbursements.create(self.body.clone()).idempotency_key(key);
        if let Some(deadline) = self.deadline {
            (quote, create) = (quote.deadline(deadline), create.deadline(deadline));
        }
        let quote = quote.await?;
        let asked: Amount = self
            .body
            .recipients
            .iter()
            .map(|recipient| recipient.amount.to_decimal())
            .sum::<rust_decimal::Decimal>()
            .into();
        let problem = if quote.currency != self.body.currency {
            Some(QuoteProblem::Currency)
        } else if quote.total_debit_amount > self.max_total_debit {
            Some(QuoteProblem::TooMuch)
        } else if quote.total_debit_amount < asked {
            Some(QuoteProblem::TooLittle)
        } else {
            None
        };
        if let Some(problem) = problem {
            let refusal = QuoteRefusal { problem, quote, max_total_debit: self.max_total_debit };
            return Err(Error::quote_refused(create.operation(), refusal));
        }
        create.await
    }
}

impl IntoFuture for QuoteAndCreate {
    type Output = Result<DisbursementSummary, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A quote that is not what the caller allows; nothing was created. See [`Error::quote_refusal`](crate::Error).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct QuoteRefusal {
    /// What is wrong with it.
    pub problem: QuoteProblem,
    /// The quote.
    pub quote: DisbursementQuote,
    /// What the caller allows.
    pub max_total_debit: Amount,
}

/// What is wrong with a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QuoteProblem {
    /// It is in another currency than the disbursement.
    Currency,
    /// It would debit more than the caller allows.
    TooMuch,
    /// It would debit less than the recipients get, so it is no quote of this disbursement.
    TooLittle,
}

impl fmt::Display for QuoteRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DisbursementQuote { currency, total_debit_amount, .. } = &self.quote;
        write!(f, "the quote is {total_debit_amount} {currency}, ")?;
        match self.problem {
            QuoteProblem::Currency => f.write_str("which is another currency than the disbursement's"),
            QuoteProblem::TooMuch => write!(f, "and {} is allowed", self.max_total_debit),
            QuoteProblem::TooLittle => f.write_str("which is less than the recipients are to get"),
        }
    }
}

impl std::error::Error for QuoteRefusal {}

/// Sorts payouts into disbursements, one for each rail, and checks them before anything is sent.
///
/// A disbursement has one payment method, by which all its recipients outside Piaxis are paid.
///
/// ```
/// use piaxis::{PayoutBatch, PaymentMethod, types::Recipient};
///
/// let to = |phone: &str, amount: u32| Recipient::builder().phone_number(phone).amount(amount).build();
/// let disbursements = PayoutBatch::new("UGX")
///     .description("week 47")
///     .pay(PaymentMethod::Mtn, to("+256771234567", 45_000))
///     .pay(PaymentMethod::Airtel, to("+256701234567", 30_000))
///     .pay(PaymentMethod::Mtn, to("+256772345678", 20_000))
///     .build()?;
/// assert_eq!(disbursements.len(), 2);
/// assert_eq!(disbursements[0].recipients.len(), 2);
/// # Ok::<(), piaxis::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PayoutBatch {
    currency: String,
    description: Option<String>,
    payouts: Vec<(PaymentMethod, Recipient)>,
}

impl PayoutBatch {
    /// Payouts in this currency.
    pub fn new(currency: impl Into<String>) -> Self {
        Self { currency: currency.into(), description: None, payouts: Vec::new() }
    }

    /// What the disbursements are for.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds a payout over a rail. A recipient with a `recipient_id` is paid inside Piaxis, whatever the rail.
    pub fn pay(mut self, rail: PaymentMethod, recipient: Recipient) -> Self {
        self.payouts.push((rail, recipient));
        self
    }

    /// The disbursements, one for each rail in the order in which the rails came first.
    ///
    /// # Errors
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest), with all that is wrong in
    /// [`field_errors`](crate::Error::field_errors), as `recipients[3].amount` in the order in which they were added: when
    /// there is no payout, a payout has neither `recipient_id` nor `phone_number` (an e-mail address is no target), an
    /// amount is not more than nothing, or a reference stands twice.
    pub fn build(self) -> Result<Vec<DisbursementCreate>, Error> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(Error::local_fields(ErrorKind::InvalidRequest, problems));
        }
        let mut disbursements: Vec<DisbursementCreate> = Vec::new();
        for (rail, recipient) in self.payouts {
            match disbursements.iter_mut().find(|disbursement| disbursement.payment_method == rail) {
                Some(disbursement) => disbursement.recipients.push(recipient),
                None => disbursements.push(
                    DisbursementCreate::builder()
                        .currency(self.currency.clone())
                        .payment_method(rail)
                        .maybe_description(self.description.clone())
                        .recipients([recipient])
                        .build(),
                ),
            }
        }
        Ok(disbursements)
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut problem = |path: String, message: String| problems.push(FieldError::local(path, message));
        if self.currency.trim().is_empty() {
            problem("currency".to_owned(), "is empty".to_owned());
        }
        if self.payouts.is_empty() {
            problem("recipients".to_owned(), "there is nobody to pay".to_owned());
        }
        let mut references: HashMap<&str, usize> = HashMap::new();
        for (at, (_, recipient)) in self.payouts.iter().enumerate() {
            let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
            if !is_given(&recipient.recipient_id) && !is_given(&recipient.phone_number) {
                let message = "has neither `recipient_id` nor `phone_number`, and an e-mail address is no target";
                problem(format!("recipients[{at}]"), message.to_owned());
            }
            if !recipient.amount.is_positive() {
                problem(format!("recipients[{at}].amount"), "is not more than nothing".to_owned());
            }
            if let Some(reference) = recipient.reference.as_deref()
                && let Some(first) = references.insert(reference, at)
            {
                problem(format!("recipients[{at}].reference"), format!("is that of recipients[{first}] too"));
            }
        }
        problems
    }
}
