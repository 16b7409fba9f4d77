//! openapi/piaxis.yaml -> OUT_DIR: the open enums, the operation table and, with the feature `client`, the raw client
//! and the typed evidence of terms; with `mock`, the typed mocks; with `webhook`, the events. This file says what;
//! progenitor does how.

#[path = "build/check.rs"]
mod check;
#[cfg(feature = "client")]
#[path = "build/credentials.rs"]
mod credentials;
#[cfg(any(feature = "client", feature = "webhook"))]
#[path = "build/debug.rs"]
mod debug;
#[cfg(feature = "client")]
#[path = "build/decode.rs"]
mod decode;
#[path = "build/document.rs"]
mod document;
#[cfg(feature = "client")]
#[path = "build/evidence.rs"]
mod evidence;
#[cfg(feature = "client")]
#[path = "build/generator.rs"]
mod generator;
#[cfg(feature = "client")]
#[path = "build/lists.rs"]
mod lists;
#[cfg(feature = "mock")]
#[path = "build/mocks.rs"]
mod mocks;
#[path = "build/open_enums.rs"]
mod open_enums;
#[path = "build/operations.rs"]
mod operations;
#[cfg(feature = "client")]
#[path = "build/raw.rs"]
mod raw;
#[cfg(feature = "client")]
#[path = "build/types.rs"]
mod types;
#[cfg(feature = "webhook")]
#[path = "build/webhooks.rs"]
mod webhooks;

use std::{env, fs, path::Path, process::ExitCode};

use serde_json::Value;

use document::{Result, line_of};

const CONTRACT: &str = "openapi/piaxis.yaml";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed={CONTRACT}");
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    if cfg!(feature = "client")
        && !cfg!(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls"))
    {
        let choices = "`rustls` (the default), `rustls-no-provider` or `native-tls`";
        return Err(format!("the feature `client` needs TLS; enable one of {choices}"));
    }
    let text = fs::read_to_string(CONTRACT).map_err(|e| format!("{CONTRACT}: {e}"))?;
    generate(&text, Path::new(&env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?))
}

/// Writes everything that is made of a contract into a directory. An error names the place in the contract.
pub fn generate(text: &str, directory: &Path) -> Result<(), String> {
    // By way of a YAML value, which rejects duplicate keys.
    let yaml: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).map_err(|e| format!("{CONTRACT}: {e}"))?;
    let contract: Value = serde_yaml_ng::from_value(yaml).map_err(|e| format!("{CONTRACT}: {e}"))?;
    let files = all_files(&contract).map_err(|e| {
        let line = line_of(text, &e.path).map_or(String::new(), |line| format!(":{line}"));
        let place = if e.path.is_empty() { String::new() } else { format!(": {}", e.path.join(".")) };
        format!("{CONTRACT}{line}{place}: {}", e.message)
    })?;
    for (name, code) in files {
        let path = directory.join(name);
        fs::write(&path, code).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

fn all_files(contract: &Value) -> Result<Vec<(&'static str, String)>> {
    check::check(contract, contract, &mut Vec::new())?;
    let files = vec![
        ("contract.json", contract.to_string()),
        ("open_enums.rs", open_enums::open_enums(contract)),
        ("operations.rs", operations::operations(contract)?),
    ];
    #[cfg(feature = "webhook")]
    let files = [files, vec![("webhooks.rs", webhooks::webhooks(contract)?)]].concat();
    #[cfg(feature = "client")]
    let files = {
        let mut files = files;
        let spec = generator::prepare(contract)?;
        files.extend([
            ("raw.rs", raw::raw(contract, &spec)?),
            ("evidence.rs", evidence::evidence(contract)),
            ("lists.rs", lists::lists(contract)?),
            ("credentials.md", credentials::credentials(contract)),
        ]);
        #[cfg(feature = "mock")]
        files.push(("mocks.rs", mocks::mocks(contract, spec)?));
        files
    };
    Ok(files)
}
