//! Runs `cargo xtask diff` on two texts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

/// A file of this text, removed when dropped.
pub struct Document(PathBuf);

impl Document {
    pub fn new(text: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differ");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{}-{}.yaml", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The exit code, and the reported changes.
pub fn changes(base: &Path, head: &Path) -> (Option<i32>, Vec<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["diff", "--format", "json", "--accepted"])
        // What the repository acknowledges is about its own changes.
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differ/accepts_nothing.yaml"))
        .args([base, head])
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{stderr}\n{}", fs::read_to_string(head).unwrap());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code(), report["changes"].as_array().unwrap().clone())
}

/// The heaviest level on an axis.
pub fn most(changes: &[Value], axis: &str) -> String {
    let rank = |level: &str| ["none", "patch", "additive", "breaking"].iter().position(|word| *word == level).unwrap();
    let levels = changes.iter().map(|change| change[axis].as_str().unwrap());
    levels.max_by_key(|level| rank(level)).unwrap_or("none").to_owned()
}
