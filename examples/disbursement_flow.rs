//! A payout: quote it, create it if it does not cost too much, wait until it is settled.
//!
//!     PIAXIS_API_KEY=… PIAXIS_CLIENT_ID=… PIAXIS_API_BASE_URL=https://sandbox.api.gopiaxis.com/api \
//!         cargo run --example disbursement_flow -- +256711111111
//!
//! It needs credentials for a Piaxis API: the embedded sandbox has no disbursements yet. The phone number is paid
//! 1000 UGX from the merchant's balance.

use std::{env, error::Error, time::Duration};

use piaxis::{
    Client, Outcome, PaymentMethod,
    types::{DisbursementCreate, Recipient},
};

const USAGE: &str = "this example needs PIAXIS_API_KEY and PIAXIS_CLIENT_ID in the environment, and the phone number to \
                     pay as its argument (the embedded sandbox has no disbursements yet)";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let phone_number = env::args().nth(1).ok_or(USAGE)?;
    let client = Client::from_env().map_err(|error| format!("{error}\n{USAGE}"))?;
    let payouts = DisbursementCreate::builder()
        .currency("UGX")
        .payment_method(PaymentMethod::Airtel)
        .recipients(vec![Recipient::builder().amount(1_000).phone_number(phone_number).reference("supplier-1").build()])
        .description("Example payout")
        .build();

    // No more than 2000 UGX, fees counted.
    let created = match client.disbursements().quote_and_create(payouts, 2_000).await {
        Ok(created) => created,
        Err(error) if error.outcome() == Outcome::Unknown => {
            return Err(format!("look for it in the list before running this again: {error}").into());
        }
        Err(error) => return Err(error.into()),
    };
    println!("Disbursement {} is {:?}.", created.disbursement_id, created.status);
    let wait = client.disbursements().wait_until_settled(&created.disbursement_id).timeout(Duration::from_secs(120));
    if let Some(now) = wait.await?.last() {
        println!("Disbursement {} is {}.", now.disbursement_id, now.status);
        for item in now.items.unwrap_or_default() {
            println!("  {:?} {:?} {:?}", item.phone_number, item.amount, item.status);
        }
    }
    Ok(())
}
