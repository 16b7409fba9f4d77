use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower::{Layer, Service};

use super::{WebhookSource, receive::receive};

/// A layer for any `tower` service. Verifies each request, and passes on the genuine ones, with a
/// [`Delivery`](super::Delivery) in the extensions and the body unchanged. Responds to other requests with a
/// [`Rejection`](super::Rejection), which is logged through `tracing`.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use piaxis::webhook::{Delivery, Webhook, WebhookLayer};
/// use tower::{Layer, Service, service_fn};
///
/// async fn handle(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
///     if let Some(delivery) = request.extensions().get::<Delivery>() {
///         println!("{} bytes", delivery.body().len());
///     }
///     Ok(Response::default())
/// }
///
/// # fn main() -> Result<(), piaxis::webhook::WebhookError> {
/// let service = WebhookLayer::new(Webhook::new("secret")?).layer(service_fn(handle));
/// # fn is_service<S: Service<Request<Full<Bytes>>>>(_: S) {}
/// # is_service(service);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct WebhookLayer<W> {
    source: W,
}

impl<W: WebhookSource> WebhookLayer<W> {
    /// Verifies by this webhook, or by one that is chosen for each request.
    pub fn new(source: W) -> Self {
        Self { source }
    }
}

impl<W: Clone, S> Layer<S> for WebhookLayer<W> {
    type Service = VerifyWebhook<W, S>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyWebhook { source: self.source.clone(), inner }
    }
}

/// The service of a [`WebhookLayer`].
#[derive(Debug, Clone)]
pub struct VerifyWebhook<W, S> {
    source: W,
    inner: S,
}

impl<W, S, B, R> Service<Request<B>> for VerifyWebhook<W, S>
where
    W: WebhookSource + Clone + Send + Sync + 'static,
    S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let source = self.source.clone();
        // The one that is ready handles this request, and a clone the next one.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match receive(&source, &parts, body).await {
                Ok(delivery) => {
                    let body = Full::new(delivery.clone().into_body());
                    parts.extensions.insert(delivery);
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(rejection) => Ok(rejection.into_response()),
            }
        })
    }
}
