//! The schedule of deliveries.
//!
//! No source says how often and in what order Piaxis delivers; an old page speaks of retries with exponential backoff. The
//! emulator makes four attempts, with backoffs of one, two and four seconds of its clock. First attempts to the endpoint of a
//! merchant are made one after the other, in the order of the events. A delivery that waits for a retry holds up no other, so
//! that it may be overtaken. Merchants do not wait for each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use piaxis::{
    Secret,
    webhook::{Envelope, EventType},
};
use serde::{Deserialize, Serialize};

use super::{
    body::body,
    delivery::{Delivery, DeliveryAttempt, DeliveryStatus},
};
use crate::world::{
    World,
    changes::{self, Changes, Damaged, Section, Stored},
    ids::Kind,
    table::Row,
};

/// How many attempts a delivery gets.
const ATTEMPTS: usize = 4;
/// Backoff after the first attempt; each further one is twice as long.
const FIRST_BACKOFF: TimeDelta = TimeDelta::seconds(1);
/// How many deliveries the log keeps.
const KEPT: usize = 10_000;

/// The deliveries of all merchants. They are no part of a transaction, because they are added once it is committed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deliveries {
    log: VecDeque<(Row, Delivery)>,
    /// Number of the first delivery of the log.
    first: Row,
    pub(crate) queues: BTreeMap<Row, Queue>,
    /// Deliveries and queues that changed since [`report`](Self::report).
    changed: BTreeSet<Row>,
    changed_queues: BTreeSet<Row>,
}

/// The deliveries of one merchant that have not ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Queue {
    /// Deliveries to be attempted now, by their place in the order.
    #[serde(skip)]
    due: BTreeSet<(u64, Row)>,
    /// Deliveries that wait for a retry.
    #[serde(skip)]
    waiting: BTreeSet<(DateTime<Utc>, Row)>,
    #[serde(skip)]
    under_way: Option<Row>,
    /// Whether attempts are put off.
    pub(crate) is_held: bool,
    /// Whether each event is delivered twice.
    pub(crate) is_duplicating: bool,
    /// Envelope of all events, instead of that of the event's kind.
    #[serde(with = "envelope")]
    pub(crate) envelope: Option<Envelope>,
    /// Whether deliveries have the v1 signature only.
    pub(crate) is_v1_only: bool,
    /// Seed of a random order.
    pub(crate) shuffle: Option<u64>,
}

impl Queue {
    fn push(&mut self, row: Row) {
        let place = match self.shuffle {
            None => u64::from(row),
            Some(seed) => fastrand::Rng::with_seed(seed ^ u64::from(row)).u64(..),
        };
        self.due.insert((place, row));
    }

    fn is_due(&self, now: DateTime<Utc>) -> bool {
        !self.is_held && (!self.due.is_empty() || self.waiting.first().is_some_and(|(at, _)| *at <= now))
    }

    /// The delivery to be attempted now, which then counts as under way.
    fn take(&mut self, now: DateTime<Utc>) -> Option<Row> {
        if self.is_held || self.under_way.is_some() {
            return None;
        }
        while let Some((_, row)) = self.waiting.first().copied().filter(|(at, _)| *at <= now) {
            self.waiting.pop_first();
            self.push(row);
        }
        self.under_way = self.due.pop_first().map(|(_, row)| row);
        self.under_way
    }
}

/// An attempt to be made.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) delivery: Row,
    /// URL of the endpoint; `None` when the merchant has none any more.
    pub(crate) url: Option<String>,
    pub(crate) secret: Secret,
    pub(crate) is_v1_only: bool,
    pub(crate) event: EventType,
    pub(crate) body: Bytes,
    pub(crate) at: DateTime<Utc>,
}

impl Deliveries {
    /// Whether no attempt is under way and none is due. Attempts that are held are not due.
    pub(crate) fn is_idle(&self, now: DateTime<Utc>) -> bool {
        self.queues.values().all(|queue| queue.under_way.is_none() && !queue.is_due(now))
    }

