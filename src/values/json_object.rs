use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A free-form JSON object: metadata, the data of a term, fields that the contract does not know.
///
/// It is a [`serde_json::Map`] whose `Debug` shows the keys only, because the values may be secrets (the password of a
/// term, say).
///
/// ```
/// use piaxis::JsonObject;
///
/// let metadata = JsonObject::from_iter([("channel", "marketplace")]);
/// assert_eq!(metadata["channel"], "marketplace");
/// assert_eq!(format!("{metadata:?}"), r#"JsonObject {"channel"}"#);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonObject(Map<String, Value>);

impl JsonObject {
    /// An empty object.
    pub fn new() -> Self {
        Self::default()
    }

    /// The underlying map.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// Any value that serialises to an object, such as a struct of yours.
    ///
    /// # Errors
    /// When it does not serialise, or to something else than an object.
    pub fn from_serialize(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(value)?)
    }
}

impl From<Map<String, Value>> for JsonObject {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl From<JsonObject> for Value {
    fn from(object: JsonObject) -> Self {
        Self::Object(object.0)
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for JsonObject {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Deref for JsonObject {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for JsonObject {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonObject ")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}
