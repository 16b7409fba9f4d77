//! Disbursements: fees, money, statuses, lists.

use std::time::Duration;

use http::Method;
use piaxis::{
    Amount, Client, DisbursementStatus as Status, Outcome, PaymentMethod, PayoutBatch, QuoteProblem, RequestOptions,
    RetryPolicy,
    oauth::CodeExchange,
    types::{
        AuthorizeParams, Disbursement, DisbursementCancel, DisbursementCreate, DisbursementFilter, DisbursementSummary,
        PaymentCreate, PaymentFilter, Recipient,
    },
};
use piaxis_emulator::{Account, DECLINED_PHONE_NUMBER, Entry, Fault, PENDING_PHONE_NUMBER, When};
use serde_json::{Value, json};

use crate::support::tested::{Tested, builder, start, started};

const PAYEE: &str = "+256700123456";

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn external(phone_number: &str, amount: impl Into<Amount>) -> Recipient {
    Recipient::builder().phone_number(phone_number).amount(amount).build()
}

fn internal(id: &str, amount: impl Into<Amount>) -> Recipient {
    Recipient::builder().recipient_id(id).amount(amount).build()
}

fn order(recipients: Vec<Recipient>) -> DisbursementCreate {
    let order = DisbursementCreate::builder().recipients(recipients).currency("UGX");
    order.payment_method(PaymentMethod::Mtn).description("June payouts").build()
}

fn reason(text: &str) -> DisbursementCancel {
    DisbursementCancel::builder().reason(text).build()
}

async fn get(client: &Client, id: &str) -> Disbursement {
    client.disbursements().get(id).await.unwrap()
}

fn counts(found: &Disbursement) -> (i64, i64, i64) {
    (found.successful_count.unwrap(), found.failed_count.unwrap(), found.pending_count.unwrap())
}

#[tokio::test]
async fn fees_change_at_the_boundaries_of_the_tiers() {
    let emulator = start().await;
    let client = emulator.client();
    let tiers = [
        ("0.01", 500),
        ("1", 500),
        ("99999.99", 500),
        ("100000", 500),
        ("100000.01", 1000),
        ("999999.99", 1000),
        ("1000000", 1000),
        ("1000000.01", 1500),
        ("2000000", 1500),
    ];
    for (text, fee) in tiers {
        let quote = client.disbursements().quote(order(vec![external(PAYEE, amount(text))])).await.unwrap();
        assert_eq!(quote.total_fee_amount, Some(Amount::from(fee)), "{text}");
        assert_eq!(quote.total_debit_amount, amount(text).checked_add(Amount::from(fee)).unwrap(), "{text}");
        let quote = client.disbursements().quote(order(vec![internal("recipient-1", amount(text))])).await.unwrap();
        assert_eq!((quote.total_fee_amount, quote.total_debit_amount), (Some(Amount::ZERO), amount(text)), "{text}");
    }
    let mut dollars = order(vec![external(PAYEE, 50)]);
    dollars.currency = "USD".into();
    assert_eq!(client.disbursements().quote(dollars).await.unwrap().total_debit_amount, 50);
}

#[tokio::test]
async fn a_quote_has_totals_and_the_fees_of_each_recipient() {
    let emulator = start().await;
    let body = json!({
        "recipients": [
            { "phone_number": PAYEE, "amount": 1_500_000, "reference": "salary-1" },
            { "recipient_id": "recipient-1", "amount": "1250000.5", "phone_number": PAYEE },
        ],
        "currency": "UGX",
        "payment_method": "airtel",
    });
    let quote: Value = emulator.client().request(Method::POST, "/disbursements/quote").json(&body).await.unwrap();
    let fee = &quote["items"][0]["fee_breakdown"][0];
    assert_eq!((&fee["amount"], &fee["fee_type"]), (&json!("1500.00"), &json!("tiered")));
    let expected = json!({
        "currency": "UGX",
        "payment_method": "airtel",
        "recipient_count": 2,
        "internal_recipient_count": 1,
        "external_recipient_count": 1,
        "total_amount": "2750000.50",
        "internal_total_amount": "1250000.50",
        "external_total_amount": "1500000.00",
        "total_fee_amount": "1500.00",
        "total_debit_amount": "2751500.50",
        "items": [
            {
                "recipient_id": null, "email": null, "phone_number": PAYEE, "amount": "1500000.00", "payout_type": "external",
                "fee_amount": "1500.00", "total_debit_amount": "1501500.00", "reference": "salary-1", "fee_breakdown": [fee],
            },
            {
                "recipient_id": "recipient-1", "email": null, "phone_number": PAYEE, "amount": "1250000.50",
                "payout_type": "internal", "fee_amount": "0.00", "total_debit_amount": "1250000.50", "reference": null,
                "fee_breakdown": [],
            },
        ],
    });
    assert_eq!(quote, expected);
    assert_eq!(emulator.ledger().len(), 1, "a quote moves no money");
}

