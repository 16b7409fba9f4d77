//! Webhook secrets from an environment variable.

use piaxis::webhook::Webhook;

/// Run by the test below, in an environment of its own.
#[test]
fn child() {
    if std::env::var_os("PIAXIS_TEST_CHILD").is_some() {
        println!("<{}>", Webhook::from_env().map_or_else(|error| error.to_string(), |webhook| format!("{webhook:?}")));
    }
}

#[test]
fn the_secret_may_come_from_the_environment() {
    let made_with = |secret: Option<&str>| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "webhook::child", "--nocapture"]).env_clear().env("PIAXIS_TEST_CHILD", "1");
        let output = command.envs(secret.map(|secret| ("PIAXIS_WEBHOOK_SECRET", secret))).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        printed.split(['<', '>']).nth(1).unwrap().to_owned()
    };
    assert!(made_with(Some("secret")).starts_with("Webhook { secrets: 1,"));
    assert!(made_with(Some(" new\nold\n")).starts_with("Webhook { secrets: 2,"));
    assert_eq!(made_with(None), "PIAXIS_WEBHOOK_SECRET must be set, and must be UTF-8");
    assert!(made_with(Some("")).starts_with("the webhook secret is empty"));
    assert!(made_with(Some(" \n")).starts_with("the webhook secret is empty"));
}
