//! Escrow disbursements: money in escrows, releases of a batch, cancellation, lists.

use std::time::Duration;

use http::Method;
use piaxis::{
    Amount, Client, EscrowDisbursementStatus as Status, EscrowStatus, PaymentMethod, TermData,
    types::{
        DisbursementCancel, EscrowDisbursement, EscrowDisbursementCreate, EscrowDisbursementFilter,
        EscrowDisbursementRelease, EscrowDispute, EscrowRecipient, EscrowRelease, EscrowReverse, TermCreate,
    },
};
use piaxis_emulator::{Account, DECLINED_PHONE_NUMBER};
use serde_json::{Value, json};

use crate::support::tested::{builder, start, started};

const COURIER: &str = "+256700111000";

fn manual() -> TermCreate {
    TermCreate::new(TermData::ManualRelease).unwrap()
}

fn delivery() -> TermCreate {
    serde_json::from_value(json!({ "type": "delivery_confirmation", "data": { "description": "Parcel" } })).unwrap()
}

fn external(phone_number: &str, amount: impl Into<Amount>, terms: Vec<TermCreate>) -> EscrowRecipient {
    EscrowRecipient::builder().phone_number(phone_number).amount(amount).terms(terms).build()
}

fn internal(id: &str, amount: impl Into<Amount>, terms: Vec<TermCreate>) -> EscrowRecipient {
    EscrowRecipient::builder().recipient_id(id).amount(amount).terms(terms).build()
}

fn order(recipients: Vec<EscrowRecipient>) -> EscrowDisbursementCreate {
    let order = EscrowDisbursementCreate::builder().recipients(recipients).currency("UGX");
    order.payment_method(PaymentMethod::Mtn).description("Couriers").build()
}

fn release(ids: Option<Vec<String>>, force: bool) -> EscrowDisbursementRelease {
    EscrowDisbursementRelease::builder().maybe_escrow_ids(ids).force(force).reason("Delivered").build()
}

fn reverse() -> EscrowReverse {
    EscrowReverse::builder().reason("Not delivered").build()
}

fn escrow_ids(batch: &EscrowDisbursement) -> Vec<String> {
    batch.escrow_items.as_ref().unwrap().iter().map(|item| item.escrow_id.clone().unwrap()).collect()
}

fn counts(found: &EscrowDisbursement) -> (i64, i64, i64) {
    (found.successful_count.unwrap(), found.failed_count.unwrap(), found.pending_count.unwrap())
}

/// Status and counts of a batch.
async fn state(client: &Client, id: &str) -> (Status, (i64, i64, i64)) {
    let found = client.escrow_disbursements().get(id).await.unwrap();
    (found.status.clone().unwrap(), counts(&found))
}

#[tokio::test]
async fn each_recipient_gets_an_escrow_with_the_terms_and_the_money() {
    let emulator = start().await;
    let (client, other) = (emulator.client(), emulator.merchant("other").id());
    let body = json!({
        "recipients": [
            { "recipient_id": other, "amount": 100_000, "terms": [{ "type": "manual_release", "data": {} }], "reference": "courier-1" },
            { "phone_number": COURIER, "amount": "150000.5", "terms": [
                { "type": "manual_release", "data": {} },
                { "type": "delivery_confirmation", "data": { "description": "Parcel" } },
            ] },
        ],
        "currency": "UGX",
        "payment_method": "mtn",
        "description": "Couriers",
        "user_location": { "latitude": 0.312, "longitude": 32.582 },
    });
    let created: Value = client.request(Method::POST, "/escrow-disbursements").json(&body).await.unwrap();
    let expected = json!({
        "disbursement_id": created["disbursement_id"],
        "status": "pending",
        "total_amount": "250000.50",
        "currency": "UGX",
        "recipient_count": 2,
        "successful_count": 0,
        "failed_count": 0,
        "pending_count": 2,
        "escrow_items": [
            {
                "recipient_id": other, "email": null, "phone_number": null, "amount": "100000.00",
                "escrow_id": created["escrow_items"][0]["escrow_id"], "status": "pending", "terms_count": 1,
                "reference": "courier-1",
            },
            {
                "recipient_id": null, "email": null, "phone_number": COURIER, "amount": "150000.50",
                "escrow_id": created["escrow_items"][1]["escrow_id"], "status": "pending", "terms_count": 2, "reference": null,
            },
        ],
        "description": "Couriers",
        "created_at": created["created_at"],
    });
    assert_eq!(created, expected);
    assert_eq!(emulator.default_merchant().balance("UGX"), "9749999.5".parse::<Amount>().unwrap());
    assert!(emulator.balances().contains(&(Account::Escrow(1), "UGX".into(), "150000.5".parse().unwrap())));

    let found = client.escrow_disbursements().get(created["disbursement_id"].as_str().unwrap()).await.unwrap();
    let ids = escrow_ids(&found);
    for (id, receiver) in ids.iter().zip([Some(other), None]) {
        let escrow = client.escrows().get(id).await.unwrap();
        assert_eq!(escrow.sender_id, Some(emulator.default_merchant().id()));
        assert_eq!(escrow.receiver_id, receiver);
    }
}

