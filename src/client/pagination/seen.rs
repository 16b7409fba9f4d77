//! Memory of the items that were read, and the decision which items of a page are new.
//!
//! The list has a stable order. The memory keeps three kinds of ids:
//!
//! - *remembered*: read in the order of the list. Every forgotten item stands before every remembered one.
//! - *pinned*: read, but their place among the remembered ones is unknown, because they were missing on a page on which
//!   they were expected. Usually such an item has left the list.
//! - *forgotten*: not kept.
//!
//! Once ids were forgotten, only a remembered item proves where a page stands: every item after it is either known or was
//! never read.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;
use uuid::Uuid;

/// Number of ids that are remembered, at least. At most twice as many are, and those of one page.
const REMEMBERED: usize = 1000;

/// Maximum number of pinned ids.
const PINNED: usize = 65_536;

/// An item's id. A UUID takes 16 bytes and no allocation.
#[derive(PartialEq, Eq, Hash, Clone)]
pub(super) enum Id {
    /// Both halves, which hash faster than bytes.
    Uuid(u64, u64),
    Text(Box<str>),
}

impl From<&str> for Id {
    fn from(id: &str) -> Self {
        // Other spellings would map two ids to one UUID. Of the characters of a UUID, only capitals lack this bit.
        let is_canonical = id.len() == 36 && id.bytes().fold(!0, |all, byte| all & byte) & 0x20 != 0;
        match Uuid::try_parse(id).map(|uuid| uuid.as_u64_pair()) {
            Ok((high, low)) if is_canonical => Self::Uuid(high, low),
            _ => Self::Text(id.into()),
        }
    }
}

/// What the memory knows of an item on a page.
#[derive(Clone, Copy)]
enum Known {
    New,
    Pinned,
    /// Remembered, with the number of its last sighting.
    At(u64),
}

/// Too many ids are pinned.
pub(super) struct TooManyChanges;

/// A page that fits to the pages before.
pub(super) struct Taken {
    /// Which items are new.
    pub(super) is_new: Vec<bool>,
    /// Whether the page has an item that proves its place.
    pub(super) overlaps: bool,
}

/// Ids of the items that were read.
#[derive(Default)]
pub(super) struct Seen {
    /// Remembered ids, with the numbers of their last sightings.
    remembered: HashMap<Id, u64, RandomState>,
    pinned: HashSet<Id, RandomState>,
    sightings: u64,
    has_forgotten: bool,
}

impl Seen {
    /// Items before the first page count as forgotten.
    pub(super) fn starts_late(&mut self) {
        self.has_forgotten = true;
    }

    pub(super) fn has_forgotten(&self) -> bool {
        self.has_forgotten
    }

    fn known(&self, id: &Id) -> Known {
        if let Some(at) = self.remembered.get(id) {
            Known::At(*at)
        } else if self.pinned.contains(id) {
            Known::Pinned
        } else {
            Known::New
        }
    }

    /// Takes the ids of a page in. Returns `None` when the page has no item that proves its place, unless
    /// `place_is_known`.
    pub(super) fn take(&mut self, ids: Vec<Id>, place_is_known: bool) -> Result<Option<Taken>, TooManyChanges> {
        let known: Vec<Known> = ids.iter().map(|id| self.known(id)).collect();
        let is_remembered = |known: &Known| matches!(known, Known::At(_));
        let is_proof = |known: &Known| match known {
            Known::At(_) => true,
            Known::Pinned => !self.has_forgotten,
            Known::New => false,
        };
        let overlaps = known.iter().any(is_proof);
        if !overlaps && !place_is_known {
            return Ok(None);
        }
        // From here on, the page is in order with the remembered items.
        let first = known.iter().position(is_remembered).or_else(|| known.iter().position(is_proof)).unwrap_or(0);
        // Up to here, an unknown item is a forgotten one, or one that arrived meanwhile.
        let last = known.iter().rposition(is_remembered).filter(|_| self.has_forgotten).unwrap_or(0);
        let (oldest, newest) = (known.iter().filter_map(Known::sighting).min().unwrap_or(0), self.sightings);
        let mut is_new = Vec::with_capacity(ids.len());
        for (at, (id, known)) in ids.into_iter().zip(known).enumerate() {
            is_new.push(match known {
                Known::New if at < last => false,
                Known::New if at < first => self.pinned.insert(id),
                Known::Pinned if at < first => false,
                Known::New => !self.pinned.contains(&id) && self.see(id),
                Known::Pinned => {
                    self.pinned.remove(&id);
                    self.see(id);
                    false
                }
                Known::At(_) => self.see(id),
            });
        }
        self.pin(oldest, newest);
        if self.pinned.len() > PINNED {
            return Err(TooManyChanges);
        }
        self.forget();
        Ok(Some(Taken { is_new, overlaps }))
    }

    /// Remembers an item, and returns whether the item is new.
    fn see(&mut self, id: Id) -> bool {
        self.sightings += 1;
        self.remembered.insert(id, self.sightings).is_none()
    }

    /// Pins what was read after the page's first remembered item, and is not on the page.
    fn pin(&mut self, oldest: u64, newest: u64) {
        if oldest == newest {
            return;
        }
        let missing = self.remembered.extract_if(|_, at| (oldest + 1..=newest).contains(at));
        self.pinned.extend(missing.map(|(id, _)| id));
    }

    /// Forgets the oldest ids once there are twice as many as needed.
    fn forget(&mut self) {
        if self.remembered.len() >= 2 * REMEMBERED {
            let mut sightings: Vec<u64> = self.remembered.values().copied().collect();
            let (_, newest_to_forget, _) = sightings.select_nth_unstable(self.remembered.len() - REMEMBERED - 1);
            self.remembered.retain(|_, at| at > newest_to_forget);
            self.has_forgotten = true;
        }
    }
}

impl Known {
    fn sighting(&self) -> Option<u64> {
        match self {
            Self::At(at) => Some(*at),
            Self::New | Self::Pinned => None,
        }
    }
}
