//! The state as rows of a state file: what a change writes, and how the state is read again.
//!
//! A row is a key and a JSON value. The key begins with the number of its section. What follows from other rows is not
//! written: indexes, balances, and queues of deliveries.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, mem,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{World, ids::Kind, table::Row};
use crate::settings::Settings;

/// The sections of a state file. A number never changes its meaning within one version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Section {
    /// Seed and clock.
    World = 1,
    Merchants,
    Users,
    Ledger,
    Passwords,
    Codes,
    Tokens,
    Payments,
    Escrows,
    Disbursements,
    EscrowDisbursements,
    Events,
    Deliveries,
    Queues,
    Timers,
    KeptReplies,
    Counters,
}

impl Section {
    /// All sections, in the order of their numbers.
    const ALL: [Self; 17] = [
        Self::World,
        Self::Merchants,
        Self::Users,
        Self::Ledger,
        Self::Passwords,
        Self::Codes,
        Self::Tokens,
        Self::Payments,
        Self::Escrows,
        Self::Disbursements,
        Self::EscrowDisbursements,
        Self::Events,
        Self::Deliveries,
        Self::Queues,
        Self::Timers,
        Self::KeptReplies,
        Self::Counters,
    ];

    fn key(self, key: &(impl Key + ?Sized)) -> Vec<u8> {
        let mut bytes = vec![self as u8];
        key.write(&mut bytes);
        bytes
    }
}

/// A key of a row within its section. The order of the bytes is that of the keys.
pub(crate) trait Key {
    fn write(&self, bytes: &mut Vec<u8>);
}

impl Key for Row {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_be_bytes());
    }
}

impl Key for u64 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_be_bytes());
    }
}

impl Key for str {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.as_bytes());
    }
}

impl Key for Kind {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(*self as u8);
    }
}

/// A state file that cannot be read. No message holds a value, because values are secrets and personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damaged(pub(crate) String);

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A part of the state whose rows are kept in a section.
#[cfg_attr(not(feature = "state"), allow(dead_code))]
pub(crate) trait Stored {
    /// Writes all rows.
    fn save(&self, section: Section, changes: &mut Changes);

    /// Adds a row. Rows come in the order of their keys.
    fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damaged>;
}

/// Decodes a value.
pub(crate) fn value<T: DeserializeOwned>(value: &[u8]) -> Result<T, Damaged> {
    serde_json::from_slice(value).map_err(|_| Damaged("a value does not decode".to_owned()))
}

/// Decodes a row number.
pub(crate) fn row(key: &[u8]) -> Result<Row, Damaged> {
    Ok(Row::from_be_bytes(key.try_into().map_err(|_| invalid_key())?))
}

pub(crate) fn invalid_key() -> Damaged {
    Damaged("a key is invalid".to_owned())
}

impl<T: Serialize + DeserializeOwned> Stored for HashMap<String, T> {
    fn save(&self, section: Section, changes: &mut Changes) {
        for (key, value) in self {
            changes.put(section, key.as_str(), value);
        }
    }

    fn load(&mut self, key: &[u8], bytes: &[u8]) -> Result<(), Damaged> {
        let key = String::from_utf8(key.to_vec()).map_err(|_| invalid_key())?;
        self.insert(key, value(bytes)?);
        Ok(())
    }
}

impl<T: Serialize + DeserializeOwned> Stored for BTreeMap<Row, T> {
    fn save(&self, section: Section, changes: &mut Changes) {
        for (key, value) in self {
            changes.put(section, key, value);
        }
    }

    fn load(&mut self, key: &[u8], bytes: &[u8]) -> Result<(), Damaged> {
        self.insert(row(key)?, value(bytes)?);
        Ok(())
    }
}

impl Stored for HashMap<Kind, Row> {
    fn save(&self, section: Section, changes: &mut Changes) {
        for (kind, number) in self {
            changes.put(section, kind, &(kind, number));
        }
    }

    fn load(&mut self, _: &[u8], bytes: &[u8]) -> Result<(), Damaged> {
        let (kind, number) = value(bytes)?;
        self.insert(kind, number);
        Ok(())
    }
}

/// Rows with their values; `None` of a row that is removed.
pub(crate) type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Rows that changed since they were last taken. `Debug` shows their number only, because they hold secrets.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    /// Whether there is a state file. Without one, nothing is collected.
    is_on: bool,
    /// Whether the rows replace all that there are.
    is_whole: bool,
    rows: Rows,
    /// Rows that wait for the next change of others.
    deferred: Rows,
    has_failed: bool,
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("is_on", &self.is_on).field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

/// Rows to be written together. `Debug` shows their number only.
pub(crate) struct Batch {
    /// Whether the rows replace all that there are.
    pub(crate) is_whole: bool,
    pub(crate) rows: Rows,
    /// Whether a row could not be encoded, so that the batch must not be written.
    pub(crate) has_failed: bool,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

impl Changes {
    /// Writes a row.
    pub(crate) fn put(&mut self, section: Section, key: &(impl Key + ?Sized), value: &impl Serialize) {
        if self.is_on {
            let value = self.encode(value);
            self.rows.insert(section.key(key), Some(value));
        }
    }

