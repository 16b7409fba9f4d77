//! tokio's clock, stopped: only the test moves it, while sockets work as always.

use std::{sync::mpsc, time::Duration};

use tokio::time::Instant;

/// Keeps the clock still. A runtime whose clock is paused moves it by itself when nothing is to do, and waiting for a
/// socket looks like that; it does not while a blocking task runs.
pub(crate) struct Clock {
    begin: Instant,
    _running: mpsc::Sender<()>,
}

impl Clock {
    pub(crate) fn stop() -> Self {
        let (running, ends) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || ends.recv());
        tokio::time::pause();
        Self { begin: Instant::now(), _running: running }
    }

    /// How far it has moved.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Lets everything happen that needs no time, until `done` is true.
    pub(crate) async fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let begin = std::time::Instant::now();
        while !done() {
            assert!(begin.elapsed() < Duration::from_secs(20), "it never happened: {what}");
            tokio::task::yield_now().await;
        }
    }

    /// Lets the sockets say what they have to say, before the clock moves.
    pub(crate) async fn settle(&self) {
        let mut settling = Settling::new(Duration::from_millis(20));
        while settling.goes_on().await {}
    }

    /// Moves it in small steps until `done` is true, and returns by how much.
    pub(crate) async fn run_until(&self, step: Duration, mut done: impl FnMut() -> bool) -> Duration {
        let begin = self.elapsed();
        // Evaluated once for each true result, because the condition may consume something.
        let mut is_done = done();
        while !is_done {
            assert!(self.elapsed() - begin < Duration::from_secs(86_400), "it never happened");
            tokio::time::advance(step).await;
            // What the sockets have to say takes real time, a little of it.
            let mut settling = Settling::new(Duration::from_millis(3));
            while !is_done && settling.goes_on().await {
                is_done = done();
            }
        }
        self.elapsed() - begin
    }
}

/// A while of real time in which the test did not merely wait for a processor: on a busy machine it lasts longer.
struct Settling {
    begin: std::time::Instant,
    shortest: Duration,
    yields: u32,
}

impl Settling {
    fn new(shortest: Duration) -> Self {
        Self { begin: std::time::Instant::now(), shortest, yields: 0 }
    }

    /// Lets everything else run once. Returns whether the while goes on.
    async fn goes_on(&mut self) -> bool {
        tokio::task::yield_now().await;
        self.yields += 1;
        self.yields < 200 || self.begin.elapsed() < self.shortest
    }
}
