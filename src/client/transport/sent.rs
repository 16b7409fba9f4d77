//! Whether a request was written to a connection: the proof that a failed write was not executed.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Whether the body of one attempt was asked for. The HTTP client asks for it once a connection stands, when it writes the
/// head of the request, and never before. `None` for a request without a body, of which nothing is known.
#[derive(Clone, Default)]
pub(super) struct Sent(Option<Arc<AtomicBool>>);

impl Sent {
    /// Whether the request was written to a connection; `None` when nothing is known.
    pub(super) fn is_set(&self) -> Option<bool> {
        self.0.as_ref().map(|sent| sent.load(Ordering::Acquire))
    }

    /// The body, which notes that it is asked for.
    pub(super) fn watch(body: Bytes) -> (reqwest::Body, Self) {
        let sent = Arc::new(AtomicBool::new(false));
        (reqwest::Body::wrap(Watched { body, sent: sent.clone() }), Self(Some(sent)))
    }
}

struct Watched {
    body: Bytes,
    sent: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.store(true, Ordering::Release);
        let body = std::mem::take(&mut self.body);
        Poll::Ready((!body.is_empty()).then(|| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.len() as u64)
    }
}
