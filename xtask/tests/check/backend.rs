//! `cargo xtask check --openapi`: the backend's own FastAPI document against the contract.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::{Value, json};

struct Outcome {
    code: Option<i32>,
    stderr: String,
    /// Findings about the backend's document; those about the small docs are no matter here.
    findings: Vec<Value>,
}

/// The contract of the API as it was when the tests were written.
fn frozen() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen/contract.yaml")
}

fn file(name: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("backend");
    fs::create_dir_all(&directory).unwrap();
    directory.join(format!("{}-{count}-{name}", std::process::id()))
}

fn check_at(address: &str, spec: &Path) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["check", "--format", "json", "--openapi", address, "--docs"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docs"))
        .arg("--spec")
        .arg(spec)
        .arg("--no-lock")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let all = report["findings"].as_array().cloned().unwrap_or_default();
    let findings = all.into_iter().filter(|finding| finding["doc"]["page"] == "backend").collect();
    Outcome { code: output.status.code(), stderr, findings }
}

fn check_text(text: &[u8]) -> Outcome {
    let path = file("openapi.json");
    fs::write(&path, text).unwrap();
    let outcome = check_at(path.to_str().unwrap(), &frozen());
    fs::remove_file(path).unwrap();
    outcome
}

fn check(document: &Value) -> Outcome {
    check_text(serde_json::to_string_pretty(document).unwrap().as_bytes())
}

fn text() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/backend/openapi.json")).unwrap()
}

fn original() -> Value {
    serde_json::from_str(&text()).unwrap()
}

fn schema<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    &mut document["components"]["schemas"][name]
}

fn fields<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    &mut schema(document, name)["properties"]
}

fn operation<'a>(document: &'a mut Value, method: &str, path: &str) -> &'a mut Value {
    let operation = &mut document["paths"][path][method];
    assert!(operation.is_object(), "{method} {path}");
    operation
}

fn rename(node: &mut Value, from: &str, to: &str) {
    let value = node.as_object_mut().unwrap().remove(from).unwrap();
    node[to] = value;
}

fn add_parameter(document: &mut Value, method: &str, path: &str, place: &str, name: &str, required: bool) {
    let schema = if required {
        json!({ "type": "string", "title": name })
    } else {
        json!({ "anyOf": [{ "type": "string" }, { "type": "null" }], "title": name })
    };
    let operation = operation(document, method, path);
    if operation["parameters"].is_null() {
        operation["parameters"] = json!([]);
    }
    let parameter = json!({ "name": name, "in": place, "required": required, "schema": schema });
    operation["parameters"].as_array_mut().unwrap().push(parameter);
}

fn response(document: &mut Value, method: &str, path: &str, schema: Value) {
    operation(document, method, path)["responses"]["200"]["content"]["application/json"]["schema"] = schema;
}

fn string() -> Value {
    json!({ "type": "string", "title": "Some" })
}

#[test]
fn agreement() {
    let outcome = check_text(text().as_bytes());
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    assert_ne!(outcome.code, Some(2), "{}", outcome.stderr);
}

/// A change, the kind of finding, and the name in it.
type Change = (fn(&mut Value), &'static str, &'static str);

