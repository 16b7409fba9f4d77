//! Proxies of the environment, which must never see a request to this machine.

use std::process::Command;

use piaxis::{Client, Environment, PaymentMethod, types::PaymentCreate};

use crate::support::server::{Response, Server};

const BASE_URLS: &str = "TEST_BASE_URLS";
const EXPLICIT: &str = "TEST_EXPLICIT_PROXY";

fn order() -> PaymentCreate {
    PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).mfa_code("s3ntinel").build()
}

/// Runs in a process of its own, because the environment is one for all of a process.
#[tokio::test]
async fn child() {
    let Ok(base_urls) = std::env::var(BASE_URLS) else { return };
    for base_url in base_urls.split(' ') {
        let mut builder = Client::builder().environment(Environment::Custom(base_url.to_owned())).api_key("key-1");
        // A new builder from `configure_http` does not restore the proxies.
        builder = builder.configure_http(|_| reqwest::Client::builder());
        if let Ok(proxy) = std::env::var(EXPLICIT) {
            builder = builder.proxy(reqwest::Proxy::all(proxy).unwrap());
        }
        let result = builder.build().unwrap().payments().create(order()).await;
        println!("{base_url}: {}", result.map_or_else(|error| error.to_string(), |payment| payment.payment_id));
    }
}

fn run_child(base_urls: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "proxies::child", "--nocapture", "--test-threads=1"])
        .env_clear()
        .env(BASE_URLS, base_urls);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let printed = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{printed}");
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_of_the_environment_are_not_used_for_loopback() {
    let proxy = Server::start(Response::json(200, r#"{"payment_id":"through-the-proxy"}"#)).await;
    let server = Server::start(Response::json(200, r#"{"payment_id":"direct"}"#)).await;
    let url = |host: &str| server.base_url().replace("127.0.0.1", host);
    // The server listens on 127.0.0.1 only; what counts for the others is that the proxy sees nothing.
    let base_urls = [url("127.0.0.1"), url("localhost"), url("127.0.0.53"), url("[::1]")].join(" ");
    let through = format!("http://{}", proxy.base_url().trim_start_matches("http://").trim_end_matches("/api"));
    let variables: Vec<(&str, &str)> = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"]
        .into_iter()
        .map(|name| (name, through.as_str()))
        .collect();
    let printed = run_child(&base_urls, &variables);
    assert!(printed.contains(&format!("{}: direct", url("127.0.0.1"))), "{printed}");
    assert_eq!(proxy.take().len(), 0, "{printed}");

    // A proxy that the program itself names is used.
    let printed = run_child(&url("127.0.0.1"), &[(EXPLICIT, &through)]);
    assert!(printed.contains(": through-the-proxy"), "{printed}");
}
