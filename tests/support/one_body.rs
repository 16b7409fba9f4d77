//! A server that keeps its connections open and has one body for all responses, and a client of it.

use std::sync::{Arc, Mutex};

use piaxis::{Client, ClientBuilder, Environment, RetryPolicy};
use tokio::{io::AsyncWriteExt as _, net::TcpListener, task::JoinHandle};

use super::server;

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) client: Client,
    body: Arc<Mutex<Vec<u8>>>,
    task: Arc<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// With a client that is configured further.
    pub(crate) async fn with(configure: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let environment = Environment::Custom(format!("http://{}/api", listener.local_addr().unwrap()));
        let body = Arc::<Mutex<Vec<u8>>>::default();
        let shared = body.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let body = shared.clone();
                tokio::spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    while server::read(&mut stream).await.is_some() {
                        let body = body.lock().unwrap().clone();
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        let client = Client::builder().environment(environment).retry_policy(RetryPolicy::none());
        let client = client.api_key("key-1").client_id("client-1").client_secret("secret-1").access_token("token-1");
        Self { client: configure(client).build().unwrap(), body, task: Arc::new(task) }
    }

    /// The body of every response from now on.
    pub(crate) fn set(&self, body: impl AsRef<[u8]>) {
        *self.body.lock().unwrap() = body.as_ref().to_vec();
    }
}
