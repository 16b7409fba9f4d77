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
/// async fn receive(event: VerifiedEvent) {
///     if !event.is_test() {
///         println!("{:?}", event.event_type());
///     }
/// }
///
/// # fn main() -> Result<(), piaxis::webhook::WebhookError> {
/// let webhook = Webhook::new("the endpoint's secret")?;
/// let app: Router = Router::new().route("/piaxis", post(receive)).with_state(webhook);
/// # Ok(())
/// # }
/// ```
///
/// A state of your own says where its `Webhook` is:
///
/// ```
/// use axum::extract::FromRef;
/// use piaxis::webhook::Webhook;
///
/// #[derive(Clone)]
/// struct App {
///     webhook: Webhook,
/// }
///
/// impl FromRef<App> for Webhook {
///     fn from_ref(app: &App) -> Self {
///         app.webhook.clone()
///     }
/// }
/// ```
///
/// When the sender hangs up, the server drops the handler half-way. Work that must not stop there belongs into
/// `tokio::spawn`.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedEvent(Event);

impl VerifiedEvent {
    /// The event itself.
    pub fn into_event(self) -> Event {
        self.0
    }
}

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
            .map_err(|_| Rejection(WebhookError::BodyTooSlow))?
            .map_err(|error| match is_too_long(&*error) {
                true => Rejection(WebhookError::BodyTooLarge { limit }),
                false => Rejection(WebhookError::BodyUnreadable),
            })?;
        webhook.handle(&parts, body.to_bytes()).map(Self)
    }
}

/// A limit of the router's, such as `RequestBodyLimitLayer`, wraps the error.
fn is_too_long(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<LengthLimitError>())
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        Rejection::into_response(self)
    }
}
