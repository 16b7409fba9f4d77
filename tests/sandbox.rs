//! The embedded sandbox behaves like the API, and every answer of it fits the contract.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod schema;

use piaxis::{
    Client, Credentials, ErrorKind, PaymentMethod, PaymentResult, PaymentStatus, PollResult,
    sandbox::{API_KEY, CLIENT_ID, DECLINED_PHONE_NUMBER, OTP, Sandbox},
    types::{OtpRequest, PaymentCreate, PaymentFilter, UserInfo},
};
use serde_json::{Value, json};

const PAYER: &str = "+256700000000";

fn payment(phone_number: &str) -> PaymentCreate {
    let payer = UserInfo::builder().phone_number(phone_number).build();
    PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn).user_info(payer).build()
}

async fn create(client: &Client, phone_number: &str) -> String {
    client.payments().create(payment(phone_number)).await.unwrap().payment_id
}

#[tokio::test]
async fn a_payment_goes_from_pending_to_completed() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.client();
    let created = client.payments().create(payment(PAYER)).await.unwrap();
    assert_eq!(created.status, Some(PaymentStatus::Pending));
    let statuses = [PaymentStatus::Pending, PaymentStatus::Completed, PaymentStatus::Completed];
    for expected in statuses {
        let now = client.payments().get(&created.payment_id).await.unwrap();
        assert_eq!((now.status, now.amount), (expected, 15_000.into()));
    }
}

#[tokio::test]
async fn a_payment_from_the_declined_number_fails() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.client();
    let id = create(&client, DECLINED_PHONE_NUMBER).await;
    client.payments().get(&id).await.unwrap();
    assert_eq!(client.payments().get(&id).await.unwrap().status, PaymentStatus::Failed);
}

#[tokio::test]
async fn a_one_time_password_must_be_requested_and_right() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.client();
    let pay_with = |otp: &str| {
        let payer = UserInfo::builder().phone_number(PAYER).otp(otp).build();
        let method = PaymentMethod::Airtel;
        let body = PaymentCreate::builder().amount(500).currency("UGX").payment_method(method).user_info(payer);
        client.payments().create(body.build())
    };
    let early = pay_with(OTP).await.unwrap_err();
    assert_eq!((early.kind(), early.message()), (ErrorKind::Validation, Some("Invalid or expired OTP")));

    let sent = client.otp().request(OtpRequest::builder().phone_number(PAYER).build()).await.unwrap();
    assert_eq!(sent.otp.unwrap().expose(), OTP);
    let used = sent.verification_methods.unwrap();
    assert_eq!((used.phone_sent, used.email_sent), (Some(true), Some(false)));

    assert_eq!(pay_with("654321").await.unwrap_err().kind(), ErrorKind::Validation);
    pay_with(OTP).await.unwrap();
}

#[tokio::test]
async fn a_payer_with_nothing_but_a_token_creates_a_payment_and_waits_for_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let payer = sandbox.client().with_credentials(Credentials::new().access_token("payer-token"));
    let order = PaymentCreate::builder()
        .amount(15_000)
        .currency("UGX")
        .payment_method(PaymentMethod::PiaxisExternal)
        .recipient_id("merchant-account-1")
        .customer_pays_fees(true)
        .build();
    let created = payer.payments().create(order.clone()).await.unwrap();
    assert_eq!(created.status, Some(PaymentStatus::Pending));
    let settled = payer.payments().wait_until_settled(&created.payment_id).await.unwrap();
    let PollResult::Settled(payment) = settled else { panic!("{settled:?}") };
    assert_eq!((payment.id, payment.status), (created.payment_id, PaymentStatus::Completed));

    let PaymentResult::Paid(payment) = payer.payments().create_and_wait(order).await else { panic!("not paid") };
    assert_eq!(payment.amount, 15_000);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.client();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(create(&client, PAYER).await);
    }
    for _ in 0..2 {
        client.payments().get(&ids[0]).await.unwrap();
    }
    ids.reverse();
    let list = |filter| client.payments().list(filter);

    let page = list(PaymentFilter::builder().limit(2_u32).offset(1_u32).build()).await.unwrap();
    let found: Vec<&str> = page.results.iter().map(|payment| payment.payment_id.as_str()).collect();
    assert_eq!(found, ids[1..3]);
    assert_eq!((page.total, page.limit, page.offset), (Some(5), Some(2), Some(1)));

    let completed = list(PaymentFilter::builder().status(PaymentStatus::Completed).build()).await.unwrap();
    assert_eq!(completed.results.len(), 1);
    assert_eq!(completed.limit, Some(50), "the contract's default");
    let by_card = list(PaymentFilter::builder().payment_method(PaymentMethod::Card).build()).await.unwrap();
    assert!(by_card.results.is_empty());
    let second = page.results[0].date.unwrap();
    let until = list(PaymentFilter::builder().to_date(second).build()).await.unwrap();
    assert_eq!(until.results.len(), 4);

    let too_long = list(PaymentFilter::builder().limit(101_u32).build()).await.unwrap_err();
    assert_eq!((too_long.kind(), too_long.field_errors()[0].path()), (ErrorKind::Validation, "limit"));
    assert_eq!(too_long.field_errors()[0].location(), Some("query"));
}

