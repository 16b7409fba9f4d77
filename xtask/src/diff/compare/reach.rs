//! The operations that a difference between two schemas affects, and its levels there.

use super::*;

/// Where a schema is used; bits, because a finding can have several.
pub(super) mod way {
    pub(crate) const REQUEST: u8 = 1;
    /// A success response: decoded into Rust types.
    pub(crate) const SUCCESS: u8 = 2;
    /// A failure response: on the wire, but without a Rust type of its own.
    pub(crate) const UNTYPED: u8 = 4;
    pub(crate) const WEBHOOK: u8 = 8;
    /// A header that the transport sets.
    pub(crate) const TRANSPORT: u8 = 16;
    /// Not on the wire, but the Rust type is public.
    pub(crate) const UNUSED: u8 = 32;
    /// A parameter or a form: values are written as text, so `7` is both a number and text.
    pub(crate) const TEXT: u8 = 64;
    /// A response header: text without a Rust type.
    pub(crate) const HEADER: u8 = 128;
    pub(crate) const SENT: u8 = REQUEST | TRANSPORT | TEXT;
    pub(crate) const RECEIVED: u8 = SUCCESS | UNTYPED | WEBHOOK | HEADER;
    pub(crate) const ALL: u8 = SENT | RECEIVED | UNUSED;
    /// Without a Rust type.
    pub(crate) const PLAIN: u8 = TRANSPORT | UNTYPED | HEADER;
}

/// Ways on the wire, the first of two that weigh the same first.
const ON_WIRE: [u8; 7] =
    [way::REQUEST, way::SUCCESS, way::TRANSPORT, way::UNTYPED, way::WEBHOOK, way::TEXT, way::HEADER];

/// The direction of a way.
pub(super) fn direction(way: u8) -> &'static str {
    if way & way::SENT != 0 { "request" } else { "response" }
}

impl Comparison<'_> {
    /// Turns findings into changes: follows each use to the units that it leads to.
    pub(super) fn reach(&mut self) {
        // The ways of using each unit, with their operations.
        let mut uses: Vec<BTreeMap<u8, BTreeSet<String>>> = vec![BTreeMap::new(); self.units.len()];
        for (operation, way, unit) in std::mem::take(&mut self.roots) {
            let mut seen = HashSet::new();
            let mut open = vec![unit];
            while let Some(unit) = open.pop() {
                if seen.insert(unit) {
                    uses[unit].entry(way).or_default().extend(operation.clone());
                    let edges = self.units[unit].edges.iter().filter(|(_, mask)| mask & way != 0);
                    open.extend(edges.map(|(unit, _)| *unit));
                }
            }
        }
        for (unit, mut by_way) in std::mem::take(&mut self.units).into_iter().zip(uses) {
            if by_way.is_empty() {
                by_way.insert(way::UNUSED, BTreeSet::new());
            }
            for finding in unit.findings {
                self.judge(finding, &by_way);
            }
        }
    }

    fn judge(&mut self, finding: Finding, by_way: &BTreeMap<u8, BTreeSet<String>>) {
        let all = by_way.keys().fold(0, |all, way| all | way);
        let ways = all & finding.mask & !way::UNUSED;
        let rust_of = |rule: &Rule| finding.rust.map_or(rule.rust, |level| level.min(rule.rust));
        let on_wire = |way: u8| {
            let is_text = way & (way::TRANSPORT | way::TEXT | way::HEADER) != 0;
            let rule = rules::of_schema(finding.as_text.filter(|_| is_text).unwrap_or(&finding.kind), direction(way));
            let rust = match way {
                _ if way & way::PLAIN != 0 => Level::None,
                // Fields of webhooks are always an `Option`.
                way::WEBHOOK if finding.kind.starts_with("property-became") => Level::Patch,
                _ => rust_of(rule),
            };
            (rule, rule.wire, rust)
        };
        // Not on the wire, or only in the direction that `readOnly` or `writeOnly` excludes.
        let off_wire = |way: u8| {
            let rule = rules::of_schema(&finding.kind, direction(way));
            let is_typed = all & !(way::PLAIN | way::WEBHOOK) != 0;
            (rule, rule.wire.min(Level::Patch), if is_typed { rust_of(rule) } else { Level::None })
        };
        let candidates: Vec<(&Rule, Level, Level)> = match ways {
            0 => {
                let directions = [way::SENT, way::RECEIVED].into_iter();
                directions.filter(|way| all & (way | way::UNUSED) != 0).map(off_wire).collect()
            }
            _ => ON_WIRE.into_iter().filter(|way| ways & way != 0).map(on_wire).collect(),
        };
        // The first of those that weigh the most names the change.
        let heaviest = candidates.iter().rev().max_by_key(|(_, wire, rust)| wire.max(rust));
        let Some((rule, ..)) = heaviest else { return };
        let levels = candidates.iter().fold((Level::None, Level::None), |(wire, rust), (_, on_wire, in_rust)| {
            (wire.max(*on_wire), rust.max(*in_rust))
        });
        let seen = by_way.iter().filter(|(way, _)| ways == 0 || **way & finding.mask != 0);
        let operations: BTreeSet<String> = seen.flat_map(|(_, operations)| operations.iter().cloned()).collect();
        self.note_of(rule, levels, operations, finding.sides, finding.message);
    }
}
