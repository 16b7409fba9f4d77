//! What the sandbox remembers.

use std::collections::HashSet;

use chrono::DateTime;

use crate::{Amount, PaymentMethod, PaymentStatus, Timestamp, types::UserInfo};

/// 2026-01-01T00:00:00Z, in seconds since 1970.
const START: i64 = 1_767_225_600;

#[derive(Default)]
pub(super) struct State {
    requests: u32,
    ids: u32,
    /// Addresses that a one-time password was sent to.
    pub(super) otp_recipients: HashSet<String>,
    /// In order of creation.
    pub(super) payments: Vec<Payment>,
}

pub(super) struct Payment {
    pub(super) id: String,
    pub(super) amount: Amount,
    pub(super) currency: String,
    pub(super) method: PaymentMethod,
    pub(super) payer: Option<UserInfo>,
    pub(super) created_at: Timestamp,
    pub(super) looks: u32,
    pub(super) declined: bool,
}

impl Payment {
    /// Pending at the first look, settled from the second on.
    pub(super) fn status(&self) -> PaymentStatus {
        match (self.looks, self.declined) {
            (0 | 1, _) => PaymentStatus::Pending,
            (_, true) => PaymentStatus::Failed,
            (_, false) => PaymentStatus::Completed,
        }
    }
}

impl State {
    /// One request later; gives its number.
    pub(super) fn tick(&mut self) -> u32 {
        self.requests += 1;
        self.requests
    }

    pub(super) fn now(&self) -> Timestamp {
        DateTime::from_timestamp(START + i64::from(self.requests), 0).unwrap_or_default().into()
    }

    pub(super) fn new_id(&mut self) -> String {
        self.ids += 1;
        format!("00000000-0000-4000-8000-{:012}", self.ids)
    }
}
