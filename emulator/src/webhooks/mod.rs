//! Events, and the webhooks that tell merchants of them.

pub(crate) mod attempt;
mod body;
pub(crate) mod delivery;
pub(crate) mod endpoint;
pub(crate) mod queue;
mod trigger;

use chrono::{DateTime, Utc};
use piaxis::Amount;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::world::table::Row;

/// Something that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) merchant: Row,
    pub(crate) name: String,
    pub(crate) data: EventData,
    pub(crate) created_at: DateTime<Utc>,
}

/// The fields of an event as JSON text, which takes a fraction of the memory of a map.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>", into = "Map<String, Value>")]
pub(crate) struct EventData(Box<str>);

impl EventData {
    pub(crate) fn read(&self) -> Map<String, Value> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl From<Map<String, Value>> for EventData {
    fn from(fields: Map<String, Value>) -> Self {
        Self(Value::Object(fields).to_string().into())
    }
}

impl From<EventData> for Map<String, Value> {
    fn from(data: EventData) -> Self {
        data.read()
    }
}

impl Event {
    /// The first word of the name, such as `payment`.
    pub(crate) fn family(&self) -> &str {
        family(&self.name)
    }

    /// Id of the object that the event is about: of its own kind, or else of the object that it belongs to.
    pub(crate) fn object_id(&self) -> Option<String> {
        let own = format!("{}_id", self.family());
        let (names, data) = ([own.as_str(), "payment_id", "escrow_id", "disbursement_id"], self.data.read());
        names.into_iter().find_map(|name| data.get(name)?.as_str().map(str::to_owned))
    }
}

/// The first word of an event's name.
fn family(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

/// An amount as a JSON number without trailing zeros, as the documented events have it.
pub(crate) fn number(amount: Amount) -> Value {
    serde_json::from_str(&amount.to_decimal().normalize().to_string()).unwrap_or(Value::Null)
}
