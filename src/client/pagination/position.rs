//! Decides which page of a list to request next, which of its items are new, and where the list ends.
//!
//! The server's list has a stable order. Between two requests, items may be inserted, removed, or change their status.
//! Pages overlap by one item, the anchor. A page with an item that was read before loses nothing: a page is contiguous, and
//! every item that stayed in the list and stands before an item that was read was read, too. A page without such an item
//! may follow a removal, so the position steps back until the pages overlap again.

use super::{
    PageRequest,
    seen::{Id, Seen, Taken, TooManyChanges},
};

/// Maximum number of consecutive pages without a new item.
const IDLE: u32 = 16;

/// Number of pages with the same last item after which a request beyond the end settles whether the list ended there.
const REPEATED: u32 = 3;

/// The decision about a page.
pub(super) struct Step {
    /// Which items are new.
    pub(super) is_new: Vec<bool>,
    pub(super) has_ended: bool,
}

/// How the next page is requested.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// At the next offset: the page has no pages before it to overlap with.
    Start,
    /// So many items before the next offset.
    Overlap(u32),
    /// Behind the only item that came so far, because pages of one item cannot overlap.
    Second,
    /// So far behind the last item that an empty page proves that the server did not return an earlier page again.
    Beyond(u32),
}

/// What the last page was, if it was at offset 0 and had no item that was read before. A second such page confirms it.
#[derive(Clone, PartialEq)]
enum Top {
    Overlapping,
    Empty,
    /// Starts with this item.
    New(Id),
}

pub(super) struct Position {
    /// Offset of the first item that was not read.
    next: u32,
    /// Offset after the last new item.
    settled: u32,
    page_size: u32,
    largest_limit: u32,
    mode: Mode,
    seen: Seen,
    /// Last item of the last page.
    anchor: Option<Id>,
    /// Last item of the last page that had a new item.
    furthest: Option<Id>,
    largest_page: u32,
    idle: u32,
    /// Consecutive pages that ended with the same item.
    repeated: u32,
    /// Whether there was an item behind the only one that came so far.
    has_second: bool,
    /// The total contradicted the page.
    contradicted: bool,
    top: Top,
}

impl Position {
    pub(super) fn new(offset: u32, page_size: u32, largest_limit: u32) -> Self {
        let mut position = Self {
            next: 0,
            settled: 0,
            page_size,
            largest_limit,
            mode: Mode::Start,
            seen: Seen::default(),
            anchor: None,
            furthest: None,
            largest_page: 0,
            idle: 0,
            repeated: 0,
            has_second: false,
            contradicted: false,
            top: Top::Overlapping,
        };
        position.start_at(offset);
        position
    }

    pub(super) fn start_at(&mut self, offset: u32) {
        (self.next, self.settled) = (offset, offset);
    }

    pub(super) fn set_page_size(&mut self, items: u32) {
        self.page_size = items;
    }

    pub(super) fn page_size(&self) -> u32 {
        self.page_size.min(self.largest_limit)
    }

    pub(super) fn offset(&self) -> u32 {
        self.next
    }

    /// The page to request next.
    pub(super) fn request(&self) -> PageRequest {
        let (offset, extra) = match self.mode {
            Mode::Start | Mode::Second => (self.next, 0),
            Mode::Overlap(overlap) => (self.next.saturating_sub(overlap), overlap),
            Mode::Beyond(distance) => (self.next.saturating_add(distance), 0),
        };
        // A page of one item is either the end of the list or too small to overlap, so none is requested.
        PageRequest { offset, limit: self.page_size.saturating_add(extra).max(2).min(self.largest_limit) }
    }

    /// Goes on after [`take`](Self::take) failed, without an anchor, because nothing can restore it.
    pub(super) fn restart(&mut self) {
        (self.mode, self.idle, self.repeated) = (Mode::Start, 0, 0);
        (self.has_second, self.contradicted, self.top) = (false, false, Top::Overlapping);
    }

    /// Takes the page that [`request`](Self::request) asked for. The error says why items may be missing.
    pub(super) fn take(&mut self, ids: Vec<Id>, total: Option<i64>) -> Result<Step, String> {
        let request = self.request();
        let step = self.step(request, ids, total);
        if step.is_err() {
            // Pages without a new item may have moved the offset too far.
            self.next = self.settled;
        }
        step
    }

    fn step(&mut self, request: PageRequest, ids: Vec<Id>, total: Option<i64>) -> Result<Step, String> {
        if let Mode::Second | Mode::Beyond(_) = self.mode
            && !ids.is_empty()
        {
            self.has_second = true;
            self.mode = Mode::Overlap(1);
            return Ok(Step::again());
        }
        if ids.is_empty() { self.take_nothing(request.offset, total) } else { self.take_items(request, ids, total) }
    }

