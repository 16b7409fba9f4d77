use std::fmt;

/// A value of an open enum that this version of the crate does not know. Read it with [`as_str`](Self::as_str).
///
/// It cannot be made by hand, so that a later version that learns the value breaks nobody's `match`: parse the text into
/// the enum instead.
///
/// ```
/// use piaxis::PaymentMethod;
///
/// let method = PaymentMethod::from("carrier_pigeon");
/// assert!(matches!(&method, PaymentMethod::Unknown(value) if value.as_str() == "carrier_pigeon"));
/// assert_eq!(method.to_string(), "carrier_pigeon");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownValue(String);

impl UnknownValue {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The value as the API wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// An enum that any other text fits into. The variants come from `x-extensible-enum` of the contract.
macro_rules! open_enum {
    (#[doc = $doc:literal] pub enum $name:ident { $(#[doc = $variant_doc:literal] $variant:ident = $text:literal,)+ }) => {
        #[doc = $doc]
        ///
        /// Open: a value that the contract does not name is `Unknown` and keeps its text.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = $variant_doc] $variant,)+
            /// A value that this version does not know.
            Unknown($crate::UnknownValue),
        }

        impl $name {
            /// The values that the contract names.
            pub const KNOWN: &'static [&'static str] = &[$($text),+];

            /// The value as the API writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(value) => value.as_str(),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Unknown($crate::UnknownValue::new(other.to_owned())),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Unknown($crate::UnknownValue::new(text)),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(text.into())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::values::text::read(deserializer, str::parse)
            }
        }
    };
}