fn changes() -> Vec<Change> {
    vec![
        (
            |d| {
                let mut twin = d["paths"]["/api/disbursements/{disbursement_id}/cancel"].clone();
                twin["post"]["responses"]["200"]["content"]["application/json"]["schema"] = json!({});
                d["paths"]["/api/payments/{payment_id}/refund"] = twin;
            },
            "operation-missing",
            "POST /payments/{payment_id}/refund",
        ),
        (|d| rename(&mut d["paths"], "/api/escrows/", "/api/escrows"), "operation-missing", "POST /escrows"),
        (
            |d| rename(&mut d["paths"]["/api/payments/create"], "post", "put"),
            "operation-missing",
            "PUT /payments/create",
        ),
        (
            |d| {
                let path = "/api/disbursements/{disbursement_id}/cancel";
                rename(&mut d["paths"], path, "/api/disbursements/{disbursement_id}/abort");
            },
            "operation-missing",
            "POST /disbursements/{disbursement_id}/abort",
        ),
        (
            |d| rename(fields(d, "DirectPaymentRequest"), "customer_pays_fees", "merchant_pays_fees"),
            "field-missing",
            "merchant_pays_fees",
        ),
        // Three operations share these components.
        (|d| rename(fields(d, "DisbursementResponse"), "pending_count", "open_count"), "field-missing", "open_count"),
        (|d| fields(d, "UserInfo")["passcode"] = string(), "field-missing", "user_info.passcode"),
        (|d| fields(d, "EscrowResponse")["expires_at"] = string(), "field-missing", "expires_at"),
        (
            |d| {
                fields(d, "DirectPaymentRequest")["channel"] =
                    json!({ "anyOf": [{ "type": "string" }, { "type": "null" }], "title": "Channel" });
            },
            "field-missing",
            "channel",
        ),
        // A new object is one claim, whatever it holds.
        (
            |d| {
                *schema(d, "Split") = json!({
                    "properties": { "a": string(), "b": string(), "c": { "items": string(), "type": "array" } },
                    "type": "object", "required": ["a", "b"], "title": "Split",
                });
                fields(d, "DirectPaymentRequest")["split"] =
                    json!({ "anyOf": [{ "$ref": "#/components/schemas/Split" }, { "type": "null" }] });
            },
            "field-missing",
            "split",
        ),
        (
            |d| {
                *schema(d, "GeoPoint") = json!({
                    "properties": { "latitude": { "type": "number" }, "altitude": { "type": "number" } },
                    "type": "object", "title": "GeoPoint",
                });
                fields(d, "EscrowCreate")["user_location"] =
                    json!({ "anyOf": [{ "$ref": "#/components/schemas/GeoPoint" }, { "type": "null" }] });
            },
            "field-missing",
            "user_location.altitude",
        ),
        (|d| fields(d, "DisbursementRecipient")["currency"] = string(), "field-missing", "recipients[].currency"),
        (|d| fields(d, "TermResponse")["is_met"] = string(), "field-missing", "terms[].is_met"),
        (|d| fields(d, "VerificationMethods")["app_sent"] = string(), "field-missing", "verification_methods.app_sent"),
        (
            |d| {
                fields(d, "DisbursementListResponse")["results"]["items"] = json!({ "allOf": [
                    { "$ref": "#/components/schemas/DisbursementResponse" },
                    { "properties": { "approved_by": string() }, "type": "object" },
                ] });
            },
            "field-missing",
            "results[].approved_by",
        ),
        (
            |d| {
                let list = json!({ "items": { "$ref": "#/components/schemas/DisbursementResponse" }, "type": "array" });
                response(d, "get", "/api/disbursements", list);
            },
            "field-missing",
            "`[]`",
        ),
        (
            |d| {
                *schema(d, "PaymentPage") = json!({
                    "properties": { "total": { "type": "integer" }, "pages": { "type": "integer" } },
                    "type": "object", "title": "PaymentPage",
                });
                response(d, "get", "/api/merchant-payments", json!({ "$ref": "#/components/schemas/PaymentPage" }));
            },
            "field-missing",
            "pages",
        ),
        (
            |d| {
                let path = "/api/escrows/{escrow_id}/disputes";
                *schema(d, "DisputeRequest") = json!({
                    "properties": { "reason": string(), "evidence": string() }, "type": "object", "title": "DisputeRequest",
                });
                operation(d, "post", path)["requestBody"] = json!({ "required": true, "content": {
                    "application/json": { "schema": { "$ref": "#/components/schemas/DisputeRequest" } },
                } });
            },
            "field-missing",
            "evidence",
        ),
        (
            |d| fields(d, "Body_exchange_token_api_token_post")["client_assertion"] = string(),
            "field-missing",
            "client_assertion",
        ),
        (
            |d| add_parameter(d, "get", "/api/disbursements", "query", "currency", false),
            "parameter-missing",
            "currency",
        ),
        (
            |d| {
                let parameters = operation(d, "get", "/api/merchant-payments")["parameters"].as_array_mut().unwrap();
                parameters.iter_mut().find(|one| one["name"] == "from_date").unwrap()["name"] = json!("created_after");
            },
            "parameter-missing",
            "created_after",
        ),
        (|d| add_parameter(d, "post", "/api/disbursements", "header", "x-tenant", true), "header-missing", "x-tenant"),
        (|d| add_parameter(d, "get", "/api/authorize", "header", "api-key", true), "security-differs", "api-key"),
        (
            |d| add_parameter(d, "post", "/api/request-otp", "header", "X-piaxis-Client-ID", true),
            "security-loose",
            "X-piaxis-Client-ID",
        ),
        // On all operations, and yet one claim.
        (
            |d| {
                let paths: Vec<String> = d["paths"].as_object().unwrap().keys().cloned().collect();
                for path in paths {
                    for method in ["get", "post"] {
                        if d["paths"][&path][method].is_object() {
                            add_parameter(d, method, &path, "header", "x-region", false);
                        }
                    }
                }
            },
            "header-missing",
            "x-region",
        ),
        // Types, values, and what must be sent.
        (|d| fields(d, "OTPResponse")["expires_in"] = string(), "type-differs", "expires_in"),
        (|d| fields(d, "DisbursementResponse")["pending_count"] = string(), "type-differs", "pending_count"),
        (|d| fields(d, "DirectPaymentRequest")["amount"] = json!({ "type": "number" }), "type-differs", "amount"),
        (
            |d| schema(d, "DisbursementStatus")["enum"].as_array_mut().unwrap().push(json!("frozen")),
            "value-unknown",
            "frozen",
        ),
        (
            |d| schema(d, "PaymentMethodEnum")["enum"].as_array_mut().unwrap().push(json!("voucher")),
            "value-unknown",
            "voucher",
        ),
        (
            |d| schema(d, "DirectPaymentRequest")["required"].as_array_mut().unwrap().push(json!("user_info")),
            "requirement-differs",
            "user_info",
        ),
        (|d| add_parameter(d, "post", "/api/token", "query", "audience", false), "parameter-missing", "audience"),
        (
            |d| fields(d, "EscrowCreate")["terms"]["items"] = json!({ "$ref": "#/components/schemas/Gone" }),
            "not-understood",
            "#/components/schemas/Gone",
        ),
    ]
}

