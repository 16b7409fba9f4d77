//! What a test does to the state and no operation of the API does.

use std::time::Duration;

use chrono::{Datelike as _, TimeDelta};
use piaxis::Secret;

use crate::{
    emulator::{Emulator, Merchant},
    operations::{
        disbursements,
        escrows::{self, Resolution},
        payments,
    },
    response::{Rejection, Response},
    server::Shared,
    world::{World, ids::Kind, table::Row},
};

/// Last year that a clock is advanced to.
const LAST_YEAR: i32 = 9999;

impl Shared {
    /// Runs a change of the object that an id names, in a transaction.
    fn change(
        &self,
        kind: Kind,
        id: &str,
        change: impl FnOnce(&mut World, Row) -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        let mut world = self.world();
        world.run_timers();
        let row = world.ids.row(kind, id).ok_or_else(|| Response::not_found(what(kind)))?;
        let result = world.transaction(|world| change(world, row));
        drop(world);
        self.changed.notify_one();
        result
    }

    /// Ends a pending payment.
    pub(crate) fn end_payment(&self, id: &str, is_accepted: bool) -> Result<(), Rejection> {
        self.change(Kind::Payment, id, |world, row| match world.payments.get(row) {
            Some(_) => payments::finish(world, row, is_accepted),
            None => Err(Response::not_found("Payment")),
        })
    }

    pub(crate) fn resolve_dispute(&self, id: &str, resolution: Resolution) -> Result<(), Rejection> {
        self.change(Kind::Escrow, id, |world, row| escrows::resolve(world, row, resolution))
    }

    pub(crate) fn release_escrow(&self, id: &str) -> Result<(), Rejection> {
        self.change(Kind::Escrow, id, |world, row| escrows::release_all(world, row, true, None))
    }

    pub(crate) fn fulfill_term(&self, escrow_id: &str, term_id: &str) -> Result<(), Rejection> {
        self.change(Kind::Escrow, escrow_id, |world, row| escrows::meet_term(world, row, term_id))
    }

    pub(crate) fn finish_disbursement(&self, id: &str) -> Result<(), Rejection> {
        self.change(Kind::Disbursement, id, disbursements::finish)
    }

    /// Advances the clock, and runs what is due by then.
    pub(crate) fn advance(&self, by: Duration) {
        self.world().advance(by);
        self.changed.notify_one();
    }

    /// Advances the clock by seconds, as far as timestamps can be written.
    pub(crate) fn advance_seconds(&self, seconds: f64) -> Result<(), Rejection> {
        let impossible = || Response::bad_request("The clock cannot be advanced that far");
        let by = Duration::try_from_secs_f64(seconds).map_err(|_| impossible())?;
        let now = self.world().now();
        let then = TimeDelta::from_std(by).ok().and_then(|by| now.checked_add_signed(by));
        then.filter(|then| then.year() <= LAST_YEAR).ok_or_else(impossible)?;
        self.advance(by);
        Ok(())
    }

    /// The merchant of this name, which is added at the first time.
    pub(crate) fn merchant(&self, name: &str) -> Row {
        let mut world = self.world();
        world.merchant_by_name(name).unwrap_or_else(|| {
            let mut added = 0;
            let _ = world.transaction(|world| {
                added = world.add_merchant(name);
                Ok(())
            });
            added
        })
    }

    /// Delivers the body of a delivery again.
    pub(crate) fn resend(&self, delivery_id: &str) -> Result<(), Rejection> {
        let mut world = self.world();
        let row = world.ids.row(Kind::Delivery, delivery_id);
        let found = row.and_then(|row| world.deliveries.get(row)).cloned();
        let (merchant, delivery) = found.ok_or_else(|| Response::not_found("Delivery"))?;
        world.add_delivery(merchant, &delivery.event, delivery.object_id.as_deref(), &delivery.body);
        drop(world);
        self.changed.notify_one();
        Ok(())
    }
}

fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Payment => "Payment",
        Kind::Escrow => "Escrow",
        Kind::Disbursement => "Disbursement",
        _ => "Object",
    }
}

/// What no operation of the API does.
impl Emulator {
    /// Settles a pending payment now. A payment that its payer declines or cannot pay fails. `false` where there is none.
    pub fn settle_payment(&self, payment_id: &str) -> bool {
        self.shared.end_payment(payment_id, true).is_ok()
    }

    /// Fails a pending payment now. `false` where there is none.
    pub fn fail_payment(&self, payment_id: &str) -> bool {
        self.shared.end_payment(payment_id, false).is_ok()
    }

    /// Releases all that an escrow holds, whatever its terms. `false` where nothing is held, a dispute is open, or the receiver
    /// declines.
    pub fn release_escrow(&self, escrow_id: &str) -> bool {
        self.shared.release_escrow(escrow_id).is_ok()
    }

    /// Meets a term of an escrow without evidence. The money is released with the last one. `false` where the escrow has no such
    /// term, or does not take evidence.
    pub fn fulfill_term(&self, escrow_id: &str, term_id: &str) -> bool {
        self.shared.fulfill_term(escrow_id, term_id).is_ok()
    }

    /// Settles a disbursement now, with the payouts that would stay pending. `false` where it is settled or cancelled.
    pub fn finish_disbursement(&self, disbursement_id: &str) -> bool {
        self.shared.finish_disbursement(disbursement_id).is_ok()
    }

    /// The one-time password that was last sent to a phone number or an e-mail address.
    pub fn sent_otp(&self, address: &str) -> Option<Secret> {
        self.shared.world().passwords.sent_to(address).cloned()
    }

    /// All merchants, in the order in which they were added.
    pub fn merchants(&self) -> Vec<Merchant<'_>> {
        let count = self.shared.world().merchants.next();
        (0..count).map(|row| Merchant { emulator: self, row }).collect()
    }

    /// URL of the page that shows the state. The control API is below it, at `_emulator/`.
    pub fn page_url(&self) -> String {
        format!("{}/", self.shared.origin())
    }
}
