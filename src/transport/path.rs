use crate::{
    error::{Error, ErrorKind},
    operation::Operation,
};

/// Refuses a request whose path is not the operation's: an id such as `..` would have changed which route is called.
pub(super) fn check(request: &reqwest::Request, base_url: &str, operation: &Operation) -> Result<(), Error> {
    let fits = request.url().as_str().strip_prefix(base_url).is_some_and(|below| {
        let path = &below[..below.find(['?', '#']).unwrap_or(below.len())];
        let is_id = |segment: &str| !["", ".", ".."].contains(&segment);
        let mut template = operation.path.split('/');
        let fits = |segment, name: &str| if name.starts_with('{') { is_id(segment) } else { segment == name };
        path.split('/').all(|segment| template.next().is_some_and(|name| fits(segment, name)))
            && template.next().is_none()
    });
    if fits && request.method().as_str() == operation.method {
        return Ok(());
    }
    Err(Error::local(ErrorKind::InvalidRequest, format!("an id does not fit into the path {}", operation.path)))
}

/// An id as one segment of a path. Dots are left to [`check`]: a URL reads them as steps even when they are encoded.
pub(crate) fn encode(id: &str) -> String {
    progenitor_client::encode_path(id).replace('\\', "%5C")
}

/// An id that can be one segment of a path.
///
/// The URL standard reads `\` as `/` and resolves dots, so an id with either would name something else.
pub(crate) fn segment(what: &str, id: String) -> Result<String, Error> {
    let problem = match id.as_str() {
        "" => "is empty",
        "." | ".." => "is a step in a path",
        id if id.contains('\\') => "has a backslash",
        _ => return Ok(id),
    };
    Err(Error::local(ErrorKind::InvalidRequest, format!("the {what} {problem}; give it as the API named it")))
}