#[tokio::test]
async fn a_release_reports_released_skipped_and_failed_escrows() {
    let emulator = start().await;
    let (client, other) = (emulator.client(), emulator.merchant("other"));
    let recipients = vec![
        internal(&other.id(), 1_000, vec![manual()]),
        external(COURIER, 2_000, vec![delivery()]),
        external(DECLINED_PHONE_NUMBER, 3_000, vec![manual()]),
        external(COURIER, 4_000, vec![manual()]),
        external(COURIER, 5_000, vec![manual()]),
    ];
    let batch = client.escrow_disbursements().create(order(recipients)).await.unwrap();
    let foreign =
        client.escrow_disbursements().create(order(vec![external(COURIER, 1, vec![manual()])])).await.unwrap();
    let (id, ids) = (&*batch.disbursement_id, escrow_ids(&batch));
    client.escrows().dispute(&*ids[3], EscrowDispute::builder().reason("Broken").build()).await.unwrap();

    let none = client.escrow_disbursements().release(id, release(Some(Vec::new()), true)).await.unwrap();
    assert_eq!((none.released_count, none.skipped_count, none.failed_count), (Some(0), Some(0), Some(0)));
    assert_eq!(state(&client, id).await, (Status::Pending, (0, 0, 5)));

    let named = [&ids[..4], &[ids[0].clone(), escrow_ids(&foreign)[0].clone(), "escrow-1".to_owned()]].concat();
    let result = client.escrow_disbursements().release(id, release(Some(named.clone()), false)).await.unwrap();
    assert_eq!((result.released_count, result.skipped_count, result.failed_count), (Some(1), Some(2), Some(4)));
    assert_eq!((result.force, result.reason.as_deref()), (Some(false), Some("Delivered")));
    let released = &result.released.unwrap()[0];
    assert_eq!((released.escrow_id.as_ref(), &released.status), (Some(&ids[0]), &Some(EscrowStatus::Released)));
    assert!(released.item_id.is_some());
    let skipped: Vec<Value> = result.skipped.unwrap();
    let statuses: Vec<(&Value, &Value)> = skipped.iter().map(|item| (&item["escrow_id"], &item["status"])).collect();
    assert_eq!(statuses, [(&json!(ids[1]), &json!("pending")), (&json!(ids[0]), &json!("released"))]);
    let failed: Vec<Value> = result.failed.unwrap().into_iter().map(|item| item["escrow_id"].clone()).collect();
    assert_eq!(failed, [&named[2], &named[3], &named[5], &named[6]].map(|id| json!(id)));
    assert_eq!(other.balance("UGX"), 10_001_000);
    assert_eq!(state(&client, id).await, (Status::Processing, (1, 0, 4)));

    // All of the batch, with force.
    let result = client.escrow_disbursements().release(id, release(None, true)).await.unwrap();
    assert_eq!((result.released_count, result.skipped_count, result.failed_count), (Some(2), Some(1), Some(2)));
    for id in &ids[2..4] {
        if *id == ids[3] {
            assert!(emulator.resolve_dispute(id, piaxis_emulator::Resolution::Dismiss));
        }
        client.escrows().reverse(&**id, reverse()).await.unwrap();
    }
    assert_eq!(state(&client, id).await, (Status::PartiallyCompleted, (3, 2, 0)));
    assert_eq!(emulator.default_merchant().balance("UGX"), 10_000_000 - 1 - 1_000 - 2_000 - 5_000);
}

