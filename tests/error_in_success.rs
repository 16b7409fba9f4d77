//! 2xx responses whose body is an error of the API, for every operation; and documented successes, which are none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{collections::BTreeSet, future::Future, pin::Pin};

use common::{Answer, Server, contract, documented};
use piaxis::{
    AgreementType, Client, Error, ErrorKind, JsonObject, OPERATIONS, Operation, Outcome, PaymentMethod, Request,
    ResponseBody, RetryPolicy, TermType,
    oauth::TokenRefresh,
    types::{
        Agreement, AuthorizeParams, DisbursementCancel, DisbursementCreate, DisbursementFilter, EscrowCreate,
        EscrowDisbursementCreate, EscrowDisbursementFilter, EscrowDisbursementRelease, EscrowDispute, EscrowRecipient,
        EscrowRelease, EscrowReverse, OtpRequest, PaymentCreate, PaymentFilter, Recipient, TermCreate,
    },
};
use serde::Serialize;
use serde_json::{Map, Value, json};

type Sent = Pin<Box<dyn Future<Output = Result<Value, Error>> + Send>>;

fn send<T: ResponseBody + Serialize>(request: Request<T>) -> Sent {
    Box::pin(async move { request.await.map(|value| serde_json::to_value(value).unwrap()) })
}

struct Case {
    operation: &'static str,
    /// The schema of the response.
    schema: &'static str,
    send: fn(&Client) -> Sent,
}

macro_rules! case {
    ($operation:literal, $schema:literal, |$client:ident| $request:expr) => {
        Case { operation: $operation, schema: $schema, send: |$client| send($request) }
    };
}

fn terms() -> Vec<TermCreate> {
    vec![TermCreate::builder().type_(TermType::ManualRelease).data(JsonObject::new()).build()]
}

fn payouts() -> DisbursementCreate {
    let recipient = Recipient::builder().phone_number("+256711111111").amount(50_000).build();
    DisbursementCreate::builder()
        .recipients(vec![recipient])
        .currency("UGX")
        .payment_method(PaymentMethod::Airtel)
        .build()
}

fn payment() -> PaymentCreate {
    PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

fn escrow() -> EscrowCreate {
    let escrow = EscrowCreate::builder().amount(50_000).currency_code("UGX").payment_method(PaymentMethod::Mtn);
    escrow.terms(terms()).build()
}

fn escrows() -> EscrowDisbursementCreate {
    let recipient = EscrowRecipient::builder().amount(25_000).phone_number("+256700111000").terms(terms()).build();
    let escrows = EscrowDisbursementCreate::builder().recipients(vec![recipient]).currency("UGX");
    escrows.payment_method(PaymentMethod::Mtn).build()
}

fn agreement() -> Agreement {
    Agreement::builder().agreement_type(AgreementType::Release).build()
}

fn authorization() -> AuthorizeParams {
    AuthorizeParams::builder()
        .merchant_id("merchant-1")
        .external_user_id("user-1")
        .redirect_uri("https://shop.example.com/callback")
        .build()
}

fn cases() -> Vec<Case> {
    vec![
        case!("oauth_authorize", "TestAuthorization", |client| client.oauth().authorize_test(authorization())),
        case!("oauth_token", "TokenResponse", |client| {
            client.oauth().refresh_token(TokenRefresh::builder().refresh_token("refresh-1").build())
        }),
        case!("otp_request", "OtpResponse", |client| {
            client.otp().request(OtpRequest::builder().email("buyer@example.com").build())
        }),
        case!("payments_create", "PaymentCreated", |client| client.payments().create(payment())),
        case!("payments_get", "Payment", |client| client.payments().get("pay-1")),
        case!("payments_list", "PaymentList", |client| client.payments().list(PaymentFilter::builder().build())),
        case!("escrows_create", "Escrow", |client| client.escrows().create(escrow())),
        case!("escrows_get", "Escrow", |client| client.escrows().get("e-1")),
        case!("escrows_status", "EscrowFulfillment", |client| client.escrows().status("e-1")),
        case!("escrows_release", "EscrowReleased", |client| {
            client.escrows().release("e-1", EscrowRelease::builder().build())
        }),
        case!("escrows_reverse", "EscrowReversed", |client| {
            client.escrows().reverse("e-1", EscrowReverse::builder().build())
        }),
        case!("escrows_dispute", "EscrowDisputed", |client| {
            client.escrows().dispute("e-1", EscrowDispute::builder().reason("broken").build())
        }),
        case!("escrows_fulfill_term", "TermFulfilled", |client| {
            client.escrows().fulfill_term("e-1", "t-1", agreement(), None)
        }),
        case!("disbursements_quote", "DisbursementQuote", |client| client.disbursements().quote(payouts())),
        case!("disbursements_create", "DisbursementSummary", |client| client.disbursements().create(payouts())),
        case!("disbursements_list", "DisbursementList", |client| {
            client.disbursements().list(DisbursementFilter::builder().build())
        }),
        case!("disbursements_get", "Disbursement", |client| client.disbursements().get("d-1")),
        case!("disbursements_cancel", "DisbursementSummary", |client| {
            client.disbursements().cancel("d-1", DisbursementCancel::builder().build())
        }),
        case!("escrow_disbursements_create", "EscrowDisbursement", |client| {
            client.escrow_disbursements().create(escrows())
        }),
        case!("escrow_disbursements_list", "EscrowDisbursementList", |client| {
            client.escrow_disbursements().list(EscrowDisbursementFilter::builder().build())
        }),
        case!("escrow_disbursements_get", "EscrowDisbursement", |client| client.escrow_disbursements().get("d-2")),
        case!("escrow_disbursements_release", "EscrowDisbursementReleased", |client| {
            client.escrow_disbursements().release("d-2", EscrowDisbursementRelease::builder().build())
        }),
        case!("escrow_disbursements_cancel", "EscrowDisbursementSummary", |client| {
            client.escrow_disbursements().cancel("d-2", DisbursementCancel::builder().build())
        }),
    ]
}

impl Case {
    fn operation(&self) -> &'static Operation {
        OPERATIONS.iter().find(|operation| operation.id == self.operation).unwrap()
    }

    /// Everything but `GET` and the quote executes something.
    fn outcome(&self) -> Outcome {
        let is_read = self.operation().method == "GET" || self.operation == "disbursements_quote";
        if is_read { Outcome::ReadFailed } else { Outcome::Unknown }
    }

    /// The documented successes.
    fn successes(&self) -> Vec<Map<String, Value>> {
        let found: Vec<_> = documented()
            .into_iter()
            .filter(|entry| entry.type_name == self.schema)
            .map(|entry| entry.json.as_object().unwrap().clone())
            .collect();
        assert!(!found.is_empty(), "{}", self.schema);
        found
    }
}

