//! Posts a signed sample of any event to a server of yours.
//!
//! ```text
//! PIAXIS_WEBHOOK_SECRET=… cargo run --example send_webhook -- --url http://127.0.0.1:8080/piaxis --event payment.succeeded
//! ```

#[path = "support/report.rs"]
mod report;

use std::{error::Error, process::ExitCode, time::SystemTime};

use clap::Parser;
use piaxis::webhook::{Envelope, EventType, Signer, sample};
use report::report;

/// Posts a signed sample of an event.
#[derive(Parser)]
struct Arguments {
    /// URL of the endpoint.
    #[arg(long)]
    url: String,
    /// Name of the event; any will do.
    #[arg(long, default_value = "payment.succeeded")]
    event: EventType,
    /// Envelope of the event.
    #[arg(long, default_value = "Merchant", value_parser = envelope)]
    envelope: Envelope,
    /// Leave the v2 signature out.
    #[arg(long)]
    v1: bool,
    /// Number of times that the same delivery is sent.
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// Secret of the endpoint.
    #[arg(long, env = "PIAXIS_WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
}

fn envelope(name: &str) -> Result<Envelope, String> {
    let plain = name.replace(['_', '-'], "");
    let found = Envelope::ALL.iter().find(|envelope| format!("{envelope:?}").eq_ignore_ascii_case(&plain));
    found.copied().ok_or_else(|| format!("one of {:?}", Envelope::ALL))
}

#[tokio::main]
async fn main() -> ExitCode {
    report(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let now = SystemTime::now();
    let at = chrono::DateTime::<chrono::Utc>::from(now).into();
    let body = String::from(sample(&arguments.event, arguments.envelope, at));
    let mut headers = Signer::new(arguments.secret)?.at(now).announcing(arguments.event).sign(&body);
    if arguments.v1 {
        headers = headers.v1_only();
    }
    println!("{body}");
    let client = reqwest::Client::new();
    for _ in 0..arguments.times {
        let request = client.post(&arguments.url).header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let response = request.body(body.clone()).send().await?;
        println!("{} {}", response.status(), response.text().await?);
    }
    Ok(())
}