#[tokio::test]
async fn statuses_of_a_batch_follow_its_escrows() {
    let emulator = start().await;
    let client = emulator.client();
    for (is_released, expected) in [(true, (Status::Completed, (2, 0, 0))), (false, (Status::Failed, (0, 2, 0)))] {
        let recipients = vec![external(COURIER, 1, vec![manual()]), external(COURIER, 2, vec![manual()])];
        let batch = client.escrow_disbursements().create(order(recipients)).await.unwrap();
        for escrow in escrow_ids(&batch) {
            if is_released {
                client.escrows().release(escrow, EscrowRelease::builder().build()).await.unwrap();
            } else {
                client.escrows().reverse(escrow, reverse()).await.unwrap();
            }
        }
        assert_eq!(state(&client, &batch.disbursement_id).await, expected);
        let settled = client.escrow_disbursements().wait_until_settled(&*batch.disbursement_id).await.unwrap();
        assert_eq!(settled.last().unwrap().status, Some(expected.0));
        let error =
            client.escrow_disbursements().cancel(&*batch.disbursement_id, DisbursementCancel::builder().build());
        assert_eq!(error.await.unwrap_err().status().unwrap(), 400);
    }
}

#[tokio::test]
async fn a_cancelled_batch_leaves_its_escrows_to_be_reversed() {
    let emulator = start().await;
    let client = emulator.client();
    let recipients = vec![external(COURIER, 1_000, vec![manual()]), external(COURIER, 2_000, vec![manual()])];
    let batch = client.escrow_disbursements().create(order(recipients)).await.unwrap();
    let id = &*batch.disbursement_id;
    let reason = DisbursementCancel::builder().reason("Entered incorrectly").build();
    let cancelled = client.escrow_disbursements().cancel(id, reason.clone()).await.unwrap();
    assert_eq!((cancelled.status, cancelled.pending_count), (Some(Status::Cancelled), Some(0)));
    assert_eq!(cancelled.cancellation_reason.as_deref(), Some("Entered incorrectly"));
    assert_eq!(cancelled.cancelled_at, Some(emulator.now().into()));
    assert_eq!(emulator.default_merchant().balance("UGX"), 10_000_000 - 3_000);
    let found = client.escrow_disbursements().get(id).await.unwrap();
    assert!(found.escrow_items.unwrap().iter().all(|item| item.status == Some(EscrowStatus::Pending)));
    for result in [
        client.escrow_disbursements().cancel(id, reason).await.map(|_| ()),
        client.escrow_disbursements().release(id, release(None, true)).await.map(|_| ()),
    ] {
        assert_eq!(result.unwrap_err().status().unwrap(), 400);
    }
    for escrow in escrow_ids(&batch) {
        client.escrows().reverse(escrow, reverse()).await.unwrap();
    }
    assert_eq!(emulator.default_merchant().balance("UGX"), 10_000_000);
    assert_eq!(state(&client, id).await, (Status::Cancelled, (0, 2, 0)));
}

#[tokio::test]
async fn invalid_escrow_disbursements_are_rejected_whole() {
    let emulator = started(builder().start_balance(1_000)).await;
    let client = emulator.client();
    let terms = json!([{ "type": "manual_release", "data": {} }]);
    let good = json!({ "phone_number": COURIER, "amount": 600, "terms": terms });
    let cases = [
        (json!([]), 422, json!(["body", "recipients"])),
        (
            json!([good, { "phone_number": COURIER, "amount": 0, "terms": terms }]),
            422,
            json!(["body", "recipients", 1, "amount"]),
        ),
        (
            json!([{ "phone_number": COURIER, "amount": 1, "terms": [] }]),
            422,
            json!(["body", "recipients", 0, "terms"]),
        ),
        (json!([good, { "amount": 1, "terms": terms }]), 422, json!(["body", "recipients", 1])),
        (json!([good, good]), 400, json!("INSUFFICIENT_FUNDS")),
    ];
    for (recipients, status, expected) in cases {
        let body = json!({ "recipients": recipients, "currency": "UGX", "payment_method": "mtn" });
        let error = client.request::<Value>(Method::POST, "/escrow-disbursements").json(&body).await.unwrap_err();
        let detail: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
        let seen = if status == 422 { &detail["detail"][0]["loc"] } else { &detail["detail"]["code"] };
        assert_eq!((error.status().unwrap().as_u16(), seen), (status, &expected), "{detail}");
    }
    assert_eq!(emulator.ledger().len(), 1, "the start balance");
    let all = client.escrow_disbursements().list(EscrowDisbursementFilter::builder().build()).await.unwrap();
    assert_eq!(all.total, Some(0));
    client.escrow_disbursements().create(order(vec![external(COURIER, 1_000, vec![manual()])])).await.unwrap();
}