#[test]
fn each_difference_is_one_finding() {
    for (at, (change, id, name)) in changes().into_iter().enumerate() {
        let mut document = original();
        change(&mut document);
        let outcome = check(&document);
        assert_eq!(outcome.code, Some(1), "{at}, {name}: {}", outcome.stderr);
        let [finding] = outcome.findings.as_slice() else { panic!("{at}, {name}: {:#?}", outcome.findings) };
        assert_eq!(finding["id"], id, "{at}: {finding:#}");
        assert!(finding["message"].as_str().unwrap().contains(name), "{at}, {name}: {finding:#}");
        assert!(
            finding["severity"] == "error" || ["not-understood", "value-unknown"].contains(&id),
            "{at}: {finding:#}"
        );
    }
}

#[test]
fn independent_changes_are_all_reported() {
    let mut document = original();
    let chosen = changes();
    // Those that do not touch the same things.
    let picked = [0, 3, 4, 5, 7, 9, 11, 13, 18, 19, 21];
    for at in picked {
        chosen[at].0(&mut document);
    }
    let outcome = check(&document);
    assert_eq!(outcome.findings.len(), picked.len(), "{:#?}", outcome.findings);
    for at in picked.iter() {
        let (_, id, name) = chosen[*at];
        let hit = |finding: &&Value| {
            finding["id"] == id && finding["message"].as_str().unwrap().contains(name.rsplit('.').next().unwrap())
        };
        assert_eq!(outcome.findings.iter().filter(hit).count(), 1, "{at}, {name}: {:#?}", outcome.findings);
    }
}

#[test]
fn a_finding_says_where() {
    let mut document = original();
    fields(&mut document, "DirectPaymentRequest")["channel"] = string();
    let text = serde_json::to_string_pretty(&document).unwrap();
    let outcome = check_text(text.as_bytes());
    let doc = &outcome.findings[0]["doc"];
    assert_eq!(doc["heading"], "POST /payments/create");
    let line = text.lines().position(|line| line.contains("\"/api/payments/create\":")).unwrap() + 1;
    assert_eq!(doc["line"], line);
    let spec = &outcome.findings[0]["spec"];
    let contract = fs::read_to_string(frozen()).unwrap();
    let line = contract.lines().position(|line| line == "    PaymentCreate:").unwrap() + 1;
    let there = usize::try_from(spec["line"].as_u64().unwrap()).unwrap();
    assert!((line..=line + 1).contains(&there), "{spec}: {line}");
}

