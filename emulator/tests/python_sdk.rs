//! The official Python SDK, unmodified, against the emulator; and its requests beside ours for the same intents.
//!
//! `PIAXIS_PEERS` names the folder of a Python virtual environment with `piaxis-sdk` and `schemathesis`; without it, the tests
//! here print that they are skipped. With `PIAXIS_PEERS_REQUIRED=1` they fail instead.
//!
//! A binary of its own, because it needs a Python environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod peers;
    #[cfg(all(feature = "program", unix))]
    pub(crate) mod program;
    pub(crate) mod tested;
}

use std::collections::{BTreeMap, BTreeSet};

use piaxis::{
    Client, PaymentMethod, TermData,
    oauth::{CodeExchange, TokenRefresh},
    pkce::Pkce,
    types::{
        AllocationCreate, AuthorizeParams, DisbursementCancel, DisbursementCreate, DisbursementFilter, EscrowCreate,
        EscrowDisbursementCreate, EscrowDisbursementFilter, EscrowDisbursementRelease, EscrowDispute, EscrowRecipient,
        EscrowRelease, EscrowReverse, OtpRequest, PaymentCreate, PaymentFilter, Recipient, TermCreate, TermFulfillment,
        UserInfo,
    },
};
use piaxis_emulator::RecordedRequest;
use serde_json::{Value, json};

use crate::support::{
    peers::{python, run, venv},
    tested::{Tested, builder, start, started},
};

const CALLBACK: &str = "https://shop.example.com/callback";
const VERIFIER: &str = "a-verifier-of-at-least-43-characters-that-both-clients-share";

/// The 24 methods, and the fields that the SDK's page, tests and examples read.
const METHODS: [(&str, &[&str]); 24] = [
    ("build_authorize_url", &[]),
    ("authorize_test", &["/redirect_url", "/code", "/token_parameters/client_id"]),
    ("exchange_token", &["/access_token", "/refresh_token", "/user_id", "/merchant_id", "/token_type", "/expires_in"]),
    ("refresh_token", &["/access_token"]),
    ("request_otp", &["/verification_methods/phone_sent", "/expires_in", "/otp"]),
    ("create_payment", &["/payment_id", "/status", "/amount", "/currency"]),
    ("get_payment", &["/id", "/status", "/amount", "/currency", "/payment_method", "/created_at"]),
    ("list_merchant_payments", &["/total", "/offset", "/limit", "/results/0/payment_id"]),
    ("create_escrow", &["/id", "/allocation_summary/pending_count", "/terms/0/term_id", "/created_at", "/updated_at"]),
    (
        "get_escrow",
        &["/currency_code", "/balance_escrow_in", "/allocations/0/allocation_key", "/allocation_summary/pending_count"],
    ),
    ("get_escrow_status", &["/buyer_info/phone_number", "/terms/0/is_met", "/all_terms_met"]),
    ("release_escrow", &["/status", "/amount", "/allocation_keys/0", "/escrow_id"]),
    ("reverse_escrow", &["/status", "/allocation_keys/0", "/escrow_id"]),
    ("fulfill_escrow_term", &["/requires_other_party"]),
    ("dispute_escrow", &["/initiator_role", "/dispute_id", "/message"]),
    ("disburse", &["/disbursement_id", "/status", "/total_amount", "/recipient_count"]),
    ("get_disbursement", &["/payment_method", "/items/0/amount", "/created_at"]),
    ("list_disbursements", &["/results/0/status", "/total"]),
    ("cancel_disbursement", &["/status"]),
    ("escrow_disburse", &["/disbursement_id", "/escrow_items/0/escrow_id"]),
    ("get_escrow_disbursement", &["/escrow_items/0/reference"]),
    ("list_escrow_disbursements", &["/results/0/status"]),
    ("release_escrow_disbursement", &["/released_count", "/released/0/escrow_id"]),
    ("cancel_escrow_disbursement", &["/cancellation_reason", "/status"]),
];

#[tokio::test]
async fn the_official_sdk_runs_and_sends_what_ours_sends() {
    let Some(venv) = venv() else { return };
    let emulator = start().await;
    let merchant = emulator.default_merchant();
    let variables = [
        ("PIAXIS_API_BASE_URL", emulator.base_url()),
        ("PIAXIS_API_KEY", merchant.api_key().expose().to_owned()),
        ("PIAXIS_CLIENT_ID", merchant.client_id()),
        ("PIAXIS_CLIENT_SECRET", merchant.client_secret().expose().to_owned()),
    ];
    run_sdk(&venv, variables, merchant.id()).await;
    let theirs = emulator.requests();

    emulator.clear_requests();
    ours(&emulator.merchant("ours").client(), &emulator.merchant("ours").id()).await;
    let ours = emulator.requests();
    let (theirs, ours) = (normal(&theirs), normal(&ours));
    for (at, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
        assert_eq!(theirs, ours, "request {at}");
    }
    assert_eq!(theirs.len(), ours.len());
}

