//! A payout: quote it, decide, create it, look at it.
//!
//!     PIAXIS_API_KEY=… PIAXIS_CLIENT_ID=… PIAXIS_API_BASE_URL=https://sandbox.api.gopiaxis.com/api \
//!         cargo run --example disbursement_flow -- +256711111111
//!
//! It needs credentials for a Piaxis API: the embedded sandbox has no disbursements yet. The phone number is paid
//! 1000 UGX from the merchant's balance.

use std::{env, error::Error};

use piaxis::{
    Amount, Client, PaymentMethod,
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

    let quote = client.disbursements().quote(payouts.clone()).await?;
    println!("It would cost {} {}.", quote.total_debit_amount, quote.currency);
    if quote.total_debit_amount > Amount::from(2_000) {
        return Err("that is more than this example wants to spend".into());
    }

    let created = client.disbursements().create(payouts).await?;
    println!("Disbursement {} is {:?}.", created.disbursement_id, created.status);
    let now = client.disbursements().get(&created.disbursement_id).await?;
    for item in now.items.unwrap_or_default() {
        println!("  {:?} {:?} {:?}", item.phone_number, item.amount, item.status);
    }
    Ok(())
}
