//! JSON pointers.

use std::iter;

pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

pub(crate) fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

/// Appends a key.
pub(crate) fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&escape(key));
}

/// The pointer itself, then those of everything around it; the root is the last.
pub(crate) fn around(pointer: &str) -> impl Iterator<Item = &str> {
    iter::successors(Some(pointer), |pointer| pointer.rfind('/').map(|at| &pointer[..at]))
}

/// The pointer that the fragment of a reference means; `%7B` is `{`.
pub(crate) fn of_fragment(fragment: &str) -> String {
    percent_encoding::percent_decode_str(fragment).decode_utf8_lossy().into_owned()
}
