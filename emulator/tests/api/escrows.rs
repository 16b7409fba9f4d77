//! Escrows: money held, released, reversed, disputed.

use std::time::Duration;

use http::Method;
use piaxis::{
    AllocationStatus, Amount, Client, EscrowStatus, InitiatorRole, JsonObject, PaymentMethod, TermEvidence, TermType,
    oauth::CodeExchange,
    types::{
        AllocationCreate, AuthorizeParams, Escrow, EscrowCreate, EscrowDispute, EscrowRelease, EscrowReverse,
        TermCreate, TermFulfilled, UserInfo,
    },
};
use piaxis_emulator::{Account, DECLINED_PHONE_NUMBER, Fault, OTP, Resolution, When};
use serde_json::{Value, json};

use crate::support::tested::{Tested, builder, start, started};

const BUYER: &str = "+256700000000";
const STRANGER: &str = "+256711111111";

fn info(phone_number: &str) -> UserInfo {
    UserInfo::builder().phone_number(phone_number).otp(OTP).build()
}

fn data(value: &Value) -> JsonObject {
    serde_json::from_value(value.clone()).unwrap()
}

fn term(kind: &str, value: Value) -> TermCreate {
    TermCreate::builder().type_(TermType::from(kind)).data(data(&value)).build()
}

fn manual() -> Vec<TermCreate> {
    vec![term("manual_release", json!({}))]
}

fn slices(amounts: &[(&str, i64)]) -> Vec<AllocationCreate> {
    amounts
        .iter()
        .map(|(key, amount)| AllocationCreate::builder().allocation_key(*key).amount(*amount).build())
        .collect()
}

/// An escrow of an unregistered buyer.
async fn open(emulator: &Tested, amount: i64, terms: Vec<TermCreate>, allocations: &[(&str, i64)]) -> Escrow {
    emulator.otp(BUYER).await;
    let allocations = (!allocations.is_empty()).then(|| slices(allocations));
    let order = EscrowCreate::builder()
        .amount(amount)
        .currency_code("UGX")
        .payment_method(PaymentMethod::Mtn)
        .terms(terms)
        .user_info(info(BUYER))
        .maybe_allocations(allocations);
    emulator.client().escrows().create(order.build()).await.unwrap()
}

/// An escrow that a registered buyer pays from a wallet, and the buyer's client.
async fn open_registered(emulator: &Tested, amount: i64, terms: Vec<TermCreate>) -> (Escrow, Client) {
    let payer = payer(emulator, "user-1").await;
    let order = EscrowCreate::builder()
        .amount(amount)
        .currency_code("UGX")
        .payment_method(PaymentMethod::PiaxisExternal)
        .external_user_id("user-1")
        .terms(terms);
    (payer.escrows().create(order.build()).await.unwrap(), payer)
}

/// A client with the access token of a payer, and no API key.
async fn payer(emulator: &Tested, external_user_id: &str) -> Client {
    let (client, merchant) = (emulator.client(), emulator.default_merchant());
    let params = AuthorizeParams::builder()
        .merchant_id(merchant.id())
        .external_user_id(external_user_id)
        .redirect_uri("https://shop.example.com/callback");
    let test = client.oauth().authorize_test(params.build()).await.unwrap();
    let exchange = CodeExchange::builder().code(test.code.unwrap()).redirect_uri("https://shop.example.com/callback");
    let tokens = client.oauth().exchange_code(exchange.build()).await.unwrap();
    client.with_access_token(tokens.access_token)
}

fn status<T: std::fmt::Debug>(result: Result<T, piaxis::Error>) -> u16 {
    match result {
        Ok(_) => 200,
        Err(error) => error.status().unwrap().as_u16(),
    }
}

fn ugx(amount: i64) -> Amount {
    Amount::from(amount)
}

fn term_id(escrow: &Escrow, at: usize) -> String {
    escrow.terms.as_ref().unwrap()[at].term_id.clone().unwrap()
}

fn balance(emulator: &Tested, account: &Account) -> Amount {
    let found = emulator.balances().into_iter().find(|(known, _, _)| known == account);
    found.map_or(Amount::ZERO, |(_, _, amount)| amount)
}

fn recorded(source: &str) -> Value {
    let documented: Vec<Value> = serde_json::from_str(include_str!("../../../tests/data/documented.json")).unwrap();
    documented.into_iter().find(|one| one["source"] == source).unwrap()["json"].clone()
}

/// Replaces what differs between a recorded response and one of the emulator: ids, times and prose.
fn normalised(mut value: Value) -> Value {
    fn visit(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                // The contract has it beside the metadata as well.
                fields.remove("status_reason");
                fields.remove("status_updated_at");
                for (name, value) in fields {
                    let is_id = ["id", "escrow_id", "term_id", "receiver_id", "dispute_id"].contains(&name.as_str());
                    let is_time = name.ends_with("_at");
                    if (is_id || is_time || name == "description" || name == "message") && value.is_string() {
                        *value = "…".into();
                    }
                    visit(value);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(visit),
            _ => {}
        }
    }
    if let Some(fields) = value.as_object_mut() {
        fields.remove("external_order_id");
        // The fixture of a fulfilment has neither.
        if fields.contains_key("requires_other_party") {
            fields.retain(|name, _| ["status", "message", "requires_other_party"].contains(&name.as_str()));
        }
    }
    visit(&mut value);
    value
}

#[tokio::test]
async fn the_recorded_flow_gets_the_recorded_responses() {
    let emulator = start().await;
    let client = emulator.client();
    let post =
        async |path: &str, body: Value| -> Value { client.request(Method::POST, path).json(&body).await.unwrap() };
    post("/request-otp", json!({ "email": "buyer@example.com", "phone_number": BUYER })).await;
    let mut order = recorded("SDK page, escrow");
    order["receiver_id"] = emulator.default_merchant().id().into();
    order["allocations"][0]["metadata"] = json!({ "sku": "SKU-ALPHA" });
    let escrow = post("/escrows/", order).await;
    assert_eq!(normalised(escrow.clone()), normalised(recorded("recorded escrow_create")));
    let path = format!("/escrows/{}", escrow["id"].as_str().unwrap());
    let read = async |path: &str| -> Value { client.request(Method::GET, path).await.unwrap() };
    assert_eq!(read(&path).await, escrow);
    let state = read(&format!("{path}/status")).await;
    assert_eq!(normalised(state), normalised(recorded("recorded escrow_status")));
    let body =
        json!({ "force": true, "reason": "released by hand", "amount": "20000", "allocation_keys": ["seller-alpha"] });
    let released = post(&format!("{path}/release"), body).await;
    assert_eq!(normalised(released), normalised(recorded("recorded escrow_release")));
    let disputed = post(&format!("{path}/disputes"), json!({ "reason": "no", "initiator_role": "sender" })).await;
    assert_eq!(normalised(disputed), normalised(recorded("recorded escrow_dispute")));
    assert!(emulator.resolve_dispute(escrow["id"].as_str().unwrap(), Resolution::Dismiss));
    let body = json!({ "reason": "the order is off", "allocation_keys": ["seller-beta"] });
    let reversed = post(&format!("{path}/reverse"), body).await;
    assert_eq!(normalised(reversed), normalised(recorded("recorded escrow_reverse")));
    assert_eq!(emulator.default_merchant().balance("UGX"), ugx(10_020_000));
}

