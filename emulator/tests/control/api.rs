//! The control API: its document, its effects, and the requests that it rejects.

use std::time::Duration;

use http::Method;
use piaxis::{EscrowStatus, PaymentStatus, types::OtpRequest};
use piaxis_emulator::{DeliveryStatus, PENDING_PHONE_NUMBER, Resolution};
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::{
    receiver::Receiver,
    scene,
    tested::{Tested, builder, start, started},
};

struct Control<'a> {
    emulator: &'a Tested,
    document: Value,
}

impl<'a> Control<'a> {
    async fn new(emulator: &'a Tested) -> Self {
        let url = format!("{}_emulator/openapi.json", emulator.page_url());
        let document = reqwest::get(url).await.unwrap().json().await.unwrap();
        Self { emulator, document }
    }

    /// The URL of an operation with these path parameters, in their order, and its method.
    fn url(&self, id: &str, parameters: &[&str]) -> (Method, String, Value) {
        for (path, methods) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if operation["operationId"] == id {
                    let mut values = parameters.iter();
                    let parts = path.trim_start_matches('/').split('/');
                    let parts = parts.map(|part| if part.starts_with('{') { *values.next().unwrap() } else { part });
                    let path = parts.collect::<Vec<_>>().join("/");
                    let url = format!("{}{path}", self.emulator.page_url());
                    return (method.to_uppercase().parse().unwrap(), url, operation.clone());
                }
            }
        }
        panic!("no operation {id}");
    }

    /// Sends a request, and returns the status and the body, which fits the document.
    async fn send(&self, id: &str, parameters: &[&str], body: Option<Value>) -> (u16, Value) {
        let (method, url, operation) = self.url(id, parameters);
        let mut request = reqwest::Client::new().request(method, url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let (status, body) = (response.status().as_u16(), response.json::<Value>().await.unwrap());
        let documented =
            if status == 200 { &operation["responses"]["200"] } else { &operation["responses"]["default"] };
        let schema = &documented["content"]["application/json"]["schema"];
        let schema = json!({ "allOf": [schema], "components": self.document["components"] });
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let misfits: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(misfits.is_empty(), "{id} {status}: {misfits:?}: {body}");
        (status, body)
    }

    async fn ok(&self, id: &str, parameters: &[&str], body: Option<Value>) -> Value {
        let (status, body) = self.send(id, parameters, body).await;
        assert_eq!(status, 200, "{id}: {body}");
        body
    }
}

#[tokio::test]
async fn every_documented_operation_responds_as_documented() {
    let emulator = start().await;
    let control = Control::new(&emulator).await;
    assert_eq!(control.document["openapi"], "3.1.0");
    let merchant = emulator.default_merchant().id();
    let mut operations = 0;
    for (path, methods) in control.document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            let id = operation["operationId"].as_str().unwrap();
            // The merchant exists, and the other objects do not.
            let names = path.split('/').filter(|part| part.starts_with('{'));
            let values: Vec<&str> =
                names.map(|name| if name == "{merchant_id}" { merchant.as_str() } else { "id-1" }).collect();
            let is_missing = values.contains(&"id-1") || id == "trigger";
            let (status, body) = control.send(id, &values, sample(operation)).await;
            assert_eq!(status, if is_missing { 404 } else { 200 }, "{method} {path}: {body}");
            assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{id}");
            if method == "post" {
                let (status, body) = control.send(id, &values, Some(json!({ "unknown": 1 }))).await;
                assert_eq!(status, 422, "{method} {path}: {body}");
            }
        }
    }
    assert!(operations > 20, "{operations}");
    assert_eq!(emulator.requests().len(), 0, "requests of the control API are recorded");
}

fn sample(operation: &Value) -> Option<Value> {
    Some(match operation["operationId"].as_str().unwrap() {
        "advance_clock" => json!({ "seconds": 1.5 }),
        "add_merchant" => json!({ "name": "other" }),
        "resolve_dispute" => json!({ "resolution": "dismiss" }),
        "fail_next" => json!({ "operation": "payments_create", "fault": "reset" }),
        "fail_randomly" => json!({ "share": 0.0 }),
        "set_webhook" => json!({ "url": null, "secret": "it is" }),
        "trigger" => json!({ "event": "payment.succeeded", "object_id": "id-1" }),
        _ => return None,
    })
}

