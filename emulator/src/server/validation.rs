//! Validates requests against the contract, and reports what does not fit as FastAPI does.

use std::{collections::BTreeMap, sync::LazyLock};

use jsonschema::{Validator, error::ValidationErrorKind};
use piaxis::{OPERATIONS, Operation};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    contract::{CONTRACT, resolve},
    json_schema,
    response::{Invalid, PROBLEMS, Rejection, Response},
};

/// The validators of the bodies and queries of one operation.
struct Validators {
    body: LazyLock<Option<Validator>, Box<dyn FnOnce() -> Option<Validator> + Send>>,
    query: LazyLock<Option<Validator>, Box<dyn FnOnce() -> Option<Validator> + Send>>,
}

static VALIDATORS: LazyLock<BTreeMap<&'static str, Validators>> = LazyLock::new(|| {
    let of = |operation: &'static Operation| Validators {
        body: LazyLock::new(Box::new(|| {
            CONTRACT.schemas(operation).body.as_ref().and_then(|(schema, _)| validator(schema))
        })),
        query: LazyLock::new(Box::new(|| validator(&CONTRACT.schemas(operation).query))),
    };
    OPERATIONS.iter().map(|operation| (operation.id, of(operation))).collect()
});

fn validator(schema: &Value) -> Option<Validator> {
    json_schema::validator(&CONTRACT.document, schema).ok()
}

/// The body of a request as JSON, once it fits the contract.
pub(crate) fn body(operation: &Operation, bytes: &[u8], content_type: &str) -> Result<Value, Rejection> {
    let Some((_, is_form)) = &CONTRACT.schemas(operation).body else { return Ok(Value::Null) };
    if bytes.is_empty() {
        return Err(missing(vec!["body".into()]));
    }
    let value = if *is_form {
        let fields = form_urlencoded::parse(bytes).map(|(name, value)| (name.into_owned(), value.into_owned().into()));
        Value::Object(fields.collect())
    } else if !content_type.split(';').next().is_some_and(is_json) {
        let message = "Input should be a valid dictionary or object to extract fields from";
        return Err(Response::invalid_field(&["body"], message, "model_attributes_type"));
    } else {
        serde_json::from_slice(bytes).map_err(|error| {
            let loc = vec!["body".into(), error.column().into()];
            Response::invalid(&[Invalid { loc, msg: "JSON decode error".into(), kind: "json_invalid".into() }])
        })?
    };
    check(VALIDATORS.get(operation.id).and_then(|validators| validators.body.as_ref()), "body", &value)?;
    check_enums(operation, &value)?;
    Ok(value)
}

/// FastAPI reads `application/json` and types that end with `+json`.
fn is_json(content_type: &str) -> bool {
    let content_type = content_type.trim().to_ascii_lowercase();
    content_type == "application/json" || content_type.starts_with("application/") && content_type.ends_with("+json")
}

/// The query of a request as JSON, once it fits the contract.
pub(crate) fn query(operation: &Operation, query: &str) -> Result<Value, Rejection> {
    let schema = &CONTRACT.schemas(operation).query;
    let mut fields = Map::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        let schema = resolve(&CONTRACT.document, &schema["properties"][name.as_ref()]);
        // Text that is no value of the type stays text, which the schema then rejects.
        let value = match schema["type"].as_str() {
            Some("integer") => text.parse::<i64>().map_or_else(|_| text.as_ref().into(), Value::from),
            Some("boolean") => text.parse::<bool>().map_or_else(|_| text.as_ref().into(), Value::from),
            _ => text.as_ref().into(),
        };
        fields.insert(name.into_owned(), value);
    }
    let value = Value::Object(fields);
    check(VALIDATORS.get(operation.id).and_then(|validators| validators.query.as_ref()), "query", &value)?;
    Ok(value)
}

fn check(validator: Option<&Validator>, place: &str, value: &Value) -> Result<(), Rejection> {
    let Some(validator) = validator.filter(|validator| !validator.is_valid(value)) else { return Ok(()) };
    let mut problems = Vec::<Invalid>::new();
    for error in validator.iter_errors(value) {
        for problem in problems_of(place, &error) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        if problems.len() >= PROBLEMS {
            break;
        }
    }
    Err(Response::invalid(&problems))
}

