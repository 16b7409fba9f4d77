//! One suite for all guards: random schedules give what a model gives.

pub mod postgres;
pub mod redis;

use std::{collections::HashMap, sync::Arc, time::Duration};

use piaxis::webhook::{Begin, DeduplicationKey, Guard, Token};

/// Longer than any test.
pub const LEASE: Duration = Duration::from_secs(600);
pub const TTL: Duration = Duration::from_secs(86_400);

/// A guard, and a way to let its time elapse.
#[allow(async_fn_in_trait)]
pub trait Backend {
    fn guard(&self) -> Arc<dyn Guard>;

    /// Lets every lease and time to live elapse.
    async fn expire_all(&self);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Leased(usize),
    Done,
}

/// Runs random schedules over a few keys and owners. An owner that is not used again has crashed; one whose lease elapses has lost it.
pub async fn follows_the_model(backend: &impl Backend, schedules: u64, steps: usize) {
    let guard = backend.guard();
    let mut counts = HashMap::<&str, u32>::new();
    for seed in 0..schedules {
        let mut random = numbers(seed);
        let keys: Vec<DeduplicationKey> =
            (0..3).map(|key| DeduplicationKey::of([&*format!("{seed}"), &*format!("{key}")])).collect();
        let tokens: Vec<Vec<Token>> =
            keys.iter().map(|key| (0..4).map(|_| Token::new(*key).unwrap()).collect()).collect();
        let mut model: Vec<Option<State>> = vec![None; keys.len()];
        for step in 0..steps {
            let (at, owner) = (random(keys.len()), random(4));
            let (state, token) = (&mut model[at], &tokens[at][owner]);
            let place = format!("seed {seed}, step {step}, key {at}, owner {owner}, {state:?}");
            let mut count = |what| *counts.entry(what).or_default() += 1;
            match random(8) {
                0..=2 => {
                    let expected = match *state {
                        None => Begin::Acquired,
                        Some(State::Leased(holder)) if holder == owner => Begin::Acquired,
                        Some(State::Leased(_)) => Begin::InProgress,
                        Some(State::Done) => Begin::Done,
                    };
                    assert_eq!(guard.begin(token, LEASE).await.unwrap(), expected, "begin, {place}");
                    if expected == Begin::Acquired {
                        *state = Some(State::Leased(owner));
                    }
                    count(match expected {
                        Begin::Acquired => "acquired",
                        Begin::InProgress => "in progress",
                        Begin::Done => "done",
                    });
                }
                3 | 4 => {
                    let expected = !matches!(*state, Some(State::Leased(holder)) if holder != owner);
                    assert_eq!(guard.finish(token, TTL).await.unwrap(), expected, "finish, {place}");
                    if expected {
                        *state = Some(State::Done);
                    }
                    count(if expected { "finished" } else { "finish without the lease" });
                }
                5 => {
                    guard.abort(token).await.unwrap();
                    if *state == Some(State::Leased(owner)) {
                        *state = None;
                        count("aborted");
                    } else {
                        count("abort without the lease");
                    }
                }
                6 => {
                    let expected = *state == Some(State::Leased(owner));
                    assert_eq!(guard.renew(token, LEASE).await.unwrap(), expected, "renew, {place}");
                    count(if expected { "renewed" } else { "renew without the lease" });
                }
                _ => {
                    backend.expire_all().await;
                    model.fill(None);
                    count("expired");
                }
            }
        }
    }
    assert_eq!(counts.len(), 10, "everything happened: {counts:?}");
}

/// Of any number of owners at the same time, one acquires the lease.
pub async fn one_of_many_acquires(backend: &impl Backend) {
    for round in 0..50 {
        let key = DeduplicationKey::of(["many", &*round.to_string()]);
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let guard = backend.guard();
                tokio::spawn(async move { guard.begin(&Token::new(key).unwrap(), LEASE).await.unwrap() })
            })
            .collect();
        let mut acquired = 0;
        for task in tasks {
            match task.await.unwrap() {
                Begin::Acquired => acquired += 1,
                other => assert_eq!(other, Begin::InProgress),
            }
        }
        assert_eq!(acquired, 1);
    }
}

/// Numbers below a bound, the same for each seed.
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below
    }
}
