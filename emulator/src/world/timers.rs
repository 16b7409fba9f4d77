//! What happens by itself after a while.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::table::Row;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// A payment is settled.
    Payment(Row),
    /// A disbursement goes on.
    Disbursement(Row),
}

/// Timers by the time at which they are due, and in the order in which they were set.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<(DateTime<Utc>, u64), Timer>,
    set: u64,
    /// Timers of the transaction.
    added: Vec<(DateTime<Utc>, u64)>,
}

impl Timers {
    pub(crate) fn add(&mut self, at: DateTime<Utc>, timer: Timer) {
        self.set += 1;
        self.due.insert((at, self.set), timer);
        self.added.push((at, self.set));
    }

    pub(crate) fn take_due(&mut self, now: DateTime<Utc>) -> Option<Timer> {
        let first = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }

    /// When the next timer is due.
    pub(crate) fn next(&self) -> Option<DateTime<Utc>> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn commit(&mut self) {
        self.added.clear();
    }

    pub(crate) fn rollback(&mut self) {
        for key in self.added.drain(..) {
            self.due.remove(&key);
        }
    }
}
