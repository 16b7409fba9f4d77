//! The recipes, run on the emulator. The worker and the Lambda function also run as programs, because their subject is what
//! happens when a program ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// The parts that only the programs use.
#![allow(dead_code)]

mod actix_webhook;
mod axum_service;
mod lambda;
mod worker;

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use axum::{Router, body::Bytes, http::StatusCode, routing::get, routing::post};
use piaxis::{
    types::{DisbursementFilter, PaymentFilter},
    webhook::{Envelope, EventType, Signer, Webhook, sample},
};
use piaxis_emulator::{DECLINED_PHONE_NUMBER, DeliveryStatus, Emulator, Fault, When};
use tokio::process::{Child, Command};

use worker::{Job, State};

async fn post_json(url: &str, body: &str) -> StatusCode {
    let request = reqwest::Client::new().post(url).header("content-type", "application/json");
    request.body(body.to_owned()).send().await.unwrap().status()
}

/// Waits until `is_done`, for at most 20 seconds.
async fn until(mut is_done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_done().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("what the test waits for does not happen");
}

fn order(phone_number: &str) -> String {
    format!(r#"{{ "phone_number": "{phone_number}", "amount": 15000 }}"#)
}

#[tokio::test]
async fn axum_service_collects_once_and_learns_from_webhooks() {
    let emulator = Emulator::builder().settle_after(Duration::from_millis(50)).start().await.unwrap();
    let url = axum_service::start(&emulator).await.unwrap();
    let place = async |id: &str, number: &str| post_json(&format!("{url}/orders/{id}"), &order(number)).await;
    let becomes = async |id: &str, expected: &str| {
        let url = format!("{url}/orders/{id}");
        until(async || reqwest::get(&url).await.unwrap().text().await.unwrap() == expected).await;
    };

    assert_eq!(place("1", "0772 123 456").await, StatusCode::ACCEPTED);
    assert_eq!(place("1", "0772 123 456").await, StatusCode::CONFLICT);
    becomes("1", "paid").await;
    assert_eq!(emulator.assert_requests("payments_create", 1)[0].header("x-idempotency-key"), Some("1"));

    assert_eq!(place("2", DECLINED_PHONE_NUMBER).await, StatusCode::ACCEPTED);
    becomes("2", "declined").await;
    assert_eq!(place("3", "0414 123 456").await, StatusCode::BAD_REQUEST);

    // Executed, and the response is lost: the order is neither paid again nor forgotten.
    emulator.fail_next("payments_create", When::AfterCommit(Fault::Reset));
    assert_eq!(place("4", "0772 123 456").await, StatusCode::ACCEPTED);
    assert_eq!(place("4", "0772 123 456").await, StatusCode::CONFLICT);
    becomes("4", "unknown").await;
    emulator.assert_requests("payments_create", 3);

    assert!(post_json(&format!("{url}/piaxis"), "{}").await.is_client_error());
}

#[tokio::test]
async fn actix_webhook_handles_each_event_once() {
    let emulator = Emulator::builder().settle_after(Duration::from_millis(50)).start().await.unwrap();
    let (url, mut handled) = actix_webhook::start(&emulator).unwrap();
    let merchant = emulator.default_merchant();
    merchant.duplicate_webhooks(true);
    actix_webhook::pay(&emulator).await.unwrap();
    assert_eq!(handled.recv().await.as_deref(), Some("payment.succeeded"));
    until(async || {
        merchant.deliveries().iter().filter(|delivery| delivery.status == DeliveryStatus::Delivered).count() == 2
    })
    .await;
    assert!(handled.try_recv().is_err());
    assert!(post_json(&url, "{}").await.is_client_error());
}

/// The runtime of Lambda, as far as a function sees it: the next event, and its response.
#[tokio::test]
async fn lambda_pays_and_receives_webhooks() {
    let emulator = Emulator::start().await.unwrap();
    let delivery = sample(&EventType::PaymentSucceeded, Envelope::Merchant, emulator.now().into()).to_string();
    let signed = Signer::new(emulator.default_merchant().webhook_secret()).unwrap().sign(&delivery);
    let signed: Vec<_> = signed.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let request = |method: &str, stage: &str, path: &str, headers: &[(String, String)], body: &str| {
        let headers: serde_json::Map<_, _> =
            headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let http = serde_json::json!({ "method": method, "path": path });
        let body = serde_json::json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
            "requestContext": { "http": http, "stage": stage }, "body": body, "isBase64Encoded": false,
        });
        body.to_string()
    };
    let event = |path: &str, headers: &[(String, String)], body: &str| request("POST", "$default", path, headers, body);
    let events = [
        (event("/orders/order-789", &[], &order("0772 123 456")), 202),
        (event("/orders/order-790", &[], &order("0414 123 456")), 400),
        (event("/piaxis", &signed, &delivery), 200),
        (event("/piaxis", &signed, &delivery.replace("payment", "payout")), 401),
        (event("/elsewhere", &[], ""), 404),
        // The same order, by another spelling of its path.
        (event("/orders/order-789", &[], &order("0772 123 456")), 409),
        (request("POST", "prod", "/prod/orders/order-789", &[], &order("0772 123 456")), 409),
        (request("POST", "prod", "/orders/order-789", &[], &order("0772 123 456")), 409),
        (event("/orders/order%2D789", &[], &order("0772 123 456")), 404),
        // No order.
        (event("/elsewhere/orders/order-791", &[], &order("0772 123 456")), 404),
        (request("POST", "prod", "/production/orders/order-791", &[], &order("0772 123 456")), 404),
        (event("/orders/order-791/refund", &[], &order("0772 123 456")), 404),
        (event("/orders/", &[], &order("0772 123 456")), 404),
        (event("/elsewhere/piaxis", &signed, &delivery), 404),
        (request("GET", "$default", "/orders/order-791", &[], &order("0772 123 456")), 405),
        (request("GET", "$default", "/piaxis", &signed, &delivery), 405),
        (request("POST", "prod", "/prod/piaxis", &signed, &delivery), 200),
    ];

    let (events, expected): (Vec<_>, Vec<_>) = events.into_iter().unzip();
    let events = Arc::new(std::sync::Mutex::new(events.into_iter()));
    let (sender, mut responses) = tokio::sync::mpsc::unbounded_channel();
    let next = async move || {
        let event = events.lock().unwrap().next();
        let Some(event) = event else { return std::future::pending().await };
        let deadline = std::time::UNIX_EPOCH.elapsed().unwrap() + Duration::from_secs(30);
        let headers = [
            ("lambda-runtime-aws-request-id", "1".to_owned()),
            ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:1:function:f".to_owned()),
        ];
        (axum::response::AppendHeaders(headers), event)
    };
    let respond = async move |body: Bytes| {
        sender.send(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["statusCode"].clone()).unwrap();
        StatusCode::ACCEPTED
    };
    let routes = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/1/response", post(respond));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let mut function = Command::new(env!("CARGO_BIN_EXE_lambda"));
    function.envs(emulator.default_merchant().environment()).env("AWS_LAMBDA_RUNTIME_API", address);
    for name in ["FUNCTION_NAME", "FUNCTION_VERSION"] {
        function.env(format!("AWS_LAMBDA_{name}"), "1");
    }
    let _function = function.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128").kill_on_drop(true).spawn().unwrap();
    for expected in expected {
        let response = tokio::time::timeout(Duration::from_secs(20), responses.recv()).await.unwrap().unwrap();
        assert_eq!(response, expected);
    }
    assert_eq!(emulator.assert_requests("payments_create", 1)[0].header("x-idempotency-key"), Some("order-789"));
}

