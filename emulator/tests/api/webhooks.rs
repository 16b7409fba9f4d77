//! Webhooks: deliveries, their signatures, order, retries and log.

use std::time::Duration;

use piaxis::{
    Amount, JsonObject, PaymentMethod, PaymentStatus, RetryPolicy, TermType,
    types::{EscrowCreate, EscrowDispute, PaymentCreate, TermCreate, UserInfo},
    webhook::{Envelope, EventType, Payload, SignatureVersion, Webhook},
};
use piaxis_emulator::{
    DECLINED_PHONE_NUMBER, Delivery, DeliveryStatus, Emulator, Fault, Merchant, PENDING_PHONE_NUMBER, Resolution, When,
};
use serde_json::Value;

use crate::support::{
    receiver::{Receiver, Respond},
    tested::{Tested, builder, start, started},
};

const BUYER: &str = "+256700000000";
const SECOND: Duration = Duration::from_secs(1);

fn order(phone_number: &str) -> PaymentCreate {
    let payer = UserInfo::builder().phone_number(phone_number).build();
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
    order.user_info(payer).build()
}

async fn pay(merchant: Merchant<'_>, phone_number: &str) -> String {
    merchant.client().payments().create(order(phone_number)).await.unwrap().payment_id
}

/// Makes payments, and settles all of them at one time.
async fn pay_several(emulator: &Tested, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(pay(emulator.default_merchant(), BUYER).await);
    }
    emulator.settle();
    ids
}

async fn started_with_receiver() -> (Tested, Receiver) {
    let receiver = Receiver::start().await;
    (started(builder().webhook_url(&receiver.url)).await, receiver)
}

fn payment_ids(receiver: &Receiver) -> Vec<String> {
    let id =
        |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["data"]["payment_id"].as_str().unwrap().to_owned();
    receiver.received().iter().map(|received| id(&received.body)).collect()
}

fn statuses(delivery: &Delivery) -> Vec<Option<u16>> {
    delivery.attempts.iter().map(|attempt| attempt.status).collect()
}

#[tokio::test]
async fn every_delivery_of_a_payment_verifies() {
    let (emulator, receiver) = started_with_receiver().await;
    let merchant = emulator.default_merchant();
    let expected = [
        (pay(merchant, BUYER).await, EventType::PaymentSucceeded, "succeeded"),
        (pay(merchant, DECLINED_PHONE_NUMBER).await, EventType::PaymentFailed, "failed"),
    ];
    pay(merchant, PENDING_PHONE_NUMBER).await;
    emulator.webhooks_idle().await;
    assert!(receiver.received().is_empty() && merchant.deliveries().is_empty(), "nothing is settled yet");
    emulator.settle();
    emulator.webhooks_idle().await;
    assert_eq!(receiver.received().len(), 2);
    for (received, (id, name, status)) in receiver.received().iter().zip(expected) {
        let event = received.event(merchant.webhook_secret(), emulator.now());
        assert_eq!(event.event_type(), Some(&name));
        let delivery = received.delivery(merchant.webhook_secret(), emulator.now());
        assert_eq!(delivery.verified().version, SignatureVersion::V2);
        assert_eq!(delivery.event_header(), Some(name.as_str()));
        assert_eq!(event.merchant_id(), Some(&*merchant.id()));
        assert_eq!(event.timestamp().unwrap().to_utc(), emulator.now());
        assert!(event.webhook_id().is_some() && !event.is_test());
        let Payload::Payment(payment) = event.payload().unwrap() else { panic!("{event:?}") };
        assert_eq!(payment.payment_id.as_deref(), Some(&*id));
        assert_eq!(payment.amount, Some(Amount::from(15_000)));
        assert_eq!(payment.currency.as_deref(), Some("UGX"));
        assert_eq!(event.data()["status"], status);
        assert!(event.data()["amount"].is_number());
        let shown = emulator.client().payments().get(&id).await.unwrap();
        assert_eq!(payment.reference, shown.reference);
        assert_eq!(received.headers["content-type"], "application/json");
    }
    let log = merchant.deliveries();
    assert!(
        log.iter().all(|delivery| delivery.status == DeliveryStatus::Delivered && statuses(delivery) == [Some(200)])
    );
    assert_eq!(
        log.iter().map(|delivery| delivery.object_id.clone().unwrap()).collect::<Vec<_>>(),
        payment_ids(&receiver)
    );
}