#[tokio::test]
async fn a_mixed_batch_is_pending_processing_and_partially_completed() {
    let emulator = start().await;
    let (client, other) = (emulator.client(), emulator.merchant("other"));
    let recipients = vec![
        internal(&other.id(), 100_000),
        external(PAYEE, 150_000),
        external(DECLINED_PHONE_NUMBER, 1_000_001),
        external("0700123456", 7),
        Recipient::builder().email("payee@example.com").amount(9).build(),
    ];
    let created = client.disbursements().create(order(recipients)).await.unwrap();
    let totals = |summary: &DisbursementSummary| {
        [summary.total_amount, summary.total_fee_amount, summary.total_debit_amount].map(Option::unwrap)
    };
    assert_eq!(created.status, Some(Status::Pending));
    assert_eq!(totals(&created), [1_250_017, 3_500, 1_253_517].map(Amount::from));
    assert_eq!(emulator.default_merchant().balance("UGX"), 10_000_000 - 1_253_517);
    let id = &*created.disbursement_id;
    emulator.advance(Duration::from_millis(500));
    let found = get(&client, id).await;
    assert_eq!((found.status.clone(), counts(&found)), (Status::Processing, (0, 0, 5)));
    assert_eq!(found.completed_at, None);
    emulator.advance(Duration::from_millis(500));
    let found = get(&client, id).await;
    assert_eq!((found.status.clone(), counts(&found)), (Status::PartiallyCompleted, (2, 3, 0)));
    assert_eq!(found.completed_at, Some(emulator.now().into()));
    let statuses: Vec<Status> = found.items.unwrap().into_iter().map(|item| item.status.unwrap()).collect();
    assert_eq!(statuses, [Status::Completed, Status::Completed, Status::Failed, Status::Failed, Status::Failed]);
    assert_eq!(emulator.default_merchant().balance("UGX"), 10_000_000 - 100_000 - 151_000);
    assert_eq!(other.balance("UGX"), 10_100_000);
    assert!(emulator.balances().contains(&(Account::Fees, "UGX".into(), Amount::from(1_000))));
    assert!(emulator.balances().contains(&(Account::Disbursement(0), "UGX".into(), Amount::from(0))));
}

#[tokio::test]
async fn a_batch_completes_fails_or_waits_for_its_recipients() {
    let emulator = start().await;
    let client = emulator.client();
    let cases = [
        (vec![external(PAYEE, 1), internal("recipient-1", 2)], Status::Completed, (2, 0, 0)),
        (vec![external(DECLINED_PHONE_NUMBER, 1)], Status::Failed, (0, 1, 0)),
        (vec![external(PENDING_PHONE_NUMBER, 1), external(PAYEE, 1)], Status::Processing, (1, 0, 1)),
    ];
    for (recipients, status, expected) in cases {
        let created = client.disbursements().create(order(recipients)).await.unwrap();
        emulator.settle();
        let found = get(&client, &created.disbursement_id).await;
        assert_eq!((found.status.clone(), counts(&found)), (status.clone(), expected));
        assert_eq!(found.completed_at.is_some(), status != Status::Processing);
    }
    // The waiting item keeps its amount and its fee.
    assert!(emulator.balances().contains(&(Account::Disbursement(2), "UGX".into(), Amount::from(501))));
}

