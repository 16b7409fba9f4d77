//! The page in headless Chromium, where there is one: `PIAXIS_CHROMIUM` names it, and with `PIAXIS_CHROMIUM_REQUIRED=1` it must
//! be there. `PIAXIS_SCREENSHOTS` names a folder that keeps the screenshots.
//!
//! A binary of its own, because it needs Chromium.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod receiver;
    pub(crate) mod scene;
    pub(crate) mod tested;
}

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use piaxis_emulator::{DECLINED_PHONE_NUMBER, Fault, PENDING_PHONE_NUMBER, When};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::Notify,
};

use crate::support::{
    receiver::{Receiver, Respond},
    scene::{self, BUYER},
    tested::{Tested, builder, started},
};

/// The browser, where there is one.
async fn chromium() -> Option<String> {
    let named = std::env::var("PIAXIS_CHROMIUM").ok();
    for program in named.as_deref().into_iter().chain(["chromium", "chromium-browser", "google-chrome"]) {
        let mut command = Command::new(program);
        let version = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().await;
        if version.is_ok_and(|status| status.success()) {
            return Some(program.to_owned());
        }
    }
    let is_required = std::env::var("PIAXIS_CHROMIUM_REQUIRED").is_ok_and(|value| value == "1");
    assert!(!is_required, "there is no Chromium: install it, or name it by PIAXIS_CHROMIUM");
    eprintln!("skipped: there is no Chromium; PIAXIS_CHROMIUM names one");
    None
}

/// Runs the browser with a profile of its own, and returns its standard output.
async fn browse(program: &str, profile: &Path, options: &[&str], url: &str) -> String {
    let mut command = Command::new(program);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
    command.args(["--disable-dev-shm-usage", "--disable-background-networking", "--no-proxy-server"]);
    command.arg(format!("--user-data-dir={}", profile.display())).args(options).arg(url);
    command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(120), command.output()).await;
    let output = output.expect("Chromium ends").unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// A folder of the test, which is removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("piaxis-page-{}-{}", std::process::id(), fastrand::u64(..)));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An emulator in which a little of everything happened.
async fn populated() -> (Tested, Receiver) {
    let emulator = started(builder()).await;
    let receiver = Receiver::start().await;
    receiver.respond_with([Respond::Status(200), Respond::Status(500), Respond::Close]);
    emulator.default_merchant().set_webhook(&receiver.url);
    for (at, amount) in [15_000, 1_250_000, 780, 99_900].into_iter().enumerate() {
        let payer = if at == 2 { DECLINED_PHONE_NUMBER } else { BUYER };
        scene::pay(&emulator, payer, amount).await;
        emulator.advance(Duration::from_secs(40));
    }
    let (_, _) = scene::escrow(&emulator, &["proof", "custom"]).await;
    let (released, _) = scene::escrow(&emulator, &["delivery_confirmation"]).await;
    assert!(emulator.release_escrow(&released));
    let (disputed, _) = scene::escrow(&emulator, &["meeting_delivery"]).await;
    scene::dispute(&emulator, &disputed).await;
    scene::disburse(&emulator, &[BUYER, DECLINED_PHONE_NUMBER]).await;
    emulator.advance(Duration::from_secs(90));
    scene::disburse(&emulator, &[BUYER, PENDING_PHONE_NUMBER]).await;
    scene::disburse_in_escrow(&emulator, &[BUYER, "+256700111000"]).await;
    emulator.merchant("branch-kampala");
    scene::pay(&emulator, PENDING_PHONE_NUMBER, 42_000).await;
    let client = emulator.client();
    let _ = client.payments().get("id-1").retry_policy(piaxis::RetryPolicy::none()).await;
    emulator.fail_next("payments_list", When::AfterCommit(Fault::Reset));
    let filter = piaxis::types::PaymentFilter::builder().build();
    let _ = client.payments().list(filter).retry_policy(piaxis::RetryPolicy::none()).await;
    emulator.fail_next("payments_create", When::BeforeCommit(Fault::Status(503)));
    emulator.webhooks_idle().await;
    (emulator, receiver)
}

#[tokio::test]
async fn screenshots_are_written_wide_and_narrow_light_and_dark() {
    let Some(program) = chromium().await else { return };
    let (emulator, _receiver) = populated().await;
    let folder = Folder::new();
    let kept = std::env::var_os("PIAXIS_SCREENSHOTS").map(PathBuf::from);
    let target = kept.as_deref().unwrap_or(&folder.0);
    std::fs::create_dir_all(target).unwrap();
    let object = format!("{}?id={}", emulator.page_url(), scene::escrow(&emulator, &["proof"]).await.0);
    for (name, size, url) in [
        ("wide", "1440,1800", emulator.page_url()),
        ("narrow", "500,2600", emulator.page_url()),
        ("object", "1100,800", object),
    ] {
        for (scheme, option) in [("light", "--lang=en"), ("dark", "--blink-settings=preferredColorScheme=0")] {
            let file = target.join(format!("{name}-{scheme}.png"));
            let _ = std::fs::remove_file(&file);
            let screenshot = format!("--screenshot={}", file.display());
            let size = format!("--window-size={size}");
            let options = [&*screenshot, &*size, option, "--virtual-time-budget=3000"];
            browse(&program, &folder.0.join("profile"), &options, &url).await;
            let image = std::fs::read(&file).unwrap();
            assert!(image.starts_with(b"\x89PNG") && image.len() > 20_000, "{name}-{scheme}: {} bytes", image.len());
        }
    }
}

/// Forwards connections, and notifies of each page that was sent.
async fn forward(emulator: &Tested) -> (String, Arc<Notify>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let host = emulator.page_url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let (sent, own) = (Arc::new(Notify::new()), url.clone());
    let notify = sent.clone();
    tokio::spawn(async move {
        loop {
            let (browser, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(&host).await.unwrap();
            let (mut browser_in, mut browser_out) = browser.into_split();
            let (mut server_in, mut server_out) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut browser_in, &mut server_out).await });
            let notify = notify.clone();
            tokio::spawn(async move {
                // Large enough for a whole page, whose end is looked for in each read.
                let mut bytes = Vec::with_capacity(1 << 20);
                while server_in.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                    if browser_out.write_all(&bytes).await.is_err() {
                        return;
                    }
                    if bytes.ends_with(b"</html>") {
                        notify.notify_one();
                    }
                    bytes.clear();
                }
            });
        }
    });
    (own, sent)
}

#[tokio::test]
async fn a_payment_created_after_the_page_was_loaded_appears() {
    let Some(program) = chromium().await else { return };
    let emulator = started(builder()).await;
    let folder = Folder::new();
    let (url, sent) = forward(&emulator).await;
    let options = ["--dump-dom", "--virtual-time-budget=200000"];
    let browsing = browse(&program, &folder.0, &options, &url);
    let paying = async {
        // The page itself, and its first refresh.
        sent.notified().await;
        sent.notified().await;
        scene::pay(&emulator, BUYER, 4_321).await
    };
    let (dom, payment) = tokio::time::timeout(Duration::from_secs(120), async { tokio::join!(browsing, paying) })
        .await
        .expect("the page is loaded");
    assert!(dom.contains(">live</span>"), "the script did not run");
    assert!(dom.contains(&payment) && dom.contains("4,321.00"), "the payment is not on the page");
    assert!(dom.contains("class=\"fresh\""), "the payment was on the page from the start");
    assert!(dom.contains("No escrows yet."));
}
