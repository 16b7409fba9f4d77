//! Every request that the pages of Piaxis and the contract show is accepted, and the response has the fields that they show.

use std::collections::BTreeMap;

use http::Method;
use piaxis::{Client, OPERATIONS, types::OtpRequest};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::support::tested::{Tested, start};

/// A request of a page. `$name` stands for an id, or for another value that only a run knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    source: String,
    send: String,
    /// Terms of the escrow that the request is about, which is new.
    terms: Option<Value>,
    body: Option<Value>,
    /// Whether a payer's access token is sent instead of the API key.
    #[serde(default)]
    bearer: bool,
    /// Paths of fields that the response has, null or not.
    fields: Vec<String>,
    /// Values of the response for later rows.
    #[serde(default)]
    keep: BTreeMap<String, String>,
}

struct Guide {
    emulator: Tested,
    client: Client,
    values: BTreeMap<String, String>,
}

impl Guide {
    async fn start() -> Self {
        let emulator = start().await;
        let merchant = emulator.default_merchant();
        let values = [
            ("merchant", merchant.id()),
            ("client_id", merchant.client_id()),
            ("client_secret", merchant.client_secret().expose().to_owned()),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value)).into();
        let client = emulator.client();
        Self { emulator, client, values }
    }

    fn fill(&self, text: &str) -> String {
        // The longest names first, because one begins with another.
        self.values.iter().rev().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }

    /// Requests the password that a body has.
    async fn send_otp(&self, body: &Value) {
        let payer = &body["user_info"];
        if payer["otp"].is_string() {
            let address = |name: &str| payer[name].as_str().map(str::to_owned);
            let request =
                OtpRequest::builder().maybe_email(address("email")).maybe_phone_number(address("phone_number"));
            self.client.otp().request(request.build()).await.unwrap();
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, piaxis::Error> {
        self.send_otp(body).await;
        self.client.request(Method::POST, path).json(body).await
    }

    /// Makes an escrow for a request about one.
    async fn hold(&mut self, terms: &Value, allocations: Option<&Value>) {
        let payer = json!({ "email": "buyer@example.com", "phone_number": "+256700000000", "otp": "123456" });
        let mut body = json!({
            "amount": "50000.00", "currency_code": "UGX", "payment_method": "mtn", "terms": terms, "user_info": payer,
        });
        if let Some(allocations) = allocations {
            body["allocations"] = allocations.clone();
        }
        let escrow = self.post("/escrows/", &body).await.unwrap();
        for (name, value) in [("escrow", &escrow["id"]), ("term", &escrow["terms"][0]["term_id"])] {
            self.values.insert(name.to_owned(), value.as_str().unwrap().to_owned());
        }
    }

    async fn send(&mut self, row: &Row) -> Value {
        if let Some(terms) = &row.terms {
            self.hold(terms, None).await;
        }
        let line = self.fill(&row.send);
        let (method, path) = line.split_once(' ').unwrap();
        let body: Option<Value> =
            row.body.as_ref().map(|body| serde_json::from_str(&self.fill(&body.to_string())).unwrap());
        if path.starts_with("/authorize") || path == "/token" {
            return self.send_oauth(path, body).await;
        }
        self.send_otp(body.as_ref().unwrap_or(&Value::Null)).await;
        let client =
            if row.bearer { self.client.with_access_token(&*self.values["token"]) } else { self.client.clone() };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let mut request = client.request(method.parse().unwrap(), path).query(&query);
        if let Some(body) = &body {
            request = request.json(body);
        }
        request.await.unwrap_or_else(|error: piaxis::Error| panic!("{}: {line} {body:?}: {error}", row.source))
    }

    /// These two are no JSON, and need no API key.
    async fn send_oauth(&self, path: &str, body: Option<Value>) -> Value {
        let (http, url) = (reqwest::Client::new(), format!("{}{path}", self.emulator.base_url()));
        let request = match body {
            None => http.get(url).header("x-test-request", "true"),
            Some(body) => {
                let pairs =
                    body.as_object().unwrap().iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
                let form = pairs.collect::<Vec<_>>().join("&");
                http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form)
            }
        };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }
}

/// The paths that a value lacks, such as `results[].payer.id`. A list must have an item.
fn missing<'a>(value: &Value, paths: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    fn has(value: &Value, path: &[&str]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        match first.strip_suffix("[]") {
            Some(name) => {
                let items = value[name].as_array().map_or(&[][..], Vec::as_slice);
                !items.is_empty() && items.iter().any(|item| has(item, rest))
            }
            None => value.get(first).is_some_and(|value| has(value, rest)),
        }
    }
    paths.into_iter().filter(|path| !has(value, &path.split('.').collect::<Vec<_>>())).collect()
}

