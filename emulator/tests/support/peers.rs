//! Programs in Python that are not ours, from a virtual environment.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

/// The folder of the virtual environment, from `PIAXIS_PEERS`. Without it, prints that the test is skipped.
pub(crate) fn venv() -> Option<PathBuf> {
    let venv = env::var_os("PIAXIS_PEERS").map(PathBuf::from);
    if venv.is_none() {
        assert!(env::var_os("PIAXIS_PEERS_REQUIRED").is_none(), "PIAXIS_PEERS must name a virtual environment");
        eprintln!("skipped: PIAXIS_PEERS names no virtual environment; .ci/peers makes one");
    }
    venv
}

/// Runs a script of the folder `peers`, or one with a whole path, and returns what it prints.
pub(crate) async fn python(venv: &Path, script: &str, variables: &[(&str, String)]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script);
    let mut command = Command::new(venv.join("bin/python"));
    command.arg(script).env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
    run(command).await
}

/// Runs a program that must succeed, and returns what it prints.
pub(crate) async fn run(mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}:\n{out}\n{err}", output.status);
    out.into_owned()
}
