//! A payment from start to end: one-time password, payment, waiting for it to settle, list.
//!
//!     cargo run --example direct_payment
//!         with nothing set: the embedded sandbox
//!
//!     PIAXIS_API_KEY=… PIAXIS_CLIENT_ID=… PIAXIS_API_BASE_URL=… cargo run --example direct_payment -- +256700000000
//!         that API; the number is asked to pay 1000 UGX

use std::{env, error::Error, io, time::Duration};

use piaxis::{
    Client, PaymentMethod, PollResult,
    sandbox::Sandbox,
    types::{OtpRequest, PaymentCreate, PaymentFilter, UserInfo},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if env::var_os("PIAXIS_API_KEY").is_some() {
        let phone_number = env::args().nth(1).ok_or("give the phone number that is to pay, such as +256700000000")?;
        let client = Client::from_env()?;
        println!("Using the configured API: {}", client.environment().base_url());
        return pay(&client, &phone_number, Duration::from_secs(1)).await;
    }
    let sandbox = Sandbox::start().await?;
    println!("PIAXIS_API_KEY is not set: using the embedded sandbox at {}; no real money moves.", sandbox.base_url());
    pay(&sandbox.client(), "+256700000000", Duration::from_millis(10)).await
}

async fn pay(client: &Client, phone_number: &str, first_interval: Duration) -> Result<(), Box<dyn Error>> {
    let sent = client.otp().request(OtpRequest::builder().phone_number(phone_number).build()).await?;
    println!("One-time password requested for {phone_number}; it expires in {} seconds.", sent.expires_in.unwrap_or(0));
    let otp = match sent.otp {
        Some(otp) => otp,
        None => ask("The password that the payer received: ")?.into(),
    };

    let payer = UserInfo::builder().phone_number(phone_number).otp(otp).build();
    let payment = client
        .payments()
        .create(
            PaymentCreate::builder()
                .amount(1_000)
                .currency("UGX")
                .payment_method(PaymentMethod::Mtn)
                .user_info(payer)
                .customer_pays_fees(true)
                .build(),
        )
        .await?;
    println!("Payment {} created.", payment.payment_id);

    let wait = client.payments().wait_until_settled(&payment.payment_id).timeout(Duration::from_secs(120));
    match wait.intervals(first_interval, Duration::from_secs(10)).await? {
        PollResult::Settled(now) => println!("Payment {}: {} {} {}", now.id, now.amount, now.currency, now.status),
        PollResult::TimedOut { last, .. } => println!("Not settled yet: {:?}", last.map(|payment| payment.status)),
    }

    match client.payments().list(PaymentFilter::builder().limit(5).build()).await {
        Ok(page) => {
            println!("Latest payments ({} in all):", page.total.unwrap_or_default());
            for payment in page.results {
                let amount = payment.amount.unwrap_or_default();
                let status = payment.status.map(|status| status.to_string()).unwrap_or_default();
                println!("  {} {amount} {} {status}", payment.payment_id, payment.currency.unwrap_or_default());
            }
        }
        // The list needs the client id too, which a payment does not.
        Err(error) if error.code() == Some("MISSING_CLIENT_ID") => println!("No list: {error}"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn ask(question: &str) -> io::Result<String> {
    eprint!("{question}");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