#[test]
fn what_the_backend_does_not_state_is_no_finding() {
    type Edit = fn(&mut Value);
    let silent: Vec<(&str, Edit)> = vec![
        ("an untyped response", |d| response(d, "post", "/api/payments/create", json!({}))),
        ("a response without a body", |d| {
            operation(d, "post", "/api/payments/create")["responses"]["200"] = json!({ "description": "No Content" });
        }),
        ("an open object", |d| {
            let open = json!({ "additionalProperties": true, "type": "object", "title": "Response Create" });
            response(d, "post", "/api/payments/create", open);
        }),
        ("a private route", |d| {
            let twin = d["paths"]["/api/disbursements"].clone();
            d["paths"]["/internal/disbursements"] = twin.clone();
            d["paths"]["/apiary"] = twin;
        }),
        ("titles", |d| fields(d, "EscrowCreate")["amount"]["title"] = json!("How much")),
        ("summaries", |d| operation(d, "post", "/api/escrows/")["summary"] = json!("Create")),
        ("descriptions", |d| fields(d, "EscrowCreate")["amount"]["description"] = json!("How much")),
        ("names of functions", |d| operation(d, "post", "/api/escrows/")["operationId"] = json!("escrow_v2")),
        ("tags", |d| operation(d, "post", "/api/escrows/")["tags"] = json!(["money", "new"])),
        ("security off", |d| {
            operation(d, "post", "/api/escrows/").as_object_mut().unwrap().remove("security");
        }),
        ("security on what is open", |d| {
            operation(d, "get", "/api/authorize")["security"] = json!([{ "BearerAuth": [], "APIKeyHeader": [] }]);
        }),
        ("no 422", |d| {
            operation(d, "post", "/api/escrows/")["responses"].as_object_mut().unwrap().remove("422");
        }),
        ("another 422", |d| fields(d, "ValidationError")["ctx"] = json!({ "type": "object", "title": "Context" })),
        ("a schema that nothing uses", |d| {
            *schema(d, "Ledger") = json!({ "properties": { "x": string() }, "type": "object", "title": "Ledger" });
        }),
        ("names of path parameters", |d| {
            rename(&mut d["paths"], "/api/escrows/{escrow_id}", "/api/escrows/{id}");
            operation(d, "get", "/api/escrows/{id}")["parameters"][0]["name"] = json!("id");
        }),
        ("names of components", |d| {
            rename(&mut d["components"]["schemas"], "DirectPaymentRequest", "app__schemas__Payment");
            operation(d, "post", "/api/payments/create")["requestBody"]["content"]["application/json"]["schema"]["$ref"] =
                json!("#/components/schemas/app__schemas__Payment");
        }),
        ("an inline schema", |d| {
            let inline = schema(d, "OTPResponse").clone();
            response(d, "post", "/api/request-otp", inline);
        }),
        ("a wrapped reference", |d| {
            let wrapped = json!({ "allOf": [{ "$ref": "#/components/schemas/OTPResponse" }], "title": "Response" });
            response(d, "post", "/api/request-otp", wrapped);
        }),
        ("201", |d| rename(&mut operation(d, "post", "/api/escrows/")["responses"], "200", "201")),
        ("multipart", |d| {
            let content = &mut operation(d, "post", "/api/token")["requestBody"]["content"];
            rename(content, "application/x-www-form-urlencoded", "multipart/form-data");
        }),
        ("a literal", |d| fields(d, "OTPResponse")["expires_in"] = json!({ "const": 300, "title": "Expires In" })),
        ("a form in the query", |d| {
            for name in ["grant_type", "code", "redirect_uri", "client_id", "client_secret"] {
                add_parameter(d, "post", "/api/token", "query", name, true);
            }
        }),
        ("the client id where it may be left out", |d| {
            add_parameter(d, "get", "/api/disbursements", "header", "X-Piaxis-Client-Id", false);
        }),
        ("an optional api key", |d| add_parameter(d, "get", "/api/authorize", "header", "API-Key", false)),
        ("inside of what is free", |d| {
            fields(d, "TermData")["data"] =
                json!({ "properties": { "radius": { "type": "number" } }, "type": "object", "title": "Data" });
        }),
        ("a schema inside itself", |d| {
            fields(d, "UserInfo")["email"] = json!({ "anyOf": [{ "$ref": "#/components/schemas/UserInfo" }] });
            schema(d, "UserInfo")["allOf"] = json!([{ "$ref": "#/components/schemas/UserInfo" }]);
        }),
        ("a servers entry", |d| d["servers"] = json!([{ "url": "https://api.example.com" }])),
    ];
    for (what, change) in silent {
        let mut document = original();
        change(&mut document);
        assert_ne!(document, original(), "{what}");
        let outcome = check(&document);
        assert!(outcome.findings.is_empty() || what == "a schema inside itself", "{what}: {:#?}", outcome.findings);
        assert!(outcome.findings.len() < 3, "{what}: {:#?}", outcome.findings);
        assert_ne!(outcome.code, Some(2), "{what}: {}", outcome.stderr);
    }
    // As FastAPI sends it: on one line.
    let outcome = check_text(original().to_string().as_bytes());
    assert!(outcome.findings.is_empty() && outcome.code != Some(2), "{:#?}", outcome.findings);
}

