//! The table of rules: what each kind of change means on the wire and in Rust.

use std::{cmp::Ordering, sync::LazyLock};

use serde::Serialize;

use super::change::Level;

/// A kind of change, and its highest level on each axis.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    /// The axis with the higher level.
    pub(crate) axis: &'static str,
    /// `request`, `response`, or `both` for both directions or neither.
    pub(crate) direction: &'static str,
    pub(crate) level: Level,
    pub(crate) wire: Level,
    pub(crate) rust: Level,
    pub(crate) why: &'static str,
    pub(crate) avoid: &'static str,
}

impl Rule {
    /// Reads a row of the table; its head and the text around it are none.
    fn of_row(row: &'static str) -> Option<Self> {
        let cells: Vec<&'static str> = row.split('|').map(str::trim).collect();
        let ["", id, direction, wire, rust, why, avoid, ""] = cells[..] else { return None };
        let (wire, rust) = (Level::of_word(wire)?, Level::of_word(rust)?);
        let axis = match wire.cmp(&rust) {
            Ordering::Greater => "wire",
            Ordering::Less => "rust",
            Ordering::Equal => "both",
        };
        Some(Self { id, axis, direction, level: wire.max(rust), wire, rust, why, avoid })
    }

    /// The cells of a row with everything that the rule says.
    pub(crate) fn cells(&self) -> [&'static str; 8] {
        let [level, wire, rust] = [self.level, self.wire, self.rust].map(Level::word);
        [self.id, self.axis, self.direction, level, wire, rust, self.why, self.avoid]
    }
}

/// All rules.
pub(crate) static RULES: LazyLock<Vec<Rule>> =
    LazyLock::new(|| include_str!("rules.md").lines().filter_map(Rule::of_row).collect());

/// Returns the rule with this id.
pub(crate) fn find(id: &str) -> &'static Rule {
    let named = |id: &str| RULES.iter().find(|rule| rule.id == id);
    // What no rule covers has the strictest one.
    named(id).or_else(|| named("unclassified")).unwrap_or(&RULES[0])
}

/// Returns the rule for a kind of change in a schema and a direction.
pub(crate) fn of_schema(kind: &str, direction: &str) -> &'static Rule {
    let kind = match kind {
        "required-property-removed" | "optional-property-removed" if direction == "request" => "property-removed",
        kind => kind,
    };
    let id = format!("{direction}-{kind}");
    find(if RULES.iter().any(|rule| rule.id == id) { &id } else { kind })
}
