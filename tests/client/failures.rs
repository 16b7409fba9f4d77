//! Failures: the error of every shape of rejection, every status, and every way in which a connection can fail.

use std::time::Duration;

use piaxis::{
    Amount, Client, Environment, Error, ErrorKind, PaymentMethod,
    oauth::TokenRefresh,
    types::{PaymentCreate, PaymentFilter},
};

use crate::support::server::{Response, Server, nowhere};

/// One operation of each class: its responses are decoded and its errors named in the same way everywhere.
#[derive(Debug, Clone, Copy)]
enum Class {
    Read,
    Write,
    MerchantList,
    Token,
}

const CLASSES: [Class; 4] = [Class::Read, Class::Write, Class::MerchantList, Class::Token];

impl Class {
    fn operation(self) -> &'static str {
        match self {
            Self::Read => "payments_get",
            Self::Write => "payments_create",
            Self::MerchantList => "payments_list",
            Self::Token => "oauth_token",
        }
    }

    /// A body that is a success of this operation.
    fn success(self) -> &'static str {
        match self {
            Self::Read => r#"{"id":"pay-1","status":"completed","amount":"15,000.00","currency":"UGX"}"#,
            Self::Write => r#"{"payment_id":"pay-1"}"#,
            Self::MerchantList => r#"{"results":[{"payment_id":"pay-1","amount":15000}]}"#,
            Self::Token => r#"{"access_token":"access-1"}"#,
        }
    }

    async fn send(self, client: &Client) -> Result<(), Error> {
        match self {
            Self::Read => client.payments().get("pay-1").await.map(drop),
            Self::Write => client.payments().create(payment()).await.map(drop),
            Self::MerchantList => client.payments().list(PaymentFilter::builder().build()).await.map(drop),
            Self::Token => {
                client.oauth().refresh_token(TokenRefresh::builder().refresh_token("refresh-1").build()).await.map(drop)
            }
        }
    }

    async fn fail(self, client: &Client) -> Error {
        // Only so that a timeout that does not work is a failure and not a hang.
        let result = tokio::time::timeout(Duration::from_secs(20), self.send(client)).await;
        result.expect("the request stays pending").expect_err("the request succeeded")
    }
}

fn payment() -> PaymentCreate {
    PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

const STATUSES: [(u16, ErrorKind); 18] = [
    (400, ErrorKind::Validation),
    (401, ErrorKind::Authentication),
    (403, ErrorKind::Permission),
    (404, ErrorKind::NotFound),
    (405, ErrorKind::Rejected),
    (408, ErrorKind::Rejected),
    (409, ErrorKind::Conflict),
    (410, ErrorKind::NotFound),
    (413, ErrorKind::Rejected),
    (418, ErrorKind::Rejected),
    (422, ErrorKind::Validation),
    (429, ErrorKind::RateLimited),
    (500, ErrorKind::Server),
    (501, ErrorKind::Server),
    (502, ErrorKind::Server),
    (503, ErrorKind::Server),
    (504, ErrorKind::Server),
    (599, ErrorKind::Server),
];

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

/// Location, path, message, code.
type Field = (Option<&'static str>, &'static str, &'static str, Option<&'static str>);

/// The body of a rejection, and what the error has of it.
#[derive(Default)]
struct Shape {
    name: &'static str,
    content_type: &'static str,
    body: Vec<u8>,
    code: Option<&'static str>,
    message: Option<&'static str>,
    fields: Vec<Field>,
}

fn shape(name: &'static str, content_type: &'static str, body: &(impl AsRef<[u8]> + ?Sized)) -> Shape {
    Shape { name, content_type, body: body.as_ref().to_vec(), ..Shape::default() }
}

impl Shape {
    fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    fn message(self, message: &'static str) -> Self {
        Self { message: Some(message), ..self }
    }

    fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }
}

const FIELD_MESSAGE: &str = "field required";

