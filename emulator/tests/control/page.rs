//! The page as HTML: its sections, its forms, what it escapes, and what it leaves out.

use std::time::{Duration, Instant};

use piaxis_emulator::{Fault, OTP, When};
use reqwest::{Client, Response, redirect::Policy};

use crate::support::{
    scene::{self, BUYER},
    tested::{Tested, builder, start, started},
};

async fn page(emulator: &Tested, path: &str) -> String {
    let response = reqwest::get(format!("{}{path}", emulator.page_url())).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    response.text().await.unwrap()
}

/// The HTML of one section.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let start = page.find(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("no section {id}"));
    &page[start..start + page[start..].find("</section>").unwrap()]
}

/// Sends a form as a browser does that runs no scripts.
async fn submit(emulator: &Tested, path: &str, referer: &str, form: &str) -> Response {
    let origin = emulator.page_url().trim_end_matches('/').to_owned();
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let request = client.post(format!("{origin}{path}")).header("content-type", "application/x-www-form-urlencoded");
    let request = request.header("origin", &origin).header("referer", format!("{origin}{referer}"));
    request.header("sec-fetch-site", "same-origin").body(form.to_owned()).send().await.unwrap()
}

/// Sends the first form of a section whose button has this label, and returns where the response leads.
async fn press(emulator: &Tested, page: &str, id: &str, label: &str) -> String {
    let section = section(page, id);
    let button = section.find(&format!(">{label}</button>")).unwrap_or_else(|| panic!("no button {label}"));
    let form = &section[section[..button].rfind("<form").unwrap()..button];
    let after = |text: &str, name: &str| {
        let start = text.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        text[start..start + text[start..].find('"').unwrap()].to_owned()
    };
    assert_eq!(after(form, "method"), "post");
    let inputs = form.split("<input type=\"hidden\"").skip(1);
    let fields = inputs.map(|input| format!("{}={}", after(input, "name"), after(input, "value")));
    let response = submit(emulator, &after(form, "action"), "/", &fields.collect::<Vec<_>>().join("&")).await;
    assert_eq!(response.status(), 303, "{label}");
    response.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_page_shows_everything_without_scripts() {
    let emulator = start().await;
    let empty = page(&emulator, "").await;
    for text in
        ["No payments yet.", "No escrows yet.", "No disbursements yet.", "No requests yet.", "No faults to come."]
    {
        assert!(empty.contains(text), "{text}");
    }
    emulator.default_merchant().set_webhook("http://user:word@127.0.0.1:9/hooks?token=in-the-url#part");
    let payment = scene::pay(&emulator, BUYER, 1_234_567).await;
    let (escrow, terms) = scene::escrow(&emulator, &["proof", "custom"]).await;
    let (disputed, _) = scene::escrow(&emulator, &["proof"]).await;
    scene::dispute(&emulator, &disputed).await;
    let batch = scene::disburse(&emulator, &[BUYER]).await;
    let held = scene::disburse_in_escrow(&emulator, &[BUYER]).await;
    emulator.fail_next("payments_list", When::AfterCommit(Fault::Reset));
    let page = page(&emulator, "").await;
    for (id, texts) in [
        ("payments", vec![&*payment, "1,234,567.00", BUYER, "mtn", "pending", ">Settle<", ">Fail<"]),
        (
            "escrows",
            vec![&*escrow, &*terms[0], "90,000.00", "seller-a", "order-1001", "A note", ">Fulfill<", ">Release<"],
        ),
        ("escrows", vec![&*disputed, "The parcel did not arrive", ">Reverse<", ">Dismiss<"]),
        ("disbursements", vec![&*batch, &*held, "Weekly payouts", "Couriers", ">Finish<"]),
        ("ledger", vec!["outside", "merchant", "10,000,000.00", "90,000.00"]),
        ("requests", vec!["/api/payments/create", "/api/escrows/", "POST", "200"]),
        ("deliveries", vec!["dispute.opened", "pending", ">Resend<"]),
        ("merchants", vec!["default", "http://127.0.0.1:9/hooks", ">Hold deliveries<"]),
        ("faults", vec!["payments_list", "connection reset, after commit"]),
    ] {
        for text in texts {
            assert!(section(&page, id).contains(text), "{id}: {text}");
        }
    }
    assert!(page.contains("2026-11-27 08:00:00 UTC"));
    // Nothing of the head is on it, and only the script refreshes it.
    assert!(!page.contains("<noscript") && !page.contains("http-equiv"));
}

#[tokio::test]
async fn nothing_secret_is_on_the_page() {
    let emulator = start().await;
    let merchant = emulator.default_merchant();
    merchant.set_webhook("http://user:word@127.0.0.1:9/hooks?token=in-the-url");
    scene::escrow(&emulator, &["proof"]).await;
    let (client, address) = (emulator.client(), emulator.base_url());
    let test = piaxis::types::AuthorizeParams::builder().merchant_id(merchant.id()).external_user_id("user-1");
    let test = test.redirect_uri("https://shop.example.com/callback").build();
    let code = client.oauth().authorize_test(test).await.unwrap().code.unwrap();
    let exchange =
        piaxis::oauth::CodeExchange::builder().code(code.clone()).redirect_uri("https://shop.example.com/callback");
    let tokens = client.oauth().exchange_code(exchange.build()).await.unwrap();
    reqwest::get(format!("{address}/merchant-payments?api_key={}", merchant.api_key().expose())).await.unwrap();
    let page = page(&emulator, "").await;
    assert!(page.contains("/api/token"));
    for secret in [
        merchant.api_key().expose(),
        &merchant.client_id(),
        merchant.client_secret().expose(),
        merchant.webhook_secret().expose(),
        tokens.access_token.expose(),
        code.expose(),
        OTP,
        "in-the-url",
        "user:word",
    ] {
        assert!(!page.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn forms_act_and_redirect_back() {
    let emulator = started(builder().settle_after(Duration::from_secs(3600))).await;
    let client = emulator.client();
    let (one, two) = (scene::pay(&emulator, BUYER, 700).await, scene::pay(&emulator, BUYER, 300).await);
    let (escrow, _) = scene::escrow(&emulator, &["proof", "custom"]).await;
    let batch = scene::disburse(&emulator, &[BUYER]).await;
    // The latest come first.
    assert_eq!(press(&emulator, &page(&emulator, "").await, "payments", "Settle").await, "/#payments");
    assert_eq!(client.payments().get(&two).await.unwrap().status.as_str(), "completed");
    press(&emulator, &page(&emulator, "").await, "payments", "Fail").await;
    assert_eq!(client.payments().get(&one).await.unwrap().status.as_str(), "failed");
    press(&emulator, &page(&emulator, "").await, "escrows", "Fulfill").await;
    press(&emulator, &page(&emulator, "").await, "escrows", "Fulfill").await;
    assert_eq!(client.escrows().get(&escrow).await.unwrap().status.unwrap().as_str(), "released");
    press(&emulator, &page(&emulator, "").await, "disbursements", "Finish").await;
    assert_eq!(client.disbursements().get(&batch).await.unwrap().status.as_str(), "completed");
    let (disputed, _) = scene::escrow(&emulator, &["proof"]).await;
    scene::dispute(&emulator, &disputed).await;
    press(&emulator, &page(&emulator, "").await, "escrows", "Reverse").await;
    assert_eq!(client.escrows().get(&disputed).await.unwrap().status.unwrap().as_str(), "reversed");
    emulator.check_balances();

    let advanced = submit(&emulator, "/_emulator/clock/advance", "/?id=x", "seconds=3600").await;
    assert_eq!(advanced.headers()["location"], "/?id=x#top");
    assert!(page(&emulator, "").await.contains("2026-11-27 09:00:00 UTC"));
    let id = emulator.default_merchant().id();
    submit(&emulator, &format!("/_emulator/merchants/{id}/webhook"), "/", "url=http%3A%2F%2F127.0.0.1%3A9%2F").await;
    let trigger = format!("event=payment.succeeded&object_id={two}");
    submit(&emulator, &format!("/_emulator/merchants/{id}/trigger"), "/", &trigger).await;
    press(&emulator, &page(&emulator, "").await, "deliveries", "Resend").await;
    assert_eq!(emulator.default_merchant().deliveries().len(), 2);
    let fault = "operation=payments_list&fault=status&when=before_commit&status=503&milliseconds=1000";
    assert_eq!(submit(&emulator, "/_emulator/faults", "/", fault).await.headers()["location"], "/#faults");
    assert!(page(&emulator, "").await.contains("status 503, before commit"));
    press(&emulator, &page(&emulator, "").await, "faults", "Clear").await;
    assert!(page(&emulator, "").await.contains("No faults to come."));

    let failed = submit(&emulator, &format!("/_emulator/payments/{one}/settle"), "/", "").await;
    assert_eq!(failed.status(), 400);
    assert!(failed.text().await.unwrap().contains("The payment is settled"));
    // The forms lead to no other site.
    for referer in ["@evil.example/", ".evil.example/", "//evil.example", "/_emulator/openapi.json"] {
        let back = submit(&emulator, "/_emulator/faults/clear", referer, "").await;
        assert_eq!(back.headers()["location"], "/#faults", "{referer}");
    }
}

#[tokio::test]
async fn all_text_is_escaped_and_the_policy_allows_no_other_script() {
    const EVIL: &str = "<script>alert(1)</script>\"'&";
    let emulator = start().await;
    emulator.merchant(EVIL);
    let default = emulator.default_merchant();
    default.set_webhook("http://127.0.0.1:9/%3Cscript%3E");
    scene::escrow_with(&emulator, &["proof"], [EVIL, "b"], EVIL).await;
    let payment = scene::pay(&emulator, BUYER, 100).await;
    default.trigger(format!("payment.{EVIL}"), &payment);
    // Browsers encode a path, and other clients do not.
    let host = emulator.page_url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "GET /api/<script>alert(1)</script> HTTP/1.1\r\nhost: {host}\r\nuser-agent: {EVIL}\r\nconnection: close\r\n\r\n"
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await.unwrap();
    let request = Client::new().get(format!("{}api/%3Cscript%3E", emulator.page_url()));
    request.header("user-agent", EVIL).send().await.unwrap();
    for path in ["", &format!("?id={payment}"), "?id=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22"] {
        let page = page(&emulator, path).await;
        let scripts: Vec<&str> = page.split("<script").skip(1).collect();
        assert_eq!(scripts.len(), 1, "{path}");
        assert!(scripts[0].starts_with(">'use strict';"));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"), "{path}");
    }
    let error = submit(&emulator, "/_emulator/faults", "/", "operation=%3Cscript%3E&fault=reset").await;
    assert_eq!(error.status(), 400);
    assert!(error.text().await.unwrap().contains("`&lt;script&gt;`"));

    let response = reqwest::get(emulator.page_url()).await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    // An attribute with a style or a handler would not work, so there is none.
    let page = response.text().await.unwrap();
    let body = &page[page.find("<body").unwrap()..page.find("<script>").unwrap()];
    assert!(!body.contains(" style=") && !body.contains(" onclick="));
}

#[tokio::test]
async fn an_object_is_shown_with_its_requests_and_deliveries() {
    let emulator = start().await;
    emulator.default_merchant().set_webhook("http://127.0.0.1:9/");
    let (one, two) = (scene::pay(&emulator, BUYER, 700).await, scene::pay(&emulator, BUYER, 300).await);
    emulator.client().payments().get(&one).await.unwrap();
    emulator.settle();
    emulator.webhooks_idle().await;
    let everything = page(&emulator, "").await;
    assert!(everything.contains(&format!("href=\"/?id={one}\"")));
    let about = page(&emulator, &format!("?id={one}")).await;
    assert!(!about.contains(&two));
    assert_eq!(section(&about, "payments").matches("<tbody").count(), 1);
    assert_eq!(section(&about, "requests").matches("<tbody").count(), 2);
    assert_eq!(section(&about, "deliveries").matches("<tbody").count(), 1);
    assert!(section(&about, "deliveries").contains("payment.succeeded"));
    let (escrow, _) = scene::escrow(&emulator, &["proof"]).await;
    let batch = scene::disburse(&emulator, &[BUYER]).await;
    for (id, name) in [(&escrow, "escrows"), (&batch, "disbursements")] {
        assert!(section(&page(&emulator, &format!("?id={id}")).await, name).contains("<details"), "{name}");
    }
    assert!(page(&emulator, "?id=nothing").await.contains("No object has this id."));
}

#[tokio::test]
async fn lists_show_the_latest_items_and_the_total() {
    let emulator = started(builder().latency(Duration::ZERO)).await;
    let first = scene::pay(&emulator, BUYER, 1).await;
    for _ in 0..60 {
        scene::pay(&emulator, BUYER, 2).await;
    }
    let start = Instant::now();
    let page = page(&emulator, "").await;
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(section(&page, "payments").contains("latest 50 of 61"));
    assert_eq!(section(&page, "payments").matches("<tbody").count(), 50);
    assert!(!section(&page, "payments").contains(&first));
}
