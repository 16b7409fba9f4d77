//! Payouts: quote and create a batch, wait until it is settled; then a batch that is held until it is approved.
//!
//!     cargo run --example disbursement_flow
//!         with nothing set: the emulator, where one of the three numbers declines
//!
//!     PIAXIS_API_KEY=… PIAXIS_CLIENT_ID=… PIAXIS_API_BASE_URL=… cargo run --example disbursement_flow -- +256711111111
//!         that API; the number is paid 1000 UGX from the merchant's balance, twice

mod support;

use std::{error::Error, process::ExitCode, time::Duration};

use piaxis::{
    Outcome, PaymentMethod, TermData,
    types::{
        DisbursementCreate, EscrowDisbursementCreate, EscrowDisbursementRelease, EscrowRecipient, Recipient, TermCreate,
    },
};
use piaxis_emulator::DECLINED_PHONE_NUMBER;
use support::{Piaxis, report, shown};

#[tokio::main]
async fn main() -> ExitCode {
    report(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let piaxis = Piaxis::connect().await?;
    let client = &piaxis.client;
    let phone_number = piaxis.phone_number("+256711111111")?;
    let recipient = |phone_number: &str, reference: &str| {
        Recipient::builder().amount(1_000).phone_number(phone_number).reference(reference).build()
    };

    println!("\nWages for this week.");
    let mut recipients = vec![recipient(&phone_number, "wage-1")];
    if piaxis.emulator.is_some() {
        recipients.extend([recipient("+256722222222", "wage-2"), recipient(DECLINED_PHONE_NUMBER, "wage-3")]);
    }
    // Each costs 1000 UGX and a fee of 500 UGX; nothing is paid above the limit.
    let limit = 1_500 * i64::try_from(recipients.len())?;
    let wages = DisbursementCreate::builder()
        .currency("UGX")
        .payment_method(PaymentMethod::Airtel)
        .recipients(recipients)
        .description("Wages");
    let created = match client.disbursements().quote_and_create(wages.build(), limit).await {
        Ok(created) => created,
        Err(error) if error.outcome() == Outcome::Unknown => {
            return Err(format!("look for it in the list before running this again: {error}").into());
        }
        Err(error) => return Err(error.into()),
    };
    println!("Disbursement {} is {}.", created.disbursement_id, shown(created.status));
    let wait = client.disbursements().wait_until_settled(&created.disbursement_id).timeout(Duration::from_secs(120));
    if let Some(now) = wait.intervals(Duration::from_millis(250), Duration::from_secs(10)).await?.last() {
        println!("Disbursement {} is {}.", now.disbursement_id, now.status);
        for item in now.items.unwrap_or_default() {
            println!("  {}: {} UGX {}", shown(item.reference), shown(item.amount), shown(item.status));
        }
    }
    piaxis.webhooks().await;

    println!("\nA courier, who is paid once the delivery is approved.");
    let courier = EscrowRecipient::builder()
        .amount(1_000)
        .phone_number(&phone_number)
        .reference("courier-1")
        .terms(vec![TermCreate::new(TermData::ManualRelease)?]);
    let batch = EscrowDisbursementCreate::builder()
        .currency("UGX")
        .payment_method(PaymentMethod::Mtn)
        .recipients(vec![courier.build()]);
    let batch = client.escrow_disbursements().create(batch.build()).await?;
    println!("Escrow disbursement {} is {}: the money is held.", batch.disbursement_id, shown(batch.status));
    let approval = EscrowDisbursementRelease::builder().reason("Delivered").build();
    let released = client.escrow_disbursements().release(&batch.disbursement_id, approval).await?;
    println!("Released: {}, skipped: {}.", shown(released.released_count), shown(released.skipped_count));
    piaxis.webhooks().await;
    Ok(())
}
