//! Attacks a webhook endpoint of yours, in whatever language, and reports what it gets wrong.
//!
//! ```text
//! cargo run --example webhook_conformance -- --url http://127.0.0.1:8080/piaxis --secret demo \
//!     --effects 'http://127.0.0.1:8080/effects/{id}'
//! ```
//!
//! Point the kit at a test instance only: the instance receives genuine events about payments that do not exist. With
//! `--effects`, the instance reports how often the effect of a `payment.succeeded` happened for a `payment_id`. The response
//! must be a plain number. Without `--effects`, the kit sees responses only.
//!
//! The exit code is 0 without a fault, 1 with a fault, and 2 when the checks could not run.

mod kit;

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use kit::Settings;
use reqwest::Url;

/// Attacks a webhook endpoint and reports what it gets wrong.
#[derive(Parser)]
struct Arguments {
    /// URL of the endpoint, http only.
    #[arg(long)]
    url: Url,
    /// Secret of the endpoint.
    #[arg(long, env = "PIAXIS_WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
    /// URL that responds with how often the effect for the payment `{id}` happened, as a plain number.
    #[arg(long)]
    effects: Option<String>,
    /// The endpoint may accept deliveries that have the v1 signature only.
    #[arg(long)]
    v1_allowed: bool,
    /// Time that the sender waits for a response, such as 5s or 500ms.
    #[arg(long, default_value = "5s", value_parser = duration)]
    sender_timeout: Duration,
    /// Time after which the sender gives up retrying.
    #[arg(long, default_value = "30s", value_parser = duration)]
    retry_for: Duration,
    /// Time that the endpoint may wait for a slow body.
    #[arg(long, default_value = "30s", value_parser = duration)]
    slow_limit: Duration,
    /// Time for which effects may come after the response.
    #[arg(long, default_value = "5s", value_parser = duration)]
    settle: Duration,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.parse().map(|number: f64| number * unit);
    let duration = seconds.ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| format!("{text}: must be a time, such as 5s or 500ms"))
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let settings = Settings {
        effects: arguments.effects,
        v1_allowed: arguments.v1_allowed,
        sender_timeout: arguments.sender_timeout,
        retry_for: arguments.retry_for,
        slow_limit: arguments.slow_limit,
        settle: arguments.settle,
        ..Settings::new(arguments.url, arguments.secret)
    };
    match kit::run(settings).await {
        Ok(report) => {
            if arguments.json {
                println!("{:#}", report.to_json());
            } else {
                println!("{report}");
            }
            if report.faults().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
