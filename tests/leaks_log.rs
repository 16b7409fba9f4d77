//! Records of the `log` crate show no secret and no personal data.
//!
//! A binary of its own, because a logger is global.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod secrets;
    pub(crate) mod server;
}

use std::{sync::Mutex, time::Duration};

use log::{LevelFilter, Log, Metadata, Record};
use piaxis::{Client, Environment};

use crate::support::{
    secrets::{cases, is_leak, with_credentials},
    server::{Response, Server, nowhere},
};

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
fn responses(secrets: &[&str]) -> Vec<Response> {
    let all = secrets.join(" and ");
    let headers = [("content-type", "application/json"), ("x-request-id", all.as_str()), ("set-cookie", all.as_str())];
    let body = format!(r#"{{"code":"{all}","message":"wrong: {all}"}}"#);
    let token = format!(r#"{{"access_token":"{all}","id":"{all}","otp":["{all}"]}}"#);
    vec![
        Response::new(401, &headers, &body),
        Response::new(503, &headers, &body),
        Response::declaring(body.len() + 10, 422, &headers, &body),
        Response::declaring(body.len() + 10, 200, &headers, &body),
        Response::new(302, &[("location", all.as_str())], ""),
        Response::new(200, &headers, token),
        Response::Bytes(format!("HTTP/1.1 200 OK\r\n{all}\r\n\r\n").into_bytes()),
        Response::Bytes(format!("{all}\r\n").into_bytes()),
        Response::CloseUnread,
        Response::Close,
    ]
}

#[tokio::test]
async fn log_records_show_no_secrets() {
    log::set_logger(&LOGGER).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let server = Server::start(Response::CloseUnread).await;
    let (_socket, nowhere) = nowhere();
    let at = |base_url: String| Client::builder().environment(Environment::Custom(base_url));
    let client = with_credentials(server.builder()).timeout(Duration::from_secs(60)).build().unwrap();
    for number in 0..cases(&client).len() {
        for response in responses(cases(&client)[number].secrets) {
            server.set(response);
            cases(&client).swap_remove(number).outcome.await;
        }
    }
    server.set(Response::CloseUnread);
    // A plain server that is spoken TLS to, retries, and a port at which nothing listens.
    for builder in [at(server.base_url().replace("http:", "https:")), at(server.base_url()), at(nowhere)] {
        let client = with_credentials(builder).timeout(Duration::from_secs(5)).build().unwrap();
        for case in cases(&client).into_iter().take(3) {
            case.outcome.await;
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
