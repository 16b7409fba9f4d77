//! Paths, methods and credentials.

use http::Method;
use piaxis::{Credential, Credentials, OPERATIONS, RetryPolicy};
use serde_json::Value;

use crate::support::tested::{builder, start, started};

#[tokio::test]
async fn every_operation_is_there_and_keeps_the_contracts_security() {
    let emulator = start().await;
    let merchant = emulator.default_merchant();
    for operation in OPERATIONS {
        let path = operation.path.split('/').map(|part| if part.starts_with('{') { "id-1" } else { part });
        let (path, method) = (path.collect::<Vec<_>>().join("/"), operation.method.parse::<Method>().unwrap());
        let client = reqwest::Client::new();
        for bits in 0..4 {
            let mut request = client.request(method.clone(), format!("{}{path}", emulator.base_url()));
            let mut sent = Vec::new();
            if bits & 1 > 0 {
                request = request.header(Credential::ApiKey.header(), merchant.api_key().expose());
                sent.push(Credential::ApiKey);
            }
            if bits & 2 > 0 {
                request = request.header(Credential::ClientId.header(), merchant.client_id());
                sent.push(Credential::ClientId);
            }
            let response = request.send().await.unwrap();
            let enough = |set: &&[Credential]| set.iter().all(|credential| sent.contains(credential));
            let is_allowed = operation.security.is_empty() || operation.security.iter().any(enough);
            let status = response.status().as_u16();
            let body: Value = response.json().await.unwrap();
            let is_rejected = status == 401 || body["detail"]["code"] == "MISSING_CLIENT_ID";
            assert_eq!(is_rejected, !is_allowed, "{} {sent:?}: {status} {body}", operation.id);
            assert_ne!(status, 501, "{}", operation.id);
        }
    }
}

#[tokio::test]
async fn unknown_paths_methods_and_slashes_get_the_frameworks_responses() {
    let emulator = start().await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let origin = emulator.base_url();
    for (method, path, status, header, value) in [
        (Method::GET, "/nothing", 404, "content-type", "application/json"),
        (Method::DELETE, "/payments/create", 405, "allow", "POST"),
        (Method::HEAD, "/merchant-payments", 405, "allow", "GET"),
        (Method::POST, "/payments/create/", 307, "location", &*format!("{origin}/payments/create")),
    ] {
        let response = client.request(method, format!("{origin}{path}")).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()[header], value, "{path}");
        assert!(response.headers().contains_key("x-request-id"), "{path}");
    }
    for operation in OPERATIONS.iter().filter(|operation| !operation.path.contains('{')) {
        // The path with the other slash is that of other operations, or leads to this one.
        let path = operation.path;
        let other = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
        let allowed: Vec<&str> = OPERATIONS.iter().filter(|one| one.path == other).map(|one| one.method).collect();
        let (status, header, value) = match &*allowed {
            [] => (307, "location", format!("{origin}{path}?x=1")),
            _ if allowed.contains(&operation.method) => continue,
            _ => (405, "allow", allowed.join(", ")),
        };
        let url = format!("{origin}{other}?x=1");
        let response = client.request(operation.method.parse().unwrap(), url).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()[header].to_str().unwrap()),
            (status, &*value),
            "{other}"
        );
    }
}

#[tokio::test]
async fn request_ids_are_echoed_and_wrong_credentials_rejected() {
    let emulator = start().await;
    let client = emulator.client();
    let filter = piaxis::types::PaymentFilter::builder().build();
    let response = client.payments().list(filter.clone()).request_id("trace-1").send_with_response().await.unwrap();
    assert_eq!(response.request_id(), Some("trace-1"));
    for credentials in [
        Credentials::new().api_key("wrong").client_id(emulator.default_merchant().client_id()),
        Credentials::new()
            .api_key(emulator.default_merchant().client_id())
            .client_id(emulator.default_merchant().client_id()),
        Credentials::new().api_key(emulator.default_merchant().api_key()).client_id("wrong"),
        Credentials::new()
            .api_key(emulator.default_merchant().api_key())
            .client_id(emulator.merchant("other").client_id()),
    ] {
        let client = client.with_credentials(credentials);
        let error = client.payments().list(filter.clone()).retry_policy(RetryPolicy::none()).await.unwrap_err();
        assert_eq!(error.status().unwrap(), 401, "{error}");
    }
    let error = client.with_access_token("wrong").payments().get("id-1").await.unwrap_err();
    assert_eq!(error.status().unwrap(), 401, "{error}");
}

#[tokio::test]
async fn request_ids_are_unique_although_requests_are_rejected() {
    let emulator = start().await;
    let (client, key) = (reqwest::Client::new(), emulator.default_merchant().api_key());
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..5 {
        let request = client.get(format!("{}/payments/id-1", emulator.base_url())).header("api-key", key.expose());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 404);
        assert!(ids.insert(response.headers()["x-request-id"].to_str().unwrap().to_owned()));
    }
}

#[tokio::test]
async fn the_client_id_can_be_made_optional() {
    let emulator = started(builder().client_id_optional()).await;
    let key = emulator.default_merchant().api_key();
    let url = format!("{}/merchant-payments", emulator.base_url());
    let response = reqwest::Client::new().get(url).header("api-key", key.expose()).send().await.unwrap();
    assert_eq!(response.status(), 200);
}
