//! The emulator as a program.
#![warn(unreachable_pub)]

use std::{
    io::{self, Write as _},
    net::IpAddr,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use piaxis::Secret;
use piaxis_emulator::{DECLINED_PHONE_NUMBER, Emulator, OTP, PENDING_PHONE_NUMBER};

/// Emulates the Piaxis payments API on a loopback port, with state and webhooks.
///
/// Prints the variables of a client on standard output, in the form of a shell, and runs until Ctrl-C or SIGTERM. Nothing is
/// kept after that, unless a state file is given.
#[derive(Parser)]
#[command(version, name = "piaxis-emulator")]
struct Arguments {
    /// Address to listen on. The credentials are no secrets, so do not listen where others could reach the emulator
    #[arg(long, env = "PIAXIS_EMULATOR_HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port to listen on; 0 for a free one
    #[arg(long, env = "PIAXIS_EMULATOR_PORT", default_value_t = 8600)]
    port: u16,
    /// URL that webhooks are posted to; none are sent without one
    #[arg(long, env = "PIAXIS_EMULATOR_WEBHOOK_URL", hide_env_values = true, value_name = "URL")]
    webhook_url: Option<String>,
    /// Secret that webhooks are signed with, instead of the emulator's own
    #[arg(long, env = "PIAXIS_EMULATOR_WEBHOOK_SECRET", hide_env_values = true, value_name = "SECRET")]
    webhook_secret: Option<Secret>,
    /// Seed of ids and of faults
    #[arg(long, env = "PIAXIS_EMULATOR_SEED", default_value_t = 1)]
    seed: u64,
    /// Delay of every response, in milliseconds
    #[arg(long, env = "PIAXIS_EMULATOR_LATENCY", default_value_t = 0, value_name = "MS")]
    latency: u64,
    /// Share of requests that fail, from 0 to 1: before the request is executed or after, with an error status, an HTML page,
    /// a reset or closed connection, a truncated response, or a delay
    #[arg(long, env = "PIAXIS_EMULATOR_FAULTS", default_value_t = 0.0, value_parser = share)]
    faults: f64,
    /// How long payments and disbursements take to settle, in milliseconds
    #[arg(long, env = "PIAXIS_EMULATOR_SETTLE_AFTER", default_value_t = 1000, value_name = "MS")]
    settle_after: u64,
    /// Random one-time passwords, which only the response to their request tells
    #[arg(long, env = "PIAXIS_EMULATOR_RANDOM_OTPS")]
    random_otps: bool,
    /// One-time passwords that are not used up
    #[arg(long, env = "PIAXIS_EMULATOR_REUSABLE_OTPS")]
    reusable_otps: bool,
    /// Execute a write again when its idempotency key is repeated
    #[arg(long, env = "PIAXIS_EMULATOR_IGNORE_IDEMPOTENCY_KEYS")]
    ignore_idempotency_keys: bool,
    /// Accept requests without the client id, as the examples of the official SDKs send them
    #[arg(long, env = "PIAXIS_EMULATOR_CLIENT_ID_OPTIONAL")]
    client_id_optional: bool,
    /// File that keeps the state, created where there is none. What a response tells is in the file before the response is
    /// sent, so that no kill loses it. The seed of ids is that of the file. The file holds credentials and personal data
    #[arg(long, env = "PIAXIS_EMULATOR_STATE", value_name = "FILE")]
    state: Option<PathBuf>,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "must be a number from 0 to 1")?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("must be a number from 0 to 1".into()) }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("piaxis-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    // Before anything is printed, so that a signal that follows the output is never missed.
    let mut signals = Signals::new().map_err(|error| format!("failed to listen for signals: {error}"))?;
    let emulator = start(&arguments).await?;
    print(&emulator, &arguments).map_err(|error| format!("failed to write to standard output: {error}"))?;
    signals.next().await;
    tokio::select! {
        () = emulator.shutdown() => Ok(()),
        () = signals.next() => Err("requests under way were abandoned on a second signal".into()),
    }
}

async fn start(arguments: &Arguments) -> Result<Emulator, String> {
    let mut builder = Emulator::builder()
        .host(arguments.host)
        .port(arguments.port)
        .seed(arguments.seed)
        .latency(Duration::from_millis(arguments.latency))
        .settle_after(Duration::from_millis(arguments.settle_after));
    if let Some(url) = &arguments.webhook_url {
        builder = builder.webhook_url(url);
    }
    if let Some(secret) = &arguments.webhook_secret {
        builder = builder.webhook_secret(secret);
    }
    if arguments.random_otps {
        builder = builder.random_otps();
    }
    if arguments.reusable_otps {
        builder = builder.reusable_otps();
    }
    if arguments.ignore_idempotency_keys {
        builder = builder.ignores_idempotency_keys();
    }
    if arguments.client_id_optional {
        builder = builder.client_id_optional();
    }
    if let Some(file) = &arguments.state {
        builder = builder.state_file(file);
    }
    let (host, port) = (arguments.host, arguments.port);
    let emulator = builder.start().await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "port {port} of {host} is in use: stop the program that uses it, or choose another port with --port"
            )
        }
        io::ErrorKind::InvalidInput => error.to_string(),
        _ if error.to_string().starts_with("state file ") => error.to_string(),
        _ => format!("failed to listen on port {port} of {host}: {error}"),
    })?;
    emulator.fail_randomly(arguments.faults, arguments.seed);
    Ok(emulator)
}

/// Prints the variables of a client. All other lines are comments, so that a shell can read the whole output.
fn print(emulator: &Emulator, arguments: &Arguments) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let merchant = emulator.default_merchant();
    writeln!(output, "# piaxis-emulator {} listens on {}", env!("CARGO_PKG_VERSION"), emulator.base_url())?;
    for (name, value) in merchant.environment() {
        writeln!(output, "export {name}={}", quoted(&value))?;
    }
    writeln!(output, "# Account id of the merchant: {}", merchant.id())?;
    if arguments.random_otps {
        writeln!(output, "# One-time passwords: random, in the responses to their requests")?;
    } else {
        writeln!(output, "# One-time password: {OTP}")?;
    }
    writeln!(
        output,
        "# Payments from {DECLINED_PHONE_NUMBER} fail, payments from {PENDING_PHONE_NUMBER} stay pending"
    )?;
    if let Some(file) = &arguments.state {
        writeln!(output, "# State: {}", file.display())?;
    }
    writeln!(output, "# Page: {}", emulator.page_url())?;
    let webhooks = if merchant.has_webhook() { "on" } else { "off, set --webhook-url to receive them" };
    writeln!(output, "# Webhooks: {webhooks}")?;
    output.flush()
}

/// Quotes a value for a shell.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Ctrl-C and SIGTERM.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    terminate: tokio::signal::windows::CtrlShutdown,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(windows)]
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()?, terminate: tokio::signal::windows::ctrl_shutdown()? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_are_consistent_and_values_quoted_for_a_shell() {
        Arguments::command().debug_assert();
        for (value, expected) in [("plain-1:/", "plain-1:/"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'")] {
            assert_eq!(quoted(value), expected);
        }
    }
}
