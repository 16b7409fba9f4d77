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

    /// Creates an escrow: `POST /escrows/`.
    ///
    /// **Credentials.** An API key, an access token, or both, always with the client id: the API rejects this route without
    /// it. With an API key, the merchant of the key is the receiver: omit `receiver_id`. With an access token alone, no source
    /// says who the receiver is: send the merchant's account id.
    ///
    /// **Terms.** [`TermCreate::new`](crate::types::TermCreate::new) makes a term of typed data, and
    /// [`TermData`](crate::TermData) lists the keys that are known.
    ///
    /// The API has no list of escrows, and no lookup by idempotency key. After
    /// [`Outcome::Unknown`](crate::Outcome::Unknown), the escrow may exist: ask Piaxis, naming the request id, before
    /// creating another one. A webhook may name the escrow, too.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) without the client id, or without API key and access token; otherwise see [`Error`](crate::Error).
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::{PaymentMethod, types::{DeliveryConfirmationTermData, EscrowCreate, TermCreate, UserInfo}};
    ///
    /// let delivery = DeliveryConfirmationTermData::builder().description("Confirm delivery").build();
    /// let escrow = client
    ///     .escrows()
    ///     .create(
    ///         EscrowCreate::builder()
    ///             .amount(50_000)
    ///             .currency_code("UGX")
    ///             .payment_method(PaymentMethod::Mtn)
    ///             .terms(vec![TermCreate::new(delivery)?])
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

    /// Returns an escrow: `GET /escrows/{escrow_id}`. This and the methods below send an API key, an access token, or both,
    /// and the client id where it is configured.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the escrow does not exist; otherwise see [`Error`](crate::Error).
    pub fn get(&self, escrow_id: impl Into<String>) -> Request<Escrow> {
        self.client.raw().escrows_get(&escrow_id.into())
    }

    /// Returns which terms are met, and who the buyer is: `GET /escrows/{escrow_id}/status`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the escrow does not exist; otherwise see [`Error`](crate::Error).
    pub fn status(&self, escrow_id: impl Into<String>) -> Request<EscrowFulfillment> {
        self.client.raw().escrows_status(&escrow_id.into())
    }

    /// Releases an escrow to the receiver, wholly or in part: `POST /escrows/{escrow_id}/release`. `force` is always sent, and
    /// `false` unless set.
    ///
    /// A 2xx response means that the release was executed, whatever fields it lacks.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), the release may have been executed.
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::types::EscrowRelease;
    ///
    /// let part = EscrowRelease::builder().amount(20_000).allocation_keys(["seller-a"]).build();
    /// let released = client.escrows().release("5a1d3f9e", part).await?;
    /// println!("{:?} {:?}", released.status, released.amount);
    /// # Ok(())
    /// # }
    /// ```
    pub fn release(&self, escrow_id: impl Into<String>, body: EscrowRelease) -> Request<EscrowReleased> {
        self.client.raw().escrows_release(&escrow_id.into(), &body)
    }

    /// Returns the held money to the payer, wholly or in part: `POST /escrows/{escrow_id}/reverse`. The API has no
    /// refund. A reversal is the nearest.
    ///
    /// A 2xx response means that the reversal was executed, whatever fields it lacks.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), the reversal may have been executed.
    pub fn reverse(&self, escrow_id: impl Into<String>, body: EscrowReverse) -> Request<EscrowReversed> {
        self.client.raw().escrows_reverse(&escrow_id.into(), &body)
    }

    /// Opens a dispute: `POST /escrows/{escrow_id}/disputes`.
    ///
    /// The API has no operation that shows a dispute. After [`Outcome::Unknown`](crate::Outcome::Unknown),
    /// [`get`](Self::get) tells whether the status of the escrow has changed. If it has not, ask Piaxis before opening
    /// another dispute.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn dispute(&self, escrow_id: impl Into<String>, body: EscrowDispute) -> Request<EscrowDisputed> {
        self.client.raw().escrows_dispute(&escrow_id.into(), &body)
    }

    /// Submits evidence for a term: `POST /escrows/{escrow_id}/terms/{term_id}/fulfill`.
    ///
    /// **This request can move money.** When the evidence meets the last term, the API can release the held money: the status is
    /// then `success`, and the message says so. `pending` means that other terms are not met. A meeting is complete only after
    /// both sides have sent coordinates within the allowed distance, and `requires_other_party` tells whether the other side is
    /// missing.
    ///
    /// `user_info` identifies a payer without a Piaxis account. A registered payer uses an access token, the merchant the API
    /// key, both without `user_info`. `required_actions` of [`get`](Self::get) lists what the escrow requires.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). After [`Outcome::Unknown`](crate::Outcome::Unknown), the evidence may have been accepted, and
    /// the money may have been released: look at [`get`](Self::get) first.
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
            |error| Error::local(ErrorKind::InvalidRequest, format!("evidence: must be a JSON object: {error}"));
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
    /// The lasting failures of [`get`](Self::get); see [`Poller`].
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
