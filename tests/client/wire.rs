//! What each operation puts on the wire: method, path, query, headers, body, and which credentials.

use std::{collections::BTreeSet, time::Duration};

use piaxis::{
    AgreementType, Client, ClientBuilder, Error, ErrorKind, JsonObject, OPERATIONS, PaymentMethod, RetryPolicy,
    oauth::{CodeExchange, TokenRefresh},
    types::{
        Agreement, DisbursementCancel, DisbursementCreate, DisbursementFilter, EscrowCreate, EscrowDisbursementCreate,
        EscrowDisbursementFilter, EscrowDisbursementRelease, EscrowDispute, EscrowRecipient, EscrowRelease,
        EscrowReverse, PaymentCreate, PaymentFilter, Recipient,
    },
};
use serde_json::{Value, json};

use crate::support::{
    operations::{Body, Own, Row, SECRETS, Sent, Takes, cancel, rows, send},
    payloads::{normalised, recorded_response},
    server::{Received, Response, Server},
};

/// The id in the paths.
const ID: &str = "3a0da2c0-a8b2-4c76-9f40-1dbf7ee03dcf";

/// A client with the credentials of every operation.
fn full(builder: ClientBuilder) -> ClientBuilder {
    let builder = builder.retry_policy(RetryPolicy::default());
    builder.api_key("s-api-key").access_token("s-access-token").client_id("client-1").client_secret("s-client-secret")
}

async fn server() -> (Server, Client) {
    let server = Server::silent().await;
    let client = full(server.builder()).build().unwrap();
    (server, client)
}

/// Sends a row's request, and returns the request as the server received it.
async fn sent(server: &Server, client: &Client, row: &Row, own: Own) -> Received {
    server.set(Response::json(200, &row.response));
    let response = (row.send)(client, ID, own).await.unwrap_or_else(|error| panic!("{}: {error}", row.name()));
    assert_eq!(response.value, normalised(&response.value), "{}", row.name());
    assert_eq!(response.value, normalised(&row.response), "{}", row.name());
    assert_eq!(response.undecoded, [], "{}", row.name());
    server.one()
}

fn is_uuid(text: Option<&str>) -> bool {
    let text = text.unwrap_or_default();
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| if dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

// ---------------------------------------------------------------- what all of them do

#[test]
fn the_table_has_every_operation_of_the_contract() {
    let rows: BTreeSet<&str> = rows().iter().map(|row| row.operation).collect();
    let missing: Vec<&str> = OPERATIONS.iter().map(|operation| operation.id).filter(|id| !rows.contains(id)).collect();
    assert!(missing.is_empty(), "tests/support/operations/mod.rs has no row for {}", missing.join(", "));
}

#[tokio::test]
async fn each_operation_sends_exactly_this_and_decodes_the_response() {
    let (server, client) = server().await;
    for row in rows() {
        let sent = sent(&server, &client, &row, Own::default()).await;
        let name = row.name();
        assert_eq!((sent.method.as_str(), &sent.target), (row.method, &row.target.replace("{id}", ID)), "{name}");
        match row.body {
            Body::None => {
                assert_eq!((sent.body.len(), sent.header("content-type")), (0, None), "{name}");
            }
            // Parsed, so that unset fields are missing and not null.
            Body::Json(body) => {
                assert_eq!(sent.json(), body, "{name}");
                assert_eq!(sent.header("content-type"), Some("application/json"), "{name}");
            }
            Body::Form(body) => {
                assert_eq!(sent.text(), body, "{name}");
                assert_eq!(sent.header("content-type"), Some("application/x-www-form-urlencoded"), "{name}");
            }
        }
        assert_eq!(sent.header("x-test-request"), (row.operation == "oauth_authorize").then_some("true"), "{name}");
    }
}

#[tokio::test]
async fn each_operation_sends_a_user_agent_a_new_request_id_and_a_new_idempotency_key() {
    let (server, client) = server().await;
    let (mut request_ids, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let (rows, mut writes) = (rows(), 0);
    for row in &rows {
        let sent = sent(&server, &client, row, Own::default()).await;
        let name = row.name();
        assert_eq!(sent.header("accept"), Some("application/json"), "{name}");
        assert_eq!(sent.header("api-version"), None, "{name}");
        assert_eq!(sent.header("x-piaxis-sdk-client"), None, "{name}");
        let user_agent = sent.header("user-agent").unwrap();
        assert_eq!(user_agent, format!("piaxis-rust/{}", env!("CARGO_PKG_VERSION")), "{name}");
        assert!(is_uuid(sent.header("x-request-id")), "{name}: {sent:?}");
        request_ids.insert(sent.header("x-request-id").unwrap().to_owned());
        assert_eq!(sent.header("x-idempotency-key").is_some(), row.writes(), "{name}");
        if row.writes() {
            writes += 1;
            assert!(is_uuid(sent.header("x-idempotency-key")), "{name}: {sent:?}");
            keys.insert(sent.header("x-idempotency-key").unwrap().to_owned());
        }
    }
    assert_eq!((request_ids.len(), keys.len()), (rows.len(), writes), "each request has ids of its own");
}

#[tokio::test]
async fn request_ids_and_idempotency_keys_of_the_caller_are_sent() {
    let (server, client) = server().await;
    for row in rows() {
        let own = Own { request_id: Some("trace-17"), idempotency_key: row.writes().then_some("order-789") };
        let sent = sent(&server, &client, &row, own).await;
        assert_eq!(sent.header("x-request-id"), Some("trace-17"), "{}", row.name());
        assert_eq!(sent.header("x-idempotency-key"), own.idempotency_key, "{}", row.name());
    }
}

#[tokio::test]
async fn an_idempotency_key_of_a_read_is_rejected() {
    let (server, client) = server().await;
    for row in rows().into_iter().filter(|row| !row.writes()) {
        let error = (row.send)(&client, ID, Own { idempotency_key: Some("k"), ..Own::default() }).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidRequest, Some(row.operation)), "{error}");
    }
    assert_eq!(server.take().len(), 0);
}

