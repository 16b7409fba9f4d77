//! One-time passwords and payments.

use std::time::Duration;

use http::Method;
use piaxis::{
    Amount, ErrorKind, Outcome, PaymentMethod, PaymentStatus, RequestOptions, RetryPolicy,
    types::{OtpRequest, PaymentCreate, PaymentFilter, UserInfo},
};
use piaxis_emulator::{Account, DECLINED_PHONE_NUMBER, Fault, OTP, PENDING_PHONE_NUMBER, When};
use serde_json::{Value, json};

use crate::support::tested::{builder, start, started};

const BUYER: &str = "+256700000000";

fn payer(phone_number: &str) -> UserInfo {
    UserInfo::builder().phone_number(phone_number).build()
}

fn order(amount: i64, payer: UserInfo) -> PaymentCreate {
    let order = PaymentCreate::builder().amount(amount).currency("UGX").payment_method(PaymentMethod::Mtn);
    order.user_info(payer).build()
}

#[tokio::test]
async fn a_payment_is_pending_and_then_completed_or_failed() {
    let emulator = start().await;
    let client = emulator.client();
    let before = emulator.default_merchant().balance("UGX");
    let numbers = [
        (BUYER, PaymentStatus::Completed),
        (DECLINED_PHONE_NUMBER, PaymentStatus::Failed),
        (PENDING_PHONE_NUMBER, PaymentStatus::Pending),
    ];
    for (phone_number, status) in numbers {
        let created = client.payments().create(order(15_000, payer(phone_number))).await.unwrap();
        assert_eq!(client.payments().get(&created.payment_id).await.unwrap().status, PaymentStatus::Pending);
        emulator.settle();
        assert_eq!(client.payments().get(&created.payment_id).await.unwrap().status, status, "{phone_number}");
    }
    assert_eq!(emulator.default_merchant().balance("UGX"), before.checked_add(Amount::from(15_000)).unwrap());
}

#[tokio::test]
async fn amounts_of_payments_are_grouped() {
    let emulator = start().await;
    let body = json!({ "amount": 1_500_000, "currency": "UGX", "payment_method": "mtn", "user_info": { "phone_number": BUYER } });
    let created: Value = emulator.client().request(Method::POST, "/payments/create").json(&body).await.unwrap();
    assert_eq!(created["amount"], "1,500,000.00");
}

#[tokio::test]
async fn a_one_time_password_works_once_for_its_address_and_for_five_minutes() {
    let emulator = start().await;
    let client = emulator.client();
    let pay = |phone_number: &str, otp: &str| {
        let payer = UserInfo::builder().phone_number(phone_number).otp(otp).build();
        let payment = client.payments().create(order(1, payer));
        async move { payment.await.map(|_| ()).map_err(|error| error.outcome()) }
    };
    assert_eq!(pay(BUYER, OTP).await, Err(Outcome::Rejected), "never requested");
    let sent = client.otp().request(OtpRequest::builder().phone_number(BUYER).build()).await.unwrap();
    assert_eq!((sent.otp.unwrap().expose(), sent.expires_in), (OTP, Some(300)));
    assert_eq!(pay(BUYER, "654321").await, Err(Outcome::Rejected), "wrong");
    assert_eq!(pay("+256711111111", OTP).await, Err(Outcome::Rejected), "another's");
    assert_eq!(pay(BUYER, OTP).await, Ok(()));
    assert_eq!(pay(BUYER, OTP).await, Err(Outcome::Rejected), "used");
    emulator.otp(BUYER).await;
    emulator.advance(Duration::from_secs(300));
    assert_eq!(pay(BUYER, OTP).await, Err(Outcome::Rejected), "expired");
}

