//! Rows of one kind, with what a transaction needs to be undone.

use serde::{Serialize, de::DeserializeOwned};

use super::changes::{self, Changes, Damaged, Section, Stored};

/// Number of a row, from 0.
pub(crate) type Row = u32;

/// Rows by number. Rows are never removed.
///
/// Changes count once the transaction is committed; until then, [`rollback`](Self::rollback) undoes them.
#[derive(Debug, Clone)]
pub(crate) struct Table<T> {
    rows: Vec<T>,
    /// Rows that the transaction changed, as they were before it.
    before: Vec<(Row, T)>,
    /// Number of rows before the transaction.
    committed: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), before: Vec::new(), committed: 0 }
    }
}

impl<T: Clone> Table<T> {
    pub(crate) fn insert(&mut self, row: T) -> Row {
        self.rows.push(row);
        self.last()
    }

    fn last(&self) -> Row {
        Row::try_from(self.rows.len().saturating_sub(1)).unwrap_or(Row::MAX)
    }

    /// The number that the next row will have.
    pub(crate) fn next(&self) -> Row {
        Row::try_from(self.rows.len()).unwrap_or(Row::MAX)
    }

    pub(crate) fn get(&self, row: Row) -> Option<&T> {
        self.rows.get(row as usize)
    }

    /// The row, to be changed.
    pub(crate) fn get_mut(&mut self, row: Row) -> Option<&mut T> {
        let found = self.rows.get_mut(row as usize)?;
        if (row as usize) < self.committed && self.before.iter().all(|(known, _)| *known != row) {
            self.before.push((row, found.clone()));
        }
        Some(found)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Row, &T)> + ExactSizeIterator {
        self.rows.iter().enumerate().map(|(row, value)| (Row::try_from(row).unwrap_or(Row::MAX), value))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Numbers of the rows that the transaction changed or added, which are written.
    pub(crate) fn commit(&mut self, section: Section, changes: &mut Changes) -> Vec<Row>
    where
        T: Serialize,
    {
        let changed = self.before.drain(..).map(|(row, _)| row);
        let changed = changed.chain((self.committed..self.rows.len()).filter_map(|row| Row::try_from(row).ok()));
        let changed: Vec<Row> = changed.collect();
        self.committed = self.rows.len();
        for row in &changed {
            if let Some(value) = self.get(*row) {
                changes.put(section, row, value);
            }
        }
        changed
    }

    pub(crate) fn rollback(&mut self) {
        self.rows.truncate(self.committed);
        for (row, value) in self.before.drain(..) {
            if let Some(place) = self.rows.get_mut(row as usize) {
                *place = value;
            }
        }
    }
}

impl<T: Clone + Serialize + DeserializeOwned> Stored for Table<T> {
    fn save(&self, section: Section, changes: &mut Changes) {
        for (row, value) in self.iter() {
            changes.put(section, &row, value);
        }
    }

    fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damaged> {
        let row = changes::row(key)?;
        if row != self.next() {
            return Err(Damaged(format!("row {} is missing", self.next())));
        }
        self.rows.push(changes::value(value)?);
        self.committed = self.rows.len();
        Ok(())
    }
}
