//! A gateway as a child process on a free loopback port, in a folder of its own.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Kind, Route, Setup};

/// How long a gateway may take to start. Varnish compiles its configuration with a C compiler.
const START: Duration = Duration::from_secs(60);

/// Runs until it is dropped.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    _running: Running,
}

impl Gateway {
    /// `None`, with a printed reason, if the program is not installed.
    ///
    /// # Panics
    ///
    /// If the gateway does not start, or if the program is not installed and `PIAXIS_GATEWAYS_REQUIRED` is set.
    pub(crate) async fn start(kind: &Kind, routes: &[Route]) -> Option<Self> {
        let Some(program) = find(kind.program) else {
            assert!(env::var_os("PIAXIS_GATEWAYS_REQUIRED").is_none(), "{} was not found", kind.program);
            eprintln!("SKIPPED: {} was not found; install it to run the rows of {}", kind.program, kind.name);
            return None;
        };
        let mut log = String::new();
        // Another process may take the port before the gateway binds it.
        for _ in 0..3 {
            match Self::try_start(kind, &program, routes).await {
                Ok(gateway) => return Some(gateway),
                Err(failed) => log = failed,
            }
        }
        panic!("{} did not start: {log}", kind.name);
    }

    async fn try_start(kind: &Kind, program: &Path, routes: &[Route]) -> Result<Self, String> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let token = format!("piaxis-gateway-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(&token);
        fs::create_dir_all(&folder).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap();

        let mut command = Command::new(program);
        (kind.configure)(&Setup { folder: &folder, port: address.port(), token: &token, routes }, &mut command);
        let log = fs::File::create(folder.join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut running = match command.spawn() {
            Ok(child) => Running { child, folder },
            Err(error) => return Err(error.to_string()),
        };

        let started = Instant::now();
        let mut interval = tokio::time::interval(Duration::from_millis(20));
        while started.elapsed() < START {
            interval.tick().await;
            if let Some(status) = running.child.try_wait().unwrap() {
                return Err(format!("{status}: {}", running.log()));
            }
            if is_ready(address, &token).await {
                return Ok(Self { address, _running: running });
            }
        }
        Err(format!("no response to GET /ready within {START:?}: {}", running.log()))
    }
}

/// The child process and its folder. Dropping it kills the process and removes the folder.
struct Running {
    child: Child,
    folder: PathBuf,
}

impl Running {
    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Debian installs the gateways in a folder that is on the path of root only.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(more).map(|folder| folder.join(program)).find(|file| file.is_file())
}

async fn is_ready(address: SocketAddr, token: &str) -> bool {
    let response = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.ok()?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.ok()?;
        Some(String::from_utf8_lossy(&response).contains(token))
    };
    tokio::time::timeout(Duration::from_secs(5), response).await.ok().flatten().unwrap_or(false)
}
