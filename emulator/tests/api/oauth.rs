//! Authorization of payers, and what their tokens are good for.

use std::time::Duration;

use piaxis::{
    Credentials, PaymentMethod, PaymentResult, PaymentStatus, PollResult,
    oauth::{CodeExchange, TokenRefresh},
    pkce::Pkce,
    types::{AuthorizeParams, PaymentCreate},
};
use piaxis_emulator::{Account, Emulator};

use crate::support::tested::start;

const CALLBACK: &str = "https://shop.example.com/callback";

#[tokio::test]
async fn a_payer_authorizes_pays_and_refreshes() {
    let emulator = start().await;
    let (client, merchant) = (emulator.client(), emulator.default_merchant());
    let pkce = Pkce::generate().unwrap();
    let params = AuthorizeParams::builder()
        .merchant_id(merchant.id())
        .external_user_id("user-1")
        .redirect_uri(CALLBACK)
        .state("state-1")
        .code_challenge(pkce.challenge())
        .code_challenge_method("S256")
        .build();
    let test = client.oauth().authorize_test(params).await.unwrap();
    assert!(test.redirect_url.unwrap().expose().ends_with("&state=state-1"));
    let exchange = |verifier: &str| {
        let code = test.code.clone().unwrap();
        client
            .oauth()
            .exchange_code(CodeExchange::builder().code(code).redirect_uri(CALLBACK).code_verifier(verifier).build())
    };
    let error = exchange("wrong-verifier-wrong-verifier-wrong-verifier").await.unwrap_err();
    assert_eq!(error.code(), Some("invalid_grant"));
    let tokens = exchange(pkce.verifier().expose()).await.unwrap();
    assert_eq!((tokens.merchant_id.as_deref(), tokens.expires_in), (Some(&*merchant.id()), Some(3600)));

    let payer = client.with_access_token(tokens.access_token.clone());
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::PiaxisExternal);
    let payment = payer.payments().create(order.recipient_id(merchant.id()).build()).await.unwrap();
    emulator.settle();
    assert_eq!(payer.payments().get(&payment.payment_id).await.unwrap().status, PaymentStatus::Completed);
    assert!(emulator.ledger().iter().any(|entry| entry.from == Account::User(0) && entry.amount == 15_000));

    emulator.advance(Duration::from_secs(3600));
    assert_eq!(payer.payments().get(&payment.payment_id).await.unwrap_err().status().unwrap(), 401);
    let refresh = TokenRefresh::builder().refresh_token(tokens.refresh_token.unwrap()).build();
    let fresh = client.oauth().refresh_token(refresh).await.unwrap();
    client.with_access_token(fresh.access_token.clone()).payments().get(&payment.payment_id).await.unwrap();

    // The code a second time: its tokens end.
    assert_eq!(exchange(pkce.verifier().expose()).await.unwrap_err().code(), Some("invalid_grant"));
}

#[tokio::test]
async fn a_payer_with_nothing_but_a_token_creates_a_payment_and_waits_for_it() {
    let emulator = Emulator::builder().settle_after(Duration::from_millis(100)).start().await.unwrap();
    let (client, merchant) = (emulator.client(), emulator.default_merchant());
    let params =
        AuthorizeParams::builder().merchant_id(merchant.id()).external_user_id("user-1").redirect_uri(CALLBACK);
    let code = client.oauth().authorize_test(params.build()).await.unwrap().code.unwrap();
    let exchange = CodeExchange::builder().code(code).redirect_uri(CALLBACK).build();
    let tokens = client.oauth().exchange_code(exchange).await.unwrap();

    let payer = client.with_credentials(Credentials::new().access_token(tokens.access_token));
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::PiaxisExternal);
    let order = order.recipient_id(tokens.merchant_id.unwrap()).customer_pays_fees(true).build();
    let created = payer.payments().create(order.clone()).await.unwrap();
    assert_eq!(created.status, Some(PaymentStatus::Pending));
    let settled = payer.payments().wait_until_settled(&created.payment_id).await.unwrap();
    let PollResult::Settled(payment) = settled else { panic!("{settled:?}") };
    assert_eq!((payment.id, payment.status), (created.payment_id, PaymentStatus::Completed));
    let PaymentResult::Paid(payment) = payer.payments().create_and_wait(order).await else { panic!("not paid") };
    assert_eq!(payment.amount, 15_000);
    for request in emulator.requests_of("payments_get").into_iter().chain(emulator.requests_of("payments_create")) {
        let credentials = ["authorization", "api-key", "x-piaxis-client-id"].map(|name| request.header(name).is_some());
        assert_eq!(credentials, [true, false, false]);
    }
}

#[tokio::test]
async fn a_browser_gets_the_consent_page_and_then_a_redirect() {
    let emulator = start().await;
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let url = format!(
        "{}/authorize?merchant_id={}&external_user_id=%3Cb%3E&redirect_uri=https%3A%2F%2Fshop.example.com%2Fcallback&state=s",
        emulator.base_url(),
        emulator.default_merchant().id()
    );
    let page = browser.get(&url).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("&lt;b&gt;") && !page.contains("<b><b>"), "{page}");
    let location = |response: reqwest::Response| response.headers()["location"].to_str().unwrap().to_owned();
    let denied = location(browser.get(format!("{url}&consent=no")).send().await.unwrap());
    assert_eq!(denied, format!("{CALLBACK}?error=access_denied&state=s"));
    let allowed = location(browser.get(format!("{url}&consent=yes")).send().await.unwrap());
    assert!(allowed.starts_with(&format!("{CALLBACK}?code=")) && allowed.ends_with("&state=s"), "{allowed}");
    for wrong in ["redirect_uri=http%3A%2F%2Fevil.example", "redirect_uri=javascript%3Aalert(1)"] {
        let (before, _) = url.split_once("redirect_uri").unwrap();
        let response = browser.get(format!("{before}{wrong}")).send().await.unwrap();
        assert_eq!(response.status(), 400, "{wrong}");
    }
}
