//! A payer with a Piaxis wallet authorises payments: authorize URL, code exchange, payment, refresh.
//!
//!     cargo run --example oauth_flow
//!         against typed mocks, since there is no browser and no payer here
//!
//!     PIAXIS_CLIENT_ID=… PIAXIS_CLIENT_SECRET=… PIAXIS_API_BASE_URL=… PIAXIS_MERCHANT_ID=… PIAXIS_REDIRECT_URI=… \
//!         cargo run --example oauth_flow
//!         that API; prints the URL for a browser and asks for the redirect that comes back

use std::{env, error::Error, io};

use piaxis::{
    Client, Environment, PaymentMethod,
    mock::{MockPiaxis, MockServerExt},
    oauth::{CodeExchange, State, TokenRefresh},
    pkce::Pkce,
    types::{AuthorizeParams, PaymentCreate, PaymentCreated, TokenResponse},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    match (set("PIAXIS_CLIENT_ID"), set("PIAXIS_CLIENT_SECRET"), set("PIAXIS_MERCHANT_ID"), set("PIAXIS_REDIRECT_URI"))
    {
        (Some(client_id), Some(client_secret), Some(merchant_id), Some(redirect_uri)) => {
            let environment = set("PIAXIS_API_BASE_URL").map_or(Environment::Sandbox, Environment::Custom);
            let client =
                Client::builder().environment(environment).client_id(client_id).client_secret(client_secret).build()?;
            authorise(&client, &merchant_id, &redirect_uri, |_| ask("The address that the browser ended at: ")).await
        }
        _ => {
            println!("The PIAXIS_* variables of this example are not set: using typed mocks; no real money moves.");
            let piaxis = mocks().await;
            let client = piaxis.client_builder().client_id("client-1").client_secret("secret-1").build()?;
            let payer_consents =
                |state: &str| Ok(format!("https://shop.example.com/callback?code=code-1&state={state}"));
            authorise(&client, "merchant-1", "https://shop.example.com/callback", payer_consents).await
        }
    }
}

async fn authorise(
    client: &Client,
    merchant_id: &str,
    redirect_uri: &str,
    consent: impl Fn(&str) -> io::Result<String>,
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

    let returned = query_of(&consent(state.as_str())?)?;
    let parameter = |name: &str| returned.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if !state.matches(&parameter("state").unwrap_or_default()) {
        return Err("the state that came back is not the one that was sent".into());
    }
    let code = parameter("code").ok_or("the redirect has no code")?;
    println!("The payer came back with a code, and the state is the one that was sent.");

    let tokens = client
        .oauth()
        .exchange_code(
            CodeExchange::builder().code(code).redirect_uri(redirect_uri).code_verifier(pkce.verifier()).build(),
        )
        .await?;
    println!("Tokens for the Piaxis user {}: {:?}", tokens.user_id.as_deref().unwrap_or("?"), tokens.access_token);

    let payer =
        Client::builder().environment(client.environment().clone()).access_token(tokens.access_token).build()?;
    let payment = PaymentCreate::builder().amount(1_000).currency("UGX").payment_method(PaymentMethod::PiaxisExternal);
    let created = payer.payments().create(payment.build()).await?;
    println!("Payment {} created on behalf of the payer.", created.payment_id);

    if let Some(refresh_token) = tokens.refresh_token {
        let refresh = TokenRefresh::builder().refresh_token(refresh_token).build();
        match client.oauth().refresh_token(refresh).await {
            Ok(_) => println!("The tokens were refreshed."),
            Err(error) => println!("No refresh ({error}); start the authorisation anew when the token expires."),
        }
    }
    Ok(())
}

async fn mocks() -> MockPiaxis {
    let piaxis = MockPiaxis::start().await;
    let tokens = TokenResponse::builder().access_token("access-1").refresh_token("refresh-1").user_id("user-1").build();
    piaxis.oauth_token(|_, then| drop(then.success(200, &tokens)));
    let payment = PaymentCreated::builder().payment_id("payment-1").status("pending").build();
    piaxis.payments_create(|_, then| drop(then.success(200, &payment)));
    piaxis
}

fn query_of(address: &str) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let query = address.split_once('?').ok_or("the address has no query")?.1;
    Ok(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

fn ask(question: &str) -> io::Result<String> {
    eprint!("{question}");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
