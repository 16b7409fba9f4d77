//! No secret and no personal data is shown by `Debug`, an error, a span, an event or a panic.
//!
//! A binary of its own, because the panic hook is global and every event and span is kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// What `unwrap` prints is tested.
#![allow(clippy::unnecessary_literal_unwrap)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod contract;
    pub(crate) mod log;
    pub(crate) mod operations;
    pub(crate) mod payloads;
    pub(crate) mod secrets;
    pub(crate) mod server;
}

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    time::Duration,
};

use base64::Engine as _;

use futures_util::TryStreamExt as _;
use piaxis::{
    Client, Environment, Error, JsonObject, Lookup, PaymentMethod, PaymentResult, PayoutBatch, Request, ResponseBody,
    Secret, TermData, TermEvidence, TermType, Timestamp,
    oauth::{CodeExchange, State, TokenRefresh},
    pkce::Pkce,
    types::{self, AuthorizeParams, EscrowCreate, OtpRequest, PaymentCreate, PaymentFilter, TermCreate, UserInfo},
    webhook::{Event, Payload},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::support::{
    contract::contract,
    log::Log,
    operations::rows,
    payloads::documented,
    secrets::{
        API_KEY, Case, EMAIL, LATITUDE, LONGITUDE, MARK, NAME, NATIONAL_ID, PHONE, Printed, REFRESH_TOKEN, STATE,
        VERIFIER, case, cases, is_leak,
        planted::{Others, Planter, marked},
        with_credentials,
    },
    server::{Response, Server, nowhere},
};

/// Everything that one thread logs from now on, from this crate and from those below it.
fn keep(log: &Log) -> tracing::subscriber::DefaultGuard {
    let log = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || log.clone());
    tracing::subscriber::set_default(subscriber.finish())
}

fn text_of(response: &Response) -> String {
    match response {
        Response::Bytes(bytes) => String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned(),
        other => format!("{other:?}"),
    }
}

/// Sends the request of every case against each response that `responses` makes of the secrets of the case, and collects what is printed of
/// those that fail.
async fn collect_failures(responses: impl Fn(&[&str]) -> Vec<Response>) -> Printed {
    let server = Server::start(Response::CloseUnread).await;
    let client = with_credentials(server.builder()).timeout(Duration::from_secs(60)).build().unwrap();
    let mut all = Printed::default();
    for number in 0..cases(&client).len() {
        let rounds = responses(cases(&client)[number].secrets);
        for response in rounds {
            let case = cases(&client).swap_remove(number);
            let shown = text_of(&response);
            server.set(response);
            let (printed, succeeded) = case.outcome.await;
            if !succeeded {
                all.0.extend(printed.0.into_iter().map(|(what, text)| (format!("{what}, response {shown}"), text)));
            }
        }
    }
    all
}

