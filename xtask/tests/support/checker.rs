//! Folders of documents, and `cargo xtask check` on them.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

pub const GUIDE: &str = "piaxis-api-integration-guide.md";
pub const SIGN_IN: &str = "authentication.html";
pub const PAYOUTS: &str = "disbursements.html";
pub const PAGES: [&str; 5] = [GUIDE, "llms.txt", "index.html", SIGN_IN, PAYOUTS];
pub const CONTRACT: &str = "contract.yaml";

/// A document of the tests, or all of them.
pub fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docs").join(name)
}

/// A path among the files of the build, of this process only.
pub fn own_path(name: &str) -> PathBuf {
    let test = env!("CARGO_CRATE_NAME");
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}-{name}", process::id()))
}

/// A folder of its own among the files of the build, removed when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let path = own_path(&COUNT.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub struct Checked {
    pub code: Option<i32>,
    pub json: Value,
    pub error: String,
}

impl Checked {
    pub fn all(&self) -> impl Iterator<Item = &Value> {
        self.json["findings"].as_array().into_iter().flatten()
    }
}

/// Checks the documents in a folder or at an address.
pub fn check(docs: impl AsRef<OsStr>, more: &[&str]) -> Checked {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = command.args(["check", "--format", "json", "--docs"]).arg(docs).args(more).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!error.contains("panicked"), "{error}");
    Checked {
        code: output.status.code(),
        json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        error: error.trim_end().to_owned(),
    }
}
