//! Decodes a 2xx response body without the optional fields that fail to decode.
//!
//! Used after a body failed to decode as a whole. Each field is then decoded by itself from its own JSON text, so that the
//! time is proportional to the size of the body. An optional field that fails becomes `None` and is named. A required field
//! that fails makes the object that it is part of fail. A list fails with any of its items: a shorter list would be wrong.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{
    JsonObject,
    decoding::{DecodeError, join},
};

/// An optional field of a response that failed to decode. In the value, the field is `None` or missing.
///
/// Returned by [`Response::undecoded`](crate::Response::undecoded). `Debug` shows the path only, because the JSON may hold
/// secrets and personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Undecoded {
    path: String,
    json: Box<str>,
    /// Length of the part of the path that the contract knows.
    known: usize,
}

impl Undecoded {
    /// Path of the field, such as `required_actions[0].deadline`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// JSON text of the field, as the API sent it. Of a field that came more than once, the last one.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Path for logs: `*` stands for the name of a field that the contract does not know, because the name may be personal.
    pub(crate) fn redacted_path(&self) -> Cow<'_, str> {
        match self.path.get(..self.known) {
            Some(known) if known.len() < self.path.len() => Cow::Owned(format!("{known}*")),
            _ => Cow::Borrowed(&self.path),
        }
    }

    fn move_below(&mut self, parent: &str) {
        let path = join(parent, &self.path);
        self.known += path.len() - self.path.len();
        self.path = path;
    }
}

impl fmt::Debug for Undecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Undecoded").field(&self.redacted_path()).finish()
    }
}

/// Decodes `body` without the optional fields that fail to decode.
///
/// Fails where a required field is missing or fails to decode, with the path and the place of that field.
pub(crate) fn decode<T: DecodeFields>(body: &[u8]) -> Result<(T, Vec<Undecoded>), DecodeError> {
    // A wrong byte spoils the text that it stands in, and nothing else.
    let text = String::from_utf8_lossy(body);
    let has_wrong_bytes = matches!(text, Cow::Owned(_));
    let mut parts = Parts { undecoded: Vec::new(), text: &text, has_wrong_bytes, failure: Place::default() };
    let whole = parts.whole()?;
    match T::decode(whole, &mut parts) {
        Ok(value) => Ok((value, parts.undecoded)),
        Err(error) => Err(error.at(parts.failure.in_body(body))),
    }
}

/// The fields of a JSON object with a value other than null. `None` when the text is no JSON object.
pub(crate) fn names_of(body: &[u8]) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(body);
    let Entries(entries) = serde_json::from_str(&text).ok()?;
    Some(entries.into_iter().filter(|(_, entry)| !is_null(entry.json)).map(|(name, _)| name).collect())
}

/// The body, its undecoded fields, and the place of the last failure.
#[derive(Debug)]
pub struct Parts<'a> {
    undecoded: Vec<Undecoded>,
    /// The body as text.
    text: &'a str,
    /// Whether the body was not UTF-8. Each sequence of wrong bytes is then a U+FFFD.
    has_wrong_bytes: bool,
    /// Where the last part failed. What fails as a whole, fails there.
    failure: Place,
}

/// A place in a body.
#[derive(Debug, Default)]
struct Place {
    /// Bytes before the part, in the body as text.
    start: usize,
    /// Line and column in the part.
    line: usize,
    column: usize,
}

impl Place {
    /// Line and column in the body, counted as `serde_json` does: lines from 1, bytes from 0.
    fn in_body(&self, body: &[u8]) -> (usize, usize) {
        let before = &body[..self.start_in(body)];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |position| position + 1);
        let column = if self.line > 1 { self.column } else { before.len() - line_start + self.column };
        (before.iter().filter(|byte| **byte == b'\n').count() + self.line, column)
    }

    /// Bytes of the body as it arrived, where each sequence of wrong bytes is no U+FFFD yet.
    fn start_in(&self, body: &[u8]) -> usize {
        let (mut left, mut start) = (self.start, 0);
        for chunk in body.utf8_chunks() {
            let valid = chunk.valid().len();
            if left <= valid {
                return start + left;
            }
            left = left.saturating_sub(valid + char::REPLACEMENT_CHARACTER.len_utf8());
            start += valid + chunk.invalid().len();
        }
        start
    }
}

