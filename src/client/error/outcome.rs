use std::fmt;

/// After a failed call: did the money move?
///
/// ```no_run
/// # async fn example(client: piaxis::Client, order: piaxis::types::PaymentCreate) {
/// use piaxis::Outcome;
///
/// if let Err(error) = client.payments().create(order).idempotency_key("order-789").await {
///     match error.outcome() {
///         Outcome::NotSent => println!("nothing was done; send it again when you like"),
///         Outcome::Rejected => println!("the API said no: {error}"),
///         Outcome::Unknown => println!("look the payment up before sending it again: {error}"),
///         _ => println!("{error}"),
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing was done: it never left this machine (a local check, no connection), or the API said that it did not take
    /// it (429, 503 with `Retry-After`). Sending it again is safe.
    NotSent,
    /// The API answered no (any other 4xx). Sending the same again will not help.
    Rejected,
    /// It may have happened: there was no answer in time, the connection broke after the request was on its way, the answer
    /// is 408 or a 5xx or a redirect, or it is a success that cannot be read. Look it up before sending it again.
    Unknown,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotSent => "not sent",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        })
    }
}

/// Marks an error that came about before anything was sent.
#[derive(Debug)]
pub(super) struct NothingSent;

impl fmt::Display for NothingSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was sent")
    }
}

impl std::error::Error for NothingSent {}
