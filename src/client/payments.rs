//! Direct payments: collect money into the merchant's own account at once.

use crate::{
    Client, Secret,
    error::{Error, ErrorKind},
    operation::named,
    pagination::{Items, PageRequest},
    poll::{Wait, settled},
    request::Request,
    transport::path::segment,
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
    /// Most methods settle later, so the answer is usually `pending`: ask [`get`](Self::get) again. Amounts are in major units (`15_000` is fifteen thousand shillings).
    ///
    /// # Errors
    /// Whatever the API answers. After a timeout, a broken connection or a 5xx the payment may exist all the same.
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
        Request::new(&self.client, "payments_create", |raw| async move { raw.payments_create(None, &body).await })
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
        let refusal = || Error::local(ErrorKind::InvalidRequest, "`mfa_code` is in the body and in the query");
        let checked = body.mfa_code.is_none().then(|| (body, mfa_code.into())).ok_or_else(refusal);
        Request::checked(&self.client, "payments_create", checked, |raw, (body, mfa_code): (_, Secret)| async move {
            raw.payments_create(Some(&mfa_code), &body).await
        })
    }

    /// A payment as it stands: `GET /payments/{payment_id}`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when there is none; whatever else the API answers.
    pub fn get(&self, payment_id: impl Into<String>) -> Request<Payment> {
        let id = segment("payment id", payment_id.into());
        Request::checked(&self.client, "payments_get", id, |raw, id| async move { raw.payments_get(&id).await })
    }

    /// One page of the merchant's payments: `GET /merchant-payments`. Needs the client id.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) without a client id; whatever the API answers.
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
        Request::new(&self.client, "payments_list", |raw| async move {
            let PaymentFilter { from_date, limit, offset, payment_method, status, to_date } = &filter;
            let (from, to) = (from_date.as_ref(), to_date.as_ref());
            raw.payments_list(from, *limit, *offset, payment_method.as_ref(), status.as_ref(), to).await
        })
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

    /// Asks again until a payment is settled: completed, succeeded or failed.
    ///
    /// # Errors
    /// What [`get`](Self::get) gives and will not pass; see [`Wait`].
    pub fn wait_until_settled(&self, payment_id: impl Into<String>) -> Wait<Payment> {
        let (payments, id) = (self.clone(), payment_id.into());
        Wait::new(move || payments.get(&id), |payment| settled(&payment.status))
    }
}
