//! The hook that reports what a response has and the contract does not know.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use piaxis::{Unexpected, UnexpectedKind};
use serde_json::{Value, json};

use crate::support::{
    contract::contract,
    one_body::Server,
    operations::{
        Own,
        nodes::{Node, nodes_of, replaced, resolved},
        rows,
    },
    payloads::documented,
};

/// In every value that is planted, and in no report.
const SENTINEL: &str = "sentinel-7c1e";

type Reports = Arc<Mutex<Vec<(UnexpectedKind, String)>>>;

async fn server() -> (Server, Reports) {
    let reports = Reports::default();
    let shared = reports.clone();
    let report = move |found: &Unexpected<'_>| {
        assert!(!format!("{found:?}").contains(SENTINEL), "{found:?}");
        shared.lock().unwrap().push((found.kind, found.path.to_owned()));
    };
    (Server::with(|builder| builder.on_unexpected(report)).await, reports)
}

fn take(reports: &Reports) -> Vec<(UnexpectedKind, String)> {
    std::mem::take(&mut reports.lock().unwrap())
}

#[tokio::test]
async fn nothing_in_recorded_and_documented_responses_is_unexpected() {
    let (server, reports) = server().await;
    for row in rows() {
        for entry in documented().into_iter().filter(|entry| entry.type_name == row.schema) {
            server.set(entry.json.to_string());
            (row.send)(&server.client, "id-1", Own::default()).await.unwrap();
            assert_eq!(take(&reports), [], "{} of {}", row.operation, entry.source);
        }
    }
}

/// A response with one thing that the contract does not know, and the report of it.
struct Mutant {
    body: String,
    kind: UnexpectedKind,
    path: String,
}

/// `results[].status` of `results[3].status`.
fn normal(path: &str) -> String {
    path.split(['[', ']']).map(|part| if part.parse::<usize>().is_ok() { "[]" } else { part }).collect()
}

fn mutants(contract: &Value, json: &Value, nodes: &[Node]) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for node in nodes {
        let schema = resolved(contract, &node.schema).0;
        let path = normal(&node.path);
        let value = json.pointer(&node.pointer).filter(|value| !value.is_null());
        let mut add = |kind, path: String, text: &str| {
            mutants.push(Mutant { body: replaced(json, &node.pointer, text), kind, path });
        };
        if schema.get("x-extensible-enum").is_some() {
            add(UnexpectedKind::UnknownValue, path.clone(), &json!(SENTINEL).to_string());
        }
        if schema.get("properties").is_some()
            && let Some(Value::Object(fields)) = value
        {
            let mut fields = fields.clone();
            fields.insert("brand_new".into(), json!({ "inner": SENTINEL }));
            add(UnexpectedKind::UnknownField, format!("{path}.brand_new"), &Value::from(fields).to_string());
        }
        if let Some((_, droppable)) = &node.droppable {
            let misfit = match schema["type"].as_str() {
                Some("string" | "integer" | "boolean") => json!([SENTINEL]),
                Some("array" | "object") if schema.get("properties").or(schema.get("items")).is_some() => {
                    json!(SENTINEL)
                }
                _ => continue,
            };
            add(UnexpectedKind::Undecoded, normal(droppable), &misfit.to_string());
        }
    }
    mutants
}

#[tokio::test]
async fn unknown_fields_are_reported_by_path_and_not_by_value() {
    let (contract, (server, reports)) = (contract(), server().await);
    let mut counts = BTreeMap::<UnexpectedKind, (usize, usize)>::new();
    for row in rows() {
        for entry in documented().into_iter().filter(|entry| entry.type_name == row.schema) {
            let nodes = nodes_of(&contract, row.schema, &entry.json);
            for Mutant { body, kind, path } in mutants(&contract, &entry.json, &nodes) {
                server.set(&body);
                (row.send)(&server.client, "id-1", Own::default())
                    .await
                    .unwrap_or_else(|error| panic!("{path}: {error}"));
                let (all, caught) = counts.entry(kind).or_default();
                *all += 1;
                let seen = take(&reports);
                if seen == [(kind, path.clone())] {
                    *caught += 1;
                } else {
                    println!("{} of {}: {path} {kind:?}: {seen:?}", row.operation, entry.source);
                }
            }
        }
    }
    println!("{counts:?}");
    let all: usize = counts.values().map(|(all, _)| all).sum();
    let caught: usize = counts.values().map(|(_, caught)| caught).sum();
    assert!(all > 500 && caught * 100 >= all * 95, "{counts:?}");
    assert_eq!(counts.len(), 3, "{counts:?}");
}

#[tokio::test]
async fn a_path_is_reported_once_however_many_items_have_it() {
    let (server, reports) = server().await;
    let items: Vec<Value> = (0..3).map(|id| json!({ "payment_id": id.to_string(), "status": "new" })).collect();
    server.set(json!({ "results": items }).to_string());
    let page = server.client.payments().list(piaxis::types::PaymentFilter::builder().build()).await.unwrap();
    assert_eq!(page.results.len(), 3);
    assert_eq!(take(&reports), [(UnexpectedKind::UnknownValue, "results[].status".to_owned())]);
}

#[tokio::test]
async fn a_failure_is_not_reported() {
    let (server, reports) = server().await;
    server.set(json!({ "detail": SENTINEL, "brand_new": 1 }).to_string());
    server.client.payments().get("pay-1").await.unwrap_err();
    assert_eq!(take(&reports), []);
}