#[tokio::test]
async fn only_a_pending_disbursement_is_cancelled_and_gives_everything_back() {
    let emulator = start().await;
    let client = emulator.client();
    let recipients = || vec![external(PAYEE, 50_000), internal("recipient-1", 100_000)];
    let created = client.disbursements().create(order(recipients())).await.unwrap();
    let id = &*created.disbursement_id;
    let cancelled = client.disbursements().cancel(id, reason("Incorrect recipient")).await.unwrap();
    let of = |summary: &DisbursementSummary| {
        (summary.status.clone(), summary.total_amount, summary.recipient_count, summary.pending_count)
    };
    assert_eq!(of(&cancelled), (Some(Status::Cancelled), Some(Amount::from(150_000)), Some(2), Some(0)));
    assert_eq!(emulator.default_merchant().balance("UGX"), 10_000_000);
    emulator.settle();
    let found = get(&client, id).await;
    assert_eq!((found.status.clone(), counts(&found)), (Status::Cancelled, (0, 0, 0)));
    assert_eq!(found.cancellation_reason.as_deref(), Some("Incorrect recipient"));
    assert!(found.cancelled_at.is_some() && found.completed_at.is_none());
    assert_eq!(emulator.default_merchant().balance("UGX"), 10_000_000);
    assert_eq!(emulator.ledger().len(), 3, "start balance, debit and credit");

    let second = client.disbursements().create(order(recipients())).await.unwrap();
    emulator.advance(Duration::from_millis(500));
    for id in [id, &*second.disbursement_id] {
        let error = client.disbursements().cancel(id, DisbursementCancel::builder().build()).await.unwrap_err();
        assert_eq!((error.status().unwrap(), error.outcome()), (400.try_into().unwrap(), Outcome::Rejected));
    }
}

#[tokio::test]
async fn a_registered_recipient_is_paid_into_the_account() {
    let emulator = start().await;
    let client = emulator.client();
    let (merchant, callback) = (emulator.default_merchant().id(), "https://shop.example.com/callback");
    let params = AuthorizeParams::builder().merchant_id(merchant).external_user_id("user-1").redirect_uri(callback);
    let test = client.oauth().authorize_test(params.state("state-1").build()).await.unwrap();
    let exchange = CodeExchange::builder().code(test.code.unwrap()).redirect_uri(callback).build();
    let payer = client.with_access_token(client.oauth().exchange_code(exchange).await.unwrap().access_token);
    let payment = PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::PiaxisExternal);
    payer.payments().create(payment.build()).await.unwrap();
    let page = client.payments().list(PaymentFilter::builder().build()).await.unwrap();
    let account = page.results[0].payer.as_ref().unwrap().id.clone().unwrap();
    client.disbursements().create(order(vec![internal(&account, 70_000)])).await.unwrap();
    emulator.settle();
    let paid = |entry: &Entry| entry.to == Account::User(0) && entry.from == Account::Disbursement(0);
    assert_eq!(
        emulator.ledger().iter().find(|entry| paid(entry)).map(|entry| entry.amount),
        Some(Amount::from(70_000))
    );
}

#[tokio::test]
async fn a_batch_beyond_the_balance_is_rejected_whole() {
    let emulator = started(builder().start_balance(1_000)).await;
    let client = emulator.client();
    for (recipient, code) in [(external(PAYEE, 501), Some("INSUFFICIENT_FUNDS")), (external(PAYEE, 500), None)] {
        let result = client.disbursements().create(order(vec![recipient])).await;
        assert_eq!(result.as_ref().err().and_then(|error| error.code()), code);
        let total = client.disbursements().list(DisbursementFilter::builder().build()).await.unwrap().total;
        assert_eq!(total, Some(i64::from(code.is_none())));
        let left = emulator.default_merchant().balance("UGX");
        assert_eq!(left, if code.is_some() { 1_000 } else { 0 });
    }
}

#[tokio::test]
async fn invalid_disbursements_are_rejected() {
    let emulator = start().await;
    let client = emulator.client();
    let of = |recipients: Value| json!({ "recipients": recipients, "currency": "UGX", "payment_method": "mtn" });
    let mut by_card = of(json!([{ "amount": 1, "phone_number": PAYEE }]));
    by_card["payment_method"] = "card".into();
    let cases = [
        (of(json!([])), 422, json!("too_short")),
        (of(json!([{ "amount": "0" }])), 422, json!("greater_than")),
        (of(json!([{ "amount": "1.001" }])), 422, json!("decimal_max_places")),
        (of(json!([{ "phone_number": PAYEE }])), 422, json!("missing")),
        (by_card, 400, Value::Null),
        (
            of(json!([{ "amount": "79000000000000000000000000000" }, { "amount": "79000000000000000000000000000" }])),
            400,
            Value::Null,
        ),
    ];
    for path in ["/disbursements/quote", "/disbursements"] {
        for (body, status, kind) in &cases {
            let error = client.request::<Value>(Method::POST, path).json(body).await.unwrap_err();
            let detail: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
            assert_eq!(
                (error.status().unwrap().as_u16(), &detail["detail"][0]["type"]),
                (*status, kind),
                "{body}: {detail}"
            );
        }
    }
    let body = of(json!([{ "amount": 1 }, { "amount": "-1" }]));
    let error = client.request::<Value>(Method::POST, "/disbursements").json(&body).await.unwrap_err();
    let detail: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
    assert_eq!(detail["detail"][0]["loc"], json!(["body", "recipients", 1, "amount"]));
}

