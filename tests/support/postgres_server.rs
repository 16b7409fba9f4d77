//! A PostgreSQL of the test's own, on a free port.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use deadpool_postgres::tokio_postgres::{self, Client, NoTls};

/// The superuser of the server.
const USER: &str = "piaxis";

static STARTED: AtomicU32 = AtomicU32::new(0);

pub struct PostgresServer {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl PostgresServer {
    /// None, with a printed reason, where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("PIAXIS_POSTGRES_REQUIRED").is_none(), "PostgreSQL was not found");
            eprintln!("SKIPPED: PostgreSQL was not found; install it (Debian: postgresql) to run this test");
            return None;
        };
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("piaxis-postgres-{}-{number}", std::process::id()));
        // A killed test may have left one.
        let _ = fs::remove_dir_all(&folder);
        let output = command(&programs, "initdb")
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--no-locale", "--username", USER, "--pgdata"])
            .arg(&folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let mut said = String::new();
        // Another process may take the port before PostgreSQL binds it.
        for _ in 0..3 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            match spawn(&programs, &folder, port) {
                Ok(child) => return Some(Self { programs, folder, port, child }),
                Err(output) => said = output,
            }
        }
        panic!("PostgreSQL stopped: {said}");
    }

    /// One server for all tests that run at the same time.
    pub fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let server = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a new database.
    pub async fn database(&self) -> String {
        let name = format!("test{}", STARTED.fetch_add(1, Ordering::Relaxed));
        let client = connect(&self.url("postgres")).await;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Closes all connections and stops.
    pub fn stop(&mut self) {
        if let Ok(Some(_)) = self.child.try_wait() {
            return;
        }
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let _ = self.child.wait();
    }

    pub fn restart(&mut self) {
        self.stop();
        self.child = spawn(&self.programs, &self.folder, self.port).unwrap();
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A connection of the test's own.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = std::env::var_os("PATH")?;
    let mut folders = versions.map(|version| version.path().join("bin")).chain(std::env::split_paths(&path));
    folders.find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// PostgreSQL refuses to run as root.
fn command(programs: &Path, program: &str) -> Command {
    let program = programs.join(program);
    let user = Command::new("id").arg("-u").output().unwrap().stdout;
    let mut command = if user.trim_ascii() == b"0" {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

/// Returns PostgreSQL's output if it stops.
fn spawn(programs: &Path, folder: &Path, port: u16) -> Result<Child, String> {
    let mut child = command(programs, "postgres")
        .args(["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .args(["-c", "max_connections=200", "-c", &format!("port={port}"), "-D"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // PostgreSQL prints when it is ready. Later output must be read, or PostgreSQL would block.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let ready = lines.by_ref().map_while(Result::ok).any(|line| {
        said += &line;
        line.contains("ready to accept connections")
    });
    if !ready {
        let _ = child.wait();
        return Err(said);
    }
    std::thread::spawn(move || lines.for_each(drop));
    Ok(child)
}
