//! What holds for any bytes that a client sends to the emulator: shared by the fuzz target and by the test that runs its
//! seeds.

use std::sync::LazyLock;

use piaxis::Amount;
use piaxis_emulator::{Account, Emulator};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

/// One or more requests, as they are on the wire. A request of a seed has the credentials of the default merchant.
pub fn request(data: &[u8]) {
    RUNTIME.block_on(async {
        // New for each input, so that an input alone shows what it does.
        let emulator = Emulator::builder().start_at("2026-11-27T08:00:00Z".parse().unwrap()).start().await.unwrap();
        let received = emulator.serve_bytes(data).await;
        assert!(received.is_empty() || received.starts_with(b"HTTP/1."), "{}", String::from_utf8_lossy(&received));
        for request in emulator.requests() {
            let status = request.status.expect("a status without a fault");
            assert!((200..500).contains(&status), "{status} {}", request.path);
            let body = request.response_json();
            assert!(status < 400 || is_error(&body), "{status} {}: {body}", request.path);
        }
        // For any request: no money is made or lost, and none is owed.
        emulator.advance(std::time::Duration::from_secs(60));
        let balances = emulator.balances();
        let owes = |account: &Account, amount: Amount| *account != Account::Outside && amount < 0;
        assert!(!balances.iter().any(|(account, _, amount)| owes(account, *amount)), "{balances:?}");
        let mut currencies: Vec<&String> = balances.iter().map(|(_, currency, _)| currency).collect();
        currencies.sort();
        currencies.dedup();
        for currency in currencies {
            let own = balances.iter().filter(|(_, known, _)| known == currency);
            // A sum on the way may have more digits than an amount holds.
            let sum = Amount::checked_sum(own.map(|(.., amount)| *amount));
            assert!(sum.is_none_or(|sum| sum == Amount::ZERO), "{balances:?}");
        }
    });
}

/// Whether a body is an error in one of the contract's shapes.
fn is_error(body: &Value) -> bool {
    match &body["detail"] {
        Value::String(text) => !text.is_empty(),
        Value::Object(coded) => coded["code"].is_string() && coded["message"].is_string(),
        Value::Array(problems) => {
            !problems.is_empty()
                && problems.iter().all(|problem| problem["loc"].is_array() && problem["msg"].is_string())
        }
        _ => body["error"].is_string(),
    }
}
