//! A server of lists, whose pages a test computes, and a list that changes while a client reads it.

pub(crate) mod changing;

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, http::Response, http::Uri};
use piaxis::{Client, ClientBuilder, Environment, RetryPolicy};
use tokio::net::TcpListener;

/// Path and query of a request for a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PageQuery {
    pub(crate) path: String,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
    pub(crate) to_date: Option<String>,
}

/// A page: the numbers of its items, and the total that the server claims.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) items: Vec<usize>,
    pub(crate) total: Option<usize>,
}

type PageOf = dyn Fn(usize, &PageQuery) -> Result<Page, u16> + Send + Sync;

/// A server that computes each page from the request and the number of requests before it.
pub(crate) struct Server {
    address: SocketAddr,
    queries: Arc<Mutex<Vec<PageQuery>>>,
}

impl Server {
    /// A page, or a status.
    pub(crate) async fn start(page: impl Fn(usize, &PageQuery) -> Result<Page, u16> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let queries: Arc<Mutex<Vec<PageQuery>>> = Arc::default();
        let (kept, page): (_, Arc<PageOf>) = (queries.clone(), Arc::new(page));
        let router = Router::new().fallback(move |uri: Uri| {
            let (kept, page) = (kept.clone(), page.clone());
            async move { respond(&uri, &kept, &*page) }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, queries }
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder()
            .environment(Environment::Custom(format!("http://{}/api", self.address)))
            .api_key("key-1")
            .client_id("client-1")
    }

    /// A client that does not retry.
    pub(crate) fn client(&self) -> Client {
        self.builder().retry_policy(RetryPolicy::none()).build().unwrap()
    }

    pub(crate) fn queries(&self) -> Vec<PageQuery> {
        self.queries.lock().unwrap().clone()
    }
}

fn respond(uri: &Uri, queries: &Mutex<Vec<PageQuery>>, page: &PageOf) -> Response<Body> {
    let parameters: std::collections::HashMap<String, String> =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let number = |key: &str| parameters.get(key).and_then(|text| text.parse().ok());
    let query = PageQuery {
        path: uri.path().to_owned(),
        offset: number("offset").unwrap_or(0),
        limit: number("limit").unwrap_or(20),
        to_date: parameters.get("to_date").cloned(),
    };
    let before = {
        let mut queries = queries.lock().unwrap();
        queries.push(query.clone());
        queries.len() - 1
    };
    match page(before, &query) {
        Ok(page) => Response::new(Body::from(json(&page))),
        Err(status) => Response::builder().status(status).body(Body::from(r#"{"detail":"not now"}"#)).unwrap(),
    }
}

fn json(page: &Page) -> String {
    let mut text = r#"{"results":["#.to_owned();
    for (at, id) in page.items.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"payment_id":"item-{id}","disbursement_id":"item-{id}","status":"completed","currency":"UGX","amount":"15000.00","total_amount":"15000.00"}}"#
        )
        .unwrap();
    }
    text += "]";
    if let Some(total) = page.total {
        write!(text, r#","total":{total}"#).unwrap();
    }
    text + "}"
}

/// The page of a list, with a true total.
pub(crate) fn page_of(list: &[usize], query: &PageQuery) -> Page {
    let items = list.iter().copied().skip(query.offset).take(query.limit).collect();
    Page { items, total: Some(list.len()) }
}

/// The number of an item.
pub(crate) fn number(id: &str) -> usize {
    id.strip_prefix("item-").unwrap().parse().unwrap()
}
