//! Decodes the body of a 2xx response, and detects an error of the API in it.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{
    JsonObject,
    decoding::{DecodeError, read_json},
    operation::ERROR_SHAPES,
    undecoded::{self, DecodeFields, Undecoded, names_of},
    unexpected::Inspect,
};

/// The body of a 2xx response. The response types of [`types`](crate::types) implement it, by the build script.
pub trait ResponseBody: DeserializeOwned + DecodeFields + Inspect + Send + 'static {
    /// The fields that the contract gives the body.
    const FIELDS: &'static [&'static str];

    /// The fields that the contract does not know.
    fn extra(&self) -> &JsonObject;
}

/// Why a 2xx body has no value.
pub(crate) enum NotDecoded {
    /// The body is an error of the API.
    Error,
    Failed(DecodeError),
}

/// A value, and the optional fields that failed to decode.
pub(crate) type Decoded<T> = (T, Vec<Undecoded>);

/// How a 2xx body becomes a value.
pub(crate) struct Decoder<T> {
    pub(crate) decode: fn(&Bytes) -> Result<Decoded<T>, NotDecoded>,
    /// The value, to be searched for what the contract does not know.
    pub(crate) inspect: fn(&T) -> &dyn Inspect,
}

impl<T: ResponseBody> Decoder<T> {
    pub(crate) fn of_operation() -> Self {
        Self { decode: decode_operation, inspect: |value| value }
    }
}

impl<T: DeserializeOwned> Decoder<T> {
    /// Of a response that the contract does not know.
    pub(crate) fn of_any() -> Self {
        Self { decode: decode_any, inspect: |_| &Anything }
    }
}

/// A response in which anything is expected.
struct Anything;

crate::client::unexpected::inspect_nothing! { Anything }

fn decode_operation<T: ResponseBody>(body: &Bytes) -> Result<Decoded<T>, NotDecoded> {
    let is_error = |extra, undecoded: &[Undecoded]| is_error(body, T::FIELDS, extra, undecoded);
    match read_json::<T>(body) {
        Some(value) if is_error(Some(value.extra()), &[]) => Err(NotDecoded::Error),
        Some(value) => Ok((value, Vec::new())),
        None if is_error(None, &[]) => Err(NotDecoded::Error),
        None => match undecoded::decode::<T>(body) {
            Ok((_, undecoded)) if is_error(None, &undecoded) => Err(NotDecoded::Error),
            decoded => decoded.map_err(NotDecoded::Failed),
        },
    }
}

/// An empty body decodes as `null`, so that `()` and `Option` take it.
fn decode_any<T: DeserializeOwned>(body: &Bytes) -> Result<Decoded<T>, NotDecoded> {
    if is_error_alone(body) {
        return Err(NotDecoded::Error);
    }
    let json: &[u8] = if body.is_empty() { b"null" } else { body };
    // A byte that is not UTF-8 may stand in a field that the type ignores.
    match read_json::<T>(json).or_else(|| serde_json::from_slice(json).ok()) {
        Some(value) => Ok((value, Vec::new())),
        None => Err(NotDecoded::Failed(DecodeError::locate::<T>(json).of_any_type())),
    }
}

/// Whether a body that the contract does not know has the fields of an error and no others.
fn is_error_alone(body: &[u8]) -> bool {
    let Some(names) = names_of(body) else { return false };
    ERROR_SHAPES.iter().any(|shape| {
        shape.required.iter().all(|required| names.iter().any(|name| name == required))
            && names.iter().all(|name| shape.fields.contains(&name.as_str()))
    })
}

/// Whether a 2xx body is an error of the API: one of the documented error shapes, by a field that the operation's own
/// response does not have, and with nothing that only the response has.
///
/// A response whose optional fields are missing is none: it lacks the fields of an error as well. Fields that failed to
/// decode do not count as fields of the response.
///
/// `fields` are those of the response, `extra` what was decoded beside them.
fn is_error(body: &[u8], fields: &[&str], extra: Option<&JsonObject>, undecoded: &[Undecoded]) -> bool {
    let is_foreign = |name: &str| ERROR_SHAPES.iter().any(|shape| shape.fields.contains(&name));
    // Fields of the response itself never arrive in `extra`, so most bodies are judged by one look at an empty map.
    if extra.is_some_and(|extra| !extra.keys().any(|name| is_foreign(name))) {
        return false;
    }
    let Some(names) = names_of(body) else { return false };
    let has = |name: &str| names.iter().any(|known| known == name);
    let is_shape = ERROR_SHAPES.iter().any(|shape| {
        shape.required.iter().all(|name| has(name))
            && shape.fields.iter().any(|name| has(name) && !fields.contains(name))
    });
    let has_decoded = |name: &str| has(name) && undecoded.iter().all(|undecoded| undecoded.path() != name);
    is_shape && !fields.iter().any(|name| has_decoded(name) && !is_foreign(name))
}
