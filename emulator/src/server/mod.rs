//! The HTTP server: accepts connections, and ends them as faults ask.

pub(crate) mod access;
mod body;
mod handle;
mod io;
mod memory;
pub(crate) mod routes;
pub(crate) mod validation;

use std::{
    io as std_io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinSet,
};

use crate::{faults::Faults, recorded::Records, state::Writer, world::World};
use io::{Connection, ResetFlag};
use memory::MemoryConnection;

/// Most bytes of the head of a request.
const HEAD_LIMIT: usize = 64 * 1024;
/// Most headers of a request.
const HEADERS_LIMIT: usize = 100;

/// What the server, the background tasks and the handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    faults: Mutex<Faults>,
    records: Mutex<Records>,
    /// Writes the state file, where there is one.
    writer: Option<Writer>,
    /// Notified after each change: there may be webhooks to send, or timers to wait for.
    pub(crate) changed: Notify,
    /// Notified after each round of the background task.
    pub(crate) background: Notify,
    pub(crate) address: SocketAddr,
    /// Scheme, host and port.
    origin: String,
    /// How long every response is put off.
    pub(crate) latency: Duration,
    /// How long a client may take for the head, and for the body, of a request.
    head_timeout: Duration,
    pub(crate) body_timeout: Duration,
}

impl Shared {
    pub(crate) fn new(world: World, writer: Option<Writer>, address: SocketAddr) -> Self {
        let settings = &world.settings;
        let (latency, head_timeout, body_timeout) = (settings.latency, settings.head_timeout, settings.body_timeout);
        // All interfaces are bound, and official SDKs accept HTTP on loopback only.
        let is_any = address.ip().is_unspecified();
        let ip = if is_any { IpAddr::from(Ipv4Addr::LOCALHOST) } else { address.ip() };
        Self {
            world: Mutex::new(world),
            faults: Mutex::default(),
            records: Mutex::default(),
            writer,
            changed: Notify::new(),
            background: Notify::new(),
            address,
            origin: format!("http://{}", SocketAddr::new(ip, address.port())),
            latency,
            head_timeout,
            body_timeout,
        }
    }

    pub(crate) fn world(&self) -> Locked<'_> {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        Locked { world, writer: self.writer.as_ref() }
    }

    /// Waits until the state file has all that was changed. Without a file, returns at once.
    ///
    /// # Errors
    /// When something was not written.
    pub(crate) async fn written(&self) -> Result<(), String> {
        match &self.writer {
            Some(writer) => writer.written().await,
            None => Ok(()),
        }
    }

    /// Writes what was changed, and closes the state file.
    pub(crate) async fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }
}

/// The state, locked. What was committed under one lock is written in one transaction of the state file.
pub(crate) struct Locked<'a> {
    world: MutexGuard<'a, World>,
    writer: Option<&'a Writer>,
}

impl Deref for Locked<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Still locked, so that the order of batches is that of commits.
        let changes = self.world.take_changes();
        if let (Some(writer), Some(changes)) = (self.writer, changes) {
            writer.send(changes);
        }
    }
}

/// Serves until `stop` is true, then lets requests under way end.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                let reset = ResetFlag::default();
                let connection = Connection::new(stream, reset.clone());
                connections.spawn(converse(connection, reset, shared.clone(), stop.clone()));
            }
            // Out of file descriptors, say: the connections that there are go on.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn converse(connection: Connection, reset: ResetFlag, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let builder = builder(&shared);
    let service = service_fn(move |request| {
        let (shared, reset) = (shared.clone(), reset.clone());
        async move { handle::handle(&shared, request, &reset).await }
    });
    let connection = builder.serve_connection(TokioIo::new(connection), service);
    let mut connection = std::pin::pin!(connection);
    // The client may break off at any time, and a fault does.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

fn builder(shared: &Shared) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(shared.head_timeout).max_buf_size(HEAD_LIMIT);
    builder.max_headers(HEADERS_LIMIT);
    builder
}

/// Serves a client that sends these bytes and then nothing more. Returns what the client receives.
pub(crate) async fn serve_bytes(shared: &Arc<Shared>, bytes: Bytes) -> Vec<u8> {
    let (connection, received) = MemoryConnection::new(bytes);
    let service = service_fn(|request| async move { handle::handle(shared, request, &ResetFlag::default()).await });
    let mut builder = builder(shared);
    // The client waits for the responses.
    let _ = builder.half_close(true).serve_connection(TokioIo::new(connection), service).await;
    std::mem::take(&mut *received.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Returns once the emulator is to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error says that the emulator is gone, which ends the server as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Binds a port; 0 for a free one.
pub(crate) async fn bind(host: IpAddr, port: u16) -> std_io::Result<TcpListener> {
    TcpListener::bind((host, port)).await
}
