//! Configuration: what is rejected before anything is sent.

use std::{future::Future, pin::Pin};

use piaxis::{
    Client, ClientBuilder, Environment, Error, ErrorKind, JsonObject, PaymentMethod, RetryPolicy, TermEvidence,
    TermType,
    oauth::CodeExchange,
    types::{AuthorizeParams, OtpRequest, PaymentCreate},
};

use crate::support::{
    operations::{Own, rows, send},
    server::{Response, Server},
};

/// A response which proves that the request was sent.
fn sent() -> Response {
    Response::json(404, r#"{"detail":"sent"}"#)
}

async fn error_of<T>(request: impl IntoFuture<Output = Result<T, Error>>) -> Error {
    request.await.err().expect("a 404")
}

type Failure = (&'static str, Pin<Box<dyn Future<Output = Error>>>);

/// Every operation once, with `id` wherever an id goes.
fn every_request(client: &Client, id: &str) -> Vec<Failure> {
    let evidence = TermEvidence::Other { term_type: TermType::from("custom"), data: JsonObject::new() };
    let second_id = send(client.escrows().fulfill_term("escrow-1", id, evidence, None), Own::default());
    let requests = rows().into_iter().map(|row| (row.operation, (row.send)(client, id, Own::default())));
    let requests = requests.chain([("escrows_fulfill_term", second_id)]);
    requests.map(|(name, sent)| -> Failure { (name, Box::pin(async { sent.await.expect_err("a 404") })) }).collect()
}

fn authorize(redirect_uri: &str) -> AuthorizeParams {
    AuthorizeParams::builder().merchant_id("m-1").external_user_id("u-1").redirect_uri(redirect_uri).build()
}

fn exchange(redirect_uri: &str) -> CodeExchange {
    CodeExchange::builder().code("code-1").redirect_uri(redirect_uri).build()
}

fn custom(base_url: &str) -> ClientBuilder {
    Client::builder().environment(Environment::Custom(base_url.to_owned())).api_key("key-1")
}

#[test]
fn an_invalid_base_url_is_rejected_with_the_reason() {
    let cases = [
        ("http://api.example.com/api", "HTTPS"),
        ("http://localhost.evil.com/api", "HTTPS"),
        ("http://127.0.0.1.nip.io/api", "HTTPS"),
        ("http://0.0.0.0/api", "HTTPS"),
        ("http://[::2]/api", "HTTPS"),
        ("http://localhost@evil.com/api", "credentials"),
        ("http://localhost:80@evil.com/api", "credentials"),
        ("http://evil.com\\@localhost/api", "HTTPS"),
        ("http://evil.com#@localhost/api", "fragment"),
        ("http://evil.com?@localhost/api", "query"),
        ("https://user:word@api.example.com/api", "credentials"),
        ("https://user@api.example.com/api", "credentials"),
        ("https://api.example.com/api?key=1", "query"),
        ("https://api.example.com/api?", "query"),
        ("https://api.example.com/api#top", "fragment"),
        ("https://api.example.com", "no path"),
        ("https://api.example.com/", "no path"),
        ("https://api.example.com//", "no path"),
        ("https://api.gopiaxis.com", "no path"),
        ("https://api.gopiaxis.com/v2", "https://api.gopiaxis.com/api"),
        ("https://API.gopiaxis.com/api/v1", "https://api.gopiaxis.com/api"),
        ("https://api.gopiaxis.com:8443/api", "https://api.gopiaxis.com/api"),
        ("https://sandbox.api.gopiaxis.com/api/api", "https://sandbox.api.gopiaxis.com/api"),
        ("https://", "absolute"),
        ("https:///", "absolute"),
        ("/api", "absolute"),
        ("api.example.com/api", "absolute"),
        ("localhost:8000/api", "HTTPS"),
        ("ftp://api.example.com/api", "HTTPS"),
        ("file:///api", "HTTPS"),
        ("data:text/plain,api", "HTTPS"),
        ("", "absolute"),
        ("   ", "absolute"),
        ("not a url", "absolute"),
        ("https://[::1/api", "absolute"),
        ("https://exa mple.com/api", "absolute"),
    ];
    for (base_url, reason) in cases {
        let error = custom(base_url).build().expect_err(base_url);
        assert_eq!(error.kind(), ErrorKind::Configuration, "{base_url}");
        let message = error.message().unwrap();
        assert!(message.contains("base URL") && message.contains(reason), "{base_url}: {message}");
        assert!(!error.to_string().contains(char::is_control), "{base_url}");
    }
}

#[test]
fn a_base_url_is_used_without_its_trailing_slash() {
    let cases = [
        ("https://api.gopiaxis.com/api", "https://api.gopiaxis.com/api"),
        ("https://api.gopiaxis.com/api/", "https://api.gopiaxis.com/api"),
        ("https://API.GOPIAXIS.COM:443/api//", "https://api.gopiaxis.com/api"),
        ("https://sandbox.api.gopiaxis.com/api", "https://sandbox.api.gopiaxis.com/api"),
        ("https://gateway.example.com:8443/piaxis/v1/", "https://gateway.example.com:8443/piaxis/v1"),
        ("http://localhost:8000/api/", "http://localhost:8000/api"),
        ("http://LOCALHOST/api", "http://localhost/api"),
        ("http://127.0.0.1:8000/api", "http://127.0.0.1:8000/api"),
        ("http://[::1]:8000/api", "http://[::1]:8000/api"),
        ("http://[0:0:0:0:0:0:0:1]/api", "http://[::1]/api"),
    ];
    for (base_url, used) in cases {
        let client = custom(base_url).build().unwrap_or_else(|error| panic!("{base_url}: {error}"));
        let url = client.oauth().authorize_url(&authorize("https://shop.example.com/")).unwrap();
        assert!(url.starts_with(&format!("{used}/authorize?")), "{base_url}: {url}");
    }
}

#[tokio::test]
async fn a_trailing_slash_of_the_base_url_is_never_doubled() {
    let server = Server::start(sent()).await;
    for slashes in ["", "/", "//"] {
        let client = custom(&(server.base_url() + slashes)).client_id("client-1").client_secret("secret-1");
        for (name, request) in every_request(&client.build().unwrap(), "id-1") {
            request.await;
            let target = server.take().remove(0).target;
            assert!(target.starts_with("/api/") && !target.contains("//"), "{name}: {target}");
        }
    }
}

const NO_HEADER_VALUES: [(&str, &str); 9] = [
    ("newline", "a\nb"),
    ("newline at the end", "a\n"),
    ("carriage return", "a\r\nx: y"),
    ("NUL", "a\0b"),
    ("delete", "a\u{7f}b"),
    ("not ASCII", "clé"),
    ("not Latin", "钥匙"),
    ("empty", ""),
    ("blank", " \t "),
];

#[test]
fn a_credential_that_is_no_header_value_is_rejected_and_not_shown() {
    for (name, value) in NO_HEADER_VALUES {
        let value = if value.trim().is_empty() { value.to_owned() } else { format!("s3ntinel{value}") };
        let builder = || custom("https://api.example.com/api");
        let cases = [
            ("API key", builder().api_key(&*value)),
            ("access token", builder().access_token(&*value)),
            ("access token", builder().access_token(format!("Bearer {value}"))),
            ("client id", builder().client_id(&*value)),
            ("application", builder().app_info(&*value, "")),
            ("application", builder().app_info(format!("shop\n{value}"), "1")),
        ];
        for (what, builder) in cases {
            let error = builder.build().err().unwrap_or_else(|| panic!("{what}, {name}"));
            assert_eq!(error.kind(), ErrorKind::Configuration, "{what}, {name}");
            let printed = format!("{error} {error:?} {error:#?}");
            assert!(error.message().unwrap().contains(what), "{what}, {name}: {printed}");
            assert!(!printed.contains("s3ntinel"), "{what}, {name}: {printed}");
        }
    }
    let error = custom("https://api.example.com/api").client_secret("").build().unwrap_err();
    assert!(error.message().unwrap().contains("client secret"), "{error}");
}

#[tokio::test]
async fn a_request_option_that_is_no_header_value_is_rejected() {
    let server = Server::start(sent()).await;
    let payment = || PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build();
    let request = || server.client().payments().create(payment());
    let mut cases = Vec::new();
    for (name, value) in NO_HEADER_VALUES {
        cases.push((name, request().header("x-own", value)));
        cases.push((name, request().idempotency_key(value)));
        cases.push((name, request().request_id(value)));
        // The first invalid value is the error, also when valid ones follow.
        cases.push((name, request().request_id(value).request_id("good").idempotency_key("good")));
    }
    for name in ["", " ", "a b", "a:b", "a\r\nb", "é"] {
        cases.push((name, request().header(name, "value")));
    }
    for name in [
        "api-key",
        "API-Key",
        "Authorization",
        "authorization",
        "X-PIAXIS-CLIENT-ID",
        "Content-Length",
        "content-type",
        "Host",
        "Transfer-Encoding",
        "Connection",
        "Accept-Encoding",
        "content-encoding",
        "Expect",
        "TE",
        "trailer",
        "Upgrade",
        "Proxy-Authorization",
    ] {
        cases.push((name, request().header(name, "value")));
    }
    for (name, request) in cases {
        let error = request.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{name:?}: {error}");
        assert!(error.to_string().contains("not sent"), "{name:?}: {error}");
    }
    let error = server.client().payments().get("pay-1").idempotency_key("key").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "a read takes no idempotency key");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn headers_of_a_request_are_sent_unchanged() {
    let server = Server::start(sent()).await;
    let request = server.builder().api_key("key-1").app_info("shop", "1.2").build().unwrap().payments();
    let payment = PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build();
    request.create(payment).header("X-Own", "a, b").idempotency_key("order-1").request_id("trace-1").await.unwrap_err();
    let received = server.take().remove(0);
    for (name, value) in [
        ("x-own", "a, b"),
        ("x-idempotency-key", "order-1"),
        ("x-request-id", "trace-1"),
        ("x-piaxis-sdk-client", "shop/1.2"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(received.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn an_id_that_would_change_the_route_is_rejected() {
    let server = Server::start(sent()).await;
    let client = server.client();
    for id in ["", ".", "..", "..\\..\\token", "a\\..\\b", "\\", "a\\b", "\\\\evil.com\\"] {
        for (name, request) in every_request(&client, id) {
            let error = request.await;
            let takes_id =
                piaxis::OPERATIONS.iter().any(|operation| operation.id == name && operation.path.contains('{'));
            let received = server.take().len();
            assert_eq!(error.operation(), Some(name), "{id:?}");
            if takes_id {
                assert_eq!((error.kind(), received), (ErrorKind::InvalidRequest, 0), "{name} {id:?}: {error}");
            } else {
                assert_eq!((error.kind(), received), (ErrorKind::NotFound, 1), "{name} {id:?}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn the_raw_client_cannot_leave_its_route_either() {
    let server = Server::start(sent()).await;
    for id in ["", ".", "..", "..\\..\\token", "../../token", "a\\b", "%2e%2e", "a/../..", "x?y", "x#y"] {
        let owned = id.to_owned();
        let error = server.client().raw().payments_get(&owned).await.expect_err("never found");
        match server.take().as_slice() {
            [] => assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{id:?}"),
            [received] => {
                let path = received.target.strip_prefix("/api/payments/").unwrap_or_else(|| panic!("{received:?}"));
                assert!(!path.contains(['/', '?', '#', '\\']), "{id:?}: {path}");
            }
            more => panic!("{id:?}: {more:?}"),
        }
    }
}

#[tokio::test]
async fn other_invalid_arguments_are_rejected_before_anything_is_sent() {
    let server = Server::start(sent()).await;
    let client = server.client();
    let payment = PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn);
    let twice = client.payments().create_with_mfa_code_in_query(payment.mfa_code("123456").build(), "123456");
    let mut errors = vec![
        ("two codes", error_of(twice).await),
        ("no address", error_of(client.otp().request(OtpRequest::builder().build())).await),
    ];
    let wrong = [
        "http://shop.example.com/callback",
        "http://localhost.evil.com/callback",
        "https://shop.example.com/callback#part",
        "/callback",
        "myapp://callback",
        "",
    ];
    for redirect_uri in wrong {
        errors.push((redirect_uri, client.oauth().authorize_url(&authorize(redirect_uri)).unwrap_err()));
        errors.push((redirect_uri, error_of(client.oauth().authorize_test(authorize(redirect_uri))).await));
        errors.push((redirect_uri, error_of(client.oauth().exchange_code(exchange(redirect_uri))).await));
    }
    for (about, error) in errors {
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{about}: {error}");
        assert!(error.operation().is_some(), "{about}: {error}");
    }
    assert_eq!(server.connections(), 0);
    for redirect_uri in ["https://shop.example.com/callback?a=b", "http://localhost:3000/", "http://[::1]/callback"] {
        client.oauth().authorize_url(&authorize(redirect_uri)).unwrap();
    }
}

#[tokio::test]
async fn redirects_and_retries_of_the_http_client_stay_off() {
    let target = Server::start(sent()).await;
    let server =
        Server::start(Response::new(307, &[("location", &format!("{}/payments/x", target.base_url()))], "")).await;
    let configured = server.builder().api_key("key-1").configure_http(|_| {
        reqwest::Client::builder()
            .user_agent("own/1")
            .redirect(reqwest::redirect::Policy::limited(5))
            .referer(true)
            .retry(reqwest::retry::for_host("127.0.0.1").classify_fn(|attempt| attempt.retryable()))
    });
    let client = configured.retry_policy(RetryPolicy::none()).build().unwrap();
    let error = error_of(client.payments().get("pay-1")).await;
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::UnexpectedStatus, 307));
    let received = server.take();
    assert_eq!((received.len(), target.take().len()), (1, 0));
    assert_eq!(received[0].header("accept-encoding"), None);
}

#[tokio::test]
async fn bearer_is_written_once_before_the_token() {
    let server = Server::start(sent()).await;
    for token in ["token-1", "Bearer token-1", "bearer token-1", "BEARER token-1"] {
        let client = server.builder().access_token(token).build().unwrap();
        error_of(client.escrows().get("escrow-1")).await;
        assert_eq!(server.take()[0].header("authorization"), Some("Bearer token-1"), "{token}");
    }
}
