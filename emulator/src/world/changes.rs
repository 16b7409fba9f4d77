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
    KeptResponses,
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
        Self::KeptResponses,
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
#[cfg_attr(not(feature = "state"), allow(dead_code))]
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
            Section::KeptResponses => &mut self.kept_responses,
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

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::{
        operations::testing::{execute, world},
        webhooks::delivery::DeliveryAttempt,
    };

    fn apply(rows: &mut Rows, batch: Option<Batch>) {
        let Some(batch) = batch else { return };
        assert!(!batch.has_failed);
        if batch.is_whole {
            rows.clear();
        }
        rows.extend(batch.rows);
        rows.retain(|_, value| value.is_some());
    }

    fn everything(world: &World) -> Rows {
        let (mut world, mut rows) = (world.clone(), Rows::new());
        world.collect_changes();
        apply(&mut rows, world.take_changes());
        rows
    }

    /// Compares row by row, so that a failure can be read.
    #[track_caller]
    fn assert_same(rows: &Rows, others: &Rows) {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let row = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| {
            // Numbers of timers say their order only.
            let key = if key[0] == Section::Timers as u8 { &key[..1] } else { key };
            (text(key), text(value.as_deref().unwrap_or_default()))
        };
        for (one, other) in rows.iter().map(row).zip(others.iter().map(row)) {
            assert_eq!(one, other);
        }
        assert_eq!(rows.len(), others.len());
    }

    fn change(world: &mut World, rng: &mut fastrand::Rng) {
        let number = ["+256700123456", crate::DECLINED_PHONE_NUMBER, crate::PENDING_PHONE_NUMBER][rng.usize(..3)];
        let recipient =
            json!({ "phone_number": number, "amount": "1500.5", "terms": [{ "type": "proof", "data": {} }] });
        let batch = json!({ "recipients": [recipient], "currency": "UGX", "payment_method": "mtn" });
        let payer = json!({ "phone_number": number });
        match rng.u8(..11) {
            0 => drop(execute(world, "otp_request", "", &payer)),
            1 | 2 => {
                let order = json!({ "amount": 7, "currency": "UGX", "payment_method": "mtn", "user_info": payer });
                execute(world, "payments_create", "", &order);
            }
            3 => {
                let created = execute(world, "disbursements_create", "", &batch);
                if rng.bool() {
                    let id = created["disbursement_id"].as_str().unwrap_or_default();
                    execute(world, "disbursements_cancel", id, &json!({ "reason": "changed" }));
                }
            }
            4 => {
                let created = execute(world, "escrow_disbursements_create", "", &batch);
                let id = created["disbursement_id"].as_str().unwrap_or_default();
                execute(world, "escrow_disbursements_release", id, &json!({ "force": rng.bool() }));
            }
            5 => world.advance(Duration::from_millis(rng.u64(..1500))),
            6 => {
                let row = world.merchants.next();
                let added = world.transaction(|world| Ok(world.add_merchant(&format!("merchant-{row}"))));
                assert!(added.is_ok());
            }
            7 => {
                let set = world.set_webhook_url(0, Some("http://127.0.0.1:9/").filter(|_| rng.bool()));
                assert!(set.is_ok());
            }
            8 => {
                let queue = world.deliveries.queue(0);
                (queue.is_duplicating, queue.shuffle) = (rng.bool(), Some(rng.u64(..)).filter(|_| rng.bool()));
            }
            9 => {
                for attempt in world.take_attempts() {
                    let ended = DeliveryAttempt { at: attempt.at, status: Some(rng.u16(199..202)), error: None };
                    let now = world.now();
                    world.deliveries.end_attempt(attempt.delivery, ended, now);
                }
            }
            _ => {
                // A change that is undone is not written.
                let undone = world.transaction(|world| {
                    let row = world.add_merchant("undone");
                    world.user(row, "undone");
                    world.after(Duration::ZERO, crate::world::timers::Timer::Payment(0));
                    world.payments.update(0, |payment| payment.amount = 8.into());
                    world.number(Kind::Item);
                    Err::<(), _>(crate::response::Response::bad_request("undone"))
                });
                assert!(undone.is_err());
            }
        }
    }

    #[test]
    fn changes_add_up_to_everything_and_everything_is_loaded_again() {
        for seed in 0..20 {
            let (mut world, mut rng, mut rows) = (world(), fastrand::Rng::with_seed(seed), Rows::new());
            world.collect_changes();
            for _ in 0..60 {
                change(&mut world, &mut rng);
                if rng.bool() {
                    apply(&mut rows, world.take_changes());
                }
            }
            apply(&mut rows, world.take_changes());
            assert_same(&rows, &everything(&world));
            let stored =
                rows.clone().into_iter().map(|(key, value)| Ok::<_, Damaged>((key, value.unwrap_or_default())));
            let mut loaded = match World::load(world.settings.clone(), stored) {
                Ok(loaded) => loaded,
                Err(damaged) => panic!("seed {seed}: {damaged}"),
            };
            loaded.counters.remove(&Kind::Request);
            assert_same(&rows, &everything(&loaded));
            // What is made of the rows is the same as well.
            assert_eq!(loaded.merchant_index, world.merchant_index);
            assert_eq!(loaded.user_index, world.user_index);
            let not_zero = |world: &World| -> Vec<_> {
                let balances = world.ledger.balances().filter(|(.., amount)| *amount != 0);
                balances.map(|(account, currency, amount)| (account.clone(), currency.to_owned(), amount)).collect()
            };
            let mut balances = [&loaded, &world].map(not_zero);
            balances.iter_mut().for_each(|balances| balances.sort());
            let [one, other] = balances;
            assert_eq!(one, other);
            // Both go on alike.
            for world in [&mut world, &mut loaded] {
                world.deliveries.requeue();
                let mut rng = fastrand::Rng::with_seed(seed);
                for _ in 0..20 {
                    change(world, &mut rng);
                }
            }
            loaded.counters.remove(&Kind::Request);
            assert_same(&everything(&world), &everything(&loaded));
        }
    }

    #[test]
    fn damaged_rows_are_an_error_without_their_values() {
        let mut world = world();
        execute(&mut world, "otp_request", "", &json!({ "phone_number": "+256700123456" }));
        let rows = everything(&world);
        let load = |rows: &Rows| {
            let rows = rows.clone().into_iter().map(|(key, value)| Ok::<_, Damaged>((key, value.unwrap_or_default())));
            World::load(world.settings.clone(), rows).err().map(|damaged| damaged.to_string())
        };
        assert_eq!(load(&rows), None);
        for key in rows.keys() {
            let mut damaged = rows.clone();
            damaged.insert(key.clone(), Some(b"\"+256700123456\"".to_vec()));
            let problem = load(&damaged).unwrap_or_default();
            assert!(problem.ends_with(": a value does not decode"), "{key:?}: {problem}");
        }
        let with = |key: &[u8]| {
            let mut rows = rows.clone();
            rows.insert(key.to_vec(), Some(b"{}".to_vec()));
            load(&rows).unwrap_or_default()
        };
        assert_eq!(with(&[99]), "section 99 is unknown");
        assert_eq!(with(&[2, 0]), "section Merchants: a key is invalid");
        assert_eq!(with(&[2, 0, 0, 0, 7]), "section Merchants: row 1 is missing");
        assert_eq!(load(&Rows::new()).as_deref(), Some("rows are missing"));
    }
}
