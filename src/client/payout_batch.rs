//! Payouts sorted into disbursements, and checked before anything is sent.

use std::collections::HashMap;

use crate::{
    PaymentMethod,
    error::{Error, ErrorKind, FieldError},
    operation::{PAYOUTS, named},
    types::{DisbursementCreate, Recipient},
};

/// Sorts payouts into disbursements, one for each payment method, and checks them before anything is sent.
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
///
/// Each disbursement is quoted first, is not created above a limit, and has an idempotency key of its own:
///
/// ```no_run
/// # async fn example(client: piaxis::Client, batch: piaxis::PayoutBatch) -> Result<(), piaxis::Error> {
/// for disbursement in batch.build()? {
///     let key = format!("week-47-{}", disbursement.payment_method);
///     client.disbursements().quote_and_create(disbursement, 70_000).idempotency_key(key).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PayoutBatch {
    currency: String,
    description: Option<String>,
    payouts: Vec<(PaymentMethod, Recipient)>,
}

impl PayoutBatch {
    /// Starts a batch of payouts in this currency.
    pub fn new(currency: impl Into<String>) -> Self {
        Self { currency: currency.into(), description: None, payouts: Vec::new() }
    }

    /// Description of the disbursements.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds a payout by this payment method. A recipient with a `recipient_id` is paid inside Piaxis, whatever the method.
    pub fn pay(mut self, method: PaymentMethod, recipient: Recipient) -> Self {
        self.payouts.push((method, recipient));
        self
    }

    /// The disbursements, one for each payment method, in the order in which the methods were first used.
    ///
    /// # Errors
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) with every problem in
    /// [`field_errors`](crate::Error::field_errors). Recipients are numbered in the order in which they were added, as in
    /// `recipients[3].amount`.
    ///
    /// - `currency` and `recipients` must not be empty.
    /// - `payment_method` must be one that the API documents for disbursements. To use another one, build the
    ///   [`DisbursementCreate`] yourself.
    /// - A recipient must have a `recipient_id` or a `phone_number`. An e-mail address is not a payout target.
    /// - `phone_number` must be in E.164 form, such as `+256771234567`.
    /// - `amount` must be positive, without more decimal places than the currency has. The places are known for `UGX` only.
    /// - `reference` must be unique.
    pub fn build(self) -> Result<Vec<DisbursementCreate>, Error> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(Error::local_fields(ErrorKind::InvalidRequest, problems)
                .in_operation(const { named("disbursements_create") }));
        }
        let mut disbursements: Vec<DisbursementCreate> = Vec::new();
        for (method, recipient) in self.payouts {
            match disbursements.iter_mut().find(|disbursement| disbursement.payment_method == method) {
                Some(disbursement) => disbursement.recipients.push(recipient),
                None => disbursements.push(
                    DisbursementCreate::builder()
                        .currency(self.currency.clone())
                        .payment_method(method)
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
        let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        if self.currency.trim().is_empty() {
            problem("currency".to_owned(), "must not be empty".to_owned());
        }
        let mut unsupported = Vec::new();
        for (method, _) in &self.payouts {
            if !PAYOUTS.payment_methods.contains(&method.as_str()) && !unsupported.contains(&method) {
                unsupported.push(method);
                let supported = PAYOUTS.payment_methods.join(" or ");
                problem("payment_method".to_owned(), format!("unsupported: {method} (must be {supported})"));
            }
        }
        if self.payouts.is_empty() {
            problem("recipients".to_owned(), "must not be empty".to_owned());
        }
        let places = decimal_places(&self.currency);
        let mut references: HashMap<&str, usize> = HashMap::new();
        for (at, (_, recipient)) in self.payouts.iter().enumerate() {
            let Recipient { amount, phone_number, reference, .. } = recipient;
            if !is_given(&recipient.recipient_id) && !is_given(phone_number) {
                let message = "recipient_id or phone_number is required (an e-mail address is not a payout target)";
                problem(format!("recipients[{at}]"), message.to_owned());
            }
            // The number is personal data, so the message does not quote it.
            if is_given(phone_number) && !phone_number.as_deref().is_some_and(is_e164) {
                let (min, max) = (PAYOUTS.phone_number_digits.start(), PAYOUTS.phone_number_digits.end());
                let message = format!("must be in E.164 form: + and {min} to {max} digits, the first not 0");
                problem(format!("recipients[{at}].phone_number"), message);
            }
            if !amount.is_positive() {
                problem(format!("recipients[{at}].amount"), format!("must be positive, not {amount}"));
            } else if let Some(places) = places.filter(|places| amount.to_decimal().normalize().scale() > *places) {
                let message = format!("must have at most {places} decimal places in {}, not {amount}", self.currency);
                problem(format!("recipients[{at}].amount"), message);
            }
            if let Some(reference) = reference.as_deref()
                && let Some(first) = references.insert(reference.trim(), at)
            {
                let message = format!("must be unique, but recipients[{first}] has the same");
                problem(format!("recipients[{at}].reference"), message);
            }
        }
        problems
    }
}

/// Returns the decimal places that amounts in this currency may have, if the contract states them.
fn decimal_places(currency: &str) -> Option<u32> {
    let currency = currency.trim();
    PAYOUTS.decimal_places.iter().find(|(code, _)| code.eq_ignore_ascii_case(currency)).map(|(_, places)| *places)
}

fn is_e164(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    PAYOUTS.phone_number_digits.contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}
