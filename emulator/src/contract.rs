//! What the emulator reads from the contract: schemas, parameters, names of headers, fees.

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

use http::HeaderName;
use piaxis::{Amount, OPERATIONS, Operation};
use serde_json::{Map, Value, json};

/// The contract, read once.
pub(crate) static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

/// The contract, and what is looked up in it often.
pub(crate) struct Contract {
    pub(crate) document: Value,
    /// Path below which all operations are.
    pub(crate) base_path: String,
    pub(crate) request_id: Option<HeaderName>,
    pub(crate) idempotency_key: Option<HeaderName>,
    /// The header that asks for the test variant of an authorization.
    pub(crate) test_request: String,
    pub(crate) missing_client_id: String,
    /// The header of a webhook that names its event.
    pub(crate) webhook_event: String,
    /// The fee of a payout by the most that the payout may have, in ascending order; the last one has no limit.
    pub(crate) payout_fees: Vec<(Option<Amount>, Amount)>,
    /// Names of fields that hold amounts.
    amounts: HashSet<String>,
    /// Names of fields that hold free-form objects, which are not the API's to write.
    free_form: HashSet<String>,
    operations: BTreeMap<&'static str, Schemas>,
}

/// The schemas of one operation.
#[derive(Default)]
pub(crate) struct Schemas {
    /// Schema of the JSON or form body, and whether it is a form.
    pub(crate) body: Option<(Value, bool)>,
    /// Query parameters as the schema of an object.
    pub(crate) query: Value,
    /// Fields of the body that take a payment method, with the known ones.
    pub(crate) payment_methods: Vec<(String, Vec<String>)>,
    /// Fields of the response that are null rather than missing.
    nullable: Vec<String>,
}

impl Contract {
    fn read() -> Self {
        let document: Value = serde_json::from_str(piaxis::CONTRACT).unwrap_or_default();
        let transport = |role: &str| {
            let parameters = document["components"]["parameters"].as_object();
            let mut parameters = parameters.into_iter().flat_map(Map::values);
            let found = parameters.find(|parameter| parameter["x-piaxis-transport"] == role);
            found.and_then(|parameter| parameter["name"].as_str()?.parse::<HeaderName>().ok())
        };
        let server = document["servers"][0]["url"].as_str().unwrap_or_default();
        let after_scheme = server.find("://").map_or(0, |at| at + 3);
        let base_path = server[after_scheme..].find('/').map_or("", |at| &server[after_scheme + at..]);
        let missing = &document["components"]["securitySchemes"]["client_id"]["x-piaxis-missing-code"];
        let fields_of = |name: &str| {
            let mut found = HashSet::new();
            collect_fields(&document["components"]["schemas"], name, &mut found);
            found
        };
        let (amounts, free_form) = (fields_of("/Amount"), fields_of("/JsonObject"));
        let operations = OPERATIONS.iter().map(|operation| (operation.id, schemas(&document, operation))).collect();
        Self {
            base_path: base_path.to_owned(),
            test_request: test_request(&document),
            request_id: transport("request_id"),
            idempotency_key: transport("idempotency_key"),
            missing_client_id: missing.as_str().unwrap_or_default().to_owned(),
            webhook_event: webhook_event(&document),
            payout_fees: payout_fees(&document),
            amounts,
            free_form,
            operations,
            document,
        }
    }

    /// The environment variable that the crate `piaxis` reads for this role, such as `api_key`.
    pub(crate) fn variable(&self, role: &str) -> &str {
        self.document["x-piaxis-environment-variables"][role]["names"][0].as_str().unwrap_or_default()
    }

    pub(crate) fn schemas(&self, operation: &Operation) -> &Schemas {
        static NONE: LazyLock<Schemas> = LazyLock::new(Schemas::default);
        self.operations.get(operation.id).unwrap_or(&NONE)
    }

    /// Completes a response body: amounts in the form of the operation's resource, and null for fields that are nullable
    /// and missing.
    pub(crate) fn complete(&self, operation: &Operation, body: &mut Value) {
        self.write_amounts(body, operation.resource == "payments");
        if let Some(fields) = body.as_object_mut() {
            for name in &self.schemas(operation).nullable {
                if !fields.contains_key(name) {
                    fields.insert(name.clone(), Value::Null);
                }
            }
        }
    }

