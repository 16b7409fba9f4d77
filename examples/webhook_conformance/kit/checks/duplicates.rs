//! An event that is delivered more than once has one effect.

use std::time::{Duration, SystemTime};

use piaxis::webhook::{Envelope, EventType};

use super::{
    super::{Kit, Row, event_at, paid_at},
    Check, Verdict,
};

const PAIRS: usize = 5;
const REMEMBER: &str = "remember handled events, and respond 2xx to a duplicate without handling the event again";

pub async fn run(kit: &Kit, rows: &mut Vec<Row>) -> Result<(), String> {
    rows.push(duplicates(kit).await?);
    rows.push(later_timestamp(kit).await?);
    rows.push(concurrent(kit).await?);
    rows.push(reordered(kit).await?);
    Ok(())
}

/// Delivers a duplicate, which must be accepted as well.
async fn deliver_again(check: &mut Check<'_>, body: impl AsRef<[u8]>, what: &str) {
    let outcome = check.deliver(body).await;
    if !outcome.accepted() {
        check.fault(format!(
            "{what} not accepted ({outcome}): respond 2xx to an event that was handled, or the sender retries"
        ));
    }
}

async fn duplicates(kit: &Kit) -> Result<Row, String> {
    let mut check = kit.check("duplicates");
    check.needs_effects();
    let id = kit.id();
    let body = kit.paid(&id);
    // The same headers as well.
    let request = kit.sign(&body);
    for _ in 0..2 {
        let outcome = check.retry(|_| request.clone()).await;
        if !outcome.accepted() {
            check.fault(format!(
                "the same request again was not accepted ({outcome}): respond 2xx to an event that was handled"
            ));
        }
    }
    // A retry is signed at its own time.
    let earlier = SystemTime::now() - Duration::from_secs(20);
    let outcome = check.retry(|kit| kit.sign_at(&body, earlier)).await;
    if !outcome.accepted() {
        check.fault(format!("a duplicate with another time of sending was not accepted ({outcome})"));
    }
    deliver_again(&mut check, &body, "a duplicate").await;
    check.expect(&id, 1);
    check.finish(REMEMBER).await
}

/// No document states whether a retry has the same timestamp in its body.
async fn later_timestamp(kit: &Kit) -> Result<Row, String> {
    let mut check = kit.check("duplicates with a later timestamp in the body");
    check.needs_effects();
    let id = kit.id();
    let now = SystemTime::now();
    for at in [now - Duration::from_secs(20), now] {
        deliver_again(&mut check, paid_at(&id, Envelope::Merchant, at), "a duplicate").await;
    }
    check.expect(&id, 1);
    let mut row = check.finish("identify an event by its data, since the body of a retry may differ").await?;
    if row.effects.is_some_and(|(seen, expected)| seen > expected) {
        row.verdict = Verdict::Warning;
    }
    Ok(row)
}

async fn concurrent(kit: &Kit) -> Result<Row, String> {
    let mut check = kit.check("concurrent duplicates");
    check.needs_effects();
    for _ in 0..PAIRS {
        let id = kit.id();
        let body = kit.paid(&id);
        let outcomes = kit.endpoint.send_pair([&kit.sign(&body), &kit.sign(&body)]).await;
        for outcome in outcomes {
            check.tally(outcome);
            if !outcome.accepted() && !outcome.is_temporary() {
                check.fault(format!(
                    "one of two deliveries at the same time: {outcome}; respond 2xx, 409, 425, 429 or 5xx"
                ));
            }
        }
        deliver_again(&mut check, &body, "the retry after two deliveries at the same time").await;
        check.expect(&id, 1);
    }
    check.finish("take a lock on the event, or insert its key under a unique index, before handling the event").await
}

async fn reordered(kit: &Kit) -> Result<Row, String> {
    let mut check = kit.check("reordered");
    check.needs_effects();
    let id = kit.id();
    let now = SystemTime::now();
    let failed = event_at(&EventType::PaymentFailed, &id, Envelope::Merchant, now - Duration::from_secs(60));
    let deliveries =
        [(kit.paid(&id), "the later event"), (failed.with("status", "failed"), "the earlier event, delivered later,")];
    for (body, what) in deliveries {
        deliver_again(&mut check, body, what).await;
    }
    check.expect(&id, 1);
    check.finish("the effect belongs to the event that says so, and not to each event of the object").await
}
