//! A Redis server for one test, on a socket in a temporary folder.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// What survives a restart.
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
    /// Starts a server. Returns `None`, with a printed reason, where redis-server is not installed.
    pub fn start(disk: Disk) -> Option<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("piaxis-redis-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        match Self::spawn(&folder, disk) {
            Ok(child) => Some(Self { disk, folder, child }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                assert!(std::env::var_os("PIAXIS_REDIS_REQUIRED").is_none(), "redis-server is not installed");
                eprintln!("SKIPPED: redis-server is not installed (Debian: apt install redis-server)");
                None
            }
            Err(error) => panic!("redis-server did not start: {error}"),
        }
    }

    fn spawn(folder: &Path, disk: Disk) -> std::io::Result<Child> {
        let mut child = Command::new("redis-server")
            // What is written survives the end of the process without being flushed to the disk.
            .args(["--port", "0", "--save", "", "--appendfsync", "no"])
            .args(["--appendonly", if matches!(disk, Disk::Everything) { "yes" } else { "no" }])
            // A replica is synchronised at once.
            .args(["--repl-diskless-sync-delay", "0"])
            .arg("--unixsocket")
            .arg(folder.join("socket"))
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()?;
        // Reads on after the line of readiness: a full pipe would stop the server.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line.contains("eady to accept connections"))), "it stopped");
        std::thread::spawn(move || lines.for_each(drop));
        Ok(child)
    }

    pub fn address(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// A connection for looking into the server.
    pub fn admin(&self) -> redis::Connection {
        redis::Client::open(self.address()).unwrap().get_connection().unwrap()
    }

    /// Executes one command, written with spaces between its arguments.
    pub fn command<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        redis::cmd(words.next().unwrap()).arg(words.collect::<Vec<_>>()).query(&mut self.admin()).unwrap()
    }

    /// Sends a signal: `-STOP` for a server that does not respond, `-CONT` to end that.
    pub fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Kills the server's process, which has no time to write anything.
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
