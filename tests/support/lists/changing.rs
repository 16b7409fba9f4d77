//! A list that changes between two requests, on a server that need not be honest. Everything follows from a seed.

use std::{collections::HashSet, fmt};

use fastrand::Rng;

/// The total that the server reports.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Total {
    True,
    Missing,
    OfThePage,
    OfTheFirstPage,
}

/// How the list changes, and what the server does wrong.
pub(crate) struct Changing {
    random: Rng,
    /// The list, in the order of the numbers. No number is used for two items.
    list: Vec<usize>,
    /// Items whose status does not match the filter at present.
    hidden: Vec<usize>,
    used: HashSet<usize>,
    /// Items that were in the list all the time.
    pub(crate) constant: HashSet<usize>,
    total: Total,
    first_total: Option<usize>,
    largest_page: usize,
    pub(crate) page_size: usize,
    /// Percentage of requests before which the list changes, and of pages that are wrong.
    changes: u8,
    at_most: usize,
    bursts: bool,
    only_on_top: bool,
    empties: u8,
    repeats: u8,
    pages: Vec<Vec<usize>>,
    lied: bool,
}

impl Changing {
    pub(crate) fn new(seed: u64, longest: usize) -> Self {
        let mut random = Rng::with_seed(seed);
        let length = random.usize(0..=longest);
        let mut used = HashSet::new();
        while used.len() < length {
            used.insert(random.usize(0..1_000_000));
        }
        let mut list: Vec<usize> = used.iter().copied().collect();
        list.sort_unstable();
        let totals = [Total::True, Total::Missing, Total::OfThePage, Total::OfTheFirstPage];
        let largest_page = match random.u8(0..10) {
            0..5 => 100,
            5 => random.usize(1..=2),
            _ => random.usize(2..=12),
        };
        let page_size = if longest > 1_000 { random.usize(20..=100) } else { random.usize(1..=12) };
        let changes = *random.choice(&[0, 20, 60, 100]).unwrap_or(&0);
        let misbehaves = random.u8(0..3) == 0;
        Self {
            list,
            hidden: Vec::new(),
            constant: used.clone(),
            used,
            total: *random.choice(&totals).unwrap_or(&Total::True),
            first_total: None,
            largest_page: if longest > 1_000 && largest_page > 1 { 100 } else { largest_page },
            page_size,
            changes,
            at_most: random.usize(1..=8),
            bursts: random.u8(0..4) == 0,
            only_on_top: random.u8(0..4) == 0,
            // A client cannot distinguish an empty page from the end where pages of one item do not overlap.
            empties: if misbehaves && largest_page > 1 { random.u8(0..25) } else { 0 },
            repeats: if misbehaves { random.u8(0..25) } else { 0 },
            pages: Vec::new(),
            lied: false,
            random,
        }
    }

    /// Whether neither list nor server give a reason for an error.
    pub(crate) fn is_quiet(&self) -> bool {
        self.changes == 0 && self.empties == 0 && self.repeats == 0 && self.largest_page > 1
    }

    fn change(&mut self) {
        let most = if self.bursts && self.random.u8(0..10) == 0 { self.list.len().max(40) } else { self.at_most };
        let times = self.random.usize(1..=most);
        // A burst is of one kind, and often in one place.
        let kind = self.random.u8(0..5);
        let (top, place) = (self.list.first().copied().unwrap_or(500_000), self.random.usize(0..1_000_000));
        let width = *self.random.choice(&[3_000, 1_000_000]).unwrap_or(&3_000);
        for _ in 0..times {
            let kind = if self.bursts { kind } else { self.random.u8(0..5) };
            match kind {
                0 | 1 => {
                    let at = if self.only_on_top {
                        self.random.usize(top.saturating_sub(50)..=top)
                    } else {
                        place.saturating_add(self.random.usize(0..width)) % 1_000_000
                    };
                    if self.used.insert(at) {
                        self.insert(at);
                    }
                }
                2 if !self.hidden.is_empty() => {
                    let at = self.random.usize(0..self.hidden.len());
                    let item = self.hidden.swap_remove(at);
                    self.insert(item);
                }
                _ => {
                    if self.list.is_empty() {
                        continue;
                    }
                    let at = self.list.partition_point(|item| *item < place) % self.list.len();
                    let item = self.list.remove(at);
                    self.constant.remove(&item);
                    if self.random.bool() {
                        self.hidden.push(item);
                    }
                }
            }
        }
    }

    fn insert(&mut self, item: usize) {
        let at = self.list.partition_point(|other| *other < item);
        self.list.insert(at, item);
    }

    /// The next page: its items, and the total.
    pub(crate) fn page(&mut self, offset: usize, limit: usize) -> (Vec<usize>, Option<usize>) {
        if !self.pages.is_empty() && self.random.u8(0..100) < self.changes {
            self.change();
        }
        let limit = limit.min(self.largest_page);
        let mut items: Vec<usize> = self.list.iter().skip(offset).take(limit).copied().collect();
        // The first page is right, and so is one of two.
        let may_lie = !self.pages.is_empty() && !self.lied;
        self.lied = true;
        if may_lie && self.random.u8(0..100) < self.empties {
            items.clear();
        } else if may_lie && self.random.u8(0..100) < self.repeats {
            let back = if self.random.bool() { 1 } else { self.random.usize(1..=self.pages.len()) };
            items.clone_from(&self.pages[self.pages.len() - back]);
        } else {
            self.lied = false;
        }
        self.pages.push(items.clone());
        let first_total = *self.first_total.get_or_insert(self.list.len());
        let total = match self.total {
            Total::True => Some(self.list.len()),
            Total::Missing => None,
            Total::OfThePage => Some(items.len()),
            Total::OfTheFirstPage => Some(first_total),
        };
        (items, total)
    }
}

/// The settings. The rest follows from the seed.
impl fmt::Debug for Changing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changing")
            .field("length", &self.list.len())
            .field("total", &self.total)
            .field("largest_page", &self.largest_page)
            .field("page_size", &self.page_size)
            .field("changes", &self.changes)
            .field("at_most", &self.at_most)
            .field("bursts", &self.bursts)
            .field("only_on_top", &self.only_on_top)
            .field("empties", &self.empties)
            .field("repeats", &self.repeats)
            .finish_non_exhaustive()
    }
}

/// The results of all cases.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) cases: u64,
    pub(crate) quiet: u64,
    pub(crate) errors: u64,
    pub(crate) items: u64,
    pub(crate) requests: u64,
}

impl Tally {
    /// Checks what a client read of a list.
    pub(crate) fn check(&mut self, seed: u64, list: &Changing, read: &[usize], error: Option<&str>) {
        let distinct: HashSet<usize> = read.iter().copied().collect();
        let state = || format!("seed {seed}, {} requests: {list:?}", list.pages.len());
        assert_eq!(distinct.len(), read.len(), "an item was repeated, {}", state());
        if error.is_none() {
            let lost: Vec<_> = list.constant.difference(&distinct).collect();
            assert!(lost.is_empty(), "lost {} items, such as {:?}, {}", lost.len(), lost.first(), state());
        }
        if list.is_quiet() {
            assert_eq!(error, None, "{}", state());
            assert!(read.iter().eq(&list.list), "not in order, {}", state());
            self.quiet += 1;
        }
        self.cases += 1;
        self.errors += u64::from(error.is_some());
        self.items += read.len() as u64;
        self.requests += list.pages.len() as u64;
    }
}
