//! Requests that the caller drops while an attempt is under way.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use piaxis::{Client, Environment, Outcome, PaymentMethod, RequestOptions, types::PaymentCreate};

use crate::support::server::{NeverResolved, Response, Server};

fn order() -> PaymentCreate {
    PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

#[derive(Debug, PartialEq)]
struct Reported {
    error_type: Option<String>,
    outcome: Option<Outcome>,
    idempotency_key: Option<String>,
    request_id: Option<String>,
}

/// Options with a hook, and the attempts that it got.
fn hook() -> (RequestOptions, Arc<Mutex<Vec<Reported>>>) {
    let reported: Arc<Mutex<Vec<Reported>>> = Arc::default();
    let kept = reported.clone();
    let options = RequestOptions::new().on_attempt(move |attempt| {
        kept.lock().unwrap().push(Reported {
            error_type: attempt.error_type.map(str::to_owned),
            outcome: attempt.outcome,
            idempotency_key: attempt.idempotency_key.map(str::to_owned),
            request_id: attempt.request_id.map(str::to_owned),
        });
    });
    (options, reported)
}

#[tokio::test]
async fn a_dropped_write_is_reported_with_its_key_and_its_outcome() {
    let server = Server::start(Response::Stall(Vec::new())).await;
    let of_client = Arc::new(Mutex::new(0));
    let counted = of_client.clone();
    let client = server.builder().api_key("key-1").on_attempt(move |_| *counted.lock().unwrap() += 1).build().unwrap();
    let (options, reported) = hook();
    let request = client.payments().create(order()).idempotency_key("order-1").request_id("trace-1").options(options);
    let task = tokio::spawn(request.into_future());
    while server.take().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(reported.lock().unwrap().is_empty());
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let expected = Reported {
        error_type: Some("cancelled".to_owned()),
        outcome: Some(Outcome::Unknown),
        idempotency_key: Some("order-1".to_owned()),
        request_id: Some("trace-1".to_owned()),
    };
    assert_eq!(*reported.lock().unwrap(), [expected]);
    assert_eq!(*of_client.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_request_dropped_by_a_timeout_is_reported_as_well() {
    let server = Server::start(Response::Stall(Vec::new())).await;
    let client = server.client();
    let (options, reported) = hook();
    let request = client.payments().create(order()).options(options);
    tokio::time::timeout(Duration::from_secs(1), request.into_future()).await.unwrap_err();
    let received = server.take();
    let reported = reported.lock().unwrap();
    assert_eq!((reported.len(), reported[0].outcome), (1, Some(Outcome::Unknown)));
    assert_eq!(reported[0].idempotency_key.as_deref(), received[0].header("x-idempotency-key"));
    assert!(reported[0].idempotency_key.is_some());
}

#[tokio::test]
async fn a_write_dropped_before_connecting_was_not_sent_and_a_read_executes_nothing() {
    let client = Client::builder()
        .environment(Environment::Custom("http://localhost/api".to_owned()))
        .api_key("key-1")
        .configure_http(|http| http.dns_resolver(Arc::new(NeverResolved)))
        .build()
        .unwrap();
    let (options, reported) = hook();
    let write = client.payments().create(order()).options(options.clone());
    tokio::time::timeout(Duration::from_millis(20), write.into_future()).await.unwrap_err();
    let read = client.payments().get("pay-1").options(options);
    tokio::time::timeout(Duration::from_millis(20), read.into_future()).await.unwrap_err();
    let outcomes: Vec<_> = reported.lock().unwrap().iter().map(|reported| reported.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::NotSent), Some(Outcome::ReadFailed)]);
}

#[tokio::test]
async fn the_hook_of_a_request_gets_the_outcome_so_far() {
    let server = Server::start(Response::json(500, "{}")).await;
    let policy = piaxis::RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO);
    let client = server.builder().api_key("key-1").retry_policy(policy.clone()).build().unwrap();
    let (options, reported) = hook();
    let opted_in = policy.retry_writes_with_idempotency_key();
    client.payments().create(order()).retry_policy(opted_in).options(options.clone()).await.unwrap_err();
    assert_eq!(
        reported.lock().unwrap().iter().map(|reported| reported.outcome).collect::<Vec<_>>(),
        [Some(Outcome::Unknown); 3]
    );
    reported.lock().unwrap().clear();

    server.set(Response::json(422, "{}"));
    client.payments().create(order()).options(options.clone()).await.unwrap_err();
    assert_eq!(reported.lock().unwrap()[0].outcome, Some(Outcome::Rejected));
    reported.lock().unwrap().clear();

    // A 2xx response that fails to decode is reported as a decode error.
    server.set(Response::json(200, "{"));
    client.payments().create(order()).options(options).await.unwrap_err();
    assert_eq!(reported.lock().unwrap()[0].outcome, Some(Outcome::Unknown));
    assert_eq!(reported.lock().unwrap()[0].error_type.as_deref(), Some("decode"));
}
