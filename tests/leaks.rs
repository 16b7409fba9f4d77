//! Leaks: every secret is planted, everything that can be printed is collected, and no secret may be in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// What `unwrap` prints is what is tested.
#![allow(clippy::unnecessary_literal_unwrap)]

mod log;
mod support;

use std::{
    cell::Cell,
    error::Error as _,
    fmt::Debug,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    pin::Pin,
    sync::Once,
    time::Duration,
};

use log::Log;
use piaxis::{
    Client, Environment, Error, JsonObject, PaymentMethod, Request, Secret, TermEvidence, TermType,
    oauth::{CodeExchange, State, TokenRefresh},
    pkce::Pkce,
    types::{
        AuthorizeParams, EscrowCreate, EscrowDispute, EscrowRelease, EscrowReverse, OtpRequest, PasswordEvidence,
        PaymentCreate, TermCreate, UserInfo,
    },
};
use support::{Answer, Server, nowhere};

/// What every secret begins with, so that a part of one is found too.
const MARK: &str = "s3ntinel";
const API_KEY: &str = "s3ntinel-api-key";
const ACCESS_TOKEN: &str = "s3ntinel-access-token";
const CLIENT_SECRET: &str = "s3ntinel-client-secret";
const CODE: &str = "s3ntinel-code";
const VERIFIER: &str = "s3ntinel-code-verifier-0123456789-0123456789-0123456789";
const REFRESH_TOKEN: &str = "s3ntinel-refresh-token";
const OTP: &str = "s3ntinel-otp";
const MFA: &str = "s3ntinel-mfa";
const VERIFICATION: &str = "s3ntinel-verification-code";
const PASSWORD: &str = "s3ntinel-password";
const STATE: &str = "s3ntinel-state";

/// Everything that was printed, and by what.
#[derive(Default)]
struct Printed(Vec<(String, String)>);

impl Printed {
    fn text(&mut self, what: &str, text: impl Into<String>) {
        self.0.push((what.to_owned(), text.into()));
    }

    fn debug(&mut self, what: &str, value: &impl Debug) {
        self.text(what, format!("{value:?}"));
        self.text(what, format!("{value:#?}"));
    }

    fn error(&mut self, what: &str, error: Error) {
        self.text(what, error.to_string());
        self.debug(what, &error);
        for field in error.field_errors() {
            self.text(what, field.to_string());
            self.debug(what, field);
        }
        self.text(what, format!("{:?} {:?}", error.code(), error.message()));
        let mut source = error.source();
        while let Some(inner) = source {
            self.text(what, inner.to_string());
            self.debug(what, &inner);
            source = inner.source();
        }
        self.panic(what, || Err::<(), _>(error).unwrap());
    }

    fn panic(&mut self, what: &str, panics: impl FnOnce()) {
        quiet_panics();
        QUIET.set(true);
        let caught = catch_unwind(AssertUnwindSafe(panics));
        QUIET.set(false);
        let payload = caught.expect_err("it should panic");
        self.text(what, *payload.downcast::<String>().expect("`unwrap` panics with a text"));
    }

    #[track_caller]
    fn assert_clean(&self) {
        for (what, text) in &self.0 {
            assert!(!text.contains(MARK), "{what}: {text}");
        }
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Thousands of backtraces take minutes.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
}

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

fn with_credentials(builder: piaxis::ClientBuilder) -> piaxis::ClientBuilder {
    builder.api_key(API_KEY).access_token(ACCESS_TOKEN).client_id("client-1").client_secret(CLIENT_SECRET)
}

type Outcome = Pin<Box<dyn Future<Output = (Printed, bool)>>>;

/// A call that carries secrets.
struct Call {
    name: &'static str,
    secrets: &'static [&'static str],
    outcome: Outcome,
}

/// Sends it and prints all there is; whether it succeeded.
fn call<T>(
    name: &'static str,
    secrets: &'static [&'static str],
    body: impl Debug + 'static,
    request: Request<T>,
) -> Call
where
    T: Debug + piaxis::ResponseBody,
{
    let outcome = async move {
        let mut printed = Printed::default();
        printed.debug(name, &body);
        printed.debug(name, &request);
        match request.send_with_response().await {
            Err(error) => {
                printed.error(name, error);
                (printed, false)
            }
            Ok(response) => {
                printed.debug(name, &response);
                printed.debug(name, response.value());
                printed.panic(name, || drop(Ok::<_, Error>(response).unwrap_err()));
                (printed, true)
            }
        }
    };
    Call { name, secrets, outcome: Box::pin(outcome) }
}

