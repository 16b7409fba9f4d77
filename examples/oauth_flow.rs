//! A payer with a Piaxis wallet authorizes payments: authorize URL, code exchange, payment, refresh.
//!
//!     cargo run --example oauth_flow
//!         with nothing set: the emulator, where the payer consents at once
//!
//!     PIAXIS_CLIENT_ID=… PIAXIS_CLIENT_SECRET=… PIAXIS_API_BASE_URL=… PIAXIS_MERCHANT_ID=… PIAXIS_REDIRECT_URI=… \
//!         cargo run --example oauth_flow
//!         that API; prints the URL for a browser and prompts for the URL of the redirect

mod support;

use std::{env, error::Error, process::ExitCode, time::Duration};

use piaxis::{
    Client, Environment, PaymentMethod,
    oauth::{CodeExchange, State, TokenRefresh},
    pkce::Pkce,
    types::{AuthorizeParams, PaymentCreate},
};
use support::{Piaxis, prompt, report, shown};

#[tokio::main]
async fn main() -> ExitCode {
    report(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    match (set("PIAXIS_CLIENT_ID"), set("PIAXIS_CLIENT_SECRET"), set("PIAXIS_MERCHANT_ID"), set("PIAXIS_REDIRECT_URI"))
    {
        (Some(client_id), Some(client_secret), Some(merchant_id), Some(redirect_uri)) => {
            let environment = set("PIAXIS_API_BASE_URL").map_or(Environment::Sandbox, Environment::Custom);
            let client =
                Client::builder().environment(environment).client_id(client_id).client_secret(client_secret).build()?;
            authorize(&client, &merchant_id, &redirect_uri, async |_| Ok(prompt("URL of the redirect: ")?)).await
        }
        _ => {
            let piaxis = Piaxis::connect().await?;
            let emulator = piaxis.emulator.as_ref().ok_or("set the variables of this example, or none")?;
            // A browser would show the consent page; other programs are redirected at once.
            let payer_consents = async |url: &str| {
                let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
                let redirect = browser.get(url).send().await?;
                let address = redirect.headers().get("location").ok_or("there is no redirect")?;
                Ok(address.to_str()?.to_owned())
            };
            let merchant_id = emulator.default_merchant().id();
            authorize(&piaxis.client, &merchant_id, "https://shop.example.com/callback", payer_consents).await?;
            piaxis.webhooks().await;
            Ok(())
        }
    }
}

async fn authorize(
    client: &Client,
    merchant_id: &str,
    redirect_uri: &str,
    consent: impl AsyncFn(&str) -> Result<String, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let (state, pkce) = (State::generate()?, Pkce::generate()?);
    let url = client.oauth().authorize_url(
        &AuthorizeParams::builder()
            .merchant_id(merchant_id)
            .external_user_id("customer-123")
            .redirect_uri(redirect_uri)
            .state(state.as_str())
            .code_challenge(pkce.challenge())
            .code_challenge_method(pkce.method())
            .build(),
    )?;
    println!("Send the payer to:\n  {url}");

    let returned = query_of(&consent(url.as_str()).await?)?;
    let parameter = |name: &str| returned.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if !state.matches(&parameter("state").unwrap_or_default()) {
        return Err("the state of the redirect is not the one that was sent".into());
    }
    let code = parameter("code").ok_or("the redirect has no code")?;
    println!("The redirect has a code, and its state is the one that was sent.");

    let tokens = client
        .oauth()
        .exchange_code(
            CodeExchange::builder().code(code).redirect_uri(redirect_uri).code_verifier(pkce.verifier()).build(),
        )
        .await?;
    println!("Tokens for the Piaxis user {}: {:?}", shown(tokens.user_id.as_deref()), tokens.access_token);

    let payer = client.with_access_token(tokens.access_token);
    let payment = PaymentCreate::builder().amount(1_000).currency("UGX").payment_method(PaymentMethod::PiaxisExternal);
    let created = payer.payments().create(payment.maybe_recipient_id(tokens.merchant_id).build()).await?;
    println!("Payment {} created on behalf of the payer.", created.payment_id);
    let settled = payer.payments().wait_until_settled(created.payment_id).timeout(Duration::from_secs(120)).await?;
    if let Some(payment) = settled.last() {
        println!("Payment {}: {} {} {}", payment.id, payment.amount, payment.currency, payment.status);
    }

    if let Some(refresh_token) = tokens.refresh_token {
        let refresh = TokenRefresh::builder().refresh_token(refresh_token).build();
        match client.oauth().refresh_token(refresh).await {
            Ok(_) => println!("The tokens were refreshed."),
            Err(error) => println!("No refresh ({error}); start the authorization anew when the token expires."),
        }
    }
    Ok(())
}

fn query_of(address: &str) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let query = address.split_once('?').ok_or("the address has no query")?.1;
    Ok(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}