#[tokio::test]
async fn payments_and_disbursements_settle_at_once() {
    let emulator = started(builder().settle_after(Duration::from_secs(3600))).await;
    let control = Control::new(&emulator).await;
    let client = emulator.client();
    let status = async |id: &str| client.payments().get(id).await.unwrap().status;
    let [one, two] =
        [scene::pay(&emulator, PENDING_PHONE_NUMBER, 700).await, scene::pay(&emulator, scene::BUYER, 300).await];
    control.ok("settle_payment", &[&one], None).await;
    control.ok("fail_payment", &[&two], Some(json!({}))).await;
    assert_eq!((status(&one).await, status(&two).await), (PaymentStatus::Completed, PaymentStatus::Failed));
    let (code, body) = control.send("settle_payment", &[&one], None).await;
    assert_eq!((code, &body["detail"]), (400, &json!("The payment is settled")));
    let batch = scene::disburse(&emulator, &[scene::BUYER, PENDING_PHONE_NUMBER]).await;
    control.ok("finish_disbursement", &[&batch], None).await;
    assert_eq!(client.disbursements().get(&batch).await.unwrap().status.as_str(), "completed");
    assert_eq!(control.send("finish_disbursement", &[&batch], None).await.0, 400);
    emulator.check_balances();

    // The same as methods.
    let three = scene::pay(&emulator, scene::BUYER, 100).await;
    assert!(emulator.settle_payment(&three) && !emulator.fail_payment(&three) && !emulator.settle_payment("id-1"));
    let batch = scene::disburse(&emulator, &[scene::BUYER]).await;
    assert!(emulator.finish_disbursement(&batch) && !emulator.finish_disbursement(&batch));
}

#[tokio::test]
async fn escrows_are_released_their_terms_met_and_disputes_resolved() {
    let emulator = start().await;
    let control = Control::new(&emulator).await;
    let client = emulator.client();
    let status = async |id: &str| client.escrows().get(id).await.unwrap().status.unwrap();
    let (first, terms) = scene::escrow(&emulator, &["proof", "custom"]).await;
    control.ok("fulfill_term", &[&first, &terms[0]], None).await;
    assert_eq!(status(&first).await, EscrowStatus::Pending);
    assert_eq!(control.send("fulfill_term", &[&first, &terms[0]], None).await.0, 400);
    assert_eq!(control.send("fulfill_term", &[&first, "id-1"], None).await.0, 404);
    control.ok("fulfill_term", &[&first, &terms[1]], None).await;
    assert_eq!(status(&first).await, EscrowStatus::Released);
    let (second, _) = scene::escrow(&emulator, &["proof"]).await;
    control.ok("release_escrow", &[&second], None).await;
    assert_eq!(status(&second).await, EscrowStatus::Released);
    let (third, _) = scene::escrow(&emulator, &["proof"]).await;
    scene::dispute(&emulator, &third).await;
    assert_eq!(control.send("release_escrow", &[&third], None).await.0, 400);
    control.ok("resolve_dispute", &[&third], Some(json!({ "resolution": "reverse" }))).await;
    assert_eq!(status(&third).await, EscrowStatus::Reversed);
    emulator.check_balances();

    let (fourth, terms) = scene::escrow(&emulator, &["proof", "custom"]).await;
    assert!(emulator.fulfill_term(&fourth, &terms[1]) && !emulator.resolve_dispute(&fourth, Resolution::Release));
    assert!(emulator.release_escrow(&fourth) && !emulator.release_escrow(&fourth));
}

