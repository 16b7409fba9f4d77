//! From text to a value: YAML or JSON, where no key may stand twice in a map.

use std::fmt;

use anyhow::{Context as _, Result, anyhow};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::normalise::escape;
use crate::contract::lines;

/// What a text says.
pub(super) fn value(name: &str, text: &str) -> Result<Value> {
    let unread = |line: usize, error: &dyn fmt::Display| anyhow!("{name}:{line}: it is neither YAML nor JSON: {error}");
    if text.trim_start().starts_with('{') {
        match serde_json::from_str::<Strict>(text) {
            Ok(Strict(value)) => return Ok(value),
            // As YAML it would be refused too, after a long time.
            Err(error) if error.to_string().starts_with("recursion limit") => {
                return Err(unread(error.line(), &error));
            }
            Err(error) if error.to_string().starts_with(TWICE) => {
                return Err(anyhow!("{name}:{}: {error}", error.line()));
            }
            Err(_) => {}
        }
    }
    let mut yaml: serde_yaml_ng::Value = serde_yaml_ng::from_str(text)
        .map_err(|error| unread(error.location().map_or(1, |place| place.line()), &error))?;
    yaml.apply_merge().with_context(|| format!("{name}: a YAML merge key (`<<`) merges no map"))?;
    plain(yaml, &mut String::new()).map_err(|pointer| {
        let line = lines::lines(text).get(&pointer).copied().unwrap_or(1);
        anyhow!("{name}:{line}: {TWICE} at {pointer}")
    })
}

const TWICE: &str = "the same key twice";

/// JSON has text for keys only; in YAML `200:` is a number. A pointer to what is there twice, else.
fn plain(yaml: serde_yaml_ng::Value, pointer: &mut String) -> Result<Value, String> {
    use serde_yaml_ng::Value as Yaml;
    let length = pointer.len();
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::Number(number) => serde_json::to_value(&number).unwrap_or(Value::Null),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (at, item) in items.into_iter().enumerate() {
                pointer.push_str(&format!("/{at}"));
                list.push(plain(item, pointer)?);
                pointer.truncate(length);
            }
            Value::Array(list)
        }
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key = key_text(key, pointer)?;
                pointer.push('/');
                pointer.push_str(&escape(&key));
                let value = plain(value, pointer)?;
                if map.insert(key, value).is_some() {
                    return Err(pointer.clone());
                }
                pointer.truncate(length);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tagged) => plain(tagged.value, pointer)?,
    })
}

fn key_text(key: serde_yaml_ng::Value, pointer: &mut String) -> Result<String, String> {
    Ok(match plain(key, pointer)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// A value of JSON; the parser's own keeps the last of two equal keys.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Strict)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("{TWICE}: `{key}`")));
            }
            let Strict(value) = entries.next_value()?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
