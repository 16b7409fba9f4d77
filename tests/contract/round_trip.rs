//! What the official documents show, and what their SDKs recorded, is read and written back without loss.

use piaxis::{EscrowStatus, PartyType, PaymentStatus, TermType, types};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::support::{
    contract::contract,
    operations::rows,
    payloads::{documented, normalised, recorded_response},
};

type RoundTrip = fn(&str) -> Result<Value, serde_json::Error>;

/// Reads a payload as text and writes it as text, as a request does.
fn through<T: DeserializeOwned + Serialize>(body: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&serde_json::to_string(&serde_json::from_str::<T>(body)?)?)
}

macro_rules! types {
    ($($name:ident),+ $(,)?) => { &[$((stringify!($name), through::<types::$name>)),+] };
}

const REQUESTS: &[(&str, RoundTrip)] = types![
    DisbursementCancel,
    DisbursementCreate,
    EscrowCreate,
    EscrowDisbursementCreate,
    EscrowDisbursementRelease,
    EscrowDispute,
    EscrowRelease,
    EscrowReverse,
    OtpRequest,
    PaymentCreate,
    TermFulfillment,
    TokenRequest,
];

/// Response bodies, by the rows of the operations.
fn responses() -> Vec<(&'static str, RoundTrip)> {
    rows().into_iter().map(|row| (row.schema, row.strict)).collect()
}

fn round_trip_of(types: &[(&str, RoundTrip)], type_name: &str) -> Option<RoundTrip> {
    types.iter().find(|(name, _)| *name == type_name).map(|(_, round_trip)| *round_trip)
}

#[test]
fn every_documented_payload_is_read_and_written_back_without_loss() {
    let types = [REQUESTS, &responses()].concat();
    for entry in documented() {
        let round_trip = round_trip_of(&types, &entry.type_name).expect("a type of the table");
        let written = round_trip(&entry.json.to_string()).unwrap_or_else(|error| panic!("{}: {error}", entry.source));
        let mut wanted = normalised(&entry.json);
        // `force` is always written: a server that defaults to true must not decide.
        if matches!(entry.type_name.as_str(), "EscrowRelease" | "EscrowDisbursementRelease") {
            wanted.as_object_mut().unwrap().entry("force").or_insert(false.into());
        }
        // Nulls inside free-form objects are data, and stay.
        assert_eq!(normalised(&written), wanted, "{}", entry.source);
    }
}

#[test]
fn every_type_of_a_body_has_a_documented_payload() {
    let sources = documented();
    for (name, _) in [REQUESTS, &responses()].concat() {
        assert!(sources.iter().any(|entry| entry.type_name == name), "none for {name}");
    }
    let recorded = sources.iter().filter(|entry| entry.source.starts_with("recorded ")).count();
    assert_eq!(recorded, 20, "the SDKs recorded twenty responses");
}

