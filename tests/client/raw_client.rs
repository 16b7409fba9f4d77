//! The generated operations: each is a request like any other.

use std::time::Duration;

use piaxis::{
    ErrorKind, Outcome, PaymentMethod, PaymentStatus,
    types::{AuthorizeParams, PaymentCreate, PaymentFilter},
};

use crate::support::server::{Response, Server};

fn payment() -> PaymentCreate {
    PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

#[tokio::test]
async fn an_operation_is_sent_when_awaited_and_not_before() {
    let server = Server::start(Response::json(200, r#"{"payment_id":"p"}"#)).await;
    let raw = server.client().raw();
    drop(raw.payments_create(None, &payment()).idempotency_key("order-1"));
    raw.payments_create(None, &payment()).header("not a name", "x").await.unwrap_err();
    assert_eq!(server.take().len(), 0);

    let request = raw.payments_create(None, &payment()).idempotency_key("order-1").request_id("trace-1");
    request.timeout(Duration::from_secs(5)).await.unwrap();
    let received = server.take().remove(0);
    assert_eq!(received.header("x-idempotency-key"), Some("order-1"));
    assert_eq!(received.header("x-request-id"), Some("trace-1"));
    assert_eq!(received.header("api-version"), None);
}

#[tokio::test]
async fn concurrent_operations_have_records_of_their_own() {
    let server = Server::start(Response::Close).await;
    let raw = server.client().raw();
    let (first, second) = (payment(), payment());
    let (first, second) = tokio::join!(raw.payments_create(None, &first), raw.payments_create(None, &second));
    let received = server.take();
    assert_eq!(received.len(), 2);
    for error in [first.unwrap_err(), second.unwrap_err()] {
        let of_key = received.iter().find(|one| one.header("x-idempotency-key") == error.idempotency_key()).unwrap();
        assert_eq!(error.request_ids(), [of_key.header("x-request-id").unwrap()]);
        assert_eq!(
            (error.operation(), error.attempts(), error.outcome()),
            (Some("payments_create"), 1, Outcome::Unknown)
        );
    }
}

#[tokio::test]
async fn query_parameters_of_a_list_have_names() {
    let server = Server::start(Response::json(200, r#"{"results":[]}"#)).await;
    let raw = server.client().raw();
    let filter = PaymentFilter::builder().limit(7).offset(21).status(PaymentStatus::Completed).build();
    raw.payments_list(&filter).await.unwrap();
    assert_eq!(server.take()[0].target, "/api/merchant-payments?limit=7&offset=21&status=completed");

    let params =
        AuthorizeParams::builder().merchant_id("m").external_user_id("u").redirect_uri("https://shop.example/cb");
    raw.oauth_authorize(&params.build(), None).await.unwrap();
    let target = &server.take()[0].target;
    assert!(target.starts_with("/api/authorize?external_user_id=u&merchant_id=m&redirect_uri="), "{target}");
}

#[tokio::test]
async fn an_id_that_is_not_one_path_segment_is_rejected_before_anything_is_sent() {
    let server = Server::start(Response::json(200, r#"{"id":"p"}"#)).await;
    for id in ["", ".", "..", r"..\..\token", r"a\b"] {
        let error = server.client().raw().payments_get(id).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidRequest, Some("payments_get")), "{id:?}");
        assert_eq!(error.field_errors()[0].path(), "payment_id", "{id:?}");
        assert!(error.to_string().starts_with("payments_get: not sent: payment_id: must not "), "{error}");
    }
    assert_eq!(server.take().len(), 0);
}
