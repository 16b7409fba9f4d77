//! The control API below `/_emulator/`, and the page at `/`. Both read and change the state of the emulator, have no credentials,
//! and are neither recorded nor subject to faults.

pub(crate) mod actions;
mod guard;
mod openapi;
mod page;
mod routes;

use std::{collections::BTreeMap, sync::LazyLock};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use matchit::Router;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::{
    response::{Rejection, Response},
    server::Shared,
};
use routes::{Input, ROUTES, Route};

/// Routes by path, and then by method.
static ROUTER: LazyLock<Router<Vec<&'static Route>>> = LazyLock::new(|| {
    let mut paths = BTreeMap::<&str, Vec<&'static Route>>::new();
    for route in ROUTES {
        paths.entry(route.path).or_default().push(route);
    }
    let mut router = Router::new();
    for (path, routes) in paths {
        // The table has no two paths that exclude each other, as a test shows.
        let _ = router.insert(path, routes);
    }
    router
});

/// Whether a path belongs to the page or to the control API.
pub(crate) fn owns(path: &str) -> bool {
    path == "/" || path == "/_emulator" || path.starts_with("/_emulator/")
}

/// Handles a request to the page or to the control API.
pub(crate) fn handle(shared: &Shared, head: &Parts, body: Result<Bytes, Rejection>) -> Response {
    let is_form = content_type(&head.headers).starts_with("application/x-www-form-urlencoded");
    let response = match route(shared, head, body, is_form) {
        Ok(response) => response,
        Err(rejection) if is_form || head.uri.path() == "/" => page::error(&rejection),
        Err(rejection) => rejection,
    };
    // No page of another site may read or frame a response, nor a cache keep it.
    response
        .with_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with_header(header::CACHE_CONTROL, "no-store")
        .with_header(http::HeaderName::from_static("cross-origin-resource-policy"), "same-origin")
        .with_header(header::REFERRER_POLICY, "same-origin")
}

fn route(shared: &Shared, head: &Parts, body: Result<Bytes, Rejection>, is_form: bool) -> Result<Response, Rejection> {
    guard::check(&head.headers, &head.method, shared.address.ip())?;
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    if path == "/" {
        if head.method != Method::GET {
            return Err(not_allowed("GET"));
        }
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let id = pairs.find(|(name, _)| name == "id").map(|(_, id)| id.into_owned());
        return Ok(page::render(shared, id.as_deref().filter(|id| !id.is_empty())));
    }
    let matched = ROUTER.at(path).map_err(|_| Response::rejected(StatusCode::NOT_FOUND, "Not Found"))?;
    let Some(route) = matched.value.iter().find(|route| route.method == head.method.as_str()) else {
        let allowed: Vec<&str> = matched.value.iter().map(|route| route.method).collect();
        return Err(not_allowed(&allowed.join(", ")));
    };
    let decoded = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
    let path = matched.params.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    let query = route.query.map_or(Value::Null, |name| openapi::object(name, query));
    let body = decode(route, &body?, is_form)?;
    for (name, value) in [(route.query, &query), (route.body, &body)] {
        name.map_or(Ok(()), |name| openapi::validate(name, value))?;
    }
    if route.method != "GET" {
        shared.world().run_timers();
    }
    let value = (route.handler)(shared, &Input { path, query, body })?;
    if route.method == "GET" {
        return Ok(Response::json(StatusCode::OK, &value));
    }
    shared.changed.notify_one();
    if is_form {
        return Ok(Response::redirect(StatusCode::SEE_OTHER, &back(&head.headers, route.section)));
    }
    Ok(Response::json(StatusCode::OK, &value))
}

fn not_allowed(methods: &str) -> Rejection {
    Response::rejected(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed").with_header(header::ALLOW, methods)
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The body of a request, by the schema of its route. A body of nothing is an empty object.
fn decode(route: &Route, body: &Bytes, is_form: bool) -> Result<Value, Rejection> {
    let Some(name) = route.body else { return Ok(Value::Null) };
    if is_form {
        return Ok(openapi::object(name, &String::from_utf8_lossy(body)));
    }
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body)
        .map_err(|error| Response::rejected(StatusCode::UNPROCESSABLE_ENTITY, &format!("invalid JSON: {error}")))
}

/// Where a form leads back to: the page that it was on, at a section.
fn back(headers: &HeaderMap, section: &str) -> String {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let origin = format!("http://{}", text(header::HOST));
    let referer = text(header::REFERER).strip_prefix(&origin).filter(|path| *path == "/" || path.starts_with("/?"));
    let path = referer.and_then(|path| path.split('#').next()).unwrap_or("/");
    format!("{path}#{section}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found() {
        for route in ROUTES {
            let found =
                ROUTER.at(route.path).ok().is_some_and(|found| found.value.iter().any(|one| one.id == route.id));
            assert!(found && owns(route.path), "{}", route.path);
        }
    }
}
