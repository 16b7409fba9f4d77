//! Fields of a request body that the contract does not know.

use std::fmt;

use serde::Serialize;

use crate::{
    error::{Error, ErrorKind},
    operation::Operation,
};

/// Fields that a caller adds to a JSON request body.
#[derive(Clone, Default)]
pub(crate) struct ExtraFields(Vec<Field>);

#[derive(Clone)]
struct Field {
    name: String,
    /// JSON text, so that no number is changed; `None` when the value could not be serialised.
    json: Option<String>,
}

impl ExtraFields {
    pub(crate) fn set(&mut self, name: String, value: &impl Serialize) {
        self.0.retain(|field| field.name != name);
        self.0.push(Field { name, json: serde_json::to_string(value).ok() });
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|field| field.name == name)
    }

    /// Fails where the fields cannot be added to the body of this operation.
    pub(crate) fn check(&self, operation: &Operation) -> Result<(), Error> {
        for Field { name, json } in &self.0 {
            let problem = match json {
                _ if operation.body_fields.is_empty() => {
                    let message = "extra fields are unsupported: the operation has no JSON body";
                    return Err(Error::local(ErrorKind::InvalidRequest, message));
                }
                _ if name.is_empty() => "the name of an extra field must not be empty",
                _ if operation.body_fields.contains(&name.as_str()) => {
                    "must be set by its typed field, not as an extra field"
                }
                None => "failed to serialize the value as JSON",
                Some(_) => continue,
            };
            return Err(Error::invalid_field(name, problem));
        }
        Ok(())
    }

    /// Adds the fields to the JSON text of the body, which is not parsed: that could change an amount.
    pub(crate) fn add_to(
        &self,
        mut request: reqwest::Request,
        operation: &Operation,
    ) -> Result<reqwest::Request, Error> {
        if self.0.is_empty() {
            return Ok(request);
        }
        self.check(operation)?;
        let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        let Some(fields) = body.strip_suffix(b"}") else {
            return Err(Error::local(ErrorKind::InvalidRequest, "the body must be a JSON object"));
        };
        let mut longer = fields.to_vec();
        for Field { name, json } in &self.0 {
            if longer.last() != Some(&b'{') {
                longer.push(b',');
            }
            longer.extend_from_slice(serde_json::Value::from(name.as_str()).to_string().as_bytes());
            longer.push(b':');
            longer.extend_from_slice(json.as_deref().unwrap_or("null").as_bytes());
        }
        longer.push(b'}');
        *request.body_mut() = Some(longer.into());
        Ok(request)
    }
}

/// The names, without the values.
impl fmt::Debug for ExtraFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|field| &field.name)).finish()
    }
}
