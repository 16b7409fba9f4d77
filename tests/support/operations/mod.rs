//! Every operation of the contract as a caller sends it: the one table that tests of all operations use.
//!
//! A new operation needs one row here. `wire.rs` fails with the names of those that are missing.

pub(crate) mod nodes;

use std::{any::type_name, fmt::Debug, future::Future, pin::Pin};

use futures_util::TryStreamExt as _;
use piaxis::{
    AgreementType, Client, CodeChallengeMethod, DisbursementStatus, Error, EscrowDisbursementStatus, InitiatorRole,
    Items, JsonObject, OPERATIONS, Operation, PaymentMethod, PaymentStatus, Request, ResponseBody, TermType,
    mock::{MockPiaxis, MockServerExt as _, httpmock::Mock},
    oauth::{CodeExchange, TokenRefresh},
    types::{
        Agreement, AllocationCreate, AuthorizeParams, DisbursementCancel, DisbursementCreate, DisbursementFilter,
        EscrowCreate, EscrowDisbursementCreate, EscrowDisbursementFilter, EscrowDisbursementRelease, EscrowDispute,
        EscrowRecipient, EscrowRelease, EscrowReverse, Location, OtpRequest, PaymentCreate, PaymentFilter, Recipient,
        TermCreate, UserInfo,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::support::payloads::{example, recorded_response as recorded};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The secrets that the rows and their client send.
pub(crate) const SECRETS: [&str; 9] = [
    "s-api-key",
    "s-access-token",
    "s-client-secret",
    "s-code",
    VERIFIER,
    "s-refresh-token",
    "s-otp",
    "s-mfa-code",
    "s-verification",
];

/// Options of a request that win over what the client would choose.
#[derive(Clone, Copy, Default)]
pub(crate) struct Own {
    pub(crate) idempotency_key: Option<&'static str>,
    pub(crate) request_id: Option<&'static str>,
}

/// A successful response: the value as JSON, and path and JSON of each undecoded field.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) value: Value,
    pub(crate) undecoded: Vec<(String, String)>,
}

pub(crate) type Sent = Pin<Box<dyn Future<Output = Result<Seen, Error>> + Send>>;

pub(crate) fn send<T: ResponseBody + Serialize>(request: Request<T>, own: Own) -> Sent {
    let request = own.idempotency_key.into_iter().fold(request, Request::idempotency_key);
    let request = own.request_id.into_iter().fold(request, Request::request_id);
    Box::pin(async move {
        let response = request.send_with_response().await?;
        let undecoded = response.undecoded().iter().map(|field| (field.path().to_owned(), field.json().to_owned()));
        Ok(Seen { undecoded: undecoded.collect(), value: serde_json::to_value(response.value()).unwrap() })
    })
}

/// Decodes as serde does, and encodes again, as text.
fn strict<T: DeserializeOwned + Serialize>(
    _: impl FnOnce(&Client, &str) -> Request<T>,
    body: &str,
) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&serde_json::to_string(&serde_json::from_str::<T>(body)?)?)
}

/// `Debug` of a response body, and the value encoded again.
fn shown<T: DeserializeOwned + Serialize + Debug>(
    _: impl FnOnce(&Client, &str) -> Request<T>,
    body: &Value,
) -> (String, Value) {
    let value: T = serde_json::from_value(body.clone()).unwrap();
    (format!("{value:?}\n{value:#?}"), serde_json::to_value(&value).unwrap())
}

/// Name of the schema of the response.
fn schema_of<T>(_: impl FnOnce(&Client, &str) -> Request<T>) -> &'static str {
    type_name::<T>().rsplit("::").next().unwrap()
}

/// The set of credentials of a route, as the ledger of facts has it; not read from the operation table.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Takes {
    Nothing,
    /// The API key; the client id goes along when there is one.
    Key,
    /// The API key and the client id, always both.
    KeyAndClientId,
    /// The API key, or the payer's token, or both; the client id goes along when there is one.
    KeyOrToken,
    /// The API key, or the payer's token, or both, always with the client id.
    KeyOrTokenAndClientId,
}