#[tokio::test]
async fn metadata_is_returned_unchanged() {
    let emulator = start().await;
    emulator.otp(BUYER).await;
    let metadata = json!({ "amount": "7", "price": { "amount": "1,000" } });
    let body = json!({
        "amount": "50000", "currency_code": "UGX", "payment_method": "mtn", "metadata": metadata,
        "terms": [{ "type": "custom", "data": { "amount": "3" } }],
        "user_info": { "phone_number": BUYER, "otp": OTP }, "user_location": { "latitude": 0.5, "longitude": 32.5 },
    });
    let escrow: Value = emulator.client().request(Method::POST, "/escrows/").json(&body).await.unwrap();
    assert_eq!(escrow["metadata"], metadata);
    assert_eq!(escrow["terms"][0]["data"], json!({ "amount": "3" }));
    assert_eq!(escrow["location"], json!({ "latitude": 0.5, "longitude": 32.5 }));
    assert_eq!((&escrow["allocations"], &escrow["allocation_summary"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn orders_that_break_a_rule_are_rejected_and_move_nothing() {
    let emulator = start().await;
    let client = emulator.client();
    let fits = json!({
        "amount": "100", "currency_code": "UGX", "payment_method": "mtn", "terms": [{ "type": "manual_release", "data": {} }],
        "user_info": { "phone_number": BUYER, "otp": OTP },
    });
    let slice = |key: &str, amount: &str| json!({ "allocation_key": key, "amount": amount });
    let cases = [
        ("amount", json!("0"), 422),
        ("amount", json!("-1"), 422),
        ("amount", json!("1.001"), 422),
        ("amount", json!("1.000"), 200),
        ("currency_code", json!("UG"), 422),
        ("payment_method", json!("pigeon"), 422),
        ("payment_method", json!("piaxis"), 401),
        ("payment_method", json!("piaxis_external"), 401),
        ("payment_method", json!("card"), 200),
        ("terms", json!([]), 422),
        ("terms", json!([{ "type": "manual_release" }]), 422),
        ("terms", json!([{ "type": "moon_phase", "data": {} }]), 200),
        ("terms", json!([{ "type": "password", "data": {} }]), 400),
        ("terms", json!([{ "type": "password", "data": { "password": "x" } }]), 200),
        ("terms", json!([{ "type": "location_verification", "data": { "latitude": 91, "longitude": 0 } }]), 400),
        ("receiver_id", json!("somebody-else"), 400),
        ("receiver_id", json!(emulator.default_merchant().id()), 200),
        ("user_info", json!(null), 422),
        ("user_info", json!({ "phone_number": BUYER }), 400),
        ("user_info", json!({ "phone_number": BUYER, "otp": "000000" }), 400),
        ("user_info", json!({ "phone_number": STRANGER, "otp": OTP }), 400),
        ("user_info", json!({ "email": "buyer@example.com", "otp": OTP }), 422),
        ("allocations", json!([slice("a", "60"), slice("b", "40")]), 200),
        ("allocations", json!([slice("a", "60")]), 200),
        ("allocations", json!([]), 200),
        ("allocations", json!([slice("a", "60"), slice("b", "40.01")]), 400),
        ("allocations", json!([slice("a", "1"), slice("a", "1")]), 400),
        ("allocations", json!([slice("a", "0")]), 422),
        ("allocations", json!([slice("a", "99999999999999999999"), slice("b", "1")]), 400),
    ];
    for (name, value, expected) in cases {
        emulator.otp(BUYER).await;
        let mut body = fits.clone();
        body[name] = value.clone();
        let before = emulator.ledger().len();
        let result = client.request::<Value>(Method::POST, "/escrows/").json(&body).await;
        assert_eq!(status(result), expected, "{name} {value}");
        assert_eq!(emulator.ledger().len() - before, usize::from(expected == 200), "{name} {value}");
    }
    emulator.otp(DECLINED_PHONE_NUMBER).await;
    let mut body = fits;
    body["user_info"]["phone_number"] = DECLINED_PHONE_NUMBER.into();
    let before = emulator.ledger().len();
    let error = client.request::<Value>(Method::POST, "/escrows/").json(&body).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), emulator.ledger().len()), (400, before), "{error}");
}

#[tokio::test]
async fn a_registered_payer_pays_from_the_wallet_and_gets_the_money_back() {
    let emulator = start().await;
    let (escrow, payer) = open_registered(&emulator, 400, manual()).await;
    assert_eq!(balance(&emulator, &Account::User(0)), ugx(9_999_600));
    assert_eq!(escrow.external_user_id.as_deref(), Some("user-1"));
    assert!(escrow.sender_id.is_some());
    assert_eq!(escrow.receiver_id, Some(emulator.default_merchant().id()));
    let state = payer.escrows().status(&escrow.id).await.unwrap();
    assert_eq!(state.buyer_info.unwrap().type_, Some(piaxis::PartyType::Registered));
    payer.escrows().reverse(&escrow.id, EscrowReverse::builder().amount(150).build()).await.unwrap();
    assert_eq!(balance(&emulator, &Account::User(0)), ugx(9_999_750));
    assert_eq!(payer.escrows().get(&escrow.id).await.unwrap().status, Some(EscrowStatus::Pending));
    payer.escrows().reverse(&escrow.id, EscrowReverse::builder().build()).await.unwrap();
    assert_eq!(balance(&emulator, &Account::User(0)), ugx(10_000_000));
    assert_eq!(payer.escrows().get(&escrow.id).await.unwrap().status, Some(EscrowStatus::Reversed));

    let order = |external: Option<&str>, amount: i64| {
        let order = EscrowCreate::builder().amount(amount).currency_code("UGX").terms(manual());
        order.payment_method(PaymentMethod::PiaxisExternal).maybe_external_user_id(external).build()
    };
    assert_eq!(status(payer.escrows().create(order(None, 1)).await), 422);
    assert_eq!(status(payer.escrows().create(order(Some("user-2"), 1)).await), 400);
    let error = payer.escrows().create(order(Some("user-1"), 10_000_001)).await.unwrap_err();
    assert_eq!(error.code(), Some("INSUFFICIENT_FUNDS"));
    assert_eq!(balance(&emulator, &Account::User(0)), ugx(10_000_000));
}

#[tokio::test]
async fn other_merchants_and_payers_get_404_for_an_escrow() {
    let emulator = start().await;
    let (escrow, owner) = open_registered(&emulator, 400, manual()).await;
    let term = term_id(&escrow, 0);
    let merchant = emulator.default_merchant().client();
    owner.escrows().get(&escrow.id).await.unwrap();
    merchant.escrows().get(&escrow.id).await.unwrap();
    let custom = || TermEvidence::Other { term_type: TermType::Custom, data: JsonObject::new() };
    for other in [emulator.merchant("other").client(), payer(&emulator, "user-2").await] {
        let escrows = other.escrows();
        let id = escrow.id.as_str();
        assert_eq!(status(escrows.get(id).await), 404);
        assert_eq!(status(escrows.status(id).await), 404);
        assert_eq!(status(escrows.release(id, EscrowRelease::builder().force(true).build()).await), 404);
        assert_eq!(status(escrows.reverse(id, EscrowReverse::builder().build()).await), 404);
        assert_eq!(status(escrows.dispute(id, EscrowDispute::builder().reason("x").build()).await), 404);
        assert_eq!(status(escrows.fulfill_term(id, &term, custom(), None).await), 404);
    }
    for id in ["id-1", &term] {
        assert_eq!(status(merchant.escrows().get(id).await), 404);
    }
}

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Merchant,
    /// The unregistered buyer.
    Buyer,
    /// The unregistered buyer, without a one-time password.
    Unproven,
    /// A person who is no party.
    Stranger,
}

