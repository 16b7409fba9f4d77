use std::ops::Deref;

use axum::{
    extract::{FromRef, FromRequest, Request},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::{Event, Rejection, Webhook, WebhookError};

/// An extractor for axum: an event whose signature was verified.
///
/// It reads the raw body up to [`Webhook::body_limit`], verifies it with the [`Webhook`] of the router's state, and
/// answers 400, 401, 408 or 413 with a short reason in JSON when that fails. Answer 200 once the event is handled: a
/// handler that returns `()` does.
///
/// ```
/// use axum::{Router, routing::post};
/// use piaxis::webhook::{VerifiedEvent, Webhook};
///
/// async fn receive(VerifiedEvent(event): VerifiedEvent) {
///     println!("{:?}", event.event_type());
/// }
///
/// # fn main() -> Result<(), piaxis::webhook::WebhookError> {
/// let webhook = Webhook::new("the endpoint's secret")?;
/// let app: Router = Router::new().route("/piaxis", post(receive)).with_state(webhook);
/// # Ok(())
/// # }
/// ```
///
/// A state of your own implements `FromRef<YourState> for Webhook`, or derives it.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedEvent(pub Event);

impl Deref for VerifiedEvent {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.0
    }
}

impl<S: Send + Sync> FromRequest<S> for VerifiedEvent
where
    Webhook: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let webhook = Webhook::from_ref(state);
        let (limit, timeout) = webhook.body_limits();
        let (parts, body) = request.into_parts();
        let body = tokio::time::timeout(timeout, Limited::new(body, limit).collect())
            .await
            .map_err(|_| WebhookError::BodyTooSlow)?
            .map_err(|error| match error.is::<LengthLimitError>() {
                true => WebhookError::BodyTooLarge { limit },
                false => WebhookError::BodyUnreadable,
            })?;
        webhook.handle(&parts, body.to_bytes()).map(Self)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        Rejection::into_response(self)
    }
}
