//! Named situations, and settings of a test.

use piaxis::{
    ErrorKind, EscrowStatus, PaymentStatus,
    types::{EscrowRelease, OtpRequest},
};
use piaxis_emulator::OTP;

use crate::support::tested::{builder, start, started};

#[tokio::test]
async fn a_marketplace_with_three_sellers_and_an_open_dispute() {
    let emulator = start().await;
    let (north, south) = (emulator.merchant("north"), emulator.merchant("south"));
    let market = north.marketplace().await.unwrap();
    south.marketplace().await.unwrap();
    let client = north.client();
    let escrow = client.escrows().get(&market.escrow_id).await.unwrap();
    let summary = escrow.allocation_summary.unwrap();
    assert_eq!((summary.total_count, summary.released_count, summary.pending_count), (Some(3), Some(1), Some(2)));
    let keys: Vec<String> = escrow.allocations.unwrap().into_iter().map(|one| one.allocation_key.unwrap()).collect();
    assert_eq!(keys, market.sellers);
    let disputed = &market.disputed_escrow_id;
    assert_eq!(client.escrows().status(disputed).await.unwrap().status, EscrowStatus::Pending);
    let error = client.escrows().release(disputed, EscrowRelease::builder().force(true).build()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
    emulator.settle();
    for (id, status) in
        [(market.payment_id, PaymentStatus::Completed), (market.declined_payment_id, PaymentStatus::Failed)]
    {
        assert_eq!(client.payments().get(id).await.unwrap().status, status);
    }
    assert_eq!(north.balance("UGX"), south.balance("UGX"));
}

#[tokio::test]
async fn one_time_passwords_can_be_random() {
    let emulator = started(builder().random_otps()).await;
    assert_eq!(emulator.sent_otp("+256700000000"), None);
    let request = OtpRequest::builder().phone_number("+256700000000").build();
    let sent = emulator.client().otp().request(request).await.unwrap().otp;
    assert_eq!(emulator.sent_otp("+256700000000"), sent);
    assert_ne!(sent.unwrap().expose(), OTP);
}

#[tokio::test]
#[should_panic(expected = "requests of otp_request")]
async fn requests_are_counted() {
    let emulator = start().await;
    emulator.assert_requests("payments_create", 0);
    emulator.assert_requests("otp_request", 1);
}