impl As {
    async fn info(self, emulator: &Tested) -> Option<UserInfo> {
        let number = match self {
            Self::Merchant => return None,
            Self::Unproven => return Some(UserInfo::builder().phone_number(BUYER).build()),
            Self::Buyer => BUYER,
            Self::Stranger => STRANGER,
        };
        emulator.otp(number).await;
        Some(info(number))
    }
}

#[tokio::test]
async fn only_parties_release_reverse_and_dispute() {
    let emulator = start().await;
    let client = emulator.client();
    for (sender, expected) in [(As::Merchant, 200), (As::Buyer, 200), (As::Unproven, 400), (As::Stranger, 403)] {
        for act in ["release", "reverse", "dispute"] {
            let escrow = open(&emulator, 100, manual(), &[]).await;
            let user_info = sender.info(&emulator).await;
            let result = match act {
                "release" => {
                    let body = EscrowRelease::builder().maybe_user_info(user_info).build();
                    status(client.escrows().release(&escrow.id, body).await)
                }
                "reverse" => {
                    let body = EscrowReverse::builder().maybe_user_info(user_info).build();
                    status(client.escrows().reverse(&escrow.id, body).await)
                }
                _ => {
                    let body = EscrowDispute::builder().reason("x").maybe_user_info(user_info).build();
                    status(client.escrows().dispute(&escrow.id, body).await)
                }
            };
            assert_eq!(result, expected, "{act} as {sender:?}");
        }
    }
}

#[tokio::test]
async fn a_password_sent_to_another_address_does_not_make_the_buyer() {
    let emulator = start().await;
    let escrow = open(&emulator, 100, manual(), &[]).await;
    let body = json!({ "email": "thief@example.com" });
    let _: Value = emulator.client().request(Method::POST, "/request-otp").json(&body).await.unwrap();
    let thief = UserInfo::builder().phone_number(BUYER).email("thief@example.com").otp(OTP).build();
    let release = EscrowRelease::builder().user_info(thief).build();
    assert_eq!(status(emulator.client().escrows().release(&escrow.id, release).await), 400);
}

#[tokio::test]
async fn a_rejected_release_keeps_the_one_time_password() {
    let emulator = start().await;
    let client = emulator.client();
    let escrow = open(&emulator, 100, vec![term("custom", json!({}))], &[]).await;
    emulator.otp(BUYER).await;
    let release = |force: bool| EscrowRelease::builder().force(force).user_info(info(BUYER)).build();
    assert_eq!(status(client.escrows().release(&escrow.id, release(false)).await), 400, "terms are not met");
    assert_eq!(status(client.escrows().release(&escrow.id, release(true)).await), 200);
}