#[tokio::test]
async fn a_delivery_is_retried_with_exponential_backoff_until_it_succeeds() {
    let (emulator, receiver) = started_with_receiver().await;
    let merchant = emulator.default_merchant();
    receiver.respond_with([Respond::Status(500), Respond::Close, Respond::Status(307)]);
    pay_several(&emulator, 1).await;
    let mut times = vec![emulator.now()];
    emulator.webhooks_idle().await;
    for (backoff, attempts) in [(1, 1), (2, 2), (4, 3)] {
        emulator.advance(SECOND * backoff - Duration::from_millis(1));
        emulator.webhooks_idle().await;
        assert_eq!(receiver.received().len(), attempts, "not before the backoff is over");
        let [delivery] = merchant.deliveries().try_into().unwrap();
        assert_eq!(delivery.status, DeliveryStatus::Pending);
        assert_eq!(delivery.next_attempt_at, Some(emulator.now() + chrono::TimeDelta::milliseconds(1)));
        emulator.advance(Duration::from_millis(1));
        times.push(emulator.now());
        emulator.webhooks_idle().await;
    }
    let [delivery] = merchant.deliveries().try_into().unwrap();
    assert_eq!(delivery.status, DeliveryStatus::Delivered);
    assert_eq!(statuses(&delivery), [Some(500), None, Some(307), Some(200)]);
    assert_eq!(delivery.attempts.iter().map(|attempt| attempt.at).collect::<Vec<_>>(), times);
    assert!(delivery.attempts[1].error.as_ref().unwrap().starts_with("request failed: "), "{delivery:?}");
    assert!(!format!("{delivery:?}").contains("in-the-url"), "{delivery:?}");
    for (received, at) in receiver.received().iter().zip(times) {
        assert_eq!(received.body, delivery.body);
        received.event(merchant.webhook_secret(), at);
    }
    emulator.settle();
    emulator.webhooks_idle().await;
    assert_eq!(receiver.received().len(), 4, "no attempt after a success");
}

