//! Escrow disbursements: pay beneficiaries once they met terms.

use crate::{
    Client,
    operation::named,
    pagination::{Items, PageRequest},
    poll::{Poller, Settled, settled},
    request::Request,
    types::{
        DisbursementCancel, EscrowDisbursement, EscrowDisbursementCreate, EscrowDisbursementFilter,
        EscrowDisbursementList, EscrowDisbursementRelease, EscrowDisbursementReleased, EscrowDisbursementSummary,
    },
};

/// Escrow disbursements; see [`Client::escrow_disbursements`]. All methods require the API key and the client id.
#[derive(Debug, Clone)]
pub struct EscrowDisbursements {
    client: Client,
}

impl EscrowDisbursements {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Creates one escrow for each recipient: `POST /escrow-disbursements`.
    ///
    /// [`TermCreate::new`](crate::types::TermCreate::new) makes a term of typed data.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), the batch may exist.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::{PaymentMethod, TermData, types::{EscrowDisbursementCreate, EscrowRecipient, TermCreate}};
    ///
    /// let term = TermCreate::new(TermData::ManualRelease)?;
    /// let courier = EscrowRecipient::builder().amount(25_000).phone_number("+256700111000").terms(vec![term]).build();
    /// let batch = client
    ///     .escrow_disbursements()
    ///     .create(
    ///         EscrowDisbursementCreate::builder()
    ///             .currency("UGX")
    ///             .payment_method(PaymentMethod::Mtn)
    ///             .recipients(vec![courier])
    ///             .build(),
    ///     )
    ///     .await?;
    /// println!("{}", batch.disbursement_id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, body: EscrowDisbursementCreate) -> Request<EscrowDisbursement> {
        self.client.raw().escrow_disbursements_create(&body)
    }

    /// Returns an escrow disbursement with its items: `GET /escrow-disbursements/{disbursement_id}`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the escrow disbursement does not exist; otherwise see [`Error`](crate::Error).
    pub fn get(&self, disbursement_id: impl Into<String>) -> Request<EscrowDisbursement> {
        self.client.raw().escrow_disbursements_get(&disbursement_id.into())
    }

    /// Returns one page of escrow disbursements, without their items: `GET /escrow-disbursements`.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn list(&self, filter: EscrowDisbursementFilter) -> Request<EscrowDisbursementList> {
        self.client.raw().escrow_disbursements_list(&filter)
    }

    /// Releases escrows of a batch: `POST /escrow-disbursements/{disbursement_id}/release`. `force` is always sent, and `false`
    /// unless set.
    ///
    /// Name the escrows in `escrow_ids`, and read the counts of the response. No source says what a request without
    /// `escrow_ids` releases, nor which escrows the API skips.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), the release may have been executed.
    pub fn release(
        &self,
        disbursement_id: impl Into<String>,
        body: EscrowDisbursementRelease,
    ) -> Request<EscrowDisbursementReleased> {
        self.client.raw().escrow_disbursements_release(&disbursement_id.into(), &body)
    }

    /// Cancels the batch record: `POST /escrow-disbursements/{disbursement_id}/cancel`.
    ///
    /// Escrows that were created already may have to be cancelled one by one. A single escrow has no cancel operation:
    /// [`Escrows::reverse`](crate::escrows::Escrows::reverse) is the nearest.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), the cancellation may have been executed.
    pub fn cancel(
        &self,
        disbursement_id: impl Into<String>,
        body: DisbursementCancel,
    ) -> Request<EscrowDisbursementSummary> {
        self.client.raw().escrow_disbursements_cancel(&disbursement_id.into(), &body)
    }

    /// Streams all escrow disbursements that match the filter: `GET /escrow-disbursements`. `limit` of the filter is the
    /// page size, and `offset` is the offset of the first item.
    ///
    /// # Errors
    /// The stream returns the errors of [`list`](Self::list) and of [`Items`].
    pub fn stream(&self, filter: EscrowDisbursementFilter) -> Items<EscrowDisbursementSummary> {
        let batches = self.clone();
        Items::new(
            const { named("escrow_disbursements_list") },
            filter.offset,
            filter.limit,
            move |page: PageRequest| {
                let (offset, limit) = (Some(page.offset), Some(page.limit));
                batches.list(EscrowDisbursementFilter { offset, limit, ..filter.clone() })
            },
        )
    }

    /// Polls until an escrow disbursement is settled: completed, partially completed, failed or cancelled. Of these,
    /// only `cancelled` is in a source. The others are those of disbursements, where `partially_completed` is a guess.
    ///
    /// # Errors
    /// The lasting failures of [`get`](Self::get); see [`Poller`].
    pub fn wait_until_settled(&self, disbursement_id: impl Into<String>) -> Poller<EscrowDisbursement> {
        let (batches, id) = (self.clone(), disbursement_id.into());
        Poller::new(move || batches.get(&id), |batch| batch.status.as_ref().map_or(Settled::No, settled))
    }
}
