//! What the tests share: a server that writes down what comes in, the documented payloads, and the contract.
// Each test file is a crate of its own and uses only a part.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock},
};

use piaxis::{Client, ClientBuilder, Environment};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    /// The one header of that name; case does not matter.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "`{name}` came more than once");
        value
    }

    pub(crate) fn target(&self) -> String {
        self.query.iter().fold(self.path.clone(), |path, query| format!("{path}?{query}"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

/// What the server says to whoever asks.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

#[derive(Default)]
struct State {
    recorded: Vec<Recorded>,
    /// `None`: it never answers.
    answer: Option<Answer>,
}

/// A server on a loopback port, one request a connection. It writes down every request before it answers.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(answer: Answer) -> Self {
        let server = Self::silent().await;
        server.answer(answer);
        server
    }

    pub(crate) async fn silent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { address, state, task }
    }

    /// From now on it says this.
    pub(crate) fn answer(&self, answer: Answer) {
        self.state.lock().unwrap().answer = Some(answer);
    }

    /// What came since the last time this was asked.
    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.state.lock().unwrap().recorded)
    }

    /// The one request that came since the last time.
    pub(crate) fn one(&self) -> Recorded {
        let mut recorded = self.take();
        assert_eq!(recorded.len(), 1, "{recorded:#?}");
        recorded.remove(0)
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// A builder of clients of this server, without credentials.
    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder().environment(Environment::Custom(self.base_url()))
    }

    /// A client with an API key and a client id.
    pub(crate) fn client(&self) -> Client {
        self.builder().api_key("key-1").client_id("client-1").build().expect("a client")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let Some(request) = read(&mut stream).await else { return };
    let answer = {
        let mut state = state.lock().unwrap();
        state.recorded.push(request);
        state.answer.clone()
    };
    let Some(answer) = answer else {
        // Silent until the other side gives up.
        let _ = stream.read(&mut [0]).await;
        return;
    };
    let mut head = format!("HTTP/1.1 {} Answer\r\n", answer.status);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\nconnection: close\r\n\r\n", answer.body.len());
    let _ = stream.write_all(&[head.as_bytes(), &answer.body].concat()).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Recorded> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head of text");
    let mut body = bytes.split_off(end + 4);
    let mut lines = head.split("\r\n");
    let (method, rest) = lines.next()?.split_once(' ')?;
    let target = rest.strip_suffix(" HTTP/1.1").expect("HTTP/1.1");
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").expect("a header"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let recorded = Recorded { method: method.to_owned(), path: path.to_owned(), query, headers, body: Vec::new() };
    let length = recorded.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Recorded { body, ..recorded })
}

/// A payload from an official document or a recorded answer of an official SDK.
#[derive(Debug, Clone)]
pub(crate) struct Documented {
    pub(crate) source: String,
    pub(crate) type_name: String,
    pub(crate) json: Value,
}

/// All of them, and the examples of the contract. Sentences are reworded, keys and shapes and number formats are not.
pub(crate) fn documented() -> Vec<Documented> {
    static ALL: OnceLock<Vec<Documented>> = OnceLock::new();
    ALL.get_or_init(|| {
        let all: Vec<Value> = serde_json::from_str(include_str!("../data/documented.json")).expect("the payloads");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let recorded = all.iter().map(|entry| Documented {
            source: text(&entry["source"]),
            type_name: text(&entry["type"]),
            json: entry["json"].clone(),
        });
        recorded.chain(examples(contract())).collect()
    })
    .clone()
}

/// The examples of successful responses in the contract.
fn examples(contract: Value) -> Vec<Documented> {
    let mut found = Vec::new();
    let operations = contract["paths"].as_object().into_iter().flatten().flat_map(|(_, item)| item.as_object());
    for operation in operations.flatten().map(|(_, operation)| operation) {
        for (status, response) in operation["responses"].as_object().into_iter().flatten() {
            let json = &response["content"]["application/json"];
            let schema = json["schema"]["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
            if let (true, Some(schema), Some(example)) = (status.starts_with('2'), schema, json.get("example")) {
                let source = format!("example of {}", operation["operationId"].as_str().unwrap_or_default());
                found.push(Documented { source, type_name: schema.to_owned(), json: example.clone() });
            }
        }
    }
    found
}

/// The example of an operation's successful response in the contract.
pub(crate) fn example(operation: &str) -> Value {
    let source = format!("example of {operation}");
    documented().into_iter().find(|entry| entry.source == source).unwrap_or_else(|| panic!("no {source}")).json
}

/// One recorded answer, by the name that the SDKs give it.
pub(crate) fn recorded_answer(name: &str) -> Value {
    let source = format!("recorded {name}");
    documented().into_iter().find(|entry| entry.source == source).unwrap_or_else(|| panic!("no answer `{name}`")).json
}

/// What may differ after reading and writing: amounts are plain text, UTC is `Z`, nulls are gone.
pub(crate) fn normalised(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| {
                let is_amount = name.ends_with("amount") || name == "price" || name.starts_with("balance_");
                let value = match value {
                    Value::String(text) if is_amount => text.replace(',', "").into(),
                    Value::Number(number) if is_amount => number.to_string().into(),
                    other => normalised(other),
                };
                (name.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(normalised).collect(),
        Value::String(text) if text.ends_with("+00:00") => text.replace("+00:00", "Z").into(),
        other => other.clone(),
    }
}

/// The contract, as it is written.
pub(crate) fn contract() -> Value {
    serde_yaml_ng::from_str(include_str!("../../openapi/piaxis.yaml")).expect("the contract")
}
