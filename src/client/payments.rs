//! Direct payments: collect money into the merchant's own account at once.
//!
//! # What the API does not have
//!
//! | missing | nearest |
//! |---|---|
//! | refunds | [`Escrows::reverse`](crate::escrows::Escrows::reverse) returns held money to the payer. [`Disbursements::create`](crate::disbursements::Disbursements::create) pays a phone number |
//! | cancelling a payment | none. [`Disbursements::cancel`](crate::disbursements::Disbursements::cancel) cancels a pending disbursement, [`EscrowDisbursements::cancel`](crate::escrow_disbursements::EscrowDisbursements::cancel) the record of a batch |
//! | customers | none. Keep your own, and send `user_info` with each request |
//! | card payments with card data | none. `card` is a payment method, but no request has a field for card data. Newer official SDKs read a `payment_url`, the hosted checkout |
//! | metadata, a reference or a description of a payment | none. Keep `payment_id` beside your order. Escrows have `metadata` and `external_order_id` |
//! | managing webhook endpoints | the dashboard |

use crate::{
    Client, Secret, Timestamp,
    create_and_wait::CreateAndWait,
    error::Error,
    lookup::{self, FindLike},
    operation::named,
    pagination::{Items, PageRequest},
    poll::{Poller, settled},
    request::Request,
    types::{Payment, PaymentCreate, PaymentCreated, PaymentFilter, PaymentList, PaymentSummary},
};

/// Direct payments; see [`Client::payments`].
#[derive(Debug, Clone)]
pub struct Payments {
    client: Client,
}

