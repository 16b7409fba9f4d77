//! An escrow for two sellers: open it, release one seller's part, reverse the other's; then one that releases itself.
//!
//!     cargo run --example escrow_flow
//!         with nothing set: the emulator
//!
//!     PIAXIS_API_KEY=… PIAXIS_CLIENT_ID=… PIAXIS_API_BASE_URL=… cargo run --example escrow_flow -- +256700000000
//!         that API; the owner of the number pays 50000 UGX twice

mod support;

use std::{error::Error, process::ExitCode};

use piaxis::{
    PaymentMethod, TermData,
    types::{
        AllocationCreate, EscrowCreate, EscrowRelease, EscrowReverse, PasswordEvidence, PasswordTermData, TermCreate,
    },
};
use support::{Piaxis, report, shown};

#[tokio::main]
async fn main() -> ExitCode {
    report(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let piaxis = Piaxis::connect().await?;
    let escrows = piaxis.client.escrows();
    let phone_number = piaxis.phone_number("+256700000000")?;

    println!("\nA marketplace order of two sellers. The money is held until the marketplace releases it.");
    let part = |key: &str, amount: i32| AllocationCreate::builder().allocation_key(key).amount(amount).build();
    let order = EscrowCreate::builder()
        .amount(50_000)
        .currency_code("UGX")
        .payment_method(PaymentMethod::Mtn)
        .terms(vec![TermCreate::new(TermData::ManualRelease)?])
        .allocations(vec![part("seller-a", 20_000), part("seller-b", 30_000)])
        .external_order_id("order-789")
        .user_info(piaxis.payer(&phone_number).await?);
    let escrow = escrows.create(order.build()).await?;
    println!("Escrow {} is {}.", escrow.id, shown(escrow.status));
    for action in escrow.required_actions.unwrap_or_default() {
        println!("  to do: {}", shown(action.action_type));
    }

    let release = EscrowRelease::builder().allocation_keys(["seller-a"]).reason("Goods received");
    let released = escrows.release(&escrow.id, release.user_info(piaxis.payer(&phone_number).await?).build()).await?;
    println!("Seller A is paid {} UGX.", shown(released.amount));
    let reverse = EscrowReverse::builder().allocation_keys(["seller-b"]).reason("Never arrived");
    let reversed = escrows.reverse(&escrow.id, reverse.user_info(piaxis.payer(&phone_number).await?).build()).await?;
    println!("The buyer gets {} UGX of seller B back.", shown(reversed.amount));
    piaxis.webhooks().await;

    println!("\nA parcel that is handed over with a password. Proof of it releases the money.");
    let password = TermData::Password(PasswordTermData::builder().password("open sesame").build());
    let order = EscrowCreate::builder()
        .amount(50_000)
        .currency_code("UGX")
        .payment_method(PaymentMethod::Mtn)
        .terms(vec![TermCreate::new(password)?])
        .user_info(piaxis.payer(&phone_number).await?);
    let escrow = escrows.create(order.build()).await?;
    println!("Escrow {} is {}.", escrow.id, shown(escrow.status));
    let terms = escrow.terms.unwrap_or_default();
    let term_id = terms.first().and_then(|term| term.term_id.clone()).ok_or("the escrow has no term")?;
    let evidence = PasswordEvidence::builder().password("open sesame").build();
    let fulfilled = escrows.fulfill_term(&escrow.id, term_id, evidence, None).await?;
    println!("The courier says the password: {}", shown(fulfilled.message));
    let now = escrows.status(&escrow.id).await?;
    println!("Escrow {} is {}.", escrow.id, now.status);
    piaxis.webhooks().await;
    Ok(())
}
