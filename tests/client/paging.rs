//! Lists from the first item to the last, while items enter and leave and servers misbehave.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use futures_util::{StreamExt as _, TryStreamExt as _};
use piaxis::{
    Client, Environment, ErrorKind, RetryPolicy,
    types::{DisbursementFilter, EscrowDisbursementFilter, PaymentFilter},
};
use tokio::net::TcpListener;

use crate::support::{
    lists::{Page, PageQuery, Server, number, page_of},
    operations, server as scripted,
};

type PageOf = dyn Fn(usize, &PageQuery) -> Result<Page, u16> + Send + Sync;

/// The page of a list of so many items, with a true total.
fn items_of(count: usize, query: &PageQuery) -> Page {
    Page { items: (query.offset..count.min(query.offset + query.limit)).collect(), total: Some(count) }
}

async fn ids(client: &Client, filter: PaymentFilter) -> Result<Vec<usize>, piaxis::Error> {
    client.payments().stream(filter).map_ok(|row| number(&row.payment_id)).try_collect().await
}

fn all() -> PaymentFilter {
    PaymentFilter::builder().build()
}

#[tokio::test]
async fn every_list_is_read_to_its_end() {
    for count in [0, 1, 99, 100, 101, 250, 300] {
        let server = Server::start(move |_, query| Ok(items_of(count, query))).await;
        let client = server.client();
        assert_eq!(ids(&client, all()).await.unwrap(), (0..count).collect::<Vec<_>>());
        let payouts = client.disbursements().stream(DisbursementFilter::builder().build());
        assert_eq!(payouts.try_fold(0, |sum, _| async move { Ok(sum + 1) }).await.unwrap(), count);
        let batches = client.escrow_disbursements().stream(EscrowDisbursementFilter::builder().build());
        assert_eq!(batches.try_fold(0, |sum, _| async move { Ok(sum + 1) }).await.unwrap(), count);
        let queries = server.queries();
        assert!(queries.iter().all(|query| query.to_date.is_none()), "a date that the caller did not set");
        // The largest page that the contract allows. An end that no total and no short page proves takes a request more.
        assert!(queries.iter().all(|query| query.limit == 100), "{queries:?}");
        let payments: Vec<_> = queries.iter().filter(|query| query.path.contains("merchant-payments")).collect();
        let offsets: Vec<_> = payments.iter().map(|query| query.offset).collect();
        let expected: &[usize] = match count {
            0 => &[0],
            1 => &[0, 1, 0],
            99 => &[0, 98],
            100 => &[0, 99],
            101 => &[0, 99],
            250 => &[0, 99, 198],
            _ => &[0, 99, 198, 297],
        };
        assert_eq!(offsets, expected, "{count}");
    }
}

#[tokio::test]
async fn every_list_has_a_stream_that_sends_the_filter() {
    for operation in piaxis::OPERATIONS.iter().filter(|operation| operation.page_size.is_some()) {
        let row = operations::rows().into_iter().find(|row| row.operation == operation.id).unwrap();
        let stream = operations::STREAMS.iter().find(|(list, _)| *list == operation.id);
        let (_, first) = stream.unwrap_or_else(|| panic!("{} has no line in STREAMS", operation.id));
        let server = scripted::Server::start(scripted::Response::json(200, &row.response)).await;
        let client = server.builder().api_key("key-1").client_id("client-1").build().unwrap();
        assert!(first(&client).await.unwrap(), "{}", operation.id);
        let sent = server.take().remove(0).target;
        let path = row.target.split('?').next().unwrap();
        assert!(sent.starts_with(&format!("{path}?")) && sent.contains("status="), "{}: {sent}", operation.id);
    }
}