#[derive(Clone)]
pub(crate) enum Body {
    None,
    Json(Value),
    Form(&'static str),
}

#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) operation: &'static str,
    /// Sends the request; the second argument is the id in the path, where there is one.
    pub(crate) send: fn(&Client, &str, Own) -> Sent,
    /// Decodes a response body as serde does, and encodes the value again.
    pub(crate) strict: fn(&str) -> Result<Value, serde_json::Error>,
    /// Decodes a response body, and returns its `Debug` and what it serialises to.
    pub(crate) shown: fn(&Value) -> (String, Value),
    /// Schema of the response.
    pub(crate) schema: &'static str,
    /// Mocks the operation.
    pub(crate) mock: for<'a> fn(&'a MockPiaxis, &Value) -> Mock<'a>,
    pub(crate) method: &'static str,
    /// Path and query, with `{id}` for the id.
    pub(crate) target: &'static str,
    pub(crate) body: Body,
    pub(crate) takes: Takes,
    /// A documented or recorded response.
    pub(crate) response: Value,
}

impl Row {
    pub(crate) fn operation(&self) -> &'static Operation {
        OPERATIONS.iter().find(|operation| operation.id == self.operation).expect(self.operation)
    }

    /// Every `POST` but the token route and the quote changes something.
    pub(crate) fn writes(&self) -> bool {
        self.method == "POST" && !matches!(self.operation, "oauth_token" | "disbursements_quote")
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.operation, self.target)
    }
}

/// A row in the order of a request: operation, method, first line, body, credentials, response.
macro_rules! row {
    ($operation:ident, |$client:ident, $id:ident| $request:expr, $method:literal $target:expr, $body:expr, $takes:ident, $response:expr) => {
        Row {
            operation: stringify!($operation),
            send: |$client, $id, own| {
                let _ = $id;
                send($request, own)
            },
            strict: |body| {
                strict(
                    |$client, $id| {
                        let _ = $id;
                        $request
                    },
                    body,
                )
            },
            shown: |body| {
                shown(
                    |$client, $id| {
                        let _ = $id;
                        $request
                    },
                    body,
                )
            },
            schema: schema_of(|$client, $id| {
                let _ = $id;
                $request
            }),
            mock: |piaxis, response| {
                let response = serde_json::from_value(response.clone()).unwrap();
                piaxis.$operation(|_, then| {
                    then.success(200, &response);
                })
            },
            method: $method,
            target: $target,
            body: $body,
            takes: Takes::$takes,
            response: $response,
        }
    };
}

/// Whether a stream has a first item.
pub(crate) type First = Pin<Box<dyn Future<Output = Result<bool, Error>> + Send>>;

fn first<T: Send + 'static>(mut items: Items<T>) -> First {
    Box::pin(async move { Ok(items.try_next().await?.is_some()) })
}

