//! Genuine bytes at another time are rejected.

use std::time::{Duration, SystemTime};

use piaxis::webhook::Envelope;

use super::super::{Kit, Row, endpoint::Request, paid_at};

const HOUR: Duration = Duration::from_secs(3600);
/// Older than any event that is still retried.
const LONG_AGO: Duration = Duration::from_secs(400 * 86_400);

pub async fn run(kit: &Kit, rows: &mut Vec<Row>) -> Result<(), String> {
    let now = SystemTime::now();
    let stale = |id: &str| kit.sign_at(paid_at(id, Envelope::Merchant, now - HOUR), now - HOUR);
    let advice = "reject a delivery whose signed time is more than 300 s from now";
    rows.push(rejected(kit, "stale", stale, advice).await?);
    let future = |id: &str| kit.sign_at(paid_at(id, Envelope::Merchant, now + HOUR), now + HOUR);
    rows.push(rejected(kit, "from the future", future, advice).await?);

    if kit.settings.v1_allowed {
        rows.push(old_event(kit, now - LONG_AGO).await?);
    } else {
        let v1_only = |id: &str| kit.sign_v1(paid_at(id, Envelope::Merchant, now - HOUR));
        let advice =
            "require v2, since an attacker leaves out its headers to replay an old delivery (or set --v1-allowed)";
        rows.push(rejected(kit, "v1 replay", v1_only, advice).await?);
    }
    Ok(())
}

async fn rejected(
    kit: &Kit,
    name: &'static str,
    request: impl Fn(&str) -> Request,
    advice: &str,
) -> Result<Row, String> {
    let mut check = kit.check(name);
    let id = kit.id();
    let outcome = check.send(&request(&id)).await;
    if outcome.accepted() {
        check.fault(format!("accepted: {advice}"));
    } else if !outcome.rejected() {
        check.fault(format!("{outcome}: respond 4xx"));
    }
    check.expect(&id, 0);
    check.finish(advice).await
}

/// Without a signed time, only the body shows that a delivery is old.
async fn old_event(kit: &Kit, at: SystemTime) -> Result<Row, String> {
    let mut check = kit.check("v1 replay of an old event");
    let id = kit.id();
    let request = kit.sign_v1(paid_at(&id, Envelope::Merchant, at));
    let first = check.send(&request).await;
    let second = check.send(&request).await;
    if first.accepted() || second.accepted() {
        check.warn(
            "accepted an event that is 400 days old: reject old events, or remember handled events for ever, since v1 has no time",
        );
        check.needs_effects();
        check.expect(&id, 1);
    } else if !first.rejected() || !second.rejected() {
        check.fault(format!("{first}: respond 4xx"));
    } else {
        check.expect(&id, 0);
    }
    check.finish("a replay of a delivery with v1 only was handled again: remember handled events").await
}