#[test]
fn every_body_of_the_contract_is_in_the_tables() {
    let (contract, responses) = (contract(), responses());
    let mut missing = Vec::new();
    for operation in contract["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values())
    {
        let bodies = [(&operation["requestBody"], REQUESTS), (&operation["responses"]["200"], &responses)];
        for (body, table) in bodies {
            for media in body["content"].as_object().into_iter().flat_map(|content| content.values()) {
                let reference = media["schema"]["$ref"].as_str().expect("a named schema");
                let name = reference.rsplit('/').next().unwrap();
                if round_trip_of(table, name).is_none() {
                    missing.push(name.to_owned());
                }
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// A place of a payload that holds an object of a known schema.
struct Place {
    pointer: String,
    schema: Value,
}

impl Place {
    fn required(&self) -> Vec<&str> {
        self.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn properties<'a>(&'a self, contract: &'a Value) -> Vec<(&'a str, &'a Value)> {
        let properties = self.schema["properties"].as_object().into_iter().flatten();
        properties.map(|(name, schema)| (name.as_str(), resolved(contract, schema))).collect()
    }
}

/// The schema that a property means, past `$ref` and `allOf: [$ref]`.
fn resolved<'a>(contract: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref"));
    match reference.and_then(Value::as_str) {
        Some(reference) => resolved(contract, contract.pointer(&reference[1..]).expect("a schema")),
        None => schema,
    }
}

/// Every object of a payload whose fields the contract names.
fn places(contract: &Value, schema: &Value, value: &Value, pointer: &str, found: &mut Vec<Place>) {
    match value {
        Value::Object(fields) if schema.get("properties").is_some() => {
            found.push(Place { pointer: pointer.to_owned(), schema: schema.clone() });
            for (name, value) in fields {
                let field = resolved(contract, &schema["properties"][name]);
                places(contract, field, value, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            let schema = resolved(contract, &schema["items"]);
            for (at, item) in items.iter().enumerate() {
                places(contract, schema, item, &format!("{pointer}/{at}"), found);
            }
        }
        _ => {}
    }
}

/// Changes each object of each documented response, and passes on the change, the type, and a description.
fn for_each_object_of_each_response(mut check: impl FnMut(&Value, &Place, &Value, RoundTrip, &str)) {
    let (contract, responses) = (contract(), responses());
    for entry in documented() {
        let Some(round_trip) = round_trip_of(&responses, &entry.type_name) else { continue };
        let schema = &contract["components"]["schemas"][&entry.type_name];
        let mut found = Vec::new();
        places(&contract, schema, &entry.json, "", &mut found);
        assert!(!found.is_empty());
        for place in found {
            let about = format!("{} at `{}`", entry.source, place.pointer);
            check(&contract, &place, &entry.json, round_trip, &about);
        }
    }
}

fn changed(json: &Value, place: &Place, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Value {
    let mut json = json.clone();
    change(json.pointer_mut(&place.pointer).and_then(Value::as_object_mut).expect("an object"));
    json
}

#[test]
fn a_response_needs_only_what_the_contract_lists_as_required() {
    for_each_object_of_each_response(|contract, place, json, round_trip, about| {
        for (name, _) in place.properties(contract) {
            let without = changed(json, place, |fields| drop(fields.remove(name)));
            let null = changed(json, place, |fields| drop(fields.insert(name.to_owned(), Value::Null)));
            let required = place.required().contains(&name);
            for (how, payload) in [("missing", without), ("null", null)] {
                let read = round_trip(&payload.to_string());
                assert_eq!(read.is_err(), required, "{about}: `{name}` is {how}: {read:?}");
                if let Ok(written) = read {
                    assert_eq!(normalised(&written), normalised(&payload), "{about}: `{name}` is {how}");
                }
            }
        }
    });
}

#[test]
fn a_response_of_the_required_fields_alone_is_decoded() {
    let batch = json!({ "disbursement_id": "d-1" });
    let page = json!({ "results": [] });
    let least = [
        ("Disbursement", json!({ "disbursement_id": "d-1", "status": "pending" })),
        ("DisbursementList", page.clone()),
        ("DisbursementQuote", json!({ "currency": "UGX", "total_debit_amount": "1" })),
        ("DisbursementSummary", batch.clone()),
        ("Escrow", json!({ "id": "e-1" })),
        ("EscrowDisbursement", batch.clone()),
        ("EscrowDisbursementList", page.clone()),
        ("EscrowDisbursementReleased", batch.clone()),
        ("EscrowDisbursementSummary", batch),
        ("EscrowDisputed", json!({ "dispute_id": "d-1" })),
        ("EscrowFulfillment", json!({ "escrow_id": "e-1", "status": "pending" })),
        ("EscrowReleased", json!({})),
        ("EscrowReversed", json!({})),
        ("OtpResponse", json!({})),
        ("Payment", json!({ "id": "p-1", "status": "pending", "amount": "1", "currency": "UGX" })),
        ("PaymentCreated", json!({ "payment_id": "p-1" })),
        ("PaymentList", page),
        ("TermFulfilled", json!({})),
        ("TestAuthorization", json!({})),
        ("TokenResponse", json!({ "access_token": "a" })),
    ];
    let (contract, responses) = (contract(), responses());
    for (name, _) in &responses {
        let required = contract["components"]["schemas"][name]["required"].as_array().map_or(0, Vec::len);
        let is_listed = least.iter().any(|(listed, _)| listed == name);
        assert!(is_listed || required <= 1, "{name} requires {required} fields and is not in this table");
    }
    for (name, json) in least {
        assert_eq!(round_trip_of(&responses, name).unwrap()(&json.to_string()).unwrap(), json, "{name}");
    }
}

#[test]
fn an_unknown_value_of_an_open_enum_is_kept() {
    let mut fields_seen = 0;
    for_each_object_of_each_response(|contract, place, json, round_trip, about| {
        for (name, schema) in place.properties(contract) {
            if schema.get("x-extensible-enum").is_some() {
                let payload = changed(json, place, |fields| drop(fields.insert(name.to_owned(), "Brand-New ä".into())));
                let written =
                    round_trip(&payload.to_string()).unwrap_or_else(|error| panic!("{about}: `{name}`: {error}"));
                assert_eq!(normalised(&written), normalised(&payload), "{about}: `{name}`");
                fields_seen += 1;
            }
        }
    });
    assert!(fields_seen > 50, "too few fields were visited: {fields_seen}");
}

#[test]
fn an_unknown_field_is_kept_at_every_level() {
    let news = json!({ "deep": [1, 2.5, { "text": "1,000.00", "nothing": null }], "flag": true });
    for_each_object_of_each_response(|_, place, json, round_trip, about| {
        let payload = changed(json, place, |fields| drop(fields.insert("brand_new".to_owned(), news.clone())));
        let written = round_trip(&payload.to_string()).unwrap_or_else(|error| panic!("{about}: {error}"));
        let pointer = format!("{}/brand_new", place.pointer);
        assert_eq!(written.pointer(&pointer), Some(&news), "{about}");
        assert_eq!(normalised(&written), normalised(&payload), "{about}");
    });
}

#[test]
fn unknown_fields_and_values_are_readable_in_the_types() {
    let mut payment = recorded_response("payment_details");
    payment["status"] = "on_hold".into();
    payment["brand_new"] = json!([1]);
    payment["transaction_details"]["brand_new"] = "deep".into();
    let payment: types::Payment = serde_json::from_value(payment).unwrap();
    assert!(matches!(&payment.status, PaymentStatus::Unknown(value) if value.as_str() == "on_hold"));
    assert_eq!(payment.extra["brand_new"], json!([1]));
    assert_eq!(payment.transaction_details.unwrap().extra["brand_new"], "deep");

    let mut escrow = recorded_response("escrow_create");
    escrow["status"] = "frozen".into();
    escrow["terms"][0]["type"] = "oath".into();
    escrow["terms"][0]["brand_new"] = 7.into();
    let escrow: types::Escrow = serde_json::from_value(escrow).unwrap();
    assert_eq!(escrow.status, Some(EscrowStatus::from("frozen")));
    let term = &escrow.terms.unwrap()[0];
    assert_eq!(term.type_.as_ref().map(TermType::as_str), Some("oath"));
    assert_eq!(term.extra["brand_new"], 7);

    let mut list = recorded_response("payment_list");
    list["results"][0]["payer"]["type"] = "robot".into();
    let list: types::PaymentList = serde_json::from_value(list).unwrap();
    assert_eq!(list.results[0].payer.as_ref().and_then(|payer| payer.type_.clone()), Some(PartyType::from("robot")));
}