    /// Null for the nullable fields that are missing in each item of a list, as some of the documented responses have it.
    pub(crate) fn complete_items(&self, schema: &str, items: &mut Value) {
        let fields = self.document["components"]["schemas"][schema]["properties"].as_object();
        let nullable = fields.into_iter().flatten().filter(|(_, field)| field["nullable"] == true);
        let nullable: Vec<&String> = nullable.map(|(name, _)| name).collect();
        for item in items.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            for &name in &nullable {
                item.entry(name).or_insert(Value::Null);
            }
        }
    }

    /// Two decimal places; the payment routes have commas between thousands as well.
    fn write_amounts(&self, node: &mut Value, is_grouped: bool) {
        match node {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let amount = value.as_str().filter(|_| self.amounts.contains(name));
                    match amount.and_then(|text| text.parse::<Amount>().ok()) {
                        Some(amount) => *value = written(amount, is_grouped).into(),
                        None if self.free_form.contains(name) => {}
                        None => self.write_amounts(value, is_grouped),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.write_amounts(item, is_grouped)),
            _ => {}
        }
    }
}

/// An amount with two decimal places.
pub(crate) fn written(amount: Amount, is_grouped: bool) -> String {
    let plain = format!("{:.2}", amount.to_decimal());
    if !is_grouped {
        return plain;
    }
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, "00"));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text}.{fraction}")
}

