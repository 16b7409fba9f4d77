//! A Redis of the test's own, on a socket in a folder of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// What outlives a restart.
#[derive(Clone, Copy)]
pub enum Disk {
    Nothing,
    Everything,
}

pub struct RedisServer {
    disk: Disk,
    folder: PathBuf,
    child: Child,
}

impl RedisServer {
    /// None, with a printed reason, where no redis-server can be found.
    pub fn start(disk: Disk) -> Option<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("piaxis-redis-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        match Self::spawn(&folder, disk) {
            Ok(child) => Some(Self { disk, folder, child }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                assert!(std::env::var_os("PIAXIS_REDIS_REQUIRED").is_none(), "no redis-server was found");
                eprintln!("SKIPPED: no redis-server was found; install it (Debian: redis-server) to run this test");
                None
            }
            Err(error) => panic!("redis-server did not start: {error}"),
        }
    }

    fn spawn(folder: &Path, disk: Disk) -> std::io::Result<Child> {
        let mut child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendfsync", "always"])
            .args(["--appendonly", if matches!(disk, Disk::Everything) { "yes" } else { "no" }])
            .arg("--unixsocket")
            .arg(folder.join("socket"))
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()?;
        // It tells when it is ready; whatever it says after that must be read, or it would stop.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line.contains("eady to accept connections"))), "it stopped");
        std::thread::spawn(move || lines.for_each(drop));
        Ok(child)
    }

    pub fn address(&self) -> String {
        format!("redis+unix://{}", self.folder.join("socket").display())
    }

    /// As when the machine loses its power.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn restart(&mut self) {
        self.child = Self::spawn(&self.folder, self.disk).unwrap();
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
