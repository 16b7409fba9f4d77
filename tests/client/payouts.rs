//! Payouts that are checked before they are made.

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
        ("76000.01", "UGX", QuoteProblem::TooMuch, "quoted total debit 76000.01 UGX exceeds the maximum of 76000"),
        ("76000", "KES", QuoteProblem::Currency, "quoted currency KES must be that of the disbursement"),
        ("76000", "ugx", QuoteProblem::Currency, "quoted currency ugx must be"),
        ("74999.99", "UGX", QuoteProblem::TooLittle, "is less than the sum of the amounts"),
        ("0", "UGX", QuoteProblem::TooLittle, "is less than the sum of the amounts"),
    ] {
        let piaxis = MockPiaxis::start().await;
        piaxis.disbursements_quote(|_, then| {
            then.into_inner().status(200).json_body(quote(quoted, currency));
        });
        let created = piaxis.disbursements_create(|_, then| {
            then.into_inner().status(200).json_body(serde_json::json!({ "disbursement_id": "d-1" }));
        });
        let error = piaxis.client().disbursements().quote_and_create(payouts(), 76_000).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::QuoteRejected, Outcome::NotSent),
            "{quoted} {currency}"
        );
        assert_eq!(error.operation(), Some("disbursements_create"));
        let rejection = error.quote_rejection().unwrap();
        assert_eq!(rejection.problem, problem);
        assert_eq!((rejection.max_total_debit, &*rejection.quote.currency), (Amount::from(76_000), currency));
        assert!(error.to_string().starts_with("disbursements_create: not sent: "), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(created.calls(), 0);
    }
}

#[tokio::test]
async fn a_quote_whose_fee_is_above_the_maximum_or_missing_creates_nothing() {
    let (fee, exceeds) = (Some("1000.01"), "quoted total fee 1000.01 UGX exceeds the maximum of 1000");
    let missing = "total_fee_amount is required in the quote because a maximum fee is set";
    for (fee, max_fee, words) in [
        (Some("1000.00"), Some(1_000), None),
        (Some("1000.01"), None, None),
        (None, None, None),
        (fee, Some(1_000), Some(exceeds)),
        (None, Some(1_000), Some(missing)),
    ] {
        let piaxis = MockPiaxis::start().await;
        let mut quote = quote("76000", "UGX");
        if let Some(fee) = fee {
            quote["total_fee_amount"] = fee.into();
        }
        piaxis.disbursements_quote(|_, then| {
            then.into_inner().status(200).json_body(quote);
        });
        let created = piaxis.disbursements_create(|_, then| {
            then.into_inner().status(200).json_body(serde_json::json!({ "disbursement_id": "d-1" }));
        });
        let client = piaxis.client();
        let mut payout = client.disbursements().quote_and_create(payouts(), 80_000);
        if let Some(max_fee) = max_fee {
            payout = payout.max_fee(max_fee);
        }
        let result = payout.await;
        assert_eq!(created.calls(), usize::from(words.is_none()), "{fee:?} {max_fee:?}");
        let Some(words) = words else {
            result.unwrap();
            continue;
        };
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::QuoteRejected, Outcome::NotSent));
        let rejection = error.quote_rejection().unwrap();
        assert_eq!((rejection.problem, rejection.max_fee), (QuoteProblem::Fee, Some(1_000.into())));
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn amounts_whose_sum_overflows_are_rejected_before_anything_is_sent() {
    let most: Amount = piaxis::rust_decimal::Decimal::MAX.into();
    let to = |amount: Amount| Recipient::builder().phone_number("+256771234567").amount(amount).build();
    // The second pair would be rounded.
    for other in [Amount::from(1), Amount::new(5, 1).unwrap()] {
        let piaxis = MockPiaxis::start().await;
        let quoted = piaxis.disbursements_quote(|_, then| {
            then.into_inner().status(200).json_body(quote("76000", "UGX"));
        });
        let body = DisbursementCreate::builder().currency("UGX").payment_method(PaymentMethod::Mtn);
        let body = body.recipients([to(most), to(other)]).build();
        let error = piaxis.client().disbursements().quote_and_create(body, most).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidRequest, Outcome::NotSent));
        assert_eq!((error.operation(), error.field_errors().len()), (Some("disbursements_create"), 1));
        assert_eq!(error.field_errors()[0].path(), "recipients");
        assert_eq!(quoted.calls(), 0);
    }
}

