//! The log of deliveries.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use piaxis::webhook::EventType;
use serde::{Deserialize, Serialize};

/// A delivery of an event to the endpoint of a merchant. `Debug` does not show the body.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delivery {
    /// Id in the log. Piaxis gives deliveries no id, so no header and no body has it.
    pub id: String,
    /// Name of the event.
    pub event: EventType,
    /// Id of the payment, escrow, disbursement, or other object that the event is about.
    pub object_id: Option<String>,
    /// Status.
    pub status: DeliveryStatus,
    /// Time at which the delivery was added to the log.
    pub created_at: DateTime<Utc>,
    /// Time of the next attempt; `None` once no more attempts follow, and while one is under way.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Attempts that ended, in their order.
    pub attempts: Vec<DeliveryAttempt>,
    /// Body, which is the same in every attempt.
    #[serde(with = "text")]
    pub body: Bytes,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("event", &self.event)
            .field("object_id", &self.object_id)
            .field("status", &self.status)
            .field("created_at", &self.created_at)
            .field("next_attempt_at", &self.next_attempt_at)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Status of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DeliveryStatus {
    /// Not delivered yet; an attempt is under way or follows.
    Pending,
    /// The endpoint responded with a 2xx status.
    Delivered,
    /// All attempts failed.
    Failed,
}

/// An attempt to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeliveryAttempt {
    /// Time of the attempt, which the v2 signature covers in whole seconds.
    pub at: DateTime<Utc>,
    /// Status of the endpoint's response; `None` without a response.
    pub status: Option<u16>,
    /// Error of an attempt without a response, such as a timeout.
    pub error: Option<String>,
}

impl DeliveryAttempt {
    /// Whether the endpoint responded with a 2xx status.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Bodies in a state file: as text, which they are.
mod text {
    use bytes::Bytes;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(body))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        String::deserialize(deserializer).map(Bytes::from)
    }
}
