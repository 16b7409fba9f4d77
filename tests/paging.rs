//! Lists from end to end, while rows arrive and servers misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::HashSet,
    fmt::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, body::Body, http::Response, http::Uri};
use futures_util::{StreamExt as _, TryStreamExt as _};
use piaxis::{
    Client, Environment, ErrorKind, RetryPolicy,
    types::{DisbursementFilter, EscrowDisbursementFilter, PaymentFilter},
};
use tokio::net::TcpListener;

/// What a server is asked for.
#[derive(Debug, Clone, PartialEq)]
struct Ask {
    path: String,
    offset: usize,
    limit: usize,
    to_date: Option<String>,
}

/// A page: ids of its rows, and the total that the server claims.
struct Given {
    rows: Vec<usize>,
    total: Option<usize>,
}

type Answer = dyn Fn(usize, &Ask) -> Result<Given, u16> + Send + Sync;

/// A server whose answers are computed from what is asked, and how many times something was asked before.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Ask>>>,
}

impl Server {
    async fn start(answer: impl Fn(usize, &Ask) -> Result<Given, u16> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Ask>>> = Arc::default();
        let (kept, answer): (_, Arc<Answer>) = (asked.clone(), Arc::new(answer));
        let router = Router::new().fallback(move |uri: Uri| {
            let (kept, answer) = (kept.clone(), answer.clone());
            async move { respond(&uri, &kept, &*answer) }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, asked }
    }

    fn client(&self) -> Client {
        Client::builder()
            .environment(Environment::Custom(format!("http://{}/api", self.address)))
            .api_key("key-1")
            .client_id("client-1")
            .retry_policy(RetryPolicy::none())
            .build()
            .unwrap()
    }

    fn asked(&self) -> Vec<Ask> {
        self.asked.lock().unwrap().clone()
    }
}

fn respond(uri: &Uri, asked: &Mutex<Vec<Ask>>, answer: &Answer) -> Response<Body> {
    let query: std::collections::HashMap<String, String> =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let number = |key: &str| query.get(key).and_then(|text| text.parse().ok());
    let ask = Ask {
        path: uri.path().to_owned(),
        offset: number("offset").unwrap_or(0),
        limit: number("limit").unwrap_or(20),
        to_date: query.get("to_date").cloned(),
    };
    let before = {
        let mut asked = asked.lock().unwrap();
        asked.push(ask.clone());
        asked.len() - 1
    };
    match answer(before, &ask) {
        Ok(page) => Response::new(Body::from(json(&page))),
        Err(status) => Response::builder().status(status).body(Body::from(r#"{"detail":"not now"}"#)).unwrap(),
    }
}

fn json(page: &Given) -> String {
    let mut text = r#"{"results":["#.to_owned();
    for (at, id) in page.rows.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"payment_id":"row-{id}","disbursement_id":"row-{id}","status":"completed","currency":"UGX","amount":"15000.00","total_amount":"15000.00"}}"#
        )
        .unwrap();
    }
    text += "]";
    if let Some(total) = page.total {
        write!(text, r#","total":{total}"#).unwrap();
    }
    text + "}"
}

/// An honest list of so many rows.
fn rows(count: usize, ask: &Ask) -> Given {
    Given { rows: (ask.offset..count.min(ask.offset + ask.limit)).collect(), total: Some(count) }
}

async fn ids(client: &Client, filter: PaymentFilter) -> Result<Vec<usize>, piaxis::Error> {
    client.payments().stream(filter).map_ok(|row| number(&row.payment_id)).try_collect().await
}

fn number(id: &str) -> usize {
    id.strip_prefix("row-").unwrap().parse().unwrap()
}

fn all() -> PaymentFilter {
    PaymentFilter::builder().build()
}

#[tokio::test]
async fn every_list_is_read_to_its_end() {
    for count in [0, 1, 99, 100, 101, 250, 300] {
        let server = Server::start(move |_, ask| Ok(rows(count, ask))).await;
        let client = server.client();
        assert_eq!(ids(&client, all()).await.unwrap(), (0..count).collect::<Vec<_>>());
        let payouts = client.disbursements().stream(DisbursementFilter::builder().build());
        assert_eq!(payouts.try_fold(0, |sum, _| async move { Ok(sum + 1) }).await.unwrap(), count);
        let batches = client.escrow_disbursements().stream(EscrowDisbursementFilter::builder().build());
        assert_eq!(batches.try_fold(0, |sum, _| async move { Ok(sum + 1) }).await.unwrap(), count);
        // Whoever has two dates pins the end, the same for all pages.
        let asked = server.asked();
        for (path, is_pinned) in [("merchant-payments", true), ("/api/disbursements", true), ("escrow-", false)] {
            let pins: HashSet<_> = asked.iter().filter(|ask| ask.path.contains(path)).map(|ask| &ask.to_date).collect();
            assert_eq!(pins.len(), 1, "{path}: {pins:?}");
            assert_eq!(pins.iter().next().unwrap().is_some(), is_pinned, "{path}");
        }
        // The largest page that the contract allows, and one request more only where the end cannot be known.
        assert!(asked.iter().all(|ask| ask.limit == 100), "{asked:?}");
        let requests = asked.iter().filter(|ask| ask.path.contains("merchant-payments")).count();
        assert_eq!(requests, count / 100 + 1, "{count}");
    }
}

