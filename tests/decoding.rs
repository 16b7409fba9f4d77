//! A 2xx response whose optional fields fail to decode is returned without them; the id of a payment is never lost to them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod log;
mod support;

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{Arc, Mutex},
};

use common::{contract, documented, recorded_answer};
use log::Log;
use piaxis::{
    Client, Environment, Error, ErrorKind, OPERATIONS, Outcome, PaymentMethod, Request, ResponseBody, RetryPolicy,
    TermType,
    types::{
        AuthorizeParams, DisbursementCancel, DisbursementCreate, DisbursementFilter, EscrowCreate,
        EscrowDisbursementCreate, EscrowDisbursementFilter, EscrowDisbursementRelease, EscrowDispute, EscrowRelease,
        EscrowReverse, OtpRequest, PaymentCreate, PaymentFilter, TermFulfillment, TokenRequest,
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpListener, task::JoinHandle};

// ---------------------------------------------------------------- a server that keeps its connections open

#[derive(Clone)]
struct Server {
    client: Client,
    body: Arc<Mutex<Vec<u8>>>,
    task: Arc<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let environment = Environment::Custom(format!("http://{}/api", listener.local_addr().unwrap()));
        let body = Arc::<Mutex<Vec<u8>>>::default();
        let shared = body.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let body = shared.clone();
                tokio::spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    while support::read(&mut stream).await.is_some() {
                        let body = body.lock().unwrap().clone();
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        let client = Client::builder().environment(environment).retry_policy(RetryPolicy::none());
        let client = client.api_key("key-1").client_id("client-1").client_secret("secret-1").access_token("token-1");
        Self { client: client.build().unwrap(), body, task: Arc::new(task) }
    }

    /// The body of every response from now on.
    fn set(&self, body: impl AsRef<[u8]>) {
        *self.body.lock().unwrap() = body.as_ref().to_vec();
    }
}

// ---------------------------------------------------------------- the operations

/// A successful response: the value as JSON, and path and JSON of each undecoded field.
#[derive(Debug, PartialEq)]
struct Seen {
    value: Value,
    undecoded: Vec<(String, String)>,
}

type Sent = Pin<Box<dyn Future<Output = Result<Seen, Error>>>>;

fn send<T: ResponseBody + Serialize + std::fmt::Debug>(request: Request<T>) -> Sent {
    Box::pin(async move {
        let response = request.send_with_response().await?;
        let undecoded = response.undecoded().iter().map(|field| (field.path().to_owned(), field.json().to_owned()));
        Ok(Seen { undecoded: undecoded.collect(), value: serde_json::to_value(response.value()).unwrap() })
    })
}

/// Decodes as serde does, and encodes again.
fn strict<T: ResponseBody + Serialize>(body: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<T>(body).map(|value| serde_json::to_value(value).unwrap())
}

#[derive(Clone, Copy)]
struct Sends {
    operation: &'static str,
    type_name: &'static str,
    send: fn(&Client) -> Sent,
    strict: fn(&str) -> Result<Value, serde_json::Error>,
}

macro_rules! operations {
    ($($operation:ident -> $type_name:ident ($($argument:expr),*);)+) => {
        [$(Sends {
            operation: stringify!($operation),
            type_name: stringify!($type_name),
            send: |client| send(client.raw().$operation($($argument),*)),
            strict: strict::<piaxis::types::$type_name>,
        }),+]
    };
}

fn body<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

fn payment() -> PaymentCreate {
    PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

fn escrow() -> EscrowCreate {
    EscrowCreate::builder().amount(1).currency_code("UGX").payment_method(PaymentMethod::Mtn).terms([]).build()
}

fn payout<T: serde::de::DeserializeOwned>() -> T {
    body(json!({ "recipients": [], "currency": "UGX", "payment_method": "mtn" }))
}

fn operations() -> Vec<Sends> {
    operations! {
        oauth_authorize -> TestAuthorization (
            &AuthorizeParams::builder().merchant_id("m").external_user_id("u").redirect_uri("https://shop.example.com/").build(),
            Some(true)
        );
        oauth_token -> TokenResponse (&body::<TokenRequest>(
            json!({ "grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r" })
        ));
        otp_request -> OtpResponse (&OtpRequest::builder().email("buyer@example.com").build());
        payments_create -> PaymentCreated (None, &payment());
        payments_get -> Payment ("p");
        payments_list -> PaymentList (&PaymentFilter::builder().build());
        escrows_create -> Escrow (&escrow());
        escrows_get -> Escrow ("e");
        escrows_status -> EscrowFulfillment ("e");
        escrows_release -> EscrowReleased ("e", &EscrowRelease::builder().build());
        escrows_reverse -> EscrowReversed ("e", &EscrowReverse::builder().build());
        escrows_dispute -> EscrowDisputed ("e", &EscrowDispute::builder().reason("broken").build());
        escrows_fulfill_term -> TermFulfilled (
            "e", "t", &TermFulfillment::builder().term_id("t").term_type(TermType::Custom).data(piaxis::JsonObject::new()).build()
        );
        disbursements_create -> DisbursementSummary (&payout::<DisbursementCreate>());
        disbursements_quote -> DisbursementQuote (&payout::<DisbursementCreate>());
        disbursements_get -> Disbursement ("d");
        disbursements_list -> DisbursementList (&DisbursementFilter::builder().build());
        disbursements_cancel -> DisbursementSummary ("d", &DisbursementCancel::builder().build());
        escrow_disbursements_create -> EscrowDisbursement (&payout::<EscrowDisbursementCreate>());
        escrow_disbursements_get -> EscrowDisbursement ("d");
        escrow_disbursements_list -> EscrowDisbursementList (&EscrowDisbursementFilter::builder().build());
        escrow_disbursements_cancel -> EscrowDisbursementSummary ("d", &DisbursementCancel::builder().build());
        escrow_disbursements_release -> EscrowDisbursementReleased ("d", &EscrowDisbursementRelease::builder().build());
    }
    .to_vec()
}

fn operation(name: &str) -> Sends {
    operations().into_iter().find(|operation| operation.operation == name).expect(name)
}

#[test]
fn every_operation_is_in_the_table() {
    let here: BTreeSet<&str> = operations().iter().map(|operation| operation.operation).collect();
    assert_eq!(here, OPERATIONS.iter().map(|operation| operation.id).collect());
    for Sends { type_name, .. } in operations() {
        assert!(documented().iter().any(|entry| entry.type_name == type_name), "no response for {type_name}");
    }
}

// ---------------------------------------------------------------- the nodes of a response, by the contract alone

/// What a node is replaced by, as JSON text.
fn replacements() -> Vec<String> {
    let short = [
        "null",
        "true",
        "false",
        "0",
        "-1.5",
        r#""""#,
        r#""x""#,
        "[]",
        "{}",
        "[1]",
        r#"["x"]"#,
        "[{}]",
        r#"{"a":1}"#,
        "12345678901234567890",
        "123456789012345678901234567890",
        "1e999",
        r#""\ud800""#,
        r#"{"a":1e999}"#,
    ];
    let deep = ["[".repeat(500) + &"]".repeat(500), r#"{"a":"#.repeat(500) + "1" + &"}".repeat(500)];
    short.into_iter().map(str::to_owned).chain(deep).collect()
}

/// The schema that a node has, past `$ref` and `allOf: [$ref]`, and the name of the schema.
fn resolved<'a>(contract: &'a Value, schema: &'a Value) -> (&'a Value, &'a str) {
    let reference = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str);
    match reference {
        Some(reference) => {
            (contract.pointer(&reference[1..]).expect("a schema"), reference.rsplit('/').next().unwrap())
        }
        None => (schema, ""),
    }
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|required| required.iter().any(|field| field == name))
}

