use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Redacted;

/// Text that is shown nowhere: a key, a token, a one-time password, an authorization code.
///
/// `Debug` prints `[redacted]`, there is no `Display`, equality takes the same time wherever two secrets differ, and the memory
/// is wiped on drop. [`expose`](Self::expose) is the only way to the text.
///
/// ```
/// let otp = piaxis::Secret::from("123456");
/// assert_eq!(format!("{otp:?}"), "Secret([redacted])");
/// assert_eq!(otp.expose(), "123456");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text. Keep it out of logs and URLs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&Secret> for Secret {
    fn from(secret: &Secret) -> Self {
        secret.clone()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({Redacted:?})")
    }
}

/// Writes the text itself: for request bodies, and for a store that keeps secrets.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

/// Takes text and whole numbers (a one-time password may come as one); every error keeps the value out of the message,
/// which serde's own would quote.
struct SecretVisitor;

macro_rules! refuse {
    ($($visit:ident: $kind:ty),+) => {
        $(fn $visit<E: de::Error>(self, _: $kind) -> Result<Secret, E> {
            Err(E::custom("not a text (value withheld)"))
        })+
    };
}

impl<'de> de::Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(text.into())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Secret, E> {
        Ok(text.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Secret, E> {
        Ok(number.to_string().into())
    }

    refuse!(visit_bool: bool, visit_i64: i64, visit_f64: f64, visit_bytes: &[u8]);
}