#[tokio::test]
async fn each_operation_sends_the_name_of_the_application() {
    let server = Server::silent().await;
    let client = full(server.builder()).app_info("orders-service", "1.4.0").build().unwrap();
    for row in rows() {
        let sent = sent(&server, &client, &row, Own::default()).await;
        assert_eq!(sent.header("x-piaxis-sdk-client"), Some("orders-service/1.4.0"), "{}", row.name());
        assert!(sent.header("user-agent").unwrap().starts_with("piaxis-rust/"), "{}", row.name());
    }
}

#[tokio::test]
async fn secrets_stay_out_of_urls_and_foreign_headers() {
    let (server, client) = server().await;
    for row in rows() {
        let sent = sent(&server, &client, &row, Own::default()).await;
        for secret in SECRETS {
            assert!(!sent.target.contains(secret), "{}: {secret} is in the URL", row.name());
            let mut headers = sent.headers.iter().filter(|(_, value)| value.contains(secret));
            let allowed = |name: &str| match secret {
                "s-api-key" => name.eq_ignore_ascii_case("api-key"),
                "s-access-token" => name.eq_ignore_ascii_case("authorization"),
                _ => false,
            };
            assert!(headers.all(|(name, _)| allowed(name)), "{}: {secret} is in a header", row.name());
        }
        if row.operation != "oauth_token" {
            assert!(!String::from_utf8_lossy(&sent.body).contains("s-client-secret"), "{}", row.name());
        }
    }
}

// ---------------------------------------------------------------- credentials

/// A client with some of the credentials.
#[derive(Clone, Copy, Debug)]
struct Has {
    key: bool,
    token: bool,
    client_id: bool,
}

const ALL_SORTS: [Has; 7] = [
    Has { key: true, token: false, client_id: false },
    Has { key: true, token: false, client_id: true },
    Has { key: false, token: true, client_id: false },
    Has { key: false, token: true, client_id: true },
    Has { key: true, token: true, client_id: true },
    Has { key: true, token: true, client_id: false },
    Has { key: false, token: false, client_id: false },
];

impl Has {
    fn client(self, server: &Server) -> Client {
        let mut builder = server.builder();
        if self.key {
            builder = builder.api_key("s-api-key");
        }
        if self.token {
            builder = builder.access_token("s-access-token");
        }
        if self.client_id {
            builder = builder.client_id("client-1");
        }
        builder.build().unwrap()
    }
}

