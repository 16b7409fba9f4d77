//! Genuine deliveries are accepted.

use std::time::SystemTime;

use piaxis::webhook::Envelope;

use super::super::{Kit, Row, paid_at};

const ADVICE: &str = "handle an event once";

pub async fn run(kit: &Kit, rows: &mut Vec<Row>) -> Result<(), String> {
    let mut check = kit.check("genuine");
    for envelope in Envelope::ALL {
        let id = kit.id();
        let body = paid_at(&id, *envelope, SystemTime::now());
        let outcome = check.deliver(&body).await;
        if !outcome.accepted() {
            check.fault(format!(
                "genuine delivery in envelope {envelope:?} not accepted ({outcome}): check the URL, the secret and the clock, \
                 and verify the raw body as received"
            ));
        }
        // The documents show this envelope for disbursements only.
        if *envelope != Envelope::Helper {
            check.expect(&id, 1);
        }
    }
    rows.push(check.finish(ADVICE).await?);

    if kit.settings.v1_allowed {
        let mut check = kit.check("genuine, v1 only");
        let id = kit.id();
        let body = kit.paid(&id);
        let outcome = check.retry(|kit| kit.sign_v1(&body)).await;
        if !outcome.accepted() {
            check.fault(format!("genuine delivery with v1 only not accepted ({outcome}), and --v1-allowed is set"));
        }
        check.expect(&id, 1);
        rows.push(check.finish(ADVICE).await?);
    }

    let mut check = kit.check("test delivery");
    let id = kit.id();
    let outcome = check.deliver(kit.paid(&id).as_test()).await;
    if !outcome.accepted() {
        check.fault(format!(
            "test delivery not accepted ({outcome}): respond 2xx, or the dashboard's test button fails"
        ));
    }
    check.expect(&id, 0);
    rows.push(check.finish("a body whose data says `test: true` must have no effect").await?);
    Ok(())
}

/// The endpoint works after all that it was sent.
pub async fn still(kit: &Kit, rows: &mut Vec<Row>) -> Result<(), String> {
    let mut check = kit.check("genuine, after all others");
    let id = kit.id();
    let outcome = check.deliver(kit.paid(&id)).await;
    if !outcome.accepted() {
        check.fault(format!("not accepted any more ({outcome}): a request before this one broke the endpoint"));
    }
    check.expect(&id, 1);
    rows.push(check.finish(ADVICE).await?);
    Ok(())
}