#[tokio::test]
async fn a_second_factor_code_is_required_above_an_amount() {
    let emulator = started(builder().mfa_above(10_000)).await;
    let payments = emulator.client().payments();
    payments.create(order(10_000, payer(BUYER))).await.unwrap();
    let error = payments.create(order(10_001, payer(BUYER))).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), (Some("MFA_REQUIRED"), ErrorKind::Permission), "{error}");
    let with_code = |code: &str| {
        let mut order = order(10_001, payer(BUYER));
        order.mfa_code = Some(code.into());
        order
    };
    emulator.otp(BUYER).await;
    assert_eq!(payments.create(with_code("654321")).await.unwrap_err().outcome(), Outcome::Rejected);
    payments.create(with_code(OTP)).await.unwrap();
    assert_eq!(payments.create(with_code(OTP)).await.unwrap_err().outcome(), Outcome::Rejected, "used");
    emulator.otp(BUYER).await;
    payments.create_with_mfa_code_in_query(order(10_001, payer(BUYER)), OTP).await.unwrap();
    // Where none is required, a code that is sent is checked as well.
    assert_eq!(payments.create(with_amount(with_code("654321"), 1)).await.unwrap_err().outcome(), Outcome::Rejected);
}

fn with_amount(mut order: PaymentCreate, amount: i64) -> PaymentCreate {
    order.amount = amount.into();
    order
}

#[tokio::test]
async fn a_fee_is_paid_by_the_merchant_or_on_top_by_the_payer() {
    let emulator = started(builder().payment_fee(500)).await;
    let merchant = emulator.default_merchant();
    for (is_on_top, received) in [(false, 14_500), (true, 15_000)] {
        let before = merchant.balance("UGX");
        let mut order = order(15_000, payer(BUYER));
        order.customer_pays_fees = Some(is_on_top);
        merchant.client().payments().create(order).await.unwrap();
        emulator.settle();
        assert_eq!(merchant.balance("UGX").checked_sub(before), Some(Amount::from(received)));
    }
    // A fee is never more than the payment.
    let before = merchant.balance("UGX");
    merchant.client().payments().create(order(100, payer(BUYER))).await.unwrap();
    emulator.settle();
    assert_eq!(merchant.balance("UGX"), before);
    emulator.check_balances();
}

