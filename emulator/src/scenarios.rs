//! Named situations, to begin a test or a demonstration with.

use piaxis::{
    Client, Error, PaymentMethod, TermData,
    types::{
        AllocationCreate, EscrowCreate, EscrowDispute, EscrowRelease, OtpRequest, PaymentCreate, TermCreate, UserInfo,
    },
};

use crate::{DECLINED_PHONE_NUMBER, Merchant};

/// What [`Merchant::marketplace`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Marketplace {
    /// Escrow of an order of three sellers: the first one is paid, the parts of the others are held.
    pub escrow_id: String,
    /// Allocation keys of the three sellers.
    pub sellers: [&'static str; 3],
    /// Escrow of another order, about which the buyer has opened a dispute.
    pub disputed_escrow_id: String,
    /// A direct payment that is pending, and then completed.
    pub payment_id: String,
    /// A direct payment that is pending, and then failed.
    pub declined_payment_id: String,
}

/// The buyer of the marketplace.
const BUYER: &str = "+256700000000";
const SELLERS: [(&str, i64); 3] = [("seller-a", 20_000), ("seller-b", 30_000), ("seller-c", 50_000)];

impl Merchant<'_> {
    /// Makes this merchant a marketplace: an order of three sellers of which one is paid, an order in dispute, and two direct
    /// payments. All of it goes through the API, with its events and webhooks.
    ///
    /// # Errors
    /// Those of the requests, where a fault is set.
    ///
    /// ```
    /// use piaxis_emulator::Emulator;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::start().await?;
    /// let market = emulator.default_merchant().marketplace().await?;
    /// let escrow = emulator.client().escrows().get(&market.escrow_id).await?;
    /// assert_eq!(escrow.allocation_summary.unwrap().released_count, Some(1));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn marketplace(&self) -> Result<Marketplace, Error> {
        let client = self.client();
        let allocation =
            |(key, amount): (&str, i64)| AllocationCreate::builder().allocation_key(key).amount(amount).build();
        let mut order = escrow(&client, 100_000).await?;
        order.allocations = Some(SELLERS.map(allocation).to_vec());
        let escrow_id = client.escrows().create(order).await?.id;
        let release = EscrowRelease::builder().allocation_keys([SELLERS[0].0]).reason("Goods received").build();
        client.escrows().release(&escrow_id, release).await?;

        let disputed_escrow_id = client.escrows().create(escrow(&client, 45_000).await?).await?.id;
        let dispute =
            EscrowDispute::builder().reason("Goods damaged on delivery").user_info(buyer(&client).await?).build();
        client.escrows().dispute(&disputed_escrow_id, dispute).await?;

        let payment = async |phone_number: &str| {
            let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
            let payer = UserInfo::builder().phone_number(phone_number).build();
            client.payments().create(order.user_info(payer).build()).await.map(|payment| payment.payment_id)
        };
        Ok(Marketplace {
            escrow_id,
            sellers: SELLERS.map(|(key, _)| key),
            disputed_escrow_id,
            payment_id: payment(BUYER).await?,
            declined_payment_id: payment(DECLINED_PHONE_NUMBER).await?,
        })
    }
}

/// The buyer, with a fresh one-time password.
async fn buyer(client: &Client) -> Result<UserInfo, Error> {
    let sent = client.otp().request(OtpRequest::builder().phone_number(BUYER).build()).await?;
    Ok(UserInfo::builder().phone_number(BUYER).maybe_otp(sent.otp).build())
}

async fn escrow(client: &Client, amount: i64) -> Result<EscrowCreate, Error> {
    let order = EscrowCreate::builder()
        .amount(amount)
        .currency_code("UGX")
        .payment_method(PaymentMethod::Mtn)
        .terms(vec![TermCreate::new(TermData::ManualRelease)?])
        .user_info(buyer(client).await?);
    Ok(order.build())
}
