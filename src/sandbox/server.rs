//! The routes, which are the operation table's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, State as Shared},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};

use super::{access, otp, payments, reply::Reply, state::State};
use crate::{
    environment::api_path,
    error::request_id,
    operation::{HEADERS, OPERATIONS, Operation},
};

type App = Arc<Mutex<State>>;

/// What a handler gets of a request.
pub(super) struct Asked<'a> {
    pub(super) path: HashMap<String, String>,
    pub(super) query: &'a str,
    pub(super) body: &'a [u8],
}

pub(super) fn app(state: App) -> Router {
    let routes = OPERATIONS.iter().fold(Router::new(), |router, operation| {
        let filter =
            Method::from_bytes(operation.method.as_bytes()).ok().and_then(|method| MethodFilter::try_from(method).ok());
        let handler = move |state, path, query, headers, body| handle(operation, state, path, query, headers, body);
        match filter {
            Some(filter) => router.route(&format!("{}{}", api_path(), operation.path), on(filter, handler)),
            None => router,
        }
    });
    routes
        .fallback(|| async { Reply::refused(StatusCode::NOT_FOUND, "Not Found") })
        .method_not_allowed_fallback(|| async { Reply::refused(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed") })
        .with_state(state)
}

async fn handle(
    operation: &'static Operation,
    Shared(app): Shared<App>,
    Path(path): Path<HashMap<String, String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut state = app.lock().unwrap_or_else(PoisonError::into_inner);
    state.tick();
    let asked = Asked { path, query: query.as_deref().unwrap_or_default(), body: &body };
    let reply = match access::check(&headers, operation) {
        Err(refusal) => refusal,
        Ok(()) => match operation.id {
            "otp_request" => otp::request(&mut state, &asked),
            "payments_create" => payments::create(&mut state, &asked),
            "payments_get" => payments::get(&mut state, &asked),
            "payments_list" => payments::list(&state, &asked, operation),
            _ => Reply::not_in_sandbox(operation),
        },
    };
    let id = request_id(&headers).unwrap_or_else(|| format!("sandbox-request-{}", state.requests()));
    let mut response = reply.into_response();
    if let (Ok(name), Ok(id)) = (HEADERS.request_id.parse::<axum::http::HeaderName>(), HeaderValue::try_from(id)) {
        response.headers_mut().insert(name, id);
    }
    response
}
