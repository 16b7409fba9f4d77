//! Time limits that work on every async runtime, and on one without timers.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use futures_timer::Delay;

/// Waits for this long.
#[cfg(any(feature = "detached", feature = "postgres", feature = "redis"))]
pub(super) async fn sleep(duration: Duration) {
    Delay::new(duration).await;
}

/// The output of a future, or `None` once the limit elapses.
pub(super) async fn timeout<F: Future>(limit: Duration, mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut limit = Delay::new(limit);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Pin::new(&mut limit).poll(context).map(|()| None),
    })
    .await
}