/// The error of the schema in the words of Pydantic.
fn problems_of(place: &str, error: &jsonschema::ValidationError<'_>) -> Vec<Invalid> {
    use ValidationErrorKind as Kind;
    let mut loc = vec![Value::from(place)];
    loc.extend(error.instance_path().as_str().split('/').skip(1).map(|part| {
        part.parse::<u64>().map_or_else(|_| Value::from(part.replace("~1", "/").replace("~0", "~")), Value::from)
    }));
    let number = |limit: &Value| limit.to_string();
    let (msg, kind) = match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            // Of a nullable value, what the value itself lacks; of an amount, that it is none.
            let inner: Vec<Invalid> = context
                .iter()
                .flatten()
                .flat_map(|inner| problems_of(place, inner))
                .filter(|one| one.loc != loc)
                .collect();
            if !inner.is_empty() {
                return inner;
            }
            let own = context.iter().flatten().find(|inner| !matches!(inner.kind(), Kind::Type { .. }));
            match own {
                Some(inner) if matches!(error.kind(), Kind::AnyOf { .. }) => return problems_of(place, inner),
                _ if matches!(error.kind(), Kind::OneOfNotValid { .. }) => {
                    ("Input should be a valid decimal".to_owned(), "decimal_parsing")
                }
                _ => match context.iter().flatten().next() {
                    Some(inner) => return problems_of(place, inner),
                    None => ("Input is invalid".to_owned(), "value_error"),
                },
            }
        }
        Kind::Required { property } => {
            loc.push(property.clone());
            ("Field required".to_owned(), "missing")
        }
        Kind::Type { kind } => match format!("{kind:?}").to_ascii_lowercase() {
            kind if kind.contains("string") => ("Input should be a valid string".to_owned(), "string_type"),
            kind if kind.contains("integer") => ("Input should be a valid integer".to_owned(), "int_parsing"),
            kind if kind.contains("number") => ("Input should be a valid number".to_owned(), "float_parsing"),
            kind if kind.contains("boolean") => ("Input should be a valid boolean".to_owned(), "bool_parsing"),
            kind if kind.contains("array") => ("Input should be a valid list".to_owned(), "list_type"),
            _ => ("Input should be a valid dictionary".to_owned(), "dict_type"),
        },
        Kind::Maximum { limit } => {
            (format!("Input should be less than or equal to {}", number(limit)), "less_than_equal")
        }
        Kind::Minimum { limit } => {
            (format!("Input should be greater than or equal to {}", number(limit)), "greater_than_equal")
        }
        Kind::ExclusiveMinimum { limit } => (format!("Input should be greater than {}", number(limit)), "greater_than"),
        Kind::MinLength { limit } => (format!("String should have at least {limit} characters"), "string_too_short"),
        Kind::MaxLength { limit } => (format!("String should have at most {limit} characters"), "string_too_long"),
        Kind::MinItems { limit } => (format!("List should have at least {limit} items after validation"), "too_short"),
        Kind::Pattern { pattern } => (format!("String should match pattern '{pattern}'"), "string_pattern_mismatch"),
        Kind::Format { format } if format == "email" => {
            ("value is not a valid email address".to_owned(), "value_error")
        }
        Kind::Format { format } if format == "date-time" => {
            ("Input should be a valid datetime".to_owned(), "datetime_from_date_parsing")
        }
        _ => ("Input is invalid".to_owned(), "value_error"),
    };
    vec![Invalid { loc, msg, kind: kind.to_owned() }]
}

/// Rejects payment methods that the contract does not name. Other open enums take any value, as the API's schema does.
fn check_enums(operation: &Operation, body: &Value) -> Result<(), Rejection> {
    for (name, known) in &CONTRACT.schemas(operation).payment_methods {
        let Some(value) = body.get(name).filter(|value| !value.is_null()) else { continue };
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        if value.as_str().is_none_or(|value| !known.contains(&value)) {
            return Err(not_one_of(&["body", name], &known));
        }
    }
    Ok(())
}

/// The error of a value that is none of an enum.
pub(crate) fn not_one_of(place: &[&str], known: &[&str]) -> Rejection {
    let known: Vec<String> = known.iter().map(|value| format!("'{value}'")).collect();
    let known = match known.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => known.concat(),
    };
    Response::invalid_field(place, &format!("Input should be {known}"), "enum")
}

/// A value that fits the contract as a type of the crate.
pub(crate) fn decode<T: DeserializeOwned>(place: &str, value: &Value) -> Result<T, Rejection> {
    if let Ok(decoded) = T::deserialize(value) {
        return Ok(decoded);
    }
    // Once more, slower, for the path of the error.
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let mut loc: Vec<&str> = vec![place];
        loc.extend(path.split('.').filter(|part| !["", "?"].contains(part)));
        Response::invalid_field(&loc, "Input is invalid", "value_error")
    })
}

fn missing(loc: Vec<Value>) -> Rejection {
    Response::invalid(&[Invalid { loc, msg: "Field required".into(), kind: "missing".into() }])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_schema_of_a_request_becomes_a_validator() {
        for operation in OPERATIONS {
            let schemas = CONTRACT.schemas(operation);
            for schema in schemas.body.iter().map(|(schema, _)| schema).chain([&schemas.query]) {
                json_schema::validator(&CONTRACT.document, schema).unwrap();
            }
        }
    }
}
