use axum::{
    RequestExt as _,
    body::Body,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};

use super::{Delivery, Once, Rejection, WebhookSource, receive::receive};

/// An extractor for axum, with a state that is a [`Webhook`](super::Webhook) or chooses one: see [`WebhookSource`].
///
/// Rejects by the headers before reading the body, reads up to [`Webhook::body_limit`](super::Webhook::body_limit) bytes
/// (or axum's `DefaultBodyLimit`, whichever is stricter), and responds to rejected deliveries with a [`Rejection`], which
/// is logged through `tracing`.
///
/// ```
/// use std::{sync::Arc, time::Duration};
///
/// use axum::{Router, extract::State, response::IntoResponse, routing::post};
/// use piaxis::webhook::{Deduplication, Delivery, Event, Webhook, WebhookError, WebhookSource};
///
/// struct App {
///     webhook: Webhook,
///     deduplication: Deduplication,
/// }
///
/// impl WebhookSource for App {
///     async fn webhook(&self, _: &http::request::Parts) -> Result<Webhook, WebhookError> {
///         Ok(self.webhook.clone())
///     }
/// }
///
/// async fn receive(State(app): State<Arc<App>>, delivery: Delivery) -> impl IntoResponse {
///     let key = delivery.deduplication_key();
///     app.deduplication.detached(key, Duration::from_secs(3), move || handle(delivery)).await
/// }
///
/// async fn handle(delivery: Delivery) -> Result<(), std::io::Error> {
///     match delivery.event() {
///         Ok(event) => println!("{:?}", event.event_type()),
///         Err(error) => eprintln!("{error}"), // keep `delivery.body()`
///     }
///     Ok(())
/// }
///
/// # fn routes(app: Arc<App>) -> Router {
/// Router::new().route("/piaxis", post(receive)).with_state(app)
/// # }
/// ```
impl<S: WebhookSource + Send + Sync> FromRequest<S> for Delivery {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let (parts, body) = request.with_limited_body().into_parts();
        receive(state, &parts, body).await
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        Rejection::into_response(self)
    }
}

impl<T, E> IntoResponse for Once<T, E> {
    fn into_response(self) -> Response {
        Once::into_response::<Body>(self)
    }
}