/// The headers that go (key, token, client id), or what is missing.
fn expected(takes: Takes, has: Has) -> Result<(bool, bool, bool), &'static str> {
    let Has { key, token, client_id } = has;
    match takes {
        Takes::Nothing => Ok((false, false, false)),
        Takes::Key if key => Ok((true, false, client_id)),
        Takes::Key => Err("PIAXIS_API_KEY"),
        Takes::KeyAndClientId if key && client_id => Ok((true, false, true)),
        Takes::KeyAndClientId if key => Err("PIAXIS_CLIENT_ID"),
        Takes::KeyAndClientId => Err("PIAXIS_API_KEY"),
        Takes::KeyOrToken if key || token => Ok((key, token, client_id)),
        Takes::KeyOrToken => Err("PIAXIS_API_KEY"),
        // The route rejects a request without the client id, with any other credentials.
        Takes::KeyOrTokenAndClientId if (key || token) && client_id => Ok((key, token, true)),
        Takes::KeyOrTokenAndClientId if key || token => Err("PIAXIS_CLIENT_ID"),
        Takes::KeyOrTokenAndClientId => Err("PIAXIS_API_KEY"),
    }
}

#[tokio::test]
async fn each_operation_sends_the_credentials_that_it_takes_and_no_others() {
    let server = Server::silent().await;
    for has in ALL_SORTS {
        let client = has.client(&server);
        for row in rows() {
            let about = format!("{} with {has:?}", row.name());
            match expected(row.takes, has) {
                Ok((key, token, client_id)) => {
                    let sent = sent(&server, &client, &row, Own::default()).await;
                    let headers = ["api-key", "authorization", "x-piaxis-client-id"].map(|name| sent.header(name));
                    let wanted = [
                        key.then_some("s-api-key"),
                        token.then_some("Bearer s-access-token"),
                        client_id.then_some("client-1"),
                    ];
                    assert_eq!(headers, wanted, "{about}");
                }
                Err(variable) => {
                    let error = (row.send)(&client, ID, Own::default()).await.expect_err(&about);
                    assert_eq!(error.kind(), ErrorKind::Configuration, "{about}: {error}");
                    assert_eq!(error.operation(), Some(row.operation), "{about}");
                    let missing_client_id = variable == "PIAXIS_CLIENT_ID";
                    assert_eq!(error.code(), missing_client_id.then_some("MISSING_CLIENT_ID"), "{about}: {error}");
                    assert!(error.message().unwrap().contains(variable), "{about}: {error}");
                    assert!(
                        error.to_string().starts_with(&format!("{}: not sent: ", row.operation)),
                        "{about}: {error}"
                    );
                    assert_eq!(error.status(), None, "{about}");
                    assert_eq!(server.take().len(), 0, "{about}: something was sent");
                }
            }
        }
    }
}

// ---------------------------------------------------------------- bodies

