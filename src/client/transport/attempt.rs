//! One attempt: completes the request, sends it, and reads the response.

use std::future::Future;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    Call, Decode, Head, Id, Record, credentials::Token, headers, redact::Secrets, sent::Sent, telemetry::Observer,
};
use crate::{
    error::{Error, ErrorKind, request_id},
    response_body::NotDecoded,
};

/// Waits for a turn, sends, decodes, and reports.
pub(super) async fn attempt(
    call: &Call<'_>,
    record: &mut Record,
    token: Option<&Token>,
    deadline: Instant,
    decode: Decode<'_>,
) -> Result<Head, Error> {
    let Call { shared, options, .. } = call;
    let (mut request, request_id, sent) = complete(call, record, token)?;
    let _turn = shared.limits.turn(deadline).await?;
    let started = Instant::now();
    let left = deadline.saturating_duration_since(started);
    let timeout = options.timeout.unwrap_or(shared.timeout).min(left);
    if timeout.is_zero() {
        return Err(Error::timed_out_unsent("deadline exceeded before the request was sent"));
    }
    if timeout != shared.timeout {
        *request.timeout_mut() = Some(timeout);
    }
    let earlier_id = record.sent_request_id.replace(request_id);
    record.attempts = record.attempts.saturating_add(1);

    let mut secrets = Secrets::new(call, token.map(|token| &token.header));
    let observer = Observer::new(shared, options.on_attempt.as_ref(), record, sent.clone(), started);
    let failed = |error: reqwest::Error| {
        let is_sent = sent.is_set().unwrap_or(!error.is_connect());
        Error::transport(error, is_sent, timeout)
    };
    if let Some(of_attempts) = &shared.attempt_headers {
        match observer.span().in_scope(|| of_attempts.headers()) {
            Ok(headers) => {
                secrets.keep_values(&headers);
                request.headers_mut().extend(headers);
            }
            Err(error) => {
                let error = error.in_operation(record.operation);
                observer.not_sent(&error);
                record.attempts = record.attempts.saturating_sub(1);
                record.sent_request_id = earlier_id;
                return Err(error);
            }
        }
    }
    let response = observer.span().in_scope(|| shared.http.execute(request));
    let read = read(response, call, record, &secrets, &failed, decode);
    let result = read.instrument(observer.span().clone()).await.map_err(|error| error.in_operation(record.operation));
    observer.ended(&result);
    if let Err(error) = &result {
        let id = error.request_id().map(str::to_owned).or_else(|| record.request_id());
        record.request_ids.extend(id);
    }
    result
}

/// A copy of the request with everything that the operation and the caller ask for. Each attempt has a request id of its
/// own, unless the caller gave one, and the same idempotency key.
fn complete(call: &Call<'_>, record: &Record, token: Option<&Token>) -> Result<(reqwest::Request, Id, Sent), Error> {
    let Call { shared, credentials, request: template, options, .. } = call;
    let mut request = reqwest::Request::new(template.method().clone(), template.url().clone());
    let mut sent = Sent::default();
    if let Some(body) = template.body() {
        let Some(body) = body.as_bytes() else {
            return Err(Error::local(
                ErrorKind::InvalidRequest,
                "unsupported request body: a stream cannot be copied for a retry",
            ));
        };
        // To copy the bytes costs less than to clone the request, which is the only way to share them.
        let body = Bytes::copy_from_slice(body);
        *request.body_mut() = Some(if body.is_empty() {
            // The HTTP client never asks for an empty body, so nothing would be noted.
            reqwest::Body::from(body)
        } else {
            let (body, watched) = Sent::watch(body);
            sent = watched;
            body
        });
    }
    let headers = request.headers_mut();
    // As many as a request has: to grow step by step costs more than to set them.
    headers.reserve(if record.key.is_some() { 8 } else { 6 });
    for (name, value) in template.headers().iter().chain(&options.headers) {
        headers.insert(name, value.clone());
    }
    credentials.authorize(headers, record.operation, token)?;
    let request_id = Id::of(&options.headers, &headers::REQUEST_ID);
    headers.insert(&headers::REQUEST_ID, request_id.header()?);
    if let Some(key) = &record.key {
        headers.insert(&headers::IDEMPOTENCY_KEY, key.header()?);
    }
    if let Some(app_info) = &shared.app_info {
        headers.insert(&headers::APP_INFO, app_info.clone());
    }
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(headers::USER_AGENT));
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    Ok((request, request_id, sent))
}

/// Reads one response, and decodes it when its status is 2xx.
async fn read(
    response: impl Future<Output = reqwest::Result<reqwest::Response>>,
    call: &Call<'_>,
    record: &Record,
    secrets: &Secrets<'_>,
    failed: &(dyn Fn(reqwest::Error) -> Error + Send + Sync),
    decode: Decode<'_>,
) -> Result<Head, Error> {
    let mut response = response.await.map_err(failed)?;
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let redact = |text: &str| secrets.redact(text);
    let limit = call.shared.body_limit;
    let error = match body(&mut response, limit).await {
        (body, None) if status.is_success() => match decode(&body) {
            Ok(()) => {
                let request_id = call.has_response.then(|| request_id_of(&headers, record, &redact)).flatten();
                return Ok(Head { status, headers, request_id });
            }
            Err(NotDecoded::Error) => Error::error_in_success(status, &headers, &body, &redact),
            Err(NotDecoded::Failed(problem)) => Error::decode(problem, status, &body),
        },
        // A non-2xx response that breaks off is still one.
        (body, _) if !status.is_success() => {
            Error::from_response(status, &headers, &body, record.has_earlier(), &redact)
        }
        (_, Some(Broken::Connection(error))) => failed(error),
        (_, Some(Broken::TooLong) | None) => Error::too_long(status, limit),
    };
    Err(error.with_request_id(request_id_of(&headers, record, &redact)))
}

enum Broken {
    TooLong,
    Connection(reqwest::Error),
}

/// The body, or as much of it as came, and why there is no more.
async fn body(response: &mut reqwest::Response, limit: usize) -> (Bytes, Option<Broken>) {
    let mut body = Bytes::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if chunk.len() > limit.saturating_sub(body.len()) => return (body, Some(Broken::TooLong)),
            // Most bodies come in one piece, and stay where they are.
            Ok(Some(chunk)) if body.is_empty() => body = chunk,
            Ok(Some(chunk)) => {
                let mut longer = BytesMut::from(body);
                longer.extend_from_slice(&chunk);
                body = longer.freeze();
            }
            Ok(None) => return (body, None),
            Err(error) => return (body, Some(Broken::Connection(error))),
        }
    }
}

/// The API's own request id, or the one that was sent.
fn request_id_of(headers: &HeaderMap, record: &Record, redact: &dyn Fn(&str) -> String) -> Option<String> {
    let sent = record.request_id();
    match request_id(headers) {
        // To collect the secrets costs a lot beside a request, and the id that was sent is none.
        Some(id) if Some(&id) != sent.as_ref() => Some(redact(&id)),
        _ => sent,
    }
}
