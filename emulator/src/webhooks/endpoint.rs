//! The endpoint of a merchant, its deliveries, and switches of a test.

use chrono::{DateTime, Utc};
use piaxis::{
    Secret,
    webhook::{Envelope, EventType},
};

use super::{attempt::parse_url, delivery::Delivery, queue::Queue};
use crate::{
    emulator::Merchant,
    world::{World, table::Row},
};

impl World {
    /// Sets the endpoint of a merchant.
    pub(crate) fn set_webhook_url(&mut self, merchant: Row, url: Option<&str>) -> Result<(), String> {
        url.map(parse_url).transpose()?;
        self.change_merchant(merchant, |merchant| merchant.webhook_url = url.map(str::to_owned));
        Ok(())
    }

    pub(crate) fn set_webhook_secret(&mut self, merchant: Row, secret: Secret) {
        self.change_merchant(merchant, |merchant| merchant.webhook_secret = secret);
    }

    fn change_merchant(&mut self, row: Row, change: impl FnOnce(&mut crate::world::merchants::Merchant)) {
        let _ = self.transaction(|world| {
            world.merchants.get_mut(row).map(change);
            Ok(())
        });
    }
}

/// Webhooks.
impl Merchant<'_> {
    /// Sets the URL that deliveries are posted to. Without one, the merchant gets none.
    ///
    /// # Panics
    /// When the URL is invalid.
    #[track_caller]
    pub fn set_webhook(&self, url: impl Into<String>) {
        let set = self.emulator.shared.world().set_webhook_url(self.row, Some(&url.into()));
        assert!(set.is_ok(), "{}", set.err().unwrap_or_default());
    }

    /// Whether the merchant has a URL.
    pub fn has_webhook(&self) -> bool {
        self.read(|merchant| merchant.webhook_url.is_some())
    }

    /// Removes the URL. Pending deliveries fail at their next attempts.
    pub fn remove_webhook(&self) {
        let _ = self.emulator.shared.world().set_webhook_url(self.row, None);
    }

    /// Secret that deliveries are signed with.
    pub fn webhook_secret(&self) -> Secret {
        self.read(|merchant| merchant.webhook_secret.clone())
    }

    /// Sets the secret that deliveries are signed with from their next attempts on. With an empty one they are not signed.
    pub fn set_webhook_secret(&self, secret: impl Into<Secret>) {
        self.emulator.shared.world().set_webhook_secret(self.row, secret.into());
    }

    /// The merchant's deliveries among the last 10,000 of the emulator, in the order in which they were added.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.emulator.shared.world().deliveries.of(self.row).cloned().collect()
    }

    /// Delivers the body of a delivery again, whatever its status. The log has the new delivery beside the old one.
    ///
    /// # Panics
    /// When the delivery is not in the merchant's log.
    #[track_caller]
    pub fn resend(&self, delivery: &Delivery) {
        let mut world = self.emulator.shared.world();
        let is_known = world.deliveries.of(self.row).any(|known| known.id == delivery.id);
        if is_known {
            world.add_delivery(self.row, &delivery.event, delivery.object_id.as_deref(), &delivery.body);
        }
        drop(world);
        self.emulator.shared.changed.notify_one();
        assert!(is_known, "the log of the merchant has no delivery `{}`", delivery.id);
    }

    /// Delivers all events since a time again, and those that were never delivered because the merchant had no URL. Returns
    /// how many events there are; 0 without a URL.
    pub fn replay_since(&self, since: DateTime<Utc>) -> usize {
        let mut world = self.emulator.shared.world();
        let events = world.events.iter().filter(|(_, event)| event.merchant == self.row && event.created_at >= since);
        let rows: Vec<Row> = events.map(|(row, _)| row).collect();
        let replayed = rows.into_iter().filter(|row| world.deliver(*row)).count();
        drop(world);
        self.emulator.shared.changed.notify_one();
        replayed
    }

    /// Sends an event about an object that exists, such as a payment or an escrow, by its id. The object itself does not
    /// change, so that an event can contradict it.
    ///
    /// # Panics
    /// When the merchant has no object with this id.
    #[track_caller]
    pub fn trigger(&self, event: impl Into<EventType>, object_id: &str) {
        let is_known = self.emulator.shared.world().trigger(self.row, event.into().as_str(), object_id);
        self.emulator.shared.changed.notify_one();
        assert!(is_known, "the merchant has no object `{object_id}`");
    }

    /// Whether each event from now on is delivered twice. Piaxis promises no single delivery.
    pub fn duplicate_webhooks(&self, is_duplicating: bool) {
        self.change_queue(|queue| queue.is_duplicating = is_duplicating);
    }

    /// Makes the order random of those deliveries from now on that are due at one time, as after
    /// [`Emulator::advance`](crate::Emulator::advance) or [`release_webhooks`](Self::release_webhooks). One seed always gives one order.
    pub fn reorder_webhooks(&self, seed: u64) {
        self.change_queue(|queue| queue.shuffle = Some(seed));
    }

    /// Wraps all events from now on in this envelope. By default disbursement events have the helper envelope, and all others
    /// the merchant envelope, which is a guess.
    pub fn set_webhook_envelope(&self, envelope: Envelope) {
        self.change_queue(|queue| queue.envelope = Some(envelope));
    }

    /// Whether attempts from now on have the v1 signature only, the one that the guide documents. By default they have both.
    pub fn sign_webhooks_with_v1_only(&self, is_v1_only: bool) {
        self.change_queue(|queue| queue.is_v1_only = is_v1_only);
    }

    /// Puts off all attempts until [`release_webhooks`](Self::release_webhooks). Deliveries are pending until then.
    pub fn hold_webhooks(&self) {
        self.change_queue(|queue| queue.is_held = true);
    }

    /// Makes the attempts that were put off.
    pub fn release_webhooks(&self) {
        self.change_queue(|queue| queue.is_held = false);
    }

    fn change_queue(&self, change: impl FnOnce(&mut Queue)) {
        change(self.emulator.shared.world().deliveries.queue(self.row));
        self.emulator.shared.changed.notify_one();
    }
}
