//! Records of the `log` crate show no secret and no personal data. A logger is global, so the test has a binary of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod secrets;
mod support;

use std::{sync::Mutex, time::Duration};

use log::{LevelFilter, Log, Metadata, Record};
use piaxis::{Client, Environment};
use secrets::{calls, is_leak, with_credentials};
use support::{Answer, Server, nowhere};

/// Keeps every record: target, level, message.
struct Logger(Mutex<Vec<String>>);

static LOGGER: Logger = Logger(Mutex::new(Vec::new()));

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(format!("{} {}: {}", record.level(), record.target(), record.args()));
    }

    fn flush(&self) {}
}

/// Responses that echo the secrets, and connections that fail.
fn answers(secrets: &[&str]) -> Vec<Answer> {
    let all = secrets.join(" and ");
    let headers = [("content-type", "application/json"), ("x-request-id", all.as_str()), ("set-cookie", all.as_str())];
    let body = format!(r#"{{"code":"{all}","message":"wrong: {all}"}}"#);
    let token = format!(r#"{{"access_token":"{all}","id":"{all}","otp":["{all}"]}}"#);
    vec![
        Answer::new(401, &headers, &body),
        Answer::new(503, &headers, &body),
        Answer::declaring(body.len() + 10, 422, &headers, &body),
        Answer::declaring(body.len() + 10, 200, &headers, &body),
        Answer::new(302, &[("location", all.as_str())], ""),
        Answer::new(200, &headers, token),
        Answer::Bytes(format!("HTTP/1.1 200 OK\r\n{all}\r\n\r\n").into_bytes()),
        Answer::Bytes(format!("{all}\r\n").into_bytes()),
        Answer::CloseUnread,
        Answer::CloseUnanswered,
    ]
}

#[tokio::test]
async fn log_records_show_no_secrets() {
    log::set_logger(&LOGGER).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let server = Server::start(Answer::CloseUnread).await;
    let (_socket, nowhere) = nowhere();
    let at = |base_url: String| Client::builder().environment(Environment::Custom(base_url));
    let client = with_credentials(server.builder()).timeout(Duration::from_secs(60)).build().unwrap();
    for number in 0..calls(&client).len() {
        for answer in answers(calls(&client)[number].secrets) {
            server.set(answer);
            calls(&client).swap_remove(number).outcome.await;
        }
    }
    server.set(Answer::CloseUnread);
    // A plain server that is spoken TLS to, retries, and a port at which nothing listens.
    for builder in [at(server.base_url().replace("http:", "https:")), at(server.base_url()), at(nowhere)] {
        let client = with_credentials(builder).timeout(Duration::from_secs(5)).build().unwrap();
        for call in calls(&client).into_iter().take(3) {
            call.outcome.await;
        }
    }
    let records = LOGGER.0.lock().unwrap();
    for target in ["piaxis", "reqwest", "hyper_util", "rustls"] {
        let is_from = |record: &String| record.split(' ').nth(1).is_some_and(|from| from.starts_with(target));
        assert!(records.iter().any(is_from), "no records of {target}");
    }
    let leaks: Vec<&String> = records.iter().filter(|record| is_leak(record)).take(5).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
