//! The program: what it prints, and how it ends.
//!
//! A binary of its own, because it needs the feature `program`.
#![cfg(all(feature = "program", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod program;
    pub(crate) mod receiver;
}

use std::process::Stdio;

use piaxis::{
    PaymentMethod, PaymentStatus,
    types::{OtpRequest, PaymentCreate, UserInfo},
    webhook::Webhook,
};
use tokio::io::AsyncReadExt as _;

use crate::support::{program::Program, receiver::Receiver};

const BUYER: &str = "+256700000000";

#[tokio::test]
async fn a_client_of_the_printed_variables_pays_and_the_receiver_is_notified() {
    let receiver = Receiver::start().await;
    let program = Program::start(&["--webhook-url", &receiver.url, "--settle-after", "10", "--latency", "5"]).await;
    let client = program.client();
    let otp = client.otp().request(OtpRequest::builder().phone_number(BUYER).build()).await.unwrap().otp.unwrap();
    let payer = UserInfo::builder().phone_number(BUYER).otp(otp).build();
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
    let created = client.payments().create(order.user_info(payer).build()).await.unwrap();
    let payment = client.payments().wait_until_settled(&created.payment_id).await.unwrap();
    assert_eq!(payment.last().unwrap().status, PaymentStatus::Completed);
    receiver.wait_for(1).await;
    let webhook = Webhook::new(program.variables["PIAXIS_WEBHOOK_SECRET"].as_str()).unwrap().require_v2();
    let received = receiver.received().remove(0);
    let event = webhook.verify(&received.body, &received.headers).unwrap().event().unwrap();
    assert_eq!(event.data()["payment_id"], created.payment_id);
    assert!(program.comments.contains(&"One-time password: 123456".to_owned()), "{:?}", program.comments);
    assert!(reqwest::get(program.comment("Page")).await.unwrap().text().await.unwrap().contains(&created.payment_id));
    assert_eq!(program.end("-TERM").await, Some(0));
}

#[tokio::test]
async fn options_change_the_behaviour() {
    let options =
        ["--random-otps", "--client-id-optional", "--seed", "7", "--webhook-secret", "it is", "--faults", "0"];
    let program = Program::start(&options).await;
    assert_eq!(program.variables["PIAXIS_WEBHOOK_SECRET"], "'it is'");
    let url = format!("{}/merchant-payments", program.variables["PIAXIS_API_BASE_URL"]);
    let request = reqwest::Client::new().get(url).header("api-key", &program.variables["PIAXIS_API_KEY"]);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let sent = program.client().otp().request(OtpRequest::builder().phone_number(BUYER).build()).await.unwrap();
    assert_eq!(sent.otp.unwrap().expose().len(), 6);
    assert!(program.comments.iter().all(|comment| !comment.contains("123456")), "{:?}", program.comments);
    let same = Program::start(&["--seed", "7"]).await;
    let id = |program: &Program| program.comments.iter().find(|comment| comment.starts_with("Account id")).cloned();
    assert_eq!(id(&same), id(&program));
    assert_eq!(program.end("-INT").await, Some(0));
    assert_eq!(same.end("-TERM").await, Some(0));
}

#[tokio::test]
async fn a_program_that_cannot_start_reports_the_cause() {
    let program = Program::start(&[]).await;
    let port = program.variables["PIAXIS_API_BASE_URL"].split(':').nth(2).unwrap().trim_end_matches("/api").to_owned();
    let in_use = format!(
        "piaxis-emulator: port {port} of 127.0.0.1 is in use: stop the program that uses it, or choose another port with --port\n"
    );
    for (arguments, code, message) in [
        (["--port", port.as_str()], 1, in_use.as_str()),
        (["--webhook-url", "nowhere"], 1, "piaxis-emulator: invalid webhook URL: relative URL without a base\n"),
        (["--faults", "2"], 2, "error: invalid value '2' for '--faults <FAULTS>': must be a number from 0 to 1\n"),
    ] {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_piaxis-emulator"));
        let mut child = command.args(arguments).env_clear().stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with(message), "{text}");
        assert_eq!(child.wait().await.unwrap().code(), Some(code));
    }
}
