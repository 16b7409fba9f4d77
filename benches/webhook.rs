//! What verifying and reading a webhook costs, beside the least that anybody would have to do, and beside the official
//! Python package: `cargo bench --bench webhook`.
//!
//! `PIAXIS_PYTHON` names a Python that has the package (`pip install piaxis-sdk==0.2.4`); without it, that side is left out.
#![allow(clippy::unwrap_used)]

use std::{
    hint::black_box,
    process::Command,
    time::{Duration, Instant},
};

use hmac::{Hmac, KeyInit, Mac};
use piaxis::webhook::{Signer, Webhook};
use serde_json::{Value, json};
use sha2::Sha256;

const ROUNDS: usize = 401;
/// Each round repeats a side for so long.
const SLICE: Duration = Duration::from_millis(2);

/// A payment with line items, of about this many bytes.
fn body(bytes: usize) -> String {
    let item = |number: usize| json!({ "sku": format!("SKU-{number:05}"), "name": "Matooke, a bunch", "quantity": 3, "unit_price": "15000.00", "taxed": true });
    let whole = |count: usize| {
        json!({
            "event": "payment.succeeded", "webhook_id": "0e4102fa-3119-42aa-8a9c-d92ef4fa83af",
            "timestamp": "2026-04-14T10:30:00.000000",
            "data": {
                "merchant_id": "6c15f7e8-335a-4c62-a993-fb06a27b7787", "payment_id": "3a0da2c0-a8b2-4c76-9f40-1dbf7ee03dcf",
                "reference": "test_9f7d1bd7b5aa", "currency": "UGX", "amount": 150_000, "status": "succeeded", "test": true,
                "items": (0..count).map(item).collect::<Vec<_>>(),
            },
        })
        .to_string()
    };
    (0..).map(whole).find(|body| body.len() >= bytes).unwrap()
}

fn main() {
    for (name, bytes) in [("1 KB", 1_000), ("100 KB", 100_000)] {
        let body = body(bytes);
        let headers = Signer::new("secret").unwrap().sign(&body);
        let map: http::HeaderMap = headers.clone().into();
        let timestamp = headers.iter().find(|(name, _)| name.ends_with("Timestamp")).unwrap().1;
        let expected = headers.iter().find(|(name, _)| name.ends_with("V2")).unwrap().1;
        let webhook = Webhook::new("secret").unwrap();

        let bare = || {
            let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
            mac.update(timestamp.as_bytes());
            mac.update(b".");
            mac.update(body.as_bytes());
            black_box(mac.finalize());
            black_box(serde_json::from_slice::<Value>(body.as_bytes()).unwrap());
        };
        let ours = || drop(black_box(webhook.verify(&body, &map).unwrap().event().unwrap()));
        let ours_with_payload =
            || drop(black_box(webhook.verify(&body, &map).unwrap().event().unwrap().into_payload().unwrap()));
        let [bare, ours, typed] = side_by_side([&bare, &ours, &ours_with_payload]);
        let ratio = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
        println!("{name} ({} bytes): bare HMAC and JSON {bare:.2?}", body.len());
        println!("  verify and read {ours:.2?}, ratio {:.2}", ratio(ours, bare));
        println!("  and its typed payload {typed:.2?}, ratio {:.2}", ratio(typed, bare));
        if let Ok(python) = std::env::var("PIAXIS_PYTHON") {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/webhook.py");
            let run = Command::new(python).args([script, &body, timestamp, expected]).output().unwrap();
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            let theirs: f64 = String::from_utf8(run.stdout).unwrap().trim().parse().unwrap();
            let theirs = Duration::from_secs_f64(theirs);
            println!("  Python: verify and json.loads {theirs:.2?}, {:.1} times as long", ratio(theirs, ours));
        }
    }
}

/// Medians of the time of one verification, the sides taking turns so that all see the same machine.
fn side_by_side<const N: usize>(sides: [&dyn Fn(); N]) -> [Duration; N] {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (side, times) in sides.iter().zip(&mut times) {
            let (start, mut runs) = (Instant::now(), 0);
            while start.elapsed() < SLICE {
                side();
                runs += 1;
            }
            times.push(start.elapsed() / runs);
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}