#[tokio::test]
async fn two_sandboxes_answer_alike() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let sandbox = Sandbox::start().await.unwrap();
        let client = sandbox.client();
        let id = create(&client, PAYER).await;
        let now = client.payments().get(&id).await.unwrap();
        runs.push(serde_json::to_value(now).unwrap());
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn a_sandbox_stops_when_dropped() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.client();
    create(&client, PAYER).await;
    drop((sandbox, client.clone()));
    // The listener goes with its task, which ends at its next wake-up.
    let stopped = async {
        while client.payments().get("x").await.unwrap_err().kind() == ErrorKind::NotFound {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), stopped).await.unwrap();
}

/// A request as somebody without this crate would send it.
struct Case {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Value,
    status: u16,
    /// Text that the answer must hold.
    says: &'static str,
}

const KEY: (&str, &str) = ("api-key", API_KEY);
const ID: (&str, &str) = ("X-piaxis-Client-ID", CLIENT_ID);
const PAYMENT: &str = "/payments/00000000-0000-4000-8000-000000000001";

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let pay = || json!({ "amount": 15000, "currency": "UGX", "payment_method": "mtn", "user_info": { "phone_number": PAYER } });
    let but = |field: &str, value: Value| { let mut body = pay(); body[field] = value; body };
    let case = |name, method, path, headers, body, status, says| Case { name, method, path, headers, body, status, says };
    vec![
        case("otp", "POST", "/request-otp", &[KEY], json!({ "email": "a@example.com" }), 200, "\"email_sent\":true"),
        case("otp to nobody", "POST", "/request-otp", &[KEY], json!({}), 422, "\"loc\":[\"body\"]"),
        case("otp to a bad number", "POST", "/request-otp", &[KEY], json!({ "phone_number": "0700" }), 422, "phone_number"),
        case("no key", "POST", "/payments/create", &[], pay(), 401, "Not authenticated"),
        case("wrong key", "POST", "/payments/create", &[("api-key", "other")], pay(), 401, "Invalid API key"),
        case("a token will do", "POST", "/payments/create", &[("Authorization", "Bearer t")], pay(), 200, "payment_id"),
        case("payment", "POST", "/payments/create", &[KEY], pay(), 200, "\"15,000.00\""),
        case("a million", "POST", "/payments/create", &[KEY], but("amount", json!("1234567.5")), 200, "\"1,234,567.50\""),
        case("no amount", "POST", "/payments/create", &[KEY], json!({ "currency": "UGX", "payment_method": "mtn" }), 422, "[\"body\",\"amount\"]"),
        case("amount of words", "POST", "/payments/create", &[KEY], but("amount", json!("much")), 422, "[\"body\",\"amount\"]"),
        case("negative amount", "POST", "/payments/create", &[KEY], but("amount", json!(-1)), 422, "greater than 0"),
        case("unknown method", "POST", "/payments/create", &[KEY], but("payment_method", json!("barter")), 422, "payment_method"),
        case("no phone", "POST", "/payments/create", &[KEY], but("user_info", json!(null)), 422, "phone_number"),
        case("no JSON", "POST", "/payments/create", &[KEY], json!("{"), 422, "\"loc\":[\"body\""),
        case("get", "GET", PAYMENT, &[KEY], json!(null), 200, "\"status\":\"pending\""),
        case("a token reads a payment", "GET", "/payments/nothing", &[("Authorization", "Bearer t")], json!(null), 404, "Payment not found"),
        case("get once more", "GET", PAYMENT, &[KEY, ID], json!(null), 200, "\"status\":\"completed\""),
        case("wrong client id", "GET", PAYMENT, &[KEY, ("X-piaxis-Client-ID", "other")], json!(null), 401, "Unknown client id"),
        case("unknown payment", "GET", "/payments/nothing", &[KEY], json!(null), 404, "Payment not found"),
        case("list", "GET", "/merchant-payments?limit=2", &[KEY, ID], json!(null), 200, "\"total\":3"),
        case("list without id", "GET", "/merchant-payments", &[KEY], json!(null), 400, "MISSING_CLIENT_ID"),
        case("escrow by token without id", "POST", "/escrows/", &[("Authorization", "Bearer t")], json!({}), 400, "MISSING_CLIENT_ID"),
        case("bad limit", "GET", "/merchant-payments?limit=many", &[KEY, ID], json!(null), 422, "\"query\""),
        case("bad date", "GET", "/merchant-payments?from_date=then", &[KEY, ID], json!(null), 422, "\"query\""),
        case("not yet there", "GET", "/disbursements", &[KEY, ID], json!(null), 501, "NOT_IN_SANDBOX"),
        case("no such route", "GET", "/payments", &[KEY], json!(null), 404, "Not Found"),
        case("no such method", "DELETE", PAYMENT, &[KEY], json!(null), 405, "Method Not Allowed"),
    ]
}

