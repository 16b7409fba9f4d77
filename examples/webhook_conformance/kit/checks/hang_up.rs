//! A sender that hangs up before the response.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::super::{Kit, Row, endpoint::Outcome};

const MOMENT: Duration = Duration::from_millis(100);
const DETACH: &str = "a handler that is dropped with its connection never completes: run the handler in a task of its own, or store the event first";

pub async fn run(kit: &Kit, rows: &mut Vec<Row>) -> Result<(), String> {
    rows.push(then_retries(kit, "hang-up", Duration::ZERO).await?);
    rows.push(then_retries(kit, "hang-up after 100 ms", MOMENT).await?);
    rows.push(repeated(kit).await?);
    Ok(())
}

/// Hangs up once, and then retries as a sender would.
async fn then_retries(kit: &Kit, name: &'static str, pause: Duration) -> Result<Row, String> {
    let mut check = kit.check(name);
    check.needs_effects();
    let id = kit.id();
    let body = kit.paid(&id);
    kit.endpoint.hang_up(&kit.sign(&body), pause).await;
    check.tally(Outcome::Closed);
    let outcome = check.deliver(&body).await;
    if !outcome.accepted() {
        let limit = kit.settings.retry_for;
        check.fault(format!("not accepted within {limit:?} of retries ({outcome}): {DETACH}"));
    }
    check.expect(&id, 1);
    check.finish("remember handled events even if nobody waits for the response").await
}

/// Never waits for a response. The event must be handled all the same.
async fn repeated(kit: &Kit) -> Result<Row, String> {
    let mut check = kit.check("repeated hang-ups");
    check.needs_effects();
    let Some(effects) = &kit.effects else { return check.finish("").await };
    let id = kit.id();
    let body = kit.paid(&id);
    let end = Instant::now() + kit.settings.sender_timeout;
    while Instant::now() < end && effects.count(&id).await? == 0 {
        kit.endpoint.hang_up(&kit.sign(&body), MOMENT).await;
        check.tally(Outcome::Closed);
        sleep(kit.settings.retry_pause).await;
    }
    if effects.settled(&id, 1, kit.settings.settle).await? == 0 {
        check.fault(format!("no effect: {DETACH}"));
    }
    check.expect(&id, 1);
    check.finish("remember handled events even if nobody waits for the response").await
}