#[cfg(all(feature = "program", unix))]
#[tokio::test]
async fn the_official_sdk_runs_against_the_program() {
    let Some(venv) = venv() else { return };
    // The SDK expects to find payments and payouts pending.
    let program = crate::support::program::Program::start(&["--settle-after", "600000"]).await;
    let variables = ["PIAXIS_API_BASE_URL", "PIAXIS_API_KEY", "PIAXIS_CLIENT_ID", "PIAXIS_CLIENT_SECRET"];
    let variables = variables.map(|name| (name, program.variables[name].clone()));
    run_sdk(&venv, variables, program.comment("Account id of the merchant").to_owned()).await;
    assert_eq!(program.end("-TERM").await, Some(0));
}

/// Runs all methods, each of which must return the documented fields.
async fn run_sdk(venv: &std::path::Path, variables: [(&str, String); 4], merchant_id: String) {
    let challenge = Pkce::from_verifier(VERIFIER).unwrap().challenge().to_owned();
    let own = [("PEER_MERCHANT_ID", merchant_id), ("PEER_CHALLENGE", challenge)];
    let variables: Vec<(&str, String)> = variables.into_iter().chain(own).collect();
    let output = python(venv, "python_sdk.py", &variables).await;
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["method"].as_str().unwrap().to_owned(), line["result"].clone())
    };
    let results: Vec<(String, Value)> = output.lines().map(line).collect();
    for (method, fields) in METHODS {
        let found: Vec<&Value> = results.iter().filter(|(name, _)| name == method).map(|(_, result)| result).collect();
        assert!(!found.is_empty(), "{method} was not called");
        for (result, field) in found.iter().flat_map(|result| fields.iter().map(move |field| (result, field))) {
            assert!(result.pointer(field).is_some_and(|value| !value.is_null()), "{method}: no {field} in {result}");
        }
    }
}