#[tokio::test]
async fn every_answer_fits_the_contract() {
    let contract = schema::contract();
    let sandbox = Sandbox::start().await.unwrap();
    let http = reqwest::Client::new();
    for case in cases() {
        let url = format!("{}{}", sandbox.base_url(), case.path);
        let mut request = http.request(case.method.parse().unwrap(), url).header("X-Request-ID", "trace-1");
        for (name, value) in case.headers {
            request = request.header(*name, *value);
        }
        if case.method == "POST" {
            let body = case.body.as_str().map_or_else(|| case.body.to_string(), str::to_owned);
            request = request.header("Content-Type", "application/json").body(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        assert_eq!(status, case.status, "{}: {text}", case.name);
        assert!(text.contains(case.says), "{}: {text}", case.name);
        assert_eq!(headers["x-request-id"], "trace-1", "{}", case.name);

        let name =
            if status == 200 { success_schema(&contract, case.method, case.path) } else { "ErrorBody".to_owned() };
        let body: Value = serde_json::from_str(&text).unwrap();
        let errors = schema::misfits(&contract, &json!({ "$ref": format!("#/components/schemas/{name}") }), &body);
        assert!(errors.is_empty(), "{}: {name}: {errors:#?}", case.name);
    }
}

/// Name of the schema that the contract has for a success of this route.
fn success_schema(contract: &Value, method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap();
    let operation = piaxis::OPERATIONS.iter().find(|operation| {
        let pairs = || path.split('/').zip(operation.path.split('/'));
        operation.method == method
            && path.split('/').count() == operation.path.split('/').count()
            && pairs().all(|(part, name)| part == name || name.starts_with('{'))
    });
    let operation = operation.unwrap_or_else(|| panic!("{method} {path}"));
    let answers = &contract["paths"][operation.path][method.to_lowercase()]["responses"];
    let reference = answers["200"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
    reference.rsplit('/').next().unwrap().to_owned()
}