#[tokio::test]
async fn the_money_moves_and_the_response_is_lost() {
    let emulator = start().await;
    let client = emulator.client();
    let faults = [
        Fault::Reset,
        Fault::Close,
        Fault::Truncate,
        Fault::Status(502),
        Fault::Html(504),
        Fault::Unavailable { retry_after: 1 },
    ];
    for fault in faults {
        for (when, is_done) in [(When::BeforeCommit(fault.clone()), false), (When::AfterCommit(fault.clone()), true)] {
            let before = client.payments().list(PaymentFilter::builder().build()).await.unwrap().total;
            emulator.fail_next("payments_create", when);
            let error = client.payments().create(order(1, payer(BUYER))).await.unwrap_err();
            assert_eq!(error.outcome(), Outcome::Unknown, "{fault:?}: {error}");
            let after = client.payments().list(PaymentFilter::builder().build()).await.unwrap().total;
            assert_eq!(after.unwrap() - before.unwrap(), i64::from(is_done), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_idempotency_key_pays_once_unless_keys_are_ignored() {
    for (emulator, expected) in [(start().await, 1), (started(builder().ignores_idempotency_keys()).await, 2)] {
        let client = emulator.client();
        emulator.fail_next("payments_create", When::AfterCommit(Fault::Reset));
        let policy = RetryPolicy::default().retry_writes_with_idempotency_key().backoff(Duration::ZERO, Duration::ZERO);
        let options = RequestOptions::new().retry_policy(policy);
        let payment = client.payments().create(order(7, payer(BUYER))).idempotency_key("order-1").options(options);
        payment.await.unwrap();
        assert_eq!(client.payments().list(PaymentFilter::builder().build()).await.unwrap().total, Some(expected));
        if expected == 1 {
            let other = client.payments().create(order(8, payer(BUYER))).idempotency_key("order-1").await.unwrap_err();
            assert_eq!(other.kind(), ErrorKind::Conflict, "{other}");
        }
    }
}

#[tokio::test]
async fn lists_filter_by_status_method_and_time_newest_first() {
    let emulator = start().await;
    let client = emulator.client();
    let mut ids = Vec::new();
    for at in 0..6 {
        let number = if at % 2 == 0 { BUYER } else { DECLINED_PHONE_NUMBER };
        ids.push(client.payments().create(order(at + 1, payer(number))).await.unwrap().payment_id);
        emulator.settle();
    }
    ids.reverse();
    let list = |filter: PaymentFilter| {
        let page = client.payments().list(filter);
        async move {
            let page = page.await.unwrap();
            (page.total.unwrap(), page.results.into_iter().map(|payment| payment.payment_id).collect::<Vec<_>>())
        }
    };
    assert_eq!(list(PaymentFilter::builder().build()).await, (6, ids.clone()));
    assert_eq!(list(PaymentFilter::builder().limit(2).offset(3).build()).await, (6, ids[3..5].to_vec()));
    let failed: Vec<String> = ids.iter().step_by(2).cloned().collect();
    assert_eq!(list(PaymentFilter::builder().status(PaymentStatus::Failed).build()).await, (3, failed));
    assert_eq!(list(PaymentFilter::builder().payment_method(PaymentMethod::Airtel).build()).await, (0, vec![]));
    let minute = |minutes: i64| piaxis::Timestamp::from(emulator.now() - chrono::TimeDelta::minutes(minutes));
    let between = PaymentFilter::builder().from_date(minute(4)).to_date(minute(2)).build();
    assert_eq!(list(between).await, (3, ids[1..4].to_vec()));
    assert_eq!(
        emulator.merchant("other").client().payments().list(PaymentFilter::builder().build()).await.unwrap().total,
        Some(0)
    );
}

#[tokio::test]
async fn invalid_requests_are_rejected_as_fastapi_does() {
    let emulator = start().await;
    let client = emulator.client();
    let fits = json!({ "amount": "15000", "currency": "UGX", "payment_method": "mtn", "user_info": { "phone_number": BUYER } });
    let cases = [
        ("amount", json!(null), "body.amount", "missing"),
        ("amount", json!("much"), "body.amount", "decimal_parsing"),
        ("amount", json!("-1"), "body.amount", "greater_than"),
        ("currency", json!(7), "body.currency", "string_type"),
        ("payment_method", json!("pigeon"), "body.payment_method", "enum"),
        ("user_info", json!("x"), "body.user_info", "dict_type"),
        ("user_info", json!({ "phone_number": 7 }), "body.user_info.phone_number", "string_type"),
        ("user_info", json!({}), "body.user_info.phone_number", "missing"),
    ];
    for (name, value, loc, kind) in cases {
        let mut body = fits.clone();
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value;
        }
        let error = client.request::<Value>(Method::POST, "/payments/create").json(&body).await.unwrap_err();
        let detail: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
        let seen: Vec<&str> =
            detail["detail"][0]["loc"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        assert_eq!((seen.join("."), &detail["detail"][0]["type"]), (loc.to_owned(), &json!(kind)), "{detail}");
        assert_eq!(error.status().unwrap(), 422);
    }
    for (query, kind) in [
        ("limit=101", "less_than_equal"),
        ("offset=-1", "greater_than_equal"),
        ("limit=x", "int_parsing"),
        ("from_date=x", "datetime_from_date_parsing"),
    ] {
        let pairs: Vec<(&str, &str)> = vec![query.split_once('=').unwrap()];
        let error = client.request::<Value>(Method::GET, "/merchant-payments").query(&pairs).await.unwrap_err();
        let detail: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
        assert_eq!(detail["detail"][0]["type"], kind, "{detail}");
    }
}

#[tokio::test]
async fn money_is_neither_made_nor_lost() {
    let emulator = start().await;
    let client = emulator.client();
    for amount in [1, 20_000, 3] {
        client.payments().create(order(amount, payer(BUYER))).await.unwrap();
    }
    emulator.settle();
    let sum = Amount::checked_sum(emulator.balances().into_iter().map(|(_, _, amount)| amount)).unwrap();
    assert_eq!(sum, Amount::from(0));
    assert!(emulator.ledger().iter().any(|entry| entry.from == Account::Outside && entry.amount == 20_000));
}