#[tokio::test]
async fn partial_releases_by_amount_and_by_allocation() {
    /// Amount and keys of the request, and the amount that moves.
    type Case = (Option<i64>, Option<Vec<String>>, Option<i64>);
    let emulator = start().await;
    let client = emulator.client();
    let keys = |keys: &[&str]| Some(keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
    // a and b are allocated, 30 are not; a is settled already.
    let cases: [Case; 17] = [
        (None, None, Some(70)),
        (Some(70), None, Some(70)),
        (Some(71), None, None),
        (Some(30), None, Some(30)),
        (Some(1), None, Some(1)),
        (Some(31), None, None),
        (Some(0), None, None),
        (Some(-1), None, None),
        (None, keys(&["b"]), Some(40)),
        (Some(40), keys(&["b"]), Some(40)),
        (Some(39), keys(&["b"]), None),
        (Some(70), keys(&["b"]), None),
        (None, keys(&["a"]), None),
        (None, keys(&["b", "a"]), None),
        (None, keys(&["b", "b"]), None),
        (None, keys(&["c"]), None),
        (None, keys(&[]), None),
    ];
    for (amount, allocation_keys, expected) in cases {
        for is_release in [true, false] {
            let name = format!("{amount:?} {allocation_keys:?} {is_release}");
            let escrow = open(&emulator, 100, manual(), &[("a", 30), ("b", 40)]).await;
            let first = EscrowRelease::builder().allocation_keys(["a"]).reason("first").build();
            client.escrows().release(&escrow.id, first).await.unwrap();
            let before = emulator.ledger().len();
            let amount = amount.map(ugx);
            let moved = if is_release {
                let body = EscrowRelease::builder().maybe_amount(amount).maybe_allocation_keys(allocation_keys.clone());
                client.escrows().release(&escrow.id, body.build()).await.map(|released| released.amount)
            } else {
                let body = EscrowReverse::builder().maybe_amount(amount).maybe_allocation_keys(allocation_keys.clone());
                client.escrows().reverse(&escrow.id, body.build()).await.map(|reversed| reversed.amount)
            };
            let entries = emulator.ledger().split_off(before);
            let Some(expected) = expected else {
                assert!(moved.is_err() && entries.is_empty(), "{name}");
                continue;
            };
            assert_eq!(moved.unwrap(), Some(ugx(expected)), "{name}");
            let to = if is_release { Account::Merchant(0) } else { Account::Outside };
            assert_eq!((entries.len(), &entries[0].to, entries[0].amount), (1, &to, ugx(expected)), "{name}");
            let after = client.escrows().get(&escrow.id).await.unwrap();
            assert_eq!(after.balance_escrow_out, Some(ugx(expected + 30)), "{name}");
            let is_settled = expected == 70;
            assert_eq!(after.status == Some(EscrowStatus::Pending), !is_settled, "{name}");
            assert_eq!(after.required_actions.unwrap().is_empty(), is_settled, "{name}");
            let state = client.escrows().status(&escrow.id).await.unwrap();
            assert_eq!(state.all_terms_met, Some(is_settled && is_release), "{name}");
            let first = &after.allocations.unwrap()[0];
            assert_eq!(first.status, Some(AllocationStatus::Released), "{name}");
            assert_eq!(first.status_reason.as_deref(), Some("first"), "{name}");
        }
    }
}

#[tokio::test]
async fn an_allocation_that_is_named_twice_is_not_paid_twice() {
    let emulator = start().await;
    let escrow = open(&emulator, 100, manual(), &[("a", 30)]).await;
    let release = EscrowRelease::builder().allocation_keys(["a", "a"]).build();
    assert_eq!(status(emulator.client().escrows().release(&escrow.id, release).await), 400);
    assert_eq!(balance(&emulator, &Account::Escrow(0)), ugx(100));
}

#[tokio::test]
async fn a_registered_payer_who_paid_by_mobile_money_is_refunded_there() {
    let emulator = start().await;
    let payer = payer(&emulator, "user-1").await;
    let order = EscrowCreate::builder()
        .amount(100)
        .currency_code("UGX")
        .payment_method(PaymentMethod::Mtn)
        .terms(manual())
        .user_info(UserInfo::builder().phone_number(BUYER).build());
    let escrow = payer.escrows().create(order.build()).await.unwrap();
    assert!(escrow.sender_id.is_some());
    payer.escrows().reverse(&escrow.id, EscrowReverse::builder().build()).await.unwrap();
    assert_eq!(emulator.ledger().last().unwrap().to, Account::Outside);
    assert_eq!(balance(&emulator, &Account::User(0)), ugx(10_000_000));
}

#[tokio::test]
async fn a_key_and_a_token_act_for_both_sides_of_one_merchant_only() {
    let emulator = start().await;
    let (escrow, _) = open_registered(&emulator, 100, vec![term("delivery_confirmation", json!({}))]).await;
    let _ = payer(&emulator, "user-1").await;
    let sent = emulator.requests();
    let token =
        sent.iter().rev().find_map(|request| request.response_json()["access_token"].as_str().map(str::to_owned));
    let token = token.unwrap();
    let post = async |merchant: &str, path: String, body: Value| {
        let merchant = emulator.merchant(merchant);
        let request = reqwest::Client::new().post(format!("{}{path}", emulator.base_url())).bearer_auth(&token);
        let request = request.header("api-key", merchant.api_key().expose());
        let request = request.header("x-piaxis-client-id", merchant.client_id()).json(&body);
        request.send().await.unwrap().status().as_u16()
    };
    let path = format!("/escrows/{}/terms/{}/fulfill", escrow.id, term_id(&escrow, 0));
    for device in ["buyer_device_info", "seller_device_info"] {
        let data = json!({ "confirmation_method": "signature", device: {} });
        let body = json!({ "term_id": term_id(&escrow, 0), "term_type": "delivery_confirmation", "data": data });
        assert_eq!(post("default", path.clone(), body).await, 200, "{device}");
    }
    assert_eq!(balance(&emulator, &Account::Escrow(0)), Amount::ZERO);
    let body = json!({
        "amount": 1, "currency_code": "UGX", "payment_method": "piaxis_external", "external_user_id": "user-1",
        "terms": [{ "type": "manual_release", "data": {} }],
    });
    assert_eq!(post("default", "/escrows/".into(), body.clone()).await, 200);
    assert_eq!(post("other", "/escrows/".into(), body).await, 403);
}

#[tokio::test]
async fn allocations_are_not_split() {
    let emulator = start().await;
    let payer = payer(&emulator, "user-1").await;
    let order = EscrowCreate::builder()
        .amount(100)
        .currency_code("UGX")
        .payment_method(PaymentMethod::PiaxisExternal)
        .external_user_id("user-1")
        .allocations(slices(&[("a", 30)]))
        .terms(vec![term("agreement", json!({}))]);
    let escrow = payer.escrows().create(order.build()).await.unwrap();
    let agree = |value: Value| {
        let evidence = TermEvidence::Other { term_type: TermType::Agreement, data: data(&value) };
        payer.escrows().fulfill_term(&escrow.id, term_id(&escrow, 0), evidence, None)
    };
    assert_eq!(status(agree(json!({ "agreement_type": "split", "split_percentage": 10 })).await), 400);
    assert_eq!(status(agree(json!({ "agreement_type": "reverse" })).await), 200);
}

#[tokio::test]
async fn a_settled_escrow_rejects_everything() {
    let emulator = start().await;
    let client = emulator.client();
    for is_release in [true, false] {
        let escrow = open(&emulator, 100, manual(), &[]).await;
        let id = escrow.id.as_str();
        let release = || client.escrows().release(id, EscrowRelease::builder().force(true).build());
        let reverse = || client.escrows().reverse(id, EscrowReverse::builder().build());
        if is_release {
            release().await.unwrap();
        } else {
            reverse().await.unwrap();
        }
        let expected = if is_release { EscrowStatus::Released } else { EscrowStatus::Reversed };
        assert_eq!(client.escrows().get(id).await.unwrap().status, Some(expected));
        assert_eq!(status(release().await), 400);
        assert_eq!(status(reverse().await), 400);
        assert_eq!(status(client.escrows().dispute(id, EscrowDispute::builder().reason("x").build()).await), 400);
        let evidence = TermEvidence::Other { term_type: TermType::ManualRelease, data: JsonObject::new() };
        assert_eq!(status(client.escrows().fulfill_term(id, term_id(&escrow, 0), evidence, None).await), 400);
    }
}

#[tokio::test]
async fn a_release_waits_for_the_terms_unless_forced() {
    let emulator = start().await;
    let client = emulator.client();
    let release = |force: bool| EscrowRelease::builder().force(force).build();
    for (terms, is_released) in [
        (manual(), true),
        (vec![term("custom", json!({}))], false),
        (vec![term("manual_release", json!({})), term("custom", json!({}))], false),
        (vec![term("moon_phase", json!({}))], false),
    ] {
        let escrow = open(&emulator, 100, terms, &[]).await;
        let expected = if is_released { 200 } else { 400 };
        assert_eq!(status(client.escrows().release(&escrow.id, release(false)).await), expected);
        if !is_released {
            client.escrows().release(&escrow.id, release(true)).await.unwrap();
            assert_eq!(client.escrows().status(&escrow.id).await.unwrap().all_terms_met, Some(false));
        }
    }
    assert_eq!(emulator.default_merchant().balance("UGX"), ugx(10_000_400));
}

#[tokio::test]
async fn the_response_is_lost_and_the_money_moves_once() {
    let emulator = start().await;
    let client = emulator.client();
    let escrow = open(&emulator, 100, manual(), &[]).await;
    emulator.fail_next("escrows_release", When::AfterCommit(Fault::Reset));
    let release = || {
        let body = EscrowRelease::builder().amount(60).build();
        client.escrows().release(&escrow.id, body).idempotency_key("release-1")
    };
    assert_eq!(release().await.unwrap_err().outcome(), piaxis::Outcome::Unknown);
    assert_eq!(release().await.unwrap().amount, Some(ugx(60)));
    assert_eq!(balance(&emulator, &Account::Escrow(0)), ugx(40));
}

/// Sends evidence for a term of an unregistered buyer's escrow.
async fn fulfill(
    emulator: &Tested,
    escrow: &Escrow,
    at: usize,
    kind: &str,
    sender: As,
    value: &Value,
) -> Result<TermFulfilled, piaxis::Error> {
    let evidence = TermEvidence::Other { term_type: TermType::from(kind), data: data(value) };
    let user_info = sender.info(emulator).await;
    emulator.client().escrows().fulfill_term(&escrow.id, term_id(escrow, at), evidence, user_info).await
}

/// What evidence leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    /// The term is met, and the money released.
    Money,
    /// The term is not met; the other party must confirm.
    Other,
    /// The term is not met, and no confirmation is requested.
    Nothing,
    /// The status of an error.
    Rejection(u16),
}

