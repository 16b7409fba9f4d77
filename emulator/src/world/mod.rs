//! Everything that the emulator remembers, and transactions over it.

pub(crate) mod changes;
pub(crate) mod clock;
pub(crate) mod ids;
pub(crate) mod index;
pub(crate) mod ledger;
pub(crate) mod merchants;
pub(crate) mod table;
pub(crate) mod timers;

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use piaxis::Amount;

use crate::{
    operations::{
        disbursements::Disbursements, escrow_disbursements::EscrowDisbursements, escrows::Escrow,
        idempotency::KeptResponse, oauth::OAuth, otp::Passwords, payments::Payments,
    },
    response::{Rejection, Response},
    settings::Settings,
    webhooks::{Event, queue::Deliveries},
};
use changes::{Changes, Section};
use clock::Clock;
use ids::{Ids, Kind};
use ledger::{Account, Ledger, NotMoved};
use merchants::{Merchant, User};
use table::{Row, Table};
use timers::{Timer, Timers};

/// The state of the emulator.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) merchants: Table<Merchant>,
    /// Merchants by API key, client id and account id.
    pub(crate) merchant_index: HashMap<String, Row>,
    pub(crate) users: Table<User>,
    pub(crate) user_index: HashMap<(Row, String), Row>,
    pub(crate) ledger: Ledger,
    pub(crate) passwords: Passwords,
    pub(crate) oauth: OAuth,
    pub(crate) payments: Payments,
    pub(crate) escrows: Table<Escrow>,
    pub(crate) disbursements: Disbursements,
    pub(crate) escrow_disbursements: EscrowDisbursements,
    /// Events in the order in which they happened; the webhooks of each are sent from here.
    pub(crate) events: Table<Event>,
    pub(crate) deliveries: Deliveries,
    pub(crate) timers: Timers,
    /// Responses to requests with an idempotency key.
    pub(crate) kept_responses: HashMap<String, KeptResponse>,
    /// Numbers for ids of things that have no table.
    counters: HashMap<Kind, Row>,
    counters_before: HashMap<Kind, Row>,
    /// Counts the restored states, so that an attempt of a delivery that began before does not count afterwards.
    pub(crate) epoch: u64,
    /// Committed rows that no state file has yet.
    pub(crate) changes: Changes,
    /// Whether there may be webhooks to send, or timers to wait for, since this was last looked at.
    pub(crate) has_news: bool,
}

impl World {
    pub(crate) fn new(settings: Settings, clock: Clock, seed: u64) -> Self {
        let mut world = Self::empty(settings, clock, seed);
        world.add_merchant("default");
        world.commit();
        world
    }

    /// A world without a merchant.
    fn empty(settings: Settings, clock: Clock, seed: u64) -> Self {
        Self {
            settings,
            clock,
            ids: Ids::new(seed),
            merchants: Table::default(),
            merchant_index: HashMap::new(),
            users: Table::default(),
            user_index: HashMap::new(),
            ledger: Ledger::default(),
            passwords: Passwords::default(),
            oauth: OAuth::default(),
            payments: Payments::default(),
            escrows: Table::default(),
            disbursements: Disbursements::default(),
            escrow_disbursements: EscrowDisbursements::default(),
            events: Table::default(),
            deliveries: Deliveries::default(),
            timers: Timers::default(),
            kept_responses: HashMap::new(),
            counters: HashMap::new(),
            counters_before: HashMap::new(),
            epoch: 0,
            changes: Changes::default(),
            has_news: false,
        }
    }

