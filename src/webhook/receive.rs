//! Receives a request: headers first, then the body within its limits.

use bytes::Bytes;
use http::{header, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::{Delivery, Rejection, Webhook, WebhookError, WebhookSource, timer};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Verifies a request.
pub(super) async fn receive<B>(source: &impl WebhookSource, parts: &Parts, body: B) -> Result<Delivery, Rejection>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let received = match source.webhook(parts).await {
        Ok(webhook) => verify(&webhook, parts, body).await,
        Err(error) => Err(error),
    };
    received.map_err(|error| {
        tracing::warn!(target: "piaxis::webhook", error = error.code(), status = error.status(), "delivery rejected: {error}");
        error.into()
    })
}

async fn verify<B>(webhook: &Webhook, parts: &Parts, body: B) -> Result<Delivery, WebhookError>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let (limit, timeout) = webhook.body_limits();
    webhook.check_headers(&parts.headers)?;
    let encodings = parts.headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings.into_iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(WebhookError::UnsupportedEncoding);
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(WebhookError::BodyTooLarge { limit });
    }
    let body = std::pin::pin!(Limited::new(body, limit).collect());
    let body = timer::timeout(timeout, body).await.ok_or(WebhookError::BodyTooSlow)?;
    let body: Bytes = match body {
        Ok(body) => body.to_bytes(),
        Err(error) if is_too_long(&*error) => return Err(WebhookError::BodyTooLarge { limit }),
        Err(_) => return Err(WebhookError::BodyUnreadable),
    };
    webhook.verify_bytes(body, &parts.headers)
}

/// A limit of the router, such as `RequestBodyLimitLayer`, wraps the error.
fn is_too_long(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<LengthLimitError>())
}
