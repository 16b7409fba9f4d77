//! The JSON examples of the docs, validated against the schemas that they belong to.

use jsonschema::error::ValidationErrorKind;

use super::{
    conformance::Conformance,
    fact::{Example, WEBHOOK},
    schemas::Body,
};
use crate::contract::Contract;

/// Texts that the guide writes where a value of some format stands.
const PLACEHOLDERS: [&str; 3] = ["uuid", "optional-uuid", "required-for-piaxis_external"];

/// What is wrong with an example.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) path: String,
    pub(super) problem: String,
    /// The open enum that does not name the value; the example fits otherwise.
    pub(super) value_of: Option<String>,
}

pub(super) struct Examples<'a> {
    contract: &'a Contract,
    conformance: Conformance<'a>,
}

impl<'a> Examples<'a> {
    pub(super) fn new(contract: &'a Contract) -> Self {
        Self { contract, conformance: Conformance::new(contract) }
    }

    pub(super) fn misfits(&mut self, example: &Example) -> Vec<Misfit> {
        let body = if example.operation == WEBHOOK {
            Some(Body::of_delivery(self.contract, &example.json))
        } else {
            let operation = self.contract.operation(&example.operation);
            let pointer = operation.and_then(|operation| self.contract.body(operation, example.direction));
            pointer.map(|pointer| Body { pointer, subject: None })
        };
        // The missing operation is the finding.
        let Some(body) = body else { return Vec::new() };
        let misfit = |path: String, problem: String| Misfit { path, problem, value_of: None };
        let validator = match self.conformance.validators.get(&body) {
            Ok(validator) => validator,
            Err(error) => return vec![misfit(String::new(), format!("{error:#}"))],
        };
        let errors = validator.iter_errors(&example.json).filter(|error| {
            let placeholder = error.instance().as_str().is_some_and(|text| PLACEHOLDERS.contains(&text));
            !(placeholder && matches!(error.kind(), ValidationErrorKind::Format { .. }))
        });
        let mut misfits: Vec<Misfit> =
            errors.map(|error| misfit(readable(&error.instance_path().to_string()), error.to_string())).collect();
        let new_values = self.conformance.new_values(&body, &example.json).into_iter();
        misfits.extend(new_values.map(|it| Misfit { path: it.path, problem: it.what, value_of: Some(it.pointer) }));
        misfits
    }
}

/// `/recipients/0/amount` as `recipients[0].amount`.
fn readable(pointer: &str) -> String {
    let parts = pointer.split('/').filter(|part| !part.is_empty());
    let path = parts.map(|part| match part.bytes().all(|byte| byte.is_ascii_digit()) {
        true => format!("[{part}]"),
        false => format!(".{part}"),
    });
    path.collect::<String>().trim_start_matches('.').to_owned()
}
