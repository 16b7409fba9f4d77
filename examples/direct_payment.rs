//! A payment from start to end: one-time password, payment, waiting for it to settle, webhook, list.
//!
//!     cargo run --example direct_payment
//!         with nothing set: the emulator
//!
//!     PIAXIS_API_KEY=… PIAXIS_CLIENT_ID=… PIAXIS_API_BASE_URL=… cargo run --example direct_payment -- +256700000000
//!         that API; the owner of the number pays 1000 UGX

mod support;

use std::{error::Error, process::ExitCode, time::Duration};

use piaxis::{
    PaymentMethod, PollResult,
    types::{PaymentCreate, PaymentFilter},
};
use support::{Piaxis, report, shown};

#[tokio::main]
async fn main() -> ExitCode {
    report(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let piaxis = Piaxis::connect().await?;
    let client = &piaxis.client;
    let payer = piaxis.payer(&piaxis.phone_number("+256700000000")?).await?;

    let order = PaymentCreate::builder()
        .amount(1_000)
        .currency("UGX")
        .payment_method(PaymentMethod::Mtn)
        .user_info(payer)
        .customer_pays_fees(true)
        .build();
    let payment = client.payments().create(order).await?;
    println!("Payment {} is {}: the payer confirms on the phone.", payment.payment_id, shown(payment.status));

    let wait = client.payments().wait_until_settled(&payment.payment_id).timeout(Duration::from_secs(120));
    match wait.intervals(Duration::from_millis(250), Duration::from_secs(10)).await? {
        PollResult::Settled(now) => println!("Payment {}: {} {} {}", now.id, now.amount, now.currency, now.status),
        PollResult::TimedOut { last, .. } => println!("Not settled yet: {}", shown(last.map(|payment| payment.status))),
    }
    piaxis.webhooks().await;

    match client.payments().list(PaymentFilter::builder().limit(5).build()).await {
        Ok(page) => {
            println!("Latest payments ({} in all):", page.total.unwrap_or_default());
            for payment in page.results {
                let (amount, currency, status) =
                    (shown(payment.amount), shown(payment.currency), shown(payment.status));
                println!("  {} {amount} {currency} {status}", payment.payment_id);
            }
        }
        // The list needs the client id too, which a payment does not.
        Err(error) if error.code() == Some("MISSING_CLIENT_ID") => println!("No list: {error}"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
