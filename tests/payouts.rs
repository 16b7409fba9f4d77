//! Payouts that are checked before they are made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use piaxis::{
    Amount, ErrorKind, Outcome, PaymentMethod, PayoutBatch, QuoteProblem,
    mock::{MockPiaxis, MockServerExt as _, httpmock::Method::POST},
    types::{DisbursementCreate, Recipient},
};
use proptest::prelude::*;

fn to(phone: &str, amount: u32) -> Recipient {
    Recipient::builder().phone_number(phone).amount(amount).build()
}

fn payouts() -> DisbursementCreate {
    let recipients = [to("+256771234567", 45_000), to("+256701234567", 30_000)];
    DisbursementCreate::builder().currency("UGX").payment_method(PaymentMethod::Mtn).recipients(recipients).build()
}

fn quote(total_debit: &str, currency: &str) -> serde_json::Value {
    serde_json::json!({ "currency": currency, "total_debit_amount": total_debit, "total_amount": "75000", "recipient_count": 2 })
}

#[tokio::test]
async fn a_quote_within_bounds_is_created_with_one_key() {
    let piaxis = MockPiaxis::start().await;
    let quoted = piaxis.disbursements_quote(|when, then| {
        when.into_inner().json_body_includes(r#"{"currency":"UGX"}"#);
        then.into_inner().status(200).json_body(quote("76,000.00", "UGX"));
    });
    let created = piaxis.disbursements_create(|when, then| {
        when.into_inner().header("X-Idempotency-Key", "week-47");
        then.into_inner().status(200).json_body(serde_json::json!({ "disbursement_id": "d-1", "status": "pending" }));
    });
    let disbursements = piaxis.client().disbursements();
    let made = disbursements.quote_and_create(payouts(), 76_000).idempotency_key("week-47").await.unwrap();
    assert_eq!(made.disbursement_id, "d-1");
    assert_eq!((quoted.calls(), created.calls()), (1, 1));
}

#[tokio::test]
async fn a_quote_out_of_bounds_creates_nothing() {
    for (quoted, currency, problem, words) in [
        ("76000.01", "UGX", QuoteProblem::TooMuch, "the quote is 76000.01 UGX, and 76000 is allowed"),
        ("76000", "KES", QuoteProblem::Currency, "which is another currency"),
        ("76000", "ugx", QuoteProblem::Currency, "which is another currency"),
        ("74999.99", "UGX", QuoteProblem::TooLittle, "less than the recipients are to get"),
        ("0", "UGX", QuoteProblem::TooLittle, "less than the recipients are to get"),
    ] {
        let piaxis = MockPiaxis::start().await;
        piaxis.disbursements_quote(|_, then| {
            then.into_inner().status(200).json_body(quote(quoted, currency));
        });
        let created = piaxis.disbursements_create(|_, then| {
            then.into_inner().status(200).json_body(serde_json::json!({ "disbursement_id": "d-1" }));
        });
        let error = piaxis.client().disbursements().quote_and_create(payouts(), 76_000).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::QuoteRefused, Outcome::NotSent), "{quoted} {currency}");
        assert_eq!(error.operation(), Some("disbursements_create"));
        let refusal = error.quote_refusal().unwrap();
        assert_eq!(refusal.problem, problem);
        assert_eq!((refusal.max_total_debit, &*refusal.quote.currency), (Amount::from(76_000), currency));
        assert!(error.to_string().starts_with("disbursements_create was not sent: "), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(created.calls(), 0);
    }
}

#[tokio::test]
async fn a_quote_that_fails_creates_nothing_and_says_which_call_it_was() {
    let piaxis = MockPiaxis::start().await;
    piaxis.mock(|when, then| {
        when.method(POST).path_suffix("/disbursements/quote");
        then.status(404).body("{}");
    });
    let created = piaxis.disbursements_create(|_, then| {
        then.into_inner().status(200).json_body(serde_json::json!({ "disbursement_id": "d-1" }));
    });
    let error = piaxis.client().disbursements().quote_and_create(payouts(), 76_000).await.unwrap_err();
    assert_eq!((error.operation(), error.kind()), (Some("disbursements_quote"), ErrorKind::NotFound));
    assert!(error.quote_refusal().is_none());
    assert_eq!(created.calls(), 0);
}

