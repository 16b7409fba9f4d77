//! Double-entry bookkeeping: money moves from one account to another and is never made.

use std::collections::HashMap;

use piaxis::Amount;
use serde::{Deserialize, Serialize};

use super::{
    changes::{self, Changes, Damaged, Section, Stored},
    table::Row,
};

/// Where money is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Account {
    /// Everything outside Piaxis: mobile money, cards. Its balance is the negative of all other balances.
    Outside,
    /// The wallet of a merchant, by the number of the merchant.
    Merchant(u32),
    /// The wallet of a person with a Piaxis account, by the number of the person.
    User(u32),
    /// Money held in an escrow, by the number of the escrow.
    Escrow(u32),
    /// Money on its way to the recipients of a disbursement, by the number of the disbursement.
    Disbursement(u32),
    /// Fees of Piaxis.
    Fees,
}

/// One movement of money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Account that is debited.
    pub from: Account,
    /// Account that is credited.
    pub to: Account,
    /// Amount in major units, positive.
    pub amount: Amount,
    /// Currency code.
    pub currency: String,
}

/// All movements and the balances that they make.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    balances: HashMap<(Account, String), Amount>,
    committed: usize,
}

/// Why money did not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotMoved {
    InsufficientFunds,
    /// The amount is not positive, or a balance would overflow.
    Impossible,
}

impl Ledger {
    /// Moves money. Every account but the outside has a balance of at least zero.
    pub(crate) fn transfer(
        &mut self,
        from: Account,
        to: Account,
        amount: Amount,
        currency: &str,
    ) -> Result<(), NotMoved> {
        if !amount.is_positive() || from == to {
            return Err(NotMoved::Impossible);
        }
        let left = self.balance(&from, currency).checked_sub(amount).ok_or(NotMoved::Impossible)?;
        if from != Account::Outside && left < 0 {
            return Err(NotMoved::InsufficientFunds);
        }
        let more = self.balance(&to, currency).checked_add(amount).ok_or(NotMoved::Impossible)?;
        self.balances.insert((from.clone(), currency.to_owned()), left);
        self.balances.insert((to.clone(), currency.to_owned()), more);
        self.entries.push(Entry { from, to, amount, currency: currency.to_owned() });
        Ok(())
    }

    pub(crate) fn balance(&self, account: &Account, currency: &str) -> Amount {
        // The key is owned, so that one lookup costs one allocation of three letters.
        self.balances.get(&(account.clone(), currency.to_owned())).copied().unwrap_or_else(zero)
    }

    pub(crate) fn balances(&self) -> impl Iterator<Item = (&Account, &str, Amount)> {
        self.balances.iter().map(|((account, currency), amount)| (account, currency.as_str(), *amount))
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Writes the entries that the transaction added.
    pub(crate) fn commit(&mut self, changes: &mut Changes) {
        self.save_since(self.committed, Section::Ledger, changes);
        self.committed = self.entries.len();
    }

    fn save_since(&self, first: usize, section: Section, changes: &mut Changes) {
        for (at, entry) in self.entries.iter().enumerate().skip(first) {
            changes.put(section, &Row::try_from(at).unwrap_or(Row::MAX), entry);
        }
    }

    pub(crate) fn rollback(&mut self) {
        for Entry { from, to, amount, currency } in self.entries.split_off(self.committed).into_iter().rev() {
            // These are the balances from before, so nothing overflows.
            let restored = self.balance(&from, &currency).checked_add(amount);
            self.balances.insert((from, currency.clone()), restored.unwrap_or_else(zero));
            let restored = self.balance(&to, &currency).checked_sub(amount);
            self.balances.insert((to, currency), restored.unwrap_or_else(zero));
        }
    }
}

/// Balances are made again from the entries.
impl Stored for Ledger {
    fn save(&self, section: Section, changes: &mut Changes) {
        self.save_since(0, section, changes);
    }

    fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damaged> {
        let row = changes::row(key)?;
        if row as usize != self.entries.len() {
            return Err(Damaged(format!("row {} is missing", self.entries.len())));
        }
        let Entry { from, to, amount, currency } = changes::value(value)?;
        let moved = self.transfer(from, to, amount, &currency);
        moved.map_err(|_| Damaged(format!("row {row} moves money that is not there")))?;
        self.committed = self.entries.len();
        Ok(())
    }
}

pub(crate) fn zero() -> Amount {
    Amount::from(0)
}