/// Operation, and its stream.
type Streamed = (&'static str, fn(&Client) -> First);

/// Each list as a stream, by a filter with a status. `client/paging.rs` fails with the names of those that are missing.
pub(crate) const STREAMS: &[Streamed] = &[
    ("payments_list", |client| {
        first(client.payments().stream(PaymentFilter::builder().status(PaymentStatus::Completed).build()))
    }),
    ("disbursements_list", |client| {
        let filter = DisbursementFilter::builder().status(DisbursementStatus::Completed).build();
        first(client.disbursements().stream(filter))
    }),
    ("escrow_disbursements_list", |client| {
        let filter = EscrowDisbursementFilter::builder().status(EscrowDisbursementStatus::Completed).build();
        first(client.escrow_disbursements().stream(filter))
    }),
];

/// One row for each operation and way to send it.
#[rustfmt::skip]
pub(crate) fn rows() -> Vec<Row> {
    vec![
        row!(oauth_authorize, |client, id| client.oauth().authorize_test(authorize_params()),
            "GET" "/api/authorize?code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
                &external_user_id=user+1%26x%3Dy&merchant_id=merchant-1\
                &redirect_uri=https%3A%2F%2Fshop.example.com%2Fcallback%3Fa%3Db&state=state%2F1",
            Body::None, Nothing, recorded("authorize_test")),
        row!(oauth_token, |client, id| client.oauth().exchange_code(exchange()),
            "POST" "/api/token",
            Body::Form("client_id=client-1&client_secret=s-client-secret&code=s-code\
                &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&grant_type=authorization_code\
                &redirect_uri=https%3A%2F%2Fshop.example.com%2Fcallback"),
            Nothing, recorded("token")),
        row!(oauth_token, |client, id| client.oauth().refresh_token(refresh()),
            "POST" "/api/token",
            Body::Form("client_id=client-1&client_secret=s-client-secret&grant_type=refresh_token&refresh_token=s-refresh-token"),
            Nothing, json!({ "access_token": "access-2" })),
        row!(otp_request, |client, id| client.otp().request(OtpRequest::builder().email("buyer@example.com").build()),
            "POST" "/api/request-otp",
            Body::Json(json!({ "email": "buyer@example.com" })),
            Key, recorded("otp_request")),
        row!(payments_create, |client, id| client.payments().create(
                PaymentCreate::builder()
                    .amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn).user_info(payer())
                    .products([JsonObject::from_iter([("sku", 7)])].to_vec()).customer_pays_fees(true)
                    .recipient_id("merchant-1").mfa_code("s-mfa-code").return_url("https://shop.example.com/back").build()),
            "POST" "/api/payments/create",
            Body::Json(json!({
                "amount": "15000", "currency": "UGX", "payment_method": "mtn", "user_info": payer_json(),
                "products": [{ "sku": 7 }], "customer_pays_fees": true, "recipient_id": "merchant-1",
                "mfa_code": "s-mfa-code", "return_url": "https://shop.example.com/back",
            })),
            KeyOrToken, recorded("payment_create")),
        row!(payments_get, |client, id| client.payments().get(id),
            "GET" "/api/payments/{id}", Body::None,
            KeyOrToken, recorded("payment_details")),
        row!(payments_list, |client, id| client.payments().list(
                PaymentFilter::builder()
                    .status(PaymentStatus::Completed).payment_method(PaymentMethod::from("m&m"))
                    .from_date("2026-03-18T15:00:00+03:00".parse::<piaxis::Timestamp>().unwrap())
                    .to_date("2026-03-19T00:00:00.25Z".parse::<piaxis::Timestamp>().unwrap())
                    .limit(100_u32).offset(0_u32).build()),
            "GET" "/api/merchant-payments?from_date=2026-03-18T12%3A00%3A00Z&limit=100&offset=0&payment_method=m%26m\
                &status=completed&to_date=2026-03-19T00%3A00%3A00.250Z",
            Body::None, KeyAndClientId, recorded("payment_list")),
        row!(escrows_create, |client, id| client.escrows().create(
                EscrowCreate::builder()
                    .amount(50_000).currency_code("UGX").payment_method(PaymentMethod::PiaxisExternal)
                    .terms(vec![manual_release()]).receiver_id("merchant-1").external_user_id("user-1").user_info(payer())
                    .user_location(Location::builder().latitude(0.3476).longitude(32.5825).build())
                    .external_order_id("order-789").metadata(JsonObject::from_iter([("channel", "market")]))
                    .allocations(vec![AllocationCreate::builder().allocation_key("a").amount(20_000).build()]).build()),
            "POST" "/api/escrows/",
            Body::Json(json!({
                "amount": "50000", "currency_code": "UGX", "payment_method": "piaxis_external",
                "terms": [{ "type": "manual_release", "data": {} }], "receiver_id": "merchant-1",
                "external_user_id": "user-1", "user_info": payer_json(),
                "user_location": { "latitude": 0.3476, "longitude": 32.5825 }, "external_order_id": "order-789",
                "metadata": { "channel": "market" }, "allocations": [{ "allocation_key": "a", "amount": "20000" }],
            })),
            KeyOrTokenAndClientId, recorded("escrow_create")),
        row!(escrows_get, |client, id| client.escrows().get(id),
            "GET" "/api/escrows/{id}", Body::None,
            KeyOrToken, recorded("escrow_create")),
        row!(escrows_status, |client, id| client.escrows().status(id),
            "GET" "/api/escrows/{id}/status", Body::None,
            KeyOrToken, recorded("escrow_status")),
        row!(escrows_release, |client, id| client.escrows().release(id,
                EscrowRelease::builder()
                    .force(true).reason("received").amount(20_000).allocation_keys(["a".to_owned()]).user_info(payer())
                    .verification_code("s-verification").verification_method(piaxis::VerificationMethod::Email).build()),
            "POST" "/api/escrows/{id}/release",
            Body::Json(json!({
                "force": true, "reason": "received", "amount": "20000", "allocation_keys": ["a"], "user_info": payer_json(),
                "verification_code": "s-verification", "verification_method": "email",
            })),
            KeyOrToken, recorded("escrow_release")),
        row!(escrows_reverse, |client, id| client.escrows().reverse(id,
                EscrowReverse::builder().reason("broken").amount(30_000).allocation_keys(["b".to_owned()]).build()),
            "POST" "/api/escrows/{id}/reverse",
            Body::Json(json!({ "reason": "broken", "amount": "30000", "allocation_keys": ["b"] })),
            KeyOrToken, recorded("escrow_reverse")),
        row!(escrows_dispute, |client, id| client.escrows().dispute(id,
                EscrowDispute::builder().reason("broken").initiator_role(InitiatorRole::Sender).user_info(payer()).build()),
            "POST" "/api/escrows/{id}/disputes",
            Body::Json(json!({ "reason": "broken", "initiator_role": "sender", "user_info": payer_json() })),
            KeyOrToken, recorded("escrow_dispute")),
        row!(escrows_fulfill_term, |client, id| client.escrows().fulfill_term(id, "t-1",
                Agreement::builder().agreement_type(AgreementType::Split).split_percentage(62.5).build(), Some(payer())),
            "POST" "/api/escrows/{id}/terms/t-1/fulfill",
            Body::Json(json!({
                "term_id": "t-1", "term_type": "agreement", "user_info": payer_json(),
                "data": { "agreement_type": "split", "split_percentage": 62.5 },
            })),
            KeyOrToken, recorded("escrow_fulfill_term")),
        row!(disbursements_quote, |client, id| client.disbursements().quote(payouts()),
            "POST" "/api/disbursements/quote", Body::Json(payouts_json()),
            KeyAndClientId, example("disbursements_quote")),
        row!(disbursements_create, |client, id| client.disbursements().create(payouts()),
            "POST" "/api/disbursements", Body::Json(payouts_json()),
            KeyAndClientId, recorded("disbursement_create")),
        row!(disbursements_list, |client, id| client.disbursements().list(
                DisbursementFilter::builder()
                    .status(DisbursementStatus::PartiallyCompleted)
                    .from_date("2026-03-18T12:00:00".parse::<piaxis::Timestamp>().unwrap()).limit(20_u32).offset(40_u32).build()),
            "GET" "/api/disbursements?from_date=2026-03-18T12%3A00%3A00Z&limit=20&offset=40&status=partially_completed",
            Body::None, KeyAndClientId, recorded("disbursement_list")),
        row!(disbursements_get, |client, id| client.disbursements().get(id),
            "GET" "/api/disbursements/{id}", Body::None,
            KeyAndClientId, recorded("disbursement_detail")),
        row!(disbursements_cancel, |client, id| client.disbursements().cancel(id, cancel()),
            "POST" "/api/disbursements/{id}/cancel", Body::Json(json!({ "reason": "typing error" })),
            KeyAndClientId, recorded("disbursement_cancel")),
        row!(escrow_disbursements_create, |client, id| client.escrow_disbursements().create(
                EscrowDisbursementCreate::builder()
                    .recipients(vec![EscrowRecipient::builder().amount(25_000).phone_number("+256700111000")
                        .email("d@example.com").recipient_id("wallet-1").reference("r-1").terms(vec![manual_release()]).build()])
                    .currency("UGX").payment_method(PaymentMethod::Mtn).description("couriers")
                    .user_location(Location::builder().latitude(0.312).longitude(32.582).build()).build()),
            "POST" "/api/escrow-disbursements",
            Body::Json(json!({
                "recipients": [{
                    "amount": "25000", "phone_number": "+256700111000", "email": "d@example.com", "recipient_id": "wallet-1",
                    "reference": "r-1", "terms": [{ "type": "manual_release", "data": {} }],
                }],
                "currency": "UGX", "payment_method": "mtn", "description": "couriers",
                "user_location": { "latitude": 0.312, "longitude": 32.582 },
            })),
            KeyAndClientId, recorded("escrow_disbursement_create")),
        row!(escrow_disbursements_list, |client, id| client.escrow_disbursements().list(
                EscrowDisbursementFilter::builder().status(EscrowDisbursementStatus::Pending).limit(1_u32).offset(2_u32).build()),
            "GET" "/api/escrow-disbursements?limit=1&offset=2&status=pending", Body::None,
            KeyAndClientId, recorded("escrow_disbursement_list")),
        row!(escrow_disbursements_get, |client, id| client.escrow_disbursements().get(id),
            "GET" "/api/escrow-disbursements/{id}", Body::None,
            KeyAndClientId, recorded("escrow_disbursement_create")),
        row!(escrow_disbursements_release, |client, id| client.escrow_disbursements().release(id,
                EscrowDisbursementRelease::builder().force(true).reason("all").escrow_ids(["e-1".to_owned()]).build()),
            "POST" "/api/escrow-disbursements/{id}/release",
            Body::Json(json!({ "force": true, "reason": "all", "escrow_ids": ["e-1"] })),
            KeyAndClientId, recorded("escrow_disbursement_release")),
        row!(escrow_disbursements_cancel, |client, id| client.escrow_disbursements().cancel(id, cancel()),
            "POST" "/api/escrow-disbursements/{id}/cancel", Body::Json(json!({ "reason": "typing error" })),
            KeyAndClientId, recorded("escrow_disbursement_cancel")),
    ]
}

