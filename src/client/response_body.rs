//! What is asked of the body of a 2xx response beyond that it decodes.

use serde::de::DeserializeOwned;

use crate::{
    JsonObject,
    operation::ERROR_SHAPES,
    undecoded::{DecodeFields, Undecoded, fields_of},
};

/// The body of a 2xx response. The response types of [`types`](crate::types) implement it, by the build script.
pub trait ResponseBody: DeserializeOwned + DecodeFields + Send + 'static {
    /// The fields that the contract gives the body.
    const FIELDS: &'static [&'static str];

    /// The fields that the contract does not know.
    fn extra(&self) -> &JsonObject;
}

/// Whether a 2xx body is an error of the API: one of the documented error shapes, by a field that the operation's own
/// response does not have, and with nothing that only the response has.
///
/// A response whose optional fields are missing is none: it lacks the fields of an error as well. Fields that failed to
/// decode do not count as fields of the response.
pub(crate) fn is_error<T: ResponseBody>(body: &[u8], decoded: Option<&T>, undecoded: &[Undecoded]) -> bool {
    let is_foreign = |name: &str| ERROR_SHAPES.iter().any(|shape| shape.fields.contains(&name));
    // Fields of the response itself never arrive in `extra`, so most bodies are judged by one look at an empty map.
    if decoded.is_some_and(|value| !value.extra().keys().any(|name| is_foreign(name))) {
        return false;
    }
    fields_of(body).is_some_and(|has| {
        let is_shape = ERROR_SHAPES.iter().any(|shape| {
            shape.required.iter().all(|name| has(name))
                && shape.fields.iter().any(|name| has(name) && !T::FIELDS.contains(name))
        });
        let has_decoded = |name: &str| has(name) && undecoded.iter().all(|undecoded| undecoded.path() != name);
        is_shape && !T::FIELDS.iter().any(|name| has_decoded(name) && !is_foreign(name))
    })
}