#[tokio::test]
async fn a_quote_that_fails_creates_nothing_and_the_error_names_the_quote() {
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
    assert!(error.quote_rejection().is_none());
    assert_eq!(created.calls(), 0);
}

#[test]
fn payouts_are_sorted_by_payment_method() {
    let internal = Recipient::builder().recipient_id("096b723a").amount(10).build();
    let disbursements = PayoutBatch::new("UGX")
        .description("week 47")
        .pay(PaymentMethod::Airtel, to("+256701234567", 1))
        .pay(PaymentMethod::Mtn, to("+256771234567", 2))
        .pay(PaymentMethod::Airtel, to("+256702345678", 3))
        .pay(PaymentMethod::Mtn, internal.clone())
        .build()
        .unwrap();
    let methods: Vec<_> = disbursements.iter().map(|one| one.payment_method.clone()).collect();
    assert_eq!(methods, [PaymentMethod::Airtel, PaymentMethod::Mtn]);
    assert_eq!(disbursements[0].recipients, [to("+256701234567", 1), to("+256702345678", 3)]);
    assert_eq!(disbursements[1].recipients, [to("+256771234567", 2), internal]);
    for disbursement in &disbursements {
        assert_eq!((&*disbursement.currency, disbursement.description.as_deref()), ("UGX", Some("week 47")));
    }
}

#[test]
fn all_errors_of_a_batch_are_reported_at_once() {
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
    assert_eq!(error.operation(), Some("disbursements_create"));
    assert!(!error.to_string().contains("configuration"), "{error}");
    let messages: Vec<&str> = error.field_errors().iter().map(|field| field.message()).collect();
    assert_eq!(
        messages,
        [
            "recipient_id or phone_number is required (an e-mail address is not a payout target)",
            "recipient_id or phone_number is required (an e-mail address is not a payout target)",
            "must be positive, not 0",
            "must be positive, not -5",
            "must be unique, but recipients[2] has the same",
        ]
    );
    let empty = PayoutBatch::new(" ").build().unwrap_err();
    assert_eq!(problems(&empty), ["currency: must not be empty", "recipients: must not be empty"]);
}

/// Field and message of every problem.
fn problems(error: &piaxis::Error) -> Vec<String> {
    error.field_errors().iter().map(ToString::to_string).collect()
}

#[test]
fn a_batch_takes_phone_numbers_in_e_164_form_only() {
    let batch = |phone: &str| PayoutBatch::new("UGX").pay(PaymentMethod::Mtn, to(phone, 5)).build();
    let longest = format!("+{}", "9".repeat(15));
    for phone in ["+256701123456", "+254712345678", "+12", &longest] {
        assert!(batch(phone).is_ok(), "{phone}");
    }
    let too_long = format!("{longest}9");
    for phone in [
        "0701123456",
        "256701123456",
        "+0701123456",
        "+256 701 123456",
        "+256-701123456",
        " +256701123456",
        "+256701123456 ",
        "+1",
        "+",
        "++256701123456",
        "+25670112345x",
        "+٢٥٦٧٠١١٢٣٤٥٦",
        "00256701123456",
        &too_long,
    ] {
        let error = batch(phone).unwrap_err();
        assert_eq!(
            problems(&error),
            ["recipients[0].phone_number: must be in E.164 form: + and 2 to 15 digits, the first not 0"],
            "{phone}"
        );
        assert!(!format!("{error} {error:?}").contains(phone.trim_matches(['+', ' '])) || phone.len() < 3, "{error:?}");
    }
    // Beside a recipient id the number is no target, but the API would still read it.
    let internal = Recipient::builder().recipient_id("096b723a").phone_number("0701123456").amount(5).build();
    let error = PayoutBatch::new("UGX").pay(PaymentMethod::Mtn, internal).build().unwrap_err();
    assert_eq!(error.field_errors()[0].path(), "recipients[0].phone_number");
}