#[tokio::test]
async fn a_delivery_fails_after_four_attempts_and_holds_up_no_other() {
    let (emulator, receiver) = started_with_receiver().await;
    receiver.respond_with([Respond::Status(503), Respond::Status(200)]);
    let ids = pay_several(&emulator, 2).await;
    emulator.webhooks_idle().await;
    assert_eq!(payment_ids(&receiver), ids);
    receiver.respond_with([Respond::Status(404); 9]);
    for _ in 0..9 {
        emulator.advance(4 * SECOND);
        emulator.webhooks_idle().await;
    }
    assert_eq!(receiver.received().len(), 5);
    let [failed, delivered] = emulator.default_merchant().deliveries().try_into().unwrap();
    assert_eq!((failed.status, failed.next_attempt_at), (DeliveryStatus::Failed, None));
    assert_eq!(statuses(&failed), [Some(503), Some(404), Some(404), Some(404)]);
    assert_eq!(delivered.status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn merchants_get_their_own_events_and_do_not_wait_for_each_other() {
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    let emulator = started(builder().webhook_url(&slow.url).webhook_timeout(Duration::from_millis(100))).await;
    let other = emulator.merchant("other");
    other.set_webhook(&quick.url);
    slow.respond_with([Respond::Hang]);
    pay(emulator.default_merchant(), BUYER).await;
    let id = pay(other, BUYER).await;
    pay(emulator.merchant("without"), BUYER).await;
    emulator.settle();
    quick.wait_for(1).await;
    emulator.webhooks_idle().await;
    assert_eq!(payment_ids(&quick), [id]);
    quick.received()[0].event(other.webhook_secret(), emulator.now());
    assert_ne!(other.webhook_secret(), emulator.default_merchant().webhook_secret());
    assert_eq!(other.deliveries().len(), 1);
    assert!(emulator.merchant("without").deliveries().is_empty());
    let [delivery] = emulator.default_merchant().deliveries().try_into().unwrap();
    assert_eq!(delivery.attempts[0].error.as_deref(), Some("request timed out after 100ms"));
}

#[tokio::test]
async fn deliveries_can_be_duplicated_reordered_and_delayed() {
    let (emulator, receiver) = started_with_receiver().await;
    let merchant = emulator.default_merchant();
    merchant.duplicate_webhooks(true);
    let [id] = pay_several(&emulator, 1).await.try_into().unwrap();
    emulator.webhooks_idle().await;
    assert_eq!(payment_ids(&receiver), [id.as_str(), id.as_str()]);
    let [first, second] = receiver.received().try_into().unwrap();
    assert_eq!(first.body, second.body);
    merchant.duplicate_webhooks(false);

    let (emulator, receiver) = started_with_receiver().await;
    let ids = pay_several(&emulator, 6).await;
    emulator.webhooks_idle().await;
    assert_eq!(payment_ids(&receiver), ids, "in the order of the events");
    let mut orders = Vec::new();
    for seed in [7, 7, 8] {
        let (emulator, receiver) = started_with_receiver().await;
        emulator.default_merchant().reorder_webhooks(seed);
        assert_eq!(pay_several(&emulator, 6).await, ids);
        emulator.webhooks_idle().await;
        let order = payment_ids(&receiver);
        assert_ne!(order, ids);
        assert!(ids.iter().all(|id| order.contains(id)));
        orders.push(order);
    }
    assert!(orders[0] == orders[1] && orders[1] != orders[2]);

    let (emulator, receiver) = started_with_receiver().await;
    let merchant = emulator.default_merchant();
    merchant.hold_webhooks();
    let ids = pay_several(&emulator, 2).await;
    emulator.advance(60 * SECOND);
    emulator.webhooks_idle().await;
    assert!(receiver.received().is_empty());
    assert!(merchant.deliveries().iter().all(|delivery| delivery.status == DeliveryStatus::Pending));
    merchant.release_webhooks();
    emulator.webhooks_idle().await;
    assert_eq!(payment_ids(&receiver), ids);
    receiver.received()[0].event(merchant.webhook_secret(), emulator.now());
}

#[tokio::test]
async fn events_are_resent_on_request() {
    let receiver = Receiver::start().await;
    let emulator = start().await;
    let merchant = emulator.default_merchant();
    let missed = pay_several(&emulator, 1).await.remove(0);
    let since = emulator.now();
    assert_eq!(merchant.replay_since(since), 0, "no URL");
    merchant.set_webhook(&receiver.url);
    merchant.set_webhook_secret("another secret");
    assert_eq!(merchant.replay_since(since + chrono::TimeDelta::seconds(1)), 0);
    assert_eq!(merchant.replay_since(since), 1);
    emulator.webhooks_idle().await;
    emulator.advance(5 * SECOND);
    let [delivery] = merchant.deliveries().try_into().unwrap();
    merchant.resend(&delivery);
    emulator.webhooks_idle().await;
    assert_eq!(payment_ids(&receiver), [missed.as_str(), missed.as_str()]);
    let [replayed, resent] = receiver.received().try_into().unwrap();
    assert_eq!(replayed.body, resent.body);
    resent.event(merchant.webhook_secret(), emulator.now());
    let [_, delivery] = merchant.deliveries().try_into().unwrap();
    assert_eq!((delivery.status, delivery.created_at), (DeliveryStatus::Delivered, emulator.now()));

    merchant.set_webhook_secret("");
    merchant.resend(&delivery);
    emulator.webhooks_idle().await;
    let unsigned = receiver.received().remove(2);
    assert_eq!(unsigned.headers["x-piaxis-event"], "payment.succeeded");
    assert!(unsigned.headers.keys().all(|name| !name.as_str().contains("signature")), "{:?}", unsigned.headers);

    merchant.remove_webhook();
    pay_several(&emulator, 1).await;
    emulator.webhooks_idle().await;
    assert_eq!((receiver.received().len(), merchant.deliveries().len()), (3, 3));
}

#[tokio::test]
async fn envelopes_and_signatures_can_be_chosen() {
    let (emulator, receiver) = started_with_receiver().await;
    let merchant = emulator.default_merchant();
    for envelope in Envelope::ALL {
        merchant.set_webhook_envelope(*envelope);
        pay_several(&emulator, 1).await;
        emulator.webhooks_idle().await;
        let event = receiver.received().last().unwrap().event(merchant.webhook_secret(), emulator.now());
        assert_eq!(event.event_type(), Some(&EventType::PaymentSucceeded), "{envelope:?}");
        assert_eq!(event.merchant_id(), Some(&*merchant.id()), "{envelope:?}");
        assert_eq!(event.timestamp().unwrap().to_utc(), emulator.now(), "{envelope:?}");
        assert_eq!(event.webhook_id().is_some(), *envelope != Envelope::Helper);
        assert_eq!(event.data().contains_key("merchant_id"), *envelope != Envelope::MerchantAtTop);
        assert!(event.extra().is_empty(), "{envelope:?}: {:?}", event.extra());
    }
    merchant.sign_webhooks_with_v1_only(true);
    pay_several(&emulator, 1).await;
    emulator.webhooks_idle().await;
    let received = receiver.received().pop().unwrap();
    let webhook = Webhook::new(merchant.webhook_secret()).unwrap();
    let delivery = webhook.verify(&received.body, &received.headers).unwrap();
    assert_eq!(delivery.verified().version, SignatureVersion::V1);
    assert_eq!(delivery.event_header(), Some("payment.succeeded"));
    webhook.require_v2().verify(&received.body, &received.headers).unwrap_err();
}

#[tokio::test]
async fn any_event_about_an_object_can_be_triggered() {
    let (emulator, receiver) = started_with_receiver().await;
    let merchant = emulator.default_merchant();
    let id = pay(merchant, BUYER).await;
    merchant.trigger(EventType::PaymentFailed, &id);
    merchant.trigger("refund.processed", &id);
    emulator.settle();
    merchant.trigger("payment.succeeded", &id);
    emulator.webhooks_idle().await;
    assert_eq!(emulator.client().payments().get(&id).await.unwrap().status, PaymentStatus::Completed);
    let events: Vec<_> =
        receiver.received().iter().map(|one| one.event(merchant.webhook_secret(), emulator.now())).collect();
    let names = events.iter().map(|event| event.event_type().unwrap().as_str());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["payment.failed", "refund.processed", "payment.succeeded", "payment.succeeded"]
    );
    assert_eq!(events[2].data(), events[3].data());
    let mut failed = events[2].data().clone();
    failed.insert("status".into(), "failed".into());
    assert_eq!(events[0].data(), &failed);
    assert_eq!((&events[1].data()["payment_id"], &events[1].data()["status"]), (&id.into(), &"processed".into()));
    assert!(merchant.deliveries().iter().all(|delivery| delivery.object_id == merchant.deliveries()[0].object_id));
}

#[tokio::test]
async fn escrows_and_disputes_have_events_that_can_be_triggered() {
    let (emulator, receiver) = started_with_receiver().await;
    let (client, merchant) = (emulator.client(), emulator.default_merchant());
    let payer = UserInfo::builder().phone_number(BUYER).otp(emulator.otp(BUYER).await).build();
    let term = TermCreate::builder().type_(TermType::ManualRelease).data(JsonObject::new()).build();
    let order = EscrowCreate::builder().amount(50_000).currency_code("UGX").payment_method(PaymentMethod::Mtn);
    let escrow = client.escrows().create(order.terms(vec![term]).user_info(payer).build()).await.unwrap();
    let dispute = EscrowDispute::builder().reason("broken").build();
    let dispute_id = Some(client.escrows().dispute(&escrow.id, dispute).await.unwrap().dispute_id);
    assert!(emulator.resolve_dispute(&escrow.id, Resolution::Release));
    merchant.trigger("escrow.released", &escrow.id);
    merchant.trigger("dispute.opened", &escrow.id);
    merchant.trigger("dispute.opened", dispute_id.as_deref().unwrap());
    emulator.webhooks_idle().await;
    let events: Vec<_> =
        receiver.received().iter().map(|one| one.event(merchant.webhook_secret(), emulator.now())).collect();
    let names: Vec<_> = events.iter().map(|event| event.event_type().unwrap().as_str()).collect();
    let opened = ["dispute.opened", "dispute.closed", "escrow.released"];
    assert_eq!(names, [&opened[..], &["escrow.released", "dispute.opened", "dispute.opened"]].concat());
    let Payload::Dispute(first) = events[0].payload().unwrap() else { panic!("{:?}", events[0]) };
    assert_eq!((&first.dispute_id, first.escrow_id.as_deref()), (&dispute_id, Some(&*escrow.id)));
    let Payload::Escrow(released) = events[2].payload().unwrap() else { panic!("{:?}", events[2]) };
    assert_eq!((released.amount, released.currency_code.as_deref()), (Some(Amount::from(50_000)), Some("UGX")));
    assert_eq!(events[3].data(), events[2].data());
    assert_eq!(events[4].data(), events[0].data());
    assert_eq!(events[5].data(), events[0].data());
    assert_eq!(merchant.deliveries()[0].object_id, dispute_id);
    assert_eq!(merchant.deliveries()[2].object_id, Some(escrow.id));
}

#[tokio::test]
#[should_panic(expected = "the merchant has no object")]
async fn an_event_about_the_object_of_another_merchant_cannot_be_triggered() {
    let emulator = start().await;
    let id = pay(emulator.default_merchant(), BUYER).await;
    emulator.merchant("other").trigger("payment.succeeded", &id);
}

#[tokio::test]
#[should_panic(expected = "invalid webhook URL: scheme `ftp` is unsupported")]
async fn the_url_of_an_endpoint_is_checked() {
    start().await.default_merchant().set_webhook("ftp://example.com");
}

#[tokio::test]
async fn an_event_is_sent_when_its_money_moved_and_only_then() {
    let (emulator, receiver) = started_with_receiver().await;
    let client = emulator.client();
    let pay = |key: &str| {
        let payment = client.payments().create(order(BUYER)).idempotency_key(key).retry_policy(RetryPolicy::none());
        async move { payment.await.map(|_| ()).is_ok() }
    };
    emulator.fail_next("payments_create", When::BeforeCommit(Fault::Status(500)));
    assert!(!pay("key-1").await);
    emulator.settle();
    emulator.webhooks_idle().await;
    assert!(receiver.received().is_empty());
    emulator.fail_next("payments_create", When::AfterCommit(Fault::Reset));
    assert!(!pay("key-2").await);
    assert!(pay("key-2").await);
    emulator.settle();
    emulator.webhooks_idle().await;
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn payments_settle_and_deliveries_are_retried_by_themselves_on_the_machines_clock() {
    let receiver = Receiver::start().await;
    receiver.respond_with([Respond::Status(500)]);
    let builder = Emulator::builder().settle_after(Duration::from_millis(20)).webhook_url(&receiver.url);
    let emulator = builder.start().await.unwrap();
    pay(emulator.default_merchant(), BUYER).await;
    receiver.wait_for(2).await;
    emulator.webhooks_idle().await;
    let [delivery] = emulator.default_merchant().deliveries().try_into().unwrap();
    assert_eq!(statuses(&delivery), [Some(500), Some(200)]);
    assert!(delivery.attempts[1].at - delivery.attempts[0].at >= chrono::TimeDelta::seconds(1));
    let webhook = Webhook::new(emulator.default_merchant().webhook_secret()).unwrap().require_v2();
    for received in receiver.received() {
        webhook.verify(&received.body, &received.headers).unwrap();
    }
}

#[tokio::test]
async fn the_tasks_of_an_emulator_end_with_it() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let emulator = Emulator::start().await.unwrap();
    assert_eq!(tasks(), before + 2);
    emulator.shutdown().await;
    assert_eq!(tasks(), before);
    let emulator = Emulator::builder().start().await.unwrap();
    assert_eq!(tasks(), before + 2);
    drop(emulator);
    while tasks() > before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn debug_output_shows_no_secrets() {
    let builder = builder().webhook_url("http://localhost/?token=in-the-url").webhook_secret("the secret");
    let text = format!("{builder:?}");
    let emulator = builder.start().await.unwrap();
    let text = format!("{text} {emulator:?} {:?}", emulator.default_merchant());
    assert!(!text.contains("the secret") && !text.contains("in-the-url"), "{text}");
    let url = Emulator::builder().webhook_url("no url").start().await.unwrap_err();
    assert_eq!(url.to_string(), "invalid webhook URL: relative URL without a base");
}

#[tokio::test]
async fn responses_take_as_long_as_the_latency() {
    let emulator = Emulator::builder().latency(Duration::from_millis(50)).start().await.unwrap();
    let started = std::time::Instant::now();
    pay(emulator.default_merchant(), BUYER).await;
    assert!(started.elapsed() >= Duration::from_millis(50));
}