/// The same intents in the same order.
async fn ours(client: &Client, merchant_id: &str) {
    let buyer = async || {
        let request = OtpRequest::builder().email("buyer@example.com").phone_number("+256700000000").build();
        let otp = client.otp().request(request).await.unwrap().otp.unwrap();
        UserInfo::builder().email("buyer@example.com").phone_number("+256700000000").otp(otp).build()
    };
    let params = AuthorizeParams::builder()
        .merchant_id(merchant_id)
        .external_user_id("customer-123")
        .redirect_uri(CALLBACK)
        .state("state-1")
        .code_challenge(Pkce::from_verifier(VERIFIER).unwrap().challenge())
        .code_challenge_method("S256");
    let test = client.oauth().authorize_test(params.build()).await.unwrap();
    let exchange = CodeExchange::builder().code(test.code.unwrap()).redirect_uri(CALLBACK).code_verifier(VERIFIER);
    let tokens = client.oauth().exchange_code(exchange.build()).await.unwrap();
    let refresh = TokenRefresh::builder().refresh_token(tokens.refresh_token.clone().unwrap()).build();
    client.oauth().refresh_token(refresh).await.unwrap();

    buyer().await;
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
    let order = order.user_info(buyer().await).customer_pays_fees(true).build();
    let payment = client.payments().create(order).await.unwrap();
    client.payments().get(&payment.payment_id).await.unwrap();
    client.payments().list(PaymentFilter::builder().status("pending").limit(20).offset(0).build()).await.unwrap();
    let payer = client.with_credentials(piaxis::Credentials::new().access_token(tokens.access_token.clone()));
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::PiaxisExternal);
    payer.payments().create(order.recipient_id(tokens.merchant_id.clone().unwrap()).build()).await.unwrap();

    let manual = || vec![TermCreate::new(TermData::ManualRelease).unwrap()];
    let alpha =
        AllocationCreate::builder().allocation_key("seller-alpha").amount(20_000).seller_reference("seller-001");
    let beta = AllocationCreate::builder().allocation_key("seller-beta").amount(30_000).description("Beta");
    let escrow = EscrowCreate::builder()
        .receiver_id(merchant_id)
        .amount(50_000)
        .currency_code("UGX")
        .payment_method(PaymentMethod::Mtn)
        .external_order_id("order-789")
        .metadata(object(json!({ "channel": "marketplace" })))
        .allocations(vec![alpha.build(), beta.build()])
        .user_info(buyer().await)
        .terms(manual());
    let escrow = client.escrows().create(escrow.build()).await.unwrap();
    client.escrows().get(&escrow.id).await.unwrap();
    client.escrows().status(&escrow.id).await.unwrap();
    let release = EscrowRelease::builder().allocation_keys(["seller-alpha"]).amount(20_000).reason("Goods received");
    client.escrows().release(&escrow.id, release.build()).await.unwrap();
    let reverse = EscrowReverse::builder().allocation_keys(["seller-beta"]).reason("Cancelled");
    client.escrows().reverse(&escrow.id, reverse.build()).await.unwrap();
    let meeting = EscrowCreate::builder().amount(50_000).currency_code("UGX").payment_method(PaymentMethod::Mtn);
    let term = TermCreate::builder().type_("meeting_delivery").data(piaxis::JsonObject::new()).build();
    let meeting = meeting.user_info(buyer().await).terms(vec![term]).build();
    let meeting = client.escrows().create(meeting).await.unwrap();
    let term_id = meeting.terms.as_ref().unwrap()[0].term_id.clone().unwrap();
    let fulfillment = TermFulfillment::builder()
        .term_id(&term_id)
        .term_type("meeting_delivery")
        .data(object(json!({ "buyer_latitude": 0.3476, "buyer_longitude": 32.5825 })))
        .user_info(buyer().await);
    client.raw().escrows_fulfill_term(&meeting.id, &term_id, &fulfillment.build()).await.unwrap();
    let dispute = EscrowDispute::builder().reason("Never arrived").initiator_role("sender").build();
    client.escrows().dispute(&meeting.id, dispute).await.unwrap();

    let user = tokens.user_id.clone().unwrap();
    let internal = Recipient::builder().recipient_id(&user).amount(100_000).reference("supplier-001").build();
    let external = Recipient::builder().phone_number("+256711111111").amount(50_000).reference("supplier-002").build();
    let payouts = DisbursementCreate::builder().recipients(vec![internal, external]).currency("UGX");
    let payouts = payouts.payment_method(PaymentMethod::Airtel).description("Weekly supplier payout").build();
    let id = client.disbursements().create(payouts).await.unwrap().disbursement_id;
    client.disbursements().get(&id).await.unwrap();
    let filter = DisbursementFilter::builder().status("pending").limit(20).offset(0).build();
    client.disbursements().list(filter).await.unwrap();
    client.disbursements().cancel(&id, DisbursementCancel::builder().reason("Wrong recipient").build()).await.unwrap();

    let one = EscrowRecipient::builder().recipient_id(user).amount(100_000).reference("courier-001").terms(manual());
    let two = EscrowRecipient::builder().phone_number("+256722222222").amount(150_000).reference("courier-002");
    let batch = EscrowDisbursementCreate::builder()
        .recipients(vec![one.build(), two.terms(manual()).build()])
        .currency("UGX")
        .payment_method(PaymentMethod::Mtn)
        .description("Courier escrow batch")
        .user_location(serde_json::from_value(json!({ "latitude": 0.312, "longitude": 32.582 })).unwrap());
    let batches = client.escrow_disbursements();
    let batch = batches.create(batch.build()).await.unwrap();
    let id = &batch.disbursement_id;
    batches.get(id).await.unwrap();
    batches.list(EscrowDisbursementFilter::builder().status("pending").limit(20).offset(0).build()).await.unwrap();
    let escrow_id = batch.escrow_items.as_ref().unwrap()[0].escrow_id.clone().unwrap();
    let release = EscrowDisbursementRelease::builder().force(true).reason("Approved").escrow_ids([escrow_id]).build();
    batches.release(id, release).await.unwrap();
    batches.cancel(id, DisbursementCancel::builder().reason("Cancelled").build()).await.unwrap();
}

fn object(json: Value) -> piaxis::JsonObject {
    serde_json::from_value(json).unwrap()
}

/// What is compared of a request. Ids, tokens and credentials are numbered in the order in which they are first seen.
#[derive(Debug, PartialEq)]
struct Normal {
    operation: Option<&'static str>,
    path: String,
    query: BTreeMap<String, String>,
    body: Value,
    credentials: Vec<String>,
}

/// Headers that hold credentials. Deliberate differences, which are not compared:
///
/// - `X-Idempotency-Key` and `X-Request-ID`: the SDK sends neither. Ours sends both with every write, as the guide recommends.
/// - `User-Agent` and `x-piaxis-sdk-client` name the client.
const CREDENTIALS: [&str; 3] = ["api-key", "authorization", "x-piaxis-client-id"];

