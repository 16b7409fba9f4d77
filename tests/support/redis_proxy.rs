//! A TCP proxy before a Redis server, which a test makes fail. Runs on threads, without a runtime.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    target: Mutex<PathBuf>,
    /// New connections are accepted, and nothing is forwarded.
    silent: AtomicBool,
    loses_next_response: AtomicBool,
    accepted: AtomicUsize,
    round_trips: AtomicUsize,
    links: Mutex<Vec<Arc<Link>>>,
    stopped: AtomicBool,
}

struct Link {
    client: TcpStream,
    server: UnixStream,
    silent: AtomicBool,
    requested: AtomicBool,
}

impl Proxy {
    /// Forwards to the server at this socket.
    pub fn start(target: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            silent: AtomicBool::new(false),
            loses_next_response: AtomicBool::new(false),
            accepted: AtomicUsize::new(0),
            round_trips: AtomicUsize::new(0),
            links: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.stopped.load(SeqCst) {
                    break;
                }
                accepting.link(client);
            }
        });
        Self { port, shared }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections lead to the server at this socket.
    pub fn lead_to(&self, target: PathBuf) {
        *self.shared.target.lock().unwrap() = target;
    }

    /// Connections made until now stay open and forward nothing any more.
    pub fn silence_connections(&self) {
        self.shared.links.lock().unwrap().iter().for_each(|link| link.silent.store(true, SeqCst));
    }

    /// As [`silence_connections`](Self::silence_connections), and so do new ones until [`heal`](Self::heal).
    pub fn silence_everything(&self) {
        self.shared.silent.store(true, SeqCst);
        self.silence_connections();
    }

    /// New connections work again.
    pub fn heal(&self) {
        self.silence_connections();
        self.shared.silent.store(false, SeqCst);
    }

    /// Lets the server execute the next command, and closes the connection instead of forwarding the response.
    pub fn lose_next_response(&self) {
        self.shared.loses_next_response.store(true, SeqCst);
    }

    /// Whether the response that was to be lost is lost.
    pub fn lost_response(&self) -> bool {
        !self.shared.loses_next_response.load(SeqCst)
    }

    /// Number of connections so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(SeqCst)
    }

    /// Number of times that a request was followed by a response.
    pub fn round_trips(&self) -> usize {
        self.shared.round_trips.load(SeqCst)
    }
}

impl Shared {
    fn link(self: &Arc<Self>, client: TcpStream) {
        self.accepted.fetch_add(1, SeqCst);
        // Without a server, the client is disconnected.
        let Ok(server) = UnixStream::connect(&*self.target.lock().unwrap()) else { return };
        client.set_nodelay(true).unwrap();
        let silent = AtomicBool::new(self.silent.load(SeqCst));
        let link = Arc::new(Link { client, server, silent, requested: AtomicBool::new(false) });
        self.links.lock().unwrap().push(link.clone());
        for is_request in [true, false] {
            let (shared, link) = (self.clone(), link.clone());
            std::thread::spawn(move || {
                let _ = shared.forward(&link, is_request);
                link.close();
            });
        }
    }

    fn forward(&self, link: &Link, is_request: bool) -> std::io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let length = if is_request { (&link.client).read(&mut buffer) } else { (&link.server).read(&mut buffer) }?;
            if length == 0 {
                return Ok(());
            }
            if link.silent.load(SeqCst) {
                continue;
            }
            if is_request {
                link.requested.store(true, SeqCst);
                (&link.server).write_all(&buffer[..length])?;
                continue;
            }
            if link.requested.swap(false, SeqCst) {
                self.round_trips.fetch_add(1, SeqCst);
            }
            if self.loses_next_response.swap(false, SeqCst) {
                return Ok(());
            }
            (&link.client).write_all(&buffer[..length])?;
        }
    }
}

impl Link {
    fn close(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.shared.links.lock().unwrap().iter().for_each(|link| link.close());
    }
}
