//! A running program.

use std::{collections::HashMap, process::Stdio, time::Duration};

use piaxis::{Client, Environment};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A running program with the variables and comments that it printed.
pub(crate) struct Program {
    child: Child,
    pub(crate) variables: HashMap<String, String>,
    pub(crate) comments: Vec<String>,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_piaxis-emulator"));
    command.args(["--port", "0"]).args(arguments).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

impl Program {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut variables, mut comments) = (HashMap::new(), Vec::new());
        loop {
            let line = timeout(Duration::from_secs(20), lines.next_line()).await.unwrap().unwrap();
            let line = line.expect("the program ended");
            match line.strip_prefix("export ").and_then(|line| line.split_once('=')) {
                Some((name, value)) => drop(variables.insert(name.to_owned(), value.to_owned())),
                None => comments.push(line.strip_prefix("# ").unwrap().to_owned()),
            }
            if line.starts_with("# Webhooks:") {
                return Self { child, variables, comments };
            }
        }
    }

    pub(crate) fn client(&self) -> Client {
        let builder = Client::builder().environment(Environment::Custom(self.variables["PIAXIS_API_BASE_URL"].clone()));
        let builder = builder.api_key(self.variables["PIAXIS_API_KEY"].as_str());
        let builder = builder.client_id(&self.variables["PIAXIS_CLIENT_ID"]);
        builder.client_secret(self.variables["PIAXIS_CLIENT_SECRET"].as_str()).build().unwrap()
    }

    /// A comment after its label.
    pub(crate) fn comment(&self, label: &str) -> &str {
        let found = self.comments.iter().find_map(|comment| comment.strip_prefix(label)?.strip_prefix(": "));
        found.unwrap_or_else(|| panic!("no {label}: {:?}", self.comments))
    }

    /// Sends a signal, and returns the exit code.
    pub(crate) async fn end(mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
        timeout(Duration::from_secs(20), self.child.wait()).await.unwrap().unwrap().code()
    }
}