#[tokio::test]
async fn page_size_and_first_offset_are_the_callers() {
    let server = Server::start(|_, query| Ok(items_of(25, query))).await;
    let client = server.client();
    let pages: Vec<_> = client.payments().stream(all()).page_size(10).pages().try_collect().await.unwrap();
    let shape: Vec<_> = pages.iter().map(|page| (page.offset, page.items.len(), page.total)).collect();
    assert_eq!(shape, [(0, 10, Some(25)), (10, 10, Some(25)), (20, 5, Some(25))]);
    let to: piaxis::Timestamp = "2026-04-14T10:30:00Z".parse().unwrap();
    let filter = PaymentFilter::builder().limit(4).offset(15).to_date(to).build();
    let stream = client.payments().stream(filter);
    assert_eq!(stream.offset(), 15);
    let before = server.queries().len();
    assert_eq!(stream.count().await, 10);
    let queries = server.queries().split_off(before);
    assert!(queries.iter().all(|query| query.to_date.as_deref() == Some("2026-04-14T10:30:00Z")), "{queries:?}");
    let queries: Vec<_> = queries.iter().map(|query| (query.offset, query.limit)).collect();
    assert_eq!(queries, [(15, 4), (18, 5), (22, 5)]);
    // Above the maximum of the operation, and the smallest size.
    assert_eq!(client.payments().stream(all()).page_size(1_000).count().await, 25);
    assert_eq!(server.queries().last().unwrap().limit, 100);
    assert_eq!(client.payments().stream(all()).page_size(1).count().await, 25);
    // What is not wanted is not fetched, but for the page after.
    let before = server.queries().len();
    let first: Vec<_> = client.payments().stream(all()).page_size(5).take(3).try_collect().await.unwrap();
    assert_eq!(first.len(), 3);
    assert!(server.queries().len() - before <= 2);
    // And nothing at all before the first poll.
    let before = server.queries().len();
    drop(client.payments().stream(all()));
    assert_eq!(server.queries().len(), before);
}

#[tokio::test]
async fn the_next_page_is_fetched_while_the_present_one_is_used_and_no_more() {
    let server = Server::start(|_, query| Ok(items_of(1_000, query))).await;
    let mut stream = server.client().payments().stream(all()).page_size(10);
    for page in 0..5 {
        stream.next().await.unwrap().unwrap();
        // The next page is fetched without a poll, and the page after it is not.
        while server.queries().len() < page + 2 {
            tokio::task::yield_now().await;
        }
        for _ in 0..9 {
            stream.next().await.unwrap().unwrap();
            assert_eq!(server.queries().len(), page + 2);
        }
    }
}

#[tokio::test]
async fn new_items_are_neither_lost_nor_repeated() {
    // Newest first, and with every request a few items more at the top, so that the rest moves down.
    for (arriving, has_total) in [(1, true), (3, true), (9, true), (1, false), (3, false), (9, false)] {
        let server = Server::start(move |before, query| {
            let newest = arriving * before;
            let all: Vec<usize> = (10_000..10_000 + newest).rev().chain((0..500).rev()).collect();
            let page = page_of(&all, query);
            Ok(Page { total: page.total.filter(|_| has_total), ..page })
        })
        .await;
        let found: Vec<usize> = ids(&server.client(), PaymentFilter::builder().limit(20).build()).await.unwrap();
        assert_whole(&found, 0..500);
    }
}

#[tokio::test]
async fn more_items_than_a_page_holds_arrive_at_once() {
    let server = Server::start(|before, query| {
        let burst = if before < 5 { 0 } else { 45 };
        let all: Vec<usize> = (10_000..10_000 + burst).chain(0..500).collect();
        Ok(Page { total: None, ..page_of(&all, query) })
    })
    .await;
    let found = ids(&server.client(), PaymentFilter::builder().limit(20).build()).await.unwrap();
    assert_eq!(found, (0..500).collect::<Vec<_>>());
}

/// More items than the memory holds, so that a page begins among forgotten items.
#[tokio::test]
async fn no_item_is_repeated_after_its_id_was_forgotten() {
    let mut whole = 0;
    for burst in (900..2_400).step_by(90) {
        let server = Server::start(move |before, query| {
            let newest = if before < 25 { 0 } else { burst };
            let list: Vec<usize> = (10_000..10_000 + newest).chain(0..3_000).collect();
            Ok(Page { total: None, ..page_of(&list, query) })
        })
        .await;
        let (found, error) = read(&server.client(), all()).await;
        assert_whole(&found, if error.is_none() { 0..3_000 } else { 0..0 });
        whole += usize::from(error.is_none());
    }
    // At least a thousand ids are remembered.
    assert!(whole >= 2, "{whole}");
}

