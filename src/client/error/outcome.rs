use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether the write was executed, after a failed request.
///
/// The outcome is about the write, over all its attempts. A request that only reads executes nothing. Its failure is
/// [`ReadFailed`](Self::ReadFailed), which says nothing about an earlier write.
///
/// The enum is exhaustive, so that a `match` without `_` is checked by the compiler.
///
/// # Looking a write up
///
/// The API has no lookup by idempotency key. [`Error::lookup`](crate::Error::lookup) names the operation that shows a write.
/// [`Payments::find_like`](crate::payments::Payments::find_like) and
/// [`Disbursements::find_like`](crate::disbursements::Disbursements::find_like) search the list by what was ordered, from the
/// time just before the write was sent. Where there is no lookup, ask Piaxis, naming the
/// [`request_ids`](crate::Error::request_ids).
///
/// A corrected request has another body, and so needs a new idempotency key. An example is a retry with the right
/// one-time password after a wrong one. After a wrong credential, correct the credential and keep the key.
///
/// # Behind gateways
///
/// Status and outcome of one `payments().create(…)` with default options, through real gateways with their stock
/// configuration and short timeouts (`tests/client/gateways.rs`). The last column is a gateway that is configured to retry, with
/// the number of executions by the backend in parentheses.
///
/// | backend | no gateway | Varnish 7.1 | nginx 1.22 | HAProxy 2.6 | a gateway that retries writes |
/// |---|---|---|---|---|---|
/// | executes, and is slow | 200 | 503 `Unknown` | 504 `Unknown` | 504 `Unknown` | `Unknown` (2 to 3) |
/// | executes, and closes or resets | `Unknown` | 503 `Unknown` | 502 `Unknown` | 502 `Unknown` | `Unknown` (2 to 3) |
/// | executes, and sends half a response | `Unknown` | 503 or broken, `Unknown` | `Unknown` | `Unknown` | `Unknown` |
/// | executes, then 500 or 503 | `Unknown` | `Unknown` | `Unknown` | `Unknown` | `Unknown` (1 to 3) |
/// | refuses the connection | `NotSent` | 503 `Unknown` | 502 `Unknown` | 503 `Unknown` | `Unknown` (0) |
/// | 429, executing nothing | `NotSent` | `NotSent` | `NotSent` | `NotSent` | `NotSent` |
/// | 409 or 422, executing nothing | `Rejected` | `Rejected` | `Rejected` | `Rejected` | `Rejected` |
///
/// No client can detect a gateway that **retries writes**: the backend may execute the first request of the gateway and
/// reject the second with a 4xx, which the gateway passes on. Switch such retries off (`proxy_next_upstream` of nginx
/// with `non_idempotent`, `retry-on` of HAProxy, `return (retry)` of Varnish).
///
/// ```no_run
/// # async fn example(client: piaxis::Client, order: piaxis::types::PaymentCreate) {
/// use piaxis::Outcome;
///
/// if let Err(error) = client.payments().create(order).idempotency_key("order-789").await {
///     match error.outcome() {
///         Outcome::NotSent => println!("not executed, try again later: {error}"),
///         Outcome::Rejected => println!("not executed, correct the order and use a new key: {error}"),
///         Outcome::Unknown => println!("look the payment up before retrying: {error}"),
///         Outcome::ReadFailed => unreachable!("creating a payment is a write"),
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The write was not executed: the request was invalid, no connection was made, or the API was busy (429, which is
    /// inferred: no document says that a 429 is sent before anything is executed).
    ///
    /// Retrying is safe, and helps once the cause is gone. Correct a missing credential or an invalid field first.
    NotSent,
    /// The API rejected the write (most 4xx) and did not execute it. The same request will be rejected again; a corrected
    /// one needs a new idempotency key, because its body differs.
    Rejected,
    /// The write may have been executed: the request timed out, the connection was lost after the request was sent, the
    /// status is a redirect, 408, 444, 460, 499 or 5xx, or the response was a 2xx whose body is not that of the
    /// operation. Look the write up before retrying.
    Unknown,
    /// The request only reads, so nothing was executed. **This says nothing about a write made before**: a payment whose
    /// lookup fails with 404 or times out still exists.
    ReadFailed,
}

impl Outcome {
    /// The outcome as a label for logs and metrics: `not_sent`, `rejected`, `unknown`, `read_failed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::ReadFailed => "read_failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
