//! Memory that errors and lists keep.
//!
//! A binary of its own, because the tests measure the memory of the whole process, one with a global allocator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod lists;
    pub(crate) mod server;
}

use std::alloc::System;

use futures_util::StreamExt as _;
use piaxis::types::PaymentFilter;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::sync::Mutex;

use crate::support::{
    lists::{self, Page, PageQuery, number},
    server::{Response, Server},
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Each test measures the process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn errors_keep_no_more_of_a_body_than_they_show() {
    let _turn = ONE_AT_A_TIME.lock().await;
    const MIB: usize = 1024 * 1024;
    let server = Server::start(Response::CloseUnread).await;
    let client = server.client();
    let huge = "x".repeat(12 * MIB);
    for (status, body) in [(500, huge.clone()), (200, huge.clone()), (200, format!(r#"{{"detail":"{huge}"}}"#))] {
        server.set(Response::json(status, &body));
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

/// Bytes that this process holds, now.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok().map(|kilobytes| kilobytes * 1024)
}

#[tokio::test]
async fn a_million_items_take_no_more_memory_than_a_few() {
    const ITEMS: usize = 1_000_000;
    let _turn = ONE_AT_A_TIME.lock().await;
    let page = |query: &PageQuery| (query.offset..ITEMS.min(query.offset + query.limit)).collect();
    let server = lists::Server::start(move |_, query| Ok(Page { items: page(query), total: Some(ITEMS) })).await;
    let mut stream = server.client().payments().stream(PaymentFilter::builder().build()).page_size(1_000);
    let (mut read, mut early, mut peak) = (0, None, 0);
    while let Some(row) = stream.next().await {
        assert_eq!(number(&row.unwrap().payment_id), read);
        read += 1;
        if read % 50_000 == 0 {
            let now = resident().unwrap_or(0);
            early = early.or(Some(now));
            peak = peak.max(now);
        }
    }
    let early = early.unwrap();
    assert_eq!(read, ITEMS);
    println!("rows: {read}, {} MiB after 50,000 rows, {} MiB at most", early >> 20, peak >> 20);
    assert!(peak < early + (32 << 20), "it grew from {early} to {peak} bytes");
}
