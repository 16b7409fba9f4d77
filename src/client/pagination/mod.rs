//! Lists as streams, page by page.

mod page;
mod position;
mod seen;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    vec,
};

use futures_core::Stream;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::{
    error::{Error, ErrorKind, FieldError},
    operation::Operation,
    options::RequestOptions,
    request::Request,
    response_body::ResponseBody,
};

pub(crate) use page::List;
use position::Position;
use seen::Id;

/// Which page of a list is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageRequest {
    /// Offset of the first item.
    pub(crate) offset: u32,
    /// Maximum number of items.
    pub(crate) limit: u32,
}

/// Items of a page, and the total.
type Fetched<T> = Result<(Vec<T>, Option<i64>), Error>;
type Fetch<T> =
    Arc<dyn Fn(PageRequest, &RequestOptions) -> Pin<Box<dyn Future<Output = Fetched<T>> + Send>> + Send + Sync>;

/// New items of a page, the offset of each, and the total.
struct NewItems<T> {
    items: Vec<T>,
    offsets: Vec<u32>,
    total: Option<i64>,
}

/// All items of a list; a [`Stream`](https://docs.rs/futures-core/latest/futures_core/stream/trait.Stream.html) of them.
///
/// The next page is fetched while the present one is used, so memory holds two pages at most. Nothing is sent before the
/// stream is polled. Page requests run in the tracing span in which the stream is polled.
///
/// # A list that changes
///
/// The API pages by offset, so an item that enters or leaves the list while it is read moves the other items. The stream
/// requests pages that overlap by one item. Where two pages do not overlap, the stream steps back until they do.
///
/// - Every item that is in the list from the first page to the last comes exactly once, or the stream ends with
///   [`ListChanged`](crate::ErrorKind::ListChanged).
/// - No item is repeated. An item that enters or leaves the list while it is read may or may not come.
/// - The end is confirmed by a further request, unless the last page is shorter than the pages before and its total
///   agrees.
/// - `ListChanged` also means that the total contradicts the end of the list, that 16 consecutive pages had no new item
///   (the server may ignore `offset`), or that the server returns one item a page, so that pages cannot overlap.
///
/// These guarantees assume that the order of the list is stable, and that the server does not shorten a page before the
/// end of the list below the size of its other pages. `to_date` is sent only if the filter has one.
///
/// # Resuming
///
/// After an error the stream ends. [`resume`](Self::resume) goes on with the page that failed. Another process goes on
/// with [`from_offset`](Self::from_offset) and the [`offset`](Self::offset) of this stream.
///
/// ```no_run
/// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
/// use futures_util::TryStreamExt as _; // futures-util = "0.3"
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
    items: vec::IntoIter<T>,
    /// Offset of each of `items`.
    offsets: vec::IntoIter<u32>,
    /// Offset of the next item.
    offset: u32,
}

/// All pages of a list; a [`Stream`](https://docs.rs/futures-core/latest/futures_core/stream/trait.Stream.html) of them. Made by [`Items::pages`].
///
/// [`Items`] documents what a page holds when the list changes, and the errors.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<T> {
    operation: &'static Operation,
    fetch: Fetch<T>,
    /// Options of each page's request.
    options: RequestOptions,
    id: fn(&T) -> &str,
    position: Position,
    in_flight: Option<InFlight<T>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Reading,
    /// The request failed.
    Failed,
    /// The list changed, or the server does not move on.
    Changed,
    Ended,
}

/// A page that is fetched in the background. Dropping cancels the request.
struct InFlight<T>(JoinHandle<Fetched<T>>);

impl<T> Drop for InFlight<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One page of a list, without the items of earlier pages.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The new items of the page; never empty.
    pub items: Vec<T>,
    /// Offset of the first of `items`.
    pub offset: u32,
    /// Number of items in the whole list, as the API reports it.
    pub total: Option<i64>,
}

impl<T: Send + 'static> Items<T> {
    /// A stream over the pages that `fetch` requests. Without a page size, pages are as large as the operation allows.
    pub(crate) fn new<L, F>(
        operation: &'static Operation,
        offset: Option<u32>,
        page_size: Option<u32>,
        fetch: F,
    ) -> Self
    where
        L: List<Item = T> + ResponseBody,
        F: Fn(PageRequest) -> Request<L> + Send + Sync + 'static,
    {
        let fetch: Fetch<T> = Arc::new(move |page, options| {
            let page = fetch(page).options(options.clone()).into_future();
            Box::pin(async move {
                let page = page.await?;
                let total = page.total();
                Ok((page.items(), total))
            })
        });
        let largest = operation.page_size.map_or(u32::MAX, |size| size.max);
        let offset = offset.unwrap_or(0);
        let pages = Pages {
            operation,
            fetch,
            options: RequestOptions::new(),
            id: L::id,
            position: Position::new(offset, page_size.unwrap_or(largest), largest),
            in_flight: None,
            state: State::Reading,
        };
        Self { pages, items: Vec::new().into_iter(), offsets: Vec::new().into_iter(), offset }
    }

    /// Options of each page's request.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.pages.options = self.pages.options.or(options);
        self
    }

    /// Number of new items a page. Default: the maximum that the API allows, which also limits larger values. At least 1:
    /// 0 is an [`InvalidRequest`](crate::ErrorKind::InvalidRequest), which the stream returns before anything is sent.
    pub fn page_size(mut self, items: u32) -> Self {
        self.pages.position.set_page_size(items);
        self
    }

    /// Starts at this offset. The first page then overlaps with no earlier page, so items are missing or repeated if the
    /// list has changed since the offset was taken.
    pub fn from_offset(mut self, offset: u32) -> Self {
        self.pages.position.start_at(offset);
        self.offset = offset;
        self
    }

    /// Returns whole pages instead of single items.
    pub fn pages(self) -> Pages<T> {
        self.pages
    }

    /// Offset of the next item, to go on in another process with [`from_offset`](Self::from_offset).
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// Goes on after an error with the page that failed. After [`ListChanged`](crate::ErrorKind::ListChanged), the stream
    /// goes on at [`offset`](Self::offset) as [`from_offset`](Self::from_offset) does, and items may be missing.
    pub fn resume(&mut self) {
        self.pages.resume();
    }
}