/// No item is missing, and none was repeated.
fn assert_whole(found: &[usize], expected: impl IntoIterator<Item = usize>) {
    let distinct: HashSet<usize> = found.iter().copied().collect();
    assert_eq!(distinct.len(), found.len(), "twice");
    let lost: Vec<usize> = expected.into_iter().filter(|item| !distinct.contains(item)).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
}

#[tokio::test]
async fn one_item_leaves_and_another_enters_with_the_same_total() {
    // Item 3 is no longer pending, and item 900 is.
    let server = Server::start(|before, query| {
        let list: Vec<usize> =
            (0..95).filter(|item| before < 3 || *item != 3).chain((before >= 3).then_some(900)).collect();
        Ok(page_of(&list, query))
    })
    .await;
    let found = ids(&server.client(), PaymentFilter::builder().limit(10).build()).await.unwrap();
    assert_whole(&found, (0..95).filter(|item| *item != 3));
}

#[tokio::test]
async fn an_empty_page_is_not_the_end_when_its_total_says_more() {
    let broken = |before: usize, query: &PageQuery| Page {
        items: if before == 1 { Vec::new() } else { items_of(250, query).items },
        total: Some(250),
    };
    let server = Server::start(move |before, query| Ok(broken(before, query))).await;
    assert_eq!(ids(&server.client(), all()).await.unwrap(), (0..250).collect::<Vec<_>>());

    // A server that never returns more than the first hundred items.
    let server = Server::start(|_, query| Ok(Page { total: Some(250), ..items_of(100, query) })).await;
    let (found, error) = read(&server.client(), all()).await;
    assert_eq!((found.len(), error.map(|error| error.kind())), (100, Some(ErrorKind::ListChanged)));
    // A list that says from the start that it is not empty.
    let server = Server::start(|_, _| Ok(Page { items: Vec::new(), total: Some(250) })).await;
    let (found, error) = read(&server.client(), all()).await;
    assert_eq!((found.len(), server.queries().len()), (0, 2));
    let words = "the list ends at offset 0 with 0 items on the page, but its total is 250";
    assert!(error.unwrap().to_string().contains(words));
}

#[tokio::test]
async fn items_are_removed_and_the_server_has_no_total() {
    for removed in [1, 2, 9, 10, 11, 25, 40] {
        let server = Server::start(move |before, query| {
            let list: Vec<usize> = (if before < 5 { 0 } else { removed }..300).collect();
            Ok(Page { total: None, ..page_of(&list, query) })
        })
        .await;
        let found = ids(&server.client(), PaymentFilter::builder().limit(10).build()).await.unwrap();
        assert_eq!(found, (0..300).collect::<Vec<_>>(), "{removed} removed");
    }
    // Every item that was read has left the list.
    let server = Server::start(|before, query| {
        let list: Vec<usize> = (if before < 3 { 0 } else { 31 }..100).collect();
        Ok(Page { total: None, ..page_of(&list, query) })
    })
    .await;
    let found = ids(&server.client(), PaymentFilter::builder().limit(10).build()).await.unwrap();
    assert_whole(&found, 31..100);
}

#[tokio::test]
async fn a_server_clamps_the_limit_and_counts_each_page_alone() {
    for largest in [2, 7, 50] {
        let server = Server::start(move |_, query| {
            let page = items_of(95, &PageQuery { limit: query.limit.min(largest), ..query.clone() });
            Ok(Page { total: Some(page.items.len()), ..page })
        })
        .await;
        assert_eq!(ids(&server.client(), all()).await.unwrap(), (0..95).collect::<Vec<_>>(), "{largest}");
    }
    let server = Server::start(|_, query| Ok(items_of(95, &PageQuery { limit: 1, ..query.clone() }))).await;
    let (found, error) = read(&server.client(), all()).await;
    assert_eq!(found, [0]);
    assert!(error.unwrap().to_string().contains("pages of one item cannot overlap"));
}

