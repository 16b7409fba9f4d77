//! The operation table, and the headers, variables, servers and names of fields that the crate takes from the contract.

use serde_json::Value;

use super::document::{METHODS, Result, array, misplaced, object, pascal, resolve, strings, text};

pub(super) fn operations(contract: &Value) -> Result<String> {
    let mut rows = String::new();
    for (path, item) in object(contract, "/paths") {
        for (method, operation) in object(item, "").into_iter().filter(|(key, _)| METHODS.contains(&key.as_str())) {
            let place = ["paths".into(), path.clone(), method.clone()];
            let id = text(operation, "operationId");
            let tag = array(operation, "tags").first().and_then(|tag| tag.as_str()).unwrap_or_default();
            let Some(name) = id.strip_prefix(tag).and_then(|rest| rest.strip_prefix('_')).filter(|_| !tag.is_empty())
            else {
                return misplaced(
                    &place,
                    format!("operationId `{id}` must be its tag and the method's name: `{tag}_…`"),
                );
            };
            let Some(security) = operation.get("security").and_then(Value::as_array) else {
                return misplaced(&place, "has no `security`; write `security: []` for a route that takes none");
            };
            let security: Vec<String> = security
                .iter()
                .map(|alternative| {
                    let schemes = object(alternative, "")
                        .into_iter()
                        .map(|(scheme, _)| format!("Credential::{}", pascal(scheme)));
                    format!("&[{}]", schemes.collect::<Vec<_>>().join(", "))
                })
                .collect();
            let carried: Vec<&str> = array(operation, "parameters")
                .into_iter()
                .map(|parameter| text(resolve(contract, parameter), "x-piaxis-transport"))
                .collect();
            let mut methods = strings(operation, "x-piaxis-methods");
            if methods.is_empty() {
                methods.push(name.to_owned());
            }
            rows += &format!(
                "    Operation {{ id: {id:?}, method: {:?}, path: {path:?}, resource: {tag:?}, methods: &{methods:?}, \
                 summary: {:?}, security: &[{}], idempotent: {}, never_retried: {}, idempotency_key: {}, lookup: {:?}, body_fields: &{:?}, page_size: {}, sources: &{:?} }},\n",
                method.to_uppercase(),
                text(operation, "summary"),
                security.join(", "),
                operation.get("x-piaxis-idempotent").map_or(method == "get", |idempotent| idempotent == true),
                operation.get("x-piaxis-never-retried").is_some_and(|never| never == true),
                carried.contains(&"idempotency_key"),
                lookup(contract, operation, &place)?,
                body_fields(contract, operation),
                page_size(contract, operation),
                strings(operation, "x-piaxis-source"),
            );
        }
    }

    let schemes = object(contract, "/components/securitySchemes").into_iter().map(|(name, scheme)| {
        let header = if text(scheme, "type") == "http" { "Authorization" } else { text(scheme, "name") };
        format!("{name}: {header:?}, ")
    });
    let carried = object(contract, "/components/parameters").into_iter().filter_map(|(_, parameter)| {
        let role = text(parameter, "x-piaxis-transport");
        (!role.is_empty()).then(|| format!("{role}: {:?}, ", text(parameter, "name")))
    });
    let headers: String = schemes.chain(carried).collect();
    let variables: String = object(contract, "/x-piaxis-environment-variables")
        .into_iter()
        .map(|(name, variable)| format!("{name}: &{:?}, ", strings(variable, "names")))
        .collect();
    let servers: String = array(contract, "servers")
        .into_iter()
        .map(|server| format!("{}: {:?}, ", text(server, "x-piaxis-environment"), text(server, "url")))
        .collect();
    let client_id = contract.pointer("/components/securitySchemes/client_id").unwrap_or(&Value::Null);
    let payouts = payouts(contract)?;

    Ok(format!(
        "/// Every operation of the contract, sorted by path.\npub const OPERATIONS: &[Operation] = &[\n{rows}];\n\
         pub(crate) const HEADERS: Headers = Headers {{ {headers}}};\n\
         pub(crate) const VARIABLES: Variables = Variables {{ {variables}}};\n\
         pub(crate) const SERVERS: Servers = Servers {{ {servers}}};\n\
         pub(crate) const PAYOUTS: Payouts = Payouts {{ {payouts} }};\n\
         pub(crate) const SECRET_FIELDS: &[&str] = &{:?};\n\
         pub(crate) const PERSONAL_FIELDS: &[&str] = &{:?};\n\
         pub(crate) const ERROR_SHAPES: &[ErrorShape] = &[{}];\n\
         pub(crate) const MISSING_CLIENT_ID: &str = {:?};\n",
        secret_fields(contract),
        personal_fields(contract),
        error_shapes(contract),
        text(client_id, "x-piaxis-missing-code"),
    ))
}

/// The operation that shows whether a write was executed.
fn lookup<'a>(contract: &Value, operation: &'a Value, place: &[String]) -> Result<Option<&'a str>> {
    let lookup = text(operation, "x-piaxis-lookup");
    let mut ids = object(contract, "/paths").into_iter().flat_map(|(_, item)| object(item, ""));
    if lookup.is_empty() {
        return Ok(None);
    }
    if ids.any(|(method, other)| method == "get" && text(other, "operationId") == lookup) {
        return Ok(Some(lookup));
    }
    misplaced(place, format!("x-piaxis-lookup names `{lookup}`, which must be the operationId of a GET"))
}