fn calls(client: &Client) -> Vec<Call> {
    let payer = || UserInfo::builder().email("a@example.com").otp(OTP).build();
    let payment =
        || PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).user_info(payer());
    let data = || JsonObject::from_iter([("password", PASSWORD)]);
    let term = TermCreate::builder().type_(TermType::Password).data(data()).build();
    let escrow = EscrowCreate::builder().amount(1).currency_code("UGX").payment_method(PaymentMethod::Mtn);
    let escrow = escrow.terms([term]).user_info(payer()).build();
    let release = EscrowRelease::builder().verification_code(VERIFICATION).user_info(payer()).build();
    let reverse = EscrowReverse::builder().verification_code(VERIFICATION).user_info(payer()).build();
    let dispute = EscrowDispute::builder().reason("broken").user_info(payer()).build();
    let evidence = PasswordEvidence::builder().password(PASSWORD).build();
    let other = TermEvidence::Other { term_type: TermType::from("riddle"), data: data() };
    let exchange = CodeExchange::builder().code(CODE).redirect_uri("https://shop.example.com/").code_verifier(VERIFIER);
    let exchange = exchange.build();
    let own_secret = CodeExchange::builder().code(CODE).redirect_uri("https://shop.example.com/");
    let own_secret = own_secret.client_id("client-2").client_secret(CLIENT_SECRET).build();
    let refresh = TokenRefresh::builder().refresh_token(REFRESH_TOKEN).build();
    let authorize = AuthorizeParams::builder().merchant_id("m-1").external_user_id("u-1").state(STATE);
    let authorize = authorize.redirect_uri("https://shop.example.com/").build();
    let otp = OtpRequest::builder().email("a@example.com").build();

    let (payments, escrows, oauth) = (client.payments(), client.escrows(), client.oauth());
    vec![
        call("get", &[API_KEY, ACCESS_TOKEN], "", payments.get("pay-1")),
        call(
            "payment, code in the body",
            &[API_KEY, ACCESS_TOKEN, OTP, MFA],
            payment().mfa_code(MFA).build(),
            payments.create(payment().mfa_code(MFA).build()),
        ),
        call(
            "payment, code in the query",
            &[API_KEY, ACCESS_TOKEN, OTP, MFA],
            Secret::from(MFA),
            payments.create_with_mfa_code_in_query(payment().build(), MFA),
        ),
        call("escrow", &[API_KEY, OTP, PASSWORD], escrow.clone(), escrows.create(escrow)),
        call("release", &[API_KEY, OTP, VERIFICATION], release.clone(), escrows.release("escrow-1", release)),
        call("reverse", &[API_KEY, OTP, VERIFICATION], reverse.clone(), escrows.reverse("escrow-1", reverse)),
        call("dispute", &[API_KEY, OTP], dispute.clone(), escrows.dispute("escrow-1", dispute)),
        call(
            "password",
            &[API_KEY, OTP, PASSWORD],
            (evidence.clone(), TermEvidence::from(evidence.clone())),
            escrows.fulfill_term("escrow-1", "term-1", evidence, Some(payer())),
        ),
        call(
            "other evidence",
            &[API_KEY, ACCESS_TOKEN, PASSWORD],
            other.clone(),
            escrows.fulfill_term("escrow-1", "term-1", other, None),
        ),
        call("exchange", &[CODE, VERIFIER, CLIENT_SECRET], exchange.clone(), oauth.exchange_code(exchange)),
        call("exchange, own secret", &[CODE, CLIENT_SECRET], own_secret.clone(), oauth.exchange_code(own_secret)),
        call("refresh", &[REFRESH_TOKEN, CLIENT_SECRET], refresh.clone(), oauth.refresh_token(refresh)),
        call("authorize", &[API_KEY, STATE], authorize.clone(), oauth.authorize_test(authorize)),
        call("otp", &[API_KEY, ACCESS_TOKEN], otp.clone(), client.otp().request(otp)),
    ]
}