#[tokio::test]
async fn lists_filter_by_status_newest_first_without_items() {
    let emulator = start().await;
    let client = emulator.client();
    let mut ids = Vec::new();
    for at in 0..6 {
        let batch = order(vec![external(COURIER, 1, vec![manual()])]);
        let batch = client.escrow_disbursements().create(batch).await.unwrap();
        if at % 2 == 0 {
            client.escrow_disbursements().release(&*batch.disbursement_id, release(None, false)).await.unwrap();
        }
        ids.push(batch.disbursement_id);
        emulator.settle();
    }
    ids.reverse();
    let list = |filter: EscrowDisbursementFilter| {
        let page = client.escrow_disbursements().list(filter);
        async move {
            let page = page.await.unwrap();
            (page.total.unwrap(), page.results.into_iter().map(|found| found.disbursement_id).collect::<Vec<_>>())
        }
    };
    assert_eq!(list(EscrowDisbursementFilter::builder().build()).await, (6, ids.clone()));
    assert_eq!(list(EscrowDisbursementFilter::builder().limit(2).offset(3).build()).await, (6, ids[3..5].to_vec()));
    let pending = EscrowDisbursementFilter::builder().status(Status::Pending);
    assert_eq!(list(pending.limit(2).build()).await, (3, vec![ids[0].clone(), ids[2].clone()]));
    let unknown = EscrowDisbursementFilter::builder().status(Status::from("lost"));
    assert_eq!(list(unknown.build()).await, (0, vec![]));
    let page = client.request::<Value>(Method::GET, "/escrow-disbursements").await.unwrap();
    assert_eq!((&page["limit"], page["results"][0].get("escrow_items")), (&json!(20), None));

    let other = emulator.merchant("other").client();
    assert_eq!(
        other.escrow_disbursements().list(EscrowDisbursementFilter::builder().build()).await.unwrap().total,
        Some(0)
    );
    let statuses = [
        other.escrow_disbursements().get(&*ids[0]).await.map(|_| ()),
        other.escrow_disbursements().release(&*ids[0], release(None, true)).await.map(|_| ()),
        other.escrow_disbursements().cancel(&*ids[0], DisbursementCancel::builder().build()).await.map(|_| ()),
    ];
    for result in statuses {
        assert_eq!(result.unwrap_err().status().unwrap(), 404);
    }
}

/// What the random test knows of an escrow.
#[derive(Debug, Clone)]
struct Held {
    id: String,
    amount: Amount,
    /// The merchant who receives the money, where one does.
    to: Option<usize>,
    waits_for_terms: bool,
    is_declined: bool,
    is_disputed: bool,
    status: EscrowStatus,
}

impl Held {
    /// Whether a release is skipped, fails, or neither.
    fn expected(&self, force: bool) -> &'static str {
        if self.status != EscrowStatus::Pending {
            "skipped"
        } else if self.is_disputed {
            "failed"
        } else if self.waits_for_terms && !force {
            "skipped"
        } else if self.is_declined {
            "failed"
        } else {
            "released"
        }
    }
}

/// What the random test knows of a batch.
struct Batch {
    merchant: usize,
    id: String,
    held: Vec<Held>,
    is_cancelled: bool,
}

impl Batch {
    fn count(&self, status: EscrowStatus) -> usize {
        self.held.iter().filter(|held| held.status == status).count()
    }

    fn status(&self) -> Status {
        let (pending, released) = (self.count(EscrowStatus::Pending), self.count(EscrowStatus::Released));
        match (pending, released, self.count(EscrowStatus::Reversed)) {
            _ if self.is_cancelled => Status::Cancelled,
            (1.., 0, 0) => Status::Pending,
            (1.., _, _) => Status::Processing,
            (0, _, 0) => Status::Completed,
            (0, 0, _) => Status::Failed,
            _ => Status::PartiallyCompleted,
        }
    }
}

#[tokio::test]
async fn random_batches_never_make_or_lose_money() {
    for seed in 0..3 {
        random_batches(seed, 1_500).await;
    }
}

