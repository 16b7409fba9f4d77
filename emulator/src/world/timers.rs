//! What happens by itself after a while.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    changes::{self, Changes, Damaged, Section, Stored},
    table::Row,
};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Timer {
    /// A payment is settled.
    Payment(Row),
    /// A disbursement goes on.
    Disbursement(Row),
}

/// Timers by the time at which they are due, and in the order in which they were set.
#[derive(Debug, Clone, Default)]
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

    pub(crate) fn take_due(&mut self, now: DateTime<Utc>, changes: &mut Changes) -> Option<Timer> {
        let first = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        changes.remove(Section::Timers, &first.key().1);
        Some(first.remove())
    }

    /// When the next timer is due.
    pub(crate) fn next(&self) -> Option<DateTime<Utc>> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// Returns whether a new timer is the next one.
    pub(crate) fn commit(&mut self, changes: &mut Changes) -> bool {
        let is_next = self.due.keys().next().is_some_and(|next| self.added.contains(next));
        for key in self.added.drain(..) {
            if let Some(timer) = self.due.get(&key) {
                changes.put(Section::Timers, &key.1, &(key.0, timer));
            }
        }
        is_next
    }

    pub(crate) fn rollback(&mut self) {
        for key in self.added.drain(..) {
            self.due.remove(&key);
        }
    }
}

impl Stored for Timers {
    fn save(&self, section: Section, changes: &mut Changes) {
        for ((at, number), timer) in &self.due {
            changes.put(section, number, &(at, timer));
        }
    }

    fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damaged> {
        let number = u64::from_be_bytes(key.try_into().map_err(|_| changes::invalid_key())?);
        let (at, timer) = changes::value(value)?;
        self.due.insert((at, number), timer);
        self.set = self.set.max(number);
        Ok(())
    }
}
