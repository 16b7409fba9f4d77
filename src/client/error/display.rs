//! An error as one line: the operation, what failed, and what to do.

use std::fmt;

use super::{Error, ErrorKind, Outcome};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_local = matches!(
            self.kind(),
            ErrorKind::InvalidRequest | ErrorKind::Configuration | ErrorKind::Token | ErrorKind::QuoteRejected
        );
        let is_not_sent = is_local && self.attempts() == 0;
        match (self.operation(), &self.0.path) {
            (Some(operation), path) => {
                f.write_str(operation)?;
                if let Some(path) = path {
                    write!(f, " {path}")?;
                }
                if is_not_sent {
                    f.write_str(": not sent")?;
                }
            }
            (None, _) if self.kind() == ErrorKind::Configuration => f.write_str("invalid configuration")?,
            (None, _) => f.write_str("not sent")?,
        }
        let status = self.status().map(|status| status.to_string());
        for part in [status.as_deref(), self.code(), self.message()].into_iter().flatten() {
            write!(f, ": {part}")?;
        }
        match (self.request_id(), self.attempts()) {
            (Some(id), attempts @ 2..) => write!(f, " (request id {id}, attempt {attempts})")?,
            (Some(id), _) => write!(f, " (request id {id})")?,
            (None, attempts @ 2..) => write!(f, " (attempt {attempts})")?,
            (None, _) => {}
        }
        advice(self, f)
    }
}

/// Whether a retry is safe.
fn advice(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(operation) = error.0.operation else { return Ok(()) };
    match error.outcome() {
        Outcome::ReadFailed => Ok(()),
        Outcome::Rejected => f.write_str("; the request was rejected and not executed"),
        Outcome::NotSent if error.attempts() == 0 => Ok(()),
        Outcome::NotSent => f.write_str("; the request was not executed: retrying is safe"),
        Outcome::Unknown if !operation.idempotency_key => {
            f.write_str("; the request may have been executed: do not retry it")
        }
        Outcome::Unknown => {
            f.write_str("; the request may have been executed: ")?;
            match operation.lookup {
                Some(lookup) => write!(f, "look it up with {lookup} before retrying")?,
                None => f.write_str("the API has no lookup for the operation, so ask Piaxis before retrying")?,
            }
            match error.idempotency_key() {
                Some(key) => write!(f, " with idempotency key {key}"),
                None => Ok(()),
            }
        }
    }
}