#[tokio::test]
async fn requests_of_the_pages_are_accepted_and_have_the_documented_fields() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../data/guide.json")).unwrap();
    let mut guide = Guide::start().await;
    let mut wrong = Vec::new();
    for row in &rows {
        let response = guide.send(row).await;
        let missing = missing(&response, row.fields.iter().map(String::as_str));
        if !missing.is_empty() {
            wrong.push(format!("{} {}: {missing:?} missing: {response}", row.source, row.send));
        }
        for (name, path) in &row.keep {
            let value = response.pointer(&format!("/{path}")).and_then(Value::as_str).unwrap();
            guide.values.insert(name.clone(), value.to_owned());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    guide.emulator.check_balances();
}

/// The top-level fields that a response lacks of those that the contract's example shows.
fn missing_of(operation: &str, response: &Value, shown: &Value) -> Option<String> {
    let names = shown.as_object().into_iter().flat_map(Map::keys).map(String::as_str);
    let missing = missing(response, names);
    (!missing.is_empty()).then(|| format!("{operation}: {missing:?} missing: {response}"))
}

/// The first example of a body.
fn example(content: &Value) -> Option<&Value> {
    content.as_object()?.values().find_map(|media| media.get("example"))
}

#[tokio::test]
async fn requests_of_the_contract_are_accepted_and_have_the_fields_of_its_responses() {
    let contract: Value = serde_json::from_str(piaxis::CONTRACT).unwrap();
    let resolved = |node: &Value| match node["$ref"].as_str() {
        Some(reference) => contract.pointer(&reference[1..]).unwrap().clone(),
        None => node.clone(),
    };
    let mut guide = Guide::start().await;
    let (mut sent, mut wrong) = (0, Vec::new());
    for operation in OPERATIONS {
        let entry = &contract["paths"][operation.path][operation.method.to_lowercase()];
        let shown = example(&resolved(&entry["responses"]["200"])["content"]).cloned().unwrap_or_default();
        let Some(body) = example(&entry["requestBody"]["content"]) else {
            // A list needs no body and no id.
            if operation.page_size.is_some() {
                let page: Value = guide.client.request(Method::GET, operation.path).await.unwrap();
                wrong.extend(missing_of(operation.id, &page, &shown));
            }
            continue;
        };
        let mut body = body.clone();
        let mut path = operation.path.to_owned();
        let fields = body.as_object_mut().unwrap();
        match operation.id {
            "oauth_token" => {
                let redirect = fields["redirect_uri"].as_str().unwrap();
                let query =
                    format!("merchant_id={}&external_user_id=user-1&redirect_uri={redirect}", guide.values["merchant"]);
                let code = guide.send_oauth(&format!("/authorize?{query}"), None).await["code"].clone();
                fields.insert("code".to_owned(), code);
                for name in ["client_id", "client_secret"] {
                    fields.insert(name.to_owned(), guide.values[name].clone().into());
                }
            }
            "escrows_fulfill_term" => {
                guide.hold(&json!([{ "type": fields["term_type"], "data": { "description": "Parcel" } }]), None).await;
                fields.insert("term_id".to_owned(), guide.values["term"].clone().into());
            }
            id if id.starts_with("escrows_") && id != "escrows_create" => {
                // The keys that the example of a release names.
                let key = |key: &Value| json!({ "allocation_key": key, "amount": fields["amount"] });
                let allocations =
                    fields.get("allocation_keys").map(|keys| keys.as_array().unwrap().iter().map(key).collect());
                guide.hold(&json!([{ "type": "manual_release", "data": {} }]), allocations.as_ref()).await;
            }
            "disbursements_cancel" | "escrow_disbursements_cancel" | "escrow_disbursements_release" => {
                let path = operation.path.split("/{").next().unwrap();
                let order = example(&contract["paths"][path]["post"]["requestBody"]["content"]).unwrap();
                let created = guide.post(path, order).await.unwrap();
                let id = created["disbursement_id"].as_str().unwrap().to_owned();
                guide.values.insert("disbursement".to_owned(), id);
                if let Some(ids) = fields.get_mut("escrow_ids") {
                    *ids = json!([created["escrow_items"][0]["escrow_id"]]);
                }
            }
            _ => {}
        }
        for name in ["escrow", "term", "disbursement"] {
            if let Some(id) = guide.values.get(name) {
                path = path.replace(&format!("{{{name}_id}}"), id);
            }
        }
        let response = if operation.id == "oauth_token" {
            guide.send_oauth(&path, Some(body)).await
        } else {
            let response = guide.post(&path, &body).await;
            response.unwrap_or_else(|error| panic!("{}: {body}: {error}", operation.id))
        };
        sent += 1;
        wrong.extend(missing_of(operation.id, &response, &shown));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let bodies = OPERATIONS.iter().filter(|operation| operation.method == "POST").count();
    assert_eq!(sent, bodies, "operations without an example");
}