/// Whether `serde_json` reads the text: no number that no type can hold, no nesting without end, no half surrogate pair.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

/// Whether JSON text is a value of the schema. Null is none: only an optional field may be null.
fn fits(contract: &Value, schema: &Value, text: &str) -> bool {
    let (schema, name) = resolved(contract, schema);
    let Ok(value) = serde_json::from_str::<Value>(text) else { return false };
    match name {
        "AnyValue" => return true,
        "JsonObject" => return value.is_object(),
        // A one-time password may come as a number.
        "Secret" => return value.is_string() || value.is_u64(),
        // Of the replacements, exactly the whole numbers of 64 bits and the short fraction are amounts.
        "Amount" => return value.is_i64() || value.is_u64() || text == "-1.5",
        _ => {}
    }
    match schema["type"].as_str().expect("a type") {
        "string" => value.is_string() && schema["format"] != "date-time",
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "array" => value
            .as_array()
            .is_some_and(|items| items.iter().all(|item| fits(contract, &schema["items"], &item.to_string()))),
        "object" => value.as_object().is_some_and(|fields| {
            schema["required"].as_array().into_iter().flatten().all(|name| fields.contains_key(name.as_str().unwrap()))
        }),
        other => panic!("{other} is in no response"),
    }
}

/// A field or an item of a response.
#[derive(Debug, Clone)]
struct Node {
    /// JSON pointer.
    pointer: String,
    /// Path as the client names the node.
    path: String,
    schema: Value,
    /// Whether the node may be null.
    is_optional: bool,
    /// Pointer and path of the nearest optional field that the node is, or is in.
    droppable: Option<(String, String)>,
}