#[tokio::test]
async fn what_is_unset_is_not_sent() {
    let (server, client) = server().await;
    let payment = || PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Card).build();
    let recipient = || Recipient::builder().amount(1).build();
    let payouts = || {
        DisbursementCreate::builder()
            .recipients(vec![recipient()])
            .currency("UGX")
            .payment_method(PaymentMethod::Mtn)
            .build()
    };
    let payouts_json = json!({ "recipients": [{ "amount": "1" }], "currency": "UGX", "payment_method": "mtn" });
    let escrow =
        EscrowCreate::builder().amount(1).currency_code("UGX").payment_method(PaymentMethod::Mtn).terms(vec![]).build();
    let batch = EscrowDisbursementCreate::builder()
        .recipients(vec![EscrowRecipient::builder().amount(1).terms(vec![]).build()])
        .currency("UGX")
        .payment_method(PaymentMethod::Mtn)
        .build();
    let agreement = Agreement::builder().agreement_type(AgreementType::Release).build();
    let own = Own::default();
    let requests: Vec<(Sent, Value)> = vec![
        (
            send(client.payments().create(payment()), own),
            json!({ "amount": "1", "currency": "UGX", "payment_method": "card" }),
        ),
        (
            send(client.escrows().create(escrow), own),
            json!({ "amount": "1", "currency_code": "UGX", "payment_method": "mtn", "terms": [] }),
        ),
        // `force` is always written: a server that defaults to true must not decide.
        (send(client.escrows().release("e", EscrowRelease::builder().build()), own), json!({ "force": false })),
        (send(client.escrows().reverse("e", EscrowReverse::builder().build()), own), json!({})),
        (
            send(client.escrows().dispute("e", EscrowDispute::builder().reason("r").build()), own),
            json!({ "reason": "r" }),
        ),
        (
            send(client.escrows().fulfill_term("e", "t", agreement, None), own),
            json!({ "term_id": "t", "term_type": "agreement", "data": { "agreement_type": "release" } }),
        ),
        (send(client.disbursements().quote(payouts()), own), payouts_json.clone()),
        (send(client.disbursements().create(payouts()), own), payouts_json),
        (send(client.disbursements().cancel("d", DisbursementCancel::builder().build()), own), json!({})),
        (
            send(client.escrow_disbursements().create(batch), own),
            json!({ "recipients": [{ "amount": "1", "terms": [] }], "currency": "UGX", "payment_method": "mtn" }),
        ),
        (
            send(client.escrow_disbursements().release("d", EscrowDisbursementRelease::builder().build()), own),
            json!({ "force": false }),
        ),
        (send(client.escrow_disbursements().cancel("d", DisbursementCancel::builder().build()), own), json!({})),
    ];
    // One response that all of them decode.
    server.set(Response::json(
        200,
        json!({
            "payment_id": "p", "id": "e", "status": "s", "dispute_id": "d", "disbursement_id": "d", "currency": "UGX",
            "total_debit_amount": 1,
        }),
    ));
    for (request, body) in requests {
        request.await.unwrap();
        let sent = server.one();
        assert_eq!(sent.json(), body, "{}", sent.target);
        assert_eq!(sent.body.len(), body.to_string().len(), "{}: not a space more", sent.target);
    }
}

#[tokio::test]
async fn unset_filters_leave_no_query() {
    let (server, client) = server().await;
    server.set(Response::json(200, json!({ "results": [] })));
    let own = Own::default();
    for request in [
        send(client.payments().list(PaymentFilter::default()), own),
        send(client.disbursements().list(DisbursementFilter::default()), own),
        send(client.escrow_disbursements().list(EscrowDisbursementFilter::default()), own),
    ] {
        request.await.unwrap();
        assert!(!server.one().target.contains('?'));
    }
}

#[tokio::test]
async fn the_mfa_code_goes_into_the_query_only_where_the_contract_has_it() {
    let (server, client) = server().await;
    server.set(Response::json(200, recorded_response("payment_create")));
    let body = || PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn);
    client.payments().create_with_mfa_code_in_query(body().build(), "12 34&5").await.unwrap();
    let sent = server.one();
    assert_eq!(sent.target, "/api/payments/create?mfa_code=12+34%265");
    assert_eq!(sent.json(), json!({ "amount": "1", "currency": "UGX", "payment_method": "mtn" }));

    let twice = client.payments().create_with_mfa_code_in_query(body().mfa_code("1").build(), "2").await.unwrap_err();
    assert_eq!((twice.kind(), twice.operation()), (ErrorKind::InvalidRequest, Some("payments_create")));
    assert_eq!(server.take().len(), 0);
}

#[tokio::test]
async fn the_clients_own_id_and_secret_serve_the_token_route() {
    let (server, client) = server().await;
    server.set(Response::json(200, json!({ "access_token": "a" })));
    client.oauth().refresh_token(TokenRefresh::builder().refresh_token("r&=").build()).await.unwrap();
    assert_eq!(
        server.one().text(),
        "client_id=client-1&client_secret=s-client-secret&grant_type=refresh_token&refresh_token=r%26%3D"
    );

    let exchange = || CodeExchange::builder().code("c").redirect_uri("https://a.example/b").build();
    client.oauth().exchange_code(exchange()).await.unwrap();
    assert_eq!(
        server.one().text(),
        "client_id=client-1&client_secret=s-client-secret&code=c&grant_type=authorization_code\
         &redirect_uri=https%3A%2F%2Fa.example%2Fb"
    );

    for (client, variable) in [
        (server.builder().build().unwrap(), "PIAXIS_CLIENT_ID"),
        (server.builder().client_id("c").build().unwrap(), "PIAXIS_CLIENT_SECRET"),
    ] {
        let error = client.oauth().exchange_code(exchange()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().unwrap().contains(variable), "{error}");
    }
    assert_eq!(server.take().len(), 0);
}