use Leads::{Money, Nothing, Other, Rejection};

/// Sender, evidence, and what the evidence leads to.
type Step = (As, Value, Leads);

#[tokio::test]
#[allow(clippy::too_many_lines)]
async fn each_term_type_is_met_by_the_evidence_of_its_sides() {
    let emulator = start().await;
    let device = json!({ "device_id": "phone-1", "platform": "android" });
    let bought = json!({ "confirmation_method": "signature", "buyer_device_info": device });
    let sold = json!({ "confirmation_method": "signature", "seller_device_info": device });
    let both = json!({ "confirmation_method": "signature", "buyer_device_info": device, "seller_device_info": device });
    let buyer_at = |latitude: f64| json!({ "buyer_latitude": latitude, "buyer_longitude": 32.5 });
    let seller_at = |latitude: f64| json!({ "seller_latitude": latitude, "seller_longitude": 32.5 });
    let at = |latitude: f64| json!({ "latitude": latitude, "longitude": 32.5 });
    let (me, buyer) = (As::Merchant, As::Buyer);
    // A thousandth of a degree is 111 metres.
    let cases: Vec<(&str, Value, Vec<Step>)> = vec![
        (
            "delivery_confirmation",
            json!({ "description": "x" }),
            vec![
                (buyer, json!({ "confirmed": true }), Rejection(400)),
                (buyer, sold.clone(), Rejection(403)),
                (me, bought.clone(), Rejection(403)),
                (me, both, Rejection(400)),
                (As::Stranger, bought.clone(), Rejection(403)),
                (As::Unproven, bought.clone(), Rejection(400)),
                (buyer, bought.clone(), Other),
                (buyer, bought.clone(), Other),
                (me, sold.clone(), Money),
            ],
        ),
        ("delivery_confirmation", json!({}), vec![(me, sold, Other), (buyer, bought, Money)]),
        (
            "meeting_delivery",
            json!({}),
            vec![
                (me, json!({ "seller_latitude": 0.5 }), Rejection(400)),
                (me, json!({ "seller_latitude": "x", "seller_longitude": 1 }), Rejection(400)),
                (me, json!({ "seller_latitude": 90.5, "seller_longitude": 1 }), Rejection(400)),
                (me, buyer_at(0.5), Rejection(403)),
                (me, seller_at(0.5), Other),
                (buyer, buyer_at(0.501), Rejection(400)),
                (me, seller_at(0.5011), Other),
                (buyer, buyer_at(0.501), Money),
            ],
        ),
        (
            "meeting_delivery",
            json!({ "max_distance_km": 1.2 }),
            vec![(buyer, buyer_at(0.5), Other), (me, seller_at(0.511), Rejection(400)), (me, seller_at(0.51), Money)],
        ),
        ("meeting", json!({}), vec![(buyer, at(0.5), Other), (me, at(0.6), Rejection(400)), (me, at(0.5), Money)]),
        (
            "agreement",
            json!({}),
            vec![
                (buyer, json!({ "agreement_type": "release" }), Rejection(403)),
                (me, json!({ "agreement_type": "duel" }), Rejection(400)),
                (me, json!({ "agreement_type": "split" }), Rejection(400)),
                (me, json!({ "agreement_type": "split", "split_percentage": 101 }), Rejection(400)),
                (me, json!({ "agreement_type": "release" }), Other),
            ],
        ),
        (
            "location",
            json!({ "latitude": 0.5, "longitude": 32.5 }),
            vec![
                (me, at(0.501), Rejection(400)),
                (me, json!({ "latitude": 0.5 }), Rejection(400)),
                (me, at(0.5005), Money),
            ],
        ),
        ("location", json!({}), vec![(buyer, at(0.7), Money)]),
        (
            "location_verification",
            json!({ "latitude": 0.5, "longitude": 32.5, "radius": 200 }),
            vec![(buyer, at(0.5), Rejection(403)), (me, at(0.502), Rejection(400)), (me, at(0.501), Money)],
        ),
        (
            "password",
            json!({ "password": "s3cret" }),
            vec![
                (me, json!({ "password": "S3cret" }), Rejection(400)),
                (me, json!({}), Rejection(400)),
                (buyer, json!({ "password": "s3cret" }), Rejection(403)),
                (me, json!({ "password": "s3cret" }), Money),
            ],
        ),
        (
            "proof",
            json!({ "proof_type": "photo" }),
            vec![
                (buyer, json!({ "verify": true }), Rejection(400)),
                (me, json!({ "files": [] }), Rejection(400)),
                (buyer, json!({ "files": ["a"] }), Rejection(403)),
                (me, json!({ "files": ["a"] }), Other),
                (me, json!({ "verify": true }), Rejection(403)),
                (buyer, json!({ "verify": false }), Other),
                (buyer, json!({ "verify": true }), Rejection(400)),
                (me, json!({ "files": ["b"] }), Other),
                (buyer, json!({ "verify": true }), Money),
            ],
        ),
        ("custom", json!({ "rule": 1 }), vec![(As::Stranger, json!({}), Rejection(403)), (me, json!({}), Money)]),
        (
            "return_period",
            json!({ "days": 3 }),
            vec![
                (me, json!({ "return_requested": false }), Rejection(403)),
                (buyer, json!({ "return_requested": true }), Nothing),
                (buyer, json!({ "return_requested": false }), Money),
            ],
        ),
        ("manual_release", json!({}), vec![(me, json!({}), Rejection(400))]),
        ("moon_phase", json!({}), vec![(me, json!({}), Rejection(400))]),
    ];
    let types: Vec<&str> = cases.iter().map(|(kind, _, _)| *kind).collect();
    assert!(TermType::KNOWN.iter().all(|known| types.contains(known)), "a term type has no case");
    for (kind, term_data, steps) in cases {
        let escrow = open(&emulator, 100, vec![term(kind, term_data.clone())], &[]).await;
        for (at, (sender, value, leads)) in steps.iter().enumerate() {
            let name = format!("{kind} {term_data} step {at}");
            let before = emulator.ledger().len();
            let result = fulfill(&emulator, &escrow, 0, kind, *sender, value).await;
            let is_moved = emulator.ledger().len() > before;
            let state = emulator.client().escrows().status(&escrow.id).await.unwrap();
            let is_met = state.terms.unwrap()[0].is_met.unwrap();
            assert_eq!(state.status == EscrowStatus::Released, is_met, "{name}");
            let seen = match result {
                Ok(_) if is_met && is_moved => Money,
                Ok(reply) if reply.requires_other_party == Some(true) => Other,
                Ok(_) => Nothing,
                Err(error) => Rejection(error.status().unwrap().as_u16()),
            };
            assert_eq!(seen, *leads, "{name}");
            assert_eq!(is_moved, *leads == Money, "{name}");
        }
    }
}

