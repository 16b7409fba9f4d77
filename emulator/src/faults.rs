//! Failures that a test asks for, before a request is executed or after.

use std::{collections::VecDeque, time::Duration};

use piaxis::{OPERATIONS, Operation};

/// How a request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A response of this status with an error of the API.
    Status(u16),
    /// The error page of a gateway, as HTML, of this status.
    Html(u16),
    /// 503 with `Retry-After`, as a gateway sends it, whatever became of the request behind it.
    Unavailable {
        /// Value of `Retry-After`, in seconds.
        retry_after: u32,
    },
    /// The connection is reset.
    Reset,
    /// The connection is closed without a response.
    Close,
    /// The response breaks off in the middle of its body.
    Truncate,
    /// The response comes after this long.
    Delay(Duration),
}

/// When a request fails: before anything was done, or after everything was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// Nothing is executed.
    BeforeCommit(Fault),
    /// The money has moved; only the response is lost or spoilt.
    AfterCommit(Fault),
}

/// The faults to come.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    next: VecDeque<(&'static str, When)>,
    random: Option<Random>,
}

/// Faults by chance.
#[derive(Debug)]
struct Random {
    share: f64,
    rng: fastrand::Rng,
}

impl Faults {
    /// The next request of this operation fails so. `false` where the contract has no such operation.
    pub(crate) fn fail_next(&mut self, operation: &str, when: When) -> bool {
        let known = OPERATIONS.iter().find(|known| known.id == operation);
        self.next.extend(known.map(|known| (known.id, when)));
        known.is_some()
    }

    /// This share of all requests fails, in every way, before and after the commit.
    pub(crate) fn fail_randomly(&mut self, share: f64, seed: u64) {
        self.random = (share > 0.0).then(|| Random { share, rng: fastrand::Rng::with_seed(seed) });
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The faults of the next requests, with their operations.
    pub(crate) fn to_come(&self) -> impl ExactSizeIterator<Item = &(&'static str, When)> {
        self.next.iter()
    }

    /// Share of all requests that fails by chance.
    pub(crate) fn share(&self) -> f64 {
        self.random.as_ref().map_or(0.0, |random| random.share)
    }

    /// The fault of this request.
    pub(crate) fn take(&mut self, operation: &Operation) -> Option<When> {
        if let Some(at) = self.next.iter().position(|(id, _)| *id == operation.id) {
            return self.next.remove(at).map(|(_, when)| when);
        }
        let Random { share, rng } = self.random.as_mut()?;
        if rng.f64() >= *share {
            return None;
        }
        let fault = match rng.u8(..10) {
            0 => Fault::Status(500),
            1 => Fault::Status(502),
            2 => Fault::Html(502),
            3 => Fault::Html(504),
            4 => Fault::Unavailable { retry_after: 0 },
            5 | 6 => Fault::Reset,
            7 => Fault::Close,
            8 => Fault::Truncate,
            _ => Fault::Delay(Duration::from_millis(20)),
        };
        Some(if rng.bool() { When::BeforeCommit(fault) } else { When::AfterCommit(fault) })
    }
}