#[tokio::test]
async fn clock_merchants_ledger_requests_and_otps_are_read() {
    let emulator = start().await;
    let control = Control::new(&emulator).await;
    let before = emulator.now();
    let clock = control.ok("advance_clock", &[], Some(json!({ "seconds": 90 }))).await;
    assert_eq!((emulator.now() - before).num_seconds(), 90);
    assert_eq!((&clock["is_manual"], &clock["now"]), (&json!(true), &json!("2026-11-27T08:01:30Z")));
    let most = json!({ "seconds": 3_155_760_000_u64 });
    let mut last = 200;
    for _ in 0..90 {
        last = control.send("advance_clock", &[], Some(most.clone())).await.0;
    }
    assert_eq!(last, 400, "the clock is beyond what timestamps can be");

    let added = control.ok("add_merchant", &[], Some(json!({ "name": "shop" }))).await;
    assert_eq!(control.ok("add_merchant", &[], Some(json!({ "name": "shop" }))).await, added);
    assert_eq!(control.send("add_merchant", &[], Some(json!({ "name": "no\nheader" }))).await.0, 422);
    assert_eq!(emulator.merchants().len(), 2);
    let shop = emulator.merchant("shop");
    assert_eq!(added["api_key"], shop.api_key().expose());
    assert_eq!(control.ok("merchant", &[&shop.id()], None).await, added);
    let balances = control.ok("balances", &[], None).await;
    let expected =
        json!({ "account": { "type": "merchant", "id": shop.id() }, "currency": "UGX", "amount": "10000000.00" });
    assert!(balances.as_array().unwrap().contains(&expected), "{balances}");
    let ledger = control.ok("ledger", &[], None).await;
    assert_eq!((&ledger["total"], &ledger["results"][1]["to"]), (&json!(2), &expected["account"]));

    emulator.client().otp().request(OtpRequest::builder().phone_number("+256700000001").build()).await.unwrap();
    let otp = control.ok("otp", &["%2B256700000001"], None).await;
    assert_eq!(otp["otp"], emulator.sent_otp("+256700000001").unwrap().expose());
    let requests = control.ok("requests", &[], None).await;
    assert_eq!((&requests["total"], &requests["results"][0]["operation"]), (&json!(1), &json!("otp_request")));
    assert_eq!(requests["results"][0]["body"], "{\"phone_number\":\"+256700000001\"}");
    control.ok("clear_requests", &[], None).await;
    assert_eq!(control.ok("state", &[], None).await["counts"]["requests"], 0);
}

#[tokio::test]
async fn faults_are_set_and_cleared() {
    let emulator = start().await;
    let control = Control::new(&emulator).await;
    let fault = json!({ "operation": "payments_list", "fault": "status", "status": 503, "when": "after_commit" });
    control.ok("fail_next", &[], Some(fault.clone())).await;
    let list = async || {
        let filter = piaxis::types::PaymentFilter::builder().build();
        let list = emulator.client().payments().list(filter).retry_policy(piaxis::RetryPolicy::none()).await;
        list.map_or_else(|error| error.status().unwrap().as_u16(), |_| 200)
    };
    assert_eq!((list().await, list().await), (503, 200));
    control.ok("fail_next", &[], Some(fault)).await;
    control.ok("clear_faults", &[], None).await;
    assert_eq!(list().await, 200);
    let (status, body) = control.send("fail_next", &[], Some(json!({ "operation": "none", "fault": "reset" }))).await;
    assert_eq!((status, body["detail"].as_str().unwrap()), (400, "The contract has no operation `none`"));
}

#[tokio::test]
async fn webhooks_are_held_released_triggered_and_resent() {
    let receiver = Receiver::start().await;
    let emulator = start().await;
    let control = Control::new(&emulator).await;
    let merchant = emulator.default_merchant();
    let id = merchant.id();
    let set = control.ok("set_webhook", &[&id], Some(json!({ "url": receiver.url, "secret": "it is" }))).await;
    assert_eq!((&set["webhook_url"], &set["webhook_secret"]), (&json!(receiver.url), &json!("it is")));
    assert_eq!(control.send("set_webhook", &[&id], Some(json!({ "url": "nowhere" }))).await.0, 400);
    control.ok("hold_webhooks", &[&id], None).await;
    let payment = scene::pay(&emulator, scene::BUYER, 500).await;
    emulator.settle();
    emulator.webhooks_idle().await;
    assert_eq!(receiver.received().len(), 0);
    control.ok("release_webhooks", &[&id], None).await;
    receiver.wait_for(1).await;
    emulator.webhooks_idle().await;
    control.ok("trigger", &[&id], Some(json!({ "event": "payment.failed", "object_id": payment }))).await;
    receiver.wait_for(2).await;
    emulator.webhooks_idle().await;
    let deliveries = control.ok("deliveries", &[&id], None).await;
    assert_eq!((&deliveries[1]["event"], &deliveries[1]["status"]), (&json!("payment.failed"), &json!("delivered")));
    control.ok("resend", &[deliveries[0]["delivery_id"].as_str().unwrap()], None).await;
    receiver.wait_for(3).await;
    emulator.webhooks_idle().await;
    assert_eq!(receiver.received()[2].body, receiver.received()[0].body);
    assert_eq!(merchant.deliveries()[2].status, DeliveryStatus::Delivered);
    let removed = control.ok("set_webhook", &[&id], Some(json!({ "url": "" }))).await;
    assert_eq!((&removed["webhook_url"], &removed["webhook_secret"]), (&Value::Null, &json!("it is")));
}