#[tokio::test]
async fn the_last_term_releases_what_is_left() {
    let emulator = start().await;
    let client = emulator.client();
    let terms = vec![term("custom", json!({})), term("password", json!({ "password": "x" }))];
    let escrow = open(&emulator, 100, terms, &[("a", 30)]).await;
    assert_eq!(escrow.terms.as_ref().unwrap()[1].data, Some(JsonObject::new()), "the password is shown");
    let pending = fulfill(&emulator, &escrow, 0, "custom", As::Merchant, &json!({})).await.unwrap();
    assert_eq!(pending.status, Some(piaxis::TermFulfillmentStatus::Pending));
    assert_eq!((pending.term_id, pending.escrow_id), (Some(term_id(&escrow, 0)), Some(escrow.id.clone())));
    let again = fulfill(&emulator, &escrow, 0, "custom", As::Merchant, &json!({})).await;
    assert_eq!(status(again), 400, "already met");
    let forced = EscrowRelease::builder().force(true).amount(20).build();
    client.escrows().release(&escrow.id, forced).await.unwrap();
    let body = json!({ "term_id": "another", "term_type": "password", "data": { "password": "x" } });
    let path = format!("/escrows/{}/terms/{}/fulfill", escrow.id, term_id(&escrow, 1));
    assert_eq!(status(client.request::<Value>(Method::POST, &path).json(&body).await), 400, "two term ids");
    let wrong = fulfill(&emulator, &escrow, 1, "custom", As::Merchant, &json!({ "password": "x" })).await;
    assert_eq!(status(wrong), 400, "another type");
    let evidence = TermEvidence::Other { term_type: TermType::Custom, data: JsonObject::new() };
    let missing = client.escrows().fulfill_term(&escrow.id, &escrow.id, evidence, None).await;
    assert_eq!(status(missing), 404);
    let released = fulfill(&emulator, &escrow, 1, "password", As::Merchant, &json!({ "password": "x" })).await.unwrap();
    assert_eq!(released.status, Some(piaxis::TermFulfillmentStatus::Success));
    assert_eq!(emulator.ledger().last().unwrap().amount, ugx(80));
    let after = client.escrows().get(&escrow.id).await.unwrap();
    assert_eq!((after.status, after.balance_escrow_out), (Some(EscrowStatus::Released), Some(ugx(100))));
    assert_eq!(after.allocation_summary.unwrap().released_amount, Some(ugx(30)));
    let state = client.escrows().status(&escrow.id).await.unwrap();
    assert_eq!(state.all_terms_met, Some(true));
    assert_eq!(state.terms.unwrap()[1].met_at, Some(emulator.now().into()));
}

#[tokio::test]
async fn an_expired_term_takes_no_evidence_and_a_manual_term_is_left() {
    let emulator = start().await;
    let expiry = emulator.now() + chrono::TimeDelta::hours(1);
    let expiring = TermCreate::builder().type_(TermType::Custom).data(JsonObject::new()).expiry_date(expiry).build();
    let terms = vec![expiring, term("custom", json!({})), term("manual_release", json!({}))];
    let escrow = open(&emulator, 100, terms, &[]).await;
    let early = fulfill(&emulator, &escrow, 1, "custom", As::Merchant, &json!({})).await.unwrap();
    assert_eq!(early.status, Some(piaxis::TermFulfillmentStatus::Pending));
    emulator.advance(Duration::from_secs(3600));
    assert_eq!(status(fulfill(&emulator, &escrow, 0, "custom", As::Merchant, &json!({})).await), 400);
    assert_eq!(balance(&emulator, &Account::Escrow(0)), ugx(100));
}

#[tokio::test]
async fn required_actions_are_those_of_the_unmet_terms() {
    let emulator = start().await;
    let terms = vec![
        term("delivery_confirmation", json!({ "description": "Bring it" })),
        term("meeting_delivery", json!({ "max_distance_km": 2 })),
        term("agreement", json!({})),
        term("proof", json!({ "proof_type": "photo", "deadline": "2026-12-01T00:00:00Z" })),
        term("manual_release", json!({})),
        term("custom", json!({})),
    ];
    let escrow = open(&emulator, 100, terms, &[]).await;
    let actions = |escrow: &Escrow| serde_json::to_value(escrow.required_actions.as_ref().unwrap()).unwrap();
    let expected = json!([
        { "action_type": "delivery_confirmation_required", "confirmation_method": "signature", "description": "Bring it" },
        { "action_type": "delivery_meeting_required", "max_distance_km": 2.0 },
        { "action_type": "agreement_required", "agreement_options": ["release", "reverse", "split"], "status": "pending" },
        { "action_type": "proof_required", "proof_type": "photo", "deadline": "2026-12-01T00:00:00Z" },
        { "action_type": "manual_release", "description": "Merchant will release funds manually" },
    ]);
    assert_eq!(actions(&escrow), expected);
    fulfill(&emulator, &escrow, 3, "proof", As::Merchant, &json!({ "files": ["a"] })).await.unwrap();
    fulfill(&emulator, &escrow, 3, "proof", As::Buyer, &json!({ "verify": true })).await.unwrap();
    let after = emulator.client().escrows().get(&escrow.id).await.unwrap();
    let left: Vec<Value> =
        expected.as_array().unwrap().iter().filter(|one| one["proof_type"].is_null()).cloned().collect();
    assert_eq!(actions(&after), json!(left));
}

#[tokio::test]
async fn registered_parties_agree_to_release_reverse_or_split() {
    // Percentage of the receiver, what the receiver gets of 99.99, and whether it is an agreement to split.
    let cases = [
        (json!({ "agreement_type": "release" }), Some("99.99")),
        (json!({ "agreement_type": "reverse" }), Some("0")),
        (json!({ "agreement_type": "split", "split_percentage": 0 }), Some("0")),
        (json!({ "agreement_type": "split", "split_percentage": 100 }), Some("99.99")),
        (json!({ "agreement_type": "split", "split_percentage": 50 }), Some("50")),
        (json!({ "agreement_type": "split", "split_percentage": 33.3 }), Some("33.30")),
    ];
    for (value, receiver_gets) in cases {
        let emulator = start().await;
        let (mut escrow, payer) = open_registered(&emulator, 1, vec![term("agreement", json!({}))]).await;
        let order = EscrowCreate::builder()
            .amount(Amount::new(9999, 2).unwrap())
            .currency_code("UGX")
            .payment_method(PaymentMethod::PiaxisExternal)
            .external_user_id("user-1")
            .terms(vec![term("agreement", json!({}))]);
        let spare = std::mem::replace(&mut escrow, payer.escrows().create(order.build()).await.unwrap());
        payer.escrows().reverse(&spare.id, EscrowReverse::builder().build()).await.unwrap();
        let agree = |client: &Client, value: &Value| {
            let evidence = TermEvidence::Other { term_type: TermType::Agreement, data: data(value) };
            client.escrows().fulfill_term(&escrow.id, term_id(&escrow, 0), evidence, None)
        };
        let other = json!({ "agreement_type": "split", "split_percentage": 12 });
        assert_eq!(agree(&payer, &other).await.unwrap().requires_other_party, Some(true));
        assert_eq!(agree(&emulator.client(), &value).await.unwrap().requires_other_party, Some(true), "they differ");
        assert_eq!(balance(&emulator, &Account::Escrow(1)), Amount::new(9999, 2).unwrap());
        let agreed = agree(&payer, &value).await.unwrap();
        assert_eq!(agreed.requires_other_party, Some(false));
        let gets: Amount = receiver_gets.unwrap().parse().unwrap();
        assert_eq!(emulator.default_merchant().balance("UGX"), ugx(10_000_000).checked_add(gets).unwrap(), "{value}");
        assert_eq!(balance(&emulator, &Account::Escrow(1)), Amount::ZERO, "{value}");
        let expected = if gets.is_positive() { EscrowStatus::Released } else { EscrowStatus::Reversed };
        assert_eq!(payer.escrows().get(&escrow.id).await.unwrap().status, Some(expected), "{value}");
    }
}