struct Api {
    server: Server,
    client: Client,
    contract: Value,
}

impl Api {
    async fn start() -> Self {
        let server = Server::silent().await;
        // Retries are on, so that a retry of an error in a 2xx response would be seen.
        let builder = server.builder().api_key("key-1").client_id("client-1").client_secret("secret-1");
        let policy = RetryPolicy::default().retry_writes_with_idempotency_key();
        let client = builder.retry_policy(policy).build().unwrap();
        Self { server, client, contract: contract() }
    }

    async fn respond(&self, case: &Case, status: u16, body: &Value) -> Result<Value, Error> {
        self.server.answer(Answer::json(status, body));
        let result = (case.send)(&self.client).await;
        assert_eq!(self.server.take().len(), 1, "{}: {body}", case.operation);
        result
    }

    /// The fields of the response, and those that it requires.
    fn fields(&self, case: &Case) -> (Vec<String>, Vec<String>) {
        let schema = &self.contract["components"]["schemas"][case.schema];
        let properties = schema["properties"].as_object().unwrap().keys().cloned().collect();
        let required = schema["required"].as_array().into_iter().flatten();
        (properties, required.map(|name| name.as_str().unwrap().to_owned()).collect())
    }
}

/// Each documented error shape, with the code and the message in it.
fn shapes() -> Vec<(Value, Option<&'static str>, Option<&'static str>)> {
    let invalid = json!({ "loc": ["body", "amount"], "msg": "too small", "type": "greater_than" });
    let field = json!({ "field": "amount", "message": "too small", "code": "TOO_SMALL" });
    vec![
        (json!({ "detail": "no" }), None, Some("no")),
        (json!({ "detail": { "code": "X", "message": "no" } }), Some("X"), Some("no")),
        (json!({ "code": "X", "message": "no" }), Some("X"), Some("no")),
        (json!({ "detail": [invalid] }), None, Some("amount: too small")),
        (json!({ "detail": "no", "error_code": "X", "errors": [field] }), Some("X"), Some("no")),
        (json!({ "error": "invalid_grant" }), Some("invalid_grant"), None),
        (json!({ "error": "invalid_grant", "error_description": "no" }), Some("invalid_grant"), Some("no")),
    ]
}

fn with(body: &Value, fields: impl IntoIterator<Item = (String, Value)>) -> Value {
    let mut body = body.as_object().unwrap().clone();
    for (name, value) in fields {
        body.entry(name).or_insert(value);
    }
    body.into()
}

#[test]
fn the_cases_are_the_operations_of_the_contract() {
    let cases: BTreeSet<&str> = cases().iter().map(|case| case.operation).collect();
    let operations: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.id).collect();
    assert_eq!((&cases, cases.len()), (&operations, 23));
}

