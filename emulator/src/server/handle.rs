//! One request: route, fault, authorization, validation, execution, response.

use std::{convert::Infallible, fmt};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use piaxis::Operation;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{
    Shared, access,
    body::ResponseBody,
    io::ResetFlag,
    routes::{self, Route},
    validation,
};
use crate::{
    contract::CONTRACT,
    control,
    faults::{Fault, When},
    operations::{self, Context},
    recorded::Seen,
    response::{Rejection, Response},
    world::{World, ids::Kind},
};

/// Most bytes of the body of a request.
const BODY_LIMIT: u64 = 1024 * 1024;
/// How much of a body beyond the limit is still read, so that the client reads the response and not a reset.
const DRAINED: u64 = 16 * 1024 * 1024;

/// Ends the connection without a response.
#[derive(Debug)]
pub(crate) struct NoResponse;

impl fmt::Display for NoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no response, as a test asked")
    }
}

impl std::error::Error for NoResponse {}

impl From<Infallible> for NoResponse {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

pub(crate) async fn handle(
    shared: &Shared,
    request: Request<Incoming>,
    reset: &ResetFlag,
) -> Result<http::Response<ResponseBody>, NoResponse> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let route = routes::find(shared.origin(), &head.method, path, head.uri.query());
    let query = head.uri.query().unwrap_or_default();
    let body = timeout(shared.body_timeout, read(body)).await;
    let body = body.unwrap_or_else(|_| Err(Response::rejected(StatusCode::REQUEST_TIMEOUT, "Request body timed out")));
    if control::owns(path) {
        let response = control::handle(shared, &head, body);
        let written = shared.written().await;
        let failed = |error: String| Response::rejected(StatusCode::INTERNAL_SERVER_ERROR, &error);
        return respond(Some(written.map_or_else(failed, |()| response)), None, None, reset).await;
    }
    let operation = route.as_ref().ok().map(|route| route.operation);
    let when = operation.and_then(|operation| shared.faults().take(operation));
    let own_id = request_id(&head.headers);
    let (mut at, mut new_id) = (None, None);
    let (response, bytes) = match (&when, &route, body) {
        (Some(When::BeforeCommit(fault)), _, body) if !matches!(fault, Fault::Delay(_)) => {
            (None, body.unwrap_or_default())
        }
        (_, Err(rejection), body) => (Some(rejection.clone()), body.unwrap_or_default()),
        (_, _, Err(rejection)) => (Some(rejection), Bytes::new()),
        (_, Ok(route), Ok(body)) => {
            if let Some(When::BeforeCommit(Fault::Delay(delay))) = when {
                sleep(delay).await;
            }
            // Before the state is locked, for the sake of the other requests.
            let input = Input::read(route.operation, &head.headers, query, &body);
            let response = {
                let mut world = shared.world();
                let response = execute(&mut world, route, &head.headers, input, &body);
                (at, new_id) = (Some(world.now()), own_id.is_none().then(|| new_request_id(&mut world)).flatten());
                if std::mem::take(&mut world.has_news) {
                    shared.changed.notify_one();
                }
                response
            };
            // Reads wait as well: no response shows what a kill could undo.
            let written = shared.written().await;
            let failed = |error: String| Response::rejected(StatusCode::INTERNAL_SERVER_ERROR, &error);
            (Some(written.map_or_else(failed, |()| response)), body)
        }
    };
    let at = at.unwrap_or_else(|| {
        let mut world = shared.world();
        new_id = own_id.is_none().then(|| new_request_id(&mut world)).flatten();
        world.now()
    });
    shared.records().add(Seen {
        operation: operation.map(|operation| operation.id),
        at,
        method: &head.method,
        path,
        query,
        headers: &head.headers,
        body: &bytes,
        status: response.as_ref().map(|response| response.status.as_u16()),
        response: response.as_ref().map(|response| &*response.body).unwrap_or_default(),
        fault: when.clone(),
    });
    if !shared.latency.is_zero() {
        sleep(shared.latency).await;
    }
    let fault = match when {
        None | Some(When::BeforeCommit(Fault::Delay(_))) => None,
        Some(When::BeforeCommit(fault) | When::AfterCommit(fault)) => Some(fault),
    };
    respond(response, fault, own_id.or(new_id), reset).await
}