#[tokio::test]
async fn a_buyer_reverses_while_no_term_is_met_or_after_a_return_request() {
    let emulator = start().await;
    let client = emulator.client();
    let terms = || vec![term("custom", json!({})), term("return_period", json!({}))];
    for is_returned in [false, true] {
        let escrow = open(&emulator, 100, terms(), &[]).await;
        fulfill(&emulator, &escrow, 0, "custom", As::Merchant, &json!({})).await.unwrap();
        if is_returned {
            let request = json!({ "return_requested": true });
            fulfill(&emulator, &escrow, 1, "return_period", As::Buyer, &request).await.unwrap();
        }
        emulator.otp(BUYER).await;
        let reverse = EscrowReverse::builder().user_info(info(BUYER)).build();
        let expected = if is_returned { 200 } else { 400 };
        assert_eq!(status(client.escrows().reverse(&escrow.id, reverse).await), expected);
        if !is_returned {
            client.escrows().reverse(&escrow.id, EscrowReverse::builder().build()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_open_dispute_stops_everything_until_it_is_resolved() {
    for (resolution, expected) in [
        (Resolution::Release, EscrowStatus::Released),
        (Resolution::Reverse, EscrowStatus::Reversed),
        (Resolution::Dismiss, EscrowStatus::Pending),
    ] {
        let emulator = start().await;
        let client = emulator.client();
        let escrow = open(&emulator, 100, vec![term("custom", json!({}))], &[("a", 40)]).await;
        let id = escrow.id.as_str();
        assert!(!emulator.resolve_dispute(id, resolution), "none is open");
        let dispute = async |sender: As| {
            let user_info = sender.info(&emulator).await;
            let body = EscrowDispute::builder().reason("broken").maybe_user_info(user_info).build();
            client.escrows().dispute(id, body).await
        };
        let opened = dispute(As::Buyer).await.unwrap();
        assert_eq!(opened.initiator_role, Some(InitiatorRole::Sender));
        assert_eq!(status(dispute(As::Buyer).await), 400, "a second one");
        assert_eq!(status(dispute(As::Merchant).await), 400, "a second one");
        let release = || client.escrows().release(id, EscrowRelease::builder().force(true).build());
        assert_eq!(status(release().await), 400);
        assert_eq!(status(client.escrows().reverse(id, EscrowReverse::builder().build()).await), 400);
        assert_eq!(status(fulfill(&emulator, &escrow, 0, "custom", As::Merchant, &json!({})).await), 400);
        assert_eq!(client.escrows().get(id).await.unwrap().status, Some(EscrowStatus::Pending));
        assert!(emulator.resolve_dispute(id, resolution));
        assert!(!emulator.resolve_dispute(id, resolution));
        assert_eq!(client.escrows().get(id).await.unwrap().status, Some(expected));
        if resolution == Resolution::Dismiss {
            assert_eq!(dispute(As::Merchant).await.unwrap().initiator_role, Some(InitiatorRole::from("receiver")));
            assert!(emulator.resolve_dispute(id, resolution));
            release().await.unwrap();
        }
    }
    let emulator = start().await;
    assert!(!emulator.resolve_dispute("id-1", Resolution::Release));
}

#[tokio::test]
async fn a_reusable_password_serves_a_whole_flow() {
    let emulator = started(builder().reusable_otps()).await;
    let client = emulator.client();
    let escrow = open(&emulator, 50_000, manual(), &[("seller-a", 20_000), ("seller-b", 30_000)]).await;
    let release = EscrowRelease::builder().allocation_keys(["seller-a"]).user_info(info(BUYER)).build();
    client.escrows().release(&escrow.id, release).await.unwrap();
    let reverse = EscrowReverse::builder().allocation_keys(["seller-b"]).user_info(info(BUYER)).build();
    client.escrows().reverse(&escrow.id, reverse).await.unwrap();
    let after = client.escrows().get(&escrow.id).await.unwrap();
    assert_eq!((after.status, after.balance_escrow_out), (Some(EscrowStatus::Released), Some(ugx(50_000))));
}

/// Money, summaries and statuses after any sequence of requests.
#[tokio::test]
async fn random_requests_neither_make_nor_lose_money() {
    let mut done = [0; 7];
    for seed in 0..4 {
        random_requests(seed, 800, &mut done).await;
    }
    for (act, count) in done.into_iter().enumerate() {
        assert!(count > 30, "request {act} succeeded {count} times only");
    }
}

async fn random_requests(seed: u64, count: usize, done: &mut [u32; 7]) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let emulator = started(builder().reusable_otps().start_balance(0)).await;
    let client = emulator.client();
    emulator.otp(BUYER).await;
    let payer = payer(&emulator, "user-1").await;
    let mut escrows: Vec<Escrow> = Vec::new();
    for at in 0..count {
        if at % 100 == 99 {
            // The passwords expire, and the harness validates only what is kept.
            emulator.otp(BUYER).await;
            emulator.clear_requests();
        }
        emulator.advance(Duration::from_secs(1));
        if escrows.is_empty() || rng.u8(..8) == 0 {
            let order = random_order(&mut rng);
            let from = if order.payment_method == PaymentMethod::Mtn { &client } else { &payer };
            if let Ok(escrow) = from.escrows().create(order).await {
                escrows.push(escrow);
                done[0] += 1;
            }
            continue;
        }
        // Later escrows more often, because earlier ones are settled.
        let row = rng.usize(escrows.len().saturating_sub(6)..escrows.len());
        let (escrow, before) = (&escrows[row], emulator.ledger());
        let from = if rng.bool() { &client } else { &payer };
        let user_info = (rng.u8(..4) == 0).then(|| info(BUYER));
        let cents = rng.i64(-100..=escrow.amount.unwrap().to_decimal().mantissa().try_into().unwrap());
        let amount = (rng.u8(..3) == 0).then(|| Amount::new(cents, 2).unwrap());
        let keys = ["a", "b", "c", "x"];
        let count = rng.usize(..3);
        let keys = (rng.u8(..3) == 0).then(|| rng.choose_multiple(keys, count));
        let act = rng.usize(1..7);
        // The amount that moved, by the response, and where to.
        let moved: Result<(Option<Amount>, Option<bool>), _> = match act {
            1 | 2 => {
                let body = EscrowRelease::builder().force(rng.bool()).maybe_amount(amount).maybe_user_info(user_info);
                let result = from.escrows().release(&escrow.id, body.maybe_allocation_keys(keys).build()).await;
                result.map(|released| (released.amount, Some(true)))
            }
            3 => {
                let body = EscrowReverse::builder().maybe_amount(amount).maybe_user_info(user_info);
                let result = from.escrows().reverse(&escrow.id, body.maybe_allocation_keys(keys).build()).await;
                result.map(|reversed| (reversed.amount, Some(false)))
            }
            4 => {
                let body = EscrowDispute::builder().reason("x").maybe_user_info(user_info).build();
                from.escrows().dispute(&escrow.id, body).await.map(|_| (None, None))
            }
            5 => {
                let resolutions = [Resolution::Release, Resolution::Reverse, Resolution::Dismiss, Resolution::Dismiss];
                let is_resolved = emulator.resolve_dispute(&escrow.id, *rng.choice(&resolutions).unwrap());
                done[5] += u32::from(is_resolved);
                check(&emulator, &client, row, &escrow.id).await;
                continue;
            }
            _ => {
                let terms = escrow.terms.as_ref().unwrap();
                let term = rng.usize(..terms.len());
                let evidence = random_evidence(&mut rng, terms[term].type_.as_ref().unwrap());
                let result = from.escrows().fulfill_term(&escrow.id, term_id(escrow, term), evidence, user_info).await;
                result.map(|_| (None, None))
            }
        };
        let entries = emulator.ledger().split_off(before.len());
        match moved {
            Err(error) => {
                let status = error.status().unwrap().as_u16();
                assert!([400, 403, 404, 422].contains(&status), "{error}");
                assert!(entries.is_empty(), "seed {seed} request {at}: rejected, and money moved");
            }
            Ok((amount, way)) => {
                done[act] += 1;
                let holder = Account::Escrow(u32::try_from(row).unwrap());
                assert!(entries.iter().all(|entry| entry.from == holder), "seed {seed} request {at}");
                if let Some(is_release) = way {
                    assert_eq!(entries.len(), 1, "seed {seed} request {at}");
                    assert_eq!(Some(entries[0].amount), amount, "seed {seed} request {at}");
                    assert_eq!(entries[0].to == Account::Merchant(0), is_release, "seed {seed} request {at}");
                }
            }
        }
        check(&emulator, &client, row, &escrow.id).await;
    }
    for (row, escrow) in escrows.iter().enumerate() {
        check(&emulator, &client, row, &escrow.id).await;
    }
}

fn random_order(rng: &mut fastrand::Rng) -> EscrowCreate {
    let kinds =
        ["manual_release", "custom", "password", "delivery_confirmation", "agreement", "return_period", "proof"];
    let terms: Vec<TermCreate> = (0..rng.usize(1..4))
        .map(|_| {
            let kind = *rng.choice(&kinds).unwrap();
            term(kind, if kind == "password" { json!({ "password": "x" }) } else { json!({}) })
        })
        .collect();
    let amount = Amount::new(rng.i64(1..100_000), 2).unwrap();
    let is_registered = rng.bool();
    let allocations = rng.bool().then(|| {
        ["a", "b", "c"]
            .into_iter()
            .take(rng.usize(..4))
            .map(|key| {
                let amount = Amount::new(rng.i64(1..40_000), 2).unwrap();
                AllocationCreate::builder().allocation_key(key).amount(amount).build()
            })
            .collect::<Vec<_>>()
    });
    EscrowCreate::builder()
        .amount(amount)
        .currency_code("UGX")
        .payment_method(if is_registered { PaymentMethod::PiaxisExternal } else { PaymentMethod::Mtn })
        .terms(terms)
        .maybe_allocations(allocations)
        .maybe_user_info((!is_registered).then(|| info(BUYER)))
        .maybe_external_user_id(is_registered.then_some("user-1"))
        .build()
}

fn random_evidence(rng: &mut fastrand::Rng, kind: &TermType) -> TermEvidence {
    let is_buyer = rng.bool();
    let value = match kind {
        TermType::Password => json!({ "password": if rng.bool() { "x" } else { "y" } }),
        TermType::DeliveryConfirmation => {
            let device = if is_buyer { "buyer_device_info" } else { "seller_device_info" };
            json!({ "confirmation_method": "signature", device: {} })
        }
        TermType::Agreement => {
            let kinds = ["release", "reverse", "split"];
            json!({ "agreement_type": rng.choice(&kinds).unwrap(), "split_percentage": 33 })
        }
        TermType::ReturnPeriod => json!({ "return_requested": rng.bool() }),
        TermType::Proof if rng.bool() => json!({ "files": ["a"] }),
        TermType::Proof => json!({ "verify": rng.bool() }),
        _ => json!({}),
    };
    TermEvidence::Other { term_type: kind.clone(), data: data(&value) }
}

/// One escrow against the ledger, and all balances.
async fn check(emulator: &Tested, client: &Client, row: usize, id: &str) {
    let escrow = client.escrows().get(id).await.unwrap();
    let holder = Account::Escrow(u32::try_from(row).unwrap());
    let sum = |amounts: &mut dyn Iterator<Item = Amount>| Amount::checked_sum(amounts).unwrap();
    let ledger = emulator.ledger();
    let paid_in = sum(&mut ledger.iter().filter(|entry| entry.to == holder).map(|entry| entry.amount));
    let left = || ledger.iter().filter(|entry| entry.from == holder);
    let released = sum(&mut left().filter(|entry| entry.to == Account::Merchant(0)).map(|entry| entry.amount));
    let reversed = sum(&mut left().filter(|entry| entry.to != Account::Merchant(0)).map(|entry| entry.amount));
    let held = balance(emulator, &holder);
    assert_eq!(Some(paid_in), escrow.amount);
    assert_eq!(Some(paid_in), escrow.balance_escrow_in);
    assert_eq!(released.checked_add(reversed), escrow.balance_escrow_out);
    assert_eq!(released.checked_add(reversed).and_then(|out| out.checked_add(held)), Some(paid_in));
    let status = match (held.is_positive(), released.is_positive()) {
        (true, _) => EscrowStatus::Pending,
        (false, true) => EscrowStatus::Released,
        (false, false) => EscrowStatus::Reversed,
    };
    assert_eq!(escrow.status, Some(status));
    if let Some(summary) = escrow.allocation_summary {
        let allocations = escrow.allocations.unwrap();
        let with = |status: AllocationStatus| {
            let found = allocations.iter().filter(move |one| one.status.as_ref() == Some(&status));
            let amounts: Vec<Amount> = found.map(|one| one.amount.unwrap()).collect();
            (Some(i64::try_from(amounts.len()).unwrap()), Amount::checked_sum(amounts))
        };
        assert_eq!((summary.pending_count, summary.pending_amount), with(AllocationStatus::Pending));
        assert_eq!((summary.released_count, summary.released_amount), with(AllocationStatus::Released));
        assert_eq!((summary.reversed_count, summary.reversed_amount), with(AllocationStatus::Reversed));
        assert_eq!(summary.total_count, Some(i64::try_from(allocations.len()).unwrap()));
        assert!(summary.pending_amount.unwrap() <= held && summary.released_amount.unwrap() <= released);
        assert!(summary.reversed_amount.unwrap() <= reversed);
    } else {
        assert_eq!(escrow.allocations, None);
    }
    emulator.check_balances();
}
