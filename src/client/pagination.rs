//! Lists from their first row to their last, page by page.

use std::{
    collections::HashSet,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    vec,
};

use foldhash::fast::RandomState;
use futures_core::Stream;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{
    Timestamp,
    error::{Error, ErrorKind},
    operation::Operation,
    request::Request,
};

/// A page as the API gives it.
pub(crate) trait List: Send + 'static {
    type Item: Send + 'static;

    fn total(&self) -> Option<i64>;
    fn items(self) -> Vec<Self::Item>;
    /// By what one row is told from another.
    fn id(item: &Self::Item) -> &str;
}

/// A page of the generated types.
macro_rules! list {
    ($list:ident of $item:ident by $id:ident) => {
        impl List for crate::types::$list {
            type Item = crate::types::$item;

            fn total(&self) -> Option<i64> {
                self.total
            }

            fn items(self) -> Vec<Self::Item> {
                self.results
            }

            fn id(item: &Self::Item) -> &str {
                &item.$id
            }
        }
    };
}

list!(PaymentList of PaymentSummary by payment_id);
list!(DisbursementList of DisbursementSummary by disbursement_id);
list!(EscrowDisbursementList of EscrowDisbursementSummary by disbursement_id);

/// The moment up to which a list is read.
pub(crate) fn now() -> Option<Timestamp> {
    Some(chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).into())
}

type Fetched<T> = Result<(Vec<T>, Option<i64>), Error>;
/// A page, and where it begins.
type Polled<T> = Poll<Option<Result<(u32, Rows<T>), Error>>>;
type Fetch<T> = Arc<dyn Fn(u32, u32) -> Pin<Box<dyn Future<Output = Fetched<T>> + Send>> + Send + Sync>;

/// Ids are UUIDs, as far as is known; those need no memory of their own, which a page has a lot of.
#[derive(PartialEq, Eq, Hash)]
enum RowId {
    Uuid(u128),
    Text(Box<str>),
}

impl From<&str> for RowId {
    fn from(id: &str) -> Self {
        // Other spellings would make one id of two texts. Of what a UUID is written with, only capitals lack this bit.
        let is_canonical = id.len() == 36 && id.bytes().fold(!0, |all, byte| all & byte) & 0x20 != 0;
        match Uuid::try_parse(id) {
            Ok(uuid) if is_canonical => Self::Uuid(uuid.as_u128()),
            _ => Self::Text(id.into()),
        }
    }
}

/// Rows, and where each of them stands.
struct Rows<T> {
    rows: Vec<T>,
    offsets: Vec<u32>,
}

/// How many rows back a repetition is noticed, at least.
const REMEMBERED: usize = 1000;

/// Ids of the latest rows.
#[derive(Default)]
struct Seen {
    now: HashSet<RowId, RandomState>,
    before: HashSet<RowId, RandomState>,
}

impl Seen {
    /// Notes a row, and tells whether it is new.
    fn is_new(&mut self, id: &str) -> bool {
        let id = RowId::from(id);
        let was_before = self.before.contains(&id);
        self.now.insert(id) && !was_before
    }

    /// Forgets what is far back.
    fn forget(&mut self) {
        if self.now.len() >= REMEMBERED {
            std::mem::swap(&mut self.now, &mut self.before);
            self.now.clear();
        }
    }
}

/// All rows of a list, one after the other; a [`Stream`](futures_core::Stream) of them.
///
/// The next page is fetched while the present one is used, so two pages are in memory at most. Nothing is fetched before
/// the stream is polled.
///
/// The API counts pages by offset, so rows that arrive while a list is read push others over the border of a page. Where
/// the list takes `to_date`, it is set to the moment at which the stream is made (by this machine's clock), unless you set
/// it, so that later rows stay out. Everywhere, rows that come again are dropped, if they come within a thousand rows. When
/// the list shrinks, or the API does not move on, rows could be missing, and the stream says so with
/// [`ListChanged`](crate::ErrorKind::ListChanged).
///
/// After an error the stream ends. [`resume`](Self::resume) goes on with the page that failed; [`offset`](Self::offset)
/// and [`until`](Self::until) are what another process needs to do so.
///
/// ```no_run
/// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
/// use futures_util::TryStreamExt as _;
/// use piaxis::types::PaymentFilter;
///
/// let mut payments = client.payments().stream(PaymentFilter::builder().build());
/// while let Some(payment) = payments.try_next().await? {
///     println!("{} {:?}", payment.payment_id, payment.amount);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct Items<T> {
    pages: Pages<T>,
    rows: vec::IntoIter<T>,
    /// Where each of `rows` stands.
    offsets: vec::IntoIter<u32>,
    /// Where the next row stands that was not given out.
    offset: u32,
}