impl<T: Send + 'static> Pages<T> {
    /// Offset of the next page's first new item.
    pub fn offset(&self) -> u32 {
        self.position.offset()
    }

    /// Goes on after an error; see [`Items::resume`].
    pub fn resume(&mut self) {
        if self.state == State::Changed {
            self.position.restart();
        }
        if self.state != State::Ended {
            self.state = State::Reading;
        }
    }

    fn fetch(&mut self) -> &mut InFlight<T> {
        let page = || (self.fetch)(self.position.request(), &self.options);
        self.in_flight.get_or_insert_with(|| InFlight(tokio::spawn(page().in_current_span())))
    }

    /// Returns the new items of a page.
    fn take(&mut self, mut items: Vec<T>, total: Option<i64>) -> Result<NewItems<T>, Error> {
        let offset = self.position.request().offset;
        let ids = items.iter().map(|item| Id::from((self.id)(item))).collect();
        let step = self.position.take(ids, total).map_err(|problem| {
            self.state = State::Changed;
            let problem = format!("{problem}; items may be missing: read the list again");
            Error::list_changed(self.operation, problem)
        })?;
        if step.has_ended {
            self.state = State::Ended;
        }
        let mut offsets = Vec::with_capacity(items.len());
        let mut is_new = (offset..).zip(step.is_new);
        // In place, because items are large.
        items.retain(|_| {
            let new = is_new.next().filter(|(_, is_new)| *is_new);
            offsets.extend(new.map(|(at, _)| at));
            new.is_some()
        });
        Ok(NewItems { items, offsets, total })
    }

    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<NewItems<T>, Error>>> {
        while self.state == State::Reading {
            if self.position.page_size() == 0 {
                self.state = State::Failed;
                let problem = FieldError::local("limit".to_owned(), "must be at least 1".to_owned());
                let error = Error::local_fields(ErrorKind::InvalidRequest, vec![problem]);
                return Poll::Ready(Some(Err(error.in_operation(self.operation))));
            }
            let fetched = ready!(Pin::new(&mut self.fetch().0).poll(context));
            self.in_flight = None;
            let fetched = fetched.unwrap_or_else(|error| {
                Err(Error::local(ErrorKind::Connection, format!("the task that fetches the page failed: {error}")))
            });
            let page = match fetched {
                Ok((items, total)) => self.take(items, total),
                Err(error) => {
                    self.state = State::Failed;
                    Err(error)
                }
            };
            if self.state == State::Reading {
                self.fetch();
            }
            if page.as_ref().is_ok_and(|page| page.items.is_empty()) {
                continue;
            }
            return Poll::Ready(Some(page));
        }
        Poll::Ready(None)
    }
}

impl<T: Send + 'static> Stream for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_page(context).map_ok(|NewItems { items, offsets, total }| Page {
            items,
            offset: offsets.first().copied().unwrap_or(0),
            total,
        })
    }
}

impl<T: Send + 'static> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.items.next() {
                this.offset = this.offsets.next().map_or(this.offset, |at| at + 1);
                return Poll::Ready(Some(Ok(item)));
            }
            // Frees the memory of this page before the next is decoded.
            this.items = Vec::new().into_iter();
            match ready!(this.pages.poll_page(context)) {
                Some(Ok(NewItems { items, offsets, .. })) => {
                    (this.items, this.offsets) = (items.into_iter(), offsets.into_iter());
                }
                Some(Err(error)) => {
                    // Items at the end of a page that were read before need not be read again.
                    this.offset = this.pages.offset();
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(None),
            }
        }
    }
}

// Neither pins an item.
impl<T> Unpin for Items<T> {}
impl<T> Unpin for Pages<T> {}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("operation", &self.operation.id)
            .field("offset", &self.position.offset())
            .field("page_size", &self.position.page_size())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("pages", &self.pages).field("offset", &self.offset).finish_non_exhaustive()
    }
}
