//! Clients made from environment variables.

use std::{ffi::OsString, process::Command};

use piaxis::{Client, Environment, Error, oauth::TokenRefresh};

use crate::support::server::{Response, Server};

/// A response which proves that the request was sent.
fn sent() -> Response {
    Response::json(404, r#"{"detail":"sent"}"#)
}

async fn error_of<T>(request: impl IntoFuture<Output = Result<T, Error>>) -> Error {
    request.await.err().expect("a 404")
}

fn refresh() -> TokenRefresh {
    TokenRefresh::builder().refresh_token("refresh-1").build()
}

/// Marks a run of [`child`] by a test of this file.
const MARKER: &str = "PIAXIS_TEST_CHILD";

/// The variables of a process cannot be changed safely, so each case is a run of this test in a process of its own.
#[test]
fn child() {
    if std::env::var_os(MARKER).is_none() {
        return;
    }
    let client = match Client::from_env() {
        Ok(client) => client,
        Err(error) => {
            println!("REJECTED {:?} {error}\n{error:?}\n{error:#?}", error.kind());
            return;
        }
    };
    println!("MADE {client:?} {:?}", client.environment());
    if matches!(client.environment(), Environment::Custom(url) if url.starts_with("http://127.0.0.1:")) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            println!("{}", error_of(client.escrows().get("escrow-1")).await);
            println!("{}", error_of(client.oauth().refresh_token(refresh())).await);
        });
    }
}

fn run_child(variables: &[(&str, OsString)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "client::child", "--nocapture", "--test-threads=1"]).env_clear().env(MARKER, "1");
    let output = command.envs(variables.iter().map(|(name, value)| (name, value))).output().unwrap();
    let printed = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{printed}");
    printed
}

