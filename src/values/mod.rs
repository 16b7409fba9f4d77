//! What JSON text becomes. Only this room parses text of the API.

mod amount;
mod json_object;
#[macro_use]
mod open_enum;
mod redacted;
mod secret;
pub(crate) mod text;
mod timestamp;
mod ugandan_number;

pub use amount::{Amount, ParseAmountError};
pub use json_object::JsonObject;
pub use open_enum::UnknownValue;
pub(crate) use redacted::Redacted;
pub use secret::Secret;
pub use timestamp::{ParseTimestampError, Timestamp};
pub use ugandan_number::{ParseUgandanNumberError, UgandanNumber};

include!(concat!(env!("OUT_DIR"), "/open_enums.rs"));
