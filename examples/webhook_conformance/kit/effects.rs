//! How often the effect of an event happened, as the endpoint reports.

use std::time::Duration;

use reqwest::Url;
use tokio::time::{Instant, sleep};

use super::{Kit, Row, Verdict};

const POLL_INTERVAL: Duration = Duration::from_millis(50);
const PLACEHOLDER: &str = "{id}";

/// The URL that returns the count.
pub struct Effects {
    template: String,
    client: reqwest::Client,
}

impl Effects {
    pub fn new(template: String) -> Result<Self, String> {
        if !template.contains(PLACEHOLDER) {
            return Err(format!("{template}: must contain {PLACEHOLDER}"));
        }
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build();
        Ok(Self { template, client: client.map_err(|error| error.to_string())? })
    }

    /// Returns the count of an object. Ids of the kit need no escapes.
    pub async fn count(&self, id: &str) -> Result<u64, String> {
        let text = self.template.replace(PLACEHOLDER, id);
        let url: Url = text.parse().map_err(|error| format!("{text}: {error}"))?;
        let failed = |error: reqwest::Error| format!("failed to read the effects: {error}");
        let response = self.client.get(url).send().await.map_err(failed)?;
        let response = response.error_for_status().map_err(failed)?;
        let body = response.text().await.map_err(failed)?;
        body.trim().parse().map_err(|_| format!("{text}: the response must be a number, and nothing else"))
    }

    /// Polls until the effect happened `times`, or the time elapses.
    pub async fn settled(&self, id: &str, times: u64, settle: Duration) -> Result<u64, String> {
        let end = Instant::now() + settle;
        loop {
            let count = self.count(id).await?;
            if count >= times || Instant::now() >= end {
                return Ok(count);
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

/// Reads all effects again: some may have happened after their check.
pub async fn audit(kit: &Kit, rows: &mut [Row]) -> Result<(), String> {
    let Some(effects) = &kit.effects else { return Ok(()) };
    for row in rows {
        for (id, before) in row.counts.clone() {
            let now = effects.count(&id).await?;
            if now > before {
                row.effects = row.effects.map(|(seen, expected)| (seen + now - before, expected));
                row.verdict = Verdict::Fault;
                row.note = format!(
                    "the effect happened later as well ({before} times, then {now}): deduplicate where the event is handled, \
                     not only where the event is received"
                );
            }
        }
    }
    Ok(())
}
