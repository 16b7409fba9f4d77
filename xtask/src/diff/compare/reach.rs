//! The operations that a difference between two schemas affects, and its levels there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Comparison, Finding, way};
use crate::diff::{
    change::Level,
    rules::{self, Direction, Rule},
};

impl Comparison<'_> {
    /// Turns findings into changes: follows each unit back to the operations that use it.
    pub(crate) fn reach(&mut self) {
        let mut users: Vec<Vec<(usize, u8)>> = vec![Vec::new(); self.units.len()];
        for (from, unit) in self.units.iter().enumerate() {
            for (to, mask) in &unit.edges {
                if let Some(users) = users.get_mut(*to) {
                    users.push((from, *mask));
                }
            }
        }
        let mut roots: HashMap<usize, Vec<(Option<usize>, u8)>> = HashMap::new();
        for (operation, way, unit) in std::mem::take(&mut self.roots) {
            roots.entry(unit).or_default().push((operation, way));
        }
        for (at, unit) in std::mem::take(&mut self.units).into_iter().enumerate() {
            if unit.findings.is_empty() {
                continue;
            }
            // The ways of using the unit, with their operations.
            let mut by_way: BTreeMap<u8, BTreeSet<usize>> = BTreeMap::new();
            let mut seen = HashSet::new();
            let mut open = vec![(at, way::ALL)];
            while let Some((unit, ways)) = open.pop() {
                if ways == 0 || !seen.insert((unit, ways)) {
                    continue;
                }
                for (operation, way) in roots.get(&unit).into_iter().flatten().filter(|(_, way)| way & ways != 0) {
                    by_way.entry(*way).or_default().extend(operation);
                }
                open.extend(users.get(unit).into_iter().flatten().map(|(user, mask)| (*user, ways & mask)));
            }
            if by_way.is_empty() {
                by_way.insert(way::UNUSED, BTreeSet::new());
            }
            for finding in unit.findings {
                self.judge(finding, &by_way);
            }
        }
    }

    fn judge(&mut self, finding: Finding, by_way: &BTreeMap<u8, BTreeSet<usize>>) {
        let ways = by_way.keys().fold(0, |all, way| all | way) & finding.mask;
        let rust_of = |rule: &Rule| finding.rust.map_or(rule.rust, |level| level.min(rule.rust));
        let (mut wire, mut rust) = (Level::None, Level::None);
        let mut candidates: Vec<(&'static Rule, Level, Level)> = Vec::new();
        for (way, direction) in [
            (way::REQUEST, Direction::Request),
            (way::SUCCESS, Direction::Response),
            (way::TRANSPORT, Direction::Request),
            (way::UNTYPED, Direction::Response),
            (way::WEBHOOK, Direction::Response),
            (way::TEXT, Direction::Request),
            (way::HEADER, Direction::Response),
        ] {
            if ways & way == 0 {
                continue;
            }
            let is_text = matches!(way, way::TRANSPORT | way::TEXT | way::HEADER);
            let kind = finding.as_text.filter(|_| is_text).unwrap_or(finding.kind);
            let rule = rules::of_schema(kind, direction);
            let rust = match way {
                way::TRANSPORT | way::UNTYPED | way::HEADER => Level::None,
                // Fields of webhooks are always an `Option`.
                way::WEBHOOK if finding.kind.starts_with("property-became") => Level::Patch,
                _ => rust_of(rule),
            };
            candidates.push((rule, rule.wire, rust));
        }
        if candidates.is_empty() {
            // Not on the wire, or only in the direction that `readOnly` or `writeOnly` excludes.
            let leads = |ways: u8| by_way.keys().any(|way| way & ways != 0);
            let typed = leads(way::UNUSED | way::REQUEST | way::TEXT | way::SUCCESS);
            for (direction, ways) in [(Direction::Request, way::SENT), (Direction::Response, way::ANSWERED)] {
                if leads(ways | way::UNUSED) {
                    let rule = rules::of_schema(finding.kind, direction);
                    let rust = if typed { rust_of(rule) } else { Level::None };
                    candidates.push((rule, rule.wire.min(Level::Patch), rust));
                }
            }
        }
        let mut chosen: Option<(&'static Rule, Level)> = None;
        for (rule, on_wire, in_rust) in candidates {
            (wire, rust) = (wire.max(on_wire), rust.max(in_rust));
            let level = on_wire.max(in_rust);
            if chosen.is_none_or(|(_, most)| level > most) {
                chosen = Some((rule, level));
            }
        }
        let Some((rule, level)) = chosen else { return };
        if level == Level::None {
            (wire, rust) = (Level::Patch, Level::None);
        }
        let seen = by_way.iter().filter(|(way, _)| ways == 0 || **way & finding.mask != 0);
        let operations: BTreeSet<usize> = seen.flat_map(|(_, operations)| operations.iter().copied()).collect();
        self.note_as(rule.id, (wire, rust), operations, finding.sides, finding.message);
    }
}
