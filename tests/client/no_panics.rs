//! No duration and no number makes a public function panic, from the program or from a response.

use std::{
    convert::Infallible,
    time::{Duration, UNIX_EPOCH},
};

use piaxis::{
    Amount, Client, PaymentMethod, PollResult, RequestOptions, RetryPolicy,
    types::{DisbursementCreate, DisbursementFilter, PaymentCreate, PaymentFilter, Recipient},
    webhook::{Deduplication, Guarantee, MemoryGuard, Signer, Webhook},
};
use proptest::prelude::*;
use tokio::time::timeout;

use crate::support::server::{Response, Server};

/// Edges, and anything else.
fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::from_nanos(1)),
        Just(Duration::MAX),
        Just(Duration::MAX - Duration::from_nanos(1)),
        Just(Duration::from_secs(u64::MAX / 2)),
        Just(Duration::from_secs(i64::MAX as u64)),
        any::<Duration>(),
        (0_u64..2_000).prop_map(Duration::from_micros),
    ]
}

fn numbers() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(2_999),
        Just(3_001),
        Just(60_000),
        Just(60_001),
        Just(u32::MAX - 1),
        Just(u32::MAX),
        any::<u32>()
    ]
}

fn retry_afters() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        any::<u64>().prop_map(|seconds| seconds.to_string()),
        Just("18446744073709551615".to_owned()),
        Just("99999999999999999999999999999".to_owned()),
        Just("Fri, 31 Dec 9999 23:59:59 GMT".to_owned()),
        Just("Sunday, 06-Nov-94 08:49:37 GMT".to_owned()),
        "[ -~]{0,20}".prop_map(|text| text.trim().to_owned()),
    ]
}

#[derive(Debug, Clone)]
struct Case {
    durations: [Duration; 9],
    numbers: [u32; 4],
    retry_after: String,
    status: u16,
}

fn cases() -> impl Strategy<Value = Case> {
    let status = prop_oneof![Just(200), Just(429), Just(503), 200_u16..600];
    (prop::array::uniform9(durations()), prop::array::uniform4(numbers()), retry_afters(), status)
        .prop_map(|(durations, numbers, retry_after, status)| Case { durations, numbers, retry_after, status })
}

fn order() -> PaymentCreate {
    PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

/// Long waits are legal; what counts is that nothing panics on the way into them.
const MOMENT: Duration = Duration::from_millis(3);

async fn run(case: Case) {
    let Case { durations: [a, b, c, d, e, f, g, h, i], numbers: [rate, concurrency, retries, page], .. } = case;
    let body = r#"{"id":"p","payment_id":"p","status":"pending","amount":"1","currency":"UGX","results":[]}"#;
    let server = Server::start(Response::new(case.status, &[("retry-after", &case.retry_after)], body)).await;
    let policy = RetryPolicy::default().max_retries(retries).backoff(a, b).max_retry_after(c);
    let client = server
        .builder()
        .api_key("key-1")
        .client_id("client-1")
        .requests_per_minute(rate)
        .concurrency(concurrency as usize)
        .timeout(d)
        .deadline(e)
        .connect_timeout(f)
        .idle_timeout(g)
        .body_limit(page as usize)
        .retry_policy(policy.clone())
        .build();
    let Ok(client) = client else { return assert!(rate == 0 || concurrency == 0) };
    let options = RequestOptions::new().timeout(h).deadline(i).retry_policy(policy);
    let _ = timeout(MOMENT, client.payments().create(order()).options(options.clone()).into_future()).await;
    let poller = client.payments().wait_until_settled("p").timeout(a).intervals(h, i).options(options.clone());
    if let Ok(Ok(PollResult::Settled(_))) = timeout(MOMENT, poller.into_future()).await {
        panic!("pending is not settled");
    }
    let create = client.payments().create_and_wait(order()).timeout(h).intervals(a, b).options(options.clone());
    let _ = timeout(MOMENT, create.into_future()).await;
    let now = std::time::SystemTime::now();
    let _ = timeout(MOMENT, client.payments().find_like(&order(), now).into_future()).await;
    let filter = PaymentFilter::builder().limit(page).offset(retries).build();
    let mut items = client.payments().stream(filter).page_size(rate).from_offset(page);
    let _ = timeout(MOMENT, futures_util::StreamExt::next(&mut items)).await;
    let filter = DisbursementFilter::builder().limit(retries).build();
    let mut items = client.disbursements().stream(filter).from_offset(u32::MAX);
    let _ = timeout(MOMENT, futures_util::StreamExt::next(&mut items)).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_duration_and_no_number_panics(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // A task that panics would not fail the test, so each step runs on the test's own.
        runtime.block_on(run(case));
    }

    #[test]
    fn no_sum_of_a_payout_panics(amounts in prop::collection::vec(any::<i64>(), 0..4), scales in prop::collection::vec(0_u32..28, 4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let largest = Amount::from(piaxis::rust_decimal::Decimal::MAX);
            let amounts = amounts.iter().zip(&scales).filter_map(|(value, scale)| Amount::new(*value, *scale).ok());
            let recipients: Vec<Recipient> = amounts
                .chain([largest, largest])
                .map(|amount| Recipient::builder().amount(amount).phone_number("+256771234567").build())
                .collect();
            let body = DisbursementCreate::builder().currency("UGX").payment_method(PaymentMethod::Mtn).recipients(recipients);
            let client = Client::builder().api_key("key-1").client_id("client-1").build().unwrap();
            let error = client.disbursements().quote_and_create(body.build(), largest).await.unwrap_err();
            assert_eq!(error.field_errors()[0].path(), "recipients");
        });
    }

    #[test]
    fn no_duration_of_a_webhook_panics(ttl in durations(), tolerance in durations(), now in any::<u32>(), id in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let body = format!(r#"{{"event":"payment.succeeded","data":{{"payment_id":"{id}"}}}}"#);
            let now = UNIX_EPOCH + Duration::from_secs(now.into());
            let webhook = Webhook::new("secret").unwrap().tolerance(tolerance).body_timeout(ttl).clock(move || now);
            let headers: http::HeaderMap = Signer::new("secret").unwrap().sign(&body).into();
            if let Ok(delivery) = webhook.verify(&body, &headers) {
                let key = delivery.deduplication_key();
                for guarantee in [Guarantee::AtMostOnce, Guarantee::AtLeastOnce, Guarantee::OncePerLease(tolerance)] {
                    let deduplication = Deduplication::new(MemoryGuard::new(10), guarantee).ttl(ttl);
                    for _ in 0..2 {
                        let _ = deduplication.once(key, async || Ok::<_, Infallible>(())).await;
                    }
                    let _ = deduplication.detached(key, ttl, async || Err::<Infallible, _>(())).await;
                }
            }
        });
    }
}
