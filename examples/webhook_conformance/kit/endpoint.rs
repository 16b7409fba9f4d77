//! Plain HTTP over a socket: requests that no HTTP client would send.

use std::{io, time::Duration};

use reqwest::Url;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

/// More than the head of any response.
const HEAD_LIMIT: usize = 64 * 1024;

/// A POST request, before it is sent. Header values may be any bytes.
#[derive(Clone)]
pub struct Request {
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// End of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Status of the response.
    Status(u16),
    /// The connection failed, or was closed without a response.
    Closed,
    /// No response in time.
    Silent,
}

impl Outcome {
    /// The sender does not retry.
    pub fn accepted(self) -> bool {
        matches!(self, Self::Status(200..300))
    }

    /// The delivery is invalid.
    pub fn rejected(self) -> bool {
        matches!(self, Self::Status(400..500))
    }

    /// The sender is to retry.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Status(408 | 409 | 425 | 429 | 500..600))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Closed => f.write_str("connection closed without a response"),
            Self::Silent => f.write_str("no response in time"),
        }
    }
}

/// The endpoint to test.
pub struct Endpoint {
    host: String,
    port: u16,
    target: String,
    /// Time that the sender waits for a response.
    patience: Duration,
}

impl Endpoint {
    pub fn new(url: &Url, patience: Duration) -> Result<Self, String> {
        let host = url.host_str().filter(|_| url.scheme() == "http");
        let host = host.ok_or_else(|| format!("{url}: must be an http:// URL; test behind the TLS proxy"))?;
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        Ok(Self {
            host: host.to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            target: format!("{}{query}", url.path()),
            patience,
        })
    }

    /// Sends a request and waits for its response.
    pub async fn send(&self, request: &Request) -> Outcome {
        let whole = [self.head(request, Some(request.body.len() as u64)), request.body.clone()].concat();
        self.send_pieces([whole], Duration::ZERO, self.patience).await
    }

    /// Sends the head with another length than the body has, and no body.
    pub async fn send_head(&self, request: &Request, length: u64) -> Outcome {
        self.send_pieces([self.head(request, Some(length))], Duration::ZERO, self.patience).await
    }

    /// Sends the body in chunks, without its length in the head.
    pub async fn send_chunked(&self, request: &Request) -> Outcome {
        let chunk = |chunk: &[u8]| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
        let chunks = request.body.chunks(64 * 1024).map(chunk);
        let pieces = std::iter::once(self.head(request, None)).chain(chunks).chain([b"0\r\n\r\n".to_vec()]);
        self.send_pieces(pieces, Duration::ZERO, self.patience).await
    }

    /// Opens a connection and sends the head of a request.
    pub async fn open(&self, request: &Request) -> Option<TcpStream> {
        let head = self.head(request, Some(request.body.len() as u64));
        let sent = async {
            let mut stream = self.connect().await?;
            stream.write_all(&head).await?;
            Ok::<_, io::Error>(stream)
        };
        timeout(self.patience, sent).await.ok()?.ok()
    }

    /// Sends the body byte by byte, slowly enough to take twice the limit. Waits for a response up to the limit.
    pub async fn trickle(&self, stream: Option<TcpStream>, body: &[u8], limit: Duration) -> Outcome {
        let Some(stream) = stream else { return Outcome::Closed };
        let pause = limit * 2 / u32::try_from(body.len()).unwrap_or(u32::MAX).max(1);
        self.converse(stream, body.iter().map(|byte| vec![*byte]), pause, limit).await
    }

    /// Checks that something listens.
    pub async fn reachable(&self) -> Result<(), String> {
        let Self { host, port, .. } = self;
        match timeout(self.patience, self.connect()).await {
            Ok(connected) => {
                connected.map(drop).map_err(|error| format!("failed to connect to {host}:{port}: {error}"))
            }
            Err(_) => Err(format!("failed to connect to {host}:{port} within {:?}", self.patience)),
        }
    }