#[tokio::test]
async fn lists_filter_by_status_and_time_newest_first() {
    let emulator = start().await;
    let client = emulator.client();
    let mut ids = Vec::new();
    for at in 0..6 {
        let number = if at % 2 == 0 { PAYEE } else { DECLINED_PHONE_NUMBER };
        ids.push(client.disbursements().create(order(vec![external(number, 1)])).await.unwrap().disbursement_id);
        emulator.settle();
    }
    ids.reverse();
    let list = |filter: DisbursementFilter| {
        let page = client.disbursements().list(filter);
        async move {
            let page = page.await.unwrap();
            (page.total.unwrap(), page.results.into_iter().map(|found| found.disbursement_id).collect::<Vec<_>>())
        }
    };
    assert_eq!(list(DisbursementFilter::builder().build()).await, (6, ids.clone()));
    assert_eq!(list(DisbursementFilter::builder().limit(2).offset(3).build()).await, (6, ids[3..5].to_vec()));
    let failed: Vec<String> = ids.iter().step_by(2).cloned().collect();
    assert_eq!(list(DisbursementFilter::builder().status(Status::Failed).build()).await, (3, failed));
    assert_eq!(list(DisbursementFilter::builder().status(Status::Cancelled).build()).await, (0, vec![]));
    let minute = |minutes: i64| piaxis::Timestamp::from(emulator.now() - chrono::TimeDelta::minutes(minutes));
    let between = DisbursementFilter::builder().from_date(minute(4)).to_date(minute(2)).build();
    assert_eq!(list(between).await, (3, ids[1..4].to_vec()));
    let query = [("status", "lost")];
    let error = client.request::<Value>(Method::GET, "/disbursements").query(&query).await.unwrap_err();
    let detail: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
    assert_eq!(detail["detail"][0]["type"], "enum", "{detail}");
    assert_eq!(detail["detail"][0]["loc"], json!(["query", "status"]));

    let other = emulator.merchant("other").client();
    assert_eq!(other.disbursements().list(DisbursementFilter::builder().build()).await.unwrap().total, Some(0));
    let error = other.disbursements().get(&*ids[0]).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 404);
    let error = other.disbursements().cancel(&*ids[0], reason("theft")).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 404);
}

#[tokio::test]
async fn the_client_quotes_creates_and_waits() {
    let emulator = started(piaxis_emulator::Emulator::builder().settle_after(Duration::from_millis(100))).await;
    let client = emulator.client();
    let to = |phone: &str, amount: i64| external(phone, amount);
    let batch = PayoutBatch::new("UGX")
        .pay(PaymentMethod::Mtn, to(PAYEE, 45_000))
        .pay(PaymentMethod::Airtel, to("+256701234567", 150_000))
        .pay(PaymentMethod::Mtn, to("+256772345678", 20_000));
    for (order, debit) in batch.build().unwrap().into_iter().zip([66_000, 151_000]) {
        let error = client.disbursements().quote_and_create(order.clone(), debit - 1).await.unwrap_err();
        assert_eq!(error.quote_rejection().unwrap().problem, QuoteProblem::TooMuch);
        let before = emulator.default_merchant().balance("UGX");
        let created = client.disbursements().quote_and_create(order.clone(), debit).await.unwrap();
        let poll = client.disbursements().wait_until_settled(&*created.disbursement_id);
        let poll =
            poll.timeout(Duration::from_secs(10)).intervals(Duration::from_millis(20), Duration::from_millis(50));
        let settled = poll.await.unwrap().last().unwrap();
        assert_eq!((settled.status, settled.total_debit_amount), (Status::Completed, Some(Amount::from(debit))));
        assert_eq!(emulator.default_merchant().balance("UGX"), before.checked_sub(Amount::from(debit)).unwrap());
    }
    assert_eq!(client.disbursements().list(DisbursementFilter::builder().build()).await.unwrap().total, Some(2));
}

