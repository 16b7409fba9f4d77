//! Genuine deliveries that a receiver may not expect.

use std::time::SystemTime;

use piaxis::webhook::{Envelope, EventType};
use serde_json::json;

use super::super::{Kit, Row, event_at};

/// Stands in a body where JSON is put that no `Value` holds.
const PLACE: &str = "\"@\"";
const DEPTH: usize = 10_000;

pub async fn run(kit: &Kit, rows: &mut Vec<Row>) -> Result<(), String> {
    rows.push(unreadable(kit).await?);
    rows.push(unknown(kit).await?);
    rows.push(large_ids(kit, "large ids").await?);
    rows.push(large_numbers(kit, "large ids as JSON numbers").await?);
    Ok(())
}

async fn unreadable(kit: &Kit) -> Result<Row, String> {
    let mut check = kit.check("unreadable");
    let with = |json: &str| kit.paid(&kit.id()).with("note", "@").to_string().replace(PLACE, json);
    let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let bodies = [
        ("an array", format!("[{}]", kit.paid(&kit.id()))),
        ("half a surrogate pair", with(r#""\ud800""#)),
        ("deep nesting", with(&deep)),
        ("an unfinished object", kit.paid(&kit.id()).to_string().trim_end_matches('}').to_owned()),
    ];
    for (what, body) in bodies {
        let outcome = check.send(&kit.sign(&body)).await;
        if outcome.rejected() {
            check.warn(format!(
                "genuine body with {what}: {outcome}; the sender retries in vain: keep the body for a person, and respond 2xx"
            ));
        } else if !outcome.accepted() {
            check.fault(format!("genuine body with {what}: {outcome}; keep the body for a person, and respond 2xx"));
        }
    }
    check.finish("").await
}

async fn unknown(kit: &Kit) -> Result<Row, String> {
    let mut check = kit.check("unknown events and fields");
    let name = EventType::from("kit.unknown");
    let event = event_at(&name, &kit.id(), Envelope::Merchant, SystemTime::now());
    let id = kit.id();
    let fields = kit.paid(&id).with("kit_text", "é\u{1f600}").with("kit_object", json!({ "a": [null, 1.5e300] }));
    let status = kit.paid(&kit.id()).with("status", "kit_unknown");
    for (what, body) in [("an unknown event", event), ("unknown fields", fields), ("an unknown status", status)] {
        let outcome = check.deliver(body).await;
        if !outcome.accepted() {
            check.fault(format!(
                "{what}: {outcome}; respond 2xx to what the program does not know, since the API grows"
            ));
        }
    }
    check.expect(&id, 1);
    check.finish("handle an event once").await
}

/// As floats, the two ids are the same.
async fn large_ids(kit: &Kit, name: &'static str) -> Result<Row, String> {
    let mut check = kit.check(name);
    check.needs_effects();
    let digits = kit.digits();
    for last in 1..=2 {
        let id = format!("{digits}{last}");
        let outcome = check.deliver(kit.paid(&id)).await;
        if !outcome.accepted() {
            check.fault(format!("an id above 2^64: {outcome}; ids are texts"));
        }
        check.expect(&id, 1);
    }
    check.finish("ids are texts, and must not be parsed as numbers").await
}

/// No document shows such an id. The two events may be left to a person, and one must not pass for the other.
async fn large_numbers(kit: &Kit, name: &'static str) -> Result<Row, String> {
    let mut check = kit.check(name);
    check.needs_effects();
    let digits = kit.digits();
    let mut counts = Vec::new();
    for last in 1..=2 {
        let id = format!("{digits}{last}");
        let body = kit.paid("@").to_string().replace(PLACE, &id);
        let outcome = check.deliver(body).await;
        if !outcome.accepted() {
            check.warn(format!("an id that is a JSON number: {outcome}; keep the body for a person, and respond 2xx"));
        }
        if let Some(effects) = &kit.effects {
            counts.push((effects.count(&id).await?, id));
        }
    }
    let handled = counts.iter().any(|(count, _)| *count > 0);
    for (_, id) in &counts {
        check.expect(id, u64::from(handled));
    }
    check.finish("an id must not be read as a float, which makes two of them one").await
}
