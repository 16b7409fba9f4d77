use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

/// A moment in UTC.
///
/// Made from text or from a `chrono::DateTime` in any time zone. Serialisation fails for years outside 0 to 9999, which
/// RFC 3339 cannot express.
///
/// Read from RFC 3339 text with `Z` or an offset, and from text without an offset, which is taken as UTC (the API does
/// not say; its webhooks come so). Written with `Z`.
///
/// ```
/// use piaxis::Timestamp;
///
/// let with_offset: Timestamp = "2026-03-18T15:00:00+03:00".parse()?;
/// let without: Timestamp = "2026-03-18T12:00:00.000000".parse()?;
/// assert_eq!(with_offset, without);
/// assert_eq!(without.to_string(), "2026-03-18T12:00:00Z");
/// # Ok::<(), piaxis::ParseTimestampError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The moment as `chrono` has it.
    pub fn to_utc(self) -> DateTime<Utc> {
        self.0
    }
}

/// Keeps the moment, and drops the offset.
impl<Tz: TimeZone> From<DateTime<Tz>> for Timestamp {
    fn from(moment: DateTime<Tz>) -> Self {
        Self(moment.to_utc())
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(moment: std::time::SystemTime) -> Self {
        Self(moment.into())
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// A text is no timestamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseTimestampError(());

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a timestamp such as 2026-03-18T12:00:00Z")
    }
}

impl std::error::Error for ParseTimestampError {}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let with_offset = || DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc());
        let short_offset = || DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").map(|moment| moment.to_utc());
        let without = |format| NaiveDateTime::parse_from_str(text, format).map(|moment| moment.and_utc());
        with_offset()
            .or_else(|_| short_offset())
            .or_else(|_| without("%Y-%m-%dT%H:%M:%S%.f"))
            .or_else(|_| without("%Y-%m-%d %H:%M:%S%.f"))
            .ok()
            .filter(is_rfc3339)
            .map(Self)
            .ok_or(ParseTimestampError(()))
    }
}

/// Whether RFC 3339 can express the moment: the year has four digits and no sign.
fn is_rfc3339(moment: &DateTime<Utc>) -> bool {
    (0..=9999).contains(&moment.year())
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !is_rfc3339(&self.0) {
            return Err(ser::Error::custom(format_args!("timestamp {self}: year must be between 0 and 9999")));
        }
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::read(deserializer, str::parse)
    }
}
