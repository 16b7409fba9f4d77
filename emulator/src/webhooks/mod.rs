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
    pub(crate) data: Map<String, Value>,
    pub(crate) created_at: DateTime<Utc>,
}

impl Event {
    /// The first word of the name, such as `payment`.
    pub(crate) fn family(&self) -> &str {
        family(&self.name)
    }

    /// Id of the object that the event is about: of its own kind, or else of the object that it belongs to.
    pub(crate) fn object_id(&self) -> Option<&str> {
        let own = format!("{}_id", self.family());
        let names = [own.as_str(), "payment_id", "escrow_id", "disbursement_id"];
        names.into_iter().find_map(|name| self.data.get(name)?.as_str())
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