fn normal(requests: &[RecordedRequest]) -> Vec<Normal> {
    let mut names = BTreeMap::<String, String>::new();
    let mut normal = |text: &str| -> String {
        let is_name_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let mut out = String::new();
        for word in text.split_inclusive(|c: char| !is_name_part(c)) {
            let end = word.trim_end_matches(|c: char| !is_name_part(c)).len();
            let (word, rest) = word.split_at(end);
            let is_id = word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
            if is_id || word.starts_with("emulator-") {
                let number = names.len();
                out += names.entry(word.to_owned()).or_insert_with(|| format!("<{number}>"));
            } else {
                out += word;
            }
            out += rest;
        }
        out
    };
    let pairs = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect::<BTreeMap<String, String>>();
    requests
        .iter()
        .map(|request| {
            let credentials =
                CREDENTIALS.iter().filter_map(|name| Some(format!("{name}: {}", normal(request.header(name)?))));
            let credentials = credentials.collect();
            let form = pairs(&request.body);
            let body = if request.operation == Some("oauth_token") {
                let form: BTreeMap<_, _> = form.into_iter().map(|(name, value)| (name, normal(&value))).collect();
                serde_json::to_value(form).unwrap()
            } else {
                let mut body: Value = serde_json::from_str(&normal(&request.json().to_string())).unwrap();
                differences(request.operation.unwrap_or_default(), &mut body);
                body
            };
            let query =
                pairs(request.query.as_bytes()).into_iter().map(|(name, value)| (name, normal(&value))).collect();
            Normal { operation: request.operation, path: normal(&request.path), query, body, credentials }
        })
        .collect()
}

/// Deliberate differences between the bodies:
///
/// - `force` of a release: ours always says `false` or `true`, because no source gives the default of the API.
fn differences(operation: &str, body: &mut Value) {
    if operation == "escrows_release"
        && let Some(fields) = body.as_object_mut()
        && fields.get("force") == Some(&json!(false))
    {
        fields.remove("force");
    }
}

/// What the crate's page for those who come from the SDKs is compared with.
#[tokio::test]
async fn the_list_of_the_methods_of_the_sdk_is_complete() {
    let Some(venv) = venv() else { return };
    let mut command = tokio::process::Command::new(venv.join("bin/python"));
    command.args(["-c", "import piaxis_sdk; print(*piaxis_sdk.__all__, *dir(piaxis_sdk.PiaxisClient), sep='\\n')"]);
    let names = run(command).await;
    let public: BTreeSet<&str> = names.lines().filter(|name| !name.starts_with('_')).collect();
    let listed: Value = serde_json::from_str(include_str!("../../tests/data/official_sdks.json")).unwrap();
    let listed = listed["methods"].as_array().unwrap().iter().filter_map(|method| method["python"].as_str());
    assert_eq!(listed.collect::<BTreeSet<_>>(), public);
}

#[tokio::test]
async fn the_official_examples_run_unmodified() {
    let Some(venv) = venv() else { return };
    let examples = venv.join("piaxis-sdk-examples");
    // The examples of the SDK send no client id where the documents require it.
    let emulator = started(builder().client_id_optional()).await;
    let merchant = emulator.default_merchant();
    let code = |emulator: &Tested| {
        let params = AuthorizeParams::builder().merchant_id(emulator.default_merchant().id());
        let params = params.external_user_id("customer-123").redirect_uri(CALLBACK).build();
        let test = emulator.client().oauth().authorize_test(params);
        async move { test.await.unwrap().code.unwrap() }
    };
    let code = code(&emulator).await;
    let variables = [
        ("PIAXIS_API_BASE_URL", emulator.base_url()),
        ("PIAXIS_API_KEY", merchant.api_key().expose().to_owned()),
        ("PIAXIS_RECEIVER_ID", merchant.id()),
        ("PIAXIS_MERCHANT_ID", merchant.id()),
        ("PIAXIS_REDIRECT_URI", CALLBACK.to_owned()),
        ("PIAXIS_AUTH_CODE", code.expose().to_owned()),
        ("PIAXIS_OAUTH_CLIENT_ID", merchant.client_id()),
        ("PIAXIS_OAUTH_CLIENT_SECRET", merchant.client_secret().expose().to_owned()),
        ("PIAXIS_RECIPIENT_ID", merchant.id()),
        ("PIAXIS_REGISTERED_RECIPIENT_ID", "recipient-123".to_owned()),
    ];
    for example in ["direct_payment.py", "oauth_flow.py", "escrow_flow.py", "disbursement_flow.py"] {
        let path = examples.join(example);
        assert!(path.exists(), "{} is missing: the script that makes the environment unpacks it", path.display());
        let output = python(&venv, path.to_str().unwrap(), &variables).await;
        assert!(!output.is_empty(), "{example}");
    }
}