    /// Advances the clock, and runs what is due by then.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
        self.changes.put(Section::World, "clock", &self.clock);
        self.run_timers();
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Runs a change. All of it counts, or nothing.
    pub(crate) fn transaction<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        let result = change(self);
        match &result {
            Ok(_) => self.commit(),
            Err(_) => self.rollback(),
        }
        result
    }

    fn commit(&mut self) {
        let changes = &mut self.changes;
        self.merchants.commit(Section::Merchants, changes);
        self.users.commit(Section::Users, changes);
        self.ledger.commit(changes);
        self.passwords.commit(changes);
        self.oauth.commit(changes);
        self.payments.commit(Section::Payments, changes);
        self.escrows.commit(Section::Escrows, changes);
        self.disbursements.commit(Section::Disbursements, changes);
        self.escrow_disbursements.commit(Section::EscrowDisbursements, changes);
        self.has_news |= self.timers.commit(changes);
        for kind in self.counters_before.drain().map(|(kind, _)| kind) {
            let number = self.counters.get(&kind);
            match kind {
                // Otherwise each read would write.
                Kind::Request => changes.put_deferred(Section::Counters, &kind, &(kind, number)),
                _ => changes.put(Section::Counters, &kind, &(kind, number)),
            }
        }
        for event in self.events.commit(Section::Events, changes) {
            self.has_news |= self.deliver(event);
        }
    }

    fn rollback(&mut self) {
        self.merchants.rollback();
        let merchants = self.merchants.next();
        self.merchant_index.retain(|_, row| *row < merchants);
        self.users.rollback();
        let users = self.users.next();
        self.user_index.retain(|_, row| *row < users);
        self.ledger.rollback();
        self.passwords.rollback();
        self.oauth.rollback();
        self.payments.rollback();
        self.escrows.rollback();
        self.disbursements.rollback();
        self.escrow_disbursements.rollback();
        self.events.rollback();
        self.timers.rollback();
        self.counters.extend(self.counters_before.drain());
    }

    /// Number of the next thing of a kind that has no table.
    pub(crate) fn number(&mut self, kind: Kind) -> Row {
        let number = self.counters.entry(kind).or_default();
        self.counters_before.entry(kind).or_insert(*number);
        *number = number.saturating_add(1);
        *number
    }

    /// Id of a new thing of a kind that has no table.
    pub(crate) fn new_id(&mut self, kind: Kind) -> String {
        let number = self.number(kind);
        self.ids.id(kind, number)
    }

    /// Moves money, or rejects the request.
    pub(crate) fn transfer(
        &mut self,
        from: Account,
        to: Account,
        amount: Amount,
        currency: &str,
    ) -> Result<(), Rejection> {
        self.ledger.transfer(from, to, amount, currency).map_err(|problem| match problem {
            NotMoved::InsufficientFunds => {
                Response::coded(http::StatusCode::BAD_REQUEST, "INSUFFICIENT_FUNDS", "Insufficient funds")
            }
            NotMoved::Impossible => Response::bad_request("The amount cannot be moved"),
        })
    }

    /// Runs what is due, in the order of time.
    pub(crate) fn run_timers(&mut self) {
        while let Some(timer) = self.timers.take_due(self.now(), &mut self.changes) {
            // A timer that fails has changed nothing.
            let _ = self.transaction(|world| world.run(timer));
        }
    }

    fn run(&mut self, timer: Timer) -> Result<(), Rejection> {
        match timer {
            Timer::Payment(row) => crate::operations::payments::settle(self, row),
            Timer::Disbursement(row) => crate::operations::disbursements::progress(self, row),
        }
    }

    /// Runs a timer after this long.
    pub(crate) fn after(&mut self, delay: Duration, timer: Timer) {
        let due = chrono::TimeDelta::from_std(delay).ok().and_then(|delay| self.now().checked_add_signed(delay));
        self.timers.add(due.unwrap_or(DateTime::<Utc>::MAX_UTC), timer);
    }

    /// Records an event; its webhooks are sent once the transaction is committed.
    pub(crate) fn event(&mut self, merchant: Row, name: &str, data: serde_json::Map<String, serde_json::Value>) {
        let created_at = self.now();
        self.events.insert(Event { merchant, name: name.into(), data: data.into(), created_at });
    }
}
