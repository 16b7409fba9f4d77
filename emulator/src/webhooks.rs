//! Events, and the webhooks that tell merchants of them.

use chrono::{DateTime, Utc};
use piaxis::Amount;
use serde_json::{Map, Value};

use crate::world::table::Row;

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) merchant: Row,
    pub(crate) name: String,
    pub(crate) data: Map<String, Value>,
    pub(crate) created_at: DateTime<Utc>,
}

/// An amount as a JSON number, as the documented events have it.
pub(crate) fn number(amount: Amount) -> Value {
    serde_json::from_str(&amount.to_string()).unwrap_or(Value::Null)
}