fn is_required_field(node: &Node) -> bool {
    node.droppable.is_none() && !node.path.ends_with(']')
}

/// All nodes below a value, and for each object also the fields that the contract names and the response lacks.
fn nodes(contract: &Value, node: &Node, value: &Value, found: &mut Vec<Node>) {
    let (schema, _) = resolved(contract, &node.schema);
    let mut visit = |child: Node, value: Option<&Value>| {
        if let Some(value) = value {
            nodes(contract, &child, value, found);
        }
        found.push(child);
    };
    match value {
        Value::Object(fields) => {
            for (name, schema_of_field) in schema["properties"].as_object().into_iter().flatten() {
                let pointer = format!("{}/{name}", node.pointer);
                let path = if node.path.is_empty() { name.clone() } else { format!("{}.{name}", node.path) };
                let is_optional = !is_required(schema, name);
                let own = is_optional.then(|| (pointer.clone(), path.clone()));
                let droppable = own.or_else(|| node.droppable.clone());
                let child = Node { pointer, path, schema: schema_of_field.clone(), is_optional, droppable };
                visit(child, fields.get(name));
            }
        }
        Value::Array(items) if schema.get("items").is_some() => {
            for (at, item) in items.iter().enumerate() {
                let child = Node {
                    pointer: format!("{}/{at}", node.pointer),
                    path: format!("{}[{at}]", node.path),
                    schema: schema["items"].clone(),
                    is_optional: false,
                    droppable: node.droppable.clone(),
                };
                visit(child, Some(item));
            }
        }
        _ => {}
    }
}

fn nodes_of(contract: &Value, type_name: &str, value: &Value) -> Vec<Node> {
    let schema = json!({ "$ref": format!("#/components/schemas/{type_name}") });
    let root = Node { pointer: String::new(), path: String::new(), schema, is_optional: false, droppable: None };
    let mut found = Vec::new();
    nodes(contract, &root, value, &mut found);
    found
}

/// The JSON text with the node replaced.
fn replaced(json: &Value, pointer: &str, text: &str) -> String {
    const HERE: &str = "the node that is replaced";
    let mut json = json.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match json.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.insert(name.to_owned(), HERE.into())),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = HERE.into(),
        _ => unreachable!(),
    }
    json.to_string().replace(&format!("{HERE:?}"), text)
}

fn without(json: &Value, pointer: &str) -> String {
    let mut json = json.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    json.to_string()
}

// ---------------------------------------------------------------- the property

#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Counts {
    nodes: usize,
    fitting: usize,
    dropped: usize,
    errors: usize,
}