/// All pages of a list; a [`Stream`](futures_core::Stream) of them. Made by [`Items::pages`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<T> {
    operation: &'static Operation,
    fetch: Fetch<T>,
    id: fn(&T) -> &str,
    page_size: u32,
    until: Option<Timestamp>,
    /// Of the page to fetch next.
    offset: u32,
    in_flight: Option<InFlight<T>>,
    seen: Seen,
    total: Option<i64>,
    /// The page at this offset had nothing new once.
    had_nothing_new: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Reading,
    Failed,
    Ended,
}

/// Fetches in the background; dropped, it stops.
struct InFlight<T>(JoinHandle<Fetched<T>>);

impl<T> Drop for InFlight<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One page of a list, without the rows that were on the page before.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the page begins.
    pub offset: u32,
    /// How many rows the API says that there are in all.
    pub total: Option<i64>,
}

impl<T: Send + 'static> Items<T> {
    /// `fetch` gives the page of so many rows from an offset.
    pub(crate) fn new<L, F>(
        operation: &'static Operation,
        offset: Option<u32>,
        page_size: Option<u32>,
        until: Option<Timestamp>,
        fetch: F,
    ) -> Self
    where
        L: List<Item = T>,
        F: Fn(u32, u32) -> Request<L> + Send + Sync + 'static,
        L: crate::ResponseBody,
    {
        let largest = operation.page_size.map_or(u32::MAX, |size| size.max);
        let fetch: Fetch<T> = Arc::new(move |offset, limit| {
            let page = fetch(offset, limit).into_future();
            Box::pin(async move {
                let page = page.await?;
                let total = page.total();
                Ok((page.items(), total))
            })
        });
        let offset = offset.unwrap_or(0);
        let pages = Pages {
            operation,
            fetch,
            id: L::id,
            page_size: page_size.unwrap_or(largest),
            until,
            offset,
            in_flight: None,
            seen: Seen::default(),
            total: None,
            had_nothing_new: false,
            state: State::Reading,
        };
        Self { pages, rows: Vec::new().into_iter(), offsets: Vec::new().into_iter(), offset }
    }

    /// How many rows to fetch at a time; as many as the API allows by default.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.pages.page_size = rows;
        self
    }

    /// Options of each request.
    pub fn options(self, options: crate::RequestOptions) -> Self {
        let _ = options;
        self
    }

    /// Begins at this row.
    pub fn from_offset(mut self, offset: u32) -> Self {
        (self.pages.offset, self.offset) = (offset, offset);
        self
    }

    /// Page by page instead of row by row.
    pub fn pages(self) -> Pages<T> {
        self.pages
    }

    /// Where the next row stands that was not given out: to go on from there, in this process or another.
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// Rows of later times are left out: the `to_date` of the filter, or the moment at which the stream was made.
    pub fn until(&self) -> Option<Timestamp> {
        self.pages.until
    }

    /// Goes on after an error, with the page that failed.
    pub fn resume(&mut self) {
        self.pages.resume();
    }
}