    /// Takes an empty page.
    fn take_nothing(&mut self, offset: u32, total: Option<i64>) -> Result<Step, String> {
        let is_contradiction = total.is_some_and(|total| total > i64::from(offset));
        match self.mode {
            Mode::Overlap(_) if offset > 0 => self.step_back(offset, Top::Empty),
            _ if is_contradiction => self.contradict(offset, 0, total),
            Mode::Second => {
                self.has_second = false;
                self.mode = Mode::Overlap(1);
                Ok(Step::again())
            }
            Mode::Overlap(_) if self.top != Top::Empty => self.step_back(offset, Top::Empty),
            Mode::Start | Mode::Beyond(_) | Mode::Overlap(_) => Ok(Step::end()),
        }
    }

    /// Takes a page that has items, requested in mode `Start` or `Overlap`.
    fn take_items(&mut self, request: PageRequest, ids: Vec<Id>, total: Option<i64>) -> Result<Step, String> {
        let PageRequest { offset, limit } = request;
        let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let end = offset.saturating_add(count);
        self.largest_page = self.largest_page.max(count);
        if self.mode == Mode::Start && offset > 0 {
            self.seen.starts_late();
        }
        let (first, last) = (ids.first().cloned(), ids.last().cloned());
        let top = first.clone().map_or(Top::Empty, Top::New);
        let is_top = offset == 0 && self.top == top;
        let place_is_known = self.mode == Mode::Start || (is_top && !self.seen.has_forgotten());
        let taken = self.seen.take(ids, place_is_known);
        let taken = taken
            .map_err(|TooManyChanges| format!("the list changes faster than its pages are read (offset {offset})"))?;
        let Some(Taken { is_new, overlaps }) = taken else {
            if is_top {
                return Err("no page overlaps with an earlier page".to_owned());
            }
            return self.step_back(offset, top);
        };
        let has_new = is_new.contains(&true);
        let is_in_place = self.mode == Mode::Overlap(1) && first == self.anchor;
        let is_repeated = !has_new && overlaps && last == self.anchor;
        // A server that returned larger pages returns a smaller one only where the list ends.
        let is_short = count < limit && count < self.largest_page;
        (self.anchor, self.next, self.mode, self.top) = (last, end, Mode::Overlap(1), Top::Overlapping);
        if has_new {
            (self.settled, self.idle, self.repeated, self.contradicted) = (end, 0, 0, false);
            self.furthest.clone_from(&self.anchor);
            if self.largest_page == 1 {
                self.mode = Mode::Second;
            }
            // Neither the total of a single page fits here, nor an earlier page that is returned again.
            let has_ended = is_short && is_in_place && offset > 0 && total == Some(i64::from(end));
            return Ok(Step { is_new, has_ended });
        }
        self.repeated = if is_repeated { self.repeated + 1 } else { 0 };
        if is_repeated && self.largest_page == 1 {
            // The only item is still there, so no other one took its place.
            if self.has_second {
                return Err("the server's pages are too small: pages of one item cannot overlap".to_owned());
            }
            return Ok(Step::end());
        }
        // Another single item may be an earlier page that is returned again.
        if is_repeated && count == 1 && self.anchor == self.furthest {
            if total.is_some_and(|total| total > i64::from(end)) {
                return self.contradict(offset, count, total);
            }
            return Ok(Step::end());
        }
        if is_short && self.repeated >= REPEATED {
            // As many items may have arrived since as before this page.
            self.mode = Mode::Beyond(count);
        }
        self.idle().map(|()| Step { is_new, has_ended: false })
    }

    /// The next page overlaps twice as far. At offset 0, the same page is requested once more.
    fn step_back(&mut self, offset: u32, top: Top) -> Result<Step, String> {
        self.repeated = 0;
        if offset == 0 {
            self.top = top;
            return self.idle().map(|()| Step::again());
        }
        if let Mode::Overlap(overlap) = self.mode {
            self.mode = Mode::Overlap(overlap.saturating_mul(2));
        }
        Ok(Step::again())
    }

    /// Counts a page that had no new item.
    fn idle(&mut self) -> Result<(), String> {
        self.idle += 1;
        if self.idle < IDLE {
            return Ok(());
        }
        let settled = self.settled;
        Err(format!("{IDLE} consecutive pages had no new item: the server does not move on after offset {settled}"))
    }

    fn contradict(&mut self, offset: u32, count: u32, total: Option<i64>) -> Result<Step, String> {
        if std::mem::replace(&mut self.contradicted, true) {
            let total = total.unwrap_or_default();
            return Err(format!(
                "the list ends at offset {offset} with {count} items on the page, but its total is {total}"
            ));
        }
        Ok(Step::again())
    }
}

impl Step {
    fn end() -> Self {
        Self { is_new: Vec::new(), has_ended: true }
    }

    fn again() -> Self {
        Self { is_new: Vec::new(), has_ended: false }
    }
}
