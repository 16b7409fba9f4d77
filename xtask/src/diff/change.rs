//! What a comparison finds.

use serde::Serialize;
use serde_json::Value;

/// How heavy a change is, on one axis or on the whole; the heaviest is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Nothing on this axis.
    None,
    Patch,
    Additive,
    Breaking,
}

impl Level {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Additive => "additive",
            Self::Breaking => "breaking",
        }
    }
}

/// Where something stands in one of the documents, and what stands there.
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
    /// The operation that it stands at; none when several share it.
    pub(crate) operation: Option<String>,
    /// Every operation that it reaches.
    pub(crate) operations: Vec<String>,
    pub(crate) message: String,
    pub(crate) base: Option<Place>,
    pub(crate) head: Option<Place>,
    /// The pointer that names it: in the head, or in the base for what is gone.
    pub(crate) place: String,
    /// Line in the head's file.
    pub(crate) line: usize,
    /// How many other places of the same change this entry stands for.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) repeated: usize,
    /// Why it is no failure: what the acknowledgement says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accepted: Option<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Change {
    /// Whether somebody must act on it.
    pub(crate) fn breaks(&self) -> bool {
        self.level == Level::Breaking && self.accepted.is_none()
    }

    /// The pointer that names its place: in the head where it is there, else in the base.
    pub(crate) fn pointer(&self) -> &str {
        let place = match (&self.base, &self.head) {
            (_, Some(head)) if !head.value.is_null() => Some(head),
            (Some(base), _) => Some(base),
            (None, head) => head.as_ref(),
        };
        place.map_or("", |place| place.pointer.as_str())
    }
}

/// The bump that the changes ask for, by semantic versioning.
pub(crate) fn bump(changes: &[Change]) -> &'static str {
    match changes.iter().map(|change| change.level).max().unwrap_or(Level::None) {
        Level::Breaking => "major",
        Level::Additive => "minor",
        Level::Patch => "patch",
        Level::None => "none",
    }
}