/// Error bodies that repeat the secrets wherever there is room for words.
fn echoing_bodies(secrets: &[&str]) -> Vec<(&'static str, String)> {
    let all = secrets.join(" and ");
    vec![
        ("application/json", format!(r#""wrong: {all}""#)),
        ("application/json", format!(r#"["wrong: {all}"]"#)),
        ("application/json", format!(r#"{{"detail":"wrong: {all}","error_code":"{all}"}}"#)),
        ("application/json", format!(r#"{{"detail":{{"code":"{all}","message":"wrong: {all}"}}}}"#)),
        ("application/json", format!(r#"{{"code":"{all}","message":"wrong: {all}"}}"#)),
        ("application/json", format!(r#"{{"error":"{all}","error_description":"wrong: {all}"}}"#)),
        (
            "application/json",
            format!(
                r#"{{"detail":[{{"loc":["body","{all}"],"msg":"wrong: {all}","type":"{all}","input":"{all}",
                    "ctx":{{"given":"{all}"}}}},{{"loc":["query",{{"{all}":"{all}"}}],"msg":"x"}}]}}"#
            ),
        ),
        (
            "application/json",
            format!(r#"{{"detail":"no","errors":[{{"code":"{all}","message":"wrong: {all}","field":"{all}"}}]}}"#),
        ),
        ("application/json", format!(r#"{{"detail":"wrong: {all}"#)),
        ("text/plain", format!("cannot read\n{all}\n")),
        ("text/html", format!("<html><title>{all}</title><body>{all}</body></html>")),
        ("text/html", format!("<p>{all}</p>")),
    ]
}

/// Each body as a 4xx and as a redirect, whole and cut off.
fn rejections(bodies: &[(&'static str, String)]) -> Vec<Response> {
    let responses = bodies.iter().flat_map(|(content_type, body)| {
        let headers = [("content-type", *content_type), ("location", "https://evil.example.com/")];
        [401, 422, 302].map(|status| {
            [Response::new(status, &headers, body), Response::declaring(body.len() + 10, status, &headers, body)]
        })
    });
    responses.flatten().collect()
}

/// Rejections that repeat the secret in every text.
fn echoes(secrets: &[&str]) -> Vec<Response> {
    let mut bodies = echoing_bodies(secrets);
    for secret in secrets {
        // Where a long text is cut, a part of the secret must not be left over.
        bodies.extend(
            (480..=500)
                .step_by(2)
                .map(|before| ("application/json", format!(r#"{{"detail":"{}{secret}"}}"#, "x".repeat(before)))),
        );
    }
    rejections(&bodies)
}

#[tokio::test]
async fn rejections_that_echo_secrets_do_not_bring_them_into_errors_or_logs() {
    let log = Log::default();
    let _guard = keep(&log);
    let printed = collect_failures(echoes).await;
    let stars = printed.0.iter().filter(|(_, text)| text.contains("wrong: [redacted]")).count();
    assert!(stars > 1_000, "the rest of the words should be there: {stars}");
    printed.assert_clean();
    assert!(log.text().contains("attempt ended") && log.text().contains("server.address"), "{}", log.text());
    assert!(!is_leak(&log.text()), "{}", leaking_lines(&log));
}

fn leaking_lines(log: &Log) -> String {
    log.text().lines().filter(|line| is_leak(line)).take(5).collect::<Vec<_>>().join("\n")
}

/// Successes that cannot be read, with the secret in the place that is wrong.
fn unreadable(secrets: &[&str]) -> Vec<Response> {
    let fields = [
        "payment_id",
        "id",
        "status",
        "amount",
        "currency",
        "created_at",
        "payment_method",
        "product_details",
        "access_token",
        "refresh_token",
        "token_type",
        "expires_in",
        "user_id",
        "otp",
        "verification_methods",
        "redirect_url",
        "code",
        "token_parameters",
        "next_step",
        "results",
        "terms",
        "allocations",
        "escrow_id",
        "dispute_id",
        "message",
        "requires_other_party",
        "force",
        "metadata",
        "extra",
    ];
    let all = secrets.join(" and ");
    let good = format!(
        r#""payment_id":"p","id":"i","status":"s","amount":1,"currency":"UGX","dispute_id":"d","access_token":"{all}""#
    );
    let wrong = [
        format!(r#""{all}""#),
        format!(r#"["{all}"]"#),
        format!(r#"{{"{all}":"{all}"}}"#),
        format!(
            r#"{{"type":"{all}","email_sent":"{all}","price":"{all}","code":["{all}"],"client_secret":["{all}"]}}"#
        ),
        format!(r#"[{{"amount":"{all}","{all}":1,"created_at":"{all}"}}]"#),
        format!(r#""x, expected {all}""#),
        format!(r#""{all} at line 1 column 2""#),
    ];
    let mut bodies: Vec<String> = fields
        .iter()
        .flat_map(|field| {
            let others: Vec<&str> = good.split(',').filter(|pair| !pair.starts_with(&format!("\"{field}\""))).collect();
            let others = others.join(",");
            wrong.each_ref().map(|value| format!(r#"{{{others},"{field}":{value}}}"#))
        })
        .collect();
    bodies.extend([
        all.clone(),
        format!(r#""{all}""#),
        format!(r#"["{all}"]"#),
        format!("<html><title>{all}</title></html>"),
        format!(r#"{{{good}"#),
        format!(r#"{{{good}}} {all}"#),
        format!(r#"{{"access_token": {all}}}"#),
        format!(r#"{{"{all}": "{all}"}}"#),
        format!(r#"{{"access_token":"a","access_token":"{all}"}}"#),
    ]);
    let mut responses: Vec<Response> = bodies.iter().map(|body| Response::json(200, body)).collect();
    responses.extend(bodies.iter().take(3).map(|body| Response::declaring(body.len() + 10, 200, &[], body)));
    responses
}

#[tokio::test]
async fn successes_that_fail_to_decode_do_not_bring_secrets_into_errors_or_logs() {
    let log = Log::default();
    let _guard = keep(&log);
    let printed = collect_failures(unreadable).await;
    let located = printed.0.iter().filter(|(_, text)| text.contains("`access_token`: expected a text")).count();
    assert!(located > 3, "the field should be named: {located}");
    printed.assert_clean();
    assert!(!is_leak(&log.text()), "{}", leaking_lines(&log));
}

#[tokio::test]
async fn failures_of_the_connection_do_not_show_the_url_or_the_request() {
    let log = Log::default();
    let _guard = keep(&log);
    let server = Server::start(Response::CloseUnread).await;
    let (_socket, nowhere) = nowhere();
    let clients = [
        with_credentials(server.builder()),
        with_credentials(server.builder()).timeout(Duration::from_millis(50)),
        with_credentials(Client::builder().environment(Environment::Custom(nowhere))),
        // HTTPS spoken to a server that does not speak it.
        with_credentials(
            Client::builder().environment(Environment::Custom(server.base_url().replace("http:", "https:"))),
        ),
    ];
    let responses = [Response::CloseUnread, Response::Close, Response::Bytes(b"220 smtp\r\n".to_vec())];
    let mut all = Printed::default();
    for (number, client) in clients.into_iter().enumerate() {
        let client = client.build().unwrap();
        let stall = Response::Stall(b"HTTP/1.1 200 OK\r\n\r\n".to_vec());
        let responses = match number {
            1 => vec![stall],
            // Waiting for the end of a request would be waiting for the timeout.
            3 => vec![Response::CloseUnread],
            _ => responses.to_vec(),
        };
        for response in responses {
            server.set(response);
            for case in cases(&client) {
                let name = case.name;
                let (printed, succeeded) = case.outcome.await;
                assert!(!succeeded, "{name}");
                all.0.extend(printed.0);
            }
        }
    }
    all.assert_clean();
    let log_text = log.text();
    assert!(log_text.contains("attempt ended") && log_text.contains(r#"error.type="timeout""#), "{log_text}");
    assert!(!is_leak(&log_text), "{}", leaking_lines(&log));
}

#[tokio::test]
async fn secrets_in_responses_are_decoded_but_not_shown() {
    let log = Log::default();
    let _guard = keep(&log);
    let server = Server::start(Response::CloseUnread).await;
    let client = with_credentials(server.builder()).build().unwrap();
    let mut printed = Printed::default();
    let cookie = ("set-cookie", "session=s3ntinel-session");

    let tokens = r#"{"access_token":"s3ntinel-access","refresh_token":"s3ntinel-refresh","token_type":"bearer",
        "id_token":"s3ntinel-id","more":{"secret":["s3ntinel-nested"]}}"#;
    server.set(Response::new(200, &[cookie], tokens));
    let refresh = TokenRefresh::builder().refresh_token(REFRESH_TOKEN).build();
    let response = client.oauth().refresh_token(refresh).send_with_response().await.unwrap();
    assert_eq!(response.access_token.expose(), "s3ntinel-access");
    assert_eq!(response.refresh_token.as_ref().map(Secret::expose), Some("s3ntinel-refresh"));
    assert_eq!(response.extra["id_token"], "s3ntinel-id");
    printed.debug("tokens", &response);
    printed.debug("tokens", response.value());
    printed.panic("tokens", || drop(Ok::<_, Error>(response.into_value()).unwrap_err()));

    server.set(Response::new(200, &[cookie], r#"{"otp":"s3ntinel-otp","expires_in":300}"#));
    let request = OtpRequest::builder().email(EMAIL).phone_number(PHONE).build();
    let response = client.otp().request(request.clone()).send_with_response().await.unwrap();
    assert_eq!(response.otp.as_ref().map(Secret::expose), Some("s3ntinel-otp"));
    printed.debug("otp", &response);
    server.set(Response::json(200, r#"{"otp":918273645}"#));
    let response = client.otp().request(request).await.unwrap();
    assert_eq!(response.otp.as_ref().map(Secret::expose), Some("918273645"));
    assert!(!format!("{response:?}{response:#?}").contains("918273645"));

    let test = r#"{"redirect_url":"https://shop.example.com/?code=s3ntinel-code&state=s3ntinel-state","code":"s3ntinel-code",
        "next_step":"POST /api/token","token_parameters":{"grant_type":"authorization_code","code":"s3ntinel-code",
        "client_id":"client-1","client_secret":"s3ntinel-secret","code_verifier":"s3ntinel-verifier"}}"#;
    server.set(Response::json(200, test));
    let params = AuthorizeParams::builder().merchant_id("m-1").external_user_id("u-1");
    let params = params.redirect_uri("https://shop.example.com/").build();
    let response = client.oauth().authorize_test(params).send_with_response().await.unwrap();
    let parameters = response.token_parameters.as_ref().unwrap();
    assert_eq!(parameters.client_secret.as_ref().map(Secret::expose), Some("s3ntinel-secret"));
    printed.debug("test authorisation", &response);
    printed.debug("token parameters", parameters);

    printed.assert_clean();
    assert!(!is_leak(&log.text()), "{}", leaking_lines(&log));
}

#[test]
fn secret_numbers_are_redacted_in_messages() {
    // FastAPI repeats the input, also where it is a number.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let body =
            r#"{"code":918273645,"detail":[{"loc":["body",918273645],"msg":"918273645 is wrong","type":918273645}]}"#;
        let server = Server::start(Response::json(422, body)).await;
        let payer = UserInfo::builder().otp("918273645").build();
        let payment = PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn);
        let error = server.client().payments().create(payment.user_info(payer).build()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("918273645"), "{error:?}");
        assert_eq!(error.field_errors()[0].message(), "[redacted] is wrong");
    });
}

#[test]
fn values_that_hold_secrets_do_not_show_them() {
    let mut printed = Printed::default();
    let builder = || with_credentials(Client::builder());
    let client = builder().build().unwrap();
    printed.debug("builder", &builder());
    printed.debug("client", &client);
    printed.debug("payments", &client.payments());
    printed.debug("escrows", &client.escrows());
    printed.debug("disbursements", &client.disbursements());
    printed.debug("escrow disbursements", &client.escrow_disbursements());
    printed.debug("otp", &client.otp());
    printed.debug("oauth", &client.oauth());
    printed.debug("secret", &Secret::from(API_KEY));
    printed.debug("state", &State::from(STATE.to_owned()));
    printed.debug("pkce", &Pkce::from_verifier(VERIFIER).unwrap());
    printed.debug("raw request", &client.raw().payments_get(MARK));
    printed.debug("request", &client.payments().get("pay-1").header("x-own", MARK));
    let proxy = reqwest::Proxy::all("http://user:s3ntinel@127.0.0.1:9").unwrap();
    printed.debug("builder with a proxy", &builder().proxy(proxy));
    let url = "https://user:s3ntinel@api.example.com/api";
    printed.debug("builder with a URL", &builder().environment(Environment::Custom(url.to_owned())));
    printed.assert_clean();

    let shown = format!("{client:?}");
    for known in ["api_key: true", "access_token: true", "client_id: true", "client_secret: true"] {
        assert!(shown.contains(known), "{shown}");
    }
}

#[test]
fn a_secret_that_does_not_decode_is_not_quoted() {
    for json in [r#"["s3ntinel"]"#, r#"{"s3ntinel":"s3ntinel"}"#, "true", "-918273645", "918273645.5", "null", "1e300"]
    {
        let error = serde_json::from_str::<Secret>(json).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(MARK) && !shown.contains("918273645") && !shown.contains("e300"), "{shown}");
    }
}

/// Secrets of characters that encoders escape.
const SPECIAL_KEY: &str = "s3ntinel-Key+/=%41&<b>\"'\\ end ";
const SPECIAL_TOKEN: &str = "s3ntinel.Token+/=~%2B'\"&amp;\\u0041";
const SPECIAL_SECRET: &str = "s3ntinel secret+&=\u{e4}%";
const SPECIAL_PASSWORD: &str = " s3ntinel  two\tblanks <\u{e4}\u{20ac}\u{1f600}> \"quoted\" 'o' \\ / & % + \u{e9}nd";
const SPECIAL_OTP: &str = "s3n<918>273+'\"645";
const SPECIAL_EMAIL: &str = "S3ntinel+tag&more@Example.com";

fn encode_each(text: &str, encode: impl Fn(char) -> String) -> String {
    text.chars().map(encode).collect()
}

fn percent(text: &str, is_plain: impl Fn(u8) -> bool, encode: impl Fn(u8) -> String) -> String {
    text.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { encode(byte) }).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn html(text: &str, apostrophe: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.replace('\'', apostrophe)
}

fn utf16(c: char, unit: impl Fn(u16) -> String) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|code| unit(*code)).collect()
}

type Encode = fn(&str) -> String;

const ENCODINGS: &[(&str, Encode)] = &[
    ("plain", str::to_owned),
    ("trimmed", |text| text.trim().to_owned()),
    ("collapsed", |text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
    ("lower case", str::to_lowercase),
    ("JSON", json),
    ("JSON twice", |text| json(&json(text))),
    ("JSON, slashes escaped", |text| json(text).replace('/', "\\/")),
    ("JSON for HTML", |text| {
        encode_each(&json(text), |c| if "<>&'+".contains(c) { format!("\\u{:04x}", c as u32) } else { c.into() })
    }),
    ("JSON, ASCII", |text| {
        encode_each(&json(text), |c| if c.is_ascii() { c.into() } else { utf16(c, |unit| format!("\\u{unit:04x}")) })
    }),
    ("JSON, all escaped", |text| encode_each(text, |c| utf16(c, |unit| format!("\\u{unit:04x}")))),
    ("JSON, all escaped in capitals", |text| encode_each(text, |c| utf16(c, |unit| format!("\\u{unit:04X}")))),
    ("Rust", |text| text.escape_unicode().to_string()),
    ("Python bytes", |text| percent(text, |byte| byte.is_ascii_alphanumeric(), |byte| format!("\\x{byte:02x}"))),
    ("percent", |text| percent(text, |byte| byte.is_ascii_alphanumeric(), |byte| format!("%{byte:02X}"))),
    ("percent in lower case", |text| percent(text, |byte| byte.is_ascii_alphanumeric(), |byte| format!("%{byte:02x}"))),
    ("percent, unreserved", |text| {
        percent(text, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte), |byte| format!("%{byte:02X}"))
    }),
    ("percent, all", |text| percent(text, |_| false, |byte| format!("%{byte:02X}"))),
    ("percent twice", |text| percent(text, |byte| byte.is_ascii_alphanumeric(), |byte| format!("%25{byte:02X}"))),
    ("form", |text| form_urlencoded::byte_serialize(text.as_bytes()).collect()),
    ("HTML", |text| html(text, "'")),
    ("HTML, apostrophes by name", |text| html(text, "&apos;")),
    ("HTML, apostrophes in decimal", |text| html(text, "&#039;")),
    ("HTML, apostrophes in hex", |text| html(text, "&#x27;")),
    ("HTML, Latin-1 by name", |text| html(text, "&#39;").replace('\u{e4}', "&auml;").replace('\u{e9}', "&eacute;")),
    ("HTML twice", |text| html(&html(text, "&#39;"), "&#39;")),
    ("HTML, decimal", |text| encode_each(text, |c| format!("&#{};", c as u32))),
    ("HTML, hex", |text| encode_each(text, |c| format!("&#x{:x};", c as u32))),
    ("HTML, hex in capitals", |text| encode_each(text, |c| format!("&#x{:04X};", c as u32))),
    ("JSON in HTML", |text| html(&json(text), "&#39;")),
    ("JSON in a URL", |text| percent(&json(text), |byte| byte.is_ascii_alphanumeric(), |byte| format!("%{byte:02X}"))),
    ("base64", |text| base64::engine::general_purpose::STANDARD.encode(text)),
    ("base64, trimmed", |text| base64::engine::general_purpose::STANDARD.encode(text.trim())),
    ("base64 without padding", |text| base64::engine::general_purpose::STANDARD_NO_PAD.encode(text)),
    ("base64 for URLs", |text| base64::engine::general_purpose::URL_SAFE.encode(text)),
    ("base64 of basic authorization", |text| {
        base64::engine::general_purpose::STANDARD.encode(format!("client-1:{text}"))
    }),
    ("base64 of a longer text", |text| base64::engine::general_purpose::STANDARD.encode(format!("ab{text}\"}}"))),
];

/// A request that carries the secrets, by number.
fn case_with_special_characters(number: usize, client: &Client) -> Case {
    let payer = || UserInfo::builder().email(SPECIAL_EMAIL).phone_number(PHONE).otp(SPECIAL_OTP).build();
    match number {
        0 => {
            let payment = PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn);
            let payment = payment.user_info(payer()).build();
            let request = client.payments().create_with_mfa_code_in_query(payment.clone(), SPECIAL_TOKEN);
            case("payment", &[SPECIAL_KEY, SPECIAL_EMAIL, SPECIAL_OTP, SPECIAL_TOKEN, PHONE], payment, request)
        }
        1 => {
            let data = JsonObject::from_iter([("password", SPECIAL_PASSWORD)]);
            let term = TermCreate::builder().type_(TermType::Password).data(data).build();
            let escrow = EscrowCreate::builder().amount(1).currency_code("UGX").payment_method(PaymentMethod::Mtn);
            let escrow = escrow.terms([term]).user_info(payer()).build();
            case("escrow", &[SPECIAL_PASSWORD], escrow.clone(), client.escrows().create(escrow))
        }
        2 => {
            let exchange = CodeExchange::builder().code(SPECIAL_PASSWORD).redirect_uri("https://shop.example.com/");
            let exchange = exchange.build();
            let request = client.oauth().exchange_code(exchange.clone());
            case("exchange", &[SPECIAL_SECRET, SPECIAL_PASSWORD], exchange, request)
        }
        _ => {
            let request = client.payments().get("pay-1").access_token(SPECIAL_TOKEN);
            case("token", &[SPECIAL_TOKEN], "", request)
        }
    }
}

/// Responses that show an encoded secret, whole or cut off, in each place that a message may be read from.
fn showing(encoded: &str, shortest_cut: usize) -> Vec<Response> {
    let text = [("content-type", "text/plain")];
    let page = [("content-type", "text/html")];
    let of_json = [("content-type", "application/json")];
    let quoted = json(encoded);
    let errors = format!(
        r#"{{"code":"{quoted}","message":"wrong: {quoted}","detail":[{{"loc":["body","{quoted}",["{quoted}"]],
            "msg":"wrong: {quoted}","type":"{quoted}"}},"{quoted}"]}}"#
    );
    let truncated = format!(r#"{{"detail":"wrong: {encoded}","more":"#);
    let mut responses = vec![
        Response::new(400, &text, format!("wrong: {encoded} it was")),
        Response::new(502, &page, format!("<html><title>wrong: {encoded}</title>")),
        Response::new(422, &of_json, errors),
        Response::declaring(truncated.len() + 10, 400, &of_json, &truncated),
        Response::new(400, &text, format!("wrong: {}...", encoded.get(..shortest_cut).unwrap_or(encoded))),
    ];
    let header = encoded.trim();
    if header.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        let headers = [("x-request-id", header)];
        responses.extend([
            Response::new(400, &headers, "no"),
            Response::new(
                200,
                &headers,
                r#"{"id":"a","status":"b","amount":1,"currency":"UGX","payment_id":"c","access_token":"d"}"#,
            ),
            Response::new(200, &headers, "no JSON"),
            Response::new(200, &headers, r#"{"code":"no","message":"no"}"#),
        ]);
    }
    let bytes = encoded.as_bytes();
    responses.extend((shortest_cut..bytes.len()).step_by(1 + bytes.len() / 4).map(|cut| {
        let body = [br#"{"detail":"wrong: "#.as_slice(), &bytes[..cut]].concat();
        Response::declaring(body.len() + 10, 400, &of_json, body)
    }));
    responses
}

/// Whether a part of this length of the encoded secret is in the text.
fn has_part_of(encoded: &str, length: usize, text: &str) -> bool {
    let characters: Vec<char> = encoded.chars().collect();
    characters.windows(length.min(characters.len())).any(|part| text.contains(&part.iter().collect::<String>()))
}

#[tokio::test]
async fn secrets_are_redacted_in_every_encoding() {
    let log = Log::default();
    let _guard = keep(&log);
    let server = Server::start(Response::CloseUnread).await;
    let client = server.builder().api_key(SPECIAL_KEY).client_id("client-1").client_secret(SPECIAL_SECRET);
    let client = client.timeout(Duration::from_secs(60)).build().unwrap();
    let mut redacted = 0;
    for number in 0..4 {
        for secret in case_with_special_characters(number, &client).secrets {
            for (name, encode) in ENCODINGS {
                // At least six characters are left: fewer are no secret any more.
                let beginning: String = secret.trim().chars().take(6).collect();
                let encoded = encode(secret);
                let padding =
                    encoded.len() - encoded.trim_start().len() + if name.starts_with("base64") { 14 } else { 0 };
                let shortest_cut = encode(&beginning).len() + padding + encode(" ").len();
                // Blanks around a secret and the client id before one are no part of it.
                let trimmed = encode(secret.trim());
                let shown_part = match *name {
                    "base64 of basic authorization" => &encoded["Y2xpZW50LTE6".len()..],
                    name if name.starts_with("base64") => encoded.as_str(),
                    _ => trimmed.as_str(),
                };
                let length = 8.max(encode(" ").len() + 1);
                for response in showing(&encoded, shortest_cut) {
                    let shown = format!("{name} of {secret:?}: {}", text_of(&response));
                    let status = matches!(&response, Response::Bytes(bytes) if bytes.starts_with(b"HTTP/1.1 200"));
                    server.set(response);
                    let (printed, is_ok) = case_with_special_characters(number, &client).outcome.await;
                    assert!(status || !is_ok, "{shown}");
                    for (what, text) in &printed.0 {
                        assert!(!is_leak(text) && !has_part_of(shown_part, length, text), "{what}, {shown}: {text}");
                        redacted += usize::from(text.contains("wrong: [redacted]"));
                    }
                }
            }
        }
    }
    assert!(redacted > 10_000, "the rest of the message should be there: {redacted}");
    assert!(!is_leak(&log.text()), "{}", leaking_lines(&log));
}

#[tokio::test]
async fn messages_keep_text_that_is_no_secret() {
    let server = Server::start(Response::CloseUnread).await;
    let client = server.builder().api_key("key-1234").client_id("client-1").build().unwrap();
    for (message, expected) in [
        ("100% of &amp; \\ + is wrong: keyboard", "100% of &amp; \\ + is wrong: keyboard"),
        ("the key- is not key-123", "the key- is not [redacted]"),
        ("key-1234key-1234 %6bey-1234", "[redacted][redacted] [redacted]"),
    ] {
        let body = serde_json::json!({ "message": message }).to_string();
        server.set(Response::json(400, body));
        let error = client.payments().get("pay-1").await.unwrap_err();
        assert_eq!(error.message(), Some(expected));
    }
}

/// Reads a value, and returns its `Debug` and what it serialises to.
type Show = fn(&Value) -> (String, Value);

fn show<T: DeserializeOwned + Serialize + Debug>(value: &Value) -> (String, Value) {
    let value: T = serde_json::from_value(value.clone()).unwrap();
    (format!("{value:?}\n{value:#?}"), serde_json::to_value(&value).unwrap())
}

macro_rules! shown {
    ($($name:ident),+ $(,)?) => { &[$((stringify!($name), show::<types::$name>)),+] };
}

/// Request bodies, and the data of terms. What a body refers to is in the body.
const SHOWN: &[(&str, Show)] = shown![
    Agreement,
    BuyerDeliveryConfirmation,
    BuyerMeetingDelivery,
    DeliveryConfirmationTermData,
    DisbursementCancel,
    DisbursementCreate,
    EscrowCreate,
    EscrowDisbursementCreate,
    EscrowDisbursementRelease,
    EscrowDispute,
    EscrowRelease,
    EscrowReverse,
    LocationEvidence,
    LocationVerificationTermData,
    MeetingEvidence,
    OtpRequest,
    PasswordEvidence,
    PasswordTermData,
    PaymentCreate,
    ProofFiles,
    ProofVerification,
    ReturnPeriod,
    SellerDeliveryConfirmation,
    SellerMeetingDelivery,
    TermFulfillment,
    TokenRequest,
];

/// The same, and the response bodies of all operations.
fn all_shown() -> BTreeMap<&'static str, Show> {
    let responses = rows().into_iter().map(|row| (row.schema, row.shown));
    SHOWN.iter().copied().chain(responses).collect()
}

#[test]
fn debug_redacts_every_marked_field_and_serialisation_keeps_it() {
    let contract = contract();
    let mut planted = BTreeSet::new();
    for (name, show) in all_shown() {
        let mut planter = Planter::new(&contract, Others::Unknown);
        let json = planter.named(name);
        let (shown, written) = show(&json);
        assert!(!is_leak(&shown), "{name}: {shown}");
        for field in planter.fields.iter().filter_map(|field| field.split_once('.')) {
            let redacted = [": [redacted]", ": Some([redacted])"].map(|value| format!("{}{value}", field.1));
            assert!(redacted.iter().any(|field| shown.contains(field)), "{name}: {field:?} in {shown}");
        }
        assert_eq!(written, json, "{name}");
        planted.append(&mut planter.fields);
    }
    assert_eq!(planted, marked(&contract), "a schema is missing in the table");
}

#[test]
fn debug_of_documented_payloads_shows_no_personal_data() {
    let types = all_shown();
    for entry in documented() {
        let show = types.get(&*entry.type_name).expect(&entry.type_name);
        let (shown, _) = show(&entry.json);
        let shows = |part: &str| shown.contains(part);
        assert!(!shows("@") && !shows("+256") && !shows("0.34") && !shows("32.5"), "{}: {shown}", entry.source);
    }
}

fn sent<B, T>(id: &'static str, body: &Value, request: impl FnOnce(B) -> Request<T>) -> Case
where
    B: DeserializeOwned + Debug + Clone + 'static,
    T: Debug + ResponseBody,
{
    let body: B = serde_json::from_value(body.clone()).unwrap();
    case(id, &[], body.clone(), request(body))
}

/// A request of an operation with this JSON body.
fn request_with(client: &Client, id: &'static str, body: &Value) -> Case {
    match id {
        "otp_request" => sent(id, body, |body| client.otp().request(body)),
        "payments_create" => sent(id, body, |body| client.payments().create(body)),
        "escrows_create" => sent(id, body, |body| client.escrows().create(body)),
        "escrows_release" => sent(id, body, |body| client.escrows().release("e-1", body)),
        "escrows_reverse" => sent(id, body, |body| client.escrows().reverse("e-1", body)),
        "escrows_dispute" => sent(id, body, |body| client.escrows().dispute("e-1", body)),
        "escrows_fulfill_term" => sent(id, body, |body| client.raw().escrows_fulfill_term("e-1", "t-1", &body)),
        "disbursements_quote" => sent(id, body, |body| client.disbursements().quote(body)),
        "disbursements_create" => sent(id, body, |body| client.disbursements().create(body)),
        "disbursements_cancel" => sent(id, body, |body| client.disbursements().cancel("d-1", body)),
        "escrow_disbursements_create" => sent(id, body, |body| client.escrow_disbursements().create(body)),
        "escrow_disbursements_release" => sent(id, body, |body| client.escrow_disbursements().release("d-1", body)),
        "escrow_disbursements_cancel" => sent(id, body, |body| client.escrow_disbursements().cancel("d-1", body)),
        _ => panic!("{id} has a body, but is not in the table"),
    }
}

#[tokio::test]
async fn errors_of_every_operation_redact_every_marked_field_of_the_request() {
    let log = Log::default();
    let _guard = keep(&log);
    let contract = contract();
    let server = Server::start(Response::CloseUnread).await;
    let client = with_credentials(server.builder()).timeout(Duration::from_secs(60)).build().unwrap();
    let (mut printed, mut planted) = (Printed::default(), BTreeSet::new());
    for operation in piaxis::OPERATIONS {
        let body = &contract["paths"][operation.path][operation.method.to_lowercase()]["requestBody"];
        let Some(schema) = body["content"]["application/json"]["schema"]["$ref"].as_str() else { continue };
        let mut planter = Planter::new(&contract, Others::None);
        let json = planter.named(schema.rsplit('/').next().unwrap());
        let texts: Vec<&str> = planter.texts.iter().map(String::as_str).collect();
        let mut redacted = 0;
        for response in rejections(&echoing_bodies(&texts)) {
            server.set(response);
            let (texts, succeeded) = request_with(&client, operation.id, &json).outcome.await;
            assert!(!succeeded, "{}", operation.id);
            redacted += texts.0.iter().filter(|(_, text)| text.contains("wrong: [redacted]")).count();
            printed.0.extend(texts.0);
        }
        assert!(texts.is_empty() || redacted > 50, "{}: the rest of the message should be there", operation.id);
        planted.append(&mut planter.fields);
    }
    printed.assert_clean();
    assert!(!is_leak(&log.text()), "{}", leaking_lines(&log));
    for field in ["UserInfo", "UserInfo.email", "Location.latitude", "ProofFiles.files", "Recipient.phone_number"] {
        assert!(planted.contains(field), "{field}");
    }
    assert!(planted.contains("LocationVerificationTermData.longitude") && planted.len() > 20, "{planted:?}");
}

#[tokio::test]
async fn results_of_searches_lists_and_polls_show_no_personal_data() {
    let log = Log::default();
    let _guard = keep(&log);
    let contract = contract();
    let planted = |schema: &str| Planter::new(&contract, Others::Unknown).named(schema);
    let server = Server::start(Response::CloseUnread).await;
    let client = with_credentials(server.builder()).build().unwrap();
    let mut printed = Printed::default();
    let payer = UserInfo::builder().email(EMAIL).phone_number(PHONE).build();
    let payment = PaymentCreate::builder().amount(1).currency("text").payment_method(PaymentMethod::Mtn);
    let payment = payment.user_info(payer).build();
    let recipient = types::Recipient::builder().amount(1).phone_number(PHONE).email(EMAIL).build();
    let payout = types::DisbursementCreate::builder().currency("text").payment_method(PaymentMethod::Mtn);
    let payout = payout.recipients([recipient.clone()]).build();

    let search = client.payments().find_like(&payment, Timestamp::from(chrono::DateTime::UNIX_EPOCH));
    printed.debug("search", &search);
    let listed: types::PaymentList = serde_json::from_value(planted("PaymentList")).unwrap();
    printed.debug("found", &Lookup::One(listed.results[0].clone()));
    printed.debug("found", &Lookup::Several(listed.results));
    server.set(Response::json(200, planted("PaymentList").to_string()));
    let items = client.payments().stream(PaymentFilter::default());
    printed.debug("items", &items);
    let pages = items.pages();
    printed.debug("pages", &pages);
    printed.debug("page", &Box::pin(pages).try_next().await.unwrap());

    let create = client.disbursements().quote_and_create(payout.clone(), 0);
    printed.debug("quote and create", &create);
    let mut quote = planted("DisbursementQuote");
    quote["total_debit_amount"] = "7".into();
    server.set(Response::json(200, quote.to_string()));
    let error = create.await.unwrap_err();
    printed.debug("rejection", &error.quote_rejection().unwrap());
    printed.error("rejection", error);

    let create = client.payments().create_and_wait(payment.clone());
    printed.debug("create and wait", &create);
    let mut paid = planted("Payment");
    paid["payment_id"] = "p-1".into();
    paid["status"] = "completed".into();
    server.set(Response::json(200, paid.to_string()));
    let result = create.await;
    assert!(matches!(&result, PaymentResult::Paid(_)), "{result:?}");
    printed.debug("result", &result);
    let poller = client.payments().wait_until_settled("p-1");
    printed.debug("poller", &poller);
    printed.debug("poll", &poller.await.unwrap());

    paid["recipient_details"]["name"] = serde_json::json!([NAME, NATIONAL_ID]);
    paid["merchant_details"] = NAME.into();
    server.set(Response::json(200, paid.to_string()));
    let response = client.payments().get("p-1").send_with_response().await.unwrap();
    assert_eq!(response.undecoded().len(), 2);
    printed.debug("undecoded", &response.undecoded());
    printed.debug("response", &response);
    paid["amount"] = NATIONAL_ID.into();
    server.set(Response::json(200, paid.to_string()));
    printed.error("amount", client.payments().get("p-1").await.unwrap_err());

    let batch = PayoutBatch::new("UGX").pay(PaymentMethod::Mtn, recipient);
    printed.debug("batch", &batch);
    let invalid = types::Recipient::builder().amount(1).phone_number(&PHONE[1..]).email(EMAIL).build();
    printed.error("batch", batch.pay(PaymentMethod::Mtn, invalid).build().unwrap_err());
    printed.assert_clean();
    assert!(!is_leak(&log.text()), "{}", leaking_lines(&log));
}

#[test]
fn debug_of_terms_and_evidence_shows_no_personal_data() {
    let unknown = || JsonObject::from_iter([("full_name", NAME), ("national_id", NATIONAL_ID)]);
    let place = types::LocationVerificationTermData::builder().latitude(LATITUDE).longitude(LONGITUDE).build();
    let password = types::PasswordTermData::builder().password(NAME).build();
    let other = TermData::Other { term_type: TermType::Meeting, data: unknown() };
    let mut printed = Printed::default();
    for data in [place.into(), password.into(), TermData::ManualRelease, other] {
        printed.debug("term data", &data);
        printed.debug("term", &TermCreate::new(data).unwrap());
    }
    let buyer = types::BuyerMeetingDelivery::builder().buyer_latitude(LATITUDE).buyer_longitude(LONGITUDE);
    let seller = types::SellerMeetingDelivery::builder().seller_latitude(LATITUDE).seller_longitude(LONGITUDE);
    for evidence in [
        buyer.build().into(),
        seller.build().into(),
        types::LocationEvidence::builder().latitude(LATITUDE).longitude(LONGITUDE).build().into(),
        types::MeetingEvidence::builder().latitude(LATITUDE).longitude(LONGITUDE).build().into(),
        types::ProofFiles::builder().files([NATIONAL_ID.into()]).build().into(),
        types::PasswordEvidence::builder().password(NAME).build().into(),
        TermEvidence::CustomEvidence(unknown()),
        TermEvidence::Other { term_type: TermType::from("riddle"), data: unknown() },
    ] {
        printed.debug("evidence", &evidence);
    }
    printed.assert_clean();
}

#[test]
fn debug_shows_fields_that_are_not_personal() {
    let payer = UserInfo::builder().phone_number(PHONE).otp("123456").build();
    let shown = format!("{payer:?}");
    assert_eq!(
        shown,
        r#"UserInfo { email: None, otp: Some(Secret([redacted])), phone_number: Some([redacted]), extra: JsonObject {} }"#
    );
    let otp = OtpRequest::builder().email(EMAIL).build();
    assert_eq!(
        format!("{otp:#?}"),
        "OtpRequest {\n    email: Some(\n        [redacted],\n    ),\n    phone_number: None,\n}"
    );
}

#[test]
fn debug_of_webhook_events_shows_no_personal_data() {
    let mut families = 0;
    for name in
        ["payment.succeeded", "escrow.released", "disbursement.cancelled", "refund.processed", "order.new", "new.one"]
    {
        let data = serde_json::json!({
            "payment_id": "p-1", "email": EMAIL, "phone": PHONE, "national_id": NATIONAL_ID,
            "payer": { "name": NAME, "latitude": LATITUDE, "longitude": LONGITUDE },
        });
        let body = serde_json::json!({ "event": name, "data": data, "email": EMAIL, "at": { "latitude": LATITUDE } });
        let event = Event::from_json(body.to_string()).unwrap();
        let payload = event.payload().unwrap();
        families += usize::from(!matches!(payload, Payload::Other(_)));
        let shown = format!("{event:?} {event:#?} {payload:?} {payload:#?} {:?}", event.data());
        assert!(!is_leak(&shown), "{shown}");
    }
    assert_eq!(families, 5);
}

#[test]
fn debug_of_webhook_payloads_redacts_marked_fields() {
    let contract = contract();
    let webhooks = &contract["x-piaxis-webhooks"];
    for (family, schema) in webhooks["payloads"].as_object().unwrap() {
        let mut planter = Planter::new(&contract, Others::Unknown);
        let body = serde_json::json!({ "event": format!("{family}.new"), "data": planter.object(family, schema) });
        let event = Event::from_json(body.to_string()).unwrap();
        let payload = event.payload().unwrap();
        let shown = format!("{event:?} {event:#?} {payload:?} {payload:#?}");
        assert!(!matches!(payload, Payload::Other(_)) && !is_leak(&shown), "{shown}");
        assert_eq!(planter.fields.is_empty(), !shown.contains("[redacted]"), "{shown}");
    }
}

#[test]
fn webhook_errors_show_no_personal_data() {
    for data in [
        serde_json::json!({ "amount": NATIONAL_ID, NAME: PHONE }),
        serde_json::json!({ "payment_id": { "name": NAME, "latitude": LATITUDE } }),
        serde_json::json!({ "currency": [EMAIL], "amount": LONGITUDE }),
    ] {
        let body = serde_json::json!({ "event": "payment.succeeded", "data": data });
        let error = Event::from_json(body.to_string()).unwrap().payload().unwrap_err();
        let shown = format!("{error} {error:?} {error:#?}");
        assert!(!is_leak(&shown), "{shown}");
    }
    for body in [format!("[{NAME:?}]"), format!("{{{NAME:?}: {NATIONAL_ID:?}, {EMAIL}"), PHONE.to_owned()] {
        let error = Event::from_json(&body).unwrap_err();
        let shown = format!("{error} {error:?} {error:#?}");
        assert!(!is_leak(&shown), "{shown}");
    }
}
