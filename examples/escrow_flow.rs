//! An escrow for two sellers: open it, look at it, release one seller's slice, reverse the other's.
//!
//!     PIAXIS_API_KEY=… PIAXIS_CLIENT_ID=… PIAXIS_API_BASE_URL=https://sandbox.api.gopiaxis.com/api \
//!         cargo run --example escrow_flow -- +256700000000 OTP
//!
//! It needs credentials for a Piaxis API: the embedded sandbox has no escrows yet. The phone number is asked to pay
//! 50000 UGX; the one-time password is what it received after `client.otp().request(…)`.

use std::{env, error::Error};

use piaxis::{
    Client, PaymentMethod, TermData,
    types::{AllocationCreate, EscrowCreate, EscrowRelease, EscrowReverse, TermCreate, UserInfo},
};

const USAGE: &str = "this example needs PIAXIS_API_KEY and PIAXIS_CLIENT_ID in the environment, and the payer's phone \
                     number and one-time password as arguments (the embedded sandbox has no escrows yet)";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(phone_number), Some(otp)) = (arguments.next(), arguments.next()) else {
        return Err(USAGE.into());
    };
    let client = Client::from_env().map_err(|error| format!("{error}\n{USAGE}"))?;
    let buyer = UserInfo::builder().phone_number(phone_number).otp(otp).build();

    let slice = |key: &str, amount: i32| AllocationCreate::builder().allocation_key(key).amount(amount).build();
    let escrow = client
        .escrows()
        .create(
            EscrowCreate::builder()
                .amount(50_000)
                .currency_code("UGX")
                .payment_method(PaymentMethod::Mtn)
                .terms(vec![TermCreate::new(TermData::ManualRelease)?])
                .allocations(vec![slice("seller-a", 20_000), slice("seller-b", 30_000)])
                .external_order_id("order-789")
                .user_info(buyer.clone())
                .build(),
        )
        .await?;
    println!("Escrow {} is {:?}.", escrow.id, escrow.status);

    let fulfillment = client.escrows().status(&escrow.id).await?;
    for term in fulfillment.terms.unwrap_or_default() {
        println!("  term {:?} {:?} met: {:?}", term.term_id, term.term_type, term.is_met);
    }

    let only = |key: &str| vec![key.to_owned()];
    let release = EscrowRelease::builder().allocation_keys(only("seller-a")).reason("Goods received");
    let released = client.escrows().release(&escrow.id, release.user_info(buyer.clone()).build()).await?;
    println!("Seller A: {:?} {:?}", released.status, released.amount);

    let reverse = EscrowReverse::builder().allocation_keys(only("seller-b")).reason("Never arrived");
    let reversed = client.escrows().reverse(&escrow.id, reverse.user_info(buyer).build()).await?;
    println!("Seller B: {:?} {:?}", reversed.status, reversed.amount);
    Ok(())
}