#[test]
fn a_batch_takes_the_documented_payment_methods_only() {
    let error = PayoutBatch::new("UGX")
        .pay(PaymentMethod::Card, to("+256771234567", 5))
        .pay(PaymentMethod::Mtn, to("+256771234567", 5))
        .pay(PaymentMethod::Card, to("+256771234567", 5))
        .pay(PaymentMethod::from("bank"), to("+256771234567", 5))
        .build()
        .unwrap_err();
    assert_eq!(
        problems(&error),
        [
            "payment_method: unsupported: card (must be mtn or airtel)",
            "payment_method: unsupported: bank (must be mtn or airtel)",
        ]
    );
}

#[test]
fn a_batch_takes_no_more_decimal_places_than_its_currency_has() {
    let batch = |currency: &str, amount: &str| {
        let recipient = Recipient::builder().phone_number("+256771234567").amount(amount.parse::<Amount>().unwrap());
        PayoutBatch::new(currency).pay(PaymentMethod::Mtn, recipient.build()).build()
    };
    for (currency, amount) in
        [("UGX", "15000"), ("UGX", "15,000.05"), ("UGX", "0.01"), ("UGX", "1.5000"), ("XTS", "0.005")]
    {
        assert!(batch(currency, amount).is_ok(), "{amount} {currency}");
    }
    for (currency, amount) in [("UGX", "0.005"), ("UGX", "15000.001"), ("ugx", "0.005")] {
        let error = batch(currency, amount).unwrap_err();
        let wanted = format!("recipients[0].amount: must have at most 2 decimal places in {currency}, not {amount}");
        assert_eq!(problems(&error), [wanted]);
    }
    assert_eq!(problems(&batch("UGX", "-0.005").unwrap_err()), ["recipients[0].amount: must be positive, not -0.005"]);
}

#[test]
fn references_are_compared_without_the_space_around_them() {
    let named = |reference: &str| {
        let recipient = Recipient::builder().phone_number("+256771234567").amount(5).reference(reference);
        (PaymentMethod::Mtn, recipient.build())
    };
    let batch = |references: [&str; 2]| {
        let [(method, one), (_, other)] = references.map(named);
        PayoutBatch::new("UGX").pay(method.clone(), one).pay(method, other).build()
    };
    for references in [["a", "a"], ["a", " a"], ["a\t", "a"]] {
        let error = batch(references).unwrap_err();
        assert_eq!(problems(&error), ["recipients[1].reference: must be unique, but recipients[0] has the same"]);
    }
    assert!(batch(["a", "A"]).is_ok() && batch(["a b", "ab"]).is_ok());
}

proptest! {
    #[test]
    fn no_payout_makes_a_batch_panic(
        method in "mtn|airtel|\\PC{0,6}",
        phone in proptest::option::of("\\+?[0-9]{0,17}|\\PC{0,8}"),
        (value, scale) in (any::<i64>(), 0..=28_u32),
        currency in "UGX|ugx|\\PC{0,4}",
    ) {
        let recipient = Recipient::builder().maybe_phone_number(phone).amount(Amount::new(value, scale).unwrap()).build();
        if let Err(error) = PayoutBatch::new(currency).pay(PaymentMethod::from(method), recipient).build() {
            prop_assert!(!error.field_errors().is_empty() && error.operation() == Some("disbursements_create"));
        }
    }

    #[test]
    fn no_payout_is_lost_or_duplicated_by_sorting(payouts in prop::collection::vec((0_usize..2, 1_u32..1_000_000), 1..40)) {
        let methods = [PaymentMethod::Mtn, PaymentMethod::Airtel];
        let mut batch = PayoutBatch::new("UGX");
        for (method, amount) in &payouts {
            batch = batch.pay(methods[*method].clone(), to("+256771234567", *amount));
        }
        let disbursements = batch.build().unwrap();
        for (at, method) in methods.iter().enumerate() {
            let wanted: Vec<Amount> = payouts.iter().filter(|(method, _)| *method == at).map(|(_, amount)| (*amount).into()).collect();
            let found: Vec<Amount> = disbursements
                .iter()
                .filter(|one| one.payment_method == *method)
                .flat_map(|one| one.recipients.iter().map(|recipient| recipient.amount))
                .collect();
            prop_assert_eq!(wanted, found);
        }
        let total: usize = disbursements.iter().map(|one| one.recipients.len()).sum();
        prop_assert_eq!(total, payouts.len());
    }
}
