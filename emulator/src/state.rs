//! The state file: what was committed is written by a thread of its own, and responses wait for that.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
    mpsc,
};

use tokio::sync::watch;

use crate::world::changes::Batch;

#[cfg(feature = "state")]
mod file;

#[cfg(feature = "state")]
pub(crate) use file::open;

/// A message to the writer.
#[cfg_attr(not(feature = "state"), allow(dead_code))]
#[derive(Debug)]
enum Message {
    /// The batch of this number.
    Write(u64, Batch),
    Close,
}

/// How far the writer is.
#[derive(Debug, Clone, Default)]
struct Progress {
    /// Number of the last batch that the disk has.
    written: u64,
    /// Why nothing is written any more.
    error: Option<Arc<str>>,
}

/// The way to the thread that writes the state file.
#[derive(Debug)]
pub(crate) struct Writer {
    messages: mpsc::Sender<Message>,
    /// Number of the last batch.
    sent: AtomicU64,
    progress: watch::Receiver<Progress>,
}

impl Writer {
    /// Sends a batch. The caller holds the lock of the state, so that batches have the order of commits.
    pub(crate) fn send(&self, batch: Batch) {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        // Without a writer, waiting for the batch is an error.
        let _ = self.messages.send(Message::Write(number, batch));
    }

    /// Waits until all that was sent is on the disk.
    ///
    /// # Errors
    /// When something was not written. From then on nothing is written.
    pub(crate) async fn written(&self) -> Result<(), String> {
        let sent = self.sent.load(Ordering::Relaxed);
        let mut progress = self.progress.clone();
        let reached = progress.wait_for(|progress| progress.error.is_some() || progress.written >= sent).await;
        match reached {
            Ok(progress) => progress.error.as_ref().map_or(Ok(()), |error| Err(error.to_string())),
            Err(_) => Err("the state file is closed".to_owned()),
        }
    }

    /// Writes what was sent, and closes the file.
    pub(crate) async fn close(&self) {
        let _ = self.messages.send(Message::Close);
        let mut progress = self.progress.clone();
        while progress.changed().await.is_ok() {}
    }
}
