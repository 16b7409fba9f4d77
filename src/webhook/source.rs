use std::sync::Arc;

use super::{Webhook, WebhookError};

/// Chooses the [`Webhook`] of a request: for a state of your own, for tenants with a secret each, or for live and test
/// deliveries on one route.
///
/// Implemented for `Webhook` itself, and for an `Arc` of everything that implements it.
///
/// ```
/// use std::collections::HashMap;
///
/// use piaxis::webhook::{Webhook, WebhookError, WebhookSource};
///
/// struct App {
///     tenants: HashMap<String, Webhook>,
/// }
///
/// impl WebhookSource for App {
///     async fn webhook(&self, request: &http::request::Parts) -> Result<Webhook, WebhookError> {
///         // /piaxis/{tenant}
///         let tenant = request.uri.path().rsplit('/').next().unwrap_or_default();
///         self.tenants.get(tenant).cloned().ok_or(WebhookError::UnknownEndpoint)
///     }
/// }
/// ```
pub trait WebhookSource {
    /// The webhook that verifies this request. The path and the headers are **not verified** yet.
    ///
    /// # Errors
    /// [`UnknownEndpoint`](WebhookError::UnknownEndpoint) for a request to an endpoint that does not exist, and
    /// [`SecretUnavailable`](WebhookError::SecretUnavailable) when the secret cannot be read now.
    fn webhook(&self, request: &http::request::Parts) -> impl Future<Output = Result<Webhook, WebhookError>> + Send;
}

impl WebhookSource for Webhook {
    async fn webhook(&self, _: &http::request::Parts) -> Result<Webhook, WebhookError> {
        Ok(self.clone())
    }
}

impl<S: WebhookSource + Send + Sync> WebhookSource for Arc<S> {
    async fn webhook(&self, request: &http::request::Parts) -> Result<Webhook, WebhookError> {
        (**self).webhook(request).await
    }
}
