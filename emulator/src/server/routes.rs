//! Finds the operation of a request.

use std::{collections::BTreeMap, sync::LazyLock};

use http::{Method, StatusCode, header};
use matchit::Router;
use percent_encoding::percent_decode_str;
use piaxis::{OPERATIONS, Operation};

use crate::{
    contract::CONTRACT,
    response::{Rejection, Response},
};

/// Operations by path below the base path, and then by method.
static ROUTES: LazyLock<Router<Vec<&'static Operation>>> = LazyLock::new(|| {
    let mut paths = BTreeMap::<&str, Vec<&'static Operation>>::new();
    for operation in OPERATIONS {
        paths.entry(operation.path).or_default().push(operation);
    }
    let mut router = Router::new();
    for (path, operations) in paths {
        // The contract has no two paths that exclude each other.
        let _ = router.insert(path, operations);
    }
    router
});

/// An operation, and the path parameters of a request by name.
pub(crate) struct Route {
    pub(crate) operation: &'static Operation,
    pub(crate) parameters: Vec<(String, String)>,
}

/// The operation of a method and a path. Otherwise FastAPI's error, or its redirect where only a slash at the end is wrong.
pub(crate) fn find(origin: &str, method: &Method, path: &str, query: Option<&str>) -> Result<Route, Rejection> {
    let not_found = || Response::rejected(StatusCode::NOT_FOUND, "Not Found");
    let Some(below) = path.strip_prefix(&CONTRACT.base_path) else { return Err(not_found()) };
    let Ok(matched) = ROUTES.at(below) else {
        let other = below.strip_suffix('/').map_or_else(|| format!("{below}/"), str::to_owned);
        if ROUTES.at(&other).is_err() {
            return Err(not_found());
        }
        let query = query.map_or(String::new(), |query| format!("?{query}"));
        let location = format!("{origin}{}{other}{query}", CONTRACT.base_path);
        return Err(Response::redirect(StatusCode::TEMPORARY_REDIRECT, &location));
    };
    let Some(operation) = matched.value.iter().find(|operation| operation.method == method.as_str()) else {
        let allowed: Vec<&str> = matched.value.iter().map(|operation| operation.method).collect();
        let rejected = Response::rejected(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        return Err(rejected.with_header(header::ALLOW, &allowed.join(", ")));
    };
    let decoded = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
    let parameters = matched.params.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    Ok(Route { operation, parameters })
}
