//! What errors keep in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::{Answer, Server};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[tokio::test]
async fn errors_keep_no_more_of_a_body_than_they_show() {
    const MIB: usize = 1024 * 1024;
    let server = Server::start(Answer::CloseUnread).await;
    let client = server.client();
    let huge = "x".repeat(12 * MIB);
    for (status, body) in [(500, huge.clone()), (200, huge.clone()), (200, format!(r#"{{"detail":"{huge}"}}"#))] {
        server.set(Answer::json(status, &body));
        let region = Region::new(ALLOCATOR);
        let mut errors = Vec::new();
        for _ in 0..5 {
            errors.push(client.payments().get("pay-1").await.unwrap_err());
        }
        assert!(errors.iter().all(|error| error.body().is_some_and(|kept| kept.len() == 64 * 1024)));
        let change = region.change();
        let kept = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
        // Five bodies would be 60 MiB; the server and a connection may still hold one or two.
        assert!(kept < 30 * MIB, "{status} {:.20}: {} MiB kept", body, kept / MIB);
    }
}
