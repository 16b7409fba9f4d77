use std::{fmt, marker::PhantomData};

use serde::{Deserializer, de};

/// Reads a value that is written as text, without a copy of the text: a page of a list has hundreds of them.
pub(crate) fn read<'de, T, E, D>(deserializer: D, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, D::Error>
where
    E: fmt::Display,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(Text { parse, value: PhantomData })
}

struct Text<T, F> {
    parse: F,
    value: PhantomData<T>,
}

impl<'de, T, E: fmt::Display, F: FnOnce(&str) -> Result<T, E>> de::Visitor<'de> for Text<T, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<R: de::Error>(self, text: &str) -> Result<T, R> {
        (self.parse)(text).map_err(R::custom)
    }
}
