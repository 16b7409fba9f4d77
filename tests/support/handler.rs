//! A server over a raw socket whose responses a closure computes. Connections are kept alive and counted.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use piaxis::{Client, ClientBuilder, Environment, RetryPolicy};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::server::{Received, read};

/// Status, content type, body.
pub(crate) type Reply = (u16, &'static str, String);
type Handler = Box<dyn Fn(Received) -> Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync>;

pub(crate) fn json(status: u16, body: impl ToString) -> Reply {
    (status, "application/json", body.to_string())
}

#[derive(Default)]
struct Seen {
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start<F>(handler: impl Fn(Received) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Seen>::default());
        let handler: Arc<Handler> = Arc::new(Box::new(move |request| Box::pin(handler(request))));
        let shared = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, shared.clone(), handler.clone()));
            }
        });
        Self { address, seen, task }
    }

    /// The requests since the last time.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.seen.received.lock().unwrap())
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.seen.most_in_flight.load(Ordering::Relaxed)
    }

    /// A builder of clients for this server, without credentials and retries.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let environment = Environment::Custom(format!("http://{}/api", self.address));
        Client::builder().environment(environment).retry_policy(RetryPolicy::none())
    }

    /// A client with every credential of a merchant.
    pub(crate) fn client(&self) -> Client {
        self.builder().api_key("key-1").client_id("client-1").client_secret("secret-1").build().unwrap()
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Seen>, handler: Arc<Handler>) {
    while let Some(request) = read(&mut stream).await {
        let in_flight = seen.in_flight.fetch_add(1, Ordering::AcqRel) + 1;
        seen.most_in_flight.fetch_max(in_flight, Ordering::AcqRel);
        seen.received.lock().unwrap().push(request.clone());
        let (status, content_type, body) = handler(request).await;
        seen.in_flight.fetch_sub(1, Ordering::AcqRel);
        let head = format!(
            "HTTP/1.1 {status} Whatever\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}
