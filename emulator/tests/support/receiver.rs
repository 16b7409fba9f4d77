//! An endpoint that receives webhooks.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName};
use piaxis::{
    Secret,
    webhook::{Delivery, Event, Webhook},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// How an endpoint responds to a delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Respond {
    Status(u16),
    Close,
    Hang,
}

/// A delivery as received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    /// The event, verified as of exactly this time.
    pub(crate) fn event(&self, secret: Secret, at: DateTime<Utc>) -> Event {
        self.delivery(secret, at).event().unwrap()
    }

    /// The delivery, verified as of exactly this time.
    pub(crate) fn delivery(&self, secret: Secret, at: DateTime<Utc>) -> Delivery {
        let webhook = Webhook::new(secret).unwrap().require_v2().tolerance(Duration::ZERO).clock(move || at.into());
        webhook.verify(&self.body, &self.headers).unwrap()
    }
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    responses: VecDeque<Respond>,
}

/// Responds with 200, unless another response is set.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    arrived: Arc<Notify>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks?token=in-the-url", listener.local_addr().unwrap());
        let receiver = Self { url, state: Arc::default(), arrived: Arc::default() };
        let own = receiver.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(own.clone().receive(stream));
            }
        });
        receiver
    }

    async fn receive(self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "no head");
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        assert!(head.starts_with("POST /hooks?token=in-the-url HTTP/1.1\r\n"), "{head}");
        let lines = head.lines().skip(1).map(|line| line.split_once(": ").unwrap());
        let headers: HeaderMap =
            lines.map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect();
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        while bytes.len() < end + 4 + length {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "no body");
        }
        let body = Bytes::copy_from_slice(&bytes[end + 4..]);
        let respond = {
            let mut state = self.state.lock().unwrap();
            state.received.push(Received { headers, body });
            state.responses.pop_front().unwrap_or(Respond::Status(200))
        };
        self.arrived.notify_one();
        match respond {
            Respond::Status(status) => {
                let location = self.url.as_str();
                let response = format!("HTTP/1.1 {status} Status\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(response.as_bytes()).await.unwrap();
            }
            Respond::Close => {}
            // Until the sender gives up.
            Respond::Hang => while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {},
        }
    }

    /// Sets the responses to the next deliveries.
    pub(crate) fn respond_with(&self, responses: impl IntoIterator<Item = Respond>) {
        self.state.lock().unwrap().responses.extend(responses);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// Waits until this many deliveries were received.
    pub(crate) async fn wait_for(&self, count: usize) {
        let wait = async {
            while self.received().len() < count {
                self.arrived.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap();
    }
}