async fn random_batches(seed: u64, steps: usize) {
    let start_balance = Amount::from(40_000_000);
    let emulator = started(builder().start_balance(start_balance)).await;
    let merchants = ["one", "two"].map(|name| emulator.merchant(name));
    let ids = merchants.map(|merchant| merchant.id());
    let clients = merchants.map(|merchant| merchant.client());
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut batches: Vec<Batch> = Vec::new();
    let (mut rejected, mut releases, mut cancelled) = (0, 0, 0);
    for step in 0..steps {
        let at = format!("seed {seed}, step {step}");
        if step % 100 == 0 {
            emulator.check_balances();
        }
        let operation = rng.u8(..20);
        if operation < 5 || batches.is_empty() {
            let merchant = rng.usize(..2);
            let held: Vec<Held> = (0..rng.usize(1..5)).map(|_| random_escrow(&mut rng)).collect();
            let recipients = held.iter().map(|held| {
                let terms = vec![if held.waits_for_terms { delivery() } else { manual() }];
                match held.to {
                    Some(to) => internal(&ids[to], held.amount, terms),
                    None => {
                        external(if held.is_declined { DECLINED_PHONE_NUMBER } else { COURIER }, held.amount, terms)
                    }
                }
            });
            let before = merchants[merchant].balance("UGX");
            let total = Amount::checked_sum(held.iter().map(|held| held.amount)).unwrap();
            match clients[merchant].escrow_disbursements().create(order(recipients.collect())).await {
                Ok(created) => {
                    assert_eq!(created.total_amount, Some(total), "{at}");
                    assert_eq!(merchants[merchant].balance("UGX").checked_add(total), Some(before), "{at}");
                    let named = escrow_ids(&created).into_iter().zip(held).map(|(id, held)| Held { id, ..held });
                    let (id, held) = (created.disbursement_id, named.collect());
                    batches.push(Batch { merchant, id, held, is_cancelled: false });
                }
                Err(error) => {
                    assert_eq!(error.code(), Some("INSUFFICIENT_FUNDS"), "{at}: {error}");
                    assert!(total > before && merchants[merchant].balance("UGX") == before, "{at}");
                    rejected += 1;
                }
            }
            continue;
        }
        let newest = batches.len().saturating_sub(12);
        let number = rng.usize(newest..batches.len());
        let foreign = batches[rng.usize(..batches.len())].held[0].id.clone();
        let batch = &mut batches[number];
        let client = &clients[batch.merchant];
        match operation {
            5..11 => {
                let force = rng.bool();
                let named = (rng.u8(..3) > 0).then(|| {
                    let mut named: Vec<String> = batch.held.iter().map(|held| held.id.clone()).collect();
                    rng.shuffle(&mut named);
                    named.truncate(rng.usize(..=named.len()));
                    named.extend((rng.u8(..4) == 0).then_some(foreign));
                    named
                });
                let result = client.escrow_disbursements().release(&*batch.id, release(named.clone(), force)).await;
                if batch.is_cancelled {
                    assert_eq!(result.unwrap_err().status().unwrap(), 400, "{at}");
                    continue;
                }
                let result = result.unwrap();
                let named = named.unwrap_or_else(|| batch.held.iter().map(|held| held.id.clone()).collect());
                let (mut released, mut skipped, mut failed) = (0, 0, 0);
                for id in named {
                    let held = batch.held.iter_mut().find(|held| held.id == id);
                    match held.as_ref().map_or("failed", |held| held.expected(force)) {
                        "released" => {
                            held.unwrap().status = EscrowStatus::Released;
                            released += 1;
                        }
                        "skipped" => skipped += 1,
                        _ => failed += 1,
                    }
                }
                let seen = (result.released_count, result.skipped_count, result.failed_count);
                assert_eq!(seen, (Some(released), Some(skipped), Some(failed)), "{at}");
                releases += released;
            }
            11 => {
                let can = matches!(batch.status(), Status::Pending | Status::Processing);
                let before = merchants[batch.merchant].balance("UGX");
                let body = DisbursementCancel::builder().build();
                let result = client.escrow_disbursements().cancel(&*batch.id, body).await;
                assert_eq!(result.is_ok(), can, "{at}");
                assert_eq!(merchants[batch.merchant].balance("UGX"), before, "{at}");
                batch.is_cancelled |= can;
                cancelled += u32::from(can);
            }
            12..15 => {
                let held = rng.choice(&mut batch.held).unwrap();
                let can = held.status == EscrowStatus::Pending && !held.is_disputed;
                let result = client.escrows().reverse(&*held.id, reverse()).await;
                assert_eq!(result.is_ok(), can, "{at}");
                if can {
                    held.status = EscrowStatus::Reversed;
                }
            }
            15 => {
                let held = rng.choice(&mut batch.held).unwrap();
                let can = held.status == EscrowStatus::Pending && !held.is_disputed;
                let dispute = EscrowDispute::builder().reason("Broken").build();
                assert_eq!(client.escrows().dispute(&*held.id, dispute).await.is_ok(), can, "{at}");
                held.is_disputed |= can;
            }
            _ => {
                check(&client.escrow_disbursements().get(&*batch.id).await.unwrap(), batch);
                emulator.advance(Duration::from_secs(1));
            }
        }
    }
    assert!(rejected > 0 && cancelled > 0 && releases > 100, "{rejected} {cancelled} {releases}");
    emulator.check_balances();
    let mut expected = [start_balance; 2];
    let mut held_money = Amount::ZERO;
    for batch in &batches {
        check(&clients[batch.merchant].escrow_disbursements().get(&*batch.id).await.unwrap(), batch);
        for held in &batch.held {
            let from = &mut expected[batch.merchant];
            *from = from.checked_sub(held.amount).unwrap();
            let to = match held.status {
                EscrowStatus::Released => held.to,
                EscrowStatus::Reversed => Some(batch.merchant),
                _ => {
                    held_money = held_money.checked_add(held.amount).unwrap();
                    None
                }
            };
            if let Some(to) = to {
                expected[to] = expected[to].checked_add(held.amount).unwrap();
            }
        }
    }
    assert_eq!(merchants.map(|merchant| merchant.balance("UGX")), expected, "seed {seed}");
    let in_escrow = emulator.balances().into_iter().filter(|(account, ..)| matches!(account, Account::Escrow(_)));
    assert_eq!(Amount::checked_sum(in_escrow.map(|(.., amount)| amount)), Some(held_money), "seed {seed}");
    for (merchant, client) in clients.iter().enumerate() {
        for status in Status::KNOWN {
            let filter = EscrowDisbursementFilter::builder().status(Status::from(*status)).limit(100).build();
            let page = client.escrow_disbursements().list(filter).await.unwrap();
            let own = batches.iter().filter(|batch| batch.merchant == merchant && batch.status().as_str() == *status);
            assert_eq!(page.total, Some(i64::try_from(own.count()).unwrap()), "seed {seed}: {status}");
        }
    }
}