/// Reads a body, within the limit.
async fn read(mut body: Incoming) -> Result<Bytes, Rejection> {
    let too_large = || Response::rejected(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large");
    if body.size_hint().lower() > DRAINED {
        return Err(too_large());
    }
    let (mut bytes, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Response::bad_request("Request body broken off or malformed"))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len() as u64;
        if length > DRAINED {
            return Err(too_large());
        }
        if length <= BODY_LIMIT {
            bytes.extend_from_slice(&data);
        }
    }
    if length > BODY_LIMIT { Err(too_large()) } else { Ok(bytes.freeze()) }
}

/// Body and query of a request.
struct Input {
    body: Value,
    query: Value,
}

impl Input {
    fn read(operation: &Operation, headers: &HeaderMap, query: &str, body: &[u8]) -> Result<Self, Rejection> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self { body: validation::body(operation, body, content_type)?, query: validation::query(operation, query)? })
    }
}

/// Executes the operation in a transaction. Without the right to it, the response says nothing about the input.
fn execute(
    world: &mut World,
    route: &Route,
    headers: &HeaderMap,
    input: Result<Input, Rejection>,
    bytes: &Bytes,
) -> Response {
    world.run_timers();
    let result: Result<Response, Rejection> = (|| {
        let operation = route.operation;
        let actor = access::authorize(world, operation, headers)?;
        let Input { body, query } = input?;
        let idempotency = operations::idempotency::Key::of(world, route, headers, actor, bytes);
        if let Some(response) = idempotency.as_ref().and_then(|key| key.earlier(world)) {
            return Ok(response);
        }
        let response = world.transaction(|world| {
            let mut context = Context { world, operation, actor, route, headers, query, body };
            operations::execute(&mut context)
        })?;
        if let Some(key) = idempotency {
            key.keep(world, &response);
        }
        Ok(response)
    })();
    result.unwrap_or_else(|rejection| rejection)
}

/// The id that the request has itself.
fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(CONTRACT.request_id.as_ref()?).filter(|id| id.len() <= 128 && id.to_str().is_ok()).cloned()
}

fn new_request_id(world: &mut World) -> Option<HeaderValue> {
    let id = world.transaction(|world| Ok(world.new_id(Kind::Request))).ok()?;
    HeaderValue::from_str(&id).ok()
}

async fn respond(
    response: Option<Response>,
    fault: Option<Fault>,
    request_id: Option<HeaderValue>,
    reset: &ResetFlag,
) -> Result<http::Response<ResponseBody>, NoResponse> {
    let mut is_truncated = false;
    let response = match fault {
        None => response,
        Some(Fault::Status(status)) => Some(Response::rejected(status_code(status), "Emulated failure")),
        Some(Fault::Html(status)) => {
            let status = status_code(status);
            let page = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
            Some(Response { status, ..Response::html(page) })
        }
        Some(Fault::Unavailable { retry_after }) => {
            let page = Response::html("<html><body><h1>Error 503 Backend fetch failed</h1></body></html>");
            let page = Response { status: StatusCode::SERVICE_UNAVAILABLE, ..page };
            Some(page.with_header(header::RETRY_AFTER, &retry_after.to_string()))
        }
        Some(Fault::Reset) => {
            reset.set();
            return Err(NoResponse);
        }
        Some(Fault::Close) => return Err(NoResponse),
        Some(Fault::Truncate) => {
            is_truncated = true;
            response.or_else(|| Some(Response::html("<html><body>truncated</body></html>")))
        }
        Some(Fault::Delay(delay)) => {
            sleep(delay).await;
            response
        }
    };
    let Some(Response { status, headers, body }) = response else { return Err(NoResponse) };
    let mut response =
        http::Response::new(if is_truncated { ResponseBody::truncated(&body) } else { ResponseBody::whole(body) });
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    if let (Some(name), Some(id)) = (&CONTRACT.request_id, request_id) {
        response.headers_mut().insert(name, id);
    }
    Ok(response)
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