// ---------------------------------------------------------------- options of one request

#[tokio::test]
async fn a_header_of_one_request_is_sent_with_that_request_only() {
    let (server, client) = server().await;
    server.set(Response::json(200, recorded_response("payment_details")));
    let get = || client.payments().get("p");
    get().header("X-Tenant", "north").header("User-Agent", "shop/2").header("x-tenant", "south").await.unwrap();
    let sent = server.one();
    assert_eq!((sent.header("x-tenant"), sent.header("user-agent")), (Some("south"), Some("shop/2")));
    get().await.unwrap();
    assert_eq!(server.one().header("x-tenant"), None);
}

#[tokio::test]
async fn reserved_headers_are_rejected() {
    let (server, client) = server().await;
    let secret = "s-api-key\nx";
    for (name, value) in [
        ("Api-Key", "other"),
        ("authorization", "Bearer other"),
        ("X-Piaxis-Client-Id", "other"),
        ("host", "example.com"),
        ("content-length", "1"),
        ("Content-Type", "text/plain"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
        ("no name", "v"),
        ("", "v"),
        ("x-tenant", ""),
        ("x-tenant", secret),
        ("x-request-id", " "),
    ] {
        let error = client.payments().get("p").header(name, value).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidRequest, Some("payments_get")), "{name}");
        assert!(!format!("{error} {error:?}").contains(secret.trim()), "{error}");
    }
    assert_eq!(server.take().len(), 0);
}

#[tokio::test]
async fn a_server_that_never_responds_is_a_timeout() {
    let (server, client) = server().await;
    let short = Duration::from_millis(50);
    let error = client.payments().get("p").timeout(short).request_id("trace-17").await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Timeout, Some("payments_get")));
    assert_eq!((error.status(), error.request_id()), (None, Some("trace-17")));

    let hasty = full(server.builder()).timeout(short).build().unwrap();
    assert!(hasty.escrows().get("e").await.unwrap_err().is_timeout());
    // The timeout of the request overrides that of the client.
    server.set(Response::json(200, recorded_response("escrow_create")));
    let patient = full(server.builder()).timeout(Duration::ZERO).build().unwrap();
    patient.escrows().get("e").timeout(Duration::from_secs(60)).await.unwrap();
}

#[tokio::test]
async fn the_response_has_status_headers_and_request_id() {
    let (server, client) = server().await;
    let body = recorded_response("payment_details");
    let headers = [("content-type", "application/json"), ("x-request-id", "theirs"), ("x-rate", "9")];
    server.set(Response::new(201, &headers, body.to_string()));
    let response = client.payments().get("p").request_id("ours").send_with_response().await.unwrap();
    assert_eq!((response.status().as_u16(), response.request_id()), (201, Some("theirs")));
    assert_eq!(response.headers()["x-rate"], "9");
    assert_eq!((response.id.as_str(), response.value().currency.as_str()), ("pay_123", "UGX"));
    assert_eq!(response.into_value().amount, piaxis::Amount::from(15_000));

    server.set(Response::json(200, &body));
    let response = client.payments().get("p").request_id("ours").send_with_response().await.unwrap();
    assert_eq!(response.request_id(), Some("ours"));
    let response = client.payments().get("p").send_with_response().await.unwrap();
    assert!(is_uuid(response.request_id()));
}

#[tokio::test]
async fn the_generated_client_is_reachable_with_the_same_credentials_options_and_errors() {
    let (server, client) = server().await;
    server.set(Response::json(200, recorded_response("payment_details")));
    let payment = client.raw().payments_get("p").request_id("trace-17").await.unwrap();
    assert_eq!(payment.id, "pay_123");
    let sent = server.take().remove(0);
    assert_eq!((sent.target.as_str(), sent.header("api-key")), ("/api/payments/p", Some("s-api-key")));
    assert_eq!((sent.header("x-request-id"), sent.header("api-version")), (Some("trace-17"), None));

    server.set(Response::json(404, json!({ "detail": "no such payment" })));
    let error = client.raw().payments_get("p").await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, Some("payments_get")));
    assert_eq!(error.message(), Some("no such payment"));
    server.take();

    // No resource method lets these through; the transport does not either.
    for id in ["..", ".", ""] {
        let error = client.raw().payments_get(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{id}");
    }
    assert_eq!(server.take().len(), 0);

    // A URL reads a backslash as a slash.
    client.raw().payments_get(r"x\..\y").await.unwrap_err();
    assert_eq!(server.take().len(), 0);
}