#[tokio::test]
async fn each_node_of_each_response_replaced_by_each_type_of_json() {
    let (contract, server) = (contract(), Server::start().await);
    let mut counts = Counts::default();
    for operation in operations() {
        for entry in documented().into_iter().filter(|entry| entry.type_name == operation.type_name) {
            let original = (operation.strict)(&entry.json.to_string()).unwrap();
            for node in nodes_of(&contract, operation.type_name, &entry.json) {
                counts.nodes += 1;
                if let Some((_, name)) = node.pointer.rsplit_once('/').filter(|_| is_required_field(&node)) {
                    server.set(without(&entry.json, &node.pointer));
                    let error = (operation.send)(&server.client).await.unwrap_err();
                    assert!(error.to_string().contains(&format!("missing field `{name}`")), "{error}");
                    counts.errors += 1;
                }
                for text in replacements() {
                    let about = format!("{} of {}, `{}` is {text:.40}", operation.operation, entry.source, node.path);
                    server.set(replaced(&entry.json, &node.pointer, &text));
                    let result = (operation.send)(&server.client).await;
                    check(&contract, operation, &entry.json, &original, &node, &text, result, &about, &mut counts);
                }
            }
        }
    }
    println!("{counts:?}");
    let cases = counts.fitting + counts.dropped + counts.errors;
    assert!(cases > 12_000 && counts.dropped > 9_000 && counts.errors > 900 && counts.fitting > 1_700, "{counts:?}");
}