#[tokio::test]
async fn a_page_size_of_zero_is_an_error_and_nothing_is_sent() {
    let server = Server::start(|_, query| Ok(items_of(25, query))).await;
    let client = server.client();
    let by_method = client.payments().stream(all()).page_size(0);
    for mut stream in [by_method, client.payments().stream(PaymentFilter::builder().limit(0_u32).build())] {
        let error = stream.next().await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidRequest, Some("payments_list")));
        assert_eq!(error.field_errors()[0].to_string(), "limit: must be at least 1");
        assert!(stream.next().await.is_none());
        stream.resume();
        assert!(stream.next().await.unwrap().is_err());
    }
    assert!(server.queries().is_empty());
}

/// The clock of this machine does not matter: no item is too recent.
#[tokio::test]
async fn no_date_is_sent_that_the_caller_did_not_set() {
    let server = Server::start(|_, query| Ok(items_of(if query.to_date.is_some() { 90 } else { 100 }, query))).await;
    assert_eq!(ids(&server.client(), all()).await.unwrap().len(), 100);
}

/// What a stream returns, and the error that ends it.
async fn read(client: &Client, filter: PaymentFilter) -> (Vec<usize>, Option<piaxis::Error>) {
    let mut stream = client.payments().stream(filter);
    let mut found = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(item) => found.push(number(&item.payment_id)),
            Err(error) => return (found, Some(error)),
        }
    }
    (found, None)
}

