//! Escrows: collect money and hold it until terms are met.

use crate::{
    Client, EscrowStatus,
    error::{Error, ErrorKind},
    evidence::TermEvidence,
    operation::named,
    poll::{Poller, Settled},
    request::Request,
    types::{
        Escrow, EscrowCreate, EscrowDispute, EscrowDisputed, EscrowFulfillment, EscrowRelease, EscrowReleased,
        EscrowReverse, EscrowReversed, TermFulfilled, TermFulfillment, UserInfo,
    },
};

/// Escrows; see [`Client::escrows`].
#[derive(Debug, Clone)]
pub struct Escrows {
    client: Client,
}

impl Escrows {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Opens an escrow: `POST /escrows/`. With an API key, it needs the client id too.
    ///
    /// The API has no list of escrows, and no lookup by idempotency key. After
    /// [`Outcome::Unknown`](crate::Outcome::Unknown), the escrow may exist: ask Piaxis, naming the request id, before creating
    /// it anew. A webhook may name it, too.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) without a client id; otherwise see [`Error`](crate::Error).
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::{JsonObject, PaymentMethod, TermType, types::{EscrowCreate, TermCreate, UserInfo}};
    ///
    /// let term = TermCreate::builder().type_(TermType::ManualRelease).data(JsonObject::new()).build();
    /// let escrow = client
    ///     .escrows()
    ///     .create(
    ///         EscrowCreate::builder()
    ///             .amount(50_000)
    ///             .currency_code("UGX")
    ///             .payment_method(PaymentMethod::Mtn)
    ///             .terms(vec![term])
    ///             .user_info(UserInfo::builder().phone_number("+256700000000").otp("123456").build())
    ///             .build(),
    ///     )
    ///     .await?;
    /// println!("{}", escrow.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, body: EscrowCreate) -> Request<Escrow> {
        self.client.raw().escrows_create(&body)
    }

    /// An escrow as it stands: `GET /escrows/{escrow_id}`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when there is none; otherwise see [`Error`](crate::Error).
    pub fn get(&self, escrow_id: impl Into<String>) -> Request<Escrow> {
        self.client.raw().escrows_get(&escrow_id.into())
    }

    /// Which terms are met, and who the buyer is: `GET /escrows/{escrow_id}/status`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when there is none; otherwise see [`Error`](crate::Error).
    pub fn status(&self, escrow_id: impl Into<String>) -> Request<EscrowFulfillment> {
        self.client.raw().escrows_status(&escrow_id.into())
    }

    /// Pays the held money out, wholly or in part: `POST /escrows/{escrow_id}/release`.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), it may have been executed.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::types::EscrowRelease;
    ///
    /// let part = EscrowRelease::builder().amount(20_000).allocation_keys(["seller-a"]).build();
    /// let released = client.escrows().release("5a1d3f9e", part).await?;
    /// println!("{} {:?}", released.status, released.amount);
    /// # Ok(())
    /// # }
    /// ```
    pub fn release(&self, escrow_id: impl Into<String>, body: EscrowRelease) -> Request<EscrowReleased> {
        self.client.raw().escrows_release(&escrow_id.into(), &body)
    }

    /// Gives the held money back, wholly or in part: `POST /escrows/{escrow_id}/reverse`.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), it may have been executed.
    pub fn reverse(&self, escrow_id: impl Into<String>, body: EscrowReverse) -> Request<EscrowReversed> {
        self.client.raw().escrows_reverse(&escrow_id.into(), &body)
    }

    /// Opens a dispute: `POST /escrows/{escrow_id}/disputes`.
    ///
    /// The API has no operation that shows a dispute. After [`Outcome::Unknown`](crate::Outcome::Unknown),
    /// [`get`](Self::get) tells whether the status of the escrow has changed; otherwise ask Piaxis before opening it anew.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn dispute(&self, escrow_id: impl Into<String>, body: EscrowDispute) -> Request<EscrowDisputed> {
        self.client.raw().escrows_dispute(&escrow_id.into(), &body)
    }

    /// Hands in evidence for a term: `POST /escrows/{escrow_id}/terms/{term_id}/fulfill`.
    ///
    /// `user_info` identifies a payer without a Piaxis account; `None` otherwise. Look at `required_actions` of
    /// [`get`](Self::get) to see what is waited for.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), it may have been executed.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::{ConfirmationMethod, types::{BuyerDeliveryConfirmation, DeviceInfo, UserInfo}};
    ///
    /// let evidence = BuyerDeliveryConfirmation::builder()
    ///     .confirmation_method(ConfirmationMethod::Signature)
    ///     .buyer_device_info(DeviceInfo::builder().device_id("phone-1").platform("android").build())
    ///     .build();
    /// let buyer = UserInfo::builder().phone_number("+256700000000").otp("123456").build();
    /// let fulfilled = client.escrows().fulfill_term("5a1d3f9e", "7d5e1c44", evidence, Some(buyer)).await?;
    /// println!("{:?}", fulfilled.message);
    /// # Ok(())
    /// # }
    /// ```
    pub fn fulfill_term(
        &self,
        escrow_id: impl Into<String>,
        term_id: impl Into<String>,
        evidence: impl Into<TermEvidence>,
        user_info: Option<UserInfo>,
    ) -> Request<TermFulfilled> {
        let (evidence, term_id) = (evidence.into(), term_id.into());
        let invalid =
            |error| Error::local(ErrorKind::InvalidRequest, format!("the evidence must be an object: {error}"));
        let body = evidence.to_data().map_err(invalid).map(|data| {
            let term_type = evidence.term_type();
            TermFulfillment::builder()
                .term_id(&term_id)
                .term_type(term_type)
                .data(data)
                .maybe_user_info(user_info)
                .build()
        });
        let raw = self.client.raw();
        Request::checked(&self.client, const { named("escrows_fulfill_term") }, body, |body| {
            raw.escrows_fulfill_term(&escrow_id.into(), &term_id, &body)
        })
    }

    /// Polls until `until` returns true for an escrow: what counts as settled depends on its terms.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::{EscrowStatus, PollResult};
    ///
    /// let released = client.escrows().wait_until("7e0c2f4a", |escrow| escrow.status == Some(EscrowStatus::Released));
    /// if let PollResult::TimedOut { last, .. } = released.await? {
    ///     println!("not yet: {:?}", last.and_then(|escrow| escrow.status));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What [`get`](Self::get) gives and will not pass; see [`Poller`].
    pub fn wait_until(
        &self,
        escrow_id: impl Into<String>,
        mut until: impl FnMut(&Escrow) -> bool + Send + 'static,
    ) -> Poller<Escrow> {
        let (escrows, id) = (self.clone(), escrow_id.into());
        Poller::new(
            move || escrows.get(&id),
            move |escrow| match (until(escrow), &escrow.status) {
                (true, _) => Settled::Yes,
                (false, Some(EscrowStatus::Unknown(status))) => Settled::Unknown(status.as_str().to_owned()),
                (false, _) => Settled::No,
            },
        )
    }
}
