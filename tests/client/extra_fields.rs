//! Fields that a caller adds to a request body and the contract does not know.

use piaxis::{
    Amount, Client, Error, ErrorKind, OPERATIONS, PaymentMethod, PaymentResult,
    types::{DisbursementCreate, PaymentCreate, Recipient, TokenRequest},
};
use serde::{Serialize, Serializer};
use serde_json::{json, value::RawValue};

use crate::support::server::{Response, Server};

fn payment(amount: &str) -> PaymentCreate {
    let amount: Amount = amount.parse().unwrap();
    PaymentCreate::builder().amount(amount).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

fn payouts() -> DisbursementCreate {
    let recipient = Recipient::builder().phone_number("+256771234567").amount(45_000).build();
    let payouts = DisbursementCreate::builder().recipients(vec![recipient]).currency("UGX");
    payouts.payment_method(PaymentMethod::Mtn).build()
}

async fn server() -> (Server, Client) {
    let server = Server::start(Response::json(200, json!({ "payment_id": "pay-1" }))).await;
    let client = server.client();
    (server, client)
}

#[tokio::test]
async fn extra_fields_are_sent_beside_the_others_and_change_none() {
    let (server, client) = server().await;
    let amount = "123456789012345678.90";
    client.payments().create(payment(amount)).await.unwrap();
    let plain = server.one();

    let number = RawValue::from_string("0.10000000000000000000000001".to_owned()).unwrap();
    let request = client.payments().create(payment(amount)).extra_field("metadata", json!({ "order": "789" }));
    request.extra_field("q\"uoted", number).extra_field("none", None::<u8>).extra_field("none", [1]).await.unwrap();
    let sent = server.one();
    let added = r#","metadata":{"order":"789"},"q\"uoted":0.10000000000000000000000001,"none":[1]}"#;
    assert_eq!(sent.text(), format!("{}{added}", plain.text().strip_suffix('}').unwrap()));
    assert_eq!(sent.header("content-length"), Some(sent.body.len().to_string().as_str()));
    assert_eq!(sent.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_body_without_fields_takes_one() {
    let (server, client) = server().await;
    let cancel = piaxis::types::DisbursementCancel::builder().build();
    let _ = client.disbursements().cancel("d-1", cancel).extra_field("note", "x").await;
    assert_eq!(server.one().text(), r#"{"note":"x"}"#);
}

/// Fails with a message that holds a value.
struct Unserialisable;

impl Serialize for Unserialisable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("+256771234567"))
    }
}

#[tokio::test]
async fn invalid_extra_fields_are_rejected_before_anything_is_sent() {
    let (server, client) = server().await;
    let typed = OPERATIONS.iter().find(|operation| operation.id == "payments_create").unwrap().body_fields;
    assert!(typed.contains(&"amount") && typed.contains(&"mfa_code"), "{typed:?}");
    let rejected = |error: Error, about: &str| {
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidRequest, 0), "{about}: {error}");
        assert!(!format!("{error} {error:?}").contains("256771234567"), "{error:?}");
        error
    };
    for name in typed {
        let error = client.payments().create(payment("1")).extra_field(*name, "+256771234567").await.unwrap_err();
        assert_eq!(rejected(error, name).field_errors()[0].path(), *name);
    }
    let error = client.payments().create(payment("1")).extra_field("", 1).await.unwrap_err();
    rejected(error, "an empty name");
    let error = client.payments().create(payment("1")).extra_field("metadata", Unserialisable).await.unwrap_err();
    assert_eq!(rejected(error, "no JSON").field_errors()[0].path(), "metadata");
    let error = client.payments().get("pay-1").extra_field("metadata", 1).await.unwrap_err();
    assert_eq!(
        rejected(error, "a read").to_string(),
        "payments_get: not sent: extra fields are unsupported: the operation has no JSON body"
    );
    let form: TokenRequest = serde_json::from_value(
        json!({ "grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r" }),
    )
    .unwrap();
    let error = client.raw().oauth_token(&form).extra_field("metadata", 1).await.unwrap_err();
    rejected(error, "a form");
    // The quote is not sent for a creation that would be rejected.
    let error =
        client.disbursements().quote_and_create(payouts(), 50_000).extra_field("currency", "KES").await.unwrap_err();
    rejected(error, "a typed field of a disbursement");
    assert!(server.take().is_empty());
}

#[tokio::test]
async fn an_error_shows_no_value_of_an_extra_field() {
    let (server, client) = server().await;
    let metadata = json!({ "name": "Akello", "plot": [17, 20_451_007] });
    server.set(Response::json(400, json!({ "detail": "no Akello at 20451007, order 789" })));
    let error = client.payments().create(payment("1")).extra_field("metadata", metadata).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("Akello") && !shown.contains("20451007"), "{shown}");
    assert!(shown.contains("order 789"), "{shown}");
    let request = client.payments().create(payment("1")).extra_field("metadata", "Akello");
    assert!(format!("{request:?}").contains(r#"extra_fields: ["metadata"]"#), "{request:?}");
}

#[tokio::test]
async fn methods_of_two_requests_take_extra_fields() {
    let (server, client) = server().await;
    server.set(Response::json(400, json!({ "detail": "no" })));
    let created = client.payments().create_and_wait(payment("1")).extra_field("metadata", "m").await;
    assert!(matches!(created, PaymentResult::Declined { .. }), "{created:?}");
    assert_eq!(server.one().json()["metadata"], "m");

    server.set(Response::json(
        200,
        json!({
            "disbursement_id": "d-1", "status": "pending", "currency": "UGX", "total_amount": 45_000,
            "total_debit_amount": 45_000, "recipients": []
        }),
    ));
    client.disbursements().quote_and_create(payouts(), 50_000).extra_field("metadata", "m").await.unwrap();
    let sent = server.take();
    assert_eq!(sent.iter().map(|request| request.json()["metadata"].clone()).collect::<Vec<_>>(), ["m", "m"]);
}
