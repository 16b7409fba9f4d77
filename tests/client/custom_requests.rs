//! Requests to paths that the contract does not know.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::Method;
use piaxis::{
    Credentials, ErrorKind, OPERATIONS, Outcome, RequestOptions, RetryPolicy, Secret, TokenFuture, TokenSource,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::server::{Response, Server};

#[derive(Debug, Deserialize, PartialEq)]
struct Transaction {
    id: String,
    amount: piaxis::Amount,
}

async fn server() -> Server {
    Server::start(Response::json(201, r#"{"id":"t-1","amount":15000.10}"#)).await
}

#[tokio::test]
async fn a_custom_request_is_sent_like_any_other() {
    let server = server().await;
    let body = json!({ "amount": "15000", "currency": "UGX" });
    let options = RequestOptions::new().header("x-tenant", "north").request_id("trace-1");
    let request = server.client().request(Method::POST, "/transactions").json(&body).options(options);
    let transaction: Transaction = request.idempotency_key("order-1").await.unwrap();
    assert_eq!(transaction, Transaction { id: "t-1".into(), amount: "15000.10".parse().unwrap() });

    let received = server.take().remove(0);
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/api/transactions"));
    assert_eq!(serde_json::from_slice::<Value>(&received.body).unwrap(), body);
    for (name, value) in [
        ("api-key", "key-1"),
        ("x-piaxis-client-id", "client-1"),
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("x-idempotency-key", "order-1"),
        ("x-request-id", "trace-1"),
        ("x-tenant", "north"),
    ] {
        assert_eq!(received.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn all_credentials_of_the_client_are_sent_and_at_least_one_is_required() {
    let server = server().await;
    let client = server.client();
    let send = |credentials: Credentials| {
        let client = client.with_credentials(credentials);
        async move { client.request::<Value>(Method::GET, "/transactions").await }
    };
    for (key, id, token) in [(1, 0, 0), (1, 1, 0), (0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1), (0, 1, 0)] {
        let mut credentials = Credentials::new();
        credentials = if key == 1 { credentials.api_key("key-1") } else { credentials };
        credentials = if id == 1 { credentials.client_id("client-1") } else { credentials };
        credentials = if token == 1 { credentials.access_token("token-1") } else { credentials };
        send(credentials).await.unwrap();
        let received = server.take().remove(0);
        let expected = [
            ("api-key", key, "key-1"),
            ("x-piaxis-client-id", id, "client-1"),
            ("authorization", token, "Bearer token-1"),
        ];
        for (name, is_set, value) in expected {
            assert_eq!(received.header(name), (is_set == 1).then_some(value), "{name}");
        }
    }
    let error = send(Credentials::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(server.take().is_empty());
}

#[tokio::test]
async fn the_query_is_encoded_and_paths_are_sent_as_they_are_written() {
    let server = server().await;
    let client = server.client();
    let query = [("phone", "+256 7&1"), ("limit", "5")];
    let _: Value = client
        .request(Method::GET, "/reports/2026-11/Ugandan shops%2F1/")
        .query(&query)
        .query(&[("x", 1)])
        .await
        .unwrap();
    let target = "/api/reports/2026-11/Ugandan%20shops%2F1/?phone=%2B256+7%261&limit=5&x=1";
    assert_eq!(server.take()[0].target, target);
}

#[tokio::test]
async fn a_request_never_leaves_the_base_url() {
    let server = server().await;
    let paths = [
        "",
        "/",
        "transactions",
        "//evil.example",
        "/a//b",
        "/a/../../token",
        "/..",
        "/.",
        "/a/%2e%2E/b",
        "/a/.%2e",
        "/a\\b",
        "\\\\evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "http://127.0.0.1:1/",
        "@evil.example",
        "/a?b=1",
        "/a#b",
        "/a\nb",
        "/a\r\nx: y",
        "/\t/evil.example",
        "\t//evil.example",
        "/a/..\t/b",
        "/a//",
    ];
    for path in paths {
        let error = server.client().request::<Value>(Method::POST, path).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidRequest, Outcome::NotSent), "{path:?}");
        assert_eq!(error.field_errors()[0].path(), "path", "{path:?}");
    }
    let error = server.client().request::<Value>(Method::TRACE, "/transactions").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(server.take().is_empty());
    // Each of these is a path below the base URL, although it looks like another.
    for path in ["/@evil.example", "/:80", "/a:b@c", "/...", "/a/", "/%2F%2Fevil.example", "/;a=..", "/é"] {
        let _: Value = server.client().request(Method::GET, path).await.unwrap();
        assert!(server.take()[0].target.starts_with("/api/"), "{path}");
    }
}

#[tokio::test]
async fn a_write_is_sent_once_whatever_the_options_say_and_a_read_is_retried() {
    let eager = RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO).retry_writes_with_idempotency_key();
    for response in [Response::json(429, "{}"), Response::json(503, "{}"), Response::Close, Response::CloseUnread] {
        let server = Server::start(response.clone()).await;
        let client = server.builder().api_key("key-1").retry_policy(eager.clone()).build().unwrap();
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let before = server.connections();
            let options = RequestOptions::new().retry_policy(eager.clone());
            let request = client.request::<Value>(method.clone(), "/transactions").json(&json!({})).options(options);
            let error = request.await.unwrap_err();
            assert_eq!(error.attempts(), 1, "{method} {response:?}");
            assert_eq!(server.connections() - before, 1, "{method} {response:?}");
            assert!(error.idempotency_key().is_some(), "{method}");
            assert_ne!(error.outcome(), Outcome::ReadFailed, "{method}");
        }
        let before = server.connections();
        let error = client.request::<Value>(Method::GET, "/transactions").await.unwrap_err();
        assert_eq!((error.attempts(), error.outcome()), (3, Outcome::ReadFailed), "{response:?}");
        assert_eq!(server.connections() - before, 3, "{response:?}");
    }
}

#[tokio::test]
async fn a_rejected_token_is_renewed_for_a_read_and_not_for_a_write() {
    let server = Server::start(Response::json(401, r#"{"detail":"Invalid token"}"#)).await;
    let credentials = Credentials::new().token_source(Counting(AtomicU32::new(0)));
    let client = server.client().with_credentials(credentials);
    client.request::<Value>(Method::POST, "/transactions").await.unwrap_err();
    assert_eq!(server.take().len(), 1);
    client.request::<Value>(Method::GET, "/transactions").await.unwrap_err();
    assert_eq!(server.take().len(), 2);
}

struct Counting(AtomicU32);

impl TokenSource for Counting {
    fn token<'a>(&'a self, _: Option<&'a Secret>) -> TokenFuture<'a> {
        let token = format!("token-{}", self.0.fetch_add(1, Ordering::Relaxed));
        Box::pin(async move { Ok(token.into()) })
    }
}

#[tokio::test]
async fn an_operation_of_the_contract_keeps_its_own_rules() {
    let server = server().await;
    let client = server.client();
    let tokens: Result<Value, _> = client.request(Method::POST, "/token").json(&json!({})).await;
    tokens.unwrap();
    assert_eq!(server.take()[0].header("api-key"), None);
    for operation in OPERATIONS.iter().filter(|operation| operation.id != "oauth_token") {
        let path = operation.path.split('/').map(|part| if part.starts_with('{') { "id-1" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        let method: Method = operation.method.parse().unwrap();
        let error = client.request::<u8>(method, &path).await.unwrap_err();
        assert_eq!(error.operation(), Some(operation.id), "{path}");
        server.take();
    }
}

#[tokio::test]
async fn an_error_says_what_failed_and_shows_no_value() {
    let server =
        Server::start(Response::json(502, r#"{"detail":"Akello of plot 20451007 is unknown to north"}"#)).await;
    let client = server.client();
    let body = json!({ "name": "Akello", "plot": 20_451_007 });
    let request = client
        .request::<Value>(Method::PUT, "/customers/+256771234567/plots")
        .json(&body)
        .query(&[("tenant", "north")]);
    let error = request.idempotency_key("order-1").await.unwrap_err();
    let shown = format!("{error} {error:?}");
    for hidden in ["Akello", "20451007", "256771234567", "north"] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
    let line = error.to_string();
    assert!(line.starts_with("custom_put /customers/*/plots: 502 Bad Gateway: "), "{line}");
    assert!(line.ends_with("before retrying with idempotency key order-1"), "{line}");
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
enum Colour {
    Red,
}

#[tokio::test]
async fn a_response_that_fails_to_decode_is_an_error_without_values() {
    let server = server().await;
    let client = server.client();
    let error = client.request::<Vec<Transaction>>(Method::POST, "/transactions").await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Decode, Outcome::Unknown));
    assert!(error.message().unwrap().contains("expected a sequence"), "{error}");

    server.set(Response::json(200, r#"{"+256771234567":{"colours":["sentinel"]}}"#));
    type Colours = std::collections::BTreeMap<String, std::collections::BTreeMap<String, Vec<Colour>>>;
    let error = client.request::<Colours>(Method::GET, "/colours").await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("sentinel") && !shown.contains("256771234567"), "{shown}");
    assert!(shown.contains("`*.colours[0]`"), "{shown}");
}

#[tokio::test]
async fn a_wrong_byte_in_an_ignored_field_loses_no_value() {
    let body = b"{\"id\":\"t-1\",\"amount\":1,\"note\":\"\xe9\"}";
    let server = Server::start(Response::new(201, &[("content-type", "application/json")], body)).await;
    let transaction: Transaction = server.client().request(Method::POST, "/transactions").await.unwrap();
    assert_eq!(transaction.id, "t-1");
}

#[tokio::test]
async fn an_empty_body_is_unit_or_none_and_an_error_in_a_2xx_is_an_error() {
    let server = Server::start(Response::new(204, &[], "")).await;
    let client = server.client();
    let () = client.request(Method::DELETE, "/transactions/1").await.unwrap();
    let none: Option<Transaction> = client.request(Method::GET, "/transactions/1").await.unwrap();
    assert_eq!(none, None);
    for body in [r#"{"detail":"no"}"#, r#"{"error":"no","error_description":null}"#, r#"{"message":"no","code":"X"}"#] {
        server.set(Response::json(200, body));
        let error = client.request::<Value>(Method::POST, "/transactions").await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::ErrorInSuccess, Outcome::Unknown), "{body}");
    }
    server.set(Response::json(200, r#"{"detail":"fine","id":"t-1"}"#));
    let value: Value = client.request(Method::POST, "/transactions").await.unwrap();
    assert_eq!(value["id"], "t-1");
}

#[tokio::test]
async fn a_custom_request_has_hooks_limits_and_the_response() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server = server().await;
    let shared = seen.clone();
    let client = server.builder().api_key("key-1").body_limit(64).on_attempt(move |attempt| {
        shared.lock().unwrap().push((attempt.operation.to_owned(), attempt.path.to_owned(), attempt.status));
    });
    let client = client.build().unwrap();
    let response =
        client.request::<Transaction>(Method::POST, "/transactions/256771234567").send_with_response().await.unwrap();
    assert_eq!((response.status().as_u16(), response.attempts(), response.id.as_str()), (201, 1, "t-1"));
    assert_eq!(*seen.lock().unwrap(), [("custom_post".to_owned(), "/{+path}".to_owned(), Some(201))]);
    server.set(Response::json(200, format!("{:?}", "x".repeat(100))));
    let error = client.request::<String>(Method::GET, "/transactions").await.unwrap_err();
    assert!(error.message().unwrap().contains("longer than 64 bytes"), "{error}");
    server.set(Response::new(307, &[("location", "https://evil.example/")], ""));
    let error = client.request::<String>(Method::GET, "/transactions").await.unwrap_err();
    assert_eq!(error.status().unwrap(), 307);
    let request = client.request::<String>(Method::GET, "/transactions");
    fn is_send<T: Send>(_: &T) {}
    is_send(&request.into_future());
}
