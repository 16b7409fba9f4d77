use crate::{
    error::{Error, ErrorKind},
    operation::Operation,
};

/// Refuses a request whose path is not the operation's: an id such as `..` would have changed which route is called.
pub(super) fn check(request: &reqwest::Request, base_url: &str, operation: &Operation) -> Result<(), Error> {
    let url = request.url();
    let without_query = &url.as_str()[..url.as_str().find(['?', '#']).unwrap_or(url.as_str().len())];
    let fits = without_query.strip_prefix(base_url).is_some_and(|path| {
        let (mut segments, mut template) = (path.split('/'), operation.path.split('/'));
        let mut pairs = std::iter::from_fn(|| match (segments.next(), template.next()) {
            (None, None) => None,
            pair => Some(pair),
        });
        pairs.all(|pair| match pair {
            (Some(segment), Some(name)) if name.starts_with('{') => !["", ".", ".."].contains(&segment),
            (segment, name) => segment == name,
        })
    });
    if fits && request.method().as_str() == operation.method {
        return Ok(());
    }
    Err(Error::local(ErrorKind::InvalidRequest, format!("an id does not fit into the path {}", operation.path)))
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
