//! What the flows share: the API that the environment configures, or else the emulator with a receiver of webhooks.
#![allow(dead_code)]

mod report;

use std::{env, error::Error, fmt::Display, io};

use axum::{Router, routing::post};
use piaxis::{
    Client, Secret,
    types::{OtpRequest, UserInfo},
    webhook::{Delivery, Webhook},
};
use piaxis_emulator::Emulator;
use tokio::net::TcpListener;

pub use report::report;

/// An API to talk to.
pub struct Piaxis {
    pub client: Client,
    pub emulator: Option<Emulator>,
}

impl Piaxis {
    /// The API of the environment when `PIAXIS_API_KEY` is set; otherwise an emulator, which needs no account.
    pub async fn connect() -> Result<Self, Box<dyn Error>> {
        if env::var_os("PIAXIS_API_KEY").is_some() {
            let client = Client::from_env()?;
            println!("Using the configured API: {}", client.environment().base_url());
            return Ok(Self { client, emulator: None });
        }
        let emulator = Emulator::start().await?;
        println!("PIAXIS_API_KEY is not set: using the emulator at {}; no real money moves.", emulator.base_url());
        let merchant = emulator.default_merchant();
        let webhook = Webhook::new(merchant.webhook_secret())?.require_v2();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        merchant.set_webhook(format!("http://{}/piaxis", listener.local_addr()?));
        let routes = Router::new().route("/piaxis", post(receive)).with_state(webhook);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { client: merchant.client(), emulator: Some(emulator) })
    }

    /// The phone number of the first argument; with the emulator, this one when there is none.
    pub fn phone_number(&self, default: &str) -> Result<String, Box<dyn Error>> {
        let default = self.emulator.as_ref().map(|_| default.to_owned());
        let problem = "give the phone number as the argument, such as +256700000000";
        env::args().nth(1).or(default).ok_or_else(|| problem.into())
    }

    /// The payer of a phone number, with a fresh one-time password. Each works once.
    pub async fn payer(&self, phone_number: &str) -> Result<UserInfo, Box<dyn Error>> {
        let request = OtpRequest::builder().phone_number(phone_number).build();
        let sent = self.client.otp().request(request).await?;
        let seconds = sent.expires_in.unwrap_or_default();
        println!("A one-time password was sent to {phone_number}; it expires in {seconds} seconds.");
        let otp: Secret = match sent.otp {
            Some(otp) => otp,
            None => prompt("One-time password that the payer received: ")?.into(),
        };
        Ok(UserInfo::builder().phone_number(phone_number).otp(otp).build())
    }

    /// Waits for the webhooks of what was done.
    pub async fn webhooks(&self) {
        if let Some(emulator) = &self.emulator {
            emulator.webhooks_idle().await;
        }
    }
}

async fn receive(delivery: Delivery) {
    let event = delivery.event().ok();
    let name = event.as_ref().and_then(|event| event.event_type()).map_or("?", |name| name.as_str());
    println!("  [webhook, signature verified: {name}]");
}

/// A field that a response may lack, for a person to read.
pub fn shown(field: Option<impl Display>) -> String {
    field.map_or_else(|| "?".to_owned(), |value| value.to_string())
}

/// Prompts for a line of input.
pub fn prompt(question: &str) -> io::Result<String> {
    eprint!("{question}");
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
