//! Bodies of responses, whole or broken off.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of a response.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    bytes: Option<Bytes>,
    /// Length that the head declares.
    length: u64,
}

impl ResponseBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { length: bytes.len() as u64, bytes: Some(bytes).filter(|bytes| !bytes.is_empty()) }
    }

    /// Breaks off in the middle.
    pub(crate) fn truncated(bytes: &Bytes) -> Self {
        // A body of nothing could not break off.
        let length = bytes.len().max(2);
        let half = bytes.slice(..bytes.len() / 2);
        Self { length: length as u64, bytes: Some(half).filter(|bytes| !bytes.is_empty()) }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.bytes.take() {
            Some(bytes) => {
                self.length -= bytes.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            None if self.length > 0 => Poll::Ready(Some(Err(BrokenOff))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// Ends a connection in the middle of a body.
#[derive(Debug)]
pub(crate) struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the response breaks off, as a test asked")
    }
}

impl std::error::Error for BrokenOff {}
