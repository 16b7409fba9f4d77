//! Closures of `Client::raw`, which may do more than one call, and more than call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use piaxis::{ErrorKind, Outcome, PaymentMethod, types::PaymentCreate};
use support::{Answer, Received, Server};

fn payment() -> PaymentCreate {
    PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

fn keys(received: &[Received]) -> Vec<Option<String>> {
    received.iter().map(|received| received.header("x-idempotency-key").map(str::to_owned)).collect()
}

#[tokio::test]
async fn nothing_of_a_closure_runs_before_the_request_is_awaited() {
    let server = Server::start(Answer::json(200, r#"{"payment_id":"p"}"#)).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let request = || {
        let runs = runs.clone();
        server.client().raw(move |raw| {
            runs.fetch_add(1, Ordering::SeqCst);
            let sending = tokio::spawn(async move { raw.payments_create(None, &payment()).await });
            async move { sending.await.unwrap() }
        })
    };
    drop(request().idempotency_key("order-1"));
    request().header("not a name", "x").await.unwrap_err();
    assert_eq!((runs.load(Ordering::SeqCst), server.take().len()), (0, 0));

    // What the closure starts elsewhere has the options of the call too.
    request().idempotency_key("order-1").request_id("trace-1").await.unwrap();
    let received = server.take().remove(0);
    assert_eq!(received.header("x-idempotency-key"), Some("order-1"));
    assert_eq!(received.header("x-request-id"), Some("trace-1"));
}

#[tokio::test]
async fn writes_of_one_closure_have_keys_of_their_own() {
    let server = Server::start(Answer::json(404, r#"{"detail":"sent"}"#)).await;
    let twice = server.client().raw(|raw| async move {
        drop(raw.payments_create(None, &payment()).await);
        raw.payments_create(None, &payment()).await
    });
    let error = twice.await.unwrap_err();
    let keys = keys(&server.take());
    assert!(keys.len() == 2 && keys.iter().all(Option::is_some) && keys[0] != keys[1], "{keys:?}");
    assert_eq!(error.idempotency_key(), keys[1].as_deref());
}

#[tokio::test]
async fn an_error_is_of_the_operation_that_failed_whatever_came_after_it() {
    let server = Server::start(Answer::CloseUnanswered).await;
    let error = server
        .client()
        .raw(|raw| async move {
            let first = raw.payments_create(None, &payment()).await;
            let _ = raw.payments_get("p").await;
            first
        })
        .await
        .unwrap_err();
    let received = server.take();
    assert_eq!(received.len(), 2);
    assert_eq!((error.operation(), error.outcome()), (Some("payments_create"), Outcome::Unknown));
    assert_eq!(error.idempotency_key(), keys(&received)[0].as_deref());
    assert_eq!((error.attempts(), error.request_ids().len()), (1, 1));
    assert!(error.to_string().contains("look it up before sending it again"), "{error}");
}

#[tokio::test]
async fn operations_at_the_same_time_are_told_apart() {
    let server = Server::start(Answer::CloseUnanswered).await;
    let first = || async {
        let both = server.client().raw(|raw| async move {
            let (first, second) = (payment(), payment());
            let (first, second) = tokio::join!(raw.payments_create(None, &first), raw.payments_create(None, &second));
            drop(second);
            first
        });
        both.await.unwrap_err()
    };
    let error = first().await;
    let received = server.take();
    // The server takes one connection after another, in any order.
    let of_key = received.iter().find(|one| one.header("x-idempotency-key") == error.idempotency_key()).unwrap();
    assert_eq!(error.request_ids(), [of_key.header("x-request-id").unwrap()]);
    assert_eq!((received.len(), error.attempts(), error.outcome()), (2, 1, Outcome::Unknown));
}

#[tokio::test]
async fn a_write_that_the_closure_gives_up_is_not_called_unsent() {
    let server = Server::start(Answer::Stall(Vec::new())).await;
    let (sent, is_sent) = tokio::sync::oneshot::channel();
    let request = server.client().raw(|raw| async move {
        let order = payment();
        tokio::select! {
            made = raw.payments_create(None, &order) => made,
            _ = is_sent => Err(piaxis::raw::Error::Custom("given up".to_owned())),
        }
    });
    let (error, received) = tokio::join!(async { request.await.unwrap_err() }, async {
        loop {
            let received = server.take();
            if !received.is_empty() {
                sent.send(()).unwrap();
                return received;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!((error.message(), error.outcome()), (Some("given up"), Outcome::Unknown));
    assert_eq!(error.idempotency_key(), keys(&received)[0].as_deref());
}

#[tokio::test]
async fn an_error_that_the_closure_makes_itself_does_not_say_that_nothing_was_sent() {
    let server = Server::start(Answer::json(200, r#"{"payment_id":"p"}"#)).await;
    let own = |sends: bool| {
        server.client().raw(move |raw| async move {
            if sends {
                raw.payments_create(None, &payment()).await?;
            }
            Err::<piaxis::raw::ResponseValue<()>, _>(piaxis::raw::Error::Custom("not what was wanted".to_owned()))
        })
    };
    for (sends, outcome) in [(true, Outcome::Unknown), (false, Outcome::NotSent)] {
        let error = own(sends).timeout(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidRequest, outcome), "{error}");
        assert_eq!(error.message(), Some("not what was wanted"));
    }
}
