//! JSON that keeps names that occur twice in one object, which `serde_json::Value` drops.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

#[derive(Debug)]
pub(crate) enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    Scalar(Value),
}

impl Json {
    /// The value; of fields with one name, the last.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value.to_value())).collect(),
            Self::Array(items) => items.iter().map(Self::to_value).collect(),
            Self::Scalar(value) => value.clone(),
        }
    }

    /// The name of its JSON type; a number without fraction and exponent is an integer.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Object(_) => "object",
            Self::Array(_) => "array",
            Self::Scalar(Value::Null) => "null",
            Self::Scalar(Value::Bool(_)) => "boolean",
            Self::Scalar(Value::Number(number)) if number.is_f64() => "number",
            Self::Scalar(Value::Number(_)) => "integer",
            Self::Scalar(_) => "string",
        }
    }

    /// Whether an object in it, however deep, has a name twice.
    pub(crate) fn has_duplicates(&self) -> bool {
        match self {
            Self::Object(fields) => {
                !duplicates(fields).is_empty() || fields.iter().any(|(_, value)| value.has_duplicates())
            }
            Self::Array(items) => items.iter().any(Self::has_duplicates),
            Self::Scalar(_) => false,
        }
    }
}

/// The names that fields of one object share.
pub(crate) fn duplicates(fields: &[(String, Json)]) -> BTreeSet<&str> {
    let mut seen = BTreeSet::new();
    fields.iter().map(|(name, _)| name.as_str()).filter(|name| !seen.insert(*name)).collect()
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

macro_rules! scalars {
    ($($visit:ident: $scalar:ty),*) => {
        $(fn $visit<E>(self, value: $scalar) -> Result<Json, E> {
            Ok(Json::Scalar(value.into()))
        })*
    };
}

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    scalars! { visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let items = std::iter::from_fn(|| access.next_element().transpose());
        items.collect::<Result<_, _>>().map(Json::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let fields = std::iter::from_fn(|| access.next_entry().transpose());
        fields.collect::<Result<_, _>>().map(Json::Object)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn is_the_value_that_serde_json_reads() {
        let text = r#"{"a":[1,-2,2.5,1e3,"x",null,true,{}],"b":{"c":18446744073709551615},"b":{"d":"é"}}"#;
        let json: Json = serde_json::from_str(text).unwrap();
        assert_eq!(json.to_value(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn names_that_occur_twice_are_found_at_any_depth() {
        let has = |text| serde_json::from_str::<Json>(text).unwrap().has_duplicates();
        assert!(has(r#"{"a":1,"a":1}"#) && has(r#"[[{"b":{"a":1,"c":2,"a":3}}]]"#));
        assert!(!has(r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}"#) && !has("7"));
    }
}
