//! Payouts into escrows, and events, which no operation of this module shows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use http::{HeaderMap, Method};
use piaxis::{PaymentMethod, types::TermCreate};
use serde_json::{Value, json};

use super::*;
use crate::{
    contract::CONTRACT,
    operations,
    server::{
        access::{Actor, Payer},
        routes,
    },
    settings::Settings,
    world::clock::Clock,
};

const COURIER: &str = "+256722222222";
const MERCHANT: Actor = Actor { merchant: Some(0), payer: None };

fn world() -> World {
    World::new(Settings::default(), Clock::manual("2026-11-27T08:00:00Z".parse().unwrap()), 1)
}

fn term(kind: &str, data: Value) -> TermCreate {
    serde_json::from_value(json!({ "type": kind, "data": data })).unwrap()
}

fn place() -> TermCreate {
    term("location_verification", json!({ "latitude": 0.5, "longitude": 32.5 }))
}

fn payout(world: &mut World, beneficiary: Party, amount: i64, terms: Vec<TermCreate>) -> Result<Row, Rejection> {
    let new = NewEscrow::payout(0, beneficiary, amount.into(), "UGX", PaymentMethod::Mtn, terms);
    world.transaction(|world| open(world, new))
}

fn courier(number: &str) -> Party {
    Party { phone_number: Some(number.to_owned()), ..Party::new(Who::Unregistered) }
}

/// Executes an operation, without the checks of the server; returns the status and the body.
fn send(world: &mut World, actor: Actor, path: &str, body: Value) -> (u16, Value) {
    let method = if body.is_null() { Method::GET } else { Method::POST };
    let route = routes::find("", &method, &format!("{}{path}", CONTRACT.base_path), None).unwrap();
    let result = world.transaction(|world| {
        let headers = &HeaderMap::new();
        let (operation, query) = (route.operation, Value::Null);
        operations::execute(&mut Context { world, operation, actor, route: &route, headers, query, body })
    });
    let response = result.unwrap_or_else(|rejection| rejection);
    (response.status.as_u16(), serde_json::from_slice(&response.body).unwrap())
}

fn fulfill(world: &mut World, actor: Actor, row: Row, data: Value, number: Option<&str>) -> u16 {
    let escrow = world.escrows.get(row).unwrap();
    let (term_id, kind) = (escrow.terms[0].id(world), escrow.terms[0].kind.clone());
    let user_info = number.map(|number| json!({ "phone_number": number, "otp": crate::OTP }));
    let path = format!("/escrows/{}/terms/{term_id}/fulfill", id(world, row));
    let body = json!({ "term_id": term_id, "term_type": kind, "data": data, "user_info": user_info });
    if let Some(number) = number {
        send(world, MERCHANT, "/request-otp", json!({ "phone_number": number }));
    }
    send(world, actor, &path, body).0
}

fn balance(world: &World, account: &Account) -> Amount {
    world.ledger.balance(account, "UGX")
}

#[test]
fn a_payout_is_held_and_then_released_or_reversed() {
    let world = &mut world();
    let user = world.user(0, "user-1");
    for is_registered in [true, false] {
        let beneficiary = || if is_registered { Party::new(Who::User(user)) } else { courier(COURIER) };
        let paid_to = if is_registered { Account::User(user) } else { Account::Outside };
        let before = (balance(world, &Account::Merchant(0)), balance(world, &paid_to));
        let row = payout(world, beneficiary(), 100, vec![place()]).unwrap();
        assert_eq!(balance(world, &Account::Escrow(row)), Amount::from(100));
        assert_eq!((terms_count(world, row), status(world, row)), (1, EscrowStatus::Pending));
        assert_eq!(obstacle(world, row, false), Some(Obstacle::TermsNotMet));
        assert!(world.transaction(|world| release_all(world, row, false, None)).is_err());
        world.transaction(|world| release_all(world, row, true, Some("Approved"))).unwrap();
        assert_eq!((obstacle(world, row, true), status(world, row)), (Some(Obstacle::Settled), EscrowStatus::Released));
        assert_eq!(balance(world, &paid_to), before.1.checked_add(100.into()).unwrap());

        let row = payout(world, beneficiary(), 40, vec![place()]).unwrap();
        let path = format!("/escrows/{}/reverse", id(world, row));
        assert_eq!(send(world, MERCHANT, &path, json!({})).0, 200);
        assert_eq!(status(world, row), EscrowStatus::Reversed);
        assert_eq!(balance(world, &Account::Merchant(0)), before.0.checked_sub(100.into()).unwrap());
    }
    let rejected = payout(world, courier(COURIER), 10_000_000, vec![place()]).unwrap_err();
    assert!(String::from_utf8_lossy(&rejected.body).contains("INSUFFICIENT_FUNDS"));
    assert_eq!(payout(world, courier(COURIER), 10, vec![]).unwrap_err().status, 422);
}