fn random_escrow(rng: &mut fastrand::Rng) -> Held {
    let amount = if rng.bool() { Amount::new(rng.i64(1..50_000_000), 2).unwrap() } else { rng.i64(1..200_000).into() };
    let to = rng.bool().then(|| rng.usize(..2));
    Held {
        id: String::new(),
        amount,
        to,
        waits_for_terms: rng.u8(..3) == 0,
        is_declined: to.is_none() && rng.u8(..4) == 0,
        is_disputed: false,
        status: EscrowStatus::Pending,
    }
}

/// The batch is what its escrows make of it.
fn check(found: &EscrowDisbursement, batch: &Batch) {
    let items = found.escrow_items.as_ref().unwrap();
    let amounts = items.iter().map(|item| item.amount.unwrap());
    assert_eq!(found.total_amount, Amount::checked_sum(amounts));
    assert_eq!(found.recipient_count, Some(i64::try_from(items.len()).unwrap()));
    for (item, held) in items.iter().zip(&batch.held) {
        assert_eq!((item.escrow_id.as_ref(), item.amount), (Some(&held.id), Some(held.amount)));
        assert_eq!((item.status.as_ref(), item.terms_count), (Some(&held.status), Some(1)));
    }
    let number = |status| i64::try_from(batch.count(status)).unwrap();
    let pending = if batch.is_cancelled { 0 } else { number(EscrowStatus::Pending) };
    assert_eq!(counts(found), (number(EscrowStatus::Released), number(EscrowStatus::Reversed), pending));
    assert_eq!(found.status, Some(batch.status()));
}
