//! Bodies that are too large or too slow.

use futures_util::future::join_all;

use super::super::{Kit, Row, endpoint::Outcome};

const SLOW_SENDERS: usize = 8;
/// One alone can be there before the slow ones.
const OTHERS: usize = 8;
const ADVICE: &str = "reject a body before reading the whole of it";

pub async fn run(kit: &Kit, rows: &mut Vec<Row>) -> Result<(), String> {
    rows.push(announced(kit).await?);
    rows.push(streamed(kit).await?);
    rows.push(slow(kit).await?);
    Ok(())
}

async fn announced(kit: &Kit) -> Result<Row, String> {
    let mut check = kit.check("content length of 10^12");
    let id = kit.id();
    let outcome = kit.endpoint.send_head(&kit.sign(kit.paid(&id)), 1_000_000_000_000).await;
    check.tally(outcome);
    match outcome {
        Outcome::Silent => check.fault("the endpoint waits for the body: reject a length above 1 MiB at once (413)"),
        Outcome::Status(200..400) => check.fault(format!("{outcome}: reject a length above 1 MiB at once (413)")),
        Outcome::Status(500..) => check.warn(format!("{outcome}: respond 413")),
        Outcome::Status(_) | Outcome::Closed => {}
    }
    check.expect(&id, 0);
    check.finish(ADVICE).await
}

async fn streamed(kit: &Kit) -> Result<Row, String> {
    let mut check = kit.check("large body in chunks");
    let id = kit.id();
    let size = kit.settings.large_body;
    let body = kit.paid(&id).with("padding", "x".repeat(size));
    let outcome = kit.endpoint.send_chunked(&kit.sign(&body)).await;
    check.tally(outcome);
    match outcome {
        Outcome::Status(200..400) => {
            check.fault(format!("accepted {size} bytes: stop reading after 1 MiB, and respond 413"))
        }
        Outcome::Silent => check.fault("no response: stop reading after 1 MiB, and respond 413"),
        Outcome::Status(500..) => check.warn(format!("{outcome}: respond 413")),
        Outcome::Status(_) | Outcome::Closed => {}
    }
    check.expect(&id, 0);
    check.finish(ADVICE).await
}

/// Several senders are slow at the same time, and others must not wait for them.
async fn slow(kit: &Kit) -> Result<Row, String> {
    let mut check = kit.check("slow bodies");
    let limit = kit.settings.slow_limit;
    let ids: Vec<String> = (0..SLOW_SENDERS).map(|_| kit.id()).collect();
    let requests: Vec<_> = ids.iter().map(|id| kit.sign(kit.paid(id))).collect();
    let connections = join_all(requests.iter().map(|request| kit.endpoint.open(request))).await;
    let slow = connections.into_iter().zip(&requests);
    let slow = join_all(slow.map(|(connection, request)| kit.endpoint.trickle(connection, &request.body, limit)));
    let others = async {
        let mut sent = Vec::new();
        while sent.len() < OTHERS && sent.last().is_none_or(|(_, outcome): &(_, Outcome)| outcome.accepted()) {
            let id = kit.id();
            let outcome = kit.endpoint.send(&kit.sign(kit.paid(&id))).await;
            sent.push((id, outcome));
        }
        sent
    };
    let (slow, others) = tokio::join!(slow, others);
    slow.iter().for_each(|outcome| check.tally(*outcome));
    for (id, outcome) in others {
        check.tally(outcome);
        if outcome.accepted() {
            check.expect(&id, 1);
        } else {
            check.fault(format!(
                "a delivery while {SLOW_SENDERS} others were slow: {outcome}; read bodies without blocking other requests"
            ));
        }
    }
    if slow.iter().any(|outcome| outcome.accepted()) {
        check.fault("accepted a body that did not come whole");
    }
    if slow.contains(&Outcome::Silent) {
        check.fault(format!("the endpoint waits for a body for {limit:?} and longer: set a time limit (408)"));
    }
    ids.iter().for_each(|id| check.expect(id, 0));
    check.finish("a body that did not come whole must have no effect").await
}
