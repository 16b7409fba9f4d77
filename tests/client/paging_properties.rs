//! Lists that change while they are read, over HTTP: what holds for each of them.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use piaxis::{ErrorKind, types::PaymentFilter};

use crate::support::lists::{
    Page, Server,
    changing::{Changing, Tally},
    number,
};

/// Number of lists, from `PIAXIS_PAGING_CASES`; the first seed is `PIAXIS_PAGING_SEED`.
fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Every item that is in the list all the time is returned exactly once, or the stream ends with an error.
/// Without a change, and with any total and any limit of the server above 1, there is no error.
#[tokio::test]
async fn no_item_of_a_changing_list_is_lost_or_repeated() {
    let (first, cases) = (variable("PIAXIS_PAGING_SEED", 0), variable("PIAXIS_PAGING_CASES", 300));
    let list = Arc::new(Mutex::new(Changing::new(0, 0)));
    let served = list.clone();
    let server = Server::start(move |_, query| {
        let (items, total) = served.lock().unwrap().page(query.offset, query.limit);
        Ok(Page { items, total })
    })
    .await;
    let client = server.client();
    let mut tally = Tally::default();
    for seed in first..first + cases {
        let changing = Changing::new(seed, 60);
        let page_size = u32::try_from(changing.page_size).unwrap();
        *list.lock().unwrap() = changing;
        let mut stream = client.payments().stream(PaymentFilter::builder().build()).page_size(page_size);
        let (mut read, mut error) = (Vec::new(), None);
        while let Some(item) = stream.next().await {
            match item {
                Ok(item) => read.push(number(&item.payment_id)),
                Err(problem) => {
                    assert_eq!(problem.kind(), ErrorKind::ListChanged, "seed {seed}: {problem}");
                    error = Some(problem.to_string());
                }
            }
        }
        tally.check(seed, &list.lock().unwrap(), &read, error.as_deref());
    }
    println!("over HTTP: {tally:?}");
    assert!(tally.errors < tally.cases / 4, "{tally:?}");
}
