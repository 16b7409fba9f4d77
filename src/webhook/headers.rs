use std::collections::{BTreeMap, HashMap};

use super::WebhookError;

/// Headers of a request, in the form of any server. Names are case-insensitive.
///
/// Implemented for [`http::HeaderMap`], for slices, arrays and vectors of names and values, and for maps. A list may have
/// a header twice, and a repeated header of the signature is rejected. A map cannot, so prefer a list.
///
/// ```
/// use piaxis::webhook::Headers;
///
/// let headers = [("x-PIAXIS-signature", "7f9f"), ("Content-Type", "application/json")];
/// assert_eq!(headers.values("X-piaxis-Signature").next(), Some(&b"7f9f"[..]));
/// ```
pub trait Headers {
    /// Every value of a header.
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]>;
}

impl Headers for http::HeaderMap {
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.get_all(name).iter().map(|value| value.as_bytes())
    }
}

fn matching<'a, K: AsRef<str> + 'a, V: AsRef<[u8]> + 'a>(
    headers: impl Iterator<Item = (&'a K, &'a V)>,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    headers.filter(|(key, _)| key.as_ref().eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
}

impl<K: AsRef<str>, V: AsRef<[u8]>> Headers for [(K, V)] {
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        matching(self.iter().map(|(key, value)| (key, value)), name)
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>, const N: usize> Headers for [(K, V); N] {
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.as_slice().values(name)
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(K, V)> {
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.as_slice().values(name)
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>, S> Headers for HashMap<K, V, S> {
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        matching(self.iter(), name)
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> Headers for BTreeMap<K, V> {
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        matching(self.iter(), name)
    }
}

/// The one value of a header, or none when it is not there.
pub(super) fn single<'a>(
    headers: &'a (impl Headers + ?Sized),
    header: &'static str,
) -> Result<Option<&'a str>, WebhookError> {
    let mut values = headers.values(header);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(WebhookError::DuplicateHeader { header });
    }
    match std::str::from_utf8(value) {
        Ok("") => Err(WebhookError::EmptyHeader { header }),
        Ok(text) if text.is_ascii() => Ok(Some(text)),
        _ => Err(WebhookError::NonAsciiHeader { header }),
    }
}
