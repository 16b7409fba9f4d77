//! `create_and_wait`: one result for the creation of a payment and its polling.

use std::time::Duration;

use piaxis::{
    CreateAndWait, ErrorKind, Outcome, PaymentMethod, PaymentResult, PaymentStatus, RequestOptions, RetryPolicy,
    types::PaymentCreate,
};

use crate::support::faults::{Fault, OWN_KEY, PATIENCE, Scripted, response};

const MILLISECOND: Duration = Duration::from_millis(1);

fn status(status: u16) -> Fault {
    Fault::Close(response(status, &[], r#"{"detail":"no"}"#))
}

fn created() -> Fault {
    Fault::Close(response(201, &[], r#"{"payment_id":"pay-1","status":"pending","amount":"15000","currency":"UGX"}"#))
}

fn payment(status: &str) -> Fault {
    let body = format!(r#"{{"id":"pay-1","status":"{status}","amount":"15000","currency":"UGX"}}"#);
    Fault::Close(response(200, &[], &body))
}

/// Creates a payment and polls it with short intervals, against a server that follows this script.
async fn create(script: Vec<Fault>, set: impl FnOnce(CreateAndWait) -> CreateAndWait) -> (PaymentResult, Scripted) {
    let server = Scripted::start(script).await;
    let client = server.builder().retry_policy(RetryPolicy::none()).build().unwrap();
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn).build();
    let payment = client.payments().create_and_wait(order).intervals(MILLISECOND, MILLISECOND).timeout(PATIENCE);
    (set(payment).await, server)
}

/// Method and path of each request.
fn requests(server: &Scripted) -> Vec<(String, String)> {
    server.received().into_iter().map(|request| (request.method, request.target)).collect()
}

const CREATE: &str = "/api/payments/create";

#[tokio::test]
async fn a_payment_that_succeeds_is_paid() {
    for settled in ["completed", "succeeded"] {
        let script = vec![created(), payment("pending"), status(503), payment("in_review"), payment(settled)];
        let (result, server) = create(script, |payment| payment).await;
        let PaymentResult::Paid(payment) = result else { panic!("{settled}: {result:?}") };
        assert_eq!((&*payment.id, payment.status.as_str()), ("pay-1", settled));
        let requests = requests(&server);
        assert_eq!(requests[0], ("POST".into(), CREATE.into()));
        assert_eq!(requests[1..], vec![("GET".to_owned(), "/api/payments/pay-1".to_owned()); 4]);
    }
}

#[tokio::test]
async fn a_payment_that_fails_is_declined() {
    let (result, _) = create(vec![created(), payment("failed")], |payment| payment).await;
    let PaymentResult::Declined { payment: Some(payment), error: None } = result else { panic!("{result:?}") };
    assert_eq!(payment.status, PaymentStatus::Failed);
}

#[tokio::test]
async fn a_creation_that_is_rejected_or_never_sent_is_declined() {
    let cases = [
        (status(422), Outcome::Rejected, ErrorKind::Validation),
        (status(402), Outcome::Rejected, ErrorKind::Rejected),
        (status(409), Outcome::Rejected, ErrorKind::Conflict),
        (status(429), Outcome::NotSent, ErrorKind::RateLimited),
        (Fault::Refuse, Outcome::NotSent, ErrorKind::Connection),
    ];
    for (fault, outcome, kind) in cases {
        let (result, server) = create(vec![fault.clone()], |payment| payment).await;
        let PaymentResult::Declined { payment: None, error: Some(error) } = result else {
            panic!("{fault:?}: {result:?}")
        };
        assert_eq!((error.outcome(), error.kind()), (outcome, kind), "{fault:?}: {error}");
        assert_eq!(server.tried(), 1, "{fault:?}: nothing is polled");
    }
}

#[tokio::test]
async fn an_invalid_request_is_declined_and_nothing_is_sent() {
    let (result, server) = create(vec![created()], |payment| payment.idempotency_key("two\nlines")).await;
    let PaymentResult::Declined { payment: None, error: Some(error) } = result else { panic!("{result:?}") };
    assert_eq!((error.outcome(), error.kind()), (Outcome::NotSent, ErrorKind::InvalidRequest), "{error}");
    assert_eq!(server.tried(), 0);
}

#[tokio::test]
async fn a_creation_that_may_have_been_executed_is_unknown() {
    let conflict = Fault::Close(response(409, &[], ""));
    let unavailable = Fault::Close(response(503, &[("retry-after", "1")], ""));
    let error_in_success = Fault::Close(response(200, &[], r#"{"detail":"no"}"#));
    for fault in
        [Fault::Close(Vec::new()), Fault::Reset(Vec::new()), unavailable, status(500), conflict, error_in_success]
    {
        let (result, server) = create(vec![fault.clone()], |payment| payment.idempotency_key(OWN_KEY)).await;
        let PaymentResult::Unknown { payment_id: None, last: None, error: Some(error) } = result else {
            panic!("{fault:?}: {result:?}")
        };
        assert_eq!((error.outcome(), error.idempotency_key()), (Outcome::Unknown, Some(OWN_KEY)), "{fault:?}: {error}");
        assert_eq!(requests(&server), [("POST".into(), CREATE.into())], "{fault:?}: nothing is polled");
    }
}

#[tokio::test]
async fn a_payment_that_does_not_settle_in_time_is_unknown() {
    let (result, _) = create(vec![created(), payment("pending")], |payment| payment.timeout(MILLISECOND * 1_000)).await;
    let PaymentResult::Unknown { payment_id: Some(id), last: Some(last), error: None } = result else {
        panic!("{result:?}")
    };
    assert_eq!((&*id, last.status), ("pay-1", PaymentStatus::Pending));
}

#[tokio::test]
async fn a_payment_that_cannot_be_polled_is_unknown() {
    let redirect = Fault::Close(response(302, &[("location", "/api/payments/pay-2")], ""));
    let cases = [
        (status(404), ErrorKind::NotFound),
        (status(401), ErrorKind::Authentication),
        (redirect, ErrorKind::UnexpectedStatus),
        // Temporary, until the timeout.
        (status(503), ErrorKind::Server),
        (Fault::Close(Vec::new()), ErrorKind::Connection),
    ];
    for (fault, kind) in cases {
        let (result, _) = create(vec![created(), fault.clone()], |payment| payment.timeout(MILLISECOND * 1_000)).await;
        let PaymentResult::Unknown { payment_id: Some(id), last: None, error: Some(error) } = result else {
            panic!("{fault:?}: {result:?}")
        };
        assert_eq!((&*id, error.outcome(), error.kind()), ("pay-1", Outcome::ReadFailed, kind), "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn options_apply_to_the_creation_and_the_polls_and_the_key_to_the_creation_only() {
    let options = RequestOptions::new().header("x-tenant", "north");
    let script = vec![created(), payment("pending"), payment("completed")];
    let (result, server) = create(script, |payment| payment.options(options).idempotency_key(OWN_KEY)).await;
    assert!(matches!(result, PaymentResult::Paid(_)), "{result:?}");
    let received = server.received();
    assert!(received.iter().all(|request| request.header("x-tenant") == Some("north")));
    let keys: Vec<_> = received.iter().map(|request| request.header("x-idempotency-key")).collect();
    assert_eq!(keys, [Some(OWN_KEY), None, None]);
}