#[allow(clippy::too_many_arguments)]
fn check(
    contract: &Value,
    operation: Sends,
    json: &Value,
    original: &Value,
    node: &Node,
    text: &str,
    result: Result<Seen, Error>,
    about: &str,
    counts: &mut Counts,
) {
    let is_object = resolved(contract, &node.schema).0.get("properties").is_some();
    if is_object && text.starts_with("{\"a\":") && !is_json(text) && fits(contract, &node.schema, "{}") {
        // The object decodes, without the field that the contract does not know.
        counts.dropped += 1;
        let seen = result.unwrap_or_else(|error| panic!("{about}: {error}"));
        assert_eq!(seen.value, (operation.strict)(&replaced(json, &node.pointer, "{}")).expect(about), "{about}");
        assert_eq!(seen.undecoded, [(format!("{}.a", node.path), text[5..text.len() - 1].to_owned())], "{about}");
        return;
    }
    let is_decodable = if text == "null" && node.is_optional { true } else { fits(contract, &node.schema, text) };
    match (is_decodable, &node.droppable) {
        (true, _) => {
            counts.fitting += 1;
            let seen = result.unwrap_or_else(|error| panic!("{about}: {error}"));
            assert_eq!(seen.undecoded, [], "{about}");
            let decoded = (operation.strict)(&replaced(json, &node.pointer, text)).expect(about);
            assert_eq!(seen.value, decoded, "{about}");
        }
        (false, Some((pointer, path))) => {
            counts.dropped += 1;
            let seen = result.unwrap_or_else(|error| panic!("{about}: {error}"));
            assert_eq!(seen.value, (operation.strict)(&without(json, pointer)).expect(about), "{about}");
            // Required fields arrive unchanged.
            for name in
                contract["components"]["schemas"][operation.type_name]["required"].as_array().into_iter().flatten()
            {
                let name = name.as_str().unwrap();
                if !pointer.starts_with(&format!("/{name}/")) {
                    assert_eq!(seen.value[name], original[name], "{about}");
                }
            }
            let [(named, sent)] = seen.undecoded.as_slice() else { panic!("{about}: {:?}", seen.undecoded) };
            assert_eq!(named, path, "{about}");
            let body = replaced(json, &node.pointer, text);
            assert!(body.contains(sent.as_str()) && sent.contains(text), "{about}: {sent}");
            // A value that was stored can be loaded again.
            assert_eq!((operation.strict)(&seen.value.to_string()).expect(about), seen.value, "{about}");
        }
        (false, None) => {
            counts.errors += 1;
            let error = result.map(|seen| panic!("{about}: {seen:?}")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{about}: {error}");
            let is_read = OPERATIONS.iter().find(|known| known.id == operation.operation).unwrap().idempotent;
            assert_eq!(error.outcome(), if is_read { Outcome::ReadFailed } else { Outcome::Unknown }, "{about}");
            assert!(error.to_string().contains(&format!("`{}", node.path)), "{about}: {error}");
        }
    }
}

#[tokio::test]
async fn all_optional_fields_of_a_response_may_be_wrong_at_once() {
    let (contract, server) = (contract(), Server::start().await);
    let mut dropped = 0;
    for operation in operations() {
        for entry in documented().into_iter().filter(|entry| entry.type_name == operation.type_name) {
            for text in ["1e999", "[[1]]", r#"{"a":1e999}"#] {
                let mut wrong = entry.json.clone();
                let nodes = nodes_of(&contract, operation.type_name, &entry.json);
                let leaves: Vec<&Node> = nodes.iter().filter(|node| is_outermost(node, &nodes)).collect();
                for node in &leaves {
                    let (parent, name) = node.pointer.rsplit_once('/').unwrap();
                    let parent = wrong.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                    parent.insert(name.to_owned(), "the node".into());
                }
                server.set(wrong.to_string().replace(r#""the node""#, text));
                let about = format!("{} of {}, {text}", operation.operation, entry.source);
                let seen = (operation.send)(&server.client).await.unwrap_or_else(|error| panic!("{about}: {error}"));
                let mut named: Vec<String> = seen.undecoded.into_iter().map(|(path, _)| path).collect();
                let decodes = |node: &Node| fits(&contract, &node.schema, text);
                let mut expected: Vec<String> = leaves
                    .iter()
                    .filter(|node| !decodes(node))
                    .map(|node| match resolved(&contract, &node.schema).0 {
                        // An object of an unknown field that fails loses the field only.
                        schema if text.starts_with('{') && schema.get("properties").is_some() => {
                            format!("{}.a", node.path)
                        }
                        _ => node.path.clone(),
                    })
                    .collect();
                named.sort();
                expected.sort();
                assert_eq!(named, expected, "{about}");
                dropped += named.len();
            }
        }
    }
    assert!(dropped > 700, "{dropped}");
}

/// Whether a node is an optional field that is in no other optional field.
fn is_outermost(node: &Node, all: &[Node]) -> bool {
    let encloses = |other: &Node| other.is_optional && node.pointer.starts_with(&format!("{}/", other.pointer));
    node.is_optional && !all.iter().any(encloses)
}

// ---------------------------------------------------------------- the cases that lost payments

async fn sees(name: &str, response: impl AsRef<[u8]>) -> Result<Seen, Error> {
    let server = Server::start().await;
    server.set(response);
    (operation(name).send)(&server.client).await
}

#[tokio::test]
async fn details_of_an_action_do_not_lose_the_id_of_an_escrow() {
    for (field, value) in [
        ("deadline", json!("2026-12-31")),
        ("deadline", json!("")),
        ("status", json!({ "agreed": false })),
        ("max_distance_km", json!("0.5 km")),
        ("agreement_options", json!("release, reverse")),
    ] {
        let mut escrow = recorded_answer("escrow_create");
        escrow["required_actions"][0][field] = value.clone();
        let seen = sees("escrows_create", escrow.to_string()).await.unwrap();
        assert_eq!(seen.value["id"], escrow["id"]);
        // No source shows a type, so the value is there as it came.
        assert_eq!(seen.value["required_actions"][0][field], value, "{field}");
        assert_eq!(seen.undecoded, []);
    }
    let mut escrow = recorded_answer("escrow_create");
    escrow["required_actions"][0]["deadline"] = json!(1_790_000_000);
    let seen = sees("escrows_create", escrow.to_string()).await.unwrap();
    assert_eq!(seen.undecoded, [("required_actions[0].deadline".to_owned(), "1790000000".to_owned())]);
    assert_eq!(seen.value["required_actions"][0]["action_type"], "manual_release");
}

#[tokio::test]
async fn free_form_parts_come_as_they_are() {
    let mut released = recorded_answer("escrow_disbursement_release");
    released["skipped"] = json!(["item-2"]);
    released["failed"] = json!(["item-3", { "item_id": "item-4" }]);
    let seen = sees("escrow_disbursements_release", released.to_string()).await.unwrap();
    assert_eq!((&seen.value["skipped"], &seen.value["failed"]), (&released["skipped"], &released["failed"]));
    assert_eq!(seen.undecoded, []);

    let mut payment = recorded_answer("payment_details");
    payment["receipt"] = "receipt 7".into();
    payment["product_details"] = json!([{ "id": "product-789" }]);
    let seen = sees("payments_get", payment.to_string()).await.unwrap();
    assert_eq!(seen.value["receipt"], "receipt 7");
    assert_eq!(seen.undecoded, [("product_details".to_owned(), r#"[{"id":"product-789"}]"#.to_owned())]);
}

#[tokio::test]
async fn a_list_with_a_wrong_item_is_not_shortened() {
    let mut escrow = recorded_answer("escrow_create");
    escrow["terms"] = json!([{ "term_id": "t-1" }, "t-2"]);
    let seen = sees("escrows_get", escrow.to_string()).await.unwrap();
    assert_eq!(seen.value.get("terms"), None);
    assert_eq!(seen.undecoded, [("terms".to_owned(), r#"[{"term_id":"t-1"},"t-2"]"#.to_owned())]);

    // Only the list is named, not what was wrong in the items before.
    escrow["terms"] = json!([{ "term_id": 1 }, "t-2"]);
    let seen = sees("escrows_get", escrow.to_string()).await.unwrap();
    assert_eq!(seen.undecoded, [("terms".to_owned(), r#"[{"term_id":1},"t-2"]"#.to_owned())]);

    // `results` is required: without one of its items, a search for a payment would not find it.
    let mut list = recorded_answer("payment_list");
    list["results"].as_array_mut().unwrap().push(json!({ "status": "pending", "amount": [] }));
    let error = sees("payments_list", list.to_string()).await.unwrap_err();
    assert!(error.to_string().contains("`results[1]`: missing field `payment_id`"), "{error}");
}

#[tokio::test]
async fn an_error_names_the_required_field_and_not_an_optional_one_before_it() {
    let error = sees("payments_create", r#"{"amount":[],"payment_id":7}"#).await.unwrap_err();
    assert!(error.to_string().contains("`payment_id`: expected a string"), "{error}");
    let error = sees("payments_create", r#"{"amount":[],"status":"pending"}"#).await.unwrap_err();
    assert!(error.to_string().contains("missing field `payment_id`"), "{error}");
    assert!(!error.to_string().contains("amount"), "{error}");
    // With nothing else wrong, the place is there too.
    let error = sees("payments_create", "{\n\"payment_id\":7}").await.unwrap_err();
    assert!(error.to_string().contains("(line 2, column"), "{error}");
}

#[tokio::test]
async fn an_error_body_does_not_become_a_success() {
    let bodies = [
        r#"{"detail":"no","expires_in":"soon"}"#,
        r#"{"detail":"no","expires_in":"soon","otp":[]}"#,
        r#"{"code":"NO","message":"no","otp":[]}"#,
        r#"{"detail":"no","more":1e999}"#,
        r#"{"detail":"no","more":"\ud800"}"#,
        r#"{"error":"invalid_grant","otp":-1}"#,
    ];
    let latin: &[u8] = b"{\"detail\":\"refus\xe9\"}";
    // All fields of this response are optional.
    for body in bodies.map(str::as_bytes).into_iter().chain([latin]) {
        let error = sees("otp_request", body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ErrorInSuccess, "{}: {error}", String::from_utf8_lossy(body));
    }
    let error = sees("payments_create", r#"{"detail":"no","more":1e999}"#).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ErrorInSuccess, "{error}");
    for body in ["[]", r#""sent""#, "", "{", "null", r#"{"otp":1} {}"#, "<html>"] {
        assert_eq!(sees("otp_request", body).await.unwrap_err().kind(), ErrorKind::Decode, "{body}");
    }
}

#[tokio::test]
async fn a_field_that_comes_twice_is_ambiguous() {
    let seen = sees("payments_create", r#"{"payment_id":"p","status":"pending","status":"failed"}"#).await.unwrap();
    assert_eq!(seen.undecoded, [("status".to_owned(), r#""failed""#.to_owned())]);
    let seen = sees("payments_create", r#"{"payment_id":"p","payment_id":"p"}"#).await.unwrap();
    assert_eq!(seen, Seen { value: json!({ "payment_id": "p" }), undecoded: vec![] });
    let error = sees("payments_create", r#"{"payment_id":"p","payment_id":"q"}"#).await.unwrap_err();
    assert!(error.to_string().contains("duplicate field `payment_id`"), "{error}");
}

#[tokio::test]
async fn wrong_bytes_spoil_the_text_that_they_stand_in() {
    let seen =
        sees("escrows_dispute", b"{\"dispute_id\":\"d\",\"message\":\"re\xe7u\",\"more\":\"\xff\"}").await.unwrap();
    assert_eq!(seen.value, json!({ "dispute_id": "d" }));
    assert_eq!(seen.undecoded.len(), 2);
    let error = sees("escrows_dispute", b"{\"dispute_id\":\"d\xe9\"}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    // Half of a surrogate pair, in the name of a field that the contract does not know.
    let seen = sees("escrows_dispute", r#"{"dispute_id":"d","\ud800":1}"#).await.unwrap();
    assert_eq!((&seen.value["dispute_id"], seen.undecoded.len()), (&json!("d"), 0));
    // U+FFFD in a good body is a character like any other.
    let seen = sees("escrows_dispute", "{\"dispute_id\":\"\u{fffd}\",\"message\":1}").await.unwrap();
    assert_eq!(seen.value, json!({ "dispute_id": "\u{fffd}" }));
}

#[tokio::test]
async fn amounts_keep_their_digits_beside_an_undecoded_field() {
    let body = r#"{"id":"p","status":"pending","amount":9007199254740993,"currency":"UGX","created_at":0}"#;
    let seen = sees("payments_get", body).await.unwrap();
    assert_eq!(seen.value["amount"], "9007199254740993");
    let body = body.replace("9007199254740993", r#""12,345,678,901,234,567.89""#);
    assert_eq!(sees("payments_get", body).await.unwrap().value["amount"], "12345678901234567.89");
}

#[tokio::test]
async fn a_value_awaited_plainly_arrives_and_one_warning_names_the_paths() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::start().await;
    server.set(
        r#"{"payment_id":"pay-1","amount":"secret-1","payment_url":{"a":"secret-2"},"+256700000000":"\ud800 secret-3"}"#,
    );
    assert_eq!(server.client.payments().create(payment()).await.unwrap().payment_id, "pay-1");
    let response = server.client.payments().create(payment()).send_with_response().await.unwrap();
    assert_eq!(response.undecoded().iter().map(|field| field.path()).collect::<Vec<_>>().len(), 3);
    let shown = format!("{response:?}");
    let text = log.text();
    let warnings: Vec<&str> = text.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 2, "{text}");
    for text in [warnings[0], warnings[1], &shown] {
        assert!(text.contains("amount") && text.contains("payment_url") && text.contains('*'), "{text}");
        assert!(!text.contains("secret-") && !text.contains("256700"), "{text}");
    }
    assert!(warnings[0].contains("payments_create"), "{text}");

    // A body that decodes warns of nothing.
    server.set(r#"{"payment_id":"pay-1"}"#);
    let response = server.client.payments().create(payment()).send_with_response().await.unwrap();
    assert!(response.undecoded().is_empty());
    assert_eq!(log.text().matches("WARN").count(), 2);
}

#[tokio::test]
async fn a_hostile_body_takes_time_in_proportion_to_its_size() {
    // A megabyte of fields that fail, and of fields that are not known.
    let items: Vec<String> = (0..40_000).map(|at| format!(r#"{{"type":0,"k{at}":1e999}}"#)).collect();
    let body = format!(r#"{{"id":"e-1","terms":[{}]}}"#, items.join(","));
    let server = Server::start().await;
    server.set(&body);
    let started = std::time::Instant::now();
    let response = server.client.escrows().get("e-1").send_with_response().await.unwrap();
    assert_eq!(response.undecoded().len(), 80_000);
    assert_eq!(response.terms.as_ref().unwrap().len(), 40_000);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
