//! The background task: timers and deliveries of webhooks.

use std::{future::pending, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet, time::sleep};

use crate::{
    server::{Shared, stopped},
    webhooks::{attempt::Sender, delivery::DeliveryAttempt, queue::Attempt},
};

/// The longest sleep. Afterwards the machine's clock is read again, which may have been set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Runs timers and delivers webhooks until `stop` is true.
///
/// With a clock that only a test moves, [`Emulator::advance`](crate::Emulator::advance) and requests run the timers. The task
/// then only makes the attempts that are due.
pub(crate) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut sender = None;
    let mut attempts = JoinSet::new();
    loop {
        let (due, wait) = next(&shared);
        for attempt in due {
            // Not before the first delivery, because most emulators of tests have none and certificates take time to load.
            let sender: &Sender = sender.get_or_insert_with(|| Sender::new(shared.world().settings.webhook_timeout));
            let sender = sender.clone();
            let (shared, epoch) = (shared.clone(), shared.world().epoch);
            attempts.spawn(async move { (epoch, attempt.delivery, send(&shared, &sender, attempt).await) });
        }
        shared.background.notify_waiters();
        tokio::select! {
            () = shared.changed.notified() => {}
            () = wait_for(wait) => {}
            Some(ended) = attempts.join_next(), if !attempts.is_empty() => {
                if let Ok((epoch, delivery, attempt)) = ended {
                    let mut world = shared.world();
                    let now = world.now();
                    // Another state may have been restored meanwhile.
                    if world.epoch == epoch {
                        world.deliveries.end_attempt(delivery, attempt, now);
                    }
                }
            }
            () = stopped(&mut stop) => break,
        }
    }
}

/// Makes an attempt once the state file has the event.
async fn send(shared: &Shared, sender: &Sender, attempt: Attempt) -> DeliveryAttempt {
    match shared.written().await {
        Ok(()) => sender.send(attempt).await,
        Err(error) => DeliveryAttempt { at: attempt.at, status: None, error: Some(error) },
    }
}

/// Runs the timers that are due. Returns the attempts to be made, and the time until the next timer or retry.
fn next(shared: &Shared) -> (Vec<Attempt>, Option<Duration>) {
    let mut world = shared.world();
    if world.clock.is_manual() {
        return (world.take_attempts(), None);
    }
    world.run_timers();
    let attempts = world.take_attempts();
    let now = world.now();
    let wait = world.next_due().map(|at| (at - now).to_std().unwrap_or_default().min(LONGEST_SLEEP));
    (attempts, wait)
}

async fn wait_for(wait: Option<Duration>) {
    match wait {
        Some(wait) => sleep(wait).await,
        None => pending().await,
    }
}
