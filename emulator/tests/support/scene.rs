//! Objects that tests of the page and of the control API show and change.

use piaxis::{
    JsonObject, PaymentMethod, TermType,
    types::{
        AllocationCreate, DisbursementCreate, EscrowCreate, EscrowDisbursementCreate, EscrowDispute, EscrowRecipient,
        OtpRequest, PaymentCreate, Recipient, TermCreate, UserInfo,
    },
};
use piaxis_emulator::{Emulator, OTP};

pub(crate) const BUYER: &str = "+256700000000";

/// Creates a payment of the default merchant, and returns the id.
pub(crate) async fn pay(emulator: &Emulator, phone_number: &str, amount: i64) -> String {
    let order = PaymentCreate::builder().amount(amount).currency("UGX").payment_method(PaymentMethod::Mtn);
    let order = order.user_info(UserInfo::builder().phone_number(phone_number).build()).build();
    emulator.client().payments().create(order).await.unwrap().payment_id
}

/// Creates a disbursement, and returns the id.
pub(crate) async fn disburse(emulator: &Emulator, phone_numbers: &[&str]) -> String {
    let recipient = |number: &&str| Recipient::builder().phone_number(*number).amount(1500).build();
    let order = DisbursementCreate::builder()
        .recipients(phone_numbers.iter().map(recipient).collect::<Vec<_>>())
        .currency("UGX")
        .payment_method(PaymentMethod::Mtn)
        .description("Weekly payouts");
    emulator.client().disbursements().create(order.build()).await.unwrap().disbursement_id
}

/// Creates an escrow disbursement, and returns the id.
pub(crate) async fn disburse_in_escrow(emulator: &Emulator, phone_numbers: &[&str]) -> String {
    let recipient = |number: &&str| {
        EscrowRecipient::builder().phone_number(*number).amount(2500).terms(vec![term("manual_release")]).build()
    };
    let order = EscrowDisbursementCreate::builder()
        .recipients(phone_numbers.iter().map(recipient).collect::<Vec<_>>())
        .currency("UGX")
        .payment_method(PaymentMethod::Mtn)
        .description("Couriers");
    emulator.client().escrow_disbursements().create(order.build()).await.unwrap().disbursement_id
}

fn term(kind: &str) -> TermCreate {
    TermCreate::builder().type_(TermType::from(kind)).data(JsonObject::default()).build()
}

/// Creates an escrow with two allocations, and returns its id and those of its terms.
pub(crate) async fn escrow(emulator: &Emulator, kinds: &[&str]) -> (String, Vec<String>) {
    escrow_with(emulator, kinds, ["seller-a", "seller-b"], "A note").await
}

/// The same with these allocation keys, and a note in the metadata.
pub(crate) async fn escrow_with(
    emulator: &Emulator,
    kinds: &[&str],
    keys: [&str; 2],
    note: &str,
) -> (String, Vec<String>) {
    let client = emulator.client();
    client.otp().request(OtpRequest::builder().phone_number(BUYER).build()).await.unwrap();
    let metadata: JsonObject = serde_json::from_value(serde_json::json!({ "note": note })).unwrap();
    let allocation = |key: &str| AllocationCreate::builder().allocation_key(key).amount(45_000).build();
    let order = EscrowCreate::builder()
        .amount(90_000)
        .currency_code("UGX")
        .payment_method(PaymentMethod::Mtn)
        .terms(kinds.iter().map(|kind| term(kind)).collect::<Vec<_>>())
        .allocations(keys.map(allocation).to_vec())
        .external_order_id("order-1001")
        .metadata(metadata)
        .user_info(UserInfo::builder().phone_number(BUYER).otp(OTP).build());
    let escrow = client.escrows().create(order.build()).await.unwrap();
    (escrow.id, escrow.terms.unwrap().into_iter().map(|term| term.term_id.unwrap()).collect())
}

/// Opens a dispute of an escrow.
pub(crate) async fn dispute(emulator: &Emulator, escrow_id: &str) {
    let order = EscrowDispute::builder().reason("The parcel did not arrive").build();
    emulator.client().escrows().dispute(escrow_id, order).await.unwrap();
}
