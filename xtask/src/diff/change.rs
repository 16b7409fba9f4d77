//! A change of the contract.

use serde::Serialize;
use serde_json::Value;

/// The level of a change, on one axis or overall, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// No change on this axis.
    None,
    Patch,
    Additive,
    Breaking,
}

impl Level {
    /// The level that a word means.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        [Self::None, Self::Patch, Self::Additive, Self::Breaking].into_iter().find(|level| level.word() == word)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Additive => "additive",
            Self::Breaking => "breaking",
        }
    }
}

/// A pointer into one document, and the value at it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Place {
    pub(crate) pointer: String,
    pub(crate) value: Value,
}

/// One change of the contract.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Change {
    pub(crate) id: &'static str,
    pub(crate) level: Level,
    pub(crate) wire: Level,
    pub(crate) rust: Level,
    /// The affected operation; none when several are affected.
    pub(crate) operation: Option<String>,
    /// All affected operations.
    pub(crate) operations: Vec<String>,
    pub(crate) message: String,
    pub(crate) base: Option<Place>,
    pub(crate) head: Option<Place>,
    /// The pointer in the head, or in the base for a removal, with names in place of indices.
    pub(crate) place: String,
    /// Line in the head's file.
    pub(crate) line: usize,
    /// Number of other places with the same change.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) repeated: usize,
    /// The reason of its acknowledgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accepted: Option<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Change {
    /// Whether it is a break without an acknowledgement.
    pub(crate) fn breaks(&self) -> bool {
        self.level == Level::Breaking && self.accepted.is_none()
    }
}

/// The highest level of the changes.
pub(crate) fn most(changes: &[Change]) -> Level {
    changes.iter().map(|change| change.level).max().unwrap_or(Level::None)
}

/// The bump that semantic versioning requires for the changes.
pub(crate) fn bump(changes: &[Change]) -> &'static str {
    match most(changes) {
        Level::Breaking => "major",
        Level::Additive => "minor",
        Level::Patch => "patch",
        Level::None => "none",
    }
}