#[tokio::test]
async fn requests_of_other_sites_are_rejected() {
    let emulator = start().await;
    let origin = emulator.page_url().trim_end_matches('/').to_owned();
    let port = origin.rsplit(':').next().unwrap();
    let send = async |method: Method, path: &str, headers: &[(&str, &str)]| -> Response {
        let mut request = reqwest::Client::new().request(method, format!("{origin}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body("{\"seconds\":1}").send().await.unwrap()
    };
    let (get, post) = (Method::GET, Method::POST);
    let before = emulator.now();
    for path in ["/", "/_emulator/merchants", "/_emulator/openapi.json", "/_emulator/nothing"] {
        let response = send(get.clone(), path, &[("host", "evil.example")]).await;
        assert_eq!(response.status(), 403, "{path}");
    }
    let advance = "/_emulator/clock/advance";
    let local = format!("localhost:{port}");
    for headers in [
        [("host", "evil.example"), ("accept", "*/*")],
        [("origin", "http://evil.example"), ("accept", "*/*")],
        [("origin", "null"), ("accept", "*/*")],
        [("origin", "http://127.0.0.1:1"), ("accept", "*/*")],
        [("host", &*local), ("origin", &*origin)],
        [("sec-fetch-site", "cross-site"), ("accept", "*/*")],
        [("sec-fetch-site", "same-site"), ("origin", &*origin)],
    ] {
        assert_eq!(send(post.clone(), advance, &headers).await.status(), 403, "{headers:?}");
    }
    assert_eq!(emulator.now(), before);
    for headers in [
        [("origin", &*origin), ("sec-fetch-site", "same-origin")],
        [("host", &*local), ("accept", "*/*")],
        [("sec-fetch-site", "none"), ("accept", "*/*")],
    ] {
        assert_eq!(send(post.clone(), advance, &headers).await.status(), 200, "{headers:?}");
    }
    let response = send(get, "/_emulator/merchants", &[]).await;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(response.headers()[name], value);
    }
    assert!(!response.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn unknown_paths_methods_and_bodies_are_rejected() {
    let emulator = start().await;
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", emulator.page_url());
    for (method, path, body, status) in [
        (Method::GET, "_emulator", "", 404),
        (Method::GET, "_emulator/", "", 404),
        (Method::GET, "_emulator/nothing", "", 404),
        (Method::GET, "_emulator/clock/advance", "", 405),
        (Method::POST, "", "", 405),
        (Method::GET, "_emulator/ledger?limit=x", "", 422),
        (Method::GET, "_emulator/ledger?limit=0", "", 422),
        (Method::GET, "_emulator/ledger?unknown=1", "", 422),
        (Method::POST, "_emulator/clock/advance", "{", 422),
        (Method::POST, "_emulator/clock/advance", "[]", 422),
        (Method::POST, "_emulator/clock/advance", "{\"seconds\":-1}", 422),
        (Method::POST, "_emulator/clock/advance", "{\"seconds\":1e300}", 422),
        (Method::POST, "_emulator/payments/%FF/settle", "", 404),
    ] {
        let response = client.request(method.clone(), url(path)).body(body).send().await.unwrap();
        assert_eq!(response.status(), status, "{method} {path} {body}");
    }
    let too_large = client.post(url("_emulator/clock/advance")).body(vec![b' '; 2 * 1024 * 1024]).send().await;
    assert!(too_large.is_err() || too_large.unwrap().status() == 413);
}