#[test]
fn an_invalid_variable_is_rejected_by_name() {
    const URL: &str = "PIAXIS_API_BASE_URL";
    // What is set, and the text of the rejection. Every value contains a marker that must not be printed.
    type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);
    let cases: [Case; 22] = [
        (&[], &["neither PIAXIS_API_KEY nor PIAXIS_ACCESS_TOKEN is set"]),
        (&[("PIAXIS_CLIENT_ID", "s3ntinel")], &["neither PIAXIS_API_KEY nor PIAXIS_ACCESS_TOKEN"]),
        (&[("PIAXIS_API_KEY", "")], &["PIAXIS_API_KEY is empty"]),
        (&[("PIAXIS_API_KEY", " \n")], &["PIAXIS_API_KEY is empty"]),
        (&[("PIAXIS_API_KEY", ""), ("PIAXIS_ACCESS_TOKEN", "s3ntinel")], &["PIAXIS_API_KEY is empty"]),
        (&[("PIAXIS_API_KEY", "s3ntinel\n")], &["PIAXIS_API_KEY has characters"]),
        (&[("PIAXIS_API_KEY", "s3ntinelé")], &["PIAXIS_API_KEY must be ASCII"]),
        (&[("PIAXIS_ACCESS_TOKEN", "")], &["PIAXIS_ACCESS_TOKEN is empty"]),
        (&[("PIAXIS_ACCESS_TOKEN", "Bearer ")], &["access token is empty"]),
        (&[("PIAXIS_ACCESS_TOKEN", "s3ntinel\r\nx: y")], &["PIAXIS_ACCESS_TOKEN has characters"]),
        (&[("PIAXIS_API_KEY", "s3ntinel"), ("PIAXIS_CLIENT_ID", "")], &["PIAXIS_CLIENT_ID is empty"]),
        (&[("PIAXIS_API_KEY", "s3ntinel"), ("PIAXIS_CLIENT_ID", "s3ntinel\n")], &["PIAXIS_CLIENT_ID has characters"]),
        (
            &[("PIAXIS_API_KEY", "s3ntinel"), ("PIAXIS_OAUTH_CLIENT_ID", "s3ntinel\n")],
            &["PIAXIS_OAUTH_CLIENT_ID has characters"],
        ),
        (&[("PIAXIS_API_KEY", "s3ntinel"), ("PIAXIS_CLIENT_SECRET", " ")], &["PIAXIS_CLIENT_SECRET is empty"]),
        (
            &[("PIAXIS_API_KEY", "s3ntinel"), ("PIAXIS_OAUTH_CLIENT_SECRET", "")],
            &["PIAXIS_OAUTH_CLIENT_SECRET is empty"],
        ),
        (&[("PIAXIS_API_KEY", "s3ntinel"), (URL, "")], &["PIAXIS_API_BASE_URL is empty"]),
        (&[("PIAXIS_API_KEY", "s3ntinel"), (URL, "s3ntinel")], &[URL, "absolute"]),
        (&[("PIAXIS_API_KEY", "s3ntinel"), (URL, "https://s3ntinel.example.com")], &[URL, "no path", "/api"]),
        (&[("PIAXIS_API_KEY", "s3ntinel"), (URL, "http://s3ntinel.example.com/api")], &[URL, "HTTPS"]),
        (&[("PIAXIS_API_KEY", "s3ntinel"), (URL, "https://u:s3ntinel@example.com/api")], &[URL, "credentials"]),
        (&[("PIAXIS_API_KEY", "s3ntinel"), (URL, "https://example.com/api?key=s3ntinel")], &[URL, "query"]),
        (
            &[("PIAXIS_API_KEY", "s3ntinel"), (URL, "https://api.gopiaxis.com/s3ntinel")],
            &[URL, "https://api.gopiaxis.com/api"],
        ),
    ];
    for (variables, words) in cases {
        let owned: Vec<_> = variables.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
        let printed = run_child(&owned);
        assert!(printed.contains("REJECTED Configuration"), "{variables:?}: {printed}");
        for word in words {
            assert!(printed.contains(word), "{variables:?}: {printed}");
        }
        assert!(!printed.contains("s3ntinel"), "{variables:?}: {printed}");
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_rejected_by_name() {
    use std::os::unix::ffi::OsStringExt;

    let broken = OsString::from_vec(b"s3ntinel\xff".to_vec());
    for name in [
        "PIAXIS_API_KEY",
        "PIAXIS_ACCESS_TOKEN",
        "PIAXIS_CLIENT_ID",
        "PIAXIS_OAUTH_CLIENT_ID",
        "PIAXIS_CLIENT_SECRET",
        "PIAXIS_OAUTH_CLIENT_SECRET",
        "PIAXIS_API_BASE_URL",
    ] {
        let mut variables = vec![("PIAXIS_API_KEY", OsString::from("s3ntinel"))];
        variables.push((name, broken.clone()));
        let printed = run_child(&variables);
        assert!(printed.contains("REJECTED Configuration"), "{name}: {printed}");
        assert!(printed.contains(&format!("{name} must be UTF-8")), "{name}: {printed}");
        assert!(!printed.contains("s3ntinel"), "{name}: {printed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preferred_name_of_a_variable_wins() {
    let server = Server::start(sent()).await;
    let own = ["PIAXIS_API_KEY", "PIAXIS_ACCESS_TOKEN"];
    let ids = ["PIAXIS_CLIENT_ID", "PIAXIS_OAUTH_CLIENT_ID"];
    let secrets = ["PIAXIS_CLIENT_SECRET", "PIAXIS_OAUTH_CLIENT_SECRET"];
    // Which variables are set (each to its own name), then the headers of a request, and the form of the token route.
    type Case = (Vec<&'static str>, [Option<&'static str>; 3], Option<[&'static str; 2]>);
    let cases: [Case; 6] = [
        (vec![own[0]], [Some(own[0]), None, None], None),
        (vec![own[1]], [None, Some("Bearer PIAXIS_ACCESS_TOKEN"), None], None),
        (vec![own[0], own[1], ids[0]], [Some(own[0]), Some("Bearer PIAXIS_ACCESS_TOKEN"), Some(ids[0])], None),
        (vec![own[0], ids[1], secrets[1]], [Some(own[0]), None, Some(ids[1])], Some([ids[1], secrets[1]])),
        (
            vec![own[0], ids[0], ids[1], secrets[0], secrets[1]],
            [Some(own[0]), None, Some(ids[0])],
            Some([ids[0], secrets[0]]),
        ),
        (vec![own[0], ids[0], secrets[1]], [Some(own[0]), None, Some(ids[0])], Some([ids[0], secrets[1]])),
    ];
    for (set, headers, form) in cases {
        let mut variables: Vec<_> = set.iter().map(|name| (*name, OsString::from(name))).collect();
        variables.push(("PIAXIS_API_BASE_URL", (server.base_url() + "/").into()));

        let printed = run_child(&variables);

        assert!(printed.contains("MADE Client"), "{set:?}: {printed}");
        let received = server.take();
        let request = received.iter().find(|received| received.method == "GET").unwrap();
        assert_eq!(request.target, "/api/escrows/escrow-1");
        let names = ["api-key", "authorization", "x-piaxis-client-id"];
        assert_eq!(names.map(|name| request.header(name)), headers, "{set:?}");
        let exchange = received.iter().find(|received| received.method == "POST");
        let exchange = exchange.map(|received| String::from_utf8(received.body.clone()).unwrap());
        assert_eq!(exchange.is_some(), form.is_some(), "{set:?}: {printed}");
        for (name, value) in ["client_id", "client_secret"].into_iter().zip(form.into_iter().flatten()) {
            let form = exchange.as_deref().unwrap_or_default();
            assert!(form.split('&').any(|field| field == format!("{name}={value}")), "{set:?}: {form}");
        }
    }
}

#[test]
fn an_environment_without_base_url_means_production() {
    let variables = [("PIAXIS_API_KEY", OsString::from("s3ntinel")), ("PIAXIS_CLIENT_SECRET", "s3ntinel".into())];
    let printed = run_child(&variables);
    assert!(printed.contains("MADE Client") && printed.contains("https://api.gopiaxis.com/api"), "{printed}");
    assert!(printed.contains("Production") && !printed.contains("s3ntinel"), "{printed}");
}
