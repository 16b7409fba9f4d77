//! `cargo xtask diff`: single edits of a frozen contract, each with its level on the wire and in Rust.

use std::{fs, path::Path, process::Command};

use crate::support::differ::{Document, changes, most};
use serde_json::Value;

use Edit::{Push, Remove, Set, SetPush};

/// An edit of a place.
#[derive(Debug, Clone, Copy)]
enum Edit {
    Set,
    /// Sets a property, and requires it.
    SetPush,
    Remove,
    /// Adds to a list.
    Push,
}

/// Name, edit, place, value, level on the wire, level in Rust.
type Case = (&'static str, Edit, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const EDITS: &[Case] = &[
    ("an operation is removed", Remove, "/paths/~1payments~1create/post", r##""##, "breaking", "breaking"),
    ("a path is removed", Remove, "/paths/~1disbursements~1quote", r##""##, "breaking", "breaking"),
    ("an operation is added", Set, "/paths/~1refunds", r##"{"post":{"operationId":"refunds_create","tags":["refunds"],"security":[],"responses":{"200":{"description":"d"}}}}"##, "additive", "additive"),
    ("a method is added to a path", Set, "/paths/~1payments~1{payment_id}/delete", r##"{"operationId":"payments_delete","tags":["payments"],"security":[],"responses":{"200":{"description":"d"}}}"##, "additive", "additive"),
    ("an operationId is renamed", Set, "/paths/~1payments~1create/post/operationId", r##""payments_make""##, "none", "breaking"),
    ("an operationId is removed", Remove, "/paths/~1payments~1create/post/operationId", r##""##, "none", "breaking"),
    ("the first tag is another", Set, "/paths/~1payments~1create/post/tags/0", r##""otp""##, "none", "breaking"),
    ("a second tag is added", Push, "/paths/~1payments~1create/post/tags", r##""otp""##, "none", "patch"),
    ("an operation is deprecated", Set, "/paths/~1payments~1create/post/deprecated", r##"true"##, "patch", "patch"),
    ("a summary is another", Set, "/paths/~1payments~1create/post/summary", r##""Other words""##, "patch", "patch"),
    ("a description is another", Set, "/paths/~1payments~1create/post/description", r##""Other words""##, "patch", "patch"),
    ("sources of an operation are others", Set, "/paths/~1payments~1create/post/x-piaxis-source", r##"["python-sdk"]"##, "patch", "patch"),
    ("a query struct is renamed", Set, "/paths/~1merchant-payments/get/x-piaxis-query", r##""PaymentQuery""##, "none", "breaking"),
    ("a query struct is removed", Remove, "/paths/~1merchant-payments/get/x-piaxis-query", r##""##, "none", "breaking"),
    ("a method of an operation is removed", Remove, "/paths/~1token/post/x-piaxis-methods/1", r##""##, "none", "breaking"),
    ("an operation has another method", Push, "/paths/~1token/post/x-piaxis-methods", r##""revoke""##, "none", "additive"),
    ("an operation becomes replayable", Set, "/paths/~1payments~1create/post/x-piaxis-idempotent", r##"true"##, "patch", "patch"),
    ("an operation is sent once", Set, "/paths/~1payments~1create/post/x-piaxis-never-retried", r##"true"##, "patch", "patch"),
    ("an unknown extension of our own appears", Set, "/paths/~1payments~1create/post/x-piaxis-novelty", r##"true"##, "breaking", "breaking"),
    ("an unknown extension of others appears", Set, "/paths/~1payments~1create/post/x-novelty", r##"true"##, "none", "patch"),
    ("an unknown key of an operation appears", Set, "/paths/~1payments~1create/post/novelty", r##"true"##, "breaking", "breaking"),
    ("an operation takes anybody", Set, "/paths/~1payments~1create/post/security", r##"[]"##, "additive", "none"),
    ("an operation requires a key", Set, "/paths/~1token/post/security", r##"[{"api_key":[]}]"##, "breaking", "none"),
    ("another set of credentials is enough", Push, "/paths/~1disbursements~1quote/post/security", r##"{"bearer":[]}"##, "additive", "none"),
    ("a set of credentials is no longer enough", Remove, "/paths/~1payments~1create/post/security/2", r##""##, "breaking", "none"),
    ("a scope is wanted", Set, "/paths/~1disbursements~1quote/post/security/0/api_key", r##"["write"]"##, "breaking", "none"),
    ("a security scheme is removed", Remove, "/components/securitySchemes/bearer", r##""##, "breaking", "breaking"),
    ("a key is in another header", Set, "/components/securitySchemes/api_key/name", r##""x-key""##, "breaking", "none"),
    ("a security scheme is added", Set, "/components/securitySchemes/basic", r##"{"type":"http","scheme":"basic"}"##, "additive", "none"),
    ("a security scheme is described otherwise", Set, "/components/securitySchemes/bearer/description", r##""Words""##, "patch", "patch"),
    ("a code for a missing header is another", Set, "/components/securitySchemes/client_id/x-piaxis-missing-code", r##""OTHER""##, "patch", "patch"),
    ("an environment is at another address", Set, "/servers/1/url", r##""https://other.example.com/api""##, "breaking", "none"),
    ("an environment is removed", Remove, "/servers/1", r##""##, "breaking", "breaking"),
    ("an environment is added", Push, "/servers", r##"{"url":"https://staging.example.com","x-piaxis-environment":"staging"}"##, "additive", "additive"),
    ("a server is described otherwise", Set, "/servers/0/description", r##""Words""##, "patch", "patch"),
    ("the version of the contract is another", Set, "/info/version", r##""2026-05-01""##, "patch", "patch"),
    ("the title is another", Set, "/info/title", r##""Words""##, "patch", "patch"),
    ("a tag is described otherwise", Set, "/tags/0/description", r##""Words""##, "patch", "patch"),
    ("a tag is described", Push, "/tags", r##"{"name":"refunds"}"##, "patch", "patch"),
    ("a source is described otherwise", Set, "/x-piaxis-sources/guide/title", r##""Words""##, "patch", "patch"),
    ("default fees are others", Set, "/x-piaxis-default-payout-fees/tiers/0/fee", r##""600 UGX""##, "patch", "patch"),
    ("a part of the document is unknown", Set, "/novelty", r##"{"a":1}"##, "breaking", "breaking"),
    ("a required query parameter is added", Push, "/paths/~1merchant-payments/get/parameters", r##"{"name":"q","in":"query","required":true,"schema":{"type":"string"}}"##, "breaking", "breaking"),
    ("an optional query parameter is added", Push, "/paths/~1merchant-payments/get/parameters", r##"{"name":"q","in":"query","schema":{"type":"string"}}"##, "additive", "additive"),
    ("a required header is added", Push, "/paths/~1payments~1create/post/parameters", r##"{"name":"X-A","in":"header","required":true,"schema":{"type":"string"}}"##, "breaking", "breaking"),
    ("an optional header is added", Push, "/paths/~1payments~1create/post/parameters", r##"{"name":"X-A","in":"header","schema":{"type":"string"}}"##, "additive", "additive"),
    ("a filter is removed", Remove, "/paths/~1merchant-payments/get/parameters/0", r##""##, "breaking", "breaking"),
    ("an idempotency key is no longer taken", Remove, "/paths/~1payments~1create/post/parameters/0", r##""##, "breaking", "breaking"),
    ("a filter becomes required", Set, "/paths/~1merchant-payments/get/parameters/0/required", r##"true"##, "breaking", "breaking"),
    ("a required parameter becomes optional", Set, "/paths/~1authorize/get/parameters/0/required", r##"false"##, "additive", "additive"),
    ("the largest page is smaller", Set, "/components/parameters/Limit/schema/maximum", r##"50"##, "breaking", "none"),
    ("the largest page is larger", Set, "/components/parameters/Limit/schema/maximum", r##"200"##, "additive", "none"),
    ("a page has no largest size", Remove, "/components/parameters/Limit/schema/maximum", r##""##, "additive", "none"),
    ("the usual page is smaller", Set, "/components/parameters/Limit/schema/default", r##"20"##, "breaking", "none"),
    ("an offset is signed", Set, "/components/parameters/Offset/schema/format", r##""int64""##, "additive", "breaking"),
    ("a limit is text", Set, "/components/parameters/Limit/schema/type", r##""string""##, "breaking", "breaking"),
    ("a parameter is described otherwise", Set, "/components/parameters/Limit/description", r##""Words""##, "patch", "patch"),
    ("an example of a parameter is another", Set, "/components/parameters/EscrowIdPath/example", r##""1""##, "patch", "patch"),
    ("a header is an argument now", Set, "/components/parameters/IdempotencyKey/x-piaxis-transport", r##""request_id""##, "none", "breaking"),
    ("a shared header is renamed", Set, "/components/parameters/IdempotencyKey/name", r##""Idempotency-Key""##, "breaking", "breaking"),
    ("a header is written otherwise", Set, "/components/parameters/Limit/style", r##""spaceDelimited""##, "breaking", "none"),
    ("a common header is removed", Remove, "/x-piaxis-common-headers/0", r##""##, "patch", "none"),
    ("a common header is added", Push, "/x-piaxis-common-headers", r##"{"name":"X-B","in":"header","schema":{"type":"string"}}"##, "additive", "none"),
    ("a body is no longer taken", Remove, "/paths/~1payments~1create/post/requestBody", r##""##, "breaking", "breaking"),
    ("a body becomes optional", Set, "/paths/~1payments~1create/post/requestBody/required", r##"false"##, "additive", "additive"),
    ("a body is taken", Set, "/paths/~1payments~1{payment_id}/get/requestBody", r##"{"content":{"application/json":{"schema":{"type":"object"}}}}"##, "additive", "additive"),
    ("a required body is taken", Set, "/paths/~1payments~1{payment_id}/get/requestBody", r##"{"required":true,"content":{"application/json":{"schema":{"type":"object"}}}}"##, "breaking", "breaking"),
    ("another media type is taken", Set, "/paths/~1payments~1create/post/requestBody/content/text~1plain", r##"{"schema":{"type":"string"}}"##, "additive", "none"),
    ("an example of a body is another", Set, "/paths/~1payments~1create/post/requestBody/content/application~1json/example", r##"{}"##, "patch", "patch"),
    ("a body has another schema", Set, "/paths/~1payments~1create/post/requestBody/content/application~1json/schema", r##"{"$ref":"#/components/schemas/OtpRequest"}"##, "breaking", "breaking"),
    ("a request has another optional field", Set, "/components/schemas/PaymentCreate/properties/note", r##"{"type":"string"}"##, "additive", "additive"),
    ("a request has another required field", SetPush, "/components/schemas/PaymentCreate/properties/note", r##"{"type":"string"}"##, "breaking", "breaking"),
    ("a required field of a request is removed", Remove, "FIELD:/components/schemas/PaymentCreate:amount", r##""##, "breaking", "breaking"),
    ("an optional field of a request is removed", Remove, "/components/schemas/PaymentCreate/properties/return_url", r##""##, "breaking", "breaking"),
    ("a field of a request becomes required", Push, "/components/schemas/PaymentCreate/required", r##""recipient_id""##, "breaking", "breaking"),
    ("a field of a request becomes optional", Remove, "/components/schemas/PaymentCreate/required/1", r##""##, "additive", "additive"),
    ("a field of a request has a longest length", Set, "/components/schemas/PaymentCreate/properties/currency/maxLength", r##"3"##, "breaking", "none"),
    ("a field of a request has a pattern", Set, "/components/schemas/PaymentCreate/properties/currency/pattern", r##""^[A-Z]{3}$""##, "breaking", "none"),
    ("a field of a request is a number", Set, "/components/schemas/PaymentCreate/properties/currency/type", r##""number""##, "breaking", "breaking"),
    ("a field of a request has a closed list", Set, "/components/schemas/PaymentCreate/properties/currency/enum", r##"["UGX"]"##, "breaking", "breaking"),
    ("null is no longer taken", Remove, "/components/schemas/PaymentCreate/properties/return_url/nullable", r##""##, "breaking", "none"),
    ("null is no longer taken for a list", Remove, "/components/schemas/PaymentCreate/properties/products/nullable", r##""##, "breaking", "breaking"),
    ("null is taken", Set, "/components/schemas/PaymentCreate/properties/currency/nullable", r##"true"##, "additive", "none"),
    ("a request is closed", Set, "/components/schemas/PaymentCreate/additionalProperties", r##"false"##, "breaking", "none"),
    ("a list of a request requires items", Set, "/components/schemas/PaymentCreate/properties/products/minItems", r##"1"##, "breaking", "none"),
    ("an amount of a request is text", Set, "/components/schemas/PaymentCreate/properties/amount", r##"{"type":"string"}"##, "breaking", "breaking"),
    ("a flag has a default", Set, "/components/schemas/PaymentCreate/properties/customer_pays_fees/default", r##"true"##, "additive", "breaking"),
    ("a field of a request is described otherwise", Set, "/components/schemas/PaymentCreate/properties/currency/description", r##""Words""##, "patch", "patch"),
    ("a field of a request is deprecated", Set, "/components/schemas/PaymentCreate/properties/currency/deprecated", r##"true"##, "patch", "patch"),
    ("a recipient requires another field", Set, "/components/schemas/Recipient/required", r##"["amount","recipient_id","phone_number","email"]"##, "breaking", "breaking"),
    ("a field demands another", Set, "/components/schemas/PaymentCreate/dependentRequired", r##"{"a":["b"]}"##, "breaking", "none"),
    ("an unknown key of a schema appears", Set, "/components/schemas/PaymentCreate/novelty", r##"true"##, "breaking", "breaking"),
    ("a form has another optional field", Set, "/components/schemas/TokenRequest/properties/audience", r##"{"type":"string"}"##, "additive", "additive"),
    ("evidence requires another field", Push, "/components/schemas/BuyerDeliveryConfirmation/required", r##""note""##, "breaking", "none"),
    ("evidence has another required field", SetPush, "/components/schemas/BuyerDeliveryConfirmation/properties/note", r##"{"type":"string"}"##, "breaking", "breaking"),
    ("evidence is for no term", Remove, "/components/schemas/BuyerDeliveryConfirmation/x-piaxis-term-type", r##""##, "none", "breaking"),
    ("evidence is for another term", Set, "/components/schemas/BuyerDeliveryConfirmation/x-piaxis-term-type", r##""custom""##, "breaking", "patch"),
    ("a response has another optional field", Set, "/components/schemas/PaymentCreated/properties/note", r##"{"type":"string"}"##, "additive", "additive"),
    ("a response has another required field", SetPush, "/components/schemas/PaymentCreated/properties/note", r##"{"type":"string"}"##, "additive", "breaking"),
    ("an optional field of a response is removed", Remove, "/components/schemas/Payment/properties/reference", r##""##, "patch", "breaking"),
    ("a required field of a response is removed", Remove, "FIELD:/components/schemas/Payment:currency", r##""##, "breaking", "breaking"),
    ("a field of a response becomes required", Push, "/components/schemas/PaymentCreated/required", r##""currency""##, "additive", "breaking"),
    ("a field of a response becomes optional", Remove, "/components/schemas/Payment/required/0", r##""##, "breaking", "breaking"),
    ("a field of a response may be null", Set, "/components/schemas/PaymentCreated/properties/payment_id/nullable", r##"true"##, "breaking", "none"),
    ("a field of a response is never null", Remove, "/components/schemas/PaymentCreated/properties/payment_url/nullable", r##""##, "additive", "none"),
    ("a list of a response is never null", Remove, "/components/schemas/Disbursement/properties/items/nullable", r##""##, "additive", "breaking"),
    ("a field of a response is a number", Set, "/components/schemas/PaymentCreated/properties/currency/type", r##""number""##, "breaking", "breaking"),
    ("a count of a response is smaller", Set, "/components/schemas/TokenResponse/properties/expires_in/format", r##""int32""##, "additive", "breaking"),
    ("a count of a response is any number", Set, "/components/schemas/TokenResponse/properties/expires_in", r##"{"type":"number"}"##, "breaking", "breaking"),
    ("text of a response is a time", Set, "/components/schemas/PaymentCreated/properties/currency/format", r##""date-time""##, "additive", "breaking"),
    ("text of a response is an address", Set, "/components/schemas/PaymentCreated/properties/payment_url/format", r##""uri""##, "additive", "patch"),
    ("text of a response is a secret", Set, "/components/schemas/PaymentCreated/properties/currency", r##"{"$ref":"#/components/schemas/Secret"}"##, "patch", "breaking"),
    ("a response is closed", Set, "/components/schemas/PaymentCreated/additionalProperties", r##"false"##, "additive", "breaking"),
    ("a response says nothing of other fields", Remove, "/components/schemas/PaymentCreated/additionalProperties", r##""##, "none", "breaking"),
    ("a response gets a maximum length", Set, "/components/schemas/PaymentCreated/properties/currency/maxLength", r##"3"##, "additive", "none"),
    ("items of a list are others", Set, "/components/schemas/Disbursement/properties/items/items", r##"{"$ref":"#/components/schemas/EscrowItem"}"##, "additive", "breaking"),
    ("a status is another open enum", Set, "/components/schemas/Payment/properties/status", r##"{"$ref":"#/components/schemas/EscrowStatus"}"##, "additive", "breaking"),
    ("a response has another status", Set, "RENAME:/paths/~1payments~1create/post/responses:200:201", r##""##, "breaking", "breaking"),
    ("a failure is no longer described", Remove, "/paths/~1payments~1create/post/responses/5XX", r##""##, "patch", "none"),
    ("another success is described", Set, "/paths/~1payments~1create/post/responses/202", r##"{"description":"Later"}"##, "additive", "none"),
    ("a response has no body", Remove, "/paths/~1payments~1create/post/responses/200/content", r##""##, "breaking", "breaking"),
    ("a response has a header less", Remove, "/paths/~1payments~1create/post/responses/200/headers", r##""##, "patch", "none"),
    ("a response has a header more", Set, "/paths/~1payments~1create/post/responses/200/headers/x-a", r##"{"schema":{"type":"string"}}"##, "additive", "none"),
    ("a response has another media type too", Set, "/paths/~1payments~1create/post/responses/200/content/text~1plain", r##"{"schema":{"type":"string"}}"##, "additive", "none"),
    ("a response is described otherwise", Set, "/paths/~1payments~1create/post/responses/200/description", r##""Words""##, "patch", "patch"),
    ("a response has another schema", Set, "/paths/~1payments~1create/post/responses/200/content/application~1json/schema", r##"{"$ref":"#/components/schemas/Payment"}"##, "breaking", "breaking"),
    ("a failure is described otherwise", Set, "/components/responses/ClientError/description", r##""Words""##, "patch", "patch"),
    ("failures have another field", Set, "/components/schemas/ErrorFlat/properties/hint", r##"{"type":"string"}"##, "additive", "none"),
    ("failures have a field less", Remove, "/components/schemas/ErrorFlat/properties/message", r##""##, "breaking", "none"),
    ("a shape of failures is removed", Remove, "/components/responses/ServerError/content/text~1html", r##""##, "breaking", "none"),
    ("a header of all responses is a number", Set, "/components/headers/RequestId/schema/type", r##""integer""##, "additive", "none"),
    ("an open enum grows", Push, "/components/schemas/PaymentStatus/x-extensible-enum", r##""expired""##, "additive", "additive"),
    ("an open enum of requests grows", Push, "/components/schemas/TermType/x-extensible-enum", r##""escrow_age""##, "additive", "additive"),
    ("an open enum of responses has a value less", Remove, "/components/schemas/EscrowStatus/x-extensible-enum/0", r##""##, "patch", "breaking"),
    ("an open enum of requests has a value less", Remove, "/components/schemas/PaymentMethod/x-extensible-enum/0", r##""##, "breaking", "breaking"),
    ("an open enum is plain text", Remove, "/components/schemas/TokenType/x-extensible-enum", r##""##, "additive", "breaking"),
    ("plain text is an open enum", Set, "/components/schemas/Payment/properties/currency/x-extensible-enum", r##"["UGX"]"##, "additive", "breaking"),
    ("a status is final", Push, "/components/schemas/PaymentStatus/x-piaxis-settled", r##""pending""##, "none", "patch"),
    ("nothing says what is final", Remove, "/components/schemas/PaymentStatus/x-piaxis-settled", r##""##, "none", "breaking"),
    ("a payment method pays out", Push, "/x-piaxis-payouts/payment_methods/values", r##""card""##, "none", "patch"),
    ("a currency has more decimal places", Set, "/x-piaxis-payouts/decimal_places/currencies/UGX", r##"3"##, "none", "patch"),
    ("payouts are described otherwise", Set, "/x-piaxis-payouts/phone_numbers/description", r##""Words""##, "patch", "patch"),
    ("sources of values are others", Set, "/components/schemas/PaymentStatus/x-piaxis-value-sources/failed", r##"["python-sdk"]"##, "patch", "patch"),
    ("a schema is renamed", Set, "RENAMEREF:PaymentCreated:PaymentAccepted", r##""##, "none", "breaking"),
    ("a schema is added", Set, "/components/schemas/Refund", r##"{"type":"object","properties":{"id":{"type":"string"}}}"##, "none", "additive"),
    ("a schema that nothing uses is removed", Remove, "/components/schemas/CustomEvidence", r##""##, "none", "breaking"),
    ("a schema is described otherwise", Set, "/components/schemas/Payment/description", r##""Words""##, "patch", "patch"),
    ("a schema departs from another document", Set, "/components/schemas/Payment/x-piaxis-deviation/0/reason", r##""Words""##, "patch", "patch"),
    ("amounts are text only", Set, "/components/schemas/Amount/oneOf", r##"[{"type":"string"}]"##, "breaking", "breaking"),
    ("times are plain text", Set, "/components/schemas/Timestamp/format", r##""x""##, "breaking", "breaking"),
    ("times have no format", Remove, "/components/schemas/Timestamp/format", r##""##, "breaking", "breaking"),
    ("an example of a value is another", Set, "/components/schemas/Amount/example", r##""1""##, "patch", "patch"),
    ("a webhook event is added", Set, "/x-piaxis-webhooks/events/refund.failed", r##"{"x-piaxis-source":["python-sdk"]}"##, "additive", "additive"),
    ("a webhook event is removed", Remove, "/x-piaxis-webhooks/events/order.created", r##""##, "breaking", "breaking"),
    ("a webhook header is removed", Remove, "/x-piaxis-webhooks/headers/X-piaxis-Event", r##""##, "breaking", "none"),
    ("a webhook header is for another use", Set, "/x-piaxis-webhooks/headers/X-piaxis-Event/x-piaxis-transport", r##""signature""##, "none", "breaking"),
    ("a webhook payload is removed", Remove, "/x-piaxis-webhooks/payloads/order", r##""##, "breaking", "breaking"),
    ("a webhook payload is added", Set, "/x-piaxis-webhooks/payloads/payout", r##"{"type":"object","properties":{"id":{"type":"string"}}}"##, "additive", "additive"),
    ("a webhook payload has another field", Set, "/x-piaxis-webhooks/payloads/order/properties/note", r##"{"type":"string"}"##, "additive", "additive"),
    ("a webhook payload has a field less", Remove, "/x-piaxis-webhooks/payloads/order/properties/reference", r##""##, "patch", "breaking"),
    ("a field of a webhook is a number", Set, "/x-piaxis-webhooks/payloads/order/properties/reference/type", r##""number""##, "breaking", "breaking"),
    ("webhooks may be older", Set, "/x-piaxis-webhooks/tolerance/default", r##"600"##, "patch", "patch"),
    ("an envelope of webhooks is removed", Remove, "/x-piaxis-webhooks/envelopes/helper", r##""##, "breaking", "breaking"),
    ("an example of an envelope is another", Set, "/x-piaxis-webhooks/envelopes/helper/example", r##"{"data":{"event":"a.b"}}"##, "patch", "patch"),
    ("a payload is described otherwise", Set, "/x-piaxis-webhooks/payloads/order/description", r##""Words""##, "patch", "patch"),
    ("an environment variable is no longer read", Remove, "/x-piaxis-environment-variables/client_id/names/1", r##""##, "none", "breaking"),
    ("an environment variable is read too", Push, "/x-piaxis-environment-variables/api_key/names", r##""PIAXIS_KEY""##, "none", "additive"),
    ("another environment variable is preferred", Set, "/x-piaxis-environment-variables/client_id/names", r##"["PIAXIS_OAUTH_CLIENT_ID","PIAXIS_CLIENT_ID"]"##, "none", "patch"),
    ("inline in place of a reference", Set, "/components/schemas/PaymentCreated/properties/amount", r##"INLINE:Amount"##, "none", "none"),
    ("a reference in place of allOf", Set, "/components/schemas/PaymentCreate/properties/amount", r##"{"$ref":"#/components/schemas/Amount","description":"KEEP"}"##, "none", "none"),
    ("allOf in place of a reference", Set, "/components/schemas/PaymentCreate/properties/payment_method", r##"{"allOf":[{"$ref":"#/components/schemas/PaymentMethod"}]}"##, "none", "none"),
    ("null as in OpenAPI 3.1", Set, "/components/schemas/PaymentCreated/properties/payment_url/type", r##"NULLTYPE"##, "none", "none"),
    ("a limit with a fraction", Set, "/components/parameters/Limit/schema/maximum", r##"100.0"##, "none", "none"),
    ("a false flag is written out", Set, "/components/schemas/PaymentCreated/properties/payment_id/nullable", r##"false"##, "none", "none"),
    ("a parameter of a path is renamed", Set, "RENAMEPATH", r##""##, "none", "none"),
    ("parameters are in another order", Set, "REVERSE:/paths/~1merchant-payments/get/parameters", r##""##, "none", "none"),
    ("required fields are in another order", Set, "REVERSE:/components/schemas/PaymentCreate/required", r##""##, "none", "none"),
    ("values of an open enum are in another order", Set, "REVERSE:/components/schemas/PaymentStatus/x-extensible-enum", r##""##, "none", "none"),
    ("sets of credentials are in another order", Set, "REVERSE:/paths/~1payments~1create/post/security", r##""##, "none", "none"),];

/// The frozen contract: a change of the API is no change of these tests.
const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/frozen/contract.yaml");

fn contract() -> String {
    fs::read_to_string(CONTRACT).unwrap()
}

struct Outcome {
    code: Option<i32>,
    wire: String,
    rust: String,
    changes: Vec<Value>,
}

fn diff(base: &Path, head: &str) -> Outcome {
    let (code, changes) = changes(base, Document::new(head).path());
    Outcome { code, wire: most(&changes, "wire"), rust: most(&changes, "rust"), changes }
}

fn split(pointer: &str) -> (&str, String) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    (parent, key.replace("~1", "/").replace("~0", "~"))
}

fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = split(pointer);
    match document.pointer_mut(parent).unwrap_or_else(|| panic!("{parent} is not in the contract")) {
        Value::Object(object) => drop(object.insert(key, value)),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        other => panic!("{pointer}: {other}"),
    }
}

fn remove(document: &mut Value, pointer: &str) {
    let (parent, key) = split(pointer);
    match document.pointer_mut(parent).unwrap() {
        Value::Object(object) => assert!(object.remove(&key).is_some(), "{pointer} is not in the contract"),
        Value::Array(items) => drop(items.remove(key.parse::<usize>().unwrap())),
        other => panic!("{pointer}: {other}"),
    }
}

fn push(document: &mut Value, pointer: &str, value: Value) {
    document.pointer_mut(pointer).and_then(Value::as_array_mut).unwrap().push(value);
}

/// The contract after an edit.
fn edited(contract: &str, parsed: &Value, (_, edit, place, text, ..): &Case) -> String {
    let mut document = parsed.clone();
    let value = || serde_json::from_str::<Value>(text).unwrap();
    let list = |document: &mut Value, place: &str| {
        document.pointer_mut(place).and_then(Value::as_array_mut).unwrap().reverse();
    };
    if let Some(place) = place.strip_prefix("REVERSE:") {
        list(&mut document, place);
    } else if *place == "RENAMEPATH" {
        let text = contract.replace("{disbursement_id}", "{id}");
        return text.replace("DisbursementIdPath:\n      name: disbursement_id", "DisbursementIdPath:\n      name: id");
    } else if let Some(names) = place.strip_prefix("RENAMEREF:") {
        let (old, new) = names.split_once(':').unwrap();
        let text = contract.replace(&format!("schemas/{old}'"), &format!("schemas/{new}'"));
        return text.replace(&format!("\n    {old}:\n"), &format!("\n    {new}:\n"));
    } else if let Some(rest) = place.strip_prefix("RENAME:") {
        let mut parts = rest.rsplitn(3, ':');
        let (new, old, place) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let object = document.pointer_mut(place).and_then(Value::as_object_mut).unwrap();
        let moved = object.remove(old).unwrap();
        object.insert(new.to_owned(), moved);
    } else if let Some(rest) = place.strip_prefix("FIELD:") {
        let (schema, field) = rest.rsplit_once(':').unwrap();
        remove(&mut document, &format!("{schema}/properties/{field}"));
        let required = document.pointer_mut(&format!("{schema}/required")).and_then(Value::as_array_mut).unwrap();
        required.retain(|name| name != field);
    } else if let Some(name) = text.strip_prefix("INLINE:") {
        let mut schema = document["components"]["schemas"][name].clone();
        let before = document.pointer(place).unwrap().clone();
        // Keys beside a reference are no part of the schema.
        schema.as_object_mut().unwrap().retain(|key, _| key == "oneOf");
        assert!(before.get("$ref").is_some());
        set(&mut document, place, schema);
    } else if *text == "NULLTYPE" {
        set(&mut document, place, serde_json::json!(["string", "null"]));
        remove(&mut document, &place.replace("/type", "/nullable"));
    } else if text.contains("KEEP") {
        let description = document.pointer(&format!("{place}/description")).cloned();
        let example = document.pointer(&format!("{place}/example")).cloned();
        let mut schema = value();
        schema.as_object_mut().unwrap().remove("description");
        let kept = [("description", description), ("example", example)];
        for (key, kept) in kept.into_iter().filter_map(|(key, kept)| Some((key, kept?))) {
            schema[key] = kept;
        }
        set(&mut document, place, schema);
    } else {
        match edit {
            Set => set(&mut document, place, value()),
            Remove => remove(&mut document, place),
            Push => push(&mut document, place, value()),
            SetPush => {
                set(&mut document, place, value());
                let (schema, name) = place.rsplit_once("/properties/").unwrap();
                push(&mut document, &format!("{schema}/required"), Value::from(name));
            }
        }
    }
    document.to_string()
}

/// The difference between the expected and the reported levels.
fn mistake(contract: &str, parsed: &Value, base: &Path, case: &Case) -> Option<String> {
    let (name, _, _, _, wire, rust) = case;
    let outcome = diff(base, &edited(contract, parsed, case));
    let breaks = *wire == "breaking" || *rust == "breaking";
    let reported = outcome
        .changes
        .iter()
        .map(|change| format!("{} {} {} {}", change["id"], change["wire"], change["rust"], change["message"]));
    let reported: Vec<String> = reported.collect();
    let fits = outcome.wire == *wire && outcome.rust == *rust && outcome.code == Some(i32::from(breaks));
    let found = format!("{} {}", outcome.wire, outcome.rust);
    (!fits || reported.len() > 30)
        .then(|| format!("{name}: {wire} {rust} wanted, {found} found\n  {}", reported.join("\n  ")))
}

#[test]
fn each_edit_has_the_level_that_it_should() {
    let contract = contract();
    let parsed: Value = serde_yaml_ng::from_str(&contract).unwrap();
    // JSON is parsed much faster than YAML; their equivalence has a test of its own.
    let base = Document::new(&parsed.to_string());
    // Each edit is a process of its own; a few at a time.
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let judge = |case| mistake(&contract, &parsed, base.path(), case);
        let threads: Vec<_> = EDITS
            .chunks(EDITS.len().div_ceil(4))
            .map(|cases| scope.spawn(move || cases.iter().filter_map(judge).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), EDITS.len(), wrong.join("\n"));
}

#[test]
fn another_notation_of_the_contract_is_no_change() {
    let contract = contract();
    let document: Value = serde_yaml_ng::from_str(&contract).unwrap();
    // As JSON, keys are sorted and anchors written out.
    let ways = [
        contract.clone(),
        document.to_string(),
        format!("{document:#}"),
        serde_yaml_ng::to_string(&document).unwrap(),
        format!("# words\n{contract}\n# more words\n"),
        contract.replace("\npaths:\n", "\n# words\n\n\npaths:\n"),
        contract.replace("openapi: 3.0.3", "openapi: 3.1.0"),
    ];
    for way in ways {
        let outcome = diff(Path::new(CONTRACT), &way);
        assert_eq!((outcome.code, outcome.changes), (Some(0), Vec::new()));
    }
}

#[test]
fn one_change_of_a_shared_schema_is_one_entry_with_all_that_it_reaches() {
    let contract = contract();
    let case = ("", Remove, "/components/schemas/PaymentMethod/x-extensible-enum/0", "", "", "");
    let parsed = serde_yaml_ng::from_str(&contract).unwrap();
    let outcome = diff(Path::new(CONTRACT), &edited(&contract, &parsed, &case));
    assert_eq!(outcome.changes.len(), 1, "{:?}", outcome.changes);
    let operations = outcome.changes[0]["operations"].as_array().unwrap();
    assert!(operations.len() > 3, "{operations:?}");
    assert!(operations.iter().any(|name| name == "POST /payments/create"), "{operations:?}");
}

#[test]
fn annotations_stand_on_the_changed_line_or_on_the_one_after_what_is_gone() {
    let contract = contract();
    let created = contract.find("    PaymentCreated:").unwrap();
    let field = created + contract[created..].find("        currency:").unwrap();
    let rest = field + contract[field..].find('\n').unwrap() + 1;
    let line = |at: usize| contract[..at].matches('\n').count() + 1;
    let renamed = line(contract.find("    operationId: payments_create").unwrap());
    let path = contract.find("  /disbursements/{disbursement_id}/cancel:").unwrap();
    let next = path + contract[path..].find("\n  /").unwrap() + 1;
    for (head, line, id) in [
        (contract[..path].to_owned() + &contract[next..], line(path), "operation-removed"),
        (
            contract.replace("operationId: payments_create", "operationId: payments_make"),
            renamed,
            "operation-id-changed",
        ),
        (contract[..field].to_owned() + &contract[rest..], line(field), "response-optional-property-removed"),
    ] {
        let head = Document::new(&head);
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["diff", "--format", "github", "--accepted"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differ/accepts_nothing.yaml"))
            .arg(CONTRACT)
            .arg(head.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let wanted = format!("::error file={},line={line},title=breaking%3A {id}::", head.path().display());
        assert!(text.contains(&wanted), "{wanted}\n{text}");
    }
}