#[tokio::test]
async fn a_lost_response_pays_once_with_an_idempotency_key() {
    let emulator = start().await;
    let client = emulator.client();
    emulator.fail_next("disbursements_create", When::AfterCommit(Fault::Reset));
    let policy = RetryPolicy::default().retry_writes_with_idempotency_key().backoff(Duration::ZERO, Duration::ZERO);
    let create = client.disbursements().create(order(vec![external(PAYEE, 1_000)])).idempotency_key("payout-1");
    create.options(RequestOptions::new().retry_policy(policy)).await.unwrap();
    assert_eq!(emulator.default_merchant().balance("UGX"), 10_000_000 - 1_500);
}

/// What the random test knows of a disbursement.
struct Made {
    merchant: usize,
    id: String,
    debit: Amount,
    row: u32,
}

#[tokio::test]
async fn random_batches_never_make_or_lose_money() {
    for seed in 0..3 {
        random_batches(seed, 2_000).await;
    }
}

async fn random_batches(seed: u64, steps: usize) {
    // Enough for most of the batches, and not for all.
    let start_balance = Amount::from(70_000_000);
    let emulator = started(builder().start_balance(start_balance)).await;
    let merchants = ["one", "two"].map(|name| emulator.merchant(name));
    let ids = merchants.map(|merchant| merchant.id());
    let clients = merchants.map(|merchant| merchant.client());
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut made: Vec<Made> = Vec::new();
    let (mut row, mut rejected, mut cancelled) = (0, 0, 0);
    for step in 0..steps {
        let merchant = rng.usize(..2);
        let client = &clients[merchant];
        match rng.u8(..10) {
            0..4 => {
                let recipients: Vec<Recipient> =
                    (0..rng.usize(1..6)).map(|_| random_recipient(&mut rng, &ids)).collect();
                let before = merchants[merchant].balance("UGX");
                match client.disbursements().create(order(recipients.clone())).await {
                    Ok(created) => {
                        let amounts = recipients.iter().map(|recipient| recipient.amount);
                        assert_eq!(created.total_amount, Amount::checked_sum(amounts), "seed {seed}, step {step}");
                        let debit = created.total_debit_amount.unwrap();
                        assert_eq!(merchants[merchant].balance("UGX").checked_add(debit), Some(before));
                        made.push(Made { merchant, id: created.disbursement_id, debit, row });
                        row += 1;
                    }
                    Err(error) => {
                        assert_eq!(error.code(), Some("INSUFFICIENT_FUNDS"), "seed {seed}, step {step}: {error}");
                        assert_eq!(merchants[merchant].balance("UGX"), before);
                        rejected += 1;
                    }
                }
            }
            4..6 if !made.is_empty() => {
                let one = &made[rng.usize(made.len().saturating_sub(4)..made.len())];
                let before = merchants[one.merchant].balance("UGX");
                match clients[one.merchant].disbursements().cancel(&*one.id, reason("random")).await {
                    Ok(_) => {
                        let after = merchants[one.merchant].balance("UGX");
                        assert_eq!(before.checked_add(one.debit), Some(after), "seed {seed}, step {step}");
                        cancelled += 1;
                    }
                    Err(error) => assert_eq!(error.status().unwrap(), 400),
                }
            }
            6..9 if !made.is_empty() => {
                let one = &made[rng.usize(..made.len())];
                check(&get(&clients[one.merchant], &one.id).await, &emulator, one);
            }
            _ => emulator.advance(Duration::from_millis(rng.u64(..700))),
        }
        if step % 100 == 0 {
            emulator.check_balances();
        }
    }
    assert!(rejected > 0 && cancelled > 0 && made.len() > steps / 10, "{rejected} {cancelled} {}", made.len());
    emulator.settle();
    emulator.check_balances();
    // What each merchant has follows from what the API says of the disbursements.
    let mut expected = [start_balance; 2];
    let mut add =
        |merchant: usize, amount: Amount| expected[merchant] = expected[merchant].checked_add(amount).unwrap();
    for one in &made {
        let found = get(&clients[one.merchant], &one.id).await;
        check(&found, &emulator, one);
        if found.status == Status::Cancelled {
            continue;
        }
        add(one.merchant, Amount::ZERO.checked_sub(one.debit).unwrap());
        for item in found.items.unwrap() {
            let amount = item.amount.unwrap();
            match (item.status.unwrap(), item.recipient_id) {
                (Status::Completed, Some(id)) => {
                    if let Some(to) = ids.iter().position(|known| *known == id) {
                        add(to, amount);
                    }
                }
                (Status::Failed, None) => add(one.merchant, amount.checked_add(Amount::from(fee(amount))).unwrap()),
                _ => {}
            }
        }
    }
    assert_eq!(merchants.map(|merchant| merchant.balance("UGX")), expected, "seed {seed}");
    for (client, merchant) in clients.iter().zip(0..) {
        for status in Status::KNOWN {
            let filter = DisbursementFilter::builder().status(Status::from(*status)).limit(100).build();
            let page = client.disbursements().list(filter).await.unwrap();
            assert!(page.results.iter().all(|found| found.status.as_ref().unwrap().as_str() == *status));
        }
        let all = client.disbursements().list(DisbursementFilter::builder().build()).await.unwrap();
        let own = made.iter().filter(|one| one.merchant == merchant).count();
        assert_eq!(all.total, Some(i64::try_from(own).unwrap()));
    }
}

