//! Disbursements: pay many beneficiaries from the merchant's balance.

use crate::{
    Amount, Client, Timestamp,
    lookup::{self, FindLike},
    operation::named,
    pagination::{Items, PageRequest},
    poll::{Poller, settled},
    quote_and_create::QuoteAndCreate,
    request::Request,
    types::{
        Disbursement, DisbursementCancel, DisbursementCreate, DisbursementFilter, DisbursementList, DisbursementQuote,
        DisbursementSummary,
    },
};

/// Disbursements; see [`Client::disbursements`]. All methods require the API key and the client id.
#[derive(Debug, Clone)]
pub struct Disbursements {
    client: Client,
}

impl Disbursements {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Returns the fees and the total debit of a disbursement, and creates nothing: `POST /disbursements/quote`.
    ///
    /// Recipients with a `recipient_id` are internal transfers and pay no payout tier.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::{Amount, PaymentMethod, types::{DisbursementCreate, Recipient}};
    ///
    /// let payouts = DisbursementCreate::builder()
    ///     .currency("UGX")
    ///     .payment_method(PaymentMethod::Airtel)
    ///     .recipients(vec![Recipient::builder().amount(45_000).phone_number("+256701234567").build()])
    ///     .build();
    /// let quote = client.disbursements().quote(payouts.clone()).await?;
    /// if quote.total_debit_amount <= Amount::from(50_000) {
    ///     client.disbursements().create(payouts).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn quote(&self, body: DisbursementCreate) -> Request<DisbursementQuote> {
        self.client.raw().disbursements_quote(&body)
    }

    /// Pays a batch of recipients: `POST /disbursements`. [`quote`](Self::quote) it first.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), the disbursement may exist.
    pub fn create(&self, body: DisbursementCreate) -> Request<DisbursementSummary> {
        self.client.raw().disbursements_create(&body)
    }

    /// Returns a disbursement with its items: `GET /disbursements/{disbursement_id}`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the disbursement does not exist; otherwise see [`Error`](crate::Error).
    pub fn get(&self, disbursement_id: impl Into<String>) -> Request<Disbursement> {
        self.client.raw().disbursements_get(&disbursement_id.into())
    }

    /// Returns one page of disbursements: `GET /disbursements`.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn list(&self, filter: DisbursementFilter) -> Request<DisbursementList> {
        self.client.raw().disbursements_list(&filter)
    }

    /// Cancels a disbursement that is still pending: `POST /disbursements/{disbursement_id}/cancel`.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), the cancellation may have been executed.
    pub fn cancel(&self, disbursement_id: impl Into<String>, body: DisbursementCancel) -> Request<DisbursementSummary> {
        self.client.raw().disbursements_cancel(&disbursement_id.into(), &body)
    }

    /// Streams all disbursements that match the filter: `GET /disbursements`. `limit` of the filter is the page size, and
    /// `offset` is the offset of the first item.
    ///
    /// # Errors
    /// The stream returns the errors of [`list`](Self::list) and of [`Items`].
    pub fn stream(&self, filter: DisbursementFilter) -> Items<DisbursementSummary> {
        let disbursements = self.clone();
        Items::new(const { named("disbursements_list") }, filter.offset, filter.limit, move |page: PageRequest| {
            let (offset, limit) = (Some(page.offset), Some(page.limit));
            disbursements.list(DisbursementFilter { offset, limit, ..filter.clone() })
        })
    }

    /// Polls until a disbursement is settled: completed, partially completed, failed or cancelled. No source lists the final
    /// statuses, and that `partially_completed` is final is a guess: look at `pending_count` before paying anybody again.
    ///
    /// # Errors
    /// The lasting failures of [`get`](Self::get); see [`Poller`].
    pub fn wait_until_settled(&self, disbursement_id: impl Into<String>) -> Poller<Disbursement> {
        let (disbursements, id) = (self.clone(), disbursement_id.into());
        Poller::new(move || disbursements.get(&id), |disbursement| settled(&disbursement.status))
    }

    /// Looks a disbursement up whose creation had an unknown outcome: searches `GET /disbursements` for those with the total
    /// and currency of the order, and compares their items by reference, recipient and amount
    /// (`GET /disbursements/{disbursement_id}`).
    ///
    /// `since` is when the disbursement was sent, by the caller's clock; the search begins ten minutes earlier, and has no
    /// end. Give each recipient a `reference` of its own, so that orders can be told apart.
    /// [`NoneYet`](crate::Lookup::NoneYet) never authorises a resend.
    ///
    /// # Errors
    /// Those of [`list`](Self::list) and [`get`](Self::get), and [`ListChanged`](crate::ErrorKind::ListChanged).
    pub fn find_like(&self, order: &DisbursementCreate, since: impl Into<Timestamp>) -> FindLike<Disbursement> {
        lookup::disbursement(self, order, since.into())
    }

    /// Quotes a disbursement, as the docs recommend, and creates it only when the quote debits no more than
    /// `max_total_debit` (major units, fees counted), in the currency of the disbursement: `POST /disbursements/quote`, then
    /// `POST /disbursements`, which carries one idempotency key. [`max_fee`](QuoteAndCreate::max_fee) also limits the fees alone.
    ///
    /// # Errors
    /// [`QuoteRejected`](crate::ErrorKind::QuoteRejected) when the quote is not allowed; nothing was created then. Otherwise
    /// those of [`quote`](Self::quote), with nothing created, and of [`create`](Self::create);
    /// [`operation`](crate::Error::operation) tells which of the two failed.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client, payouts: piaxis::types::DisbursementCreate) -> Result<(), piaxis::Error> {
    /// match client.disbursements().quote_and_create(payouts, 50_000).idempotency_key("week-47").await {
    ///     Ok(disbursement) => println!("{}", disbursement.disbursement_id),
    ///     Err(error) => match error.quote_rejection() {
    ///         Some(rejection) => println!("not paid: {rejection}"),
    ///         None => return Err(error),
    ///     },
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn quote_and_create(&self, body: DisbursementCreate, max_total_debit: impl Into<Amount>) -> QuoteAndCreate {
        QuoteAndCreate::new(self, body, max_total_debit.into())
    }
}