fn shapes() -> Vec<Shape> {
    let amount: Field = (Some("body"), "recipients[0].amount", FIELD_MESSAGE, Some("value_error.missing"));
    vec![
        shape("detail text", JSON, r#"{"detail":"Payment not found"}"#).message("Payment not found"),
        shape("detail text over lines", JSON, "{\"detail\":\" first\\r\\n\\u2028second\\u0000\\tthird \"}")
            .message("first second third"),
        shape("structured detail", JSON, r#"{"detail":{"code":"MISSING_CLIENT_ID","message":"Send the header"}}"#)
            .code("MISSING_CLIENT_ID")
            .message("Send the header"),
        shape("structured detail without code", JSON, r#"{"detail":{"message":"No"},"code":"OUTER"}"#)
            .code("OUTER")
            .message("No"),
        shape("detail in detail", JSON, r#"{"detail":{"detail":"inner"}}"#).message("inner"),
        shape("flat", JSON, r#"{"code":"INSUFFICIENT_FUNDS","message":"Not enough"}"#)
            .code("INSUFFICIENT_FUNDS")
            .message("Not enough"),
        shape("flat with a numeric code", JSON, r#"{"code":4001,"message":"Not enough"}"#)
            .code("4001")
            .message("Not enough"),
        shape(
            "FastAPI list",
            JSON,
            r#"{"detail":[
                {"loc":["body","recipients",0,"amount"],"msg":"field required","type":"value_error.missing"},
                {"loc":["query","limit"],"msg":"too large","type":"value_error"},
                {"loc":["body"],"msg":"not an object","type":"type_error"}]}"#,
        )
        .field(amount)
        .field((Some("query"), "limit", "too large", Some("value_error")))
        .field((Some("body"), "", "not an object", Some("type_error"))),
        shape(
            "pydantic v2 list",
            JSON,
            r#"{"detail":[{"type":"missing","loc":["body","user_info","phone_number"],"msg":"Field required",
                "input":{"email":"a@example.com"},"url":"https://errors.pydantic.dev/2/v/missing"}]}"#,
        )
        .field((Some("body"), "user_info.phone_number", "Field required", Some("missing"))),
        shape("list without loc", JSON, r#"{"detail":["first","second"]}"#).field((None, "", "first", None)).field((
            None,
            "",
            "second",
            None,
        )),
        shape("list of nonsense", JSON, r#"{"detail":[1,null,{},[],""]}"#),
        shape("empty list", JSON, r#"{"detail":[]}"#),
        shape(
            "backend",
            JSON,
            r#"{"detail":"Invalid webhook URL","error_code":"INVALID_URL",
                "errors":[{"code":"NOT_HTTPS","message":"must be HTTPS","field":"url","details":{}},{"code":"OTHER"}]}"#,
        )
        .code("INVALID_URL")
        .message("Invalid webhook URL")
        .field((None, "url", "must be HTTPS", Some("NOT_HTTPS")))
        .field((None, "", "invalid", Some("OTHER"))),
        shape("OAuth", JSON, r#"{"error":"invalid_grant","error_description":"The code was used before"}"#)
            .code("invalid_grant")
            .message("The code was used before"),
        shape("OAuth without words", JSON, r#"{"error":"invalid_client"}"#).code("invalid_client"),
        shape("gateway error object", JSON, r#"{"error":{"code":"THROTTLED","message":"Slow down"}}"#)
            .code("THROTTLED")
            .message("Slow down"),
        shape("JSON without a content type", "", r#"{"detail":"No"}"#).message("No"),
        shape("JSON labelled HTML", HTML, r#"{"detail":"No"}"#).message("No"),
        shape("text", "text/plain", "upstream connect error\n  or disconnect\n")
            .message("upstream connect error or disconnect"),
        shape("HTML with a title", HTML, "<html>\n<head><title>502 Bad\nGateway</title></head><body><h1>No</h1>")
            .message("an HTML page, \"502 Bad Gateway\""),
        shape("HTML without a content type", "", "\n<!DOCTYPE HTML><html><TITLE>503</TITLE>")
            .message("an HTML page, \"503\""),
        shape("HTML without a title", "", "<html><body><h1>502</h1></body></html>").message("an HTML page"),
        shape("HTML with an empty title", HTML, "<html><title> </title>").message("an HTML page"),
        shape("HTML with an open title", HTML, "<html><title>502").message("an HTML page"),
        shape("HTML fragment", HTML, "<h1>502</h1>").message("an HTML page"),
        shape("empty", JSON, ""),
        shape("empty without a content type", "", ""),
        shape("blank", "text/plain", " \r\n\t"),
        shape("truncated JSON", JSON, r#"{"detail": "Payment not fo"#).message(r#"{"detail": "Payment not fo"#),
        shape("JSON array", JSON, r#"["No",{"message":"why","field":"amount"}]"#)
            .field((None, "", "No", None))
            .field((None, "amount", "why", None)),
        shape("JSON text", JSON, r#""No""#).message("No"),
        shape("JSON number", JSON, "42"),
        shape("JSON null", JSON, "null"),
        shape("JSON false", JSON, "false"),
        shape("JSON empty object", JSON, "{}"),
        shape("JSON of wrong types", JSON, r#"{"detail":null,"code":[],"message":{"a":1},"error":true,"errors":{"a":[]}}"#),
        shape("invalid UTF-8", JSON, b"\xff\xfe No \x80").message("\u{fffd}\u{fffd} No \u{fffd}"),
    ]
}

fn fields(error: &Error) -> Vec<(Option<&str>, &str, &str, Option<&str>)> {
    error.field_errors().iter().map(|field| (field.location(), field.path(), field.message(), field.code())).collect()
}

/// One line for a log that names what failed.
fn assert_line(error: &Error, about: &str) {
    let line = error.to_string();
    let operation = error.operation().unwrap_or_default();
    assert!(!operation.is_empty() && line.starts_with(operation), "{about}: {line}");
    assert!(!line.contains(char::is_control), "{about}: {line}");
    assert!(line.chars().count() < 2_000, "{about}: {line}");
    if let Some(status) = error.status() {
        assert!(line.contains(status.as_str()), "{about}: {line}");
    }
    if let Some(message) = error.message() {
        assert!(line.contains(message), "{about}: {line}");
    }
    if let Some(id) = error.request_id() {
        assert!(line.contains(id), "{about}: {line}");
    }
}

#[tokio::test]
async fn every_rejection_is_decoded_whatever_its_shape_status_and_operation() {
    let server = Server::start(Response::CloseUnread).await;
    let client = server.client();
    for shape in shapes() {
        for (number, (status, kind)) in STATUSES.into_iter().enumerate() {
            for class in CLASSES {
                let about = format!("{} with {status} to {class:?}", shape.name);
                let named = number % 2 == 0;
                let mut headers = vec![];
                if !shape.content_type.is_empty() {
                    headers.push(("content-type", shape.content_type));
                }
                if named {
                    headers.push(("X-Request-Id", "theirs-1"));
                }
                server.set(Response::new(status, &headers, &shape.body));

                let error = class.fail(&client).await;

                assert_eq!(error.kind(), kind, "{about}");
                assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{about}");
                assert_eq!(error.operation(), Some(class.operation()), "{about}");
                assert_eq!(error.code(), shape.code, "{about}");
                let first = || error.field_errors().first().map(ToString::to_string);
                match shape.message {
                    Some(message) => assert_eq!(error.message(), Some(message), "{about}"),
                    // The fields are the message then.
                    None => assert_eq!(
                        error.message().map(|message| message.split(" (and ").next().unwrap()),
                        first().as_deref(),
                        "{about}"
                    ),
                }
                assert_eq!(fields(&error), shape.fields, "{about}");
                assert_eq!(error.body(), Some(&*shape.body), "{about}");
                assert_eq!(error.retry_after(), None, "{about}");
                assert_eq!(error.is_client_error(), status < 500, "{about}");
                assert_eq!(error.is_server_error(), status >= 500, "{about}");
                assert!(!error.is_timeout() && !error.is_connect() && !error.is_decode(), "{about}");
                let received = server.take();
                assert_eq!(received.len(), 1, "{about}: a rejection must not be retried");
                let ours = received[0].header("x-request-id");
                assert_eq!(error.request_id(), if named { Some("theirs-1") } else { ours }, "{about}");
                assert_line(&error, &about);
            }
        }
    }
}

#[tokio::test]
async fn field_errors_are_in_the_line_when_there_is_no_other_message() {
    let body = r#"{"detail":[{"loc":["body","recipients",0,"amount"],"msg":"field required","type":"missing"},
        {"loc":["body"],"msg":"bad","type":"x"}]}"#;
    let server = Server::start(Response::json(422, body)).await;
    let line = Class::Write.fail(&server.client()).await.to_string();
    assert!(line.contains("recipients[0].amount: field required (and 1 more)"), "{line}");
}

#[tokio::test]
async fn huge_and_deep_error_bodies_are_truncated() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let long_text = format!(r#"{{"detail":"{}"}}"#, "x".repeat(1_000_000));
    let many = format!(r#"{{"detail":[{}{{}}]}}"#, r#"{"loc":["body","a"],"msg":"m","type":"t"},"#.repeat(20_000));
    let long_location = format!(r#"{{"detail":[{{"loc":["body","{}"],"msg":"m"}}]}}"#, "y".repeat(1_000_000));
    let long_title = format!("<html><title>{}</title>", "é".repeat(500_000));
    let server = Server::start(Response::CloseUnread).await;
    let client = server.client();
    for body in [deep, long_text, many, long_location, long_title] {
        server.set(Response::json(500, &body));
        let error = Class::Write.fail(&client).await;
        let about: String = body.chars().take(40).collect();
        assert_eq!(error.kind(), ErrorKind::Server, "{about}");
        assert!(error.body().is_some_and(|kept| body.as_bytes().starts_with(kept) && kept.len() == 64 * 1024));
        assert_line(&error, &about);
    }
}

#[tokio::test]
async fn retry_after_is_read_in_seconds_and_as_a_date() {
    let server = Server::start(Response::CloseUnread).await;
    let client = server.client();
    const TEN_YEARS: u64 = 10 * 365 * 24 * 60 * 60;
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let cases = [
        ("0", seconds(0)),
        ("17", seconds(17)),
        (" 17 ", seconds(17)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", seconds(0)),
        ("-5", None),
        ("1.5", None),
        ("99999999999999999999999", seconds(TEN_YEARS)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", seconds(0)),
        ("Sun Nov  6 08:49:37 1994", seconds(0)),
        ("soon", None),
        ("", None),
    ];
    for status in [429, 503] {
        for (text, expected) in cases {
            server.set(Response::new(status, &[("Retry-After", text)], ""));
            assert_eq!(Class::Write.fail(&client).await.retry_after(), expected, "{text:?} with {status}");
        }
        server.set(Response::new(status, &[("Retry-After", "Fri, 01 Jan 2100 00:00:00 GMT")], ""));
        let wait = Class::Read.fail(&client).await.retry_after().unwrap();
        assert!(wait > Duration::from_secs(365 * 24 * 3600), "{wait:?}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed_to_any_origin() {
    let server = Server::start(Response::CloseUnread).await;
    let elsewhere = Server::start(Response::json(200, "{}")).await;
    let client = server.client();
    for status in [301, 302, 303, 307, 308] {
        for location in [elsewhere.base_url() + "/payments/pay-1", "/api/payments/pay-2".to_owned(), "//".to_owned()] {
            for class in CLASSES {
                let about = format!("{status} to {location} for {class:?}");
                server.set(Response::new(status, &[("Location", &location), ("x-request-id", "theirs-1")], ""));

                let error = class.fail(&client).await;

                assert_eq!(error.kind(), ErrorKind::UnexpectedStatus, "{about}");
                assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{about}");
                assert_eq!(error.request_id(), Some("theirs-1"), "{about}");
                assert!(error.message().is_some_and(|message| message.contains("redirect")), "{about}");
                assert!(!error.is_client_error() && !error.is_server_error(), "{about}");
                assert_eq!(server.take().len(), 1, "{about}");
                assert_line(&error, &about);
            }
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn every_2xx_with_a_valid_body_is_a_success() {
    let server = Server::start(Response::CloseUnread).await;
    let client = server.client();
    for status in [200, 201, 202, 203, 206, 299] {
        for class in CLASSES {
            for content_type in ["application/json", "text/plain", "text/html"] {
                server.set(Response::new(status, &[("content-type", content_type)], class.success()));
                class.send(&client).await.unwrap_or_else(|error| panic!("{status} {class:?}: {error}"));
            }
        }
    }
}

#[tokio::test]
async fn a_success_with_invalid_utf_8_keeps_its_bytes() {
    let body = b"{\"id\":\"p\xff\",\"status\":\"s\",\"currency\":\"UGX\",\"amount\":1}";
    let server = Server::start(Response::new(200, &[("content-type", "application/json")], body)).await;
    let error = Class::Read.fail(&server.client()).await;
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert!(error.to_string().contains("`id`: expected UTF-8 (line 1, column 10)"), "{error}");
    assert_eq!(error.body(), Some(body.as_slice()));
}

#[tokio::test]
async fn a_success_that_fails_to_decode_names_the_cause_and_keeps_what_is_known() {
    // Class, status, content type, body, what the message must say.
    let every: [(u16, &str, &str, &str); 7] = [
        (204, "", "", "the body is empty"),
        (200, JSON, "", "the body is empty"),
        (200, JSON, " \n ", "the body is empty"),
        (200, HTML, "<html><title>Sign in</title></html>", "not JSON"),
        (201, JSON, r#"{"results": [{"payment_id": "a"#, "the JSON ends too early"),
        (200, JSON, "null", "expected"),
        (202, JSON, r#""done""#, "expected"),
    ];
    let particular: [(Class, &str, &str); 9] = [
        (Class::Read, r#"{"id":"p","status":"s","currency":"UGX","amount":{"value":1}}"#, "`amount`: not a decimal"),
        (Class::Read, r#"{"id":"p","status":"s","currency":"UGX","amount":"1,5000"}"#, "`amount`: thousands"),
        (Class::Read, r#"{"id":"p","status":"s","currency":7,"amount":1}"#, "`currency`: expected a string"),
        (Class::Read, r#"{"id":"p","status":["s"],"currency":"UGX","amount":1}"#, "`status`: expected a string"),
        (Class::Read, r#"{"status":"s","currency":"UGX","amount":1}"#, "missing field `id`"),
        (Class::Write, r#"{"payment_id":12}"#, "`payment_id`: expected a string"),
        (
            Class::MerchantList,
            r#"{"results":[{"payment_id":["p"],"amount":[]}]}"#,
            "`results[0].payment_id`: expected a string",
        ),
        (Class::MerchantList, r#"{"results":[{"payment_id":"p"},{"status":"s"}]}"#, "`results[1]`: missing field"),
        (Class::Token, r#"{"access_token":{"value":"x"}}"#, "`access_token`: expected a text"),
    ];
    let every = every
        .into_iter()
        .flat_map(|(status, content_type, body, said)| CLASSES.map(|class| (class, status, content_type, body, said)));
    let particular = particular.into_iter().map(|(class, body, said)| (class, 200, JSON, body, said));
    let server = Server::start(Response::CloseUnread).await;
    let client = server.client();
    for (class, status, content_type, body, said) in every.chain(particular) {
        let about = format!("{class:?}, {status}, {body}");
        server.set(Response::new(status, &[("content-type", content_type), ("x-request-id", "theirs-1")], body));

        let error = class.fail(&client).await;

        assert_eq!(error.kind(), ErrorKind::Decode, "{about}");
        assert!(error.is_decode() && !error.is_timeout() && !error.is_connect(), "{about}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{about}");
        assert_eq!(error.request_id(), Some("theirs-1"), "{about}");
        assert_eq!(error.operation(), Some(class.operation()), "{about}");
        assert_eq!(error.body(), Some(body.as_bytes()), "{about}");
        let message = error.message().unwrap_or_default();
        assert!(message.contains(said), "{about}: {message}");
        assert!(
            std::error::Error::source(&error).is_some_and(|source| message.ends_with(&source.to_string())),
            "{about}"
        );
        assert_eq!(server.take().len(), 1, "{about}: it must not be sent again");
        assert_line(&error, &about);
    }
}

#[tokio::test]
async fn a_success_without_its_own_request_id_has_ours() {
    let server = Server::start(Response::json(200, "{}")).await;
    let error = server.client().payments().get("pay-1").request_id("mine-1").await.unwrap_err();
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::Decode, Some("mine-1")));
}

#[tokio::test]
async fn a_connection_error_names_its_cause() {
    let part = |status| Response::declaring(1_000, status, &[("content-type", JSON)], r#"{"detail":"x"#);
    let stall = |response| match response {
        Response::Bytes(bytes) => Response::Stall(bytes),
        other => other,
    };
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n".to_vec();
    let endless = Response::declaring(17 << 20, 200, &[], " ".repeat(17 << 20));
    // What the server does, the kind, and the status if a rejection was recognised before it broke off.
    let cases = [
        ("closes unread", Response::CloseUnread, ErrorKind::Connection, None),
        ("closes without a response", Response::Close, ErrorKind::Connection, None),
        ("speaks no HTTP", Response::Bytes(b"220 mail.example.com ESMTP\r\n".to_vec()), ErrorKind::Connection, None),
        ("sends half a head", Response::Bytes(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()), ErrorKind::Connection, None),
        ("cuts a success short", part(200), ErrorKind::Connection, None),
        ("cuts a chunked success short", Response::Bytes(chunked.clone()), ErrorKind::Connection, None),
        ("cuts a rejection short", part(409), ErrorKind::Conflict, Some(409)),
        ("cuts a failure short", part(503), ErrorKind::Server, Some(503)),
        ("never responds", Response::Stall(Vec::new()), ErrorKind::Timeout, None),
        ("stalls in the head", Response::Stall(b"HTTP/1.1 200 OK\r\n".to_vec()), ErrorKind::Timeout, None),
        ("stalls in a success", stall(part(200)), ErrorKind::Timeout, None),
        ("stalls in a chunked success", Response::Stall(chunked), ErrorKind::Timeout, None),
        ("stalls in a rejection", stall(part(404)), ErrorKind::NotFound, Some(404)),
        ("sends too much", endless, ErrorKind::Decode, Some(200)),
    ];
    let server = Server::start(Response::CloseUnread).await;
    let builder = || server.builder().api_key("key-1").client_id("client-1").client_secret("secret-1");
    // Long enough for anything but a stall, and a stall costs no more than this.
    let patient = builder().build().unwrap();
    let hasty = builder().timeout(Duration::from_millis(300)).build().unwrap();
    for (name, response, kind, status) in cases {
        for class in CLASSES {
            let about = format!("{name}, {class:?}");
            let client = if matches!(response, Response::Stall(_)) { &hasty } else { &patient };
            server.set(response.clone());
            let before = server.connections();

            let error = class.fail(client).await;

            assert_eq!(error.kind(), kind, "{about}: {error}");
            assert_eq!(error.is_timeout(), kind == ErrorKind::Timeout, "{about}");
            assert!(!error.is_connect(), "{about}: it was connected");
            assert_eq!(error.is_decode(), kind == ErrorKind::Decode, "{about}");
            assert_eq!(error.status().map(|status| status.as_u16()), status, "{about}");
            assert_eq!(error.operation(), Some(class.operation()), "{about}");
            assert!(error.request_id().is_some(), "{about}: the id that was sent");
            assert_eq!(server.connections(), before + 1, "{about}: it must not be retried");
            assert_line(&error, &about);
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_distinguished_from_a_lost_one() {
    let (_socket, base_url) = nowhere();
    let client = Client::builder()
        .environment(Environment::Custom(base_url))
        .api_key("key-1")
        .client_id("client-1")
        .client_secret("secret-1")
        .connect_timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    for class in CLASSES {
        let error = class.fail(&client).await;
        assert_eq!(error.kind(), ErrorKind::Connection, "{class:?}");
        assert!(error.is_connect() && !error.is_timeout(), "{class:?}");
        assert_eq!((error.status(), error.body()), (None, None), "{class:?}");
        assert!(std::error::Error::source(&error).is_some(), "{class:?}");
        assert_line(&error, &format!("{class:?}"));
    }
}

#[tokio::test]
async fn the_timeout_of_a_request_overrides_that_of_the_client() {
    let server = Server::start(Response::Stall(Vec::new())).await;
    let client = server.builder().api_key("key-1").timeout(Duration::from_secs(600)).build().unwrap();
    let error = client.payments().get("pay-1").timeout(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");

    server.set(Response::json(200, Class::Read.success()));
    let client = server.builder().api_key("key-1").timeout(Duration::from_nanos(1)).build().unwrap();
    let payment = client.payments().get("pay-1").timeout(Duration::from_secs(600)).await.unwrap();
    assert_eq!(payment.amount, Amount::from(15_000));
}

#[tokio::test]
async fn a_request_that_is_not_awaited_is_not_sent() {
    let server = Server::start(Response::json(200, "{}")).await;
    drop(server.client().payments().create(payment()));
    assert_eq!(server.connections(), 0);
}