#[tokio::test]
async fn lambda_pays_once_although_the_response_is_lost() {
    // As the documents: the key may mean nothing to the API.
    let emulator = Emulator::builder().ignores_idempotency_keys().start().await.unwrap();
    let webhook = Webhook::new(emulator.default_merchant().webhook_secret()).unwrap();
    let app = lambda::App::new(emulator.client(), webhook);
    let place = async |id: &str| {
        let request = lambda_http::http::Request::post(format!("/orders/{id}"));
        let request = request.body(order("0772 123 456").into()).unwrap();
        let (parts, text) = lambda::handle(&app, request).await.unwrap().into_parts();
        (parts.status.as_u16(), text)
    };
    let payments = async || {
        let payments = emulator.client().payments().list(PaymentFilter::builder().build()).await.unwrap();
        payments.results.len()
    };

    emulator.fail_next("payments_create", When::AfterCommit(Fault::Reset));
    let (status, text) = place("1").await;
    assert_eq!(status, 202);
    assert!(text.contains("look it up"), "{text}");
    assert_eq!(place("1").await.0, 409);
    assert_eq!(payments().await, 1);
    emulator.assert_requests("payments_create", 1);

    // While the first request is under way.
    emulator.fail_next("payments_create", When::AfterCommit(Fault::Delay(Duration::from_secs(2))));
    let (first, second) = tokio::join!(place("2"), place("2"));
    assert_eq!((first.0, second.0), (202, 409));
    assert_eq!(payments().await, 2);

    // Not executed, so that the payment may be retried. That of a rejected order may not.
    for _ in 0..3 {
        emulator.fail_next("payments_create", When::BeforeCommit(Fault::Status(429)));
    }
    assert_eq!(place("3").await.0, 503);
    assert_eq!(place("3").await.0, 202);
    emulator.fail_next("payments_create", When::BeforeCommit(Fault::Status(422)));
    assert_eq!(place("4").await.0, 400);
    assert_eq!(place("4").await.0, 409);
    assert_eq!(payments().await, 3);
}

