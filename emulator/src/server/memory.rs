//! A connection in memory, for fuzzing.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A client that sends some bytes and then nothing more, and reads everything.
#[derive(Debug)]
pub(crate) struct MemoryConnection {
    sent: Bytes,
    received: Arc<Mutex<Vec<u8>>>,
}

impl MemoryConnection {
    /// The connection, and what its client receives.
    pub(crate) fn new(sent: Bytes) -> (Self, Arc<Mutex<Vec<u8>>>) {
        let received = Arc::default();
        (Self { sent, received: Arc::clone(&received) }, received)
    }
}

impl AsyncRead for MemoryConnection {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let length = buffer.remaining().min(self.sent.len());
        buffer.put_slice(&self.sent[..length]);
        self.sent.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for MemoryConnection {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