#[tokio::test]
async fn pages_sizes_and_beginnings_are_the_callers() {
    let server = Server::start(|_, ask| Ok(rows(25, ask))).await;
    let client = server.client();
    let pages: Vec<_> = client.payments().stream(all()).page_size(10).pages().try_collect().await.unwrap();
    let shape: Vec<_> = pages.iter().map(|page| (page.offset, page.items.len(), page.total)).collect();
    assert_eq!(shape, [(0, 10, Some(25)), (10, 10, Some(25)), (20, 5, Some(25))]);
    let to: piaxis::Timestamp = "2026-04-14T10:30:00Z".parse().unwrap();
    let filter = PaymentFilter::builder().limit(4).offset(15).to_date(to).build();
    let stream = client.payments().stream(filter);
    assert_eq!((stream.until(), stream.offset()), (Some(to), 15));
    assert_eq!(stream.count().await, 10);
    let asked = server.asked();
    assert_eq!(asked.last().unwrap().to_date.as_deref(), Some("2026-04-14T10:30:00Z"));
    assert_eq!(asked.iter().filter(|ask| ask.limit == 4).count(), 3);
    // What is not wanted is not fetched, but for the page after.
    let before = server.asked().len();
    let first: Vec<_> = client.payments().stream(all()).page_size(5).take(3).try_collect().await.unwrap();
    assert_eq!(first.len(), 3);
    assert!(server.asked().len() - before <= 2);
    // And nothing at all before the first poll.
    let before = server.asked().len();
    drop(client.payments().stream(all()));
    assert_eq!(server.asked().len(), before);
}

#[tokio::test]
async fn the_next_page_is_fetched_while_the_present_one_is_used_and_no_more() {
    let server = Server::start(|_, ask| Ok(rows(1_000, ask))).await;
    let mut stream = server.client().payments().stream(all()).page_size(10);
    for page in 0..5 {
        stream.next().await.unwrap().unwrap();
        // It comes without anybody polling, and the one after it does not.
        while server.asked().len() < page + 2 {
            tokio::task::yield_now().await;
        }
        for _ in 0..9 {
            stream.next().await.unwrap().unwrap();
            assert_eq!(server.asked().len(), page + 2);
        }
    }
}

#[tokio::test]
async fn rows_that_arrive_are_neither_lost_nor_doubled() {
    // Newest first, and with every request a few rows more at the top: without the pinned end, the rest moves down.
    for arriving in [1, 3, 9] {
        let server = Server::start(move |before, ask| {
            let newest = arriving * before;
            let all: Vec<usize> = (10_000..10_000 + newest).rev().chain((0..500).rev()).collect();
            let page = all.iter().copied().skip(ask.offset).take(ask.limit).collect();
            Ok(Given { rows: page, total: Some(all.len()) })
        })
        .await;
        let found: Vec<usize> = ids(&server.client(), PaymentFilter::builder().limit(20).build()).await.unwrap();
        let distinct: HashSet<usize> = found.iter().copied().collect();
        assert_eq!(distinct.len(), found.len(), "{arriving}: twice");
        assert!((0..500).all(|row| distinct.contains(&row)), "{arriving}: lost");
    }
}

#[tokio::test]
async fn more_rows_than_pages_hold_at_once_are_noticed_and_none_comes_twice() {
    let server = Server::start(|before, ask| {
        let burst = if before < 5 { 0 } else { 45 };
        let all = (10_000..10_000 + burst).chain(0..500);
        Ok(Given { rows: all.skip(ask.offset).take(ask.limit).collect(), total: None })
    })
    .await;
    let read: Vec<_> = server.client().payments().stream(all()).page_size(20).collect().await;
    let (found, errors): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
    let found: Vec<usize> = found.into_iter().map(|row| number(&row.unwrap().payment_id)).collect();
    assert_eq!(found, (0..100).collect::<Vec<_>>());
    assert_eq!(errors.into_iter().map(|error| error.unwrap_err().kind()).collect::<Vec<_>>(), [ErrorKind::ListChanged]);
}

