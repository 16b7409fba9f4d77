//! Finds in a decoded response what the contract does not know.

use std::{collections::BTreeSet, fmt, sync::Arc};

use crate::{JsonObject, operation::Operation, undecoded::Undecoded};

/// One thing in a response that the contract does not know.
///
/// See [`ClientBuilder::on_unexpected`](crate::ClientBuilder::on_unexpected).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unexpected<'a> {
    /// Operation, by its name in the contract.
    pub operation: &'static str,
    /// What is unexpected.
    pub kind: UnexpectedKind,
    /// Path of the field, with `[]` for the items of a list: `results[].status`. The path never contains a value, but
    /// contains the name of an unknown field.
    pub path: &'a str,
}

/// What is unexpected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum UnexpectedKind {
    /// A value that the contract does not name; the enum has it as `Unknown`.
    UnknownValue,
    /// A field that the contract does not know; the struct has it in `extra`.
    UnknownField,
    /// An optional field that failed to decode; see [`Response::undecoded`](crate::Response::undecoded).
    Undecoded,
}

impl UnexpectedKind {
    /// Its name, for a metric: `unknown_value`, `unknown_field`, `undecoded`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownValue => "unknown_value",
            Self::UnknownField => "unknown_field",
            Self::Undecoded => "undecoded",
        }
    }
}

impl fmt::Display for UnexpectedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Is called with everything unexpected.
#[derive(Clone)]
pub(crate) struct OnUnexpected(pub(crate) Arc<dyn Fn(&Unexpected<'_>) + Send + Sync>);

impl OnUnexpected {
    /// Reports each path once, however many items have it.
    pub(crate) fn report(&self, operation: &Operation, value: &dyn Inspect, undecoded: &[Undecoded]) {
        let mut findings = Findings::default();
        value.inspect(&mut findings);
        findings
            .found
            .extend(undecoded.iter().map(|field| (without_positions(field.path()), UnexpectedKind::Undecoded)));
        for (path, kind) in &findings.found {
            (self.0)(&Unexpected { operation: operation.id, kind: *kind, path });
        }
    }
}

impl fmt::Debug for OnUnexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnUnexpected").finish_non_exhaustive()
    }
}

/// `results[].status` of `results[3].status`.
fn without_positions(path: &str) -> String {
    let mut is_position = false;
    let mut keep = |c: char| {
        is_position = c == '[' || is_position && c.is_ascii_digit();
        !is_position || c == '['
    };
    path.chars().filter(|c| keep(*c)).collect()
}

/// What was found, and the path of the value that is being looked at.
#[derive(Debug, Default)]
pub struct Findings {
    path: String,
    found: BTreeSet<(String, UnexpectedKind)>,
}

impl Findings {
    pub(crate) fn field(&mut self, name: &str, value: &dyn Inspect) {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.below(dot, name, &mut |findings| value.inspect(findings));
    }

    pub(crate) fn unknown_fields(&mut self, extra: &JsonObject) {
        let dot = if self.path.is_empty() { "" } else { "." };
        for name in extra.keys() {
            self.below(dot, name, &mut |findings| findings.add(UnexpectedKind::UnknownField));
        }
    }

    fn below(&mut self, separator: &str, name: &str, inspect: &mut dyn FnMut(&mut Self)) {
        let parent = self.path.len();
        self.path.push_str(separator);
        self.path.push_str(name);
        inspect(self);
        self.path.truncate(parent);
    }

    pub(crate) fn add(&mut self, kind: UnexpectedKind) {
        self.found.insert((self.path.clone(), kind));
    }
}

/// Types that can be searched for what the contract does not know. The build script implements the trait for the types of
/// response bodies, and for the values that they are made of.
pub trait Inspect {
    /// Adds what the contract does not know.
    #[doc(hidden)]
    fn inspect(&self, findings: &mut Findings);
}

impl<T: Inspect> Inspect for Option<T> {
    fn inspect(&self, findings: &mut Findings) {
        if let Some(value) = self {
            value.inspect(findings);
        }
    }
}

impl<T: Inspect> Inspect for Vec<T> {
    fn inspect(&self, findings: &mut Findings) {
        findings.below("", "[]", &mut |findings| self.iter().for_each(|item| item.inspect(findings)));
    }
}

/// Implements the trait for open enums.
macro_rules! inspect_enums {
    ($($name:ty),* $(,)?) => {
        $(impl $crate::client::unexpected::Inspect for $name {
            fn inspect(&self, findings: &mut $crate::client::unexpected::Findings) {
                if matches!(self, Self::Unknown(_)) {
                    findings.add($crate::client::unexpected::UnexpectedKind::UnknownValue);
                }
            }
        })*
    };
}
pub(crate) use inspect_enums;

/// Implements the trait for values in which the contract expects anything.
macro_rules! inspect_nothing {
    ($($name:ty),* $(,)?) => {
        $(impl $crate::client::unexpected::Inspect for $name {
            fn inspect(&self, _: &mut $crate::client::unexpected::Findings) {}
        })*
    };
}
pub(crate) use inspect_nothing;