#[tokio::test]
async fn ids_are_compared_as_text() {
    let uuid = "6c15f7e8-335a-4c62-a993-fb06a27b7787";
    let bare = uuid.replace('-', "");
    let texts = [uuid.to_owned(), uuid.to_uppercase(), format!("{{{uuid}}}"), format!("urn:uuid:{uuid}"), bare];
    let rows: Vec<String> = texts
        .iter()
        .chain(&texts)
        .map(|id| format!(r#"{{"payment_id":"{id}","status":"completed","currency":"UGX","amount":"1"}}"#))
        .collect();
    let page = format!(r#"{{"results":[{}],"total":{}}}"#, rows.join(","), rows.len());
    let last = format!(r#"{{"results":[{}],"total":{}}}"#, rows[9], rows.len());
    // The page is the whole list, and nothing is behind it.
    let router = Router::new().fallback(move |uri: axum::http::Uri| async move {
        if uri.query().is_some_and(|query| query.contains("offset=0")) { page } else { last }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let environment = Environment::Custom(format!("http://{}/api", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let client = Client::builder().environment(environment).api_key("key-1").client_id("client-1").build().unwrap();
    let given: Vec<String> = client.payments().stream(all()).map_ok(|row| row.payment_id).try_collect().await.unwrap();
    assert_eq!(given, texts);
}

#[tokio::test]
async fn a_server_that_ignores_the_offset_ends_the_stream() {
    type Case = (&'static str, Arc<PageOf>, usize);
    let ignores: Arc<PageOf> = Arc::new(|_, query| Ok(Page { items: (0..query.limit).collect(), total: Some(1_000) }));
    let ignores_without_total: Arc<PageOf> =
        Arc::new(|_, query| Ok(Page { items: (0..query.limit).collect(), total: None }));
    let ignores_everything: Arc<PageOf> = Arc::new(|_, _| Ok(Page { items: (0..10).collect(), total: Some(10) }));
    let repeats_the_third: Arc<PageOf> =
        Arc::new(|_, query| Ok(items_of(1_000, &PageQuery { offset: query.offset.min(20), ..query.clone() })));
    // The second request has a limit of one item more.
    let cases: [Case; 4] = [
        ("ignores offset", ignores, 11),
        ("ignores offset, without a total", ignores_without_total, 11),
        ("ignores offset and limit", ignores_everything, 10),
        ("sticks at the third page", repeats_the_third, 31),
    ];
    for (name, respond, before) in cases {
        let server = Server::start(move |number, query| respond(number, query)).await;
        let mut stream = server.client().payments().stream(all()).page_size(10);
        let mut seen = 0;
        let error = loop {
            match stream.next().await.unwrap() {
                Ok(_) => seen += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(seen, before, "{name}");
        assert_eq!(error.kind(), ErrorKind::ListChanged, "{name}: {error}");
        assert_eq!(error.operation(), Some("payments_list"), "{name}");
        assert!(stream.next().await.is_none(), "{name}: it goes on");
        assert!(error.to_string().contains("the server does not move on after offset"), "{name}: {error}");
        assert!(server.queries().len() <= before / 10 + 18, "{name}: {}", server.queries().len());
    }
}

#[tokio::test]
async fn a_single_wrong_page_or_total_does_no_harm() {
    // A page that is repeated in the place of the next; a page that fails once; wrong totals.
    let server = Server::start(|before, query| {
        let offset = if before == 3 { 20 } else { query.offset };
        Ok(items_of(95, &PageQuery { offset, ..query.clone() }))
    })
    .await;
    let found = ids(&server.client(), PaymentFilter::builder().limit(10).build()).await.unwrap();
    assert_eq!(found, (0..95).collect::<Vec<_>>());

    for total in [Some(0), Some(7), Some(20), None] {
        let server = Server::start(move |_, query| Ok(Page { total, ..items_of(95, query) })).await;
        let found = ids(&server.client(), PaymentFilter::builder().limit(10).build()).await.unwrap();
        assert_eq!(found, (0..95).collect::<Vec<_>>(), "{total:?}");
    }
    // A server that returns smaller pages than the limit.
    let server =
        Server::start(|_, query| Ok(items_of(95, &PageQuery { limit: query.limit.min(7), ..query.clone() }))).await;
    assert_eq!(ids(&server.client(), all()).await.unwrap().len(), 95);
}

#[tokio::test]
async fn a_list_may_shrink_at_its_end() {
    for left in [90, 25] {
        let server = Server::start(move |before, query| Ok(items_of(if before < 3 { 100 } else { left }, query))).await;
        let found = ids(&server.client(), PaymentFilter::builder().limit(10).build()).await.unwrap();
        assert_whole(&found, 0..left);
    }
}

#[tokio::test]
async fn a_stream_resumes_after_list_changed() {
    // The total is that of another list, until the caller goes on.
    let server = Server::start(|before, query| {
        let wrong = Page { total: Some(500), ..items_of(100, query) };
        Ok(if before < 15 { wrong } else { items_of(130, query) })
    })
    .await;
    let mut stream = server.client().payments().stream(all()).page_size(10);
    let mut found = Vec::new();
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(item) => found.push(number(&item.payment_id)),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), found.len(), stream.offset()), (ErrorKind::ListChanged, 100, 100));
    assert!(stream.next().await.is_none());
    while server.queries().len() < 15 {
        server.client().payments().list(all()).await.unwrap();
    }
    stream.resume();
    let rest: Vec<usize> = stream.map_ok(|item| number(&item.payment_id)).try_collect().await.unwrap();
    assert_eq!(rest, (100..130).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_resumes_at_the_page_that_failed() {
    let fail = Arc::new(AtomicUsize::new(1));
    let failing = fail.clone();
    let server = Server::start(move |_, query| {
        let fails = query.offset == 59
            && failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        if fails { Err(503) } else { Ok(items_of(100, query)) }
    })
    .await;
    let client = server.client();
    // In the same process: resume.
    let mut stream = client.payments().stream(all()).page_size(10);
    let mut found = Vec::new();
    let mut errors = 0;
    loop {
        match stream.next().await {
            Some(Ok(row)) => found.push(number(&row.payment_id)),
            Some(Err(error)) => {
                assert_eq!((error.status().unwrap().as_u16(), stream.offset()), (503, 60));
                errors += 1;
                stream.resume();
            }
            None => break,
        }
    }
    assert_eq!((errors, found), (1, (0..100).collect::<Vec<_>>()));

    // In another: from the offset.
    fail.store(1, Ordering::Relaxed);
    let mut stream = client.payments().stream(all()).page_size(10);
    let mut read = 0;
    while let Some(Ok(_)) = stream.next().await {
        read += 1;
    }
    let rest = client.payments().stream(all()).from_offset(stream.offset()).count().await;
    assert_eq!((read, rest), (60, 40));

    // With retries, the caller does not see the failure.
    fail.store(1, Ordering::Relaxed);
    let retrying = server.builder().retry_policy(RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO));
    let retrying = retrying.build().unwrap();
    assert_eq!(ids(&retrying, PaymentFilter::builder().limit(10).build()).await.unwrap().len(), 100);
}