#[tokio::test]
async fn ids_are_one_only_when_they_are_the_same_text() {
    let uuid = "6c15f7e8-335a-4c62-a993-fb06a27b7787";
    let bare = uuid.replace('-', "");
    let texts = [uuid.to_owned(), uuid.to_uppercase(), format!("{{{uuid}}}"), format!("urn:uuid:{uuid}"), bare];
    let rows: Vec<String> = texts
        .iter()
        .chain(&texts)
        .map(|id| format!(r#"{{"payment_id":"{id}","status":"completed","currency":"UGX","amount":"1"}}"#))
        .collect();
    let page = format!(r#"{{"results":[{}],"total":{}}}"#, rows.join(","), rows.len());
    let router = Router::new().fallback(move || async move { page });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let environment = Environment::Custom(format!("http://{}/api", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let client = Client::builder().environment(environment).api_key("key-1").client_id("client-1").build().unwrap();
    let given: Vec<String> = client.payments().stream(all()).map_ok(|row| row.payment_id).try_collect().await.unwrap();
    assert_eq!(given, texts);
}

#[tokio::test]
async fn a_server_that_does_not_move_on_is_not_asked_for_ever() {
    type Case = (&'static str, Arc<Answer>, usize);
    let ignores: Arc<Answer> = Arc::new(|_, ask| Ok(Given { rows: (0..ask.limit).collect(), total: Some(1_000) }));
    let ignores_without_total: Arc<Answer> =
        Arc::new(|_, ask| Ok(Given { rows: (0..ask.limit).collect(), total: None }));
    let repeats_the_third: Arc<Answer> = Arc::new(|_, ask| {
        let ask = Ask { offset: ask.offset.min(20), ..ask.clone() };
        Ok(rows(1_000, &ask))
    });
    let cases: [Case; 3] = [
        ("ignores offset", ignores, 10),
        ("ignores offset, without a total", ignores_without_total, 10),
        ("sticks at the third page", repeats_the_third, 30),
    ];
    for (name, answer, before) in cases {
        let server = Server::start(move |number, ask| answer(number, ask)).await;
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
        assert!(server.asked().len() <= before / 10 + 3, "{name}: {}", server.asked().len());
    }
}

#[tokio::test]
async fn what_a_server_does_once_does_no_harm() {
    // A page that is given twice in the place of the next; a page that fails once; totals that are not true.
    let server = Server::start(|before, ask| {
        let offset = if before == 3 { 20 } else { ask.offset };
        Ok(rows(95, &Ask { offset, ..ask.clone() }))
    })
    .await;
    let found = ids(&server.client(), PaymentFilter::builder().limit(10).build()).await.unwrap();
    assert_eq!(found, (0..95).collect::<Vec<_>>());

    for lie in [Some(0), Some(7), Some(20), Some(1_000_000), None] {
        let server = Server::start(move |_, ask| Ok(Given { total: lie, ..rows(95, ask) })).await;
        let found = ids(&server.client(), PaymentFilter::builder().limit(10).build()).await.unwrap();
        assert_eq!(found, (0..95).collect::<Vec<_>>(), "{lie:?}");
    }
    // A server that gives smaller pages than it is asked for.
    let server = Server::start(|_, ask| Ok(rows(95, &Ask { limit: ask.limit.min(7), ..ask.clone() }))).await;
    assert_eq!(ids(&server.client(), all()).await.unwrap().len(), 95);
}

#[tokio::test]
async fn a_list_that_shrinks_is_not_taken_for_whole() {
    let server = Server::start(|before, ask| Ok(rows(if before < 3 { 100 } else { 90 }, ask))).await;
    let mut stream = server.client().payments().stream(all()).page_size(10);
    let read: Vec<_> = stream.by_ref().take_while(|row| std::future::ready(row.is_ok())).collect().await;
    assert_eq!(read.len(), 30);
    assert_eq!(stream.offset(), 30);
    assert!(stream.next().await.is_none());
    stream.resume();
    assert_eq!(stream.count().await, 60);
}

#[tokio::test]
async fn a_page_that_fails_is_where_it_goes_on() {
    let fail = Arc::new(AtomicUsize::new(1));
    let failing = fail.clone();
    let server = Server::start(move |_, ask| {
        let fails = ask.offset == 60
            && failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        if fails { Err(503) } else { Ok(rows(100, ask)) }
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

    // In another: from the offset, up to the same moment.
    fail.store(1, Ordering::Relaxed);
    let mut stream = client.payments().stream(all()).page_size(10);
    let mut read = 0;
    while let Some(Ok(_)) = stream.next().await {
        read += 1;
    }
    let filter = PaymentFilter::builder().maybe_to_date(stream.until()).build();
    let rest = client.payments().stream(filter).from_offset(stream.offset()).count().await;
    assert_eq!((read, rest), (60, 40));

    // And with retries on, nobody hears of it.
    fail.store(1, Ordering::Relaxed);
    let environment = Environment::Custom(format!("http://{}/api", server.address));
    let retrying = Client::builder().environment(environment).api_key("key-1").client_id("client-1").build().unwrap();
    assert_eq!(ids(&retrying, PaymentFilter::builder().limit(10).build()).await.unwrap().len(), 100);
}

/// Bytes that this process holds, now.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok().map(|kilobytes| kilobytes * 1024)
}

#[tokio::test]
async fn a_million_rows_take_no_more_memory_than_a_few() {
    const ROWS: usize = 1_000_000;
    let server = Server::start(|_, ask| Ok(rows(ROWS, ask))).await;
    let mut stream = server.client().payments().stream(all()).page_size(1_000);
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
    assert_eq!(read, ROWS);
    println!("rows: {read}, {} MiB after 50,000 rows, {} MiB at most", early >> 20, peak >> 20);
    assert!(peak < early + (32 << 20), "it grew from {early} to {peak} bytes");
}