    /// Time of the next retry.
    pub(crate) fn next(&self) -> Option<DateTime<Utc>> {
        let queues = self.queues.values().filter(|queue| !queue.is_held && queue.under_way.is_none());
        queues.filter_map(|queue| queue.waiting.first()).map(|(at, _)| *at).min()
    }

    /// The queue of a merchant, to be changed.
    pub(crate) fn queue(&mut self, merchant: Row) -> &mut Queue {
        self.changed_queues.insert(merchant);
        self.queues.entry(merchant).or_default()
    }

    /// Writes the deliveries and queues that changed.
    pub(crate) fn report(&mut self, changes: &mut Changes) {
        for row in std::mem::take(&mut self.changed) {
            match row.checked_sub(self.first).and_then(|at| self.log.get(at as usize)) {
                Some(delivery) => changes.put(Section::Deliveries, &row, delivery),
                None => changes.remove(Section::Deliveries, &row),
            }
        }
        for merchant in std::mem::take(&mut self.changed_queues) {
            if let Some(queue) = self.queues.get(&merchant) {
                changes.put(Section::Queues, &merchant, queue);
            }
        }
    }

    /// Fills the queues from the log. An attempt that was under way is made again.
    pub(crate) fn requeue(&mut self) {
        for queue in self.queues.values_mut() {
            queue.due.clear();
            queue.waiting.clear();
            queue.under_way = None;
        }
        for (row, (merchant, delivery)) in (self.first..).zip(&self.log) {
            if delivery.status == DeliveryStatus::Pending {
                let queue = self.queues.entry(*merchant).or_default();
                match delivery.next_attempt_at.filter(|_| !delivery.attempts.is_empty()) {
                    Some(at) => drop(queue.waiting.insert((at, row))),
                    None => queue.push(row),
                }
            }
        }
    }

    pub(crate) fn of(&self, merchant: Row) -> impl Iterator<Item = &Delivery> {
        self.log.iter().filter(move |(owner, _)| *owner == merchant).map(|(_, delivery)| delivery)
    }

    /// All deliveries, from the latest to the first.
    pub(crate) fn latest(&self) -> impl ExactSizeIterator<Item = &(Row, Delivery)> {
        self.log.iter().rev()
    }

    /// A delivery of the log, with its merchant.
    pub(crate) fn get(&self, row: Row) -> Option<&(Row, Delivery)> {
        self.log.get(row.checked_sub(self.first)? as usize)
    }

    fn get_mut(&mut self, row: Row) -> Option<&mut (Row, Delivery)> {
        self.changed.insert(row);
        self.log.get_mut(row.checked_sub(self.first)? as usize)
    }

    fn next_row(&self) -> Row {
        self.first.saturating_add(Row::try_from(self.log.len()).unwrap_or(Row::MAX))
    }

    fn add(&mut self, merchant: Row, delivery: Delivery) {
        let row = self.next_row();
        self.log.push_back((merchant, delivery));
        self.changed.insert(row);
        self.queues.entry(merchant).or_default().push(row);
        while self.log.len() > KEPT && self.log.front().is_some_and(|(_, old)| old.status != DeliveryStatus::Pending) {
            self.log.pop_front();
            self.changed.insert(self.first);
            self.first += 1;
        }
    }

    /// Records an attempt that ended, and schedules the next one.
    pub(crate) fn end_attempt(&mut self, row: Row, attempt: DeliveryAttempt, now: DateTime<Utc>) {
        let Some((merchant, delivery)) = self.get_mut(row) else { return };
        let (merchant, is_success) = (*merchant, attempt.is_success());
        delivery.attempts.push(attempt);
        let made = delivery.attempts.len();
        if is_success {
            delivery.status = DeliveryStatus::Delivered;
        } else if made >= ATTEMPTS {
            delivery.status = DeliveryStatus::Failed;
        } else {
            delivery.next_attempt_at = Some(now + FIRST_BACKOFF * (1 << (made - 1)));
        }
        let next = delivery.next_attempt_at;
        let queue = self.queues.entry(merchant).or_default();
        queue.under_way = None;
        queue.waiting.extend(next.map(|at| (at, row)));
    }
}