/// Routes below /api that serve the web application alone are named in the contract.
#[test]
fn private_routes_of_the_contract_are_no_finding() {
    let mut document = original();
    document["paths"]["/api/imagekit-auth"] = json!({ "get": { "responses": { "200": { "description": "OK" } } } });
    document["paths"]["/api/api/mtn/callback"] = json!({ "post": { "responses": { "200": { "description": "OK" } } } });
    let outcome = check(&document);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    assert_ne!(outcome.code, Some(2), "{}", outcome.stderr);

    let contract = fs::read_to_string(frozen()).unwrap();
    let spec = file("spec.yaml");
    fs::write(
        &spec,
        contract.replace("x-piaxis-private-routes: [ POST /api/mtn/callback, ", "x-piaxis-private-routes: [ "),
    )
    .unwrap();
    let path = file("openapi.json");
    fs::write(&path, document.to_string()).unwrap();
    assert_eq!(check_at(path.to_str().unwrap(), &spec).findings.len(), 1);
}

#[test]
fn invalid_backend_documents_are_rejected() {
    let truncated = &text()[..9000];
    let no_public = json!({ "openapi": "3.1.0", "paths": { "/v2/payments": {} } }).to_string();
    let swagger = json!({ "swagger": "2.0", "paths": { "/api/x": {} } }).to_string();
    let deep = "[".repeat(100_000);
    let bad: [(&str, &[u8]); 10] = [
        ("empty", b""),
        ("a login page", b"<!DOCTYPE html><html><body><form action=/login></form></body></html>"),
        ("truncated", truncated.as_bytes()),
        ("binary", &[0xff, 0xfe, 0x00, 0x89, 0x50]),
        ("another JSON", br#"{"detail":"Not Found"}"#),
        ("a list", b"[1, 2]"),
        ("Swagger 2", swagger.as_bytes()),
        ("no paths", br#"{"openapi":"3.1.0","paths":{}}"#),
        ("nothing public", no_public.as_bytes()),
        ("brackets", deep.as_bytes()),
    ];
    for (what, bytes) in bad {
        let outcome = check_text(bytes);
        assert_eq!(outcome.code, Some(2), "{what}");
        assert!(outcome.stderr.contains("openapi.json"), "{what}: {}", outcome.stderr);
    }
    for address in ["/nowhere/openapi.json", "ftp://example.com/openapi.json", "http://"] {
        let outcome = check_at(address, &frozen());
        assert_eq!(outcome.code, Some(2), "{address}");
        assert!(outcome.stderr.contains(address), "{address}: {}", outcome.stderr);
    }
    // Odd, but no reason to crash.
    for odd in [
        json!({ "openapi": "3.1.0", "paths": { "/api/token": { "post": 5 } } }),
        json!({ "openapi": "3.1.0", "paths": { "/api/token": { "post": { "parameters": 1, "requestBody": [], "responses": "" } } } }),
        json!({ "openapi": "3.1.0", "paths": { "/api/token": { "post": { "parameters": [{ "$ref": 7 }, { "$ref": "x" }] } } } }),
    ] {
        assert!(matches!(check(&odd).code, Some(1 | 2)), "{odd}");
    }
}

/// Serves one response, until the test ends.
fn serve(head: &'static str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/openapi.json", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let response =
                format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(response.as_bytes());
        }
    });
    address
}

#[test]
fn the_backend_document_is_fetched_over_http() {
    let spec = frozen();
    let outcome = check_at(&serve("200 OK", text()), &spec);
    assert!(outcome.findings.is_empty() && outcome.code != Some(2), "{}", outcome.stderr);
    let mut changed = original();
    fields(&mut changed, "UserInfo")["passcode"] = string();
    assert_eq!(check_at(&serve("200 OK", changed.to_string()), &spec).findings.len(), 1);

    for head in ["404 Not Found", "500 Internal Server Error", "401 Unauthorized"] {
        let outcome = check_at(&serve(head, "{}".to_owned()), &spec);
        assert_eq!(outcome.code, Some(2), "{head}");
        assert!(outcome.stderr.contains(&head[..3]), "{head}: {}", outcome.stderr);
    }
    let outcome = check_at("http://127.0.0.1:1/openapi.json", &spec);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("connection"), "{}", outcome.stderr);
}