#[test]
fn the_beneficiary_of_a_payout_meets_its_terms_and_cannot_release() {
    let world = &mut world();
    let user = world.user(0, "user-1");
    let token = Actor { merchant: None, payer: Some(Payer { user, merchant: 0 }) };
    let there = || json!({ "latitude": 0.5, "longitude": 32.5 });
    for (beneficiary, actor, number) in
        [(Party::new(Who::User(user)), token, None), (courier(COURIER), MERCHANT, Some(COURIER))]
    {
        let row = payout(world, beneficiary, 100, vec![place()]).unwrap();
        let path = format!("/escrows/{}/release", id(world, row));
        let user_info = number.map(|number| json!({ "phone_number": number, "otp": crate::OTP }));
        send(world, MERCHANT, "/request-otp", json!({ "phone_number": COURIER }));
        assert_eq!(send(world, actor, &path, json!({ "force": true, "user_info": user_info })).0, 403);
        assert_eq!(fulfill(world, MERCHANT, row, there(), None), 403, "the merchant is the sender");
        assert_eq!(fulfill(world, MERCHANT, row, there(), Some("+256711111111")), 403);
        assert_eq!(fulfill(world, actor, row, json!({ "latitude": 1.5, "longitude": 32.5 }), number), 400);
        assert_eq!(status(world, row), EscrowStatus::Pending);
        assert_eq!(fulfill(world, actor, row, there(), number), 200);
        assert_eq!(status(world, row), EscrowStatus::Released);
        let escrow = send(world, actor, &format!("/escrows/{}", id(world, row)), Value::Null).1;
        assert_eq!(escrow["sender_id"], world.merchant_id(0));
        assert_eq!(escrow["receiver_id"], if number.is_some() { Value::Null } else { world.user_id(user).into() });
    }
    // The courier sees no merchant's key.
    let row = payout(world, courier(COURIER), 100, vec![place()]).unwrap();
    assert_eq!(send(world, token, &format!("/escrows/{}", id(world, row)), Value::Null).0, 404);
}

#[test]
fn a_declined_beneficiary_leaves_the_money_where_it_is() {
    let world = &mut world();
    let number = crate::DECLINED_PHONE_NUMBER;
    let row = payout(world, courier(number), 100, vec![place()]).unwrap();
    assert_eq!(obstacle(world, row, true), Some(Obstacle::Declined));
    assert_eq!(fulfill(world, MERCHANT, row, json!({ "latitude": 0.5, "longitude": 32.5 }), Some(number)), 400);
    let state = send(world, MERCHANT, &format!("/escrows/{}/status", id(world, row)), Value::Null).1;
    assert_eq!((&state["all_terms_met"], &state["terms"][0]["is_met"]), (&json!(false), &json!(false)));
    assert_eq!(balance(world, &Account::Escrow(row)), Amount::from(100));
}

#[test]
fn the_merchant_is_notified_of_each_release_and_of_disputes() {
    let world = &mut world();
    let row = payout(world, courier(COURIER), 100, vec![place()]).unwrap();
    let (escrow_id, term_id) = (id(world, row), world.escrows.get(row).unwrap().terms[0].id(world));
    let path = |act: &str| format!("/escrows/{escrow_id}/{act}");
    send(world, MERCHANT, &path("release"), json!({ "force": true, "amount": "30.5" }));
    assert_eq!(send(world, MERCHANT, &path("release"), json!({ "force": true, "amount": "99" })).0, 400);
    let dispute = send(world, MERCHANT, &path("disputes"), json!({ "reason": "late" })).1["dispute_id"].clone();
    world.transaction(|world| resolve(world, row, Resolution::Dismiss)).unwrap();
    send(world, MERCHANT, &path("reverse"), json!({ "amount": 9.5 }));
    fulfill(world, MERCHANT, row, json!({ "latitude": 0.5, "longitude": 32.5 }), Some(COURIER));
    let events: Vec<(String, Value)> =
        world.events.iter().map(|(_, event)| (event.name.clone(), Value::Object(event.data.read()))).collect();
    let released = |amount: Value, status: &str| json!({ "escrow_id": escrow_id, "currency_code": "UGX", "amount": amount, "status": status });
    let mut last = released(json!(60), "released");
    last["term_id"] = term_id.into();
    let disputed =
        |status: &str| json!({ "dispute_id": dispute, "escrow_id": escrow_id, "reason": "late", "status": status });
    let expected = [
        ("escrow.released", released(json!(30.5), "pending")),
        ("dispute.opened", disputed("opened")),
        ("dispute.closed", disputed("closed")),
        ("escrow.released", last),
    ];
    assert_eq!(events.len(), expected.len(), "{events:?}");
    for ((name, data), (expected_name, expected_data)) in events.into_iter().zip(expected) {
        assert_eq!((name.as_str(), normalised(data)), (expected_name, normalised(expected_data)));
    }
    assert!(world.events.iter().all(|(_, event)| event.merchant == 0));
}

/// 60 and 60.0 are one number of JSON.
fn normalised(mut data: Value) -> Value {
    data["amount"] = data["amount"].as_f64().into();
    data
}
