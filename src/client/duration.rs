//! Durations from callers and servers, bounded so that no sum of them overflows a clock.

use std::time::Duration;

use tokio::time::Instant;

/// Ten years: longer than anything waits, and far from the end of any clock.
pub(crate) const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

pub(crate) fn bounded(duration: Duration) -> Duration {
    duration.min(LONGEST)
}

/// The moment this long from now.
pub(crate) fn from_now(duration: Duration) -> Instant {
    Instant::now() + bounded(duration)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