/// The first row of an operation.
pub(crate) fn row(operation: &str) -> Row {
    rows().into_iter().find(|row| row.operation == operation).expect(operation)
}

pub(crate) fn payment() -> PaymentCreate {
    PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

pub(crate) fn payer() -> UserInfo {
    UserInfo::builder().email("buyer@example.com").phone_number("+256700000000").otp("s-otp").build()
}

pub(crate) fn payer_json() -> Value {
    json!({ "email": "buyer@example.com", "phone_number": "+256700000000", "otp": "s-otp" })
}

pub(crate) fn manual_release() -> TermCreate {
    TermCreate::builder().type_(TermType::ManualRelease).data(JsonObject::new()).build()
}

pub(crate) fn cancel() -> DisbursementCancel {
    DisbursementCancel::builder().reason("typing error").build()
}

pub(crate) fn payouts() -> DisbursementCreate {
    let wallet = Recipient::builder().recipient_id("wallet-1").amount(100_000).reference("first").build();
    let phone = Recipient::builder()
        .phone_number("+256711111111")
        .email("b@example.com")
        .amount("50,000.50".parse::<piaxis::Amount>().unwrap())
        .build();
    DisbursementCreate::builder()
        .recipients(vec![wallet, phone])
        .currency("UGX")
        .payment_method(PaymentMethod::Airtel)
        .description("suppliers")
        .build()
}

pub(crate) fn payouts_json() -> Value {
    json!({
        "recipients": [
            { "recipient_id": "wallet-1", "amount": "100000", "reference": "first" },
            { "phone_number": "+256711111111", "email": "b@example.com", "amount": "50000.50" },
        ],
        "currency": "UGX",
        "payment_method": "airtel",
        "description": "suppliers",
    })
}

pub(crate) fn authorize_params() -> AuthorizeParams {
    AuthorizeParams::builder()
        .merchant_id("merchant-1")
        .external_user_id("user 1&x=y")
        .redirect_uri("https://shop.example.com/callback?a=b")
        .state("state/1")
        .code_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        .code_challenge_method(CodeChallengeMethod::S256)
        .build()
}

pub(crate) fn exchange() -> CodeExchange {
    CodeExchange::builder()
        .code("s-code")
        .redirect_uri("https://shop.example.com/callback")
        .code_verifier(VERIFIER)
        .client_id("client-1")
        .client_secret("s-client-secret")
        .build()
}

pub(crate) fn refresh() -> TokenRefresh {
    TokenRefresh::builder()
        .refresh_token("s-refresh-token")
        .client_id("client-1")
        .client_secret("s-client-secret")
        .build()
}
