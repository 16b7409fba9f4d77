//! Disbursements that are quoted before they are created.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    Amount,
    disbursements::Disbursements,
    error::Error,
    extra_fields::ExtraFields,
    options::RequestOptions,
    types::{DisbursementCreate, DisbursementQuote, DisbursementSummary},
};

/// A disbursement that is quoted first, and created only when the quote is within bounds. Begins when awaited.
///
/// Made by [`Disbursements::quote_and_create`].
#[derive(Debug, Clone)]
#[must_use = "nothing is quoted or created until it is awaited"]
pub struct QuoteAndCreate {
    disbursements: Disbursements,
    body: DisbursementCreate,
    max_total_debit: Amount,
    max_fee: Option<Amount>,
    idempotency_key: Option<String>,
    extra_fields: ExtraFields,
    options: RequestOptions,
}

impl QuoteAndCreate {
    pub(crate) fn new(disbursements: &Disbursements, body: DisbursementCreate, max_total_debit: Amount) -> Self {
        Self {
            disbursements: disbursements.clone(),
            body,
            max_total_debit,
            max_fee: None,
            idempotency_key: None,
            extra_fields: ExtraFields::default(),
            options: RequestOptions::new(),
        }
    }

    /// Maximum total fee of the quote, in major units. Unset by default: then only the total debit is limited.
    ///
    /// A quote that has no `total_fee_amount` is rejected when a maximum is set. The total debit is compared first.
    pub fn max_fee(mut self, limit: impl Into<Amount>) -> Self {
        self.max_fee = Some(limit.into());
        self
    }

    /// Idempotency key of the creation, instead of a random one; see
    /// [`Request::idempotency_key`](crate::Request::idempotency_key).
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Adds a field that the contract does not know to the bodies of quote and creation; see
    /// [`Request::extra_field`](crate::Request::extra_field).
    pub fn extra_field(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.extra_fields.set(name.into(), &value);
        self
    }

    /// Deadline of the quote, and then of the creation, each counted from its beginning.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options = self.options.deadline(deadline);
        self
    }

    /// Options of both requests.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = self.options.or(options);
        self
    }

    async fn run(self) -> Result<DisbursementSummary, Error> {
        let mut create = self.disbursements.create(self.body.clone()).options(self.options.clone());
        create = create.extra_fields(self.extra_fields.clone());
        if let Some(key) = self.idempotency_key {
            create = create.idempotency_key(key);
        }
        // What cannot be created is not quoted.
        create.check()?;
        let amounts = self.body.recipients.iter().map(|recipient| recipient.amount);
        let Some(asked) = Amount::checked_sum(amounts) else {
            let message = format!("amounts must have an exact sum of at most {}", Decimal::MAX);
            return Err(Error::invalid_field("recipients", message).in_operation(create.operation()));
        };
        let quote = self.disbursements.quote(self.body.clone()).extra_fields(self.extra_fields);
        let quote = quote.options(self.options).await?;
        let problem = if quote.currency != self.body.currency {
            Some(QuoteProblem::Currency)
        } else if quote.total_debit_amount > self.max_total_debit {
            Some(QuoteProblem::TooMuch)
        } else if quote.total_debit_amount < asked {
            Some(QuoteProblem::TooLittle)
        } else if self.max_fee.is_some_and(|limit| quote.total_fee_amount.is_none_or(|fee| fee > limit)) {
            Some(QuoteProblem::Fee)
        } else {
            None
        };
        if let Some(problem) = problem {
            let (max_total_debit, max_fee) = (self.max_total_debit, self.max_fee);
            let rejection = QuoteRejection { problem, quote, max_total_debit, max_fee };
            return Err(Error::quote_rejected(create.operation(), rejection));
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

/// A quote that is not what the caller allows; nothing was created. See [`Error::quote_rejection`](crate::Error).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct QuoteRejection {
    /// What is wrong with it.
    pub problem: QuoteProblem,
    /// The quote.
    pub quote: DisbursementQuote,
    /// Maximum total debit that the caller allows.
    pub max_total_debit: Amount,
    /// Maximum total fee that the caller allows, if the caller set one.
    pub max_fee: Option<Amount>,
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
    /// The total fee exceeds the maximum that the caller set, or is missing.
    Fee,
}

impl fmt::Display for QuoteRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DisbursementQuote { currency, total_debit_amount, total_fee_amount, .. } = &self.quote;
        match (self.problem, total_fee_amount) {
            (QuoteProblem::Currency, _) => write!(f, "quoted currency {currency} must be that of the disbursement"),
            (QuoteProblem::TooMuch, _) => {
                let limit = self.max_total_debit;
                write!(f, "quoted total debit {total_debit_amount} {currency} exceeds the maximum of {limit}")
            }
            (QuoteProblem::TooLittle, _) => {
                write!(f, "quoted total debit {total_debit_amount} {currency} is less than the sum of the amounts")
            }
            (QuoteProblem::Fee, Some(fee)) => {
                let limit = self.max_fee.unwrap_or_default();
                write!(f, "quoted total fee {fee} {currency} exceeds the maximum of {limit}")
            }
            (QuoteProblem::Fee, None) => {
                f.write_str("total_fee_amount is required in the quote because a maximum fee is set")
            }
        }
    }
}

impl std::error::Error for QuoteRejection {}
