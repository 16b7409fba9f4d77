//! The generated operations: one function for each, as `progenitor` makes it from the contract.
//!
//! The resources of [`Client`](crate::Client) are the front door. [`Client::raw`](crate::Client::raw) has the operations as
//! the contract has them, for a parameter that no resource wraps. Each returns a [`Request`], so credentials, options,
//! retries and errors are the same as everywhere else.
#![allow(missing_docs, missing_debug_implementations, unreachable_pub)]
#![allow(clippy::all, clippy::pedantic)]

use progenitor_client::RequestBuilderExt as _;
use reqwest::Url;

use crate::{
    Operation, Request,
    error::{Error, ErrorKind},
    response_body::ResponseBody,
    transport::path,
};

/// The generated operations; see [`Client::raw`](crate::Client::raw).
#[derive(Debug, Clone)]
pub struct Client {
    client: crate::Client,
}

impl Client {
    pub(crate) fn new(client: crate::Client) -> Self {
        Self { client }
    }

    fn http(&self) -> &reqwest::Client {
        &self.client.shared().http
    }

    fn base_path(&self) -> &str {
        self.client.shared().base_url.path()
    }

    fn url(&self, path: &str) -> Url {
        path::url(&self.client.shared().base_url, path)
    }

    fn request<T: ResponseBody>(
        &self,
        operation: &'static Operation,
        build: impl FnOnce() -> Result<reqwest::Request, NotBuilt>,
    ) -> Request<T> {
        Request::new(&self.client, operation, build().map_err(|NotBuilt(error)| error))
    }
}

/// Why a request could not be built.
struct NotBuilt(Error);

impl From<Error> for NotBuilt {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<reqwest::Error> for NotBuilt {
    /// Without the URL, whose query may hold a secret.
    fn from(error: reqwest::Error) -> Self {
        let message = format!("failed to build the request: {}", error.without_url());
        Self(Error::local(ErrorKind::InvalidRequest, message))
    }
}

impl From<http::header::InvalidHeaderValue> for NotBuilt {
    fn from(error: http::header::InvalidHeaderValue) -> Self {
        Self(Error::local(ErrorKind::InvalidRequest, error.to_string()))
    }
}

impl From<progenitor_client::Error<()>> for NotBuilt {
    fn from(error: progenitor_client::Error<()>) -> Self {
        match error {
            progenitor_client::Error::CommunicationError(error) => error.into(),
            progenitor_client::Error::InvalidRequest(message) => Self(Error::local(ErrorKind::InvalidRequest, message)),
            // The others come with a response, and there is none yet.
            _ => Self(Error::local(ErrorKind::InvalidRequest, "failed to build the request")),
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/raw.rs"));