/// Names of the fields of a JSON request body.
fn body_fields<'a>(contract: &'a Value, operation: &'a Value) -> Vec<&'a String> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema").unwrap_or(&Value::Null);
    object(resolve(contract, schema), "/properties").into_iter().map(|(name, _)| name).collect()
}

/// The shapes of error bodies: the fields that each requires, and all that it has.
fn error_shapes(contract: &Value) -> String {
    let Some(body) = contract.pointer("/components/schemas/ErrorBody") else { return String::new() };
    let shape = |reference: &Value| {
        let schema = resolve(contract, reference);
        let fields: Vec<&String> = object(schema, "/properties").into_iter().map(|(name, _)| name).collect();
        format!("ErrorShape {{ required: &{:?}, fields: &{fields:?} }}, ", strings(schema, "required"))
    };
    array(body, "anyOf").into_iter().map(shape).collect()
}

/// Fields of `Payouts`: what the API accepts in a disbursement.
fn payouts(contract: &Value) -> Result<String> {
    const KEY: &str = "x-piaxis-payouts";
    let place = |key: &str| [KEY.to_owned(), key.to_owned()];
    let payouts = &contract[KEY];
    let methods = strings(&payouts["payment_methods"], "values");
    let known = strings(&contract["components"]["schemas"]["PaymentMethod"], "x-extensible-enum");
    if let Some(stray) = methods.iter().find(|method| !known.contains(method)) {
        return misplaced(&place("payment_methods"), format!("`{stray}` must be a value of `PaymentMethod`"));
    }
    if methods.is_empty() {
        return misplaced(&place("payment_methods"), "`values` must not be empty");
    }
    let pattern = text(&payouts["phone_numbers"], "pattern");
    let bounds = pattern.strip_prefix(r"^\+[1-9]\d{").and_then(|rest| rest.strip_suffix("}$")?.split_once(','));
    let Some((Ok(min), Ok(max))) = bounds.map(|(min, max)| (min.parse::<usize>(), max.parse::<usize>())) else {
        let message =
            format!(r"`pattern` must be `^\+[1-9]\d{{m,n}}$`, the form that the client can check: `{pattern}`");
        return misplaced(&place("phone_numbers"), message);
    };
    let mut places = Vec::new();
    for (currency, count) in object(payouts, "/decimal_places/currencies") {
        let Some(count) = count.as_u64().filter(|count| *count <= 28) else {
            return misplaced(&place("decimal_places"), format!("{currency} must have 0 to 28 decimal places"));
        };
        places.push((currency, count));
    }
    Ok(format!(
        "payment_methods: &{methods:?}, phone_number_digits: {}..={}, decimal_places: &{places:?}",
        min + 1,
        max + 1,
    ))
}

/// How many items a page of a list has, and may have.
fn page_size(contract: &Value, operation: &Value) -> String {
    let mut parameters = array(operation, "parameters").into_iter().map(|parameter| resolve(contract, parameter));
    let limit = parameters.find(|parameter| text(parameter, "name") == "limit").map(|limit| &limit["schema"]);
    limit.map_or("None".to_owned(), |limit| {
        format!("Some(PageSize {{ default: {}, max: {} }})", limit["default"], limit["maximum"])
    })
}

/// Names of the fields and parameters that hold a secret.
fn secret_fields(contract: &Value) -> Vec<String> {
    let is_secret = |node: &Value| text(node, "$ref").ends_with("/Secret") || text(node, "format") == "password";
    fields_that(contract, &|node| is_secret(node) || array(node, "allOf").into_iter().any(is_secret))
}

/// Names of the fields that tell who somebody is: those that are marked, and those that hold an object that is marked.
fn personal_fields(contract: &Value) -> Vec<String> {
    let is_schema = |node: &Value| node.get("properties").is_some();
    let is_marked = |node: &Value| node.get("x-piaxis-personal").is_some_and(|personal| personal == true);
    let holds_marked = |node: &Value| node.get("$ref").is_some() && is_marked(resolve(contract, node));
    fields_that(contract, &|node| {
        is_marked(node) && !is_schema(node) || holds_marked(node) || array(node, "allOf").into_iter().any(holds_marked)
    })
}

fn fields_that(contract: &Value, is_meant: &dyn Fn(&Value) -> bool) -> Vec<String> {
    fn visit(name: &str, node: &Value, is_meant: &dyn Fn(&Value) -> bool, found: &mut Vec<String>) {
        if is_meant(node) {
            found.push(name.to_owned());
        }
        if let Some(parameter) = node.get("in").and(node.get("schema")) {
            visit(text(node, "name"), parameter, is_meant, found);
        }
        match node {
            Value::Object(children) => children.iter().for_each(|(key, child)| visit(key, child, is_meant, found)),
            Value::Array(children) => children.iter().for_each(|child| visit("", child, is_meant, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit("", contract, is_meant, &mut found);
    found.retain(|name| !["", "schema", "Secret"].contains(&name.as_str()));
    found.sort();
    found.dedup();
    found
}
