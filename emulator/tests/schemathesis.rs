//! schemathesis, which knows the contract and nothing of the emulator, sends the program what it makes up of the contract.
//!
//! A binary of its own, because it needs the feature `program` and a Python environment.
#![cfg(all(feature = "program", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod peers;
    pub(crate) mod program;
}

use std::{env, path::Path};

use piaxis::Credential;
use tokio::process::Command;

use crate::support::{
    peers::{run, venv},
    program::Program,
};

/// Checks of schemathesis that are not made:
///
/// - `positive_data_acceptance`: data that fits the contract may break a rule of the business (an unknown payment, a wrong
///   one-time password), which the contract cannot say.
/// - `negative_data_rejection`: the contract takes unknown fields and any text in open enums, as FastAPI does.
/// - `missing_required_header`: no header that schemathesis knows is required; credentials have a check of their own.
/// - `unsupported_method`: TRACE and the like get 405, or 404 below a path with an id.
const LEFT_OUT: &str = "positive_data_acceptance,negative_data_rejection,missing_required_header";

#[tokio::test(flavor = "multi_thread")]
async fn no_response_leaves_the_contract() {
    let Some(venv) = venv() else { return };
    let program = Program::start(&["--reusable-otps"]).await;
    let examples = env::var("PIAXIS_SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| "20".to_owned());
    let mut command = Command::new(venv.join("bin/schemathesis"));
    command
        .arg("run")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/piaxis.yaml"))
        .args([
            "--url",
            &program.variables["PIAXIS_API_BASE_URL"],
            "--seed",
            "1",
            "--max-examples",
            &examples,
            // Python before 3.11.8 and 3.12.2 counts the depth of `ast` for all threads at once (its issue 106905), and
            // Hypothesis, which schemathesis is built on, parses in each worker: two fail now and then.
            "--workers",
            "1",
        ])
        .args(["--header", &format!("{}: {}", Credential::ApiKey.header(), program.variables["PIAXIS_API_KEY"])])
        .args(["--header", &format!("{}: {}", Credential::ClientId.header(), program.variables["PIAXIS_CLIENT_ID"])])
        .args(["--checks", "all", "--exclude-checks", LEFT_OUT, "--continue-on-failure", "--no-color"])
        .args(["--suppress-health-check", "all", "--warnings", "off", "--max-redirects", "0"])
        .current_dir(env::temp_dir());
    println!("{}", run(command).await);
    assert_eq!(program.end("-TERM").await, Some(0));
}
