//! `cargo xtask operations`: the operation table, printed by a program of its own, which is built when it is asked for.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

pub(crate) fn run() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--package", "operations"])
        .status()
        .context("cargo cannot be started")?;
    if !status.success() {
        bail!("the operations could not be listed");
    }
    Ok(())
}