fn fee(amount: Amount) -> i64 {
    if amount <= 100_000 {
        500
    } else if amount <= 1_000_000 {
        1_000
    } else {
        1_500
    }
}

fn random_recipient(rng: &mut fastrand::Rng, merchants: &[String; 2]) -> Recipient {
    let boundaries = ["0.01", "100000", "100000.01", "1000000", "1000000.01"];
    let amount = match rng.u8(..4) {
        0 => amount(boundaries[rng.usize(..boundaries.len())]),
        1 => Amount::new(rng.i64(1..400_000_000), 2).unwrap(),
        _ => Amount::from(rng.i64(1..200_000)),
    };
    match rng.u8(..10) {
        0 | 1 => internal(&merchants[0], amount),
        2 | 3 => internal(&merchants[1], amount),
        4 => internal("recipient-1", amount),
        5 => external(DECLINED_PHONE_NUMBER, amount),
        6 => external(if rng.u8(..10) == 0 { PENDING_PHONE_NUMBER } else { "0700" }, amount),
        7 => Recipient::builder().email("payee@example.com").amount(amount).build(),
        _ => external(PAYEE, amount),
    }
}

/// Totals are the sums of the items, counts add up, and the account holds what is not paid yet.
fn check(found: &Disbursement, emulator: &Tested, made: &Made) {
    let items = found.items.as_ref().unwrap();
    let sum = |amounts: Vec<Amount>| Amount::checked_sum(amounts).unwrap();
    let amounts = |is_internal: Option<bool>| {
        let items = items.iter().filter(|item| is_internal.is_none_or(|is| item.recipient_id.is_some() == is));
        items.map(|item| item.amount.unwrap()).collect::<Vec<_>>()
    };
    let fees: Vec<Amount> = amounts(Some(false)).into_iter().map(|amount| Amount::from(fee(amount))).collect();
    assert_eq!(found.total_amount, Some(sum(amounts(None))));
    assert_eq!(found.internal_total_amount, Some(sum(amounts(Some(true)))));
    assert_eq!(found.external_total_amount, Some(sum(amounts(Some(false)))));
    assert_eq!(found.total_fee_amount, Some(sum(fees)));
    assert_eq!(found.total_debit_amount, sum(amounts(None)).checked_add(found.total_fee_amount.unwrap()));
    assert_eq!(found.total_debit_amount, Some(made.debit));
    let with = |status: &[Status]| {
        items.iter().filter(|item| status.contains(item.status.as_ref().unwrap())).collect::<Vec<_>>()
    };
    let open = with(&[Status::Pending, Status::Processing]);
    let number = |items: usize| i64::try_from(items).unwrap();
    let expected =
        (number(with(&[Status::Completed]).len()), number(with(&[Status::Failed]).len()), number(open.len()));
    assert_eq!(counts(found), expected);
    let is_cancelled = found.status == Status::Cancelled;
    assert_eq!(expected.0 + expected.1 + expected.2, if is_cancelled { 0 } else { found.recipient_count.unwrap() });
    let held = open.iter().map(|item| {
        let amount = item.amount.unwrap();
        let fee = if item.recipient_id.is_some() { 0 } else { fee(amount) };
        amount.checked_add(Amount::from(fee)).unwrap()
    });
    let account = Account::Disbursement(made.row);
    let balance = emulator.balances().into_iter().find(|(known, ..)| *known == account).map(|(.., amount)| amount);
    assert_eq!(balance, Some(sum(held.collect())), "{:?}", found.status);
}