    /// Writes a row together with the next one that is not deferred.
    pub(crate) fn put_deferred(&mut self, section: Section, key: &(impl Key + ?Sized), value: &impl Serialize) {
        if self.is_on {
            let value = self.encode(value);
            self.deferred.insert(section.key(key), Some(value));
        }
    }

    fn encode(&mut self, value: &impl Serialize) -> Vec<u8> {
        serde_json::to_vec(value).unwrap_or_else(|_| {
            self.has_failed = true;
            Vec::new()
        })
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, section: Section, key: &(impl Key + ?Sized)) {
        if self.is_on {
            self.rows.insert(section.key(key), None);
        }
    }

    /// Takes the changes; `None` without any.
    fn take(&mut self) -> Option<Batch> {
        if self.rows.is_empty() {
            return None;
        }
        let mut rows = mem::take(&mut self.deferred);
        rows.append(&mut self.rows);
        Some(Batch { is_whole: mem::take(&mut self.is_whole), rows, has_failed: mem::take(&mut self.has_failed) })
    }
}

/// Numbers that a restart skips of those that are written with the next change only: more than were given since.
const SKIPPED: Row = 1 << 16;

impl World {
    /// The changes since the last time, as they were committed; `None` without any.
    pub(crate) fn take_changes(&mut self) -> Option<Batch> {
        self.deliveries.report(&mut self.changes);
        self.changes.take()
    }

    /// Puts the state of another world in place of this one. The settings stay, and attempts under way no longer count.
    pub(crate) fn restore(&mut self, other: &Self) {
        let settings = self.settings.clone();
        let (epoch, changes) = (self.epoch.wrapping_add(1), mem::take(&mut self.changes));
        *self = Self { settings, epoch, changes, ..other.clone() };
        self.deliveries.requeue();
        self.save();
    }

    /// Writes everything in place of all that was written.
    fn save(&mut self) {
        let mut changes = Changes { is_on: self.changes.is_on, is_whole: true, ..Changes::default() };
        if changes.is_on {
            changes.put(Section::World, "ids", &self.ids);
            changes.put(Section::World, "clock", &self.clock);
            for section in Section::ALL {
                if let Some(stored) = self.section(section) {
                    stored.save(section, &mut changes);
                }
            }
        }
        self.changes = changes;
    }

    fn section(&mut self, section: Section) -> Option<&mut dyn Stored> {
        Some(match section {
            Section::World => return None,
            Section::Merchants => &mut self.merchants,
            Section::Users => &mut self.users,
            Section::Ledger => &mut self.ledger,
            Section::Passwords => &mut self.passwords.sent,
            Section::Codes => &mut self.oauth.codes,
            Section::Tokens => &mut self.oauth.tokens,
            Section::Payments => &mut self.payments,
            Section::Escrows => &mut self.escrows,
            Section::Disbursements => &mut self.disbursements,
            Section::EscrowDisbursements => &mut self.escrow_disbursements,
            Section::Events => &mut self.events,
            Section::Deliveries => &mut self.deliveries,
            Section::Queues => &mut self.deliveries.queues,
            Section::Timers => &mut self.timers,
            Section::KeptReplies => &mut self.kept_replies,
            Section::Counters => &mut self.counters,
        })
    }
}

#[cfg_attr(not(feature = "state"), allow(dead_code))]
impl World {
    /// From now on changes are collected. The first of them is everything.
    pub(crate) fn collect_changes(&mut self) {
        self.changes.is_on = true;
        self.save();
    }

    /// The state of these rows, which come in the order of their keys. From now on changes are collected.
    pub(crate) fn load<E: From<Damaged>>(
        settings: Settings,
        rows: impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), E>>,
    ) -> Result<Self, E> {
        let mut world = Self::empty(settings, super::clock::Clock::system(), 0);
        let (mut has_ids, mut has_clock) = (false, false);
        for row in rows {
            let (key, bytes) = row?;
            let (number, key) = key.split_first().ok_or_else(invalid_key)?;
            let section = Section::ALL.into_iter().find(|section| *section as u8 == *number);
            let section = section.ok_or_else(|| Damaged(format!("section {number} is unknown")))?;
            let within = |Damaged(problem)| Damaged(format!("section {section:?}: {problem}"));
            match world.section(section) {
                Some(stored) => stored.load(key, &bytes).map_err(within)?,
                None if key == b"ids" => {
                    world.ids = value(&bytes).map_err(within)?;
                    has_ids = true;
                }
                None if key == b"clock" => {
                    world.clock = value(&bytes).map_err(within)?;
                    has_clock = true;
                }
                None => return Err(within(invalid_key()).into()),
            }
        }
        if !has_ids || !has_clock || world.merchants.len() == 0 {
            return Err(Damaged("rows are missing".to_owned()).into());
        }
        world.index_accounts();
        world.deliveries.requeue();
        world.changes.is_on = true;
        let requests = world.counters.entry(Kind::Request).or_default();
        *requests = requests.saturating_add(SKIPPED);
        world.changes.put(Section::Counters, &Kind::Request, &(Kind::Request, *requests));
        Ok(world)
    }
}
