//! The emulator's clock: the machine's, or one that only a test moves.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Where the time comes from.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Clock {
    /// The time of a clock that only a test moves.
    manual: Option<DateTime<Utc>>,
    /// How far the clock was advanced beyond the machine's.
    ahead: TimeDelta,
}

impl Clock {
    pub(crate) fn system() -> Self {
        Self { manual: None, ahead: TimeDelta::zero() }
    }

    pub(crate) fn manual(start: DateTime<Utc>) -> Self {
        Self { manual: Some(start), ahead: TimeDelta::zero() }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        let start = self.manual.unwrap_or_else(Utc::now);
        start.checked_add_signed(self.ahead).unwrap_or(start)
    }

    pub(crate) fn is_manual(&self) -> bool {
        self.manual.is_some()
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
        self.ahead = self.ahead.checked_add(&by).unwrap_or(TimeDelta::MAX);
    }
}