#[tokio::test]
async fn an_error_body_is_never_a_success() {
    let api = Api::start().await;
    for case in cases() {
        let (fields, _) = api.fields(&case);
        let nulls = || fields.iter().map(|name| (name.clone(), Value::Null));
        for (shape, code, message) in shapes() {
            let bodies = [
                shape.clone(),
                with(&shape, nulls()),
                with(&shape, [("request_id".to_owned(), json!("req-1")), ("success".to_owned(), json!(false))]),
            ];
            for (status, body) in [200, 201, 202].into_iter().zip(bodies) {
                let name = format!("{}: {body}", case.operation);
                let error = api.respond(&case, status, &body).await.expect_err(&name);
                assert_eq!(error.kind(), ErrorKind::ErrorInSuccess, "{name}: {error}");
                assert_eq!(error.outcome(), case.outcome(), "{name}: {error}");
                assert_eq!((error.code(), error.message()), (code, message), "{name}: {error}");
                assert_eq!(error.status().unwrap().as_u16(), status, "{name}: {error}");
                assert_eq!(error.operation(), Some(case.operation), "{name}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn the_invalid_fields_are_read() {
    let api = Api::start().await;
    for case in cases() {
        for (shape, ..) in shapes() {
            let error = api.respond(&case, 200, &shape).await.unwrap_err();
            let fields: Vec<_> = error.field_errors().iter().map(|field| (field.path(), field.message())).collect();
            let has_fields = shape["detail"].is_array() || shape["errors"].is_array();
            let expected = if has_fields { vec![("amount", "too small")] } else { Vec::new() };
            assert_eq!(fields, expected, "{}: {shape}", case.operation);
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_is_no_success() {
    let api = Api::start().await;
    for case in cases() {
        for body in [json!(null), json!("no"), json!([]), json!([{ "detail": "no" }]), json!(false), json!(0)] {
            let error = api.respond(&case, 200, &body).await.expect_err(case.operation);
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Decode, case.outcome()),
                "{}: {body}",
                case.operation
            );
        }
    }
}

#[tokio::test]
async fn a_documented_success_is_one_whatever_comes_beside() {
    let api = Api::start().await;
    let extras = [
        json!({}),
        json!({ "code": 0 }),
        json!({ "error": null }),
        json!({ "message": "done" }),
        json!({ "code": 0, "message": "done", "error": null, "errors": [] }),
        json!({ "detail": "done" }),
        json!({ "detail": null, "error_description": "", "error_code": null }),
    ];
    for case in cases() {
        for success in case.successes() {
            for extra in &extras {
                let body = with(&success.clone().into(), extra.as_object().unwrap().clone());
                let name = format!("{}: {body}", case.operation);
                let value = api.respond(&case, 200, &body).await.unwrap_or_else(|error| panic!("{name}: {error}"));
                let is_kept = |(field, expected): (&String, &Value)| {
                    // Amounts and times are written in one form.
                    let is_same_kind = |got: &Value| got == expected || got.is_string() && expected.is_string();
                    expected.is_null()
                        || value.get(field).is_some_and(is_same_kind)
                        || expected.is_number()
                        || expected.is_object()
                        || expected.is_array()
                };
                assert!(body.as_object().unwrap().iter().all(is_kept), "{name}: {value}");
            }
        }
    }
}

#[tokio::test]
async fn a_success_without_its_optional_fields_is_one() {
    let api = Api::start().await;
    for case in cases() {
        let (fields, required) = api.fields(&case);
        for success in case.successes() {
            let least: Map<_, _> = success.into_iter().filter(|(name, _)| required.contains(name)).collect();
            let optional = fields.iter().filter(|name| !required.contains(name));
            let nulls = optional.map(|name| (name.clone(), Value::Null));
            let least = Value::from(least);
            let errors_beside = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
            let bodies: [Vec<(String, Value)>; 4] = [
                Vec::new(),
                nulls.collect(),
                errors_beside(&["detail", "error", "errors", "code", "message"]),
                vec![("code".to_owned(), json!(0)), ("request_id".to_owned(), json!("req-1"))],
            ];
            for body in bodies.map(|beside| with(&least, beside)) {
                let result = api.respond(&case, 200, &body).await;
                assert!(result.is_ok(), "{}: {body}: {result:?}", case.operation);
            }
        }
    }
}

#[tokio::test]
async fn a_message_alone_is_a_success_of_the_operation_that_has_one() {
    let api = Api::start().await;
    let body = json!({ "message": "All terms met and funds released" });
    for case in cases() {
        let (fields, required) = api.fields(&case);
        let has_message = fields.iter().any(|name| name == "message");
        let result = api.respond(&case, 200, &body).await;
        let name = format!("{}: {result:?}", case.operation);
        match result {
            Ok(value) => {
                assert_eq!((case.operation, has_message), ("escrows_fulfill_term", true), "{name}");
                assert_eq!(value, body, "{name}");
            }
            Err(error) => {
                assert!(!(has_message && required.is_empty()), "{name}");
                let kind = if has_message { ErrorKind::Decode } else { ErrorKind::ErrorInSuccess };
                assert_eq!((error.kind(), error.outcome()), (kind, case.outcome()), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_beside_a_message_of_the_operation_is_an_error() {
    let api = Api::start().await;
    let case = cases().into_iter().find(|case| case.operation == "escrows_fulfill_term").unwrap();
    for body in [
        json!({ "message": "no", "code": "X" }),
        json!({ "message": "no", "detail": "no" }),
        json!({ "message": "no", "error": "invalid_token" }),
        json!({ "message": "no", "code": "X", "status": null }),
    ] {
        let error = api.respond(&case, 200, &body).await.expect_err("an error");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::ErrorInSuccess, Outcome::Unknown), "{body}: {error}");
        assert_eq!(error.message(), Some("no"), "{body}");
    }
}