#[test]
fn payouts_are_sorted_by_rail() {
    let internal = Recipient::builder().recipient_id("096b723a").amount(10).build();
    let disbursements = PayoutBatch::new("UGX")
        .description("week 47")
        .pay(PaymentMethod::Airtel, to("+256701234567", 1))
        .pay(PaymentMethod::Mtn, to("+256771234567", 2))
        .pay(PaymentMethod::Airtel, to("+256702345678", 3))
        .pay(PaymentMethod::Mtn, internal.clone())
        .build()
        .unwrap();
    let rails: Vec<_> = disbursements.iter().map(|one| one.payment_method.clone()).collect();
    assert_eq!(rails, [PaymentMethod::Airtel, PaymentMethod::Mtn]);
    assert_eq!(disbursements[0].recipients, [to("+256701234567", 1), to("+256702345678", 3)]);
    assert_eq!(disbursements[1].recipients, [to("+256771234567", 2), internal]);
    for disbursement in &disbursements {
        assert_eq!((&*disbursement.currency, disbursement.description.as_deref()), ("UGX", Some("week 47")));
    }
}

#[test]
fn everything_that_is_wrong_with_a_batch_is_said_at_once() {
    let by_mail = Recipient::builder().email("a@example.com").amount(5).build();
    let blank = Recipient::builder().phone_number(" ").recipient_id("").amount(5).build();
    let named = |amount: i64, reference: &str| {
        Recipient::builder().phone_number("+256771234567").amount(amount).reference(reference).build()
    };
    let error = PayoutBatch::new("UGX")
        .pay(PaymentMethod::Mtn, by_mail)
        .pay(PaymentMethod::Mtn, blank)
        .pay(PaymentMethod::Mtn, named(0, "a"))
        .pay(PaymentMethod::Mtn, named(-5, "b"))
        .pay(PaymentMethod::Airtel, named(5, "a"))
        .build()
        .unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidRequest, Outcome::NotSent));
    let paths: Vec<&str> = error.field_errors().iter().map(|field| field.path()).collect();
    assert_eq!(
        paths,
        ["recipients[0]", "recipients[1]", "recipients[2].amount", "recipients[3].amount", "recipients[4].reference"]
    );
    assert!(error.field_errors()[4].message().contains("recipients[2]"), "{error:?}");
    let empty = PayoutBatch::new(" ").build().unwrap_err();
    let paths: Vec<&str> = empty.field_errors().iter().map(|field| field.path()).collect();
    assert_eq!(paths, ["currency", "recipients"]);
}

proptest! {
    #[test]
    fn no_payout_is_lost_or_doubled_by_sorting(payouts in prop::collection::vec((0_usize..4, 1_u32..1_000_000), 1..40)) {
        let rails = [PaymentMethod::Mtn, PaymentMethod::Airtel, PaymentMethod::Card, PaymentMethod::from("bank")];
        let mut batch = PayoutBatch::new("UGX");
        for (rail, amount) in &payouts {
            batch = batch.pay(rails[*rail].clone(), to("+256771234567", *amount));
        }
        let disbursements = batch.build().unwrap();
        for (at, rail) in rails.iter().enumerate() {
            let wanted: Vec<Amount> = payouts.iter().filter(|(rail, _)| *rail == at).map(|(_, amount)| (*amount).into()).collect();
            let found: Vec<Amount> = disbursements
                .iter()
                .filter(|one| one.payment_method == *rail)
                .flat_map(|one| one.recipients.iter().map(|recipient| recipient.amount))
                .collect();
            prop_assert_eq!(wanted, found);
        }
        let total: usize = disbursements.iter().map(|one| one.recipients.len()).sum();
        prop_assert_eq!(total, payouts.len());
    }
}
