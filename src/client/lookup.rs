//! Looks a write up that may have been executed. The API has no lookup by idempotency key, so its lists are searched.

use std::{fmt, future::Future, pin::Pin};

use futures_core::Stream as _;

use crate::{
    Timestamp,
    disbursements::Disbursements,
    error::Error,
    likeness::{self, Likeness},
    options::RequestOptions,
    pagination::Items,
    payments::Payments,
    types::{Disbursement, DisbursementCreate, DisbursementFilter, PaymentCreate, PaymentFilter, PaymentSummary},
};

/// How far the clocks of caller and API may be apart: the search begins so much earlier than asked for.
const CLOCK_TOLERANCE: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// Result of a search for a write.
///
/// The enum is exhaustive, so that a `match` without `_` is checked by the compiler.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Lookup<T> {
    /// Nothing like the order is listed yet. **This result never authorises a resend**: the write may still be in
    /// progress, or be listed later. Look again, and ask Piaxis before creating another one.
    NoneYet,
    /// Exactly one write is like the order, in everything that was compared.
    One(T),
    /// Several writes may be the order, or one that the API shows too little of: identical orders cannot be told apart.
    /// Compare the writes with your own records.
    Several(Vec<T>),
}

/// A search for a write, by what was ordered. Begins when awaited.
///
/// Made by [`Payments::find_like`] and [`Disbursements::find_like`].
#[must_use = "a search begins when awaited"]
pub struct FindLike<T> {
    options: RequestOptions,
    search: Box<dyn FnOnce(RequestOptions) -> Search<T> + Send>,
}

type Search<T> = Pin<Box<dyn Future<Output = Result<Lookup<T>, Error>> + Send>>;

impl<T> FindLike<T> {
    fn new<F>(search: impl FnOnce(RequestOptions) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Lookup<T>, Error>> + Send + 'static,
    {
        Self { options: RequestOptions::new(), search: Box::new(|options| Box::pin(search(options))) }
    }

    /// Options of each request.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = self.options.or(options);
        self
    }
}

impl<T> IntoFuture for FindLike<T> {
    type Output = Result<Lookup<T>, Error>;
    type IntoFuture = Search<T>;

    fn into_future(self) -> Self::IntoFuture {
        (self.search)(self.options)
    }
}

impl<T> fmt::Debug for FindLike<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FindLike").field("options", &self.options).finish_non_exhaustive()
    }
}

pub(crate) fn payment(payments: &Payments, order: &PaymentCreate, since: Timestamp) -> FindLike<PaymentSummary> {
    let (payments, order) = (payments.clone(), order.clone());
    FindLike::new(move |options| async move {
        let from = earlier(since);
        let filter = PaymentFilter::builder().from_date(from).build();
        let mut found = Found::default();
        let mut items = payments.stream(filter).options(options);
        while let Some(item) = next(&mut items).await? {
            let likeness = likeness::of_payment(&order, &item).and(likeness::of_date(from, item.date));
            found.add(likeness, item);
        }
        Ok(found.lookup())
    })
}

pub(crate) fn disbursement(
    disbursements: &Disbursements,
    order: &DisbursementCreate,
    since: Timestamp,
) -> FindLike<Disbursement> {
    let (disbursements, order) = (disbursements.clone(), order.clone());
    FindLike::new(move |options| async move {
        let from = earlier(since);
        let filter = DisbursementFilter::builder().from_date(from).build();
        let mut found = Found::default();
        let mut items = disbursements.stream(filter).options(options.clone());
        while let Some(item) = next(&mut items).await? {
            if likeness::of_summary(&order, &item) != Likeness::Other {
                // The list does not show the items of a disbursement.
                let whole = disbursements.get(&item.disbursement_id).options(options.clone()).await?;
                let likeness = likeness::of_disbursement(&order, &whole).and(likeness::of_date(from, whole.created_at));
                found.add(likeness, whole);
            }
        }
        Ok(found.lookup())
    })
}

fn earlier(since: Timestamp) -> Timestamp {
    since.to_utc().checked_sub_signed(CLOCK_TOLERANCE).map_or(since, Timestamp::from)
}

async fn next<T: Send + 'static>(items: &mut Items<T>) -> Result<Option<T>, Error> {
    std::future::poll_fn(|context| Pin::new(&mut *items).poll_next(context)).await.transpose()
}

struct Found<T> {
    same: Vec<T>,
    possible: Vec<T>,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self { same: Vec::new(), possible: Vec::new() }
    }
}

impl<T> Found<T> {
    fn add(&mut self, likeness: Likeness, item: T) {
        match likeness {
            Likeness::Other => {}
            Likeness::Possible => self.possible.push(item),
            Likeness::Same => self.same.push(item),
        }
    }

    fn lookup(mut self) -> Lookup<T> {
        if self.same.len() == 1 && self.possible.is_empty() {
            return self.same.pop().map_or(Lookup::NoneYet, Lookup::One);
        }
        let all: Vec<T> = self.same.into_iter().chain(self.possible).collect();
        if all.is_empty() { Lookup::NoneYet } else { Lookup::Several(all) }
    }
}
