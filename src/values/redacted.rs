use std::fmt;

/// Stands in `Debug`, errors and spans for a secret or for personal data.
pub(crate) struct Redacted;

impl Redacted {
    pub(crate) const TEXT: &str = "[redacted]";
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::TEXT)
    }
}