/// A folder of jobs, removed at the end.
struct Jobs(PathBuf);

impl Jobs {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn put(&self, reference: &str, phone_number: &str, state: State) {
        let job = Job { phone_number: phone_number.to_owned(), amount: 45_000.into(), state };
        job.write(&self.0.join(reference).with_extension("json")).unwrap();
    }

    fn state(&self, reference: &str) -> State {
        let job = std::fs::read(self.0.join(reference).with_extension("json")).unwrap();
        serde_json::from_slice::<Job>(&job).unwrap().state
    }

    fn work(&self, emulator: &Emulator) -> Child {
        self.worker(emulator).stdout(Stdio::null()).spawn().unwrap()
    }

    fn worker(&self, emulator: &Emulator) -> Command {
        let mut worker = Command::new(env!("CARGO_BIN_EXE_worker"));
        worker.arg(&self.0).envs(emulator.default_merchant().environment()).kill_on_drop(true);
        worker
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn payouts(emulator: &Emulator) -> usize {
    emulator.client().disbursements().list(DisbursementFilter::builder().build()).await.unwrap().results.len()
}

const NUMBER: &str = "+256772123456";

#[tokio::test]
async fn worker_pays_once_although_it_is_killed() {
    // As the documents: the key may mean nothing to the API.
    let emulator = Emulator::builder().ignores_idempotency_keys().start().await.unwrap();
    let jobs = Jobs::new("killed");
    jobs.put("wage-1", NUMBER, State::New);
    jobs.put("wage-2", NUMBER, State::Sent(emulator.now().into(), "wage-2-1".to_owned()));

    // Executed, and the worker is killed before it gets the response.
    emulator.fail_next("disbursements_create", When::AfterCommit(Fault::Delay(Duration::from_secs(60))));
    let mut worker = jobs.work(&emulator);
    until(async || payouts(&emulator).await == 1).await;
    worker.kill().await.unwrap();
    assert!(matches!(jobs.state("wage-1"), State::Sent(..)), "{:?}", jobs.state("wage-1"));

    let _worker = jobs.work(&emulator);
    until(async || matches!(jobs.state("wage-1"), State::Done(_))).await;
    // Another pass.
    let lookups = emulator.requests_of("disbursements_list").len();
    until(async || emulator.requests_of("disbursements_list").len() >= lookups + 2).await;
    assert_eq!(payouts(&emulator).await, 1);
    emulator.assert_requests("disbursements_create", 1);
    // Killed before the request: looked up, and not sent, because the worker cannot know that.
    assert!(matches!(jobs.state("wage-2"), State::Sent(..)));
}

#[tokio::test]
async fn worker_locks_its_folder() {
    let emulator = Emulator::start().await.unwrap();
    let jobs = Jobs::new("locked");
    jobs.put("wage-1", NUMBER, State::New);
    // While the first worker pays.
    emulator.fail_next("disbursements_create", When::AfterCommit(Fault::Delay(Duration::from_secs(60))));
    let _worker = jobs.work(&emulator);
    until(async || payouts(&emulator).await == 1).await;
    jobs.put("wage-2", NUMBER, State::New);
    let second = tokio::time::timeout(Duration::from_secs(20), jobs.worker(&emulator).output()).await;
    let second = second.expect("the second worker works").unwrap();
    assert!(!second.status.success());
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains("failed to lock"), "{message}");
    assert_eq!(jobs.state("wage-2"), State::New);
    emulator.assert_requests("disbursements_create", 1);
}

#[tokio::test]
async fn worker_goes_on_after_a_problem() {
    let emulator = Emulator::start().await.unwrap();
    let (jobs, (_stop, stopped)) = (Jobs::new("problems"), tokio::sync::watch::channel(false));
    std::fs::write(jobs.0.join("wage-1.json"), "{").unwrap();
    std::fs::create_dir(jobs.0.join("wage-2.json")).unwrap();
    jobs.put("wage-3", NUMBER, State::New);
    jobs.put("wage-4", NUMBER, State::Sent(emulator.now().into(), "wage-4-1".to_owned()));
    let mut later = worker::Postponed::new();
    worker::pass(&emulator.client(), &jobs.0, &stopped, &mut later).await.unwrap();
    assert!(matches!(jobs.state("wage-3"), State::Done(_)), "{:?}", jobs.state("wage-3"));
    let lookups = emulator.requests_of("disbursements_list").len();
    assert!(lookups > 0);

    // The next pass is too early for another lookup, but not for a new job.
    assert!(!later.is_empty());
    later.values_mut().for_each(|(next, _)| *next += std::time::Duration::from_secs(600));
    jobs.put("wage-5", NUMBER, State::New);
    worker::pass(&emulator.client(), &jobs.0, &stopped, &mut later).await.unwrap();
    assert!(matches!(jobs.state("wage-5"), State::Done(_)), "{:?}", jobs.state("wage-5"));
    assert_eq!(emulator.requests_of("disbursements_list").len(), lookups);
}

#[cfg(unix)]
#[tokio::test]
async fn worker_ends_with_the_job_at_hand() {
    let emulator = Emulator::start().await.unwrap();
    let jobs = Jobs::new("ended");
    for reference in ["wage-1", "wage-2"] {
        jobs.put(reference, NUMBER, State::New);
    }
    let delay = When::AfterCommit(Fault::Delay(Duration::from_secs(2)));
    emulator.fail_next("disbursements_create", delay);
    let mut worker = jobs.work(&emulator);
    until(async || payouts(&emulator).await == 1).await;
    let pid = worker.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert!(tokio::time::timeout(Duration::from_secs(20), worker.wait()).await.unwrap().unwrap().success());
    let states = ["wage-1", "wage-2"].map(|reference| jobs.state(reference));
    assert_eq!(states.iter().filter(|state| matches!(state, State::Done(_))).count(), 1, "{states:?}");
    assert_eq!(states.iter().filter(|state| **state == State::New).count(), 1, "{states:?}");
}

#[tokio::test]
async fn worker_sends_again_only_what_was_not_executed() {
    let emulator = Emulator::start().await.unwrap();
    let (jobs, (_stop, stopped)) = (Jobs::new("outcomes"), tokio::sync::watch::channel(false));
    // A job that failed is postponed, which no pass here waits for.
    let pass = async || {
        let mut later = worker::Postponed::new();
        worker::pass(&emulator.client(), &jobs.0, &stopped, &mut later).await.unwrap();
        !later.is_empty()
    };
    emulator.fail_next("disbursements_create", When::BeforeCommit(Fault::Status(422)));
    jobs.put("wage-1", NUMBER, State::New);
    for _ in 0..2 {
        assert!(!pass().await);
        assert!(matches!(jobs.state("wage-1"), State::Rejected(_)), "{:?}", jobs.state("wage-1"));
    }
    emulator.assert_requests("disbursements_create", 1);

    jobs.put("wage-1", NUMBER, State::New);
    for _ in 0..3 {
        emulator.fail_next("disbursements_create", When::BeforeCommit(Fault::Status(429)));
    }
    assert!(pass().await);
    assert_eq!(jobs.state("wage-1"), State::New);
    emulator.fail_next("disbursements_create", When::AfterCommit(Fault::Reset));
    assert!(pass().await);
    assert!(matches!(jobs.state("wage-1"), State::Sent(..)), "{:?}", jobs.state("wage-1"));
    assert!(!pass().await);
    assert!(matches!(jobs.state("wage-1"), State::Done(_)), "{:?}", jobs.state("wage-1"));
    assert_eq!(payouts(&emulator).await, 1);
}