impl<'a> Parts<'a> {
    /// The body as one value.
    fn whole(&self) -> Result<&'a RawValue, DecodeError> {
        if self.text.trim().is_empty() {
            return Err(DecodeError::new("the body is empty"));
        }
        let mut reader = serde_json::Deserializer::from_str(self.text);
        let whole =
            <&RawValue>::deserialize(&mut reader).map_err(|error| DecodeError::of(&error).at_place_of(&error))?;
        reader.end().map_err(|error| DecodeError::new("there is more after the JSON").at_place_of(&error))?;
        Ok(whole)
    }

    /// Notes the end of a part of the body as the place of what failed.
    fn fail_at_end_of(&mut self, json: &RawValue) {
        self.failure = Place { start: self.start_of(json) + json.get().len(), line: 1, column: 0 };
    }

    /// The error of a part of the body, whose place is noted.
    fn error(&mut self, json: &RawValue, error: &serde_json::Error) -> DecodeError {
        self.failure = Place { start: self.start_of(json), line: error.line(), column: error.column() };
        DecodeError::of(error)
    }

    fn start_of(&self, json: &RawValue) -> usize {
        (json.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    /// Prefixes the paths of the fields that were added after `known` with `name`.
    fn move_below(&mut self, known: usize, name: &str) {
        for undecoded in self.undecoded.iter_mut().skip(known) {
            undecoded.move_below(name);
        }
    }

    fn is_wrong(&self, json: &RawValue) -> bool {
        self.has_wrong_bytes && json.get().contains(char::REPLACEMENT_CHARACTER)
    }

    pub(crate) fn read<T: DeserializeOwned>(&mut self, json: &RawValue) -> Result<T, DecodeError> {
        if self.is_wrong(json) {
            self.fail_at_end_of(json);
            return Err(DecodeError::new("expected UTF-8"));
        }
        serde_json::from_str(json.get()).map_err(|error| self.error(json, &error))
    }
}

/// Types that decode field by field. The build script implements the trait for the types of response bodies, and for the
/// values that they are made of.
pub trait DecodeFields: Sized {
    /// Decodes the value without the optional fields that fail to decode, which are added to `parts`.
    #[doc(hidden)]
    fn decode(json: &RawValue, parts: &mut Parts<'_>) -> Result<Self, DecodeError>;
}

/// Implements the trait for values without optional fields.
macro_rules! decode_whole {
    ($($value:ty),+ $(,)?) => {
        $(impl $crate::client::undecoded::DecodeFields for $value {
            fn decode(
                json: &::serde_json::value::RawValue,
                parts: &mut $crate::client::undecoded::Parts<'_>,
            ) -> ::std::result::Result<Self, $crate::decoding::DecodeError> {
                parts.read(json)
            }
        })+
    };
}
pub(crate) use decode_whole;

impl<T: DecodeFields> DecodeFields for Vec<T> {
    fn decode(json: &RawValue, parts: &mut Parts<'_>) -> Result<Self, DecodeError> {
        let items: Vec<&RawValue> = serde_json::from_str(json.get()).map_err(|error| parts.error(json, &error))?;
        items.into_iter().enumerate().map(|(at, item)| below(&format!("[{at}]"), item, parts)).collect()
    }
}

/// Decodes a part, and names what failed in it by its path from here.
fn below<T: DecodeFields>(name: &str, json: &RawValue, parts: &mut Parts<'_>) -> Result<T, DecodeError> {
    let known = parts.undecoded.len();
    let value = T::decode(json, parts).map_err(|error| error.below(name))?;
    parts.move_below(known, name);
    Ok(value)
}

/// The fields of one JSON object that are left to decode.
pub(crate) struct Fields<'a, 'b> {
    json: &'a RawValue,
    entries: Entries<'a>,
    parts: &'a mut Parts<'b>,
}

impl<'a, 'b> Fields<'a, 'b> {
    pub(crate) fn read(json: &'a RawValue, parts: &'a mut Parts<'b>) -> Result<Self, DecodeError> {
        let entries = serde_json::from_str(json.get()).map_err(|error| parts.error(json, &error))?;
        Ok(Self { json, entries, parts })
    }

    pub(crate) fn required<T: DecodeFields>(&mut self, name: &str) -> Result<T, DecodeError> {
        match self.entries.0.remove(name) {
            Some(entry) => self.decode(name, &entry),
            None => Err(self.missing(name)),
        }
    }

    pub(crate) fn optional<T: DecodeFields>(&mut self, name: &str) -> Option<T> {
        let entry = self.entries.0.remove(name).filter(|entry| entry.is_ambiguous || !is_null(entry.json))?;
        let known = self.parts.undecoded.len();
        let decoded = self.decode(name, &entry).ok();
        if decoded.is_none() {
            self.leave_out(name, &entry, known);
        }
        decoded
    }

    fn missing(&mut self, name: &str) -> DecodeError {
        self.parts.fail_at_end_of(self.json);
        DecodeError::new(&format!("missing field `{name}`"))
    }

    /// Replaces what was found below a field by the field itself.
    fn leave_out(&mut self, name: &str, entry: &Entry<'_>, known: usize) {
        self.parts.undecoded.truncate(known);
        self.parts.undecoded.push(Undecoded {
            path: name.to_owned(),
            json: entry.json.get().into(),
            known: name.len(),
        });
    }

    /// The fields that the contract does not know.
    pub(crate) fn extra(self) -> JsonObject {
        let Self { entries, parts, .. } = self;
        let mut extra = JsonObject::new();
        for (name, entry) in entries.0 {
            match parts.read(entry.json) {
                Ok(value) => drop(extra.insert(name, value)),
                Err(_) => parts.undecoded.push(Undecoded { path: name, json: entry.json.get().into(), known: 0 }),
            }
        }
        extra
    }

    fn decode<T: DecodeFields>(&mut self, name: &str, entry: &Entry<'_>) -> Result<T, DecodeError> {
        if entry.is_ambiguous {
            self.parts.fail_at_end_of(entry.json);
            return Err(DecodeError::new(&format!("duplicate field `{name}`")));
        }
        below(name, entry.json, self.parts)
    }
}

fn is_null(json: &RawValue) -> bool {
    json.get() == "null"
}

struct Entry<'a> {
    json: &'a RawValue,
    /// Whether the field came more than once, with different values.
    is_ambiguous: bool,
}

/// A JSON object whose values are not decoded yet.
struct Entries<'a>(BTreeMap<String, Entry<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for EntriesVisitor<'a> {
    type Value = Entries<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'a>, A::Error> {
        let mut entries = BTreeMap::<String, Entry<'a>>::new();
        while let Some((name, json)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
            // A name that is no text, because of half a surrogate pair, is not a name of the contract.
            let name = serde_json::from_str(name.get()).unwrap_or_else(|_| name.get().to_owned());
            let earlier = entries.get(&name);
            let is_ambiguous = earlier.is_some_and(|entry| entry.is_ambiguous || entry.json.get() != json.get());
            entries.insert(name, Entry { json, is_ambiguous });
        }
        Ok(Entries(entries))
    }
}