/// Names of the properties whose schema is the one of this name.
fn collect_fields(node: &Value, schema: &str, found: &mut HashSet<String>) {
    let is_wanted = |field: &Value| {
        let reference = field.get("$ref").or_else(|| field.pointer("/allOf/0/$ref")).and_then(Value::as_str);
        reference.is_some_and(|reference| reference.ends_with(schema))
    };
    match node {
        Value::Object(fields) => {
            let properties = fields.get("properties").and_then(Value::as_object);
            let wanted = properties.into_iter().flatten().filter(|(_, field)| is_wanted(field));
            found.extend(wanted.map(|(name, _)| name.clone()));
            fields.values().for_each(|field| collect_fields(field, schema, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_fields(item, schema, found)),
        _ => {}
    }
}

fn webhook_event(document: &Value) -> String {
    let mut headers = document["x-piaxis-webhooks"]["headers"].as_object().into_iter().flatten();
    let found = headers.find(|(_, header)| header["x-piaxis-transport"] == "event");
    found.map(|(name, _)| name.clone()).unwrap_or_default()
}

/// The only header of `GET /authorize` that is true or false.
fn test_request(document: &Value) -> String {
    let parameters = document["paths"]["/authorize"]["get"]["parameters"].as_array().into_iter().flatten();
    let mut headers =
        parameters.filter(|parameter| parameter["in"] == "header" && parameter["schema"]["type"] == "boolean");
    headers.next().and_then(|header| header["name"].as_str()).unwrap_or_default().to_owned()
}

/// What a reference leads to.
pub(crate) fn resolve<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
    let reference = node.get("$ref").or_else(|| node.pointer("/allOf/0/$ref")).and_then(Value::as_str);
    reference.and_then(|reference| document.pointer(&reference[1..])).unwrap_or(node)
}

fn schemas(document: &Value, operation: &Operation) -> Schemas {
    let entry = &document["paths"][operation.path][operation.method.to_ascii_lowercase()];
    let content = &entry["requestBody"]["content"];
    let schema = |kind: &str| content[kind].get("schema").cloned();
    let json = schema("application/json").map(|schema| (schema, false));
    let body = json.or_else(|| schema("application/x-www-form-urlencoded").map(|schema| (schema, true)));
    let payment_methods = body.as_ref().map(|(schema, _)| payment_methods(document, schema)).unwrap_or_default();
    let parameters = entry["parameters"].as_array().into_iter().flatten();
    let query = parameters.map(|parameter| resolve(document, parameter)).filter(|parameter| parameter["in"] == "query");
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for parameter in query {
        let name = parameter["name"].as_str().unwrap_or_default();
        properties.insert(name.to_owned(), parameter["schema"].clone());
        if parameter["required"] == true {
            required.push(name);
        }
    }
    let responses = entry["responses"].as_object().into_iter().flatten();
    let success = responses.filter(|(status, _)| status.starts_with('2')).map(|(_, response)| response).next();
    let response = success.and_then(|response| response.pointer("/content/application~1json/schema"));
    let fields = response.map(|schema| resolve(document, schema)).and_then(|schema| schema["properties"].as_object());
    let nullable = fields.into_iter().flatten().filter(|(_, field)| field["nullable"] == true);
    Schemas {
        body,
        payment_methods,
        query: json!({ "type": "object", "properties": properties, "required": required }),
        nullable: nullable.map(|(name, _)| name.clone()).collect(),
    }
}

/// The fields of an object that take a payment method, and the methods that the contract names.
fn payment_methods(document: &Value, schema: &Value) -> Vec<(String, Vec<String>)> {
    let fields = resolve(document, schema)["properties"].as_object().into_iter().flatten();
    let methods = fields.filter(|(name, _)| *name == "payment_method").filter_map(|(name, field)| {
        let known = resolve(document, field)["x-extensible-enum"].as_array()?;
        Some((name.clone(), known.iter().filter_map(Value::as_str).map(str::to_owned).collect()))
    });
    methods.collect()
}

/// The tiers, which the contract has in words: `above 100000 UGX up to 1000000 UGX`, and `1000 UGX`.
fn payout_fees(document: &Value) -> Vec<(Option<Amount>, Amount)> {
    let first_amount = |text: &str| text.split(' ').next().and_then(|number| number.parse::<Amount>().ok());
    let tiers = document["x-piaxis-default-payout-fees"]["tiers"].as_array().into_iter().flatten();
    let tier = |tier: &Value| {
        let up_to = tier["amount"].as_str()?.split_once("up to ").and_then(|(_, most)| first_amount(most));
        Some((up_to, first_amount(tier["fee"].as_str()?)?))
    };
    tiers.filter_map(tier).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::json_schema::validator;

    #[test]
    fn amounts_are_written_and_free_form_objects_left_alone() {
        let contract = &*CONTRACT;
        for name in ["amount", "total_debit_amount", "balance_escrow_in"] {
            assert!(contract.amounts.contains(name), "{name}");
        }
        for name in ["metadata", "data"] {
            assert!(contract.free_form.contains(name), "{name}");
        }
        // A keyword of schemas, and a field of disbursements.
        assert!(!contract.free_form.contains("items"));
        let mut body = json!({ "items": [{ "amount": "1500" }], "metadata": { "amount": "1500" } });
        contract.write_amounts(&mut body, true);
        assert_eq!(body, json!({ "items": [{ "amount": "1,500.00" }], "metadata": { "amount": "1500" } }));
    }

    #[test]
    fn nullable_is_a_keyword_of_schemas_and_a_name_of_properties() {
        let named = json!({
            "type": "object",
            "required": ["nullable", "example"],
            "properties": {
                "nullable": { "type": "boolean" },
                "example": { "$ref": "#/components/schemas/Example" },
                "properties": { "type": "array", "items": { "type": "string", "nullable": true } },
            },
        });
        let example = json!({ "type": "object", "nullable": true, "enum": [{ "nullable": true }] });
        let contract = json!({ "components": { "schemas": { "Example": example, "nullable": { "type": "string" } } } });
        let validator = validator(&contract, &named).unwrap();
        for valid in [
            json!({ "nullable": true, "example": null }),
            json!({ "nullable": false, "example": { "nullable": true }, "properties": ["a", null] }),
        ] {
            assert!(validator.is_valid(&valid), "{valid}");
        }
        for invalid in [
            json!({ "nullable": null, "example": null }),
            json!({ "nullable": "yes", "example": null }),
            json!({ "example": null }),
            json!({ "nullable": true, "example": {} }),
            json!({ "nullable": true, "example": null, "properties": [1] }),
            json!({ "nullable": true, "example": null, "properties": null }),
            Value::Null,
        ] {
            assert!(!validator.is_valid(&invalid), "{invalid}");
        }
    }

    #[test]
    fn nullable_is_converted_below_every_keyword_with_schemas() {
        let nullable = json!({ "type": "string", "nullable": true });
        for (schema, null, permits_null) in [
            (nullable.clone(), json!(null), true),
            (json!({ "properties": { "a": nullable } }), json!({ "a": null }), true),
            (json!({ "items": nullable }), json!([null]), true),
            (json!({ "additionalProperties": nullable }), json!({ "a": null }), true),
            (json!({ "allOf": [nullable] }), json!(null), true),
            (json!({ "anyOf": [nullable] }), json!(null), true),
            (json!({ "oneOf": [nullable] }), json!(null), true),
            (json!({ "not": nullable }), json!(null), false),
        ] {
            let validator = validator(&json!({}), &schema).unwrap();
            assert_eq!(validator.is_valid(&null), permits_null, "{schema}");
        }
    }
}