    /// Sends the complete request, and closes the connection after `pause` without reading a response.
    pub async fn hang_up(&self, request: &Request, pause: Duration) {
        let whole = [self.head(request, Some(request.body.len() as u64)), request.body.clone()].concat();
        let sent = async {
            let mut stream = self.connect().await?;
            stream.write_all(&whole).await?;
            Ok::<_, io::Error>(stream)
        };
        if let Ok(Ok(_stream)) = timeout(self.patience, sent).await
            && !pause.is_zero()
        {
            sleep(pause).await;
        }
    }

    /// Sends two requests whose last bytes leave at the same time.
    pub async fn send_pair(&self, pair: [&Request; 2]) -> [Outcome; 2] {
        let held = async |request: &Request| {
            let mut whole = [self.head(request, Some(request.body.len() as u64)), request.body.clone()].concat();
            let last = whole.pop().map_or_else(Vec::new, |last| vec![last]);
            let mut stream = self.connect().await?;
            stream.write_all(&whole).await?;
            Ok::<_, io::Error>((stream, last))
        };
        let finish = async |held: io::Result<(TcpStream, Vec<u8>)>| match held {
            Ok((stream, last)) => self.converse(stream, [last], Duration::ZERO, self.patience).await,
            Err(_) => Outcome::Closed,
        };
        let both = timeout(self.patience, async { tokio::join!(held(pair[0]), held(pair[1])) });
        let Ok((first, second)) = both.await else { return [Outcome::Silent; 2] };
        let (first, second) = tokio::join!(finish(first), finish(second));
        [first, second]
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn head(&self, request: &Request, length: Option<u64>) -> Vec<u8> {
        let Self { host, port, target, .. } = self;
        let framing = length
            .map_or_else(|| "Transfer-Encoding: chunked".to_owned(), |length| format!("Content-Length: {length}"));
        let mut head = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\nConnection: close\r\n{framing}\r\n"
        )
        .into_bytes();
        for (name, value) in &request.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    async fn send_pieces(
        &self,
        pieces: impl IntoIterator<Item = Vec<u8>>,
        pause: Duration,
        patience: Duration,
    ) -> Outcome {
        match timeout(patience, self.connect()).await {
            Ok(Ok(stream)) => self.converse(stream, pieces, pause, patience).await,
            Ok(Err(_)) => Outcome::Closed,
            Err(_) => Outcome::Silent,
        }
    }

    /// Writes and reads at the same time: a server may respond before the end of the request, and stop reading.
    async fn converse(
        &self,
        mut stream: TcpStream,
        pieces: impl IntoIterator<Item = Vec<u8>>,
        pause: Duration,
        patience: Duration,
    ) -> Outcome {
        let (mut reader, mut writer) = stream.split();
        let write = async {
            for piece in pieces {
                if writer.write_all(&piece).await.is_err() {
                    break;
                }
                if !pause.is_zero() {
                    sleep(pause).await;
                }
            }
            std::future::pending::<Outcome>().await
        };
        let exchange = async {
            tokio::select! {
                outcome = read_status(&mut reader) => outcome,
                outcome = write => outcome,
            }
        };
        timeout(patience, exchange).await.unwrap_or(Outcome::Silent)
    }
}

/// Reads up to the head of the final response.
async fn read_status(reader: &mut (impl AsyncRead + Unpin)) -> Outcome {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let status = std::str::from_utf8(&received[..end])
                .ok()
                .and_then(|head| head.split(' ').nth(1)?.get(..3)?.parse().ok());
            match status {
                Some(100..200) => drop(received.drain(..end + 4)),
                Some(status) => return Outcome::Status(status),
                None => return Outcome::Closed,
            }
        }
        match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => return Outcome::Closed,
            Ok(_) if received.len() > HEAD_LIMIT => return Outcome::Closed,
            Ok(length) => received.extend_from_slice(&buffer[..length]),
        }
    }
}
