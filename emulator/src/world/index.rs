//! A table with an index for the filters of its list.

use std::{collections::HashMap, fmt, hash::Hash};

use chrono::{DateTime, Utc};
use piaxis::Timestamp;
use roaring::RoaringBitmap;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    changes::{Changes, Damaged, Section, Stored},
    table::{Row, Table},
};
use crate::operations::lists::PageOf;

/// A row that a list finds by a filter and by its time.
pub(crate) trait Indexed: Clone + fmt::Debug {
    /// The values of a filter.
    type Filter: Clone + Eq + Hash + fmt::Debug;

    /// Every filter that matches the row.
    fn filters(&self) -> Vec<Self::Filter>;

    fn created_at(&self) -> DateTime<Utc>;
}

/// Rows in the order of creation, and an index for the filters of the list.
#[derive(Debug, Clone)]
pub(crate) struct IndexedTable<T: Indexed> {
    table: Table<T>,
    index: HashMap<T::Filter, RoaringBitmap>,
    /// What the transaction changed in the index, and whether it was added.
    changes: Vec<(T::Filter, Row, bool)>,
}

impl<T: Indexed> Default for IndexedTable<T> {
    fn default() -> Self {
        Self { table: Table::default(), index: HashMap::new(), changes: Vec::new() }
    }
}

impl<T: Indexed> IndexedTable<T> {
    pub(crate) fn get(&self, row: Row) -> Option<&T> {
        self.table.get(row)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Row, &T)> + ExactSizeIterator {
        self.table.iter()
    }

    pub(crate) fn insert(&mut self, value: T) -> Row {
        let filters = value.filters();
        let row = self.table.insert(value);
        self.reindex(row, &[], &filters);
        row
    }

    /// Changes a row, which keeps its time of creation.
    pub(crate) fn update(&mut self, row: Row, change: impl FnOnce(&mut T)) {
        let Some(value) = self.table.get_mut(row) else { return };
        let before = value.filters();
        change(value);
        let after = value.filters();
        self.reindex(row, &before, &after);
    }

    fn reindex(&mut self, row: Row, before: &[T::Filter], after: &[T::Filter]) {
        let removed = before.iter().filter(|filter| !after.contains(filter)).map(|filter| (filter, false));
        let added = after.iter().filter(|filter| !before.contains(filter)).map(|filter| (filter, true));
        for (filter, is_added) in removed.chain(added) {
            self.set(filter, row, is_added);
            self.changes.push((filter.clone(), row, is_added));
        }
    }

    fn set(&mut self, filter: &T::Filter, row: Row, is_matched: bool) {
        match self.index.get_mut(filter) {
            Some(rows) => {
                if is_matched {
                    rows.insert(row);
                } else {
                    rows.remove(row);
                }
            }
            None if is_matched => {
                self.index.insert(filter.clone(), RoaringBitmap::from([row]));
            }
            None => {}
        }
    }

    pub(crate) fn commit(&mut self, section: Section, changes: &mut Changes) -> Vec<Row>
    where
        T: Serialize,
    {
        self.changes.clear();
        self.table.commit(section, changes)
    }

    pub(crate) fn rollback(&mut self) {
        for (filter, row, was_added) in std::mem::take(&mut self.changes).into_iter().rev() {
            self.set(&filter, row, !was_added);
        }
        self.table.rollback();
    }

    /// All rows that a filter matches, in the order of creation.
    pub(crate) fn matches(&self, filter: &T::Filter) -> impl DoubleEndedIterator<Item = Row> {
        self.index.get(filter).into_iter().flatten()
    }

    /// The rows that a filter matches, created between two times: how many, and those of one page, newest first.
    pub(crate) fn find(
        &self,
        filter: &T::Filter,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
        page: PageOf,
    ) -> (usize, Vec<Row>) {
        let Some(rows) = self.index.get(filter) else { return (0, Vec::new()) };
        // Rows are in the order of their time.
        let first = from.map_or(0, |from| self.first_row(|at| Timestamp::from(at) >= from));
        let end = to.map_or(Row::MAX, |to| self.first_row(|at| Timestamp::from(at) > to));
        let before = |row: Row| row.checked_sub(1).map_or(0, |last| rows.rank(last));
        let (skipped, found) = (before(first), before(end).saturating_sub(before(first)));
        let page_end = found.saturating_sub(page.offset.into());
        let page_start = page_end.saturating_sub(page.limit.into());
        let place = |at: u64| u32::try_from(skipped + at).ok().and_then(|at| rows.select(at));
        let page = (page_start..page_end).rev().filter_map(place).collect();
        (usize::try_from(found).unwrap_or(usize::MAX), page)
    }

    /// The first row whose time fits, where all after it fit as well.
    fn first_row(&self, fits: impl Fn(DateTime<Utc>) -> bool) -> Row {
        let (mut low, mut high) = (0, self.table.next());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.table.get(middle).is_some_and(|value| fits(value.created_at())) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

impl<T: Indexed + Serialize + DeserializeOwned> Stored for IndexedTable<T> {
    fn save(&self, section: Section, changes: &mut Changes) {
        self.table.save(section, changes);
    }

    fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damaged> {
        let row = self.table.next();
        self.table.load(key, value)?;
        let filters = self.table.get(row).map(Indexed::filters).unwrap_or_default();
        for filter in filters {
            self.set(&filter, row, true);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Serialize)]
    struct Thing(bool);

    impl Indexed for Thing {
        type Filter = Option<bool>;

        fn filters(&self) -> Vec<Option<bool>> {
            vec![None, Some(self.0)]
        }

        fn created_at(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }
    }

    #[test]
    fn a_rollback_restores_the_index() {
        let mut things = IndexedTable::<Thing>::default();
        let found = |things: &IndexedTable<Thing>| {
            [None, Some(false), Some(true)]
                .map(|filter| things.find(&filter, (None, None), PageOf { limit: 10, offset: 0 }).1)
        };
        things.insert(Thing(false));
        things.insert(Thing(true));
        things.commit(Section::Payments, &mut Changes::default());
        let before = found(&things);
        assert_eq!(before, [vec![1, 0], vec![0], vec![1]]);
        things.update(0, |thing| thing.0 = true);
        things.insert(Thing(false));
        things.update(0, |thing| thing.0 = false);
        things.update(1, |thing| thing.0 = false);
        assert_eq!(found(&things), [vec![2, 1, 0], vec![2, 1, 0], vec![]]);
        things.rollback();
        assert_eq!(found(&things), before);
    }
}