impl Payments {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Collects from a payer: `POST /payments/create`.
    ///
    /// Most methods settle later, so the status of the response is usually `pending`: poll
    /// [`get`](Self::get), or use [`create_and_wait`](Self::create_and_wait). Amounts are in major units (`15_000` is fifteen
    /// thousand shillings).
    ///
    /// **Credentials.** An API key, an access token, or both. With an API key, the merchant of the key collects: omit
    /// `recipient_id`. With an access token alone, no source says who collects: send the merchant's account id
    /// (`merchant_id` of the [`TokenResponse`](crate::types::TokenResponse)) as `recipient_id`.
    ///
    /// **Codes.** The official SDKs send the one-time password of [`Otp::request`](crate::otp::Otp::request) in
    /// `user_info.otp`. The authentication page has that field for escrows only, and names `mfa_code` for payments; this
    /// method sends `mfa_code` in the body. Set the one that your account requires.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), the payment may exist.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::{PaymentMethod, types::{PaymentCreate, UserInfo}};
    ///
    /// let payment = client
    ///     .payments()
    ///     .create(
    ///         PaymentCreate::builder()
    ///             .amount(15_000)
    ///             .currency("UGX")
    ///             .payment_method(PaymentMethod::Mtn)
    ///             .user_info(UserInfo::builder().phone_number("+256700000000").otp("123456").build())
    ///             .build(),
    ///     )
    ///     .idempotency_key("order-789")
    ///     .await?;
    /// println!("{}", payment.payment_id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, body: PaymentCreate) -> Request<PaymentCreated> {
        self.client.raw().payments_create(None, &body)
    }

    /// The same as [`create`](Self::create), with the second-factor code in the query.
    ///
    /// The guide calls `mfa_code` a parameter of the route; the official SDKs send it in the body, and so does
    /// [`create`](Self::create). Use this only where a deployment reads the query: URLs end up in the logs of servers.
    ///
    /// # Errors
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) when the body has a code too; the same as
    /// [`create`](Self::create) otherwise.
    pub fn create_with_mfa_code_in_query(
        &self,
        body: PaymentCreate,
        mfa_code: impl Into<Secret>,
    ) -> Request<PaymentCreated> {
        let message = "must not be in the body and in the query";
        let checked = body.mfa_code.is_none().then_some(()).ok_or_else(|| Error::invalid_field("mfa_code", message));
        let raw = self.client.raw();
        Request::checked(&self.client, const { named("payments_create") }, checked, |()| {
            raw.payments_create(Some(&mfa_code.into()), &body)
        })
    }

    /// Collects from a payer, and polls until the payment is settled: `POST /payments/create`, then
    /// `GET /payments/{payment_id}`. The result is one value: paid, declined, or unknown.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client, order: piaxis::types::PaymentCreate) {
    /// use std::time::Duration;
    /// use piaxis::PaymentResult;
    ///
    /// let payment = client.payments().create_and_wait(order).idempotency_key("order-789").timeout(Duration::from_secs(60));
    /// match payment.await {
    ///     PaymentResult::Paid(payment) => println!("paid: {}", payment.id),
    ///     PaymentResult::Declined { payment: Some(payment), .. } => println!("the payment is {}", payment.status),
    ///     PaymentResult::Declined { error, .. } => println!("not created: {error:?}"),
    ///     PaymentResult::Unknown { payment_id, .. } => println!("look {payment_id:?} up before collecting again"),
    /// }
    /// # }
    /// ```
    pub fn create_and_wait(&self, body: PaymentCreate) -> CreateAndWait {
        CreateAndWait::new(self, self.create(body))
    }

    /// Looks up a payment whose creation had an unknown outcome. Searches `GET /merchant-payments` for payments like the
    /// order, by amount, currency, method, payer and time. Requires the API key and the client id.
    ///
    /// `since` is the time at which the payment was sent, by the caller's clock. Because clocks differ, the search begins
    /// ten minutes earlier, and has no end. [`NoneYet`](crate::Lookup::NoneYet) never authorises a resend.
    ///
    /// # Errors
    /// Those of [`list`](Self::list), and [`ListChanged`](crate::ErrorKind::ListChanged).
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client, order: piaxis::types::PaymentCreate) -> Result<(), piaxis::Error> {
    /// use std::time::SystemTime;
    /// use piaxis::{Lookup, Outcome};
    ///
    /// let since = SystemTime::now();
    /// if let Err(error) = client.payments().create(order.clone()).idempotency_key("order-789").await
    ///     && error.outcome() == Outcome::Unknown
    /// {
    ///     match client.payments().find_like(&order, since).await? {
    ///         Lookup::NoneYet => println!("not listed yet: look again later"),
    ///         Lookup::One(payment) => println!("{} is {:?}", payment.payment_id, payment.status),
    ///         Lookup::Several(payments) => println!("compare {} payments by hand", payments.len()),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn find_like(&self, order: &PaymentCreate, since: impl Into<Timestamp>) -> FindLike<PaymentSummary> {
        lookup::payment(self, order, since.into())
    }

    /// Returns a payment: `GET /payments/{payment_id}`. Sends an API key, an access token, or both.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the payment does not exist; otherwise see [`Error`](crate::Error).
    pub fn get(&self, payment_id: impl Into<String>) -> Request<Payment> {
        self.client.raw().payments_get(&payment_id.into())
    }

    /// Returns one page of the merchant's payments: `GET /merchant-payments`. Requires the API key and the client id.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) without API key or client id; otherwise see [`Error`](crate::Error).
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::{PaymentStatus, types::PaymentFilter};
    ///
    /// let page = client.payments().list(PaymentFilter::builder().status(PaymentStatus::Completed).limit(20).build()).await?;
    /// for payment in page.results {
    ///     println!("{} {:?}", payment.payment_id, payment.amount);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self, filter: PaymentFilter) -> Request<PaymentList> {
        self.client.raw().payments_list(&filter)
    }

    /// Streams all payments of the merchant that match the filter: `GET /merchant-payments`. Requires the client id.
    /// `limit` of the filter is the page size, and `offset` is the offset of the first item.
    ///
    /// # Errors
    /// The stream returns the errors of [`list`](Self::list) and of [`Items`].
    pub fn stream(&self, filter: PaymentFilter) -> Items<PaymentSummary> {
        let payments = self.clone();
        Items::new(const { named("payments_list") }, filter.offset, filter.limit, move |page: PageRequest| {
            payments.list(PaymentFilter { offset: Some(page.offset), limit: Some(page.limit), ..filter.clone() })
        })
    }

    /// Polls until `PaymentStatus::is_settled` holds for the status of a payment. No source lists the final statuses: the
    /// statuses of `is_settled` are taken as final.
    ///
    /// # Errors
    /// The lasting failures of [`get`](Self::get); see [`Poller`].
    pub fn wait_until_settled(&self, payment_id: impl Into<String>) -> Poller<Payment> {
        let (payments, id) = (self.clone(), payment_id.into());
        Poller::new(move || payments.get(&id), |payment| settled(&payment.status))
    }
}
