use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC.
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

impl From<DateTime<Utc>> for Timestamp {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(moment)
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
            // RFC 3339 has no others, so they could be written but not read again.
            .filter(|moment| (0..=9999).contains(&moment.year()))
            .map(Self)
            .ok_or(ParseTimestampError(()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::read(deserializer, str::parse)
    }
}
