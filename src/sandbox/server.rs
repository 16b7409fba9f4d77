//! The routes, which are the operation table's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, Request, State as Shared},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::Response,
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
        .layer(from_fn_with_state(state.clone(), pass_on))
        .with_state(state)
}

/// One tick of the clock, and the request id on the answer.
async fn pass_on(Shared(app): Shared<App>, request: Request, next: Next) -> Response {
    let number = lock(&app).tick();
    let id = request_id(request.headers()).unwrap_or_else(|| format!("sandbox-request-{number}"));
    let mut response = next.run(request).await;
    if let (Ok(name), Ok(id)) = (HEADERS.request_id.parse::<HeaderName>(), HeaderValue::try_from(id)) {
        response.headers_mut().insert(name, id);
    }
    response
}

fn lock(app: &App) -> MutexGuard<'_, State> {
    app.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(
    operation: &'static Operation,
    Shared(app): Shared<App>,
    Path(path): Path<HashMap<String, String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let mut state = lock(&app);
    let asked = Asked { path, query: query.as_deref().unwrap_or_default(), body: &body };
    match access::check(&headers, operation) {
        Err(refusal) => refusal,
        Ok(()) => match operation.id {
            "otp_request" => otp::request(&mut state, &asked),
            "payments_create" => payments::create(&mut state, &asked),
            "payments_get" => payments::get(&mut state, &asked),
            "payments_list" => payments::list(&state, &asked, operation),
            _ => Reply::not_in_sandbox(operation),
        },
    }
}
