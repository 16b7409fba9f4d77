//! Deduplication keys.

use std::{borrow::Cow, fmt};

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::signature::to_hex;

/// Identifies an event across its deliveries: 32 bytes, printed as hex.
///
/// [`Delivery::deduplication_key`](super::Delivery::deduplication_key) makes one from the body. Make one of your own where the
/// data of your events identifies them, see [`Webhook::key_from`](super::Webhook::key_from).
///
/// ```
/// use piaxis::webhook::DeduplicationKey;
///
/// let key = DeduplicationKey::of(["payment.succeeded", "pay-1"]);
/// assert_ne!(key, DeduplicationKey::of(["payment.succeededpay-", "1"]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeduplicationKey([u8; 32]);

impl DeduplicationKey {
    /// Makes a key from texts. The order and the boundaries of the texts matter.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash_text(&mut hash, text.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// Makes the key of a body. White space outside of texts, the order of fields and the escapes of texts make no difference;
    /// every digit of a number does. A body that is not JSON counts byte by byte.
    pub(super) fn of_body(body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"piaxis delivery 2");
        match serde_json::from_slice::<&RawValue>(body) {
            Ok(value) => hash_kind(&mut hash, b'j', &digest(value.get())),
            Err(_) => hash_kind(&mut hash, b'?', body),
        }
        Self(hash.finalize().into())
    }

    /// The bytes, for a table of your own.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for DeduplicationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&to_hex(&self.0))
    }
}

impl fmt::Debug for DeduplicationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeduplicationKey({self})")
    }
}

fn hash_text(hash: &mut Sha256, text: &[u8]) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

/// Every value begins with its kind and its length, so that no two values give the same bytes.
fn hash_kind(hash: &mut Sha256, kind: u8, text: &[u8]) {
    hash.update([kind]);
    hash_text(hash, text);
}

/// An array or an object whose end is not reached yet.
enum Open<'a> {
    /// Digests of the items.
    Array(Vec<[u8; 32]>),
    /// Fields, and the name of the one whose value comes next.
    Object(Vec<Field<'a>>, Option<&'a str>),
}

/// Name, its digest, and the digest of the value.
type Field<'a> = (Cow<'a, str>, [u8; 32], [u8; 32]);

impl Open<'_> {
    fn digest(self) -> [u8; 32] {
        let mut hash = Sha256::new();
        match self {
            Self::Array(items) => {
                hash_kind(&mut hash, b'a', &items.len().to_be_bytes());
                items.iter().for_each(|item| hash.update(item));
            }
            Self::Object(mut fields, _) => {
                // Fields of one name keep their order.
                fields.sort_by(|(one, ..), (other, ..)| one.cmp(other));
                hash_kind(&mut hash, b'o', &fields.len().to_be_bytes());
                fields.iter().for_each(|(_, name, value)| {
                    hash.update(name);
                    hash.update(value);
                });
            }
        }
        hash.finalize().into()
    }
}

/// Digest of a valid JSON text, in one pass whatever its depth. Numbers are never parsed: as floats, two large ids would be
/// one.
fn digest(json: &str) -> [u8; 32] {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut rest = json;
    while let Some(byte) = rest.as_bytes().first() {
        let length = match byte {
            b'"' => string_length(rest),
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'{' | b'[' | b'}' | b']' => 1,
            _ => rest.find([' ', '\t', '\n', '\r', ',', '}', ']']).unwrap_or(rest.len()),
        };
        let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        let value = match (byte, open.last_mut()) {
            (b' ' | b'\t' | b'\n' | b'\r' | b',' | b':', _) => continue,
            (b'[', _) => {
                open.push(Open::Array(Vec::new()));
                continue;
            }
            (b'{', _) => {
                open.push(Open::Object(Vec::new(), None));
                continue;
            }
            (b']' | b'}', _) => match open.pop() {
                Some(closed) => closed.digest(),
                None => break,
            },
            (b'"', Some(Open::Object(_, name @ None))) => {
                *name = Some(text);
                continue;
            }
            (b'"', _) => string_digest(text),
            _ => kind_digest(b'v', text),
        };
        match open.last_mut() {
            Some(Open::Array(items)) => items.push(value),
            Some(Open::Object(fields, name)) => {
                let name = name.take().unwrap_or_default();
                fields.push((unescaped(name).unwrap_or(Cow::Borrowed(name)), string_digest(name), value));
            }
            None => return value,
        }
    }
    // A valid text has a value.
    kind_digest(b'?', json)
}

/// Bytes up to the quote that ends a string, which the text begins with.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

fn string_digest(text: &str) -> [u8; 32] {
    match unescaped(text) {
        Some(unescaped) => kind_digest(b's', &unescaped),
        None => kind_digest(b'?', text),
    }
}

fn kind_digest(kind: u8, text: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash_kind(&mut hash, kind, text.as_bytes());
    hash.finalize().into()
}

/// The text that a JSON string stands for; `None` for half a surrogate pair, which is valid JSON and no text.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(body: &str) -> DeduplicationKey {
        DeduplicationKey::of_body(body.as_bytes())
    }

    #[test]
    fn one_value_has_one_key_however_it_is_written() {
        for (one, other) in [
            (r#"{"a":1,"b":[true,null]}"#, " { \"b\" : [ true , null ] ,\n\"a\":1 } "),
            (r#"{"é":"é"}"#, r#"{"\u00e9":"\u00e9"}"#),
            (r#"{"a\\":"\"","b":"\\"}"#, r#"{"b":"\u005c","\u0061\u005c":"\u0022"}"#),
            (r#"[{"a":{"b":[],"c":{}}}]"#, r#"[ {"a" : {"c":{ } , "b":[ ]}} ]"#),
        ] {
            assert_eq!(key(one), key(other), "{one}");
        }
        let deep = |space: &str| format!("{}{space}1{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(key(&deep("")), key(&deep(" \n")));
        // Half a pair sorts among the others as written.
        assert_eq!(key(r#"{"\ud800":1,"b":"\udc00"}"#), key(r#"{"b":"\udc00","\ud800":1}"#));
    }

    #[test]
    fn other_values_have_other_keys() {
        let deep = |depth: usize, inner: &str| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
        let bodies = [
            "",
            "null",
            "true",
            "{}",
            "[]",
            "\"\"",
            "\"null\"",
            "1",
            "1.0",
            "1e0",
            "18446744073709551616",
            "18446744073709551617",
            "0.1000000000000000055511151231257827",
            "0.1",
            "{\"a\":1}",
            "{\"a\":2}",
            "{\"a\":\"1\"}",
            "{\"a\":1,\"a\":2}",
            "{\"a\":2,\"a\":1}",
            "[[1],2]",
            "[1,[2]]",
            "[1,2]",
            "[\"1\",\"2\"]",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "{\"\\ud800\":1}",
            "{\"a\":{\"b\":1}}",
            "{\"a\":{},\"b\":1}",
            "not JSON",
            "{\"a\":1",
            "\u{0}",
        ];
        let mut keys: Vec<DeduplicationKey> = bodies.iter().map(|body| key(body)).collect();
        keys.extend([key(&deep(300, "1")), key(&deep(300, "2")), key(&deep(100_000, "1"))]);
        keys.push(DeduplicationKey::of_body(b"\xff"));
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
