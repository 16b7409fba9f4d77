//! The terms of an escrow: typed data is sent exactly as the documents show it.

use piaxis::{
    Error, ErrorKind, JsonObject, PaymentMethod, TermData, TermType, Timestamp,
    types::{
        DeliveryConfirmationTermData, EscrowCreate, EscrowDisbursementCreate, EscrowRecipient, Location,
        LocationVerificationTermData, PasswordTermData, TermCreate, UserInfo,
    },
};
use serde_json::{Value, json};

use crate::support::server::{Response, Server};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn delivery() -> DeliveryConfirmationTermData {
    DeliveryConfirmationTermData::builder().description("Confirm delivery").build()
}

fn location() -> LocationVerificationTermData {
    LocationVerificationTermData::builder().latitude(0.347_596).longitude(32.582_52).radius(100).build()
}

fn written(data: impl Into<TermData>) -> Value {
    serde_json::to_value(TermCreate::new(data).unwrap()).unwrap()
}

#[tokio::test]
async fn an_escrow_with_typed_terms_is_that_of_the_guide() {
    let server = Server::silent().await;
    server.set(Response::json(200, json!({ "id": "e-1" })));
    let client = server.builder().api_key("key-1").client_id("client-1").build().unwrap();
    let buyer = UserInfo::builder().email("buyer@example.com").phone_number("+256700000000").otp("123456").build();
    let order = EscrowCreate::builder()
        .amount("50000.00".parse::<piaxis::Amount>().unwrap())
        .currency_code("UGX")
        .payment_method(PaymentMethod::Mtn)
        .terms(vec![TermCreate::new(delivery()).unwrap()])
        .external_user_id("required-for-piaxis_external")
        .user_info(buyer)
        .user_location(Location::builder().latitude(0.3476).longitude(32.5825).build())
        .build();
    client.escrows().create(order).await.unwrap();
    assert_eq!(
        server.one().json(),
        json!({
            "amount": "50000.00",
            "currency_code": "UGX",
            "payment_method": "mtn",
            "terms": [{ "type": "delivery_confirmation", "data": { "description": "Confirm delivery" } }],
            "external_user_id": "required-for-piaxis_external",
            "user_info": { "email": "buyer@example.com", "phone_number": "+256700000000", "otp": "123456" },
            "user_location": { "latitude": 0.3476, "longitude": 32.5825 },
        })
    );
}

#[tokio::test]
async fn an_escrow_disbursement_with_typed_terms_is_that_of_the_guide() {
    let server = Server::silent().await;
    server.set(Response::json(200, json!({ "disbursement_id": "d-1" })));
    let client = server.builder().api_key("key-1").client_id("client-1").build().unwrap();
    let driver = EscrowRecipient::builder()
        .phone_number("+256700111000")
        .amount("25000.00".parse::<piaxis::Amount>().unwrap())
        .terms(vec![TermCreate::new(location()).unwrap()])
        .reference("DELIVERY-001")
        .build();
    let batch = EscrowDisbursementCreate::builder()
        .recipients(vec![driver])
        .currency("UGX")
        .payment_method(PaymentMethod::Mtn)
        .build();
    client.escrow_disbursements().create(batch).await.unwrap();
    let sent = server.one().json();
    // 100, and not 100.0: the number is the guide's.
    let term = json!({
        "type": "location_verification",
        "data": { "latitude": 0.347_596, "longitude": 32.582_52, "radius": 100 },
    });
    assert_eq!(sent["recipients"][0]["terms"], json!([term]));
}

#[test]
fn each_type_writes_its_documented_keys_and_no_others() {
    let deadline = DeliveryConfirmationTermData::builder().deadline(time("2026-12-31T23:59:59Z")).build();
    let both =
        DeliveryConfirmationTermData::builder().description("d").deadline(time("2027-01-01T02:59:59+03:00")).build();
    let place = LocationVerificationTermData::builder().latitude(1.0).longitude(2.0).build();
    let known = [
        // The authentication page.
        (written(deadline), json!({ "type": "delivery_confirmation", "data": { "deadline": "2026-12-31T23:59:59Z" } })),
        (
            written(both),
            json!({ "type": "delivery_confirmation", "data": { "description": "d", "deadline": "2026-12-31T23:59:59Z" } }),
        ),
        (written(place), json!({ "type": "location_verification", "data": { "latitude": 1.0, "longitude": 2.0 } })),
        // The Python SDK's page.
        (written(TermData::ManualRelease), json!({ "type": "manual_release", "data": {} })),
        (
            written(PasswordTermData::builder().password("open sesame").build()),
            json!({ "type": "password", "data": { "password": "open sesame" } }),
        ),
    ];
    for (written, expected) in known {
        assert_eq!(written, expected);
    }
}

#[test]
fn other_types_and_keys_stay_possible() {
    let data = JsonObject::from_iter([("max_distance_km", 1)]);
    let other = TermData::Other { term_type: TermType::MeetingDelivery, data };
    assert_eq!(written(other), json!({ "type": "meeting_delivery", "data": { "max_distance_km": 1 } }));
    let unknown = TermData::Other { term_type: TermType::from("drone_delivery"), data: JsonObject::new() };
    assert_eq!(unknown.term_type(), TermType::from("drone_delivery"));
    assert_eq!(written(unknown), json!({ "type": "drone_delivery", "data": {} }));
}

#[test]
fn the_expiry_date_stands_beside_the_data() {
    let mut term = TermCreate::new(TermData::ManualRelease).unwrap();
    term.expiry_date = Some(time("2026-12-31T00:00:00Z"));
    let expected = json!({ "type": "manual_release", "data": {}, "expiry_date": "2026-12-31T00:00:00Z" });
    assert_eq!(serde_json::to_value(term).unwrap(), expected);
}

#[test]
fn debug_output_shows_no_password() {
    let data = PasswordTermData::builder().password("open sesame").build();
    let typed = TermData::from(data.clone());
    let term = TermCreate::new(data.clone()).unwrap();
    for printed in [format!("{data:?}"), format!("{typed:?}"), format!("{term:?}")] {
        assert!(!printed.contains("sesame"), "{printed}");
    }
}

#[test]
fn data_that_cannot_be_serialised_is_an_error() {
    let far = piaxis::chrono::DateTime::<piaxis::chrono::Utc>::MAX_UTC;
    let data = DeliveryConfirmationTermData::builder().deadline(far).build();
    let error: Error = TermCreate::new(data).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
}
