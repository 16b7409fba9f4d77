//! Ids that look like random UUIDs, follow from a seed, and lead back to the row that they name.

use serde::{Deserialize, Serialize};

use super::table::Row;

/// What an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A merchant's account.
    Merchant = 1,
    /// A payer or recipient with a Piaxis account.
    User,
    Payment,
    Escrow,
    Term,
    Dispute,
    Disbursement,
    EscrowDisbursement,
    Item,
    /// A payer or recipient without a Piaxis account.
    Party,
    Transaction,
    Endpoint,
    Delivery,
    Request,
}

/// Makes ids. Two emulators with one seed give the same ids.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Ids {
    seed: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The id of a row, in the form of a UUID of version 4.
    pub(crate) fn id(self, kind: Kind, row: Row) -> String {
        let secret = mix((u64::from(kind as u8) << 32 | u64::from(row)) ^ self.seed);
        let check = mix(secret ^ !self.seed);
        let high = check >> 32 << 32 | secret >> 48 << 16 | check & 0xfff;
        let low = check >> 12 << 48 | secret << 16 >> 16;
        // Sets the bits of version and variant.
        uuid::Builder::from_random_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
            .into_uuid()
            .to_string()
    }

    /// The row that an id of this kind names.
    pub(crate) fn row(self, kind: Kind, id: &str) -> Option<Row> {
        let part = |range: std::ops::Range<usize>| u64::from_str_radix(id.get(range)?, 16).ok();
        let secret = part(9..13)? << 48 | part(24..36)?;
        let plain = unmix(secret) ^ self.seed;
        let row = Row::try_from(plain & 0xffff_ffff).ok()?;
        (plain >> 32 == u64::from(kind as u8) && self.id(kind, row).eq_ignore_ascii_case(id)).then_some(row)
    }
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection that leaves no pattern to see.
fn mix(mut value: u64) -> u64 {
    for _ in 0..2 {
        value = (value ^ value >> 32).wrapping_mul(MULTIPLIER);
    }
    value ^ value >> 32
}

fn unmix(mut value: u64) -> u64 {
    value ^= value >> 32;
    for _ in 0..2 {
        value = value.wrapping_mul(inverse());
        value ^= value >> 32;
    }
    value
}

/// The inverse of the multiplier modulo 2^64, by Newton's method.
const fn inverse() -> u64 {
    let mut inverse = MULTIPLIER;
    let mut round = 0;
    while round < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(MULTIPLIER.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_back_to_their_rows_and_to_no_others() {
        let ids = Ids::new(7);
        for row in (0..1000).chain([Row::MAX]) {
            let id = ids.id(Kind::Payment, row);
            assert_eq!(ids.row(Kind::Payment, &id), Some(row), "{id}");
            assert_eq!(ids.row(Kind::Escrow, &id), None);
            assert_eq!(Ids::new(8).row(Kind::Payment, &id), None);
        }
        for id in ["", "x", "00000000-0000-4000-8000-000000000001", &"é".repeat(20)] {
            assert_eq!(ids.row(Kind::Payment, id), None);
        }
    }
}