/// Runs every call against each answer that `answers` makes of the secrets of the call, and collects what is printed of
/// those that fail.
async fn collect_failures(answers: impl Fn(&[&str]) -> Vec<Answer>) -> Printed {
    let server = Server::start(Answer::CloseUnread).await;
    let client = with_credentials(server.builder()).timeout(Duration::from_secs(60)).build().unwrap();
    let mut all = Printed::default();
    for number in 0..calls(&client).len() {
        let rounds = answers(calls(&client)[number].secrets);
        for answer in rounds {
            let call = calls(&client).swap_remove(number);
            let shown = if let Answer::Bytes(bytes) = &answer {
                String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
            } else {
                format!("{answer:?}")
            };
            server.set(answer);
            let (printed, succeeded) = call.outcome.await;
            if !succeeded {
                all.0.extend(printed.0.into_iter().map(|(what, text)| (format!("{what}, answered {shown}"), text)));
            }
        }
    }
    all
}

/// Refusals that repeat the secret wherever there is room for words.
fn echoes(secrets: &[&str]) -> Vec<Answer> {
    let all = secrets.join(" and ");
    let mut bodies = vec![
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
    ];
    for secret in secrets {
        // Where a long text is cut, a part of the secret must not be left over.
        bodies.extend(
            (480..=500)
                .step_by(2)
                .map(|before| ("application/json", format!(r#"{{"detail":"{}{secret}"}}"#, "x".repeat(before)))),
        );
    }
    let answers = bodies.iter().flat_map(|(content_type, body)| {
        let headers = [("content-type", *content_type), ("location", "https://evil.example.com/")];
        [400, 401, 422, 500, 302].map(|status| {
            [Answer::new(status, &headers, body), Answer::declaring(body.len() + 10, status, &headers, body)]
        })
    });
    answers.flatten().collect()
}

#[tokio::test]
async fn refusals_that_repeat_the_secrets_do_not_bring_them_into_errors_or_logs() {
    let log = Log::default();
    let _guard = keep(&log);
    let printed = collect_failures(echoes).await;
    let stars = printed.0.iter().filter(|(_, text)| text.contains("wrong: ***")).count();
    assert!(stars > 1_000, "the rest of the words should be there: {stars}");
    printed.assert_clean();
    assert!(log.text().contains("attempt ended") && log.text().contains("server.address"), "{}", log.text());
    assert!(!log.text().contains(MARK), "{}", lines_with_a_mark(&log));
}

fn lines_with_a_mark(log: &Log) -> String {
    log.text().lines().filter(|line| line.contains(MARK)).take(5).collect::<Vec<_>>().join("\n")
}

/// Successes that cannot be read, with the secret in the place that is wrong.
fn unreadable(secrets: &[&str]) -> Vec<Answer> {
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
    let mut answers: Vec<Answer> = bodies.iter().map(|body| Answer::json(200, body)).collect();
    answers.extend(bodies.iter().take(3).map(|body| Answer::declaring(body.len() + 10, 200, &[], body)));
    answers
}

#[tokio::test]
async fn successes_that_cannot_be_read_do_not_bring_secrets_into_errors_or_logs() {
    let log = Log::default();
    let _guard = keep(&log);
    let printed = collect_failures(unreadable).await;
    let located = printed.0.iter().filter(|(_, text)| text.contains("`access_token`: expected a text")).count();
    assert!(located > 3, "the field should be named: {located}");
    printed.assert_clean();
    assert!(!log.text().contains(MARK), "{}", lines_with_a_mark(&log));
}

#[tokio::test]
async fn failures_of_the_connection_do_not_show_the_url_or_the_request() {
    let log = Log::default();
    let _guard = keep(&log);
    let server = Server::start(Answer::CloseUnread).await;
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
    let answers = [Answer::CloseUnread, Answer::CloseUnanswered, Answer::Bytes(b"220 smtp\r\n".to_vec())];
    let mut all = Printed::default();
    for (number, client) in clients.into_iter().enumerate() {
        let client = client.build().unwrap();
        let stall = Answer::Stall(b"HTTP/1.1 200 OK\r\n\r\n".to_vec());
        let answers = match number {
            1 => vec![stall],
            // Waiting for the end of a request would be waiting for the timeout.
            3 => vec![Answer::CloseUnread],
            _ => answers.to_vec(),
        };
        for answer in answers {
            server.set(answer);
            for call in calls(&client) {
                let name = call.name;
                let (printed, succeeded) = call.outcome.await;
                assert!(!succeeded, "{name}");
                all.0.extend(printed.0);
            }
        }
    }
    all.assert_clean();
    let log_text = log.text();
    assert!(log_text.contains("attempt ended") && log_text.contains(r#"error.type="timeout""#), "{log_text}");
    assert!(!log_text.contains(MARK), "{}", lines_with_a_mark(&log));
}

#[tokio::test]
async fn secrets_in_answers_are_read_but_not_shown() {
    let log = Log::default();
    let _guard = keep(&log);
    let server = Server::start(Answer::CloseUnread).await;
    let client = with_credentials(server.builder()).build().unwrap();
    let mut printed = Printed::default();
    let cookie = ("set-cookie", "session=s3ntinel-session");

    let tokens = r#"{"access_token":"s3ntinel-access","refresh_token":"s3ntinel-refresh","token_type":"bearer",
        "id_token":"s3ntinel-id","more":{"secret":["s3ntinel-nested"]}}"#;
    server.set(Answer::new(200, &[cookie], tokens));
    let refresh = TokenRefresh::builder().refresh_token(REFRESH_TOKEN).build();
    let response = client.oauth().refresh_token(refresh).send_with_response().await.unwrap();
    assert_eq!(response.access_token.expose(), "s3ntinel-access");
    assert_eq!(response.refresh_token.as_ref().map(Secret::expose), Some("s3ntinel-refresh"));
    assert_eq!(response.extra["id_token"], "s3ntinel-id");
    printed.debug("tokens", &response);
    printed.debug("tokens", response.value());
    printed.panic("tokens", || drop(Ok::<_, Error>(response.into_value()).unwrap_err()));

    server.set(Answer::new(200, &[cookie], r#"{"otp":"s3ntinel-otp","expires_in":300}"#));
    let request = OtpRequest::builder().email("a@example.com").build();
    let response = client.otp().request(request.clone()).send_with_response().await.unwrap();
    assert_eq!(response.otp.as_ref().map(Secret::expose), Some("s3ntinel-otp"));
    printed.debug("otp", &response);
    server.set(Answer::json(200, r#"{"otp":918273645}"#));
    let response = client.otp().request(request).await.unwrap();
    assert_eq!(response.otp.as_ref().map(Secret::expose), Some("918273645"));
    assert!(!format!("{response:?}{response:#?}").contains("918273645"));

    let test = r#"{"redirect_url":"https://shop.example.com/?code=s3ntinel-code&state=s3ntinel-state","code":"s3ntinel-code",
        "next_step":"POST /api/token","token_parameters":{"grant_type":"authorization_code","code":"s3ntinel-code",
        "client_id":"client-1","client_secret":"s3ntinel-secret","code_verifier":"s3ntinel-verifier"}}"#;
    server.set(Answer::json(200, test));
    let params = AuthorizeParams::builder().merchant_id("m-1").external_user_id("u-1");
    let params = params.redirect_uri("https://shop.example.com/").build();
    let response = client.oauth().authorize_test(params).send_with_response().await.unwrap();
    let parameters = response.token_parameters.as_ref().unwrap();
    assert_eq!(parameters.client_secret.as_ref().map(Secret::expose), Some("s3ntinel-secret"));
    printed.debug("test authorisation", &response);
    printed.debug("token parameters", parameters);

    printed.assert_clean();
    assert!(!log.text().contains(MARK), "{}", lines_with_a_mark(&log));
}

#[test]
fn numbers_that_are_secrets_are_taken_out_of_the_words() {
    // FastAPI repeats the input, also where it is a number.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let body =
            r#"{"code":918273645,"detail":[{"loc":["body",918273645],"msg":"918273645 is wrong","type":918273645}]}"#;
        let server = Server::start(Answer::json(422, body)).await;
        let payer = UserInfo::builder().otp("918273645").build();
        let payment = PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn);
        let error = server.client().payments().create(payment.user_info(payer).build()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("918273645"), "{error:?}");
        assert_eq!(error.field_errors()[0].message(), "*** is wrong");
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
    printed.debug("raw call", &client.raw().payments_get(MARK));
    printed.debug("call", &client.payments().get("pay-1").header("x-own", MARK));
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