impl Stored for Deliveries {
    fn save(&self, section: Section, changes: &mut Changes) {
        for (row, delivery) in (self.first..).zip(&self.log) {
            changes.put(section, &row, delivery);
        }
    }

    fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damaged> {
        let row = changes::row(key)?;
        if self.log.is_empty() {
            self.first = row;
        } else if row != self.next_row() {
            return Err(Damaged(format!("row {} is missing", self.next_row())));
        }
        self.log.push_back(changes::value(value)?);
        Ok(())
    }
}

/// Envelopes in a state file: by their names.
mod envelope {
    use piaxis::webhook::Envelope;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(envelope: &Option<Envelope>, serializer: S) -> Result<S::Ok, S::Error> {
        envelope.map(|envelope| format!("{envelope:?}")).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Envelope>, D::Error> {
        let Some(name) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let found = Envelope::ALL.iter().find(|known| format!("{known:?}") == name);
        found.copied().map(Some).ok_or_else(|| D::Error::custom("unknown envelope"))
    }
}

impl World {
    /// Adds the deliveries of an event, where its merchant has an endpoint. Returns whether it has.
    pub(crate) fn deliver(&mut self, event: Row) -> bool {
        let Some(event) = self.events.get(event) else { return false };
        let merchant = event.merchant;
        if self.merchants.get(merchant).is_none_or(|merchant| merchant.webhook_url.is_none()) {
            return false;
        }
        let envelope = self.deliveries.queues.get(&merchant).and_then(|queue| queue.envelope);
        let body = body(event, envelope, &self.merchant_id(merchant), &self.ids.id(Kind::Endpoint, merchant));
        let (name, object_id) = (event.name.as_str().into(), event.object_id());
        let is_duplicating = self.deliveries.queues.get(&merchant).is_some_and(|queue| queue.is_duplicating);
        for _ in 0..1 + usize::from(is_duplicating) {
            self.add_delivery(merchant, &name, object_id.as_deref(), &body);
        }
        true
    }

    /// Adds a delivery of a body.
    pub(crate) fn add_delivery(&mut self, merchant: Row, event: &EventType, object_id: Option<&str>, body: &Bytes) {
        let now = self.now();
        let delivery = Delivery {
            id: self.ids.id(Kind::Delivery, self.deliveries.next_row()),
            event: event.clone(),
            object_id: object_id.map(str::to_owned),
            status: DeliveryStatus::Pending,
            created_at: now,
            next_attempt_at: Some(now),
            attempts: Vec::new(),
            body: body.clone(),
        };
        self.deliveries.add(merchant, delivery);
    }

    /// The attempts to be made now, at most one for each merchant. They count as under way until
    /// [`end_attempt`](Deliveries::end_attempt).
    pub(crate) fn take_attempts(&mut self) -> Vec<Attempt> {
        let at = self.now();
        let due: Vec<(Row, Row, bool)> = self
            .deliveries
            .queues
            .iter_mut()
            .filter_map(|(merchant, queue)| queue.take(at).map(|row| (*merchant, row, queue.is_v1_only)))
            .collect();
        let mut attempts = Vec::new();
        for (merchant, delivery, is_v1_only) in due {
            let Some(merchant) = self.merchants.get(merchant) else { continue };
            let (url, secret) = (merchant.webhook_url.clone(), merchant.webhook_secret.clone());
            let Some((_, logged)) = self.deliveries.get_mut(delivery) else { continue };
            logged.next_attempt_at = None;
            let (event, body) = (logged.event.clone(), logged.body.clone());
            attempts.push(Attempt { delivery, url, secret, is_v1_only, event, body, at });
        }
        attempts
    }

    /// Time of the next timer or retry.
    pub(crate) fn next_due(&self) -> Option<DateTime<Utc>> {
        self.timers.next().into_iter().chain(self.deliveries.next()).min()
    }
}