#[tokio::test]
async fn an_id_is_one_segment_of_the_path_or_nothing_is_sent() {
    let (server, client) = server().await;
    server.set(Response::json(200, recorded_response("escrow_fulfill_term")));
    for (id, segment) in [
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("a?b#c", "a%3Fb%23c"),
        ("a%2Fb", "a%252Fb"),
        ("ä", "%C3%A4"),
        ("a.b+c", "a.b%2Bc"),
        ("...", "..."),
        ("../token", "..%2Ftoken"),
    ] {
        client
            .escrows()
            .fulfill_term(id, id, piaxis::TermEvidence::CustomEvidence(JsonObject::new()), None)
            .await
            .unwrap();
        assert_eq!(server.one().target, format!("/api/escrows/{segment}/terms/{segment}/fulfill"), "{id}");
    }
    for id in ["", ".", "..", r"a\b"] {
        for request in [
            send(client.payments().get(id), Own::default()),
            send(client.escrows().status(id), Own::default()),
            send(client.disbursements().cancel(id, cancel()), Own::default()),
            send(client.escrow_disbursements().get(id), Own::default()),
        ] {
            assert_eq!(request.await.unwrap_err().kind(), ErrorKind::InvalidRequest, "{id}");
        }
    }
    assert_eq!(server.take().len(), 0);
}

// ---------------------------------------------------------------- requests as values

#[test]
fn clients_and_requests_can_be_sent_to_other_threads() {
    fn shared<T: Send + Sync + Unpin + 'static>() {}
    fn sendable<T: Send + 'static>(_: &T) {}
    shared::<Client>();
    shared::<ClientBuilder>();
    shared::<Error>();
    shared::<piaxis::Response<piaxis::types::Payment>>();
    let client = Client::builder().api_key("k").build().unwrap();
    let request = client.payments().get("p");
    sendable(&request);
    sendable(&request.into_future());
    sendable(&client.payments().get("p").send_with_response());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_work_across_spawned_tasks() {
    let (server, client) = server().await;
    server.set(Response::json(200, recorded_response("payment_details")));
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let request = client.payments().get(format!("p-{number}")).request_id(format!("trace-{number}"));
            tokio::spawn(async move { request.await.unwrap().id })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "pay_123");
    }
    // The options of one request never reach another.
    let found: BTreeSet<(String, String)> = server
        .take()
        .iter()
        .map(|sent| (sent.target.clone(), sent.header("x-request-id").unwrap().to_owned()))
        .collect();
    let wanted = (0..8).map(|number| (format!("/api/payments/p-{number}"), format!("trace-{number}"))).collect();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn a_request_that_is_not_awaited_sends_nothing() {
    let (server, client) = server().await;
    for row in rows() {
        drop((row.send)(&client, ID, Own::default()));
    }
    drop(client.payments().get("p"));
    drop(client.payments().get("p").into_future());
    drop(client.payments().get("p").send_with_response());
    // Any earlier request would be recorded before this one.
    server.set(Response::json(200, recorded_response("payment_details")));
    client.payments().get("awaited").await.unwrap();
    assert_eq!(server.one().target, "/api/payments/awaited");
}

/// CI runs this file once with reqwest's `cookies`, `gzip` and `http2` switched on, as another crate of a program may.
#[tokio::test]
async fn features_of_reqwest_change_nothing() {
    let (server, client) = server().await;
    let headers = [("content-type", "application/json"), ("set-cookie", "session=1; Path=/")];
    server.set(Response::new(200, &headers, recorded_response("payment_details").to_string()));
    for _ in 0..2 {
        client.payments().get("p").await.unwrap();
        let sent = server.one();
        for name in ["cookie", "accept-encoding", "upgrade", "http2-settings", "referer"] {
            assert_eq!(sent.header(name), None, "{name}");
        }
    }
    // The client did not accept gzip, so the body is not decoded.
    let gzipped = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    server.set(Response::new(200, &headers, gzipped));
    let error = client.payments().get("p").await.unwrap_err();
    assert_eq!((error.kind(), error.body()), (ErrorKind::Decode, Some(&gzipped[..])));
}