impl<T: Send + 'static> Pages<T> {
    /// Where the next page begins.
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// Goes on after an error, with the page that failed.
    pub fn resume(&mut self) {
        if self.state == State::Failed {
            (self.state, self.had_nothing_new, self.total) = (State::Reading, false, None);
        }
    }

    fn fetch(&mut self) -> &mut InFlight<T> {
        let page = || (self.fetch)(self.offset, self.page_size);
        self.in_flight.get_or_insert_with(|| InFlight(tokio::spawn(page())))
    }

    /// Takes a page in, and says what is new in it; `None` to ask for it once more.
    fn take(&mut self, mut rows: Vec<T>, total: Option<i64>) -> Result<Option<Rows<T>>, Error> {
        let changed = |problem: String| Err(Error::list_changed(self.operation, problem));
        if let (Some(before), Some(now)) = (self.total, total)
            && now < before
        {
            return changed(format!(
                "the list shrank from {before} to {now} rows while it was read, so rows may have been skipped; read it \
                 again, or resume at offset {}",
                self.offset
            ));
        }
        self.total = total.or(self.total);
        let (count, offset) = (u32::try_from(rows.len()).unwrap_or(u32::MAX), self.offset);
        if count == 0 {
            self.state = State::Ended;
            return Ok(Some(Rows { rows, offsets: Vec::new() }));
        }
        let mut offsets = Vec::with_capacity(rows.len());
        let mut at = offset..;
        // In place, because rows are large.
        rows.retain(|row| {
            let is_new = self.seen.is_new((self.id)(row));
            offsets.extend(at.next().filter(|_| is_new));
            is_new
        });
        if rows.is_empty() {
            if std::mem::replace(&mut self.had_nothing_new, true) {
                return changed(format!(
                    "the API gave the rows before offset {offset} again, instead of those after it"
                ));
            }
            return Ok(None);
        }
        self.had_nothing_new = false;
        self.seen.forget();
        self.offset = offset.saturating_add(count);
        // A total that fits is believed; one that does not is not, and the end is where nothing more comes.
        if count < self.page_size && total == Some(i64::from(self.offset)) {
            self.state = State::Ended;
        }
        Ok(Some(Rows { rows, offsets }))
    }

    fn poll_page(&mut self, context: &mut Context<'_>) -> Polled<T> {
        loop {
            if self.state != State::Reading {
                return Poll::Ready(None);
            }
            let in_flight = self.fetch();
            let fetched = ready!(Pin::new(&mut in_flight.0).poll(context));
            self.in_flight = None;
            let fetched = fetched.unwrap_or_else(|error| {
                Err(Error::local(ErrorKind::Connection, format!("the task that fetches the page ended: {error}")))
            });
            let offset = self.offset;
            match fetched.and_then(|(rows, total)| self.take(rows, total)) {
                Ok(None) => {}
                Ok(Some(rows)) => {
                    if self.state == State::Reading {
                        self.fetch();
                    } else if rows.rows.is_empty() {
                        return Poll::Ready(None);
                    }
                    return Poll::Ready(Some(Ok((offset, rows))));
                }
                Err(error) => {
                    self.state = State::Failed;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl<T: Send + 'static> Stream for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.poll_page(context).map_ok(|(offset, Rows { rows: items, .. })| Page { items, offset, total: this.total })
    }
}

impl<T: Send + 'static> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(row) = this.rows.next() {
                this.offset = this.offsets.next().map_or(this.offset, |at| at + 1);
                return Poll::Ready(Some(Ok(row)));
            }
            // The memory of this page may serve for the next.
            this.rows = Vec::new().into_iter();
            match ready!(this.pages.poll_page(context)) {
                Some(Ok((_, Rows { rows, offsets }))) => {
                    (this.rows, this.offsets) = (rows.into_iter(), offsets.into_iter());
                }
                Some(Err(error)) => {
                    // What was repeated at the end of a page need not be read again.
                    this.offset = this.pages.offset;
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(None),
            }
        }
    }
}

// Neither holds a row in a place that it must not leave.
impl<T> Unpin for Items<T> {}
impl<T> Unpin for Pages<T> {}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("operation", &self.operation.id)
            .field("offset", &self.offset)
            .field("page_size", &self.page_size)
            .field("until", &self.until)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("pages", &self.pages).field("offset", &self.offset).finish_non_exhaustive()
    }
}
